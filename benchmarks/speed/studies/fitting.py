"""How fast models are fitted and asked, against the bare libraries.

Each model and its like made of the bare library alone are measured in turns, each time in a process of its own: ours
with the environment of a cell, the bare library with the machine's defaults. XGBoost is measured a second time while
another process keeps one core busy.
"""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from benchmarks.cells.executors.local import cell_environment
from benchmarks.protocol.folds import make_plan
from benchmarks.protocol.tasks import find_task, label_recordings
from benchmarks.settings import usable_cores
from benchmarks.speed.studies import fitting_models
from benchmarks.speed.studies.fitting_models import Arrays, Timings
from benchmarks.speed.studies.turns import Rounds, Subject, in_rounds
from features.cache.content_hashes import content_hashes
from features.cache.entries import mfcc_features
from features.corpora.catalogue import open_corpus
from features.mfcc import MfccConfig
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
    cache: Annotated[Path | None, typer.Option(help="folder of the feature cache [a temporary one]")] = None,
    rounds: Rounds = 5,
    models: Annotated[str, typer.Option(help="which ones")] = "svm,xgboost,cnn",
) -> None:
    """Time fitting and answers of the models, and of the bare libraries."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "arrays.npz"
        if folder is None:
            arrays, kind = synthetic_arrays(), "synthetic arrays"
        else:
            arrays = published_fold(folder, cache or Path(temporary) / "cache", protocol)
            kind = f"published images, {protocol}, first fold"
        content: dict[str, Any] = dict(arrays)
        np.savez(path, **content)
        sizes = f"fitted on {len(arrays['y_training']):,}, asked about {len(arrays['y_test']):,}"
        print(f"{kind}: {sizes}; {usable_cores()} cores, {rounds} rounds\n", flush=True)
        cases = [(model, busy) for model, busy in CASES if model in models.split(",")]
        rows = [row for model, busy in cases for row in measured_rows(model, busy, path, rounds)]
    print(table(["model", "phase", "bare library", "voxfold", *RATIOS, "target"], rows))


def measured_rows(model: str, busy: bool, path: Path, rounds: int) -> list[list[str]]:
    """Measure ours and the bare library in turns, and return the table's rows."""
    threads = usable_cores()
    arguments = (model, str(path), threads)
    sides = [
        Subject(name="ours", function=fitting_models.ours, arguments=arguments, environment=cell_environment(threads)),
        Subject(name="bare", function=fitting_models.bare, arguments=arguments[:2]),
    ]
    with busy_core() if busy else contextlib.nullcontext():
        timings = in_rounds(sides, rounds)
    return phase_rows(model, busy, timings["ours"], timings["bare"])


def phase_rows(model: str, busy: bool, ours: list[Timings], bare: list[Timings]) -> list[list[str]]:
    """Return a row per phase: median seconds, ratios of elapsed and of processor time, the target.

    Parameters
    ----------
    model, busy
        Which case.
    ours, bare
        Timings of both sides, one per round.
    """
    rows = []
    for phase in ours[0]:
        theirs, own = (np.array([timings[phase] for timings in side]) for side in (bare, ours))
        ratios = theirs / np.maximum(own, 1e-9)
        elapsed = ratios[:, 0]
        target = TARGETS.get((model, busy, phase))
        rows.append(
            [
                f"{model}, a core busy" if busy else model,
                phase,
                *(_seconds(float(np.median(side[:, 0]))) for side in (theirs, own)),
                *(f"{ratio:.2f}" for ratio in (np.median(elapsed), elapsed.min(), elapsed.max())),
                f"{np.median(ratios[:, 1]):.2f}",
                "" if target is None else f"{target:g}",
            ]
        )
    return rows


@contextlib.contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy meanwhile."""
    spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        spinner.kill()
        spinner.wait()


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


def published_fold(folder: Path, cache: Path, protocol: str) -> Arrays:
    """Return the first fold of gender of AudioMNIST's published MFC images.

    Parameters
    ----------
    folder
        Of the images.
    cache
        The feature cache.
    protocol
        As in a run, ``official`` or ``grouped``.

    Raises
    ------
    CorpusError, TaskError
        The folder does not hold the images, or not all speakers of the folds.
    """
    corpus = open_corpus(f"mfc-images:{folder}", cache=cache)
    recordings = corpus.recordings.assign(content_hash=content_hashes(corpus, cache))
    corpus = dataclasses.replace(corpus, recordings=recordings)
    features = mfcc_features(corpus, MfccConfig(recipe="seed"), cache=cache)
    if features.images is None:
        raise ValueError("a corpus of published images has images")
    task = find_task("gender")
    labelled = label_recordings(recordings, task)
    row_of = pd.Series(np.arange(len(features.index)), index=features.index["recording_id"])
    folds = make_plan(labelled, task, protocol, premium=False).folds
    first = folds[folds["fold"] == folds["fold"].min()]
    split = first.merge(labelled.recordings, on="recording_id").sort_values("recording_id")
    rows = row_of[split["recording_id"]].to_numpy()
    values = {
        "flat": np.asarray(features.values[rows], dtype=np.float32).reshape(len(rows), -1),
        "image": features.images[rows],
        "y": (split["gender"] == "male").to_numpy().astype(np.int64),
    }
    return _parted(values, test=(split["role"] == "test").to_numpy())


def _parted(values: Arrays, test: NDArray[np.bool_]) -> Arrays:
    parts = {"training": ~test, "test": test}
    return {f"{name}_{part}": array[rows] for name, array in values.items() for part, rows in parts.items()}
