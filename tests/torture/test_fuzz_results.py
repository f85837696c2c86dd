"""More damaged and forged run directories, gates, settings and trees than the default suite has time for."""

from __future__ import annotations

import os
import time

import pytest

from tests.reports.fuzzed import READERS, Fuzzed

SECONDS = float(os.environ.get("VOXFOLD_FUZZ_SECONDS", "20"))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory) -> Fuzzed:
    return Fuzzed(tmp_path_factory.mktemp("fuzzed"))


@pytest.mark.parametrize("reader", READERS)
def test_nothing_but_our_own_errors_comes_out(fuzzed, reader, record_property) -> None:
    seed, started = 1_000, time.process_time()
    while time.process_time() - started < SECONDS:
        fuzzed.tried(reader, seed)
        seed += 1
    record_property("inputs", seed - 1_000)
    print(f"{reader}: {seed - 1_000} inputs")
    assert seed > 1_000
