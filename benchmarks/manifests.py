"""What a run says of itself: the conditions that its results depend on, and its manifest."""

from __future__ import annotations

from typing import Any

from benchmarks import plug_ins, provenance
from benchmarks.preparing import Material, truncated_share
from benchmarks.protocol.folds import folds_hash
from benchmarks.protocol.sentences import protocol_sentences
from benchmarks.results import SCHEMA, corpus_hash
from benchmarks.settings import SEED, RunSettings
from features.corpora.recordings import Corpus
from models.catalogue import CATALOGUE, display_name
from reports.terms import RANDOM

_NO_CONDITIONS = {"cache", "out", "fresh", "timings_from", "cell_time_s", "cell_memory_mb"}
"""Settings that decide where results lie and whether cells finish, not what they are."""


def conditions_of(settings: RunSettings, material: Material, keras_backend: str | None) -> dict[str, Any]:
    """Everything that results depend on, apart from the cell itself."""
    return {
        "keras_backend": keras_backend or "tensorflow",
        "corpus": corpus_hash(material.corpus.recordings),
        "task": settings.task,
        "protocol": settings.protocol,
        "folds": folds_hash(material.plan.folds),
        "mfcc": material.config.as_dict(),
        "refit": settings.refit,
        "threads": settings.threads_per_cell,
        "versions": provenance.versions(),
        "source": provenance.source_hash(),
    }


def manifest_of(
    settings: RunSettings, material: Material, models: plug_ins.Sources, conditions: dict[str, Any]
) -> dict[str, Any]:
    """Describe the run, but for its command, its date and how its cells went."""
    corpus, task, plan = material.corpus, material.task, material.plan
    return {
        "schema": SCHEMA,
        "task": {
            "name": task.name,
            "classes": list(material.labelled.classes),
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
            "sentences": protocol_sentences(settings, plan),
            "notes": [*material.labelled.notes, *plan.notes],
        },
        "models": [{**_model_entry(model), **source} for model, source in models.items()],
        "corpus": _corpus_entry(corpus, conditions["corpus"]),
        "mfcc": {**material.config.as_dict(), "truncated_share": truncated_share(corpus, material.features)},
        "folds_hash": conditions["folds"],
        "conditions": conditions,
        "machine": provenance.machine(),
        "versions": conditions["versions"],
        "commit": provenance.commit(),
        "settings": {
            **settings.model_dump(mode="json", exclude=_NO_CONDITIONS),
            "models": list(models),
        },
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
