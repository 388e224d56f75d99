"""Why a total moved: who answered or how they scored, as a sentence, a waterfall and its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cxkit.metrics import Metric
from cxkit.schema import ALL
from cxkit.show import verdicts, wording
from cxkit.show.drawings import TONES, layout, put_name, row_area
from cxkit.show.figures import figure
from cxkit.show.html import Html, absent, join, name, slug, tag
from cxkit.show.labels import heading, plural, words
from cxkit.show.rows import Row, of_metric
from cxkit.show.svg import Canvas, span
from cxkit.show.tables import table

MOST = 12  # parts that a waterfall draws by themselves
CAUSES = {
    "opposite": "who answered and how they scored pull against each other (Simpson's paradox): compare inside {parts}, "
                "not the total",
    "composition": "who answered moved it; no evidence that scores inside {parts} did",
    "both": "who answered and how they scored both moved it, the same way",
    "movement": "scores inside {parts} moved it; no evidence that who answered did",
    "cannot tell": "whether who answered or how they scored moved it cannot be told",
}  # fmt: skip
SHORT = {
    "opposite": "By {by}, who answered ({composition}) and scores inside ({movement}) pull against each other.",
    "composition": "By {by} it is who answered ({composition} of {total}); no evidence that scores inside moved.",
    "both": "By {by}, who answered ({composition}) and scores inside ({movement}) both moved it.",
    "movement": "Scores inside {parts} moved; no evidence that who answered did.",
}


def why(frame: pd.DataFrame, metric: Metric) -> Html:
    """Composition and movement of a change by each dimension: what can be said, a waterfall, and the parts.

    Args:
        frame: What `cx.why` returned, of one place.
        metric: What is measured.
    """
    parts: list[Html] = []
    for found in by_dimension(frame, metric).values():
        if found[0]["cause"]:
            parts.append(_figure(found, metric))
        elif found[0]["reason"] == "other codes":
            parts.append(tag("p", f"{metric.label} is not taken apart: ", name(found[0]["note"], 300), ".",
                             class_="cx-none"))  # fmt: skip
    if not parts:
        return absent()
    methods = wording.methods_words(row["method"] for row in of_metric(frame, metric)[:1])
    return join([*parts, tag("p", f"Bars add up; arithmetic, not causes. Method: {methods}.", class_="cx-notes")])


def by_dimension(frame: pd.DataFrame, metric: Metric) -> dict[str, list[Row]]:
    """The parts of each dimension by which a change was taken apart."""
    found: dict[str, list[Row]] = {}
    for row in of_metric(frame, metric):
        found.setdefault(str(row["dimension"]), []).append(row)
    return found


def in_short(frame: pd.DataFrame, metric: Metric) -> str:
    """The one sentence of why that stands beside a verdict: what most should know; blank where nothing can be told."""
    rows = [found[0] for found in by_dimension(frame, metric).values()]
    told = next((kind for kind in SHORT if any(row["cause"] == kind for row in rows)), "")
    of_kind = [row for row in rows if row["cause"] == told]
    if not told:
        return ""
    given = {key: _size(of_kind[0], key, metric) for key in ("composition", "movement")}
    inside = " and ".join(plural(row["dimension"]) for row in of_kind)
    total = _size(of_kind[0], "total_change", metric)
    return SHORT[told].format(by=words(of_kind[0]["dimension"]), parts=inside, total=total, **given)


def _figure(found: Sequence[Row], metric: Metric) -> Html:
    first = found[0]
    found = [row for row in found if row["contribution"] is None or row["n"] or row["n_before"]]  # who is there
    by = first["dimension"]
    key, title = slug("why", metric.name, by), f"Why {metric.label} moved, by {words(by)}"
    said = f"{metric.label} by {words(by)}: {CAUSES[first['cause']].format(parts=plural(by))}."
    level = wording.level_words(first["level"])
    total, *sides = (_with_limits(first, part, metric) for part in ("total_change", "composition", "movement"))
    proof = f"{total} = who answered {sides[0]} + scores inside {sides[1]}; {level} intervals."
    if first["within"] is not None:
        proof += f" A movement of {first['within']:g} {verdicts.unit_words(metric)}".rstrip() + " or more is ruled out."
    steps = _steps(found, metric)
    text = "; ".join(f"{label}: {wording.number(size, 1, signed=0 < i < len(steps) - 1)}"
                     for i, (label, size) in enumerate(steps))  # fmt: skip
    drawn = _waterfall(steps, metric).svg(key, title, text)
    return figure(key, [said], [proof], drawn, [], _table(found, metric))


def _steps(found: Sequence[Row], metric: Metric) -> list[tuple[str, float]]:
    """Score before, composition, the movement of each part (of many the largest, the others together), score now."""
    first = found[0]
    known = sorted((row for row in found if row["by_rate"] is not None), key=lambda row: -abs(row["by_rate"]))[:MOST]
    rest = first["movement"] - sum(row["by_rate"] for row in known)
    steps = [(str(first["before"]), first["value_before"]), ("who answered", first["composition"])]
    steps += [(_called(row), row["by_rate"]) for row in known]
    steps += [("all others", rest)] * (abs(rest) > 1e-9)
    return [*steps, (str(first["now"]), first["value_before"] + first["total_change"])]


def _called(row: Row) -> str:
    return " · ".join(str(row[key]) for key in row["dimension"].split(ALL))


def _waterfall(steps: Sequence[tuple[str, float]], metric: Metric) -> Canvas:
    """A row for each step: both scores as dots, what lies between as bars from one sum to the next."""
    sums = [steps[0][1]]
    for _, size in steps[1:-1]:
        sums.append(sums[-1] + size)
    low, high = span(sums, sums, metric.ends)
    laid = layout([label for label, _ in steps])
    ax = row_area(laid, len(steps) - 1, low, high, metric.unit)
    last = len(steps) - 1
    for y, (label, size) in enumerate(steps):
        put_name(ax, y, laid.labels[label])
        ax.text(high, y, wording.number(size, 1, signed=0 < y < last), ha="right", shift=(45, 0))
    for y, total in enumerate(sums):
        ax.line([total] * 2, [y, y + 1], "rule", 0.8)
    for y in range(1, last):
        ax.box((sums[y - 1], sums[y]), (y - 0.3, y + 0.3), "mid" if y == 1 else _role(steps[y][1], metric))
    ax.dots([sums[0], sums[-1]], [0, last], "line")
    return ax


def _role(size: float, metric: Metric) -> str:
    change: dict[str, Any] = {"verdict": "changed", "change": size}
    return TONES[verdicts.verdict(change, metric).tone]


def _table(found: Sequence[Row], metric: Metric) -> Html:
    """A line per part: what it brings, by its share of the answers and by its score, with limits and bases."""
    shown = [row for row in found if row["contribution"] is not None]
    body = [
        [(name(_called(row)), ""), *((_with_limits(row, key, metric), "cx-n") for key in ("by_mix", "by_rate"))]
        for row in shown
    ]
    others = [name(_called(row)) for row in found if row not in shown and row["reason"] != "no answers"]
    notes = [join(["All others, hidden or left out: ", join(others, ", "), "."])] if others else []
    head = [heading(found[0]["dimension"]), "By its share", "By its score"]
    return table(head, body, "What each part brings", notes, names=[_called(row) for row in found], kind="board")


def _size(row: Row, key: str, metric: Metric) -> str:
    """A part of a change as its limits support it."""
    if (size := row[key]) is None:
        return ""
    places = wording.change_decimals(row.get(f"{key}_low"), row.get(f"{key}_high"))
    return wording.number(size, places, signed=True) + (" pp" if metric.unit == "percent" else "")


def _with_limits(row: Row, key: str, metric: Metric) -> str:
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    if row[key] is None or low is None:
        return _size(row, key, metric)
    places = wording.change_decimals(low, high)
    return f"{_size(row, key, metric)} ({wording.limits(low, high, 'scale', places, signed=True)})"
