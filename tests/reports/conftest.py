"""Run directories made of random answers, in the shape that `benchmarks` writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports.run_directory import tables
from reports.summary.summary import summarise

HOSTILE = "<script>alert('x')</script> & \"co\" $a_b$"
"""A speaker's name that must never reach the page as markup."""

BASELINES = ("majority", "logistic")

ACCENTS = ("German", "German", "German", "Spanish", "German", "Tamil")


@dataclass
class Recipe:
    """How a run directory is to look; the defaults are a healthy run."""

    n_women: int = 10
    n_men: int = 14
    n_takes: int = 2
    digits: int = 10
    n_folds: int = 4
    repetitions: int = 1
    seeds: tuple[int, ...] = (0,)
    models: tuple[str, ...] = ("svm", "xgboost", "cnn")
    accuracy: tuple[float, ...] = (0.80, 0.76, 0.83)
    baseline: bool = True
    premium: bool = True
    protocol: str = "grouped"
    task: str = "gender"
    no_scores: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    failed_cells: tuple[tuple[str, int], ...] = ()
    corpus: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    hostile: bool = True
    quarantined: int = 2
    random_seed: int = 7


def speakers(recipe: Recipe) -> pd.DataFrame:
    n = recipe.n_women + recipe.n_men
    gender = ["female"] * recipe.n_women + ["male"] * recipe.n_men
    accent = [ACCENTS[i % len(ACCENTS)] for i in range(n)]
    table = pd.DataFrame({"speaker": [f"{i + 1:02d}" for i in range(n)], "gender": gender, "accent": accent})
    if recipe.hostile:
        table.loc[n - 1, "speaker"] = HOSTILE
    counts = table["accent"].value_counts()
    table["accent_bucket"] = table["accent"].where(table["accent"].map(counts) >= 5, "other")
    table["accent_raw"] = table["accent"].where(table.index != 2, "german ")
    table["age"] = pd.array([22 + i % 14 for i in range(n)], dtype="Int64")
    table["age_raw"] = table["age"].astype("str")
    table.loc[min(4, n - 1), ["age", "age_raw"]] = [pd.NA, "1234"]
    band = pd.cut(table["age"].astype("Float64"), [0, 24, 29, 99], labels=["up to 24", "25-29", "30 and over"])
    table["age_band"] = band.astype("object")
    table["native_speaker"] = ["yes" if i % 9 == 0 else "no" for i in range(n)]
    table["origin"] = [("Europe, Germany, Berlin", "Asia, India, Chennai", None)[i % 3] for i in range(n)]
    table["origin_bucket"] = [("Germany", "elsewhere", None)[i % 3] for i in range(n)]
    table["room"] = [("Kino", "Ruheraum", "VR-Room", None)[i % 4] for i in range(n)]
    table["room_raw"] = table["room"].where(table["room"] != "VR-Room", "vr-romm")
    for name in ("gender", "native_speaker", "origin"):
        table[f"{name}_raw"] = table[name]
    for name in recipe.without:
        table[name] = None
    return table


def recordings(recipe: Recipe) -> pd.DataFrame:
    each = pd.MultiIndex.from_product([range(recipe.digits), range(recipe.n_takes)], names=["digit", "take"])
    table = speakers(recipe).merge(each.to_frame(index=False), how="cross")
    number = table.groupby("speaker", sort=False).ngroup() + 1
    table["recording_id"] = [
        f"{digit}_{n:02d}_{take}" for digit, n, take in zip(table["digit"], number, table["take"], strict=True)
    ]
    table["path"] = "data/" + table["recording_id"] + ".wav"
    table = table.assign(recorded_on=None, sample_rate_hz=48000, n_samples=30000, content_hash=table["recording_id"])
    return table.sort_values("recording_id", ignore_index=True)


def folds(recipe: Recipe, rows: pd.DataFrame) -> pd.DataFrame:
    """Whole speakers in turn, women and men apart; under recording-random whatever the shuffle gives."""
    random = np.random.default_rng(recipe.random_seed)
    parts = []
    for repetition in range(recipe.repetitions):
        order = speakers(recipe).assign(key=random.random(recipe.n_women + recipe.n_men))
        order = order.sort_values(["gender", "key"])
        held_out = dict(zip(order["speaker"], np.arange(len(order)) % recipe.n_folds, strict=True))
        part = rows["speaker"].map(held_out).to_numpy()
        if recipe.protocol == "recording-random":
            part = random.permutation(part)
        parts.append(_roles(rows, part, recipe, repetition))
    if recipe.premium and recipe.protocol != "recording-random":
        table = _roles(rows, random.permutation(parts[0].query("fold == 0")["held_out"].to_numpy()), recipe, 0)
        parts.append(table.query("fold == 0").assign(protocol="recording-random"))
    return pd.concat(parts, ignore_index=True).drop(columns="held_out")


