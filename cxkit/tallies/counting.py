"""Which answers of an item count, and how often each occurs in each cell: grouped queries that any backend can run.

A query of all levels repeats each row for every level, with the dimensions that the level does not cut by taken out.
Where the answers are too many, they are counted level by level and some periods at a time: a group of rows lies in one
period, so that nothing but the pairs of periods has to look beyond it. `Batch` is what one query takes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import ibis
import pandas as pd
import pyarrow as pa

from cxkit.errors import CxError
from cxkit.input.databases import Column, Table, aggregated, collect, count
from cxkit.input.mapping import Mapping as DataMapping
from cxkit.input.mapping import open_of
from cxkit.input.periods import Calendar
from cxkit.metrics import Metric
from cxkit.schema import ALL
from cxkit.tallies.sums import exact_sum, ordered

Level: TypeAlias = tuple[str, ...]
Pair: TypeAlias = tuple[Any, Any]

CELL = "raked_"  # number of the cell of the raked dimensions that a row is in
SPAN = "span_"  # the period of an answer, where a tally puts several together
COMPANY = 2  # people more than a shown cell needs: of cells up to there it is asked who they are
AT_ONCE = 20_000_000  # rows, counted once for each level, that one query may group: more would not fit into memory


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a tally.

    Attributes:
        by: All dimensions.
        levels: Those that are shown together.
        names: Of each period that occurs, as the queries know it, what it is called.
    """

    by: Sequence[str]
    levels: Sequence[Level]
    names: Mapping[Any, str]

    def placed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Counted cells, level by level: periods by name, `cut`, and no dimension that the level does not cut by."""
        frame = frame.sort_values("level_", kind="stable", ignore_index=True)
        level = frame.pop("level_").astype("int64")
        for time in frame.columns.intersection(["period_", "now_", "before_"]):
            frame[time.removesuffix("_")] = frame.pop(time).map(self.names).astype("str")
        for name in self.by:
            cutting = [i for i, one in enumerate(self.levels) if name in one]
            frame[name] = frame[name].where(level.isin(cutting)).astype("str")
        return frame.assign(cut=level.map(dict(enumerate(map(ALL.join, self.levels)))).astype("str"))

    def counts(self, item: str, raw: pd.DataFrame) -> pd.DataFrame:
        """The counts of an item at each level, added up from the finest level that holds it."""
        finest, sums = finest_of(self.levels), ["n", "open", "w", "w2"]
        raw, parts = raw if "open" in raw.columns else raw.assign(open=0), []
        for number, level in enumerate(self.levels):
            source = next(i for i, other in enumerate(finest) if set(level) <= set(other))
            cells = raw[raw["level_"] == source].groupby(["period_", *level, "answer_"], as_index=False)
            parts.append(cells[sums].sum().assign(level_=number))
        frame = pd.concat(parts).reindex(columns=["level_", "period_", *self.by, "answer_", *sums])
        frame = self.placed(frame.rename(columns={"answer_": "answer"})).assign(item=item)
        frame = frame.astype({"n": "int64", "open": "int64", "w": "float64", "w2": "float64", "answer": "float64"})
        return frame[["item", "period", *self.by, "cut", "answer", *sums]]


def finest_of(levels: Sequence[Level]) -> list[Level]:
    """The levels that no other one holds; the counts of the rest are sums of theirs."""
    return [level for level in levels if not any(set(level) < set(other) for other in levels)]


# Answers that count ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Used:
    """The used answers of an item.

    Attributes:
        rows: The usable rows that answer the item.
        kept: Rows -> the answers that count: period_, answer_, w_, n_ (where a row stands for several), the dimensions,
            and the roles respondent, cluster and stratum that are mapped. Whatever it does, it does within a period.
        calendar: How time is cut.
        metrics: The metrics that read the item.
        n: How many rows count.
        sizes: Of each period that occurs, in order, how many; not looked up where one query takes all.
        largest: The largest weight of a row; 0 where answers carry none, so that sums are of whole numbers.
        blank: Of each role that links answers, how many have none.
        replaced: How many a later answer of the same respondent replaced.
        repeated: Whether respondents are known, and one may have several answers in a period.
        cuts: Of durations, the values in each cell that they are told apart by: level_, period_, <dimensions>.
    """

    rows: Table
    kept: Callable[[Table], Table]
    calendar: Calendar
    metrics: Sequence[Metric]
    n: int
    largest: float
    blank: Mapping[str, int]
    sizes: Mapping[Any, int] = field(default_factory=dict)
    replaced: int = 0
    repeated: bool = False
    cuts: pd.DataFrame | None = None

    def answers(self, wanted: Iterable[Any] | None = None) -> Table:
        """The answers that count, of some periods or of all."""
        return self.kept(
            self.rows if wanted is None else self.rows.filter(within(self.rows, sorted(wanted), self.calendar))
        )

    def each_alone(self, role: str) -> Used:
        """With a role that links no two answers."""
        kept = self.kept
        return replace(
            self,
            kept=lambda rows: kept(rows).mutate(**{role: ibis.null("string")}),
            blank={**self.blank, role: self.n},
        )


def answers(
    table: Table, mapping: DataMapping, item: str, period: str, by: Sequence[str], metrics: Sequence[Metric]
) -> Used:
    """The used answers of an item with their period and weight; of a relationship item the latest per respondent.

    Where a tally puts several periods together it is the latest in each, so that they add up to what each has.
    """
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
    if "count" in roles:
        cells["n_"] = used["count"]
    cells |= {name: used[name] for name in (CELL, SPAN) if name in table.columns}
    if open_of(item) in table.columns:
        cells["open_"] = used[open_of(item)]
    once = mapping.kind_of(item) == "relationship" and "respondent" in roles
    order = [role for role in ("time", "response") if role in roles]

    def kept(rows: Table) -> Table:
        return _latest(rows, by, links, cells, order) if once else rows.select(*by, *links, **cells)

    weighted = "weight" in roles
    repeated = "respondent" in roles and (not once or SPAN in cells)
    found = Used(used, kept, calendar, metrics, 0, 0.0, dict.fromkeys(links, 0), repeated=repeated)
    found = _looked_at(found, weighted)
    if "count" in roles and found.blank.get("cluster"):
        raise CxError(f"columns.cluster: is blank in {found.blank['cluster']:,} rows that stand for several answers")
    return replace(found, replaced=count(used) - found.n) if once else found


def weight_of(table: Table) -> Column:
    """The weight of a row, for all the answers that it stands for."""
    return table.w_ * table.n_ if "n_" in table.columns else table.w_


def less(one: Used, cells: pd.DataFrame) -> Used:
    """The answers of an item without those of some places, each a level of one dimension or several, in every period.

    With a column `SPAN` each goes in one period of those that are put together. They go when it is settled which
    answers count: an earlier one of the same respondent does not take their place.
    """
    gone = ibis.memtable(pa.table({f"{name}_gone": cells[name].to_list() for name in cells.columns}))

    def kept(rows: Table) -> Table:
        table = one.kept(rows)
        return table.anti_join(gone, [table[name] == gone[f"{name}_gone"] for name in cells.columns])

    return _looked_at(replace(one, kept=kept), one.largest > 0)


def _looked_at(used: Used, weighted: bool) -> Used:
    """With how many answers count, their largest weight, how many are linked to no other, and the sizes of periods."""
    kept, links = used.answers(), list(used.blank)
    missing = (kept[role].isnull().sum() for role in links)
    n, *found = aggregated(kept, kept.count(), *missing, *([weight_of(kept).max()] if weighted else []))
    largest = float(found.pop() or 0) if weighted else 0.0
    used = replace(used, n=n, largest=largest, blank={role: n or 0 for role, n in zip(links, found, strict=True)})
    if n <= AT_ONCE:
        return used
    each = collect(kept.group_by("period_").agg(n=kept.count())).sort_values("period_")
    return replace(used, sizes=dict(zip(each["period_"], each["n"].astype(int), strict=True)))


def _rounded(minutes: Column) -> Column:
    """Minutes at three significant digits and no finer than a second, so that a tally holds few different ones."""
    step = 10.0 ** (ibis.greatest(minutes, 100.0).log10().floor() - 2)
    coarse = (minutes >= 100).ifelse(_nearest(minutes / step) * step, _nearest(minutes * 10) / 10)
    return (minutes < 10).ifelse(_nearest(minutes * 60) / 60, coarse)


def _nearest(value: Column) -> Column:
    """The nearest whole number, of two the higher one: databases differ in which they take."""
    return (value + 0.5).floor()


def _latest(
    used: Table, by: Sequence[str], links: Sequence[str], cells: dict[str, Column], order: Sequence[str]
) -> Table:
    """The latest answer of each respondent in each period, also of those that are put together."""
    used = used.select(*by, *links, **{f"{role}_": used[role] for role in order}, **cells)
    # Answers of one moment are in no order: any rule will do, as long as the order of the rows does not decide.
    latest = [ibis.desc(f"{role}_") for role in (*order, "answer", "w")]
    latest += [used[name] for name in (*by, *(link for link in links if link != "respondent"))]
    window = ibis.window(group_by=["respondent", SPAN if SPAN in cells else "period_"], order_by=latest)
    ranked = used.mutate(rank_=ibis.row_number().over(window))
    return ranked.filter((ranked.rank_ == 0) | ranked.respondent.isnull()).select(*by, *links, *cells)


# What one query takes ------------------------------------------------------------------------------------------------


def within(rows: Table, wanted: Sequence[Any], calendar: Calendar) -> Any:
    """Whether a row lies in one of some periods, said of the time itself: a file skips what lies outside.

    Args:
        rows: With the column time or wave.
        wanted: First days of the periods in order, or waves.
        calendar: How time is cut.
    """
    if calendar.period == "wave":
        return rows.wave.isin(wanted)
    ends = [(pd.Timestamp(first), pd.Timestamp(calendar.after(first))) for first in wanted]
    inside = (rows.time >= ends[0][0]) & (rows.time < ends[-1][1])
    if all(before[1] == later[0] for before, later in itertools.pairwise(ends)):
        return inside
    return inside & ibis.or_(*((rows.time >= first) & (rows.time < end) for first, end in ends))


@dataclass(frozen=True, slots=True)
class Batch:
    """Levels and periods that one query counts.

    Attributes:
        used: The answers.
        levels: Number of each level -> its dimensions.
        by: All dimensions.
        periods: Those that are counted; None for all.
    """

    used: Used
    levels: dict[int, Level]
    by: Sequence[str]
    periods: Sequence[Any] | None = None

    @property
    def keys(self) -> list[str]:
        """What tells the cells of a period apart."""
        if len(self.levels) == 1:
            return [name for level in self.levels.values() for name in level]
        return ["level_", *self.by]

    def pairs(self, wanted: Sequence[Pair]) -> list[Pair]:
        """The pairs (now, before) whose later period is counted here."""
        return [pair for pair in wanted if self.periods is None or pair[0] in self.periods]

    def answers(self, pairs: Sequence[Pair] = ()) -> Table:
        """The answers, and those of the earlier periods of pairs; `level_` and '' as in `spread`."""
        if self.periods is None:
            return self.spread(self.used.answers())
        return self.spread(self.used.answers({*self.periods, *(before for _, before in pairs)}))

    def spread(self, table: Table) -> Table:
        """A row for each level: `level_` its number, and '' for a dimension that it does not cut by."""
        if len(self.levels) == 1:
            return table
        spread = table.mutate(level_=ibis.literal(list(self.levels), "array<int64>").unnest())
        kept = {name: [i for i, level in self.levels.items() if name in level] for name in self.by}
        return spread.mutate(**{name: spread.level_.isin(kept[name]).ifelse(spread[name], "") for name in self.by})

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The counted cells with `level_` and every dimension, of one level as of many."""
        if len(self.levels) > 1:
            return frame
        ((number, level),) = self.levels.items()
        return frame.assign(level_=number, **{name: "" for name in self.by if name not in level})


