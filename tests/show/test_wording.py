from __future__ import annotations

import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from present_made import plain

from cxkit.metrics import METRICS
from cxkit.show import wording
from cxkit.show.rows import spoken

NPS, CSAT, CES, WAIT = (METRICS[name] for name in ("nps", "csat", "ces", "wait_time"))
numbers = st.floats(-1e6, 1e6, allow_nan=False)


def test_minus_is_a_minus_and_nps_is_in_points():
    assert wording.quantity(-5.284, "points", 1) == "\u22125.3 points"
    assert wording.quantity(42, "points", 0) == "42 points"
    assert wording.quantity(81.24, "percent", 1) == "81.2%"
    assert wording.quantity(-1.3, "percent", 1, signed=True) == "\u22121.3 percentage points"
    assert wording.quantity(5.31, "scale", 2) == "5.31"
    assert wording.quantity(12, "minutes", 0) == "12 min"


@given(numbers, st.integers(0, 3), st.booleans())
def test_a_printed_number_is_the_rounded_number(value, places, signed):
    text = wording.number(value, places, signed)
    back = float(text.replace("\u2212", "-").replace(",", ""))
    assert back == pytest.approx(value, abs=0.5000001 * 10**-places)
    assert not (back == 0 and text[0] in "+-\u2212")


@pytest.mark.parametrize(
    ("low", "high", "places"), [(36, 54, 1), (10, 40, 0), (20, 40, 0), (-10.6, 0.06, 1), (5.31, 5.48, 2), (None, 3, 1)]
)
def test_decimals_follow_the_width_of_the_interval(low, high, places):
    assert wording.decimals(low, high) == places


@given(numbers, st.floats(0.01, 200), st.floats(0.01, 200))
def test_a_wider_interval_never_gets_more_decimals(low, width, more):
    assert wording.decimals(low, low + width + more) <= wording.decimals(low, low + width)


def test_a_limit_beside_zero_is_never_printed_as_zero():
    # the interval of 2018 against 2017 of the airport survey ends at +.06: zero is inside, and must be seen to be
    assert wording.change_decimals(-10.6, 0.04) == 2
    assert wording.change_decimals(0.004, 30) == 3


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.0123, "p = .012"), (0.0004, "p < .001"), (0.00051, "p < .001"), (0.075, "p = .075"), (0.0999, "p = .10"),
      (0.41, "p = .41"),
     (1.0, "p > .99"), (None, "p not computed"), (math.nan, "p not computed")],
)  # fmt: skip
def test_pvalues(p, words):
    assert plain(wording.pvalue(p)) == words


@given(st.floats(0, 1))
def test_a_printed_p_is_on_the_right_side_of_five_percent(p):
    text = plain(wording.pvalue(p))
    if text.startswith("p = "):
        assert (float("0" + text[4:]) < 0.05) == (p < 0.05) or abs(p - 0.05) < 0.0005


@pytest.mark.parametrize(
    ("value", "low", "high", "band"),
    [
        (0, 0, 0, "good"), (50, 50, 50, "excellent"), (70, 70, 70, "excellent"), (70.1, 70.1, 70.1, "world class"),
         (-1, -1, -1, ""),
        (10, -5, 25, "below 0 to good"), (60, 45, 75, "good to world class"), (48, 44, 52, "good to excellent"), (30,
         None, None, "good"),
    ],
)  # fmt: skip
def test_bands_name_both_sides_of_a_crossed_cut(value, low, high, band):
    assert wording.band({"value": value, "low": low, "high": high}, NPS) == band


def test_only_nps_has_bands():
    assert wording.band({"value": 60, "low": 55, "high": 65}, CSAT) == ""
    assert wording.band({"value": 60, "low": 55, "high": 65}, METRICS["loyalty"]) == ""


@pytest.mark.parametrize(
    ("n_eff", "words"),
    [
        (29.9, ["worth too little to say"]),
        (30, ["low base"]),
        (49.9, ["low base"]),
        (50, ["caution: small base"]),
        (100, []),
    ],
)
def test_small_bases(n_eff, words):
    row = {"n": 200, "n_eff": n_eff, "low": 0, "high": 30}
    assert wording.precision(row, NPS) == words
    assert wording.is_small(row) == (n_eff < 30)


def test_many_answers_are_not_called_few():
    assert wording.precision({"n": 29, "n_eff": 29, "low": 0, "high": 30}, NPS) == ["too few to say"]
    assert wording.precision({"n": 1301, "n_eff": 12.0, "low": 0, "high": 30}, NPS) == ["worth too little to say"]


def test_imprecise_is_a_half_width_above_twenty_points():
    assert wording.precision({"n": 200, "low": 0, "high": 40}, NPS) == []
    assert wording.precision({"n": 200, "low": 0, "high": 40.2}, NPS) == ["imprecise"]
    assert wording.precision({"n": 200, "low": 1, "high": 60}, WAIT) == []


def test_a_missing_value_says_why():
    assert wording.estimate_words({"value": None, "note": "no answers", "n": 0}, NPS) == "no answers"
    hidden = {"value": None, "note": "hidden: fewer than 10 people answered", "n": None}
    assert wording.estimate_words(hidden, NPS) == "hidden: fewer than 10 people answered"
    assert plain(wording.base_words(hidden)) == "n hidden"


def test_absent_limits_are_said():
    assert wording.limits(None, None, "minutes", 0) == "no interval"
    assert wording.limits(12, None, "minutes", 0) == "from 12, no upper limit"


def test_effective_bases_stand_beside_the_base_where_they_differ():
    assert plain(wording.base_words({"n": 2650, "n_eff": 812.4})) == "n 2,650 (effective 812)"
    assert plain(wording.base_words({"n": 2650, "n_eff": 2650.0})) == "n 2,650"


def test_the_question_of_a_duration_names_no_unit_for_pages_show_the_one_that_fits():
    questions = [metric.question for metric in METRICS.values() if metric.unit == "minutes"]
    assert questions
    assert not any(re.search("second|minute|hour", question, re.I) for question in questions)


def test_periods_that_are_absent_in_two_ways_stay_absent():
    found = spoken(pd.DataFrame({"now": pd.Series(["2026-07", None, float("nan")], dtype=object)}), "month")["now"]
    assert found[0] == "July 2026"
    assert found[1:].isna().all()
