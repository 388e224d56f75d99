"""How many times as often the customers of one group leave as the others, among those who are still there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.beside import require_free
from cxkit.analysis.cells import FloatArray, declared_parts, from_tallies, scores
from cxkit.analysis.comparisons import CORRECTIONS, Correction, check_correction
from cxkit.analysis.estimates import chosen
from cxkit.errors import CxError
from cxkit.schema import HAZARDS, MONTH, worded
from cxkit.stats import attributable_share, event_rate, hazard_ratio
from cxkit.stats.durations import HazardRatio
from cxkit.tallies.tallies import Tallies

METHOD = "log-rank O/E"
FEWEST = 10  # events on either side, from which the normal law of the ratio's logarithm holds


def hazards(
    tallies: Tallies,
    metric: str,
    dimension: str,
    level: float = 0.95,
    correction: Correction = "holm",
    *,
    where: Mapping[str, str] | None = None,
    periods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The hazard of each level of a dimension against that of all its other levels together.

    Args:
        tallies: Tallies without weights, of which the level was declared, the dimension last.
        metric: A share of those who were there at the start of a period (`monthly` of a mapping), period after period;
            or a duration, in which open cases are those who are still there.
        dimension: Whose levels are compared.
        level: Confidence level of the intervals; 1 - level is the significance level of the verdicts.
        correction: "holm" or "bh", for the levels.
        where: One level per other dimension: the place.
        periods: Periods that count; None for all.

    Returns:
        Columns metric, <dimensions>, n (who was there, summed over the periods of a share), lost, expected, value (the
        ratio), low, high, pvalue, pvalue_adj, family, verdict ("higher", "lower", "no evidence", "too few"), level,
        method, note, reason; rate (lost of 100 in a month) and attributable (percent of all lost that would not have
        been if the level had left as often as the others: associated, not caused; absent where a level is hidden), each
        with low and high. A level of which a period is hidden takes no part, nor is it among the others.

    Raises:
        CxError: Weights, another metric, or a level or period that was not declared.

    Formula: `stats.hazard_ratio`, `stats.event_rate`, `stats.attributable_share`; a share is compared within each
    period, so that who left before is nowhere at risk.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample customers"), ["churn"], by=["region"])
    >>> set(hazards(tallies, "churn", "region")["verdict"])
    {'no evidence'}
    """
    check_correction(correction)
    (measured,) = chosen(tallies, [metric])
    if measured.statistic not in ("share", "quantile"):
        raise CxError(f"metric: {metric} is no share of those who left and no duration")
    if tallies.weighted:
        raise CxError("hazards: are not estimated with weights; take the role `weight` away")
    require_free([dimension, *(where or {})], HAZARDS)
    dimensions, keys = declared_parts(tallies, [], dimension, where, list(periods or tallies.periods))
    cells = from_tallies(tallies, measured, keys)
    levels = tallies.values[dimension]
    shape = (len(keys) // max(len(levels), 1), len(levels))
    if measured.statistic == "share":
        events: FloatArray = (cells.counts @ (scores(measured, cells.values) > 0)).reshape(shape).astype(float)
        at_risk = cells.n.reshape(shape)
        months = at_risk.sum(axis=0)
    else:
        ended = cells.weights if cells.open is None else cells.weights - cells.open
        events, there = (table.reshape(*shape, -1).sum(axis=0).T for table in (ended, cells.weights))
        at_risk = np.cumsum(there[::-1], axis=0)[::-1]
        months = cells.values @ there / MONTH
    answered = cells.n.reshape(shape).sum(axis=0) > 0
    why = [next((str(code) for code in codes if code), "") for codes in cells.hidden.reshape(shape).T]
    shown = np.array([not code for code in why]) & answered
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(levels):
        made: dict[str, Any] = {"metric": metric, **(where or {}), dimension: name, "reason": why[i] or "no answers"}
        if shown[i]:
            found, rest, enough = against_others(events, at_risk, shown, i, level)
            n = at_risk[:, i].sum() if measured.statistic == "share" else at_risk[:1, i].sum()
            made |= {"n": n, "lost": found.observed, "expected": found.expected, "reason": "" if enough else "few ends"}
            made |= _percent("rate", event_rate(found.observed, months[i], level))
            if enough:
                made |= {part: getattr(found, part) for part in ("value", "low", "high", "pvalue")}
                if not any(why):  # else it would be a share of those who are shown, and not of all who left
                    share = attributable_share(events[:, i], at_risk[:, i], rest[0], rest[1], level)
                    made |= _percent("attributable", share)
        rows.append(made)
    frame = pd.DataFrame(rows).reindex(columns=[*HAZARDS[:1], *dimensions, *HAZARDS[1:]])
    frame = frame.assign(
        pvalue_adj=CORRECTIONS[correction](frame["pvalue"].to_numpy(float)), level=level, method=METHOD
    )
    sure, higher = frame["pvalue_adj"] < 1 - level, frame["value"] > 1
    said = np.where(sure, np.where(higher, "higher", "lower"), "no evidence")
    facts = {"hide_below": tallies.rules.hide_below, "least": FEWEST}
    return frame.assign(
        family=int(frame["pvalue"].notna().sum()),
        verdict=np.where(frame["reason"] != "", "too few", said),
        note=[worded(code, **facts) for code in frame["reason"]],
    )


def against_others(
    events: FloatArray, at_risk: FloatArray, shown: NDArray[np.bool_], i: int, level: float
) -> tuple[HazardRatio, list[FloatArray], bool]:
    """The hazard of one group against all others that are shown, their events and risks, and whether ends are enough.

    Args:
        events: Ends by time (rows) and group.
        at_risk: Who could have ended just before.
        shown: Which groups may be shown.
        i: The group.
        level: Confidence level of the interval.
    """
    others = shown & (np.arange(len(shown)) != i)
    rest = [table[:, others].sum(axis=1) for table in (events, at_risk)]
    found = hazard_ratio(events[:, i], at_risk[:, i], rest[0], rest[1], level)
    return found, rest, bool(min(found.observed, rest[0].sum()) >= FEWEST)


def _percent(name: str, found: Sequence[Any]) -> dict[str, float]:
    """A share with its limits, in percent, as columns."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), (100.0 * float(part) for part in found), strict=True))
