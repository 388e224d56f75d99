"""Funnels against Spiegelhalter's formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import funnel


def test_funnel_limits():
    n = np.array([10, 100, 1000, 0])
    result = funnel([0.3, 0.32, 0.29, np.nan], n, 0.21, target=0.3, scale=(0, 1))
    se = np.sqrt(0.21 / n[:3])
    assert result.dispersion == 1
    assert result.low[1:3] == pytest.approx(0.3 - 1.96 * se[1:])
    assert result.far_high[:3] == pytest.approx(0.3 + 3.09 * se)
    assert result.far_low[0] == 0
    assert np.isnan(result.low[3])
    assert not result.signal.any()


def test_overdispersion_is_the_winsorised_mean_square_by_hand():
    # 0 to 10, of which the tenths are 1 and 9: (1 + 1 + 4 + 9 + 16 + 25 + 36 + 49 + 64 + 81 + 81) / 11
    assert funnel(np.arange(11.0), np.ones(11), 1.0, target=0).dispersion == pytest.approx(367 / 11)


@pytest.mark.parametrize(("square", "dispersion"), [(1.99, 1), (2.01, 2.01)])
def test_overdispersion_counts_beyond_two_standard_errors(square, dispersion):
    """Of eight units: 1 + 2 sqrt(2 / 8) = 2 (Spiegelhalter 2005)."""
    assert funnel(np.sqrt(square) * np.array([1, -1] * 4), np.ones(8), 1.0, target=0).dispersion == pytest.approx(
        dispersion
    )


def test_overdispersion_is_applied_when_it_is_there():
    rng = np.random.default_rng(9)
    n = np.full(200, 100)
    even = funnel(rng.normal(0.3, np.sqrt(0.21 / 100), 200), n, 0.21)
    spread = funnel(rng.normal(0.3, 2 * np.sqrt(0.21 / 100), 200), n, 0.21)
    assert even.dispersion == 1
    # Four times the variance, of which winsorising a normal at its 10 and 90 % points leaves .68.
    z = stats.norm.ppf(0.9)
    kept = 0.8 - 2 * z * stats.norm.pdf(z) + 0.2 * z**2
    assert spread.dispersion == pytest.approx(4 * kept, rel=0.15)
    assert spread.far_high[0] > even.far_high[0]


def test_the_default_target_is_the_mean_of_all_answers():
    assert funnel([0.2, 0.5], [100, 300], 0.2).target == pytest.approx(0.425)
    with pytest.raises(ValueError, match="variance: expected a number above 0, found 0"):
        funnel([0.2], [10], 0.0)
