"""Groups of speakers, an attribute at a time: levels, gaps against what a model without differences would show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from markupsafe import Markup
from matplotlib.axes import Axes

from reports.page.drawing import marks
from reports.page.drawing.forest import band, gap_forest, gap_name, gap_told
from reports.page.drawing.svg import MUTED, Caption, canvas, inline
from reports.page.table import Columns, Table, Words, percent, with_interval
from reports.statistics.intervals import MIN_SPEAKERS
from reports.summary.answer import against_band, by_size, contenders, turned
from reports.summary.groups import ATTRIBUTES, IS_THE_TASK
from reports.terms import INTERSECTION, MAJORITY, NOT_STATED, Json
from reports.text import wording

ANCHOR, TITLE = "groups", "Accents and other groups"

_ORDER = ("accent_bucket", "accent", "gender", "native_speaker", "age_band", "origin_bucket", "room", INTERSECTION)


def section(summary: Json) -> Json:
    """Return the pictures, tables and sentences of every attribute that is known of anybody."""
    return {
        "attributes": [_attribute(summary, name) for name in _ORDER if _is_stated(summary, name)],
        "unstated": [wording.attribute(name).lower() for name in ATTRIBUTES if not _is_stated(summary, name)],
        "fairness": fairness(summary),
    }


def _attribute(summary: Json, name: str) -> Json:
    shown = (level_picture, levels, balanced, shrinkage, gap_sentence, gap_picture, gaps, within_gender)
    is_task = all(gap["why_not"] == IS_THE_TASK for gap in summary["gaps"][name].values())
    contents = {make.__name__: make(summary, name) for make in shown}
    return {"label": wording.attribute(name), "is_task": is_task, **contents}


def _is_stated(summary: Json, attribute: str) -> bool:
    """Tell whether an attribute is known of anybody; the finer accents are shown only if they are finer."""
    groups = summary["groups"][attribute]
    if attribute == INTERSECTION:
        return all(_is_stated(summary, name) for name in ("gender", "accent_bucket"))
    if attribute == "accent" and set(groups) == set(summary["groups"]["accent_bucket"]):
        return False
    return any(group != NOT_STATED for group in groups)


def levels(summary: Json, attribute: str) -> Table:
    """Return the accuracy of every group of `attribute` under every model, most speakers first."""
    groups = summary["groups"][attribute]
    widest = {group: _widest(level) for group, level in groups.items()}
    subjects = sorted(groups, key=lambda group: (-int(widest[group]["n_speakers"]), group))
    columns: Columns = [
        ("Group", str),
        ("Speakers", lambda group: wording.count(widest[group]["n_speakers"])),
        ("Recordings", lambda group: wording.count(widest[group]["n_recordings"])),
        *_per_model(summary, attribute, "accuracy"),
    ]
    caption = f"{wording.attribute(attribute)}: recordings recognised (%), mean over the group’s speakers"
    return Table.of(subjects, columns, caption=caption)


def _widest(level: Json) -> Json:
    """Return the accuracy in a group that rests on the most speakers."""
    numbers: list[Json] = [of_model["accuracy"] for of_model in level.values()]
    return max(numbers, key=lambda number: int(number["n_speakers"]))


def _per_model(summary: Json, attribute: str, metric: str) -> Columns:
    def cell(name: str, group: str) -> str:
        level = summary["groups"][attribute][group]
        return with_interval(level[name][metric]) if name in level else wording.NONE

    return [(wording.model(name), partial(cell, name)) for name in summary["model_order"]]


def balanced(summary: Json, attribute: str) -> Table | None:
    """Return the balanced accuracy within every group; None where it is not defined."""
    groups = summary["groups"][attribute]
    if not any("balanced_accuracy" in of_model for level in groups.values() for of_model in level.values()):
        return None
    columns: Columns = [("Group", str), *_per_model(summary, attribute, "balanced_accuracy")]
    caption = f"{wording.attribute(attribute)}: balanced accuracy within the group (%)"
    return Table.of(groups, columns, caption=caption)


def gap_sentence(summary: Json, attribute: str) -> str:
    """Return one sentence on the largest gap between groups of `attribute` that can be estimated."""
    of_models = {name: summary["gaps"][attribute][name] for name in contenders(summary)}
    known = by_size({name: gap for name, gap in of_models.items() if gap["estimable"]})
    if not known:
        why = next(iter(of_models.values()))["why_not"] if of_models else "nothing was predicted"
        return f"No gap can be estimated: {why}."
    gap = turned(of_models[known[0]])
    first, second = f"“{gap['first']}”", f"“{gap['second']}”"
    what = f"from {first} to {second}" if gap["kind"] == "range" else f"more for {first} than for {second}"
    whose = f"The largest gap is {wording.the(known[0])}’s:" if len(known) > 1 else "The gap is"
    interval = f"95\u00a0% interval {wording.interval(gap, of_points=True)}"
    return f"{whose} {wording.percent(gap['value'], False)} points {what} ({interval}); {against_band(gap)}."


_GAP: Columns = (
    ("Gap", Words(lambda gap: gap_name(gap) if gap["kind"] else wording.NONE)),
    ("Points", lambda gap: wording.points(gap["value"], False)),
    ("95\u00a0% interval", lambda gap: wording.NONE if gap["value"] is None else wording.interval(gap, of_points=True)),
    ("Without differences", lambda gap: wording.NONE if gap["value"] is None else band(gap)),
    ("p", lambda gap: wording.probability(gap["p"])),
    ("Speakers", lambda gap: wording.count(gap["n_speakers"])),
    ("Note", Words(lambda gap: gap["why_not"] or gap["unbiased_why_not"] or gap["p_why_not"] or "")),
)
"""What every table of gaps says of one."""

GAP_COLUMNS = tuple(heading for heading, _ in _GAP)


def gap_row(name: str, gap: Json) -> list[str]:
    """Return a model's name and the cells of `GAP_COLUMNS`."""
    return [wording.model(name), *[cell(gap) for _, cell in _GAP]]


