"""Key drivers: how much of an outcome goes with each of several correlated ratings. Association, never cause.

Everything is computed from weighted cross products of a constant and the variables, which is all that has to be
tallied. Leading axes are replicates: a stack of matrices gives a stack of results.
"""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cxkit.stats.core import BoolArray, FloatArray, floats, plain

MOST_DRIVERS = 15
_SUBSETS_AT_ONCE = 2**22  # over all matrices of a stack


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


def moments(products: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Means and covariances of variables from their weighted cross products.

    Args:
        products: (..., p + 1, p + 1) sums of w x_i x_j, x_0 being 1.

    Returns:
        Means (..., p) and covariances (..., p, p), divided by the sum of the weights.

    Formula: cov_ij = sum w x_i x_j / sum w - m_i m_j. Source: the definition.

    >>> moments([[2, 3], [3, 5]])  # the values 1 and 2
    (array([1.5]), array([[0.25]]))
    """
    sums = floats(products)
    mean = sums[..., 0, 1:] / sums[..., :1, 0]
    return mean, sums[..., 1:, 1:] / sums[..., :1, :1] - mean[..., :, None] * mean[..., None, :]


def correlations(covariance: ArrayLike) -> FloatArray:
    """Correlation matrices (..., p, p) of covariance matrices.

    Raises:
        ValueError: For a variable without spread.

    Formula: r_ij = cov_ij / sqrt(cov_ii cov_jj). Source: Pearson (1895), doi 10.1098/rspl.1895.0041.

    >>> correlations([[4, 1], [1, 1]])
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    found = floats(covariance)
    variance = np.diagonal(found, axis1=-2, axis2=-1)
    if not (variance > 1e-12).all():
        column = int(np.argwhere(~(variance > 1e-12))[0, -1])
        raise ValueError(f"covariance: expected different answers of every variable, found one only of {column}")
    sd = np.sqrt(variance)
    return np.asarray(found / (sd[..., :, None] * sd[..., None, :]))


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
    whole = floats(correlation)
    if whole.ndim < 2 or whole.shape[-1] != whole.shape[-2] or whole.shape[-1] < 2:
        raise ValueError(f"correlation: expected a square matrix of the outcome and its drivers, found {whole.shape}")
    r, inner = whole[..., 0, 1:], whole[..., 1:, 1:]
    k = r.shape[-1]
    if k > MOST_DRIVERS:
        raise ValueError(f"correlation: expected at most {MOST_DRIVERS} drivers, found {k}")
    if not (np.linalg.eigvalsh(inner)[..., 0] > 1e-10).all():
        raise ValueError("correlation: the drivers determine one another; leave out one of those that say the same")
    stack = whole.reshape(-1, k + 1, k + 1)
    some = np.array_split(stack, max(1, len(stack) * 2**k // _SUBSETS_AT_ONCE))
    importance = np.concatenate([_gains(part) for part in some]).reshape(r.shape)
    inverse = np.linalg.inv(inner)
    beta = np.einsum("...ij,...j->...i", inverse, r)
    vif = np.diagonal(inverse, axis1=-2, axis2=-1)
    return Drivers(importance, plain((beta * r).sum(axis=-1)), beta, r, vif, beta * r < 0)


def _gains(whole: FloatArray) -> FloatArray:
    """The mean gain of each driver, for a stack of matrices."""
    k = whole.shape[-1] - 1
    explained, subsets = _explained(whole), np.arange(2**k)
    sizes = np.array([int(subset).bit_count() for subset in subsets])
    share = np.array([1.0 / (k * comb(k - 1, size)) for size in range(k)])
    without = [subsets[(subsets >> driver) & 1 == 0] for driver in range(k)]
    return np.stack(
        [(explained[:, one | (1 << i)] - explained[:, one]) @ share[sizes[one]] for i, one in enumerate(without)],
        axis=-1,
    )


def _explained(whole: FloatArray) -> FloatArray:
    """R^2 of every subset of drivers, at the number whose bits are the subset."""
    left = whole[:, None]
    while left.shape[-1] > 1:  # the first driver that is left: once left out, once taken out of all others
        kept = np.delete(np.arange(left.shape[-1]), 1)
        rest, row = left[..., kept[:, None], kept], left[..., 1, kept]
        taken = rest - row[..., :, None] * row[..., None, :] / left[..., 1:2, 1:2]
        left = np.concatenate([rest, taken], axis=1)
    return 1.0 - left[..., 0, 0]


class Common(NamedTuple):
    """What one common factor of the drivers explains of the outcome, and how the outcome's correlations differ from it.

    Attributes:
        r_squared: Of the first principal component of the drivers.
        tetrads: (..., k - 1), all 0 where the outcome goes with the drivers through one common factor only.
    """

    r_squared: FloatArray
    tetrads: FloatArray


def common_factor(correlation: ArrayLike) -> Common:
    """Whether the drivers go with the outcome through one thing that they all measure, such as general satisfaction.

    Args:
        correlation: (..., k + 1, k + 1) correlation matrix, the outcome first; k at least 3.

    Formula: R^2 = (v'r)^2 / l, l the largest root of the drivers' correlations and v its vector; tetrads
    sum over l of r_i c_jl - r_j c_il for neighbours i, j = i + 1 and all other l. Source: Spearman (1904), doi
    10.2307/1412107: correlations through one factor are products of loadings, so that these differences vanish.

    >>> x = [0.6, 0.9, 0.8, 0.7]  # loadings of the outcome and three drivers
    >>> common_factor(np.outer(x, x) + np.diag(1 - np.square(x))).tetrads.round(12)
    array([0., 0.])
    """
    whole = floats(correlation)
    r, inner = whole[..., 0, 1:], whole[..., 1:, 1:]
    values, vectors = np.linalg.eigh(inner)
    explained = np.einsum("...i,...i->...", vectors[..., -1], r) ** 2 / values[..., -1]
    pairs = inner - np.eye(r.shape[-1])
    rows = pairs.sum(axis=-1)
    beside = np.diagonal(pairs, 1, -2, -1)
    tetrads = r[..., :-1] * (rows[..., 1:] - beside) - r[..., 1:] * (rows[..., :-1] - beside)
    return Common(plain(explained), tetrads)


def jackknife(replicates: ArrayLike) -> FloatArray:
    """Covariance (m, m) of estimates by leaving out one group of people after the other.

    Args:
        replicates: (G, m) estimates without each group.

    Formula: (G - 1)/G sum (t_g - mean)(t_g - mean)'. Source: Shao and Tu (1995), doi 10.1007/978-1-4612-0795-5.

    >>> jackknife([[2.5], [2.0], [1.5]])  # means of 1, 2, 3 without each: 1/3, the variance of 1 over 3
    array([[0.333333]])
    """
    found = floats(replicates)
    away = found - found.mean(axis=0)
    return np.asarray((len(found) - 1.0) / len(found) * away.T @ away)


def hotelling(estimates: ArrayLike, covariance: ArrayLike, groups: int) -> float:
    """P-value that several estimates are all 0, by Hotelling's test; NaN where the groups are too few.

    Args:
        estimates: (m,) estimates.
        covariance: (m, m) theirs, from `jackknife`.
        groups: Groups it was made of.

    Formula: F = T^2 (G - m) / (m (G - 1)) with m and G - m degrees of freedom, T^2 = t' C^-1 t.
    Source: Hotelling (1931), doi 10.1214/aoms/1177732979.

    >>> hotelling([1.96], [[1.0]], 10**6)
    0.05
    """
    t, m = floats(estimates), np.size(estimates)
    if groups <= m:
        return float("nan")
    squared = float(t @ np.linalg.pinv(floats(covariance)) @ t)
    return float(special.fdtrc(m, groups - m, squared * (groups - m) / (m * (groups - 1.0))))
