"""The rules that folds must keep, and who breaks them: asked by runs before they start, by the audit, and by gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

import pandas as pd

SPLIT = ["protocol", "repetition", "fold"]


class Rule(StrEnum):
    """What must not occur, in the order in which it is looked for."""

    DOUBLE = "recordings that stand twice in the corpus"
    UNKNOWN = "recordings that the corpus does not have"
    SPEAKER = "speakers on two sides of a split"
    COPY = "byte-identical recordings on two sides of a split"
    TESTED_TWICE = "recordings tested twice in a repetition"
    UNTESTED = "speakers never tested in a repetition"


class Offence(NamedTuple):
    """A speaker or recording that breaks a rule, in which split (none for the corpus' own), and in which roles."""

    rule: Rule
    name: str
    protocol: str = ""
    repetition: int = 0
    fold: int = 0
    roles: tuple[str, ...] = ()


def offences(folds: pd.DataFrame, recordings: pd.DataFrame) -> Iterator[Offence]:
    """Yield all that `folds` do and must not, rule by rule; protocols that share speakers by design are no exception.

    The table `recordings` has ``recording_id``, ``speaker`` and ``content_hash``.
    """
    rows = sides(folds, recordings)
    tested = rows[rows["role"] == "test"]
    by_speaker = [rows["protocol"], rows["repetition"], rows["speaker"]]
    never = ~(rows["role"] == "test").groupby(by_speaker).transform("any").astype(bool)
    double = recordings.loc[recordings["recording_id"].duplicated(), "recording_id"]
    yield from (Offence(Rule.DOUBLE, str(name)) for name in double)
    yield from _offences(Rule.UNKNOWN, rows[rows["speaker"].isna()], "recording_id")
    yield from _offences(Rule.SPEAKER, _on_two_sides(rows, "speaker"), "speaker")
    yield from _offences(Rule.COPY, _on_two_sides(rows, "content_hash"), "recording_id")
    twice = tested.duplicated(["protocol", "repetition", "recording_id"])
    yield from _offences(Rule.TESTED_TWICE, tested[twice], "recording_id")
    yield from _offences(Rule.UNTESTED, rows[rows["speaker"].notna() & never], "speaker")


def offenders_of(offences: Iterable[Offence], rule: Rule) -> list[str]:
    """Return who breaks `rule`, each once, sorted."""
    return sorted({offence.name for offence in offences if offence.rule is rule})


def sides(folds: pd.DataFrame, recordings: pd.DataFrame) -> pd.DataFrame:
    """Return the folds with ``speaker`` and ``content_hash`` of each recording, missing where they are not known."""
    known = recordings[["recording_id", "speaker", "content_hash"]].drop_duplicates("recording_id")
    return folds.merge(known, on="recording_id", how="left")


def _on_two_sides(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Return the rows of a split whose `unit`, where it is known, has several roles in it."""
    known = rows[rows[unit].notna()]
    return known[known.groupby([*SPLIT, unit])["role"].transform("nunique") > 1]


def _offences(rule: Rule, rows: pd.DataFrame, unit: str) -> Iterator[Offence]:
    columns = [*SPLIT, unit, "role"]
    table = rows[columns].drop_duplicates().sort_values(columns).itertuples(index=False, name=None)
    for (protocol, repetition, fold, name), same in groupby(table, key=lambda row: row[:4]):
        yield Offence(rule, str(name), protocol, repetition, fold, tuple(role for *_, role in same))
