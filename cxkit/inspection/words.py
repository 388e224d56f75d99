"""What headers, questions and answers say, as tables of words in six languages (de, en, es, fr, it, pt).

Words are compared folded: small letters without accents, `NPS_Score` and `overallSat` as two words each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from cxkit.input.values import NO_ANSWER_WORDS

STARS = (  # how many of them; Star Wars is no rating
    r"^(stars?|sterne?n?|etoiles?|estrell?as?|stelle)( (rating|score|bewertung))?$|\bstar rating"
    r"|\b(many|in|of|wie viele|combien d|cuantas|quantas|quante|\d) ?(stars|sternen?|etoiles|estrell?as|stelle)\b"
)
ITEMS = {  # words in a header or question that speak for an item
    "nps": r"\bnps\b|net ?promot|netpro|recomm?[ae]nd|empfehl|consigl|raccomand",
    "csat": rf"satisf|\bcsat\b|\bosat\b|zufried|soddisf|{STARS}|\brating$|^rating\b"
    r"|overall|\w*\dall\b|globale?\b|gesamt",
    "ces": r"\bces\b|effort|\beas(y|e|ily)\b|aufwand|muhelos|leicht|\bfacil|esfuerzo|esforco|sforzo",
}
MEANT = {  # words beside which an item needs no other proof
    **ITEMS,
    "csat": rf"satisf|\bcsat\b|\bosat\b|zufried|soddisf|{STARS}",
}
NOT_SO = r"\b(un|dis|in)satisf|unzufried|insoddisf|\bnot satisf|effort|aufwand|esfuerzo|esforco|sforzo|difficult|schwer"
YES = ("yes", "true", "y", "1", "ja", "oui", "si", "sim", "s")
NO = ("no", "false", "n", "0", "nein", "non", "nao")
YES_NO = {  # words in a header or question of an item of yes and no
    "churn": r"\bchurn|attrition|kundigung|resiliation|cancelou|abbandono",
    "resolved": r"made sla|sla (met|made|kept)|(within|in) sla|(resolved|solved) (in|within|on) time",
    "solved": r"^(was it |issue |problem |ticket )?(re)?solved\b|^(\w+ )?(gelost|resolu|resuelt|resolvid|risolt)",
    "recommended": r"\b(have|has|had) (you )?recommended|^recommended$",
    "would_recommend": ITEMS["nps"],
    "satisfied": MEANT["csat"],
    "exceeded": r"\bexceed",
    "would_switch": r"would switch",
}
CUTS = (
    r"\b(brand|region|segment|channel|countr|lang|product|store|branch|area|gender|sex\b|age(\b|gp)|group|plan\b|via\b"
    r"|priorit|site|city|contract|categor|contact type|type|class|depart|marke|kanal|land\b|sprache|produkt"
    r"|filiale|geschlecht|alter\b|abteilung"
    r"|marque|canal|pays|langue|produit|magasin|sexe|marca|pais|idioma|producto|tienda|sexo|genero|edad|loja|produto|idade"
    r"|paese|lingua|prodotto|negozio|sesso|eta\b)"
)
PEOPLE = (
    r"(customer|client|user|contact|caller|author|reviewer|requester|reporter|creator|assignee|kunden?|nutzer"
    r"|utilisateur|cliente?|usuario|utente|persona|e ?mail)s?( (name|id|no|nr|key|number|e ?mail))?"
)
CLOCKS = {  # words in the header of a duration that the system has computed
    "first_response": r"first (response|reply|answer)|response time|reply time|antwortzeit|temps de reponse"
    r"|tiempo de? ?respuesta|tempo de resposta|tempo di risposta",
    "full_resolution": r"(resolution|resolving|closing) time|time to (resol|close|solution)|losungszeit"
    r"|temps de resolution|tiempo de resolucion|tempo de resolucao|tempo di risoluzione",
    "handling_time": r"(handl\w+|talk) ?(time|duration)|call duration|\baht\b|bearbeitungszeit|gesprachsdauer",
    "wait_time": r"speed of answer|wait\w* time|hold time|queue time|wartezeit|temps d.attente"
    r"|(tiempo|tempo) (de|di) (espera|attesa)",
}
UNITS = {
    "seconds": r"\b(s|secs?|seconds?|sekunden|secondes|segundos|secondi)\b",
    "minutes": r"\b(mins?|minutes?|minuten|minutos|minuti)\b",
    "hours": r"\b(h|hrs?|hours?|stunden|heures|horas|ore)\b",
    "days": r"\b(d(?!')|days?|tage|jours|dias|giorni)\b",
}

# Answers in words: a root says the side, a word before it how far -----------------------------------------------------

_ROOTS = {  # family -> the good side and the bad one
    "satisfied": (r"satisf\w*|zufrieden\w*|soddisfatt\w*|content\w*",
                  r"(un|dis|in)satisf\w*|unzufrieden\w*|insoddisfatt\w*|mecontent\w*"),
    "happy": (r"happy|glucklich|heureux|feliz|felice", r"unhappy|unglucklich|malheureux|infeliz|infelice"),
    "agree": (r"agree|stimme(?= |$)|zustimm\w*|d.accord[o]?|de acuerdo|concordo|accordo",
              r"disagree|pas d.accord|en desacuerdo|desacuerdo|discordo|in disaccordo|disaccordo"),
    "good": (r"good|gut|bonn?e?|bien|buen[oa]?|bom|boa|buon[oa]",
             r"poor|bad|schlecht|mauvaise?|mal[oa]?|ruim|mau|ma|cattiv[oa]|scars[oa]"),
    "likely": (r"likely|wahrscheinlich|probable|probavel|provavel|probabile",
               r"unlikely|unwahrscheinlich|improbable|improvavel|improbabile"),
    "easy": (r"easy|leicht|einfach|facile?", r"difficult|hard|schwer|schwierig|difficile|dificil"),
    "important": (r"important[eo]?|wichtig", r"unimportant|unwichtig|sans importance"),
}  # fmt: skip
_NEVER = r"not at all|uberhaupt nicht|gar nicht|pas du tout|en absoluto|de modo nenhum|per niente|absolutely not"
_STRONG = (
    r"very|extremely|highly|completely|totally|strongly|fully|entirely|absolutely|sehr|vollstandig"
    r"|vollig|voll und ganz|ausserst"
    r"|tres|tout a fait|totalement|muy|totalmente|completamente|muito|molto|del tutto|fortement|assolutamente"
)
_WEAK = (
    r"somewhat|slightly|rather|fairly|moderately|partly|a little|eher|teilweise|kaum|massig|plutot|algo|un poco"
    r"|um pouco|parcialmente|abbastanza|piuttosto|un peu"
)
_NOT = r"not|nicht|pas|nada|nao|non|no|peu|poco|pouco|wenig|nicht so"
_FACES = dict(zip("😡😠😞😟🙁☹😐😕🙂😊😃😀😄😍🤩", (-3, -3, -2, -2, -2, -2, 0, 0, 2, 2, 2, 2, 3, 3, 3), strict=True))
_ALONE = {"excellent": 3, "exzellent": 3, "excelente": 3, "eccellente": 3, "ottimo": 3, "terrible": -3, "pessimo": -3}
_NEUTRAL = (
    r"neutral\w*|neutre|neutro|neither( .+ nor .+)?|undecided|average|fair|weder .+|teils.*|unentschieden|ni .+ ni .+"
    r"|nem .+ nem .+|ne .+ ne .+|indiferente|indifferent\w*|not sure"
)
_FILLERS = r"\b(i|am|was|ich|bin|stimme|zu|je|suis|ne|estoy|estou|sono|with|en|de|it|le|la|et)\b|[^\w]"
_GROUPS = {
    "Detractor": r"detra[ck]?t\w*|kritiker\w*",
    "Passive": r"pass?i[fv]\w*([ -]\w+)?|neutr\w*|indiff?er\w*",
    "Promoter": r"promot\w*",
}
DATE = r"^\d{1,4}[-/.](\d{1,2}|[A-Za-z]{3})[-/.]\d{1,4}"  # how a time begins, whatever comes first in it
MONTH = (  # its name, and a year
    r"\b(jan|ene|gen|feb|fev|mar|apr|avr|abr|mai|may|mag|jun|jui|giu|jul|lug|aug|aou|ago|sep|set|oct|okt|ott|out|nov|dec"
    r"|dez|dic)\w*\b.*\b(19|20)\d\d\b"
)
GROUP_CODES = {"Detractor": 0, "Passive": 7, "Promoter": 10}
_IN_ORDER = (("poor", "fair", "good", "very good", "excellent"),)  # by sides `very good` and `excellent` are one
ENOUGH = 100  # values that say what a column holds
ADDRESS = r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}"
_PERSONAL = {
    "e-mail addresses": rf".*{ADDRESS}.*",
    "telephone numbers": r"(?=[+(0]|\d{3}\W\d{3}\W\d{4}$)\+?[\d() /.-]*(\+\d|\d[ /()-]+\d)[\d() /.-]{5,}",
    "IP addresses": r"\d{1,3}(\.\d{1,3}){3}",
    "IBANs": r"[a-z]{2}\d{2}[ a-z0-9]{11,}",
    "coordinates": r"\(?-?\d{1,3}\.\d{3,}, ?-?\d{1,3}\.\d{3,}\)?",
}


@lru_cache(maxsize=100_000)
def folded(text: str) -> str:
    """Text as it is compared.

    >>> folded("NPS_Score"), folded("Détracteur"), folded("overallSat")
    ('nps score', 'detracteur', 'overall sat')
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|[_.]", " ", text)
    plain = "".join(c for c in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def no_answer(value: str) -> bool:
    """Whether a word stands for no answer."""
    return value.casefold() in NO_ANSWER_WORDS


@lru_cache(maxsize=100_000)
def code(value: str) -> float | None:
    """The number that an answer is, begins with or ends with, or of its stars.

    >>> [code(text) for text in ("9", "10 - Extremely likely", "Good (4)", "5 stars", "3/5", "★★", "often", "2 years")]
    [9.0, 10.0, 4.0, 5.0, 3.0, 2.0, None, None]
    """
    text = value.strip()
    if re.fullmatch(r"[★⭐]+[☆\ufe0f]*", text):
        return float(text.count("★") + text.count("⭐"))
    rest = r"\s*$|\s*[-–—:=.)]\s*\D|\s*(stars?|sterne?|etoiles?|estrel\w+|stell[ae])$|\s*(/|out of|von|sur)\s*\d+$"
    if found := re.match(rf"(?:rated )?(-?\d+)(?:\.0+)?(?={rest})", text, re.I):
        return float(found[1])
    found = re.fullmatch(r"[^\d]+\((-?\d+)\)", text)
    return float(found[1]) if found else None


@lru_cache(maxsize=100_000)
def side(value: str) -> tuple[str, int] | None:
    """The family of an answer in words and its rank, from -3, the worst, to 3; None where it is no such answer.

    >>> side("Very satisfied"), side("Stimme eher nicht zu"), side("Neither agree nor disagree"), side("Berlin")
    (('satisfied', 3), ('agree', -1), ('', 0), None)
    """
    text = folded(value)
    if (face := text.strip("\ufe0f")) in _FACES:
        return "happy", _FACES[face]
    text = re.sub(r"^\W+|[^\w)]+$", "", text)  # a picture beside the word
    if re.fullmatch(_NEUTRAL, text):
        return "", 0
    if text in _ALONE:
        return "good", _ALONE[text]
    for family, (good, bad) in _ROOTS.items():
        rest, sign = text, 0
        for roots, of in ((bad, -1), (good, 1)):
            if not sign and (found := re.search(rf"\b({roots})\b", text)):
                rest, sign = text[: found.start()] + text[found.end() :], of
        if not sign:
            continue
        strength = 2
        for words, of in ((_NEVER, -3), (_STRONG, 3), (_WEAK, 1), (_NOT, -2)):
            if found := re.search(rf"\b({words})\b", rest):
                rest = rest[: found.start()] + rest[found.end() :]
                milder = {3: 1, 1: 1}.get(strength, -of)  # `not very satisfied` is no strong word
                sign, strength = (-sign, milder) if of < 0 else (sign, of)
        return None if re.sub(_FILLERS, "", rest) else (family, sign * strength)
    return None


class Worded(NamedTuple):
    """Answers in words: their family, value -> code, the points of their scale, and whether that is beyond doubt."""

    family: str
    codes: dict[str, int]
    points: int
    sure: bool


def worded(answers: Collection[str]) -> Worded | None:
    """The scale of answers that are all words of one family.

    >>> worded(["Very satisfied", "Neutral", "Dissatisfied"])
    Worded(family='satisfied', codes={'Very satisfied': 5, 'Neutral': 3, 'Dissatisfied': 2}, points=5, sure=True)
    """
    for line in _IN_ORDER:
        if len(answers) > 2 and {"excellent", "very good"} <= set(map(folded, answers)) <= set(line):
            return Worded("good", {value: line.index(folded(value)) + 1 for value in answers}, len(line), True)
    sides = {value: side(value) for value in answers}
    families = {found[0] for found in sides.values() if found} - {""}
    if len(families) != 1 or None in sides.values() or len(answers) < 2:
        return None
    ranks = {value: found[1] for value, found in sides.items() if found}
    widths = {abs(rank) for rank in ranks.values()} - {0}
    steps = sorted({*(widths - {3} or {2}), 3})
    order = [*(-step for step in reversed(steps)), 0, *steps]
    bad, good = ([rank for rank in order if rank * sign > 0 and rank in ranks.values()] for sign in (-1, 1))
    few = len(order) == 7 and len(bad) <= 2 and len(good) <= 2  # of words that are no mirror images
    places = {rank: i + 1 for i, rank in enumerate(order)}
    if few:
        places = {0: 3, **dict(zip(bad, (1, 2), strict=False)), **dict(zip(good[::-1], (5, 4), strict=False))}
    once = len({folded(value) for value in ranks}) == len(set(ranks.values()))
    (family,) = families
    sure = len(widths) > 1 and 0 in ranks.values() and once and not few
    return Worded(family, {value: places[rank] for value, rank in ranks.items()}, 5 if few else len(order), sure)


def _bare(value: str) -> str:
    """A group without the answers that it is made of: Promoter (9-10)."""
    return re.sub(r"^[\W\d]+|[\W\d]+$", "", folded(value))


def groups(answers: Collection[str]) -> dict[str, int]:
    """Value -> a code of its group, where the answers are promoters, passives and detractors.

    >>> groups(["Promoteur", "Passif", "Détracteur"])
    {'Promoteur': 10, 'Passif': 7, 'Détracteur': 0}
    """
    found = {
        value: next((g for g, words in _GROUPS.items() if re.fullmatch(words, _bare(value))), "") for value in answers
    }
    whole = "" not in found.values() and {"Detractor", "Promoter"} <= set(found.values())
    return {value: GROUP_CODES[group] for value, group in found.items()} if whole else {}


def _is_iban(value: str) -> bool:
    """Whether the check digits fit: a number of an order may look like an IBAN."""
    plain = re.sub(r"[^a-z0-9]", "", value.casefold())
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4]) or "0") % 97 == 1


