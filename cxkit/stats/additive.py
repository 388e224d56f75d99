"""Cells of a table against what its margins predict: what is different only where a row and a column meet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import BoolArray, FloatArray, floats, normal_pvalue, refuse, within
from cxkit.stats.multiplicity import benjamini_hochberg

_NOTHING = 1e-9


class Residuals(NamedTuple):
    """What the other cells predict, the standard error of a value less that, its p-value, adjusted, which are found.

    NaN where no other cell tells of a row or column, so that the margins fit the cell whatever it is.
    """

    expected: FloatArray
    error: FloatArray
    pvalue: FloatArray
    pvalue_adj: FloatArray
    found: BoolArray


def additive(
    value: ArrayLike, variance: ArrayLike, weight: ArrayLike, row: ArrayLike, column: ArrayLike, share: float = 0.1
) -> Residuals:
    """Values of cells against a fit of rows and columns, in which what is found takes no part.

    One cell that is different moves both its margins, and with them what they predict of its neighbours. So the
    clearest is found first and left out of the fit, then the next one, until nothing stands out of what is left. Of two
    that are alone in their row neither is clearer: then it is the one that weighs less.

    Args:
        value: Of each cell, shape (cells,).
        variance: Its squared standard error; cells are taken as independent.
        weight: What it weighs in the fit, such as its answers.
        row: The number of its row.
        column: The number of its column.
        share: Of the findings that may be false, in (0, 1).

    Returns:
        An entry for each cell; raises ValueError where a variance or weight is not above 0.

    Formula: weighted least squares of value on row and column, H its hat matrix without what is found; the difference
    from what all others predict is L y, L the rows of I - H divided by 1 - h_ii, SE^2 the diagonal of L diag(v) L';
    z test, Benjamini and Hochberg over all cells. Source: Cook and Weisberg (1982), Residuals and Influence in
    Regression, section 2.2; Benjamini and Hochberg (1995), doi 10.1111/j.2517-6161.1995.tb02031.x.

    >>> values, rows, columns = [70, 60, 65, 72, 62, 67, 71, 36, 66], [0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 1, 2] * 3
    >>> found = additive(values, [4] * 9, [100] * 9, rows, columns)
    >>> found.found.nonzero()[0].tolist(), found.expected[7].round(6).item()
    ([7], 61.0)
    """
    y, v, w = floats(value), floats(variance), floats(weight)
    refuse("variance", v, ~(v > 0), "numbers above 0")
    refuse("weight", w, ~(w > 0), "numbers above 0")
    within("share", share, 0.1)
    design = np.hstack([np.equal.outer(one, np.unique(one)) for one in (np.asarray(row), np.asarray(column))])
    found = np.zeros(len(y), bool)
    while True:
        hat = _hat(design.astype(float), np.where(found, 0.0, w))
        own = 1.0 - np.diag(hat)
        told = own > _NOTHING
        left = (np.eye(len(y)) - hat) / np.where(told, own, np.nan)[:, None]
        error = np.sqrt(left**2 @ v)
        z = (left @ y) / error
        pvalue = normal_pvalue(z)
        adjusted = benjamini_hochberg(pvalue)
        fresh = ~found & (np.nan_to_num(adjusted, nan=1.0) < share)
        if not fresh.any():
            return Residuals(y - left @ y, error, pvalue, adjusted, found)
        clearest = np.lexsort((w, -np.round(np.abs(z), 6), ~fresh))
        found[clearest[0]] = True


def _hat(design: FloatArray, weight: FloatArray) -> FloatArray:
    """What weighted least squares make of values, as a matrix; cells without weight are predicted."""
    root = np.sqrt(weight)[:, None]
    found: FloatArray = design @ np.linalg.pinv(root * design) * root.T
    return found
