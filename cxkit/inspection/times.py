"""The times of an export: the column that says when, the clocks of a case, and rows that are events of one thing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import available_timezones

import ibis

from cxkit.errors import CxError
from cxkit.input import times, values
from cxkit.input.databases import Table, aggregated, count
from cxkit.input.mapping import BLANK, ISO, Mapping
from cxkit.input.waves import NO_WAVE, ordered
from cxkit.inspection.columns import LISTED, Column, Export
from cxkit.inspection.lines import ask, entry, inline, note, quote
from cxkit.inspection.words import DATE, ENOUGH, MONTH, YES, folded

MOMENTS = ("recordeddate", "enddate", "submitdate(utc)", "timestamp", "createdat", "openedat")
SURVEYS = ("qualtrics", "surveymonkey", "google_forms", "typeform")  # their two times are about filling the form in
STARTS = r"open|creat|report|receiv|logged|raised|eingang|angelegt"
ENDS = {  # item -> the moment that ends its clock
    "first_response": r"first.?(repl|respon|answer)|responded|replied",
    "full_resolution": r"resol|solved|clos(e|ed)\b|closed|complet|finish|erledigt",
}
_THING = r"ticket|incident|case|issue|order|conversation|request|vorgangs?|auftrags?"
THINGS = rf"({_THING})[ _.-]*(id|number|nummer|nr|no|key|#)?|id|#|number|record[ _]?id|respons?e?[ _]?id"
TIMES = r"date|time|day|stamp|\bat\b|datum|zeit|fecha|data\b|hora|heure|giorno|\bmonth$|monat$|\bmois$|\bmese?$"
SERIALS = r"date|stamp|datum|fecha|giorno"  # a header by which numbers may be days or seconds
WAVES = r"^((survey|study) )?(wave|year|welle|jahr|vague|annee|ola|oleada|ano|onda|ondata)( (no|nr|id|name|label))?$"
SPANS = r"^(quarter|week|period|quartal|woche|kw|periode|trimestre|semaine|semana|settimana|periodo)$"
DOUBTFUL = len(MOMENTS) + 2  # rank from which on a column's name does not say that its times are those of the answers
AS_LIKELY = 4  # ranks within which another column may as well say when
MOSTLY = 0.9  # of the times in one form: the others are refused and counted
GROWS = r"mod.?count|updat|modif|chang|version|sequence|\bseq|step|revision|event.?(time|date|at)|timestamp"
NEARLY = 0.98  # of the values of an id are there once
MOST_ROWS = 50  # of one thing, on average; beyond, what repeats is a class of things


class Moment(NamedTuple):
    """The column that says when: its role, and the forms in which all its times can be read (none: nothing to say).

    `others` are columns of times that may as well say it; `told` is how times of several forms are read, `doubt` why
    they cannot be.
    """

    role: str
    one: Column | None
    forms: Sequence[str] = ()
    others: Sequence[Column] = ()
    told: str = ""
    doubt: str = ""


class Clock(NamedTuple):
    """The columns that may begin and end a duration, likeliest first, and the last time that any of them holds."""

    item: str
    starts: list[Column]
    ends: list[Column]
    last: str


@dataclass(frozen=True, slots=True)
class Events:
    """A column whose values stand in several rows.

    Attributes:
        per: The column.
        copies: Whether such rows are the same in every column.
        same: A column that is the same in all rows of one value: when it began. None where none is, or nothing says
            which row is the latest, so that a value may as well be a person who answered several times.
        by: What may say which row is the latest, and how many rows it cannot tell from another; fewest first.
    """

    per: Column
    copies: bool
    same: Column | None = None
    by: list[tuple[Column, int]] = field(default_factory=list)


# When -----------------------------------------------------------------------------------------------------------------


def when(export: Export) -> Moment:
    """The column of times of the answers, or else of waves."""
    ranked = sorted((one for one in export.columns if one.filled >= one.rows / 2), key=_rank)
    read = ((one, fits) for one in ranked if (fits := forms_of(export, one)) is not None)
    if found := next(read, None):
        one, forms = found
        sure = _rank(one) < DOUBTFUL or export.opened.files[0].get("layout") in SURVEYS
        alike = [] if sure else [other for other, _ in read if _rank(other) <= _rank(one) + AS_LIKELY]
        return Moment("time", one, forms, alike)
    for one in ranked:
        since = one.named(SERIALS) or (one.named(f"{TIMES}|{STARTS}") and (one.low or 0) >= times.SINCE)
        if one.typed in ("text", "number") and one.numbers == one.filled and since:
            told, _ = _apart(export, one)
            if told:
                return Moment("time", one, told=told)
        if one.typed == "text" and one.numbers < one.filled and (_dated(one) or one.named(TIMES)):
            told, doubt = _apart(export, one)
            if told or doubt:
                return Moment("time", one, told=told, doubt=doubt)
    few = [one for one in export.columns if 1 <= one.distinct <= LISTED]
    named = [one for one in few if one.named(WAVES)]
    named += [one for one in few if one.named(SPANS) and not one.numbers]  # a bare 1 is that of every year
    return Moment("wave", next(iter(named), None), others=[one for one in ranked if one.named(TIMES)])


def _rank(one: Column) -> int:
    """How likely a column says when, the likeliest first: the name counts, a last change least."""
    name = re.sub(r"[ _]", "", one.name.casefold())
    if name in MOMENTS:
        return MOMENTS.index(name)
    spoken, changed = (
        one.named(TIMES) or one.named(STARTS),
        one.named(r"updat|modif|chang|clos|solv|resol|birth|geburt|purchase|due\b"),
    )
    answered = spoken and one.named("survey|submit|interview|respon[sd]|answer") and not one.named("first")
    answered = answered or one.named(STARTS)
    return len(MOMENTS) + (one.typed != "time") + 2 * (not answered) + 2 * (not spoken) + 4 * changed


def _dated(one: Column) -> bool:
    """Whether most values look like days: in numbers, or with the name of a month and a year."""
    seen = list(one.seen)[:ENOUGH]
    return 2 * one.dated >= one.filled > 0 or 2 * sum(bool(re.search(MONTH, folded(v))) for v in seen) > len(seen)


def _apart(export: Export, one: Column) -> tuple[str, str]:
    """The forms in which a column's times are read where they have several, or why they cannot be told apart."""
    if 2 * sum(n for value, n in one.seen.items() if "1899" in value) > sum(one.seen.values()):
        return "", ""  # so a clock without a day is written
    try:
        _, used = times.told_apart(export.table.select(one.name), one.name, Mapping.model_construct())
    except CxError as error:
        return "", str(error)
    if sum(used.values()) < MOSTLY * one.filled:
        example = next((v for v in one.seen if re.match(DATE, v) or re.search(MONTH, folded(v))), "")
        doubt = f"{sum(used.values()):,} of {one.filled:,} are written in a known form; how are the others"
        english = " Names of months are read in English" * bool(re.search(MONTH, folded(example)))
        return "", f"{doubt}, as {note(example, 40)}?{english}" if _dated(one) else ""
    return " and ".join(f"{n:,} as {form}" for form, n in used.items()), ""


