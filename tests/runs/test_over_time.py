"""One shelf over time, before a reader of its summary and of those of all kept runs, who knows who answered when.

Months go by, answers come late or are withdrawn, people answer again, filters change. What the reader can work out is
every sum of shown cells of any runs of a period: the space that they span. Nothing in it may tell of fewer people than
a shown cell needs, unless one run alone tells it.
"""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from test_history import Shelf

from cxkit.runs import history

MONTHS = ("2026-08", "2026-09", "2026-10")
LEVELS: list[list[str]] = [[], ["brand"], ["brand", "channel"], ["brand", "region"]]
LEAST = 10
GIVEN = {"segments": ["channel", "region"], "roles": {"respondent": "who", "weight": "w"}}
Cell = tuple[str, ...]  # period, and what cells of the levels are called


class Release(NamedTuple):
    """A run of the shelf: the answers of each cell, and of which its summary tells the base, and which it hides."""

    rows: dict[Cell, frozenset[int]]
    shown: set[Cell]
    hidden: set[Cell]

    def of(self, period: str) -> Release:
        rows = {cell: rows for cell, rows in self.rows.items() if cell[0] == period}
        return Release(rows, self.shown & rows.keys(), self.hidden & rows.keys())


def answered(rng: np.random.Generator) -> pd.DataFrame:
    """Answers of three months in cells of every size; a person answers twice on average."""
    size = int(rng.integers(200, 600))

    def levels(names: str) -> Any:
        return rng.choice(list(names), size, p=rng.dirichlet(rng.uniform(0.5, 2, len(names))))

    return pd.DataFrame({
        "day": rng.choice(MONTHS, size) + pd.Series(["-10"] * size), "brand": levels("ABC"), "channel": levels("xyz"),
        "region": levels("NS"), "nps": rng.integers(0, 11, size), "w": rng.lognormal(0, 0.5, size).round(3),
        "who": rng.integers(0, size // 2, size).astype(str),
    })  # fmt: skip


def cells(frame: pd.DataFrame, out: set[str]) -> dict[Cell, frozenset[int]]:
    """The answers of every cell of a run; those of everybody without the places that its total leaves out."""
    found: dict[Cell, frozenset[int]] = {}
    frame = frame.assign(period=frame["day"].str[:7])
    for level in LEVELS:
        part = frame if level else frame[~frame["brand"].isin(out)]
        for key, rows in part.groupby(["period", *level]):
            names = (f"{name}={value}" for name, value in zip(level, key[1:], strict=True))
            found[key[0], *names] = frozenset(rows.index)
    return found


def told(summary: pd.DataFrame) -> tuple[set[Cell], set[Cell]]:
    """The cells whose base a summary tells, and those that it hides: of estimates, and of both sides of comparisons."""
    parts = []
    for when, base in (("period", "n"), ("now", "n"), ("before", "n_before")):
        rows = summary[summary["part"].str.endswith("estimate" if when == "period" else "comparison")]
        parts.append(rows.assign(when=rows[when], base=rows[base]))
    frame = pd.concat(parts)
    names = [name for name in ("brand", "channel", "region") if name in frame]

    def named(rows: pd.DataFrame) -> set[Cell]:
        given = rows[["when", *names]].to_dict("records")
        return {(row["when"], *(f"{n}={row[n]}" for n in names if pd.notna(row[n]))) for row in given}

    return named(frame[frame["base"] > 0]), named(frame[frame["base"].isna()])


class Sums:
    """What shown cells of a period add up to: the space that their answers span, of any runs."""

    def __init__(self, releases: list[Release], who: pd.Series) -> None:
        self.every = sorted({row for one in releases for rows in one.rows.values() for row in rows})
        self.who = who
        sums = [np.isin(self.every, list(one.rows[cell])) for one in releases for cell in sorted(one.shown)]
        alike, kind = np.unique(np.array([*sums, np.zeros(len(self.every))]), axis=1, return_inverse=True)
        self.kind, self.size = kind.ravel(), np.bincount(kind.ravel())  # no shown cell tells answers of a kind apart
        _, strength, space = np.linalg.svd(alike.astype(float), full_matrices=False)
        self.space = space[strength > 1e-9]

    def tell(self, plus: frozenset[int], minus: frozenset[int] = frozenset()) -> bool:
        """Whether they add up to some answers less some others, and these are of too few people."""
        if not 0 < self.who[list(plus ^ minus)].nunique() < LEAST:
            return False
        signs = np.isin(self.every, list(plus)).astype(float) - np.isin(self.every, list(minus))
        of_kind = np.bincount(self.kind, signs) / self.size
        return np.allclose(of_kind[self.kind], signs) and np.allclose(self.space.T @ (self.space @ of_kind), of_kind)

    def kinds(self) -> list[frozenset[int]]:
        return [frozenset(np.array(self.every)[self.kind == kind].tolist()) for kind in range(len(self.size))]


def leaks(releases: list[Release], who: pd.Series) -> list[tuple[str, Cell]]:
    """What two or more runs tell together of fewer people than a shown cell needs."""
    found = []
    for period in sorted({cell[0] for one in releases for cell in one.rows}):
        runs = [one for release in releases if (one := release.of(period)).rows]
        sums = Sums(runs, who)
        always = frozenset.intersection(*(frozenset().union(*one.rows.values()) for one in runs))
        found += [("late", (period,)) for rows in sums.kinds() if not rows & always and sums.tell(rows)]
        for one, other in permutations(runs, 2):
            for cell in one.rows.keys() & other.rows.keys():
                if sums.tell(one.rows[cell], other.rows[cell]):
                    found.append(("change", cell))
                few = who[list(one.rows[cell] ^ other.rows[cell])].nunique() < LEAST
                if cell in one.hidden & other.shown and few:
                    found.append(("nearly", cell))
        found += [("hidden", cell) for one in runs for cell in one.hidden if sums.tell(one.rows[cell])]
    return found


class Survey:
    """A shelf of random answers, of which more and more come in, and what each run of it published."""

    def __init__(self, kept: Shelf, seed: int) -> None:
        self.kept, self.chance = kept, np.random.default_rng(seed)
        self.every = answered(self.chance)
        self.here = (self.every["day"] < "2026-10") & (self.chance.random(len(self.every)) > 0.1)
        self.late = ~self.here & (self.every["day"] < "2026-10")
        self.made: dict[str, Release] = {}

    def run(self, where: dict[str, list[str]] | None = None, **more: Any) -> dict[str, Any]:
        self.kept.rows = self.every[self.here]
        latest = self.kept.rows["day"].max()[5:7]
        manifest = self.kept.run(2, as_of=f"2026-{int(latest) + 1:02d}-05", where=where or {}, **{**GIVEN, **more})
        frame = self.kept.rows
        for name, values in (where or {}).items():
            frame = frame[frame[name].isin(values)]
        record = pd.read_parquet(self.kept.work / history.NEXT)
        out = {one["brand"] for text in record["out"].unique() for one in json.loads(text)}
        summary = pd.read_csv(self.kept.out / "summary.csv", dtype={"brand": str})
        rows = cells(frame, out)
        shown, hidden = told(summary)
        assert shown <= rows.keys(), shown - rows.keys()
        self.made[history.moment(manifest)] = Release(rows, shown, hidden)
        return manifest

    @property
    def leaks(self) -> list[tuple[str, Cell]]:
        """Of the run that is on the shelf and those that are kept."""
        there = [*history.earlier(self.kept.out), max(self.made)]
        return leaks([self.made[name] for name in there], self.every["who"])

    def step(self, kind: str) -> None:
        """What happens between two runs."""
        places = ["day", "brand", "channel", "region"]
        some = self.every.index[self.late]
        if kind == "some late":
            self.here[self.chance.choice(some, min(len(some), int(self.chance.integers(1, 15))), replace=False)] = True
        elif kind == "one withdrawn":
            self.here[self.chance.choice(self.every.index[self.here])] = False
        elif kind == "many of one cell":
            place = self.every.loc[self.chance.choice(self.every.index[self.here]), places]
            count = int(self.chance.integers(LEAST, LEAST + 5))
            people = [f"new {len(self.every) + i}" for i in range(count)]
            rows = pd.DataFrame({**place, "nps": self.chance.integers(0, 11, count), "w": 1.0, "who": people})
            self.every = pd.concat([self.every, rows], ignore_index=True)
            self.here = self.here.reindex(self.every.index, fill_value=True)
        elif kind == "a month":
            self.here |= (self.every["day"] > "2026-10") & (self.chance.random(len(self.every)) > 0.1)
        self.late = ~self.here & (self.every["day"] <= self.every.loc[self.here, "day"].max())


KINDS = ("nothing", "some late", "one withdrawn", "many of one cell", "a month")


def over_time(kept: Shelf, seed: int, steps: int) -> tuple[int, list[tuple[str, Cell]]]:
    """How many kept runs lay beside another run, and what came out."""
    survey, beside, found = Survey(kept, seed), 0, []
    survey.run()
    for number in range(steps):
        kind = "a month" if number == steps // 2 else str(survey.chance.choice(KINDS[:4]))
        survey.step(kind)
        where = {"channel": ["x", "y"]} if survey.chance.random() < 0.15 else {}
        survey.run(where, title=f"After {number}")
        beside += len(history.earlier(kept.out))
        found += survey.leaks
    return beside, found


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Shelf:
    return Shelf(tmp_path, monkeypatch)


@pytest.mark.parametrize("seeds", [range(1, 2), pytest.param(range(2, 23), marks=pytest.mark.slow)])
def test_nothing_comes_out_of_a_shelf_over_time(tmp_path, monkeypatch, seeds):
    beside = 0
    for seed in seeds:
        (folder := tmp_path / str(seed)).mkdir()
        kept, found = over_time(Shelf(folder, monkeypatch), seed, 4)
        assert found == []
        beside += kept
    assert beside >= len(seeds)  # else there is nothing to learn from


SIZES = {"x": (20, 20), "y": (15, 15), "z": (5, 4), "v": (4, 3), "u": (3, 2)}  # of each channel in N and S
OVERLAP = {  # the channels, what comes late, more keys; each cell that changes has ten people more, or is new
    "x less N is one person": ("xy", {"x": (12, 1), "y": (0, 11)}, {}),
    "z is no longer one of others": ("xyzvu", {"x": (10, 0), "z": (3, 0)}, {"merge_small": True}),
}


@pytest.mark.parametrize("case", OVERLAP)
def test_groups_of_ten_that_overlap_in_few_are_not_left(bare, case):
    channels, late, more = OVERLAP[case]

    def given(day: str, sizes: dict[str, tuple[int, int]]) -> list[tuple[Any, ...]]:
        places = [(channel, region, n) for channel, both in sizes.items() for region, n in zip("NS", both, strict=True)]
        return [(f"{month}-{day}", "A", *place[:2], 5 + i % 5, 1.0, f"{month}-{day} {place} {i}")
                for month in MONTHS[:2] for place in places for i in range(place[2])]  # fmt: skip

    rows, more = (
        given("10", {channel: SIZES[channel] for channel in channels}),
        {**GIVEN, **more, "as_of": "2026-10-05"},
    )
    for title in ("First", "Second", "Late"):
        rows += given("20", late) if title == "Late" else []
        bare.rows = pd.DataFrame(rows, columns=["day", "brand", "channel", "region", "nps", "w", "who"])
        bare.run(**more, title=title)
        assert len(history.earlier(bare.out)) == (title == "Second")


def test_much_does_where_no_run_is_withdrawn(bare, monkeypatch):
    monkeypatch.setattr(history, "withdraw", lambda out, work, before, _: (True, before.get("jobs", []), []))
    assert {kind for kind, _ in over_time(bare, 1, 3)[1]} >= {"late", "change"}
