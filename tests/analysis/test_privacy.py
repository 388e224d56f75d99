"""What must be hidden leaves no number behind."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.privacy import mask

HIDDEN = "hidden: fewer than 10 people answered"


def survey() -> pd.DataFrame:
    """Many, Seven (7 answers of 7 people), Two (12 answers of 2 people) and Ten (10 of 10); alike in both waves."""
    parts = {"Many": (40, 40), "Seven": (7, 7), "Two": (12, 2), "Ten": (10, 10)}
    rows = [
        (brand, wave, f"{brand}{i % people}", [9, 3, 8, 10][i % 4], i % 5 + 1)
        for brand, (n, people) in parts.items()
        for wave in ("1", "2")
        for i in range(n)
    ]
    return pd.DataFrame(rows, columns=["brand", "wave", "respondent", "nps", "csat"])


def tallied(frame: pd.DataFrame, levels=(("brand",),), **roles: str) -> cx.Tallies:
    """By brand only, so that no total gives a brand away; what totals do is a matter of `test_hiding`."""
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave", **roles},
        "items": {"nps": "nps", "csat": {"column": "csat", "missing": {5: "not asked"}}},
        "dimensions": {"brand": {"column": "brand", "values": ["Empty"]}},
    }
    return cx.tally(cx.read(frame, mapping), ["nps", "csat"], by=["brand"], levels=levels, period="wave")


@cache
def by_people() -> cx.Tallies:
    return tallied(survey().assign(csat=4), respondent="respondent")


def test_a_hidden_cell_has_left_every_table() -> None:
    whole = by_people()
    masked = mask(whole)
    few = {"Seven", "Two"}
    for part in ("counts", "sums", "pairs"):
        assert few <= set(getattr(whole, part)["brand"].dropna())
        assert not few & set(getattr(masked, part)["brand"].dropna())
    assert {"Seven", "Two"} == set(masked.hidden.query("item == 'nps'")["brand"])
    assert masked.hidden["reason"].unique().tolist() == ["few people"]
    assert len(whole.hidden) == 0


def test_no_number_of_a_hidden_cell_is_told() -> None:
    masked = mask(by_people())
    estimates, changes = cx.estimate(masked, by=["brand"]), cx.compare(masked, "2", "1", by=["brand"])
    for brand in ("Seven", "Two"):
        found = cx.at(estimates, {"brand": brand})
        assert found["note"].unique().tolist() == [HIDDEN]
        assert found[["n", "n_eff", "value", "low", "high"]].isna().all(axis=None)
        row = cx.at(changes, {"brand": brand})
        numbers = [
            "n",
            "n_before",
            "n_eff",
            "n_eff_before",
            "change",
            "low",
            "high",
            "pvalue",
            "pvalue_adj",
            "detectable",
        ]
        assert row[numbers].isna().all(axis=None)
        assert row["note"].tolist() == [f"now: {HIDDEN}"] * 2
        assert row["verdict"].tolist() == ["too few"] * 2
        assert cx.distribution(masked, "nps", where={"brand": brand}).empty
    assert set(cx.distribution(masked, "nps", by=["brand"])["brand"]) == {"Many", "Ten"}


def test_an_empty_cell_hides_nobody_and_ten_people_are_enough() -> None:
    masked = mask(by_people())
    found = cx.estimate(masked, by=["brand"], metrics=["nps"], periods=["2"]).set_index("brand")
    assert found.loc["Empty", ["n", "note"]].tolist() == [0, "no answers"]
    assert found.loc["Ten", ["n", "note"]].tolist() == [10, ""]
    assert found.loc["Many", "n"] == 40


def test_people_are_counted_where_they_are_known() -> None:
    plain = survey().assign(csat=4)
    answers = mask(tallied(plain))  # without respondents twelve answers are twelve people
    assert set(answers.hidden.query("item == 'nps'")["brand"]) == {"Seven"}
    for roles in ({"respondent": "respondent"}, {"respondent": "respondent", "cluster": "brand"}):
        assert set(mask(tallied(plain, **roles)).hidden.query("item == 'nps'")["brand"]) == {"Seven", "Two"}
    unknown = plain.assign(respondent=None)
    assert set(mask(tallied(unknown, respondent="respondent")).hidden.query("item == 'nps'")["brand"]) == {"Seven"}


@pytest.mark.parametrize(("rare", "shown"), [(False, False), (True, True)])
def test_a_cell_is_hidden_for_all_items_that_about_the_same_people_answered(rare, shown) -> None:
    # Ten has ten answers to nps, but two of its people said 5 to csat, which is declared missing.
    frame = survey()
    frame["csat"] = frame["csat"].mask((frame.index % 3 > 0) & rare)
    masked = mask(tallied(frame, respondent="respondent"))
    assert "Ten" in set(masked.hidden.query("item == 'csat'")["brand"])
    found = cx.estimate(masked, by=["brand"], periods=["2"]).set_index(["brand", "metric"])
    assert pd.notna(found.loc[("Ten", "nps"), "n"]) == shown
    assert found.loc[("Ten", "csat"), "note"] == HIDDEN


@pytest.mark.parametrize("minimum", [3, 40, 41])
def test_the_minimum_is_the_caller_s(minimum) -> None:
    masked = mask(by_people(), minimum)
    shown = cx.estimate(masked, metrics=["nps"], periods=["2"])["value"].notna().sum()
    assert shown == {3: 3, 40: 1, 41: 0}[minimum]


def test_a_total_takes_a_further_cell_along() -> None:
    masked = mask(tallied(survey(), ((), ("brand",)), respondent="respondent"))
    found = cx.estimate(masked, by=["brand"], metrics=["nps"], periods=["2"]).set_index("brand")
    assert found.loc["Ten", "note"] == "hidden: it would give a smaller group away"  # Seven and Two are nine people
    assert found.loc["Many", "n"] == 40


def test_a_hidden_cell_stays_hidden_in_a_file(tmp_path: Path) -> None:
    masked = mask(by_people())
    back = cx.load(cx.save(masked, tmp_path / "tallies.parquet"))
    pd.testing.assert_frame_equal(cx.estimate(masked), cx.estimate(back))
    assert not np.isin(back.counts["brand"].astype(str), ["Seven", "Two"]).any()
