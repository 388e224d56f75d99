"""What few people said who answered several times, or in both periods, is told by no digit: their answers are tried."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis import drivers, gradient, nonresponse, privacy
from cxkit.tallies.products import repeats

SIZES = {"A": 60, "B": 45, "C": 40}  # answers of each brand in each wave
SAID = [0, 0, 5, 7, 8, 9, 9, 10, 10, 10]


def answers(again: dict[str, int], both: dict[str, int], said: tuple[int, ...]) -> pd.DataFrame:
    """Some people answer twice in the second wave, and some in both; what the last one said is given.

    Whatever that is, each brand has the same answers in each wave: somebody else said the other ones.
    """
    rows = []
    for (brand, n), wave in product(SIZES.items(), ("1", "2")):
        values = [SAID[i % 10] for i in range(n)]
        who = [f"{brand} {wave} {i}" for i in range(n)]
        if wave == "2":
            for i in range(again.get(brand, 0)):
                who[2 * i + 1] = who[2 * i]
        for i in range(both.get(brand, 0)):
            who[n - 1 - i] = f"{brand} both {i}"
        at = [2 * again["B"] - 2, 2 * again["B"] - 1] if again else [n - both["B"]]
        for i, value in zip(at, said, strict=False) if (brand, wave) == ("B", "2") else ():
            other = next(j for j in range(n) if j not in at and values[j] == value)
            values[i], values[other] = values[other], values[i]
        rows += [(brand, wave, who[i], values[i]) for i in range(n)]
    return pd.DataFrame(rows, columns=["brand", "wave", "who", "nps"])


def told(frame: pd.DataFrame, hide: bool) -> list[pd.DataFrame]:
    """Everything that is told of the scores, their changes, why they changed, and of brands beside the others."""
    roles = {"wave": "wave", "respondent": "who"} | ({"weight": "w"} if "w" in frame else {})
    mapping = {"kind": "transactional", "columns": roles, "items": {"nps": "nps"}, "dimensions": {"brand": "brand"}}
    levels = [(), ("brand",)]
    tallies = cx.tally(cx.read(frame, mapping), ["nps"], by=["brand"], levels=levels, period="wave", rest=True)
    tallies = privacy.mask(tallies) if hide else tallies
    return [cx.estimate(tallies), cx.compare(tallies, "2", "1"), cx.compare(tallies, "2", "1", by=["brand"]),
            cx.against_rest(tallies, "2", "brand"), cx.why(tallies, "2", "1", "brand")]  # fmt: skip


def differ(again: dict[str, int], both: dict[str, int], hide: bool = True) -> bool:
    """Whether what is told depends on what that person said."""
    tried = [told(answers(again, both, said), hide) for said in ((0, 0), (0, 10), (9, 10))]
    return any(
        not np.allclose(*(frame.select_dtypes("number").to_numpy(float) for frame in (one, other)), equal_nan=True)
        for more in tried[1:] for one, other in zip(tried[0], more, strict=True)
    )  # fmt: skip


CASES = {
    "one person twice": ({"B": 1}, {}),
    "nine people twice": ({"B": 9}, {}),
    "one in both waves": ({}, {"B": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_few_said_twice_is_in_no_digit(case):
    assert not differ(*CASES[case])
    assert differ(*CASES[case], hide=False)


@pytest.mark.parametrize("mended", [True, False])
def test_one_person_of_little_weight_who_answered_twice_is_not_taken_for_many(monkeypatch, mended):
    """Two answers that count a tenth are a hundredth of a pair, or next to none."""
    if not mended:
        of_many = privacy._of_many
        monkeypatch.setattr(privacy, "_of_many", lambda s, tallies: of_many(s.assign(nn=s["clusters"]), tallies))
    frames = [answers({"B": 1}, {}, said) for said in ((0, 0), (0, 10))]
    for frame in frames:
        light = frame["brand"].eq("B") & frame["wave"].eq("2")
        frame["w"] = np.where(light & (light.cumsum() <= 20), 0.1, 1.0)
    one, other = (told(frame, hide=True)[0].select_dtypes("number").to_numpy(float) for frame in frames)
    assert np.allclose(one, other, equal_nan=True) is mended


@pytest.mark.parametrize("both", [False, True])
def test_a_total_less_a_brand_does_not_tell_what_one_person_of_another_said(both):
    """Twelve of A and one of B: where the total tells of thirteen, the brand that could be taken off tells nothing."""
    given = ({}, {"A": 12, "B": 1}) if both else ({"A": 12, "B": 1}, {})
    assert differ(*given)  # the total, of thirteen people
    frames = [answers(*given, said=(5, 9)) for _ in range(2)]
    twelve = frames[1]["brand"].eq("A") & frames[1]["wave"].eq("2")
    frames[1].loc[twelve, "nps"] = frames[1].loc[twelve, "nps"].to_numpy()[::-1]
    for hide in (True, False):
        tables = [told(frame, hide)[2 if both else 0].query("brand == 'A'") for frame in frames]
        one, other = (table.select_dtypes("number").to_numpy(float) for table in tables)
        assert np.allclose(one, other, equal_nan=True) is hide


def test_what_many_said_twice_still_counts():
    for again, both in (({"B": 14}, {}), ({}, {"B": 14})):
        assert differ(again, both)


def test_a_cell_in_which_few_answer_twice_is_worth_its_people():
    """As if nobody had changed their mind: 45 answers, 1 of them a second one, count for 45^2 / (43 + 4)."""
    tables = told(answers({"B": 1}, {}, (0, 10)), hide=True)
    shown = tables[0].query("period == '2' and brand == 'B'").iloc[0]
    assert shown["n_eff"] == pytest.approx(45 / 44 * 43 / 44 * 45**2 / 47)


def test_one_person_who_answered_often_is_not_taken_for_many():
    """Twelve answers of one person are eleven more than people: as many as of eleven who answered twice."""
    frame = answers({"B": 1}, {}, (0, 10))
    some = frame.index[(frame["brand"] == "B") & (frame["wave"] == "2")][:12]
    frame.loc[some, "who"] = "B 2 0"
    mine = frame.index[frame["who"] == "B 2 0"].tolist()
    beside = frame[(frame["brand"] == "B") & (frame["wave"] == "2")].drop(mine)
    others = beside.sort_values("nps").index[-len(mine) :].tolist()
    turned = frame.copy()
    turned.loc[mine + others, "nps"] = frame.loc[others + mine, "nps"].to_numpy()
    for hide in (True, False):
        one, other = (told(each, hide)[0].select_dtypes("number").to_numpy(float) for each in (frame, turned))
        assert np.allclose(one, other, equal_nan=True) is hide


# Strata and clusters --------------------------------------------------------------------------------------------------


def sampled(few: int, said: int) -> pd.DataFrame:
    """Brand A has few people in one stratum, or in one shop, all others being alone; what the first of them said.

    Whatever that is, brand A has the same answers: somebody else of it said the other one.
    """
    sizes = {("A", "s"): 60 - few, ("A", "t"): few, ("B", "s"): 20, ("B", "t"): 40}
    rows = [(*place, SAID[i % 10]) for place, n in sizes.items() for i in range(n)]
    frame = pd.DataFrame(rows, columns=["brand", "place", "nps"]).assign(wave="1")
    frame["w"] = np.where(frame.index % 7 == 0, 6.0, 1.0)  # else a design that is better than none would be cut off
    first = frame.index[(frame["brand"] == "A") & (frame["place"] == "t")][0]
    others = {x: frame.index[(frame["place"] == "s") & (frame["nps"] == x)][0] for x in (0, 10)}
    frame.loc[[first, *others.values()], "w"] = 1.0
    at = [first, others[said]]
    frame.loc[at, "nps"] = frame.loc[at[::-1], "nps"].to_numpy()
    alone = frame["place"].where(frame["brand"].eq("A") & frame["place"].eq("t"), [f"shop {i}" for i in frame.index])
    return frame.assign(stratum=frame["place"], cluster=alone)


def brands(role: str, few: int, said: int, hide: bool = True) -> np.ndarray:
    """All numbers of both brands, each by itself and beside the other."""
    mapping = {"kind": "transactional", "columns": {"wave": "wave", "weight": "w", role: role}, "items": {"nps": "nps"},
               "dimensions": {"brand": "brand"}}  # fmt: skip
    given = {"by": ["brand"], "levels": [(), ("brand",)], "period": "wave", "rest": True}
    tallies = cx.tally(cx.read(sampled(few, said), mapping), ["nps"], **given)
    tallies = privacy.mask(tallies) if hide else tallies
    frames = cx.estimate(tallies, by=["brand"]), cx.against_rest(tallies, "1", "brand")
    return np.concatenate([frame.select_dtypes("number").to_numpy(float).ravel() for frame in frames])


@pytest.mark.parametrize(("role", "few"), [("stratum", 1), ("stratum", 9), ("cluster", 2), ("cluster", 9)])
def test_the_only_ones_of_a_stratum_or_a_shop_are_in_no_digit(role, few):
    for hide in (True, False):
        one, other = (brands(role, few, said, hide) for said in (0, 10))
        assert np.allclose(one, other, equal_nan=True) is hide


@pytest.mark.parametrize("role", ["stratum", "cluster"])
def test_a_stratum_or_a_shop_of_many_still_counts(role):
    assert not np.allclose(*(brands(role, 20, said) for said in (0, 10)), equal_nan=True)
    assert np.isfinite(brands(role, 9, 0)).sum() == np.isfinite(brands(role, 20, 0)).sum()


# Trends and what goes with a score -----------------------------------------------------------------------------------


def joined(people: int, turned: bool, role: str) -> list[pd.DataFrame]:
    """Trends, drivers and weighted scores of 240 answers; `turned`: other answers of B are of who answered twice."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.integers(1, 6, (240, 3)), columns=["x1", "x2", "x3"])
    frame["nps"] = np.clip(frame.sum(axis=1) - 4 + rng.integers(0, 4, 240), 0, 10)
    frame = frame.sort_values("nps", ignore_index=True)
    frame = frame.assign(wave="1", brand=np.where(frame.index % 2, "A", "B"), band=rng.choice(list("123"), 240))
    whose, mine = np.arange(240), frame.index[frame["brand"] == "B"]
    whose[mine[1 : 2 * people : 2]] = mine[: 2 * people : 2]
    whose[mine] = whose[mine[::-1] if turned else mine]
    rating = {"measure": "mean", "scale": [1, 5], "better": "higher"}
    items = {name: {"column": name} | rating for name in ("x1", "x2", "x3")}
    mapping = {
        "kind": "transactional", "columns": {"wave": "wave", role: "whose"}, "items": {"nps": "nps"} | items,
        "dimensions": {"brand": "brand", "band": {"column": "band", "values": list("123")}},
    }  # fmt: skip
    survey = cx.read(frame.assign(whose=[f"p{one}" for one in whose]), mapping)
    given = {"by": ["brand"], "period": "wave", "now": "1"}
    return [cx.gradient(survey, ["nps"], "band", **given), cx.drivers(survey, "nps", list(items), **given),
            cx.nonresponse(survey, ["nps"], ["band"], **given)]  # fmt: skip


