"""Run the guards in a process of their own and read what pytest-benchmark recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.provenance import CHECKOUT
from benchmarks.speed.guards.rounds import CLOCK, Guard

GUARDS = Path(__file__).parent

_STANDARD_ERROR = 2
_FAILED = 1
_NO_TESTS = 5
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# glibc otherwise hands memory back, or not, by what its process has freed before: a guard's ratio would hang on the
# guards before it, by up to four times where fetching a page is slow (mallopt(3); 32 MiB is the largest it takes)
_KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**30)}


class NothingMeasuredError(Exception):
    """No guard was measured; the message is for the user."""


class BrokenGuardError(Exception):
    """A guard raised; what pytest said of it has been printed."""


@dataclass(frozen=True, kw_only=True)
class Measurement(Guard):
    """The rounds of one guard: seconds per call of either side, and their ratios."""

    subject_seconds: Sequence[float]
    reference_seconds: Sequence[float]

    @property
    def rounds(self) -> list[float]:
        """The ratio of every round."""
        pairs = zip(self.subject_seconds, self.reference_seconds, strict=True)
        return [subject / reference for subject, reference in pairs]

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return median(self.rounds)


def measure(folder: Path = GUARDS) -> list[Measurement]:
    """Measure every guard in the files ``guard_*.py`` of `folder`; pytest's progress goes to standard error.

    Libraries are held to one thread: with more, a busy core would slow one side more than the other. Memory is kept,
    so that asking for it costs both sides alike.

    Raises
    ------
    NothingMeasuredError
        There is no guard, or pytest measured none.
    BrokenGuardError
        A guard raised.
    """
    files = sorted(folder.glob("guard_*.py"))
    if not files:
        raise NothingMeasuredError(f"nothing was measured: no guard_*.py in {folder}")
    with tempfile.TemporaryDirectory() as scratch:
        record = Path(scratch) / "benchmarks.json"
        search = os.pathsep.join(path for path in (str(CHECKOUT), os.environ.get("PYTHONPATH", "")) if path)
        environment = {**os.environ, **_ONE_THREAD, **_KEPT_MEMORY, "PYTHONHASHSEED": "0", "PYTHONPATH": search}
        ended = subprocess.run(_command(files, record), env=environment, stdout=_STANDARD_ERROR, check=False)
        if ended.returncode == _FAILED:
            raise BrokenGuardError("a guard could not be measured; pytest's report is above")
        text = record.read_text(encoding="utf-8") if record.is_file() else ""  # empty where nothing was measured
        measurements = [_measurement(benchmark) for benchmark in (json.loads(text)["benchmarks"] if text else [])]
    if not measurements:
        status = ended.returncode
        reason = "pytest found no test" if status == _NO_TESTS else f"pytest ended with exit status {status}"
        raise NothingMeasuredError(f"nothing was measured: {reason}")
    return measurements


def _command(files: Sequence[Path], record: Path) -> list[str]:
    options = ("-q", "--import-mode=importlib", "-p", "no:cacheprovider", "--benchmark-quiet")
    recording = (f"--benchmark-timer=time.{CLOCK.__name__}", f"--benchmark-json={record}")
    return [sys.executable, "-P", "-m", "pytest", *options, *recording, *map(str, files)]


def _measurement(benchmark: dict[str, Any]) -> Measurement:
    about = dict(benchmark["extra_info"])
    n_calls = about.pop("n_subject_calls")
    return Measurement(**about, subject_seconds=[seconds / n_calls for seconds in benchmark["stats"]["data"]])
