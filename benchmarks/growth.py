"""How cost grows with the number of recordings: extraction, each model's fit and answers, the report.

Every size is a run of its own on part of a corpus: MFCCs from disk into an empty cache, then one fold of ``grouped``
for each model, in a process of its own with bounded threads. The report's table of every fold is made from that fold's
answers, drawn again for the recordings of the same class: its cost depends on their number, not on who gave them.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.cells import CellJob, checksums, peak_rss_bytes
from benchmarks.executors import run_jobs
from benchmarks.jobs import check_models, make_jobs
from benchmarks.manifests import conditions_of, manifest_of
from benchmarks.plug_ins import sources
from benchmarks.power_laws import fit_law
from benchmarks.preparing import Material, prepare_corpus
from benchmarks.progress import Stages
from benchmarks.protocol.tasks import find_task
from benchmarks.provenance import CHECKOUT
from benchmarks.results import RunDirectory
from benchmarks.runner import collect
from benchmarks.settings import SEED, RunSettings, SettingsError, moment
from features.corpora.audiomnist import open_audiomnist
from features.corpora.opening import open_corpus
from features.corpora.recordings import Corpus, CorpusError, check_recordings, quarantine_table
from features.corpora.virtual import virtual_corpus_folder
from models.catalogue import display_name
from reports import tables

VIRTUAL_RECORDINGS = 3_000
"""Recordings per seed of the embedded corpus."""

SECONDS_BETWEEN_LOOKS = 0.02
_UNKNOWN_EXPONENT = 2.0  # of a model's training, before two sizes tell

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class GrowthSettings:
    """What to measure.

    Attributes
    ----------
    corpus
        As in a run; ``virtual`` grows by more seeds.
    models
        As in a run.
    sizes
        Numbers of recordings.
    budget_s
        Longest expected training of one model on one size, in seconds.
    threads
        Threads per cell; None takes every core.
    """

    corpus: str
    models: tuple[str, ...]
    sizes: tuple[int, ...]
    budget_s: float
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 1 or list(self.sizes) != sorted(set(self.sizes)):
            raise SettingsError(f"--sizes: expected rising numbers of recordings, got {self.sizes}")
        check_models(self.models)


def read_growth_settings(given: Json) -> GrowthSettings:
    """Make the settings from what a user writes: models and sizes are separated by commas."""
    models = tuple(name.strip() for name in given["models"].split(",") if name.strip())
    try:
        sizes = tuple(int(size) for size in given["sizes"].split(","))
    except ValueError:
        raise SettingsError(f"--sizes: expected numbers separated by commas, got '{given['sizes']}'") from None
    return GrowthSettings(**{**given, "models": models, "sizes": sizes})


@dataclass
class Growth:
    """What was measured: a row per cost and size, the machine's load at every size, what was skipped and why."""

    rows: list[Json] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, model: str | None, phase: str, n_recordings: int, seconds: float, peak_bytes: int | None) -> None:
        """Keep one cost."""
        self.rows.append(
            {
                "model": model,
                "phase": phase,
                "n_recordings": n_recordings,
                "seconds": seconds,
                "peak_rss_bytes": peak_bytes,
            }
        )

    def costs(self, model: str | None, phase: str) -> tuple[list[int], list[float]]:
        """Return sizes and seconds of one cost."""
        own = [row for row in self.rows if (row["model"], row["phase"]) == (model, phase)]
        return [row["n_recordings"] for row in own], [row["seconds"] for row in own]


def measure_growth(settings: GrowthSettings, *, cache: Path, stages: Stages, keras_backend: str | None) -> Growth:
    """Measure every size, smallest first.

    Raises
    ------
    CorpusError, TaskError, SettingsError, UnknownModelError
        The corpus is too small or not as needed, or a model is unknown.
    """
    with stages.stage("speak") as spoken:
        corpus = growing_corpus(settings.corpus, max(settings.sizes), cache=cache, on_speaker=spoken)
    growth = Growth()
    answered: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="voxfold-growth-") as temporary:
        for size in settings.sizes:
            if size > len(corpus.recordings):
                growth.skipped.append(f"{size:,} recordings: the corpus has {len(corpus.recordings):,}")
                continue
            place = Path(temporary) / str(size)
            run = RunSettings(
                corpus=settings.corpus, models=settings.models, threads=settings.threads, premium=False, out=place
            )
            growth.loads.append(round(os.getloadavg()[0], 1))
            stages.say(f"{size:,} recordings")
            _Size(run, growth, stages, keras_backend).measure(first(corpus, size), settings.budget_s, answered)
    return growth


