"""Exports of other shapes: counts instead of rows, several answers to a question, a row for each question.

Every number is held against plain pandas on the same rows, or counted by hand beside it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.input.databases import collect
from cxkit.runs.params import load
from cxkit.runs.prepare import prepare
from cxkit.tallies.audit import audit

QUIET = list(HealthCheck)


def mapping(items: dict[str, Any], columns: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"kind": "transactional", "columns": columns or {}, "items": items, **more}


def estimates(source: Any, mapped: Any, metrics: Sequence[str], by: Sequence[str] = ()) -> pd.DataFrame:
    frame = source.assign(w="all") if isinstance(source, pd.DataFrame) else source
    roles = mapped["columns"]
    mapped = mapped if "time" in roles or "wave" in roles else mapped | {"columns": roles | {"wave": "w"}}
    period: Any = "month" if "time" in roles else "wave"
    return cx.estimate(cx.tally(cx.read(frame, mapped), metrics, by=by, period=period))


NUMBERS = ["n", "n_eff", "value", "low", "high"]


# Counts --------------------------------------------------------------------------------------------------------------

COUNTED = pd.DataFrame({
    "shop": ["A"] * 4 + ["B"] * 4, "score": [10, 8, 3, 99] * 2, "N": ["1,200", "300", "500", "7", "20", "0", "5", "*"],
    "wt": [1.0, 2.0, 0.5, 1.0] * 2, "bus": list("pqrpqrpq"),
})  # fmt: skip


def rows_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The same answers, a row each; what cannot be counted is no row."""
    n = pd.to_numeric(frame["N"].str.replace(",", ""), errors="coerce").fillna(0).astype(int)
    return frame.loc[frame.index.repeat(n)].reset_index(drop=True)


@pytest.mark.parametrize("roles", [{}, {"weight": "wt"}, {"cluster": "bus"}, {"weight": "wt", "cluster": "bus"}])
def test_counted_answers_have_the_intervals_of_as_many_rows(roles: dict[str, str]) -> None:
    items, dimensions = {"nps": {"column": "score", "missing": [99]}}, {"shop": "shop"}
    counted = estimates(COUNTED, mapping(items, roles | {"count": "N"}, dimensions=dimensions), ["nps"], ["shop"])
    single = estimates(rows_of(COUNTED), mapping(items, dict(roles), dimensions=dimensions), ["nps"], ["shop"])
    pd.testing.assert_frame_equal(counted[NUMBERS], single[NUMBERS])
    assert counted["n"].tolist()[:3] == [2025, 2000, 25]
    if not roles:
        assert counted["value"].iloc[1] == pytest.approx(100 * (1200 - 500) / 2000)


def test_what_is_refused_counts_as_often_as_it_stands_for() -> None:
    survey = cx.read(COUNTED.assign(w="a"), mapping({"nps": {"column": "score"}}, {"count": "N", "wave": "w"}))
    assert survey.refused[["item", "reason", "n"]].to_numpy().tolist() == [
        ["row", "no count that is a whole number", 1],
        ["nps", "outside 0-10: 99", 7],
    ]
    found = audit(survey, cx.tally(survey, ["nps"], period="wave"))
    assert found["answers"].loc[0, ["rows", "used", "refused"]].tolist() == [
        2033,
        2025,
        8,
    ]  # with the row that is refused


FFT = "Place,Very good,Good,Poor,Don't know\nWard 1,60,20,20,5\nWard 2,9,0,1,\n"


def fft(path: Path) -> dict[str, Any]:
    path.write_text(FFT, encoding="utf-8")
    counts = {"Very good": 3, "Good": 2, "Poor": 1, "Don't know": None}
    item = {"counts": counts, "measure": "share", "scale": [1, 3], "top": [2, 3], "label": "Good"}
    return mapping({"fft": item}, {"wave": "w"}, dimensions={"place": "Place"})


def test_answers_that_are_counted_in_columns(tmp_path: Path) -> None:
    path = tmp_path / "fft.csv"
    mapped, source = fft(path), {"files": [{"path": str(path), "wave": "a"}]}
    mapped["columns"] = {"wave": "wave"}
    survey = cx.read(source, mapped)
    frame = cx.estimate(cx.tally(survey, ["fft"], by=["place"], period="wave"))
    assert frame["n"].tolist() == [110, 100, 10]
    assert frame["value"].round(6).tolist() == [pytest.approx(100 * 89 / 110), 80.0, 90.0]
    assert survey.refused.to_numpy().tolist() == [
        ["row", "a", "no count that is a whole number", 1],
        ["fft", "a", "declared missing: Don't know", 5],
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": {"count": "N", "respondent": "p"}}, "a row stands for the answers of several people"),
        ({"columns": {"count": "N", "stratum": "s"}}, "it needs `cluster`, too"),
        ({"items": {"nps": {"counts": {"a": 9}}, "csat": "c"}}, "expected all or none"),
        ({"items": {"nps": {"counts": {"a": 9}, "column": "c"}}}, "counts: the answers stand in several columns"),
    ],
)
def test_what_counts_cannot_be_with_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        cx.read(COUNTED, mapping({"nps": "score"}, {}) | changes)


