"""How far apart groups of speakers are, and how far apart they would be if the groups made no difference.

Two groups: the signed difference of their means with Welch's t (1947, Biometrika 34, 28-35). Three or more: the range
of the means R; its interval comes from simultaneous intervals of all pairs, |d_ij| -+ q se_ij with q the
studentised-range quantile / sqrt 2 at Welch's degrees of freedom (Games and Howell 1976, Journal of Educational
Statistics 1, 113-125), since the best minus the worst is biased upwards when there is no gap at all. The unbiased band
permutes group labels among speakers of the same gender and class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from typing import Literal, NotRequired, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.statistics.estimate import Counts, Estimate, number
from reports.statistics.intervals import (
    MIN_SPEAKERS,
    SEED,
    FloatArray,
    Interval,
    Stratified,
    difference_interval,
    moments,
    no_interval,
)
from reports.summary.groups import IS_THE_TASK, Members
from reports.summary.metrics import counts_of
from reports.terms import NOT_STATED, Json

N_PERMUTATIONS = 9_999
MIN_SPEAKERS_FOR_TESTS = 10

_LAST = ("other", "elsewhere", "no")
"""Groups that a signed difference subtracts, whatever their place in the alphabet."""

_TAIL = 0.025
_TIE = 1e-12


class Gap(Estimate):
    """The gap between groups, with its band: what the gap would be if the groups made no difference.

    A ``difference`` of two groups is signed, ``first`` minus ``second``; a ``range`` of more goes from the highest to
    the lowest. Where there is no gap the kind is null, and no group is named. The band (``unbiased_``) is the 95 %
    range and the mean over permutations; ``p`` is the share of permutations with a gap at least as large, counting the
    observed one.
    """

    kind: Literal["difference", "range"] | None
    first: NotRequired[str]
    second: NotRequired[str]
    unbiased_low: float | None
    unbiased_high: float | None
    unbiased_expected: float | None
    unbiased_why_not: str | None
    p: float | None
    p_why_not: str | None


def between_groups(members: Members) -> Gap:
    """Return the gap between the groups of one attribute under one model."""
    if members.is_task:
        return _no_gap(IS_THE_TASK, Counts(n_speakers=0, n_recordings=0))
    if members.attribute != "gender":
        return gap(members.speakers, by_gender=True)
    speakers = members.speakers
    if (speakers["stratum"] == speakers["gender"]).all():
        speakers = speakers.assign(stratum="")  # no class belongs to speakers: all of them may be permuted
    return gap(speakers, by_gender=False)


def within_gender(members: Members) -> dict[str, Gap]:
    """Return the same per gender; empty where the task or the attribute is in the way."""
    if members.is_task:
        return {}
    of_gender = members.speakers.groupby("gender", sort=True)
    return {str(gender): gap(speakers, by_gender=False) for gender, speakers in of_gender if gender != NOT_STATED}


def gap(speakers: pd.DataFrame, *, by_gender: bool) -> Gap:
    """Return the gap between all groups of at least `MIN_SPEAKERS` speakers.

    `speakers` has ``speaker, group, score, stratum, gender, n_recordings``, a row per speaker. With `by_gender` the
    band permutes labels among speakers of one gender, and needs groups of more than one.
    """
    known = speakers[speakers["group"] != NOT_STATED]
    sizes = known.groupby("group")["speaker"].nunique()
    eligible = known[known["group"].isin(sizes.index[sizes >= MIN_SPEAKERS])].reset_index(drop=True)
    counted = counts_of(eligible)
    if eligible["group"].nunique() < 2:
        return _no_gap(f"fewer than two groups with {MIN_SPEAKERS} speakers", counted)
    names, value, interval = _observed(eligible)
    if eligible["speaker"].duplicated().any():
        interval = no_interval("speakers stand in more than one group")
        band = _no_band(interval.why_not)
    else:
        band = _band(eligible, names, by_gender=by_gender)
    kind = "difference" if len(names) == 2 else "range"
    named = {"kind": kind, "first": names[0], "second": names[-1]}
    return cast(Gap, {**number(value, interval, **counted), **band, **named})


def _no_gap(why_not: str, counted: Counts) -> Gap:
    return cast(Gap, {**number(None, **counted, why_not=why_not), **_no_band(why_not), "kind": None})


def _no_band(why_not: str) -> Json:
    nothing = dict.fromkeys(("unbiased_low", "unbiased_high", "unbiased_expected", "p"))
    return {**nothing, "unbiased_why_not": why_not, "p_why_not": why_not}


def _observed(speakers: pd.DataFrame) -> tuple[list[str], float, Interval]:
    """Return the groups (two in fixed order; more from the highest to the lowest), the gap and its interval."""
    means = speakers.groupby("group", sort=True)["score"].mean()
    two = len(means) == 2
    names = sorted(means.index, key=lambda group: (group in _LAST if two else -means[group], group))
    scores = [speakers.loc[speakers["group"] == name, "score"].to_numpy(dtype=np.float64) for name in names]
    interval = welch(*scores) if two else range_interval(scores)
    return names, float(means[names[0]] - means[names[-1]]), interval


def _two(first: FloatArray, second: FloatArray) -> Stratified:
    """Return the difference of two means as a stratified sum with weights 1 and -1."""
    strata = np.repeat(np.array([0, 1]), [len(first), len(second)])
    return Stratified(scores=np.concatenate([first, second]), strata=strata, weights=np.array([1.0, -1.0]))


def welch(first: FloatArray, second: FloatArray) -> Interval:
    """Return Welch's interval of the first group's mean minus the second's."""
    interval = difference_interval(_two(first, second))
    return replace(interval, method="Welch's t over speakers") if interval.estimable else interval


