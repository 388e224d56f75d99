"""What a table shows of its columns: how full, how many values, which numbers. Counted by Ibis expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
from ibis import selectors

from cxkit.data import values

Table = Any  # ibis.expr.types.Table

LISTED = 60  # up to so many different values, a column's values are counted one by one
WIDEST = 1000  # columns that are looked at


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one column holds.

    Attributes:
        name: The column.
        question: Wording of its question, or the name again.
        rows: Rows of the table.
        filled: Rows that hold something.
        distinct: Different values.
        numbers: Rows that hold a number, in digits.
        whole: Those of them that are whole.
        low: The smallest number.
        high: The largest.
        values: Value -> rows, most frequent first, of columns with few values.
        typed: "text", "number", "time" or "other": the column's type, not its content.
        labels: Code -> label, where the file has them.
    """

    name: str
    question: str
    rows: int
    filled: int
    distinct: int
    numbers: int
    whole: int
    low: float | None
    high: float | None
    values: Mapping[str, int] = field(default_factory=dict)
    typed: str = "text"
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = f"{self.filled:,} of {self.rows:,} filled, {self.distinct:,} different"
        if self.numbers and self.low is not None and self.high is not None:
            words += f", numbers {self.low:g} to {self.high:g}"
        return words


def look(
    table: Table, questions: Mapping[str, str] | None = None, labels: Mapping[str, Mapping[str, str]] | None = None
) -> list[Evidence]:
    """The evidence of every column of a table (the first thousand of them).

    Args:
        table: Any Ibis table.
        questions: Column -> wording, where it is not the name.
        labels: Column -> code -> label, where the file has them.

    >>> import pyarrow as pa
    >>> (score,) = look(ibis.memtable(pa.table({"score": ["9", "10", "11", None]})))
    >>> print(score)
    3 of 4 filled, 3 different, numbers 9 to 11
    """
    columns = list(table.columns)[:WIDEST]
    rows = int(table.count().to_pyarrow().as_py())
    long = _long(table, columns)
    number = _number(long.value)
    summary = (
        long.mutate(number=number, whole=number == number.floor())
        .group_by("column")
        .agg(
            filled=lambda t: t.count(),
            distinct=lambda t: t.value.nunique(),
            numbers=lambda t: t.number.count(),
            whole=lambda t: t.whole.sum(),
            low=lambda t: t.number.min(),
            high=lambda t: t.number.max(),
        )
    )
    found = {columns[int(row.pop("column"))]: row for row in summary.to_pyarrow().to_pylist()}
    counts = _values(table, [name for name, row in found.items() if row["distinct"] <= LISTED])
    nothing = {"filled": 0, "distinct": 0, "numbers": 0, "whole": 0, "low": None, "high": None}
    return [
        Evidence(
            name=name,
            question=(questions or {}).get(name, name),
            rows=rows,
            **(nothing | found.get(name, {}) | {"whole": int(found.get(name, nothing)["whole"] or 0)}),
            values=counts.get(name, {}),
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


def _number(column: Any) -> Any:
    number = values.number(column)
    return (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number)


def _typed(column: Any) -> str:
    kind = column.type()
    if kind.is_string():
        return "text"
    if kind.is_timestamp() or kind.is_date():
        return "time"
    return "number" if kind.is_numeric() else "other"


def _values(table: Table, columns: Sequence[str]) -> dict[str, dict[str, int]]:
    if not columns:
        return {}
    counted = _long(table, columns).group_by(["column", "value"]).agg(n=lambda t: t.count())
    found: dict[str, dict[str, int]] = {name: {} for name in columns}
    for row in sorted(counted.to_pyarrow().to_pylist(), key=lambda row: (-row["n"], row["value"])):
        found[columns[int(row["column"])]][row["value"]] = int(row["n"])
    return found
