"""What goes with an outcome, through the product: R's relaimpo, the sample's truth, and what must not be ranked."""

from __future__ import annotations

from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit import show
from cxkit.sample.truth import DRIVERS
from cxkit.sample.write import MAPPINGS, sample
from cxkit.strict import load_yaml

# R's data set swiss (Mosteller and Tukey 1977; Swiss census of 1888): Fertility, Agriculture, Examination, Education,
# Catholic, Infant.Mortality of 47 provinces.
SWISS = np.array([
    [80.2, 17.0, 15, 12, 9.96, 22.2], [83.1, 45.1, 6, 9, 84.84, 22.2], [92.5, 39.7, 5, 5, 93.40, 20.2],
    [85.8, 36.5, 12, 7, 33.77, 20.3], [76.9, 43.5, 17, 15, 5.16, 20.6], [76.1, 35.3, 9, 7, 90.57, 26.6],
    [83.8, 70.2, 16, 7, 92.85, 23.6], [92.4, 67.8, 14, 8, 97.16, 24.9], [82.4, 53.3, 12, 7, 97.67, 21.0],
    [82.9, 45.2, 16, 13, 91.38, 24.4], [87.1, 64.5, 14, 6, 98.61, 24.5], [64.1, 62.0, 21, 12, 8.52, 16.5],
    [66.9, 67.5, 14, 7, 2.27, 19.1], [68.9, 60.7, 19, 12, 4.43, 22.7], [61.7, 69.3, 22, 5, 2.82, 18.7],
    [68.3, 72.6, 18, 2, 24.20, 21.2], [71.7, 34.0, 17, 8, 3.30, 20.0], [55.7, 19.4, 26, 28, 12.11, 20.2],
    [54.3, 15.2, 31, 20, 2.15, 10.8], [65.1, 73.0, 19, 9, 2.84, 20.0], [65.5, 59.8, 22, 10, 5.23, 18.0],
    [65.0, 55.1, 14, 3, 4.52, 22.4], [56.6, 50.9, 22, 12, 15.14, 16.7], [57.4, 54.1, 20, 6, 4.20, 15.3],
    [72.5, 71.2, 12, 1, 2.40, 21.0], [74.2, 58.1, 14, 8, 5.23, 23.8], [72.0, 63.5, 6, 3, 2.56, 18.0],
    [60.5, 60.8, 16, 10, 7.72, 16.3], [58.3, 26.8, 25, 19, 18.46, 20.9], [65.4, 49.5, 15, 8, 6.10, 22.5],
    [75.5, 85.9, 3, 2, 99.71, 15.1], [69.3, 84.9, 7, 6, 99.68, 19.8], [77.3, 89.7, 5, 2, 100.00, 18.3],
    [70.5, 78.2, 12, 6, 98.96, 19.4], [79.4, 64.9, 7, 3, 98.22, 20.2], [65.0, 75.9, 9, 9, 99.06, 17.8],
    [92.2, 84.6, 3, 3, 99.46, 16.3], [79.3, 63.1, 13, 13, 96.83, 18.1], [70.4, 38.4, 26, 12, 5.62, 20.3],
    [65.7, 7.7, 29, 11, 13.79, 20.5], [72.7, 16.7, 22, 13, 11.22, 18.9], [64.4, 17.6, 35, 32, 16.92, 23.0],
    [77.6, 37.6, 15, 7, 4.97, 20.0], [67.6, 18.7, 25, 7, 8.65, 19.5], [35.0, 1.2, 37, 53, 42.34, 18.0],
    [44.7, 46.6, 16, 29, 50.43, 18.2], [42.8, 27.7, 22, 29, 58.33, 19.3],
])  # fmt: skip
# R: relaimpo::calc.relimp(Fertility ~ ., data = swiss, type = "lmg")
SWISS_LMG = [0.0570912, 0.1711730, 0.2601347, 0.1055702, 0.1127659]


def survey(rows: np.ndarray, scale: tuple[int, int] = (1, 5), **columns: object) -> cx.Responses:
    """Responses with an outcome y and items x1, x2, ..., means on one scale, and other columns in their roles."""
    names = ["y", *(f"x{i}" for i in range(1, rows.shape[1]))]
    frame = pd.DataFrame(rows, columns=names).assign(wave="1", **columns)
    item = {"measure": "mean", "scale": list(scale), "better": "higher"}
    roles = {role: role for role in ("wave", *columns) if role != "shop"}
    mapping = {"kind": "transactional", "columns": roles, "items": {name: {"column": name} | item for name in names}}
    mapping |= {"dimensions": {"shop": "shop"}} if "shop" in columns else {}
    return cx.read(frame, mapping)