def range_interval(groups: Sequence[FloatArray]) -> Interval:
    """Return the interval of the range of the groups' means.

    max(0, max(|d_ij| - q_ij se_ij)) to max(|d_ij| + q_ij se_ij) over all pairs.
    """
    from statsmodels.stats.libqsturng import qsturng

    pairs = [moments(_two(first, second)) for first, second in combinations(groups, 2)]
    if any(pair.se <= _TIE for pair in pairs):
        return no_interval("no variation between the speakers of two groups")
    quantiles = [float(qsturng(1 - 2 * _TAIL, len(groups), pair.nu)) / np.sqrt(2) for pair in pairs]
    reach = [(abs(pair.theta), q * pair.se) for pair, q in zip(pairs, quantiles, strict=True)]
    return Interval(
        low=max(0.0, *(distance - half for distance, half in reach)),
        high=max(distance + half for distance, half in reach),
        method="simultaneous intervals of all pairs, studentised range with Welch's degrees of freedom",
    )


def _band(speakers: pd.DataFrame, names: Sequence[str], *, by_gender: bool) -> Json:
    if by_gender and speakers["gender"].nunique() > 1:
        alone = speakers.groupby("group")["gender"].nunique()
        if (alone == 1).any():
            listed = ", ".join(map(str, alone.index[alone == 1]))
            return _no_band(f"speakers of one gender only: {listed}")
    blocks = speakers["gender"] + "\n" + speakers["stratum"] if by_gender else speakers["stratum"]
    ordered = speakers.assign(block=blocks).sort_values(["block", "speaker"], kind="stable")
    if (ordered.groupby("block")["group"].nunique() == 1).all():
        return _no_band("no speakers of two groups have the same class" + " and gender" * by_gender)
    sizes = tuple(int(size) for size in ordered.groupby("block", sort=True).size())
    scores = ordered["score"].to_numpy(dtype=np.float64)
    member = np.stack([(ordered["group"] == name).to_numpy() for name in names], axis=1)
    shares = member / member.sum(axis=0)
    signed = len(names) == 2
    drawn, observed = (_gap_of(means @ shares, signed) for means in (scores[permutations(sizes)], scores))
    tails = [
        (1 + int(side.sum())) / (N_PERMUTATIONS + 1) for side in (drawn >= observed - _TIE, drawn <= observed + _TIE)
    ]
    low, high = np.quantile(drawn, [_TAIL, 1 - _TAIL] if signed else [0.0, 1 - 2 * _TAIL])
    p = min(1.0, 2 * min(tails)) if signed else tails[0]
    small = member.sum(axis=0).min() < MIN_SPEAKERS_FOR_TESTS
    return {
        "unbiased_low": float(low) if signed else 0.0,
        "unbiased_high": float(high),
        "unbiased_expected": float(drawn.mean()),
        "unbiased_why_not": None,
        "p": None if small else p,
        "p_why_not": f"tests need {MIN_SPEAKERS_FOR_TESTS} speakers in every group" if small else None,
    }


def _gap_of(means: FloatArray, signed: bool) -> FloatArray:
    gaps: FloatArray = means[..., 0] - means[..., 1] if signed else np.ptp(means, axis=-1)
    return gaps


@lru_cache(maxsize=16)
def permutations(block_sizes: tuple[int, ...]) -> NDArray[np.intp]:
    """Return random orders of speakers that stay within their blocks, one block after the other.

    Shape ``(N_PERMUTATIONS, n_speakers)``; read-only.
    """
    generator, starts = np.random.default_rng([SEED, *block_sizes]), np.cumsum([0, *block_sizes[:-1]])
    orders = np.concatenate(
        [s + generator.random((N_PERMUTATIONS, n)).argsort(axis=1) for n, s in zip(block_sizes, starts, strict=True)],
        axis=1,
    )
    orders.flags.writeable = False
    return orders
