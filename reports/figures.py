"""The pictures of the report, drawn with seaborn from the numbers of the summary.

Every function takes the summary and returns one inline SVG, or an empty string where there is nothing to draw. Each
model keeps its colour and marker in all of them; hollow marks are groups too small for an interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports import wording
from reports.drawing import (
    Style,
    label,
    marks,
    percent_axis,
    published_mark,
    right_text,
    rows,
    spread,
    swarm,
)
from reports.groups import MIN_SPEAKERS
from reports.run import MAJORITY, Json
from reports.svg import GLYPHS, GRID, INK, MARKERS, MUTED, PALETTE, Caption, canvas, inline, settings

WIDTH_PX = 760.0
MAX_HINTS = 300
"""Dots of a model that still get a title each; beyond it the page would grow too large."""


def styles(summary: Json) -> dict[str, Style]:
    """Return the style of every model: palette colours in the order of the run, grey for baselines."""
    found: dict[str, Style] = {}
    n_coloured = 0
    for place, name in enumerate(summary["model_order"]):
        baseline = summary["models"][name]["baseline"]
        colour = n_coloured % len(PALETTE)
        shape = (len(MARKERS) - 1 - place + n_coloured if baseline else n_coloured) % len(MARKERS)
        found[name] = Style(
            colour=MUTED if baseline else PALETTE[colour],
            marker=MARKERS[shape],
            glyph=GLYPHS[shape],
            variable="--muted" if baseline else f"--model-{colour}",
        )
        n_coloured += not baseline
    return found


def accuracy(summary: Json) -> str:
    """Draw a row per model: a dot per speaker, folds as ticks, the balanced accuracy as a large mark."""
    names = [name for name in summary["model_order"] if name != MAJORITY and summary["models"][name]["per_speaker"]]
    names.sort(key=lambda name: -(summary["models"][name]["balanced_accuracy"]["value"] or 0.0))
    if not names:
        return ""
    published = summary["published"]["main"]
    height = 84.0 * len(names) + 34.0 * len(published) + 76
    with settings():
        figure, axes = canvas(WIDTH_PX, height, (210, 30, 84, 46))
        rows(axes, 84.0 * len(names) + 34.0 * len(published))
        hints = {}
        for place, name in enumerate(names):
            hints[f"speakers-{place}"] = _speaker_row(axes, summary, name, 42.0 + 84.0 * place)
        for place, other in enumerate(published):
            _published_row(axes, other, 84.0 * len(names) + 34.0 * place + 17)
        _majority_line(axes, summary, [score for name in names for score in _scores(summary, name)])
        percent_axis(axes, "x")
        axes.set_xlabel("recordings recognised, per speaker", loc="left")
        told = [
            f"{wording.model(n)} {wording.percent(summary['models'][n]['balanced_accuracy']['value'])}" for n in names
        ]
        scores = [score for name in names for score in _scores(summary, name)]
        finding = (
            f"Balanced accuracy: {', '.join(told)}. Single speakers lie between {wording.percent(min(scores))} and "
        )
        finding += f"{wording.percent(max(scores))}."
        caption = Caption(name="plot-accuracy", title="Accuracy per model and speaker", finding=finding, hints=hints)
        return inline(figure, caption)


def leakage_premium(summary: Json) -> str:
    """Draw a line per model from its score with speakers held out to its score with recordings at random."""
    premium = {n: p for n, p in summary["leakage_premium"].items() if p["value"] is not None and n != MAJORITY}
    if not premium:
        return ""
    look = styles(summary)
    with settings():
        figure, axes = canvas(WIDTH_PX, 360, (230, 40, 320, 20))
        axes.set_xlim(-0.04, 1.04)
        for name, found in premium.items():
            ends = [found["main_score"]["value"], found["score"]["value"]]
            sns.lineplot(x=[0, 1], y=ends, color=look[name].colour, linewidth=2.5, ax=axes, legend=False)
            marks(axes, ([0, 1], ends), look[name], size=90)
        others = summary["published"]["random"]
        for other in others:
            published_mark(axes, 1, other["accuracy"])
        axes.margins(y=0.12)
        _slope_labels(axes, premium, others)
        for place, text in enumerate(("speakers held out", "recordings at random")):
            axes.axvline(place, color=GRID, linewidth=1, zorder=0)
            axes.text(place, 1.05, text, ha="center", transform=axes.get_xaxis_transform(), color=MUTED)
        axes.set(xticks=[], yticks=[], ylabel="")
        sns.despine(ax=axes, left=True, bottom=True)
        told = [f"{wording.model(name)} {wording.points(found['value'])}" for name, found in premium.items()]
        finding = f"Recordings at random against speakers held out: {', '.join(told)}."
        return inline(figure, Caption(name="plot-premium", title="Leakage premium per model", finding=finding))


def groups(summary: Json, attribute: str) -> str:
    """Draw a row per group of `attribute`, sorted by value, with a mark per model and both counts at the left."""
    names = [name for name in summary["model_order"] if name != MAJORITY]
    shown = _sorted_groups(summary, attribute, names)
    if not shown or not names:
        return ""
    look, step = styles(summary), max(30.0 + 7.0 * len(names), 46.0)
    with settings():
        counts = max(len(_counts(summary["groups"][attribute][group])) for group in shown)
        left = min(max(40 + 7.2 * max(map(len, shown)), 30 + 7 * counts), 300)
        top = 14 + _legend_height(names, WIDTH_PX)
        figure, axes = canvas(WIDTH_PX, step * len(shown) + top + 46, (left, top, 170, 46))
        rows(axes, step * len(shown))
        levels = [summary["groups"][attribute][group] for group in shown]
        for key, (x, y) in _group_rows(axes, levels, names, step).items():
            marks(axes, (x, y), look[key.rstrip("*")], size=75, hollow=key.endswith("*"))
        for place, (group, level) in enumerate(zip(shown, levels, strict=True)):
            label(axes, step * (place + 0.5), _shorten(group), _counts(level))
        percent_axis(axes, "x", _all_levels(summary))
        axes.set_xlabel("recordings recognised, mean over speakers", loc="left")
        _legend(figure, names, look)
        finding = f"Lowest row: {_group_finding(summary, attribute, shown[-1], names)}. "
        finding += f"Highest row: {_group_finding(summary, attribute, shown[0], names)}."
        title = f"{wording.attribute(attribute)}: accuracy per group and model"
        return inline(figure, Caption(name=f"plot-groups-{attribute.replace('_', '-')}", title=title, finding=finding))


def cost(summary: Json) -> str:
    """Draw balanced accuracy against seconds per recording, log axis."""
    points = {
        name: (costs["predict_batch_seconds_per_recording"], summary["models"][name]["balanced_accuracy"]["value"])
        for name, costs in summary["runtime"]["models"].items()
        if name != MAJORITY
    }
    known = {name: (x, y) for name, (x, y) in points.items() if x is not None and x > 0 and y is not None}
    if not known:
        return ""
    look = styles(summary)
    with settings():
        figure, axes = canvas(WIDTH_PX, 340, (64, 20, 40, 54))
        axes.set_xscale("log")
        _cost_limits(axes, [x for x, _ in known.values()])
        percent_axis(axes, "y", [y for _, y in known.values()])
        for name, (x, y) in known.items():
            marks(axes, ([x], [y]), look[name], size=130)
        lifted = spread([y for _, y in known.values()], 18 / 266 * float(np.ptp(axes.get_ylim())))
        for (name, (x, _)), y in zip(known.items(), lifted, strict=True):
            axes.annotate(wording.short_model(name), (x, y), (11, 0), textcoords="offset points", va="center")
        axes.set_xlabel("time to answer, per recording, many at once", loc="left")
        axes.set_ylabel("balanced accuracy", loc="top")
        told = [f"{wording.model(n)} {wording.percent(y)} at {wording.seconds(x)}" for n, (x, y) in known.items()]
        finding = "Balanced accuracy and time per recording: " + ", ".join(told) + "."
        return inline(figure, Caption(name="plot-cost", title="Accuracy against time per recording", finding=finding))


def reliability(summary: Json) -> str:
    """Draw how often what a model states with some probability is true."""
    curves = {
        name: summary["models"][name]["reliability"]
        for name in summary["model_order"]
        if name != MAJORITY and summary["models"][name]["reliability"]
    }
    if not curves:
        return ""
    look = styles(summary)
    with settings():
        top = 18 + _legend_height(list(curves), 480)
        figure, axes = canvas(480, top + 400, (64, top, 20, 54))
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 4)))
        for name, bins in curves.items():
            x, y = [b["stated"] for b in bins], [b["observed"] for b in bins]
            sns.lineplot(x=x, y=y, color=look[name].colour, linewidth=1.5, ax=axes, legend=False)
            marks(axes, (x, y), look[name], size=50)
        percent_axis(axes, "x", [0.0, 1.0])
        percent_axis(axes, "y", [0.0, 1.0])
        axes.set_xlabel("probability stated by the model", loc="left")
        axes.set_ylabel("how often it is true", loc="top")
        _legend(figure, list(curves), look)
        worst = {name: max(bins, key=lambda b: abs(b["stated"] - b["observed"])) for name, bins in curves.items()}
        told = [
            f"{wording.model(n)} states {wording.percent(b['stated'])} where {wording.percent(b['observed'])} are true"
            for n, b in worst.items()
        ]
        finding = "Furthest from the diagonal: " + ", ".join(told) + "."
        return inline(figure, Caption(name="plot-reliability", title="Reliability of probabilities", finding=finding))


def _scores(summary: Json, name: str) -> list[float]:
    return [row["score"] for row in summary["models"][name]["per_speaker"]]


def _speaker_row(axes: Axes, summary: Json, name: str, y: float) -> list[str]:
    """Draw one model's row around height `y` (pixels); return a hint per dot."""
    model, style = summary["models"][name], styles(summary)[name]
    scores = _scores(summary, name)
    offsets = swarm(scores, 0.012, 7.0, 26.0)
    dots = marks(axes, (scores, [y + offset for offset in offsets]), style, size=30, alpha=0.6)
    row = round((y - 42.0) / 84.0)
    dots.set_gid(f"speakers-{row}")
    folds = [value for value in model["mean_over_folds"]["balanced_accuracy"]["folds"] if value is not None]
    axes.vlines(folds, y + 29, y + 37, color=MUTED, linewidth=1.5)
    number = model["balanced_accuracy"]
    if number["value"] is not None:
        axes.vlines([number["value"]], y - 30, y + 26, color=INK, linewidth=1.5)
        marks(axes, ([number["value"]], [y]), style, size=170, edge=INK)
        right_text(axes, y, wording.percent(number["value"]), bold=True)
    label(axes, y, wording.short_model(name), _count_text(number))
    if len(scores) > MAX_HINTS:
        return []
    return [f"speaker {row['speaker']}: {wording.percent(row['score'])}" for row in model["per_speaker"]]


