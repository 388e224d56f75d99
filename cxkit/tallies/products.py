"""Cross products of complete answers, by place and group of people: all that a regression needs, and no row of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from cxkit.input.databases import Column, Table, aggregated, collect
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.tallies.clusters import score
from cxkit.tallies.sums import exact_sum, ordered

LINKS = ("cluster", "respondent")  # roles that say which answers belong together, the first that is mapped
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
    survey: Responses, table: Table, outcome: Metric, items: Sequence[Metric], by: Sequence[str], *, alone: bool = False
) -> Products:  # fmt: skip
    """The cross products of an outcome and items over the answers that have all of them.

    Args:
        survey: The responses.
        table: Those of them that count.
        outcome: What is explained.
        items: What may go with it.
        by: Dimensions of the places.
        alone: Whether every answer is in a group of its own accord, and not with those that belong to it.
    """
    roles, every = survey.mapping.columns.named(), [outcome, *items]
    table, complete = _counted(survey, table, every)
    answered = {metric.name: table[metric.item].notnull().ifelse(table.n_, 0).sum() for metric in items}
    known = {"asked": table.n_.sum(), "n": complete.ifelse(table.n_, 0).sum()}
    known["people"] = people_of(table, roles, complete)
    bases = collect(table.agg(by=list(by), **known, **answered))
    full = table.filter(complete)
    full = full.mutate(
        group=group_of(full, roles, every, by, alone=alone),
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
    nobody = (some & whose.isnull()).ifelse(table.n_, 0).sum()
    return some.ifelse(whose, ibis.null(whose.type())).nunique() + nobody


def group_of(
    table: Table, roles: Collection[str], every: Sequence[Metric], by: Sequence[str] = (), *, alone: bool = False
) -> Column:
    """The group of people of each row, or of answers by themselves, by chance and the same in every database."""
    return md5(_linked(table, roles, every, by, alone=alone))[:_DIGITS]


def repeats(
    survey: Responses, table: Table, outcome: Metric, items: Sequence[Metric], by: Sequence[str]
) -> pd.DataFrame:
    """How often complete answers belong together, in each place.

    Args:
        survey: The responses.
        table: Those of them that count.
        outcome: As in `products`.
        items: As in `products`.
        by: As in `products`.

    Returns:
        <dimensions>, more (answers beyond the first of each cluster or respondent), again (sum of n_g^2 - n_g over
        these), spread (sum of W_g^2 over the sum of the squared weights of answers): a row per place.
    """
    roles, every = survey.mapping.columns.named(), [outcome, *items]
    table, complete = _counted(survey, table, every)
    full = table.filter(complete)
    full = full.mutate(link_=_linked(full, roles, every, by))
    heaviest = aggregated(full, full.w_.max())[0] or 1.0
    single = full.w_ * full.w_ / full.n_  # of each of the answers that a row stands for
    each = full.agg(by=[*by, "link_"], n_=full.n_.sum(), w_=exact_sum(full.w_, heaviest),
                    ww_=exact_sum(single, heaviest**2))  # fmt: skip
    largest = aggregated(each, each.w_.max())[0] or 1.0
    sums = {"n": each.n_.sum(), "links": each.count(), "nn": (each.n_ * each.n_).sum(),
            "wide": exact_sum(each.w_ * each.w_, largest**2), "single": exact_sum(each.ww_, largest**2)}  # fmt: skip
    found = ordered(each.agg(by=list(by), **sums), by) if by else collect(each.agg(**sums)).fillna(0)
    told = found.assign(more=found["n"] - found["links"], again=found["nn"] - found["n"])
    return told.assign(spread=found["wide"] / found["single"])[[*by, "more", "again", "spread"]]


def inside(table: Table, cells: pd.DataFrame) -> Table:
    """The answers that lie in some cells, which their dimensions name."""
    kept: Table = table.semi_join(ibis.memtable(pa.Table.from_pandas(cells, preserve_index=False)), list(cells))
    return kept


def _counted(survey: Responses, table: Table, every: Sequence[Metric]) -> tuple[Table, Column]:
    """The answers to an outcome with the number n_ and the weight w_ of each row, and which are complete."""
    roles = survey.mapping.columns.named()
    table = table.filter(table[every[0].item].notnull())
    table = table.mutate(n_=table["count"] if "count" in roles else ibis.literal(1))
    table = table.mutate(w_=(table.weight * table.n_ if "weight" in roles else table.n_).cast("float64"))
    return table, ibis.and_(*(table[metric.item].notnull() for metric in every))


def _linked(
    table: Table, roles: Collection[str], every: Sequence[Metric], by: Sequence[str], *, alone: bool = False
) -> Column:
    """A text that is the same of answers that belong together: of one cluster, else of one respondent.

    That of an answer by itself is what it says, with its place in the order of those that say the same: which of them
    fall into one group then tells nothing of who gave them, and does not depend on the order of the rows.
    """
    keys = [*(table[name] for name in by), *((table[m.item] * 1000).cast("int64").cast("string") for m in every)]
    number = ibis.row_number().over(ibis.window(group_by=keys, order_by=[table.w_, table.n_])).cast("string")
    told = ibis.literal("/").join([*(key.fill_null("") for key in keys), number])
    link = next((table[role] for role in LINKS if role in roles and not alone), None)
    if link is None:
        return told
    return ibis.coalesce(link.cast("string"), table.response.cast("string") if "response" in roles else told)


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
        answers of each), of those with a bad answer, and of squares; again: respondents with several answers and
        answers of nobody known, by which answers differ from respondents.
    """
    count = table["count"] if "count" in table.columns else ibis.literal(1)
    table = table.filter(table[metric.item].notnull())
    table = table.mutate(w_=table.weight.cast("float64") if "weight" in table.columns else ibis.literal(1.0), n_=count)
    heaviest = aggregated(table, table.w_.max())[0] or 1.0
    answered = table[metric.item].isin([float(code) for code in bad]).ifelse(1.0, 0.0)
    each = table.mutate(bad_=answered).group_by([*by, "respondent"])
    people = each.agg(bad_=lambda t: t.bad_.max(), w_=lambda t: exact_sum(t.w_, heaviest) / t.count(),
                      n_=lambda t: t.n_.sum())  # fmt: skip
    known = people.respondent.notnull()
    w = known.ifelse(people.w_, 0.0)
    sums = {"w": exact_sum(w, heaviest), "bad": exact_sum(w * people.bad_, heaviest),
            "ww": exact_sum(w * w, heaviest**2)}  # fmt: skip
    again = known.ifelse((people.n_ > 1).ifelse(1, 0), people.n_).sum()
    found = ordered(people.agg(by=list(by), n=known.sum(), again=again, **sums), by)
    return found[found["n"] > 0].reset_index(drop=True)