def personal(counts: Mapping[str, int]) -> str:
    """What values say of who someone is, such as "e-mail addresses"; blank where most do not.

    >>> personal({"ann@example.com": 3, "n/a": 1}), personal({"2026-10-01": 2})
    ('e-mail addresses', '')
    """
    counts = dict(islice(counts.items(), ENOUGH))
    rows = sum(counts.values())
    for what, form in _PERSONAL.items():
        held = [value for value in counts if re.fullmatch(form, value.strip(), re.I) and not re.match(DATE, value)]
        if 2 * sum(counts[value] for value in held if what != "IBANs" or _is_iban(value)) > rows > 0:
            return what
    return ""


class Said(NamedTuple):
    """A scale as a question says it: its ends, and the words beside them, where it has some."""

    low: int
    high: int
    words: dict[int, str]


_RANGE = re.compile(
    r"\b(?:scale|skala|echelle|escala|scala|rate|rating|bewert\w*|note[rz]?|punkte?|points?|stars?)\b\D{0,30}?"
    r"(\d{1,2}) ?(?:-|–|—|to|bis|a|al|ate|and|und|et|y|e) ?(\d{1,2})\b"
    r"|[([] ?(\d{1,2}) ?(?:-|–|—|to|bis|a|al|ate) ?(\d{1,2})\b(?! ?%)"
)
_END = re.compile(r"\b(\d{1,2}) ?(?:[-–—=:]|being|means?|is|bedeutet|signifie) ?['\"(]?((?:[a-z][a-z' ]*)?[a-z])")


def said(question: str) -> Said | None:
    """The scale that a question says.

    >>> said("I trust them (10 - strongly agree, 1 - strongly disagree)")
    Said(low=1, high=10, words={10: 'strongly agree', 1: 'strongly disagree'})
    >>> said("On a scale of 1-5, how would you rate us?"), said("Are you 18-24?")
    (Said(low=1, high=5, words={}), None)
    """
    text = folded(question)
    words = {int(number): word.strip() for number, word in _END.findall(text)}
    words = words if any(map(side, words.values())) else {}
    ends = sorted(words)
    if found := _RANGE.search(text):
        ends = sorted(int(number) for number in found.groups() if number is not None)
    if len(ends) < 2 or ends[0] not in (0, 1) or not 2 <= ends[-1] <= 11:
        return None
    return Said(ends[0], ends[-1], {n: word for n, word in words.items() if n in (ends[0], ends[-1])})
