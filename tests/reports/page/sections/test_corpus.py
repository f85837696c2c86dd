"""Who was heard, on the page: what was cleaned, and what was left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reports.page.page import rebuild
from reports.page.sections.corpus import MOST_LEFT_OUT, quarantine


def test_recordings_are_listed_by_reason_and_no_million_of_them() -> None:
    many = [{"recording": f"{number}.wav", "reason": "cut short"} for number in range(MOST_LEFT_OUT + 3)]
    table = quarantine({"quarantine": [*many, {"recording": "x.wav", "reason": "empty"}]})
    assert table is not None
    assert list(table.rows[1]) == ["empty", "1", "x.wav"]
    reason, count, names = table.rows[0]
    assert (reason, count) == ("cut short", "1,003")
    assert names.startswith("0.wav, 1.wav, ") and names.endswith("999.wav and 3 more, in quarantine.parquet")


def test_what_was_cleaned_is_said_once(make_run: Callable[..., Path]) -> None:
    notes = ["accent 'german ' was read as 'German' (1 speaker).", "33 of 60 speakers are missing."]
    html = rebuild(make_run(corpus={"notes": notes})).read_text(encoding="utf-8")
    assert "was read as" not in html
    assert "33 of 60 speakers are missing." in html
