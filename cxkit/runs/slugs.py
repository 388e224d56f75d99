"""Titles to file names."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

RESERVED = ("index", "overview", "data", "summary", "manifest")
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")  # files of these names cannot be opened on Windows


def slugs(titles: Iterable[str], taken: Iterable[str] = RESERVED) -> list[str]:
    """A file name without extension for each title: ASCII, lower case, at most 60 characters, unique.

    A title without any Latin letter or digit gets the start of its hash: a name that does not depend on the others.

    >>> slugs(["Söhne AG", "sohne/ag", "Index", "../..", "con"])[:3]
    ['sohne-ag', 'sohne-ag-2', 'index-2']
    """
    used = set(taken)
    names = []
    for title in titles:
        base = name = _slug(title)
        number = 1
        while name in used:
            number += 1
            name = f"{base}-{number}"
        used.add(name)
        names.append(name)
    return names


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title.casefold().translate(_LETTERS)).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60].rstrip("-")
    if not words:
        return f"value-{hashlib.sha256(title.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return f"{words}-value" if _DEVICES.fullmatch(words) else words
