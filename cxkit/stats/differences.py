"""Differences of net scores and shares, and tests against a benchmark: limits and a p-value that agree.

Limits are joined by MOVER, the method of variance estimates recovery, from the reaches of either side. The p-value is
the smallest alpha whose interval excludes 0, found by inverting the very same interval, so that p < 1 - level exactly
when the interval at that level excludes 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import (
    BoolArray,
    Difference,
    FloatArray,
    agree,
    critical,
    floats,
    joint,
    normal_pvalue,
    one_of,
    refuse,
    result,
    usable_correlation,
)
from cxkit.stats.design import NO_DESIGNS, Design, Designs
from cxkit.stats.intervals import (
    Cell,
    Chosen,
    Moments,
    Pair,
    Reaches,
    adjusted_net,
    adjusted_share,
    net_cell,
    net_reaches,
    share_cell,
    share_reaches,
    unadjusted,
)

Counts: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]  # detractors, passives, promoters
Successes: TypeAlias = tuple[ArrayLike, ArrayLike]  # successes, n
Compare: TypeAlias = Callable[[Cell, Cell, float, FloatArray], Difference]
Slack: TypeAlias = Callable[[FloatArray, Chosen], FloatArray]

# Cells that are worked on together: few enough for the processor's cache, which is worth half of the time.
_BLOCK = 8192
# Beyond 40 standard errors the p-value is below the smallest number that a float holds.
_FAR = 40.0
_SECANTS, _HALVINGS = 12, 80
# The secant rule's last step is far larger than what is then left: 1e-7 leaves about 1e-12. That of halving is not.
_STEP, _LAST_HALF = 1e-7, 1e-13
_SHORT = 1e-2


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
    return result(Difference, *_compare(one_of(_NET, method), *cells, level, correlation))


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
    return _halved(_compare(one_of(_SHARE, method), *cells, level, correlation))


def nps_test(counts: Counts, benchmark: ArrayLike, level: float = 0.95, *, design: Design | None = None) -> Difference:
    """Test of a net promoter score against a fixed benchmark, by inverting its score interval.

    Args:
        counts: (detractors, passives, promoters) per cell.
        benchmark: Score to test against, in -1..1; a number without sampling error of its own.
        level: Confidence level in (0, 1).
        design: Effective base under weights and clusters.

    Returns:
        Score minus benchmark, the limits of that, and the p-value.

    Raises:
        ValueError: For a benchmark outside -1..1, such as 40 points.

    Formula: the smallest alpha whose score interval excludes the benchmark. Source: Tango (1998).

    >>> nps_test((20, 30, 50), 0.1)
    Difference(change=0.2, low=0.039551, high=0.343393, pvalue=0.015363)
    """
    return result(Difference, *_against(net_reaches, net_cell(*counts, design), benchmark, -1.0, level))


def rate_test(
    counts: Successes, benchmark: ArrayLike, level: float = 0.95, *, design: Design | None = None
) -> Difference:
    """Test of a share against a fixed benchmark, by inverting Wilson's interval.

    Args:
        counts: (successes, n) per cell.
        benchmark: Share to test against, in 0..1.
        level: Confidence level in (0, 1).
        design: Effective base under weights and clusters.

    Returns:
        Share minus benchmark, the limits of that, and the p-value.

    Formula: the smallest alpha whose Wilson interval excludes the benchmark. Source: Wilson (1927).

    >>> rate_test((81, 263), 0.25)
    Difference(change=0.057985, low=0.005289, high=0.116210, pvalue=0.029882)
    """
    return _halved(_against(share_reaches, share_cell(*counts, design), benchmark, 0.0, level))


def span(first: FloatArray, second: FloatArray, correlation: FloatArray | float) -> FloatArray:
    """MOVER's distance from a difference to its limit: sqrt(a^2 + b^2 - 2 r a b)."""
    return np.sqrt(np.maximum(first**2 + second**2 - 2.0 * correlation * first * second, 0.0))


