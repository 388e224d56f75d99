"""What must be hidden, over all cells of a run, before anything leaves it.

Primary hiding: a cell in which too few people answered. Complementary hiding: a cell that would give a hidden one away,
because margins are published beside their parts and a reader can subtract. The same tallies always hide the same cells.

A place that alone would be given away by the total of everybody is left out of that total instead (`lone`):
hiding a large brand, or the total, for the sake of seven answers would cost far more than it protects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import coo_array, eye_array, hstack, vstack
from scipy.sparse.csgraph import connected_components

from cxkit.data import periods
from cxkit.data.mapping import BLANK
from cxkit.data.tallies import ALL, Tallies

MINIMUM = 10  # people who answered, below which a cell shows neither score nor base
FEW = "hidden: fewer than {} people answered"
GIVEN_AWAY = "hidden: it would give a smaller group away"


class Relation(NamedTuple):
    """A margin and its parts, as positions of cells: the base of the whole is the sum of the bases of the parts."""

    whole: int
    parts: list[int]


def lone(tallies: Tallies, minimum: int = MINIMUM) -> pd.DataFrame:
    """The small places that the total of everybody would give away, where one level of places is shown below it.

    Args:
        tallies: Whole tallies.
        minimum: People that a cell needs in order to be shown.

    Returns:
        Columns item, period, <dimensions of the level>; empty where nothing is given away, or where several levels
        cut everybody, so that leaving a place out of the total would show in the other ones.
    """
    below = _next((), tallies.levels) if () in tallies.levels else []
    if len(below) != 1:
        return pd.DataFrame(columns=["item", "period"])
    cells = people(tallies)
    parts = cells[cells["cut"] == ALL.join(below[0])]
    few = parts[(parts["n"] > 0) & (parts["n"] < minimum)]
    size = few.groupby(["item", "period"])["n"].agg(["size", "sum"])
    given = size[(size["size"] == 1) | (size["sum"] < minimum)].index
    chosen = pd.MultiIndex.from_frame(few[["item", "period"]]).isin(given)
    found: pd.DataFrame = few.loc[chosen, ["item", "period", *below[0]]].reset_index(drop=True)
    return found


def within(table: Any, label: str, period: str) -> Any:
    """Whether a response lies in a period, as it is written."""
    if period == "wave":
        return table["wave"] == label
    first, after = (pd.Timestamp(periods.start(p, period)) for p in (label, periods.shift(label, period, 1)))
    return (table["time"] >= first) & (table["time"] < after)


def with_totals(tallies: Tallies, totals: Tallies, withheld: pd.DataFrame) -> Tallies:
    """The tallies with another total of everybody, which leaves the withheld cells out, and says so."""
    parts: dict[str, Any] = {
        name: pd.concat([frame[frame["cut"] != ""], other[other["cut"] == ""].reindex(columns=frame.columns)])
        for name, frame, other in (
            ("counts", tallies.counts, totals.counts),
            ("sums", tallies.sums, totals.sums),
            ("pairs", tallies.pairs, totals.pairs),
        )
    }
    about = {**tallies.provenance, "withheld": withheld.to_dict("records")}
    return replace(tallies, **{k: f.reset_index(drop=True) for k, f in parts.items()}, provenance=about)


def mask(tallies: Tallies, minimum: int = MINIMUM) -> Tallies:
    """The tallies without the counts of cells that may not be shown.

    People are counted where respondents are known, answers otherwise: twelve answers of two customers are two people.

    Args:
        tallies: Whole tallies.
        minimum: People that a cell needs in order to be shown; empty cells hide nobody.

    Returns:
        Tallies in which hidden cells have no counts, sums or pairs, and stand in `hidden` with the reason.
    """
    cells = people(tallies)
    few = ((cells["n"] > 0) & (cells["n"] < minimum)).to_numpy()
    hidden = few.copy()
    relations = list(_relations(tallies, cells))
    n = cells["n"].to_numpy(float)
    most = np.where(cells["people"].isna(), minimum - 1.0, np.inf)  # few people may give many answers
    told = _Told(cells["answers"].to_numpy(float), few, most, minimum)
    blank = (cells[tallies.by] == BLANK).any(axis=1).to_numpy() if tallies.by else np.zeros(len(n), bool)
    worth = np.where(blank, n - 1e15, n)  # whoever left a question blank is the least loss, however many they are
    for group in _together(cells, relations):
        _protect(group, n, hidden, minimum, worth, told)
    reason = np.where(few, FEW.format(minimum), GIVEN_AWAY)
    gone = cells[hidden].assign(reason=reason[hidden])
    names = {name: metric.item for name, metric in tallies.metrics.items()}
    pairs = tallies.pairs.assign(item=tallies.pairs["metric"].map(names))
    for end in ("now", "before"):
        pairs = _without(pairs, gone.rename(columns={"period": end}))
    sums = _without(tallies.sums.assign(item=tallies.sums["metric"].map(names)), gone)
    return replace(
        tallies,
        counts=_without(tallies.counts, gone),
        sums=sums[tallies.sums.columns],
        pairs=pairs[tallies.pairs.columns],
        hidden=gone[tallies.hidden.columns].reset_index(drop=True),
    )


def people(tallies: Tallies) -> pd.DataFrame:
    """Every cell with answers, how many they are, and how many people gave them: known as `people`, or taken as `n`."""
    keys = ["item", "period", *tallies.by, "cut"]
    cells = tallies.counts.groupby(keys, dropna=False)["n"].sum().reset_index()
    cells = cells.rename(columns={"n": "answers"}).assign(people=np.nan)
    if "people" in tallies.sums.columns:
        items = tallies.sums["metric"].map({name: metric.item for name, metric in tallies.metrics.items()})
        people = tallies.sums.assign(item=items).groupby(keys, dropna=False, as_index=False)["people"].max()
        cells = cells.drop(columns="people").merge(people, on=keys, how="left")
    return cells.assign(n=cells["people"].fillna(cells["answers"]))


# What a reader can add up ---------------------------------------------------------------------------------------------


def _relations(tallies: Tallies, cells: pd.DataFrame) -> Iterator[Relation]:
    """Every margin with its parts, from each level to the next finer ones that are shown.

    A total that leaves small places out has no relation to them: it is the sum of the others.
    """
    left_out = pd.DataFrame(tallies.provenance.get("withheld", []))
    for level in tallies.levels:
        for finer in _next(level, tallies.levels):
            keys = ["item", "period", *level]
            wholes = cells[cells["cut"] == ALL.join(level)]
            parts = cells[cells["cut"] == ALL.join(finer)]
            if not level and len(left_out):
                names = list(left_out.columns)
                inside = pd.MultiIndex.from_frame(parts[names]).isin(pd.MultiIndex.from_frame(left_out))
                parts = parts[~inside]
            position = dict(zip(wholes[keys].itertuples(index=False, name=None), wholes.index, strict=True))
            for key, rows in parts.groupby(keys, sort=True).indices.items():
                yield Relation(position[key if isinstance(key, tuple) else (key,)], [int(i) for i in parts.index[rows]])


def _next(level: Sequence[str], levels: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The finer levels that cut a level without another shown one between them."""
    finer = [other for other in levels if set(level) < set(other)]
    return [one for one in finer if not any(set(other) < set(one) for other in finer)]


