"""Durations and other long-tailed values: quantiles, and survival curves where for some it has not ended yet.

A quantile is the inverse of the (weighted) distribution function, averaged where it is flat, so that the median of an
even number of values lies between the middle two. Limits are order statistics: values that were really observed.
Survival (open tickets, customers who are still there) is computed from counts per value: how many events and how many
censored at each time. A case that is censored at a time was still at risk of an event at that time.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from cxkit.stats.core import (
    FloatArray,
    Interval,
    agree,
    critical,
    floats,
    plain,
    positive,
    refuse,
    result,
    t_critical,
    t_pvalue,
    within,
)
from cxkit.stats.design import NO_DESIGNS, Design, Designs, base_at
from cxkit.stats.intervals import rate_interval
from cxkit.stats.ordinal import Effect

Lifetimes: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]  # times, events and censored at each

# Shares, and cumulative weights as shares of the total, that differ by less are the same number.
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


class HazardRatio(NamedTuple):
    """Ratio of two hazards with limits, p-value of the log-rank test, events seen and expected in the first group."""

    value: float
    low: float
    high: float
    pvalue: float
    observed: float
    expected: float


class _Sorted(NamedTuple):
    """Values in order within their cells, and the running totals of their counts."""

    values: FloatArray
    running: FloatArray
    before: FloatArray
    total: FloatArray
    last: NDArray[np.intp]


def quantile(
    values: ArrayLike, q: float = 0.5, *, counts: ArrayLike | None = None, cells: ArrayLike | None = None, size: int = 0
) -> FloatArray:
    """Quantile of each cell.

    Args:
        values: Values in any unit, one-dimensional.
        q: Which quantile, in (0, 1): .5 is the median.
        counts: How often each value occurs, fractional after weighting; None for once.
        cells: Number of the cell of each value, from 0; None where all belong to one.
        size: Number of cells, where the last ones may be empty.

    Returns:
        One number per cell (a single one without `cells`), NaN where a cell is empty.

    Formula: (x_(ceil nq) + x_(floor nq + 1)) / 2. Source: Hyndman and Fan (1996), type 2, doi 10.2307/2684934.

    >>> quantile([25, 29, 35, 36, 36, 40, 41, 43, 44, 54])
    38.0
    """
    table = _sort(values, q, counts, cells, size)
    shares = np.full(table.total.shape, q)
    # Just past a flat stretch the inverse jumps to the next value.
    return _shaped((_inverse(table, shares) + _inverse(table, shares + 3.0 * _SAME)) / 2.0, cells)


def quantile_interval(
    values: ArrayLike,
    q: float = 0.5,
    level: float = 0.95,
    *,
    counts: ArrayLike | None = None,
    cells: ArrayLike | None = None,
    size: int = 0,
    design: Design | None = None,
) -> Interval:
    """Interval for a quantile of each cell, by order statistics, whatever the distribution.

    Args:
        values: Values in any unit, one-dimensional.
        q: Which quantile, in (0, 1).
        level: Confidence level in (0, 1).
        counts: How often each value occurs; None for once.
        cells: Number of the cell of each value, from 0; None where all belong to one.
        size: Number of cells, where the last ones may be empty.
        design: Effective base per cell under weights and clusters.

    Returns:
        Observed values. A limit that does not exist is NaN: the upper one of a p90 needs about 36 values. Limits that
        are one value, as of durations in whole hours, move to the next observed values on either side, because an
        interval of no width claims too much; where there is no other value they are NaN.

    Formula: ranks l and u with P(B < l) <= alpha/2 and P(B >= u) <= alpha/2, B ~ Binomial(n, q).
    Source: David and Nagaraja (2003), section 7.1; Woodruff (1952), doi 10.1080/01621459.1952.10483443, for weights.

    >>> quantile_interval([25, 29, 35, 36, 36, 40, 41, 43, 44, 54])
    Interval(low=29.0, high=44.0)
    """
    table = _sort(values, q, counts, cells, size)
    z = critical(level)
    base = table.total if design is None else np.broadcast_to(base_at(design, z), table.total.shape)
    n = np.floor(np.where(base > 0, base, 0.0) * (1 + _SAME))
    lower, upper = _ranks((1.0 - level) / 2.0, n, q)
    share = np.maximum(n, 1.0)
    low = np.where((lower >= 1) & (n > 0), _inverse(table, lower / share), np.nan)
    high = np.where((upper <= n) & (n > 0), _inverse(table, upper / share), np.nan)
    for cell in np.flatnonzero(low == high):
        own = table.values[int(table.last[cell - 1]) + 1 if cell else 0 : int(table.last[cell]) + 1]
        low[cell], high[cell] = apart(own, low[cell])
    return Interval(*(_shaped(limit, cells) for limit in (low, high)))


def _ranks(tail: float, n: NDArray[Any], q: float) -> tuple[FloatArray, FloatArray]:
    """The smallest l with P(B <= l) >= tail and u with P(B >= u) <= tail; scipy.stats takes half a second to import."""
    low, high = (np.nan_to_num(np.ceil(special.bdtrik(share, n, q))) for share in (tail, 1.0 - tail))
    n = n.astype(np.intp)
    low = np.where((low > 0) & (special.bdtr(low - 1.0, n, q) >= tail), low - 1.0, low)
    high = np.where((high > 0) & (special.bdtrc(high - 1.0, n, q) <= tail), high - 1.0, high)
    return low, np.where(special.bdtrc(high, n, q) > tail, high + 1.0, high) + 1.0


def apart(values: FloatArray, both: float) -> tuple[float, float]:
    """The neighbours among some values, in order, of a value that both limits are; NaN where there is no other one."""
    below, above = values[values < both], values[values > both]
    low, high = (float(beside[0]) if beside.size else both for beside in (below[-1:], above[:1]))
    return (low, high) if low < high else (np.nan, np.nan)


def _sort(values: ArrayLike, q: float, counts: ArrayLike | None, cells: ArrayLike | None, size: int) -> _Sorted:
    within("q", q, 0.9)
    x = floats(values).ravel()
    count = np.ones(x.shape) if counts is None else floats(counts).ravel()
    refuse("counts", count, ~(count >= 0) | np.isinf(count), "counts of at least 0")
    refuse("values", x, np.isnan(x), "numbers")
    cell = np.zeros(x.shape, np.intp) if cells is None else np.asarray(cells, dtype=np.intp).ravel()
    if not x.shape == count.shape == cell.shape:
        raise ValueError(f"values, counts, cells: expected one length, found {x.size}, {count.size}, {cell.size}")
    size = max(size, int(cell.max(initial=-1)) + 1, cells is None)
    kept = count > 0
    x, count, cell = x[kept], count[kept], cell[kept]
    order = np.lexsort((x, cell))
    running = np.concatenate([[0.0], np.cumsum(count[order])])
    last = np.searchsorted(cell[order], np.arange(size), side="right")
    starts = np.concatenate([[0], last[:-1]])
    return _Sorted(x[order], running[1:], running[starts], running[last] - running[starts], last - 1)


def _inverse(table: _Sorted, share: FloatArray) -> FloatArray:
    """The smallest value of each cell up to which at least a share of its weight lies; NaN for an empty cell."""
    if not table.values.size:
        return np.full(np.broadcast_shapes(share.shape, table.total.shape), np.nan)
    target = table.before + np.clip(share, 0.0, 1.0) * table.total - _SAME * table.total
    place = np.minimum(np.searchsorted(table.running, target, side="left"), table.last)
    found = table.values[np.maximum(place, 0)]
    return np.where(table.total > 0, found, np.nan)


def _shaped(result: FloatArray, cells: ArrayLike | None) -> FloatArray:
    return result if cells is not None else plain(result[0])


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
    survival = floats(np.cumprod(left / at_risk))
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
    within("q", q, 0.5)
    curve, target = kaplan_meier(times, events, censored, level, design=design), 1.0 - q
    # After the last case the limits are unknown; the curve itself has arrived.
    low, high = (_first(curve.time, line, target) for line in (curve.low, curve.high))
    if low == high:
        low, high = apart(curve.time[curve.events > 0], low)
    # The middle of the stretch on which the curve is just that share.
    ends, left = (np.append(line[curve.events > 0], line[-1:]) for line in (curve.time, curve.survival))
    last = _first(ends, left, target - 3.0 * _SAME, float(curve.time[-1:].sum()))
    return SurvivalQuantile((_first(ends, left, target) + last) / 2.0, low, high)


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
    variance = positive(sums)
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
    return result(Effect, value, low, high, pvalue)


def hazard_ratio(
    events: ArrayLike, at_risk: ArrayLike, other: ArrayLike, other_at_risk: ArrayLike, level: float = 0.95
) -> HazardRatio:
    """How many times as often one group has the event as another, time after time among those who could.

    Args:
        events: Events in the group at each time, one-dimensional.
        at_risk: Who could have had it there just before.
        other: The same of the other group.
        other_at_risk: And who could.
        level: Confidence level in (0, 1).

    Returns:
        The ratio with limits, the p-value of the log-rank test, events seen and expected; NaN where a side has none.

    Formula: (O1/E1)/(O2/E2), its log with variance 1/E1 + 1/E2; p by (O1 - E1)^2/V, hypergeometric. The ratio is
    shrunken towards 1 where it is far from it. Source: Peto et al. (1977), doi 10.1038/bjc.1977.1; Mantel (1966) as in
    `logrank`.

    >>> hazard_ratio([2, 1], [10, 6], [1, 1], [10, 8]).value
    1.6818181818181819
    """
    d1, r1, d2, r2 = map(floats, (events, at_risk, other, other_at_risk))
    observed, expected, variance = _hypergeometric(d1, r1, d2, r2)
    rest, due = float(d2.sum()), float((d1 + d2).sum()) - expected
    if not (observed > 0 and rest > 0 and variance > 0):
        return HazardRatio(np.nan, np.nan, np.nan, np.nan, observed, expected)
    log, reach = np.log(observed * due / (expected * rest)), critical(level) * np.sqrt(1.0 / expected + 1.0 / due)
    pvalue = float(special.chdtrc(1.0, (observed - expected) ** 2 / variance))
    value, low, high = (float(np.exp(log + step)) for step in (0.0, -reach, reach))
    return HazardRatio(value, low, high, pvalue, observed, expected)


def attributable_share(
    events: ArrayLike, at_risk: ArrayLike, other: ArrayLike, other_at_risk: ArrayLike, level: float = 0.95
) -> tuple[float, float, float]:
    """Share of all events that there would not be if one group had them as often as the others, with limits.

    Args:
        events: Events in the group at each time, one-dimensional.
        at_risk: Who could have had it there just before.
        other: The same of all others.
        other_at_risk: And who could. A time without any says nothing and is left out.
        level: Confidence level in (0, 1).

    Returns:
        The share, below 0 where the group has fewer, and its limits; NaN where a side has no event: the population
        attributable fraction of epidemiology, which is one of a cause only as far as the groups are alike otherwise.

    Formula: 1 - sum b (1 + T1/T0) / D with b of the D events among the others. Given D, b is binomial: Wilson's limits,
    as ratios to b/D, to the power sqrt(1 + c/(1 - b/D)), c the squared coefficient of variation of 1 + T1/T0 over these
    b, or over as many as there would be in each time if the groups were alike, where that is more (few of the others at
    a time weigh much, also where none of them had the event). Simulated coverage: docs/statistics.md, "Durations".
    Source: Miettinen (1974), American Journal of Epidemiology 99, 325, for the share; Wilson as in `rate_interval`.

    >>> [round(part, 3) for part in attributable_share([41], [28010], [15], [19017])]
    [0.338, 0.021, 0.581]
    """
    d1, r1, d2, r2 = map(floats, (events, at_risk, other, other_at_risk))
    lost, there = d1 + d2, r2 > 0
    lost, d2, each = lost[there], d2[there], 1.0 + r1[there] / r2[there]  # people in all for one of the others
    total, b = lost.sum(), d2.sum()
    if not 0 < b < total:
        return np.nan, np.nan, np.nan
    left, share = float((each * d2).sum() / total), float(b / total)
    uneven = max(
        b * (each**2 * d2).sum() / (each * d2).sum() ** 2, (each * lost).sum() * (lost / each).sum() / total**2
    )
    power = np.sqrt(1.0 + (uneven - 1.0) / (1.0 - share))
    low, high = (left * (float(limit) / share) ** power for limit in rate_interval(b, total, level))
    return 1.0 - left, float(1.0 - high), float(1.0 - low)


def event_rate(events: ArrayLike, time: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Events in a unit of time that people were watched, with exact limits.

    Args:
        events: Events, any shape.
        time: The time that all were watched together, in any unit.
        level: Confidence level in (0, 1).

    Formula: d/T; limits by the gamma law of the time to the d-th event. Source: Garwood (1936), doi
    10.1093/biomet/28.3-4.437.

    >>> [round(float(part), 3) for part in event_rate(5, 1)]
    [5.0, 1.623, 11.668]
    """
    d, watched = floats(events), floats(time)
    tail, there = (1.0 - level) / 2.0, np.where(watched > 0, watched, np.nan)
    low = np.where(d > 0, special.gammaincinv(np.maximum(d, 1.0), tail), 0.0)
    value, low, high = (plain(part / there) for part in (d, low, special.gammainccinv(d + 1.0, tail)))
    return value, low, high


