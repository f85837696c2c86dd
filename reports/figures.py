"""Pictures of accuracy, differences, premium and reliability, drawn with seaborn from the numbers of the summary.

Every function takes the summary and returns one inline SVG, or an empty string where there is nothing to draw. Each
model keeps its colour and marker in all of them. Pictures of groups and of costs have modules of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes

from reports import wording
from reports.page.drawing.forest import Row, forest
from reports.page.drawing.marks import (
    WIDTH_PX,
    Style,
    interval_line,
    label,
    legend,
    legend_height,
    marks,
    percent_axis,
    published_mark,
    right_text,
    rows,
    spread,
    swarm,
)
from reports.page.drawing.svg import GLYPHS, GRID, INK, MARKERS, MUTED, PALETTE, Caption, canvas, inline, settings
from reports.run import MAJORITY, Json

MAX_HINTS = 300
"""Dots of a model that still get a title each; beyond it the page would grow too large."""

_ROW_PX = 92.0
_PUBLISHED_PX = 34.0
_BRACKET = 1.30  # of the axes' width: right of the numbers


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
    """Draw a row per model: its balanced accuracy with the interval, a dot per speaker and a tick per fold below."""
    names = [name for name in summary["model_order"] if name != MAJORITY and summary["models"][name]["per_speaker"]]
    names.sort(key=lambda name: -(summary["models"][name]["balanced_accuracy"]["value"] or 0.0))
    if not names:
        return ""
    published = summary["published"]["main"]
    height = _ROW_PX * len(names) + _PUBLISHED_PX * len(published)
    with settings():
        figure, axes = canvas(WIDTH_PX, height + 80, (210, 34, 210, 46))
        rows(axes, height)
        hints = {}
        for place, name in enumerate(names):
            hints[f"speakers-{place}"] = _model_row(axes, summary, name, place)
        for place, other in enumerate(published):
            _published_row(axes, other, _ROW_PX * len(names) + _PUBLISHED_PX * place + 17)
        scores = [score for name in names for score in _scores(summary, name)]
        _majority_line(axes, summary, scores)
        _brackets(axes, summary, names)
        percent_axis(axes, "x")
        axes.set_xlabel("recordings recognised", loc="left")
        told = [_told(summary, name) for name in names]
        finding = f"Balanced accuracy: {', '.join(told)}. Single speakers lie between {wording.percent(min(scores))} "
        finding += f"and {wording.percent(max(scores))}."
        caption = Caption(name="plot-accuracy", title="Accuracy per model and speaker", finding=finding, hints=hints)
        return inline(figure, caption)


def _told(summary: Json, name: str) -> str:
    number = summary["models"][name]["balanced_accuracy"]
    interval = f"95\u00a0% interval {wording.limits(number)}" if number["estimable"] else "interval not estimable"
    return f"{wording.model(name)} {wording.percent(number['value'])} ({interval})"


def _scores(summary: Json, name: str) -> list[float]:
    return [row["score"] for row in summary["models"][name]["per_speaker"]]


def _model_row(axes: Axes, summary: Json, name: str, place: int) -> list[str]:
    """Draw one model's row; return a hint per dot."""
    model, style, top = summary["models"][name], styles(summary)[name], _ROW_PX * place
    number, y = model["balanced_accuracy"], top + 20
    scores = _scores(summary, name)
    offsets = swarm(scores, 0.012, 6.0, 17.0)
    dots = marks(axes, (scores, [top + 54 + offset for offset in offsets]), style, size=24, alpha=0.5)
    dots.set_gid(f"speakers-{place}")
    folds = [value for value in model["mean_over_folds"]["balanced_accuracy"]["folds"] if value is not None]
    axes.vlines(folds, top + 75, top + 82, color=MUTED, linewidth=1.5)
    if number["value"] is not None:
        interval_line(axes, number, y, style, width=3.5)
        marks(axes, ([number["value"]], [y]), style, size=150, edge=INK, hollow=not number["estimable"])
        right_text(axes, y - 2, wording.percent(number["value"]), bold=True)
        few = "interval not estimable"
        right_text(axes, y + 16, wording.limits(number) if number["estimable"] else few)
    label(axes, y + 6, wording.short_model(name), count_text(number))
    if len(scores) > MAX_HINTS:
        return []
    return [f"speaker {row['speaker']}: {wording.percent(row['score'])}" for row in model["per_speaker"]]


def _published_row(axes: Axes, other: Json, y: float) -> None:
    published_mark(axes, other["accuracy"], y)
    axes.text(-0.02, y, other["name"], ha="right", va="center", transform=axes.get_yaxis_transform(), color=MUTED)
    right_text(axes, y, wording.percent(other["accuracy"]))


