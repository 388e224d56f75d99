"""What every formula shares: result types, quantiles and tails, and the checks at the door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
T = TypeVar("T")

# Beyond 20 standard errors (p below 1e-88) the quantiles of t with few degrees of freedom overflow; at 0 they vanish.
_NEAR, _FAR = 1e-4, 20.0
# A correlation of 1 would give two equal cells an interval of no width.
_MOST_CORRELATED = 0.99


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
    """Two-sided normal quantile of a confidence level in (0, 1); another level, such as 95, is a ValueError.

    >>> critical(0.95)
    1.95996
    """
    within("level", level, 0.95)
    return float(-special.ndtri((1.0 - level) / 2.0))


def t_critical(df: FloatArray, level: float) -> FloatArray:
    """Two-sided quantile of Student's t; NaN where there are no degrees of freedom."""
    critical(level)
    return cast(FloatArray, -special.stdtrit(positive(df), (1.0 - level) / 2.0))


def t_at(z: FloatArray | float, df: FloatArray) -> FloatArray:
    """Student's t in the place of z standard errors: the quantile that has the same tail; NaN without degrees."""
    return cast(FloatArray, -special.stdtrit(positive(df), special.ndtr(-np.clip(z, _NEAR, _FAR))))


def t_pvalue(t: FloatArray, df: FloatArray) -> FloatArray:
    """Two-sided p-value of a t statistic, from the survival function so that small ones stay accurate."""
    return cast(FloatArray, 2.0 * special.stdtr(positive(df), -np.abs(t)))


def normal_pvalue(z: FloatArray) -> FloatArray:
    """Two-sided p-value of a normal statistic, from the survival function so that small ones stay accurate."""
    return cast(FloatArray, 2.0 * special.ndtr(-np.abs(z)))


def agree(pvalue: FloatArray, excluded: BoolArray, level: float) -> FloatArray:
    """The p-value, held on the side of 1 - level on which the interval stands, whatever the last bit says."""
    alpha = 1.0 - level
    below, above = np.minimum(pvalue, np.nextafter(alpha, 0.0)), np.maximum(pvalue, alpha)
    return np.where(np.isnan(pvalue), np.nan, np.where(excluded, below, above))


def floats(values: ArrayLike) -> FloatArray:
    """Values as an array of floats."""
    return np.asarray(values, dtype=np.float64)


def plain(values: ArrayLike) -> FloatArray:
    """The array; a Python float where it has no dimensions, so that a single result reads like a number."""
    array = floats(values)
    return array if array.ndim else cast(FloatArray, float(array))


def result(kind: Callable[..., T], *parts: ArrayLike) -> T:
    """A named tuple of parts of one shape, plain numbers where they have no dimensions."""
    return kind(*map(plain, np.broadcast_arrays(*parts)))


def refuse(name: str, values: FloatArray, bad: BoolArray, expected: str) -> None:
    """Raises a ValueError that names the argument and quotes its first bad value, if there is one."""
    if np.any(bad):
        raise ValueError(f"{name}: expected {expected}, found {values[bad].flat[0]:g}")


def within(name: str, value: float, such: float) -> None:
    """Raises a ValueError for an argument that is not between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name}: expected a number between 0 and 1, such as {such}, found {value!r}")


def one_of(methods: Mapping[str, T], method: str) -> T:
    """What a method stands for; a ValueError names those that there are."""
    if method not in methods:
        raise ValueError(f"method: expected one of {', '.join(methods)}; found {method!r}")
    return methods[method]


def numbers(**named: ArrayLike) -> list[FloatArray]:
    """Counts as float arrays of one shape; a negative or infinite one is a ValueError, NaN passes as "unknown"."""
    arrays = [floats(values) for values in named.values()]
    for name, array in zip(named, arrays, strict=True):
        # The extremes decide; the place of a bad one is looked for only if there is one.
        if array.size and not (array.min() >= 0 and array.max() < np.inf):
            refuse(name, array, (array < 0) | np.isinf(array), "counts of at least 0")
    return list(np.broadcast_arrays(*arrays))


def positive(values: ArrayLike) -> FloatArray:
    """The values where they are above 0, NaN elsewhere: a denominator that cannot divide by zero."""
    array = floats(values)
    return np.where(array > 0, array, np.nan)


def joint(v1: FloatArray, v2: FloatArray, correlation: FloatArray | float) -> FloatArray:
    """Variance of the difference of two estimates: v1 + v2 - 2 r sqrt(v1 v2)."""
    return v1 + v2 - 2.0 * correlation * np.sqrt(v1 * v2)


def usable_correlation(correlation: ArrayLike) -> FloatArray:
    """The correlation, held a little away from -1 and 1; one outside [-1, 1] is a ValueError."""
    r = floats(correlation)
    refuse("correlation", r, np.abs(r) > 1, "numbers in [-1, 1]")
    return np.clip(r, -_MOST_CORRELATED, _MOST_CORRELATED)
