"""Tallies: counts of answers per cell, and the sums that weights, clusters and panels need.

A cell is an item or metric in a period at one place of a level; a level is a set of dimensions that is shown together,
() being everybody. Rows die here: all statistics are computed from what a tally holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.errors import CxError
from cxkit.input.periods import Calendar
from cxkit.metrics import Metric
from cxkit.schema import ALL, RULES, Rules

Key: TypeAlias = tuple[str, ...]  # what a cell is called: period and dimensions


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one part of a tally at one level.

    Attributes:
        columns: Column -> its values, in the order of the rows.
        places: What a cell is called -> the numbers of its rows.
    """

    columns: dict[str, NDArray[Any]]
    places: dict[Key, NDArray[np.intp]]

    def __len__(self) -> int:
        """How many rows there are."""
        return next((len(values) for values in self.columns.values()), 0)

    def at(self, cells: Iterable[Key]) -> tuple[NDArray[np.intp], dict[str, NDArray[Any]]]:
        """The rows of some cells.

        Args:
            cells: What the cells are called, each once; those without rows are left out.

        Returns:
            For each row the number of its cell, and the columns of these rows.

        >>> frame = pd.DataFrame({"period": ["a", "a", "b"], "n": [1, 2, 3]})
        >>> cell, found = by_cell(frame, ["period"]).at([("b",), ("c",), ("a",)])
        >>> cell.tolist(), found["n"].tolist()
        ([0, 2, 2], [3, 1, 2])
        """
        found = [self.places.get(key, _NONE) for key in cells]
        rows = np.concatenate(found) if found else _NONE
        cell = np.repeat(np.arange(len(found)), [len(part) for part in found])
        return cell, {name: values[rows] for name, values in self.columns.items()}


_NONE = np.empty(0, dtype=np.intp)


