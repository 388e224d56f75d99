"""What each part brings to a change: against R's survey package, from rows, under hiding, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.analysis.totals import left_out, with_totals
from cxkit.errors import CxError

CODES = {-1: 3, 0: 7, 1: 10}
LIMITS = {"contribution": ("low", "high")} | {x: (f"{x}_low", f"{x}_high") for x in ("by_mix", "by_rate", "others")}


def tallied(frame: pd.DataFrame, rest: bool = True, **roles: str) -> cx.Tallies:
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave", **roles},
        "items": {"nps": "nps"},
        "dimensions": {"area": "area"},
    }
    answers = frame.assign(nps=frame["y"].map(CODES))
    return cx.tally(cx.read(answers, mapping), ["nps"], by=["area"], period="wave", rest=rest)


def designed() -> pd.DataFrame:
    """Weighted answers of customers who answer several times, in several areas, within each wave."""
    i = np.arange(600)
    frame = pd.DataFrame(
        {
            "wave": (i % 2).astype(str),
            "who": [f"{wave} {who}" for wave, who in zip(i % 2, (i * 7 + i // 11) % 90, strict=True)],
            "area": np.array(list("abc"))[(i * i + i // 7) % 3],
            "w": 1 + (i % 5) / 4,
            "y": np.array([-1, 0, 1, 1])[(i * 3 + i // 5 + (i * i) // 13) % 4],
        }
    )
    fell = (frame["wave"] == "1") & (frame["area"] == "a") & (frame["y"] == 1) & (frame["w"] > 1.2)
    return frame.assign(y=frame["y"].mask(fell, -1))


# R 4, survey: the frame above as d, t = 0 or 1 for the wave; for each area p, with W0 = 1*(t==0), W1 = 1*(t==1),
# S0 = y*W0, S1 = y*W1, A0 = (area==p)*W0, A1 = (area==p)*W1, B0 = y*A0, B1 = y*A1 in the design:
#   des <- svydesign(ids = ~who, strata = ~t, weights = ~w, data = d, nest = TRUE)
#   tot <- svytotal(~W0+W1+S0+S1+A0+A1+B0+B1, des)
#   svycontrast(tot, quote(B1/W1 - B0/W0 - (S1/W1 + S0/W0)/2 * (A1/W1 - A0/W0)))                       # contribution
#   svycontrast(tot, quote((A1/W1 - A0/W0) * ((B1/A1 + B0/A0)/2 - (S1/W1 + S0/W0)/2)))                 # by mix
#   svycontrast(tot, quote((B1/A1 - B0/A0) * (A1/W1 + A0/W0)/2))                                       # by rate
# and the change of the total less the contribution for the others; times 100.
R_SURVEY = {
    "contribution": ([-31.1087654321, 4.1040740741, -3.6619753086], [4.4926677651, 3.9430412077, 4.2200637368]),
    "by_mix": ([0.0329685826, 0.0812906070, -0.0274904810], [1.0852634563, 0.7419810688, 0.4268816178]),
    "by_rate": ([-31.1417340147, 4.0227834671, -3.6344848276], [4.2827453933, 3.8628651239, 4.2594895611]),
    "others": ([0.4420987654, -34.7707407407, -27.0046913580], [5.7164052396, 6.0506027119, 5.8134480753]),
}


@pytest.mark.parametrize("figure", R_SURVEY)
def test_values_and_errors_are_those_of_r_survey(figure: str) -> None:
    tallies = tallied(designed(), respondent="who", weight="w")
    wide, narrow = (cx.contributions(tallies, "1", "0", "area", level) for level in (0.95, 0.5))
    value, error = R_SURVEY[figure]
    assert wide[figure].to_numpy() == pytest.approx(value, abs=1e-8)
    low, high = LIMITS[figure]
    halves = [((frame[high] - frame[low]) / 2).to_numpy() for frame in (wide, narrow)]
    for i, (outer, inner) in enumerate(zip(*halves, strict=True)):
        # Two levels tell the degrees of freedom: t's quantiles stand in this ratio.
        df = np.arange(20, 1000, 0.25)
        ratio = stats.t.ppf(0.975, df) / stats.t.ppf(0.75, df)
        near = df[np.abs(ratio - outer / inner).argmin()]
        assert inner / stats.t.ppf(0.75, near) == pytest.approx(error[i], rel=2e-4)


def test_the_parts_add_up_and_one_of_them_explains_the_fall() -> None:
    found = cx.contributions(tallied(designed(), respondent="who", weight="w"), "1", "0", "area")
    assert found["contribution"].sum() == pytest.approx(found["total_change"].iloc[0], abs=1e-12)
    assert (found["by_mix"] + found["by_rate"]).to_numpy() == pytest.approx(found["contribution"].to_numpy(), abs=1e-12)
    assert found["verdict"].tolist() == ["contributes", "no evidence", "no evidence"]
    assert found["explains"].tolist() == [True, False, False]
    whole = cx.compare(tallied(designed(), weight="w"), "1", "0", by=())
    assert found["total_change"].iloc[0] == pytest.approx(whole["change"].item(), abs=1e-9)


counted = st.lists(st.tuples(*[st.integers(0, 12)] * 6), min_size=2, max_size=5)


@given(counted)
@settings(max_examples=8, deadline=None)
def test_parts_add_up_for_any_counts(counts: list[tuple[int, ...]]) -> None:
    rows = [
        {"wave": str(wave), "area": f"area {i}", "y": y}
        for i, cell in enumerate(counts)
        for j, n in enumerate(cell)
        for wave, y in [(j // 3, j % 3 - 1)]
        for _ in range(n + (i == 0))  # of the first area there are always some
    ]
    found = cx.contributions(tallied(pd.DataFrame(rows)), "1", "0", "area")
    if found["note"].str.contains("do not match").any():
        there = [set(pd.DataFrame(rows).query(f"wave == '{wave}'")["area"]) for wave in "01"]
        assert there[0] - there[1]
        assert there[1] - there[0]
        return
    total = found["total_change"].iloc[0]
    assert found["contribution"].sum() == pytest.approx(total, abs=1e-12 * 100)
    assert (found["contribution"] + found["others"]).to_numpy() == pytest.approx(total, abs=1e-10)
    judged = found[found["verdict"] != "too few"]
    inside = (judged["low"] > 0) | (judged["high"] < 0)
    assert (inside == (judged["pvalue"] < 0.05)).all()  # limits and p agree


def test_the_same_people_in_both_periods_are_credited() -> None:
    rng = np.random.default_rng(5)
    people = pd.DataFrame({"who": np.arange(400).astype(str), "area": rng.choice(list("ab"), 400)})
    first = people.assign(wave="0", y=rng.choice([-1, 0, 1], 400))
    again = first.assign(wave="1", y=np.where(rng.random(400) < 0.15, rng.choice([-1, 0, 1], 400), first["y"]))
    both = pd.concat([first, again])
    panel, apart = (cx.contributions(tallied(both, **r), "1", "0", "area") for r in ({"respondent": "who"}, {}))
    width = (panel["high"] - panel["low"]) / (apart["high"] - apart["low"])
    assert (width < 0.6).all()
    # From rows: nobody moves, so each person's part in the change is his own change over all, as of a paired mean.
    mine = np.where(first["area"] == "a", again["y"].to_numpy() - first["y"].to_numpy(), 0)
    error = 100 * mine.std(ddof=1) / 400**0.5
    half = (panel["high"] - panel["low"])[0] / 2
    assert half / error == pytest.approx(stats.t.ppf(0.975, 2 * (first["area"] == "a").sum()), rel=0.03)


def test_hidden_parts_are_not_shown_and_shown_ones_tell_no_more_than_their_scores() -> None:
    rng = np.random.default_rng(2)
    sizes = {"a": 200, "b": 150, "c": 40, "d": 7}
    rows = [{"wave": wave, "area": area, "y": y} for wave in "01" for area, n in sizes.items()
            for y in rng.choice([-1, 0, 1], n)]  # fmt: skip
    shown = mask(tallied(pd.DataFrame(rows)))
    found = cx.contributions(shown, "1", "0", "area").set_index("area")
    hidden = found.index[found["note"].str.contains("hidden")]
    assert len(hidden) >= 2
    numbers = [name for name in found.columns if found[name].dtype == float and name not in ("total_change", "level")]
    assert found.loc[hidden, numbers].isna().all(axis=None)
    scores = cx.estimate(shown).set_index(["period", "area"])
    whole = cx.estimate(shown, by=()).set_index("period")
    middle = whole["value"].mean()
    for area in found.index.difference(hidden):
        parts = [scores.loc[(w, area)] for w in "01"]
        told = [(p["value"] - middle) * p["n"] / whole.loc[w, "n"] for w, p in zip("01", parts, strict=True)]
        assert found.loc[area, "contribution"] == pytest.approx(told[1] - told[0])


def test_codes_that_changed_are_refused_with_words_and_a_new_part_is_mix() -> None:
    frame = designed()
    renamed = frame.assign(area=frame["area"].mask(frame["wave"] == "1", frame["area"].map({"a": "1", "b": "2"})))
    found = cx.contributions(tallied(renamed.fillna({"area": "c"})), "1", "0", "area")
    assert found["contribution"].isna().all()
    assert found["note"].unique().tolist() == ["the codes of area do not match: only in 0: a, b; only in 1: 1, 2"]
    fresh = frame[(frame["wave"] == "1") | (frame["area"] != "c")]
    row = cx.contributions(tallied(fresh), "1", "0", "area").set_index("area").loc["c"]
    assert (row["by_rate"], row["note"]) == (0, "new: all of it is mix")
    assert row["by_mix"] == row["contribution"]


def test_what_is_no_sum_of_parts_or_not_declared() -> None:
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave"},
        "items": {"handling_time": "y"},
        "dimensions": {"area": "area"},
    }
    times = cx.read(designed().assign(y=5.0), mapping)
    found = cx.contributions(cx.tally(times, ["handling_time"], ["area"], period="wave", rest=True), "1", "0", "area")
    assert found["note"].unique().tolist() == ["a quantile is no sum of its parts"]
    plain: Any = tallied(designed(), rest=False, respondent="who")
    with pytest.raises(CxError, match="rest=True"):
        cx.contributions(plain, "1", "0", "area")
    with pytest.raises(CxError, match="was not tallied"):
        cx.contributions(plain, "0", "0", "area")


def test_a_part_is_not_judged_in_a_total_that_one_weight_decides() -> None:
    i = np.arange(400)
    frame = pd.DataFrame({"wave": (i % 2).astype(str), "area": np.where(i // 2 % 2, "a", "b"), "y": i // 4 % 3 - 1})
    heavy = frame.assign(weight=np.where(i < 2, 1e6, 1.0))  # one answer of b in each wave
    found = cx.contributions(tallied(heavy, weight="weight"), "1", "0", "area").set_index("area")
    assert found["verdict"].tolist() == ["too few", "too few"]
    assert found["note"].unique().tolist() == ["fewer than 30 effective answers, here or in total, in one period"]


def test_where_every_answer_is_the_same_nothing_is_judged() -> None:
    found = cx.contributions(tallied(designed().assign(y=1)), "1", "0", "area")
    assert found["pvalue"].isna().all()
    assert found["verdict"].unique().tolist() == ["too few"]
    assert found["note"].unique().tolist() == ["every answer was the same: no error is known"]


def test_a_place_that_the_total_leaves_out_brings_nothing_and_says_so() -> None:
    """Seven answers in one wave: in both waves the total is that of the others, whose parts are those of it."""
    sizes = {"a": (60, 70), "b": (50, 40), "few": (12, 7)}
    rows = [
        (w, area, (-1, 0, 1)[(i * i + i // 3) % 3]) for area, n in sizes.items() for w in (0, 1) for i in range(n[w])
    ]
    frame = pd.DataFrame(rows, columns=["wave", "area", "y"]).astype({"wave": str})
    whole = tallied(frame)
    alone = left_out(whole, ["1", "0"])
    assert alone["area"].tolist() == ["few"]
    totals = tallied(frame[frame["area"] != "few"])
    shown = mask(with_totals(whole, totals, alone))
    found = cx.contributions(shown, "1", "0", "area").set_index("area")
    assert found["note"].to_dict() == {"a": "", "b": "", "few": "left out of the total"}
    assert np.isnan(found.loc["few", "contribution"])
    expected = cx.contributions(totals, "1", "0", "area").set_index("area")
    names = ["contribution", "low", "high", "pvalue", "by_mix", "by_rate", "others", "total_change"]
    for name in names:
        assert found.loc[["a", "b"], name].tolist() == pytest.approx(expected[name].tolist()), name


def test_a_hidden_total_is_not_taken_apart() -> None:
    frame = designed()
    few = frame[(frame["wave"] == "1") | (frame.groupby("wave").cumcount() < 9)]
    found = cx.contributions(mask(tallied(few)), "1", "0", "area")
    assert set(found["note"]) == {"the total is not known in both periods"}
    assert set(found["verdict"]) == {"too few"}
    assert found[["contribution", "low", "high", "pvalue", "total_change"]].isna().all(axis=None)
