"""How much speaks for a column to be an item that the kit knows: the words of its question, and its answers."""

from __future__ import annotations

import re

from cxkit.data.evidence import NOBODY, Evidence

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


def points(one: Evidence, item: str, scale: tuple[int, int]) -> float:
    """How much speaks for a column to hold an item: its words, and answers of which nearly all lie on the scale.

    Args:
        one: What the column holds.
        item: A key of `WORDS`; "" for any question on the scale.
        scale: Lowest and highest answer.

    Returns:
        0 where it cannot be; the more, the likelier.

    >>> one = Evidence("NETPRO", "NETPRO", 40, 40, 3, 40, 40, 0, 11, {"9": 30, "0": 8, "11": 2})
    >>> points(one, "nps", (0, 10)) > points(one, "csat", (1, 5))
    True
    """
    if re.search(r"NPS.?GROUP|- Group$", f"{one.name} {one.question}"):
        return 0
    codes = codes_of(one)
    if item == "csat" and {"good", "bad"} <= {value.casefold() for value in one.values}:
        return 9
    blank = {value for value in one.values if value.casefold() in NOBODY or codes.get(value) in NO_ANSWER}
    answers = sum(n for value, n in one.values.items() if value not in blank)
    inside = {v: n for v, n in one.values.items() if v in codes and scale[0] <= codes[v] <= scale[1]}
    spoken = speaks(one, item)
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


def speaks(one: Evidence, item: str) -> bool:
    """Whether the words of a column's name or question speak for an item; answers alone may be of any question."""
    return bool(item) and bool(re.search(WORDS[item], f"{one.name} {one.question}", re.I))


def codes_of(one: Evidence) -> dict[str, float]:
    """Value -> the code that it is or begins with, of those that have one.

    >>> codes_of(Evidence("a", "a", 3, 3, 3, 1, 1, 9, 9, {"9": 1, "10 - Extremely likely": 1, "often": 1}))
    {'9': 9.0, '10 - Extremely likely': 10.0}
    """
    found = {v: re.match(r"\s*(-?\d+)(\.0+)?(?=\s*$|\s*[-–—:=.)]\s*\D)", v) for v in one.values}
    return {value: float(match[1]) for value, match in found.items() if match}


def yes_no(one: Evidence, item: str) -> dict[str, int] | None:
    """Value -> 1 or 0 where a column's words speak for an item of yes and no, and it holds both and nothing else.

    >>> yes_no(Evidence("Churn", "Churn", 3, 3, 2, 0, 0, None, None, {"No": 2, "Yes": 1}), "churn")
    {'No': 0, 'Yes': 1}
    """
    if not re.search(ASKED[item], f"{one.name} {one.question}", re.I):
        return None
    answers = [value for value in one.values if value.casefold() not in NOBODY]
    codes = {v: 1 if v.casefold() in YES else 0 for v in answers if v.casefold() in (*YES, *NO)}
    return codes if len(codes) == len(answers) == 2 and set(codes.values()) == {0, 1} else None
