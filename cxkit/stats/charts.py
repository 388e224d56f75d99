"""Control charts over time and funnels over units: which points differ from the whole by more than chance.

Better than twelve pairwise tests of months, or a ranking of units. Limits of control charts are returned as they are
computed; a drawing cuts those of shares at 0 and 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import BoolArray, FloatArray, floats, plain, positive
from cxkit.stats.intervals import Cell, net_cell, share_cell

# Expected moving range of two normal values is 1.128 standard deviations; 3 / 1.128 = 2.66, and the range's own limit.
_RANGE = 1.128
_XMR, _XMR_RANGE = 2.66, 3.268


class XmR(NamedTuple):
    """Individuals and moving range: centre, limits of a value, mean moving range and its limit, which values signal."""

    centre: float
    low: float
    high: float
    range_mean: float
    range_high: float
    signal: BoolArray


class Chart(NamedTuple):
    """Centre, limits per point, which points signal, and sigma_z, the spread of the points in standard errors."""

    centre: float
    low: FloatArray
    high: FloatArray
    signal: BoolArray
    sigma_z: float


class Funnel(NamedTuple):
    """Target, limits per unit at the warning and the alarm level, over-dispersion, which units are beyond the alarm."""

    target: float
    low: FloatArray
    high: FloatArray
    far_low: FloatArray
    far_high: FloatArray
    dispersion: float
    signal: BoolArray


def xmr(values: ArrayLike) -> XmR:
    """Chart of single values in order of time, such as medians or counts.

    Args:
        values: One per period, in any unit; NaN for a period without value, which is left out.

    Returns:
        The chart; all NaN for fewer than two values.

    Formula: mean +- 2.66 mean moving range, range limit 3.268 mean moving range.
    Source: Wheeler and Chambers (1992), Understanding Statistical Process Control, chapter 3.

    >>> xmr([10, 50, 40, 30])[:5]
    (32.5, -20.7, 85.7, 20.0, 65.36)
    """
    x = floats(values)
    known = x[~np.isnan(x)]
    if known.size < 2:
        return XmR(np.nan, np.nan, np.nan, np.nan, np.nan, np.zeros(x.shape, dtype=bool))
    centre, moved = float(known.mean()), float(np.abs(np.diff(known)).mean())
    low, high = centre - _XMR * moved, centre + _XMR * moved
    return XmR(centre, low, high, moved, _XMR_RANGE * moved, (x < low) | (x > high))


def p_chart(successes: ArrayLike, n: ArrayLike, *, laney: bool = False) -> Chart:
    """Chart of a share with its base per period.

    Args:
        successes: Count per period, in order of time.
        n: Base per period; 0 gives NaN limits.
        laney: Whether to widen or narrow the limits by the spread that the points really have (Laney's p'), as large
            bases need.

    Formula: p +- 3 sigma_i, sigma_i = sqrt(p (1 - p)/n_i), p pooled; Laney: +- 3 sigma_i sigma_z, sigma_z the mean
    moving range of (p_i - p)/sigma_i over 1.128. Source: Shewhart (1931); Laney (2002), doi 10.1081/QEN-120006555.

    >>> p_chart([12, 15, 8], [50, 50, 50]).centre
    0.2333
    """
    s, base = np.broadcast_arrays(floats(successes), floats(n))
    chart = _chart(share_cell(s, base, None), share_cell(s.sum(), base.sum(), None), laney)
    return chart._replace(centre=(1.0 + chart.centre) / 2.0, low=(1.0 + chart.low) / 2.0, high=(1.0 + chart.high) / 2.0)


def nps_chart(detractors: ArrayLike, passives: ArrayLike, promoters: ArrayLike, *, laney: bool = False) -> Chart:
    """Chart of a net promoter score with its base per period, in -1..1.

    Args:
        detractors: Count per period, in order of time.
        passives: Count per period.
        promoters: Count per period.
        laney: As in `p_chart`.

    Formula: pooled score +- 3 sqrt(V/n_i), V the pooled variance of one answer. Source: as `p_chart`.

    >>> nps_chart([2, 3, 1], [3, 3, 3], [5, 4, 6]).centre
    0.3
    """
    d, a, p = np.broadcast_arrays(*map(floats, (detractors, passives, promoters)))
    return _chart(net_cell(d, a, p, None), net_cell(d.sum(), a.sum(), p.sum(), None), laney)


def _chart(points: Cell, whole: Cell, laney: bool) -> Chart:
    n = points.n
    sigma = np.sqrt(whole.variance / positive(n))
    away = points.value - whole.value
    scaled = away[n > 0] / positive(sigma)[n > 0]
    spread = float(np.abs(np.diff(scaled)).mean() / _RANGE) if scaled.size > 1 else float("nan")
    half = 3.0 * sigma * (spread if laney else 1.0)
    return Chart(float(whole.value), whole.value - half, whole.value + half, np.abs(away) > half, spread)


def funnel(
    values: ArrayLike,
    n: ArrayLike,
    variance: float,
    *,
    target: float | None = None,
    z: tuple[float, float] = (1.96, 3.09),
    scale: tuple[float, float] = (-np.inf, np.inf),
) -> Funnel:
    """Limits within which a unit of its size differs from the target by chance only.

    Args:
        values: Estimate per unit.
        n: (Effective) answers per unit; 0 gives NaN limits.
        variance: Variance of one answer at the target, in the squared unit of values.
        target: What units are compared with; None for their mean by n.
        z: Warning and alarm level in standard errors: 2 in 40 and 2 in 1,000 by chance.
        scale: Ends of the scale, at which limits are cut.

    Formula: target +- z sqrt(phi V/n), phi the mean of squared z-scores winsorised at their 10 and 90 % points,
    where that is above 1 + 2 sqrt(2/k), else 1. Source: Spiegelhalter (2005), doi 10.1002/sim.1970.

    >>> funnel([0.25, 0.3, 0.34], [100, 100, 400], 0.21, target=0.3).far_high
    array([0.4416, 0.4416, 0.3708])
    """
    y, base = np.broadcast_arrays(floats(values), floats(n))
    known = ~np.isnan(y) & (base > 0)
    if not variance > 0:
        raise ValueError(f"variance: expected a number above 0, found {variance:g}")
    if target is None:
        target = float((y * base)[known].sum() / base[known].sum()) if known.any() else float("nan")
    error = np.sqrt(variance / positive(base))
    dispersion = _dispersion((y - target)[known] / error[known])
    inner, outer = (level * np.sqrt(dispersion) * error for level in z)
    low, high, far_low, far_high = (plain(np.clip(target + x, *scale)) for x in (-inner, inner, -outer, outer))
    return Funnel(target, low, high, far_low, far_high, dispersion, np.abs(y - target) > outer)


def _dispersion(scores: FloatArray) -> float:
    if scores.size < 2:
        return 1.0
    phi = float(np.square(np.clip(scores, *np.quantile(scores, [0.1, 0.9]))).mean())
    return phi if phi > 1.0 + 2.0 * np.sqrt(2.0 / scores.size) else 1.0
