"""How cost grows with the number of recordings: extraction, each model's fit and answers, the report.

Every size is a run of its own on part of a corpus: MFCCs from disk into an empty cache, then one fold of ``grouped``
for each model, in a process of its own with bounded threads. The report's table of every fold is made from that fold's
answers, drawn again for the recordings of the same class: its cost depends on their number, not on who gave them.
"""

from __future__ import annotations

import dataclasses
import json
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

from benchmarks import provenance
from benchmarks.cells.cell import DESCRIBED, Cell, places
from benchmarks.cells.finished_cell import RECORD, checksums, write_record
from benchmarks.cells.jobs import check_models, list_cells, make_jobs
from benchmarks.cells.manifest import manifest_of
from benchmarks.cells.run_directory import RunDirectory
from benchmarks.cells.stopwatch import peak_rss_bytes
from benchmarks.growth.laws import fit_law
from benchmarks.protocol.inputs import Inputs, Surroundings, prepare_corpus
from benchmarks.run import executor_of
from benchmarks.settings import SEED, RunSettings, SettingsError, moment
from features.corpora.audiomnist import open_audiomnist
from features.corpora.catalogue import open_corpus
from features.corpora.recordings import Corpus, check_recordings, quarantine_table
from features.corpora.virtual.corpus import virtual_corpus_folder
from models import plug_ins
from models.catalogue import display_name
from reports.page.page import rebuild
from reports.run_directory import tables

VIRTUAL_RECORDINGS = 3_000
"""Recordings per seed of the embedded corpus."""

_UNKNOWN_EXPONENT = 2.0  # of a model's training, before two sizes tell

_REBUILD = f"""
import sys
from pathlib import Path
from {peak_rss_bytes.__module__} import peak_rss_bytes
from {rebuild.__module__} import rebuild
rebuild(Path(sys.argv[1]))
print(peak_rss_bytes())
"""


def read_sizes(text: str) -> tuple[int, ...]:
    """Read the numbers of recordings that a user writes, separated by commas.

    Raises
    ------
    SettingsError
        They are no rising numbers.
    """
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        raise SettingsError(f"--sizes: expected numbers separated by commas, got '{text}'") from None
    if min(sizes) < 1 or list(sizes) != sorted(set(sizes)):
        raise SettingsError(f"--sizes: expected rising numbers of recordings, got {sizes}")
    return sizes


@dataclass
class Growth:
    """What was measured.

    Attributes
    ----------
    budget_s
        Longest expected training.
    rows, loads
        A row per cost and size; the machine's load at every size.
    skipped
        What was skipped, and why.
    answered
        Each model's latest cell.
    """

    budget_s: float = float("inf")
    rows: list[dict[str, Any]] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    answered: dict[str, Path] = field(default_factory=dict)

    def add(self, model: str | None, phase: str, n_recordings: int, seconds: float, peak_bytes: int | None) -> None:
        """Keep one cost."""
        row = {"model": model, "phase": phase, "n_recordings": n_recordings, "seconds": seconds}
        self.rows.append({**row, "peak_rss_bytes": peak_bytes})

    def costs(self, model: str | None, phase: str) -> tuple[list[int], list[float]]:
        """Return sizes and seconds of one cost."""
        own = [row for row in self.rows if (row["model"], row["phase"]) == (model, phase)]
        return [row["n_recordings"] for row in own], [row["seconds"] for row in own]


def measure_growth(
    settings: RunSettings, surroundings: Surroundings, *, sizes: Sequence[int], budget_s: float
) -> Growth:
    """Measure every size, smallest first.

    Parameters
    ----------
    settings
        Of the run that each size is, but for its folder; of the embedded corpus there are as many seeds as it takes.
    surroundings
        Cache of the corpus, progress and environment.
    sizes
        Numbers of recordings, rising.
    budget_s
        Longest expected training of one model on one size, in seconds.

    Raises
    ------
    CorpusError, TaskError, RunError, UnknownModelError
        The corpus is not as needed, or a model is unknown.
    """
    check_models(settings.models)
    with surroundings.stages.stage("speak") as spoken:
        corpus = growing_corpus(settings.corpus, max(sizes), cache=surroundings.cache, on_speaker=spoken)
    growth = Growth(budget_s=budget_s)
    with tempfile.TemporaryDirectory(prefix="voxfold-growth-") as temporary:
        for size in sizes:
            if size > len(corpus.recordings):
                growth.skipped.append(f"{size:,} recordings: the corpus has {len(corpus.recordings):,}")
                continue
            growth.loads.append(round(provenance.load_average(), 1))
            surroundings.stages.say(f"{size:,} recordings")
            own = settings.model_copy(update={"out": Path(temporary) / str(size)})
            empty = dataclasses.replace(surroundings, cache=Path(temporary) / f"{size}.cache")
            _measure_size(prepare_corpus(first(corpus, size), own, empty), growth)
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
    part = corpus.recordings.head(n_recordings).sort_values("recording_id", ignore_index=True)
    return dataclasses.replace(corpus, recordings=check_recordings(part))


