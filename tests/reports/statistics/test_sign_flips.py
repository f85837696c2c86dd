"""Sign flips and detectable differences, against plain loops, SciPy, and cases worked out by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import mean, variance
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.statistics import sign_flips
from reports.statistics.intervals import Moments, Stratified, moments

Parts = list[list[float]]


def stratified(parts: Sequence[Sequence[float]], weights: Sequence[float]) -> Stratified:
    return Stratified(
        scores=np.array([d for part in parts for d in part], dtype=np.float64),
        strata=np.repeat(np.arange(len(parts)), [len(part) for part in parts]).astype(np.int64),
        weights=np.array(weights, dtype=np.float64),
    )


def statistic(parts: Parts, weights: Sequence[float]) -> float:
    """|sum w_h mean_h| / sqrt(sum w_h^2 s_h^2 / G_h); infinite where only the denominator is 0."""
    above = abs(sum(w * mean(part) for w, part in zip(weights, parts, strict=True)))
    below = math.sqrt(sum(w**2 * variance(part) / len(part) for w, part in zip(weights, parts, strict=True)))
    if below < 1e-9:
        return math.inf if above > 1e-9 else 0.0
    return above / below


def loop_p(parts: Parts, weights: Sequence[float]) -> float:
    """Count / 2^G over all flips, each computed from its own differences."""
    observed = statistic(parts, weights)
    ends = list(itertools.accumulate([len(part) for part in parts], initial=0))
    flat = [d for part in parts for d in part]
    count = 0
    for signs in itertools.product([1, -1], repeat=len(flat)):
        turned = [sign * d for sign, d in zip(signs, flat, strict=True)]
        again = statistic([turned[a:b] for a, b in itertools.pairwise(ends)], weights)
        count += again >= observed or math.isclose(again, observed, rel_tol=1e-7, abs_tol=1e-9)
    return count / 2 ** len(flat)


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("d", "count"),
    [((0.1, 0.2, 0.3), 2), ((-0.1, 0.2, 0.3), 4), ((0.1, -0.2, 0.3), 6), ((0.1, 0.2, -0.3), 8)],
)
def test_three_speakers_by_hand(d: tuple[float, float, float], count: int) -> None:
    """The 8 flips of 0.1, 0.2, 0.3 in tenths, with squares summing to 14, s^2 = (14 - 3 m^2) / 2.

    ===========  ====  =====  =================================
    flip         mean  s^2    |mean| / sqrt(s^2 / 3)
    ===========  ====  =====  =================================
    +1 +2 +3     2     1      2 / 0.57735       = 3.4641 (twice)
    -1 +2 +3     4/3   13/3   1.33333 / 1.20185 = 1.1094 (twice)
    +1 -2 +3     2/3   19/3   0.66667 / 1.45297 = 0.4588 (twice)
    +1 +2 -3     0     7      0                          (twice)
    ===========  ====  =====  =================================

    "Twice": the flip of all three signs has the same absolute value. p is the share of flips at or above the observed.
    """
    found = sign_flips.sign_flip(stratified([d], [1.0]))
    assert found == sign_flips.FlipTest(p=count / 8, n_flips=8, exact=True)


def test_ties_are_counted() -> None:
    """1, 1, 2 in tenths: means 4/3 (2 flips), 2/3 (4 flips: either 1 turned), 0 (2 flips); p at 2/3 is 6 / 8.

    0.1 and 0.2 - 0.1 differ in the last bit, which must not break the tie.
    """
    assert sign_flips.sign_flip(stratified([[-0.1, 0.2 - 0.1, 0.2]], [1.0])).p == 6 / 8
    assert sign_flips.sign_flip(stratified([[0.1, -(0.3 - 0.2), 0.2]], [1.0])).p == 6 / 8


def test_two_women_and_two_men_by_hand() -> None:
    """Women 0.1, 0.3; men 0.2, 0.2: w = 1/2.

    As they are: theta = 0.2, se^2 = (0.02/2)/4 = 0.0025, t = 4. Of the 16 flips only two reach it: all signs as they
    are and all turned. Women apart (-0.1, 0.3 or turned): m = +-0.1, s^2 = 0.08, with men +-0.2: 0.15 / sqrt(0.01) =
    1.5 at most. Men apart (0.2, -0.2): m = 0, s^2 = 0.08: 0.1 / sqrt(0.0025 + 0.01) = 0.894. Men turned against women:
    (0.2 - 0.2)/2 = 0. So p = 2 / 16.
    """
    assert sign_flips.sign_flip(stratified([[0.1, 0.3], [0.2, 0.2]], [0.5, 0.5])).p == 2 / 16


@pytest.mark.parametrize("size", [3, 12, 30])
def test_all_differences_0(size: int) -> None:
    found = sign_flips.sign_flip(stratified([[0.0] * size, [0.0] * size], [0.5, 0.5]))
    assert found.p == 1.0


def test_zeros_cannot_be_turned() -> None:
    """0 and 0 and 0.3: both signs of the 0.3 give the same, and all 8 flips reach it."""
    assert sign_flips.sign_flip(stratified([[0.0, 0.0, 0.3]], [1.0])).p == 1.0


# the rounding of sums of these differs with the order in which they are added
AWKWARD = [0.1, 0.02, 0.06, 0.3, 0.7, 1 / 3, 1 / 7, 1 / 11]


@pytest.mark.parametrize("value", AWKWARD)
@pytest.mark.parametrize("n", range(2, 14))
def test_equal_differences_have_no_error_and_two_flips_reach_them(n: int, value: float) -> None:
    """Se is 0 for all signs as they are and for all turned, infinite both; every other flip is finite: p = 2 / 2^n."""
    assert sign_flips.sign_flip(stratified([[value] * n], [1.0])).p == 2 / 2**n


@pytest.mark.parametrize("value", AWKWARD)
@pytest.mark.parametrize("n", range(2, 7))
def test_equal_differences_in_each_stratum(n: int, value: float) -> None:
    """d in one stratum, 2 d in the other: 4 flips (each stratum whole) have se 0 and a mean that is not 0."""
    parts = [[value] * n, [2 * value] * (n + 1)]
    assert sign_flips.sign_flip(stratified(parts, [0.5, 0.5])).p == 4 / 2 ** (2 * n + 1)


@pytest.mark.parametrize("value", AWKWARD)
def test_opposite_equal_strata_cancel(value: float) -> None:
    """What women gain men lose: theta is 0, nothing is smaller, p = 1."""
    assert sign_flips.sign_flip(stratified([[value] * 4, [-value] * 5], [0.5, 0.5])).p == 1.0


# --- all flips --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("sizes", "weights"), [([9], [1.0]), ([4, 5], [0.5, 0.5]), ([2, 3, 5], [0.2, 0.3, 0.5])])
def test_all_flips_match_a_plain_loop(seed: int, sizes: list[int], weights: list[float]) -> None:
    """Differences in fiftieths, small, so that there are zeros and ties."""
    random = np.random.default_rng(seed)
    parts = [(random.integers(-2, 5, size) / 50).tolist() for size in sizes]
    found = sign_flips.sign_flip(stratified(parts, weights))
    assert found.exact and found.n_flips == 2 ** sum(sizes)
    assert found.p == loop_p(parts, weights)


@pytest.mark.parametrize("step", [1e-3, 1e-4, 1e-5])
def test_nearly_equal_differences_match_a_plain_loop(step: float) -> None:
    """Se is so small that it hangs on rounding; the flip as it is must still reach itself."""
    parts = [[0.5 + step * k for k in (0, 1, 1, 2, 3)], [0.3 + step * k for k in (0, 0, 1, 3, 5)]]
    assert sign_flips.sign_flip(stratified(parts, [0.5, 0.5])).p == loop_p(parts, [0.5, 0.5])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.integers(-4, 4).map(lambda n: n / 50), min_size=2, max_size=4), min_size=1, max_size=2))
def test_small_samples_match_a_plain_loop(parts: Parts) -> None:
    weights = [1 / len(parts)] * len(parts)
    found = sign_flips.sign_flip(stratified(parts, weights))
    assert found.p == loop_p(parts, weights)
    turned = sign_flips.sign_flip(stratified([[-d for d in part] for part in parts], weights))
    assert turned.p == found.p


def scipy_p(sample: Stratified, n_resamples: float) -> float:
    """SciPy flips the signs of a single sample when it is asked for `samples`."""

    def studentised(d: Any, axis: int) -> Any:
        parts = [np.compress(sample.strata == h, d, axis=axis) for h in range(len(sample.weights))]
        above = sum(w * part.mean(axis=axis) for w, part in zip(sample.weights, parts, strict=True))
        below = sum(
            w**2 * part.var(axis=axis, ddof=1) / part.shape[axis] for w, part in zip(sample.weights, parts, strict=True)
        )
        return np.abs(above) / np.sqrt(below)

    result = stats.permutation_test(
        (sample.scores,),
        studentised,
        permutation_type="samples",
        vectorized=True,
        n_resamples=n_resamples,
        alternative="greater",
        batch=4096,
        rng=np.random.default_rng(5),
    )
    return float(result.pvalue)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sizes", [[6, 8], [7, 10]])
def test_all_flips_match_scipy(seed: int, sizes: list[int]) -> None:
    random = np.random.default_rng(seed)
    parts = [random.normal(0.03, 0.1, size).tolist() for size in sizes]
    sample = stratified(parts, [0.5, 0.5])
    found = sign_flips.sign_flip(sample)
    assert found.exact and found.n_flips == 2 ** sum(sizes)
    assert found.p == pytest.approx(scipy_p(sample, math.inf), abs=1e-12)


# --- random flips -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sizes", "shift"), [([12, 12], 0.02), ([12, 12], 0.04), ([12, 48], 0.0), ([18], 0.05)])
def test_random_flips_match_scipy(sizes: list[int], shift: float) -> None:
    """Within 5 standard errors of two Monte Carlo estimates, ours of 99,999 and SciPy's of 20,000."""
    random = np.random.default_rng(17)
    parts = [random.normal(shift, 0.1, size).tolist() for size in sizes]
    sample = stratified(parts, [1 / len(sizes)] * len(sizes))
    found = sign_flips.sign_flip(sample)
    assert not found.exact and found.n_flips == 99_999
    expected = scipy_p(sample, 20_000)
    spread = math.sqrt(expected * (1 - expected) * (1 / 20_000 + 1 / 99_999))
    assert found.p == pytest.approx(expected, abs=5 * spread + 1e-4)


