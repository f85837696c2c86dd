"""The answer on top of the page, written from the numbers by rules.

Three sentences: how accurate, how even across accents, at what cost. As long as differences are not tested no model is
called better than another, and models keep the order in which they were asked for.
"""

from __future__ import annotations

from reports import wording
from reports.groups import IS_THE_TASK
from reports.run import RANDOM, Json

SYNTHETIC = "The voices are synthetic: the numbers on this page show what the tool does, not how people are recognised."


def answer(summary: Json) -> Json:
    """Return ``warnings`` (what must be read first) and the three ``sentences``.

    Parameters
    ----------
    summary
        The summary without its answer.
    """
    return {"warnings": _warnings(summary), "sentences": [_accuracy(summary), _accents(summary), _cost(summary)]}


def contenders(summary: Json) -> list[str]:
    """Return the models that the answer speaks of, in the order of the run."""
    judged: list[str] = summary["hardest"]["models"]
    return judged


def _warnings(summary: Json) -> list[str]:
    warnings = [SYNTHETIC] if summary["corpus"].get("synthetic") else []
    failed = summary["cells"].get("failed", [])
    if failed:
        total = summary["cells"].get("finished", 0) + len(failed)
        warnings.append(f"{len(failed)} of {total} cells failed; the models concerned were not asked about everybody.")
    for name in summary["model_order"]:
        n_missing = len(summary["models"][name]["splits_missing"])
        if n_missing:
            counted = wording.counted(n_missing, "split")
            warnings.append(f"{wording.model(name)} has no answers for {counted}: its numbers rest on fewer speakers.")
    return warnings


def _accuracy(summary: Json) -> str:
    names = contenders(summary)
    values = {name: summary["models"][name]["balanced_accuracy"] for name in names}
    known = [name for name in names if values[name]["value"] is not None]
    if not known:
        return (
            "No balanced accuracy can be given: "
            + wording.listed(sorted({v["why_not"] for v in values.values()}))
            + "."
        )
    shared = summary["protocol"]["name"] == RANDOM
    asked = "heard in training as well" if shared else "held out of training"
    told = wording.listed([f"{wording.percent(values[name]['value'])} ({wording.model(name)})" for name in known])
    n_speakers = max(values[name]["n_speakers"] for name in known)
    first = f"On {wording.counted(n_speakers, 'speaker')} {asked}, {wording.task(summary['task']['name'])}"
    first += f" is recognised with a balanced accuracy of {told}"
    if len(known) == 1:
        return f"{first}; how far another choice of speakers would move that is not computed yet."
    return f"{first}; no winner is named, because whether other speakers would give another order is not computed yet."


def _accents(summary: Json) -> str:
    gaps = summary["gaps"]["accent_bucket"]
    known = [name for name in contenders(summary) if gaps[name]["value"] is not None]
    if not known:
        why = [gap["why_not"] for gap in gaps.values()]
        if IS_THE_TASK in why:
            return "Accent is the task here, so there is no accent gap to report."
        return f"No accent gap can be given: {why[0] if why else 'nothing was predicted'}."
    without = "how large it would be if accent made no difference is not computed yet."
    if gaps[known[0]]["kind"] == "difference":
        first, second = gaps[known[0]]["first"], gaps[known[0]]["second"]
        told = wording.listed([f"{wording.points(gaps[name]['value'])} ({wording.model(name)})" for name in known])
        return f"Accuracy on speakers with accent “{first}” minus that on “{second}” is {told}; {without}"
    told = wording.listed([f"{wording.percent(gaps[n]['value'], False)} ({wording.model(n)})" for n in known])
    return f"From the accent recognised most often to the one recognised least it is {told} points; {without}"


def _cost(summary: Json) -> str:
    costs = summary["runtime"]["models"]
    fit = {name: costs[name]["fit_seconds"] for name in contenders(summary)}
    ask = {name: costs[name]["predict_batch_seconds_per_recording"] for name in contenders(summary)}
    told = [
        phrase
        for phrase in (_span("Fitting one fold takes", fit, ""), _span("answering takes", ask, " per recording"))
        if phrase
    ]
    if not told:
        return "What the models cost was not measured."
    sentence = ", and ".join(told)
    return sentence[0].upper() + sentence[1:] + "."


def _span(verb: str, costs: dict[str, float | None], unit: str) -> str:
    known = sorted((cost, wording.model(name)) for name, cost in costs.items() if cost is not None)
    if not known:
        return ""
    (low, cheapest), (high, dearest) = known[0], known[-1]
    if len(known) == 1:
        return f"{verb} {wording.seconds(low)}{unit}"
    times = f", {_times(high / low)} as long" if low > 0 and high / low >= 1.5 else ""
    return f"{verb} {wording.seconds(low)}{unit} ({cheapest}) to {wording.seconds(high)} ({dearest}{times})"


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 9.95 else f"{ratio:,.0f} times"
