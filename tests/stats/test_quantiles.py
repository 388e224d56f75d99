"""Quantiles against order statistics by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import Design, quantile, quantile_interval

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


def test_limits_that_are_one_value_move_to_its_neighbours():
    # Whole hours: ranks 40 and 61 of 100 are both 2, so the interval reaches to the values beside it.
    assert quantile_interval([1, 2, 3], counts=[10, 80, 10]) == (1, 3)
    assert quantile_interval([2, 3], counts=[80, 20]) == (2, 3)
    low, high = quantile_interval([1, 2, 3, 2, 4], counts=[10, 80, 10, 50, 50], cells=[0, 0, 0, 1, 1], size=3)
    assert (low[:2].tolist(), high[:2].tolist()) == ([1, 2], [3, 4])


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


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="q: expected a number between 0 and 1"):
        quantile([1, 2], 90)
    with pytest.raises(ValueError, match="counts: expected counts of at least 0, found -1"):
        quantile([1, 2], counts=[1, -1])
    with pytest.raises(ValueError, match="expected one length, found 2, 3, 2"):
        quantile([1, 2], counts=[1, 1, 1])
