"""The tables of a comparison's page, made from its numbers: text in cells, ready to be printed."""

from __future__ import annotations

from collections.abc import Callable

from reports import wording
from reports.page.sections.groups import GAP_COLUMNS, gap_row
from reports.page.table import Table, entry
from reports.page.table import with_interval as with_limits
from reports.plain_text import printable
from reports.run import MAJORITY, Json
from reports.two_runs_answer import verdict

_VERDICTS = {
    "rises": "rises",
    "falls": "falls",
    "equal": "equal within 1 point",
    "alike": "not told from no change",
    "unchanged": "the same for every speaker",
    "untested": "not tested",
    "unknown": "not known",
}

_COST_COLUMNS = (
    ("Choosing settings", "select_seconds", wording.seconds),
    ("Fitting", "fit_seconds", wording.seconds),
    ("Per recording, many at once", "predict_batch_seconds_per_recording", wording.seconds),
    ("One recording, median", "predict_one_seconds", wording.seconds),
    ("Peak memory", "peak_rss_bytes", wording.bytes_),
    ("Model size", "model_bytes", wording.bytes_),
)


def runs(found: Json) -> Table:
    """Return what both runs are, side by side."""
    told = [_run(found[side]) for side in ("a", "b")]
    rows = [[name, told[0][name], told[1][name]] for name in told[0]]
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


def changes(found: Json) -> Table:
    """Return both balanced accuracies of every model and what their difference's test allows to say."""
    models = found["models"]
    rows = [
        [
            wording.model(name),
            with_limits(models[name]["a"]),
            with_limits(models[name]["b"]),
            _signed(models[name]["difference"]),
            wording.probability(models[name]["p"]),
            wording.probability(models[name]["p_holm"]),
            wording.percent(models[name]["detectable"], False),
            wording.count(models[name]["difference"]["n_speakers"]),
            _reading(models[name]),
        ]
        for name in found["model_order"]
    ]
    columns = [
        *("Model", "A (%)", "B (%)", "B minus A (points)", "p", "p, corrected (Holm)"),
        *("Detectable (points, approx.)", "Speakers", "Reading"),
    ]
    caption = "Balanced accuracy of both runs on the same recordings, with 95\u00a0% intervals"
    return Table(caption=caption, columns=columns, rows=rows, words=(8,), models=found["model_order"])


def _signed(number: Json) -> str:
    """Return a difference in points and, on a second line, its interval."""
    if number["value"] is None:
        return wording.NONE
    told = f"{wording.points(number['value'], False)}\n{wording.limits(number, of_points=True)}"
    return told.replace(" ", "\u00a0")


def _reading(change: Json) -> str:
    read = verdict(change)
    if read == "untested" and change["p"] is not None:
        return "baseline, in no family of tests"
    why = change["difference"]["why_not"] if read in ("untested", "unknown") else ""
    return f"{_VERDICTS[read]}{f': {why}' if why else ''}"


def left_out(found: Json) -> Table | None:
    """Return what only one of the runs has of each model; None where all is in both."""
    counts = {name: found["models"][name]["left_out"] for name in found["model_order"]}
    cells = {
        name: [wording.count(of_model[side][key]) for side in ("a", "b") for key in ("n_speakers", "n_recordings")]
        for name, of_model in counts.items()
    }
    if all(cell == "0" for row in cells.values() for cell in row):
        return None
    columns = ["Model", *(f"{what}, only in {side}" for side in ("A", "B") for what in ("Speakers", "Recordings"))]
    rows = [[wording.model(name), *row] for name, row in cells.items()]
    caption = "Left out, since only one of the runs has answers"
    return Table(caption=caption, columns=columns, rows=rows, models=list(cells))


def gap_changes(found: Json, attribute: str) -> Table | None:
    """Return how every model's gap changed; None where no model has a change to give."""
    changed = {name: gap for name, gap in found["gap_changes"][attribute].items() if gap["value"] is not None}
    rows = []
    for name, gap in changed.items():
        model, groups, *rest = gap_row(name, gap)
        ends = [wording.points(gap[end]["value"], False) if gap[end] else wording.NONE for end in ("a", "b")]
        rest[-1] = "; ".join(note for note in (rest[-1], gap["note"]) if note)
        rows.append([model, groups, *ends, *rest])
    columns = ["Model", GAP_COLUMNS[0], "A (points)", "B (points)", "Change (points)", *GAP_COLUMNS[2:]]
    columns[columns.index("Without differences")] = "If all changed alike"
    caption = f"{wording.attribute(attribute)}: change of the gap between groups"
    words = (1, len(columns) - 1)
    return Table(caption=caption, columns=columns, rows=rows, words=words, models=list(changed)) if rows else None


