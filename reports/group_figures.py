"""Pictures of groups of speakers: levels per group, and gaps against what a model without differences would show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from reports import wording
from reports.figures import count_text, styles
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
    right_text,
    rows,
)
from reports.page.drawing.svg import MUTED, Caption, canvas, inline, settings
from reports.run import MAJORITY, NOT_STATED, Json
from reports.uncertainty import MIN_SPEAKERS

_LABEL_LENGTH = 34


def groups(summary: Json, attribute: str) -> str:
    """Draw a row per group of `attribute`, sorted by value: a mark and interval per model, hollow without interval."""
    names = [name for name in summary["model_order"] if name != MAJORITY]
    shown = _sorted_groups(summary, attribute, names)
    if not shown or not names:
        return ""
    look, step = styles(summary), max(22.0 + 11.0 * len(names), 46.0)
    levels = [summary["groups"][attribute][group] for group in shown]
    with settings():
        counts = max(len(_counts(level)) for level in levels)
        left = min(max(200, 40 + 7.2 * max(map(len, shown)), 30 + 7 * counts), 300)
        top = 18 + legend_height(names, WIDTH_PX)
        figure, axes = canvas(WIDTH_PX, step * len(shown) + top + 46, (left, top, 260, 46))
        rows(axes, step * len(shown))
        for place, (group, level) in enumerate(zip(shown, levels, strict=True)):
            for model in _numbers(level, names):
                y = step * (place + 0.5) + (names.index(model) - (len(names) - 1) / 2) * 11
                _level(axes, summary, (attribute, group, model), y)
            _remark(axes, step * (place + 0.5), group, level)
            label(axes, step * (place + 0.5), _shorten(group), _counts(level))
        percent_axis(axes, "x", _all_levels(summary))
        axes.set_xlabel("recordings recognised, mean over speakers", loc="left")
        legend(figure, {name: look[name] for name in names})
        finding = f"Lowest row: {_told(summary, attribute, shown[-1], names)}. "
        finding += f"Highest row: {_told(summary, attribute, shown[0], names)}."
        title = f"{wording.attribute(attribute)}: accuracy per group and model"
        return inline(figure, Caption(name=f"plot-groups-{attribute.replace('_', '-')}", title=title, finding=finding))


def gaps(summary: Json, attribute: str) -> str:
    """Draw a row per model: the gap with its interval, over the strip that a model without differences would show."""
    names = [name for name in summary["model_order"] if name != MAJORITY]
    found = {name: summary["gaps"][attribute][name] for name in names}
    known = {name: gap for name, gap in found.items() if gap["value"] is not None}
    finding = "; ".join(f"{wording.model(name)} {gap_told(gap)}" for name, gap in known.items()) + "."
    title = f"{wording.attribute(attribute)}: gap per model"
    caption = Caption(name=f"plot-gaps-{attribute.replace('_', '-')}", title=title, finding=finding)
    return gap_forest(known, styles(summary), caption)


def gap_forest(found: Mapping[str, Json], look: Mapping[str, Style], caption: Caption, what: str = "") -> str:
    """Draw the gap of every model, over the strip in which it would lie if the groups made no difference.

    Parameters
    ----------
    found
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
            remark=_band_text(gap),
            hollow=not gap["estimable"],
            strip=None if gap["unbiased_why_not"] else (gap["unbiased_low"], gap["unbiased_high"]),
        )
        for name, gap in found.items()
    ]
    first = next(iter(found.values()), None)
    short = {**first, **{end: _shorten(first[end]) for end in ("first", "second")}} if first else None
    return forest(drawn, caption, f"{what}{gap_name(short)}, points" if short else "")


def gap_name(gap: Json) -> str:
    """Return what a gap is the difference of: ``German minus other``, ``highest minus lowest of the groups``."""
    if gap["kind"] == "range":
        return "highest minus lowest of the groups"
    return f"{gap['first']} minus {gap['second']}"


def _band_text(gap: Json) -> str:
    if gap["unbiased_why_not"]:
        return "strip not estimable"
    band = {"estimable": True, "low": gap["unbiased_low"], "high": gap["unbiased_high"]}
    return f"strip {wording.limits(band, of_points=True)}"


def gap_told(gap: Json) -> str:
    """Return a gap with its interval and what it would be without differences between groups."""
    interval = wording.limits(gap, of_points=True)
    return f"{wording.points(gap['value'])} (95\u00a0% interval {interval}; without differences: {_band_text(gap)})"


def _numbers(level: Json, names: Sequence[str]) -> dict[str, Json]:
    return {name: level[name]["accuracy"] for name in names if name in level}


def _level(axes: Axes, summary: Json, where: tuple[str, str, str], y: float) -> None:
    """Draw one group's mark and interval under one model, and a tick where shrinking would put it."""
    attribute, group, model = where
    number, style = summary["groups"][attribute][group][model]["accuracy"], styles(summary)[model]
    interval_line(axes, number, y, style, width=2)
    marks(axes, ([number["value"]], [y]), style, size=62, hollow=not number["estimable"])
    shrunken = summary["shrinkage"][attribute][model]["groups"].get(group)
    if shrunken:
        x = number["value"] - shrunken["deviation"] + shrunken["shrunken"]
        axes.vlines([x], y - 5, y + 5, color=MUTED, linewidth=1.8, zorder=2.7)


def _remark(axes: Axes, y: float, group: str, level: Json) -> None:
    numbers = [of_model["accuracy"] for name, of_model in level.items() if name != MAJORITY]
    if not numbers or any(number["estimable"] for number in numbers):
        return
    n_speakers = max(int(number["n_speakers"]) for number in numbers)
    right_text(axes, y, wording.few(n_speakers) if n_speakers < MIN_SPEAKERS else "interval not estimable")


def _all_levels(summary: Json) -> list[float]:
    """Return the accuracies of all groups and their limits, so that all pictures of groups have one scale."""
    return [
        level["accuracy"][end]
        for of_attribute in summary["groups"].values()
        for levels in of_attribute.values()
        for name, level in levels.items()
        for end in ("low", "value", "high")
        if name != MAJORITY and level["accuracy"][end] is not None
    ]


def _sorted_groups(summary: Json, attribute: str, names: Sequence[str]) -> list[str]:
    """Sort groups by their mean over models, highest first; speakers of whom nothing is known come last."""

    def mean(group: str) -> float:
        values = [number["value"] for number in _numbers(summary["groups"][attribute][group], names).values()]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else -1.0

    return sorted(summary["groups"][attribute], key=lambda group: (group == NOT_STATED, -mean(group), group))


def _told(summary: Json, attribute: str, group: str, names: Sequence[str]) -> str:
    numbers = _numbers(summary["groups"][attribute][group], names)
    told = [f"{wording.model(name)} {wording.percent(number['value'])}" for name, number in numbers.items()]
    return f"{group}, {wording.listed(told)}"


def _counts(level: Json) -> str:
    return count_text(
        max((found["accuracy"] for found in level.values()), key=lambda number: int(number["n_speakers"]))
    )


def _shorten(text: str) -> str:
    return text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…"
