"""Run cells as processes of this machine, some at a time; tell how each one ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from benchmarks.cells import NO_ROOM, CellJob
from benchmarks.limits import Limits, wait_within
from benchmarks.plug_ins import is_plug_in
from benchmarks.provenance import CHECKOUT

COMMAND = (sys.executable, "-P", "-m", "benchmarks.cells")  # -P: a folder "models" where the user is hides not ours

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
"""Where libraries read their number of threads, once, when they are imported."""

LOG_BYTES = 1_000_000
"""The end of what a cell writes to standard error; more of it is not kept."""

MAX_ERROR = 500
"""Most characters of an error that are told; the whole is in the log."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a cell's process ended.

    Attributes
    ----------
    job
        What it was told.
    status
        Its exit status; negative where a signal ended it.
    log
        The end of what it wrote to standard error.
    seconds
        How long it lived.
    limit
        Which limit it passed, None where it ended by itself.
    """

    job: CellJob
    status: int
    log: str
    seconds: float
    limit: str | None = None

    @property
    def error(self) -> str | None:
        """Why the cell failed: a limit, the last line of the log, the signal; None where it finished."""
        if self.limit is not None:
            return self.limit
        if self.status == 0:
            finished = (self.job.folder / "cell.json").is_file()
            return None if finished else "its process ended with exit status 0 before the cell was finished"
        if self.status < 0:
            return f"killed by signal {-self.status}{_about(-self.status)}"
        lines = [line for line in self.log.splitlines() if line.strip()]
        return lines[-1].strip()[:MAX_ERROR] if lines else f"exit status {self.status}"

    @property
    def had_room(self) -> bool:
        """Tell whether it could write what it had to; False where the disk was full or cannot be written."""
        return self.status != NO_ROOM


def _about(number: int) -> str:
    try:
        name = f" ({signal.Signals(number).name})"
    except ValueError:
        return ""
    memory = "; the system does this when memory runs out: try less at a time, --jobs, or --cell-memory-mb"
    return name + (memory if number == 9 else "")


def run_jobs(jobs: Sequence[CellJob], *, at_a_time: int, limits: Limits | None = None) -> Iterator[Outcome]:
    """Run every job in its own process, `at_a_time` of them together, within `limits`; yield outcomes as they come.

    Whatever ends this early ends the running processes and starts no more.
    """
    running: set[subprocess.Popen[bytes]] = set()
    pool = ThreadPoolExecutor(at_a_time)
    futures = [pool.submit(_run, job, running, limits or Limits()) for job in jobs]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            end(process)
        pool.shutdown(wait=True)


def _run(job: CellJob, running: set[subprocess.Popen[bytes]], limits: Limits) -> Outcome:
    started = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=cell_environment(job.threads, here=is_plug_in(job.cell.model)),
        start_new_session=True,  # Ctrl-C reaches the run alone, and all that the cell starts can be ended with it
    )
    running.add(process)
    assert process.stdin is not None and process.stderr is not None  # both are pipes
    log = _Log(process.stderr)
    with suppress(BrokenPipeError):  # it ended at once; its status says how
        process.stdin.write(job.to_json().encode())
        process.stdin.close()
    passed = wait_within(process, limits)
    end(process)
    running.discard(process)
    return Outcome(job=job, status=process.wait(), log=log.text(), seconds=time.perf_counter() - started, limit=passed)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a cell's process and whatever it started; nothing of it is to be kept, so at once."""
    started = []
    with suppress(psutil.Error):  # it has ended; what it started has other parents now, but is of its group
        started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in started:
        with suppress(psutil.Error):
            child.kill()
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


class _Log:
    """Reads a cell's standard error to its end, so that it never waits, and keeps the last part."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe, self._kept = pipe, b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while part := os.read(self._pipe.fileno(), 65_536):
            self._kept = (self._kept + part)[-LOG_BYTES:]

    def text(self) -> str:
        """Return what was kept; a process that outlived the cell is not waited for."""
        self._thread.join(timeout=1)
        if not self._thread.is_alive():
            self._pipe.close()
        return self._kept.decode(errors="replace")


def cell_environment(threads: int, *, here: bool = False) -> dict[str, str]:
    """Bound every library's threads before it is imported, make hashing repeatable; find plug-ins `here` if asked."""
    places = (str(CHECKOUT), os.environ.get("PYTHONPATH", ""), str(Path.cwd()) if here else "")
    search = os.pathsep.join(path for path in places if path)
    return {
        **os.environ,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait are many times slower on a busy machine
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": search,
    }
