"""What goes with an outcome: importance with intervals, importance against performance, and the table of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from cxkit.schema import VIF
from cxkit.show import wording
from cxkit.show.drawings import DASHED, NOTE, Layout, Whisker, layout, put_name, row_area, tick, whiskers
from cxkit.show.figures import Parts, figure, nothing
from cxkit.show.html import Html, join, name, slug, tag
from cxkit.show.rows import Row, rows
from cxkit.show.svg import Canvas, span, ticks
from cxkit.show.tables import Cell, table

NONE = "No drivers are shown: the parameters of the run name no outcome and items under `drivers`."
TOGETHER = {
    "one factor": "the items go with it together, as one common factor alone would; which of them matters more cannot "
    "be said, and none is ranked",
    "collinear": f"some items say much the same (variance inflation above {VIF:g}), so that none is ranked",
    "reversed": "some items go with it the other way once the others are taken into account, so that none is ranked",
}
CAUTION = (
    "Associated with, not causes: people who are content rate everything better. Each item's share of the differences "
    "is its mean gain in R² over all orders of the items (LMG)."
)


def drivers(frame: pd.DataFrame) -> Html:
    """How much of the differences in an outcome goes with each item, beside how well the items are rated.

    Args:
        frame: Of one place, the strongest item first, as `cx.drivers` makes it.
    """
    found = rows(frame)
    if not found:
        return tag("p", NONE, class_="cx-none")
    first = found[0]
    key, title = slug("drivers", first["metric"]), f"What is associated with {first['outcome_label']}"
    if first.get("value") is None:
        return nothing(key, title, Html(""), found)
    shown, height = _table(found, title), layout([_numbered(i, row) for i, row in enumerate(found)])
    text = "; ".join(f"{i + 1} {row['item_label']}: {_share(row)}; rated {_rated(row)}" for i, row in enumerate(found))
    drawn = [_rows(found, height).svg(key, title, text), _map(found).svg(f"{key}-map", f"{title}, and ratings", text)]
    notes = [f"Above: share of the differences with its {wording.level_words(first.get('level'))} interval. Below: the "
             "same against the rating, from the worst answer (0) to the best (100), with regions that hold both at "
             "once; lines: means.", CAUTION]  # fmt: skip
    return figure(key, _claim(found), _proof(found), join(drawn), notes, shown)


def _numbered(i: int, row: Row) -> str:
    return f"{i + 1} {row['item_label']}"


def _claim(found: Sequence[Row]) -> Parts:
    """Which item is associated most, as far as it is told apart."""
    outcome = name(found[0]["outcome_label"])
    if found[0]["unranked"]:
        return [outcome, ": ", TOGETHER[found[0]["unranked"]], "."]
    firsts = [row for row in found if row["first"] == 1]
    if 2 * len(firsts) > len(found):
        return [outcome, ": which of the items is associated most cannot be told."]
    *some, last = [name(row["item_label"]) for row in firsts]
    listed = join([join(some, ", "), " or ", last]) if some else last
    rest = [", ", _share(firsts[0]), "."] if len(firsts) == 1 else ["; which of them is not told apart."]
    return [outcome, " is most strongly associated with ", listed, *rest]


def _proof(found: Sequence[Row]) -> Parts:
    """What all items explain, and of how many answers."""
    first, share = found[0], wording.quantity(found[0]["r_squared"], "percent", 0)
    lost = f"; {wording.count(first['asked'])} answered about the outcome" if first["asked"] > first["n"] else ""
    one = f" ({wording.quantity(first['common'], 'percent', 0)} with one common factor)" * bool(first["unranked"])
    base = f"n {wording.count(first['n'])} who answered everything{lost}"
    return [f"All items together go with {share} of the differences{one}. ", name(first["period"] or "All periods"),
            f", {base}."]  # fmt: skip


def _share(row: Row) -> str:
    places = wording.places_of(row)
    limits = wording.limits(row["low"], row["high"], "percent", places)
    return f"{wording.quantity(row['value'], 'percent', places)} of the differences ({limits})"


def _place(row: Row) -> str:
    """Between which places an item may stand."""
    first, last = (wording.number(row[end], 0) for end in ("first", "last")) if row["first"] else ("", "")
    return "" if not first else f"{first}." if first == last else f"{first} to {last}"


def _rated(row: Row) -> str:
    low, high = row["performance_low"], row["performance_high"]
    places = wording.decimals(low, high)
    return f"{wording.number(row['performance'], places)} ({wording.limits(low, high, 'scale', places)})"


def _rows(found: Sequence[Row], laid: Layout) -> Canvas:
    """A row per item: its share with the interval."""
    low, high = span([0.0], [row["high"] for row in found], (0.0, 100.0))
    ax = row_area(laid, len(found) - 1, low, high, "percent")
    for y, row in enumerate(found):
        put_name(ax, y, laid.labels[_numbered(y, row)])
        share = wording.quantity(row["value"], "percent", wording.places_of(row))
        ax.text(high, y, share, ha="right", bold=row["low"] > 0, shift=(44, 0))
        ax.text(high, y, _place(row), ha="left", shift=(50, 0), **NOTE)
    whiskers(ax, [Whisker(y, row["value"], row["low"], row["high"], "line", row["low"] > 0)
                  for y, row in enumerate(found)])  # fmt: skip
    return ax


def _map(found: Sequence[Row]) -> Canvas:
    """Share of the differences over rating, each item a numbered dot with the region that holds both at once."""
    regions = [_region(row) for row in found]
    across, up = ([point[i] for region in regions for point in region] for i in (0, 1))
    x, y = span(across, across, (0.0, 100.0)), span([0.0], up, (0.0, 100.0))
    ax = Canvas(220, 34, 8, top=8, bottom=32, x=x, y=y)
    for value in (at := ticks(*x)):
        ax.text(value, y[0], tick(value, at, "scale"), va="top", shift=(0, -4), **NOTE)
    for value in (at := ticks(*y)):
        ax.line(x, [value, value], "rule", 0.8)
        ax.text(x[0], value, tick(value, at, "percent"), ha="right", shift=(-5, 0), **NOTE)
    ax.text(x[1], y[0], "rating, 0 worst to 100 best", ha="right", va="top", shift=(0, -17), **NOTE)
    middle = [sum(row[which] for row in found) / len(found) for which in ("performance", "value")]
    ax.line([middle[0]] * 2, y, "muted", 1, **DASHED)
    ax.line(x, [middle[1]] * 2, "muted", 1, **DASHED)
    for region in regions:
        ax.line([x for x, _ in region], [y for _, y in region], "line", 0.8)
    ax.dots([row["performance"] for row in found], [row["value"] for row in found], "line", size=4.4)
    for i, row in enumerate(found):
        ax.text(row["performance"], row["value"], i + 1, ha="left", va="bottom", shift=(4, 2), halo=True)
    return ax


def _region(row: Row, points: int = 36) -> list[tuple[float, float]]:
    """The ellipse of rating and the root of the share, in which their errors are about normal, as shares."""
    wide = row["joint"] * (row["performance_high"] - row["performance"])
    tall = row["joint"] * (math.sqrt(row["high"]) - math.sqrt(row["value"]))
    turn = math.asin(max(-1.0, min(1.0, row["tilt"])))
    angles = [2 * math.pi * i / points for i in range(points + 1)]
    return [(row["performance"] + wide * math.cos(angle),
             max(math.sqrt(row["value"]) + tall * math.sin(angle + turn), 0.0) ** 2) for angle in angles]  # fmt: skip


def _table(found: Sequence[Row], title: str) -> Html:
    """Share, places, rating and what a tenth of the way to the goal goes with, a line each."""
    first = found[0]
    level, unit = wording.level_words(first.get("level")), first["outcome_unit"]
    best = any(row["performance_goal"] < 100 for row in found)
    head = ["Item", "Share of differences", f"{level} interval", "Place", "Rating", "A tenth better", "Answered",
            "Remarks"]  # fmt: skip
    body: list[list[Cell]] = []
    for i, row in enumerate(found):
        places = wording.places_of(row)
        gain = wording.change_decimals(row["gain_low"], row["gain_high"])
        more = wording.limits(row["gain_low"], row["gain_high"], unit, gain, signed=True)
        remarks = ["turns its sign beside the others"] * bool(row["reversed"])
        remarks += [f"variance inflation {wording.number(row['vif'], 1)}"] * (row["vif"] > VIF)
        cells: list[Any] = [wording.quantity(row["value"], "percent", places),
                            wording.limits(row["low"], row["high"], "percent", places), _place(row), _rated(row),
                            f"{wording.number(row['gain'], gain, True)} ({more})",
                            wording.count(row["answered"])]  # fmt: skip
        body.append([(name(_numbered(i, row)), ""), *((cell, "cx-n") for cell in cells), ("; ".join(remarks), "")])
    way = "to the rating of the best place" if best else "to the best answer"
    notes = [
        f"A tenth better: by how much {first['outcome_label']} is higher where an item's rating is a tenth of the way "
        f"{way} better and the other ratings are the same; linear, an association.",
        f"Place: all of them hold together. Answered: of {wording.count(first['asked'])} who answered about the "
        f"outcome. {wording.count(first['n'])} answered everything, and only these count.",
        "Intervals: jackknife over groups of clusters or people.",
    ]
    return table(head, body, title, notes, names=[row["item_label"] for row in found])
