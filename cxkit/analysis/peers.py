"""Each place against all others in one period, and its score shrunken towards the mean of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxkit.analysis.cells import declared, from_tallies, moments
from cxkit.analysis.comparisons import Correction
from cxkit.analysis.contrasts import against_rest
from cxkit.analysis.differences import effective
from cxkit.analysis.estimates import chosen
from cxkit.metrics import Metric
from cxkit.schema import PEERS
from cxkit.stats import shrunk_interval
from cxkit.tallies.tallies import Tallies

UNITS = 8  # below which the spread between them is hardly known
_NO_VARIANCE = 1e-12  # of answers that are all the same


def peers(
    tallies: Tallies,
    period: str,
    by: Sequence[str],
    level: float = 0.95,
    correction: Correction = "holm",
    *,
    lead: str | None = None,
    metrics: Sequence[str] | None = None,
    minimum: float | None = None,
) -> pd.DataFrame:
    """Each place against all others together, and what its score is if it is pulled to their mean by how little it has.

    Args:
        tallies: Tallies with `rest=True`, in which the places were declared, and what they are together.
        period: As it is written in `tallies.periods`.
        by: The dimension of the places; of two, a place is compared with the others of the same level of the first.
        level: Confidence level of the intervals; 1 - level is the significance level of the verdicts.
        correction: As for `against_rest`.
        lead: The metric that the report is about: its comparisons are a family, and those of all other metrics another.
        metrics: Names; None for all.
        minimum: As for `against_rest`.

    Returns:
        The columns of `against_rest`, and shrunk, shrunk_low, shrunk_high: NaN of durations, of what is hidden, and
        where fewer than eight places are shown.

    Raises:
        CxError: As `against_rest`.

    Formula: as `against_rest`; `stats.shrunk_interval` on the pooled variance of one answer and effective bases.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["region"], rest=True)
    >>> found = cx.peers(tallies, "2026-10", ["region"])
    >>> found["verdict"].value_counts().to_dict()
    {'no evidence': 5}
    """
    *outer, last = by
    frame = against_rest(
        tallies, period, last, level, correction, by=outer, metrics=metrics, lead=lead, minimum=minimum
    )
    parts = [_shrunken(tallies, metric, by, period, level) for metric in chosen(tallies, metrics)]
    keys = ["metric", *by]
    found = frame.merge(pd.concat(parts, ignore_index=True), on=keys, how="left", validate="one_to_one")
    return found[["metric", "period", *by, *PEERS[2:]]]


def _shrunken(tallies: Tallies, metric: Metric, by: Sequence[str], period: str, level: float) -> pd.DataFrame:
    """The shrunken score of each place, among those with which it is compared."""
    _, keys = declared(tallies, by, None, [period])
    cells = from_tallies(tallies, metric, keys)
    base, (mean, variance) = effective(metric, cells), moments(metric, cells)
    known = (cells.hidden == "") & (base > 1) & ~np.isnan(variance) & (metric.statistic != "quantile")
    found = np.full((3, len(keys)), np.nan)
    groups = keys.groupby(list(by[:-1]), sort=False).ngroup() if len(by) > 1 else np.zeros(len(keys))
    for group in np.unique(groups):
        own = known & (groups == group)
        if own.sum() >= UNITS:
            # Whose population is known may have a base above its answers, which tell no more of the variance of one.
            n = np.minimum(base, cells.n)[own]
            # Of few answers the variance is too small by one of n; of answers that are all alike it is not 0.
            pooled = max(float((n * variance[own]).sum() / (n - 1).sum()), _NO_VARIANCE)
            found[:, own] = shrunk_interval(mean[own], pooled / base[own], level, scale=metric.natural_ends)
    values = dict(zip(PEERS[-3:], metric.factor * found, strict=True))
    return keys[list(by)].assign(metric=metric.name, **values)
