"""Audio files to one channel of samples on the int16 scale, whatever their encoding.

Full scale is 32768: 8, 24 and 32 bit and floating-point files are scaled to it, so that coefficient 0 and the floors
of the MFCCs mean the same in every file. WAV and FLAC, told by their first bytes and not by their names, are read by
libsndfile (soundfile), resampled by soxr; a WAV of the plainest form (one channel of 16 bit, a header of 44 bytes that
agrees with the file's length) needs no library, which takes a quarter of the time. What a recording's level tells of
its making is told: such recordings are used.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from features import wav_header
from features.files import open_regular
from features.wav_header import WavError, check_wav

FULL_SCALE = 32_768
MAX_SAMPLES = 2**33
"""More than any recording has; libsndfile gives such numbers where the header does not know its length."""
MAX_CHANNELS = 64
LEAST_HZ, MOST_HZ = 1_000, 2**20
"""Sampling rates outside are a header's mistakes, and take seconds or gigabytes to resample."""
LOUDEST = 1e7
"""So many times full scale is no scale at all; larger samples could not be squared without a thought."""
SPARE_S = 0.1
"""A reader that wants the first seconds of a recording at another rate asks for so much more: a resampler's filter."""
CLIPPED_FROM = 0.99 * FULL_SCALE
"""A recording is clipped where at least `CLIPPED_SAMPLES` samples share its highest or lowest value, at full scale."""
CLIPPED_SAMPLES = 3
OFF_CENTRE_FROM = 0.01 * FULL_SCALE
"""A recording is off its centre where its mean is further from zero."""

_ROUGHLY = 1_024  # samples, evenly spaced, that tell whether the mean may be far from zero
_PLAIN_WAV = struct.Struct("<4sI8sIHHIIHH4sI")
_AGAIN = "copy it again from its source, or leave it out"
_BLOCK_VALUES = 2**20  # values of all channels that are decoded at a time: memory does not grow with a file's length


class AudioError(ValueError):
    """A file is no usable audio; the message is one line for the user and does not repeat the path."""