def batches(used: Used, by: Sequence[str], levels: Sequence[Level]) -> list[Batch]:
    """The levels and periods as many at a time as one query can take."""
    numbered = dict(enumerate(levels))
    if used.n * len(levels) <= AT_ONCE:
        return [Batch(used, numbered, by)]
    spans = list(_spans(used.sizes)) if used.sizes else [None]
    return [Batch(used, {i: level}, by, span) for span in spans for i, level in numbered.items()]


def _spans(sizes: Mapping[Any, int]) -> Iterator[list[Any]]:
    """Successive periods of at most as many answers as one query takes; a larger one is alone."""
    span: list[Any] = []
    for period, n in sizes.items():
        if span and sum(sizes[one] for one in span) + n > AT_ONCE:
            yield span
            span = []
        span.append(period)
    yield span


def answer_counts(used: Used, by: Sequence[str], levels: Sequence[Level]) -> pd.DataFrame:
    """Answers, weights and squared weights per level, period, cell and answer: n, w, w2."""
    frames = []
    for batch in batches(used, by, levels):
        table, keys = batch.answers(), ["period_", *batch.keys, "answer_"]
        weight, n = weight_of(table), table.n_.sum().cast("int64") if "n_" in table.columns else table.count()
        sums = {"w": exact_sum(weight, used.largest), "w2": exact_sum(weight * table.w_, used.largest**2)}
        sums |= {"open": table.open_.sum()} if "open_" in table.columns else {}
        frames.append(batch.named(ordered(table.group_by(keys).agg(n=n, **sums), keys)))
    return pd.concat(frames, ignore_index=True)


