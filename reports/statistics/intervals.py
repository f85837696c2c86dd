"""Intervals for new speakers: what a number would have been with other people of the same kind.

The unit is the speaker. A `Stratified` sample holds one score per speaker (already averaged over recordings,
repetitions and seeds), its stratum and the strata's weights:

    theta = sum_h w_h m_h          se^2 = sum_h w_h^2 s_h^2 / G_h
    nu = se^4 / sum_h [(w_h^2 s_h^2 / G_h)^2 / (G_h - 1)]        (Satterthwaite 1946, Biometrics Bulletin 2, 110-114)

Shares get a stratified bootstrap-t on the logit (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter
12.5), with MOVER (Zou and Donner 2008, Statistics in Medicine 27, 1693-1702) as the check beside it; differences get
Welch's t. Every interval holds for new speakers and these trained models: what other training speakers would have
given is not in it. Resampling is seeded: the same scores give the same interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from scipy.stats import t as student

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEVEL = 0.95
N_REPLICATES = 10_000
SEED = 0

MIN_SPEAKERS = 5
"""Fewer speakers (of a class, where the metric needs classes) give no interval and enter no gap."""

NO_VARIATION = "no variation between speakers"

_TAIL = (1 - LEVEL) / 2
_NEGLIGIBLE = 1e-12  # of a variance: what rounding leaves where all scores are equal


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A 95 % interval and how it was made, or why there is none: then its ends are NaN and the method is empty."""

    low: float
    high: float
    method: str = ""
    why_not: str = ""

    @property
    def estimable(self) -> bool:
        """Tell whether there is an interval."""
        return not self.why_not


def no_interval(why_not: str) -> Interval:
    """Return the absence of an interval, with its reason."""
    return Interval(low=float("nan"), high=float("nan"), why_not=why_not)


@dataclass(frozen=True, kw_only=True)
class Stratified:
    """One score per speaker, in strata.

    Attributes
    ----------
    scores
        float64, shape ``(n_speakers,)``.
    strata
        Number of each speaker's stratum, 0 to n_strata - 1, int64, shape ``(n_speakers,)``.
    weights
        Weight of each stratum, sum 1, float64, shape ``(n_strata,)``.
    """

    scores: FloatArray
    strata: IntArray
    weights: FloatArray

    def parts(self) -> list[FloatArray]:
        """Return the scores of every stratum."""
        return [self.scores[self.strata == h] for h in range(len(self.weights))]


def equal_strata(scores: ArrayLike, labels: Sequence[str]) -> Stratified:
    """Weigh strata equally (balanced accuracy): ``w_h = 1 / H``."""
    _, strata = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    n_strata = int(strata.max()) + 1 if len(strata) else 0
    weights = np.full(n_strata, 1 / max(n_strata, 1))
    return Stratified(scores=np.asarray(scores, dtype=np.float64), strata=strata.astype(np.int64), weights=weights)


def shared_strata(scores: ArrayLike, labels: Sequence[str]) -> Stratified:
    """Weigh strata by their speakers (accuracy): ``w_h = G_h / G``; strata of one are merged, which keeps theta."""
    _, strata, sizes = np.unique(np.asarray(labels, dtype=str), return_inverse=True, return_counts=True)
    alone = sizes == 1
    if alone.sum() == 1 and len(sizes) > 1:  # a single speaker cannot be merged with itself: take the smallest other
        alone[np.argmin(np.where(alone, sizes.max() + 1, sizes))] = True
    first = int(np.argmax(alone)) if alone.any() else 0
    target = np.where(alone, first, np.arange(len(sizes)))
    _, merged = np.unique(target[strata], return_inverse=True)
    weights = np.bincount(merged) / max(len(merged), 1)
    return Stratified(scores=np.asarray(scores, dtype=np.float64), strata=merged.astype(np.int64), weights=weights)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Estimate, standard error and degrees of freedom of a stratified mean; see the module.

    All are NaN without speakers, `se` and `nu` where a stratum has one speaker, `nu` also where nothing varies.
    """

    theta: float
    se: float
    nu: float


def moments(sample: Stratified) -> Moments:
    """Return theta, its standard error and Satterthwaite's degrees of freedom."""
    parts = sample.parts()
    if not parts:  # a mean of nobody is not 0
        return Moments(theta=float("nan"), se=float("nan"), nu=float("nan"))
    theta = float(sum(w * part.mean() for w, part in zip(sample.weights, parts, strict=True)))
    if any(len(part) < 2 for part in parts):
        return Moments(theta=theta, se=float("nan"), nu=float("nan"))
    shares = np.array([w**2 * part.var(ddof=1) / len(part) for w, part in zip(sample.weights, parts, strict=True)])
    return Moments(theta=theta, se=float(np.sqrt(shares.sum())), nu=satterthwaite(shares, [len(p) - 1 for p in parts]))


