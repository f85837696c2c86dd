"""The rules of folds, by hand: six recordings of three speakers, each of whom is tested once."""

from __future__ import annotations

import pandas as pd
import pytest

from reports.run_directory.fold_offences import Offence, Rule, offences, offenders_of

RECORDINGS = pd.DataFrame(
    {
        "recording_id": ["a0", "a1", "b0", "b1", "c0", "c1"],
        "speaker": ["a", "a", "b", "b", "c", "c"],
        "content_hash": ["1", "2", "3", "4", "5", None],
    }
)
ROLES = {
    "a": ("test", "train", "validation"),
    "b": ("validation", "test", "train"),
    "c": ("train", "validation", "test"),
}
FOLDS = pd.DataFrame(
    [
        {"protocol": "grouped", "recording_id": name, "repetition": 0, "fold": fold, "role": ROLES[name[0]][fold]}
        for fold in range(3)
        for name in RECORDINGS["recording_id"]
    ]
)


def with_role(role: str, fold: int, *names: str) -> pd.DataFrame:
    return FOLDS.assign(role=FOLDS["role"].mask((FOLDS["fold"] == fold) & FOLDS["recording_id"].isin(names), role))


def with_hash(content_hash: str | None, *names: str) -> pd.DataFrame:
    return RECORDINGS.assign(
        content_hash=RECORDINGS["content_hash"].mask(RECORDINGS["recording_id"].isin(names), content_hash)
    )


def test_folds_that_keep_the_rules_have_no_offence() -> None:
    assert list(offences(FOLDS, RECORDINGS)) == []


def test_an_offence_names_speaker_split_and_roles() -> None:
    assert list(offences(with_role("train", 1, "b0"), RECORDINGS)) == [
        Offence(Rule.SPEAKER, "b", "grouped", 0, 1, ("test", "train"))
    ]


@pytest.mark.parametrize(
    ("rule", "folds", "recordings", "names"),
    [
        (Rule.DOUBLE, FOLDS, pd.concat([RECORDINGS, RECORDINGS[:1]]), ["a0"]),
        (Rule.UNKNOWN, FOLDS, RECORDINGS[1:], ["a0"]),
        (Rule.SPEAKER, with_role("train", 0, "b1", "a0"), RECORDINGS, ["a", "b"]),
        (Rule.COPY, FOLDS, with_hash("same", "a0", "c1"), ["a0", "c1"]),
        (Rule.TESTED_TWICE, with_role("test", 0, "c0", "c1"), RECORDINGS, ["c0", "c1"]),
        (Rule.UNTESTED, with_role("train", 1, "b0", "b1"), RECORDINGS, ["b"]),
    ],
)
def test_each_rule_names_who_breaks_it_and_no_other_is_broken(
    rule: Rule, folds: pd.DataFrame, recordings: pd.DataFrame, names: list[str]
) -> None:
    broken = list(offences(folds, recordings))
    assert {offence.rule for offence in broken} == {rule}
    assert offenders_of(broken, rule) == names


def test_copies_on_one_side_and_recordings_without_a_hash_break_nothing() -> None:
    assert (
        list(offences(FOLDS, with_hash("same", "a0", "a1"))) == list(offences(FOLDS, with_hash(None, "a0", "b0"))) == []
    )


def test_every_protocol_and_repetition_is_looked_at_on_its_own() -> None:
    folds = pd.concat([FOLDS, FOLDS.assign(repetition=1), with_role("train", 0, "b0").assign(protocol="other")])
    assert list(offences(folds, RECORDINGS)) == [Offence(Rule.SPEAKER, "b", "other", 0, 0, ("train", "validation"))]
