"""Facts of an audit: who answered and how alike, what weights cost, how times were written and where they end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import ibis
import pandas as pd

from cxkit.input.databases import aggregated, collect, count
from cxkit.input.periods import Calendar
from cxkit.input.responses import Responses
from cxkit.input.sources import FILE
from cxkit.input.values import indicator
from cxkit.tallies.tallies import Tallies

SEARCHED = 5_000_000  # rows in which repeated ones are looked for; beyond, one would sort the whole table
COPIED = 20  # different rows on days without any that occurs once: by chance that is rarer than one in a million
LEAST_ITEMS = 3  # scaled questions, from which on one place throughout means something
LEAST_REACH = 3  # from the first answer of a scale to its last: with two or three answers, many are alike by chance


def _facts(facts: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())}, dtype="str")


class People(NamedTuple):
    """Who answered: people, the responses of whom we know, the most of one, how many gave several."""

    people: int
    n: int
    most: int
    repeated: int


def people(survey: Responses) -> People | None:
    """Who answered; None where the mapping has no respondents."""
    if "respondent" not in survey.table.columns:
        return None
    known = survey.table.filter(survey.table.respondent.notnull())
    each = known.group_by("respondent").agg(n=lambda t: t.count())
    sums = aggregated(each, each.count(), each.n.sum(), each.n.max(), (each.n > 1).sum())
    return People(*(int(value or 0) for value in sums))


class Repeats(NamedTuple):
    """Rows that repeat another in every mapped column.

    Attributes:
        rows: All rows.
        n: Those that repeat another.
        known: Whether rows can hardly be equal by chance: they have a respondent or the time of the day.
        whole: Of days (or waves) on which every row occurs twice, or three times, the rows that repeat.
        span: The first and the last of these days.
    """

    rows: int
    n: int
    known: bool
    whole: int = 0
    span: str = ""


def repeats(survey: Responses) -> Repeats | None:
    """Rows that repeat another; None where nothing tells rows apart, or there are too many to look."""
    table = survey.table
    keys = [c for c in table.columns if c not in ("response", "weight", FILE)]
    if not {"respondent", "time", "wave"} & set(keys) or "count" in keys or (rows := count(table)) > SEARCHED:
        return None
    named = "respondent" in keys or (
        "time" in keys and bool(aggregated(table, (table.time != table.time.truncate("D")).any())[0])
    )
    cells = table.group_by(keys).agg(k_=lambda t: t.count())
    when = cells.wave if "wave" in keys else cells.time.date() if "time" in keys else ibis.literal("")
    each = cells.select(when=when, k=cells.k_)
    odd = {f"odd{i}": (each.k % i != 0).sum() for i in (2, 3)}
    days = collect(each.group_by("when").agg(rows=each.k.sum(), distinct=each.count(), **odd))
    n = int((days["rows"] - days["distinct"]).sum())
    whole = days.sort_values("when")[lambda t: (t["odd2"] == 0) | (t["odd3"] == 0)] if n else days[:0]
    if not len(whole) or whole["distinct"].sum() < COPIED + len(days).bit_length():
        return Repeats(rows, n, named)
    ends = dict.fromkeys(str(day) for day in whole["when"].iloc[[0, -1]])
    return Repeats(rows, n, named, int((whole["rows"] - whole["distinct"]).sum()), " to ".join(ends))


def respondents(survey: Responses, known: People | None, found: Repeats | None) -> pd.DataFrame:
    """People, repeat answers, and rows that repeat others."""
    facts = {}
    if known:
        nobody = count(survey.table) - known.n
        facts["people"] = f"{known.people:,} gave {known.n:,} responses"
        facts["without a respondent"] = f"{nobody:,} responses, each counted as a person of its own"
        facts["repeat respondents"] = f"{known.repeated:,}, at most {known.most:,} responses of one"
    if found and {"respondent", "time"} & set(survey.table.columns):
        same = f"{found.n:,} of {found.rows:,}; none was left out for it"
        facts["rows that repeat another in every mapped column"] = same
    return _facts(facts)


def elsewhere(survey: Responses, item: str, places: Sequence[str], period: str) -> int:
    """Of a relationship item, how many answers gave way to a later one of the same person about another place.

    Not looked for beyond some million rows.
    """
    table = survey.table
    if survey.mapping.kind_of(item) != "relationship" or "respondent" not in table.columns or count(table) > SEARCHED:
        return 0
    known = table.filter(table[item].notnull() & table.respondent.notnull())
    each = known.select("respondent", *places, period_=survey.mapping.calendar(period).cut(known)).distinct()
    return count(each) - count(each.select("respondent", "period_").distinct())


def straightlining(survey: Responses) -> pd.DataFrame:
    """How many gave every answer at one place of its scale, such as all at the lowest: items, answered, alike.

    Of those who answered three scaled questions or more; scales of different length agree at their ends and middle.
    """
    asked = [item for item, one in survey.mapping.items.items() if not one.minus]
    scale = {item: next(iter(survey.mapping.metrics_of(item).values())).scale for item in asked}
    scaled = {item: ends for item, ends in scale.items() if LEAST_REACH <= ends[1] - ends[0] < float("inf")}
    if len(scaled) < LEAST_ITEMS or "count" in survey.table.columns:
        return pd.DataFrame(columns=["items", "answered", "alike"])
    table = survey.table
    places = [(table[item] - low) / (high - low) for item, (low, high) in scaled.items()]
    many = sum(indicator(place.notnull()) for place in places) >= LEAST_ITEMS
    low, high = (extreme(*(place.fill_null(gap) for place in places))
                 for extreme, gap in ((ibis.least, 2.0), (ibis.greatest, -1.0)))  # fmt: skip
    n, alike = aggregated(table, many.sum(), (many & (low == high)).sum())
    return pd.DataFrame([(", ".join(scaled), n or 0, alike or 0)], columns=["items", "answered", "alike"])


def weights(survey: Responses) -> pd.DataFrame:
    """Range of the weights and their design effect."""
    if "weight" not in survey.table.columns:
        return _facts({})
    w = survey.table.weight
    each = survey.table["count"] if "count" in survey.table.columns else ibis.literal(1)
    sums = w.min(), w.max(), (w * each).sum(), (w * w * each).sum()
    n, low, high, total, squares = aggregated(survey.table, w.notnull().ifelse(each, 0).sum().cast("int64"), *sums)
    if not n:
        return _facts({})
    effect = n * squares / total**2  # Kish (1965): what unequal weights cost
    return _facts(
        {
            "range": f"{low:.4g} to {high:.4g}, mean {total / n:.4g}",
            "design effect (Kish)": f"{effect:.3f}: {n:,} responses are worth {n / effect:,.0f}",
        }
    )


def time(survey: Responses, tallies: Tallies) -> pd.DataFrame:
    """How times were written, the zone, first and last day, and whether their periods are whole; the order of waves."""
    facts = {}
    for file in survey.files:
        if file.get("times") or file.get("zone"):
            forms = ", ".join(f"{column} as {form}" for column, form in file.get("times", {}).items())
            facts[f"written in {file['path']}"] = " in ".join(filter(None, [forms, file.get("zone", "")]))
    if survey.waves and tallies.periods:
        why = f" (the earliest first, {survey.waves.why})" if survey.waves.why else ""
        facts["waves"] = f"{', '.join(tallies.periods)}{why}"
    if "time" not in survey.table.columns:
        return _facts(facts)
    mapping = survey.mapping
    facts["time zone"] = f"periods are cut in {mapping.timezone}" + (
        f"; times without an offset were recorded in {mapping.recorded_in}" if mapping.recorded_in else ""
    )
    if not (ends := days(survey)):
        return _facts(facts)
    facts["first and last"] = f"{ends[0]} to {ends[1]}"
    calendar = tallies.calendar
    found = partial(ends, calendar)
    for name, day in zip(("first period", "last period"), ends, strict=True):
        label = calendar.label(day)
        facts[name] = f"{label} may be partial: {found[label]}" if label in found else f"{label} is whole"
    return _facts(facts)


def partial(ends: tuple[dt.date, dt.date] | None, calendar: Calendar) -> dict[str, str]:
    """The first and the last period of the data where nobody answered in several days at their end, and in which.

    Args:
        ends: From `days`; None of waves, of which nothing is known.
        calendar: How time is cut.
    """
    if not ends:
        return {}
    first, last = map(calendar.first, ends)
    gaps = {"first": (ends[0] - first).days, "last": (calendar.after(last) - ends[1]).days - 1}
    found: dict[str, list[str]] = {}
    for end, start in (("first", first), ("last", last)):
        if gaps[end] > 1:
            found.setdefault(calendar.label(start), []).append(f"its {end} {gaps[end]} days")
    return {label: f"nobody answered in {' and in '.join(days)}" for label, days in found.items()}


def days(survey: Responses) -> tuple[dt.date, dt.date] | None:
    """The first and the last day on which somebody answered; the ends of months where times say no more than these."""
    if "time" not in survey.table.columns:
        return None
    moment = survey.table.time
    month = moment.truncate("M")
    first, last, other = aggregated(survey.table, moment.min(), moment.max(), (moment != month).any())
    if not first:
        return None
    if last.day == 1 and (survey.monthly or (not other and first < last)):
        last = Calendar("month").after(last.date()) - dt.timedelta(days=1)
        return first.date(), last
    return first.date(), last.date()
