"""The grouped queries behind a tally, as Ibis expressions that any backend can run.

An item is asked three things: how often each answer occurs in each cell; what its clusters sum up to in each cell; and
what the respondents of two periods have in common. Each is one query for every portion of the answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from cxkit.input.databases import Table, count, stored
from cxkit.input.mapping import BLANK, Mapping, open_of
from cxkit.metrics import Metric
from cxkit.tallies import ranks
from cxkit.tallies.batches import Level, Pair, Portion, Used, portions, sized
from cxkit.tallies.ranks import ABOVE
from cxkit.tallies.sums import back, exact_sum, ordered, unit_of, whole

Column = Any


def answers(
    table: Table, mapping: Mapping, item: str, period: str, by: Sequence[str], metrics: Sequence[Metric]
) -> Used:
    """The used answers of an item with their period and weight; of a relationship item the latest per respondent."""
    roles = mapping.columns.named()
    links = [role for role in ("respondent", "cluster", "stratum") if role in roles]
    used = table.filter(table[item].notnull())
    calendar = mapping.calendar(period)
    answer = _rounded(used[item]) if any(metric.statistic == "quantile" for metric in metrics) else used[item]
    cells = {
        "period_": calendar.cut(used),
        "answer_": answer,
        "w_": used.weight if "weight" in roles else ibis.literal(1.0),
    }
    if open_of(item) in table.columns:
        cells["open_"] = used[open_of(item)]
    once = mapping.kind_of(item) == "relationship" and "respondent" in roles
    order = [role for role in ("time", "response") if role in roles]

    def kept(rows: Table) -> Table:
        return _latest(rows, by, links, cells, order) if once else rows.select(*by, *links, **cells)

    weighted = "weight" in roles
    found = _looked_at(Used(used, kept, calendar, metrics, 0, 0.0, dict.fromkeys(links, 0)), weighted)
    return replace(found, replaced=count(used) - found.n) if once else found


def less(one: Used, cells: Sequence[dict[Any, Any]]) -> Used:
    """The answers of an item without those of some places, each a level of one dimension or several, in every period.

    They go when it is settled which answers count: an earlier one of the same respondent does not take their place.
    """

    def kept(rows: Table) -> Table:
        table = one.kept(rows)
        inside = [ibis.and_(*(table[name] == cell[name] for name in cell.keys() - {"item"})) for cell in cells]
        return table.filter(~ibis.or_(*inside))

    return _looked_at(replace(one, kept=kept), one.largest > 0)


def _looked_at(used: Used, weighted: bool) -> Used:
    """With how many answers count, their largest weight, and how many are linked to no other."""
    kept, links = used.answers(), list(used.blank)
    blank = {role: kept[role].isnull().sum() for role in links}
    row = kept.agg(n=kept.count(), largest=kept.w_.max(), **blank).to_pyarrow().to_pylist()[0]
    largest = float(row["largest"] or 0) if weighted else 0.0
    return sized(replace(used, n=row["n"], largest=largest, blank={role: row[role] or 0 for role in links}))


def _rounded(minutes: Column) -> Column:
    """Minutes at three significant digits and no finer than a second, so that a tally holds few different ones."""
    step = 10.0 ** (ibis.greatest(minutes, 100.0).log10().floor() - 2)
    coarse = (minutes >= 100).ifelse((minutes / step).round() * step, (minutes * 10).round() / 10)
    return (minutes < 10).ifelse((minutes * 60).round() / 60, coarse)


def _latest(
    used: Table, by: Sequence[str], links: Sequence[str], cells: dict[str, Column], order: Sequence[str]
) -> Table:
    """The latest answer of each respondent in each period."""
    used = used.select(*by, *links, **{f"{role}_": used[role] for role in order}, **cells)
    # Answers of one moment are in no order: any rule will do, as long as the order of the rows does not decide.
    latest = [ibis.desc(f"{role}_") for role in (*order, "answer", "w")]
    latest += [used[name] for name in (*by, *(link for link in links if link != "respondent"))]
    window = ibis.window(group_by=["respondent", "period_"], order_by=latest)
    ranked = used.mutate(rank_=ibis.row_number().over(window))
    return ranked.filter((ranked.rank_ == 0) | ranked.respondent.isnull()).select(*by, *links, *cells)


def answer_counts(used: Used, by: Sequence[str], levels: Sequence[Level]) -> pd.DataFrame:
    """Answers, weights and squared weights per level, period, cell and answer: n, w, w2."""
    frames = []
    for part in portions(used, by, levels):
        table, keys = part.answers(), ["period_", *part.keys, "answer_"]
        sums = {"w": lambda t: exact_sum(t.w_, used.largest), "w2": lambda t: exact_sum(t.w_ * t.w_, used.largest**2)}
        sums |= {"open": lambda t: t.open_.sum()} if "open_" in table.columns else {}
        cells = table.group_by(keys).agg(n=lambda t: t.count(), **sums)
        frames.append(part.named(ordered(cells, keys)))
    return pd.concat(frames, ignore_index=True)


def linked_sums(
    used: Used,
    by: Sequence[str],
    levels: Sequence[Level],
    link: str,
    stratum: bool,
    pairs: Sequence[Pair] | None,
    clusters: bool,
    rest: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the linked answers of a cell sum up to, over clusters and over the respondents that two periods share.

    Args:
        used: The answers.
        by: All dimensions.
        levels: The levels.
        link: The role that says which answers belong together.
        stratum: Whether clusters are counted within strata.
        pairs: Periods (now, before) of which the shared members are wanted; None for no pairs.
        clusters: Whether the cluster sums are wanted.
        rest: Whether these come with what a cell shares with the rest of the cell that holds it.

    Returns:
        Cluster sums: level_, period_, by, stratum, metric, clusters, w, s, ww, sw, ss; over clusters g: their number,
        sum W_g, S_g, W_g^2, S_g W_g and S_g^2; with `rest` also rest_shared, rest_ww, rest_sw, rest_ws, rest_ss, over
        the clusters that have answers on both sides. Shared sums: level_, now_, before_, by, metric, shared, ww, sw,
        ws, ss. An answer without a link is a cluster of its own, and shared with nobody.
    """
    sums, shared = [pd.DataFrame()], [pd.DataFrame()]
    own = ["w_", *(f"s_{metric.name}" for metric in used.metrics)]
    above = [f"{ABOVE}s_{metric.name}" for metric in used.metrics if metric.statistic == "quantile"]
    for part in portions(used, by, levels):
        keys, now = ["period_", *part.keys, *(["stratum"] if stratum else [])], part.pairs(pairs or [])
        groups = _groups(ranks.with_cuts(part.answers(now), part), used, keys, link)
        with stored(_with_rest(groups, part, keys, link, own) if rest else groups) as groups:
            largest = _largest(groups, used, [*own, *above, *(f"rest_{name}" for name in own if rest)])
            if clusters:
                counted = groups if part.periods is None else groups.filter(groups.period_.isin(part.periods))
                sums.append(part.named(_cluster_sums(counted, used.metrics, keys, largest, rest)))
            if now:
                shared.append(part.named(_shared_sums(groups, used.metrics, [*part.keys, link], now, largest)))
    return pd.concat(sums, ignore_index=True), pd.concat(shared, ignore_index=True)


