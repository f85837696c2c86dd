"""The picture of the speed guards: every round as a share of its guard's limit."""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from reports import wording
from reports.page.drawing.marks import WIDTH_PX, label, right_text, rows, swarm
from reports.page.drawing.svg import INK, PALETTE, PAPER, Caption, canvas, inline, settings
from reports.page.sections.guards import number
from reports.run import Json

_ROW_PX = 46.0
_LOW, _HIGH = 0.45, 2.2
"""Ends of the axis, as shares of the limit; rounds beyond are drawn at the end."""
_TICKS = (0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0)
_BIN = 0.02


def guards(summary: Json) -> str:
    """Draw a row per guard: a dot per round, a tick at their median, all over the limit; nothing without guards."""
    if summary["guards"] is None:
        return ""
    found = summary["guards"]["guards"]
    with settings():
        figure, axes = canvas(WIDTH_PX, _ROW_PX * len(found) + 70, (330, 14, 150, 56))
        rows(axes, _ROW_PX * len(found))
        _axis(axes)
        for place, guard in enumerate(found):
            y = _ROW_PX * (place + 0.5)
            _rounds(axes, [value / guard["limit"] for value in guard["rounds"]], y)
            _median(axes, guard["ratio"] / guard["limit"], y)
            label(axes, y, guard["subject"], f"by {guard['reference']}")
            right_text(axes, y - 9, f"{number(guard['ratio'])} of {number(guard['limit'])}", bold=True)
            right_text(axes, y + 9, "holds" if guard["holds"] else "too slow", bold=not guard["holds"])
        axes.set_xlabel("ratio of a round, as a share of the guard’s limit", loc="left")
        return inline(figure, Caption(name="plot-guards", title="Speed guards, round by round", finding=_told(found)))


def _axis(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlim(_LOW, _HIGH)
    axes.xaxis.set_major_locator(FixedLocator(list(_TICKS)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, axis="x")
    axes.axvline(1, color=INK, linewidth=1.6, zorder=1.5)
    sns.despine(ax=axes, left=True, bottom=True)


def _rounds(axes: Axes, shares: Sequence[float], y: float) -> None:
    inside = [min(max(share, _LOW), _HIGH) for share in shares]
    offsets = swarm(inside, _BIN, 3.0, 0.36 * _ROW_PX)
    drawn = axes.scatter(inside, [y + offset for offset in offsets], s=14, color=PALETTE[0], alpha=0.6)
    drawn.set(linewidth=0.3, edgecolor=PAPER, clip_on=False)


def _median(axes: Axes, share: float, y: float) -> None:
    x = min(max(share, _LOW), _HIGH)
    axes.vlines([x], y - 0.42 * _ROW_PX, y + 0.42 * _ROW_PX, color=INK, linewidth=2.5, zorder=4)


def _told(found: Sequence[Json]) -> str:
    failed = [guard["subject"] for guard in found if not guard["holds"]]
    nearest = max(found, key=lambda guard: guard["ratio"] / guard["limit"])
    verdict = f"Too slow: {wording.listed(failed)}." if failed else f"All {len(found)} guards hold."
    share = wording.percent(nearest["ratio"] / nearest["limit"])
    return f"{verdict} Nearest to its limit: {nearest['subject']}, at {share} of it."
