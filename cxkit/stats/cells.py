"""One form for a cell of answers, shared by net scores and shares.

A net score lies between -1 and 1 with every answer worth -1, 0 or 1. A share is the same thing without the middle:
2r - 1 is the net score of "yes" minus "no". Both are therefore held as one `Cell` on the scale -1..1.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxkit.stats.core import FloatArray, numbers, refuse
from cxkit.stats.design import Design

Designs: TypeAlias = tuple[Design | None, Design | None]
Counts: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]  # detractors, passives, promoters
Successes: TypeAlias = tuple[ArrayLike, ArrayLike]  # successes, n
Moments: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]  # mean, variance with divisor n, n
NO_DESIGNS: Designs = (None, None)


class Cell(NamedTuple):
    """Answers of one cell on the scale -1..1, all fields of one shape.

    Attributes:
        value: The estimate.
        variance: Variance of one answer, divisor n.
        skew: Share of neutral answers times the value; 0 for shares.
        design: Precision of the cell; a plain cell has n_eff = n and df = n - 1.
    """

    value: FloatArray
    variance: FloatArray
    skew: FloatArray
    design: Design


def net_cell(detractors: ArrayLike, passives: ArrayLike, promoters: ArrayLike, design: Design | None) -> Cell:
    """A cell from counts of -1, 0 and 1; NaN where all are 0."""
    d, a, p = numbers(detractors=detractors, passives=passives, promoters=promoters)
    n = d + a + p
    total = np.where(n > 0, n, np.nan)
    value = (p - d) / total
    return _cell(value, np.maximum((p + d) / total - value**2, 0.0), a / total * value, n, design)


def share_cell(successes: ArrayLike, n: ArrayLike, design: Design | None) -> Cell:
    """A cell from successes and bases; NaN where the base is 0.

    Raises:
        ValueError: For more successes than answers.
    """
    s, n = numbers(successes=successes, n=n)
    refuse("successes", s, s > n * (1.0 + 1e-9), "at most n")  # weighted sums may differ in the last bits
    rate = np.minimum(s / np.where(n > 0, n, np.nan), 1.0)
    return _cell(2.0 * rate - 1.0, 4.0 * rate * (1.0 - rate), np.zeros_like(rate), n, design)


def _cell(value: FloatArray, variance: FloatArray, skew: FloatArray, n: FloatArray, design: Design | None) -> Cell:
    used = Design(n, n, n - 1.0) if design is None else Design(*(np.asarray(x, dtype=np.float64) for x in design))
    value, variance, skew, *parts = np.broadcast_arrays(value, variance, skew, *used)
    return Cell(value, variance, skew, Design(*parts))


def take(cell: Cell, chosen: NDArray[np.intp] | slice) -> Cell:
    """The chosen entries of a flat cell."""
    value, variance, skew, design = cell
    return Cell(value[chosen], variance[chosen], skew[chosen], Design(*(part[chosen] for part in design)))


def mirror(cell: Cell) -> Cell:
    """The cell with its scale turned round, so that its upper limit becomes a lower one."""
    return cell._replace(value=-cell.value, skew=-cell.skew)


def flat(first: Cell, second: Cell, other: FloatArray) -> tuple[Cell, Cell, FloatArray, tuple[int, ...]]:
    """Two cells and an array, broadcast against one another and made one-dimensional, with the shape they had."""
    parts = (*first[:3], *first.design, *second[:3], *second.design, other)
    arrays = np.broadcast_arrays(*parts)
    a = [array.ravel() for array in arrays]
    one, two = Cell(a[0], a[1], a[2], Design(*a[3:6])), Cell(a[6], a[7], a[8], Design(*a[9:12]))
    return one, two, a[12], arrays[0].shape
