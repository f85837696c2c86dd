"""The answer on top of a comparison of two runs, written from the numbers by rules.

Three sentences: what changed in balanced accuracy from run A to run B, each change with its interval and test; how the
accent gap changed; what changed in the time to fit and to answer. Nothing is called a change without a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from reports.summary.answer import SYNTHETIC, TIMES, against_band, by_size, interval_told, multiples, no_accent_gap
from reports.summary.gaps import Gap
from reports.summary.groups import IS_THE_TASK
from reports.summary.metrics import BalancedAccuracy
from reports.summary.model_pairs import DifferenceTest
from reports.terms import Json
from reports.text import wording

READINGS = {
    "rises": ("rises for {}", "rises"),
    "falls": ("falls for {}", "falls"),
    "equal": ("is equal within 1 point for {}", "equal within 1 point"),
    "alike": ("cannot be told from no change for {}", "not told from no change"),
    "unchanged": ("is the same, speaker by speaker, for {}", "the same for every speaker"),
    "untested": ("was not tested for a change for {}", "not tested"),
    "unknown": ("is not known for {}", "not known"),
}
"""What a test allows to say, in a sentence and in a table, in the order in which it is said."""

_ALIKE = 1.05
"""Times of a smaller ratio are called as long."""


class ModelChange(DifferenceTest):
    """Both balanced accuracies of a model; the difference is b minus a."""

    a: BalancedAccuracy
    b: BalancedAccuracy
    per_speaker: list[Json]


class GapChange(Gap):
    """How a gap changed; of a signed one also the gap in each run."""

    a: Gap | None
    b: Gap | None


def answer(comparison: Json) -> Json:
    """Return the ``warnings`` (what must be read first) and three ``sentences`` of a comparison without its answer."""
    sentences = [_accuracy(comparison), _accents(comparison), _cost(comparison)]
    return {"warnings": _warnings(comparison), "sentences": sentences}


def _warnings(comparison: Json) -> list[str]:
    warnings = [SYNTHETIC] if comparison["a"]["corpus"]["synthetic"] else []
    conditions = comparison["conditions"]
    if not (conditions["same_protocol"] and conditions["same_folds"]):
        warnings.append(conditions["meaning"][0])
    n_other, n_shared = comparison["pairing"]["n_other_content"], comparison["pairing"]["n_recordings"]
    if n_other:
        warnings.append(
            f"{n_other:,} of the {n_shared:,} recordings of the same name have other content in the two runs."
        )
    for side in ("a", "b"):
        if n_failed := comparison[side]["n_failed"]:
            told = wording.counted(n_failed, "cell")
            warnings.append(f"{told} of {side.upper()} failed; only what both runs answered is compared.")
    return warnings


def reading(change: ModelChange) -> str:
    """Return what the test of a model's change allows to say: a key of `READINGS`."""
    value = change["difference"]["value"]
    if value is None:
        return "unknown"
    if change["per_speaker"] and not any(row["change"] for row in change["per_speaker"]):
        return "unchanged"
    if change["significant"]:
        return "rises" if value > 0 else "falls"
    if change["significant"] is None:
        return "untested"
    return "equal" if change["equal"] else "alike"


def _accuracy(comparison: Json) -> str:
    changes: dict[str, ModelChange] = {model: comparison["models"][model] for model in comparison["judged"]}
    known = {model: change for model, change in changes.items() if reading(change) != "unknown"}
    if not known:
        reasons = sorted({change["difference"]["why_not"] or "" for change in changes.values()})
        return f"No change of balanced accuracy can be given: {wording.listed(reasons)}."
    n_speakers = max(change["difference"]["n_speakers"] for change in known.values())
    told = {
        key: [_changed(model, change, key, len(known)) for model, change in known.items() if reading(change) == key]
        for key in READINGS
    }
    clauses = [READINGS[key][0].format(wording.listed(models)) for key, models in told.items() if models]
    asked = wording.counted(n_speakers, "speaker")
    return f"On {asked} tested in both runs, balanced accuracy from A to B {'; it '.join(clauses)}."


