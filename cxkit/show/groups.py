"""Groups beside each other: segments against the rest, and a league table with the places that each unit may take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cxkit.metrics import Metric
from cxkit.show import verdicts, wording
from cxkit.show.durations import fitted_one
from cxkit.show.html import Html, join, name, tag
from cxkit.show.rows import Row, rows
from cxkit.show.tables import PAIRS, Cell, base, bases, heading, moved, table, unshown


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
    notes = _league_notes(ranked, len(found) - len(ranked), metric)
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


def _league_notes(ranked: Sequence[Row], left_out: int, metric: Metric) -> list[str]:
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
