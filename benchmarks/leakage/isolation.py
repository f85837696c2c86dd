"""Whether what a model sees of one recording depends on others, and whether it is handed any that it must not fit on.

Behaviour, not reading of source: some recordings are extracted alone and must equal their rows of the tensor in every
bit; views of them are made alone; a model that only writes down what it is handed goes through the cells' own code;
and, when asked, real models are fitted in two cells that differ in nothing but half of the test recordings.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.cells.cell import CellJob, places
from benchmarks.cells.executors.local import LocalExecutor
from benchmarks.cells.process import fit, see
from benchmarks.cells.stopwatch import Stopwatch
from benchmarks.errors import RunError
from benchmarks.protocol.inputs import Inputs
from features import views
from features.cache.blocks import Row, extract_block, read_image_block
from features.cache.entries import Features
from features.corpora.recordings import Corpus
from features.mfcc import MfccConfig
from models.protocol import Examples, Prediction, Settings
from reports.run_directory import tables
from reports.terms import ROLES

N_ALONE = 8
"""Recordings that are extracted alone; a statistic over the corpus would change every one of them."""
N_AROUND = 64
"""Recordings in whose company the views are made."""
N_HANDED = 300
"""Most recordings per role that the writing model is handed."""


def look(inputs: Inputs, job: CellJob | None) -> tuple[str, list[str]]:
    """Look at extraction, at views, and at what the model of `job` is handed; say at how much, and what was found."""
    features, ids = inputs.features, inputs.corpus.recordings["recording_id"]
    sampled = _spread(len(ids), N_ALONE)
    rows = pd.Index(features.index["recording_id"]).get_indexer(ids.iloc[sampled])
    alone = (_differs_alone(inputs, int(place), int(row)) for place, row in zip(sampled, rows, strict=True))
    n_handed, handed = what_a_model_is_handed(features, job) if job else (0, [])
    looked_at = (
        f"{len(rows)} recordings extracted alone, {len(views.VIEWS)} views of them made alone, bit for bit; "
        f"{n_handed:,} recordings handed to a model that only writes down what it gets."
    )
    return looked_at, [*filter(None, alone), *differing_views(features, rows), *handed]


def _differs_alone(inputs: Inputs, place: int, row: int) -> str | None:
    """Extract one recording with no other around; say so if its MFCCs, or what is known of it, differ."""
    corpus, features = inputs.corpus, inputs.features
    name = corpus.recordings["recording_id"].iloc[place]
    path = str(corpus.root / corpus.recordings["path"].iloc[place])
    with tempfile.TemporaryDirectory() as folder:
        values, alone = _extract(corpus, inputs.config, Path(folder), path)
    if alone.error is not None:
        return f"'{name}' cannot be read any more ({alone.error})"
    known = features.index.iloc[row]
    same_place = (alone.first_frame, alone.n_sounding) == (known["first_frame"], known["n_sounding"])
    if same_place and values.tobytes() == np.asarray(features.values[row]).tobytes():
        return None
    largest = float(np.abs(values - features.values[row]).max())
    return f"'{name}' has other MFCCs alone than beside the others (largest difference {largest:.3g})"


def _extract(corpus: Corpus, config: MfccConfig, folder: Path, path: str) -> tuple[NDArray[Any], Row]:
    shape = (1, config.n_frames, config.n_coefficients)
    np.lib.format.open_memmap(folder / "values.npy", mode="w+", dtype=config.dtype, shape=shape).flush()
    work = extract_block
    if corpus.sample_rate_hz is None:
        np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=(*shape, 3)).flush()
        work = read_image_block
    (row,) = work((folder, config, 0, [path]))
    return np.array(np.load(folder / "values.npy")[0]), row


def differing_views(features: Features, rows: NDArray[np.int64]) -> list[str]:
    """Make every view of `rows` alone and in company; say which differ in any bit."""
    company = np.unique(np.concatenate([rows, np.linspace(0, len(features.index) - 1, N_AROUND).astype(int)]))
    findings = []
    for name in views.VIEWS:
        together = see(features, name, company)[np.searchsorted(company, rows)]
        alone = (see(features, name, np.array([row]))[0] for row in rows)
        n_differing = sum(one.tobytes() != other.tobytes() for one, other in zip(alone, together, strict=True))
        if n_differing:
            findings.append(f"the view '{name}' of {n_differing} recordings depends on the recordings around")
    return findings


class Writing:
    """A model that learns nothing and writes down what it is handed."""

    view = "flat"

    def __init__(self) -> None:
        self.handed: list[Examples] = []

    def choose(self, training: Examples, validation: Examples) -> Settings:
        """Write down both."""
        self.handed += [training, validation]
        return {}

    def refit(self, examples: Examples) -> None:
        """Write down `examples`."""
        self.handed.append(examples)

    def predict(self, x: NDArray[np.generic]) -> Prediction:
        """Never called: nothing is asked."""
        raise NotImplementedError


def what_a_model_is_handed(features: Features, job: CellJob) -> tuple[int, list[str]]:
    """Let a model that writes go through a cell's code; return how many recordings it got, and which it must not."""
    split = _some(job.split)
    model = Writing()
    fit(model, see(features, model.view, split["tensor_row"].to_numpy()), split, True, Stopwatch())
    findings = []
    for handed, roles in zip(model.handed, (["train"], ["validation"], ["train", "validation"]), strict=True):
        rows = split.iloc[places(split, *roles)]
        right = np.asarray(features.values[rows["tensor_row"]], dtype=np.float32).reshape(len(rows), -1)
        same_x = handed.x.shape == right.shape and handed.x.tobytes() == right.tobytes()
        if not same_x or not np.array_equal(handed.y, rows["y"]):
            what = "fitting" if len(roles) > 1 else "choosing"
            findings.append(
                f"a model is handed other recordings for {what} than training and validation of {job.cell.name}"
            )
    return sum(len(each.y) for each in model.handed), findings


