"""Guards of the MFCC extraction: one recording, many, and from file to cache; both recipes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.speed.guards import references
from benchmarks.speed.guards.rounds import Guard, interleave
from features.audio import read_samples
from features.cache.entries import mfcc_features
from features.corpora.recordings import Corpus
from features.mfcc import MfccConfig, extract, extract_batch, sounding_frames

RECIPES = ("psf", "seed")
N_RECORDINGS = 20

Samples = list[Any]


@pytest.fixture(scope="module")
def samples(voices: Corpus) -> Samples:
    """Return recordings of every speaker, decoded."""
    every = len(voices.recordings) // N_RECORDINGS
    return [read_samples(voices.root / path).samples for path in voices.recordings["path"].iloc[::every]]


def _noise(samples: Samples, config: MfccConfig) -> list[references.Frames]:
    """Return as many frames as overlap sound, per recording."""
    return [references.frames(sounding_frames(len(one), config)[1], config.n_fft) for one in samples]


@pytest.mark.parametrize("recipe", RECIPES)
def test_one(benchmark: Any, samples: Samples, recipe: str) -> None:
    """``extract`` against python_speech_features, also for `seed`: like it, many small steps on little memory.

    Bare FFTs of one recording stay in a core's own cache and lose less to a busy neighbour than any extraction.
    """
    guard = Guard(name=f"extract-one-{recipe}", subject=f"{recipe}, one recording", reference="python_speech_features")
    config = MfccConfig(recipe=recipe)
    interleave(benchmark, guard, lambda: extract(samples[0], config), lambda: references.psf_mfcc(samples[0]))


@pytest.mark.parametrize("recipe", RECIPES)
def test_batch(benchmark: Any, samples: Samples, recipe: str) -> None:
    """``extract_batch`` against the FFTs of the same frames."""
    guard = Guard(
        name=f"extract-batch-{recipe}",
        subject=f"{recipe}, {len(samples)} recordings in memory",
        reference="bare float32 FFTs",
    )
    config = MfccConfig(recipe=recipe)
    noise = _noise(samples, config)
    interleave(benchmark, guard, lambda: extract_batch(samples, config), lambda: references.transform(noise))


@pytest.mark.parametrize("recipe", RECIPES)
def test_from_disk(benchmark: Any, voices: Corpus, tmp_path: Path, recipe: str) -> None:
    """From WAV files to a cache entry, against reading, FFTs and writing."""
    corpus = dataclasses.replace(voices, recordings=voices.recordings.iloc[::4])
    paths = [corpus.root / path for path in corpus.recordings["path"]]
    guard = Guard(
        name=f"extract-disk-{recipe}",
        subject=f"{recipe}, {len(paths)} WAV files to a cache entry",
        reference="soundfile, bare float32 FFTs, numpy.save",
    )
    config = MfccConfig(recipe=recipe)
    noise = _noise([read_samples(path).samples for path in paths], config)

    def extract_anew() -> None:
        shutil.rmtree(tmp_path / "mfcc", ignore_errors=True)
        mfcc_features(corpus, config, cache=tmp_path)

    out = tmp_path / "reference.npy"
    interleave(benchmark, guard, extract_anew, lambda: references.read_transform_and_write(paths, noise, out))