def satterthwaite(variances: ArrayLike, degrees: ArrayLike) -> float:
    """Return the degrees of freedom of a sum of independent variance estimates, NaN where all of them are 0."""
    parts = np.asarray(variances, dtype=np.float64)
    below = float((parts**2 / np.asarray(degrees, dtype=np.float64)).sum())
    return float(parts.sum() ** 2 / below) if below > 0 else float("nan")


def share_interval(sample: Stratified) -> Interval:
    """Return the stratified bootstrap-t interval of a share, on the logit.

    Speakers are resampled within strata; t* = (logit theta* - logit theta) / s* with s = se / (theta (1 - theta)) and
    s* the same from the replicate; plus or minus infinity where s* is 0. The interval is
    expit(logit theta - t*_.975 s) to expit(logit theta - t*_.025 s).
    """
    return share_intervals(sample.scores[np.newaxis], sample.strata, sample.weights)[0]


def share_intervals(scores: FloatArray, strata: IntArray, weights: FloatArray) -> list[Interval]:
    """Return `share_interval` of many sets of scores, float64, shape ``(n_sets, n_speakers)``, in the same strata.

    The resamples are shared.
    """
    means = [moments(Stratified(scores=row, strata=strata, weights=weights)) for row in scores]
    reasons = [_why_no_logit(mean) for mean in means]
    usable = [i for i, why_not in enumerate(reasons) if not why_not]
    intervals = [no_interval(why_not) for why_not in reasons]
    if usable:
        differences, variances = replicates(scores[usable], strata, weights)
        for i, difference, variance in zip(usable, differences, variances, strict=True):
            intervals[i] = _bootstrap_t(means[i], difference, variance)
    return intervals


def _bootstrap_t(mean: Moments, difference: FloatArray, variance: FloatArray) -> Interval:
    """Return the interval from theta* - theta and se*^2 of every replicate."""
    theta_star = np.clip(mean.theta + difference, 0.0, 1.0)
    flat = variance <= _NEGLIGIBLE * mean.se**2
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(variance) / (theta_star * (1 - theta_star))
        t_star = (logit(theta_star) - logit(mean.theta)) / scale
    same = np.abs(difference) <= _NEGLIGIBLE
    t_star = np.where(flat, np.where(same, 0.0, np.copysign(np.inf, difference)), t_star)
    s = mean.se / (mean.theta * (1 - mean.theta))
    lower, upper = _order_statistics(t_star)
    return Interval(
        low=float(expit(logit(mean.theta) - upper * s)),
        high=float(expit(logit(mean.theta) - lower * s)),
        method=f"bootstrap-t over speakers within strata, on the logit, {N_REPLICATES:,} replicates",
    )


def _why_no_logit(mean: Moments) -> str:
    if why_not := _why_no_error(mean):
        return why_not
    return NO_VARIATION if mean.se <= np.sqrt(_NEGLIGIBLE) or not 0 < mean.theta < 1 else ""


def _why_no_error(mean: Moments) -> str:
    if np.isnan(mean.theta):
        return "no speakers"
    return "a class has one speaker" if np.isnan(mean.se) else ""


