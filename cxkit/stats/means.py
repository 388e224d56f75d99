"""Means of a scale: their interval, Welch's difference, and the mean of everybody's own change.

Ignoring that the same people answered twice would drive the true size of a 5 % test to 0-.02: what people have in
common would count as noise.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import (
    Difference,
    FloatArray,
    Interval,
    agree,
    critical,
    floats,
    joint,
    normal_pvalue,
    positive,
    result,
    t_at,
    t_critical,
    t_pvalue,
    usable_correlation,
)
from cxkit.stats.design import (
    NO_DESIGNS,
    Cross,
    Design,
    Designs,
    Sums,
    base_at,
    cross_products,
    design_of,
    freedom,
    squares,
)
from cxkit.stats.differences import invert, span
from cxkit.stats.intervals import Chosen, Pair

Moments: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]  # mean, variance with divisor n, n
Scale: TypeAlias = tuple[float, float]
# A weighted variance that should be 0 is of the order of 1e-16 times the squared mean.
_NO_VARIANCE = 1e-13


def mean_interval(
    mean: ArrayLike,
    variance: ArrayLike,
    n: ArrayLike,
    level: float = 0.95,
    *,
    scale: tuple[float, float] | None = None,
    design: Design | None = None,
) -> Interval:
    """Interval for the mean of a scale.

    Args:
        mean: Mean per cell, in the unit of the scale.
        variance: Variance of one answer with divisor n, at the weighted shares.
        n: Answers per cell.
        level: Confidence level in (0, 1).
        scale: Ends at which the limits are cut; None to leave them as they are.
        design: Effective base and degrees of freedom under weights and clusters.

    Returns:
        Limits; NaN where there are fewer than two answers, and, without a scale, where all are the same.

    Formula: m +- t_df sqrt(n/(n - 1) V/n_eff), df = n - 1 without a design. Where all answers are the same, `unseen`
    times the width of the scale. Source: Student (1908); Wilson (1927).

    >>> mean_interval(5.5, 1.25, 4, scale=(1, 7))
    Interval(low=3.445739, high=7.0)
    >>> mean_interval(7, 0, 40, scale=(1, 7))
    Interval(low=6.474270, high=7.0)
    """
    half = _half_width((mean, variance, n), critical(level), scale, design)
    low, high = (-np.inf, np.inf) if scale is None else scale
    return result(Interval, np.maximum(floats(mean) - half, low), np.minimum(floats(mean) + half, high))


def mean_difference(
    now: Moments,
    before: Moments,
    level: float = 0.95,
    *,
    scale: tuple[float, float] | None = None,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> Difference:
    """Difference of two means, by Welch's t on the (linearised) variances.

    Args:
        now: (mean, variance, n) per cell; variance of one answer with divisor n, at the weighted shares.
        before: The same for the cells they are compared with.
        level: Confidence level in (0, 1).
        scale: Ends of the answer scale; the limits are cut at its width. None to leave them.
        designs: Effective bases and degrees of freedom.
        correlation: r of the two estimates where they share respondents, in [-1, 1].

    Returns:
        change, low, high, pvalue; limits and p are NaN where either side has fewer than two answers, and, without a
        scale, where either has no spread.

    Formula: D +- t_df sqrt(v1 + v2 - 2 r sqrt(v1 v2)), v = n/(n - 1) V/n_eff,
    df = (v1 + v2)^2 / (v1^2/df1 + v2^2/df2), the smaller of df1 and df2 where the sides share respondents:
    with everybody shared this is the paired t test. Where all answers of a side are the same, MOVER of the limits of
    `mean_interval`. Source: Welch (1947), doi 10.1093/biomet/34.1-2.28; Zou and Donner (2008), doi 10.1002/sim.3095.

    >>> mean_difference((5.5, 1.2, 40), (5.0, 1.5, 35))
    Difference(change=0.5, low=-0.045956, high=1.045956, pvalue=0.072020)
    """
    (v1, df1), (v2, df2) = mean_precision(now, designs[0]), mean_precision(before, designs[1])
    r = usable_correlation(correlation)
    change = np.subtract(now[0], before[0], dtype=np.float64)
    df = welch(v1, v2, df1, df2, r)
    without = (v1 == 0) | (v2 == 0)
    se = np.where(without, np.nan, np.sqrt(joint(v1, v2, r)))
    found = _cut(change, t_critical(df, level) * se, t_pvalue(change / se, df), level, scale)
    if scale is None or not without.any():
        return found
    bound = _bounded(now, before, level, scale, designs)
    return result(Difference, *(np.where(without, b, part) for b, part in zip(bound, found, strict=True)))


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
    w1, w2, m = positive(now.w), positive(before.w), floats(now.clusters)
    change = now.s / w1 - before.s / w2
    parts = squares(now) / w1**2, squares(before) / w2**2
    spread = parts[0] + parts[1] - 2.0 * cross_products(now, before, cross) / (w1 * w2)
    # What is left of two equal spreads is rounding.
    known = (m > 1) & (spread > 1e-12 * (parts[0] + parts[1]))
    se = np.sqrt(np.where(known, spread, np.nan) * m / positive(m - 1.0))
    df = np.minimum(freedom(w1, now.ww, m), freedom(w2, before.ww, m))
    return _cut(change, t_critical(df, level) * se, t_pvalue(change / se, df), level, scale)


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
    w1, w2 = positive(now.w), positive(before.w)
    n = np.minimum(w1**2 / positive(now.ww), w2**2 / positive(before.ww))
    change = now.s / w1 - before.s / w2
    half = unseen(n, z) * (width + np.abs(change))
    return _cut(change, half, normal_pvalue(np.sqrt(n * np.abs(change) / width)), level, scale)


def unseen(base: FloatArray, z: FloatArray | float) -> FloatArray:
    """The greatest share of answers of a kind of which a base holds none: z^2/(n + z^2), Wilson's limit for 0 of n."""
    return np.square(z) / (base + np.square(z))


