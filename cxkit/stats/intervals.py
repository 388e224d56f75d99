"""Confidence intervals of one cell: net scores, shares, means. Arrays in, arrays out, natural units.

With a `design` the counts are (weighted) sums of which only the shares matter, and the base is the effective one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.cells import Cell, net_cell, share_cell
from cxkit.stats.core import FloatArray, Interval, critical, plain, positive, t_at
from cxkit.stats.design import Design, base_at, plain_design
from cxkit.stats.limits import Reaches, net_reaches, share_reaches

# Answers added to a cell at -1, 0 and 1 by the adjusted Wald method for net scores, and to each side of a share.
NET_ADDED = (0.75, 1.5, 0.75)
SHARE_ADDED = 2.0
SHARE_ADDED_EACH = 1.0
# A weighted variance that should be 0 is of the order of 1e-16 times the squared mean.
_NO_VARIANCE = 1e-13


def nps_interval(
    detractors: ArrayLike,
    passives: ArrayLike,
    promoters: ArrayLike,
    level: float = 0.95,
    method: str = "score",
    *,
    design: Design | None = None,
) -> Interval:
    """Interval for a net promoter score, the share of promoters minus the share of detractors.

    Args:
        detractors: Count per cell, any shape; fractional after weighting.
        passives: Count per cell.
        promoters: Count per cell.
        level: Confidence level in (0, 1).
        method: "score" (default), "adjusted_wald" (+3/4, +1 1/2, +3/4 answers) or "wald".
        design: Effective base under weights and clusters.

    Returns:
        Limits in -1..1, NaN where nobody answered. Score limits never leave the scale and never have zero width.

    Raises:
        ValueError: For negative counts, a level outside (0, 1) or an unknown method.

    Formula: the x that solve (v - x)^2 = z^2 V(x)/n, V(x) the variance under the constrained maximum-likelihood shares.
    Source: Tango (1998), doi 10.1002/(SICI)1097-0258(19980430)17:8<891; Bonett and Price (2012),
    doi 10.3102/1076998611411915, for the adjusted method.

    >>> nps_interval(20, 30, 50)
    Interval(low=0.139551, high=0.443393)
    """
    return _limits(net_cell(detractors, passives, promoters, design), level, _choose(NET_METHODS, method))


def rate_interval(
    successes: ArrayLike, n: ArrayLike, level: float = 0.95, method: str = "wilson", *, design: Design | None = None
) -> Interval:
    """Interval for a share.

    Args:
        successes: Count per cell, any shape; fractional after weighting.
        n: Base per cell, same shape. Where it is 0 both limits are NaN.
        level: Confidence level in (0, 1).
        method: "wilson" (default, no continuity correction), "adjusted_wald" (+2 successes, +2 failures) or "wald".
        design: Effective base under weights and clusters.

    Returns:
        Limits in 0..1. Wilson's never leave it and never have zero width.

    Raises:
        ValueError: For negative counts, more successes than answers, a bad level or an unknown method.

    Formula: centre (r + z^2/2n)/(1 + z^2/n), half-width z/(1 + z^2/n) sqrt(r(1 - r)/n + z^2/4n^2).
    Source: Wilson (1927); recommended by Newcombe (1998), doi 10.1002/(SICI)1097-0258(19980430)17:8<857;
    Agresti and Coull (1998), doi 10.1080/00031305.1998.10480550, for the adjusted method.

    >>> rate_interval(81, 263)
    Interval(low=0.255289, high=0.366210)
    """
    low, high = _limits(share_cell(successes, n, design), level, _choose(SHARE_METHODS, method))
    return Interval(plain((1.0 + np.asarray(low)) / 2.0), plain((1.0 + np.asarray(high)) / 2.0))


def mean_interval(
    mean: ArrayLike,
    variance: ArrayLike,
    n: ArrayLike,
    level: float = 0.95,
    *,
    scale: tuple[float, float] | None = None,
    design: Design | None = None,
) -> Interval:
    """Interval for the mean of a scale.

    Args:
        mean: Mean per cell, in the unit of the scale.
        variance: Variance of one answer with divisor n, at the weighted shares.
        n: Answers per cell.
        level: Confidence level in (0, 1).
        scale: Ends at which the limits are cut; None to leave them as they are.
        design: Effective base and degrees of freedom under weights and clusters.

    Returns:
        Limits; NaN where there are fewer than two answers, and, without a scale, where all are the same.

    Formula: m +- t_df sqrt(n/(n - 1) V/n_eff), df = n - 1 without a design. Where all answers are the same, `unseen`
    times the width of the scale. Source: Student (1908); Wilson (1927).

    >>> mean_interval(5.5, 1.25, 4, scale=(1, 7))
    Interval(low=3.445739, high=7.0)
    >>> mean_interval(7, 0, 40, scale=(1, 7))
    Interval(low=6.474270, high=7.0)
    """
    half = mean_half_width(mean, variance, n, critical(level), scale, design)
    m = np.asarray(mean, dtype=np.float64)
    low, high = (-np.inf, np.inf) if scale is None else scale
    return Interval(plain(np.maximum(m - half, low)), plain(np.minimum(m + half, high)))


def mean_half_width(
    mean: ArrayLike,
    variance: ArrayLike,
    n: ArrayLike,
    z: FloatArray | float,
    scale: tuple[float, float] | None,
    design: Design | None,
) -> FloatArray:
    """Half the width of the interval of a mean at z standard errors, before it is cut at the ends of the scale."""
    used = plain_design(n) if design is None else design
    squared, df = mean_precision(mean, variance, n, used)
    width = np.nan if scale is None else scale[1] - scale[0]
    return np.where(squared == 0, width * unseen(base_at(used, z), z), t_at(z, df) * np.sqrt(squared))


def unseen(base: FloatArray, z: FloatArray | float) -> FloatArray:
    """The greatest share of answers of a kind of which a base holds none: z^2/(n + z^2), Wilson's limit for 0 of n."""
    return np.square(z) / (base + np.square(z))


