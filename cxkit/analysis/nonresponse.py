"""What weighting for who did not answer makes of a score: by what is known of every case, and by nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxkit.analysis.beside import carried, carrying, hidden_cells, matching, repeated, require_free, scaled_metric
from cxkit.errors import CxError, nearest
from cxkit.input.databases import Table, collect, readable
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.schema import ALL, NONRESPONSE, RULES, Rules, is_hidden, worded
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
        limits. It is described, not tested. Where a place takes cells together or is hidden, either everybody or the
        places have numbers: the classes of all less those of the others would be its own.

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
    bases, each = ordered(table.agg(by=list(within), **people), list(within)), pd.DataFrame()
    whole, places = collect(table.agg(**people)), list[dict[Any, Any]]()
    if by:
        each, totals = ordered(table.agg(by=cells, **people), cells), ordered(table.agg(by=list(by), **people), by)
        places = totals[list(by)].to_dict("records")
    told = [{name: value for name, value in cell.items() if isinstance(value, str)} for cell in hidden]
    found = []
    for metric in chosen:
        few = {part: _few(table, roles, metric, part, rules.hide_below) for part in {tuple(within), tuple(cells)}}
        gone = [cell for cell in told if cell["metric"] == metric.name]
        made = []
        for place in [{}, *places]:
            keys, base, total = (cells, each, totals) if place else (list(within), bases, whole)
            known = [{name: cell[name] for name in within if name in cell and name not in by}
                     for cell in gone if {name: cell[name] for name in by if name in cell} == place]  # fmt: skip
            own, base, who, total = (matching(frame, place) for frame in (linked, base, few[tuple(keys)], total))
            times = wider[metric.name].get(tuple(place.values()))
            apart = own if times is None else matching(single, place)
            row = _row(own, apart, times or 1.0, base, who, total, metric, list(within), known, trim, level, rules)
            made.append({**place, "metric": metric.name, **row})
        crossed = any(set(cell) & set(within) for cell in gone)
        found.append(_either(made, by, bases, each, metric.name, list(within), crossed))
    frame = pd.DataFrame(row for rows in zip(*found, strict=True) for row in rows).assign(
        period=now or "", within=ALL.join(within), level=level, method=METHOD
    )
    frame = frame.assign(note=[worded(code, **_facts(rules)) for code in frame["reason"]])
    return frame.reindex(columns=[*NONRESPONSE[:2], *by, *NONRESPONSE[2:]])


def _facts(rules: Rules) -> dict[str, float]:
    return {"hide_below": rules.hide_below, "judge_from": rules.judge_from}


def _row(
    linked: pd.DataFrame, sums: pd.DataFrame, wider: float, people: pd.DataFrame, few: pd.DataFrame,
    total: pd.DataFrame, metric: Metric, within: list[str], gone: Sequence[Mapping[str, str]], trim: float,
    level: float, rules: Rules,
) -> dict[str, Any]:  # fmt: skip
    """The scores of one place, or why there are none: freedom by who belongs together, errors by `sums`, as wider."""
    if total[metric.name].sum() < rules.hide_below:
        return {"reason": "few people"}
    if {} in gone:
        return {"reason": "given away"}
    group, groups = pd.factorize(sums["group"])
    label, pooled = _classes(people, few, metric.name, within, gone, rules.hide_below)
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
    people: pd.DataFrame, few: pd.DataFrame, name: str, within: list[str], gone: Sequence[Mapping[str, str]], least: int
) -> tuple[Any, int]:
    """The class of each cell, and how many cells are taken together: few people are no class, nor what is hidden.

    Who answered in several of them is one of these people (`few`, from `_few`).
    """
    answered = people[name].to_numpy()
    small = answered < least
    for level in gone:
        small |= np.logical_and.reduce([(people[one] == value).to_numpy() for one, value in level.items()])
    if small.any() and not small.all() and answered[small].max() < least:
        them = few.merge(people.loc[small, within], on=within)["respondent"]
        if answered[small].sum() - (len(them) - them.nunique()) < least:
            small[np.argmin(np.where(small, np.inf, answered))] = True  # which has enough people by itself
    label = np.zeros(len(people), int)
    label[~small] = np.arange((~small).sum()) + bool(small.any())
    return label, int(small.sum())


def _few(table: Table, roles: Collection[str], metric: Metric, cells: Sequence[str], least: int) -> pd.DataFrame:
    """Who answered in cells of few people, in a row for each of the cells."""
    if "respondent" not in roles:
        return pd.DataFrame(columns=[*cells, "respondent"])
    given = table.filter(table[metric.item].notnull() & table.respondent.notnull())
    who = given.select(*cells, "respondent").distinct().group_by(list(cells)).mutate(k_=lambda t: t.count())
    return collect(who.filter(who.k_ < least).drop("k_"))


def _either(
    made: list[dict[str, Any]], by: Sequence[str], bases: pd.DataFrame, each: pd.DataFrame, name: str,
    within: list[str], crossed: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """The rows of everybody and of the places, or of one of these beside places that show less than all their classes.

    Places tell nothing of each other. Everybody does, unless too much else is known: of a class in the places, of
    which `crossed` says that some are hidden, or that others have none of it; or of the margins of several dimensions.
    """
    everybody, *own = made
    if not any(row.get("pooled") or is_hidden(row["reason"]) for row in own):
        return made
    answered = each[each[name] > 0]
    full = len(answered) == len(answered[list(by)].drop_duplicates()) * (bases[name] > 0).sum()
    open_ = _nearly_open(bases, within) if len(within) > 1 else crossed or not full
    closed = open_ or is_hidden(everybody["reason"])
    return [_without_numbers(row, by) if (row is everybody) == closed else row for row in made]


def _without_numbers(row: dict[str, Any], by: Sequence[str]) -> dict[str, Any]:
    kept = {key: row[key] for key in (*by, "metric") if key in row}
    return row if is_hidden(row["reason"]) else kept | {"reason": "given away"}


def _nearly_open(people: pd.DataFrame, within: Sequence[str]) -> bool:
    """Whether the margins leave so few numbers open that the weighted scores of page and run would close them."""
    margins = 1 + sum(people[name].nunique() - 1 for name in within)
    return len(people) - margins <= 2 and len(within) > 1


def with_nonresponse(
    tallies: Tallies, survey: Responses, declared: Mapping[str, Any], where: Where, now: str, places: Sequence[str],
    level: float,
) -> Tallies:  # fmt: skip
    """The tallies with what weighting for the silent makes of the scores of a run, of everybody and of each place.

    Totals that leave somebody out are no scores of everybody.

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
    told = [keys for keys in told if tuple(sorted(keys, key=tallies.by.index)) in tallies.levels]
    hidden = hidden_cells(tallies, now, told, metrics, tallies.by)
    if tallies.provenance.get("withheld"):  # the total leaves places out, whose cases would count
        hidden += [{"metric": name} for name in metrics]
    found = nonresponse(survey, metrics, declared["within"], by=by, period=tallies.period, now=now, where=where,
                        level=level, rules=tallies.rules, hidden=hidden)  # fmt: skip
    return carrying(tallies, "nonresponse", found)


def nonresponse_of(tallies: Tallies, where: Mapping[str, str]) -> pd.DataFrame:
    """The rows of one place as the run found them; no row where it was not asked for any."""
    return carried(tallies, "nonresponse", where, NONRESPONSE)