def mean_precision(moments: Moments, design: Design | None) -> Pair:
    """Squared standard error of a mean, 0 where all answers are the same, and its degrees of freedom; NaN for one."""
    m, v, n = map(floats, moments)
    _, n_eff, df = design_of(n, design)
    varying = np.where(v > _NO_VARIANCE * (1.0 + m**2), v, 0.0)
    return np.where(n > 1, varying, np.nan) * n / positive(n - 1.0) / positive(n_eff), positive(df)


def welch(v1: FloatArray, v2: FloatArray, df1: FloatArray, df2: FloatArray, r: ArrayLike = 0.0) -> FloatArray:
    """Satterthwaite's degrees of freedom of v1 + v2; the smaller of the two where both are 0 or people are shared."""
    total, least = v1 + v2, np.minimum(df1, df2)
    apart = total**2 / positive(v1**2 / df1 + v2**2 / df2)
    return np.where((total == 0) | (floats(r) != 0), least, apart)


def _half_width(moments: Moments, z: FloatArray | float, scale: Scale | None, design: Design | None) -> FloatArray:
    """Half the width of the interval of a mean at z standard errors, before it is cut at the ends of the scale."""
    used = design_of(moments[2], design)
    squared, df = mean_precision(moments, used)
    width = np.nan if scale is None else scale[1] - scale[0]
    return np.where(squared == 0, width * unseen(base_at(used, z), z), t_at(z, df) * np.sqrt(squared))


def _cut(change: FloatArray, half: FloatArray, pvalue: FloatArray, level: float, scale: Scale | None) -> Difference:
    """A difference with its limits cut at the width of the scale."""
    widest = np.inf if scale is None else abs(scale[1] - scale[0])
    agreed = agree(pvalue, half < np.abs(change), level)
    return result(Difference, change, np.maximum(change - half, -widest), np.minimum(change + half, widest), agreed)


def _bounded(now: Moments, before: Moments, level: float, scale: Scale, designs: Designs) -> tuple[FloatArray, ...]:
    """Differences of means by MOVER of their own limits, where a side has no spread that Welch's test could take."""
    sides = (*now, *design_of(now[2], designs[0])), (*before, *design_of(before[2], designs[1]))
    arrays = np.broadcast_arrays(*map(floats, (*sides[0], *sides[1])))
    flat = [array.ravel() for array in arrays]
    change = flat[0] - flat[6]

    def distances(z: FloatArray | float, chosen: Chosen) -> Pair:
        ends = []
        for side in (flat[:6], flat[6:]):
            mean, variance, n, *design = (x[chosen] for x in side)
            half = _half_width((mean, variance, n), z, scale, Design(*design))
            ends += [np.minimum(half, mean - scale[0]), np.minimum(half, scale[1] - mean)]
        down1, up1, down2, up2 = ends
        return span(down1, up2, 0.0), span(up1, down2, 0.0)

    def slack(z: FloatArray | float, chosen: Chosen) -> FloatArray:
        moved = change[chosen]
        return floats(np.abs(moved) - np.where(moved > 0, *distances(z, chosen)))

    z, every = critical(level), slice(None)
    below, above = distances(z, every)
    pvalue = invert(slack, np.abs(change), slack(z, every), level)
    return tuple(part.reshape(arrays[0].shape) for part in (change, change - below, change + above, pvalue))
