"""Confidence intervals of one cell: net scores and shares, by score limits in closed form. Natural units.

A net score lies between -1 and 1 with every answer worth -1, 0 or 1. A share is the same thing without the middle:
2r - 1 is the net score of "yes" minus "no". Both are therefore held as one `Cell` on the scale -1..1. With a `design`
the counts are (weighted) sums of which only the shares matter, and the base is the effective one.

`reaches(cell, z)` are the distances from the estimate to its limits at z standard errors. Whoever adds a reach to an
estimate cuts the last bit of rounding at the end of the scale. Tango's limit in closed form: with estimate v, variance
V, neutral share a, k = z^2/base and x the limit, the equations of the constrained maximum likelihood,
(v - x)^2 = k V(x), reduce to the cubic

    k t^3 - (k + V) t + a v = 0,   x = (v - k t)/(1 + k),

whose largest root gives the lower limit and whose smallest the upper. It has three real roots, so the trigonometric
solution needs no iteration and no starting value; without neutral answers it is Wilson's formula.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxkit.stats.core import FloatArray, Interval, critical, floats, numbers, one_of, positive, refuse, result
from cxkit.stats.design import Design, base_at, design_of

Pair: TypeAlias = tuple[FloatArray, FloatArray]
Chosen: TypeAlias = NDArray[np.intp] | slice
# Answers added to a cell at -1, 0 and 1 by the adjusted Wald method for net scores, and to either side of a share.
NET_ADDED = (0.75, 1.5, 0.75)
SHARE_ADDED = 2.0
# The smallest base that is told from none; below it the limits are the ends of the scale to the last bit.
_NO_BASE = 1e-30


class Cell(NamedTuple):
    """Answers of one cell on the scale -1..1, all fields of one shape.

    Attributes:
        value: The estimate.
        variance: Variance of one answer, divisor n.
        skew: Share of neutral answers times the value; 0 for shares.
        n: Answers; with n_eff and df the `Design` of the cell, a plain one where none was given.
    """

    value: FloatArray
    variance: FloatArray
    skew: FloatArray
    n: FloatArray
    n_eff: FloatArray
    df: FloatArray

    @property
    def design(self) -> Design:
        """Precision of the cell."""
        return Design(*self[3:])

    def base(self, z: FloatArray | float) -> FloatArray:
        """Effective base of limits at z standard errors."""
        return base_at(self.design, z)

    def at(self, chosen: Chosen) -> Cell:
        """The chosen entries of a flat cell."""
        return Cell(*(part[chosen] for part in self))

    def turned(self, sign: FloatArray | float = -1.0) -> Cell:
        """The cell with its scale turned round where the sign is -1, so that its upper limit becomes a lower one."""
        return self._replace(value=sign * self.value, skew=sign * self.skew)


Reaches: TypeAlias = Callable[..., Pair]  # (cell, z, both=True)
Moments: TypeAlias = Callable[[Cell, FloatArray], Pair]  # estimate and squared standard error of a cell with a base


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
    cell = net_cell(detractors, passives, promoters, design)
    return result(Interval, *one_of(_NET, method)(cell, critical(level)))


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
    cell = share_cell(successes, n, design)
    return result(Interval, *((1.0 + limit) / 2.0 for limit in one_of(_SHARE, method)(cell, critical(level))))


def net_cell(detractors: ArrayLike, passives: ArrayLike, promoters: ArrayLike, design: Design | None) -> Cell:
    """A cell from counts of -1, 0 and 1; NaN where all are 0."""
    d, a, p = numbers(detractors=detractors, passives=passives, promoters=promoters)
    n = d + a + p
    total = positive(n)
    value = (p - d) / total
    return _cell(value, np.maximum((p + d) / total - value**2, 0.0), a / total * value, n, design)


def share_cell(successes: ArrayLike, n: ArrayLike, design: Design | None) -> Cell:
    """A cell from successes and bases; NaN where the base is 0, a ValueError for more successes than answers."""
    s, n = numbers(successes=successes, n=n)
    refuse("successes", s, s > n * (1.0 + 1e-9), "at most n")  # weighted sums may differ in the last bits
    rate = np.minimum(s / positive(n), 1.0)
    return _cell(2.0 * rate - 1.0, 4.0 * rate * (1.0 - rate), np.zeros_like(rate), n, design)


def _cell(value: FloatArray, variance: FloatArray, skew: FloatArray, n: FloatArray, design: Design | None) -> Cell:
    return Cell(*np.broadcast_arrays(value, variance, skew, *map(floats, design_of(n, design))))


def net_reaches(cell: Cell, z: FloatArray | float, both: bool = True) -> Pair:
    """Distances from a net score to its score limits; without `both` the lower one in either place."""
    k = np.square(z) / np.maximum(cell.base(z), _NO_BASE)
    m, shift = k + cell.variance, k * cell.value
    angle = np.arccos(np.clip((-1.5 * sqrt(3.0)) * cell.skew * np.sqrt(k / m) / m, -1.0, 1.0))
    size = 2.0 * np.sqrt(k * m / 3.0)
    down = np.maximum((size * np.cos(angle / 3.0) + shift) / (1.0 + k), 0.0)
    return down, np.maximum((size * np.cos((pi - angle) / 3.0) - shift) / (1.0 + k), 0.0) if both else down


def share_reaches(cell: Cell, z: FloatArray | float, both: bool = True) -> Pair:
    """Distances from a share, as a net score without neutral answers, to Wilson's limits; `both` as above."""
    k = np.square(z) / np.maximum(cell.base(z), _NO_BASE)
    size, shift = np.sqrt(k * (k + cell.variance)), k * cell.value
    down = np.maximum((size + shift) / (1.0 + k), 0.0)
    return down, np.maximum((size - shift) / (1.0 + k), 0.0) if both else down


def adjusted_net(cell: Cell, base: FloatArray) -> Pair:
    """Estimate and squared standard error of a net score after adding 3/4, 1 1/2 and 3/4 answers."""
    total = base + sum(NET_ADDED)
    value = cell.value * base / total
    extremes = ((cell.variance + cell.value**2) * base + NET_ADDED[0] + NET_ADDED[2]) / total
    return value, (extremes - value**2) / total


def adjusted_share(added: float) -> Moments:
    """Estimate and squared standard error of a share, on the scale -1..1, after adding answers to either side."""

    def moments(cell: Cell, base: FloatArray) -> Pair:
        total = base + 2.0 * added
        value = cell.value * base / total
        return value, (1.0 - value**2) / total

    return moments


def unadjusted(cell: Cell, base: FloatArray) -> Pair:
    """Estimate and squared standard error as they are."""
    return cell.value, cell.variance / positive(base)


def _score(reaches: Reaches) -> Callable[[Cell, float], Pair]:
    def limits(cell: Cell, z: float) -> Pair:
        down, up = reaches(cell, z)
        return np.maximum(cell.value - down, -1.0), np.minimum(cell.value + up, 1.0)

    return limits


def _wald(moments: Moments) -> Callable[[Cell, float], Pair]:
    def limits(cell: Cell, z: float) -> Pair:
        value, squared = moments(cell, cell.base(z))
        half = z * np.sqrt(squared)
        return value - half, value + half

    return limits


_NET = {"score": _score(net_reaches), "adjusted_wald": _wald(adjusted_net), "wald": _wald(unadjusted)}
_SHARE = {
    "wilson": _score(share_reaches),
    "adjusted_wald": _wald(adjusted_share(SHARE_ADDED)),
    "wald": _wald(unadjusted),
}
