"""How much stays open of what is hidden, whatever all equations between shown and hidden cells say together.

The base of a hidden cell keeps `OPEN` values, the score of a cell of too few people a quarter of its scale, and no sum
of equations tells of a group of too few people. Bases are followed from end to end, and, where equations go round,
asked of linear programs; scores of linear programs over classes of answers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, eye_array, kron, vstack
from scipy.sparse.csgraph import connected_components

from cxkit.analysis.equations import Bools, Cells, Floats, Ints, Levels, Scale, Table, distinct, told_of

OPEN = 5  # values that the base of a hidden cell can have, as far as anybody can work out
QUARTER = 0.25  # of the scale stays open to the score of a cell of too few people: 50 points of NPS, 25 of a share
NOTHING = 1e-6
STEPS = 100  # of bounds that follow from bounds
FAR = 1000.0  # answers beyond which it does not matter how far a base could be off
GUESSES = 2  # random directions in which a program looks for other answers that fit, before it asks for each cell alone
AT_ONCE = 2_000  # unknowns of one program


class System(NamedTuple):
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

    def of(self, chosen: Bools) -> System:
        """Some whole parts alone."""
        rows = self.rows[:, chosen]
        return System(
            self.cells[chosen],
            rows[np.diff(rows.indptr) > 0],
            self.part[chosen],
            self.twin[chosen],
            self.round[chosen],
        )


def system_of(told: Table, hidden: Bools, some: Ints) -> System:
    """The hidden cells that hang together with some."""
    reached, equations, new = np.zeros_like(hidden), np.zeros(told.rows.shape[0], dtype=bool), some[hidden[some]]
    while len(new):
        reached[new] = True
        sums = distinct(told.columns[new].indices, len(equations))
        sums = sums[~equations[sums]]
        equations[sums] = True
        new = distinct(told.rows[sums].indices, len(hidden))
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
    return System(cells, rows, part, twin, cycle[part])


def confined(
    told: Table, levels: Levels, cells: Cells, hidden: Bools, bases: Bases, least: int, some: Ints
) -> list[int]:
    """Hidden cells of which all sums together leave the base or the score too little open, one of each part.

    Args:
        told: The equations.
        levels: As `equal_sums` takes them.
        cells: The cells.
        hidden: Which are hidden.
        bases: What is asked of bases.
        least: People that a group needs in order to be shown.
        some: Cells whose parts are looked at.
    """
    system = system_of(told, hidden, some)
    stuck = _bases(system, bases)
    found: list[int] = system.cells[stuck].tolist()
    system = system.of(~np.isin(system.part, system.part[stuck]))
    stuck = _groups(system, cells, least)
    found += system.cells[stuck].tolist()
    for scale in cells.scales:
        system = system.of(~np.isin(system.part, system.part[stuck]))
        stuck = _scores(system, told, levels, cells, hidden, scale)
        found += system.cells[stuck].tolist()
    return found


class Bases(NamedTuple):
    """By how much the base of each cell can be off as its reason says, and how far its ends have to lie apart."""

    low: Floats
    high: Floats
    wanted: Floats


def possible(told: Table, cells: Cells, least: int) -> Bases:
    """What is asked of bases: where reasons alone would leave fewer values, if all were hidden, two, if there are two.

    Below ten people of six cities, each with somebody, are six to nine, and nothing that could be hidden helps.
    """
    low = np.clip(np.where(cells.few, 1.0, least) - cells.answers, -FAR, 0.0)
    high = np.clip(np.where(cells.few, cells.most, np.inf) - cells.answers, 0.0, FAR)
    ends, wanted = _reach(told.rows, low, high), min(OPEN, least - 1) - 1.0
    width = ends[1] - ends[0]
    return Bases(low, high, np.where(width < wanted, np.minimum(width, 1.0), wanted))


def _bases(system: System, bases: Bases) -> Ints:
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


def _groups(system: System, cells: Cells, least: int) -> Ints:
    """Where equations together tell how many answer in two to four cells that hold too few people, one of each part.

    A sum of cells is told if every shift that the equations allow leaves it as it is; two random ones show that. What
    is left of a cell (`rests`), which costs nothing, is judged by its own sum.
    """
    every, size = system, system.part.max(initial=-1) + 1
    several = np.bincount(system.part, np.diff(system.rows.tocsc().indptr) > 1, size) > 0
    kept = np.flatnonzero(several[system.part])
    system = system.of(several[system.part])
    n, few = cells.n[system.cells], np.flatnonzero((cells.few & (cells.cost != 0))[system.cells])
    if not len(few):
        return few
    shift = _shifts(system.rows, np.random.default_rng(0).normal(size=(2, len(n))))
    one, two, stuck = few[None], _pairs(few, system.part), [np.empty(0, np.int64)]
    two = two[:, ~cells.apart[system.cells[two[0]]] | (n[two].sum(axis=0) < least)]
    for left, right in ((one, np.arange(len(n))[None]), (two, one), (two, two)):
        sets = _vanishing(system.part, shift, left, right)
        of, at = np.tile(np.arange(sets.shape[1]), len(sets)), system.cells[sets]
        apart = cells.apart[at[0]]
        _, small, lonely = told_of(of, at.ravel(), cells.n[at.ravel()], apart, cells.members, least)
        sure = len(sets) == 2 or bool(cells.members)  # else the parts of two margins would be taken for one group
        sets = sets[:, (small | lonely) & (apart | sure)]
        stuck.append(sets[0][~_is_row(system.rows, sets)])
    found = kept[np.concatenate(stuck)]
    return found[np.unique(every.part[found], return_index=True)[1]]


def _shifts(rows: csr_array, random: Floats) -> Floats:
    """Random vectors less what the equations see of them, by conjugate gradients: all parts at once."""
    found, back = random.T.copy(), rows.T.tocsr()
    left = rows @ found
    step, size = left.copy(), (left * left).sum(axis=0)
    for _ in range(10 * STEPS):
        if (size < NOTHING**3).all():
            break
        seen = back @ step
        length = size / np.maximum((seen * seen).sum(axis=0), NOTHING**4)
        found -= length * seen
        left -= length * (rows @ seen)
        before, size = size, (left * left).sum(axis=0)
        step = left + size / np.maximum(before, NOTHING**4) * step
    return found.T


def _is_row(rows: csr_array, sets: Ints) -> Bools:
    """Which sets of cells are those of one equation, which is judged by itself."""
    shape = (rows.shape[1], sets.shape[1])
    inside = csr_array((np.ones(sets.size), (sets.ravel(), np.tile(np.arange(shape[1]), len(sets)))), shape=shape)
    short = abs(rows)[np.diff(rows.indptr) == len(sets)]
    found: Bools = (short @ inside == len(sets)).toarray().any(axis=0)
    return found


def _pairs(some: Ints, part: Ints) -> Ints:
    """Every two of some cells of the same part."""
    some = some[np.argsort(part[some], kind="stable")]
    after = np.searchsorted(part[some], part[some], side="right") - np.arange(len(some)) - 1
    first = np.repeat(np.arange(len(some)), after)
    second = np.arange(len(first)) - np.repeat(np.cumsum(after) - after, after) + first + 1
    return np.stack([some[first], some[second]])


def _vanishing(part: Ints, shift: Floats, left: Ints, right: Ints) -> Ints:
    """Sets of cells, one of the left and one of the right together, whose shifts add up to zero; a column for each."""
    own, other = FAR * part[left[0]] + shift[0][left].sum(axis=0), FAR * part[right[0]] - shift[0][right].sum(axis=0)
    order = np.argsort(own)
    start, end = (np.searchsorted(own[order], other + sign * NOTHING) for sign in (-1, 1))
    many = end - start
    at = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + np.repeat(start, many)
    sets = np.sort(np.vstack([left[:, order[at]], right[:, np.repeat(np.arange(len(other)), many)]]), axis=0)
    found: Ints = sets[:, (abs(shift[1][sets].sum(axis=0)) < NOTHING) & (np.diff(sets, axis=0) > 0).all(axis=0)]
    return np.unique(found, axis=1)


def _scores(system: System, told: Table, levels: Levels, cells: Cells, hidden: Bools, scale: Scale) -> Ints:
    """Where sums leave less than a quarter of a scale to the score of a cell of few, one of each part.

    A reader may know how many answered in each cell, and with which weights. A cell may then have the lowest or the
    highest of all answers of cells that stand in the same sums, or whose answers all stand in the same shown cells.
    Where that is too little, linear programs tell; but a margin of people who are too much alike by themselves could be
    shown, and is.
    """
    item, every, answers, classes = scale
    counts, few = every[system.cells], cells.few[system.cells] & (cells.item[system.cells] == item)
    asked = np.flatnonzero(few & (abs(system.rows).sum(axis=0) > 0))
    n = counts.sum(axis=1)
    for exchange in ("sums", "answers"):
        if len(asked):
            group = system.twin if exchange == "sums" else _patterns(levels, hidden, system)
            asked = asked[_span(_pooled(counts, group)[asked], n[asked], classes) < (QUARTER - NOTHING) * n[asked]]
    asked = asked[~_alike(told, answers, hidden, system.cells[asked], classes)]
    if not len(asked):
        return asked
    kinds, size = len(classes), len(system.cells)
    sums = vstack([kron(system.rows, eye_array(kinds)), kron(eye_array(size), np.ones((1, kinds)))], format="csr")
    target = np.repeat(np.arange(len(asked)), kinds)
    at = (kinds * asked[:, None] + np.arange(kinds)).ravel()
    measure = csr_array((np.tile(classes, len(asked)), (target, at)), shape=(len(asked), sums.shape[1]))
    ends = -counts.ravel(), (n[:, None] - counts).ravel()
    return asked[_stuck(sums, *ends, np.repeat(system.part, kinds), measure, (QUARTER - NOTHING) * n[asked])]


def classes_of(cells: Cells, scale: Scale) -> Scale:
    """A scale with what every cell has of each value in place of its columns, from the lowest value."""
    item, *columns, values = scale
    classes, of = np.unique(values, return_inverse=True)
    each, answers = (cells.codes[:, column] @ np.eye(len(classes))[of] for column in columns)
    return item, each, answers, classes


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


def _patterns(levels: Levels, hidden: Bools, system: System) -> Ints:
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


def _alike(told: Table, counts: Floats, hidden: Bools, some: Ints, values: Floats) -> Bools:
    """Which of some cells lie in a shown margin whose answers alone leave their score less than a quarter.

    Answers, not weights: that one cell has nearly all the weight of a margin does not make it alike.
    """
    rows, n = told.cells[some], counts[some].sum(axis=1)
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
