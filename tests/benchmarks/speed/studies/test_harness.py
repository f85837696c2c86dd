"""What the harness costs, from a table of timings made by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks.speed.studies.__main__ import app
from benchmarks.speed.studies.harness import as_text, seconds_of_cells
from reports.run_directory import tables

SECONDS = {
    ("svm", 0): {"import": 1.0, "select": 1.5, "fit": 0.5, "first-call": 0.25, "predict-batch": 0.25, "process": 4.0},
    ("svm", 1): {"import": 1.0, "select": 3.0, "fit": 1.0, "first-call": 0.25, "predict-batch": 0.25, "process": 6.0},
    ("cnn", 0): {"import": 4.0, "fit": 14.0, "predict-batch": 0.75, "process": 20.0},
}


@pytest.fixture
def timings() -> pd.DataFrame:
    keys = {"protocol": "official", "repetition": 0, "seed": 0}
    numbers = {"peak_rss_bytes": 1, "threads": 1, "contended": False, "n_recordings": 1, "machine": "a", "load": 0.5}
    rows = [
        {"model": model, "fold": fold, "phase": phase, "seconds": seconds, **keys, **numbers}
        for (model, fold), phases in SECONDS.items()
        for phase, seconds in phases.items()
    ]
    # two answers for one recording each, and the extraction, which belongs to no cell
    more = [{**rows[-1], "phase": "predict-one", "seconds": 0.125}] * 2
    extraction = {**rows[-1], "model": "features", "protocol": "", "phase": "extract", "seconds": 99.0}
    return pd.DataFrame([*rows, *more, extraction])


def test_the_harness_is_what_no_phase_has_timed(timings: pd.DataFrame) -> None:
    cells = seconds_of_cells(timings)
    assert cells.columns.tolist() == ["model", "process", "import", "fits", "answers", "harness"]
    assert cells.to_numpy().tolist() == [
        ["svm", 4.0, 1.0, 2.0, 0.5, 0.5],
        ["svm", 6.0, 1.0, 4.0, 0.5, 0.5],
        ["cnn", 20.0, 4.0, 14.0, 1.0, 1.0],
    ]
    lines = as_text(cells).splitlines()
    assert lines[2] == "| svm | 2 | 5.00 s | 1.00 s | 3.00 s | 0.50 s | 0.50 s |"
    assert lines[-1] == "The harness adds 10.0 % to the fits; at most 1.00 s in a cell."


def test_it_is_told_of_a_run_directory(timings: pd.DataFrame, tmp_path: Path) -> None:
    tables.write(timings, "timings", tmp_path)
    done = CliRunner().invoke(app, ["harness", "--run", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "| cnn | 1 | 20.00 s |" in done.stdout and "load average before and at the end" in done.stdout


def test_a_run_that_does_not_say_how_long_processes_lived_is_refused(timings: pd.DataFrame, tmp_path: Path) -> None:
    assert "timings.parquet is missing" in CliRunner().invoke(app, ["harness", "--run", str(tmp_path)]).stderr
    tables.write(timings[timings["phase"] != "process"], "timings", tmp_path)
    done = CliRunner().invoke(app, ["harness", "--run", str(tmp_path)])
    assert done.exit_code == 2
    assert "does not say how long" in done.stderr
