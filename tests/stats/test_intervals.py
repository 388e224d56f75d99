"""Intervals against published and independently computed values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import (
    Design,
    Sums,
    cell_design,
    finite_population,
    mean_interval,
    nps_interval,
    plain_design,
    rate_interval,
)

# R package contingencytables, data cavo_2012: promoters 6, detractors 16 of 161.
CAVO = (16, 139, 6)

# Newcombe (1998), table I: successes, n, low, high. R: DescTools::BinomCI(x, n, method = "wilson")
NEWCOMBE_1998 = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
    (13, 16, 0.5699, 0.9341),
]

# Computed with an independent root finder, points: counts, then Wald, adjusted Wald, score.
COMPUTED = [
    ((1, 2, 3), (-26.3065, 92.9731), (-26.7433, 71.1877), (-31.1074, 75.3957)),
    ((0, 0, 10), (100, 100), (47.5036, 106.3426), (44.4934, 100)),
    ((0, 10, 0), (0, 0), (-18.4650, 18.4650), (-27.7533, 27.7533)),
    ((20, 30, 50), (14.6922, 45.3078), (14.0511, 44.2013), (13.9551, 44.3393)),
    ((150, 250, 600), (40.4139, 49.5861), (40.2843, 49.4465), (40.2828, 49.4509)),
]


@pytest.mark.parametrize(("counts", "wald", "adjusted", "score"), COMPUTED)
def test_net_score_intervals(counts, wald, adjusted, score):
    for method, expected in (("wald", wald), ("adjusted_wald", adjusted), ("score", score)):
        limits = 100 * np.array(nps_interval(*counts, method=method))
        assert limits == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("method", "added", "expected"),
    [
        ("score", (0, 0, 0), (-0.1240, -0.0054)),  # contingencytables: Tango_score_CI_paired_2x2
        ("wald", (0, 0, 0), (-0.1184, -0.0058)),  # Wald_CI_diff_paired_2x2
        ("wald", (0.5, 1, 0.5), (-0.1182, -0.0045)),  # Wald_CI_AgrestiMin_paired_2x2
        ("wald", (1, 0, 1), (-0.1195, -0.0032)),  # Wald_CI_BonettPrice_paired_2x2
    ],
)
def test_net_score_is_a_difference_of_paired_proportions(method, added, expected):
    counts = np.add(CAVO, added)
    assert nps_interval(*counts, method=method) == pytest.approx(expected, abs=5e-5)


def test_three_promoters_of_three():
    # contingencytables: Tango score interval, 3 discordant pairs of 3
    assert nps_interval(0, 0, 3) == pytest.approx((-0.1230, 1), abs=5e-5)


def test_bonett_price_of_statpsych():
    # R: statpsych::ci.prop.ps(.05, 12, 4, 26, 6) -> .44, SE .09448809, (.2548067, .6251933)
    low, high = nps_interval(5, 18, 27, method="wald")
    assert ((low + high) / 2, low, high) == pytest.approx((0.44, 0.2548067, 0.6251933), abs=5e-8)
    assert (high - low) / 2 / stats.norm.ppf(0.975) == pytest.approx(0.09448809, abs=5e-9)


def test_wald_standard_error_of_the_r_package_nps():
    # R package NPS, tests: counts 1, 2, 3 -> .3333, V 5/9, SE .304
    low, high = nps_interval(1, 2, 3, method="wald")
    assert (low + high) / 2 == pytest.approx(1 / 3)
    assert (high - low) / 2 / stats.norm.ppf(0.975) == pytest.approx(np.sqrt(5 / 9 / 6))


@pytest.mark.parametrize(("successes", "n", "low", "high"), NEWCOMBE_1998)
def test_wilson_reproduces_newcombe(successes, n, low, high):
    assert rate_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "n", "level"), [(81, 263, 0.95), (0, 20, 0.9), (3, 7, 0.99), (29, 29, 0.5)])
def test_wilson_agrees_with_scipy(successes, n, level):
    expected = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert rate_interval(successes, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wald_of_a_share_from_a_finite_population():
    # R: statpsych::ci.prop.fpc(.05, 61, 75, 415) -> .7974684, SE .04097594, (.717157, .8777797): +2 and +2 answers,
    # then Wald with (N - n)/(N - 1) as the correction, where ours is (N - n)/N.
    design = plain_design(79)._replace(n_eff=79 * 414 / 340)
    low, high = rate_interval(63, 79, method="wald", design=design)
    assert ((low + high) / 2, low, high) == pytest.approx((0.7974684, 0.717157, 0.8777797), abs=5e-7)
    assert (high - low) / 2 / stats.norm.ppf(0.975) == pytest.approx(0.04097594, abs=5e-8)


def test_a_finite_population_narrows_by_the_square_root():
    plain = mean_interval(5.5, 1.25, 50)
    finite = mean_interval(5.5, 1.25, 50, design=finite_population(plain_design(50), 50 / 200))
    assert finite.high - finite.low == pytest.approx((plain.high - plain.low) * np.sqrt(1 - 50 / 200))


def test_agresti_coull_adds_two_and_two():
    # Agresti and Coull (1998), section 3: the adjusted interval is Wald on (x + 2)/(n + 4).
    assert rate_interval(3, 10, method="adjusted_wald") == pytest.approx(rate_interval(5, 14, method="wald"), abs=1e-15)


def test_one_answer_and_none():
    low, high = nps_interval([0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1])
    assert np.isnan([low[0], high[0]]).all()
    assert np.all((low[1:] >= -1) & (high[1:] <= 1) & (high[1:] > low[1:]))
    low, high = rate_interval([0, 0, 1], [0, 1, 1])
    assert np.isnan([low[0], high[0]]).all()
    assert np.all((low[1:] >= 0) & (high[1:] <= 1) & (high[1:] > low[1:]))


def test_a_cell_of_one_cluster_has_no_interval():
    one_cluster = cell_design(5, 0.24, Sums(w=5, s=3, ww=25, sw=15, ss=9, clusters=1))
    assert np.isnan(one_cluster.n_eff)
    assert np.isnan(nps_interval(0, 2, 3, design=one_cluster)).all()
    assert np.isnan(mean_interval(0.6, 0.24, 5, design=one_cluster)).all()


def test_only_shares_of_weighted_counts_matter():
    design = Design(40, 31.5, 25.0)
    assert nps_interval(4, 10, 26, design=design) == pytest.approx(nps_interval(0.4, 1.0, 2.6, design=design))


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, float("nan")])
def test_a_level_is_between_0_and_1(level):
    with pytest.raises(ValueError, match="level: expected a number between 0 and 1"):
        nps_interval(1, 2, 3, level)


def test_impossible_input_is_refused_by_name():
    with pytest.raises(ValueError, match="passives: expected counts of at least 0, found -2"):
        nps_interval(1, -2, 3)
    with pytest.raises(ValueError, match="successes: expected at most n, found 4"):
        rate_interval(4, 3)
    with pytest.raises(ValueError, match="method: expected one of score, adjusted_wald, wald; found 'tango'"):
        nps_interval(1, 2, 3, method="tango")


def test_shapes_broadcast_and_a_single_cell_is_a_number():
    low, high = nps_interval(np.ones((2, 3)), 2, [1, 2, 3])
    assert low.shape == high.shape == (2, 3)
    assert isinstance(nps_interval(1, 2, 3).low, float)
