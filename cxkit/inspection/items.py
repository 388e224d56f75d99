"""The questions of an export: which column is likeliest to hold an item, and what the mapping says of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cxkit.inspection.columns import Column, Export
from cxkit.inspection.lines import ask, column, entry, inline, note, quote
from cxkit.inspection.words import (
    CLOCKS,
    GROUP_CODES,
    ITEMS,
    MEANT,
    NO,
    NOT_SO,
    STARS,
    UNITS,
    YES,
    YES_NO,
    Said,
    Worded,
    code,
    folded,
    groups,
    no_answer,
    said,
    side,
    worded,
)
from cxkit.metrics import METRICS

SHORT = 40  # letters; a longer header is a question, whatever words it holds
ASKED_ABOUT = 10  # rows from which on an answer that is no number is asked about; the others are refused and counted
LONG_CODE = 4  # letters; a longer number that is rare can be a telephone
ENOUGH, LOW = 20, 7  # of so many answers one would be above this code, were the scale 0-10
USUAL = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
SCALES = {"nps": [(0, 10)], "csat": [(1, 5)], "ces": [(1, 7), (1, 5)]}
WHOLE = ((1, 7), (1, 10), (0, 10))  # scales that a satisfaction is read on where every code of them occurs
NO_ANSWER = {-9, -8, -1, 88, 97, 98, 99, 997, 998, 999}  # codes that often stand for none; they are asked about
NO_SCORE = (
    r"\b(id|no|nr|num|number|count|interactions?|replies|months?|days?|weeks?|quarter|years?|hours?|minutes?|age|qty"
    r"|quantity|amount|price)\b"
)
GIVEN = {  # clocks of Zendesk, whose units the vendor documents
    "first reply time in minutes": ("first_response", "minutes"),
    "resolution time": ("full_resolution", "hours"),
}
GOOD_BAD = {"good": 5, "bad": 1, "👍": 5, "👎": 1}
OVERALL = r"overall|in general|gesamt|global|general\b|complessiv"  # before the satisfaction with a part
FRIENDS = r"\bfft\b|friends? (and|&) family|recommend"  # of the test of the NHS
OWN = {  # items of yes and no that are no metric of the kit
    "solved": "Solved",
    "would_recommend": "Would recommend",
    "satisfied": "Satisfied",
}

# Answers on a scale ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of a column, as its question, the labels of its file or its answers say it.

    Attributes:
        low: Lowest answer.
        high: Highest.
        codes: Value -> its place on the scale, of all that are on it.
        labels: Of these what has to be written, whether it occurs or not.
        better: "higher" or "lower", where words say it.
        why: The words.
        told: Whether the ends are said, not only seen.
        doubt: Why the labels are no fact.
    """

    low: int
    high: int
    codes: Mapping[str, int]
    labels: Mapping[str, int] = field(default_factory=dict)
    better: str = ""
    why: str = ""
    told: bool = False
    doubt: str = ""

    @property
    def ends(self) -> tuple[int, int]:
        """Lowest and highest answer."""
        return self.low, self.high


def scales(one: Column, item: str) -> list[Scale]:
    """The scales on which a column may be read; one alone where question, labels or words say it."""
    spoken = said(one.question)
    for found in (_labelled(one), _in_words(one), spoken and _numbered(one, spoken.low, spoken.high, spoken)):
        if found:
            return [found]
    ratios = (re.search(r"\d\s*(?:/|out of|von|sur)\s*(\d+)$", value, re.I) for value in one.answers)
    of = {int(ratio[1]) for ratio in ratios if ratio and int(ratio[1]) > 1}
    if of:  # 4/5 and 8/10 are two scales
        return [_numbered(one, 0 if item == "nps" else 1, max(of), spoken)] if len(of) == 1 else []
    seen = {int(n) for v, n in one.codes.items() if v in one.answers and n.is_integer()}
    whole = [ends for ends in WHOLE if item == "csat" and seen == set(range(ends[0], ends[1] + 1))]
    ends = whole or SCALES.get(item, [(0, 10), (1, 7), (1, 5)])
    return [_numbered(one, low, high, spoken) for low, high in ends]


