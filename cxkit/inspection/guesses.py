"""What the columns of an export seem to be: roles, items and dimensions. Guessed here, written in `inspection`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from cxkit.input.sources import Source
from cxkit.inspection.evidence import ASKED, LISTED, SCALES, Evidence, codes_of, points, speaks, yes_no
from cxkit.inspection.times import Clock, Events, When, clocks, events, when

Table = Any  # ibis.expr.types.Table

GIVEN = {  # clocks of tickets: (item, unit)
    "First reply time in minutes": ("first_response", "minutes"),
    "Resolution time": ("full_resolution", "hours"),
}
CUTS = (
    r"brand|region|segment|channel|country|lang|product|store|branch|area|gender|age|group|plan|via|priority|site|city"
    r"|contract|categor|contact.?type"
)
NO_CUT = r"NPS.?GROUP|date|time|day|stamp|_at$| at$"
MOST_CUTS = 8
NEARLY_ALL = 0.97  # of the rows in one value: a column that cuts nothing
COMMENTS = r"comment|verbatim|free.?text|feedback|remark|kommentar|freitext|anmerkung|bemerkung|warum|^why"
_ROLES = {
    "response": r"respons?e?.?id|respondent.?id|respnum|record.?id|ticket|^id$|^#$|^number$|^lfd.*nr|antwort.?nr",
    "respondent": r"respondent|customer|client|panel|external.?reference|network.?id|user.?id|account|caller"
    r"|kunden?\W?n",
    "weight": r"weight|wgt|gewicht|\bwt\b",
}


class Question(NamedTuple):
    """The column that is likeliest to hold an item, the scale it seems to have, and what else it could be."""

    item: str
    one: Evidence
    scale: tuple[int, int]
    others: list[str]

    @property
    def sure(self) -> bool:
        """Whether words speak for the item, and nothing for another scale: 1-10 is not 0-10."""
        codes = [code for code in codes_of(self.one).values() if code <= self.scale[1]]
        return speaks(self.one, self.item) and not (self.scale == (0, 10) and min(codes, default=0) == 1)


class YesNo(NamedTuple):
    """A column of yes and no, and the code of each of its words."""

    item: str
    one: Evidence
    codes: dict[str, int]


class Given(NamedTuple):
    """A column that a ticket system fills with a duration."""

    item: str
    one: Evidence
    unit: str


@dataclass(frozen=True, slots=True)
class Guesses:
    """What an export seems to hold.

    Attributes:
        moment: When somebody answered.
        comment: What people wrote in their own words.
        repeated: The column whose values stand in several rows.
        roles: Role -> column.
        clusters: Columns of what may have been sampled together.
        unknown: A column of respondents in which words for nobody would be one person.
        heavy: A column that is called a weight, of which the mean is far from 1.
        questions: Items on a scale.
        answers: Items of yes and no.
        given: Durations in columns of their own.
        pairs: Durations from one time to another.
        cuts: Dimensions.
        rest: Columns that are nothing of this but hold something.
    """

    moment: When
    comment: Evidence | None
    repeated: Events | None
    roles: dict[str, Evidence]
    clusters: list[Evidence]
    unknown: Evidence | None
    heavy: Evidence | None
    questions: list[Question]
    answers: list[YesNo]
    given: list[Given]
    pairs: list[Clock]
    cuts: list[Evidence]
    rest: list[Evidence]

    @property
    def tickets(self) -> bool:
        """Whether a row is about a ticket, which is one contact."""
        return bool(self.given or self.pairs or (self.repeated and self.repeated.same))


def guess(opened: Source, table: Table, found: Sequence[Evidence]) -> Guesses:
    """What an export seems to hold, from the evidence of its columns; each column is one thing at most."""
    moment = when(opened, table, found)
    timed = clocks(opened, table, found, moment)
    repeated = events(opened, table, found, moment, timed)
    if repeated and repeated.same:  # a thing is counted when it began, not at its latest event
        moment = replace(moment, one=next(one for one in found if one.name == repeated.same))
    taken = {one.name for clock in timed for one in (*clock.starts, *clock.ends)}
    taken |= {one.name for one in (moment.one, repeated and repeated.per) if one}
    roles = _roles(found, taken, repeated)
    clusters = [
        c for c in found if c.name not in taken and re.search(r"cluster|psu|^run.?id$|flight.?id", c.name, re.I)
    ]
    questions, answers = _questions(found, taken), _answers(found, taken)
    given = _given(opened, found, taken)
    written = [one for one in found if one.name not in taken and _is_comment(one)]
    taken |= {one.name for one in written}
    cuts = _cuts([one for one in found if one.name not in taken])
    taken |= {one.name for one in cuts}
    return Guesses(
        moment=moment,
        comment=next(iter(written), None),
        repeated=repeated,
        unknown=roles.pop("respondent") if "respondent" in roles and roles["respondent"].blanks else None,
        heavy=roles.pop("weight") if "weight" in roles and not _is_usual(roles["weight"]) else None,
        roles=roles,
        clusters=[one for one in clusters if _repeats(one)],
        questions=questions,
        answers=answers,
        given=given,
        pairs=timed,
        cuts=cuts,
        rest=[one for one in found if one.filled and (one.name not in taken or one in written[1:])],
    )


# Roles ----------------------------------------------------------------------------------------------------------------


def _roles(found: Sequence[Evidence], taken: set[str], repeated: Events | None) -> dict[str, Evidence]:
    """Role -> column; what stands in several rows is the id of a response where the rows are one thing."""
    roles = {}
    if repeated and (repeated.copies or repeated.same):
        roles["response"] = repeated.per
    fits = {"response": _is_key, "respondent": _repeats, "weight": _is_weight}
    for role, words in _ROLES.items():
        free = (c for c in found if c.name not in taken and re.search(words, c.name, re.I) and fits[role](c))
        one = roles.get(role) or next(free, None)
        if one:
            taken.add(one.name)
            roles[role] = one
    return roles


def _is_key(one: Evidence) -> bool:
    return one.filled > 0 and one.distinct >= 0.98 * one.filled


def _repeats(one: Evidence) -> bool:
    return 1 < one.distinct <= one.filled and one.filled > one.rows / 10


def _is_comment(one: Evidence) -> bool:
    """Whether a column holds what people wrote, by its name; no value of it belongs into a mapping."""
    return one.typed == "text" and one.filled > one.numbers and bool(re.search(COMMENTS, one.name, re.I))


def _is_weight(one: Evidence) -> bool:
    return one.numbers > one.rows / 2 and one.low is not None and one.low >= 0 and one.distinct > 1


def _is_usual(one: Evidence) -> bool:
    """Whether weights are about 1 on average, as those of a survey are; those of parcels are not."""
    return one.mean is not None and 0.5 <= one.mean <= 2


# Items and dimensions -------------------------------------------------------------------------------------------------


def _questions(found: Sequence[Evidence], taken: set[str]) -> list[Question]:
    questions = []
    for item, scales in SCALES.items():
        ranked = sorted(
            (-score, place, scale)
            for place, one in enumerate(found)
            for scale in scales
            if one.name not in taken and (score := points(one, item, scale)) > 0
        )
        if not ranked:
            continue
        one, scale = found[ranked[0][1]], ranked[0][2]
        taken.add(one.name)
        others = [found[place].name for _, place, _ in ranked[1:] if found[place].name != one.name]
        questions.append(Question(item, one, scale, list(dict.fromkeys(others))))
    return questions


def _answers(found: Sequence[Evidence], taken: set[str]) -> list[YesNo]:
    answers = []
    for item in ASKED:
        pairs = ((one, yes_no(one, item)) for one in found if one.name not in taken)
        one, codes = next(((one, codes) for one, codes in pairs if codes), (None, None))
        if one and codes:
            taken.add(one.name)
            answers.append(YesNo(item, one, codes))
    return answers


def _given(opened: Source, found: Sequence[Evidence], taken: set[str]) -> list[Given]:
    """The durations that a ticket system has computed."""
    if opened.files[0].get("layout") != "zendesk":
        return []
    names = {one.name: one for one in found}
    given = [Given(item, names[name], unit) for name, (item, unit) in GIVEN.items() if name in names]
    taken |= {clock.one.name for clock in given}
    return given


def scored(found: Sequence[Evidence]) -> list[Evidence]:
    """Columns whose answers lie on a scale, whatever they are about."""
    return [one for one in found if any(points(one, "", scale) for scale in ((0, 10), (1, 7), (1, 5)))]


def _cuts(found: Sequence[Evidence]) -> list[Evidence]:
    """The columns by which answers may be cut: few values, and no moment."""
    free = [one for one in found if one.filled >= one.rows / 2 and one.typed != "time" and 2 <= one.distinct <= LISTED]
    free = [one for one in free if not re.search(NO_CUT, one.name, re.I) and _cuts_something(one)]
    named = [one for one in free if re.search(CUTS, one.name, re.I) or one.labels]
    worded = [one for one in free if one not in named and one.typed == "text" and not one.numbers]
    return [*named, *(one for one in worded if one.distinct <= 20)][:MOST_CUTS]


def _cuts_something(one: Evidence) -> bool:
    return one.rows < LISTED or max(one.values.values()) <= NEARLY_ALL * one.filled
