"""Many comparisons at once: p-values adjusted for their number, whether changes are alike, and shrunken estimates.

In a family of p-values NaN stays NaN and does not count. Among many units a ranking of raw figures puts the smallest
bases at both ends; shrinkage pulls each towards the mean by how little is known of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cxkit.stats.core import BoolArray, FloatArray, critical, floats, refuse, within

_POWER, _ROUNDS, _LEAST, _STEP = 0.8, 50, 1e-9, 1e-2


class Heterogeneity(NamedTuple):
    """Cochran's Q of several changes; what stands behind it.

    Attributes:
        q: The statistic; NaN with fewer than two changes.
        df: Changes less one.
        pvalue: Of the test that all are alike.
        error: Standard error of each change, from half the width of its interval.
        apart: By how much each alone would have to differ from the others for Q to find it with 80 % power.
        singled: The changes without which the others are alike; all, where no two are.
    """

    q: float
    df: int
    pvalue: float
    error: FloatArray
    apart: FloatArray
    singled: BoolArray


class Shrunk(NamedTuple):
    """Shrunken values, the weight of each own value, the mean they are pulled to, the variance between units."""

    value: FloatArray
    weight: FloatArray
    mean: float
    between: float


class ShrunkInterval(NamedTuple):
    """Shrunken values with their limits."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


