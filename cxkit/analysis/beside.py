"""What a run tells of its responses beside their counts: what such analyses ask alike, and how tallies carry it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from cxkit.analysis.privacy import of_few
from cxkit.errors import CxError, nearest
from cxkit.input.databases import Table
from cxkit.input.mapping import lacking
from cxkit.input.responses import Responses
from cxkit.metrics import Metric
from cxkit.schema import ALL
from cxkit.tallies.products import LINKS, repeats
from cxkit.tallies.tallies import Tallies


def require_free(names: Collection[str], columns: Collection[str], about: str = "") -> None:
    """Refuse dimensions that are called as a column of the results is."""
    if taken := set(names) & set(columns):
        raise CxError(
            f"{about}{min(taken)!r} is the name of a column of these results; call the dimension something else"
        )


def matching(frame: pd.DataFrame, place: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of a place."""
    for name, value in place.items():
        frame = frame[frame[name] == value]
    return frame


def scaled_metric(survey: Responses, name: str, about: str) -> Metric:
    """A metric of the responses whose answers lie on a scale."""
    if name not in survey.metrics:
        raise CxError(f"{about}: {name!r}: {lacking(survey.mapping, name)}; {nearest(name, survey.metrics)}")
    if survey.metrics[name].statistic == "quantile":
        raise CxError(f"{about}: {name!r} is a duration; expected answers on a scale")
    return survey.metrics[name]


def repeated(
    survey: Responses, table: Table, outcome: Metric, items: Sequence[Metric], by: Sequence[str], least: int
) -> dict[tuple[str, ...], float]:
    """Where fewer people than `least` answered several times, or share a cluster: by how much the variance is wider.

    What they said together is then in no digit of an error: every answer is taken by itself (`products`, `alone`), and
    the variance is as wide as if none of them had changed their mind, whatever they said.

    Args:
        survey: The responses.
        table: Those of them that count.
        outcome: As in `tallies.products`.
        items: As there.
        by: Dimensions of the places.
        least: People that are enough.

    Returns:
        By place, of everybody by ().
    """
    roles = survey.mapping.columns.named()
    if not set(LINKS) & set(roles):
        return {}
    levels = list(dict.fromkeys([(), tuple(by)]))
    found = [repeats(survey, table, outcome, items, level).assign(cut=ALL.join(level), period="") for level in levels]
    columns = ["more"] if "cluster" in roles else ["more", "again"]  # few who share one, or who answered how often
    frame = pd.concat(found, ignore_index=True)
    frame = frame[of_few(frame, columns, levels, least, pd.DataFrame()) | (frame["more"] == 0)]
    return {tuple(row[name] for name in by if row["cut"]): row["spread"] for row in frame.to_dict("records")}


def hidden_cells(
    tallies: Tallies, now: str, levels: Iterable[Sequence[str]], metrics: Sequence[str], columns: Sequence[str]
) -> list[dict[Any, Any]]:
    """The cells of a period that are not shown at some levels: metric, <columns>, for each metric of their item."""
    gone = tallies.hidden[tallies.hidden["cut"].isin({tallies.cut(one) for one in levels})]
    asked = pd.DataFrame({"metric": name, "item": tallies.metrics[name].item} for name in metrics)
    told = gone[gone["period"] == now].merge(asked, on="item")  # metrics may share an item
    return told[["metric", *columns]].to_dict("records")


def carrying(tallies: Tallies, part: str, found: pd.DataFrame) -> Tallies:
    """The tallies with what a run found, one of `schema.BESIDE`."""
    kept = found.astype(object).where(found.notna(), None)
    return replace(tallies, provenance={**tallies.provenance, part: kept.to_dict("records")})


def carried(tallies: Tallies, part: str, where: Mapping[str, str], columns: Sequence[str]) -> pd.DataFrame:
    """What a run found of one place, in the order in which it did; no row where it was not asked for any."""
    records: list[dict[str, Any]] = tallies.provenance.get(part) or []

    def place(one: Mapping[str, Any]) -> dict[str, Any]:
        inside = str(one.get("dimension")).split(ALL)  # what the place is cut by
        return {name: one[name] for name in tallies.by if one.get(name) and name not in inside}

    return pd.DataFrame([one for one in records if place(one) == dict(where)], columns=list(columns))
