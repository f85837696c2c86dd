"""The compiled loops against NumPy, operation by operation, and what happens where compiled code cannot be kept."""

from __future__ import annotations

import hashlib
import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numba.core.caching
import numpy as np
import pytest

from features.extraction import compilation, filters, kernels
from features.extraction.recipes import MfccConfig, NarrowFilterWarning, mel_matrix


@pytest.mark.parametrize("kind", ["htk-bins", "slaney"])
@pytest.mark.parametrize(
    ("sample_rate_hz", "n_fft"), [(48_000, 2_048), (48_000, 1_200), (44_100, 1_103), (16_000, 512), (8_000, 200)]
)
def test_neighbouring_filters_are_the_whole_matrix(kind: str, sample_rate_hz: int, n_fft: int) -> None:
    mel = mel_matrix(kind, 40, n_fft, sample_rate_hz)
    starts, weights = filters.neighbours(mel)
    found = np.zeros((42, mel.shape[1]))
    for m in range(40):
        bins = slice(starts[m], starts[m + 1])
        found[m, bins], found[m + 1, bins] = weights[bins].T
    assert starts[0] == 0 and starts[-1] == mel.shape[1]
    np.testing.assert_array_equal(found[1:41], mel)
    assert not found[[0, 41]].any()


PLACES = [(0, 300), (7, 290), (120, 1), (150, 60), (40, 999)]
"""Where recordings begin in the clip, and how long they are."""


@pytest.mark.parametrize("sample", ["int16", "float64"])
@pytest.mark.parametrize(("offset", "n_samples"), PLACES)
@pytest.mark.parametrize(("hop", "window_samples"), [(20, 50), (20, 40), (7, 41), (30, 21), (1, 10)])
@pytest.mark.parametrize(("number", "n_frames"), [(0, 9), (3, 1), (2, 6)])
def test_columns_are_emphasised_samples_times_the_window(
    sample: str, offset: int, n_samples: int, hop: int, window_samples: int, number: int, n_frames: int
) -> None:
    generator = np.random.default_rng(n_samples)
    samples = generator.integers(-30_000, 30_000, n_samples).astype(sample)
    window = generator.random(window_samples)
    signal, room = np.full(1_000, np.nan), np.full(20 * 50, np.nan)
    parts = np.full((2, 30, 12), 5.0)
    kernels.write_columns(samples, offset, number, n_frames, 0.97, hop, window, signal, room, parts, 2)
    clip = np.zeros(2_000)
    clip[offset : offset + n_samples] = samples
    clip[1:] -= 0.97 * clip[:-1]
    frames = [clip[start : start + window_samples] * window for start in hop * (number + np.arange(n_frames))]
    written = parts[:, :, 2 : 2 + n_frames]
    np.testing.assert_array_equal(
        written.transpose(1, 0, 2).reshape(60, n_frames)[:window_samples], np.transpose(frames)
    )
    written[0, : (window_samples + 1) // 2] = written[1, : window_samples // 2] = 5
    assert (parts == 5).all()


def test_powers_are_filtered_squares() -> None:
    config = MfccConfig(recipe="seed")
    mel = mel_matrix(config.mel_filters, config.n_mels, config.n_fft, config.sample_rate_hz)
    starts, weights = filters.neighbours(mel)
    squares = np.random.default_rng(0).normal(size=(601, 12)) ** 2
    powers = np.zeros((41, 14))
    kernels.filter_squares(squares, starts, weights, 0.5, np.empty((42, 16)), powers, 4, 5)
    filtered = squares[:, :5]
    np.testing.assert_allclose(powers[:40, 4:9], mel @ filtered, rtol=1e-13)
    np.testing.assert_allclose(powers[40, 4:9], 0.5 * filtered.sum(axis=0), rtol=1e-13)
    assert not powers[:, :4].any() and not powers[:, 9:].any()


def test_floors_by_hand() -> None:
    # two filters and the energy; two recordings of two and one frames
    powers = np.array([[8.0, 0.0, 3.0], [1.0, 0.5, 0.0], [0.0, 9.0, 0.25]])
    stops, lowest = np.array([2, 3]), np.empty(2)
    kernels.find_lowest(powers, stops, 0.3, 0.25, np.empty(3), lowest)
    assert lowest.tolist() == [2.0, 0.75]
    raised = powers.copy()
    kernels.raise_to_floors(raised, stops, lowest, 0.3, False)
    assert raised.tolist() == [[8.0, 2.0, 3.0], [2.0, 2.0, 0.75], [0.3, 9.0, 0.3]]
    raised = powers.copy()
    kernels.raise_to_floors(raised, stops, np.full(2, 0.3), 0.3, True)
    assert raised.tolist() == [[8.0, 0.3, 3.0], [1.0, 0.5, 0.3], [0.3, 9.0, 0.25]]


@pytest.mark.parametrize("real", ["float32", "float64"])
def test_coefficients_lie_between_those_of_padding(real: str) -> None:
    generator = np.random.default_rng(1)
    levels, dct = generator.normal(size=(6, 9)), generator.normal(size=(3, 6))
    stops, firsts, padding = np.array([4, 4, 9]), np.array([1, 0, 2]), np.array([-1.0, -2.0, -3.0])
    out = np.empty((3, 8, 3), dtype=real)
    kernels.write_coefficients(levels, stops, firsts, padding, -7.0, filters.whole_rows(dct, 4), np.empty((4, 2)), out)
    expected = np.stack([np.full((8, 3), dct[:, :5].sum(axis=1) * level + dct[:, 5] * -7.0) for level in padding])
    expected[0, 1:5], expected[2, 2:7] = (dct @ levels[:, :4]).T, (dct @ levels[:, 4:9]).T
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-6 if real == "float32" else 1e-14)


