"""How well each model answers: per speaker, per class, over all, per fold.

The unit is the speaker. x_i is the accuracy of speaker i (where the class does not belong to the speaker: the mean
recall over the classes that the speaker says), averaged over repetitions and seeds first. Speakers fall into strata h:
the task's classes, or the genders where the class does not belong to the speaker. theta = sum_h w_h m_h with m_h the
mean of x_i in stratum h; w_h = 1/H for balanced accuracy, and the stratum's share of the speakers for accuracy and for
classes that do not belong to the speaker. Counted answers are arrays of shape ``(n, n_classes, n_classes)``: true
class, then answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports.run_directory.run import Run, Task
from reports.statistics.estimate import Counts, Estimate, number, plain
from reports.statistics.intervals import (
    FloatArray,
    Stratified,
    equal_strata,
    fisher_interval,
    mover_interval,
    share_interval,
    shared_strata,
    too_few,
)
from reports.terms import Json

SPLIT_KEYS = ["repetition", "fold", "seed"]


class BalancedAccuracy(Estimate):
    """A balanced accuracy; ``check`` is the interval by MOVER, null where that is not estimable."""

    check: Json | None


def tally(rows: pd.DataFrame, keys: Sequence[str], classes: Sequence[str]) -> tuple[pd.DataFrame, FloatArray]:
    """Return the combinations of `keys` that occur in `rows`, sorted, a row each, and the answers counted for each.

    Counts are float64 of shape ``(n_combinations, n_classes, n_classes)``.
    """
    grouped, n_classes = rows.groupby(list(keys), observed=True, sort=True), len(classes)
    combinations = grouped.size().index.to_frame(index=False)
    true, answer = (rows[column].cat.codes.to_numpy() for column in ("y_true", "y_pred"))
    flat = (grouped.ngroup().to_numpy(dtype=np.int64) * n_classes + true) * n_classes + answer
    counts = np.bincount(flat, minlength=len(combinations) * n_classes**2)
    return combinations, counts.reshape(-1, n_classes, n_classes).astype(np.float64)


def accuracies(counts: FloatArray) -> FloatArray:
    """Return the share of right answers of each matrix, shape ``(n,)``, NaN for an empty one."""
    return _ratio(np.trace(counts, axis1=1, axis2=2), counts.sum(axis=(1, 2)))


def recalls(counts: FloatArray) -> FloatArray:
    """Return the recall of each class, shape ``(n, n_classes)``, NaN where a class does not occur."""
    return _ratio(np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2))


def mean_recalls(counts: FloatArray) -> FloatArray:
    """Return the mean recall over the classes that occur in each matrix, shape ``(n,)``."""
    values = recalls(counts)
    return _ratio(np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1).astype(np.float64))


def matthews(counts: FloatArray) -> FloatArray:
    """Return Matthews' correlation of each matrix, shape ``(n,)``, NaN where all truths or all answers are alike.

    Many classes: R_K of Gorodkin (2004), Comput. Biol. Chem. 28, 367-374.
    """
    truths, answers, total = counts.sum(axis=2), counts.sum(axis=1), counts.sum(axis=(1, 2))
    covariance = np.trace(counts, axis1=1, axis2=2) * total - (truths * answers).sum(axis=1)
    spread = (total**2 - (truths**2).sum(axis=1)) * (total**2 - (answers**2).sum(axis=1))
    return _ratio(covariance, np.sqrt(np.maximum(spread, 0.0)))


def speaker_table(rows: pd.DataFrame, task: Task, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return x_i for every speaker, or for every speaker in every group of the attributes `by`.

    Sorted; columns `by`, ``speaker``, ``score`` (x_i), ``accuracy`` (share of right answers), ``stratum``,
    ``n_recordings`` (different ones).
    """
    keys = [*by, "speaker"]
    drawings, counts = tally(rows, list(dict.fromkeys([*keys, "repetition", "seed"])), task.classes)
    shares = accuracies(counts)
    scored = drawings.assign(accuracy=shares, score=shares if task.per_speaker else mean_recalls(counts))
    means = scored.groupby(keys, observed=True, sort=True)[["score", "accuracy"]].mean()
    grouped = rows.groupby(keys, observed=True, sort=True)
    strata = grouped["y_true" if task.per_speaker else "gender"].first()
    return means.assign(stratum=strata, n_recordings=grouped["recording_id"].nunique()).reset_index()