def by_cell(frame: pd.DataFrame, keys: Sequence[str]) -> Rows:
    """The rows of a frame by what is in its key columns."""
    columns = {str(name): frame[name].to_numpy() for name in frame.columns if name not in keys}
    found: dict[Any, Any] = frame.reset_index(drop=True).groupby(list(keys), sort=False).indices
    return Rows(columns, {key if isinstance(key, tuple) else (key,): rows for key, rows in found.items()})


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a run that tallies are cut down to: they hold the cells of no other.

    Attributes:
        where: Dimension -> value.
        comparisons: The place's rows of the run's comparison of all places, corrected with all of them.
        made: How these were made: now, before, level, correction, lead.
        design: "sums" and "pairs" with the metrics of which the run has any, in this place or another.
        targets: The place's rows of the run's tests of all places against their targets, made in the same way.
        whole: The scores of everybody in the period, as the overview shows them.
        moved: Which other places of the run moved (`cxkit.analysis.summaries.moved`), with the `file` of each page.
        beside: What the run found of the place beside all others, and over several periods, by `part` of its summary.
        crossed: The place's rows of the run's crosstab, made for all places at once, in which its families are its own.
    """

    where: dict[str, str]
    comparisons: pd.DataFrame
    made: dict[str, Any]
    design: dict[str, list[str]]
    targets: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"metric": []}))
    whole: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"metric": []}))
    moved: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"metric": []}))
    crossed: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"metric": []}))
    beside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"part": [], "metric": []}))


def untold() -> pd.DataFrame:
    """What `joint` and `members` are where nothing is known."""
    return pd.DataFrame({"item": []})


@dataclass(frozen=True, slots=True)
class Tallies:
    """Counts per cell with everything that an estimate needs.

    Attributes:
        counts: item, period, <dimensions>, cut, answer, n, open, w, w2: answers, how many of them are durations
            that had not ended, weights and squared weights.
        sums: metric, period, <dimensions>, cut, stratum, people, clusters, nn (of the answers of each, squared, where
            answers come in clusters), w, s, ww, sw, ss; empty without clusters;
            with rest_shared, rest_ww, rest_sw, rest_ws, rest_ss where cells may be compared with the rest; with
            wave_clusters, all clusters of the stratum in the period, where clusters or strata were sampled. Of
            durations s is the rank in tenths of the cell, above_s whether they lie above its quantile, each doubled for
            ties.
        pairs: metric, now, before, <dimensions>, cut, shared, ww, sw, ws, ss; empty without respondents.
        metrics: Metric by name, as the mapping declares its scale and direction.
        by: The dimensions.
        levels: The declared levels, each a tuple of dimensions.
        period: How time is cut.
        periods: Every period from the first to the last, in the order of time; of waves those that occur.
        compared: The declared pairs of periods (now, before).
        values: Levels of each dimension that are declared or found, in order.
        weighted: Whether the answers carry weights.
        hidden: item, period, <dimensions>, cut, reason (a code): cells that may not be shown; their counts are gone.
        audit: item, reason, n: what was refused.
        provenance: Files with sha256 and rows, filters, time zone.
        rules: From how many answers on a number is shown, and judged.
        place: The one place whose cells these are; None: all.
        joint: item, period, <dimensions>: the combinations of all dimensions that have answers, which tell what levels
            share. Neither this nor `members` is stored, nor left when cells are hidden.
        members: item, period, <dimensions>, cut, who: of cells of few people who they are, where people answer often.
    """

    counts: pd.DataFrame
    sums: pd.DataFrame
    pairs: pd.DataFrame
    metrics: dict[str, Metric]
    by: list[str]
    levels: list[tuple[str, ...]]
    period: str
    periods: list[str]
    compared: list[tuple[str, str]]
    values: dict[str, list[str]]
    weighted: bool
    hidden: pd.DataFrame
    audit: pd.DataFrame
    provenance: dict[str, Any] = field(default_factory=dict)
    rules: Rules = RULES
    place: Place | None = None
    joint: pd.DataFrame = field(default_factory=untold)
    members: pd.DataFrame = field(default_factory=untold)
    _found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def calendar(self) -> Calendar:
        """How time is cut."""
        return Calendar(self.period, self.provenance.get("year_starts", "January"))

    def rows(self, part: str, name: str, dimensions: Sequence[str]) -> Rows:
        """The rows of one part for an item (or metric) at a level, by cell: period and dimensions.

        Looked up once and kept: a report asks for the same rows again and again.

        Args:
            part: "counts", "sums" or "hidden"; or "pairs", whose cells are called now, before and dimensions.
            name: Of the item; of the metric for "sums" and "pairs".
            dimensions: Of a declared level.
        """
        key = (part, name, self.cut(dimensions))
        if part not in self._found:
            frame = getattr(self, part)
            self._found[part] = frame.groupby(["metric" if "metric" in frame else "item", "cut"]).indices
        if key not in self._found:
            chosen = getattr(self, part).iloc[self._found[part].get(key[1:], [])]
            times = ["now", "before"] if part == "pairs" else ["period"]
            known = [name for name in ("item", "metric", "cut", *self.by) if name in chosen and name not in dimensions]
            keys = [*times, *(one for one in self.by if one in dimensions)]
            self._found[key] = by_cell(chosen.drop(columns=known), keys)
        found: Rows = self._found[key]
        return found

    def holds(self, part: str, metric: str) -> bool:
        """Whether there are "sums" or "pairs" of a metric anywhere in the run: one place does not decide its design."""
        if self.place:
            return metric in self.place.design[part]
        return bool((getattr(self, part)["metric"] == metric).any())

    def some_open(self, item: str) -> bool:
        """Whether a duration had not ended anywhere in an item."""
        if ("open", item) not in self._found:
            self._found["open", item] = bool(self.counts.loc[self.counts["item"] == item, "open"].any())
        return bool(self._found["open", item])

    def cut(self, dimensions: Sequence[str]) -> str:
        """The level of some dimensions as it is written in the column `cut`.

        Raises:
            CxError: A level that was not declared: its cluster sums were never taken.
        """
        for level in self.levels:
            if set(level) == set(dimensions):
                return ALL.join(level)
        declared = "; ".join(ALL.join(level) or "everybody" for level in self.levels)
        if self.place:
            declared += f" (these are the tallies of {ALL.join(self.place.where.values())} alone)"
        raise CxError(f"the level {ALL.join(dimensions) or 'everybody'} was not tallied; declared are: {declared}")

    def _repr_html_(self) -> str:
        from cxkit.show import style
        from cxkit.show.tables import counts

        made = counts(self.counts, self.by, self.levels, self.periods, self.weighted)
        return f"{style()}{made._repr_html_()}"
