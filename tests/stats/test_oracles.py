"""Random cells against other engines, where they are right: scipy, statsmodels, and svy where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.api import WLS
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from cxkit.stats import (
    Sums,
    benjamini_hochberg,
    holm,
    linearised,
    mean_difference,
    nps_interval,
    rate_difference,
    rate_interval,
    sums_of,
)

RNG = np.random.default_rng(20)
STRATUM = np.repeat([0, 1, 2], [14, 20, 9])
CLUSTER = np.arange(43) // 2 + 100 * STRATUM
WEIGHT = RNG.uniform(0.5, 2, 43)
SCORE = RNG.choice([-1.0, 0.0, 1.0], 43)


def by_cluster(codes, weight, score):
    place = np.unique(codes, return_inverse=True)[1]
    return sums_of(np.bincount(place, weight), np.bincount(place, weight * score))


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_and_agresti_coull(level):
    n = RNG.integers(1, 300, 200)
    s = RNG.binomial(n, RNG.random(200))
    low, high = proportion_confint(s, n, 1 - level, method="wilson")
    result = rate_interval(s, n, level)
    assert np.array(result) == pytest.approx(np.array([low, high]).clip(0, 1), abs=1e-12)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_newcombe(level):
    # method="score" of statsmodels is wrong in 0.14.6 and 0.15.0 (its issue 10269); "newcomb" is right.
    for _ in range(60):
        n1, n2 = RNG.integers(2, 200, 2)
        s1, s2 = RNG.binomial(n1, RNG.random()), RNG.binomial(n2, RNG.random())
        low, high = confint_proportions_2indep(s1, n1, s2, n2, method="newcomb", compare="diff", alpha=1 - level)
        result = rate_difference((s1, n1), (s2, n2), level)
        assert (result.low, result.high) == pytest.approx((low, high), abs=1e-10)


def test_agresti_caffo():
    low, high = confint_proportions_2indep(7, 34, 1, 34, method="agresti-caffo", compare="diff")
    result = rate_difference((7, 34), (1, 34), method="adjusted_wald")
    assert (result.low, result.high) == pytest.approx((low, high), abs=1e-12)


def test_welch():
    for _ in range(40):
        x, y = RNG.integers(1, 8, RNG.integers(3, 40)), RNG.integers(1, 8, RNG.integers(3, 40))
        expected = CompareMeans(DescrStatsW(x), DescrStatsW(y))
        result = mean_difference((x.mean(), x.var(), x.size), (y.mean(), y.var(), y.size))
        assert (result.low, result.high) == pytest.approx(expected.tconfint_diff(usevar="unequal"), rel=1e-8)
        assert result.pvalue == pytest.approx(expected.ttest_ind(usevar="unequal")[1], rel=1e-8)


def test_wald_without_passives_is_a_paired_difference():
    # Newcombe's and Wald's marginal difference from one sample: scipy's normal limits of the mean score.
    scores = RNG.choice([-1, 0, 1], 500)
    counts = [(scores == value).sum() for value in (-1, 0, 1)]
    expected = stats.norm.interval(0.95, scores.mean(), scores.std() / np.sqrt(500))
    assert nps_interval(*counts, method="wald") == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("adjust", "name"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_multiplicity(adjust, name):
    for size in (1, 2, 7, 40):
        p = RNG.random(size) ** 3
        assert adjust(p) == pytest.approx(multipletests(p, method=name)[1], rel=1e-12)


def test_cluster_robust_errors_of_statsmodels():
    # The cluster-robust variance of a weighted mean, with the correction M/(M - 1).
    fit = WLS(SCORE, np.ones(43), weights=WEIGHT).fit(cov_type="cluster", cov_kwds={"groups": CLUSTER})
    assert linearised(by_cluster(CLUSTER, WEIGHT, SCORE))[0] == pytest.approx(float(fit.bse[0]), rel=1e-10)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"wgt": "w"}, "weights"),
        ({"wgt": "w", "psu": "cluster"}, "clusters"),
        ({"wgt": "w", "psu": "cluster", "stratum": "stratum"}, "strata"),
    ],
)
def test_linearised_errors_of_svy(columns, expected):
    svy = pytest.importorskip("svy", reason="svy is a test-only oracle; pip install svy")
    polars = pytest.importorskip("polars")
    data = polars.DataFrame({"stratum": STRATUM, "cluster": CLUSTER, "w": WEIGHT, "s": SCORE})
    estimate = svy.Sample(data=data, design=svy.Design(**columns)).estimation.mean(y="s").estimates[0]
    if expected == "weights":
        se = linearised(sums_of(WEIGHT, WEIGHT * SCORE))[0]
    elif expected == "clusters":
        se = linearised(by_cluster(CLUSTER, WEIGHT, SCORE))[0]
    else:
        parts = [by_cluster(CLUSTER[h == STRATUM], WEIGHT[h == STRATUM], SCORE[h == STRATUM]) for h in range(3)]
        se = linearised(Sums(*(np.array(column, dtype=float) for column in zip(*parts, strict=True))), axis=0)[0]
    assert se == pytest.approx(estimate.se, rel=1e-9)