def _together(cells: pd.DataFrame, relations: Sequence[Relation]) -> list[list[Relation]]:
    """Relations by item and period: nothing adds up from one to another."""
    groups: dict[tuple[str, str], list[Relation]] = {}
    where = list(zip(cells["item"], cells["period"], strict=True))
    for relation in relations:
        groups.setdefault(where[relation.whole], []).append(relation)
    return list(groups.values())


class _Told(NamedTuple):
    """Answers of each cell, and what the reason tells of a hidden one: few, at most so many, or at least so many."""

    answers: np.ndarray
    few: np.ndarray
    most: np.ndarray
    least: float


def _protect(
    relations: Sequence[Relation], n: np.ndarray, hidden: np.ndarray, minimum: int, worth: np.ndarray, told: _Told
) -> None:
    """Hide further cells, those of least worth first, until no sum gives a hidden one or too small a group away."""
    while True:
        before = hidden.sum()
        for relation in relations:
            while _exposed(relation, n, hidden, minimum):
                _hide_one_more(relation, worth, hidden)
        if hidden.sum() == before:
            solvable = _solvable(relations, hidden)
            given = [solvable] if solvable else _pinned(relations, hidden, told)
            if not given:
                return
            for relation in given:
                _hide_one_more(relation, worth, hidden)