def _labelled(one: Column) -> Scale | None:
    """The scale of a file that labels its codes: labels that are numbers are the scale, words at its ends anchors."""
    named = {c: text for c, text in one.labels.items() if c not in one.absent and not no_answer(text) and _whole(c)}
    numbers = {int(c): int(text) for c, text in named.items() if _whole(text)}
    if len(named) < 2 or any(code(v) is None for v in one.answers):
        return None
    low, high = min(map(int, named)), max(map(int, named))
    shifts = {number - c for c, number in numbers.items()}
    sides = {int(c): found[1] for c, text in named.items() if (found := side(text))}
    ends = sides.get(low, 0), sides.get(high, 0)
    if len(shifts) == 1 and len(numbers) > 1:
        shift = shifts.pop()
    elif ends[0] * ends[1] < 0 and len(named) in (2, high - low + 1):
        shift = 0
    else:
        return None
    places = {v: int(n) + shift for v in one.values if (n := code(v)) is not None and low <= n <= high}
    labels = {str(c): c + shift for c in range(low, high + 1)} if shift else {}
    higher = {True: "higher", False: "lower"}[ends[1] > ends[0]] if ends[0] != ends[1] else ""
    why = f"{low} is {named[str(low)]}, {high} is {named[str(high)]}"
    return Scale(low + shift, high + shift, places, labels, _turned(one, higher, _family_of(named.values())), why, True)


def _in_words(one: Column) -> Scale | None:
    """The scale of answers that are words; what nobody chose is not known, so that a further wave may bring more."""
    if not (found := _words(one)):
        return None
    doubt = "" if found.sure else f"which answers of 1-{found.points} are these words?"
    why = f"answers in words ({found.family})"
    return Scale(
        1, found.points, found.codes, found.codes, _turned(one, "higher", found.family), why, found.sure, doubt
    )


def _words(one: Column) -> Worded | None:
    """The scale of its answers in words; what few wrote beside these, as with a slip, is left out."""
    known = {value: n for value, n in one.answers.items() if side(value)}
    most = len(known) > 2 and 10 * sum(known.values()) >= 9 * sum(one.answers.values())
    return worded(known if most else one.answers)


def _numbered(one: Column, low: int, high: int, spoken: Said | None) -> Scale:
    """The scale of answers that are numbers; a word that occurs instead of a number at an end is that end."""
    codes = {v: int(c) for v, c in one.codes.items() if low <= c <= high and c.is_integer()}
    words = {v: found[1] for v in one.answers if v not in one.codes and (found := side(v)) and abs(found[1]) == 3}
    up = 1
    if spoken and spoken.words:
        first, last = (side(spoken.words.get(end, "")) or ("", 0) for end in (low, high))
        up = -1 if last[1] < first[1] else 1
    ends = {v: high if rank * up > 0 else low for v, rank in words.items() if len(codes) > 1}
    ends = {} if set(ends.values()) & set(codes.values()) else ends
    better = ""
    if spoken and spoken.words:
        better = _turned(one, "higher" if up > 0 else "lower", _family_of(spoken.words.values()))
    texts = [*(v for v, c in codes.items() if c in (low, high)), *ends]
    sides = {(codes | ends)[v]: found[1] for v in texts if (found := side(_without_code(v)))}
    if not better and sides:
        higher = "higher" if sides.get(high, 0) > sides.get(low, 0) else "lower"
        better = _turned(one, higher, _family_of(map(_without_code, texts)))
    if not better and one.speaks(STARS):
        better = "higher"
    why = (
        ", ".join(f"{n} is {word}" for n, word in spoken.words.items())
        if spoken and spoken.words
        else ", ".join(texts[:2])
    )
    labels = {v: c for v, c in codes.items() if not _whole(v)} | ends
    return Scale(low, high, codes | ends, labels, better, why, spoken is not None and spoken.low == low)


