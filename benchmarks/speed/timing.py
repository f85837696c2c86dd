"""What both sides of the comparison of fitting share: how much is done, and how it is timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_ROUNDS = 100
"""Boosting rounds of a fit."""

N_EPOCHS = 3
"""Epochs of a fit, after one more that compiles."""

_N_SINGLE = 50


class Clock:
    """Times phases: ``seconds[phase]`` is the pair of elapsed and of processor seconds, the latter of all threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, tuple[float, float]] = {}

    @contextmanager
    def time(self, phase: str) -> Iterator[None]:
        """Time the block."""
        elapsed, processor = time.perf_counter(), time.process_time()
        yield
        self.seconds[phase] = (time.perf_counter() - elapsed, time.process_time() - processor)

    def time_answers(self, answer: Callable[[Any], NDArray[Any]], x: NDArray[Any]) -> None:
        """Time answers for all of `x` together and for one, after a call of each shape that may compile."""
        answer(x)
        with self.time("predict"):
            answer(x)
        answer(x[:1])
        calls = []
        for place in range(_N_SINGLE):
            with self.time("predict one"):
                answer(x[place : place + 1])
            calls.append(self.seconds["predict one"])
        elapsed, processor = np.median(calls, axis=0)
        self.seconds["predict one"] = (float(elapsed), float(processor))
