"""Drawings on their way out: one style, no pyplot state, and SVG that belongs to the page it is put into.

matplotlib draws with placeholder colours and placeholder texts. On the way out the colours become css variables with
fallbacks (text and axes `currentColor`), so that a figure follows the scheme of the page, and the texts become the
escaped labels, so that no string of the data is ever measured, parsed as mathematics or looked up in a font. What
matplotlib adds for files on their own (declarations, style sheet, ids) is left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from cxkit.present.html import Html, plain, tag

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 480  # user units; the page scales the drawing to its column
TEXT, SMALL = 11, 9

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
    "svg.fonttype": "none",
    "svg.hashsalt": "cxkit",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": TEXT,
    "path.simplify": False,
}


def colour(role: str) -> str:
    """The placeholder colour that stands for a role until the drawing is written."""
    return f"#0102{_ROLES.index(role) + 16:02x}"


def mark(text: object) -> str:
    """A text as matplotlib may see it; `svg` turns it back."""
    return f"cx:{str(text).encode('utf-8', 'replace').hex()}:"


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
        viewBox=f"0 0 {WIDTH} {figure.get_figheight() * 72:g}",
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
        fill="currentColor",
        font_family="system-ui,sans-serif",
        font_size=TEXT,
    )


def _grouped(pieces: Iterable[tuple[str, str]]) -> str:
    """Neighbours of one style share it through a group."""
    parts = []
    for style, found in groupby(pieces, key=lambda piece: piece[0]):
        markup = "".join(text for _, text in found)
        parts.append(f'<g style="{style}">{markup}</g>' if style else markup)
    return "".join(parts)


def _pieces(node: ElementTree.Element, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The drawn elements below a node, each as (style, markup), without the groups that only nest."""
    kind = node.tag.rpartition("}")[2]
    if kind == "text":
        yield "", _text(node)
    elif kind == "defs":
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
            value = _short(value)
        kept.append(f' {key}="{escape(value)}"' if value else "")
    return f"<{kind}{''.join(kept)}/>"


def _short(value: str) -> str:
    """Numbers with one decimal: a tenth of a user unit is less than a pixel."""
    value = re.sub(r"\s+", " ", value).strip()
    value = re.sub(r"-?\d+\.\d+", lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value)
    return re.sub(r"(?<=[A-Za-z]) | (?=[A-Za-z])", "", value)


def _style(value: str) -> str:
    parts = [[text.strip() for text in part.split(":", 1)] for part in value.split(";") if part.strip()]
    return ";".join(f"{key}:{_css(text)}" for key, text in parts if key != "stroke-dashoffset")


def _css(value: str) -> str:
    found = re.fullmatch(r"#0102([0-9a-f]{2})", value)
    return CSS[_ROLES[int(found[1], 16) - 16]] if found else value


def _text(node: ElementTree.Element) -> str:
    style = {key.strip(): text.strip() for key, _, text in (p.partition(":") for p in node.get("style", "").split(";"))}
    font = " ".join(text for key, text in style.items() if key.startswith("font"))
    size = re.search(r"([\d.]+)px", font)
    fill = _css(style.get("fill", ""))
    marks = "s" * bool(size and float(size[1]) < TEXT) + "b" * bool(re.search(r"\b(700|bold)\b", font))
    marks += "m" * (fill == CSS["muted"])  # without the stylesheet a muted text is only as dark as the others
    hidden = re.fullmatch(r"cx:([0-9a-f]*):", node.text or "")
    words = bytes.fromhex(hidden[1]).decode("utf-8") if hidden else node.text or ""
    return str(
        tag(
            "text",
            words,
            x=_short(f"{float(node.get('x', 0)):.1f}"),
            y=_short(f"{float(node.get('y', 0)):.1f}"),
            text_anchor={"middle": "middle", "end": "end"}.get(style.get("text-anchor", "")),
            class_=f"cx-{marks}" if marks else None,
            style=f"fill:{fill}" if fill not in ("", CSS["ink"], CSS["muted"]) else None,
        )
    )
