"""Two rows of cells -> their differences in natural units, with what the two share taken into account."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.cells import Cells, FloatArray, groups, moments, named
from cxkit.analysis.durations import CHANGE, OF, OPEN_CHANGE, ROUNDED, holds_open, rank_changes, rank_promises
from cxkit.analysis.gate import dependable
from cxkit.metrics import Metric
from cxkit.stats import (
    Cross,
    Difference,
    alike_difference,
    covariance,
    detectable,
    mean_detectable,
    mean_difference,
    nps_detectable,
    nps_difference,
    paired_difference,
    rate_detectable,
    rate_difference,
)
from cxkit.stats.core import critical
from cxkit.tallies.tallies import Tallies

FLOOR = 1.4  # (1.96 + .84) / 1.96, rounded down: what the interval itself says that a change must be, to be found
METHODS = {
    "net": "MOVER of score limits",
    "share": "Newcombe's hybrid score interval",
    "mean": "Welch's t test",
}


class Linked(NamedTuple):
    """What two rows of cells have in common: sums over those in both, how many they are, and r where it is known."""

    sums: Cross
    shared: FloatArray
    r: FloatArray | None = None


class Differences(NamedTuple):
    """Differences of the cells of one metric in natural units, and how each was found."""

    found: Difference
    correlation: FloatArray
    paired: NDArray[np.bool_]
    shared: NDArray[np.bool_]
    alike: NDArray[np.bool_]
    credited: bool = True


def differences(metric: Metric, now: Cells, before: Cells, cross: Linked | None, level: float) -> Differences:
    """Differences of two rows of cells in natural units, with what they share taken into account.

    Args:
        metric: What is compared.
        now: The cells of the first side.
        before: The cells of the second side, in the same order.
        cross: What both sides have in common; None where nobody is known to be shared.
        level: Confidence level.
    """
    size, credited = len(now.n), True
    correlation, (paired, some, alike) = np.zeros(size), np.zeros((3, size), dtype=bool)
    if cross is not None:
        sums, shared, known = cross
        some = (shared > 0) & ~holds_open(now) & ~holds_open(before)
        r = np.where(some, covariance(now.sums, before.sums, sums), 0.0) if known is None else known
        correlation = np.nan_to_num(r)
        credited = known is not None or not (now.stratified or before.stratified)
        if not credited:
            # What strata have in common is in this r but no longer in the errors: credited, it would narrow too much.
            correlation = np.minimum(correlation, 0.0)
        paired = some & (shared == now.sums.clusters) & (shared == before.sums.clusters)
        paired &= now.personal and before.personal and metric.statistic != "quantile"
    found = _independent(metric, now, before, correlation, level)
    if paired.any():
        sides = now.sums, before.sums
        same = paired_difference(*sides, cross[0], level, scale=metric.natural_ends)  # type: ignore[index]
        flat = np.isnan(np.asarray(same.pvalue)) & (np.asarray(now.sums.clusters) > 1)
        bound = alike_difference(*sides, level, scale=metric.natural_ends)
        alike = paired & flat
        both = zip(same, bound, found, strict=True)
        found = Difference(*(np.where(alike, b, np.where(paired, a, c)) for a, b, c in both))
    return Differences(found, correlation, paired, some, alike, credited)


def _independent(metric: Metric, now: Cells, before: Cells, correlation: FloatArray, level: float) -> Difference:
    designs = (now.design, before.design)
    if metric.statistic == "net":
        counts = groups(metric, now), groups(metric, before)
        return nps_difference(*counts, level, designs=designs, correlation=correlation)
    if metric.statistic == "share":
        shares = _successes(metric, now), _successes(metric, before)
        return rate_difference(*shares, level, designs=designs, correlation=correlation)
    if metric.statistic == "mean":
        return mean_difference(
            (*moments(metric, now), now.n),
            (*moments(metric, before), before.n),
            level,
            scale=metric.natural_ends,
            designs=designs,
            correlation=correlation,
        )
    return rank_changes(now, before, correlation, level)


def found_by(metric: Metric, now: Cells, before: Cells, result: Differences, i: int) -> str:
    """What a difference was found by."""
    if metric.statistic == "quantile":
        some = any(holds_open(side)[i] for side in (now, before))
        return f"{OPEN_CHANGE if some else CHANGE}{ROUNDED * now.rounded}"
    if result.paired[i]:
        return "bound on people who all changed alike" if result.alike[i] else "paired t test"
    return METHODS[metric.statistic]


def smallest(
    metric: Metric, now: Cells, before: Cells, result: Differences, level: float, alpha: FloatArray
) -> FloatArray:
    """The smallest change that these bases would have shown with 80 % power, in natural units.

    Args:
        metric: What is compared.
        now: The cells of the first side.
        before: The cells of the second side, in the same order.
        result: Their differences, at `level`.
        level: Confidence level of the intervals that stand beside the sizes.
        alpha: Significance level, per cell.

    Returns:
        Sizes, never below 1.4 times the larger arm of the interval; NaN where the scale holds no such change.
    """
    change, low, high = (np.asarray(part, dtype=float) for part in result.found[:3])
    arm = np.maximum(change - low, high - change)
    designs = dependable(metric, now), dependable(metric, before)
    correlation = np.where(result.alike, 1.0, result.correlation)
    options: dict[str, Any] = {"alpha": alpha, "designs": designs, "correlation": correlation}
    if metric.statistic == "quantile":
        open_ = arm / critical(level) * detectable(1, 1, 0, 1, alpha=alpha)  # the larger arm is z standard errors
        solved = np.where(holds_open(now) | holds_open(before), open_, rank_promises(now, before, **options))
        size = np.maximum(solved, FLOOR * arm)
        return np.where(size <= OF / 2, size, np.nan)
    if metric.statistic == "net":
        solved = nps_detectable(groups(metric, now), groups(metric, before), **options)
    elif metric.statistic == "share":
        solved = rate_detectable(_successes(metric, now), _successes(metric, before), **options)
    else:
        sides = (*moments(metric, now), now.n), (*moments(metric, before), before.n)
        solved = mean_detectable(*sides, scale=metric.natural_ends, **options)
    size = np.maximum(solved, FLOOR * arm)
    least, most = metric.natural_ends
    middle = moments(metric, before)[0]
    return np.where(size <= np.maximum(middle - least, most - middle), size, np.nan)


def effective(metric: Metric, cells: Cells) -> FloatArray:
    """Effective answers of each cell; NaN where it has no interval."""
    design = cells.ranks if metric.statistic == "quantile" else cells.design
    return cells.n if design is None else np.where(cells.n > 0, np.asarray(design.n_eff, float), 0.0)


def _successes(metric: Metric, cells: Cells) -> tuple[FloatArray, FloatArray]:
    _, no, yes = groups(metric, cells)
    return yes, no + yes


def shared(tallies: Tallies, metric: Metric, keys: pd.DataFrame, now: str, before: str) -> Linked | None:
    """Sums over respondents who answered in both periods, per cell; None where the tallies know no respondents."""
    if not tallies.holds("pairs", metric.name):
        return None
    turned = (now, before) not in tallies.compared
    ends = (before, now) if turned else (now, before)
    places = [(*ends, *place[1:]) for place in named(keys)]
    cell, rows = tallies.rows("pairs", metric.name, list(keys.columns[1:])).at(places)
    found = {name: np.zeros(len(keys)) for name in _CROSS}
    for name, values in found.items():
        values[cell] = rows[name]
    if turned:
        found["sw"], found["ws"] = found["ws"], found["sw"]
    return Linked(Cross(found["ww"], found["sw"], found["ws"], found["ss"]), found["shared"])


_CROSS = ("ww", "sw", "ws", "ss", "shared")
