"""The grouped queries behind a tally, as Ibis expressions that any backend can run.

An item is asked three things: how often each answer occurs in each cell; what its clusters sum up to in each cell; and
what the respondents of two periods have in common. Each is one query for all levels: a row is repeated for every level,
with the dimensions that the level does not cut by taken out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from cxkit.data.mapping import BLANK, Mapping
from cxkit.data.periods import UNITS
from cxkit.data.sources import Table, collect, count, stored
from cxkit.metrics import Metric

Column = Any
Level = tuple[str, ...]

BITS = 62  # of a whole number that every backend has, less its sign and one to spare
SETTLED = 13  # digits of a sum that do not depend on how finely its terms were cut
AT_ONCE = 20_000_000  # rows, counted once for each level, that one query may group: more would not fit into memory


@dataclass(frozen=True, slots=True)
class Used:
    """The used answers of an item.

    Attributes:
        table: period_, answer_, w_, the dimensions, and the roles respondent, cluster and stratum that are mapped.
        metrics: The metrics that read the item.
        n: How many.
        largest: The largest weight; 0 where answers carry none, so that sums are of whole numbers.
        blank: Of each role that links answers, how many have none.
        replaced: How many a later answer of the same respondent replaced.
    """

    table: Table
    metrics: list[Metric]
    n: int
    largest: float
    blank: dict[str, int]
    replaced: int = 0

    @property
    def scored(self) -> list[Metric]:
        """The metrics of which cluster sums are taken; for durations they serve to count the people."""
        return list(self.metrics)


def answers(
    table: Table, mapping: Mapping, item: str, period: str, by: Sequence[str], metrics: Sequence[Metric]
) -> Used:
    """The used answers of an item with their period and weight; of a relationship item the latest per respondent."""
    roles = mapping.columns.named()
    links = [role for role in ("respondent", "cluster", "stratum") if role in roles]
    used = table.filter(table[item].notnull())
    start = used.wave if period == "wave" else used.time.truncate(UNITS[period]).cast("date")
    answer = _rounded(used[item]) if any(metric.statistic == "quantile" for metric in metrics) else used[item]
    cells = {"period_": start, "answer_": answer, "w_": used.weight if "weight" in roles else ibis.literal(1.0)}
    kept, before = used.select(*by, *links, **cells), None
    if mapping.kind_of(item) == "relationship" and "respondent" in roles:
        before = count(used)
        kept = _latest(used, by, links, cells, [role for role in ("time", "response") if role in roles])
    facts = kept.agg(
        n=kept.count(), largest=kept.w_.max(), **{role: kept[role].isnull().sum() for role in links}
    ).to_pyarrow()
    row = {name: facts[name][0].as_py() or 0 for name in facts.column_names}
    return Used(
        kept,
        list(metrics),
        row["n"],
        float(row["largest"]) if "weight" in roles else 0.0,
        {role: row[role] for role in links},
        0 if before is None else before - row["n"],
    )


def _rounded(minutes: Column) -> Column:
    """Durations at three significant digits and no finer than a minute, so that a tally holds few different ones."""
    step = ibis.greatest(10.0 ** (ibis.greatest(minutes, 1.0).log10().floor() - 2), 1.0)
    return (minutes / step).round() * step


def _latest(used: Table, by: Sequence[str], links: Sequence[str], cells: dict[str, Column], order: list[str]) -> Table:
    """The latest answer of each respondent in each period."""
    used = used.select(*by, *links, **{f"{role}_": used[role] for role in order}, **cells)
    # Answers of one moment are in no order: any rule will do, as long as the order of the rows does not decide.
    latest = [ibis.desc(f"{role}_") for role in (*order, "answer", "w")]
    latest += [used[name] for name in (*by, *(link for link in links if link != "respondent"))]
    window = ibis.window(group_by=["respondent", "period_"], order_by=latest)
    ranked = used.mutate(rank_=ibis.row_number().over(window))
    return ranked.filter((ranked.rank_ == 0) | ranked.respondent.isnull()).select(*by, *links, *cells)


# Sums that are the same from run to run -------------------------------------------------------------------------------


def _sum(values: Column, largest: float) -> Column:
    """A sum that does not depend on the order in which threads add: of whole multiples of a power of two.

    Floats do not add so: the same rows would give another last bit, and with it another page, from run to run. The
    terms are cut at 2^-62 of the largest. Without weights they are whole numbers already and `largest` is 0.
    """
    if largest == 0:
        return values.sum().cast("float64")
    unit = 2.0 ** (BITS - math.ceil(math.log2(largest)))
    return (values * unit).round().cast("int64").sum().cast("float64") / unit


def _ordered(table: Table, keys: Sequence[str]) -> pd.DataFrame:
    """The rows of a grouped table, which come in any order, in that of their keys."""
    return collect(table).sort_values(list(keys), ignore_index=True)


def settle(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with floats at 13 significant digits: a cell stays what it was when another one's weights change."""

    def rounded(values: pd.Series) -> pd.Series:
        x = values.to_numpy()
        known = np.isfinite(x) & (x != 0)
        scale = 10.0 ** (SETTLED - 1 - np.floor(np.log10(np.where(known, np.abs(x), 1.0))))
        return pd.Series(np.where(known, np.round(np.where(known, x, 0.0) * scale) / scale, x), index=values.index)

    return frame.assign(**{column: rounded(frame[column]) for column in frame.select_dtypes("float64").columns})


