"""The speakers and recordings that models get wrong most, so that a person can look and listen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports.run_directory.run import Run, scores_of
from reports.run_directory.tables import GROUP_COLUMNS
from reports.statistics.estimate import plain
from reports.summary.metrics import speaker_table
from reports.terms import Json

N_SHOWN = 10

MAX_PER_SPEAKER = 2
"""Recordings shown of one speaker, so that the list is not one person's."""


def most_wrong(run: Run) -> Json:
    """Return the hardest ``speakers`` and ``recordings`` of the main protocol; baselines do not count."""
    models = run.judged
    rows = pd.concat([run.rows(model) for model in models])
    if rows.empty:
        return {"models": list(models), "speakers": [], "recordings": []}
    speakers, recordings = _speakers(run, rows, models), _recordings(run, rows, len(models))
    return {"models": list(models), "speakers": speakers, "recordings": recordings}


def example_name(recording_id: str) -> str:
    """Return the name, without suffix, of the picture of a recording in ``examples/``; safe as a file name."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", recording_id).lstrip(".") or "_"
    return safe if safe == recording_id else f"{safe}-{hashlib.sha256(recording_id.encode()).hexdigest()[:8]}"


def _speakers(run: Run, rows: pd.DataFrame, models: Sequence[str]) -> list[Json]:
    scores = pd.concat([speaker_table(rows[rows["model"] == model], run.task, ["model"]) for model in models])
    by_model = scores.pivot(index="speaker", columns="model", values="score")
    mean = by_model.mean(axis=1).rename("mean").reset_index().sort_values(["mean", "speaker"]).head(N_SHOWN)
    known = rows.drop_duplicates("speaker").set_index("speaker")
    n_recordings = rows.groupby("speaker", observed=True)["recording_id"].nunique()
    return [
        {
            "speaker": str(speaker),
            "mean": plain(value),
            "models": {str(model): plain(score) for model, score in by_model.loc[speaker].items()},
            "n_recordings": int(n_recordings[speaker]),
            **{name: str(known.at[speaker, name]) for name in GROUP_COLUMNS},
        }
        for speaker, value in zip(mean["speaker"], mean["mean"], strict=True)
    ]


def _recordings(run: Run, rows: pd.DataFrame, n_models: int) -> list[Json]:
    wrong = (rows["y_pred"] != rows["y_true"]).to_numpy()
    scores = scores_of(rows, run.task.classes)
    truth = rows["y_true"].cat.codes.to_numpy()
    judged = rows.assign(wrong=wrong, given=scores[np.arange(len(rows)), truth])
    summed = judged.groupby("recording_id", observed=True, sort=True).agg(
        speaker=("speaker", "first"), y_true=("y_true", "first"), share=("wrong", "mean"), given=("given", "mean")
    )
    erring = judged[judged["wrong"]].groupby("recording_id", observed=True)["model"].nunique()
    summed = summed[summed["share"] > 0].assign(n_models_wrong=erring).reset_index()
    summed = summed.sort_values(["share", "given", "recording_id"], ascending=[False, True, True])
    shown = summed.groupby("speaker", observed=True, sort=False).head(MAX_PER_SPEAKER).head(N_SHOWN)
    return [
        {
            **{key: str(row[key]) for key in ("recording_id", "speaker", "y_true")},
            "n_models_wrong": int(row["n_models_wrong"]),
            "n_models": n_models,
            "share_wrong": plain(row["share"]),
            "probability_of_truth": plain(row["given"]),
            "example": example_name(str(row["recording_id"])),
        }
        for row in shown.to_dict("records")
    ]
