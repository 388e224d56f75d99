"""How long things take: of the cases that began in a period, how many had come to their end after how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxkit.analysis.cells import Cells, FloatArray, declared, from_tallies, taken_design
from cxkit.analysis.durations import lifetimes
from cxkit.analysis.estimates import By, chosen, cuts
from cxkit.analysis.privacy import people
from cxkit.errors import CxError
from cxkit.metrics import Metric
from cxkit.schema import CURVES
from cxkit.stats import kaplan_meier, rate_interval, restricted_mean, survival_at
from cxkit.stats.durations import Survival
from cxkit.tallies.tallies import Tallies

MARKS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880, 4320, 10080, 20160, 43200,
         131000, 263000, 526000, 1050000, 2100000, 4210000)  # fmt: skip
"""Minutes, to 30 days, and 3 months to 8 years in three digits, as tallies round them."""
RESTRICTED = ("restricted", "restricted_low", "restricted_high")
METHOD = "Kaplan-Meier with Greenwood's variance (log-log), Wilson before the first end"


def curve(
    tallies: Tallies,
    metric: str,
    level: float = 0.95,
    *,
    by: By = (),
    where: Mapping[str, str] | None = None,
    periods: Sequence[str] | None = None,
    at: Sequence[float] = MARKS,
) -> pd.DataFrame:
    """The share of cases that had ended after some times, with limits; open cases count for as long as they were seen.

    Args:
        tallies: Tallies of which the wanted level was declared.
        metric: Name of a duration.
        level: Confidence level in (0, 1).
        by: As in `estimate`.
        where: One level per dimension: the place.
        periods: Periods in which cases began; None for all.
        at: Times in minutes. Not those of the cases themselves, from which single ones could be told.

    Returns:
        Columns metric, period, <dimensions>, after (minutes), n, at_risk (cases that were watched longer), value, low,
        high (percent), restricted, restricted_low, restricted_high (minutes that cases lasted on average of those up to
        `after`), level, method: a row per cell and time. A curve ends where those watched longer are fewer than
        `hide_below` people, at as many cases to each as in the whole cell, or where nobody knows; a cell that may not
        be shown has none, nor have those beside it.

    Raises:
        CxError: A metric that is no duration, or a level that was not declared.

    Formula: 1 less the survival of `stats.kaplan_meier`; before the first end the Wilson limit of none;
    `stats.restricted_mean`.
    Source: as there.

    >>> import cxkit as cx
    >>> tickets = cx.tally(cx.read("sample tickets"), ["full_resolution"])
    >>> curve(tickets, "full_resolution", periods=["2026-08"], at=[1440])[["n", "at_risk", "value"]].round(1)
          n  at_risk  value
    0  1100      218   80.2
    """
    (measured,) = chosen(tallies, [metric])
    if measured.statistic != "quantile":
        raise CxError(f"metric: {metric} is no duration; a curve tells how long something takes")
    rows, marks, cases = [], np.asarray(at, float), people(tallies)
    for dimensions in cuts(tallies, by, where):
        _, keys = declared(tallies, dimensions, where, periods)
        cells = from_tallies(tallies, measured, keys)
        # Where one cell is hidden, the curves of those beside it, taken off the whole, would be its own.
        closed = set(keys.loc[cells.hidden != "", "period"]) if dimensions else set()
        each = people_a_case(cases, tallies, measured, keys)
        shown = (cells.hidden == "") & (cells.n > 0) & ~keys["period"].isin(closed).to_numpy()
        for i in np.flatnonzero(shown).tolist():
            line, (left, low, high) = left_after(cells, i, marks, level)
            longer = np.array([cells.counts[i][cells.values > mark].sum() for mark in marks])
            told = pd.DataFrame({"after": marks, "n": int(cells.n[i]), "at_risk": longer})
            told = told.assign(value=100 * (1 - left), low=100 * (1 - high), high=100 * (1 - low))
            told[list(RESTRICTED)] = np.column_stack(
                restricted_mean(line, marks, level, design=taken_design(cells.design, i))
            )
            told = told[(longer * each[i] >= tallies.rules.hide_below) & np.isfinite(told["value"])]
            rows.append(told.assign(**{str(name): key for name, key in keys.iloc[i].items()}))
    frame = pd.concat(rows) if rows else pd.DataFrame(columns=list(CURVES))
    used = [name for name in tallies.by if name in frame.columns]
    frame = frame.assign(metric=metric, level=level, method=METHOD).reset_index(drop=True)
    return frame[["metric", "period", *used, *CURVES[2:]]]


def left_after(
    cells: Cells, i: int, marks: ArrayLike, level: float
) -> tuple[Survival, tuple[FloatArray, FloatArray, FloatArray]]:
    """The survival of one cell, and the share that is left after some times with its limits.

    Before the first end all are left, and a limit of the share is all that is known.
    """
    design = taken_design(cells.design, i)
    line = kaplan_meier(*lifetimes(cells, i), level, design=design)
    left, low, high = survival_at(line, marks)
    least = rate_interval(cells.w[i], cells.w[i], level, design=design).low
    return line, (left, np.where(left == 1, least, low), np.where(left == 1, 1.0, high))


def people_a_case(cases: pd.DataFrame, tallies: Tallies, metric: Metric, keys: pd.DataFrame) -> FloatArray:
    """How many people there are to a case in each cell of a level; `cases` are those of `privacy.people`."""
    names = [str(name) for name in keys]
    own = cases[(cases["item"] == metric.item) & (cases["cut"] == tallies.cut(names[1:]))]
    held = keys.merge(own[[*names, "n", "answers"]], on=names, how="left")
    return (held["n"] / held["answers"]).to_numpy(float)
