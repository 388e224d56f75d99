"""Cohorts: of those who began in one period, how many are still there, or had ended, after how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.beside import carried, carrying, require_free
from cxkit.analysis.cells import Cells, declared, from_tallies
from cxkit.analysis.comparisons import CORRECTIONS, Correction, check_correction
from cxkit.analysis.curves import METHOD, left_after, people_a_case
from cxkit.analysis.durations import lifetimes
from cxkit.analysis.estimates import chosen
from cxkit.analysis.hazards import against_others
from cxkit.analysis.privacy import people
from cxkit.errors import CxError
from cxkit.schema import COHORTS, MONTH, worded
from cxkit.tallies.tallies import Tallies

DAYS = tuple(1440.0 * days for days in (1 / 24, 1 / 6, 1, 2, 7, 14, 30))
MONTHS = tuple(float(f"{MONTH * months:.3g}") for months in (1, 2, 3, 4, 5, 6, 9, 12, 18, 24))  # as tallies round them
YOUNG = 0.05  # share of a cohort that may have been watched for less: the last days of a month of joining


def cohorts(
    tallies: Tallies,
    metric: str,
    level: float = 0.95,
    correction: Correction = "holm",
    *,
    where: Mapping[str, str] | None = None,
    at: Sequence[float] = MONTHS,
) -> pd.DataFrame:
    """The share of each cohort that is still there, or had ended, after some times.

    Args:
        tallies: Tallies without weights, of which the level was declared.
        metric: Name of a duration. Its periods, those in which cases began, are the cohorts.
        level: Confidence level in (0, 1); 1 - level is the significance level of the verdicts.
        correction: "holm" or "bh", for the cohorts.
        where: One level per dimension: the place.
        at: Times in minutes. Not those of the cases themselves, from which single ones could be told.

    Returns:
        A row per cohort and time: label, stays (whether more is better), n (of the cohort), still (who was watched to
        then and is still there), value, low, high (percent that is still there if `stays`, else that had ended), and of
        the whole cohort ratio (its hazard against all others together), pvalue, pvalue_adj, family, verdict ("higher",
        "lower", "no evidence", "too few"). A cell has no number where more than 5 % of the cohort were watched for less
        (reason "immature"), or where those still there are fewer than `hide_below` people, at as many cases to each as
        in the whole cohort.

    Raises:
        CxError: A metric that is no duration, or a level that was not declared.

    Formula: `stats.kaplan_meier`, before the first end the Wilson limit of none; `stats.hazard_ratio`.

    >>> import cxkit as cx
    >>> tickets = cx.tally(cx.read("sample tickets"), ["full_resolution"])
    >>> found = cohorts(tickets, "full_resolution", at=[1440, 10080]).set_index(["period", "after"])
    >>> found.loc["2026-08", ["n", "still", "value"]].round(1).to_numpy().tolist()
    [[1100.0, 218.0, 80.2], [1100.0, 32.0, 97.1]]
    """
    check_correction(correction)
    (measured,) = chosen(tallies, [metric])
    if measured.statistic != "quantile":
        raise CxError(f"metric: {metric} is no duration; cohorts tell how long something takes")
    require_free(list(where or {}), COHORTS)
    dimensions, keys = declared(tallies, [], where, None)
    cells = from_tallies(tallies, measured, keys)
    each = people_a_case(people(tallies), tallies, measured, keys)
    stays, shown, rows = measured.better == "higher", (cells.hidden == "") & (cells.n > 0), []
    against = _against_others(cells, shown, level)
    for i in np.flatnonzero(shown | (cells.hidden != "")).tolist():
        told = pd.DataFrame({"after": np.asarray(at, float), "period": keys["period"][i], "reason": cells.hidden[i]})
        if shown[i]:
            told = told.assign(**_row(cells, i, told["after"], level, stays=stays), **against[i])
            young, few = told.pop("young") > YOUNG, told["still"] * each[i] < tallies.rules.hide_below
            told["reason"] = np.select([young, few], ["immature", "few people"], "")
            told.loc[young | few, ["still", "value", "low", "high"]] = np.nan
        rows.append(told)
    frame = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    frame = frame.reindex(columns=list(COHORTS))
    frame = frame.assign(**(where or {}), metric=metric, label=measured.label, stays=stays, level=level, method=METHOD)
    frame = frame.astype({"period": "str"})
    first = ~frame["period"].duplicated()
    adjusted = CORRECTIONS[correction](frame.loc[first, "pvalue"].to_numpy(float))
    frame["pvalue_adj"] = frame["period"].map(dict(zip(frame.loc[first, "period"], adjusted, strict=True)))
    frame["family"] = int(frame.loc[first, "pvalue"].notna().sum())
    sure, higher = (frame["pvalue_adj"] < 1 - level).to_numpy(), (frame["ratio"] > 1).to_numpy()
    frame["verdict"] = np.where(sure, np.where(higher, "higher", "lower"), "no evidence")
    frame.loc[frame["pvalue"].isna(), "verdict"] = "too few"
    frame["note"] = [worded(code, hide_below=tallies.rules.hide_below) for code in frame["reason"]]
    return frame[["metric", "period", *dimensions, *COHORTS[2:]]]


def _row(cells: Cells, i: int, marks: pd.Series[float], level: float, *, stays: bool) -> dict[str, Any]:
    """One cohort after each time, and the share of it that was watched for less."""
    times, ended, still = lifetimes(cells, i)
    left, low, high = left_after(cells, i, marks, level)[1]
    young = [still[times < mark].sum() / cells.n[i] for mark in marks]
    there = [still[times >= mark].sum() + ended[times > mark].sum() for mark in marks]
    value = (left, low, high) if stays else (1 - left, 1 - high, 1 - low)
    scores = {name: 100 * part for name, part in zip(("value", "low", "high"), value, strict=True)}
    return {"n": cells.n[i], "still": there, "young": young, **scores}


def _against_others(cells: Cells, shown: NDArray[np.bool_], level: float) -> dict[int, dict[str, float]]:
    """The hazard of each cohort against that of all others that are shown, where either side has enough ends."""
    ended = cells.weights if cells.open is None else cells.weights - cells.open
    at_risk = np.cumsum(cells.weights[:, ::-1], axis=1)[:, ::-1]
    made = {}
    for i in np.flatnonzero(shown).tolist():
        found, _, enough = against_others(ended.T, at_risk.T, shown, i, level)
        made[i] = {"ratio": found.value, "pvalue": found.pvalue} if enough else {}
    return made


def with_cohorts(tallies: Tallies, own: Tallies, metric: str, places: Sequence[str], level: float,
                 correction: Correction, at: Sequence[float]) -> Tallies:  # fmt: skip
    """The tallies with the cohorts of a run, of everybody and of each place, or with why there are none.

    Of a duration that is no metric of the run they are told of places only where no place is hidden in any period: how
    many began in a month is what the bases of `monthly` differ by from one month to the next. Totals that leave
    somebody out are no cohorts of everybody.

    Args:
        tallies: Of the run, hidden cells taken out.
        own: That holds the duration, in the same way: those of the run, or of the duration alone.
        metric: The duration.
        places: Dimensions that have a page for each level.
        level: Confidence level.
        correction: For the cohorts of a place.
        at: Times in minutes.
    """
    alone = own is not tallies
    withheld = alone and bool(tallies.provenance.get("withheld"))
    barred = withheld or (
        alone and bool(places) and any((one.hidden["cut"] == one.cut(places)).any() for one in (tallies, own))
    )
    wanted: list[dict[str, str]] = []
    if places:
        held = pd.concat([part.loc[part["cut"] == own.cut(places), list(places)] for part in (own.counts, own.hidden)])
        wanted = [dict(zip(places, row, strict=True)) for row in held.drop_duplicates().astype(str).to_numpy().tolist()]
    measured = own.metrics[metric]
    none = {"metric": metric, "label": measured.label, "stays": measured.better == "higher", "reason": "given away"}
    found = [
        pd.DataFrame([{**none, **where, "note": worded("given away")}]) if no else
        cohorts(own, metric, level, correction, where=where, at=at)
        for where, no in [({}, withheld), *((where, barred) for where in wanted)]
    ]  # fmt: skip
    return carrying(tallies, "cohorts", pd.concat(found, ignore_index=True))


def cohorts_of(tallies: Tallies, where: Mapping[str, str]) -> pd.DataFrame:
    """The cohorts of one place as the run found them; no row where it was not asked for any."""
    return carried(tallies, "cohorts", where, COHORTS)
