"""Weights that make every period agree with published margins, and the sums of a variance that knows they do.

Rows are counted by the cells of the raked dimensions; a cell's factor goes back to its rows, so that no row leaves the
database. An answer then counts for the variance by what the margins do not explain of it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from cxkit.errors import CxError, nearest
from cxkit.files import require_file
from cxkit.input.databases import Table
from cxkit.input.periods import Calendar
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.stats import rake
from cxkit.tallies.clusters import score
from cxkit.tallies.counting import CELL, Grid, Used, batches, weight_of
from cxkit.tallies.sums import exact_sum, ordered

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Raking:
    """What is known of the raked sample, which answers are a part of.

    Attributes:
        periods: First day or wave -> place in the tables below.
        margins: Of each cell (rows) which margin categories (columns) it is in: 1 or 0.
        n: Rows of each period.
        base: Weight before raking, per period and cell.
        w: Weight after it.
        w2: Squared weights after it.
    """

    periods: dict[Any, int]
    margins: Floats
    n: Floats
    base: Floats
    w: Floats
    w2: Floats


def read_margins(path: Path) -> dict[str, dict[str, float]]:
    """Published shares (or counts) of each level, from a file with the columns dimension, level, share.

    Raises:
        CxError: A file that is absent, has other columns, or a share that is no number above 0.
    """
    require_file(path)
    if not path.exists():
        raise CxError(f"{path}: no such file; expected the margins of weights.rake")
    found: dict[str, dict[str, float]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if set(rows.fieldnames or ()) != {"dimension", "level", "share"}:
            raise CxError(
                f"{path}: expected the columns dimension, level, share; found {', '.join(rows.fieldnames or ())}"
            )
        for line, row in enumerate(rows, 2):
            try:
                share = float(row["share"])
            except (TypeError, ValueError):
                share = 0.0
            if not 0 < share < float("inf"):
                raise CxError(f"{path}, line {line}: share: expected a number above 0, found {row['share']!r}")
            levels = found.setdefault(str(row["dimension"]).strip(), {})
            if (level := str(row["level"]).strip()) in levels:
                raise CxError(f"{path}, line {line}: {level!r} stands there twice")
            levels[level] = share
    return found


def raked(
    survey: Responses,
    table: Table,
    margins: Mapping[str, Mapping[str, float]],
    period: str,
    trim: float | None,
    name: str,
) -> Responses:
    """Responses with a weight that makes each period agree with margins.

    Args:
        survey: The responses.
        table: Those that count, filtered.
        margins: Dimension -> level -> share.
        period: How time is cut.
        trim: Largest weight as a multiple of the mean one, per unit of the weight before; None for no limit.
        name: What the margins are called in messages and in the provenance.

    Raises:
        CxError: Margins that no period can be brought to agree with.
    """
    for dimension in margins:
        if dimension not in survey.mapping.dimensions:
            raise CxError(
                f"{name}: {dimension!r} is no mapped dimension; {nearest(dimension, survey.mapping.dimensions)}"
            )
    if survey.mapping.columns.count:
        raise CxError("weights.rake: rows that stand for several answers cannot be raked; leave `count` or `rake` out")
    names, calendar = list(margins), survey.mapping.calendar(period)
    weighted = "weight" in table.columns
    cut = table.mutate(period_=calendar.cut(table), w_=table.weight if weighted else ibis.literal(1.0))
    sums = {"n": cut.count(), "d": cut.w_.sum(), "d2": (cut.w_ * cut.w_).sum()}
    cells = ordered(cut.group_by(["period_", *names]).agg(**sums), ["period_", *names])
    kinds = cells[names].drop_duplicates().sort_values(names, ignore_index=True)
    cells = cells.merge(kinds.reset_index(names=CELL), on=names)
    factors, faults = np.ones(len(cells)), []
    for start, part in cells.groupby("period_"):
        try:
            found = rake({one: part[one] for one in names}, margins, base=part["d"].astype(float), cap=trim)
        except ValueError as error:
            faults.append(f"{_called(start, calendar)}: {error}")
            continue
        factors[part.index] = found.weights / len(part) * part["n"].sum() / part["d"].astype(float)
    if faults:
        hint = "put levels together by `labels` in the mapping, leave rows out by `where`, or take a longer period"
        raise CxError("\n".join([*(f"{name}: {fault}" for fault in faults), f"{name}: {hint}"]))
    cells = cells.assign(factor_=factors)
    return replace(_weighted(survey, cells, names, calendar, name), raking=_known(cells, kinds, margins))


def _called(start: Any, calendar: Calendar) -> str:
    return str(start) if calendar.period == "wave" else calendar.label(start)


def _weighted(survey: Responses, cells: pd.DataFrame, names: Sequence[str], calendar: Calendar, name: str) -> Responses:
    other = {key: f"{key}_cell" for key in ("period_", *names)}
    wanted = cells[["period_", *names, CELL, "factor_"]].rename(columns=other)
    known = ibis.memtable(pa.Table.from_pandas(wanted, preserve_index=False))
    table = survey.table.mutate(period_=calendar.cut(survey.table))
    joined = table.left_join(known, [table[key] == known[new] for key, new in other.items()])
    base = joined.weight if "weight" in table.columns else ibis.literal(1.0)
    made = joined.mutate(weight=base * joined.factor_.fill_null(1.0))
    made = made.select(*dict.fromkeys([*survey.table.columns, "weight", CELL]))
    columns = survey.mapping.columns.model_copy(update={"weight": f"raked to {name}"})
    return replace(survey, table=made, mapping=survey.mapping.model_copy(update={"columns": columns}))


def _known(cells: pd.DataFrame, kinds: pd.DataFrame, margins: Mapping[str, Mapping[str, float]]) -> Raking:
    dummies = [(kinds[one] == level).astype(float) for one, levels in margins.items() for level in levels]
    periods = {start: i for i, start in enumerate(cells["period_"].drop_duplicates())}
    at = cells["period_"].map(periods).to_numpy(), cells[CELL].to_numpy()

    def table(values: Any) -> Floats:
        wide = np.zeros((len(periods), len(kinds)))
        wide[at] = np.asarray(values, float)
        return wide

    w, w2 = table(cells["d"] * cells["factor_"]), table(cells["d2"] * cells["factor_"] ** 2)
    return Raking(periods, np.column_stack(dummies), table(cells["n"]).sum(axis=1), table(cells["d"]), w, w2)


def residual_sums(raking: Raking, used: Used, grid: Grid, rest: bool) -> pd.DataFrame:
    """The sums of each cell that a variance rests on, as if every row of the sample were its own cluster.

    The scores and the ones of a cell, which are 0 outside of it, are replaced by what is left of them when the margins
    have been regressed out over the whole period, with the weights before raking; w and s stay what they are.

    Args:
        raking: The raked sample.
        used: The answers of an item.
        grid: The cells of the tally.
        rest: Whether cells are compared with the rest of the cell that holds them.

    Returns:
        As cluster sums: level_, period_, <dimensions>, stratum, metric, clusters, wave_clusters, w, s, ww, sw, ss.
    """
    metrics = [metric for metric in used.metrics if metric.statistic != "quantile"]
    if not metrics:
        return pd.DataFrame()
    counted = _counted(used, grid, metrics)
    keys = ["level_", "period_", *grid.by]
    cells = counted[keys].drop_duplicates(ignore_index=True)
    row = counted.merge(cells.reset_index(names="row_"), on=keys, how="left")["row_"].to_numpy()
    period = cells["period_"].map(raking.periods).to_numpy()
    shape = (len(cells), len(raking.margins))

    def wide(name: str) -> Floats:
        place = row * shape[1] + counted[CELL].to_numpy(int)
        flat: Floats = np.bincount(place, counted[name].to_numpy(float), shape[0] * shape[1]).astype(np.float64)
        return flat.reshape(shape)

    holder = _holders(cells, grid)
    frames = []
    for metric in metrics:
        parts = _Parts.of(raking, period, wide, metric.name)
        own = parts.products(parts)
        frame = cells.assign(stratum="", metric=metric.name, clusters=wide("n").sum(axis=1), w=wide("w").sum(axis=1))
        squares = {name: own[name] for name in ("ww", "sw", "ss")}
        frame = frame.assign(wave_clusters=raking.n[period], s=parts.s.sum(axis=1), **squares)
        if rest:
            frame = frame.assign(**_with_rest(parts, parts.added(holder), own))
        frames.append(frame)
    made = pd.concat(frames, ignore_index=True)
    return made.astype({"clusters": "int64", "wave_clusters": "int64"})


def _counted(used: Used, grid: Grid, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Per cell of the tally and of the raked dimensions: n, w, w2, and of each metric s, and with w squared sw, ss."""
    frames, largest = [], used.largest
    for batch in batches(used, grid.by, grid.levels):
        table, keys = batch.answers(), ["period_", *batch.keys, CELL]
        weight = weight_of(table)
        sums = {"n": table.count(), "w": exact_sum(weight, largest), "w2": exact_sum(weight * weight, largest**2)}
        for metric in metrics:
            value = score(table.answer_, metric)
            most = max((abs(one / metric.factor) for one in metric.values.values()), default=1.0) or 1.0
            sums |= {
                f"s_{metric.name}": exact_sum(weight * value, largest * most),
                f"sw_{metric.name}": exact_sum(weight * weight * value, largest**2 * most),
                f"ss_{metric.name}": exact_sum(weight * weight * value * value, largest**2 * most**2),
            }
        frames.append(batch.named(ordered(table.group_by(keys).agg(**sums), keys)))
    return pd.concat(frames, ignore_index=True)


