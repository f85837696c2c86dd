"""Gaps between groups, their bands and the small-group rules, against SciPy, plain loops and all permutations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, variance
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reports.run_directory.run import load
from reports.summary import gaps, groups
from reports.summary.summary import summarise
from reports.terms import NOT_STATED


def people(rows: Sequence[tuple[str, str, float]], stratum: str | None = None) -> pd.DataFrame:
    """Make the speakers of `gaps.gap` from (group, gender, score)."""
    return pd.DataFrame(
        {
            "speaker": [f"{i:03d}" for i in range(len(rows))],
            "group": [row[0] for row in rows],
            "gender": [row[1] for row in rows],
            "stratum": [stratum or row[1] for row in rows],
            "score": [row[2] for row in rows],
            "n_recordings": 10,
        }
    )


def random_people(seed: int, sizes: dict[tuple[str, str], int], shift: dict[str, float] | None = None) -> pd.DataFrame:
    """Speakers of each group and gender; men are recognised better, groups as `shift` says."""
    random = np.random.default_rng(seed)
    rows = []
    for (group, gender), size in sizes.items():
        for _ in range(size):
            level = (0.7 if gender == "female" else 0.8) + (shift or {}).get(group, 0.0)
            rows.append((group, gender, float(np.clip(random.normal(level, 0.1), 0, 1))))
    return people([rows[i] for i in random.permutation(len(rows))])


TWO = {("German", "female"): 8, ("German", "male"): 33, ("other", "female"): 6, ("other", "male"): 13}
THREE = {(group, gender): 6 for group in ("a", "b", "c") for gender in ("female", "male")}


# --- the gap and its interval -----------------------------------------------------------------------------------------


def test_two_groups_match_scipys_welch() -> None:
    speakers = random_people(1, TWO, {"other": -0.05})
    german, other = (speakers.loc[speakers["group"] == name, "score"] for name in ("German", "other"))
    expected = stats.ttest_ind(german, other, equal_var=False).confidence_interval()
    found = gaps.gap(speakers, by_gender=True)
    assert (found["kind"], found["first"], found["second"]) == ("difference", "German", "other")
    assert found["value"] == pytest.approx(german.mean() - other.mean(), abs=1e-12)
    assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert (found["n_speakers"], found["n_recordings"]) == (60, 600)


def test_welch_of_three_and_three_by_hand() -> None:
    """0.8 0.9 1.0 against 0.5 0.6 0.7: 0.3; s^2 = 0.01 each, se = sqrt(0.02 / 3) = 0.0816497, 4 degrees.

    t_.975 = 2.776445; 2.776445 * 0.0816497 = 0.226696.
    """
    found = gaps.welch(np.array([0.8, 0.9, 1.0]), np.array([0.5, 0.6, 0.7]))
    assert (found.low, found.high) == pytest.approx((0.3 - 0.226696, 0.3 + 0.226696), abs=2e-6)


def test_the_direction_is_fixed_whoever_is_better() -> None:
    for shift in (-0.3, 0.3):
        found = gaps.gap(random_people(2, TWO, {"other": shift}), by_gender=True)
        assert (found["first"], found["second"]) == ("German", "other")
        assert (found["value"] > 0) == (shift < 0)


def loop_range(parts: Sequence[Sequence[float]]) -> tuple[float, float]:
    """max(0, max(|d| - q se)) to max(|d| + q se) over pairs, q = studentised range / sqrt 2 with Welch's degrees."""
    lows, highs = [0.0], []
    for one, other in itertools.combinations(parts, 2):
        v, u = variance(one) / len(one), variance(other) / len(other)
        nu = (v + u) ** 2 / (v**2 / (len(one) - 1) + u**2 / (len(other) - 1))
        reach = stats.studentized_range.ppf(0.95, len(parts), nu) / math.sqrt(2) * math.sqrt(v + u)
        d = abs(mean(one) - mean(other))
        lows.append(d - reach)
        highs.append(d + reach)
    return max(lows), max(highs)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sizes", [(5, 9, 20), (6, 6, 6, 15)])
def test_the_range_matches_a_plain_loop(seed: int, sizes: tuple[int, ...]) -> None:
    random = np.random.default_rng(seed)
    parts = [random.normal(0.7 + 0.06 * i, 0.05 + 0.02 * i, size) for i, size in enumerate(sizes)]
    found = gaps.range_interval(parts)
    # our quantiles come from a table of approximations, SciPy's from integration
    assert (found.low, found.high) == pytest.approx(loop_range([part.tolist() for part in parts]), abs=2e-4)


