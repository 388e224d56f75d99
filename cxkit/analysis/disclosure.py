"""What has to be hidden in the tables of one run, so that nothing of a hidden cell comes out.

Statistical disclosure control. Primary suppression: cells of too few people. Secondary suppression: further cells, so
that no sum of what is shown (`equations`) tells (i) a group of too few people, or one that a single person completes,
(ii) the base of a hidden cell to fewer than five values, (iii) the score of a cell of too few people to less than a
quarter of its scale, whatever a reader knows of who answered (`confinement`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cxkit.analysis.confinement import Bases, classes_of, confined, possible, system_of
from cxkit.analysis.equations import Bools, Cells, Floats, Ints, Levels, Table, differences, equal_sums, rests, told_of

TRIES = 40  # cells of each part that are tried whether they need not be hidden after all


def suppress(levels: Levels, cells: Cells, least: int, same: Ints) -> Bools:
    """Which cells are hidden so that nothing of a hidden one comes out: those of few, and others that cost little.

    Args:
        levels: As `equal_sums` takes them.
        cells: The cells.
        least: People that a group needs in order to be shown.
        same: A number that cells share which are hidden together besides those that are tied, as months of a level.
    """
    size, known = len(cells.n), cells
    beside, cells = rests(levels, cells._replace(tied=_parts(cells.tied, same)), least)
    cost: Floats = np.bincount(cells.tied, cells.cost)[cells.tied].astype(float)
    cells = cells._replace(scales=[classes_of(cells, scale) for scale in cells.scales], cost=cost)
    fresh = _together(cells, np.flatnonzero(cells.few))
    hidden = np.isin(np.arange(len(cells.few)), fresh)
    sums = equal_sums(levels, size)
    told = Table(sums, differences(levels, sums, known), beside, size=len(hidden))
    bases = possible(told, cells, least)
    todo = told.touching(fresh)
    while True:
        while len(todo := todo[telling(told, cells, hidden, least, todo)]):
            gone = _together(cells, _cheapest(told, cells, hidden, told.apart(todo)))
            hidden[gone] = True
            todo, fresh = np.union1d(todo, told.touching(gone)), np.union1d(fresh, gone)
        fresh = _together(
            cells, _beside(told, cells.cost, hidden, confined(told, levels, cells, hidden, bases, least, fresh))
        )
        if not len(fresh):
            break
        hidden[fresh] = True
        todo = told.touching(fresh)
    _show_again(told, levels, cells, hidden, least, bases)
    return hidden[:size]


def telling(told: Table, cells: Cells, hidden: Bools, least: int, numbers: Ints) -> Bools:
    """Which sides of equations tell what may not be told of their hidden cells, which a reader can work out together.

    Too few people; one cell; all people but one, who knows the own answer.
    """
    if not len(numbers):
        return np.zeros(0, dtype=bool)
    rows = told.sides[numbers]
    of = np.repeat(np.arange(len(numbers)), np.diff(rows.indptr))
    gone = hidden[rows.indices] & (told.sides[numbers ^ 1] @ hidden == 0)[of]
    cell, apart = rows.indices[gone], cells.apart[rows.indices[rows.indptr[:-1]]]
    count, few, lonely = told_of(of[gone], cell, cells.n[cell], apart, cells.members, least)
    found: Bools = (count == 1) | ((count > 1) & (lonely | (few & (count < np.diff(rows.indptr)))))
    return found


def _cheapest(told: Table, cells: Cells, hidden: Bools, numbers: Ints) -> Ints:
    """Of each side's equation the shown cell that costs the least, with what has to be hidden beside it elsewhere."""
    every = told.sides[numbers] + told.sides[numbers ^ 1]
    of, cell = np.repeat(np.arange(len(numbers)), np.diff(every.indptr)), every.indices
    of, cell = of[~hidden[cell]], cell[~hidden[cell]]
    wanted, at = np.unique(cell, return_inverse=True)
    price = (cells.cost[wanted] + _company(told, cells.answers, hidden, wanted))[at]
    order = np.lexsort((cell, price, of))
    found: Ints = np.unique(cell[order[np.unique(of[order], return_index=True)[1]]]).astype(np.int64)
    return found


