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
"""Differences smaller than that are the same for every practical purpose: 1 point. Two models are called equal only if
the whole interval of their difference lies within it."""

_NEGLIGIBLE = 1e-12
_WHY_NOT = {
    RANDOM: "the folds share their speakers",
    CONTROL.removesuffix("-control"): "each fold tests another accent",
}
"""Protocols whose folds cannot be compared."""


def fold_difference(run: Run, a: str, b: str) -> Json:
    """Return the fold-level comparison of models `a` and `b` in balanced accuracy under the main protocol."""
    if why_not := _WHY_NOT.get(run.protocol):
        return _not_estimable(why_not)
    of_a, of_b = (fold_values(run, model) for model in (a, b))
    both = of_a.index.intersection(of_b.index)
    differences = (of_a.loc[both] - of_b.loc[both]).to_numpy(dtype=np.float64)
    if np.isnan(differences).any():
        return _not_estimable("a fold lacks a class")
    n_folds = both.get_level_values("fold").nunique()
    if n_folds < 2:
        return _not_estimable("fewer than two folds")
    return corrected(differences, n_folds, tested_to_fitted(run))


def fold_values(run: Run, model: str) -> pd.Series:
    """Return the balanced accuracy of every repetition and fold, seeds averaged; NaN where a class does not occur."""
    rows, split = run.rows(model), ["repetition", "fold"]
    complete = (rows.groupby(split)["y_true"].nunique() == len(run.task.classes)).to_dict()
    of_splits = speaker_table(rows, run.task, split).groupby(split, sort=True)
    values = {key: balanced(speakers, run.task) if complete[key] else np.nan for key, speakers in of_splits}
    return pd.Series(list(values.values()), pd.MultiIndex.from_tuples(list(values), names=split), dtype=np.float64)


def tested_to_fitted(run: Run) -> float:
    """Return tested speakers for each speaker that was fitted on, mean over folds."""
    fitted_on = ["train", "validation"] if run.manifest["protocol"].get("refit", True) else ["train"]
    folds = run.folds[run.folds["protocol"] == run.protocol]
    speakers = folds.merge(run.recordings[["recording_id", "speaker"]], on="recording_id")
    n_test, n_train = (
        speakers[speakers["role"].isin(roles)].groupby(["repetition", "fold"])["speaker"].nunique()
        for roles in (["test"], fitted_on)
    )
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
