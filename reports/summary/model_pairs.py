"""Model against model, and protocol against protocol: differences of the same speakers' numbers.

d_i = x_Ai - x_Bi per speaker. p values are the sign-flip test's, corrected by Holm (1979, Scandinavian Journal of
Statistics 6, 65-70) over all pairs of models that are no baselines. A model's rank is 1 + the number of models that
are significantly better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, zip_longest
from typing import TypedDict

import pandas as pd

from reports.run_directory.run import Run, Task
from reports.statistics.estimate import Counts, Estimate, number
from reports.statistics.intervals import Interval, Moments, difference_interval, moments
from reports.statistics.sign_flips import ALPHA, detectable, sign_flip
from reports.summary.metrics import (
    BalancedAccuracy,
    balanced,
    balanced_number,
    speaker_table,
    stratified,
    why_no_balance,
)
from reports.summary.model_pairs_by_fold import REGION, fold_difference
from reports.terms import CONTROL, RANDOM, Json


class DifferenceTest(TypedDict):
    """A difference with what its test allows to say."""

    metric: str
    difference: Estimate
    p: float | None
    p_holm: float | None
    significant: bool | None
    equal: bool
    detectable: float | None
    detectable_holm: float | None


class ModelPair(DifferenceTest):
    """Two models, ``a`` minus ``b``; ``fold_level`` says whether other training speakers could change their order."""

    a: str
    b: str
    fold_level: Json


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Two balanced accuracies of the same speakers, and their difference, a minus b.

    `p` is the sign-flip test's, None where it cannot be made; `spread` are the moments of the speakers' differences,
    None where the difference has no interval.
    """

    a: BalancedAccuracy
    b: BalancedAccuracy
    difference: Estimate
    p: float | None = None
    spread: Moments | None = None


def paired(a: pd.DataFrame, b: pd.DataFrame, task: Task) -> Paired:
    """Compare two tables of `reports.summary.metrics.speaker_table` on the speakers that both have."""
    both = a.merge(b[["speaker", "score", "n_recordings"]], on="speaker", suffixes=("", "_b"))
    n_left_out = len(set(a["speaker"]) ^ set(b["speaker"]))
    n_recordings = both[["n_recordings", "n_recordings_b"]].min(axis=1)
    counted: Counts = {"n_speakers": len(both), "n_recordings": int(n_recordings.sum())}
    if n_left_out:
        counted["note"] = f"{n_left_out} speakers have answers on one side only and are left out"
    scores_b = both.assign(score=both["score_b"])
    value = balanced(both, task) - balanced(scores_b, task)
    first: BalancedAccuracy = {**balanced_number(both, task), **counted}
    second: BalancedAccuracy = {**balanced_number(scores_b, task), **counted}
    if why := why_no_balance(both, task):
        return Paired(a=first, b=second, difference=number(value, **counted, why_not=why))
    sample = stratified(both.assign(score=both["score"] - both["score_b"]), task)
    interval = difference_interval(sample)
    difference, spread = number(value, interval, **counted), moments(sample) if interval.estimable else None
    return Paired(a=first, b=second, difference=difference, p=sign_flip(sample).p, spread=spread)


def pairs(run: Run) -> list[ModelPair]:
    """Compare every two models that are no baselines, a minus b, with Holm's correction over all of them."""
    tables = {model: speaker_table(run.rows(model), run.task) for model in run.contenders}
    names = list(combinations(run.contenders, 2))
    tests = tested([paired(tables[a], tables[b], run.task) for a, b in names])
    return [
        {**test, "a": a, "b": b, "fold_level": _fold_level(run, a, b, test)}
        for (a, b), test in zip(names, tests, strict=True)
    ]


def _fold_level(run: Run, a: str, b: str, test: DifferenceTest) -> Json:
    folds = fold_difference(run, a, b)
    return {**folds, "order_could_change": bool(test["significant"]) and folds["p"] is not None and folds["p"] >= ALPHA}


def tested(family: Sequence[Paired], beside: Sequence[Paired] = ()) -> list[DifferenceTest]:
    """Return differences with what their tests allow to say, corrected over `family`; of `beside` no p is corrected."""
    corrected = holm([pair.p for pair in family])
    n_tests = sum(p is not None for p in corrected)
    return [_tested(pair, p, n_tests) for pair, p in zip_longest([*family, *beside], corrected)]


