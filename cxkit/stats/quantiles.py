"""Quantiles of durations and other long-tailed values, from values or from counts per value.

The estimate is the inverse of the (weighted) distribution function, averaged where it is flat, so that the median of an
even number of values lies between the middle two. Limits are order statistics: values that were really observed.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cxkit.stats.cells import NO_DESIGNS, Designs
from cxkit.stats.core import Difference, FloatArray, Interval, critical, plain, refuse
from cxkit.stats.design import Design, base_at

Values: TypeAlias = tuple[ArrayLike, ArrayLike | None]  # values, counts per value

# Where so few resamples lie beyond 0, so many times as many are drawn: p-values then reach down to 1e-5.
_RARE, _MORE = 10, 20
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
        Observed values. A limit that does not exist is NaN: the upper one of a p90 needs about 36 values. So are both
        where they are equal, because an interval of no width claims too much.

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
    return Interval(*(_shaped(np.where(equal, np.nan, limit), cells) for limit in (low, high)))


def quantile_difference(
    now: Values,
    before: Values,
    q: float = 0.5,
    level: float = 0.95,
    *,
    replicates: int = 9999,
    seed: int = 0,
    designs: Designs = NO_DESIGNS,
) -> Difference:
    """Difference of the same quantile of two cells, by the percentile bootstrap of their counts.

    Args:
        now: (values, counts per value); counts None for once each.
        before: The same for the cell compared with.
        q: Which quantile, in (0, 1).
        level: Confidence level in (0, 1).
        replicates: Resamples; twenty times as many where fewer than ten lie on the far side of 0.
        seed: Seed of the resamples; equal seeds give equal results.
        designs: Effective bases; resamples then have that many values.

    Returns:
        change, low, high, pvalue. Limits and p are NaN where either side has too few values for an interval of its own,
        or where no resample differs from another.

    Formula: a resampled order statistic is the distribution function's inverse at a Beta(k, n + 1 - k) draw, which is
    the multinomial bootstrap without its counting; p = 2 (1 + replicates on the far side of 0) / (replicates + 1).
    Source: Efron (1979), doi 10.1214/aos/1176344552, section 3 for the median.

    >>> quantile_difference(([30, 40, 45, 50, 60, 70, 80], None), ([10, 20, 21, 25, 30, 35, 40], None))
    Difference(change=25.0, low=10.0, high=49.0, pvalue=0.0104)
    """
    if _content(now) < _content(before):  # drawn in one order, so that turning the sides only turns the sign
        turned = quantile_difference(before, now, q, level, replicates=replicates, seed=seed, designs=designs[::-1])
        return Difference(-turned.change, -turned.high, -turned.low, turned.pvalue)
    generator = np.random.default_rng(seed)
    tables = [_sort(values, q, counts, None, 0) for values, counts in (now, before)]
    bases = [_base(table, design, level) for table, design in zip(tables, designs, strict=True)]
    first, second = (_quantiles(table, np.array([q]))[0] for table in tables)
    change = first - second
    enough = all(np.isfinite(_rank_limits(base, q, level)).all() for base in bases)
    if not enough:
        return Difference(plain(change), *(plain(np.nan),) * 3)
    low, high, beyond = _resampled_limits(tables, bases, q, level, replicates, generator)
    if beyond < _RARE:  # a family of thousands of comparisons asks for smaller p-values than these could give
        replicates = _MORE * (replicates + 1) - 1
        low, high, beyond = _resampled_limits(tables, bases, q, level, replicates, generator)
    pvalue = min(1.0, 2.0 * (1.0 + beyond) / (replicates + 1.0))
    if low == high:
        return Difference(plain(change), *(plain(np.nan),) * 3)
    return Difference(plain(change), plain(low), plain(high), plain(pvalue))


def _resampled_limits(
    tables: list[_Sorted], bases: list[float], q: float, level: float, replicates: int, generator: np.random.Generator
) -> tuple[float, float, int]:
    """Limits of the difference, and how many resamples lie on the far side of 0."""
    draws = [_resampled(table, base, q, replicates, generator) for table, base in zip(tables, bases, strict=True)]
    differences = np.sort(draws[0] - draws[1])
    # The strict inequality makes p < alpha exactly when the interval excludes 0.
    rank = max(int(np.ceil((replicates + 1) * (1.0 - level) / 2.0 - 1e-9)) - 1, 1)
    beyond = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
    return float(differences[rank - 1]), float(differences[-rank]), int(beyond)


def _content(side: Values) -> tuple[list[float], list[float]]:
    """The different values of a side and how often each occurs, however they were given."""
    values, place = np.unique(np.asarray(side[0], dtype=np.float64), return_inverse=True)
    counts = np.bincount(place, None if side[1] is None else np.asarray(side[1], dtype=np.float64))
    return values.tolist(), counts.astype(np.float64).tolist()


def _rank_limits(base: float, q: float, level: float) -> FloatArray:
    """Ranks of the limits of a quantile; NaN where one does not exist."""
    n = np.floor(base * (1 + _SAME)) if base > 0 else 0.0
    ranks = np.array([stats.binom.ppf((1 - level) / 2, n, q), stats.binom.isf((1 - level) / 2, n, q) + 1.0])
    return np.where((ranks >= 1) & (ranks <= n), ranks, np.nan)


def _base(table: _Sorted, design: Design | None, level: float) -> float:
    return float(table.total[0] if design is None else base_at(design, critical(level)))


def _resampled(table: _Sorted, base: float, q: float, replicates: int, generator: np.random.Generator) -> FloatArray:
    n = int(np.floor(base * (1 + _SAME)))
    rank = n * q
    whole = abs(rank - round(rank)) < 1e-9
    k = round(rank) if whole else int(np.floor(rank)) + 1
    first = generator.beta(k, n + 1 - k, replicates)
    low = _inverse(table, first)
    if not whole or k == n:
        return low
    # The next order statistic of a sample is uniform beyond the first one.
    second = first + (1.0 - first) * generator.beta(1, n - k, replicates)
    return (low + _inverse(table, second)) / 2.0


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
