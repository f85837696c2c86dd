"""The rules that folds must keep, and who breaks them: asked by a run before it starts, by its audit, and by its gates.

The folds table alone says which recording stands on which side of which split; the recordings table says who speaks in
it, and which recordings are the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

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


@dataclass(frozen=True)
class Offence:
    """One speaker or recording that breaks a rule.

    Attributes
    ----------
    rule
        The rule.
    name
        The speaker, or the recording's id.
    protocol, repetition, fold
        The split, as far as the rule is of one.
    roles
        Sides of the split on which it stands, sorted.
    """

    rule: Rule
    name: str
    protocol: str = ""
    repetition: int | None = None
    fold: int | None = None
    roles: tuple[str, ...] = ()


def offences(folds: pd.DataFrame, recordings: pd.DataFrame) -> list[Offence]:
    """Return all that `folds` do and must not, rule by rule; protocols that share speakers by design are no exception.

    Parameters
    ----------
    folds
        Table of folds, of any protocols.
    recordings
        Table with ``recording_id``, ``speaker`` and ``content_hash``.
    """
    ids = recordings["recording_id"]
    rows = sides(folds, recordings)
    tested = rows[rows["role"] == "test"]
    return [
        *(Offence(Rule.DOUBLE, str(name)) for name in ids[ids.duplicated()]),
        *_by_recording(Rule.UNKNOWN, rows[rows["speaker"].isna()]),
        *_by_speaker(_on_two_sides(rows, "speaker")),
        *_by_recording(Rule.COPY, _on_two_sides(rows, "content_hash")),
        *_by_recording(Rule.TESTED_TWICE, tested[tested.duplicated(["protocol", "repetition", "recording_id"])]),
        *_untested(rows),
    ]


def offenders_of(offences: Iterable[Offence], rule: Rule) -> list[str]:
    """Return who breaks `rule`, each once, sorted."""
    return sorted({offence.name for offence in offences if offence.rule is rule})


def sides(folds: pd.DataFrame, recordings: pd.DataFrame) -> pd.DataFrame:
    """Return the folds with ``speaker`` and ``content_hash`` of each recording, missing where they are not known."""
    known = recordings[["recording_id", "speaker", "content_hash"]].drop_duplicates("recording_id")
    return folds.merge(known, on="recording_id", how="left")


def _on_two_sides(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Return the rows of a split whose `unit`, where it is known, has several roles in it."""
    n_roles = rows.groupby([*SPLIT, unit])["role"].nunique()
    shared = n_roles.index[n_roles > 1]
    return rows.merge(shared.to_frame(index=False), on=[*SPLIT, unit]) if len(shared) else rows.iloc[:0]


def _by_recording(rule: Rule, rows: pd.DataFrame) -> Iterator[Offence]:
    table = rows[["recording_id", *SPLIT, "role"]]
    for name, protocol, repetition, fold, role in table.itertuples(index=False, name=None):
        yield Offence(rule, str(name), protocol, repetition, fold, (role,))


def _by_speaker(rows: pd.DataFrame) -> Iterator[Offence]:
    columns = [*SPLIT, "speaker", "role"]
    table = rows[columns].drop_duplicates().sort_values(columns).itertuples(index=False, name=None)
    for (protocol, repetition, fold, speaker), group in groupby(table, key=lambda row: row[:4]):
        yield Offence(Rule.SPEAKER, str(speaker), protocol, repetition, fold, tuple(role for *_, role in group))


def _untested(rows: pd.DataFrame) -> Iterator[Offence]:
    is_tested = (rows["role"] == "test").groupby([rows["protocol"], rows["repetition"], rows["speaker"]]).any()
    for protocol, repetition, speaker in is_tested.index[~is_tested]:
        yield Offence(Rule.UNTESTED, str(speaker), protocol, repetition)
