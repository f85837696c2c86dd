"""Two names with the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.corpora.doubles import without_doubles
from features.corpora.recordings import Corpus, CorpusError, quarantine_table, recordings_table


def corpus(*rows: tuple[str, str, int, str | None]) -> Corpus:
    table = recordings_table(
        {"recording_id": name, "path": f"{name}.wav", "speaker": speaker, "digit": digit}
        for name, speaker, digit, _ in rows
    )
    hashes = {name: content for name, _, _, content in rows}
    table["content_hash"] = table["recording_id"].map(hashes).astype("str")
    return Corpus(
        kind="manifest",
        name="x",
        root=Path(),
        recordings=table,
        quarantine=quarantine_table([("old.wav", "why")]),
        sample_rate_hz=8_000,
    )


def test_a_speakers_own_double_goes_and_the_first_stays() -> None:
    found = without_doubles(corpus(("c", "x", 1, "h"), ("b", "x", 1, "h"), ("a", "y", 1, "g"), ("d", "x", 1, "h")))
    assert found.recordings["recording_id"].tolist() == ["a", "b"]
    reason = "has the same bytes as b.wav, which is used; keep one of them"
    assert found.quarantine.to_numpy().tolist() == [["c.wav", reason], ["d.wav", reason], ["old.wav", "why"]]


def test_nobody_knows_whose_voice_two_speakers_share() -> None:
    found = without_doubles(
        corpus(("a", "x", 1, "h"), ("b", "x", 1, "h"), ("c", "y", 1, "h"), ("d", "y", 1, None), ("e", "z", 1, None))
    )
    assert found.recordings["recording_id"].tolist() == ["d", "e"]  # without a hash, nobody's double
    reasons = dict(found.quarantine.itertuples(index=False, name=None))
    assert reasons["a.wav"].startswith("has the same bytes as c.wav, of speaker y; nobody knows whose voice it is")
    assert reasons["b.wav"] == reasons["a.wav"]
    assert reasons["c.wav"].startswith("has the same bytes as a.wav, of speaker x; nobody knows")


def test_nobody_knows_which_of_two_digits_is_said() -> None:
    found = without_doubles(corpus(("a", "x", 1, "h"), ("b", "x", 2, "h"), ("c", "x", 3, "g")))
    assert found.recordings["recording_id"].tolist() == ["c"]
    assert found.quarantine["reason"].str.contains("which says another digit; nobody knows which is said").sum() == 2


def test_without_doubles_nothing_changes() -> None:
    whole = corpus(("a", "x", 1, "h"), ("b", "x", 1, "g"))
    assert without_doubles(whole) is whole


def test_nothing_but_doubles_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"none of the 2 recordings can be used; a\.wav has the same bytes as b\.wav"):
        without_doubles(corpus(("a", "x", 1, "h"), ("b", "y", 1, "h")))
