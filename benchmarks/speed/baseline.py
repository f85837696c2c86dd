"""The committed limits, ``baseline.toml``: read, made from measurements, written."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.provenance import machine, versions
from benchmarks.speed.judging import BaselineError, Measured

BASELINE = Path(__file__).parent / "baseline.toml"

HEADROOM = 1.3
"""Limit by measured ratio: room for a busy machine (15 percent were seen), and below a slow-down of 1.5 times."""

PASSES = 3
"""How often all guards are measured for a baseline: where a process lies in memory moves a ratio by a few percent."""

_HEAD = """\
# Limits of the speed guards, on the ratio of subject to reference; written by: python -m benchmarks speed baseline
# limit = {headroom} x ratio, the median of {passes} passes
# measured on {where}
"""


def read_limits(path: Path = BASELINE) -> dict[str, float]:
    """Return the limit of every guard.

    Raises
    ------
    BaselineError
        It cannot be read, or a limit is no positive number.
    """
    try:
        guards = tomllib.loads(path.read_text(encoding="utf-8"))["guards"]
        limits = {name: guard["limit"] for name, guard in guards.items()}
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise BaselineError(f"{path.name} cannot be read ({type(error).__name__}: {error})") from error
    wrong = [
        name
        for name, limit in limits.items()
        if not isinstance(limit, int | float) or isinstance(limit, bool) or not 0 < limit < math.inf
    ]
    if wrong:
        raise BaselineError(f"{path.name}: the limits of {wrong} are no positive numbers")
    return {name: float(limit) for name, limit in limits.items()}


def median_ratios(passes: Sequence[Sequence[Measured]]) -> dict[str, float]:
    """Return the median over `passes` of every guard's ratio, in the order of the first pass."""
    found: dict[str, list[float]] = {}
    for measured in passes:
        for guard in measured:
            found.setdefault(guard.name, []).append(guard.ratio)
    return {name: median(ratios) for name, ratios in found.items()}


def write_baseline(ratios: Mapping[str, float], path: Path = BASELINE) -> None:
    """Write ratios, the limits made from them, and on what they were measured."""
    with_versions = ", ".join(f"{name} {versions()[name]}" for name in ("python", "numpy", "scipy", "pandas"))
    lines = [_HEAD.format(headroom=HEADROOM, passes=PASSES, where=f"{machine()['processor']}, {with_versions}")]
    for name, ratio in ratios.items():
        lines.append(f"[guards.{name}]\nratio = {_three_digits(ratio)}\nlimit = {_three_digits(HEADROOM * ratio)}\n")
    path.write_text("\n".join(lines), encoding="utf-8")


def _three_digits(value: float) -> str:
    return f"{float(f'{value:.3g}'):.10g}"
