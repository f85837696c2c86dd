"""Speed guards: every round as a share of its guard's limit, a table and a sentence. Stands inside runtime."""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from reports.page.drawing.marks import WIDTH_PX, beside, label, rows, swarm
from reports.page.drawing.svg import INK, PALETTE, PAPER, Caption, canvas, inline
from reports.page.table import Columns, Table, Words
from reports.terms import Json
from reports.text import wording

_ROW_PX = 46.0
_LOW, _HIGH = 0.45, 2.2
"""Ends of the axis, as shares of the limit; rounds beyond are drawn at the end."""


def section(summary: Json) -> Json:
    """Return the picture, the table and the sentence; without guards all are empty."""
    return {"picture": picture(summary), "table": table(summary), "sentence": sentence(summary)}


def table(summary: Json) -> Table | None:
    """Return subject, reference, ratio, limit and verdict of every guard; None where they did not run."""
    if summary["guards"] is None:
        return None
    columns: Columns = [
        ("Subject", lambda guard: guard["subject"]),
        ("Reference", Words(lambda guard: guard["reference"])),
        ("Subject takes", lambda guard: wording.seconds(guard["subject_seconds"])),
        ("Reference takes", lambda guard: wording.seconds(guard["reference_seconds"])),
        ("Ratio", lambda guard: three_digits(guard["ratio"])),
        ("Limit", lambda guard: three_digits(guard["limit"])),
        ("p", lambda guard: wording.probability(guard["p"])),
        ("Rounds", lambda guard: wording.count(len(guard["rounds"]))),
        ("Verdict", Words(_verdict)),
    ]
    caption = "Speed guards: processor time of subject and reference, medians over rounds"
    return Table.of(summary["guards"]["guards"], columns, caption=caption)


def _verdict(guard: Json) -> str:
    return "holds" if guard["holds"] else "too slow"


def sentence(summary: Json) -> str:
    """Say how many guards hold; empty where they did not run."""
    if summary["guards"] is None:
        return ""
    guards = summary["guards"]["guards"]
    failed = [guard["subject"] for guard in guards if not guard["holds"]]
    counted = wording.counted(len(guards), "guard")
    return f"{len(failed)} of {counted} too slow: {wording.listed(failed)}." if failed else f"All {counted} hold."


def three_digits(ratio: float) -> str:
    """Return a ratio with three significant digits: ``0.213``, ``8.15``, ``1,230``."""
    return f"{ratio:,.0f}" if ratio >= 99.95 else f"{ratio:#.3g}"


def picture(summary: Json) -> Markup:
    """Draw a row per guard: a dot per round, a tick at their median, all over the limit; nothing without guards."""
    if summary["guards"] is None:
        return Markup()
    guards = summary["guards"]["guards"]
    with canvas(WIDTH_PX, _ROW_PX * len(guards) + 70, (330, 14, 150, 56)) as (figure, axes):
        rows(axes, _ROW_PX * len(guards))
        _axis(axes)
        for place, guard in enumerate(guards):
            _guard(axes, guard, _ROW_PX * (place + 0.5))
        axes.set_xlabel("ratio of a round, as a share of the guard’s limit", loc="left")
        caption = Caption(name="plot-guards", title="Speed guards, round by round", finding=_finding(guards))
        return inline(figure, caption)


def _axis(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlim(_LOW, _HIGH)
    axes.xaxis.set_major_locator(FixedLocator([0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, axis="x")
    axes.axvline(1, color=INK, linewidth=1.6, zorder=1.5)
    sns.despine(ax=axes, left=True, bottom=True)


def _guard(axes: Axes, guard: Json, y: float) -> None:
    """Draw one guard's row: its rounds, their median, its names and its verdict."""
    *rounds, median = (min(max(value / guard["limit"], _LOW), _HIGH) for value in (*guard["rounds"], guard["ratio"]))
    heights = [y + offset for offset in swarm(rounds, 0.02, 3.0, 0.36 * _ROW_PX)]
    dots = axes.scatter(rounds, heights, s=14, color=PALETTE[0], alpha=0.6)
    dots.set(linewidth=0.3, edgecolor=PAPER, clip_on=False)
    axes.vlines([median], y - 0.42 * _ROW_PX, y + 0.42 * _ROW_PX, color=INK, linewidth=2.5, zorder=4)
    label(axes, y, guard["subject"], f"by {guard['reference']}")
    beside(axes, y - 9, f"{three_digits(guard['ratio'])} of {three_digits(guard['limit'])}", bold=True)
    beside(axes, y + 9, _verdict(guard), bold=not guard["holds"])


def _finding(guards: Sequence[Json]) -> str:
    failed = [guard["subject"] for guard in guards if not guard["holds"]]
    nearest = max(guards, key=lambda guard: guard["ratio"] / guard["limit"])
    told = f"Too slow: {wording.listed(failed)}." if failed else f"All {len(guards)} guards hold."
    share = wording.percent(nearest["ratio"] / nearest["limit"])
    return f"{told} Nearest to its limit: {nearest['subject']}, at {share} of it."
