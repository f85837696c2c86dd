"""Damaged and forged cells: the same inputs in every run; tests/torture tries more."""

import json

import pytest

from benchmarks.errors import RunError
from tests.benchmarks.fuzzed_cells import CONDITIONS, FILES, READERS, THIS, FuzzedCells


@pytest.fixture
def fuzzed(tmp_path):
    return FuzzedCells(tmp_path)


def test_the_directory_is_good_before_it_is_damaged(fuzzed):
    fuzzed.directory.prepare(CONDITIONS, fresh=False)
    assert fuzzed.directory.is_done(THIS, save=True) and not fuzzed.directory.damaged()


@pytest.mark.parametrize("reader", READERS)
def test_nothing_but_our_own_errors_comes_out(fuzzed, reader):
    for seed in range(100):
        fuzzed.tried(reader, seed)


@pytest.mark.parametrize("conditions", [None, [], "x", 3])
def test_conditions_that_are_none_are_told(fuzzed, conditions):
    path = fuzzed.directory.path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "conditions": conditions}))
    with pytest.raises(RunError, match="made under other conditions"):
        fuzzed.directory.prepare(CONDITIONS, fresh=False)


@pytest.mark.parametrize("value", [float("nan"), "\ud800", 10**400])
def test_a_cell_whose_settings_no_file_can_hold_is_repeated(fuzzed, value):
    path = fuzzed.directory.path / FILES["cell.json"]
    path.write_text(json.dumps({**json.loads(path.read_text()), "settings": {"C": value}}))
    assert fuzzed.directory.record(THIS) is None


@pytest.mark.parametrize("value", [-1, 2**60, "12", True, "nothing"])
def test_a_cell_whose_model_has_no_size_is_repeated(fuzzed, value):
    path = fuzzed.directory.path / FILES["cell.json"]
    record = {**json.loads(path.read_text()), "model_bytes": value}
    if value == "nothing":
        del record["model_bytes"]
    path.write_text(json.dumps(record))
    assert fuzzed.directory.record(THIS) is None


def test_a_cell_nested_a_hundred_thousand_levels_deep_is_damaged(fuzzed):
    (fuzzed.directory.path / FILES["cell.json"]).write_text("[" * 100_000 + "]" * 100_000)
    assert list(fuzzed.directory.damaged())
