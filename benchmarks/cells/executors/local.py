"""Run cells as processes of this machine, some at a time."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from benchmarks.cells.cell import NO_ROOM, CellJob
from benchmarks.cells.executors.base import Outcome
from benchmarks.cells.executors.supervision import Log, end, wait_within
from benchmarks.cells.finished_cell import RECORD, complete, put_in_place
from benchmarks.cells.limits import Limits
from benchmarks.errors import is_no_room
from benchmarks.provenance import CHECKOUT
from models.plug_ins import is_plug_in

COMMAND = (sys.executable, "-P", "-m", "benchmarks.cells.process")
"""How a cell's process is started; -P: a folder "models" where the user is hides not ours."""

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
"""Where libraries read their number of threads, once, when they are imported."""

MAX_ERROR = 500
"""Most characters of an error that are told; the whole is in the log."""


@dataclass(frozen=True, kw_only=True)
class LocalExecutor:
    """Runs each cell in a process of its own, some at a time, within limits.

    `features` is the folder that the jobs' features are relative to; finished cells are put into `results`.
    """

    features: Path
    results: Path
    at_a_time: int = 1
    limits: Limits = field(default_factory=Limits)

    def run(self, jobs: Iterable[CellJob]) -> Iterator[Outcome]:
        """Run every job; yield outcomes as they come."""
        left, running = iter(jobs), set[subprocess.Popen[bytes]]()
        pool = ThreadPoolExecutor(self.at_a_time)
        try:
            futures = {pool.submit(self._run, job, running) for job in islice(left, self.at_a_time)}
            while futures:
                ended, futures = wait(futures, return_when=FIRST_COMPLETED)
                futures |= {pool.submit(self._run, job, running) for job in islice(left, len(ended))}
                for future in ended:
                    yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(running):
                end(process)
            pool.shutdown(wait=True)

    def _run(self, job: CellJob, running: set[subprocess.Popen[bytes]]) -> Outcome:
        try:
            folder = Path(tempfile.mkdtemp(prefix=f".{job.cell.name}-", dir=self.results))
            try:
                return self._run_in(folder, job, running)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        except Exception as error:
            if not is_no_room(error):
                raise
            return Outcome(job=job, seconds=0.0, error=" ".join(str(error).split()), had_room=False)

    def _run_in(self, folder: Path, job: CellJob, running: set[subprocess.Popen[bytes]]) -> Outcome:
        new, target = folder / "new", self.results / job.cell.name
        (folder / "job.arrow").write_bytes(job.to_bytes())
        environment = cell_environment(job.threads, here=is_plug_in(job.cell.model))
        started = time.perf_counter()
        with (folder / "job.arrow").open("rb") as told:
            process = subprocess.Popen(
                [*COMMAND, str(self.features.absolute()), str(new), str(os.getpid())],
                stdin=told,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches the run alone, and all that the cell starts can be ended
            )
        running.add(process)
        assert process.stderr is not None  # it is a pipe
        log = Log(process.stderr)
        limit = wait_within(process, self.limits)
        end(process)
        running.discard(process)
        status, text, seconds = process.wait(), log.text(), time.perf_counter() - started
        error = limit or _error(status, text, new)
        if error is None:
            complete(new, seconds)
            put_in_place(new, target)
            return Outcome(job=job, seconds=seconds, log=text, folder=target)
        had_room, command = limit is not None or status != NO_ROOM, self._command(environment)
        return Outcome(job=job, seconds=seconds, error=error, log=text, had_room=had_room, command=command)

    def _command(self, environment: dict[str, str]) -> str:
        """Return the command that repeats a cell, but for its limits: with its threads, and where plug-ins are."""
        given = [f"{name}={value}" for name, value in environment.items() if os.environ.get(name) != value]
        return shlex.join(["env", *given, *COMMAND, str(self.features.absolute()), "repeated"]) + " < job.arrow"


def _error(status: int, log: str, folder: Path) -> str | None:
    """Say why a cell failed: the last line of its log, or the signal; None where it finished."""
    if status == 0:
        finished = (folder / RECORD).is_file()
        return None if finished else "its process ended with exit status 0 before the cell was finished"
    if status < 0:
        name = {known.value: f" ({known.name})" for known in signal.Signals}.get(-status, "")
        memory = "; the system does this when memory runs out: try less at a time, --jobs, or --cell-memory-mb"
        return f"killed by signal {-status}{name}{memory if status == -9 else ''}"
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1].strip()[:MAX_ERROR] if lines else f"exit status {status}"


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
