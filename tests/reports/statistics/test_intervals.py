"""Intervals over speakers, against plain loops written from the formulas, SciPy, and cases worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.statistics import intervals
from reports.statistics.intervals import Moments, Stratified
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

B = 10_000


# --- strata -----------------------------------------------------------------------------------------------------------


def sizes_of(sample: Stratified) -> list[int]:
    return sorted(len(part) for part in sample.parts())


def test_equal_strata_weigh_classes_equally() -> None:
    """Two women at 0.4 and 0.6, four men at 1.0: (0.5 + 1.0) / 2."""
    sample = intervals.equal_strata([0.4, 1.0, 1.0, 0.6, 1.0, 1.0], ["f", "m", "m", "f", "m", "m"])
    assert sample.weights.tolist() == [0.5, 0.5]
    assert sizes_of(sample) == [2, 4]
    assert intervals.moments(sample).theta == pytest.approx(0.75, abs=1e-12)
    assert sample.scores.tolist() == [0.4, 1.0, 1.0, 0.6, 1.0, 1.0]
    assert sample.strata[0] == sample.strata[3] != sample.strata[1]


def test_shared_strata_weigh_speakers_equally() -> None:
    sample = intervals.shared_strata([0.4, 1.0, 1.0, 0.6, 1.0, 1.0], ["f", "m", "m", "f", "m", "m"])
    assert sorted(sample.weights.tolist()) == pytest.approx([2 / 6, 4 / 6], abs=1e-12)
    assert intervals.moments(sample).theta == pytest.approx(5 / 6, abs=1e-12)


@pytest.mark.parametrize(
    "labels",
    ["aaabbc", "aaabcd", "abcdef", "aaaaab", "aaaaaa", "aabbcc", "ab", "aab"],
)
def test_strata_of_one_are_merged_and_theta_stays(labels: str) -> None:
    scores = [0.1, 0.9, 0.4, 0.8, 0.3, 0.7][: len(labels)]
    sample = intervals.shared_strata(scores, list(labels))
    assert min(sizes_of(sample)) >= 2
    assert sum(sizes_of(sample)) == len(labels)
    assert sample.weights.sum() == pytest.approx(1, abs=1e-12)
    found = intervals.moments(sample)
    assert found.theta == pytest.approx(mean(scores), abs=1e-12)
    assert math.isfinite(found.se)


def test_two_strata_of_one_become_one_stratum_and_others_stay() -> None:
    """Strata a (3 speakers), b and c (1 each): {a} and {b, c}; w = 3/5 and 2/5."""
    sample = intervals.shared_strata([0.2, 0.4, 0.6, 0.5, 0.9], list("aaabc"))
    assert sizes_of(sample) == [2, 3]
    # s^2: 0.04 of a; b and c have mean 0.7 and s^2 = 2 * 0.2^2 / 1 = 0.08
    se2 = (3 / 5) ** 2 * 0.04 / 3 + (2 / 5) ** 2 * 0.08 / 2
    assert intervals.moments(sample).se == pytest.approx(math.sqrt(se2), abs=1e-12)


def test_one_speaker_has_no_standard_error() -> None:
    found = intervals.moments(intervals.shared_strata([0.8], ["f"]))
    assert found.theta == pytest.approx(0.8)
    assert math.isnan(found.se) and math.isnan(found.nu)


def test_a_class_of_one_speaker_has_no_standard_error_when_classes_weigh_equally() -> None:
    """Merging would change balanced accuracy, so there is nothing to estimate its error from."""
    sample = intervals.equal_strata([0.8, 0.6, 0.7], ["f", "m", "m"])
    found = intervals.moments(sample)
    assert found.theta == pytest.approx((0.8 + 0.65) / 2, abs=1e-12)
    assert math.isnan(found.se) and math.isnan(found.nu)


# --- moments ----------------------------------------------------------------------------------------------------------


def test_three_speakers_by_hand() -> None:
    """0.5, 0.7, 0.9: m = 0.7; s^2 = (0.04 + 0 + 0.04) / 2 = 0.04; se = 0.2 / sqrt 3; nu = 2."""
    found = intervals.moments(stratified([[0.5, 0.7, 0.9]], [1.0]))
    assert found.theta == pytest.approx(0.7, abs=1e-12)
    assert found.se == pytest.approx(0.2 / math.sqrt(3), abs=1e-12)
    assert found.nu == pytest.approx(2, abs=1e-9)


def test_three_women_and_two_men_by_hand() -> None:
    """w = 1/2: theta = (0.7 + 0.8) / 2; se^2 = 1/4 * 0.04/3 + 1/4 * 0.02/2; nu from Satterthwaite."""
    found = intervals.moments(halves([0.5, 0.7, 0.9], [0.7, 0.9]))
    women, men = 0.25 * 0.04 / 3, 0.25 * 0.02 / 2
    assert found.theta == pytest.approx(0.75, abs=1e-12)
    assert found.se == pytest.approx(math.sqrt(women + men), abs=1e-12)
    assert found.nu == pytest.approx((women + men) ** 2 / (women**2 / 2 + men**2 / 1), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_moments_match_a_plain_loop(seed: int) -> None:
    parts = random_parts(seed, [4, 9, 17], [0.6, 0.8, 0.9])
    weights = [0.2, 0.5, 0.3]
    found = intervals.moments(stratified(parts, weights))
    assert (found.theta, found.se, found.nu) == pytest.approx(loop_moments(parts, weights), **EXACT)


def test_degrees_of_freedom_are_welchs() -> None:
    women, men = random_parts(3, [5, 12], [0.7, 0.9])
    expected = stats.ttest_ind(women, men, equal_var=False).df
    assert intervals.moments(halves(women, men)).nu == pytest.approx(expected, **EXACT)


def test_satterthwaite_by_hand() -> None:
    """(1 + 2)^2 / (1^2 / 3 + 2^2 / 4) = 9 / (4/3) = 6.75; a part that is 0 counts for nothing."""
    assert intervals.satterthwaite([1.0, 2.0], [3, 4]) == pytest.approx(6.75, abs=1e-12)
    assert intervals.satterthwaite([1.0, 0.0], [3, 4]) == pytest.approx(3.0, abs=1e-12)
    assert math.isnan(intervals.satterthwaite([0.0, 0.0], [3, 4]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(1e-3, 1), st.integers(1, 40)), min_size=1, max_size=5))
def test_satterthwaite_lies_between_the_least_part_and_all_parts(parts: list[tuple[float, int]]) -> None:
    variances, degrees = zip(*parts, strict=True)
    found = intervals.satterthwaite(variances, degrees)
    assert min(degrees) * (1 - 1e-9) <= found <= sum(degrees) * (1 + 1e-9)


# --- resampling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "stratum"), [(1, 0), (2, 0), (5, 1), (12, 0), (48, 1)])
def test_resampling_counts_are_multinomial(n: int, stratum: int) -> None:
    """Count n of each row; mean 1, variance 1 - 1/n, covariance -1/n, within 5 standard errors of 10,000 rows."""
    counts = intervals.resamples(n, stratum)
    assert counts.shape == (B, n)
    assert np.array_equal(counts, np.round(counts)) and counts.min() >= 0
    assert np.array_equal(counts.sum(axis=1), np.full(B, float(n)))
    if n == 1:
        return
    spread = 1 - 1 / n
    assert counts.mean(axis=0) == pytest.approx(np.ones(n), abs=5 * math.sqrt(spread / B))
    fourth = stats.binom(n, 1 / n).stats("k") + 3
    assert counts.var(axis=0) == pytest.approx(np.full(n, spread), abs=5 * spread * math.sqrt(float(fourth - 1) / B))
    covariance = np.cov(counts, rowvar=False)[np.triu_indices(n, 1)]
    assert covariance == pytest.approx(np.full(n * (n - 1) // 2, -1 / n), abs=6 * spread * math.sqrt(2 / B))


@pytest.mark.parametrize("n", [3, 12])
def test_one_speakers_counts_are_binomial(n: int) -> None:
    """Chi-square of the first and last speaker's counts 0, 1, 2, 3 and more against Binomial(n, 1/n)."""
    for column in (0, n - 1):
        counts = intervals.resamples(n, 0)[:, column]
        seen = [np.sum(counts == 0), np.sum(counts == 1), np.sum(counts == 2), np.sum(counts >= 3)]
        law = stats.binom(n, 1 / n)
        expected = [B * law.pmf(0), B * law.pmf(1), B * law.pmf(2), B * law.sf(2)]
        assert stats.chisquare(seen, expected).pvalue > 1e-4


