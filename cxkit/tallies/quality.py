"""Facts of an audit: who answered and how alike, what weights cost, how times were written and where they end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import ibis
import pandas as pd

from cxkit.input.databases import aggregated, count
from cxkit.input.periods import Calendar
from cxkit.input.responses import Responses
from cxkit.tallies.tallies import Tallies

SEARCHED = 5_000_000  # rows in which repeated ones are looked for; beyond, one would sort the whole table
LEAST_ITEMS = 3  # scaled questions, from which on one place throughout means something
LEAST_REACH = 3  # from the first answer of a scale to its last: with two or three answers, many are alike by chance


def _facts(facts: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())}, dtype="str")


def respondents(survey: Responses) -> pd.DataFrame:
    """People, repeat answers, and rows that repeat others."""
    table, facts = survey.table, {}
    rows = count(table)
    if "respondent" in table.columns:
        known = table.filter(table.respondent.notnull())
        each = known.group_by("respondent").agg(n=lambda t: t.count())
        sums = aggregated(each, each.count(), each.n.max(), (each.n > 1).sum(), each.n.sum())
        people, most, repeated, n = (value or 0 for value in sums)
        facts["people"] = f"{people:,} gave {n:,} responses"
        facts["without a respondent"] = f"{rows - n:,} responses, each counted as a person of its own"
        facts["repeat respondents"] = f"{repeated:,}, at most {most:,} responses of one"
    keys = [c for c in table.columns if c not in ("response", "weight")]
    if rows <= SEARCHED and {"respondent", "time"} & set(keys) and "count" not in keys:
        repeats = rows - count(table.select(*keys).distinct())
        facts["rows that repeat another in every mapped column"] = f"{repeats:,} of {rows:,}; none was left out for it"
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
    scale = {item: next(iter(survey.mapping.metrics_of(item).values())).scale for item in survey.mapping.items}
    scaled = {item: ends for item, ends in scale.items() if LEAST_REACH <= ends[1] - ends[0] < float("inf")}
    if len(scaled) < LEAST_ITEMS or "count" in survey.table.columns:
        return pd.DataFrame(columns=["items", "answered", "alike"])
    table = survey.table
    places = [(table[item] - low) / (high - low) for item, (low, high) in scaled.items()]
    many = sum(place.notnull().cast("int64") for place in places) >= LEAST_ITEMS
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
