"""The marks that drawings are made of: rows with names, dots and intervals, bands, stacked bars, cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple, TypeVar

from cxkit.metrics import Metric
from cxkit.show import verdicts, wording
from cxkit.show.canvas import Canvas, ticks
from cxkit.show.captions import base, score
from cxkit.show.rows import LINE, Row, lines, shares, together, width

T = TypeVar("T")
RIGHT = 92  # user units for the numbers of a row
TALL = 540  # user units of rows in one drawing, about what a sheet of paper holds
CHARACTERS = 5  # of a score with a decimal: a narrower cell leaves it out
GAP = 0.7  # rows between what has enough answers and what has not
TONES = {"better": "good", "worse": "bad", "moved": "ink", "none": "muted", "few": "faint"}
UNSAID = {"protecting": "hidden", "hidden": "hidden", "empty": "no answers", "few": "too few", "little": "too little"}
HIDDEN = "*"  # a cell of a grid that must not be shown
NOTE: Any = {"small": True, "role": "muted"}
DASHED: Any = {"dashes": (3, 2)}


def reach(found: Sequence[Row]) -> tuple[list[float], list[float]]:
    """Lower and upper ends of all that is drawn; the value itself where a limit is absent."""
    lows = [row["value"] if row.get("low") is None else row["low"] for row in found]
    return lows, [row["value"] if row.get("high") is None else row["high"] for row in found]


def band(ax: Canvas, run: Sequence[tuple[int, Row]]) -> None:
    """The intervals of neighbouring periods as a band; a single one as a bar."""
    kept = [
        (i, row["low"], row["high"]) for i, row in run if row.get("low") is not None and row.get("high") is not None
    ]
    if len(kept) == 1:
        ax.line([kept[0][0]] * 2, kept[0][1:], "line", 5, alpha=0.25)
    elif kept:
        ax.fill([*((i, low) for i, low, _ in kept), *((i, high) for i, _, high in reversed(kept))], "line", 0.18)


class Layout(NamedTuple):
    """How names stand beside the rows of a drawing: what is written for each, row height and margin in user units."""

    labels: Mapping[str, str]
    height: int
    margin: float


def layout(names: Sequence[str]) -> Layout:
    """Names shortened together, and the room that they need."""
    labels = together(names)
    double = any(len(lines(label)) > 1 for label in labels.values())
    longest = max(map(width, labels.values()), default=0)
    return Layout(labels, 25 if double else 16 if len(labels) < 16 else 14, 12 + 6.7 * min(longest, LINE + 1))


def parts(found: Sequence[T], height: float) -> list[Sequence[T]]:
    """The rows of each drawing, about as many in all: what is higher than a sheet cannot be read on paper."""
    size = math.ceil(len(found) / math.ceil(len(found) * height / TALL))
    return [found[start : start + size] for start in range(0, len(found), size)]


def places(found: Sequence[Row]) -> list[float]:
    """Where rows stand, with a gap before those that have too few answers."""
    few = [not wording.is_sound(row) for row in found]
    return [y + GAP * (small and not few[0]) for y, small in enumerate(few)]


def row_area(
    laid: Layout, last: float, low: float, high: float, unit: str, signed: bool = False, foot: float = 0,
    origin: float = 0,
) -> Canvas:  # fmt: skip
    """An area with rows down to the place `last` and vertical lines at round values.

    `foot` is further room below, `origin` what the line at 0 is called.
    """
    bottom = last + 0.5
    height = 30 + laid.height * (bottom + 0.5) + foot
    ax = Canvas(height, laid.margin, RIGHT, top=14, bottom=16 + foot, x=(low, high), y=(bottom, -0.5))
    at = ticks(low, high, 4)
    for x in at:
        ax.line([x, x], [-0.5, bottom], "rule", 0.8)
        ax.text(x, bottom, tick(x + origin, at, unit, signed), va="top", shift=(0, -4), **NOTE)
    return ax


def put_name(ax: Canvas, y: float, label: str, role: str = "ink") -> None:
    """The name of a row at its left, in one line or two."""
    left = ax.x[0]
    found = lines(label)
    for i, line in enumerate(found):
        down = -11.5 * (i - (len(found) - 1) / 2)
        ax.text(left, y, line, ha="right", role=role, shift=(-8, down), small=len(found) > 1)


class Whisker(NamedTuple):
    """A dot with an interval, as a row of a drawing wants it."""

    y: float
    value: float
    low: float | None
    high: float | None
    role: str
    filled: bool


def whiskers(ax: Canvas, found: Sequence[Whisker | None]) -> None:
    """Dots with their intervals, those of one style together; an absent limit leaves its side out."""
    kept = sorted((mark for mark in found if mark), key=lambda mark: (mark.role, mark.filled))
    for y, value, low, high, role, _ in kept:
        if low is not None or high is not None:
            ax.line([value if low is None else low, value if high is None else high], [y, y], role, 2)
    for (role, filled), group in groupby(kept, key=lambda mark: (mark.role, mark.filled)):
        at = [(mark.value, mark.y) for mark in group]
        ax.dots([x for x, _ in at], [y for _, y in at], role, filled=filled)


def dot_row(ax: Canvas, y: float, label: str, row: Row, metric: Metric, tested: Row | None) -> Whisker | None:
    """One level: name, score, base and the sign of its change; returns its dot with interval."""
    small = not wording.is_sound(row)
    role, right = "muted" if small else "ink", ax.x[1]
    put_name(ax, y, label, role)
    if row.get("value") is None:
        note = str(row.get("note") or "not computed").partition(":")[0]
        ax.text(right, y, note, ha="left", shift=(8, 0), limit=14, **NOTE)
        return None
    ax.text(right, y, score(row, metric), ha="right", bold=not small, role=role, shift=(37, 0))
    ax.text(right, y, base(row), ha="left", shift=(40, 0), **NOTE)
    if tested is not None and tested.get("verdict") == "changed":
        found = verdicts.verdict(tested, metric)
        ax.text(right, y, found.sign, ha="right", small=True, role=TONES[found.tone], shift=(RIGHT, 0))
    return Whisker(y, row["value"], row.get("low"), row.get("high"), "faint" if small else "line", not small)


def change_row(ax: Canvas, y: float, label: str, row: Row, metric: Metric) -> Whisker | None:
    """One level: name, number, and the sign of a change, since a dash beside a number is a minus; returns its dot."""
    found = verdicts.verdict(row, metric)
    tone, moved, right = TONES[found.tone], row.get("verdict") == "changed", ax.x[1]
    role = "ink" if moved else "muted"
    put_name(ax, y, label, role)
    if row.get("change") is None:
        said = f"{found.sign} {UNSAID[verdicts.unsaid(row)]}"
        ax.text(right, y, said, ha="left", shift=(8, 0), **NOTE)
        return None
    ax.text(right, y, verdicts.size(row, metric), ha="right", bold=moved, role=role, shift=(62, 0))
    if moved:
        ax.text(right, y, found.sign, ha="left", role=tone, shift=(6, 0))
    if row.get("verdict") == "too few":
        ax.text(right, y, "few", ha="left", shift=(66, 0), **NOTE)
    return Whisker(y, row["change"], row.get("low"), row.get("high"), tone, moved)


def stacks(ax: Canvas, bars: Mapping[str, Sequence[Row]], roles: Mapping[str, str], laid: Layout) -> None:
    """Bars split into classes, the bars of one class together, with names and bases."""
    held = {top: shares(found, roles) for top, found in bars.items()}
    starts = dict.fromkeys(bars, 0.0)
    for group, role in roles.items():
        drawn = [(y, top) for y, top in enumerate(bars) if held[top][group] > 0]
        for y, top in drawn:
            ax.box((starts[top], starts[top] + held[top][group]), (y - 0.36, y + 0.36), role)
            if held[top][group] >= 9:  # narrower bars have no room for their number on a phone
                share = wording.quantity(held[top][group], "percent", 0)
                ax.text(starts[top] + held[top][group] / 2, y, share, small=True, role="on")
            starts[top] += held[top][group]
    for y, (top, found) in enumerate(bars.items()):
        put_name(ax, y, laid.labels[top])
        hidden, n = any(row.get("n") is None for row in found), sum(row.get("n") or 0 for row in found)
        said = "hidden" if hidden else f"n {wording.count(n)}" if n else "no answers"
        ax.text(100 if n else 0, y, said, ha="left", shift=(8, 0), **NOTE)


def outlines(ax: Canvas, at: Sequence[tuple[float, float]], size: tuple[float, float] = (1, 1)) -> None:
    """Dashed frames of cells that have too few answers for a colour; `at` are their upper left corners."""
    (w, h), (dx, dy) = size, (0.07 * size[0], 0.07 * size[1])
    for x, y in at:
        across, down = [x + dx, x + w - dx], [y + dy, y + h - dy]
        ax.line([*across, *across[::-1], across[0]], [down[0], *down, *down[::-1]], "faint", 0.8, **DASHED)


def cell_text(ax: Canvas, x: float, y: float, cell: Row | None, metric: Metric, room: float) -> None:
    """Score and base in a cell of `room` user units, or a sign for why there is none.

    A base that has no room on a phone is drawn on wider pages only, and one that has none there stands in the table.
    """
    if cell is None or cell.get("value") is None:
        ax.text(x, y, HIDDEN if cell is not None and cell.get("n") is None else wording.NONE, **NOTE)
        return
    small, narrow, n = wording.is_small(cell), room < 6.7 * CHARACTERS, wording.count(cell.get("n"))
    wide = room < 7 * len(n) + 2
    value, role = wording.number(cell["value"], 0) if narrow else score(cell, metric), "muted" if small else "ink"
    ax.text(x, y, value, bold=not small, role=role, small=narrow, shift=(0, 4 if wide else 5.5))
    if room >= 4 * len(n):
        ax.text(x, y, n, shift=(0, -6), small=True, role=role, wide=wide)


def tick(value: float, at: Sequence[float], unit: str, signed: bool = False) -> str:
    """The label of a grid line, with the decimals that the grid needs."""
    step = min((b - a for a, b in pairwise(at)), default=1.0)
    places = next(n for n in range(4) if n == 3 or abs(step - round(step, n)) < 0.02 * step)
    text = wording.number(value, places, signed)
    return f"{text}%" if unit == "percent" and not signed else text
