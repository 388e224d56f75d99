"""How the columns of an export become the kit's own: items as numbers, roles, dimensions as levels.

An item gives two columns: its number, null where refused, and the reason for the refusal, null where used. A duration
may be given by two clocks: minutes from one time to another, and cases whose second clock has not stopped yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import reduce
from operator import add, or_
from typing import Any

import ibis
import pandas as pd

from cxkit.input import times, values
from cxkit.input.databases import Column, Table, aggregated
from cxkit.input.hours import worked
from cxkit.input.mapping import BLANK, CLOCKS, MINUTES, Chosen, Dimension, Item, Mapping, minutes_of, open_of
from cxkit.input.shapes import count_of
from cxkit.input.sources import FILE

_WORKED = "_worked_"  # ends the name of a column that says how much business there was until a time
IDS = ("response", "respondent", "cluster")
# Reasons that quote the answer behind a colon; `analysis.sharing` decides which of these may be passed on.
QUOTING = NO_NUMBER, OUTSIDE, NEGATIVE, NOT_WHOLE, NO_OPTION, NO_TICK = (
    "not a number or known label", "outside", "negative", "not a whole number", "not one of the options",
    "neither chosen nor not",
)  # fmt: skip


NOT_BOTH = "not both answered"  # what was refused of either is told there


def columns(usable: Table, mapping: Mapping, clean: Collection[str] = ()) -> dict[str, Column]:
    """The kit's own columns of the rows that can be used.

    Args:
        usable: These rows.
        mapping: The mapping.
        clean: Items and dimensions of which every answer that is not empty is known to be one as it stands.
    """
    return {
        **_roles(usable, mapping),
        **{item: answer(usable, mapping, item, item in clean)[0] for item in mapping.items},
        **{open_of(name): _is_open(usable, item) for name, item in mapping.items.items() if item.counts_open},
        **{name: _level(usable, mapping, name, name in clean) for name in mapping.dimensions},
    }


def tidy(usable: Table, mapping: Mapping) -> list[str]:
    """The dimensions of which every value is a level as it stands: text without blanks around it, and none missing."""
    plain = {name: one for name, one in mapping.dimensions.items() if one.column and not one.labels and not one.bands}
    raw = {name: usable[one.column] for name, one in plain.items()}
    text = {name: column for name, column in raw.items() if column.type().is_string()}
    odd = (column.isnull() | (column != values.text(column)).fill_null(True) for column in text.values())
    return [
        name for name, any_odd in zip(text, aggregated(usable, *(one.any() for one in odd)), strict=True) if not any_odd
    ]


def _roles(table: Table, mapping: Mapping) -> dict[str, Column]:
    columns = {FILE: table[FILE]} if FILE in table.columns else {}
    for role, column in mapping.columns.named().items():
        raw = table[column]
        if role == "count":
            columns[role] = count_of(table, mapping)
        elif role == "time":
            columns[role] = times.moment(raw, mapping)
        elif role == "weight":
            columns[role] = values.number(raw)
        else:  # whole numbers are grouped as they are, which is a third of the work
            columns[role] = raw if raw.type().is_integer() and role in IDS else values.text(raw)
    return columns


def _level(table: Table, mapping: Mapping, name: str, clean: bool = False) -> Column:
    """A dimension's level as text; blank is a level of its own. `clean`: every value is a level as it stands."""
    declared = mapping.dimensions[name]
    if declared.bands:
        return _band(table, mapping, declared)
    if declared.item:
        number = answer(table, mapping, declared.item)[0]
        named = [((number == float(code)).fill_null(False), ibis.literal(label)) for code, label in
                 declared.labels.items()]  # fmt: skip
        return ibis.cases(*named, else_=ibis.literal(BLANK))
    if declared.previous:
        return _before(table, mapping, declared)
    raw = table[declared.column]
    if clean:
        return raw
    level = values.text(raw)
    for code, label in declared.labels.items():
        level = values.is_code(raw, str(code)).ifelse(ibis.literal(label), level)
    return level.fill_null(BLANK)


def _before(table: Table, mapping: Mapping, cut: Dimension) -> Column:
    """The level of another dimension in the response of the same respondent before this one."""
    who, which = (values.text(table[getattr(mapping.columns, role)]) for role in ("respondent", "response"))
    time = _instant(table, mapping, str(mapping.columns.time))
    earlier = ibis.window(group_by=[who], order_by=[time, which])
    since = (time.epoch_seconds() - time.lag().over(earlier).epoch_seconds()) / 60.0
    near = who.notnull() & (since <= minutes_of(str(cut.within))).fill_null(False)
    return near.ifelse(_level(table, mapping, str(cut.previous)).lag().over(earlier), cut.none_before)


