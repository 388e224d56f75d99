"""Shrinkage against Efron and Morris's batters, funnels against Spiegelhalter's formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import funnel, shrink

# Efron and Morris (1975): hits of 45 at bats of 18 players.
HITS = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])
RATES = HITS / 45
POOLED = RATES.mean() * (1 - RATES.mean()) / 45


def test_dersimonian_laird():
    result = shrink(RATES, POOLED)
    assert result.weight == pytest.approx(0.10654, abs=5e-6)
    assert result.value[:5] == pytest.approx([0.2798, 0.2774, 0.2750, 0.2727, 0.2703], abs=5e-5)
    assert result.mean == pytest.approx(RATES.mean())


def test_james_stein():
    result = shrink(RATES, POOLED, "james_stein")
    assert result.weight == pytest.approx(0.21165, abs=5e-6)
    assert result.value[:5] == pytest.approx([0.294, 0.289, 0.285, 0.280, 0.275], abs=6e-4)
    assert result.between / (result.between + POOLED) == pytest.approx(0.21165, abs=5e-6)


def test_unequal_bases_by_hand():
    y, s2 = np.array([0.2, 0.5, 0.9]), np.array([0.01, 0.02, 0.04])
    w = 1 / s2
    mean = (w * y).sum() / w.sum()
    q = (w * (y - mean) ** 2).sum()
    tau2 = (q - 2) / (w.sum() - (w**2).sum() / w.sum())
    result = shrink(y, s2)
    assert result.between == pytest.approx(tau2)
    assert result.weight == pytest.approx(tau2 / (tau2 + s2))
    assert np.all(np.abs(result.value - result.mean) < np.abs(y - result.mean))


def test_units_that_differ_by_chance_only_are_all_the_mean():
    result = shrink([0.50, 0.51, 0.49], [0.01, 0.01, 0.01])
    assert result.between == 0
    assert result.value == pytest.approx(0.5)


def test_missing_units_stay_missing():
    result = shrink([0.2, np.nan, 0.8], [0.01, 0.0, 0.01])
    assert np.isnan(result.value).tolist() == [False, True, False]
    assert np.isnan(shrink([0.4], [0.1]).between)


def test_impossible_errors_are_refused():
    with pytest.raises(ValueError, match="squared_errors: expected numbers above 0, found 0"):
        shrink([0.2, 0.3], [0.0, 0.1])
    with pytest.raises(ValueError, match="expects equal ones"):
        shrink([0.2, 0.3, 0.4, 0.5], [0.1, 0.1, 0.1, 0.2], "james_stein")
    with pytest.raises(ValueError, match="method: expected one of dersimonian_laird, james_stein"):
        shrink([0.2, 0.3], [0.1, 0.1], "bayes")


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
