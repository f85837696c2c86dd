"""The compiled transform against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft

from features.extraction import spectra

LENGTHS = [2, 4, 6, 8, 10, 12, 18, 30, 50, 64, 90, 150, 162, 200, 400, 512, 600, 1_024, 1_200, 1_250, 2_048, 4_096]


def squared_by_passes(frames: np.ndarray) -> np.ndarray:
    """Return the squared spectra of frames, given and returned by columns."""
    passes = spectra.passes(len(frames))
    assert passes is not None
    parts = np.ascontiguousarray(np.stack([frames[::2], frames[1::2]]))
    spectra.transform(parts, passes.radices, passes.factors)
    squares = np.empty((len(frames) // 2 + 1, frames.shape[1]))
    spectra.square(parts, passes.places, passes.turns, squares)
    return squares


@pytest.mark.parametrize("n_fft", LENGTHS)
@pytest.mark.parametrize("n_columns", [1, 3, 16, 80])
def test_the_same_as_scipy(n_fft: int, n_columns: int) -> None:
    frames = np.random.default_rng(n_fft).normal(size=(n_fft, n_columns))
    expected = np.abs(scipy.fft.rfft(frames, axis=0)) ** 2
    np.testing.assert_allclose(squared_by_passes(frames), expected, rtol=1e-12, atol=expected.mean() * 1e-14)


@pytest.mark.parametrize("n_fft", [200, 1_200, 2_048])
def test_every_frequency_has_its_place(n_fft: int) -> None:
    times = np.arange(n_fft)[:, None]
    bins = np.arange(0, n_fft // 2 + 1)
    squares = squared_by_passes(np.cos(2 * np.pi * times * bins / n_fft))
    expected = np.diag(np.where(bins % (n_fft // 2) == 0, n_fft, n_fft / 2) ** 2.0)
    np.testing.assert_allclose(squares, expected, atol=n_fft**2 * 1e-24)


def test_a_column_depends_on_no_other() -> None:
    frames = np.random.default_rng(1).normal(size=(1_200, 37))
    together = squared_by_passes(frames)
    for column in (0, 17, 36):
        np.testing.assert_array_equal(squared_by_passes(frames[:, column : column + 1])[:, 0], together[:, column])


@pytest.mark.parametrize("n_fft", [1, 3, 7, 14, 551, 1_103, 22_050])
def test_lengths_that_scipy_must_transform(n_fft: int) -> None:
    assert spectra.passes(n_fft) is None
