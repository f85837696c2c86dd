"""A cell: one model on one split with one seed; fitted, asked and timed in a process of its own.

``python -m benchmarks.cells`` reads a job (`CellJob` as JSON) from standard input and leaves the cell's folder:
``predictions.parquet``, ``timings.parquet`` and ``cell.json``, which holds the checksums of the others; written under a
temporary name, then renamed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.cache import Features, load_features
from features.processes import end_with
from features.views import view
from models.catalogue import display_name, resolve
from models.files import import_for_saving, save_model
from models.protocol import Examples, Model, ModelSetup, Prediction, SavableModel
from reports import tables
from reports.files import checksum, odd_value

N_SINGLE_CALLS = 100
"""Recordings that are asked one by one, each timed."""

NO_ROOM = 74
"""Exit status of a cell that could not be written: the disk is full, or cannot be written to (EX_IOERR)."""

_FULL = ("No space left on device", "disk is full")  # of libraries that keep no number
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model on one split with one training seed; `model` as the user named it."""

    model: str
    protocol: str
    repetition: int
    fold: int
    seed: int

    @property
    def name(self) -> str:
        """Name of the cell's folder."""
        return f"{display_name(self.model)}-{self.protocol}-r{self.repetition}-f{self.fold}-s{self.seed}"

    @property
    def keys(self) -> dict[str, str | int]:
        """The columns that name a cell in every result table."""
        return {**asdict(self), "model": display_name(self.model)}


