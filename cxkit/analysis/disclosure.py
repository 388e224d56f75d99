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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, eye_array, kron, vstack
from scipy.sparse.csgraph import connected_components

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Levels = Mapping[tuple[str, ...], Ints]

OPEN = 5  # values that the base of a hidden cell can have, as far as anybody can work out
QUARTER = 0.25  # of the scale stays open to the score of a cell of too few people: 50 points of NPS, 25 of a share
COMPANY = 2  # people beside those of a hidden cell: one alone knows the own answer, and so the others'
NOTHING = 1e-6
STEPS = 100  # of bounds that follow from bounds
FAR = 1000.0  # answers beyond which it does not matter how far a base could be off
GUESSES = 2  # random directions in which a program looks for other answers that fit, before it asks for each cell alone
AT_ONCE = 2_000  # unknowns of one program
TRIES = 40  # cells of each part that are tried whether they need not be hidden after all


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


Scale = tuple[int, Any, Floats]


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
        implied = np.zeros(size, dtype=bool)
        if not set(a) < set(b) and (common := [c for c in levels if set(c) <= set(a) & set(b)]):
            whole = levels[max(common, key=len)]  # every component lies within one cell of it
            held = np.zeros(size, np.int64)
            held[label[left]] = whole[atoms]
            implied = np.bincount(label[left], minlength=size) == np.bincount(whole[whole >= 0], minlength=size)[held]
        implied |= any(
            set(a) < set(c) < set(b) or _between(levels, a, c, b) or _between(levels, b, c, a) for c in levels
        )
        for side, nodes in enumerate((np.unique(left), np.unique(right))):
            numbers.append(2 * (count + label[nodes]) + side)
            cells.append(nodes)
            follows.append(implied[label[nodes]])
        count += size
    order = np.lexsort((np.concatenate(cells), np.concatenate(numbers)))
    number, cell = np.concatenate(numbers)[order], np.concatenate(cells)[order]
    equation = np.unique(number // 2, return_inverse=True)[1]
    return Sums(2 * equation + number % 2, cell, np.concatenate(follows)[order])


def _between(levels: Levels, coarse: tuple[str, ...], middle: tuple[str, ...], fine: tuple[str, ...]) -> bool:
    """Whether each cell of a level lies in one of another, and these in one of a third: districts, cities, regions."""
    return _within(levels, fine, middle) and _within(levels, middle, coarse)


def _within(levels: Levels, fine: tuple[str, ...], coarse: tuple[str, ...]) -> bool:
    """Whether each cell of a level lies in one of another, as a city in its region, and some of these hold several."""
    own, wider = levels[fine], levels[coarse]
    if (own < 0).any() or (wider < 0).any():
        return False
    lies, there = np.full(own.max(initial=-1) + 1, -1), np.zeros(wider.max(initial=-1) + 1, dtype=bool)
    lies[own], there[wider] = wider, True
    return bool((lies[own] == wider).all() and (lies >= 0).sum() > there.sum())


# What has to be hidden ------------------------------------------------------------------------------------------------


def suppress(levels: Levels, cells: Cells, least: int) -> Bools:
    """Which cells are hidden so that nothing of a hidden one comes out: those of few, and others that cost little.

    Args:
        levels: As `equal_sums` takes them.
        cells: The cells.
        least: People that a group needs in order to be shown.
    """
    hidden, cells = cells.few.copy(), cells._replace(scales=[_classes(cells, scale) for scale in cells.scales])
    told = _Table(equal_sums(levels, len(hidden)), len(hidden))
    bases = _possible(told, cells, least)
    fresh = np.flatnonzero(hidden)
    todo = told.touching(fresh)
    while True:
        while len(todo := todo[telling(told, cells, hidden, least, todo)]):
            gone = _cheapest(told, cells, hidden, told.apart(todo))
            hidden[gone] = True
            todo, fresh = np.union1d(todo, told.touching(gone)), np.union1d(fresh, gone)
        fresh = _beside(told, cells.cost, hidden, confined(told, levels, cells, hidden, bases, fresh))
        if not len(fresh):
            break
        hidden[fresh] = True
        todo = told.touching(fresh)
    _show_again(told, levels, cells, hidden, least, bases)
    return hidden


class _Table:
    """The sides of equations: side 2 i equals side 2 i + 1."""

    def __init__(self, sums: Sums, size: int) -> None:
        shape = (int(sums.sum.max(initial=-1)) // 2 * 2 + 2, size)
        self.sides = csr_array((np.ones(len(sums.sum)), (sums.sum, sums.cell)), shape=shape)
        self.cells = self.sides.T.tocsr()
        own, sign = ~sums.follows, np.where(sums.sum % 2, 1.0, -1.0)
        self.rows = csr_array((sign[own], (sums.sum[own] // 2, sums.cell[own])), shape=(shape[0] // 2, size))
        self.columns = self.rows.T.tocsr()

    def side(self, number: int) -> Ints:
        """The cells of a side."""
        found: Ints = self.sides.indices[self.sides.indptr[number] : self.sides.indptr[number + 1]]
        return found

    def touching(self, cells: Ints) -> Ints:
        """All sides of equations in which some cells stand."""
        numbers = _distinct(self.cells[cells].indices // 2, self.sides.shape[0] // 2)
        found: Ints = (2 * numbers[:, None] + np.arange(2)).ravel()
        return found

    def apart(self, numbers: Ints) -> Ints:
        """Of some sides those that can be dealt with at once: of equations without a common cell, small ones first."""
        rows = self.sides[numbers] + self.sides[numbers ^ 1]
        rank = np.lexsort((numbers, np.diff(rows.indptr))).argsort()
        mine = np.repeat(rank, np.diff(rows.indptr))
        first = np.full(rows.shape[1], len(rank))
        np.minimum.at(first, rows.indices, mine)
        return numbers[np.logical_and.reduceat(first[rows.indices] == mine, rows.indptr[:-1])]


def _distinct(numbers: Ints, size: int) -> Ints:
    """Numbers below a size, each once, in order: marked where they are many, which is faster than to sort them."""
    if 20 * len(numbers) < size:
        return np.unique(numbers).astype(np.int64)
    marked = np.zeros(size, dtype=bool)
    marked[numbers] = True
    return np.flatnonzero(marked)


def telling(told: _Table, cells: Cells, hidden: Bools, least: int, numbers: Ints) -> Bools:
    """Which sides of equations tell what may not be told of their hidden cells, which a reader can work out together.

    Too few people; one cell; all people but one, who knows the own answer.
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
    return found


def _cheapest(told: _Table, cells: Cells, hidden: Bools, numbers: Ints) -> Ints:
    """Of each side's equation the shown cell that costs the least, with what has to be hidden beside it elsewhere."""
    every = told.sides[numbers] + told.sides[numbers ^ 1]
    of, cell = np.repeat(np.arange(len(numbers)), np.diff(every.indptr)), every.indices
    of, cell = of[~hidden[cell]], cell[~hidden[cell]]
    wanted, at = np.unique(cell, return_inverse=True)
    price = (cells.cost[wanted] + _company(told, cells.answers, hidden, wanted))[at]
    order = np.lexsort((cell, price, of))
    found: Ints = np.unique(cell[order[np.unique(of[order], return_index=True)[1]]]).astype(np.int64)
    return found


def _company(told: _Table, cost: Floats, hidden: Bools, some: Ints) -> Floats:
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


def _beside(told: _Table, cost: Floats, hidden: Bools, stuck: Sequence[int]) -> Ints:
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


def _show_again(told: _Table, levels: Levels, cells: Cells, hidden: Bools, least: int, bases: _Bases) -> None:
    """Shows the cells that need not be hidden after all, of each part the dearest first."""
    left = np.flatnonzero(hidden & ~cells.few)
    for _ in range(TRIES):
        left = left[~_needed(told, cells, hidden, left)]
        if not len(left):
            return
        part = np.full(len(hidden), -1)
        system = _system(told, hidden, left)
        part[system.cells] = system.part
        order = left[np.lexsort((left, -cells.cost[left]))]
        tried = order[np.unique(part[order], return_index=True)[1]]
        hidden[tried] = False
        left, touched = np.setdiff1d(left, tried), told.touching(tried)
        beside = told.rows[np.unique(told.columns[tried].indices)].indices.astype(np.int64)
        while len(tried):
            bad = touched[telling(told, cells, hidden, least, touched)]
            back = np.isin(tried, told.sides[np.concatenate([bad, bad ^ 1])].indices)
            if not back.any():
                back = np.isin(part[tried], part[confined(told, levels, cells, hidden, bases, beside)])
            if not back.any():
                break
            hidden[tried[back]] = True
            tried = tried[~back]


def _needed(told: _Table, cells: Cells, hidden: Bools, some: Ints) -> Bools:
    """Which of some hidden cells certainly have to be: with one other in a sum of which nothing else is hidden."""
    rows = told.cells[some]
    side, of = rows.indices, np.repeat(np.arange(len(some)), np.diff(rows.indptr))
    count = told.sides @ hidden
    found: Bools = np.bincount(of, (count[side] == 2) & (count[side ^ 1] == 0), len(some)) > 0
    return found


# How much stays open --------------------------------------------------------------------------------------------------


class _System(NamedTuple):
    """Hidden cells that hang together, and the equations between them: every shift of their answers adds up to zero.

    Attributes:
        cells: Their positions.
        rows: A row for each equation, a column for each cell.
        part: The part of each cell: parts have nothing to do with each other.
        twin: A number that cells share which stand on the same side of the same equations.
        round: Whether the part of a cell has a cycle of equations.
    """

    cells: Ints
    rows: csr_array
    part: Ints
    twin: Ints
    round: Bools

    def of(self, chosen: Bools) -> _System:
        """Some whole parts alone."""
        rows = self.rows[:, chosen]
        return _System(
            self.cells[chosen],
            rows[np.diff(rows.indptr) > 0],
            self.part[chosen],
            self.twin[chosen],
            self.round[chosen],
        )


def _system(told: _Table, hidden: Bools, some: Ints) -> _System:
    """The hidden cells that hang together with some."""
    reached, equations, new = np.zeros_like(hidden), np.zeros(told.rows.shape[0], dtype=bool), some[hidden[some]]
    while len(new):
        reached[new] = True
        sums = _distinct(told.columns[new].indices, len(equations))
        sums = sums[~equations[sums]]
        equations[sums] = True
        new = _distinct(told.rows[sums].indices, len(hidden))
        new = new[hidden[new] & ~reached[new]]
    cells, own = np.flatnonzero(reached), told.rows[np.flatnonzero(equations)].tocoo()
    kept = hidden[own.col]
    row, column = own.row[kept], (np.cumsum(reached) - 1)[own.col[kept]]
    size = own.shape[0]
    rows = csr_array((own.data[kept], (row, column)), shape=(size, len(cells)))
    graph = coo_array((np.ones(len(row)), (row, size + column)), shape=(size + len(cells),) * 2)
    label = connected_components(graph, directed=False)[1]
    cycle = np.bincount(label[row], minlength=label.max(initial=-1) + 1) >= np.bincount(label)
    same = rows.T @ np.random.default_rng(0).integers(1, 2**40, size).astype(float)
    twin = np.unique(same, return_inverse=True)[1]
    part = label[size:].astype(np.int64)
    return _System(cells, rows, part, twin, cycle[part])


def confined(told: _Table, levels: Levels, cells: Cells, hidden: Bools, bases: _Bases, some: Ints) -> list[int]:
    """Hidden cells of which all sums together leave the base or the score too little open, one of each part.

    Args:
        told: The equations.
        levels: As `equal_sums` takes them.
        cells: The cells.
        hidden: Which are hidden.
        bases: What is asked of bases.
        some: Cells whose parts are looked at.
    """
    system = _system(told, hidden, some)
    stuck = _bases(system, bases)
    found: list[int] = system.cells[stuck].tolist()
    for scale in cells.scales:
        system = system.of(~np.isin(system.part, system.part[stuck]))
        stuck = _scores(system, told, levels, cells, hidden, scale)
        found += system.cells[stuck].tolist()
    return found


class _Bases(NamedTuple):
    """By how much the base of each cell can be off as its reason says, and how far its ends have to lie apart."""

    low: Floats
    high: Floats
    wanted: Floats


def _possible(told: _Table, cells: Cells, least: int) -> _Bases:
    """What is asked of bases: where reasons alone would leave fewer values, if all were hidden, two, if there are two.

    Below ten people of six cities, each with somebody, are six to nine, and nothing that could be hidden helps.
    """
    low = np.clip(np.where(cells.few, 1.0, least) - cells.answers, -FAR, 0.0)
    high = np.clip(np.where(cells.few, cells.most, np.inf) - cells.answers, 0.0, FAR)
    ends, wanted = _reach(told.rows, low, high), min(OPEN, least - 1) - 1.0
    width = ends[1] - ends[0]
    return _Bases(low, high, np.where(width < wanted, np.minimum(width, 1.0), wanted))


def _bases(system: _System, bases: _Bases) -> Ints:
    """Where sums and reasons leave the base of a hidden cell fewer than `OPEN` values.

    What the others of a sum leave to a cell is what it can be, if no part of the sums goes round. Else it can be no
    more, nor less than by exchange with cells of the same sums; between these, linear programs tell.
    """
    low, high, wanted = (part[system.cells] for part in bases)
    ends = _reach(system.rows, low, high)
    stuck = np.flatnonzero(ends[1] - ends[0] < wanted)
    down, up = ((np.bincount(system.twin, end) if len(end) else end)[system.twin] - end for end in (low, high))
    exchanged = np.minimum(high, -down) + np.minimum(-low, up)
    asked = np.flatnonzero(system.round & (exchanged < wanted) & ~np.isin(system.part, system.part[stuck]))
    if len(asked):
        measure = eye_array(len(system.cells), format="csr")[asked]
        stuck = np.append(stuck, asked[_stuck(system.rows, *ends, system.part, measure, wanted[asked])])
    return stuck[np.unique(system.part[stuck], return_index=True)[1]]


def _reach(rows: csr_array, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The ends of each cell's shift, as the ends of all others of an equation leave them."""
    terms = rows.tocoo()
    row, cell, plus, size = terms.row, terms.col, terms.data > 0, rows.shape[0]
    for _ in range(STEPS):
        least, most = np.where(plus, low[cell], -high[cell]), np.where(plus, high[cell], -low[cell])
        lower = most - np.bincount(row, most, size)[row]  # a term is what the others leave
        upper = least - np.bincount(row, least, size)[row]
        ends = low.copy(), high.copy()
        np.maximum.at(ends[0], cell, np.where(plus, lower, -upper))
        np.minimum.at(ends[1], cell, np.where(plus, upper, -lower))
        if np.array_equal(ends, (low, high)):
            break
        low, high = ends
    return low, high


def _scores(system: _System, told: _Table, levels: Levels, cells: Cells, hidden: Bools, scale: Scale) -> Ints:
    """Where sums leave less than a quarter of a scale to the score of a cell of few, one of each part.

    A reader may know how many answered in each cell. A cell may then have the lowest or the highest of all answers of
    cells that stand in the same sums, or whose answers all stand in the same shown cells. Where that is too little,
    linear programs tell; but a margin that is too much alike by itself could be shown, and is.
    """
    item, every, classes = scale
    counts, few = every[system.cells], cells.few[system.cells] & (cells.item[system.cells] == item)
    asked = np.flatnonzero(few & (abs(system.rows).sum(axis=0) > 0))
    n = counts.sum(axis=1)
    for exchange in ("sums", "answers"):
        if len(asked):
            group = system.twin if exchange == "sums" else _patterns(levels, hidden, system)
            asked = asked[_span(_pooled(counts, group)[asked], n[asked], classes) < (QUARTER - NOTHING) * n[asked]]
    asked = asked[~_alike(told, every, hidden, system.cells[asked], n[asked], classes)]
    if not len(asked):
        return asked
    kinds, size = len(classes), len(system.cells)
    sums = vstack([kron(system.rows, eye_array(kinds)), kron(eye_array(size), np.ones((1, kinds)))], format="csr")
    target = np.repeat(np.arange(len(asked)), kinds)
    at = (kinds * asked[:, None] + np.arange(kinds)).ravel()
    measure = csr_array((np.tile(classes, len(asked)), (target, at)), shape=(len(asked), sums.shape[1]))
    ends = -counts.ravel(), (n[:, None] - counts).ravel()
    return asked[_stuck(sums, *ends, np.repeat(system.part, kinds), measure, (QUARTER - NOTHING) * n[asked])]


def _classes(cells: Cells, scale: Scale) -> Scale:
    """A scale with how many answers of each value every cell has in place of its columns, from the lowest value."""
    item, column, values = scale
    classes, of = np.unique(values, return_inverse=True)
    return item, cells.codes[:, column] @ np.eye(len(classes))[of], classes


def _span(counts: Floats, n: Floats, values: Floats) -> Floats:
    """How far the sums of the highest and of the lowest n of some answers lie apart; counts by value, upwards."""
    low, high = (np.clip(n[:, None] - np.cumsum(c, axis=1) + c, 0, c) @ v
                 for c, v in ((counts, values), (counts[:, ::-1], values[::-1])))  # fmt: skip
    found: Floats = high - low
    return found


def _pooled(counts: Floats, group: Ints) -> Floats:
    """The counts of the whole group of each; -1 is nobody's."""
    found = np.zeros((group.max(initial=-1) + 2, counts.shape[1]))
    np.add.at(found, group, counts)
    found[-1] = 0
    pooled: Floats = found[group]
    return pooled


def _patterns(levels: Levels, hidden: Bools, system: _System) -> Ints:
    """A number that cells of a level share if the answers of all stand in the same shown cells; else -1."""
    number = np.random.default_rng(0).integers(1, 2**62, len(hidden))
    atoms = np.zeros(len(next(iter(levels.values()))), np.int64)
    for own in levels.values():
        atoms += np.where((own >= 0) & ~hidden[own], number[own], own.clip(max=0))
    found = np.full(len(system.cells), -1)
    for i, own in enumerate(levels.values()):
        inside = (own >= 0) & hidden[own]
        first, last = np.full(len(hidden), np.iinfo(np.int64).max), np.full(len(hidden), np.iinfo(np.int64).min)
        np.minimum.at(first, own[inside], atoms[inside])
        np.maximum.at(last, own[inside], atoms[inside])
        one = np.flatnonzero((first == last)[system.cells])
        found[one] = first[system.cells[one]] + number[system.part[one]] + i
    known = np.unique(found, return_inverse=True)[1].astype(np.int64)
    return np.where(found == -1, -1, known)


def _alike(told: _Table, counts: Floats, hidden: Bools, some: Ints, n: Floats, values: Floats) -> Bools:
    """Which of some cells lie in a shown margin whose answers alone leave their score less than a quarter."""
    rows = told.cells[some]
    of, side = np.repeat(np.arange(len(some)), np.diff(rows.indptr)), rows.indices
    shown = told.sides[side ^ 1] @ hidden == 0
    narrow = _span(told.sides[side] @ counts, n[of], values) < (QUARTER - NOTHING) * n[of]
    found: Bools = np.bincount(of, shown & narrow, len(some)) > 0
    return found


def _stuck(sums: csr_array, low: Floats, high: Floats, part: Ints, measure: csr_array, wanted: Floats) -> Ints:
    """The first measure of each part that no two solutions hold as far apart as wanted.

    Linear programs look for solutions that move nearly all measures at once, in random directions; then they are asked
    for each that moved too little. Parts have nothing to do with each other, so that one program asks for one of each.

    Args:
        sums: A row for each sum that is zero, a column for each unknown.
        low: The lowest of each unknown.
        high: The highest.
        part: Of each unknown.
        measure: A row for each measure: a sum of unknowns of one part.
        wanted: Of each measure.
    """
    sums, own = sums.tocsc(), part[measure.indices[measure.indptr[:-1]]]
    least, most, found = np.zeros(len(wanted)), np.zeros(len(wanted)), np.empty(0, np.int64)
    size = np.bincount(part)
    batch = np.cumsum(np.where(np.isin(np.arange(len(size)), own), size, 0)) // AT_ONCE

    def look(aim: Floats) -> None:
        for number in np.unique(batch[own[aim != 0]]):
            mine = (batch[own] == number) & (aim != 0)
            chosen = np.flatnonzero(np.isin(part, own[mine]))
            rows = sums[:, chosen].tocsr()
            rows = rows[np.diff(rows.indptr) > 0]
            bounds = np.column_stack([low[chosen], high[chosen]])
            for sign in (1.0, -1.0):
                goal = sign * (measure[:, chosen].T @ (aim * mine))
                best = linprog(goal, A_eq=rows, b_eq=np.zeros(rows.shape[0]), bounds=bounds)
                shift = measure[:, chosen] @ (best.x if best.status == 0 else np.zeros(len(chosen)))
                np.minimum(least, shift, out=least)
                np.maximum(most, shift, out=most)

    random = np.random.default_rng(0)
    for _ in range(GUESSES):
        todo = most - least < wanted - NOTHING
        look(np.where(todo, random.uniform(0.5, 1.5, len(todo)) * random.choice([-1, 1], len(todo)), 0.0))
    todo = most - least < wanted - NOTHING
    while todo.any():
        first = np.flatnonzero(todo)
        first = first[np.unique(own[first], return_index=True)[1]]
        look(np.isin(np.arange(len(todo)), first).astype(float))
        found = np.append(found, first[(most - least)[first] < wanted[first] - NOTHING])
        todo &= (most - least < wanted - NOTHING) & ~np.isin(own, own[found])
        todo[first] = False
    return found
