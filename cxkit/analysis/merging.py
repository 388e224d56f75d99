"""Small levels of a segment dimension as one, before anything is hidden.

A level that no place can show makes hiding cost a larger one beside it, because margins are published. Put together,
the small ones are a group that can be shown, and nothing is lost that could have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cxkit.analysis.privacy import people
from cxkit.input.responses import Responses
from cxkit.tallies.tallies import Tallies


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
    column = survey.table[dimension]
    table = survey.table.mutate(**{dimension: column.isin(list(levels)).ifelse(name, column)})
    declared = survey.mapping.dimensions[dimension]
    if declared.values:
        kept = [value for value in declared.values if value not in levels]
        declared = declared.model_copy(update={"values": [*kept, name]})
    dimensions = {**survey.mapping.dimensions, dimension: declared}
    return replace(survey, table=table, mapping=survey.mapping.model_copy(update={"dimensions": dimensions}))