def holm(pvalues: ArrayLike) -> FloatArray:
    """Holm's step-down adjustment: the chance of one false finding in the family stays below the level.

    Args:
        pvalues: Raw p-values of one family, any shape.

    Formula: the i-th smallest of m becomes max over j <= i of (m - j + 1) p_j, at most 1. Source: Holm (1979),
    Scandinavian Journal of Statistics 6, 65.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    return _adjusted(pvalues, lambda p: np.maximum.accumulate(np.arange(p.size, 0, -1) * p))


def benjamini_hochberg(pvalues: ArrayLike) -> FloatArray:
    """Benjamini and Hochberg's step-up adjustment: the expected share of false findings stays below the level.

    Args:
        pvalues: Raw p-values of one family, any shape.

    Formula: the i-th smallest of m becomes min over j >= i of m p_j / j, at most 1. Source: Benjamini and Hochberg
    (1995), doi 10.1111/j.2517-6161.1995.tb02031.x.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    array([0.03, 0.04, 0.04])
    """
    return _adjusted(pvalues, lambda p: np.minimum.accumulate(p.size / np.arange(p.size, 0, -1) * p[::-1])[::-1])


def e_benjamini_hochberg(evidence: ArrayLike, share: float) -> BoolArray:
    """Which of many pieces of evidence are findings, of which this share may be false, whatever their dependence.

    Args:
        evidence: E-values of one family, any shape: 1 or less on average where there is nothing; NaN ones are left out.
        share: Of the findings that may be false, in (0, 1).

    Formula: the k largest are found, k the largest with e_(k) >= m / (share k). Source: Wang and Ramdas (2022), doi
    10.1111/rssb.12489.

    >>> e_benjamini_hochberg([30.0, 1.0, 25.0, 0.2], 0.1)
    array([ True, False,  True, False])
    """
    e = floats(evidence)
    within("share", share, 0.1)
    ordered = np.sort(e[~np.isnan(e)])[::-1]
    rank = np.arange(1, ordered.size + 1)
    reached = np.flatnonzero(ordered >= ordered.size / (share * rank))
    return np.asarray(e >= (ordered[reached[-1]] if reached.size else np.inf))


def family_size(pvalues: ArrayLike) -> int:
    """How many comparisons a correction counts: those that have a p-value.

    Formula: the number of p-values that are not NaN. Source: Holm (1979), whose m this is, jstor 4615733.

    >>> family_size([0.01, float("nan"), 0.2])
    2
    """
    return int(np.count_nonzero(~np.isnan(floats(pvalues))))


def _adjusted(pvalues: ArrayLike, adjust: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """The p-values of a family, in rising order, as `adjust` makes them, each back in its place."""
    p = floats(pvalues)
    refuse("pvalues", p, (p < 0) | (p > 1), "numbers in [0, 1]")
    order = np.argsort(p, axis=None, kind="stable")[: family_size(p)]
    adjusted = np.full(p.size, np.nan)
    adjusted[order] = np.minimum(adjust(p.ravel()[order]), 1.0)
    return adjusted.reshape(p.shape)


def cochran_q(change: ArrayLike, low: ArrayLike, high: ArrayLike, level: float = 0.95) -> Heterogeneity:
    """Test that independent changes differ by chance only, and which of them do where they do not.

    The standard error of a change is the arm of its interval on the side of the common change, over z: whatever stands
    behind the interval (weights, clusters, shared respondents, few answers) stands behind the test, and a part in which
    everybody answers alike has an error, too.

    Args:
        change: Change per part, in any unit; NaN parts are left out and stay NaN.
        low: Lower limits.
        high: Upper limits.
        level: Of the limits, in (0, 1); 1 - level is the significance level of `apart` and `singled`.

    Formula: Q = min over m of sum ((y_i - m) / s_i)^2, chi-square with k - 1 degrees of freedom. As long as it is
    significant, the change is singled out without which Q is least. Source: Cochran (1954), doi 10.2307/3001666; arms
    of intervals as errors as in MOVER, Zou and Donner (2008), doi 10.1002/sim.3095.

    >>> found = cochran_q([-0.30, -0.02, 0.03], [-0.40, -0.12, -0.07], [-0.20, 0.08, 0.13])
    >>> round(found.q, 2), found.df, found.pvalue < 0.001, found.singled
    (24.3, 2, True, array([ True, False, False]))
    """
    y, low, high = map(floats, (change, low, high))
    z, alpha = critical(level), 1.0 - level
    known = np.flatnonzero(~np.isnan(y + low + high))
    (error, apart), singled = np.full((2, y.size), np.nan), np.zeros(y.size, dtype=bool)
    if len(known) < 2:
        return Heterogeneity(float("nan"), max(len(known) - 1, 0), float("nan"), error, apart, singled)
    arms = np.maximum(np.stack([y - low, high - y]) / z, _LEAST)
    error[known] = arms[:, known].mean(axis=0)
    precision = error[known] ** -2.0
    df = len(known) - 1
    q = float(_least(y[known], arms[:, known]))
    beyond = special.chndtrinc(special.chdtri(df, alpha), df, 1.0 - _POWER)
    apart[known] = np.sqrt(beyond / precision / (1.0 - precision / precision.sum()))
    left, now = known, q
    while len(left) > 1 and special.chdtrc(len(left) - 1, now) < alpha:
        without = np.array([np.delete(left, i) for i in range(len(left))])
        each = _least(y[without], arms[:, without])
        out = int(each.argmin())
        singled[left[out]] = True
        left, now = without[out], float(each[out])
    if len(left) == 1:
        singled[left] = True
    return Heterogeneity(q, df, float(special.chdtrc(df, q)), error, apart, singled)


def _least(y: FloatArray, arms: FloatArray) -> FloatArray:
    """The least Q over the common change, along the last axis; each change has its arm on the side of that one."""
    weight = arms.mean(axis=0) ** -2.0
    for _ in range(_ROUNDS):
        common = (weight * y).sum(axis=-1, keepdims=True) / weight.sum(axis=-1, keepdims=True)
        found = np.where(y > common, arms[0], arms[1]) ** -2.0
        if np.array_equal(found, weight):
            break
        weight = found
    least: FloatArray = (weight * (y - common) ** 2).sum(axis=-1)
    return least


def shrink(values: ArrayLike, squared_errors: ArrayLike, *, towards: float | None = None) -> Shrunk:
    """Empirical-Bayes estimates of many units.

    Args:
        values: Estimate per unit, in any unit of measurement; NaN units are left out and stay NaN.
        squared_errors: Squared standard error per unit, from the pooled variance: a unit whose answers are all the same
            has an own variance of 0, which is not what is known of it.
        towards: What values are pulled to, such as the value of the whole; None for their mean.

    Raises:
        ValueError: For an error of 0 or less.

    Formula: mu + w_i (y_i - mu), w_i = tau^2/(tau^2 + s_i^2), tau^2 as in `variance_between`.

    >>> shrink([0.3, 0.5, 0.7], [0.01, 0.01, 0.01]).value
    array([0.35, 0.5 , 0.65])
    """
    y, errors = np.broadcast_arrays(floats(values), floats(squared_errors))
    known = ~np.isnan(y)
    refuse("squared_errors", errors[known], ~(errors[known] > 0), "numbers above 0")
    if known.sum() < 2:
        return Shrunk(y, np.where(known, 1.0, np.nan), float("nan"), float("nan"))
    between = float(variance_between(y[known], 1.0 / errors[known]))
    full = 1.0 / (errors[known] + between)
    mean = float((full * y[known]).sum() / full.sum()) if towards is None else towards
    weights = np.full(y.shape, np.nan)
    weights[known] = between * full
    return Shrunk(mean + weights * (y - mean), weights, mean, between)


def shrunk_interval(
    values: ArrayLike,
    squared_errors: ArrayLike,
    level: float = 0.95,
    *,
    scale: tuple[float, float] = (-np.inf, np.inf),
) -> ShrunkInterval:
    """Values of many units, each shrunken towards their mean, with intervals that allow for what is not known of it.

    Args:
        values: Estimate per unit, in any unit of measurement; NaN units are left out and stay NaN.
        squared_errors: As for `shrink`.
        level: Confidence level of the limits, which hold the true values of that share of the units on average.
        scale: Ends of the scale, at which limits are cut.

    Raises:
        ValueError: For an error of 0 or less, or fewer than three units.

    Formula: mu + (1 - B_i)(y_i - mu) +- z sqrt(s_i^2 (1 - B_i + B_i w_i/W) + v_i (y_i - mu)^2), w_i = 1/(s_i^2 + A),
    B_i = s_i^2 w_i, v_i = (B_i (1 - B_i))^2/(I + B_i (1 - B_i)). A is where A times the restricted likelihood is
    largest, so never 0, at which intervals would be too narrow; I is the information on log A there. Source: Morris
    (1983), doi 10.1080/01621459.1983.10477920; A and v_i: Morris and Tang (2011), doi 10.1214/10-STS349.

    >>> found = shrunk_interval([0.2, 0.3, 0.5, 0.7, 0.9], [0.01] * 5)
    >>> found.value.round(2).tolist(), found.low.round(2).tolist()
    ([0.22, 0.31, 0.5, 0.69, 0.88], [0.02, 0.12, 0.31, 0.5, 0.68])
    """
    y, errors = np.broadcast_arrays(floats(values), floats(squared_errors))
    known = ~np.isnan(y)
    if known.sum() < 3:
        raise ValueError(f"values: expected three units or more, found {known.sum()}")
    refuse("squared_errors", errors[known], ~(errors[known] > 0), "numbers above 0")
    v = errors[known]

    def lost(log_between: float) -> float:
        w = 1.0 / (v + np.exp(log_between))
        mean = (w * y[known]).sum() / w.sum()
        fit = (w * (y[known] - mean) ** 2).sum() - np.log(w).sum() + np.log(w.sum())
        return float(fit / 2.0 - log_between)

    best = float(np.log(v.mean()))
    for reach in (12.0, 0.5, 0.02):  # the likelihood has one peak
        best = min(np.linspace(best - reach, best + reach, 49).tolist(), key=lost)
    information = (lost(best + _STEP) - 2.0 * lost(best) + lost(best - _STEP)) / _STEP**2
    w = 1.0 / (v + np.exp(best))
    mean, pulled = (w * y[known]).sum() / w.sum(), v * w
    unsure = (pulled * (1.0 - pulled)) ** 2 / (information + pulled * (1.0 - pulled))
    away = y[known] - mean
    half = critical(level) * np.sqrt(v * (1.0 - pulled + pulled * w / w.sum()) + unsure * away**2)
    found = np.full((3, *y.shape), np.nan)
    found[:, known] = np.clip(mean + (1.0 - pulled) * away + np.stack([0.0 * half, -half, half]), *scale)
    return ShrunkInterval(*found)


def variance_between(values: ArrayLike, precision: ArrayLike) -> FloatArray:
    """Variance between units beyond sampling, along the last axis.

    Args:
        values: Estimates (... x units), in any unit of measurement.
        precision: 1 / squared standard error of each (... x units); 0 leaves a unit out.

    Formula: tau^2 = (Q - (k - 1)) / (W - sum w^2 / W) of k units, Q = sum w (y - mean)^2, W = sum w; 0 where it is
    negative. Source: DerSimonian and Laird (1986), doi 10.1016/0197-2456(86)90046-2.

    >>> variance_between([[0.3, 0.5, 0.7]], [[100, 100, 100]])
    array([0.03])
    """
    y, w = floats(values), floats(precision)
    total = w.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        q = (w * (y - (w * y).sum(axis=-1, keepdims=True) / total) ** 2).sum(axis=-1)
        total = total[..., 0]
        between = (q - ((w > 0).sum(axis=-1) - 1.0)) / (total - (w**2).sum(axis=-1) / total)
    return np.asarray(np.where(between > 0, between, 0.0))
