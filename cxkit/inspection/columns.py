"""What an export shows of its columns: how full, how many values, which numbers, which codes.

Counted in the database.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ibis
import pyarrow as pa

from cxkit.input import values
from cxkit.input.databases import Table, aggregated, count, enough_memory, literal, stored
from cxkit.input.sources import Source
from cxkit.input.values import NO_ANSWER_WORDS
from cxkit.inspection.words import DATE, code, folded, no_answer

LISTED = 60  # up to so many different values, a column's values are counted one by one
WIDEST = 1000  # columns that are looked at
AT_ONCE = 100  # columns of one query


@dataclass(frozen=True, slots=True)
class Column:
    """What one column holds.

    Attributes:
        name: The column.
        question: Wording of its question, or the name again.
        rows: Rows of the table.
        filled: Rows that hold something.
        distinct: Different values.
        numbers: Rows that hold a number, in digits.
        low: The smallest number.
        high: The largest.
        values: Value -> rows, most frequent first, of columns with few values.
        typed: "text", "number", "time" or "other": the column's type, not its content.
        labels: Code -> label, where the file has them.
        absent: Codes of these that the file itself declares to be no answer.
        mean: The mean of the numbers.
        dated: Rows that begin like a date.
        blanks: Words and marks that stand for no answer -> rows.
    """

    name: str
    question: str
    rows: int
    filled: int = 0
    distinct: int = 0
    numbers: int = 0
    low: float | None = None
    high: float | None = None
    values: Mapping[str, int] = field(default_factory=dict)
    typed: str = "text"
    labels: Mapping[str, str] = field(default_factory=dict)
    absent: Collection[str] = ()
    mean: float | None = None
    dated: int = 0
    blanks: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        words = f"{self.filled:,} of {self.rows:,} filled, {self.distinct:,} different"
        if self.numbers and self.low is not None and self.high is not None:
            words += f", numbers {self.low:g} to {self.high:g}"
        if self.blanks:
            words += f", {sum(self.blanks.values()):,} of them {' or '.join(self.blanks)}"
        return words

    def named(self, words: str) -> bool:
        """Whether a pattern fits the folded name of the column."""
        return bool(re.search(words, folded(self.name)))

    def speaks(self, words: str) -> bool:
        """Whether a pattern fits its folded name or question."""
        return bool(re.search(words, folded(self.name)) or re.search(words, folded(self.question)))

    @property
    def answers(self) -> dict[str, int]:
        """Value -> rows, without what stands for no answer by its word, or by the file."""
        return {v: n for v, n in self.values.items() if not no_answer(v) and v not in self.absent}

    @property
    def codes(self) -> dict[str, float]:
        """Value -> the code that it is, begins with or ends with, of those that have one.

        >>> Column("a", "a", 3, values={"9": 1, "10 - Extremely likely": 1, "often": 1}).codes
        {'9': 9.0, '10 - Extremely likely': 10.0}
        """
        return {value: found for value in self.values if (found := code(value)) is not None}

    @property
    def stray(self) -> int:
        """How many values of a column of times do not even begin like one."""
        return self.filled - self.dated if self.typed == "text" else 0


class Export(NamedTuple):
    """An export that is inspected: where it came from, the rows that are looked at, and its columns."""

    opened: Source
    table: Table
    columns: list[Column]


def look(
    table: Table,
    questions: Mapping[str, str] | None = None,
    labels: Mapping[str, Mapping[str, str]] | None = None,
    absent: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Column]:
    """What every column of a table holds (of the first thousand of them).

    Args:
        table: Any Ibis table.
        questions: Column -> wording, where it is not the name.
        labels: Column -> code -> label, where the file has them.
        absent: Column -> code -> label, of the codes for no answer that a file itself declares.

    >>> import pyarrow as pa
    >>> (score,) = look(ibis.memtable(pa.table({"score": ["9", "10", "11", None]})))
    >>> print(score)
    3 of 4 filled, 3 different, numbers 9 to 11
    """
    columns, rows = list(table.columns)[:WIDEST], count(table)
    with stored(table.select(**{str(i): values.text(table[name]) for i, name in enumerate(columns)})) as texts:
        many = _many(texts)
        counts = {i: _counted(texts, i) for i in texts.columns if i not in many}
        found = _of_values(counts)
        for i in many:
            asked = _facts(texts[i], ibis.literal(1))
            found[i] = dict(zip(asked, aggregated(texts, *asked.values()), strict=True))
        blanks = {i: counts[i] if i in counts else _counted(texts, i, NO_ANSWER_WORDS) for i in texts.columns}
    return [
        Column(
            name,
            (questions or {}).get(name, name),
            rows,
            **found.get(i, {}),
            values=counts[i] if len(counts.get(i, ())) <= LISTED and i in counts else {},
            blanks={value: n for value, n in blanks[i].items() if value.lower() in NO_ANSWER_WORDS},
            typed=_typed(table[name]),
            labels=(labels or {}).get(name, {}),
            absent=tuple((absent or {}).get(name, ())),
        )
        for i, name in zip(texts.columns, columns, strict=True)
    ]


def _many(texts: Table) -> list[str]:
    """The columns of too many values to count one by one; roughly, for all at once."""
    found = []
    for start in range(0, len(texts.columns), AT_ONCE):
        some = texts.columns[start : start + AT_ONCE]
        sizes = aggregated(texts, *(texts[i].approx_nunique() for i in some))
        found += [i for i, n in zip(some, sizes, strict=True) if n > 2 * LISTED]
    return found


def _counted(texts: Table, column: str, only: Collection[str] = ()) -> dict[str, int]:
    """Value -> rows, most frequent first, of all values of a column or of these.

    In the words of the in-process database: of hundreds of columns Ibis takes longer to say it than that to do it.
    """
    held = f"WHERE lower(value) IN ({', '.join(map(literal, sorted(only)))})" if only else "WHERE value IS NOT NULL"
    cells = f'SELECT "{column}" AS value FROM "{texts.op().name}"'
    query = f"SELECT value, count(*) FROM ({cells}) {held} GROUP BY 1 ORDER BY 2 DESC, 1"
    with enough_memory():
        return dict(texts.get_backend().raw_sql(query).fetchall())


def _facts(text: Any, rows: Any) -> dict[str, Any]:
    """What a column of text is summed up to; `rows` is how many rows each of its values stands for."""
    digits = text < ":"  # a number or a date begins with a digit or a sign; the others need not be tried
    number = digits.ifelse(values.number(text), ibis.null("float64"))
    number = (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number)
    known = number.notnull().ifelse(rows, 0).sum()
    return {
        "filled": text.notnull().ifelse(rows, 0).sum(),
        "distinct": text.nunique(),
        "numbers": known,
        "low": number.min(),
        "high": number.max(),
        "mean": (number * rows).sum() / known.nullif(0),
        "dated": (digits & text.re_search(DATE)).ifelse(rows, 0).sum(),
    }


def _of_values(counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, Any]]:
    """The facts of columns whose values are counted: a value is looked at once, however many rows hold it."""
    cells = [(i, value, n) for i, found in counts.items() for value, n in found.items()]
    if not cells:
        return {}
    parts = dict(zip(("column", "value", "n"), zip(*cells, strict=True), strict=True))
    table = ibis.memtable(pa.table({**parts, "value": pa.array(parts["value"], "string")}))
    rows = table.group_by("column").agg(**_facts(table.value, table.n)).to_pyarrow().to_pylist()
    return {row.pop("column"): row for row in rows}


def _typed(column: Any) -> str:
    kind = column.type()
    if kind.is_string():
        return "text"
    if kind.is_timestamp() or kind.is_date():
        return "time"
    return "number" if kind.is_numeric() else "other"
