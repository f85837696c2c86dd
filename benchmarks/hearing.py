"""Recordings that a saved model is asked about, read and extracted by a second process.

Its libraries and compiled loops load while the first one loads the model, which takes as long: the two share no time
otherwise, since Python imports one module at a time.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from features.processes import end_with, without_keyboard
from features.recipes import MfccConfig

Source = str | bytes
"""A path, or what such a file holds."""


class Heard(NamedTuple):
    """One recording: its MFCCs ``(n_frames, n_coefficients)``, the frames that sound, and the seconds it took."""

    mfcc: NDArray[Any]
    first_frame: int
    n_sounding: int
    seconds: float


@contextmanager
def hearing(sources: Sequence[Source], config: MfccConfig) -> Iterator[Iterator[Heard | str]]:
    """Extract recordings in another process while the block goes on; it ends with the block.

    Yields
    ------
    iterator
        For each of `sources`, in order, what was heard, or in one line why nothing was.
    """
    context = get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_hear_all, args=(sources, config, sending, os.getpid()), daemon=True)
    with without_keyboard():
        process.start()
    sending.close()
    try:
        yield _received(receiving, len(sources))
    finally:
        process.kill()
        process.join()
        receiving.close()


def _received(receiving: Connection, n_sources: int) -> Iterator[Heard | str]:
    for _ in range(n_sources):
        try:
            yield receiving.recv()
        except EOFError:
            yield "not extracted: the process that extracts has ended; it may have lacked memory"


def _hear_all(sources: Sequence[Source], config: MfccConfig, sending: Connection, parent: int) -> None:
    end_with(parent)
    from features import audio, mfcc  # noqa: F401 (so that the first recording's time is not their loading)

    with suppress(BrokenPipeError):  # nobody listens any more
        for source in sources:
            sending.send(_hear(source, config))


def _hear(source: Source, config: MfccConfig) -> Heard | str:
    from features.audio import SPARE_S, read_samples, resample
    from features.mfcc import extract, sounding_frames

    started = time.perf_counter()
    try:
        file = Path(source) if isinstance(source, str) else io.BytesIO(source)
        audio = read_samples(file, most_s=config.clip_s + SPARE_S)
        samples = resample(audio.samples, audio.sample_rate_hz, config.sample_rate_hz)
        mfcc = extract(samples, config)
    except ValueError as error:  # AudioError is one
        return str(error)
    return Heard(mfcc, *sounding_frames(len(samples), config), time.perf_counter() - started)
