"""How times are written in an export: found by trying every form on every value, never from a few of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import ibis

Column = Any  # ibis.expr.types.Column
Table = Any

ISO = "ISO"
SERIAL = "days since 1899-12-30"  # what a spreadsheet writes when a cell of dates loses its format
LOOKED_AT = 500  # values that narrow the forms down before the whole column decides

_CLOCKS = (" %H:%M:%S", " %I:%M:%S %p", " %H:%M", " %I:%M %p", "")
MONTH_FIRST = tuple(f"%m{mark}%d{mark}%Y{clock}" for mark in "/.-" for clock in _CLOCKS)
DAY_FIRST = tuple(f"%d{mark}%m{mark}%Y{clock}" for mark in "/.-" for clock in _CLOCKS)
YEAR_FIRST = tuple(f"%Y/%m/%d{clock}" for clock in _CLOCKS)


@ibis.udf.scalar.builtin(  # type: ignore[untyped-decorator]
    name="try_strptime", signature=((ibis.dtype("string"), ibis.dtype("string")), ibis.dtype("timestamp"))
)
def _try_strptime(text: Any, form: Any) -> Any:
    """DuckDB's strptime that gives null where the text does not fit; only text from files gets here."""


@ibis.udf.scalar.builtin(  # type: ignore[untyped-decorator]
    name="timezone", signature=((ibis.dtype("string"), ibis.dtype("timestamp")), ibis.dtype("timestamp('UTC')"))
)
def instant(zone: Any, local: Any) -> Any:
    """The instant of a local time in a zone, in DuckDB and PostgreSQL."""


def parsed(text: Column, form: str) -> Column:
    """The local time that a text column holds, null where a text is not written in this form.

    Args:
        text: Column of trimmed text in the in-process DuckDB.
        form: `ISO`, `SERIAL` or a strptime pattern.
    """
    if form == ISO:
        return text.try_cast("timestamp")
    if form == SERIAL:
        days = text.try_cast("float64")
        seconds = ((days - 25569) * 86400).round().cast("int64")  # 25569 days lie between 1899-12-30 and 1970-01-01
        return days.between(20_000, 80_000).ifelse(seconds.as_timestamp("s").cast("timestamp"), ibis.null("timestamp"))
    moment = _try_strptime(text, form)
    return (moment.year() > 1000).ifelse(moment, ibis.null("timestamp"))  # %Y reads 20 as the year 20


def forms(table: Table, column: str) -> list[str]:
    """The forms in which every value of a text column can be read; none for an empty column.

    Two forms are left where no day is above 12: the file then does not say which of two numbers is the month.

    Args:
        table: Table in the in-process DuckDB.
        column: Name of a text column.

    >>> import pyarrow as pa
    >>> table = ibis.memtable(pa.table({"t": ["06/08/2020 10:36:30 AM", "06/19/2020 07:24:48 PM"]}))
    >>> forms(table, "t")
    ['%m/%d/%Y %I:%M:%S %p']
    """
    text = table[column].strip().nullif("")
    seen = table.select(text=text).filter(lambda t: t.text.notnull())
    first = seen.limit(LOOKED_AT).to_pyarrow()["text"].to_pylist()
    likely = [form for form in (ISO, SERIAL, *YEAR_FIRST, *MONTH_FIRST, *DAY_FIRST) if first and _fits(first, form)]
    if not likely:
        return []
    misread = seen.agg(**{f"f{i}": parsed(seen.text, form).isnull().sum() for i, form in enumerate(likely)})
    row = misread.to_pyarrow().to_pylist()[0]
    return [form for i, form in enumerate(likely) if row[f"f{i}"] == 0]


def order(found: Sequence[str]) -> str:
    """What some forms leave open, in words; empty where they leave nothing open.

    >>> order(["%m/%d/%Y", "%d/%m/%Y"])
    'month and day cannot be told apart: no day is above 12'
    """
    return "month and day cannot be told apart: no day is above 12" if len(found) > 1 else ""


def _fits(values: Sequence[str], form: str) -> bool:
    try:
        for value in values:
            _python(value, form)
    except (ValueError, OverflowError):
        return False
    return True


def _python(value: str, form: str) -> None:
    if form == ISO:
        dt.datetime.fromisoformat(value)
        if value.isdigit():
            raise ValueError("20200608 is a number before it is a date")
    elif form == SERIAL:
        if not 20_000 <= float(value) <= 80_000:
            raise ValueError("outside the years 1954 to 2119")
    else:
        dt.datetime.strptime(value, form)
