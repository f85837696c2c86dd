"""Tests on differences of the same speakers' scores: sign flips, and the smallest difference that could be found.

The sign-flip test swaps two models' labels for a whole speaker, signs independent. Its statistic is studentised and
computed anew at every flip, so that it holds where the strata's variances differ (Janssen 1997, Statistics and
Probability Letters 36, 9-21):

    |sum_h w_h mean_h(d)| / sqrt(sum_h w_h^2 s_h^2(d) / G_h)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from reports.statistics.intervals import SEED, FloatArray, IntArray, Moments, Stratified

N_FLIPS = 99_999
MAX_EXACT_SPEAKERS = 17
"""Up to so many speakers all 2^G flips are made."""

POWER = 0.80
ALPHA = 0.05

_ROUNDING = 1e-12  # relative: no more than this is left of equal numbers that were summed in another order
_BLOCK = 16_384  # flips at a time
_SETS = 16  # sets of differences at a time: with a block of flips they fit a processor's cache


@dataclass(frozen=True, kw_only=True)
class FlipTest:
    """A two-sided p value, the number of flips that it rests on, and whether they are all there are."""

    p: float
    n_flips: int
    exact: bool


def sign_flip(sample: Stratified) -> FlipTest:
    """Test that the differences in `sample` are as likely positive as negative, speaker by speaker.

    All flips up to `MAX_EXACT_SPEAKERS` speakers (p = count / 2^G), else `N_FLIPS` random ones
    (p = (count + 1) / (N_FLIPS + 1)). All differences 0: p = 1.

    Raises
    ------
    ValueError
        A stratum has fewer than two speakers.
    """
    if not sample.scores.any() and all(len(part) > 1 for part in sample.parts()):
        return FlipTest(p=1.0, n_flips=0, exact=True)
    exact = len(sample.scores) <= MAX_EXACT_SPEAKERS
    p = float(sign_flips(sample.scores[np.newaxis], sample.strata, sample.weights)[0])
    return FlipTest(p=p, n_flips=2 ** len(sample.scores) if exact else N_FLIPS, exact=exact)


def sign_flips(differences: FloatArray, strata: IntArray, weights: FloatArray, n_flips: int = N_FLIPS) -> FloatArray:
    """Return the p values of `sign_flip` for many sets of the same speakers' differences; the flips are shared.

    The differences have shape ``(n_sets, n_speakers)``; `n_flips` are made above `MAX_EXACT_SPEAKERS` speakers.

    Raises
    ------
    ValueError
        A stratum has fewer than two speakers.
    """
    n_sets, n_speakers = differences.shape
    if (np.bincount(strata, minlength=len(weights)) < 2).any():
        raise ValueError("every stratum needs two speakers")
    exact = n_speakers <= MAX_EXACT_SPEAKERS
    design = (strata, weights)
    observed = _statistics(differences, design, np.ones((1, n_speakers)))[0] - _ROUNDING
    counts = np.zeros(n_sets, dtype=np.int64)
    for signs in _all_signs(n_speakers) if exact else _random_signs(n_speakers, n_flips):
        for start in range(0, n_sets, _SETS):
            some = slice(start, start + _SETS)
            counts[some] += (_statistics(differences[some], design, signs) >= observed[some]).sum(axis=0)
    p: FloatArray = counts / 2**n_speakers if exact else (counts + 1) / (n_flips + 1)
    return p


def _statistics(differences: FloatArray, design: tuple[IntArray, FloatArray], signs: FloatArray) -> FloatArray:
    """Return t^2 / (1 + t^2) for every row of `signs` and every set, shape ``(n_flips, n_sets)``.

    It has the order of the studentised statistic t, and a value where se is 0: 1, or 0 where theta is 0 too.
    """
    strata, weights = design
    above, below = np.zeros((len(signs), len(differences))), np.zeros((len(signs), len(differences)))
    for h, weight in enumerate(weights):
        part = differences[:, strata == h]
        n = part.shape[1]
        means = signs[:, strata == h] @ part.T / n
        above += weight * means
        # flipping signs leaves the squares as they are
        squares = (part**2).sum(axis=1)
        left = squares - n * means**2
        below += weight**2 * np.where(left <= _ROUNDING * squares, 0.0, left) / (n - 1) / n
    above[np.abs(above) <= _ROUNDING * np.abs(differences).max(axis=1)] = 0.0
    total = above**2 + below
    return np.divide(above**2, total, out=np.zeros_like(total), where=total > 0)


def _all_signs(n_speakers: int) -> Iterator[FloatArray]:
    bits = np.arange(n_speakers)
    for start in range(0, 2**n_speakers, _BLOCK):
        numbers = np.arange(start, min(start + _BLOCK, 2**n_speakers))
        yield 1.0 - 2.0 * ((numbers[:, np.newaxis] >> bits) & 1).astype(np.float64)


def _random_signs(n_speakers: int, n_flips: int) -> Iterator[FloatArray]:
    generator = np.random.default_rng([SEED, n_speakers])
    for start in range(0, n_flips, _BLOCK):
        n_rows = min(_BLOCK, n_flips - start)
        yield 1.0 - 2.0 * generator.integers(0, 2, size=(n_rows, n_speakers), dtype=np.int8).astype(np.float64)


def detectable(differences: Moments, n_comparisons: int = 1) -> float:
    """Return the smallest difference found with 80 % power, approximately: (t_.975 + t_.80) se.

    The level is shared by `n_comparisons`, as in Holm's first step.
    """
    quantiles = student.ppf([1 - ALPHA / (2 * n_comparisons), POWER], differences.nu)
    return float(quantiles.sum() * differences.se)