def _company(told: Table, cost: Floats, hidden: Bools, some: Ints) -> Floats:
    """What it costs that some shown cells, once hidden, would be the only hidden ones of an equation."""
    sums = told.columns[some]
    used, equation = np.unique(sums.indices, return_inverse=True)
    rows = told.rows[used]
    order = np.lexsort((cost[rows.indices], np.repeat(np.arange(len(used)), np.diff(rows.indptr))))
    one, two = rows.indptr[:-1], np.minimum(rows.indptr[:-1] + 1, rows.indptr[1:] - 1)
    cheapest, cell = cost[rows.indices[order]], rows.indices[order]
    alone = abs(rows) @ hidden == 0
    other = np.where(
        cell[one][equation] == np.repeat(some, np.diff(sums.indptr)), cheapest[two][equation], cheapest[one][equation]
    )
    owner = np.repeat(np.arange(len(some)), np.diff(sums.indptr))
    return np.bincount(owner, other * alone[equation], len(some)).astype(float)


def _beside(told: Table, cost: Floats, hidden: Bools, stuck: Sequence[int]) -> Ints:
    """The cheapest shown cells in the sums of some hidden ones, or in the sums next to these."""
    found = set[int]()
    for cell in stuck:
        near = np.array([cell])
        while True:
            grown = np.unique(told.rows[np.unique(told.columns[near].indices)].indices).astype(np.int64)
            if len(shown := grown[~hidden[grown]]):
                found.add(int(shown[np.lexsort((shown, cost[shown]))[0]]))
                break
            if len(grown) == len(near):
                break
            near = grown
    return np.array(sorted(found), np.int64)


def _show_again(told: Table, levels: Levels, cells: Cells, hidden: Bools, least: int, bases: Bases) -> None:
    """Shows the cells that need not be hidden after all, of each part the dearest first."""
    left = np.setdiff1d(np.flatnonzero(hidden), _together(cells, np.flatnonzero(cells.few)))
    for _ in range(TRIES):
        left = np.setdiff1d(left, _together(cells, left[_needed(told, cells, hidden, left)]))
        if not len(left):
            return
        part = np.full(len(hidden), -1)
        system = system_of(told, hidden, left)
        part[system.cells] = _parts(system.part, cells.tied[system.cells])
        order = left[np.lexsort((left, -cells.cost[left]))]
        tried = _together(cells, order[np.unique(part[order], return_index=True)[1]])
        hidden[tried] = False
        left, touched = np.setdiff1d(left, tried), told.touching(tried)
        beside = told.rows[np.unique(told.columns[tried].indices)].indices.astype(np.int64)
        while len(tried):
            bad = touched[telling(told, cells, hidden, least, touched)]
            back = np.isin(tried, told.sides[np.concatenate([bad, bad ^ 1])].indices)
            if not back.any():
                back = np.isin(part[tried], part[confined(told, levels, cells, hidden, bases, least, beside)])
            if not back.any():
                break
            back = np.isin(tried, _together(cells, tried[back]))
            hidden[tried[back]] = True
            tried = tried[~back]


def _together(cells: Cells, some: Ints) -> Ints:
    """Some cells, and those that are hidden with them."""
    return np.flatnonzero(np.isin(cells.tied, cells.tied[some]))


def _parts(part: Ints, tied: Ints) -> Ints:
    """Parts as one where cells of theirs are hidden together."""
    size = part.max(initial=-1) + 1
    label: Ints = connected_components(
        coo_array((np.ones(len(part)), (part, size + tied)), shape=(size + tied.max(initial=0) + 1,) * 2), False
    )[1]
    return label[part]


def _needed(told: Table, cells: Cells, hidden: Bools, some: Ints) -> Bools:
    """Which of some hidden cells certainly have to be: with one other in a sum of which nothing else is hidden."""
    rows = told.cells[some]
    side, of = rows.indices, np.repeat(np.arange(len(some)), np.diff(rows.indptr))
    count = told.sides @ hidden
    found: Bools = np.bincount(of, (count[side] == 2) & (count[side ^ 1] == 0), len(some)) > 0
    return found
