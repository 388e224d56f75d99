"""Drawings on their way out: one style, no pyplot state, and SVG that belongs to the page it is put into.

matplotlib draws the shapes, in placeholder colours. On the way out these become css variables with fallbacks (text and
axes `currentColor`), so that a figure follows the scheme of the page. Texts never pass through matplotlib: they are
written on the drawing in the end, so that no string of the data is measured, parsed as mathematics or looked up in a
font, which costs more than all shapes. What matplotlib adds for files on their own (declarations, style sheet, ids) is
left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary
from xml.etree import ElementTree

from cxkit.present.html import Html, plain, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 360  # user units, about the pixels of a phone; the page scales the drawing to its column, and sets the fonts
TEXT, SMALL = 10, 9  # between the sizes that the page sets on a phone (12, 11) and on a wide screen

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
_ROLES = list(CSS)
_RC: Any = {  # the stubs want every key to be a literal
    "svg.hashsalt": "cxkit",
    "path.simplify": False,
}


def colour(role: str) -> str:
    """The placeholder colour that stands for a role until the drawing is written."""
    return f"#0102{_ROLES.index(role) + 16:02x}"


class Written(NamedTuple):
    """A text on a drawing: where it stands, by which of its sides, and how it looks."""

    ax: Axes
    at: tuple[float, float]  # data coordinates
    shift: tuple[float, float]  # user units, to the right and up
    text: str
    anchor: str | None
    rise: float  # of the baseline below the point, in sizes of the font
    role: str
    small: bool
    bold: bool
    halo: bool
    wide: bool  # not on a phone


_WRITTEN: WeakKeyDictionary[Any, list[Written]] = WeakKeyDictionary()  # figure -> its texts


def write(one: Written) -> None:
    """Put a text on the figure of its area, to be written when the figure is."""
    _WRITTEN.setdefault(one.ax.figure, []).append(one)


@contextmanager
def pencil() -> Iterator[None]:
    """The kit's drawing style, whatever style the notebook has set."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def svg(draw: Callable[[], Figure], key: str, title: str, desc: str) -> Html:
    """What `draw` draws, as inline SVG with a title, alternative text and ids that belong to `key`."""
    file = io.StringIO()
    with pencil():
        figure = draw()
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    source = file.getvalue()
    used = dict.fromkeys(re.findall(r'href="#([^"]+)', source))
    names = {old: f"{key}-{i}" for i, old in enumerate(used)}
    pieces = [piece for child in ElementTree.fromstring(source) for piece in _pieces(child, names)]
    return tag(
        "svg",
        tag("title", plain(title, 200), id=f"{key}-t"),
        tag("desc", plain(desc, 4000), id=f"{key}-d"),
        Html(_grouped(pieces)),
        *_texts(_WRITTEN.pop(figure, []), figure.get_figheight() * 72),
        viewBox=f"0 0 {WIDTH} {figure.get_figheight() * 72:g}",
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
        fill="currentColor",
        font_family="system-ui,sans-serif",
        font_size=TEXT,
    )


def _grouped(pieces: Iterable[tuple[str, str]]) -> str:
    """Neighbours of one style share it: paths become one path, other shapes a group."""
    parts = []
    for style, found in groupby(pieces, key=lambda piece: piece[0]):
        markup = "".join(text for _, text in found).replace('"/><path d="', "")
        styled = f' style="{style}"' if style else ""
        alone = markup.startswith("<path") and markup.count("<") == 1
        parts.append(f"<path{styled}{markup[5:]}" if alone else f"<g{styled}>{markup}</g>" if style else markup)
    return "".join(parts)


