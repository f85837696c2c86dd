"""Attributes that tell the label by themselves: what a model could hear, or a splitter confuse, in place of the task.

For each attribute the label is predicted from its value alone, for every speaker from the other speakers: the class
that is most frequent among those with the same value, each class weighed to balance; a value that nobody else has is a
guess. The score is balanced accuracy. Its p is how often labels that are permuted among speakers (within each speaker,
where the label is the recording's) score as high, corrected over attributes by Holm. The unit is the speaker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from benchmarks.protocol.tasks import LabelledRecordings, Task
from benchmarks.settings import SEED

N_PERMUTATIONS = 999
N_PERMUTATIONS_WITHIN = 299
"""Of labels within speakers, which take longer; few attributes differ within a speaker, so that fewer are enough."""
N_BINS = 4
LEVEL = 0.05

_SAME_THING = {"accent_bucket": "accent"}
_CATEGORIES = ("gender", "accent", "native_speaker", "age_band", "origin_bucket", "room", "day", "sample_rate_hz")
_NUMBERS = ("duration_s", "take")
_BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Telling:
    """How well one attribute tells the label, over the speakers of whom it is known.

    Attributes
    ----------
    n_values
        Different values, after sorting numbers into `N_BINS` equally large bins.
    score, chance
        Balanced accuracy with speakers held out, and what guessing gives.
    p, p_holm
        Of the permutation test, as it is and corrected over attributes.
    """

    attribute: str
    n_values: int
    n_speakers: int
    score: float
    chance: float
    p: float
    p_holm: float = 1.0

    @property
    def is_significant(self) -> bool:
        """Tell whether the attribute predicts the label better than chance."""
        return self.p_holm < LEVEL


def telling_attributes(labelled: LabelledRecordings, task: Task) -> list[Telling]:
    """Return how well each attribute tells the label, best first, but the task's own and those with one value."""
    units = _units(labelled, task)
    label = units["label"].map({name: code for code, name in enumerate(labelled.classes)}).to_numpy()
    speaker = pd.factorize(units["speaker"])[0]
    rng = np.random.default_rng([SEED, 77])
    number = N_PERMUTATIONS if task.per_speaker else N_PERMUTATIONS_WITHIN
    permuted = np.stack([label, *(_permuted(label, speaker, task.per_speaker, rng) for _ in range(number))])
    own = (task.column, _SAME_THING.get(task.column))
    judged: list[Telling] = []
    for name in (name for name in (*_CATEGORIES, *_NUMBERS) if name not in own):
        value = _coded(units[name], name in _NUMBERS)
        known = value >= 0
        n_values, n_classes = len(np.unique(value[known])), len(np.unique(label[known]))
        if n_values < 2 or n_classes < 2 or _is_constant(task, value, speaker):
            continue
        scores = _scores(permuted[:, known], value[known], speaker[known], len(labelled.classes))
        judged.append(
            Telling(
                attribute=name,
                n_values=n_values,
                n_speakers=len(np.unique(speaker[known])),
                score=float(scores[0]),
                chance=1 / n_classes,
                p=float((scores >= scores[0] - 1e-12).mean()),
            )
        )
    return _corrected(judged)


def _corrected(judged: list[Telling]) -> list[Telling]:
    if not judged:
        return []
    corrected = multipletests([each.p for each in judged], method="holm")[1]
    told = [replace(each, p_holm=float(p_holm)) for each, p_holm in zip(judged, corrected, strict=True)]
    return sorted(told, key=lambda each: (each.p_holm, -each.score, each.attribute))


def _units(labelled: LabelledRecordings, task: Task) -> pd.DataFrame:
    """Return a row per speaker, or per speaker and label where labels are the recordings', with every attribute."""
    samples, rate = (labelled.recordings[name].astype("float64") for name in ("n_samples", "sample_rate_hz"))
    day = labelled.recordings["recorded_on"].str.slice(0, 8)
    table = labelled.recordings.assign(label=labelled.labels.to_numpy(), day=day, duration_s=samples / rate)
    keys = ["speaker"] if task.per_speaker else ["speaker", "label"]
    rows = table.groupby(keys, sort=True)
    first = {
        name: rows[name].agg(_most_frequent) for name in dict.fromkeys(("label", *_CATEGORIES)) if name not in keys
    }
    means = {name: rows[name].mean() for name in _NUMBERS}
    return pd.DataFrame({**first, **means}).reset_index()


def _most_frequent(values: pd.Series) -> Any:
    counts = values.value_counts(sort=False)
    return None if counts.empty else min(counts.index[counts == counts.max()], key=str)


def _coded(values: pd.Series, is_number: bool) -> NDArray[np.int64]:
    """Return values as numbers from 0, -1 where missing; numbers in bins that hold equally many of them."""
    if is_number and values.notna().any():
        ranks = values.rank(method="average", pct=True)
        return np.where(values.notna(), np.ceil(ranks.fillna(1) * N_BINS).astype(int) - 1, -1)
    return pd.factorize(values, sort=False)[0].astype(np.int64)


def _is_constant(task: Task, value: NDArray[np.int64], speaker: NDArray[Any]) -> bool:
    """Tell whether every speaker has one value, where labels differ within a speaker: then it cannot tell them."""
    return not task.per_speaker and bool((pd.Series(value).groupby(speaker).nunique() <= 1).all())


def _permuted(label: NDArray[Any], speaker: NDArray[Any], per_speaker: bool, rng: np.random.Generator) -> NDArray[Any]:
    if per_speaker:
        return rng.permutation(label)
    order = np.lexsort((rng.random(len(label)), speaker))
    permuted = label.copy()
    permuted[np.argsort(speaker, kind="stable")] = label[order]
    return permuted


def _scores(labels: NDArray[Any], value: NDArray[Any], speaker: NDArray[Any], n_classes: int) -> NDArray[np.float64]:
    """Return the balanced accuracy of every row of `labels`, shape ``(n_permutations + 1, n_units)``."""
    same_value = (value[:, None] == value[None]).astype(np.float32)
    others = (speaker[:, None] != speaker[None]).astype(np.float32)
    batches = [
        _batch(labels[start : start + _BATCH], same_value * others, others, n_classes)
        for start in range(0, len(labels), _BATCH)
    ]
    return np.concatenate(batches)


def _batch(
    labels: NDArray[Any], alike: NDArray[np.float32], others: NDArray[np.float32], n_classes: int
) -> NDArray[np.float64]:
    one_hot = (labels[..., None] == np.arange(n_classes)).astype(np.float32)  # (permutations, units, classes)
    of_value, of_all = _summed(alike, one_hot), _summed(others, one_hot)
    shares = of_value / np.maximum(of_all, 1)
    best = shares >= shares.max(axis=2, keepdims=True) - 1e-6
    credit = (best * one_hot).sum(axis=2) / best.sum(axis=2)
    counts = one_hot.sum(axis=1)
    recalls = (one_hot * credit[..., None]).sum(axis=1) / np.maximum(counts, 1)
    scores: NDArray[np.float64] = recalls.sum(axis=1).astype(np.float64) / (counts > 0).sum(axis=1)
    return scores


def _summed(chosen: NDArray[np.float32], one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the classes of the units that `chosen` names for each unit, counted: one product for all permutations."""
    columns = one_hot.transpose(1, 0, 2).reshape(one_hot.shape[1], -1)
    counted: NDArray[np.float32] = (chosen @ columns).reshape(one_hot.shape[1], one_hot.shape[0], -1)
    return counted.transpose(1, 0, 2)
