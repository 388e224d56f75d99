"""Quantiles against order statistics by hand and scipy, survival against the 6-MP trial and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from cxkit.stats import (
    Design,
    kaplan_meier,
    lasting,
    logrank,
    quantile,
    quantile_interval,
    restricted_mean,
    survival_at,
    survival_quantile,
)

TEN = [25, 29, 35, 36, 36, 40, 41, 43, 44, 54]


def test_published_limits():
    # Binomial ranks: 1..100 has the median's limits at ranks 40 and 61, those of the p90 at 84 and 96.
    hundred = np.arange(1, 101)
    assert quantile_interval(hundred) == (40, 61)
    assert quantile_interval(hundred, 0.9) == (84, 96)
    assert quantile(TEN) == 38
    assert quantile_interval(TEN) == (29, 44)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_ranks_are_those_of_the_binomial_distribution(q, level):
    tail = (1 - level) / 2
    for n in range(1, 120):
        low, high = stats.binom.ppf(tail, n, q), stats.binom.isf(tail, n, q) + 1
        if not 1 <= low < high <= n:
            low, high = (low if low >= 1 else np.nan), (high if high <= n else np.nan)
        assert quantile_interval(np.arange(1, n + 1), q, level) == pytest.approx((low, high), nan_ok=True)


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


# Freireich et al. (1963), weeks in remission, as in Kalbfleisch and Prentice (1980).
EVENTS = [6, 6, 6, 7, 10, 13, 16, 22, 23]

CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]

PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]

SIX_MP = EVENTS + CENSORED, [1] * 9 + [0] * 12, [0] * 9 + [1] * 12


def test_six_mp():
    curve = kaplan_meier(*SIX_MP)
    assert curve.time[curve.events > 0].tolist() == [6, 7, 10, 13, 16, 22, 23]
    expected = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert curve.survival[curve.events > 0] == pytest.approx(expected, abs=5e-5)
    assert survival_quantile(*SIX_MP).value == 23


def test_six_mp_against_placebo():
    result = logrank(SIX_MP, (PLACEBO, [1] * 21, [0] * 21))
    assert result.statistic == pytest.approx(16.793, abs=5e-4)
    assert result.pvalue == pytest.approx(stats.chi2.sf(16.793, 1), rel=1e-3)
    sample = stats.CensoredData(uncensored=EVENTS, right=CENSORED)
    assert result.pvalue == pytest.approx(stats.logrank(sample, PLACEBO).pvalue, rel=1e-9)
    assert result.observed == 9
    back = logrank((PLACEBO, [1] * 21, [0] * 21), SIX_MP)
    assert back.statistic == pytest.approx(result.statistic)


def test_limits_agree_with_scipy():
    rng = np.random.default_rng(6)
    time, censored = rng.integers(1, 40, 120), rng.random(120) < 0.4
    sample = stats.CensoredData(uncensored=time[~censored], right=time[censored])
    expected = stats.ecdf(sample).sf
    with pytest.warns(RuntimeWarning, match="undefined at some observations"):
        limits = expected.confidence_interval(0.9, method="log-log")
    curve = kaplan_meier(time, ~censored, censored, level=0.9)
    assert curve.time == pytest.approx(expected.quantiles)
    assert curve.survival == pytest.approx(expected.probabilities)
    inner = (curve.survival > 0) & (curve.survival < 1)
    assert curve.low[inner] == pytest.approx(limits.low.probabilities[inner])
    assert curve.high[inner] == pytest.approx(limits.high.probabilities[inner])
    assert np.isnan(curve.low[~inner]).all()


def test_counts_are_repeated_cases():
    curve = kaplan_meier([5, 9], [3, 2], [1, 4])
    repeated = kaplan_meier([5] * 4 + [9] * 6, [1, 1, 1, 0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 1, 1, 1, 1])
    for one, other in zip(curve, repeated, strict=True):
        assert one == pytest.approx(other)


def test_curves_are_not_extrapolated():
    curve = kaplan_meier(*SIX_MP)
    survival, low, high = survival_at(curve, [0, 6, 23.5, 35, 36])
    assert survival == pytest.approx([1, 0.8571, 0.4482, 0.4482, np.nan], abs=5e-5, nan_ok=True)
    assert np.isnan(low[[0, 4]]).all()
    assert np.all(low[1:4] < survival[1:4])
    assert np.all(high[1:4] > survival[1:4])


def test_a_quantile_that_is_not_reached_is_absent():
    # One event of six: the curve stays above 1/2, and so does its upper limit.
    assert np.isnan(survival_quantile([5, 9], [1, 0], [0, 5])).tolist() == [True, False, True]
    value, low, high = survival_quantile(*SIX_MP)
    assert low < value
    assert np.isnan(high)


def test_nothing_to_compare():
    assert np.isnan(logrank(([1], [1], [0]), ([], [], [])).pvalue)
    assert np.isnan(logrank(([3, 4], [0, 0], [1, 1]), ([3], [0], [1])).statistic)
    assert kaplan_meier([], [], []).survival.size == 0
    assert np.isnan(survival_quantile([], [], [])).all()
    assert kaplan_meier([4], [1], [0]).survival == pytest.approx([0])


def test_impossible_lifetimes_are_refused():
    with pytest.raises(ValueError, match="times: expected numbers of at least 0, found -1"):
        kaplan_meier([-1], [1], [0])
    with pytest.raises(ValueError, match="q: expected a number between 0 and 1"):
        survival_quantile([1], [1], [0], q=50)


# R 4.2.2, survival 3.5.3: quantile(survfit(Surv(time, ended) ~ 1, conf.type = "log-log"), 0.5), value and lower limit
R_QUANTILES = [
    ([1, 2, 3, 4], [1, 1, 1, 1], 2.5, 1),  # flat at 1/2, nothing open
    ([1, 2, 3, 4], [1, 1, 0, 1], 3, 1),  # flat at 1/2 over an open case
    ([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0], 4, 1),  # no flat stretch at 1/2
    ([1, 2, 2, 3, 3, 4, 4, 5], [1, 1, 1, 0, 1, 1, 1, 1], 3.5, 1),  # ties, one of them open
    ([10, 20, 30, 40, 50, 60, 70, 80], [1, 1, 1, 1, 0, 0, 0, 0], 60, 10),  # flat to the last case
    ([10, 20, 30, 40, 50, 60, 70, 80], [1, 1, 1, 1, 0, 1, 0, 0], 50, 10),
]


@pytest.mark.parametrize(("times", "ended", "value", "low"), R_QUANTILES)
def test_quantiles_are_those_of_r(times, ended, value, low):
    found = survival_quantile(times, ended, [1 - one for one in ended])
    assert (found.value, found.low) == (value, low)
    assert np.isnan(found.high)  # NA in R


def test_the_effect_of_open_cases_is_tested_by_the_log_rank_test():
    placebo = (PLACEBO, [1] * 21, [0] * 21)
    effect, test = lasting(SIX_MP, placebo), logrank(SIX_MP, placebo)
    assert effect.pvalue == pytest.approx(test.pvalue, rel=1e-9)
    # R: survdiff(Surv(time, ended) ~ group) has O - E = -10.25 and V = 6.257 for 6-MP, one-step log ratio -1.638
    assert effect.value == pytest.approx(1 / (1 + np.exp(-10.2505 / 6.2570)), abs=1e-3)
    assert 0.5 < effect.low < effect.value < effect.high < 1
    back = lasting(placebo, SIX_MP)
    assert [back.value, back.low, back.high] == pytest.approx([1 - effect.value, 1 - effect.high, 1 - effect.low])


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99, 0.9999])
def test_interval_and_p_of_open_cases_agree(level):
    rng = np.random.default_rng(3)
    for _ in range(40):
        sides = [(rng.integers(1, 30, 25), rng.integers(0, 2, 25), 1) for _ in range(2)]
        sides = [(time, ended, 1 - ended) for time, ended, _ in sides]
        found = lasting(*sides, level)
        assert (found.pvalue < 1 - level) == (found.low > 0.5 or found.high < 0.5)


def test_clusters_widen_curves_and_effects():
    plain, less = survival_quantile(*SIX_MP, 0.3), survival_quantile(*SIX_MP, 0.3, design=Design(21, 7.0, 6.0))
    assert less.value == plain.value
    assert not less.low > plain.low
    placebo = (PLACEBO, [1] * 21, [0] * 21)
    one, other = (
        lasting(SIX_MP, placebo),
        lasting(SIX_MP, placebo, designs=(Design(21, 7.0, 6.0), Design(21, 7.0, 6.0))),
    )
    assert other.low < one.low < one.high < other.high
    assert other.pvalue > 9 * one.pvalue
    assert np.isnan(lasting(SIX_MP, placebo, designs=(Design(21, np.nan, 0.0), None)).low)


def test_there_is_no_effect_where_nothing_ended():
    assert np.isnan(lasting(([3, 4], [0, 0], [1, 1]), ([3], [0], [1]))).all()
    assert np.isnan(lasting(([1], [1], [0]), ([], [], []))).all()


# R 4.2, survival 3.5.3: summary(survfit(Surv(time, status) ~ x, data = aml), rmean = 24)$table, and rmean = 45
AML = {
    "Maintained": ([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0]),
    "Nonmaintained": ([5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]),
}
RESTRICTED = [
    ("Maintained", 24, 20.92045455, 1.541833176), ("Nonmaintained", 24, 17.06944444, 2.361345985),
    ("Maintained", 45, 30.73863636, 4.114086240), ("Nonmaintained", 45, 22.70833333, 4.180941981),
]  # fmt: skip


@pytest.mark.parametrize(("group", "until", "mean", "error"), RESTRICTED)
def test_restricted_means_are_those_of_r(group, until, mean, error):
    times, events = map(np.array, AML[group])
    found = restricted_mean(kaplan_meier(times, events, 1 - events), [until])
    assert found[0][0] == pytest.approx(mean, abs=5e-9)
    n, share = len(times), mean / until  # Wilson's limits on the variance of R
    worth = (
        share
        * (1 - share)
        * until**2
        * (n - 1)
        / n
        / error**2
        * (stats.norm.isf(0.025) / stats.t.isf(0.025, n - 1)) ** 2
    )
    limits = proportion_confint(share * worth, worth, method="wilson")
    assert (found[1][0], found[2][0]) == pytest.approx([until * limit for limit in limits], rel=1e-6)


def test_a_restricted_mean_ends_where_the_curve_does():
    nobody = kaplan_meier([5.0] * 20, [0] * 20, [1] * 20)
    mean, low, high = restricted_mean(nobody, [2.0, 5.0, 6.0])
    assert (mean[:2].tolist(), high[:2].tolist()) == ([2.0, 5.0], [2.0, 5.0])
    assert low[0] / 2 == pytest.approx(proportion_confint(20, 20, method="wilson")[0])  # that nobody ended says so much
    assert np.isnan([mean[2], low[2], high[2]]).all()
    line = kaplan_meier([1, 2, 3, 4], [10, 10, 10, 10], 0)
    plain, clustered = (
        restricted_mean(line, [3.5], design=design) for design in (None, Design(*map(np.array, (40, 20, 39))))
    )
    assert plain[0] == clustered[0] == pytest.approx(2.375)  # 1, 2, 3 and 3.5
    assert clustered[2] - clustered[1] > 1.3 * (plain[2] - plain[1])


@pytest.mark.parametrize(("size", "scale"), [(10, 1.0), (10, 5.0), (40, 0.3)])
def test_a_restricted_mean_lies_in_its_limits(size, scale):
    rng, truth, held = np.random.default_rng(size), scale * (1 - np.exp(-1 / scale)), 0
    for _ in range(600):
        ends, watched = rng.exponential(scale, size), rng.uniform(0.8, 4, size)
        watched[0] = max(watched[0], 1.0)
        ended = ends <= watched
        _, low, high = restricted_mean(kaplan_meier(np.minimum(np.maximum(ends, 0), watched), ended, ~ended), [1.0])
        held += bool(low[0] <= truth <= high[0]) or bool(np.isnan(low[0]))
    assert held > 600 * 0.90
