"""The area under the curve, against scikit-learn within folds and plain loops over pairs of recordings and speakers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, variance

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from reports.run_directory.run import Task, load, scores_of
from reports.summary import auroc

GENDER = Task(name="gender", classes=["female", "male"], attribute="gender", per_speaker=True, question="")


def answers(rows: Sequence[tuple[str, str, int, int, int, float]]) -> pd.DataFrame:
    """Make predictions from (speaker, truth, repetition, fold, seed, score of male)."""
    table = pd.DataFrame(rows, columns=["speaker", "y_true", "repetition", "fold", "seed", "score"])
    table["recording_id"] = [f"r{i}" for i in range(len(table))]
    labels = pd.CategoricalDtype(list(GENDER.classes))
    table["y_pred"] = np.where(table["score"] > 0.5, "male", "female")
    table["scores"] = [np.array([1 - score, score]) for score in table["score"]]
    return table.astype({"y_true": labels, "y_pred": labels})


def random_answers(
    seed: int, n_women: int, n_men: int, n_folds: int, *, takes: int = 6, repetitions: int = 1, seeds: int = 1
) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    names = [(f"w{i:02d}", "female") for i in range(n_women)] + [(f"m{i:02d}", "male") for i in range(n_men)]
    skill = {name: random.normal(0, 0.15) for name, _ in names}
    rows = []
    for repetition, model in itertools.product(range(repetitions), range(seeds)):
        turn = random.permutation(n_women + n_men) if repetition else np.arange(n_women + n_men)
        for place, (name, truth) in enumerate(names):
            fold = int(turn[place]) % n_folds
            for _ in range(takes):
                level = (0.40 if truth == "female" else 0.58) + skill[name] + 0.02 * fold + 0.05 * model
                rows.append((name, truth, repetition, fold, model, float(np.round(random.normal(level, 0.15), 2))))
    return answers(rows)


def loop_matrix(rows: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Share of pairs (man's recording, woman's recording) in which the man's score is higher, per pair of speakers.

    Pairs of one repetition, fold and seed only; a tie is half a pair; splits in which two speakers meet weigh the same.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for _, split in rows.groupby(["repetition", "fold", "seed"]):
        men, women = split[split["y_true"] == "male"], split[split["y_true"] == "female"]
        for (man, his), (woman, hers) in itertools.product(men.groupby("speaker"), women.groupby("speaker")):
            pairs = [
                1.0 if x > y else 0.5 if x == y else 0.0 for x, y in itertools.product(his["score"], hers["score"])
            ]
            found.setdefault((str(man), str(woman)), []).append(mean(pairs))
    return {pair: mean(values) for pair, values in found.items()}


def loop_interval(cells: dict[tuple[str, str], float]) -> tuple[float, float, float]:
    """AUROC and limits: variance of the men's means / n + that of the women's means / n, logit, t with nu degrees."""
    value = mean(cells.values())
    men = [mean(v for (m, _), v in cells.items() if m == man) for man in sorted({m for m, _ in cells})]
    women = [mean(v for (_, w), v in cells.items() if w == woman) for woman in sorted({w for _, w in cells})]
    parts = [(variance(side) / len(side), len(side) - 1) for side in (men, women)]
    total = sum(v for v, _ in parts)
    nu = total**2 / sum(v**2 / df for v, df in parts)
    step = stats.t.ppf(0.975, nu) * math.sqrt(total) / (value * (1 - value))
    centre = math.log(value / (1 - value))
    return value, 1 / (1 + math.exp(step - centre)), 1 / (1 + math.exp(-step - centre))


def test_three_speakers_by_hand() -> None:
    """Woman w: 0.3, 0.5. Man m: 0.4, 0.5: above 0.3 twice, above 0.5 never, once a tie: 2.5 of 4. Man n: 0.9: 2 of 2.

    The mean over pairs of speakers is (0.625 + 1) / 2; over recordings it would be 4.5 / 6.
    """
    rows = [("w", "female", 0, 0, 0, 0.3), ("w", "female", 0, 0, 0, 0.5), ("m", "male", 0, 0, 0, 0.4)]
    rows += [("m", "male", 0, 0, 0, 0.5), ("n", "male", 0, 0, 0, 0.9)]
    table = answers(rows)
    matrix = auroc.concordance(table, table["score"].to_numpy())
    assert matrix.tolist() == [[0.625], [1.0]]
    found = auroc.area(table, GENDER)
    assert found["value"] == pytest.approx(0.8125, abs=1e-12)
    assert not found["estimable"] and found["low"] is None
    assert (found["n_speakers"], found["n_recordings"]) == (3, 5)


def test_pairs_of_different_folds_are_never_compared() -> None:
    """Fold 1's model scores everybody higher. Within folds each man is above each woman; across folds one is not."""
    rows = [("w", "female", 0, 0, 0, 0.2), ("m", "male", 0, 0, 0, 0.3)]
    rows += [("v", "female", 0, 1, 0, 0.7), ("n", "male", 0, 1, 0, 0.8)]
    table = answers(rows)
    matrix = auroc.concordance(table, table["score"].to_numpy())
    assert np.isnan(matrix).sum() == 2
    assert auroc.area(table, GENDER)["value"] == 1.0
    assert roc_auc_score(table["y_true"] == "male", table["score"]) == 0.75


