"""Pairs, Holm, ranks and the leader, against hand-worked cases and plain loops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from statistics import mean, variance
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.run_directory.run import Task, load
from reports.statistics.estimate import number
from reports.summary import model_pairs

GENDER = Task(name="gender", classes=["female", "male"], attribute="gender", per_speaker=True, question="")


def entry(a: str, b: str, significant: bool | None, difference: float = 0.0) -> dict[str, Any]:
    """One of `comparisons`, with what ranks are made from."""
    p = {True: 0.001, False: 0.4, None: None}[significant]
    value = number(difference, why_not="not needed here", n_speakers=24, n_recordings=480)
    return {"a": a, "b": b, "difference": value, "p": p, "p_holm": p, "significant": significant, "equal": False}


def ranges(models: str, entries: list[dict[str, Any]]) -> dict[str, tuple[int, int, int]]:
    found = model_pairs.ranks(list(models), entries)
    return {name: (found[name]["value"], found[name]["low"], found[name]["high"]) for name in models}


def sets(models: str, entries: list[dict[str, Any]]) -> set[str]:
    return {"".join(sorted(group)) for group in model_pairs.rank_groups(list(models), entries)}


# --- Holm -------------------------------------------------------------------------------------------------------------


def test_holm_by_hand() -> None:
    """0.01, 0.04, 0.03: 3 * 0.01 = 0.03; 2 * 0.03 = 0.06; 1 * 0.04 = 0.04, raised to the 0.06 before it."""
    assert model_pairs.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06], abs=1e-12)


def test_holm_stops_at_1() -> None:
    assert model_pairs.holm([0.5, 0.9, 0.4]) == pytest.approx([1.0, 1.0, 1.0], abs=1e-12)


def test_holm_of_tests_that_could_not_be_made() -> None:
    """They are no part of the family: 0.02 and 0.03 are a family of two."""
    assert model_pairs.holm([0.02, None, 0.03]) == [pytest.approx(0.04), None, pytest.approx(0.04)]
    assert model_pairs.holm([]) == []
    assert model_pairs.holm([None]) == [None]


def loop_holm(p_values: list[float]) -> list[float]:
    """Step down: the i-th smallest of m, times m - i, never below the one before it, never over 1."""
    found, before = [0.0] * len(p_values), 0.0
    for i, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        before = max(before, min(1.0, (len(p_values) - i) * p_values[place]))
        found[place] = before
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 6, 10])
@pytest.mark.parametrize("seed", range(3))
def test_holm_matches_a_plain_loop(size: int, seed: int) -> None:
    """Thousandths, some of them small, with ties."""
    p_values = (np.random.default_rng(seed).integers(1, 60, size) / 1000).tolist()
    assert model_pairs.holm(p_values) == pytest.approx(loop_holm(p_values), abs=1e-12)


# --- ranks ------------------------------------------------------------------------------------------------------------


def test_nobody_differs() -> None:
    entries = [entry("A", "B", False, 0.01), entry("A", "C", False, 0.02), entry("B", "C", False, 0.01)]
    assert ranges("ABC", entries) == {name: (1, 1, 3) for name in "ABC"}
    assert sets("ABC", entries) == {"ABC"}


def test_everybody_differs() -> None:
    entries = [entry("A", "B", True, 0.1), entry("A", "C", True, 0.2), entry("B", "C", True, 0.1)]
    assert ranges("ABC", entries) == {"A": (1, 1, 1), "B": (2, 2, 2), "C": (3, 3, 3)}
    assert sets("ABC", entries) == {"A", "B", "C"}


def test_only_the_ends_differ() -> None:
    """A ~ B and B ~ C, but A > C: B is in both sets, and A and C are not merged through it."""
    entries = [entry("A", "B", False, 0.05), entry("B", "C", False, 0.05), entry("A", "C", True, 0.1)]
    assert ranges("ABC", entries) == {"A": (1, 1, 2), "B": (1, 1, 3), "C": (2, 2, 3)}
    assert sets("ABC", entries) == {"AB", "BC"}


def test_the_nearer_one_differs_and_the_farther_one_does_not() -> None:
    """A 0.85, B 0.80, C 0.75, C very uneven: A > B is significant, A ~ C and B ~ C are not."""
    entries = [entry("A", "B", True, 0.05), entry("A", "C", False, 0.1), entry("B", "C", False, 0.05)]
    assert ranges("ABC", entries) == {"A": (1, 1, 2), "B": (2, 2, 3), "C": (1, 1, 3)}
    assert sets("ABC", entries) == {"AC", "BC"}


def test_two_steps_differ_and_the_whole_does_not() -> None:
    """A > B and B > C, but A ~ C: B's place is known, A's and C's are not."""
    entries = [entry("A", "B", True, 0.05), entry("B", "C", True, 0.02), entry("A", "C", False, 0.07)]
    assert ranges("ABC", entries) == {"A": (1, 1, 2), "B": (2, 2, 2), "C": (2, 2, 3)}
    assert sets("ABC", entries) == {"AC", "B"}


