"""The tables of the page, made from the summary: text in cells, ready to be printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import wording
from reports.run import MAJORITY, Json, flat

MANY_ROWS = 12
"""A table with more rows is folded on the screen."""
MOST_LEFT_OUT = 1_000
"""Of more recordings left out for one reason, the page does not list the rest."""


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
    """Return the headline numbers of every model, each with its interval."""
    classes = summary["task"]["classes"] if len(summary["task"]["classes"]) <= 3 else []
    names = _ranked(summary)
    numbers = [summary["models"][name]["balanced_accuracy"] for name in names]
    rests_on = {(number["n_speakers"], number["n_recordings"]) for number in numbers}
    alike = len(rests_on) == 1
    rows = [
        [
            wording.model(name),
            wording.rank(summary["ranks"].get(name)),
            with_limits(summary["models"][name]["balanced_accuracy"]),
            with_limits(summary["models"][name]["accuracy"]),
            *[with_limits(summary["models"][name]["recall"][label]) for label in classes],
            *[_decimal(summary["models"][name][metric]) for metric in ("auroc", "mcc", "brier")],
            *([] if alike else [wording.count(number["n_speakers"]), wording.count(number["n_recordings"])]),
        ]
        for name, number in zip(names, numbers, strict=True)
    ]
    recalls = [f"Recall, {label} (%)" for label in classes]
    counts = [] if alike else ["Speakers", "Recordings"]
    caption = "Accuracy per model, with 95\u00a0% intervals for new speakers and these trained models"
    return Table(
        caption=f"{caption}; {_rests_on(*rests_on.pop())}" if alike else caption,
        columns=["Model", "Rank", "Balanced accuracy (%)", "Accuracy (%)", *recalls, "AUROC", "MCC", "Brier", *counts],
        rows=rows,
        models=names,
    )


def check(summary: Json) -> Table | None:
    """Return the intervals by the second method beside the headline's; None where there are none."""
    numbers = {name: summary["models"][name]["balanced_accuracy"] for name in _ranked(summary)}
    found = {name: number for name, number in numbers.items() if number["check"]}
    rows = [
        [wording.model(name), wording.limits(number), wording.limits({"estimable": True, **number["check"]})]
        for name, number in found.items()
    ]
    columns = ["Model", "Bootstrap-t, the headline", "MOVER, the check"]
    caption = "95\u00a0% intervals of balanced accuracy (%) by two methods"
    return Table(caption=caption, columns=columns, rows=rows, models=list(found)) if rows else None


def with_limits(number: Json) -> str:
    """Return a share in percent and, on a second line, its interval or why there is none."""
    return _two_lines(_percent(number), wording.limits(number)) if number["value"] is not None else wording.NONE


def _two_lines(value: str, interval: str) -> str:
    return f"{value}\n{interval}".replace(" ", "\u00a0")


def _decimal(number: Json) -> str:
    if number["value"] is None:
        return wording.NONE
    return _two_lines(wording.decimal(number["value"]), wording.decimal_limits(number))


def _rests_on(n_speakers: int, n_recordings: int) -> str:
    return f"{wording.counted(n_speakers, 'speaker')}, {wording.counted(n_recordings, 'recording')}"


def recall(summary: Json) -> Table | None:
    """Return recall per class, for tasks with more classes than the headline table has room for."""
    classes = summary["task"]["classes"]
    if len(classes) <= 3:
        return None
    names = list(summary["model_order"])
    return Table(
        caption="Recall per class (%), mean over speakers, with 95\u00a0% intervals",
        columns=["Class", *map(wording.model, names)],
        rows=[[label, *[with_limits(summary["models"][n]["recall"][label]) for n in names]] for label in classes],
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
            wording.limits(pair["difference"], of_points=True),
            wording.probability(pair["p"]),
            wording.probability(pair["p_holm"]),
            wording.percent(pair["detectable"], False),
            wording.percent(pair["detectable_holm"], False),
            wording.count(pair["difference"]["n_speakers"]),
            verdict(pair),
        ]
        for pair in summary["comparisons"]
    ]
    columns = [
        *(
            "Models",
            "Difference (points)",
            "95\u00a0% interval",
            "p",
            "p, corrected (Holm)",
            "Detectable (points, approx.)",
        ),
        *("Detectable, corrected", "Speakers", "Reading"),
    ]
    caption = "Differences in balanced accuracy on the same speakers; intervals are not corrected for many pairs"
    return Table(caption=caption, columns=columns, rows=rows, words=(8,))


