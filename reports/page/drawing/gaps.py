"""Gaps between groups: a row per model, over the strip in which each would lie if the groups made no difference."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from reports.page.drawing.forest import Row, forest
from reports.page.drawing.marks import Style, shorten
from reports.page.drawing.svg import Caption
from reports.terms import Json
from reports.text import wording


def gap_forest(known: Mapping[str, Json], look: Mapping[str, Style], caption: Caption, what: str = "") -> Markup:
    """Draw the gap of every model, over the strip in which it would lie if the groups made no difference.

    Parameters
    ----------
    known
        The gaps, per model.
    look
        Styles of the models.
    caption
        What the picture is called and says.
    what
        Put before the gap's name on the axis.
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
    first = next(iter(known.values()), None)
    short = {**first, **{end: shorten(first[end]) for end in ("first", "second")}} if first else None
    return forest(drawn, caption, f"{what}{gap_name(short)}, points" if short else "")


def gap_name(gap: Json) -> str:
    """Return what a gap is the difference of: ``German minus other``, ``highest minus lowest of the groups``."""
    if gap["kind"] == "range":
        return "highest minus lowest of the groups"
    return f"{gap['first']} minus {gap['second']}"


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
