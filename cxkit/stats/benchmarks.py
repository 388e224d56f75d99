"""Tests of one cell against a fixed benchmark: a number without sampling error of its own.

A published figure without a base is not such a number: it has an error that nobody knows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.cells import Cell, Counts, Successes, flat, net_cell, share_cell, take
from cxkit.stats.core import Difference, FloatArray, critical, plain, refuse
from cxkit.stats.design import Design, base_at
from cxkit.stats.differences import halved
from cxkit.stats.inversion import Chosen, invert
from cxkit.stats.limits import Reach, Reaches, net_reach, net_reaches, share_reach, share_reaches, towards_zero


def nps_test(
    counts: Counts,
    benchmark: ArrayLike,
    level: float = 0.95,
    *,
    design: Design | None = None,
) -> Difference:
    """Test of a net promoter score against a fixed benchmark, by inverting its score interval.

    Args:
        counts: (detractors, passives, promoters) per cell.
        benchmark: Score to test against, in -1..1; a number without sampling error of its own.
        level: Confidence level in (0, 1).
        design: Effective base under weights and clusters.

    Returns:
        Score minus benchmark, the limits of that, and the p-value.

    Raises:
        ValueError: For a benchmark outside -1..1, such as 40 points.

    Formula: the smallest alpha whose score interval excludes the benchmark. Source: Tango (1998).

    >>> nps_test((20, 30, 50), 0.1)
    Difference(change=0.2, low=0.039551, high=0.343393, pvalue=0.015363)
    """
    return _against(net_cell(*counts, design), _on_scale(benchmark, -1.0), (net_reaches, net_reach), level)


def rate_test(
    counts: Successes,
    benchmark: ArrayLike,
    level: float = 0.95,
    *,
    design: Design | None = None,
) -> Difference:
    """Test of a share against a fixed benchmark, by inverting Wilson's interval.

    Args:
        counts: (successes, n) per cell.
        benchmark: Share to test against, in 0..1.
        level: Confidence level in (0, 1).
        design: Effective base under weights and clusters.

    Returns:
        Share minus benchmark, the limits of that, and the p-value.

    Formula: the smallest alpha whose Wilson interval excludes the benchmark. Source: Wilson (1927).

    >>> rate_test((81, 263), 0.25)
    Difference(change=0.057985, low=0.005289, high=0.116210, pvalue=0.029882)
    """
    target = 2.0 * _on_scale(benchmark, 0.0) - 1.0
    return halved(_against(share_cell(*counts, design), target, (share_reaches, share_reach), level))


def _against(cell: Cell, benchmark: FloatArray, reaches: tuple[Reaches, Reach], level: float) -> Difference:
    # A benchmark is the second side of a difference whose limits are the value itself.
    z = critical(level)
    cell, _, target, shape = flat(cell, cell, benchmark)
    change = cell.value - target
    below, above = reaches[0](cell, base_at(cell.design, z), z)
    turned = towards_zero(cell, cell._replace(value=target))[0]

    def slack(z: FloatArray, chosen: Chosen) -> FloatArray:
        part = take(turned, chosen)
        return np.abs(change[chosen]) - reaches[1](part, base_at(part.design, z), z)

    pvalue = invert(slack, np.abs(change), np.abs(change) - np.where(change > 0, below, above), level)
    # Limits of the cell at the ends of its scale, less the target.
    low, high = np.maximum(change - below, -1.0 - target), np.minimum(change + above, 1.0 - target)
    return Difference(*(plain(part.reshape(shape)) for part in (change, low, high, pvalue)))


def _on_scale(benchmark: ArrayLike, least: float) -> FloatArray:
    target = np.asarray(benchmark, dtype=np.float64)
    refuse("benchmark", target, (target < least) | (target > 1), f"numbers in [{least:g}, 1]")
    return target