def _holders(cells: pd.DataFrame, grid: Grid) -> NDArray[np.intp]:
    """For each cell a number of what holds it, at its level: the cell of the level without the last dimension."""
    keys = cells.astype("str").copy()
    for i, level in enumerate(grid.levels):
        if level:
            keys.loc[cells["level_"] == i, level[-1]] = ""
    number: NDArray[np.intp] = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy().astype(np.intp)
    return number


def _fitted(fits: Floats, values: Floats) -> Floats:
    found: Floats = np.einsum("ijk,ik->ij", fits, values)
    return found


@dataclass(frozen=True, slots=True)
class _Parts:
    """Sums of the answers of cells (rows) by cells of the raked dimensions (columns), and what the margins explain.

    Attributes:
        s, one: Weighted scores, and weights.
        squares: Sums of w^2 times: 1, the score, its square.
        explained: What the margins explain of the score and of the one, per raked cell.
        w, w2, n: Of the whole sample, per raked cell; rows of the sample.
    """

    s: Floats
    one: Floats
    squares: tuple[Floats, Floats, Floats]
    explained: tuple[Floats, Floats]
    w: Floats
    w2: Floats
    n: Floats
    raking: Raking
    period: NDArray[np.intp]

    @classmethod
    def of(cls, raking: Raking, period: NDArray[np.intp], wide: Any, metric: str) -> _Parts:
        s, one = wide(f"s_{metric}"), wide("w")
        return cls._made(raking, period, s, one, (wide("w2"), wide(f"sw_{metric}"), wide(f"ss_{metric}")))

    @classmethod
    def _made(cls, raking: Raking, period: Any, s: Floats, one: Floats, squares: Any) -> _Parts:
        fits = np.empty((len(raking.periods), len(raking.margins), len(raking.margins)))
        for i, base in enumerate(raking.base):
            x = raking.margins
            fits[i] = x @ np.linalg.pinv(x.T @ (base[:, None] * x)) @ x.T
        factor = np.divide(raking.w, raking.base, out=np.ones_like(raking.w), where=raking.base > 0)[period]
        explained = (_fitted(fits[period], s / factor), _fitted(fits[period], one / factor))
        w, w2, n = raking.w[period], raking.w2[period], raking.n[period]
        return cls(s, one, squares, explained, w, w2, n, raking, period)

    def added(self, holder: NDArray[np.intp]) -> _Parts:
        """Of each cell the parts of what holds it."""

        def each(part: Floats) -> Floats:
            total: Floats = np.zeros((holder.max(initial=-1) + 1, part.shape[1]))
            np.add.at(total, holder, part)
            return total[holder]

        return self._made(self.raking, self.period, each(self.s), each(self.one), tuple(map(each, self.squares)))

    def products(self, holder: _Parts) -> dict[str, Floats]:
        """Sums over the sample of the residuals of cells times those of what holds them, around their means."""
        (ps, p1), (hs, h1) = self.explained, holder.explained
        one, score, square = self.squares
        h_one, h_score, _ = holder.squares

        def product(common: Floats, own: Floats, theirs: Floats, p: Floats, h: Floats, totals: Any) -> Floats:
            left: Floats = (common - h * own - p * theirs + p * h * self.w2).sum(axis=1)
            centred: Floats = left - totals[0] * totals[1] / self.n
            return centred

        def total(part: Floats, explained: Floats) -> Floats:
            left: Floats = (part - explained * self.w).sum(axis=1)
            return left

        es, e1 = total(self.s, ps), total(self.one, p1)
        gs, g1 = total(holder.s, hs), total(holder.one, h1)
        return {
            "ww": product(one, one, h_one, p1, h1, (e1, g1)),
            "sw": product(score, score, h_one, ps, h1, (es, g1)),
            "ws": product(score, one, h_score, p1, hs, (e1, gs)),
            "ss": product(square, score, h_score, ps, hs, (es, gs)),
        }


def _with_rest(parts: _Parts, whole: _Parts, own: Mapping[str, Floats]) -> dict[str, Floats]:
    """The products of cells with the rest of what holds them: with all of it, less with themselves."""
    both = parts.products(whole)
    return {"rest_shared": np.zeros(len(parts.n)), **{f"rest_{name}": both[name] - own[name] for name in both}}