@dataclass(frozen=True, kw_only=True)
class Audio:
    """One recording.

    Attributes
    ----------
    samples
        One channel on the int16 scale, shape ``(n_samples,)``: int16 from one channel of 16 bit, else float32.
    sample_rate_hz
        Samples per second.
    n_channels
        Channels of the file; more than one were averaged.
    """

    samples: NDArray[np.int16] | NDArray[np.float32]
    sample_rate_hz: int
    n_channels: int


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the beginning of a file says about it; `container` is ``WAV`` or ``FLAC``, whatever its name says."""

    sample_rate_hz: int
    n_samples: int
    n_channels: int
    container: str


def probe(path: Path | str) -> Header:
    """Read the header of a file, not its samples.

    Raises
    ------
    AudioError
        The file is missing, no audio, empty, visibly cut short, or its header contradicts itself.
    """
    file, n_bytes = _open(path)
    with file:
        if plain := _plain_header(file, n_bytes):
            return plain
        with _opened_sound(file) as (sound, container):
            return _header(sound, container)


def read_samples(source: Path | str | BinaryIO, *, most_s: float | None = None) -> Audio:
    """Read a recording.

    Parameters
    ----------
    source
        A file's path, or a seekable binary stream.
    most_s
        Keep no more than the first so many seconds, so that memory does not grow with the file; None keeps all.
        What comes later is still decoded and checked, unless each of its bits makes a proper sample.

    Raises
    ------
    AudioError
        The file is missing, no audio, empty, cut short, contradicts itself, has samples that are no numbers, or
        what is kept of it has no sound.
    """
    if isinstance(source, Path | str):
        file, n_bytes = _open(source)
        with file:
            plain = _plain_header(file, n_bytes)
            audio = _read_plain(file, plain, most_s) if plain else _read(file, most_s)
    else:
        audio = _read(source, most_s)
    _check_sound(audio.samples)
    return audio


def resample(samples: NDArray[Any], from_hz: int, to_hz: int) -> NDArray[Any]:
    """Return `samples` at another rate, as float32; unchanged where the rates are equal.

    Raises AudioError where the recording is shorter than one sample at the new rate.
    """
    if from_hz == to_hz:
        return samples
    resampled: NDArray[np.float32] = soxr.resample(samples.astype(np.float32), from_hz, to_hz)
    if resampled.size == 0:
        raise AudioError(f"too short: {samples.size} samples at {from_hz} Hz leave none at {to_hz} Hz")
    return resampled


def _plain_header(file: BinaryIO, n_bytes: int) -> Header | None:
    """Read the header of a WAV of the plainest form, every field as it must be; None for any other file."""
    head = file.read(_PLAIN_WAV.size)
    if len(head) < _PLAIN_WAV.size:
        return None
    fields = _PLAIN_WAV.unpack(head)
    rate, n_data = fields[6], fields[-1]
    expected = (b"RIFF", n_bytes - 8, b"WAVEfmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", n_bytes - _PLAIN_WAV.size)
    if fields != expected or not LEAST_HZ <= rate <= MOST_HZ or n_data == 0 or n_data % 2:
        return None
    return Header(sample_rate_hz=rate, n_samples=n_data // 2, n_channels=1, container="WAV")


def _read_plain(file: BinaryIO, header: Header, most_s: float | None) -> Audio:
    n_kept = _n_kept(header, most_s)
    content = file.read(2 * n_kept)
    if len(content) != 2 * n_kept:
        raise AudioError(f"cut short: {len(content) // 2} of {n_kept} samples are there; {_AGAIN}")
    samples = np.frombuffer(content, dtype="<i2").astype(np.int16, copy=False)
    return Audio(samples=samples, sample_rate_hz=header.sample_rate_hz, n_channels=1)


def _open(path: Path | str) -> tuple[BinaryIO, int]:
    try:
        return open_regular(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise AudioError(f"cannot be opened: {reason}; put a readable file there, or leave it out") from error


@contextmanager
def _opened_sound(file: BinaryIO) -> Iterator[tuple[soundfile.SoundFile, str]]:
    """Open what begins as a WAV or FLAC does, once its header is seen to agree with itself; say which it is."""
    file.seek(0)
    magic = file.read(4)
    if magic not in (*wav_header.MAGIC, b"fLaC"):
        raise AudioError("no audio that can be read: its first bytes are not those of WAV or FLAC; convert it to one")
    try:
        check_wav(file)
        file.seek(0)
        # a file is read by libsndfile itself, a stream through calls of Python
        with soundfile.SoundFile(file.fileno() if isinstance(file, io.FileIO) else file, closefd=False) as sound:
            yield sound, "FLAC" if magic == b"fLaC" else "WAV"
    except WavError as error:
        raise AudioError(str(error)) from error
    except soundfile.LibsndfileError as error:
        raise AudioError(f"no audio that can be read: {error.error_string} {_AGAIN}") from error


def _header(sound: soundfile.SoundFile, container: str) -> Header:
    if sound.frames == 0:
        raise AudioError("empty: it has no samples; leave it out")
    if not 0 < sound.frames < MAX_SAMPLES:
        raise AudioError("its header does not say how long it is; write the file anew from its source")
    if not LEAST_HZ <= sound.samplerate <= MOST_HZ:
        raise AudioError(
            f"{sound.samplerate} Hz: a sampling rate of {LEAST_HZ} to {MOST_HZ} Hz was expected; correct its header"
        )
    if sound.channels > MAX_CHANNELS:
        raise AudioError(f"{sound.channels} channels: at most {MAX_CHANNELS} were expected; mix it down")
    return Header(
        sample_rate_hz=sound.samplerate, n_samples=sound.frames, n_channels=sound.channels, container=container
    )


def _n_kept(header: Header, most_s: float | None) -> int:
    return header.n_samples if most_s is None else min(header.n_samples, math.ceil(most_s * header.sample_rate_hz))


def _read(file: BinaryIO, most_s: float | None) -> Audio:
    kept: list[NDArray[Any]] = []
    n_read = 0
    with _opened_sound(file) as (sound, container):
        header = _header(sound, container)
        n_kept = _n_kept(header, most_s)
        while n_read < header.n_samples:
            wanted = min((n_kept if n_read < n_kept else header.n_samples) - n_read, _BLOCK_VALUES // sound.channels)
            block = _decoded(sound, wanted)
            if n_read < n_kept:
                kept.append(block)
            n_read += len(block)
            if len(block) < wanted:
                raise AudioError(f"cut short: {n_read} of {header.n_samples} samples are there; {_AGAIN}")
    samples = kept[0] if len(kept) == 1 else np.concatenate(kept)
    return Audio(samples=samples, sample_rate_hz=header.sample_rate_hz, n_channels=header.n_channels)


def _decoded(sound: soundfile.SoundFile, n_samples: int) -> NDArray[Any]:
    """Decode the next samples: one channel, on the int16 scale."""
    whole = sound.subtype == "PCM_16"
    try:
        block: NDArray[Any] = sound.read(n_samples, dtype="int16" if whole else "float32")
    except soundfile.LibsndfileError as error:
        raise AudioError(f"damaged: {error.error_string} {_AGAIN}") from error
    if not whole:
        _check_numbers(block)
        block *= np.float32(FULL_SCALE)
    return block if block.ndim == 1 else block.mean(axis=1, dtype=np.float32)


def _check_numbers(block: NDArray[np.float32]) -> None:
    """Refuse samples that are no numbers, and those that later steps could not square."""
    if not np.isfinite(block).all():
        raise AudioError("has samples that are NaN or infinite; write the file anew from its source, or leave it out")
    peak = max(-float(block.min(initial=0)), float(block.max(initial=0)))
    if peak > LOUDEST:
        raise AudioError(f"its samples reach {peak:.3g} times full scale; scale them to -1 to 1")


def _check_sound(samples: NDArray[Any]) -> None:
    """Refuse a recording of one value; almost all are known by three samples not to be."""
    if samples[0] == samples[samples.size // 2] == samples[-1] and samples.min() == samples.max():
        raise AudioError(f"no sound in it: its {samples.size} samples are all {samples[0]:g}; leave it out")


class Level(NamedTuple):
    """What is odd about a recording's level."""

    clipped: bool
    off_centre: bool


def level_of(samples: NDArray[Any]) -> Level:
    """Look at the level of at least one sample: one channel on the int16 scale."""
    highest, lowest = float(samples.max()), float(samples.min())
    clipped = (highest >= CLIPPED_FROM and _shared(samples, highest)) or (
        lowest <= -CLIPPED_FROM and _shared(samples, lowest)
    )
    # a rough mean first: the exact one takes as long as all the rest
    rough = _mean(samples[:: max(1, samples.size // _ROUGHLY)])
    off_centre = abs(rough) > OFF_CENTRE_FROM / 2 and abs(_mean(samples)) > OFF_CENTRE_FROM
    return Level(clipped=clipped, off_centre=off_centre)


def _shared(samples: NDArray[Any], value: float) -> bool:
    return int(np.count_nonzero(samples == value)) >= CLIPPED_SAMPLES


def _mean(samples: NDArray[Any]) -> float:
    return float(np.add.reduce(samples, dtype=np.int64 if samples.dtype == np.int16 else np.float64)) / samples.size