def gaps(summary: Json, attribute: str) -> Table:
    """Return the gap of every model with its interval, band and p; no row where no model has one."""
    known = {name: gap for name, gap in summary["gaps"][attribute].items() if gap["value"] is not None}
    columns: Columns = [("Model", lambda gap: wording.model(gap["model"])), *_GAP]
    caption = f"{wording.attribute(attribute)}: gap between groups (points)"
    subjects = [{"model": name, **gap} for name, gap in known.items()]
    return Table.of(subjects, columns, caption=caption, models=list(known))


def within_gender(summary: Json, attribute: str) -> Table:
    """Return the gaps among speakers of one gender; no row where there are none to give."""
    subjects = [
        {"gender": gender, "model": name, **gap}
        for gender, of_attribute in summary["gaps_within_gender"].items()
        for name, gap in of_attribute.get(attribute, {}).items()
        if name != MAJORITY
    ]
    model = Words(lambda gap: wording.model(gap["model"]))
    columns: Columns = [("Gender", lambda gap: gap["gender"]), ("Model", model), *_GAP]
    caption = f"{wording.attribute(attribute)}: gap among speakers of one gender (points)"
    return Table.of(subjects, columns, caption=caption)


def shrinkage(summary: Json, attribute: str) -> Table:
    """Return every group's deviation from its speakers' classes, raw and drawn towards the mean."""
    shrunken = {n: s for n, s in summary["shrinkage"][attribute].items() if s["groups"] and n != MAJORITY}
    flat = [wording.model(name) for name, of_model in shrunken.items() if of_model["why_not"]]
    caption = f"{wording.attribute(attribute)}: deviation from the mean of the class (points), raw → shrunken"
    caption += f"; {wording.listed(flat)}: no variation between groups detectable" if flat else ""
    groups = sorted({group for of_model in shrunken.values() for group in of_model["groups"]})
    models = [(wording.model(n), lambda group, s=s: _deviation(s["groups"].get(group))) for n, s in shrunken.items()]
    return Table.of(groups, [("Group", str), *models], caption=caption)


def _deviation(of_group: Json | None) -> str:
    ends = [wording.points(of_group[key], False) for key in ("deviation", "shrunken")] if of_group else [wording.NONE]
    return " → ".join(ends)


def fairness(summary: Json) -> Table:
    """Return the worst group and Fairlearn's differences by attribute and model; no row where there is no value."""
    subjects = [
        {"attribute": attribute, "model": name, **metrics}
        for attribute, of_attribute in summary["fairness"].items()
        for name, metrics in of_attribute.items()
        if name != MAJORITY and any(metric["value"] is not None for metric in metrics.values())
    ]
    columns: Columns = [
        ("Attribute", lambda row: wording.attribute(row["attribute"])),
        ("Model", Words(lambda row: wording.model(row["model"]))),
        ("Lowest group of 5 speakers or more", Words(lambda row: _lowest(row["worst_group"]))),
        ("Demographic parity difference (points)", lambda row: percent(row["demographic_parity_difference"])),
        ("Equalised odds difference (points)", lambda row: percent(row["equalized_odds_difference"])),
        ("Note", Words(lambda row: _why_none(row["demographic_parity_difference"]))),
    ]
    caption = "Group metrics as Fairlearn defines them, speakers weighing equally; point values"
    return Table.of(subjects, columns, caption=caption)


def _lowest(worst: Json) -> str:
    return f"{worst['group']}\n{wording.percent(worst['value'])}" if worst["group"] else wording.NONE


