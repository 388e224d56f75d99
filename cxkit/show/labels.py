"""Names beside and in drawings, tables and sentences: of a set shortened together, in lines, in the plural."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import count, takewhile
from unicodedata import east_asian_width

from cxkit.show.html import clean, shorten

LINE = 18  # characters of a line beside a row


BOTH = 34  # and of the two lines that a name may take


_LEAST = 8  # with less room no part of a name says anything


_ABBREVIATED = frozenset({"nps", "csat", "ces"})
_NOUNS = frozenset(
    """agent area branch brand category centre channel city class country customer department device group journey
    language market month office partner period plan product quarter region segment service shop site store supplier
    team tier touchpoint type unit week year""".split()  # noqa: SIM905
)


def together(values: Iterable[object], limit: int = BOTH) -> dict[str, str]:
    """Each name of a set at `limit` characters at most, those that differ still different.

    A name that is too long is cut at its end. Where several would read the same then, the middle of what they share at
    the start goes instead, and what they share at the end; where nothing else helps, they are numbered.

    >>> list(together(["Insurance of Northern Hamburg AG", "Insurance of Northern Hanover AG", "Axa"], 22).values())
    ['Insur…Hamburg AG', 'Insur…Hanover AG', 'Axa']
    """
    texts = list(dict.fromkeys(map(str, values)))
    found: dict[str, str] = {}
    used: set[str] = set()
    for text, short in _cut([clean(text) for text in texts], limit).items():
        found[text] = short if short not in used else _numbered(short, limit, used)
        used.add(found[text])
    return {text: found[clean(text)] for text in texts}


def _numbered(short: str, limit: int, used: Collection[str]) -> str:
    marks = (f" ({number})" for number in count(2))
    return next(one for mark in marks if (one := shorten(short, max(limit - len(mark), 1)) + mark) not in used)


def _cut(texts: Sequence[str], limit: int) -> dict[str, str]:
    """The names in `limit` characters; equal where no cut tells them apart."""
    groups: dict[str, list[str]] = {}
    for text in dict.fromkeys(texts):
        groups.setdefault(shorten(text, _room(text, limit)), []).append(text)
    found = {}
    for short, group in groups.items():
        found.update(_apart(group, _room(group[0], limit)) if len(group) > 1 else {group[0]: short})
    return {text: found[text] for text in dict.fromkeys(texts)}


def _room(text: str, limit: int) -> int:
    """Characters that fit into the width of `limit` Latin ones: Chinese and its like are twice as wide."""
    wide = sum(east_asian_width(char) in "WF" for char in text[:limit])
    return limit // 2 if wide > limit // 4 else limit


def _apart(group: Sequence[str], limit: int) -> dict[str, str]:
    """Names that agree in their start, as its first letters, what tells them apart, and of the rest what has room."""
    start = _shared(group)
    rests = [text[len(start) :] for text in group]
    end = _shared([text[::-1] for text in rests])[::-1]
    cores = [text[: len(text) - len(end)] for text in rests]
    head = f"{start[: limit // 4].rstrip()}…" if start else ""
    room = limit - len(head) - bool(end)
    if room < _LEAST or not (start or end):
        return {text: shorten(text, limit) for text in group}
    short = _cut(cores, room)
    spare = room - max(map(len, short.values()))
    near = _last_words(start[max(len(head) - 1, 0) :], spare)
    after = _last_words(end[::-1], spare - len(near))[::-1]
    tail = end if after == end else after.rstrip(" ,;:") + "…"
    return {text: clean(f"{head}{near}{short[core]}{tail}") for text, core in zip(group, cores, strict=True)}


def _shared(texts: Sequence[str]) -> str:
    """What all texts start with, without the word that it breaks off in, unless that word is very long."""
    pairs = zip(min(texts), max(texts), strict=False)
    found = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    whole = found[: max(found.rfind(" "), found.rfind("-")) + 1]
    return whole if len(found) - len(whole) < 2 * LINE else found


def _last_words(text: str, room: int) -> str:
    """The last whole words of a text that fit into the room."""
    if len(text) <= room:
        return text
    found = re.search(r"(?<=[\s-])\S.*$", text[len(text) - max(room, 0) - 1 :]) if room > 0 else None
    return found[0] if found and len(found[0]) <= room else ""


def lines(text: str, most: int = LINE) -> list[str]:
    """A label as one line, or as two that are about as long, parted between words where that is possible.

    >>> lines("North"), lines("Insur…Northern Hamburg AG")
    (['North'], ['Insur…Northern', 'Hamburg AG'])
    """
    if len(text) <= _room(text, most):
        return [text]
    half = (len(text) + 1) // 2
    at = min((found.end() for found in re.finditer(r"[\s…/-]", text[:-1])), key=lambda i: abs(i - half), default=half)
    if max(at, len(text) - at) > half + 6:
        at = half
    return [clean(part.strip()) for part in (text[:at], text[at:])]


def width(label: str) -> int:
    """The characters of the longest line of a label; wide ones count twice."""
    return max(sum(1 + (east_asian_width(char) in "WF") for char in line) for line in lines(label))


def words(column: str) -> str:
    """A column name inside a sentence.

    >>> words("nps_before")
    'NPS before'
    """
    return " ".join(part.upper() if part in _ABBREVIATED else part for part in column.split("_"))


def all_others(names: Sequence[str]) -> str:
    """What a place is compared with, by the dimensions of places.

    >>> all_others(["brand"]), all_others(["market", "brand"])
    ('all others', 'all others of the same market')
    """
    return f"all others{f' of the same {words(names[0])}' if len(names) > 1 else ''}"


def plural(column: str) -> str:
    """What the levels of a column are called; only of common nouns a plural is made.

    >>> plural("brand"), plural("product_category"), plural("filiale")
    ('brands', 'product categories', 'levels of filiale')
    """
    noun = words(column)
    last = noun.rpartition(" ")[2]
    if last.lower() not in _NOUNS:
        return f"levels of {noun}"
    if last.endswith("y") and last[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if last.endswith(("ch", "s")) else f"{noun}s"


def heading(column: str) -> str:
    """A column name as a heading.

    >>> heading("boarding_area")
    'Boarding area'
    """
    text = words(clean(column))
    return text[:1].upper() + text[1:]
