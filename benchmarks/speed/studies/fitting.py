"""How fast models are fitted and asked, against the bare libraries.

Each model and its like made of the bare library alone are measured in turns, each time in a process of its own: ours
with the environment of a cell, the bare library with the machine's defaults. XGBoost is measured a second time while
another process keeps one core busy.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.cells.executors.local import cell_environment
from benchmarks.cells.jobs import list_cells, make_jobs
from benchmarks.protocol.inputs import Surroundings, prepare_inputs
from benchmarks.settings import RunSettings, usable_cores
from benchmarks.speed.studies import fitting_models
from benchmarks.speed.studies.fitting_models import Arrays, Timings
from benchmarks.speed.studies.turns import Rounds, Subject, in_rounds, with_range
from benchmarks.terminal.progress import Stages
from reports.text.markdown import table

CASES = (("svm", False), ("xgboost", False), ("xgboost", True), ("cnn", False))
"""Models, and whether one core is kept busy meanwhile."""

TARGETS = {
    ("svm", False, "fit"): 8.0,
    ("svm", False, "predict"): 20.0,
    ("xgboost", False, "fit"): 1.0,
    ("xgboost", True, "fit"): 2.0,
    ("cnn", False, "fit"): 1.2,
}
"""How many times faster ours should be at least."""

RATIOS = ("times faster", "lowest", "highest", "in processor time")

N_TRAINING, N_TEST = 5607, 1879
"""Sizes of the first published fold of gender, for the synthetic arrays."""


def compare(
    folder: Annotated[Path | None, typer.Argument(help="published MFC images [synthetic arrays]")] = None,
    protocol: Annotated[str, typer.Option(help="of the images' folds: official or grouped")] = "official",
    rounds: Rounds = 5,
    models: Annotated[str, typer.Option(help="which ones")] = "svm,xgboost,cnn",
) -> None:
    """Time fitting and answers of the models, and of the bare libraries."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "arrays.npz"
        if folder is None:
            arrays, kind = synthetic_arrays(), "synthetic arrays"
        else:
            arrays = published_fold(folder, protocol, Path(temporary) / "cache")
            kind = f"published images, {protocol}, first fold"
        np.savez(path, **arrays)  # type: ignore[arg-type]
        sizes = f"fitted on {len(arrays['y_training']):,}, asked about {len(arrays['y_test']):,}"
        print(f"{kind}: {sizes}; {usable_cores()} cores, {rounds} rounds\n", flush=True)
        cases = [(model, busy) for model, busy in CASES if model in models.split(",")]
        rows = [row for model, busy in cases for row in measured_rows(model, busy, path, rounds)]
    print(table(["model", "phase", "bare library", "voxfold", *RATIOS, "target"], rows))


def measured_rows(model: str, busy: bool, path: Path, rounds: int) -> list[list[str]]:
    """Measure ours and the bare library in turns, and return the table's rows."""
    threads, what = usable_cores(), (model, str(path))
    environment = cell_environment(threads)
    sides = [
        Subject(name="ours", function=fitting_models.ours, arguments=(*what, threads), environment=environment),
        Subject(name="bare", function=fitting_models.bare, arguments=what),
    ]
    with busy_core() if busy else contextlib.nullcontext():
        return phase_rows(model, busy, **in_rounds(sides, rounds))


def phase_rows(model: str, busy: bool, ours: list[Timings], bare: list[Timings]) -> list[list[str]]:
    """Return a row per phase: median seconds, ratios of elapsed and of processor time over rounds, the target."""
    rows = []
    for phase in ours[0]:
        theirs, own = (np.array([timings[phase] for timings in side]) for side in (bare, ours))
        elapsed, processor = (theirs / np.maximum(own, 1e-9)).T
        times = [_seconds(float(np.median(side[:, 0]))) for side in (theirs, own)]
        ratios = [*with_range(elapsed), f"{np.median(processor):.2f}"]
        target = TARGETS.get((model, busy, phase))
        name = f"{model}, a core busy" if busy else model
        rows.append([name, phase, *times, *ratios, "" if target is None else f"{target:g}"])
    return rows


@contextlib.contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy meanwhile."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as spinner:
        try:
            yield
        finally:
            spinner.kill()


def _seconds(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} us"


def synthetic_arrays() -> Arrays:
    """Return noise of two classes, separable but not perfectly, in the shapes of a published fold; always the same."""
    generator = np.random.default_rng(0)
    n = N_TRAINING + N_TEST
    y = (generator.random(n) < 0.8).astype(np.int64)
    flat = generator.standard_normal((n, 98, 12)).astype(np.float32)
    shift = generator.standard_normal((98, 12)).astype(np.float32) * np.float32(0.05)
    flat += (2 * y - 1).astype(np.float32)[:, np.newaxis, np.newaxis] * shift
    pixels = np.clip(128 + 40 * flat, 0, 255).astype(np.uint8)
    image = np.repeat(pixels[..., np.newaxis], 3, axis=3)
    return _parted({"flat": flat.reshape(n, -1), "image": image, "y": y}, test=np.arange(n) >= N_TRAINING)


def published_fold(folder: Path, protocol: str, cache: Path) -> Arrays:
    """Return the first fold of gender of AudioMNIST's published MFC images in `folder`, as a run's cell sees it.

    Raises
    ------
    CorpusError, TaskError
        The folder does not hold the images, or not all speakers of the folds.
    """
    settings = RunSettings(corpus=f"mfc-images:{folder}", protocol=protocol, premium=False)
    inputs = prepare_inputs(settings, Surroundings(cache=cache, stages=Stages()))
    (job,) = make_jobs(list_cells(inputs, {"cnn": {}})[:1], inputs)
    rows, images = job.split["tensor_row"].to_numpy(), inputs.features.images
    assert images is not None  # a corpus of images has them
    flat = np.asarray(inputs.features.values[rows], dtype=np.float32).reshape(len(rows), -1)
    values = {"flat": flat, "image": images[rows], "y": job.split["y"].to_numpy()}
    return _parted(values, test=(job.split["role"] == "test").to_numpy())


def _parted(values: Arrays, test: NDArray[np.bool_]) -> Arrays:
    parts = {"training": ~test, "test": test}
    return {f"{name}_{part}": array[rows] for name, array in values.items() for part, rows in parts.items()}
