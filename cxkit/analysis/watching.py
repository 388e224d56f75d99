"""Tallies -> since when a score has moved for good: the watch over all periods, of which a comparison sees two.

After a signal watching begins anew, from the likely start of the change. Nothing is remembered between runs: all of it
is a function of the tallies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.cells import FloatArray, declared, from_tallies, moments
from cxkit.analysis.estimates import base as shown_base
from cxkit.analysis.estimates import chosen
from cxkit.analysis.gate import Gate, judged_base
from cxkit.errors import CxError
from cxkit.metrics import Metric
from cxkit.schema import LEVEL, WATCH
from cxkit.stats import local_level
from cxkit.stats.watching import FIRST, SHORTEST, SIGNAL, Followed, follow
from cxkit.tallies.tallies import Tallies

HORIZONS = {"month": 12, "week": 52, "quarter": 4, "day": 90}
FIRSTS = {"quarter": 6}
SEASONS = 2  # years of a baseline from which a yearly pattern is known
SHARE = 0.10  # of the signals of many series, how many may be false
ALONE, TOGETHER = f"evidence of {SIGNAL:g}", "what e-BH finds among all series of the period (a tenth may be false)"


def watch(
    tallies: Tallies,
    *,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    baseline: int | None = None,
    horizon: int | None = None,
    together: bool = False,
) -> pd.DataFrame:
    """Evidence, period after period, that a score has changed for good, which may be looked at every time.

    Args:
        tallies: Tallies in which the level was declared.
        by: Dimensions to cut by, beside those in `where`.
        where: One level per dimension: the place.
        metrics: Names of net scores, shares and means; None for all of these.
        baseline: Periods with answers before the first look, at least 3; None for 12, of quarters 6.
        horizon: Periods over which the guarantee is meant; None for a year, or 12 waves.
        together: Whether a signal is one of many series, of which a tenth may be false (e-BH), and not of its series
            alone, which signals falsely in about one horizon of twenty at most (docs/statistics.md).

    Returns:
        Columns metric, <dimensions>, period, n, n_eff (on which the evidence rests), value, expected (of the periods
        before the likeliest start), evidence, signal, since (the likely start, as long as the change is the last word),
        direction ("higher", "lower", "back" where a change is over), baseline (how many periods are before that start),
        method, note. Evidence is NaN in the baseline and where nothing is shown.

    Raises:
        CxError: A metric, dimension or level that was not declared, a baseline of fewer than three periods.

    Formula: `stats.change_evidence` on the answers that a verdict may rest on; many series by e-BH, Wang and Ramdas
    (2022), doi 10.1111/rssb.12489.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> found = cx.watch(tallies, by=["brand"])
    >>> found.loc[found["signal"], ["brand", "period", "since", "direction"]].to_dict("list")
    {'brand': ['Brimvale'], 'period': ['2026-10'], 'since': ['2026-10'], 'direction': ['lower']}
    """
    for name, given, least in (("baseline", baseline, SHORTEST), ("horizon", horizon, 1)):
        if given is not None and given < least:
            raise CxError(f"{name}: expected {least} or more periods, found {given}")
    kept = [metric for metric in chosen(tallies, metrics) if metric.statistic != "quantile"]
    length = horizon or HORIZONS.get(tallies.period, 12)
    dimensions, keys = declared(tallies, by, where, None)
    series = [_series(tallies, metric, keys) for metric in kept]
    columns = [*WATCH[:1], *dimensions, *WATCH[1:]]
    if not series:
        return pd.DataFrame(columns=columns)
    x, v, n = (np.concatenate([one[i] for one in series]) for i in range(3))
    followed = follow(
        x, v, n, baseline or FIRSTS.get(tallies.period, FIRST), horizon=length, share=SHARE if together else None
    )
    method = f"watched over {length} periods, {TOGETHER if together else ALONE} is a signal"
    return _frame(tallies, kept, dimensions, keys, series, followed).assign(method=method)[columns]


def level(
    tallies: Tallies,
    *,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    level: float = 0.95,
    fall: float = 5.0,
) -> pd.DataFrame:
    """The level behind the scores of all periods, what the next one may show, and what it could tell.

    A model beside the scores, which never takes their place: what they have in common beside sampling.

    Args:
        tallies: Tallies in which the level was declared.
        by: Dimensions to cut by, beside those in `where`.
        where: One level per dimension: the place.
        metrics: Names of net scores, shares and means; None for all of these.
        level: Confidence level of the limits.
        fall: Of which `power` is told, in points (hundredths of the scale of a share, of a mean).

    Returns:
        Columns metric, <dimensions>, period, n, n_eff, value, underlying with limits; and of the whole series in each
        row the forecast of the next score with limits, and power: the chance that the next period, compared with the
        last one with answers, shows a fall of `fall`, at as many answers; level, method.

    Raises:
        CxError: A metric, dimension or level that was not declared.

    Formula: `stats.local_level` on the answers that a verdict may rest on.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> found = cx.level(tallies, where={"brand": "Brimvale"}).tail(2)
    >>> found[["period", "value", "underlying", "forecast_low", "forecast_high", "power"]].round(2)
         period  value  underlying  forecast_low  forecast_high  power
    22  2026-09  31.59       25.17          1.42          28.84   0.16
    23  2026-10   5.56       15.13          1.42          28.84   0.16
    """
    kept = [metric for metric in chosen(tallies, metrics) if metric.statistic != "quantile"]
    dimensions, keys = declared(tallies, by, where, None)
    frames = []
    for metric in kept:
        x, v, n, shown = _series(tallies, metric, keys)
        found = local_level(x, v, n, level, fall=fall / 100 * (1 if metric.statistic == "net" else 2))
        low, high = metric.natural_ends
        each = {
            name: metric.factor * (np.clip(part, -1.0, 1.0) * (high - low) + (high + low)) / 2.0
            for name, part in zip(LEVEL[5:11], found[:6], strict=True)
        }
        each["power"] = found.power
        wide = {
            name: np.broadcast_to(part if part.ndim == 2 else part[:, None], x.shape) for name, part in each.items()
        }
        frame = keys.assign(metric=metric.name, **{name: part.T.ravel() for name, part in wide.items()})
        frame = frame.assign(**{name: shown[name].array for name in shown.columns}, fall=fall, level=level)
        frames.append(frame.assign(method="local level model"))
    columns = [*LEVEL[:1], *dimensions, *LEVEL[1:]]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


Series = tuple[FloatArray, FloatArray, FloatArray, pd.DataFrame]


def _series(tallies: Tallies, metric: Metric, keys: pd.DataFrame) -> Series:
    """Score, variance and base, places x periods, on a scale of -1 to 1, and the columns that the frame shows."""
    cells = from_tallies(tallies, metric, keys)
    base = judged_base(metric, cells, 0.95, Gate.of(tallies.rules, None)) * (cells.hidden == "")
    mean, variance = moments(metric, cells)
    low, high = metric.natural_ends
    middle, half = (high + low) / 2.0, (high - low) / 2.0
    value = np.where(cells.hidden == "", mean * metric.factor, np.nan)
    shown = pd.DataFrame({"n": shown_base(cells, cells.n), "n_eff": base, "value": value})

    def wide(values: FloatArray) -> FloatArray:
        return values.reshape(len(tallies.periods), -1).T

    return wide((mean - middle) / half), wide(variance / half**2), wide(base), shown


def _frame(
    tallies: Tallies,
    metrics: Sequence[Metric],
    dimensions: Sequence[str],
    keys: pd.DataFrame,
    series: Sequence[Series],
    followed: Followed,
) -> pd.DataFrame:
    """The frame but for its method."""
    places = len(keys) // max(len(tallies.periods), 1)
    periods = np.array([*tallies.periods, ""], dtype=object)
    frames = []
    for i, (metric, one) in enumerate(zip(metrics, series, strict=True)):

        def tall(values: NDArray[Any], i: int = i) -> NDArray[Any]:
            return values[i * places : (i + 1) * places].T.ravel()

        low, high = metric.natural_ends
        state = tall(followed.state)
        since = np.where(state == 0, len(tallies.periods), tall(followed.since)).astype(np.int64)
        of = tall(followed.of)
        frame = keys.assign(metric=metric.name, **{name: one[3][name].to_numpy() for name in one[3].columns})
        frame["n"] = one[3]["n"].array
        frames.append(
            frame.assign(
                expected=metric.factor * (tall(followed.expected) * (high - low) + (high + low)) / 2.0,
                evidence=tall(followed.e),
                signal=tall(followed.signal),
                since=periods[since],
                direction=np.array(["", "higher", "back", "lower"], dtype=object)[state],  # a fall is -1
                baseline=of,
                note=[_note(int(length), tallies.period) for length in of],
            )
        )
    return pd.concat(frames, ignore_index=True)


def _note(baseline: int, period: str) -> str:
    """What the baseline is too short to know."""
    if not baseline:
        return "baseline"
    short = baseline < SEASONS * HORIZONS.get(period, 0)
    return "a yearly pattern cannot be told from a change" if short else ""
