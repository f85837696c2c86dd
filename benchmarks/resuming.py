"""Run what is missing of a run: cells that never finished, or failed."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.cells import CellJob
from benchmarks.executors import run_jobs
from benchmarks.limits import limits_of
from benchmarks.progress import Stages
from benchmarks.results import RunDirectory, RunError
from benchmarks.settings import RunSettings


def run_missing(directory: RunDirectory, jobs: Sequence[CellJob], settings: RunSettings, stages: Stages) -> int:
    """Run the cells of `jobs` that are not finished, record those that fail, and return how many were run.

    Raises
    ------
    RunError
        A cell could not be written; the others that run are ended, what is finished is kept.
    """
    missing = [job for job in jobs if not directory.is_done(job)]
    for job in missing:
        directory.forget_failure(job)
    if len(missing) < len(jobs):
        stages.say(f"{len(jobs) - len(missing)} of {len(jobs)} cells were finished before")
    limits = limits_of(settings.cell_time_s, settings.cell_memory_mb, settings.jobs)
    with stages.stage("cells") as advance:
        advance(0, len(missing))
        for done, outcome in enumerate(run_jobs(missing, at_a_time=settings.jobs, limits=limits), start=1):
            if not outcome.had_room:
                raise RunError(
                    f"cell {outcome.job.cell.name} could not be written ({outcome.error}); finished cells are kept: "
                    "make room and give the same command again"
                )
            if outcome.error is not None:
                directory.record_failure(outcome)
                stages.say(f"cell {outcome.job.cell.name} failed: {outcome.error}")
            advance(done, len(missing))
    return len(missing)