def _without_code(value: str) -> str:
    return re.sub(r"^\s*-?\d+(\.0+)?\s*[-–—:=.)]*\s*|\s*\(-?\d+\)$", "", value)


def _whole(text: str) -> bool:
    return re.fullmatch(r"\s*-?\d+(\.0+)?\s*", text, re.ASCII) is not None


def _family_of(words: Iterable[str]) -> str:
    """What the words at the ends are about: of agreement the question says whether it is good."""
    return next((found[0] for word in words if (found := side(word)) and found[0]), "")


def _turned(one: Column, better: str, family: str) -> str:
    """The better end of a question that is agreed with, where it says something bad."""
    bad = family == "agree" and re.search(NOT_SO, folded(one.question)) is not None
    return {"higher": "lower", "lower": "higher", "": ""}[better] if bad else better


def points(one: Column, item: str, scale: Scale) -> float:
    """How much speaks for a column to hold an item: its words, and answers of which nearly all lie on the scale.

    Args:
        one: What the column holds.
        item: A key of `ITEMS`; "" for any question on the scale.
        scale: Where its answers lie.

    Returns:
        0 where it cannot be; the more, the likelier.

    >>> one = Column("NETPRO", "NETPRO", 40, values={"9": 30, "0": 8, "11": 2})
    >>> points(one, "nps", scales(one, "nps")[0]) > points(one, "csat", scales(one, "csat")[0])
    True
    """
    if one.speaks(r"nps ?group|- group$|\bsd\b|\bstd\b|\brank(ed|ing|s)?\b"):
        return 0
    if item == "csat" and _good_or_bad(one):
        return 9
    if set(one.answers) == {"0", "1"}:  # a flag
        return 0
    codes = one.codes
    blank = {v for v in one.values if v not in one.answers or codes.get(v) in NO_ANSWER}
    answers = sum(n for v, n in one.values.items() if v not in blank)
    inside = sum(n for v, n in one.values.items() if v in scale.codes)
    spoken = bool(item) and one.speaks(ITEMS[item])
    if not inside or inside < (0.5 if spoken else 0.8) * max(answers, 1):
        return 0
    reach = set(scale.codes.values())
    if item == "nps" and (scale.ends not in ((0, 10), (1, 10)) or (answers >= ENOUGH and max(reach) <= LOW)):
        return 0  # words of a recommendation on 1-5 or 1-7: read as 0-10 everybody would be a detractor
    if item == "ces" and scale.ends not in ((1, 5), (1, 7)):
        return 0
    if one.labels and not (scale.told or spoken):
        return 0  # a file labels the codes of what is no scale
    whole = len({scale.codes[v] for v in scale.codes if v in one.values}) / (scale.high - scale.low + 1)
    others = len(one.values) - sum(v in scale.codes for v in one.values)
    meant_else = one.speaks(f"{MEANT['csat']}|{MEANT['ces']}")
    wide = item == "nps" and max(reach) > 7 and len(reach) >= 8 and others <= 3 and not one.named(NO_SCORE)
    wide = wide and not meant_else
    own = {"satisfied": "csat", "happy": "csat", "easy": "ces"}.get(_family(one), "") == item != ""
    if item and not spoken and not wide and not own:
        return 0
    meant = bool(item) and (own or one.speaks(MEANT[item]))
    whole += item == "csat" and one.speaks(OVERALL) and 0.25
    return 4 * (spoken or own) + meant / 2 + whole + inside / one.rows


def _family(one: Column) -> str:
    found = _words(one)
    return found.family if found else ""


def on_a_scale(one: Column) -> bool:
    """Whether answers lie on a scale, whatever they are about."""
    return any(points(one, "", scale) for scale in scales(one, ""))


