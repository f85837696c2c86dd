"""Parts of pictures: marks, labels, axes in percent, and where to put what would overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.page.drawing.svg import GLYPHS, GRID, INK, MARKERS, MUTED, PALETTE, PAPER
from reports.terms import Json
from reports.text import wording

WIDTH_PX = 900.0
"""Width of a picture."""

MAX_LABEL = 34
"""Characters of a group's name that the margins of the pictures have room for."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a model is drawn everywhere: its colour, matplotlib's marker, the same as a character, the colour in CSS."""

    colour: str
    marker: str
    glyph: str
    variable: str


def styles(summary: Json) -> dict[str, Style]:
    """Return the style of every model: palette colours in the order of the run, grey for baselines."""
    look: dict[str, Style] = {}
    n_coloured = 0
    for place, name in enumerate(summary["model_order"]):
        baseline = summary["models"][name]["baseline"]
        colour = n_coloured % len(PALETTE)
        shape = (len(MARKERS) - 1 - place + n_coloured if baseline else n_coloured) % len(MARKERS)
        look[name] = Style(
            colour=MUTED if baseline else PALETTE[colour],
            marker=MARKERS[shape],
            glyph=GLYPHS[shape],
            variable="--muted" if baseline else f"--model-{colour}",
        )
        n_coloured += not baseline
    return look


def swarm(values: Sequence[float], bin_width: float, gap: float, half_height: float) -> list[float]:
    """Return offsets that set marks of nearly equal value side by side, symmetrically, at most `half_height` away."""
    offsets = [0.0] * len(values)
    bins: dict[int, list[int]] = {}
    for place in sorted(range(len(values)), key=lambda i: (values[i], i)):
        bins.setdefault(round(values[place] / bin_width), []).append(place)
    for members in bins.values():
        step = min(gap, 2 * half_height / max(len(members) - 1, 1))
        for rank, place in enumerate(members):
            offsets[place] = (rank - (len(members) - 1) / 2) * step
    return offsets


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Return places for labels near `values`, in the same order, at least `gap` apart."""
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    clusters: list[tuple[float, list[int]]] = []
    for i in order:
        centre, members = values[i], [i]
        while clusters and centre - clusters[-1][0] < gap * (len(members) + len(clusters[-1][1])) / 2:
            members = clusters.pop()[1] + members
            centre = sum(values[j] for j in members) / len(members)
        clusters.append((centre, members))
    places = [0.0] * len(values)
    for centre, members in clusters:
        for rank, i in enumerate(members):
            places[i] = centre + (rank - (len(members) - 1) / 2) * gap
    return places


def symbols(
    axes: Axes, places: tuple[Sequence[float], Sequence[float]], style: Style, *, size: float, hollow: bool = False
) -> Collection:
    """Draw marks in a model's style at `places` (x, y), hollow where too few speakers stand behind them."""
    drawn: Collection = axes.scatter(*places, color=style.colour, marker=style.marker, s=size)
    drawn.set(linewidth=0.7, edgecolor=PAPER, clip_on=False, zorder=3)
    if hollow:
        drawn.set(facecolor=PAPER, edgecolor=style.colour, linewidth=1.8)
    return drawn


def interval_line(axes: Axes, number: Json, y: float, style: Style, *, width: float = 2.5) -> None:
    """Draw a number's interval as a horizontal line; nothing where it is not estimable."""
    if number["estimable"]:
        axes.hlines([y], number["low"], number["high"], color=style.colour, linewidth=width, zorder=2.5)


def published_mark(axes: Axes, x: float, y: float) -> None:
    """Draw a published number."""
    axes.scatter([x], [y], marker="D", s=40, facecolor="none", edgecolor=MUTED, linewidth=1.3, clip_on=False)


def rows(axes: Axes, height_px: float) -> None:
    """Make the vertical axis count pixels from the top."""
    axes.set(ylim=(height_px, 0), yticks=[])
    sns.despine(ax=axes, left=True, bottom=True)


def percent_axis(axes: Axes, which: Literal["x", "y"], label: str, values: Sequence[float] = ()) -> None:
    """Let an axis start where the data need it, end at 100 % at most, and say what it shows and in which unit."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = (min(values), max(values)) if values else getattr(axes, f"get_{which}lim")()
    pad = max(0.05 * (high - low), 0.02)
    ends = (max(low - pad, 0.0) if low - pad > 0.02 else -0.01, min(high + pad, 1.01))
    getattr(axes, f"set_{which}lim")(*ends)
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}\u00a0%"))
    getattr(axes, f"set_{which}label")(label, loc="left" if which == "x" else "top")
    axes.grid(visible=True, axis=which)
    sns.despine(ax=axes, left=True, bottom=True)


def points_axis(axes: Axes, label: str, values: Sequence[float]) -> None:
    """Let the horizontal axis hold `values` and zero, in signed points, with a line at zero."""
    low, high = min([0.0, *values]), max([0.0, *values])
    pad = max(0.06 * (high - low), 0.01)
    axes.set_xlim(low - pad, high + pad)
    axes.set_xlabel(label, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}".replace("-", "−")))
    axes.grid(visible=True, axis="x")
    axes.axvline(0, color=INK, linewidth=1.2, zorder=1.5)
    sns.despine(ax=axes, left=True, bottom=True)


def strip(axes: Axes, ends: tuple[float, float], y: float, half_height: float) -> None:
    """Draw a grey strip from one value to another around height `y`."""
    axes.fill_between(list(ends), y - half_height, y + half_height, color=GRID, linewidth=0, zorder=0.5)


def legend(figure: Figure, look: Mapping[str, Style]) -> None:
    """Name the models' marks on top of the picture, in as many rows as `legend_height` has room for."""
    handles = [
        Line2D([], [], linestyle="", marker=style.marker, color=style.colour, markersize=9) for style in look.values()
    ]
    labels = [wording.short_model(name) for name in look]
    columns = _legend_columns(list(look), figure.bbox.width)
    figure.legend(handles, labels, loc="upper left", ncols=columns, bbox_to_anchor=(0, 1), handletextpad=0.2)


def legend_height(names: Sequence[str], width_px: float) -> float:
    """Return the pixels that the legend's rows need at the top of a picture."""
    return 22.0 * ceil(len(names) / _legend_columns(names, width_px))


def _legend_columns(names: Sequence[str], width_px: float) -> int:
    longest = max(len(wording.short_model(name)) for name in names)
    return max(int(width_px / (36 + 7.7 * longest)), 1)


def label(axes: Axes, y: float, name: str, counts: str) -> None:
    """Write a row's name and, below it, what it rests on, left of the axes."""
    where = axes.get_yaxis_transform()
    axes.text(-0.03, y - 9, name, ha="right", va="center", transform=where, weight="bold")
    axes.text(-0.03, y + 9, counts, ha="right", va="center", transform=where, color=MUTED, size=12)


def count_text(number: Json) -> str:
    """Return what a number rests on: ``24 speakers / 7,486 rec.``."""
    return f"{wording.counted(number['n_speakers'], 'speaker')} / {number['n_recordings']:,} rec."


def shorten(text: str) -> str:
    """Return the name of a group as far as the margins of the pictures have room for it."""
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"


def beside(axes: Axes, y: float, text: str, *, bold: bool = False) -> None:
    """Write a row's value or remark right of the axes."""
    weight, colour = ("bold", INK) if bold else ("normal", MUTED)
    where = axes.get_yaxis_transform()
    axes.text(1.03, y, text, ha="left", va="center", transform=where, weight=weight, color=colour, size=13)
