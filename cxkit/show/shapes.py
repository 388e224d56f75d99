"""What the figures draw: a band over periods, rows with dots and intervals, bars, cells.

Each drawing takes rows and returns a canvas; nothing is computed but where things stand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cxkit.metrics import Metric
from cxkit.show import canvas, marks, wording
from cxkit.show.canvas import STEPS, WIDTH, Canvas
from cxkit.show.captions import base, level, score
from cxkit.show.durations import EVEN, in_pairs
from cxkit.show.marks import DASHED, NOTE
from cxkit.show.rows import Row

CELL = 26  # user units of the rows of a grid
BREAK = 12  # user units between two lines of text
PATTERNS = ((4, 3), (1, 2), (7, 2, 1, 2), (2, 4))  # of the lines of published values, one after another


def trend(
    found: Sequence[Row],
    known: Sequence[tuple[int, Row]],
    metric: Metric,
    marked: Sequence[Row],
) -> Canvas:
    """A line over periods with a band of intervals, gaps where nothing is known, and bases under the periods."""
    values = [mark["value"] for mark in marked]
    lows, highs = marks.reach([row for _, row in known])
    low, high = canvas.span([*lows, *values], [*highs, *values], metric.ends)
    left, right = -0.4, max(len(found) - 0.6, 0.6)
    ax = Canvas(190, 32, 46, top=12, bottom=34, x=(left, right), y=(low, high))
    at = canvas.ticks(low, high)
    for y in at:
        ax.line([left, right], [y, y], "muted" if y == 0 else "rule", 0.8)
        ax.text(left, y, marks.tick(y, at, metric.unit), ha="right", shift=(-5, 0), **NOTE)
    for run in runs(known):
        marks.band(ax, run)
        ax.line([i for i, _ in run], [row["value"] for _, row in run], "line", 1.6)
    for small in (False, True):
        kept = [(i, row["value"]) for i, row in known if wording.is_small(row) == small]
        if kept:
            role = "faint" if small else "line"
            ax.dots([i for i, _ in kept], [y for _, y in kept], role, filled=not small, size=4.4)
    _levels(ax, marked, BREAK * (high - low) / 144)
    last, row = known[-1]
    ax.text(last, row["value"], score(row, metric), ha="left", bold=True, shift=(6, 0))
    longest = max(len(str(row["period"])) for row in found)
    for i in spread(len(found), max(2, min(6, int(282 / (6.6 * min(longest, 12) + 5))))):
        ax.text(i, low, found[i]["period"], va="top", small=True, shift=(0, -7), limit=12)
        ax.text(i, low, base(found[i]), va="top", shift=(0, -7 - BREAK), **NOTE)
    return ax


def _levels(ax: Canvas, marked: Sequence[Row], near: float) -> None:
    """Published values as lines over all periods, named on them: above, below where the next is near, else at the end.

    Each name has a halo, so that no line strikes it through, and each line a pattern of its own.
    """
    left, right = ax.x
    order = sorted(marked, key=lambda mark: float(mark["value"]))
    taken = -math.inf  # up to where names stand at the left
    for i, mark in enumerate(order):
        y = mark["value"]
        above = order[i + 1]["value"] if i + 1 < len(order) else math.inf
        ax.line([left, right], [y, y], "muted", 1, dashes=PATTERNS[i % len(PATTERNS)])
        below = above - y < near <= y - taken
        if below or (above - y >= near and y >= taken):
            side: Any = {"ha": "left", "va": "top" if below else "bottom", "shift": (4, -2 if below else 2)}
            taken = y + near * (not below)
        else:
            side = {"ha": "right", "va": "bottom", "shift": (-4, 2)}
        ax.text(
            left if side["ha"] == "left" else right, y, f"{mark['name']} {y:g}", limit=34, halo=True, **side, **NOTE
        )


def segments(
    levels: Sequence[Row],
    known: Sequence[Row],
    whole: Row | None,
    metric: Metric,
    dimension: str,
    laid: marks.Layout,
    tested: Mapping[object, Row],
    marked: Sequence[Row] = (),
) -> Canvas:
    """A row per level: name, dot with interval, score and base, sign of its change; published values as lines."""
    low, high = canvas.span(*marks.reach([*known, *([whole] if whole else []), *marked]), metric.ends)
    at = marks.places(levels)
    ax = marks.row_area(laid, at[-1], low, high, metric.unit, foot=BREAK * len(marked))
    if whole:
        ax.line([whole["value"]] * 2, [-0.5, at[-1] + 0.5], "muted", 1, **DASHED)
        ax.text(whole["value"], -0.5, f"all {score(whole, metric)}", va="bottom", shift=(0, 2), **NOTE)
    _feet(ax, marked, at[-1] + 0.5, BREAK / laid.height)
    rows = [
        marks.dot_row(ax, y, laid.labels[level(row, dimension)], row, metric, tested.get(row[dimension]))
        for y, row in zip(at, levels, strict=True)
    ]
    marks.whiskers(ax, rows)
    return ax


def _feet(ax: Canvas, marked: Sequence[Row], bottom: float, step: float) -> None:
    """Published values as lines through all rows, each down to its name; one with others inside goes farther down."""
    low, high = ax.x
    middle = (low + high) / 2
    for i, mark in enumerate(sorted(marked, key=lambda mark: (mark["value"] > middle, abs(mark["value"] - middle)))):
        x, foot = mark["value"], bottom + step * (i + 2)
        ax.line([x, x], [-0.5, foot], "muted", 1, dashes=PATTERNS[(i + 1) % len(PATTERNS)])
        ha, away = ("right", -3) if x > middle else ("left", 3)
        said = f"{mark['name']} {x:g}"
        ax.text(x, foot, said, ha=ha, va="bottom", shift=(away, 0), limit=34, halo=True, **NOTE)


def changes(found: Sequence[Row], known: Sequence[Row], metric: Metric, dimension: str, laid: marks.Layout) -> Canvas:
    """A row per level: name, change with interval around the zero line, verdict as sign and number."""
    lows, highs = marks.reach([{**row, "value": row["change"]} for row in known])
    low, high = canvas.span([*lows, 0], [*highs, 0], (-math.inf, math.inf))
    zero: Any = {"origin": EVEN} if in_pairs(metric) else {"signed": True}
    ax = marks.row_area(laid, len(found) - 1, low, high, metric.unit, **zero)
    ax.line([0, 0], [-0.5, len(found) - 0.5], "ink", 1)
    rows = [marks.change_row(ax, y, laid.labels[level(row, dimension)], row, metric) for y, row in enumerate(found)]
    marks.whiskers(ax, rows)
    return ax


def distribution(answers: Sequence[Row], roles: Mapping[str, str]) -> Canvas:
    """A bar per answer with its share, the classes above."""
    groups = [str(row["group"]) for row in answers]
    top = max(float(row["share"]) for row in answers) * 1.12
    ax = Canvas(160, 6, 6, top=34, bottom=18, x=(-0.5, len(answers) - 0.5), y=(0, top))
    for x, row in enumerate(answers):
        ax.box((x - 0.43, x + 0.43), (0, row["share"]), roles[groups[x]])
        share = wording.quantity(row["share"], "percent", 0)
        ax.text(x, row["share"], share, va="bottom", small=True, shift=(0, 2))
        ax.text(x, 0, wording.answer(row["answer"]), va="top", shift=(0, -4))
    for group, role in roles.items():
        at = [x for x, found in enumerate(groups) if found == group]
        if at:
            ax.line([at[0] - 0.43, at[-1] + 0.43], [top * 1.14] * 2, role, 2.4)
            short, room = group.partition(" (")[0], 348 / len(answers) * len(at)
            ax.text(
                (at[0] + at[-1]) / 2,
                top * 1.14,
                short,
                va="bottom",
                small=True,
                shift=(0, 4),
                limit=int(room / 6.6),
            )
    return ax


def stacked(bars: Mapping[str, Sequence[Row]], roles: Mapping[str, str], laid: marks.Layout) -> Canvas:
    """A bar per period or level, split into classes."""
    height = 22 + laid.height * len(bars)
    ax = Canvas(height, laid.margin, 54, top=20, bottom=2, x=(0, 100), y=(len(bars) - 0.5, -0.5))
    for i, (group, role) in enumerate(roles.items()):
        x = 100 * i / max(len(roles) - 1, 1)
        ha = "left" if x == 0 else "right" if x == 100 else "center"
        short = group.partition(" (")[0]
        ax.text(x, -0.5, short, ha=ha, va="bottom", small=True, bold=True, role=role, shift=(0, 4), limit=16)
    marks.stacks(ax, bars, roles, laid)
    return ax


def heat(
    grid: Mapping[str, Sequence[Row | None]], across: Sequence[str], metric: Metric, laid: marks.Layout,
    found: Sequence[Row],
) -> Canvas:  # fmt: skip
    """Cells coloured in steps from the lowest to the highest value of all that are `found`; too small ones framed."""
    known = [value for value in map(_sound, found) if not math.isnan(value)] or [0.0]
    low, high = min(known), max(known)
    height = 58 + CELL * len(grid)
    ax = Canvas(height, laid.margin, 4, top=30, bottom=28, x=(0, len(across)), y=(len(grid), 0))
    every = [(x, y, one) for y, line in enumerate(grid.values()) for x, one in enumerate(line)]
    steps = [(_step(_sound(one), low, high, metric), x, y) for x, y, one in every if not math.isnan(_sound(one))]
    for step, x, y in sorted(steps):  # cells of one colour are one path
        ax.box((x, x + 1), (y, y + 1), f"step{step}", gap=0.75)
    small = [(x, y) for x, y, one in every if _framed(one)]
    marks.outlines(ax, small)
    room = (WIDTH - laid.margin - 4) / len(across)
    _heads(ax, across, max(4, int(room / 6.6)))
    for y, label in enumerate(grid):
        marks.put_name(ax, y + 0.5, label)
    for x, y, one in every:
        marks.cell_text(ax, x + 0.5, y + 0.5, one, metric, room)
    _legend(ax, (low, high), metric, bool(small))
    return ax


def _step(value: float, low: float, high: float, metric: Metric) -> int:
    """Which of the colours a value has, from the worst end of what is found to the best."""
    step = min(int(STEPS * (value - low) / ((high - low) or 1)), STEPS - 1)
    return STEPS - 1 - step if metric.better == "lower" else step


def _sound(cell: Row | None) -> float:
    """The value that a cell is coloured by: none where it has too few answers."""
    return float(cell["value"]) if cell and wording.is_sound(cell) else math.nan


def _framed(cell: Row | None) -> bool:
    return cell is not None and cell.get("value") is not None and wording.is_small(cell)


def _heads(ax: Canvas, across: Sequence[str], room: int) -> None:
    """The names of the columns, in two lines where they need it."""
    for x, title in enumerate(across):
        before = _two_lines(across[x - 1], room)[0] if x else ""
        for i, part in enumerate(reversed(_two_lines(title, room))):
            if i == 1 and part == before:  # a year is written once
                continue
            ax.text(x + 0.5, 0, part, va="bottom", small=True, shift=(0, 4 + BREAK * i), limit=room)


def _legend(ax: Canvas, ends: tuple[float, float], metric: Metric, few: bool) -> None:
    """The steps of colour under the cells with the values at both ends and in the middle, and how too few look."""
    bottom, unit = ax.y[0], ax.x[1] / ax.room  # a user unit in columns
    size, top, tall = 16 * unit, bottom + 7 / CELL, 7 / CELL
    order = range(STEPS)[:: -1 if metric.better == "lower" else 1]
    for i, step in enumerate(order):
        ax.box((i * size, (i + 1) * size), (top, top + tall), f"step{step}")
    for part, ha in ((0.0, "left"), (0.5, "center"), (1.0, "right")):
        value = ends[0] + part * (ends[1] - ends[0])
        said = marks.tick(value, [ends[0], (ends[0] + ends[1]) / 2, ends[1]], metric.unit)
        ax.text(part * size * STEPS, top + tall, said, ha=ha, va="top", shift=(0, -2), **NOTE)
    if few:
        start = size * (STEPS + 1)
        marks.outlines(ax, [(start, top)], (size, tall))
        ax.text(start + size, top + tall / 2, "too few", ha="left", shift=(4, 0), **NOTE)


def _two_lines(title: str, room: int) -> list[str]:
    """A title that is too long for its column, cut at a space or hyphen: "2026-10" -> "2026", "10"."""
    head, mark, tail = title.replace("-", " ").rpartition(" ")
    return [head, tail] if mark and len(title) > room else [title]


def class_roles(metric: Metric, groups: Sequence[str]) -> dict[str, str]:
    """A colour role per class of answers, in the metric's order (worst first), bad to good.

    >>> from cxkit.metrics import METRICS
    >>> list(class_roles(METRICS["nps"], []).values()), list(class_roles(METRICS["churn"], []).values())
    (['bad', 'mid', 'good'], ['good', 'bad'])
    """
    order = list(dict.fromkeys([*metric.classes, *groups]))
    first, last = {"higher": ("bad", "good"), "lower": ("good", "bad"), None: ("mid", "mid")}[metric.better]
    return {group: first if i == 0 else last if i == len(order) - 1 else "mid" for i, group in enumerate(order)}


def spread(length: int, most: int) -> list[int]:
    """At most `most` evenly spaced positions of `length`, the last one always among them.

    >>> spread(24, 6), spread(3, 6)
    ([3, 7, 11, 15, 19, 23], [0, 1, 2])
    """
    step = math.ceil(length / most)
    return list(range((length - 1) % step, length, step))


def runs(known: Sequence[tuple[int, Row]]) -> list[list[tuple[int, Row]]]:
    """Neighbouring positions together, so that a line never bridges a period without a value."""
    found: list[list[tuple[int, Row]]] = []
    for i, row in known:
        if found and found[-1][-1][0] == i - 1:
            found[-1].append((i, row))
        else:
            found.append([(i, row)])
    return found
