"""The audit of a run's data as tables: one function, which knows the parts by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxkit.present import wording
from cxkit.present.html import Html, name, tag
from cxkit.present.tables import table

CAPTIONS = {  # part -> what its table holds, what to say where there is nothing, a note below
    "answers": ("Answers per column", "No column was mapped.", ""),
    "refused": (
        "Refused, by reason",
        "Nothing was refused.",
        "Rows are numbered from 1 below the headers. What is refused is counted, never repaired.",
    ),
    "respondents": ("Who answered", "The mapping has no respondents.", ""),
    "weights": ("Weights", "The answers carry no weights.", ""),
    "time": ("Time", "The answers are in waves; no time was read.", ""),
    "response": ("Response rate", "How many people were invited is not known, so there is no response rate.", ""),
    "waves": (
        "Levels that only one of two successive waves has",
        "All levels occur in every wave.",
        "Mostly a code that changed; a comparison across such a change says nothing.",
    ),
    "reports": (
        "Share of the answers that each level holds",
        "There are no dimensions.",
        "Below ten answers: not shown.",
    ),
    "checks": ("What has to fit together", "There is nothing to check.", ""),
}
WORDS = {"n": "Answers", "share": "Share", "rate": "Rate", "held": "Holds", "rows": "Rows"}


def audit_table(part: str, frame: pd.DataFrame) -> Html:
    """One part of the audit as a table, or a sentence where it has nothing to say.

    Args:
        part: A key of `CAPTIONS`.
        frame: The part, as `cx.audited` gives it.
    """
    caption, nothing, note = CAPTIONS[part]
    if frame.empty:
        return tag("p", nothing)
    columns = [str(column) for column in frame.columns]
    head = [WORDS.get(column, column.replace("_", " ").capitalize()) for column in columns]
    body = [[_cell(column, value) for column, value in zip(columns, row, strict=True)] for row in _rows(frame)]
    names = [value for row in _rows(frame) for value in row if isinstance(value, str)]
    return table(head, body, caption, [note] if note else [], names=names)


def audit_tables(found: Mapping[str, pd.DataFrame]) -> Html:
    """Every part of the audit, in order, each under its heading."""
    if not found:
        return tag("p", "This run was made without an audit of its data.")
    parts = [tag("section", tag("h2", CAPTIONS[part][0]), audit_table(part, frame)) for part, frame in found.items()]
    return tag("div", *parts)


def _rows(frame: pd.DataFrame) -> list[list[Any]]:
    return [list(row) for row in frame.itertuples(index=False, name=None)]


def _cell(column: str, value: Any) -> tuple[object, str]:
    if isinstance(value, bool) or column == "held":
        return ("yes" if value else "NO"), ""
    if value is None or value != value:  # NaN is no number, and not even itself
        return "not shown", "cx-n"
    if column in ("share", "rate"):
        return f"{float(value):.1f}%", "cx-n"
    if isinstance(value, int | float):
        return wording.count(value), "cx-n"
    return name(value), ""
