"""Fixtures of the guards: four embedded speakers, a table of 60 speakers, and a run with drawn answers.

All of it is made in seconds from fixed seeds, without a download. Voices and answers are synthetic: they serve for time
alone.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.protocol.folds import make_plan
from benchmarks.protocol.tasks import LabelledRecordings, find_task, label_recordings
from features.cache.content_hashes import content_hashes
from features.corpora.audiomnist import open_audiomnist
from features.corpora.recordings import Corpus, recordings_table
from features.corpora.virtual.corpus import speak
from reports.run_directory import tables
from reports.summary.summary import write_summary

SPEAKERS = (1, 2, 31, 32)
MODELS = ("svm", "xgboost")
GENDER = find_task("gender")


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Return 200 recordings of two women and two men as files, their content hashed."""
    folder = tmp_path_factory.mktemp("voices")
    speak(folder, speakers=SPEAKERS)
    corpus = open_audiomnist(folder)
    hashes = content_hashes(corpus, tmp_path_factory.mktemp("hashes"))
    return dataclasses.replace(corpus, recordings=corpus.recordings.assign(content_hash=hashes))


@pytest.fixture(scope="session")
def known() -> LabelledRecordings:
    """Return 3,000 labelled recordings, none of which is there."""
    return labelled()


def labelled(n_takes: int = 5) -> LabelledRecordings:
    """Return a table of 60 speakers, 10 digits and `n_takes` recordings of each, labelled with gender."""
    table = recordings_table(
        {
            "recording_id": f"{digit}_{speaker:02d}_{take}",
            "path": f"{speaker:02d}/{digit}_{speaker:02d}_{take}.wav",
            "speaker": f"{speaker:02d}",
            "digit": digit,
            "take": take,
            "gender": "female" if speaker % 5 < 2 else "male",
            "accent": ("German", "German", "French")[speaker % 3],
        }
        for speaker in range(1, 61)
        for digit in range(10)
        for take in range(n_takes)
    )
    return label_recordings(table, GENDER)


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run directory of two models with drawn answers, with a summary and no page yet."""
    folder = tmp_path_factory.mktemp("run")
    recordings = labelled(n_takes=1)
    plan = make_plan(recordings, GENDER, "grouped", n_folds=5, premium=False)
    tested = plan.folds[plan.folds["role"] == "test"].drop(columns="role")
    predictions = _predictions(tested.merge(recordings.recordings, on="recording_id"), recordings.classes)
    tables.write(recordings.recordings, "recordings", folder)
    tables.write(pd.DataFrame({"recording": [], "reason": []}, dtype="str"), "quarantine", folder)
    tables.write(plan.folds, "folds", folder)
    tables.write(predictions, "predictions", folder)
    tables.write(_timings(), "timings", folder)
    manifest = {
        "task": {**dataclasses.asdict(GENDER), "classes": recordings.classes},
        "protocol": {"name": "grouped"},
        "models": [{"name": name} for name in MODELS],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    write_summary(folder)
    return folder


def _predictions(tested: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Answer rightly more often for some speakers than for others."""
    rng = np.random.default_rng(0)
    parts = []
    for model in MODELS:
        skill = dict(zip(sorted(tested["speaker"].unique()), rng.uniform(0.6, 1, 60), strict=True))
        right = rng.random(len(tested)) < tested["speaker"].map(skill)
        score = np.where(right == (tested["gender"] == classes[1]), 0.8, 0.2)
        parts.append(
            tested.assign(
                model=model,
                seed=0,
                y_true=tested["gender"],
                y_pred=np.where(score > 0.5, classes[1], classes[0]),
                scores=list(np.stack([1 - score, score], axis=1)),
            )
        )
    columns: list[str] = tables.SCHEMAS["predictions"].names
    return pd.concat(parts, ignore_index=True)[columns]


def _timings() -> pd.DataFrame:
    rows = [
        (model, phase, n, s) for model in MODELS for phase, n, s in (("fit", 480, 0.5), ("predict-batch", 120, 1.0))
    ]
    table = pd.DataFrame(rows, columns=["model", "phase", "n_recordings", "seconds"])
    numbers = {"repetition": 0, "fold": 0, "seed": 0, "peak_rss_bytes": 1, "threads": 1}
    return table.assign(protocol="grouped", contended=False, machine="a machine", load=0.5, **numbers)
