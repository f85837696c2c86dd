"""The leakage audit: ways by which a model could know a test recording's label without recognising the speaker.

It reads the folds that the cells' jobs are made from. A check that finds a leak fails the command; an attribute that
tells the label is a warning. What each check cannot find is part of what it says. docs/reliability.md has what was
planted and found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.cells.cell import CellJob
from benchmarks.leakage import isolation
from benchmarks.leakage.copies import Sound, identical, near_duplicates
from benchmarks.leakage.shortcuts import Telling, telling_attributes
from benchmarks.protocol.inputs import Inputs
from features.cache.entries import Features
from reports.run_directory.audit import CLEAR, LEAK, NOT_LOOKED, SCHEMA, WARNING, Audit, Check, Outcome, findings_of
from reports.run_directory.fold_offences import SPLIT, Rule, offences, offenders_of, sides
from reports.terms import RANDOM, ROLES

MOST_NAMED = 5
SAME_BYTES = "the same bytes as"
"""What the reason of a quarantined recording says if its file is a copy of another's."""


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Roles of all rows of the tensor in all splits.

    `sides` has them by split and row: 0 where the recording is not in the split, else 1 and up in the order of `ROLES`.
    """

    names: tuple[str, ...]
    sides: NDArray[np.int8]
    recording_id: NDArray[Any]
    speaker: NDArray[Any]

    @property
    def used(self) -> NDArray[np.int64]:
        """Rows that are in any split."""
        return np.flatnonzero((self.sides > 0).any(axis=0))

    def apart(self, rows: Iterable[int]) -> str | None:
        """Name the first split in which `rows` stand on two sides, and the sides; None where there is none."""
        for name, roles in zip(self.names, self.sides[:, list(rows)], strict=True):
            different = sorted(set(roles[roles > 0].tolist()))
            if len(different) > 1:
                return f"{' and '.join(ROLES[role - 1] for role in different)} of {name}"
        return None


def audit(inputs: Inputs, job: CellJob | None) -> dict[str, Any]:
    """Return the content of ``audit.json``: every check with what it looked for, found, and cannot find.

    A random split beside another protocol shares speakers by design and is not looked at; what a model is handed is
    seen from `job`, of a cell, if there is one.
    """
    folds, protocol = inputs.plan.folds, inputs.settings.protocol
    kept = folds[(folds["protocol"] == protocol) | (folds["protocol"] != RANDOM)]
    splits = splits_of(kept, inputs.features.index["recording_id"], inputs.labelled.recordings)
    used = splits.used
    sets = (np.intersect1d(rows, used) for rows in identical(inputs.features.values))
    copies = [rows for rows in sets if len(rows) > 1]
    with threadpool_limits(1, user_api="blas"):  # a matrix product's last bits depend on the number of threads
        checks = [
            _speakers(kept, inputs),
            _identical(copies, splits, inputs),
            _near(copies, splits, inputs.features),
            _preprocessing(inputs, job),
            _groups(telling_attributes(inputs.labelled, inputs.task)),
        ]
    return Audit.check_content(
        {"schema": SCHEMA, "protocol": protocol, "checks": [check.model_dump() for check in checks]}
    )


def lines(audit: dict[str, Any]) -> list[str]:
    """Return an audit as lines for a terminal."""
    return [
        f"{check['outcome']:14} {check['title'].lower()}: {check['looked_at']}"
        + (f" {findings_of(check)}." if check["findings"] else "")
        for check in audit["checks"]
    ]


def splits_of(folds: pd.DataFrame, recording_ids: pd.Series, recordings: pd.DataFrame) -> Splits:
    """Arrange a folds table by rows of the tensor."""
    row_of = pd.Series(np.arange(len(recording_ids)), index=recording_ids)
    number = {role: place for place, role in enumerate(ROLES, start=1)}
    names, sides = [], []
    for (protocol, repetition, fold), rows in folds.groupby(SPLIT, sort=False):
        roles = np.zeros(len(recording_ids), dtype=np.int8)
        roles[row_of[rows["recording_id"]].to_numpy()] = rows["role"].map(number).to_numpy()
        names.append(f"{protocol}, repetition {repetition}, fold {fold}")
        sides.append(roles)
    speaker = recordings.set_index("recording_id")["speaker"].reindex(recording_ids)
    return Splits(
        names=tuple(names),
        sides=np.stack(sides),
        recording_id=recording_ids.to_numpy(dtype=object),
        speaker=speaker.to_numpy(dtype=object),
    )


def _check(findings: Sequence[str], outcome: Outcome = LEAK, **said: Any) -> Check:
    """Make a check, of `outcome` where there are findings; only the first of many are named."""
    counted = {"n_findings": len(findings), "numbers": {}, **said}
    return Check(outcome=outcome if findings else CLEAR, findings=list(findings[:MOST_NAMED]), **counted)


def _speakers(folds: pd.DataFrame, inputs: Inputs) -> Check:
    recordings = inputs.labelled.recordings
    by_design = inputs.settings.protocol == RANDOM
    shared = [] if by_design else [each for each in offences(folds, recordings) if each.rule is Rule.SPEAKER]
    n_splits = folds[SPLIT].drop_duplicates().shape[0]
    n_speakers = sides(folds, recordings)["speaker"].nunique()
    check = _check(
        [
            f"speaker '{each.name}' in {' and '.join(each.roles)} of {each.protocol}, repetition {each.repetition}, "
            f"fold {each.fold}"
            for each in shared
        ],
        name="speakers",
        title="Speakers on two sides",
        looked_for="A speaker with recordings in two of training, validation and test of one split.",
        looked_at=f"{n_splits} splits of {n_speakers} speakers, in the folds that the cells read."
        + (" This protocol shares speakers by design." if by_design else ""),
        n_findings=len(offenders_of(shared, Rule.SPEAKER)),
        cannot_find="One person under two names: speakers are told apart by their names alone.",
    )
    return check.model_copy(update={"outcome": NOT_LOOKED}) if by_design else check


def _identical(copies: Sequence[NDArray[np.int64]], splits: Splits, inputs: Inputs) -> Check:
    findings = []
    for rows in copies:
        on_sides, voices = splits.apart(rows), sorted(set(splits.speaker[rows]))
        if on_sides or len(voices) > 1:
            names = " = ".join(f"'{name}'" for name in splits.recording_id[rows][:MOST_NAMED])
            speakers = f"speaker{'s' if len(voices) > 1 else ''} {', '.join(map(repr, voices[:MOST_NAMED]))}"
            findings.append(f"{names} ({speakers}{f'; {on_sides}' if on_sides else ''})")
    n_harmless = len(copies) - len(findings)
    n_left_out = int(inputs.corpus.quarantine["reason"].str.contains(SAME_BYTES, regex=False).sum())
    told = f"{len(splits.used):,} recordings."
    if n_harmless:
        told += f" {n_harmless} sets of copies are of one speaker and on one side, and counted as if new."
    if n_left_out:
        told += f" {n_left_out} files with the same bytes as another's were left out before."
    return _check(
        findings,
        name="identical",
        title="Identical audio",
        looked_for="Recordings whose MFCCs are equal in every bit, under names of several speakers or on two sides.",
        looked_at=told,
        cannot_find="Audio that is the same only after the end of the clip, or before it was changed in any way.",
        numbers={"n_sets": len(copies), "n_harmless": n_harmless, "n_left_out": n_left_out},
    )


def _near(copies: Sequence[NDArray[np.int64]], splits: Splits, features: Features) -> Check:
    first_frame, n_sounding = (features.index[name].to_numpy() for name in ("first_frame", "n_sounding"))
    sound = Sound(values=features.values, first_frame=first_frame, n_sounding=n_sounding)
    near = near_duplicates(sound, splits.sides)
    known = {int(row): place for place, rows in enumerate(copies) for row in rows}
    pairs = [
        (i, j, distance)
        for i, j, distance in zip(near.first.tolist(), near.second.tolist(), near.distance.tolist(), strict=True)
        if i not in known or known[i] != known.get(j)
    ]
    median = near.median if np.isfinite(near.median) else None
    usual = "" if median is None else f"; the usual distance to the nearest is {median:.3f}"
    return _check(
        [
            f"'{splits.recording_id[i]}' and '{splits.recording_id[j]}' (distance {distance:.4f}; "
            f"{splits.apart((i, j))})"
            for i, j, distance in pairs[:MOST_NAMED]
        ],
        name="near-duplicates",
        title="Near-duplicates across sides",
        looked_for="Pairs on two sides of a split that sound nearly the same, by the distance of their MFCCs.",
        looked_at=f"{near.n_pairs:,} pairs; a distance below {near.limit:.4f} counts{usual}.",
        n_findings=len(pairs),
        cannot_find="Copies with noise 30 dB below the voice or louder, at another speed or sampling rate, from a "
        "lossy codec at a low rate, or played in another room.",
        numbers={"limit": near.limit, "median": median, "n_pairs": near.n_pairs},
    )


def _preprocessing(inputs: Inputs, job: CellJob | None) -> Check:
    looked_at, findings = isolation.look(inputs, job)
    return _check(
        findings,
        name="preprocessing",
        title="Preprocessing fitted on test speakers",
        looked_for="MFCCs or views of a recording that depend on other recordings; any recordings but those of "
        "training and validation among what a model is handed to fit.",
        looked_at=looked_at,
        cannot_find="A model that fetches test recordings by itself: python -m benchmarks audit --models tries each.",
    )


def _groups(attributes: Sequence[Telling]) -> Check:
    return _check(
        [
            f"{each.attribute} alone tells {100 * each.score:.1f} % (chance {100 * each.chance:.1f} %, "
            f"corrected p {each.p_holm:.2g})"
            for each in attributes
            if each.is_significant
        ],
        WARNING,
        name="groups",
        title="Attributes that tell the label",
        looked_for="Attributes of speakers or recordings that predict the label by themselves, speakers held out.",
        looked_at=f"{len(attributes)} attributes that differ between speakers or recordings.",
        cannot_find="Attributes that nobody wrote down, such as the microphone; two that tell the label together only.",
        numbers={"attributes": [asdict(each) for each in attributes]},
    )


def models_check(findings: Sequence[str], models: Sequence[str]) -> Check:
    """Return the check of what real models do when test recordings are replaced (`isolation.peeking`)."""
    return _check(
        findings,
        name="models",
        title="Models that look at test recordings",
        looked_for="Answers that change when other test recordings and their labels are replaced; two fits a model.",
        looked_at=f"{', '.join(models)}, on the first split, in processes of their own.",
        cannot_find="A model that knows the recordings from elsewhere, such as from their files or from earlier "
        "training.",
    )
