"""Fold against fold, by hand and against SciPy's distributions and integrals."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from reports.run_directory.run import Run, load
from reports.summary import model_pairs, model_pairs_by_fold


def test_four_folds_by_hand() -> None:
    """0.1, 0.2, 0.3, 0.2 on test folds of 6 speakers, 18 fitted on: mean 0.2, s^2 = 0.02 / 3.

    Variance (1/4 + 6/18) * 0.02 / 3 = 0.5833333 * 0.0066667 = 0.0038889, its root 0.0623610; t = 0.2 / 0.0623610 =
    3.207135 with 3 degrees, p = 0.049052. t_.975 = 3.182446: 0.2 -+ 0.198460.
    """
    found = model_pairs_by_fold.corrected(np.array([0.1, 0.2, 0.3, 0.2]), 4, 6 / 18)
    assert found["value"] == pytest.approx(0.2, abs=1e-12)
    assert (found["low"], found["high"]) == pytest.approx((0.2 - 0.198460, 0.2 + 0.198460), abs=2e-6)
    assert found["p"] == pytest.approx(2 * stats.t.sf(0.2 / math.sqrt(0.0035 / 0.9), 3), abs=1e-9)
    assert found["p"] == pytest.approx(0.049052, abs=2e-5)
    assert found["df"] == 3
    assert found["estimable"]


def above(edge: float, differences: list[float], n_folds: int, ratio: float) -> float:
    """P(mean difference > edge): t with K - 1 degrees around the mean, its density written out and integrated."""
    scale, nu = math.sqrt(1 / len(differences) + ratio) * stdev(differences), n_folds - 1
    constant = math.gamma((nu + 1) / 2) / (math.gamma(nu / 2) * math.sqrt(nu * math.pi))
    # from the middle of the density, which integration from an edge far away might step over
    part = integrate.quad(
        lambda z: constant * (1 + z**2 / nu) ** (-(nu + 1) / 2), 0, (edge - mean(differences)) / scale, limit=200
    )
    return 0.5 - float(part[0])


@settings(max_examples=100, deadline=None)
@given(
    st.integers(3, 6),
    st.integers(1, 3),
    st.floats(0.1, 0.6),
    st.integers(0, 1000),
)
def test_repeated_folds_match_a_plain_loop(n_folds: int, repetitions: int, ratio: float, seed: int) -> None:
    d = np.random.default_rng(seed).normal(0.02, 0.04, n_folds * repetitions).tolist()
    found = model_pairs_by_fold.corrected(np.array(d), n_folds, ratio)
    s2 = sum((one - mean(d)) ** 2 for one in d) / (len(d) - 1)
    se = math.sqrt((1 / len(d) + ratio) * s2)
    assert found["df"] == n_folds - 1
    assert found["p"] == pytest.approx(2 * stats.t.sf(abs(mean(d)) / se, n_folds - 1), abs=1e-9)
    step = stats.t.ppf(0.975, n_folds - 1) * se
    assert (found["low"], found["high"]) == pytest.approx((mean(d) - step, mean(d) + step), abs=1e-9)

    assert found["probability"]["a"] == pytest.approx(above(0.01, d, n_folds, ratio), abs=1e-7)
    assert found["probability"]["b"] == pytest.approx(1 - above(-0.01, d, n_folds, ratio), abs=1e-7)
    assert sum(found["probability"].values()) == pytest.approx(1, abs=1e-9)


def test_the_other_direction_turns_everything() -> None:
    d = np.array([0.03, -0.01, 0.05, 0.02, 0.04])
    one, other = model_pairs_by_fold.corrected(d, 5, 0.25), model_pairs_by_fold.corrected(-d, 5, 0.25)
    assert other["p"] == pytest.approx(one["p"], abs=1e-12)
    assert (-other["high"], -other["low"]) == pytest.approx((one["low"], one["high"]), abs=1e-12)
    assert other["probability"]["b"] == pytest.approx(one["probability"]["a"], abs=1e-12)


def test_the_correction_is_wider_than_the_plain_t_test() -> None:
    d = np.random.default_rng(0).normal(0.05, 0.05, 10)
    assert model_pairs_by_fold.corrected(d, 10, 1 / 9)["p"] > stats.ttest_1samp(d, 0).pvalue


@pytest.mark.parametrize("d", [[0.1, 0.1, 0.1], [0.0, 0.0, 0.0, 0.0]])
def test_folds_that_all_say_the_same(d: list[float]) -> None:
    found = model_pairs_by_fold.corrected(np.array(d), len(d), 0.5)
    assert not found["estimable"] and found["why_not"]
    assert found["low"] is None and found["p"] is None
    assert found["value"] == pytest.approx(d[0], abs=1e-12)


def fold_difference(run: Run, fold: int, repetition: int) -> float:
    """Balanced accuracy of svm minus xgboost in one fold; speakers weigh alike within a gender, seeds averaged."""
    values: dict[str, list[float]] = {"svm": [], "xgboost": []}
    for model, found in values.items():
        rows = run.rows(model)
        rows = rows[(rows["fold"] == fold) & (rows["repetition"] == repetition)]
        for _, one in rows.groupby("seed"):
            right = (one["y_true"].astype(str) == one["y_pred"].astype(str)).groupby(one["speaker"].astype(str)).mean()
            truth = one.drop_duplicates("speaker").set_index("speaker")["y_true"].astype(str)
            truth.index = truth.index.astype(str)
            found.append(right.groupby(truth).mean().mean())
    return mean(values["svm"]) - mean(values["xgboost"])


def test_a_runs_folds_from_its_predictions(make_run: Callable[..., Path]) -> None:
    """3 repetitions of 4 folds of 24 speakers: 6 tested, 18 fitted on (12 + 6 after refitting): J = 12, df = 3."""
    run = load(make_run(repetitions=3, seeds=(0, 1), hostile=False))
    d = np.array([fold_difference(run, fold, repetition) for repetition in range(3) for fold in range(4)])
    expected = model_pairs_by_fold.corrected(d, 4, 1 / 3)
    found = model_pairs_by_fold.fold_difference(run, "svm", "xgboost")
    assert found["n_folds"] == 12
    assert found["test_to_train"] == pytest.approx(1 / 3, abs=1e-9)
    for name in ("value", "low", "high", "p", "df"):
        assert found[name] == pytest.approx(expected[name], abs=1e-9), name
    assert found["probability"] == pytest.approx(expected["probability"], abs=1e-9)


def with_refit(run: Run, refit: bool) -> Run:
    protocol = {**run.manifest["protocol"], "refit": refit}
    return Run(**{**vars_of(run), "manifest": {**run.manifest, "protocol": protocol}})


def vars_of(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in Run.__dataclass_fields__}


@pytest.mark.parametrize(("n_folds", "refit", "ratio"), [(4, True, 6 / 18), (4, False, 6 / 12), (3, True, 1 / 2)])
def test_speakers_really_fitted_on(make_run: Callable[..., Path], n_folds: int, refit: bool, ratio: float) -> None:
    """24 speakers. Official gender: 6 tested, 18 fitted on after refitting, 12 without; grouped 1 / (K - 1)."""
    run = load(make_run(n_women=12, n_men=12, n_folds=n_folds, hostile=False))
    assert model_pairs_by_fold.tested_to_fitted(with_refit(run, refit)) == pytest.approx(ratio, abs=1e-9)


def test_a_fold_without_women(make_run: Callable[..., Path]) -> None:
    run = load(make_run(n_women=3, n_men=12, n_folds=4, hostile=False))
    found = model_pairs_by_fold.fold_difference(run, "svm", "cnn")
    assert not found["estimable"] and found["why_not"] and found["p"] is None and found["low"] is None


def test_a_fold_without_a_digit(make_run: Callable[..., Path]) -> None:
    """Its speakers' mean recall would be over fewer digits than in the other folds."""
    run = load(make_run(task="digit", hostile=False))
    gone = (run.predictions["fold"] == 2) & (run.predictions["y_true"].astype(str) == "7")
    rest = Run(**{**vars_of(run), "predictions": run.predictions[~gone]})
    assert model_pairs_by_fold.fold_difference(run, "svm", "cnn")["estimable"]
    found = model_pairs_by_fold.fold_difference(rest, "svm", "cnn")
    assert not found["estimable"] and found["why_not"] == "a fold lacks a class"


