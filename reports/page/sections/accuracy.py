"""How well every model answers: a row of dots per model, and tables per model, class, fold and speaker."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes

from reports.page.drawing import marks
from reports.page.drawing.svg import INK, MUTED, Caption, canvas, inline
from reports.page.table import Columns, Table, Words, ranked, two_lines, with_interval
from reports.summary.summary import mean_of_folds
from reports.terms import MAJORITY, Json
from reports.text import wording

ANCHOR, TITLE = "accuracy", "Accuracy"

MAX_HINTS = 300
"""Dots of a model that still get a title each; beyond it the page would grow too large."""

_ROW_PX = 92.0
_PUBLISHED_PX = 34.0
_BRACKET = 1.30  # of the axes' width: right of the numbers


def section(summary: Json) -> Json:
    """Return the picture of all models and its tables."""
    shown = (picture, table, by_two_methods, recall, folds, speakers)
    return {make.__name__: make(summary) for make in shown}


def table(summary: Json) -> Table:
    """Return the headline numbers of every model, each with its interval."""
    models, names = summary["models"], ranked(summary)
    classes = summary["task"]["classes"] if len(summary["task"]["classes"]) <= 3 else []
    numbers = [models[name]["balanced_accuracy"] for name in names]
    rests_on = {(number["n_speakers"], number["n_recordings"]) for number in numbers}
    caption = "Accuracy per model, with 95\u00a0% intervals for new speakers and these trained models"
    if len(rests_on) == 1:
        n_speakers, n_recordings = next(iter(rests_on))
        caption += f"; {wording.counted(n_speakers, 'speaker')}, {wording.counted(n_recordings, 'recording')}"
    columns: Columns = [
        ("Model", wording.model),
        ("Rank", lambda name: wording.rank(summary["ranks"].get(name))),
        ("Balanced accuracy (%)", lambda name: with_interval(models[name]["balanced_accuracy"])),
        ("Accuracy (%)", lambda name: with_interval(models[name]["accuracy"])),
        *[(f"Recall, {c} (%)", lambda name, c=c: with_interval(models[name]["recall"][c])) for c in classes],
        *[(metric, lambda name, m=metric: _decimal(models[name][m.lower()])) for metric in ("AUROC", "MCC", "Brier")],
        *[
            (heading, lambda name, key=key: wording.count(models[name]["balanced_accuracy"][key]))
            for heading, key in (("Speakers", "n_speakers"), ("Recordings", "n_recordings"))
            if len(rests_on) != 1
        ],
    ]
    return Table.of(names, columns, caption=caption, models=names)


def by_two_methods(summary: Json) -> Table:
    """Return the headline's intervals beside those of the second method; no row where there are none."""
    numbers = {name: summary["models"][name]["balanced_accuracy"] for name in ranked(summary)}
    names = [name for name, number in numbers.items() if number["check"]]
    columns: Columns = [
        ("Model", wording.model),
        ("Bootstrap-t, the headline", lambda name: wording.interval(numbers[name])),
        ("MOVER, the check", lambda name: wording.interval({"estimable": True, **numbers[name]["check"]})),
    ]
    return Table.of(names, columns, caption="95\u00a0% intervals of balanced accuracy (%) by two methods", models=names)


def _decimal(number: Json) -> str:
    if number["value"] is None:
        return wording.NONE
    return two_lines(wording.decimal(number["value"]), wording.decimal_interval(number))


def recall(summary: Json) -> Table | None:
    """Return recall per class, for tasks with more classes than the headline table has room for."""
    classes, recalls = summary["task"]["classes"], {n: summary["models"][n]["recall"] for n in summary["model_order"]}
    if len(classes) <= 3:
        return None
    columns = [(wording.model(n), lambda c, of=of: with_interval(of[c])) for n, of in recalls.items()]
    caption = "Recall per class (%), mean over speakers, with 95\u00a0% intervals"
    return Table.of(classes, [("Class", str), *columns], caption=caption)


def folds(summary: Json) -> Table:
    """Return the balanced accuracy of every split, counted over recordings."""
    names = list(summary["model_order"])
    values: dict[tuple[int, int, int], dict[str, str]] = {}
    for name in names:
        of_model = summary["models"][name]["mean_over_folds"]
        for split, value in zip(of_model["splits"], of_model["balanced_accuracy"]["folds"], strict=True):
            key = (split["repetition"], split["fold"], split["seed"])
            absent = ", ".join(split["classes_absent"])
            values.setdefault(key, {})[name] = f"no {absent}" if absent else wording.percent(value, False)
    by_split = [
        [f"repetition {r + 1}, fold {f + 1}, seed {s}", *[cells.get(name, "no answers") for name in names]]
        for (r, f, s), cells in sorted(values.items())
    ]
    return Table(
        caption="Balanced accuracy per fold (%), counted over recordings. "
        "The spread over folds (± standard deviation) is no confidence interval.",
        columns=["Fold", *map(wording.model, names)],
        rows=[*by_split, ["mean over folds", *[mean_of_folds(summary["models"][name]) for name in names]]],
    )


def speakers(summary: Json) -> Table:
    """Return every speaker's accuracy under every model."""
    models = {n: {row["speaker"]: row for row in summary["models"][n]["per_speaker"]} for n in summary["model_order"]}
    about: Json = {who: row for rows in models.values() for who, row in rows.items()}
    columns: Columns = [
        ("Speaker", str),
        ("Class" if summary["task"]["per_speaker"] else "Gender", Words(lambda who: about[who]["stratum"])),
        ("Recordings", lambda who: wording.count(about[who]["n_recordings"])),
        *[
            (wording.model(name), lambda who, rows=rows: wording.percent(rows.get(who, {}).get("score"), False))
            for name, rows in models.items()
        ],
    ]
    return Table.of(sorted(about), columns, caption="Recordings recognised per speaker (%)")


