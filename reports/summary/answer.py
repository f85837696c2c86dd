"""The answer on top of the page, written from the numbers by rules.

Three sentences: which model leads, or that none can be told from another; the largest accent gap that can be estimated,
against what a model without accent differences would show; what the leader costs compared with the cheapest model that
cannot be told from it. Every difference comes with its interval; nothing is called better without a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from reports.run_directory import audit
from reports.statistics.estimate import Estimate
from reports.summary.gaps import Gap
from reports.summary.groups import IS_THE_TASK
from reports.summary.model_pairs import ModelPair
from reports.terms import RANDOM, Json
from reports.text import wording

SYNTHETIC = "The voices are synthetic: the numbers on this page show what the tool does, not how people are recognised."

_PREDICT: Final = "predict_batch_seconds_per_recording"
TIMES: Final = ("fit_seconds", _PREDICT)
"""The costs that an answer speaks of."""


def answer(summary: Json) -> Json:
    """Return the ``warnings`` (what must be read first) and three ``sentences`` of a summary without its answer."""
    return {"warnings": _warnings(summary), "sentences": [_accuracy(summary), _accents(summary), _cost(summary)]}


def contenders(summary: Json) -> list[str]:
    """Return the models that the answer speaks of, in the order of the run."""
    judged: list[str] = summary["hardest"]["models"]
    return judged


def _warnings(summary: Json) -> list[str]:
    warnings = [SYNTHETIC] if summary["corpus"].get("synthetic") else []
    if failed := summary["cells"].get("failed", []):
        total = summary["cells"].get("finished", 0) + len(failed)
        warnings.append(f"{len(failed)} of {total} cells failed; the models concerned were not asked about everybody.")
    if leak := leak_warning(summary):
        warnings.append(leak)
    if summary.get("timings_from"):
        warnings.append(_borrowed(summary["timings_from"]))
    missing = {name: len(summary["models"][name]["splits_missing"]) for name in summary["model_order"]}
    return warnings + [
        f"{wording.model(name)} has no answers for {wording.counted(n, 'split')}: its numbers rest on fewer speakers."
        for name, n in missing.items()
        if n
    ]


def leak_warning(summary: Json) -> str | None:
    """Return what must be read first where a leak was found; None where not."""
    leaks = audit.leaks(summary["audit"]) if summary.get("audit") else []
    if not leaks:
        return None
    named = wording.listed([f"{entry['title'].lower()} ({entry['n_findings']})" for entry in leaks])
    return f"The leakage audit found {named}: scores on this page may be too high."


def _borrowed(origin: Json) -> str:
    made = f", made {str(origin['created'])[:10]}" if origin["created"] else ""
    return (
        "Times, memory and speed guards on this page were not measured in this run: they are those of another run of "
        f"the same cells{made} (timings {origin['timings_hash'][:12]})."
    )


def _accuracy(summary: Json) -> str:
    values: dict[str, Estimate] = {n: summary["models"][n]["balanced_accuracy"] for n in contenders(summary)}
    known = by_size(values)
    if not known:
        reasons = sorted({v["why_not"] or "" for v in values.values()})
        return f"No balanced accuracy can be given: {wording.listed(reasons)}."
    shared = summary["protocol"]["name"] == RANDOM
    n_speakers = wording.counted(max(values[name]["n_speakers"] for name in known), "speaker")
    asked = f"{n_speakers} {'heard in training as well' if shared else 'held out of training'}"
    task = wording.task(summary["task"]["name"])
    if len(known) == 1:
        return f"On {asked}, {wording.the(known[0])} recognises {task} with {_balanced(values[known[0]])}."
    first, alike = known[0], [name for name in known if name in summary["leader"]["not_distinguishable"]]
    behind = [name for name in known[1:] if name not in alike]
    if any(_pair(summary, first, name)["significant"] is None for name in known[1:]):
        told = wording.listed([f"{wording.model(n)} {wording.percent(values[n]['value'])}" for n in known])
        why = _pair(summary, first, known[1])["difference"]["why_not"] or "not every pair could be tested"
        return f"On {asked}, no model can be called better than another ({told} balanced accuracy): {why}."
    best = f"{wording.the(first)} recognises {task} best, with {_balanced(values[first])}"
    sentence = _alike(summary, [first, *alike]) if alike else best
    if behind:
        ahead = [f"{wording.model(name)} by {_difference(summary, first, name)}" for name in behind]
        sentence += f"; {wording.the(first)} is ahead of {'; '.join(ahead)}"
    return f"On {asked}, {sentence}{_order(summary, first, behind)}."


def by_size(estimates: Mapping[str, Estimate]) -> list[str]:
    """Return the models whose estimate has a value, the largest first whatever its sign."""
    sizes = {name: abs(each["value"]) for name, each in estimates.items() if each["value"] is not None}
    return sorted(sizes, key=lambda name: -sizes[name])


def _balanced(value: Estimate) -> str:
    interval = f"95\u00a0% interval {wording.interval(value)}" if value["estimable"] else value["why_not"]
    return f"a balanced accuracy of {wording.percent(value['value'])} ({interval})"


def _alike(summary: Json, names: Sequence[str]) -> str:
    """Say that the leader and others cannot be told apart, with the difference to the last of them."""
    values = [wording.percent(summary["models"][name]["balanced_accuracy"]["value"], False) for name in names]
    pair = _pair(summary, names[0], names[-1])
    verb = "are equal within 1 point" if len(names) == 2 and pair["equal"] else "cannot be told apart"
    which = "difference" if len(names) == 2 else "largest difference"
    told = wording.listed([wording.model(name) for name in names])
    return (
        f"{told} {verb} ({wording.listed(values)} % balanced accuracy; "
        f"{which} {_difference(summary, names[0], names[-1])}, corrected p {wording.p(pair['p_holm'])})"
    )


def _order(summary: Json, first: str, behind: Sequence[str]) -> str:
    could = any(_pair(summary, first, name)["fold_level"]["order_could_change"] for name in behind)
    return "; with other training speakers the order could change" if could else ""


def _pair(summary: Json, a: str, b: str) -> ModelPair:
    pairs: list[ModelPair] = summary["comparisons"]
    return next(pair for pair in pairs if {pair["a"], pair["b"]} == {a, b})


def _difference(summary: Json, a: str, b: str) -> str:
    """Return a minus b in points with its interval, whichever way round it was computed."""
    pair = _pair(summary, a, b)
    difference = pair["difference"] if pair["a"] == a else _negative(pair["difference"])
    size = f"{100 * (difference['value'] or 0.0):.1f}".replace("-", "−")
    return f"{size} points, {interval_told(difference)}"


def interval_told(points: Estimate) -> str:
    """Return the interval of a difference in points, or why there is none."""
    if not points["estimable"]:
        return f"interval {wording.NOT_ESTIMABLE}: {points['why_not']}"
    return f"95\u00a0% interval {wording.interval(points, of_points=True)}"


def _negative(difference: Estimate) -> Estimate:
    value, low, high = (minus(difference[key]) for key in ("value", "high", "low"))
    return {**difference, "value": value, "low": low, "high": high}


def minus(value: float | None) -> float | None:
    """Return the negative of a number that may be missing."""
    return None if value is None else -value


def _accents(summary: Json) -> str:
    gaps: dict[str, Gap] = {name: summary["gaps"]["accent_bucket"][name] for name in contenders(summary)}
    known = by_size({name: gap for name, gap in gaps.items() if gap["estimable"]})
    if not known:
        return no_accent_gap(gaps, "report", "No accent gap can be estimated: ", "nothing was predicted")
    largest = known[0]
    gap = turned(gaps[largest])
    owner = f"the largest accent gap is {wording.the(largest)}’s: " if len(known) > 1 else ""
    if gap["kind"] == "range":
        size = f"{wording.percent(gap['value'], False)} points from accent “{gap['first']}” to “{gap['second']}”"
        what = owner + size if owner else f"the accent gap is {size}"
    else:
        size = f"{wording.percent(gap['value'], False)} points more often than “{gap['second']}”"
        what = f"{owner}speakers with accent “{gap['first']}” are recognised {size}"
    return f"{wording.capital(what)} ({interval_told(gap)}); {against_band(gap)}."


def no_accent_gap(gaps: Mapping[str, Gap], verb: str, begin: str, nothing: str) -> str:
    """Say why none of `gaps` can be estimated; `nothing` is the reason where there are none."""
    why = [gap["why_not"] for gap in gaps.values()]
    if IS_THE_TASK in why:
        return f"Accent is the task here, so there is no accent gap to {verb}."
    return f"{begin}{why[0] if why else nothing}."


def turned(gap: Gap) -> Gap:
    """Return a signed gap in the direction in which it is positive, so that a sentence can say who is ahead."""
    if gap["kind"] != "difference" or (gap["value"] or 0.0) >= 0:
        return gap
    back = gap.copy()
    back["first"], back["second"], back["value"] = gap["second"], gap["first"], minus(gap["value"])
    back["low"], back["high"] = minus(gap["high"]), minus(gap["low"])
    back["unbiased_low"], back["unbiased_high"] = minus(gap["unbiased_high"]), minus(gap["unbiased_low"])
    back["unbiased_expected"] = minus(gap["unbiased_expected"])
    return back


def against_band(
    gap: Gap,
    band_called: str = "what a model without such differences would show",
    shown: str = "a model without such differences would show on groups this small",
) -> str:
    """Say whether a gap lies in its band, what that is called where it is not estimable, and who would show it."""
    low, high = gap["unbiased_low"], gap["unbiased_high"]
    if gap["unbiased_why_not"] or low is None or high is None:
        return f"{band_called} is not estimable: {gap['unbiased_why_not']}"
    where = "inside" if low <= (gap["value"] or 0.0) <= high else "outside"
    band = wording.interval({"estimable": True, "low": low, "high": high}, of_points=True)
    return f"that is {where} the {band} points that {shown}"


def _cost(summary: Json) -> str:
    costs: dict[str, Json] = summary["runtime"]["models"]
    every = {name: costs[name][_PREDICT] for name in contenders(summary)}
    seconds = {name: cost for name, cost in every.items() if cost is not None}
    leader = summary["leader"]
    first: str = leader["model"] or next(iter(seconds), "")
    if first not in seconds:
        return "What the models cost was not measured."
    alike = [name for name in leader["not_distinguishable"] if name in seconds]
    cheapest = min([first, *alike], key=seconds.__getitem__)
    if cheapest != first:
        return f"{_compared(costs, first, cheapest)}, from which it cannot be told apart."
    others = [name for name in seconds if name != first]
    if not others:
        return f"{_alone(costs[first], first)}."
    rest = min(others, key=seconds.__getitem__)
    if not alike and any(_pair(summary, first, name)["significant"] is None for name in others):
        return f"{_compared(costs, first, rest)}."
    role = "also the cheapest of the models that cannot be told apart" if alike else "ahead of all others"
    return f"{wording.capital(wording.the(first))} is {role}: {_compared(costs, first, rest, continued=True)}."


def _alone(cost: Json, name: str) -> str:
    fit = f"fits one fold in {wording.seconds(cost['fit_seconds'])} and " if cost["fit_seconds"] is not None else ""
    return f"{wording.capital(wording.the(name))} {fit}answers in {wording.seconds(cost[_PREDICT])} per recording"


def _compared(costs: Mapping[str, Json], first: str, other: str, *, continued: bool = False) -> str:
    """Compare fitting one fold and answering one of many recordings."""
    begin = "it" if continued else wording.capital(wording.the(first))
    times = multiples([(costs[first][key], costs[other][key]) for key in TIMES])
    return f"{begin} takes {wording.listed(times)} as {wording.the(other)}"


def multiples(times: Sequence[tuple[float | None, float | None]]) -> list[str]:
    """Say the `TIMES` of one model as multiples of another's: ``1.2 times as long to fit (6 s against 5 s)``."""
    return [
        f"{_ratio(mine, theirs)} {verb} ({wording.seconds(mine)} against {wording.seconds(theirs)})"
        for (mine, theirs), verb in zip(times, ("to fit", "per recording"), strict=True)
        if mine and theirs
    ]


def _ratio(mine: float, theirs: float) -> str:
    """Say one duration as a multiple of another: ``56 times as long``, ``0.33 times as long``."""
    ratio = mine / theirs
    if 0.95 <= ratio < 1.05:
        return "as long"
    return f"{wording.times(ratio) if ratio >= 1 else f'{ratio:.2g} times'} as long"
