"""Subjects in processes of their own, which take turns: whatever else the machine does strikes all of them alike.

A subject is a plain function. It is named here and called there, since what one library does to the memory allocator
makes another up to twice as fast; its arguments and its answer are JSON. Compare ratios of subjects, which are medians
over rounds.
"""

from __future__ import annotations

import json
import os
import pkgutil
import resource
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Annotated, Any

import typer

Rounds = Annotated[int, typer.Option(min=1, help="how often everything is timed")]

SECONDS_BETWEEN_LOOKS = 0.02

# no main module: worker processes of a subject would import it again, and a run's own is small
_COMMAND = "import sys; from benchmarks.speed.studies.turns import answer; answer(*sys.argv[1:])"


def default_environment() -> dict[str, str]:
    """Return a cell's environment without anything that a library reads its threads from."""
    from benchmarks.cells.executors.local import (  # loads much that not every subject needs
        THREAD_VARIABLES,
        cell_environment,
    )

    threading = {*THREAD_VARIABLES, "OMP_WAIT_POLICY"}
    return {name: value for name, value in cell_environment(1).items() if name not in threading}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is timed: a function of a module, which times its work itself, and its arguments."""

    name: str
    function: Callable[..., object]
    arguments: Sequence[object] = ()
    environment: Mapping[str, str] = field(default_factory=default_environment)


def ask(subject: Subject, look: Callable[[int], object] | None = None) -> Any:
    """Call the function in a new process; `look` is called with its number again and again meanwhile.

    Raises
    ------
    RuntimeError
        The process failed; why has been printed.
    """
    function = f"{subject.function.__module__}:{subject.function.__qualname__}"
    command = [sys.executable, "-P", "-c", _COMMAND, function, json.dumps(subject.arguments)]
    with subprocess.Popen(command, env=subject.environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # it is a pipe
        while look is not None and not select.select([process.stdout], [], [], SECONDS_BETWEEN_LOOKS)[0]:
            look(process.pid)
        text = process.stdout.read()
    if not text:
        raise RuntimeError(f"{subject.name}: its process ended with exit status {process.returncode}")
    return json.loads(text)


def answer(function: str, arguments: str) -> None:
    """Be a subject's process: call its function, and print what it returns."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    print(json.dumps(pkgutil.resolve_name(function)(*json.loads(arguments))), file=answers, flush=True)


def in_rounds(subjects: Sequence[Subject], rounds: int, ask: Callable[[Subject], Any] = ask) -> dict[str, list[Any]]:
    """Ask each subject once a round, every other round backwards; return the answers by name."""
    answers: dict[str, list[Any]] = {subject.name: [] for subject in subjects}
    for number in range(rounds):
        for subject in subjects[:: -1 if number % 2 else 1]:
            answers[subject.name].append(ask(subject))
    return answers


def now() -> tuple[float, float]:
    """Return the clock, and the processor time of this process, all its threads, and its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(one.ru_utime + one.ru_stime for one in used)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return elapsed and processor seconds of a call, as `now` counts them."""
    before = now()
    work()
    after = now()
    return after[0] - before[0], after[1] - before[1]


def with_range(ratios: Iterable[float]) -> list[str]:
    """Write the median of ratios over rounds, the lowest and the highest."""
    return [f"{of(ratios):.2f}" for of in (median, min, max)]
