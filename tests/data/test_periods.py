"""How periods are written, shifted and put in order."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxkit.data import periods
from cxkit.errors import CxError

UNITS = ("month", "quarter", "week", "year")
days = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))


@given(days, st.sampled_from(UNITS))
def test_a_label_says_when_its_period_starts(day, unit) -> None:
    first = periods.start(periods.label(day, unit), unit)
    if unit == "week":
        assert first == day - dt.timedelta(days=day.weekday())
    else:
        assert first == {"month": day.replace(day=1), "year": day.replace(month=1, day=1)}.get(
            unit, day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1)
        )


@given(days, st.sampled_from(UNITS), st.integers(-60, 60))
def test_a_shift_can_be_taken_back(day, unit, by) -> None:
    text = periods.label(day, unit)
    assert periods.shift(periods.shift(text, unit, by), unit, -by) == text
    if by > 0:
        span = periods.span(text, periods.shift(text, unit, by), unit)
        assert len(span) == by + 1
        assert span == sorted(span, key=periods.natural)


@given(days, st.sampled_from(UNITS))
def test_the_last_complete_period_has_ended(day, unit) -> None:
    last = periods.last_complete(day, unit)
    assert periods.start(periods.shift(last, unit, 1), unit) <= day < periods.start(periods.shift(last, unit, 2), unit)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("2026-10", "month", "2025-10"),
        ("2026-Q1", "quarter", "2025-Q1"),
        ("2026", "year", "2025"),
        ("2026-W53", "week", "2025-W52"),
        ("2027-W01", "week", "2026-W01"),
    ],
)
def test_a_year_ago(text, unit, expected) -> None:
    assert periods.year_ago(text, unit) == expected


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("2026-13", "month"),
        ("2026-1", "month"),
        ("2026-Q5", "quarter"),
        ("2025-W53", "week"),
        ("26", "year"),
        ("x", "wave"),
    ],
)
def test_what_is_no_period_is_refused(text, unit) -> None:
    with pytest.raises(CxError, match=f"'{text}' is not a {unit}"):
        periods.start(text, unit)


def test_a_span_that_runs_backwards_is_refused() -> None:
    with pytest.raises(CxError, match="2026-02 lies after 2026-01"):
        periods.span("2026-02", "2026-01", "month")


def test_waves_are_in_natural_order() -> None:
    waves = ["wave 10", "wave 9", "2018", "2017", "spring"]
    assert sorted(waves, key=periods.natural) == ["2017", "2018", "spring", "wave 9", "wave 10"]
