"""Cells: the arrays that the formulas want, gathered from tallies or from plain answers.

One row per cell, in the order of `keys`. Weighted and clustered sums become a design; without either there is none, and
the formulas take the plain counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.strata import Strata, strata_of
from cxkit.errors import CxError, nearest
from cxkit.metrics import Metric
from cxkit.schema import RULES
from cxkit.stats import Design, Sums, cell_design, finite_population, plain_design
from cxkit.stats.ordinal import passed
from cxkit.tallies.tallies import Tallies

FloatArray: TypeAlias = NDArray[np.float64]
Use: TypeAlias = Literal["full", "weights", "none"]
TENTHS = tuple(i / 10 for i in range(1, 10))


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts and sums of one metric, one entry per cell.

    Attributes:
        keys: Period and dimensions of each cell.
        n: Answers.
        w: Sum of weights; equal to `n` without weights.
        values: The distinct answers, ascending.
        weights: Sum of weights per cell (rows) and answer (columns).
        counts: Answers per cell and answer.
        design: Effective bases; None where answers are equally weighted and independent. Of durations those of the
            share above the quantile.
        ranks: Of durations, the effective bases of the mean rank, on which a change rests.
        sums: Sums over clusters that the design and shared respondents need.
        ww: Sum of the squared weights of single answers.
        hidden: Why a cell may not be shown; blank where it may.
        kind: Which part of the design is in use, in words for the method.
        open: Durations per cell and answer that had not ended; None where all had.
        personal: Whether the clusters in `sums` are the people who answered, not what they were sampled with.
        stratified: Whether the design has several strata; `sums` are then those over all of them.
        whole: Whether the tallies hide no cell of the item, at any level.
        rounded: Whether durations were rounded, as those of tallies are and those of a list are not.
    """

    keys: pd.DataFrame
    n: FloatArray
    w: FloatArray
    values: FloatArray
    weights: FloatArray
    counts: NDArray[np.int64]
    design: Design | None
    sums: Sums
    ww: FloatArray
    hidden: NDArray[np.object_]
    kind: str
    open: FloatArray | None = None
    personal: bool = True
    stratified: bool = False
    rounded: bool = False
    ranks: Design | None = None
    hide_below: int = RULES.hide_below
    whole: bool = True


def scores(metric: Metric, answers: FloatArray) -> FloatArray:
    """The value of each answer in natural units: -1, 0, 1 of a net score, 0 or 1 of a share, else the answer."""
    if not metric.values:
        return answers
    return np.array([metric.values[answer] / metric.factor for answer in answers])


def moments(metric: Metric, cells: Cells) -> tuple[FloatArray, FloatArray]:
    """Mean and variance (divisor n) of the natural values, at the weighted shares; NaN where a cell is empty.

    Of durations those of their ranks, in tenths of the cell: minutes have no useful variance.
    """
    return _moments(cells, _measured(metric, cells.values, cells.weights))


