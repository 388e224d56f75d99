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
from cxkit.stats import holm

SIZE_1970 = [12.9, 10.9, 9.5, 8, 7.8, 8.4, 8.6, 7.8, 7, 5.9, 4.7, 3.6, 4.9]
SIZE_1985 = [10.1, 11.2, 11.6, 10.9, 9.4, 7.7, 6.3, 6, 6.3, 5.9, 5.1, 4, 5.5]
RATE_1970 = [1.9, 25.8, 45.7, 49.6, 51.2, 51.6, 51.8, 54.9, 58.7, 60.4, 62.8, 66.6, 66.8]
RATE_1985 = [2.2, 24.3, 45.8, 52.5, 56.1, 55.6, 56, 57.4, 57.2, 61.2, 63.9, 68.6, 72.2]
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
    wide, narrow = (cx.why(tallies, "1", "0", "area", level) for level in (0.95, 0.5))
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
    found = cx.why(tallied(designed(), respondent="who", weight="w"), "1", "0", "area")
    assert found["contribution"].sum() == pytest.approx(found["total_change"].iloc[0], abs=1e-12)
    assert (found["by_mix"] + found["by_rate"]).to_numpy() == pytest.approx(found["contribution"].to_numpy(), abs=1e-12)
    assert found["verdict"].tolist() == ["contributes", "no evidence", "no evidence"]
    assert found["explains"].tolist() == [True, False, False]
    whole = cx.compare(tallied(designed(), weight="w"), "1", "0", by=())
    assert found["total_change"].iloc[0] == pytest.approx(whole["change"].item(), abs=1e-9)


counted = st.lists(st.tuples(*[st.integers(0, 12)] * 6), min_size=2, max_size=5)