def _changed(model: str, change: ModelChange, key: str, n_models: int) -> str:
    difference = change["difference"]
    size = wording.points(difference["value"])
    if key == "unchanged":
        return f"{wording.the(model)} (p {wording.p(change['p'])}, no interval)"
    if key == "untested":
        return f"{wording.the(model)} ({size}: {difference['why_not']})"
    corrected = "corrected p" if n_models > 1 else "p"
    return f"{wording.the(model)} ({size}, {interval_told(difference)}, {corrected} {wording.p(change['p_holm'])})"


def _accents(comparison: Json) -> str:
    judged, every = comparison["judged"], comparison["gap_changes"].get("accent_bucket", {})
    changes: dict[str, GapChange] = {model: every[model] for model in judged if model in every}
    known = by_size({model: change for model, change in changes.items() if change["estimable"]})
    if not known:
        same = all(reading(comparison["models"][model]) == "unchanged" for model in judged)
        if same and IS_THE_TASK not in [change["why_not"] for change in changes.values()]:
            return "The accent gap is the same, since every speaker’s score is."
        begin = "No change of the accent gap can be estimated: "
        return no_accent_gap(changes, "compare", begin, "nothing was predicted in both runs")
    change = changes[known[0]]
    return f"{_gap_told(known[0], change, len(known))}; {_against_chance(change)}."


def _gap_told(model: str, change: GapChange, n_models: int) -> str:
    interval = interval_told(change)
    first, second = change["a"], change["b"]
    if first is None or second is None:
        whose = f"most with {wording.the(model)}" if n_models > 1 else f"with {wording.the(model)}"
        return (
            f"The changes of accents differ {whose}: by {wording.percent(change['value'], False)} points from "
            f"“{change['first']}” to “{change['second']}” ({interval})"
        )
    whose = f"differs most for {wording.the(model)}: it" if n_models > 1 else f"of {wording.the(model)}"
    ends = [wording.points(first["value"]), wording.points(second["value"], False)]
    named = f"“{change['first']}” minus “{change['second']}”"
    return (
        f"The accent gap ({named}) {whose} is {ends[0]} in A and {ends[1]} in B, "
        f"{wording.points(change['value'])} apart ({interval})"
    )


def _against_chance(change: GapChange) -> str:
    """Say whether the groups' changes differ by more than chance gives where both change alike."""
    p = f"p {wording.p(change['p'])}" if change["p"] is not None else f"no test: {change['p_why_not']}"
    shown = f"groups this small would show if they changed alike ({p})"
    return against_band(change, "what chance alone would give", shown)


def _cost(comparison: Json) -> str:
    runtime = comparison["runtime"]
    costs = runtime["models"]
    models = [model for model in comparison["judged"] if any(costs[model][key]["ratio"] for key in TIMES)]
    if not models:
        return "What the models cost was not measured in both runs."
    most = max(models, key=lambda model: _largest(costs[model]))
    if _largest(costs[most]) < log(_ALIKE):
        return f"Fitting and answering take as long in B as in A, within 5 %{_comparable(runtime['why_not'])}."
    times = [(costs[most][key]["b"], costs[most][key]["a"]) for key in TIMES]
    begin = f"Of the models’ times {wording.the(most)}’s change most: in B it" if len(models) > 1 else ""
    begin = begin or f"In B {wording.the(most)}"
    return f"{begin} takes {wording.listed(multiples(times))} as in A{_comparable(runtime['why_not'])}."


def _largest(cost: Json) -> float:
    return max(abs(log(ratio)) for key in TIMES if (ratio := cost[key]["ratio"]))


def _comparable(why_not: Sequence[str]) -> str:
    return f"; these times are not comparable: {wording.listed(why_not)}" if why_not else ""
