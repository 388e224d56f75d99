"""An export -> a mapping to start from: guesses with their evidence, and a TODO where only a person can know.

Each role and item has one function here that picks its column from the evidence and writes its lines.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ibis

from cxkit.data import times, values
from cxkit.data.candidates import NOBODY, SCALES, codes_of, points
from cxkit.data.door import LEFT_OUT, spelled
from cxkit.data.evidence import LISTED, Evidence, look
from cxkit.data.mapping import RESERVED, TODO, Roles
from cxkit.data.sources import Source, SourceLike, Table, open_source
from cxkit.errors import CxError
from cxkit.metrics import METRICS

LOOKED_AT = 1_000_000  # rows; a mapping needs no more
FETCHED = 100_000  # rows of a database, which does not have to scan all for it
MOMENTS = ("recordeddate", "enddate", "submitdate(utc)", "timestamp", "createdat", "openedat")
GIVEN = {  # clocks of tickets: (item, unit)
    "First reply time in minutes": ("first_response", "minutes"),
    "Resolution time": ("full_resolution", "hours"),
}
CUTS = (
    r"brand|region|segment|channel|country|lang|product|store|branch|area|gender|age|group|plan|via|priority|site|city"
)
NO_CUT = r"NPS.?GROUP|date|time|day|stamp|_at$| at$"
MOST_CUTS = 8
ITEMS = {metric.item for metric in METRICS.values()}
YAML_WORDS = ("yes", "no", "on", "off", "y", "n", "true", "false", "null")


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
    taken: set[str] = set()
    when = _when(opened, table, found, taken)
    roles = _roles(found, taken)
    items = _items(opened, found, taken)
    lines = [*_preface(opened, found), *when[0], "", "columns:", *when[1], *roles, "", "items:", *items]
    return "\n".join([*lines, "", *_dimensions(found, taken), *_rest(found, taken)]) + "\n"


def _looked_at(opened: Source) -> Table:
    """The rows that are answers: all of a file's, the first of a database's."""
    table = opened.table
    if LEFT_OUT in table.columns:
        table = table.filter(table[LEFT_OUT].isnull()).drop(LEFT_OUT)
    if table.get_backend().name == "duckdb":
        return table.limit(LOOKED_AT)
    return ibis.memtable(table.limit(FETCHED).to_pyarrow())


# The file -------------------------------------------------------------------------------------------------------------


def _names(opened: Source) -> str:
    return ", ".join(str(file["path"]) for file in opened.files)


def _preface(opened: Source, found: Sequence[Evidence]) -> list[str]:
    lines = [
        f"# A mapping to start from, made by `cxkit inspect {_names(opened)}`: {found[0].rows:,} rows.",
        "# Comments hold the evidence. Whatever says TODO has to be answered before `cxkit run` accepts the file.",
    ]
    for file in opened.files:
        name = f"{Path(str(file['path'])).name}: " if len(opened.files) > 1 else ""
        lines += [f"# {name}{line}" for line in spelled(file)]
    kind = ("transactional", "a ticket is one contact") if _layout(opened) == "zendesk" else None
    said = f"{kind[0]}  # {kind[1]}" if kind else _ask(
        "relationship (asked about the brand as a whole) or transactional (asked about one contact)?"
    )  # fmt: skip
    return [*lines, "", f"kind: {said}"]


def _layout(opened: Source) -> str:
    return str(opened.files[0].get("layout", "plain"))


def _when(opened: Source, table: Any, found: Sequence[Evidence], taken: set[str]) -> tuple[list[str], list[str]]:
    """The lines on time: at the top, and the role."""
    zones = list(opened.zones)
    for one in sorted(found, key=_moment_rank):
        forms = _forms(opened, table, one)
        if forms is None:
            continue
        taken.add(one.name)
        zone = (
            f"{zones[0]}  # the file's own zone"
            if zones
            else _ask("the zone in which months are cut, as Europe/Berlin")
        )
        top = [f"timezone: {zone}"]
        if len(forms) > 1:
            top.append(f"time_format: {_ask(f'{times.order(forms)}; which is it: ' + ' or '.join(forms) + '?')}")
        elif forms and forms[0] != times.ISO:
            top.append(f"time_format: {_quote(forms[0])}  # fits all {one.filled:,} values of {one.name}")
        return top, [f"  time: {_quote(one.name)}  # {one}"]
    waves = [one for one in found if re.search(r"\b(wave|year|welle)\b", one.name, re.I) and one.distinct <= 40]
    if waves:
        taken.add(waves[0].name)
        return [], [f"  wave: {_quote(waves[0].name)}  # {waves[0]}"]
    words = "no column holds a time; name one that holds a wave, or give each file a `wave` and write wave"
    return [], [f"  wave: {_ask(words)}"]


def _moment_rank(one: Evidence) -> int:
    name = re.sub(r"[ _]", "", one.name.casefold())
    if name in MOMENTS:
        return MOMENTS.index(name)
    return len(MOMENTS) + (one.typed != "time") + 2 * (not re.search(r"date|time|day|stamp|_at\b| at$", one.name, re.I))


def _forms(opened: Source, table: Any, one: Evidence) -> list[str] | None:
    """How a column writes times; None where it holds none, [] where nothing has to be said."""
    if one.typed == "time":
        return []
    if one.typed != "text" or one.numbers or one.filled < max(one.rows / 2, 1):
        return None
    if any(one.name in file.get("times", {}) for file in opened.files):
        return []  # the layout reads it
    forms = times.forms(table, one.name)
    if not forms:
        return None
    first = table.agg(first=times.parsed(values.text(table[one.name]), forms[0]).min()).to_pyarrow()["first"][0].as_py()
    return forms if first.year >= 1970 else None  # a spreadsheet writes a clock without a day as 1899-12-31


# Roles ----------------------------------------------------------------------------------------------------------------


def _roles(found: Sequence[Evidence], taken: set[str]) -> list[str]:
    lines = []
    for role, words, fits in (
        ("response", r"respons?e?.?id|respondent.?id|respnum|record.?id|ticket|^id$|^#$|^number$", _is_key),
        (
            "respondent",
            r"respondent|customer|client|panel|external.?reference|network.?id|user.?id|account|caller",
            _repeats,
        ),
        ("weight", r"weight|wgt|gewicht|\bwt\b", _is_weight),
    ):
        one = next((c for c in found if c.name not in taken and re.search(words, c.name, re.I) and fits(c)), None)
        if one:
            taken.add(one.name)
            lines.append(f"  {role}: {_quote(one.name)}  # {one}")
    clusters = [
        c for c in found if c.name not in taken and re.search(r"cluster|psu|^run.?id$|flight.?id", c.name, re.I)
    ]
    asked = (
        f"  # cluster: {_quote(one.name)}  # {one}: were these sampled together?" for one in clusters if _repeats(one)
    )
    return [*lines, *asked]


def _is_key(one: Evidence) -> bool:
    return one.filled > 0 and one.distinct >= 0.98 * one.filled


def _repeats(one: Evidence) -> bool:
    return 1 < one.distinct <= one.filled and one.filled > one.rows / 10


def _is_weight(one: Evidence) -> bool:
    return one.numbers > one.rows / 2 and one.low is not None and one.low >= 0 and one.distinct > 1


# Items ----------------------------------------------------------------------------------------------------------------


def _items(opened: Source, found: Sequence[Evidence], taken: set[str]) -> list[str]:
    lines: list[str] = []
    for item, scales in SCALES.items():
        ranked = sorted(
            (-score, place, scale)
            for place, one in enumerate(found)
            for scale in scales
            if one.name not in taken and (score := points(one, item, scale)) > 0
        )
        if not ranked:
            continue
        one, scale = found[ranked[0][1]], ranked[0][2]
        taken.add(one.name)
        others = [found[place].name for _, place, _ in ranked[1:] if found[place].name != one.name]
        lines += [*_item(item, one, scale), *_also(item, others)]
    for name, (item, unit) in GIVEN.items():
        clock = next((one for one in found if one.name == name), None)
        if clock and _layout(opened) == "zendesk":
            taken.add(name)
            lines.append(f"  {item}: {{column: {_quote(name)}, unit: {unit}}}  # {clock}")
    if lines:
        return lines
    scored = [one.name for one in found if any(points(one, "", scale) for scale in ((0, 10), (1, 7), (1, 5)))]
    hint = f"  # answers on a scale: {_short(', '.join(scored), 1000)}"
    return [
        f"  nps: {_ask('no column looks like a question that the kit knows; name one')}",
        *([hint] if scored else []),
    ]


def _item(item: str, one: Evidence, scale: tuple[int, int]) -> list[str]:
    about = f": {_short(one.question)}" if one.question != one.name else ""
    lines = [f"  {item}:", f"    column: {_quote(one.name)}  # {one}{about}"]
    if {"good", "bad"} <= {value.casefold() for value in one.values}:
        labels = {v: {"good": 5, "bad": 1}[v.casefold()] for v in one.values if v.casefold() in ("good", "bad")}
        shown = ", ".join(f"{_quote(value)}: {code}" for value, code in labels.items())
        lines.append(f"    labels: {{{shown}}}  # good / (good + bad)")
    else:
        codes = codes_of(one)
        worded = {v: code for v, code in codes.items() if not re.fullmatch(r"\s*-?\d+(\.0+)?\s*", v)}
        if worded:
            lines += [
                "    labels:",
                *(f"      {_quote(v)}: {code:g}" for v, code in worded.items() if _within(code, scale)),
            ]
        lines += _direction(item, one, scale)
        labels = {v: int(code) for v, code in codes.items() if _within(code, scale)}
    missing = [_missing(value, n, one, scale) for value, n in one.values.items() if value not in labels]
    return [*lines, *(["    missing:", *missing] if missing else [])]


def _direction(item: str, one: Evidence, scale: tuple[int, int]) -> list[str]:
    """The lines that say which end is good, from the words of the answers where they say it."""
    if item == "nps":
        return []
    low = " ".join(v for v, code in codes_of(one).items() if code == scale[0]) + one.labels.get(str(scale[0]), "")
    if item == "csat":
        if re.search(r"very (un|dis)satisf|poor|unacceptable|terrible|bad", low, re.I):
            return [f"    reversed: false  # {scale[0]} is {_short(low)}"]
        return [f"    reversed: {_ask(f'true if {scale[0]} is the best answer, false if {scale[1]} is?')}"]
    asked = _ask(
        f"is a high answer good (higher, as for: it was easy) or bad (lower, as for: how much effort)? Scale {scale}"
    )
    return [f"    scale: [{scale[0]}, {scale[1]}]", f"    better: {asked}"]


def _missing(value: str, n: int, one: Evidence, scale: tuple[int, int]) -> str:
    key = _quote(value) if not re.fullmatch(r"0|[1-9]\d*", value) else value
    if value in one.labels:
        return f"      {key}: {_quote(one.labels[value])}  # {n:,} answers, labelled so in the file"
    if value.casefold() in NOBODY:
        return f"      {key}: {_quote(value.casefold())}  # {n:,} answers"
    where = f"outside {scale[0]}-{scale[1]}" if value in codes_of(one) else "not a number"
    count = f"{n:,} answers are" if n > 1 else "1 answer is"
    words = f"{count} {value}, {where}: what does it mean? Without this line they are refused"
    return f"      {key}: {_ask(words)}"


def _within(code: float, scale: tuple[int, int]) -> bool:
    return scale[0] <= code <= scale[1]


def _also(item: str, others: Iterable[str]) -> list[str]:
    named = list(dict.fromkeys(others))
    return [f"  # {item} could also be: {_short(', '.join(named), 300)}"] if named else []


# Dimensions -----------------------------------------------------------------------------------------------------------


def _dimensions(found: Sequence[Evidence], taken: set[str]) -> list[str]:
    free = [one for one in found if one.name not in taken and one.filled >= one.rows / 2 and one.typed != "time"]
    free = [one for one in free if 2 <= one.distinct <= LISTED and not re.search(NO_CUT, one.name, re.I)]
    named = [one for one in free if re.search(CUTS, one.name, re.I) or one.labels]
    worded = [
        one for one in free if one not in named and one.typed == "text" and not one.numbers and one.distinct <= 20
    ]
    chosen = [*named, *worded][:MOST_CUTS]
    if not chosen:
        return ["dimensions: {}  # no column with few values"]
    lines, keys = ["dimensions:  # ways of cutting; take away what is none"], {*RESERVED, *Roles.model_fields, *ITEMS}
    for one in chosen:
        taken.add(one.name)
        key = _key(one.name, keys)
        lines += [f"  {key}:", f"    column: {_quote(one.name)}  # {one}: {_short(', '.join(list(one.values)[:6]))}"]
        if one.labels:
            lines.append(f"    labels: {{{', '.join(f'{_quote(c)}: {_quote(t)}' for c, t in one.labels.items())}}}")
    return lines


def _rest(found: Sequence[Evidence], taken: set[str]) -> list[str]:
    rest = [one for one in found if one.name not in taken and one.filled]
    few = [one.name for one in rest if one.distinct <= LISTED]
    blank = sum(one.filled == 0 for one in found)
    lines = ["", f"# Not mapped: {len(rest)} columns" + (f", and {blank} that are empty." if blank else ".")]
    return [*lines, *([f"# Of these with few values: {_short(', '.join(few), 1000)}"] if few else [])]


def _key(name: str, taken: set[str]) -> str:
    """A name for a dimension: small letters that nothing else is called."""
    base = re.sub(r"[^a-z0-9]+", "_", name.casefold())[:30].strip("_")
    base = base if re.match(r"[a-z]", base) and base not in YAML_WORDS else f"by_{base or 'column'}"
    free = next(key for i in itertools.count(1) if (key := base if i == 1 else f"{base}_{i}") not in taken)
    taken.add(free)
    return free


# Words ----------------------------------------------------------------------------------------------------------------


def _ask(question: str) -> str:
    return _quote(f"{TODO}: {question}")


def _quote(text: str) -> str:
    """Text in YAML: in quotes, so that nothing in it can mean something else."""
    return json.dumps(text, ensure_ascii=False)


def _short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}..."
