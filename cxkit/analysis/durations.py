"""Durations: quantiles of cells and their differences, from counts per (rounded) value.

Answers are taken as independent: what clusters would need, sums of whether each duration lies below a quantile that is
not known before the counts are, no tally can carry. Weights lower the effective base by Kish's formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cxkit.analysis.cells import Cells, FloatArray
from cxkit.metrics import Metric
from cxkit.stats import (
    Design,
    Difference,
    Interval,
    quantile,
    quantile_difference,
    quantile_interval,
    survival_quantile,
    survival_quantile_difference,
)

SEED = 20260101  # of the bootstrap; any fixed one would do


def kish(cells: Cells) -> FloatArray:
    """Effective answers under weights: (sum w)^2 / sum w^2."""
    squares = np.asarray(cells.sums.ww, float)
    return np.where(squares > 0, cells.w**2 / np.where(squares > 0, squares, 1.0), 0.0)


def quantiles(metric: Metric, cells: Cells, level: float) -> tuple[FloatArray, Interval]:
    """The quantile of each cell with order-statistic limits; a limit that does not exist is NaN."""
    cell, value = np.nonzero(cells.weights)
    given: dict[str, Any] = {"counts": cells.weights[cell, value], "cells": cell, "size": len(cells.n)}
    found = quantile(cells.values[value], metric.quantile, **given)
    design = _design(cells) if cells.kind else None
    return found, quantile_interval(cells.values[value], metric.quantile, level, **given, design=design)


def open_quantiles(metric: Metric, cells: Cells, level: float) -> tuple[FloatArray, Interval]:
    """The quantile of each cell where cases that had not ended count for as long as they were seen."""
    found = [survival_quantile(*lifetimes(cells, i), metric.quantile, level) for i in range(len(cells.n))]
    value, low, high = (np.array(part, dtype=float) for part in zip(*found, strict=True))
    return value, Interval(low, high)


def lifetimes(cells: Cells, i: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values, ends and open cases of one cell."""
    censored = np.zeros(len(cells.values)) if cells.open is None else cells.open[i]
    return cells.values, cells.counts[i] - censored, censored


def quantile_changes(metric: Metric, now: Cells, before: Cells, level: float) -> Difference:
    """Differences of the quantile, cell by cell, by a seeded bootstrap of the counts."""
    pairs = [_change(metric, now, before, i, level) for i in range(len(now.n))]
    return Difference(*(np.array(part, dtype=float) for part in zip(*pairs, strict=True)))


def _change(metric: Metric, now: Cells, before: Cells, i: int, level: float) -> Difference:
    if now.open is not None or before.open is not None:
        given: dict[str, Any] = {"level": level, "seed": SEED}
        return survival_quantile_difference(lifetimes(now, i), lifetimes(before, i), metric.quantile, **given)
    sides = [(cells.values[used], cells.weights[i, used]) for cells in (now, before) for used in [cells.counts[i] > 0]]
    if any(not len(values) for values, _ in sides):
        return Difference(*(np.full((), np.nan),) * 4)
    after, prior = (_design(cells, i) if cells.kind else None for cells in (now, before))
    return quantile_difference(sides[0], sides[1], metric.quantile, level, seed=SEED, designs=(after, prior))


def _design(cells: Cells, i: int | slice = slice(None)) -> Design:
    return Design(cells.n[i], kish(cells)[i], cells.n[i] - 1)
