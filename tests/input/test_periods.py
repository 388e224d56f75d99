"""How periods are written, shifted and put in order."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import CxError
from cxkit.input.periods import MONTHS, UNITS, Calendar, natural

days = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))
calendars = st.builds(Calendar, st.sampled_from(list(UNITS)), st.sampled_from(MONTHS))


def by_pandas(day: dt.date, calendar: Calendar) -> pd.Period:
    """The period that holds a day, as pandas has it: Q-MAR and Y-MAR are of years that end in March."""
    last = MONTHS[MONTHS.index(calendar.year_starts) - 1][:3].upper()
    frequency = {"month": "M", "week": "W-SUN", "day": "D", "quarter": f"Q-{last}", "year": f"Y-{last}"}[
        calendar.period
    ]
    return pd.Timestamp(day).to_period(frequency)


@given(days, calendars)
def test_periods_are_those_of_pandas(day, calendar) -> None:
    label, theirs = calendar.label(day), by_pandas(day, calendar)
    assert calendar.first(day) == calendar.start(label) == theirs.start_time.date()
    assert calendar.after(calendar.first(day)) == (theirs + 1).start_time.date()
    if calendar.fiscal:
        name = f"FY{theirs.qyear} Q{theirs.quarter}" if calendar.period == "quarter" else f"FY{theirs.year}"
        assert label == name
    elif calendar.period != "week":
        written = {"month": "%Y-%m", "quarter": "%Y-Q%q", "year": "%Y", "day": "%Y-%m-%d"}
        assert label == theirs.strftime(written[calendar.period])


@given(days, calendars, st.integers(-60, 60))
def test_a_shift_can_be_taken_back_and_is_in_the_order_of_time(day, calendar, by) -> None:
    text = calendar.label(day)
    later = calendar.shift(text, by)
    assert calendar.shift(later, -by) == text
    span = calendar.span({text, later})
    assert (len(span), span[0]) == (abs(by) + 1, min(text, later, key=calendar.start))
    assert span == sorted(span, key=calendar.start)


@given(days, calendars)
def test_the_last_complete_period_has_ended(day, calendar) -> None:
    last = calendar.last_complete(day)
    assert calendar.start(calendar.shift(last, 1)) <= day < calendar.start(calendar.shift(last, 2))


@pytest.mark.parametrize(
    ("text", "calendar", "expected"),
    [
        ("2026-10", Calendar("month", "April"), "2025-10"),
        ("2026-Q1", Calendar("quarter"), "2025-Q1"),
        ("FY2026 Q1", Calendar("quarter", "July"), "FY2025 Q1"),
        ("2026", Calendar("year"), "2025"),
        ("FY2026", Calendar("year", "October"), "FY2025"),
        ("2026-W53", Calendar("week"), "2025-W52"),
        ("2027-W01", Calendar("week", "April"), "2026-W01"),
    ],
)
def test_a_year_ago(text, calendar, expected) -> None:
    assert calendar.year_ago(text) == expected


@pytest.mark.parametrize(
    ("text", "calendar", "words"),
    [
        ("2026-13", Calendar("month"), "is not a month; expected for example 2026-10"),
        ("2026-1", Calendar("month"), "is not a month"),
        ("2026-Q5", Calendar("quarter"), "is not a quarter"),
        ("2025-W53", Calendar("week"), "is not a week"),
        ("26", Calendar("year"), "is not a year"),
        ("x", Calendar("wave"), "is not a wave"),
        ("0000", Calendar("year"), "is not a year"),
        ("FY2026 Q1", Calendar("quarter"), "is not a quarter; expected for example 2026-Q3"),
        ("2026-Q1", Calendar("quarter", "April"),
         "is not a quarter of years that start in April; expected for example FY2027 Q2"),
        ("FY2026 Q5", Calendar("quarter", "April"), "is not a quarter of years that start in April"),
        ("2026", Calendar("year", "April"), "is not a year of years that start in April; expected for example FY2027"),
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused(text, calendar, words) -> None:
    with pytest.raises(CxError, match=f"'{text}' {words}"):
        calendar.start(text)


def test_levels_are_in_natural_order() -> None:
    shops = ["shop 10", "shop 9", "2018", "2017", "spring"]
    assert sorted(shops, key=natural) == ["2017", "2018", "shop 9", "shop 10", "spring"]


# Fiscal calendars on data ---------------------------------------------------------------------------------------------


def fiscal(starts: str, **mapping):
    """A 9 on every first, fifteenth and last day of a month of 2024 to 2026, a promoter a day."""
    months = pd.date_range("2024-01-01", "2026-12-01", freq="MS")
    dates = [*months, *(months + pd.Timedelta(days=14)), *(months + pd.offsets.MonthEnd(1))]
    frame = pd.DataFrame({"day": [f"{day:%Y-%m-%d}" for day in dates], "brand": "A", "nps": 9})
    given = {"kind": "transactional", "year_starts": starts, "columns": {"time": "day"}, "items": {"nps": "nps"},
             "dimensions": {"brand": "brand"}}  # fmt: skip
    return cx.read(frame, given | mapping), pd.to_datetime(frame["day"]).dt.date


@pytest.mark.parametrize("starts", ["January", "February", "April", "July", "October", "December"])
@pytest.mark.parametrize("period", ["quarter", "year", "month", "week"])
def test_answers_are_counted_in_the_periods_of_pandas(starts, period) -> None:
    survey, dates = fiscal(starts)
    calendar = Calendar(period, starts)
    expected = pd.Series([by_pandas(day, calendar).start_time.date() for day in dates]).value_counts()
    tallies = cx.tally(survey, ["nps"], period=period, pairs=["previous", "year_ago"])
    counts = tallies.counts[tallies.counts["cut"] == ""].set_index("period")["n"]
    assert {calendar.start(label): n for label, n in counts.items()} == expected.to_dict()
    assert [calendar.start(label) for label in tallies.periods] == sorted(map(calendar.start, tallies.periods))
    assert (tallies.periods[-1], calendar.year_ago(tallies.periods[-1])) in tallies.compared


def test_fiscal_quarters_end_where_they_are_told_and_add_up_from_day_to_day() -> None:
    survey, _ = fiscal("April")
    until = cx.tally(survey, ["nps"], period="quarter", until="FY2026 Q4")
    assert (until.periods[0], until.periods[-1]) == ("FY2024 Q4", "FY2026 Q4")
    pair = cx.tally(survey, ["nps"], period="quarter", pairs=[("FY2026 Q1", "FY2025 Q1")])
    assert cx.compare(pair, "FY2026 Q1", "FY2025 Q1")["n"].tolist() == [9]
    with pytest.raises(CxError, match="'2026-Q1' is not a quarter of years that start in April"):
        cx.tally(survey, ["nps"], period="quarter", pairs=[("2026-Q1", "2025-Q1")])
    both = cx.add(until, until)
    assert both.periods == until.periods
    with pytest.raises(CxError, match="different year_starts"):
        cx.add(until, cx.tally(fiscal("July")[0], ["nps"], period="quarter"))
    assert cx.provenance(until)["period"] == "quarter, cut in UTC, years start in April"


def test_the_start_of_years_is_a_month_and_says_how_times_are_cut() -> None:
    with pytest.raises(CxError, match="year_starts: expected 'January'"):
        fiscal("Apirl")
    with pytest.raises(CxError, match="year_starts: says how times are cut, and the answers are in waves"):
        fiscal("April", columns={"wave": "day"})
