"""p-values adjusted for the number of comparisons in a family. NaN stays NaN and does not count in the family."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxkit.stats.core import FloatArray, refuse


def holm(pvalues: ArrayLike) -> FloatArray:
    """Holm's step-down adjustment: the chance of one false finding in the family stays below the level.

    Args:
        pvalues: Raw p-values of one family, any shape.

    Formula: the i-th smallest of m becomes max over j <= i of (m - j + 1) p_j, at most 1. Source: Holm (1979),
    Scandinavian Journal of Statistics 6, 65.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p, family, order = _family(pvalues)
    m = family.size
    adjusted = np.maximum.accumulate(np.arange(m, 0, -1) * family)
    return _spread(p, adjusted, order)


def benjamini_hochberg(pvalues: ArrayLike) -> FloatArray:
    """Benjamini and Hochberg's step-up adjustment: the expected share of false findings stays below the level.

    Args:
        pvalues: Raw p-values of one family, any shape.

    Formula: the i-th smallest of m becomes min over j >= i of m p_j / j, at most 1. Source: Benjamini and Hochberg
    (1995), doi 10.1111/j.2517-6161.1995.tb02031.x.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    array([0.03, 0.04, 0.04])
    """
    p, family, order = _family(pvalues)
    m = family.size
    adjusted = np.minimum.accumulate(m / np.arange(m, 0, -1) * family[::-1])[::-1]
    return _spread(p, adjusted, order)


def family_size(pvalues: ArrayLike) -> int:
    """How many comparisons a correction counts: those that have a p-value.

    Formula: the number of p-values that are not NaN. Source: Holm (1979), whose m this is, jstor 4615733.

    >>> family_size([0.01, float("nan"), 0.2])
    2
    """
    return int(np.count_nonzero(~np.isnan(np.asarray(pvalues, dtype=np.float64))))


def _family(pvalues: ArrayLike) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    p = np.asarray(pvalues, dtype=np.float64)
    refuse("pvalues", p, (p < 0) | (p > 1), "numbers in [0, 1]")
    order = np.argsort(p, axis=None, kind="stable")[: family_size(p)]
    return p, p.ravel()[order], order


def _spread(p: FloatArray, adjusted: FloatArray, order: NDArray[np.intp]) -> FloatArray:
    result = np.full(p.size, np.nan)
    result[order] = np.minimum(adjusted, 1.0)
    return result.reshape(p.shape)