def test_every_replicate_of_three_speakers_is_as_frequent_as_the_multinomial_says() -> None:
    """3 speakers have 10 possible rows, of probabilities 1/27 (3), 3/27 (6) and 6/27 (1)."""
    rows, seen = np.unique(intervals.resamples(3, 1), axis=0, return_counts=True)
    assert len(rows) == 10
    expected = B * np.array([stats.multinomial(3, [1 / 3] * 3).pmf(row) for row in rows])
    assert stats.chisquare(seen, expected).pvalue > 1e-4


def test_rows_do_not_depend_on_each_other() -> None:
    counts = intervals.resamples(12, 0)
    following = np.corrcoef(counts[:-1, 0], counts[1:, 0])[0, 1]
    assert abs(following) < 5 / math.sqrt(B)


def test_strata_are_drawn_independently_and_repeatably() -> None:
    """Two strata of one size must not be given the same draws; the same stratum must."""
    first, second = intervals.resamples(12, 0), intervals.resamples(12, 1)
    largest = max(abs(np.corrcoef(first[:, i], second[:, j])[0, 1]) for i in range(12) for j in range(12))
    assert largest < 5.5 / math.sqrt(B)
    again = first.copy()
    intervals.resamples.cache_clear()
    assert np.array_equal(intervals.resamples(12, 0), again)


