"""Whether several changes are one and the same, seen through the intervals that stand beside them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from cxkit.stats.core import FloatArray, critical

_POWER, _ROUNDS, _LEAST = 0.8, 50, 1e-9


class Heterogeneity(NamedTuple):
    """Cochran's Q of several changes; what stands behind it.

    Attributes:
        q: The statistic; NaN with fewer than two changes.
        df: Changes less one.
        pvalue: Of the test that all are alike.
        error: Standard error of each change, from half the width of its interval.
        apart: By how much each alone would have to differ from the others for Q to find it with 80 % power.
        singled: The changes without which the others are alike; all, where no two are.
    """

    q: float
    df: int
    pvalue: float
    error: FloatArray
    apart: FloatArray
    singled: NDArray[np.bool_]


def cochran_q(change: ArrayLike, low: ArrayLike, high: ArrayLike, level: float = 0.95) -> Heterogeneity:
    """Test that independent changes differ by chance only, and which of them do where they do not.

    The standard error of a change is the arm of its interval on the side of the common change, over z: whatever stands
    behind the interval (weights, clusters, shared respondents, few answers) stands behind the test, and a part in which
    everybody answers alike has an error, too.

    Args:
        change: Change per part, in any unit; NaN parts are left out and stay NaN.
        low: Lower limits.
        high: Upper limits.
        level: Of the limits, in (0, 1); 1 - level is the significance level of `apart` and `singled`.

    Formula: Q = min over m of sum ((y_i - m) / s_i)^2, chi-square with k - 1 degrees of freedom. As long as it is
    significant, the change is singled out without which Q is least. Source: Cochran (1954), doi 10.2307/3001666; arms
    of intervals as errors as in MOVER, Zou and Donner (2008), doi 10.1002/sim.3095.

    >>> found = cochran_q([-0.30, -0.02, 0.03], [-0.40, -0.12, -0.07], [-0.20, 0.08, 0.13])
    >>> round(found.q, 2), found.df, found.pvalue < 0.001, found.singled
    (24.3, 2, True, array([ True, False, False]))
    """
    y, low, high = (np.asarray(x, dtype=np.float64) for x in (change, low, high))
    z, alpha = critical(level), 1.0 - level
    known = np.flatnonzero(~np.isnan(y + low + high))
    error, apart, singled = np.full(y.size, np.nan), np.full(y.size, np.nan), np.zeros(y.size, dtype=bool)
    if len(known) < 2:
        return Heterogeneity(float("nan"), max(len(known) - 1, 0), float("nan"), error, apart, singled)
    arms = np.maximum(np.stack([y - low, high - y]) / z, _LEAST)
    error[known] = arms[:, known].mean(axis=0)
    precision = error[known] ** -2.0
    df = len(known) - 1
    q = float(_least(y[known], arms[:, known]))
    beyond = special.chndtrinc(special.chdtri(df, alpha), df, 1.0 - _POWER)
    apart[known] = np.sqrt(beyond / precision / (1.0 - precision / precision.sum()))
    left, now = known, q
    while len(left) > 1 and special.chdtrc(len(left) - 1, now) < alpha:
        without = np.array([np.delete(left, i) for i in range(len(left))])
        each = _least(y[without], arms[:, without])
        out = int(each.argmin())
        singled[left[out]] = True
        left, now = without[out], float(each[out])
    if len(left) == 1:
        singled[left] = True
    return Heterogeneity(q, df, float(special.chdtrc(df, q)), error, apart, singled)


def _least(y: FloatArray, arms: FloatArray) -> FloatArray:
    """The least Q over the common change, along the last axis; each change has its arm on the side of that one."""
    weight = arms.mean(axis=0) ** -2.0
    for _ in range(_ROUNDS):
        common = (weight * y).sum(axis=-1, keepdims=True) / weight.sum(axis=-1, keepdims=True)
        found = np.where(y > common, arms[0], arms[1]) ** -2.0
        if np.array_equal(found, weight):
            break
        weight = found
    least: FloatArray = (weight * (y - common) ** 2).sum(axis=-1)
    return least
