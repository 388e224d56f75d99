"""What the figures draw: a band over periods, rows with dots and intervals, bars, cells.

Each drawing takes rows and returns a matplotlib figure; `canvas.svg` calls it in the kit's style.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxkit.metrics import Metric
from cxkit.present import canvas, marks, wording
from cxkit.present.canvas import dots, put, stroke
from cxkit.present.captions import base, level, score
from cxkit.present.marks import NOTE
from cxkit.present.rows import Row
from cxkit.present.svg import STEPS, colour

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DASHED: Any = {"linestyle": (0, (4, 3))}


def trend(
    found: Sequence[Row],
    known: Sequence[tuple[int, Row]],
    metric: Metric,
    marked: Sequence[Row],
) -> Figure:
    """A line over periods with a band of intervals, gaps where nothing is known, and bases under the periods."""
    values = [mark["value"] for mark in marked]
    lows, highs = marks.reach([row for _, row in known])
    low, high = canvas.span([*lows, *values], [*highs, *values], metric.ends)
    figure, ax = canvas.axes(236, 40, 62, top=14, bottom=44)
    left, right = -0.4, max(len(found) - 0.6, 0.6)
    ax.set(xlim=(left, right), ylim=(low, high))
    at = canvas.ticks(low, high)
    for y in at:
        stroke(ax, [left, right], [y, y], "muted" if y == 0 else "rule", 0.8)
        put(ax, left, y, marks.tick(y, at, metric.unit), ha="right", shift=(-6, 0), **NOTE)
    for mark, y in zip(marked, values, strict=True):
        stroke(ax, [left, right], [y, y], "muted", 1, **DASHED)
        put(ax, left, y, f"{mark['name']} {y:g}", ha="left", va="bottom", shift=(4, 2), limit=40, **NOTE)
    for run in runs(known):
        marks.band(ax, run)
        stroke(ax, [i for i, _ in run], [row["value"] for _, row in run], "line", 2)
    for small in (False, True):
        kept = [(i, row["value"]) for i, row in known if wording.is_small(row) == small]
        if kept:
            role = "faint" if small else "line"
            dots(ax, [i for i, _ in kept], [y for _, y in kept], role, filled=not small, size=5)
    last, row = known[-1]
    put(ax, last, row["value"], score(row, metric), ha="left", bold=True, shift=(8, 0))
    for i in spread(len(found), 6):
        put(ax, i, low, found[i]["period"], va="top", small=True, shift=(0, -8), limit=12)
        put(ax, i, low, base(found[i]), va="top", shift=(0, -20), **NOTE)
    return figure


def segments(
    levels: Sequence[Row],
    known: Sequence[Row],
    whole: Row | None,
    metric: Metric,
    dimension: str,
    tested: Mapping[object, Row],
    marked: Sequence[Row] = (),
) -> Figure:
    """A row per level: name, dot with interval, score and base, sign of its change; published values as lines."""
    low, high = canvas.span(*marks.reach([*known, *([whole] if whole else []), *marked]), metric.ends)
    names = [level(row, dimension) for row in levels]
    figure, ax = marks.row_area(names, low, high, metric.unit, foot=11 * len(marked))
    if whole:
        stroke(ax, [whole["value"]] * 2, [-0.7, len(levels) - 0.5], "muted", 1, **DASHED)
        put(ax, whole["value"], -0.7, f"all {score(whole, metric)}", va="bottom", shift=(0, 1), **NOTE)
    for i, mark in enumerate(marked):
        x, bottom = mark["value"], len(levels) - 0.5
        stroke(ax, [x, x], [-0.7, bottom], "muted", 1, linestyle=(0, (1, 2)))
        ha = "right" if x > (low + high) / 2 else "left"
        put(ax, x, bottom, f"{mark['name']} {x:g}", ha=ha, va="top", shift=(0, -17 - 11 * i), limit=30, **NOTE)
    rows = [marks.dot_row(ax, y, row, metric, dimension, tested.get(row[dimension])) for y, row in enumerate(levels)]
    marks.whiskers(ax, rows)
    return figure


def changes(found: Sequence[Row], known: Sequence[Row], metric: Metric, dimension: str) -> Figure:
    """A row per level: name, change with interval around the zero line, verdict as sign and number."""
    lows, highs = marks.reach([{**row, "value": row["change"]} for row in known])
    low, high = canvas.span([*lows, 0], [*highs, 0], (-math.inf, math.inf))
    figure, ax = marks.row_area([level(row, dimension) for row in found], low, high, metric.unit, signed=True)
    stroke(ax, [0, 0], [-0.7, len(found) - 0.5], "ink", 1)
    marks.whiskers(ax, [marks.change_row(ax, y, row, metric, dimension) for y, row in enumerate(found)])
    return figure


def distribution(answers: Sequence[Row], roles: Mapping[str, str]) -> Figure:
    """A bar per answer with its share, the classes above."""
    figure, ax = canvas.axes(200, 8, 8, top=40, bottom=22)
    groups = [str(row["group"]) for row in answers]
    shares = [float(row["share"]) for row in answers]
    colours = [colour(roles[group]) for group in groups]
    ax.bar(range(len(answers)), shares, width=0.86, color=colours, linewidth=0, clip_on=False)
    top = max(shares) * 1.12
    ax.set(xlim=(-0.5, len(answers) - 0.5), ylim=(0, top))
    for x, row in enumerate(answers):
        share = wording.quantity(row["share"], "percent", 0)
        put(ax, x, row["share"], share, va="bottom", small=True, shift=(0, 2))
        put(ax, x, 0, f"{row['answer']:g}", va="top", shift=(0, -6))
    for group, role in roles.items():
        at = [x for x, found in enumerate(groups) if found == group]
        if at:
            stroke(ax, [at[0] - 0.43, at[-1] + 0.43], [top * 1.12] * 2, role, 3)
            short, room = group.partition(" (")[0], 464 / len(answers) * len(at)
            put(
                ax,
                (at[0] + at[-1]) / 2,
                top * 1.12,
                short,
                va="bottom",
                small=True,
                shift=(0, 4),
                limit=int(room / 6.2),
            )
    return figure


def stacked(bars: Mapping[str, Sequence[Row]], roles: Mapping[str, str]) -> Figure:
    """A bar per period or level, split into classes."""
    height = 20 if len(bars) < 16 else 17
    figure, ax = canvas.axes(30 + height * len(bars), marks.margin(list(bars)), 64, top=26, bottom=4)
    ax.set(xlim=(0, 100), ylim=(len(bars) - 0.5, -0.5))
    for i, (group, role) in enumerate(roles.items()):
        x = 100 * i / max(len(roles) - 1, 1)
        ha = "left" if x == 0 else "right" if x == 100 else "center"
        short = group.partition(" (")[0]
        put(ax, x, -0.5, short, ha=ha, va="bottom", small=True, bold=True, role=role, shift=(0, 5), limit=16)
    marks.stacks(ax, bars, roles)
    return figure


def heat(grid: Sequence[Sequence[Row | None]], down: Sequence[str], across: Sequence[str], metric: Metric) -> Figure:
    """Cells coloured in steps from the lowest to the highest value, each with score and base."""
    import numpy as np
    import seaborn as sns
    from matplotlib.colors import ListedColormap

    values = [[math.nan if not cell or cell.get("value") is None else cell["value"] for cell in line] for line in grid]
    figure, ax = canvas.axes(44 + 30 * len(down), min(marks.margin(down, 15), 124), 6, top=36, bottom=8)
    room = max(4, 48 // len(across))
    steps = ListedColormap([colour(f"step{i}") for i in range(STEPS)])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    sns.heatmap(
        np.array(values), ax=ax, cmap=steps.reversed() if metric.better == "lower" else steps, vmin=low,
        vmax=high if high > low else low + 1, cbar=False, linewidths=2, linecolor=colour("paper"),
        xticklabels=False, yticklabels=False,
    )  # fmt: skip
    for x, title in enumerate(across):
        before = _two_lines(across[x - 1], room)[0] if x else ""
        for i, part in enumerate(reversed(_two_lines(title, room))):
            if i == 1 and part == before:  # a year is written once
                continue
            put(ax, x + 0.5, 0, part, va="bottom", small=True, shift=(0, 5 + 10 * i), limit=room, middle=True)
    for y, line in enumerate(grid):
        put(ax, 0, y + 0.5, down[y], ha="right", shift=(-8, 0), limit=15, middle=True)
        for x, cell in enumerate(line):
            marks.cell_text(ax, x + 0.5, y + 0.5, cell, metric, len(across) > 8)
    return figure


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
