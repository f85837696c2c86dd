"""Can a model's probabilities be taken at their word? Brier score and reliability curve.

Two classes: the probability of the second class against how often it is true. More classes: the probability of the most
probable class against how often that class is the true one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.run_directory.run import Run, Task, scores_of
from reports.statistics.estimate import number
from reports.summary.metrics import mean_number, speaker_table, why_no_scores
from reports.terms import Json

N_BINS = 10


def calibration(run: Run, model: str) -> Json:
    """Return how far the probabilities of `model` under the main protocol can be taken at their word.

    ``brier`` is the score (0 is best; as scikit-learn scales it), ``reliability`` the bins of the curve, without empty
    ones.
    """
    rows, classes = run.rows(model), run.task.classes
    scores = scores_of(rows, classes)
    truth = rows["y_true"].cat.codes.to_numpy()
    if why_not := why_no_scores(scores):
        return {"brier": number(None, why_not=why_not), "reliability": [], "reliability_of": None}
    two = len(classes) == 2
    errors = ((scores - np.eye(len(classes))[truth]) ** 2).sum(axis=1) / 2
    brier: Json = {**mean_number(_over_speakers(rows, errors, run.task), "error")}
    if not two:
        brier |= {key: 2 * brier[key] for key in ("value", "low", "high") if brier[key] is not None}
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