@dataclass(frozen=True, kw_only=True)
class CellJob:
    """All that a cell's process is told.

    Attributes
    ----------
    cell
        Which cell.
    run
        The run directory, with ``recordings.parquet`` and ``folds.parquet``.
    features
        The entry of the feature cache.
    label_column, classes
        Column of the recordings table that holds the label; its classes in order.
    threads, contended
        Threads the model may use; whether other cells run at the same time.
    refit, save
        Whether to refit on training and validation; whether to keep the model.
    conditions
        Everything else that the result depends on; the cell's key is its hash.
    card
        What a saved model's card says of task and MFCCs.
    """

    cell: Cell
    run: str
    features: str
    label_column: str
    classes: tuple[str, ...]
    threads: int
    contended: bool
    refit: bool
    save: bool
    conditions: dict[str, Any]
    card: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where the finished cell is."""
        return Path(self.run) / "cells" / self.cell.name

    @property
    def key(self) -> str:
        """Hash of all that the cell's result depends on (SHA-256, hexadecimal)."""
        content = json.dumps({"cell": asdict(self.cell), **self.conditions}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def to_json(self) -> str:
        """Write the job for `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CellJob:
        """Read a job that `to_json` has written."""
        content = json.loads(text)
        return cls(**{**content, "cell": Cell(**content["cell"]), "classes": tuple(content["classes"])})


@dataclass
class Stopwatch:
    """Times phases of one cell; a row of the timings table per call."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def time(self, phase: str, n_recordings: int) -> Iterator[None]:
        """Time the block as one call of `phase`."""
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self.rows.append(
            {
                "phase": phase,
                "n_recordings": n_recordings,
                "seconds": seconds,
                "peak_rss_bytes": peak_rss_bytes(),
            }
        )


def peak_rss_bytes(process: int | str = "self") -> int:
    """Peak resident memory of a process in bytes (VmHWM), of this one by default; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


@dataclass(frozen=True, kw_only=True)
class SplitRows:
    """Rows of the recordings table by role, with their rows in the tensor and their class indexes."""

    recordings: pd.DataFrame
    tensor_rows: NDArray[np.int64]
    y: NDArray[np.int64]
    role: NDArray[Any]

    def where(self, *roles: str) -> NDArray[np.int64]:
        """Positions of the recordings that have one of `roles`."""
        return np.flatnonzero(np.isin(self.role, roles))


def run_cell(job: CellJob) -> Path:
    """Run one cell and return its folder."""
    target = job.folder
    temporary = Path(tempfile.mkdtemp(prefix=f".{job.cell.name}-", dir=target.parent))
    try:
        (temporary / "new").mkdir()
        _run_into(job, temporary / "new")
        if target.exists():
            target.replace(temporary / "old")
        (temporary / "new").replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _run_into(job: CellJob, folder: Path) -> None:
    features = load_features(Path(job.features))
    rows = split_rows(job, features.index)
    watch = Stopwatch()
    with watch.time("import", 0):
        setup = ModelSetup(n_classes=len(job.classes), seed=job.cell.seed, threads=job.threads)
        model = resolve(job.cell.model)(setup)
        if _is_saved(job, model):
            import_for_saving(model)
    x = see(features, model.view, rows)
    settings = fit(model, x, rows, job.refit, watch)
    test = rows.where("test")
    prediction = _ask(model, x(test), watch)
    tables.write(_predictions(job, rows.recordings.iloc[test], rows.y[test], prediction), "predictions", folder)
    tables.write(_timings(job, watch), "timings", folder)
    record = {
        "key": job.key,
        "cell": job.cell.keys,
        "settings": settings,
        "model_bytes": _keep_model(job, model, folder),
        "savable": isinstance(model, SavableModel),
        "files": checksums(folder),
    }
    text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False, default=_plain)
    if (odd := odd_value(json.loads(text))) is not None:
        raise ValueError(f"what the model says of its settings cannot be kept: {odd}")
    (folder / "cell.json").write_text(text, encoding="utf-8")


def checksums(folder: Path) -> dict[str, str]:
    """Hash every file of a cell but ``cell.json``: name -> SHA-256, hexadecimal."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / "cell.json")
    return {path.relative_to(folder).as_posix(): checksum(path) for path in files}


def _plain(value: object) -> object:
    """Turn a NumPy number among a model's settings into a plain one."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"settings must be numbers and text, got {type(value).__name__}")


def split_rows(job: CellJob, index: pd.DataFrame) -> SplitRows:
    """Read from the run directory which recordings the cell's split has, in which roles, with which labels."""
    cell = job.cell
    recordings = tables.read("recordings", Path(job.run))
    folds = tables.read("folds", Path(job.run))
    of_cell = (
        (folds["protocol"] == cell.protocol) & (folds["repetition"] == cell.repetition) & (folds["fold"] == cell.fold)
    )
    split = folds.loc[of_cell, ["recording_id", "role"]].merge(recordings, on="recording_id", validate="one_to_one")
    split = split.sort_values("recording_id", ignore_index=True)
    row_of = pd.Series(np.arange(len(index)), index=index["recording_id"])
    code_of = {name: code for code, name in enumerate(job.classes)}
    return SplitRows(
        recordings=split,
        tensor_rows=row_of[split["recording_id"]].to_numpy(),
        y=split[job.label_column].map(lambda label: code_of[_text(label)]).to_numpy(dtype=np.int64),
        role=split["role"].to_numpy(dtype=object),
    )


def _text(label: object) -> str:
    """Write a label as the class it is; a nullable whole number reads back from a table as a float."""
    return str(int(label)) if isinstance(label, float) else str(label)


def see(features: Features, name: str, rows: SplitRows) -> Callable[[NDArray[np.int64]], NDArray[Any]]:
    """Make the view of all recordings of the split once; return what hands out its rows."""
    index = features.index.iloc[rows.tensor_rows]
    seen = view(
        features.values[rows.tensor_rows],
        name,
        first_frame=index["first_frame"].to_numpy(),
        n_sounding=index["n_sounding"].to_numpy(),
        images=None if features.images is None or name != "image" else features.images[rows.tensor_rows],
    )

    def take(places: NDArray[np.int64]) -> NDArray[Any]:
        taken: NDArray[Any] = seen[places]
        taken.flags.writeable = False
        return taken

    return take


def fit(
    model: Model,
    x: Callable[[NDArray[np.int64]], NDArray[Any]],
    rows: SplitRows,
    refit: bool,
    watch: Stopwatch,
) -> dict[str, Any]:
    """Let `model` choose and refit on training and validation recordings; it is handed nothing else."""
    train, validation, both = rows.where("train"), rows.where("validation"), rows.where("train", "validation")
    training = Examples(x=x(train), y=rows.y[train])
    checking = Examples(x=x(validation), y=rows.y[validation])
    with watch.time("select" if refit else "fit", len(train) + len(validation)):
        settings = model.choose(training, checking)
    del training, checking
    if refit:
        everything = Examples(x=x(both), y=rows.y[both])
        with watch.time("fit", len(both)):
            model.refit(everything)
    return dict(settings)


def _ask(model: Model, x: NDArray[Any], watch: Stopwatch) -> Prediction:
    """Ask for one and for all recordings, each twice: the first call of a shape may compile and is timed apart."""
    with watch.time("first-call", 1):
        model.predict(x[:1])
    with watch.time("first-call", len(x)):
        model.predict(x)
    with watch.time("predict-batch", len(x)):
        prediction = model.predict(x)
    for call in range(N_SINGLE_CALLS):
        place = call % len(x)
        one = x[place : place + 1]
        with watch.time("predict-one", 1):
            model.predict(one)
    return prediction


def _predictions(job: CellJob, recordings: pd.DataFrame, y: NDArray[np.int64], prediction: Prediction) -> pd.DataFrame:
    names = np.array(job.classes, dtype=object)
    n_recordings, n_classes = len(recordings), len(job.classes)
    if prediction.y_pred.shape != (n_recordings,) or prediction.scores.shape != (n_recordings, n_classes):
        raise ValueError(
            f"model '{job.cell.model}': expected y_pred of shape {(n_recordings,)} and scores of shape "
            f"{(n_recordings, n_classes)}, got {prediction.y_pred.shape} and {prediction.scores.shape}"
        )
    if not np.isin(prediction.y_pred, np.arange(n_classes)).all():
        raise ValueError(f"model '{job.cell.model}': y_pred must be class indexes 0 to {n_classes - 1}")
    return pd.DataFrame(
        {
            **job.cell.keys,
            "recording_id": recordings["recording_id"].to_numpy(),
            "speaker": recordings["speaker"].to_numpy(),
            "y_true": names[y],
            "y_pred": names[prediction.y_pred],
            "scores": list(prediction.scores.astype(np.float32)),
            **{column: recordings[column].to_numpy() for column in tables.GROUP_COLUMNS},
        }
    )


def _timings(job: CellJob, watch: Stopwatch) -> pd.DataFrame:
    return pd.DataFrame(watch.rows).assign(**job.cell.keys, threads=job.threads, contended=job.contended)


def _is_saved(job: CellJob, model: Model) -> bool:
    return isinstance(model, SavableModel) and (job.save or job.cell.fold == 0)


def _keep_model(job: CellJob, model: Model, folder: Path) -> int | None:
    """Save the model if asked; return its size in bytes, which the first fold's model is saved for in any case."""
    if not _is_saved(job, model):
        return None
    saved = folder / "model"
    saved.mkdir()
    save_model(
        model,
        saved,
        card={**job.card, "name": job.cell.model, "cell": job.cell.keys, "classes": list(job.classes)},
    )
    n_bytes = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file())
    if not job.save:
        shutil.rmtree(saved)
    return n_bytes


def main(arguments: Sequence[str]) -> int:
    """Read a job from standard input and run it; it ends with the process whose number is the argument, if one is."""
    if arguments:
        end_with(int(arguments[0]))
    _end_first()
    try:
        run_cell(CellJob.from_json(sys.stdin.read()))
    except Exception as error:
        if not is_no_room(error):
            raise
        print(" ".join(str(error).split()), file=sys.stderr)
        return NO_ROOM
    return 0


def _end_first() -> None:
    """Let Linux, when memory runs out, end this process rather than the run that waits for it."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def is_no_room(error: BaseException | None) -> bool:
    """Tell whether an error comes from a disk that is full or cannot be written to."""
    while error is not None:
        if (isinstance(error, OSError) and error.errno in _NO_ROOM) or any(full in str(error) for full in _FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # all is written; taking TensorFlow apart in order would take a second
