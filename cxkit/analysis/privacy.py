"""What must be hidden, over all cells of a run, before anything leaves it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from cxkit.data.tallies import Tallies

MINIMUM = 10  # people who answered, below which a cell shows neither score nor base


def mask(tallies: Tallies, minimum: int = MINIMUM) -> Tallies:
    """The tallies without the counts of cells in which too few people answered.

    People are counted where respondents are known, answers otherwise: twelve answers of two customers are two people.

    Args:
        tallies: Whole tallies.
        minimum: People that a cell needs in order to be shown; empty cells hide nobody.
    """
    cell = ["period", *tallies.by, "cut"]
    n = tallies.counts.groupby(["item", *cell], dropna=False, as_index=False)["n"].sum()
    if "people" in tallies.sums.columns:
        items = tallies.sums["metric"].map({name: metric.item for name, metric in tallies.metrics.items()})
        people = tallies.sums.assign(item=items).groupby(["item", *cell], dropna=False, as_index=False)["people"].max()
        n = n.merge(people, on=["item", *cell], how="left")
        n["n"] = n["people"].fillna(n["n"])
    few = n[n["n"] < minimum]
    hidden = few[["item", *cell]].assign(reason=f"hidden: fewer than {minimum} answers").reset_index(drop=True)
    names = {name: metric.item for name, metric in tallies.metrics.items()}
    pairs = tallies.pairs
    for end in ("now", "before"):
        pairs = _without(pairs.assign(item=pairs["metric"].map(names)), few.rename(columns={"period": end}))
    return replace(
        tallies,
        counts=_without(tallies.counts, few)[tallies.counts.columns],
        sums=_without(tallies.sums.assign(item=tallies.sums["metric"].map(names)), few)[tallies.sums.columns],
        pairs=pairs[tallies.pairs.columns],
        hidden=hidden,
    )


def _without(frame: pd.DataFrame, few: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame that lie in none of some cells."""
    if frame.empty or few.empty:
        return frame
    keys = [column for column in few.columns if column in frame.columns and column not in ("n", "people")]
    found = frame.merge(few[keys], on=keys, how="left", indicator=True)["_merge"].to_numpy() == "both"
    kept: pd.DataFrame = frame[~found].reset_index(drop=True)
    return kept