def test_the_range_with_equal_variances_is_tukeys() -> None:
    """Three groups with one and the same variance: each pair has Tukey-Kramer's interval, at Welch's 18 degrees."""
    shape = stats.norm.ppf((np.arange(10) + 0.5) / 10) * 0.1
    parts = [0.5 + shape, 0.6 + shape, 0.8 + shape]
    reach = stats.studentized_range.ppf(0.95, 3, 18) * math.sqrt(variance(shape.tolist()) / 10)
    found = gaps.range_interval(parts)
    assert (found.low, found.high) == pytest.approx((0.3 - reach, 0.3 + reach), abs=2e-4)


def test_a_range_that_may_be_nothing_starts_at_0() -> None:
    found = gaps.gap(random_people(3, THREE), by_gender=True)
    assert found["kind"] == "range" and found["low"] == 0.0
    assert found["high"] > found["value"] >= 0


def test_a_range_names_the_best_and_the_worst() -> None:
    found = gaps.gap(random_people(3, THREE, {"b": 0.2, "c": -0.3}), by_gender=True)
    assert (found["first"], found["second"]) == ("b", "c")


def test_the_whole_range_of_a_gap_from_its_speakers() -> None:
    speakers = random_people(5, THREE, {"b": 0.1})
    parts = [speakers.loc[speakers["group"] == name, "score"].tolist() for name in "abc"]
    found = gaps.gap(speakers, by_gender=True)
    assert found["value"] == pytest.approx(max(map(mean, parts)) - min(map(mean, parts)), abs=1e-12)
    assert (found["low"], found["high"]) == pytest.approx(loop_range(parts), abs=2e-4)


def test_groups_of_speakers_all_alike() -> None:
    found = gaps.gap(people([(g, "male", 0.8) for g in ("German", "other") for _ in range(12)]), by_gender=False)
    assert found["value"] == 0.0 and not found["estimable"] and found["low"] is None and found["why_not"]


# --- the band ---------------------------------------------------------------------------------------------------------


def all_gaps(scores: Sequence[float], n_first: int) -> list[float]:
    """Mean of the first group minus mean of the others under every choice of who is in the first group."""
    found = []
    for chosen in itertools.combinations(range(len(scores)), n_first):
        first = [scores[i] for i in chosen]
        rest = [scores[i] for i in range(len(scores)) if i not in chosen]
        found.append(mean(first) - mean(rest))
    return found


def test_the_band_of_ten_speakers_against_all_252_labelings() -> None:
    """9,999 draws of 252 labelings: the share below either limit is 2.5 % within 5 standard errors, 0.8 points."""
    random = np.random.default_rng(6)
    scores = random.normal(0.8, 0.1, 10).round(4).tolist()
    every = np.array(all_gaps(scores, 5))
    found = gaps.gap(
        people([("German" if i < 5 else "other", "male", x) for i, x in enumerate(scores)]), by_gender=False
    )
    assert np.mean(every < found["unbiased_low"] - 1e-9) <= 0.025 + 0.008
    assert np.mean(every <= found["unbiased_low"] + 1e-9) >= 0.025 - 0.008
    assert np.mean(every > found["unbiased_high"] + 1e-9) <= 0.025 + 0.008
    assert np.mean(every >= found["unbiased_high"] - 1e-9) >= 0.025 - 0.008
    assert found["unbiased_expected"] == pytest.approx(every.mean(), abs=5 * every.std() / math.sqrt(9_999))


def loop_band(speakers: pd.DataFrame, n: int, seed: int) -> np.ndarray:
    """Shuffle the labels within gender x class and take the gap again, n times, with another generator's draws."""
    random = np.random.default_rng(seed)
    names = sorted(speakers["group"].unique())
    blocks = [block.index.to_numpy() for _, block in speakers.groupby(["gender", "stratum"])]
    labels, scores = speakers["group"].to_numpy().copy(), speakers["score"].to_numpy()
    found = []
    for _ in range(n):
        turned = labels.copy()
        for block in blocks:
            turned[block] = random.permutation(labels[block])
        means = [scores[turned == name].mean() for name in names]
        found.append(means[0] - means[1] if len(names) == 2 else max(means) - min(means))
    return np.array(found)


def within(draws: np.ndarray, share: float, value: float) -> bool:
    """Tell whether `value` is the quantile `share` of the draws, within 5 standard errors of both shares."""
    slack = 5 * math.sqrt(share * (1 - share) * (1 / len(draws) + 1 / 9_999))
    return bool(np.mean(draws < value - 1e-9) <= share + slack and np.mean(draws <= value + 1e-9) >= share - slack)


