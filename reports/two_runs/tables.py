"""The tables of a comparison's page, made from its numbers: text in cells, ready to be printed."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from reports.page.sections.groups import GAP_COLUMNS, gap_row
from reports.page.table import Columns, Table, Words, entry, two_lines, with_interval
from reports.statistics.estimate import Estimate
from reports.terms import MAJORITY, Json
from reports.text import wording
from reports.text.printable import printable
from reports.two_runs.answer import READINGS, ModelChange, reading

_COSTS: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "Choosing settings": ("select_seconds", wording.seconds),
    "Fitting": ("fit_seconds", wording.seconds),
    "Per recording, many at once": ("predict_batch_seconds_per_recording", wording.seconds),
    "One recording, median": ("predict_one_seconds", wording.seconds),
    "Peak memory": ("peak_rss_bytes", wording.bytes_),
    "Model size": ("model_bytes", wording.bytes_),
}


def runs(comparison: Json) -> Table:
    """Return what both runs are, side by side."""
    sides = [_run(comparison[side]) for side in ("a", "b")]
    rows = [[name, *(side[name] for side in sides)] for name in sides[0]]
    return Table(caption="The two runs", columns=["Run", "A", "B"], rows=rows, words=(1, 2))


def _run(side: Json) -> dict[str, str]:
    n_folds = side["protocol"]["folds"]
    folds = f", {wording.counted(n_folds, 'fold')}" if n_folds else ""
    return {
        "Folder": side["name"],
        "Made on": str(side["created"] or wording.NONE)[:10],
        "Corpus": side["corpus"]["name"] or wording.NONE,
        "Protocol": f"{side['protocol']['name']} ({wording.protocol(side['protocol']['name'])}){folds}",
        "Models": wording.listed([wording.model(model) for model in side["models"]]),
        "Speakers tested": _with_left_out(side, "n_speakers"),
        "Recordings tested": _with_left_out(side, "n_recordings"),
    }


def _with_left_out(side: Json, key: str) -> str:
    n_left = side[f"{key}_left_out"]
    tested = wording.count(side[f"{key}_tested"])
    return f"{tested}; {wording.count(n_left)} left out, only in this run" if n_left else tested


def changes(comparison: Json) -> Table:
    """Return both balanced accuracies of every model and what their difference's test allows to say."""
    names, models = comparison["model_order"], comparison["models"]
    columns: Columns = [
        ("Model", wording.model),
        ("A (%)", lambda name: with_interval(models[name]["a"])),
        ("B (%)", lambda name: with_interval(models[name]["b"])),
        ("B minus A (points)", lambda name: _signed(models[name]["difference"])),
        ("p", lambda name: wording.probability(models[name]["p"])),
        ("p, corrected (Holm)", lambda name: wording.probability(models[name]["p_holm"])),
        ("Detectable (points, approx.)", lambda name: wording.percent(models[name]["detectable"], False)),
        ("Speakers", lambda name: wording.count(models[name]["difference"]["n_speakers"])),
        ("Reading", Words(lambda name: _reading(models[name]))),
    ]
    caption = "Balanced accuracy of both runs on the same recordings, with 95\u00a0% intervals"
    return Table.of(names, columns, caption=caption, models=names)


def _signed(difference: Estimate) -> str:
    """Return a difference in points and, on a second line, its interval."""
    if difference["value"] is None:
        return wording.NONE
    return two_lines(wording.points(difference["value"], False), wording.interval(difference, of_points=True))


def _reading(change: ModelChange) -> str:
    read = reading(change)
    if read == "untested" and change["p"] is not None:
        return "baseline, in no family of tests"
    why = change["difference"]["why_not"] if read in ("untested", "unknown") else ""
    return f"{READINGS[read][1]}{f': {why}' if why else ''}"


def left_out(comparison: Json) -> Table:
    """Return what only one of the runs has of each model; no row where all is in both."""
    counts = {name: comparison["models"][name]["left_out"] for name in comparison["model_order"]}
    some = any(count for of_model in counts.values() for of_side in of_model.values() for count in of_side.values())
    columns: Columns = [
        ("Model", wording.model),
        *(
            (f"{what}, only in {side.upper()}", lambda name, side=side, key=key: wording.count(counts[name][side][key]))
            for side in ("a", "b")
            for what, key in (("Speakers", "n_speakers"), ("Recordings", "n_recordings"))
        ),
    ]
    caption = "Left out, since only one of the runs has answers"
    return Table.of(counts if some else (), columns, caption=caption, models=list(counts))


