"""Intervals beside the bootstrap: MOVER, differences, correlations; plain loops, SciPy, cases worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import mean, variance

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.statistics import intervals
from reports.statistics.intervals import Interval, Stratified
from tests.reports.plain_loops import (
    DESIGNS,
    EXACT,
    Parts,
    expit,
    halves,
    logit,
    loop_moments,
    random_parts,
    stratified,
)

share = st.integers(0, 50).map(lambda hits: hits / 50)
stratum = st.lists(share, min_size=2, max_size=15)


# --- MOVER ------------------------------------------------------------------------------------------------------------


def loop_mover(parts: Parts, weights: Sequence[float]) -> tuple[float, float]:
    """Limits of each stratum by t on the logit, then theta -+ sqrt(sum w^2 (distance)^2)."""
    theta, below, above = 0.0, 0.0, 0.0
    for part, weight in zip(parts, weights, strict=True):
        m = mean(part)
        s = math.sqrt(variance(part) / len(part)) / (m * (1 - m))
        step = stats.t.ppf(0.975, len(part) - 1) * s
        theta += weight * m
        below += weight**2 * (m - expit(logit(m) - step)) ** 2
        above += weight**2 * (expit(logit(m) + step) - m) ** 2
    return theta - math.sqrt(below), theta + math.sqrt(above)


def test_mover_of_three_speakers_by_hand() -> None:
    """0.4, 0.5, 0.6: m = 0.5, s^2 = 0.01, logit m = 0, s = sqrt(0.01 / 3) / 0.25 = 0.23094; t_2 = 4.302653.

    0.23094 * 4.302653 = 0.993653; expit(-+0.993653) = 0.270192 and 0.729808.
    """
    found = intervals.mover_interval(stratified([[0.4, 0.5, 0.6]], [1.0]))
    assert (found.low, found.high) == pytest.approx((0.270192, 0.729808), abs=2e-6)


@pytest.mark.parametrize(("name", "sizes", "levels", "weights"), DESIGNS, ids=[design[0] for design in DESIGNS])
def test_mover_matches_a_plain_loop(name: str, sizes: list[int], levels: list[float], weights: list[float]) -> None:
    parts = random_parts(4, sizes, levels)
    assert all(0 < mean(part) < 1 for part in parts), "the oracle needs a logit in every stratum"
    found = intervals.mover_interval(stratified(parts, weights))
    assert found.estimable, name
    assert (found.low, found.high) == pytest.approx(loop_mover(parts, weights), abs=1e-10)


def test_mover_of_a_perfect_stratum_leaves_the_other_ones_part() -> None:
    """A stratum in which all are at 1 has no logit and no variance; it has no distance of its own to add."""
    men = [0.6, 0.7, 0.8, 0.9, 0.75]
    found = intervals.mover_interval(halves([1.0] * 5, men))
    low, high = loop_mover([men], [0.5])
    assert (found.low, found.high) == pytest.approx((0.5 + low, 0.5 + high), abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(st.lists(stratum, min_size=1, max_size=3))
def test_mover_limits_are_shares_around_theta(parts: Parts) -> None:
    weights = [1 / len(parts)] * len(parts)
    found = intervals.mover_interval(stratified(parts, weights))
    if found.estimable:
        theta = loop_moments(parts, weights)[0]
        assert -1e-9 <= found.low <= theta + 1e-9
        assert theta - 1e-9 <= found.high <= 1 + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_mover_agrees_with_the_bootstrap_where_speakers_are_many(seed: int) -> None:
    parts = random_parts(seed, [48, 48], [0.75, 0.8])
    first, check = intervals.share_interval(halves(*parts)), intervals.mover_interval(halves(*parts))
    assert (check.low, check.high) == pytest.approx((first.low, first.high), abs=0.01)


# --- differences ------------------------------------------------------------------------------------------------------


def test_difference_of_three_speakers_by_hand() -> None:
    """0.1, 0.2, 0.3: mean 0.2, s^2 = 0.01, se = 0.1 / sqrt 3 = 0.057735; t_2,.975 = 4.302653; 0.2 -+ 0.248414."""
    found = intervals.difference_interval(stratified([[0.1, 0.2, 0.3]], [1.0]))
    assert (found.low, found.high) == pytest.approx((-0.048414, 0.448414), abs=2e-6)


def test_difference_of_one_stratum_is_the_one_sample_t() -> None:
    d = np.random.default_rng(0).normal(0.03, 0.1, 24)
    expected = stats.ttest_1samp(d, 0).confidence_interval(0.95)
    found = intervals.difference_interval(stratified([d.tolist()], [1.0]))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), **EXACT)


def test_difference_of_two_strata_is_half_of_welchs() -> None:
    """theta = (m_1 + m_2) / 2 is half the difference of the means of d_1 and -d_2."""
    random = np.random.default_rng(1)
    women, men = random.normal(0.1, 0.2, 8), random.normal(-0.05, 0.05, 20)
    expected = stats.ttest_ind(women, -men, equal_var=False).confidence_interval(0.95)
    found = intervals.difference_interval(halves(women.tolist(), men.tolist()))
    assert (found.low, found.high) == pytest.approx((expected.low / 2, expected.high / 2), **EXACT)


def test_difference_matches_a_plain_loop_with_shares_as_weights() -> None:
    random = np.random.default_rng(2)
    parts = [random.normal(0, 0.1, n).tolist() for n in (5, 7, 11)]
    weights = [5 / 23, 7 / 23, 11 / 23]
    theta, se, nu = loop_moments(parts, weights)
    step = stats.t.ppf(0.975, nu) * se
    found = intervals.difference_interval(stratified(parts, weights))
    assert (found.low, found.high) == pytest.approx((theta - step, theta + step), **EXACT)


def test_no_differences_have_no_interval() -> None:
    found = intervals.difference_interval(halves([0.0] * 6, [0.0] * 6))
    assert not found.estimable and found.why_not and math.isnan(found.low)


differences = st.lists(st.integers(-50, 50).map(lambda n: n / 50), min_size=2, max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(differences, min_size=1, max_size=3))
def test_a_difference_turns_with_its_direction(parts: Parts) -> None:
    weights = [1 / len(parts)] * len(parts)
    found = intervals.difference_interval(stratified(parts, weights))
    other = intervals.difference_interval(stratified([[-d for d in part] for part in parts], weights))
    theta, se, _ = loop_moments(parts, weights)
    assert found.estimable == other.estimable == (se > 1e-12)
    if found.estimable:
        assert (other.low, other.high) == pytest.approx((-found.high, -found.low), abs=1e-12)
        assert (found.low + found.high) / 2 == pytest.approx(theta, abs=1e-9)


# --- correlations and other transformed values ------------------------------------------------------------------------


def loop_fisher(value: float, left_out: Sequence[float], labels: Sequence[str]) -> tuple[float, float]:
    """Delete-one jackknife of atanh within strata: v_h = (G_h - 1) / G_h * sum (z_-i - mean)^2."""
    parts: dict[str, list[float]] = {}
    for correlation, label in zip(left_out, labels, strict=True):
        parts.setdefault(label, []).append(math.atanh(correlation))
    spread, below = 0.0, 0.0
    for z in parts.values():
        v = (len(z) - 1) / len(z) * sum((one - mean(z)) ** 2 for one in z)
        spread += v
        below += v**2 / (len(z) - 1)
    step = stats.t.ppf(0.975, spread**2 / below) * math.sqrt(spread)
    return math.tanh(math.atanh(value) - step), math.tanh(math.atanh(value) + step)


def test_fisher_of_three_speakers_by_hand() -> None:
    """z without each: 0.5, 0.6, 0.7; v = 2/3 * 0.02 = 0.013333, 2 degrees; 4.302653 * 0.115470 = 0.496828.

    tanh(0.6 - 0.496828) = tanh 0.103172 = 0.102808; tanh(0.6 + 0.496828) = tanh 1.096828 = 0.799356.
    """
    left_out = [math.tanh(0.5), math.tanh(0.6), math.tanh(0.7)]
    found = intervals.fisher_interval(math.tanh(0.6), left_out, ["f"] * 3)
    assert (found.low, found.high) == pytest.approx((0.102808, 0.799356), abs=2e-5)


def test_fisher_matches_a_plain_loop() -> None:
    random = np.random.default_rng(4)
    left_out = random.normal(0.6, 0.02, 15)
    labels = ["f"] * 6 + ["m"] * 9
    found = intervals.fisher_interval(0.6, left_out, labels)
    assert found.estimable and "jackknife" in found.method
    assert (found.low, found.high) == pytest.approx(loop_fisher(0.6, left_out.tolist(), labels), **EXACT)


@pytest.mark.parametrize(
    ("value", "left_out"),
    [(0.6, [0.6] * 6), (1.0, [1.0] * 6), (-1.0, [-1.0] * 6), (0.9, [1.0] + [0.9] * 5), (1.0, [1.0, 1.0, 0.9, 1, 1, 1])],
    ids=["same without anyone", "perfect", "perfectly wrong", "perfect without one", "perfect in all but one"],
)
def test_fisher_without_variation_or_without_a_finite_z(value: float, left_out: list[float]) -> None:
    found = intervals.fisher_interval(value, left_out, ["f"] * 3 + ["m"] * 3)
    assert not found.estimable and found.why_not and math.isnan(found.low) and math.isnan(found.high)


def test_fisher_of_a_correlation_that_is_none() -> None:
    for value, left_out in [(math.nan, [0.5, 0.6, 0.7]), (0.6, [0.5, math.nan, 0.7])]:
        found = intervals.fisher_interval(value, left_out, ["f"] * 3)
        assert not found.estimable and found.why_not


def test_fisher_with_one_speaker_in_a_stratum() -> None:
    found = intervals.fisher_interval(0.6, [0.5, 0.6, 0.7, 0.62], ["f", "f", "f", "m"])
    assert not found.estimable and found.why_not


def test_transformed_t_by_hand() -> None:
    """On the logit: value 0.5, variances 0.1 and 0.2 with 3 and 4 degrees: nu = 0.09 / (0.01/3 + 0.04/4) = 6.75."""
    found = intervals.transformed_t((logit, expit), 0.5, [0.1, 0.2], [3, 4], "by hand")
    step = stats.t.ppf(0.975, 6.75) * math.sqrt(0.3)
    assert (found.low, found.high) == pytest.approx((expit(-step), expit(step)), abs=1e-12)
    assert found.method == "by hand" and found.why_not == "" and found.estimable


# --- who is too few ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "classes", "enough"),
    [
        ("ffmmm", "", True),
        ("ffmm", "", False),
        ("f", "", False),
        ("fffffmmmmm", "fm", True),
        ("ffffmmmmmmm", "fm", False),
        ("mmmmmmmmmm", "fm", False),
        ("fffffmmmmmxxxx", "fm", True),
    ],
)
def test_five_speakers_or_five_per_class(labels: str, classes: str, enough: bool) -> None:
    why_not = intervals.too_few(list(labels), list(classes))
    assert (why_not == "") == enough


def test_an_interval_tells_whether_it_is_one() -> None:
    assert Interval(low=0.1, high=0.2, method="m").estimable
    absent = intervals.no_interval("because")
    assert not absent.estimable and absent.why_not == "because" and math.isnan(absent.low) and math.isnan(absent.high)


@pytest.mark.parametrize("make", [intervals.share_interval, intervals.mover_interval])
def test_published_widths(make: Callable[[Stratified], Interval]) -> None:
    """24 speakers at 0.75 with a correlation of 0.1 between recordings: 12 to 16 points wide, not 3."""
    widths = []
    for seed in range(20):
        found = make(halves(*random_parts(seed, [12, 12], [0.75, 0.75])))
        widths.append(found.high - found.low)
    assert 0.12 < mean(widths) < 0.16
