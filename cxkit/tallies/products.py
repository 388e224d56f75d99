"""Cross products of complete answers, by place and group of people: all that a regression needs, and no row of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.input.databases import Column, Table, aggregated, collect
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.tallies.clusters import score
from cxkit.tallies.sums import exact_sum, ordered

_DIGITS = 2  # hexadecimal, of a hash: people and clusters fall into 256 groups


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def md5(text: str) -> str:  # type: ignore[empty-body]
    """The hash of a text, which is the same in every database."""


class Products(NamedTuple):
    """What complete answers sum up to.

    Attributes:
        bases: <dimensions>, asked (answers to the outcome), n (complete ones), people (who gave these), and of each
            item how many of those asked answered it, under its name; a row per place.
        groups: <dimensions>, group: of which place and group of people each of the sums is.
        sums: (groups, p + 1, p + 1) sums of w x_i x_j over the complete answers of the group; x_0 is 1, then come the
            outcome as it was answered, its value as the metric counts it, and the items.
    """

    bases: pd.DataFrame
    groups: pd.DataFrame
    sums: NDArray[np.float64]


def products(
    survey: Responses, table: Table, outcome: Metric, items: Sequence[Metric], by: Sequence[str]
) -> Products:  # fmt: skip
    """The cross products of an outcome and items over the answers that have all of them.

    Args:
        survey: The responses.
        table: Those of them that count.
        outcome: What is explained.
        items: What may go with it.
        by: Dimensions of the places.
    """
    roles, every = survey.mapping.columns.named(), [outcome, *items]
    count = table["count"] if "count" in roles else ibis.literal(1)
    table = table.filter(table[outcome.item].notnull()).mutate(n_=count)
    complete = ibis.and_(*(table[metric.item].notnull() for metric in every))
    answered = {metric.name: table[metric.item].notnull().ifelse(table.n_, 0).sum() for metric in items}
    known = {"asked": table.n_.sum(), "n": complete.ifelse(table.n_, 0).sum()}
    known["people"] = people_of(table, roles, complete)
    bases = collect(table.agg(by=list(by), **known, **answered))
    full = table.filter(complete)
    full = full.mutate(
        group=group_of(full, list(roles), every),
        w_=(full.weight * full.n_ if "weight" in roles else full.n_).cast("float64"),
        **{f"x{i}": _number(full[metric.item], metric) for i, metric in enumerate([outcome, *every])}
        | {"x1": score(full[outcome.item], outcome).cast("float64") * outcome.factor},
    )
    heaviest = aggregated(full, full.w_.max())[0] or 1.0
    reach = max(1.0, outcome.factor, *(max(map(abs, metric.scale)) for metric in every)) ** 2
    columns = [ibis.literal(1.0), *(full[f"x{i}"] for i in range(len(every) + 1))]
    one, other = np.triu_indices(len(columns))
    sums = {f"s{i}_{j}": exact_sum(full.w_ * columns[i] * columns[j], heaviest * reach)
            for i, j in zip(one, other, strict=True)}  # fmt: skip
    frame = ordered(full.agg(by=[*by, "group"], **sums), [*by, "group"])
    matrix = np.zeros((len(frame), len(columns), len(columns)))
    matrix[:, one, other] = matrix[:, other, one] = frame[list(sums)].to_numpy(float)
    return Products(bases, frame[[*by, "group"]], matrix)


def people_of(table: Table, roles: Collection[str], some: Column) -> Column:
    """How many people gave the rows that fulfil a condition; `n_` of a row whose respondent is not known."""
    whose = table.respondent if "respondent" in roles else ibis.null("string")
    alone = (some & whose.isnull()).ifelse(table.n_, 0).sum()
    return some.ifelse(whose, ibis.null(whose.type())).nunique() + alone


def group_of(table: Table, roles: Sequence[str], every: Sequence[Metric]) -> Column:
    """The group of people of each row, by chance and the same in every database."""
    return md5(_linked(table, roles, every))[:_DIGITS]


def _linked(table: Table, roles: Sequence[str], every: Sequence[Metric]) -> Column:
    """A text that is the same of answers that belong together: of one cluster, else of one respondent."""
    told = table.response if "response" in roles else _told_apart(table, every)
    link = next((table[role] for role in ("cluster", "respondent") if role in roles), ibis.null("string"))
    return ibis.coalesce(link.cast("string"), told.cast("string"))


def _told_apart(table: Table, every: Sequence[Metric]) -> Column:
    """A text of each row by what it says, numbered where several say the same: rows come in no order."""
    keys = [table[name] for name in ("time", "wave") if name in table.columns] + [table[m.item] for m in every]
    number = ibis.row_number().over(ibis.window(group_by=keys))
    return ibis.literal("/").join([key.cast("string").fill_null("") for key in [*keys, number]])


def _number(answer: Column, metric: Metric) -> Column:
    """An answer as it stands where more of it is always better or always worse, else its value: "unsure" is no 2."""
    values = [metric.values[code] for code in sorted(metric.values)]
    steps = {np.sign(after - before) for before, after in pairwise(values)} - {0.0}
    return (answer if len(steps) == 1 else score(answer, metric)).cast("float64")


def worst_of_each(table: Table, metric: Metric, bad: Sequence[float], by: Sequence[str]) -> pd.DataFrame:
    """How many respondents each cell has, and how many of them gave at least one bad answer.

    Args:
        table: The answers that count, with respondents.
        metric: Whose.
        bad: The answers that are bad.
        by: Dimensions of the cells.

    Returns:
        <dimensions>, n (respondents), w, bad and ww: sums of the weights of respondents (the mean weight of the
        answers of each), of those with a bad answer, and of squares.
    """
    table = table.filter(table[metric.item].notnull() & table.respondent.notnull())
    table = table.mutate(w_=table.weight.cast("float64") if "weight" in table.columns else ibis.literal(1.0))
    heaviest = aggregated(table, table.w_.max())[0] or 1.0
    answered = table[metric.item].isin([float(code) for code in bad]).ifelse(1.0, 0.0)
    each = table.mutate(bad_=answered).group_by([*by, "respondent"])
    people = each.agg(bad_=lambda t: t.bad_.max(), w_=lambda t: exact_sum(t.w_, heaviest) / t.count())
    sums = {"w": exact_sum(people.w_, heaviest), "bad": exact_sum(people.w_ * people.bad_, heaviest),
            "ww": exact_sum(people.w_ * people.w_, heaviest**2)}  # fmt: skip
    return ordered(people.agg(by=list(by), n=people.count(), **sums), by)
