"""Which rows can be used and which cannot, and every refusal of a row or an answer counted by its reason."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial, reduce
from operator import or_

import ibis
import pandas as pd

from cxkit.input import times, values
from cxkit.input.databases import Column, Table, collect
from cxkit.input.mapping import Mapping
from cxkit.input.shapes import NUMBER, count_of
from cxkit.input.sources import LEFT_OUT, NO_ANSWER
from cxkit.input.waves import NO_WAVE

DUPLICATES = "response id that occurred before"
# What reasons begin with: of rows that are no further answers, and of answers that nobody gave. All others are losses.
ASIDE = (DUPLICATES, "as late as the latest row", "earlier than the latest row")
MISSING = ("empty", "declared missing", "no time", "no wave", "no respondent", "still open, and no ",
           "opened less than ", "replaced by a later answer", "not both answered", "not of the kind")  # fmt: skip
SPAN = ibis.timestamp("1971-01-01"), ibis.timestamp("2099-12-31 23:59:59")
SHOWN_VALUES = 20  # distinct refused values that are listed one by one, for each item
DUPLICATE = "duplicate_"
EARLIER = "earlier_"
TIED = "tied_"


def applied(table: Table, mapping: Mapping, mapped: Collection[str]) -> Table:
    """Every row of a source with `problem_`: why it cannot be used.

    Args:
        table: All rows.
        mapping: The mapping.
        mapped: Every column that it names; of rows that tie, these decide.
    """
    marked = _mark_duplicates(_mark_earlier(table, mapping, mapped), mapping)
    rules = _rules(marked, mapping)
    nothing = ibis.null("string")
    reason = ibis.cases(*((rule, name) for name, rule in rules.items()), else_=nothing) if rules else nothing
    return marked.mutate(problem_=reason)


def usable(rows: Table, mapping: Mapping, known: Collection[str] | None = None) -> Table:
    """The rows that can be used, `followed`.

    Args:
        rows: Every row, from `applied`.
        mapping: The mapping.
        known: The reasons that are known to occur; a rule that no row breaks is not asked again. None: all are asked.
    """
    rules = [rule for name, rule in _rules(rows, mapping).items() if known is None or name in known]
    return followed(rows.filter(~reduce(or_, rules)) if rules else rows, mapping)


def followed(usable: Table, mapping: Mapping) -> Table:
    """The rows with the time of the next one of the same respondent, of the kind for which an item asks."""
    asked = {str(item.end): item.next for item in mapping.items.values() if item.follows}
    if not asked:
        return usable
    time, *others = (usable[getattr(mapping.columns, role)] for role in ("time", "respondent", "response"))
    who, which = map(values.text, others)
    moment = times.moment(time, mapping)
    window = partial(ibis.window, group_by=[who], order_by=[moment, which])
    of_kind = {name: values.among(usable, kind).ifelse(moment, ibis.null(moment.type()))
               for name, kind in asked.items() if kind}  # fmt: skip
    found = {name: of_kind[name].min().over(window(following=(1, None))) if kind else moment.lead().over(window())
             for name, kind in asked.items()}  # fmt: skip
    return usable.mutate(**found)


def _rules(table: Table, mapping: Mapping) -> dict[str, Column]:
    """Reason -> which rows it refuses, in the order in which a row's first reason is taken."""
    roles, rules = mapping.columns, dict[str, Column]()
    if LEFT_OUT in table.columns:
        left = sorted(collect(table.select(LEFT_OUT).distinct())[LEFT_OUT].dropna())
        rules.update({reason: table[LEFT_OUT] == reason for reason in left})
    if EARLIER in table.columns:
        rules["as late as the latest row of its kind, of which one was taken"] = table[TIED]
        rules["earlier than the latest row of its kind"] = table[EARLIER]
    if roles.time:
        rules["no time"] = values.is_blank(table[roles.time])
        if len(mapping.time_format) > 1:
            words = "time that two forms of `time_format` read differently"
            rules[words] = times.doubtful(table[roles.time], mapping)
        moment = times.moment(table[roles.time], mapping)
        rules["time that cannot be read"] = moment.isnull()
        rules["time before 1971 or after 2099, as a placeholder"] = ~moment.between(*SPAN)
    if roles.wave:
        rules["no wave"] = values.is_blank(table[roles.wave])
        nothing = NO_WAVE - {wave.casefold() for wave in mapping.waves}
        rules["no wave but a word for none, as NA"] = values.text(table[roles.wave]).lower().isin(sorted(nothing))
    if roles.count:
        rules["no count that is a whole number"] = count_of(table, mapping).isnull()
    if roles.weight:
        weight = values.number(table[roles.weight])
        rules["no weight that is a number"] = weight.isnull() | weight.isnan() | weight.isinf()
        rules["weight of 0 or less"] = weight <= 0
    if DUPLICATE in table.columns:
        rules[DUPLICATES] = table[DUPLICATE]
    return {reason: rule.fill_null(False) for reason, rule in rules.items()}


