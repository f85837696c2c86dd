"""Subjects in processes of their own, which take turns: whatever else the machine does strikes all of them alike.

A subject is a plain function. It is named here and called there, since what one library does to the memory allocator
makes another up to twice as fast; arguments and answers go through pipes as JSON. Compare ratios of subjects, which are
medians over rounds.
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
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

import typer

Rounds = Annotated[int, typer.Option(min=1, help="how often everything is timed")]

SECONDS_BETWEEN_LOOKS = 0.02

# no main module: worker processes of a subject would import it again, and a run's own is small
_COMMAND = "import sys; from benchmarks.speed.studies.turns import serve; serve(*sys.argv[1:])"


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
    """What is timed: a function of a module, and the first of its arguments; it times its work itself."""

    name: str
    function: Callable[..., object]
    arguments: Sequence[object] = ()
    environment: Mapping[str, str] = field(default_factory=default_environment)


class Process:
    """A subject's process, for as long as a ``with`` block lasts."""

    def __init__(self, subject: Subject) -> None:
        function = f"{subject.function.__module__}:{subject.function.__qualname__}"
        command = [sys.executable, "-P", "-c", _COMMAND, function, json.dumps(subject.arguments)]
        self.subject = subject
        # without buffers, so that `select` tells whether there is an answer
        self._process = subprocess.Popen(
            command, bufsize=0, env=subject.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is not None:
            self._process.kill()
        self._process.__exit__(None, None, None)  # closes the pipes, by which it ends, and waits for it

    def ask(self, *turn: object, look: Callable[[], object] | None = None) -> Any:
        """Call the function, with what this turn adds to its arguments; `look` is called again and again meanwhile.

        Raises
        ------
        RuntimeError
            The process ended instead; why has been printed.
        """
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None and answers is not None  # both are pipes
        with suppress(BrokenPipeError):  # it ended; there is no answer then
            questions.write(json.dumps(turn).encode() + b"\n")
        while look is not None and not select.select([answers], [], [], SECONDS_BETWEEN_LOOKS)[0]:
            look()
        if not (answer := answers.readline()):
            raise RuntimeError(f"{self.subject.name}: its process ended with exit status {self._process.wait()}")
        return json.loads(answer)


def serve(function: str, arguments: str) -> None:
    """Be a subject's process: call its function for each line of standard input, until that is closed."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    for turn in sys.stdin:
        answer = pkgutil.resolve_name(function)(*json.loads(arguments), *json.loads(turn))
        print(json.dumps(answer), file=answers, flush=True)


def in_turns(subjects: Sequence[Subject], turns: Iterable[Sequence[object]]) -> dict[str, list[Any]]:
    """Ask processes that stay, each turn one after the other; return the answers by the subjects' names."""
    answers: dict[str, list[Any]] = {subject.name: [] for subject in subjects}
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(subject)) for subject in subjects]
        for turn in turns:
            for process in processes:
                answers[process.subject.name].append(process.ask(*turn))
    return answers


def in_rounds(
    subjects: Sequence[Subject], rounds: int, ask: Callable[[Process], Any] = Process.ask
) -> dict[str, list[Any]]:
    """Ask each subject once a round, in a new process, every other round backwards; return the answers by name."""
    answers: dict[str, list[Any]] = {subject.name: [] for subject in subjects}
    for number in range(rounds):
        for subject in subjects[:: -1 if number % 2 else 1]:
            with Process(subject) as process:
                answers[subject.name].append(ask(process))
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
