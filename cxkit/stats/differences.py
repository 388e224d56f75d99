"""Differences between two cells, first minus second, with limits and a p-value that agree with each other.

The p-value is the smallest alpha whose interval excludes 0, found by inverting the very same interval, so that
p < 1 - level exactly when the interval at that level excludes 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.cells import (
    NO_DESIGNS,
    Cell,
    Counts,
    Designs,
    Moments,
    Successes,
    flat,
    net_cell,
    share_cell,
    take,
)
from cxkit.stats.core import Difference, FloatArray, agree, critical, plain, t_critical, t_pvalue
from cxkit.stats.design import Design, base_at, plain_design
from cxkit.stats.intervals import (
    SHARE_ADDED_EACH,
    adjusted_net,
    adjusted_share,
    mean_half_width,
    mean_precision,
    unadjusted,
    welch,
)
from cxkit.stats.inversion import Chosen, invert
from cxkit.stats.limits import (
    Reach,
    Reaches,
    net_reach,
    net_reaches,
    share_reach,
    share_reaches,
    span,
    towards_zero,
    usable_correlation,
)

# Cells that are worked on together: few enough for the processor's cache, which is worth half of the time.
_BLOCK = 8192

Adjust: TypeAlias = Callable[[Cell, FloatArray], tuple[FloatArray, FloatArray]]
Compare: TypeAlias = Callable[[Cell, Cell, float, FloatArray], Difference]


def nps_difference(
    now: Counts,
    before: Counts,
    level: float = 0.95,
    method: str = "score",
    *,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> Difference:
    """Difference of two net promoter scores.

    Args:
        now: (detractors, passives, promoters) per cell, any shape; fractional after weighting.
        before: The same for the cells they are compared with; the two broadcast.
        level: Confidence level in (0, 1).
        method: "score" (default), MOVER of the score limits; "adjusted_wald" or "wald".
        designs: Effective bases of now and before, None where a side is plain.
        correlation: r of the two estimates where they share respondents, in [-1, 1].

    Returns:
        change, low, high in -2..2 and pvalue. Limits and p are NaN where either side has no interval; p is 1 where
        the change is 0.

    Raises:
        ValueError: For negative counts, a bad level or correlation, or an unknown method.

    Formula: D - sqrt(a1^2 + b2^2 - 2 r a1 b2), D + sqrt(b1^2 + a2^2 - 2 r b1 a2), where a and b are the distances of
    an estimate to its lower and upper score limit. Source: Newcombe (1998), doi
    10.1002/(SICI)1097-0258(19980430)17:8<873; Zou and Donner (2008), doi 10.1002/sim.3095; Tango (1998).

    >>> nps_difference((20, 30, 50), (30, 30, 40))
    Difference(change=0.2, low=-0.025287, high=0.417864, pvalue=0.081860)
    """
    cells = net_cell(*now, designs[0]), net_cell(*before, designs[1])
    return _compare(NET_DIFFERENCES, method, *cells, level, correlation)


def rate_difference(
    now: Successes,
    before: Successes,
    level: float = 0.95,
    method: str = "wilson",
    *,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> Difference:
    """Difference of two shares.

    Args:
        now: (successes, n) per cell, any shape; fractional after weighting.
        before: The same for the cells they are compared with.
        level: Confidence level in (0, 1).
        method: "wilson" (default), Newcombe's hybrid score interval; "adjusted_wald" (+1 to either side) or "wald".
        designs: Effective bases of now and before.
        correlation: r of the two estimates where they share respondents, in [-1, 1].

    Returns:
        change, low, high in -1..1 and pvalue, as in `nps_difference`.

    Raises:
        ValueError: For negative counts, more successes than answers, a bad level or correlation, an unknown method.

    Formula: MOVER of Wilson's limits. Source: Newcombe (1998), method 10, doi
    10.1002/(SICI)1097-0258(19980430)17:8<873; Agresti and Caffo (2000), doi 10.1080/00031305.2000.10474560, for the
    adjusted method.

    >>> rate_difference((56, 70), (48, 80))
    Difference(change=0.2, low=0.052431, high=0.333873, pvalue=0.008133)
    """
    cells = share_cell(*now, designs[0]), share_cell(*before, designs[1])
    return halved(_compare(SHARE_DIFFERENCES, method, *cells, level, correlation))


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
    (v1, df1), (v2, df2) = mean_precision(*now, designs[0]), mean_precision(*before, designs[1])
    r = usable_correlation(correlation)
    change = np.asarray(now[0], dtype=np.float64) - np.asarray(before[0], dtype=np.float64)
    df = np.where(r == 0, welch(v1, v2, df1, df2), np.minimum(df1, df2))
    without = (v1 == 0) | (v2 == 0)
    se = np.where(without, np.nan, np.sqrt(v1 + v2 - 2.0 * r * np.sqrt(v1 * v2)))
    half = t_critical(df, level) * se
    pvalue = agree(t_pvalue(change / se, df), half < np.abs(change), level)
    widest = np.inf if scale is None else abs(scale[1] - scale[0])
    parts: Sequence[FloatArray] = np.broadcast_arrays(
        change, np.maximum(change - half, -widest), np.minimum(change + half, widest), pvalue
    )
    if scale is not None and without.any():
        bound = _bounded(now, before, level, scale, designs)
        parts = [np.where(without, b, part) for b, part in zip(bound, parts, strict=True)]
    return Difference(*(plain(x) for x in parts))


def _bounded(
    now: Moments, before: Moments, level: float, scale: tuple[float, float], designs: Designs
) -> tuple[FloatArray, ...]:
    """Differences of means by MOVER of their own limits, where a side has no spread that Welch's test could take."""
    one, other = (
        plain_design(x[2]) if design is None else design for x, design in zip((now, before), designs, strict=True)
    )
    arrays = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (*now, *one, *before, *other)))
    shape, flat = arrays[0].shape, [array.ravel() for array in arrays]

    def distances(z: FloatArray | float, chosen: Chosen) -> tuple[FloatArray, FloatArray]:
        ends = []
        for side in (flat[:6], flat[6:]):
            mean, variance, n, *design = (x[chosen] for x in side)
            half = mean_half_width(mean, variance, n, z, scale, Design(*design))
            ends += [np.minimum(half, mean - scale[0]), np.minimum(half, scale[1] - mean)]
        down1, up1, down2, up2 = ends
        return span(down1, up2, 0.0), span(up1, down2, 0.0)

    change = flat[0] - flat[6]

    def slack(z: FloatArray | float, chosen: Chosen) -> FloatArray:
        below, above = distances(z, chosen)
        return cast(FloatArray, np.abs(change[chosen]) - np.where(change[chosen] > 0, below, above))

    every = slice(None)
    z = critical(level)
    below, above = distances(z, every)
    pvalue = invert(slack, np.abs(change), slack(z, every), level)
    return tuple(part.reshape(shape) for part in (change, change - below, change + above, pvalue))