def _band(table: Table, mapping: Mapping, cut: Dimension) -> Column:
    """The band of a number; of a case that is still open the last one, where it has come so far, else none."""
    number = values.number(table[cut.column]) if cut.column else answer(table, mapping, str(cut.item))[0]
    ends, names = [end for end, _ in cut.cuts], cut.bands_named
    beyond = (number >= ends[-1]).fill_null(False), ibis.literal(names[-1])
    rules = [((number < end).fill_null(False), ibis.literal(name)) for end, name in zip(ends, names, strict=False)]
    if cut.item and (item := mapping.items[cut.item]).counts_open:
        rules = [(_is_open(table, item) == 1, ibis.literal(BLANK)), *rules]
    return ibis.cases(beyond, *rules, else_=ibis.literal(BLANK))


def answer(table: Table, mapping: Mapping, item: str, clean: bool = False) -> tuple[Column, Column]:
    """An item's code (null where refused) and the reason for the refusal (null where used).

    Args:
        table: Usable rows.
        mapping: The mapping.
        item: Name of an item.
        clean: Whether it is known that every answer that is not empty can be used.
    """
    declared = mapping.items[item]
    if isinstance(declared, Chosen):
        return (_ticked if isinstance(declared.several, dict) else _listed)(table, declared)
    if declared.item and declared.minus:
        above = answer(table, mapping, declared.item)[0] - answer(table, mapping, declared.minus)[0]
        return above, above.isnull().ifelse(NOT_BOTH, ibis.null("string"))
    if declared.same:
        one, other = (values.text(table[column]) for column in declared.same)
        return _choice(one == other, [(one.isnull() | other.isnull(), "empty")])
    if declared.limit is not None:
        return _within(table, mapping, item, declared.limit, clean)
    if declared.column is None:
        return _duration(table, mapping, item)
    metric = next(iter(mapping.metrics_of(item).values()))
    return _number(table, mapping, item, metric.scale, bool(metric.values), clean)


def _within(table: Table, mapping: Mapping, item: str, limit: float, clean: bool) -> tuple[Column, Column]:
    """Whether a duration lies inside a limit, 1 or 0; a case that is still open does not, nor one that is excepted.

    Of `measure: once` whether it does not.
    """
    declared = mapping.items[item]
    if declared.column is not None:
        minutes, why = _number(table, mapping, item, (0, float("inf")), False, clean)
        return minutes.isnull().ifelse(ibis.null("float64"), _share(minutes <= limit)), why
    minutes, why = _duration(table, mapping, item)
    inside = (minutes <= limit) & ~_blank(table, declared, str(declared.end))
    kept = (~inside if declared.measure == "once" else inside) & ~values.among(table, declared.unless)
    return minutes.isnull().ifelse(ibis.null("float64"), _share(kept)), why


def _number(
    table: Table, mapping: Mapping, item: str, scale: tuple[float, float], whole: bool, clean: bool
) -> tuple[Column, Column]:
    """A number on a scale, and why an answer is none."""
    declared = mapping.items[item]
    raw = table[declared.column]
    text, unit = values.text(raw), declared.unit or "minutes"
    number = values.minutes(raw, unit, MINUTES.get(unit)) if scale[1] == float("inf") else values.number(raw)
    for label, code in declared.labels.items():
        number = values.is_code(raw, str(label)).ifelse(ibis.literal(float(code)), number)
    missing = _declared_missing(raw, declared)
    low, high = scale
    nothing = number.isnull() | number.isnan()
    outside = ~number.between(low, high) if high < float("inf") else (number < low)
    between = number != number.floor() if whole else ibis.literal(False)
    shown = text.substr(0, 40)
    expected = f"{OUTSIDE} {low:g}-{high:g}: " if high < float("inf") else f"{NEGATIVE}: "
    empty = ibis.null("string") if declared.counts else "empty"  # another item was counted there
    why = ibis.cases(
        (values.is_blank(raw), empty),
        *missing,
        (nothing, ibis.literal(f"{NO_NUMBER}: ") + shown),
        (outside, ibis.literal(expected) + shown),
        (between, ibis.literal(f"{NOT_WHOLE}: ") + shown),
        else_=ibis.null("string"),
    )
    refused = reduce(
        or_, (values.is_blank(raw), *(rule for rule, _ in missing), nothing, outside, between)
    )  # without any words
    code = (low + high - number) if declared.reversed else number
    if clean and not raw.type().is_floating():
        return code, why
    return (number.isnan() if clean else refused).ifelse(ibis.null("float64"), code), why


