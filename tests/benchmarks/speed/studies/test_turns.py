"""Subjects in turns, on functions of the standard library."""

from __future__ import annotations

import operator
import os
import time

import pytest

from benchmarks.cells.executors.local import cell_environment
from benchmarks.speed.studies.turns import Subject, ask, default_environment, in_rounds, timed

NAMED = Subject(name="named", function=os.path.join, arguments=["a", "b"])
PID = Subject(name="own number", function=os.getpid)


def test_a_subject_answers_with_its_arguments_in_another_process() -> None:
    assert in_rounds([NAMED], 2) == {"named": ["a/b", "a/b"]}
    assert ask(PID) != os.getpid()


def test_every_round_has_new_processes_and_every_other_goes_backwards() -> None:
    asked = []
    first, second = (Subject(name=name, function=os.getpid) for name in ("first", "second"))
    numbers = in_rounds([first, second], 2, lambda subject: asked.append(subject.name) or ask(subject))
    assert asked == ["first", "second", "second", "first"]
    assert len({number for own in numbers.values() for number in own}) == 4


def test_a_process_is_looked_at_until_it_answers() -> None:
    looks = []
    assert ask(Subject(name="slow", function=time.sleep, arguments=[0.2]), looks.append) is None
    assert len(looks) > 1 and len(set(looks)) == 1


def test_a_subject_that_fails_is_named() -> None:
    with pytest.raises(RuntimeError, match="divided: its process ended with exit status 1"):
        ask(Subject(name="divided", function=operator.truediv, arguments=[1, 0]))


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
