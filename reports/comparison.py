"""Model against model, and protocol against protocol: differences of the same speakers' numbers.

d_i = x_Ai - x_Bi per speaker. p values are the sign-flip test's, corrected by Holm (1979, Scandinavian Journal of
Statistics 6, 65-70) over all pairs of models that are no baselines. A model's rank is 1 + the number of models that
are significantly better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from reports import fold_level
from reports.metrics import balanced, balanced_number, speaker_table, stratified, why_no_balance
from reports.number import number
from reports.paired import ALPHA, detectable, sign_flip
from reports.run import Run, Task
from reports.terms import CONTROL, RANDOM, Json
from reports.uncertainty import Interval, Moments, difference_interval, moments

EQUAL_REGION = 0.01
"""Two models are called equal only if the whole interval of their difference lies within 1 point of zero."""


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Two balanced accuracies of the same speakers.

    Attributes
    ----------
    a, b, difference
        Numbers; the difference is a minus b.
    p
        Sign-flip test, None where it cannot be made.
    spread
        Moments of the speakers' differences, None where the difference has no interval.
    """

    a: Json
    b: Json
    difference: Json
    p: float | None
    spread: Moments | None


def paired(a: pd.DataFrame, b: pd.DataFrame, task: Task) -> Paired:
    """Compare two tables of `reports.metrics.speaker_table` on the speakers that both have."""
    both = a.merge(b[["speaker", "score", "n_recordings"]], on="speaker", suffixes=("", "_b"))
    n_left_out = len(set(a["speaker"]) ^ set(b["speaker"]))
    counted: Json = {
        "n_speakers": len(both),
        "n_recordings": int(both[["n_recordings", "n_recordings_b"]].min(axis=1).sum()),
    }
    if n_left_out:
        counted["note"] = f"{n_left_out} speakers have answers on one side only and are left out"
    scores_b = both.assign(score=both["score_b"])
    value = balanced(both, task) - balanced(scores_b, task)
    sides = [{**balanced_number(side, task), **counted} for side in (both, scores_b)]
    if why := why_no_balance(both, task):
        return Paired(a=sides[0], b=sides[1], difference=number(value, **counted, why_not=why), p=None, spread=None)
    sample = stratified(both.assign(score=both["score"] - both["score_b"]), task)
    interval = difference_interval(sample)
    return Paired(
        a=sides[0],
        b=sides[1],
        difference=number(value, interval, **counted),
        p=sign_flip(sample).p,
        spread=moments(sample) if interval.estimable else None,
    )


def pairs(run: Run) -> list[Json]:
    """Compare every two models that are no baselines, a minus b, with Holm's correction over all of them."""
    tables = {model: speaker_table(run.rows(model), run.task) for model in run.contenders}
    found = {(a, b): paired(tables[a], tables[b], run.task) for a, b in combinations(run.contenders, 2)}
    corrected = holm([pair.p for pair in found.values()])
    n_tests = sum(p is not None for p in corrected)
    return [
        _entry(pair, p_holm, n_tests, {"a": a, "b": b, "fold_level": fold_level.describe(run, a, b)})
        for ((a, b), pair), p_holm in zip(found.items(), corrected, strict=True)
    ]


def _entry(pair: Paired, p_holm: float | None, n_tests: int, named: Json) -> Json:
    found, folds = tested(pair, p_holm, n_tests), named["fold_level"]
    could_change = bool(found["significant"]) and folds["estimable"] and folds["p"] >= ALPHA
    return {**named, **found, "fold_level": {**folds, "order_could_change": could_change}}


def tested(pair: Paired, p_holm: float | None, n_tests: int) -> Json:
    """Return a difference with what its test allows to say.

    Parameters
    ----------
    pair
        The difference.
    p_holm
        Its p value, corrected for the `n_tests` of its family; None where there is none.
    n_tests
        How many tests that is.
    """
    difference = pair.difference
    return {
        "metric": "balanced_accuracy",
        "difference": difference,
        "p": pair.p,
        "p_holm": p_holm,
        "significant": None if p_holm is None else p_holm < ALPHA,
        "equal": difference["estimable"] and max(-difference["low"], difference["high"]) <= EQUAL_REGION,
        "detectable": detectable(pair.spread) if pair.spread else None,
        "detectable_holm": detectable(pair.spread, n_tests) if pair.spread else None,
    }


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's corrected p values in the same order; tests that could not be made are no part of the family."""
    from statsmodels.stats.multitest import multipletests

    known = [p for p in p_values if p is not None]
    corrected = iter(multipletests(known, method="holm")[1].tolist() if known else [])
    return [None if p is None else next(corrected) for p in p_values]


