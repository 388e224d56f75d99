"""Time until something happens, where for some it has not happened yet: open tickets, customers who are still there.

Everything is computed from counts per value: how many events and how many censored at each time. A case that is
censored at a time was still at risk of an event at that time.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cxkit.stats.core import Difference, FloatArray, critical, plain, refuse

Lifetimes: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]  # times, events and censored at each


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


def kaplan_meier(times: ArrayLike, events: ArrayLike, censored: ArrayLike, level: float = 0.95) -> Survival:
    """Share that has not had the event yet, over time.

    Args:
        times: Distinct or repeated times, one-dimensional, any order.
        events: Events at each time.
        censored: Cases last seen, still without event, at each time.
        level: Confidence level of the limits at each time, in (0, 1).

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
    spread = np.exp(critical(level) * np.sqrt(np.where(inner, greenwood, 0.0)) / -np.log(inside))
    low, high = (np.where(inner, inside**power, np.nan) for power in (spread, 1.0 / spread))
    return Survival(time, survival, low, high, d, at_risk)


def survival_quantile(
    times: ArrayLike, events: ArrayLike, censored: ArrayLike, q: float = 0.5, level: float = 0.95
) -> SurvivalQuantile:
    """Time by which a share q has had the event, with censored cases counted for as long as they were seen.

    Args:
        times: Times, one-dimensional.
        events: Events at each time.
        censored: Censored cases at each time.
        q: Share in (0, 1): .5 is the median.
        level: Confidence level in (0, 1).

    Returns:
        Value and limits; NaN where the curve or its limit never comes down to 1 - q.

    Formula: the first time at which S, or its limit, is at most 1 - q.
    Source: Brookmeyer and Crowley (1982), doi 10.2307/2530286.

    >>> survival_quantile([1, 2, 3], [1, 1, 0], [0, 1, 1]).value
    2.0
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"q: expected a number between 0 and 1, such as 0.5, found {q!r}")
    curve = kaplan_meier(times, events, censored, level)
    # After the last case the limits are unknown; the curve itself has arrived.
    return SurvivalQuantile(*(_first(curve.time, line, 1.0 - q) for line in (curve.survival, curve.low, curve.high)))


def survival_quantile_difference(
    now: Lifetimes, before: Lifetimes, q: float = 0.5, level: float = 0.95, *, replicates: int = 1999, seed: int = 0
) -> Difference:
    """Difference of the same quantile of two curves, by the percentile bootstrap of their counts.

    Args:
        now: (times, events, censored) of one group.
        before: The same of the other.
        q: Share in (0, 1).
        level: Confidence level in (0, 1).
        replicates: Resamples of cases with their times, ended or open.
        seed: Seed of the resamples; equal seeds give equal results.

    Returns:
        change, low, high, pvalue. A resampled curve that does not come down to 1 - q has an infinite quantile; limits
        and p are NaN where a limit then is infinite or undefined, or where no resample differs from another.

    Formula: as `quantile_difference`. Source: Efron (1981), doi 10.1080/01621459.1981.10477650.

    >>> longer, shorter = ([50, 60, 70, 80], [9, 9, 9, 0], [0, 0, 3, 9]), ([10, 20, 30, 40], [9, 9, 9, 9], [0, 0, 3, 0])
    >>> survival_quantile_difference(longer, shorter)
    Difference(change=40.0, low=30.0, high=50.0, pvalue=0.001)
    """
    sides = [_merged(side) for side in (now, before)]
    if _order(sides[0]) < _order(sides[1]):  # drawn in one order, so that turning the sides only turns the sign
        turned = survival_quantile_difference(before, now, q, level, replicates=replicates, seed=seed)
        return Difference(-turned.change, -turned.high, -turned.low, turned.pvalue)
    first, second = (survival_quantile(*side, q, level).value for side in sides)
    nothing = (plain(np.nan),) * 3
    if not np.isfinite(first - second):
        return Difference(plain(first - second), *nothing)
    generator = np.random.default_rng(seed)
    draws = [_resampled(side, q, replicates, generator) for side in sides]
    differences = np.sort(np.where(draws[0] == draws[1], 0.0, draws[0] - draws[1]))
    rank = max(int(np.ceil((replicates + 1) * (1.0 - level) / 2.0 - 1e-9)) - 1, 1)
    low, high = differences[rank - 1], differences[-rank]
    if low == high or not np.isfinite(low) or not np.isfinite(high):
        return Difference(plain(first - second), *nothing)
    beyond = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
    pvalue = min(1.0, 2.0 * (1.0 + beyond) / (replicates + 1.0))
    return Difference(plain(first - second), plain(low), plain(high), plain(pvalue))


def _order(side: tuple[FloatArray, FloatArray, FloatArray]) -> list[list[float]]:
    return [part.tolist() for part in side]


def _resampled(
    side: tuple[FloatArray, FloatArray, FloatArray], q: float, replicates: int, generator: np.random.Generator
) -> FloatArray:
    """The quantile in resamples of the cases; infinite where a curve does not come down that far."""
    time, d, c = side
    n = round(d.sum() + c.sum())
    drawn = generator.multinomial(n, np.concatenate([d, c]) / (d.sum() + c.sum()), size=replicates)
    ended, open_ = drawn[:, : time.size], drawn[:, time.size :]
    at_risk = np.cumsum((ended + open_)[:, ::-1], axis=1)[:, ::-1]
    survival = np.cumprod(1.0 - ended / np.maximum(at_risk, 1), axis=1)
    reached = survival <= 1.0 - q + 1e-12
    return np.where(reached.any(axis=1), time[reached.argmax(axis=1)], np.inf)


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
    parts = [_merged(group) for group in (now, before)]
    times = np.union1d(parts[0][0], parts[1][0])
    d1, d2 = (_at(times, time, d) for time, d, _ in parts)
    r1, r2 = (np.cumsum(_at(times, time, d + c)[::-1])[::-1] for time, d, c in parts)
    d, r = d1 + d2, np.maximum(r1 + r2, 1.0)
    expected = d * r1 / r
    variance = d * (r1 / r) * (r2 / r) * np.maximum(r - d, 0.0) / np.maximum(r - 1.0, 1.0)
    total = variance.sum()
    statistic = (d1.sum() - expected.sum()) ** 2 / total if total > 0 else np.nan
    return LogRank(float(statistic), float(special.chdtrc(1.0, statistic)), float(d1.sum()), float(expected.sum()))


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


def _first(time: FloatArray, line: FloatArray, target: float) -> float:
    reached = np.flatnonzero(line <= target + 1e-12)
    return float(time[reached[0]]) if reached.size else float("nan")


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
