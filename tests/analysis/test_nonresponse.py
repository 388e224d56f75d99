"""Weighting for who did not answer: against sums by pandas and a bootstrap of customers, what is hidden, what fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit import show
from cxkit.input.responses import Responses
from cxkit.sample.write import sample

WITHIN = ["channel", "first_reply", "opened_again"]
YEAR: dict[str, Any] = {"period": "year", "now": "FY2026"}
MAPPING: dict[str, Any] = {
    "kind": "transactional", "timezone": "Europe/Berlin", "year_starts": "November",
    "columns": {"response": "ticket", "respondent": "respondent", "time": "opened"},
    "joins": {"answers": {"source": "sample", "key": "ticket"}},
    "items": {"csat": {"column": "answers.csat", "missing": [99]},
              "first_response": {"from": "opened", "to": "first_reply", "open_until": "2026-11-01"}},
    "dimensions": {"channel": "channel", "opened_again": "reopened", "brand": "brand",
                   "first_reply": {"item": "first_response", "bands": ["1 min", "5 min", "15 min", "60 min"]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def survey() -> Responses:
    return cx.read("sample tickets", MAPPING)


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    """The tickets of the year with the satisfaction of who answered, and their classes, by pandas."""
    frames = sample()
    said = frames["responses"].dropna(subset=["ticket"]).set_index("ticket")["csat"]
    tickets = frames["tickets"].assign(csat=lambda t: t["ticket"].map(said).astype(float))
    tickets = tickets[tickets["opened"].dt.tz_convert("Europe/Berlin") >= "2025-11-01"].fillna({"channel": "(blank)"})
    minutes = (tickets["first_reply"] - tickets["opened"]).dt.total_seconds() / 60
    band = pd.Series(np.searchsorted([1, 5, 15, 60], minutes, side="right"), index=tickets.index)
    given = tickets["csat"].between(1, 5)
    return tickets.assign(band=band.where(minutes >= 0, -1), given=given.astype(float),
                          satisfied=(given & (tickets["csat"] >= 4)).astype(float))  # fmt: skip


def weighted(cases: pd.DataFrame, cells: list[str], trim: float = 5.0) -> tuple[float, ...]:
    """Satisfied before and after weighting, and cases whose weight is cut, in percent.

    Cells in which fewer than 10 customers answered are one class.
    """
    answered = cases[cases["given"] == 1].groupby(cells)["respondent"].nunique()
    key = pd.MultiIndex.from_frame(cases[cells])
    small = answered.reindex(key).fillna(0).to_numpy() < 10
    label = np.where(small, "small", key.map(str))
    sums = cases.groupby(label).agg(n=("ticket", "size"), a=("given", "sum"), s=("satisfied", "sum"))
    rate = sums["n"] / sums["a"]
    cut, weight = sums["n"][rate > trim].sum() / len(cases), np.minimum(rate, trim)
    weight *= sums["n"].sum() / (weight * sums["a"]).sum()
    assert (weight * sums["a"]).sum() == pytest.approx(len(cases))
    after = (weight * sums["s"]).sum() / (weight * sums["a"]).sum()
    return 100 * sums["s"].sum() / sums["a"].sum(), 100 * after, 100 * cut


@pytest.mark.parametrize("trim", [5.0, 2.0])
def test_scores_and_weights_are_those_of_pandas(survey: Responses, cases: pd.DataFrame, trim: float) -> None:
    found = cx.nonresponse(survey, ["csat"], WITHIN, **YEAR, trim=trim).iloc[0]
    before, after, cut = weighted(cases, ["channel", "band", "reopened"], trim)
    assert found["unweighted"] == pytest.approx(before)
    assert found["value"] == pytest.approx(after)
    assert found["difference"] == pytest.approx(after - before)
    assert (found["cases"], found["n"]) == (len(cases), cases["given"].sum())
    assert found["trimmed"] == pytest.approx(cut)
    assert (cut > 0) == (trim == 2.0)
    assert found["n_eff"] < found["n"]


def test_the_limits_are_those_of_a_bootstrap_of_customers(survey: Responses, cases: pd.DataFrame) -> None:
    """500 draws of customers, with the weights made anew; the spread of a standard error is 3 and 4 % of it."""
    where, cases = {"first_reply": survey.mapping.dimensions["first_reply"].values}, cases[cases["band"] >= 0]
    found = cx.nonresponse(survey, ["csat"], ["opened_again", "first_reply"], where=where, **YEAR).iloc[0]
    who = pd.factorize(cases["respondent"].fillna(cases["ticket"]))[0]
    cell = cases["band"].add(1).to_numpy() * 2 + (cases["reopened"] == "yes").to_numpy()
    table = np.zeros((3, who.max() + 1, 12))
    for part, column in zip(table, (np.ones(len(cases)), cases["given"], cases["satisfied"]), strict=True):
        np.add.at(part, (who, cell), column)
    rng, drawn = np.random.default_rng(1), []
    for _ in range(500):
        times = np.bincount(rng.integers(0, table.shape[1], table.shape[1]), minlength=table.shape[1])
        n, a, s = times @ table
        weight = np.divide(n, a, out=np.zeros(12), where=a > 0)
        after = 100 * (weight * s).sum() / (weight * a).sum()
        drawn.append((after, after - 100 * s.sum() / a.sum()))
    errors = np.std(drawn, axis=0)
    assert (found["high"] - found["low"]) / 2 / 1.97 == pytest.approx(errors[0], rel=0.15)
    assert (found["difference_high"] - found["difference_low"]) / 2 / 1.97 == pytest.approx(errors[1], rel=0.15)


def test_every_place_is_what_it_is_by_itself(survey: Responses) -> None:
    """With as many customers as a brand has, its rows alone give what its row among all gives."""
    every = cx.nonresponse(survey, ["csat"], ["first_reply"], by=["brand"], **YEAR).set_index("brand")
    alone = cx.nonresponse(survey, ["csat"], ["first_reply"], where={"brand": ["Corvanto"]}, **YEAR).iloc[0]
    names = ["cases", "n", "unweighted", "value", "low", "high", "classes"]
    assert every.loc["Corvanto", names].tolist() == pytest.approx(alone[names].tolist())


PEOPLE: dict[str, Any] = {
    "kind": "transactional", "columns": {"respondent": "who", "time": "time"}, "items": {"csat": "csat"},
    "dimensions": {"a": "a", "b": "b"},
}  # fmt: skip


def small(sizes: dict[tuple[str, str], tuple[int, int]]) -> Responses:
    """Cells of a and b with so many customers who answered, and so many who did not."""
    rows = [(f"{a}{b}{i}", a, b, (5 if i % 3 else 1) if i < answered else None)
            for (a, b), (answered, silent) in sizes.items() for i in range(answered + silent)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["who", "a", "b", "csat"]).assign(time="2026-10-05")
    return cx.read(frame, PEOPLE)


FEW = {("x", "no"): (300, 100), ("x", "yes"): (5, 40), ("y", "no"): (200, 90), ("y", "yes"): (8, 60)}


def test_few_people_are_no_class_of_their_own() -> None:
    survey = small({("x", ""): (300, 100), ("y", ""): (4, 40), ("z", ""): (90, 90)})
    found = cx.nonresponse(survey, ["csat"], ["a"]).iloc[0]
    assert (found["pooled"], found["classes"], found["reason"]) == (2, 2, "")
    assert found["largest"] == pytest.approx((44 + 180) / 94)  # the four stand with the smallest of the others


def test_what_margins_and_the_weighted_score_would_give_away_is_not_told() -> None:
    """Of two by two cells the margins leave one number open, and what weighting makes of the score would close it."""
    found = cx.nonresponse(small(FEW), ["csat"], ["a", "b"]).iloc[0]
    assert (found["reason"], np.isnan(found["value"])) == ("given away", True)


def test_a_hidden_level_is_no_class_and_a_hidden_place_has_no_number() -> None:
    survey = small({("x", "p"): (300, 100), ("y", "p"): (40, 40), ("z", "p"): (90, 90), ("x", "q"): (60, 60)})
    gone = {"metric": "csat", "a": "y", "b": "p"}
    found = cx.nonresponse(survey, ["csat"], ["a"], by=["b"], hidden=[gone]).set_index("b")
    assert found.loc["p", ["pooled", "classes"]].tolist() == [1, 3]
    away = cx.nonresponse(survey, ["csat"], ["a"], by=["b"], hidden=[{"metric": "csat", "b": "q"}]).set_index("b")
    assert away["reason"].to_dict() == {np.nan: "given away", "p": "", "q": "given away"}


def test_who_answered_in_several_cells_is_one_of_the_people_of_their_class() -> None:
    """The same six in x and y are no ten people: in p they stand with the sixty, in q they have no number."""
    sizes = {("w", "p"): (80, 20), ("z", "p"): (60, 40), ("x", "p"): (6, 30), ("y", "p"): (6, 30),
             ("x", "q"): (6, 30), ("y", "q"): (6, 30)}  # fmt: skip
    rows = [(f"{b}{i}" if i < 6 else f"{a}{b}{i}", a, b, (5 if i % 3 else 1) if i < answered else None)
            for (a, b), (answered, silent) in sizes.items() for i in range(answered + silent)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["who", "a", "b", "csat"]).assign(time="2026-10-05")
    found = cx.nonresponse(cx.read(frame, PEOPLE), ["csat"], ["a"], by=["b"]).set_index("b")
    assert found.loc["p", ["pooled", "classes"]].tolist() == [3, 2]
    assert found.loc["q", "reason"] == "few people"


def test_the_page_says_what_is_counted_and_by_what_it_is_weighted() -> None:
    survey = small({("x", "p"): (60, 40), ("y", "p"): (40, 40)})
    page = show.nonresponse(cx.nonresponse(survey, ["csat"], ["a"]), survey.metrics)
    assert "If cases without an answer had been rated like those with one of the same a, " in page
    survey = cx.read("sample tickets", MAPPING | {"rows": "tickets"})
    page = show.nonresponse(cx.nonresponse(survey, ["csat"], WITHIN, **YEAR), survey.metrics)
    assert (
        "If tickets without an answer had been rated like those with one of the same channel, first reply and" in page
    )


@pytest.mark.parametrize(("metrics", "within", "change", "words"), [
    (["csat"], ["chanel"], {}, "nonresponse: 'chanel' is no mapped dimension; did you mean 'channel'"),
    (["first_response"], ["channel"], {}, "'first_response' is a duration"),
    (["csat"], ["channel"], {"kind": "relationship"}, "of 'csat' not every answer counts"),
    (["csat"], ["channel"], {"columns": {"time": "opened", "weight": "agent_minutes"},
                             "items": {"csat": "answers.csat"}, "dimensions": {"channel": "channel"}}, "role `weight`"),
])  # fmt: skip
def test_what_does_not_fit(metrics: list[str], within: list[str], change: dict[str, Any], words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        cx.nonresponse(cx.read("sample tickets", MAPPING | change), metrics, within)
