"""The look of a shelf: one colour that can be read on light and on dark paper, and a logo."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path

from cxkit.errors import CxError

READABLE = 4.5  # contrast of small text with what lies behind it: WCAG 2.2, 1.4.3
PAPERS = {"#f7f8fa": "#000000", "#1c2128": "#ffffff"}  # of cards, light and dark, and what leads away from either
LARGEST = 30_000  # bytes of a logo, which is part of every page
KINDS = {".svg": "svg+xml", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}


def accented(colour: str) -> str:
    """The style of links and of the line at the top in a colour; on dark paper in a lighter shade of it.

    Raises:
        ValueError: A colour in which a link could not be read on light paper, and the next shade in which it can.

    >>> accented("#7a1f5c")[:44]
    ':root{--cx-accent:#7a1f5c;--cx-link:#7a1f5c}'
    """
    light, dark = (readable(colour, paper) for paper in PAPERS)
    if light != colour:
        found = contrast(colour, next(iter(PAPERS)))
        raise ValueError(
            f"{colour!r} has a contrast of {found:.1f} with the paper, and links need {READABLE}; {light!r} has it"
        )
    rules = [f":root{{--cx-accent:{shade};--cx-link:{shade}}}" for shade in (light, dark)]
    return f"{rules[0]}@media screen and (prefers-color-scheme:dark){{{rules[1]}}}"


def readable(colour: str, paper: str) -> str:
    """The colour, or the nearest shade of it in which small text can be read on one of the papers."""
    away, shade = _channels(PAPERS[paper]), colour
    for step in range(1, 101):
        if contrast(shade, paper) >= READABLE:
            break
        mixed = (own + (far - own) * step / 100 for own, far in zip(_channels(colour), away, strict=True))
        shade = "#" + "".join(f"{round(255 * one):02x}" for one in mixed)
    return shade


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance).

    >>> contrast("#000000", "#ffffff"), round(contrast("#777777", "#ffffff"), 2)
    (21.0, 4.48)
    """
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return sum(part * c for part, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def logo(path: Path, words: str) -> str:
    """A picture as part of a page, without which nothing is lost where `words` are empty.

    Raises:
        CxError: A file that is absent, of another kind, or large.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise CxError(f"look.logo: {path}: expected one of {', '.join(KINDS)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CxError(f"look.logo: {path}: cannot be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise CxError(f"look.logo: {path}: has {len(data):,} bytes and is part of every page; at most {LARGEST:,}")
    return f'<img class="cx-logo" src="data:image/{kind};base64,{b64encode(data).decode()}" alt="{escape(words)}">'
