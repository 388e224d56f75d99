"""Comments in the words of customers, picked by a fixed rule and masked; prepared once for all pages of a run.

The rule: the worst class of answers to the lead metric first (detractors), inside a class in the order of a hash of the
comment's own text, each text once. Nothing about who wrote it, when or how long takes part, and nobody chooses.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import permutations
from typing import Any

import pandas as pd

from cxkit.analysis.privacy import people
from cxkit.input.databases import collect
from cxkit.input.mapping import BLANK
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.tallies.counting import within
from cxkit.tallies.tallies import Tallies

COLUMNS = ["group", "comment", "note"]
_STAFF = re.compile(
    r"employee|agent|manager|advis[eo]r|assignee|consult[ao]|representative|\b(?:sales_?)?rep\b|staff|cashier|clerk|"
    r"technician|operat[oe]r|salesperson|supervisor|courier|nurse|doctor|teacher|trainer|(?:handled|served)_?by|"
    r"team ?mate|(?:ticket|account|case|deal|conversation|issue)[ _]owner|assigned[ _]to|"
    r"mitarbeiter|berater|bearbeiter|betreuer|verk(?:ä|ae)ufer|kassierer|techniker|fahrer|ansprechpartner|arzt|ärzt|"
    r"employé|conseill|collabora[td]|vendeu[rs]|caissi|technicien|gestionnaire|chauffeur|m[eé]decin|"
    r"emplead|asesor|vendedor|cajer[oa]|t[eé]cnico|gerente|dependient|operador|encargad|"
    r"impiegat|addett[oaie]|commess[oaie]|venditor|cassier|dipendent|funcion[aá]ri|atendente|empregad|"
    r"medewerker|verkoper|adviseur|сотрудник|менеджер|оператор",
    re.I,
)  # a dimension of which the levels are people


def with_comments(
    tallies: Tallies, survey: Responses, now: str, places: Sequence[str], most: int, minimum: int
) -> Tallies:
    """The tallies with comments for each place of a run.

    Args:
        tallies: Hidden cells taken out, so that none of them gets comments.
        survey: Responses with a column in the role `comment`.
        now: The period.
        places: Dimensions that have a page for each level.
        most: Comments of a place.
        minimum: People who answered the lead metric in a place that shows comments; at least as many as a score needs.
    """
    metric, least = next(iter(tallies.metrics.values())), max(minimum, tallies.rules.hide_below)
    cells, cut = people(tallies), tallies.cut(places)
    here = (cells["item"] == metric.item) & (cells["period"] == now) & (cells["cut"] == cut)
    known = {tuple(row): n for *row, n in cells.loc[here, [*places, "n"]].itertuples(index=False)}
    answers = _answers(tallies, survey, metric, now, places)
    groups = answers.groupby(list(places), sort=True) if places else [((), answers)]
    found = {key if isinstance(key, tuple) else (key,): rows for key, rows in groups}
    records = []
    for place, n in known.items():
        where = dict(zip(places, place, strict=True))
        if n < least:
            note = f"not shown: fewer than {least} people answered"
            records.append({**where, "group": "", "comment": "", "note": note})
            continue
        rows = found.get(place, answers[:0]).sort_values(["rank", "order"]).drop_duplicates("comment")[:most]
        records += [{**where, "group": row.group, "comment": row.comment, "note": ""} for row in rows.itertuples()]
    return replace(tallies, provenance={**tallies.provenance, "comments": records})


def _answers(tallies: Tallies, survey: Responses, metric: Metric, now: str, places: Sequence[str]) -> pd.DataFrame:
    """The comments of a period beside the class of the answer, masked."""
    table = survey.table
    for name, values in tallies.provenance.get("where", {}).items():
        table = table.filter(table[name].isin(list(values)))
    first = now if tallies.period == "wave" else tallies.calendar.start(now)
    table = table.filter(
        within(table, [first], tallies.calendar) & table.comment.notnull() & table[metric.item].notnull()
    )
    said = table.comment.left(WINDOW + 1)  # of a book that somebody pasted only the beginning is read
    frame = collect(table.select(*places, answer=table[metric.item], comment=said))
    group = {answer: name for name, answers in metric.classes.items() for answer in answers}
    frame["group"] = frame["answer"].map(group).fillna("")
    frame["rank"] = frame["group"].map({name: i for i, name in enumerate(metric.classes)}).fillna(len(metric.classes))
    names = names_of(_staff(survey))
    frame["comment"] = [masked(text, names) for text in frame["comment"]]
    frame["order"] = [hashlib.sha256(text.encode()).hexdigest() for text in frame["comment"]]
    return frame[frame["comment"] != ""]


def _staff(survey: Responses) -> set[str]:
    """Who is known to work there: the levels of dimensions that are people, by what they are called or as declared."""
    dimensions = survey.mapping.dimensions.items()
    kept = [
        name
        for name, one in dimensions
        if (bool(_STAFF.search(f"{name} {one.column}")) if one.person is None else one.person)
    ]
    return {str(value) for name in kept for value in collect(survey.table.select(name).distinct())[name]} - {BLANK}


def comments(tallies: Tallies, *, where: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The comments of one place, in the order of the rule; empty where the run did not ask for any.

    Args:
        tallies: Of a run with `comments` in its parameters.
        where: The place; None or {} where the run has one page for everybody.

    Returns:
        Columns group (class of the answer), comment (masked), note (why there is none).
    """
    records: list[dict[str, Any]] = tallies.provenance.get("comments") or []
    wanted = dict(where or {})
    own = [r for r in records if {key: value for key, value in r.items() if key not in COLUMNS} == wanted]
    return pd.DataFrame([{key: r[key] for key in COLUMNS} for r in own], columns=COLUMNS)


