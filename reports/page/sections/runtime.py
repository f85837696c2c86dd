"""What models cost: accuracy against the time to answer, and a table of times, memory and size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports.page.drawing.marks import WIDTH_PX, percent_axis, spread, styles, symbols
from reports.page.drawing.svg import MUTED, Caption, canvas, inline
from reports.page.table import Columns, Table, percent, ranked
from reports.terms import MAJORITY, Json
from reports.text import wording

ANCHOR, TITLE = "cost", "Cost"

_PREDICT = "predict_batch_seconds_per_recording"
_NO_MACHINE: Json = {"processor": None, "cores": None, "memory_bytes": None}


def section(summary: Json) -> Json:
    """Return the picture, the table, and what is known of the machine (None where that is nothing)."""
    machine = (summary.get("timings_from") or summary).get("machine")
    return {
        "picture": picture(summary),
        "table": table(summary),
        "measured_on": {**_NO_MACHINE, **machine} if machine else None,
    }


def table(summary: Json) -> Table:
    """Return what every model costs."""
    names, costs = ranked(summary), summary["runtime"]["models"]
    threads = sorted({count for name in names for count in costs[name]["threads"]})
    with_threads = f", {wording.listed([wording.counted(count, 'thread') for count in threads])}" if threads else ""
    columns: Columns = [
        ("Model", wording.model),
        ("Balanced accuracy (%)", lambda name: percent(summary["models"][name]["balanced_accuracy"])),
        ("Choosing settings", lambda name: wording.seconds(costs[name]["select_seconds"])),
        ("Fitting", lambda name: wording.seconds(costs[name]["fit_seconds"])),
        ("First call", lambda name: wording.seconds(costs[name]["first_call_seconds"])),
        ("Per recording, many at once", lambda name: wording.seconds(costs[name][_PREDICT])),
        ("One recording, median", lambda name: wording.seconds(costs[name]["predict_one_seconds"]["median"])),
        ("One recording, 95th percentile", lambda name: wording.seconds(costs[name]["predict_one_seconds"]["p95"])),
        ("Import", lambda name: wording.seconds(costs[name]["import_seconds"])),
        ("Peak memory", lambda name: wording.bytes_(costs[name]["peak_rss_bytes"])),
        ("Model size", lambda name: wording.bytes_(costs[name]["model_bytes"])),
    ]
    return Table.of(names, columns, caption=f"Cost of one fold, median over folds{with_threads}", models=names)


def picture(summary: Json) -> Markup:
    """Draw balanced accuracy with its interval against seconds per recording; models that nothing beats are joined."""
    known = _points(summary)
    if not known:
        return Markup()
    look = styles(summary)
    numbers = {name: summary["models"][name]["balanced_accuracy"] for name in known}
    ends = [number[end] for number in numbers.values() for end in ("low", "value", "high") if number[end] is not None]
    with canvas(WIDTH_PX, 380, (64, 20, 120, 54)) as (figure, axes):
        axes.set_xscale("log")
        _time_axis(axes, [x for x, _ in known.values()])
        percent_axis(axes, "y", "balanced accuracy", ends)
        front = [known[name] for name in summary["runtime"]["front"] if name in known]
        axes.plot(*zip(*front, strict=True), color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
        for name, (x, y) in known.items():
            if numbers[name]["estimable"]:
                axes.vlines([x], numbers[name]["low"], numbers[name]["high"], color=look[name].colour, linewidth=2)
            symbols(axes, ([x], [y]), look[name], size=130)
        lifted = spread([y for _, y in known.values()], 18 / 306 * float(np.ptp(axes.get_ylim())))
        for (name, (x, _)), y in zip(known.items(), lifted, strict=True):
            axes.annotate(wording.short_model(name), (x, y), (9, 9), textcoords="offset points", va="center")
        axes.set_xlabel("time to answer, per recording, many at once", loc="left")
        title = "Accuracy against time per recording"
        return inline(figure, Caption(name="plot-cost", title=title, finding=_finding(summary, known)))


def _points(summary: Json) -> dict[str, tuple[float, float]]:
    points = {
        name: (costs[_PREDICT], summary["models"][name]["balanced_accuracy"]["value"])
        for name, costs in summary["runtime"]["models"].items()
        if name != MAJORITY
    }
    return {name: (x, y) for name, (x, y) in points.items() if x is not None and x > 0 and y is not None}


def _finding(summary: Json, known: dict[str, tuple[float, float]]) -> str:
    told = [f"{wording.model(n)} {wording.percent(y)} at {wording.seconds(x)}" for n, (x, y) in known.items()]
    front = [wording.model(name) for name in summary["runtime"]["front"]]
    unbeaten = f"{wording.listed(front)} {'is' if len(front) == 1 else 'are'} beaten by no other model in both."
    return f"Balanced accuracy and time per recording: {', '.join(told)}. {unbeaten}"


def _time_axis(axes: Axes, seconds: Sequence[float]) -> None:
    axes.set_xlim(min(seconds) / 2.5, max(seconds) * 2.5)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.seconds(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
