"""What must be hidden, over all cells of a run, before anything leaves it.

Primary hiding: a cell in which too few people answered. Complementary hiding: a cell that would give a hidden one away,
because margins are published beside their parts and a reader can subtract. The same tallies always hide the same cells.

A place that alone would be given away by the total of everybody is left out of that total instead (`lone`):
hiding a large brand, or the total, for the sake of seven answers would cost far more than it protects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxkit.analysis.disclosure import Relation, Told, protect
from cxkit.data.mapping import BLANK
from cxkit.data.tallies import ALL, Tallies

FEW = "hidden: fewer than {} people answered"
GIVEN_AWAY = "hidden: it would give a smaller group away"


def lone(tallies: Tallies) -> pd.DataFrame:
    """The small places that the total of everybody would give away, where one level of places is shown below it.

    Args:
        tallies: Whole tallies.

    Returns:
        Columns item, period, <dimensions of the level>; empty where nothing is given away, or where several levels
        cut everybody, so that leaving a place out of the total would show in the other ones.
    """
    below = _next((), tallies.levels) if () in tallies.levels else []
    if len(below) != 1:
        return pd.DataFrame(columns=["item", "period"])
    cells, minimum = people(tallies), tallies.rules.hide_below
    parts = cells[cells["cut"] == ALL.join(below[0])]
    few = parts[(parts["n"] > 0) & (parts["n"] < minimum)]
    size = few.groupby(["item", "period"])["n"].agg(["size", "sum"])
    given = size[(size["size"] == 1) | (size["sum"] < minimum)].index
    chosen = pd.MultiIndex.from_frame(few[["item", "period"]]).isin(given)
    found: pd.DataFrame = few.loc[chosen, ["item", "period", *below[0]]].reset_index(drop=True)
    return found


def with_totals(tallies: Tallies, totals: Tallies, withheld: pd.DataFrame) -> Tallies:
    """The tallies with another total of everybody, which leaves the withheld cells out, and says so."""
    parts: dict[str, Any] = {
        name: pd.concat([frame[frame["cut"] != ""], other[other["cut"] == ""].reindex(columns=frame.columns)])
        for name, frame, other in (
            ("counts", tallies.counts, totals.counts),
            ("sums", tallies.sums, totals.sums),
            ("pairs", tallies.pairs, totals.pairs),
        )
    }
    about = {**tallies.provenance, "withheld": withheld.to_dict("records")}
    return replace(tallies, **{k: f.reset_index(drop=True) for k, f in parts.items()}, provenance=about)


def mask(tallies: Tallies, minimum: int | None = None) -> Tallies:
    """The tallies without the counts of cells that may not be shown.

    People are counted where respondents are known, answers otherwise: twelve answers of two customers are two people.

    Args:
        tallies: Whole tallies.
        minimum: People that a cell needs in order to be shown; empty cells hide nobody. None: as the tallies' rules
            say; any other becomes their rule.

    Returns:
        Tallies in which hidden cells have no counts, sums or pairs, and stand in `hidden` with the reason.
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
    blank = (cells[tallies.by] == BLANK).any(axis=1).to_numpy() if tallies.by else np.zeros(len(n), bool)
    worth = np.where(blank, n - 1e15, n)  # whoever left a question blank is the least loss, however many they are
    for group in _together(cells, relations):
        protect(group, n, hidden, minimum, worth, told)
    reason = np.where(few, FEW.format(minimum), GIVEN_AWAY)
    gone = cells[hidden].assign(reason=reason[hidden])
    names = {name: metric.item for name, metric in tallies.metrics.items()}
    pairs = tallies.pairs.assign(item=tallies.pairs["metric"].map(names))
    for end in ("now", "before"):
        pairs = _without(pairs, gone.rename(columns={"period": end}))
    sums = _without(tallies.sums.assign(item=tallies.sums["metric"].map(names)), gone)
    return replace(
        tallies,
        counts=_without(tallies.counts, gone),
        sums=sums[tallies.sums.columns],
        pairs=pairs[tallies.pairs.columns],
        hidden=gone[tallies.hidden.columns].reset_index(drop=True),
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


# What a reader can add up ---------------------------------------------------------------------------------------------


def _relations(tallies: Tallies, cells: pd.DataFrame) -> Iterator[Relation]:
    """Every margin with its parts, from each level to the next finer ones that are shown.

    A total that leaves small places out has no relation to them: it is the sum of the others.
    """
    left_out = pd.DataFrame(tallies.provenance.get("withheld", []))
    for level in tallies.levels:
        for finer in _next(level, tallies.levels):
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


def _next(level: Sequence[str], levels: Sequence[Sequence[str]]) -> list[Sequence[str]]:
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