def questions(found: Sequence[Column], taken: set[str]) -> list[str]:
    """The items on a scale, each with its likeliest column, which is taken."""
    lines = []
    for item in SCALES:
        ranked = sorted(
            ((points(one, item, scale), -place, one, scale)
             for place, one in enumerate(found) if one.name not in taken for scale in scales(one, item)),
            key=lambda of: of[:2], reverse=True,
        )  # fmt: skip
        ranked = [of for of in ranked if of[0] > 0]
        if ranked:
            _, _, one, scale = ranked[0]
            taken.add(one.name)
            others = dict.fromkeys(other.name for *_, other, _ in ranked if other is not one)
            lines += _question(item, one, scale)
            lines += [f"  # {item} could also be: {note(', '.join(others), 300)}"] if others else []
        elif item == "nps":
            lines += _in_groups(found, taken)
    return lines


def _question(item: str, one: Column, scale: Scale) -> list[str]:
    if item == "nps" and scale.better == "lower":  # 0 is the best: no metric turns it, so labels do
        codes = {str(c): c for c in range(scale.low, scale.high + 1)} | dict(scale.codes)
        scale = replace(scale, labels={value: scale.low + scale.high - c for value, c in codes.items()}, told=True)
    doubt = _doubt(item, one, scale)
    way = [] if item == "nps" or _good_or_bad(one) else _direction(item, one, scale, doubt)
    asked = doubt and not any("TODO" in line for line in way)
    lines = [f"  {item}:", *([f"    column: {ask(doubt)}"] if asked else column(one)), *way]
    if _good_or_bad(one):
        labels = _good_or_bad(one)
        lines.append(f"    labels: {inline(labels)}  # good / (good + bad)")
        return [*lines, *_missing(one, labels, scale)]
    if scale.doubt:
        words = f"{scale.doubt} Write a number for each, as in {note(inline(scale.labels), 400)}"
        lines.append(f"    labels: {ask(words)}")
    elif scale.labels:
        lines.append(f"    labels:{f'  # {note(scale.why, 80)}' if scale.why and scale.told else ''}")
        lines += [f"      {quote(v)}: {c}" for v, c in sorted(scale.labels.items(), key=lambda of: -of[1])]
    return [*lines, *_missing(one, scale.codes, scale)]


def _good_or_bad(one: Column) -> dict[str, int]:
    """Value -> code of answers that are good or bad and nothing else, as tools for tickets ask them."""
    words = {v: re.sub(r"[ _-]?with[ _-]?comment$", "", v.casefold()) for v in one.answers}
    codes = {v: GOOD_BAD[word] for v, word in words.items() if word in GOOD_BAD}
    return codes if len(codes) == len(words) and set(codes.values()) == {1, 5} else {}


def _doubt(item: str, one: Column, scale: Scale) -> str:
    """Why a column may hold no such item: nothing but its answers speaks for it, or 1-10, which is not 0-10."""
    if item != "nps":
        own = {"csat": "satisfied", "ces": "easy"}[item] == _family(one)
        felt = {"csat": "satisfied people are", "ces": "easy it was"}[item]
        return "" if one.speaks(MEANT[item]) or own else f"{_shown(one)}: is this how {felt}?"
    least = min(scale.codes.values(), default=0)
    if one.speaks(MEANT[item]) and (least != 1 or (scale.told and scale.ends == (0, 10))):
        return ""
    return (
        f"{_shown(one)}: is this whether people recommend you, asked on 0-10? Then write its name; of a scale of "
        "1-10 or another question it is no NPS, and the item goes"
    )


def _shown(one: Column) -> str:
    return f"{one.name} ({one})" + (f", {note(one.question, 80)!r}" if one.question != one.name else "")