# Several answers ------------------------------------------------------------------------------------------------------

REASONS = pd.DataFrame(
    {"why": ["Price; Service", "Price", "Service;Price, delivery", "", "Nothing", "rude staff", None, "99"]}
)
LISTED = {
    "column": "why",
    "several": ";",
    "options": ["Price", "Service", "Price, delivery", "Nothing"],
    "missing": [99],
}


def test_several_answers_in_a_cell_are_shares_of_those_who_answered() -> None:
    frame = estimates(REASONS, mapping({"reasons": LISTED}), ["reasons"])
    assert frame["metric"].tolist() == ["reasons_price", "reasons_service", "reasons_price_delivery", "reasons_nothing"]
    assert frame["n"].tolist() == [4] * 4
    assert frame["value"].tolist() == [50.0, 50.0, 25.0, 25.0]
    refused = cx.read(REASONS, mapping({"reasons": LISTED})).refused
    assert refused.loc[refused["item"] == "reasons_price", ["reason", "n"]].to_numpy().tolist() == [
        ["empty", 2], ["declared missing: 99", 1], ["not one of the options: rude staff", 1],
    ]  # fmt: skip


def test_an_option_may_hold_the_mark_between_options() -> None:
    frame = pd.DataFrame({"why": ["Price, delivery, Price", "Price", "Price, delivery"]})
    found = estimates(frame, mapping({"reasons": LISTED | {"several": ",", "missing": []}}), ["reasons"])
    by_name = dict(zip(found["metric"], found["value"], strict=True))
    assert by_name["reasons_price"] == pytest.approx(200 / 3)
    assert by_name["reasons_price_delivery"] == pytest.approx(200 / 3)


def test_options_may_be_codes() -> None:
    item = {"column": "why", "several": ",", "options": {1: "Price", 11: "Service"}}
    found = estimates(pd.DataFrame({"why": ["1,11", "11", "1"]}), mapping({"reasons": item}), ["reasons"])
    assert found["value"].round(2).tolist() == [66.67, 66.67]


def test_several_columns_are_shares_of_those_who_ticked_any_or_said_none() -> None:
    frame = pd.DataFrame({"a": ["1", "0", "", "Price", "2"], "b": ["0", "0", "", "", "1"]})
    item = {"several": {"Price": "a", "Service": "b"}}
    found = estimates(frame, mapping({"why": item}), ["why"])
    assert (found["n"].tolist(), found["value"].round(2).tolist()) == ([3, 3], [66.67, 0.0])
    reasons = cx.read(frame, mapping({"why": item})).refused
    assert set(reasons["reason"]) == {"empty", "neither chosen nor not: 2"}
    coded = frame.replace({"Price": "1", "0": "2"})  # SPSS: 1 yes, 2 no
    found = estimates(coded, mapping({"why": item | {"labels": {1: 1, 2: 0}}}), ["why"])
    assert found["n"].tolist() == [4, 4]


def test_what_a_question_with_several_answers_lacks_is_said() -> None:
    for item, words in [
        ({"column": "why", "several": ";"}, "needs `column` and `options`"),
        ({"several": {"A": "a"}, "column": "why"}, "leave `column` and `options` out"),
        (LISTED | {"scale": [0, 1]}, "scale: does not fit a question with several answers"),
        (LISTED | {"options": ["A b", "a-b"]}, "two metrics would be called 'reasons_a_b'"),
    ]:
        with pytest.raises(cx.CxError, match=words):
            cx.read(REASONS, mapping({"reasons": item}))


def test_in_a_run_the_question_stands_for_its_options(tmp_path: Path) -> None:
    rows = pd.DataFrame({"day": "2026-10-05", "why": ["Price; Service", "Price", "Service"] * 20})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    item = "{column: why, several: ;, options: [Price, Service]}".replace(" ;", ' ";"')
    (tmp_path / "run.yaml").write_text(
        f"""name: why
title: Why
source: rows.csv
mapping: {{kind: transactional, columns: {{time: day}}, items: {{reasons: {item}}}}}
metrics: [reasons]
as_of: 2026-11-10
""",
        encoding="utf-8",
    )
    summary = pd.read_parquet(prepare(load(tmp_path / "run.yaml"), tmp_path / "work").summary)
    own = summary[(summary["part"] == "estimate") & (summary["period"] == "2026-10")].set_index("metric")
    assert own["value"].round(1).to_dict() == {"reasons_price": 66.7, "reasons_service": 66.7}


# A row for each question ----------------------------------------------------------------------------------------------

LONG = pd.DataFrame({
    "who": ["1", "1", "2", "2", "3", "3", "3", ""], "q": ["NPS", "SAT", "NPS", "SAT", "NPS", "NPS", "SAT", "NPS"],
    "a": ["9", "5", "3", "1", "9", "8", "5", "9"], "day": ["2026-03-01", "2026-03-02", *["2026-03-05"] * 6],
    "shop": ["A", "A", "B", "C", "B", "B", "B", "A"],
})  # fmt: skip
SHAPE = {"question": "q", "answer": "a", "per": "who"}


