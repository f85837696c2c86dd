"""Run cells as processes of this machine, some at a time; tell how each one ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cells import CellJob
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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a cell's process ended: its job, exit status, what it wrote to standard error, and how long it lived."""

    job: CellJob
    status: int
    log: str
    seconds: float

    @property
    def error(self) -> str | None:
        """The last line of the log where the cell failed, else None."""
        if self.status == 0:
            return None
        lines = [line for line in self.log.splitlines() if line.strip()]
        killed = f"killed by signal {-self.status}" if self.status < 0 else f"exit status {self.status}"
        return lines[-1].strip() if lines and self.status > 0 else killed


def run_jobs(jobs: Sequence[CellJob], *, at_a_time: int) -> Iterator[Outcome]:
    """Run every job in its own process, `at_a_time` of them together; yield outcomes as they come.

    An interruption (KeyboardInterrupt) ends the running processes and starts no more.
    """
    running: set[subprocess.Popen[str]] = set()
    pool = ThreadPoolExecutor(at_a_time)
    futures = [pool.submit(_run, job, running) for job in jobs]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            process.terminate()
        pool.shutdown(wait=True)


def _run(job: CellJob, running: set[subprocess.Popen[str]]) -> Outcome:
    started = time.perf_counter()
    process = subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=cell_environment(job.threads, here=is_plug_in(job.cell.model)),
    )
    running.add(process)
    _, log = process.communicate(job.to_json())
    running.discard(process)
    return Outcome(job=job, status=process.returncode, log=log, seconds=time.perf_counter() - started)


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
