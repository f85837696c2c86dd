"""Pictures of what models cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports import wording
from reports.figures import styles
from reports.page.drawing.marks import WIDTH_PX, marks, percent_axis, spread
from reports.page.drawing.svg import MUTED, Caption, canvas, inline, settings
from reports.run import MAJORITY, Json


def cost(summary: Json) -> str:
    """Draw balanced accuracy with its interval against seconds per recording; models that nothing beats are joined."""
    known = _points(summary)
    if not known:
        return ""
    look = styles(summary)
    numbers = {name: summary["models"][name]["balanced_accuracy"] for name in known}
    ends = [number[end] for number in numbers.values() for end in ("low", "value", "high") if number[end] is not None]
    with settings():
        figure, axes = canvas(WIDTH_PX, 380, (64, 20, 120, 54))
        axes.set_xscale("log")
        _limits(axes, [x for x, _ in known.values()])
        percent_axis(axes, "y", ends)
        front = [known[name] for name in summary["runtime"]["front"] if name in known]
        axes.plot(*zip(*front, strict=True), color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
        for name, (x, y) in known.items():
            if numbers[name]["estimable"]:
                axes.vlines([x], numbers[name]["low"], numbers[name]["high"], color=look[name].colour, linewidth=2)
            marks(axes, ([x], [y]), look[name], size=130)
        lifted = spread([y for _, y in known.values()], 18 / 306 * float(np.ptp(axes.get_ylim())))
        for (name, (x, _)), y in zip(known.items(), lifted, strict=True):
            axes.annotate(wording.short_model(name), (x, y), (9, 9), textcoords="offset points", va="center")
        axes.set_xlabel("time to answer, per recording, many at once", loc="left")
        axes.set_ylabel("balanced accuracy", loc="top")
        return inline(
            figure,
            Caption(name="plot-cost", title="Accuracy against time per recording", finding=_told(summary, known)),
        )


def _points(summary: Json) -> dict[str, tuple[float, float]]:
    points = {
        name: (costs["predict_batch_seconds_per_recording"], summary["models"][name]["balanced_accuracy"]["value"])
        for name, costs in summary["runtime"]["models"].items()
        if name != MAJORITY
    }
    return {name: (x, y) for name, (x, y) in points.items() if x is not None and x > 0 and y is not None}


def _told(summary: Json, known: dict[str, tuple[float, float]]) -> str:
    told = [f"{wording.model(n)} {wording.percent(y)} at {wording.seconds(x)}" for n, (x, y) in known.items()]
    unbeaten = wording.listed([wording.model(name) for name in summary["runtime"]["front"]])
    verb = "is" if len(summary["runtime"]["front"]) == 1 else "are"
    return (
        f"Balanced accuracy and time per recording: {', '.join(told)}. "
        f"{unbeaten} {verb} beaten by no other model in both."
    )


def _limits(axes: Axes, seconds: Sequence[float]) -> None:
    axes.set_xlim(min(seconds) / 2.5, max(seconds) * 2.5)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.seconds(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