# What levels share ----------------------------------------------------------------------------------------------------


def joint(used: Mapping[str, Used], grid: Grid, raw: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The combinations of all dimensions that have answers: item, period, <dimensions>.

    Args:
        used: The answers of each item.
        grid: The cells of the tally.
        raw: The counts at the finest levels, by item; of them, where one level cuts by all dimensions.
    """
    by, keys, finest, frames = list(grid.by), ["period_", *grid.by], finest_of(grid.levels), []
    for item, one in used.items():
        known = [number for number, level in enumerate(finest) if set(level) == set(by)]
        parts = [raw[item].loc[raw[item]["level_"] == number, keys] for number in known[:1]]
        if not known:
            parts = [collect(batch.answers().select(*keys).distinct()) for batch in batches(one, by, [tuple(by)])]
        found = pd.concat(parts).drop_duplicates()
        found = found.assign(item=item, period=found["period_"].map(grid.names)).astype(dict.fromkeys(by, "str"))
        frames.append(found[["item", "period", *by]])
    return pd.concat(frames, ignore_index=True)


def members(used: Mapping[str, Used], grid: Grid, sums: pd.DataFrame, most: int) -> pd.DataFrame:
    """Who is in the cells of fewer than `most` people, of items that people answer often.

    Args:
        used: The answers of each item.
        grid: The cells of the tally.
        sums: With `people`, where items are answered often and it is known by whom.
        most: People.

    Returns:
        item, period, <dimensions>, cut, who: a row for each person of a cell, without who for each answer of nobody.
    """
    columns = ["item", "period", *grid.by, "cut", "who"]
    frames = [pd.DataFrame({column: pd.Series(dtype="str") for column in columns})]
    starts = {name: start for start, name in grid.names.items()}
    small = sums[sums["people"] < most] if "people" in sums.columns else sums[:0]
    for item, one in used.items() if len(small) else ():
        own = small[small["metric"].isin([metric.name for metric in one.metrics])]
        for number, level in enumerate(grid.levels):
            cells = own.loc[own["cut"] == ALL.join(level), ["period", *level]].drop_duplicates()
            if len(cells):
                cells = cells.assign(period_=cells.pop("period").map(starts))
                found = _members(one, level, cells).assign(level_=number)
                found = found.reindex(columns=["level_", "period_", *grid.by, "who"])
                frames.append(grid.placed(found).assign(item=item)[columns])
    return pd.concat(frames, ignore_index=True)


def _members(used: Used, level: Level, cells: pd.DataFrame) -> pd.DataFrame:
    wanted = ibis.memtable(pa.table({f"{name}_wanted": cells[name].to_list() for name in cells.columns}))
    table = used.answers(set(cells["period_"]))
    same = [table[key] == wanted[f"{key}_wanted"] for key in ("period_", *level)]
    found = table.join(wanted, same).select("period_", *level, who=table.respondent.cast("string"))
    known = found.filter(found.who.notnull()).distinct()
    return collect(ibis.union(known, found.filter(found.who.isnull()), distinct=False))
