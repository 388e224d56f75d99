"""How times are written in an export: found by trying every form on every value, never from a few of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Mapping_
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.datatypes as dtypes

from cxkit.errors import CxError
from cxkit.input import values
from cxkit.input.databases import Column, Table, aggregated, collect
from cxkit.input.mapping import EPOCH, ISO, NAMED, SERIAL, Mapping

SINCE, UNTIL = 6e8, 5e9  # seconds since 1970, of 1989 and 2128: other numbers are no times
LOOKED_AT = 500  # values that narrow the forms down before the whole column decides
SHAPES = 400  # ways of writing, digits and letters apart, that are looked at before the whole column decides

_CLOCKS = (" %H:%M:%S", " %I:%M:%S %p", " %H:%M", " %I:%M %p", "")
MONTH_FIRST = tuple(f"%m{mark}%d{mark}%Y{clock}" for mark in "/.-" for clock in _CLOCKS)
DAY_FIRST = tuple(f"%d{mark}%m{mark}%Y{clock}" for mark in "/.-" for clock in _CLOCKS)
YEAR_FIRST = tuple(f"%Y/%m/%d{clock}" for clock in _CLOCKS)
_DAYS = (
    "%d %B %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d/%b/%Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%B %d %Y",
    "%b %d %Y",
    "%d. %B %Y",
    "%Y.%m.%d",
)
MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%m-%Y", "%B %Y", "%b %Y", "%b-%Y", "%Y%m")
PLAIN = (*YEAR_FIRST, *(f"{day}{clock}" for day in _DAYS for clock in _CLOCKS), *MONTHS, "%Y%m%d", "%Y-%j",
         *(f"%Y-%m-%d{clock}" for clock in _CLOCKS if "%p" in clock))  # fmt: skip
"""Forms that say themselves which number is what."""
FORMS = (*PLAIN, *MONTH_FIRST, *DAY_FIRST)
_DIGITS = {"y": r"\d\d", "Y": r"(?:19|20)\d\d", "j": r"\d{3}", "M": r"\d\d", "S": r"\d\d", "p": r"[AaPp]\.? ?[Mm]\.?",
           "b": "[A-Za-z]{3}", "B": "[A-Za-z]{3,9}"}  # fmt: skip
_NOON = r"(?i)([ap])\. ?m\."  # as it is written in Spanish
_ORDINAL = r"(\d)(st|nd|rd|th)\b"
_MARKS = "/.-"
_NAMED = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[A-Za-z]*"
_TWO_DIGITS = rf"^(\d{{1,2}}[/.-]\d{{1,2}}|(\d{{1,2}}[/. -])?{_NAMED})[/. -]\d{{2}}( |$)"


_ZONED, _LOCAL = dtypes.Timestamp(timezone="UTC"), dtypes.Timestamp()
_DAY = r"^\d{4}-\d{1,2}-\d{1,2}"
_CLOCK = r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
_GMT = r"^(\d{4})/(\d\d?)/(\d\d?) (\d\d?:\d\d:\d\d)( [AP]M)? GMT([+-])(\d\d?)(:?(\d\d))?$"  # Forms' own download
_OFFSET = r" ?(Z|z|UTC|[+-]\d{2}(:?\d{2})?)$"


@ibis.udf.scalar.builtin(  # type: ignore[untyped-decorator]
    name="try_strptime", signature=((dtypes.string, dtypes.string), _LOCAL)
)
def _try_strptime(text: Any, form: Any) -> Any:
    """DuckDB's strptime that gives null where the text does not fit; only text from files gets here."""


@ibis.udf.scalar.builtin(  # type: ignore[untyped-decorator]
    name="try_strptime", signature=((dtypes.string, dtypes.string), _ZONED)
)
def _try_strptime_zoned(text: Any, form: Any) -> Any:
    """The same for a form with an offset or a zone, of which it makes an instant."""


@ibis.udf.scalar.builtin(name="timezone", signature=((dtypes.string, _LOCAL), _ZONED))  # type: ignore[untyped-decorator]
def instant(zone: Any, local: Any) -> Any:
    """The instant of a local time in a zone, in DuckDB and PostgreSQL."""


@ibis.udf.scalar.builtin(name="timezone", signature=((dtypes.string, _ZONED), _LOCAL))  # type: ignore[untyped-decorator]
def local_time(zone: Any, moment: Any) -> Any:
    """The local time of an instant in a zone, in DuckDB and PostgreSQL."""


