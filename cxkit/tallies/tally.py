"""Responses -> tallies: what is asked for is checked, counted item by item, and put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any, TypeAlias

import pandas as pd

from cxkit.errors import CxError, nearest
from cxkit.input import shapes
from cxkit.input.databases import Table, collect, readable
from cxkit.input.mapping import BLANK, lacking
from cxkit.input.periods import Calendar, Period, natural
from cxkit.input.responses import Responses
from cxkit.input.values import number
from cxkit.metrics import Metric
from cxkit.schema import RULES, Rules
from cxkit.tallies import clusters, counting
from cxkit.tallies.counting import Grid, Used, finest_of
from cxkit.tallies.raking import residual_sums
from cxkit.tallies.sums import settle
from cxkit.tallies.tallies import Tallies

Where: TypeAlias = Mapping[str, Any]  # levels, or the ends of a range
PAIRS = ("previous", "year_ago")


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
    where: Where | None = None,
    until: str | None = None,
    without: pd.DataFrame | None = None,
    rules: Rules = RULES,
    population: Mapping[str, Mapping[str, int]] | None = None,
) -> Tallies:
    """Counts of answers per metric, period and cell.

    Args:
        survey: Responses, from `read`.
        metrics: Names of metrics whose items are mapped.
        by: Dimensions.
        levels: Sets of dimensions that are shown, each its own margin; None: everybody, each dimension alone, and all
            dimensions together.
        period: "month", "quarter", "week", "day", "year" (cut from `time`) or "wave".
        pairs: Comparisons that will be made: "previous", "year_ago", or (now, before) as written periods.
        rest: Whether cells will be compared with the rest of the level without its last dimension, as a channel with
            all other channels.
        where: Only these levels of a dimension, or the numbers in a range: {"age": {"from": 18, "to": 34}}.
        until: The last period that counts, as it is written; None: all.
        without: Places that are left out in every period: item, <dimensions of `by`>; with `SPAN`, in one of those
            that are put together.
        rules: From how many answers on a number is shown, and judged; all that is made of the tallies keeps to them.
        population: Dimension -> level -> how many could have answered in a period: {"brand": {"Acme": 1200}}.

    Raises:
        CxError: A metric, dimension, level or period that does not fit the mapping.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> tallies.periods[-1], tallies.levels
    ('2026-10', [(), ('brand',)])
    """
    shown = _levels(by, levels)
    chosen = _metrics(survey, metrics)
    filters = dict(where or {})
    _check(survey, by, period, filters)
    table = filtered(survey, period, filters, until)
    used, audit = _used(survey, table, chosen, period, by), [survey.refused]
    # A filter takes answers, not clusters, out of a sample: what is left is a domain of it like any other.
    sampled = survey.mapping.columns.cluster or survey.mapping.columns.stratum
    wave = _used(survey, filtered(survey, period, {}, until), chosen, period, by) if filters and sampled else used
    audit += [_replaced(item, one.replaced) for item, one in used.items() if one.replaced]
    if without is not None:
        # What is hidden in one period of several is no part of what is sampled: nothing tells how much it is.
        wave = _less(wave, without) if counting.SPAN in without else wave
        used = _less(used, without)
    raw = {item: counting.answer_counts(one, by, finest_of(shown)) for item, one in used.items()}
    names, labels = _periods(survey, raw.values(), period)
    compared = _compared(pairs, labels, survey.mapping.calendar(period))
    grid, starts = Grid(by, shown, names), {name: start for start, name in names.items()}
    counts = settle(pd.concat([grid.counts(item, frame) for item, frame in raw.items()], ignore_index=True))
    asked = [(starts[now], starts[before]) for now, before in compared if now in starts and before in starts]
    sums, shared = [_blank("metric", "period", *by, "cut")], [_blank("metric", "now", "before", *by, "cut")]
    raked = [item for item, one in used.items() if survey.raking and not clusters.link_of(survey.mapping, one)]
    for item, one in used.items():
        if one.n:
            cut = clusters.with_cuts(one, counts[counts["item"] == item], grid)
            if item in raked:
                own, both = residual_sums(survey.raking, cut, grid, rest), pd.DataFrame()
            else:
                own, both = clusters.linked(survey.mapping, cut, wave[item], grid, asked, rest)
            sums += [grid.placed(own)] if len(own) else []
            shared += [grid.placed(both)] if len(both) else []
    linked, known = pd.concat(sums, ignore_index=True), "respondent" in survey.mapping.columns.named()
    once = [item for item, one in used.items() if known and not one.repeated]
    provenance = {**survey.provenance, "where": spelled_filters(filters), "once": once}
    provenance |= {"raked": raked} if raked else {}
    provenance |= {"same": same} if (same := _same(survey, used, by)) else {}
    if survey.mapping.monthly:
        provenance["monthly"] = [name for name in shapes.passed(survey.mapping) if name in by]
    if population:
        _check_population(counts, population, shown)
        provenance["population"] = {name: dict(sizes) for name, sizes in population.items()}
    return Tallies(
        counts=counts,
        sums=settle(linked),
        pairs=settle(pd.concat(shared, ignore_index=True)),
        metrics=chosen,
        by=list(by),
        levels=shown,
        period=period,
        periods=labels,
        compared=compared,
        values=_values(survey, counts, by, filters),
        weighted=survey.mapping.columns.weight is not None,
        hidden=_blank("item", "period", *by, "cut", "reason"),
        audit=pd.concat(audit, ignore_index=True),
        provenance=provenance,
        rules=rules,
        joint=counting.joint(used, grid, raw),
        members=counting.members(used, grid, linked, rules.hide_below + counting.COMPANY),
    )


def _check_population(
    counts: pd.DataFrame, population: Mapping[str, Mapping[str, int]], levels: Sequence[tuple[str, ...]]
) -> None:
    """That a population is one of a level that is shown, and that no more answered than there are."""
    for name, sizes in population.items():
        if (name,) not in levels:
            hint = nearest(name, [one for level in levels for one in level])
            raise CxError(f"population: {name!r} alone is no level of these tallies; {hint}")
        cells = counts[counts["cut"] == name].groupby(["item", "period", name], as_index=False)["n"].sum()
        for row in cells[cells["n"] > cells[name].map(dict(sizes))].to_dict("records")[:1]:
            said = f"{row['n']:,} answered {row['item']} in {row['period']}, and {sizes[row[name]]:,} could"
            raise CxError(f"population.{name}.{row[name]}: {said}")


def _used(
    survey: Responses, table: Table, metrics: Mapping[str, Metric], period: str, by: Sequence[str]
) -> dict[str, Used]:
    """The used answers of each item that the metrics read."""
    by_item: dict[str, list[Metric]] = {}
    for metric in metrics.values():
        by_item.setdefault(metric.item, []).append(metric)
    return {item: counting.answers(table, survey.mapping, item, period, by, own) for item, own in by_item.items()}


def _less(used: Mapping[str, Used], without: pd.DataFrame) -> dict[str, Used]:
    """The used answers without those of some places."""
    gone = {item: without[without["item"] == item].drop(columns="item") for item in used}
    return {item: counting.less(one, gone[item]) if len(gone[item]) else one for item, one in used.items()}


def _blank(*columns: str) -> pd.DataFrame:
    """A frame of text columns without rows."""
    return pd.DataFrame({column: pd.Series(dtype="str") for column in columns})


def _replaced(item: str, n: int) -> pd.DataFrame:
    """The audit's row on answers that a later one of the same respondent replaced."""
    why = "replaced by a later answer of the same respondent in the period"
    return pd.DataFrame({"item": [item], "reason": [why], "n": [n]})