def growing_corpus(
    argument: str, n_recordings: int, *, cache: Path, on_speaker: Callable[[int, int], None] | None = None
) -> Corpus:
    """Open a corpus of at least `n_recordings` if it has so many, its recordings in the order in which it grows.

    Every speaker's first recording comes before anyone's second; of the embedded corpus, the next seed's speakers come
    when the last seed's are used up.
    """
    rng = np.random.default_rng(SEED)
    if argument != "virtual":
        corpus = open_corpus(argument, cache=cache)
        return dataclasses.replace(corpus, recordings=_growing(corpus.recordings, rng))
    parts = []
    for seed in range(-(-n_recordings // VIRTUAL_RECORDINGS)):
        folder = virtual_corpus_folder(cache, seed=seed, on_speaker=on_speaker)
        corpus = open_audiomnist(folder, kind="virtual")
        within = corpus.root.relative_to(cache / "virtual").as_posix()
        table = _growing(corpus.recordings, rng)
        prefixes = {"recording_id": f"{seed}-", "speaker": f"{seed}-", "path": f"{within}/"}
        parts.append(table.assign(**{name: prefix + table[name] for name, prefix in prefixes.items()}))
    recordings = pd.concat(parts, ignore_index=True)
    return dataclasses.replace(corpus, root=cache / "virtual", recordings=recordings, quarantine=quarantine_table())


def _growing(recordings: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    shuffled = recordings.iloc[rng.permutation(len(recordings))]
    turn = shuffled.groupby("speaker").cumcount()
    return shuffled.assign(turn=turn).sort_values(["turn", "speaker"], ignore_index=True).drop(columns="turn")


def first(corpus: Corpus, n_recordings: int) -> Corpus:
    """Return the corpus when it had so many recordings."""
    if n_recordings > len(corpus.recordings):
        raise CorpusError(f"{n_recordings} recordings: the corpus has {len(corpus.recordings)}")
    part = corpus.recordings.head(n_recordings).sort_values("recording_id", ignore_index=True)
    return dataclasses.replace(corpus, recordings=check_recordings(part))


class _Size:
    """Measures one size."""

    def __init__(self, settings: RunSettings, growth: Growth, stages: Stages, keras_backend: str | None) -> None:
        self.settings = settings
        self.growth = growth
        self.stages = stages
        self.keras_backend = keras_backend

    def measure(self, corpus: Corpus, budget_s: float, answered: dict[str, Path]) -> None:
        """Measure everything; `answered` has each model's latest cell, and gets the new ones."""
        directory = RunDirectory(self.settings.folder)
        task = find_task(self.settings.task)
        material = prepare_corpus(
            corpus, self.settings, task, cache=self.settings.folder.with_suffix(".cache"), stages=self.stages
        )
        features, size = material.features, len(corpus.recordings)
        self.growth.add(None, "extract", size, features.extract_seconds, None)
        conditions = conditions_of(self.settings, material, self.keras_backend)
        directory.prepare(conditions, fresh=False)
        for name, table in (
            ("recordings", material.corpus.recordings),
            ("quarantine", material.corpus.quarantine),
            ("folds", material.plan.folds),
        ):
            tables.write(table, name, directory.path)
        models = sources(self.settings.models)
        jobs = make_jobs(self.settings, material, models, conditions)
        for job in jobs:
            if job.cell.fold == 0 and self._affordable(job, size, budget_s):
                self._cell(job, directory, answered, size)
        jobs = [job for job in jobs if job.cell.model in answered]
        if jobs:
            described = manifest_of(self.settings, material, models, conditions)
            manifest = {**described, "command": "growth", "created": moment(None).isoformat()}
            self._report(jobs, directory, material, (manifest, answered))

    def _affordable(self, job: CellJob, size: int, budget_s: float) -> bool:
        model = display_name(job.cell.model)
        expected = expected_seconds(*self.growth.costs(model, "train"), size)
        if expected <= budget_s:
            return True
        self.growth.skipped.append(
            f"{model} on {size:,} recordings: training would take about {expected:,.0f} s, over --budget-s {budget_s:g}"
        )
        return False

    def _cell(self, job: CellJob, directory: RunDirectory, answered: dict[str, Path], size: int) -> None:
        model = display_name(job.cell.model)
        outcome = next(run_jobs([job], at_a_time=1))
        if outcome.error is not None:
            self.growth.skipped.append(f"{model} on {size:,} recordings failed: {outcome.error}")
            return
        folder = directory.cells / job.cell.name
        timings = tables.read("timings", folder)
        seconds = timings.groupby("phase")["seconds"].sum()
        peak = int(timings["peak_rss_bytes"].max())
        n_asked = int(timings.loc[timings["phase"] == "predict-batch", "n_recordings"].iloc[0])
        trained = float(seconds["select"] + seconds["fit"])
        self.stages.say(f"{model}: trained in {trained:.1f} s")
        self.growth.add(model, "train", size, trained, peak)
        self.growth.add(model, "fit", size, float(seconds["fit"]), peak)
        self.growth.add(model, "answer", size, float(seconds["predict-batch"]) / n_asked, peak)
        answered[job.cell.model] = folder

    def _report(
        self,
        jobs: Sequence[CellJob],
        directory: RunDirectory,
        material: Material,
        run: tuple[Json, dict[str, Path]],
    ) -> None:
        manifest, answered = run
        for job in jobs:
            answer_again(job, answered[job.cell.model], directory, material)
        collect(directory, jobs, manifest, material)
        seconds, peak = timed_report(directory.path)
        self.stages.say(f"report: written in {seconds:.1f} s")
        self.growth.add(None, "report", len(material.corpus.recordings), seconds, peak)


def expected_seconds(sizes: Sequence[int], costs: Sequence[float], size: int) -> float:
    """Expect a cost from those of smaller sizes: by their law, by the square with one of them, nothing with none."""
    if not sizes:
        return 0.0
    law = fit_law(sizes, costs)
    return law.at(size) if law else costs[-1] * (size / sizes[-1]) ** _UNKNOWN_EXPONENT


def answer_again(job: CellJob, source: Path, directory: RunDirectory, material: Material) -> None:
    """Make a cell without running it: the answers in the cell `source`, drawn again for recordings of the same class.

    Parameters
    ----------
    job
        The cell to make; nothing is done where it is there.
    source
        Folder of a finished cell of the same model.
    directory, material
        The run.
    """
    target = directory.cells / job.cell.name
    if target.exists():
        return
    target.mkdir()
    folds, recordings = material.plan.folds, material.corpus.recordings
    tested = folds.loc[(folds["fold"] == job.cell.fold) & (folds["role"] == "test"), "recording_id"]
    asked = recordings[recordings["recording_id"].isin(tested)].reset_index(drop=True)
    answers = tables.read("predictions", source)
    truth = asked[job.label_column].astype("str")
    rows = np.empty(len(asked), dtype=np.int64)
    for label in truth.unique():
        own, donors = np.flatnonzero(truth == label), np.flatnonzero(answers["y_true"] == label)
        rows[own] = np.resize(donors if len(donors) else np.arange(len(answers)), len(own))
    columns = {name: asked[name].to_numpy() for name in ("recording_id", "speaker", *tables.GROUP_COLUMNS)}
    drawn = answers.iloc[rows].reset_index(drop=True).assign(**columns, **job.cell.keys, y_true=truth.to_numpy())
    tables.write(drawn, "predictions", target)
    tables.write(tables.read("timings", source).assign(**job.cell.keys), "timings", target)
    record = json.loads((source / "cell.json").read_text(encoding="utf-8"))
    text = json.dumps({**record, "key": job.key, "cell": job.cell.keys, "files": checksums(target)})
    (target / "cell.json").write_text(text, encoding="utf-8")


def timed_report(folder: Path) -> tuple[float, int]:
    """Rebuild a run's report in a process of its own; return its seconds and its peak memory in bytes."""
    command = [sys.executable, "-m", "benchmarks", "report", str(folder)]
    started, peak = time.perf_counter(), 0
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, peak_rss_bytes(process.pid))
            time.sleep(SECONDS_BETWEEN_LOOKS)
    if process.returncode:
        raise RuntimeError(f"report of {folder.name} recordings failed with exit status {process.returncode}")
    return time.perf_counter() - started, peak
