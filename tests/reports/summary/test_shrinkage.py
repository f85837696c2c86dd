"""Shrunken group means, by hand and against a plain loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.run_directory.run import Task, load
from reports.summary import groups, shrinkage
from reports.terms import NOT_STATED

GENDER = Task(name="gender", classes=["female", "male"], attribute="gender", per_speaker=True, question="")
DIGIT = Task(name="digit", classes=["0", "1"], attribute=None, per_speaker=False, question="")


def arrays(parts: dict[str, list[float]]) -> dict[str, np.ndarray]:
    return {name: np.array(values) for name, values in parts.items()}


def test_three_groups_by_hand() -> None:
    """a: 0.1, 0.3; b: -0.1, 0.1, 0; c: -0.2. Means 0.2, 0, -0.2.

    sigma^2 = (0.02 + 0.02 + 0) / (6 - 3) = 0.0133333; a_g = n_g / sigma^2 = 150, 225, 75, sum 450;
    mu = (150 * 0.2 - 75 * 0.2) / 450 = 15 / 450 = 0.0333333;
    Q = 150 * 0.1666667^2 + 225 * 0.0333333^2 + 75 * 0.2333333^2 = 4.1666667 + 0.25 + 4.0833333 = 8.5;
    sum a - sum a^2 / sum a = 450 - (22500 + 50625 + 5625) / 450 = 450 - 175 = 275;
    tau^2 = (8.5 - 2) / 275 = 0.0236364, tau = 0.153741.
    v = 0.0066667, 0.0044444, 0.0133333; factors tau^2 / (tau^2 + v) = 0.78, 0.841727, 0.639344.
    a: 0.0333333 + 0.78 * 0.1666667 = 0.163333; b: 0.0333333 - 0.841727 * 0.0333333 = 0.005276;
    c: 0.0333333 - 0.639344 * 0.2333333 = -0.115847.
    """
    found = shrinkage.shrink(arrays({"a": [0.1, 0.3], "b": [-0.1, 0.1, 0.0], "c": [-0.2]}))
    assert found["why_not"] is None
    assert found["mean"] == pytest.approx(1 / 30, abs=1e-9)
    assert found["tau"] == pytest.approx(math.sqrt(6.5 / 275), abs=1e-9)
    assert [found["groups"][g]["deviation"] for g in "abc"] == pytest.approx([0.2, 0.0, -0.2], abs=1e-12)
    assert [found["groups"][g]["shrunken"] for g in "abc"] == pytest.approx([0.163333, 0.005276, -0.115847], abs=1e-6)


def test_groups_no_further_apart_than_chance() -> None:
    """Means 0.01 and -0.01 of speakers who spread by 0.1: Q < 1, tau^2 = 0, both at mu."""
    found = shrinkage.shrink(arrays({"a": [-0.09, 0.11], "b": [-0.11, 0.09]}))
    assert found["tau"] == 0.0
    assert found["why_not"] == "no variation between groups detectable"
    assert [found["groups"][g]["shrunken"] for g in "ab"] == pytest.approx([found["mean"]] * 2, abs=1e-12)
    assert [found["groups"][g]["deviation"] for g in "ab"] == pytest.approx([0.01, -0.01], abs=1e-12)


deviation = st.integers(-20, 20).map(lambda n: n / 50)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(deviation, min_size=2, max_size=9), min_size=2, max_size=5))
def test_any_groups_match_a_plain_loop(parts: list[list[float]]) -> None:
    found = shrinkage.shrink(arrays({str(i): part for i, part in enumerate(parts)}))
    squares = sum((x - mean(part)) ** 2 for part in parts for x in part)
    if squares < 1e-12:
        assert found["groups"] == {} and found["tau"] is None and found["why_not"]
        return
    sigma2 = squares / sum(len(part) - 1 for part in parts)
    a = [len(part) / sigma2 for part in parts]
    mu = sum(w * mean(part) for w, part in zip(a, parts, strict=True)) / sum(a)
    q = sum(w * (mean(part) - mu) ** 2 for w, part in zip(a, parts, strict=True))
    tau2 = max(0.0, (q - (len(parts) - 1)) / (sum(a) - sum(w * w for w in a) / sum(a)))
    assert found["tau"] == pytest.approx(math.sqrt(tau2), abs=1e-6)
    for i, (w, part) in enumerate(zip(a, parts, strict=True)):
        shrunken = mu + tau2 / (tau2 + 1 / w) * (mean(part) - mu)
        assert found["groups"][str(i)]["shrunken"] == pytest.approx(shrunken, abs=1e-6)
        low, high = sorted([mu, mean(part)])
        assert low - 1e-9 <= found["groups"][str(i)]["shrunken"] <= high + 1e-9


@pytest.mark.parametrize("value", [0.1, 0.06, 1 / 3, 0.7])
def test_speakers_all_alike_within_their_groups(value: float) -> None:
    """Sigma is 0 (rounding of the mean aside): nothing to weigh the groups by."""
    found = shrinkage.shrink(arrays({"a": [value] * 3, "b": [2 * value] * 7, "c": [value] * 6}))
    assert found["groups"] == {} and found["tau"] is None and found["why_not"]


def members(rows: list[tuple[str, str, float]]) -> groups.Members:
    speakers = pd.DataFrame(rows, columns=["group", "stratum", "score"])
    speakers = speakers.assign(speaker=[f"{i:02d}" for i in range(len(rows))], gender=speakers["stratum"])
    return groups.Members(attribute="accent", model="svm", speakers=speakers.assign(n_recordings=10), is_task=False)


ROWS = [
    ("German", "female", 0.6),
    ("German", "female", 0.8),
    ("German", "male", 0.9),
    ("German", "male", 1.0),
    ("Tamil", "female", 0.4),
    ("Tamil", "male", 0.8),
]


def test_deviations_are_from_the_class_mean() -> None:
    """Women 0.6, 0.8, 0.4 have mean 0.6; men 0.9, 1.0, 0.8 have 0.9.

    German: 0, 0.2, 0, 0.1, mean 0.075; Tamil: -0.2, -0.1, mean -0.15.
    """
    found = shrinkage.shrinkage(members(ROWS), GENDER)
    assert found["groups"]["German"]["deviation"] == pytest.approx(0.075, abs=1e-12)
    assert found["groups"]["Tamil"]["deviation"] == pytest.approx(-0.15, abs=1e-12)


def test_without_classes_of_speakers_deviations_are_from_the_mean_of_all() -> None:
    """All six have mean 0.75: German 0.825, Tamil 0.6."""
    found = shrinkage.shrinkage(members(ROWS), DIGIT)
    assert found["groups"]["German"]["deviation"] == pytest.approx(0.075, abs=1e-12)
    assert found["groups"]["Tamil"]["deviation"] == pytest.approx(-0.15, abs=1e-12)
    uneven = shrinkage.shrinkage(members([*ROWS[:4], ROWS[5]]), DIGIT)
    assert uneven["groups"]["Tamil"]["deviation"] == pytest.approx(0.8 - 0.82, abs=1e-12)


def test_who_is_not_stated_is_no_group() -> None:
    found = shrinkage.shrinkage(members([*ROWS, (NOT_STATED, "male", 0.9), (NOT_STATED, "female", 0.6)]), GENDER)
    assert set(found["groups"]) == {"German", "Tamil"}


@pytest.mark.parametrize("rows", [ROWS[:4], [ROWS[0], ROWS[4]], []], ids=["one group", "one speaker each", "nobody"])
def test_where_there_is_nothing_to_shrink(rows: list[tuple[str, str, float]]) -> None:
    found = shrinkage.shrinkage(members(rows), GENDER)
    assert found["groups"] == {} and found["tau"] is None and found["why_not"]


def test_the_tasks_own_attribute_is_not_shrunken(make_run: Callable[..., Path]) -> None:
    run = load(make_run(hostile=False))
    own = next(each for each in groups.members(run) if each.attribute == "gender")
    assert shrinkage.shrinkage(own, run.task)["why_not"] == "this attribute is the task"
