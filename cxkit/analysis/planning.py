"""How many answers a change needs, and what a base could show: tables for before the survey goes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

import numpy as np
import pandas as pd

from cxkit.analysis.differences import FLOOR
from cxkit.errors import CxError, nearest
from cxkit.metrics import METRICS, Metric
from cxkit.stats import (
    detectable,
    mean_detectable,
    nps_detectable,
    nps_difference,
    rate_detectable,
    rate_difference,
    smallest_base,
)
from cxkit.stats.power import USUAL_NET_VARIANCE

POWERS = (0.8, 0.9)
FAMILIES = (1, 5, 10, 20)
BASES = (30, 50, 100, 200, 300, 500, 1000, 2000, 5000)


def answers_needed(
    metric: str,
    change: float,
    *,
    share: float | None = None,
    shares: Sequence[float] | None = None,
    sd: float | None = None,
    level: float = 0.95,
    powers: Sequence[float] = POWERS,
    families: Sequence[int] = FAMILIES,
) -> pd.DataFrame:
    """Answers that each of two periods needs to show a change.

    Args:
        metric: Name of a metric.
        change: The change to find, in the metric's unit.
        share: For shares: about where it stands, in percent; None for the most that is ever needed.
        shares: For net scores: about what percent are detractors, passives and promoters; None for the usual spread.
        sd: For means: the standard deviation of one answer; required.
        level: 1 - level is the significance level of the verdict.
        powers: Chances of finding the change.
        families: Numbers of comparisons that are made at once; the first Holm step is (1 - level) / comparisons.

    Returns:
        Columns comparisons, power, n: (effective) answers in each period. Multiply by the design effect where answers
        are weighted or clustered.

    Raises:
        CxError: An unknown metric, a change of 0 or beyond the scale, or a missing spread.

    Formula: the fewest answers with which `detectable_changes` is no more than the change. Source: as there.

    >>> answers_needed("nps", 5, families=[1], powers=[0.8])
       comparisons  power     n
    0            1    0.8  4207
    """
    chosen = _metric(metric)
    seen = _seen(chosen, share, shares, sd, level)
    low, high = chosen.ends
    if not 0 < abs(change) <= high - low:
        raise CxError(f"change: expected more than 0 and at most {high - low:g} ({chosen.unit}), found {change:g}")
    natural = abs(change) / chosen.factor
    rows = [(family, power, _fewest(seen, family, power, natural)) for family in families for power in powers]
    return pd.DataFrame(rows, columns=["comparisons", "power", "n"])


def detectable_changes(
    metric: str,
    *,
    share: float | None = None,
    shares: Sequence[float] | None = None,
    sd: float | None = None,
    level: float = 0.95,
    power: float = 0.8,
    bases: Sequence[int] = BASES,
    families: Sequence[int] = FAMILIES,
) -> pd.DataFrame:
    """The smallest change that two periods of equal base could show; arguments as in `answers_needed`.

    Returns:
        Columns n, comparisons, detectable, in the metric's unit; NaN where the scale holds no such change.

    Formula: with a known spread what a page says of such a cell, `nps_detectable`, `rate_detectable` or
    `mean_detectable`; else `detectable` with V = .67 for a net score, 1/4 for a share. Source: as there.

    >>> detectable_changes("nps", bases=[100], families=[1]).round(1)
         n  comparisons  detectable
    0  100            1        32.4
    """
    chosen = _metric(metric)
    seen = _seen(chosen, share, shares, sd, level)
    rows = [(n, family, chosen.factor * seen(n, family, power)) for n in bases for family in families]
    return pd.DataFrame(rows, columns=["n", "comparisons", "detectable"])


def _metric(name: str) -> Metric:
    if name not in METRICS:
        raise CxError(f"metric: {name!r} is unknown; {nearest(name, METRICS)}")
    if METRICS[name].statistic == "quantile":
        raise CxError(f"metric: {name}: the spread of a median depends on the shape of the durations; no plan is made")
    return METRICS[name]


Seen = Callable[[int, int, float], float]
"""What n answers on either side show among so many comparisons, with a power, in natural units."""


def _seen(metric: Metric, share: float | None, shares: Sequence[float] | None, sd: float | None, level: float) -> Seen:
    """What can be seen of a metric whose spread is given, or usual."""
    for option, given, meant in (("share", share, "share"), ("shares", shares, "net"), ("sd", sd, "mean")):
        if given is not None and metric.statistic != meant:
            raise CxError(f"{option}: is for {_OF[meant]}, and {metric.name} is a {metric.statistic} score")
    if metric.statistic == "mean":
        if sd is None or not (isfinite(sd) and sd > 0):
            raise CxError(f"sd: {metric.name} is a mean; give the standard deviation of its answers, above 0")
        return lambda n, family, power: _of_mean(sd, n, (1 - level) / family, power)
    if metric.statistic == "net" and shares is not None:
        return _of_net(shares, level)
    if metric.statistic == "share" and share is not None:
        return _of_share(share, level)
    v = USUAL_NET_VARIANCE if metric.statistic == "net" else 0.25
    return lambda n, family, power: float(detectable(v, n, v, n, alpha=(1 - level) / family, power=power))


def _fewest(seen: Seen, family: int, power: float, change: float) -> int:
    return smallest_base(lambda n: seen(n, family, power), change)


_OF = {"share": "shares", "net": "net scores", "mean": "means"}


def _of_net(shares: Sequence[float], level: float) -> Seen:
    if len(shares) != 3 or min(shares) < 0 or not 99 < sum(shares) < 101:
        raise CxError(f"shares: expected percent of detractors, passives and promoters, 100 together, found {shares}")
    parts = np.asarray(shares, dtype=float) / sum(shares)

    def seen(n: int, family: int, power: float) -> float:
        cell = (parts[0] * n, parts[1] * n, parts[2] * n)
        size = nps_detectable(cell, cell, alpha=(1 - level) / family, power=power)
        return float(np.maximum(size, FLOOR * nps_difference(cell, cell, level).high))

    return seen


def _of_share(share: float, level: float) -> Seen:
    if not 0 < share < 100:
        raise CxError(f"share: expected a percentage between 0 and 100, found {share:g}")

    def seen(n: int, family: int, power: float) -> float:
        cell = (share / 100 * n, n)
        size = rate_detectable(cell, cell, alpha=(1 - level) / family, power=power)
        return float(np.maximum(size, FLOOR * rate_difference(cell, cell, level).high))

    return seen


def _of_mean(sd: float, n: int, alpha: float, power: float) -> float:
    cell = (0.0, sd**2 * (n - 1) / n, n)
    return float(mean_detectable(cell, cell, alpha=alpha, power=power))
