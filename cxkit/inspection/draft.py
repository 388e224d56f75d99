"""An export -> a mapping to start from: guesses with their evidence, and a TODO where only a person can know."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cxkit.errors import UNSEEN, CxError, printable
from cxkit.files import require_same
from cxkit.input import times
from cxkit.input.cleaning import LEFT_OUT, spelled
from cxkit.input.databases import connect, readable
from cxkit.input.mapping import BLANK, RESERVED, TODO, Roles
from cxkit.input.sources import Source, SourceLike, Table, open_source
from cxkit.input.values import NO_ANSWER_WORDS
from cxkit.input.waves import NO_WAVE, ordered
from cxkit.inspection.evidence import LISTED, Evidence, codes_of, look
from cxkit.inspection.guesses import Guesses, Question, YesNo, guess, scored
from cxkit.inspection.times import Clock, Events, When, stray
from cxkit.metrics import METRICS

LOOKED_AT = 1_000_000  # rows; a mapping needs no more
FETCHED = 100_000  # rows of a database, which does not have to scan all for it
ASKED_ABOUT = 10  # rows from which on an answer that is no number is asked about; the others are refused and counted
LONG_CODE = 4  # letters; a longer number that is rare can be a telephone
ITEMS = {metric.item for metric in METRICS.values()}


@readable
def inspect(source: SourceLike, *, folder: str | Path | None = None, memory: str | None = None) -> str:
    """A commented mapping of an export, as YAML: evidence beside every guess, TODO where a person has to say.

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
    found = look(table, opened.questions, opened.labels)
    if not found or found[0].rows == 0:
        raise CxError(f"{_names(opened)}: holds no answers")
    guesses = guess(opened, table, found)
    require_same(opened.stamps)
    return "\n".join([
        *_preface(opened, found, guesses),
        *_time(opened, guesses.moment),
        "", "columns:", *_roles(guesses),
        *_latest(guesses.repeated),
        "", "items:", *_items(guesses),
        "", *_dimensions(guesses.cuts),
        *_rest(guesses.rest, found),
    ]) + "\n"  # fmt: skip


def _looked_at(opened: Source) -> Table:
    """The rows that are answers: all of a file's, the first of a database's."""
    table = opened.table
    if LEFT_OUT in table.columns:
        table = table.filter(table[LEFT_OUT].isnull()).drop(LEFT_OUT)
    if table.get_backend().name == "duckdb":
        return table.limit(LOOKED_AT)
    return connect().backend.create_table("looked_at", table.limit(FETCHED).to_pyarrow(), temp=True)


# The file and its times -----------------------------------------------------------------------------------------------


def _names(opened: Source) -> str:
    return ", ".join(str(file["path"]) for file in opened.files)


def _preface(opened: Source, found: Sequence[Evidence], guesses: Guesses) -> list[str]:
    lines = [
        f"# A mapping to start from, made by `cxkit inspect {_names(opened)}`: {found[0].rows:,} rows.",
        "# Comments hold the evidence. Whatever says TODO has to be answered before `cxkit run` accepts the file.",
    ]
    for file in opened.files:
        name = f"{Path(str(file['path'])).name}: " if len(opened.files) > 1 else ""
        lines += [f"# {name}{line}" for line in spelled(file)]
    asked = ask("relationship (asked about the brand as a whole) or transactional (asked about one contact)?")
    return [*lines, "", f"kind: {'transactional  # a ticket is one contact' if guesses.tickets else asked}"]


def _time(opened: Source, moment: When) -> list[str]:
    """The lines at the top that say how times are read, or in which order the waves are where their names do not."""
    if moment.one is None:
        return []
    if moment.role == "wave":
        return _waves(opened, moment.one)
    asked = ask("the zone in which months are cut, as Europe/Berlin")
    lines = [f"timezone: {f'{opened.zones[0]}  # the zone of the file itself' if opened.zones else asked}"]
    forms, one = moment.forms, moment.one
    if len(forms) > 1:
        return [*lines, f"time_format: {ask(f'{times.order(forms)}; which is it: ' + ' or '.join(forms) + '?')}"]
    if forms and forms[0] != times.ISO:
        fits = one.filled - stray(one)
        lines.append(
            f"time_format: {quote(forms[0])}  # fits {'all ' * (not stray(one))}{fits:,} times of {note(one.name)}"
        )
    return lines


