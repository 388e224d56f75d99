"""Exports of another shape than a row for each response: made into one, as expressions of the database that holds them.

A moment in two columns, a row for each question, a column for each answer with how often it was given, customers with
the time from which and until which they were there.
"""

from __future__ import annotations

from dataclasses import replace

import ibis
import pandas as pd

from cxkit.errors import CxError, nearest
from cxkit.input import times, values
from cxkit.input.databases import Column, Table, collect
from cxkit.input.mapping import Long, Mapping
from cxkit.input.sources import LEFT_OUT, Source

NUMBER = "row_"  # of a row in its source
COUNT = "how often (count)"
MONTHLY = MONTH, LOST, TENURE, DAYS, STAY, THERE = (  # that `monthly` makes
    "month.start", "month.lost", "month.tenure", "month.days", "month.stay", "month.there",
)  # fmt: skip
_CLOCK = r"^.*?(\d{1,2}:\d{2}(:\d{2})?)(\.\d+)?( ?([AaPp][Mm]))?$"


def shaped(source: Source, mapping: Mapping) -> tuple[Source, Mapping]:
    """A source with a row for each response (or for several equal ones), and the mapping of it.

    Raises:
        CxError: A question that no row of a long table is about.
    """
    table, columns, items = source.table, mapping.columns, dict(mapping.items)
    if isinstance(columns.time, list):
        joined = " + ".join(columns.time)
        table = table.mutate(**{joined: _joined(*(values.text(table[name]) for name in columns.time))})
        columns = columns.model_copy(update={"time": joined})
    if mapping.long:
        held = {*columns.named().values(), *(one.column for one in mapping.dimensions.values() if one.column)} - {
            mapping.long.per
        }
        wanted = {
            column: item.several if isinstance(item.several, str) else None
            for item in mapping.items.values()
            for column in item.columns.values()
        }
        table = wide(table, mapping.long, wanted, held, columns.named().get("time"))
    if mapping.monthly:
        table, columns = _months(table, mapping), columns.model_copy(update={"time": MONTH})
    if counted := {name: item.counts for name, item in items.items() if item.counts}:
        table = _melted(table, mapping, counted, {*columns.named().values()})
        columns = columns.model_copy(update={"count": COUNT})
        for name, counts in counted.items():
            none = {**items[name].missing_reasons, **{column: "" for column, code in counts.items() if code is None}}
            items[name] = items[name].model_copy(update={"column": _cell(name), "missing": none})
    if columns.count:
        if NUMBER not in table.columns:
            table = table.mutate(**{NUMBER: ibis.row_number()})
        table = table.filter((values.number(table[columns.count]) != 0).fill_null(True))  # nobody said so: no row
    changed = {"columns": columns, "items": items, "long": None}
    return replace(source, table=table), mapping.model_copy(update=changed)


def passed(mapping: Mapping) -> list[str]:
    """The dimensions through whose levels somebody passes from month to month: those that are made of the month."""
    items = {name for name, item in mapping.items.items() if {*item.columns.values()} & {*MONTHLY}}
    return [name for name, one in mapping.dimensions.items() if one.column in MONTHLY or one.item in items]


def _cut_by(mapping: Mapping) -> set[str]:
    return {one.column for one in mapping.dimensions.values() if one.column}


def count_of(table: Table, mapping: Mapping) -> Column:
    """How many answers a row stands for, null where that cannot be read: 1,234 is written with or without a mark."""
    raw = table[mapping.columns.count]
    if not raw.type().is_string():
        number = values.number(raw)
    else:
        text = values.text(raw)
        marked = text.re_search(f"^{values.THOUSANDS}$")
        number = marked.ifelse(text.re_replace(r"\D", ""), text).try_cast("float64")
    whole = (number == number.floor()) & (number >= 0) & (number < 2**53)
    return whole.fill_null(False).ifelse(number, ibis.null("float64")).cast("int64")


