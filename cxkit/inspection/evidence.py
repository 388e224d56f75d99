"""What a table shows of its columns: how full, how many values, which numbers, and how much speaks for a known item.

Counted by Ibis expressions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
from ibis import selectors

from cxkit.input import values
from cxkit.input.values import NO_ANSWER_WORDS

Table = Any  # ibis.expr.types.Table

LISTED = 60  # up to so many different values, a column's values are counted one by one
WIDEST = 1000  # columns that are looked at
DATE = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"  # how a time begins, whatever comes first in it


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
        mean: The mean of the numbers.
        dated: Rows that begin like a date.
        blanks: Words and marks that stand for no answer -> rows.
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
            mean=lambda t: t.number.mean(),
            dated=lambda t: t.value.re_search(DATE).sum(),
        )
    )
    found = {columns[int(row.pop("column"))]: row for row in summary.to_pyarrow().to_pylist()}
    counts = _values(table, [name for name, row in found.items() if row["distinct"] <= LISTED])
    blanks = _values(table, columns, NO_ANSWER_WORDS)
    nothing = {
        "filled": 0,
        "distinct": 0,
        "numbers": 0,
        "whole": 0,
        "low": None,
        "high": None,
        "mean": None,
        "dated": 0,
    }
    return [
        Evidence(
            name=name,
            question=(questions or {}).get(name, name),
            rows=rows,
            **(nothing | found.get(name, {}) | {"whole": int(found.get(name, nothing)["whole"] or 0)}),
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


def _values(table: Table, columns: Sequence[str], only: Collection[str] = ()) -> dict[str, dict[str, int]]:
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


WORDS = {  # words in a name or question that speak for an item
    "nps": r"\bnps\b|net ?promot|netpro|recommend|empfehl|recomend",
    "csat": r"satisf|\bcsat\b|zufrieden|overall rating|\w*\dALL\b|overall",
    "ces": r"\bces\b|effort|\beas(y|e)\b",
}
ASKED = {  # words in a name or question that speak for an item of yes and no
    "churn": r"\bchurn|attrition",
    "resolved": r"made.?sla|sla.?(met|made|kept)|(within|in).?sla|(resolved|solved).?(in|within|on).?time",
    "recommended": r"\b(have|has) recommended|^recommended$",
    "exceeded": r"\bexceed",
    "would_switch": r"would.?switch",
}
YES = ("yes", "true", "y", "1", "ja", "oui", "sí")
NO = ("no", "false", "n", "0", "nein", "non")
ENOUGH, LOW = 20, 7  # of so many answers one would be above this code, were the scale 0-10
SCALES = {"nps": [(0, 10)], "csat": [(1, 5)], "ces": [(1, 7), (1, 5)]}
NO_ANSWER = {-9, -8, -1, 88, 97, 98, 99, 997, 998, 999}  # codes that often stand for none; they are asked about


def points(one: Evidence, item: str, scale: tuple[int, int]) -> float:
    """How much speaks for a column to hold an item: its words, and answers of which nearly all lie on the scale.

    Args:
        one: What the column holds.
        item: A key of `WORDS`; "" for any question on the scale.
        scale: Lowest and highest answer.

    Returns:
        0 where it cannot be; the more, the likelier.

    >>> one = Evidence("NETPRO", "NETPRO", 40, 40, 3, 40, 40, 0, 11, {"9": 30, "0": 8, "11": 2})
    >>> points(one, "nps", (0, 10)) > points(one, "csat", (1, 5))
    True
    """
    if re.search(r"NPS.?GROUP|- Group$", f"{one.name} {one.question}"):
        return 0
    codes = codes_of(one)
    if item == "csat" and {"good", "bad"} <= {value.casefold() for value in one.values}:
        return 9
    blank = {value for value in one.values if value.casefold() in NO_ANSWER_WORDS or codes.get(value) in NO_ANSWER}
    answers = sum(n for value, n in one.values.items() if value not in blank)
    inside = {v: n for v, n in one.values.items() if v in codes and scale[0] <= codes[v] <= scale[1]}
    spoken = speaks(one, item)
    if not inside or sum(inside.values()) < (0.5 if spoken else 0.8) * max(answers, 1):
        return 0
    reach = {codes[value] for value in inside}
    if item == "nps" and answers >= ENOUGH and max(reach) <= LOW:
        return 0  # words of a recommendation on 1-5 or 1-7: read as 0-10 everybody would be a detractor
    whole_scale = len(reach) / (scale[1] - scale[0] + 1)
    wide = item == "nps" and max(reach) > 7 and len(reach) >= 8 and len(one.values) - len(inside) <= 3
    if item and not spoken and not wide:
        return 0
    return (4 if spoken else 0) + whole_scale + sum(inside.values()) / one.rows


def speaks(one: Evidence, item: str) -> bool:
    """Whether the words of a column's name or question speak for an item; answers alone may be of any question."""
    return bool(item) and bool(re.search(WORDS[item], f"{one.name} {one.question}", re.I))


def codes_of(one: Evidence) -> dict[str, float]:
    """Value -> the code that it is or begins with, of those that have one.

    >>> codes_of(Evidence("a", "a", 3, 3, 3, 1, 1, 9, 9, {"9": 1, "10 - Extremely likely": 1, "often": 1}))
    {'9': 9.0, '10 - Extremely likely': 10.0}
    """
    found = {v: re.match(r"\s*(-?\d+)(\.0+)?(?=\s*$|\s*[-–—:=.)]\s*\D)", v) for v in one.values}
    return {value: float(match[1]) for value, match in found.items() if match}


def yes_no(one: Evidence, item: str) -> dict[str, int] | None:
    """Value -> 1 or 0 where a column's words speak for an item of yes and no, and it holds both and nothing else.

    >>> yes_no(Evidence("Churn", "Churn", 3, 3, 2, 0, 0, None, None, {"No": 2, "Yes": 1}), "churn")
    {'No': 0, 'Yes': 1}
    """
    if not re.search(ASKED[item], f"{one.name} {one.question}", re.I):
        return None
    answers = [value for value in one.values if value.casefold() not in NO_ANSWER_WORDS]
    codes = {v: 1 if v.casefold() in YES else 0 for v in answers if v.casefold() in (*YES, *NO)}
    return codes if len(codes) == len(answers) == 2 and set(codes.values()) == {0, 1} else None
