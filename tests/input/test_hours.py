"""Durations in business hours: against minutes counted one by one, over nights, weekends, holidays, clock changes."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import cxkit as cx

ZONE = "Europe/Berlin"
HOLIDAYS = ["2026-04-03", "2026-04-06", "2026-05-01", "2026-05-02"]  # the last one is a Saturday
MAPPING: dict[str, Any] = {
    "kind": "transactional",
    "timezone": ZONE,
    "columns": {"response": "id", "time": "opened"},
    "business": {"hours": ["Mon-Fri 08:30-12:00", "Mon-Thu 13:00-17:00", "Sat 10:00-14:00"], "holidays": HOLIDAYS},
    "items": {
        "first_response": {"from": "opened", "to": "reply", "open_until": "2026-06-01", "business": True},
        "full_resolution": {"from": "opened", "to": "reply", "open_until": "2026-06-01"},
        "prompt": {"measure": "within", "within": "4 h", "from": "opened", "to": "reply", "open_until": "2026-06-01",
                   "business": True},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def tickets() -> pd.DataFrame:
    """Two hundred from March to June, some open, in UTC: the clocks change on 29 March."""
    rng = np.random.default_rng(15)
    start = pd.Timestamp("2026-03-16", tz="UTC")
    opened = start + pd.to_timedelta(rng.integers(0, 76 * 1440, 200), unit="min")
    reply = opened + pd.to_timedelta(rng.exponential(4000, 200).round(), unit="min")
    frame = pd.DataFrame({"id": [f"t{i}" for i in range(200)], "opened": opened, "reply": reply})
    exported = pd.Timestamp("2026-06-01", tz=ZONE).tz_convert("UTC")
    return frame[frame["opened"] < exported].assign(reply=lambda t: t["reply"].where(t["reply"] < exported))


@pytest.fixture(scope="module")
def minutes(tickets: pd.DataFrame) -> pd.Series:
    """Of each ticket, open ones to 1 June: the minutes of the real time line that lie in the hours, counted."""
    line = pd.date_range("2026-03-16", "2026-06-02", freq="min", tz="UTC")
    local = line.tz_convert(ZONE)
    clock, day = local.hour * 60 + local.minute, local.day_of_week
    there = (clock >= 510) & (clock < 720) & (day < 5)
    there |= (clock >= 780) & (clock < 1020) & (day < 4)
    there |= (clock >= 600) & (clock < 840) & (day == 5)
    there &= ~local.strftime("%Y-%m-%d").isin(HOLIDAYS)
    seen = pd.Series(np.concatenate([[0], np.cumsum(there)[:-1]]), index=line)
    last = tickets["reply"].fillna(pd.Timestamp("2026-06-01", tz=ZONE).tz_convert("UTC"))
    return pd.Series(seen[last].to_numpy() - seen[tickets["opened"]].to_numpy(), index=tickets["id"])


@pytest.mark.parametrize("place", ["frame", "database"])
def test_business_minutes_are_those_that_are_counted(tickets: pd.DataFrame, minutes: pd.Series, place: str) -> None:
    table = pa.Table.from_pandas(tickets, preserve_index=False)
    source: Any = tickets if place == "frame" else ibis.duckdb.connect().create_table("tickets", table)
    survey = cx.read(source, MAPPING)
    said = survey.table.to_pyarrow().to_pandas().set_index("response")
    assert said["first_response"].to_dict() == pytest.approx(minutes.to_dict())
    assert (minutes == 0).any()  # opened and answered at night
    assert (said["full_resolution"] > said["first_response"]).any()
    ended = tickets.set_index("id")["reply"].notna()
    prompt = said["prompt"].dropna()
    assert prompt.to_dict() == (ended & (minutes <= 240)).astype(float)[prompt.index].to_dict()
    refused = survey.refused.set_index(["item", "reason"])["n"]
    assert refused["prompt", "opened less than 4 h of business hours before 2026-06-01"] == len(said) - len(prompt)
    assert 0 < len(said) - len(prompt) < 10
    assert survey.metrics["first_response"].label == "First response (business hours, 24 to a day)"
    assert survey.metrics["prompt"].label == "Prompt (business hours)"
    assert survey.provenance["business"]["holidays"] == HOLIDAYS


def test_a_clock_that_runs_backwards_at_night_is_refused() -> None:
    rows = pd.DataFrame({"id": ["a"], "opened": ["2026-03-16 23:00"], "reply": ["2026-03-16 22:00"]})
    refused = cx.read(rows, MAPPING).refused
    assert set(refused["reason"]) == {"reply lies before opened"}
    assert refused["n"].sum() == 3


@pytest.mark.parametrize(("change", "words"), [
    ({"business": {"hours": "Mon to Fri"}}, "expected hours such as Mon-Fri 09:00-17:00"),
    ({"business": {"hours": "Fri-Mon 09:00-17:00"}}, "the earlier day and the earlier time first"),
    ({"business": {"hours": "Mon 17:00-09:00"}}, "the earlier day and the earlier time first"),
    ({"business": {"hours": ["Mon-Fri 09:00-17:00", "Tue 12:00-18:00"]}}, "Tue has hours that lie in one another"),
    ({"business": {"hours": "Mon-Fri 09:00-17:00", "holidays": ["25.12.2026"]}}, "expected days such as 2026-12-25"),
    ({"business": None}, "business: says when somebody is there"),
    ({"items": {"csat": {"column": "id", "business": True}}}, "business: is for the time `from` one moment"),
    ({"items": {"soon": {**MAPPING["items"]["prompt"], "within": "1 day"}}}, "of business hours a day is no measure"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(change: dict[str, Any], words: str) -> None:
    rows = pd.DataFrame({"id": ["a"], "opened": ["2026-03-16 23:00"], "reply": ["2026-03-17 22:00"]})
    with pytest.raises(cx.CxError, match=words):
        cx.read(rows, MAPPING | change)
