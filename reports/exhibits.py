"""The tables of the page, made from the summary: text in cells, ready to be printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import wording
from reports.answer import contenders
from reports.run import MAJORITY, Json
from reports.uncertainty import MIN_SPEAKERS

_PRINTED_ELSEWHERE = ("notes", "sentences")

MANY_ROWS = 12
"""A table with more rows is folded on the screen."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of the page.

    Attributes
    ----------
    caption
        What it shows.
    columns
        Headings; the first column names the row.
    rows
        Text of the cells, first the row's name.
    words
        Columns after the first that hold words and are set to the left; all others hold numbers.
    models
        For each row the model it is about, or nothing: the page puts the model's mark before the row's name.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = ()
    models: Sequence[str] = ()

    @property
    def is_long(self) -> bool:
        """Tell whether the table is folded on the screen."""
        return len(self.rows) > MANY_ROWS


def accuracy(summary: Json) -> Table:
    """Return the headline numbers of every model."""
    classes = summary["task"]["classes"] if len(summary["task"]["classes"]) <= 3 else []
    names = _ranked(summary)
    rows = [
        [
            wording.model(name),
            _percent(summary["models"][name]["balanced_accuracy"]),
            _percent(summary["models"][name]["accuracy"]),
            wording.decimal(summary["models"][name]["mcc"]["value"]),
            *[_percent(summary["models"][name]["recall"][label]) for label in classes],
            wording.decimal(summary["models"][name]["brier"]["value"]),
            wording.count(summary["models"][name]["balanced_accuracy"]["n_speakers"]),
            wording.count(summary["models"][name]["balanced_accuracy"]["n_recordings"]),
        ]
        for name in names
    ]
    recalls = [f"Recall, {label} (%)" for label in classes]
    return Table(
        caption="Accuracy per model; speakers weigh equally. Intervals are not computed in this version.",
        columns=["Model", "Balanced accuracy (%)", "Accuracy (%)", "MCC", *recalls, "Brier", "Speakers", "Recordings"],
        rows=rows,
        models=names,
    )


def recall(summary: Json) -> Table | None:
    """Return recall per class, for tasks with more classes than the headline table has room for."""
    classes = summary["task"]["classes"]
    if len(classes) <= 3:
        return None
    names = list(summary["model_order"])
    return Table(
        caption="Recall per class (%), mean over speakers",
        columns=["Class", *map(wording.model, names)],
        rows=[[label, *[_percent(summary["models"][n]["recall"][label]) for n in names]] for label in classes],
    )


def folds(summary: Json) -> Table:
    """Return the balanced accuracy of every split, counted over recordings."""
    names = list(summary["model_order"])
    values: dict[tuple[int, int, int], dict[str, str]] = {}
    for name in names:
        found = summary["models"][name]["mean_over_folds"]
        for split, value in zip(found["splits"], found["balanced_accuracy"]["folds"], strict=True):
            key = (split["repetition"], split["fold"], split["seed"])
            absent = ", ".join(split["classes_absent"])
            values.setdefault(key, {})[name] = f"no {absent}" if absent else wording.percent(value, False)
    rows = [
        [f"repetition {r + 1}, fold {f + 1}, seed {s}", *[cells.get(name, "no answers") for name in names]]
        for (r, f, s), cells in sorted(values.items())
    ]
    rows.append(["mean over folds", *[_fold_mean(summary, name) for name in names]])
    return Table(
        caption="Balanced accuracy per fold (%), counted over recordings. "
        "The spread over folds (± standard deviation) is no confidence interval.",
        columns=["Fold", *map(wording.model, names)],
        rows=rows,
    )


def speakers(summary: Json) -> Table:
    """Return every speaker's accuracy under every model."""
    names = list(summary["model_order"])
    scores: dict[str, dict[str, str]] = {}
    about: dict[str, list[str]] = {}
    for name in names:
        for row in summary["models"][name]["per_speaker"]:
            scores.setdefault(row["speaker"], {})[name] = wording.percent(row["score"], False)
            about[row["speaker"]] = [row["stratum"], wording.count(row["n_recordings"])]
    return Table(
        caption="Recordings recognised per speaker (%)",
        columns=[
            "Speaker",
            "Class" if summary["task"]["per_speaker"] else "Gender",
            "Recordings",
            *map(wording.model, names),
        ],
        words=(1,),
        rows=[
            [who, *about[who], *[found.get(n, wording.NONE) for n in names]] for who, found in sorted(scores.items())
        ],
    )


