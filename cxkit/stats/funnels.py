"""Funnels over units: which of them differ from the whole by more than chance, given how few answers each has."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import BoolArray, FloatArray, floats, plain, positive


class Funnel(NamedTuple):
    """Target, limits per unit at the warning and the alarm level, over-dispersion, which units are beyond the alarm."""

    target: float
    low: FloatArray
    high: FloatArray
    far_low: FloatArray
    far_high: FloatArray
    dispersion: float
    signal: BoolArray


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
