"""Numbers of whole runs: from raw answers by plain loops, and in one form whatever the run lacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import matthews_corrcoef

from reports.run_directory.run import Run, load, scores_of
from reports.statistics import intervals
from reports.statistics.intervals import Stratified
from reports.summary.summary import summarise

LABELS = ("female", "male")


def averages(run: Run, model: str, values: np.ndarray) -> dict[str, float]:
    """Mean per speaker, repetition and seed, then per speaker, one recording after the other."""
    parts: dict[tuple[str, int, int], list[float]] = {}
    rows = run.rows(model)
    keys = zip(rows["speaker"].astype(str), rows["repetition"], rows["seed"], strict=True)
    for key, value in zip(keys, values, strict=True):
        parts.setdefault(key, []).append(float(value))
    speakers = sorted({speaker for speaker, _, _ in parts})
    return {s: mean(mean(found) for (speaker, _, _), found in parts.items() if speaker == s) for s in speakers}


def right(run: Run, model: str) -> np.ndarray:
    rows = run.rows(model)
    return (rows["y_true"].astype(str) == rows["y_pred"].astype(str)).to_numpy().astype(float)


def genders(run: Run) -> dict[str, str]:
    table = run.recordings.drop_duplicates("speaker")
    return dict(zip(table["speaker"].astype(str), table["gender"].astype(str), strict=True))


def in_strata(values: dict[str, float], gender: dict[str, str], weights: list[float]) -> Stratified:
    parts = [[x for speaker, x in values.items() if gender[speaker] == label] for label in LABELS]
    strata = np.repeat([0, 1], [len(part) for part in parts])
    return Stratified(
        scores=np.concatenate([np.array(part) for part in parts]),
        strata=strata.astype(np.int64),
        weights=np.array(weights),
    )


@pytest.fixture(scope="module")
def run(make_run: Callable[..., Path]) -> Run:
    """10 women, 14 men, two repetitions of two seeds."""
    return load(make_run(repetitions=2, seeds=(0, 1), hostile=False))


@pytest.fixture(scope="module")
def summary(run: Run) -> dict[str, Any]:
    return summarise(run.folder)


def assert_limits(found: dict[str, Any], sample: Stratified, atol: float = 1e-12) -> None:
    theta = sum(w * part.mean() for w, part in zip(sample.weights, sample.parts(), strict=True))
    interval = intervals.share_interval(sample)
    assert found["value"] == pytest.approx(theta, abs=atol)
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high), abs=1e-9 + 10 * atol)


def test_balanced_accuracy_and_its_check(run: Run, summary: dict[str, Any]) -> None:
    """Strata are the classes, in alphabetical order, weights 1/2; the functions have their own tests."""
    for model in run.contenders:
        sample = in_strata(averages(run, model, right(run, model)), genders(run), [0.5, 0.5])
        found = summary["models"][model]["balanced_accuracy"]
        assert_limits(found, sample)
        second = intervals.mover_interval(sample)
        assert (found["check"]["low"], found["check"]["high"]) == pytest.approx((second.low, second.high), abs=1e-12)
        assert (found["n_speakers"], found["n_recordings"]) == (24, 480)


def test_accuracy_weighs_speakers_alike(run: Run, summary: dict[str, Any]) -> None:
    for model in run.contenders:
        sample = in_strata(averages(run, model, right(run, model)), genders(run), [10 / 24, 14 / 24])
        assert_limits(summary["models"][model]["accuracy"], sample)


def test_recalls_are_those_of_one_class(run: Run, summary: dict[str, Any]) -> None:
    values = averages(run, "svm", right(run, "svm"))
    for label in LABELS:
        part = [x for speaker, x in values.items() if genders(run)[speaker] == label]
        sample = Stratified(scores=np.array(part), strata=np.zeros(len(part), dtype=np.int64), weights=np.array([1.0]))
        assert_limits(summary["models"]["svm"]["recall"][label], sample)


def test_brier_weighs_speakers_alike(run: Run, summary: dict[str, Any]) -> None:
    """Scores are stored in single precision, so that those of the two classes add up to 1 within 1e-7 only."""
    rows = run.rows("cnn")
    errors = (scores_of(rows, LABELS)[:, 1] - (rows["y_true"].astype(str) == "male")) ** 2
    sample = in_strata(averages(run, "cnn", errors.to_numpy()), genders(run), [10 / 24, 14 / 24])
    assert_limits(summary["models"]["cnn"]["brier"], sample, atol=1e-7)


def weighted_mcc(rows: pd.DataFrame) -> float:
    """scikit-learn's, each speaker's recordings weighing 1 together."""
    speakers = rows["speaker"].astype(str)
    weights = 1 / speakers.map(speakers.value_counts())
    return float(matthews_corrcoef(rows["y_true"].astype(str), rows["y_pred"].astype(str), sample_weight=weights))


def test_mcc_leaves_one_speaker_out_at_a_time(run: Run, summary: dict[str, Any]) -> None:
    """Jackknife within genders on Fisher's z, every value from scikit-learn on the rows that are left."""
    rows, gender = run.rows("xgboost"), genders(run)
    z: dict[str, list[float]] = {label: [] for label in LABELS}
    for speaker in sorted(gender):
        z[gender[speaker]].append(math.atanh(weighted_mcc(rows[rows["speaker"].astype(str) != speaker])))
    parts = [(len(v) - 1) / len(v) * sum((one - mean(v)) ** 2 for one in v) for v in z.values()]
    nu = sum(parts) ** 2 / sum(v**2 / (len(z[label]) - 1) for label, v in zip(LABELS, parts, strict=True))
    step = stats.t.ppf(0.975, nu) * math.sqrt(sum(parts))
    value = weighted_mcc(rows)
    found = summary["models"]["xgboost"]["mcc"]
    assert found["value"] == pytest.approx(value, abs=1e-9)
    assert (found["low"], found["high"]) == pytest.approx(
        (math.tanh(math.atanh(value) - step), math.tanh(math.atanh(value) + step)), abs=1e-9
    )


