"""Tallies -> a league table that holds: where each unit may stand, given how little is known of it.

A ranking of raw scores puts the smallest bases at both ends and is drawn anew by chance every month. So there is one
only where enough units can be told from each other, and it says between which places each of them may stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from cxkit.analysis.cells import Cells, FloatArray, crossed, declared, from_tallies, moments, require_whole, taken
from cxkit.analysis.differences import differences, effective
from cxkit.analysis.estimates import chosen, estimate
from cxkit.analysis.gate import Gate, judged_base
from cxkit.metrics import Metric
from cxkit.stats import funnel, holm, shrink
from cxkit.tallies.tallies import Tallies

UNITS = 8  # with enough answers, below which there is nothing to rank
NUMBERS = ("shrunk", "first", "last", "pvalue", "between")
OWN = 3.0  # answers of the pooled variance with which each unit's own is mixed: one whose answers agree has some, too
_NO_VARIANCE = 1e-12  # of answers that are all the same


def league(
    tallies: Tallies,
    period: str,
    dimension: str,
    metric: str,
    level: float = 0.95,
    *,
    where: Mapping[str, str] | None = None,
    minimum: float | None = None,
) -> pd.DataFrame:
    """A league table of the levels of a dimension in one period, where the data allow one.

    Args:
        tallies: Tallies in which the level was declared.
        period: As it is written in `tallies.periods`.
        dimension: Whose levels are ranked.
        metric: Name of a net score, share or mean with a better end.
        level: Confidence level of the intervals; with it all places hold together.
        where: One level per other dimension: the place.
        minimum: Effective answers that a unit needs; None: those that a verdict needs.

    Returns:
        Columns metric, period, <dimension>, n, n_eff, value, low, high, level, method, note, reason, shrunk, first,
        last, limits, pvalue, between, unranked; the best unit first, those that are not ranked last. `first` and `last`
        are the places between which a unit may stand; `limits` says whether its score lies "above", "below" or "within"
        the funnel limits of its base, which are widened where many units lie far off; `pvalue` is that of Welch's test
        that all are alike, `between` their standard deviation without the part of chance. Where nothing is ranked
        `unranked` says why: fewer than eight units with enough answers, or units that the test does not tell apart.

    Raises:
        CxError: A metric, dimension, level or period that was not declared.

    Formula: shrunken scores and limits as in `stats.shrink` and `stats.funnel`, with the pooled variance on effective
    bases; Welch (1951), doi 10.1093/biomet/38.3-4.330, on the own variance of each unit mixed with three answers of the
    pooled one. A unit may stand at any place that no other one surely takes: all pairs are tested as in `compare`,
    corrected by Holm; first = 1 + those surely better, last = units - those surely worse. Source of such places:
    Mogstad, Romano, Shaikh and Wilhelm (2024), doi 10.1093/restud/rdad006. Customers of two units are taken for
    different ones.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> league(tallies, "2026-10", "brand", "nps")["unranked"].iloc[0]
    'only 6 have 30 (effective) answers, and 8 are needed'
    """
    (one,) = chosen(tallies, [metric])
    gate = Gate.of(tallies.rules, minimum)
    require_whole(tallies, crossed(tallies, [dimension], where))
    _, keys = declared(tallies, [dimension], where, [period])
    every = from_tallies(tallies, one, keys)
    ranked = np.flatnonzero((every.hidden == "") & (judged_base(one, every, level, gate) >= gate.answers))
    frame = estimate(tallies, level, by=[dimension], where=where, periods=[period], metrics=[metric])
    why = _unranked(one, len(ranked), gate.answers)
    frame = frame.assign(**dict.fromkeys(NUMBERS, np.nan), limits="", unranked=why)
    if (frame["unranked"] != "").any():
        return frame
    units = _units(one, taken(every, ranked), level)
    frame[["pvalue", "between"]] = units.pop("pvalue"), units.pop("between")
    if frame["pvalue"].iloc[0] >= 1 - level or (units["first"] == 1).all():
        return frame.assign(unranked="they are not told apart")
    frame.loc[ranked, list(units)] = pd.DataFrame(units, index=ranked)
    return frame.sort_values("shrunk", ascending=one.better == "lower", kind="stable", ignore_index=True)


def _unranked(metric: Metric, units: int, minimum: float) -> str:
    """Why units cannot be ranked, before they are looked at; blank where they can."""
    if metric.statistic == "quantile" or metric.better is None:
        return "durations and scores without a better end are not ranked"
    enough = f"{units or 'none'} {'has' if units < 2 else 'have'} {minimum:g} (effective) answers"
    return "" if units >= UNITS else f"{'only ' * (units > 0)}{enough}, and {UNITS} are needed"


def _units(metric: Metric, cells: Cells, level: float) -> dict[str, Any]:
    """What is known of units with enough answers: of each, and the test that all are alike."""
    mean, variance = moments(metric, cells)
    base = effective(metric, cells)
    # A unit whose answers are all the same has an own variance of 0, which is not what is known of it.
    pooled = max(float((base * variance).sum() / base.sum()), _NO_VARIANCE)
    shrunk, limits = shrink(mean, pooled / base), funnel(mean, base, pooled, scale=metric.natural_ends)
    first, last = _places(metric, cells, level)
    side = np.where(mean > limits.target, "above", "below")
    return {
        "shrunk": metric.factor * shrunk.value,
        "first": first,
        "last": last,
        "limits": np.where(limits.signal, side, "within"),
        "pvalue": _alike(mean, (base * variance + OWN * pooled) / (base + OWN), base),
        "between": metric.factor * shrunk.between**0.5,
    }


def _alike(mean: FloatArray, variance: FloatArray, n: FloatArray) -> float:
    """Welch's test that all units have one mean, which lets each have a spread of its own: the p-value."""
    w, k = n / variance, len(mean)
    share = (1 - w / w.sum()) ** 2 / (n - 1)
    between = (w * (mean - (w * mean).sum() / w.sum()) ** 2).sum() / (k - 1)
    f = between / (1 + 2 * (k - 2) / (k**2 - 1) * share.sum())
    return float(special.fdtrc(k - 1, (k**2 - 1) / (3 * share.sum()), f))


def _places(metric: Metric, cells: Cells, level: float) -> tuple[FloatArray, FloatArray]:
    """The first and the last place at which each unit may stand."""
    one, other = np.array(list(combinations(range(len(cells.n)), 2))).T
    found = differences(metric, taken(cells, one), taken(cells, other), None, level).found
    sure = holm(np.asarray(found.pvalue)) < 1 - level
    higher = np.asarray(found.change) > 0 if metric.better == "higher" else np.asarray(found.change) < 0
    return standing(len(cells.n), one, other, higher, sure)


def standing(
    units: int, one: NDArray[np.intp], other: NDArray[np.intp], higher: NDArray[np.bool_], sure: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """The first and the last place of each unit, by which of all pairs are told apart, and which one stands higher."""
    better, worse = np.zeros((2, units))
    np.add.at(better, np.where(higher, other, one)[sure], 1)
    np.add.at(worse, np.where(higher, one, other)[sure], 1)
    return 1 + better, units - worse
