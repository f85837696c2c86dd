"""Measured guards held against their limits; the verdicts as lines for a terminal and as ``guards.json`` for a report.

A guard fails only if its ratio is over its limit and chance does not explain it: the ratio is the median over the
rounds of subject by reference, and the one-sided test of Mann and Whitney (1947, Annals of Mathematical Statistics 18,
50-60) asks whether the subject's times are larger than the limit times the reference's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import mannwhitneyu

from benchmarks.provenance import machine
from benchmarks.speed.guards.measurements import Measurement
from benchmarks.speed.guards.rounds import CLOCK
from reports.page.page import rebuild
from reports.run_directory.guards import SCHEMA, Guards

P_LIMIT = 0.002
"""A guard fails below this p only: with 15 guards at their limits, one run in 30 would fail by chance."""


class BaselineError(ValueError):
    """The baseline and the guards do not belong together; the message is for the user."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A guard's rounds against the largest ratio allowed, with the p of the one-sided test."""

    measurement: Measurement
    limit: float
    p: float

    @property
    def holds(self) -> bool:
        """Tell whether the guard holds."""
        return self.measurement.ratio <= self.limit or self.p >= P_LIMIT


def judge(measurement: Measurement, limit: float) -> Verdict:
    """Hold one guard against `limit`."""
    allowed = limit * np.asarray(measurement.reference_seconds)
    p = float(mannwhitneyu(measurement.subject_seconds, allowed, alternative="greater").pvalue)
    return Verdict(measurement=measurement, limit=limit, p=p)


def judge_all(measurements: Sequence[Measurement], baseline: Mapping[str, float]) -> list[Verdict]:
    """Hold every guard against its limit.

    Raises
    ------
    BaselineError
        A guard has no limit, or a limit no guard.
    """
    names = {guard.name for guard in measurements}
    without, left_over = sorted(names - set(baseline)), sorted(set(baseline) - names)
    if without or left_over:
        raise BaselineError(
            f"baseline and guards differ: guards without a limit {without}, limits without a guard {left_over}; "
            "rewrite it with: python -m benchmarks speed baseline"
        )
    return [judge(guard, baseline[guard.name]) for guard in measurements]


def line(verdict: Verdict) -> str:
    """Return one line on one guard."""
    guard = verdict.measurement
    about = f"{guard.subject}, by {guard.reference}"
    numbers = f"ratio {guard.ratio:.3g}, limit {verdict.limit:.3g}, p {verdict.p:.2g}, {len(guard.rounds)} rounds"
    return f"{'holds   ' if verdict.holds else 'too slow'} {guard.name}: {numbers} ({about})"


def record(verdicts: Sequence[Verdict], folder: Path) -> Path | None:
    """Write ``guards.json`` into `folder`; where that holds a run, rebuild its report and return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "p_limit": P_LIMIT,
        "clock": CLOCK.__name__,
        "guards": [_guard(verdict) for verdict in verdicts],
    }
    Guards.write(content, folder)
    return rebuild(folder) if (folder / "manifest.json").is_file() else None


def _guard(verdict: Verdict) -> dict[str, Any]:
    guard = verdict.measurement
    return {
        **{name: getattr(guard, name) for name in ("name", "subject", "reference")},
        "ratio": guard.ratio,
        "limit": verdict.limit,
        "p": verdict.p,
        "holds": verdict.holds,
        "subject_seconds": median(guard.subject_seconds),
        "reference_seconds": median(guard.reference_seconds),
        "rounds": [float(f"{value:.4g}") for value in guard.rounds],
    }