def test_the_sign_of_the_difference_says_who_is_better() -> None:
    entries = [entry("A", "B", True, -0.1)]
    assert ranges("AB", entries) == {"A": (2, 2, 2), "B": (1, 1, 1)}


def test_one_model_has_no_rank() -> None:
    found = model_pairs.ranks(["A"], [])
    assert not found["A"]["estimable"] and found["A"]["why_not"]
    assert model_pairs.ranks([], []) == {}


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 5), st.data())
def test_ranks_and_sets_match_loops_over_all_sets(n: int, data: st.DataObject) -> None:
    """Any pattern of significant pairs: ranks by counting, maximal sets by trying every subset."""
    models = "ABCDE"[:n]
    entries = [
        entry(a, b, data.draw(st.booleans()), data.draw(st.sampled_from([-0.1, 0.1])))
        for a, b in itertools.combinations(models, 2)
    ]
    worse_than: dict[str, set[str]] = {name: set() for name in models}
    for each in entries:
        if each["significant"]:
            high, low = (each["a"], each["b"]) if each["difference"]["value"] > 0 else (each["b"], each["a"])
            worse_than[high].add(low)
    expected = {}
    for name in models:
        better = sum(name in losers for losers in worse_than.values())
        expected[name] = (1 + better, 1 + better, n - len(worse_than[name]))
    assert ranges(models, entries) == expected

    free = [
        set(chosen)
        for size in range(1, n + 1)
        for chosen in itertools.combinations(models, size)
        if not any(b in worse_than[a] or a in worse_than[b] for a, b in itertools.combinations(chosen, 2))
    ]
    maximal = {"".join(sorted(one)) for one in free if not any(one < other for other in free)}
    assert sets(models, entries) == maximal


# --- the leader -------------------------------------------------------------------------------------------------------


def models_at(**values: float | None) -> dict[str, Any]:
    return {name: {"balanced_accuracy": number(value, why_not="not needed here")} for name, value in values.items()}


def test_the_leader_has_the_highest_point_and_only_direct_tests_count() -> None:
    """B is nearest to A and differs significantly; C is farther and does not: C alone is not told from A."""
    entries = [entry("A", "B", True, 0.05), entry("A", "C", False, 0.1), entry("B", "C", False, 0.05)]
    found = model_pairs.leader(models_at(B=0.8, A=0.85, C=0.75), ["B", "A", "C"], entries)
    assert found == {"model": "A", "not_distinguishable": ["C"]}


def test_a_leader_through_a_chain_is_still_told_apart() -> None:
    entries = [entry("A", "B", False, 0.05), entry("B", "C", False, 0.05), entry("A", "C", True, 0.1)]
    found = model_pairs.leader(models_at(A=0.85, B=0.8, C=0.75), ["A", "B", "C"], entries)
    assert found == {"model": "A", "not_distinguishable": ["B"]}


