"""The cells of a run: every model on every split; and the job that each of them is, made when it is its turn."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.cells.cell import DESCRIBED, Cell, CellJob
from benchmarks.errors import RunError
from benchmarks.protocol.inputs import Inputs
from benchmarks.settings import SEED
from models import plug_ins
from models.catalogue import CATALOGUE, display_name, resolve
from reports.run_directory.fold_offences import SPLIT
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


def list_cells(inputs: Inputs, models: plug_ins.Sources) -> list[Cell]:
    """List all cells of `models`: the models in their order, a model's splits in order."""
    settings = inputs.settings
    splits = inputs.plan.folds[SPLIT].drop_duplicates().itertuples(index=False, name=None)
    cells = [
        Cell(model=model, protocol=protocol, repetition=repetition, fold=fold, seed=SEED + seed)
        for model, (protocol, repetition, fold), seed in itertools.product(models, list(splits), range(settings.seeds))
        if seed == 0 or protocol not in (RANDOM, CONTROL) or settings.protocol == RANDOM
    ]
    return [dataclasses.replace(cell, key=_key(cell, {**inputs.conditions, **models[cell.model]})) for cell in cells]


def _key(cell: Cell, conditions: dict[str, Any]) -> str:
    named = {name: value for name, value in vars(cell).items() if name != "key"}
    return hashlib.sha256(json.dumps({"cell": named, **conditions}, sort_keys=True).encode()).hexdigest()


def make_jobs(cells: Iterable[Cell], inputs: Inputs) -> Iterator[CellJob]:
    """Make the job of each cell when it is asked for: it holds the rows of its split."""
    settings, labelled, folds = inputs.settings, inputs.labelled, inputs.plan.folds
    code_of = {name: code for code, name in enumerate(labelled.classes)}
    recordings = labelled.recordings[list(DESCRIBED)].assign(
        tensor_row=pd.Index(inputs.features.index["recording_id"]).get_indexer(labelled.recordings["recording_id"]),
        y=labelled.labels.map(code_of).to_numpy(dtype=np.int64),
    )
    images = inputs.corpus.sample_rate_hz is None
    card = {"task": inputs.task.name, "mfcc": inputs.config.as_dict(), "images": images}
    place_of = pd.Index(recordings["recording_id"])
    rows_of = folds.groupby(SPLIT, sort=False).indices
    for cell in cells:
        rows = folds.iloc[rows_of[cell.split]]
        places = place_of.get_indexer(rows["recording_id"])
        order = np.argsort(places)  # recordings are sorted by their ids
        role = rows["role"].to_numpy(dtype=object)[order]
        yield CellJob(
            cell=cell,
            split=recordings.iloc[places[order]].reset_index(drop=True).assign(role=role),
            features=inputs.features.folder.relative_to(inputs.surroundings.cache).as_posix(),
            classes=labelled.classes,
            threads=settings.threads_per_cell,
            contended=settings.jobs > 1,
            refit=settings.refit,
            save=settings.save_models,
            versions=inputs.conditions["versions"],
            source=inputs.conditions["source"],
            card=card,
        )
