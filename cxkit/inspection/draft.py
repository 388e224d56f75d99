"""An export -> a mapping to start from: guesses with what speaks for them, and a TODO where only a person can know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from cxkit.errors import CxError
from cxkit.files import require_same
from cxkit.input.databases import Table, collect, connect, readable
from cxkit.input.mapping import BLANK, RESERVED, TODO, Roles
from cxkit.input.sources import DATABASE, FILE, LEFT_OUT, Source, SourceLike, file_specs, open_source, read_as
from cxkit.input.values import with_point
from cxkit.inspection import shapes
from cxkit.inspection.columns import HEAD, LISTED, Column, Export, look
from cxkit.inspection.items import SHORT, friends, given, on_a_scale, questions, yes_no_items
from cxkit.inspection.lines import WIDTH, ask, entry, free_key, inline, note, quote
from cxkit.inspection.times import (
    Events,
    Moment,
    clock_lines,
    clocks,
    events,
    following_lines,
    latest_lines,
    or_clock,
    promise_lines,
    reopened_lines,
    when,
    when_lines,
)
from cxkit.inspection.words import ADDRESS, CUTS, PEOPLE, folded, groups, personal
from cxkit.metrics import METRICS

LOOKED_AT = 1_000_000  # rows; a mapping needs no more
FETCHED = 100_000  # rows of a database, which does not have to scan all for it
NO_CUT = r"\bnps\b|\bcsat\b|date|time|\bday|stamp|\bat\b|zeit|fecha|datum"
MOST_CUTS = 8
NEARLY_ALL = 0.97  # of the rows in one value: a column that cuts nothing
COMMENTS = (
    r"comment|verbatim|free ?text|feedback|remark|kommentar|freitext|anmerkung|bemerkung|warum|^why|commentaire"
    r"|pourquoi|comentario|por que|commento|perche|\breviews?\b|opinion"
)
_ROLES = {
    "response": r"respons?e? ?id|respondent ?id|respnum|record ?id|survey ?id"
    r"|(ticket|issue|case|incident|order)( ?(id|key|no|nr|number))?$|^id$|^#$|^number$|^lfd.*nr"
    r"|antwort ?nr|(encuesta|enquete|pesquisa) ?id|(cod|id)( \w+)? (resposta|respuesta)",
    "respondent": rf"respondent|customer|client|panel|external ?reference|network ?id|user ?id|account|caller"
    rf"|kunden?\W?n|^{PEOPLE}$",
    "weight": r"weight|wgt|gewicht|\bwt\b|ponder|\bpeso\b|\bpoids\b",
}
NOBODY = r"scor|rating|satisf|\bnps\b|csat|effort|count|number of|revenue|spend|value|tenure|\bage\b"
SAMPLED = {
    "cluster": (r"cluster|\bpsu\b|^run ?id$|flight ?id", "were these sampled together?"),
    "stratum": (r"\bstrat(um|a)\b|schicht\b|estrato|\bstrate", "were these sampled apart?"),
}


@readable
def inspect(
    source: SourceLike, *, folder: str | Path | None = None, memory: str | None = None, tickets: bool = False
) -> str:
    """A commented mapping of an export, as YAML: evidence beside every guess, TODO where a person has to say.

    Each column is one thing at most.

    Args:
        source: What `read` takes.
        folder: Where relative paths start.
        memory: Limit of the in-process database.
        tickets: Whether the rows are cases with clocks, of which promises are measured, too.

    Raises:
        CxError: A source that cannot be read, or tickets without clocks.

    >>> import pandas as pd
    >>> text = inspect(pd.DataFrame({"wave": ["a"] * 30, "nps": [9] * 14 + [3] * 14 + [11] * 2}))
    >>> [line.strip() for line in text.splitlines() if "11:" in line]
    ['11: "TODO: 2 answers are 11, outside 0-10: what does it mean? Without this line they are refused"']
    """
    opened = open_source(source, Path(folder) if folder else None, memory=memory)
    table = _looked_at(opened)
    commas = _with_commas(table) if "sha256" in opened.files[0] else []  # of files alone it can be said
    table = with_point(table, commas)
    found = look(table, opened.questions, opened.labels, opened.missing)
    if not found or found[0].rows == 0:
        raise CxError(f"{_names(opened)}: holds no answers")
    rows = found[0].rows
    export, turned = shapes.long(Export(opened, table, found))
    found = export.columns
    held = {one.name: what for one in found if (what := personal(one.seen))}
    taken: set[str] = set(held)
    counts = shapes.counted(found, taken)
    stands = [] if counts else shapes.stands_for(export, taken)
    moment = when(export)
    pairs = clocks(export, moment)
    repeated = None if stands or counts else events(export, moment, pairs)
    if repeated and repeated.same:  # a thing is counted when it began, not at its latest event
        moment = moment._replace(one=repeated.same)
    taken |= {one.name for clock in pairs for one in (*clock.starts, *clock.ends)}
    taken |= {one.name for one in (moment.one, repeated and repeated.per) if one}
    again = next((one for one in found if tickets and one.name not in taken and one.named(r"re ?open")), None)
    taken |= {again.name} if again else set()
    fits = {"weight"} if stands or counts else set(_ROLES)
    roles = [*_moment(moment), *stands, *_roles(found, taken, repeated, fits)]
    sampled = [one for one in found if one.name not in taken and 1 < one.distinct < one.filled]
    asked = counts or [*friends(found, taken), *questions(found, taken), *yes_no_items(found, taken)]
    computed = {} if counts else given(export, taken)
    free = [one for one in found if one.name not in taken and not _is_comment(one)]
    some = [one for one in free if any(re.search(ADDRESS, value) for value in one.values)]
    taken |= {one.name for one in some}
    held |= {one.name: "some e-mail addresses" for one in some}
    keys = {*RESERVED, *Roles.model_fields, *(metric.item for metric in METRICS.values())}
    listed = [] if counts or stands else shapes.several(export, taken, keys)
    written = [one for one in found if one.name not in taken and _is_comment(one)]
    cuts = _cuts([one for one in found if one.name not in taken and one not in written])
    mapped = taken | {one.name for one in [*cuts, *written[:1]]}
    rest = [one for one in found if one.filled and one.name not in mapped]
    timed = [line for c in pairs for line in ([or_clock(c)] if c.item in computed else clock_lines(c))]
    if tickets and not timed and not computed:
        raise CxError(f"{_names(opened)}: no two columns are times from which to which a case lasts, such as `opened` "
                      "and `solved`, and none is a duration; expected an export of tickets")  # fmt: skip
    known = {line.split(":")[0].strip() for line in roles}
    comes = tickets and pairs and {"response", "respondent", "time"} <= known
    promised = following_lines(pairs, again) if comes else []
    promised += [line for c in pairs for line in promise_lines(c, again)] if tickets else []
    promised += reopened_lines(again) if again else []
    items = [*asked, *(line for lines in computed.values() for line in lines), *timed, *promised]
    scales = [] if items else [one for one in rest if one not in written and on_a_scale(one)]
    require_same(opened.stamps)
    return "\n".join([
        *_preface(opened, rows, held, bool(computed or pairs or (repeated and repeated.same))),
        *_read(source, opened, commas),
        *when_lines(export, moment),
        "", "columns:", *roles, *_comment([] if stands or counts else written), *_sampled(sampled),
        *latest_lines(repeated), *turned,
        "", "items:", *items, *listed, *_no_items(scales, bool(items or listed)),
        "", *_dimensions(cuts, keys),
        *_rest(rest, found),
    ]) + "\n"  # fmt: skip


def inspect_tickets(source: SourceLike) -> str:
    """The same of an export of tickets."""
    return inspect(source, tickets=True)


def _looked_at(opened: Source) -> Table:
    """The rows that are answers: all of a file's, the first of a database's."""
    table = opened.table
    if LEFT_OUT in table.columns:
        table = table.filter(table[LEFT_OUT].isnull()).drop(LEFT_OUT)
    table = table.drop(*({FILE} & set(table.columns)))
    held = [file["rows"] for file in opened.files]
    if None not in held and table.get_backend().name == "duckdb":
        return table if sum(held) <= LOOKED_AT else table.limit(LOOKED_AT)  # a limit is looked for by one thread
    return connect().backend.create_table("looked_at", table.limit(FETCHED).to_pyarrow(), temp=True)


def _with_commas(table: Table) -> list[str]:
    """The columns of which most numbers have a decimal comma, in the first rows; 1,234 may as well be thousands."""
    texts, found = [name for name in table.columns if table[name].type().is_string()], []
    for name, cells in collect(table.select(*texts).head(HEAD)).items() if texts else ():
        filled = [cell.strip() for cell in cells.dropna() if cell.strip()]
        if not any("," in cell for cell in filled):
            continue
        commas = [cell for cell in filled if re.fullmatch(r"[+-]?\d+,\d+", cell)]
        lists = any(re.match(r"\d+,\d+,", cell) for cell in filled)
        thousands = all(re.fullmatch(r"[1-9]\d{0,2},\d{3}", cell) for cell in commas)
        if 2 * len(commas) > len(filled) and not lists and not thousands:
            found.append(str(name))
    return found


def _names(opened: Source) -> str:
    return ", ".join(str(file["path"]) for file in opened.files)


def _preface(opened: Source, rows: int, held: Mapping[str, str], tickets: bool) -> list[str]:
    """What the file is; a row about a ticket is about one contact."""
    lines = [
        f"# A mapping to start from, made by `cxkit inspect {note(_names(opened))}`: {rows:,} rows.",
        "# Comments hold the evidence. Whatever says TODO has to be answered before `cxkit run` accepts the file.",
    ]
    for file in opened.files:
        name = f"{note(Path(str(file['path'])).name)}: " if len(opened.files) > 1 else ""
        lines += [f"# {name}{note(line)}" for line in read_as(file)]
    lines += [
        f"# {note(name)} holds {what}, which say who someone is: it is used for nothing" for name, what in held.items()
    ]
    asked = ask("relationship (asked about the brand as a whole) or transactional (asked about one contact)?")
    kind = ["kind: transactional  # a ticket is one contact", "rows: tickets"] if tickets else [f"kind: {asked}"]
    return [*lines, "", *kind]


def _read(source: SourceLike, opened: Source, commas: Sequence[str]) -> list[str]:
    """How files are read: what was declared of a single one, and a workbook whose first sheet may be the wrong one."""
    specs = file_specs(source) if isinstance(source, Mapping) and not set(DATABASE) & set(source) else []
    told = specs[0].reading if len(specs) == 1 else {}
    sheets = opened.files[0].get("sheets", {})
    first, *others = sheets.values() or [0]
    if "sheet" not in told and any(2 * rows >= first for rows in others):  # as where each month has its own
        held = ", ".join(f"{name} ({rows:,} rows)" for name, rows in sheets.items())
        told = told | {"sheet": f"{TODO}: which sheet holds the answers? The first of {held} was looked at"}
    lines = [f"{key}: {quote(value) if isinstance(value, str) else value}" for key, value in told.items()]
    seen = note(", ".join(commas), WIDTH)
    return [*lines, *([f'decimal: ","  # 0,87 is a number, as in {seen}'] if commas and "decimal" not in told else [])]


# Roles ----------------------------------------------------------------------------------------------------------------


def _moment(moment: Moment) -> list[str]:
    if moment.one is None:
        read = f" that can be read, as {' or '.join(one.name for one in moment.others[:2])}" if moment.others else ""
        words = f"no column holds a time{read}; name one that holds a wave, or give each file a `wave` and write wave"
        return [f"  wave: {ask(words)}"]
    if moment.others and moment.role == "time":
        may = "; ".join(f"{one.name} ({one})" for one in (moment.one, *moment.others))
        return [f"  {moment.role}: {ask(f'which of these says when: {may}?')}"]
    stray = moment.one.stray if moment.role == "time" and not (moment.told or moment.doubt) else 0
    odd = f", {stray:,} of them no times, which are refused" if stray else f", {moment.told}" * bool(moment.told)
    return entry(moment.role, moment.one.name, f"{moment.one}{odd}", "  ")


def _roles(found: Sequence[Column], taken: set[str], repeated: Events | None, of: Collection[str]) -> list[str]:
    """Who answered and what it weighs; what stands in several rows is the id of a response where they are one thing."""
    lines = []
    fits = {"response": _is_key, "respondent": _repeats, "weight": _is_weight}
    for role, words in ((role, words) for role, words in _ROLES.items() if role in of):
        left = [one for one in found if one.name not in taken and len(one.name) <= SHORT]
        named = (one for one in left if one.named(words) and (role != "respondent" or not one.named(NOBODY)))
        free = (one for one in named if fits[role](one) or (role == "weight" and _is_no_weight(one)))
        thing = repeated.per if role == "response" and repeated and (repeated.copies or repeated.same) else None
        one = thing or next(free, None)
        if one is None:
            continue
        taken.add(one.name)
        if role == "respondent" and one.blanks:
            lines.append(f"  # respondent: {quote(one.name)}  # {one}: these would count as one person")
        elif role == "weight" and _is_no_weight(one):
            example = next(value for value in one.seen if re.search(r"\d", value))
            asked = f"numbers such as {example!r} cannot be read; mend the file, or take this line away"
            lines.append(f"  weight: {ask(f'{one.name}: {asked}')}")
        elif role == "weight" and not (one.mean is not None and 0.5 <= one.mean <= 2):  # as those of parcels
            asked = "is this how much a row of the sample weighs? Then write its name, else take this line away"
            lines.append(f"  weight: {ask(f'{one.name}: {one}: {asked}')}")
        else:
            latest = repeated is not None and one is repeated.per and not repeated.copies
            more = one.filled - one.distinct if role == "response" and not latest else 0
            again = f"; {more:,} repeat the id of another row and are refused" if more else ""
            lines += entry(role, one.name, f"{one}{again}", "  ")
    return lines


def _is_key(one: Column) -> bool:
    return one.filled > 0 and one.distinct >= 0.98 * one.filled


def _repeats(one: Column) -> bool:
    """Whether so many values can be people or clusters: a type or an age of customers has few."""
    many = one.distinct * 4 >= one.filled or (one.distinct > LISTED and one.distinct * 50 >= one.filled)
    return 1 < one.distinct <= one.filled and one.filled > one.rows / 10 and many


def _is_weight(one: Column) -> bool:
    return one.numbers > one.rows / 2 and one.low is not None and one.low >= 0 and one.distinct > 1


def _is_no_weight(one: Column) -> bool:
    """Whether it would be a weight if its numbers could be read, as 85%: else nothing would say that none is used."""
    seen = [value for value in one.seen if re.match(r"[\d.,]+ ?%?$", value)]
    return not _is_weight(one) and 2 * len(seen) > len(one.seen) > 1


def _is_comment(one: Column) -> bool:
    """Whether a column holds what people wrote, by its name; no value of it belongs into a mapping."""
    return (
        one.typed == "text"
        and one.filled > one.numbers
        and one.named(COMMENTS)
        and not one.named(r"(?<=.)\b(id|date|time|version|count|url|link)$")
        and (len(one.name) <= SHORT or 2 * one.distinct > one.filled)
    )


def _comment(written: Sequence[Column]) -> list[str]:
    words = "in people's own words; with it pages may quote some"
    return [line for one in written[:1] for line in (f"  # comment: {quote(note(one.name))}", f"  # {one}: {words}")]


def _sampled(found: Sequence[Column]) -> list[str]:
    named = [(role, one, asked) for role, (words, asked) in SAMPLED.items() for one in found if one.named(words)]
    return [f"  # {role}: {quote(one.name)}  # {one}: {asked}" for role, one, asked in named]


# Items, dimensions and what is left -----------------------------------------------------------------------------------


def _no_items(scales: Sequence[Column], some: bool) -> list[str]:
    hint = ["  # answers on a scale:", *(f"  # - {note(one.name, 200)}" for one in scales[:12])] if scales else []
    asked = f"  nps: {ask('no column looks like a question that the kit knows; name one')}"
    return hint if some else [asked, *hint]


def _cuts(found: Sequence[Column]) -> list[Column]:
    """The columns by which answers may be cut: few values, and no moment."""
    free = [
        one
        for one in found
        if one.filled >= one.rows / 2
        and one.typed != "time"
        and 2 <= one.distinct <= LISTED
        and not one.named(NO_CUT)
        and not re.fullmatch(PEOPLE, folded(one.name))
        and (one.distinct <= 10 or 2 * one.distinct <= one.filled)
        and not groups(one.answers)
        and not all(re.fullmatch(r"[\d.,]+ ?%", value) for value in one.answers)
        and (one.rows < LISTED or max(one.values.values()) <= NEARLY_ALL * one.filled)
    ]
    named = [
        one for one in free if (len(one.name) <= SHORT and one.named(CUTS)) or (one.labels and not on_a_scale(one))
    ]
    worded = [
        one for one in free if one not in named and one.typed == "text" and not one.numbers and not on_a_scale(one)
    ]
    return [*named, *(one for one in worded if one.distinct <= 20)][:MOST_CUTS]


def _dimensions(cuts: Sequence[Column], keys: set[str]) -> list[str]:
    if not cuts:
        return ["dimensions: {}  # no column with few values"]
    lines = ["dimensions:  # ways of cutting; take away what is none"]
    for one in cuts:
        shown = f"{one}: {note(', '.join(list(one.values)[:6]), 80)}"
        lines += [f"  {free_key(one.name, keys)}:", *entry("column", one.name, shown)]
        labels = {c: text for c, text in one.labels.items() if c not in one.absent} | {
            v: BLANK for v in one.blanks if not re.search(r"\w", v)
        }
        lines += [f"    labels: {inline({c: quote(t) for c, t in labels.items()})}"] if labels else []
    return lines


def _rest(rest: Sequence[Column], found: Sequence[Column]) -> list[str]:
    """What is not mapped; of a question with many columns only how many."""
    blank = sum(one.filled == 0 for one in found)
    asked = Counter(
        re.sub(r"( \[.*\])?( \(column \d+\))?$", "", note(one.name)) for one in rest if one.distinct <= LISTED
    )
    few = [f"{name} ({n} columns)" if n > 1 else name for name, n in asked.items()]
    lines = ["", f"# Not mapped: {len(rest)} columns" + (f", and {blank} that are empty." if blank else ".")]
    long = sum(map(len, few)) > 10 * WIDTH or any(len(name) > WIDTH / 2 for name in few)
    listed = [f"# - {note(name, WIDTH - 4)}" for name in few] if long else [f"# {', '.join(few)}"]
    return [*lines, *(["# Of these with few values:", *listed] if few else [])]
