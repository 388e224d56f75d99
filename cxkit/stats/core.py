"""What every formula shares: result types, critical values, and the checks at the door."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray: TypeAlias = NDArray[np.float64]

# Beyond 20 standard errors (p below 1e-88) the quantiles of t with few degrees of freedom overflow; at 0 they vanish.
_NEAR, _FAR = 1e-4, 20.0


class Interval(NamedTuple):
    """Limits of a confidence interval, in the unit of the estimate; NaN where there is none."""

    low: FloatArray
    high: FloatArray


class Difference(NamedTuple):
    """A difference first minus second, its limits, and the p-value that agrees with them."""

    change: FloatArray
    low: FloatArray
    high: FloatArray
    pvalue: FloatArray


def critical(level: float) -> float:
    """Two-sided normal quantile of a confidence level in (0, 1).

    Raises:
        ValueError: For a level outside (0, 1), such as 95.

    >>> critical(0.95)
    1.95996
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level: expected a number between 0 and 1, such as 0.95, found {level!r}")
    return float(-special.ndtri((1.0 - level) / 2.0))


def t_critical(df: FloatArray, level: float) -> FloatArray:
    """Two-sided quantile of Student's t; NaN where there are no degrees of freedom."""
    critical(level)
    return cast(FloatArray, -special.stdtrit(np.where(df > 0, df, np.nan), (1.0 - level) / 2.0))


def t_at(z: FloatArray | float, df: FloatArray) -> FloatArray:
    """Student's t in the place of z standard errors: the quantile that has the same tail; NaN without degrees."""
    return cast(FloatArray, -special.stdtrit(np.where(df > 0, df, np.nan), special.ndtr(-np.clip(z, _NEAR, _FAR))))


def t_pvalue(t: FloatArray, df: FloatArray) -> FloatArray:
    """Two-sided p-value of a t statistic, from the survival function so that small ones stay accurate."""
    return cast(FloatArray, 2.0 * special.stdtr(np.where(df > 0, df, np.nan), -np.abs(t)))


def normal_pvalue(z: FloatArray) -> FloatArray:
    """Two-sided p-value of a normal statistic, from the survival function so that small ones stay accurate."""
    return cast(FloatArray, 2.0 * special.ndtr(-np.abs(z)))


def agree(pvalue: FloatArray, excluded: NDArray[np.bool_], level: float) -> FloatArray:
    """The p-value, held on the side of 1 - level on which the interval stands, whatever the last bit says."""
    alpha = 1.0 - level
    below, above = np.minimum(pvalue, np.nextafter(alpha, 0.0)), np.maximum(pvalue, alpha)
    return np.where(np.isnan(pvalue), np.nan, np.where(excluded, below, above))


def plain(values: ArrayLike) -> FloatArray:
    """The array; a Python float where it has no dimensions, so that a single result reads like a number."""
    array = np.asarray(values, dtype=np.float64)
    return array if array.ndim else cast(FloatArray, float(array))


def refuse(name: str, values: FloatArray, bad: NDArray[np.bool_], expected: str) -> None:
    """Raises a ValueError that names the argument and quotes its first bad value, if there is one."""
    if np.any(bad):
        raise ValueError(f"{name}: expected {expected}, found {values[bad].flat[0]:g}")


def numbers(**named: ArrayLike) -> list[FloatArray]:
    """Arguments as float arrays of one shape.

    Raises:
        ValueError: For a negative or infinite count.
    """
    arrays = [np.asarray(values, dtype=np.float64) for values in named.values()]
    for name, array in zip(named, arrays, strict=True):
        # The extremes decide; the place of a bad one is looked for only if there is one. NaN passes, as "unknown".
        if array.size and not (array.min() >= 0 and array.max() < np.inf):
            refuse(name, array, (array < 0) | np.isinf(array), "counts of at least 0")
    return list(np.broadcast_arrays(*arrays))


def positive(values: FloatArray) -> FloatArray:
    """The values where they are above 0, NaN elsewhere: a denominator that cannot divide by zero."""
    return np.where(values > 0, values, np.nan)


def fractions(fraction: ArrayLike) -> FloatArray:
    """Shares of a population that answered.

    Raises:
        ValueError: For a share outside [0, 1): a census has no sampling error to estimate.
    """
    share = np.asarray(fraction, dtype=np.float64)
    refuse("fraction", share, (share < 0) | (share >= 1), "shares in [0, 1)")
    return share