def small_function(folder: Path) -> Any:
    """Define and compile a function, as the module does with its own."""
    (folder / "small.py").write_text("def add_one(values):\n    values += 1\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("small", folder / "small.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    compiled = compilation.compiler(str(folder / "small.py"))("void(float64[::1])")(module.add_one)
    values = np.zeros(3)
    compiled(values)
    assert values.tolist() == [1, 1, 1]
    return compiled


def test_compiled_code_is_kept_and_found_again(tmp_path: Path) -> None:
    assert sum(small_function(tmp_path).stats.cache_misses.values()) == 1
    again = small_function(tmp_path)
    assert sum(again.stats.cache_hits.values()) == 1 and not again.stats.cache_misses
    code = (tmp_path / "small.py").read_bytes() + Path(compilation.__file__).read_bytes()
    source_hash = hashlib.blake2b(code, digest_size=6).hexdigest()
    kept = list((tmp_path / "__pycache__").glob("*.nb?"))
    assert kept and all(source_hash in file.name for file in kept)


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 100])
def test_damaged_code_is_compiled_anew(tmp_path: Path, suffix: str, left: int) -> None:
    small_function(tmp_path)
    (kept,) = (tmp_path / "__pycache__").glob(f"*.{suffix}*")
    kept.write_bytes(kept.read_bytes()[:left])
    assert not small_function(tmp_path).stats.cache_hits


def test_where_nothing_can_be_kept_code_is_compiled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # no folder that can be written: what a read-only installation without a home gives
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    small_function(tmp_path)
    assert not list(tmp_path.rglob("*.nb?"))


def test_a_full_disk_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "save", refuse)
    small_function(tmp_path)
    assert not list(tmp_path.rglob("*.nb?"))


def test_values_are_one_recordings_own_whatever_is_pooled(monkeypatch: pytest.MonkeyPatch) -> None:
    from features.extraction import engine
    from features.mfcc import extract_batch

    generator = np.random.default_rng(4)
    recordings = [generator.normal(0, 10.0 ** generator.integers(0, 4), n) for n in (900, 47_000, 20_000, 5, 30_000)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NarrowFilterWarning)
        configs = [MfccConfig(recipe="seed"), MfccConfig(), MfccConfig(recipe="seed", sample_rate_hz=44_100)]
    for config in configs:
        expected = extract_batch(recordings, config)
        for frames, pool in ((4, 100), (24, 4_096), (98, 256)):
            monkeypatch.setattr(engine, "BLOCK_FRAMES", frames)
            monkeypatch.setattr(engine, "POOL_FRAMES", pool)
            np.testing.assert_array_equal(extract_batch(recordings, config), expected)
        monkeypatch.undo()
