"""Where models err: confusion matrices, stated probabilities, the hardest speakers and recordings."""

from __future__ import annotations

import seaborn as sns
from markupsafe import Markup

from reports.page.drawing.marks import legend, legend_height, percent_axis, styles, symbols
from reports.page.drawing.svg import MUTED, Caption, canvas, inline
from reports.page.table import Columns, Table, Words
from reports.terms import MAJORITY, Json
from reports.text import wording

ANCHOR, TITLE = "errors", "Errors"


def section(summary: Json) -> Json:
    """Return the confusion matrices, the reliability curves, and who and what is recognised least."""
    return {
        "confusion": [
            {"name": name, **summary["models"][name]["confusion"]}
            for name in summary["model_order"]
            if summary["models"][name]["per_speaker"] and name != MAJORITY
        ],
        "picture": picture(summary),
        "reliability": reliability(summary),
        "speakers": speakers(summary),
        "recordings": summary["hardest"]["recordings"],
    }


def reliability(summary: Json) -> Table:
    """Return the bins of the reliability curves."""
    names = [name for name in summary["model_order"] if name != MAJORITY]
    bins = [{"model": name, **of_bin} for name in names for of_bin in summary["models"][name]["reliability"]]
    columns: Columns = [
        ("Model", lambda row: wording.model(row["model"])),
        ("Stated probability (%)", lambda row: " to ".join(wording.percent(row[end], False) for end in ("from", "to"))),
        ("Its mean (%)", lambda row: wording.percent(row["stated"], False)),
        ("True (%)", lambda row: wording.percent(row["observed"], False)),
        ("Predictions", lambda row: wording.count(row["n_predictions"])),
    ]
    return Table.of(bins, columns, caption="Stated probabilities and how often they are true")


def speakers(summary: Json) -> Table:
    """Return the ten speakers that are recognised least."""
    columns: Columns = [
        ("Speaker", lambda row: row["speaker"]),
        ("Mean (%)", lambda row: wording.percent(row["mean"], False)),
        *[
            (f"{wording.model(name)} (%)", lambda row, name=name: wording.percent(row["models"].get(name), False))
            for name in summary["hardest"]["models"]
        ],
        ("Gender", Words(lambda row: row["gender"])),
        ("Accent", Words(lambda row: row["accent"])),
        ("Age", Words(lambda row: row["age_band"])),
        ("Room", Words(lambda row: row["room"])),
    ]
    return Table.of(summary["hardest"]["speakers"], columns, caption="The speakers recognised least")


def picture(summary: Json) -> Markup:
    """Draw how often what a model states with some probability is true."""
    curves = {
        name: summary["models"][name]["reliability"]
        for name in summary["model_order"]
        if name != MAJORITY and summary["models"][name]["reliability"]
    }
    if not curves:
        return Markup()
    look, top = styles(summary), 18 + legend_height(list(curves), 480)
    with canvas(480, top + 400, (64, top, 20, 54)) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 4)))
        for name, bins in curves.items():
            x, y = [b["stated"] for b in bins], [b["observed"] for b in bins]
            sns.lineplot(x=x, y=y, color=look[name].colour, linewidth=1.5, ax=axes, legend=False)
            symbols(axes, (x, y), look[name], size=50)
        percent_axis(axes, "x", "probability stated by the model", [0.0, 1.0])
        percent_axis(axes, "y", "how often it is true", [0.0, 1.0])
        legend(figure, {name: look[name] for name in curves})
        worst = {name: max(bins, key=lambda b: abs(b["stated"] - b["observed"])) for name, bins in curves.items()}
        told = [
            f"{wording.model(n)} states {wording.percent(b['stated'])} where {wording.percent(b['observed'])} are true"
            for n, b in worst.items()
        ]
        finding = f"Furthest from the diagonal: {', '.join(told)}."
        return inline(figure, Caption(name="plot-reliability", title="Reliability of probabilities", finding=finding))
