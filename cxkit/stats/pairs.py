"""The same people in both periods: the mean of everybody's own change.

Ignoring the pairing would drive the true size of a 5 % test to 0-.02: what people have in common would count as noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import Difference, agree, critical, normal_pvalue, plain, positive, t_critical, t_pvalue
from cxkit.stats.design import Cross, Sums, cross_products, freedom, squares


def paired_difference(
    now: Sums, before: Sums, cross: Cross, level: float = 0.95, *, scale: tuple[float, float] | None = None
) -> Difference:
    """Mean change of respondents who all answered in both cells, by the paired t test.

    Args:
        now: Sums over respondents of the first cell, in the unit of the change; equal weights are 1 each.
        before: The same for the second cell.
        cross: Sums over respondents of the products of both.
        level: Confidence level in (0, 1).
        scale: Ends of the answer scale; the limits are cut at its width. None to leave them.

    Returns:
        change, low, high, pvalue; limits and p are NaN for fewer than two respondents and where everybody changed
        alike.

    Formula: u_g = (S1_g - m1 W1_g)/W1 - (S2_g - m2 W2_g)/W2, SE^2 = M/(M - 1) sum u_g^2, t with the
    smaller of the two `freedom`: with weights of 1 the t test of change scores. Source: Student (1908); Binder (1983),
    doi 10.2307/1402588.

    >>> # answers 1, 0, 1, 1 now and 0, 0, 1, 0 before, by the same four people
    >>> paired_difference(Sums(4, 3, 4, 3, 3, 4), Sums(4, 1, 4, 1, 1, 4), Cross(4, 3, 1, 1))
    Difference(change=0.5, low=-0.41869, high=1.41869, pvalue=0.18169)
    """
    w1, w2 = (positive(np.asarray(sums.w, dtype=np.float64)) for sums in (now, before))
    m = np.asarray(now.clusters, dtype=np.float64)
    change = np.asarray(now.s, dtype=np.float64) / w1 - np.asarray(before.s, dtype=np.float64) / w2
    parts = squares(now) / w1**2, squares(before) / w2**2
    spread = parts[0] + parts[1] - 2.0 * cross_products(now, before, cross) / (w1 * w2)
    # What is left of two equal spreads is rounding.
    known = (m > 1) & (spread > 1e-12 * (parts[0] + parts[1]))
    se = np.sqrt(np.where(known, spread, np.nan) * m / positive(m - 1.0))
    df = np.minimum(freedom(w1, now.ww, m), freedom(w2, before.ww, m))
    half = t_critical(df, level) * se
    pvalue = agree(t_pvalue(change / se, df), half < np.abs(change), level)
    widest = np.inf if scale is None else abs(scale[1] - scale[0])
    low, high = np.maximum(change - half, -widest), np.minimum(change + half, widest)
    return Difference(*(plain(x) for x in np.broadcast_arrays(change, low, high, pvalue)))


def alike_difference(now: Sums, before: Sums, level: float = 0.95, *, scale: tuple[float, float]) -> Difference:
    """Change of respondents who all changed by the same amount, whose changes have no spread to judge by.

    Nobody of n changed otherwise, so that at most a share u would, and nobody by more than the scale is wide: the
    interval reaches as far as such people could move the mean.

    Args:
        now: Sums over respondents of the first cell, in the unit of the change.
        before: The same for the second cell.
        level: Confidence level in (0, 1).
        scale: Ends of the answer scale, R apart.

    Returns:
        change, low, high, pvalue; NaN where there is nobody.

    Formula: c +- u (R + |c|), u = z^2/(n + z^2), Wilson's upper limit for 0 of n, n the smaller of the two
    (sum W_g)^2 / sum W_g^2; inverted for 0, z^2 = n |c| / R. Source: Wilson (1927); the bound is the kit's own.

    >>> alike_difference(Sums(40, 8, 40, 8, 40, 40), Sums(40, 8, 40, 8, 40, 40), scale=(-1, 1))
    Difference(change=0.0, low=-0.17524, high=0.17524, pvalue=1.0)
    """
    z, width = critical(level), abs(scale[1] - scale[0])
    w1, w2 = (positive(np.asarray(sums.w, dtype=np.float64)) for sums in (now, before))
    n = np.minimum(w1**2 / positive(np.asarray(now.ww, float)), w2**2 / positive(np.asarray(before.ww, float)))
    change = np.asarray(now.s, dtype=np.float64) / w1 - np.asarray(before.s, dtype=np.float64) / w2
    half = z**2 / (n + z**2) * (width + np.abs(change))
    pvalue = agree(normal_pvalue(np.sqrt(n * np.abs(change) / width)), half < np.abs(change), level)
    low, high = np.maximum(change - half, -width), np.minimum(change + half, width)
    return Difference(*(plain(x) for x in (change, low, high, pvalue)))


def sums_of(weights: ArrayLike, scores: ArrayLike) -> Sums:
    """Sums over respondents from their weight totals W_g and weighted score totals S_g (last axis).

    Formula: sum W, sum S, sum W^2, sum S W, sum S^2, and their number. Source: Binder (1983), doi 10.2307/1402588.

    >>> sums_of([1, 1, 1, 1], [1, 0, 1, 1])
    Sums(w=4.0, s=3.0, ww=4.0, sw=3.0, ss=3.0, clusters=4)
    """
    w, s = np.broadcast_arrays(np.asarray(weights, dtype=np.float64), np.asarray(scores, dtype=np.float64))
    a, b, aa, ab, bb = (plain(x.sum(axis=-1)) for x in (w, s, w * w, s * w, s * s))
    return Sums(a, b, aa, ab, bb, w.shape[-1])


def cross_of(now: tuple[ArrayLike, ArrayLike], before: tuple[ArrayLike, ArrayLike]) -> Cross:
    """Cross sums from (W_g, S_g) of the same respondents in two cells, in the same order (last axis).

    Formula: sum W1 W2, sum S1 W2, sum W1 S2, sum S1 S2. Source: Kish (1965), section 12.4.

    >>> cross_of(([1, 1, 1, 1], [1, 0, 1, 1]), ([1, 1, 1, 1], [0, 0, 1, 0]))
    Cross(ww=4.0, sw=3.0, ws=1.0, ss=1.0)
    """
    w1, s1 = (np.asarray(x, dtype=np.float64) for x in now)
    w2, s2 = (np.asarray(x, dtype=np.float64) for x in before)
    return Cross(*(plain((x * y).sum(axis=-1)) for x, y in ((w1, w2), (s1, w2), (w1, s2), (s1, s2))))