def balanced(speakers: pd.DataFrame, task: Task) -> float:
    """Return theta with the weights of balanced accuracy, NaN where a class has no speaker."""
    if not task.per_speaker:
        return float(speakers["score"].mean())
    if set(task.classes) - set(speakers["stratum"]):
        return float("nan")
    return float(speakers.groupby("stratum", observed=True)["score"].mean().mean())


def why_no_balance(speakers: pd.DataFrame, task: Task) -> str:
    """Say why balanced accuracy has no value or no interval with these speakers; empty where they are enough."""
    lacking = [label for label in task.classes if task.per_speaker and label not in set(speakers["stratum"])]
    if speakers.empty:
        return "nothing was predicted"
    if lacking:
        return "no speaker was tested of: " + ", ".join(lacking)
    return too_few(speakers["stratum"].to_list(), task.classes if task.per_speaker else ())


def stratified(speakers: pd.DataFrame, task: Task) -> Stratified:
    """Return the scores of `speakers` in strata weighted as balanced accuracy weighs them."""
    build = equal_strata if task.per_speaker else shared_strata
    return build(speakers["score"].to_numpy(), speakers["stratum"].to_list())


def balanced_number(speakers: pd.DataFrame, task: Task) -> BalancedAccuracy:
    """Return the balanced accuracy of `speakers` with its interval, and under ``check`` the one by MOVER."""
    value, counted = balanced(speakers, task), counts_of(speakers)
    if why_not := why_no_balance(speakers, task):
        return {**number(value, **counted, why_not=why_not), "check": None}
    sample = stratified(speakers, task)
    mover = mover_interval(sample)
    check: Json = {"low": mover.low, "high": mover.high, "method": mover.method}
    return {**number(value, share_interval(sample), **counted), "check": check if mover.estimable else None}


def mean_number(speakers: pd.DataFrame, column: str = "score", note: str | None = None) -> Estimate:
    """Return the mean of `column`, a share, in which all speakers weigh the same, with its interval."""
    value, counted = float(speakers[column].mean()), counts_of(speakers)
    if note:
        counted["note"] = note
    if why_not := "nothing was predicted" if speakers.empty else too_few(speakers["stratum"].to_list()):
        return number(value, **counted, why_not=why_not)
    sample = shared_strata(speakers[column].to_numpy(), speakers["stratum"].to_list())
    return number(value, share_interval(sample), **counted)


def counts_of(speakers: pd.DataFrame) -> Counts:
    """Return how many speakers and recordings a table of `speaker_table` rests on."""
    return {"n_speakers": int(speakers["speaker"].nunique()), "n_recordings": int(speakers["n_recordings"].sum())}


def model_accuracy(run: Run, model: str) -> Json:
    """Return every number about the accuracy of `model` under the main protocol."""
    rows, task = run.rows(model), run.task
    speakers = speaker_table(rows, task)
    return {
        "balanced_accuracy": balanced_number(speakers, task),
        "accuracy": mean_number(speakers, "accuracy"),
        "mcc": _correlation(rows, speakers, task),
        "recall": {label: _recall(rows, task, label) for label in task.classes},
        "mean_over_folds": over_folds(rows, task),
        "per_speaker": speakers.to_dict("records"),
        "confusion": confusion(rows, task),
        "splits_missing": splits_missing(run, model),
    }


def over_folds(rows: pd.DataFrame, task: Task) -> Json:
    """Return recording-level values per fold and their mean: what other reports call "mean +- sd over folds".

    ``splits`` (repetition, fold, seed, counts, classes that do not occur) and, for each metric, ``folds`` (a value per
    split, null where a class does not occur and the metric needs it), ``value`` (their mean), ``sd`` (over splits, of
    means over seeds) and ``sd_over_seeds``; null where there are fewer than two.
    """
    splits, counts = tally(rows, SPLIT_KEYS, task.classes)
    n_speakers = rows.groupby(SPLIT_KEYS, observed=True, sort=True)["speaker"].nunique().to_numpy()
    absent = counts.sum(axis=2) == 0
    values = {
        "balanced_accuracy": np.where(absent.any(axis=1), np.nan, mean_recalls(counts)),
        "accuracy": accuracies(counts),
        "mcc": matthews(counts),
    }
    counted = [
        {
            **{key: int(split[key]) for key in SPLIT_KEYS},
            "n_speakers": int(n_speakers[i]),
            "n_recordings": int(counts[i].sum()),
            "classes_absent": [label for label, gone in zip(task.classes, absent[i], strict=True) if gone],
        }
        for i, split in enumerate(splits.to_dict("records"))
    ]
    return {"splits": counted, **{name: _fold_means(splits, of_split) for name, of_split in values.items()}}


