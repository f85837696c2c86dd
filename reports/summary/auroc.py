"""The area under the ROC curve: how often a recording of the second class scores above one of the first.

Only pairs of the same fold, repetition and seed are compared: scores of different models have no common scale. With
two classes that belong to speakers the share of concordant pairs is kept per pair of speakers, and its variance comes
from the means of the rows and columns of that matrix (DeLong et al. 1988, Biometrics 44, 837-845; for clusters
Obuchowski 1997, Biometrics 53, 567-578); logit, t with Satterthwaite's degrees of freedom. More classes: the mean over
one class against the rest, without an interval.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import rankdata

from reports.run_directory.run import Task, scores_of
from reports.statistics.estimate import Counts, Estimate, number
from reports.statistics.intervals import NO_VARIATION, FloatArray, Interval, no_interval, too_few, transformed_t
from reports.summary.metrics import SPLIT_KEYS, why_no_scores


def area(rows: pd.DataFrame, task: Task) -> Estimate:
    """Return the area under the curve of one model's predictions, as a number."""
    counted = Counts(n_speakers=rows["speaker"].nunique(), n_recordings=rows["recording_id"].nunique())
    scores = scores_of(rows, task.classes)
    if why_not := why_no_scores(scores):
        return number(None, **counted, why_not=why_not)
    if len(task.classes) != 2 or not task.per_speaker:
        value = _one_against_rest(rows, scores, task)
        return number(value, **counted, why_not="given for two classes that belong to speakers only")
    matrix = concordance(rows, scores[:, 1])
    if np.isnan(matrix).all():
        return number(None, **counted, why_not="no fold has both classes")
    return number(float(np.nanmean(matrix)), _interval(rows, matrix, task), **counted)


def concordance(rows: pd.DataFrame, scores: FloatArray) -> FloatArray:
    """Return the share of concordant pairs of recordings for every pair of speakers, ties counting half.

    Parameters
    ----------
    rows
        Predictions of one model, of a task with two classes that belong to speakers.
    scores
        Score of the second class, shape ``(n_rows,)``.

    Returns
    -------
    matrix
        Speakers of the second class by those of the first, in order of their names; NaN where two never share a fold.
    """
    second = rows["y_true"].cat.codes.to_numpy() == 1
    names = rows["speaker"].astype(str).to_numpy()
    place = [{name: i for i, name in enumerate(np.unique(names[chosen]))} for chosen in (second, ~second)]
    total, n_splits = np.zeros((2, len(place[0]), len(place[1])))
    table = pd.DataFrame({"speaker": names, "second": second, "score": scores})
    for _, split in table.groupby([rows[key].to_numpy() for key in SPLIT_KEYS], sort=True):
        sides = [split[split["second"] == side].groupby("speaker", sort=True)["score"] for side in (True, False)]
        first = {str(name): np.sort(values.to_numpy()) for name, values in sides[1]}
        for name, values in sides[0]:
            for other, below in first.items():
                cell = (place[0][str(name)], place[1][other])
                total[cell] += _above(values.to_numpy(), below)
                n_splits[cell] += 1
    matrix: FloatArray = np.divide(total, n_splits, out=np.full(total.shape, np.nan), where=n_splits > 0)
    return matrix


def _above(values: FloatArray, ordered: FloatArray) -> float:
    """Return the share of pairs in which `values` lie above `ordered` (sorted), ties counting half."""
    left, right = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return float((left + right).mean() / 2 / len(ordered))


def _interval(rows: pd.DataFrame, matrix: FloatArray, task: Task) -> Interval:
    classes = rows.groupby("speaker", observed=True)["y_true"].first().astype(str)
    if why_not := too_few(classes.to_list(), task.classes):
        return no_interval(why_not)
    value = float(np.nanmean(matrix))
    if not 0 < value < 1:
        return no_interval(NO_VARIATION)
    sides = [np.nanmean(side[~np.isnan(side).all(axis=1)], axis=1) for side in (matrix, matrix.T)]
    if min(len(side) for side in sides) < 2:
        return no_interval("a class has one speaker")
    variances = [float(side.var(ddof=1)) / len(side) / (value * (1 - value)) ** 2 for side in sides]
    degrees = [len(side) - 1 for side in sides]
    return transformed_t((logit, expit), value, variances, degrees, "row and column means of pairs of speakers, logit")


def _one_against_rest(rows: pd.DataFrame, scores: FloatArray, task: Task) -> float:
    """Return the mean over splits of the mean over classes, NaN where no split has two classes."""
    truth = rows["y_true"].cat.codes.to_numpy()
    splits = rows.groupby(SPLIT_KEYS, observed=True, sort=True).indices.values()
    means = []
    for places in splits:
        areas = [_area_of(scores[places, label], truth[places] == label) for label in range(len(task.classes))]
        known = [area for area in areas if not np.isnan(area)]
        if known:
            means.append(sum(known) / len(known))
    return sum(means) / len(means) if means else float("nan")


def _area_of(scores: FloatArray, positive: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return float("nan")
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))
