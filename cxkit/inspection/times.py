"""The times of an export: the column that says when, the clocks of a case, and rows that are events of one thing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis

from cxkit.input import times, values
from cxkit.input.sources import Source
from cxkit.inspection.evidence import DATE, Evidence

Table = Any  # ibis.expr.types.Table

MOMENTS = ("recordeddate", "enddate", "submitdate(utc)", "timestamp", "createdat", "openedat")
SURVEYS = ("qualtrics", "surveymonkey", "google_forms", "typeform")  # their two times are about filling the form in
STARTS = r"open|creat|report|receiv|logged|raised|eingang|angelegt"
ENDS = {  # item -> the moment that ends its clock
    "first_response": r"first.?(repl|respon|answer)|responded|replied",
    "full_resolution": r"resol|solved|clos(e|ed)\b|closed|complet|finish|erledigt",
}
_THING = r"ticket|incident|case|issue|order|conversation|request|vorgangs?|auftrags?"
THINGS = rf"({_THING})[ _.-]*(id|number|nummer|nr|no|key|#)?|id|#|number|record[ _]?id|respons?e?[ _]?id"
GROWS = r"mod.?count|updat|modif|chang|version|sequence|\bseq|step|revision|event.?(time|date|at)|timestamp"
MOST_ROWS = 50  # of one thing, on average; beyond, what repeats is a class of things


@dataclass(frozen=True, slots=True)
class When:
    """The column that says when: its role, and the forms in which all its times can be read (none: nothing to say)."""

    role: str
    one: Evidence | None
    forms: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Clock:
    """The columns that may begin and end a duration, likeliest first, and the last time that any of them holds."""

    item: str
    starts: list[Evidence]
    ends: list[Evidence]
    last: str


@dataclass(frozen=True, slots=True)
class Events:
    """A column whose values stand in several rows.

    Attributes:
        per: The column.
        copies: Whether such rows are the same in every column.
        same: A column that is the same in all rows of one value: when it began. Blank where none is, or nothing says
            which row is the latest, so that a value may as well be a person who answered several times.
        by: What may say which row is the latest, and how many rows it cannot tell from another; fewest first.
    """

    per: Evidence
    copies: bool
    same: str = ""
    by: list[tuple[Evidence, int]] = field(default_factory=list)


# When -----------------------------------------------------------------------------------------------------------------


def when(opened: Source, table: Table, found: Sequence[Evidence]) -> When:
    """The column of times of the answers, or else of waves."""
    for one in sorted(found, key=_rank):
        forms = forms_of(opened, table, one) if one.filled >= max(one.rows / 2, 1) else None
        if forms is not None:
            return When("time", one, forms)
    named = (one for one in found if re.search(r"\b(wave|year|welle)\b", one.name, re.I) and one.distinct <= 40)
    return When("wave", next(named, None))


def _rank(one: Evidence) -> int:
    """How likely a column says when, the likeliest first: the name counts, a last change least."""
    name = re.sub(r"[ _]", "", one.name.casefold())
    if name in MOMENTS:
        return MOMENTS.index(name)
    spoken = re.search(r"date|time|day|stamp|_at\b| at$", one.name, re.I)
    changed = re.search(r"updat|modif|chang|clos|solv", one.name, re.I)
    return len(MOMENTS) + (one.typed != "time") + 2 * (not spoken) + 4 * bool(changed)


def forms_of(opened: Source, table: Table, one: Evidence) -> list[str] | None:
    """How a column writes times; None where it holds none, [] where nothing has to be said."""
    if one.typed == "time":
        return []
    if one.typed != "text" or not one.dated or one.dated < 0.8 * (one.filled - sum(one.blanks.values())):
        return None
    if any(one.name in file.get("times", {}) for file in opened.files):
        return []  # the layout reads it
    text = values.text(table[one.name])
    dated = table.select(**{one.name: text}).filter(text.re_search(DATE))
    forms = times.forms(dated, one.name)
    if not forms:
        return None
    first = dated.agg(first=times.parsed(dated[one.name], forms[0]).min()).to_pyarrow()["first"][0].as_py()
    return forms if first.year >= 1970 else None  # a spreadsheet writes a clock without a day as 1899-12-31


def stray(one: Evidence) -> int:
    """How many values of a column of times do not even begin like one."""
    return one.filled - one.dated if one.typed == "text" else 0


# Clocks ---------------------------------------------------------------------------------------------------------------


def clocks(opened: Source, table: Table, found: Sequence[Evidence], moment: When) -> list[Clock]:
    """The durations that the times of a case allow, such as from opened to resolved."""
    if moment.one is None or moment.role != "time" or opened.files[0].get("layout") in SURVEYS:
        return []
    alike = [one for one in found if one is moment.one or _written_alike(opened, table, one, moment)]
    starts = [one for one in alike if re.search(STARTS, one.name, re.I)]
    starts.sort(key=lambda one: one is not moment.one)
    pairs = {item: [one for one in alike if re.search(words, one.name, re.I)] for item, words in ENDS.items()}
    return [
        Clock(item, starts, ends, _last(table, [*starts, *ends], moment))
        for item, ends in pairs.items()
        if starts and ends
    ]


def _written_alike(opened: Source, table: Table, one: Evidence, moment: When) -> bool:
    """Whether a column's times can be read as those of the moment are: a mapping has one form for all."""
    assert moment.one is not None
    forms = forms_of(opened, table, one) if one.filled else None
    return forms is not None and one.typed == moment.one.typed and set(moment.forms) <= set(forms)


