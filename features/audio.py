"""Read recordings: any format of libsndfile to mono samples on the int16 scale.

Conventions: 16-bit samples are taken as they are; other widths and floats are scaled so that full scale is 32,768; more than one
channel is mixed down to the mean of the channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

INT16_SCALE = 32_768


class AudioError(ValueError):
    """A recording cannot be used; the message says why, in one line, without the recording's name."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says of itself: sampling rate in Hz, samples per channel, channels."""

    sample_rate_hz: int
    n_samples: int
    n_channels: int


@dataclass(frozen=True, kw_only=True)
class Audio:
    """Mono samples on the int16 scale (int16 or float32, shape ``(n_samples,)``), their rate in Hz, and the file's channels."""

    samples: NDArray[Any]
    sample_rate_hz: int
    n_channels: int


def probe(path: Path) -> Header:
    """Read the header of a file.

    Raises
    ------
    AudioError
        The file is missing, is no audio, or holds no sample.
    """
    try:
        info = soundfile.info(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(_reason(path, error)) from error
    if info.frames == 0:
        raise AudioError("holds no sample; record it again or leave it out")
    return Header(sample_rate_hz=info.samplerate, n_samples=info.frames, n_channels=info.channels)


def read_samples(source: Path | BinaryIO) -> Audio:
    """Read all samples of a file or binary stream.

    Raises
    ------
    AudioError
        The file is missing, is no audio, is shorter than its header says, holds no sample, or a sample that is NaN or infinite.
    """
    try:
        with soundfile.SoundFile(source) as file:
            is_int16 = file.subtype == "PCM_16"
            samples = file.read(dtype="int16" if is_int16 else "float32", always_2d=True)
            rate, announced = file.samplerate, file.frames
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(_reason(source, error)) from error
    if len(samples) == 0:
        raise AudioError("holds no sample; record it again or leave it out")
    if len(samples) < announced:
        raise AudioError(f"ends after {len(samples)} of {announced} samples; copy it again")
    if not is_int16:
        if not np.isfinite(samples).all():
            raise AudioError("holds samples that are NaN or infinite; export it again")
        samples = samples * np.float32(INT16_SCALE)
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)
    return Audio(samples=mono, sample_rate_hz=rate, n_channels=samples.shape[1])


def _reason(source: Path | BinaryIO, error: Exception) -> str:
    if isinstance(source, Path) and not source.exists():
        return "no such file; check its path"
    text = " ".join(str(getattr(error, "error_string", error)).split())
    return f"cannot be read as audio ({text}); export it as WAV or FLAC or leave it out"


def resample(samples: NDArray[Any], from_hz: int, to_hz: int) -> NDArray[Any]:
    """Bring samples to another rate by soxr (high quality, float32); the same samples where the rates agree."""
    if from_hz == to_hz:
        return samples
    resampled: NDArray[Any] = soxr.resample(samples.astype(np.float32), from_hz, to_hz, quality="HQ")
    return resampled