def mover(reaches: Reaches, reach: Reach) -> Compare:
    """The method of variance estimates recovery for limits that `reaches` gives, both, and `reach`, the lower one."""

    def compare(first: Cell, second: Cell, level: float, r: FloatArray) -> Difference:
        z = critical(level)
        down1, up1 = reaches(first, base_at(first.design, z), z)
        down2, up2 = reaches(second, base_at(second.design, z), z)
        change = first.value - second.value
        below, above = span(down1, up2, r), span(up1, down2, r)
        near = np.where(change > 0, below, above)
        one, other = towards_zero(first, second)

        def slack(z: FloatArray, chosen: Chosen) -> FloatArray:
            a, b = take(one, chosen), take(other, chosen)
            reaches = reach(a, base_at(a.design, z), z), reach(b, base_at(b.design, z), z)
            return np.abs(change[chosen]) - span(*reaches, r[chosen])

        pvalue = invert(slack, np.abs(change), np.abs(change) - near, level)
        return Difference(change, np.maximum(change - below, -2.0), np.minimum(change + above, 2.0), pvalue)

    return compare


def normal(adjust: Adjust) -> Compare:
    """Estimate +- z standard errors, from the (adjusted) estimate and variance of either cell."""

    def compare(first: Cell, second: Cell, level: float, r: FloatArray) -> Difference:
        z = critical(level)
        centre, se = _centre(adjust, first, second, z, r)
        away = np.sign(centre)

        def slack(z: FloatArray, chosen: Chosen) -> FloatArray:
            centre, se = _centre(adjust, take(first, chosen), take(second, chosen), z, r[chosen])
            return away[chosen] * centre - z * se

        start = np.abs(_centre(adjust, first, second, 0.0, r)[0])
        pvalue = invert(slack, start, np.abs(centre) - z * se, level)
        return Difference(first.value - second.value, centre - z * se, centre + z * se, pvalue)

    return compare


def _centre(
    adjust: Adjust, first: Cell, second: Cell, z: FloatArray | float, r: FloatArray
) -> tuple[FloatArray, FloatArray]:
    value1, v1 = adjust(first, base_at(first.design, z))
    value2, v2 = adjust(second, base_at(second.design, z))
    return value1 - value2, np.sqrt(np.maximum(v1 + v2 - 2.0 * r * np.sqrt(v1 * v2), 0.0))


def _compare(
    methods: dict[str, Compare], method: str, now: Cell, before: Cell, level: float, correlation: ArrayLike
) -> Difference:
    if method not in methods:
        raise ValueError(f"method: expected one of {', '.join(methods)}; found {method!r}")
    r = usable_correlation(correlation)
    first, second, r, shape = flat(now, before, r)
    blocks = [slice(start, start + _BLOCK) for start in range(0, max(r.size, 1), _BLOCK)]
    results = [methods[method](take(first, block), take(second, block), level, r[block]) for block in blocks]
    return Difference(*(plain(np.concatenate(parts).reshape(shape)) for parts in zip(*results, strict=True)))


NET_DIFFERENCES = {
    "score": mover(net_reaches, net_reach),
    "adjusted_wald": normal(adjusted_net),
    "wald": normal(unadjusted),
}
SHARE_DIFFERENCES = {
    "wilson": mover(share_reaches, share_reach),
    "adjusted_wald": normal(lambda cell, base: adjusted_share(cell, base, SHARE_ADDED_EACH)),
    "wald": normal(unadjusted),
}


def halved(difference: Difference) -> Difference:
    """A difference of shares, from that of their cells, whose scale is twice as long."""
    change, low, high = (plain(np.asarray(part) / 2.0) for part in difference[:3])
    return Difference(change, low, high, difference.pvalue)