def test_a_baseline_or_a_model_without_value_does_not_lead() -> None:
    found = model_pairs.leader(models_at(base=0.9, A=0.8, B=None), ["A", "B"], [entry("A", "B", None)])
    assert found["model"] == "A"
    assert model_pairs.leader(models_at(base=0.9), [], [])["model"] is None


# --- two tables -------------------------------------------------------------------------------------------------------


def table(scores: dict[str, float], women: set[str]) -> pd.DataFrame:
    names = sorted(scores)
    return pd.DataFrame(
        {
            "speaker": names,
            "stratum": ["female" if name in women else "male" for name in names],
            "score": [scores[name] for name in names],
            "accuracy": [scores[name] for name in names],
            "n_recordings": 10,
        }
    )


def loop_p(women: list[float], men: list[float]) -> float:
    """All sign flips of the statistic with w = 1/2, written out."""

    def statistic(d: list[float]) -> float:
        f, m = d[: len(women)], d[len(women) :]
        below = math.sqrt(variance(f) / len(f) / 4 + variance(m) / len(m) / 4)
        return abs(mean(f) + mean(m)) / 2 / below

    d = women + men
    observed = statistic(d)
    flips = itertools.product([1, -1], repeat=len(d))
    values = [statistic([sign * one for sign, one in zip(signs, d, strict=True)]) for signs in flips]
    return sum(value >= observed * (1 - 1e-9) for value in values) / len(values)


def test_two_tables_are_paired_by_speaker() -> None:
    """5 women and 6 men that both have, in another order; w1 and m1 are in one table only and count for nothing."""
    random = np.random.default_rng(4)
    names = [f"w{i}" for i in range(6)] + [f"m{i}" for i in range(7)]
    first = {name: float(random.integers(20, 50)) / 50 for name in names}
    second = {name: float(random.integers(15, 45)) / 50 for name in names}
    women = {name for name in names if name.startswith("w")}
    a = table({name: x for name, x in first.items() if name != "w1"}, women)
    b = table({name: x for name, x in second.items() if name != "m1"}, women).sample(frac=1, random_state=1)
    both = [name for name in names if name not in ("w1", "m1")]
    d_women = [first[name] - second[name] for name in both if name in women]
    d_men = [first[name] - second[name] for name in both if name not in women]

    found = model_pairs.paired(a, b, GENDER)
    expected = stats.ttest_ind(d_women, [-d for d in d_men], equal_var=False).confidence_interval()
    assert found.difference["n_speakers"] == 11
    assert found.difference["value"] == pytest.approx((mean(d_women) + mean(d_men)) / 2, abs=1e-12)
    assert found.difference["low"] == pytest.approx(expected.low / 2, abs=1e-9)
    assert found.difference["high"] == pytest.approx(expected.high / 2, abs=1e-9)
    assert found.p == pytest.approx(loop_p(d_women, d_men), abs=1e-12)
    assert found.a["value"] - found.b["value"] == pytest.approx(found.difference["value"], abs=1e-12)


def test_models_that_answer_alike() -> None:
    scores = {f"w{i}": 0.5 + i / 20 for i in range(5)} | {f"m{i}": 0.7 + i / 20 for i in range(5)}
    women = {name for name in scores if name.startswith("w")}
    found = model_pairs.paired(table(scores, women), table(scores, women), GENDER)
    assert found.p == 1.0
    assert not found.difference["estimable"] and found.difference["low"] is None
    assert found.difference["value"] == 0.0


def test_nobody_in_common_is_not_a_difference_of_0() -> None:
    a = table({f"w{i}": 0.5 for i in range(5)} | {f"m{i}": 0.6 for i in range(5)}, {f"w{i}" for i in range(5)})
    b = table({f"w{i}": 0.5 for i in range(5, 9)} | {f"m{i}": 0.6 for i in range(5, 9)}, {f"w{i}" for i in range(9)})
    found = model_pairs.paired(a, b, GENDER)
    assert found.difference["value"] is None and found.p is None


