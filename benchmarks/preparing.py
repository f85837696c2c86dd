"""All inputs of a run's cells: the corpus without what cannot be used, its MFCCs, its labels and its folds."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.progress import Stages
from benchmarks.protocol.folds import Plan, make_plan
from benchmarks.protocol.tasks import LabelledRecordings, Task, TaskError, label_recordings
from benchmarks.results import RunError
from benchmarks.settings import SEED, RunSettings
from features.cache import Features, mfcc_features
from features.corpora.opening import open_corpus
from features.corpora.recordings import Corpus, check_recordings, quarantine_table, without_doubles
from features.hashes import content_hashes
from features.mfcc import MfccConfig, NarrowFilterWarning


@dataclass(frozen=True, kw_only=True)
class Material:
    """All inputs of a run's cells."""

    corpus: Corpus
    config: MfccConfig
    features: Features
    task: Task
    labelled: LabelledRecordings
    plan: Plan


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
    if share := truncated_share(corpus, features):
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


def truncated_share(corpus: Corpus, features: Features) -> float:
    """Return the share of the recordings that are longer than the clip."""
    index = features.index
    used = index["recording_id"].isin(corpus.recordings["recording_id"])
    return float(np.mean(index.loc[used, "truncated"])) if used.any() else 0.0
