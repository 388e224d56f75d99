"""Periods: how time is cut, how a period is written, and which one came before."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

import pandas as pd

from cxkit.errors import CxError

Period = Literal["month", "quarter", "week", "year", "wave"]
UNITS: dict[str, str] = {"month": "M", "quarter": "Q", "week": "W", "year": "Y"}
PATTERNS = {
    "month": re.compile(r"\d{4}-(0[1-9]|1[0-2])"),
    "quarter": re.compile(r"\d{4}-Q[1-4]"),
    "week": re.compile(r"\d{4}-W(0[1-9]|[1-4]\d|5[0-3])"),
    "year": re.compile(r"\d{4}"),
}
EXAMPLES = {"month": "2026-10", "quarter": "2026-Q3", "week": "2026-W41", "year": "2026"}


def label(start: dt.date, period: str) -> str:
    """How the period that starts on a day is written.

    >>> label(dt.date(2026, 7, 1), "quarter"), label(dt.date(2026, 10, 5), "week")
    ('2026-Q3', '2026-W41')
    """
    if period == "month":
        return f"{start:%Y-%m}"
    if period == "quarter":
        return f"{start.year}-Q{(start.month + 2) // 3}"
    if period == "week":
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{start.year}"


def start(text: str, period: str) -> dt.date:
    """The first day of a written period.

    Raises:
        CxError: Text that is not written as such a period is.

    >>> start("2026-W41", "week")
    datetime.date(2026, 10, 5)
    """
    if period not in PATTERNS or not PATTERNS[period].fullmatch(text):
        raise CxError(f"{text!r} is not a {period}; expected for example {EXAMPLES.get(period, 'a wave of the data')}")
    if period == "month":
        return dt.date(int(text[:4]), int(text[5:]), 1)
    if period == "quarter":
        return dt.date(int(text[:4]), 3 * int(text[-1]) - 2, 1)
    if period == "year":
        return dt.date(int(text), 1, 1)
    try:
        return dt.date.fromisocalendar(int(text[:4]), int(text[-2:]), 1)
    except ValueError as error:
        raise CxError(f"{text!r} is not a week: {error}") from error


def after(first: dt.date, period: str) -> dt.date:
    """The first day after the period that starts on a day.

    >>> after(dt.date(2026, 10, 1), "quarter"), after(dt.date(2026, 10, 5), "week")
    (datetime.date(2027, 1, 1), datetime.date(2026, 10, 12))
    """
    return start(shift(label(first, period), period, 1), period)


def shift(text: str, period: str, by: int) -> str:
    """The period that lies `by` periods later (earlier if negative).

    >>> shift("2026-01", "month", -1), shift("2026-Q1", "quarter", -4)
    ('2025-12', '2025-Q1')
    """
    first = start(text, period)
    if period == "week":
        return label(first + dt.timedelta(weeks=by), period)
    months = {"month": 1, "quarter": 3, "year": 12}[period] * by
    return label((pd.Timestamp(first) + pd.DateOffset(months=months)).date(), period)


def year_ago(text: str, period: str) -> str:
    """The same period of the year before; a week 53 is compared with week 52.

    >>> year_ago("2026-10", "month"), year_ago("2026-W53", "week")
    ('2025-10', '2025-W52')
    """
    if period == "week":
        year, week = int(text[:4]) - 1, int(text[-2:])
        return f"{year}-W{min(week, dt.date(year, 12, 28).isocalendar().week):02d}"
    return shift(text, period, -{"month": 12, "quarter": 4, "year": 1}[period])


def span(first: str, last: str, period: str) -> list[str]:
    """Every period from the first to the last, gaps included.

    Raises:
        CxError: A first period that lies after the last.

    >>> span("2025-11", "2026-02", "month")
    ['2025-11', '2025-12', '2026-01', '2026-02']
    """
    if start(first, period) > start(last, period):
        raise CxError(f"{first} lies after {last}; expected the earlier {period} first")
    found = [first]
    while found[-1] != last:
        found.append(shift(found[-1], period, 1))
    return found


def last_complete(as_of: dt.date, period: str) -> str:
    """The latest period that had ended before a day.

    >>> last_complete(dt.date(2026, 11, 1), "month"), last_complete(dt.date(2026, 10, 31), "month")
    ('2026-10', '2026-09')
    """
    if period == "week":
        return shift(label(as_of - dt.timedelta(days=as_of.weekday()), "week"), "week", -1)
    return shift(label(as_of, period), period, -1)


def natural(text: str) -> tuple[object, ...]:
    """Sorting key that puts wave 9 before wave 10.

    >>> sorted(["wave 10", "wave 9"], key=natural)
    ['wave 9', 'wave 10']
    """
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part)
