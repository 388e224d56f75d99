"""What a table passes on its way in: headers, personal columns, rows that are no answers, and the form of its times."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import ibis

from cxkit.errors import CxError
from cxkit.input import times, values
from cxkit.input.layouts import Head, is_personal

Table = Any  # ibis.expr.types.Table

LEFT_OUT = "left_out_"  # why a row is no answer; null for those that are
_UNNAMED = re.compile(r"column \d+")


class Admitted(NamedTuple):
    """A table behind the door.

    Attributes:
        table: Columns by their names; `LEFT_OUT` where the layout knows rows that are no answers.
        facts: What happened, JSON-ready: layout, dropped, times, zone, notes, as far as there is something to say.
        undecided: Column of times -> why they cannot be read without being told their form.
    """

    table: Table
    facts: dict[str, Any]
    undecided: dict[str, str]


def admit(
    table: Table, head: Head, name: str, wanted: Collection[str] | None = None, untouched: Collection[str] = ()
) -> Admitted:
    """The columns of an export that may come in, with their names.

    Args:
        table: The rows below the headers, columns in the order of `head.names`.
        head: What the layout knows.
        name: What error messages call the export.
        wanted: Columns that the mapping asks for: only they come in, personal ones too; None for all but personal ones.
        untouched: Columns of times whose form the mapping declares.

    Raises:
        CxError: Where headers and columns do not fit together.
    """
    if len(head.names) != len(table.columns):
        raise CxError(f"{name}: {len(head.names)} headers above {len(table.columns)} columns")
    personal = [c for c in head.names if (c in head.personal or is_personal(c)) and c not in (wanted or ())]
    marks = {column for column, _ in head.leave.values()}
    wide = [c for c in head.names if (c not in personal if wanted is None else c in wanted) or c in marks]
    place = dict(zip(head.names, table.columns, strict=True))
    table = table.select(**{column: table[place[column]] for column in wide or head.names[:1]})
    blank = _blank(table, [column for column in wide if _UNNAMED.fullmatch(column)] if wanted is None else [])
    table, forms, undecided = _with_times(table, head, untouched)
    unasked = marks & set(table.columns) - set(wide if wanted is None else wanted)
    table = _marked(table, head).drop(*unasked, *blank)
    facts: dict[str, Any] = {
        "layout": head.layout,
        "dropped": personal,
        "times": forms,
        "zone": head.zone,
        "notes": [*head.notes, *([f"columns without name and content: {len(blank)}"] if blank else [])],
    }
    return Admitted(table, {key: value for key, value in facts.items() if value}, undecided)


def _blank(table: Table, columns: list[str]) -> list[str]:
    """Those of some columns that hold nothing."""
    if not columns:
        return []
    counts = table.agg(**{f"c{i}": table[column].count() for i, column in enumerate(columns)}).to_pyarrow()
    return [column for i, column in enumerate(columns) if counts[f"c{i}"][0].as_py() == 0]


def _marked(table: Table, head: Head) -> Table:
    """The table with the reason why a row is no answer."""
    rules = [
        (values.text(table[column]).isin(left), ibis.literal(f"{reason}, no answer of a customer"))
        for reason, (column, left) in head.leave.items()
        if column in table.columns and table[column].type().is_string()
    ]
    return table.mutate(**{LEFT_OUT: ibis.cases(*rules, else_=ibis.null("string"))}) if rules else table


def _with_times(table: Table, head: Head, untouched: Collection[str]) -> tuple[Table, dict[str, str], dict[str, str]]:
    """The table with times as ISO text, with their offset where the file names its zone; and those left as they are."""
    forms: dict[str, str] = {}
    undecided: dict[str, str] = {}
    for column in head.times:
        if column not in table.columns or column in untouched or not table[column].type().is_string():
            continue
        if _has_offsets(table, column):
            table = table.mutate(**{column: _offset(table[column])})
            forms[column] = "with an offset from UTC"
            continue
        found = times.forms(table, column)
        first = [form for form in found if form in times.MONTH_FIRST]
        if len(found) > 1 and head.month_first and first:
            found = first[:1]
        if len(found) > 1:
            undecided[column] = f"{times.order(found)}; declare time_format: {' or '.join(map(repr, found))}"
        elif found and (found[0] != times.ISO or head.zone):
            forms[column] = found[0]
            table = table.mutate(**{column: _iso(table[column], found[0], head.zone)})
    return table, forms, undecided


def _iso(column: Any, form: str, zone: str | None) -> Any:
    local = times.parsed(values.text(column), form)
    if not times.has_clock(form):
        return local.strftime("%Y-%m-%d")
    if zone is None:
        return local.strftime("%Y-%m-%d %H:%M:%S")
    return times.instant(zone, local).cast("timestamp").strftime("%Y-%m-%d %H:%M:%S+00")


_GMT = r"^(\d{4})/(\d\d?)/(\d\d?) (\d\d?:\d\d:\d\d)( [AP]M)? GMT([+-])(\d\d?)(:?(\d\d))?$"  # Forms' own download


def _has_offsets(table: Table, column: str) -> bool:
    text = values.text(table[column])
    counted = table.agg(n=text.count(), fits=text.re_search(_GMT).sum()).to_pyarrow().to_pylist()[0]
    return bool(counted["n"]) and counted["n"] == counted["fits"]


def _offset(column: Any) -> Any:
    """`2020/04/22 3:15:31 PM GMT-4` as `2020-04-22 15:15:31-04`."""
    text = values.text(column)
    local = text.re_replace(r" GMT.*$", "")
    clock = ibis.coalesce(times.parsed(local, "%Y/%m/%d %I:%M:%S %p"), times.parsed(local, "%Y/%m/%d %H:%M:%S"))
    hours = text.re_extract(_GMT, 7).lpad(2, "0")
    return clock.strftime("%Y-%m-%d %H:%M:%S") + text.re_extract(_GMT, 6) + hours + text.re_extract(_GMT, 8)


def spelled(facts: Mapping[str, Any]) -> list[str]:
    """What happened at the door, a line for each thing.

    >>> spelled({"layout": "typeform", "dropped": ["E-mail"], "zone": "UTC"})
    ['laid out as typeform', 'dropped, because they say who someone is: E-mail', 'times are in UTC']
    """
    lines = [f"laid out as {facts['layout']}"] if facts.get("layout", "plain") != "plain" else []
    if facts.get("dropped"):
        lines.append(f"dropped, because they say who someone is: {', '.join(facts['dropped'])}")
    lines += [f"{column} is written as {form}" for column, form in facts.get("times", {}).items()]
    return [*lines, *([f"times are in {facts['zone']}"] if facts.get("zone") else []), *facts.get("notes", [])]