def _groups(spread: Table, used: Used, keys: Sequence[str], link: str) -> Table:
    """A row for each cluster of each cell: w_ its weight, s_<metric> its score; answers without one stay apart."""
    unit = unit_of(used.largest * max(1.0, *(_reach(metric) for metric in used.metrics)))
    weight = whole(spread.w_, unit)
    scores = {name: score * weight for metric in used.metrics for name, score in _scores(spread, metric).items()}
    base = spread.select(*keys, link, w_=weight, **scores)
    known = base.filter(base[link].notnull()) if used.blank[link] else base
    groups = known.group_by([*keys, link]).agg(
        **{name: (lambda t, name=name: back(t[name], unit)) for name in ("w_", *scores)}
    )
    if not used.blank[link]:
        return groups
    alone = base.filter(base[link].isnull())
    alone = alone.mutate(**{name: alone[name].cast("float64") / unit for name in ("w_", *scores)})
    return ibis.union(groups, alone.select(*groups.columns), distinct=False)


def _with_rest(groups: Table, part: Portion, keys: Sequence[str], link: str, own: Sequence[str]) -> Table:
    """With what each cluster has in the rest of the cell that holds its own, of the level without its last name."""
    last: dict[str, list[int]] = {}
    for number, level in part.levels.items():
        last.setdefault(level[-1] if level else "", []).append(number)
    several = len(part.levels) > 1
    taken = {f"in_{n}": groups.level_.isin(of).ifelse("", groups[n]) for n, of in last.items() if n and several}
    gone = set(last) if not several else set()
    held = groups.mutate(**taken)
    within = [f"in_{key}" if f"in_{key}" in taken else key for key in keys if key not in gone]
    window = ibis.window(group_by=[*within, link])
    others = {
        f"rest_{name}": held[link].isnull().ifelse(0.0, held[name].sum().over(window) - held[name]) for name in own
    }
    return held.mutate(**others).drop(*taken)