def forms_of(export: Export, one: Column) -> list[str] | None:
    """How a column writes times; None where it holds none, [] where nothing has to be said."""
    if one.typed == "time" and one.filled:
        return []
    if one.typed != "text" or not one.dated or one.dated < 0.8 * (one.filled - sum(one.blanks.values())):
        return None
    if any(one.name in file.get("times", {}) for file in export.opened.files):
        return []  # the layout reads it
    text = values.text(export.table[one.name])
    dated = export.table.select(**{one.name: text}).filter(text.re_search(DATE))
    forms = times.forms(dated, one.name)
    if not forms:
        return None
    (last,) = aggregated(dated, times.parsed(dated[one.name], forms[0]).max())
    return forms if last.year >= 1970 else None  # a spreadsheet writes a clock without a day as 1899-12-31


def when_lines(export: Export, moment: Moment) -> list[str]:
    """The lines at the top that say how times are read, or in which order the waves are where their names do not."""
    forms, one, zones = moment.forms, moment.one, export.opened.zones
    if one is None:
        return []
    if moment.role == "wave":
        given = [constants.get(one.name) for constants in export.opened.constants]
        order = ordered([wave for wave in one.values if wave.casefold() not in NO_WAVE], files=given)
        listed = note(", ".join(map(quote, order.waves)), 400)
        asked = f"in which order were these? Write them as a list, the earliest first: [{listed}]"
        return [f"waves: {ask(asked)}"] if order.doubt else []
    asked = ask("the zone in which months are cut, as Europe/Berlin")
    lines = [f"timezone: {f'{zones[0]}  # the zone of the file itself' if zones else asked}"]
    said = re.search(r"\b(UTC|GMT|[A-Z][a-z]+/[A-Z]\w+)\b", one.name)
    if said and not zones and said[1] in available_timezones():
        lines.append(f"recorded_in: {said[1]}  # as {note(one.name)} says; a time with an offset keeps its own")
    if len(forms) > 1:
        return [*lines, f"time_format: {ask(f'{times.order(forms)}; which is it: ' + ' or '.join(forms) + '?')}"]
    if moment.doubt:
        return [*lines, f"time_format: {ask(f'{note(one.name)}: {moment.doubt}')}"]
    if forms and forms[0] != ISO:
        fits = f"fits {'' if one.stray else 'all '}{one.filled - one.stray:,} times of {note(one.name)}"
        lines.append(f"time_format: {quote(forms[0])}  # {fits}")
    return lines


