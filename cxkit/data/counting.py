"""The grouped queries behind a tally, as Ibis expressions that any backend can run.

An item is asked three things: how often each answer occurs in each cell; what its clusters sum up to in each cell; and
what the respondents of two periods have in common. The first adds over cells, so it is asked once for the finest level;
the other two do not, so they are asked for every level.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from cxkit.data.mapping import BLANK, Mapping
from cxkit.data.periods import UNITS
from cxkit.data.sources import Table, collect, count
from cxkit.metrics import Metric

Column = Any
DIGITS = 12  # parallel sums of the same numbers differ in the last bits from run to run; the same input must not


def answers(table: Table, mapping: Mapping, item: str, period: str, by: Sequence[str]) -> tuple[Table, int]:
    """The used answers of an item with their period and weight, and how many a later one of the respondent replaced."""
    roles = mapping.columns.named()
    links = [role for role in ("respondent", "cluster", "stratum") if role in roles]
    used = table.filter(table[item].notnull())
    start = used.wave if period == "wave" else used.time.truncate(UNITS[period]).cast("date")
    weight = used.weight if "weight" in roles else ibis.literal(1.0)
    cells = {"period_": start, "answer_": used[item], "w_": weight}
    if mapping.kind_of(item) == "transactional" or "respondent" not in roles:
        return used.select(*by, *links, **cells), 0
    order = [role for role in ("time", "response") if role in roles]
    used = used.select(*by, *links, **{f"{role}_": used[role] for role in order}, **cells)
    latest = [ibis.desc(f"{role}_") for role in (*order, "answer")]
    window = ibis.window(group_by=["respondent", "period_"], order_by=latest)
    ranked = used.mutate(rank_=ibis.row_number().over(window))
    kept = ranked.filter((ranked.rank_ == 0) | ranked.respondent.isnull()).select(*by, *links, *cells)
    return kept, count(used) - count(kept)


def answer_counts(used: Table, level: Sequence[str], group: str | None = None) -> pd.DataFrame:
    """Answers, weights and squared weights per period, cell and answer: n, w, w2."""
    keys = ["period_", *level, "answer_"]
    counted = used.group_by(keys).agg(n=lambda t: t.count(), w=lambda t: t.w_.sum(), w2=lambda t: (t.w_ * t.w_).sum())
    return collect(counted)


def cluster_sums(
    used: Table, level: Sequence[str], metrics: Sequence[Metric], cluster: str, stratum: str | None
) -> pd.DataFrame:
    """Per period, cell and stratum, over clusters g: their number, sum W_g, S_g, W_g^2, S_g W_g and S_g^2.

    An answer without a cluster is a cluster of its own.
    """
    keys = ["period_", *level, *([stratum] if stratum else [])]
    weighted = {f"s_{metric.name}": _score(used.answer_, metric) * used.w_ for metric in metrics}
    base = used.mutate(w_=used.w_, **weighted).select(*keys, cluster, "w_", *weighted)
    totals = {name: (lambda t, name=name: t[name].sum()) for name in ("w_", *weighted)}
    known = base.filter(base[cluster].notnull()).group_by([*keys, cluster]).agg(**totals).drop(cluster)
    alone = base.filter(base[cluster].isnull()).drop(cluster)
    groups = ibis.union(known.cast({"w_": "float64"}), alone.cast({"w_": "float64"}), distinct=False)
    sums: dict[str, Any] = {"clusters": lambda t: t.count(), "w": lambda t: t.w_.sum(), "ww": lambda t: (t.w_**2).sum()}
    for metric in metrics:
        s = f"s_{metric.name}"
        sums[f"s_{metric.name}"] = lambda t, s=s: t[s].sum()
        sums[f"sw_{metric.name}"] = lambda t, s=s: (t[s] * t.w_).sum()
        sums[f"ss_{metric.name}"] = lambda t, s=s: (t[s] * t[s]).sum()
    wide = collect(groups.group_by(keys).agg(**sums))
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
    used: Table, level: Sequence[str], metrics: Sequence[Metric], pairs: Sequence[tuple[Any, Any]]
) -> pd.DataFrame:
    """Cross-period sums over the respondents who answered in both periods of a pair, per cell."""
    if not pairs:
        return pd.DataFrame()
    weighted = {f"s_{metric.name}": _score(used.answer_, metric) * used.w_ for metric in metrics}
    base = used.mutate(**weighted).filter(lambda t: t.respondent.notnull())
    totals = {name: (lambda t, name=name: t[name].sum()) for name in ("w_", *weighted)}
    one = base.group_by(["period_", *level, "respondent"]).agg(**totals)
    wanted = ibis.memtable(pa.table({"now_": [now for now, _ in pairs], "before_": [before for _, before in pairs]}))
    now = one.join(wanted, one.period_ == wanted.now_).drop("period_")
    before = one.rename({f"{name}_1": name for name in one.columns})
    same = [now.before_ == before.period__1, *(now[key] == before[f"{key}_1"] for key in (*level, "respondent"))]
    both = now.join(before, same)
    sums: dict[str, Any] = {"shared": lambda t: t.count(), "ww": lambda t: (t.w_ * t.w__1).sum()}
    for metric in metrics:
        s = f"s_{metric.name}"
        sums[f"ss_{metric.name}"] = lambda t, s=s: (t[s] * t[f"{s}_1"]).sum()
        sums[f"sw_{metric.name}"] = lambda t, s=s: (t[s] * t.w__1).sum()
        sums[f"ws_{metric.name}"] = lambda t, s=s: (t.w_ * t[f"{s}_1"]).sum()
    wide = collect(both.group_by(["now_", "before_", *level]).agg(**sums))
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
    """The frame with floats at 12 significant digits, so that the same input gives the same tally."""
    floats = frame.select_dtypes("float64").columns

    def rounded(values: pd.Series) -> pd.Series:
        x = values.to_numpy()
        size = np.where((x == 0) | ~np.isfinite(x), 1.0, np.abs(x))
        scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(size)))
        return pd.Series(np.where(np.isfinite(x), np.round(x * scale) / scale, x), index=values.index)

    return frame.assign(**{column: rounded(frame[column]) for column in floats})
