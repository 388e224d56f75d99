"""Control charts against published examples, funnels against Spiegelhalter's formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import funnel, nps_chart, p_chart, xmr

# Montgomery, Introduction to Statistical Quality Control: frozen orange juice cans, 30 samples of 50.
JUICE = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]


def test_xmr():
    chart = xmr([10, 50, 40, 30])
    assert (chart.centre, chart.low, chart.high, chart.range_high) == pytest.approx((32.5, -20.7, 85.7, 65.36))
    assert not chart.signal.any()
    assert xmr([10, 11, 10, 11, 10, 11, 30]).signal.tolist() == [False] * 6 + [True]


def test_xmr_leaves_missing_periods_out():
    assert xmr([10, np.nan, 50, 40, 30])[:5] == xmr([10, 50, 40, 30])[:5]
    assert np.isnan(xmr([3.0]).centre)


def test_two_values_are_a_chart():
    assert xmr([3, 5])[:5] == pytest.approx((4, 4 - 2.66 * 2, 4 + 2.66 * 2, 2, 3.268 * 2), abs=2e-3)


def test_orange_juice():
    chart = p_chart(JUICE, 50)
    assert chart.centre == pytest.approx(0.23133, abs=5e-6)
    assert (chart.low[0], chart.high[0]) == pytest.approx((0.05243, 0.41024), abs=5e-6)
    assert (np.flatnonzero(chart.signal) + 1).tolist() == [15, 23]


def test_laney():
    chart = p_chart(JUICE, 50, laney=True)
    assert chart.sigma_z == pytest.approx(1.66087, abs=5e-6)
    assert (chart.low[0], chart.high[0]) == pytest.approx((-0.0658, 0.5285), abs=5e-5)


def test_a_net_score_without_passives_is_a_share():
    net, share = nps_chart(np.subtract(50, JUICE), 0, JUICE), p_chart(JUICE, 50)
    assert net.centre == pytest.approx(2 * share.centre - 1)
    assert net.high == pytest.approx(2 * share.high - 1)
    assert net.sigma_z == pytest.approx(share.sigma_z)


def test_net_score_limits_by_hand():
    chart = nps_chart([2, 8], [3, 12], [5, 20])
    se = np.sqrt((0.7 - 0.3**2) / np.array([10, 40]))
    assert chart.low == pytest.approx(0.3 - 3 * se)


def test_an_empty_period_has_no_limits():
    chart = p_chart([3, 0, 4], [10, 0, 10])
    assert np.isnan(chart.low).tolist() == [False, True, False]
    assert not chart.signal[1]
    assert chart.sigma_z == pytest.approx(p_chart([3, 4], [10, 10]).sigma_z)
    assert np.isnan(p_chart([0, 0], [10, 10]).sigma_z)


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