# Checks and declarations ----------------------------------------------------------------------------------------------


def _levels(by: Sequence[str], levels: Sequence[Sequence[str]] | None) -> list[tuple[str, ...]]:
    wanted = levels if levels is not None else [(), *((name,) for name in by), tuple(by)]
    for level in wanted:
        for name in level:
            if name not in by:
                raise CxError(f"levels: {name!r} is not among the dimensions `by`; {nearest(name, by)}")
    return list(dict.fromkeys(tuple(name for name in by if name in level) for level in wanted))


def _metrics(survey: Responses, names: Sequence[str]) -> dict[str, Metric]:
    names = survey.mapping.spelled_out(names)
    for name in names:
        if name not in survey.metrics:
            raise CxError(f"metrics: {name!r}: {lacking(survey.mapping, name)}; {nearest(name, survey.metrics)}")
    if not names:
        raise CxError("metrics: name at least one")
    return {name: survey.metrics[name] for name in names}


def _check(survey: Responses, by: Sequence[str], period: str, filters: Where) -> None:
    dimensions = survey.mapping.dimensions
    for name in [*by, *filters]:
        if name not in dimensions:
            raise CxError(f"{name!r} is no mapped dimension; {nearest(name, dimensions)}")
    for item, declared in survey.mapping.items.items():
        if declared.counts_open and survey.mapping.columns.weight:
            words = "open cases are not estimated with weights; take `weight` or `open_until` away"
            raise CxError(f"items.{item}: {words}")
    if survey.mapping.monthly and period != "month":
        raise CxError(f"period: the mapping makes a row for each month (`monthly`); expected month, found {period}")
    if period == "wave":
        survey.in_order()
    elif survey.mapping.columns.time is None:
        raise CxError(f"period: {period} needs a column in the role `time`, which the mapping does not have")
    elif period in ("week", "day") and survey.monthly:
        raise CxError(f"period: {period}: some times name a month and no day; expected month, quarter or year")


