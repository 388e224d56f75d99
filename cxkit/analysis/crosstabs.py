"""Banner tables: answers and scores of metrics by the levels of dimensions, beside the total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxkit.analysis.cells import declared, from_tallies
from cxkit.analysis.comparisons import Correction
from cxkit.analysis.contrasts import against_rest
from cxkit.analysis.estimates import chosen, estimate
from cxkit.metrics import Metric
from cxkit.schema import CROSSTAB, OF_RESULT
from cxkit.tallies.tallies import Tallies

TEXTS = ("verdict", "note", "reason", "method", "family_of", "difference_method", "difference_note")


def crosstab(
    tallies: Tallies,
    period: str,
    dimension: str | Sequence[str],
    level: float = 0.95,
    correction: Correction = "holm",
    *,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    lead: str | None = None,
    minimum: float | None = None,
) -> pd.DataFrame:
    """Scores and shares of answers of each level of some dimensions and of all of them together, in one period.

    Scores are tested, each level against the rest. Shares are described: what clusters sum up to is tallied for scores,
    not for classes of answers, and an interval that ignored the clusters would be too narrow. To have a class tested,
    declare a metric that counts it (`cx.metric`, or `measure: share` in a mapping).

    Args:
        tallies: As for `against_rest`.
        period: As it is written in `tallies.periods`.
        dimension: Whose levels are the columns of the banner; one or several.
        level: Confidence level of the intervals; 1 - level is the significance level of the verdicts.
        correction: "holm" or "bh", over the families of `against_rest`.
        by: Other dimensions of which every level is a place of its own, as the pages of a run are.
        where: One level per other dimension: the place.
        metrics: Names; None for all.
        lead: The metric that the report is about, as in `against_rest`.
        minimum: Effective answers that either side needs for a verdict; None: as the tallies' rules say.

    Returns:
        A row per metric and cell with its score: the columns of `estimate`, and difference, difference_low,
        difference_high, difference_method, difference_note, n_rest, pvalue, pvalue_adj, family, family_of, detectable
        and verdict, as in `against_rest`; of the total (no level of any dimension) nothing is tested. After these, of
        each item once, a row for each class of answers, or each answer where the metric has no classes, which `group`
        names: n is the base, share the part of it in percent, weighted where the data have weights. A hidden cell has
        neither, and durations have no classes.

    Raises:
        CxError: As `against_rest`.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["channel"], rest=True)
    >>> frame = cx.crosstab(tallies, "2026-10", "channel")
    >>> cx.at(frame, {"channel": "store"})[["group", "n", "value", "share"]].round(1)
                  group    n  value  share
    0                    380   29.4    NaN
    1  Detractors (0-6)  380    NaN   20.5
    2    Passives (7-8)  380    NaN   29.7
    3  Promoters (9-10)  380    NaN   49.9
    """
    names = [dimension] if isinstance(dimension, str) else list(dict.fromkeys(dimension))
    cuts = [tuple(by), *((*by, name) for name in names)]
    scores = estimate(tallies, level, by=cuts, where=where, metrics=metrics, periods=[period])
    tests = against_rest(
        tallies, period, names, level, correction, by=by, where=where, metrics=metrics, lead=lead, minimum=minimum
    )
    shares = class_shares(tallies, period, cuts, where=where, metrics=metrics)
    return _together(scores, tests, shares, tallies.by)


def crosstab_of(
    summary: pd.DataFrame, period: str, places: Sequence[str], by: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Report -> the crosstab of its place, put together from what the summary of a run holds.

    Args:
        summary: Of `summaries.summary`, with the column `report`.
        period: Of the reports.
        places: Dimensions of which every combination has a report.
        by: All dimensions.
    """
    whole = summary["part"].eq("estimate") & summary[list(places)].notna().all(axis=1)
    rows = summary[summary["period"].eq(period) & (whole | summary["part"].ne("estimate"))]
    kind = rows["part"].str.removeprefix("segment ")
    scores, tests, shares = (
        rows[kind.eq(one)].dropna(axis="columns", how="all") for one in ("estimate", "contrast", "share")
    )
    found = _together(scores, tests, shares, by).groupby("report")
    return {str(name): frame.drop(columns="report").reset_index(drop=True) for name, frame in found}


def _together(scores: pd.DataFrame, tests: pd.DataFrame, shares: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Scores with their tests beside, then shares, metric by metric."""
    names = [name for name in by if name in scores]
    keys = [*(["report"] if "report" in scores else []), "metric", *names]
    tested = tests.rename(columns=OF_RESULT)
    told = [name for name in tested if name in CROSSTAB and name not in scores]
    frame = scores.merge(tested[[*keys, *told]], on=keys, how="left").assign(group="", share=np.nan)
    together = pd.concat([frame, shares], ignore_index=True)
    together = together.fillna(dict.fromkeys(set(TEXTS) & set(together), ""))
    place = {name: i for i, name in enumerate(dict.fromkeys(scores["metric"]))}
    order = np.argsort(together["metric"].map(place).to_numpy(), kind="stable")
    wanted = [*keys[: keys.index("metric") + 1], "period", *names, *CROSSTAB[2:]]
    return together.iloc[order].reindex(columns=wanted).reset_index(drop=True)


def class_shares(
    tallies: Tallies,
    period: str,
    cuts: Sequence[Sequence[str]],
    *,
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The rows of a crosstab that hold shares (metric, period, <dimensions>, group, n, share), of some levels."""
    counted = _once(chosen(tallies, metrics))
    parts = [_classes(tallies, metric, cut, where, period) for metric in counted for cut in cuts]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _once(metrics: Sequence[Metric]) -> list[Metric]:
    """The metrics that have answers to count, of those that read one item in the same classes the first."""
    counted = {(metric.item, str(metric.classes)): metric for metric in reversed(metrics) if metric.values}
    return [metric for metric in metrics if metric in counted.values()]


def _classes(
    tallies: Tallies, metric: Metric, cut: Sequence[str], where: Mapping[str, str] | None, period: str
) -> pd.DataFrame:
    """The share of each class of answers in each cell of a level, cells after classes, the worst class first."""
    _, keys = declared(tallies, cut, where, [period])
    cells = from_tallies(tallies, metric, keys, "weights")
    shown, groups = cells.n > 0, metric.classes or {f"{answer:g}": (answer,) for answer in sorted(metric.values)}
    inside = np.array([np.isin(cells.values, members) for members in groups.values()], dtype=float)
    share = 100 * inside @ cells.weights[shown].T / cells.w[shown]
    each = {name: np.tile(keys[name][shown], len(groups)) for name in keys}
    n, group = np.tile(cells.n[shown].astype(int), len(groups)), np.repeat(list(groups), shown.sum())
    return pd.DataFrame({"metric": metric.name, **each, "group": group, "n": n, "share": share.ravel()})