def _moments(cells: Cells, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    w = np.where(cells.w > 0, cells.w, np.nan)
    mean = _sum(cells.weights, values) / w
    spread = ((values - mean[:, None]) ** 2 * cells.weights).sum(axis=1) / w
    return mean, spread


def _measured(metric: Metric, values: FloatArray, weights: FloatArray) -> FloatArray:
    """What is averaged: the natural value of each answer, or the rank of each duration in each cell."""
    return passed(weights, TENTHS) if metric.statistic == "quantile" else scores(metric, values)


def _sum(table: FloatArray, values: FloatArray) -> FloatArray:
    """Sums over the answers of a table; the values are the same in all cells, or a table themselves."""
    return table @ values if values.ndim == 1 else (table * values).sum(axis=1)


def groups(metric: Metric, cells: Cells) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(Weighted) numbers of answers whose value is negative, zero and positive: detractors, passives, promoters."""
    values = scores(metric, cells.values)
    below, at, above = (cells.weights @ chosen.astype(float) for chosen in (values < 0, values == 0, values > 0))
    return below, at, above


def kish(cells: Cells) -> FloatArray:
    """Effective answers under weights alone: (sum w)^2 / sum w^2; 0 where a cell is empty."""
    return cells.w**2 / np.where(cells.ww > 0, cells.ww, 1.0)


def taken(cells: Cells, at: NDArray[np.intp]) -> Cells:
    """Some of the cells, in another order or several times."""
    return _replace(
        cells,
        keys=cells.keys.iloc[at].reset_index(drop=True),
        n=cells.n[at],
        w=cells.w[at],
        weights=cells.weights[at],
        counts=cells.counts[at],
        design=taken_design(cells.design, at),
        ranks=taken_design(cells.ranks, at),
        sums=Sums(*(np.asarray(part, float)[at] for part in cells.sums)),
        ww=cells.ww[at],
        hidden=cells.hidden[at],
        open=None if cells.open is None else cells.open[at],
    )


def taken_design(design: Design | None, at: NDArray[np.intp] | int) -> Design | None:
    """The design of some cells, or of one."""
    return None if design is None else Design(*(np.asarray(part)[at] for part in design))


def spread(table: NDArray[Any], values: FloatArray, wanted: FloatArray) -> NDArray[Any]:
    """A table of answers with a column for each wanted one."""
    wide = np.zeros((len(table), len(wanted)), dtype=table.dtype)
    wide[:, np.searchsorted(wanted, values)] = table
    return wide


# From tallies ---------------------------------------------------------------------------------------------------------


def known(tallies: Tallies, dimension: str) -> None:
    """Raises where the tallies do not have a dimension."""
    if dimension not in tallies.by:
        raise CxError(f"{dimension!r} is no dimension of these tallies; {nearest(dimension, tallies.by)}")


def crossed(tallies: Tallies, dimensions: Iterable[str], where: Mapping[str, str] | None) -> list[str]:
    """Dimensions of places that are gone through, although the tallies are those of one place alone."""
    place = tallies.place.where if tallies.place else {}
    return [name for name in dict.fromkeys(dimensions) if name in place and name not in (where or {})]


def require_whole(tallies: Tallies, dimensions: Sequence[str], hint: str = "") -> None:
    """Refuse to compare places where the tallies hold one of them.

    Raises:
        CxError: With the dimensions.
    """
    if tallies.place and dimensions:
        held = " · ".join(tallies.place.where.values())
        names = " and ".join(dimensions)
        raise CxError(f"{names}: these are the tallies of {held} alone, which others cannot be compared with{hint}")


def declared(
    tallies: Tallies,
    by: Sequence[str] | None,
    where: Mapping[str, str] | None,
    periods: Sequence[str] | None,
) -> tuple[list[str], pd.DataFrame]:
    """Dimensions of a level and all its cells, empty ones included.

    Raises:
        CxError: A dimension, level or period that was not declared.
    """
    where = where or {}
    for name in [*(by or ()), *where]:
        known(tallies, name)
    dimensions = [name for name in tallies.by if name in (*where, *(by or ()))]
    tallies.cut(dimensions)
    for period in periods or ():
        if period not in tallies.periods:
            ends = f"{tallies.periods[0]} to {tallies.periods[-1]}" if tallies.periods else "none"
            raise CxError(f"{period!r} is no period of these tallies; they hold {ends}")
    for name, value in where.items():
        if value not in tallies.values[name]:
            raise CxError(
                f"where: {value!r} is no {name} of these tallies; {nearest(str(value), tallies.values[name])}"
            )
    levels = [[where[name]] if name in where else tallies.values[name] for name in dimensions]
    rows = list(product(periods or tallies.periods, *levels))
    return dimensions, pd.DataFrame(rows, columns=["period", *dimensions], dtype="str")


def declared_parts(
    tallies: Tallies, by: Sequence[str], dimension: str, where: Mapping[str, str] | None, periods: Sequence[str]
) -> tuple[list[str], pd.DataFrame]:
    """As `declared`, of the parts that a dimension cuts places into: what parts share is tallied for the last one.

    Raises:
        CxError: As `declared`, or where the dimension is not the last of its level.
    """
    require_whole(tallies, crossed(tallies, [*by, dimension], where))
    dimensions, keys = declared(tallies, [*by, dimension], where, periods)
    if dimensions[-1] != dimension:
        raise CxError(f"{dimension!r}: expected the last dimension of the level {', '.join(dimensions)}")
    return dimensions, keys


def check_pair(tallies: Tallies, now: str, before: str) -> None:
    """Raises where two periods were not declared as a pair, in either order."""
    if (now, before) not in tallies.compared and (before, now) not in tallies.compared:
        raise CxError(f"the pair {now} against {before} was not tallied; declare it with pairs=[({now!r}, {before!r})]")


def from_tallies(tallies: Tallies, metric: Metric, keys: pd.DataFrame, use: Use = "full") -> Cells:
    """The cells of a metric, gathered from tallies.

    Args:
        tallies: Tallies in which the level of `keys` was declared.
        metric: One of their metrics.
        keys: Period and dimensions of each cell, from `declared`.
        use: "full" design, only its "weights", or "none": for showing what a choice does to a result.
    """
    if use not in get_args(Use):
        raise CxError(f"use: {use!r} is unknown; {nearest(str(use), get_args(Use))}")
    dimensions = list(keys.columns[1:])
    places = named(keys)
    cell, counts = tallies.rows("counts", metric.item, dimensions).at(places)
    values, answer = np.unique(counts["answer"], return_inverse=True)
    weighted = tallies.weighted and use != "none"

    def table(column: str) -> FloatArray:
        return _table(cell, answer, counts[column], (len(keys), len(values)))

    n = table("n")
    w, w2 = (table("w"), table("w2")) if weighted else (n, n)
    cells = Cells(
        keys=keys,
        n=n.sum(axis=1),
        w=w.sum(axis=1),
        values=values,
        weights=w,
        counts=n.astype(np.int64),
        design=None,
        sums=_answer_sums(_measured(metric, values, w), n, w, w2),
        ww=w2.sum(axis=1),
        hidden=_hidden(tallies, metric, places, dimensions),
        kind="weighted" if weighted else "",
        open=table("open") if tallies.some_open(metric.item) else None,
        rounded=True,
        hide_below=tallies.rules.hide_below,
        whole=not tallies.hidden["item"].eq(metric.item).any(),
        personal=use != "full" or not {"cluster", "stratum"} & set(tallies.provenance.get("roles", ())),
    )
    if use == "full" and (strata := strata_of(tallies, metric, dimensions, places)):
        cells = _with_clusters(cells, metric, strata)
    elif weighted:
        cells = _with_design(cells, metric, cells.sums, cells.kind)
        cells = _with_quantile(cells, metric, lambda above, v: cell_design(cells.n, v, _answer_sums(above, n, w, w2)))
    return _of_population(cells, tallies, metric) if use == "full" and "population" in tallies.provenance else cells


def _of_population(cells: Cells, tallies: Tallies, metric: Metric) -> Cells:
    """The cells with the share of their population that answered taken into account.

    A cell is a part of the level whose population is known. One that is cut by no such level keeps the precision that
    it has in an unlimited population, which is the careful one.
    """
    ((name, sizes),) = tallies.provenance["population"].items()
    if name not in cells.keys:
        return cells
    places = list(zip(cells.keys["period"], cells.keys[name], strict=True))
    held = sorted(set(places))
    found, counts = tallies.rows("counts", metric.item, [name]).at(held)
    answered = dict(zip(held, np.bincount(found, counts["n"], len(held)), strict=True))
    share = np.array([answered[place] / sizes.get(place[1], np.inf) for place in places])
    if not share.any():
        return cells
    share = np.minimum(share, 1 - 1 / 2**20)  # of a census nothing is left to estimate
    known = "finite population"
    made = {
        part: finite_population(getattr(cells, part) or plain_design(cells.n), share)
        for part in ("design", *(("ranks",) if cells.ranks or metric.statistic == "quantile" else ()))
    }
    return _replace(cells, **made, kind=f"{cells.kind}, {known}" if cells.kind else known)


def _table(row: NDArray[np.intp], column: NDArray[np.intp], values: NDArray[Any], shape: tuple[int, int]) -> FloatArray:
    """Values added up into a table."""
    flat = np.bincount(row * shape[1] + column, values, shape[0] * shape[1])
    return flat.reshape(shape).astype(np.float64, copy=False)


def named(keys: pd.DataFrame) -> list[tuple[str, ...]]:
    """What each cell is called: its period and its dimensions."""
    return list(zip(*(keys[name].tolist() for name in keys.columns), strict=True))


def _answer_sums(values: FloatArray, n: FloatArray, w: FloatArray, w2: FloatArray) -> Sums:
    """Sums over clusters where every answer is its own."""
    sums = _sum(w, values), w2.sum(axis=1), _sum(w2, values), _sum(w2, values**2)
    return Sums(w.sum(axis=1), *sums, n.sum(axis=1))


def _with_clusters(cells: Cells, metric: Metric, strata: Strata) -> Cells:
    """The cells with the design of their clusters (and strata), and the sums over these."""
    total = strata.total
    words = ["raked" if strata.raked else "weighted"] if cells.kind else []
    words += ["clustered"] if (np.asarray(total.clusters) < cells.n).any() else []
    words += strata.words
    kind = ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1] if words else ""
    made = _replace(cells, kind=kind, sums=total, stratified=len(strata.names) > 1)
    made = _replace(made, design=strata.design(cells.n, moments(metric, cells)[1], kish(cells)))
    return _with_quantile(made, metric, lambda _, v: strata.design(cells.n, v, kish(cells), strata.above))


def _with_design(cells: Cells, metric: Metric, sums: Sums, kind: str) -> Cells:
    _, variance = moments(metric, cells)
    return _replace(cells, design=cell_design(cells.n, np.nan_to_num(variance), sums), kind=kind)


def _with_quantile(cells: Cells, metric: Metric, design_of: Callable[[FloatArray, FloatArray], Design]) -> Cells:
    """The cells; of durations with the design of the share above the quantile beside that of the ranks."""
    if metric.statistic != "quantile":
        return cells
    above = passed(cells.weights, [metric.quantile])
    _, variance = _moments(cells, above)
    return _replace(cells, ranks=cells.design, design=design_of(above, np.nan_to_num(variance)))


def _replace(cells: Cells, **changes: Any) -> Cells:
    return Cells(**{name: changes.get(name, getattr(cells, name)) for name in Cells.__slots__})


def _hidden(
    tallies: Tallies, metric: Metric, places: list[tuple[str, ...]], dimensions: list[str]
) -> NDArray[np.object_]:
    reasons = np.full(len(places), "", dtype=object)
    if len(tallies.hidden):
        cell, rows = tallies.rows("hidden", metric.item, dimensions).at(places)
        reasons[cell] = rows["reason"]
    return reasons


# From plain answers ---------------------------------------------------------------------------------------------------


def from_answers(metric: Metric, answers: Any, weights: Any = None, clusters: Any = None) -> Cells:
    """One cell from a list of answers; blanks are left out.

    Args:
        metric: How an answer is valued.
        answers: Answers, NaN or None where there is none.
        weights: A positive weight per answer.
        clusters: A cluster id per answer; a blank one is a cluster of its own.

    Raises:
        CxError: Answers outside the metric's scale, weights that are not positive, or lengths that differ.
    """
    series = pd.Series(answers)
    given = series.notna().to_numpy()
    values = numbers(metric, series[given])
    w = np.ones(len(values)) if weights is None else _weights(weights, given)
    distinct, answer = np.unique(values, return_inverse=True)
    ones, cell, shape = np.ones(len(values)), np.zeros(len(values), dtype=np.intp), (1, len(distinct))
    n_table, w_table, w2_table = (_table(cell, answer, x, shape) for x in (ones, w, w * w))
    cells = Cells(
        keys=pd.DataFrame({"period": ["all"]}),
        n=np.array([float(len(values))]),
        w=np.array([w.sum()]),
        values=distinct,
        weights=w_table,
        counts=n_table.astype(np.int64),
        design=None,
        sums=_answer_sums(_measured(metric, distinct, w_table), n_table, w_table, w2_table),
        ww=w2_table.sum(axis=1),
        hidden=np.array([""], dtype=object),
        kind="" if weights is None else "weighted",
    )
    if weights is None and clusters is None:
        return cells
    kind = " and ".join(word for word in (cells.kind, "clustered" if clusters is not None else "") if word)

    def sums_of(measure: FloatArray) -> Sums:
        if clusters is None:
            return _answer_sums(measure, n_table, w_table, w2_table)
        return _cluster_sums(np.ravel(measure)[answer] if len(values) else values, w, clusters, given)

    sums = sums_of(_measured(metric, distinct, w_table))
    made = _replace(_with_design(cells, metric, sums, kind), sums=sums)
    return _with_quantile(made, metric, lambda above, v: cell_design(cells.n, v, sums_of(above)))


def numbers(metric: Metric, answers: pd.Series) -> FloatArray:
    """Answers without blanks, as numbers that the metric knows.

    Raises:
        CxError: Answers outside the metric's scale.
    """
    values = pd.to_numeric(answers, errors="coerce").to_numpy(float)
    low, high = metric.scale
    known = np.array(sorted(metric.values), dtype=float)
    bad = ~np.isin(values, known) if metric.values else ~((values >= low) & (values <= high))
    if bad.any():
        found = answers[bad].tolist()[0]
        whole = bool(metric.values) and np.array_equal(known, np.arange(low, high + 1))
        expected = f"whole numbers {low:g}-{high:g}" if whole else ", ".join(f"{answer:g}" for answer in known)
        expected = expected or "numbers of 0 or more"
        raise CxError(
            f"{metric.label}: {int(bad.sum())} of {len(values)} answers are outside the scale, for example {found!r}; "
            f"expected {expected}, and NaN for no answer"
        )
    return values


def _weights(weights: Any, given: NDArray[np.bool_]) -> FloatArray:
    w = pd.to_numeric(pd.Series(weights), errors="coerce").to_numpy(float)
    if len(w) != len(given):
        raise CxError(f"weights: {len(w)} for {len(given)} answers; expected one each")
    w = w[given]
    if not (np.isfinite(w) & (w > 0)).all():
        raise CxError("weights: expected positive numbers for every answer")
    return w


def _cluster_sums(values: FloatArray, w: FloatArray, clusters: Any, given: NDArray[np.bool_]) -> Sums:
    ids = pd.Series(clusters)
    if len(ids) != len(given):
        raise CxError(f"clusters: {len(ids)} for {len(given)} answers; expected one each")
    code, _ = pd.factorize(ids[given])
    code = np.where(code < 0, code.max(initial=-1) + np.cumsum(code < 0), code)
    size = int(code.max(initial=-1)) + 1
    wg, sg = np.bincount(code, w, size), np.bincount(code, w * values, size)
    return Sums(*(np.array([x]) for x in (wg.sum(), sg.sum(), wg @ wg, sg @ wg, sg @ sg, float(size))))
