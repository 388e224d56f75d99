"""p-values by inverting an interval: the smallest alpha whose interval excludes 0, for all cells at once.

`slack(z, chosen)` says by how much the interval at z standard errors still misses 0, for the chosen cells; positive
means that it excludes 0. The root in z is found by the secant rule inside a bracket; cells that are done drop out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cxkit.stats.core import FloatArray, agree, critical, normal_pvalue

Chosen: TypeAlias = NDArray[np.intp] | slice
Slack: TypeAlias = Callable[[FloatArray, Chosen], FloatArray]

# Beyond 40 standard errors the p-value is below the smallest number that a float holds.
_FAR = 40.0
_SECANTS, _HALVINGS = 12, 80
# The secant rule's last step is far larger than what is then left: 1e-7 leaves about 1e-12. That of halving is not.
_STEP, _LAST_HALF = 1e-7, 1e-13
_SHORT = 1e-2


def invert(slack: Slack, at_zero: FloatArray, at_level: FloatArray, level: float) -> FloatArray:
    """Two-sided p-values of flat cells.

    Args:
        slack: By how much the interval at z misses 0, per chosen cell.
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
        new, halved = _next(now, now_slack, old, old_slack, low, high, attempt)
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


def _next(
    now: FloatArray,
    now_slack: FloatArray,
    old: FloatArray,
    old_slack: FloatArray,
    low: FloatArray,
    high: FloatArray,
    attempt: int,
) -> tuple[FloatArray, NDArray[np.bool_] | bool]:
    """The next z of each cell, and where it halves the bracket instead of following the secant."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a flat secant gives no number, and so halves
        new = now - now_slack * (now - old) / (now_slack - old_slack)
    inside = (new > low) & (new < high)
    if inside.all() and attempt < _SECANTS:
        return new, False
    # A secant that leaves its bracket, or has not settled by now, gives way; where nothing bounds z yet it doubles.
    halved = ~inside | (attempt >= _SECANTS)
    half = np.where(high < _FAR, (low + high) / 2.0, np.minimum(2.0 * low + 1.0, _FAR))
    return np.where(halved, half, new), halved
