"""How sure it is in which band of the NPS scale a score lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxkit.analysis.cells import declared, from_tallies, groups, taken_design
from cxkit.analysis.estimates import chosen
from cxkit.metrics import BANDS
from cxkit.schema import BANDED
from cxkit.stats import nps_test
from cxkit.tallies.tallies import Tallies

METHOD = "one-sided score interval, inverted"


def bands(
    tallies: Tallies,
    period: str,
    *,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The confidence that an NPS lies in each band: what a manager asks where the interval crosses a cut.

    Args:
        tallies: Tallies in which the level was declared.
        period: As it is written in `tallies.periods`.
        by: Dimensions to cut by, beside those in `where`.
        where: One level per dimension: the place.
        metrics: Names; None for all. Only net scores on 0-10 have bands.

    Returns:
        A row per metric, cell that is shown and band, the lowest first: band (blank below the first cut), cut (its
        lower end), n, confidence (percent that the score lies in it; together 100), or_better (in it or above it).

    Raises:
        CxError: A metric, dimension, level or period that was not declared.

    Formula: the confidence distribution of the score interval: that the score is at least c, 1 - p/2 where it is
    above c and p/2 below, p of `stats.nps_test` against c. Source: Xie and Singh (2013), doi 10.1111/insr.12000.

    >>> import cxkit as cx
    >>> found = cx.bands(cx.tally(cx.read("sample"), ["nps"], by=["brand"]), "2026-10", where={"brand": "Dunmerle"})
    >>> dict(zip(found["band"], found["confidence"].round(1)))
    {'': 0.0, 'good': 82.8, 'excellent': 17.2, 'world class': 0.0}
    """
    frames = []
    cuts = np.array([band.cut for band in BANDS])
    for metric in chosen(tallies, metrics):
        if metric.statistic != "net" or metric.scale != (0, 10):
            continue
        _, keys = declared(tallies, by, where, [period])
        cells = from_tallies(tallies, metric, keys)
        below, at, above = groups(metric, cells)
        for i in np.flatnonzero((cells.hidden == "") & (cells.n > 0)):
            counts = below[i], at[i], above[i]
            design = taken_design(cells.design, int(i))
            found = nps_test(counts, cuts / metric.factor, design=design)
            reached = np.where(found.change >= 0, 1 - found.pvalue / 2, found.pvalue / 2)
            better = np.concatenate([[1.0], reached, [0.0]])
            frames.append(pd.DataFrame({
                "metric": metric.name, **keys.iloc[i].to_dict(), "band": ["", *(band.name for band in BANDS)],
                "cut": [metric.ends[0], *cuts], "n": int(cells.n[i]), "confidence": -100 * np.diff(better),
                "or_better": 100 * better[:-1], "method": METHOD,
            }))  # fmt: skip
    used = [name for name in tallies.by if name in {*by, *(where or ())}]
    columns = ["metric", "period", *used, *BANDED[2:]]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
