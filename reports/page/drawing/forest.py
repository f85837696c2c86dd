"""A forest of differences: a row each, with its interval, zero marked. Pairs, gaps and changes are drawn alike.

A gap between groups of speakers stands over the strip in which it would lie if the groups made no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.page.drawing.marks import (
    WIDTH_PX,
    Style,
    beside,
    interval_line,
    label,
    points_axis,
    rows,
    shorten,
    strip,
    symbols,
)
from reports.page.drawing.svg import Caption, canvas, inline
from reports.terms import Json
from reports.text import wording

_ROW_PX = 46.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One difference of the picture.

    `name` says what differs, `number` is the difference, with a value; `remark` stands under the value, at the right;
    `hollow` makes the mark empty; `strip` is where the difference would lie by chance, drawn grey behind it.
    """

    name: str
    number: Json
    style: Style
    remark: str
    hollow: bool
    strip: tuple[float, float] | None = None


def forest(differences: Sequence[Row], caption: Caption, axis_label: str) -> Markup:
    """Draw one row per difference, in points, from the top; nothing where there are none."""
    if not differences:
        return Markup()
    ends = [row.number[end] for row in differences for end in ("low", "value", "high")]
    ends += [end for row in differences for end in row.strip or ()]
    height, left = _ROW_PX * len(differences), max(190, 40 + 8.4 * max(len(row.name) for row in differences))
    with canvas(WIDTH_PX, height + 64, (left, 16, 260, 48)) as (figure, axes):
        rows(axes, height)
        for place, row in enumerate(differences):
            y, number = _ROW_PX * place + _ROW_PX / 2, row.number
            if row.strip:
                strip(axes, row.strip, y, 15)
            interval_line(axes, number, y, row.style)
            symbols(axes, ([number["value"]], [y]), row.style, size=80, hollow=row.hollow)
            label(axes, y, row.name, wording.counted(number["n_speakers"], "speaker"))
            told = f"{wording.points(number['value'], False)} ({wording.interval(number, of_points=True)})"
            beside(axes, y - 9, told, bold=True)
            beside(axes, y + 9, row.remark)
        points_axis(axes, axis_label, [end for end in ends if end is not None])
        return inline(figure, caption)


def gap_forest(known: Mapping[str, Json], look: Mapping[str, Style], caption: Caption, what: str = "") -> Markup:
    """Draw the gap of every model, over the strip in which it would lie if the groups made no difference.

    `what` is put before the gap's name on the axis.
    """
    drawn = [
        Row(
            name=wording.short_model(name),
            number=gap,
            style=look[name],
            remark=_strip(gap),
            hollow=not gap["estimable"],
            strip=None if gap["unbiased_why_not"] else (gap["unbiased_low"], gap["unbiased_high"]),
        )
        for name, gap in known.items()
    ]
    names = [gap_name(gap, shorten) for gap in known.values()]
    return forest(drawn, caption, f"{what}{names[0]}, points" if names else "")


def gap_name(gap: Json, called: Callable[[str], str] = str) -> str:
    """Return what a gap is the difference of: ``German minus other``, ``highest minus lowest of the groups``."""
    if gap["kind"] == "range":
        return "highest minus lowest of the groups"
    return f"{called(gap['first'])} minus {called(gap['second'])}"


def gap_told(gap: Json) -> str:
    """Return a gap with its interval and what it would be without differences between groups."""
    interval = wording.interval(gap, of_points=True)
    return f"{wording.points(gap['value'])} (95\u00a0% interval {interval}; without differences: {_strip(gap)})"


def _strip(gap: Json) -> str:
    return "strip not estimable" if gap["unbiased_why_not"] else f"strip {band(gap)}"


def band(gap: Json) -> str:
    """Return where the gap would lie if the groups made no difference."""
    ends = {"estimable": not gap["unbiased_why_not"], "low": gap["unbiased_low"], "high": gap["unbiased_high"]}
    return wording.interval(ends, of_points=True)
