"""How any column of an export is read: as trimmed text, as a number, as one of the declared codes."""

from __future__ import annotations

from functools import reduce

import ibis

from cxkit.input.databases import Column

NO_ANSWER_WORDS = {"", "?", "-", ".", "blank", "n/a", "na", "none", "null", "missing", "no answer", "not answered",
                   "unanswered", "not offered", "offered", "prefer not to say", "don't know", "not applicable",
                   "refused"}  # fmt: skip


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


def _is_number(code: str) -> bool:
    try:
        float(code)
    except ValueError:
        return False
    return True