@pytest.mark.parametrize("seed", range(3))
def test_the_signed_band_matches_a_plain_loop(seed: int) -> None:
    """Women and men mix differently in the groups, so that the band is not centred on 0."""
    sizes = {("German", "female"): 3, ("German", "male"): 30, ("other", "female"): 15, ("other", "male"): 10}
    speakers = random_people(seed, sizes, {"other": -0.04})
    draws = loop_band(speakers, 4_000, seed)
    found = gaps.gap(speakers, by_gender=True)
    assert within(draws, 0.025, found["unbiased_low"])
    assert within(draws, 0.975, found["unbiased_high"])
    expected = found["unbiased_expected"]
    assert expected == pytest.approx(draws.mean(), abs=5 * draws.std() / math.sqrt(3_000))
    assert expected > 0.02, "more women, who are recognised less, are among the others"


@pytest.mark.parametrize("seed", range(3))
def test_the_band_of_a_range_matches_a_plain_loop(seed: int) -> None:
    sizes = {(group, gender): n for group, n in (("a", 6), ("b", 9), ("c", 12)) for gender in ("female", "male")}
    speakers = random_people(seed, sizes, {"c": 0.05})
    draws = loop_band(speakers, 3_000, seed)
    found = gaps.gap(speakers, by_gender=True)
    assert found["unbiased_low"] == 0.0
    assert within(draws, 0.95, found["unbiased_high"])
    assert found["unbiased_expected"] == pytest.approx(draws.mean(), abs=5 * draws.std() / math.sqrt(2_300))
    share = (1 + np.sum(draws >= found["value"] - 1e-9)) / (1 + len(draws))
    spread = math.sqrt(share * (1 - share) * (1 / 3_000 + 1 / 9_999))
    assert found["p"] == pytest.approx(share, abs=5 * spread + 1e-3)


@pytest.mark.parametrize("shift", [0.0, 0.04, 0.08])
def test_p_of_a_signed_gap_without_confounding_matches_scipy(shift: float) -> None:
    """One gender only: the permutation test of two independent samples, two-sided: twice the smaller tail."""
    random = np.random.default_rng(9)
    german, other = random.normal(0.8, 0.1, 15), random.normal(0.8 - shift, 0.1, 12)
    rows = [("German", "male", float(x)) for x in german] + [("other", "male", float(x)) for x in other]
    result = stats.permutation_test(
        (german, other),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        alternative="two-sided",
        vectorized=True,
        n_resamples=9_999,
        rng=np.random.default_rng(1),
    )
    found = gaps.gap(people(rows), by_gender=False)
    spread = math.sqrt(2 * result.pvalue * (1 - result.pvalue) / 9_999)
    assert found["p"] == pytest.approx(result.pvalue, abs=5 * spread + 1e-3)


def test_p_of_a_confounded_gap_is_that_of_chance() -> None:
    """The groups differ by their gender mix alone: p must not be small although the gap is far from 0."""
    sizes = {("German", "female"): 5, ("German", "male"): 40, ("other", "female"): 20, ("other", "male"): 5}
    small = 0
    for seed in range(20):
        speakers = random_people(seed, sizes)
        speakers.loc[speakers["gender"] == "female", "score"] -= 0.2
        found = gaps.gap(speakers, by_gender=True)
        assert found["value"] > 0.1
        small += found["p"] < 0.05
    assert small <= 4, "5 % of 20 is 1; more than 4 has a probability of 0.3 %"


def test_p_counts_the_observed_one() -> None:
    """A gap that no shuffling reaches: each tail has 1 / 10,000, two-sided 2 / 10,000, not 0."""
    rows = [("German", "male", 0.9 + i / 1000) for i in range(20)] + [
        ("other", "male", 0.1 + i / 1000) for i in range(20)
    ]
    found = gaps.gap(people(rows), by_gender=False)
    assert found["p"] == pytest.approx(2e-4, abs=1e-12)


def test_permutations_stay_in_their_blocks_and_are_uniform() -> None:
    found = gaps.permutations((3, 4))
    assert found.shape == (9_999, 7)
    assert set(np.unique(found[:, :3])) == {0, 1, 2} and set(np.unique(found[:, 3:])) == {3, 4, 5, 6}
    assert np.array_equal(np.sort(found, axis=1), np.tile(np.arange(7), (9_999, 1)))
    _, seen = np.unique(found[:, :3], axis=0, return_counts=True)
    assert len(seen) == 6 and stats.chisquare(seen).pvalue > 1e-4
    _, seen = np.unique(found[:, 3:], axis=0, return_counts=True)
    assert len(seen) == 24 and stats.chisquare(seen).pvalue > 1e-4
    both = pd.crosstab(found[:, 0], found[:, 3])
    assert stats.chi2_contingency(both).pvalue > 1e-4