def moment(column: Column, mapping: Mapping) -> Column:
    """Local time in the zone in which periods are cut; times with an offset of their own are converted.

    A day without a clock stays that day in every zone. Whatever is not written in one of these ways is null: a database
    would read `infinity`, and drop the name of a zone.

    Args:
        column: The column of times.
        mapping: With `timezone`, `recorded_in` and `time_format`.

    Raises:
        CxError: A column that holds neither text nor times.
    """
    kind, zone = column.type(), mapping.timezone
    if "TIMESTAMPTZ_NS" in str(kind):  # of nanoseconds, which Ibis does not know
        column, kind = column.cast(_ZONED), _ZONED
    if kind.is_date():
        return column.cast("timestamp")
    if kind.is_timestamp():
        if kind.scale not in (None, 6):  # databases do not mix times of several precisions
            column = column.cast(_ZONED if kind.timezone else _LOCAL)
        return local_time(zone, column) if kind.timezone else _local(column, mapping)
    if not kind.is_string() and not (kind.is_numeric() and mapping.time_format):
        raise CxError(f"columns.time: expected text, dates or times in {column.get_name()!r}, found {kind}")
    return _read(column, mapping)[0]


def _read(column: Column, mapping: Mapping) -> tuple[Column, Column]:
    """Local time of text in the declared forms, and whether two of them read it differently: then it is none."""
    text = values.text(column)
    first, *others = [_written(text, form, mapping) for form in mapping.time_format or (ISO,)]
    found = ibis.coalesce(first, *others) if others else first
    doubt = reduce(or_, (other != found for other in others), ibis.literal(False)).fill_null(False)
    return (doubt.ifelse(ibis.null(_LOCAL), found) if others else found), doubt


def doubtful(column: Column, mapping: Mapping) -> Column:
    """Whether two of the declared forms read a time differently."""
    return _read(column, mapping)[1]


def _iso_moment(text: Column, mapping: Mapping) -> Column:
    zone = mapping.timezone
    offset = text.re_replace(" ?(Z|z|UTC)$", "+00").re_replace(r" ([+-]\d{2}(:?\d{2})?)$", r"\1").try_cast(_ZONED)
    local = text.try_cast("timestamp")
    return ibis.cases(
        (text.re_search(_DAY + _CLOCK + _OFFSET), local_time(zone, offset)),
        (text.re_search(_DAY + _CLOCK + "$"), _local(local, mapping)),
        (text.re_search(_DAY + "$"), local),
        else_=ibis.null(_LOCAL),
    )


def _written(text: Column, form: str, mapping: Mapping) -> Column:
    """Local time of texts in a declared form."""
    if form == ISO:
        return _iso_moment(text, mapping)
    if form in EPOCH:
        return local_time(mapping.timezone, parsed(text, form).cast(_ZONED))
    if "%z" in form or "%Z" in form:
        return local_time(mapping.timezone, _try_strptime_zoned(text, form))
    local = parsed(text, form)
    return _local(local, mapping) if has_clock(form) else local


def _local(moment: Column, mapping: Mapping) -> Column:
    """The local time in the zone of the periods of a time without offset."""
    zone, recorded = mapping.timezone, mapping.recorded_in or mapping.timezone
    return moment if zone == recorded else local_time(zone, instant(recorded, moment))


def has_clock(form: str) -> bool:
    """Whether a form says more than the day.

    >>> has_clock("%d.%m.%Y"), has_clock("%-d.%m.%Y %-H:%M"), has_clock(SERIAL)
    (False, True, True)
    """
    return form in NAMED or any(f"%{mark}" in form.replace("-", "") for mark in "HIcX")


def has_day(form: str) -> bool:
    """Whether a form says more than the month.

    >>> has_day("%Y-%m"), has_day("%d.%m.%Y"), has_day("epoch")
    (False, True, True)
    """
    return form in NAMED or any(f"%{mark}" in form.replace("-", "") for mark in "djxcG")


