"""What the figures draw: a band over periods, rows with dots and intervals, bars, cells.

Each drawing takes rows and returns a canvas; nothing is computed but where things stand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple, TypeVar

from cxkit.metrics import Metric
from cxkit.show import verdicts, wording
from cxkit.show.labels import LINE, lines, together, width
from cxkit.show.rows import Row, answered, level, shares
from cxkit.show.svg import STEPS, WIDTH, Canvas, span, ticks
from cxkit.show.wording import EVEN, base, in_pairs, score

T = TypeVar("T")
RIGHT = 92  # user units for the numbers of a row
TALL = 540  # user units of rows in one drawing, about what a sheet of paper holds
FEW = 3  # periods up to which they are dots: a line through two would be a direction that nobody has shown
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
        ax.text(right, y, wording.absent(row), ha="left", shift=(8, 0), limit=14, **NOTE)
        return None
    ax.text(right, y, score(row, metric), ha="right", bold=not small, role=role, shift=(37, 0))
    grey = small and row["n"] >= row.get("judge_from", math.inf)  # many answers that count like few
    counts = f" ({wording.count(row.get('n_judged', row['n_eff']))})" if grey else ""
    ax.text(right, y, f"{base(row)}{counts}", ha="left", shift=(40, 0), **NOTE)
    if tested is not None and stands_out(tested):
        found = verdicts.verdict(tested, metric)
        ax.text(right, y, found.sign, ha="right", small=True, role=TONES[found.tone], shift=(RIGHT, 0))
    return Whisker(y, row["value"], row.get("low"), row.get("high"), "faint" if small else "line", not small)


def stands_out(tested: Row) -> bool:
    """Whether a level has a sign: it changed, and differently from the others where that was tested."""
    return bool(tested.get("named", tested.get("verdict") == "changed"))


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
        some = any(row.get("n") for row in found)
        ax.text(100 if some else 0, y, wording.bar_base(answered(found)), ha="left", shift=(8, 0), **NOTE)


def outlines(
    ax: Canvas, at: Sequence[tuple[float, float]], size: tuple[float, float] = (1, 1), *, solid: bool = False
) -> None:
    """Dashed frames of cells that have too few answers for a colour, `solid` of what stands out.

    `at` are their upper left corners.
    """
    (w, h), (dx, dy) = size, (0.07 * size[0], 0.07 * size[1])
    for x, y in at:
        across, down = [x + dx, x + w - dx], [y + dy, y + h - dy]
        look: dict[str, Any] = {} if solid else DASHED
        ax.line([*across, *across[::-1], across[0]], [down[0], *down, *down[::-1]],
                "ink" if solid else "faint", 2 if solid else 0.8, **look)  # fmt: skip


def cell_text(ax: Canvas, x: float, y: float, cell: Row | None, metric: Metric, room: float) -> None:
    """Score and base in a cell of `room` user units, or a sign for why there is none.

    A base that has no room on a phone is drawn on wider pages only, and one that has none there stands in the table.
    """
    if cell is None or cell.get("value") is None:
        ax.text(x, y, HIDDEN if cell is not None and cell.get("n") is None else wording.NONE, **NOTE)
        return
    small, narrow, n = wording.is_small(cell), room < 6.7 * CHARACTERS, wording.count(cell.get("n"))
    wide = room < 7 * len(n) + 2
    value = wording.number(cell["value"], int(abs(cell["value"]) < 10)) if narrow else score(cell, metric)
    role = "muted" if small else "ink"
    ax.text(x, y, value, bold=not small, role=role, small=narrow, shift=(0, 4 if wide else 5.5))
    if room >= 4 * len(n):
        ax.text(x, y, n, shift=(0, -6), small=True, role=role, wide=wide)


def tick(value: float, at: Sequence[float], unit: str, signed: bool = False) -> str:
    """The label of a grid line, with the decimals that the grid needs."""
    step = min((b - a for a, b in pairwise(at)), default=1.0)
    places = next(n for n in range(4) if n == 3 or abs(step - round(step, n)) < 0.02 * step)
    text = wording.number(value, places, signed)
    return f"{text}%" if unit == "percent" and not signed else text


CELL = 26  # user units of the rows of a grid
BREAK = 12  # user units between two lines of text
NUMBERS = 132  # user units that three numbers side by side need
PATTERNS = ((4, 3), (1, 2), (7, 2, 1, 2), (2, 4))  # of the lines of published values, one after another


def trend(
    found: Sequence[Row], known: Sequence[tuple[int, Row]], metric: Metric, marked: Sequence[Row],
    signals: Sequence[Row] = (), behind: Sequence[Row] = (), happened: Sequence[str] = (), target: float | None = None,
) -> Canvas:  # fmt: skip
    """A line over periods with a band of intervals, or a few dots with theirs; gaps where nothing is known.

    `signals` of the watch are marked, and where they likely began; `behind` the scores is the line of their level.
    Periods in which something `happened` are numbered at the top.
    """
    at_level = [(i, row) for i, row in enumerate(behind) if row["underlying"] is not None]
    aimed = [] if target is None else [{"name": "target", "value": target}]
    values = [mark["value"] for mark in [*marked, *aimed]] + [row["underlying"] for _, row in at_level]
    lows, highs = reach([row for _, row in known])
    low, high = span([*lows, *values], [*highs, *values], metric.ends)
    left, right = -0.4, max(len(found) - 0.6, 0.6)
    ax = Canvas(190, 32, 46, top=12, bottom=34, x=(left, right), y=(low, high))
    at = ticks(low, high)
    for y in at:
        ax.line([left, right], [y, y], "muted" if y == 0 else "rule", 0.8)
        ax.text(left, y, tick(y, at, metric.unit), ha="right", shift=(-5, 0), **NOTE)
    if at_level:
        edge = [*((i, row["underlying_low"]) for i, row in at_level),
                *((i, row["underlying_high"]) for i, row in reversed(at_level))]  # fmt: skip
        ax.fill([(i, min(max(y, low), high)) for i, y in edge], "mid", 0.18)
        ax.line([i for i, _ in at_level], [row["underlying"] for _, row in at_level], "mid", 1, **DASHED)
    if len(found) <= FEW:
        for (i, row), bottom, top in zip(known, lows, highs, strict=True):
            ax.line([i, i], [bottom, top], "faint" if wording.is_small(row) else "line", 2)
    else:
        for run in runs(known):
            band(ax, run)
            ax.line([i for i, _ in run], [row["value"] for _, row in run], "line", 1.6)
    periods = [str(row["period"]) for row in found]
    for row in signals:
        if row["since"] in periods and row["period"] in periods:
            ax.line([periods.index(row["since"])] * 2, [low, high], "muted", 1, dashes=(1, 2))
            mark = {"higher": wording.UP, "lower": wording.DOWN}.get(row["direction"], wording.NONE)
            ax.text(periods.index(row["period"]), high, mark, va="top", small=True)
    for number, period in enumerate(happened, 1):
        ax.line([periods.index(period)] * 2, [low, high], "mid", 0.8)
        ax.text(periods.index(period), high, number, va="bottom", shift=(0, 1), small=True)
    for small in (False, True):
        kept = [(i, row["value"]) for i, row in known if wording.is_small(row) == small]
        if kept:
            role = "faint" if small else "line"
            ax.dots([i for i, _ in kept], [y for _, y in kept], role, filled=not small, size=4.4)
    _levels(ax, [*marked, *aimed], BREAK * (high - low) / 144)
    last, row = known[-1]
    ax.text(last, row["value"], score(row, metric), ha="left", bold=True, shift=(6, 0))
    longest = max(len(str(row["period"])) for row in found)
    for i in spread(len(found), max(2, min(6, int(282 / (6.6 * min(longest, 12) + 5))))):
        ax.text(i, low, found[i]["period"], va="top", small=True, shift=(0, -7), limit=12)
        ax.text(i, low, base(found[i]), va="top", shift=(0, -7 - BREAK), **NOTE)
    return ax


def curve(now: Sequence[Row], before: Sequence[Row]) -> Canvas:
    """Shares that had come to their end after some time, now as a line with its band, before as a thinner one.

    The times stand on a scale on which each step is a multiple of the one before; below them how many were watched
    longer.
    """
    times = [row["after"] for row in (*now, *before)]
    low, high = math.log10(min(times)) - 0.08, math.log10(max(times)) + 0.08
    ax = Canvas(200, 32, 46, top=12, bottom=34, x=(low, high), y=(0, 100))
    for y in (0, 25, 50, 75, 100):
        ax.line([low, high], [y, y], "rule", 0.8)
        ax.text(low, y, f"{y}%", ha="right", shift=(-5, 0), **NOTE)
    then, at = ([math.log10(row["after"]) for row in rows] for rows in (before, now))
    if before:
        ax.line(then, [row["value"] for row in before], "faint", 1.2)
    limits = [(x, row) for x, row in zip(at, now, strict=True) if row.get("low") is not None]
    ax.fill([*((x, row["low"]) for x, row in limits), *((x, row["high"]) for x, row in reversed(limits))], "line", 0.18)
    ax.dots(at, [row["value"] for row in now], "line", size=4.4)
    ax.line(at, [row["value"] for row in now], "line", 1.6)
    for i in spread(len(now), 7):
        ax.text(at[i], 0, wording.time_words(now[i]["after"]), va="top", small=True, shift=(0, -7))
        ax.text(at[i], 0, wording.count(now[i]["at_risk"]), va="top", shift=(0, -7 - BREAK), **NOTE)
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
    scale: Sequence[Row],
    whole: Row | None,
    metric: Metric,
    dimension: str,
    laid: Layout,
    tested: Mapping[object, Row],
    marked: Sequence[Row] = (),
) -> Canvas:
    """A row per level: name, dot with interval, score and base, sign of its change; published values as lines.

    A small dot is the score of before; `scale` is all that has to have room.
    """
    low, high = span(*reach(scale), metric.ends)
    at = places(levels)
    ax = row_area(laid, at[-1], low, high, metric.unit, foot=BREAK * len(marked))
    if whole:
        ax.line([whole["value"]] * 2, [-0.5, at[-1] + 0.5], "muted", 1, **DASHED)
        ax.text(whole["value"], -0.5, f"all {score(whole, metric)}", va="bottom", shift=(0, 2), **NOTE)
    _feet(ax, marked, at[-1] + 0.5, BREAK / laid.height)
    rows = [
        dot_row(ax, y, laid.labels[level(row, dimension)], row, metric, tested.get(row[dimension]))
        for y, row in zip(at, levels, strict=True)
    ]
    whiskers(ax, rows)
    before = [tested.get(row[dimension], {}).get("value_before") for row in levels]
    known = [(value, y) for value, y in zip(before, at, strict=True) if value is not None]
    ax.dots([x for x, _ in known], [y for _, y in known], "mid", size=2.6)
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


def changes(found: Sequence[Row], known: Sequence[Row], metric: Metric, dimension: str, laid: Layout) -> Canvas:
    """A row per level: name, change with interval around the zero line, verdict as sign and number."""
    lows, highs = reach([{**row, "value": row["change"]} for row in known])
    low, high = span([*lows, 0], [*highs, 0], (-math.inf, math.inf))
    zero: Any = {"origin": EVEN} if in_pairs(metric) else {"signed": True}
    ax = row_area(laid, len(found) - 1, low, high, metric.unit, **zero)
    ax.line([0, 0], [-0.5, len(found) - 0.5], "ink", 1)
    rows = [change_row(ax, y, laid.labels[level(row, dimension)], row, metric) for y, row in enumerate(found)]
    whiskers(ax, rows)
    return ax


def distribution(answers: Sequence[Row], roles: Mapping[str, str]) -> Canvas:
    """A bar per answer with its share, the classes above."""
    groups, named = [str(row["group"]) for row in answers], wording.called(answers)
    top = max(float(row["share"]) for row in answers) * 1.12
    ax = Canvas(160, 6, 6, top=34, bottom=18, x=(-0.5, len(answers) - 0.5), y=(0, top))
    for x, row in enumerate(answers):
        ax.box((x - 0.43, x + 0.43), (0, row["share"]), roles[groups[x]])
        share = wording.quantity(row["share"], "percent", 0)
        ax.text(x, row["share"], share, va="bottom", small=True, shift=(0, 2))
        ax.text(x, 0, named[x], va="top", shift=(0, -4), limit=max(int(348 / len(answers) / 6.6), 2))
    for group, role in roles.items():
        at = [x for x, found in enumerate(groups) if found == group]
        if at:
            ax.line([at[0] - 0.43, at[-1] + 0.43], [top * 1.14] * 2, role, 2.4)
            short, room = group.partition(" (")[0] if named[at[0]] != group else "", 348 / len(answers) * len(at)
            ax.text(
                (at[0] + at[-1]) / 2, top * 1.14, short, va="bottom", small=True, shift=(0, 4), limit=int(room / 6.6)
            )
    return ax


def stacked(bars: Mapping[str, Sequence[Row]], roles: Mapping[str, str], laid: Layout) -> Canvas:
    """A bar per period or level, split into classes."""
    height = 22 + laid.height * len(bars)
    ax = Canvas(height, laid.margin, 54, top=20, bottom=2, x=(0, 100), y=(len(bars) - 0.5, -0.5))
    for i, (group, role) in enumerate(roles.items()):
        x = 100 * i / max(len(roles) - 1, 1)
        ha = "left" if x == 0 else "right" if x == 100 else "center"
        short = group.partition(" (")[0]
        ax.text(x, -0.5, short, ha=ha, va="bottom", small=True, bold=True, role=role, shift=(0, 4), limit=16)
    stacks(ax, bars, roles, laid)
    return ax


def heat(
    grid: Mapping[str, Sequence[Row | None]], across: Sequence[str], metric: Metric, laid: Layout,
    found: Sequence[Row],
) -> Canvas:  # fmt: skip
    """Cells coloured in steps from the lowest to the highest value of all that are `found`; too small ones framed."""
    known = [value for value in map(_sound, found) if not math.isnan(value)] or [0.0]
    low, high = min(known), max(known)
    height = 58 + CELL * len(grid)
    ax = Canvas(height, laid.margin, 4, top=30, bottom=28, x=(0, len(across)), y=(len(grid), 0))
    every = [(x, y, one) for y, line in enumerate(grid.values()) for x, one in enumerate(line)]
    shades, sound = _shades(metric), [(_sound(one), x, y) for x, y, one in every]
    steps = [(_shade(value, low, high, shades), x, y) for value, x, y in sound if not math.isnan(value)]
    for step, x, y in sorted(steps):  # cells of one colour are one path
        ax.box((x, x + 1), (y, y + 1), f"step{step}", gap=0.75)
    small = [(x, y) for x, y, one in every if one and one.get("value") is not None and wording.is_small(one)]
    outlines(ax, small)
    room = (WIDTH - laid.margin - 4) / len(across)
    _heads(ax, across, max(4, int(room / 5.6)))
    for y, label in enumerate(grid):
        put_name(ax, y + 0.5, label)
    for x, y, one in every:
        cell_text(ax, x + 0.5, y + 0.5, one, metric, room)
    _legend(ax, (low, high), metric, bool(small))
    return ax


def _shades(metric: Metric) -> Sequence[int]:
    """The colours from the lowest value to the highest: of both sides where one is worse, else light to strong."""
    return {"higher": range(STEPS), "lower": range(STEPS)[::-1]}.get(metric.better or "", range(STEPS // 2, STEPS))


def _shade(value: float, low: float, high: float, shades: Sequence[int]) -> int:
    """Which of the colours a value has, in equal steps from the lowest that is found to the highest."""
    return shades[min(int(len(shades) * (value - low) / ((high - low) or 1)), len(shades) - 1)]


def _sound(cell: Row | None) -> float:
    """The value that a cell is coloured by: none where it has too few answers."""
    return float(cell["value"]) if cell and wording.is_sound(cell) else math.nan


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
    shades = _shades(metric)
    size, top, tall = max(16, NUMBERS / len(shades)) * unit, bottom + 7 / CELL, 7 / CELL
    for i, step in enumerate(shades):
        ax.box((i * size, (i + 1) * size), (top, top + tall), f"step{step}")
    for part, ha in ((0.0, "left"), (0.5, "center"), (1.0, "right")):
        value = ends[0] + part * (ends[1] - ends[0])
        said = tick(value, [ends[0], (ends[0] + ends[1]) / 2, ends[1]], metric.unit)
        ax.text(part * size * len(shades), top + tall, said, ha=ha, va="top", shift=(0, -2), **NOTE)
    if few:
        start = size * (len(shades) + 1)
        outlines(ax, [(start, top)], (size, tall))
        ax.text(start + size, top + tall / 2, "too few", ha="left", shift=(4, 0), **NOTE)


def _two_lines(title: str, room: int) -> list[str]:
    """A title that is too long for its column, cut at a space or hyphen.

    >>> _two_lines("2026-10", 4), _two_lines("e-mail", 5)
    (['2026', '10'], ['e-', 'mail'])
    """
    at = max(title.rfind(" "), title.rfind("-"))
    if at < 1 or len(title) <= room:
        return [title]
    return [title[: at + (title[at] == "-" and not title[at - 1].isdigit())], title[at + 1 :]]


def class_roles(metric: Metric, groups: Sequence[str]) -> dict[str, str]:
    """A colour role per class of answers: bad to good, as the metric has the worst first.

    >>> from cxkit.metrics import METRICS
    >>> list(class_roles(METRICS["nps"], []).values()), list(class_roles(METRICS["churn"], []).values())
    (['bad', 'mid', 'good'], ['bad', 'good'])
    """
    order = list(dict.fromkeys([*metric.classes, *groups]))
    first, last = ("bad", "good") if metric.better else ("mid", "mid")
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