def test_the_band_does_not_depend_on_the_order_of_rows() -> None:
    speakers = random_people(1, TWO)
    first = gaps.gap(speakers, by_gender=True)
    again = gaps.gap(speakers.sample(frac=1, random_state=3), by_gender=True)
    for name in ("value", "low", "high", "unbiased_low", "unbiased_high", "p"):
        assert again[name] == pytest.approx(first[name], abs=1e-12), name


# --- who is too few ---------------------------------------------------------------------------------------------------


def test_groups_below_five_enter_neither_gap_nor_band() -> None:
    """A group of 4 far from the rest changes nothing, and two are left, which have a signed gap."""
    speakers = random_people(1, TWO)
    more = people([("Tamil", "female", 0.1)] * 4)
    together = pd.concat([speakers, more.assign(speaker=[f"x{i}" for i in range(4)])], ignore_index=True)
    assert gaps.gap(together, by_gender=True) == gaps.gap(speakers, by_gender=True)


def test_what_is_not_stated_enters_no_gap() -> None:
    speakers = random_people(1, TWO)
    more = people([(NOT_STATED, "female", 0.1)] * 12)
    together = pd.concat([speakers, more.assign(speaker=[f"x{i}" for i in range(12)])], ignore_index=True)
    assert gaps.gap(together, by_gender=True) == gaps.gap(speakers, by_gender=True)


@pytest.mark.parametrize("sizes", [(41, 4), (4, 4), (60, 0)])
def test_fewer_than_two_groups_of_five_have_no_gap(sizes: tuple[int, int]) -> None:
    found = gaps.gap(random_people(0, {("German", "male"): sizes[0], ("other", "male"): sizes[1]}), by_gender=False)
    assert found["value"] is None and found["low"] is None and found["p"] is None and found["unbiased_low"] is None
    assert not found["estimable"] and "5" in found["why_not"]


@pytest.mark.parametrize(("n_other", "tested"), [(9, False), (10, True)])
def test_tests_need_ten_speakers_in_every_group(n_other: int, tested: bool) -> None:
    found = gaps.gap(random_people(0, {("German", "male"): 20, ("other", "male"): n_other}), by_gender=False)
    assert found["estimable"] and found["unbiased_low"] is not None
    assert (found["p"] is not None) == tested
    assert (found["p_why_not"] is None) == tested
    if not tested:
        assert "10" in found["p_why_not"]


def test_a_group_of_one_gender_has_no_band() -> None:
    sizes = {("German", "female"): 10, ("German", "male"): 20, ("other", "male"): 12}
    found = gaps.gap(random_people(0, sizes), by_gender=True)
    assert found["estimable"], "the gap itself has its interval"
    assert found["unbiased_low"] is None and found["unbiased_high"] is None and found["p"] is None
    assert "gender" in found["unbiased_why_not"] and found["p_why_not"]


def test_one_speaker_says_nothing_about_an_accent(make_run: Callable[..., Path]) -> None:
    """6 speakers: the sixth has the sixth accent, Tamil, alone."""
    run = load(make_run(n_women=3, n_men=3, hostile=False, n_folds=3))
    rows = groups.by_attribute(groups.members(run), lambda each: groups.levels(run, each))
    found = groups.by_group(rows)["accent"]["Tamil"]["svm"]["accuracy"]
    assert found["n_speakers"] == 1 and found["n_recordings"] == 20
    assert found["value"] is not None and found["low"] is None and not found["estimable"]
    assert found["why_not"] == "one speaker; nothing can be said about the accent"


def test_small_groups_keep_their_point_and_their_counts(make_run: Callable[..., Path]) -> None:
    found = summarise(make_run(hostile=False))
    for attribute, by_group in found["groups"].items():
        for group, by_model in by_group.items():
            level = by_model["svm"]["accuracy"]
            assert level["value"] is not None and level["n_recordings"] > 0, (attribute, group)
            if level["n_speakers"] < 5:
                assert level["low"] is None and level["high"] is None and not level["estimable"] and level["why_not"]
    for number in numbers_of(found["gaps"]):
        assert number["n_speakers"] == 0 or number["n_speakers"] >= 5 or not number["estimable"]


def numbers_of(tree: Any) -> list[dict[str, Any]]:
    if not isinstance(tree, dict):
        return []
    if "estimable" in tree:
        return [tree]
    return [one for branch in tree.values() for one in numbers_of(branch)]


