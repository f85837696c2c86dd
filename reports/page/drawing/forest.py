"""A forest of differences: a row each, with its interval, zero marked. Pairs, gaps and changes are drawn alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.page.drawing.marks import WIDTH_PX, Style, beside, interval_line, label, points_axis, rows, strip, symbols
from reports.page.drawing.svg import Caption, canvas, inline, settings
from reports.terms import Json
from reports.text import wording

_ROW_PX = 46.0
_RIGHT_PX = 260


@dataclass(frozen=True, kw_only=True)
class Row:
    """One difference of the picture.

    Attributes
    ----------
    name
        What differs, left of the row.
    number
        The difference, with a value.
    style
        How its mark looks.
    remark
        What stands under the value, at the right.
    hollow
        Whether the mark is empty.
    strip
        Where the difference would lie by chance, a grey strip behind it; None where there is none.
    """

    name: str
    number: Json
    style: Style
    remark: str
    hollow: bool
    strip: tuple[float, float] | None = None


def forest(differences: Sequence[Row], caption: Caption, axis_label: str) -> Markup:
    """Draw one row per difference, in points; nothing where there are none.

    Parameters
    ----------
    differences
        The rows, from the top.
    caption
        What the picture is called and says.
    axis_label
        What the horizontal axis shows.
    """
    if not differences:
        return Markup()
    ends = [row.number[end] for row in differences for end in ("low", "value", "high")]
    ends += [end for row in differences for end in row.strip or ()]
    with settings():
        left = max(190, 40 + 8.4 * max(len(row.name) for row in differences))  # room for the names
        figure, axes = canvas(WIDTH_PX, _ROW_PX * len(differences) + 64, (left, 16, _RIGHT_PX, 48))
        rows(axes, _ROW_PX * len(differences))
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
        points_axis(axes, [end for end in ends if end is not None])
        axes.set_xlabel(axis_label, loc="left")
        return inline(figure, caption)