def test_a_row_for_each_question_becomes_one_for_each_response() -> None:
    mapped = mapping({"nps": "NPS", "csat": "SAT"}, {"time": "day", "response": "who"}, long=SHAPE)
    survey = cx.read(LONG, mapped | {"dimensions": {"shop": "shop"}})
    assert collect(survey.table)[["response", "nps", "csat", "shop"]].to_numpy().tolist() == [["1", 9.0, 5.0, "A"]]
    assert sorted(survey.refused["reason"]) == ["answers NPS twice", "no who", "rows that differ in shop"]
    plain = cx.read(LONG, mapped)
    frame = collect(plain.table).sort_values("response")
    assert frame[["nps", "csat"]].to_numpy().tolist() == [[9.0, 5.0], [3.0, 1.0]]
    assert str(frame["time"].iloc[0]) == "2026-03-01 00:00:00"  # of its rows the first
    assert audit(plain, cx.tally(plain, ["nps"]))["refused"].set_index("reason")["rows"]["answers NPS twice"] == "5"


def test_a_question_that_nobody_was_asked_is_named() -> None:
    with pytest.raises(cx.CxError, match=r"no row is about the question 'NSP'; .*NPS"):
        cx.read(LONG, mapping({"nps": "NSP"}, {"time": "day"}, long=SHAPE))


def test_several_answers_in_several_rows() -> None:
    frame = pd.DataFrame({"who": [1, 1, 2], "q": "why", "a": ["Price", "Service", "Price"]})
    item = {"column": "why", "several": ";", "options": ["Price", "Service"]}
    survey = cx.read(frame, mapping({"reasons": item}, long=SHAPE))
    assert collect(survey.table)[["reasons_price", "reasons_service"]].mean().tolist() == [1.0, 0.5]


# A moment in two columns ----------------------------------------------------------------------------------------------


def test_a_day_and_a_clock_in_two_columns() -> None:
    frame = pd.DataFrame({
        "d": ["2026-03-01", "2026-03-01 00:00:00", "2026-03-01", "13/03/2026", "2026-03-01", ""],
        "c": ["23:30", "1899-12-30 10:05:00", "9:05 PM", "7:05am", "", "10:00"], "s": 9, "i": [*"abcdef"],
    })  # fmt: skip
    mapped = mapping({"nps": "s"}, {"time": ["d", "c"], "response": "i"}, timezone="Europe/Berlin", recorded_in="UTC")
    survey = cx.read(frame, mapped)
    found = collect(survey.table).set_index("response")["time"].astype(str).to_dict()
    assert found == {
        "a": "2026-03-02 00:30:00", "b": "2026-03-01 11:05:00", "c": "2026-03-01 22:05:00",
        "d": "2026-03-13 08:05:00", "e": "2026-03-01 00:00:00",
    }  # fmt: skip
    assert survey.refused["reason"].tolist() == ["no time"]


# Random exports -------------------------------------------------------------------------------------------------------


def fuzz(seed: int) -> None:
    """Random answers in random shapes: the same numbers as from plain rows, and none lost without a word."""
    rng = random.Random(seed)
    n, options = rng.randint(5, 60), ["Price", "Service", "Price, delivery"]
    picked = [rng.sample(options, rng.randint(0, 3)) for _ in range(n)]
    junk = [rng.choice(["", "", "rude", "Price|Service"]) for _ in range(n)]
    bad = [rng.random() < 0.15 for _ in range(n)]
    cells = [one if odd else "; ".join(some) for odd, one, some in zip(bad, junk, picked, strict=True)]
    counts = [rng.choice([0, 1, 3, "2", "1,000", "*", 1.5]) for _ in range(n)]
    frame = pd.DataFrame({"w": "a", "why": cells, "N": [str(one) for one in counts]})
    item = {"column": "why", "several": ";", "options": options}
    used = np.array([bool(some) and not odd for some, odd in zip(picked, bad, strict=True)])
    times = np.array([{"2": 2, "1,000": 1000, "*": 0, 1.5: 0}.get(one, one) for one in counts])
    for roles, weight in (({}, np.ones(n, int)), ({"count": "N"}, times)):
        survey = cx.read(frame, mapping({"reasons": item}, {"wave": "w", **roles}))
        total = (weight * used).sum()
        found = cx.estimate(cx.tally(survey, ["reasons"], period="wave")) if total else pd.DataFrame({"metric": []})
        for option, row in zip(options, found.itertuples(), strict=False):
            has = np.array([option in some for some in picked])
            assert row.n == total
            assert row.value == pytest.approx(100 * (weight * (used & has)).sum() / total)
        lost = survey.refused.groupby("item")["n"].sum()
        unread = sum(one in ("*", 1.5) for one in counts) if roles else 0
        assert lost.get("row", 0) == unread
        assert total + lost.get("reasons_price", 0) == weight.sum()


@settings(max_examples=8, suppress_health_check=QUIET)
@given(st.integers(0, 10**9))
def test_random_shapes(seed: int) -> None:
    fuzz(seed)


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=QUIET)
@given(st.integers(0, 10**9))
def test_many_random_shapes(seed: int) -> None:
    fuzz(seed)
