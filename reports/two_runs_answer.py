"""The answer on top of a comparison of two runs, written from the numbers by rules.

Three sentences: what changed in balanced accuracy from run A to run B, each change with its interval and test; how the
accent gap changed; what changed in the time to fit and to answer. Nothing is called a change without a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from reports import wording
from reports.answer import SYNTHETIC, multiples
from reports.groups import IS_THE_TASK
from reports.terms import Json

_CLAUSES = (
    ("rises", "rises for {}"),
    ("falls", "falls for {}"),
    ("equal", "is equal within 1 point for {}"),
    ("alike", "cannot be told from no change for {}"),
    ("unchanged", "is the same, speaker by speaker, for {}"),
    ("untested", "was not tested for a change for {}"),
)
"""What a test allows to say, in the order in which it is said."""

_TIMES = ("fit_seconds", "predict_batch_seconds_per_recording")

_ALIKE = 1.05
"""Times of a smaller ratio are called as long."""


def answer(found: Json) -> Json:
    """Return ``warnings`` (what must be read first) and the three ``sentences``.

    Parameters
    ----------
    found
        The comparison without its answer.
    """
    return {"warnings": _warnings(found), "sentences": [_accuracy(found), _accents(found), _cost(found)]}


def _warnings(found: Json) -> list[str]:
    warnings = [SYNTHETIC] if found["a"]["corpus"]["synthetic"] else []
    if not (found["conditions"]["same_protocol"] and found["conditions"]["same_folds"]):
        warnings.append(found["conditions"]["meaning"][0])
    n_other, n_shared = found["pairing"]["n_other_content"], found["pairing"]["n_recordings"]
    if n_other:
        warnings.append(
            f"{n_other:,} of the {n_shared:,} recordings of the same name have other content in the two runs."
        )
    for side in ("a", "b"):
        if n_failed := found[side]["n_failed"]:
            told = wording.counted(n_failed, "cell")
            warnings.append(f"{told} of {side.upper()} failed; only what both runs answered is compared.")
    return warnings


def verdict(change: Json) -> str:
    """Return what the test of a model's change allows to say: a key of the clauses, or ``unknown`` without a value."""
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


def _accuracy(found: Json) -> str:
    changes = {model: found["models"][model] for model in found["judged"]}
    known = {model: change for model, change in changes.items() if verdict(change) != "unknown"}
    if not known:
        reasons = sorted({change["difference"]["why_not"] for change in changes.values()})
        return f"No change of balanced accuracy can be given: {wording.listed(reasons)}."
    n_speakers = max(change["difference"]["n_speakers"] for change in known.values())
    told = {
        key: [_changed(model, change, key, len(known)) for model, change in known.items() if verdict(change) == key]
        for key, _ in _CLAUSES
    }
    clauses = [clause.format(wording.listed(told[key])) for key, clause in _CLAUSES if told[key]]
    asked = wording.counted(n_speakers, "speaker")
    return f"On {asked} tested in both runs, balanced accuracy from A to B {'; it '.join(clauses)}."


def _changed(model: str, change: Json, key: str, n_models: int) -> str:
    number = change["difference"]
    size = wording.points(number["value"])
    if key == "unchanged":
        return f"{wording.the(model)} (p {wording.p(change['p'])}, no interval)"
    if key == "untested":
        return f"{wording.the(model)} ({size}: {number['why_not']})"
    corrected = "corrected p" if n_models > 1 else "p"
    interval = f"95\u00a0% interval {wording.limits(number, of_points=True)}"
    interval = interval if number["estimable"] else f"interval {wording.NOT_ESTIMABLE}: {number['why_not']}"
    return f"{wording.the(model)} ({size}, {interval}, {corrected} {wording.p(change['p_holm'])})"


def _accents(found: Json) -> str:
    changes = found["gap_changes"].get("accent_bucket", {})
    changes = {model: changes[model] for model in found["judged"] if model in changes}
    known = [model for model, change in changes.items() if change["estimable"]]
    if not known:
        why = [change["why_not"] for change in changes.values()]
        if IS_THE_TASK in why:
            return "Accent is the task here, so there is no accent gap to compare."
        if all(verdict(found["models"][model]) == "unchanged" for model in found["judged"]):
            return "The accent gap is the same, since every speaker’s score is."
        return (
            f"No change of the accent gap can be estimated: {why[0] if why else 'nothing was predicted in both runs'}."
        )
    largest = max(known, key=lambda model: abs(changes[model]["value"]))
    change = changes[largest]
    return f"{_gap_told(largest, change, len(known))}; {against_chance(change)}."


def _gap_told(model: str, change: Json, n_models: int) -> str:
    interval = f"95\u00a0% interval {wording.limits(change, of_points=True)}"
    if change["kind"] == "range":
        whose = f"most with {wording.the(model)}" if n_models > 1 else f"with {wording.the(model)}"
        return (
            f"The changes of accents differ {whose}: by {wording.percent(change['value'], False)} points from "
            f"“{change['first']}” to “{change['second']}” ({interval})"
        )
    whose = f"differs most for {wording.the(model)}: it" if n_models > 1 else f"of {wording.the(model)}"
    ends = [wording.points(change[end]["value"], end == "a") for end in ("a", "b")]
    named = f"“{change['first']}” minus “{change['second']}”"
    return (
        f"The accent gap ({named}) {whose} is {ends[0]} in A and {ends[1]} in B, "
        f"{wording.points(change['value'])} apart ({interval})"
    )


def against_chance(change: Json) -> str:
    """Say whether the groups' changes differ by more than chance gives where both change alike."""
    if change["unbiased_why_not"]:
        return f"what chance alone would give is not estimable: {change['unbiased_why_not']}"
    low, high = change["unbiased_low"], change["unbiased_high"]
    band = wording.limits({"estimable": True, "low": low, "high": high}, of_points=True)
    p = f"p {wording.p(change['p'])}" if change["p"] is not None else f"no test: {change['p_why_not']}"
    where = "inside" if low <= change["value"] <= high else "outside"
    return f"that is {where} the {band} points that groups this small would show if they changed alike ({p})"


def _cost(found: Json) -> str:
    costs = found["runtime"]["models"]
    models = [model for model in found["judged"] if any(costs[model][key]["ratio"] for key in _TIMES)]
    if not models:
        return "What the models cost was not measured in both runs."
    most = max(models, key=lambda model: _largest(costs[model]))
    if _largest(costs[most]) < log(_ALIKE):
        return f"Fitting and answering take as long in B as in A, within 5 %{_comparable(found['runtime']['why_not'])}."
    times = [{key: costs[most][key][side] for key in _TIMES} for side in ("b", "a")]
    begin = f"Of the models’ times {wording.the(most)}’s change most: in B it" if len(models) > 1 else ""
    begin = begin or f"In B {wording.the(most)}"
    return f"{begin} takes {wording.listed(multiples(*times))} as in A{_comparable(found['runtime']['why_not'])}."


def _largest(cost: Json) -> float:
    return max(abs(log(cost[key]["ratio"])) for key in _TIMES if cost[key]["ratio"])


def _comparable(why_not: Sequence[str]) -> str:
    return f"; these times are not comparable: {wording.listed(why_not)}" if why_not else ""
