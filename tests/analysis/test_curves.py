"""How long tickets of the sample take: against plain pandas, statsmodels' product-limit estimate, and the rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

import cxkit as cx
from cxkit.sample.write import EXPORTED, sample

MONTH = "2026-08"


@pytest.fixture(scope="module")
def tickets() -> pd.DataFrame:
    frame = sample()["tickets"]
    return frame.assign(month=frame["opened"].dt.tz_convert("Europe/Berlin").dt.strftime("%Y-%m"))


@pytest.fixture(scope="module")
def tallies() -> cx.Tallies:
    names = ["first_response", "full_resolution", "in_a_week", "in_an_hour", "reopened"]
    return cx.tally(cx.read("sample tickets"), names, by=["channel"])


def test_a_curve_is_the_product_limit_estimate(tallies: cx.Tallies, tickets: pd.DataFrame) -> None:
    """statsmodels 0.15 on the minutes themselves; the tally's are rounded to three digits: few pass a mark by that."""
    cohort = tickets[tickets["month"] == MONTH]
    seen = cohort["solved"].fillna(EXPORTED.tz_convert("UTC"))
    minutes = (seen - cohort["opened"]).dt.total_seconds() / 60
    fitted = SurvfuncRight(minutes, cohort["solved"].notna())
    found = cx.curve(tallies, "full_resolution", periods=[MONTH])
    expected = [100 * (1 - fitted.surv_prob[fitted.surv_times <= mark][-1]) if (fitted.surv_times <= mark).any() else 0
                for mark in found["after"]]  # fmt: skip
    assert np.abs(found["value"] - expected).max() < 0.5
    assert set(found["n"]) == {len(cohort)}
    assert (found["at_risk"] - [(minutes > mark).sum() for mark in found["after"]]).abs().max() <= 5
    assert found["value"].is_monotonic_increasing
    assert ((found["low"] <= found["value"]) & (found["value"] <= found["high"])).all()


def test_a_curve_ends_where_few_are_left_and_hidden_cells_have_none(tallies: cx.Tallies) -> None:
    found = cx.curve(tallies, "first_response", by=["channel"], periods=[MONTH])
    assert found["at_risk"].min() >= tallies.rules.hide_below
    shown = cx.estimate(tallies, by=["channel"], metrics=["first_response"], periods=[MONTH])
    assert set(found["channel"]) <= set(shown.loc[shown["value"].notna(), "channel"])
    everybody = cx.curve(tallies, "first_response", periods=[MONTH], at=[0.001])
    (row,) = everybody.to_dict("records")
    limit = 100 * 1.959964**2 / (row["n"] + 1.959964**2)  # Wilson: z^2 / (n + z^2), where the design takes nothing
    assert row["value"] == row["low"] == 0
    assert limit <= row["high"] < 2 * limit


def test_a_curve_ends_where_those_left_are_few_people() -> None:
    """Of 60 cases 40 are of one person: at 21 people to 60 cases, the 15 that are watched for an hour are of five."""
    minutes = [3.0] * 20 + [30.0] * 25 + [90.0] * 15
    frame = pd.DataFrame({"wave": "a", "m": minutes, "who": [f"p{i}" for i in range(20)] + ["often"] * 40})
    columns, ends = {"wave": "wave"}, {}
    for roles in ({}, {"respondent": "who"}):
        mapping = {"kind": "transactional", "columns": columns | roles, "items": {"wait_time": {"column": "m"}}}
        found = cx.curve(cx.tally(cx.read(frame, mapping), ["wait_time"], period="wave"), "wait_time", at=[5, 60])
        ends[len(roles)] = found[["after", "at_risk"]].to_numpy().tolist()
    assert ends == {0: [[5, 40], [60, 15]], 1: [[5, 40]]}


def test_without_open_cases_the_curve_is_the_share_within_each_time() -> None:
    minutes = [3.0] * 30 + [20.0] * 50 + [90.0] * 20
    items = {"wait_time": {"column": "m"}}
    mapping = {"kind": "transactional", "columns": {"wave": "wave"}, "items": items}
    survey = cx.read(pd.DataFrame({"wave": "a", "m": minutes}), mapping)
    found = cx.curve(cx.tally(survey, ["wait_time"], period="wave"), "wait_time", at=[5, 20, 60])
    expected = [[5, 30, 70], [20, 80, 20], [60, 80, 20]]
    assert found[["after", "value", "at_risk"]].to_numpy().ravel() == pytest.approx(np.ravel(expected))
    assert found["restricted"].tolist() == pytest.approx([np.minimum(minutes, mark).mean() for mark in (5, 20, 60)])


def test_the_scale_of_weights_changes_no_limit() -> None:
    rng, told = np.random.default_rng(3), []
    frame = pd.DataFrame({"wave": "a", "m": rng.exponential(60, 200), "w": rng.lognormal(0, 0.5, 200)})
    mapping = {"kind": "transactional", "columns": {"wave": "wave", "weight": "w"}, "items": {"wait_time": "m"}}
    for scale in (1.0, 0.01, 10.0):
        survey = cx.read(frame.assign(w=scale * frame["w"]), mapping)
        found = cx.curve(cx.tally(survey, ["wait_time"], period="wave"), "wait_time")
        told.append(found.select_dtypes("number"))
    for other in told[1:]:
        pd.testing.assert_frame_equal(told[0], other, check_exact=False, rtol=1e-6)


def test_only_a_duration_has_a_curve(tallies: cx.Tallies) -> None:
    with pytest.raises(cx.CxError, match="metric: reopened is no duration"):
        cx.curve(tallies, "reopened")


def test_solved_in_a_week_and_not_reopened_is_no_naive_share(tallies: cx.Tallies, tickets: pd.DataFrame) -> None:
    cohort = tickets[tickets["month"] == MONTH]
    in_time = (cohort["solved"] - cohort["opened"]) <= pd.Timedelta("7D")
    expected = 100 * (in_time & (cohort["reopened"] != "yes")).mean()
    (row,) = cx.estimate(tallies, by=(), metrics=["in_a_week"], periods=[MONTH]).to_dict("records")
    assert (row["n"], row["value"]) == (len(cohort), pytest.approx(expected))
    assert 100 * cohort["solved"].notna().mean() > expected + 10  # what a naive share would praise


def test_what_was_not_watched_long_enough_and_backward_clocks_are_refused_and_counted(tickets: pd.DataFrame) -> None:
    refused = cx.read("sample tickets").refused.set_index(["item", "reason"])["n"]
    young = (EXPORTED.tz_convert("UTC") - tickets["opened"]) < pd.Timedelta("7D")
    assert refused["in_a_week", "opened less than 7 days before 2026-11-01"] == young.sum()
    backward = (tickets["first_reply"] < tickets["opened"]).sum()
    assert refused["first_response", "first_reply lies before opened"] == backward > 0


@pytest.mark.parametrize(("item", "words"), [
    ({"column": "m", "unless": {"x": ["y"]}}, "unless: says which cases of `measure: within`"),
    ({"measure": "within", "within": "7 d", "from": "a", "to": "b", "open_until": "2026-11-01",
      "unless": {"gone": ["y"]}}, "gone"),
])  # fmt: skip
def test_an_exception_that_does_not_fit_is_refused(item: dict[str, object], words: str) -> None:
    frame = pd.DataFrame({"wave": ["a"], "m": [3.0], "a": ["2026-10-01"], "b": ["2026-10-02"]})
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave"},
        "items": {"wait_time" if "column" in item else "kept": item},
    }
    with pytest.raises(cx.CxError, match=words):
        cx.read(frame, mapping)
