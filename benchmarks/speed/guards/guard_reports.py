"""Guards of folds, intervals, group tables and the page; answers are drawn, not predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.protocol.folds import make_plan
from benchmarks.protocol.tasks import LabelledRecordings, find_task
from benchmarks.speed.guards import references
from benchmarks.speed.guards.rounds import Guard, interleave
from reports.page.page import render
from reports.run_directory.run import load
from reports.statistics.intervals import N_REPLICATES, equal_strata, share_interval
from reports.summary import groups

N_SPEAKERS = 60
SCORES = np.random.default_rng(0).uniform(0.5, 1, N_SPEAKERS)
COUNTS = references.resamples(N_SPEAKERS, N_REPLICATES)


def test_folds(benchmark: Any, known: LabelledRecordings) -> None:
    """Grouped folds with their premium split and audit, against dealing speakers with pandas."""
    guard = Guard(name="folds", subject="folds of 3,000 recordings, audited", reference="bare pandas")
    gender = find_task("gender")
    interleave(
        benchmark,
        guard,
        lambda: make_plan(known, gender, "grouped", n_folds=5),
        lambda: references.deal_speakers(known.recordings, 5),
    )


def test_interval(benchmark: Any) -> None:
    """One bootstrap-t interval, against the arithmetic of a bootstrap of the same size."""
    guard = Guard(
        name="bootstrap-t", subject="bootstrap-t of 60 speakers", reference="bootstrap of ready resamples, NumPy"
    )
    sample = equal_strata(SCORES, ["female", "male"] * (N_SPEAKERS // 2))
    interleave(benchmark, guard, lambda: share_interval(sample), lambda: references.bootstrap(COUNTS, SCORES))


def test_group_tables(benchmark: Any, run_directory: Path) -> None:
    """The group table of one attribute, against a bootstrap per group."""
    guard = Guard(
        name="group-table", subject="accent groups of one model", reference="bootstrap per group, pandas and NumPy"
    )
    run = load(run_directory)
    accents = next(members for members in groups.members(run) if members.attribute == "accent")
    sizes = accents.speakers["group"].value_counts()
    counts = {str(group): references.resamples(int(size), N_REPLICATES) for group, size in sizes.items()}
    interleave(
        benchmark,
        guard,
        lambda: groups.levels(run, accents),
        lambda: references.bootstrap_by_group(accents.speakers, counts),
    )


def test_page(benchmark: Any, run_directory: Path) -> None:
    """The page from its summary, against one plain picture."""
    guard = Guard(name="page", subject="page of two models", reference="one SVG picture, matplotlib")
    interleave(benchmark, guard, lambda: render(run_directory), references.picture)
