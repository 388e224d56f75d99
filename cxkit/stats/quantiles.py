"""Quantiles of durations and other long-tailed values, from values or from counts per value.

The estimate is the inverse of the (weighted) distribution function, averaged where it is flat, so that the median of an
even number of values lies between the middle two. Limits are order statistics: values that were really observed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cxkit.stats.core import FloatArray, Interval, critical, plain, refuse
from cxkit.stats.design import Design, base_at

# Cumulative weights that differ by less than this share of the total are the same number.
_SAME = 1e-12


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
    return _shaped(_quantiles(table, np.full(table.total.shape, q)), cells)


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
    alpha = 1.0 - level
    lower, upper = stats.binom.ppf(alpha / 2.0, n, q), stats.binom.isf(alpha / 2.0, n, q) + 1.0
    share = np.maximum(n, 1.0)
    low = np.where((lower >= 1) & (n > 0), _inverse(table, lower / share), np.nan)
    high = np.where((upper <= n) & (n > 0), _inverse(table, upper / share), np.nan)
    equal = low == high
    for cell in np.flatnonzero(equal):
        own = table.values[int(table.last[cell - 1]) + 1 if cell else 0 : int(table.last[cell]) + 1]
        low[cell], high[cell] = apart(own, low[cell])
    return Interval(*(_shaped(limit, cells) for limit in (low, high)))


def apart(values: FloatArray, both: float) -> tuple[float, float]:
    """The neighbours among some values, in order, of a value that both limits are; NaN where there is no other one."""
    below, above = values[values < both], values[values > both]
    low, high = (float(beside[0]) if beside.size else both for beside in (below[-1:], above[:1]))
    return (low, high) if low < high else (np.nan, np.nan)


def _sort(values: ArrayLike, q: float, counts: ArrayLike | None, cells: ArrayLike | None, size: int) -> _Sorted:
    if not 0.0 < q < 1.0:
        raise ValueError(f"q: expected a number between 0 and 1, such as 0.9, found {q!r}")
    x = np.asarray(values, dtype=np.float64).ravel()
    count = np.ones(x.shape) if counts is None else np.asarray(counts, dtype=np.float64).ravel()
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


def _quantiles(table: _Sorted, q: FloatArray) -> FloatArray:
    # Just past a flat stretch the inverse jumps to the next value.
    return (_inverse(table, q) + _inverse(table, q + 3.0 * _SAME)) / 2.0


def _shaped(result: FloatArray, cells: ArrayLike | None) -> FloatArray:
    return result if cells is not None else plain(result[0])
