"""Processes that the project starts: what they are given, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from features.processes import starting

CHECKOUT = Path(__file__).parents[2]


def test_what_is_started_in_the_block_sees_its_variables_and_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    command = [
        sys.executable,
        "-c",
        "import os; print(os.environ['OPENBLAS_NUM_THREADS'], os.environ['PYTHONSAFEPATH'])",
    ]
    with pytest.raises(ZeroDivisionError), starting():
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1 1\n"
        raise ZeroDivisionError
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7" and "PYTHONSAFEPATH" not in os.environ


def test_a_worker_ends_without_taking_its_libraries_apart() -> None:
    program = "import atexit, os; from features.processes import work_for; atexit.register(print, 'apart')"
    for begin, printed in (("", "apart\n"), ("; work_for(os.getppid())", "")):
        command = [sys.executable, "-c", program + begin]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT)
        assert ended.stdout == printed


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux' signal of a parent's death")
def test_a_worker_whose_parent_is_gone_ends_at_once() -> None:
    program = "from features.processes import work_for; work_for(1); print('went on')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert (ended.returncode, ended.stdout) == (1, "")
