"""The page of growth: costs against the number of recordings, on logarithmic axes, and their table."""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports.page.drawing.marks import WIDTH_PX, spread
from reports.page.drawing.svg import MARKERS, MUTED, PALETTE, Caption, canvas, inline
from reports.page.environment import environment
from reports.terms import Json
from reports.text import wording

DRAWN = ("extract", "train", "report")
"""Phases that are drawn; the table has all."""

_HEIGHT_PX = 460.0


def render(laws: Sequence[Json], table: tuple[Sequence[str], Sequence[Sequence[str]]], notes: Sequence[str]) -> str:
    """Return the page: the picture of `laws`, the `table` (header and rows, as text), and `notes`, sentences below it.

    Each law has ``name``, ``phase``, ``sizes``, ``seconds``, ``exponent`` (None where unknown), ``fitted_to`` and
    ``line``, the law's seconds at those sizes.
    """
    header, rows = table
    return environment().get_template("growth.html").render(figure=figure(laws), header=header, rows=rows, notes=notes)


def figure(laws: Sequence[Json]) -> Markup:
    """Draw seconds against recordings: a mark per measurement, a line where a law was fitted."""
    drawn = [law for law in laws if law["phase"] in DRAWN]
    if not drawn:
        return Markup()
    with canvas(WIDTH_PX, _HEIGHT_PX, (84, 24, 270, 54)) as (image, axes):
        axes.set(xscale="log", yscale="log")
        for place, law in enumerate(drawn):
            colour, marker = PALETTE[place % len(PALETTE)], MARKERS[place % len(MARKERS)]
            axes.scatter(law["sizes"], law["seconds"], color=colour, marker=marker, s=60, zorder=3)
            axes.plot(law["fitted_to"], law["line"], color=colour, linewidth=1.8)
        _axes(axes, drawn)
        _names(axes, drawn)
        finding = "; ".join(f"{law['name']} grows with exponent {_exponent(law)}" for law in drawn) + "."
        return inline(image, Caption(name="plot-growth", title="Seconds against recordings", finding=finding))


def _exponent(law: Json) -> str:
    return "unknown" if law["exponent"] is None else f"{law['exponent']:.2f}"


def _axes(axes: Axes, laws: Sequence[Json]) -> None:
    sizes = sorted({size for law in laws for size in law["sizes"]})
    axes.set_xlim(sizes[0] / 1.3, sizes[-1] * 1.3)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.yaxis.set_major_locator(LogLocator(base=10))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.seconds(value)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.grid(visible=True)
    sns.despine(ax=axes, left=True, bottom=True)
    axes.set_xlabel("recordings", loc="left")


def _names(axes: Axes, laws: Sequence[Json]) -> None:
    """Write each cost's name and exponent right of its last measurement."""
    to_pixels, to_axes = axes.transData.transform, axes.transAxes.inverted().transform
    ends = [float(to_axes(to_pixels((law["sizes"][-1], law["seconds"][-1])))[1]) for law in laws]
    places = spread(ends, 22 / (_HEIGHT_PX - 78))
    for place, (law, y) in enumerate(zip(laws, places, strict=True)):
        text = f"{law['name']}, {_exponent(law)}"
        axes.text(1.02, y, text, transform=axes.transAxes, va="center", color=PALETTE[place % len(PALETTE)])
    axes.text(1.02, 1.02, "cost, exponent", transform=axes.transAxes, va="bottom", color=MUTED)
