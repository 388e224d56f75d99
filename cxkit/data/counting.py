"""The grouped queries behind a tally, as Ibis expressions that any backend can run.

An item is asked three things: how often each answer occurs in each cell; what its clusters sum up to in each cell; and
what the respondents of two periods have in common. The first adds over cells, so it is asked once for the finest level;
the other two do not, so they are asked for every level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import numpy as np
import pandas as pd
import pyarrow as pa

from cxkit.data.mapping import BLANK, Mapping
from cxkit.data.periods import UNITS
from cxkit.data.sources import Table, collect, count
from cxkit.metrics import Metric

Column = Any
DIGITS = 37  # of an exact sum; the widest decimal that every backend has holds 38
SETTLED = 13  # digits of a sum that do not depend on how finely its decimals were cut


def answers(table: Table, mapping: Mapping, item: str, period: str, by: Sequence[str]) -> tuple[Table, int]:
    """The used answers of an item with their period and weight, and how many a later one of the respondent replaced."""
    roles = mapping.columns.named()
    links = [role for role in ("respondent", "cluster", "stratum") if role in roles]
    used = table.filter(table[item].notnull())
    start = used.wave if period == "wave" else used.time.truncate(UNITS[period]).cast("date")
    weight = used.weight if "weight" in roles else ibis.literal(1.0)
    clock = any(metric.statistic == "quantile" for metric in mapping.metrics_of(item).values())
    cells = {"period_": start, "answer_": _rounded(used[item]) if clock else used[item], "w_": weight}
    if mapping.kind_of(item) == "transactional" or "respondent" not in roles:
        return used.select(*by, *links, **cells), 0
    order = [role for role in ("time", "response") if role in roles]
    used = used.select(*by, *links, **{f"{role}_": used[role] for role in order}, **cells)
    # Answers of one moment are in no order: any rule will do, as long as the order of the rows does not decide.
    latest = [ibis.desc(f"{role}_") for role in (*order, "answer", "w")]
    latest += [used[name] for name in (*by, *(link for link in links if link != "respondent"))]
    window = ibis.window(group_by=["respondent", "period_"], order_by=latest)
    ranked = used.mutate(rank_=ibis.row_number().over(window))
    kept = ranked.filter((ranked.rank_ == 0) | ranked.respondent.isnull()).select(*by, *links, *cells)
    return kept, count(used) - count(kept)


def _rounded(minutes: Column) -> Column:
    """Durations at three significant digits and no finer than a minute, so that a tally holds few different ones."""
    step = ibis.greatest(10.0 ** (ibis.greatest(minutes, 1.0).log10().floor() - 2), 1.0)
    return (minutes / step).round() * step


def most(used: Table) -> float:
    """A bound of the sum of weights: their number times the largest; 0 where nobody answered."""
    frame = collect(used.agg(n=used.count(), w=used.w_.max()))
    return float(frame["n"].item()) * float(frame["w"].fillna(0.0).item())


def _sum(values: Column, bound: float) -> Column:
    """A sum that does not depend on the order in which threads add: as decimals, which add exactly.

    Floats do not: the same rows would give another last bit, and with it another page, from run to run. Whole numbers
    do, so without weights the bound is 0.
    """
    if bound == 0:
        return values.sum()
    size = 3 * math.ceil(math.log10(max(bound, 1e-30)) / 3)  # in steps of a thousand, so that it seldom changes
    scale = min(DIGITS, max(DIGITS - size, 0))
    return values.cast(dt.Decimal(DIGITS + 1, scale)).sum().cast("float64")


def _ordered(table: Table, keys: Sequence[str]) -> pd.DataFrame:
    """The rows of a grouped table, which come in any order, in that of their keys."""
    return collect(table).sort_values(list(keys), ignore_index=True)


def answer_counts(used: Table, level: Sequence[str], bound: float) -> pd.DataFrame:
    """Answers, weights and squared weights per period, cell and answer: n, w, w2; `bound` is `most` of the weights."""
    keys = ["period_", *level, "answer_"]
    sums = {"w": lambda t: _sum(t.w_, bound), "w2": lambda t: _sum(t.w_ * t.w_, bound**2)}
    return _ordered(used.group_by(keys).agg(n=lambda t: t.count(), **sums), keys)


def _largest(metrics: Sequence[Metric]) -> float:
    return max(1.0, *(abs(value / metric.factor) for metric in metrics for value in metric.values.values()))


def cluster_sums(
    used: Table, level: Sequence[str], metrics: Sequence[Metric], cluster: str, stratum: str | None, bound: float
) -> pd.DataFrame:
    """Per period, cell and stratum, over clusters g: their number, sum W_g, S_g, W_g^2, S_g W_g and S_g^2.

    An answer without a cluster is a cluster of its own.
    """
    keys, bound = ["period_", *level, *([stratum] if stratum else [])], bound * _largest(metrics)
    weighted = {f"s_{metric.name}": _score(used.answer_, metric) * used.w_ for metric in metrics}
    base = used.mutate(w_=used.w_, **weighted).select(*keys, cluster, "w_", *weighted)
    totals = {name: (lambda t, name=name: _sum(t[name], bound)) for name in ("w_", *weighted)}
    known = base.filter(base[cluster].notnull()).group_by([*keys, cluster]).agg(**totals).drop(cluster)
    alone = base.filter(base[cluster].isnull()).drop(cluster)
    groups = ibis.union(known.cast({"w_": "float64"}), alone.cast({"w_": "float64"}), distinct=False)
    sums: dict[str, Any] = {"clusters": lambda t: t.count(), "w": lambda t: _sum(t.w_, bound)}
    sums["ww"] = lambda t: _sum(t.w_ * t.w_, bound**2)
    for metric in metrics:
        s = f"s_{metric.name}"
        sums[f"s_{metric.name}"] = lambda t, s=s: _sum(t[s], bound)
        sums[f"sw_{metric.name}"] = lambda t, s=s: _sum(t[s] * t.w_, bound**2)
        sums[f"ss_{metric.name}"] = lambda t, s=s: _sum(t[s] * t[s], bound**2)
    wide = _ordered(groups.group_by(keys).agg(**sums), keys)
    shared = wide[["period_", *level]].assign(
        stratum=wide[stratum].fillna(BLANK) if stratum else "", clusters=wide["clusters"], w=wide["w"], ww=wide["ww"]
    )
    return pd.concat([_of_metric(shared, wide, metric, ("s", "sw", "ss")) for metric in metrics], ignore_index=True)


def _of_metric(shared: pd.DataFrame, wide: pd.DataFrame, metric: Metric, sums: Sequence[str]) -> pd.DataFrame:
    """What all metrics of an item share, with one metric's own sums."""
    return shared.assign(metric=metric.name, **{name: wide[f"{name}_{metric.name}"] for name in sums})


