"""All inputs of a run's cells: the corpus without what cannot be used, its MFCCs, its labels and its folds.

What results depend on, the run's conditions, follows from them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import provenance
from benchmarks.errors import RunError, TaskError
from benchmarks.protocol.folds import Plan, folds_hash, make_plan
from benchmarks.protocol.tasks import LabelledRecordings, Task, find_task, label_recordings
from benchmarks.settings import SEED, RunSettings
from benchmarks.terminal.progress import Stages
from features.cache.content_hashes import content_hashes
from features.cache.entries import Features, mfcc_features
from features.corpora.catalogue import open_corpus
from features.corpora.recordings import Corpus, check_recordings, quarantine_table, without_doubles
from features.mfcc import MfccConfig, NarrowFilterWarning


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a run finds where it is started: the feature cache, where progress is told, the backend named for Keras."""

    cache: Path
    stages: Stages
    keras_backend: str | None = None


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All inputs of a run's cells: what was asked for and where, and what follows from it.

    `corpus` holds the recordings that can be used, `labelled` those of them with a label for `task`; `features` are
    MFCCs by the conventions of `config`, or published images; `plan` has the splits.
    """

    settings: RunSettings
    surroundings: Surroundings
    corpus: Corpus
    config: MfccConfig
    features: Features
    task: Task
    labelled: LabelledRecordings
    plan: Plan

    @cached_property
    def conditions(self) -> dict[str, Any]:
        """Everything that results depend on, apart from the cell itself."""
        return {
            "keras_backend": self.surroundings.keras_backend or "tensorflow",
            "corpus": corpus_hash(self.corpus.recordings),
            "task": self.settings.task,
            "protocol": self.settings.protocol,
            "folds": folds_hash(self.plan.folds),
            "mfcc": self.config.as_dict(),
            "refit": self.settings.refit,
            "threads": self.settings.threads_per_cell,
            "versions": provenance.versions(),
            "source": provenance.source_hash(),
        }

    @property
    def truncated_share(self) -> float:
        """Share of the recordings that are longer than the clip."""
        index = _used(self.corpus, self.features)
        return float(index["truncated"].mean()) if len(index) else 0.0


def corpus_hash(recordings: pd.DataFrame) -> str:
    """Hash the recordings table: contents, labels and speakers, not where the files lie (SHA-256, hexadecimal)."""
    columns = [column for column in recordings.columns if column != "path"]
    lines = ["\t".join(map(str, row)) for row in recordings[columns].itertuples(index=False)]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def prepare_inputs(settings: RunSettings, surroundings: Surroundings) -> Inputs:
    """Open the corpus, extract its MFCCs and make the folds."""
    find_task(settings.task)
    with surroundings.stages.stage("speak") as spoken:
        corpus = open_corpus(
            settings.corpus,
            cache=surroundings.cache,
            on_speaker=spoken,
            say=surroundings.stages.say,
            allow_outside=settings.allow_outside,
        )
    return prepare_corpus(corpus, settings, surroundings)


def prepare_corpus(corpus: Corpus, settings: RunSettings, surroundings: Surroundings) -> Inputs:
    """Extract the MFCCs of an open corpus and make the folds."""
    _check_settings(settings, corpus)
    cache, stages = surroundings.cache, surroundings.stages
    config = _config(settings, corpus)
    with stages.stage("read") as read:
        hashes = content_hashes(corpus, cache, read, jobs=settings.jobs_for_extraction, say=stages.say)
    corpus = without_doubles(dataclasses.replace(corpus, recordings=corpus.recordings.assign(content_hash=hashes)))
    _stop_if_strict(corpus, settings)
    with stages.stage("extract") as extracted:
        features = mfcc_features(
            corpus, config, cache=cache, jobs=settings.jobs_for_extraction, on_progress=extracted, say=stages.say
        )
    corpus = _with_mfcc_notes(_without_unreadable(corpus, features), config, features)
    _stop_if_strict(corpus, settings)
    task = find_task(settings.task)
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
    return Inputs(
        settings=settings,
        surroundings=surroundings,
        corpus=corpus,
        config=config,
        features=features,
        task=task,
        labelled=labelled,
        plan=plan,
    )


def _check_settings(settings: RunSettings, corpus: Corpus) -> None:
    if corpus.sample_rate_hz is None and (settings.recipe or settings.clip_s):
        raise TaskError("--recipe and --clip-s do not apply to mfc-images: their MFCCs are drawn already (seed recipe)")
    if settings.protocol == "official" and corpus.kind not in ("audiomnist", "mfc-images"):
        raise TaskError(f"protocol 'official' is AudioMNIST's published split, not one of '{corpus.kind}'; use grouped")
    _stop_if_strict(corpus, settings)


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
    """Note how many recordings were cut short or have an odd level, and mel filters that see one FFT bin."""
    if corpus.sample_rate_hz is None:
        return corpus
    index = _used(corpus, features)
    notes = []
    if n_truncated := int(index["truncated"].sum()):
        seconds, share = config.clip_samples / config.sample_rate_hz, n_truncated / len(index)
        notes.append(f"{100 * share:.1f} % of the recordings are longer than {seconds:.2f} s and were cut short there.")
    odd_levels = {
        "clipped": "clipped: three or more samples stand at full scale",
        "off_centre": "not centred: their mean is more than 1 % of full scale from zero",
    }
    for column, what in odd_levels.items():
        if count := int(index[column].sum()):
            notes.append(f"{count:,} of {len(index):,} recordings were used though {what}.")
    if number := len(config.one_bin_filters):
        notes.append(f"{number} of {config.n_mels} mel filters see one FFT bin only, at {config.sample_rate_hz} Hz.")
    return dataclasses.replace(corpus, notes=(*corpus.notes, *notes))


def _used(corpus: Corpus, features: Features) -> pd.DataFrame:
    """Return what is known of the recordings that are left in the corpus, from their extraction."""
    index = features.index
    return index[index["recording_id"].isin(corpus.recordings["recording_id"])]


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
