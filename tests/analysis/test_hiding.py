"""An attack on what is published: margins are the sums of their parts, so a reader can solve for the rest."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.analysis.totals import left_out, merged, small_levels, with_totals
from cxkit.schema import RULES, Rules

LAYOUTS = {
    "brands with segments": [(), ("brand",), ("brand", "channel"), ("brand", "region")],
    "two dimensions crossed": [(), ("brand",), ("region",), ("brand", "region")],
    "all crossed": [(), ("brand",), ("region",), ("brand", "region"), ("brand", "channel"), ("region", "channel")],
    "segments only": [(), ("channel",)],
}  # fmt: skip


def survey(seed: int, blank: float = 0.02) -> cx.Responses:
    """Two waves with cells of every size, many of them small."""
    generator = np.random.default_rng(seed)
    brands = generator.choice(list("ABCD"), 260, p=generator.dirichlet([0.4, 1, 1, 3]))
    frame = pd.DataFrame(
        {
            "wave": generator.choice(["1", "2"], 260),
            "nps": generator.integers(0, 11, 260).astype(float),
            "brand": brands,
            "region": generator.choice(["N", "S", "W"], 260, p=[0.55, 0.4, 0.05]),
            "channel": generator.choice(["x", "y"], 260, p=[0.93, 0.07]),
        }
    )
    return cx.read(frame.mask(generator.random(frame.shape) < blank).fillna({"wave": "1"}))


def published(responses: cx.Responses, levels: list[tuple[str, ...]]) -> tuple[cx.Tallies, cx.Tallies]:
    """What a run knows, and what it lets out."""
    given = {"by": ["brand", "region", "channel"], "period": "wave"}
    whole = cx.tally(responses, ["nps"], levels=levels, **given)
    alone = left_out(whole, whole.periods[-2:])
    if len(alone):
        totals = cx.tally(responses, ["nps"], levels=[()], without=alone, **given)
        return whole, mask(with_totals(whole, totals, alone))
    return whole, mask(whole)


def bases(tallies: cx.Tallies) -> pd.DataFrame:
    """Every declared cell with its base; absent where it is hidden."""
    frame = cx.estimate(tallies)
    return frame.assign(**{name: frame.get(name) for name in tallies.by})


def solved(whole: cx.Tallies, shown: cx.Tallies) -> list[tuple[object, ...]]:
    """Hidden cells that the published bases determine."""
    frame = bases(shown)
    keys = ["period", *shown.by]
    cells = {
        tuple(None if pd.isna(v) else v for v in row): n for *row, n in frame[[*keys, "n"]].itertuples(index=False)
    }
    hidden = [cell for cell, n in cells.items() if pd.isna(n)]
    column = {cell: i for i, cell in enumerate(hidden)}
    out = {tuple(cell[k] for k in cell if k != "item") for cell in shown.provenance.get("withheld", [])}
    system = []
    for coarse, fine in product(shown.levels, shown.levels):
        if not set(coarse) < set(fine):
            continue
        for cell in [c for c in cells if level_of(c, shown.by) == coarse]:
            parts = [c for c in cells if level_of(c, shown.by) == fine and inside(c, cell)]
            if coarse == ():
                parts = [c for c in parts if not any(within(c, left, shown) for left in out)]
            row = np.zeros(len(hidden))
            for member, sign in [(cell, -1.0), *((part, 1.0) for part in parts)]:
                if member in column:
                    row[column[member]] += sign
            if row.any():
                system.append(row)
    if not system:
        return []
    _, size, right = np.linalg.svd(np.array(system))
    free = right[np.sum(size > 1e-9) :]
    return [cell for cell, i in column.items() if np.abs(free[:, i]).max(initial=0) < 1e-9]


def level_of(cell: tuple[object, ...], by: list[str]) -> tuple[str, ...]:
    return tuple(name for name, value in zip(by, cell[1:], strict=True) if value is not None)


def inside(part: tuple[object, ...], whole: tuple[object, ...]) -> bool:
    return all(b is None or a == b for a, b in zip(part, whole, strict=True))


def within(cell: tuple[object, ...], left: tuple[object, ...], shown: cx.Tallies) -> bool:
    """Whether a cell lies in one that was left out of the total (one level below everybody)."""
    names = [key for key in shown.provenance["withheld"][0] if key != "item"]
    values = dict(zip(["period", *shown.by], cell, strict=True))
    return all(values[name] == value for name, value in zip(names, left, strict=True))


@pytest.mark.parametrize("levels", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("blank", [0.02, 0.2])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_no_hidden_base_can_be_solved_for(levels, seed, blank):
    whole, shown = published(survey(seed, blank), levels)
    assert len(shown.hidden)
    assert solved(whole, shown) == []


@pytest.mark.parametrize("seed", range(2))
def test_no_small_cell_is_shown_and_no_number_of_a_hidden_one(seed):
    whole, shown = published(survey(seed), LAYOUTS["brands with segments"])
    truth, frame = bases(whole), bases(shown)
    small = ((truth["n"] > 0) & (truth["n"] < RULES.hide_below)).to_numpy()
    hidden = frame["note"].str.startswith("hidden").to_numpy()
    assert not (small & ~hidden).any()
    assert frame.loc[hidden, ["n", "n_eff", "value", "low", "high"]].isna().all(axis=None)
    moves = cx.compare(shown, "2", "1")
    numbers = moves.loc[moves["note"].str.contains("hidden"), ["change", "low", "high", "pvalue", "detectable"]]
    assert numbers.isna().all(axis=None)


def test_the_attack_succeeds_where_only_small_cells_are_hidden():
    """The test can fail: without complementary hiding the same reader finds the cell."""
    whole, _ = published(survey(0), LAYOUTS["two dimensions crossed"])
    counts = whole.counts
    few = counts.groupby(["item", "period", *whole.by, "cut"], dropna=False)["n"].sum().reset_index()
    few = few[(few["n"] < RULES.hide_below) & (few["cut"] != "")]
    one = few.iloc[[0]].assign(reason="few people")
    same = (
        counts[["period", *whole.by, "cut"]].fillna("") == one[["period", *whole.by, "cut"]].fillna("").iloc[0]
    ).all(axis=1)
    naive = replace(whole, counts=counts[~same], hidden=one[whole.hidden.columns])
    assert len(solved(whole, naive)) == 1


def test_a_lone_small_place_is_left_out_of_the_total_instead_of_hiding_a_large_one():
    frame = pd.DataFrame(
        {"wave": "1", "nps": [9.0] * 200 + [3.0] * 7, "brand": ["big"] * 100 + ["huge"] * 100 + ["few"] * 7}
    )
    _, shown = published(cx.read(frame.assign(region="N", channel="x")), [(), ("brand",)])
    total = cx.estimate(shown, by=())
    assert total["n"].item() == 200
    by_brand = cx.estimate(shown, by=["brand"])
    assert by_brand["n"].isna().tolist() == [False, True, False]
    assert "few" in str(cx.provenance(shown))


@pytest.mark.parametrize("sizes", [(9, 9, 30, 50), (1, 10, 30, 50), (1, 10, 10, 50), (*[1] * 10, 30, 50)])
def test_reasons_and_sums_together_leave_the_base_of_a_hidden_cell_open(sizes):
    """Two cells below 10 that hold 18 have 9 each; one below 10 and one of 10 or more that hold 11 have 1 and 10."""
    brands = [f"b{i}" for i, size in enumerate(sizes) for _ in range(size)]
    frame = pd.DataFrame({"wave": "1", "nps": 9.0, "brand": brands, "region": "N", "channel": "x"})
    whole = cx.tally(cx.read(frame), ["nps"], by=["brand"], levels=[(), ("brand",)], period="wave")
    found = mask(whole)
    few = found.hidden["reason"] == "few people"
    left = sum(sizes) - cx.estimate(found, by=["brand"])["n"].sum()
    least, most = few.sum() + RULES.hide_below * (~few).sum(), 9 * few.sum() if few.all() else np.inf
    assert least < left < most
    assert cx.estimate(found, by=())["n"].item() == sum(sizes)


def test_an_earlier_answer_does_not_take_the_place_of_one_that_is_left_out():
    """Of people who answered twice the later answer counts; the total less its parts must not be their earlier one."""
    frame = pd.DataFrame({"day": "2026-10-02", "nps": 9.0, "brand": ["big", "huge"] * 50, "who": map(str, range(100))})
    later = frame[:5].assign(day="2026-10-20", nps=0.0, brand="few")
    mapping = {"kind": "relationship", "columns": {"time": "day", "respondent": "who"}, "items": {"nps": "nps"}}
    survey = cx.read(pd.concat([frame, later]), {**mapping, "dimensions": {"brand": "brand"}})
    given = {"by": ["brand"], "levels": [(), ("brand",)]}
    whole = cx.tally(survey, ["nps"], **given)
    alone = left_out(whole, ["2026-10"])
    assert alone["brand"].tolist() == ["few"]
    shown = mask(with_totals(whole, cx.tally(survey, ["nps"], without=alone, **given), alone))
    assert cx.estimate(shown, by=())["n"].item() == cx.estimate(shown, by=["brand"])["n"].sum() == 95


def test_a_region_is_not_the_sum_of_its_cities():
    """Seven people in a region of three cities: each level alone is safe, both together give the region away."""
    sizes = {("N", "a"): 3, ("N", "b"): 4, ("S", "c"): 40, ("S", "d"): 60, ("W", "e"): 30, ("W", "f"): 25}
    places = [place for place, n in sizes.items() for _ in range(n)]
    frame = pd.DataFrame(places, columns=["region", "city"]).assign(
        wave="1", brand="A", nps=[0, 7, 9, 10] * 40 + [0, 9]
    )
    levels = [("brand",), ("brand", "region"), ("brand", "city")]
    whole = cx.tally(cx.read(frame), ["nps"], by=["brand", "region", "city"], levels=levels, period="wave")
    shown = cx.estimate(mask(whole)).set_index(["region", "city"])["n"]
    regions, cities = shown.groupby("region").sum(min_count=1), shown.groupby("city").sum(min_count=1)
    hidden = regions[regions.isna()].index
    assert set(hidden) == {"N", "W"}
    for region in hidden:  # of each hidden region a city is hidden that could be larger, and is not there alone
        assert cities[[city for one, city in sizes if one == region]].isna().any()
    assert 162 - cities.sum() >= RULES.hide_below


PHONE_AND_FAX = [("the same nine", 0, True), ("nine others", 9, False)]


@pytest.mark.parametrize(
    ("shift", "more"), [case[1:] for case in PHONE_AND_FAX], ids=[case[0] for case in PHONE_AND_FAX]
)
def test_two_hidden_cells_of_the_same_people_are_no_group(shift, more):
    """Nine people by phone and by fax are nine people, whatever they add up to."""
    rows = [("phone", f"p{i}") for i in range(9)] + [("fax", f"p{i + shift}") for i in range(9)]
    rows += [("web", f"w{i}") for i in range(30)] + [("mail", f"m{i}") for i in range(40)]
    frame = pd.DataFrame(rows, columns=["channel", "who"]).assign(day="2026-10-02", nps=[0, 7, 9, 10] * 22)
    mapping = {"kind": "transactional", "columns": {"time": "day", "respondent": "who"}, "items": {"nps": "nps"}}
    survey = cx.read(frame, {**mapping, "dimensions": {"channel": "channel"}})
    found = mask(cx.tally(survey, ["nps"], by=["channel"]))
    assert set(found.hidden["channel"]) == {"phone", "fax", *(["web"] if more else [])}
    unknown = cx.read(frame, {**mapping, "columns": {"time": "day"}, "dimensions": {"channel": "channel"}})
    assert "web" in set(mask(cx.tally(unknown, ["nps"], by=["channel"])).hidden["channel"])
    assert found.members.empty
    assert found.joint.empty


def test_one_person_is_not_the_only_company_of_others():
    """One person in West knows the own answer, and so the nine of East."""
    sizes = {"E": 9, "W": 1, "N": 40, "S": 50}
    frame = pd.DataFrame({"region": [r for r, n in sizes.items() for _ in range(n)]}).assign(wave="1", nps=[0, 10] * 50)
    found = mask(cx.tally(cx.read(frame), ["nps"], by=["region"], period="wave"))
    assert set(found.hidden["region"]) == {"E", "W", "N"}


def test_hidden_people_have_not_all_said_the_same():
    """Ten and three promoters who are hidden together would be promoters, each of them."""
    answers = {"E": [10] * 3, "W": [10] * 12, "N": [0, 10] * 20, "S": [0, 10] * 30}
    rows = [("1", region, nps) for region, row in answers.items() for nps in row]
    frame = pd.DataFrame(rows, columns=["wave", "region", "nps"])
    found = mask(cx.tally(cx.read(frame), ["nps"], by=["region"], period="wave"))
    assert set(found.hidden["region"]) == {"E", "N"}


def test_a_blank_is_hidden_before_a_real_level():
    sizes = {"N": 100, "E": 20, "W": 4, None: 60}
    regions = [region for region, n in sizes.items() for _ in range(n)]
    frame = pd.DataFrame({"wave": "1", "nps": 9.0, "brand": "A", "channel": "x", "region": regions})
    _, shown = published(cx.read(frame), [("brand",), ("brand", "region")])
    found = cx.estimate(shown, by=["brand", "region"]).set_index("region")["n"]
    assert found.dropna().to_dict() == {"N": 100, "E": 20}


def test_small_levels_are_put_together_before_anything_is_hidden():
    sizes = {"N": 100, "E": 50, "W": 4, "S": 7}
    rows = [(wave, region) for wave in "12" for region, n in sizes.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["wave", "region"]).assign(nps=9.0, brand="A", channel="x")
    responses, given = cx.read(frame), {"by": ["brand", "region"], "period": "wave"}
    levels = [(), ("brand",), ("brand", "region")]
    small = small_levels(cx.tally(responses, ["nps"], levels=levels, **given), "region", ["2", "1"])
    assert small == ["W", "S"]
    shown = mask(cx.tally(merged(responses, "region", small), ["nps"], levels=levels, **given))
    found = cx.estimate(shown, by=["brand", "region"], periods=["2"]).set_index("region")["n"]
    assert found.to_dict() == {"E": 50, "N": 100, "other (2 levels)": 11}
    assert shown.hidden.empty
    only = cx.tally(cx.read(frame[frame["region"] != "S"]), ["nps"], levels=levels, **given)
    assert small_levels(only, "region", ["2", "1"]) == ["W", "E"]  # one alone would only change its name
    assert small_levels(replace(only, rules=Rules(hide_below=3)), "region", ["2", "1"]) == []