def _roles(rows: pd.DataFrame, part: np.ndarray, recipe: Recipe, repetition: int) -> pd.DataFrame:
    tables_ = []
    for fold in range(recipe.n_folds):
        role = np.where(part == fold, "test", np.where(part == (fold + 1) % recipe.n_folds, "validation", "train"))
        if recipe.n_folds == 1:
            role = np.where(np.arange(len(rows)) % 2 == 0, "test", "train")
        tables_.append(
            pd.DataFrame(
                {
                    "protocol": recipe.protocol,
                    "recording_id": rows["recording_id"],
                    "repetition": repetition,
                    "fold": fold,
                    "role": role,
                    "held_out": part,
                }
            )
        )
    return pd.concat(tables_, ignore_index=True)


def predictions(recipe: Recipe, rows: pd.DataFrame, split: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    random = np.random.default_rng(recipe.random_seed + 1)
    tested = split[split["role"] == "test"].drop(columns="role").merge(rows, on="recording_id")
    skill = {speaker: random.normal(0, 0.12) for speaker in sorted(rows["speaker"].unique())}
    names = [*zip(recipe.models, recipe.accuracy, strict=False)] + [("majority", 0.0)] * recipe.baseline
    parts = []
    for name, accuracy in names:
        for seed in recipe.seeds:
            table = tested.assign(
                model=name, seed=seed, y_true=tested["digit" if recipe.task == "digit" else recipe.task]
            )
            table["y_true"] = table["y_true"].astype(str)
            chance = accuracy + table["speaker"].map(skill) + 0.12 * (table["protocol"] == "recording-random")
            right = random.random(len(table)) < chance
            other = table["y_true"].map(dict(zip(classes, classes[1:] + classes[:1], strict=True)))
            table["y_pred"] = table["y_true"].where(right, other)
            if name == "majority" or name in recipe.constant:
                table["y_pred"] = classes[-1]
            parts.append(table.assign(scores=_scores(table, classes, random, name in recipe.no_scores)))
    found = pd.concat(parts, ignore_index=True)
    for name, fold in recipe.failed_cells:
        found = found[~((found["model"] == name) & (found["fold"] == fold) & (found["protocol"] == recipe.protocol))]
    return found[tables.SCHEMAS["predictions"].names]


def _scores(table: pd.DataFrame, classes: list[str], random: np.random.Generator, absent: bool) -> list[np.ndarray]:
    share = random.uniform(0.5, 1, len(table))[:, None]
    chosen = np.array(classes)[None, :] == table["y_pred"].to_numpy(dtype=object)[:, None]
    scores = np.where(chosen, share, (1 - share) / (len(classes) - 1))
    return list(np.full_like(scores, np.nan) if absent else scores)


def timings(recipe: Recipe) -> pd.DataFrame:
    cost = {"svm": (0.4, 38e-6), "xgboost": (3.2, 12e-6), "cnn": (41.0, 390e-6)}
    rows: list[tuple[Any, ...]] = [("features", "", 0, 0, 0, "extract", 480, 0.21, 1)]
    for name in recipe.models:
        fit, ask = cost.get(name, (1.0, 1e-4))
        for fold in range(recipe.n_folds):
            cell = (name, recipe.protocol, 0, fold, 0)
            rows += [(*cell, "import", 0, 0.9, 2), (*cell, "select", 400, 2 * fit, 2), (*cell, "fit", 400, fit, 2)]
            rows += [(*cell, "first-call", 1, 50 * ask, 2), (*cell, "predict-batch", 100, 100 * ask, 2)]
            rows += [(*cell, "predict-one", 1, ask * (20 + i % 7), 2) for i in range(100)]
    columns = ["model", "protocol", "repetition", "fold", "seed", "phase", "n_recordings", "seconds", "threads"]
    return pd.DataFrame(rows, columns=columns).assign(
        peak_rss_bytes=412_000_000, contended=False, machine="a machine", load=0.5
    )


def manifest(recipe: Recipe, rows: pd.DataFrame, classes: list[str]) -> dict[str, Any]:
    models = [*recipe.models, "majority"] if recipe.baseline else list(recipe.models)
    failed = [
        {"cell": f"{name}-{recipe.protocol}-r0-f{fold}-s0", "error": "killed <9>"} for name, fold in recipe.failed_cells
    ]
    return {
        "schema": "voxfold-run/1",
        "created": "2025-03-04T05:06:07+00:00",
        "task": {
            "name": recipe.task,
            "classes": classes,
            "attribute": "gender" if recipe.task == "gender" else None,
            "per_speaker": recipe.task != "digit",
            "question": "is the speaker a woman or a man?",
        },
        "protocol": {
            "name": recipe.protocol,
            "folds": recipe.n_folds,
            "repetitions": recipe.repetitions,
            "seeds": list(recipe.seeds),
            "premium": recipe.premium,
            "refit": True,
            "sentences": ["Every speaker is held out once.", "Settings are chosen on validation speakers.", "C.", "D."],
            "notes": ["5 folds were asked for; 4 fit."],
        },
        "models": [
            {
                "name": name,
                "description": f"{name} on MFCCs",
                "view": "flat",
                "baseline": name in BASELINES,
            }
            for name in models
        ],
        "corpus": {
            "kind": "audiomnist",
            "name": "AudioMNIST",
            "synthetic": False,
            "sample_rate_hz": 48000,
            "n_recordings": len(rows),
            "n_speakers": int(rows["speaker"].nunique()),
            "hash": "c0ffee" * 10,
            "notes": ["33 of 60 speakers are missing.", "Accents were brought to one spelling."],
            **recipe.corpus,
        },
        "mfcc": {"recipe": "psf", "n_frames": 98, "n_coefficients": 12, "truncated_share": 0.01},
        "folds_hash": "f01d5" * 12,
        "cells": {
            "finished": len(models) * recipe.n_folds - len(failed),
            "failed": failed,
            "choices": [
                {
                    "model": name,
                    "protocol": recipe.protocol,
                    "repetition": 0,
                    "fold": fold,
                    "seed": 0,
                    "settings": {"C": 1.0},
                    "model_bytes": 1_234_567,
                }
                for name in models
                for fold in range(recipe.n_folds)
            ],
        },
        "machine": {"processor": "a processor", "cores": 2, "memory_bytes": 8_000_000_000, "system": "Linux"},
        "versions": {"numpy": "2.4.6"},
        "accelerated": {"scikit-learn": True},
        "commit": "0123456789abcdef",
        "command": "python -m benchmarks run --corpus audiomnist:data",
        "settings": {"threads": 2},
    }


def write_run(folder: Path, recipe: Recipe) -> Path:
    """Write a run directory as `recipe` says into the new folder `folder`."""
    folder.mkdir(parents=True)
    classes = ["female", "male"] if recipe.task == "gender" else [str(digit) for digit in range(recipe.digits)]
    rows = recordings(recipe)
    split = folds(recipe, rows)
    reasons = ["is no audio <b>", "is empty"]
    quarantine = pd.DataFrame(
        {
            "recording": [f"data/broken_{i}.wav" for i in range(recipe.quarantined)],
            "reason": [reasons[i % 2] for i in range(recipe.quarantined)],
        },
        dtype="object",
    )
    tables.write(rows, "recordings", folder)
    tables.write(quarantine, "quarantine", folder)
    tables.write(split, "folds", folder)
    tables.write(predictions(recipe, rows, split, classes), "predictions", folder)
    tables.write(timings(recipe), "timings", folder)
    (folder / "manifest.json").write_text(json.dumps(manifest(recipe, rows, classes)), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that writes a run directory from the fields of a `Recipe`."""

    def make(**fields: Any) -> Path:
        return write_run(tmp_path_factory.mktemp("runs") / "run", Recipe(**fields))

    return make


@pytest.fixture(scope="session")
def healthy_run(make_run: Callable[..., Path]) -> Path:
    """A run with nothing wrong, read-only by convention."""
    return make_run()


@pytest.fixture(scope="session")
def healthy_summary(healthy_run: Path) -> dict[str, Any]:
    """The summary of `healthy_run`, read-only by convention."""
    return summarise(healthy_run)
