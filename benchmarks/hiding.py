"""What it costs to hide small groups, and how long it takes.

    python benchmarks/hiding.py [--quick]

On random shelves (linked, crossed and simple segments, respondents known or not), on the demo and on the airport
survey: the answers that are hidden over what any way of hiding has to hide, a lower bound by an integer program that
knows only the rules on single sums (no group of too few people, nobody's only company). The bound by its linear
relaxation is told beside it. Then the processor seconds that it takes to protect 1,000 places in 24 periods, cut by
three linked segments.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

import cxkit as cx
from cxkit.analysis import equations, privacy
from cxkit.errors import CxError
from cxkit.runs import prepare
from cxkit.runs.params import load

ROOT = Path(__file__).parents[1]
LEVELS = {
    "simple": [(), ("brand",), ("brand", "region"), ("brand", "channel")],
    "linked": [(), ("brand",), ("brand", "region"), ("brand", "city"), ("brand", "channel")],
    "nested": [(), ("region",), ("city",), ("region", "city"), ("region", "city", "channel")],
    "crossed": [(), ("brand",), ("channel",), ("brand", "channel")],
}
NAMES = ["brand", "region", "city", "channel"]
SECONDS = 20.0  # that the integer program of one item may take; what it proved until then is a bound, too


# Shelves --------------------------------------------------------------------------------------------------------------


def shelf(seed: int) -> cx.Tallies:
    """One month of 80 to 500 answers in cells of every size; each city lies in one region."""
    rng = np.random.default_rng(seed)
    kind, who = list(LEVELS)[seed % 4], ("unknown", "once", "often")[seed // 4 % 3]
    size = int(rng.integers(80, 500))

    def levels(names: str) -> Any:
        return rng.choice(list(names), size, p=rng.dirichlet(rng.uniform(0.2, 2, len(names))))

    home, city = dict(zip("abcdefg", rng.choice(list("NSW"), 7), strict=True)), levels("abcdefg")
    frame = pd.DataFrame({
        "day": "2026-10-02", "brand": levels("ABC"), "city": city, "region": [home[one] for one in city],
        "channel": levels("xyzw"), "who": rng.integers(0, max(size // 2, 1), size).astype(str),
        "nps": rng.choice(11, size, p=rng.dirichlet(np.ones(11))).astype(float),
    })  # fmt: skip
    roles = {} if who == "unknown" else {"respondent": "who"}
    mapping = {"kind": "relationship" if who == "once" else "transactional", "columns": {"time": "day", **roles},
               "items": {"nps": "nps"}, "dimensions": {one: one for one in NAMES}}  # fmt: skip
    names = sorted({name for level in LEVELS[kind] for name in level})
    return cx.tally(cx.read(frame, mapping), ["nps"], by=names, levels=LEVELS[kind])


def of_run(path: str, **sets: str) -> cx.Tallies:
    """The tallies of a run, before anything is hidden."""
    kept: list[cx.Tallies] = []

    def mask(tallies: cx.Tallies) -> cx.Tallies:
        kept.append(tallies)
        return privacy.mask(tallies)

    prepare.mask = mask
    try:
        prepare.plan(load(ROOT / path, sets), Path("tallies.parquet"))
    finally:
        prepare.mask = privacy.mask
    return kept[0]


# What it costs --------------------------------------------------------------------------------------------------------


def hidden(tallies: cx.Tallies) -> tuple[float, float]:
    """Answers in hidden cells, and in all cells."""
    cells, gone = privacy.people(tallies), privacy.mask(tallies).hidden
    keys = ["item", "period", *tallies.by, "cut"]
    lost = cells.merge(gone[[*keys, "reason"]], on=keys)["answers"]
    return float(lost.sum()), float(cells["answers"].sum())


def bound(tallies: cx.Tallies) -> tuple[float, float]:
    """Answers that any way of hiding has to hide: by an integer program, and by its linear relaxation."""
    cells = privacy.people(tallies)
    known = privacy._known(tallies, cells)
    sums = equations.equal_sums(privacy._atoms(tallies, cells), len(cells))
    told, found = equations.Table(sums, size=len(cells)), np.zeros(2)
    for period in cells.groupby(["item", "period"]).indices.values():
        if known.few[period].any():
            found += _least(told, known, period, tallies.rules.hide_below)
    return float(found[0]), float(found[1])


def _least(told: Any, cells: equations.Cells, mine: np.ndarray, least: int) -> np.ndarray:
    """Of the cells of one item and period. Every rule is linear in whether cells are hidden (1) or not (0)."""
    position, extra = {cell: i for i, cell in enumerate(mine.tolist())}, 0
    rows: list[dict[int, float]] = []

    def need(cell: int, times: float, others: dict[int, float]) -> None:
        """If the cell is hidden, the weights of others that are hidden add up to `times`."""
        row = {one: min(weight, times) for one, weight in others.items() if one != position[cell] and weight > 0}
        rows.append({**row, position[cell]: others.get(position[cell], 0.0) - times})

    for number in told.touching(mine).tolist():
        side, other = told.side(number), told.side(number ^ 1)
        beside = dict.fromkeys((position[cell] for cell in other.tolist()), 1.0)
        whole = len(mine) + extra  # all of the side are hidden: its sum is a group that is shown
        extra += 1
        rows += [{position[cell]: 1.0, whole: -1.0} for cell in side.tolist()]
        for cell in side.tolist():
            own = {position[one]: float(cells.n[one]) for one in side.tolist()}
            once = cells.apart[cell] or cells.members  # of known people the sum is the most that a union can be
            company = own if once else {one: 2.0 * (n >= 2) for one, n in own.items()}
            need(cell, 2.0, {**company, **dict.fromkeys(beside, 2.0), position[cell]: 0.0})
            group = own if once else {one: float(least) * (n >= least) for one, n in own.items()}
            need(cell, least, {**group, **{one: float(least) for one in beside}, whole: float(least)})
    total = len(mine) + extra
    at = [(i, column, value) for i, row in enumerate(rows) for column, value in row.items()]
    row, column, value = map(np.array, zip(*at, strict=True))
    matrix = csr_array((value, (row, column)), shape=(len(rows), total))
    low = np.zeros(total)
    low[: len(mine)] = cells.few[mine]
    given: dict[str, Any] = {
        "c": np.append(cells.answers[mine], np.zeros(extra)), "bounds": Bounds(low, 1),
        "constraints": LinearConstraint(matrix, lb=-1e-9),
    }  # fmt: skip
    whole = milp(**given, integrality=np.arange(total) < len(mine), options={"time_limit": SECONDS})
    return np.array([whole.mip_dual_bound, milp(**given).fun])


# How long it takes ----------------------------------------------------------------------------------------------------


def many(places: int, periods: int, seed: int = 1) -> cx.Tallies:
    """Places of some 60 answers in each period, cut by three segments of which each determines the one before it."""
    rng = np.random.default_rng(seed)
    size = places * periods * 60
    district = rng.choice(24, size, p=rng.dirichlet(np.full(24, 2.0)))
    frame = pd.DataFrame({
        "wave": rng.integers(0, periods, size) + 100, "place": rng.integers(0, places, size) + 10_000,
        "region": district // 6, "city": district // 2 + 100, "district": district + 100,
        "nps": rng.choice(11, size, p=[0.02] * 5 + [0.05, 0.1, 0.15, 0.2, 0.2, 0.2]).astype(float),
    }).astype(dict.fromkeys(("wave", "place", "region", "city", "district"), str))  # fmt: skip
    names = ["place", "region", "city", "district"]
    mapping = {"kind": "transactional", "columns": {"wave": "wave"}, "items": {"nps": "nps"},
               "dimensions": {one: one for one in names}}  # fmt: skip
    levels = [(), ("place",), *(("place", one) for one in names[1:])]
    return cx.tally(cx.read(frame, mapping), ["nps"], by=names, levels=levels, period="wave")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="40 shelves, and 60 places")
    quick = parser.parse_args().quick
    shelves = [shelf(seed) for seed in range(40 if quick else 200)]
    lost, (whole, relaxed) = sum(hidden(one)[0] for one in shelves), np.sum([bound(one) for one in shelves], axis=0)
    print(f"bar shelves_hidden_over_bound {lost / whole:.3f}")
    print(f"bar shelves_hidden_over_linear_bound {lost / relaxed:.3f}")
    runs: dict[str, dict[str, Any]] = {
        "demo": {"path": "params/demo.yaml"},
        "airport": {"path": "params/sfo.yaml", "data": str(ROOT.parent / "shared" / "data" / "sfo")},
    }
    for name, given in runs.items():
        try:
            tallies = of_run(**given)
        except CxError as error:  # the airport survey has to be downloaded
            print(f"{name}: {error}")
            continue
        (lost, every), (whole, _) = hidden(tallies), bound(tallies)
        print(f"bar {name}_hidden_percent {100 * lost / every:.2f}")
        print(f"bar {name}_bound_percent {100 * whole / every:.2f}")
    tallies, start = many(60 if quick else 1_000, 24), time.process_time()
    privacy.mask(tallies)
    print(f"bar protect_seconds {time.process_time() - start:.1f}")


if __name__ == "__main__":
    main()