def _why_none(number: Json) -> str:
    return str(number["why_not"]) if number["value"] is None else ""


def level_picture(summary: Json, attribute: str) -> Markup:
    """Draw a row per group of `attribute`, sorted by value: a mark and interval per model, hollow without interval."""
    names = [name for name in summary["model_order"] if name != MAJORITY]
    shown = _sorted_groups(summary, attribute, names)
    if not shown or not names:
        return Markup()
    look, step = marks.styles(summary), max(22.0 + 11.0 * len(names), 46.0)
    of_groups = [summary["groups"][attribute][group] for group in shown]
    counts = max(len(marks.count_text(_widest(level))) for level in of_groups)
    left = min(max(200, 40 + 7.2 * max(map(len, shown)), 30 + 7 * counts), 300)
    top = 18 + marks.legend_height(names, marks.WIDTH_PX)
    with canvas(marks.WIDTH_PX, step * len(shown) + top + 46, (left, top, 260, 46)) as (figure, axes):
        marks.rows(axes, step * len(shown))
        for place, (group, level) in enumerate(zip(shown, of_groups, strict=True)):
            for model in _numbers(level, names):
                y = step * (place + 0.5) + (names.index(model) - (len(names) - 1) / 2) * 11
                _level(axes, summary, (attribute, group, model), y)
            _remark(axes, step * (place + 0.5), level)
            marks.label(axes, step * (place + 0.5), marks.shorten(group), marks.count_text(_widest(level)))
        marks.percent_axis(axes, "x", "recordings recognised, mean over speakers", _all_levels(summary))
        marks.legend(figure, {name: look[name] for name in names})
        lowest, highest = (_told(summary, attribute, group, names) for group in (shown[-1], shown[0]))
        finding = f"Lowest row: {lowest}. Highest row: {highest}."
        title = f"{wording.attribute(attribute)}: accuracy per group and model"
        return inline(figure, Caption(name=f"plot-groups-{attribute.replace('_', '-')}", title=title, finding=finding))


def gap_picture(summary: Json, attribute: str) -> Markup:
    """Draw a row per model: the gap with its interval, over the strip that a model without differences would show."""
    names = [name for name in summary["model_order"] if name != MAJORITY]
    known = {name: gap for name in names if (gap := summary["gaps"][attribute][name])["value"] is not None}
    finding = "; ".join(f"{wording.model(name)} {gap_told(gap)}" for name, gap in known.items()) + "."
    title = f"{wording.attribute(attribute)}: gap per model"
    caption = Caption(name=f"plot-gaps-{attribute.replace('_', '-')}", title=title, finding=finding)
    return gap_forest(known, marks.styles(summary), caption)


def _numbers(level: Json, names: Sequence[str]) -> dict[str, Json]:
    return {name: level[name]["accuracy"] for name in names if name in level}


def _level(axes: Axes, summary: Json, where: tuple[str, str, str], y: float) -> None:
    """Draw one group's mark and interval under one model, and a tick where shrinking would put it."""
    attribute, group, model = where
    number, style = summary["groups"][attribute][group][model]["accuracy"], marks.styles(summary)[model]
    marks.interval_line(axes, number, y, style, width=2)
    marks.symbols(axes, ([number["value"]], [y]), style, size=62, hollow=not number["estimable"])
    shrunken = summary["shrinkage"][attribute][model]["groups"].get(group)
    if shrunken:
        x = number["value"] - shrunken["deviation"] + shrunken["shrunken"]
        axes.vlines([x], y - 5, y + 5, color=MUTED, linewidth=1.8, zorder=2.7)


def _remark(axes: Axes, y: float, level: Json) -> None:
    numbers = [of_model["accuracy"] for name, of_model in level.items() if name != MAJORITY]
    if numbers and not any(number["estimable"] for number in numbers):
        n_speakers = max(int(number["n_speakers"]) for number in numbers)
        marks.beside(axes, y, wording.few(n_speakers) if n_speakers < MIN_SPEAKERS else "interval not estimable")


def _all_levels(summary: Json) -> list[float]:
    """Return the accuracies of all groups and their intervals' ends, so that all pictures of levels have one scale."""
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
        numbers = _numbers(summary["groups"][attribute][group], names).values()
        known = [number["value"] for number in numbers if number["value"] is not None]
        return sum(known) / len(known) if known else -1.0

    return sorted(summary["groups"][attribute], key=lambda group: (group == NOT_STATED, -mean(group), group))


def _told(summary: Json, attribute: str, group: str, names: Sequence[str]) -> str:
    numbers = _numbers(summary["groups"][attribute][group], names)
    told = [f"{wording.model(name)} {wording.percent(number['value'])}" for name, number in numbers.items()]
    return f"{group}, {wording.listed(told)}"