def test_not_for_an_accent_left_out(make_run: Callable[..., Path]) -> None:
    run = load(make_run(protocol="leave-accent-out", n_folds=2, hostile=False, premium=False))
    found = model_pairs_by_fold.fold_difference(run, "svm", "cnn")
    assert not found["estimable"] and "accent" in found["why_not"]
    assert found["p"] is None and found["probability"] is None


def test_one_fold(make_run: Callable[..., Path]) -> None:
    found = model_pairs_by_fold.fold_difference(load(make_run(n_folds=1, hostile=False, premium=False)), "svm", "cnn")
    assert not found["estimable"] and found["why_not"]


def test_a_fold_that_one_model_lacks(make_run: Callable[..., Path]) -> None:
    """Only folds that both models finished are compared, or none; never a fold against nothing."""
    run = load(make_run(failed_cells=(("cnn", 1),), hostile=False))
    found = model_pairs_by_fold.fold_difference(run, "svm", "cnn")
    if found["estimable"]:
        assert found["n_folds"] == 3
    else:
        assert found["why_not"]


def test_the_order_could_change(make_run: Callable[..., Path]) -> None:
    """Said where speakers tell two models apart and folds do not, and only there."""
    seen = []
    for accuracy in [(0.60, 0.66, 0.85), (0.80, 0.70, 0.55)]:
        for each in model_pairs.pairs(load(make_run(accuracy=accuracy, hostile=False))):
            folds = each["fold_level"]
            expected = each["significant"] and folds["estimable"] and folds["p"] >= 0.05
            assert folds["order_could_change"] == expected
            seen.append(expected)
    assert any(seen) and not all(seen)


def test_folds_weigh_speakers_alike(make_run: Callable[..., Path]) -> None:
    run = load(make_run(hostile=False))
    values = model_pairs_by_fold.fold_values(run, "svm")
    assert isinstance(values, pd.Series) and len(values) == 4
    assert values.between(0, 1).all()
