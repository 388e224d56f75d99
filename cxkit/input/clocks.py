"""Durations between two clocks: minutes from one time to another, and cases whose second clock has not stopped yet."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import ibis
import pandas as pd

from cxkit.input import times, values
from cxkit.input.databases import Table
from cxkit.input.mapping import Item, Mapping

Column = Any  # ibis.expr.types.Column


def reading(table: Table, mapping: Mapping, item: str) -> tuple[Column, Column]:
    """Minutes of an item (null where refused) and the reason for the refusal (null where used).

    An open case has the minutes until it was last seen; `is_open` tells it apart.

    Args:
        table: Usable rows.
        mapping: The mapping.
        item: Name of an item that is given by two clocks.
    """
    declared = mapping.items[item]
    begun, ended = (_instant(table, mapping, str(name)) for name in (declared.start, declared.end))
    stopped = ~_blank(table, declared, str(declared.end))
    seen = _seen(table, mapping, declared)
    minutes = (stopped.ifelse(ended, seen).epoch_seconds() - begun.epoch_seconds()) / 60.0
    unwatched = "still open, and no `open_until` says when it was last seen"
    unseen = "still open, and the time when it was last seen cannot be read"
    why = ibis.cases(
        (_blank(table, declared, str(declared.start)), f"no time in {declared.start}"),
        (begun.isnull(), f"time in {declared.start} that cannot be read"),
        (stopped & ended.isnull(), f"time in {declared.end} that cannot be read"),
        (~stopped & seen.isnull(), unseen if declared.open_until else unwatched),
        (stopped & (minutes < 0), f"{declared.end} lies before {declared.start}"),
        (minutes < 0, "opened after it was last seen"),
        else_=ibis.null("string"),
    )
    return why.isnull().ifelse(minutes, ibis.null("float64")), why


def is_open(table: Table, item: Item) -> Column:
    """Whether the second clock had not stopped: 1 or 0."""
    return _blank(table, item, str(item.end)).cast("int64")


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
