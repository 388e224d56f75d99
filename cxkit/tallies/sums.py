"""Sums that are the same from run to run, whatever the number of threads and the order of the rows.

Floats do not add in any order: the same rows would give another last bit, and with it another page. So terms are cut at
2^-62 of the largest, and whole numbers are added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxkit.input.databases import Column, Table, collect

BITS = 62  # of a whole number that every backend has, less its sign and one to spare
SETTLED = 13  # digits of a sum that do not depend on how finely its terms were cut


def unit_of(largest: float) -> float:
    """How many whole units a weight of 1 is cut into; 1 without weights."""
    return 2.0 ** min(BITS - math.ceil(math.log2(largest)), 900) if largest else 1.0


def whole(values: Column, unit: float) -> Column:
    """Terms as whole units."""
    return (values if unit == 1 else values * unit).cast("int64")


def back(units: Column, unit: float) -> Column:
    """A sum of whole units as what it is."""
    total = units.sum().cast("float64")
    return total if unit == 1 else total / unit


def exact_sum(values: Column, largest: float) -> Column:
    """A sum that does not depend on the order in which threads add; `largest` of the terms, 0 if they are whole."""
    unit = unit_of(largest)
    return back(whole(values, unit), unit)


def ordered(table: Table, keys: Sequence[str]) -> pd.DataFrame:
    """The rows of a grouped table, which come in any order, in that of their keys."""
    return collect(table).sort_values(list(keys), ignore_index=True)


def settle(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with floats at 13 significant digits: a cell stays what it was when another one's weights change."""

    def rounded(values: pd.Series) -> pd.Series:
        x = values.to_numpy()
        known = np.isfinite(x) & (x != 0)
        scale = 10.0 ** (SETTLED - 1 - np.floor(np.log10(np.where(known, np.abs(x), 1.0))))
        return pd.Series(np.where(known, np.round(np.where(known, x, 0.0) * scale) / scale, x), index=values.index)

    return frame.assign(**{column: rounded(frame[column]) for column in frame.select_dtypes("float64").columns})
