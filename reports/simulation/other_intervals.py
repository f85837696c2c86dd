"""The intervals that others print, to stand beside those of `reports.statistics.intervals`; no report uses them.

Percentile bootstrap and BCa resample speakers within strata (Efron and Tibshirani 1993, An Introduction to the
Bootstrap, chapters 13 and 14.3; for strata, Davison and Hinkley 1997, Bootstrap Methods and their Application, chapter
5.3). The recording-level intervals take every recording for a person of its own.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from reports.run_directory.run import Run
from reports.statistics.estimate import plain
from reports.statistics.intervals import (
    LEVEL,
    N_REPLICATES,
    SEED,
    FloatArray,
    IntArray,
    Interval,
    Stratified,
    no_interval,
    replicates,
    share_interval,
)
from reports.summary.metrics import balanced, counts_of, mean_recalls, speaker_table, stratified, tally, why_no_balance
from reports.terms import Json

_TAILS = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
_ROUNDING = 1e-12  # of a replicate that equals theta


def speaker_bootstraps(scores: FloatArray, strata: IntArray, weights: FloatArray) -> list[tuple[Interval, Interval]]:
    """Return percentile and BCa interval over resampled speakers of many sets of scores in the same strata.

    Scores have shape ``(n_sets, n_speakers)``; the draws are those of the headline interval.
    """
    differences, _ = replicates(scores, strata, weights)
    return [
        _percentile_and_bca(Stratified(scores=row, strata=strata, weights=weights), np.sort(difference))
        for row, difference in zip(scores, differences, strict=True)
    ]


def _percentile_and_bca(sample: Stratified, difference: FloatArray) -> tuple[Interval, Interval]:
    """Return both intervals from the sorted theta* - theta."""
    theta = float(sum(w * part.mean() for w, part in zip(sample.weights, sample.parts(), strict=True)))
    below = (np.searchsorted(difference, -_ROUNDING) + np.searchsorted(difference, _ROUNDING)) / 2
    z0 = ndtri(np.clip(below / N_REPLICATES, 1 / N_REPLICATES, 1 - 1 / N_REPLICATES))
    z = z0 + ndtri(_TAILS)
    shares = np.concatenate([_TAILS, ndtr(z0 + z / (1 - _acceleration(sample) * z))])
    ends = theta + np.interp(shares * (N_REPLICATES - 1), np.arange(N_REPLICATES), difference)
    return (
        Interval(low=float(ends[0]), high=float(ends[1]), method="percentile bootstrap over speakers"),
        Interval(low=float(ends[2]), high=float(ends[3]), method="BCa bootstrap over speakers"),
    )


def _acceleration(sample: Stratified) -> float:
    """Return sum L^3 / (6 (sum L^2)^1.5) with the speakers' influence L = w_h (x_i - m_h) / G_h; 0 if all are 0."""
    parts = zip(sample.weights, sample.parts(), strict=True)
    influence = np.concatenate([weight * (part - part.mean()) / len(part) for weight, part in parts])
    below = float((influence**2).sum() ** 1.5)
    return float((influence**3).sum() / (6 * below)) if below > 0 else 0.0


def recording_interval(sample: Stratified, n_recordings: IntArray) -> Interval:
    """Return theta +- 1.96 standard errors of recordings, `n_recordings` per speaker, taken for independent."""
    theta = variance = 0.0
    for h, weight in enumerate(sample.weights):
        counts = n_recordings[sample.strata == h]
        share = float((sample.scores[sample.strata == h] * counts).sum() / counts.sum())
        theta += weight * share
        variance += weight**2 * share * (1 - share) / float(counts.sum())
    reach = float(ndtri(_TAILS[1]) * np.sqrt(variance))
    return Interval(low=theta - reach, high=theta + reach, method="normal interval over recordings")


def recording_bootstrap(counts: FloatArray) -> Interval:
    """Return the percentile bootstrap over recordings, all in one urn; counts are by true class (rows) and answer."""
    total = int(counts.sum())
    if total == 0 or (counts.sum(axis=1) == 0).any():
        return no_interval("a class has no recording")
    generator = np.random.default_rng([SEED, total])
    drawn = generator.multinomial(total, counts.ravel() / total, size=N_REPLICATES)
    values = mean_recalls(drawn.reshape(N_REPLICATES, *counts.shape).astype(np.float64))
    low, high = np.quantile(values, _TAILS)
    return Interval(low=float(low), high=float(high), method="percentile bootstrap over recordings")


def beside(run: Run) -> list[Json]:
    """Return each model's balanced accuracy under the main protocol, with our interval and those of others."""
    return [_beside(run, model) for model in run.models if len(run.rows(model))]


def _beside(run: Run, model: str) -> Json:
    rows, task = run.rows(model), run.task
    speakers = speaker_table(rows, task)
    why_not = why_no_balance(speakers, task)
    intervals: dict[str, Interval] = {}
    if not why_not:
        sample = stratified(speakers, task)
        percentile, bca = speaker_bootstraps(sample.scores[np.newaxis], sample.strata, sample.weights)[0]
        intervals = {
            "bootstrap_t": share_interval(sample),
            "percentile": percentile,
            "bca": bca,
            "recordings": recording_bootstrap(tally(rows, ["model"], task.classes)[1].sum(axis=0)),
        }
    return {
        "model": model,
        "value": plain(balanced(speakers, task)),
        **counts_of(speakers),
        "why_not": why_not or (intervals["bootstrap_t"].why_not or None),
        "intervals": {name: {"low": plain(each.low), "high": plain(each.high)} for name, each in intervals.items()},
    }
