"""Numbers about accuracy, against hand-worked cases and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    matthews_corrcoef,
    recall_score,
)

from reports.run_directory import tables
from reports.run_directory.files import TableError
from reports.run_directory.run import Task, load
from reports.summary import calibration, metrics

GENDER = Task(name="gender", classes=["female", "male"], attribute="gender", per_speaker=True, question="")
DIGIT = Task(name="digit", classes=["0", "1"], attribute=None, per_speaker=False, question="")


def answers(rows: list[tuple[Any, ...]], classes: tuple[str, ...]) -> pd.DataFrame:
    """Make predictions from (speaker, gender, truth, answer, repetition) of single recordings."""
    table = pd.DataFrame(rows, columns=["speaker", "gender", "y_true", "y_pred", "repetition"])
    table["recording_id"] = [f"{speaker}-{i}" for i, speaker in enumerate(table["speaker"])]
    labels = pd.CategoricalDtype(list(classes))
    return table.assign(seed=0, fold=0, model="m").astype({"y_true": labels, "y_pred": labels})


def three_speakers() -> pd.DataFrame:
    """One woman with 1 of 2 right; one man with 3 of 4 right, one with 1 of 1: x = 0.5, 0.75, 1."""
    f, m = "female", "male"
    women = [("a", f, f, f, 0), ("a", f, f, m, 0)]
    men = [("b", m, m, m, 0), ("b", m, m, m, 0), ("b", m, m, m, 0), ("b", m, m, f, 0), ("c", m, m, m, 0)]
    return answers(women + men, GENDER.classes)


def test_three_speakers_by_hand() -> None:
    speakers = metrics.speaker_table(three_speakers(), GENDER)
    assert speakers["speaker"].tolist() == ["a", "b", "c"]
    assert speakers["score"].tolist() == [0.5, 0.75, 1.0]
    assert speakers["n_recordings"].tolist() == [2, 4, 1]
    assert metrics.balanced(speakers, GENDER) == pytest.approx((0.5 + 0.875) / 2, abs=1e-12)
    assert metrics.mean_number(speakers)["value"] == pytest.approx((0.5 + 0.75 + 1.0) / 3, abs=1e-12)


def test_repetitions_are_averaged_before_speakers() -> None:
    """Three right of three in one repetition and none of one in the other is 0.5, not 0.75."""
    f = "female"
    rows = [("a", f, f, f, 0)] * 3 + [("a", f, f, "male", 1)] + [("b", "male", "male", "male", 0)]
    speakers = metrics.speaker_table(answers(rows, GENDER.classes), GENDER)
    assert speakers["score"].tolist() == [0.5, 1.0]


def test_a_digit_counts_once_however_often_it_is_said() -> None:
    """Speaker a: 3 of 4 zeros and 0 of 1 one: mean recall 0.375, accuracy 0.6; strata are the genders."""
    rows = [("a", "female", "0", "0", 0)] * 3 + [("a", "female", "0", "1", 0), ("a", "female", "1", "0", 0)]
    rows += [("b", "male", "1", "1", 0), ("c", "male", "0", "0", 0)]
    speakers = metrics.speaker_table(answers(rows, DIGIT.classes), DIGIT)
    assert speakers["score"].tolist() == [0.375, 1.0, 1.0]
    assert speakers["accuracy"].tolist() == [0.6, 1.0, 1.0]
    assert speakers["stratum"].tolist() == ["female", "male", "male"]
    assert metrics.balanced(speakers, DIGIT) == pytest.approx(2.375 / 3, abs=1e-12)


def test_balanced_accuracy_needs_a_speaker_of_every_class() -> None:
    women = three_speakers().query("speaker == 'a'")
    speakers = metrics.speaker_table(women, GENDER)
    assert np.isnan(metrics.balanced(speakers, GENDER))
    assert metrics.why_no_balance(speakers, GENDER) == "no speaker was tested of: male"


def test_equal_recordings_per_speaker_give_scikit_learns_numbers(healthy_run: Path) -> None:
    run = load(healthy_run)
    rows = run.rows("svm")
    truth, answer = rows["y_true"].astype(str), rows["y_pred"].astype(str)
    found = metrics.model_accuracy(run, "svm")
    assert found["balanced_accuracy"]["value"] == pytest.approx(balanced_accuracy_score(truth, answer), abs=1e-12)
    assert found["accuracy"]["value"] == pytest.approx(accuracy_score(truth, answer), abs=1e-12)
    assert found["mcc"]["value"] == pytest.approx(matthews_corrcoef(truth, answer), abs=1e-12)
    assert found["confusion"]["counts"] == confusion_matrix(truth, answer).tolist()
    assert found["balanced_accuracy"]["n_speakers"] == 24
    assert found["balanced_accuracy"]["n_recordings"] == 480


def test_many_classes_give_scikit_learns_numbers(make_run: Callable[..., Path]) -> None:
    run = load(make_run(task="digit", repetitions=2, seeds=(0, 1)))
    rows = run.rows("cnn")
    truth, answer = rows["y_true"].astype(str), rows["y_pred"].astype(str)
    found = metrics.model_accuracy(run, "cnn")
    assert found["mcc"]["value"] == pytest.approx(matthews_corrcoef(truth, answer), abs=1e-12)
    recalls = recall_score(truth, answer, average=None, labels=list(run.task.classes))
    values = [found["recall"][label]["value"] for label in run.task.classes]
    np.testing.assert_allclose(values, recalls, rtol=0, atol=1e-12)
    assert found["balanced_accuracy"]["n_recordings"] == 480


def test_folds_give_scikit_learns_numbers_over_recordings(healthy_run: Path) -> None:
    run = load(healthy_run)
    found = metrics.model_accuracy(run, "xgboost")["mean_over_folds"]
    expected = [
        balanced_accuracy_score(rows["y_true"].astype(str), rows["y_pred"].astype(str))
        for _, rows in run.rows("xgboost").groupby("fold")
    ]
    np.testing.assert_allclose(found["balanced_accuracy"]["folds"], expected, rtol=0, atol=1e-12)
    assert found["balanced_accuracy"]["value"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert found["balanced_accuracy"]["sd"] == pytest.approx(np.std(expected, ddof=1), abs=1e-12)
    assert found["balanced_accuracy"]["sd_over_seeds"] is None


def test_a_fold_without_a_class_has_no_balanced_accuracy() -> None:
    rows = three_speakers()
    rows["fold"] = (rows["speaker"] == "c").astype(int)
    found = metrics.over_folds(rows, GENDER)
    assert found["balanced_accuracy"]["folds"] == [pytest.approx((0.5 + 0.75) / 2), None]
    assert found["accuracy"]["folds"] == [pytest.approx(4 / 6), 1.0]
    assert [split["classes_absent"] for split in found["splits"]] == [[], ["female"]]
    assert found["balanced_accuracy"]["sd"] is None


def test_seeds_stand_apart_from_splits(make_run: Callable[..., Path]) -> None:
    run = load(make_run(seeds=(0, 1), n_folds=2))
    rows = run.rows("svm")
    scores = {
        key: accuracy_score(part["y_true"].astype(str), part["y_pred"].astype(str))
        for key, part in rows.groupby(["fold", "seed"])
    }
    found = metrics.over_folds(rows, run.task)["accuracy"]
    over_splits = [np.mean([scores[fold, seed] for seed in (0, 1)]) for fold in (0, 1)]
    over_seeds = [np.mean([scores[fold, seed] for fold in (0, 1)]) for seed in (0, 1)]
    assert found["sd"] == pytest.approx(np.std(over_splits, ddof=1), abs=1e-12)
    assert found["sd_over_seeds"] == pytest.approx(np.std(over_seeds, ddof=1), abs=1e-12)


def test_a_model_that_always_says_the_same_has_no_correlation(make_run: Callable[..., Path]) -> None:
    found = metrics.model_accuracy(load(make_run(constant=("svm",))), "svm")
    assert found["balanced_accuracy"]["value"] == 0.5
    assert found["mcc"]["value"] is None
    assert found["mcc"]["why_not"] == "all answers, or all true classes, are the same"


def test_missing_splits_are_named(make_run: Callable[..., Path]) -> None:
    run = load(make_run(failed_cells=(("cnn", 1),)))
    assert metrics.splits_missing(run, "cnn") == [{"repetition": 0, "fold": 1, "seed": 0}]
    assert metrics.splits_missing(run, "svm") == []
    assert metrics.model_accuracy(run, "cnn")["balanced_accuracy"]["n_speakers"] == 18


@pytest.mark.parametrize("task", ["gender", "digit"])
def test_brier_is_scikit_learns(make_run: Callable[..., Path], task: str) -> None:
    run = load(make_run(task=task))
    rows = run.rows("svm")
    scores = np.stack(rows["scores"].to_list()).astype(np.float64)
    truth = rows["y_true"].astype(str).to_numpy()
    if task == "gender":
        expected = brier_score_loss(truth == "male", scores[:, 1])
    else:
        expected = ((scores - (truth[:, None] == np.array(run.task.classes))) ** 2).sum(axis=1).mean()
    assert calibration.calibration(run, "svm")["brier"]["value"] == pytest.approx(expected, abs=1e-9)


def test_reliability_counts_every_prediction_once(healthy_run: Path) -> None:
    run = load(healthy_run)
    bins = calibration.calibration(run, "svm")["reliability"]
    assert sum(found["n_predictions"] for found in bins) == len(run.rows("svm"))
    assert all(found["from"] <= found["stated"] <= found["to"] for found in bins)
    men = sum(found["observed"] * found["n_predictions"] for found in bins)
    assert men == pytest.approx((run.rows("svm")["y_true"] == "male").sum())


def test_without_probabilities_there_is_no_brier_score(make_run: Callable[..., Path]) -> None:
    found = calibration.calibration(load(make_run(no_scores=("svm",))), "svm")
    assert found["brier"]["value"] is None
    assert found["brier"]["why_not"] == "480 of 480 recordings have no probability"
    assert found["reliability"] == []


def test_a_label_that_is_no_class_is_refused(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    table = tables.read("predictions", folder)
    table.loc[0, "y_pred"] = "whale"
    tables.write(table, "predictions", folder)
    with pytest.raises(TableError, match=r"'whale'.*the classes are"):
        load(folder)


def test_a_wrong_number_of_scores_is_refused(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    table = tables.read("predictions", folder)
    table["scores"] = [np.array([1.0], dtype=np.float32), *table["scores"].iloc[1:]]
    tables.write(table, "predictions", folder)
    with pytest.raises(TableError, match="has 1 scores of model 'svm', expected 2"):
        load(folder)
