"""Key drivers: how much of an outcome goes with each of several correlated ratings. Association, never cause.

Everything is computed from a correlation matrix whose first row is the outcome, so that a weighted cross-product matrix
is all that has to be tallied. Leading axes are replicates: a stack of matrices gives a stack of results.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import BoolArray, FloatArray, Interval, critical, floats, one_of, percentiles, plain

# 2^15 subsets take about a second; beyond that relative weights are the tool.
_MOST_DRIVERS = 15


class Drivers(NamedTuple):
    """Importance per driver (sums to r_squared), and what warns of reading too much into it.

    Attributes:
        importance: Share of the outcome's variance that goes with each driver.
        r_squared: Share that goes with all together.
        beta: Standardised regression weight.
        correlation: Correlation with the outcome.
        vif: Variance inflation by the other drivers; above 5 the drivers say much the same.
        reversed: Whether beta and correlation have different signs, so that neither can be read alone.
    """

    importance: FloatArray
    r_squared: FloatArray
    beta: FloatArray
    correlation: FloatArray
    vif: FloatArray
    reversed: BoolArray


def correlations(data: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Weighted correlation matrix of columns.

    Args:
        data: Rows by columns, the outcome first; complete rows only.
        weights: Weight per row, leading axes are replicates; None for 1 each.

    Raises:
        ValueError: For a column without spread, or missing values.

    Formula: r_ij = sum w (x_i - m_i)(x_j - m_j) / sqrt(sum w (x_i - m_i)^2 sum w (x_j - m_j)^2), m the weighted means.
    Source: Pearson (1895), doi 10.1098/rspl.1895.0041.

    >>> float(correlations([[1, 2], [2, 4], [3, 7]])[0, 1])
    0.993399
    """
    x = floats(data)
    if np.isnan(x).any():
        raise ValueError("data: expected complete rows, found missing values")
    result, spread = _correlations(x, np.ones(len(x)) if weights is None else floats(weights))
    if not spread.all():
        column = int(np.argwhere(~spread)[0, -1])
        raise ValueError(f"data: expected different answers in every column, found only one in column {column}")
    return result


