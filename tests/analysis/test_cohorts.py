"""Cohorts: the sample's customers and tickets against plain pandas; what is young or small is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit import show
from cxkit.analysis.cohorts import MONTHS, cohorts_of, with_cohorts
from cxkit.analysis.privacy import mask
from cxkit.sample.write import EXPORTED, sample

KEYS = ["period", "after"]


def in_months(after: float) -> int:
    return round(after / MONTHS[0])


def test_the_share_still_there_is_that_of_pandas() -> None:
    """Of who was first there at the start of a month of the window; all of them are watched for as many months."""
    tallies = cx.tally(cx.read("sample customers"), ["stay"])
    found = cx.cohorts(tallies, "stay")
    customers = sample()["customers"]
    joined, left = (pd.to_datetime(customers[name]).dt.to_period("M") for name in ("joined", "churned_on"))
    first, end = joined + 1, pd.Period("2026-11")
    there = (left.isna() | (left >= first)) & (first >= "2025-11") & (first < end)
    for (cohort, after), row in found.set_index(KEYS).iterrows():
        own, age = there & (first == cohort), in_months(after)
        watched = pd.Period(cohort) + age <= end
        assert row["n"] == own.sum()
        assert row["reason"] == ("" if watched else "immature")
        still = (own & ~(left < pd.Period(cohort) + age)).sum()
        assert (row["still"], row["value"]) == pytest.approx((still, 100 * still / own.sum()) if watched else
                                                             (np.nan, np.nan), nan_ok=True)  # fmt: skip
    assert found["period"].nunique() == 12
    assert set(found["verdict"]) <= {"no evidence", "too few"}  # none is planted


def test_cases_that_had_ended_are_those_of_the_curve() -> None:
    tallies = cx.tally(cx.read("sample tickets"), ["full_resolution"])
    found = cx.cohorts(tallies, "full_resolution", at=[60, 1440]).set_index(KEYS)
    curve = cx.curve(tallies, "full_resolution", at=[60, 1440]).set_index(KEYS)
    both = found.index.intersection(curve.index)
    columns = ["n", "value", "low", "high"]
    pd.testing.assert_frame_equal(found.loc[both, columns].astype(float), curve.loc[both, columns].astype(float))
    tickets = sample()["tickets"]
    august = tickets[tickets["opened"].dt.tz_convert("Europe/Berlin").dt.strftime("%Y-%m") == "2026-08"]
    took = (august["solved"].fillna(EXPORTED.tz_convert("UTC")) - august["opened"]).dt.total_seconds() / 60
    assert found.loc[("2026-08", 1440), "still"] == pytest.approx((took > 1440).sum(), abs=2)  # three digits


def frame(sizes: dict[str, int], leaving: dict[str, float], seed: int = 1) -> pd.DataFrame:
    """Customers who leave in each month with a chance, until 1 July 2026, in two places."""
    rng, rows = np.random.default_rng(seed), []
    for month, size in sizes.items():
        stays = rng.geometric(leaving.get(month, 0.1), size)
        for i, stay in enumerate(stays):
            left = pd.Period(month) + int(stay)
            rows.append({"id": f"{month}{i}", "joined": f"{month}-10", "place": "ab"[i % 2],
                         "left": "" if left >= pd.Period("2026-07") else f"{left}-10"})  # fmt: skip
    return pd.DataFrame(rows)


MAPPING: dict[str, Any] = {
    "kind": "relationship",
    "columns": {"respondent": "id"},
    "monthly": {"from": "joined", "to": "left", "until": "2026-07-01", "since": "2026-01-01"},
    "items": {
        "churn": "month.lost",
        "stay": {"column": "month.stay", "measure": "duration", "unit": "months", "better": "higher",
                 "still_open": {"month.there": ["yes"]}},
    },
    "dimensions": {"place": "place"},
}  # fmt: skip
MONTHS_OF_2026 = [f"2026-{month:02d}" for month in range(1, 6)]


def test_a_worse_cohort_is_found_and_the_others_are_not() -> None:
    rows = frame(dict.fromkeys(MONTHS_OF_2026, 300), {"2026-03": 0.3})
    found = cx.cohorts(cx.tally(cx.read(rows, MAPPING), ["stay"]), "stay").drop_duplicates("period")
    assert found.set_index("period")["verdict"].to_dict()["2026-04"] == "higher"  # first there at the start of April
    assert "higher" not in set(found.loc[found["period"] != "2026-04", "verdict"])


def test_small_cohorts_are_hidden_and_young_or_small_cells_have_no_number() -> None:
    found = cx.cohorts(mask(cx.tally(cx.read(frame({"2026-01": 9, "2026-02": 40}, {"2026-02": 0.5}), MAPPING),
                                     ["stay"])), "stay")  # fmt: skip
    hidden, shown = (found[found["period"] == period] for period in ("2026-02", "2026-03"))
    assert hidden[["n", "still", "value", "low", "high", "ratio"]].isna().all(axis=None)
    assert set(hidden["note"]) == {"hidden: fewer than 10 people answered"}
    assert shown["n"].eq(40).all()
    held = shown[shown["reason"] == ""]
    assert len(held)
    assert held["still"].min() >= 10
    assert set(shown.loc[shown["after"] > MONTHS[3], "reason"]) == {"immature"}  # March to June are four months


@pytest.mark.parametrize(("few", "told"), [(30, True), (6, False)])
def test_places_tell_no_cohorts_beside_a_hidden_one(few: int, told: bool) -> None:
    rows = frame(dict.fromkeys(MONTHS_OF_2026, 100), {})
    rows.loc[rows[rows["joined"] == "2026-02-10"].index[few:], "place"] = "a"
    survey, given = cx.read(rows, MAPPING), {"by": ["place"], "levels": [(), ("place",)]}
    own = mask(cx.tally(survey, ["stay"], **given))
    made = with_cohorts(mask(cx.tally(survey, ["churn"], **given)), own, "stay", ["place"], 0.95, "holm", MONTHS)
    assert cohorts_of(made, {})["value"].notna().any()
    for place in "ab":  # and where they are not told, the page says so
        held, page = cohorts_of(made, {"place": place}), show.cohorts(cohorts_of(made, {"place": place}))
        assert held["value"].notna().any() == told
        words = "not shown (hidden: it would give a smaller group away)."
        assert (words in page) != told
        assert ("<svg" in page) == told


def test_a_total_that_leaves_somebody_out_has_no_cohorts_and_the_page_says_so() -> None:
    survey = cx.read(frame(dict.fromkeys(MONTHS_OF_2026, 100), {}), MAPPING)
    churn = mask(cx.tally(survey, ["churn"], by=[]))
    withheld = replace(churn, provenance={**churn.provenance, "withheld": ["churn"]})
    made = with_cohorts(withheld, mask(cx.tally(survey, ["stay"], by=[])), "stay", [], 0.95, "holm", MONTHS)
    page = show.cohorts(cohorts_of(made, {}))
    assert page.startswith('<p id="cohorts-stay">Stay: share that is still there after a time, by its start: not shown')


def test_what_has_no_cohorts_is_refused() -> None:
    with pytest.raises(cx.CxError, match="churn is no duration"):
        cx.cohorts(cx.tally(cx.read("sample customers"), ["churn"]), "churn")
