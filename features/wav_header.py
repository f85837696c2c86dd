"""The length fields of a WAV, held against the file and against each other.

libsndfile reads what is there and says nothing where a file was cut short or its header lies. Chunks as in
Microsoft's RIFF (little-endian), RIFX (big-endian) and EBU Tech 3306's RF64 (64-bit lengths in a chunk ``ds64``).
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

MAGIC = (b"RIFF", b"RIFX", b"RF64")
SLACK_BYTES = 1_024
"""So much after the samples may be no chunk: programs append tags of 128 bytes and fill up blocks."""

_UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # what programs that write to a pipe leave as a chunk's size
_MOST_CHUNKS = 1_000
_FIXED_BLOCKS = (1, 3, 0xFFFE)  # PCM, float, extensible: blocks of channels x bytes per sample
_REWRITE = "write the file anew from its source, or leave it out"


class WavError(ValueError):
    """A WAV's header does not agree with the file or with itself."""


class _Chunk(NamedTuple):
    name: bytes
    start: int  # byte at which the content starts
    size: int


def check_wav(file: BinaryIO) -> None:
    """Refuse a WAV whose header contradicts the file or itself; other files pass. The file's position is lost.

    Raises
    ------
    WavError
        Samples are missing or more than the header says, or rate, channels and bytes per second do not agree.
    """
    n_bytes = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    if head[:4] not in MAGIC or head[8:] != b"WAVE":
        return
    order = ">" if head[:4] == b"RIFX" else "<"
    long_size = None
    for _ in range(_MOST_CHUNKS):
        chunk = _next_chunk(file, order)
        if chunk is None:
            return  # without samples, which libsndfile tells
        if chunk.name == b"ds64" and head[:4] == b"RF64":
            content = file.read(min(chunk.size, 16))
            long_size = int(struct.unpack("<8xQ", content)[0]) if len(content) == 16 else None
        elif chunk.name == b"fmt ":
            _check_format(file.read(min(chunk.size, 16)), order)
        elif chunk.name == b"data":
            size = long_size if long_size is not None and chunk.size == 0xFFFFFFFF else chunk.size
            return _check_samples(file, chunk._replace(size=size), (n_bytes, order))
        file.seek(chunk.start + chunk.size + chunk.size % 2)
    raise WavError(f"its first {_MOST_CHUNKS} chunks hold no samples; {_REWRITE}")


def _next_chunk(file: BinaryIO, order: str) -> _Chunk | None:
    header = file.read(8)
    if len(header) < 8:
        return None
    name, size = struct.unpack(f"{order}4sI", header)
    return _Chunk(name, file.tell(), size)


def _check_format(content: bytes, order: str) -> None:
    if len(content) < 16:
        raise WavError(f"the chunk that tells its format has {len(content)} of at least 16 bytes; {_REWRITE}")
    tag, n_channels, rate, n_per_second, n_block, n_bits = struct.unpack(f"{order}HHIIHH", content)
    expected = n_channels * -(-n_bits // 8)
    if tag in _FIXED_BLOCKS and n_block != expected:
        told = f"{n_channels} channels of {n_bits} bits are {expected} bytes, it says {n_block}"
    elif tag in _FIXED_BLOCKS and n_per_second != rate * n_block:
        told = f"{rate} Hz of {n_block} bytes are {rate * n_block} bytes a second, it says {n_per_second}"
    else:
        return
    raise WavError(f"its header contradicts itself: {told}; {_REWRITE}")


def _check_samples(file: BinaryIO, samples: _Chunk, layout: tuple[int, str]) -> None:
    n_bytes = layout[0]
    there = n_bytes - samples.start
    if samples.size in _UNKNOWN_SIZES:
        return  # read to the file's end
    if samples.size > there:
        raise WavError(f"cut short: {there} of {samples.size} bytes of samples are there; {_REWRITE}")
    stray = _stray_bytes(file, samples.start + samples.size + samples.size % 2, layout)
    if stray > SLACK_BYTES:
        raise WavError(
            f"wrong length field: {samples.size} bytes of samples by its header, and {stray} more that belong to no "
            f"chunk; {_REWRITE}"
        )


def _stray_bytes(file: BinaryIO, place: int, layout: tuple[int, str]) -> int:
    """Count the bytes from `place`, behind the samples, that are no chunk."""
    n_bytes, order = layout
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        chunk = _next_chunk(file, order)
        named = chunk is not None and chunk.name.isascii() and chunk.name.decode().isprintable()
        if chunk is None or not named or chunk.start + chunk.size > n_bytes:
            break
        place = chunk.start + chunk.size + chunk.size % 2
    return max(0, n_bytes - place)
