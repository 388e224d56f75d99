"""The same answers read in several ways: what weights and clusters do to a result, beside the result itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from cxkit.analysis.cells import Use
from cxkit.analysis.comparisons import compare
from cxkit.analysis.estimates import estimate
from cxkit.tallies.tallies import Tallies


class Readings(NamedTuple):
    """Estimates and comparisons with a further column `reading`."""

    estimates: pd.DataFrame
    comparisons: pd.DataFrame


def readings(
    tallies: Tallies,
    now: str,
    before: str,
    level: float = 0.95,
    *,
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
) -> Readings:
    """One place in two periods: as plain answers, with weights, and with the whole design.

    The last is the result, and the only reading where there are neither weights nor clusters nor known respondents. The
    others show what a report without the design would have said; each is a single comparison, without any correction.

    Args:
        tallies: Tallies in which the place and the pair of periods were declared.
        now: The later period.
        before: The period it is compared with.
        level: Confidence level.
        where: One level per dimension; None for everybody.
        metrics: Names; None for all.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["csat"], by=["brand"])
    >>> readings(tallies, "2026-10", "2026-09").comparisons["reading"].tolist()
    ['plain answers', 'with weights', 'with weights and clusters']
    """
    estimates, comparisons = [], []
    for name, use in _ways(tallies).items():
        chosen: dict[str, Any] = {"by": (), "where": where, "metrics": metrics, "use": use}
        estimates.append(estimate(tallies, level, periods=[before, now], **chosen).assign(reading=name))
        comparisons.append(compare(tallies, now, before, level, **chosen).assign(reading=name))
    return Readings(*(pd.concat(parts, ignore_index=True) for parts in (estimates, comparisons)))


def _ways(tallies: Tallies) -> dict[str, Use]:
    """The readings that differ, the whole design last."""
    ways: dict[str, Use] = {"plain answers": "none"}
    if tallies.weighted:
        ways["with weights"] = "weights"
    if len(tallies.sums) or len(tallies.pairs):
        last = "clusters" if len(tallies.sums) else "shared respondents"
        ways[f"with weights and {last}" if tallies.weighted else f"with {last}"] = "full"
    return ways