@pytest.mark.parametrize("seed", range(3))
def test_one_fold_is_scikit_learns(seed: int) -> None:
    table = random_answers(seed, 7, 9, 1)
    expected = roc_auc_score(table["y_true"] == "male", table["score"])
    assert auroc.area(table, GENDER)["value"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_equal_folds_are_the_mean_of_scikit_learns(seed: int) -> None:
    """12 women and 16 men in 4 folds of 3 and 4: every fold has the same number of pairs."""
    table = random_answers(seed, 12, 16, 4)
    areas = [roc_auc_score(fold["y_true"] == "male", fold["score"]) for _, fold in table.groupby("fold")]
    assert auroc.area(table, GENDER)["value"] == pytest.approx(mean(areas), abs=1e-12)


@pytest.mark.parametrize(
    ("n_women", "n_men", "n_folds", "repetitions", "seeds"),
    [(6, 8, 1, 1, 1), (12, 12, 4, 1, 1), (9, 14, 3, 1, 2), (8, 11, 3, 3, 1), (5, 5, 1, 1, 1)],
)
def test_matrix_and_interval_match_plain_loops(
    n_women: int, n_men: int, n_folds: int, repetitions: int, seeds: int
) -> None:
    table = random_answers(1, n_women, n_men, n_folds, repetitions=repetitions, seeds=seeds, takes=4)
    cells = loop_matrix(table)
    matrix = auroc.concordance(table, table["score"].to_numpy())
    assert matrix.shape == (n_men, n_women)
    for i, man in enumerate(sorted(f"m{i:02d}" for i in range(n_men))):
        for j, woman in enumerate(sorted(f"w{i:02d}" for i in range(n_women))):
            if (man, woman) in cells:
                assert matrix[i, j] == pytest.approx(cells[man, woman], abs=1e-12)
            else:
                assert np.isnan(matrix[i, j])
    found = auroc.area(table, GENDER)
    assert found["estimable"]
    assert (found["value"], found["low"], found["high"]) == pytest.approx(loop_interval(cells), abs=1e-9)


def test_one_recording_each_has_delongs_variance() -> None:
    """With one recording per speaker it is DeLong's variance, from placements by midranks (Sun and Xu 2014)."""
    table = random_answers(5, 14, 18, 1, takes=1)
    men, women = (table.loc[table["y_true"] == label, "score"].to_numpy() for label in ("male", "female"))
    joint = stats.rankdata(np.concatenate([men, women]))
    of_men = (joint[:18] - stats.rankdata(men)) / 14
    of_women = 1 - (joint[18:] - stats.rankdata(women)) / 18
    parts = of_men.var(ddof=1) / 18, of_women.var(ddof=1) / 14
    value = of_men.mean()
    nu = sum(parts) ** 2 / (parts[0] ** 2 / 17 + parts[1] ** 2 / 13)
    step = stats.t.ppf(0.975, nu) * math.sqrt(sum(parts)) / (value * (1 - value))
    centre = math.log(value / (1 - value))
    found = auroc.area(table, GENDER)
    assert found["value"] == pytest.approx(value, abs=1e-12)
    assert found["low"] == pytest.approx(1 / (1 + math.exp(step - centre)), abs=1e-9)
    assert found["high"] == pytest.approx(1 / (1 + math.exp(-step - centre)), abs=1e-9)


def test_only_the_order_of_scores_matters() -> None:
    table = random_answers(2, 8, 8, 2)
    turned = table.assign(scores=[np.array([1 - s, s]) for s in 1 / (1 + np.exp(-9 * table["score"]))])
    first, second = auroc.area(table, GENDER), auroc.area(turned, GENDER)
    for name in ("value", "low", "high"):
        assert second[name] == pytest.approx(first[name], abs=1e-12)


def test_all_scores_equal_is_a_half_without_interval() -> None:
    table = random_answers(2, 8, 8, 2)
    table = table.assign(scores=[np.array([0.5, 0.5])] * len(table))
    found = auroc.area(table, GENDER)
    assert found["value"] == 0.5 and not found["estimable"] and found["low"] is None and found["why_not"]


def test_everybody_above_has_no_interval() -> None:
    rows = [(f"w{i}", "female", 0, 0, 0, 0.1 + i / 100) for i in range(6)]
    rows += [(f"m{i}", "male", 0, 0, 0, 0.8 + i / 100) for i in range(6)]
    found = auroc.area(answers(rows), GENDER)
    assert found["value"] == 1.0 and not found["estimable"] and found["high"] is None


@pytest.mark.parametrize("n_women", [1, 4])
def test_too_few_women_have_a_point_only(n_women: int) -> None:
    found = auroc.area(random_answers(0, n_women, 12, 1), GENDER)
    assert found["value"] is not None and not found["estimable"] and "female" in found["why_not"]


def test_no_fold_with_both_classes_has_no_number() -> None:
    rows = [("w", "female", 0, 0, 0, 0.2), ("m", "male", 0, 1, 0, 0.3)]
    found = auroc.area(answers(rows), GENDER)
    assert found["value"] is None and found["why_not"]


def test_missing_scores_have_no_number() -> None:
    table = random_answers(2, 8, 8, 2)
    scores = list(table["scores"])
    scores[3] = np.array([np.nan, np.nan])
    found = auroc.area(table.assign(scores=scores), GENDER)
    assert found["value"] is None and "1 of 96" in found["why_not"]
    assert auroc.area(table.iloc[:0], GENDER)["value"] is None


def test_digits_are_scikit_learns_one_against_the_rest(make_run: Callable[..., Path]) -> None:
    """Mean over folds of the macro-average, one class against the rest; no interval."""
    run = load(make_run(task="digit", hostile=False))
    rows = run.rows("svm")
    scores = scores_of(rows, run.task.classes)
    areas = []
    for fold in sorted(rows["fold"].unique()):
        chosen = (rows["fold"] == fold).to_numpy()
        truth = rows.loc[chosen, "y_true"].astype(str)
        areas.append(roc_auc_score(truth, scores[chosen], multi_class="ovr", labels=list(run.task.classes)))
    found = auroc.area(rows, run.task)
    assert found["value"] == pytest.approx(mean(areas), abs=1e-9)
    assert not found["estimable"] and found["low"] is None


def test_a_run_from_its_predictions(make_run: Callable[..., Path]) -> None:
    run = load(make_run(seeds=(0, 1), repetitions=2, hostile=False))
    rows = run.rows("cnn")
    table = rows.assign(score=scores_of(rows, run.task.classes)[:, 1], speaker=rows["speaker"].astype(str))
    found = auroc.area(rows, run.task)
    assert (found["value"], found["low"], found["high"]) == pytest.approx(loop_interval(loop_matrix(table)), abs=1e-9)