def test_draws_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        intervals.resamples(5, 0)[0, 0] = 7.0


# --- bootstrap-t ------------------------------------------------------------------------------------------------------


def loop_t_stars(parts: Parts, weights: Sequence[float]) -> list[float]:
    """t* of every replicate, written out speaker by speaker from the formulas."""
    theta = loop_moments(parts, weights)[0]
    found = []
    for b in range(B):
        drawn = []
        for h, part in enumerate(parts):
            counts = intervals.resamples(len(part), h)[b]
            drawn.append([x for x, times in zip(part, counts, strict=True) for _ in range(int(times))])
        theta_star, se_star, _ = loop_moments(drawn, weights)
        if se_star < 1e-12:
            found.append(math.copysign(math.inf, theta_star - theta))
            continue
        s_star = se_star / (theta_star * (1 - theta_star))
        found.append((logit(theta_star) - logit(theta)) / s_star)
    return found


def loop_share_limits(parts: Parts, weights: Sequence[float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return within what `low` and `high` must lie: one order statistic to either side of t*_.025 and t*_.975."""
    theta, se, _ = loop_moments(parts, weights)
    s = se / (theta * (1 - theta))
    stars = sorted(loop_t_stars(parts, weights))
    # the 2.5 % point of 10,000 lies between the 250th and the 251st value, which are 249 and 250 counted from 0
    lower = stars[249], stars[250]
    upper = stars[9749], stars[9750]
    at = lambda t: expit(logit(theta) - t * s)  # noqa: E731
    return (at(upper[1]), at(upper[0])), (at(lower[1]), at(lower[0]))


@pytest.mark.parametrize(("name", "sizes", "levels", "weights"), DESIGNS, ids=[design[0] for design in DESIGNS])
def test_share_interval_matches_a_plain_loop(
    name: str, sizes: list[int], levels: list[float], weights: list[float]
) -> None:
    parts = random_parts(11, sizes, levels)
    found = intervals.share_interval(stratified(parts, weights))
    (low_from, low_to), (high_from, high_to) = loop_share_limits(parts, weights)
    assert found.estimable and found.why_not == "" and "bootstrap" in found.method
    assert low_from - 1e-9 <= found.low <= low_to + 1e-9, name
    assert high_from - 1e-9 <= found.high <= high_to + 1e-9, name


def test_replicates_without_variation_are_infinite() -> None:
    """Of 2 speakers every second replicate draws one of them twice: s* = 0, t* infinite on both sides, limits 0 and 1.

    x = 0.4 and 0.8: a quarter of the replicates is (0.4, 0.4), with t* = -inf, a quarter (0.8, 0.8), with t* = +inf; so
    t*_.025 = -inf and t*_.975 = +inf, and expit(logit theta -+ inf) are 0 and 1.
    """
    found = intervals.share_interval(stratified([[0.4, 0.8]], [1.0]))
    assert (found.low, found.high) == (0.0, 1.0)


def test_three_speakers_are_infinitely_uncertain_too() -> None:
    """Of 3 speakers 3 of 27 replicates are one speaker three times; over 2.5 % on the side where two speakers lie.

    x = 0.6, 0.6, 0.9: theta = 0.7. (0.6, 0.6, 0.6) has probability (2/3)^3 = 8/27 and t* = -inf; (0.9, 0.9, 0.9) has
    1/27 = 3.7 % and t* = +inf. Both are over 2.5 %, so that the interval is 0 to 1.
    """
    found = intervals.share_interval(stratified([[0.6, 0.6, 0.9]], [1.0]))
    assert (found.low, found.high) == (0.0, 1.0)


def test_one_side_may_be_infinite_alone() -> None:
    """x = 0.8 five times and 0.3: nobody draws the 0.3 in (5/6)^6 = 33 % of replicates: t*_.975 = +inf, low = 0."""
    found = intervals.share_interval(stratified([[0.8] * 5 + [0.3]], [1.0]))
    assert found.low == 0.0
    assert 0.72 < found.high < 1.0


@pytest.mark.parametrize(
    "sample",
    [
        stratified([[0.8] * 6], [1.0]),
        halves([0.7] * 5, [0.9] * 7),
        halves([1.0] * 5, [1.0] * 5),
        halves([0.0] * 5, [0.0] * 5),
        stratified([[1.0] * 6], [1.0]),
        stratified([[1 / 3 + 1e-17, 1 / 3, 0.1 + 0.2 + 1 / 30]], [1.0]),
    ],
    ids=["equal", "equal within classes", "all right", "none right", "all right, one class", "equal but for rounding"],
)
def test_no_variation_between_speakers(sample: Stratified) -> None:
    for make in (intervals.share_interval, intervals.mover_interval):
        found = make(sample)
        assert not found.estimable
        assert math.isnan(found.low) and math.isnan(found.high)
        assert found.why_not == "no variation between speakers"
        assert found.method == ""


def test_a_stratum_without_variation_leaves_the_other_one() -> None:
    men = random_parts(5, [12], [0.8])[0]
    found = intervals.share_interval(halves([1.0] * 6, men))
    (low_from, low_to), (high_from, high_to) = loop_share_limits([[1.0] * 6, men], [0.5, 0.5])
    assert low_from - 1e-9 <= found.low <= low_to + 1e-9
    assert high_from - 1e-9 <= found.high <= high_to + 1e-9


def test_one_speaker_gives_no_interval_and_a_reason() -> None:
    for make in (intervals.share_interval, intervals.mover_interval, intervals.difference_interval):
        found = make(stratified([[0.8]], [1.0]))
        assert not found.estimable and found.why_not and math.isnan(found.low)
        found = make(halves([0.8], [0.5, 0.6, 0.7]))
        assert not found.estimable and found.why_not and math.isnan(found.high)


def test_same_scores_same_limits() -> None:
    sample = halves(*random_parts(2, [12, 12], [0.8, 0.7]))
    first = intervals.share_interval(sample)
    intervals.resamples.cache_clear()
    assert intervals.share_interval(sample) == first


def test_names_of_strata_change_nothing_but_which_draws_they_get() -> None:
    """Other names in the same order: the same limits. Names in another order: other draws, the same within 1 point."""
    women, men = random_parts(6, [12, 20], [0.8, 0.9])
    first = intervals.share_interval(intervals.equal_strata(women + men, ["f"] * 12 + ["m"] * 20))
    renamed = intervals.share_interval(intervals.equal_strata(women + men, ["p"] * 12 + ["q"] * 20))
    swapped = intervals.share_interval(intervals.equal_strata(women + men, ["z"] * 12 + ["a"] * 20))
    assert renamed == first
    assert (swapped.low, swapped.high) == pytest.approx((first.low, first.high), abs=0.01)


def test_strata_may_be_interleaved() -> None:
    """Only the order within a stratum decides who is drawn."""
    women, men = random_parts(6, [6, 6], [0.8, 0.9])
    mixed = [x for pair in zip(women, men, strict=True) for x in pair]
    apart = intervals.share_interval(intervals.equal_strata(women + men, ["f"] * 6 + ["m"] * 6))
    together = intervals.share_interval(intervals.equal_strata(mixed, ["f", "m"] * 6))
    assert (together.low, together.high) == pytest.approx((apart.low, apart.high), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_order_of_speakers_matters_by_chance_only(seed: int) -> None:
    parts = random_parts(seed, [12, 20], [0.8, 0.9])
    first = intervals.share_interval(halves(*parts))
    turned = intervals.share_interval(halves(*[part[::-1] for part in parts]))
    assert (turned.low, turned.high) == pytest.approx((first.low, first.high), abs=0.015)


@pytest.mark.parametrize("seed", range(5))
def test_errors_mirror_hits(seed: int) -> None:
    """The interval of 1 - x is 1 minus that of x: t* only changes its sign."""
    parts = random_parts(seed, [12, 20], [0.8, 0.9])
    hits = intervals.share_interval(halves(*parts))
    errors = intervals.share_interval(halves(*[[1 - x for x in part] for part in parts]))
    assert (1 - errors.high, 1 - errors.low) == pytest.approx((hits.low, hits.high), abs=1e-9)


def test_many_well_behaved_speakers_come_near_the_t_interval_on_the_logit() -> None:
    """200 speakers, symmetric scores: bootstrap-t must agree with logit theta +- t s within its Monte Carlo error."""
    scores = 0.7 + 0.05 * stats.norm.ppf((np.arange(200) + 0.5) / 200)
    found = intervals.share_interval(stratified([scores.tolist()], [1.0]))
    theta, se = scores.mean(), scores.std(ddof=1) / math.sqrt(200)
    step = stats.t.ppf(0.975, 199) * se / (theta * (1 - theta))
    assert found.low == pytest.approx(expit(logit(theta) - step), abs=6e-4)
    assert found.high == pytest.approx(expit(logit(theta) + step), abs=6e-4)


def test_fewer_speakers_give_wider_intervals_on_average() -> None:
    widths: dict[int, float] = {}
    for n in (6, 12, 24, 48):
        found = [intervals.share_interval(halves(*random_parts(s, [n, n], [0.8, 0.8]))) for s in range(12)]
        widths[n] = mean(interval.high - interval.low for interval in found)
    assert widths[6] > widths[12] > widths[24] > widths[48]


share = st.integers(0, 50).map(lambda hits: hits / 50)
stratum = st.lists(share, min_size=2, max_size=15)


@settings(max_examples=60, deadline=None)
@given(st.lists(stratum, min_size=1, max_size=3), st.booleans())
def test_limits_are_shares_around_theta(parts: Parts, equal: bool) -> None:
    labels = [str(h) for h, part in enumerate(parts) for _ in part]
    scores = [x for part in parts for x in part]
    sample = (intervals.equal_strata if equal else intervals.shared_strata)(scores, labels)
    found = intervals.share_interval(sample)
    theta, se, _ = loop_moments(parts, sample.weights.tolist())
    varies = se > 1e-12
    assert found.estimable == varies
    if varies:
        assert 0 <= found.low <= theta + 1e-9
        assert theta - 1e-9 <= found.high <= 1


def test_nobody_has_no_number() -> None:
    """A mean of no speakers is not 0."""
    for make in (intervals.equal_strata, intervals.shared_strata):
        sample = make([], [])
        found = intervals.moments(sample)
        assert math.isnan(found.theta) and math.isnan(found.se) and math.isnan(found.nu)
        for interval in (intervals.share_interval, intervals.mover_interval, intervals.difference_interval):
            assert interval(sample).why_not == "no speakers"


def test_moments_are_plain_numbers() -> None:
    found = intervals.moments(halves([0.5, 0.6], [0.7, 0.9]))
    assert isinstance(found, Moments)
    assert all(isinstance(value, float) for value in (found.theta, found.se, found.nu))
