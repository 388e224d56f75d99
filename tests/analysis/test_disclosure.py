"""What has to be hidden so that sums give nothing away: cases by hand, and a reader with two linear programs a cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cxkit.analysis.disclosure import Relation, Told, protect


def hidden_of(
    relations: list[Relation], n: list[int], minimum: int = 10, worth: list[float] | None = None
) -> list[int]:
    """Positions that are hidden in the end, where cells of 1 to minimum - 1 people are at the start."""
    base = np.array(n, float)
    few = (base > 0) & (base < minimum)
    hidden = few.copy()
    told = Told(base, few, np.full(len(base), minimum - 1.0), minimum)
    protect(relations, base, hidden, minimum, base if worth is None else np.array(worth, float), told)
    return np.flatnonzero(hidden).tolist()


# Parts of one whole, which stands behind them -> the positions that are hidden. By hand, for at least ten people.
ONE_WHOLE = [
    ((30, 50, 10), []),  # ten are enough
    ((30, 50, 9), [0, 2]),  # one alone is the whole less the others: the next smallest goes with it
    ((50, 30, 30, 9), [1, 3]),  # of two alike the first
    ((4, 6, 30), [0, 1]),  # ten people together, and each may be 1 to 9 of them
    ((4, 5, 30, 50), [0, 1, 2]),  # nine people together are a group that is too small
    ((9, 9, 30, 50), [0, 1, 2]),  # 18 in two cells below 10 are 9 each
    ((9, 8, 30, 50), [0, 1]),  # 17 are 8 and 9, but which?
    ((1, 1, 8, 30), [0, 1, 2]),
    ((9, 9), [0, 1, 2]),  # nothing else to hide but the whole
    ((9, 5), [0, 1]),
    ((5, 4), [0, 1, 2]),  # the whole is small itself
    ((1, 10, 30, 50), [0, 1, 2]),  # less than 10 and at least 10 of 11 are 1 and 10
    ((2, 10, 30, 50), [0, 1]),  # of 12 they are 1 and 11, or 2 and 10
]


@pytest.mark.parametrize(("sizes", "expected"), ONE_WHOLE)
def test_what_is_hidden_of_one_whole(sizes, expected):
    parts = list(range(len(sizes)))
    assert hidden_of([Relation(len(sizes), parts)], [*sizes, sum(sizes)]) == expected


def test_what_is_worth_least_goes_first():
    assert hidden_of([Relation(3, [0, 1, 2])], [9, 30, 60, 99], worth=[9, 30, -1.0, 99]) == [0, 2]


def test_a_part_that_stays_open_takes_its_whole_along_where_nothing_else_is_left():
    """One part in the whole, another part in it: what the outer sum shows, the inner one must not tell."""
    assert hidden_of([Relation(1, [0]), Relation(3, [1, 2])], [9, 9, 40, 49]) == [0, 1, 2]


def table(rows: int, columns: int) -> list[Relation]:
    """A table with both margins and the total: cells first, then row sums, column sums, total."""
    at = np.arange(rows * columns).reshape(rows, columns)
    total = rows * columns + rows + columns
    right = [Relation(rows * columns + i, at[i].tolist()) for i in range(rows)]
    below = [Relation(rows * columns + rows + j, at[:, j].tolist()) for j in range(columns)]
    return [
        *right, *below, Relation(total, [r.whole for r in right]), Relation(total, [r.whole for r in below]),
    ]  # fmt: skip


def summed(inner: np.ndarray) -> list[int]:
    return [*inner.ravel().tolist(), *inner.sum(axis=1).tolist(), *inner.sum(axis=0).tolist(), int(inner.sum())]


def ranges(relations: list[Relation], n: list[int], hidden: list[int], minimum: int) -> list[tuple[float, float]]:
    """Between what each hidden cell may lie for a reader: two linear programs for each."""
    column = {cell: i for i, cell in enumerate(hidden)}
    rows, right = [], []
    for relation in relations:
        row, known = np.zeros(len(hidden)), 0.0
        for cell, sign in ((relation.whole, -1.0), *((part, 1.0) for part in relation.parts)):
            if cell in column:
                row[column[cell]] += sign
            else:
                known += sign * n[cell]
        if row.any():
            rows.append(row)
            right.append(-known)
    if not rows:
        return [(0.0, np.inf)] * len(hidden)
    bounds = [(1, minimum - 1) if n[cell] < minimum else (minimum, None) for cell in hidden]
    found = []
    for i in range(len(hidden)):
        ends = []
        for sign in (1.0, -1.0):
            goal = np.zeros(len(hidden))
            goal[i] = sign
            best = linprog(goal, A_eq=np.array(rows), b_eq=right, bounds=bounds)
            assert best.status in (0, 3)  # 3: without an end
            ends.append(sign * best.fun if best.status == 0 else np.inf)
        found.append((ends[0], ends[1]))
    return found


@given(
    st.sampled_from([(2, 2), (2, 3), (3, 3)]).flatmap(
        lambda shape: st.lists(
            st.one_of(st.integers(0, 5), st.integers(3, 40)), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]
        ).map(lambda sizes: np.array(sizes).reshape(shape))
    )
)
@settings(max_examples=60, deadline=None)
def test_no_reader_can_tell_a_hidden_cell_of_a_crossed_table(inner):
    n = summed(inner)  # cells of nobody are no cells
    held = [Relation(r.whole, [part for part in r.parts if n[part]]) for r in table(*inner.shape)]
    relations = [r for r in held if r.parts]
    hidden = hidden_of(relations, n, minimum=4)
    few = [i for i, size in enumerate(n) if 0 < size < 4]
    assert set(few) <= set(hidden)
    assert hidden == [] if not few else True
    for cell, (low, high) in zip(hidden, ranges(relations, n, hidden, 4), strict=True):
        assert high - low > 1e-6, (inner, cell)
    for relation in relations:
        gone = [part for part in relation.parts if part in hidden]
        if relation.whole not in hidden and 0 < len(gone) < len(relation.parts):
            assert len(gone) > 1
            assert sum(n[part] for part in gone) >= 4


def test_the_reader_finds_what_is_not_protected():
    """The test can fail: with the small cell alone hidden, its base is told."""
    inner = np.array([[3, 20], [20, 20]])
    assert ranges(table(2, 2), summed(inner), [0], 4) == [(3.0, 3.0)]
    assert len(hidden_of(table(2, 2), summed(inner), 4)) == 4  # a cell in each row and column


@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (2, 4), (3, 3), (3, 4)])
def test_a_table_without_small_cells_loses_none(rows, columns):
    assert hidden_of(table(rows, columns), summed(np.full((rows, columns), 10))) == []
