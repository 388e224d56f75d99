"""How many answers a change needs, and what a base could show: tables for before the survey goes out."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import pandas as pd

from cxkit.errors import CxError, nearest
from cxkit.metrics import METRICS, Metric
from cxkit.stats import detectable, sample_size
from cxkit.stats.power import USUAL_NET_VARIANCE

POWERS = (0.8, 0.9)
FAMILIES = (1, 5, 10, 20)
BASES = (30, 50, 100, 200, 300, 500, 1000, 2000, 5000)


def answers_needed(
    metric: str,
    change: float,
    *,
    share: float | None = None,
    sd: float | None = None,
    level: float = 0.95,
    powers: Sequence[float] = POWERS,
    families: Sequence[int] = FAMILIES,
) -> pd.DataFrame:
    """Answers that each of two periods needs to show a change.

    Args:
        metric: Name of a metric.
        change: The change to find, in the metric's unit.
        share: For shares: about where it stands, in percent; None for 50, the most that is ever needed.
        sd: For means: the standard deviation of one answer; required.
        level: 1 - level is the significance level of the verdict.
        powers: Chances of finding the change.
        families: Numbers of comparisons that are made at once; the first Holm step is (1 - level) / comparisons.

    Returns:
        Columns comparisons, power, n: (effective) answers in each period. Multiply by the design effect where answers
        are weighted or clustered.

    Raises:
        CxError: An unknown metric, a change of 0 or beyond the scale, or a missing spread.

    Formula and source: `cxkit.stats.sample_size`.

    >>> answers_needed("nps", 5, families=[1], powers=[0.8])
       comparisons  power     n
    0            1    0.8  4207
    """
    chosen = _metric(metric)
    variance = _variance(chosen, share, sd)
    low, high = chosen.ends
    if not 0 < abs(change) <= high - low:
        raise CxError(f"change: expected more than 0 and at most {high - low:g} ({chosen.unit}), found {change:g}")
    natural = change / chosen.factor
    rows = [
        (family, power, int(sample_size(natural, variance, alpha=(1 - level) / family, power=power)))
        for family in families
        for power in powers
    ]
    return pd.DataFrame(rows, columns=["comparisons", "power", "n"])


def detectable_changes(
    metric: str,
    *,
    share: float | None = None,
    sd: float | None = None,
    level: float = 0.95,
    power: float = 0.8,
    bases: Sequence[int] = BASES,
    families: Sequence[int] = FAMILIES,
) -> pd.DataFrame:
    """The smallest change that two periods of equal base could show; arguments as in `answers_needed`.

    Returns:
        Columns n, comparisons, detectable, in the metric's unit.

    >>> detectable_changes("nps", bases=[100], families=[1]).round(1)
         n  comparisons  detectable
    0  100            1        32.4
    """
    chosen = _metric(metric)
    variance = _variance(chosen, share, sd)
    rows = [
        (
            n,
            family,
            chosen.factor * float(detectable(variance, n, variance, n, alpha=(1 - level) / family, power=power)),
        )
        for n in bases
        for family in families
    ]
    return pd.DataFrame(rows, columns=["n", "comparisons", "detectable"])


def _metric(name: str) -> Metric:
    if name not in METRICS:
        raise CxError(f"metric: {name!r} is unknown; {nearest(name, METRICS)}")
    if METRICS[name].statistic == "quantile":
        raise CxError(f"metric: {name}: the spread of a median depends on the shape of the durations; no plan is made")
    return METRICS[name]


def _variance(metric: Metric, share: float | None, sd: float | None) -> float:
    """Variance of one answer in natural units: usual, from the share, or from the standard deviation."""
    for option, given, meant in (("share", share, "share"), ("sd", sd, "mean")):
        if given is not None and metric.statistic != meant:
            raise CxError(f"{option}: is for {meant}s, and {metric.name} is a {metric.statistic} score")
    if metric.statistic == "net":
        return USUAL_NET_VARIANCE
    if metric.statistic == "share":
        r = (50.0 if share is None else share) / 100
        if not 0 < r < 1:
            raise CxError(f"share: expected a percentage between 0 and 100, found {share:g}")
        return r * (1 - r)
    if sd is None or not (isfinite(sd) and sd > 0):
        raise CxError(f"sd: {metric.name} is a mean; give the standard deviation of its answers, above 0")
    return sd**2
