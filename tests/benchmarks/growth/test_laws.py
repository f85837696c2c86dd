"""Power laws and lines, on numbers worked out by hand."""

import math

import numpy as np
import pytest
from scipy.stats import linregress

from benchmarks.growth.laws import fit_law, size_at


@pytest.mark.parametrize(("exponent", "factor"), [(1.0, 2e-4), (2.0, 1e-7), (0.5, 0.25), (0.0, 3.0)])
def test_an_exact_power_law_is_found(exponent, factor):
    sizes = [300, 700, 3_000]
    law = fit_law(sizes, [factor * n**exponent for n in sizes])
    assert law.exponent == pytest.approx(exponent, abs=1e-12)
    assert law.factor == pytest.approx(factor, rel=1e-9)
    assert law.standard_error == pytest.approx(0, abs=1e-9)
    assert law.at(10_000) == pytest.approx(factor * 10_000**exponent, rel=1e-9)


def test_by_hand():
    # 100 recordings take 1 s, 200 take 4 s: exponent 2; an hour is 100 x sqrt(3600) recordings
    law = fit_law([100, 200], [1.0, 4.0])
    assert law.exponent == pytest.approx(2) and law.standard_error is None
    assert law.reach(3_600) == pytest.approx(6_000)
    # logarithms to base 2 of sizes 0 1 2 and costs 0 0 3: slope 1.5, left over 0.5, -1, 0.5, SE sqrt(1.5 / 1 / 2)
    uneven = fit_law([1, 2, 4], [1, 1, 8])
    assert uneven.exponent == pytest.approx(1.5)
    assert uneven.standard_error == pytest.approx(math.sqrt(0.75))


def test_the_standard_error_is_that_of_a_regression():
    rng = np.random.default_rng(5)
    sizes = [2_000, 3_000, 5_000, 9_000, 15_000]
    costs = [n**1.3 * math.exp(rng.normal(0, 0.1)) for n in sizes]
    law, other = fit_law(sizes, costs), linregress(np.log(sizes), np.log(costs))
    assert law.exponent == pytest.approx(other.slope, rel=1e-10)
    assert law.standard_error == pytest.approx(other.stderr, rel=1e-10)


def test_only_the_upper_decade_counts():
    law = fit_law([10, 99, 100, 1_000], [50, 50, 1, 10])
    assert law.sizes == (100, 1_000) and law.exponent == pytest.approx(1)
    assert fit_law([10, 1_000], [1, 100]) is None


def test_a_cost_that_does_not_grow_reaches_nothing():
    assert fit_law([100, 200], [2.0, 1.0]).reach(3_600) == math.inf
    assert fit_law([100, 200], [1.0, 1.000001]).reach(3_600) == math.inf
    assert size_at([100, 200], [5.0, 5.0], 10.0) == math.inf
    assert size_at([100], [5.0], 10.0) is None


def test_memory_is_a_line():
    # 1 GB and 10 MB per recording: 5 GB hold 400
    assert size_at([100, 200, 300], [2e9, 3e9, 4e9], 5e9) == pytest.approx(400)