def comparisons(summary: Json) -> Table | None:
    """Return the differences between models; None where there is only one."""
    if not summary["comparisons"]:
        return None
    rows = [
        [
            f"{wording.model(pair['a'])} minus {wording.model(pair['b'])}",
            wording.points(pair["difference"]["value"], False),
            pair["difference"]["why_not"],
            pair["difference"]["why_not"] if pair["p_holm"] is None else f"{pair['p_holm']:.3f}",
            wording.count(pair["difference"]["n_speakers"]),
        ]
        for pair in summary["comparisons"]
    ]
    columns = ["Models", "Difference (points)", "95 % interval", "p, corrected for all pairs", "Speakers"]
    return Table(caption="Differences in balanced accuracy on the same speakers", columns=columns, rows=rows)


def premium(summary: Json, which: str = "leakage_premium") -> Table | None:
    """Return the scores under two protocols and their difference; None where not measured."""
    found = summary[which]
    if not found:
        return None
    first = next(iter(found.values()))
    rows = [
        [
            wording.model(name),
            _percent(value["main_score"]),
            _percent(value["score"]),
            wording.points(value["value"], False),
            wording.count(value["n_speakers"]),
        ]
        for name, value in sorted(found.items(), key=lambda item: summary["model_order"].index(item[0]))
    ]
    protocols = [wording.protocol(first[key]) for key in ("main_protocol", "protocol")]
    return Table(
        caption="Balanced accuracy (%) under both protocols, same speakers",
        columns=["Model", *[name[0].upper() + name[1:] for name in protocols], "Difference (points)", "Speakers"],
        rows=rows,
        models=sorted(found, key=summary["model_order"].index),
    )


def groups(summary: Json, attribute: str) -> Table:
    """Return the accuracy of every group of `attribute` under every model."""
    names = list(summary["model_order"])
    rows = []
    for group, level in summary["groups"][attribute].items():
        numbers = [level[name]["accuracy"] for name in names if name in level]
        widest = max(numbers, key=lambda number: int(number["n_speakers"]))
        values = [_percent(level[name]["accuracy"]) if name in level else wording.NONE for name in names]
        rows.append([group, wording.count(widest["n_speakers"]), wording.count(widest["n_recordings"]), *values])
    return Table(
        caption=f"{wording.attribute(attribute)}: recordings recognised (%), mean over the group’s speakers",
        columns=["Group", "Speakers", "Recordings", *map(wording.model, names)],
        rows=sorted(rows, key=lambda row: (-int(row[1].replace(",", "")), row[0])),
    )


def gap(summary: Json, attribute: str) -> str:
    """Return one sentence on how far apart the groups of `attribute` are."""
    found = summary["gaps"][attribute]
    known = [name for name in contenders(summary) if found[name]["value"] is not None]
    if not known:
        return "No gap: " + (next(iter(found.values()))["why_not"] if found else "nothing was predicted") + "."
    if found[known[0]]["kind"] == "difference":
        told = [f"{wording.points(found[n]['value'])} ({wording.model(n)})" for n in known]
        sentence = f"“{found[known[0]]['first']}” minus “{found[known[0]]['second']}”: {wording.listed(told)}."
    else:
        ends = {n: f"{wording.model(n)}: “{found[n]['first']}” to “{found[n]['second']}”" for n in known}
        told = [f"{wording.percent(found[n]['value'], False)} points ({ends[n]})" for n in known]
        sentence = f"Highest to lowest group with at least {MIN_SPEAKERS} speakers: {wording.listed(told)}."
    return sentence + " What a model that makes no difference would show is not computed yet."


def confounding(found: Json) -> Table:
    """Return one confounding table."""
    rows = [
        [name, *map(wording.count, counts), wording.count(sum(counts))]
        for name, counts in zip(found["rows"], found["counts"], strict=True)
    ]
    label = wording.attribute(found["attribute"])
    caption = f"Speakers by gender and {label[0].lower() + label[1:]}"
    return Table(caption=caption, columns=[label, *found["columns"], "All"], rows=rows)


def cleaned(summary: Json) -> Table | None:
    """Return what the corpus' cleaning has changed."""
    rows = [
        [row["raw"], row["clean"], wording.attribute(row["attribute"]), *map(wording.count, _pair(row))]
        for row in summary["cleaned"]
    ]
    columns = ["As written", "Read as", "Attribute", "Speakers", "Recordings"]
    return Table(caption="Values that were cleaned", columns=columns, rows=rows, words=(1, 2)) if rows else None


def quarantine(summary: Json) -> Table | None:
    """Return every recording that was left out, by reason."""
    by_reason: dict[str, list[str]] = {}
    for row in summary["quarantine"]:
        by_reason.setdefault(row["reason"], []).append(row["recording"])
    rows = [[reason, wording.count(len(names)), ", ".join(names)] for reason, names in sorted(by_reason.items())]
    columns = ["Reason", "How many", "Recordings"]
    return Table(caption="Recordings left out", columns=columns, rows=rows, words=(2,)) if rows else None


