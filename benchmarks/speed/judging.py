"""Judge measured guards against their limits.

A guard fails only if its ratio is over its limit and chance does not explain it: the ratio is the median over the
rounds of subject by reference, and the one-sided test of Mann and Whitney (1947, Annals of Mathematical Statistics 18,
50-60) asks whether the subject's times are larger than the limit times the reference's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from scipy.stats import mannwhitneyu

P_LIMIT = 0.002
"""A guard fails below this p only: with 15 guards at their limits, one run in 30 would fail by chance."""


class BaselineError(ValueError):
    """The baseline and the guards do not belong together; the message is for the user."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The rounds of one guard.

    Attributes
    ----------
    name, subject, reference
        As `benchmarks.speed.interleaving.Guard`.
    subject_seconds, reference_seconds
        Seconds per call in every round.
    """

    name: str
    subject: str
    reference: str
    subject_seconds: Sequence[float]
    reference_seconds: Sequence[float]

    @property
    def rounds(self) -> list[float]:
        """The ratio of every round."""
        pairs = zip(self.subject_seconds, self.reference_seconds, strict=True)
        return [subject / reference for subject, reference in pairs]

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return median(self.rounds)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A guard against its limit.

    Attributes
    ----------
    measured
        The rounds.
    limit
        Largest ratio allowed.
    p
        Of the one-sided test.
    """

    measured: Measured
    limit: float
    p: float

    @property
    def holds(self) -> bool:
        """Tell whether the guard holds."""
        return self.measured.ratio <= self.limit or self.p >= P_LIMIT


def judge(measured: Measured, limit: float) -> Verdict:
    """Hold one guard against `limit`."""
    allowed = limit * np.asarray(measured.reference_seconds)
    p = float(mannwhitneyu(measured.subject_seconds, allowed, alternative="greater").pvalue)
    return Verdict(measured=measured, limit=limit, p=p)


def judge_all(measured: Sequence[Measured], limits: Mapping[str, float]) -> list[Verdict]:
    """Hold every guard against its limit.

    Raises
    ------
    BaselineError
        A guard has no limit, or a limit no guard.
    """
    names = {found.name for found in measured}
    without, left_over = sorted(names - set(limits)), sorted(set(limits) - names)
    if without or left_over:
        raise BaselineError(
            f"baseline and guards differ: guards without a limit {without}, limits without a guard {left_over}; "
            "rewrite it with: python -m benchmarks speed baseline"
        )
    return [judge(found, limits[found.name]) for found in measured]
