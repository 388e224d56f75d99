"""Safe HTML by construction: text is escaped unless it is already `Html`.

Everything that `present` returns is made by `tag` and `join`. A string from the data can only enter a page as text,
because the only way around the escaping is the type `Html`, and nothing turns data into that type.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

LONG = 160  # characters of a name that are printed; a shorter name is never cut where text may wrap
WORD = 18  # a word longer than this may be broken anywhere

_OPENERS = {"\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069", "\u202a": "\u202c", "\u202b": "\u202c",
            "\u202d": "\u202c", "\u202e": "\u202c"}  # fmt: skip
_RTL = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]"
)


class Html(str):
    """Markup that is ready for a page; shows itself in a notebook, tables so that they can be sorted."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str.__str__(self) + (script() if 'class="cx-table' in self else "")

    def __repr__(self) -> str:
        return f"<Html, {len(self)} characters>"


def tag(name: str, *children: object, **attributes: object) -> Html:
    """One element; children that are not `Html` are escaped, attributes always are.

    Attribute names lose a trailing underscore and write `-` for `_`; None and False leave the attribute out, True
    writes it without a value.

    >>> str(tag("td", "a < b", Html("<br>"), class_="x", data_n=3, hidden=None))
    '<td class="x" data-n="3">a &lt; b<br></td>'
    """
    parts = [name]
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(key)
        elif value is not None and value is not False:
            parts.append(f'{key}="{escape(str(value))}"')
    return Html(f"<{' '.join(parts)}>{join(children)}</{name}>")


def absent(why: str = "") -> Html:
    """Nothing to show: a page drops a section that holds this alone, and says why, where there is a reason.

    >>> str(absent("no duration is measured"))
    '<div class="cx-empty">no duration is measured</div>'
    """
    return tag("div", why or None, class_="cx-empty")


def join(parts: Iterable[object], between: str = "") -> Html:
    """The parts one after another, each escaped unless it is `Html`; None is left out.

    >>> str(join(["R&D", Html("<b>x</b>"), None], between=", "))
    'R&amp;D, <b>x</b>'
    """
    return Html(escape(between).join(p if isinstance(p, Html) else escape(str(p)) for p in parts if p is not None))


def clean(value: object) -> str:
    r"""A data value as one line of well-formed text.

    Control characters and lone surrogates become U+FFFD, line ends become spaces, and a bidirectional control that
    closes what it did not open is dropped, so that the text cannot break out of an isolate around it.

    >>> clean("two\nlines\x00")
    'two lines\ufffd'
    """
    kept: list[str] = []
    closers: list[str] = []
    for char in str(value):
        if char in "\n\r\t\x85\u2028\u2029":
            char = " "
        elif char in _OPENERS:
            closers.append(_OPENERS[char])
        elif char in "\u2069\u202c" and not _close(closers, char):
            continue
        elif unicodedata.category(char) in ("Cc", "Cs") or ord(char) & 0xFFFE == 0xFFFE:
            char = "\ufffd"
        kept.append(char)
    return "".join(kept)


def _close(closers: list[str], char: str) -> bool:
    """Take back what a closing control closes: an embedding that is innermost, an isolate with all inside it."""
    if char == "\u202c" and closers[-1:] == ["\u202c"]:
        closers.pop()
        return True
    if char == "\u2069" and char in closers:
        while closers.pop() != char:
            pass
        return True
    return False


def shorten(value: object, limit: int = LONG, middle: bool = False) -> str:
    """The text, cut with an ellipsis (in its middle, or at its end) where it is longer than `limit` characters.

    >>> shorten("a very long name", 7), shorten("segment number 12", 10, middle=True)
    ('a very…', 'segmen… 12')
    """
    text = clean(value)
    if len(text) <= limit:
        return text
    tail = (limit - 1) * 2 // 5 if middle else 0
    return clean(text[: limit - 1 - tail].rstrip() + "…" + text[len(text) - tail :])  # a cut may part controls


def plain(value: object, limit: int = LONG) -> str:
    r"""Text for places that hold no elements (title, alternative text, figure labels), isolated where it needs to be.

    >>> plain("plain"), plain("\u202eevil") == "\u2068\u202eevil\u202c\u2069"
    ('plain', True)
    """
    text = shorten(value, limit)
    if not _RTL.search(text):
        return text
    closers: list[str] = []  # cutting may have removed the closing controls
    for char in text:
        if char in _OPENERS:
            closers.append(_OPENERS[char])
        else:
            _close(closers, char)
    return "\u2068" + text + "".join(reversed(closers)) + "\u2069"


def name(value: object, limit: int = LONG) -> Html:
    """A string from the data inside a line of text: isolated where it could reorder the text around it, cut where long.

    ASCII has no letters that run from right to left and no controls, so it needs no isolation.

    >>> str(name("<b>")), str(name("Söhne"))
    ('&lt;b&gt;', '<bdi>Söhne</bdi>')
    """
    text = shorten(value, limit, middle=True)
    breaks = any(len(word) > WORD for word in text.split())
    if text.isascii() and not breaks:
        return Html(escape(text))
    return tag("bdi", text, class_="cx-cut" if breaks else None)


def full(value: object) -> Html:
    """A string from the data where there is room for a block: a very long one opens to its whole length."""
    text = clean(value)
    if len(text) <= LONG:
        return name(text)
    return tag("details", tag("summary", name(text)), tag("bdi", text), class_="cx-full")


def full_names(values: Iterable[object]) -> Html | None:
    """The very long ones of the names above, at their whole length; None where no name was cut."""
    cut = [text for text in dict.fromkeys(map(clean, values)) if len(text) > LONG]
    if not cut:
        return None
    return tag("details", tag("summary", "Full names"), *(tag("bdi", text) for text in cut), class_="cx-full")


def slug(*values: object) -> str:
    """A deterministic id part from any text; texts that lose characters are told apart by a hash.

    >>> slug("trend", "nps"), slug("a b")
    ('trend-nps', 'a-b-c8687a08')
    """
    source = "-".join(str(value) for value in values)
    kept = re.sub(r"[^a-z0-9]+", "-", source.lower()).strip("-")[:48]
    if kept == source:
        return kept
    mark = hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{kept}-{mark}" if kept else mark


def described(pairs: Iterable[tuple[object, object]], **attributes: Any) -> Html:
    """A description list of terms and values."""
    items = [tag("div", tag("dt", term), tag("dd", value)) for term, value in pairs]
    return tag("dl", *items, **attributes)


# A notebook does not know who will read it: the same cell is run by hand in JupyterLab and by a run that makes a page.
# So the script always comes with the output, and `pages` takes it away, wherever a notebook was run.
_SCRIPTS = re.compile(r"<script data-cx-sort>[^<]*</script>")  # also that of another version of the kit


@cache
def source(*names: str) -> str:
    """Scripts of the kit, one after another."""
    return "".join(files("cxkit.show").joinpath(f"{name}.js").read_text("utf-8") for name in names)


def script() -> str:
    """The script by which a click sorts the tables of a notebook."""
    return f"<script data-cx-sort>{source('sorting')}</script>"


def still(markup: str) -> str:
    """The markup of an output without that script, as a page shows it: a page has none.

    >>> still("<table></table>" + script())
    '<table></table>'
    """
    return _SCRIPTS.sub("", markup)
