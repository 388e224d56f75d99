"""Means of a scale and of people's own changes, against scipy and a published panel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import (
    Design,
    covariance,
    cross_of,
    mean_difference,
    mean_interval,
    paired_difference,
    sums_of,
)


def test_mean_interval_is_students_t():
    answers = np.array([1, 3, 4, 4, 5, 5, 6, 7, 7, 7])
    expected = stats.ttest_1samp(answers, 0).confidence_interval(0.95)
    assert mean_interval(answers.mean(), answers.var(), 10) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_mean_without_spread_has_no_interval():
    low, high = mean_interval([7.0, 5.0, 4.0], [0.0, 0.0, 1.0], [12, 1, 1])
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_mean_limits_are_cut_only_at_a_given_scale():
    assert mean_interval(6.8, 0.4, 5).high > 7
    assert mean_interval(6.8, 0.4, 5, scale=(1, 7)).high == 7


def test_welch_agrees_with_scipy():
    now, before = np.array([1, 4, 5, 5, 6, 7, 7, 7, 3]), np.array([1, 1, 2, 4, 4, 5, 6])
    expected = stats.ttest_ind(now, before, equal_var=False)
    limits = expected.confidence_interval(0.95)
    result = mean_difference((now.mean(), now.var(), 9), (before.mean(), before.var(), 7))
    assert result == pytest.approx((now.mean() - before.mean(), limits.low, limits.high, expected.pvalue), rel=1e-10)


def test_welch_of_designs_is_satterthwaite():
    designs = Design(40, 28.0, 20.0), Design(35, 35.0, 34.0)
    result = mean_difference((5.5, 1.2, 40), (5.0, 1.5, 35), designs=designs)
    v1, v2 = 40 / 39 * 1.2 / 28, 35 / 34 * 1.5 / 35
    df = (v1 + v2) ** 2 / (v1**2 / 20 + v2**2 / 34)
    assert result.pvalue == pytest.approx(2 * stats.t.sf(0.5 / np.sqrt(v1 + v2), df))
    assert result.high - result.change == pytest.approx(stats.t.ppf(0.975, df) * np.sqrt(v1 + v2))


# R package contingencytables, fischer_1999: 5 x 5 table of two answers of the same person.
FISCHER = np.array([[1, 0, 1, 0, 0], [0, 2, 8, 4, 4], [1, 1, 31, 14, 11], [1, 0, 15, 9, 12], [0, 0, 2, 1, 3]])
FISCHER_SCORES = np.array([8, 3.5, 0, -3.5, -8])


def fischer_pairs():
    rows, columns = np.indices(FISCHER.shape)
    return (np.repeat(FISCHER_SCORES[index.ravel()], FISCHER.ravel()) for index in (rows, columns))


def test_panel_of_the_same_people():
    first, second = fischer_pairs()
    ones = np.ones(first.size)
    sums = sums_of(ones, first), sums_of(ones, second), cross_of((ones, first), (ones, second))
    result = paired_difference(*sums)
    # Paired t with 120 degrees of freedom; with divisor n and z the package gives 1.6942 (.9347, 2.4537).
    assert (result.change, result.low, result.high) == pytest.approx((1.6942, 0.9238, 2.4647), abs=5e-5)
    assert result.pvalue == pytest.approx(stats.ttest_rel(first, second).pvalue, rel=1e-10)
    half = (result.high - result.low) / 2
    published = half / stats.t.ppf(0.975, 120) * stats.norm.ppf(0.975) * np.sqrt(120 / 121)
    assert (result.change - published, result.change + published) == pytest.approx((0.9347, 2.4537), abs=5e-5)


def test_welch_with_everybody_shared_is_the_paired_t_test():
    first, second = fischer_pairs()
    ones = np.ones(first.size)
    r = covariance(sums_of(ones, first), sums_of(ones, second), cross_of((ones, first), (ones, second)))
    assert r == pytest.approx(np.corrcoef(first, second)[0, 1])
    result = mean_difference((first.mean(), first.var(), 121), (second.mean(), second.var(), 121), correlation=r)
    assert result.pvalue == pytest.approx(stats.ttest_rel(first, second).pvalue, rel=1e-10)


def test_paired_limits_are_cut_at_the_width_of_the_scale():
    ones = np.ones(2)
    now, before = (ones, np.array([1.0, 1.0])), (ones, np.array([0.0, -1.0]))
    sums = sums_of(*now), sums_of(*before), cross_of(now, before)
    assert paired_difference(*sums).high > 2
    assert paired_difference(*sums, scale=(-1, 1)).high == 2


def test_pairs_who_all_changed_alike_have_no_interval():
    ones, answers = np.ones(3), np.array([1.0, 0.0, 0.5])
    now, before = (ones, answers), (ones, answers - 0.3)
    result = paired_difference(sums_of(*now), sums_of(*before), cross_of(now, before))
    assert result.change == pytest.approx(0.3)
    assert np.isnan([result.low, result.high, result.pvalue]).all()


@pytest.mark.parametrize(("now", "before"), [((6.0, 0.0, 20), (4.0, 1.2, 30)), ((2.5, 0.9, 12), (7.0, 0.0, 8))])
def test_a_side_without_spread_is_compared_by_the_limits_of_both(now, before):
    """MOVER (Donner and Zou 2012) of the two intervals, by hand; the p-value is where such an interval ends at 0."""
    found = mean_difference(now, before, scale=(1, 7))
    change = now[0] - before[0]

    def limits(level):
        one, other = (mean_interval(*side, level, scale=(1, 7)) for side in (now, before))
        down = np.hypot(now[0] - one.low, other.high - before[0])
        up = np.hypot(one.high - now[0], before[0] - other.low)
        return change - down, change + up

    assert (found.low, found.high) == pytest.approx(limits(0.95), rel=1e-9)
    assert min(map(abs, limits(1 - float(found.pvalue)))) == pytest.approx(0, abs=1e-6)
