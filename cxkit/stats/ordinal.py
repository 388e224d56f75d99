"""Ordinal answers as they are: the whole distribution, and how often an answer of now beats one of before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import FloatArray, agree, numbers, plain, positive, t_critical, t_pvalue
from cxkit.stats.design import Design
from cxkit.stats.intervals import rate_interval

# Without it a side of equal answers would seem to have no variance, and the limits would be too narrow.
_ADDED = 1.0


class Shares(NamedTuple):
    """Share of each answer with its limits; the last axis is the answers."""

    share: FloatArray
    low: FloatArray
    high: FloatArray


class Effect(NamedTuple):
    """P(now > before) + half the ties, its limits, and the p-value of "as often as not" (1/2)."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    pvalue: FloatArray


def share_distribution(counts: ArrayLike, level: float = 0.95, *, design: Design | None = None) -> Shares:
    """Share of each answer, with Wilson's interval for each on its own.

    Args:
        counts: Answers on the last axis, worst to best, cells on the others; fractional after weighting.
        level: Confidence level of each interval, in (0, 1).
        design: Effective base per cell; shape of counts without the last axis.

    Formula: c / n for each answer, with `rate_interval`. Source: Wilson (1927). The intervals are not simultaneous.

    >>> share_distribution([2, 3, 5]).share
    array([0.2, 0.3, 0.5])
    """
    (c,) = numbers(counts=counts)
    n = np.broadcast_to(c.sum(axis=-1, keepdims=True), c.shape)
    stretched = None if design is None else Design(*(np.asarray(x, dtype=np.float64)[..., None] for x in design))
    return Shares(c / positive(n), *rate_interval(c, n, level, design=stretched))


def superiority(now: ArrayLike, before: ArrayLike, level: float = 0.95) -> Effect:
    """How often an answer of now is above one of before, ties counting half (Mann-Whitney effect).

    Args:
        now: Counts of the ordered answers on the last axis, worst to best; cells on the others.
        before: The same answers of the cells compared with.
        level: Confidence level in (0, 1).

    Returns:
        Effects in 0..1 with limits and p; the latter are NaN where either side has fewer than two answers.

    Raises:
        ValueError: Where the two sides do not have the same answers.

    Formula: theta = sum p_i (sum_{j<i} q_j + q_i/2), variance by Brunner and Munzel from those of the mid-ranks, after
    adding to each side one answer that is spread like all answers; limits as Wilson's with
    theta (1 - theta) / variance answers, Student's t for z with Brunner and Munzel's degrees of freedom.
    Source: Brunner and Munzel (2000), doi 10.1002/(SICI)1521-4036(200001)42:1<17; Newcombe (2006), doi
    10.1002/sim.2324, for score limits of this effect.

    >>> superiority([1, 2, 7], [4, 3, 3])
    Effect(value=0.725, low=0.4657, high=0.8886, pvalue=0.0855)
    """
    (x,), (y,) = numbers(now=now), numbers(before=before)
    if x.shape[-1:] != y.shape[-1:]:
        raise ValueError(f"before: expected the {x.shape[-1]} answers of now, found {y.shape[-1]}")
    n1, n2 = (positive(c.sum(axis=-1)) for c in (x, y))
    p, q = x / n1[..., None], y / n2[..., None]
    value = (p * _mid_cumulative(q)).sum(axis=-1)
    smoothed, v1, v2 = _smoothed(x, y)
    variance = v1 + v2
    # All answers of both sides are the same: as many answers as the effect of continuous ones would be worth.
    varies = variance > 1e-14
    df = np.where(varies, variance**2 / positive(v1**2 / (n1 - 1.0) + v2**2 / (n2 - 1.0)), np.minimum(n1, n2) - 1.0)
    base = np.where(varies, smoothed * (1.0 - smoothed) / positive(variance), 3.0 * n1 * n2 / (n1 + n2 + 1.0))
    t = t_critical(df, level)
    k = t**2 / base
    centre = (value + k / 2.0) / (1.0 + k)
    half = np.sqrt(k * np.maximum(value * (1.0 - value), 0.0) + k**2 / 4.0) / (1.0 + k)
    # The same interval inverted: with the variance of 1/2 under the null hypothesis.
    pvalue = t_pvalue(2.0 * (value - 0.5) * np.sqrt(base), df)
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
    excluded = (low > 0.5) | (high < 0.5)
    return Effect(*(plain(part) for part in (value, low, high, agree(pvalue, excluded, level))))


def _smoothed(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The effect and its variance from either side, after adding to each one answer that is spread like all of them."""
    pooled = (x + y) / positive((x + y).sum(axis=-1))[..., None]
    n1, n2 = (c.sum(axis=-1) for c in (x, y))
    p, q = ((c + _ADDED * pooled) / (n + _ADDED)[..., None] for c, n in ((x, n1), (y, n2)))
    above, below = _mid_cumulative(q), 1.0 - _mid_cumulative(p)
    spreads = _spread(p, above) / positive(n1 - 1.0), _spread(q, below) / positive(n2 - 1.0)
    return (p * above).sum(axis=-1), *spreads


def _mid_cumulative(shares: FloatArray) -> FloatArray:
    """Share below each answer plus half the share of it."""
    return np.cumsum(shares, axis=-1) - shares / 2.0


def _spread(shares: FloatArray, scores: FloatArray) -> FloatArray:
    mean = (shares * scores).sum(axis=-1, keepdims=True)
    return np.asarray((shares * (scores - mean) ** 2).sum(axis=-1))
