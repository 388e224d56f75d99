"""Time until something happens, where for some it has not happened yet: open tickets, customers who are still there.

Everything is computed from counts per value: how many events and how many censored at each time. A case that is
censored at a time was still at risk of an event at that time.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cxkit.stats.cells import NO_DESIGNS, Designs
from cxkit.stats.core import FloatArray, agree, critical, plain, positive, refuse, t_critical, t_pvalue
from cxkit.stats.design import Design, base_at
from cxkit.stats.ordinal import Effect
from cxkit.stats.quantiles import apart

Lifetimes: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]  # times, events and censored at each

# Shares that differ by less are the same number.
_SAME = 1e-12


class Survival(NamedTuple):
    """Kaplan-Meier curve at each distinct time: still going, limits, events, at risk just before."""

    time: FloatArray
    survival: FloatArray
    low: FloatArray
    high: FloatArray
    events: FloatArray
    at_risk: FloatArray


class SurvivalQuantile(NamedTuple):
    """Time by which a share has had the event, with limits; NaN where the curve does not come down that far."""

    value: float
    low: float
    high: float


class LogRank(NamedTuple):
    """Log-rank test of two curves: chi-square with 1 degree of freedom, p, events seen and expected in the first."""

    statistic: float
    pvalue: float
    observed: float
    expected: float


def kaplan_meier(
    times: ArrayLike, events: ArrayLike, censored: ArrayLike, level: float = 0.95, *, design: Design | None = None
) -> Survival:
    """Share that has not had the event yet, over time.

    Args:
        times: Distinct or repeated times, one-dimensional, any order.
        events: Events at each time.
        censored: Cases last seen, still without event, at each time.
        level: Confidence level of the limits at each time, in (0, 1).
        design: Effective base of the cases under clusters; Greenwood's variance is then n/n_eff times as large.

    Returns:
        The curve. Limits are NaN where it is 1 or 0: before the first event and after the last case.

    Formula: S = product of 1 - d/r; limits S^exp(+-z SE/log S) with SE^2 = sum d/(r (r - d)) (log(-log)).
    Source: Kaplan and Meier (1958), doi 10.1080/01621459.1958.10501452; Kalbfleisch and Prentice (1980), section 1.3.

    >>> kaplan_meier([1, 2, 3], [1, 1, 0], [0, 1, 1]).survival
    array([0.75, 0.5 , 0.5 ])
    """
    time, d, c = _merged((times, events, censored))
    at_risk = np.cumsum((d + c)[::-1])[::-1]
    left = at_risk - d
    survival = np.asarray(np.cumprod(left / at_risk), dtype=np.float64)
    # Greenwood's sum is infinite once nobody is left; no limit is drawn there.
    greenwood = np.cumsum(d / np.where(left > 0, at_risk * left, np.inf))
    inner = (survival > 0) & (survival < 1)
    inside = np.where(inner, survival, 0.5)
    z = critical(level)
    z = z if design is None else z * float(np.sqrt(design.n / base_at(design, z)))
    spread = np.exp(z * np.sqrt(np.where(inner, greenwood, 0.0)) / -np.log(inside))
    low, high = (np.where(inner, inside**power, np.nan) for power in (spread, 1.0 / spread))
    return Survival(time, survival, low, high, d, at_risk)


def survival_quantile(
    times: ArrayLike,
    events: ArrayLike,
    censored: ArrayLike,
    q: float = 0.5,
    level: float = 0.95,
    *,
    design: Design | None = None,
) -> SurvivalQuantile:
    """Time by which a share q has had the event, with censored cases counted for as long as they were seen.

    Args:
        times: Times, one-dimensional.
        events: Events at each time.
        censored: Censored cases at each time.
        q: Share in (0, 1): .5 is the median.
        level: Confidence level in (0, 1).
        design: Effective base of the cases under clusters.

    Returns:
        Value and limits; NaN where the curve or its limit never comes down to 1 - q.

    Formula: the first time at which S, or its limit, is at most 1 - q; where S is just 1 - q, the middle of that time
    and the next end (or the last case), as without open cases. The variance of S is n/n_eff times Greenwood's.
    Source: Brookmeyer and Crowley (1982), doi 10.2307/2530286.

    >>> survival_quantile([1, 2, 3], [1, 1, 0], [0, 1, 1]).value
    2.5
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"q: expected a number between 0 and 1, such as 0.5, found {q!r}")
    curve = kaplan_meier(times, events, censored, level, design=design)
    # After the last case the limits are unknown; the curve itself has arrived.
    low, high = (_first(curve.time, line, 1.0 - q) for line in (curve.low, curve.high))
    if low == high:
        low, high = apart(curve.time[curve.events > 0], low)
    return SurvivalQuantile(_middle(curve, 1.0 - q), low, high)


def _middle(curve: Survival, target: float) -> float:
    """The time at which the curve comes down to a share; the middle of the stretch on which it is just that."""
    ends = np.append(curve.time[curve.events > 0], curve.time[-1:])
    left = np.append(curve.survival[curve.events > 0], curve.survival[-1:])
    return (_first(ends, left, target) + _first(ends, left, target - 3.0 * _SAME, float(curve.time[-1:].sum()))) / 2.0


