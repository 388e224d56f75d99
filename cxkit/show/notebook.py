"""Tallies as a table of their first counts, for a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cxkit.show import wording
from cxkit.show.html import Html, name
from cxkit.show.rows import rows
from cxkit.show.tables import heading, table

FIRST = 10


def counts(
    frame: pd.DataFrame, by: Sequence[str], levels: Sequence[Sequence[str]], periods: Sequence[str], weighted: bool
) -> Html:
    """The first counts of a tally, a line each, and what else it holds.

    Args:
        frame: The counts: item, period, <dimensions>, answer, n, w.
        by: The dimensions.
        levels: The declared levels.
        periods: All periods, in order.
        weighted: Whether the answers carry weights.
    """
    body = [
        [(name(row["item"]), ""), (name(row["period"]), ""),
         *((name("all" if row[key] is None else row[key]), "") for key in by), (wording.answer(row["answer"]), "cx-n"),
         (wording.count(row["n"]), "cx-n"), *([(wording.number(row["w"], 1), "cx-n")] if weighted else [])]
        for row in rows(frame.head(FIRST))
    ]  # fmt: skip
    head = ["Item", "Period", *map(heading, by), "Answer", "Answers", *(["Weight"] if weighted else [])]
    cut = ", ".join(" by ".join(level) or "all" for level in levels)
    ends = f"{periods[0]} to {periods[-1]}" if periods else "no period"
    caption = f"The first {len(body)} of {len(frame):,} counts: {ends}; levels: {cut}"
    return table(head, body, caption, names=[row for key in by for row in frame[key].head(FIRST).dropna()])
