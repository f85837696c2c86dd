"""Tasks: which property is recognised, its classes, and whether a corpus has speakers enough for it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from benchmarks.errors import TaskError
from features.corpora.recordings import offenders

MIN_FOLDS = 3
"""Fewest folds in which a class can be in training, validation and test at once."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A property to recognise.

    Attributes
    ----------
    name
        Name on the command line.
    column
        Column of the recordings table that holds the label.
    question
        The question a model answers, for the report.
    per_speaker
        True where the label belongs to the speaker, False where it belongs to the recording.
    """

    name: str
    column: str
    question: str
    per_speaker: bool = True

    @property
    def attribute(self) -> str | None:
        """The group attribute that the label is; None where it is the recording's."""
        return self.column if self.per_speaker else None


TASKS = {
    task.name: task
    for task in (
        Task(name="gender", column="gender", question="is the speaker a woman or a man?"),
        Task(name="digit", column="digit", question="which digit is spoken?", per_speaker=False),
        Task(name="accent", column="accent_bucket", question="which accent does the speaker state?"),
        Task(name="native-speaker", column="native_speaker", question="is the speaker a native speaker of English?"),
        Task(name="age", column="age_band", question="which age band is the speaker in?"),
        Task(name="origin", column="origin_bucket", question="which country does the speaker come from?"),
    )
}


@dataclass(frozen=True, kw_only=True)
class LabelledRecordings:
    """The recordings that have a label, the label of each row as text, and the classes, sorted.

    `notes` say how many speakers and recordings were left out for want of a label.
    """

    recordings: pd.DataFrame
    labels: pd.Series
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def find_task(name: str) -> Task:
    """Return the task called `name`; raise `TaskError` naming the known ones if there is none."""
    if name not in TASKS:
        raise TaskError(f"task '{name}': expected one of {', '.join(TASKS)}")
    return TASKS[name]


def label_recordings(recordings: pd.DataFrame, task: Task) -> LabelledRecordings:
    """Take the recordings that have a label for `task`.

    Raises
    ------
    TaskError
        No recording has a label, all have the same one, or a class has fewer than three speakers.
    """
    recordings = recordings.sort_values("recording_id", ignore_index=True)
    labels = recordings[task.column]
    known = labels.notna()
    if not known.any():
        raise TaskError(
            f"task '{task.name}': no recording of this corpus has a value of '{task.column}'; choose another task"
        )
    kept = recordings[known].reset_index(drop=True)
    kept_labels = labels[known].astype("str").reset_index(drop=True)
    classes = tuple(sorted(kept_labels.unique()))
    _check_classes(task, kept, kept_labels)
    left_out = recordings.loc[~known, "speaker"]
    note = (
        f"Left out of this task for want of a value of {task.column}: {len(left_out):,} recordings of speakers "
        f"{offenders(left_out.unique(), most=60)}."
    )
    notes = (note,) if len(left_out) else ()
    return LabelledRecordings(recordings=kept, labels=kept_labels, classes=classes, notes=notes)


def _check_classes(task: Task, recordings: pd.DataFrame, labels: pd.Series) -> None:
    speakers = class_sizes(recordings, labels)
    counts = ", ".join(f"{name} {count}" for name, count in speakers.items())
    if len(speakers) < 2:
        raise TaskError(f"task '{task.name}': needs at least two classes, this corpus has speakers of {counts} only")
    if speakers.min() < MIN_FOLDS:
        raise TaskError(
            f"task '{task.name}': every class needs at least {MIN_FOLDS} speakers (train, validate, test); "
            f"this corpus has {counts}; merge the small classes or choose another task"
        )


def class_sizes(recordings: pd.DataFrame, labels: pd.Series) -> pd.Series:
    """Count the speakers of each class."""
    return recordings["speaker"].groupby(labels).nunique()
