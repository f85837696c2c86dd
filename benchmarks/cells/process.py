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
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import provenance
from benchmarks.cells.cell import DESCRIBED, NO_ROOM, CellJob, places
from benchmarks.cells.finished_cell import write_record
from benchmarks.cells.stopwatch import Stopwatch
from benchmarks.errors import RunError, is_no_room
from features import views
from features.cache.entries import Features, load_features
from features.processes import end_with
from models.catalogue import resolve
from models.files.saved_models import import_for_saving, save_model
from models.protocol import Examples, Model, ModelSetup, Prediction, SavableModel
from reports.run_directory import tables
from reports.run_directory.files import odd_value

N_SINGLE_CALLS = 100
"""Recordings that are asked one by one, each timed."""


def run_cell(job: CellJob, *, features: Path, folder: Path) -> None:
    """Do a job, whose features are relative to the folder `features`, and leave the cell in `folder`, which is made.

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
        is_saved = isinstance(model, SavableModel) and (job.save or job.cell.fold == 0)
        if is_saved:
            import_for_saving(model)
    x = see(loaded, model.view, job.split["tensor_row"].to_numpy())
    settings = fit(model, x, job.split, job.refit, watch)
    prediction = _ask(model, examples(x, job.split, "test").x, watch)
    tables.write(_predictions(job, prediction), "predictions", folder)
    timings = pd.DataFrame(watch.rows).assign(**job.cell.keys, threads=job.threads, contended=job.contended)
    tables.write(timings.assign(machine=provenance.machine_name(), load=load), "timings", folder)
    record = {
        "key": job.cell.key,
        "cell": job.cell.keys,
        "settings": settings,
        "model_bytes": _keep_model(job, model, folder) if is_saved else None,
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


def see(features: Features, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return a view of the recordings in `rows` of the tensor."""
    index = features.index.iloc[rows]
    return views.view(
        np.asarray(features.values[rows]),
        name,
        first_frame=index["first_frame"].to_numpy(),
        n_sounding=index["n_sounding"].to_numpy(),
        images=None if features.images is None or name != "image" else features.images[rows],
    )


def examples(x: NDArray[Any], split: pd.DataFrame, *roles: str) -> Examples:
    """Return the recordings of a split that have one of `roles`, `x` being the view of all; none can be written to."""
    rows = places(split, *roles)
    taken = x[rows]
    taken.flags.writeable = False
    return Examples(x=taken, y=split["y"].to_numpy()[rows])


def fit(model: Model, x: NDArray[Any], split: pd.DataFrame, refit: bool, watch: Stopwatch) -> dict[str, Any]:
    """Let `model` choose and refit on training and validation recordings; it is handed nothing else."""
    training, validation = examples(x, split, "train"), examples(x, split, "validation")
    with watch.time("select" if refit else "fit", len(training.y) + len(validation.y)):
        settings = model.choose(training, validation)
    del training, validation
    if refit:
        both = examples(x, split, "train", "validation")
        with watch.time("fit", len(both.y)):
            model.refit(both)
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


def _predictions(job: CellJob, prediction: Prediction) -> pd.DataFrame:
    names = np.array(job.classes, dtype=object)
    asked = job.split.iloc[places(job.split, "test")].reset_index(drop=True)
    n_recordings, n_classes = len(asked), len(job.classes)
    if prediction.y_pred.shape != (n_recordings,) or prediction.scores.shape != (n_recordings, n_classes):
        raise ValueError(
            f"model '{job.cell.model}': expected y_pred of shape {(n_recordings,)} and scores of shape "
            f"{(n_recordings, n_classes)}, got {prediction.y_pred.shape} and {prediction.scores.shape}"
        )
    if not np.isin(prediction.y_pred, np.arange(n_classes)).all():
        raise ValueError(f"model '{job.cell.model}': y_pred must be class indexes 0 to {n_classes - 1}")
    return asked[list(DESCRIBED)].assign(
        **job.cell.keys,
        y_true=names[asked["y"]],
        y_pred=names[prediction.y_pred],
        scores=list(prediction.scores.astype(np.float32)),
    )


def _keep_model(job: CellJob, model: Model, folder: Path) -> int:
    """Save the model and return its size in bytes, which the first fold's model is saved for; keep it if asked."""
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
    with suppress(OSError):  # let Linux, when memory runs out, end this process rather than the run that waits for it
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    try:
        run_cell(CellJob.from_bytes(sys.stdin.buffer.read()), features=Path(features), folder=Path(folder))
    except Exception as error:
        if not (isinstance(error, RunError) or is_no_room(error)):
            raise
        print(" ".join(str(error).split()), file=sys.stderr)
        return NO_ROOM if is_no_room(error) else 1
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # all is written; taking TensorFlow apart in order would take a second
