"""How answers are split over queries: periods with gaps between them, and batches that fill what one query takes."""

from __future__ import annotations

from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest

import cxkit as cx
from cxkit.tallies import counting
from cxkit.tallies.counting import Used, batches, within

MOMENTS = [
    "2026-07-31 23:59:59", "2026-08-01 00:00:00", "2026-08-31 23:59:59", "2026-09-01 00:00:00", "2026-09-30 23:59:59",
    "2026-10-01 00:00:00", "2026-10-31 23:59:59", "2026-11-01 00:00:00",
]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["2026-08-01"], MOMENTS[1:3]),
        (["2026-08-01", "2026-09-01"], MOMENTS[1:5]),
        (["2026-08-01", "2026-10-01"], [*MOMENTS[1:3], *MOMENTS[5:7]]),  # not what lies between
    ],
)
def test_a_period_begins_with_its_first_moment_and_ends_before_the_next(wanted: list[str], expected: list[str]) -> None:
    mapping = {"kind": "transactional", "columns": {"time": "at"}, "items": {"nps": "nps"}}
    calendar = cx.read(pd.DataFrame({"at": MOMENTS, "nps": 9}), mapping).mapping.calendar("month")
    rows = ibis.memtable(pa.table({"time": pd.to_datetime(pd.Series(MOMENTS)).to_numpy()}))
    found = rows.filter(within(rows, [pd.Timestamp(day).date() for day in wanted], calendar)).to_pyarrow()
    assert sorted(found["time"].to_pylist()) == pd.to_datetime(pd.Series(expected)).tolist()


def used(n: int, sizes: dict[Any, int] | None = None) -> Used:
    nothing: Any = None
    return Used(nothing, nothing, nothing, (), n, 0.0, {}, sizes=sizes or {})


@pytest.mark.parametrize(
    ("n", "sizes", "expected"),
    [
        (50, {}, [(2, None)]),  # 100 rows of two levels are what one query takes
        (51, {}, [(1, None), (1, None)]),
        (100, {}, [(1, None), (1, None)]),
        (301, {"a": 60, "b": 40, "c": 1, "d": 200}, [(1, ["a", "b"])] * 2 + [(1, ["c"])] * 2 + [(1, ["d"])] * 2),
        (102, {"a": 60, "b": 41, "c": 1}, [(1, ["a"])] * 2 + [(1, ["b", "c"])] * 2),
    ],
)
def test_a_query_takes_as_much_as_it_can(n: int, sizes: Any, expected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "AT_ONCE", 100)
    found = batches(used(n, sizes), ["brand"], [(), ("brand",)])
    assert [(len(part.levels), part.periods) for part in found] == expected
    assert {number for part in found for number in part.levels} == {0, 1}
