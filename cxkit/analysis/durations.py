"""Durations: quantiles of cells, and how often a case of one cell lasts longer than one of another.

All from counts per (rounded) value; weights and clusters count through the effective bases of the share above the
quantile, for its limits, and of the mean rank, for a change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxkit.analysis.cells import Cells, FloatArray, spread, taken_design
from cxkit.metrics import Metric
from cxkit.stats import (
    Design,
    Difference,
    Interval,
    lasting,
    quantile,
    quantile_interval,
    rank_detectable,
    superiority,
    survival_quantile,
)

METHOD = "order-statistic interval"
OPEN_METHOD = "Kaplan-Meier with Brookmeyer-Crowley limits"
CHANGE = "rank effect (Brunner-Munzel)"
OPEN_CHANGE = "rank effect of the log-rank test"
ROUNDED = ", times rounded to three digits"
OF = 100.0  # pairs of a case of now and one of before
_AT_ONCE = 64  # cells whose answers are laid side by side


def holds_open(cells: Cells) -> NDArray[np.bool_]:
    """Which cells hold cases that had not ended."""
    return np.zeros(len(cells.n), bool) if cells.open is None else cells.open.sum(axis=1) > 0


def quantiles(metric: Metric, cells: Cells, level: float) -> tuple[FloatArray, Interval]:
    """The quantile of each cell with order-statistic limits; a limit that does not exist is NaN.

    In cells with cases that had not ended these count for as long as they were seen.
    """
    cell, value = np.nonzero(cells.weights)
    given: dict[str, Any] = {"counts": cells.weights[cell, value], "cells": cell, "size": len(cells.n)}
    found = quantile(cells.values[value], metric.quantile, **given)
    low, high = quantile_interval(cells.values[value], metric.quantile, level, **given, design=cells.design)
    for i in np.flatnonzero(holds_open(cells)).tolist():
        design = taken_design(cells.design, i)
        found[i], low[i], high[i] = survival_quantile(*lifetimes(cells, i), metric.quantile, level, design=design)
    return found, Interval(low, high)


def lifetimes(cells: Cells, i: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values, ends and open cases of one cell; weights as parts of its cases, so that their scale says nothing."""
    censored = np.zeros(len(cells.values)) if cells.open is None else cells.open[i]
    each = cells.n[i] / cells.w[i] if cells.w[i] > 0 else 1.0
    return cells.values, each * cells.weights[i] - censored, censored  # open cases have no weights


def rank_changes(now: Cells, before: Cells, correlation: FloatArray, level: float) -> Difference:
    """In how many of 100 pairs more than 50 a case of now lasts longer than one of before, cell by cell.

    0 is as often as not, so that sign, interval and p-value agree; by the log-rank test where cases are open.
    """
    parts = []
    for at, x, y in _side_by_side(now, before):
        designs = taken_design(now.ranks, at), taken_design(before.ranks, at)
        parts.append(superiority(x, y, level, designs=designs, correlation=correlation[at]))
    theta, low, high, pvalue = (np.concatenate(part) for part in zip(*parts, strict=True))
    for i in np.flatnonzero(holds_open(now) | holds_open(before)).tolist():
        designs = taken_design(now.ranks, i), taken_design(before.ranks, i)
        effect = lasting(lifetimes(now, i), lifetimes(before, i), level, designs=designs)
        theta[i], low[i], high[i], pvalue[i] = effect
    return Difference(OF * (theta - 0.5), OF * (low - 0.5), OF * (high - 0.5), pvalue)


def rank_promises(
    now: Cells, before: Cells, alpha: FloatArray, designs: tuple[Design, Design], correlation: FloatArray
) -> FloatArray:
    """The smallest change that `rank_changes` would find, cell by cell; arguments as in `rank_detectable`."""
    parts = []
    for at, x, y in _side_by_side(now, before):
        worth = taken_design(designs[0], at), taken_design(designs[1], at)
        parts.append(rank_detectable(x, y, alpha=alpha[at], designs=worth, correlation=correlation[at]))
    return OF * np.concatenate(parts)


def _side_by_side(now: Cells, before: Cells) -> Iterator[tuple[NDArray[np.intp], FloatArray, FloatArray]]:
    """Some of the cells after the other, with the weights of either side for the values that any of them holds."""
    values = np.union1d(now.values, before.values)
    for at in np.array_split(np.arange(len(now.n)), max(1, len(now.n) // _AT_ONCE)):
        x, y = (spread(side.weights[at], side.values, values) for side in (now, before))
        held = (x + y).any(axis=0)
        yield at, x[:, held], y[:, held]