def found(responses: cx.Responses, items: int, **given: object) -> pd.DataFrame:
    names = [f"x{i}" for i in range(1, items + 1)]
    frame = cx.drivers(responses, "y", names, period="wave", **given)  # type: ignore[arg-type]
    return frame.set_index("item")


def rated(n: int, seed: int, halo: float = 0.0, own: tuple[float, ...] = (0.6, 0.3, 0.0, 0.0)) -> np.ndarray:
    """Answers 1 to 5 to an outcome and four items that share `halo` of their variance."""
    rng = np.random.default_rng(seed)
    common, alone = rng.normal(size=(n, 1)), rng.normal(size=(n, 4))
    y = halo**0.5 * common + alone @ np.array(own)[:, None] + 0.6 * rng.normal(size=(n, 1))
    x = halo**0.5 * common + (1 - halo) ** 0.5 * alone
    return np.clip(np.round(3.4 + np.hstack([y, x])), 1, 5)


def all_subsets(rows: np.ndarray, weight: np.ndarray | float = 1.0) -> np.ndarray:
    """LMG by its definition, from weighted regressions on every subset of the items."""
    weight, k = np.broadcast_to(weight, len(rows)), rows.shape[1] - 1
    y, *x = ((rows - np.average(rows, axis=0, weights=weight)) * weight[:, None] ** 0.5).T

    def r2(chosen: tuple[int, ...]) -> float:
        fitted = np.column_stack([x[j] for j in chosen]) if chosen else np.zeros((len(y), 1))
        return float(1 - ((y - fitted @ np.linalg.lstsq(fitted, y, rcond=None)[0]) ** 2).sum() / (y**2).sum())

    def gain(i: int) -> float:
        others = [j for j in range(k) if j != i]
        subsets = [some for size in range(k) for some in combinations(others, size)]
        return sum((r2((*some, i)) - r2(some)) / (k * comb(k - 1, len(some))) for some in subsets)

    return np.array([gain(i) for i in range(k)])


def test_the_values_of_relaimpo() -> None:
    rows = np.vstack([SWISS, SWISS])  # twice, because 47 answers are too few for five items
    frame = found(survey(np.round(100 * rows).astype(int), (0, 10_000)), 5)
    assert frame["value"].sort_index().to_numpy() / 100 == pytest.approx(SWISS_LMG, abs=5e-8)
    assert all_subsets(SWISS) == pytest.approx(SWISS_LMG, abs=5e-8)
    assert set(frame["r_squared"].round(4)) == {70.6735}
    assert (frame["low"] < frame["value"]).all()
    assert (frame["value"] < frame["high"]).all()


def planted(seed: int, start: str, period: str, now: str) -> tuple[bool, bool]:
    """Whether the first two of the sample stand in their order, and whether the interval of the website holds 0."""
    rows = sample(seed)["responses"]
    answers = cx.read(rows[rows["time"] >= start], MAPPINGS["responses"])
    frame = cx.drivers(answers, "nps", list(DRIVERS), period=period, now=now)
    return frame["item"][:2].tolist() == list(DRIVERS)[:2], frame.set_index("item")["low"]["website"] == 0


def test_the_planted_order_is_found_and_the_website_is_nothing() -> None:
    assert [planted(seed, "2026-10", "month", "2026-10") for seed in (2026, 1, 2)] == [(True, True)] * 3


@pytest.mark.slow
def test_the_planted_order_is_found_in_nine_of_ten_seeds() -> None:
    found = [planted(seed, "2026-07", "quarter", "2026-Q3") for seed in range(40)]  # a month: .875 of these seeds
    order, nothing = np.mean(found, axis=0)
    print(order, nothing)
    assert order >= 0.9
    assert nothing >= 0.9  # 95 of 100


def common_alone(seeds: range, n: int = 300) -> float:
    """How often items that share one thing, which is all that goes with the outcome, are ranked."""
    frames = (found(survey(rated(n, seed, halo=0.5, own=(0, 0, 0, 0))), 4) for seed in seeds)
    return float(np.mean([(frame["unranked"] != "one factor").any() for frame in frames]))


def test_one_common_factor_alone_yields_no_ranking() -> None:
    assert common_alone(range(5)) <= 0.2
    frame = found(survey(rated(300, 0, halo=0.5, own=(0, 0, 0, 0))), 4)
    assert frame["first"].isna().all()
    assert frame["common"].iloc[0] > 0.8 * frame["r_squared"].iloc[0]
    told = show.drivers(frame.reset_index())
    assert "as one common factor alone would" in told
    assert "none is ranked" in told
    assert "most strongly" not in told


@pytest.mark.slow
def test_one_common_factor_is_ranked_as_rarely_as_promised() -> None:
    assert common_alone(range(200)) <= 0.04
    assert common_alone(range(200, 400), 1000) <= 0.04


