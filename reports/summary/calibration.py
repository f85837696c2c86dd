"""Can a model's probabilities be taken at their word? Brier score and reliability curve.

Two classes: the probability of the second class against how often it is true. More classes: the probability of the most
probable class against how often that class is the true one.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.run_directory.run import Run, Task, scores_of
from reports.statistics.estimate import Estimate, number
from reports.summary.metrics import mean_number, speaker_table
from reports.terms import Json

N_BINS = 10


class Calibration(TypedDict):
    """Brier score (0 is best; as scikit-learn scales it) and bins of the reliability curve, empty ones left out."""

    brier: Estimate
    reliability: list[Json]
    reliability_of: str | None


def calibration(run: Run, model: str) -> Calibration:
    """Return how far the probabilities of `model` under the main protocol can be taken at their word."""
    rows, classes = run.rows(model), run.task.classes
    scores = scores_of(rows, classes)
    truth = rows["y_true"].cat.codes.to_numpy()
    n_without = int(np.isnan(scores).any(axis=1).sum())
    if rows.empty or n_without:
        why = f"{n_without} of {len(rows)} recordings have no probability" if n_without else "nothing was predicted"
        return {"brier": number(None, why_not=why), "reliability": [], "reliability_of": None}
    errors = ((scores - np.eye(len(classes))[truth]) ** 2).sum(axis=1) / (2 if len(classes) == 2 else 1)
    two = len(classes) == 2
    speakers = _over_speakers(rows, errors if two else errors / 2, run.task)
    brier = mean_number(speakers, "error")
    if not two:
        value, low, high = (None if end is None else 2 * end for end in (brier["value"], brier["low"], brier["high"]))
        brier = {**brier, "value": value, "low": low, "high": high}
    top = np.ones(len(rows), dtype=np.int64) if two else scores.argmax(axis=1)
    stated = scores[np.arange(len(rows)), top]
    return {
        "brier": brier,
        "reliability": _bins(stated, truth == top),
        "reliability_of": classes[1] if two else "the most probable class",
    }


def _over_speakers(rows: pd.DataFrame, errors: NDArray[np.float64], task: Task) -> pd.DataFrame:
    per_repetition = rows.assign(error=errors).groupby(["speaker", "repetition", "seed"], observed=True)["error"].mean()
    means = per_repetition.groupby("speaker", observed=True).mean()
    speakers = speaker_table(rows, task)
    return speakers.assign(error=means.loc[speakers["speaker"]].to_numpy())


def _bins(stated: NDArray[np.float64], true: NDArray[np.bool_]) -> list[Json]:
    place = np.clip((stated * N_BINS).astype(np.int64), 0, N_BINS - 1)
    return [
        {
            "from": low / N_BINS,
            "to": (low + 1) / N_BINS,
            "stated": float(stated[place == low].mean()),
            "observed": float(true[place == low].mean()),
            "n_predictions": int((place == low).sum()),
        }
        for low in range(N_BINS)
        if (place == low).any()
    ]