LENGTH = 500  # characters of a comment that are shown
WINDOW = 4 * LENGTH  # that are looked at: masks shorten, and the time that they take is bounded
_TORN = 80  # at the end of a cut window, where a number or an address may be torn into a piece that no mask knows

_AT = r"(?:@|\s?[(\[{<](?:at|@|arroba|ät)[)\]}>]\s?)"
_DOT = r"(?:\.|\s?[(\[{<](?:dot|punkt|punto|point|ponto)[)\]}>]\s?)"
_SIGN = "(?:dot|punkt|punto|point|ponto|minus|dash|bindestrich|gui[oó]n|tiret|trattino|h[ií]fen|underscore|unterstrich)"
_SPELLED = (
    rf"\b[\w.+-]{{1,64}}(?: {_SIGN} [\w+-]{{1,64}}){{0,4}} (?:at|ät|klammeraffe|arroba|chiocciola|arobase|arrobase) "
    rf"[\w-]{{1,64}}(?: {_SIGN} [\w-]{{1,64}}){{0,3}} (?:dot|punkt|punto|point|ponto) \w{{2,24}}"
)
_W = r"\w\u0900-\u0dff"  # vowels of Indian scripts are no letters to `re`
_LABEL = rf"(?=[{_W}-]{{0,63}}[^\W\d_])[{_W}-]{{2,63}}"  # of a domain, with a letter: 17.30 is a time
# Its last part: of small letters, or of large ones ("late.The end" is none). Where no space ends a sentence, the known.
_TOP = (
    r"(?:xn--[a-z\d-]{2,59}|[a-z]{2,24}|[A-Z]{2,24}|[а-яёіїєґўқ]{2,24}|[А-ЯЁ]{2,24}|[ά-ώ]{2,24}|[\u0590-\u06ff]{2,24}|"
    r"[\u0900-\u0eff]{2,24}|中国|中國|香港|台湾|台灣|公司|网络|网址|在线|商城|みんな|コム|한국|닷컴)"
)
_TITLES = (  # of the first everybody says a name after them, also in small letters
    r"Mrs?|Mme|Mlle",
    r"Herrn?|Hr|Frau|Fräulein|Dr|Prof|Monsieur|Madame|Señora?|Sra?|Signora?|Sig|Senhora?|Meneer|Mevrouw|Dhr|Mevr|med|Ing",
    r"Ms|Miss|Don|Dona|Doña|Sir|Lady",
)
_CAPITAL = r"[A-ZÀ-ÖØ-ÞŁŚŠŞŽŻŹĆČĐİĞΑ-ΩΆ-ΏА-ЯЁІЇЄҐЎ]"
_NAME = rf"(?:(?:v[oa]n|d[eiou]s?|d[ea](?:l|lla|r)|den|zu[mr]?|l[ae]|ten|ter|bin|al)\s){{0,3}}{_CAPITAL}[\w'-]+"
MASKS = {
    "[e-mail]": re.compile(
        rf"[^\s@<>()\[\]]{{1,64}}{_AT}[^\s@<>()\[\]]{{1,255}}{_DOT}[{_W}-]{{2,63}}|{_SPELLED}", re.I
    ),
    "[link]": re.compile(
        rf"(?i:\w{{2,20}}://\S+|\bwww\.\S+|\b[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,4}}\.[a-z]{{2,24}}/\S*)"
        rf"|(?<![{_W}-])(?:[{_W}-]{{1,63}}\.){{0,4}}{_LABEL}\.{_TOP}(?![{_W}])(?:[:?/]\S+)?"
    ),
    "[account]": re.compile(r"(?<!\w)@[\w.]{2,64}"),
    "[number]": re.compile(
        r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"  # IBAN
        # An order: letters and at least three digits in one word, but no number with its unit, no 17h30.
        r"|(?<![\w-])(?!\d+[^\W\d_]{1,3}(?![\w-])|\d\d?h\d\d\b)(?=[\w-]{0,63}[^\W\d_])(?=(?:[\w-]{0,30}?\d){3})[\w-]{5,64}"
        # A booking: six of both, or more with a digit inside; but no 30DAYS, mp3player.
        r"|(?<![\w-])(?!\d+[A-Z]{1,4}\b)(?=[A-Z]{0,5}\d)(?=\d{0,5}[A-Z])[A-Z\d]{6}(?![\w-])"
        r"|(?<![\w-])(?=\w{0,30}?[^\W\d_]\d{1,30}[^\W\d_])(?=(?:\w{0,30}?\d){2})\w{6,64}(?![\w-])"
        r"|\+?\d(?:[\W_]*\d){4,}"  # a telephone, a card, a customer: whatever stands between the digits
    ),
    "[name]": re.compile(
        rf"\b(?:(?:(?i:{_TITLES[0]}|{_TITLES[1]})|{_TITLES[2]})\b\.?\s?)+{_NAME}(?:\s{_NAME})?"
        rf"|\b(?i:{_TITLES[0]})\b\.?\s[^\W\d_][\w'-]+"
    ),
}
# Names that are words as well: taken for a name only where they begin with a capital.
_ORDINARY = re.compile(
    "art|best|bill|cook|day|good|grace|grant|green|hill|hope|hunter|joy|king|lang|lee|long|mark|may|page|price|rich|"
    "rose|sommer|stark|stone|summer|sunny|wall|will|winter|wood|young|gross|jung|klein|koch|kurz|weiss|.{1,2}"
)
# Words of two letters that begin sentences; a name that is one of them is known beside another one.
_SHORT = re.compile(
    "a[bdhlmnstu]|b[ey]|ce|d[aeiou]|e[hlmnrstu]|go|h[ei]|i[flmnst]|j[ae]|l[aeo]|m[aeiy]|n[aeo]|o[bhknrsu]|s[eiou]|t[aeou]|"
    "u[mnps]|va|w[eo]|zu"
)
_EXPANDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_SIMPLE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_ROMAN = dict(zip("абвгґдезийклмнопрстуфхыэієαβγδεζηικλμνξοπρσςτυφω",
                  "abvggdeziiklmnoprstufhieieavgdeziiklmnxoprsstifo", strict=True))  # fmt: skip
