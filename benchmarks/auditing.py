"""The road of the command `audit`: a corpus and its folds, as a run would have them, looked at for leaks."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import isolation, plug_ins
from benchmarks.audit import Audited, audit, models_check
from benchmarks.cells import CellJob
from benchmarks.jobs import check_models, make_jobs
from benchmarks.manifests import conditions_of
from benchmarks.preparing import Material, prepare
from benchmarks.progress import Stages
from benchmarks.protocol.tasks import find_task
from benchmarks.settings import SEED, RunSettings
from reports import tables


def audit_corpus(settings: RunSettings, *, cache: Path, stages: Stages, keras_backend: str | None) -> dict[str, Any]:
    """Audit a corpus and protocol for leaks, and try whether the models of `settings` peek at test recordings.

    Raises
    ------
    LeakError
        A split shares speakers or byte-identical audio, so that no run could be made.
    CorpusError, TaskError, RunError, UnknownModelError
        The corpus, task, protocol or a model is not as needed.
    """
    task = find_task(settings.task)
    check_models(settings.models)
    material = prepare(settings, task, cache=cache, stages=stages)
    with tempfile.TemporaryDirectory(prefix="voxfold-audit-") as folder:
        there = settings.model_copy(update={"out": Path(folder)})
        for name in ("recordings", "folds"):
            table = material.corpus.recordings if name == "recordings" else material.plan.folds
            tables.write(table, name, Path(folder))
        jobs = make_jobs(
            there, material, plug_ins.sources(settings.models), conditions_of(there, material, keras_backend)
        )
        found = audit(audited(Path(folder), there, material, jobs), seed=SEED)
        with stages.stage("models") as advance:
            first = [job for job in jobs if job.cell == dataclasses.replace(jobs[0].cell, model=job.cell.model)]
            peeks = models_check(isolation.peeking(material.features, first), [job.cell.model for job in first])
            advance(len(first), len(first))
    return {**found, "checks": [*found["checks"], peeks.model_dump()]}


def audited(folder: Path, settings: RunSettings, material: Material, jobs: Sequence[CellJob]) -> Audited:
    """Gather what the checks look at; `folder` holds the tables of recordings and folds."""
    return Audited(
        folder=folder,
        corpus=material.corpus,
        config=material.config,
        features=material.features,
        labelled=material.labelled,
        task=material.task,
        protocol=settings.protocol,
        jobs=jobs,
    )
