"""Headline tiles: value, interval as a drawn bar, base, band, change and verdict of one metric.

The first metric leads: its tile is wide and says everything. The others are small, so that two stand side by side on a
phone; what of a change is folded there (test and bases) is one click away, and printed on paper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from cxkit.metrics import Metric
from cxkit.schema import is_hidden
from cxkit.show import verdicts, wording
from cxkit.show.drawings import reach
from cxkit.show.html import Html, join, name, slug, tag
from cxkit.show.rows import Row, fitted, metrics_of, rows
from cxkit.show.wording import medians


def tiles(estimates: pd.DataFrame, comparisons: pd.DataFrame | None, metrics: Mapping[str, Metric]) -> Html:
    """A tile per metric.

    Args:
        estimates: One row per metric (the headline of the period shown).
        comparisons: One row per metric or fewer, None where nothing is compared.
        metrics: What is measured, by name; gives the order.
    """
    metrics, (estimates, comparisons) = fitted(metrics, estimates, comparisons)
    found = rows(estimates)
    compared = {row["metric"]: row for row in rows(comparisons)} if comparisons is not None else {}
    first = {row["metric"]: row for row in reversed(found)}
    shown = metrics_of(found, metrics)
    if not shown:
        return tag("p", "Nothing was measured here.", class_="cx-none")
    made = [tile(first[m.name], compared.get(m.name), m, lead=m is shown[0]) for m in shown]
    notes = _notes([first[m.name] for m in shown], [compared[m.name] for m in shown if m.name in compared])
    below = tag("div", *(tag("p", note) for note in notes), class_="cx-notes")
    return join([tag("div", *made, class_="cx-tiles"), below])


def _notes(found: Sequence[Row], compared: Sequence[Row]) -> list[str]:
    """How the numbers of all tiles were made, said once below them."""
    held = wording.families(compared)
    made, tested = (wording.methods_words(row.get("method") for row in part) for part in (found, compared))
    corrected = f" Corrected for {held}; each interval is a single comparison's." if held else ""
    less = any(wording.base_words(row) != f"n{wording.HARD}{wording.count(row.get('n'))}" for row in found)
    lines = {
        f"Intervals: {made}. n: answers used. Bars: a stretch of each scale around the interval.": made,
        f"Method: {tested}.{corrected}": tested,
        "Effective: what the answers are worth after weights and after several of one customer or cluster.": less,
    }
    return [line for line, needed in lines.items() if needed]


def tile(row: Row, compared: Row | None, metric: Metric, *, lead: bool = False) -> Html:
    """One tile: an estimate and, where there is one, its comparison; the one in the lead shows all of it."""
    known = row.get("value") is not None
    small = not known or wording.is_small(row)
    head = tag("p", metric.label, class_="cx-tile-name")
    body = _measured(row, metric) if known else _missing(row)
    change = _change(compared, metric, lead) if compared is not None else None
    class_ = f"cx-tile{' cx-lead' * lead}{' cx-grey' * small}"
    return tag("div", tag("div", head, *body), change, id=slug("tile", metric.name), class_=class_)


def near_scale(row: Row, metric: Metric) -> tuple[float, float]:
    """Round ends of a stretch of the metric's scale in which the interval is wide enough to be seen.

    The interval takes about a fourth of the stretch, however narrow it is beside the whole scale.

    >>> from cxkit.metrics import METRICS
    >>> near_scale({"value": 3.4, "low": -4.4, "high": 11.1}, METRICS["nps"])
    (-30.0, 40.0)
    """
    start, end = metric.ends
    (low,), (high,) = reach([row])
    air = 1.5 * max(high - low, 0.02 * (abs(row["value"]) or 1.0))
    step = 10.0 ** math.floor(math.log10(air))
    step *= next(size for size in (0.5, 1.0, 2.0, 5.0) if air <= 2.5 * size * step or size == 5.0)
    ends = step * math.floor((low - air) / step), step * math.ceil((high + air) / step)
    return max(round(ends[0], 6), start), min(round(ends[1], 6), end)


def bar(row: Row, ends: tuple[float, float]) -> Html:
    """The interval as a small drawn bar between two ends; decoration beside the words."""
    low, high, value = row.get("low"), row.get("high"), row["value"]
    start, end = ends

    def at(x: float) -> float:
        return round(2 + 196 * (min(max(x, start), end) - start) / (end - start), 1)

    parts = [tag("rect", x=2, y=8, width=196, height=4, rx=2, class_="cx-track")]
    if start < 0 < end:
        parts.append(tag("rect", x=at(0), y=3, width=1, height=14, class_="cx-zero"))
    if low is not None or high is not None:
        left, right = at(start if low is None else low), at(end if high is None else high)
        parts.append(tag("rect", x=left, y=6, width=max(round(right - left, 1), 1), height=8, rx=3, class_="cx-span"))
    parts.append(tag("circle", cx=at(value), cy=10, r=4.5, class_="cx-dot"))
    return tag("svg", *parts, viewBox="0 0 200 20", class_="cx-bar", aria_hidden="true", focusable="false")


def _measured(row: Row, metric: Metric) -> list[Html | None]:
    number = wording.number(row["value"], wording.places_of(row))
    unit = wording.UNITS[metric.unit] or f"on {metric.scale[0]:g}–{metric.scale[1]:g}"
    if metric.statistic == "quantile":
        unit += f", {wording.quantile_words(metric)}"
    value = tag("p", number, tag("small", " " + unit if metric.unit != "percent" else unit), class_="cx-value")
    band = wording.band(row, metric)
    remarks = [f"Band: {band}" if band else "", *wording.precision(row, metric), str(row.get("note") or "")]
    said = " · ".join(filter(None, remarks))
    ends = near_scale(row, metric)
    marks = [tag("span", wording.number(x, 0 if x == round(x) else 1)) for x in ends]
    return [
        value,
        tag("p", said, class_="cx-band") if said else None,
        tag("div", bar(row, ends), tag("div", *marks, class_="cx-ends"), class_="cx-barbox", aria_hidden="true"),
        tag("p", wording.interval(row, metric), class_="cx-interval"),
        tag("p", wording.base_words(row), class_="cx-base"),
    ]


def _missing(row: Row) -> list[Html | None]:
    said = tag("p", wording.absent(row).capitalize(), class_="cx-value cx-absent")
    return [said, tag("p", wording.why(row), class_="cx-base") if is_hidden(row.get("reason")) else None]


def _change(row: Row, metric: Metric, lead: bool) -> Html:
    found = verdicts.verdict(row, metric)
    sign = tag("span", found.sign, class_="cx-sign", aria_hidden="true")
    told = row.get("change") is not None and row.get("verdict") in ("changed", "no evidence")
    head = tag("p", sign, " ", found.words[:1].upper() + found.words[1:], class_=f"cx-verdict cx-{found.tone}")
    both = f"{wording.base_words(row)} now, {wording.base_words(row, '_before')} before"
    if not told:
        why = str(row.get("note") or "") or both
        return tag("div", head, tag("p", "against ", name(row.get("before")), f" ({why})", class_="cx-proof"),
                   class_="cx-change")  # fmt: skip
    if not lead:
        return tag("div", head, *_briefly(row, metric, both), class_="cx-change")
    size = tag("p", tag("b", verdicts.change(row, metric)), " against ", name(row.get("before")), class_="cx-size")
    could = verdicts.detectable(row, metric) if row["verdict"] == "no evidence" else ""
    lines = [medians(row, metric).capitalize(), f"{verdicts.interval(row, metric)}; {verdicts.adjusted(row)}",
             wording.sentence(could), both]  # fmt: skip
    return tag("div", head, size, *(tag("p", line, class_="cx-proof") for line in lines if line), class_="cx-change")


def _briefly(row: Row, metric: Metric, both: str) -> list[Html | None]:
    """A change in two lines, and its test and bases folded below them."""
    size = tag("p", tag("b", verdicts.short(row, metric)), f" ({verdicts.span(row, metric)})", class_="cx-size")
    beside, could = medians(row, metric), verdicts.could(row, metric)
    middle = tag("p", beside.capitalize(), class_="cx-proof") if beside else None
    reach = tag("p", f"Detectable: about {could}", class_="cx-proof") if could else None
    proof = f": {verdicts.interval(row, metric)}; {verdicts.adjusted(row)}"
    test = tag("p", "against ", name(row.get("before")), proof)
    folded = tag("details", tag("summary", "Test and bases"), test, tag("p", both), class_="cx-proof")
    return [size, middle, reach, folded]
