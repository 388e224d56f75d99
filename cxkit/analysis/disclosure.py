"""What sums of published numbers give away, and what has to be hidden so that they do not.

A reader subtracts the parts that are shown from a whole; solves crossing sums together; and takes into account what a
reason tells, as that fewer than ten people answered. Cells are positions, so that nothing here knows what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, eye_array, hstack, vstack
from scipy.sparse.csgraph import connected_components


class Relation(NamedTuple):
    """A margin and its parts, as positions of cells: the base of the whole is the sum of the bases of the parts."""

    whole: int
    parts: list[int]


class Told(NamedTuple):
    """Answers of each cell, and what the reason tells of a hidden one: few, at most so many, or at least so many."""

    answers: np.ndarray
    few: np.ndarray
    most: np.ndarray
    least: float


def protect(
    relations: Sequence[Relation], n: np.ndarray, hidden: np.ndarray, minimum: int, worth: np.ndarray, told: Told
) -> None:
    """Hide further cells, those of least worth first, until no sum gives a hidden one or too small a group away.

    Args:
        relations: Sums of one item and period.
        n: People of each cell.
        hidden: Which cells are hidden; more become so, in place.
        minimum: People that a hidden group needs where it can be told apart.
        worth: How dear each cell is.
        told: What a reader knows of the cells.
    """
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


def _pinned(relations: Sequence[Relation], hidden: np.ndarray, told: Told) -> list[Relation]:
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
