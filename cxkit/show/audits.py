"""The audit of a run's data as tables: one function, which knows the parts by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxkit.show import wording
from cxkit.show.html import LONG, Html, join, name, tag
from cxkit.show.rows import rows
from cxkit.show.tables import table

CAPTIONS = {  # part -> heading, what its table holds, what to say where there is nothing, a note below
    "files": ("Files", "What was read", "Nothing was read.", "Hashes of the files are in the index and the manifest."),
    "answers": (
        "Answers",
        "Answers that the totals hold",
        "No column was mapped.",
        "Answers: in the totals that the pages show, over all periods.",
    ),
    "refused": (
        "Refused",
        "Refused answers, by reason",
        "Nothing was refused.",
        "What is refused is counted, never repaired.",
    ),
    "respondents": ("Respondents", "Who answered", "The mapping has no respondents.", ""),
    "straightlining": (
        "Straight-lining",
        "The same place of the scale throughout",
        "No three questions have scales of four answers or more, so nothing tells who answered without reading.",
        "Of those who answered three of these questions or more: all at the lowest, the middle, the highest or "
        "another same place of their scales. A high share can be haste, or content customers. Questions with two or "
        "three answers are left out: the same answer throughout says nothing there.",
    ),
    "weights": ("Weights", "What the weights do", "The answers carry no weights.", ""),
    "time": ("Time", "How times were read", "The answers are in waves; no time was read.", ""),
    "response": (
        "Response rate",
        "Invited and answered",
        "How many people were invited is not known, so there is no response rate.",
        "",
    ),
    "waves": (
        "Codes that changed",
        "Levels that only one of two successive waves or years has",
        "All levels occur in every wave or year.",
        "Mostly a code that changed; a comparison across such a change says nothing.",
    ),
    "reports": (
        "Use of the data",
        "Share of the answers that each level holds",
        "There are no dimensions.",
        "Of the first metric, over all periods, as far as they are shown.",
    ),
    "checks": ("Checks", "What has to fit together", "There is nothing to check.", ""),
}
DESCRIBED = "Shares say what the data are like; they are described: no interval, no test."
HIDDEN = "Not shown: too few people, or a number that would give them away."
WORDS = {
    "n": "Answers",
    "used": "Answers",
    "answered": "Answers",
    "about": "Answers, about",
    "share": "Share",
    "rate": "Rate",
    "held": "Holds",
    "read": "How",
}


def audit_table(part: str, frame: pd.DataFrame) -> Html:
    """One part of the audit as a table, or a sentence where it has nothing to say.

    Args:
        part: A key of `CAPTIONS`.
        frame: The part, as `cx.audited` gives it.
    """
    _, caption, nothing, note = CAPTIONS[part]
    if frame.empty:
        return tag("p", nothing)
    columns = [column for column in frame.columns if not _blank(frame[column])]
    head = [WORDS.get(column, column.replace("_", " ").capitalize()) for column in columns]
    found = rows(frame[columns])
    body = [[_cell(column, row[column]) for column in columns] for row in found]
    names = [value for row in found for value in row.values() if isinstance(value, str)]
    notes = [note] if note else []
    notes += [DESCRIBED] if {"share", "rate"} & set(columns) else []
    notes += [HIDDEN] if any(value is None for row in found for value in row.values()) else []
    return table(head, body, caption, notes, names=names)


def audit_tables(found: Mapping[str, pd.DataFrame]) -> Html:
    """Every part of the audit, in order, each under its heading."""
    if not found:
        return tag("p", "This run was made without an audit of its data.")
    parts = [(tag("h2", CAPTIONS[part][0], id=f"audit-{part}"), _content(part, frame)) for part, frame in found.items()]
    return join(piece for both in parts for piece in both)


def _content(part: str, frame: pd.DataFrame) -> Html:
    """The table of a part; of the checks, those that hold are folded away."""
    if part != "checks" or frame.empty:
        return audit_table(part, frame)
    held = frame["held"].astype(bool)
    lead = tag("p", f"{held.sum()} of {len(held)} hold: parts sum up to their whole, totals lie between their parts.")
    broken = audit_table(part, frame[~held]) if not held.all() else None
    folded = tag("details", tag("summary", f"Show the {held.sum()} that hold"), audit_table(part, frame[held]))
    return tag("div", lead, broken, folded if held.any() else None)


def _blank(column: pd.Series) -> bool:
    """Whether a column has nothing to say in any row."""
    return bool((column == "").all())


def _cell(column: str, value: Any) -> tuple[object, str]:
    if column == "held":
        return ("yes" if value else "NO"), ""
    if value is None:
        return "not shown", "cx-n"
    if column in ("share", "rate"):
        return f"{float(value):.1f}%", "cx-n"
    if isinstance(value, int | float):
        return wording.count(value), "cx-n"
    return name(value, LONG), ""
