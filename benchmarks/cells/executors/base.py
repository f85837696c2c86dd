"""The door to whoever runs cells: an executor takes jobs and yields how each one ended.

What an executor owes to its callers, on this machine or another:

- A job says everything (`benchmarks.cells.cell.CellJob`). The executor knows two folders that a job does not: the cache
  that the job's features are relative to, on the machine where the cell runs, and the results, where the caller looks
  for finished cells. Only the second must be the caller's: features may be brought to another machine once, and are
  found there by the same relative place.
- Whoever runs the cell, ``python -m benchmarks.cells.process`` or a call of `benchmarks.cells.process.run_cell`, leaves
  its files in a folder of the executor's choice, and nothing elsewhere. An executor on another machine brings these
  files back (predictions, timings, record, model) as they are.
- A cell is finished when its folder stands whole, under the cell's name, among the results: `complete` adds what the
  executor has seen, `put_in_place` renames. A kill at any moment leaves a whole folder or one whose name begins with a
  dot.
- Jobs are taken one by one, as cells end: each is made when it is taken, and holds its split.
- Limits of time and memory are kept on the executor's side. Whatever ends the iteration early ends the cells that run,
  and starts no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.cells.cell import CellJob


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a cell ended.

    Attributes
    ----------
    seconds
        How long its process lived.
    error, log
        Why it failed, in one line, None where it finished; the end of what it wrote to standard error.
    had_room
        False where the disk was full or could not be written to.
    folder
        The finished cell (`benchmarks.cells.finished_cell`); None where it failed.
    command
        Shell command that repeats the cell where it ran, with the job as ``job.arrow`` in the working directory.
    """

    job: CellJob
    seconds: float
    error: str | None = None
    log: str = ""
    had_room: bool = True
    folder: Path | None = None
    command: str | None = None


class Executor(Protocol):
    """Runs cells."""

    def run(self, jobs: Iterable[CellJob]) -> Iterator[Outcome]:
        """Run every job; yield outcomes as they come, in any order."""
        ...
