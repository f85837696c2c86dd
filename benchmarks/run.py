"""A run from end to end; its steps are functions that growth, the command ``audit`` and others call too.

Inputs (`prepare_inputs`), cells (`list_cells`), what is known before any of them is run (``RunDirectory.begin``),
results (`run_cells`, ``RunDirectory.collect``), and what is told of them (`tell`): summary, examples, page.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.cells.cell import Cell
from benchmarks.cells.executors.base import Executor
from benchmarks.cells.executors.local import LocalExecutor
from benchmarks.cells.jobs import check_models, list_cells, make_jobs
from benchmarks.cells.limits import limits_of
from benchmarks.cells.manifest import manifest_of
from benchmarks.cells.run_directory import RunDirectory
from benchmarks.errors import RunError
from benchmarks.leakage import audit, isolation
from benchmarks.protocol.inputs import Inputs, Surroundings, prepare_inputs
from benchmarks.settings import SEED, RunSettings
from benchmarks.terminal import interruption
from features.cache.entries import Features
from features.images import levels_to_rgb, viridis_levels
from models import plug_ins
from models.catalogue import CATALOGUE, display_name
from reports.page import page
from reports.run_directory import borrowed_times
from reports.run_directory.audit import Audit
from reports.run_directory.files import refuse_links, remove_abandoned, replacing
from reports.summary import summary
from reports.summary.hardest import example_name
from reports.text import wording
from reports.text.printable import printable


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run left: its directory, its page (None where no cell finished), and the cells that failed."""

    folder: Path
    report: Path | None
    failed: list[dict[str, str]]


def run(settings: RunSettings, surroundings: Surroundings, *, command: str, created: datetime.datetime) -> RunResult:
    """Run the benchmark that `settings` describe, or what is missing of it, and write its report.

    The report says the `command` that repeats the run, and when it was `created`.

    Raises
    ------
    CorpusError, TaskError, RunError, UnknownModelError
        The corpus, task, protocol, run directory or a model is not as needed.
    """
    check_models(settings.models)
    directory = RunDirectory(settings.folder)
    if directory.path.is_dir():
        refuse_links(directory.path)
    with directory.claimed():
        inputs = prepare_inputs(settings, surroundings)
        _check_timings_from(inputs)
        _open(directory, inputs)
        models, others = _models_of(directory, settings)
        listed = list_cells(inputs, {**models, **others})
        cells = [cell for cell in listed if cell.model in models]
        kept = [cell for cell in listed if cell.model in others and directory.record(cell) is not None]
        for line in told(others, kept):
            surroundings.stages.say(line)
        named = {**models, **{cell.model: others[cell.model] for cell in kept}}
        manifest = {**manifest_of(inputs, named), "command": command, "created": created.isoformat()}
        directory.begin(inputs, manifest)
        Audit.write(audit.audit(inputs, next(make_jobs(cells, inputs), None)), directory.path)
        run_cells(directory, inputs, cells)
        cells += kept
        finished = directory.collect(cells, manifest, inputs.features)
        report = tell(directory, inputs) if finished else None
        return RunResult(folder=directory.path, report=report, failed=directory.failures(cells))


def _check_timings_from(inputs: Inputs) -> None:
    """Stop before anything is written if the run whose times are wanted is not one of these cells."""
    settings = inputs.settings
    if settings.timings_from is None:
        return
    if settings.timings_from.resolve() == settings.folder.resolve():
        raise RunError(f"--timings-from {settings.timings_from}: is this run's own directory; name another run")
    cells = list_cells(inputs, plug_ins.sources(settings.models))
    borrowed_times.check_source(settings.timings_from, inputs.conditions, {tuple(cell.keys.values()) for cell in cells})


def _open(directory: RunDirectory, inputs: Inputs) -> None:
    """Make, empty or check the directory, and remove what is damaged in it."""
    directory.prepare(inputs.conditions, fresh=inputs.settings.fresh)
    interruption.announce_resuming(fresh=False)  # what --fresh had to delete is deleted
    for line in directory.remove_damaged():
        inputs.surroundings.stages.say(line)


def _models_of(directory: RunDirectory, settings: RunSettings) -> tuple[plug_ins.Sources, plug_ins.Sources]:
    """Return the models of this run, and plug-ins of a former one in the directory that are not named now.

    Models of this run are our own with finished cells there, made under the same conditions, and those asked for.
    """
    former = directory.read_manifest() or {}
    before = [
        model
        for model in plug_ins.former_sources(former)
        if model in CATALOGUE and any(directory.cells.glob(f"{display_name(model)}-*/cell.json"))
    ]
    models = tuple(dict.fromkeys([*before, *settings.models]))
    check_models(models)
    sources = plug_ins.sources(models)
    return sources, plug_ins.not_named(former, sources)


def told(others: plug_ins.Sources, kept: Sequence[Cell]) -> Iterator[str]:
    """Say of every plug-in that is not named now what becomes of it."""
    for model in others:
        n_cells = sum(cell.model == model for cell in kept)
        fate = f"its {n_cells} finished cells stay in the report" if n_cells else "it is left out of the report"
        yield f"model '{model}' of a former run is a plug-in and not named now: {fate}; name it in --models to run it"


