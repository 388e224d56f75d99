"""Quantiles against order statistics by hand and the bootstrap against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import Design, quantile, quantile_difference, quantile_interval

TEN = [25, 29, 35, 36, 36, 40, 41, 43, 44, 54]


def test_published_limits():
    # Binomial ranks: 1..100 has the median's limits at ranks 40 and 61, those of the p90 at 84 and 96.
    hundred = np.arange(1, 101)
    assert quantile_interval(hundred) == (40, 61)
    assert quantile_interval(hundred, 0.9) == (84, 96)
    assert quantile(TEN) == 38
    assert quantile_interval(TEN) == (29, 44)


def test_ranks_agree_with_scipy():
    rng = np.random.default_rng(2)
    for n, q in ((17, 0.5), (60, 0.9), (45, 0.25)):
        values = rng.lognormal(size=n)
        expected = stats.quantile_test(values, q=0.0, p=q).confidence_interval(0.95)
        low, high = quantile_interval(values, q)
        # scipy's one- and two-sided limits are those of the same ranks.
        assert (low, high) == pytest.approx((expected.low, expected.high))


def test_a_limit_that_does_not_exist_is_absent():
    exists = [np.isfinite(quantile_interval(np.arange(n), 0.9).high) for n in (30, 35, 36, 40)]
    assert exists == [False, False, True, True]
    assert np.isnan(quantile_interval([1, 2, 3, 4, 5])).all()
    assert np.isnan(quantile_interval([])).all()
    assert np.isnan(quantile([]))


def test_equal_values_have_no_width_and_so_no_interval():
    assert quantile([5.0] * 20) == 5
    assert np.isnan(quantile_interval([5.0] * 20)).all()


def test_counts_are_repeated_values():
    values, counts = np.unique(np.random.default_rng(1).integers(1, 30, 200), return_counts=True)
    repeated = np.repeat(values, counts)
    for q in (0.1, 0.5, 0.9):
        assert quantile(values, q, counts=counts) == quantile(repeated, q)
        assert quantile_interval(values, q, counts=counts) == quantile_interval(repeated, q)
    assert quantile(repeated) == np.median(repeated)


def test_many_cells_at_once_are_the_cells_one_by_one():
    rng = np.random.default_rng(4)
    values, counts, cells = rng.integers(1, 500, 4000), rng.integers(0, 4, 4000), rng.integers(0, 40, 4000)
    cells[cells == 7] = 8
    together = np.array([quantile(values, counts=counts, cells=cells, size=42)])
    limits = quantile_interval(values, counts=counts, cells=cells, size=42)
    assert together.shape == (1, 42)
    for cell in range(42):
        own = cells == cell
        alone = quantile(values[own], counts=counts[own]), *quantile_interval(values[own], counts=counts[own])
        assert (together[0, cell], limits.low[cell], limits.high[cell]) == pytest.approx(alone, nan_ok=True)
    assert np.isnan(together[0, [7, 40, 41]]).all()


def test_a_design_widens():
    values = np.arange(200.0)
    plain, weighted = quantile_interval(values), quantile_interval(values, design=Design(200, 60.0, 50.0))
    assert weighted.low < plain.low < plain.high < weighted.high
    assert quantile_interval(values, design=Design(200, 200.0, 199.0)) == plain
    assert np.isnan(quantile_interval(values, design=Design(200, np.nan, 0.0))).all()


def test_weights_of_one_constant_change_nothing():
    values = np.arange(31.0)
    assert quantile(values, counts=np.full(31, 0.1)) == quantile(values)
    assert quantile(values, 0.9, counts=np.full(31, 0.1)) == quantile(values, 0.9)


def test_resamples_have_the_distribution_of_the_multinomial_bootstrap():
    now, before = np.array([5, 7, 8, 8, 9, 12, 15, 20.0]), np.array([1, 2, 3, 3, 4, 8, 9.0])
    result = quantile_difference((now, None), (before, None), replicates=39999)
    rng = np.random.default_rng(1)
    direct = np.median(rng.choice(now, (40000, 8)), axis=1) - np.median(rng.choice(before, (40000, 7)), axis=1)
    assert result.change == 5.5
    assert (result.low, result.high) == pytest.approx(np.quantile(direct, [0.025, 0.975]), abs=0.51)
    assert result.pvalue == pytest.approx(2 * np.mean(direct <= 0), abs=0.006)


def test_equal_seeds_give_equal_results_and_sides_can_be_swapped():
    now, before = (np.arange(40.0), None), (np.arange(5.0, 50.0), None)
    one, same, other = (quantile_difference(now, before, seed=seed) for seed in (3, 3, 4))
    assert one == same != other
    back = quantile_difference(before, now)
    assert (back.change, back.low) == pytest.approx((-one.change, -one.high), abs=1.5)


@pytest.mark.parametrize("shift", [0.0, 4.0, 7.0, 9.0, 12.0])
def test_the_pvalue_agrees_with_the_interval(shift):
    now, before = (np.arange(30.0) + shift, None), (np.arange(30.0), None)
    for level in (0.8, 0.9, 0.95, 0.99):
        change, low, high, pvalue = quantile_difference(now, before, level=level)
        assert (pvalue < 1 - level) == (low > 0 or high < 0)
        assert change == shift


def test_too_few_values_have_a_change_and_nothing_more():
    change, *rest = quantile_difference(([1, 2, 3], None), (TEN, None))
    assert change == 2 - 38
    assert np.isnan(rest).all()
    assert np.isnan(quantile_difference(([5] * 10, None), ([5] * 10, None))[1:]).all()
    assert np.isnan(quantile_difference(([], None), (TEN, None))).all()


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="q: expected a number between 0 and 1"):
        quantile([1, 2], 90)
    with pytest.raises(ValueError, match="counts: expected counts of at least 0, found -1"):
        quantile([1, 2], counts=[1, -1])
    with pytest.raises(ValueError, match="expected one length, found 2, 3, 2"):
        quantile([1, 2], counts=[1, 1, 1])


def test_turning_the_sides_only_turns_the_sign():
    generator = np.random.default_rng(4)
    one, other = (generator.exponential(scale, 60).round() for scale in (20, 24))
    there, back = quantile_difference((one, None), (other, None)), quantile_difference((other, None), (one, None))
    assert (back.change, back.low, back.high, back.pvalue) == (-there.change, -there.high, -there.low, there.pvalue)


def test_a_p_value_is_small_enough_for_a_family_of_thousands():
    """Twice 1 of 200,000: without a resample beyond 0 there are twenty times as many."""
    now, before = np.arange(100.0, 200.0), np.arange(0.0, 100.0)
    result = quantile_difference((now, None), (before, None))
    assert result.pvalue == 1e-5
    assert 2.0 * 2000 * result.pvalue < 0.05
    near = quantile_difference((before + 12, None), (before, None))
    assert near.pvalue > 0.01  # here 10,000 will do