def _hide_one_more(relation: Relation, worth: np.ndarray, hidden: np.ndarray) -> None:
    """The part of least worth that is still shown goes, or else the whole."""
    shown = [part for part in relation.parts if not hidden[part]]
    hidden[min(shown, key=lambda part: (worth[part], part)) if shown else relation.whole] = True


def _exposed(relation: Relation, n: np.ndarray, hidden: np.ndarray, minimum: int) -> bool:
    """Whether subtracting what is shown leaves one hidden cell, or a group of too few people."""
    gone = [part for part in relation.parts if hidden[part]]
    if hidden[relation.whole]:
        return not gone
    if not gone:
        return False
    return len(gone) == 1 or (n[gone].sum() < minimum and len(gone) < len(relation.parts))


def _solvable(relations: Sequence[Relation], hidden: np.ndarray) -> Relation | None:
    """A relation with a hidden cell that all relations together determine, as crossing margins can."""
    for rows in _cycles(relations, hidden):
        unknown = sorted({cell for r in rows for cell in (r.whole, *r.parts) if hidden[cell]})
        column = {cell: i for i, cell in enumerate(unknown)}
        matrix = np.zeros((len(rows), len(unknown)))
        for i, relation in enumerate(rows):
            matrix[i, [column[cell] for cell in relation.parts if hidden[cell]]] = 1.0
            if hidden[relation.whole]:
                matrix[i, column[relation.whole]] = -1.0
        _, size, right = np.linalg.svd(matrix)
        free = right[np.sum(size > 1e-9) :]
        determined = {unknown[i] for i in np.flatnonzero(np.abs(free).max(axis=0, initial=0.0) < 1e-9)}
        if determined:
            touched = [r for r in rows if determined & {r.whole, *r.parts}]
            return next(r for r in (*touched, *rows) if not all(hidden[cell] for cell in (r.whole, *r.parts)))
    return None


def _pinned(relations: Sequence[Relation], hidden: np.ndarray, told: _Told) -> list[Relation]:
    """Relations, each of other cells, with a hidden cell of which the reasons leave one base: 18 in two is 9 each."""
    rows = [r for r in relations if hidden[r.whole] or hidden[r.parts].any()]
    if not rows:
        return []
    cells = np.unique(np.concatenate([[r.whole, *r.parts] for r in rows]))
    cells = cells[hidden[cells]]
    low = np.where(told.few[cells], 1.0, told.least)
    high = np.where(told.few[cells], told.most[cells], np.inf)
    sums, right = _equations(rows, cells, hidden, told.answers)
    return _nearest(rows, hidden, set(cells[_stuck(sums, right, low, high)].tolist()))