def _waves(opened: Source, one: Evidence) -> list[str]:
    given = [constants.get(one.name) for constants in opened.constants]
    order = ordered([wave for wave in one.values if wave.casefold() not in NO_WAVE], files=given)
    if not order.doubt:
        return []
    listed = note(", ".join(map(quote, order.waves)), 400)
    return [f"waves: {ask(f'in which order were these? Write them as a list, the earliest first: [{listed}]')}"]


# Roles ----------------------------------------------------------------------------------------------------------------


def _roles(guesses: Guesses) -> list[str]:
    moment = guesses.moment
    if moment.one:
        strange = stray(moment.one) if moment.role == "time" else 0
        odd = f", {strange:,} of them no times, which are refused" if strange else ""
        lines = entry(moment.role, moment.one.name, f"{moment.one}{odd}", "  ")
    else:
        words = "no column holds a time; name one that holds a wave, or give each file a `wave` and write wave"
        lines = [f"  wave: {ask(words)}"]
    for role, one in guesses.roles.items():
        more = one.filled - one.distinct if role == "response" else 0
        latest = guesses.repeated and one is guesses.repeated.per and not guesses.repeated.copies
        again = f"; {more:,} repeat the id of another row and are refused" if more and not latest else ""
        lines += entry(role, one.name, f"{one}{again}", "  ")
    if guesses.unknown:
        one = guesses.unknown
        lines.append(f"  # respondent: {quote(one.name)}  # {one}: these would count as one person")
    if guesses.heavy:
        words = "is this how much a row of the sample weighs? Then write its name, else take this line away"
        lines.append(f"  weight: {ask(f'{guesses.heavy.name}: {guesses.heavy}: {words}')}")
    if guesses.comment:
        one = guesses.comment
        lines.append(f"  # comment: {quote(one.name)}  # {one}: in people's own words; with it pages may quote some")
    asked = "were these sampled together?"
    return [*lines, *(f"  # cluster: {quote(one.name)}  # {one}: {asked}" for one in guesses.clusters)]


def _latest(repeated: Events | None) -> list[str]:
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
    lines = ["", f"latest:  # {note(f'{rows}, and {repeated.same} is the same in all rows of one')}",
             f"  per: {quote(one.name)}"]  # fmt: skip
    (by, ties), *others = repeated.by
    also = f"; or {', '.join(f'{column.name} ({n:,})' for column, n in others)}" if others else ""
    return [*lines, *entry("by", by.name, f"{ties:,} rows tie with another{also}", "  ")]


# Items ----------------------------------------------------------------------------------------------------------------


def _items(guesses: Guesses) -> list[str]:
    computed = {clock.item for clock in guesses.given}
    given = [f"  {item}: {{column: {quote(one.name)}, unit: {unit}}}  # {one}" for item, one, unit in guesses.given]
    lines = [
        *(line for question in guesses.questions for line in _question(question)),
        *(line for answer in guesses.answers for line in _yes_no(answer)),
        *given,
        *(line for clock in guesses.pairs for line in (_or_clock if clock.item in computed else _clock)(clock)),
    ]
    if lines:
        return lines
    words = "no column looks like a question that the kit knows; name one"
    names = [one.name for one in scored([*guesses.cuts, *guesses.rest])]
    hint = ["  # answers on a scale:", *(f"  # - {note(name)}" for name in names[:12])] if names else []
    return [f"  nps: {ask(words)}", *hint]


def _question(question: Question) -> list[str]:
    item, one, scale, others = question
    lines = [f"  {item}:", *(column(one) if question.sure else [f"    column: {ask(_doubt(one))}"])]
    if {"good", "bad"} <= {value.casefold() for value in one.values}:
        labels = {v: {"good": 5, "bad": 1}[v.casefold()] for v in one.values if v.casefold() in ("good", "bad")}
        lines.append(f"    labels: {pairs(labels)}  # good / (good + bad)")
    else:
        labels = {v: int(code) for v, code in codes_of(one).items() if scale[0] <= code <= scale[1]}
        worded = [v for v in labels if not re.fullmatch(r"\s*-?\d+(\.0+)?\s*", v)]
        lines += ["    labels:", *(f"      {quote(v)}: {labels[v]}" for v in worded)] if worded else []
        lines += _direction(item, one, scale)
    also = [f"  # {item} could also be: {note(', '.join(others), 300)}"] if others else []
    return [*lines, *_missing(one, labels, scale), *also]