def _published_row(axes: Axes, other: Json, y: float) -> None:
    published_mark(axes, other["accuracy"], y)
    axes.text(-0.02, y, other["name"], ha="right", va="center", transform=axes.get_yaxis_transform(), color=MUTED)
    right_text(axes, y, wording.percent(other["accuracy"]))


def _majority_line(axes: Axes, summary: Json, scores: Sequence[float]) -> None:
    """Draw the majority baseline as a line, if it is not far below everything else."""
    found = summary["models"].get(MAJORITY, {}).get("balanced_accuracy", {}).get("value")
    if found is None or found < min(scores) - 0.2:
        return
    axes.axvline(found, color=MUTED, linewidth=1.5, linestyle=(0, (4, 3)), zorder=1)
    text = f"always the majority: {wording.percent(found)}"
    side = "left" if found < 0.7 else "right"
    axes.text(found, 1.015, text, ha=side, va="bottom", transform=axes.get_xaxis_transform(), color=MUTED, size=12)


def _group_rows(axes: Axes, levels: Sequence[Json], names: Sequence[str], step: float) -> dict[str, list[list[float]]]:
    """Draw a line from the lowest to the highest model of every group; return each model's marks.

    Returns
    -------
    placed
        For every model and, under its name with a trailing ``*``, for its marks of small groups: values and heights.
    """
    placed: dict[str, list[list[float]]] = {}
    for row, level in enumerate(levels):
        found = {name: level[name]["accuracy"] for name in names if name in level}
        n_speakers = max((number["n_speakers"] for number in found.values()), default=0)
        y = step * (row + 0.5)
        values = [number["value"] for number in found.values()]
        axes.hlines([y] * bool(values), min(values, default=0), max(values, default=0), color=GRID, linewidth=3)
        for name, number in found.items():
            kind = placed.setdefault(name + "*" * (n_speakers < MIN_SPEAKERS), [[], []])
            kind[0].append(number["value"])
            kind[1].append(y + (names.index(name) - (len(names) - 1) / 2) * 9)
        if 0 < n_speakers < MIN_SPEAKERS:
            right_text(axes, y, "too few: " + ("one speaker" if n_speakers == 1 else f"{n_speakers} speakers"))
    return placed