def _pieces(node: ElementTree.Element, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The drawn elements below a node, each as (style, markup), without the groups that only nest."""
    kind = node.tag.rpartition("}")[2]
    if kind == "defs":
        shapes = "".join(_element(child, names) for child in node if child.get("id") in names)
        if shapes:
            yield "", f"<defs>{shapes}</defs>"
    elif kind == "g":
        for child in node:
            yield from _pieces(child, names)
    elif kind not in ("metadata", "style"):
        yield _style(node.get("style", "")), _element(node, names)


def _element(node: ElementTree.Element, names: dict[str, str]) -> str:
    """One element without its style: a shape in `defs` takes the style of its use."""
    kind = node.tag.rpartition("}")[2]
    kept = []
    for key, value in node.attrib.items():
        key = key.rpartition("}")[2]
        if key == "id":
            value = names.get(value, "")
        elif key == "href":
            value = "#" + names[value[1:]]
        elif key in ("style", "clip-path"):
            continue
        else:
            value = _path(value) if key == "d" else _short(value)
        kept.append(f' {key}="{escape(value)}"' if value else "")
    return f"<{kind}{''.join(kept)}/>"


def _short(value: str) -> str:
    """Numbers with one decimal: a tenth of a user unit is less than a pixel."""
    value = re.sub(r"\s+", " ", value).strip()
    value = re.sub(r"-?\d+\.\d+", lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value)
    return re.sub(r"(?<=[A-Za-z]) | (?=[A-Za-z])", "", value)


def _path(value: str) -> str:
    """Straight lines with each point as its way from the one before, which is short; other paths only rounded."""
    found = re.findall(r"([A-Za-z])([^A-Za-z]*)", value)
    if {letter for letter, _ in found} - set("MLz"):
        return _short(value)
    parts, now, start, last = [], (0, 0), (0, 0), ""
    for letter, numbers in found:
        if letter == "z":
            now, last, said = start, "", "z"
        else:
            x, y = (round(10 * float(number)) for number in numbers.split())
            way = (x - now[0], y - now[1])
            now = (x, y)
            if letter == "M":
                start, last, said = now, "", f"M{_pair(x, y)}"
            else:
                kind = "l" if all(way) else "v" if way[1] else "h"
                said = _pair(*way) if kind == "l" else _tenth(way[1] or way[0])
                said, last = (said if said[0] == "-" else f" {said}") if kind == last else kind + said, kind
        parts.append(said)
    return "".join(parts)


def _pair(x: int, y: int) -> str:
    return f"{_tenth(x)}{' ' * (y >= 0)}{_tenth(y)}"


def _tenth(value: int) -> str:
    """Tenths as a number, without the zeros that nobody needs."""
    return re.sub(r"^(-?)0(?=\.)", r"\1", f"{value / 10:.1f}".removesuffix(".0"))


def _style(value: str) -> str:
    parts = [[text.strip() for text in part.split(":", 1)] for part in value.split(";") if part.strip()]
    return ";".join(f"{key}:{_css(text)}" for key, text in parts if key != "stroke-dashoffset")


def _css(value: str) -> str:
    found = re.fullmatch(r"#0102([0-9a-f]{2})", value)
    return CSS[_ROLES[int(found[1], 16) - 16]] if found else value


def _texts(written: Iterable[Written], height: float) -> Iterator[Html]:
    """The texts, those that look alike together in a group that says how."""
    for look, found in groupby(sorted(written, key=_look), key=_look):
        anchor, named, style = look
        texts = (_text(one, height) for one in found)
        yield tag("g", *texts, text_anchor=anchor or None, class_=named or None, style=style or None)


def _look(one: Written) -> tuple[str, str, str]:
    """Anchor, class and style of a text; without the stylesheet a muted text is as dark as the others."""
    marks = "s" * one.small + "b" * one.bold + "m" * (one.role == "muted")
    style = [f"fill:{CSS[one.role]}"] if one.role not in ("ink", "muted") else []
    style += [f"paint-order:stroke;stroke:{CSS['paper']};stroke-width:3"] if one.halo else []
    return one.anchor or "", " ".join([f"cx-{marks}"] * bool(marks) + ["cx-wide"] * one.wide), ";".join(style)


def _text(one: Written, height: float) -> Html:
    x, y = one.ax.transData.transform(one.at)
    size = SMALL if one.small else TEXT
    return tag(
        "text",
        one.text,
        x=_short(f"{x + one.shift[0]:.1f}"),
        y=_short(f"{height - y - one.shift[1] + one.rise * size:.1f}"),
    )