def _months(table: Table, mapping: Mapping) -> Table:
    """A row for each whole month at the start of which somebody was there, and whether it was the last one.

    Who joins in a month is not at risk at its start. The row of the first month says how many months somebody was seen
    to stay, and whether they are still there; who joined before months count has none, for the others have gone. Rows
    whose times fit no month of theirs are kept once, to be refused and counted.
    """
    about = mapping.monthly
    assert about is not None
    begun, ended = (times.moment(table[name], mapping) for name in (about.start, about.end))
    gone, month = ~values.is_blank(table[about.end]), ibis.interval(months=1)
    until = ibis.literal(pd.Timestamp(about.until), "timestamp").truncate("M")
    reason = ibis.cases(
        (begun.isnull(), f"no time in {about.start}, or one that cannot be read"),
        (gone & ended.isnull(), f"time in {about.end} that cannot be read"),
        ((gone & (ended < begun)).fill_null(False), f"{about.end} lies before {about.start}"),
        else_=ibis.null("string"),
    )
    first = begun.truncate("M") + month
    if about.since:  # a month that began before is not told whole
        since = pd.Timestamp(about.since)
        first = ibis.greatest(first, ibis.literal(since + pd.offsets.MonthBegin(since.day > 1), "timestamp"))
    last = ibis.least((gone & ended.notnull()).ifelse(ended.truncate("M") + month, until), until)
    nothing = ibis.literal([None], "array<timestamp>")
    starts = reason.isnull().ifelse(ibis.range(first, last, step=month), nothing)
    left = [table[LEFT_OUT]] if LEFT_OUT in table.columns else []
    numbered = table if NUMBER in table.columns else table.mutate(**{NUMBER: ibis.row_number()})
    rows = numbered.mutate(begun_=begun, ended_=ended, **{LEFT_OUT: ibis.coalesce(*left, reason), MONTH: starts})
    rows = rows.unnest(MONTH)
    lost = values.indicator((rows.ended_.truncate("M") == rows[MONTH]).fill_null(False))
    days = (rows[MONTH].epoch_seconds() - rows.begun_.epoch_seconds()) / 86400
    new = rows.begun_.truncate("M") + month == rows[MONTH]
    left = (rows.ended_ < until).fill_null(False)
    rows = rows.mutate(**{
        LOST: lost, TENURE: days / (365.25 / 12), DAYS: days, MONTH: rows[MONTH].date(),
        STAY: new.ifelse(_number(left.ifelse(rows.ended_.truncate("M") + month, until)) - _number(rows[MONTH]),
                         ibis.null("int32")),
        THERE: left.ifelse("no", "yes"),
    })  # fmt: skip
    return rows.drop("begun_", "ended_")


def _number(month: Column) -> Column:
    """Months since the year 0."""
    return month.year() * 12 + month.month()


def _joined(day: Column, clock: Column) -> Column:
    """A day and a clock, each perhaps with an empty other half as spreadsheets write them, as one text."""
    day = day.re_replace(r"[ T]0{1,2}:00(:00(\.0+)?)?$", "")
    found = clock.re_search(_CLOCK).ifelse(clock.re_replace(_CLOCK, r"\1 \5").strip(), clock)
    return clock.isnull().ifelse(day, day + " " + found)


def wide(table: Table, long: Long, wanted: dict[str, str | None], held: set[str], time: str | None) -> Table:
    """A row for each response of a table with one for each question; what a response says twice leaves it out.

    Args:
        table: A row for each question.
        long: Its columns.
        wanted: Question -> the mark between its answers, where it has several; they are the columns that come of it.
        held: Columns that are the same in all rows of a response, and are kept.
        time: That of these which holds a time, of which the first counts.

    Raises:
        CxError: A question that no row is about.
    """
    asked, answer, per = (values.text(table[name]) for name in (long.question, long.answer, long.per))
    known = sorted(set(collect(table.select(asked=asked).distinct())["asked"].dropna()))
    for question in wanted:
        if question not in known:
            raise CxError(f"items: no row is about the question {question!r}; {nearest(question, known)}")
    numbered = table.mutate(**{NUMBER: ibis.row_number()})
    own = numbered.mutate(per_=per, asked_=asked, answer_=answer)
    own = own.mutate(key_=own.per_.fill_null("row " + own[NUMBER].cast("string")))
    cells, twice = dict[str, Column](), dict[str, Column]()
    for question, mark in wanted.items():
        said = (own.asked_ == question).ifelse(own.answer_, ibis.null("string"))
        cells[question] = said.group_concat(sep=mark) if mark else said.max()
        twice |= {} if mark else {f"answers {question} twice": said.min() != said.max()}
    for column in sorted(held):
        raw = values.text(own[column]) if own[column].type().is_string() else own[column]
        other = raw.min() != raw.max()
        if column == time and raw.type().is_string():  # of ISO the first in order is the first in time
            other = other & ~raw.re_search(r"^\d{4}-\d\d-\d\d").all()
        cells[column] = raw.min()
        twice |= {} if column == time and not raw.type().is_string() else {f"rows that differ in {column}": other}
    rules = [(rule.fill_null(False), reason) for reason, rule in twice.items()]
    left = [own[LEFT_OUT].max()] if LEFT_OUT in own.columns else []
    unknown = ibis.cases((own.per_.max().isnull(), f"no {long.per}"), *rules, else_=ibis.null("string"))
    cells |= {long.per: own.per_.max(), NUMBER: own[NUMBER].min(), LEFT_OUT: ibis.coalesce(*left, unknown)}
    return own.group_by("key_").agg(**cells).drop("key_")


def _cell(item: str) -> str:
    return f"{item} (counted)"


def _melted(table: Table, mapping: Mapping, counted: dict[str, dict[str, int | float | None]], held: set[str]) -> Table:
    """A row for each cell of the columns that say how often an answer was given, with the answer and how often."""
    numbered = table if NUMBER in table.columns else table.mutate(**{NUMBER: ibis.row_number()})
    kept = [*sorted(held | _cut_by(mapping)), NUMBER]
    kept += [LEFT_OUT] if LEFT_OUT in table.columns else []
    parts = []
    for name, counts in counted.items():
        for column, code in counts.items():
            said = {_cell(other): ibis.null("string") for other in counted}
            said[_cell(name)] = ibis.literal(column if code is None else f"{code:g}", "string")
            parts.append(numbered.select(*kept, **said, **{COUNT: values.text(numbered[column])}))
    return ibis.union(*parts, distinct=False) if len(parts) > 1 else parts[0]