def _mover(reaches: Reaches, other_reaches: Reaches | None = None) -> Compare:
    beside = other_reaches or reaches

    def compare(first: Cell, second: Cell, level: float, r: FloatArray) -> Difference:
        z = critical(level)
        (down1, up1), (down2, up2) = reaches(first, z), beside(second, z)
        change = first.value - second.value
        below, above = span(down1, up2, r), span(up1, down2, r)
        # Turned so that the limit next to 0 depends on lower reaches only.
        up = np.where(change > 0, 1.0, -1.0)
        one, other = first.turned(up), second.turned(-up)

        def slack(z: FloatArray, chosen: Chosen) -> FloatArray:
            ends = reaches(one.at(chosen), z, both=False)[0], beside(other.at(chosen), z, both=False)[0]
            return np.abs(change[chosen]) - span(*ends, r[chosen])

        pvalue = invert(slack, np.abs(change), np.abs(change) - np.where(change > 0, below, above), level)
        return Difference(change, np.maximum(change - below, -2.0), np.minimum(change + above, 2.0), pvalue)

    return compare


def _normal(moments: Moments) -> Compare:
    """Estimate +- z standard errors, from the (adjusted) estimate and variance of either cell."""

    def centred(first: Cell, second: Cell, z: FloatArray | float, r: FloatArray) -> Pair:
        (value1, v1), (value2, v2) = (moments(cell, cell.base(z)) for cell in (first, second))
        return value1 - value2, np.sqrt(np.maximum(joint(v1, v2, r), 0.0))

    def compare(first: Cell, second: Cell, level: float, r: FloatArray) -> Difference:
        z = critical(level)
        centre, se = centred(first, second, z, r)
        away = np.sign(centre)

        def slack(z: FloatArray, chosen: Chosen) -> FloatArray:
            centre, se = centred(first.at(chosen), second.at(chosen), z, r[chosen])
            return away[chosen] * centre - z * se

        start = np.abs(centred(first, second, 0.0, r)[0])
        pvalue = invert(slack, start, np.abs(centre) - z * se, level)
        return Difference(first.value - second.value, centre - z * se, centre + z * se, pvalue)

    return compare


def _no_reaches(cell: Cell, z: FloatArray | float, both: bool = True) -> Pair:
    return np.zeros_like(cell.value), np.zeros_like(cell.value)


def _against(reaches: Reaches, cell: Cell, benchmark: ArrayLike, least: float, level: float) -> Difference:
    """A benchmark is the second side of a difference whose limits are the value itself."""
    target = floats(benchmark)
    refuse("benchmark", target, (target < least) | (target > 1), f"numbers in [{least:g}, 1]")
    if least == 0:
        target = 2.0 * target - 1.0
    found = _compare(_mover(reaches, _no_reaches), cell, cell._replace(value=target), level, 0.0)
    # Limits of the cell at the ends of its scale, less the target.
    return found._replace(low=np.maximum(found.low, -1.0 - target), high=np.minimum(found.high, 1.0 - target))


def _compare(method: Compare, now: Cell, before: Cell, level: float, correlation: ArrayLike) -> Difference:
    arrays = np.broadcast_arrays(*now, *before, usable_correlation(correlation))
    *parts, r = (array.ravel() for array in arrays)
    first, second = Cell(*parts[:6]), Cell(*parts[6:])
    blocks = [slice(start, start + _BLOCK) for start in range(0, max(r.size, 1), _BLOCK)]
    results = [method(first.at(block), second.at(block), level, r[block]) for block in blocks]
    return Difference(*(np.concatenate(parts).reshape(arrays[0].shape) for parts in zip(*results, strict=True)))


def _halved(difference: Difference) -> Difference:
    """A difference of shares, from that of their cells, whose scale is twice as long."""
    return result(Difference, *(part / 2.0 for part in difference[:3]), difference.pvalue)