def _measure_size(inputs: Inputs, growth: Growth) -> None:
    """Measure everything on one size."""
    size = len(inputs.corpus.recordings)
    growth.add(None, "extract", size, inputs.features.extract_seconds, None)
    directory = RunDirectory(inputs.settings.folder)
    directory.prepare(inputs.conditions, fresh=False)
    models = plug_ins.sources(inputs.settings.models)
    manifest = {**manifest_of(inputs, models), "command": "growth", "created": moment(None).isoformat()}
    directory.begin(inputs, manifest)
    cells = list_cells(inputs, models)
    for cell in cells:
        if cell.fold == 0 and _is_affordable(cell, size, growth):
            _measure_cell(cell, directory, inputs, growth)
    answered = [cell for cell in cells if cell.model in growth.answered]
    for cell in answered:
        answer_again(cell, growth.answered[cell.model], directory, inputs)
    if directory.collect(answered, manifest, inputs.features):
        seconds, peak = timed_report(directory.path)
        inputs.surroundings.stages.say(f"report: written in {seconds:.1f} s")
        growth.add(None, "report", size, seconds, peak)


def _is_affordable(cell: Cell, size: int, growth: Growth) -> bool:
    model = display_name(cell.model)
    expected = expected_seconds(*growth.costs(model, "train"), size)
    if expected <= growth.budget_s:
        return True
    growth.skipped.append(
        f"{model} on {size:,} recordings: training would take about {expected:,.0f} s, over --budget-s "
        f"{growth.budget_s:g}"
    )
    return False


def _measure_cell(cell: Cell, directory: RunDirectory, inputs: Inputs, growth: Growth) -> None:
    model, size = display_name(cell.model), len(inputs.corpus.recordings)
    (outcome,) = executor_of(directory, inputs).run(make_jobs([cell], inputs))
    if outcome.folder is None:
        growth.skipped.append(f"{model} on {size:,} recordings failed: {outcome.error}")
        return
    timings = tables.read("timings", outcome.folder)
    seconds = timings.groupby("phase")["seconds"].sum()
    peak = int(timings["peak_rss_bytes"].max())
    n_asked = int(timings.loc[timings["phase"] == "predict-batch", "n_recordings"].iloc[0])
    trained = float(seconds["select"] + seconds["fit"])
    inputs.surroundings.stages.say(f"{model}: trained in {trained:.1f} s")
    growth.add(model, "train", size, trained, peak)
    growth.add(model, "fit", size, float(seconds["fit"]), peak)
    growth.add(model, "answer", size, float(seconds["predict-batch"]) / n_asked, peak)
    growth.answered[cell.model] = outcome.folder


def expected_seconds(sizes: Sequence[int], costs: Sequence[float], size: int) -> float:
    """Expect a cost from those of smaller sizes: by their law, by the square with one of them, nothing with none."""
    if not sizes:
        return 0.0
    law = fit_law(sizes, costs)
    return law.at(size) if law else costs[-1] * (size / sizes[-1]) ** _UNKNOWN_EXPONENT


def answer_again(cell: Cell, source: Path, directory: RunDirectory, inputs: Inputs) -> None:
    """Make a cell that is not there without running it: answers of the finished cell in `source`, drawn again.

    Every recording gets the answers to one of its class.
    """
    target = directory.cells / cell.name
    if target.exists():
        return
    target.mkdir()
    (job,) = make_jobs([cell], inputs)
    asked = job.split.iloc[places(job.split, "test")].reset_index(drop=True)
    answers = tables.read("predictions", source)
    truth = np.array(job.classes, dtype=object)[asked["y"]]
    rows = np.empty(len(truth), dtype=np.int64)
    for label in asked["y"].unique():
        own, donors = np.flatnonzero(asked["y"] == label), np.flatnonzero(answers["y_true"] == job.classes[label])
        rows[own] = np.resize(donors if len(donors) else np.arange(len(answers)), len(own))
    drawn = answers.iloc[rows].reset_index(drop=True).assign(**asked[list(DESCRIBED)], **cell.keys, y_true=truth)
    tables.write(drawn, "predictions", target)
    tables.write(tables.read("timings", source).assign(**cell.keys), "timings", target)
    record = json.loads((source / RECORD).read_text(encoding="utf-8"))
    write_record(target, {**record, "key": cell.key, "cell": cell.keys, "files": checksums(target)})


def timed_report(folder: Path) -> tuple[float, int]:
    """Rebuild a run's report in a process of its own; return its seconds and its peak memory in bytes."""
    started = time.perf_counter()
    command = [sys.executable, "-c", _REBUILD, str(folder.absolute())]
    rebuilt = subprocess.run(command, cwd=provenance.CHECKOUT, capture_output=True, text=True, check=False)
    if rebuilt.returncode:
        raise RuntimeError(f"report of {folder.name} recordings failed: {rebuilt.stderr.strip()}")
    return time.perf_counter() - started, int(rebuilt.stdout)
