"""Answers that belong together: what clusters and people sum up to in each cell, and what two periods share.

Durations are summed as ranks within their cell. Minutes themselves have tails that no sum survives; so the counts of a
cell give its tenths, and the quantile that the metric tells, and a second query finds for each answer which of them it
lies above, which is a whole number that adds.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import ibis
import pandas as pd
import pyarrow as pa

from cxkit.input.databases import Column, Table, aggregated, stored
from cxkit.input.mapping import BLANK
from cxkit.input.mapping import Mapping as DataMapping
from cxkit.input.values import indicator
from cxkit.metrics import Metric
from cxkit.schema import ALL
from cxkit.tallies.counting import Batch, Grid, Level, Pair, Used, batches, weight_of
from cxkit.tallies.sums import back, exact_sum, ordered, unit_of, whole

TENTHS = tuple(f"tenth_{i}" for i in range(1, 10))
ABOVE = "above_"  # leads the sums of whether a duration lies above the quantile of its cell
_NEAR = 1e-3  # minutes: two tallied durations differ by a second or more
Sums = dict[str, Column]


def link_of(mapping: DataMapping, used: Used) -> str | None:
    """The role that says which answers are a cluster; `own_` where strata alone make one of each; None without any."""
    roles = mapping.columns
    return "cluster" if roles.cluster else "respondent" if used.repeated else "own_" if roles.stratum else None


def linked(
    mapping: DataMapping, used: Used, wave: Used, grid: Grid, pairs: Sequence[Pair], rest: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cluster sums per cell of an item, and sums over shared respondents per cell and pair; empty without links.

    Args:
        mapping: The mapping.
        used: The answers, of durations with the cuts of their cells.
        wave: All answers of the item, of which the used ones may be a part: what the design drew.
        grid: The cells.
        pairs: The periods (now, before) that are compared, as the queries know them.
        rest: Whether cells are compared with the rest of the cell that holds them.
    """
    roles, by, levels = mapping.columns, grid.by, grid.levels
    stratum, people = roles.stratum is not None, roles.respondent is not None
    cluster = link_of(mapping, used)
    if cluster == "own_":  # strata only: every answer is a cluster of its own
        used, wave = used.each_alone("own_"), wave.each_alone("own_")
    together = cluster == "respondent" and not stratum
    sums = shared = pd.DataFrame()
    if cluster:
        sums, shared = linked_sums(used, by, levels, cluster, stratum, pairs if together else [], True, rest)
    if people and pairs and not together:
        _, shared = linked_sums(used, by, levels, "respondent", False, pairs, False)
    if used.repeated and together:
        sums = sums.assign(people=sums["clusters"])
    elif used.repeated:
        each = different(used, by, levels, "respondent", "people").drop(columns="stratum")
        sums = sums.merge(each, on=["level_", "period_", *by], how="left")
    if cluster and (roles.cluster or stratum):
        drawn = different(wave, (), [()], cluster, "wave_clusters", stratum).drop(columns="level_")
        sums = sums.merge(drawn, on=["period_", "stratum"], how="left")
        # A filter may keep another answer of a person as the latest, and with it a cluster that the wave has not got.
        most = sums[["clusters", "wave_clusters"]].max(axis=1)
        sums = sums.assign(wave_clusters=most.astype("int64"))
    return sums, shared


