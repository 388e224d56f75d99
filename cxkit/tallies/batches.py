"""What one grouped query takes at a time: all levels and periods at once, or so many as fit into memory.

A query of all levels repeats each row for every level, with the dimensions that the level does not cut by taken out.
Where the answers are too many, they are counted level by level and some periods at a time: a group of rows lies in one
period, so that nothing but the pairs of periods has to look beyond it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Any

import ibis
import pandas as pd

from cxkit.input.databases import Table, collect
from cxkit.input.periods import Calendar
from cxkit.metrics import Metric

Level = tuple[str, ...]
Pair = tuple[Any, Any]

AT_ONCE = 20_000_000  # rows, counted once for each level, that one query may group: more would not fit into memory


@dataclass(frozen=True, slots=True)
class Used:
    """The used answers of an item.

    Attributes:
        rows: The usable rows that answer the item.
        kept: Rows -> the answers that count: period_, answer_, w_, the dimensions, and the roles respondent, cluster
            and stratum that are mapped. Whatever it does, it does within a period.
        calendar: How time is cut.
        metrics: The metrics that read the item.
        n: How many answers count.
        sizes: Of each period that occurs, in order, how many; not looked up where one query takes all.
        largest: The largest weight; 0 where answers carry none, so that sums are of whole numbers.
        blank: Of each role that links answers, how many have none.
        replaced: How many a later answer of the same respondent replaced.
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
    return inside & reduce(or_, ((rows.time >= first) & (rows.time < end) for first, end in ends))


@dataclass(frozen=True, slots=True)
class Portion:
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


def portions(used: Used, by: Sequence[str], levels: Sequence[Level]) -> list[Portion]:
    """The levels and periods in portions that one query can take."""
    numbered = dict(enumerate(levels))
    if used.n * len(levels) <= AT_ONCE:
        return [Portion(used, numbered, by)]
    spans = list(_spans(used.sizes)) if used.sizes else [None]
    return [Portion(used, {i: level}, by, span) for span in spans for i, level in numbered.items()]


def sized(used: Used) -> Used:
    """With how many answers each period has, where they have to be counted some periods at a time."""
    if used.n <= AT_ONCE:
        return used
    counted = collect(used.answers().group_by("period_").agg(n=lambda t: t.count())).sort_values("period_")
    return replace(used, sizes=dict(zip(counted["period_"], counted["n"].astype(int), strict=True)))


def _spans(sizes: Mapping[Any, int]) -> Iterator[list[Any]]:
    """Successive periods of at most as many answers as one query takes; a larger one is alone."""
    span: list[Any] = []
    for period, n in sizes.items():
        if span and sum(sizes[one] for one in span) + n > AT_ONCE:
            yield span
            span = []
        span.append(period)
    yield span