def test_digits_are_mean_recalls_per_speaker_in_strata_of_gender(make_run: Callable[..., Path]) -> None:
    """Take away recordings of some digits from some speakers: x_i is the mean over digits of the share recognised."""
    folder = make_run(task="digit", hostile=False)
    run = load(folder)
    rows = run.rows("svm")
    x: dict[str, float] = {}
    for speaker, one in rows.groupby(rows["speaker"].astype(str)):
        hits = one["y_true"].astype(str) == one["y_pred"].astype(str)
        x[str(speaker)] = float(hits.groupby(one["y_true"].astype(str)).mean().mean())
    sample = in_strata(x, genders(run), [10 / 24, 14 / 24])
    assert_limits(summarise(folder)["models"]["svm"]["balanced_accuracy"], sample)


def test_the_premium_pairs_speakers_of_two_protocols(run: Run, summary: dict[str, Any]) -> None:
    """Mean over genders of the mean difference, with half of Welch's interval (see test_uncertainty)."""
    hits = {}
    for protocol in ("recording-random", "grouped"):
        rows = run.rows("svm", protocol)
        ok = (rows["y_true"].astype(str) == rows["y_pred"].astype(str)).astype(float)
        each = ok.groupby([rows[key].astype(str) for key in ("speaker", "repetition", "seed")]).mean()
        hits[protocol] = each.groupby("speaker").mean()
    d = (hits["recording-random"] - hits["grouped"]).dropna()
    of = d.index.map(genders(run))
    expected = stats.ttest_ind(d[of == "female"], -d[of == "male"], equal_var=False).confidence_interval()
    found = summary["leakage_premium"]["svm"]
    assert found["value"] == pytest.approx((d[of == "female"].mean() + d[of == "male"].mean()) / 2, abs=1e-12)
    assert (found["low"], found["high"]) == pytest.approx((expected.low / 2, expected.high / 2), abs=1e-9)


# --- one form ---------------------------------------------------------------------------------------------------------