def _majority_line(axes: Axes, summary: Json, scores: Sequence[float]) -> None:
    """Draw the majority baseline as a line, or chance where it was not run, if it is not far below everything else."""
    found = summary["models"].get(MAJORITY, {}).get("balanced_accuracy", {}).get("value")
    text = "always the majority" if found is not None else "guessing"
    value = found if found is not None else 1 / len(summary["task"]["classes"])
    if value < min(scores) - 0.2:
        return
    axes.axvline(value, color=MUTED, linewidth=1.5, linestyle=(0, (4, 3)), zorder=1)
    side, where = "left" if value < 0.7 else "right", axes.get_xaxis_transform()
    told = f"{text}: {wording.percent(value)}"
    axes.text(value, 1.015, told, ha=side, va="bottom", transform=where, color=MUTED, size=12)


def _brackets(axes: Axes, summary: Json, names: Sequence[str]) -> None:
    """Join the models that cannot be told apart by a line at the right, one line per set, a stop at every member."""
    groups = [[names.index(m) for m in group if m in names] for group in summary["rank_groups"]]
    groups = [sorted(group) for group in groups if len(group) > 1]
    where = axes.get_yaxis_transform()
    for place, group in enumerate(groups):
        x = _BRACKET + 0.035 * place
        heights = [_ROW_PX * row + 24 for row in group]
        axes.plot([x, x], [heights[0], heights[-1]], transform=where, color=MUTED, linewidth=1.5, clip_on=False)
        for y in heights:
            axes.plot([x - 0.012, x], [y, y], transform=where, color=MUTED, linewidth=1.5, clip_on=False)
    if groups:
        axes.text(_BRACKET, 1.015, "not told apart", ha="center", va="bottom", transform=axes.transAxes, color=MUTED)


def comparisons(summary: Json) -> str:
    """Draw a row per pair of models: the difference with its interval, zero marked."""
    found = [pair for pair in summary["comparisons"] if pair["difference"]["value"] is not None]
    ink = Style(colour=INK, marker="o", glyph=GLYPHS[0], variable="--ink")
    drawn = [
        Row(
            name=f"{wording.short_model(pair['a'])} minus {wording.short_model(pair['b'])}",
            number=pair["difference"],
            style=ink,
            remark=f"p {wording.p(pair['p_holm'])}",
            hollow=not pair["significant"],
        )
        for pair in found
    ]
    finding = "; ".join(_difference_told(pair) for pair in found) + "."
    caption = Caption(name="plot-differences", title="Differences between models", finding=finding)
    return forest(drawn, caption, "difference in balanced accuracy, points")


def _difference_told(pair: Json) -> str:
    return f"{wording.model(pair['a'])} minus {wording.model(pair['b'])} {tested(pair)}"


def tested(pair: Json) -> str:
    """Return a difference with its interval and corrected p: ``+2.0 points (95 % interval ..., corrected p = ...)``."""
    number = pair["difference"]
    interval = f"95\u00a0% interval {wording.limits(number, of_points=True)}, corrected p {wording.p(pair['p_holm'])}"
    return f"{wording.points(number['value'])} ({interval if number['estimable'] else 'interval not estimable'})"


def leakage_premium(summary: Json) -> str:
    """Draw a line per model from its score with speakers held out to its score with recordings at random."""
    premium = {n: p for n, p in summary["leakage_premium"].items() if p["value"] is not None and n != MAJORITY}
    if not premium:
        return ""
    look = styles(summary)
    with settings():
        figure, axes = canvas(WIDTH_PX, 360, (240, 40, 410, 20))
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
        told = [f"{wording.model(name)} {_premium_told(found)}" for name, found in premium.items()]
        finding = f"Recordings at random against speakers held out: {', '.join(told)}."
        return inline(figure, Caption(name="plot-premium", title="Leakage premium per model", finding=finding))


def _premium_told(found: Json) -> str:
    interval = f" ({wording.limits(found, of_points=True)})" if found["estimable"] else ""
    return f"{wording.points(found['value'])}{interval}"


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
        f"{wording.percent(found['score']['value'])}  {wording.short_model(name)}, {_premium_told(found)}"
        for name, found in premium.items()
    ]
    texts += [f"{wording.percent(other['accuracy'])}  {other['name']} (published)" for other in others]
    for place, (text, y) in enumerate(zip(texts, spread(ends, gap), strict=True)):
        colour = INK if place < len(names) else MUTED
        axes.annotate(text, (1, y), (13, 0), textcoords="offset points", ha="left", va="center", color=colour)


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
        top = 18 + legend_height(list(curves), 480)
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
        legend(figure, {name: look[name] for name in curves})
        worst = {name: max(bins, key=lambda b: abs(b["stated"] - b["observed"])) for name, bins in curves.items()}
        told = [
            f"{wording.model(n)} states {wording.percent(b['stated'])} where {wording.percent(b['observed'])} are true"
            for n, b in worst.items()
        ]
        finding = "Furthest from the diagonal: " + ", ".join(told) + "."
        return inline(figure, Caption(name="plot-reliability", title="Reliability of probabilities", finding=finding))


def count_text(number: Json) -> str:
    """Return what a number rests on: ``24 speakers / 7,486 rec.``."""
    return f"{wording.counted(number['n_speakers'], 'speaker')} / {number['n_recordings']:,} rec."