_ROMAN |= {"ё": "e", "ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "iu", "я": "ia",
           "ї": "i", "ў": "u", "θ": "th", "χ": "h", "ψ": "ps"}  # fmt: skip
_SAME = (("kh", "h"), ("y", "i"), ("j", "i"), ("x", "ks"), ("ii", "i"), ("ie", "e"), ("io", "e"), ("ou", "u"))
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_MARKED = re.compile(
    r"(?<=[\u0000-\u058f])[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_WORD = re.compile(r"\w+(?:['-]\w+)*")
_APART = re.compile(r"(?<![^\W_])(?:[^\W\d_][ ._*-]{1,2}){2,60}[^\W\d_](?![^\W_])")  # A n n a
_TITLED = re.compile(
    rf"\b(?:(?i:{'|'.join(_TITLES)})\b\.? ){{1,3}}([^\W\d_][\w'-]+)"
)  # then also a name that is a word
_JOINED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")  # no space stands between words
_INITIAL = rf"\b{_CAPITAL}[^\W\d_]?\b\.?"  # or a name of two letters, beside another one
_REPEATED = re.compile(rf"(?:{_INITIAL} )?\[name\](?:[\s.,-]{{0,3}}(?:\[name\]|{_INITIAL}))*")


def names_of(people: Collection[str]) -> frozenset[str]:
    """What the people of the data are called: every word of their names as it may be written, and codes such as E07.

    >>> {"ann", "lee", "mueller", "muller", "e07"} <= names_of(["Ann-Lee Müller", "E07"])
    True
    """
    plain = [*map(_plain, people)]
    known = " ".join(plain)
    words = {word for whole in _WORD.findall(known) for word in (whole, *_parts(whole)) if len(word) > 1}
    for one in plain:  # annaberg, bergann
        parts = [part for part in re.split(r"[\W\d_]+", one) if len(part) > 2]
        words |= {"".join(pair) for pair in permutations(parts, 2)} | {"".join(parts)} - {""}
    forms = (_forms(word, True) for word in words if not _SHORT.fullmatch(word.casefold()))
    return frozenset(_JOINED.findall(known)).union(*forms)


def _parts(word: str) -> list[str]:
    """The names that a sign or a digit joins; what is left of O'Neill is no name by itself."""
    parts = re.split(r"['_\d-]+", word)
    return [part for part in parts if len(part) > 1] if len(parts) > 1 else []


def masked(text: str, names: Collection[str] = ()) -> str:
    """A comment without what says who or where, cut to what is shown.

    Masked are e-mail addresses, links, accounts such as @ann, five digits or more whatever stands between them, IBANs,
    order numbers of letters and digits, names after a title, and the `names`.

    Args:
        text: As it was written. It is brought into one form first (NFKC), without characters that cannot be seen and
            marks that make no letter of their own.
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
        text = _JOINED.sub(lambda word: _cut_out(word.group(), names), text)
        text = _APART.sub(lambda run: "[name]" if _spelled(run.group(), names) else run.group(), text)
        text = _TITLED.sub(lambda two: "[name]" if _is_name(two[1].title(), names) else two.group(), text)
        text = _WORD.sub(lambda word: "[name]" if _is_name(word.group(), names) else word.group(), text)
    text = _REPEATED.sub("[name]", text)
    text = text[: max(len(text) - _TORN, 0)] if torn else text
    return text if len(text) <= LENGTH and not torn else f"{text[:LENGTH].rstrip()}…"


def _plain(text: str) -> str:
    """One way of writing each letter and digit, and nothing but one space between words."""
    shown = "".join(str(unicodedata.digit(c, c)) for c in text if unicodedata.category(c) != "Cf")
    shown = _MARKED.sub("", unicodedata.normalize("NFKC", _UNSEEN.sub("", shown)))
    return " ".join(_UNSEEN.sub("", shown).replace("’", "'").replace("\u2800", " ").split())


def _cut_out(word: str, names: Collection[str]) -> str:
    """Words without spaces, the names among them masked: the longest first."""
    for size in range(min(len(word), 8), 1, -1):
        for part in {word[i : i + size] for i in range(len(word) - size + 1)} & frozenset(names):
            word = word.replace(part, "[name]")
    return word


def _spelled(run: str, names: Collection[str]) -> bool:
    """Whether letters that stand apart are a name of three or more, with others before or after it."""
    word = "".join(filter(str.isalpha, run))
    parts = (word[i:j] for i in range(len(word) - 2) for j in range(i + 3, len(word) + 1))
    return any(not _forms(part).isdisjoint(names) for part in parts)


@lru_cache(100_000)
def _forms(word: str, known: bool = False) -> frozenset[str]:
    """How a name may be written: without accents, with two letters for one, in the letters of another script.

    As it sounds, a name that is `known` meets only words of the other script: Amy is no "ami".
    """
    small = word.casefold()
    bare = _bare(small)
    roman = "".join(_ROMAN.get(c, c) for c in bare)
    side = "/" if (roman != bare) == known else "|"
    return frozenset({bare, _bare(small.translate(_EXPANDED)), f"{side}{_sound(roman)}"})


def _bare(small: str) -> str:
    """A word in small letters without accents."""
    apart = unicodedata.normalize("NFD", small.translate(_SIMPLE))
    return "".join(c for c in apart if not "\u0300" <= c <= "\u036f")


def _sound(roman: str) -> str:
    """One way of the several in which a name of another script is written in Latin letters: Yuri, Juri, Iurii."""
    for one, other in _SAME:
        roman = roman.replace(one, other)
    return roman


def _is_name(word: str, names: Collection[str]) -> bool:
    """Whether a word, or what a hyphen joins to it, is a name; in small letters none that is a word as well."""
    for part in (word, re.sub(r"'?[sS]$", "", word), *_parts(word)):
        forms = _forms(part)
        if not forms.isdisjoint(names) and not (part[:1].islower() and any(map(_ORDINARY.fullmatch, forms))):
            return True
    return False
