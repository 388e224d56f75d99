"""Comments in the words of customers, picked by a fixed rule and masked; prepared once for all pages of a run.

The rule: the worst class of answers to the lead metric first (detractors), inside a class in the order of a hash of the
comment's own text, each text once. Nothing about who wrote it, when or how long takes part, and nobody chooses.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from cxkit.analysis.masks import WINDOW, masked, names_of
from cxkit.analysis.privacy import people
from cxkit.data.connections import collect
from cxkit.data.mapping import BLANK
from cxkit.data.portions import within
from cxkit.data.responses import Responses
from cxkit.data.tallies import Tallies
from cxkit.metrics import Metric

COLUMNS = ["group", "comment", "note"]
_STAFF = re.compile(
    r"employee|agent|manager|advis[eo]r|assignee|consultant|representative|staff|mitarbeiter|berater|bearbeiter|emplead|"
    r"conseill|collaborat",
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
    kept = [name for name, one in dimensions if (bool(_STAFF.search(name)) if one.person is None else one.person)]
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
