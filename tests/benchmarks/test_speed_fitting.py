"""The comparison with the bare libraries: its arrays, its environment, its arithmetic."""

from __future__ import annotations

import json
import os
import subprocess

import numpy as np
import pandas as pd
import pytest

from benchmarks.cells.executors.local import cell_environment
from benchmarks.speed import fitting, ours, plain, start
from benchmarks.speed.arrays import Arrays, synthetic_arrays
from benchmarks.speed.harness import table
from benchmarks.speed.timing import Clock


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return synthetic_arrays()


def test_a_row_says_how_many_times_faster_ours_is() -> None:
    comparison = fitting.Comparison(
        model="svm",
        busy=False,
        ours=[{"fit": (1.0, 2.0)}, {"fit": (2.0, 2.0)}, {"fit": (1.0, 2.0)}],
        plain=[{"fit": (10.0, 8.0)}, {"fit": (18.0, 8.0)}, {"fit": (8.0, 10.0)}],
    )
    (row,) = comparison.rows()
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "svm", "fit", "10.00 s", "1.00 s", "9.00", "8.00", "10.00", "4.00", "8",
    ]  # fmt: skip


def test_bare_libraries_choose_their_own_threads(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    bare, cell = fitting.default_environment(2), cell_environment(2)
    assert "OMP_NUM_THREADS" not in bare
    assert "OMP_WAIT_POLICY" not in bare
    assert (cell["OMP_NUM_THREADS"], cell["OMP_WAIT_POLICY"]) == ("2", "PASSIVE")


def test_synthetic_arrays_are_always_the_same_and_can_be_learned(arrays) -> None:
    again = synthetic_arrays()
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, again[name])
    assert arrays["flat_training"].shape == (5607, 1176)
    assert arrays["image_test"].shape == (1879, 98, 12, 3)
    women, men = (arrays["flat_training"][arrays["y_training"] == label].mean(axis=0) for label in (0, 1))
    direction = men - women
    guesses = (arrays["flat_test"] - (men + women) / 2) @ direction > 0
    assert np.mean(guesses == arrays["y_test"]) > 0.8


@pytest.mark.parametrize("name", ["svm", "xgboost"])
def test_both_sides_time_the_same_phases(name, arrays, tmp_path, capsys) -> None:
    np.savez(tmp_path / "arrays.npz", **{key: values[:200] for key, values in arrays.items()})
    seconds = []
    for side, arguments in ((ours, ["1"]), (plain, [])):
        assert side.main([name, str(tmp_path / "arrays.npz"), *arguments]) == 0
        seconds.append(json.loads(capsys.readouterr().out))
    assert list(seconds[0]) == list(seconds[1]) == ["fit", "predict", "predict one"]
    assert all(value > 0 for phases in seconds for value, _ in phases.values())


def test_the_process_that_keeps_a_core_busy_ends(monkeypatch) -> None:
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args: started.append(popen(*args)) or started[0])
    with pytest.raises(KeyError), fitting.busy_core():
        os.kill(started[0].pid, 0)
        raise KeyError
    assert started[0].poll() is not None


def test_a_clock_keeps_the_median_of_single_answers() -> None:
    clock = Clock()
    asked = []
    clock.time_answers(lambda x: asked.append(len(x)) or x, np.zeros((60, 2)))
    assert asked == [60, 60, 1, *[1] * 50]
    assert set(clock.seconds) == {"predict", "predict one"}


def test_the_harness_is_what_no_phase_has_timed() -> None:
    cells = pd.DataFrame(
        {
            "model": ["svm", "svm", "cnn"],
            "process": [4.0, 6.0, 20.0],
            "import": [1.0, 1.0, 4.0],
            "fits": [2.0, 4.0, 14.0],
            "answers": [0.5, 0.5, 1.0],
            "harness": [0.5, 0.5, 1.0],
        }
    )
    lines = table(cells).splitlines()
    assert lines[2] == "| svm | 2 | 5.00 s | 1.00 s | 3.00 s | 0.50 s | 0.50 s |"
    assert lines[-1] == "The harness adds 10.0 % to the fits; at most 1.00 s in a cell."


def test_a_further_file_costs_its_share_of_many() -> None:
    # help, one file, 201 files, the libraries; elapsed and processor time
    round_ = [[0.2, 0.1], [1.5, 1.25], [2.5, 2.0], [1.0, 0.9]]
    lines = start.table(np.array([round_, round_, round_])).splitlines()
    assert lines[2:] == [
        "| `--help` | 0.20 s | 0.10 s | 0.5 s |",
        "| `predict`, one file | 1.50 s | 1.25 s | 2.5 s |",
        "| importing scikit-learn and skops | 1.00 s | 0.90 s |  |",
        "| a further file | 5.0 ms | 3.8 ms | 5 ms |",
    ]
