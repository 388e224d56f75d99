"""Comments in the words of customers, with the rule by which they were picked."""

from __future__ import annotations

import pandas as pd

from cxkit.metrics import Metric
from cxkit.present.html import Html, clean, tag
from cxkit.present.rows import Row, rows

RULE = (
    "Picked by a fixed rule: the worst class of answers first, inside a class in an order that is drawn from the texts "
    "alone, each text once. They are examples and no measure of how many think so."
)
MASKED = (
    "E-mail addresses, links, accounts, numbers of five digits or more, order numbers, the names of employees that the "
    "data hold and names after a title are masked; other names may have been left in a text."
)


def comments(frame: pd.DataFrame, metric: Metric) -> Html:
    """Comments below the class of the answer beside which they stand; nothing where the run shows none.

    Args:
        frame: Columns group, comment, note.
        metric: The metric whose classes they stand in.
    """
    found = rows(frame)
    if not found:
        return tag("div", class_="cx-empty")  # a page drops a section that holds this alone
    groups: dict[str, list[Row]] = {}
    for row in found:
        if row.get("comment"):
            groups.setdefault(str(row["group"]), []).append(row)
    if not groups:
        why = str(found[0].get("note") or "nobody wrote one")
        return tag("p", f"Comments are {why}." if why.startswith("not ") else f"No comments: {why}.")
    parts = [part for group, said in groups.items() for part in (
        tag("p", f"{group}, {metric.label}" if group else "All answers", class_="cx-said"), _list(said))]  # fmt: skip
    notes = tag("div", tag("p", RULE), tag("p", MASKED), class_="cx-notes")
    return tag("div", *parts, notes, class_="cx-quotes")


def _list(said: list[Row]) -> Html:
    return tag("ul", *(tag("li", tag("q", tag("bdi", clean(row["comment"])))) for row in said))