def _tested(pair: Paired, p_holm: float | None, n_tests: int) -> DifferenceTest:
    low, high = pair.difference["low"], pair.difference["high"]
    return {
        "metric": "balanced_accuracy",
        "difference": pair.difference,
        "p": pair.p,
        "p_holm": p_holm,
        "significant": None if p_holm is None else p_holm < ALPHA,
        "equal": low is not None and high is not None and max(-low, high) <= REGION,
        "detectable": detectable(pair.spread) if pair.spread else None,
        "detectable_holm": detectable(pair.spread, n_tests) if pair.spread else None,
    }


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's corrected p values in the same order; tests that could not be made are no part of the family."""
    from statsmodels.stats.multitest import multipletests

    known = [p for p in p_values if p is not None]
    corrected = iter(multipletests(known, method="holm")[1].tolist() if known else [])
    return [None if p is None else next(corrected) for p in p_values]


def ranks(models: Sequence[str], comparisons: Sequence[ModelPair]) -> dict[str, Estimate]:
    """Return every model's rank, 1 + the models significantly better, and the range of places it may have."""
    better: dict[str, set[str]] = {model: set() for model in models}
    untested = {model for pair in comparisons if pair["p_holm"] is None for model in (pair["a"], pair["b"])}
    for pair in comparisons:
        if pair["significant"]:
            a_leads = (pair["difference"]["value"] or 0.0) > 0
            better[pair["b" if a_leads else "a"]].add(pair["a" if a_leads else "b"])
    places: dict[str, Estimate] = {}
    for model in models:
        own = [pair["difference"] for pair in comparisons if model in (pair["a"], pair["b"])]
        n_speakers = max((difference["n_speakers"] for difference in own), default=0)
        n_recordings = max((difference["n_recordings"] for difference in own), default=0)
        counted = Counts(n_speakers=n_speakers, n_recordings=n_recordings)
        if len(models) < 2 or model in untested:
            why = "only one model was compared" if len(models) < 2 else "not every difference could be tested"
            places[model] = number(None, **counted, why_not=why)
            continue
        rank, last = 1 + len(better[model]), len(models) - sum(model in winners for winners in better.values())
        interval = Interval(low=rank, high=last, method="sign-flip tests, Holm's correction")
        places[model] = number(rank, interval, **counted)
    return places


def rank_groups(models: Sequence[str], comparisons: Sequence[ModelPair]) -> list[list[str]]:
    """Return the maximal sets of models of which no two differ significantly; they may overlap."""
    apart = {frozenset((pair["a"], pair["b"])) for pair in comparisons if pair["significant"]}
    groups: list[set[str]] = []
    for chosen in chain.from_iterable(combinations(models, size) for size in range(len(models), 0, -1)):
        alike = not any(frozenset(two) in apart for two in combinations(chosen, 2))
        if alike and not any(set(chosen) <= larger for larger in groups):
            groups.append(set(chosen))
    return [[model for model in models if model in group] for group in groups]


def leader(models: Mapping[str, Json], contenders: Sequence[str], comparisons: Sequence[ModelPair]) -> Json:
    """Return ``model``, the best of `contenders`, and ``not_distinguishable``, those not told from it by their test."""
    every = {model: models[model]["balanced_accuracy"]["value"] for model in contenders}
    values = {model: value for model, value in every.items() if value is not None}
    if not values:
        return {"model": None, "not_distinguishable": []}
    first = max(values, key=values.__getitem__)
    alike = [{pair["a"], pair["b"]} for pair in comparisons if pair["significant"] is False]
    return {"model": first, "not_distinguishable": [m for m in values if {m, first} in alike]}


def leakage_premium(run: Run) -> dict[str, Json]:
    """Return, per model, what a split that shares speakers adds to its balanced accuracy; empty where not measured."""
    return {} if run.protocol == RANDOM else _against(run, RANDOM)


def accent_never_heard(run: Run) -> dict[str, Json]:
    """Return, per model, what having heard the test speakers' accent adds; empty where not measured."""
    return _against(run, CONTROL)


def _against(run: Run, other: str) -> dict[str, Json]:
    if not (run.predictions["protocol"] == other).any():
        return {}
    return {model: _premium(run, model, other) for model in run.models}


def _premium(run: Run, model: str, other: str) -> Json:
    theirs, ours = (speaker_table(run.rows(model, protocol), run.task) for protocol in (other, run.protocol))
    pair = paired(theirs, ours, run.task)
    return {
        **pair.difference,
        "p": pair.p,
        "protocol": other,
        "score": pair.a,
        "main_protocol": run.protocol,
        "main_score": pair.b,
    }