def ranks(models: Sequence[str], comparisons: Sequence[Json]) -> Json:
    """Return every model's rank, 1 + the models significantly better, and the range of places it may have.

    Parameters
    ----------
    models
        The models that are compared.
    comparisons
        As `pairs` returns them.
    """
    better: dict[str, set[str]] = {model: set() for model in models}
    untested = {model for pair in comparisons if pair["p_holm"] is None for model in (pair["a"], pair["b"])}
    for pair in comparisons:
        if pair["significant"]:
            names = [pair["a"], pair["b"]]
            winner, loser = names if pair["difference"]["value"] > 0 else reversed(names)
            better[loser].add(winner)
    found: Json = {}
    for model in models:
        counts = [pair["difference"] for pair in comparisons if model in (pair["a"], pair["b"])]
        counted: Json = {key: max((c[key] for c in counts), default=0) for key in ("n_speakers", "n_recordings")}
        if len(models) < 2 or model in untested:
            why = "only one model was compared" if len(models) < 2 else "not every difference could be tested"
            found[model] = number(None, **counted, why_not=why)
            continue
        n_worse = sum(model in winners for winners in better.values())
        first = 1 + len(better[model])
        limits = Interval(low=first, high=len(models) - n_worse, method="sign-flip tests, Holm's correction")
        found[model] = number(first, limits, **counted)
    return found


def rank_groups(models: Sequence[str], comparisons: Sequence[Json]) -> list[list[str]]:
    """Return the maximal sets of models of which no two differ significantly; they may overlap."""
    apart = {frozenset((pair["a"], pair["b"])) for pair in comparisons if pair["significant"]}
    found: list[set[str]] = []
    for size in range(len(models), 0, -1):
        for chosen in combinations(models, size):
            alike = not any(frozenset(two) in apart for two in combinations(chosen, 2))
            if alike and not any(set(chosen) <= larger for larger in found):
                found.append(set(chosen))
    return [[model for model in models if model in group] for group in found]


def leader(models: Json, contenders: Sequence[str], comparisons: Sequence[Json]) -> Json:
    """Return the model with the highest balanced accuracy and those that the direct test does not tell from it.

    Parameters
    ----------
    models
        ``models`` of the summary.
    contenders
        The models that are compared.
    comparisons
        As `pairs` returns them.
    """
    values = {model: models[model]["balanced_accuracy"]["value"] for model in contenders}
    known = [model for model in contenders if values[model] is not None]
    if not known:
        return {"model": None, "not_distinguishable": []}
    first = max(known, key=lambda model: values[model])
    alike = {
        model
        for pair in comparisons
        if pair["significant"] is False and first in (pair["a"], pair["b"])
        for model in (pair["a"], pair["b"])
    }
    return {"model": first, "not_distinguishable": [m for m in known if m != first and m in alike]}


def leakage_premium(run: Run) -> Json:
    """Return, per model, what a split that shares speakers adds to its balanced accuracy; empty where not measured."""
    return {} if run.protocol == RANDOM else _against(run, RANDOM)


def accent_never_heard(run: Run) -> Json:
    """Return, per model, what having heard the test speakers' accent adds; empty where not measured."""
    return _against(run, CONTROL)


def _against(run: Run, other: str) -> Json:
    if not (run.predictions["protocol"] == other).any():
        return {}
    found: Json = {}
    for model in run.models:
        pair = paired(
            speaker_table(run.rows(model, other), run.task), speaker_table(run.rows(model), run.task), run.task
        )
        found[model] = {
            **pair.difference,
            "p": pair.p,
            "protocol": other,
            "score": pair.a,
            "main_protocol": run.protocol,
            "main_score": pair.b,
        }
    return found