def _all_levels(summary: Json) -> list[float]:
    """Return the accuracies of all groups, so that all pictures of groups have one scale."""
    return [
        level["accuracy"]["value"]
        for groups_ in summary["groups"].values()
        for levels in groups_.values()
        for name, level in levels.items()
        if name != MAJORITY and level["accuracy"]["value"] is not None
    ]


def _sorted_groups(summary: Json, attribute: str, names: Sequence[str]) -> list[str]:
    """Sort groups by their mean over models, highest first; those without a value last."""

    def mean(group: str) -> float:
        found = [summary["groups"][attribute][group].get(name, {}).get("accuracy", {}).get("value") for name in names]
        known = [value for value in found if value is not None]
        return sum(known) / len(known) if known else -1.0

    return sorted(summary["groups"][attribute], key=lambda group: (-mean(group), group))


def _group_finding(summary: Json, attribute: str, group: str, names: Sequence[str]) -> str:
    level = summary["groups"][attribute][group]
    told = [f"{wording.model(n)} {wording.percent(level[n]['accuracy']['value'])}" for n in names if n in level]
    return f"{group}, " + ", ".join(told)


def _counts(group: Json) -> str:
    return _count_text(
        max((level["accuracy"] for level in group.values()), key=lambda number: int(number["n_speakers"]))
    )


