"""The one form that every estimated number has in ``summary.json``.

``low`` and ``high`` are the limits of a 95 % interval for new speakers and these trained models; they are null, and
``estimable`` is false, where there is none, and ``why_not`` says why. ``value`` is null where not even the point can be
given.
"""

from __future__ import annotations

import math

from reports.run import Json
from reports.uncertainty import Interval


def number(
    value: float | None,
    interval: Interval | None = None,
    *,
    n_speakers: int = 0,
    n_recordings: int = 0,
    why_not: str = "",
    **further: object,
) -> Json:
    """Return a number in the form that the summary gives it.

    Parameters
    ----------
    value
        The estimate; None and NaN become null.
    interval
        Its interval, or why there is none.
    n_speakers, n_recordings
        What it rests on.
    why_not
        Why there is no interval (or, with a null value, no number), where `interval` does not say so.
    further
        Further fields, such as ``note``.

    Raises
    ------
    ValueError
        There is no interval and no reason.
    """
    known = plain(value)
    limits = interval if interval is not None and interval.estimable and known is not None else None
    reason = "" if limits else why_not or (interval.why_not if interval else "")
    if not limits and not reason:
        raise ValueError("a number without an interval needs a reason")
    return {
        "value": known,
        "low": plain(limits.low) if limits else None,
        "high": plain(limits.high) if limits else None,
        "method": limits.method if limits else None,
        "n_speakers": int(n_speakers),
        "n_recordings": int(n_recordings),
        "estimable": limits is not None,
        "why_not": reason or None,
        **further,
    }


def plain(value: float | None) -> float | None:
    """Return `value` as a Python float, None where it is missing, NaN or infinite."""
    if value is None or not math.isfinite(value):
        return None
    return float(value)


def interval_methods(numbers: object) -> set[str]:
    """Return the method of every interval in a summary, or in a part of one."""
    if isinstance(numbers, dict):
        own = {numbers["method"]} if numbers.get("estimable") and numbers.get("method") else set()
        return own.union(*(interval_methods(value) for value in numbers.values()))
    return set().union(*(interval_methods(value) for value in numbers)) if isinstance(numbers, list) else set()