def verdict(pair: Json) -> str:
    """Say what the test of a pair of models allows to say."""
    if pair["significant"] is None:
        return f"not tested: {pair['difference']['why_not']}"
    if pair["significant"]:
        first, second = (pair["a"], pair["b"]) if pair["difference"]["value"] > 0 else (pair["b"], pair["a"])
        told = f"{wording.model(first)} ahead of {wording.model(second)}"
        return told + ("; other training speakers could change it" if pair["fold_level"]["order_could_change"] else "")
    return "equal within 1 point" if pair["equal"] else "not told apart"


def fold_level(summary: Json) -> Table | None:
    """Return the secondary comparison over folds; None where there is only one model."""
    rows = [
        [
            f"{wording.model(pair['a'])} minus {wording.model(pair['b'])}",
            wording.points(pair["fold_level"]["value"], False),
            wording.limits(pair["fold_level"], of_points=True),
            wording.probability(pair["fold_level"]["p"]),
            *[_chance(pair["fold_level"], key) for key in ("a", "equal", "b")],
            pair["fold_level"]["why_not"] or "",
        ]
        for pair in summary["comparisons"]
    ]
    columns = [
        *("Models", "Difference (points)", "95\u00a0% interval", "p", "First better (%)", "Equal within 1 point (%)"),
        *("Second better (%)", "Note"),
    ]
    caption = "The same differences over folds: corrected t test, and Bayesian probabilities"
    return Table(caption=caption, columns=columns, rows=rows, words=(7,)) if rows else None


def _chance(found: Json, key: str) -> str:
    return wording.percent(found["probability"][key], False) if found["probability"] else wording.NONE


def premium(summary: Json, which: str = "leakage_premium") -> Table | None:
    """Return the scores under two protocols and their difference; None where not measured."""
    found = summary[which]
    if not found:
        return None
    first = next(iter(found.values()))
    names = sorted(found, key=summary["model_order"].index)
    rows = [
        [
            wording.model(name),
            with_limits(found[name]["main_score"]),
            with_limits(found[name]["score"]),
            wording.points(found[name]["value"], False),
            wording.limits(found[name], of_points=True),
            wording.probability(found[name]["p"]),
            wording.count(found[name]["n_speakers"]),
        ]
        for name in names
    ]
    protocols = [wording.capital(wording.protocol(first[key])) for key in ("main_protocol", "protocol")]
    return Table(
        caption="Balanced accuracy (%) under both protocols, same speakers, with 95\u00a0% intervals",
        columns=["Model", *protocols, "Difference (points)", "95\u00a0% interval", "p", "Speakers"],
        rows=rows,
        models=names,
    )


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
    rows = [[reason, wording.count(len(names)), _most(names)] for reason, names in sorted(by_reason.items())]
    columns = ["Reason", "How many", "Recordings"]
    return Table(caption="Recordings left out", columns=columns, rows=rows, words=(2,)) if rows else None


def _most(names: list[str]) -> str:
    """List names, but no million of them."""
    more = len(names) - MOST_LEFT_OUT
    listed = ", ".join(names[:MOST_LEFT_OUT])
    return f"{listed} and {wording.count(more)} more, in quarantine.parquet" if more > 0 else listed


def cost(summary: Json) -> Table:
    """Return what every model costs."""
    names = _ranked(summary)
    costs = summary["runtime"]["models"]
    rows = [
        [
            wording.model(name),
            _percent(summary["models"][name]["balanced_accuracy"]),
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
        *(
            "Model",
            "Balanced accuracy (%)",
            "Choosing settings",
            "Fitting",
            "First call",
            "Per recording, many at once",
        ),
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
    rows = [[name, entry(value)] for key in kept for name, value in flat(key, summary.get(key))]
    return Table(caption="Manifest", columns=["Entry", "Value"], rows=rows, words=(1,))


def entry(value: object) -> str:
    """Return an entry of the manifest as text."""
    return wording.NONE if value is None else str(value)


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
