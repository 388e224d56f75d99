"""Durations as they are written: clocks, words, plain numbers; two numbers alone only where the mapping says which."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import cxkit as cx
from cxkit.input.databases import collect

WRITTEN = {
    "00:02:23": 2 + 23 / 60, "0:00:00": 0, "1 day, 2:03:04": 1440 + 123 + 4 / 60, "1 days 00:02:00": 1442,
    "30:00:00": 1800, "2h 5m": 125, "2 hours and 5 minutes": 125, "1d 3h": 1620, "45s": 0.75, "1.5 H": 90,
    "PT2H5M": 125, "P1DT1S": 1440 + 1 / 60,
}  # fmt: skip
UNREAD = ["soon", "-00:01:00", "00:61:00", "p", "2h 5", "5m 2h"]


def minutes(texts: list[Any], **item: Any) -> list[float | None]:
    frame = pd.DataFrame({"id": range(len(texts)), "w": "a", "d": texts})
    items = {"wait_time": {"column": "d", **item}}
    survey = cx.read(frame, {"kind": "transactional", "columns": {"wave": "w", "response": "id"}, "items": items})
    found = collect(survey.table).sort_values("response")["wait_time"]
    assert found.isna().sum() == survey.refused["n"].sum()
    return [None if pd.isna(one) else one for one in found]


@pytest.mark.parametrize("unit", ["seconds", "hours", "h:mm", "m:ss"])
def test_a_duration_is_what_it_says_whatever_the_unit_of_plain_numbers(unit: str) -> None:
    assert minutes(list(WRITTEN), unit=unit) == pytest.approx(list(WRITTEN.values()))
    assert minutes(UNREAD, unit=unit) == [None] * len(UNREAD)


def test_plain_numbers_have_the_declared_unit_and_two_numbers_need_one() -> None:
    assert minutes(["90", "2:05"], unit="seconds") == [1.5, None]
    assert minutes(["90", "2:05"]) == [90.0, None]
    assert minutes(["90", "2:05"], unit="h:mm") == [None, 125.0]
    assert minutes(["90", "2:05"], unit="m:ss") == [None, pytest.approx(125 / 60)]
    assert minutes([90.0, 2.5], unit="seconds") == [1.5, pytest.approx(2.5 / 60)]
