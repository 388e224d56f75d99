"""Scores along bands of the time to the first reply: against statsmodels and pandas, and on shuffled rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import cxkit as cx
from cxkit.input.mapping import load_mapping
from cxkit.runs.params import kit_notebook
from cxkit.sample.write import sample

MAPPING = kit_notebook("params/mappings/experience.yaml")
BANDS = ["under 1 min", "1 min to under 5 min", "5 min to under 15 min", "15 min to under 60 min", "60 min or more"]
YEAR: Any = {"period": "year", "now": "FY2026"}


@pytest.fixture(scope="module")
def survey() -> cx.Responses:
    return cx.read("sample", MAPPING)


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """Answers of the year with a ticket, the band by its number, joined and cut by pandas."""
    frames = sample()
    clocks = frames["tickets"].set_index("ticket")[["opened", "first_reply"]]
    frame = frames["responses"].dropna(subset=["ticket"]).join(clocks, on="ticket")
    minutes = (frame["first_reply"] - frame["opened"]).dt.total_seconds() / 60
    year = frame["time"].dt.tz_convert("Europe/Berlin") >= "2025-11-01"
    frame = frame.assign(rank=np.searchsorted([1, 5, 15, 60], minutes, side="right"))
    frame = frame[year & (minutes >= 0)].assign(
        channel=lambda t: t["channel"].fillna("(blank)"),
        respondent=lambda t: t["respondent"].fillna(t["response"]),
        csat_=lambda t: 100.0 * t["csat"].ge(4),
    )
    return frame[frame["csat"].between(1, 5)]


def row(found: pd.DataFrame, within: str = "", metric: str = "csat") -> dict[str, Any]:
    (one,) = found[(found["metric"] == metric) & (found["within"] == within)].to_dict("records")
    return one


@pytest.mark.parametrize(("within", "formula"), [("", "csat_ ~ rank"), ("channel", "csat_ ~ rank + C(channel)")])
def test_a_trend_is_the_slope_of_a_weighted_regression_clustered_by_respondent(
    survey: cx.Responses, answers: pd.DataFrame, within: str, formula: str
) -> None:
    """statsmodels 0.15: WLS with its cluster-robust covariance; the jackknife of 256 groups varies by a tenth."""
    people = pd.factorize(answers["respondent"])[0]
    fitted = smf.wls(formula, answers, weights=answers["weight"]).fit(cov_type="cluster", cov_kwds={"groups": people})
    found = row(cx.gradient(survey, ["csat"], "first_reply", within="channel", **YEAR), within)
    assert found["n"] == len(answers)
    assert found["value"] == pytest.approx(fitted.params["rank"], rel=1e-9)
    half = 1.96 * fitted.bse["rank"]
    assert (found["high"] - found["low"]) / 2 == pytest.approx(half, rel=0.15)
    assert found["verdict"] == ("falls" if not within else "")


def test_the_planted_cost_of_a_late_reply_is_found(survey: cx.Responses, answers: pd.DataFrame) -> None:
    """15 points, with what slow contacts have in common; the scores of the bands are those of pandas."""
    where = {"first_reply": BANDS}
    tallies = cx.tally(survey, ["csat"], ["first_reply"], [(), ("first_reply",)], period="year", rest=True, where=where)
    scores = cx.estimate(tallies, by=["first_reply"], periods=["FY2026"]).set_index("first_reply")
    by = answers.groupby("rank")
    expected = by.apply(lambda t: np.average(t["csat_"], weights=t["weight"]))
    assert scores.loc[BANDS, "value"].to_numpy() == pytest.approx(expected.to_numpy())
    assert scores.loc[BANDS, "n"].tolist() == by.size().tolist()
    late = cx.against_rest(tallies, "FY2026", "first_reply").set_index("first_reply").loc["60 min or more"]
    assert late["verdict"] == "differs"
    assert late["low"] < -15 < late["high"]


def test_hidden_levels_and_levels_of_few_people_take_no_part(survey: cx.Responses) -> None:
    gone = [{"metric": "csat", "first_reply": "60 min or more"}]
    found = row(cx.gradient(survey, ["csat"], "first_reply", **YEAR, hidden=gone))
    assert found["levels"] == 4
    few = row(cx.gradient(survey, ["csat"], "first_reply", **YEAR, rules=cx.Rules(hide_below=200, judge_from=200)))
    assert (few["levels"], few["n"]) == (4, found["n"])
    none = row(cx.gradient(survey, ["csat"], "first_reply", **YEAR, rules=cx.Rules(hide_below=9000, judge_from=9000)))
    assert (none["verdict"], none["levels"]) == ("too few", 0)
    assert np.isnan(none["value"])


def test_metrics_of_a_place_are_corrected_together_and_each_place_has_its_own(survey: cx.Responses) -> None:
    found = cx.gradient(survey, ["csat", "nps"], "first_reply", by=["channel"], **YEAR)
    whole = found[found["channel"].isna()]
    assert whole["pvalue_adj"].tolist() == pytest.approx(
        [min(1, 2 * whole["pvalue"].min()), max(whole["pvalue"].max(), 2 * whole["pvalue"].min())]
    )
    phone = row(found[found["channel"] == "phone"])
    alone = row(cx.gradient(survey, ["csat", "nps"], "first_reply", where={"channel": ["phone"]}, **YEAR))
    assert phone["value"] == pytest.approx(alone["value"])
    assert phone["pvalue_adj"] == pytest.approx(alone["pvalue_adj"])


def test_shuffled_times_give_no_effect_more_often_than_they_may() -> None:
    """Customers with three answers each that resemble each other: of 20 shuffles 1 at level .05, hardly ever 5."""
    rng, n = np.random.default_rng(15), 900
    who = np.repeat(np.arange(n // 3), 3)
    felt = rng.standard_normal(n // 3)[who] + rng.standard_normal(n)
    mapping = load_mapping({
        "kind": "transactional",
        "columns": {"wave": "wave", "respondent": "who"},
        "items": {"csat": "score"},
        "dimensions": {"reply": {"column": "minutes", "bands": [1, 5, 15]}},
    })  # fmt: skip
    claimed = 0
    for _ in range(20):
        each = rng.lognormal(1.5, 1.2, n // 3)[who]  # a customer waits alike: the worst case for rows taken as people
        frame = pd.DataFrame({"wave": "a", "who": who, "score": np.clip(np.round(3.4 + felt), 1, 5), "minutes": each})
        found = cx.gradient(cx.read(frame, mapping), ["csat"], "reply", period="wave")
        claimed += found["verdict"].iloc[0] != "no evidence"
    assert claimed <= 4


@pytest.mark.parametrize(("metrics", "dimension", "words"), [
    (["csat"], "channel", "gradient: 'channel' has no levels in an order"),
    (["csat"], "frist_reply", "gradient: 'frist_reply' is no mapped dimension; did you mean 'first_reply'"),
    (["first_response"], "first_reply", "is a duration; expected answers on a scale"),
    (["ces"], "first_reply", "gradient: 'ces': the mapping has no item of it"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(survey: cx.Responses, metrics: list[str], dimension: str, words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        cx.gradient(survey, metrics, dimension)


@pytest.mark.parametrize(("fax", "told"), [(1, False), (9, False), (12, True)])
def test_few_of_a_channel_are_not_what_both_slopes_differ_by(fax: int, told: bool) -> None:
    """Score sums of levels less those of all but one channel are what the few of it said: both slopes tell them."""
    rows = [(f"{i % 4}", "web", 10 - i % 7) for i in range(200)] + [(f"{i % 4}", "fax", i % 11) for i in range(fax)]
    frame = pd.DataFrame(rows, columns=["speed", "channel", "nps"]).assign(day="2026-10-02")
    mapping = {"kind": "transactional", "columns": {"time": "day"}, "items": {"nps": "nps"},
               "dimensions": {"speed": {"column": "speed", "values": list("0123")}, "channel": "channel"}}  # fmt: skip
    found = cx.gradient(cx.read(frame, mapping), ["nps"], "speed", within="channel")
    assert np.isfinite(row(found, metric="nps")["value"])
    assert np.isfinite(row(found, "channel", "nps")["value"]) == told
    assert ("few people" in row(found, "channel", "nps")["reason"]) != told
