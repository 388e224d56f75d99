"""The total of everybody: all who answered, or all but some places, the same ones in every period.

A place in which too few people answered is hidden, and everybody less all other places would be that place. Three
things protect it: the total leaves it out in every period, and says so; another place of that period is hidden; the
total of that period is hidden. A run takes what costs the fewest answers. To leave it out of one period alone would
make two totals of different places, and their difference would be read as a change.

A level of a segment that no place can show makes hiding cost a larger one beside it. Put together, before anything is
hidden, the small ones are a group that can be shown, and nothing is lost that could have been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.equations import told_of
from cxkit.analysis.privacy import families, members, next_levels, people, worth
from cxkit.input.responses import Responses
from cxkit.schema import ALL
from cxkit.tallies.tallies import Tallies

NEAR = 10.0  # times that an answer of the two periods that are compared counts, against one of another period


def left_out(tallies: Tallies, compared: Sequence[str]) -> pd.DataFrame:
    """The places that the total of everybody leaves out in every period, by item.

    Args:
        tallies: Whole tallies.
        compared: The period of the reports and the one that it is compared with.

    Returns:
        Columns item, <dimensions of the level below everybody>. Empty where to hide further cells costs fewer answers,
        and where several levels cut everybody, so that a place that the total leaves out would show in the others.
    """
    below = next_levels((), tallies.levels) if () in tallies.levels else []
    found = [pd.DataFrame(columns=["item"])]
    if len(below) == 1:
        names, cells = list(below[0]), people(tallies)
        dear, known = pd.Series(worth(cells, tallies.by), cells.index), members(tallies, cells)
        weight = np.where(np.isin(tallies.periods, list(compared)), NEAR, 1.0)
        for item, part in cells[cells["cut"] == ALL.join(names)].groupby("item"):
            places = part[names].drop_duplicates().sort_values(names)
            row = pd.Index(tallies.periods).get_indexer(pd.Index(part["period"]))
            tables = np.zeros((3, len(weight), len(places)))
            place = part.groupby(names).ngroup()
            tables[:, row, place] = part["n"], part["answers"], dear[part.index]
            where = zip(row.tolist(), place.tolist(), part.index, strict=True)
            who = {period * len(places) + at: known[cell] for period, at, cell in where if cell in known}
            apart = item in tallies.provenance.get("once", ())
            out = _cheapest(_Places(tables[0], tables[1], tables[2], weight, tallies.rules.hide_below, apart, who))
            found.append(places[out].assign(item=item))
        # Else the total of one item tells of whom another's leaves out.
        places, every = cells[cells["cut"] == ALL.join(names)], pd.concat(found)
        family, there = families(places, names), places[["item", *names]].drop_duplicates()
        one, other = (frame.assign(family=frame["item"].map(family)) for frame in (there, every))
        same = one.merge(other.drop(columns="item").drop_duplicates(), on=["family", *names])
        found = [same.drop(columns="family").sort_values(["item", *names])]
    return found[0].reset_index(drop=True)


def with_totals(tallies: Tallies, totals: Tallies, withheld: pd.DataFrame) -> Tallies:
    """The tallies with another total of everybody, which leaves some places out in every period, and says so.

    Args:
        tallies: Whole tallies.
        totals: Those of everybody without the places.
        withheld: The places, from `left_out`.
    """
    parts: dict[str, Any] = {
        name: pd.concat([frame[frame["cut"] != ""], other[other["cut"] == ""].reindex(columns=frame.columns)])
        for name, frame, other in (
            ("counts", tallies.counts, totals.counts),
            ("sums", tallies.sums, totals.sums),
            ("pairs", tallies.pairs, totals.pairs),
        )
    }
    was, now = ({*map(tuple, one.counts.loc[one.counts["cut"] == "", _CELL].to_numpy())} for one in (tallies, totals))
    lost = pd.DataFrame(sorted(was - now), columns=_CELL).assign(cut="", reason="left out")
    hidden = pd.concat([tallies.hidden, lost.reindex(columns=tallies.hidden.columns)]).astype(tallies.hidden.dtypes)
    about = {**tallies.provenance, "withheld": withheld.to_dict("records")}
    parts = {name: frame.reset_index(drop=True) for name, frame in {**parts, "hidden": hidden}.items()}
    return replace(tallies, **parts, provenance=about)


_CELL = ["item", "period"]


def named(frame: pd.DataFrame, tallies: Tallies, item: str, bases: Sequence[str] = ("n",)) -> pd.DataFrame:
    """Rows of the total of everybody with a note on the places that it leaves out, where there are any.

    Args:
        frame: Estimates or comparisons.
        tallies: That they are made of.
        item: That they are about.
        bases: The columns of the bases; a row that lacks one has another note.
    """
    count = sum(cell["item"] == item for cell in tallies.provenance.get("withheld", []))
    if not count:
        return frame
    places = f"{count} place{'s' * (count > 1)} with fewer than {tallies.rules.hide_below} people in a period"
    shown = frame[list(bases)].fillna(0).gt(0).all(axis=1)
    said = frame["note"].where(frame["note"] == "", frame["note"] + "; ") + f"all but {places}"
    return frame.assign(note=frame["note"].mask(shown, said))


# Small levels as one --------------------------------------------------------------------------------------------------


def small_levels(tallies: Tallies, dimension: str, compared: Sequence[str]) -> list[str]:
    """The levels of a dimension that are too small to be shown in any place in both periods, at least two or none.

    Args:
        tallies: Whole tallies.
        dimension: A segment dimension.
        compared: The period of the reports and the one it is compared with; periods without any answer do not count.

    Returns:
        The small levels; where there is only one, the next larger one with it, since one level alone would merely
        change its name. Empty where that would leave fewer than two levels.
    """
    cells = people(tallies)
    periods = [period for period in compared if (cells["period"] == period).any()]
    cells = cells[cells[dimension].notna() & cells["period"].isin(periods)]
    places = [name for name in tallies.by if name != dimension]
    largest = cells.fillna(dict.fromkeys(places, "")).groupby([dimension, *places, "cut", "item"])["n"]
    both = largest.agg(["min", "size"]).query("size == @least", local_dict={"least": len(periods)})["min"]
    reach = both.groupby(dimension).max().reindex(cells[dimension].unique(), fill_value=0).astype(float)
    order = sorted(reach.index, key=lambda level: (reach[level], level))
    small = [level for level in order if reach[level] < tallies.rules.hide_below]
    chosen = order[:2] if len(small) == 1 else small
    return chosen if len(order) - len(chosen) >= 1 else []


def merged(survey: Responses, dimension: str, levels: Sequence[str]) -> Responses:
    """The responses with some levels of a dimension as one, which is called "other (k levels)"."""
    name = f"other ({len(levels)} levels)"
    table, judged = (one.mutate(**{dimension: one[dimension].isin(list(levels)).ifelse(name, one[dimension])})
                     for one in (survey.table, survey.judged))  # fmt: skip
    declared = survey.mapping.dimensions[dimension]
    if declared.values:
        kept = [value for value in declared.values if value not in levels]
        declared = declared.model_copy(update={"values": [*kept, name]})
    dimensions = {**survey.mapping.dimensions, dimension: declared}
    return replace(
        survey, table=table, judged=judged, mapping=survey.mapping.model_copy(update={"dimensions": dimensions})
    )


# What costs the fewest answers ----------------------------------------------------------------------------------------


class _Places(NamedTuple):
    """One item by period and place: people, answers, how dear a cell is; what a period counts; who needs no hiding.

    And whether nobody is in two places; else who is in the small ones, as far as that is known.
    """

    people: NDArray[np.float64]
    answers: NDArray[np.float64]
    dear: NDArray[np.float64]
    weight: NDArray[np.float64]
    least: int
    apart: bool = True
    who: Mapping[int, frozenset[object]] = {}


def _cheapest(places: _Places) -> NDArray[np.bool_]:
    """Which places the total leaves out: on the way from none to all that it would give away, the cheapest stop.

    Each step settles the period that is settled at the least cost.
    """
    few = (places.people > 0) & (places.people < places.least)
    out = np.zeros(few.shape[1], dtype=bool)
    best, least = out, np.inf
    while True:
        cost, exposed = _cost(places, few, out)
        if cost < least:
            best, least = out, cost
        if not exposed.any():
            return best
        out = min(np.unique(few[exposed] | out, axis=0), key=lambda step: _cost(places, few, step)[0])


def _cost(places: _Places, few: NDArray[np.bool_], out: NDArray[np.bool_]) -> tuple[float, NDArray[np.bool_]]:
    """The answers that a run does not show if its total leaves some places out, and where it gives others away.

    In such a period the least dear place beside them is hidden, too.
    """
    inside = (places.people > 0) & ~out
    shown = (places.people * inside).sum(axis=1) >= places.least
    exposed = shown & _telling(places, few & inside)
    another = np.where(inside & ~few, places.dear, np.inf).argmin(axis=1)
    lost = (places.answers * out).sum(axis=1) + exposed * places.answers[np.arange(len(another)), another]
    lost += ~shown * (places.answers * inside).sum(axis=1)
    return float(places.weight @ lost), exposed


def _telling(places: _Places, gone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The periods whose total tells too much of the places that are hidden, by the rule of all sums."""
    of, at = np.nonzero(gone)
    size, n = len(gone), places.people[of, at]
    cell, apart = of * gone.shape[1] + at, np.full(size, places.apart)
    count, few, lonely = told_of(of, cell, n, apart, places.who, places.least)
    found: NDArray[np.bool_] = (count == 1) | ((count > 1) & (few | lonely))
    return found
