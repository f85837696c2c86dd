"""How cost grows: power laws and lines through measured costs, and where they meet a limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, variance

DECADE = 10
"""Laws are fitted to sizes of at least this part of the largest: costs that do not grow bend the lower end."""

_MOST_LOG = 700.0  # exp of more overflows


@dataclass(frozen=True, kw_only=True)
class Law:
    """``cost = factor * n ** exponent``, least squares on logarithms.

    Attributes
    ----------
    exponent, standard_error
        The slope of the line; its standard error from the residuals is None with two sizes.
    factor
        Cost of one recording, if the law held down to there.
    sizes
        The sizes it was fitted to.
    """

    exponent: float
    standard_error: float | None
    factor: float
    sizes: tuple[int, ...]

    def at(self, size: float) -> float:
        """Return the cost of `size` recordings."""
        return float(self.factor * size**self.exponent)

    def reach(self, cost: float) -> float:
        """Return the size that costs so much; infinity where cost does not grow, or hardly."""
        if self.exponent <= 0:
            return math.inf
        size = math.log(cost / self.factor) / self.exponent
        return math.exp(size) if size < _MOST_LOG else math.inf


def fit_law(sizes: Sequence[int], costs: Sequence[float]) -> Law | None:
    """Fit the upper decade of `sizes`; None with fewer than two of them there.

    The slope's standard error is that of simple linear regression, ``sqrt(SSR / (m - 2) / Sxx)``.
    """
    upper = [(n, cost) for n, cost in zip(sizes, costs, strict=True) if n * DECADE >= max(sizes)]
    if len({n for n, _ in upper}) < 2:
        return None
    x, y = ([math.log(value) for value in values] for values in zip(*upper, strict=True))
    exponent, level = linear_regression(x, y)
    left = sum((own - level - exponent * size) ** 2 for size, own in zip(x, y, strict=True))
    return Law(
        exponent=exponent,
        standard_error=math.sqrt(left / (len(x) - 2) / (variance(x) * (len(x) - 1))) if len(x) > 2 else None,
        factor=math.exp(level),
        sizes=tuple(n for n, _ in upper),
    )


def size_at(sizes: Sequence[int], costs: Sequence[float], limit: float) -> float | None:
    """Return the size at which a straight line through `costs` meets `limit`.

    Infinity where it does not rise, None with fewer than two sizes.
    """
    if len(set(sizes)) < 2:
        return None
    slope, level = linear_regression(sizes, costs)
    return (limit - level) / slope if slope > 0 else math.inf
