"""Which numbers of a run's tables add up to which others: the cells, and the equations between them.

One model serves all: two levels cut the same answers. Where cells of the one hang together with cells of the other,
because they share answers, the ones add up to the others: a margin and its parts, a region and its cities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Levels = Mapping[tuple[str, ...], Ints]

COMPANY = 2  # people beside those of a hidden cell: one alone knows the own answer, and so the others'


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


Scale = tuple[int, Any, Any, Floats]


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
        codes: How many answers of each code a cell has: a row for each cell, a column for each code. Where answers have
            weights, these of each code follow.
        scales: Of each metric, as it is published without weights and with them, the number of its item, what counts
            (columns of `codes`), how many answers these are (columns, too), and their values, as parts of the scale,
            upwards.
        tied: A number that cells share which are hidden together: of items that about the same people answered.
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
    tied: Ints


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


def differences(levels: Levels, sums: Sums, cells: Cells) -> Sums:
    """What the sums of two items tell together, where all answered both: what only one of them holds.

    Of margins and parts of two items those parts cancel out that are hidden together: if a third place was not asked
    the one question, the two margins differ by its answers to the other. Where anybody left one of them blank in a
    place that cancels out, a reader cannot know, and this is no equation.

    Args:
        levels: As `equal_sums` takes them.
        sums: From `equal_sums`.
        cells: The cells.
    """
    if len(np.unique(cells.item)) < 2:
        return Sums(sums.sum[:0], sums.cell[:0], sums.follows[:0])
    size, equation, side = len(cells.n), sums.sum // 2, sums.sum % 2
    count, items, many = equation.max(initial=-1) + 1, cells.item.max(initial=0) + 1, cells.tied.max(initial=-1) + 1
    level = np.zeros(size, np.int64)
    for i, own in enumerate(levels.values()):
        level[own[own >= 0]] = i
    first = np.unique(sums.sum, return_index=True)[1]
    kind = level[sums.cell[first[::2]]] * len(levels) + level[sums.cell[first[1::2]]]
    item, follows = cells.item[sums.cell[first[::2]]], sums.follows[first[::2]]
    finer = np.bincount(kind[equation], 2.0 * side - 1, len(levels) ** 2) >= 0  # which side has the parts
    part = side == finer[kind[equation]]
    at = (equation[part], cells.tied[sums.cell[part]])
    parts = csr_array((np.ones(part.sum()), at), shape=(count, many))
    sizes = csr_array((cells.answers[sums.cell[part]], at), shape=(count, many))
    common = (parts @ parts.T).tocoo()
    several = (common.row < common.col) & (kind[common.row] == kind[common.col])
    several &= common.data < np.maximum(*(np.diff(parts.indptr)[one] for one in (common.row, common.col)))
    one, other = common.row[several], common.col[several]
    both = parts[one] * parts[other]
    equal = abs(sizes[one] * both - sizes[other] * both).sum(axis=1) == 0
    one, other, both = one[equal], other[equal], both[equal]
    cell = np.full(many * items, -1)
    cell[cells.tied * items + cells.item] = np.arange(size)
    margins = csr_array((np.ones((~part).sum()), (equation[~part], sums.cell[~part])), shape=(count, size))
    numbers, found = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for own, right in ((one, True), (other, False)):
        rest, wide = (parts[own] - both).tocoo(), margins[own].tocoo()
        rest.eliminate_zeros()
        numbers += [2 * rest.row + right, 2 * wide.row + (not right)]
        found += [cell[rest.col * items + item[own][rest.row]], wide.col]
    number = np.concatenate(numbers)
    return Sums(number, np.concatenate(found), (follows[one] | follows[other])[number // 2])


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


def rests(levels: Levels, cells: Cells, least: int) -> tuple[Sums, Cells]:
    """The few that cells leave of a larger one in which they happen to lie: two of twelve by phone, if ten are north.

    Args:
        levels: As `equal_sums` takes them.
        cells: The cells.
        least: People that a group needs in order to be shown.

    Returns:
        The sums in which they stand, and the cells with them: hidden cells of their own.
    """
    size, homes, parts = len(cells.n), [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for a, b in permutations(levels, 2):
        there = levels[b] >= 0
        wide, own = levels[a][there], levels[b][there]
        first, last = np.full(size, size), np.full(size, -1)
        np.minimum.at(first, own, wide)
        np.maximum.at(last, own, wide)
        inside = np.flatnonzero((first == last) & (first >= 0))
        rest = cells.answers - np.bincount(first[inside], cells.answers[inside], size)
        few = (rest > 0) & (rest < least) & (np.bincount(first[inside], minlength=size) > 0)
        inside = inside[few[first[inside]]]
        homes.append(first[inside] + size * len(homes))
        parts.append(inside)
    known, of = np.unique(np.concatenate(homes), return_inverse=True)
    home, part, new = known % size, np.concatenate(parts), size + np.arange(len(known))
    lost = csr_array((np.ones(len(part)), (of, part)), shape=(len(known), size))
    n: Floats = cells.answers[home] - lost @ cells.answers
    every = cells._replace(
        n=np.append(cells.n, n),
        answers=np.append(cells.answers, n),
        few=np.append(cells.few, n > 0),
        most=np.append(cells.most, cells.most[home]),
        apart=np.append(cells.apart, cells.apart[home]),
        cost=np.append(cells.cost, 0.0 * n),
        item=np.append(cells.item, cells.item[home]),
        codes=np.vstack([cells.codes, cells.codes[home] - lost @ cells.codes]),
        tied=np.append(cells.tied, cells.tied.max(initial=0) + 1 + np.arange(len(known))),
    )
    left, right = 2 * np.arange(len(known)), 2 * of + 1
    numbers, at = np.concatenate([left, right, left + 1]), np.concatenate([home, part, new])
    return Sums(numbers, at, np.zeros(len(at), dtype=bool)), every


# Whose answers a group of cells holds ---------------------------------------------------------------------------------


def told_of(
    of: Ints, cell: Ints, n: Floats, apart: Bools, members: Mapping[int, frozenset[object]], least: int
) -> tuple[Ints, Bools, Bools]:
    """Of groups of cells how many these are, whether they hold too few people, and whether one knows of the others.

    Args:
        of: The group of each cell.
        cell: Which it is.
        n: Its people.
        apart: Of each group whether nobody is in two of its cells.
        members: As in `Cells`. Where it does not know, the larger of two cells may hold those of the other.
        least: People that a group needs in order to be shown.
    """
    size, order = len(apart), np.lexsort((-n, of))
    count, ranked = np.bincount(of, minlength=size), np.append(n[order], [0.0, 0.0])
    start, together = np.cumsum(count) - count, np.bincount(of, n, size)
    largest, second = np.where(count > 0, ranked[start], 0.0), np.where(count > 1, ranked[start + 1], 0.0)
    union, company = np.where(apart, together, largest), np.where(apart, together - largest, second)
    for i in np.flatnonzero((count > 1) & ~apart) if members else ():
        own = cell[order[start[i] : start[i] + count[i]]].tolist()
        who = [members[one] for one in own if one in members]
        if len(who) == count[i]:
            union[i] = len(frozenset().union(*who))
            company[i] = union[i] - max(map(len, who))
    return count, union < least, company < COMPANY


class Table:
    """The sides of equations: side 2 i equals side 2 i + 1."""

    def __init__(self, *every: Sums, size: int) -> None:
        ends = np.cumsum([0, *(one.sum.max(initial=-1) // 2 * 2 + 2 for one in every)])
        moved = [one._replace(sum=one.sum + end) for one, end in zip(every, ends[:-1], strict=True)]
        sums = Sums(*map(np.concatenate, zip(*moved, strict=True)))
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
        numbers = distinct(self.cells[cells].indices // 2, self.sides.shape[0] // 2)
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


def distinct(numbers: Ints, size: int) -> Ints:
    """Numbers below a size, each once, in order: marked where they are many, which is faster than to sort them."""
    if 20 * len(numbers) < size:
        return np.unique(numbers).astype(np.int64)
    marked = np.zeros(size, dtype=bool)
    marked[numbers] = True
    return np.flatnonzero(marked)
