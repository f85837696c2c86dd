"""The page of a comparison: one HTML file in the form of a report, and its numbers beside it."""

from __future__ import annotations

import json
from pathlib import Path

from markupsafe import Markup

from reports.page.drawing.forest import Row, forest, gap_forest, gap_told
from reports.page.drawing.marks import styles
from reports.page.drawing.svg import Caption
from reports.page.environment import environment
from reports.page.sections.differences import tested
from reports.run_directory.files import TableError, write_text
from reports.statistics.estimate import interval_methods
from reports.summary.answer import SYNTHETIC
from reports.summary.groups import ATTRIBUTES, IS_THE_TASK
from reports.terms import MAJORITY, Json
from reports.text import wording
from reports.text.printable import all_printable, printable
from reports.two_runs import tables
from reports.two_runs.changes import compare


def write(folder_a: Path, folder_b: Path, page: Path) -> Json:
    """Compare two run directories; write the page, and the numbers beside it as ``.json``; return the numbers.

    Raises
    ------
    reports.run_directory.files.TableError
        A run cannot be read, the two cannot be compared, or `page` would lie among the files of a run.
    """
    if (page.parent / "manifest.json").exists():
        raise TableError(f"--out {page}: lies in a run directory, whose files it could replace; choose another")
    comparison = compare(folder_a, folder_b)
    page.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(comparison, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(page.with_suffix(".json"), text + "\n")
    write_text(page, render(all_printable(comparison), printable(page.with_suffix(".json").name)))
    return comparison


def title(comparison: Json) -> str:
    """Return the title of a comparison: what is recognised, and from which run to which."""
    task = wording.task(comparison["task"]["name"])
    return f"What changed in recognising {task}: from {comparison['a']['name']} (A) to {comparison['b']['name']} (B)"


def render(comparison: Json, numbers: str) -> str:
    """Return the page of a comparison, which `reports.two_runs.changes.compare` gives and the file `numbers` holds."""
    context = {
        "c": comparison,
        "numbers": numbers,
        "look": styles(comparison),
        "title": title(comparison),
        "synthetic": SYNTHETIC if comparison["a"]["corpus"]["synthetic"] else "",
        "warnings": [warning for warning in comparison["answer"]["warnings"] if warning != SYNTHETIC],
        "runs": tables.runs(comparison),
        "left_out": tables.left_out(comparison),
        "figure": Markup(changes(comparison)),
        "changes": tables.changes(comparison),
        "attributes": _attributes(comparison),
        "no_gaps": _no_gaps(comparison),
        "most_changed": tables.most_changed(comparison),
        "speakers": tables.speakers(comparison),
        "costs": tables.costs(comparison),
        "differing": tables.differing(comparison),
        "methods": sorted(interval_methods(comparison)),
    }
    return environment().get_template("comparison.html").render(context)


def changes(comparison: Json) -> str:
    """Draw a row per model: the change of its balanced accuracy with the interval, zero marked."""
    look = styles(comparison)
    named = {name: comparison["models"][name] for name in comparison["model_order"] if name != MAJORITY}
    models = {name: change for name, change in named.items() if change["difference"]["value"] is not None}
    drawn = [
        Row(
            name=wording.short_model(name),
            number=change["difference"],
            style=look[name],
            remark=f"p {wording.p(change['p_holm'])}" if change["p_holm"] is not None else "no test",
            hollow=not change["significant"],
        )
        for name, change in models.items()
    ]
    finding = "; ".join(f"{wording.model(name)} {tested(change)}" for name, change in models.items()) + "."
    caption = Caption(name="plot-changes", title="Change of balanced accuracy per model", finding=finding)
    return forest(drawn, caption, "balanced accuracy, B minus A, points")


def _attributes(comparison: Json) -> list[Json]:
    return [
        {
            "label": wording.attribute(name),
            "figure": Markup(_gap_figure(comparison, name)),
            "table": tables.gap_changes(comparison, name),
        }
        for name in _ordered(comparison)
        if any(gap["value"] is not None for gap in comparison["gap_changes"][name].values())
    ]


def _gap_figure(comparison: Json, attribute: str) -> str:
    gaps = comparison["gap_changes"][attribute]
    known = {name: gap for name, gap in gaps.items() if gap["value"] is not None and name != MAJORITY}
    told = "; ".join(f"{wording.model(name)} {gap_told(gap)}" for name, gap in known.items()) + "."
    heading = f"{wording.attribute(attribute)}: change of the gap per model"
    caption = Caption(name=f"plot-gaps-{attribute.replace('_', '-')}", title=heading, finding=told)
    return gap_forest(known, styles(comparison), caption, "change of: ")


def _no_gaps(comparison: Json) -> list[str]:
    """Say of which attributes no change can be given, and why."""
    told = []
    for name in _ordered(comparison):
        gaps = comparison["gap_changes"][name].values()
        if all(gap["value"] is None for gap in gaps):
            why = next(iter(gaps))["why_not"]
            told.append(f"{wording.attribute(name)}: {why}" + ("." if why != IS_THE_TASK else ", so it has no gap."))
    return told


def _ordered(comparison: Json) -> list[str]:
    first = ("accent_bucket", "accent")
    names = [*first, *(name for name in ATTRIBUTES if name not in first)]
    return [name for name in names if comparison["gap_changes"].get(name)]
