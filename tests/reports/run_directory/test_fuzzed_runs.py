"""Damaged and forged run directories, gates and settings: the same inputs in every run; tests/torture tries more."""

from __future__ import annotations

import pytest

from tests.reports.fuzzed import COMPARISON, PAGES, READERS, Fuzzed


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory) -> Fuzzed:
    return Fuzzed(tmp_path_factory.mktemp("fuzzed"))


@pytest.mark.parametrize("reader", READERS)
def test_nothing_but_our_own_errors_comes_out(fuzzed, reader) -> None:
    for seed in range(5 if reader in (*PAGES, COMPARISON) else 40):
        fuzzed.tried(reader, seed)
