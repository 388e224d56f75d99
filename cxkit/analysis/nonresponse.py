"""What weighting for who did not answer makes of a score: by what is known of every case, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxkit.analysis.beside import carried, carrying, matching, repeated, require_free, scaled_metric
from cxkit.errors import CxError, nearest
from cxkit.input.databases import collect, readable
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.schema import ALL, NONRESPONSE, RULES, Rules, worded
from cxkit.stats import jackknife, response_weights
from cxkit.stats.core import FloatArray, t_critical
from cxkit.stats.design import freedom
from cxkit.tallies.clusters import score
from cxkit.tallies.products import group_of, people_of
from cxkit.tallies.sums import ordered
from cxkit.tallies.tallies import Tallies
from cxkit.tallies.tally import Where, in_period

METHOD = "inverse response rate in weighting classes, delete-a-group jackknife"
TRIM = 5.0  # the largest weight of an answer


@readable
def nonresponse(
    survey: Responses,
    metrics: Sequence[str],
    within: Sequence[str],
    *,
    by: Sequence[str] = (),
    period: str = "month",
    now: str | None = None,
    where: Where | None = None,
    trim: float = TRIM,
    level: float = 0.95,
    rules: Rules = RULES,
    hidden: Sequence[Mapping[Any, Any]] = (),
) -> pd.DataFrame:
    """The score of who answered, and what it would be if the silent of the same class had answered as these did.

    Args:
        survey: A row for each case, such as a ticket, whether it was answered or not; without weights.
        metrics: Names of net scores, shares or means of which every answer counts.
        within: Dimensions known of every case, whose combinations are the classes.
        by: Dimensions of which every level gets a row of its own, beside that of all.
        period: How time is cut.
        now: The period whose cases count; None: all cases.
        where: Only these levels of a dimension, as in `tally`.
        trim: The largest weight of an answer.
        level: Confidence level of the intervals.
        rules: From how many people on a class stands by itself, and from how many answers a score is told.
        hidden: Levels that are not shown for another reason, with metric, <by> and at most one of `within`: none stands
            by itself; a place among them has no row of numbers.

    Returns:
        A row per place and metric: cases, n (of these answered), n_eff (Kish), groups, classes, pooled (cells that
        stand by themselves in no class), largest (weight before it is trimmed), trimmed (percent of the cases that are
        in trimmed classes), unweighted (the score of the answers), value, low, high (weighted), difference and its
        limits. It is described, not tested.

    Raises:
        CxError: A metric or dimension that does not fit, or weights.

    Formula: `stats.response_weights` in classes, cells of fewer than `hide_below` people who answered taken together;
    variance by leaving out one group of people after the other, as in `gradient`, the weights made anew each time.

    >>> import cxkit as cx
    >>> joins = {"answers": {"source": "sample", "key": "ticket"}}
    >>> mapping = {"kind": "transactional", "columns": {"respondent": "respondent", "time": "opened"}, "joins": joins,
    ...            "items": {"csat": {"column": "answers.csat", "missing": [99]}}, "dimensions": {"again": "reopened"}}
    >>> found = nonresponse(cx.read("sample tickets", mapping), ["csat"], ["again"]).iloc[0]
    >>> found[["unweighted", "value", "difference"]].astype(float).round(1).tolist()
    [69.4, 68.8, -0.6]
    """
    require_free(by, NONRESPONSE, "by: ")
    roles = survey.mapping.columns.named()
    if "weight" in roles:
        raise CxError("nonresponse: weights are made here; take the role `weight` away")
    for name in within:
        if name not in survey.mapping.dimensions:
            raise CxError(f"nonresponse: {name!r} is no mapped dimension; {nearest(name, survey.mapping.dimensions)}")
    chosen = [scaled_metric(survey, name, "nonresponse") for name in metrics]
    for metric in chosen:
        if survey.mapping.kind_of(metric.item) != "transactional":
            raise CxError(f"nonresponse: of {metric.name!r} not every answer counts; declare it as transactional")
    table = in_period(survey, period, where or {}, now)
    wider = {metric.name: repeated(survey, table, metric, [], by, rules.hide_below) for metric in chosen}
    table = table.mutate(n_=table["count"] if "count" in roles else 1)
    table = table.mutate(w_=table.n_.cast("float64"))
    cells, asked, people = list(dict.fromkeys([*by, *within])), {"cases": table.n_.sum()}, {}
    for metric in chosen:
        given = table[metric.item].notnull()
        asked[f"n {metric.name}"] = given.ifelse(table.n_, 0).sum()
        asked[f"s {metric.name}"] = given.ifelse(score(table[metric.item], metric) * table.n_, 0).sum()
        people[metric.name] = people_of(table, roles, given)

    def summed(*, alone: bool) -> pd.DataFrame:
        grouped = table.mutate(group=group_of(table, roles, chosen, cells, alone=alone))
        return ordered(grouped.agg(by=[*cells, "group"], **asked), [*cells, "group"])

    linked = summed(alone=False)
    single = summed(alone=True) if any(wider.values()) else linked
    bases, each = collect(table.agg(by=list(within), **people)), pd.DataFrame()
    if by:
        each = collect(table.agg(by=cells, **people)).sort_values(cells)
    places: list[dict[Any, Any]] = each.reindex(columns=list(by)).drop_duplicates().to_dict("records") if by else []
    told = [{name: value for name, value in cell.items() if isinstance(value, str)} for cell in hidden]
    frames = []
    for place in [{}, *places]:
        own, base = matching(linked, place), matching(each, place) if place else bases
        known = [cell for cell in told if {name: cell[name] for name in by if name in cell} == place]
        for metric in chosen:
            gone = [{name: cell[name] for name in within if name in cell and name not in by}
                    for cell in known if cell["metric"] == metric.name]  # fmt: skip
            times = wider[metric.name].get(tuple(place.values()))
            apart = own if times is None else matching(single, place)
            made = _row(own, apart, times or 1.0, base, metric, list(within), gone, trim, level, rules)
            frames.append({**place, "metric": metric.name, **made})
    frame = pd.DataFrame(frames).assign(period=now or "", within=ALL.join(within), level=level, method=METHOD)
    frame = frame.assign(note=[worded(code, **_facts(rules)) for code in frame["reason"]])
    return frame.reindex(columns=[*NONRESPONSE[:2], *by, *NONRESPONSE[2:]])


def _facts(rules: Rules) -> dict[str, float]:
    return {"hide_below": rules.hide_below, "judge_from": rules.judge_from}


def _row(
    linked: pd.DataFrame, sums: pd.DataFrame, wider: float, people: pd.DataFrame, metric: Metric, within: list[str],
    gone: Sequence[Mapping[str, str]], trim: float, level: float, rules: Rules,
) -> dict[str, Any]:  # fmt: skip
    """The scores of one place, or why there are none: freedom by who belongs together, errors by `sums`, as wider."""
    if {} in gone or people[metric.name].sum() < rules.hide_below:
        return {"reason": "few people"}
    group, groups = pd.factorize(sums["group"])
    label, pooled = _classes(people, metric.name, within, gone, rules.hide_below)
    if pooled and _nearly_open(people, within):
        return {"reason": "given away"}
    cell = sums[within].merge(people[within].assign(class_=label), on=within, how="left")["class_"].to_numpy()
    table = np.zeros((3, len(groups), label.max() + 1))
    for part, column in zip(table, ("cases", f"n {metric.name}", f"s {metric.name}"), strict=True):
        np.add.at(part, (group, cell), sums[column].to_numpy(float))
    total = table.sum(axis=1, keepdims=True)
    cases, n, s = np.concatenate([total, total - table], axis=1)
    each = linked.groupby("group")[f"n {metric.name}"].sum().to_numpy(float)
    df = np.asarray(freedom(each.sum(), (each**2).sum(), len(each), 1) if len(each) > 1 else 0.0)
    weight = response_weights(cases[0], n[0], trim)
    raw = cases[0] / n[0]
    made: dict[str, Any] = {
        "cases": int(cases[0].sum()), "n": int(n[0].sum()), "groups": len(each), "classes": len(weight),
        "n_eff": float((weight * n[0]).sum() ** 2 / (weight**2 * n[0]).sum()), "pooled": pooled,
        "largest": float(raw.max()), "trimmed": 100 * float(cases[0][raw > trim].sum() / cases[0].sum()), "reason": "",
    }  # fmt: skip
    if made["n"] < rules.judge_from or df < rules.judge_clusters - 1:
        return made | {"reason": "few in all"}
    before, after = (metric.factor * one for one in _scores(cases, n, s, trim))
    spread = wider * np.diag(jackknife(np.column_stack([after, after - before])[1:]))
    reach = float(t_critical(df, level)) * np.sqrt(spread)
    moved = float(after[0] - before[0])
    return made | {
        "unweighted": before[0], "value": after[0], "low": after[0] - reach[0], "high": after[0] + reach[0],
        "difference": moved, "difference_low": moved - reach[1], "difference_high": moved + reach[1],
    }  # fmt: skip


def _scores(cases: FloatArray, n: FloatArray, s: FloatArray, trim: float) -> tuple[FloatArray, FloatArray]:
    """The mean of all answers, and the weighted one: of all groups of people, then without each."""
    weight = response_weights(cases, n, trim)
    return s.sum(axis=1) / n.sum(axis=1), (weight * s).sum(axis=1) / (weight * n).sum(axis=1)


def _classes(
    people: pd.DataFrame, name: str, within: Sequence[str], gone: Sequence[Mapping[str, str]], least: int
) -> tuple[Any, int]:
    """The class of each cell, and how many cells are taken together: few people are no class, nor what is hidden."""
    answered = people[name].to_numpy()
    small = answered < least
    for level in gone:
        small |= np.logical_and.reduce([(people[one] == value).to_numpy() for one, value in level.items()])
    if small.any():
        alone = [i for i in np.argsort(answered, kind="stable") if not small[i]]
        while answered[small].sum() < least and alone:
            small[alone.pop(0)] = True
    label = np.zeros(len(people), int)
    label[~small] = np.arange((~small).sum()) + bool(small.any())
    return label, int(small.sum())


def _nearly_open(people: pd.DataFrame, within: Sequence[str]) -> bool:
    """Whether the margins leave so few numbers open that the weighted scores of page and run would close them."""
    margins = 1 + sum(people[name].nunique() - 1 for name in within)
    return len(people) - margins <= 2 and len(within) > 1


def with_nonresponse(
    tallies: Tallies, survey: Responses, declared: Mapping[str, Any], where: Where, now: str, places: Sequence[str],
    level: float,
) -> Tallies:  # fmt: skip
    """The tallies with what weighting for the silent makes of the scores of a run, of everybody and of each place.

    Args:
        tallies: Hidden cells taken out.
        survey: The cases.
        declared: `metrics` and `within`.
        where: The filter of the run.
        now: The period.
        places: Dimensions that have a page for each level.
        level: Confidence level.
    """
    require_free(tallies.by, NONRESPONSE)
    by, metrics = list(places), declared["metrics"]
    told = [keys for keys in ([], by, *([*by, name] for name in declared["within"])) if set(keys) <= set(tallies.by)]
    cuts = {tallies.cut(keys) for keys in told if tuple(sorted(keys, key=tallies.by.index)) in tallies.levels}
    gone = tallies.hidden[(tallies.hidden["period"] == now) & tallies.hidden["cut"].isin(cuts)]
    asked = pd.DataFrame({"metric": name, "item": tallies.metrics[name].item} for name in metrics)
    hidden = gone.merge(asked, on="item")[["metric", *tallies.by]].to_dict("records")
    found = nonresponse(survey, metrics, declared["within"], by=by, period=tallies.period, now=now, where=where,
                        level=level, rules=tallies.rules, hidden=hidden)  # fmt: skip
    return carrying(tallies, "nonresponse", found)


def nonresponse_of(tallies: Tallies, where: Mapping[str, str]) -> pd.DataFrame:
    """The rows of one place as the run found them; no row where it was not asked for any."""
    return carried(tallies, "nonresponse", where, NONRESPONSE)
