"""Control charts against published examples."""

from __future__ import annotations

import numpy as np
import pytest

from cxkit.stats import nps_chart, p_chart, xmr

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