# All levels at once ---------------------------------------------------------------------------------------------------


def _parts(used: Used, levels: Sequence[Level]) -> list[dict[int, Level]]:
    """The levels by number, in groups that one query can take."""
    numbered = dict(enumerate(levels))
    if used.n * len(levels) <= AT_ONCE:
        return [numbered]
    return [{i: level} for i, level in numbered.items()]


def _spread(table: Table, by: Sequence[str], levels: dict[int, Level]) -> Table:
    """A row for each level: `level_` its number, and '' for a dimension that it does not cut by."""
    if len(levels) == 1:
        ((number, level),) = levels.items()
        blank = {name: ibis.literal("") for name in by if name not in level}
        return table.mutate(level_=ibis.literal(number, "int64"), **blank)
    spread = table.mutate(level_=ibis.literal(list(levels), "array<int64>").unnest())
    masked = {
        name: spread.level_.isin([i for i, level in levels.items() if name in level]).ifelse(spread[name], "")
        for name in by
    }
    return spread.mutate(**masked)


def answer_counts(used: Used, by: Sequence[str], levels: Sequence[Level]) -> pd.DataFrame:
    """Answers, weights and squared weights per level, period, cell and answer: n, w, w2."""
    keys, frames = ["level_", "period_", *by, "answer_"], []
    for part in _parts(used, levels):
        cells = _spread(used.table, by, part).group_by(keys)
        sums = {"w": lambda t: _sum(t.w_, used.largest), "w2": lambda t: _sum(t.w_ * t.w_, used.largest**2)}
        frames.append(_ordered(cells.agg(n=lambda t: t.count(), **sums), keys))
    return pd.concat(frames, ignore_index=True)


