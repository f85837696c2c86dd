"""Fold against fold: what other training speakers would do to a difference. Secondary to the speakers' own test.

Corrected resampled t (Nadeau and Bengio 2003, Machine Learning 52, 239-281) on the differences of folds, averaged over
seeds, with variance (1/J + n_test/n_train) s^2, n in speakers that were really fitted on, J = repetitions x folds and
folds - 1 degrees of freedom; and the Bayesian correlated t of Corani and Benavoli (2015, Machine Learning 100, 285-304)
with the same variance and a region of practical equivalence of 1 point.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t as student

from reports.run_directory.run import Run
from reports.statistics.estimate import plain
from reports.statistics.intervals import LEVEL, FloatArray
from reports.summary.metrics import balanced, speaker_table
from reports.terms import CONTROL, RANDOM, Json

REGION = 0.01
"""Differences smaller than that are the same for every practical purpose: 1 point."""

_NEGLIGIBLE = 1e-12
_ACCENT_OUT = CONTROL.removesuffix("-control")


def fold_difference(run: Run, a: str, b: str) -> Json:
    """Return the fold-level comparison of models `a` and `b` in balanced accuracy under the main protocol."""
    if run.protocol == RANDOM:
        return _not_estimable("the folds share their speakers")
    if run.protocol == _ACCENT_OUT:
        return _not_estimable("each fold tests another accent")
    values = {model: fold_values(run, model) for model in (a, b)}
    both = values[a].index.intersection(values[b].index)
    differences = (values[a].loc[both] - values[b].loc[both]).to_numpy(dtype=np.float64)
    if np.isnan(differences).any():
        return _not_estimable("a fold lacks a class")
    n_folds = both.get_level_values("fold").nunique()
    if n_folds < 2:
        return _not_estimable("fewer than two folds")
    return corrected(differences, n_folds, tested_to_fitted(run))


def fold_values(run: Run, model: str) -> pd.Series:
    """Return the balanced accuracy of every repetition and fold, speakers weighing equally, seeds averaged.

    NaN where a class does not occur.
    """
    rows, split = run.rows(model), ["repetition", "fold"]
    n_classes = rows.groupby(split)["y_true"].nunique()
    incomplete = set(n_classes.index[n_classes < len(run.task.classes)])
    keys, values = [], []
    for key, speakers in speaker_table(rows, run.task, split).groupby(split, sort=True):
        keys.append(key)
        values.append(np.nan if key in incomplete else balanced(speakers, run.task))
    return pd.Series(values, index=pd.MultiIndex.from_tuples(keys, names=["repetition", "fold"]), dtype=np.float64)


def tested_to_fitted(run: Run) -> float:
    """Return tested speakers for each speaker that was fitted on, mean over folds."""
    refit = bool(run.manifest["protocol"].get("refit", True))
    fitted_on = ("train", "validation") if refit else ("train",)
    folds = run.folds[run.folds["protocol"] == run.protocol]
    speakers = folds.merge(run.recordings[["recording_id", "speaker"]], on="recording_id")
    split = ["repetition", "fold"]
    n_test = speakers[speakers["role"] == "test"].groupby(split)["speaker"].nunique()
    n_train = speakers[speakers["role"].isin(fitted_on)].groupby(split)["speaker"].nunique()
    return float((n_test / n_train).mean())


def corrected(differences: FloatArray, n_folds: int, ratio: float) -> Json:
    """Return the corrected t interval and test, and the Bayesian probabilities.

    Parameters
    ----------
    differences
        One per repetition and fold, shape ``(J,)``.
    n_folds
        Folds of one repetition.
    ratio
        Tested speakers for each one fitted on.
    """
    mean, variance = float(differences.mean()), float(differences.var(ddof=1))
    if variance <= _NEGLIGIBLE:
        return _not_estimable("all folds have the same difference", mean)
    scale = float(np.sqrt((1 / len(differences) + ratio) * variance))
    df = n_folds - 1
    reach = float(student.ppf((1 + LEVEL) / 2, df)) * scale
    below, upto = (float(student.cdf((edge - mean) / scale, df)) for edge in (-REGION, REGION))
    return {
        "value": mean,
        "low": mean - reach,
        "high": mean + reach,
        "method": "corrected resampled t over folds",
        "estimable": True,
        "why_not": None,
        "p": float(2 * student.sf(abs(mean) / scale, df)),
        "df": df,
        "n_folds": len(differences),
        "test_to_train": ratio,
        "probability": {"a": 1 - upto, "equal": upto - below, "b": below},
    }


def _not_estimable(why_not: str, mean: float | None = None) -> Json:
    nothing = dict.fromkeys(("low", "high", "method", "p", "df", "n_folds", "test_to_train", "probability"))
    return {"value": plain(mean), **nothing, "estimable": False, "why_not": why_not}
