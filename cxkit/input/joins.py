"""Further tables beside the responses: each response gets the one row that its key names, where the data are.

A join never adds or takes away a response. Rows of a further table whose key occurs several times are joined to none,
unless the mapping says that the latest of them counts; whatever finds no partner is counted (`audit` tells it first).
"""

from __future__ import annotations

from collections.abc import Mapping as Mapping_
from dataclasses import replace
from typing import Any

import ibis
import pandas as pd

from cxkit.errors import CxError, nearest
from cxkit.input import times, values
from cxkit.input.databases import Table, aggregated
from cxkit.input.mapping import Join, Mapping
from cxkit.input.shapes import NUMBER
from cxkit.input.sources import FILE, LEFT_OUT, Source

FOUND = "found"  # a further column of each table, unless it has one of this name: yes or no
_KEY, _TIMES = "key_", "times_"


def joined(source: Source, others: Mapping_[str, Source], mapping: Mapping) -> Source:
    """The responses with the mapped columns of the tables that the mapping joins, as `<table>.<column>`.

    Args:
        source: The responses.
        others: Name of a table -> what was opened for it, in the same database.
        mapping: With `joins`.

    Raises:
        CxError: A key that one of the tables does not have, a name that both have, times that cannot be read.
    """
    table = source.table
    if others and NUMBER not in table.columns:  # a join disturbs the order, by which rows are told to an operator
        table = table.mutate(**{NUMBER: ibis.row_number()})
    for name, other in others.items():
        join = mapping.joins[name]
        _require_keys(source, other, join, name)
        theirs, facts = _one_each(other.table, join, name, mapping)
        own = join.keys[0]
        if FOUND not in other.columns:  # whether a response has a row there
            theirs = theirs.mutate(**{FOUND: ibis.literal("yes")})
        told = {f"{name}.{column}": theirs[column] for column in theirs.columns if column not in (FILE, LEFT_OUT, _KEY)}
        if taken := sorted(set(told) & set(source.columns)):
            raise CxError(f"joins.{name}: {taken[0]!r} is a column of the responses, too; give the table another name")
        theirs = theirs.select(**{_KEY: theirs[_KEY]}, **told)
        table = table.left_join(theirs, values.text(table[own]) == theirs[_KEY])
        if source.keep:  # of files; it is asked often, and dear to compute
            table = table.get_backend().create_table(f"with_{name}", table, temp=True)
        found, blank = table[_KEY].notnull(), values.text(table[own]).isnull()
        counts = aggregated(table, table.count(), found.sum(), blank.sum(), table[_KEY].nunique())
        facts |= dict(zip(("responses", "found", "keyless", "used"), (int(n or 0) for n in counts), strict=True))
        if FOUND not in other.columns:
            table = table.mutate(**{f"{name}.{FOUND}": found.ifelse("yes", "no")})
        table, source = table.drop(_KEY), _beside(source, other, name, {"key": own, **facts})
    return replace(source, table=table)


def _require_keys(source: Source, other: Source, join: Join, name: str) -> None:
    own, key = join.keys
    where = other.files[0]["path"]
    for column, held, place in ((own, source.columns, "the responses"), *((c, other.columns, where) for c in
                                [key, *([join.latest] if join.latest else [])])):  # fmt: skip
        if column not in held:
            raise CxError(f"joins.{name}: the column {column!r} is not in {place}; {nearest(column, held)}")


def _one_each(table: Table, join: Join, name: str, mapping: Mapping) -> tuple[Table, dict[str, int]]:
    """The rows of a further table that may be joined, one of each key at most, and how many may not."""
    if LEFT_OUT in table.columns:
        table = table.filter(table[LEFT_OUT].isnull())
    table = table.mutate(**{_KEY: values.text(table[join.keys[1]])})
    rows, blank = aggregated(table, table.count(), table[_KEY].isnull().sum())
    known, facts = table.filter(table[_KEY].notnull()), {"rows": rows, "blank": int(blank or 0)}
    if join.latest:
        known, facts["later"] = _latest(known, join, name, mapping)
    else:
        different = known.group_by(_KEY).agg(**{_TIMES: known.count()})
        facts["repeated"] = int(aggregated(different, different[_TIMES].sum(where=different[_TIMES] > 1))[0] or 0)
        if facts["repeated"]:
            each = known.mutate(**{_TIMES: known.count().over(ibis.window(group_by=_KEY))})
            known = each.filter(each[_TIMES] == 1).drop(_TIMES)
    return known, facts


def _latest(table: Table, join: Join, name: str, mapping: Mapping) -> tuple[Table, int]:
    """The latest row of each key, of those that lie before the moment up to which rows count; and how many do not."""
    moment = times.moment(table[str(join.latest)], mapping)
    late = moment.isnull()
    if join.before:
        late |= moment >= ibis.literal(pd.Timestamp(join.before), "timestamp")
    unread, later = aggregated(table, (~values.is_blank(table[str(join.latest)]) & moment.isnull()).sum(), late.sum())
    if unread:
        raise CxError(f"joins.{name}.latest: {unread:,} times in {join.latest!r} cannot be read; expected ISO times")
    known = table.mutate(**{_TIMES: moment}).filter(~late)
    # Of rows of one moment the others decide, so that the order of the rows never does; of one key it is the same.
    others = sorted(set(table.columns) - {_KEY, join.keys[1]})
    order = [ibis.desc(_TIMES), *(values.text(known[column]) for column in others)]
    ranked = known.mutate(rank_=ibis.row_number().over(ibis.window(group_by=_KEY, order_by=order)))
    return ranked.filter(ranked.rank_ == 0).drop("rank_", _TIMES), int(later or 0)


def _beside(source: Source, other: Source, name: str, facts: dict[str, Any]) -> Source:
    """What is known of the responses, with what is known of the columns of a further table."""

    def named(by_column: Mapping_[str, Any]) -> dict[str, Any]:
        return {f"{name}.{column}": value for column, value in by_column.items()}

    files = [{**file, "joined": name} for file in other.files]
    files[0] |= {"join": facts}
    merged = {part: getattr(source, part) | named(getattr(other, part))
              for part in ("undecided", "missing", "labels", "questions")}  # fmt: skip
    return replace(
        source,
        files=[*source.files, *files],
        names=[*source.columns, *named(dict.fromkeys([*other.columns, FOUND]))],
        zones=list(dict.fromkeys([*source.zones, *other.zones])),
        stamps={**source.stamps, **other.stamps},
        **merged,
    )