def parsed(text: Column, form: str) -> Column:
    """The local time that a text column holds, null where a text is not written in this form.

    Args:
        text: Column of trimmed text in the in-process DuckDB.
        form: One of `NAMED` or a strptime pattern.
    """
    if form in EPOCH:
        seconds = text.try_cast("float64") / EPOCH[form]
        known = seconds.between(SINCE, UNTIL)
        whole = (known.ifelse(seconds, 0.0) * 1000).round().cast("int64")
        return known.ifelse(whole.as_timestamp("ms").cast(_LOCAL), ibis.null(_LOCAL))
    if form == ISO:
        return text.try_cast("timestamp")
    if form == SERIAL:
        days = text.try_cast("float64")
        seconds = ((days - 25569) * 86400).round().cast("int64")  # 25569 days lie between 1899-12-30 and 1970-01-01
        return days.between(20_000, 80_000).ifelse(seconds.as_timestamp("s").cast("timestamp"), ibis.null("timestamp"))
    text = text.re_replace(_ORDINAL, r"\1") if "%b" in form.lower() else text
    text = text.re_replace(_NOON, r"\1m") if "%p" in form else text
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
    text = values.text(table[column])
    seen = table.select(text=text).filter(lambda t: t.text.notnull())
    first = seen.limit(LOOKED_AT).to_pyarrow()["text"].to_pylist()
    likely = [form for form in (ISO, SERIAL, *YEAR_FIRST, *MONTH_FIRST, *DAY_FIRST) if first and _fits(first, form)]
    misread = aggregated(seen, *(parsed(seen.text, form).isnull().sum() for form in likely))
    return [form for form, n in zip(likely, misread, strict=True) if n == 0]


def normalised(
    table: Table, columns: Iterable[str], zone: str | None, month_first: bool
) -> tuple[Table, dict[str, str], dict[str, str]]:
    """A table with times of text as ISO, with their offset where a zone is known.

    Args:
        table: Table in the in-process DuckDB.
        columns: Those of times.
        zone: In which they are.
        month_first: Whether the month comes first where the file does not say which of two numbers it is.

    Returns:
        The table; column -> the form in which it was written; column -> why its form is not known and what to declare.
    """
    known: dict[str, str] = {}
    doubts: dict[str, str] = {}
    for column in columns:
        if column not in table.columns or not table[column].type().is_string():
            continue
        text = values.text(table[column])
        filled, fitting = aggregated(table, text.count(), text.re_search(_GMT).sum())
        if filled and filled == fitting:
            table = table.mutate(**{column: _with_offset(text)})
            known[column] = "with an offset from UTC"
            continue
        found = forms(table, column)
        first = [form for form in found if form in MONTH_FIRST]
        found = first[:1] if len(found) > 1 and month_first and first else found
        if len(found) > 1:
            doubts[column] = f"{order(found)}; declare time_format: {' or '.join(map(repr, found))}"
        elif found and (found[0] != ISO or zone):
            known[column] = found[0]
            table = table.mutate(**{column: _iso(text, found[0], zone)})
    return table, known, doubts


def told_apart(table: Table, column: str, mapping: Mapping, zone: str | None = None) -> tuple[Table, dict[str, int]]:
    """A table in which a column of times is written as ISO; the forms it was written in, with how many times.

    Every value has to be readable in one way, given all values: where two numbers can be the month, each mark between
    them has to have one order throughout, and a day above 12 that shows it. What fits nothing stays as it is.

    Args:
        table: Table in the in-process DuckDB.
        column: Its name: of text, or of numbers that stand for times.
        mapping: The mapping.
        zone: In which the times without an offset are, where the file names it.

    Raises:
        CxError: Values that can be read in two ways.
    """
    text = values.text(table[column])
    read = {ISO: _iso_moment(text, mapping)}
    read |= {form: _strictly(text, form) for form in (SERIAL, *EPOCH, *_likely(table, text, FORMS))}
    turned = _strictly(text, "%Y-%d-%m")
    marks = [mark for mark in _MARKS if any(form in MONTH_FIRST and form[2] == mark for form in read)]
    short, other, day_second, *sides = aggregated(
        table,
        text.re_search(_TWO_DIGITS).sum(),
        (text.re_search(_DAY) & turned.isnull()).sum(),
        (turned.notnull() & read[ISO].isnull()).sum(),
        *(column for mark in marks for column in _orders(read, mark)),
    )
    if short:
        likely = _likely(table, text, [form.replace("%Y", "%y") for form in FORMS if "%Y" in form[1:]])
        fits = aggregated(table, *(_strictly(text, form).notnull().sum() for form in likely))
        which = " or ".join(repr(form) for form, n in zip(likely, fits, strict=True) if n == short)
        hint = f"all fit {which}" if which else "such as '%d.%m.%y'"
        raise CxError(f"{short:,} times have years of two digits; declare time_format: {hint}")
    if day_second and not other:
        raise CxError(f"{day_second:,} times fit '%Y-%d-%m' only; declare time_format")
    for mark, month, day, both in zip(marks, sides[::3], sides[1::3], sides[2::3], strict=True):
        first = [form for form in read if form in MONTH_FIRST and form[2] == mark]
        if month and day:
            raise CxError(
                f"of the times with {mark} between their numbers {month:,} have the month first and {day:,} "
                "the day; a column is written in one order: declare it as time_format, or mend the file"
            )
        if both and not month and not day:
            raise CxError(f"{order([*first, ''])}; declare time_format: {first[0]!r} or {_other(first[0])!r}")
        for form in first:
            read.pop(_other(form) if month else form, None)
    counts = aggregated(table, *(one.notnull().sum() for one in read.values()))
    used = {form: n for form, n in zip(read, counts, strict=True) if n}
    written = [_iso(text, form, zone, None if form == ISO else read[form]) for form in used if form != ISO or zone]
    offset = text.re_search(_CLOCK + _OFFSET)
    return table.mutate(**{column: offset.ifelse(text, ibis.coalesce(*written, text))}), used