def _mark_earlier(table: Table, mapping: Mapping, mapped: Collection[str]) -> Table:
    """The table with a mark on every row but the latest of those that `latest` puts together, and on its ties.

    Of rows that tie the other mapped columns decide, so that the order of the rows never does.
    """
    if not mapping.latest:
        return table
    numbered, by = table.mutate(**{NUMBER: ibis.row_number()}), mapping.latest.by
    raw = numbered[by]
    moment = [] if raw.type().is_numeric() else [ibis.desc(times.moment(raw, mapping), nulls_first=False)]
    number = (
        [ibis.desc(values.number(raw), nulls_first=False)] if raw.type().is_numeric() or raw.type().is_string() else []
    )
    per = values.text(numbered[mapping.latest.per])
    latest = ibis.window(group_by=[per], order_by=[*moment, *number])
    others = [values.text(numbered[name]) for name in sorted(set(mapped))]
    decided = ibis.window(group_by=[per], order_by=[*moment, *number, *others])
    earlier = (ibis.row_number().over(decided) > 0) & per.notnull()
    return numbered.mutate(**{EARLIER: earlier, TIED: earlier & (ibis.rank().over(latest) == 0)})


def _mark_duplicates(table: Table, mapping: Mapping) -> Table:
    """The table with a mark on every response whose id occurred before, in the same wave where there are waves.

    Whether there is any is looked up first, because numbering the rows of a large table to find none is dear.
    """
    if not mapping.columns.response:
        return table
    keys = [column for column in (mapping.columns.response, mapping.columns.wave) if column]
    identified = table.select(**{column: values.text(table[column]) for column in keys})
    identified = identified.filter(identified[keys[0]].notnull())
    twice = identified.group_by(keys).agg(n=lambda t: t.count()).filter(lambda t: t.n > 1).limit(1)
    if collect(twice).empty:
        return table
    numbered = table if NUMBER in table.columns else table.mutate(**{NUMBER: ibis.row_number()})
    first = [numbered[EARLIER]] if EARLIER in numbered.columns else []  # the latest row repeats none of them
    order = ibis.window(group_by=[values.text(numbered[key]) for key in keys], order_by=[*first, numbered[NUMBER]])
    repeated = (ibis.row_number().over(order) > 0) & values.text(numbered[keys[0]]).notnull()
    return numbered.mutate(**{DUPLICATE: repeated})


def are_set_aside(reasons: pd.Series[str]) -> pd.Series[bool]:
    """Which reasons are of rows that are no answers, or none that counts: they are in no base."""
    return reasons.str.startswith(ASIDE) | reasons.str.endswith(NO_ANSWER)


def are_lost(reasons: pd.Series[str]) -> pd.Series[bool]:
    """Which reasons are losses: something was said that the mapping does not allow for."""
    return ~reasons.str.startswith(MISSING) & ~are_set_aside(reasons)


def counted(rows: Table, reasons: Table, mapping: Mapping) -> pd.DataFrame:
    """Counts of refusals: item, (wave,) reason, n; by item, most frequent first, rare values put together.

    Args:
        rows: Every row, with `problem_`.
        reasons: Of the usable rows: `wave` and `count` where there are any, and for each item in order why its answer
            is refused.
        mapping: The mapping.
    """
    wave = {"wave": values.text(rows[mapping.columns.wave])} if mapping.columns.wave else {}
    wave |= {"count": count_of(rows, mapping).fill_null(1)} if mapping.columns.count else {}
    of_rows = rows.filter(rows.problem_.notnull()).select(**wave, item=ibis.literal(-1, "int64"), reason=rows.problem_)
    places = range(len(mapping.items))
    spread = reasons.mutate(item=ibis.literal(list(places), "array<int64>").unnest())  # a row for each item
    reason = ibis.cases(*((spread.item == i, spread[f"why_{i}"]) for i in places), else_=ibis.null("string"))
    of_items = spread.mutate(reason=reason).filter(lambda t: t.reason.notnull()).select(*of_rows.columns)
    both = ibis.union(of_rows, of_items, distinct=False)
    n = both["count"].sum().cast("int64") if wave.pop("count", None) is not None else both.count()
    frame = collect(both.group_by(["item", "reason", *wave]).agg(n=n)).astype({"n": "int64"})
    names = ["row", *mapping.items]
    parts = [_listed(frame[frame["item"] == i], list(wave)).assign(item=name) for i, name in enumerate(names, -1)]
    return pd.concat(parts, ignore_index=True)[["item", *wave, "reason", "n"]]


def _listed(frame: pd.DataFrame, wave: list[str]) -> pd.DataFrame:
    """The reasons of one item, the most frequent values one by one and the others together."""
    frame = frame.sort_values([*wave, "n", "reason"], ascending=[*(True for _ in wave), False, True])
    rare = frame.groupby(wave, dropna=False).cumcount() if wave else pd.Series(range(len(frame)), index=frame.index)
    reason = frame["reason"].astype("str").mask(rare >= SHOWN_VALUES, "other refused values")
    summed: pd.DataFrame = frame.assign(reason=reason).groupby([*wave, "reason"], sort=False, dropna=False)[["n"]].sum()
    return summed.reset_index()
