"""Which published numbers add up to which others, and which hidden cells are thereby confined.

Statistical disclosure control for the tables of one run. Primary suppression: cells of too few people. Secondary
suppression: further cells, so that no sum of what is shown tells (i) a group of too few people, or one that a single
person completes, (ii) the base of a hidden cell to fewer than `OPEN` values, (iii) the score of a cell of too few
people to less than a quarter of its scale, whatever a reader knows of who answered.

One model serves all: two levels cut the same answers. Where cells of the one hang together with cells of the other,
because they share answers, the ones add up to the others: a margin and its parts, a region and its cities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csc_array, csr_array
from scipy.sparse.csgraph import connected_components

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Levels = Mapping[tuple[str, ...], Ints]

OPEN = 5  # values that the base of a hidden cell can have, as far as anybody can work out
QUARTER = 0.25  # of the scale stays open to the score of a cell of too few people: 50 points of NPS, 25 of a share
COMPANY = 2  # people beside those of a hidden cell: one alone knows the own answer, and so the others'
FAR = 1000.0  # answers beyond which it does not matter how far a base could be off
GUESSES = 2  # random directions in which a program looks for other bases that fit, before it asks for each cell alone


class Sums(NamedTuple):
    """Equal sums of cells: a row for each cell of each sum, in the order of `sum`.

    Attributes:
        sum: Number of the equation, twice; one more on its right side.
        cell: Position of the cell.
        follows: Whether the equation follows from others.
    """

    sum: Ints
    cell: Ints
    follows: Bools


Scale = tuple[int, Ints, Floats]


class Cells(NamedTuple):
    """What the cells of a run are, each an array by position.

    Attributes:
        n: People, or answers where nobody knows whose they are.
        answers: Answers.
        few: Whether too few people answered: primary suppression.
        most: Answers that the reason leaves possible for a cell of few.
        apart: Whether nobody is in two cells of one level.
        cost: What is lost where the cell is hidden.
        members: Who is in the cells of few, by position; absent where that is not known.
        item: Number of the item of a cell.
        codes: How many answers of each code a cell has: a row for each cell, a column for each code.
        scales: Of each metric the number of its item, its columns of `codes` in the order of their values, and these
            values, as parts of the scale.
    """

    n: Floats
    answers: Floats
    few: Bools
    most: Floats
    apart: Bools
    cost: Floats
    members: Mapping[int, frozenset[object]]
    item: Ints
    codes: Floats
    scales: Sequence[Scale]


# Which sums are equal -------------------------------------------------------------------------------------------------


def equal_sums(levels: Levels, size: int) -> Sums:
    """Every sum of cells of one level that equals a sum of another's.

    Args:
        levels: Level -> position of the cell that holds each atom, an atom being answers that no level cuts; -1 where
            the level does not hold it.
        size: Number of cells.

    Returns:
        For each pair of levels their smallest equal sums: the connected components of the graph that joins cells which
        share an atom. Those follow from others that an intermediate level puts together, or one margin as a whole.
    """
    numbers, cells, follows, count = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, bool)], 0
    for pair in combinations(levels, 2):
        a, b = sorted(pair, key=len)
        atoms = np.flatnonzero((levels[a] >= 0) & (levels[b] >= 0))
        left, right = levels[a][atoms], levels[b][atoms]
        label = connected_components(coo_array((np.ones(len(atoms)), (left, right)), shape=(size, size)), False)[1]
        implied = np.full(size, any(set(a) < set(c) < set(b) for c in levels))
        if not set(a) < set(b) and (common := [c for c in levels if set(c) <= set(a) & set(b)]):
            whole = levels[max(common, key=len)]  # every component lies within one cell of it
            held = np.zeros(size, np.int64)
            held[label[left]] = whole[atoms]
            implied = np.bincount(label[left], minlength=size) == np.bincount(whole[whole >= 0], minlength=size)[held]
        for side, nodes in enumerate((np.unique(left), np.unique(right))):
            numbers.append(2 * (count + label[nodes]) + side)
            cells.append(nodes)
            follows.append(implied[label[nodes]])
        count += size
    order = np.lexsort((np.concatenate(cells), np.concatenate(numbers)))
    number, cell = np.concatenate(numbers)[order], np.concatenate(cells)[order]
    equation = np.unique(number // 2, return_inverse=True)[1]
    return Sums(2 * equation + number % 2, cell, np.concatenate(follows)[order])


# What has to be hidden ------------------------------------------------------------------------------------------------


def suppress(levels: Levels, cells: Cells, least: int) -> Bools:
    """Which cells are hidden so that nothing of a hidden one comes out: those of few, and others that cost little.

    Args:
        levels: As `equal_sums` takes them.
        cells: The cells.
        least: People that a group needs in order to be shown.
    """
    hidden, sound = cells.few.copy(), set[bytes]()
    told = _Table(equal_sums(levels, len(hidden)), len(hidden))
    todo = told.touching(np.flatnonzero(hidden))
    while True:
        while len(todo := todo[telling(told, cells, hidden, least, todo)]):
            gone = _cheapest(told, cells.cost, hidden, told.apart(todo))
            hidden[gone] = True
            todo = np.union1d(todo, told.touching(gone))
        gone = _beside(told, cells.cost, hidden, confined(told, levels, cells, hidden, least, sound))
        if not len(gone):
            return hidden
        hidden[gone] = True
        todo = told.touching(gone)


class _Table:
    """The sides of equations: side 2 i equals side 2 i + 1."""

    def __init__(self, sums: Sums, size: int) -> None:
        self.sums, shape = sums, (int(sums.sum.max(initial=-1)) // 2 * 2 + 2, size)
        self.sides = csr_array((np.ones(len(sums.sum)), (sums.sum, sums.cell)), shape=shape)
        self.cells = self.sides.T.tocsr()

    def side(self, number: int) -> Ints:
        """The cells of a side."""
        found: Ints = self.sides.indices[self.sides.indptr[number] : self.sides.indptr[number + 1]]
        return found

    def touching(self, cells: Ints) -> Ints:
        """All sides of equations in which some cells stand."""
        numbers = np.unique(self.cells[cells].indices) // 2
        return np.unique(np.concatenate([2 * numbers, 2 * numbers + 1])).astype(np.int64)

    def apart(self, numbers: Ints) -> Ints:
        """Of some sides those that can be dealt with at once: of equations without a common cell, small ones first."""
        rows = self.sides[numbers] + self.sides[numbers ^ 1]
        rank = np.lexsort((numbers, np.diff(rows.indptr))).argsort()
        mine = np.repeat(rank, np.diff(rows.indptr))
        first = np.full(rows.shape[1], len(rank))
        np.minimum.at(first, rows.indices, mine)
        return numbers[np.logical_and.reduceat(first[rows.indices] == mine, rows.indptr[:-1])]


def telling(told: _Table, cells: Cells, hidden: Bools, least: int, numbers: Ints) -> Bools:
    """Which sides of equations tell what may not be told of their hidden cells, which a reader can work out together.

    Too few people; one cell; all people but one, who knows the own answer; answers so much alike that a score follows.
    """
    rows = told.sides[numbers]
    start, of = rows.indptr[:-1], np.repeat(np.arange(len(numbers)), np.diff(rows.indptr))
    gone = hidden[rows.indices]
    count = np.add.reduceat(gone.astype(int), start) if len(numbers) else np.empty(0, int)
    alone = (count > 0) & (told.sides[numbers ^ 1] @ hidden == 0)
    n = np.where(gone, cells.n[rows.indices], 0.0)
    ranked = n[np.lexsort((-n, of))]
    largest, next_ = ranked[start], np.where(count > 1, ranked[np.minimum(start + 1, len(n) - 1)], 0.0)
    together = np.add.reduceat(n, start) if len(numbers) else n
    apart = cells.apart[rows.indices[start]]
    union, company = np.where(apart, together, largest), np.where(apart, together - largest, next_)
    whole = count == np.diff(rows.indptr)
    for i in np.flatnonzero(alone & (count > 1) & ~apart) if cells.members else ():
        side = told.side(numbers[i])
        who = [one for cell in side[hidden[side]].tolist() if (one := cells.members.get(cell)) is not None]
        if len(who) == count[i]:
            everybody = frozenset().union(*who)
            union[i], company[i] = len(everybody), min(len(everybody - one) for one in who)
    found: Bools = alone & ((count == 1) | ((union < least) & ~whole) | (company < COMPANY))
    # Where all of the margin answered alike, nothing but to hide the margin would help: it could be shown, and is.
    asked = np.flatnonzero(alone & ~found & ~whole)
    asked = asked[_alike(told, cells, hidden, numbers[asked], hidden)]
    found[asked[~_alike(told, cells, hidden, numbers[asked], np.ones_like(hidden))]] = True
    return found


def _alike(told: _Table, cells: Cells, hidden: Bools, numbers: Ints, taken: Bools) -> Bools:
    """Where the answers of some cells of a side leave less than a quarter of the scale to the score of one of few.

    A reader may know how many answered in each: the score lies between those of the lowest and of the highest answers.
    """
    rows, found = told.sides[numbers], np.zeros(len(numbers), dtype=bool)
    of = np.repeat(np.arange(len(numbers)), np.diff(rows.indptr))
    few = hidden[rows.indices] & cells.few[rows.indices]
    of, n = of[few], cells.answers[rows.indices[few]]
    for kind, column, values in cells.scales:
        mine = cells.item[rows.indices[rows.indptr[:-1]]] == kind
        if not mine.any():
            continue
        own = mine[of]
        counts = (rows @ (cells.codes[:, column] * taken[:, None]))[of[own]]
        low, high = (np.clip(n[own, None] - np.cumsum(c, axis=1) + c, 0, c) @ v
                     for c, v in ((counts, values), (counts[:, ::-1], values[::-1])))  # fmt: skip
        found[of[own][high - low < (QUARTER - 1e-9) * n[own]]] = True
    return found


def _cheapest(told: _Table, cost: Floats, hidden: Bools, numbers: Ints) -> Ints:
    """Of each side the shown cell that costs the least, or else of the other side."""
    found = list[int]()
    for number in numbers.tolist():
        for side in (told.side(number), told.side(number ^ 1)):
            if len(shown := side[~hidden[side]]):
                found.append(int(shown[np.lexsort((shown, cost[shown]))[0]]))
                break
    return np.array(found, np.int64)


def _beside(told: _Table, cost: Floats, hidden: Bools, stuck: Sequence[int]) -> Ints:
    """The cheapest shown cells in the sums of some hidden ones, or in the sums next to these."""
    found = set[int]()
    for cell in stuck:
        near = np.array([cell])
        while True:
            grown = np.unique(np.concatenate([told.side(number) for number in told.touching(near).tolist()]))
            if len(shown := grown[~hidden[grown]]):
                found.add(int(shown[np.lexsort((shown, cost[shown]))[0]]))
                break
            if len(grown) == len(near):
                break
            near = grown
    return np.array(sorted(found), np.int64)


# How much stays open --------------------------------------------------------------------------------------------------


def confined(told: _Table, levels: Levels, cells: Cells, hidden: Bools, least: int, sound: set[bytes]) -> list[int]:
    """Hidden cells of which all sums and reasons together leave the base fewer than `OPEN` values, one of each part.

    Every way to meet the sums is the true one plus a shift that adds up to nothing. Cells that stand in the same sums
    give way to each other. For the others a linear program looks for shifts, in some random directions, of nearly all
    cells at once; then it is asked for each cell that moved too little. Parts have nothing to do with each other, so
    that one program asks a cell of each.

    Args:
        sound: Parts that are known to leave enough open; more are added.
    """
    term = hidden[told.sums.cell] & ~told.sums.follows
    sign = np.where(told.sums.sum[term] % 2, 1.0, -1.0)
    used, column = np.unique(told.sums.cell[term], return_inverse=True)
    equations, row = np.unique(told.sums.sum[term] // 2, return_inverse=True)
    rows = csc_array((sign, (row, column)), shape=(len(equations), len(used)))
    every = (
        np.clip(np.where(cells.few, 1.0, least) - cells.answers, -FAR, 0.0),
        np.clip(np.where(cells.few, cells.most, np.inf) - cells.answers, 0.0, FAR),
    )
    low, high = every[0][used], every[1][used]
    wanted = min(OPEN, least - 1) - 1.0
    narrow = _alternatives(levels, hidden, every[0], every[1])[used] < wanted
    part = _parts(rows)
    open_, stuck = np.isin(part, part[narrow]), list[int]()
    for number in np.unique(part[narrow]):
        if used[part == number].tobytes() in sound:
            open_[part == number] = False
    chosen = np.flatnonzero(open_)
    for some in np.array_split(chosen[np.argsort(part[chosen], kind="stable")], max(1, len(chosen) // 2_000)):
        if len(some := np.flatnonzero(np.isin(part, part[some]) & open_)):
            own = rows[:, some].tocsr()
            found = _stuck(own[np.diff(own.indptr) > 0], low[some], high[some], narrow[some], part[some], wanted)
            stuck += used[some[found]].tolist()
    bad = set(part[np.searchsorted(used, stuck)])
    sound |= {used[part == number].tobytes() for number in set(part[open_]) - bad}
    return stuck


def _alternatives(levels: Levels, hidden: Bools, low: Floats, high: Floats) -> Floats:
    """How far the base of each hidden cell can move because answers of it and of others stand in the same shown cells.

    Such answers could change places and nobody would see it; how many, the bounds of the hidden cells that hold them
    tell. It is a lower bound: one exchange with one other cell.
    """
    cells = np.column_stack(list(levels.values()))
    shown = np.where(cells < 0, -2, np.where(hidden[cells], -1, cells))
    twin = np.unique(shown, axis=0, return_inverse=True)[1].ravel()
    held = (cells >= 0) & hidden[cells]
    gain, loss = (np.where(held, end[cells], np.inf).min(axis=1) for end in (high, -low))
    found = np.zeros(len(hidden))
    for level in range(cells.shape[1]):
        of = np.flatnonzero(held[:, level])
        if not len(of):
            continue
        key = np.unique(np.column_stack([twin[of], cells[of, level]]), axis=0, return_inverse=True)
        (group, cell), at = key[0].T, key[1].ravel()
        most = np.zeros((2, len(cell)))
        for side, end in enumerate((gain, loss)):
            np.maximum.at(most[side], at, end[of])
        own = np.unique(group, return_inverse=True)[1]
        other = [_largest_other(own, end) for end in most]
        moved = np.zeros((2, len(hidden)))
        np.maximum.at(moved[0], cell, np.minimum(most[0], other[1]))
        np.maximum.at(moved[1], cell, np.minimum(most[1], other[0]))
        found += moved.sum(axis=0)
    return found


def _largest_other(group: Ints, values: Floats) -> Floats:
    """Of each member of a group the largest value of another member; 0 where there is none."""
    order = np.lexsort((-values, group))
    start = np.flatnonzero(np.diff(group[order], prepend=-1))
    size = np.diff(np.append(start, len(order)))
    first, second = values[order[start]], np.where(size > 1, values[order[np.minimum(start + 1, len(order) - 1)]], 0.0)
    found: Floats = np.where(
        np.isin(np.arange(len(order)), order[start]), second[group], np.where(size > 1, first, 0.0)[group]
    )
    return found


def _parts(rows: csc_array) -> Ints:
    """The part of each cell: cells that hang together by equations."""
    size = rows.shape[0]
    row, cell = rows.nonzero()
    graph = coo_array((np.ones(len(row)), (row, size + cell)), shape=(size + rows.shape[1],) * 2)
    part: Ints = connected_components(graph, directed=False)[1][size:].astype(np.int64)
    return part


def _stuck(sums: csr_array, low: Floats, high: Floats, narrow: Bools, part: Ints, wanted: float) -> Ints:
    """The first cell of each part that no two solutions hold `wanted` apart."""
    least, most = np.zeros(len(low)), np.zeros(len(low))
    bounds, zero = np.column_stack([low, high]), np.zeros(sums.shape[0])

    def look(aim: Floats) -> None:
        best = linprog(aim, A_eq=sums, b_eq=zero, bounds=bounds)
        shift = best.x if best.status == 0 else np.zeros(len(low))
        np.minimum(least, np.ceil(shift - 1e-6), out=least)
        np.maximum(most, np.floor(shift + 1e-6), out=most)

    random = np.random.default_rng(0)
    for _ in range(GUESSES):
        if (todo := narrow & (most - least < wanted)).any():
            aim = np.where(todo, random.uniform(0.5, 1.5, len(low)) * random.choice([-1, 1], len(low)), 0.0)
            look(aim)
            look(-aim)
    todo, found = narrow & (most - least < wanted), np.empty(0, np.int64)
    while todo.any():
        first = np.flatnonzero(todo)
        first = first[np.unique(part[first], return_index=True)[1]]
        aim = np.zeros(len(low))
        aim[first] = 1.0
        look(aim)
        look(-aim)
        found = np.append(found, first[most[first] - least[first] < wanted])
        todo &= (most - least < wanted) & ~np.isin(part, part[found])
    return found
