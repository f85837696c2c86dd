"""Subjects in turns, on functions of the standard library."""

from __future__ import annotations

import operator
import os
import time

import pytest

from benchmarks.cells.executors.local import cell_environment
from benchmarks.speed.studies.turns import Process, Subject, default_environment, in_rounds, in_turns, timed

NAMED = Subject(name="named", function=os.path.join, arguments=["a"])
PID = Subject(name="own number", function=os.getpid)


def test_a_turn_adds_to_the_arguments_and_processes_stay() -> None:
    assert in_turns([NAMED], [["b"], ["c", "d"]]) == {"named": ["a/b", "a/c/d"]}
    one, other = in_turns([PID], [[], []])["own number"]
    assert one == other != os.getpid()


def test_every_round_has_new_processes_and_every_other_goes_backwards() -> None:
    asked = []
    first, second = (Subject(name=name, function=os.getpid) for name in ("first", "second"))
    numbers = in_rounds([first, second], 2, lambda process: asked.append(process.subject.name) or process.ask())
    assert asked == ["first", "second", "second", "first"]
    assert len({number for own in numbers.values() for number in own}) == 4


def test_a_process_is_looked_at_until_it_answers() -> None:
    looks = []
    with Process(Subject(name="slow", function=time.sleep, arguments=[0.2])) as process:
        assert process.ask(look=lambda: looks.append(process.pid)) is None
    assert len(looks) > 1


def test_a_subject_that_fails_is_named() -> None:
    with pytest.raises(RuntimeError, match="divided: its process ended with exit status 1"):
        in_turns([Subject(name="divided", function=operator.truediv, arguments=[1, 0])], [[]])


def test_libraries_choose_their_own_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    bare, cell = default_environment(), cell_environment(2)
    assert "OMP_NUM_THREADS" not in bare
    assert "OMP_WAIT_POLICY" not in bare
    assert (cell["OMP_NUM_THREADS"], cell["OMP_WAIT_POLICY"]) == ("2", "PASSIVE")


def test_what_is_timed_is_done_once() -> None:
    done = []
    elapsed, processor = timed(lambda: done.append(sum(range(100_000))))
    assert len(done) == 1 and elapsed > 0 and processor >= 0