def _doubt(one: Evidence) -> str:
    return (
        f"{one.name} ({one}): is this whether people recommend you, asked on 0-10? Then write its name; of a scale of "
        "1-10 or another question it is no NPS, and the item goes"
    )


def _yes_no(answer: YesNo) -> list[str]:
    item, one, codes = answer
    asked = next(metric.question for metric in METRICS.values() if metric.item == item)
    lines = [f"  {item}:  # {asked}", *column(one)]
    if set(codes) != {"0", "1"}:
        lines.append(f"    labels: {pairs(codes)}  # {note(', '.join(f'{one.values[v]:,} {v}' for v in codes))}")
    return [*lines, *_missing(one, codes, (0, 1))]


def _clock(clock: Clock) -> list[str]:
    """A duration between two times; a person says which of several ends it, and when open cases were last seen."""
    start, *other = clock.starts
    known = {one.name: one.filled - sum(one.blanks.values()) for one in clock.ends}
    told = " or ".join(f"{name} ({n:,} of {start.rows:,} rows hold a time)" for name, n in known.items())
    also = f"; or {', '.join(one.name for one in other)}" if other else ""
    lines = [f"  {clock.item}:", *entry("from", start.name, f"{start}{also}")]
    if len(known) > 1:
        lines.append(f"    to: {ask(f'which moment ends the clock: {told}?')}")
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


def _or_clock(clock: Clock) -> list[str]:
    """The same duration from its two times, where the export has computed it for the cases that ended."""
    ends = f"from: {quote(clock.starts[0].name)}, to: {quote(clock.ends[0].name)}"
    return [f"  # or {clock.item}: {{{ends}, open_until: a day}}, in which cases that had not ended count, too"]


def _direction(item: str, one: Evidence, scale: tuple[int, int]) -> list[str]:
    """The lines that say which end is good, from the words of the answers where they say it."""
    if item == "nps":
        return []
    low = " ".join(v for v, code in codes_of(one).items() if code == scale[0]) + one.labels.get(str(scale[0]), "")
    if item == "csat":
        if re.search(r"very (un|dis)satisf|poor|unacceptable|terrible|bad", low, re.I):
            return [f"    reversed: false  # {scale[0]} is {note(low, 80)}"]
        return [f"    reversed: {ask(f'true if {scale[0]} is the best answer, false if {scale[1]} is?')}"]
    asked = ask(
        f"is a high answer good (higher, as for: it was easy) or bad (lower, as for: how much effort)? Scale {scale}"
    )
    return [f"    scale: [{scale[0]}, {scale[1]}]", f"    better: {asked}"]


def _missing(one: Evidence, known: Iterable[str], scale: tuple[int, int]) -> list[str]:
    """The lines on answers that are none; what is neither a code nor frequent can be anything that somebody wrote."""
    codes, lines, others = codes_of(one), [], []
    for value, n in one.values.items():
        key = quote(value) if not re.fullmatch(r"0|[1-9]\d*", value) else value
        if value in known:
            continue
        if value in one.labels:
            lines.append(f"      {key}: {quote(one.labels[value])}  # {_answers(n)}, labelled so in the file")
        elif value.casefold() in NO_ANSWER_WORDS:
            lines.append(f"      {key}: {quote(value.casefold())}  # {_answers(n)}")
        elif (value in codes and len(value) <= LONG_CODE) or n >= ASKED_ABOUT:
            where = f"outside {scale[0]}-{scale[1]}" if value in codes else "not a number"
            words = f"{_answers(n)} {'are' if n > 1 else 'is'} {value}, {where}: what does it mean?"
            lines.append(f"      {key}: {ask(f'{words} Without this line they are refused')}")
        else:
            others.append(n)
    words = f"    # {_answers(sum(others))} in other words, {len(others):,} different: refused and counted"
    return [*(["    missing:", *lines] if lines else []), *([words] if others else [])]


def _answers(n: int) -> str:
    return f"{n:,} answer{'s' if n != 1 else ''}"