def executor_of(directory: RunDirectory, inputs: Inputs) -> Executor:
    """Return who runs the cells: this machine, within the limits of the settings."""
    settings = inputs.settings
    return LocalExecutor(
        features=inputs.surroundings.cache,
        results=directory.cells,
        at_a_time=settings.jobs,
        limits=limits_of(settings.cell_time_s, settings.cell_memory_mb, settings.jobs),
    )


def run_cells(directory: RunDirectory, inputs: Inputs, cells: Sequence[Cell]) -> None:
    """Run those of `cells` that are not finished, and record those that fail.

    Raises
    ------
    RunError
        A cell could not be written; the others that run are ended, what is finished is kept.
    """
    stages = inputs.surroundings.stages
    missing = [cell for cell in cells if not directory.is_done(cell, save=inputs.settings.save_models)]
    for cell in missing:
        directory.forget_failure(cell)
    if len(missing) < len(cells):
        stages.say(f"{len(cells) - len(missing)} of {len(cells)} cells were finished before")
    with stages.stage("cells") as advance:
        advance(0, len(missing))
        outcomes = executor_of(directory, inputs).run(make_jobs(missing, inputs))
        for done, outcome in enumerate(outcomes, start=1):
            if not outcome.had_room:
                raise RunError(
                    f"cell {outcome.job.cell.name} could not be written ({outcome.error}); finished cells are kept: "
                    "make room and give the same command again"
                )
            if outcome.error is not None:
                directory.record_failure(outcome)
                stages.say(f"cell {outcome.job.cell.name} failed: {outcome.error}")
            advance(done, len(missing))


def tell(directory: RunDirectory, inputs: Inputs) -> Path:
    """Write the summary, the examples and the page of collected results; return the page."""
    borrowed_times.borrow(directory.path, inputs.settings.timings_from or directory.path)
    content = json.loads(summary.write_summary(directory.path).read_text(encoding="utf-8"))
    hardest = [entry["recording_id"] for entry in content["hardest"]["recordings"]]
    write_examples(directory.path / "examples", hardest, inputs.features)
    return page.render(directory.path)


def write_examples(folder: Path, recording_ids: Sequence[str], features: Features) -> None:
    """Write MFC images, ``folder/<recording>.png``, coefficient 0 on top; remove those of former runs."""
    folder.mkdir(exist_ok=True)
    remove_abandoned(folder)
    old = set(folder.glob("*.png"))
    rows = pd.Index(features.index["recording_id"]).get_indexer(recording_ids)
    for recording, row in zip(recording_ids, rows, strict=True):
        if features.images is not None:
            rgb = np.asarray(features.images[row])
        else:
            rgb = levels_to_rgb(viridis_levels(np.asarray(features.values[row])))
        path = folder / f"{example_name(recording)}.png"
        with replacing(path) as temporary:
            Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 0, 2))).save(temporary, format="PNG")
        old.discard(path)
    for path in old:
        path.unlink()


def audit_corpus(settings: RunSettings, surroundings: Surroundings) -> dict[str, Any]:
    """Audit a corpus and protocol for leaks, and try whether the models of `settings` peek at test recordings.

    Raises
    ------
    LeakError
        A split shares speakers or byte-identical audio, so that no run could be made.
    CorpusError, TaskError, RunError, UnknownModelError
        The corpus, task, protocol or a model is not as needed.
    """
    check_models(settings.models)
    inputs = prepare_inputs(settings, surroundings)
    cells = list_cells(inputs, plug_ins.sources(settings.models))
    jobs = list(make_jobs([cell for cell in cells if (cell.split, cell.seed) == (cells[0].split, SEED)], inputs))
    audited = audit.audit(inputs, jobs[0])
    with surroundings.stages.stage("models") as advance:
        peeks = audit.models_check(isolation.peeking(inputs, jobs), [job.cell.model for job in jobs])
        advance(len(jobs), len(jobs))
    return {**audited, "checks": [*audited["checks"], peeks.model_dump()]}


def closing_words(folder: Path) -> str:
    """Return what the run's last lines print: warnings, the answer, and scores by model with their intervals."""
    content = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    rows = {
        name: {
            "rank": wording.rank(content["ranks"].get(name)),
            "balanced accuracy (%)": wording.percent(entry["balanced_accuracy"]["value"], False),
            "95 % interval": wording.interval(entry["balanced_accuracy"]),
            "mean over folds (%)": wording.percent(entry["mean_over_folds"]["balanced_accuracy"]["value"], False),
            "leakage premium (points)": wording.points(
                (content["leakage_premium"].get(name) or {}).get("value"), False
            ),
        }
        for name, entry in content["models"].items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").to_string()
    lines = map(printable, [*content["answer"]["warnings"], *content["answer"]["sentences"]])
    return "\n".join([*lines, table])
