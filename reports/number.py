"""The one form that every estimated number has in ``summary.json``.

``low`` and ``high`` are the limits of a 95 % interval for new speakers; they are null, and ``estimable`` is false,
where there is none, and ``why_not`` says why. ``value`` is null where not even the point can be given.
"""

from __future__ import annotations

import math

from reports.run import Json

NOT_COMPUTED = "not computed"


def number(
    value: float | None,
    *,
    n_speakers: int = 0,
    n_recordings: int = 0,
    why_not: str = NOT_COMPUTED,
    **further: object,
) -> Json:
    """Return a number without an interval.

    Parameters
    ----------
    value
        The estimate; None and NaN become null.
    n_speakers, n_recordings
        What it rests on.
    why_not
        Why there is no interval (or, with a null value, no number).
    further
        Further fields, such as ``note``.
    """
    return {
        "value": plain(value),
        "low": None,
        "high": None,
        "method": None,
        "n_speakers": int(n_speakers),
        "n_recordings": int(n_recordings),
        "estimable": False,
        "why_not": why_not,
        **further,
    }


def plain(value: float | None) -> float | None:
    """Return `value` as a Python float, None where it is missing, NaN or infinite."""
    if value is None or not math.isfinite(value):
        return None
    return float(value)
