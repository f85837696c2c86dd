"""What a recording's level tells of its making: clipped, or off its centre. Both are used, and said."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.audio import FULL_SCALE

CLIPPED_FROM = 0.99 * FULL_SCALE
"""A recording is clipped where at least `CLIPPED_SAMPLES` samples share its highest or lowest value, at full scale."""
CLIPPED_SAMPLES = 3
OFF_CENTRE_FROM = 0.01 * FULL_SCALE
"""A recording is off its centre where its mean is further from zero."""

_ROUGHLY = 1_024  # so many samples, evenly spaced, tell whether the mean may be far from zero


class Level(NamedTuple):
    """What is odd about a recording's level."""

    clipped: bool
    off_centre: bool


def level_of(samples: NDArray[Any]) -> Level:
    """Look at a recording's level.

    Parameters
    ----------
    samples
        One channel on the int16 scale, at least one sample.
    """
    highest, lowest = float(samples.max()), float(samples.min())
    clipped = (highest >= CLIPPED_FROM and _shared(samples, highest)) or (
        lowest <= -CLIPPED_FROM and _shared(samples, lowest)
    )
    # a rough mean first: the exact one takes as long as all the rest
    rough = _mean(samples[:: max(1, samples.size // _ROUGHLY)])
    off_centre = abs(rough) > OFF_CENTRE_FROM / 2 and abs(_mean(samples)) > OFF_CENTRE_FROM
    return Level(clipped=clipped, off_centre=off_centre)


def _shared(samples: NDArray[Any], value: float) -> bool:
    return int(np.count_nonzero(samples == value)) >= CLIPPED_SAMPLES


def _mean(samples: NDArray[Any]) -> float:
    return float(np.add.reduce(samples, dtype=np.int64 if samples.dtype == np.int16 else np.float64)) / samples.size