def confusion(rows: pd.DataFrame, task: Task) -> Json:
    """Return the answers counted over all splits, and as shares of the true class (null where it does not occur)."""
    counts = tally(rows, ["model"], task.classes)[1].sum(axis=0)
    shares = _ratio(counts, counts.sum(axis=1, keepdims=True))
    return {
        "classes": list(task.classes),
        "counts": counts.astype(int).tolist(),
        "shares": [[plain(share) for share in row] for row in shares],
    }


def splits_missing(run: Run, model: str) -> list[Json]:
    """Return the splits of the main protocol for which `model` has no predictions."""
    folds = run.folds[(run.folds["protocol"] == run.protocol) & (run.folds["role"] == "test")]
    planned = sorted(set(zip(folds["repetition"], folds["fold"], strict=True)))
    seeds = run.manifest["protocol"].get("seeds") or [0]
    done = set(run.rows(model)[SPLIT_KEYS].itertuples(index=False, name=None))
    every = [(int(repetition), int(fold), int(seed)) for repetition, fold in planned for seed in seeds]
    return [dict(zip(SPLIT_KEYS, split, strict=True)) for split in every if split not in done]


def why_no_scores(scores: FloatArray) -> str:
    """Say why nothing can be computed from `scores`, a row per answer; empty where every answer has them."""
    n_without = int(np.isnan(scores).any(axis=1).sum())
    if n_without:
        return f"{n_without} of {len(scores)} recordings have no probability"
    return "" if len(scores) else "nothing was predicted"


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """Divide, NaN where the divisor is 0."""
    below = np.broadcast_to(below, above.shape)
    quotient: FloatArray = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return quotient


def _correlation(rows: pd.DataFrame, speakers: pd.DataFrame, task: Task) -> Estimate:
    """Matthews' correlation of answers in which every speaker weighs the same; interval by leaving one speaker out."""
    drawings, counts = tally(rows, ["speaker", "repetition", "seed"], task.classes)
    shares = counts / np.maximum(counts.sum(axis=(1, 2), keepdims=True), 1)
    owners, place = np.unique(drawings["speaker"].astype(str).to_numpy(), return_inverse=True)
    of_speaker = np.zeros((len(owners), *shares.shape[1:]))
    np.add.at(of_speaker, place, shares)
    of_speaker /= np.maximum(np.bincount(place, minlength=len(owners)), 1)[:, np.newaxis, np.newaxis]
    total, counted = of_speaker.sum(axis=0, keepdims=True), counts_of(speakers)
    value = float(matthews(total)[0])
    if np.isnan(value):
        return number(None, **counted, why_not="all answers, or all true classes, are the same")
    if why_not := why_no_balance(speakers, task):
        return number(value, **counted, why_not=why_not)
    strata = speakers.assign(speaker=speakers["speaker"].astype(str)).set_index("speaker")["stratum"]
    interval = fisher_interval(value, matthews(total - of_speaker), strata.loc[owners.tolist()].to_list())
    return number(value, interval, **counted)


def _recall(rows: pd.DataFrame, task: Task, label: str) -> Estimate:
    """Mean over speakers of the share of recordings of class `label` that are recognised."""
    of_class = rows[rows["y_true"] == label]
    if of_class.empty:
        return number(None, why_not=f"no recording of class {label} was tested")
    return mean_number(speaker_table(of_class, task), "accuracy")


def _fold_means(splits: pd.DataFrame, values: FloatArray) -> Json:
    of_split = splits.assign(value=values).dropna(subset=["value"])
    over_splits = of_split.groupby(["repetition", "fold"])["value"].mean()
    over_seeds = of_split.groupby("seed")["value"].mean()
    return {
        "value": plain(of_split["value"].mean()) if len(of_split) else None,
        "sd": plain(over_splits.std(ddof=1)) if len(over_splits) > 1 else None,
        "sd_over_seeds": plain(over_seeds.std(ddof=1)) if len(over_seeds) > 1 else None,
        "folds": [plain(value) for value in values],
    }
