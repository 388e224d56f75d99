"""Ordinal answers as they are: the whole distribution, and how often an answer of now beats one of before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import (
    FloatArray,
    agree,
    joint,
    numbers,
    positive,
    result,
    t_critical,
    t_pvalue,
    usable_correlation,
)
from cxkit.stats.design import NO_DESIGNS, Design, Designs, design_of
from cxkit.stats.intervals import Pair

# Without it a side of equal answers would seem to have no variance, and the limits would be too narrow.
_ADDED = 1.0


class Effect(NamedTuple):
    """P(now > before) + half the ties, its limits, and the p-value of "as often as not" (1/2)."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    pvalue: FloatArray


def passed(counts: ArrayLike, shares: Sequence[float]) -> FloatArray:
    """For each answer how many of some quantiles of its cell lie below it, each doubled, and once those it lies on.

    Args:
        counts: Answers on the last axis, in order, cells on the others; fractional after weighting.
        shares: Which quantiles, in (0, 1): .5 is the median.

    Formula: a quantile is the inverse of the distribution function; with tenths the result is the rank, cut into ten.

    >>> passed([1, 1, 2], [0.5])
    array([0., 1., 2.])
    """
    (c,) = numbers(counts=counts)
    running, order = np.cumsum(c, axis=-1), np.arange(c.shape[-1])
    result = np.zeros(c.shape)
    for share in shares:
        reached = running >= (share - 1e-12) * running[..., -1:]
        at = np.argmax(reached, axis=-1)[..., None] if c.shape[-1] else 0
        result += 2.0 * (order > at) + (order == at)
    return result


def superiority(
    now: ArrayLike,
    before: ArrayLike,
    level: float = 0.95,
    *,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> Effect:
    """How often an answer of now is above one of before, ties counting half (Mann-Whitney effect).

    Args:
        now: Counts of the ordered answers on the last axis, worst to best; cells on the others.
        before: The same answers of the cells compared with.
        level: Confidence level in (0, 1).
        designs: Effective bases of the mean rank of either side, under weights and clusters.
        correlation: r of the mean ranks of both sides where they share respondents.

    Returns:
        Effects in 0..1 with limits and p; the latter are NaN where either side has fewer than two answers.

    Raises:
        ValueError: Where the two sides do not have the same answers.

    Formula: theta = sum p_i (sum_{j<i} q_j + q_i/2), variance by Brunner and Munzel from those of the mid-ranks, after
    adding to each side one answer that is spread like all answers; limits as Wilson's with
    theta (1 - theta) / variance answers, Student's t for z with Brunner and Munzel's degrees of freedom. Under a design
    each side counts as n_eff answers of the same shares, with the degrees of freedom of its clusters.
    Source: Brunner and Munzel (2000), doi 10.1002/(SICI)1521-4036(200001)42:1<17; Newcombe (2006), doi
    10.1002/sim.2324, for score limits of this effect; Obuchowski (1997), doi 10.2307/2533958, for clusters.

    >>> superiority([1, 2, 7], [4, 3, 3])
    Effect(value=0.725, low=0.4657, high=0.8886, pvalue=0.0855)
    """
    (x,), (y,) = numbers(now=now), numbers(before=before)
    if x.shape[-1:] != y.shape[-1:]:
        raise ValueError(f"before: expected the {x.shape[-1]} answers of now, found {y.shape[-1]}")
    p, q = _shares(x), _shares(y)
    value = (p * _mid_cumulative(q)).sum(axis=-1)
    smoothed, (v1, df1), (v2, df2) = smoothed_effect(x, y, designs)
    (n1, _), (n2, _) = _worth(x, designs[0]), _worth(y, designs[1])
    variance = joint(v1, v2, usable_correlation(correlation))
    # All answers of both sides are the same: as many answers as the effect of continuous ones would be worth.
    varies = variance > 1e-14
    df = np.where(varies, (v1 + v2) ** 2 / positive(v1**2 / df1 + v2**2 / df2), np.minimum(df1, df2))
    base = np.where(varies, smoothed * (1.0 - smoothed) / positive(variance), 3.0 * n1 * n2 / (n1 + n2 + 1.0))
    t = t_critical(df, level)
    k = t**2 / base
    centre = (value + k / 2.0) / (1.0 + k)
    half = np.sqrt(k * np.maximum(value * (1.0 - value), 0.0) + k**2 / 4.0) / (1.0 + k)
    # The same interval inverted: with the variance of 1/2 under the null hypothesis.
    pvalue = t_pvalue(2.0 * (value - 0.5) * np.sqrt(base), df)
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
    excluded = (low > 0.5) | (high < 0.5)
    return result(Effect, value, low, high, agree(pvalue, excluded, level))


def smoothed_effect(x: FloatArray, y: FloatArray, designs: Designs) -> tuple[FloatArray, Pair, Pair]:
    """The effect, and what either side adds to its variance, with its degrees of freedom.

    To each side one answer is added that is spread like all of them.
    """
    (size1, df1), (size2, df2) = _worth(x, designs[0]), _worth(y, designs[1])
    x, y = _shares(x) * size1[..., None], _shares(y) * size2[..., None]
    added = _ADDED * _shares(x + y)
    n1, n2 = x.sum(axis=-1), y.sum(axis=-1)
    p, q = ((c + added) / (n + _ADDED)[..., None] for c, n in ((x, n1), (y, n2)))
    above, below = _mid_cumulative(q), 1.0 - _mid_cumulative(p)
    v1, v2 = _spread(p, above) / positive(n1 - 1.0), _spread(q, below) / positive(n2 - 1.0)
    return (p * above).sum(axis=-1), (v1, df1), (v2, df2)


def _worth(counts: FloatArray, design: Design | None) -> Pair:
    """Effective answers and degrees of freedom of a side; NaN where it has none."""
    _, n_eff, df = design_of(counts.sum(axis=-1), design)
    return positive(n_eff), positive(df)


def _shares(counts: FloatArray) -> FloatArray:
    return counts / positive(counts.sum(axis=-1))[..., None]


def _mid_cumulative(shares: FloatArray) -> FloatArray:
    """Share below each answer plus half the share of it."""
    return np.cumsum(shares, axis=-1) - shares / 2.0


def _spread(shares: FloatArray, scores: FloatArray) -> FloatArray:
    mean = (shares * scores).sum(axis=-1, keepdims=True)
    return np.asarray((shares * (scores - mean) ** 2).sum(axis=-1))
