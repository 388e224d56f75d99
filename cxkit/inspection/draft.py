"""An export -> a mapping to start from: guesses with what speaks for them, and a TODO where only a person can know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from cxkit.errors import CxError
from cxkit.files import require_same
from cxkit.input.databases import Table, connect, readable
from cxkit.input.mapping import BLANK, RESERVED, TODO, Roles
from cxkit.input.sources import DATABASE, FILE, LEFT_OUT, Source, SourceLike, file_specs, open_source, read_as
from cxkit.inspection import shapes
from cxkit.inspection.columns import LISTED, Column, Export, look
from cxkit.inspection.items import SHORT, friends, given, on_a_scale, questions, yes_no_items
from cxkit.inspection.lines import WIDTH, ask, entry, free_key, inline, note, quote
from cxkit.inspection.times import (
    Events,
    Moment,
    clock_lines,
    clocks,
    events,
    latest_lines,
    or_clock,
    when,
    when_lines,
)
from cxkit.inspection.words import CUTS, PEOPLE, folded, groups, personal
from cxkit.metrics import METRICS

LOOKED_AT = 1_000_000  # rows; a mapping needs no more
FETCHED = 100_000  # rows of a database, which does not have to scan all for it
NO_CUT = r"nps ?group|date|time|\bday|stamp|\bat\b|zeit|fecha|datum"
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
CLUSTERS = r"cluster|\bpsu\b|^run ?id$|flight ?id"


@readable
def inspect(source: SourceLike, *, folder: str | Path | None = None, memory: str | None = None) -> str:
    """A commented mapping of an export, as YAML: evidence beside every guess, TODO where a person has to say.

    Each column is one thing at most.

    Args:
        source: What `read` takes.
        folder: Where relative paths start.
        memory: Limit of the in-process database.

    Raises:
        CxError: A source that cannot be read.

    >>> import pandas as pd
    >>> text = inspect(pd.DataFrame({"wave": ["a"] * 30, "nps": [9] * 14 + [3] * 14 + [11] * 2}))
    >>> [line.strip() for line in text.splitlines() if "11:" in line]
    ['11: "TODO: 2 answers are 11, outside 0-10: what does it mean? Without this line they are refused"']
    """
    opened = open_source(source, Path(folder) if folder else None, memory=memory)
    table = _looked_at(opened)
    found = look(table, opened.questions, opened.labels, opened.missing)
    if not found or found[0].rows == 0:
        raise CxError(f"{_names(opened)}: holds no answers")
    rows = found[0].rows
    export, turned = shapes.long(Export(opened, table, found))
    found = export.columns
    taken: set[str] = set()
    stands, counts = shapes.stands_for(export, taken), shapes.counted(found, taken)
    moment = when(export)
    pairs = clocks(export, moment)
    repeated = None if stands or counts else events(export, moment, pairs)
    if repeated and repeated.same:  # a thing is counted when it began, not at its latest event
        moment = moment._replace(one=repeated.same)
    taken |= {one.name for clock in pairs for one in (*clock.starts, *clock.ends)}
    taken |= {one.name for one in (moment.one, repeated and repeated.per) if one}
    fits = {"weight"} if stands or counts else set(_ROLES)
    roles = [*_moment(moment), *stands, *_roles(found, taken, repeated, fits)]
    clusters = [one for one in found if one.name not in taken and one.named(CLUSTERS) and _repeats(one)]
    asked = counts or [*friends(found, taken), *questions(found, taken), *yes_no_items(found, taken)]
    computed = {} if counts else given(export, taken)
    held = {one.name: what for one in found if (what := personal(one.values))}
    taken |= set(held)
    keys = {*RESERVED, *Roles.model_fields, *(metric.item for metric in METRICS.values())}
    listed = [] if counts or stands else shapes.several(export, taken, keys)
    written = [one for one in found if one.name not in taken and _is_comment(one)]
    cuts = _cuts([one for one in found if one.name not in taken and one not in written])
    mapped = taken | {one.name for one in [*cuts, *written[:1]]}
    rest = [one for one in found if one.filled and one.name not in mapped]
    timed = [line for c in pairs for line in ([or_clock(c)] if c.item in computed else clock_lines(c))]
    items = [*asked, *(line for lines in computed.values() for line in lines), *timed]
    scales = [] if items else [one for one in rest if one not in written and on_a_scale(one)]
    require_same(opened.stamps)
    return "\n".join([
        *_preface(opened, rows, held, bool(computed or pairs or (repeated and repeated.same))),
        *_read(source, opened),
        *when_lines(export, moment),
        "", "columns:", *roles, *_comment([] if stands or counts else written), *_clusters(clusters),
        *latest_lines(repeated), *turned,
        "", "items:", *items, *listed, *_no_items(scales, bool(items or listed)),
        "", *_dimensions(cuts, keys),
        *_rest(rest, found),
    ]) + "\n"  # fmt: skip


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
    return [*lines, "", f"kind: {'transactional  # a ticket is one contact' if tickets else asked}"]


def _read(source: SourceLike, opened: Source) -> list[str]:
    """How files are read: what was declared of a single one, and a workbook whose first sheet may be the wrong one."""
    specs = file_specs(source) if isinstance(source, Mapping) and not set(DATABASE) & set(source) else []
    told = specs[0].reading if len(specs) == 1 else {}
    sheets = opened.files[0].get("sheets", {})
    if sheets and "sheet" not in told and max(sheets, key=lambda name: sheets[name]) != next(iter(sheets)):
        held = ", ".join(f"{name} ({rows:,} rows)" for name, rows in sheets.items())
        told = told | {"sheet": f"{TODO}: which sheet holds the answers? The first of {held} was looked at"}
    return [f"{key}: {quote(value) if isinstance(value, str) else value}" for key, value in told.items()]


# Roles ----------------------------------------------------------------------------------------------------------------


def _moment(moment: Moment) -> list[str]:
    if moment.one is None:
        words = "no column holds a time; name one that holds a wave, or give each file a `wave` and write wave"
        return [f"  wave: {ask(words)}"]
    if moment.others:
        may = "; ".join(f"{one.name} ({one})" for one in (moment.one, *moment.others))
        return [f"  {moment.role}: {ask(f'which of these says when: {may}?')}"]
    stray = moment.one.stray if moment.role == "time" and not moment.told else 0
    odd = f", {stray:,} of them no times, which are refused" if stray else f", {moment.told}" * bool(moment.told)
    return entry(moment.role, moment.one.name, f"{moment.one}{odd}", "  ")


def _roles(found: Sequence[Column], taken: set[str], repeated: Events | None, of: Collection[str]) -> list[str]:
    """Who answered and what it weighs; what stands in several rows is the id of a response where they are one thing."""
    lines = []
    fits = {"response": _is_key, "respondent": _repeats, "weight": _is_weight}
    for role, words in ((role, words) for role, words in _ROLES.items() if role in of):
        named = (one for one in found if one.name not in taken and len(one.name) <= SHORT and one.named(words))
        free = (one for one in named if fits[role](one) and not personal(one.values))
        thing = repeated.per if role == "response" and repeated and (repeated.copies or repeated.same) else None
        one = thing or next(free, None)
        if one is None:
            continue
        taken.add(one.name)
        if role == "respondent" and one.blanks:
            lines.append(f"  # respondent: {quote(one.name)}  # {one}: these would count as one person")
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


def _is_comment(one: Column) -> bool:
    """Whether a column holds what people wrote, by its name; no value of it belongs into a mapping."""
    return (
        one.typed == "text"
        and one.filled > one.numbers
        and one.named(COMMENTS)
        and (len(one.name) <= SHORT or 2 * one.distinct > one.filled)
    )


def _comment(written: Sequence[Column]) -> list[str]:
    words = "in people's own words; with it pages may quote some"
    return [line for one in written[:1] for line in (f"  # comment: {quote(note(one.name))}", f"  # {one}: {words}")]


def _clusters(found: Sequence[Column]) -> list[str]:
    return [f"  # cluster: {quote(one.name)}  # {one}: were these sampled together?" for one in found]


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