def test_random_flips_are_near_all_flips_where_both_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    sample = stratified([random.normal(0.03, 0.1, 8).tolist(), random.normal(0.03, 0.1, 9).tolist()], [0.5, 0.5])
    every = sign_flips.sign_flip(sample)
    monkeypatch.setattr(sign_flips, "MAX_EXACT_SPEAKERS", 16)
    some = sign_flips.sign_flip(sample)
    assert every.exact and not some.exact
    assert some.p == pytest.approx(every.p, abs=5 * math.sqrt(every.p * (1 - every.p) / 99_999))


def test_random_flips_are_repeatable_and_never_0() -> None:
    """All 30 speakers gain much: no draw reaches it, p = 1 / 100,000."""
    random = np.random.default_rng(0)
    sample = stratified([random.normal(0.5, 0.02, 30).tolist()], [1.0])
    assert sign_flips.sign_flip(sample).p == 1 / 100_000
    other = stratified([random.normal(0.02, 0.1, 30).tolist()], [1.0])
    assert sign_flips.sign_flip(other) == sign_flips.sign_flip(other)


def test_up_to_17_speakers_all_flips() -> None:
    random = np.random.default_rng(1)
    assert sign_flips.sign_flip(stratified([random.normal(size=17).tolist()], [1.0])).exact
    assert not sign_flips.sign_flip(stratified([random.normal(size=18).tolist()], [1.0])).exact


