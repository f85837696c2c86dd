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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.cells.cell import CellJob, SplitRows
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

N_ALONE = 8
"""Recordings that are extracted alone; a statistic over the corpus would change every one of them."""
N_AROUND = 64
"""Recordings in whose company the views are made."""
N_HANDED = 300
"""Most recordings per role that the writing model is handed."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was looked at, and what was found, as clauses."""

    n_alone: int
    n_views: int
    n_handed: int
    findings: list[str]


def look(inputs: Inputs, job: CellJob | None) -> Looked:
    """Look at extraction, at views, and at what the model of `job` is handed."""
    features, ids = inputs.features, inputs.corpus.recordings["recording_id"]
    row_of = pd.Series(np.arange(len(features.index)), index=features.index["recording_id"])
    sampled = np.unique(np.linspace(0, len(ids) - 1, min(N_ALONE, len(ids))).astype(int))
    rows = row_of[ids.iloc[sampled]].to_numpy()
    alone = [
        clause
        for place, row in zip(sampled, rows, strict=True)
        if (clause := _differs_alone(inputs.corpus, inputs.config, features, (place, int(row))))
    ]
    seen = differing_views(features, rows)
    n_handed, handed = what_a_model_is_handed(features, job) if job else (0, [])
    return Looked(n_alone=len(rows), n_views=len(views.VIEWS), n_handed=n_handed, findings=[*alone, *seen, *handed])


def _differs_alone(corpus: Corpus, config: MfccConfig, features: Features, at: tuple[int, int]) -> str | None:
    """Extract one recording with no other around; say so if its MFCCs, or what is known of it, differ."""
    place, row = at
    name = corpus.recordings["recording_id"].iloc[place]
    path = str(corpus.root / corpus.recordings["path"].iloc[place])
    with tempfile.TemporaryDirectory() as folder:
        values, alone = _extract(corpus, config, Path(folder), path)
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
        together = _view(features, name, company)
        differing = [
            row
            for row in rows
            if _view(features, name, np.array([row]))[0].tobytes()
            != together[int(np.searchsorted(company, row))].tobytes()
        ]
        if differing:
            findings.append(f"the view '{name}' of {len(differing)} recordings depends on the recordings around")
    return findings


def _view(features: Features, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    index = features.index.iloc[rows]
    return views.view(
        np.asarray(features.values[rows]),
        name,
        first_frame=index["first_frame"].to_numpy(),
        n_sounding=index["n_sounding"].to_numpy(),
        images=None if features.images is None or name != "image" else features.images[rows],
    )


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
    rows = _some(job.split)
    model = Writing()
    fit(model, see(features, model.view, rows), rows, True, Stopwatch())
    expected = [rows.where("train"), rows.where("validation"), rows.where("train", "validation")]
    findings = []
    for got, places, what in zip(model.handed, expected, ("choosing", "choosing", "fitting"), strict=True):
        right = np.asarray(features.values[rows.tensor_rows[places]], dtype=np.float32).reshape(len(places), -1)
        if (
            got.x.shape != right.shape
            or got.x.tobytes() != right.tobytes()
            or not np.array_equal(got.y, rows.y[places])
        ):
            findings.append(
                f"a model is handed other recordings for {what} than training and validation of {job.cell.name}"
            )
    return sum(len(each.y) for each in model.handed), findings


def _some(rows: SplitRows) -> SplitRows:
    """Return at most `N_HANDED` recordings of each role, evenly spread."""
    places = [rows.where(role) for role in ("train", "validation", "test")]
    spread = [each[np.unique(np.linspace(0, len(each) - 1, min(len(each), N_HANDED)).astype(int))] for each in places]
    return rows.take(np.sort(np.concatenate(spread)))


def peeking(inputs: Inputs, jobs: Sequence[CellJob]) -> list[str]:
    """Fit the model of every job twice, in real cells that differ in half of the test recordings only; say who noticed.

    The MFCCs of that half are replaced by noise and its labels by other classes. The answers for the other half must
    stay the same in every bit: a model that looks at test recordings, while it is fitted or through statistics of what
    it is asked, gives others.

    Parameters
    ----------
    inputs
        Of the jobs.
    jobs
        Of one split.

    Raises
    ------
    RunError
        A model failed.
    """
    touched = half_of_the_test(jobs[0].split)
    untouched = np.setdiff1d(jobs[0].split.where("test"), touched)
    names = set(jobs[0].split.recordings["recording_id"].iloc[untouched])
    with tempfile.TemporaryDirectory() as folder:
        _with_noise(inputs.features, jobs[0].split.tensor_rows[touched], Path(folder) / jobs[0].features)
        as_it_was = _answers(jobs, inputs.surroundings.cache, Path(folder) / "kept")
        changed = _answers([_with_other_labels(job, touched) for job in jobs], Path(folder), Path(folder) / "changed")
    told = (_noticed(*each, names) for each in zip(jobs, as_it_was, changed, strict=True))
    return [clause for clause in told if clause is not None]


def half_of_the_test(rows: SplitRows) -> NDArray[np.int64]:
    """Return the places of the test recordings of every other speaker."""
    test = rows.where("test")
    speaker = rows.recordings["speaker"].to_numpy(dtype=str)[test]
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


def _with_other_labels(job: CellJob, places: NDArray[np.int64]) -> CellJob:
    y = job.split.y.copy()
    y[places] = (y[places] + 1) % len(job.classes)
    return dataclasses.replace(job, split=dataclasses.replace(job.split, y=y))


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
