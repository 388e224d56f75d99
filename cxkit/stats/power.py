"""Planning: how many answers a change needs, and the smallest change that a base could have shown.

V is the variance of one answer in the squared unit of the change (at most 1 for a net score in -1..1, 1/4 for a share).
Power is for planning and for saying what a base could have seen; never for explaining a result after the fact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cxkit.stats.core import FloatArray, floats, joint, numbers, plain, positive, refuse, usable_correlation, within
from cxkit.stats.design import NO_DESIGNS, Design, Designs, base_at, design_of
from cxkit.stats.differences import Counts, Successes, span
from cxkit.stats.intervals import Cell, net_cell, nps_interval, share_cell
from cxkit.stats.means import Moments, Scale, mean_precision, welch
from cxkit.stats.ordinal import smoothed_effect

# Variance of one answer's -1, 0, 1 where it is not known: about the middle of published net promoter scores.
USUAL_NET_VARIANCE = 0.67
_MOST = 1e30  # what can still be squared and squared again


def detectable(
    variance_now: ArrayLike,
    n_now: ArrayLike,
    variance_before: ArrayLike,
    n_before: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
    correlation: ArrayLike = 0.0,
) -> FloatArray:
    """Smallest true change that a two-sided test would find with the given power.

    Args:
        variance_now: Variance of one answer per cell.
        n_now: (Effective) answers per cell.
        variance_before: The same for the cells compared with; 0 for a fixed benchmark.
        n_before: The same.
        alpha: Significance level, per cell; the family's first Holm step is alpha / family size.
        power: Chance of finding the change, in (0, 1).
        correlation: r of the two estimates where they share respondents.

    Formula: (z_{1-alpha/2} + z_power) sqrt(V1/n1 + V2/n2 - 2 r sqrt(V1 V2 / n1 n2)). Source: Cohen (1988), chapter 2.

    >>> detectable(0.67, 100, 0.67, 100)
    0.324307
    """
    v1, v2 = floats(variance_now) / positive(n_now), floats(variance_before) / positive(n_before)
    r = usable_correlation(correlation)
    return plain(_quantiles(alpha, power) * np.sqrt(joint(v1, v2, r)))


def nps_detectable(
    now: Counts,
    before: Counts,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> FloatArray:
    """Smallest change of a net score, in 0..2, that the default test would find, in the direction that is harder.

    Args:
        now: (detractors, passives, promoters) per cell, of which only the base matters.
        before: The same for the cells compared with, from whose shares the change sets out.
        alpha: Significance level, per cell.
        power: Chance of finding the change.
        designs: Effective bases.
        correlation: r of the two estimates where they share respondents; 1 for people of whom nobody changed.

    Returns:
        Sizes; NaN where the scale holds no change that would be found.

    Formula: the smallest D with D >= (t_{1-alpha/2} + t_power) sqrt(V(D)/n1 + V(0)/n2 - 2 r C(D)/sqrt(n1 n2)), n1 and
    n2 as in the interval at that alpha. A fall by D turns D/2 of all answers from promoters into detractors and, when
    these are used up, passives; V(D) is the variance of what becomes of the shares, C(D) the covariance of an answer
    with what becomes of it. A rise is the mirror image. Student's t with Welch's degrees, because V is estimated.
    Source: as `detectable`. V under the change, and t in place of z, are the kit's own: benchmarks/detectable.py.

    >>> nps_detectable((5, 15, 80), (5, 15, 80))
    0.267842
    """
    return plain(_harder(net_cell(*now, designs[0]), net_cell(*before, designs[1]), alpha, power, correlation))


def rate_detectable(
    now: Successes,
    before: Successes,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> FloatArray:
    """Smallest change of a share, in 0..1, that the default test would find, in the direction that is harder.

    Args:
        now: (successes, n) per cell, of which only the base matters.
        before: The same for the cells compared with, from whose share the change sets out.
        alpha: Significance level, per cell.
        power: Chance of finding the change.
        designs: Effective bases.
        correlation: r of the two estimates where they share respondents.

    Formula and source: as `nps_detectable`, without passives and on a scale half as long.

    >>> rate_detectable((90, 100), (90, 100))
    0.148052
    """
    cells = share_cell(*now, designs[0]), share_cell(*before, designs[1])
    return plain(_harder(*cells, alpha, power, correlation) / 2.0)


def mean_detectable(
    now: Moments,
    before: Moments,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
    scale: Scale | None = None,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> FloatArray:
    """Smallest change of a mean, in its own unit, that bases and variances like these would show.

    Args:
        now: (mean, variance, n) per cell; variance with divisor n.
        before: The same for the cells compared with.
        alpha: Significance level, per cell.
        power: Chance of finding the change.
        scale: Ends of the answer scale, R apart; None for no ends, and no bound where a side has no spread.
        designs: Effective bases.
        correlation: r of the two estimates where they share respondents.

    Returns:
        Sizes; NaN where the scale holds no change that would be found, or a side has fewer than two answers.

    Formula: (t_{1-alpha/2} + t_power) SE, with the degrees of freedom of `mean_difference`. What has no spread, a side
    whose answers are all the same or people who all changed alike, would get R D - D^2 by a change of D that few of n
    make, by all of R: D^2 = t^2 (SE^2 + (R D - D^2) sum 1/n), sum over what has none. Source: as `mean_difference`.

    >>> mean_detectable((5.5, 1.2, 40), (5.0, 1.5, 35))
    0.777708
    """
    (v1, df1), (v2, df2) = mean_precision(now, designs[0]), mean_precision(before, designs[1])
    r = _correlation(correlation)
    squared = joint(v1, v2, r)
    t2 = _quantiles(alpha, power, welch(v1, v2, df1, df2, r)) ** 2
    used = design_of(now[2], designs[0]), design_of(before[2], designs[1])
    one, other = (_per_answer(design, alpha) for design in used)
    alike = (r == 1.0) & (squared <= 1e-12 * (v1 + v2))
    without = np.where(alike, np.maximum(one, other), np.where(v1 == 0, one, 0.0) + np.where(v2 == 0, other, 0.0))
    ends = (-np.inf, np.inf) if scale is None else scale
    width = np.nan if scale is None else scale[1] - scale[0]
    spread = np.where(without > 0, t2 * without * width, 0.0)
    size = _root(spread, t2 * np.where(alike, 0.0, squared), 1.0 + t2 * without)
    mean = floats(before[0])
    return plain(np.where(size <= np.maximum(mean - ends[0], ends[1] - mean), size, np.nan))


def rank_detectable(
    now: ArrayLike,
    before: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> FloatArray:
    """Smallest distance from 1/2 that the test of `superiority` would find, in the direction that is harder.

    Args:
        now: Counts of the ordered answers on the last axis; cells on the others.
        before: The same answers of the cells compared with.
        alpha: Significance level, per cell.
        power: Chance of finding the effect.
        designs: Effective bases of the mean rank of either side.
        correlation: r of the mean ranks of both sides where they share respondents.

    Returns:
        Distances in 0..1/2: .15 for "65 or 35 of 100 pairs"; NaN where no effect would be found.

    Formula: the smallest D with D >= (t_{1-alpha/2} + t_power) sqrt(3 (v (1/2 + D)/(3/2 + D) + w (1/2 - D)/(3/2 - D))),
    v and w the larger and the smaller of the two parts of Brunner and Munzel's variance. Under proportional hazards
    these become 12 theta^2 (1 - theta)/(1 + theta) times as large, and the test takes its variance at 1/2, by
    4 theta (1 - theta). Source: Hanley and McNeil (1982), doi 10.1148/radiology.143.1.7063747; as `superiority`.

    >>> rank_detectable([10, 20, 30, 40], [10, 20, 30, 40])
    0.109008
    """
    (x,), (y,) = numbers(now=now), numbers(before=before)
    _, (v, df1), (w, df2) = smoothed_effect(x, y, designs)
    t = _quantiles(alpha, power, welch(v, w, df1, df2))
    both = 2.0 * usable_correlation(correlation) * np.sqrt(v * w)
    low, high = np.zeros_like(t), np.full_like(t, 0.5)
    for _ in range(40):
        size = (low + high) / 2.0
        up, down = (0.5 + size) / (1.5 + size), (0.5 - size) / (1.5 - size)
        found = size**2 >= t**2 * (3.0 * (np.maximum(v, w) * up + np.minimum(v, w) * down) - both)
        low, high = np.where(found, low, size), np.where(found, size, high)
    return plain(np.where(high < 0.5, high, np.nan))


def sample_size(
    change: ArrayLike,
    variance_now: ArrayLike = USUAL_NET_VARIANCE,
    variance_before: ArrayLike | None = None,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
) -> FloatArray:
    """Answers that each side needs so that a two-sided test finds a true change with the given power.

    Args:
        change: The change to find, in the unit whose variance is given; not 0.
        variance_now: Variance of one answer; .67 is usual for a net score in -1..1.
        variance_before: The same for the other side, None for the same variance, 0 for a fixed benchmark.
        alpha: Significance level.
        power: Chance of finding the change.

    Returns:
        Whole numbers of answers per side; times the design effect where answers are weighted or clustered.

    Formula: (z_{1-alpha/2} + z_power)^2 (V1 + V2) / change^2, rounded up. Source: as `detectable`.

    >>> sample_size(0.2, 0.6 * 0.4, 0.4 * 0.6)  # two shares, .6 and .4
    95.0
    """
    v1 = floats(variance_now)
    v2 = v1 if variance_before is None else floats(variance_before)
    needed = _quantiles(alpha, power) ** 2 * (v1 + v2) / positive(np.abs(floats(change))) ** 2
    return plain(np.ceil(needed - 1e-9))


def smallest_base(seen: Callable[[int], float], change: float) -> int:
    """The fewest answers on either side that show a change.

    Args:
        seen: What n answers on either side show; falls with n, NaN where they show nothing.
        change: The change to find, above 0.

    Formula: the smallest n with seen(n) <= change, by doubling and halving. Source: the definition, so that it is the
    inverse of what `seen` promises.

    >>> smallest_base(lambda n: float(detectable(0.67, n, 0.67, n)), 0.10)
    1052
    """
    high = 2
    while not seen(high) <= change * (1.0 + 1e-12):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) <= change * (1.0 + 1e-12) else (middle, high)
    return high


def nps_exact_power(
    now: Sequence[float], before: Sequence[float], n_now: int, n_before: int, *, level: float = 0.95
) -> float:
    """Chance that the default test of two net scores finds their difference, by enumerating every possible sample.

    Args:
        now: True shares (detractors, passives, promoters), summing to 1.
        before: The same for the other side.
        n_now: Answers; the work grows with n_now^2 n_before^2, so up to about 100.
        n_before: Answers of the other side.
        level: 1 minus the significance level.

    Formula: the multinomial probability of all pairs of samples whose MOVER interval excludes 0.
    Source: the definition of power, enumerated.

    >>> nps_exact_power((0.2, 0.3, 0.5), (0.4, 0.3, 0.3), 20, 20)
    0.3357
    """
    one, (values, lows, highs, probabilities) = _enumerated(now, n_now, level), _enumerated(before, n_before, level)
    found = 0.0
    for value, low, high, probability in zip(*one, strict=True):
        change = value - values
        below, above = span(value - low, highs - values, 0.0), span(high - value, values - lows, 0.0)
        excluded = (change > below) | (-change > above)
        found += probability * float(probabilities[excluded].sum())
    return float(found)


def _enumerated(shares: Sequence[float], n: int, level: float) -> tuple[FloatArray, ...]:
    if abs(sum(shares) - 1.0) > 1e-9:
        raise ValueError(f"shares: expected (detractors, passives, promoters) that sum to 1, found {tuple(shares)}")
    counts = trinomials(n)
    low, high = nps_interval(counts[0], counts[1], counts[2], level)
    return (counts[2] - counts[0]) / n, low, high, trinomial_probabilities(counts, shares)


def _quantiles(alpha: ArrayLike, power: float, df: ArrayLike = np.inf) -> FloatArray:
    level = floats(alpha)
    refuse("alpha", level, (level <= 0) | (level >= 1), "numbers between 0 and 1")
    within("power", power, 0.8)
    # Where one weight decides there are next to no degrees of freedom, and t has no end.
    return cast(FloatArray, np.minimum(special.stdtrit(df, power) - special.stdtrit(df, level / 2.0), _MOST))


def _correlation(correlation: ArrayLike) -> FloatArray:
    usable_correlation(correlation)  # which refuses what is none; people who all answered alike have 1, not .99
    return floats(correlation)


def _per_answer(design: Design, alpha: ArrayLike) -> FloatArray:
    """One over the base that the limits at 1 - alpha take."""
    return 1.0 / positive(np.maximum(base_at(design, -special.ndtri(floats(alpha) / 2.0)), 1.0 / _MOST))


def _harder(now: Cell, before: Cell, alpha: ArrayLike, power: float, correlation: ArrayLike) -> FloatArray:
    """The smallest change that is found whichever way it goes; NaN where the scale holds none."""
    r, one, other = _correlation(correlation), _per_answer(now.design, alpha), _per_answer(before.design, alpha)
    df1, df2 = (positive(cell.n - 1.0) for cell in (now, before))
    t = _quantiles(alpha, power, welch(one, other, df1, df2, r))
    weights = t**2 * one, t**2 * other, 2.0 * r * t**2 * np.sqrt(one * other)
    falls, rises = (_smallest(cell, *weights) for cell in (before, before.turned()))
    down, up = 1.0 + before.value, 1.0 - before.value
    # A direction in which nothing is found counts as far as the scale goes: beyond its end there is no such change.
    size = np.maximum(np.where(falls <= down, falls, down), np.where(rises <= up, rises, up))
    seen = ((falls <= down) & (size <= down)) | ((rises <= up) & (size <= up))
    return np.where(seen & ~np.isnan(falls + rises), size, np.nan)


def _smallest(cell: Cell, k1: FloatArray, k2: FloatArray, c: FloatArray) -> FloatArray:
    """The smallest fall D with D^2 >= k1 V(D) + k2 V(0) - c C(D): quadratic while there are promoters, and after."""
    value, variance = cell.value, cell.variance
    used_up = cell.variance + value**2 + value  # twice the share of promoters
    first = _root(2.0 * value * k1 + c * (1.0 - value), variance * (k1 + k2 - c), 1.0 + k1)
    rest = variance * k2 - (k1 - c) * value * (1.0 + value)
    after = _root(k1 * (1.0 + 2.0 * value) - c * value, rest, 1.0 + k1)
    return np.where((used_up > 0) & (first <= used_up), first, after)


def _root(b: FloatArray, c: FloatArray, a: FloatArray) -> FloatArray:
    """The larger root of a D^2 = b D + c."""
    return (b + np.sqrt(np.maximum(b**2 + 4.0 * a * c, 0.0))) / (2.0 * a)


def trinomials(n: int) -> FloatArray:
    """All (detractors, passives, promoters) of n answers, as three rows."""
    d, p = np.divmod(np.arange((n + 1) ** 2), n + 1)
    kept = d + p <= n
    return np.stack([d[kept], n - d[kept] - p[kept], p[kept]]).astype(np.float64)


def trinomial_probabilities(counts: FloatArray, shares: ArrayLike) -> FloatArray:
    """Multinomial probability of each column of counts (3, k) under shares (..., 3), as (..., k)."""
    logs = special.gammaln(counts.sum(axis=0) + 1.0) - special.gammaln(counts + 1.0).sum(axis=0)
    return cast(FloatArray, np.exp(logs + special.xlogy(counts, floats(shares)[..., :, None]).sum(axis=-2)))