def mean_precision(
    mean: ArrayLike, variance: ArrayLike, n: ArrayLike, design: Design | None
) -> tuple[FloatArray, FloatArray]:
    """Squared standard error of a mean, 0 where all answers are the same, and its degrees of freedom; NaN for one."""
    m, v, n = (np.asarray(x, dtype=np.float64) for x in (mean, variance, n))
    used = plain_design(n) if design is None else design
    df = np.where(np.asarray(used.df) > 0, used.df, np.nan)
    varying = np.where(v > _NO_VARIANCE * (1.0 + m**2), v, 0.0)
    return np.where(n > 1, varying, np.nan) * n / positive(n - 1.0) / positive(np.asarray(used.n_eff)), df


def welch(v1: FloatArray, v2: FloatArray, df1: FloatArray, df2: FloatArray) -> FloatArray:
    """Satterthwaite's degrees of freedom of v1 + v2; the smaller of the two where both are 0."""
    total = v1 + v2
    return np.where(total == 0, np.minimum(df1, df2), total**2 / positive(v1**2 / df1 + v2**2 / df2))


def _limits(cell: Cell, level: float, method: Callable[[Cell, float], tuple[FloatArray, FloatArray]]) -> Interval:
    low, high = method(cell, critical(level))
    return Interval(plain(low), plain(high))


def _score(reaches: Reaches) -> Callable[[Cell, float], tuple[FloatArray, FloatArray]]:
    def limits(cell: Cell, z: float) -> tuple[FloatArray, FloatArray]:
        down, up = reaches(cell, base_at(cell.design, z), z)
        return np.maximum(cell.value - down, -1.0), np.minimum(cell.value + up, 1.0)

    return limits


def adjusted_net(cell: Cell, base: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Estimate and squared standard error of a net score after adding 3/4, 1 1/2 and 3/4 answers."""
    total = base + sum(NET_ADDED)
    value = cell.value * base / total
    extremes = ((cell.variance + cell.value**2) * base + NET_ADDED[0] + NET_ADDED[2]) / total
    return value, (extremes - value**2) / total


def adjusted_share(cell: Cell, base: FloatArray, added: float) -> tuple[FloatArray, FloatArray]:
    """Estimate and squared standard error of a share, on the scale -1..1, after adding answers to either side."""
    total = base + 2.0 * added
    value = cell.value * base / total
    return value, (1.0 - value**2) / total


def unadjusted(cell: Cell, base: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Estimate and squared standard error as they are."""
    return cell.value, cell.variance / positive(base)


def _wald(
    moments: Callable[[Cell, FloatArray], tuple[FloatArray, FloatArray]],
) -> Callable[[Cell, float], tuple[FloatArray, FloatArray]]:
    def limits(cell: Cell, z: float) -> tuple[FloatArray, FloatArray]:
        value, squared = moments(cell, base_at(cell.design, z))
        half = z * np.sqrt(squared)
        return value - half, value + half

    return limits


def _choose(
    methods: dict[str, Callable[[Cell, float], tuple[FloatArray, FloatArray]]], method: str
) -> Callable[[Cell, float], tuple[FloatArray, FloatArray]]:
    if method not in methods:
        raise ValueError(f"method: expected one of {', '.join(methods)}; found {method!r}")
    return methods[method]


NET_METHODS = {"score": _score(net_reaches), "adjusted_wald": _wald(adjusted_net), "wald": _wald(unadjusted)}
SHARE_METHODS = {
    "wilson": _score(share_reaches),
    "adjusted_wald": _wald(lambda cell, base: adjusted_share(cell, base, SHARE_ADDED)),
    "wald": _wald(unadjusted),
}
