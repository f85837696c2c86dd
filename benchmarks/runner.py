"""A run from end to end: corpus, features, folds, cells, tables, summary, page."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import interruption, isolation, plug_ins, provenance
from benchmarks.audit import Audited, audit, models_check
from benchmarks.cells import Cell, CellJob
from benchmarks.examples import write_examples
from benchmarks.folds import CONTROL, RANDOM, Plan, folds_hash, make_plan
from benchmarks.progress import Stages
from benchmarks.results import SCHEMA, RunDirectory, RunError, corpus_hash
from benchmarks.resuming import run_missing
from benchmarks.settings import SEED, RunSettings
from benchmarks.tasks import LabelledRecordings, Task, TaskError, find_task, label_recordings
from benchmarks.wording import protocol_sentences
from features.cache import Features, mfcc_features
from features.corpora.doubles import without_doubles
from features.corpora.opening import open_corpus
from features.corpora.recordings import Corpus, check_recordings, quarantine_table
from features.hashes import content_hashes
from features.mfcc import MfccConfig, NarrowFilterWarning
from models.catalogue import CATALOGUE, display_name, resolve
from reports import audits, borrowed, page, summary, tables, wording
from reports.links import refuse_links
from reports.plain_text import printable

_NO_CONDITIONS = {"cache", "out", "fresh", "timings_from", "cell_time_s", "cell_memory_mb"}
"""Settings that decide where results lie and whether cells finish, not what they are."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run left: its directory, its page (None where no cell finished), cells run now, cells that failed."""

    folder: Path
    report: Path | None
    n_ran: int
    failed: list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Material:
    """All inputs of a run's cells."""

    corpus: Corpus
    config: MfccConfig
    features: Features
    task: Task
    labelled: LabelledRecordings
    plan: Plan


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
    audits.write(audit(_audited(directory.path, settings, material, jobs), seed=SEED), directory.path)
    n_ran = run_missing(directory, jobs, settings, stages)
    return finish(directory, [*jobs, *kept], manifest, material, n_ran, timings_from=settings.timings_from)


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
        found = audit(_audited(Path(folder), there, material, jobs), seed=SEED)
        with stages.stage("models") as advance:
            first = [job for job in jobs if job.cell == dataclasses.replace(jobs[0].cell, model=job.cell.model)]
            peeks = models_check(isolation.peeking(material.features, first), [job.cell.model for job in first])
            advance(len(first), len(first))
    return {**found, "checks": [*found["checks"], dataclasses.asdict(peeks)]}


def _audited(folder: Path, settings: RunSettings, material: Material, jobs: Sequence[CellJob]) -> Audited:
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


def _check_timings_from(settings: RunSettings, material: Material, conditions: dict[str, Any]) -> None:
    """Stop before anything is written if the run whose times are wanted is not one of these cells."""
    if settings.timings_from is None:
        return
    if settings.timings_from.resolve() == settings.folder.resolve():
        raise RunError(f"--timings-from {settings.timings_from}: is this run's own directory; name another run")
    jobs = make_jobs(settings, material, plug_ins.sources(settings.models), conditions)
    borrowed.check(settings.timings_from, conditions, {tuple(job.cell.keys.values()) for job in jobs})


def prepare(settings: RunSettings, task: Task, *, cache: Path, stages: Stages) -> Material:
    """Open the corpus, extract its MFCCs and make the folds."""
    with stages.stage("speak") as spoken:
        corpus = open_corpus(
            settings.corpus,
            cache=cache,
            on_speaker=spoken,
            say=stages.say,
            allow_outside=settings.allow_outside,
        )
    return prepare_corpus(corpus, settings, task, cache=cache, stages=stages)


def prepare_corpus(corpus: Corpus, settings: RunSettings, task: Task, *, cache: Path, stages: Stages) -> Material:
    """Extract the MFCCs of an open corpus and make the folds."""
    if corpus.sample_rate_hz is None and (settings.recipe or settings.clip_s):
        raise TaskError("--recipe and --clip-s do not apply to mfc-images: their MFCCs are drawn already (seed recipe)")
    if settings.protocol == "official" and corpus.kind not in ("audiomnist", "mfc-images"):
        raise TaskError(f"protocol 'official' is AudioMNIST's published split, not one of '{corpus.kind}'; use grouped")
    _stop_if_strict(corpus, settings)
    config = _config(settings, corpus)
    with stages.stage("read") as read:
        hashes = content_hashes(corpus, cache, read, jobs=settings.jobs_for_extraction, say=stages.say)
    corpus = without_doubles(dataclasses.replace(corpus, recordings=corpus.recordings.assign(content_hash=hashes)))
    _stop_if_strict(corpus, settings)
    with stages.stage("extract") as extracted:
        features = mfcc_features(
            corpus,
            config,
            cache=cache,
            jobs=settings.jobs_for_extraction,
            on_progress=extracted,
            say=stages.say,
        )
    corpus = _with_mfcc_notes(_without_unreadable(corpus, features), config, features)
    _stop_if_strict(corpus, settings)
    labelled = label_recordings(corpus.recordings, task)
    plan = make_plan(
        labelled,
        task,
        settings.protocol,
        n_folds=settings.folds,
        repetitions=settings.repetitions,
        seed=SEED,
        premium=settings.premium,
    )
    for note in (*corpus.notes, *labelled.notes, *plan.notes):
        stages.say(note)
    return Material(corpus=corpus, config=config, features=features, task=task, labelled=labelled, plan=plan)


