"""The cells of a run: every model on every split, and the job that each of them is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from benchmarks import plug_ins
from benchmarks.cells import Cell, CellJob
from benchmarks.preparing import Material
from benchmarks.results import RunError
from benchmarks.settings import SEED, RunSettings
from models.catalogue import CATALOGUE, display_name, resolve
from reports.terms import CONTROL, RANDOM


def check_models(models: Sequence[str]) -> None:
    """Refuse unknown and double names; the project's own models are not imported here, TensorFlow takes seconds."""
    for model in models:
        if model not in CATALOGUE:
            resolve(model)
    names = [display_name(model) for model in models]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise RunError(f"--models: {', '.join(double)} is named twice; name every model once")


def make_jobs(
    settings: RunSettings, material: Material, models: plug_ins.Sources, conditions: dict[str, Any]
) -> list[CellJob]:
    """List the jobs of all cells: the quick models first, a model's splits in order."""
    splits = (
        material.plan.folds[["protocol", "repetition", "fold"]].drop_duplicates().itertuples(index=False, name=None)
    )
    cells = [
        Cell(model=model, protocol=protocol, repetition=repetition, fold=fold, seed=SEED + seed)
        for model, (protocol, repetition, fold), seed in itertools.product(models, list(splits), range(settings.seeds))
        if seed == 0 or protocol not in (RANDOM, CONTROL) or settings.protocol == RANDOM
    ]
    card = {
        "task": material.task.name,
        "mfcc": material.config.as_dict(),
        "images": material.corpus.sample_rate_hz is None,
    }
    return [
        CellJob(
            cell=cell,
            run=str(settings.folder.resolve()),
            features=str(material.features.folder.resolve()),
            label_column=material.task.column,
            classes=material.labelled.classes,
            threads=settings.threads_per_cell,
            contended=settings.jobs > 1,
            refit=settings.refit,
            save=settings.save_models,
            conditions={**conditions, **models[cell.model]},
            card=card,
        )
        for cell in cells
    ]