def _count_text(number: Json) -> str:
    return f"{wording.counted(number['n_speakers'], 'speaker')} / {number['n_recordings']:,} rec."


def _slope_labels(axes: Axes, premium: Json, others: Sequence[Json]) -> None:
    """Write names and values beside both ends of the slopes, moved apart where they would touch."""
    gap = 19 / 300 * float(np.ptp(axes.get_ylim()))
    names = list(premium)
    left = spread([premium[name]["main_score"]["value"] for name in names], gap)
    for name, y in zip(names, left, strict=True):
        text = f"{wording.short_model(name)}  {wording.percent(premium[name]['main_score']['value'])}"
        axes.annotate(text, (0, y), (-13, 0), textcoords="offset points", ha="right", va="center")
    ends = [premium[name]["score"]["value"] for name in names] + [other["accuracy"] for other in others]
    texts = [
        f"{wording.percent(found['score']['value'])}  {wording.short_model(name)}, {wording.points(found['value'])}"
        for name, found in premium.items()
    ]
    texts += [f"{wording.percent(other['accuracy'])}  {other['name']} (published)" for other in others]
    for place, (text, y) in enumerate(zip(texts, spread(ends, gap), strict=True)):
        colour = INK if place < len(names) else MUTED
        axes.annotate(text, (1, y), (13, 0), textcoords="offset points", ha="left", va="center", color=colour)


def _cost_limits(axes: Axes, seconds: Sequence[float]) -> None:
    axes.set_xlim(min(seconds) / 2.5, max(seconds) * 4)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.seconds(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)


def _legend_columns(names: Sequence[str], width_px: float) -> int:
    longest = max(len(wording.short_model(name)) for name in names)
    return max(int(width_px / (36 + 7.7 * longest)), 1)


def _legend_height(names: Sequence[str], width_px: float) -> float:
    """Return the pixels that the legend's rows need at the top of a picture."""
    return 22.0 * ceil(len(names) / _legend_columns(names, width_px))


def _legend(figure: Figure, names: Sequence[str], look: dict[str, Style]) -> None:
    labels = [wording.short_model(name) for name in names]
    signs = [look[name] for name in names]
    handles = [Line2D([], [], linestyle="", marker=s.marker, color=s.colour, markersize=9) for s in signs]
    columns = _legend_columns(names, figure.bbox.width)
    figure.legend(handles, labels, loc="upper left", ncols=columns, bbox_to_anchor=(0, 1), handletextpad=0.2)


def _shorten(text: str) -> str:
    return text if len(text) <= 34 else text[:33] + "…"