def replicates(scores: FloatArray, strata: IntArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return theta* - theta and se*^2 of every replicate of every set, shape ``(n_sets, N_REPLICATES)`` each."""
    difference, variance = np.zeros((len(scores), N_REPLICATES)), np.zeros((len(scores), N_REPLICATES))
    for place, weight in enumerate(weights):
        part = np.ascontiguousarray(scores[:, strata == place])
        n = part.shape[1]
        centred = part - part.mean(axis=1, keepdims=True)
        sums = np.concatenate([centred, centred**2]) @ resamples(n, place).T
        mean = sums[: len(scores)] / n
        difference += weight * mean
        variance += weight**2 * np.maximum(sums[len(scores) :] / n - mean**2, 0.0) / (n - 1)
    return difference, variance


@lru_cache(maxsize=24)
def resamples(n_speakers: int, stratum: int) -> FloatArray:
    """Return how often each of `n_speakers` is drawn, shape ``(N_REPLICATES, n_speakers)``; another for each `stratum`.

    Each row is multinomial with equal probabilities. Read-only: shared by all estimates of that size.
    """
    generator = np.random.default_rng([SEED, n_speakers, stratum])
    drawn = generator.integers(0, n_speakers, size=(N_REPLICATES, n_speakers), dtype=np.int64)
    drawn += n_speakers * np.arange(N_REPLICATES, dtype=np.int64)[:, np.newaxis]
    counts = np.bincount(drawn.ravel(), minlength=N_REPLICATES * n_speakers).astype(np.float64)
    counts = counts.reshape(N_REPLICATES, n_speakers)
    counts.flags.writeable = False
    return counts


def _order_statistics(values: FloatArray) -> tuple[float, float]:
    """Return the 2.5 and 97.5 % points as order statistics: infinite values cannot be interpolated."""
    ranks = (round((len(values) + 1) * _TAIL) - 1, round((len(values) + 1) * (1 - _TAIL)) - 1)
    ordered = np.partition(values, ranks)
    return float(ordered[ranks[0]]), float(ordered[ranks[1]])


def mover_interval(sample: Stratified) -> Interval:
    """Return the interval from logit-t intervals of each stratum (MOVER): the second one beside `share_interval`.

    theta - sqrt(sum w_h^2 (m_h - l_h)^2) to theta + sqrt(sum w_h^2 (u_h - m_h)^2).
    """
    whole = moments(sample)
    if why_not := _why_no_logit(whole):
        return no_interval(why_not)
    below = above = 0.0
    for weight, part in zip(sample.weights, sample.parts(), strict=True):
        mean = float(part.mean())
        low, high = _logit_t(part)
        below += weight**2 * (mean - low) ** 2
        above += weight**2 * (high - mean) ** 2
    return Interval(
        low=max(whole.theta - float(np.sqrt(below)), 0.0),
        high=min(whole.theta + float(np.sqrt(above)), 1.0),
        method="MOVER from logit-t limits of the strata",
    )


def _logit_t(part: FloatArray) -> tuple[float, float]:
    mean, variance = float(part.mean()), float(part.var(ddof=1))
    if variance <= _NEGLIGIBLE or not 0 < mean < 1:
        return mean, mean
    reach = _t_quantile(len(part) - 1) * np.sqrt(variance / len(part)) / (mean * (1 - mean))
    return float(expit(logit(mean) - reach)), float(expit(logit(mean) + reach))


@lru_cache(maxsize=256)
def _t_quantile(degrees: int) -> float:
    return float(student.ppf(1 - _TAIL, degrees))


def difference_interval(sample: Stratified) -> Interval:
    """Return theta +- t_nu se for scores that are differences of the same speakers; not adjusted for multiplicity."""
    mean = moments(sample)
    if why_not := _why_no_error(mean):
        return no_interval(why_not)
    if mean.se <= np.sqrt(_NEGLIGIBLE):
        return no_interval("all speakers have the same difference")
    reach = float(student.ppf(1 - _TAIL, mean.nu)) * mean.se
    return Interval(low=mean.theta - reach, high=mean.theta + reach, method="t over speakers' differences")


def fisher_interval(value: float, left_out: ArrayLike, labels: Sequence[str]) -> Interval:
    """Return the interval of a correlation, -1 to 1, from its values with one speaker left out, within strata.

    Delete-one jackknife (Efron and Stein 1981, Annals of Statistics 9, 586-596) on Fisher's z, t with Satterthwaite's
    degrees of freedom. `left_out` has shape ``(n_speakers,)``, `labels` is each speaker's stratum.
    """
    values, names = np.asarray(left_out, dtype=np.float64), np.asarray(labels, dtype=str)
    if not (abs(value) < 1 and (np.abs(values) < 1).all()):  # NaN is neither
        return no_interval("without one of the speakers it is 1, or has no value")
    groups = [np.arctanh(values[names == name]) for name in np.unique(names)]
    if any(len(group) < 2 for group in groups):
        return no_interval("a class has one speaker")
    variances = [(len(group) - 1) / len(group) * ((group - group.mean()) ** 2).sum() for group in groups]
    degrees = [len(group) - 1 for group in groups]
    return transformed_t((np.arctanh, np.tanh), value, variances, degrees, "jackknife over speakers, Fisher's z")


def transformed_t(
    scale: tuple[Any, Any], value: float, variances: Sequence[float], degrees: Sequence[int], method: str
) -> Interval:
    """Return the t interval, called `method`, of an estimate on a transformed `scale`: the function and its inverse.

    Parameters
    ----------
    value
        The estimate, on its own scale.
    variances, degrees
        Independent parts of the variance on the transformed scale, and their degrees of freedom.
    """
    se = float(np.sqrt(sum(variances)))
    if se <= np.sqrt(_NEGLIGIBLE):
        return no_interval(NO_VARIATION)
    forward, back = scale
    reach = float(student.ppf(1 - _TAIL, satterthwaite(variances, degrees))) * se
    centre = float(forward(value))
    return Interval(low=float(back(centre - reach)), high=float(back(centre + reach)), method=method)


def too_few(labels: Sequence[str], classes: Sequence[str] = ()) -> str:
    """Say why speakers of these `labels` give no interval; empty where there are enough (of each of `classes` too)."""
    counts = {label: list(labels).count(label) for label in classes}
    small = [f"{count or 'no'} of {label}" for label, count in counts.items() if count < MIN_SPEAKERS]
    if small:
        return f"too few speakers: {', '.join(small)}; {MIN_SPEAKERS} of every class are needed"
    if len(labels) < MIN_SPEAKERS:
        named = "1 speaker" if len(labels) == 1 else f"{len(labels)} speakers"
        return f"{named}; {MIN_SPEAKERS} are needed"
    return ""
