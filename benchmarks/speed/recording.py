"""Tell the verdicts: lines for a terminal, ``guards.json`` for a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.provenance import machine
from benchmarks.speed.interleaving import CLOCK
from benchmarks.speed.judging import P_LIMIT, Verdict
from reports import guards
from reports.page.page import rebuild


def line(verdict: Verdict) -> str:
    """Return one line on one guard."""
    found = verdict.measured
    about = f"{found.subject}, by {found.reference}"
    numbers = f"ratio {found.ratio:.3g}, limit {verdict.limit:.3g}, p {verdict.p:.2g}, {len(found.rounds)} rounds"
    return f"{'holds   ' if verdict.holds else 'too slow'} {found.name}: {numbers} ({about})"


def record(verdicts: Sequence[Verdict], folder: Path) -> Path | None:
    """Write ``guards.json`` into `folder`; where that holds a run, rebuild its report and return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "schema": guards.SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "p_limit": P_LIMIT,
        "clock": CLOCK.__name__,
        "guards": [_guard(verdict) for verdict in verdicts],
    }
    guards.write(content, folder)
    return rebuild(folder) if (folder / "manifest.json").is_file() else None


def _guard(verdict: Verdict) -> dict[str, Any]:
    found = verdict.measured
    return {
        "name": found.name,
        "subject": found.subject,
        "reference": found.reference,
        "ratio": found.ratio,
        "limit": verdict.limit,
        "p": verdict.p,
        "holds": verdict.holds,
        "subject_seconds": median(found.subject_seconds),
        "reference_seconds": median(found.reference_seconds),
        "rounds": [float(f"{value:.4g}") for value in found.rounds],
    }
