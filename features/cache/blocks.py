"""Some recordings at a time: read, decoded, extracted, and written into their rows of a cache entry.

What worker processes do; they import this module and no table library, which halves their start-up and memory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.audio import SPARE_S, AudioError, level_of, read_samples, resample
from features.images import ImageError, read_image, undo_viridis
from features.mfcc import MfccConfig, extract_batch, sounding_frames


class Row(NamedTuple):
    """What the index says of one recording: the frames that sound, what is odd about it, why it cannot be used."""

    first_frame: int = 0
    n_sounding: int = 0
    truncated: bool = False
    clipped: bool = False
    off_centre: bool = False
    error: str | None = None


Block = tuple[Path, MfccConfig, int, list[str]]
"""The entry's folder, the configuration, the first row, the paths of the recordings."""

Work = Callable[[Block], list[Row]]


def extract_block(block: Block) -> list[Row]:
    """Extract some recordings into their rows of the tensor; return their rows of the index."""
    folder, config, start, paths = block
    values = np.load(folder / "values.npy", mmap_mode="r+")
    rows: list[Row] = []
    samples_of: dict[int, NDArray[Any]] = {}
    for offset, path in enumerate(paths):
        try:
            audio = read_samples(path, most_s=config.clip_s + SPARE_S)
            samples = resample(audio.samples, audio.sample_rate_hz, config.sample_rate_hz)
            cut = len(samples) > config.clip_samples
            rows.append(Row(*sounding_frames(len(samples), config), cut, *level_of(audio.samples)))
            samples_of[offset] = samples
        except AudioError as error:
            rows.append(Row(error=str(error)))
    if samples_of:
        own = values[start : start + len(paths)]
        try:
            own[list(samples_of)] = extract_batch(list(samples_of.values()), config)
        except ValueError:
            _extract_singly(own, config, samples_of, rows)
    return rows


def _extract_singly(
    values: NDArray[Any], config: MfccConfig, samples_of: dict[int, NDArray[Any]], rows: list[Row]
) -> None:
    """Extract recordings one by one, so that one that cannot be used is told and stops no other."""
    for place, samples in samples_of.items():
        try:
            values[place] = extract_batch([samples], config)[0]
        except ValueError as error:
            rows[place] = rows[place]._replace(error=str(error))


def read_image_block(block: Block) -> list[Row]:
    """Read some published images and undo their colour map; which frames sound is not known, so all count."""
    folder, config, start, paths = block
    own = slice(start, start + len(paths))
    images = np.load(folder / "images.npy", mmap_mode="r+")[own]
    rows = [Row(n_sounding=config.n_frames)] * len(paths)
    for offset, path in enumerate(paths):
        try:
            images[offset] = read_image(Path(path), config)
        except ImageError as error:
            rows[offset] = rows[offset]._replace(error=str(error))
    np.load(folder / "values.npy", mmap_mode="r+")[own] = undo_viridis(images)
    return rows
