"""Times in several forms: declared, or told apart beyond doubt, or refused in words; never read in two ways."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.input.databases import collect
from cxkit.tallies.audit import audit
from cxkit.tallies.quality import days

MAPPING = {"kind": "transactional", "columns": {"time": "t", "response": "i"}, "items": {"nps": "s"}}


def read(texts: list[Any], **mapping: Any) -> cx.Responses:
    frame = pd.DataFrame({"i": [f"r{i}" for i in range(len(texts))], "t": texts, "s": 9})
    return cx.read(frame, MAPPING | mapping)


def times(texts: list[Any], **mapping: Any) -> list[str | None]:
    survey = read(texts, **mapping)
    frame = collect(survey.table.select("response", "time")).set_index("response")["time"]
    assert len(texts) == len(frame) + survey.refused["n"].sum()  # none is lost without a word
    found = frame.reindex([f"r{i}" for i in range(len(texts))])
    return [None if pd.isna(one) else one.isoformat(timespec="minutes") for one in found]


@pytest.mark.parametrize(
    ("texts", "read_as"),
    [
        (["2026-03-01", "13/04/2026", "05/04/2026 10:05 PM"],
         ["2026-03-01T00:00", "2026-04-13T00:00", "2026-04-05T22:05"]),
        (["04/13/2026", "04/05/2026", "2026-04-06"], ["2026-04-13T00:00", "2026-04-05T00:00", "2026-04-06T00:00"]),
        (["13.04.2026", "05.04.2026", "04/13/2026", "04/05/2026"],
         ["2026-04-13T00:00", "2026-04-05T00:00", "2026-04-13T00:00", "2026-04-05T00:00"]),
        (["2026-03", "March 2026", "3rd March 2026", "Mar 3, 2026 10:05 PM", "2026-074", "20260315"],
         ["2026-03-01T00:00", "2026-03-01T00:00", "2026-03-03T00:00", "2026-03-03T22:05", "2026-03-15T00:00",
          "2026-03-15T00:00"]),
        (["46082", "46082.5", "2026-03-02"], ["2026-03-01T00:00", "2026-03-01T12:00", "2026-03-02T00:00"]),
        (["1774000000", "1774000000000"], ["2026-03-20T09:46", "2026-03-20T09:46"]),  # `date -u -d @1774000000`
        ([1774000000, 1774000060], ["2026-03-20T09:46", "2026-03-20T09:47"]),
        (["13.03.2026 10:00", "2026-03-01 10:00+02:00", "45.03.2026"], ["2026-03-13T10:00", "2026-03-01T08:00", None]),
    ],
)  # fmt: skip
def test_forms_are_told_apart_where_there_is_no_doubt(texts: list[Any], read_as: list[str | None]) -> None:
    survey = read(texts)
    assert times(texts) == read_as
    assert "t" in survey.files[0]["times"]


def test_what_the_forms_were_stands_in_the_audit() -> None:
    survey = read(["2026-03-01", "13/04/2026", "05/04/2026"])
    facts = audit(survey, cx.tally(survey, ["nps"]))["time"]
    assert facts["value"].iloc[0] == "t as ISO (1) and %d/%m/%Y (2)"


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["2026-03-01", "03/04/2026"], "month and day cannot be told apart"),
        (["12/31/2026", "31/12/2026"], "1 have the month first and 1 the day"),
        (["2026-03-01", "12/31/26"], "years of two digits"),
        (["2026-25-02", "2026-03-02"], "fit '%Y-%d-%m' only"),
        ([1, 2], "expected text, dates or times in 't'"),
    ],
)
def test_doubt_is_refused_in_words(texts: list[Any], words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        read(texts)


def test_several_forms_are_declared_and_what_two_of_them_read_differently_is_refused() -> None:
    assert times(["03/04/2026", "13.04.2026"], time_format=["%d/%m/%Y", "%d.%m.%Y"]) == [
        "2026-04-03T00:00", "2026-04-13T00:00",
    ]  # fmt: skip
    both = read(["03/04/2026", "13/04/2026"], time_format=["%d/%m/%Y", "%m/%d/%Y"])
    assert both.refused.to_dict("records") == [
        {"item": "row", "reason": "time that two forms of `time_format` read differently", "n": 1}
    ]
    assert times(["1774000000"], time_format="epoch", timezone="Europe/Berlin") == ["2026-03-20T10:46"]
    assert times([1774000000], time_format=["epoch"]) == ["2026-03-20T09:46"]
    with pytest.raises(cx.CxError, match="'serial' is no form of a time"):
        times(["46082"], time_format="serial")


def test_the_moments_of_a_duration_and_of_the_latest_row_are_told_apart_too() -> None:
    frame = pd.DataFrame({"t": ["2026-03-01"] * 2, "a": ["13/03/2026 10:00", "01/03/2026 10:00"],
                          "b": ["2026-03-13 11:00", "1 Mar 2026 12:00"], "k": ["x", "x"]})  # fmt: skip
    mapping = {"kind": "transactional", "columns": {"time": "t"}, "items": {"wait_time": {"from": "a", "to": "b"}}}
    assert sorted(collect(cx.read(frame, mapping).table)["wait_time"]) == [60.0, 120.0]
    latest = cx.read(frame, mapping | {"latest": {"per": "k", "by": "a"}})
    assert collect(latest.table)["wait_time"].tolist() == [60.0]


def test_months_have_no_days() -> None:
    survey = read(["2026-03", "2026-04"])
    assert [str(day) for day in days(survey)] == ["2026-03-01", "2026-04-30"]  # type: ignore[union-attr]
    facts = audit(survey, cx.tally(survey, ["nps"]))["time"]
    assert "2026-04 is whole" in set(facts["value"])
    with pytest.raises(cx.CxError, match="some times name a month and no day"):
        cx.tally(survey, ["nps"], period="week")


FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M", "%d %B %Y", "%b %d, %Y", "%Y%m%d")
JUNK = ("", "n/a", "soon", "99/99/2026", "2026-13-45")


def fuzz(seed: int) -> None:
    """Random days in random forms among junk are read as what they are, or refused where nothing tells their order."""
    rng = random.Random(seed)
    forms = rng.sample(FORMS, rng.randint(1, 4))
    forms = [form for form in forms if form != FORMS[3] or FORMS[2] not in forms]  # a mark has one order
    texts, truth, latest = [], [], dict[str, int]()
    for _ in range(rng.randint(1, 40)):
        day, form = datetime(2026, 1, 1) + timedelta(days=rng.randrange(365)), rng.choice(forms)
        junk = rng.random() < 0.1
        texts.append(rng.choice(JUNK) if junk else day.strftime(form))
        truth.append(None if junk else day.isoformat(timespec="minutes"))
        if not junk and form[2] in "/.":
            latest[form[2]] = max(latest.get(form[2], 0), day.day)
    if any(day <= 12 for day in latest.values()):
        with pytest.raises(cx.CxError, match="month and day cannot be told apart"):
            times(texts)
        return
    found = times(texts)
    assert {one for one in zip(found, truth, strict=True) if one[0] != one[1]} == set(), texts


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**9))
def test_random_mixtures_are_read_right_or_refused(seed: int) -> None:
    fuzz(seed)


@pytest.mark.slow
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**9))
def test_many_random_mixtures(seed: int) -> None:
    fuzz(seed)
