"""Audio files to one channel of samples on the int16 scale, whatever their encoding.

Full scale is 32768: 8, 24 and 32 bit and floating-point files are scaled to it, so that coefficient 0 and the floors
of the MFCCs mean the same in every file. Read by libsndfile (soundfile), resampled by soxr; a WAV of the plainest form
(one channel of 16 bit, a header of 44 bytes that agrees with the file's length) needs no library, which takes a quarter
of the time.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

FULL_SCALE = 32_768
MAX_SAMPLES = 2**33
"""More than any recording has; libsndfile gives such numbers where the header does not know its length."""

_PLAIN_WAV = struct.Struct("<4sI8sIHHIIHH4sI")
_MOST_HZ = 2**20  # plain files of higher rates are left to libsndfile's judgement
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # what programs that write to a pipe leave as a WAV chunk's size


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
    """What the beginning of a file says about it."""

    sample_rate_hz: int
    n_samples: int
    n_channels: int


def probe(path: Path) -> Header:
    """Read the header of a file, not its samples.

    Raises
    ------
    AudioError
        The file is missing, no audio, empty, or visibly cut short.
    """
    with _open(path) as file:
        plain = _plain_header(file)
        if plain is not None:
            return plain
        file.seek(0)
        with _opened_sound(file) as sound:
            return _header(file, sound)


def read_samples(source: Path | BinaryIO) -> Audio:
    """Read a whole recording.

    Parameters
    ----------
    source
        A file's path, or a seekable binary stream.

    Raises
    ------
    AudioError
        The file is missing, no audio, empty, cut short, or has samples that are no numbers.
    """
    if not isinstance(source, Path):
        return _read(source)
    with _open(source) as file:
        plain = _plain_header(file)
        if plain is None:
            file.seek(0)
            return _read(file)
        data = file.read()
    if len(data) != 2 * plain.n_samples:
        raise AudioError(f"cut short: {len(data) // 2} of {plain.n_samples} samples are there")
    samples = np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)
    return Audio(samples=samples, sample_rate_hz=plain.sample_rate_hz, n_channels=1)


def resample(samples: NDArray[Any], from_hz: int, to_hz: int) -> NDArray[Any]:
    """Return `samples` at another rate, as float32; unchanged where the rates are equal.

    Raises
    ------
    AudioError
        Nothing is left: the recording is shorter than one sample at the new rate.
    """
    if from_hz == to_hz:
        return samples
    resampled: NDArray[np.float32] = soxr.resample(samples.astype(np.float32), from_hz, to_hz)
    if resampled.size == 0:
        raise AudioError(f"too short: {samples.size} samples at {from_hz} Hz leave none at {to_hz} Hz")
    return resampled


def _plain_header(file: BinaryIO) -> Header | None:
    """Read the header of a WAV of the plainest form, every field as it must be; None for any other file."""
    head, n_bytes = file.read(_PLAIN_WAV.size), os.fstat(file.fileno()).st_size
    if len(head) < _PLAIN_WAV.size:
        return None
    fields = _PLAIN_WAV.unpack(head)
    rate, n_data = fields[6], fields[-1]
    expected = (b"RIFF", n_bytes - 8, b"WAVEfmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", n_bytes - _PLAIN_WAV.size)
    if fields != expected or not 0 < rate <= _MOST_HZ or n_data == 0 or n_data % 2:
        return None
    return Header(sample_rate_hz=rate, n_samples=n_data // 2, n_channels=1)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise AudioError(f"cannot be opened: {error.strerror}") from error


def _opened_sound(file: BinaryIO) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(file)
    except (soundfile.LibsndfileError, TypeError) as error:
        raise AudioError("no audio that can be read (expected WAV, FLAC or another format of libsndfile)") from error


def _header(file: BinaryIO, sound: soundfile.SoundFile) -> Header:
    _check_wav_is_whole(file)
    if sound.frames == 0:
        raise AudioError("empty: it has no samples")
    if not 0 < sound.frames < MAX_SAMPLES:
        raise AudioError("its header does not say how long it is")
    return Header(sample_rate_hz=sound.samplerate, n_samples=sound.frames, n_channels=sound.channels)


def _read(file: BinaryIO) -> Audio:
    with _opened_sound(file) as sound:
        header = _header(file, sound)
        dtype = "int16" if sound.subtype == "PCM_16" else "float32"
        try:
            samples = sound.read(dtype=dtype)
        except soundfile.LibsndfileError as error:
            raise AudioError(f"damaged: {error}") from error
    if len(samples) < header.n_samples:
        raise AudioError(f"cut short: {len(samples)} of {header.n_samples} samples are there")
    if dtype == "float32":
        samples *= np.float32(FULL_SCALE)
        if not np.isfinite(samples).all():
            raise AudioError("has samples that are NaN or infinite")
    if header.n_channels > 1:
        samples = samples.mean(axis=1, dtype=np.float32)
    return Audio(samples=samples, sample_rate_hz=header.sample_rate_hz, n_channels=header.n_channels)


def _check_wav_is_whole(file: BinaryIO) -> None:
    """Refuse a WAV whose data chunk is longer than the file: libsndfile reads what is there and says nothing."""
    place = file.tell()
    n_bytes = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        start, size = _data_chunk(file)
        if size not in _UNKNOWN_SIZES and start + size > n_bytes:
            raise AudioError(f"cut short: {max(0, n_bytes - start)} of {size} bytes of samples are there")
    file.seek(place)


def _data_chunk(file: BinaryIO) -> tuple[int, int]:
    """Return where the samples of a WAV start and how many bytes they should be; (0, 0) if there are none."""
    while len(header := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", header)
        if name == b"data":
            return file.tell(), size
        file.seek(size + size % 2, 1)
    return 0, 0
