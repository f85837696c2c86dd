"""The rules that every run enforces on its folds: no leak, and nobody is taught nothing."""

from __future__ import annotations

import pandas as pd

from benchmarks.errors import LeakError, TaskError
from benchmarks.protocol.tasks import LabelledRecordings
from features.corpora.recordings import offenders
from reports.run_directory.fold_offences import SPLIT, Rule, offences, offenders_of
from reports.terms import RANDOM, ROLES

_LEAKS = (Rule.SPEAKER, Rule.COPY)


def check_folds(folds: pd.DataFrame, labelled: LabelledRecordings) -> None:
    """Stop if a split leaks or cannot teach; ``recording-random`` shares speakers by design.

    Raises
    ------
    TaskError
        A speaker, or byte-identical audio, is on two sides of a split; a recording is tested twice in one repetition;
        a role is empty; or a class is missing from training. The message names the offending ids.
    """
    broken = [
        offence
        for offence in offences(folds, labelled.recordings)
        if offence.rule is not Rule.UNTESTED and (offence.rule, offence.protocol) != (Rule.SPEAKER, RANDOM)
    ]
    if broken:
        rule = broken[0].rule
        remedy = "; remove the copies" if rule is Rule.COPY else ""
        error = LeakError if rule in _LEAKS else TaskError
        raise error(f"{rule}: {offenders(offenders_of(broken, rule))}{remedy}")
    _check_roles(folds, labelled)


def _check_roles(folds: pd.DataFrame, labelled: LabelledRecordings) -> None:
    label_of = pd.Series(labelled.labels.to_numpy(), index=labelled.recordings["recording_id"])
    for key, rows in folds.assign(label=folds["recording_id"].map(label_of)).groupby(SPLIT):
        name = "{} repetition {} fold {}".format(*key)
        empty = [role for role in ROLES if role not in set(rows["role"])]
        if empty:
            raise TaskError(f"{name}: no recording in {' and '.join(empty)}; use fewer folds or another protocol")
        missing = sorted(set(labelled.classes) - set(rows.loc[rows["role"] == "train", "label"]))
        if missing:
            raise TaskError(
                f"{name}: no training recording of {offenders(missing)}; use fewer folds or another protocol"
            )