def _likely(table: Table, text: Column, forms: Sequence[str]) -> list[str]:
    """Those of some patterns of which some value has the shape, by an example of each shape that occurs."""
    shape = text.re_replace(r"\d", "9").re_replace("[A-Za-z]+", "a")
    looked = table.select(text=text, shape=shape)
    examples = looked.group_by("shape").agg(text=looked.text.min()).order_by("shape").limit(SHAPES)
    seen = collect(examples)["text"].dropna()
    return [form for form in forms if any(re.search(_shape(form), one) for one in seen)]


def _strictly(text: Column, form: str) -> Column:
    """As `parsed`, of texts with as many digits as the form has: strptime alone reads 2026-12 as a day of the year."""
    return parsed(text.re_search(_shape(form)).ifelse(text, ibis.null("string")), form)


def _shape(form: str) -> str:
    if form in NAMED:
        return r"^\d+(\.\d+)?$"
    ordinal = "(?:st|nd|rd|th)?" if "%b" in form.lower() else ""
    digits = re.sub(r"%(.)", lambda mark: _DIGITS.get(mark[1], r"\d{1,2}") + ordinal * (mark[1] == "d"),
                    form.replace(".", r"\."))  # fmt: skip
    return f"^{digits}$"


def _orders(read: Mapping_[str, Column], mark: str) -> list[Column]:
    """How many times with a mark can be read with the month first only, with the day first only, and both ways."""
    month, day = (
        reduce(or_, (one.notnull() for form, one in read.items() if form in forms and form[2] == mark))
        for forms in (MONTH_FIRST, DAY_FIRST)
    )  # fmt: skip
    return [(month & ~day).sum(), (day & ~month).sum(), (month & day).sum()]


def _other(form: str) -> str:
    """The same form with day and month in the other order."""
    return DAY_FIRST[MONTH_FIRST.index(form)]


def _iso(text: Column, form: str, zone: str | None, local: Column | None = None) -> Column:
    local = parsed(text, form) if local is None else local
    if form in EPOCH:
        return local.strftime("%Y-%m-%d %H:%M:%S+00")
    if not has_clock(form):
        return local.strftime("%Y-%m-%d")
    if zone is None:
        return local.strftime("%Y-%m-%d %H:%M:%S")
    return instant(zone, local).cast("timestamp").strftime("%Y-%m-%d %H:%M:%S+00")


def _with_offset(text: Column) -> Column:
    """`2020/04/22 3:15:31 PM GMT-4` as `2020-04-22 15:15:31-04`."""
    local = text.re_replace(r" GMT.*$", "")
    clock = ibis.coalesce(parsed(local, "%Y/%m/%d %I:%M:%S %p"), parsed(local, "%Y/%m/%d %H:%M:%S"))
    hours = text.re_extract(_GMT, 7).lpad(2, "0")
    return clock.strftime("%Y-%m-%d %H:%M:%S") + text.re_extract(_GMT, 6) + hours + text.re_extract(_GMT, 8)


def order(found: Sequence[str]) -> str:
    """What some forms leave open, in words; empty where they leave nothing open.

    >>> order(["%m/%d/%Y", "%d/%m/%Y"])
    'month and day cannot be told apart: no day is above 12'
    """
    return "month and day cannot be told apart: no day is above 12" if len(found) > 1 else ""


def _fits(seen: Sequence[str], form: str) -> bool:
    try:
        for value in seen:
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
