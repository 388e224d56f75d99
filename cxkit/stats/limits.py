"""How far a score interval reaches, in closed form, and MOVER, which joins two reaches into limits of a difference.

Everything here works on the scale -1..1 of `Cell`. `reach(cell, base, z)` is the distance from the estimate down to its
lower limit at z standard errors with `base` answers; the upper limit is the reach of the mirrored cell. Whoever adds a
reach to an estimate cuts the last bit of rounding at the end of the scale.

Tango's limit in closed form. With estimate v, variance V, neutral share a, k = z^2/base and x the limit, the equations
of the constrained maximum likelihood, (v - x)^2 = k V(x), reduce to the cubic

    k t^3 - (k + V) t + a v = 0,   x = (v - k t)/(1 + k),

whose largest root gives the lower limit. It has three real roots, so the trigonometric solution needs no iteration and
no starting value; without neutral answers it is Wilson's formula.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxkit.stats.cells import Cell, mirror
from cxkit.stats.core import FloatArray, refuse

Reach: TypeAlias = Callable[[Cell, FloatArray, FloatArray | float], FloatArray]
Reaches: TypeAlias = Callable[[Cell, FloatArray, FloatArray | float], tuple[FloatArray, FloatArray]]

# The smallest base that is told from none; below it the limits are the ends of the scale to the last bit.
_NO_BASE = 1e-30
# A correlation of 1 would give two equal cells an interval of no width.
_MOST_CORRELATED = 0.99


def net_reach(cell: Cell, base: FloatArray, z: FloatArray | float) -> FloatArray:
    """Distance from a net score to Tango's lower score limit."""
    k, size, angle = _net_roots(cell, base, z)
    return np.maximum((size * np.cos(angle / 3.0) + k * cell.value) / (1.0 + k), 0.0)


def net_reaches(cell: Cell, base: FloatArray, z: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Distances from a net score to both score limits: the largest and the smallest root of one cubic."""
    k, size, angle = _net_roots(cell, base, z)
    shift = k * cell.value
    down, up = size * np.cos(angle / 3.0) + shift, size * np.cos((pi - angle) / 3.0) - shift
    return np.maximum(down / (1.0 + k), 0.0), np.maximum(up / (1.0 + k), 0.0)


def share_reach(cell: Cell, base: FloatArray, z: FloatArray | float) -> FloatArray:
    """Distance from a share, as a net score without neutral answers, to Wilson's lower limit."""
    k = _k(base, z)
    return np.maximum((np.sqrt(k * (k + cell.variance)) + k * cell.value) / (1.0 + k), 0.0)


def share_reaches(cell: Cell, base: FloatArray, z: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Distances from a share, as a net score without neutral answers, to both of Wilson's limits."""
    return share_reach(cell, base, z), share_reach(mirror(cell), base, z)


def span(first: FloatArray, second: FloatArray, correlation: FloatArray | float) -> FloatArray:
    """MOVER's distance from a difference to its limit: sqrt(a^2 + b^2 - 2 r a b)."""
    return np.sqrt(np.maximum(first**2 + second**2 - 2.0 * correlation * first * second, 0.0))


def usable_correlation(correlation: ArrayLike) -> FloatArray:
    """The correlation, checked, and held a little away from -1 and 1.

    Raises:
        ValueError: For a correlation outside [-1, 1].
    """
    r = np.asarray(correlation, dtype=np.float64)
    refuse("correlation", r, np.abs(r) > 1, "numbers in [-1, 1]")
    return np.clip(r, -_MOST_CORRELATED, _MOST_CORRELATED)


def towards_zero(first: Cell, second: Cell) -> tuple[Cell, Cell]:
    """Both cells turned so that the limit of first - second next to 0 depends on their lower reaches only."""
    up = first.value > second.value
    return _either(up, first, mirror(first)), _either(up, mirror(second), second)


def _either(up: NDArray[np.bool_], one: Cell, other: Cell) -> Cell:
    return one._replace(value=np.where(up, one.value, other.value), skew=np.where(up, one.skew, other.skew))


def _net_roots(cell: Cell, base: FloatArray, z: FloatArray | float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The k of the module's cubic, the size k t of its roots, and the angle whose third turns it into each of them."""
    k = _k(base, z)
    m = k + cell.variance
    angle = np.arccos(np.clip((-1.5 * sqrt(3.0)) * cell.skew * np.sqrt(k / m) / m, -1.0, 1.0))
    return k, 2.0 * np.sqrt(k * m / 3.0), angle


def _k(base: FloatArray, z: FloatArray | float) -> FloatArray:
    return np.square(z) / np.maximum(base, _NO_BASE)