@pytest.mark.parametrize("sizes", [[12, 12], [12, 48], [30, 30]])
def test_nominal_when_what_women_gain_men_lose(sizes: list[int]) -> None:
    """The statistic is studentised at every flip: about 5 % at p < 0.05 where the strata differ in mean and variance.

    4,000 data sets of 999 flips: 5 % has a standard error of 0.34 points.
    """
    random = np.random.default_rng(8)
    women, men = random.normal(0.05, 0.10, (4_000, sizes[0])), random.normal(-0.05, 0.03, (4_000, sizes[1]))
    strata = np.repeat(np.arange(2, dtype=np.int64), sizes)
    p = sign_flips.sign_flips(np.hstack([women, men]), strata, np.array([0.5, 0.5]), 999)
    assert 0.036 <= (p <= 0.05).mean() <= 0.064


def test_many_sets_at_once_are_many_tests() -> None:
    """Among them one that is 0 for all speakers, and 40 sets are more than fit a block."""
    random = np.random.default_rng(5)
    for sizes in ([12, 12], [5, 4]):
        sets = random.normal(0.03, 0.1, (40, sum(sizes)))
        sets[7] = 0.0
        samples = [stratified([row[: sizes[0]].tolist(), row[sizes[0] :].tolist()], [0.5, 0.5]) for row in sets]
        together = sign_flips.sign_flips(sets, samples[0].strata, samples[0].weights)
        assert together == pytest.approx([sign_flips.sign_flip(sample).p for sample in samples], abs=2e-5)


