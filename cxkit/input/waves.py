"""The order of waves: what the mapping says, else names that are beyond doubt, else an explicit list of files.

Names are beyond doubt where every way of reading them gives one order: "Q4 2025" and "Q1 2026" are, "Oct" and "Jan"
without a year are not, nor is a winter, which lies in two years. One doubtful name makes all of them doubtful.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import NamedTuple

from cxkit.errors import CxError, nearest
from cxkit.input.values import NO_ANSWER_WORDS

NO_WAVE = NO_ANSWER_WORDS | {"nan", "nat", "<na>", "#n/a", "n.a."}  # what is written where nobody wrote a wave
MAPPED, NAMED, LISTED = "as `waves` in the mapping says", "as their names say", "as the files are listed"

_MONTHS = (  # English, German, French and Spanish, without accents
    "january jan januar janner janvier janv enero ene", "february feb februar fevrier fevr febrero",
    "march mar marz maerz mrz mars marzo", "april apr avril avr abril abr", "may mai mayo", "june jun juni juin junio",
    "july jul juli juillet juil julio", "august aug aout agosto", "september sept sep septembre septiembre setiembre",
    "october oct oktober okt octobre octubre", "november nov novembre noviembre",
    "december dec dezember dez decembre diciembre dic",
)  # fmt: skip
_SEASONS = ("spring fruhjahr fruhling printemps primavera", "summer sommer ete verano",
            "autumn fall herbst automne otono")  # fmt: skip
_WINTER = re.compile(r"winter|hiver|invierno|inverno")
_NUMBERS = {word: i for names in (_MONTHS, _SEASONS) for i, words in enumerate(names, 1) for word in words.split()}
_WAVE = "(?:wave|welle|vague|oleada|ola|ondata|round|runde|ronda|survey|befragung|enquete|encuesta)"

# What a name may hold. Constant words around it change nothing; they are compared, so that all names are of one shape.
_NEW, _END = r"(?<![^\W_])", r"(?![^\W_])"  # no letter or digit before, none after
_Y = r"(?P<year>(?:19|20)\d\d)(?!\d)"
_YEAR, _APART = rf"(?<!\d){_Y}", r"[\s._/,-]*"
_M, _D = r"(?P<part>0?[1-9]|1[0-2])(?!\d)", r"(?P<day>0?[1-9]|[12]\d|3[01])(?!\d)"
_MM, _DD = r"(?P<part>0[1-9]|1[0-2])", r"(?P<day>[0-2]\d|3[01])"
_WORD, _SEASON = (rf"(?P<part>{'|'.join(' '.join(names).split())}){_END}\.?" for names in (_MONTHS, _SEASONS))
_DAY = rf"{_D}(?:st|nd|rd|th|\.)?"
_UNITS = (
    rf"(?:q|quarter\s)\s?(?P<part>[1-4]){_END}", rf"(?P<part>[1-4])\s?q{_END}", rf"h(?P<part>[12]){_END}",
    rf"(?P<part>[12])\s?h{_END}", rf"(?:w|wk|week|cw|kw|woche)\s?(?P<part>0?[1-9]|[1-4]\d|5[0-3]){_END}", _WORD,
    _SEASON,
)  # fmt: skip
_FORMS = [re.compile(form) for form in (
    *(rf"{_NEW}{unit}{_APART}(?:fy\s?)?{_YEAR}" for unit in _UNITS), *(rf"{_YEAR}{_APART}{unit}" for unit in _UNITS),
    rf"{_YEAR}[-/._ ]{_M}[-/._ ]{_D}", rf"(?<!\d)(?P<year>(?:19|20)\d\d){_MM}{_DD}(?!\d)",  # year, month and day
    rf"{_NEW}{_D}[-/. ]{_M}[-/. ]{_YEAR}", rf"{_NEW}{_DD}{_MM}{_Y}",  # day first
    rf"{_NEW}{_M}[-/. ]{_D}[-/. ]{_YEAR}", rf"{_NEW}{_MM}{_DD}{_Y}",  # month first
    rf"{_NEW}{_DAY}[\s-]*(?:of\s|de\s)?{_WORD}{_APART}{_YEAR}", rf"{_NEW}{_WORD}\s*{_DAY},?\s*{_YEAR}",
    rf"{_YEAR}[-/._ ](?P<part>\d\d?)(?!\d)", rf"(?<!\d)(?P<year>(?:19|20)\d\d){_MM}(?!\d)",  # year, a number within it
    rf"{_NEW}{_M}[-/._]{_YEAR}", rf"{_NEW}{_MM}{_Y}", _YEAR,
    rf"{_NEW}{_WAVE}(?:-|[\s_#.]*)(?:(?:no|nr)\.?\s?)?(?P<part>\d{{1,3}})(?![.,]?\d)",
    rf"(?<![\w.,/+-])(?P<part>\d{{1,3}})(?:st|nd|rd|th|\.)?[\s_-]?{_WAVE}{_END}", r"^#?(?P<part>\d{1,3})$",
)]  # fmt: skip


class Order(NamedTuple):
    """The waves of some answers in the order of time.

    Attributes:
        waves: In order, as far as one is known.
        why: What says so; blank of a single wave.
        known: All waves whose order is known, whether they occur or not.
        doubt: Why no order is known, and what to write; blank where one is.
    """

    waves: list[str]
    why: str
    known: list[str]
    doubt: str = ""


def ordered(found: Collection[str], declared: Sequence[str] = (), files: Sequence[str | None] = ()) -> Order:
    """The waves that occur in the order of time, and what says so.

    Args:
        found: The waves that occur.
        declared: `waves` of the mapping, the earliest first.
        files: Of each file of an explicit list, the wave that it is given; None where it is given none.

    Raises:
        CxError: A wave that occurs and that `waves` does not list.

    >>> ordered({"Q1 2026", "Q4 2025"})[:2]
    (['Q4 2025', 'Q1 2026'], 'as their names say')
    >>> ordered({"relaunch", "before"}, files=["before", "relaunch"])[:2]
    (['before', 'relaunch'], 'as the files are listed')
    """
    if declared and (unknown := sorted(set(found) - set(declared))):
        names = ", ".join(map(repr, unknown))
        raise CxError(f"waves: the mapping does not list {names}, found in the data; {nearest(unknown[0], declared)}")
    named, listed = by_names(found), _as_listed(found, files)
    if declared:
        kept = [wave for wave in declared if wave in found]
        against = ", against their names" if len(kept) > 1 and named not in (None, kept) else ""
        return Order(kept, MAPPED + against, list(declared))
    if len(found) < 2:
        return Order(list(found), "", list(found))
    write = "write `waves: [EARLIEST, ..., LATEST]` in the mapping"
    if named and listed and named != listed:
        words = f"by name their order is {_listing(named)}, in the list of files {_listing(listed)}"
        return Order(sorted(found), "", [], f"waves: {words}; list the files in the order of time, or {write}")
    if order := named or listed:
        return Order(order, NAMED if named else LISTED, order)
    return Order(sorted(found), "", [], f"waves: nothing says the order of {_listing(sorted(found))}: "
                                        f"{_doubt(found)}; {write}")  # fmt: skip


def together(first: Order, second: Order) -> Order:
    """The order of the waves of two sets of answers, which must not contradict that of either.

    Raises:
        CxError: Where none is known.
    """
    found = {*first.waves, *second.waves}
    for known, why in ((first.known, first.why), (second.known, second.why), (by_names(found) or [], NAMED)):
        kept = [wave for wave in known if wave in found]
        if len(kept) == len(found) and all([w for w in kept if w in one.waves] == one.waves for one in (first, second)):
            return Order(kept, why, known)
    one, other = _listing(first.waves), _listing(second.waves)
    raise CxError(f"waves: nothing says the order of {one} and {other} together; write all in `waves` of the mapping")


def by_names(names: Collection[str]) -> list[str] | None:
    """Names in the one order that all ways of reading them give; None where there is none.

    >>> by_names(["Wave 10", "Wave 9"]), by_names(["Okt 2025", "Jan 2026"])
    (['Wave 9', 'Wave 10'], ['Okt 2025', 'Jan 2026'])
    >>> by_names(["Oct", "Jan"]), by_names(["03/04/2026", "02/05/2026"]), by_names(["Wave 1", "pilot"])
    (None, None, None)
    """
    texts = [_plain(name) for name in names]
    if any(_WINTER.search(text) for text in texts):
        return None
    orders = []
    for form in _FORMS:
        read = [said for text in texts if (said := _read(form, text))]
        if len(read) == len(texts) and len({rest for _, rest in read}) == 1:
            keys = {name: key for name, (key, _) in zip(names, read, strict=True)}
            if len(set(keys.values())) < len(keys):
                return None  # two names say the same
            orders.append(sorted(keys, key=keys.__getitem__))
    return orders[0] if orders and all(order == orders[0] for order in orders) else None


def _plain(name: str) -> str:
    """A name in small letters without accents; a year of two digits only where it is marked as one."""
    text = "".join(mark for mark in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(mark))
    return " ".join(re.sub(r"(?:(\bfy\s?)|['’])(\d\d)(?!\d)", r"\g<1> 20\2", text).split())


def _read(form: re.Pattern[str], text: str) -> tuple[tuple[int, ...], str] | None:
    """When a name is, in numbers, and what else stands in it; None where the form does not fit, or fits twice."""
    found = list(form.finditer(text))
    if len(found) != 1:
        return None
    said = {"year": "0", "part": "0"} | found[0].groupdict()
    key = tuple(_NUMBERS.get(said[name]) or int(said[name]) for name in ("year", "part", "day") if name in said)
    try:
        dt.date(*key) if "day" in said else None
    except ValueError:
        return None
    return key, f"{text[: found[0].start()]}|{text[found[0].end() :]}"


def _as_listed(found: Collection[str], files: Sequence[str | None]) -> list[str] | None:
    """The waves as an explicit list of files has them; None where a file gives none, or waves come back."""
    runs = [wave for i, wave in enumerate(files) if wave in found and (i == 0 or wave != files[i - 1])]
    return [str(wave) for wave in runs] if None not in files and sorted(map(str, runs)) == sorted(found) else None


def _doubt(names: Collection[str]) -> str:
    """Why names are doubtful, in words."""
    unread = [name for name in sorted(names) if by_names([name]) is None]
    if unread:
        return f"{_listing(unread)} {'does' if len(unread) == 1 else 'do'} not say beyond doubt when it was"
    return "the names are not written alike, or can be read in two ways"


def _listing(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