def _logrank_sums(now: Lifetimes, before: Lifetimes) -> tuple[float, float, float]:
    """Events seen in the first group, expected there, and the variance of their difference."""
    first, second = _merged(now), _merged(before)
    times = np.union1d(first[0], second[0])
    (d1, c1), (d2, c2) = (
        [np.bincount(np.searchsorted(times, time), x, times.size) for x in counts] for time, *counts in (first, second)
    )
    r1, r2 = (np.cumsum((d + c)[::-1])[::-1] for d, c in ((d1, c1), (d2, c2)))
    return _hypergeometric(d1, r1, d2, r2)


def _hypergeometric(d1: Any, r1: Any, d2: Any, r2: Any) -> tuple[float, float, float]:
    d, r = d1 + d2, np.maximum(r1 + r2, 1.0)
    expected = d * r1 / r
    variance = d * (r1 / r) * (r2 / r) * np.maximum(r - d, 0.0) / np.maximum(r - 1.0, 1.0)
    return float(d1.sum()), float(expected.sum()), float(variance.sum())


def _merged(lifetimes: Lifetimes) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct times in order, with the events and censored cases of each."""
    time, d, c = (x.ravel() for x in np.broadcast_arrays(*map(floats, lifetimes)))
    refuse("times", time, ~(time >= 0), "numbers of at least 0")
    for name, count in (("events", d), ("censored", c)):
        refuse(name, count, ~(count >= 0) | np.isinf(count), "counts of at least 0")
    kept = d + c > 0
    distinct, place = np.unique(time[kept], return_inverse=True)
    events, censored = (floats(np.bincount(place, x[kept], distinct.size)) for x in (d, c))
    return floats(distinct), events, censored


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
    t = floats(times)
    place = np.searchsorted(curve.time, t, side="right") - 1
    beyond = t > (curve.time[-1] if curve.time.size else -np.inf)
    starts = (1.0, curve.survival), (np.nan, curve.low), (np.nan, curve.high)
    known = (np.append(start, line)[place + 1] for start, line in starts)
    survival, low, high = (plain(np.where(beyond, np.nan, line)) for line in known)
    return survival, low, high


def restricted_mean(
    curve: Survival, until: ArrayLike, level: float = 0.95, *, design: Design | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean time without the event up to some times, with limits: NaN beyond the last case.

    Args:
        curve: From `kaplan_meier`.
        until: Times in its unit, one-dimensional, over 0.
        level: Confidence level in (0, 1).
        design: Effective base of the cases under clusters; the variance is then n/n_eff times as large.

    Formula: area under S to each time t, SE^2 = sum A^2 d/(r (r - d)) n/(n - 1), A the area from an event on. Limits:
    Wilson's of the mean as a share p of t, of as many answers as p (1 - p) t^2/SE^2, times (z/t_df)^2; where SE is 0,
    of n. Simulated coverage with 10 to 100 cases: .92 to .99 (mean -+ z SE: .74 to .95). Source: Karrison (1987),
    Journal of the American Statistical Association 82, 1169, for the mean and SE.

    >>> restricted_mean(kaplan_meier([1, 2, 3], [1, 1, 0], [0, 1, 1]), [2, 3])[0]
    array([1.75, 2.25])
    """
    t, n = floats(until), float(curve.at_risk[:1].sum())
    ends, left = np.append(0.0, curve.time), np.append(1.0, curve.survival)
    areas = np.cumsum(np.append(0.0, left[:-1] * np.diff(ends)))
    last = np.searchsorted(ends, t, side="right") - 1
    area = areas[last] + left[last] * (t - ends[last])
    gone = curve.at_risk - curve.events
    each = curve.events / np.where(gone > 0, curve.at_risk * gone, np.inf)
    variance = np.maximum(area[:, None] - areas[1:], 0.0) ** 2 @ each * n / np.maximum(n - 1.0, 1.0)
    share = np.clip(area / t, 0.0, 1.0)
    df, worth = (n - 1.0, n) if design is None else (np.minimum(design.df, n - 1.0), design.n_eff)
    student = (critical(level) / t_critical(floats(df), level)) ** 2
    base = np.where(variance > 0, share * (1.0 - share) * t**2 / positive(variance) * student, n) * worth / n
    limits = rate_interval(share * base, base, level)
    beyond = t > (curve.time[-1] if curve.time.size else -np.inf)
    mean, low, high = (np.where(beyond, np.nan, part * t) for part in (share, *limits))
    return mean, low, high