def linked_sums(
    used: Used,
    by: Sequence[str],
    levels: Sequence[Level],
    link: str,
    stratum: bool,
    pairs: Sequence[tuple[Any, Any]] | None,
    clusters: bool,
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

    Returns:
        Cluster sums: level_, period_, by, stratum, metric, clusters, w, s, ww, sw, ss; over clusters g: their number,
        sum W_g, S_g, W_g^2, S_g W_g and S_g^2. Shared sums: level_, now_, before_, by, metric, shared, ww, sw, ws, ss.
        An answer without a link is a cluster of its own, and shared with nobody.
    """
    sums, shared = [pd.DataFrame()], [pd.DataFrame()]
    for part in _parts(used, levels):
        keys = ["level_", "period_", *by, *(["stratum"] if stratum else [])]
        with stored(_groups(_spread(used.table, by, part), used, keys, link)) as groups:
            largest = _largest(groups, used)
            if clusters:
                sums.append(_cluster_sums(groups, used.scored, keys, largest))
            if pairs:
                shared.append(_shared_sums(groups, used.scored, ["level_", *by], link, pairs, largest))
    return pd.concat(sums, ignore_index=True), pd.concat(shared, ignore_index=True)


def _groups(spread: Table, used: Used, keys: Sequence[str], link: str) -> Table:
    """A row for each cluster of each cell: w_ its weight, s_<metric> its score; answers without one stay apart."""
    scores = {f"s_{metric.name}": _score(spread.answer_, metric) * spread.w_ for metric in used.scored}
    base = spread.select(*keys, link, "w_", **scores)
    top = used.largest * max(1.0, *(_reach(metric) for metric in used.scored))
    totals = {name: (lambda t, name=name: _sum(t[name], top)) for name in ("w_", *scores)}
    known = base.filter(base[link].notnull()) if used.blank[link] else base
    groups = known.group_by([*keys, link]).agg(**totals)
    if not used.blank[link]:
        return groups
    alone = base.filter(base[link].isnull())
    return ibis.union(groups, alone.select(*groups.columns).cast(dict(groups.schema().items())), distinct=False)


def _reach(metric: Metric) -> float:
    return max((abs(value / metric.factor) for value in metric.values.values()), default=1.0)


def _largest(groups: Table, used: Used) -> float:
    """The largest weight or score of a cluster; 0 where sums are of whole numbers anyway."""
    if used.largest == 0:
        return 0.0
    columns = ["w_", *(f"s_{metric.name}" for metric in used.scored)]
    row = groups.agg(**{column: groups[column].abs().max() for column in columns}).to_pyarrow().to_pylist()[0]
    return max((value for value in row.values() if value), default=1.0)


def _cluster_sums(groups: Table, metrics: Sequence[Metric], keys: Sequence[str], largest: float) -> pd.DataFrame:
    sums: dict[str, Any] = {"clusters": lambda t: t.count(), "w": lambda t: _sum(t.w_, largest)}
    sums["ww"] = lambda t: _sum(t.w_ * t.w_, largest**2)
    for metric in metrics:
        s = f"s_{metric.name}"
        sums[f"s_{metric.name}"] = lambda t, s=s: _sum(t[s], largest)
        sums[f"sw_{metric.name}"] = lambda t, s=s: _sum(t[s] * t.w_, largest**2)
        sums[f"ss_{metric.name}"] = lambda t, s=s: _sum(t[s] * t[s], largest**2)
    wide = _ordered(groups.group_by(keys).agg(**sums), keys)
    stratum = wide["stratum"].fillna(BLANK) if "stratum" in keys else pd.Series("", index=wide.index, dtype="str")
    wide = wide.assign(stratum=stratum)
    return _by_metric(wide, metrics, [*(k for k in keys if k != "stratum"), "stratum", "clusters", "w", "ww"],
                      ("s", "sw", "ss"))  # fmt: skip


def _shared_sums(
    groups: Table,
    metrics: Sequence[Metric],
    keys: Sequence[str],
    link: str,
    pairs: Sequence[tuple[Any, Any]],
    largest: float,
) -> pd.DataFrame:
    """Cross-period sums over the members who answered in both periods of a pair, per cell."""
    wanted = ibis.memtable(pa.table({"now_": [now for now, _ in pairs], "before_": [before for _, before in pairs]}))
    now = groups.join(wanted, groups.period_ == wanted.now_).drop("period_")
    before = groups.rename({f"{name}_1": name for name in groups.columns})
    same = [now.before_ == before.period__1, *(now[key] == before[f"{key}_1"] for key in (*keys, link))]
    both = now.join(before, same)
    sums: dict[str, Any] = {"shared": lambda t: t.count(), "ww": lambda t: _sum(t.w_ * t.w__1, largest**2)}
    for metric in metrics:
        s = f"s_{metric.name}"
        sums[f"ss_{metric.name}"] = lambda t, s=s: _sum(t[s] * t[f"{s}_1"], largest**2)
        sums[f"sw_{metric.name}"] = lambda t, s=s: _sum(t[s] * t.w__1, largest**2)
        sums[f"ws_{metric.name}"] = lambda t, s=s: _sum(t.w_ * t[f"{s}_1"], largest**2)
    cells = ["now_", "before_", *keys]
    wide = _ordered(both.group_by(cells).agg(**sums), cells)
    return _by_metric(wide, metrics, [*cells, "shared", "ww"], ("sw", "ws", "ss"))


def _by_metric(wide: pd.DataFrame, metrics: Sequence[Metric], shared: list[str], sums: Sequence[str]) -> pd.DataFrame:
    """A row for each metric: what all metrics of an item share, with its own sums."""
    frames = [
        wide[shared].assign(metric=metric.name, **{name: wide[f"{name}_{metric.name}"] for name in sums})
        for metric in metrics
    ]
    return pd.concat(frames, ignore_index=True)


def people(used: Used, by: Sequence[str], levels: Sequence[Level]) -> pd.DataFrame:
    """How many different people answered, per level, period and cell; an answer without respondent is one."""
    keys, frames = ["level_", "period_", *by], []
    for part in _parts(used, levels):
        cells = _spread(used.table, by, part).group_by(keys)
        counted = cells.agg(people=lambda t: t.respondent.nunique() + t.respondent.isnull().sum())
        frames.append(_ordered(counted, keys))
    return pd.concat(frames, ignore_index=True)


def _score(answer: Column, metric: Metric) -> Column:
    """The metric's value of an answer, in natural units."""
    if all(code == value for code, value in metric.values.items()):
        return answer
    by_value: dict[float, list[float]] = {}
    for code, value in metric.values.items():
        by_value.setdefault(value, []).append(code)
    cases = [(answer.isin(codes), ibis.literal(value / metric.factor)) for value, codes in by_value.items()]
    return ibis.cases(*cases, else_=ibis.null("float64"))