# Several answers to one question --------------------------------------------------------------------------------------

CHOSEN = ("1", "true", "yes", "y", "x", "checked", "selected", "ja", "oui", "si", "sí", "sim")
NOT_CHOSEN = ("0", "false", "no", "n", "unchecked", "not selected", "nein", "non", "não")


def _listed(table: Table, item: Chosen) -> tuple[Column, Column]:
    """Whether an option is in the list of a cell; one with anything else is refused: all options have one base."""
    mark, raw = str(item.several), table[item.column]
    listed = raw.join(mark).nullif("") if raw.type().is_array() else values.text(raw)
    blanks = rf"\s*{re.escape(mark)}\s*"
    rest, found = _apart(listed.re_replace(blanks, mark), mark), ibis.literal(False)
    for option, written in sorted(item.choices.items(), key=lambda one: -len(one[1])):  # the longest hold others
        cell = _apart(re.sub(blanks, mark, written), mark)
        found = rest.contains(cell) if option == item.option else found
        rest = rest.replace(cell, "")
    left = rest.replace(mark, " ").strip()
    missing = [] if raw.type().is_array() else _declared_missing(raw, item)
    odd = (left != "", ibis.literal(f"{NO_OPTION}: ") + left.substr(0, 40))
    return _choice(found, [(listed.isnull(), "empty"), *missing, odd])


def _apart(text: Any, mark: str) -> Any:
    """Each answer of a list between two marks of its own, so that none takes that of the next one."""
    return mark + text.replace(mark, mark + mark) + mark


def _ticked(table: Table, item: Chosen) -> tuple[Column, Column]:
    """Whether the cell of an option is ticked; who has something in none of the cells did not answer.

    The cells are looked at as one text: an expression for each of them in each option takes all memory.
    """
    cells = {o: values.text(table[c]).lower().re_replace(r"^(\d+)\.0+$", r"\1") for o, c in item.choices.items()}
    labels = {str(code).lower(): bool(means) for code, means in item.labels.items()}
    known = [*labels] or [*CHOSEN, *NOT_CHOSEN, *map(str.lower, cells)]
    yes = [word for word, chosen in labels.items() if chosen] if labels else [*CHOSEN, item.option.lower()]
    begin, end = "\x1e", "\x1f"
    said = reduce(add, (begin + cell.fill_null("") + end for cell in cells.values()))
    strange = said.re_replace(f"{begin}({'|'.join(map(re.escape, known))})?{end}", "")
    missing = [rule for column in item.choices.values() for rule in _declared_missing(table[column], item)]
    return _choice(
        cells[item.option].isin(yes).fill_null(False),
        [
            (said == (begin + end) * len(cells), "empty"),
            *missing,
            (strange != "", ibis.literal(f"{NO_TICK}: ") + strange.re_extract(f"{begin}([^{end}]*)", 1).substr(0, 40)),
        ],
    )


def _declared_missing(raw: Column, item: Item) -> list[tuple[Column, str]]:
    return [
        (values.is_code(raw, code), f"declared missing: {code}{f' ({reason})' if reason else ''}")
        for code, reason in item.missing_reasons.items()
    ]


def _choice(chosen: Column, rules: list[tuple[Column, Any]]) -> tuple[Column, Column]:
    why = ibis.cases(*rules, else_=ibis.null("string"))
    return why.isnull().ifelse(_share(chosen), ibis.null("float64")), why


def _share(holds: Column) -> Column:
    return holds.ifelse(ibis.literal(1.0, "float64"), ibis.literal(0.0, "float64"))


# Durations between two clocks -----------------------------------------------------------------------------------------


