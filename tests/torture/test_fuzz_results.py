"""More damaged and forged run directories, gates, settings and trees than the default suite has time for."""

from __future__ import annotations

import os
import time

import pytest

from tests.benchmarks import fuzzed_cells
from tests.reports.fuzzed import READERS, Fuzzed

SECONDS = float(os.environ.get("VOXFOLD_FUZZ_SECONDS", "20"))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory) -> Fuzzed:
    return Fuzzed(tmp_path_factory.mktemp("fuzzed"))


@pytest.mark.parametrize("reader", READERS)
def test_nothing_but_our_own_errors_comes_out(fuzzed, reader) -> None:
    try_inputs(fuzzed, reader)


@pytest.mark.parametrize("reader", fuzzed_cells.READERS)
def test_going_on_with_odd_cells_ends_in_a_line_at_most(tmp_path, reader) -> None:
    try_inputs(fuzzed_cells.FuzzedCells(tmp_path), reader)


def try_inputs(fuzzed, reader) -> None:
    seed, started = 1_000, time.process_time()
    while time.process_time() - started < SECONDS:
        fuzzed.tried(reader, seed)
        seed += 1
    print(f"{reader}: {seed - 1_000} inputs")
    assert seed > 1_000
