"""The journey of customers from contact to contact: where it breaks for whom, and what a run tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cxkit.analysis.beside import carried, carrying, hidden_cells, require_free, scaled_metric
from cxkit.analysis.estimates import chosen
from cxkit.analysis.margins import flows, margins, standardised
from cxkit.errors import CxError, nearest
from cxkit.input.databases import readable
from cxkit.input.responses import Responses
from cxkit.schema import FLOWS, MARGINS, RULES, STANDARDISED, WEAKEST, Rules, worded
from cxkit.stats import plain_design, rate_interval
from cxkit.tallies.products import worst_of_each
from cxkit.tallies.tallies import Tallies
from cxkit.tallies.tally import Where, in_period

COLUMNS = {"margins": MARGINS, "flows": FLOWS, "standardised": STANDARDISED, "weakest": WEAKEST}
METHOD = "Wilson interval, a customer once"


@readable
def weakest(
    survey: Responses,
    metric: str,
    dimension: str,
    answers: Sequence[int],
    *,
    by: Sequence[str] = (),
    period: str = "month",
    now: str | None = None,
    where: Where | None = None,
    level: float = 0.95,
    rules: Rules = RULES,
    hidden: Sequence[Mapping[Any, Any]] = (),
) -> pd.DataFrame:
    """The share of customers with at least one contact that they rated badly, at each level: the weakest link.

    A journey breaks where one contact does, however good the others were.

    Args:
        survey: Responses with a column in the role `respondent`; who is not known takes no part.
        metric: Whose answers count, a net score, share or mean.
        dimension: Such as the moment of the journey.
        answers: Those that are bad, such as [1, 2] of 1 to 5.
        by: Dimensions of the places.
        period: How time is cut.
        now: The period whose answers count; None: all answers.
        where: Only these levels of a dimension, as in `tally`.
        level: Confidence level of the intervals.
        rules: From how many customers on a number is shown.
        hidden: Cells with <by> and the level that are not shown for another reason.

    Returns:
        A row per place and level with answers: bad_answers (as text), n (customers), n_eff, value, low, high (percent),
        method, note, reason. No total: it would tell of levels that are hidden. Where fewer than `hide_below` answered
        several times nothing is told: beside the answers it would be what they said.

    Raises:
        CxError: A metric, dimension or answer that does not fit.

    Formula: Wilson's interval at Kish's base, the weight of a customer being the mean of the weights of the answers.

    >>> import cxkit as cx
    >>> found = weakest(cx.read("sample"), "csat", "touchpoint", [1, 2], period="year", now="2026")
    >>> found.set_index("touchpoint").loc["support call", ["n", "value"]].round(1).tolist()
    [3094.0, 18.1]
    """
    require_free([*by, dimension], WEAKEST, "by: ")
    measured = scaled_metric(survey, metric, "weakest")
    if odd := [one for one in answers if one not in measured.values]:
        raise CxError(
            f"weakest: answers: {odd[0]} is no answer to {metric}; expected some of {sorted(measured.values)}"
        )
    for name in (*by, dimension):
        if name not in survey.mapping.dimensions:
            raise CxError(f"weakest: {name!r} is no mapped dimension; {nearest(name, survey.mapping.dimensions)}")
    if survey.mapping.columns.respondent is None:
        raise CxError("weakest: the mapping has no column in the role `respondent`, so that customers are not known")
    cells = [*by, dimension]
    found = worst_of_each(in_period(survey, period, where or {}, now), measured, answers, cells)
    order = [*(survey.mapping.dimensions[dimension].values or ()), *sorted(found[dimension].unique())]
    found = found.sort_values([*by, dimension], ignore_index=True,
                              key=lambda part: part.map(order.index) if part.name == dimension else part)  # fmt: skip
    gone = {tuple(cell[name] for name in cells) for cell in hidden}
    few = found["n"] < rules.hide_below
    given = pd.Series([cell in gone for cell in found[cells].itertuples(index=False, name=None)], found.index, bool)
    given |= found["again"].between(1, rules.hide_below - 1)  # answers less customers would be what these few said
    found["reason"] = few.map({True: "few people", False: ""}).mask(~few & given, "given away")
    kish = found["w"] ** 2 / found["ww"]
    limits = rate_interval(found["bad"], found["w"], level, design=plain_design(kish))
    found = found.assign(value=100 * found["bad"] / found["w"], low=100 * limits.low, high=100 * limits.high)
    found = found.assign(n_eff=kish, n=found["n"].astype("Int64"))
    shown = ["n", "n_eff", "value", "low", "high"]
    found[shown] = found[shown].mask(found["reason"] != "")
    found = found.assign(
        metric=metric, period=now or "", dimension=dimension, bad_answers=", ".join(f"{one:g}" for one in answers),
        level=level, method=METHOD, hide_below=rules.hide_below,
        note=[worded(code, hide_below=rules.hide_below) for code in found["reason"]],
    )  # fmt: skip
    return found[[*WEAKEST[:2], *cells, *WEAKEST[2:]]]


def with_journey(
    tallies: Tallies, survey: Responses, declared: Mapping[str, Any], where: Where, now: str, places: Sequence[str],
    level: float, correction: Any,
) -> Tallies:  # fmt: skip
    """The tallies with what a run tells of journeys, of everybody or of each place: of cells that are shown only.

    Args:
        tallies: Hidden cells taken out, with the levels of `pairs`.
        survey: The responses.
        declared: `metrics`, `margins`, `flows`, `standardised` and `weakest`.
        where: The filter of the run.
        now: The period.
        places: Dimensions that have a page for each level.
        level: Confidence level.
        correction: For the comparisons of a place.
    """
    given: dict[str, Any] = {"level": level, "metrics": declared["metrics"], "by": places}
    made: dict[str, list[pd.DataFrame]] = {
        "margins": [margins(tallies, now, pair, **given) for pair in declared["margins"]],
        "flows": [flows(tallies, now, pair, **given) for pair in declared["flows"]],
        "standardised": [
            standardised(tallies, now, pair, correction=correction, **given) for pair in declared["standardised"]
        ],
        "weakest": [],
    }
    if worst := declared["weakest"]:
        (measured,) = chosen(tallies, [worst["metric"]])
        cut = [*places, worst["of"]]
        found = weakest(
            survey, measured.name, worst["of"], worst["answers"], by=places, period=tallies.period, now=now,
            where=where, level=level, rules=tallies.rules,
            hidden=hidden_cells(tallies, now, [cut], [measured.name], cut),
        )  # fmt: skip
        made["weakest"].append(found)
    for name, frames in made.items():
        if frames:
            tallies = carrying(tallies, name, pd.concat(frames, ignore_index=True))
    return tallies


def pairs(declared: Mapping[str, Any], places: Sequence[str]) -> list[tuple[str, ...]]:
    """The levels that tallies need for what a run tells of journeys."""
    two = [tuple(pair) for name in ("margins", "flows", "standardised") for pair in declared[name]]
    one = [(declared["weakest"]["of"],)] if declared["weakest"] else []
    return [(*places, *level) for level in dict.fromkeys([*one, *two])]


def journey_of(tallies: Tallies, part: str, where: Mapping[str, str]) -> pd.DataFrame:
    """One part of what the run found of one place; no row where it was not asked for it."""
    columns = COLUMNS[part]
    return carried(tallies, part, where, [*columns[:2], *tallies.by, *columns[2:]])


def summed(tallies: Tallies) -> list[pd.DataFrame]:
    """What a run tells of journeys as rows of its summary, each with its `part`; what is a share is called so."""
    share = {"value": "share", "low": "share_low", "high": "share_high"}
    return [
        pd.DataFrame(records).rename(columns=share if part == "weakest" else {}).assign(part=part)
        for part in COLUMNS
        if (records := tallies.provenance.get(part))
    ]
