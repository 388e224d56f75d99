"""Masks over what customers wrote: what says who somebody is, or how to reach them, does not leave the run.

Masking is by form, so it takes too much rather than too little: a link may turn out to be a missing space after a full
stop. What has no form, such as a name that only the neighbours know, stays; docs/privacy.md says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

LENGTH = 500  # characters of a comment that are shown
WINDOW = 4 * LENGTH  # that are looked at: masks shorten, and the time that they take is bounded
_TORN = 80  # at the end of a cut window, where a number or an address may be torn into a piece that no mask knows
_FEWEST = 3  # letters of a name that is looked for by itself: "Jo" is also a word

_AT = r"(?:@|\s?[(\[{<](?:at|@|arroba|ät)[)\]}>]\s?)"
_DOT = r"(?:\.|\s?[(\[{<](?:dot|punkt|punto|point|ponto)[)\]}>]\s?)"
_SPELLED = r"\b[\w.+-]{1,64} (?:at|arroba|chiocciola|arobase) [\w-]{1,64} (?:dot|punkt|punto|point|ponto) \w{2,24}"
_LABEL = r"(?=[\w-]{0,63}[^\W\d_])[\w-]{2,63}"  # of a domain, with a letter: 17.30 is a time
_TITLES = (
    "Herrn?|Frau|Fräulein|Mr|Mrs|Ms|Miss|Dr|Prof|Mme|Mlle|Monsieur|Madame|Señora?|Sra?|Signora?|Sig|Senhora?|Meneer|"
    "Mevrouw|Dhr|Mevr"
)
MASKS = {
    "[e-mail]": re.compile(rf"[^\s@<>()\[\]]{{1,64}}{_AT}[^\s@<>()\[\]]{{1,255}}{_DOT}\w{{2,24}}|{_SPELLED}", re.I),
    "[link]": re.compile(
        rf"(?i:\w{{2,20}}://\S+|\bwww\.\S+|\b[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,4}}\.[a-z]{{2,24}}/\S*)"
        rf"|\b(?:[\w-]{{1,63}}\.){{0,4}}{_LABEL}\.(?:[a-z]{{2,24}}|[A-Z]{{2,24}})\b(?:[:?]\S+)?"
    ),
    "[account]": re.compile(r"(?<!\w)@[\w.]{2,64}"),
    "[number]": re.compile(
        r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"  # IBAN
        # An order: letters and at least three digits in one word, but no number with its unit, no 17h30.
        r"|(?<![\w-])(?!\d+[^\W\d_]{1,3}(?![\w-])|\d\d?h\d\d\b)(?=[\w-]{0,63}[^\W\d_])(?=(?:[\w-]{0,30}?\d){3})[\w-]{5,64}"
        r"|\+?\d(?:[\W_]{0,4}\d){4,}"  # a telephone, a card, a customer: whatever stands between the digits
    ),
    "[name]": re.compile(rf"\b(?:(?:{_TITLES})\.?\s+)+[A-ZÄÖÜÉÈÁÍÓÚÑÇ][\w'-]+(?:\s[A-ZÄÖÜÉÈÁÍÓÚÑÇ][\w'-]+)?"),
}
# Names that are words as well: taken for a name only where they begin with a capital.
_ORDINARY = re.compile(
    "art|best|bill|cook|day|good|grace|grant|green|hill|hope|hunter|joy|king|lang|lee|long|mark|may|page|price|rich|"
    "rose|sommer|stark|stone|summer|sunny|wall|will|winter|wood|young|groß|jung|klein|koch|kurz|weiß"
)
_WORD = re.compile(r"\w+(?:['-]\w+)*")
_REPEATED = re.compile(r"\[name\](?:[\s.,-]{0,3}\[name\])+")


def names_of(people: Collection[str]) -> frozenset[str]:
    """What the people of the data are called: every word of their names, and codes such as E07.

    >>> sorted(names_of(["Ann O'Hara", "E07"]))
    ['ann', 'e07', "o'hara"]
    """
    words = (word.group() for person in people for word in _WORD.finditer(_plain(person)))
    return frozenset(word.casefold() for word in words if len(word) >= _FEWEST)


def masked(text: str, names: Collection[str] = ()) -> str:
    """A comment without what says who or where, cut to what is shown.

    Masked are e-mail addresses, links, accounts such as @ann, five digits or more whatever stands between them, IBANs,
    order numbers of letters and digits, names after a title, and the `names`.

    Args:
        text: As it was written. It is brought into one form first (NFKC), without characters that cannot be seen.
        names: From `names_of`.

    >>> masked("Call me: +49 (30) 123-4567, ann@example.org, see www.example.org/me. Waited 2 hours.")
    'Call me: [number], [e-mail], see [link] Waited 2 hours.'
    >>> masked("Tell Ann that KD-4711 never came", names_of(["Ann Lee"]))
    'Tell [name] that [number] never came'
    """
    torn = len(text) > WINDOW
    text = _plain(text[:WINDOW])
    for mask, pattern in MASKS.items():
        text = pattern.sub(mask, text)
    if names:
        text = _WORD.sub(lambda word: "[name]" if _is_name(word.group(), names) else word.group(), text)
    text = _REPEATED.sub("[name]", text)
    text = text[: max(len(text) - _TORN, 0)] if torn else text
    return text if len(text) <= LENGTH and not torn else f"{text[:LENGTH].rstrip()}…"


def _plain(text: str) -> str:
    """One way of writing each letter and digit, and nothing but one space between words."""
    seen = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return " ".join("".join(seen).replace("’", "'").split())


def _is_name(word: str, names: Collection[str]) -> bool:
    small = word.casefold()
    known = small in names or re.sub(r"'?s$", "", small) in names
    return known and not (word[0].islower() and _ORDINARY.fullmatch(small))