def costs(found: Json) -> Table:
    """Return what every model costs in both runs, and the ratio."""
    names = found["model_order"]
    rows = [
        [wording.model(name), *[_ratio(found["runtime"]["models"][name][key], say) for _, key, say in _COST_COLUMNS]]
        for name in names
    ]
    columns = ["Model", *[column for column, _, _ in _COST_COLUMNS]]
    caption = "Cost of one fold, median over folds: B as a multiple of A, below it A → B"
    return Table(caption=caption, columns=columns, rows=rows, models=names)


def _ratio(cost: Json, say: Callable[[float | None], str]) -> str:
    """Return B as a multiple of A and, on a second line, both."""
    ratio = wording.NONE if cost["ratio"] is None else f"× {cost['ratio']:.2f}"
    return f"{ratio}\n{say(cost['a'])} → {say(cost['b'])}".replace(" ", "\u00a0")


def most_changed(found: Json) -> Table | None:
    """Return the speakers whose scores changed most; None where none has changed."""
    models = found["judged"]
    rows = [
        [
            row["speaker"],
            wording.points(row["mean"], False),
            *[_from_to(row["models"].get(model)) for model in models],
            row["gender"],
            row["accent"],
        ]
        for row in found["most_changed"]
    ]
    columns = ["Speaker", "Mean change (points)", *[f"{wording.model(model)} (%)" for model in models]]
    columns += ["Gender", "Accent"]
    words = (len(columns) - 2, len(columns) - 1)
    caption = "The speakers whose recordings are recognised most differently, A → B"
    return Table(caption=caption, columns=columns, rows=rows, words=words) if rows else None


def speakers(found: Json) -> Table:
    """Return every speaker's score in both runs under every model."""
    names = [name for name in found["model_order"] if name != MAJORITY]
    cells: dict[str, dict[str, str]] = {}
    about: dict[str, str] = {}
    for name in names:
        for row in found["models"][name]["per_speaker"]:
            cells.setdefault(row["speaker"], {})[name] = _from_to(row)
            about[row["speaker"]] = row["stratum"]
    rows = [[who, about[who], *[of.get(name, wording.NONE) for name in names]] for who, of in sorted(cells.items())]
    stratum = "Class" if found["task"].get("per_speaker", True) else "Gender"
    columns = ["Speaker", stratum, *map(wording.model, names)]
    return Table(caption="Recordings recognised per speaker (%), A → B", columns=columns, rows=rows, words=(1,))


def _from_to(row: Json | None) -> str:
    if row is None:
        return wording.NONE
    told = f"{wording.percent(row['a'], False)} → {wording.percent(row['b'], False)}"
    return f"{told}\n{wording.points(row['change'], False)}".replace(" ", "\u00a0")


def differing(found: Json) -> Table | None:
    """Return the manifest's entries that differ; None where there are none."""
    rows = [[row["entry"], entry(row["a"]), entry(row["b"])] for row in found["conditions"]["differ"]]
    caption = "What differs between the manifests"
    return Table(caption=caption, columns=["Entry", "A", "B"], rows=rows, words=(1, 2)) if rows else None


def plain(found: Json) -> list[str]:
    """Return the changes of balanced accuracy as lines of a plain table: in percent and points, B minus A."""
    rows = [["model", "A", "B", "difference", "95\u00a0% interval", "p", "p (Holm)"]]
    for name in found["model_order"]:
        change = found["models"][name]
        row = [
            printable(name),
            *[wording.percent(change[side]["value"], False) for side in ("a", "b")],
            wording.points(change["difference"]["value"], False),
            wording.limits(change["difference"], of_points=True),
            wording.probability(change["p"]),
            wording.probability(change["p_holm"]),
        ]
        rows.append(row)
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
