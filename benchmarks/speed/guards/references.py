"""What the guards are compared with: the bare libraries doing the heart of the same job, on the same machine.

A reference uses nothing of the project, so that no change of the project makes it faster or slower.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import python_speech_features
import scipy.fft
import soundfile
from matplotlib import colormaps
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

Frames = NDArray[np.float32]


def psf_mfcc(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Extract by python_speech_features with the `psf` recipe's settings at 48 kHz; one second with its padding."""
    clip = np.zeros(48_000)
    start = max(0, (len(clip) - len(samples)) // 2)
    clip[start : start + len(samples)] = samples[: len(clip)]
    mfcc: NDArray[np.float64] = python_speech_features.mfcc(
        clip, samplerate=48_000, numcep=12, nfilt=40, nfft=2048, winfunc=np.hamming
    )
    return mfcc


def frames(n_frames: int, n_fft: int) -> Frames:
    """Return noise to transform, float32, shape ``(n_frames, n_fft)``: an FFT takes as long for noise as for speech."""
    return np.random.default_rng(0).standard_normal((n_frames, n_fft), dtype=np.float32)


def transform(noise: Sequence[Frames]) -> None:
    """Take the bare real FFTs."""
    for block in noise:
        scipy.fft.rfft(block, axis=1)


def read_transform_and_write(paths: Sequence[Path], noise: Sequence[Frames], out: Path) -> None:
    """Read the files, take as many bare FFTs as their frames need, write a tensor of their size."""
    for path in paths:
        soundfile.read(path, dtype="int16")
    transform(noise)
    np.save(out, np.zeros((len(paths), 98, 12), dtype=np.float32))


def find_and_open(paths: Sequence[Path], database: Path, entry: Path) -> None:
    """Look up every file's real path, size and time, read a database, open a cache entry: by the bare libraries."""
    for path in paths:
        path.resolve().stat()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("SELECT * FROM hashes").fetchall()
    np.load(entry / "values.npy", mmap_mode="r")
    pd.read_parquet(entry / "index.parquet")


def moments(tensor: NDArray[Any]) -> None:
    """Take mean and standard deviation over frames, of the values and of their steps."""
    values = tensor.astype(np.float64)
    for series in (values, np.diff(values, axis=1)):
        series.mean(axis=1)
        series.std(axis=1)


def viridis(tensor: NDArray[Any]) -> None:
    """Colour every clip by matplotlib."""
    colours = colormaps["viridis"]
    for clip in tensor:
        lowest = clip.min()
        colours((clip - lowest) / (clip.max() - lowest), bytes=True)


def extract_and_draw(samples: NDArray[Any], mfcc: NDArray[Any]) -> None:
    """Extract by python_speech_features, and write a ready array as JPEG by matplotlib."""
    psf_mfcc(samples)
    imsave(BytesIO(), mfcc, format="jpg", cmap="viridis", origin="upper")


def deal_speakers(recordings: pd.DataFrame, n_folds: int) -> None:
    """Give speakers to folds in turn and count them, with no care for class or accent and no check."""
    fold_of = {speaker: i % n_folds for i, speaker in enumerate(sorted(recordings["speaker"].unique()))}
    parts = [
        pd.DataFrame({"recording_id": recordings["recording_id"], "role": recordings["speaker"].map(fold_of) == fold})
        for fold in range(n_folds)
    ]
    merged = pd.concat(parts, ignore_index=True).merge(recordings[["recording_id", "speaker"]], on="recording_id")
    merged.groupby(["speaker", "role"])["recording_id"].nunique()


def resamples(n_scores: int, n_replicates: int) -> NDArray[np.float64]:
    """Return how often each score is drawn, shape ``(n_replicates, n_scores)``."""
    return np.random.default_rng(0).multinomial(n_scores, [1 / n_scores] * n_scores, n_replicates).astype(np.float64)


def bootstrap(counts: NDArray[np.float64], scores: NDArray[np.float64]) -> None:
    """Take mean, spread and logit of ready resamples, and two percentiles."""
    sums = counts @ np.stack([scores, scores**2], axis=1) / len(scores)
    mean = sums[:, 0]
    np.percentile(np.log(mean / (1 - mean)) / np.sqrt(sums[:, 1] - mean**2), [2.5, 97.5])


def bootstrap_by_group(speakers: pd.DataFrame, counts: Mapping[str, NDArray[np.float64]]) -> None:
    """Take the mean, the strata and a bootstrap of every group of ``speakers`` (``group``, ``stratum``, ``score``)."""
    for group, rows in speakers.groupby("group"):
        rows.groupby("stratum")["score"].agg(["mean", "std", "size"])
        bootstrap(counts[str(group)], rows["score"].to_numpy())


def picture() -> None:
    """Draw one plain picture as SVG by matplotlib."""
    figure = Figure(figsize=(8, 4))
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.scatter(np.arange(60), np.arange(60) % 7)
    axes.set(xlabel="speaker", ylabel="recordings recognised")
    figure.savefig(BytesIO(), format="svg")