def test_the_tasks_own_attribute_has_no_gap_no_band_and_no_p(make_run: Callable[..., Path]) -> None:
    found = summarise(make_run(hostile=False))
    for attribute in ("gender", "gender_x_accent_bucket"):
        gap = found["gaps"][attribute]["svm"]
        assert gap["why_not"] == "this attribute is the task" and not gap["estimable"]
        for name in ("value", "low", "high", "unbiased_low", "unbiased_high", "unbiased_expected", "p"):
            assert gap[name] is None, name
        fairness = found["fairness"][attribute]["svm"]
        for name in ("demographic_parity_difference", "equalized_odds_difference"):
            assert fairness[name]["value"] is None and fairness[name]["why_not"] == "this attribute is the task"


def test_accent_gaps_within_gender() -> None:
    """Each gender has its own Welch interval; a p value only where both of its groups have 10 speakers."""
    sizes = {("German", "female"): 8, ("German", "male"): 33, ("other", "female"): 6, ("other", "male"): 13}
    members = groups.Members(attribute="accent_bucket", model="svm", speakers=random_people(7, sizes), is_task=False)
    found = gaps.within_gender(members)
    assert set(found) == {"female", "male"}
    for gender, gap in found.items():
        speakers = members.speakers[members.speakers["gender"] == gender]
        german, other = (speakers.loc[speakers["group"] == name, "score"] for name in ("German", "other"))
        expected = stats.ttest_ind(german, other, equal_var=False).confidence_interval()
        assert gap["value"] == pytest.approx(german.mean() - other.mean(), abs=1e-12)
        assert (gap["low"], gap["high"]) == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert gap["unbiased_low"] < 0 < gap["unbiased_high"]
        assert (gap["p"] is None) == (gender == "female")


def test_four_women_of_another_accent_are_too_few(make_run: Callable[..., Path]) -> None:
    """As in AudioMNIST, 8 German women and 4 others; every sixth of 27 speakers is Spanish or Tamil."""
    run = load(make_run(n_women=12, n_men=15, hostile=False))
    members = next(each for each in groups.members(run) if (each.attribute, each.model) == ("accent_bucket", "svm"))
    women = members.speakers[members.speakers["gender"].astype(str) == "female"]
    assert (women["group"].astype(str) == "other").sum() == 4
    assert gaps.within_gender(members)["female"]["value"] is None


def gender_gap(seed: int, stratum: str | None, difference: float) -> dict[str, Any]:
    """The gap of 12 women and 30 men whose stratum is their gender, or the one class that they share."""
    random = np.random.default_rng(seed)
    rows = [("female", "female", float(x)) for x in random.normal(0.7, 0.1, 12)]
    rows += [("male", "male", float(x)) for x in random.normal(0.7 + difference, 0.1, 30)]
    speakers = people(rows, stratum)
    return gaps.between_groups(groups.Members(attribute="gender", model="svm", speakers=speakers, is_task=False))


@pytest.mark.parametrize("stratum", [None, "Germany"])
def test_the_gap_of_genders_where_they_are_not_the_task(stratum: str | None) -> None:
    """Recognising digits, strata are the genders themselves; the band must still permute gender among all speakers.

    Permuted within gender nothing would move: the band would be the gap itself, and p 1, however large the gap.
    """
    found = gender_gap(3, stratum, 0.15)
    random = np.random.default_rng(3)
    women, men = random.normal(0.7, 0.1, 12), random.normal(0.85, 0.1, 30)
    both = np.concatenate([women, men])
    draws = np.array([(order := random.permutation(both))[:12].mean() - order[12:].mean() for _ in range(4_000)])
    assert found["value"] == pytest.approx(women.mean() - men.mean(), abs=1e-12)
    assert within(draws, 0.025, found["unbiased_low"]) and within(draws, 0.975, found["unbiased_high"])
    assert found["p"] < 0.01


def test_groups_that_share_no_block_have_no_band() -> None:
    """Every German speaker says class x and every other class y: within a class no label can change its place."""
    speakers = random_people(1, TWO)
    speakers["stratum"] = np.where(speakers["group"] == "German", "x", "y")
    found = gaps.gap(speakers, by_gender=True)
    assert found["estimable"] and found["unbiased_low"] is None and found["p"] is None
    assert found["unbiased_why_not"] and found["p_why_not"]


def test_a_digit_run_has_a_band_for_genders(make_run: Callable[..., Path]) -> None:
    found = summarise(make_run(task="digit", hostile=False))["gaps"]["gender"]["svm"]
    assert found["unbiased_low"] < 0 < found["unbiased_high"]
    assert found["p"] < 1