def _equations(
    rows: Sequence[Relation], cells: np.ndarray, hidden: np.ndarray, answers: np.ndarray
) -> tuple[coo_array, np.ndarray]:
    """What the relations say of the answers of some hidden cells: sums @ x = right."""
    terms = [(i, cell, -1.0 if cell == r.whole else 1.0) for i, r in enumerate(rows) for cell in (r.whole, *r.parts)]
    row, cell, sign = (np.array(part) for part in zip(*terms, strict=True))
    known, unknown = ~hidden[cell], hidden[cell]
    right = -np.bincount(row[known], sign[known] * answers[cell[known]], len(rows))
    column = np.searchsorted(cells, cell[unknown])
    return coo_array((sign[unknown], (row[unknown], column)), (len(rows), len(cells))), right


def _stuck(sums: coo_array, right: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which cells lie on one of their bounds in whatever way the sums are met.

    A linear program looks for a way in which all cells that can lie off their bounds do so at once (Freund, Roundy and
    Todd 1985): x / z is that way, a slack is how far off. Where no cell is stuck, bounds tell nothing that the sums
    alone do not tell.
    """
    size, ends = len(low), np.flatnonzero(np.isfinite(high))
    slacks = size + len(ends)
    one, two = eye_array(size, format="csr"), eye_array(len(ends))
    above = hstack([-one, one, coo_array((size, len(ends))), low[:, None]])  # low z + slack <= x
    below = hstack([one[ends], coo_array((len(ends), size)), two, -high[ends, None]])  # x + slack <= high z
    best = linprog(
        np.repeat([0.0, -1.0, 0.0], [size, slacks, 1]),
        A_ub=vstack([above, below]),
        b_ub=np.zeros(slacks),
        A_eq=hstack([sums, coo_array((len(right), slacks)), -right[:, None]]),
        b_eq=np.zeros(len(right)),
        bounds=[*[(0, None)] * size, *[(0, 1)] * slacks, (1, None)],
    )
    on = best.x[size:-1] < 0.5
    stuck: np.ndarray = on[:size]
    stuck[ends] |= on[size:]
    return stuck


def _nearest(rows: Sequence[Relation], hidden: np.ndarray, cells: set[int]) -> list[Relation]:
    """The relations next to some hidden cells in which something is still shown, each of other cells."""
    while cells:
        touching = [r for r in rows if not cells.isdisjoint((r.whole, *r.parts))]
        found, seen = list[Relation](), set[int]()
        for relation in touching:
            own = [relation.whole, *relation.parts]
            if not hidden[own].all() and seen.isdisjoint(own):
                found.append(relation)
                seen.update(own)
        grown = {cell for r in touching for cell in (r.whole, *r.parts)}
        if found or grown == cells:
            return found
        cells = grown
    return []


def _cycles(relations: Sequence[Relation], hidden: np.ndarray) -> list[list[Relation]]:
    """Relations that hang together by hidden cells in a ring; in a tree, what one leaves open no other closes."""
    rows = [r for r in relations if any(hidden[cell] for cell in (r.whole, *r.parts))]
    edges = [(i, cell) for i, r in enumerate(rows) for cell in (r.whole, *r.parts) if hidden[cell]]
    if not edges:
        return []
    row, cell = np.array(edges).T
    unknown, column = np.unique(cell, return_inverse=True)
    size = len(rows) + len(unknown)
    graph = coo_array((np.ones(len(edges)), (row, len(rows) + column)), shape=(size, size))
    count, label = connected_components(graph, directed=False)
    nodes, links = np.bincount(label, minlength=count), np.bincount(label[row], minlength=count)
    return [[rows[i] for i in np.flatnonzero(label[: len(rows)] == part)] for part in np.flatnonzero(links >= nodes)]


def _without(frame: pd.DataFrame, gone: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame that lie in none of some cells."""
    if frame.empty or gone.empty:
        return frame
    keys = [column for column in gone.columns if column in frame.columns and column not in ("n", "people", "reason")]
    found = frame.merge(gone[keys].drop_duplicates(), on=keys, how="left", indicator=True)["_merge"].to_numpy()
    kept: pd.DataFrame = frame[found != "both"].reset_index(drop=True)
    return kept
