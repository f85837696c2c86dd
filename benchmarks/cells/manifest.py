"""A run's manifest: what was asked for, of which corpus, with what, and how its cells went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks import provenance
from benchmarks.cells.finished_cell import CellRecord
from benchmarks.protocol.folds import PROTOCOLS
from benchmarks.protocol.inputs import Inputs
from benchmarks.settings import SEED
from features.corpora.recordings import Corpus
from models import plug_ins
from models.catalogue import CATALOGUE, display_name
from reports.terms import RANDOM

SCHEMA = "voxfold-run/1"

_NO_CONDITIONS = {"cache", "out", "fresh", "timings_from", "cell_time_s", "cell_memory_mb"}
"""Settings that decide where results lie and whether cells finish, not what they are."""

_REFITTED = "then every model was fitted again on training and validation speakers together."
_NOT_REFITTED = "and every model is the one fitted on the training speakers alone."
_PREMIUM = (
    "Beside it, each model ran on one split of the same recordings at random, with the same numbers in training, "
    "validation and test, which gives the leakage premium."
)
_NO_PREMIUM = "No random split was run beside it, so there is no leakage premium."


def manifest_of(inputs: Inputs, models: plug_ins.Sources) -> dict[str, Any]:
    """Describe the run, but for its command, its date and how its cells went."""
    settings, task, plan, conditions = inputs.settings, inputs.task, inputs.plan, inputs.conditions
    return {
        "schema": SCHEMA,
        "task": {
            "name": task.name,
            "classes": list(inputs.labelled.classes),
            "attribute": task.attribute,
            "per_speaker": task.per_speaker,
            "question": task.question,
        },
        "protocol": {
            "name": settings.protocol,
            "folds": plan.n_folds,
            "fold_names": list(plan.fold_names),
            "repetitions": settings.repetitions,
            "seeds": [SEED + seed for seed in range(settings.seeds)],
            "premium": settings.premium and settings.protocol != RANDOM,
            "refit": settings.refit,
            "sentences": _sentences(inputs),
            "notes": [*inputs.labelled.notes, *plan.notes],
        },
        "models": [{**_model_entry(model), **source} for model, source in models.items()],
        "corpus": _corpus_entry(inputs.corpus, conditions["corpus"]),
        "mfcc": {**inputs.config.as_dict(), "truncated_share": inputs.truncated_share},
        "folds_hash": conditions["folds"],
        "conditions": conditions,
        "machine": provenance.machine(),
        "versions": conditions["versions"],
        "commit": provenance.commit(),
        "settings": {**settings.model_dump(mode="json", exclude=_NO_CONDITIONS), "models": list(models)},
    }


def _sentences(inputs: Inputs) -> list[str]:
    """Say in four sentences how speakers were held out and models chosen; the report prints them."""
    settings = inputs.settings
    times = "once" if settings.repetitions == 1 else f"{settings.repetitions} times"
    seeds = "one training seed" if settings.seeds == 1 else f"{settings.seeds} training seeds"
    return [
        PROTOCOLS[settings.protocol].sentence.format(n=inputs.plan.n_folds),
        f"The folds were drawn {times}, with {seeds}, and every model was given exactly the same folds.",
        "Settings (epochs, trees) were chosen by balanced accuracy on validation recordings, never on tested ones; "
        + (_REFITTED if settings.refit else _NOT_REFITTED),
        _PREMIUM if settings.premium and settings.protocol != RANDOM else _NO_PREMIUM,
    ]


def cells_entry(records: Sequence[CellRecord], failed: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Say how the cells went: how many finished, which failed, what each chose, and on which machines they ran."""
    return {
        "finished": len(records),
        "failed": list(failed),
        "choices": [{**each.cell, "settings": each.settings, "model_bytes": each.model_bytes} for each in records],
        "machines": {each.machine_name: each.machine.model_dump() for each in records},
    }


def _model_entry(model: str) -> dict[str, Any]:
    known = CATALOGUE.get(model)
    return {
        "name": display_name(model),
        "argument": model,
        "description": known.description if known else f"plug-in {model}",
        "view": known.view if known else None,
        "baseline": known.baseline if known else False,
    }


def _corpus_entry(corpus: Corpus, digest: str) -> dict[str, Any]:
    return {
        "kind": corpus.kind,
        "name": corpus.name,
        "synthetic": corpus.synthetic,
        "sample_rate_hz": corpus.sample_rate_hz,
        "n_recordings": len(corpus.recordings),
        "n_speakers": int(corpus.recordings["speaker"].nunique()),
        "n_quarantined": len(corpus.quarantine),
        "hash": digest,
        "notes": list(corpus.notes),
    }
