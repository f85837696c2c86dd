"""The one form that every estimated number has in ``summary.json``.

``low`` and ``high`` are the ends of a 95 % interval for new speakers and these trained models; they are null, and
``estimable`` is false, where there is none, and ``why_not`` says why. ``value`` is null where not even the point can be
given.
"""

from __future__ import annotations

import math
from typing import NotRequired, TypedDict

from reports.statistics.intervals import Interval
from reports.terms import Ends


class Counts(TypedDict):
    """What a number rests on."""

    n_speakers: int
    n_recordings: int
    note: NotRequired[str | None]


class Estimate(Ends, Counts):
    """An estimated number; see the module."""

    value: float | None
    method: str | None
    why_not: str | None


def number(
    value: float | None,
    interval: Interval | None = None,
    *,
    n_speakers: int = 0,
    n_recordings: int = 0,
    why_not: str = "",
    note: str | None = None,
) -> Estimate:
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
    note
        What else is to be known of it; left out where there is nothing.

    Raises
    ------
    ValueError
        There is no interval and no reason.
    """
    known = plain(value)
    given = interval if interval is not None and interval.estimable and known is not None else None
    reason = "" if given else why_not or (interval.why_not if interval else "")
    if not given and not reason:
        raise ValueError("a number without an interval needs a reason")
    estimate: Estimate = {
        "value": known,
        "low": plain(given.low) if given else None,
        "high": plain(given.high) if given else None,
        "method": given.method if given else None,
        "n_speakers": int(n_speakers),
        "n_recordings": int(n_recordings),
        "estimable": given is not None,
        "why_not": reason or None,
    }
    return estimate if note is None else {**estimate, "note": note}


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