def test_distinct_items_are_ranked_as_far_as_they_are_told_apart() -> None:
    frame = found(survey(rated(1000, 5)), 4)
    assert frame.index[:2].tolist() == ["x1", "x2"]
    assert frame["first"].tolist()[:2] == [1, 2]
    assert set(frame["last"][2:]) == {4}
    told = show.drivers(frame.reset_index())
    assert "Y is most strongly associated with X1" in told
    assert "because" not in told.replace("so that none", "")


def test_items_that_say_the_same_or_turn_their_sign_are_told() -> None:
    rows = rated(600, 3)
    rows[:, 2] = np.where(np.arange(600) % 12 == 0, rows[:, 2], rows[:, 1])
    assert set(found(survey(rows), 4)["unranked"]) == {"collinear"}
    rng = np.random.default_rng(4)
    x = rng.normal(size=(3000, 3))
    x[:, 1] = 0.8 * x[:, 0] + 0.6 * x[:, 1]
    y = x[:, 0] - 0.4 * x[:, 1] + 0.5 * x[:, 2] + 0.3 * rng.normal(size=3000)
    frame = found(survey(np.clip(np.round(5 + 1.5 * np.column_stack([y, x])), 0, 10), (0, 10)), 3)
    assert frame["reversed"].to_dict() == {"x1": False, "x2": True, "x3": False}
    assert set(frame["unranked"]) == {"reversed"}
    rows[:, 2] = rows[:, 1]
    assert set(found(survey(rows), 4)["reason"]) == {"no spread"}


def test_a_spread_that_rests_on_one_answer_is_few_and_not_none() -> None:
    """Without that answer x4 does not vary, so that nobody can say how sure its share is; but it does vary."""
    rows = rated(600, 3)
    rows[:, 4] = np.where(np.arange(600) == 17, 2, 4)
    assert set(found(survey(rows), 4)["reason"]) == {"few in all"}
    rows[:, 4] = 4
    assert set(found(survey(rows), 4)["reason"]) == {"no spread"}


def test_order_of_rows_and_size_of_weights_decide_nothing() -> None:
    rows, rng = rated(400, 6), np.random.default_rng(6)
    weight, person = rng.lognormal(0, 0.6, 400), rng.integers(0, 250, 400).astype(str)
    one = found(survey(rows, weight=weight, respondent=person), 4)
    turn = rng.permutation(400)
    other = found(survey(rows[turn], weight=weight[turn], respondent=person[turn]), 4)
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    larger = found(survey(rows, weight=10 * weight, respondent=person), 4)
    numbers = ["value", "low", "high", "performance_high", "gain", "tilt", "common_pvalue"]
    assert larger[numbers].to_numpy() == pytest.approx(one[numbers].to_numpy(), rel=1e-9)
    plain = found(survey(rows), 4)
    assert found(survey(rows[turn]), 4)["high"].to_numpy() == pytest.approx(plain["high"].to_numpy(), rel=1e-12)


def test_weights_are_those_of_weighted_least_squares() -> None:
    rows, weight = rated(300, 7), np.random.default_rng(7).integers(1, 5, 300)
    frame = found(survey(rows, weight=weight), 4).sort_index()
    repeated = np.repeat(rows, weight, axis=0)
    assert frame["value"].to_numpy() / 100 == pytest.approx(all_subsets(rows, weight), rel=1e-9)
    slopes = np.linalg.lstsq(np.column_stack([np.ones(len(repeated)), repeated[:, 1:]]), repeated[:, 0], rcond=None)[0]
    mean = repeated[:, 1:].mean(axis=0)
    assert frame["performance"].to_numpy() == pytest.approx(100 * (mean - 1) / 4)
    assert frame["gain"].to_numpy() == pytest.approx(slopes[1:] * (5 - mean) / 10)


def test_incomplete_answers_are_told_and_left_out() -> None:
    rows = rated(400, 8)
    rows[:100, 1], rows[90:130, 2] = np.nan, np.nan
    frame = found(survey(rows), 4)
    assert set(frame["n"]) == {270}
    assert set(frame["asked"]) == {400}
    assert frame["answered"].to_dict() == {"x1": 300, "x2": 360, "x3": 400, "x4": 400}
    whole = found(survey(rows[130:]), 4)
    assert frame["value"].to_numpy() == pytest.approx(whole["value"].to_numpy())
    told = show.drivers(frame.reset_index())
    assert "n 270 who answered everything; 400 answered about the outcome" in told


