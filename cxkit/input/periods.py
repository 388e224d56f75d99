"""Periods: how time is cut, how a period is written, and which one came before."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import ibis

from cxkit.errors import CxError
from cxkit.schema import MONTHS

Period = Literal["month", "quarter", "week", "day", "year", "wave"]
UNITS: dict[str, str] = {"month": "M", "quarter": "Q", "week": "W", "day": "D", "year": "Y"}
LONG: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}  # months
EXAMPLES = {"month": "2026-10", "quarter": "2026-Q3", "week": "2026-W41", "day": "2026-10-05", "year": "2026",
            "wave": "a wave of the data"}  # fmt: skip
WRITTEN = {
    "month": r"(\d{4})-(0[1-9]|1[0-2])",
    "quarter": r"(\d{4})-Q([1-4])",
    "week": r"(\d{4})-W(0[1-9]|[1-4]\d|5[0-3])",
    "day": r"(\d{4})-(\d\d)-\d\d",
    "year": r"(\d{4})",
    "fiscal quarter": r"FY(\d{4}) Q([1-4])",
    "fiscal year": r"FY(\d{4})",
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """How time is cut: into months, ISO weeks, or the quarters and years of a calendar that starts in some month.

    Where years do not start in January, quarters and years are fiscal ones and called so, after the calendar year in
    which the fiscal year ends: with years that start in April, FY2026 Q1 is April to June 2025, as in pandas' Q-MAR.

    Attributes:
        period: "month", "quarter", "week", "day" or "year"; "wave" where there is nothing to cut.
        year_starts: The month in which years start; it moves no month and no week.
    """

    period: str
    year_starts: str = "January"

    @property
    def fiscal(self) -> bool:
        """Whether the periods are those of years that do not start in January."""
        return self.period in ("quarter", "year") and self.year_starts != "January"

    @property
    def _starts(self) -> int:
        return MONTHS.index(self.year_starts) + 1

    def cut(self, table: Any) -> Any:
        """Of each row of responses, the first day of its period, or its wave, as a column."""
        if self.period == "wave":
            return table.wave
        late = (self._starts - 1) % LONG[self.period] if self.fiscal else 0  # months after a unit of January's calendar
        if not late:
            return table.time.truncate(UNITS[self.period]).cast("date")
        months = ibis.interval(months=late)
        return ((table.time.truncate("M") - months).truncate(UNITS[self.period]) + months).cast("date")

    def first(self, day: dt.date) -> dt.date:
        """The first day of the period that holds a day.

        >>> Calendar("quarter", "February").first(dt.date(2026, 1, 31))
        datetime.date(2025, 11, 1)
        """
        if self.period == "week":
            return day - dt.timedelta(days=day.weekday())
        if self.period == "day":
            return day
        return _moved(day, -((day.month - (self._starts if self.fiscal else 1)) % LONG[self.period]))

    def label(self, day: dt.date) -> str:
        """How the period that holds a day is written.

        >>> [Calendar(period).label(dt.date(2026, 10, 5)) for period in ("month", "quarter", "week", "day", "year")]
        ['2026-10', '2026-Q4', '2026-W41', '2026-10-05', '2026']
        >>> [Calendar(period, "April").label(dt.date(2025, 4, 1)) for period in ("quarter", "year", "month")]
        ['FY2026 Q1', 'FY2026', '2025-04']
        """
        if self.period in ("month", "day"):
            return day.isoformat()[: 7 if self.period == "month" else None]
        if self.period == "week":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02d}"
        year = day.year + (self.fiscal and day.month >= self._starts)
        quarter = (day.month - (self._starts if self.fiscal else 1)) % 12 // 3 + 1
        name = f"FY{year}" if self.fiscal else f"{year}"
        return name if self.period == "year" else f"{name}{' ' if self.fiscal else '-'}Q{quarter}"

    def start(self, text: str) -> dt.date:
        """The first day of a written period; periods in this order are in the order of time.

        Raises:
            CxError: Text that is not written as such a period is.

        >>> Calendar("week").start("2026-W41"), Calendar("year", "October").start("FY2026")
        (datetime.date(2026, 10, 5), datetime.date(2025, 10, 1))
        """
        kind = f"fiscal {self.period}" if self.fiscal else self.period
        found = re.fullmatch(WRITTEN[kind], text, re.ASCII) if kind in WRITTEN else None
        if found is None:
            example = self.label(dt.date(2026, 7, 1)) if self.fiscal else EXAMPLES[self.period]
            years = f" of years that start in {self.year_starts}" if self.fiscal else ""
            raise CxError(f"{text!r} is not a {self.period}{years}; expected for example {example}")
        year, number = int(found[1]), int(found[2] if found.lastindex == 2 else 1)
        try:
            if self.period == "week":
                return dt.date.fromisocalendar(year, number, 1)
            if self.period == "day":
                return dt.date.fromisoformat(text)
            first = dt.date(year - 1, self._starts, 1) if self.fiscal else dt.date(year, 1, 1)
            return _moved(first, (number - 1) * LONG[self.period])
        except ValueError as error:
            raise CxError(f"{text!r} is not a {self.period}: {error}") from error

    def after(self, first: dt.date) -> dt.date:
        """The first day after the period that starts on a day.

        >>> Calendar("quarter").after(dt.date(2026, 10, 1)), Calendar("week").after(dt.date(2026, 10, 5))
        (datetime.date(2027, 1, 1), datetime.date(2026, 10, 12))
        """
        return self._later(first, 1)

    def _later(self, first: dt.date, by: int) -> dt.date:
        if self.period in ("week", "day"):
            return first + dt.timedelta(days=by * (7 if self.period == "week" else 1))
        return _moved(first, by * LONG[self.period])

    def shift(self, text: str, by: int) -> str:
        """The period that lies `by` periods later (earlier if negative).

        >>> Calendar("month").shift("2026-01", -1), Calendar("quarter", "April").shift("FY2026 Q1", -1)
        ('2025-12', 'FY2025 Q4')
        """
        return self.label(self._later(self.start(text), by))

    def year_ago(self, text: str) -> str:
        """The same period of the year before; a week 53 is compared with week 52, a 29 February with the 28th.

        >>> Calendar("month").year_ago("2026-10"), Calendar("week").year_ago("2026-W53")
        ('2025-10', '2025-W52')
        >>> Calendar("day").year_ago("2024-02-29")
        '2023-02-28'
        """
        if self.period == "week":
            year, week = int(text[:4]) - 1, int(text[-2:])
            return f"{year}-W{min(week, dt.date(year, 12, 28).isocalendar().week):02d}"
        if self.period == "day":
            day = self.start(text)
            return day.replace(year=day.year - 1, day=day.day - ((day.month, day.day) == (2, 29))).isoformat()
        return self.shift(text, -12 // LONG[self.period])

    def span(self, names: Collection[str]) -> list[str]:
        """Every period from the earliest to the latest of some, gaps included, in the order of time.

        >>> Calendar("month").span(["2026-02", "2025-11"])
        ['2025-11', '2025-12', '2026-01', '2026-02']
        """
        found, last = sorted(names, key=self.start)[:1], max(names, key=self.start, default="")
        while found and found[-1] != last:
            found.append(self.shift(found[-1], 1))
        return found

    def last_complete(self, as_of: dt.date) -> str:
        """The latest period that had ended before a day.

        >>> [Calendar("month").last_complete(dt.date(2026, *day)) for day in ((11, 1), (10, 31))]
        ['2026-10', '2026-09']
        """
        return self.label(self.first(as_of) - dt.timedelta(days=1))

    def months(self, text: str) -> str:
        """The months of a fiscal quarter or year in words; blank for a period whose name says when it is.

        >>> Calendar("quarter", "April").months("FY2026 Q1"), Calendar("year", "April").months("FY2026")
        ('April to June 2025', 'April 2025 to March 2026')
        """
        if not self.fiscal:
            return ""
        first = self.start(text)
        last = self.after(first) - dt.timedelta(days=1)
        year = f" {first.year}" if first.year != last.year else ""
        return f"{MONTHS[first.month - 1]}{year} to {MONTHS[last.month - 1]} {last.year}"


def _moved(day: dt.date, months: int) -> dt.date:
    """The first day of the month that lies so many months later."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, 1)


def natural(text: str) -> tuple[object, ...]:
    """Sorting key that puts shop 9 before shop 10.

    >>> sorted(["shop 10", "shop 9"], key=natural)
    ['shop 9', 'shop 10']
    """
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part)
