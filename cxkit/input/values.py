"""How any column of an export is read: as trimmed text, as a number, as one of the declared codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import add, or_

import ibis

from cxkit.input.databases import Column, Table
from cxkit.schema import BLANK

NO_ANSWER_WORDS = {
    "", "?", "-", ".", "blank", "(blank)", "n/a", "na", "n.a.", "none", "null", "missing", "no answer", "not answered",
    "unanswered", "not offered", "offered", "prefer not to say", "don't know", "dont know", "don’t know",
    "not applicable", "refused", "no opinion", "keine angabe", "k.a.", "weiß nicht", "weiss nicht", "trifft nicht zu",
    "ne sait pas", "nsp", "ns/nr", "keine antwort",
    "sans réponse", "non concerné", "ns/nc", "no sabe", "no contesta", "no aplica", "não sei", "não se aplica",
    "prefiro não responder", "non so", "non risponde", "non applicabile",
}  # fmt: skip


def text(column: Column) -> Column:
    """Trimmed text; empty is null. A whole number is written as one: 1 in a text file may be 1.0 in a data frame."""
    if not column.type().is_floating():
        return column.cast("string").strip().nullif("")
    whole = (column == column.floor()) & (column.abs() < 2**53)
    written = whole.ifelse(column.cast("int64").cast("string"), column.cast("string"))
    return column.isnan().ifelse(ibis.null("string"), written)


def is_blank(column: Column) -> Column:
    """Whether there is nothing: no text beside blanks, no number."""
    if column.type().is_floating():
        return column.isnull() | column.isnan()
    return text(column).isnull() if column.type().is_string() else column.isnull()


def indicator(holds: Column) -> Column:
    """1 where something holds, 0 where not; by way of 32 bits, for PostgreSQL makes no others of a truth."""
    return holds.cast("int32").cast("int64")


THOUSANDS = "\\d{1,3}([,.' \u00a0\u202f]\\d{3})+"  # a whole number with marks between its thousands


def with_point(table: Table, columns: Iterable[str]) -> Table:
    """A table in which numbers of some columns that have a decimal comma have a point; other text is as it stands."""
    texts = {name: table[name] for name in columns if table[name].type().is_string()}
    comma = r"^\s*[+-]?\d+,\d+\s*$"
    return table.mutate(
        **{name: one.re_search(comma).ifelse(one.replace(",", "."), one) for name, one in texts.items()}
    )


def number(column: Column) -> Column:
    """The number that an answer is, null where it is none."""
    if not column.type().is_string():
        return column.cast("float64")
    written = text(column)
    return written.contains("_").ifelse(ibis.null("float64"), written.try_cast("float64"))  # DuckDB reads 1_0 as 10


def is_code(column: Column, code: str) -> Column:
    """Whether an answer is a declared code: as text, or as the same number (11 and 11.0 are one code)."""
    same = [text(column) == code] if column.type().is_string() or not _is_number(code) else []
    if _is_number(code):
        same.append(number(column) == float(code))
    return reduce(lambda a, b: a | b, same).fill_null(False)


def among(table: Table, kind: Mapping[str, Iterable[object]]) -> Column:
    """Whether any of these columns holds one of its codes; "(blank)" is an empty cell."""
    held = (is_blank(table[name]) if code == BLANK else is_code(table[name], str(code))
            for name, codes in kind.items() for code in codes)  # fmt: skip
    return reduce(or_, held, ibis.literal(False))


def _is_number(code: str) -> bool:
    try:
        float(code)
    except ValueError:
        return False
    return True


_NUMBER = r"(\d+(?:\.\d+)?)"
_AND = ",? ?(?:and )?"
_CLOCK = rf"^(?:{_NUMBER} ?(?:d|days?){_AND})?(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)$"
_UNITS = ("d|days?", "h|hrs?|hours?", "m|mins?|minutes?", "s|secs?|seconds?")
_WORDS = "^p?{}t?{}{}{}$".format(*(rf"(?:{_NUMBER} ?(?:{unit}){_AND})?" for unit in _UNITS))
_EACH = (1440.0, 60.0, 1.0, 1 / 60)  # minutes of a day, an hour, a minute, a second
_TWO = {"h:mm": (60.0, 1.0), "m:ss": (1.0, 1 / 60)}


def minutes(column: Column, unit: str, length: float | None) -> Column:
    """The minutes of a duration as it is written: `00:02:23`, `1 day, 2:03:04`, `2h 5m`, `PT2H5M`, or a number.

    Args:
        column: The column.
        unit: "h:mm" or "m:ss", which of the two `2:05` is; or the unit of plain numbers.
        length: The minutes of this unit; None where plain numbers are no durations.
    """
    if column.type().is_numeric():
        return number(column) * length if length else ibis.null("float64")
    written = text(column).lower()
    plain = number(column) * (length or 0.0)
    two = rf"^{_NUMBER}:([0-5]\d)$"
    return ibis.cases(
        (plain.notnull() & ibis.literal(length is not None), plain),
        (written.re_search(_CLOCK), _summed(written, _CLOCK, _EACH)),
        (written.re_search(two) & ibis.literal(length is None), _summed(written, two, _TWO.get(unit, (0.0, 0.0)))),
        (written.re_search(_WORDS) & written.re_search(r"\d"), _summed(written, _WORDS, _EACH)),
        else_=ibis.null("float64"),
    )


def _summed(written: Column, pattern: str, each: tuple[float, ...]) -> Column:
    """The numbers that a pattern finds in a text, each times its minutes."""
    parts = [
        written.re_extract(pattern, i).nullif("").try_cast("float64").fill_null(0.0) for i, _ in enumerate(each, 1)
    ]
    return reduce(add, (part * length for part, length in zip(parts, each, strict=True)))
