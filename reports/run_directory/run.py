"""A run directory, read and checked: the only thing that `reports` knows of the rest of the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reports.run_directory import tables
from reports.run_directory.files import ChangedTableError, TableError, refuse_links
from reports.run_directory.manifest import Manifest
from reports.run_directory.manifest import Task as Task
from reports.terms import INTERSECTION, MAJORITY, NOT_STATED, Json


@dataclass(frozen=True, kw_only=True)
class Run:
    """The tables of a run directory and its manifest.

    Attributes
    ----------
    folder
        The run directory.
    manifest
        The manifest as it is.
    task
        What was to be recognised.
    protocol
        Name of the main protocol.
    models
        Names of the models: first those of the manifest, in its order, then others that have predictions.
    recordings, quarantine, folds, predictions, timings
        The tables (`reports.run_directory.tables.SCHEMAS`). In `recordings` and `predictions` missing attributes are
        `NOT_STATED` and the intersection of gender and accent bucket is a column; in `predictions` text is
        categorical, and ``y_true`` and ``y_pred`` have the task's classes as categories, in their order.
    """

    folder: Path
    manifest: Json
    task: Task
    protocol: str
    models: tuple[str, ...]
    recordings: pd.DataFrame
    quarantine: pd.DataFrame
    folds: pd.DataFrame
    predictions: pd.DataFrame
    timings: pd.DataFrame

    @property
    def main(self) -> pd.DataFrame:
        """Predictions of all models under the main protocol."""
        return self.predictions[self.predictions["protocol"] == self.protocol]

    def rows(self, model: str, protocol: str | None = None) -> pd.DataFrame:
        """Return the predictions of `model` under `protocol`, by default the main one."""
        return self._parts.get((model, protocol or self.protocol), self.predictions.iloc[:0])

    def is_baseline(self, model: str) -> bool:
        """Tell whether `model` is there for orientation only."""
        return any(bool(entry.get("baseline")) for entry in self.manifest["models"] if entry["name"] == model)

    @property
    def contenders(self) -> tuple[str, ...]:
        """Models that are compared: all but the baselines."""
        return tuple(model for model in self.models if not self.is_baseline(model))

    @property
    def judged(self) -> tuple[str, ...]:
        """Models that the answer speaks of: those that are compared or, if there are none, the trained baselines."""
        trained = tuple(model for model in self.models if model != MAJORITY)
        return self.contenders or trained or self.models

    @cached_property
    def _parts(self) -> dict[tuple[str, str], pd.DataFrame]:
        grouped = self.predictions.groupby(["model", "protocol"], observed=True, sort=True)
        return {(str(model), str(protocol)): rows for (model, protocol), rows in grouped}

    @cached_property
    def tested(self) -> pd.DataFrame:
        """Rows of `recordings` that the main protocol tests."""
        folds = self.folds[(self.folds["protocol"] == self.protocol) & (self.folds["role"] == "test")]
        return self.recordings[self.recordings["recording_id"].isin(folds["recording_id"])]


def load(folder: Path) -> Run:
    """Read and check a run directory.

    Raises
    ------
    reports.run_directory.files.TableError
        A table or the manifest is missing or not as declared, or a table's checksum is not the manifest's.
    """
    manifest = read_manifest(folder)
    try:
        return _load(folder, manifest)
    except ChangedTableError:
        now = read_manifest(folder)
        if now == manifest:
            raise
        return _load(folder, now)  # the run wrote its tables anew just then


def _load(folder: Path, manifest: Json) -> Run:
    task = Task.model_validate(manifest["task"])
    read = partial(_read_table, folder, manifest)
    predictions = read("predictions")
    _check_predictions(predictions, task)
    predictions = _categorised(with_groups(predictions), task)
    listed = [str(entry["name"]) for entry in manifest["models"]]
    unlisted = sorted(set(predictions["model"]) - set(listed))
    return Run(
        folder=folder,
        manifest=manifest,
        task=task,
        protocol=str(manifest["protocol"]["name"]),
        models=(*listed, *unlisted),
        recordings=with_groups(read("recordings")),
        quarantine=read("quarantine"),
        folds=read("folds"),
        predictions=predictions,
        timings=read("timings"),
    )


def _read_table(folder: Path, manifest: Json, name: str) -> pd.DataFrame:
    """Read a table; where the manifest holds its checksum, it must have that one."""
    sums = manifest.get("files", {})
    sha256 = sums.get(f"{name}.parquet") if isinstance(sums, dict) else None
    return tables.read(name, folder, sha256=None if sha256 is None else str(sha256))


def with_groups(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table` with every missing attribute as `NOT_STATED`, and the intersection as a further column."""
    filled = table.assign(**{name: table[name].fillna(NOT_STATED).astype(str) for name in tables.GROUP_COLUMNS})
    return filled.assign(**{INTERSECTION: filled["gender"] + ", " + filled["accent_bucket"]})


def _categorised(predictions: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return `predictions` with integers in place of repeated text: grouping 30,000 rows takes 2 ms in place of 20."""
    labels = pd.CategoricalDtype(task.classes)
    texts = ("model", "protocol", "recording_id", "speaker", *tables.GROUP_COLUMNS, INTERSECTION)
    return predictions.astype({**dict.fromkeys(texts, "category"), "y_true": labels, "y_pred": labels})


def read_manifest(folder: Path) -> Json:
    """Read and check the manifest of a run directory.

    Raises
    ------
    reports.run_directory.files.TableError
        There is none, it is not that of a run, or the directory holds links.
    """
    if (folder / Manifest.FILE).exists():
        refuse_links(folder)
    manifest = Manifest.read(folder)
    if manifest is None:
        raise TableError(f"{Manifest.FILE} is missing in {folder}; is this a run directory?")
    return manifest


def flat(name: str, value: object) -> list[tuple[str, object]]:
    """Return the entries of a part of the manifest under dotted names; prose, which pages print, is left out."""
    if not isinstance(value, dict):
        return [(name, value)]
    kept = sorted(str(key) for key in value if key not in ("notes", "sentences"))
    return [entry for key in kept for entry in flat(f"{name}.{key}", value[key])]


def _check_predictions(predictions: pd.DataFrame, task: Task) -> None:
    labels = set(predictions["y_true"].unique()) | set(predictions["y_pred"].unique())
    if unknown := sorted(labels - set(task.classes)):
        raise TableError(
            f"table 'predictions': {len(unknown)} labels are no class of the task, such as {unknown[:5]}; "
            f"the classes are {task.classes}"
        )
    other = predictions[predictions["scores"].map(len) != len(task.classes)]
    if len(other):
        first = other.iloc[0]
        raise TableError(
            f"table 'predictions': recording '{first['recording_id']}' has {len(first['scores'])} scores of model "
            f"'{first['model']}', expected {len(task.classes)}, one per class"
        )


def scores_of(rows: pd.DataFrame, classes: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the scores of `rows` as one array, float64, shape ``(n_rows, n_classes)``."""
    if rows.empty:
        return np.empty((0, len(classes)))
    return np.stack(rows["scores"].to_list()).astype(np.float64)
