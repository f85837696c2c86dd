"""Where models err: confusion matrices, stated probabilities, the hardest speakers and recordings."""

from __future__ import annotations

import base64
from pathlib import Path

import seaborn as sns
from markupsafe import Markup

from reports.page.drawing.marks import legend, legend_height, percent_axis, styles, symbols
from reports.page.drawing.svg import MUTED, Caption, canvas, inline, settings
from reports.page.table import Columns, Table, Words
from reports.terms import MAJORITY, Json
from reports.text import wording

ANCHOR, TITLE = "errors", "Errors"

MAX_EXAMPLES_BYTES = 600_000
"""Pictures of recordings beyond this are left out, so that the page stays below 2 MB."""

_MEDIA = {".jpg": "image/jpeg", ".png": "image/png"}


def section(summary: Json, folder: Path) -> Json:
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
        "recordings": _with_pictures(summary["hardest"]["recordings"], folder / "examples"),
    }


def reliability(summary: Json) -> Table:
    """Return the bins of the reliability curves."""
    names = [name for name in summary["model_order"] if name != MAJORITY]
    subjects = [{"model": name, **of_bin} for name in names for of_bin in summary["models"][name]["reliability"]]
    columns: Columns = [
        ("Model", lambda row: wording.model(row["model"])),
        (
            "Stated probability (%)",
            lambda row: f"{wording.percent(row['from'], False)} to {wording.percent(row['to'], False)}",
        ),
        ("Its mean (%)", lambda row: wording.percent(row["stated"], False)),
        ("True (%)", lambda row: wording.percent(row["observed"], False)),
        ("Predictions", lambda row: wording.count(row["n_predictions"])),
    ]
    return Table.of(subjects, columns, caption="Stated probabilities and how often they are true")


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
    look = styles(summary)
    with settings():
        top = 18 + legend_height(list(curves), 480)
        figure, axes = canvas(480, top + 400, (64, top, 20, 54))
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 4)))
        for name, bins in curves.items():
            x, y = [b["stated"] for b in bins], [b["observed"] for b in bins]
            sns.lineplot(x=x, y=y, color=look[name].colour, linewidth=1.5, ax=axes, legend=False)
            symbols(axes, (x, y), look[name], size=50)
        percent_axis(axes, "x", [0.0, 1.0])
        percent_axis(axes, "y", [0.0, 1.0])
        axes.set_xlabel("probability stated by the model", loc="left")
        axes.set_ylabel("how often it is true", loc="top")
        legend(figure, {name: look[name] for name in curves})
        worst = {name: max(bins, key=lambda b: abs(b["stated"] - b["observed"])) for name, bins in curves.items()}
        told = [
            f"{wording.model(n)} states {wording.percent(b['stated'])} where {wording.percent(b['observed'])} are true"
            for n, b in worst.items()
        ]
        finding = "Furthest from the diagonal: " + ", ".join(told) + "."
        return inline(figure, Caption(name="plot-reliability", title="Reliability of probabilities", finding=finding))


def _with_pictures(recordings: list[Json], examples: Path) -> list[Json]:
    """Add to every recording its picture as a data URI, or nothing where there is none."""
    left = MAX_EXAMPLES_BYTES
    pictured = []
    for recording in recordings:
        candidates = [examples / f"{recording['example']}{suffix}" for suffix in _MEDIA]
        path = next((path for path in candidates if path.is_file() and path.stat().st_size <= left), None)
        picture = None
        if path is not None:
            content = path.read_bytes()
            left -= len(content)
            picture = f"data:{_MEDIA[path.suffix]};base64,{base64.b64encode(content).decode('ascii')}"
        pictured.append({**recording, "picture": picture})
    return pictured
