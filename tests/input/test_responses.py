"""Rows and answers: what is used, and why the rest is not."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import CxError
from cxkit.input.databases import collect


def read(frame: dict[str, Any], columns: dict[str, str] | None = None, **mapping: Any) -> cx.Responses:
    return cx.read(
        pd.DataFrame(frame), {"kind": "transactional", "items": {"nps": "nps"}, "columns": columns or {}} | mapping
    )


def answers(survey: cx.Responses, item: str = "nps") -> list[float | None]:
    values = collect(survey.table)[item].astype(object)
    return values.where(values.notna(), None).tolist()


def reasons(survey: cx.Responses) -> dict[str, int]:
    return dict(zip(survey.refused["reason"], survey.refused["n"], strict=True))


def item(**declared: Any) -> dict[str, Any]:
    return {"items": {"nps": {"column": "nps", **declared}}}


# Answers --------------------------------------------------------------------------------------------------------------

WRITTEN = ["9.0", " 9 ", "1e1", "0", "7.5", "9,0", "1_0", "0x9", "nan", "inf", "-1", "11", "", " ", None, "10 - Yes"]


def test_an_answer_is_read_as_it_is_written_or_refused() -> None:
    survey = read({"nps": WRITTEN})
    assert answers(survey) == [9, 9, 10, 0] + [None] * 12
    assert reasons(survey) == {
        "empty": 3,
        "outside 0-10: -1": 1,
        "outside 0-10: 11": 1,
        "outside 0-10: inf": 1,
        "not a whole number: 7.5": 1,
        **{f"not a number or known label: {text}": 1 for text in ("9,0", "1_0", "0x9", "nan", "10 - Yes")},
    }


def test_every_answer_is_used_or_counted() -> None:
    survey = read({"nps": WRITTEN * 3})
    assert sum(a is not None for a in answers(survey)) + survey.refused["n"].sum() == 3 * len(WRITTEN)


@pytest.mark.parametrize("code", [11, "11", 11.0])
def test_a_declared_code_is_missing_however_it_is_written(code) -> None:
    for column in (["9", "11", "11.0", " 11 "], [9, 11, 11, 11], [9.0, 11.0, 11.0, 11.0]):
        survey = read({"nps": column}, **item(missing={code: "blank"}))
        assert answers(survey) == [9, None, None, None]
        assert reasons(survey) == {f"declared missing: {code} (blank)": 3}


def test_missing_codes_can_be_words_or_a_list() -> None:
    survey = read({"nps": ["9", "BLANK", "98", "99"]}, **item(missing=["BLANK", 98, 99]))
    assert answers(survey) == [9, None, None, None]
    assert reasons(survey) == {"declared missing: 98": 1, "declared missing: 99": 1, "declared missing: BLANK": 1}


def test_an_undeclared_11_is_no_promoter() -> None:
    survey = read({"nps": ["11"] * 40 + ["9"] * 2})
    assert cx.nps([a for a in answers(survey) if a is not None]).n == 2
    assert reasons(survey) == {"outside 0-10: 11": 40}


def test_labels_are_translated_and_others_refused() -> None:
    labels = {"10 - Extremely likely": 10, "0 – Not at all": 0, "nine": 9}
    survey = read({"nps": ["10 - Extremely likely", " nine ", "0 – Not at all", "Nine", "5"]}, **item(labels=labels))
    assert answers(survey) == [10, 9, 0, None, 5]
    assert reasons(survey) == {"not a number or known label: Nine": 1}


def test_a_label_that_leaves_the_scale_is_refused() -> None:
    survey = read({"nps": ["best", "9"]}, **item(labels={"best": 12}))
    assert answers(survey) == [None, 9]
    assert reasons(survey) == {"outside 0-10: best": 1}


def test_scales_are_turned_round_and_replaced() -> None:
    items = {
        "csat": {"column": "csat", "reversed": True},
        "ces": {"column": "ces", "scale": [1, 5], "better": "lower"},
    }
    survey = read({"csat": [1, 2, 5, 6], "ces": [1, 5, 6, 7]}, items=items)
    assert answers(survey, "csat") == [5, 4, 1, None]
    assert answers(survey, "ces") == [1, 5, None, None]
    assert list(survey.metrics) == ["csat", "csat_mean", "ces"]


def test_durations_may_have_decimals_and_no_negative_ones() -> None:
    survey = read({"t": ["1.5", "0", "-3", "2000000"]}, items={"wait_time": "t"})
    assert answers(survey, "wait_time") == [1.5, 0, None, 2_000_000]
    assert reasons(survey) == {"negative: -3": 1}


def test_rare_refusals_are_put_together_and_none_is_lost() -> None:
    survey = read({"nps": [str(code) for code in range(20, 60)] * 2 + ["99"] * 5})
    assert len(survey.refused) == 21
    assert reasons(survey)["outside 0-10: 99"] == 5
    assert reasons(survey)["other refused values"] == 42
    assert survey.refused["n"].sum() == 85


# Rows -----------------------------------------------------------------------------------------------------------------


def test_a_weight_is_a_positive_number_or_the_row_is_refused() -> None:
    weights = ["1.5", " 2 ", "", None, "0", "-1", "x", "nan", "inf", "1_0"]
    survey = read({"nps": ["9"] * 10, "w": weights}, {"weight": "w"})
    assert collect(survey.table)["weight"].tolist() == [1.5, 2]
    assert reasons(survey) == {"no weight that is a number": 6, "weight of 0 or less": 2}
    numbers = read({"nps": [9] * 4, "w": [1.0, np.nan, np.inf, 0.0]}, {"weight": "w"})
    assert reasons(numbers) == {"no weight that is a number": 2, "weight of 0 or less": 1}


def test_a_response_that_comes_twice_counts_once_per_wave() -> None:
    frame = {"id": ["1", " 1", "1", "2", None, ""], "wave": ["a", "a", "b", "b", "b", "b"], "nps": [9, 8, 7, 6, 5, 4]}
    survey = read(frame, {"response": "id", "wave": "wave"})
    assert sorted(answers(survey)) == [4, 5, 6, 7, 9]
    assert survey.refused.to_dict("records") == [
        {"item": "row", "wave": "a", "reason": "response id that occurred before", "n": 1}
    ]
    once = read(frame, {"response": "id"})
    assert sorted(answers(once)) == [4, 5, 6, 9]


def test_a_row_is_refused_for_its_first_reason_and_counted_once() -> None:
    survey = read({"t": ["", "x", "2026-10-01"], "w": ["", "", ""], "nps": [9] * 3}, {"time": "t", "weight": "w"})
    assert reasons(survey) == {"no time": 1, "no weight that is a number": 1, "time that cannot be read": 1}


def test_rows_without_a_wave_are_counted() -> None:
    survey = read({"wave": ["a", None, " ", " a "], "nps": [9, 8, 7, 11]}, {"wave": "wave"})
    assert collect(survey.table)["wave"].tolist() == ["a", "a"]
    found = survey.refused.astype(object).where(survey.refused.notna(), None).to_dict("records")
    assert found == [
        {"item": "row", "wave": None, "reason": "no wave", "n": 2},
        {"item": "nps", "wave": "a", "reason": "outside 0-10: 11", "n": 1},
    ]


def test_a_wave_that_is_a_number_is_written_as_one() -> None:
    assert set(collect(read({"wave": [2017.0, 2018.0], "nps": [9, 8]}, {"wave": "wave"}).table)["wave"]) == {
        "2017",
        "2018",
    }


# Times ----------------------------------------------------------------------------------------------------------------


def times(texts: list[Any], **mapping: Any) -> list[str | None]:
    frame = pd.DataFrame({"t": texts, "nps": range(len(texts)), "i": [str(i) for i in range(len(texts))]})
    given = {
        "kind": "transactional",
        "items": {"wait_time": "nps"},
        "columns": {"time": "t"},
        "timezone": "Europe/Berlin",
    }
    found = collect(cx.read(frame, given | mapping).table).set_index("wait_time")["time"]
    return [found[i].isoformat() if i in found.index else None for i in range(len(texts))]


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-09-30T22:30Z", "2026-10-01T00:30:00"),  # October in Berlin
        ("2026-09-30T22:30:00z", "2026-10-01T00:30:00"),
        ("2026-09-30 22:30:00.500Z", "2026-10-01T00:30:00.500000"),
        ("2026-09-30 22:30:00 UTC", "2026-10-01T00:30:00"),
        ("2026-09-30T17:30:00-05:00", "2026-10-01T00:30:00"),
        ("2026-09-30 17:30:00 -0500", "2026-10-01T00:30:00"),
        ("2026-10-01T00:30:00+02", "2026-10-01T00:30:00"),
        ("2026-09-30T23:30", "2026-09-30T23:30:00"),
        ("2026-12-31T23:30Z", "2027-01-01T00:30:00"),
        (" 2026-09-30 ", "2026-09-30T00:00:00"),
        ("2026-9-3 1:05", "2026-09-03T01:05:00"),
    ],
)
def test_a_time_is_local_in_the_zone_of_the_periods(text, local) -> None:
    assert times([text]) == [local]


def test_a_time_that_cannot_be_read_is_refused_and_never_guessed() -> None:
    unread = ["2026-02-30", "infinity", "epoch", "12:30", "2026-09-30 22:30 Europe/Berlin", "31.02.2026"]
    assert times([*unread, "2026-10-01"]) == [None] * 6 + ["2026-10-01T00:00:00"]


def test_times_without_an_offset_were_recorded_in_the_declared_zone() -> None:
    texts = ["2026-09-30 22:30", "2026-09-30", "2026-09-30T22:30+02:00"]
    expected = ["2026-10-01T00:30:00", "2026-09-30T00:00:00", "2026-09-30T22:30:00"]
    assert times(texts, recorded_in="UTC") == expected
    assert times(["2026-10-01"], recorded_in="UTC", timezone="America/New_York") == [
        "2026-10-01T00:00:00"
    ]  # a day is a day


def test_a_declared_form_decides_between_day_and_month() -> None:
    texts = ["03.04.2026 22:30", "2026-04-03", "31.04.2026 10:00"]
    assert times(texts, time_format="%d.%m.%Y %H:%M") == ["2026-04-03T22:30:00", None, None]
    assert times(["04/03/2026"], time_format="%m/%d/%Y") == ["2026-04-03T00:00:00"]
    assert times(["30.09.2026 22:30"], time_format="%d.%m.%Y %H:%M", recorded_in="UTC") == ["2026-10-01T00:30:00"]
    assert times(["30.09.2026"], time_format="%d.%m.%Y", recorded_in="UTC") == ["2026-09-30T00:00:00"]


def test_a_form_with_an_offset_is_an_instant() -> None:
    texts = ["30.09.2026 22:30 +0000", "01.10.2026 00:30 +0200", "30.09.2026 22:30 UTC"]
    assert times(texts, time_format="%d.%m.%Y %H:%M %z")[:2] == ["2026-10-01T00:30:00"] * 2
    assert times(texts[2:], time_format="%d.%m.%Y %H:%M %Z") == ["2026-10-01T00:30:00"]


def test_columns_of_times_and_days_are_read() -> None:
    assert times(list(pd.to_datetime(["2026-09-30T22:30Z"]))) == ["2026-10-01T00:30:00"]
    assert times(list(pd.to_datetime(["2026-09-30T22:30"]))) == ["2026-09-30T22:30:00"]
    assert times(list(pd.to_datetime(["2026-09-30T22:30"])), recorded_in="UTC") == ["2026-10-01T00:30:00"]
    assert times([pd.Timestamp("2026-09-30").date()], recorded_in="UTC") == ["2026-09-30T00:00:00"]


def test_numbers_are_no_times() -> None:
    with pytest.raises(CxError, match=r"columns\.time: expected text, dates or times in 't', found int64"):
        times([202])


# Dimensions and columns -----------------------------------------------------------------------------------------------


def test_a_blank_is_a_level_and_labels_name_codes() -> None:
    dimensions = {"region": {"column": "r", "labels": {1: "North", "S": "South"}}}
    for column in (["1", "S", " ", None, "x", "1.0"], ["1", " S ", "", "", "x", "01"]):
        found = collect(read({"nps": [9] * 6, "r": column}, dimensions=dimensions).table)
        assert found["region"].tolist() == ["North", "South", "(blank)", "(blank)", "x", "North"]
    found = collect(read({"nps": [9, 9], "r": [1.0, np.nan]}, dimensions=dimensions).table)
    assert found["region"].tolist() == ["North", "(blank)"]


def test_a_column_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(CxError) as error:
        read({"NPS_SCORE": [9], "wt": [1]}, {"weight": "wgt"}, items={"nps": "NPS_SCOR"})
    lines = str(error.value).splitlines()
    assert lines == [
        "columns.weight: the column 'wgt' is not in frame; did you mean 'wt'?",
        "items.nps: the column 'NPS_SCOR' is not in frame; did you mean 'NPS_SCORE'?",
    ]


def test_a_table_of_the_kit_s_own_names_needs_no_mapping() -> None:
    survey = cx.read(pd.DataFrame({"wave": ["a"], "nps": [9], "brand": ["A"], "weight": [1.0]}))
    assert survey.mapping.columns.named() == {"wave": "wave", "weight": "weight"}
    assert list(survey.mapping.dimensions) == ["brand"]
    with pytest.raises(CxError, match="no column is named after an item"):
        cx.read(pd.DataFrame({"score": [9]}))
    with pytest.raises(CxError, match="map either `time` or `wave`"):
        cx.read(pd.DataFrame({"nps": [9], "wave": ["a"], "time": ["2026-01-01"]}))
    with pytest.raises(CxError, match=r"dimensions.period: is the name of a column of the tallies"):
        cx.read(pd.DataFrame({"nps": [9], "period": ["a"]}))


def test_responses_show_what_was_read_and_what_was_refused() -> None:
    survey = read(pd.DataFrame({"nps": [9, 10, 3, 11]}))
    shown = survey._repr_html_()
    assert "<p>Responses of frame: 4 rows; items nps; no dimensions; 1 refused or blank</p>" in shown
    assert re.search(r'<tr><th scope="row">nps</th><td[^>]*>outside 0-10: 11</td><td[^>]*>1</td></tr>', shown)
