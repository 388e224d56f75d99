"""What goes with an outcome: how much of its differences each of several ratings shares, and where to look first.

Rows stay where they are: all that comes are cross products of 256 groups of people (`tallies.products`). Leaving out
one group after the other says how sure everything is. Associations, never causes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cxkit.analysis.beside import carried, carrying, repeated, require_free, scaled_metric
from cxkit.analysis.leagues import standing
from cxkit.errors import CxError
from cxkit.input.databases import readable
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.schema import DRIVERS, RULES, VIF, Rules, worded
from cxkit.stats import common_factor, correlations, holm, hotelling, jackknife, moments, shapley
from cxkit.stats.core import FloatArray, t_critical, t_pvalue
from cxkit.stats.design import freedom
from cxkit.stats.drivers import MOST_DRIVERS, Drivers
from cxkit.tallies.products import Products, inside, products
from cxkit.tallies.tallies import Tallies
from cxkit.tallies.tally import Where, in_period

FEWEST = 3  # items: of two nobody can say whether they measure one thing
ALONE = 0.01  # p-value of one common factor being all, below which items are ranked: a ranking of noise is dear
PER_ITEM = 10  # answers for each item, below which nothing is estimated
METHOD = "LMG, delete-a-group jackknife"


@readable
def drivers(
    survey: Responses,
    outcome: str,
    items: Sequence[str],
    *,
    by: Sequence[str] = (),
    period: str = "month",
    now: str | None = None,
    where: Where | None = None,
    level: float = 0.95,
    rules: Rules = RULES,
    hidden: Sequence[Mapping[Any, Any]] = (),
) -> pd.DataFrame:
    """How much of the differences in an outcome goes with each of several items.

    Args:
        survey: Responses.
        outcome: Name of a net score, share or mean.
        items: Names of 3 to 15 metrics whose answers may go with it.
        by: Dimensions of which every level gets an analysis of its own, beside that of all.
        period: How time is cut.
        now: The period whose answers count; None: all answers.
        where: Only these levels of a dimension, as in `tally`.
        level: Confidence level of the intervals.
        rules: From how many people on anything is shown, and from how many effective answers it is estimated.
        hidden: Places that are not shown for another reason.

    Returns:
        A row per place and item, the strongest first; that of all has no place. value, low, high: percent of the
        outcome's variance that goes with the item; r_squared with all, common with one common factor, common_pvalue of
        the hypothesis that this is all; performance (with limits): how far the mean answer lies between the worst and
        the best one, in percent; tilt, joint: correlation of the errors of performance and of the square root of value,
        and how many single reaches their joint region has; gain (with limits): what the outcome differs by, in its
        unit, with a tenth of the way from performance to performance_goal, which is the best place's, or 100; first,
        last: between which places the item may stand; unranked: why they may stand anywhere; n answered everything,
        asked the outcome, answered the item, too.

    Raises:
        CxError: A metric, dimension or period that does not fit.

    Formula: LMG on the answers as they are, of complete rows, weighted (`stats.shapley`); intervals by leaving out one
    group of clusters or respondents after the other, as in `gradient` (`stats.jackknife`), with Student's t, for value
    on its square root; gain is linear. All pairs of places are tested and corrected by Holm, as in `league`.

    >>> import cxkit as cx
    >>> found = drivers(cx.read("sample"), "nps", ["problem_solved", "friendliness", "website"], now="2026-10")
    >>> found["item"].tolist()
    ['problem_solved', 'friendliness', 'website']
    """
    one, several = _chosen(survey, outcome, items)
    require_free(by, DRIVERS, "by: ")
    table = in_period(survey, period, where or {}, now)
    found = products(survey, table, one, several, by)
    keys = list(found.bases[list(by)].itertuples(index=False, name=None))
    few = dict(zip(keys, found.bases["people"] < rules.hide_below, strict=True))
    gone = {tuple(str(place[name]) for name in by) for place in hidden}
    codes = {key: "few people" if few[key] else "given away" if key in gone else "" for key in keys}
    shown = [key for key in keys if not codes[key]]
    if by:
        table = inside(table, found.bases[[not codes[key] for key in keys]][list(by)])
    wider = repeated(survey, table, one, several, by, rules.hide_below)
    alone = products(survey, table, one, several, by, alone=True) if wider else found

    def grouped(of: Products, places: Sequence[tuple[str, ...]]) -> FloatArray:
        own = np.array([cell in places for cell in of.groups[list(by)].itertuples(index=False, name=None)], bool)
        groups = pd.factorize(of.groups["group"][own])[0]
        sums = np.zeros((groups.max(initial=-1) + 1, *of.sums.shape[1:]))
        np.add.at(sums, groups, of.sums[own])
        return sums

    def at(places: Sequence[tuple[str, ...]], code: str, goal: FloatArray, place: tuple[str, ...] = ()) -> pd.DataFrame:
        base = found.bases[[key in places for key in keys]].drop(columns=list(by)).sum()
        linked, times = grouped(found, places), wider.get(place)
        own = linked if times is None else grouped(alone, places)
        return _rows(one, several, linked, own, times or 1.0, base, level, rules, code, goal)

    ends = np.full(len(several), 100.0)
    parts = {key: at([key], codes[key], ends, key) for key in keys} if by else {}
    known = [parts[key]["performance"].to_numpy(float) for key in shown if by and not parts[key]["reason"].any()]
    # All of those that are shown: what is hidden is no part of anything, so that nobody can subtract.
    whole = at(shown, "" if shown else "few people", np.max(known, axis=0) if len(known) > 1 else ends)
    placed = [part.assign(**dict(zip(by, key, strict=True))) for key, part in parts.items()]
    made = pd.concat([whole, *placed], ignore_index=True).assign(period=now or "")
    made = made.sort_values("value", ascending=False, kind="stable")  # then place by place, all first
    made = made.sort_values(list(by), kind="stable", na_position="first") if by else made
    return made.reset_index(drop=True).reindex(columns=["metric", "period", *by, *DRIVERS[2:]])


def _chosen(survey: Responses, outcome: str, items: Sequence[str]) -> tuple[Metric, list[Metric]]:
    """The metrics of an outcome and its items."""
    names = survey.mapping.spelled_out(items)
    one = scaled_metric(survey, outcome, "drivers.outcome")
    several = [scaled_metric(survey, name, "drivers.items") for name in names]
    asked = [metric.item for metric in (one, *several)]
    if twice := [item for item in asked if asked.count(item) > 1]:
        raise CxError(f"drivers.items: the question {twice[0]!r} stands there twice, or is that of the outcome")
    if not FEWEST <= len(several) <= MOST_DRIVERS:
        raise CxError(f"drivers.items: expected {FEWEST} to {MOST_DRIVERS}, found {len(several)}")
    return one, several


def _rows(
    one: Metric, items: Sequence[Metric], linked: FloatArray, sums: FloatArray, wider: float, base: pd.Series,
    level: float, rules: Rules, code: str, goal: FloatArray,
) -> pd.DataFrame:  # fmt: skip
    """The rows of one place; blank but for the reason where nothing may be said."""
    facts: dict[str, Any] = {"item": [item.name for item in items], "item_label": [item.label for item in items],
                             "metric": one.name, "outcome_label": one.label, "outcome_unit": one.unit, "level": level,
                             "method": METHOD, "hide_below": rules.hide_below, "unranked": ""}  # fmt: skip
    needed = max(rules.judge_from, PER_ITEM * len(items))
    if not code:
        n, enough = int(base["n"]), base["n"] >= needed and len(linked) > 2 * len(items)
        facts |= {"n": n, "asked": int(base["asked"]), "answered": [int(base[item.name]) for item in items]}
        estimated = _estimates(items, linked, sums, wider, n, level, goal) if enough else {"n_eff": 0.0, "df": 0.0}
        sure = estimated and estimated["n_eff"] >= needed and estimated.pop("df") >= rules.judge_clusters - 1
        spread = estimated is not None or _related(moments(sums.sum(axis=0)[None])[1]) is not None
        code = "" if sure else "few in all" if spread else "no spread"
        facts |= estimated if estimated and sure else {}
    note = worded(code, judge_from=needed, hide_below=rules.hide_below)
    return pd.DataFrame(facts | {"reason": code, "note": note}).reindex(columns=list(DRIVERS))


def _estimates(
    items: Sequence[Metric], linked: FloatArray, sums: FloatArray, wider: float, n: int, level: float, goal: FloatArray
) -> dict[str, Any] | None:
    """What is known of one place by the sums of its groups; None where something is the same but for one of them.

    How sure it is follows from `sums`, `wider` times, and its degrees of freedom from those who belong together.
    """
    k, total, groups = len(items), sums.sum(axis=0), len(sums)
    mean, spread = moments(np.concatenate([total[None], total - sums]))  # of all, then without each group
    related = _related(spread)
    if related is None:
        return None
    matrix, found = related
    worst, best = np.array([item.scale[:: -1 if item.better == "lower" else 1] for item in items]).T
    performance = 100.0 * (mean[:, 2:] - worst) / (best - worst)
    slope = np.linalg.solve(spread[:, 2:, 2:], spread[:, 2:, 1:2])[..., 0] * (best - worst) / 100.0
    common = common_factor(matrix)
    parts = [np.sqrt(np.maximum(found.importance, 0.0)), performance, slope * (goal - performance) / 10.0,
             found.beta, found.correlation, common.tetrads, mean[:, :1]]  # fmt: skip
    every = np.concatenate(parts, axis=1)
    covariance = wider * jackknife(every[1:])
    ends = np.cumsum([part.shape[1] for part in parts])
    root, about, gain, beta, straight, tetrads, (base,) = np.split(np.arange(ends[-1]), ends[:-1])
    weights = linked[:, 0, 0]
    df = np.asarray(freedom(weights.sum(), (weights**2).sum(), len(linked), 1))
    t, se = float(t_critical(df, level)), np.sqrt(np.diag(covariance))
    low, high = every[0] - t * se, every[0] + t * se
    n_eff = float(min(n, spread[0, 0, 0] / covariance[base, base]))
    r_squared, one_factor = float(found.r_squared[0]), float(common.r_squared[0])
    pvalue = hotelling(every[0, tetrads], covariance[np.ix_(tetrads, tetrads)], groups)
    weak = np.maximum(*(t_pvalue(every[0, part] / se[part], df) for part in (beta, straight)))
    turned = found.reversed[0] & (k * weak < 1 - level)  # where it is sure of both, however many items are looked at
    shared = (matrix[0, 1:, 1:].sum() - k) / (k * (k - 1.0))
    alpha = k * shared / (1.0 + (k - 1.0) * shared)  # how well they measure one thing, which can explain no more
    adjusted = 1.0 - (1.0 - r_squared) * (n_eff - 1.0) / (n_eff - 1.0 - k)
    one_thing = not pvalue < ALONE and adjusted <= alpha
    alike = (found.vif[0] > VIF).any()
    unranked = "collinear" if alike else "one factor" if one_thing else "reversed" if turned.any() else ""
    first, last = _places(every[0, root], covariance[np.ix_(root, root)], df, level)
    made = {"value": 100.0 * every[0, root] ** 2, "low": 100.0 * np.maximum(low[root], 0.0) ** 2,
            "high": 100.0 * high[root] ** 2, "performance": every[0, about], "performance_low": low[about],
            "performance_high": high[about], "gain": every[0, gain], "gain_low": low[gain], "gain_high": high[gain],
            "correlation": found.correlation[0], "beta": found.beta[0], "vif": found.vif[0]}  # fmt: skip
    tilt = covariance[root, about] / np.maximum(se[root] * se[about], 1e-300)
    joint = math.sqrt(2.0 * df / (df - 1.0) * special.fdtri(2.0, df - 1.0, level)) / t
    return made | {
        "n_eff": n_eff, "df": df, "r_squared": 100.0 * r_squared, "common": 100.0 * one_factor, "common_pvalue": pvalue,
        "performance_goal": goal, "tilt": tilt, "joint": joint, "reversed": turned, "unranked": unranked,
        "first": first if not unranked else np.nan, "last": last if not unranked else np.nan,
    }  # fmt: skip


def _related(spread: FloatArray) -> tuple[FloatArray, Drivers] | None:
    """Correlations and importance; None where an answer is the same throughout, or some determine another."""
    own = np.delete(np.arange(spread.shape[-1]), 1)
    try:
        matrix = correlations(spread[:, own[:, None], own])
        return matrix, shapley(matrix)
    except ValueError:
        return None


def _places(value: FloatArray, covariance: FloatArray, df: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """The first and the last place at which each item may stand."""
    one, other = np.array(list(combinations(range(len(value)), 2))).T
    variance = covariance[one, one] + covariance[other, other] - 2.0 * covariance[one, other]
    pvalue = t_pvalue((value[one] - value[other]) / np.sqrt(np.maximum(variance, 1e-300)), df)
    return standing(len(value), one, other, value[one] > value[other], holm(pvalue) < 1 - level)


def with_drivers(
    tallies: Tallies, survey: Responses, declared: Mapping[str, Any], where: Where, now: str, places: Sequence[str],
    level: float,
) -> Tallies:  # fmt: skip
    """The tallies with the drivers of a run, of everybody and of each place.

    Args:
        tallies: Hidden cells taken out: what hides the outcome or an item of a place hides its drivers. So does an item
            that few answered who did not answer everything: its score beside its rating would tell their answers.
        survey: The responses.
        declared: `outcome` and `items`.
        where: The filter of the run.
        now: The period.
        places: Dimensions that have a page for each level.
        level: Confidence level.
    """
    several, by = survey.mapping.spelled_out(declared["items"]), list(places)
    read = {tallies.metrics[name].item for name in (declared["outcome"], *several) if name in tallies.metrics}

    def own(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["item"].isin(read) & (frame["period"] == now) & (frame["cut"] == tallies.cut(places))]

    def made(hidden: Sequence[dict[Any, Any]]) -> pd.DataFrame:
        given: dict[str, Any] = {"where": where, "level": level, "rules": tallies.rules, "hidden": hidden}
        return drivers(survey, declared["outcome"], several, by=by, period=tallies.period, now=now, **given)

    gone = own(tallies.hidden)[by].drop_duplicates().to_dict("records")
    found = made(gone)
    answered = own(tallies.counts).groupby(["item", *by], as_index=False)["n"].sum()
    beside = found[found[by].notna().all(axis=1)].merge(answered, on=["item", *by], suffixes=("", "_all"))
    few = beside[(beside["n_all"] - beside["n"]).between(1, tallies.rules.hide_below - 1)]
    if len(few):
        found = made([*gone, *few[by].drop_duplicates().to_dict("records")])
    return carrying(tallies, "drivers", found)


def drivers_of(tallies: Tallies, where: Mapping[str, str]) -> pd.DataFrame:
    """The drivers of one place as the run found them, the strongest first; no row where it was not asked for any."""
    return carried(tallies, "drivers", where, DRIVERS)
