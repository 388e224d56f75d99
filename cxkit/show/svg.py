"""Drawings as SVG that belongs to the page: areas with two scales, on which lines, dots, bars and texts are put.

Colours are css variables with fallbacks (text and axes `currentColor`), so that a figure follows the page's scheme.
All shapes of one look are one path, each point written as its way from the one before: a page holds many drawings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from cxkit.show.html import Html, plain, tag

WIDTH = 360  # user units, about the pixels of a phone; the page scales the drawing to its column, and sets the fonts
TEXT, SMALL = 10, 9  # between the sizes that the page sets on a phone (12, 11) and on a wide screen
# How far the baseline of a text lies below the point that its middle, top or bottom is put at, in sizes of the font.
RISE = {"center": 0.28, "top": 0.76, "bottom": -0.21}
ANCHOR = {"left": None, "center": "middle", "right": "end"}

# role -> css; the fallbacks serve a figure outside the page. Blue and vermilion are told apart by all common kinds of
# colour vision; nothing is told by colour alone.
CSS = {
    "ink": "currentColor",
    "muted": "var(--cx-muted,#59636e)",
    "rule": "var(--cx-rule,#d3d9df)",
    "line": "var(--cx-line,#0b62a8)",
    "good": "var(--cx-good,#0b62a8)",
    "mid": "var(--cx-mid,#68737e)",
    "bad": "var(--cx-bad,#b84a00)",
    "faint": "var(--cx-faint,#98a2ad)",
    "paper": "var(--cx-paper,#fff)",
    "on": "var(--cx-on,#fff)",
    **{f"step{i}": f"var(--cx-step{i},{c})" for i, c in enumerate(
        ("#f6b58a", "#f9cfb3", "#fbe6d8", "#eef0f2", "#d9e8f5", "#b4d3ec", "#8fbde2"))},
}  # fmt: skip
STEPS = 7

Points = Sequence[tuple[float, float]]


class Look(NamedTuple):
    """What texts share that are written together: anchor, class and style."""

    anchor: str
    named: str
    style: str


class Canvas:
    """One drawing of the page's width with a frameless area; sizes and margins in user units.

    Attributes:
        x: Values at the left and right end of the area.
        y: Values at its bottom and top.
        room: Width of the area in user units.
    """

    def __init__(
        self,
        height: float,
        left: float,
        right: float,
        top: float = 8,
        bottom: float = 8,
        *,
        x: tuple[float, float],
        y: tuple[float, float],
    ) -> None:
        self.height, self.x, self.y = height, x, y
        self.room = WIDTH - left - right
        self._left, self._bottom, self._tall = left, height - bottom, height - top - bottom
        self._shapes: list[tuple[str, str]] = []  # style, path
        self._texts: list[tuple[Look, Html]] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point of the scales in user units."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self._left + self.room * across, self._bottom - self._tall * up

    def line(
        self,
        x: Sequence[float],
        y: Sequence[float],
        role: str,
        width: float = 1.0,
        *,
        dashes: Sequence[float] = (),
        alpha: float = 1.0,
    ) -> None:
        """A line through points, with dashes in its own widths."""
        style = f"fill:none;stroke:{CSS[role]};stroke-width:{width:g}"
        style += f";stroke-dasharray:{','.join(f'{width * dash:g}' for dash in dashes)}" if dashes else ""
        style += f";stroke-opacity:{alpha:g}" if alpha < 1 else ""
        self._draw(style, [self.at(*point) for point in zip(x, y, strict=True)])

    def dots(self, x: Sequence[float], y: Sequence[float], role: str, *, filled: bool = True, size: float = 6) -> None:
        """Marks of one look; hollow where there is no verdict. A dot is a line without length and with round ends."""
        for drawn, width in [(role, size + 1.2), *([] if filled else [("paper", size - 1.2)])]:
            style = f"fill:none;stroke:{CSS[drawn]};stroke-width:{width:g};stroke-linecap:round"
            for point in zip(x, y, strict=True):
                self._draw(style, [self.at(*point)] * 2)

    def fill(self, points: Points, role: str, alpha: float = 1.0) -> None:
        """A filled shape."""
        style = f"fill:{CSS[role]}" + (f";fill-opacity:{alpha:g}" if alpha < 1 else "")
        self._draw(style, [self.at(*point) for point in points], closed=True)

    def box(self, x: tuple[float, float], y: tuple[float, float], role: str, gap: float = 0) -> None:
        """A filled rectangle, smaller by `gap` user units on each side."""
        (left, bottom), (right, top) = self.at(x[0], y[0]), self.at(x[1], y[1])
        (left, right), (top, bottom) = sorted((left, right)), sorted((top, bottom))
        left, right, top, bottom = left + gap, right - gap, top + gap, bottom - gap
        self._draw(f"fill:{CSS[role]}", [(left, top), (right, top), (right, bottom), (left, bottom)], closed=True)

    def text(
        self,
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
        """Write a text at a point of the scales, moved by `shift` to the right and up and cut to `limit` characters.

        A `halo` of the paper's colour keeps a text readable that stands on lines; what has no room on a phone is
        `wide`. Without the stylesheet a muted text is as dark as the others.
        """
        marks = "s" * small + "b" * bold + "m" * (role == "muted")
        style = [f"fill:{CSS[role]}"] if role not in ("ink", "muted") else []
        style += [f"paint-order:stroke;stroke:{CSS['paper']};stroke-width:3"] if halo else []
        look = Look(ANCHOR[ha] or "", " ".join([f"cx-{marks}"] * bool(marks) + ["cx-wide"] * wide), ";".join(style))
        across, down = self.at(x, y)
        down += RISE[va] * (SMALL if small else TEXT) - shift[1]
        at = {"x": _tenths(across + shift[0]), "y": _tenths(down)}
        self._texts.append((look, tag("text", plain(text, limit), **at)))

    def svg(self, key: str, title: str, desc: str) -> Html:
        """The drawing with a title, alternative text and ids that belong to `key`."""
        return tag(
            "svg",
            tag("title", plain(title, 200), id=f"{key}-t"),
            tag("desc", plain(_whole(desc), 4000), id=f"{key}-d"),
            *_paths(self._shapes),
            *_written(self._texts),
            viewBox=f"0 0 {WIDTH} {self.height:g}",
            role="img",
            aria_labelledby=f"{key}-t {key}-d",
            fill="currentColor",
            font_family="system-ui,sans-serif",
            font_size=TEXT,
        )

    def _draw(self, style: str, points: Points, closed: bool = False) -> None:
        self._shapes.append((style, path(points, closed)))


def _paths(shapes: Iterable[tuple[str, str]]) -> Iterator[Html]:
    """Neighbours of one style as one path."""
    for style, found in groupby(shapes, key=lambda shape: shape[0]):
        yield Html(f'<path style="{style}" d="{"".join(d for _, d in found)}"/>')


def _written(texts: Iterable[tuple[Look, Html]]) -> Iterator[Html]:
    """The texts, those that look alike together in a group that says how."""
    for look, found in groupby(sorted(texts, key=lambda one: one[0]), key=lambda one: one[0]):
        inside = (text for _, text in found)
        yield tag("g", *inside, text_anchor=look.anchor or None, class_=look.named or None, style=look.style or None)


def path(points: Points, closed: bool = False) -> str:
    """Straight lines in tenths of a unit, which are less than a pixel.

    >>> path([(40, 166.92), (418, 166.94)]), path([(0, 0), (10, 0.5), (9.5, 10)], closed=True)
    ('M40 166.9h378', 'M0 0l10 .5-.5 9.5z')
    """
    tenths = [(round(10 * x), round(10 * y)) for x, y in points]
    said, last = f"M{_pair(*tenths[0])}", ""
    for before, now in pairwise(tenths):
        way = (now[0] - before[0], now[1] - before[1])
        kind = "l" if all(way) else "v" if way[1] else "h"
        numbers = _pair(*way) if kind == "l" else _tenth(way[1] or way[0])
        said += kind + numbers if kind != last else numbers if numbers[0] == "-" else f" {numbers}"
        last = kind
    return said + "z" * closed


def _pair(x: int, y: int) -> str:
    return f"{_tenth(x)}{' ' * (y >= 0)}{_tenth(y)}"


def _tenth(value: int) -> str:
    """Tenths as a number, without the zeros that nobody needs."""
    return re.sub(r"^(-?)0(?=\.)", r"\1", f"{value / 10:.1f}".removesuffix(".0"))


def _tenths(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round positions inside the limits, with at most so many steps between them.

    >>> ticks(-33, 41), ticks(5.1, 5.9, 4)
    ([-20.0, 0.0, 20.0, 40.0], [5.2, 5.4, 5.6, 5.8])
    """
    unit = 10.0 ** math.floor(math.log10((high - low) / (most + 1)))
    for size in (1, 2, 2.5, 5, 10, 20):
        step = unit * size
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first <= most:
            break
    return [round(i * step, 12) + 0.0 for i in range(first, last + 1)]


def span(lows: Sequence[float], highs: Sequence[float], ends: tuple[float, float]) -> tuple[float, float]:
    """Limits of an axis that hold all intervals with some air, cut at the ends of the scale."""
    low, high = min(lows), max(highs)
    air = max((high - low) * 0.08, 0.02 * abs(high), 0.05)
    return max(low - air, ends[0]), min(high + air, ends[1])


def _whole(text: str, most: int = 3900) -> str:
    """Alternative text as far as it has room, without the half of an estimate at its end."""
    return text if len(text) <= most else f"{text[:most].rpartition('; ')[0]}; the table has all"
