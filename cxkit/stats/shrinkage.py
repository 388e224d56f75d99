"""League tables without nonsense: each unit pulled towards the mean by how little is known of it, and funnel limits.

A ranking of raw rates puts the smallest bases at both ends. Shrinkage says what is likely of a unit; the funnel says
which units differ from the whole by more than chance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxkit.stats.core import FloatArray, plain, positive, refuse


class Shrunk(NamedTuple):
    """Shrunken values, the weight of each own value, the mean they are pulled to, the variance between units."""

    value: FloatArray
    weight: FloatArray
    mean: float
    between: float


class Funnel(NamedTuple):
    """Target, limits per unit at the warning and the alarm level, over-dispersion, which units are beyond the alarm."""

    target: float
    low: FloatArray
    high: FloatArray
    far_low: FloatArray
    far_high: FloatArray
    dispersion: float
    signal: NDArray[np.bool_]


def shrink(
    values: ArrayLike, squared_errors: ArrayLike, method: str = "dersimonian_laird", *, towards: float | None = None
) -> Shrunk:
    """Empirical-Bayes estimates of many units.

    Args:
        values: Estimate per unit, in any unit of measurement; NaN units are left out and stay NaN.
        squared_errors: Squared standard error per unit, from the pooled variance: a unit whose answers are all the same
            has an own variance of 0, which is not what is known of it.
        method: "dersimonian_laird" (default) or "james_stein" (equal errors only).
        towards: What values are pulled to, such as the value of the whole; None for their mean.

    Raises:
        ValueError: For an error of 0 or less, an unknown method, or James-Stein with unequal errors.

    Formula: mu + w_i (y_i - mu), w_i = tau^2/(tau^2 + s_i^2), tau^2 by DerSimonian and Laird (1986), doi
    10.1016/0197-2456(86)90046-2; James-Stein: w = 1 - (k - 3) s^2 / sum (y_i - mu)^2, Efron and Morris (1975), doi
    10.1080/01621459.1975.10479864.

    >>> shrink([0.3, 0.5, 0.7], [0.01, 0.01, 0.01]).value
    array([0.35, 0.5 , 0.65])
    """
    y, errors = np.broadcast_arrays(np.asarray(values, dtype=np.float64), np.asarray(squared_errors, dtype=np.float64))
    known = ~np.isnan(y)
    refuse("squared_errors", errors[known], ~(errors[known] > 0), "numbers above 0")
    if method not in _METHODS:
        raise ValueError(f"method: expected one of {', '.join(_METHODS)}; found {method!r}")
    if known.sum() < 2:
        return Shrunk(y, np.where(known, 1.0, np.nan), float("nan"), float("nan"))
    mean, between, weight = _METHODS[method](y[known], errors[known])
    mean = mean if towards is None else towards
    weights = np.full(y.shape, np.nan)
    weights[known] = weight
    return Shrunk(mean + weights * (y - mean), weights, mean, between)


def _dersimonian_laird(y: FloatArray, errors: FloatArray) -> tuple[float, float, FloatArray]:
    w = 1.0 / errors
    fixed = (w * y).sum() / w.sum()
    heterogeneity = (w * (y - fixed) ** 2).sum()
    between = max(0.0, (heterogeneity - (y.size - 1)) / (w.sum() - (w**2).sum() / w.sum()))
    full = 1.0 / (errors + between)
    return float((full * y).sum() / full.sum()), float(between), between / (between + errors)


def _james_stein(y: FloatArray, errors: FloatArray) -> tuple[float, float, FloatArray]:
    if not np.allclose(errors, errors[0]):
        raise ValueError("squared_errors: James-Stein expects equal ones, found different; use dersimonian_laird")
    mean = float(y.mean())
    scatter = ((y - mean) ** 2).sum()
    weight = max(0.0, 1.0 - (y.size - 3) * errors[0] / scatter) if scatter > 0 else 0.0
    # The between variance that would give this weight; unlimited where nothing is shrunk.
    between = float(errors[0] * weight / (1.0 - weight)) if weight < 1.0 else float("inf")
    return mean, between, np.full(y.shape, weight)


_METHODS = {"dersimonian_laird": _dersimonian_laird, "james_stein": _james_stein}


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
    y, base = np.broadcast_arrays(np.asarray(values, dtype=np.float64), np.asarray(n, dtype=np.float64))
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
