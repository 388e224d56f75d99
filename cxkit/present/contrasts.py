"""Segments against the rest: one table, in words that a difference between groups has."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxkit.metrics import Metric
from cxkit.present import verdicts, wording
from cxkit.present.html import Html, join, name, tag
from cxkit.present.rows import Row, rows
from cxkit.present.tables import PAIRS, Cell, bases, heading, moved, table, unshown
from cxkit.present.times import fitted_one


def against_rest(frame: pd.DataFrame, metric: Metric, dimension: str) -> Html:
    """Each level of a dimension against all its others together, a line each.

    Args:
        frame: What `cx.against_rest` returned, of one place.
        metric: What is measured.
        dimension: Whose levels are compared.
    """
    metric, (frame,) = fitted_one(metric, frame)
    found = [_as_change(row) for row in rows(frame) if row["metric"] == metric.name]
    if len(found) < 2:
        return tag("p", f"There is nothing to compare a {heading(dimension).lower()} with.", class_="cx-none")
    shown, absent = unshown(found, "change", lambda row: str(row[dimension]))
    body = [
        [(name(row[dimension]), ""), (moved(row, metric), "cx-n"), (verdicts.span(row, metric), "cx-n"),
         (_tested(row), "cx-n"), (bases(row), "cx-n"), _verdict(row, metric), (verdicts.could(row, metric), "cx-n")]
        for row in shown
    ]  # fmt: skip
    head = [heading(dimension), "Difference", "Interval", "Adjusted p", "Bases level / rest", "Verdict", "Detectable"]
    grey = [row["verdict"] == "too few" for row in shown]
    caption = f"{metric.label}: each {heading(dimension).lower()} against the rest"
    names = [row[dimension] for row in found]
    return table(head, body, caption, [*_notes(found), *absent], grey=grey, names=names, kind="cmp cx-vs")


def _as_change(row: Row) -> dict[str, Any]:
    """The row with the names that a change has, whose words on numbers it shares."""
    turned = {"change": row.get("difference"), "n_before": row.get("n_rest"), "n_eff_before": row.get("n_eff_rest")}
    verdict = "changed" if row["verdict"] == "differs" else row["verdict"]
    return {**row, **turned, "verdict": verdict}


def _tested(row: Row) -> str:
    p = row.get("pvalue_adj")
    return "" if p is None else wording.pnumber(p)


def _verdict(row: Row, metric: Metric) -> Cell:
    """Higher or lower than the rest, and whether that is good."""
    found = verdicts.verdict(row, metric)
    if row["verdict"] == "changed":
        up = row["change"] > 0
        sign = tag("span", wording.UP if up else wording.DOWN, class_="cx-sign", aria_hidden="true")
        judged = f" ({found.tone})" if metric.better == "lower" else ""
        return join([sign, f"{'higher' if up else 'lower'} than the rest{judged}"], " "), f"cx-{found.tone}"
    words = found.words.replace("no evidence of change", "no evidence of a difference")
    note = tag("small", row["note"]) if row.get("note") else None
    return join([found.sign, words, note], " "), f"cx-{found.tone}"


def _notes(found: list[dict[str, Any]]) -> list[str]:
    methods = wording.methods_words(row.get("method") for row in found)
    family = max((int(row["family"]) for row in found if row.get("family") is not None), default=0)
    notes = [f"The rest is all other levels together. Method: {methods}."] if methods else []
    notes += [f"Corrected for {family} comparisons. Each interval is a single comparison's."] if family > 1 else []
    notes += [PAIRS] if any("rank effect" in str(row.get("method")) for row in found) else []
    return [*notes, "A difference between groups in one period; people who are in both are accounted for."]
