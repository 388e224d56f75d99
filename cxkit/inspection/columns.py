"""What an export shows of its columns: how full, how many values, which numbers, which codes.

Counted in the database.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ibis
import pandas as pd
import pyarrow as pa

from cxkit.input import values
from cxkit.input.databases import Table, aggregated, collect, count, enough_memory, literal, stored, viewed
from cxkit.input.sources import Source
from cxkit.input.values import NO_ANSWER_WORDS
from cxkit.inspection.words import DATE, code, folded, no_answer

LISTED = 60  # up to so many different values, a column's values are counted one by one
WIDEST = 1000  # columns that are looked at
HEAD = 1000  # rows that are looked at one by one
_UNIT = r"(d|h|m|s|days?|hrs?|hours?|mins?|minutes?|secs?|seconds?)"
CLOCKED = rf"^((\d+ days?,? )?\d+(:\d{{2}}){{1,2}}|(\d+(\.\d+)? ?{_UNIT},?( and)?( |$)?)+)$"
BLANKS = " \t\n\r\v\f"  # what a database trims
AT_ONCE = 50  # columns of one query


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
        clocked: Rows that are a duration such as 00:02:23 or 2h 5m.
        blanks: Words and marks that stand for no answer -> rows.
        head: Value -> how often, of all rows, or of columns of many values of the first ones.
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
    clocked: int = 0
    blanks: Mapping[str, int] = field(default_factory=dict)
    head: Mapping[str, int] = field(default_factory=dict)

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
    def seen(self) -> Mapping[str, int]:
        """Value -> rows, of all rows unless there are many values, else of the first ones."""
        return self.values or self.head

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
        table: A table of an in-process database.
        questions: Column -> wording, where it is not the name.
        labels: Column -> code -> label, where the file has them.
        absent: Column -> code -> label, of the codes for no answer that a file itself declares.

    >>> import pandas as pd
    >>> from cxkit.input.sources import open_source
    >>> (score,) = look(open_source(pd.DataFrame({"score": ["9", "10", "11", None]})).table)
    >>> print(score)
    3 of 4 filled, 3 different, numbers 9 to 11
    """
    columns, rows = list(table.columns)[:WIDEST], count(table)
    with viewed(table.select(**{str(i): _written(table[name]) for i, name in enumerate(columns)})) as texts:
        many = _many(texts)
        head = collect(texts.select(*many).head(HEAD)) if many else pd.DataFrame()
        counts = _counts(texts, [i for i in texts.columns if i not in many])
        found = _of_values(counts)
        blanks = dict(counts)
        for some in _some(many):
            with stored(texts.select(**{i: values.text(texts[i]) for i in some})) as wide:
                blanks |= _counts(wide, some, NO_ANSWER_WORDS)
                asked = _facts(wide[some[0]], ibis.literal(1))
                sql = wide.get_backend().compile(wide.agg(**asked))  # once: its words cost more than its answer
                for i in some:  # one query for all would take all memory
                    with enough_memory():
                        (row,) = wide.get_backend().raw_sql(sql.replace(f'"{some[0]}"', f'"{i}"')).fetchall()
                    found[i] = dict(zip(asked, row, strict=True))
    return [
        Column(
            name,
            (questions or {}).get(name, name),
            rows,
            **found.get(i, {}),
            values=counts[i] if len(counts.get(i, ())) <= LISTED and i in counts else {},
            blanks={value: n for value, n in blanks[i].items() if value.lower() in NO_ANSWER_WORDS},
            head=Counter(v.strip(BLANKS) for v in head[i].dropna()) if i in many else counts.get(i, {}),
            typed=_typed(table[name]),
            labels=(labels or {}).get(name, {}),
            absent=tuple((absent or {}).get(name, ())),
        )
        for i, name in zip(texts.columns, columns, strict=True)
    ]


def _written(column: Any) -> Any:
    """A column as text that is not trimmed yet: of a column of few values only these need to be."""
    return values.text(column) if column.type().is_floating() else column.cast("string")


def _some(columns: Sequence[str]) -> list[Sequence[str]]:
    """The columns of one query each: a thousand in one would take all memory."""
    return [columns[i : i + AT_ONCE] for i in range(0, len(columns), AT_ONCE)]


def _many(texts: Table) -> list[str]:
    """The columns of too many values to count one by one; roughly, for all at once."""
    sizes = [n for some in _some(texts.columns) for n in aggregated(texts, *(texts[i].approx_nunique() for i in some))]
    return [i for i, n in zip(texts.columns, sizes, strict=True) if n > 2 * LISTED]


def _counts(texts: Table, columns: Sequence[str], only: Collection[str] = ()) -> dict[str, dict[str, int]]:
    """Column -> value -> rows, most frequent first, of all values or of these.

    In the words of the in-process database: Ibis has none for a histogram, and a query for each column takes longer.
    """
    words = ", ".join(map(literal, sorted(only)))
    found = {}
    for some in _some(columns):
        asked = [f'histogram("{i}")' + f' FILTER (lower(trim("{i}")) IN ({words}))' * bool(only) for i in some]
        with enough_memory():
            (row,) = texts.get_backend().raw_sql(f'SELECT {", ".join(asked)} FROM "{texts.op().name}"').fetchall()
        for i, held in zip(some, row, strict=True):
            trimmed: Counter[str] = Counter()
            for value, n in (held or {}).items():
                trimmed[value.strip(BLANKS)] += n
            trimmed.pop("", None)
            found[i] = dict(sorted(trimmed.items(), key=lambda of: (-of[1], of[0])))
    return found


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
        "clocked": (digits & text.re_search(CLOCKED)).ifelse(rows, 0).sum(),
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
