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
from scipy.sparse import coo_array
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
    blank = (cells[tallies.by] == BLANK).any(axis=1).to_numpy() if tallies.by else np.zeros(len(n), bool)
    worth = np.where(blank, n - 1e15, n)  # whoever left a question blank is the least loss, however many they are
    for group in _together(cells, relations):
        _protect(group, n, hidden, minimum, worth)
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
    """Every cell with answers, and how many people gave them."""
    keys = ["item", "period", *tallies.by, "cut"]
    cells = tallies.counts.groupby(keys, dropna=False)["n"].sum().reset_index()
    if "people" in tallies.sums.columns:
        items = tallies.sums["metric"].map({name: metric.item for name, metric in tallies.metrics.items()})
        people = tallies.sums.assign(item=items).groupby(keys, dropna=False, as_index=False)["people"].max()
        cells = cells.merge(people, on=keys, how="left")
        cells["n"] = cells["people"].fillna(cells["n"])
    return cells


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


def _protect(relations: Sequence[Relation], n: np.ndarray, hidden: np.ndarray, minimum: int, worth: np.ndarray) -> None:
    """Hide further cells, those of least worth first, until no sum gives a hidden one or too small a group away."""
    while True:
        before = hidden.sum()
        for relation in relations:
            while _exposed(relation, n, hidden, minimum):
                _hide_one_more(relation, worth, hidden)
        if hidden.sum() == before:
            if (solvable := _solvable(relations, hidden)) is None:
                return
            _hide_one_more(solvable, worth, hidden)


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