# --- a whole run ------------------------------------------------------------------------------------------------------


def speaker_scores(rows: pd.DataFrame) -> pd.Series:
    right = (rows["y_true"].astype(str) == rows["y_pred"].astype(str)).astype(float)
    each = right.groupby([rows[key].astype(str) for key in ("speaker", "repetition", "seed")]).mean()
    return each.groupby("speaker").mean()


@pytest.fixture(scope="module")
def clear_run(make_run: Callable[..., Path]) -> Path:
    """Models far apart, and two repetitions of two seeds."""
    return make_run(accuracy=(0.55, 0.60, 0.85), repetitions=2, seeds=(0, 1), hostile=False)


def test_a_runs_comparisons_from_its_predictions(clear_run: Path) -> None:
    run = load(clear_run)
    gender = run.recordings.drop_duplicates("speaker").set_index("speaker")["gender"].astype(str)
    found = model_pairs.pairs(run)
    assert [(each["a"], each["b"]) for each in found] == [("svm", "xgboost"), ("svm", "cnn"), ("xgboost", "cnn")]
    for each in found:
        d = speaker_scores(run.rows(each["a"])) - speaker_scores(run.rows(each["b"]))
        women, men = d[gender[d.index] == "female"], d[gender[d.index] == "male"]
        welch = stats.ttest_ind(women, -men, equal_var=False)
        limits = welch.confidence_interval()
        assert each["difference"]["value"] == pytest.approx((women.mean() + men.mean()) / 2, abs=1e-12)
        assert each["difference"]["low"] == pytest.approx(limits.low / 2, abs=1e-9)
        assert each["difference"]["high"] == pytest.approx(limits.high / 2, abs=1e-9)
        se = (limits.high - limits.low) / 4 / stats.t.ppf(0.975, welch.df)
        assert each["detectable"] == pytest.approx(
            (stats.t.ppf(0.975, welch.df) + stats.t.ppf(0.8, welch.df)) * se, rel=1e-6
        )
        assert each["detectable_holm"] == pytest.approx(
            (stats.t.ppf(1 - 0.025 / 3, welch.df) + stats.t.ppf(0.8, welch.df)) * se, rel=1e-6
        )
    p_holm = loop_holm([each["p"] for each in found])
    assert [each["p_holm"] for each in found] == pytest.approx(p_holm, abs=1e-12)
    assert [each["significant"] for each in found] == [bool(p < 0.05) for p in p_holm]
    assert any(each["significant"] for each in found)


def test_ranks_of_a_run_follow_the_direct_tests(clear_run: Path) -> None:
    run = load(clear_run)
    entries = model_pairs.pairs(run)
    found = model_pairs.ranks(run.contenders, entries)
    for name in run.contenders:
        better = worse = 0
        for each in entries:
            if each["significant"] and name in (each["a"], each["b"]):
                gain = each["difference"]["value"] * (1 if each["a"] == name else -1)
                better, worse = better + (gain < 0), worse + (gain > 0)
        assert (found[name]["value"], found[name]["high"]) == (1 + better, 3 - worse)
    assert found["cnn"]["value"] == 1


def test_equal_is_said_only_within_a_point(make_run: Callable[..., Path]) -> None:
    run = load(make_run(constant=("svm", "xgboost"), hostile=False))
    for each in model_pairs.pairs(run):
        low, high = each["difference"]["low"], each["difference"]["high"]
        assert each["equal"] == (low is not None and -0.01 <= low and high <= 0.01)


def test_too_few_women_have_no_test(make_run: Callable[..., Path]) -> None:
    """4 women: 5 per class are needed for an interval, and 10 per group only where groups are tested."""
    run = load(make_run(n_women=4, hostile=False))
    found = model_pairs.pairs(run)[0]
    assert not found["difference"]["estimable"] and "female" in found["difference"]["why_not"]
    assert found["difference"]["value"] is not None
    assert found["difference"]["low"] is None