def _last(table: Table, columns: Sequence[Evidence], moment: When) -> str:
    form = moment.forms[0] if moment.forms else times.ISO
    texts = {one.name: values.text(table[one.name]) for one in columns}
    read = [
        table[name].cast("timestamp") if one.typed == "time" else times.parsed(texts[name], form)
        for one in columns
        for name in [one.name]
    ]
    row = table.agg(**{f"c{i}": column.max() for i, column in enumerate(read)}).to_pyarrow().to_pylist()[0]
    return f"{max(value for value in row.values() if value is not None):%Y-%m-%d %H:%M}"


# Events of one thing --------------------------------------------------------------------------------------------------


def events(
    opened: Source, table: Table, found: Sequence[Evidence], moment: When, pairs: Sequence[Clock]
) -> Events | None:
    """The column whose values stand in several rows, as the number of a ticket does in a log of its events.

    It is found by its name, or, where cases have clocks, because these are the same in all rows of one value.
    """
    repeated = [c for c in found if 1 < c.distinct < c.filled and c.filled > c.rows / 2 and c.typed != "time"]
    named = [c for c in repeated if re.fullmatch(THINGS, c.name, re.I) and c.distinct * MOST_ROWS >= c.filled]
    if named:
        began = [moment.one] if moment.one and moment.role == "time" else []
        began += [one for clock in pairs[:1] for one in clock.starts if one not in began]
        same = [c for c in began if _together(table, named[0], [c]) == [named[0].distinct]]
        return _events(opened, table, found, moment, named[0], same[0].name if same else "")
    if not pairs:
        return None
    times_of = list({one.name: one for clock in pairs for one in (clock.starts[0], *clock.ends)}.values())
    for one in (c for c in repeated if c.distinct > c.filled / 200 and c not in times_of):
        if set(_together(table, one, times_of)) == {one.distinct}:
            return _events(opened, table, found, moment, one, times_of[0].name)
    return None


def _events(opened: Source, table: Table, found: Sequence[Evidence], moment: When, per: Evidence, same: str) -> Events:
    filled = table.filter(values.text(table[per.name]).notnull())
    if filled.distinct().count().to_pyarrow().as_py() == per.distinct:
        return Events(per, True)
    grows = [
        one
        for one in found
        if one is not per
        and (re.search(GROWS, one.name, re.I) or one is moment.one)
        and (one.numbers == one.filled > 0 or (moment.one and _written_alike(opened, table, one, moment)))
    ]
    told = zip(grows, _together(table, per, grows), strict=True)
    by = [(one, per.filled - different) for one, different in told if different > per.distinct]
    return Events(per, False, same if by else "", sorted(by, key=lambda pair: pair[1]))


def _together(table: Table, per: Evidence, others: Sequence[Evidence]) -> list[int]:
    """How many different pairs a column makes with each of some others, where it is filled."""
    if not others:
        return []
    key = values.text(table[per.name])
    pairs = {
        f"c{i}": (key + ibis.literal("\x1f") + values.text(table[one.name]).fill_null("")).nunique()
        for i, one in enumerate(others)
    }
    row = table.agg(**pairs).to_pyarrow().to_pylist()[0]
    return [int(row[f"c{i}"]) for i in range(len(others))]
