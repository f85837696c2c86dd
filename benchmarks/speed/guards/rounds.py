"""Measure a subject and a reference in turn, round by round, with pytest-benchmark.

pytest-benchmark times the subject; its ``setup``, which it calls before every round, times the reference. Both sides of
a round are repeated until they last about alike, so that whatever else the machine does is as likely to hit either.
The clock is the process' own time on a core: waiting for a core that others keep busy costs nothing. Waiting for
anything else (a lock, a disk, another process) is not seen either, so a guard's work must be all in its process.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

Work = Callable[[], object]

CLOCK = time.process_time

ROUND_S = 0.004
"""A side of a round lasts at least this long: thousands of the clock's steps."""

BUDGET_S = 0.7
"""Seconds that the rounds of one guard should take on an idle machine, where `MIN_ROUNDS` allow it."""

MIN_ROUNDS, MAX_ROUNDS = 12, 60

_CALIBRATION_CALLS = 5
_CALIBRATION_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A name in ``baseline.toml``; what is measured and what beside it, in words for the report."""

    name: str
    subject: str
    reference: str


def interleave(benchmark: Any, guard: Guard, subject: Work, reference: Work) -> None:
    """Measure `guard`: the work of both sides is the same at every call.

    The subject's rounds go into pytest-benchmark's record, the reference's into its ``extra_info``.
    """
    subject_s, reference_s = _seconds(subject), _seconds(reference)
    side_s = max(subject_s, reference_s, ROUND_S)
    n_subject, n_reference = max(1, round(side_s / subject_s)), max(1, round(side_s / reference_s))
    reference_seconds: list[float] = []

    def time_reference() -> None:
        started = CLOCK()
        _repeat(reference, n_reference)
        reference_seconds.append((CLOCK() - started) / n_reference)

    rounds = min(max(int(BUDGET_S / (2 * side_s)), MIN_ROUNDS), MAX_ROUNDS)
    with _quick_collections():
        benchmark.pedantic(lambda: _repeat(subject, n_subject), setup=time_reference, rounds=rounds)
    benchmark.extra_info.update(asdict(guard), n_subject_calls=n_subject, reference_seconds=reference_seconds)


@contextmanager
def _quick_collections() -> Iterator[None]:
    """Keep what is there already out of garbage collections: looking through it takes longer than many a round."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _repeat(work: Work, times: int) -> None:
    for _ in range(times):
        work()


def _seconds(work: Work) -> float:
    """Return how long a call takes at best; the first one, which fills caches, does not count."""
    work()
    taken: list[float] = []
    while len(taken) < _CALIBRATION_CALLS and sum(taken) < _CALIBRATION_S:
        started = CLOCK()
        work()
        taken.append(CLOCK() - started)
    return min(taken)