def unlike(people: int, role: str) -> list[bool]:
    """Whether what is told of everybody and of brand B, in each table, depends on whose each answer is."""
    tables = zip(joined(people, False, role), joined(people, True, role), strict=True)
    found = []
    for both, place in product(tables, ("", "B")):
        one, other = (table[table["brand"].fillna("") == place] for table in both)
        assert one["low"].notna().all()
        numbers = (table.select_dtypes("number").to_numpy(float) for table in (one, other))
        found.append(not np.allclose(*numbers, equal_nan=True))
    return found


@pytest.mark.parametrize("role", ["respondent", "cluster"])
def test_few_who_answered_twice_are_in_no_limit_of_a_trend_or_of_drivers(role):
    assert not any(unlike(4, role))


def test_they_would_be_without_that_rule(monkeypatch):
    for module in (drivers, gradient, nonresponse):
        monkeypatch.setattr(module, "repeated", lambda *_: {})
    assert all(unlike(4, "respondent"))


def test_many_who_answered_twice_still_count_in_a_trend():
    assert all(unlike(30, "respondent"))


def test_errors_of_few_who_answered_twice_are_as_wide_as_if_they_had_not_changed_their_mind():
    """Somebody gave three of five answers, of weights 1, 1, 2 beside 1 and 3: (4^2 + 1 + 9) / (1 + 1 + 4 + 1 + 9)."""
    frame = pd.DataFrame({"wave": "1", "who": list("aaabc"), "w": [1.0, 1, 2, 1, 3], "nps": [1, 5, 9, 9, 10]})
    roles = {"wave": "wave", "respondent": "who", "weight": "w"}
    survey = cx.read(frame, {"kind": "transactional", "columns": roles, "items": {"nps": "nps"}})
    (found,) = repeats(survey, survey.table, survey.metrics["nps"], [], []).to_dict("records")
    assert found == pytest.approx({"more": 2, "again": 6, "spread": 26 / 16})
