"""Matrices and windows of the MFCC recipes: mel filters, windows, the liftered DCT.

Everything is float64 and made once per configuration. Filters are ``(n_mels, n_fft // 2 + 1)``.

Sources: HTK-style filters are python_speech_features 0.6's own (J. Lyons); Slaney's follow M. Slaney, *Auditory
Toolbox, version 2*, Interval Research 1998-010 (linear below 1 kHz, 27 logarithmic steps from 1 to 6.4 kHz, filters of
equal area), the formula that librosa computes.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

SLANEY_LINEAR_HZ_PER_MEL = 200 / 3
SLANEY_CORNER_HZ = 1000.0
SLANEY_LOG_STEP = np.log(6.4) / 27


def slaney_filters(n_mels: int, n_fft: int, sample_rate_hz: int) -> Matrix:
    """Return triangles of area 1 on Slaney's mel scale, edges continuous, from 0 Hz to half the sampling rate."""
    highest_mel = _slaney_mel(sample_rate_hz / 2)
    edges_hz = _slaney_hz(np.linspace(0, highest_mel, n_mels + 2))
    bins_hz = np.fft.rfftfreq(n_fft, 1 / sample_rate_hz)
    low, centre, high = (edges_hz[start : start + n_mels, None] for start in (0, 1, 2))
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    filters: Matrix = np.maximum(0, np.minimum(rising, falling)) * (2 / (high - low))
    return filters


def _slaney_mel(frequency_hz: float) -> float:
    if frequency_hz < SLANEY_CORNER_HZ:
        return frequency_hz / SLANEY_LINEAR_HZ_PER_MEL
    corner_mel = SLANEY_CORNER_HZ / SLANEY_LINEAR_HZ_PER_MEL
    return float(corner_mel + np.log(frequency_hz / SLANEY_CORNER_HZ) / SLANEY_LOG_STEP)


def _slaney_hz(mel: Matrix) -> Matrix:
    corner_mel = SLANEY_CORNER_HZ / SLANEY_LINEAR_HZ_PER_MEL
    above: Matrix = SLANEY_CORNER_HZ * np.exp(SLANEY_LOG_STEP * (mel - corner_mel))
    return np.where(mel < corner_mel, mel * SLANEY_LINEAR_HZ_PER_MEL, above)


def hann_window(n_samples: int) -> Matrix:
    """Return the periodic Hann window: a symmetric one of one sample more, without its last.

    That is ``scipy.signal.get_window("hann", n_samples)``, whose module takes half a second to import.
    """
    window: Matrix = np.hanning(n_samples + 1)[:-1]
    return window


def liftered_dct(n_mels: int, n_coefficients: int, *, lifter: int, lifter_start: int) -> Matrix:
    """Return the orthonormal DCT of type II times the lifter, ``(n_mels, n_coefficients)``, to multiply from the right.

    The weight of coefficient ``i`` is ``1 + lifter / 2 * sin(pi * n / lifter)``, ``n = i + lifter_start``; without a
    lifter (0) it is 1.
    """
    dct: Matrix = scipy.fft.dct(np.eye(n_mels), type=2, axis=1, norm="ortho")[:, :n_coefficients]
    if lifter == 0:
        return dct
    n = np.arange(n_coefficients) + lifter_start
    weights: Matrix = 1 + lifter / 2 * np.sin(np.pi * n / lifter)
    return dct * weights


def neighbours(filters: Matrix) -> tuple[NDArray[np.int64], Matrix]:
    """Return mel filters without their zeros: every bin is weighed by two neighbouring filters at most.

    The first array, int64, ``(n_mels + 1,)``, holds starts: bins from ``starts[m]`` to ``starts[m + 1]`` are weighed by
    filters m - 1 and m. The second, ``(n_bins, 2)``, holds the weights of those two.
    """
    n_mels, n_bins = filters.shape
    highest = [int(np.flatnonzero(column)[-1]) if column.any() else 0 for column in filters.T]
    upper = np.maximum.accumulate(highest)
    bins = np.arange(n_bins)
    falling = np.where(upper > 0, filters[upper - 1, bins], 0)
    return np.searchsorted(upper, np.arange(n_mels + 1)), np.stack([falling, filters[upper, bins]], axis=1)


def whole_rows(matrix: Matrix, multiple: int) -> Matrix:
    """Return `matrix` with rows of zeros at its end, so that their number is a multiple of `multiple`."""
    return np.ascontiguousarray(np.pad(matrix, ((0, -len(matrix) % multiple), (0, 0))))