def _correlations(x: FloatArray, w: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Correlation matrices, and which columns have any spread."""
    w = w / w.sum(axis=-1, keepdims=True)
    mean = w @ x
    product = np.einsum("...i,ij,ik->...jk", w, x, x, optimize=True) - mean[..., :, None] * mean[..., None, :]
    variance = np.diagonal(product, axis1=-2, axis2=-1)
    spread = variance > 1e-12 * (1.0 + mean**2)
    sd = np.sqrt(np.where(spread, variance, 1.0))
    return product / (sd[..., :, None] * sd[..., None, :]), spread


def shapley(correlation: ArrayLike) -> Drivers:
    """Importance of drivers as their mean gain in R^2 over all orderings (LMG, Shapley value regression).

    Args:
        correlation: (..., k + 1, k + 1) correlation matrix, the outcome first; k at most 15.

    Raises:
        ValueError: For more than 15 drivers, or drivers that determine one another.

    Formula: mean over all orderings of R^2(drivers up to and with j) - R^2(drivers before j).
    Source: Lindeman, Merenda and Gold (1980); Groemping (2006), doi 10.18637/jss.v017.i01.

    >>> shapley([[1, 0.5, 0.5], [0.5, 1, 0], [0.5, 0, 1]]).importance
    array([0.25, 0.25])
    """
    whole, r, inner = _split(correlation)
    k = r.shape[-1]
    if k > _MOST_DRIVERS:
        raise ValueError(f"correlation: expected at most {_MOST_DRIVERS} drivers, found {k}; use relative_weights")
    explained = _explained(r, inner)
    subsets = np.arange(2**k)
    sizes = np.array([int(subset).bit_count() for subset in subsets])
    share = np.array([1.0 / (k * comb(k - 1, size)) for size in range(k)])
    gains = []
    for driver in range(k):
        without = subsets[(subsets >> driver) & 1 == 0]
        gain = explained[..., without | (1 << driver)] - explained[..., without]
        gains.append((gain * share[sizes[without]]).sum(axis=-1))
    return _described(np.stack(gains, axis=-1), whole)


def relative_weights(correlation: ArrayLike) -> Drivers:
    """Importance of drivers by Johnson's relative weights: nearly the Shapley values, for any number of drivers.

    Args:
        correlation: (..., k + 1, k + 1) correlation matrix, the outcome first.

    Formula: with the drivers' correlation matrix L = Q diag(l) Q', half = Q diag(sqrt l) Q': half^2 (half^-1 r)^2,
    squares by element. Source: Johnson (2000), doi 10.1207/S15327906MBR3501_1.

    >>> relative_weights([[1, 0.5, 0.5], [0.5, 1, 0], [0.5, 0, 1]]).importance
    array([0.25, 0.25])
    """
    whole, r, inner = _split(correlation)
    values, vectors = np.linalg.eigh(inner)
    root = np.sqrt(values)[..., None, :]
    half, inverse = ((vectors * scale) @ np.swapaxes(vectors, -1, -2) for scale in (root, 1.0 / root))
    weights = np.einsum("...ij,...j->...i", half**2, np.einsum("...ij,...j->...i", inverse, r) ** 2)
    return _described(weights, whole)


def importance_intervals(
    data: ArrayLike,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    *,
    method: str = "shapley",
    replicates: int = 1000,
    seed: int = 0,
) -> Interval:
    """Percentile limits of importances, by the bootstrap of the rows.

    Args:
        data: Rows by columns, the outcome first; complete rows only.
        weights: Weight per row.
        level: Confidence level in (0, 1).
        method: "shapley" or "relative_weights".
        replicates: Resamples.
        seed: Seed of the resamples.

    Raises:
        ValueError: For an unknown method, and for so few rows that every tenth resample cannot be computed.

    Formula: the alpha/2 and 1 - alpha/2 quantiles of the importances over resamples of whole rows.
    Source: Efron (1979), doi 10.1214/aos/1176344552.

    >>> rows = [[1, 1, 2], [2, 2, 1], [3, 2, 3], [4, 4, 3], [5, 4, 5], [6, 7, 5], [7, 5, 6], [8, 6, 9]]
    >>> importance_intervals(rows, replicates=99).low.round(1)
    array([0.3, 0.4])
    """
    measure = one_of(_METHODS, method)
    critical(level)
    x = floats(data)
    w, n = np.ones(len(x)) if weights is None else floats(weights), len(x)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), replicates)
    matrices, spread = _correlations(x, drawn * w)
    usable = np.atleast_1d(spread.all(axis=-1))
    usable[usable] &= _independent(matrices[usable])
    if usable.mean() < 0.9:
        raise ValueError(f"data: {np.mean(~usable):.0%} of the resamples have no spread or equal drivers; too few rows")
    return percentiles(measure(matrices[usable]).importance, level)


_METHODS = {"shapley": shapley, "relative_weights": relative_weights}


def _split(correlation: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    whole = floats(correlation)
    if whole.ndim < 2 or whole.shape[-1] != whole.shape[-2] or whole.shape[-1] < 2:
        raise ValueError(f"correlation: expected a square matrix of the outcome and its drivers, found {whole.shape}")
    r, inner = whole[..., 0, 1:], whole[..., 1:, 1:]
    if not _independent(whole).all():
        raise ValueError("correlation: the drivers determine one another; leave out one of those that say the same")
    return whole, r, inner


def _independent(whole: FloatArray) -> BoolArray:
    """Whether no driver is determined by the others."""
    return np.asarray(np.linalg.eigvalsh(whole[..., 1:, 1:])[..., 0] > 1e-10)


def _explained(r: FloatArray, inner: FloatArray) -> FloatArray:
    """R^2 of every subset of drivers, at the number whose bits are the subset."""
    k = r.shape[-1]
    result = np.zeros((*r.shape[:-1], 2**k))
    for size in range(1, k + 1):
        chosen = np.array(list(combinations(range(k), size)))
        part = r[..., chosen]
        block = inner[..., chosen[:, :, None], chosen[:, None, :]]
        solved = np.linalg.solve(block, part[..., None])[..., 0]
        result[..., (1 << chosen).sum(axis=1)] = (part * solved).sum(axis=-1)
    return result


def _described(importance: FloatArray, whole: FloatArray) -> Drivers:
    r, inner = whole[..., 0, 1:], whole[..., 1:, 1:]
    inverse = np.linalg.inv(inner)
    beta = np.einsum("...ij,...j->...i", inverse, r)
    vif = np.diagonal(inverse, axis1=-2, axis2=-1)
    return Drivers(importance, plain((beta * r).sum(axis=-1)), beta, r, vif, beta * r < 0)
