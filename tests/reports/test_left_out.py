"""The page's table of recordings left out."""

from __future__ import annotations

from reports.page.sections.accuracy import MOST_LEFT_OUT, quarantine


def test_recordings_are_listed_by_reason_and_no_million_of_them() -> None:
    many = [{"recording": f"{number}.wav", "reason": "cut short"} for number in range(MOST_LEFT_OUT + 3)]
    table = quarantine({"quarantine": [*many, {"recording": "x.wav", "reason": "empty"}]})
    assert table is not None
    assert list(table.rows[1]) == ["empty", "1", "x.wav"]
    reason, count, names = table.rows[0]
    assert (reason, count) == ("cut short", "1,003")
    assert names.startswith("0.wav, 1.wav, ") and names.endswith("999.wav and 3 more, in quarantine.parquet")