def cost(summary: Json) -> Table:
    """Return what every model costs."""
    names = _ranked(summary)
    costs = summary["runtime"]["models"]
    rows = [
        [
            wording.model(name),
            wording.seconds(costs[name]["select_seconds"]),
            wording.seconds(costs[name]["fit_seconds"]),
            wording.seconds(costs[name]["first_call_seconds"]),
            wording.seconds(costs[name]["predict_batch_seconds_per_recording"]),
            wording.seconds(costs[name]["predict_one_seconds"]["median"]),
            wording.seconds(costs[name]["predict_one_seconds"]["p95"]),
            wording.seconds(costs[name]["import_seconds"]),
            wording.bytes_(costs[name]["peak_rss_bytes"]),
            wording.bytes_(costs[name]["model_bytes"]),
        ]
        for name in names
    ]
    columns = [
        *("Model", "Choosing settings", "Fitting", "First call", "Per recording, many at once"),
        *("One recording, median", "One recording, 95th percentile", "Import", "Peak memory", "Model size"),
    ]
    threads = sorted({count for name in names for count in costs[name]["threads"]})
    with_threads = f", {wording.listed([wording.counted(count, 'thread') for count in threads])}" if threads else ""
    caption = f"Cost of one fold, median over folds{with_threads}"
    return Table(caption=caption, columns=columns, rows=rows, models=names)


def reliability(summary: Json) -> Table | None:
    """Return the bins of the reliability curves."""
    rows = [
        [
            wording.model(name),
            f"{wording.percent(found['from'], False)} to {wording.percent(found['to'], False)}",
            wording.percent(found["stated"], False),
            wording.percent(found["observed"], False),
            wording.count(found["n_predictions"]),
        ]
        for name in summary["model_order"]
        if name != MAJORITY
        for found in summary["models"][name]["reliability"]
    ]
    columns = ["Model", "Stated probability (%)", "Its mean (%)", "True (%)", "Predictions"]
    return (
        Table(caption="Stated probabilities and how often they are true", columns=columns, rows=rows) if rows else None
    )


def hardest_speakers(summary: Json) -> Table | None:
    """Return the ten speakers that are recognised least."""
    found = summary["hardest"]
    rows = [
        [
            row["speaker"],
            wording.percent(row["mean"], False),
            *[wording.percent(row["models"].get(name), False) for name in found["models"]],
            *[row[name] for name in ("gender", "accent", "age_band", "room")],
        ]
        for row in found["speakers"]
    ]
    models = [f"{wording.model(name)} (%)" for name in found["models"]]
    columns = ["Speaker", "Mean (%)", *models, "Gender", "Accent", "Age", "Room"]
    words = range(len(columns) - 4, len(columns))
    return Table(caption="The speakers recognised least", columns=columns, rows=rows, words=words) if rows else None


def failed(summary: Json) -> Table | None:
    """Return the cells that failed, with their errors."""
    rows = [[str(row.get("cell")), str(row.get("error"))] for row in summary["cells"].get("failed", [])]
    return Table(caption="Cells that failed", columns=["Cell", "Error"], rows=rows, words=(1,)) if rows else None


def manifest(summary: Json) -> Table:
    """Return what ran, flattened to one value a row."""
    kept = (
        "created",
        "commit",
        "folds_hash",
        "corpus",
        "protocol",
        "mfcc",
        "machine",
        "versions",
        "accelerated",
        "settings",
    )
    rows = [[name, text] for key in kept for name, text in _flat(key, summary.get(key))]
    return Table(caption="Manifest", columns=["Entry", "Value"], rows=rows, words=(1,))


def _flat(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        kept = sorted(key for key in value if key not in _PRINTED_ELSEWHERE)
        return [pair for key in kept for pair in _flat(f"{name}.{key}", value[key])]
    return [(name, wording.NONE if value is None else str(value))]


def _ranked(summary: Json) -> list[str]:
    """Sort models by balanced accuracy, highest first."""
    models = summary["models"]
    return sorted(summary["model_order"], key=lambda n: (-(models[n]["balanced_accuracy"]["value"] or 0.0), n))


def _percent(number: Json) -> str:
    return wording.percent(number["value"], False)


def _pair(row: Json) -> tuple[int, int]:
    return row["n_speakers"], row["n_recordings"]


def _fold_mean(summary: Json, name: str) -> str:
    found = summary["models"][name]["mean_over_folds"]["balanced_accuracy"]
    spread = f" ± {wording.percent(found['sd'], False)}" if found["sd"] is not None else ""
    return wording.percent(found["value"], False) + spread
