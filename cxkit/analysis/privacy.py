"""What must be hidden, over all cells of a run, before anything leaves it.

Primary hiding: a cell in which too few people answered. Complementary hiding: a cell that would give a hidden one away,
because margins are published beside their parts and a reader can subtract. The same tallies always hide the same cells.

A place that the total of everybody would give away may be left out of that total instead: see `totals`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.util import hash_pandas_object

from cxkit.analysis.disclosure import suppress
from cxkit.analysis.equations import Cells, Floats, Ints, Scale
from cxkit.input.mapping import BLANK
from cxkit.tallies.tallies import ALL, Tallies, untold

SAME = (
    0.5  # of the answers of an item that the next smaller one has, so that both are taken for those of the same people
)


def mask(tallies: Tallies, minimum: int | None = None) -> Tallies:
    """The tallies without the counts of cells that may not be shown.

    People are counted where respondents are known, answers otherwise: twelve answers of two customers are two people.

    Args:
        tallies: Whole tallies.
        minimum: People that a cell needs in order to be shown; empty cells hide nobody. None: as the tallies' rules
            say; any other becomes their rule.

    Returns:
        Tallies in which hidden cells have no counts, sums or pairs, and stand in `hidden` with the code of the reason.
    """
    if minimum is not None:
        rules = replace(tallies.rules, hide_below=minimum, judge_from=max(minimum, tallies.rules.judge_from))
        tallies = replace(tallies, rules=rules)
    cells, minimum = people(tallies), tallies.rules.hide_below
    known = _known(tallies, cells)
    few = known.few
    hidden = suppress(_atoms(tallies, cells), known, minimum)
    reason = np.where(few, "few people", "given away")
    gone = cells[hidden].assign(reason=reason[hidden])
    names = {name: metric.item for name, metric in tallies.metrics.items()}
    pairs = tallies.pairs.assign(item=tallies.pairs["metric"].map(names))
    for end in ("now", "before"):
        pairs = _without(pairs, gone.rename(columns={"period": end}))
    sums = _without(tallies.sums.assign(item=tallies.sums["metric"].map(names)), gone)
    protected = len(gone) or len(tallies.hidden) or tallies.provenance.get("withheld")
    if protected and "cluster" not in tallies.provenance.get("roles", ()):
        sums = _about_people(sums, minimum)
    return replace(
        tallies,
        joint=untold(),
        members=untold(),
        counts=_without(tallies.counts, gone),
        sums=sums[tallies.sums.columns],
        pairs=pairs[tallies.pairs.columns],
        hidden=pd.concat([tallies.hidden, gone[tallies.hidden.columns]], ignore_index=True),
    )


def people(tallies: Tallies) -> pd.DataFrame:
    """Every cell with answers, how many they are, and how many people gave them: known as `people`, or taken as `n`."""
    keys = ["item", "period", *tallies.by, "cut"]
    cells = tallies.counts.groupby(keys, dropna=False)["n"].sum().reset_index()
    cells = cells.rename(columns={"n": "answers"}).assign(people=np.nan)
    if "people" in tallies.sums.columns:
        items = tallies.sums["metric"].map({name: metric.item for name, metric in tallies.metrics.items()})
        people = tallies.sums.assign(item=items).groupby(keys, dropna=False, as_index=False)["people"].max()
        cells = cells.drop(columns="people").merge(people, on=keys, how="left")
    return cells.assign(n=cells["people"].fillna(cells["answers"]))


def worth(cells: pd.DataFrame, by: Sequence[str]) -> np.ndarray:
    """How dear each cell is: its people; whoever left a question blank is the least loss, however many they are."""
    blank = (cells[list(by)] == BLANK).any(axis=1).to_numpy() if by else False
    dear: np.ndarray = cells["n"].to_numpy(float) - 1e15 * np.asarray(blank)
    return dear


def _about_people(sums: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """The sums with the people of the whole wave rounded up beyond those that are shown: the rest may be hidden.

    Clusters that were sampled, such as shops, are counted exactly: they tell nothing of who answered.
    """
    if "wave_clusters" not in sums:
        return sums
    keys = ["metric", "period", "stratum"]
    levels = sums.groupby([*keys, "cut"], dropna=False)["clusters"].transform("sum")
    shown = levels.groupby([sums[key] for key in keys], dropna=False).transform("max")
    more = minimum * np.ceil((sums["wave_clusters"] - shown).clip(lower=0) / minimum)
    rough: pd.DataFrame = sums.assign(wave_clusters=(shown + more).astype("int64"))
    return rough


def record(whole: Tallies, masked: Tallies, key: str) -> pd.DataFrame:
    """What is remembered of a release, so that what was late does not come out beside it by subtraction.

    It tells of hidden cells only that they changed. `cxkit.runs.history` compares records.

    Args:
        whole: Tallies before anything was hidden, with the total that is shown.
        masked: As they are shown.
        key: 16 characters that only this user's runs know.

    Returns:
        item, period, cut, <dimensions>, answer, n, w (of each answer of a shown cell how many, and their weight),
        people (of the cell), mark (a keyed hash; of a hidden cell all of it), hidden, out (which places the total
        leaves out), beside (a hash of what is told in the period beside the counts; blank where nothing is).
    """
    keys = ["item", "period", "cut", *whole.by]
    filled = dict.fromkeys(whole.by, "")
    counts = whole.counts.fillna(filled)
    texts = counts.astype(dict.fromkeys(keys, "object"))
    marks = hash_pandas_object(texts, index=False, hash_key=key).to_numpy("uint64")
    cells = people(whole).fillna(filled)[[*keys, "n"]].rename(columns={"n": "people"})
    gone = masked.hidden.fillna(filled)[keys].drop_duplicates().assign(hidden=True)
    rows = counts[[*keys, "answer", "n", "w"]].assign(mark=marks).merge(cells, on=keys).merge(gone, on=keys, how="left")
    rows["hidden"] = rows["hidden"].notna()
    hidden = rows[rows["hidden"]].groupby(keys, as_index=False)["mark"].sum().assign(hidden=True)
    left = whole.provenance.get("withheld", [])
    out = {item: json.dumps([one for one in left if one["item"] == item]) for item in rows["item"].unique()}
    told = pd.concat([rows[~rows["hidden"]], hidden], ignore_index=True)
    beside = masked.provenance.get("drivers") or []
    mark = hashlib.blake2b(json.dumps(beside).encode(), key=key.encode()).hexdigest() if beside else ""
    periods = {one["period"] for one in beside}
    marked = told["period"].isin(periods).map({True: mark, False: ""})
    found: pd.DataFrame = told.assign(out=told["item"].map(out), beside=marked)
    return found


# What a reader can add up ---------------------------------------------------------------------------------------------


def _known(tallies: Tallies, cells: pd.DataFrame) -> Cells:
    """What suppression has to know of every cell."""
    n, minimum = cells["n"].to_numpy(float), tallies.rules.hide_below
    few = (n > 0) & (n < minimum)
    once = cells["item"].isin(tallies.provenance.get("once", ())).to_numpy(bool)
    most = np.where(cells["people"].isna() | once, minimum - 1.0, np.inf)  # few people may give many answers
    item, items = pd.factorize(cells["item"])
    answers, cost = cells["answers"].to_numpy(float), worth(cells, tallies.by)
    family = cells["item"].map(families(cells))
    place = cells.assign(item=family).groupby(["item", "period", *tallies.by, "cut"], dropna=False)
    tied = np.asarray(place.ngroup(), np.int64)
    codes, scales = _codes(tallies, cells, list(items))
    return Cells(n, answers, few, most, once, cost, members(tallies, cells), item, codes, scales, tied)


def families(cells: pd.DataFrame) -> pd.Series:
    """A number that items share which about the same people answered: of two in order of size, the half or more.

    Their cells are hidden together. Where one item hid a cell and another showed it, comparing them would tell the base
    of the one, and, of metrics that read one column, how many answered alike.
    """
    n = cells.groupby("item")["answers"].sum().sort_values()
    return (n.shift() < SAME * n).cumsum()


def members(tallies: Tallies, cells: pd.DataFrame) -> dict[int, frozenset[object]]:
    """Who is in each small cell, as far as the tallies know; an answer of nobody known is a person of its own."""
    if tallies.members.empty:
        return {}
    keys = ["item", "period", *tallies.by, "cut"]
    found = tallies.members.merge(cells[keys].assign(cell=np.arange(len(cells))), on=keys)
    who = found["who"].where(found["who"].notna(), pd.Series(range(len(found)), found.index).map(lambda i: (i,)))
    rows = who.groupby(found["cell"].to_numpy()).indices
    return {int(str(cell)): frozenset(who.iloc[own]) for cell, own in rows.items()}


def _codes(tallies: Tallies, cells: pd.DataFrame, items: Sequence[str]) -> tuple[Floats, list[Scale]]:
    """The answers of every cell by code, and their weights; and the scales of metrics, as `Cells` has them."""
    metrics = [metric for metric in tallies.metrics.values() if metric.values and metric.statistic != "quantile"]
    codes = np.unique([code for metric in metrics for code in metric.values])
    keys = ["item", "period", *tallies.by, "cut"]
    counts = tallies.counts[tallies.counts["answer"].isin(codes)]
    counts = counts.merge(cells[keys].assign(cell=np.arange(len(cells))), on=keys)
    table, size = np.zeros((len(cells), 2 * len(codes))), len(codes)
    mean = counts.groupby("item")["w"].transform("sum") / counts.groupby("item")["n"].transform("sum")
    for start, each in ((0, counts["n"]), (size, counts["w"] / mean)):
        np.add.at(table, (counts["cell"], start + np.searchsorted(codes, counts["answer"])), each)
    weighted = not np.allclose(table[:, :size], table[:, size:])
    scales: list[Scale] = []
    for metric in metrics:
        order, (low, high) = sorted(metric.values, key=lambda code: metric.values[code]), metric.ends
        values = np.array([metric.values[code] for code in order]) / (high - low)
        columns = np.searchsorted(codes, order)
        scales += [(items.index(metric.item), columns + more, columns, values) for more in (0, size)[: 1 + weighted]]
    return table, scales


def _atoms(tallies: Tallies, cells: pd.DataFrame) -> dict[tuple[str, ...], Ints]:
    """The cell of each level in which every atom lies: the answers that all dimensions together tell apart.

    A total that leaves places out holds no atom of theirs. Tallies that do not know how their levels cut each other,
    such as those of a file, have the cells of their finest levels for atoms, so that only margins add up.
    """
    keys = ["item", "period"]
    atoms = tallies.joint if len(tallies.joint) else tallies.counts[[*keys, *tallies.by, "cut"]].drop_duplicates()
    left_out = pd.DataFrame(tallies.provenance.get("withheld", []))
    found: dict[tuple[str, ...], Ints] = {}
    for level in tallies.levels:
        own = cells.loc[cells["cut"] == ALL.join(level), [*keys, *level]]
        known = atoms[[*keys, *level]].merge(own.assign(cell=own.index), on=[*keys, *level], how="left")["cell"]
        found[level] = known.fillna(-1).to_numpy(np.int64, copy=True)
        if not level and len(left_out):
            names = list(left_out.columns)
            found[level][pd.MultiIndex.from_frame(atoms[names]).isin(pd.MultiIndex.from_frame(left_out))] = -1
    return found


def next_levels(level: Sequence[str], levels: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The finer levels that cut a level without another shown one between them."""
    finer = [other for other in levels if set(level) < set(other)]
    return [one for one in finer if not any(set(other) < set(one) for other in finer)]


def _without(frame: pd.DataFrame, gone: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame that lie in none of some cells."""
    if frame.empty or gone.empty:
        return frame
    keys = [column for column in gone.columns if column in frame.columns and column not in ("n", "people", "reason")]
    found = frame.merge(gone[keys].drop_duplicates(), on=keys, how="left", indicator=True)["_merge"].to_numpy()
    kept: pd.DataFrame = frame[found != "both"].reset_index(drop=True)
    return kept
