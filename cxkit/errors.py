"""What a user can put right: one exception for everything that is wrong with files, keys, codes and columns."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class CxError(ValueError):
    """Wrong parameters, mapping, notebook or data.

    The message stands on its own: it names the file, row or key, what was found and what was expected. The command line
    prints it without a traceback and ends with exit status 2.
    """


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
    more = f" ... ({len(words)} in all)" if len(words) > 12 else ""
    return f"expected one of: {', '.join(words[:12])}{more}" if words else "none is known"
