"""Weights, clusters, strata, finite populations: how precise a cell is, as an effective base.

A cell's mean is m = S / W from the weighted sums S = sum w s and W = sum w. Its Taylor-linearised standard error needs
only sums over clusters g of W_g and S_g, so a tally can carry it:

    SE^2 = M/(M - 1) * (sum S_g^2 - 2 m sum S_g W_g + m^2 sum W_g^2) / W^2

Every answer is its own cluster where there are none. n_eff = min(n, n/(n - 1) V / SE^2) is the number of equally
weighted, independent answers that would be as precise. The degrees of freedom are M - strata where clusters weigh the
same, and fewer the more they differ, see `freedom`.

A segment of a stratified or clustered sample is a domain of it: a cluster without an answer in the segment counts as a
zero, so that M is that of the stratum in the whole sample.
Source: Kish (1965); Binder (1983), doi 10.2307/1402588; Korn and Graubard (1998), Survey Methodology 24, for n_eff;
Cochran (1977), section 5A.13, for domains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import FloatArray, floats, plain, positive, refuse, result, t_at

# Sums of squares cancel to about 1e-16 of their size; a real spread of 1e8 answers is still a thousand times larger.
_ROUNDING = 1e-12
# What the only cluster of a stratum counts for: its distance from the mean of all, nothing, or no standard error.
Lonely: TypeAlias = Literal["centre", "certainty", "refuse"]
LONELY: dict[Lonely, float] = {"centre": 1.0, "certainty": 0.0, "refuse": np.nan}


class Design(NamedTuple):
    """Precision of cells: answers, effective answers, degrees of freedom. n_eff is NaN where no interval exists."""

    n: FloatArray
    n_eff: FloatArray
    df: FloatArray


Designs: TypeAlias = tuple[Design | None, Design | None]
NO_DESIGNS: Designs = (None, None)
Weighed: TypeAlias = tuple[FloatArray | float, FloatArray]  # what a cluster counts for its S_g and for its W_g


class Sums(NamedTuple):
    """Sums of cells over clusters g, of one shape; every answer is its own cluster where there are none.

    Attributes:
        w: sum of weights W.
        s: sum of weighted scores S, in any unit, which is that of the results.
        ww: sum over clusters of W_g^2.
        sw: sum over clusters of S_g W_g.
        ss: sum over clusters of S_g^2.
        clusters: Number of clusters with answers in the cell.
    """

    w: FloatArray
    s: FloatArray
    ww: FloatArray
    sw: FloatArray
    ss: FloatArray
    clusters: FloatArray


class Cross(NamedTuple):
    """Sums over respondents who answered in both cells: W1 W2, S1 W2, W1 S2, S1 S2."""

    ww: FloatArray
    sw: FloatArray
    ws: FloatArray
    ss: FloatArray


def linearised(
    sums: Sums,
    *,
    axis: int | None = None,
    fraction: ArrayLike = 0.0,
    wave: ArrayLike | None = None,
    lonely: Lonely = "centre",
) -> tuple[FloatArray, FloatArray]:
    """Standard error of a weighted mean and its degrees of freedom, from sums over clusters.

    Args:
        sums: Sums per cell, any shape, the scores in the unit of the standard error.
        axis: Axis that holds strata, which is summed away; None for one stratum. Absent strata are zeros.
        fraction: Share of the population that answered, in [0, 1), per cell or stratum; 0 for an unlimited one.
        wave: Number of clusters M_h of each stratum in the whole sample, of which the cell is a domain; None where it
            is all of it.
        lonely: What the only cluster of a stratum counts for: "centre", its distance from the mean of all strata;
            "certainty", nothing; "refuse", no standard error.

    Returns:
        (se, df); NaN se where all answers come from one cluster, whose spread nobody can know.

    Formula: SE^2 = sum_h v_h / W^2, v_h = (1 - f_h) M_h/(M_h - 1) (q_h - u_h^2/M_h), q_h = ss - 2 m sw + m^2 ww,
    u_h = s - m w: the spread of cluster totals, those without an answer being 0. df as `freedom`; of a domain, or with
    lonely strata, in place of M - strata Satterthwaite's (sum v_h)^2 / sum v_h^2/(M_h - 1), at most M - 1.
    Source: Binder (1983), doi 10.2307/1402588; Cochran (1977), section 5A.13; Satterthwaite (1946), doi
    10.2307/3002019. R: survey.lonely.psu "adjust", "certainty", "fail".

    >>> answers = Sums(w=4, s=2, ww=4, sw=2, ss=2, clusters=4)  # 0, 0, 1, 1
    >>> linearised(answers)
    (0.28867513, 3.0)
    >>> linearised(answers, wave=8)  # of a sample of eight
    (0.26726124, 3.0)
    """
    sums, (share, whole) = _last(sums, axis, _fractions(fraction), sums[5] if wave is None else wave)
    m = sums.clusters
    total, known = sums.w.sum(axis=-1), m.sum(axis=-1)
    terms = (1.0 - share) * _terms(sums, _mean(sums), whole, lonely)
    variance = np.where(known > 1, terms.sum(axis=-1), np.nan) / positive(total) ** 2
    domain = (m > 0) & ((whole != m) | ((whole <= 1) & (lonely == "centre")))
    v = np.where(terms.sum(axis=-1, keepdims=True) > 0, terms, sums.ww)  # all alike: each by what it weighs
    rough = v.sum(axis=-1) ** 2 / positive((v**2 / np.maximum(whole - 1.0, 1.0)).sum(axis=-1))
    strata = np.where(domain.any(axis=-1), known - np.minimum(rough, known - 1.0), (m > 0).sum(axis=-1))
    return plain(np.sqrt(variance)), freedom(total, sums.ww.sum(axis=-1), known, strata)


def freedom(w: ArrayLike, ww: ArrayLike, clusters: ArrayLike, strata: ArrayLike = 1) -> FloatArray:
    """Degrees of freedom of a linearised standard error.

    Args:
        w: sum of weights per cell.
        ww: sum over clusters of W_g^2; over answers where there are no clusters.
        clusters: Number of clusters M; of answers where there are none.
        strata: Number of strata.

    Formula: (M - strata) (k/M)^1.5, k = (sum W_g)^2 / sum W_g^2, Kish's number of clusters that weigh the same. The
    variance is a sum of squares of weights, so its own precision falls faster than k, for lognormal weights as
    k (k/M)^3; the power is a compromise that keeps the coverage nearest to the level, see benchmarks/designs.py.
    Source: Kish (1965), section 11.7, for k; the power is the kit's own.

    >>> freedom(12, 12, 12)
    11.0
    >>> freedom(12, 18, 12)
    5.987642
    """
    w, ww, m, h = map(floats, (w, ww, clusters, strata))
    k = w**2 / positive(ww)
    return plain((m - h) * (k / positive(m)) ** 1.5)


def cell_design(
    n: ArrayLike,
    variance: ArrayLike,
    sums: Sums,
    *,
    axis: int | None = None,
    fraction: ArrayLike = 0.0,
    wave: ArrayLike | None = None,
    lonely: Lonely = "centre",
) -> Design:
    """Effective base and degrees of freedom of cells under weights, clusters, strata and a finite population.

    Args:
        n: Answers per cell.
        variance: Variance of one answer at the weighted shares, divisor n, in the squared unit of the scores.
        sums: Sums per cell, with the strata on `axis` where there are any.
        axis: Axis that holds strata; None for one stratum.
        fraction: Share of the population that answered, in [0, 1).
        wave: Number of clusters of each stratum in the whole sample; None where the cell is all of it.
        lonely: What the only cluster of a stratum counts for, as in `linearised`.

    Formula: n_eff = min(n, n/(n - 1) V / SE^2) / (1 - f); where SE is 0 Kish's (sum w)^2 / sum w^2, or the number
    of clusters. n_eff is NaN where all answers of the cell come from one cluster, or a lonely stratum is refused.
    Source: as `linearised`.

    >>> cell_design(4, 0.25, Sums(w=4, s=2, ww=4, sw=2, ss=2, clusters=4))
    Design(n=4.0, n_eff=4.0, df=3.0)
    """
    n, variance = floats(n), floats(variance)
    unlimited, df = map(floats, linearised(sums, axis=axis, wave=wave, lonely=lonely))
    limited = floats(linearised(sums, axis=axis, fraction=fraction, wave=wave, lonely=lonely)[0])
    w, ww, m = (floats(x) if axis is None else floats(x).sum(axis=axis) for x in (sums[0], sums[2], sums[5]))
    # One fraction per cell: where strata differ, the smallest is the careful one.
    least = floats(fraction) if axis is None or not np.ndim(fraction) else floats(fraction).min(axis=axis)
    ratio = np.where(n > 1, n / np.maximum(n - 1.0, 1.0), 1.0) * variance / positive(unlimited**2)
    fallback = np.where(m < n, m, w**2 / positive(ww))
    finite = np.where(unlimited > 0, unlimited**2 / positive(limited**2), 1.0 / (1.0 - least))
    n_eff = np.minimum(n, np.where(unlimited > 0, ratio, fallback)) * finite
    lone = (n > 0) & (n <= 1)
    n_eff = np.where(lone, n, np.where((m > 1) & ~np.isnan(unlimited), n_eff, np.nan))
    df = np.where(np.abs(df - (n - 1.0)) < 1e-9 * np.maximum(n, 1.0), n - 1.0, df)
    return result(Design, *(np.where(n > 0, x, np.nan) for x in (n, n_eff, df)))


def raked_design(
    n: ArrayLike,
    variance: ArrayLike,
    sums: Sums,
    kish: ArrayLike,
    *,
    axis: int | None = None,
    wave: ArrayLike | None = None,
) -> Design:
    """Effective base and degrees of freedom of cells of a sample that was raked to margins.

    Args:
        n: Answers per cell.
        variance: Variance of one answer at the weighted shares, divisor n, in the squared unit of the scores.
        sums: Sums per cell: w and s of the answers, ww, sw and ss of what the margins leave of the ones and the scores
            of the cell in every row of the sample, each row with its weight, around their mean.
        kish: (sum w)^2 / sum w^2 of the answers.
        axis: Axis that holds strata; None for one stratum.
        wave: Rows of the sample.

    Formula: n_eff = n/(n - 1) V / SE^2 with the SE of `linearised` on the residuals, which may exceed n: what the
    margins explain has no sampling error. df = (n - 1) (kish/n)^1.5 as `freedom`. Where all answers are alike: kish.
    Source: Deville and Sarndal (1992), doi 10.1080/01621459.1992.10475217; Lumley's R package survey, `rake`.

    >>> raked_design(4, 0.25, Sums(w=4, s=2, ww=0, sw=0, ss=1, clusters=4), 4, wave=4)
    Design(n=4.0, n_eff=4.0, df=3.0)
    """
    n, variance, k = floats(n), floats(variance), floats(kish)
    se = floats(linearised(sums, axis=axis, wave=wave)[0])
    ratio = n / positive(n - 1.0) * variance / positive(se**2)
    n_eff = np.where(n > 1, np.where(variance > _ROUNDING, ratio, k), n)
    df = (n - 1.0) * (k / positive(n)) ** 1.5
    return result(Design, *(np.where(n > 0, x, np.nan) for x in (n, n_eff, df)))


def plain_design(n: ArrayLike) -> Design:
    """The design of equally weighted, independent answers.

    Formula: n_eff = n, df = n - 1. Source: Student (1908).

    >>> plain_design(30)
    Design(n=30.0, n_eff=30.0, df=29.0)
    """
    return Design(plain(n), plain(n), plain(floats(n) - 1.0))


def design_of(n: ArrayLike, design: Design | None) -> Design:
    """The design, a plain one where none is given."""
    return plain_design(n) if design is None else design


def finite_population(precision: Design, fraction: ArrayLike) -> Design:
    """The design when a known share of the whole population answered: SE times sqrt(1 - n/N).

    Args:
        precision: Design without the correction.
        fraction: n / N, in [0, 1).

    Formula: n_eff / (1 - n/N). Source: Cochran (1977), Sampling Techniques, section 2.6.

    >>> finite_population(plain_design(50), 50 / 200)
    Design(n=50.0, n_eff=66.6666, df=49.0)
    """
    return precision._replace(n_eff=plain(precision.n_eff / (1.0 - _fractions(fraction))))


def base_at(precision: Design, z: FloatArray | float) -> FloatArray:
    """Effective base for limits at z standard errors: n_eff (t_{n-1} / t_df)^2 at the tail of z.

    Few clusters make the estimated standard error itself uncertain; the factor widens the interval as Student's t
    does, relative to the plain interval of n answers, which it leaves as it is.
    """
    n, n_eff, df = map(floats, precision)
    if not (df < n - 1.0).any():
        return n_eff
    n, n_eff, df, z = np.broadcast_arrays(n, n_eff, df, z)
    factor = np.ones(n_eff.shape)
    chosen = (df < n - 1.0) & (df > 0)
    factor[chosen] = (t_at(z[chosen], n[chosen] - 1.0) / t_at(z[chosen], df[chosen])) ** 2
    return np.where((df < n - 1.0) & ~(df > 0), np.nan, n_eff * factor)


def covariance(first: Sums, second: Sums, cross: Cross) -> FloatArray:
    """Correlation r of the estimates of two cells that share respondents.

    Args:
        first: Sums over respondents of the first cell, scores in any unit.
        second: The same for the second cell.
        cross: Sums over the respondents of both.

    Returns:
        r = Cov / (SE1 SE2) in [-1, 1]; 0 where either cell has no spread.

    Formula: with u_g = S_g - m W_g, r = sum u1_g u2_g / sqrt(sum u1_g^2 sum u2_g^2): the cluster-robust correlation
    with the respondent as cluster over both periods. Source: Kish (1965), section 12.4.

    >>> covariance(Sums(4, 2, 4, 2, 2, 4), Sums(4, 2, 4, 2, 2, 4), Cross(4, 2, 2, 2))  # the same four answers twice
    1.0
    """
    return _correlation(cross_products(first, second, cross), squares(first) * squares(second))


def domain_correlation(
    first: Sums, second: Sums, cross: Cross, wave: ArrayLike, lonely: Lonely = "centre", *, axis: int = -1
) -> FloatArray:
    """Correlation r of two domains of one stratified or clustered sample, such as a segment and the rest.

    Args:
        first: Sums over clusters of the first domain, with the strata on `axis`.
        second: The same for the second domain.
        cross: Sums over the clusters that have answers in both.
        wave: Number of clusters of each stratum in the whole sample.
        lonely: What the only cluster of a stratum counts for, as in `linearised`.
        axis: Axis that holds strata.

    Formula: Cov = sum_h M_h/(M_h - 1) (sum_g u1_g u2_g - u1_h u2_h/M_h), u_g = S_g - m W_g, u_h their sum over the
    stratum, over the square root of both sums of `linearised`. Domains that share no cluster are correlated, too.
    Source: Cochran (1977), section 5A.13; R: survey::svycontrast on svyby(covmat = TRUE).

    >>> one, other = Sums([4], [2], [4], [2], [2], [4]), Sums([4], [1], [4], [1], [1], [4])
    >>> domain_correlation(one, other, Cross([0], [0], [0], [0]), [8])  # one stratum, nothing in common
    0.0
    """
    (one, (whole, *shared)), (other, _) = _last(first, axis, wave, *cross), _last(second, axis)
    u1, u2 = (side.s - _mean(side) * side.w for side in (one, other))
    products = products_of((1.0, -_mean(one)), (1.0, -_mean(other)), shared) - u1 * u2 / _about(whole)
    both = np.where((one.clusters > 0) & (other.clusters > 0), _scale(whole, lonely) * products, 0.0)
    v1, v2 = (_terms(side, _mean(side), whole, lonely).sum(axis=-1) for side in (one, other))
    return _correlation(both.sum(axis=-1), v1 * v2)


def squares(sums: Sums) -> FloatArray:
    """sum_g (S_g - m W_g)^2 of a cell; NaN where it has no weight."""
    found = Sums(*np.broadcast_arrays(*map(floats, sums)))
    return _squares(found, found.s / positive(found.w), found.clusters)


def cross_products(first: Sums, second: Sums, cross: Cross) -> FloatArray:
    """sum_g (S1_g - m1 W1_g)(S2_g - m2 W2_g) over shared respondents; NaN where a cell has no weight."""
    mean1, mean2 = (floats(sums.s) / positive(sums.w) for sums in (first, second))
    return products_of((1.0, -mean1), (1.0, -mean2), cross)


def products_of(one: Weighed, other: Weighed, sums: Sequence[ArrayLike]) -> FloatArray:
    """Sum over clusters of products of two a S_g + b W_g, from the sums of W1 W2, S1 W2, W1 S2, S1 S2."""
    ww, sw, ws, ss = map(floats, sums)
    (s1, w1), (s2, w2) = one, other
    products: FloatArray = s1 * s2 * ss + s1 * w2 * sw + w1 * s2 * ws + w1 * w2 * ww
    return products


def sums_of(weights: ArrayLike, scores: ArrayLike) -> Sums:
    """Sums over respondents from their weight totals W_g and weighted score totals S_g (last axis).

    Formula: sum W, sum S, sum W^2, sum S W, sum S^2, and their number. Source: Binder (1983), doi 10.2307/1402588.

    >>> sums_of([1, 1, 1, 1], [1, 0, 1, 1])
    Sums(w=4.0, s=3.0, ww=4.0, sw=3.0, ss=3.0, clusters=4)
    """
    w, s = np.broadcast_arrays(floats(weights), floats(scores))
    a, b, aa, ab, bb = (plain(x.sum(axis=-1)) for x in (w, s, w * w, s * w, s * s))
    return Sums(a, b, aa, ab, bb, w.shape[-1])


def cross_of(now: tuple[ArrayLike, ArrayLike], before: tuple[ArrayLike, ArrayLike]) -> Cross:
    """Cross sums from (W_g, S_g) of the same respondents in two cells, in the same order (last axis).

    Formula: sum W1 W2, sum S1 W2, sum W1 S2, sum S1 S2. Source: Kish (1965), section 12.4.

    >>> cross_of(([1, 1, 1, 1], [1, 0, 1, 1]), ([1, 1, 1, 1], [0, 0, 1, 0]))
    Cross(ww=4.0, sw=3.0, ws=1.0, ss=1.0)
    """
    (w1, s1), (w2, s2) = map(floats, now), map(floats, before)
    return Cross(*(plain((x * y).sum(axis=-1)) for x, y in ((w1, w2), (s1, w2), (w1, s2), (s1, s2))))


def _fractions(fraction: ArrayLike) -> FloatArray:
    """Shares of a population that answered, below 1: a census has no sampling error to estimate."""
    share = floats(fraction)
    refuse("fraction", share, (share < 0) | (share >= 1), "shares in [0, 1)")
    return share


def _correlation(products: FloatArray, squared: FloatArray) -> FloatArray:
    scale = np.sqrt(squared)
    return plain(np.where(scale > 0, np.clip(products / positive(scale), -1.0, 1.0), np.where(scale == 0, 0.0, np.nan)))


def _squares(sums: Sums, mean: FloatArray, clusters: FloatArray) -> FloatArray:
    """sum_g (S_g - m W_g)^2 about its mean over clusters, 0 where only rounding is left."""
    w, s, ww, sw, ss, _ = sums
    size = ss + mean**2 * ww
    left = ss - 2.0 * mean * sw + mean**2 * ww - (s - mean * w) ** 2 / np.maximum(clusters, 1.0)
    return np.where(left > _ROUNDING * size, left, np.where(np.isnan(left), np.nan, 0.0))


def _terms(sums: Sums, mean: FloatArray, wave: FloatArray, lonely: Lonely) -> FloatArray:
    """v_h of each stratum (last axis) in which the cell has answers: M/(M - 1) times its spread, with zeros."""
    return np.where(sums.clusters > 0, _scale(wave, lonely) * _squares(sums, mean, _about(wave)), 0.0)


def _scale(wave: FloatArray, lonely: Lonely) -> FloatArray:
    return np.where(wave > 1, wave / np.maximum(wave - 1.0, 1.0), LONELY[lonely])


def _about(wave: FloatArray) -> FloatArray:
    """The clusters that make the mean of a stratum; a lonely one is taken about the mean of all, which is 0."""
    return np.where(wave > 1, wave, np.inf)


def _mean(sums: Sums) -> FloatArray:
    """Mean over the strata of the last axis, which is kept."""
    return np.asarray(sums.s.sum(axis=-1, keepdims=True) / positive(sums.w.sum(axis=-1, keepdims=True)))


def _last(sums: Sums, axis: int | None, *more: ArrayLike) -> tuple[Sums, list[FloatArray]]:
    """The sums and more arrays with the strata on the last axis, a single one where there is no axis for them."""
    arrays = np.broadcast_arrays(*map(floats, (*sums, *more)))
    turned = [x[..., None] if axis is None else np.moveaxis(x, axis, -1) for x in arrays]
    return Sums(*turned[:6]), turned[6:]