def _direction(item: str, one: Column, scale: Scale, doubt: str) -> list[str]:
    """The lines that say the scale and which end is good; a doubt about the column is one question with that."""
    also = f"{doubt} If not, the item goes. " if doubt else ""
    usual = scale.ends == USUAL[item]
    evidence = f"  # {note(scale.why, 80)}" if scale.why else ""
    if item == "csat" and usual:
        if scale.better:
            return (
                []
                if _family(one) and scale.better == "higher"
                else [f"    reversed: {'true' if scale.better == 'lower' else 'false'}{evidence}"]
            )
        asked = f"{also}true if {scale.low} is the best answer, false if {scale.high} is?"
        top = max((c for v, c in scale.codes.items() if v in one.answers), default=scale.high)
        if top < scale.high and sum(one.answers.values()) >= ENOUGH:
            asked += f" Nobody says {scale.high}: of a scale of 1-{top} write scale: [1, {top}] and better"
        return [f"    reversed: {ask(asked)}"]
    seen = "" if scale.told or one.low is None else f"  # answers were seen from {one.low:g} to {one.high:g}"
    lines = [f"    scale: [{scale.low}, {scale.high}]{seen}"]
    if scale.better:
        return [*lines, f"    better: {scale.better}{evidence}"]
    what = (
        "as for: it was easy) or bad (lower, as for: how much effort"
        if item == "ces"
        else f"{scale.low} is the worst) or bad (lower, {scale.low} is the best"
    )
    return [*lines, f"    better: {ask(f'{also}is a high answer good (higher, {what})? Scale {scale.ends}')}"]


def _missing(one: Column, known: Collection[str], scale: Scale) -> list[str]:
    """The lines on answers that are none; what is neither a code nor frequent can be anything that somebody wrote."""
    codes, lines, others = one.codes, [], []
    for value, n in one.values.items():
        key = quote(value) if not re.fullmatch(r"0|[1-9]\d*", value) else value
        called = one.labels.get(value, "")
        if value in known:
            continue
        if value in one.absent:
            lines.append(
                f"      {key}: {quote(called or 'by the file')}  # {_answers(n)}, missing as the file declares"
            )
        elif no_answer(value):
            lines.append(f"      {key}: {quote(value.casefold())}  # {_answers(n)}")
        elif called or (value in codes and len(value) <= LONG_CODE) or n >= ASKED_ABOUT:
            where = "no whole number" if re.fullmatch(r"-?\d+\.\d+", value) else "not a number"
            where = f"outside {scale.low}-{scale.high}" if value in codes else where
            named = f", which the file calls {called!r}" if called else ""
            words = f"{_answers(n)} {'are' if n > 1 else 'is'} {value}{named}, {where}: what does it mean?"
            lines.append(f"      {key}: {ask(f'{words} Without this line they are refused')}")
        else:
            others.append(n)
    words = f"    # {_answers(sum(others))} in other words, {len(others):,} different: refused and counted"
    return [*(["    missing:", *lines] if lines else []), *([words] if others else [])]


def _answers(n: int) -> str:
    return f"{n:,} answer{'s' if n != 1 else ''}"


# Groups, yes and no, and durations that a system has computed ---------------------------------------------------------


def _in_groups(found: Sequence[Column], taken: set[str]) -> list[str]:
    """A score of which only the groups are exported."""
    for one in found:
        codes = groups(one.answers) if one.name not in taken else {}
        if set(one.answers) in ({"-1", "0", "1"}, {"-100", "0", "100"}) and one.named(r"\bnps\b|promot"):
            codes = {v: 10 if int(v) > 0 else 0 if int(v) < 0 else 7 for v in one.answers}
        if codes and one.name not in taken:
            taken.add(one.name)
            shown = "an answer of each group stands for it: " + ", ".join(f"{n} {g}" for g, n in GROUP_CODES.items())
            return [
                "  nps:",
                *column(one),
                f"    labels: {inline(codes)}  # {shown}",
                *_missing(one, codes, Scale(0, 10, codes)),
            ]
    return []


