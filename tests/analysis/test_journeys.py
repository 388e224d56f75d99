"""The weakest link: beside pandas on the rows of the sample, and what may not be told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.sample import write


@pytest.fixture(scope="module")
def survey() -> cx.Responses:
    return cx.read("sample")


def test_a_customer_counts_once_at_each_moment(survey: cx.Responses) -> None:
    """pandas: customers by moment, any contact of theirs rated 1 or 2, at the mean weight of their answers."""
    found = cx.weakest(survey, "csat", "moment", [1, 2], period="year", now="2026").set_index("moment")
    frame = write.sample()["responses"].dropna(subset=["respondent"])
    frame = frame[frame["csat"].between(1, 5) & (frame["time"].dt.tz_convert("Europe/Berlin") >= "2026-01-01")]
    frame = frame.assign(bad=frame["csat"].le(2).astype(float), weight=frame["weight"].astype(float))
    people = frame.groupby(["moment", "respondent"]).agg(bad=("bad", "max"), weight=("weight", "mean")).reset_index()
    for moment, own in people.groupby("moment"):
        row = found.loc[moment]
        value, base = (
            np.average(own["bad"], weights=own["weight"]),
            own["weight"].sum() ** 2 / (own["weight"] ** 2).sum(),
        )
        assert row["n"] == len(own)
        assert row["value"] == pytest.approx(100 * value)
        assert row["n_eff"] == pytest.approx(base)
        limits = proportion_confint(value * base, base, method="wilson")  # statsmodels 0.15
        assert (row["low"], row["high"]) == pytest.approx(tuple(100 * np.array(limits)))


def test_few_customers_and_hidden_levels_show_nothing_and_there_is_no_total() -> None:
    rows = [(str(i // 2), "use" if i < 40 else "pay" if i < 90 else "pick", 1 + i % 5) for i in range(100)]
    frame = pd.DataFrame(rows, columns=["who", "moment", "csat"]).assign(day="2026-10-02")
    mapping = {"kind": "transactional", "columns": {"time": "day", "respondent": "who"}, "items": {"csat": "csat"},
               "dimensions": {"moment": "moment"}}  # fmt: skip
    found = cx.weakest(cx.read(frame, mapping), "csat", "moment", [1, 2], hidden=[{"moment": "pay"}])
    assert found["reason"].tolist() == ["given away", "few people", ""]  # ten answers of five people are few
    assert found[["n", "value"]].isna().all(axis=1).tolist() == [True, True, False]
    assert found["n"].iloc[2] == 20


@pytest.mark.parametrize(("more", "shown"), [
    ({}, True),
    ({"w0": 1}, False),  # answers less customers would be the second answer of one
    ({"w0": 19}, False),  # one person's nineteen are still those of one
    ({f"w{i}": 1 for i in range(9)}, False),
    ({f"w{i}": 1 for i in range(10)}, True),
    ({None: 1}, False),  # an answer of nobody known is in the answers and in no customer
])  # fmt: skip
def test_what_few_said_who_answered_again_is_not_what_answers_and_customers_differ_by(
    more: dict[str | None, int], shown: bool
) -> None:
    rows = [(f"w{i}", 1 + i % 5) for i in range(60)] + [(who, 1) for who, n in more.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["who", "csat"]).assign(moment="use", day="2026-10-02")
    mapping = {"kind": "transactional", "columns": {"time": "day", "respondent": "who"}, "items": {"csat": "csat"},
               "dimensions": {"moment": "moment"}}  # fmt: skip
    (found,) = cx.weakest(cx.read(frame, mapping), "csat", "moment", [1, 2]).to_dict("records")
    assert found["reason"] == ("" if shown else "given away")
    assert pd.isna([found["n"], found["value"], found["n_eff"]]).tolist() == [not shown] * 3


def test_whether_two_columns_say_the_same_is_no_base_of_a_hidden_cell() -> None:
    """Of 124 in the fax of A, 4 prefer it: 100 x 4 / 124 of `matched` would tell what the table hides."""
    channels = ["web", "shop", "fax"]
    sizes = {(shop, one, other): 40 + 30 * (one == other) + 5 * i
             for shop in "AB" for i, one in enumerate(channels) for other in channels}  # fmt: skip
    sizes["A", "fax", "fax"] = 4
    rows = [(*cell, 1 + i % 5) for cell, n in sizes.items() for i in range(n)]
    frame = pd.DataFrame(rows, columns=["firm", "liked", "used", "csat"]).assign(day="2026-10-02")
    mapping = {"kind": "transactional", "columns": {"time": "day"},
               "items": {"csat": "csat", "matched": {"same": ["used", "liked"]}},
               "dimensions": {"firm": "firm", "liked": "liked", "used": "used"}}  # fmt: skip
    levels = [(), ("firm",), ("firm", "used"), ("firm", "liked", "used")]
    tallies = mask(cx.tally(cx.read(frame, mapping), ["csat", "matched"], ["firm", "liked", "used"], levels))
    cell = cx.estimate(tallies, by=levels[-1], metrics=["csat"]).set_index([*levels[-1]])
    gone = {key for key, n in cell["n"].items() if pd.isna(n)}
    assert ("A", "fax", "fax") in gone
    assert {firm for firm, _, _ in gone} == {"A"}
    agreed = {used for _, liked, used in gone if liked == used}
    found = cx.estimate(tallies, by=["firm", "used"], metrics=["matched"]).set_index(["firm", "used"])
    assert {key for key, n in found["n"].items() if pd.isna(n)} == {("A", used) for used in agreed}
    for level, there in (([], [False]), (["firm"], [False, True])):
        assert cx.estimate(tallies, by=level, metrics=["matched"])["value"].notna().tolist() == there


@pytest.mark.parametrize(("given", "words"), [
    (("csat", "moment", [0, 1]), "weakest: answers: 0 is no answer to csat; expected some of"),
    (("csat", "momnet", [1]), "weakest: 'momnet' is no mapped dimension; did you mean 'moment'"),
    (("wait_time", "moment", [1]), "'wait_time' is a duration"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(survey: cx.Responses, given: Any, words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        cx.weakest(survey, *given)


def test_without_respondents_no_customer_is_known() -> None:
    with pytest.raises(cx.CxError, match="no column in the role `respondent`"):
        cx.weakest(cx.read(pd.DataFrame({"csat": [1, 5], "moment": ["a", "b"]})), "csat", "moment", [1])