def picture(summary: Json) -> Markup:
    """Draw a row per model: its balanced accuracy with the interval, a dot per speaker and a tick per fold below."""
    names = [name for name in summary["model_order"] if name != MAJORITY and summary["models"][name]["per_speaker"]]
    names.sort(key=lambda name: -(summary["models"][name]["balanced_accuracy"]["value"] or 0.0))
    if not names:
        return Markup()
    published = summary["published"]["main"]
    height = _ROW_PX * len(names) + _PUBLISHED_PX * len(published)
    with canvas(marks.WIDTH_PX, height + 80, (210, 34, 210, 46)) as (figure, axes):
        marks.rows(axes, height)
        hints = {f"speakers-{place}": _model_row(axes, summary, name, place) for place, name in enumerate(names)}
        for place, other in enumerate(published):
            _published_row(axes, other, _ROW_PX * len(names) + _PUBLISHED_PX * place + 17)
        scores = [score for name in names for score in _scores(summary, name)]
        _majority_line(axes, summary, scores)
        _brackets(axes, summary, names)
        marks.percent_axis(axes, "x", "recordings recognised")
        told = [_told(summary, name) for name in names]
        lowest, highest = wording.percent(min(scores)), wording.percent(max(scores))
        finding = f"Balanced accuracy: {', '.join(told)}. Single speakers lie between {lowest} and {highest}."
        caption = Caption(name="plot-accuracy", title="Accuracy per model and speaker", finding=finding, hints=hints)
        return inline(figure, caption)


def _told(summary: Json, name: str) -> str:
    number = summary["models"][name]["balanced_accuracy"]
    interval = f"95\u00a0% interval {wording.interval(number)}" if number["estimable"] else "interval not estimable"
    return f"{wording.model(name)} {wording.percent(number['value'])} ({interval})"


def _scores(summary: Json, name: str) -> list[float]:
    return [row["score"] for row in summary["models"][name]["per_speaker"]]


def _model_row(axes: Axes, summary: Json, name: str, place: int) -> list[str]:
    """Draw one model's row; return a hint per dot."""
    model, style, top = summary["models"][name], marks.styles(summary)[name], _ROW_PX * place
    number, y = model["balanced_accuracy"], top + 20
    scores = _scores(summary, name)
    offsets = marks.swarm(scores, 0.012, 6.0, 17.0)
    dots = marks.symbols(axes, (scores, [top + 54 + offset for offset in offsets]), style, size=24)
    dots.set(alpha=0.5, gid=f"speakers-{place}")
    folds = [value for value in model["mean_over_folds"]["balanced_accuracy"]["folds"] if value is not None]
    axes.vlines(folds, top + 75, top + 82, color=MUTED, linewidth=1.5)
    if number["value"] is not None:
        marks.interval_line(axes, number, y, style, width=3.5)
        mark = marks.symbols(axes, ([number["value"]], [y]), style, size=150, hollow=not number["estimable"])
        mark.set_edgecolor(INK if number["estimable"] else style.colour)
        marks.beside(axes, y - 2, wording.percent(number["value"]), bold=True)
        marks.beside(axes, y + 16, wording.interval(number) if number["estimable"] else "interval not estimable")
    marks.label(axes, y + 6, wording.short_model(name), marks.count_text(number))
    if len(scores) > MAX_HINTS:
        return []
    return [f"speaker {row['speaker']}: {wording.percent(row['score'])}" for row in model["per_speaker"]]


def _published_row(axes: Axes, other: Json, y: float) -> None:
    marks.published_mark(axes, other["accuracy"], y)
    axes.text(-0.02, y, other["name"], ha="right", va="center", transform=axes.get_yaxis_transform(), color=MUTED)
    marks.beside(axes, y, wording.percent(other["accuracy"]))


def _majority_line(axes: Axes, summary: Json, scores: Sequence[float]) -> None:
    """Draw the majority baseline as a line, or chance where it was not run, if it is not far below everything else."""
    text, value = "always the majority", summary["models"].get(MAJORITY, {}).get("balanced_accuracy", {}).get("value")
    if value is None:
        text, value = "guessing", 1 / len(summary["task"]["classes"])
    if value < min(scores) - 0.2:
        return
    axes.axvline(value, color=MUTED, linewidth=1.5, linestyle=(0, (4, 3)), zorder=1)
    side, where = "left" if value < 0.7 else "right", axes.get_xaxis_transform()
    told = f"{text}: {wording.percent(value)}"
    axes.text(value, 1.015, told, ha=side, va="bottom", transform=where, color=MUTED, size=12)


def _brackets(axes: Axes, summary: Json, names: Sequence[str]) -> None:
    """Join the models that cannot be told apart by a line at the right, one line per set, a stop at every member."""
    groups = [sorted(names.index(m) for m in group if m in names) for group in summary["rank_groups"]]
    groups = [group for group in groups if len(group) > 1]
    line: Json = {"transform": axes.get_yaxis_transform(), "color": MUTED, "linewidth": 1.5, "clip_on": False}
    for place, group in enumerate(groups):
        x = _BRACKET + 0.035 * place
        heights = [_ROW_PX * row + 24 for row in group]
        axes.plot([x, x], [heights[0], heights[-1]], **line)
        for y in heights:
            axes.plot([x - 0.012, x], [y, y], **line)
    if groups:
        axes.text(_BRACKET, 1.015, "not told apart", ha="center", va="bottom", transform=axes.transAxes, color=MUTED)