def logrank(now: Lifetimes, before: Lifetimes) -> LogRank:
    """Test that two groups have the event at the same rate at all times.

    Args:
        now: (times, events, censored) of one group.
        before: The same of the other.

    Returns:
        The test; NaN where no time had both an event and cases of both groups.

    Formula: (O - E)^2 / V with the hypergeometric E = d r1/r and V = d (r1/r)(r2/r)(r - d)/(r - 1) summed over times.
    Source: Mantel (1966), Cancer Chemotherapy Reports 50, 163; Peto and Peto (1972), doi 10.2307/2344317.

    >>> logrank(([5, 8, 9], [1, 1, 1], [0, 0, 0]), ([1, 2, 3], [1, 1, 1], [0, 0, 0])).pvalue
    0.0246
    """
    observed, expected, variance = _logrank_sums(now, before)
    statistic = (observed - expected) ** 2 / variance if variance > 0 else np.nan
    return LogRank(float(statistic), float(special.chdtrc(1.0, statistic)), observed, expected)


def lasting(now: Lifetimes, before: Lifetimes, level: float = 0.95, *, designs: Designs = NO_DESIGNS) -> Effect:
    """How often a case of now lasts longer than one of before, where some have not ended; tested by the log-rank test.

    Args:
        now: (times, events, censored) of one group.
        before: The same of the other.
        level: Confidence level in (0, 1).
        designs: Effective bases of the mean rank of either side, under clusters.

    Returns:
        The effect with limits, and the p-value of the log-rank test; NaN where no time had both an event and cases of
        both groups.

    Formula: 1/(1 + h), h = exp((O - E)/V) the one-step ratio of the hazards, log h with variance d/V, so that its z is
    that of the log-rank test; d = (1/n_eff1 + 1/n_eff2)/(1/n1 + 1/n2), with Student's t under designs. h is shrunken
    towards 1 where it is far from it (beyond about 3), and the effect is that of hazards of one ratio at all times.
    Source: Peto et al. (1977), doi 10.1038/bjc.1977.1, for h; Mantel (1966) as in `logrank`.

    >>> lasting(([5, 8, 9], [1, 1, 1], [0, 0, 0]), ([1, 2, 3], [1, 1, 1], [0, 0, 0])).pvalue
    0.0246
    """
    observed, expected, sums = _logrank_sums(now, before)
    variance = positive(np.asarray(sums))
    n = np.array([float(np.sum(np.add(d, c) + np.zeros(np.shape(t)))) for t, d, c in (now, before)])
    sides = zip(n, designs, strict=True)
    worth, df = np.array([(size, np.inf) if design is None else design[1:] for size, design in sides], dtype=float).T
    share = 1.0 / positive(worth)
    freedom = share.sum() ** 2 / np.maximum((share**2 / positive(df)).sum(), _SAME * share.sum() ** 2)
    log = (observed - expected) / variance
    error = np.sqrt(share.sum() / (1.0 / positive(n)).sum() / variance)
    reach = t_critical(freedom, level) * error
    value, low, high = (special.expit(step - log) for step in (0.0, -reach, reach))
    pvalue = agree(t_pvalue(log / error, freedom), (low > 0.5) | (high < 0.5), level)
    return Effect(*(plain(x) for x in (value, low, high, pvalue)))


def _logrank_sums(now: Lifetimes, before: Lifetimes) -> tuple[float, float, float]:
    """Events seen in the first group, expected there, and the variance of their difference."""
    parts = [_merged(group) for group in (now, before)]
    times = np.union1d(parts[0][0], parts[1][0])
    d1, d2 = (_at(times, time, d) for time, d, _ in parts)
    r1, r2 = (np.cumsum(_at(times, time, d + c)[::-1])[::-1] for time, d, c in parts)
    d, r = d1 + d2, np.maximum(r1 + r2, 1.0)
    expected = d * r1 / r
    variance = d * (r1 / r) * (r2 / r) * np.maximum(r - d, 0.0) / np.maximum(r - 1.0, 1.0)
    return float(d1.sum()), float(expected.sum()), float(variance.sum())


def _merged(lifetimes: Lifetimes) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct times in order, with the events and censored cases of each."""
    time, d, c = (x.ravel() for x in np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in lifetimes)))
    refuse("times", time, ~(time >= 0), "numbers of at least 0")
    refuse("events", d, ~(d >= 0) | np.isinf(d), "counts of at least 0")
    refuse("censored", c, ~(c >= 0) | np.isinf(c), "counts of at least 0")
    kept = d + c > 0
    distinct, place = np.unique(time[kept], return_inverse=True)
    sums = [np.asarray(np.bincount(place, x[kept], distinct.size), dtype=np.float64) for x in (d, c)]
    return np.asarray(distinct, dtype=np.float64), sums[0], sums[1]


def _at(times: FloatArray, own: FloatArray, counts: FloatArray) -> FloatArray:
    result = np.zeros(times.shape)
    result[np.searchsorted(times, own)] = counts
    return result


def _first(time: FloatArray, line: FloatArray, target: float, never: float = np.nan) -> float:
    reached = np.flatnonzero(line <= target + _SAME)
    return float(time[reached[0]]) if reached.size else never


def survival_at(curve: Survival, times: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Survival and its limits at any times: NaN beyond the last case, whose curve is not extrapolated.

    Args:
        curve: From `kaplan_meier`.
        times: Times in its unit, any shape.

    Formula: S(t) of the last time that is at most t; 1 before the first. Source: as `kaplan_meier`.

    >>> survival_at(kaplan_meier([1, 2, 3], [1, 1, 0], [0, 1, 1]), [0.5, 2.5, 9])[0]
    array([1. , 0.5, nan])
    """
    t = np.asarray(times, dtype=np.float64)
    place = np.searchsorted(curve.time, t, side="right") - 1
    beyond = t > (curve.time[-1] if curve.time.size else -np.inf)
    lines = []
    for line, start in ((curve.survival, 1.0), (curve.low, np.nan), (curve.high, np.nan)):
        known = np.concatenate([[start], line])[place + 1]
        lines.append(plain(np.where(beyond, np.nan, known)))
    return lines[0], lines[1], lines[2]
