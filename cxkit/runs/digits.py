"""Digits of the written summary: as many as the intervals support, and none that tells who answered what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

STEPS = 50  # in which the interval of a row is told, at least
BARE = ("n_eff", "n_judged", "evidence", "explains")  # lead the names of numbers without a unit


def rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """The summary in as many digits as its intervals support, so that no sum of weights can be solved for answers.

    Scores and changes stand in steps of a power of ten, at most a fiftieth of the width of the row's interval; what has
    no such unit or interval, in three digits, and in whole numbers from a hundred on. Whole numbers stay. Shares of
    classes of answers stand in whole percent.

    >>> frame = pd.DataFrame({"value": [31.41593], "low": [20.06], "high": [40.0], "pvalue": [0.01234]})
    >>> rounded(frame).to_dict("records")
    [{'value': 31.4, 'low': 20.1, 'high': 40.0, 'pvalue': 0.0123}]
    """
    width = (frame["high"] - frame["low"]).to_numpy(float)

    def digits(size: Any) -> Any:
        known = np.isfinite(size) & (size != 0)
        return np.where(known, -np.floor(np.log10(np.abs(np.where(known, size, 1.0)))), np.nan)

    found = {}
    for name in frame.select_dtypes("float").columns.drop(["level", "target"], errors="ignore"):
        x = frame[name].to_numpy(float)
        own = digits(x) + 2
        bare = str(name).startswith(BARE) or "pvalue" in str(name)
        places = np.maximum(own, 0) if bare else digits(width / STEPS)
        places = np.nan_to_num(np.where(np.isnan(places), 0.0 if str(name).startswith("share") else own, places))
        finer, coarser = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
        found[name] = np.where(x == np.floor(x), x, np.round(x / coarser * finer) / finer * coarser)
    return frame.assign(**found)