def _reach(metric: Metric) -> float:
    if metric.statistic == "quantile":
        return 2.0 * len(ranks.TENTHS)
    return max((abs(value / metric.factor) for value in metric.values.values()), default=1.0)


def _largest(groups: Table, used: Used, columns: Sequence[str]) -> float:
    """The largest weight or score of a cluster, its own or in the rest; 0 where sums are of whole numbers anyway."""
    if used.largest == 0:
        return 0.0
    row = groups.agg(**{column: groups[column].abs().max() for column in columns}).to_pyarrow().to_pylist()[0]
    return max((value for value in row.values() if value), default=1.0)


def _cluster_sums(
    groups: Table, metrics: Sequence[Metric], keys: Sequence[str], largest: float, rest: bool
) -> pd.DataFrame:
    sums: dict[str, Any] = {"clusters": lambda t: t.count(), "w": lambda t: exact_sum(t.w_, largest)}
    sums["ww"] = lambda t: exact_sum(t.w_ * t.w_, largest**2)
    for metric in metrics:
        s = f"s_{metric.name}"
        for of in ("", ABOVE) if metric.statistic == "quantile" else ("",):
            sums[f"{of}s_{metric.name}"] = lambda t, s=of + s: exact_sum(t[s], largest)
            sums[f"{of}sw_{metric.name}"] = lambda t, s=of + s: exact_sum(t[s] * t.w_, largest**2)
            sums[f"{of}ss_{metric.name}"] = lambda t, s=of + s: exact_sum(t[s] * t[s], largest**2)
        if rest:
            sums[f"rest_sw_{metric.name}"] = lambda t, s=s: exact_sum(t[s] * t.rest_w_, largest**2)
            sums[f"rest_ws_{metric.name}"] = lambda t, s=s: exact_sum(t.w_ * t[f"rest_{s}"], largest**2)
            sums[f"rest_ss_{metric.name}"] = lambda t, s=s: exact_sum(t[s] * t[f"rest_{s}"], largest**2)
    if rest:
        sums["rest_shared"] = lambda t: (t.rest_w_ > 0).sum()
        sums["rest_ww"] = lambda t: exact_sum(t.w_ * t.rest_w_, largest**2)
    wide = named_strata(ordered(groups.group_by(keys).agg(**sums), keys))
    common = [*(k for k in keys if k != "stratum"), "stratum", "clusters", "w", "ww"]
    own: tuple[str, ...] = ("s", "sw", "ss")
    if metrics[0].statistic == "quantile":
        own = (*own, *(f"{ABOVE}{name}" for name in own))
    if rest:
        common, own = [*common, "rest_shared", "rest_ww"], (*own, "rest_sw", "rest_ws", "rest_ss")
    return _by_metric(wide, metrics, common, own)


