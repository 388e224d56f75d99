"""The marks that drawings are made of: rows with names, dots and intervals, bands, stacked bars, cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from cxkit.metrics import Metric
from cxkit.present import canvas, verdicts, wording
from cxkit.present.canvas import dots, put, stroke
from cxkit.present.captions import base, level, score
from cxkit.present.html import clean
from cxkit.present.rows import Row
from cxkit.present.svg import colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = 22  # characters of a name beside a row
RIGHT = 108  # user units for the numbers of a row
TONES = {"better": "good", "worse": "bad", "moved": "ink", "none": "muted", "few": "faint"}
HIDDEN = "*"  # a cell of a grid that must not be shown
NOTE: Any = {"small": True, "role": "muted"}


def reach(found: Sequence[Row]) -> tuple[list[float], list[float]]:
    """Lower and upper ends of all that is drawn; the value itself where a limit is absent."""
    lows = [row["value"] if row.get("low") is None else row["low"] for row in found]
    return lows, [row["value"] if row.get("high") is None else row["high"] for row in found]


def band(ax: Axes, run: Sequence[tuple[int, Row]]) -> None:
    """The intervals of neighbouring periods as a band; a single one as a bar."""
    kept = [
        (i, row["low"], row["high"]) for i, row in run if row.get("low") is not None and row.get("high") is not None
    ]
    if len(kept) == 1:
        stroke(ax, [kept[0][0]] * 2, kept[0][1:], "line", 5, alpha=0.25)
    elif kept:
        x = [i for i, _, _ in kept] + [i for i, _, _ in reversed(kept)]
        y = [low for _, low, _ in kept] + [high for _, _, high in reversed(kept)]
        ax.fill(x, y, color=colour("line"), alpha=0.18, linewidth=0, clip_on=False)


def margin(labels: Sequence[str], limit: int = NAME) -> float:
    """Room for the longest of the names beside the rows."""
    return 22 + 7 * min(max(len(clean(label)) for label in labels), limit)


def row_area(
    labels: Sequence[str], low: float, high: float, unit: str, signed: bool = False, foot: float = 0
) -> tuple[Figure, Axes]:
    """An area with a row per label and vertical lines at round values; `foot` is further room below."""
    height = 20 if len(labels) < 16 else 17
    figure, ax = canvas.axes(46 + height * len(labels) + foot, margin(labels), RIGHT, top=16, bottom=22 + foot)
    ax.set(xlim=(low, high), ylim=(len(labels) - 0.5, -0.7))
    at = canvas.ticks(low, high, 4)
    for x in at:
        stroke(ax, [x, x], [-0.7, len(labels) - 0.5], "rule", 0.8)
        put(ax, x, len(labels) - 0.5, tick(x, at, unit, signed), va="top", shift=(0, -6), **NOTE)
    return figure, ax


class Whisker(NamedTuple):
    """A dot with an interval, as a row of a drawing wants it."""

    y: float
    value: float
    low: float | None
    high: float | None
    role: str
    filled: bool


def whiskers(ax: Axes, found: Sequence[Whisker | None]) -> None:
    """Dots with their intervals, those of one style together; an absent limit leaves its side out."""
    kept = sorted((mark for mark in found if mark), key=lambda mark: (mark.role, mark.filled))
    for y, value, low, high, role, _ in kept:
        if low is not None or high is not None:
            stroke(ax, [value if low is None else low, value if high is None else high], [y, y], role, 2)
    for (role, filled), group in groupby(kept, key=lambda mark: (mark.role, mark.filled)):
        at = [(mark.value, mark.y) for mark in group]
        dots(ax, [x for x, _ in at], [y for _, y in at], role, filled=filled)


def dot_row(ax: Axes, y: int, row: Row, metric: Metric, dimension: str, tested: Row | None) -> Whisker | None:
    """One level: name, score, base and the sign of its change; returns its dot with interval."""
    small = row.get("value") is None or wording.is_small(row)
    left, right = ax.get_xlim()
    put(
        ax,
        left,
        y,
        level(row, dimension),
        ha="right",
        role="muted" if small else "ink",
        shift=(-8, 0),
        limit=NAME,
        middle=True,
    )
    if row.get("value") is None:
        note = str(row.get("note") or "not computed").partition(":")[0]
        put(ax, right, y, note, ha="left", shift=(8, 0), limit=18, **NOTE)
        return None
    put(ax, right, y, score(row, metric), ha="right", bold=not small, role="muted" if small else "ink", shift=(40, 0))
    put(ax, right, y, base(row), ha="left", shift=(46, 0), **NOTE)
    if tested is not None and tested.get("verdict") == "changed":
        found = verdicts.verdict(tested, metric)
        put(ax, right, y, found.sign, ha="right", small=True, role=TONES[found.tone], shift=(RIGHT - 12, 0))
    return Whisker(y, row["value"], row.get("low"), row.get("high"), "faint" if small else "line", not small)


def change_row(ax: Axes, y: int, row: Row, metric: Metric, dimension: str) -> Whisker | None:
    """One level: name, verdict as sign and number; returns its dot with interval."""
    found = verdicts.verdict(row, metric)
    role, moved = TONES[found.tone], row.get("verdict") == "changed"
    left, right = ax.get_xlim()
    put(
        ax,
        left,
        y,
        level(row, dimension),
        ha="right",
        role="ink" if moved else "muted",
        shift=(-8, 0),
        limit=NAME,
        middle=True,
    )
    if row.get("change") is None:
        put(
            ax,
            right,
            y,
            f"{found.sign} {'hidden' if verdicts.protects(row) else 'too few'}",
            ha="left",
            shift=(8, 0),
            **NOTE,
        )
        return None
    places = wording.change_decimals(row.get("low"), row.get("high"))
    size = wording.number(row["change"], places, signed=True)
    put(ax, right, y, found.sign, ha="left", role=role if moved else "muted", shift=(8, 0))
    put(ax, right, y, size, ha="right", bold=moved, role="ink" if moved else "muted", shift=(66, 0))
    if row.get("verdict") == "too few":
        put(ax, right, y, "few", ha="left", shift=(71, 0), **NOTE)
    return Whisker(y, row["change"], row.get("low"), row.get("high"), role, moved)


def stacks(ax: Axes, bars: Mapping[str, Sequence[Row]], roles: Mapping[str, str]) -> None:
    """Bars split into classes, the bars of one class together, with names and bases."""
    starts = dict.fromkeys(bars, 0.0)
    for group, role in roles.items():
        shares = {
            top: sum(row["share"] or 0.0 for row in found if str(row["group"]) == group) for top, found in bars.items()
        }
        drawn = [(y, top) for y, top in enumerate(bars) if shares[top] > 0]
        ys, widths, lefts = [y for y, _ in drawn], [shares[top] for _, top in drawn], [starts[top] for _, top in drawn]
        ax.barh(ys, widths, left=lefts, height=0.72, color=colour(role), linewidth=0, clip_on=False)
        for y, top in drawn:
            if shares[top] >= 9:  # narrower bars have no room for their number on a phone
                share = wording.quantity(shares[top], "percent", 0)
                put(ax, starts[top] + shares[top] / 2, y, share, small=True, role="on")
            starts[top] += shares[top]
    for y, (top, found) in enumerate(bars.items()):
        put(ax, 0, y, top, ha="right", shift=(-8, 0), limit=NAME, middle=True)
        hidden, n = any(row.get("n") is None for row in found), sum(row.get("n") or 0 for row in found)
        said = "hidden" if hidden else f"n {wording.count(n)}" if n else "no answers"
        put(ax, 100 if n else 0, y, said, ha="left", shift=(8, 0), **NOTE)


def cell_text(ax: Axes, x: float, y: float, cell: Row | None, metric: Metric, narrow: bool) -> None:
    """Score and base in a cell, or a sign for why there is none."""
    if cell is None or cell.get("value") is None:
        put(ax, x, y, HIDDEN if cell is not None and cell.get("n") is None else wording.NONE, **NOTE)
        return
    small = wording.is_small(cell)
    value = wording.number(cell["value"], 0) if narrow else score(cell, metric)
    put(ax, x, y, value, bold=not small, role="muted" if small else "ink", shift=(0, 5))
    put(ax, x, y, wording.count(cell.get("n")), shift=(0, -6), small=True, role="muted" if small else "ink")


def tick(value: float, at: Sequence[float], unit: str, signed: bool = False) -> str:
    """The label of a grid line, with the decimals that the grid needs."""
    step = min((b - a for a, b in pairwise(at)), default=1.0)
    text = wording.number(value, 0 if step >= 1 else 1 if step >= 0.1 else 2, signed)
    return f"{text}%" if unit == "percent" and not signed else text
