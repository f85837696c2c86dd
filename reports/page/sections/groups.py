"""The page's tables and sentences about groups of speakers."""

from __future__ import annotations

from reports import wording
from reports.answer import against_band, contenders, turned
from reports.group_figures import gap_name
from reports.page.sections.accuracy import Table, with_limits
from reports.run import MAJORITY, Json


def groups(summary: Json, attribute: str) -> Table:
    """Return the accuracy of every group of `attribute` under every model, most speakers first."""
    names = list(summary["model_order"])
    rows = []
    for group, level in summary["groups"][attribute].items():
        numbers = [level[name]["accuracy"] for name in names if name in level]
        widest = max(numbers, key=lambda number: int(number["n_speakers"]))
        values = [with_limits(level[name]["accuracy"]) if name in level else wording.NONE for name in names]
        rows.append([group, wording.count(widest["n_speakers"]), wording.count(widest["n_recordings"]), *values])
    return Table(
        caption=f"{wording.attribute(attribute)}: recordings recognised (%), mean over the group’s speakers",
        columns=["Group", "Speakers", "Recordings", *map(wording.model, names)],
        rows=sorted(rows, key=lambda row: (-int(row[1].replace(",", "")), row[0])),
    )


def balanced(summary: Json, attribute: str) -> Table | None:
    """Return the balanced accuracy within every group; None where it is not defined."""
    names = list(summary["model_order"])
    levels = summary["groups"][attribute]
    if not any("balanced_accuracy" in found for level in levels.values() for found in level.values()):
        return None
    rows = [
        [group, *[with_limits(level[n]["balanced_accuracy"]) if n in level else wording.NONE for n in names]]
        for group, level in levels.items()
    ]
    caption = f"{wording.attribute(attribute)}: balanced accuracy within the group (%)"
    return Table(caption=caption, columns=["Group", *map(wording.model, names)], rows=rows)


def gap_sentence(summary: Json, attribute: str) -> str:
    """Return one sentence on the largest gap between groups of `attribute` that can be estimated."""
    found = {name: summary["gaps"][attribute][name] for name in contenders(summary)}
    known = [name for name in found if found[name]["estimable"]]
    if not known:
        return (
            f"No gap can be estimated: {next(iter(found.values()))['why_not'] if found else 'nothing was predicted'}."
        )
    largest = max(known, key=lambda name: abs(found[name]["value"]))
    gap = turned(found[largest])
    size = f"{wording.percent(gap['value'], False)} points"
    what = (
        f"from “{gap['first']}” to “{gap['second']}”"
        if gap["kind"] == "range"
        else f"more for “{gap['first']}” than for “{gap['second']}”"
    )
    whose = f"The largest gap is {wording.the(largest)}’s" if len(known) > 1 else "The gap is"
    interval = wording.limits(gap, of_points=True)
    return f"{whose}{':' if len(known) > 1 else ''} {size} {what} (95\u00a0% interval {interval}); {against_band(gap)}."


def gaps(summary: Json, attribute: str) -> Table | None:
    """Return the gap of every model with its interval, band and p; None where no model has one."""
    found = {name: gap for name, gap in summary["gaps"][attribute].items() if gap["value"] is not None}
    return _gap_table(found, wording.attribute(attribute)) if found else None


def within_gender(summary: Json, attribute: str) -> Table | None:
    """Return the gaps among speakers of one gender; None where there are none to give."""
    rows = [
        [gender, *row]
        for gender, of_attribute in summary["gaps_within_gender"].items()
        for row in _gap_rows({n: g for n, g in of_attribute.get(attribute, {}).items() if n != MAJORITY})
    ]
    caption = f"{wording.attribute(attribute)}: gap among speakers of one gender (points)"
    columns = ["Gender", "Model", *GAP_COLUMNS]
    return Table(caption=caption, columns=columns, rows=rows, words=(1, 2, len(columns) - 1)) if rows else None


GAP_COLUMNS = ("Gap", "Points", "95\u00a0% interval", "Without differences", "p", "Speakers", "Note")


def _gap_table(found: dict[str, Json], label: str) -> Table:
    columns = ["Model", *GAP_COLUMNS]
    caption = f"{label}: gap between groups (points)"
    return Table(
        caption=caption, columns=columns, rows=_gap_rows(found), words=(1, len(columns) - 1), models=list(found)
    )


def _gap_rows(found: dict[str, Json]) -> list[list[str]]:
    return [gap_row(name, gap) for name, gap in found.items()]


def gap_row(name: str, gap: Json) -> list[str]:
    """Return a model's name and the cells of `GAP_COLUMNS`."""
    return [
        wording.model(name),
        gap_name(gap) if gap["kind"] else wording.NONE,
        wording.points(gap["value"], False),
        wording.limits(gap, of_points=True) if gap["value"] is not None else wording.NONE,
        _band(gap),
        wording.probability(gap["p"]),
        wording.count(gap["n_speakers"]),
        gap["why_not"] or gap["unbiased_why_not"] or gap["p_why_not"] or "",
    ]


def _band(gap: Json) -> str:
    if gap["unbiased_why_not"]:
        return wording.NOT_ESTIMABLE if gap["value"] is not None else wording.NONE
    band = {"estimable": True, "low": gap["unbiased_low"], "high": gap["unbiased_high"]}
    return wording.limits(band, of_points=True)


def shrinkage(summary: Json, attribute: str) -> Table | None:
    """Return every group's deviation from its speakers' classes, raw and drawn towards the mean."""
    found = {n: s for n, s in summary["shrinkage"][attribute].items() if s["groups"] and n != MAJORITY}
    if not found:
        return None
    everyone = sorted({group for of_model in found.values() for group in of_model["groups"]})
    rows = [[group, *[_shrunken(of_model["groups"].get(group)) for of_model in found.values()]] for group in everyone]
    flat = [wording.model(name) for name, of_model in found.items() if of_model["why_not"]]
    caption = f"{wording.attribute(attribute)}: deviation from the mean of the class (points), raw → shrunken"
    caption += f"; {wording.listed(flat)}: no variation between groups detectable" if flat else ""
    return Table(caption=caption, columns=["Group", *map(wording.model, found)], rows=rows)


def _shrunken(found: Json | None) -> str:
    if found is None:
        return wording.NONE
    return f"{wording.points(found['deviation'], False)} → {wording.points(found['shrunken'], False)}"


def fairness(summary: Json) -> Table | None:
    """Return the worst group and Fairlearn's differences by attribute and model; None where there is no value."""
    rows = []
    for attribute, of_attribute in summary["fairness"].items():
        for name, found in of_attribute.items():
            worst = found["worst_group"]
            values = [found[key] for key in ("demographic_parity_difference", "equalized_odds_difference")]
            if name != MAJORITY and any(number["value"] is not None for number in (worst, *values)):
                level = f"{worst['group']}\n{wording.percent(worst['value'])}" if worst["group"] else wording.NONE
                shown = [wording.percent(number["value"], False) for number in values]
                note = values[0]["why_not"] if values[0]["value"] is None else ""
                rows.append([wording.attribute(attribute), wording.model(name), level, *shown, note])
    columns = [
        *("Attribute", "Model", "Lowest group of 5 speakers or more"),
        *("Demographic parity difference (points)", "Equalised odds difference (points)", "Note"),
    ]
    caption = "Group metrics as Fairlearn defines them, speakers weighing equally; point values"
    return Table(caption=caption, columns=columns, rows=rows, words=(1, 2, 5)) if rows else None
