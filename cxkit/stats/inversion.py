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
# The secant rule's last step is far larger than what is then left: 1e-8 leaves about 1e-13.
_STEP = 1e-8


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
    low = np.where(at_level > 0, start, 0.0)
    high = np.where(at_level > 0, _FAR, start)
    old, old_slack = np.zeros(at_zero.shape), at_zero
    now, now_slack = np.full(at_zero.shape, start), at_level
    place = np.arange(at_zero.size)
    for attempt in range(_SECANTS + _HALVINGS):
        flat = now_slack == old_slack
        new = now - now_slack * (now - old) / np.where(flat, 1.0, now_slack - old_slack)
        outside = ~((new > low) & (new < high)) | flat
        # A secant that leaves its bracket, or has not settled by now, gives way to halving.
        halve = outside | (attempt >= _SECANTS)
        new = np.where(halve, np.where(high < _FAR, (low + high) / 2.0, np.minimum(2.0 * low + 1.0, _FAR)), new)
        done = np.abs(new - now) <= _STEP * (1.0 + now) * np.where(halve, 1e-5, 1.0)
        done |= (now_slack == 0) | (low >= _FAR)
        result[place[done]] = np.where(now_slack == 0, now, new)[done]
        going = ~done
        if not going.any():
            break
        old, old_slack, now = now, now_slack, new
        if done.any():
            chosen = np.arange(at_zero.size)[going] if isinstance(chosen, slice) else chosen[going]
            place, low, high, old, old_slack, now = (x[going] for x in (place, low, high, old, old_slack, now))
        now_slack = slack(now, chosen)
        above = now_slack > 0
        low, high = np.where(above, now, low), np.where(above, high, now)
    return result