def chosen(table: Table, filters: Where) -> Table:
    """The rows of responses that a filter lets through."""
    for name, values in filters.items():
        inside = _inside(table, name, values) if isinstance(values, Mapping) else table[name].isin(list(values))
        table = table.filter(inside)
    return table


def filtered(survey: Responses, period: str, filters: Where, until: str | None) -> Table:
    """The responses of a run: those that a filter leaves, up to a period."""
    table, dimensions = survey.table, survey.mapping.dimensions
    for name, values in filters.items():
        found = set() if isinstance(values, Mapping) else set(collect(table.select(name).distinct())[name])
        for value in () if isinstance(values, Mapping) else values:
            if value not in found and value not in (dimensions[name].values or ()):
                raise CxError(f"where: no response has {name} = {value}; {nearest(value, sorted(found))}")
        table = chosen(table, {name: values})
    if until is None:
        return table
    if period == "wave" and survey.waves:
        if until not in (known := survey.waves.known):
            raise CxError(f"until: {until!r} is no wave of the data; {nearest(until, known)}")
        return table.filter(table.wave.isin(known[: known.index(until) + 1]))
    calendar = survey.mapping.calendar(period)
    return table.filter(table.time < pd.Timestamp(calendar.after(calendar.start(until))))


def _same(survey: Responses, items: Iterable[str], by: Sequence[str]) -> dict[str, list[list[str]]]:
    """The items that ask whether two columns say the `same`, with the dimensions of each of these."""
    asked = {item: survey.mapping.items[item].same or () for item in items}
    made = {item: [[name for name in by if survey.mapping.dimensions[name].column == column] for column in columns]
            for item, columns in asked.items()}  # fmt: skip
    return {item: sides for item, sides in made.items() if sides and all(sides)}


def in_period(survey: Responses, period: str, filters: Where, now: str | None) -> Table:
    """The responses that a filter leaves, of one period; of all where none is named."""
    table = filtered(survey, period, filters, now)
    if now is None:
        return table
    calendar = survey.mapping.calendar(period)
    return table.filter(counting.within(table, [now if period == "wave" else calendar.start(now)], calendar))


def _inside(table: Table, name: str, ends: Mapping[str, float]) -> Any:
    """Whether the level of a dimension is a number in a range."""
    low, high = ends.get("from", -inf), ends.get("to", inf)
    if table.get_backend().name == "duckdb":
        return number(table[name]).between(low, high).fill_null(False)
    levels = collect(table.select(name).distinct())[name]  # other databases end a query at text that is no number
    return table[name].isin(list(levels[pd.to_numeric(levels, errors="coerce").between(low, high)]))


def spelled_filters(filters: Where) -> dict[str, list[str]]:
    """What was filtered, a range in words.

    >>> spelled_filters({"age": {"from": 18, "to": 34}, "spend": {"from": 100}, "country": ["NO"]})
    {'age': ['18 to 34'], 'spend': ['100 or more'], 'country': ['NO']}
    """
    return {name: [_range(values)] if isinstance(values, Mapping) else list(values) for name, values in filters.items()}


def _range(ends: Mapping[str, float]) -> str:
    if len(ends) == 1:
        return f"{ends['from']:g} or more" if "from" in ends else f"{ends['to']:g} or less"
    return f"{ends['from']:g} to {ends['to']:g}"


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


def _values(survey: Responses, counts: pd.DataFrame, by: Sequence[str], filters: Where) -> dict[str, list[str]]:
    """Per dimension the declared levels, then others that were found in natural order, blank last."""
    values = {}
    for name in by:
        chosen = filters.get(name, ())
        declared = list((not isinstance(chosen, Mapping) and chosen) or survey.mapping.dimensions[name].values or [])
        found = sorted(set(counts[name].dropna()) - set(declared), key=lambda v: (v == BLANK, natural(v)))
        values[name] = declared + found
    return values
