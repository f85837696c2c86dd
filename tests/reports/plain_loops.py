"""The formulas of an interval as plain loops, and the designs on which they are compared with the code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean, variance

import numpy as np

from reports.statistics.intervals import Stratified

Parts = list[list[float]]
EXACT = {"rel": 1e-9, "abs": 1e-9}


def stratified(parts: Sequence[Sequence[float]], weights: Sequence[float]) -> Stratified:
    """Make a sample from the scores of every stratum, one stratum after the other."""
    return Stratified(
        scores=np.array([x for part in parts for x in part], dtype=np.float64),
        strata=np.repeat(np.arange(len(parts)), [len(part) for part in parts]).astype(np.int64),
        weights=np.array(weights, dtype=np.float64),
    )


def halves(women: Sequence[float], men: Sequence[float]) -> Stratified:
    return stratified([women, men], [0.5, 0.5])


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def expit(value: float) -> float:
    if value == -math.inf:
        return 0.0
    return 1 / (1 + math.exp(-value))


def loop_moments(parts: Parts, weights: Sequence[float]) -> tuple[float, float, float]:
    """Theta, se and nu from the formulas, one stratum at a time."""
    theta, se2, below = 0.0, 0.0, 0.0
    for part, weight in zip(parts, weights, strict=True):
        theta += weight * mean(part)
        term = weight**2 * variance(part) / len(part)
        se2 += term
        below += term**2 / (len(part) - 1)
    return theta, math.sqrt(se2), se2**2 / below if below else math.nan


def random_parts(seed: int, sizes: Sequence[int], levels: Sequence[float]) -> Parts:
    """Shares of 50 recordings of speakers who differ."""
    random = np.random.default_rng(seed)
    parts = []
    for size, level in zip(sizes, levels, strict=True):
        chance = random.beta(9 * level, 9 * (1 - level), size)
        parts.append([float(hits) / 50 for hits in random.binomial(50, chance)])
    return parts


DESIGNS: list[tuple[str, list[int], list[float], list[float]]] = [
    ("48 men and 12 women", [48, 12], [0.9, 0.75], [0.5, 0.5]),
    ("12 and 12", [12, 12], [0.75, 0.72], [0.5, 0.5]),
    ("by share", [24, 36], [0.97, 0.9], [0.4, 0.6]),
    ("one stratum", [20], [0.8], [1.0]),
    ("three strata", [13, 29, 17], [0.5, 0.6, 0.4], [1 / 3, 1 / 3, 1 / 3]),
    ("5 and 5", [5, 5], [0.9, 0.8], [0.5, 0.5]),
]
