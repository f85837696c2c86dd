"""The process of a cell: rows of the split, view, fit, ask, time, write.

``python -m benchmarks.cells.process FEATURES FOLDER [PARENT]`` reads a job (`CellJob.to_bytes`) from standard input,
whose features are relative to the folder FEATURES, and writes what the cell leaves into FOLDER, which it makes. It ends
with the process of the number PARENT, where one is given.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import provenance
from benchmarks.cells.cell import DESCRIBED, NO_ROOM, CellJob, SplitRows
from benchmarks.cells.finished_cell import write_record
from benchmarks.cells.stopwatch import Stopwatch
from benchmarks.errors import RunError, is_no_room
from features.cache.entries import Features, load_features
from features.processes import end_with
from features.views import view
from models.catalogue import resolve
from models.files.saved_models import import_for_saving, save_model
from models.protocol import Examples, Model, ModelSetup, Prediction, SavableModel
from reports.run_directory import tables
from reports.run_directory.files import odd_value

N_SINGLE_CALLS = 100
"""Recordings that are asked one by one, each timed."""


def run_cell(job: CellJob, *, features: Path, folder: Path) -> None:
    """Run one cell.

    Parameters
    ----------
    job
        What to do.
    features
        Folder that the job's features are relative to.
    folder
        Where to write; it is made.

    Raises
    ------
    RunError
        The versions or the source here are not the run's.
    """
    load = provenance.load_average()
    _check_provenance(job)
    folder.mkdir()
    loaded = load_features(features / job.features)
    watch = Stopwatch()
    with watch.time("import", 0):
        setup = ModelSetup(n_classes=len(job.classes), seed=job.cell.seed, threads=job.threads)
        model = resolve(job.cell.model)(setup)
        if _is_saved(job, model):
            import_for_saving(model)
    rows = job.split
    x = see(loaded, model.view, rows)
    settings = fit(model, x, rows, job.refit, watch)
    test = rows.where("test")
    prediction = _ask(model, x(test), watch)
    tables.write(_predictions(job, rows.take(test), prediction), "predictions", folder)
    tables.write(_timings(job, watch, load), "timings", folder)
    record = {
        "key": job.cell.key,
        "cell": job.cell.keys,
        "settings": settings,
        "model_bytes": _keep_model(job, model, folder),
        "savable": isinstance(model, SavableModel),
        "machine": provenance.machine(),
        "machine_name": provenance.machine_name(),
        "versions": job.versions,
        "source": job.source,
    }
    plain = json.loads(json.dumps(record, allow_nan=False, default=_plain))
    if (odd := odd_value(plain)) is not None:
        raise ValueError(f"what the model says of its settings cannot be kept: {odd}")
    write_record(folder, plain)


def _check_provenance(job: CellJob) -> None:
    """Stop where the cell would be made with something else than the run says."""
    here = {**provenance.versions(), "source of features and models": provenance.source_hash()[:12]}
    asked = {**job.versions, "source of features and models": job.source[:12]}
    differing = sorted(name for name in {*here, *asked} if here.get(name) != asked.get(name))
    if differing:
        name = differing[0]
        more = f" (and {len(differing) - 1} more differ)" if len(differing) > 1 else ""
        raise RunError(
            f"made with other versions than the run: {name} is {here.get(name, 'missing')} where this cell runs, "
            f"{asked.get(name, 'missing')} in the run{more}; install the same there, or give the command again"
        )


def _plain(value: object) -> object:
    """Turn a NumPy number among a model's settings into a plain one."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"settings must be numbers and text, got {type(value).__name__}")


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
    model: Model, x: Callable[[NDArray[np.int64]], NDArray[Any]], rows: SplitRows, refit: bool, watch: Stopwatch
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


def _predictions(job: CellJob, asked: SplitRows, prediction: Prediction) -> pd.DataFrame:
    names = np.array(job.classes, dtype=object)
    n_recordings, n_classes = len(asked.y), len(job.classes)
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
            **{column: asked.recordings[column].to_numpy() for column in DESCRIBED},
            "y_true": names[asked.y],
            "y_pred": names[prediction.y_pred],
            "scores": list(prediction.scores.astype(np.float32)),
        }
    )


def _timings(job: CellJob, watch: Stopwatch, load: float) -> pd.DataFrame:
    return pd.DataFrame(watch.rows).assign(
        **job.cell.keys, threads=job.threads, contended=job.contended, machine=provenance.machine_name(), load=load
    )


def _is_saved(job: CellJob, model: Model) -> bool:
    return isinstance(model, SavableModel) and (job.save or job.cell.fold == 0)


def _keep_model(job: CellJob, model: Model, folder: Path) -> int | None:
    """Save the model if asked; return its size in bytes, which the first fold's model is saved for in any case."""
    if not _is_saved(job, model):
        return None
    saved = folder / "model"
    saved.mkdir()
    save_model(
        model, saved, card={**job.card, "name": job.cell.model, "cell": job.cell.keys, "classes": list(job.classes)}
    )
    n_bytes = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file())
    if not job.save:
        shutil.rmtree(saved)
    return n_bytes


def main(arguments: Sequence[str]) -> int:
    """Run the job that comes on standard input; return the exit status."""
    features, folder, *parent = arguments
    if parent:
        end_with(int(parent[0]))
    _end_first()
    try:
        run_cell(CellJob.from_bytes(sys.stdin.buffer.read()), features=Path(features), folder=Path(folder))
    except Exception as error:
        if not (isinstance(error, RunError) or is_no_room(error)):
            raise
        print(" ".join(str(error).split()), file=sys.stderr)
        return NO_ROOM if is_no_room(error) else 1
    return 0


def _end_first() -> None:
    """Let Linux, when memory runs out, end this process rather than the run that waits for it."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # all is written; taking TensorFlow apart in order would take a second
