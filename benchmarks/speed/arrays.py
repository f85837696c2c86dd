"""The arrays that fitting is measured on: one fold of recordings, in a file that both sides read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.protocol.folds import make_plan
from benchmarks.protocol.tasks import find_task, label_recordings
from features.cache import mfcc_features
from features.corpora.opening import open_corpus
from features.hashes import content_hashes
from features.mfcc import MfccConfig

Values = NDArray[Any]
Arrays = dict[str, Values]
"""``flat``, ``image`` and ``y``, each with the name of a part: ``flat_training``, ``y_test``."""

FITTED_AND_ASKED = {"training": ("train", "validation"), "test": ("test",)}
"""Parts of a fold as a cell's refit sees them."""

N_TRAINING = 5607
N_TEST = 1879
"""Sizes of the first published fold of gender, for the synthetic arrays."""


def synthetic_arrays() -> Arrays:
    """Return noise of two classes, separable but not perfectly, in the shapes of a published fold; always the same."""
    generator = np.random.default_rng(0)
    n = N_TRAINING + N_TEST
    y = (generator.random(n) < 0.8).astype(np.int64)
    flat = generator.standard_normal((n, 98, 12)).astype(np.float32)
    shift = generator.standard_normal((98, 12)).astype(np.float32) * np.float32(0.05)
    flat += (2 * y - 1).astype(np.float32)[:, np.newaxis, np.newaxis] * shift
    pixels = np.clip(128 + 40 * flat, 0, 255).astype(np.uint8)
    image = np.repeat(pixels[..., np.newaxis], 3, axis=3)
    training = np.arange(n) < N_TRAINING
    return _parts(flat.reshape(n, -1), image, y, {"training": training, "test": ~training})


def published_folds(folder: Path, cache: Path, protocol: str, parts: Mapping[str, Sequence[str]]) -> Iterator[Arrays]:
    """Yield the folds of gender of AudioMNIST's published MFC images.

    Parameters
    ----------
    folder
        Of the images.
    cache
        The feature cache.
    protocol
        As in a run, ``official`` or ``grouped``.
    parts
        The roles that make up each part of the arrays.

    Raises
    ------
    CorpusError, TaskError
        The folder does not hold the images, or not all speakers of the folds.
    """
    corpus = open_corpus(f"mfc-images:{folder}", cache=cache)
    recordings = corpus.recordings.assign(content_hash=content_hashes(corpus, cache))
    corpus = dataclasses.replace(corpus, recordings=recordings)
    features = mfcc_features(corpus, MfccConfig(recipe="seed"), cache=cache)
    if features.images is None:
        raise ValueError("a corpus of published images has images")
    task = find_task("gender")
    labelled = label_recordings(recordings, task)
    row_of = pd.Series(np.arange(len(features.index)), index=features.index["recording_id"])
    for _, fold in make_plan(labelled, task, protocol, premium=False).folds.groupby("fold"):
        split = fold.merge(labelled.recordings, on="recording_id").sort_values("recording_id")
        rows = row_of[split["recording_id"]].to_numpy()
        yield _parts(
            np.asarray(features.values[rows], dtype=np.float32).reshape(len(rows), -1),
            features.images[rows],
            (split["gender"] == "male").to_numpy().astype(np.int64),
            {part: split["role"].isin(roles).to_numpy() for part, roles in parts.items()},
        )


def _parts(flat: Values, image: Values, y: NDArray[np.int64], parts: Mapping[str, NDArray[np.bool_]]) -> Arrays:
    return {
        f"{name}_{part}": values[rows]
        for name, values in (("flat", flat), ("image", image), ("y", y))
        for part, rows in parts.items()
    }


def read_arrays(path: Path) -> Arrays:
    """Read what ``numpy.savez`` has written of them, every array once."""
    with np.load(path) as file:
        return dict(file)
