"""The committed limits, ``baseline.toml``: read, made from measurements, written."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.provenance import machine, versions
from benchmarks.speed.guards.measurements import Measurement
from benchmarks.speed.guards.verdicts import BaselineError

BASELINE = Path(__file__).parent / "baseline.toml"

HEADROOM = 1.3
"""Limit by measured ratio: room for a busy machine (15 percent were seen), and below a slow-down of 1.5 times."""

PASSES = 3
"""How often all guards are measured for a baseline: where a process lies in memory moves a ratio by a few percent."""

OTHER = "any other"
"""Whose limit holds on a processor on which nothing was measured: the largest."""

_HEAD = """\
# Limits of the speed guards, on the ratio of subject to reference; written by: python -m benchmarks speed baseline
# limit = {headroom} x ratio, the median of {passes} passes on that processor; the largest of them on any other
# last measured on {where}
"""


def read_baseline(path: Path = BASELINE, processor: str | None = None) -> dict[str, float]:
    """Return the limit of every guard on `processor`, None for this machine's.

    Raises
    ------
    BaselineError
        It cannot be read, or a limit is no positive number.
    """
    here = processor or str(machine()["processor"])
    try:
        limit_of = {name: guard["limit"].get(here, guard["limit"][OTHER]) for name, guard in _guards(path).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise BaselineError(f"{path.name} cannot be read ({type(error).__name__}: {error})") from error
    wrong = [
        name
        for name, limit in limit_of.items()
        if not isinstance(limit, int | float) or isinstance(limit, bool) or not 0 < limit < math.inf
    ]
    if wrong:
        raise BaselineError(f"{path.name}: the limits of {wrong} are no positive numbers")
    return {name: float(limit) for name, limit in limit_of.items()}


def _guards(path: Path) -> dict[str, Any]:
    try:
        guards: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["guards"]
    except (OSError, ValueError, KeyError) as error:
        raise BaselineError(f"{path.name} cannot be read ({type(error).__name__}: {error})") from error
    return guards


def median_ratios(passes: Sequence[Sequence[Measurement]]) -> dict[str, float]:
    """Return the median over `passes` of every guard's ratio, in the order of the first pass."""
    ratios_of: dict[str, list[float]] = {}
    for measurements in passes:
        for guard in measurements:
            ratios_of.setdefault(guard.name, []).append(guard.ratio)
    return {name: median(ratios) for name, ratios in ratios_of.items()}


def write_baseline(ratios: Mapping[str, float], path: Path = BASELINE, processor: str | None = None) -> None:
    """Write this processor's ratios beside those of others, and the limits made from them; guards not named go.

    Parameters
    ----------
    ratios
        Measured now, by guard.
    path
        The baseline.
    processor
        On which they were measured; None for this machine's.

    Raises
    ------
    BaselineError
        The former baseline cannot be read.
    """
    here = processor or str(machine()["processor"])
    before = _guards(path) if path.exists() else {}
    with_versions = ", ".join(f"{name} {versions()[name]}" for name in ("python", "numpy", "scipy", "pandas"))
    lines = [_HEAD.format(headroom=HEADROOM, passes=PASSES, where=f"{here}, {with_versions}")]
    for name, ratio in ratios.items():
        by_processor = {**before.get(name, {}).get("ratio", {}), here: ratio}
        allowed = {where: HEADROOM * measured for where, measured in by_processor.items()}
        allowed[OTHER] = max(allowed.values())
        lines.append(f"[guards.{name}]\nratio = {_inline(by_processor)}\nlimit = {_inline(allowed)}\n")
    path.write_text("\n".join(lines), encoding="utf-8")


def _inline(numbers: Mapping[str, float]) -> str:
    pairs = (f"{json.dumps(where)} = {float(f'{number:.3g}'):.10g}" for where, number in sorted(numbers.items()))
    return "{ " + ", ".join(pairs) + " }"
