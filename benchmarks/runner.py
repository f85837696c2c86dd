"""A run from end to end: corpus, features, folds, cells, tables, summary, page."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import interruption, plug_ins
from benchmarks.audit import audit
from benchmarks.auditing import audited
from benchmarks.cells import CellJob
from benchmarks.examples import write_examples
from benchmarks.jobs import check_models, make_jobs
from benchmarks.manifests import conditions_of, manifest_of
from benchmarks.preparing import Material, prepare
from benchmarks.progress import Stages
from benchmarks.protocol.tasks import Task, find_task
from benchmarks.results import RunDirectory, RunError
from benchmarks.resuming import run_missing
from benchmarks.settings import SEED, RunSettings
from models.catalogue import CATALOGUE, display_name
from reports import borrowed, summary, tables, wording
from reports.audits import Audit
from reports.links import refuse_links
from reports.page import page
from reports.plain_text import printable


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run left: its directory, its page (None where no cell finished), cells run now, cells that failed."""

    folder: Path
    report: Path | None
    n_ran: int
    failed: list[dict[str, str]]


def run(
    settings: RunSettings,
    *,
    cache: Path,
    command: str,
    created: datetime.datetime,
    stages: Stages,
    keras_backend: str | None = None,
) -> RunResult:
    """Run the benchmark that `settings` describe, or what is missing of it, and write its report.

    Parameters
    ----------
    settings
        What to run.
    cache
        Folder of the feature cache.
    command
        The command line that repeats the run, for the report.
    created
        When the run is made, for the report.
    stages
        Where progress is told.
    keras_backend
        The backend that the environment names for Keras, if it does.

    Raises
    ------
    CorpusError, TaskError, RunError, UnknownModelError
        The corpus, task, protocol, run directory or a model is not as needed.
    """
    task = find_task(settings.task)
    check_models(settings.models)
    directory = RunDirectory(settings.folder)
    if directory.path.is_dir():
        refuse_links(directory.path)
    with directory.claimed():
        said = {"command": command, "created": created.isoformat()}
        return _run_claimed(settings, task, directory, said, cache=cache, stages=stages, keras_backend=keras_backend)


def _run_claimed(
    settings: RunSettings,
    task: Task,
    directory: RunDirectory,
    said: dict[str, str],
    *,
    cache: Path,
    stages: Stages,
    keras_backend: str | None,
) -> RunResult:
    material = prepare(settings, task, cache=cache, stages=stages)
    conditions = conditions_of(settings, material, keras_backend)
    _check_timings_from(settings, material, conditions)
    directory.prepare(conditions, fresh=settings.fresh)
    interruption.announce_resuming(fresh=False)  # what --fresh had to delete is deleted
    for damage in directory.remove_damaged():
        stages.say(damage)
    former = directory.read_manifest() or {}
    models = _models_of(directory, former, settings)
    others = plug_ins.not_named(former, models)
    jobs = make_jobs(settings, material, models, conditions)
    kept = [job for job in make_jobs(settings, material, others, conditions) if directory.record(job) is not None]
    for line in plug_ins.told(others, kept):
        stages.say(line)
    models = {**models, **{job.cell.model: others[job.cell.model] for job in kept}}
    manifest = {**manifest_of(settings, material, models, conditions), **said}
    directory.write_manifest(manifest)
    tables.write(material.corpus.recordings, "recordings", directory.path)
    tables.write(material.corpus.quarantine, "quarantine", directory.path)
    tables.write(material.plan.folds, "folds", directory.path)
    Audit.write(audit(audited(directory.path, settings, material, jobs), seed=SEED), directory.path)
    n_ran = run_missing(directory, jobs, settings, stages)
    return finish(directory, [*jobs, *kept], manifest, material, n_ran, timings_from=settings.timings_from)


def _check_timings_from(settings: RunSettings, material: Material, conditions: dict[str, Any]) -> None:
    """Stop before anything is written if the run whose times are wanted is not one of these cells."""
    if settings.timings_from is None:
        return
    if settings.timings_from.resolve() == settings.folder.resolve():
        raise RunError(f"--timings-from {settings.timings_from}: is this run's own directory; name another run")
    jobs = make_jobs(settings, material, plug_ins.sources(settings.models), conditions)
    borrowed.check_source(settings.timings_from, conditions, {tuple(job.cell.keys.values()) for job in jobs})


def _models_of(directory: RunDirectory, former: dict[str, Any], settings: RunSettings) -> plug_ins.Sources:
    """Models of this run: our own with finished cells here, made under the same conditions, and those asked for."""
    before = [
        model
        for model in plug_ins.arguments(former)
        if model in CATALOGUE and any(directory.cells.glob(f"{display_name(model)}-*/cell.json"))
    ]
    models = tuple(dict.fromkeys([*before, *settings.models]))
    check_models(models)
    return plug_ins.sources(models)


def finish(
    directory: RunDirectory,
    jobs: Sequence[CellJob],
    manifest: dict[str, Any],
    material: Material,
    n_ran: int,
    timings_from: Path | None = None,
) -> RunResult:
    """Collect the cells' tables, and write the manifest, summary, examples and page."""
    failed = directory.failures(jobs)
    if not collect(directory, jobs, manifest, material):
        return RunResult(folder=directory.path, report=None, n_ran=n_ran, failed=failed)
    borrowed.borrow(directory.path, timings_from or directory.path)
    content = json.loads(summary.write_summary(directory.path).read_text(encoding="utf-8"))
    hardest = [entry["recording_id"] for entry in content["hardest"]["recordings"]]
    write_examples(directory.path / "examples", hardest, material.features)
    report = page.render(directory.path)
    return RunResult(folder=directory.path, report=report, n_ran=n_ran, failed=failed)


def collect(directory: RunDirectory, jobs: Sequence[CellJob], manifest: dict[str, Any], material: Material) -> bool:
    """Write the tables of the finished cells, and the manifest with how the cells went; False where none finished."""
    records = [record for job in jobs if (record := directory.record(job)) is not None]
    if not records:
        return False
    directory.collect(jobs, material.features)
    choices = [
        {**record["cell"], "settings": record["settings"], "model_bytes": record["model_bytes"]} for record in records
    ]
    manifest["cells"] = {"finished": len(records), "failed": directory.failures(jobs), "choices": choices}
    manifest["files"] = directory.table_checksums()
    directory.write_manifest(manifest)
    return True


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
    told = map(printable, [*content["answer"]["warnings"], *content["answer"]["sentences"]])
    return "\n".join([*told, table])