# Dimensions -----------------------------------------------------------------------------------------------------------


def _dimensions(cuts: Sequence[Evidence]) -> list[str]:
    if not cuts:
        return ["dimensions: {}  # no column with few values"]
    lines, keys = ["dimensions:  # ways of cutting; take away what is none"], {*RESERVED, *Roles.model_fields, *ITEMS}
    for one in cuts:
        shown = f"{one}: {note(', '.join(list(one.values)[:6]), 80)}"
        lines += [f"  {free_key(one.name, keys)}:", *entry("column", one.name, shown)]
        labels = dict(one.labels) | {v: BLANK for v in one.blanks if not re.search(r"\w", v)}
        lines += [f"    labels: {pairs({c: quote(t) for c, t in labels.items()})}"] if labels else []
    return lines


def _rest(rest: Sequence[Evidence], found: Sequence[Evidence]) -> list[str]:
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


WIDTH = 120
LONGEST = 30  # letters of the name of a dimension
YAML_WORDS = ("yes", "no", "on", "off", "y", "n", "true", "false", "null")
FILLERS = """a an and any are as at by did do does for from had has have how i in is it many much of on or our such
that the their them they this to was we were what when where which who with you your""".split()  # noqa: SIM905
_UNPRINTABLE = re.compile(r"[\t\n\ufffe\uffff]")  # in YAML an error, or a new line, beside what no terminal shows


def quote(text: str) -> str:
    r"""Text in YAML: in quotes, so that nothing in it can mean something else.

    >>> print(quote('10 "best"\x7f'))
    "10 \"best\"\u007f"
    """
    return printable(_UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False)))


def ask(question: str) -> str:
    """A question that has to be answered before the mapping is accepted."""
    return quote(f"{TODO}: {question}")


def note(text: str, most: int | None = None) -> str:
    r"""Text in a comment: on one line, cut after so many letters.

    >>> note("a\n b: c", 4)
    'a b:...'
    """
    line = UNSEEN.sub("", " ".join(text.split()))
    return line if most is None or len(line) <= most else f"{line[:most]}..."


def entry(key: str, text: str, comment: str, indent: str = "    ") -> list[str]:
    """A key with its value and the evidence; a long one has the evidence above it and is folded.

    In quotes YAML reads a new line and its indent as one blank, so that the value stays as it is.
    """
    comment, value = note(comment), quote(text)
    line = f"{indent}{key}: {value}  # {comment}"
    if len(line) <= WIDTH:
        return [line]
    rows = [f"{indent}{key}:"]
    for word in re.split(r"(?<=\S) (?=\S)", value):
        if len(rows[-1]) + len(word) >= WIDTH and rows[-1].strip():
            rows.append(f"{indent} ")
        rows[-1] += f" {word}"
    return [f"{indent}# {comment}", *rows]


def column(one: Evidence) -> list[str]:
    """The column of an item."""
    about = f": {note(one.question, 80)}" if one.question != one.name else ""
    return entry("column", one.name, f"{one}{about}")


def pairs(labels: Mapping[str, object]) -> str:
    """Values and what they mean, on one line."""
    return f"{{{', '.join(f'{quote(value)}: {meaning}' for value, meaning in labels.items())}}}"


def free_key(name: str, taken: set[str]) -> str:
    """A name for a dimension: small letters that nothing else is called, of a long question its telling words.

    >>> free_key("Does your company have a policy in these areas? [Use of open source in products]", set())
    'use_of_open_source_in_products'
    """
    option = re.search(r" \[(.+)\]$", name) if len(name) > LONGEST else None
    words = re.findall(r"[a-z0-9]+", (option[1] if option else name).casefold())
    if len("_".join(words)) > LONGEST:
        words = [word for word in words if word not in FILLERS] or words
    ends = itertools.accumulate(len(word) + 1 for word in words)
    fitting = sum(end - 1 <= LONGEST for end in ends)
    base = "_".join(words[:fitting]) or "_".join(words)[:LONGEST]
    base = base if re.match(r"[a-z]", base) and base not in YAML_WORDS else f"by_{base or 'column'}"
    free = next(one for i in itertools.count(1) if (one := base if i == 1 else f"{base}_{i}") not in taken)
    taken.add(free)
    return free
