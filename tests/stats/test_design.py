"""Weights, clusters, strata and finite populations against published engines and against first principles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import (
    Cross,
    Design,
    Sums,
    cell_design,
    domain_correlation,
    finite_population,
    linearised,
    nps_interval,
    plain_design,
    sums_of,
)
from cxkit.stats.core import usable_correlation
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
    assert linearised(sums_of(WEIGHT, WEIGHT * SCORE))[0] == pytest.approx(26.98996, abs=5e-6)
    assert linearised(by_cluster(CUSTOMER, WEIGHT, SCORE))[0] == pytest.approx(24.51243, abs=5e-6)


def test_kish():
    # Kish deff 1.17333, n_eff 10.22727: the effective base where all answers are the same.
    same = np.full(12, 100.0)
    precision = cell_design(12, 0.0, sums_of(WEIGHT, WEIGHT * same))
    assert precision.n_eff == pytest.approx(10.22727, abs=5e-6)
    assert precision.n / precision.n_eff == pytest.approx(1.17333, abs=5e-6)
    assert precision.df == pytest.approx(11 * (10.22727 / 12) ** 1.5, abs=5e-6)


def test_effective_base_by_its_definition():
    se = linearised(by_cluster(CUSTOMER, WEIGHT, SCORE))[0]
    precision = cell_design(12, VARIANCE, by_cluster(CUSTOMER, WEIGHT, SCORE))
    assert precision.n_eff == pytest.approx(12 / 11 * VARIANCE / se**2)
    totals = np.bincount(CUSTOMER, WEIGHT)
    k = totals.sum() ** 2 / (totals**2).sum()
    assert precision.df == pytest.approx(5 * (k / 6) ** 1.5)


def test_unanimous_clusters_count_themselves():
    same = np.ones(12)
    assert cell_design(12, 0.0, by_cluster(CUSTOMER, same, same)).n_eff == 6


def test_precision_never_beats_the_number_of_answers():
    # Clusters that balance one another would give an effective base above n.
    balanced = cell_design(8, 0.25, Sums(w=8, s=4, ww=16, sw=8, ss=4.1, clusters=4))
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
    se, df = linearised(Sums(*arrays), axis=0, fraction=fractions)
    assert se == pytest.approx(np.sqrt(expected))
    k = np.sum(totals) ** 2 / np.square(totals).sum()
    assert df == pytest.approx((len(totals) - 3) * (k / len(totals)) ** 1.5)


def test_two_clusters_are_the_fewest_with_a_spread():
    # 0 and 1: u = -1/2 and 1/2, so that SE^2 = 2/1 (1/4 + 1/4) / 2^2
    assert linearised(sums_of([1, 1], [0, 1])) == pytest.approx((0.5, 1))
    assert np.isnan(linearised(sums_of([2], [1]))[0])


def test_a_stratum_with_one_cluster_leaves_no_interval_where_it_is_refused():
    columns = Sums([4, 3], [2, 3], [4, 9], [2, 9], [2, 9], [4, 1])
    assert np.isnan(linearised(columns, axis=0, lonely="refuse")[0])
    assert np.isnan(cell_design(7, 0.2, columns, axis=0, lonely="refuse").n_eff)
    # u_g of the first stratum are the answers about 5/7; of the second, lonely one the three together: 3 (1 - 5/7)
    spread = 4 / 3 * 1.0
    for lonely, more in (("centre", (3 * 2 / 7) ** 2), ("certainty", 0.0)):
        se, df = linearised(columns, axis=0, lonely=lonely)
        assert se == pytest.approx(np.sqrt(spread + more) / 7)
        kish = (7**2 / 13 / 5) ** 1.5
        expected = (spread + more) ** 2 / (spread**2 / 3 + more**2) if more else 3
        assert df == pytest.approx(expected * kish)


def test_a_domain_is_the_whole_sample_with_zeros_for_clusters_without_an_answer():
    rng = np.random.default_rng(5)
    m = np.array([6, 9, 12, 5])
    groups = [rng.integers(0, 3, (2, size)) for size in m]  # answers of each cluster, and the sum of their scores
    w, s = ([g[i] * np.minimum(1, g[0]) for g in groups] for i in (0, 1))
    mean = sum(map(np.sum, s)) / sum(map(np.sum, w))
    terms = [k / (k - 1) * np.var(sh - mean * wh) * k for k, wh, sh in zip(m, w, s, strict=True)]
    here = [sums_of(wh[wh > 0], sh[wh > 0]) for wh, sh in zip(w, s, strict=True)]
    arrays = [np.array(column, dtype=float) for column in zip(*here, strict=True)]
    se, df = linearised(Sums(*arrays), axis=0, wave=m)
    assert se == pytest.approx(np.sqrt(sum(terms)) / sum(map(np.sum, w)))
    answering, kish = arrays[5].sum(), arrays[0].sum() ** 2 / arrays[2].sum()
    satterthwaite = sum(terms) ** 2 / sum(v**2 / (k - 1) for v, k in zip(terms, m, strict=True))
    assert df == pytest.approx(min(satterthwaite, answering - 1) * (kish / answering) ** 1.5)


def test_two_domains_are_correlated_through_the_strata_that_they_share():
    # R's svycontrast on svyby(covmat = TRUE) is this: the covariance of the cluster totals, zeros included.
    rng = np.random.default_rng(6)
    u, v = rng.normal(size=(2, 3, 8))
    u[:, :4], v[:, 5:] = 0, 0  # they share one cluster of eight in each stratum
    w1, w2 = (np.where(x != 0, rng.integers(1, 4, x.shape), 0) for x in (u, v))
    s1, s2 = u + 0.3 * w1, v + 0.1 * w2
    u, v = (s - s.sum() / w.sum() * w for s, w in ((s1, w1), (s2, w2)))
    cov = sum(8 * np.cov(a, b)[0, 1] for a, b in zip(u, v, strict=True))
    var = [sum(8 * np.var(row, ddof=1) for row in x) for x in (u, v)]
    sides = [Sums(w.sum(1), s.sum(1), (w * w).sum(1), (s * w).sum(1), (s * s).sum(1), (w > 0).sum(1)) for w, s in
             ((w1, s1), (w2, s2))]  # fmt: skip
    cross = Cross((w1 * w2).sum(1), (s1 * w2).sum(1), (w1 * s2).sum(1), (s1 * s2).sum(1))
    assert domain_correlation(*sides, cross, 8) == pytest.approx(cov / np.sqrt(var[0] * var[1]))
    turned = [Sums(*(np.stack([x, x], axis=1) for x in side)) for side in sides]
    both = Cross(*(np.stack([x, x], axis=1) for x in cross))
    assert domain_correlation(*turned, both, 8, axis=0) == pytest.approx([cov / np.sqrt(var[0] * var[1])] * 2)


def test_a_finite_population_may_count_more_than_its_answers():
    sums = sums_of(np.ones(20), np.repeat([0.0, 1.0], 10))
    unlimited, limited = cell_design(20, 0.25, sums), cell_design(20, 0.25, sums, fraction=0.2)
    assert limited.n_eff == pytest.approx(unlimited.n_eff / 0.8)
    assert finite_population(unlimited, 0.2).n_eff == pytest.approx(limited.n_eff)
    with pytest.raises(ValueError, match=r"fraction: expected shares in \[0, 1\), found 1"):
        finite_population(unlimited, 1.0)


@pytest.mark.parametrize(
    ("n", "df", "base"),
    [(100, 99, 60), (100, 120, 60), (100, 98.95, None), (100, 4, None), (5, 1, None), (100, 0, np.nan)],
)
def test_few_clusters_count_as_student_s_t_says(n, df, base):
    """n_eff (t_{n-1} / t_df)^2 by scipy; as it is from n - 1 degrees of freedom on, and unknown with none."""
    tail = stats.norm.sf(1.7)
    expected = 60 * (stats.t.isf(tail, n - 1) / stats.t.isf(tail, df)) ** 2 if base is None else base
    assert base_at(Design(n, 60.0, df), 1.7) == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_few_clusters_widen_with_the_level():
    precision = Design(100, 60.0, 4.0)
    assert base_at(plain_design(100), 1.96) == 100
    assert base_at(precision, 2.6) < base_at(precision, 1.96) < 60


def test_a_correlation_of_one_is_taken_for_less():
    assert usable_correlation([1, -1, 0.5, 0.98]).tolist() == [0.99, -0.99, 0.5, 0.98]
    with pytest.raises(ValueError, match=r"correlation: expected numbers in \[-1, 1\], found 1.01"):
        usable_correlation(1.01)


def test_empty_cells_have_no_precision():
    empty = cell_design([0, 4], [np.nan, 0.25], Sums([0, 4], [0, 2], [0, 4], [0, 2], [0, 2], [0, 4]))
    assert np.isnan(empty.n_eff[0])
    assert empty.n_eff[1] == 4


def test_one_answer_is_a_cell_of_its_own():
    one = cell_design(1, 0.0, sums_of([2.5], [2.5]))
    assert (one.n_eff, one.df) == (1, 0)
    assert nps_interval(0, 0, 2.5, design=one) == nps_interval(0, 0, 1)