def people(used: Table, level: Sequence[str]) -> pd.DataFrame:
    """How many different people answered, per period and cell; an answer without respondent is one."""
    counted = used.group_by(["period_", *level]).agg(
        people=lambda t: t.respondent.nunique() + t.respondent.isnull().sum()
    )
    return collect(counted)


def shared_sums(
    used: Table, level: Sequence[str], metrics: Sequence[Metric], pairs: Sequence[tuple[Any, Any]], bound: float
) -> pd.DataFrame:
    """Cross-period sums over the respondents who answered in both periods of a pair, per cell."""
    bound *= _largest(metrics)
    weighted = {f"s_{metric.name}": _score(used.answer_, metric) * used.w_ for metric in metrics}
    base = used.mutate(**weighted).filter(lambda t: t.respondent.notnull())
    totals = {name: (lambda t, name=name: _sum(t[name], bound)) for name in ("w_", *weighted)}
    one = base.group_by(["period_", *level, "respondent"]).agg(**totals)
    wanted = ibis.memtable(pa.table({"now_": [now for now, _ in pairs], "before_": [before for _, before in pairs]}))
    now = one.join(wanted, one.period_ == wanted.now_).drop("period_")
    before = one.rename({f"{name}_1": name for name in one.columns})
    same = [now.before_ == before.period__1, *(now[key] == before[f"{key}_1"] for key in (*level, "respondent"))]
    both = now.join(before, same)
    sums: dict[str, Any] = {"shared": lambda t: t.count(), "ww": lambda t: _sum(t.w_ * t.w__1, bound**2)}
    for metric in metrics:
        s = f"s_{metric.name}"
        sums[f"ss_{metric.name}"] = lambda t, s=s: _sum(t[s] * t[f"{s}_1"], bound**2)
        sums[f"sw_{metric.name}"] = lambda t, s=s: _sum(t[s] * t.w__1, bound**2)
        sums[f"ws_{metric.name}"] = lambda t, s=s: _sum(t.w_ * t[f"{s}_1"], bound**2)
    keys = ["now_", "before_", *level]
    wide = _ordered(both.group_by(keys).agg(**sums), keys)
    shared = wide[["now_", "before_", *level, "shared", "ww"]]
    return pd.concat([_of_metric(shared, wide, metric, ("sw", "ws", "ss")) for metric in metrics], ignore_index=True)


def _score(answer: Column, metric: Metric) -> Column:
    """The metric's value of an answer, in natural units."""
    if all(code == value for code, value in metric.values.items()):
        return answer
    by_value: dict[float, list[float]] = {}
    for code, value in metric.values.items():
        by_value.setdefault(value, []).append(code)
    cases = [(answer.isin(codes), ibis.literal(value / metric.factor)) for value, codes in by_value.items()]
    return ibis.cases(*cases, else_=ibis.null("float64"))


def settle(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with floats at 13 significant digits: a cell stays what it was when another one's weights change."""

    def rounded(values: pd.Series) -> pd.Series:
        x = values.to_numpy()
        known = np.isfinite(x) & (x != 0)
        scale = 10.0 ** (SETTLED - 1 - np.floor(np.log10(np.where(known, np.abs(x), 1.0))))
        return pd.Series(np.where(known, np.round(np.where(known, x, 0.0) * scale) / scale, x), index=values.index)

    return frame.assign(**{column: rounded(frame[column]) for column in frame.select_dtypes("float64").columns})
