"""The questions of an export: which column is likeliest to hold an item, and what the mapping says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cxkit.input.values import NO_ANSWER_WORDS
from cxkit.inspection.columns import Column, Export
from cxkit.inspection.lines import ask, column, inline, note, quote
from cxkit.metrics import METRICS

ASKED_ABOUT = 10  # rows from which on an answer that is no number is asked about; the others are refused and counted
LONG_CODE = 4  # letters; a longer number that is rare can be a telephone
WORDS = {  # words in a name or question that speak for an item
    "nps": r"\bnps\b|net ?promot|netpro|recommend|empfehl|recomend",
    "csat": r"satisf|\bcsat\b|zufrieden|overall rating|\w*\dALL\b|overall",
    "ces": r"\bces\b|effort|\beas(y|e)\b",
}
ASKED = {  # words in a name or question that speak for an item of yes and no
    "churn": r"\bchurn|attrition",
    "resolved": r"made.?sla|sla.?(met|made|kept)|(within|in).?sla|(resolved|solved).?(in|within|on).?time",
    "recommended": r"\b(have|has) recommended|^recommended$",
    "exceeded": r"\bexceed",
    "would_switch": r"would.?switch",
}
YES = ("yes", "true", "y", "1", "ja", "oui", "sí")
NO = ("no", "false", "n", "0", "nein", "non")
ENOUGH, LOW = 20, 7  # of so many answers one would be above this code, were the scale 0-10
SCALES = {"nps": [(0, 10)], "csat": [(1, 5)], "ces": [(1, 7), (1, 5)]}
NO_ANSWER = {-9, -8, -1, 88, 97, 98, 99, 997, 998, 999}  # codes that often stand for none; they are asked about
GIVEN = {  # clocks of tickets: (item, unit)
    "First reply time in minutes": ("first_response", "minutes"),
    "Resolution time": ("full_resolution", "hours"),
}

# Answers on a scale ---------------------------------------------------------------------------------------------------


def points(one: Column, item: str, scale: tuple[int, int]) -> float:
    """How much speaks for a column to hold an item: its words, and answers of which nearly all lie on the scale.

    Args:
        one: What the column holds.
        item: A key of `WORDS`; "" for any question on the scale.
        scale: Lowest and highest answer.

    Returns:
        0 where it cannot be; the more, the likelier.

    >>> one = Column("NETPRO", "NETPRO", 40, values={"9": 30, "0": 8, "11": 2})
    >>> points(one, "nps", (0, 10)) > points(one, "csat", (1, 5))
    True
    """
    if re.search(r"NPS.?GROUP|- Group$", f"{one.name} {one.question}"):
        return 0
    codes = one.codes
    if item == "csat" and _good_or_bad(one):
        return 9
    blank = {value for value in one.values if value.casefold() in NO_ANSWER_WORDS or codes.get(value) in NO_ANSWER}
    answers = sum(n for value, n in one.values.items() if value not in blank)
    inside = {v: n for v, n in one.values.items() if v in codes and scale[0] <= codes[v] <= scale[1]}
    spoken = bool(item) and one.speaks(WORDS[item])
    if not inside or sum(inside.values()) < (0.5 if spoken else 0.8) * max(answers, 1):
        return 0
    reach = {codes[value] for value in inside}
    if item == "nps" and answers >= ENOUGH and max(reach) <= LOW:
        return 0  # words of a recommendation on 1-5 or 1-7: read as 0-10 everybody would be a detractor
    whole_scale = len(reach) / (scale[1] - scale[0] + 1)
    wide = item == "nps" and max(reach) > 7 and len(reach) >= 8 and len(one.values) - len(inside) <= 3
    if item and not spoken and not wide:
        return 0
    return (4 if spoken else 0) + whole_scale + sum(inside.values()) / one.rows


def scored(found: Sequence[Column]) -> list[Column]:
    """Columns whose answers lie on a scale, whatever they are about."""
    return [one for one in found if any(points(one, "", scale) for scale in ((0, 10), (1, 7), (1, 5)))]


def questions(found: Sequence[Column], taken: set[str]) -> list[str]:
    """The items on a scale, each with its likeliest column, which is taken."""
    lines = []
    for item, scales in SCALES.items():
        ranked = sorted(
            (-score, place, scale)
            for place, one in enumerate(found)
            for scale in scales
            if one.name not in taken and (score := points(one, item, scale)) > 0
        )
        if ranked:
            one, scale = found[ranked[0][1]], ranked[0][2]
            taken.add(one.name)
            others = dict.fromkeys(found[place].name for _, place, _ in ranked if found[place] is not one)
            lines += _question(item, one, scale)
            lines += [f"  # {item} could also be: {note(', '.join(others), 300)}"] if others else []
    return lines


def _question(item: str, one: Column, scale: tuple[int, int]) -> list[str]:
    lines = [f"  {item}:", *(column(one) if _sure(item, one, scale) else [f"    column: {ask(_doubt(one))}"])]
    if _good_or_bad(one):
        labels = {v: {"good": 5, "bad": 1}[v.casefold()] for v in one.values if v.casefold() in ("good", "bad")}
        lines.append(f"    labels: {inline(labels)}  # good / (good + bad)")
    else:
        labels = {v: int(code) for v, code in one.codes.items() if scale[0] <= code <= scale[1]}
        worded = [v for v in labels if not re.fullmatch(r"\s*-?\d+(\.0+)?\s*", v)]
        lines += ["    labels:", *(f"      {quote(v)}: {labels[v]}" for v in worded)] if worded else []
        lines += _direction(item, one, scale)
    return [*lines, *_missing(one, labels, scale)]


def _good_or_bad(one: Column) -> bool:
    return {"good", "bad"} <= {value.casefold() for value in one.values}


def _sure(item: str, one: Column, scale: tuple[int, int]) -> bool:
    """Whether words speak for the item, and nothing for another scale: 1-10 is not 0-10."""
    least = min((code for code in one.codes.values() if code <= scale[1]), default=0)
    return one.speaks(WORDS[item]) and not (scale == (0, 10) and least == 1)


def _doubt(one: Column) -> str:
    return (
        f"{one.name} ({one}): is this whether people recommend you, asked on 0-10? Then write its name; of a scale of "
        "1-10 or another question it is no NPS, and the item goes"
    )


def _direction(item: str, one: Column, scale: tuple[int, int]) -> list[str]:
    """The lines that say which end is good, from the words of the answers where they say it."""
    if item == "nps":
        return []
    low = " ".join(v for v, code in one.codes.items() if code == scale[0]) + one.labels.get(str(scale[0]), "")
    if item == "csat":
        if re.search(r"very (un|dis)satisf|poor|unacceptable|terrible|bad", low, re.I):
            return [f"    reversed: false  # {scale[0]} is {note(low, 80)}"]
        return [f"    reversed: {ask(f'true if {scale[0]} is the best answer, false if {scale[1]} is?')}"]
    asked = ask(
        f"is a high answer good (higher, as for: it was easy) or bad (lower, as for: how much effort)? Scale {scale}"
    )
    return [f"    scale: [{scale[0]}, {scale[1]}]", f"    better: {asked}"]


def _missing(one: Column, known: Iterable[str], scale: tuple[int, int]) -> list[str]:
    """The lines on answers that are none; what is neither a code nor frequent can be anything that somebody wrote."""
    codes, lines, others = one.codes, [], []
    for value, n in one.values.items():
        key = quote(value) if not re.fullmatch(r"0|[1-9]\d*", value) else value
        if value in known:
            continue
        if value in one.labels:
            lines.append(f"      {key}: {quote(one.labels[value])}  # {_answers(n)}, labelled so in the file")
        elif value.casefold() in NO_ANSWER_WORDS:
            lines.append(f"      {key}: {quote(value.casefold())}  # {_answers(n)}")
        elif (value in codes and len(value) <= LONG_CODE) or n >= ASKED_ABOUT:
            where = f"outside {scale[0]}-{scale[1]}" if value in codes else "not a number"
            words = f"{_answers(n)} {'are' if n > 1 else 'is'} {value}, {where}: what does it mean?"
            lines.append(f"      {key}: {ask(f'{words} Without this line they are refused')}")
        else:
            others.append(n)
    words = f"    # {_answers(sum(others))} in other words, {len(others):,} different: refused and counted"
    return [*(["    missing:", *lines] if lines else []), *([words] if others else [])]


def _answers(n: int) -> str:
    return f"{n:,} answer{'s' if n != 1 else ''}"


# Answers of yes and no, and durations that a ticket system has computed -----------------------------------------------


def yes_no(one: Column, item: str) -> dict[str, int]:
    """Value -> 1 or 0 where a column's words speak for an item of yes and no, and it holds both and nothing else.

    >>> yes_no(Column("Churn", "Churn", 3, values={"No": 2, "Yes": 1}), "churn")
    {'No': 0, 'Yes': 1}
    """
    answers = [value for value in one.values if value.casefold() not in NO_ANSWER_WORDS]
    codes = {v: 1 if v.casefold() in YES else 0 for v in answers if v.casefold() in (*YES, *NO)}
    whole = len(codes) == len(answers) == 2 and set(codes.values()) == {0, 1}
    return codes if whole and one.speaks(ASKED[item]) else {}


def yes_no_items(found: Sequence[Column], taken: set[str]) -> list[str]:
    """The items of yes and no, each with the first column that fits, which is taken."""
    lines = []
    for item in ASKED:
        fitting = (one for one in found if one.name not in taken and yes_no(one, item))
        if one := next(fitting, None):
            taken.add(one.name)
            codes = yes_no(one, item)
            asked = next(metric.question for metric in METRICS.values() if metric.item == item)
            lines += [f"  {item}:  # {asked}", *column(one)]
            if set(codes) != {"0", "1"}:
                shown = note(", ".join(f"{one.values[v]:,} {v}" for v in codes))
                lines.append(f"    labels: {inline(codes)}  # {shown}")
            lines += _missing(one, codes, (0, 1))
    return lines


def given(export: Export, taken: set[str]) -> dict[str, str]:
    """Item -> line, of the durations that a ticket system has computed; their columns are taken."""
    if export.opened.files[0].get("layout") != "zendesk":
        return {}
    columns = {one.name: one for one in export.columns}
    found = {item: (columns[name], unit) for name, (item, unit) in GIVEN.items() if name in columns}
    taken |= {one.name for one, _ in found.values()}
    return {i: f"  {i}: {{column: {quote(one.name)}, unit: {unit}}}  # {one}" for i, (one, unit) in found.items()}
