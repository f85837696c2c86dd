"""MFCCs by two recipes: ``psf`` (python_speech_features 0.6) and ``seed`` (the starting design, via librosa 0.11).

Conventions: samples are one channel on the int16 scale, whatever their dtype; a recording is padded with zeros, or cut,
to one clip, and becomes ``(n_frames, n_coefficients)``. Everything else is a field of `MfccConfig`.

The arithmetic is `features.extraction.engine`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.extraction.engine import Engine, PlacedSound
from features.extraction.recipes import MfccConfig, NarrowFilterWarning

__all__ = ["ENGINE_VERSION", "MfccConfig", "NarrowFilterWarning", "extract", "extract_batch", "sounding_frames"]

ENGINE_VERSION = "5"
"""Changes whenever the engine gives other numbers for the same configuration."""

MAX_ABS_SAMPLE = 1e12


def sounding_frames(n_samples: int, config: MfccConfig, zeros_in_front: int | None = None) -> tuple[int, int]:
    """Return the first frame that overlaps sound, and how many do; pre-emphasis makes the sound one sample longer.

    `zeros_in_front` and what is raised are as in `extract`; a recording has at least one sample.
    """
    offset = _zeros_in_front(n_samples, config, zeros_in_front)
    end = min(offset + n_samples + 1, config.framed_samples)
    first = max(0, (offset - config.window_samples) // config.hop_samples + 1)
    last = min((end - 1) // config.hop_samples, config.n_frames - 1)
    return first, max(0, last - first + 1)


def _zeros_in_front(n_samples: int, config: MfccConfig, zeros_in_front: int | None) -> int:
    if n_samples < 1:
        raise ValueError("recording has no samples")
    room = max(0, config.clip_samples - n_samples)
    if zeros_in_front is None:
        return room // 2
    if not 0 <= zeros_in_front <= room:
        raise ValueError(
            f"zeros_in_front is {zeros_in_front}; a recording of {n_samples} samples leaves room for 0 to {room} "
            f"in a clip of {config.clip_samples}"
        )
    return int(zeros_in_front)


def extract(samples: ArrayLike, config: MfccConfig, zeros_in_front: int | None = None) -> NDArray[Any]:
    """Return the MFCCs of one recording: ``config.dtype``, shape ``(n_frames, n_coefficients)``.

    Parameters
    ----------
    samples
        One channel on the int16 scale, of any real dtype, shape ``(n_samples,)``.
    zeros_in_front
        Zero samples in front of a recording shorter than the clip; by default half of what is missing, rounded down.

    Raises
    ------
    ValueError
        The samples are not one finite channel, or `zeros_in_front` does not fit.
    """
    out = np.empty((1, config.n_frames, config.n_coefficients), dtype=config.dtype)
    Engine(config).extract_into(out, [_placed(samples, config, zeros_in_front)])
    mfcc: NDArray[Any] = out[0]
    return mfcc


def extract_batch(recordings: Sequence[ArrayLike], config: MfccConfig) -> NDArray[Any]:
    """Return the MFCCs of many recordings, each as `extract` takes it and centred in its clip: the fast path.

    They are of ``config.dtype``, shape ``(n_recordings, n_frames, n_coefficients)``. What is raised is as in `extract`,
    and begins with the recording's place in the list.
    """
    out = np.empty((len(recordings), config.n_frames, config.n_coefficients), dtype=config.dtype)
    Engine(config).extract_into(out, _all_placed(recordings, config))
    return out


def _all_placed(recordings: Sequence[ArrayLike], config: MfccConfig) -> Iterator[PlacedSound]:
    for place, samples in enumerate(recordings):
        try:
            yield _placed(samples, config, None)
        except ValueError as error:
            raise ValueError(f"recording {place} of {len(recordings)}: {error}") from None


def _placed(samples: ArrayLike, config: MfccConfig, zeros_in_front: int | None) -> PlacedSound:
    checked = _checked(samples)
    offset = _zeros_in_front(checked.size, config, zeros_in_front)
    first_frame, n_frames = sounding_frames(checked.size, config, offset)
    return PlacedSound(samples=checked, offset=offset, first_frame=first_frame, n_frames=n_frames)


def _checked(samples: ArrayLike) -> NDArray[Any]:
    checked = np.asarray(samples)
    if checked.ndim != 1:
        raise ValueError(f"samples have shape {checked.shape}; one channel, shape (n_samples,), was expected")
    if checked.dtype.kind not in "iuf":
        raise ValueError(f"samples have dtype {checked.dtype}; real numbers were expected")
    if checked.size == 0:
        raise ValueError("recording has no samples")
    if checked.dtype.kind == "f":
        lowest, highest = float(checked.min()), float(checked.max())
        if not (math.isfinite(lowest) and math.isfinite(highest)):
            raise ValueError("samples contain NaN or infinite values")
        if max(-lowest, highest) > MAX_ABS_SAMPLE:
            raise ValueError(f"samples reach {max(-lowest, highest):.3g}; the int16 scale (32768) was expected")
    if checked.dtype == np.int16 and checked.flags.c_contiguous and checked.flags.aligned:
        return checked
    return checked.astype(np.int16 if checked.dtype == np.int16 else np.float64)