def _stop_if_strict(corpus: Corpus, settings: RunSettings) -> None:
    if settings.strict and len(corpus.quarantine):
        first = corpus.quarantine.iloc[0]
        raise RunError(
            f"--strict: {len(corpus.quarantine)} recordings cannot be used; {first['recording']}: {first['reason']}"
        )


def _config(settings: RunSettings, corpus: Corpus) -> MfccConfig:
    if corpus.sample_rate_hz is None:
        return MfccConfig(recipe="seed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NarrowFilterWarning)  # said by `_with_mfcc_notes`, once and in the report
        try:
            config = MfccConfig(recipe=settings.recipe or "psf", sample_rate_hz=corpus.sample_rate_hz)
            return config if settings.clip_s is None else dataclasses.replace(config, clip_s=settings.clip_s)
        except ValueError as error:
            raise RunError(f"no MFCCs at {corpus.sample_rate_hz} Hz with these settings: {error}") from error


def _with_mfcc_notes(corpus: Corpus, config: MfccConfig, features: Features) -> Corpus:
    """Note the share of recordings that were cut short, and mel filters so narrow that they see one FFT bin."""
    if corpus.sample_rate_hz is None:
        return corpus
    notes = list(corpus.notes)
    if share := _truncated_share(corpus, features):
        seconds = config.clip_samples / config.sample_rate_hz
        notes.append(f"{100 * share:.1f} % of the recordings are longer than {seconds:.2f} s and were cut short there.")
    notes.extend(_level_notes(corpus, features))
    if config.one_bin_filters:
        number = len(config.one_bin_filters)
        notes.append(f"{number} of {config.n_mels} mel filters see one FFT bin only, at {config.sample_rate_hz} Hz.")
    return dataclasses.replace(corpus, notes=tuple(notes))


def _level_notes(corpus: Corpus, features: Features) -> list[str]:
    """Count the recordings that were used although their level is odd."""
    index = features.index[features.index["recording_id"].isin(corpus.recordings["recording_id"])]
    said = {
        "clipped": "clipped: three or more samples stand at full scale",
        "off_centre": "not centred: their mean is more than 1 % of full scale from zero",
    }
    counts = {what: int(index[column].sum()) for column, what in said.items()}
    return [
        f"{count:,} of {len(index):,} recordings were used though {what}." for what, count in counts.items() if count
    ]


def _without_unreadable(corpus: Corpus, features: Features) -> Corpus:
    """Move recordings that could not be read during extraction to the quarantine."""
    failed = features.index["error"].notna().to_numpy()
    if not failed.any():
        return corpus
    recordings = corpus.recordings
    reasons = zip(recordings.loc[failed, "path"], features.index.loc[failed, "error"], strict=True)
    known = corpus.quarantine.itertuples(index=False, name=None)
    kept = recordings[~failed].reset_index(drop=True)
    if kept.empty:
        raise RunError(
            f"none of the {len(recordings)} recordings can be used; the first: {features.index['error'].iloc[0]}"
        )
    quarantine = quarantine_table([*known, *reasons])
    return dataclasses.replace(corpus, recordings=check_recordings(kept), quarantine=quarantine)


def check_models(models: Sequence[str]) -> None:
    """Refuse unknown and double names; the project's own models are not imported here, TensorFlow takes seconds."""
    for model in models:
        if model not in CATALOGUE:
            resolve(model)
    names = [display_name(model) for model in models]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise RunError(f"--models: {', '.join(double)} is named twice; name every model once")


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
        "mfcc": {**material.config.as_dict(), "truncated_share": _truncated_share(corpus, material.features)},
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


def _truncated_share(corpus: Corpus, features: Features) -> float:
    index = features.index
    used = index["recording_id"].isin(corpus.recordings["recording_id"])
    return float(np.mean(index.loc[used, "truncated"])) if used.any() else 0.0


def closing_words(folder: Path) -> str:
    """Return what the run's last lines print: warnings, the answer, and scores by model with their intervals."""
    content = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    rows = {
        name: {
            "rank": wording.rank(content["ranks"].get(name)),
            "balanced accuracy (%)": wording.percent(entry["balanced_accuracy"]["value"], False),
            "95 % interval": wording.limits(entry["balanced_accuracy"]),
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
