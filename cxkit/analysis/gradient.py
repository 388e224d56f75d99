"""Whether a score goes with the order of levels, such as bands of the time to the first reply: a trend, no cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxkit.analysis.beside import carried, carrying, hidden_cells, matching, repeated, require_free, scaled_metric
from cxkit.errors import CxError, nearest
from cxkit.input.databases import readable
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.schema import BLANK, GRADIENT, RULES, Rules, worded
from cxkit.stats import holm, jackknife
from cxkit.stats.core import FloatArray, t_critical, t_pvalue
from cxkit.stats.design import freedom
from cxkit.tallies.products import inside, products
from cxkit.tallies.tallies import Tallies
from cxkit.tallies.tally import Where, in_period

METHOD = "weighted least squares on the rank, delete-a-group jackknife"


@readable
def gradient(
    survey: Responses,
    metrics: Sequence[str],
    dimension: str,
    *,
    within: str = "",
    by: Sequence[str] = (),
    period: str = "month",
    now: str | None = None,
    where: Where | None = None,
    level: float = 0.95,
    rules: Rules = RULES,
    hidden: Sequence[Mapping[Any, Any]] = (),
) -> pd.DataFrame:
    """By how much scores differ from one level of an ordered dimension to the next.

    Args:
        survey: Responses.
        metrics: Names of net scores, shares or means.
        dimension: With levels in an order: `bands`, or `values`. Answers without one of them take no part.
        within: A dimension inside whose levels the same is asked, so that its mix explains nothing of it.
        by: Dimensions of which every level gets an analysis of its own, beside that of all.
        period: How time is cut.
        now: The period whose answers count; None: all answers.
        where: Only these levels of a dimension, as in `tally`.
        level: Confidence level of the intervals; 1 - level is the significance level of the verdicts.
        rules: From how many people on a level takes part, and from how many answers a verdict is given.
        hidden: Cells that are not shown for another reason, with metric, <by> and the level: they take no part either.

    Returns:
        A row per place and metric, and another one `within`: n, groups, levels (that take part), value (what the score
        differs by from one to the next, in its unit), low, high, pvalue, pvalue_adj (Holm over the metrics of the
        place; of `within` none, it is no test of its own), verdict ("rises", "falls", "no evidence", "too few").

    Raises:
        CxError: A metric or dimension that does not fit.

    Formula: slope of the weighted regression of the answers' values on the rank of their level (within: of both less
    their means in each level of `within`), its variance by leaving out one group of clusters or respondents after the
    other, or of answers where fewer than `hide_below` people answered several times (`beside.repeated`), with Student's
    t. Source: Armitage (1955), doi 10.2307/3001775, for a trend on scores; `stats.jackknife`.

    >>> import cxkit as cx
    >>> found = gradient(cx.read("sample"), ["csat"], "brand", now="2026-10")
    >>> found["verdict"].tolist()
    ['no evidence']
    """
    require_free(by, GRADIENT, "by: ")
    order = _order(survey, dimension, within)
    chosen = [scaled_metric(survey, name, "gradient") for name in metrics]
    table = in_period(survey, period, where or {}, now)
    more = [name for name in (within,) if name]
    cuts = [*by, *(name for name in (dimension, *more) if name not in by)]
    table, frames = table.filter(table[dimension].isin(order)), []
    for metric in chosen:
        people = products(survey, table, metric, [], [*by, dimension]).bases  # who is in two levels of within, once
        keys = [*by, dimension]
        people = _shown(people, keys, metric, rules, hidden)
        shown = inside(table, people[keys])
        found = products(survey, shown, metric, [], cuts)
        wider = repeated(survey, shown, metric, [], by, rules.hide_below)
        alone = products(survey, shown, metric, [], cuts, alone=True) if wider else found
        sums, single = (one.groups.assign(w=one.sums[:, 0, 0], s=one.sums[:, 0, 2]) for one in (found, alone))
        places: list[dict[Any, Any]] = people[list(by)].drop_duplicates().to_dict("records") if by else []
        for place in [{}, *places]:
            times = wider.get(tuple(place.values()))
            linked, own, base = (matching(frame, place) for frame in (sums, sums if times is None else single, people))
            few = within and _lone(matching(found.bases, place), dimension, within, rules.hide_below)
            for cut in dict.fromkeys(["", within]):
                made = _row(linked, own, times or 1.0, base, dimension, order, cut, level, rules)
                if cut and few:
                    reason = {"reason": "few people", "note": worded("few people", hide_below=rules.hide_below)}
                    made |= {**dict.fromkeys(("value", "low", "high", "pvalue"), np.nan), **reason}
                frames.append({**place, "metric": metric.name, "within": cut, **made})
    frame = (
        pd.DataFrame(frames)
        .reindex(columns=[*by, *GRADIENT])
        .assign(period=now or "", dimension=dimension, level=level, method=METHOD)
    )
    frame["pvalue_adj"] = _adjusted(frame, list(by))
    sure = frame["pvalue_adj"] < 1 - level
    verdict = np.where(sure, np.where(frame["value"] > 0, "rises", "falls"), "no evidence")
    frame["verdict"] = np.where(frame["reason"] != "", "too few", np.where(frame["within"] == "", verdict, ""))
    return frame.reindex(columns=[*GRADIENT[:2], *by, *GRADIENT[2:]])


def _order(survey: Responses, dimension: str, within: str) -> list[str]:
    for name in filter(None, (dimension, within)):
        if name not in survey.mapping.dimensions:
            raise CxError(f"gradient: {name!r} is no mapped dimension; {nearest(name, survey.mapping.dimensions)}")
    order = [value for value in survey.mapping.dimensions[dimension].values or () if value != BLANK]
    if len(order) < 2:
        raise CxError(f"gradient: {dimension!r} has no levels in an order; declare `bands` or `values` in the mapping")
    return order


def _shown(
    people: pd.DataFrame, keys: list[str], metric: Metric, rules: Rules, hidden: Sequence[Mapping[Any, Any]]
) -> pd.DataFrame:
    """Without the cells that are hidden, so that no sum holds them: nobody can take the others away from it."""
    gone = {tuple(cell[key] for key in keys) for cell in hidden if cell["metric"] == metric.name}
    cells = people[keys].itertuples(index=False, name=None)
    kept = [n >= rules.hide_below and cell not in gone for cell, n in zip(cells, people["people"], strict=True)]
    return people[np.array(kept, bool)]


def _lone(people: pd.DataFrame, dimension: str, within: str, least: int) -> bool:
    """Whether the slope of all, and of both margins, would tell what few said if that inside the levels were told, too.

    The few in a level of `within`, or in one of its cells where the margins leave no more than one number open.
    """
    table = people.groupby([within, dimension])["people"].sum().unstack(fill_value=0)
    cells, margin = table.to_numpy(), table.sum(axis=1).to_numpy()
    left_open = (cells > 0).sum() - sum(cells.shape) + 1
    some = cells[cells > 0]
    return bool((margin < least).any() or (left_open <= 1 and (some < least).any()))


def _row(
    linked: pd.DataFrame, sums: pd.DataFrame, wider: float, base: pd.DataFrame, dimension: str, order: Sequence[str],
    within: str, level: float, rules: Rules,
) -> dict[str, Any]:  # fmt: skip
    """One trend, or why there is none: freedom by those who belong together, the error by `sums`, `wider` times."""
    n, levels = int(base["n"].sum()), int(base[dimension].nunique())
    own = linked.groupby("group")["w"].sum().to_numpy()
    df = np.asarray(freedom(own.sum(), (own**2).sum(), len(own), 1) if len(own) > 1 else 0.0)
    made: dict[str, Any] = {"n": n, "groups": len(own), "levels": levels}
    enough = levels > 1 and n >= rules.judge_from and df >= rules.judge_clusters - 1
    slopes = _slopes(sums, dimension, order, within) if enough else np.array([np.nan])
    if not np.isfinite(slopes).all():
        return made | {"reason": "few in all", "note": worded("few in all", judge_from=rules.judge_from)}
    error = float(np.sqrt(wider * jackknife(slopes[1:, None])[0, 0]))
    reach = float(t_critical(df, level)) * error
    pvalue = float(t_pvalue(slopes[0] / np.asarray(error), df)) if error > 0 else np.nan
    return made | {"value": slopes[0], "low": slopes[0] - reach, "high": slopes[0] + reach, "pvalue": pvalue,
                   "reason": "" if error > 0 else "all the same", "note": ""}  # fmt: skip


def _slopes(sums: pd.DataFrame, dimension: str, order: Sequence[str], within: str) -> FloatArray:
    """The slope of all, then without each group of people."""
    group, groups = pd.factorize(sums["group"])
    stratum, strata = pd.factorize(sums[within] if within else pd.Series("", index=sums.index))
    rank = sums[dimension].map({name: i for i, name in enumerate(order)}).to_numpy(int)
    table = np.zeros((2, len(groups), len(strata), len(order)))
    for part, column in zip(table, ("w", "s"), strict=True):
        np.add.at(part, (group, stratum, rank), sums[column].to_numpy(float))
    total = table.sum(axis=1, keepdims=True)
    w, s = np.concatenate([total, total - table], axis=1)
    x = np.arange(len(order), dtype=float)
    weight = np.where(w.sum(axis=2, keepdims=True) > 0, w.sum(axis=2, keepdims=True), 1.0)
    away = x - (w * x).sum(axis=2, keepdims=True) / weight  # from the mean rank of the stratum
    across = (w * away**2).sum(axis=(1, 2))
    found: FloatArray = (s * away).sum(axis=(1, 2)) / np.where(across > 0, across, np.nan)
    return found


def _adjusted(frame: pd.DataFrame, by: Sequence[str]) -> pd.Series[float]:
    """Corrected for the metrics of a place."""
    tested = frame["within"] == ""
    found = pd.Series(np.nan, index=frame.index)
    for _, rows in frame[tested].groupby(list(by), dropna=False) if by else [((), frame[tested])]:
        found.loc[rows.index] = holm(rows["pvalue"].to_numpy(float))
    return found


def with_gradient(
    tallies: Tallies, survey: Responses, declared: Mapping[str, Any], where: Where, now: str, places: Sequence[str],
    level: float,
) -> Tallies:  # fmt: skip
    """The tallies with the gradients of a run, of everybody and of each place: of what the pages show, nothing else.

    Args:
        tallies: Hidden cells taken out: they are in no gradient.
        survey: The responses.
        declared: `of`, `metrics` and `within`.
        where: The filter of the run.
        now: The period.
        places: Dimensions that have a page for each level.
        level: Confidence level.
    """
    by, keys = list(places), [*places, declared["of"]]
    hidden = hidden_cells(tallies, now, [keys], declared["metrics"], keys)
    given: dict[str, Any] = {"within": declared["within"] or "", "by": by, "period": tallies.period, "now": now}
    found = gradient(survey, declared["metrics"], declared["of"], **given, where=where, level=level,
                     rules=tallies.rules, hidden=hidden)  # fmt: skip
    return carrying(tallies, "gradient", found)


def gradient_of(tallies: Tallies, where: Mapping[str, str]) -> pd.DataFrame:
    """The gradients of one place as the run found them; no row where it was not asked for any."""
    return carried(tallies, "gradient", where, GRADIENT)
