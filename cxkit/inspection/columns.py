"""What an export shows of its columns: how full, how many values, which numbers, which codes.

Counted by Ibis expressions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ibis
from ibis import selectors

from cxkit.input import values
from cxkit.input.databases import Table, count
from cxkit.input.sources import Source
from cxkit.input.values import NO_ANSWER_WORDS

LISTED = 60  # up to so many different values, a column's values are counted one by one
WIDEST = 1000  # columns that are looked at
DATE = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"  # how a time begins, whatever comes first in it


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
        """Whether a pattern fits the name of the column."""
        return bool(re.search(words, self.name, re.I))

    def speaks(self, words: str) -> bool:
        """Whether a pattern fits its name or question."""
        return bool(re.search(words, f"{self.name} {self.question}", re.I))

    @property
    def codes(self) -> dict[str, float]:
        """Value -> the code that it is or begins with, of those that have one.

        >>> Column("a", "a", 3, values={"9": 1, "10 - Extremely likely": 1, "often": 1}).codes
        {'9': 9.0, '10 - Extremely likely': 10.0}
        """
        found = {v: re.match(r"\s*(-?\d+)(\.0+)?(?=\s*$|\s*[-–—:=.)]\s*\D)", v) for v in self.values}
        return {value: float(match[1]) for value, match in found.items() if match}

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
    table: Table, questions: Mapping[str, str] | None = None, labels: Mapping[str, Mapping[str, str]] | None = None
) -> list[Column]:
    """What every column of a table holds (of the first thousand of them).

    Args:
        table: Any Ibis table.
        questions: Column -> wording, where it is not the name.
        labels: Column -> code -> label, where the file has them.

    >>> import pyarrow as pa
    >>> (score,) = look(ibis.memtable(pa.table({"score": ["9", "10", "11", None]})))
    >>> print(score)
    3 of 4 filled, 3 different, numbers 9 to 11
    """
    columns, rows = list(table.columns)[:WIDEST], count(table)
    long = _long(table, columns)
    number = values.number(long.value)
    summary = (
        long.mutate(number=(number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number))
        .group_by("column")
        .agg(
            filled=lambda t: t.count(),
            distinct=lambda t: t.value.nunique(),
            numbers=lambda t: t.number.count(),
            low=lambda t: t.number.min(),
            high=lambda t: t.number.max(),
            mean=lambda t: t.number.mean(),
            dated=lambda t: t.value.re_search(DATE).sum(),
        )
    )
    found = {columns[int(row.pop("column"))]: row for row in summary.to_pyarrow().to_pylist()}
    counts = _counts(table, [name for name, row in found.items() if row["distinct"] <= LISTED])
    blanks = _counts(table, columns, NO_ANSWER_WORDS)
    return [
        Column(
            name,
            (questions or {}).get(name, name),
            rows,
            **found.get(name, {}),
            values=counts.get(name, {}),
            blanks=blanks[name],
            typed=_typed(table[name]),
            labels=(labels or {}).get(name, {}),
        )
        for name in columns
    ]


def _long(table: Table, columns: Sequence[str]) -> Table:
    """A row for each cell that holds something: place of its column, value as text. One query for any width."""
    texts = table.select(**{str(i): values.text(table[name]) for i, name in enumerate(columns)})
    cells = texts.pivot_longer(selectors.all(), names_to="column", values_to="value")
    return cells.filter(cells.value.notnull())


def _typed(column: Any) -> str:
    kind = column.type()
    if kind.is_string():
        return "text"
    if kind.is_timestamp() or kind.is_date():
        return "time"
    return "number" if kind.is_numeric() else "other"


def _counts(table: Table, columns: Sequence[str], only: Collection[str] = ()) -> dict[str, dict[str, int]]:
    """Column -> value -> rows, most frequent first, of all values or of these."""
    if not columns:
        return {}
    cells = _long(table, columns)
    cells = cells.filter(cells.value.lower().isin(sorted(only))) if only else cells
    counted = cells.group_by(["column", "value"]).agg(n=lambda t: t.count())
    found: dict[str, dict[str, int]] = {name: {} for name in columns}
    for row in sorted(counted.to_pyarrow().to_pylist(), key=lambda row: (-row["n"], row["value"])):
        found[columns[int(row["column"])]][row["value"]] = int(row["n"])
    return found