def test_small_places_are_hidden_and_in_no_total() -> None:
    rows, shop = rated(600, 9), np.repeat(["A", "B", "C"], [300, 291, 9])
    frame = found(survey(rows, shop=shop), 4, by=["shop"])
    assert set(frame[frame["shop"].eq("C")]["reason"]) == {"few people"}
    assert frame.loc[frame["shop"].eq("C"), ["n", "value", "performance"]].isna().all(axis=None)
    total = frame[frame["shop"].isna()]
    without = found(survey(rows[:591], shop=shop[:591]), 4, by=["shop"])
    shown = ["n", "value", "performance", "gain", "performance_goal"]
    assert total[shown].to_numpy() == pytest.approx(without[without["shop"].isna()][shown].to_numpy())
    assert (
        total["performance_goal"].to_dict()
        == frame[frame["shop"].isin(["A", "B"])].groupby("item")["performance"].max().to_dict()
    )
    also = found(survey(rows, shop=shop), 4, by=["shop"], hidden=[{"shop": "B"}])
    assert set(also[also["shop"].eq("B")]["reason"]) == {"given away"}
    assert set(also[also["shop"].isna()]["n"]) == {300}
    one_person = survey(rows, shop=shop, respondent=np.where(shop == "B", "same", np.arange(600).astype(str)))
    few = found(one_person, 4, by=["shop"])
    assert set(few[few["shop"].eq("B")]["reason"]) == {"few people"}


def test_few_answers_show_nothing() -> None:
    frame = found(survey(rated(35, 10)), 4)
    assert set(frame["note"]) == {"fewer than 40 effective answers"}
    assert "nothing to draw" in show.drivers(frame.reset_index())
    assert "name no outcome" in show.drivers(frame.reset_index()[:0])


@pytest.mark.parametrize(("outcome", "items", "words"), [
    ("y", ["x1", "x9", "x3"], "drivers.items: 'x9': is no metric"),
    ("z", ["x1", "x2", "x3"], "drivers.outcome: 'z'"),
    ("y", ["x1", "x2"], "expected 3 to 15, found 2"),
    ("y", ["x1", "x2", "y"], "the question 'y' stands there twice, or is that of the outcome"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(outcome: str, items: list[str], words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        cx.drivers(survey(rated(60, 1)), outcome, items, period="wave")


def test_answers_without_an_order_are_counted_by_their_value() -> None:
    """Of "yes, no, unsure" (1, 0, 2) unsure is no more than yes."""
    rng = np.random.default_rng(2)
    cared = rng.choice([0, 1, 2], 500)
    y = np.clip(np.round(3 + (cared == 1) + 0.5 * rng.normal(size=500)), 1, 5)
    frame = pd.DataFrame({"wave": "1", "y": y, "cared": cared, **{f"x{i}": rng.integers(1, 6, 500) for i in (1, 2)}})
    item = {"measure": "mean", "scale": [1, 5], "better": "higher"}
    mapping = {"kind": "transactional", "columns": {"wave": "wave"},
               "items": {"y": {"column": "y"} | item, "x1": {"column": "x1"} | item, "x2": {"column": "x2"} | item,
                         "cared": "cared"}}  # fmt: skip
    made = cx.drivers(cx.read(frame, mapping), "y", ["cared", "x1", "x2"], period="wave").set_index("item")
    assert made["value"]["cared"] / 100 == pytest.approx(np.corrcoef(y, cared == 1)[0, 1] ** 2, abs=0.02)


SFO = Path(__file__).parents[3] / "shared" / "data" / "sfo"


@pytest.mark.skipif(not SFO.exists(), reason="the airport survey is not there")
def test_the_airport_survey_by_all_subsets_of_weighted_regressions() -> None:
    params = load_yaml(Path(__file__).parents[2] / "params" / "sfo.yaml")
    responses = cx.read(params["source"], Path(__file__).parents[2] / "params/mappings/sfo.yaml", folder=SFO)
    frame = cx.drivers(responses, **params["drivers"], period="wave", now="2018").set_index("item")
    raw = pd.read_csv(SFO / "2018_SFO_Customer_Survey.csv", low_memory=False).rename(columns=str.strip)
    columns = ["NETPRO", "Q7SIGN", "Q7SCREENS", "Q7WALKWAY", "Q9Restroom", "Q9Boarding", "Q7ART", "Q7FOOD", "Q7STORE"]
    x = raw[columns].apply(pd.to_numeric, errors="coerce")
    kept = x["NETPRO"].between(0, 10) & x[columns[1:]].isin(range(1, 6)).all(axis=1)
    rows, weight = x[kept].to_numpy(), raw.loc[kept, "WEIGHT"].to_numpy()
    assert set(frame["n"]) == {kept.sum()}
    expected = dict(zip(params["drivers"]["items"], all_subsets(rows, weight), strict=True))
    assert (frame["value"] / 100).to_dict() == pytest.approx(expected, rel=1e-9)