# Clocks ---------------------------------------------------------------------------------------------------------------


def clocks(export: Export, moment: Moment) -> list[Clock]:
    """The durations that the times of a case allow, such as from opened to resolved."""
    if moment.one is None or moment.role != "time" or export.opened.files[0].get("layout") in SURVEYS:
        return []
    alike = [one for one in export.columns if _written_alike(export, one, moment)]
    starts = sorted((one for one in alike if one.named(STARTS)), key=lambda one: one is not moment.one)
    pairs = {item: [one for one in alike if one.named(words)] for item, words in ENDS.items()}
    return [
        Clock(item, starts, ends, _last(export.table, [*starts, *ends], moment))
        for item, ends in pairs.items()
        if starts and ends
    ]


def _written_alike(export: Export, one: Column, moment: Moment) -> bool:
    """Whether a column's times can be read as those of the moment are: a mapping has one form for all."""
    if moment.one is None or one is moment.one:
        return moment.one is not None
    forms = forms_of(export, one)
    return forms is not None and one.typed == moment.one.typed and set(moment.forms) <= set(forms)


def _last(table: Table, columns: Sequence[Column], moment: Moment) -> str:
    form = moment.forms[0] if moment.forms else ISO
    cells = [(table[one.name], one.typed) for one in columns]
    read = [c.cast("timestamp") if typed == "time" else times.parsed(values.text(c), form) for c, typed in cells]
    ends = aggregated(table, *(column.max() for column in read))
    return f"{max(end for end in ends if end is not None):%Y-%m-%d %H:%M}"


