"""Parity and odds, against Fairlearn on the raw answers and plain loops in which speakers weigh equally."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, demographic_parity_difference, equalized_odds_difference
from sklearn.metrics import accuracy_score

from reports.run_directory.run import Run, Task, load
from reports.summary import fairness, groups
from reports.terms import NOT_STATED

PARITY, ODDS = "demographic_parity_difference", "equalized_odds_difference"


@pytest.fixture(scope="module")
def many(make_run: Callable[..., Path]) -> Run:
    """30 women and 30 men, equal recordings each; every accent bucket has 5 of both."""
    return load(make_run(n_women=30, n_men=30, hostile=False, repetitions=2))


def described(run: Run, attribute: str, rows: pd.DataFrame | None = None) -> dict[str, Any]:
    found = next(each for each in groups.members(run) if (each.attribute, each.model) == (attribute, "svm"))
    return fairness.fairness(found, run.rows("svm") if rows is None else rows, run.task, groups.levels(run, found))


def loop(rows: pd.DataFrame, attribute: str, task: Task) -> tuple[float, float]:
    """Rates per speaker first, then the mean over the speakers of a group (and class)."""
    answered: dict[str, list[float]] = {}
    by_class: dict[tuple[str, str], list[float]] = {}
    for _, one in rows.groupby("speaker", observed=True):
        group = str(one[attribute].iloc[0])
        if group == NOT_STATED:
            continue
        share = float((one["y_pred"].astype(str) == task.classes[1]).mean())
        answered.setdefault(group, []).append(share)
        by_class.setdefault((group, str(one["y_true"].iloc[0])), []).append(share)
    parity = [mean(shares) for shares in answered.values()]
    spans = []
    for label in task.classes:
        rates = [mean(shares) for (_, truth), shares in by_class.items() if truth == label]
        spans.append(max(rates) - min(rates))
    return max(parity) - min(parity), max(spans)


@pytest.mark.parametrize("attribute", ["accent_bucket", "age_band", "origin_bucket"])
def test_equal_recordings_match_fairlearn_on_the_answers(many: Run, attribute: str) -> None:
    rows = many.rows("svm")
    known = rows[rows[attribute].astype(str) != NOT_STATED]
    truth, answer = (known["y_true"].astype(str) == "male"), (known["y_pred"].astype(str) == "male")
    sensitive = known[attribute].astype(str).to_numpy()
    found = described(many, attribute)
    assert found[PARITY]["value"] == pytest.approx(
        demographic_parity_difference(truth, answer, sensitive_features=sensitive), abs=1e-9
    )
    assert found[ODDS]["value"] == pytest.approx(
        equalized_odds_difference(truth, answer, sensitive_features=sensitive), abs=1e-9
    )
    parity, odds = loop(rows, attribute, many.task)
    assert (found[PARITY]["value"], found[ODDS]["value"]) == pytest.approx((parity, odds), abs=1e-9)
    assert found[PARITY]["low"] is None and not found[PARITY]["estimable"] and found[PARITY]["why_not"]
    assert found[PARITY]["n_speakers"] == known["speaker"].nunique()


def test_speakers_weigh_equally_whatever_they_recorded(many: Run) -> None:
    """Three of seven speakers keep a fifth of their recordings: rates are means of speakers, not of recordings."""
    rows = many.rows("svm")
    fewer = rows["speaker"].astype(str).astype(int) % 7 < 3
    first = rows["recording_id"].astype(str).str.startswith(("0_", "1_"))
    uneven = rows[~fewer | first]
    parity, odds = loop(uneven, "accent_bucket", many.task)
    found = described(many, "accent_bucket", uneven)
    assert (found[PARITY]["value"], found[ODDS]["value"]) == pytest.approx((parity, odds), abs=1e-9)
    of_recordings = demographic_parity_difference(
        uneven["y_true"].astype(str) == "male",
        uneven["y_pred"].astype(str) == "male",
        sensitive_features=uneven["accent_bucket"].astype(str).to_numpy(),
    )
    assert abs(of_recordings - parity) > 1e-4, "else the test could not tell"


def test_the_worst_group_is_fairlearns(many: Run) -> None:
    rows = many.rows("svm")
    known = rows[rows["age_band"].astype(str) != NOT_STATED]
    frame = MetricFrame(
        metrics=accuracy_score,
        y_true=known["y_true"].astype(str).to_numpy(),
        y_pred=known["y_pred"].astype(str).to_numpy(),
        sensitive_features=known["age_band"].astype(str).to_numpy(),
    )
    worst = described(many, "age_band")["worst_group"]
    assert worst["value"] == pytest.approx(frame.group_min(), abs=1e-9)
    assert worst["group"] == frame.by_group.idxmin()


def test_the_worst_group_is_a_point(many: Run) -> None:
    """The group was chosen for its low value; the interval of a group named beforehand does not hold for it."""
    worst = described(many, "age_band")["worst_group"]
    assert worst["low"] is None and worst["high"] is None and not worst["estimable"] and worst["why_not"]
    assert worst["n_speakers"] >= 5 and worst["n_recordings"] > 0


def test_a_cell_of_four_speakers_has_no_value(make_run: Callable[..., Path]) -> None:
    """12 women, of whom 4 have another accent, as in AudioMNIST."""
    found = described(load(make_run(n_women=12, n_men=15, hostile=False)), "accent_bucket")
    for name in (PARITY, ODDS):
        assert found[name]["value"] is None and not found[name]["estimable"]
        assert "other female 4" in found[name]["why_not"]


def test_ten_classes_have_no_parity(make_run: Callable[..., Path]) -> None:
    found = described(load(make_run(n_women=30, n_men=30, task="digit", hostile=False)), "accent_bucket")
    for name in (PARITY, ODDS):
        assert found[name]["value"] is None and "two classes" in found[name]["why_not"]
    assert found["worst_group"]["value"] is not None, "the worst group's accuracy is given for all tasks"


def test_a_group_of_four_is_not_the_worst(many: Run) -> None:
    for attribute in groups.ATTRIBUTES:
        worst = described(many, attribute)["worst_group"]
        assert worst["group"] is None or worst["n_speakers"] >= 5
        assert worst["group"] != NOT_STATED


def test_equal_answers_have_no_differences(make_run: Callable[..., Path]) -> None:
    run = load(make_run(n_women=30, n_men=30, constant=("svm",), hostile=False))
    found = described(run, "accent_bucket")
    assert (found[PARITY]["value"], found[ODDS]["value"]) == pytest.approx((0.0, 0.0), abs=1e-12)
    assert np.isfinite(found["worst_group"]["value"])
