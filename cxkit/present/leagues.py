"""A league table with the places that each unit may take, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cxkit.metrics import Metric
from cxkit.present import wording
from cxkit.present.html import Html, join, name, tag
from cxkit.present.rows import Row, rows
from cxkit.present.tables import Cell, base, heading, table

LIMITS = {"above": (wording.UP, "above"), "below": (wording.DOWN, "below"), "within": (wording.NONE, "no")}


def league(frame: pd.DataFrame, metric: Metric, dimension: str) -> Html:
    """A line per unit: its places, score, interval, base, shrunken score, and where it lies to the limits of its size.

    Args:
        frame: What `cx.league` returned.
        metric: What is ranked.
        dimension: Whose levels are ranked.
    """
    units = heading(dimension).lower()
    found = rows(frame)
    first: Row = found[0] if found else {"reason": f"no {units} has answers"}
    if first["reason"]:
        p = first.get("pvalue")
        tested = "" if p is None else f" (test that all are alike: {wording.pvalue(p)})"
        why = f"No league table by {units}: {first['reason']}{tested}. So no order is given."
        return tag("p", why, class_="cx-none")
    ranked = [row for row in found if row["first"] is not None]
    levels = " / ".join(sorted({wording.level_words(row["level"]) for row in ranked}))
    head = [heading(dimension), "Place", "Score", f"{levels} interval", "Base", "Shrunken score", "Stands out"]
    body = [_line(row, metric, dimension) for row in ranked]
    caption = f"{metric.label} by {units}: the places at which each may stand"
    notes = _notes(ranked, len(found) - len(ranked), metric)
    return table(head, body, caption, notes, names=[row[dimension] for row in ranked])


def _line(row: Row, metric: Metric, dimension: str) -> list[Cell]:
    places = wording.decimals(row["low"], row["high"])
    first, last = int(row["first"]), int(row["last"])
    sign, words = LIMITS[row["limits"]]
    return [
        (name(row[dimension]), ""),
        (f"{first}" if first == last else f"{first} to {last}", ""),
        (wording.quantity(row["value"], metric.unit, places), "cx-n"),
        (wording.limits(row["low"], row["high"], metric.unit, places), "cx-n"),
        (base(row), "cx-n"),
        (wording.number(row["shrunk"], places), "cx-n"),
        (join([sign, words], " "), ""),
    ]


def _notes(ranked: Sequence[Row], left_out: int, metric: Metric) -> list[str]:
    spread = wording.quantity(ranked[0]["between"], metric.unit, 2 if metric.unit == "scale" else 1)
    notes = [
        f"Intervals: {wording.methods_words(row['method'] for row in ranked)}. Base: answers used (n).",
        f"They differ by more than chance ({wording.pvalue(ranked[0]['pvalue'])}, Welch's test); standard deviation "
        f"between them, without the part of chance: {spread.replace('%', ' percentage points')}.",
        "Place: no other one surely takes it (all pairs tested, Holm correction), so that all places hold together.",
        "Shrunken score: pulled to the mean of all by how little is known of it (empirical Bayes); it gives the order. "
        "Stands out: farther from the mean than others of its base, given how much all of them differ (funnel limits "
        "of 3.09 standard errors, widened where many lie far off).",
    ]
    return [*notes, f"Left out, with a small effective base or hidden: {left_out}."] if left_out else notes
