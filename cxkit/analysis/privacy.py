"""What must be hidden, over all cells of a run, before anything leaves it.

Primary hiding: a cell in which too few people answered. Complementary hiding: a cell that would give a hidden one away,
because margins are published beside their parts and a reader can subtract. The same tallies always hide the same cells.

A place that the total of everybody would give away may be left out of that total instead: see `totals`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxkit.analysis.disclosure import Relation, Told, protect
from cxkit.input.mapping import BLANK
from cxkit.tallies.tallies import ALL, Tallies


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
    few = ((cells["n"] > 0) & (cells["n"] < minimum)).to_numpy()
    hidden = few.copy()
    relations = list(_relations(tallies, cells))
    n = cells["n"].to_numpy(float)
    most = np.where(cells["people"].isna(), minimum - 1.0, np.inf)  # few people may give many answers
    told = Told(cells["answers"].to_numpy(float), few, most, minimum)
    dear = worth(cells, tallies.by)
    for group in _together(cells, relations):
        protect(group, n, hidden, minimum, dear, told)
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
    """The sums with the people of the whole wave rounded up, which less those that are shown are the hidden ones.

    Clusters that were sampled, such as shops, are counted exactly: they tell nothing of who answered. A cell that holds
    all people of a stratum keeps their number, which is its own base.
    """
    if "wave_clusters" not in sums:
        return sums
    rough = minimum * np.ceil(sums["wave_clusters"] / minimum).astype("int64")
    return sums.assign(wave_clusters=rough.mask(sums["wave_clusters"] == sums["clusters"], sums["clusters"]))


# What a reader can add up ---------------------------------------------------------------------------------------------


def _relations(tallies: Tallies, cells: pd.DataFrame) -> Iterator[Relation]:
    """Every margin with its parts, from each level to the next finer ones that are shown.

    A total that leaves places out has no relation to them: it is the sum of the others.
    """
    left_out = pd.DataFrame(tallies.provenance.get("withheld", []))
    for level in tallies.levels:
        for finer in next_levels(level, tallies.levels):
            keys = ["item", "period", *level]
            wholes = cells[cells["cut"] == ALL.join(level)]
            parts = cells[cells["cut"] == ALL.join(finer)]
            if not level and len(left_out):
                names = list(left_out.columns)
                inside = pd.MultiIndex.from_frame(parts[names]).isin(pd.MultiIndex.from_frame(left_out))
                parts = parts[~inside]
            position = dict(zip(wholes[keys].itertuples(index=False, name=None), wholes.index, strict=True))
            for key, rows in parts.groupby(keys, sort=True).indices.items():
                yield Relation(position[key if isinstance(key, tuple) else (key,)], [int(i) for i in parts.index[rows]])


def next_levels(level: Sequence[str], levels: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The finer levels that cut a level without another shown one between them."""
    finer = [other for other in levels if set(level) < set(other)]
    return [one for one in finer if not any(set(other) < set(one) for other in finer)]


def _together(cells: pd.DataFrame, relations: Sequence[Relation]) -> list[list[Relation]]:
    """Relations by item and period: nothing adds up from one to another."""
    groups: dict[tuple[str, str], list[Relation]] = {}
    where = list(zip(cells["item"], cells["period"], strict=True))
    for relation in relations:
        groups.setdefault(where[relation.whole], []).append(relation)
    return list(groups.values())


def _without(frame: pd.DataFrame, gone: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame that lie in none of some cells."""
    if frame.empty or gone.empty:
        return frame
    keys = [column for column in gone.columns if column in frame.columns and column not in ("n", "people", "reason")]
    found = frame.merge(gone[keys].drop_duplicates(), on=keys, how="left", indicator=True)["_merge"].to_numpy()
    kept: pd.DataFrame = frame[found != "both"].reset_index(drop=True)
    return kept