def _duration(table: Table, mapping: Mapping, item: str) -> tuple[Column, Column]:
    """Minutes of an item that is given by two clocks; an open case has those until it was last seen."""
    declared = mapping.items[item]
    begun = _instant(table, mapping, str(declared.start))
    if declared.follows:  # worked out by `refusals.followed`
        ended = times.instant(mapping.timezone, table[declared.end])
    else:
        ended = _instant(table, mapping, str(declared.end))
    stopped = ~_blank(table, declared, str(declared.end))
    seen = _seen(table, mapping, declared)
    last = stopped.ifelse(ended, seen)
    spent = minutes = (last.epoch_seconds() - begun.epoch_seconds()) / 60.0
    watched = (seen.epoch_seconds() - begun.epoch_seconds()) / 60.0
    if declared.business:
        minutes, watched = _business(table, mapping, declared, stopped)
    nobody = [(values.is_blank(table[mapping.columns.respondent]), "no respondent")] if declared.follows else []
    other = [(~values.among(table, declared.of), "not of the kind that is asked about")] if declared.of else []
    short = [*other, *nobody, *_unwatched(declared, watched)]
    sound = reduce(lambda one, other: one & ~other, (rule for rule, _ in short), spent >= 0)
    if declared.missing_reasons:  # a code may be written as a time
        sound &= ~_blank(table, declared, str(declared.start))
    unwatched = "still open, and no `open_until` says when it was last seen"
    unseen = "still open, and the time when it was last seen cannot be read"
    why = ibis.cases(
        (sound, ibis.null("string")),  # nearly all are, and each rule works the two instants out anew
        (_blank(table, declared, str(declared.start)), f"no time in {declared.start}"),
        (begun.isnull(), f"time in {declared.start} that cannot be read"),
        (stopped & ended.isnull(), f"time in {declared.end} that cannot be read"),
        (~stopped & seen.isnull(), unseen if declared.open_until else unwatched),
        (stopped & (spent < 0), f"{declared.end} lies before {declared.start}"),
        (spent < 0, "opened after it was last seen"),
        *short,
        else_=ibis.null("string"),
    )
    return sound.ifelse(minutes, ibis.null("float64")), why


def with_hours(table: Table, mapping: Mapping, keep: Callable[[Table, str], Table] | None = None) -> Table:
    """The table with the minutes of business until each clock that counts them.

    Args:
        table: Rows of the export.
        mapping: With `business`.
        keep: Makes a table of an expression, where times are text, which is dear to read in each of its places.
    """
    clocks = sorted({column for item in mapping.items.values() if item.business
                     for key, column in item.columns.items() if key in CLOCKS})  # fmt: skip
    names = {column: f"{column}{_WORKED}" for column in clocks}
    keep = keep or (lambda one, _: one)
    table = keep(table.mutate(**{names[one]: times.moment(table[one], mapping) for one in clocks}), "with_times")
    return keep(table.mutate(**{name: _worked(table[name], mapping) for name in names.values()}), "with_hours")


def _worked(local: Column, mapping: Mapping) -> Column:
    assert mapping.business is not None
    return worked(local, mapping.business.week, mapping.business.days)


def _business(table: Table, mapping: Mapping, item: Item, stopped: Column) -> tuple[Column, Column]:
    """The minutes of business hours that a case took, or was seen to take, and those for which it was watched."""
    begun, ended = (table[f"{column}{_WORKED}"] for column in (item.start, item.end))
    if item.seen_at or not item.open_until:
        last = _worked(ibis.literal(item.seen_at and pd.Timestamp(item.seen_at), "timestamp"), mapping)
    else:
        last = table[f"{item.open_until}{_WORKED}"]
    return stopped.ifelse(ended, last) - begun, last - begun


def _unwatched(item: Item, watched: Column) -> list[tuple[Column, str]]:
    """Of `within`: cases that were not watched as long as the limit, whether they ended or not.

    Those of them that ended did so in time: to count them, and not the others, would praise.
    """
    if item.limit is None or item.open_until is None:
        return []
    hours = " of business hours" * item.business
    return [(watched < item.limit, f"opened less than {item.within}{hours} before {item.open_until}")]


def _is_open(table: Table, item: Item) -> Column:
    """Whether the second clock had not stopped, or the case is told to be open: 1 or 0."""
    if item.still_open:
        return values.indicator(values.among(table, item.still_open))
    return values.indicator(_blank(table, item, str(item.end)))


def _blank(table: Table, item: Item, column: str) -> Column:
    codes = (values.is_code(table[column], code) for code in item.missing_reasons)
    return reduce(or_, codes, values.is_blank(table[column]))


def _instant(table: Table, mapping: Mapping, column: str) -> Column:
    """The instant of a local time: over a change of the clocks, local times alone would be an hour wrong."""
    return times.instant(mapping.timezone, times.moment(table[column], mapping))


def _seen(table: Table, mapping: Mapping, item: Item) -> Column:
    """When an open case was last seen."""
    if item.seen_at is not None:
        return times.instant(mapping.timezone, ibis.literal(pd.Timestamp(item.seen_at), "timestamp"))
    if item.open_until is None:
        return ibis.null("timestamp('UTC')")
    return _instant(table, mapping, item.open_until)
