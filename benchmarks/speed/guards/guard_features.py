"""Guards of what follows the extraction: a cache hit, the views, the JPEG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.speed.guards import references
from benchmarks.speed.guards.rounds import Guard, interleave
from features.audio import read_samples
from features.cache.content_hashes import content_hashes
from features.cache.entries import Features, mfcc_features
from features.corpora.recordings import Corpus
from features.images import jpeg_bytes
from features.mfcc import MfccConfig, extract
from features.views import view


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache folder for this module."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def cached(voices: Corpus, cache: Path) -> Features:
    """Return the voices' MFCCs, from a cache that also remembers their files' hashes."""
    content_hashes(voices, cache)
    return mfcc_features(voices, MfccConfig(recipe="psf"), cache=cache)


def test_cache_hit(benchmark: Any, voices: Corpus, cache: Path, cached: Features) -> None:
    """Hashes and tensor of known files, against the same files by pandas and NumPy."""
    paths = [voices.root / path for path in voices.recordings["path"]]
    guard = Guard(
        name="cache-hit", subject=f"cache hit, {len(paths)} files", reference="paths, sqlite3, numpy.load, read_parquet"
    )
    config = MfccConfig(recipe="psf")

    def hit() -> None:
        content_hashes(voices, cache)
        assert mfcc_features(voices, config, cache=cache).reused

    interleave(benchmark, guard, hit, lambda: references.find_and_open(paths, cache / "hashes.sqlite", cached.folder))


@pytest.mark.parametrize(
    ("name", "reference", "work"),
    [
        ("summary", "numpy means and deviations", references.moments),
        ("image", "matplotlib’s viridis", references.viridis),
        ("image-mono", "matplotlib’s viridis", references.viridis),
    ],
)
def test_view(benchmark: Any, cached: Features, name: str, reference: str, work: Any) -> None:
    """A view of the tensor; ``flat`` shares its memory and has no cost."""
    tensor = np.array(cached.values)
    guard = Guard(name=f"view-{name}", subject=f"view {name}, {len(tensor)} recordings", reference=reference)
    sounding = {
        "first_frame": cached.index["first_frame"].to_numpy(),
        "n_sounding": cached.index["n_sounding"].to_numpy(),
    }
    interleave(benchmark, guard, lambda: view(tensor, name, **sounding), lambda: work(tensor))


def test_jpeg(benchmark: Any, voices: Corpus) -> None:
    """``jpeg_bytes``, its extraction included, against another's and writing the ready array."""
    guard = Guard(name="jpeg", subject="MFC image of one recording as JPEG", reference="python_speech_features, imsave")
    samples = read_samples(voices.root / voices.recordings["path"].iloc[0]).samples
    config = MfccConfig(recipe="seed")
    mfcc = extract(samples, config).T
    interleave(
        benchmark, guard, lambda: jpeg_bytes(samples, config), lambda: references.extract_and_draw(samples, mfcc)
    )
