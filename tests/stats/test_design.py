"""Weights, clusters, strata and finite populations against published engines and against first principles."""

from __future__ import annotations

import numpy as np
import pytest

from cxkit.stats import Design, cell_design, finite_population, linearised, nps_interval, plain_design, sums_of
from cxkit.stats.design import base_at

# Toy set whose standard errors svy, samplics and statsmodels agree on.
CUSTOMER = np.array([1, 1, 1, 2, 3, 3, 4, 5, 5, 5, 5, 6])
WEIGHT = np.array([1, 1, 1, 2, 1.5, 1.5, 0.5, 1, 1, 1, 1, 2.5])
SCORE = np.array([100, 100, 0, -100, 100, 0, 100, -100, 0, 100, 100, 100.0])
MEAN = WEIGHT @ SCORE / WEIGHT.sum()
VARIANCE = WEIGHT @ SCORE**2 / WEIGHT.sum() - MEAN**2


def by_cluster(codes, weight, score):
    return sums_of(np.bincount(codes, weight)[np.unique(codes)], np.bincount(codes, weight * score)[np.unique(codes)])


def test_standard_errors_of_the_toy_set():
    assert pytest.approx(36.6667, abs=5e-5) == MEAN
    assert linearised(*sums_of(WEIGHT, WEIGHT * SCORE))[0] == pytest.approx(26.98996, abs=5e-6)
    assert linearised(*by_cluster(CUSTOMER, WEIGHT, SCORE))[0] == pytest.approx(24.51243, abs=5e-6)


def test_kish():
    # Kish deff 1.17333, n_eff 10.22727: the effective base where all answers are the same.
    same = np.full(12, 100.0)
    precision = cell_design(12, 0.0, *sums_of(WEIGHT, WEIGHT * same))
    assert precision.n_eff == pytest.approx(10.22727, abs=5e-6)
    assert precision.n / precision.n_eff == pytest.approx(1.17333, abs=5e-6)
    assert precision.df == pytest.approx(11 * (10.22727 / 12) ** 1.5, abs=5e-6)


def test_effective_base_by_its_definition():
    se = linearised(*by_cluster(CUSTOMER, WEIGHT, SCORE))[0]
    precision = cell_design(12, VARIANCE, *by_cluster(CUSTOMER, WEIGHT, SCORE))
    assert precision.n_eff == pytest.approx(12 / 11 * VARIANCE / se**2)
    totals = np.bincount(CUSTOMER, WEIGHT)
    k = totals.sum() ** 2 / (totals**2).sum()
    assert precision.df == pytest.approx(5 * (k / 6) ** 1.5)


def test_unanimous_clusters_count_themselves():
    same = np.ones(12)
    assert cell_design(12, 0.0, *by_cluster(CUSTOMER, same, same)).n_eff == 6


def test_precision_never_beats_the_number_of_answers():
    # Clusters that balance one another would give an effective base above n.
    balanced = cell_design(8, 0.25, w=8, s=4, ww=16, sw=8, ss=4.1, clusters=4)
    assert balanced.n_eff == 8


def test_strata_are_first_principles():
    rng = np.random.default_rng(8)
    stratum, cluster = np.repeat([0, 1, 2], [14, 20, 9]), np.arange(43) // 2
    # A cluster belongs to one stratum.
    cluster = cluster + 100 * stratum
    weight, score = rng.uniform(0.5, 2, 43), rng.choice([-1.0, 0.0, 1.0], 43)
    mean = weight @ score / weight.sum()
    expected = 0.0
    fractions = np.array([0.1, 0.0, 0.5])
    sums, totals = [], []
    for h in range(3):
        inside = stratum == h
        part = by_cluster(cluster[inside], weight[inside], score[inside])
        sums.append(part)
        groups = [(cluster == g) for g in np.unique(cluster[inside])]
        u = np.array([(weight[g] * (score[g] - mean)).sum() for g in groups]) / weight.sum()
        totals += [weight[g].sum() for g in groups]
        expected += (1 - fractions[h]) * len(u) / (len(u) - 1) * ((u - u.mean()) ** 2).sum()
    arrays = [np.array(column, dtype=float) for column in zip(*sums, strict=True)]
    se, df = linearised(*arrays, axis=0, fraction=fractions)
    assert se == pytest.approx(np.sqrt(expected))
    k = np.sum(totals) ** 2 / np.square(totals).sum()
    assert df == pytest.approx((len(totals) - 3) * (k / len(totals)) ** 1.5)


def test_a_stratum_with_one_cluster_leaves_no_interval():
    columns = ([4, 3], [2, 3], [4, 9], [2, 9], [2, 9], [4, 1])
    assert np.isnan(linearised(*columns, axis=0)[0])
    assert np.isnan(cell_design(7, 0.2, *columns, axis=0).n_eff)


def test_a_finite_population_may_count_more_than_its_answers():
    sums = sums_of(np.ones(20), np.repeat([0.0, 1.0], 10))
    unlimited, limited = cell_design(20, 0.25, *sums), cell_design(20, 0.25, *sums, fraction=0.2)
    assert limited.n_eff == pytest.approx(unlimited.n_eff / 0.8)
    assert finite_population(unlimited, 0.2).n_eff == pytest.approx(limited.n_eff)
    with pytest.raises(ValueError, match=r"fraction: expected shares in \[0, 1\), found 1"):
        finite_population(unlimited, 1.0)


def test_few_clusters_widen_with_the_level():
    precision = Design(100, 60.0, 4.0)
    assert base_at(plain_design(100), 1.96) == 100
    assert base_at(precision, 2.6) < base_at(precision, 1.96) < 60


def test_empty_cells_have_no_precision():
    empty = cell_design([0, 4], [np.nan, 0.25], [0, 4], [0, 2], [0, 4], [0, 2], [0, 2], [0, 4])
    assert np.isnan(empty.n_eff[0])
    assert empty.n_eff[1] == 4


def test_one_answer_is_a_cell_of_its_own():
    one = cell_design(1, 0.0, *sums_of([2.5], [2.5]))
    assert (one.n_eff, one.df) == (1, 0)
    assert nps_interval(0, 0, 2.5, design=one) == nps_interval(0, 0, 1)
