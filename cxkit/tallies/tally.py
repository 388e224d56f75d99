"""Responses -> tallies: counts of answers per cell, and the sums that weights, clusters and panels need.

A cell is an item or metric in a period at one place of a level; a level is a set of dimensions that is shown together,
() being everybody. Rows die here: all statistics are computed from what a tally holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cxkit.errors import CxError, nearest
from cxkit.input.databases import Table, collect, readable
from cxkit.input.mapping import BLANK
from cxkit.input.periods import Calendar, Period, natural
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.schema import RULES, Rules
from cxkit.tallies import counting
from cxkit.tallies.assembly import ALL as ALL
from cxkit.tallies.assembly import Rows, blank_frame, by_cell, counts_of, finest_of, replaced, sums_of
from cxkit.tallies.batches import Used
from cxkit.tallies.sums import settle

PAIRS = ("previous", "year_ago")


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a run that tallies are cut down to: they hold the cells of no other.

    Attributes:
        where: Dimension -> value.
        comparisons: The place's rows of the run's comparison of all places, corrected with all of them.
        made: How these were made: now, before, level, correction, lead.
        design: "sums" and "pairs" with the metrics of which the run has any, in this place or another.
    """

    where: dict[str, str]
    comparisons: pd.DataFrame
    made: dict[str, Any]
    design: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Tallies:
    """Counts per cell with everything that an estimate needs.

    Attributes:
        counts: item, period, <dimensions>, cut, answer, n, open, w, w2: answers, how many of them are durations
            that had not ended, weights and squared weights.
        sums: metric, period, <dimensions>, cut, stratum, people, clusters, w, s, ww, sw, ss; empty without clusters;
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


@readable
def tally(
    survey: Responses,
    metrics: Sequence[str],
    by: Sequence[str] = (),
    levels: Sequence[Sequence[str]] | None = None,
    period: Period = "month",
    pairs: Sequence[str | tuple[str, str]] = ("previous",),
    *,
    rest: bool = False,
    where: Mapping[str, Sequence[str]] | None = None,
    until: str | None = None,
    without: pd.DataFrame | None = None,
    rules: Rules = RULES,
) -> Tallies:
    """Counts of answers per metric, period and cell.

    Args:
        survey: Responses, from `read`.
        metrics: Names of metrics whose items are mapped.
        by: Dimensions.
        levels: Sets of dimensions that are shown, each its own margin; None: everybody, each dimension alone, and all
            dimensions together.
        period: "month", "quarter", "week", "year" (cut from `time`) or "wave".
        pairs: Comparisons that will be made: "previous", "year_ago", or (now, before) as written periods.
        rest: Whether cells will be compared with the rest of the level without its last dimension, as a channel with
            all other channels.
        where: Only these levels of a dimension.
        until: The last period that counts, as it is written; None: all.
        without: Places that are left out in every period: item, <dimensions of `by`>.
        rules: From how many answers on a number is shown, and judged; all that is made of the tallies keeps to them.

    Raises:
        CxError: A metric, dimension, level or period that does not fit the mapping.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> tallies.periods[-1], tallies.levels
    ('2026-10', [(), ('brand',)])
    """
    shown = _levels(by, levels)
    chosen = _metrics(survey, metrics)
    _check(survey, by, period, where)
    table = _filtered(survey, period, where, until)
    used, audit = _used(survey, table, chosen, period, by), [survey.refused]
    # A filter takes answers, not clusters, out of a sample: what is left is a domain of it like any other.
    sampled = survey.mapping.columns.cluster or survey.mapping.columns.stratum
    wave = _used(survey, _filtered(survey, period, None, until), chosen, period, by) if where and sampled else used
    audit += [replaced(item, one.replaced) for item, one in used.items() if one.replaced]
    if without is not None:
        gone = {item: without[without["item"] == item].to_dict("records") for item in used}
        used = {item: counting.less(one, gone[item]) if gone[item] else one for item, one in used.items()}
    raw = {item: counting.answer_counts(one, by, finest_of(shown)) for item, one in used.items()}
    names, labels = _periods(survey, raw.values(), period)
    compared = _compared(pairs, labels, survey.mapping.calendar(period))
    counts = [counts_of(item, level, finest_of(shown), raw[item], names, by) for item in used for level in shown]
    counted = settle(pd.concat(counts, ignore_index=True))
    sums, shared = sums_of(survey, used, wave, shown, by, names, compared, rest, counted)
    return Tallies(
        counts=counted,
        sums=settle(sums),
        pairs=settle(shared),
        metrics=chosen,
        by=list(by),
        levels=shown,
        period=period,
        periods=labels,
        compared=compared,
        values=_values(survey, counted, by, where),
        weighted=survey.mapping.columns.weight is not None,
        hidden=blank_frame(["item", "period", *by, "cut", "reason"]),
        audit=pd.concat(audit, ignore_index=True),
        provenance={**survey.provenance, "where": {k: list(v) for k, v in (where or {}).items()}},
        rules=rules,
    )


def _used(
    survey: Responses, table: Table, metrics: Mapping[str, Metric], period: str, by: Sequence[str]
) -> dict[str, Used]:
    """The used answers of each item that the metrics read."""
    by_item: dict[str, list[Metric]] = {}
    for metric in metrics.values():
        by_item.setdefault(metric.item, []).append(metric)
    return {item: counting.answers(table, survey.mapping, item, period, by, own) for item, own in by_item.items()}


# Checks and declarations ----------------------------------------------------------------------------------------------


def _levels(by: Sequence[str], levels: Sequence[Sequence[str]] | None) -> list[tuple[str, ...]]:
    wanted = levels if levels is not None else [(), *((name,) for name in by), tuple(by)]
    for level in wanted:
        for name in level:
            if name not in by:
                raise CxError(f"levels: {name!r} is not among the dimensions `by`; {nearest(name, by)}")
    return list(dict.fromkeys(tuple(name for name in by if name in level) for level in wanted))


def _metrics(survey: Responses, names: Sequence[str]) -> dict[str, Metric]:
    for name in names:
        if name not in survey.metrics:
            raise CxError(f"metrics: {name!r} has no mapped item; {nearest(name, survey.metrics)}")
    if not names:
        raise CxError("metrics: name at least one")
    return {name: survey.metrics[name] for name in names}


def _check(survey: Responses, by: Sequence[str], period: str, where: Mapping[str, Sequence[str]] | None) -> None:
    dimensions = survey.mapping.dimensions
    for name in [*by, *(where or {})]:
        if name not in dimensions:
            raise CxError(f"{name!r} is no mapped dimension; {nearest(name, dimensions)}")
    for item, declared in survey.mapping.items.items():
        if declared.open_until and survey.mapping.columns.weight:
            raise CxError(
                f"items.{item}: open cases are not estimated with weights; take `weight` or `open_until` away"
            )
    if period == "wave":
        survey.in_order()
    elif survey.mapping.columns.time is None:
        raise CxError(f"period: {period} needs a column in the role `time`, which the mapping does not have")


def _filtered(survey: Responses, period: str, where: Mapping[str, Sequence[str]] | None, until: str | None) -> Table:
    table, dimensions = survey.table, survey.mapping.dimensions
    for name, values in (where or {}).items():
        found = set(collect(table.select(name).distinct())[name])
        for value in values:
            if value not in found and value not in (dimensions[name].values or ()):
                raise CxError(f"where: no response has {name} = {value}; {nearest(value, sorted(found))}")
        table = table.filter(table[name].isin(list(values)))
    if until is None:
        return table
    if period == "wave" and survey.waves:
        if until not in (known := survey.waves.known):
            raise CxError(f"until: {until!r} is no wave of the data; {nearest(until, known)}")
        return table.filter(table.wave.isin(known[: known.index(until) + 1]))
    calendar = survey.mapping.calendar(period)
    return table.filter(table.time < pd.Timestamp(calendar.after(calendar.start(until))))


def _periods(survey: Responses, counts: Any, period: str) -> tuple[dict[Any, str], list[str]]:
    """The periods that occur, as the query gave them, with their names; and all names from first to last, in order."""
    starts = {start for frame in counts for start in frame["period_"]}
    if period == "wave" and survey.waves:
        if since := sorted(starts - set(survey.waves.known)):
            raise CxError(f"waves: {', '.join(since)}: came in after the data were read; read them again")
        return {wave: wave for wave in starts}, [wave for wave in survey.waves.known if wave in starts]
    calendar = survey.mapping.calendar(period)
    names = {start: calendar.label(start) for start in starts}
    return names, calendar.span(names.values())


def _compared(pairs: Sequence[str | tuple[str, str]], labels: list[str], calendar: Calendar) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    period = calendar.period
    for pair in pairs:
        if pair == "previous":
            found += list(zip(labels[1:], labels, strict=False))
        elif pair == "year_ago" and period != "wave":
            found += [(now, calendar.year_ago(now)) for now in labels]
        elif isinstance(pair, tuple) and len(pair) == 2:
            for end in pair if period != "wave" else ():
                calendar.start(end)  # raises where it is not written as one
            found.append(pair)
        else:
            raise CxError(f"pairs: expected {', '.join(PAIRS)} or (now, before), found {pair!r} with period {period}")
    return list(dict.fromkeys(found))


def _values(
    survey: Responses, counts: pd.DataFrame, by: Sequence[str], where: Mapping[str, Sequence[str]] | None
) -> dict[str, list[str]]:
    """Per dimension the declared levels, then others that were found in natural order, blank last."""
    values = {}
    for name in by:
        declared = list((where or {}).get(name) or survey.mapping.dimensions[name].values or [])
        found = sorted(set(counts[name].dropna()) - set(declared), key=lambda v: (v == BLANK, natural(v)))
        values[name] = declared + found
    return values
