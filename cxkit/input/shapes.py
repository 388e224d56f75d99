"""Exports of another shape than a row for each response: made into one, as expressions of the database that holds them.

A moment in two columns, a row for each question, a column for each answer with how often it was given.
"""

from __future__ import annotations

from dataclasses import replace

import ibis

from cxkit.errors import CxError, nearest
from cxkit.input import values
from cxkit.input.databases import Column, Table, collect
from cxkit.input.mapping import Long, Mapping
from cxkit.input.sources import LEFT_OUT, Source

NUMBER = "row_"  # of a row in its source
COUNT = "how often (count)"
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
        held = {*columns.named().values(), *(one.column for one in mapping.dimensions.values())} - {mapping.long.per}
        wanted = {
            column: item.several if isinstance(item.several, str) else None
            for item in mapping.items.values()
            for column in item.columns.values()
        }
        table = wide(table, mapping.long, wanted, held, columns.named().get("time"))
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


def count_of(table: Table, mapping: Mapping) -> Column:
    """How many answers a row stands for, null where that cannot be read: 1,234 is written with or without a mark."""
    raw = table[mapping.columns.count]
    if not raw.type().is_string():
        number = values.number(raw)
    else:
        text = values.text(raw)
        number = text.re_search(r"^\d{1,3}(,\d{3})+$").ifelse(text.replace(",", ""), text).try_cast("float64")
    whole = (number == number.floor()) & (number >= 0) & (number < 2**53)
    return whole.fill_null(False).ifelse(number, ibis.null("float64")).cast("int64")


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
    kept = [*sorted(held | {one.column for one in mapping.dimensions.values()}), NUMBER]
    kept += [LEFT_OUT] if LEFT_OUT in table.columns else []
    parts = []
    for name, counts in counted.items():
        for column, code in counts.items():
            said = {_cell(other): ibis.null("string") for other in counted}
            said[_cell(name)] = ibis.literal(column if code is None else f"{code:g}", "string")
            parts.append(numbered.select(*kept, **said, **{COUNT: values.text(numbered[column])}))
    return ibis.union(*parts, distinct=False) if len(parts) > 1 else parts[0]