def friends(found: Sequence[Column], taken: set[str]) -> list[str]:
    """The Friends and Family Test: the two best of five answers, of all that were given, "don't know" among them."""
    for one in found:
        words = _words(one) if one.name not in taken else None
        if not words or words.points != 5 or not words.sure or words.family not in ("likely", "good"):
            continue
        meant = one.speaks(FRIENDS)
        if not meant and not (words.family == "likely" and "extremely likely" in map(folded, words.codes)):
            continue
        taken.add(one.name)
        unsure = {v: 0 for v in one.values if v not in words.codes and v in one.blanks and re.search(r"know", v, re.I)}
        doubt = ask(f"{one.name} ({one}): is this the Friends and Family Test? Then write its name; else the item goes")
        labels = dict(sorted(words.codes.items(), key=lambda of: -of[1])) | unsure
        base = "of all answers, who does not know among them, as the NHS counts" if unsure else "of all answers"
        return [
            "  fft:", *(column(one) if meant else [f"    column: {doubt}"]),
            "    measure: share", f"    scale: [{0 if unsure else 1}, 5]", f"    top: [4, 5]  # {base}",
            '    label: "Positive (FFT)"', "    labels:", *(f"      {quote(v)}: {c}" for v, c in labels.items()),
            *_missing(one, labels, Scale(1, 5, labels)),
        ]  # fmt: skip
    return []


def yes_no(one: Column, item: str) -> dict[str, int]:
    """Value -> 1 or 0 where a column's words speak for an item of yes and no, and it holds both and nothing else.

    >>> yes_no(Column("Churn", "Churn", 3, values={"No": 2, "Yes": 1}), "churn")
    {'No': 0, 'Yes': 1}
    """
    codes = {v: 1 if folded(v) in YES else 0 for v in one.answers if folded(v) in (*YES, *NO)}
    whole = len(codes) == len(one.answers) and set(codes.values()) == {0, 1}
    turned = item == "satisfied" and re.search(NOT_SO, folded(one.question))
    return codes if whole and one.speaks(YES_NO[item]) and not turned else {}


def yes_no_items(found: Sequence[Column], taken: set[str]) -> list[str]:
    """The items of yes and no, each with the first column that fits, which is taken."""
    lines = []
    for item in YES_NO:
        fitting = (one for one in found if one.name not in taken and yes_no(one, item))
        if one := next(fitting, None):
            taken.add(one.name)
            codes = yes_no(one, item)
            asked = next((metric.question for metric in METRICS.values() if metric.item == item), OWN.get(item, ""))
            lines += [f"  {item}:  # {asked}", *column(one)]
            if item in OWN:
                lines += ["    measure: share", "    scale: [0, 1]", "    top: [1]", f"    label: {quote(OWN[item])}"]
            if set(codes) != {"0", "1"}:
                shown = note(", ".join(f"{one.values[v]:,} {v}" for v in codes))
                lines.append(f"    labels: {inline(codes)}  # {shown}")
            lines += _missing(one, codes, Scale(0, 1, codes))
    return lines


def given(export: Export, taken: set[str]) -> dict[str, list[str]]:
    """Item -> lines, of the durations that a system has computed; their columns are taken."""
    found: dict[str, list[str]] = {}
    zendesk = export.opened.files[0].get("layout") == "zendesk"
    for one in export.columns:
        name, numeric = folded(one.name), one.numbers + one.clocked > 0.9 * (one.filled - sum(one.blanks.values())) > 0
        item, unit = GIVEN.get(name, ("", "")) if zendesk else ("", "")
        item = item or next((item for item, words in CLOCKS.items() if re.search(words, name)), "")
        usable = item and item not in found and one.name not in taken and len(one.name) <= SHORT
        if not usable or not numeric or (one.low or 0) < 0:
            continue
        units = [key for key, words in UNITS.items() if re.search(words, name)]
        unit = unit or (units[0] if len(units) == 1 else "")
        taken.add(one.name)
        asked = ask(f"seconds, minutes, hours or days? {one}, {one.mean or 0:g} on average")
        if short := next((value for value in one.seen if re.fullmatch(r"\d+:\d\d", value)), ""):
            unit, asked = "", ask(f"h:mm or m:ss, as which {short} is read?")
        found[item] = [
            f"  {item}:",
            *entry("column", one.name, str(one)),
            *([f"    unit: {unit or asked}"] if one.numbers or short else []),
        ]
        found[item] += _missing(one, [v for v in one.values if not no_answer(v)], Scale(0, 0, {}))
    return found