def _shared_sums(
    groups: Table, metrics: Sequence[Metric], keys: Sequence[str], pairs: Sequence[Pair], largest: float
) -> pd.DataFrame:
    """Cross-period sums over the members who answered in both periods of a pair; the last of the keys is the member."""
    wanted = ibis.memtable(pa.table({"now_": [now for now, _ in pairs], "before_": [before for _, before in pairs]}))
    now = groups.join(wanted, groups.period_ == wanted.now_).drop("period_")
    before = groups.rename({f"{name}_1": name for name in groups.columns})
    same = [now.before_ == before.period__1, *(now[key] == before[f"{key}_1"] for key in keys)]
    both = now.join(before, same)
    sums: dict[str, Any] = {"shared": lambda t: t.count(), "ww": lambda t: exact_sum(t.w_ * t.w__1, largest**2)}
    for metric in metrics:
        s = f"s_{metric.name}"
        sums[f"ss_{metric.name}"] = lambda t, s=s: exact_sum(t[s] * t[f"{s}_1"], largest**2)
        sums[f"sw_{metric.name}"] = lambda t, s=s: exact_sum(t[s] * t.w__1, largest**2)
        sums[f"ws_{metric.name}"] = lambda t, s=s: exact_sum(t.w_ * t[f"{s}_1"], largest**2)
    cells = ["now_", "before_", *keys[:-1]]
    wide = ordered(both.group_by(cells).agg(**sums), cells)
    return _by_metric(wide, metrics, [*cells, "shared", "ww"], ("sw", "ws", "ss"))


def _by_metric(wide: pd.DataFrame, metrics: Sequence[Metric], shared: list[str], sums: Sequence[str]) -> pd.DataFrame:
    """A row for each metric: what all metrics of an item share, with its own sums."""
    frames = [
        wide[shared].assign(metric=metric.name, **{name: wide[f"{name}_{metric.name}"] for name in sums})
        for metric in metrics
    ]
    return pd.concat(frames, ignore_index=True)


def different(
    used: Used, by: Sequence[str], levels: Sequence[Level], link: str, name: str, stratum: bool = False
) -> pd.DataFrame:
    """How many different people or clusters answered, per level, period and cell (and stratum), as the column `name`.

    An answer without a link is one of its own.
    """
    frames = []
    for part in portions(used, by, levels):
        keys = ["period_", *part.keys, *(["stratum"] if stratum else [])]
        cells = part.answers().group_by(keys)
        counted = cells.agg(**{name: lambda t: t[link].nunique() + t[link].isnull().sum()})
        frames.append(part.named(named_strata(ordered(counted, keys))))
    return pd.concat(frames, ignore_index=True)


def named_strata(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the name of each stratum, blank where there is none."""
    stratum = frame["stratum"].fillna(BLANK) if "stratum" in frame else pd.Series("", index=frame.index, dtype="str")
    return frame.assign(stratum=stratum)


def _scores(spread: Table, metric: Metric) -> dict[str, Column]:
    """Whole numbers of each answer that are summed over clusters: its value, or the ranks that stand for a duration."""
    if metric.statistic != "quantile":
        return {f"s_{metric.name}": _score(spread.answer_, metric)}
    return {f"s_{metric.name}": ranks.score(spread, ranks.TENTHS),
            f"{ABOVE}s_{metric.name}": ranks.score(spread, [ABOVE + metric.name])}  # fmt: skip


def _score(answer: Column, metric: Metric) -> Column:
    """The metric's value of an answer in natural units, which are whole numbers: -1, 0, 1, or the answer itself."""
    codes = sorted(metric.values)
    if all(code == metric.values[code] for code in codes):
        return answer.cast("int64")
    value = {code: round(metric.values[code] / metric.factor) for code in codes}
    ends = [code for code, after in itertools.pairwise(codes) if value[code] != value[after]]  # cheaper than lists
    runs = [(answer <= end, ibis.literal(value[end], "int64")) for end in ends]
    last = ibis.literal(value[codes[-1]], "int64")
    return ibis.cases(*runs, else_=last) if runs else last