def clock_lines(clock: Clock) -> list[str]:
    """A duration between two times; a person says which of several ends it, and when open cases were last seen."""
    start, *other = clock.starts
    known = {one.name: one.filled - sum(one.blanks.values()) for one in clock.ends}
    also = f"; or {', '.join(one.name for one in other)}" if other else ""
    lines = [f"  {clock.item}:", *entry("from", start.name, f"{start}{also}")]
    if len(known) > 1:
        hold = " or ".join(f"{name} ({n:,} of {start.rows:,} rows hold a time)" for name, n in known.items())
        lines.append(f"    to: {ask(f'which moment ends the clock: {hold}?')}")
    else:
        lines += entry("to", clock.ends[0].name, str(clock.ends[0]))
    marks = sorted({mark for one in (start, *clock.ends) for mark in one.blanks})
    lines += [f"    missing: [{', '.join(map(quote, marks))}]  # no time"] if marks else []
    if any(n < start.rows for n in known.values()):
        words = (
            f"when were cases that had not ended last seen: a day, or a column such as {clock.ends[-1].name}? The last "
            f"time in the file is {clock.last}. Without this line such cases are refused and counted"
        )
        lines.append(f"    open_until: {ask(words)}")
    return lines


PROMISES = {"first_response": ("in_an_hour", "60 min", "First reply within an hour"),
            "full_resolution": ("in_a_week", "7 days", "Resolved in 7 days")}  # fmt: skip
"""Clock -> what is usually promised of it: a share of cases within a limit that its owner changes."""


def promise_lines(clock: Clock, reopened: Column | None) -> list[str]:
    """The share of cases that ended within a limit; a case that was opened again is not solved."""
    if clock.item not in PROMISES:
        return []
    item, limit, label = PROMISES[clock.item]
    asked = ask(f"until which day were all cases watched? The last time in the file is {clock.last}")
    again = _again(reopened) if reopened and clock.item == "full_resolution" else []
    held = f"    unless: {{{quote(reopened.name)}: [{', '.join(map(quote, again))}]}}" if reopened and again else ""
    return [
        f"  {item}:  # a promise: set the limit; cases that were watched for less are left out, and counted",
        "    measure: within", f"    within: {limit}",
        *(line for line in clock_lines(clock)[1:] if not line.startswith("    open_until:")),
        f"    open_until: {asked}", *([held] if held else []),
        f"    label: {quote(label + ', not reopened' * bool(held))}",
    ]  # fmt: skip


def following_lines(clocks: Sequence[Clock], reopened: Column | None) -> list[str]:
    """Who came back, and what was solved at the first contact, of the next case of the same customer."""
    asked = ask(f"until which day were all cases watched? The last time in the file is {clocks[0].last}")
    solved = next((clock.ends for clock in clocks if clock.item == "full_resolution"), ())
    spoiled = {quote(reopened.name): _again(reopened)} if reopened and _again(reopened) else {}
    spoiled |= {quote(one.name): [BLANK] for one in solved}
    held = ", ".join(f"{name}: [{', '.join(map(quote, of))}]" for name, of in spoiled.items())
    lines = ["    within: 7 days", f"    open_until: {asked}"]
    return [
        "  again:  # the same customer came again, about anything: set the limit", "    measure: again", *lines,
        "    label: Another one within 7 days",
        "  first_contact:  # and did not", "    measure: once", *lines, *([f"    unless: {{{held}}}"] if held else []),
        "    label: Solved at the first contact",
    ]  # fmt: skip


def _again(one: Column) -> list[str]:
    """The values that say that a case was opened again: yes, or how often."""
    return [value for value in one.answers if folded(value) in YES or (_whole(value) and int(value) > 0)]


def reopened_lines(one: Column) -> list[str]:
    """The share of cases that were opened again; none where the column says it in other words."""
    again, values = _again(one), list(one.answers)
    if not again or len(again) == len(values):
        return []
    lines = ["  reopened:  # solved, and opened again", *entry("column", one.name, str(one)), "    measure: share"]
    if all(map(_whole, values)):
        top = sorted(map(int, again))
        lines += [f"    scale: [0, {top[-1]}]", f"    top: {list(range(1, top[-1] + 1))}"]
    else:
        lines += ["    scale: [0, 1]", "    top: [1]", f"    labels: {inline({v: int(v in again) for v in values})}"]
    return [*lines, "    better: lower", "    label: Reopened"]


