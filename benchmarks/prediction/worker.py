"""Recordings that a saved model is asked about, read and extracted by a second process.

Its libraries and compiled loops load while the first one loads the model, which takes as long. Threads would share no
time: modules run under the interpreter's lock.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from features.extraction.recipes import MfccConfig
from features.processes import end_with, starting


class Extraction(NamedTuple):
    """One recording: its MFCCs ``(n_frames, n_coefficients)``, the frames that sound, and the seconds it took."""

    mfcc: NDArray[Any]
    first_frame: int
    n_sounding: int
    seconds: float


@contextmanager
def hearing(names: Sequence[str], config: MfccConfig) -> Iterator[Iterator[Extraction | str]]:
    """Extract recordings in another process, which ends with the block; ``-`` is on standard input, read in its turn.

    Handed out is for each of `names`, in order, what was heard, or in one line why nothing was.
    """
    context = get_context("spawn")
    own, other = context.Pipe()
    process = context.Process(target=_hear_all, args=(names, config, other, os.getpid()), daemon=True)
    with starting():
        process.start()
    other.close()
    try:
        yield (_received(own) for _ in names)
    finally:
        process.kill()
        process.join()
        own.close()


def _received(own: Connection) -> Extraction | str:
    try:
        answer: Extraction | str | None = own.recv()
        if answer is None:
            own.send(sys.stdin.buffer.read())
            answer = own.recv()
            assert answer is not None
        return answer
    except (EOFError, OSError):
        return "not extracted: the process that extracts has ended; it may have lacked memory"


def _hear_all(names: Sequence[str], config: MfccConfig, other: Connection, parent: int) -> None:
    end_with(parent)
    from features import audio, mfcc  # noqa: F401 (so that the first recording's time is not their loading)
    from features.extraction.engine import load_loops

    load_loops()
    with suppress(BrokenPipeError):  # nobody listens any more
        for name in names:
            if name == "-":
                other.send(None)  # asks for it
            other.send(_hear(io.BytesIO(other.recv()) if name == "-" else Path(name), config))


def _hear(source: Path | io.BytesIO, config: MfccConfig) -> Extraction | str:
    from features.audio import SPARE_S, read_samples, resample
    from features.mfcc import extract, sounding_frames

    started = time.perf_counter()
    try:
        audio = read_samples(source, most_s=config.clip_s + SPARE_S)
        samples = resample(audio.samples, audio.sample_rate_hz, config.sample_rate_hz)
        mfcc = extract(samples, config)
    except (ValueError, OSError, MemoryError) as error:  # AudioError is a ValueError
        return str(error) or type(error).__name__
    return Extraction(mfcc, *sounding_frames(len(samples), config), time.perf_counter() - started)