def linked_sums(
    used: Used,
    by: Sequence[str],
    levels: Sequence[Level],
    link: str,
    stratum: bool,
    pairs: Sequence[Pair],
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
        pairs: Periods (now, before) of which the shared members are wanted.
        clusters: Whether the cluster sums are wanted.
        rest: Whether these come with what a cell shares with the rest of the cell that holds it.

    Returns:
        Cluster sums: level_, period_, by, stratum, metric, clusters, nn, w, s, ww, sw, ss; over clusters g: their
        number, sum N_g^2 (answers), W_g, S_g, W_g^2, S_g W_g and S_g^2; with `rest` also rest_shared, rest_ww, rest_sw,
        rest_ws, rest_ss, over the clusters that have answers on both sides. Shared sums: level_, now_, before_, by,
        metric, shared, ww, sw, ws, ss. An answer without a link is a cluster of its own, and shared with nobody.
    """
    sums, shared = [pd.DataFrame()], [pd.DataFrame()]
    for batch in batches(used, by, levels):
        keys, now = ["period_", *batch.keys, *(["stratum"] if stratum else [])], batch.pairs(pairs)
        groups = _groups(_with_cuts(batch.answers(now), batch), used, keys, link)
        with stored(_with_rest(groups, batch, keys, link, used.metrics) if rest else groups) as groups:
            largest = _largest(groups, used)
            if clusters:
                counted = groups if batch.periods is None else groups.filter(groups.period_.isin(batch.periods))
                sums.append(batch.named(_named_strata(_cluster_sums(counted, used.metrics, keys, largest, rest))))
            if now:
                shared.append(batch.named(_shared_sums(groups, used.metrics, [*batch.keys, link], now, largest)))
    return pd.concat(sums, ignore_index=True), pd.concat(shared, ignore_index=True)


def _groups(spread: Table, used: Used, keys: Sequence[str], link: str) -> Table:
    """A row for each cluster of each cell: n_ answers, w_ weight, s_<metric> score; answers without one stay apart."""
    unit = unit_of(used.largest * max(1.0, *(_reach(metric) for metric in used.metrics)))
    weight = whole(weight_of(spread), unit)
    scores = {name: score * weight for metric in used.metrics for name, score in _scores(spread, metric).items()}
    n = spread.n_ if "n_" in spread.columns else ibis.literal(1)
    base = spread.select(*keys, link, n_=n.cast("int64"), w_=weight, **scores)
    known = base.filter(base[link].notnull()) if used.blank[link] else base
    sums = {name: back(known[name], unit) for name in ("w_", *scores)}
    groups = known.group_by([*keys, link]).agg(n_=known.n_.sum().cast("int64"), **sums)
    if not used.blank[link]:
        return groups
    alone = base.filter(base[link].isnull())
    alone = alone.mutate(**{name: alone[name].cast("float64") / unit for name in ("w_", *scores)})
    return ibis.union(groups, alone.select(*groups.columns), distinct=False)


def _with_rest(groups: Table, batch: Batch, keys: Sequence[str], link: str, metrics: Sequence[Metric]) -> Table:
    """With what each cluster has in the rest of the cell that holds its own, of the level without its last name."""
    last: dict[str, list[int]] = {}
    for number, level in batch.levels.items():
        last.setdefault(level[-1] if level else "", []).append(number)
    several = len(batch.levels) > 1
    taken = {f"in_{n}": groups.level_.isin(of).ifelse("", groups[n]) for n, of in last.items() if n and several}
    gone = set(last) if not several else set()
    held = groups.mutate(**taken)
    within = [f"in_{key}" if f"in_{key}" in taken else key for key in keys if key not in gone]
    window = ibis.window(group_by=[*within, link])
    others = {
        f"rest_{name}": held[link].isnull().ifelse(0.0, held[name].sum().over(window) - held[name])
        for name in ("w_", *(f"s_{metric.name}" for metric in metrics))
    }
    return held.mutate(**others).drop(*taken)


def _reach(metric: Metric) -> float:
    """The largest score of an answer."""
    if metric.statistic == "quantile":
        return 2.0 * len(TENTHS)
    return max((abs(value / metric.factor) for value in metric.values.values()), default=1.0)


def _largest(groups: Table, used: Used) -> float:
    """The largest weight or score of a cluster, its own or in the rest; 0 where sums are of whole numbers anyway."""
    if used.largest == 0:
        return 0.0
    own = ("w_", *(f"s_{metric.name}" for metric in used.metrics))
    columns = [groups[name] for one in own for of in ("", "rest_", ABOVE) if (name := of + one) in groups.columns]
    return max((value for value in aggregated(groups, *(column.abs().max() for column in columns)) if value), default=1)


def _cluster_sums(
    groups: Table, metrics: Sequence[Metric], keys: Sequence[str], largest: float, rest: bool
) -> pd.DataFrame:
    def product(one: str, other: str) -> Column:
        return exact_sum(groups[one] * groups[other], largest**2)

    def own(s: str) -> Sums:
        sums = {"s": exact_sum(groups[s], largest), "sw": product(s, "w_"), "ss": product(s, s)}
        if (above := f"{ABOVE}{s}") in groups.columns:
            sums |= {f"{ABOVE}s": exact_sum(groups[above], largest)}
            sums |= {f"{ABOVE}sw": product(above, "w_"), f"{ABOVE}ss": product(above, above)}
        if rest:
            sums |= {"rest_sw": product(s, "rest_w_"), "rest_ws": product("w_", f"rest_{s}")}
            sums |= {"rest_ss": product(s, f"rest_{s}")}
        return sums

    common = {"clusters": groups.count(), "nn": (groups.n_ * groups.n_).sum().cast("int64")}
    common |= {"w": exact_sum(groups.w_, largest), "ww": product("w_", "w_")}
    common |= {"rest_shared": (groups.rest_w_ > 0).sum(), "rest_ww": product("w_", "rest_w_")} if rest else {}
    return _summed(groups, keys, metrics, common, own)


def _shared_sums(
    groups: Table, metrics: Sequence[Metric], keys: Sequence[str], pairs: Sequence[Pair], largest: float
) -> pd.DataFrame:
    """Cross-period sums over the members who answered in both periods of a pair; the last of the keys is the member."""
    wanted = ibis.memtable(pa.table({"now_": [now for now, _ in pairs], "before_": [before for _, before in pairs]}))
    now = groups.join(wanted, groups.period_ == wanted.now_).drop("period_")
    before = groups.rename({f"{name}_1": name for name in groups.columns})
    same = [now.before_ == before.period__1, *(now[key] == before[f"{key}_1"] for key in keys)]
    both = now.join(before, same)

    def product(one: str, other: str) -> Column:
        return exact_sum(both[one] * both[f"{other}_1"], largest**2)

    def own(s: str) -> Sums:
        return {"sw": product(s, "w_"), "ws": product("w_", s), "ss": product(s, s)}

    common = {"shared": both.count(), "ww": product("w_", "w_")}
    return _summed(both, ["now_", "before_", *keys[:-1]], metrics, common, own)


def _summed(
    table: Table, keys: Sequence[str], metrics: Sequence[Metric], common: Sums, own: Callable[[str], Sums]
) -> pd.DataFrame:
    """A row for each cell and metric: what all metrics of an item share, with the sums of its own scores."""
    each = {metric.name: own(f"s_{metric.name}") for metric in metrics}
    sums = {f"{name}_{metric}": column for metric, of in each.items() for name, column in of.items()}
    wide = ordered(table.group_by(list(keys)).agg(**common, **sums), keys)
    shared = wide[[*keys, *common]]
    return pd.concat(
        [shared.assign(metric=metric, **{n: wide[f"{n}_{metric}"] for n in of}) for metric, of in each.items()],
        ignore_index=True,
    )


def different(
    used: Used, by: Sequence[str], levels: Sequence[Level], link: str, name: str, stratum: bool = False
) -> pd.DataFrame:
    """How many different people or clusters answered, per level, period and cell (and stratum), as the column `name`.

    An answer without a link is one of its own.
    """
    frames = []
    for batch in batches(used, by, levels):
        table, keys = batch.answers(), ["period_", *batch.keys, *(["stratum"] if stratum else [])]
        counted = table.group_by(keys).agg(**{name: table[link].nunique() + table[link].isnull().sum()})
        frames.append(batch.named(_named_strata(ordered(counted, keys))))
    return pd.concat(frames, ignore_index=True)


def _named_strata(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the name of each stratum, blank where there is none."""
    stratum = frame["stratum"].fillna(BLANK) if "stratum" in frame else pd.Series("", index=frame.index, dtype="str")
    return frame.assign(stratum=stratum)


# Scores of answers ----------------------------------------------------------------------------------------------------


def _scores(spread: Table, metric: Metric) -> Sums:
    """Whole numbers of each answer that are summed over clusters: its value, or the ranks that stand for a duration."""
    if metric.statistic != "quantile":
        return {f"s_{metric.name}": score(spread.answer_, metric)}
    return {f"s_{metric.name}": _rank(spread, TENTHS),
            f"{ABOVE}s_{metric.name}": _rank(spread, [ABOVE + metric.name])}  # fmt: skip


def score(answer: Column, metric: Metric) -> Column:
    """The metric's value of an answer in natural units, which are whole numbers: -1, 0, 1, or the answer itself."""
    codes = sorted(metric.values)
    if all(code == metric.values[code] for code in codes):
        return answer.cast("int64")
    value = {code: round(metric.values[code] / metric.factor) for code in codes}
    ends = [code for code, after in itertools.pairwise(codes) if value[code] != value[after]]  # cheaper than lists
    runs = [(answer <= end, ibis.literal(value[end], "int64")) for end in ends]
    last = ibis.literal(value[codes[-1]], "int64")
    return ibis.cases(*runs, else_=last) if runs else last


def _rank(spread: Table, cuts: Sequence[str]) -> Column:
    """For each answer the cuts of its cell that it lies above, each twice, and once those that it lies on."""
    return reduce(add, (indicator(spread.answer_ > spread[cut] + by) for cut in cuts for by in (-_NEAR, _NEAR)))


def _with_cuts(answers: Table, batch: Batch) -> Table:
    """The answers with the cuts of their cells, where they are durations."""
    found = batch.used.cuts
    if found is None:
        return answers
    if len(batch.levels) == 1:
        found = found[found["level_"].isin(list(batch.levels))]
    keys = ["period_", *batch.keys]
    other = {f"{key}_1": key for key in keys}
    wanted = found[[*keys, *found.columns.difference(["level_", "period_", *batch.by])]]
    cuts = ibis.memtable(pa.Table.from_pandas(wanted, preserve_index=False)).rename(other)
    return answers.left_join(cuts, [answers[key] == cuts[name] for name, key in other.items()]).drop(*other)


def with_cuts(used: Used, counts: pd.DataFrame, grid: Grid) -> Used:
    """The answers of an item with the cuts of its cells, where they are durations.

    Args:
        used: The answers.
        counts: The counts of the item in a tally: period, <dimensions>, cut, answer, w.
        grid: The cells.
    """
    if not any(metric.statistic == "quantile" for metric in used.metrics):
        return used
    keys, by = ["level_", "period_", *grid.by], grid.by
    levels = {ALL.join(level): number for number, level in enumerate(grid.levels)}
    starts = {name: start for start, name in grid.names.items()}
    held = counts.assign(level_=counts["cut"].map(levels), period_=counts["period"].map(starts))
    held = held.fillna(dict.fromkeys(by, "")).sort_values([*keys, "answer"], ignore_index=True)
    weights = held.groupby(keys, sort=False)["w"]
    running, total = weights.cumsum(), weights.transform("sum")
    shares = {name: (i + 1) / 10 for i, name in enumerate(TENTHS)} | {ABOVE + m.name: m.quantile for m in used.metrics}
    first = {
        name: held[running >= (share - 1e-12) * total].groupby(keys)["answer"].first() for name, share in shares.items()
    }
    return replace(used, cuts=pd.DataFrame(first).reset_index())