# --- weights ----------------------------------------------------------------------------------------------------------

WOMEN = [0.20, 0.24, 0.16, 0.22, 0.18, 0.20, 0.23, 0.17, 0.21, 0.19]
MEN = [-0.05, -0.06, -0.04, -0.07, -0.03] * 8


def test_weights_decide_what_is_tested() -> None:
    """10 women gain 20 points, 40 men lose 5: balanced accuracy rises by 7.5, accuracy by (200 - 200) / 50 = 0.

    Only flips that leave the 10 women's signs all alike come near the observed statistic: 2 of 1024 at most.
    """
    balanced = sign_flips.sign_flip(stratified([WOMEN, MEN], [0.5, 0.5]))
    unweighted = sign_flips.sign_flip(stratified([WOMEN + MEN], [1.0]))
    assert balanced.p < 0.005
    assert unweighted.p > 0.95


def test_weights_may_turn_the_answer_the_other_way_round() -> None:
    """Women lose 3 points and men gain 3: balanced accuracy stays, accuracy rises."""
    random = np.random.default_rng(0)
    women, men = (-0.03 + 0.01 * random.normal(size=6)).tolist(), (0.03 + 0.01 * random.normal(size=30)).tolist()
    assert sign_flips.sign_flip(stratified([women, men], [0.5, 0.5])).p > 0.3
    assert sign_flips.sign_flip(stratified([women + men], [1.0])).p < 0.001


def test_a_stratum_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="two speakers"):
        sign_flips.sign_flip(stratified([[0.1], [0.2, 0.3]], [0.5, 0.5]))


@pytest.mark.parametrize("factor", [1e-6, 0.01, 3.0, 1e6])
def test_p_does_not_depend_on_the_unit(factor: float) -> None:
    sample = stratified([WOMEN, MEN], [0.5, 0.5])
    scaled = stratified([[factor * d for d in WOMEN], [factor * d for d in MEN]], [0.5, 0.5])
    assert sign_flips.sign_flip(scaled).p == sign_flips.sign_flip(sample).p


# --- what could have been seen ----------------------------------------------------------------------------------------


def test_detectable_by_hand() -> None:
    """11 degrees: t_.975 = 2.200985, t_.80 = 0.875530; (2.200985 + 0.875530) * 0.02 = 0.061530."""
    found = Moments(theta=0.0, se=0.02, nu=11.0)
    assert sign_flips.detectable(found) == pytest.approx(0.061530, abs=1e-6)


def test_detectable_with_holm_takes_the_level_of_the_first_step() -> None:
    """3 comparisons: 0.05 / 3, two-sided: t at 1 - 0.05 / 6."""
    expected = (stats.t.ppf(1 - 0.05 / 6, 22.5) + stats.t.ppf(0.8, 22.5)) * 0.015
    assert sign_flips.detectable(Moments(theta=0.3, se=0.015, nu=22.5), 3) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [8, 12, 24, 60])
def test_detectable_has_about_80_percent_power(n: int) -> None:
    """A two-sided t test of n differences whose mean is that large: noncentral t, approximately 80 %."""
    smallest = sign_flips.detectable(Moments(theta=0.0, se=0.1 / math.sqrt(n), nu=n - 1))
    law = stats.nct(n - 1, smallest / (0.1 / math.sqrt(n)))
    critical = stats.t.ppf(0.975, n - 1)
    assert law.sf(critical) + law.cdf(-critical) == pytest.approx(0.80, abs=0.02)


def test_detectable_shrinks_with_speakers() -> None:
    random = np.random.default_rng(2)
    found = [
        sign_flips.detectable(moments(stratified([random.normal(0, 0.1, n).tolist()], [1.0]))) for n in (6, 24, 96)
    ]
    assert found[0] > found[1] > found[2]


def test_nothing_is_detectable_from_no_error() -> None:
    """Without an error (one speaker in a class) there is no number, rather than a wrong one."""
    assert math.isnan(sign_flips.detectable(Moments(theta=0.1, se=math.nan, nu=math.nan)))
