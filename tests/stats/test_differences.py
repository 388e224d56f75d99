"""Differences against published and independently computed values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import (
    Cross,
    Design,
    Sums,
    covariance,
    cross_of,
    mean_difference,
    nps_difference,
    nps_interval,
    nps_test,
    rate_difference,
    rate_interval,
    rate_test,
    sums_of,
)

# Computed with an independent root finder, points: first, second, change, MOVER limits and p,
# adjusted Wald's estimate, SE, z and p.
COMPUTED = [
    ((20, 30, 50), (30, 30, 40), 20, (-2.5287, 41.7864), 0.08186, (19.4175, 11.2089, 1.7323, 0.08322)),
    ((8, 13, 15), (6, 9, 16), -12.8136, (-48.2718, 24.9096), 0.50474, (-11.4630, 18.1841, -0.6304, 0.52844)),
    ((150, 250, 600), (180, 270, 550), 8, (1.3689, 14.6046), 0.01809, (7.9761, 3.3731, 2.3646, 0.01805)),
]


@pytest.mark.parametrize(("first", "second", "change", "limits", "pvalue", "adjusted"), COMPUTED)
def test_net_score_differences(first, second, change, limits, pvalue, adjusted):
    result = nps_difference(first, second)
    assert 100 * result.change == pytest.approx(change, abs=5e-5)
    assert (100 * result.low, 100 * result.high) == pytest.approx(limits, abs=5e-5)
    assert result.pvalue == pytest.approx(pvalue, abs=5e-6)
    estimate, se, z, p = adjusted
    wald = nps_difference(first, second, method="adjusted_wald")
    assert 50 * (wald.low + wald.high) == pytest.approx(estimate, abs=5e-5)
    assert 50 * (wald.high - wald.low) / stats.norm.ppf(0.975) == pytest.approx(se, abs=5e-5)
    assert wald.pvalue == pytest.approx(p, abs=5e-6)
    assert 2 * stats.norm.sf(abs(z)) == pytest.approx(wald.pvalue, abs=2e-5)
    assert wald.change == result.change


# Newcombe (1998), table II, method 10.
@pytest.mark.parametrize(
    ("first", "second", "limits"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((7, 34), (1, 34), (0.0189, 0.3404)),
    ],
)
def test_newcombe(first, second, limits):
    result = rate_difference(first, second)
    assert (result.low, result.high) == pytest.approx(limits, abs=5e-5)


def test_agresti_caffo_adds_one_and_one():
    # Agresti and Caffo (2000): Wald on (x + 1)/(n + 2) in either group.
    r1, r2 = 57 / 72, 49 / 82
    se = np.sqrt(r1 * (1 - r1) / 72 + r2 * (1 - r2) / 82)
    result = rate_difference((56, 70), (48, 80), method="adjusted_wald")
    assert result.low == pytest.approx(r1 - r2 - stats.norm.ppf(0.975) * se)
    assert result.pvalue == pytest.approx(2 * stats.norm.sf((r1 - r2) / se))


def test_correlation_enters_as_in_mover():
    now, before, r = (20, 30, 50), (30, 30, 40), 0.4
    (l1, u1), (l2, u2) = nps_interval(*now), nps_interval(*before)
    a, b = 0.3 - l1, u2 - 0.1
    c, d = u1 - 0.3, 0.1 - l2
    result = nps_difference(now, before, correlation=r)
    assert result.low == pytest.approx(0.2 - np.sqrt(a**2 + b**2 - 2 * r * a * b))
    assert result.high == pytest.approx(0.2 + np.sqrt(c**2 + d**2 - 2 * r * c * d))
    assert result.pvalue < nps_difference(now, before).pvalue


def test_correlation_of_partly_shared_respondents():
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=30), rng.normal(size=25)
    second[:10] += first[:10]
    u1, u2 = first - first.mean(), second - second.mean()
    cross = cross_of((np.ones(10), first[:10]), (np.ones(10), second[:10]))
    r = covariance(sums_of(np.ones(30), first), sums_of(np.ones(25), second), cross)
    assert r == pytest.approx((u1[:10] @ u2[:10]) / np.sqrt((u1 @ u1) * (u2 @ u2)))


def test_a_cell_without_spread_correlates_with_nothing():
    same = Sums(4, 4, 4, 4, 4, 4)
    assert covariance(same, Sums(4, 2, 4, 2, 2, 4), Cross(4, 4, 2, 2)) == 0


@pytest.mark.parametrize("benchmark", [-0.2, 0.1, 0.25, 0.45])
def test_a_benchmark_is_tested_by_the_interval(benchmark):
    pvalue = nps_test((20, 30, 50), benchmark).pvalue
    low, high = nps_interval(20, 30, 50, 1 - pvalue)
    assert min(abs(low - benchmark), abs(high - benchmark)) < 1e-9


def test_a_benchmark_for_a_share_is_the_score_test():
    # Wilson's interval inverts the z test with the variance under the null hypothesis.
    z = (81 / 263 - 0.25) / np.sqrt(0.25 * 0.75 / 263)
    assert rate_test((81, 263), 0.25).pvalue == pytest.approx(2 * stats.norm.sf(z), rel=1e-10)
    low, high = rate_interval(81, 263)
    assert rate_test((81, 263), 0.25)[1:3] == pytest.approx((low - 0.25, high - 0.25))


def test_a_benchmark_in_points_is_refused():
    with pytest.raises(ValueError, match=r"benchmark: expected numbers in \[-1, 1\], found 40"):
        nps_test((20, 30, 50), 40)


def test_tiny_pvalues_stay_accurate():
    result = nps_difference((50, 100, 1850), (650, 700, 650))
    low, high = nps_interval(50, 100, 1850), nps_interval(650, 700, 650)
    assert 0 < result.pvalue < 1e-200
    assert low.low > high.high
    assert rate_test((900, 1000), 0.5).pvalue == pytest.approx(2 * stats.norm.sf(0.4 / np.sqrt(0.25 / 1000)), rel=1e-9)


def test_a_side_without_interval_leaves_the_change_only():
    nobody = nps_difference((1, 2, 3), (0, 0, 0))
    assert np.isnan(nobody).all()
    one_cluster = nps_difference((1, 2, 3), (3, 2, 1), designs=(Design(6, np.nan, 0.0), None))
    assert one_cluster.change == pytest.approx(2 / 3)
    assert np.isnan(one_cluster[1:]).all()
    unanimous = mean_difference((7.0, 0.0, 10), (5.0, 1.0, 10))
    assert unanimous.change == 2
    assert np.isnan(unanimous[1:]).all()
