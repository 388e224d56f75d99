"""What a user can put right: one exception for everything that is wrong with files, keys, codes and columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

LISTED, NEAREST = 12, 3  # names that a hint lists, and of more than that


class CxError(ValueError):
    """Wrong parameters, mapping, notebook or data.

    The message stands on its own: it names the file, row or key, what was found and what was expected. The command line
    prints it without a traceback and ends with exit status 2. Passwords in addresses are taken out of it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(hushed(message))


def hushed(text: str) -> str:
    """A text without the passwords and keys that stand in addresses.

    >>> hushed("source: found 'postgres://ann:secret@db/crm?sslpassword=hidden&x=1'")
    "source: found 'postgres://ann:...@db/crm?sslpassword=...&x=1'"
    """
    lines = [line.rpartition("@") for line in text.split("\n")]  # no password ends behind the last one
    shown = "\n".join(_LOGIN.sub(r"\1:...@", head + at) + rest for head, at, rest in lines)
    return _OPTION.sub(r"\1...", shown)


# Both look at each letter a few times at most, however long the text is.
_LOGIN = re.compile(r"(\w:/{0,3}[^\s@:'\"]*):(?!\s)[^\n]*@")
_OPTION = re.compile(r"(?i)((?<!\w)\w{0,40}(?:passw|pwd|token|secret|apikey|api_key)\w{0,40}=)[^\s&;,]+")


def refusal(error: OSError) -> str:
    """What the system refused, with the path that it was asked for.

    >>> refusal(OSError(28, "No space left on device", "a.csv"))
    'a.csv: cannot be read or written: No space left on device'
    """
    path = error.filename2 or error.filename
    why = re.sub(r".*\[errno \d+\] ", "", error.strerror or str(error))  # pyarrow puts its own words before it
    return f"{path}: cannot be read or written: {why}" if path is not None else why


def printable(text: str) -> str:
    r"""A text that a terminal shows and does not obey: escapes, other controls and marks of direction in digits.

    >>> print(printable("a\x1b[2Jb\u202ec"))
    a\u001b[2Jb\u202ec
    """
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word: the nearest known spelling, or the known ones where none is near.

    Args:
        word: What was found.
        known: What would have been accepted.

    Returns:
        Text to end a message with.

    >>> nearest("for_eech", ["for_each", "where"])
    "did you mean 'for_each'?"
    >>> nearest("zzz", ["holm", "bh"])
    'expected one of: holm, bh'
    """
    words = [str(item) for item in known]
    folded = {item.casefold(): item for item in reversed(words)}
    match = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if match:
        return f"did you mean {folded[match[0]]!r}?"
    if len(words) <= LISTED:
        return f"expected one of: {', '.join(words)}" if words else "none is known"
    near = _nearest(word.casefold(), words)
    return f"the nearest of {len(words)} are: {', '.join(near)}"


def _nearest(word: str, words: Iterable[str]) -> list[str]:
    """Of many names, long ones as headers of questions, those that share words with one, then the most alike."""
    parts = set(re.findall(r"\w{2,}", word))

    def alike(name: str) -> tuple[int, float]:
        folded = name.casefold()
        return sum(part in folded for part in parts), SequenceMatcher(None, word, folded[:80]).ratio()

    return sorted(words, key=alike, reverse=True)[:NEAREST]