def _some(split: pd.DataFrame) -> pd.DataFrame:
    """Return at most `N_HANDED` recordings of each role, evenly spread."""
    spread = [rows[_spread(len(rows), N_HANDED)] for rows in (places(split, role) for role in ROLES)]
    return split.iloc[np.sort(np.concatenate(spread))].reset_index(drop=True)


def _spread(n: int, most: int) -> NDArray[np.int64]:
    """Return at most so many places of `n`, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.int64))


def peeking(inputs: Inputs, jobs: Sequence[CellJob]) -> list[str]:
    """Fit the model of every job twice, in real cells that differ in half of the test recordings only; say who noticed.

    The MFCCs of that half are replaced by noise and its labels by other classes. The answers for the other half must
    stay the same in every bit: a model that looks at test recordings, while it is fitted or through statistics of what
    it is asked, gives others. The jobs are of one split.

    Raises
    ------
    RunError
        A model failed.
    """
    split = jobs[0].split
    touched = half_of_the_test(split)
    names = set(split["recording_id"].iloc[np.setdiff1d(places(split, "test"), touched)])
    with tempfile.TemporaryDirectory() as folder:
        _with_noise(inputs.features, split["tensor_row"].to_numpy()[touched], Path(folder) / jobs[0].features)
        as_it_was = _answers(jobs, inputs.surroundings.cache, Path(folder) / "kept")
        changed = _answers([_with_other_labels(job, touched) for job in jobs], Path(folder), Path(folder) / "changed")
    return list(filter(None, (_noticed(*each, names) for each in zip(jobs, as_it_was, changed, strict=True))))


def half_of_the_test(split: pd.DataFrame) -> NDArray[np.int64]:
    """Return the places of the test recordings of every other speaker."""
    test = places(split, "test")
    speaker = split["speaker"].to_numpy(dtype=str)[test]
    return test[np.isin(speaker, np.unique(speaker)[::2])]


def _answers(jobs: Sequence[CellJob], features: Path, results: Path) -> list[pd.DataFrame]:
    """Run the cells; return the predictions of each."""
    results.mkdir()
    answers = {}
    for outcome in LocalExecutor(features=features, results=results).run(jobs):
        if outcome.folder is None:
            raise RunError(f"--models: cannot be tried, since it failed: {outcome.job.cell.model}: {outcome.error}")
        answers[outcome.job.cell.model] = tables.read("predictions", outcome.folder)
    return [answers[job.cell.model] for job in jobs]


def _with_other_labels(job: CellJob, rows: NDArray[np.int64]) -> CellJob:
    y = job.split["y"].to_numpy(copy=True)
    y[rows] = (y[rows] + 1) % len(job.classes)
    return dataclasses.replace(job, split=job.split.assign(y=y))


def _with_noise(features: Features, rows: NDArray[np.int64], entry: Path) -> None:
    """Copy the features to `entry`, those of `rows` replaced by noise."""
    shutil.copytree(features.folder, entry)
    values = np.load(entry / "values.npy", mmap_mode="r+")
    rng = np.random.default_rng(0)
    spread = float(np.std(values[: min(len(values), 256)]))
    values[rows] = rng.normal(0, 10 * spread + 1, values[rows].shape)
    values.flush()
    if (entry / "images.npy").is_file():
        images = np.load(entry / "images.npy", mmap_mode="r+")
        images[rows] = rng.integers(0, 256, images[rows].shape)
        images.flush()


def _noticed(job: CellJob, as_it_was: pd.DataFrame, changed: pd.DataFrame, untouched: set[str]) -> str | None:
    before, after = (
        table[table["recording_id"].isin(untouched)].reset_index(drop=True) for table in (as_it_was, changed)
    )
    labels = int((before["y_pred"] != after["y_pred"]).sum())
    scores = np.stack(before["scores"].to_list()), np.stack(after["scores"].to_list())
    if labels == 0 and scores[0].tobytes() == scores[1].tobytes():
        return None
    largest = float(np.nanmax(np.abs(scores[0] - scores[1]))) if np.isfinite(scores[0]).any() else float("nan")
    return (
        f"{job.cell.model} answers otherwise for {labels} of {len(before)} untouched test recordings when others are "
        f"replaced (largest difference of scores {largest:.3g})"
    )