def numbers(tree: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(tree, dict):
        if "estimable" in tree:
            yield path, tree
        for name, branch in tree.items():
            yield from numbers(branch, f"{path}.{name}")
    elif isinstance(tree, list):
        for i, branch in enumerate(tree):
            yield from numbers(branch, f"{path}[{i}]")


def assert_form(path: str, found: dict[str, Any]) -> None:
    limits = found["low"], found["high"]
    assert (found["why_not"] is None) == found["estimable"], path
    assert (found["method"] is not None) == found["estimable"], path
    if not found["estimable"]:
        assert limits == (None, None), path
        return
    assert all(math.isfinite(limit) for limit in limits), path
    assert limits[0] - 1e-9 <= found["value"] <= limits[1] + 1e-9, path
    p = found.get("p")
    assert p is None or 0 < p <= 1, path


TWO_MODELS: dict[str, Any] = {"models": ("svm", "cnn"), "accuracy": (0.80, 0.70), "hostile": False}

LACKING: dict[str, dict[str, Any]] = {
    "healthy": {},
    "one model": {"models": ("svm",), "accuracy": (0.8,), "baseline": False},
    "one fold": {"n_folds": 1},
    "one class in a fold": {"n_women": 3, "n_men": 9},
    "one woman": {"n_women": 1, "n_men": 12},
    "one speaker of each": {"n_women": 1, "n_men": 1, "n_folds": 2, "premium": False},
    "no women": {"n_women": 0, "n_men": 12},
    "same answer always": {"constant": ("svm", "cnn")},
    "all right": {"accuracy": (9.0, 9.0)},
    "all wrong": {"accuracy": (-9.0, -9.0)},
    "no scores": {"no_scores": ("svm", "cnn")},
    "failed cells": {"failed_cells": (("cnn", 0), ("cnn", 1), ("cnn", 2), ("cnn", 3))},
    "nothing known of anybody": {"without": ("accent", "accent_bucket", "room", "age_band", "native_speaker")},
    "digits": {"task": "digit"},
    "digits of one woman": {"task": "digit", "n_women": 1, "n_men": 6},
    "digits of two people": {"task": "digit", "n_women": 1, "n_men": 1, "n_folds": 2},
    "at random": {"protocol": "recording-random"},
    "accent left out": {"protocol": "leave-accent-out", "n_folds": 2},
}


@pytest.mark.parametrize("lacking", LACKING)
def test_every_number_has_one_form_whatever_a_run_lacks(make_run: Callable[..., Path], lacking: str) -> None:
    found = summarise(make_run(**{**TWO_MODELS, **LACKING[lacking]}))
    seen = 0
    for path, number in numbers(found):
        assert_form(path, number)
        seen += 1
    assert seen > 20
    for each in found["comparisons"]:
        assert each["p"] is None or each["p"] <= each["p_holm"] <= 1
        assert (each["significant"] is None) == (each["p"] is None)
        assert each["difference"]["estimable"] or not each["equal"]
    assert_gaps(found["gaps"])


def assert_gaps(found: dict[str, Any]) -> None:
    for attribute, of_attribute in found.items():
        for model, gap in of_attribute.items():
            band = gap["unbiased_low"], gap["unbiased_high"]
            assert (None in band) == (gap["unbiased_why_not"] is not None), (attribute, model)
            assert (gap["p"] is None) == (gap["p_why_not"] is not None), (attribute, model)
            if gap["p"] is not None:
                assert band[0] <= gap["unbiased_expected"] <= band[1]


def test_all_right_is_not_estimable(make_run: Callable[..., Path]) -> None:
    """Nobody differs from anybody: 100 % of 24 speakers is no proof of 100 % for others."""
    found = summarise(make_run(accuracy=(9.0, 9.0, 9.0), hostile=False))
    level = found["models"]["svm"]["balanced_accuracy"]
    assert level["value"] == 1.0 and level["low"] is None and level["why_not"] == "no variation between speakers"
    pair = found["comparisons"][0]
    assert pair["p"] == 1.0 and pair["difference"]["low"] is None and not pair["significant"]
    assert found["ranks"]["svm"]["value"] == 1 and found["ranks"]["svm"]["high"] == 3
