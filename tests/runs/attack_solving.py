"""What a clever reader does with published numbers: counts from scores, and hidden cells from sums of shown ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cxkit.metrics import METRICS
from cxkit.stats import nps_interval, rate_interval

NOTHING = 1e-7
Place = tuple[tuple[str, str], ...]  # (dimension, level), in the order of their names
Counts = tuple[int, ...]  # answers whose value is low, middle and high; of a mean their sum


class Cell(NamedTuple):
    """The answers to an item in a period at a place."""

    item: str
    period: str
    place: Place


class Score(NamedTuple):
    """What is told of a cell by a metric, in its unit."""

    metric: str
    value: float
    low: float
    high: float
    level: float = 0.95


@dataclass
class Facts:
    """Everything that was read of a run.

    Attributes:
        bases: What each source says is the base of a cell; several sources should say the same.
        scores: The scores of a cell with their intervals.
        hidden: The reason that is given for a cell that is not shown.
        answers: The number of answers of a cell by code, where it is told.
        shares: The share of each class of answers of a cell, in whole percent.
        left_out: Period and place of what the total of everybody leaves out, by item.
        sums: What is added up, and the number.
        rests: A part, its dimension, and how many answers all its other levels hold.
        totals: By item the rows that could be used, and the answers in the totals.
        uses: An item, a level of a dimension, and its answers over all periods.
        read: How many numbers were read, by kind of source.
    """

    bases: dict[Cell, set[int]] = field(default_factory=lambda: defaultdict(set))
    scores: dict[Cell, set[Score]] = field(default_factory=lambda: defaultdict(set))
    hidden: dict[Cell, str] = field(default_factory=dict)
    answers: dict[Cell, dict[float, int]] = field(default_factory=lambda: defaultdict(dict))
    shares: dict[Cell, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    left_out: set[Cell] = field(default_factory=set)
    sums: list[Sum] = field(default_factory=list)
    rests: list[tuple[Cell, str, int]] = field(default_factory=list)
    totals: dict[str, tuple[int, int]] = field(default_factory=dict)
    uses: list[tuple[str, Place, int]] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def cells(self) -> set[Cell]:
        """Every cell that is named anywhere."""
        return {*self.bases, *self.hidden, *self.scores}

    def told(self, cells: Iterable[Cell]) -> int:
        """The sum of the bases that are told."""
        return sum(min(self.bases[cell]) for cell in cells if self.bases.get(cell))


class Sum(NamedTuple):
    """The cells that a number counts together, or that hold at least or at most so many answers."""

    parts: tuple[Cell, ...]
    total: int
    kind: Literal["equal", "least", "most"] = "equal"


# Scores and intervals to counts ---------------------------------------------------------------------------------------


def counts_of(score: Score, bases: Iterable[int]) -> list[tuple[int, Counts]]:
    """Every base and counts that give a score and its interval, of plain answers: 3 groups, 2 groups, or the sum.

    Args:
        score: The score with its interval.
        bases: The base, or all that it may be.
    """
    digits = _half_a_digit(score)
    found = [(n, counts) for n in bases for counts in _possible(score, n, digits)]
    return [one for one, same in zip(found, _same(score, [counts for _, counts in found], digits), strict=True) if same]


def _half_a_digit(score: Score) -> float:
    """How far the numbers may be from those of the counts: half of the last digit that the summary tells."""
    width = (score.high - score.low) * 1.03 / 50  # the limits are rounded, too
    return float(0.5 * 10 ** np.floor(np.log10(width))) if width > 0 else NOTHING


def _possible(score: Score, n: int, digits: float) -> Iterator[Counts]:
    """The counts of a base that give the value."""
    metric = METRICS[score.metric]
    share = score.value / metric.factor
    reach = digits / metric.factor * n + NOTHING
    whole = range(int(np.ceil(share * n - reach)), int(np.floor(share * n + reach)) + 1)
    if metric.statistic == "net":
        for net in whole:
            yield from ((low, n - 2 * low - net, low + net) for low in range(max(0, -net), (n - net) // 2 + 1))
    elif metric.statistic == "share":
        yield from ((n - yes, 0, yes) for yes in whole if 0 <= yes <= n)
    else:
        yield from ((total,) for total in whole)


def _same(score: Score, found: list[Counts], digits: float) -> list[bool]:
    """Which counts give the interval."""
    metric = METRICS[score.metric]
    if metric.statistic == "mean" or not found:
        return [True] * len(found)  # the interval adds the sum of squares, which no other cell is added up with
    low, middle, high = np.array(found, float).T
    net = metric.statistic == "net"
    limits = nps_interval(low, middle, high, score.level) if net else rate_interval(high, low + high, score.level)
    off = np.abs(metric.factor * np.array(limits).T - [score.low, score.high]).max(axis=1)
    return [bool(one) for one in off <= digits + NOTHING]


# Margins and their parts ----------------------------------------------------------------------------------------------


def margins(facts: Facts) -> list[tuple[Cell, list[Cell]]]:
    """Every cell with the cells that make it up, for each finer level."""
    levels: dict[tuple[str, str], dict[tuple[str, ...], list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for cell in facts.cells:
        levels[cell.item, cell.period][tuple(name for name, _ in cell.place)].append(cell)
    found = []
    for named in levels.values():
        for coarse, fine in product(named, named):
            if set(coarse) < set(fine):
                parts: dict[Place, list[Cell]] = defaultdict(list)
                for part in named[fine]:
                    parts[tuple(one for one in part.place if one[0] in coarse)].append(part)
                found += [(whole, _inside(whole, parts[whole.place], facts)) for whole in named[coarse]]
    return found


def _inside(whole: Cell, parts: list[Cell], facts: Facts) -> list[Cell]:
    """The parts without those that the total of everybody leaves out."""
    if whole.place:
        return parts
    return [part for part in parts if not any(_within(part, out) for out in facts.left_out)]


def _within(part: Cell, other: Cell) -> bool:
    return part[:2] == other[:2] and set(other.place) <= set(part.place)


class System(NamedTuple):
    """What is known of some cells: sums @ x = right, upper @ x <= most, low <= x <= high."""

    cells: list[Cell]
    sums: np.ndarray
    right: np.ndarray
    upper: np.ndarray
    most: np.ndarray
    bounds: list[tuple[float, float]]


Terms = tuple[dict[Cell, float], float]


def systems(facts: Facts, known: Mapping[Cell, float], bounds: Mapping[Cell, tuple[float, float]]) -> Iterator[System]:
    """The equations on the cells that are not known, in parts that have nothing to do with each other."""
    margin = [({whole: -1.0, **dict.fromkeys(parts, 1.0)}, 0.0) for whole, parts in margins(facts)]
    given = {kind: [(dict.fromkeys(one.parts, 1.0), float(one.total)) for one in facts.sums if one.kind == kind]
             for kind in ("equal", "most")}  # fmt: skip
    equal, most = (_unknown(terms, known) for terms in (margin + given["equal"], given["most"]))
    cells = sorted({cell for terms, _ in (*equal, *most) for cell in terms})
    matrix, right = _matrix(equal + most, cells)
    size = len(right)
    row, column = np.nonzero(matrix)
    graph = coo_array((np.ones(len(row)), (row, size + column)), shape=(size + len(cells),) * 2)
    count, label = connected_components(graph, directed=False)
    equality = np.arange(size) < len(equal)
    for part in range(count):
        rows, columns = label[:size] == part, np.flatnonzero(label[size:] == part)
        own = [cells[i] for i in columns]
        ends = [bounds.get(cell, (0.0, np.inf)) for cell in own]
        chosen = [np.flatnonzero(rows & one) for one in (equality, ~equality)]
        parts = [part for one in chosen for part in (matrix[np.ix_(one, columns)], right[one])]
        yield System(own, *parts, ends)


def _unknown(equations: Iterable[Terms], known: Mapping[Cell, float]) -> list[Terms]:
    """The equations with what is known on the right; those on nothing else must hold."""
    left = []
    for terms, total in equations:
        rest = {cell: sign for cell, sign in terms.items() if cell not in known}
        if rest:
            left.append((rest, total - sum(sign * known[cell] for cell, sign in terms.items() if cell in known)))
    return left


def _matrix(equations: list[Terms], cells: list[Cell]) -> tuple[np.ndarray, np.ndarray]:
    position = {cell: i for i, cell in enumerate(cells)}
    matrix = np.zeros((len(equations), len(cells)))
    for row, (terms, _) in enumerate(equations):
        matrix[row, [position[cell] for cell in terms]] = list(terms.values())
    return matrix, np.array([total for _, total in equations])


def determined(system: System) -> list[Cell]:
    """The cells that the equations alone fix, whatever the bounds are."""
    if not len(system.sums):
        return []
    _, size, directions = np.linalg.svd(system.sums)
    free = directions[np.sum(size > NOTHING) :]
    return [cell for i, cell in enumerate(system.cells) if np.abs(free[:, i]).max(initial=0.0) < NOTHING]


def ranges(system: System) -> dict[Cell, tuple[float, float]]:
    """From where to where each cell can be, given the equations and the bounds of all."""
    found = {}
    for i, cell in enumerate(system.cells):
        aim = np.eye(len(system.cells))[i]
        ends = [_end(system, aim), -_end(system, -aim)]
        found[cell] = (float(np.ceil(ends[0] - NOTHING)), float(np.floor(ends[1] + NOTHING)))
    return found


def _end(system: System, aim: np.ndarray) -> float:
    """The least that a combination of cells can be."""
    given = [part if len(part) else None for part in (system.upper, system.most, system.sums, system.right)]
    done = linprog(aim, *given, bounds=system.bounds)
    if done.status == 2:
        raise ValueError(f"what was read contradicts itself: {system}")
    return float(done.fun) if done.status == 0 else -np.inf


# The attack -----------------------------------------------------------------------------------------------------------


def bases(facts: Facts) -> dict[Cell, float]:
    """The base of every cell that is told, or that a score and its interval give away."""
    known = {cell: float(min(told)) for cell, told in facts.bases.items() if told}
    for cell, scores in facts.scores.items():
        fits = [{n for n, _ in counts_of(score, range(1, 400))} for score in scores if cell not in known]
        if fits and len(both := set.intersection(*fits)) == 1:
            known[cell] = float(both.pop())
    return known


def bounds(facts: Facts, *, people: bool = False) -> dict[Cell, tuple[float, float]]:
    """What the reason alone says: 1 to 9 people, or at least 10; answers can be more than people."""
    found = {}
    for cell, reason in facts.hidden.items():
        few = re.search(r"fewer than (\d+)", reason)
        least = 10.0 if "smaller group" in reason else 1.0
        least = max([least, *(one.total for one in facts.sums if one.kind == "least" and one.parts == (cell,))])
        found[cell] = (least, float(few[1]) - 1 if few and not people else np.inf)
    return found


def attack(facts: Facts, *, people: bool = False, rows: bool = False) -> dict[str, list[tuple[Cell, float]]]:
    """Hidden cells that come out, with their base: told somewhere, solved for, or pinned down by bounds.

    Args:
        facts: What was read.
        people: Whether bases count answers of people who may have given several.
        rows: Whether the reader also takes what is left of the rows read as the most that hidden cells can hold.
    """
    facts = facts if rows else replace(facts, sums=[one for one in facts.sums if one.kind != "most"])
    known, ends = bases(facts), bounds(facts, people=people)
    found = {"told": [(cell, known[cell]) for cell in facts.hidden if cell in known], "solved": [], "pinned": []}
    for system in systems(facts, known, ends):
        reach = ranges(system)
        solved = set(determined(system))
        found["solved"] += [(cell, reach[cell][0]) for cell in facts.hidden if cell in solved]
        pinned = {cell for cell, (low, high) in reach.items() if low == high} - solved
        found["pinned"] += [(cell, reach[cell][0]) for cell in facts.hidden if cell in pinned]
    return found


def counted(facts: Facts) -> dict[int, dict[Cell, float]]:
    """How many answers of each shown cell have a low, a middle and a high value, as far as one score gives it away."""
    found: dict[int, dict[Cell, float]] = {0: {}, 1: {}, 2: {}}
    for cell, n in bases(facts).items():
        scores = [score for score in facts.scores.get(cell, ()) if METRICS[score.metric].statistic in ("net", "share")]
        fits = [counts_of(score, [int(n)]) for score in scores]
        if n and len(fits) == 1 and len(fits[0]) == 1:
            for group, count in enumerate(fits[0][0][1]):
                found[group][cell] = float(count)
        elif not n:
            for group in found:
                found[group][cell] = 0.0
    return found


def classes(facts: Facts) -> dict[tuple[str, str], dict[Cell, float]]:
    """How many answers of each shown cell are of each class of an item, where the share tells it."""
    found: dict[tuple[str, str], dict[Cell, float]] = defaultdict(dict)
    known = bases(facts)
    for cell, shares in facts.shares.items():
        n = int(known.get(cell, 0))
        for group, share in shares.items():
            fits = [k for k in range(n + 1) if abs(100 * k / n - share) <= 0.5 + NOTHING]
            if len(fits) == 1:
                found[cell.item, group][cell] = float(fits[0])
    return found


def attack_counts(facts: Facts) -> list[tuple[object, Cell]]:
    """Hidden cells of which the number of low, middle or high answers, or of a class, comes out of the others."""
    plain = replace(facts, sums=[])
    return [
        (group, cell)
        for group, known in (*counted(facts).items(), *classes(facts).items())
        for system in systems(plain, known, {})
        for cell in determined(system)
        if cell in facts.hidden
    ]
