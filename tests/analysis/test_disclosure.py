"""Random surveys, masked by the product, before a reader who knows every answer's place and nobody's answer.

The reader knows which city lies where and who answered; sums are worked out from the answers themselves, by union of
places that share one, and ranges by linear programs on each hidden cell.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations, product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

import cxkit as cx
from cxkit.analysis import confinement, disclosure, equations, privacy
from cxkit.analysis.totals import left_out, with_totals

LEVELS = {
    "linked": [(), ("brand",), ("brand", "region"), ("brand", "city"), ("brand", "channel")],
    "places": [(), ("region",), ("city",), ("region", "city"), ("region", "city", "channel")],
    "crossed": [(), ("brand",), ("channel",), ("brand", "channel")],
}
CROSSED = ("brand", "city", "channel")
NAMES = ("brand", "region", "city", "channel")
FOUND = ("cells", "group", "company", "base", "score", "together", "rest")
ALL_CASES = [(levels, who) for levels in LEVELS for who in ("unknown", "once", "often")]


def answers(seed: int) -> pd.DataFrame:
    """One month of answers; each city lies in one region, each person may answer several times."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(80, 500))

    def levels(names: str) -> Any:
        return rng.choice(list(names), size, p=rng.dirichlet(rng.uniform(0.2, 2, len(names))))

    home = dict(zip("abcdefg", rng.choice(list("NSW"), 7), strict=True))
    city = levels("abcdefg")
    return pd.DataFrame({
        "day": "2026-10-02", "brand": levels("ABC"), "city": city, "region": [home[one] for one in city],
        "channel": levels("xyzw"), "who": rng.integers(0, max(size // 2, 1), size).astype(str), "w": 1.0,
        "nps": rng.choice(11, size, p=rng.dirichlet(np.ones(11))).astype(float),
    })  # fmt: skip


def tallied(frame: pd.DataFrame, levels: str, who: str) -> cx.Tallies:
    roles = {"weight": "w"} | ({} if who == "unknown" else {"respondent": "who"})
    mapping = {"kind": "relationship" if who == "once" else "transactional", "columns": {"time": "day", **roles},
               "items": {"nps": "nps"}, "dimensions": {one: one for one in NAMES}}  # fmt: skip
    names = sorted({name for level in LEVELS[levels] for name in level})
    return cx.tally(cx.read(frame, mapping), ["nps"], by=names, levels=LEVELS[levels])


class Cell(NamedTuple):
    """The answers of a cell, and what is told of it."""

    rows: frozenset[int]
    shown: bool
    few: bool


def cells(frame: pd.DataFrame, shown: cx.Tallies) -> dict[tuple[str, ...], list[Cell]]:
    """By level."""
    found: dict[tuple[str, ...], list[Cell]] = {}
    gone: dict[Any, bool] = {}
    for row in shown.hidden.itertuples():
        gone[row.cut, *(getattr(row, name) for name in row.cut.split(" × ") if name)] = row.reason == "few people"
    for level in shown.levels:
        groups = {key: part.index for key, part in frame.groupby(list(level))} if level else {(): frame.index}
        own = found.setdefault(tuple(level), [])
        for key, rows in groups.items():
            name = (" × ".join(level), *(key if isinstance(key, tuple) else (key,)))
            own.append(Cell(frozenset(rows), name not in gone, gone.get(name, False)))
    return found


def sums(found: dict[tuple[str, ...], list[Cell]]) -> list[tuple[list[Cell], list[Cell]]]:
    """The smallest equal sums of any two levels."""
    equal = []
    for a, b in combinations(found, 2):
        left = [([one], set(one.rows), []) for one in found[a]]
        for cell in found[b]:
            touched = [one for one in left if one[1] & cell.rows]
            left = [one for one in left if not one[1] & cell.rows]
            left.append(([c for one in touched for c in one[0]], set().union(*(one[1] for one in touched)),
                         [c for one in touched for c in one[2]] + [cell]))  # fmt: skip
        equal += [(one, other) for one, _, other in left]
    return equal


def people(frame: pd.DataFrame, rows: frozenset[int], who: str) -> set[str]:
    return set(frame.loc[list(rows), "who"]) if who == "often" else {str(row) for row in rows}


def findings(frame: pd.DataFrame, shown: cx.Tallies, who: str) -> dict[str, int]:
    """How many hidden cells, or groups of them, the reader learns too much of."""
    by_level = cells(frame, shown)
    minimum, equal, every = shown.rules.hide_below, sums(by_level), [c for own in by_level.values() for c in own]
    found = dict.fromkeys(FOUND, 0)
    hidden = list(dict.fromkeys(c for side in equal for part in side for c in part if not c.shown))
    found["cells"] = len(hidden)
    for sides in equal:
        for own, other in (sides, sides[::-1]):
            gone = [cell for cell in own if not cell.shown]
            if not gone or not all(cell.shown for cell in other):
                continue
            each = [people(frame, cell.rows, who) for cell in gone]
            inside = [
                cell.rows for cell in every if cell.shown and cell.rows <= frozenset().union(*(c.rows for c in gone))
            ]
            union = max(map(len, [*each, *inside])) if who == "unknown" else len(set().union(*each))
            found["group"] += union < minimum and len(gone) < len(own)
            rest = [set().union(*each[:i], *each[i + 1 :]) - each[i] for i in range(len(each))]
            small = [len(more) for one, more in zip(each, rest, strict=True) if who == "once" or len(one) < minimum]
            found["company"] += min(small, default=2) < 2
    found["together"] = len(together(frame, hidden, equal, minimum, who))
    found["rest"] = sum(0 < len(rest) < minimum for rest in rests(by_level))
    nps = frame["nps"]
    for cell in hidden:
        if base_width(cell, hidden, equal, minimum, who) < 4 - 1e-6:
            everything = base_width(cell, list(dict.fromkeys(every)), equal, minimum, who)
            found["base"] += everything >= 4 - 1e-6 or base_width(cell, hidden, equal, minimum, who) < min(
                everything, 1
            )
        ways = [np.ones(len(frame)), frame["w"].to_numpy()][: 1 + (frame["w"].nunique() > 1)]
        if cell.few and min(score_width(cell, hidden, equal, nps, w) for w in ways) < 50 - 1e-4:
            found["score"] += not told_by_a_margin(cell, equal, nps)
    return found


def together(frame: pd.DataFrame, hidden: list[Cell], equal: list[Any], minimum: int, who: str) -> list[Any]:
    """Two or three cells of few of which all equations tell the sum: it is in the space that their rows span."""
    system = [[(c in one) - (c in other) + 0.0 for c in hidden] for one, other in equal]
    rows = {frozenset(c for c in (*one, *other) if not c.shown) for one, other in equal}
    if not hidden:
        return []
    _, strength, space = np.linalg.svd(np.array(system))
    free = space[np.sum(strength > 1e-9) :].T
    few = [i for i, c in enumerate(hidden) if c.few]
    found = []
    for size in (2, 3) if who != "unknown" else (2,):
        for chosen in combinations(few, size):
            if np.abs(free[list(chosen)].sum(axis=0)).max(initial=0) < 1e-9:
                each = [people(frame, hidden[i].rows, who) for i in chosen]
                apart = who == "once"
                n = sum(map(len, each)) if apart else len(set().union(*each)) if who == "often" else max(map(len, each))
                if n < minimum and frozenset(hidden[i] for i in chosen) not in rows:
                    found.append(chosen)
    return found


def rests(by_level: dict[tuple[str, ...], list[Cell]]) -> list[frozenset[int]]:
    """What shown cells leave of a shown one in which they lie."""
    found = []
    for wide, fine in permutations(by_level, 2):
        for cell in (c for c in by_level[wide] if c.shown):
            inside = [c.rows for c in by_level[fine] if c.shown and c.rows <= cell.rows]
            found += [cell.rows - frozenset().union(*inside)] if inside else []
    return found


def base_width(cell: Cell, hidden: list[Cell], equal: list[Any], minimum: int, who: str) -> float:
    """How far the base of a cell can lie apart, if some cells are hidden, of which only the reasons are told."""
    position = {one: i for i, one in enumerate(hidden)}
    rows, right = [np.zeros(len(hidden))], [0]
    for one, other in equal:
        row, known = np.zeros(len(hidden)), 0
        for sign, side in ((1, one), (-1, other)):
            for c in side:
                if c in position:
                    row[position[c]] += sign
                else:
                    known -= sign * len(c.rows)
        rows.append(row)
        right.append(known)
    bounds = [(1, (minimum - 1 if who != "often" else None)) if c.few else (minimum, None) for c in hidden]
    aim = np.arange(len(hidden)) == position[cell]
    ends = [linprog(sign * aim, A_eq=np.array(rows), b_eq=right, bounds=bounds) for sign in (1.0, -1.0)]
    return np.inf if any(one.status == 3 for one in ends) else float(-ends[1].fun - ends[0].fun)


def told_by_a_margin(cell: Cell, equal: list[Any], nps: pd.Series) -> bool:
    """Whether a shown sum that holds the cell says too much by itself: nearly all of its people answered alike."""
    wholes = [
        own for sides in equal for own, other in (sides, sides[::-1]) if cell in own and all(c.shown for c in other)
    ]
    for own in wholes:
        values = sorted(-100 * (x <= 6) + 100 * (x >= 9) for x in nps[list(frozenset().union(*(c.rows for c in own)))])
        n = len(cell.rows)
        if (sum(values[-n:]) - sum(values[:n])) / n < 50 - 1e-6:
            return True
    return False


def score_width(cell: Cell, hidden: list[Cell], equal: list[Any], nps: pd.Series, w: np.ndarray) -> float:
    """How far the NPS of a cell can lie apart, for who knows with which weights who answered in each hidden cell."""

    def weight(answered: frozenset[int]) -> float:
        return float(w[list(answered)].sum())

    groups = [nps.index[nps <= 6], nps.index[nps.between(7, 8)], nps.index[nps >= 9]]
    size, position = len(hidden), {one: i for i, one in enumerate(hidden)}
    rows, right = [], list[float]()
    for one, other in equal:
        if all(c.shown for c in (*one, *other)):
            continue
        for g, members in enumerate(groups):
            row, known = np.zeros(3 * size), 0.0
            for sign, side in ((1, one), (-1, other)):
                for c in side:
                    if c.shown:
                        known -= sign * weight(c.rows & set(members))
                    else:
                        row[3 * position[c] + g] += sign
            rows.append(row)
            right.append(known)
    for i, c in enumerate(hidden):
        row = np.zeros(3 * size)
        row[3 * i : 3 * i + 3] = 1.0
        rows.append(row)
        right.append(weight(c.rows))
    aim = np.zeros(3 * size)
    at = 3 * position[cell]
    aim[at], aim[at + 2] = -100 / weight(cell.rows), 100 / weight(cell.rows)
    ends = [linprog(sign * aim, A_eq=np.array(rows), b_eq=right) for sign in (1, -1)]
    return float(-ends[1].fun - ends[0].fun)


def attacked(seed: int, levels: str, who: str, heavy: bool = False) -> dict[str, int]:
    """Where weights are heavy, one answer in ten counts as much as some twenty others."""
    frame = answers(seed)
    if heavy:
        rng = np.random.default_rng(seed)
        frame["w"] = np.where(rng.random(len(frame)) < 0.1, 20.0, 1.0) * rng.lognormal(0, 0.3, len(frame))
    if who == "once":
        frame = frame.drop_duplicates("who", ignore_index=True)
    return findings(frame, privacy.mask(tallied(frame, levels, who)), who)


@pytest.mark.parametrize(("levels", "who"), ALL_CASES)
def test_no_hidden_cell_is_confined(levels, who):
    found = attacked(3, levels, who)
    assert {name: n for name, n in found.items() if name != "cells" and n} == {}


@pytest.mark.parametrize("mended", [True, False])
def test_the_score_of_a_heavy_few_stays_open(monkeypatch, mended):
    """Of a margin that is shown with weights what others leave is theirs."""
    if not mended:
        monkeypatch.setattr(privacy.np, "allclose", lambda *_: True)
    cases = [("crossed", 0), ("crossed", 6), ("places", 7), ("linked", 4)]
    found = [attacked(seed, levels, "unknown", heavy=True)["score"] for levels, seed in cases]
    assert any(found) is not mended


@pytest.mark.slow
def test_none_of_five_hundred_is():
    """56 seeds of each of nine kinds, every other one with weights."""
    total = dict.fromkeys(FOUND, 0)
    for levels, who in ALL_CASES:
        for seed in range(100, 156):
            for name, n in attacked(seed, levels, who, heavy=seed % 2 == 1).items():
                total[name] += n
    print(total)
    assert {name: n for name, n in total.items() if name != "cells" and n} == {}


RULES = {  # who answered, what is taken away, and a survey in which that tells something
    "group": ("often", (5, "places"), lambda monkeypatch: monkeypatch.setattr(privacy, "members", _nobody_twice)),
    "company": ("once", (3, "linked"), lambda monkeypatch: monkeypatch.setattr(equations, "COMPANY", 0)),
    "base": ("unknown", (0, "linked"), lambda monkeypatch: monkeypatch.setattr(disclosure, "confined", lambda *_: [])),
    "score": ("unknown", (1, "crossed"), lambda monkeypatch: monkeypatch.setattr(confinement, "QUARTER", 0)),
}


def _none(*_: Any) -> Any:
    return np.empty(0, np.int64)


def _no_rests(levels: Any, cells: Any, least: int) -> Any:
    return equations.Sums(_none(), _none(), np.empty(0, bool)), cells


def _nobody_twice(tallies: cx.Tallies, table: pd.DataFrame) -> dict[int, frozenset[object]]:
    """As if nobody were in two cells."""
    return {cell: frozenset((cell, i) for i in range(int(n))) for cell, n in enumerate(table["n"]) if n < 12}


@pytest.mark.parametrize("finding", RULES)
def test_the_reader_learns_more_without_each_rule(monkeypatch, finding):
    who, survey, remove = RULES[finding]
    remove(monkeypatch)
    assert attacked(*survey, who)[finding]


def test_the_reader_learns_more_without_linked_levels(monkeypatch):
    def nested(levels: Any, size: int) -> Any:
        kept = [
            disclosure_sums({a: levels[a], b: levels[b]}, size) for a, b in combinations(levels, 2) if set(a) < set(b)
        ]
        number = np.cumsum([0, *(int(one.sum.max(initial=-1)) // 2 * 2 + 2 for one in kept)])
        moved = [one._replace(sum=one.sum + n) for one, n in zip(kept, number[:-1], strict=True)]
        return equations.Sums(*(np.concatenate(parts) for parts in zip(*moved, strict=True)))

    disclosure_sums = disclosure.equal_sums
    monkeypatch.setattr(disclosure, "equal_sums", nested)
    found = [attacked(seed, "linked", "unknown") for seed in range(8)]
    assert sum(one["company"] + one["base"] for one in found) > 0


@pytest.mark.parametrize("mended", [True, False])
def test_several_sums_together_tell_of_no_group(monkeypatch, mended):
    """Two hidden cells of few stand in no sum by themselves, but what three sums have in common leaves them."""
    if not mended:
        monkeypatch.setattr(confinement, "_groups", _none)
    monkeypatch.setitem(LEVELS, "wide", [(), *((n,) for n in CROSSED), *combinations(CROSSED, 2)])
    frame = answers(107)[:120].drop_duplicates("who", ignore_index=True)
    by_level = cells(frame, privacy.mask(tallied(frame, "wide", "once")))
    equal = sums(by_level)
    hidden = list(dict.fromkeys(c for sides in equal for side in sides for c in side if not c.shown))
    assert bool(together(frame, hidden, equal, 10, "once")) is not mended


@pytest.mark.parametrize("mended", [True, False])
def test_a_cell_that_happens_to_lie_in_another_leaves_no_few(monkeypatch, mended):
    """All ten of the north came by phone, by which twelve came: two are of the south."""
    if not mended:
        monkeypatch.setattr(disclosure, "rests", _no_rests)
    sizes = {("N", "x"): 10, ("S", "x"): 2, ("S", "y"): 40, ("W", "y"): 50, ("W", "z"): 30, ("S", "z"): 25}
    frame = pd.DataFrame([place for place, n in sizes.items() for _ in range(n)], columns=["region", "channel"])
    frame = frame.assign(
        day="2026-10-02", nps=[0.0, 7.0, 9.0, 10.0, 10.0] * 31 + [0.0, 9.0], brand="A", city="c", w=1.0
    )
    monkeypatch.setitem(LEVELS, "two", [(), ("region",), ("channel",)])
    left = [len(rest) for rest in rests(cells(frame, privacy.mask(tallied(frame, "two", "unknown"))))]
    assert (2 in left) is not mended


# Several items --------------------------------------------------------------------------------------------------------


LATER = ["2026-10-02", "2026-11-02"]
GIVEN = {"by": ["brand", "city", "region"], "levels": [(), ("brand",), ("brand", "city"), ("brand", "region")]}


def several(seed: int, asked: str) -> tuple[pd.DataFrame, cx.Tallies]:
    """Three items, of which two read one column, and the third is asked of everybody, or lately, or not everywhere."""
    frame = answers(seed).drop_duplicates("who", ignore_index=True)
    rng = np.random.default_rng(seed)
    frame["day"] = rng.choice(LATER, len(frame), p=[0.6, 0.4])
    of = {"everybody": frame["nps"] >= 0, "lately": frame["day"] == LATER[1], "some places": frame["brand"] != "A",
          "some parts": ~frame["city"].isin(["a", "b"])}[asked]  # fmt: skip
    frame["csat"] = pd.Series(rng.integers(1, 6, len(frame)).astype(float)).where(of)
    promoters = {"column": "nps", "measure": "share", "scale": [0, 10], "top": [9, 10]}
    items = {"nps": "nps", "promoters": promoters, "csat": "csat"}
    mapping = {"kind": "transactional", "columns": {"time": "day", "respondent": "who"}, "items": items,
               "dimensions": {name: name for name in NAMES}}  # fmt: skip
    survey, metrics = cx.read(frame, mapping), ["nps", "promoters", "csat"]
    whole = cx.tally(survey, metrics, **GIVEN)
    if len(out := left_out(whole, whole.periods)):
        whole = with_totals(whole, cx.tally(survey, metrics, **GIVEN | {"levels": [()]}, without=out), out)
    return frame, privacy.mask(whole)


def solved(seed: int, asked: str) -> list[tuple[str, str, frozenset[int]]]:
    """Hidden cells whose base is a sum of shown ones of any items, for who knows that whoever was asked answered."""
    frame, shown = several(seed, asked)
    out, found = shown.provenance.get("withheld", []), []
    for day, item in product(LATER, ("nps", "promoters", "csat")):
        rows = frame[(frame["day"] == day) & frame["csat" if item == "csat" else "nps"].notna()]
        mine = shown.hidden[(shown.hidden["item"] == item) & (shown.hidden["period"] == day[:7])]
        by_level = cells(rows, replace(shown, hidden=mine))
        left = rows.index[rows["brand"].isin([one["brand"] for one in out if one["item"] == item])]
        total = [one._replace(rows=one.rows - set(left)) for one in by_level.pop((), [])]
        found += [(day, item, one) for own in (total, *by_level.values()) for one in own if one.rows]
    return [
        (day, item, one.rows)
        for day, item, one in found
        if not one.shown and adds_up(one.rows, [c.rows for d, _, c in found if c.shown and d == day])
    ]


def adds_up(wanted: frozenset[int], told: list[frozenset[int]]) -> bool:
    """Whether the number of some answers is a sum of numbers that are told, of whatever sign."""
    every = sorted(wanted.union(*told))
    table = np.unique([np.isin(every, list(one)) for one in (*told, wanted)], axis=1).astype(float)
    return bool(np.linalg.matrix_rank(table[:-1]) == np.linalg.matrix_rank(table))


def _families_of_all(table: pd.DataFrame, by: list[str]) -> np.ndarray:
    """The rule as it was: of all periods and places at once."""
    n = table.groupby("item")["answers"].sum().sort_values()
    family = table["item"].map((n.shift() < privacy.SAME * n).cumsum())
    found: np.ndarray = (
        table.assign(item=family).groupby(["item", "period", *by, "cut"], dropna=False).ngroup().to_numpy()
    )
    return found


def _no_differences(*_: Any) -> equations.Sums:
    return equations.Sums(_none(), _none(), np.empty(0, bool))


SEEDS = {"everybody": [10], "lately": [6], "some places": [10], "some parts": [8]}  # where one of the rules is needed


@pytest.mark.parametrize("asked", SEEDS)
@pytest.mark.parametrize("more", [(), pytest.param(range(100, 140), marks=pytest.mark.slow)])
def test_no_item_shows_what_another_one_hides(asked, more):
    """Where all who were asked answered, the base that one item shows is the base that another one hides."""
    assert {seed: found for seed in more or SEEDS[asked] if (found := solved(seed, asked))} == {}


@pytest.mark.parametrize(
    ("asked", "where", "rule", "other"),
    [
        ("everybody", privacy, "SAME", 2.0),
        ("lately", privacy, "alike", _families_of_all),
        ("some places", privacy, "alike", _families_of_all),
        ("some parts", disclosure, "differences", _no_differences),
    ],
)
def test_an_item_shows_what_another_one_hides_without_each_rule(monkeypatch, asked, where, rule, other):
    monkeypatch.setattr(where, rule, other)
    assert solved(SEEDS[asked][0], asked)


def test_the_totals_of_items_that_the_same_people_answered_leave_out_the_same_places():
    """Of six months one question was asked in the last: over all of them it has a sixth of the answers of the other."""
    sizes = {"A": 60, "B": 50, "C": 40, "D": 8}
    months = [f"2026-{month:02d}-05" for month in range(5, 11)]
    rows = [(brand, day, i % 11) for day in months for brand, n in sizes.items() for i in range(n)]
    frame = pd.DataFrame(rows, columns=["brand", "day", "nps"])
    frame["csat"] = (1 + frame["nps"] % 5).where((frame["day"] == "2026-10-05") & (frame.index % 40 > 0))
    mapping = {"kind": "transactional", "columns": {"time": "day"}, "items": {"nps": "nps", "csat": "csat"},
               "dimensions": {"brand": "brand"}}  # fmt: skip
    whole = cx.tally(cx.read(frame, mapping), ["nps", "csat"], by=["brand"], levels=[(), ("brand",)])
    out = left_out(whole, whole.periods[-2:]).groupby("item")["brand"].agg(list).to_dict()
    assert out == {"csat": ["D"], "nps": ["D"]}