@given(counted)
@settings(max_examples=8)
def test_parts_add_up_for_any_counts(counts: list[tuple[int, ...]]) -> None:
    rows = [
        {"wave": str(wave), "area": f"area {i}", "y": y}
        for i, cell in enumerate(counts)
        for j, n in enumerate(cell)
        for wave, y in [(j // 3, j % 3 - 1)]
        for _ in range(n + (i == 0))  # of the first area there are always some
    ]
    found = cx.why(tallied(pd.DataFrame(rows)), "1", "0", "area")
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
    panel, apart = (cx.why(tallied(both, **r), "1", "0", "area") for r in ({"respondent": "who"}, {}))
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
    found = cx.why(shown, "1", "0", "area").set_index("area")
    hidden = found.index[found["note"].str.contains("hidden")]
    assert len(hidden) >= 2
    numbers = [name for name in found.columns if found[name].dtype == float
               and not name.startswith(("total", "level", "value", "composition", "movement"))]  # fmt: skip
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
    found = cx.why(tallied(renamed.fillna({"area": "c"})), "1", "0", "area")
    assert found["contribution"].isna().all()
    assert found["note"].unique().tolist() == ["the codes of area do not match: only in 0: a, b; only in 1: 1, 2"]
    fresh = frame[(frame["wave"] == "1") | (frame["area"] != "c")]
    row = cx.why(tallied(fresh), "1", "0", "area").set_index("area").loc["c"]
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
    found = cx.why(cx.tally(times, ["handling_time"], ["area"], period="wave", rest=True), "1", "0", "area")
    assert found["note"].unique().tolist() == ["a quantile is no sum of its parts"]
    plain: Any = tallied(designed(), rest=False, respondent="who")
    with pytest.raises(CxError, match="rest=True"):
        cx.why(plain, "1", "0", "area")
    with pytest.raises(CxError, match="was not tallied"):
        cx.why(plain, "0", "0", "area")


def test_a_part_is_not_judged_in_a_total_that_one_weight_decides() -> None:
    i = np.arange(400)
    frame = pd.DataFrame({"wave": (i % 2).astype(str), "area": np.where(i // 2 % 2, "a", "b"), "y": i // 4 % 3 - 1})
    heavy = frame.assign(weight=np.where(i < 2, 1e6, 1.0))  # one answer of b in each wave
    found = cx.why(tallied(heavy, weight="weight"), "1", "0", "area").set_index("area")
    assert found["verdict"].tolist() == ["too few", "too few"]
    assert found["note"].unique().tolist() == ["fewer than 30 effective answers, here or in total, in one period"]


def test_where_every_answer_is_the_same_nothing_is_judged() -> None:
    found = cx.why(tallied(designed().assign(y=1)), "1", "0", "area")
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
    found = cx.why(shown, "1", "0", "area").set_index("area")
    assert found["note"].to_dict() == {"a": "", "b": "", "few": "left out of the total"}
    assert np.isnan(found.loc["few", "contribution"])
    expected = cx.why(totals, "1", "0", "area").set_index("area")
    names = ["contribution", "low", "high", "pvalue", "by_mix", "by_rate", "others", "total_change"]
    for name in names:
        assert found.loc[["a", "b"], name].tolist() == pytest.approx(expected[name].tolist()), name


def test_a_hidden_total_is_not_taken_apart() -> None:
    frame = designed()
    few = frame[(frame["wave"] == "1") | (frame.groupby("wave").cumcount() < 9)]
    found = cx.why(mask(tallied(few)), "1", "0", "area")
    assert set(found["note"]) == {"the total is not known in both periods"}
    assert set(found["verdict"]) == {"too few"}
    assert found[["contribution", "low", "high", "pvalue", "total_change"]].isna().all(axis=None)


def test_das_gupta_with_weights_of_any_scale() -> None:
    """Das Gupta (1993), example 5.1, as in the README of R's DasGuptR: 1.2269 by size, 1.7403 by rate."""
    rows = [(wave, f"{i:02}", answer, size * (rate if answer == "yes" else 100 - rate))
            for wave, sizes, rates in (("0", SIZE_1970, RATE_1970), ("1", SIZE_1985, RATE_1985))
            for i, (size, rate) in enumerate(zip(sizes, rates, strict=True)) for answer in ("yes", "no")]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["wave", "area", "recommended", "w"])
    mapping = {"kind": "transactional", "columns": {"wave": "wave", "weight": "w"}, "dimensions": {"area": "area"},
               "items": {"recommended": {"column": "recommended", "labels": {"yes": 1, "no": 0}}}}  # fmt: skip
    told = [
        cx.why(cx.tally(cx.read(frame.assign(w=frame["w"] * scale), mapping), ["recommended"], ["area"], period="wave",
                        rest=True), "1", "0", "area", minimum=1)
        for scale in (0.1, 1, 10)
    ]  # fmt: skip
    assert told[1][["composition", "movement"]].iloc[0].tolist() == pytest.approx([1.2269, 1.7403], abs=5e-5)
    for other in (told[0], told[2]):
        pd.testing.assert_frame_equal(other, told[1], rtol=1e-9)


def by_influence(frame: pd.DataFrame, figure: int) -> float:
    """Standard error of composition (0) or movement (1), in points: the figure is moved by each customer's weight."""

    def value(weights: np.ndarray) -> float:
        sides = []
        for wave in "01":
            own = frame.assign(w=weights)[frame["wave"] == wave]
            w = own.groupby("area")["w"].sum()
            sides.append((w.to_numpy() / w.sum(), ((own["w"] * own["y"]).groupby(own["area"]).sum() / w).to_numpy()))
        (w0, r0), (w1, r1) = sides
        return 100 * float((w1 - w0) @ (r0 + r1) / 2 if figure == 0 else (r1 - r0) @ (w0 + w1) / 2)

    variance = 0.0
    for wave, own in frame.groupby("wave"):
        moved = [
            value(np.where((frame["who"] == who) & (frame["wave"] == wave), 1 + 1e-6, 1) * frame["w"]) for who in
            own["who"].unique()
        ]  # fmt: skip
        z = (np.array(moved) - value(frame["w"].to_numpy())) / 1e-6
        variance += len(z) / (len(z) - 1) * (z**2).sum()
    return variance**0.5


@pytest.mark.parametrize(("inside", "close"), [(True, 1e-4), (False, 0.08)])
def test_composition_and_movement_have_the_errors_of_their_customers(inside: bool, close: float) -> None:
    frame = designed()
    if inside:  # each customer stays in one area
        frame = frame.assign(area=frame["area"].groupby(frame["who"]).transform("first"))
    found = cx.why(tallied(frame, respondent="who", weight="w"), "1", "0", "area").iloc[0]
    assert found["composition"] + found["movement"] == pytest.approx(found["total_change"], abs=1e-12)
    df = 2 * 89  # of 90 customers in each wave, about as sure
    for figure, name in enumerate(("composition", "movement")):
        half = (found[f"{name}_high"] - found[f"{name}_low"]) / 2
        assert half == pytest.approx(stats.t.ppf(0.975, df) * by_influence(frame, figure), rel=close), name


def of_areas(before: dict[str, tuple[int, float]], now: dict[str, tuple[int, float]]) -> pd.DataFrame:
    """Answers by area: how many, and their NPS; nobody is passive."""
    rows = [(wave, area, y) for wave, side in (("0", before), ("1", now)) for area, (n, nps) in side.items()
            for y, k in ((1, round(n * (1 + nps) / 2)), (-1, round(n * (1 - nps) / 2))) for _ in range(k)]  # fmt: skip
    return pd.DataFrame(rows, columns=["wave", "area", "y"])


@pytest.mark.parametrize(
    ("before", "now", "cause"),
    [
        ({"a": (400, 0.5), "b": (400, -0.5)}, {"a": (200, 0.5), "b": (600, -0.5)}, "composition"),
        ({"a": (400, 0.5), "b": (400, -0.5)}, {"a": (400, 0.2), "b": (400, -0.8)}, "movement"),
        ({"a": (400, 0.5), "b": (400, -0.5)}, {"a": (200, 0.2), "b": (600, -0.8)}, "both"),
        ({"a": (600, 0.4), "b": (200, -0.6)}, {"a": (200, 0.6), "b": (600, -0.4)}, "opposite"),  # all rise, it falls
        ({"a": (400, 0.5), "b": (400, -0.5)}, {"a": (404, 0.5), "b": (396, -0.5)}, "cannot tell"),
        ({"a": (400, 0.5), "b": (400, 0.5)}, {"a": (400, 0.1), "b": (400, 0.1)}, "movement"),  # composition: 0 +- 0
        ({"a": (400, 0.5)}, {"a": (400, 0.1)}, ""),  # of one part nothing is a matter
    ],
)
def test_the_five_causes(before: Any, now: Any, cause: str) -> None:
    found = cx.why(tallied(of_areas(before, now)), "1", "0", "area")
    assert set(found["cause"]) == {cause}
    if cause == "opposite":
        assert (found["by_rate"] > 0).all()
        assert (found["total_change"] < 0).all()


def test_a_movement_is_within_the_margin_where_both_limits_are() -> None:
    shares = {"a": (4000, 0.5), "b": (4000, -0.5)}
    tallies = tallied(of_areas(shares, {"a": (3000, 0.5), "b": (5000, -0.5)}))
    found = cx.why(tallies, "1", "0", "area").iloc[0]
    half = max(-found["movement_low"], found["movement_high"])
    assert (found["cause"], found["within"]) == ("composition", 5)
    assert np.isnan(cx.why(tallies, "1", "0", "area", margin=half - 0.01).iloc[0]["within"])
    assert cx.why(tallies, "1", "0", "area", margin=half + 0.01).iloc[0]["within"] == pytest.approx(half + 0.01)


def test_several_dimensions_by_themselves_and_jointly() -> None:
    frame = designed().assign(plan=np.where(np.arange(600) // 3 % 2, "x", "y"))
    mapping = {"kind": "transactional", "columns": {"wave": "wave", "weight": "w", "cluster": "who"},
               "items": {"nps": "nps"}, "dimensions": {"area": "area", "plan": "plan"}}  # fmt: skip
    levels = [(), ("area",), ("plan",), ("area", "plan")]

    def of(frame: pd.DataFrame, by: Any) -> pd.DataFrame:
        read = cx.read(frame.assign(nps=frame["y"].map(CODES)), mapping)
        return cx.why(cx.tally(read, ["nps"], ["area", "plan"], period="wave", levels=levels, rest=True), "1", "0", by)

    found = of(frame, ["area", "plan", ("area", "plan")])
    assert found["dimension"].value_counts().to_dict() == {"area": 3, "plan": 2, "area × plan": 6}
    for _, one in found.groupby("dimension"):
        whole = one.iloc[0]
        assert one["contribution"].sum() == pytest.approx(whole["total_change"], abs=1e-12)
        assert one["by_mix"].sum() == pytest.approx(whole["composition"], abs=1e-12)
        assert whole["movement_low"] < whole["movement"] < whole["movement_high"]
    joint = found[found["dimension"] == "area × plan"]
    assert set(joint["reason"]) == {"joint"}
    renamed = frame.assign(plan=frame["plan"].mask(frame["wave"] == "1", frame["plan"].str.upper()))
    assert set(of(renamed, [("area", "plan")])["reason"]) == {"other codes"}
    firsts = found.groupby("dimension")["composition_pvalue"].first()
    alone = [of(frame, [by])["composition_pvalue"].iloc[0] for by in ("area", "plan", ("area", "plan"))]
    assert sorted(firsts) == pytest.approx(sorted(holm(alone)))