def gap_changes(comparison: Json, attribute: str) -> Table:
    """Return how every model's gap changed; no row where no model has a change to give."""
    changed = {name: gap for name, gap in comparison["gap_changes"][attribute].items() if gap["value"] is not None}
    rows = []
    for name, gap in changed.items():
        model, groups, *rest, last = gap_row(name, gap)
        ends = [wording.points(gap[end]["value"], False) if gap[end] else wording.NONE for end in ("a", "b")]
        rows.append([model, groups, *ends, *rest, "; ".join(filter(None, (last, gap["note"])))])
    columns = ["Model", GAP_COLUMNS[0], "A (points)", "B (points)", "Change (points)", *GAP_COLUMNS[2:]]
    columns[columns.index("Without differences")] = "If all changed alike"
    caption = f"{wording.attribute(attribute)}: change of the gap between groups"
    return Table(caption=caption, columns=columns, rows=rows, words=(1, len(columns) - 1), models=list(changed))


def costs(comparison: Json) -> Table:
    """Return what every model costs in both runs, and the ratio."""
    names, of_models = comparison["model_order"], comparison["runtime"]["models"]
    rows = [
        [wording.model(name), *[_ratio(of_models[name][key], say) for key, say in _COSTS.values()]] for name in names
    ]
    caption = "Cost of one fold, median over folds: B as a multiple of A, below it A → B"
    return Table(caption=caption, columns=["Model", *_COSTS], rows=rows, models=names)


def _ratio(cost: Json, say: Callable[[float | None], str]) -> str:
    """Return B as a multiple of A and, on a second line, both."""
    ratio = wording.NONE if cost["ratio"] is None else f"× {cost['ratio']:.2f}"
    return two_lines(ratio, f"{say(cost['a'])} → {say(cost['b'])}")


def most_changed(comparison: Json) -> Table:
    """Return the speakers whose scores changed most; no row where none has changed."""
    columns: Columns = [
        ("Speaker", itemgetter("speaker")),
        ("Mean change (points)", lambda row: wording.points(row["mean"], False)),
        *(
            (f"{wording.model(model)} (%)", lambda row, model=model: _from_to(row["models"].get(model)))
            for model in comparison["judged"]
        ),
        ("Gender", Words(itemgetter("gender"))),
        ("Accent", Words(itemgetter("accent"))),
    ]
    caption = "The speakers whose recordings are recognised most differently, A → B"
    return Table.of(comparison["most_changed"], columns, caption=caption)


def speakers(comparison: Json) -> Table:
    """Return every speaker's score in both runs under every model."""
    names = [name for name in comparison["model_order"] if name != MAJORITY]
    cells: dict[str, dict[str, str]] = {}
    about: dict[str, str] = {}
    for name in names:
        for row in comparison["models"][name]["per_speaker"]:
            cells.setdefault(row["speaker"], {})[name] = _from_to(row)
            about[row["speaker"]] = row["stratum"]
    rows = [[who, about[who], *[of.get(name, wording.NONE) for name in names]] for who, of in sorted(cells.items())]
    stratum = "Class" if comparison["task"].get("per_speaker", True) else "Gender"
    columns = ["Speaker", stratum, *map(wording.model, names)]
    return Table(caption="Recordings recognised per speaker (%), A → B", columns=columns, rows=rows, words=(1,))


def _from_to(row: Json | None) -> str:
    if row is None:
        return wording.NONE
    told = f"{wording.percent(row['a'], False)} → {wording.percent(row['b'], False)}"
    return two_lines(told, wording.points(row["change"], False))


def differing(comparison: Json) -> Table:
    """Return the manifest's entries that differ; no row where there are none."""
    columns: Columns = [
        ("Entry", itemgetter("entry")),
        *((side.upper(), Words(lambda row, side=side: entry(row[side]))) for side in ("a", "b")),
    ]
    return Table.of(comparison["conditions"]["differ"], columns, caption="What differs between the manifests")


def plain(comparison: Json) -> list[str]:
    """Return the changes of balanced accuracy as lines of a plain table: in percent and points, B minus A."""
    cells = [_plain_change(name, comparison["models"][name]) for name in comparison["model_order"]]
    rows = [list(cells[0]), *[list(row.values()) for row in cells]]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]


def _plain_change(name: str, change: ModelChange) -> dict[str, str]:
    return {
        "model": printable(name),
        "A": wording.percent(change["a"]["value"], False),
        "B": wording.percent(change["b"]["value"], False),
        "difference": wording.points(change["difference"]["value"], False),
        "95\u00a0% interval": wording.interval(change["difference"], of_points=True),
        "p": wording.probability(change["p"]),
        "p (Holm)": wording.probability(change["p_holm"]),
    }
