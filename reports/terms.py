"""Words that tables, summary and pages share, and that `benchmarks` writes into them."""

from __future__ import annotations

from typing import Any, TypedDict

Json = dict[str, Any]


class Ends(TypedDict):
    """An interval as pages print it; both ends are null where it is not estimable."""

    low: float | None
    high: float | None
    estimable: bool


ROLES = ("train", "validation", "test")
"""What a recording is there for in a split."""

RANDOM = "recording-random"
"""Protocol that shares speakers between training and test; beside another protocol it gives the leakage premium."""

CONTROL = "leave-accent-out-control"
"""Protocol of the models that have heard the accent, beside ``leave-accent-out``."""

MAJORITY = "majority"
"""The model that always answers the most frequent class: a line to compare with, no row of its own."""

NOT_STATED = "not stated"
"""Group of the speakers of whom an attribute is not known."""

INTERSECTION = "gender_x_accent_bucket"
"""Name of the attribute made of gender and accent bucket."""