def _whole(value: str) -> bool:
    return bool(re.fullmatch(r"\d{1,3}", value, re.ASCII))


def or_clock(clock: Clock) -> str:
    """The same duration from its two times, where the export has computed it for the cases that ended."""
    ends = f"from: {quote(clock.starts[0].name)}, to: {quote(clock.ends[0].name)}"
    return f"  # or {clock.item}: {{{ends}, open_until: a day}}, in which cases that had not ended count, too"


# Events of one thing --------------------------------------------------------------------------------------------------


def events(export: Export, moment: Moment, pairs: Sequence[Clock]) -> Events | None:
    """The column whose values stand in several rows, as the number of a ticket does in a log of its events.

    It is found by its name, or, where cases have clocks, because these are the same in all rows of one value.
    """
    repeated = [c for c in export.columns if 1 < c.distinct < c.filled and c.filled > c.rows / 2 and c.typed != "time"]
    named = [c for c in repeated if re.fullmatch(THINGS, c.name, re.I) and c.distinct * MOST_ROWS >= c.filled]
    if named and named[0].distinct >= NEARLY * named[0].filled:
        return Events(named[0], True)  # an id of responses, a few of them twice: refused, counted and told by `check`
    if named:
        began = [moment.one] if moment.one and moment.role == "time" else []
        began += [one for clock in pairs[:1] for one in clock.starts if one not in began]
        counted = together(export.table, named[0], began)
        same = (one for one, n in zip(began, counted, strict=True) if n == named[0].distinct)
        return _events(export, moment, named[0], next(same, None))
    ends = list({one.name: one for clock in pairs for one in (clock.starts[0], *clock.ends)}.values())
    for one in (c for c in repeated if ends and c.distinct > c.filled / 200 and c not in ends):
        if set(together(export.table, one, ends)) == {one.distinct}:
            return _events(export, moment, one, ends[0])
    return None


def _events(export: Export, moment: Moment, per: Column, same: Column | None) -> Events:
    filled = export.table.filter(values.text(export.table[per.name]).notnull())
    if count(filled.distinct()) == per.distinct:
        return Events(per, True)
    grows = [
        one
        for one in export.columns
        if one is not per
        and (one.named(GROWS) or one is moment.one)
        and (one.numbers == one.filled > 0 or _written_alike(export, one, moment))
    ]
    pairs = zip(grows, together(export.table, per, grows), strict=True)
    by = [(one, per.filled - different) for one, different in pairs if different > per.distinct]
    return Events(per, False, same if by else None, sorted(by, key=lambda pair: pair[1]))


def together(table: Table, per: Column, others: Sequence[Column]) -> list[int]:
    """How many different pairs a column makes with each of some others, where it is filled."""
    key = values.text(table[per.name]) + ibis.literal("\x1f")
    return aggregated(table, *((key + values.text(table[one.name]).fill_null("")).nunique() for one in others))


def latest_lines(repeated: Events | None) -> list[str]:
    """Which row of a thing counts: without it a log of events would be counted as so many tickets."""
    if repeated is None or repeated.copies:
        return []
    one = repeated.per
    rows = f"{one.filled:,} rows hold {one.distinct:,} different values of {one.name}"
    if not repeated.same:
        grows = " or ".join(column.name for column, _ in repeated.by) or "a column of times or numbers that grows"
        words = (
            f"{rows}: are they events of one thing? Then write {{per: {one.name}, by: {grows}}}, and only the latest "
            f"counts; if each is an answer of its own take this line away"
        )
        return ["", f"latest: {ask(words)}"]
    shown = note(f"{rows}, and {repeated.same.name} is the same in all rows of one")
    (by, ties), *others = repeated.by
    also = f"; or {', '.join(f'{column.name} ({n:,})' for column, n in others)}" if others else ""
    return ["", f"latest:  # {shown}", f"  per: {quote(one.name)}",
            *entry("by", by.name, f"{ties:,} rows tie with another{also}", "  ")]  # fmt: skip