_NET = {"score": _mover(net_reaches), "adjusted_wald": _normal(adjusted_net), "wald": _normal(unadjusted)}
_SHARE = {"wilson": _mover(share_reaches), "adjusted_wald": _normal(adjusted_share(1.0)), "wald": _normal(unadjusted)}


def invert(slack: Slack, at_zero: FloatArray, at_level: FloatArray, level: float) -> FloatArray:
    """Two-sided p-values of flat cells.

    Args:
        slack: `slack(z, chosen)`: by how much the interval at z standard errors still misses 0, for the chosen cells;
            positive where it excludes 0.
        at_zero: The slack at z = 0, the size of the difference.
        at_level: The slack of the interval at `level`, which decides on which side of 1 - level the p-value lies.
        level: Confidence level of the interval that is shown.

    Returns:
        p-values; 1 where the difference is 0, NaN where there is no interval.
    """
    start = critical(level)
    excluded = at_level > 0
    pvalue = np.where(np.isnan(at_level) | np.isnan(at_zero), np.nan, 1.0)
    differs = (at_zero > 0) & (pvalue == 1.0)
    chosen: Chosen = slice(None) if differs.all() else np.flatnonzero(differs)
    if differs.any():
        pvalue[chosen] = normal_pvalue(_root(slack, at_zero[chosen], at_level[chosen], start, chosen))
    return agree(pvalue, excluded, level)


def _root(slack: Slack, at_zero: FloatArray, at_level: FloatArray, start: float, chosen: Chosen) -> FloatArray:
    """The z at which the slack is 0, between 0 and the level's z or beyond it, as the interval at the level says."""
    result = np.full(at_zero.shape, _FAR)
    above = at_level > 0
    low, high = np.where(above, start, 0.0), np.where(above, _FAR, start)
    old, old_slack = np.zeros(at_zero.shape), at_zero
    now, now_slack = np.full(at_zero.shape, start), at_level
    place = np.arange(at_zero.size)
    for attempt in range(_SECANTS + _HALVINGS):
        new, halved = _next((now, now_slack), (old, old_slack), (low, high), attempt)
        scale = 1.0 + now
        done = np.abs(new - now) <= np.where(halved, _LAST_HALF, _STEP) * scale
        # A short step counts only where the secant was short too: where the interval has all but reached the end of
        # its scale, a long one is steep and says nothing about the root.
        done &= (np.abs(now - old) <= _SHORT * scale) | halved
        if done.any():
            result[place[done]] = new[done]
            going = ~done
            if not going.any():
                break
            chosen = np.flatnonzero(going) if isinstance(chosen, slice) else chosen[going]
            place, low, high, now, now_slack, new = (x[going] for x in (place, low, high, now, now_slack, new))
        old, old_slack, now = now, now_slack, new
        now_slack = slack(now, chosen)
        above = now_slack > 0
        low, high = np.where(above, now, low), np.where(above, high, now)
    return result


def _next(now: Pair, old: Pair, bracket: Pair, attempt: int) -> tuple[FloatArray, BoolArray | bool]:
    """The next z from two (z, slack) of each cell, and where it halves the bracket instead of following the secant."""
    (z, slack), (old_z, old_slack), (low, high) = now, old, bracket
    with np.errstate(divide="ignore", invalid="ignore"):  # a flat secant gives no number, and so halves
        new = z - slack * (z - old_z) / (slack - old_slack)
    inside = (new > low) & (new < high)
    if inside.all() and attempt < _SECANTS:
        return new, False
    # A secant that leaves its bracket, or has not settled by now, gives way; where nothing bounds z yet it doubles.
    halved = ~inside | (attempt >= _SECANTS)
    half = np.where(high < _FAR, (low + high) / 2.0, np.minimum(2.0 * low + 1.0, _FAR))
    return np.where(halved, half, new), halved
