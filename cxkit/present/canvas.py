"""matplotlib as a quiet pencil: frameless areas, texts, lines and dots in user units of the page's figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cxkit.present.html import plain
from cxkit.present.svg import WIDTH, Written, colour, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# How far the baseline of a text lies below the point that its middle, top or bottom is put at, in sizes of the font.
RISE = {"center": 0.28, "top": 0.76, "bottom": -0.21}


def axes(height: float, left: float, right: float, top: float = 8, bottom: float = 8) -> tuple[Figure, Axes]:
    """A figure of the page's width with one frameless area; sizes and margins in user units."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
    area = (left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH, (height - top - bottom) / height)
    drawn = figure.add_axes(area)
    figure.patch.set_visible(False)
    drawn.axis("off")
    return figure, drawn


def put(
    ax: Axes,
    x: float,
    y: float,
    text: object,
    *,
    ha: str = "center",
    va: str = "center",
    role: str = "ink",
    small: bool = False,
    bold: bool = False,
    shift: tuple[float, float] = (0, 0),
    limit: int = 60,
    halo: bool = False,
    wide: bool = False,
) -> None:
    """Write a text at data coordinates, moved by `shift` user units and cut to `limit` characters.

    A `halo` of the paper's colour keeps a text readable that stands on lines; what has no room on a phone is `wide`.
    """
    anchor = {"left": None, "center": "middle", "right": "end"}[ha]
    write(Written(ax, (x, y), shift, plain(text, limit), anchor, RISE[va], role, small, bold, halo, wide))


def stroke(ax: Axes, x: Sequence[float], y: Sequence[float], role: str, width: float = 1.0, **options: Any) -> None:
    """A line through points."""
    ax.plot(x, y, color=colour(role), linewidth=width, clip_on=False, solid_capstyle="butt", **options)


def dots(ax: Axes, x: Sequence[float], y: Sequence[float], role: str, *, filled: bool = True, size: float = 6) -> None:
    """Marks of one style; hollow where there is no verdict.

    A dot is a line without length and with round ends: all of one style are one short path.
    """
    points = [[place for one in line for place in (one, one, math.nan)] for line in (x, y)]
    for drawn, width in [(role, size + 1.2), *([] if filled else [("paper", size - 1.2)])]:
        ax.plot(*points, color=colour(drawn), linewidth=width, clip_on=False, solid_capstyle="round")


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round positions inside the limits."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(x) for x in found if low <= x <= high]


def span(lows: Sequence[float], highs: Sequence[float], ends: tuple[float, float]) -> tuple[float, float]:
    """Limits of an axis that hold all intervals with some air, cut at the ends of the scale."""
    low, high = min(lows), max(highs)
    air = max((high - low) * 0.08, 0.02 * abs(high), 0.05)
    return max(low - air, ends[0]), min(high + air, ends[1])
