"""The comparison with the bare libraries: its arrays, its phases, its arithmetic."""

from __future__ import annotations

import os
import subprocess

import numpy as np
import pytest

from benchmarks.speed.studies.fitting import busy_core, phase_rows, synthetic_arrays
from benchmarks.speed.studies.fitting_models import Arrays, answer_seconds, bare, ours


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return synthetic_arrays()


def test_a_row_says_how_many_times_faster_ours_is() -> None:
    (row,) = phase_rows(
        "svm",
        False,
        ours=[{"fit": (1.0, 2.0)}, {"fit": (2.0, 2.0)}, {"fit": (1.0, 2.0)}],
        bare=[{"fit": (10.0, 8.0)}, {"fit": (18.0, 8.0)}, {"fit": (8.0, 10.0)}],
    )
    assert row == ["svm", "fit", "10.00 s", "1.00 s", "9.00", "8.00", "10.00", "4.00", "8"]


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
def test_both_sides_time_the_same_phases(name, arrays, tmp_path) -> None:
    np.savez(tmp_path / "arrays.npz", **{key: values[:200] for key, values in arrays.items()})
    path = str(tmp_path / "arrays.npz")
    seconds = [ours(name, path, threads=1), bare(name, path)]
    assert list(seconds[0]) == list(seconds[1]) == ["fit", "predict", "predict one"]
    assert all(value > 0 for phases in seconds for value, _ in phases.values())


def test_the_process_that_keeps_a_core_busy_ends(monkeypatch) -> None:
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args: started.append(popen(*args)) or started[0])
    with pytest.raises(KeyError), busy_core():
        os.kill(started[0].pid, 0)
        raise KeyError
    assert started[0].poll() is not None


def test_single_answers_are_asked_one_by_one() -> None:
    asked = []
    seconds = answer_seconds(lambda x: asked.append(len(x)) or x, np.zeros((60, 2)))
    assert asked == [60, 60, 1, *[1] * 50]
    assert set(seconds) == {"predict", "predict one"}
