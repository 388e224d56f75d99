"""The level of a series: what its scores have in common beside sampling; a model of them, never in their place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cxkit.stats.core import FloatArray, critical, floats
from cxkit.stats.watching import variance_before

DRIFTS = tuple(i / 200 for i in range(25))  # standard deviations of a step of the level: 0 to 12 points of a net score


class Level(NamedTuple):
    """The level of each series with limits, series x periods, and its next score, one per series.

    Attributes:
        value: The level; of periods without answers what lies between; NaN before the first answers.
        low: Lower limit.
        high: Upper limit.
        forecast: The next score, as well known as the last one.
        forecast_low: Lower limit.
        forecast_high: Upper limit.
        power: Chance that the next score, compared with the last at as many answers, shows the fall that was asked for.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    forecast: FloatArray
    forecast_low: FloatArray
    forecast_high: FloatArray
    power: FloatArray


def local_level(
    score: ArrayLike, variance: ArrayLike, n: ArrayLike, level: float = 0.95, *, fall: float = 0.05
) -> Level:
    """The level that moves a little from period to period, and of which each score is a sample.

    Args:
        score: Series x periods, on a scale of -1 to 1.
        variance: Of one answer in each period, same shape; pooled over all periods.
        n: (Effective) answers, same shape; a period without any is passed over.
        level: Confidence level of the limits, and 1 less the significance level of the test that `power` is of.
        fall: Of which `power` is told.

    Formula: mu_t = mu_(t-1) + N(0, q), x_t = mu_t + N(0, variance/n); Kalman filter and smoother, started by the first
    score. The standard deviation of a step is averaged over 0 to .12 by its likelihood, all as likely before, so that
    the limits know how little it is known. Source: Durbin and Koopman (2012), Time series analysis by state space
    methods, chapter 2, doi 10.1093/acprof:oso/9780199641178.001.0001.

    >>> found = local_level([[0.30, 0.40, 0.35, 0.25]], [[0.6] * 4], [[60] * 4])
    >>> found.value.round(2), found.forecast_low.round(2)
    (array([[0.33, 0.34, 0.33, 0.31]]), array([0.04]))
    """
    x, v, base = np.broadcast_arrays(*map(floats, (score, variance, n)))
    known, q = (base > 0) & ~np.isnan(x), np.array(DRIFTS) ** 2
    x, base = np.where(known, x, 0.0), np.where(known, base, 0.0)
    pooled = variance_before(x, np.where(known, v, 0.0), base)[:, -1:]
    error = pooled / np.where(known, base, np.nan)
    begun = np.maximum.accumulate(known, axis=1)
    mean, spread, ahead = np.zeros((3, x.shape[1], len(x), len(q)))
    m, p, fit = np.zeros((3, len(x), len(q)))
    for t in range(x.shape[1]):
        seen, first = known[:, t, None], known[:, t, None] & (begun[:, : t + 1].sum(axis=1) == 1)[:, None]
        ahead[t] = p + q
        own = np.where(seen, error[:, t, None], 1.0)
        total, missed = ahead[t] + own, x[:, t, None] - m
        fit -= np.where(seen & ~first, np.log(total) + missed**2 / total, 0.0) / 2.0
        gain = np.where(first, 1.0, np.where(seen, ahead[t] / total, 0.0))
        m, p = m + gain * missed, np.where(first, own, ahead[t] * (1.0 - gain))
        mean[t], spread[t] = m, p
    weight = np.exp(fit - fit.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    # the last period with answers says how well the next will be known
    latest = np.take_along_axis(error, (x.shape[1] - 1 - known[:, ::-1].argmax(axis=1))[:, None], axis=1)
    then = [np.where(begun[:, -1], part, np.nan) for part in _mixed(m, p + q + latest, weight, level)]
    for t in range(x.shape[1] - 2, -1, -1):
        back = spread[t] / np.where(ahead[t + 1] > 0, ahead[t + 1], 1.0)
        mean[t], spread[t] = (
            mean[t] + back * (mean[t + 1] - mean[t]),
            spread[t] + back**2 * (spread[t + 1] - ahead[t + 1]),
        )
    value, low, high = (np.where(begun, part.T, np.nan) for part in _mixed(mean, spread, weight, level))
    distance, z = np.where(begun[:, -1:], fall / np.sqrt(2.0 * latest), np.nan)[:, 0], critical(level)
    power = special.ndtr(distance - z)  # a rise, however sure, shows no fall
    return Level(value, low, high, then[0], then[1], then[2], power)


def _mixed(
    mean: FloatArray, variance: FloatArray, weight: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and limits of a mixture over the last axis."""
    middle = (weight * mean).sum(axis=-1)
    half = critical(level) * np.sqrt((weight * (variance + (mean - middle[..., None]) ** 2)).sum(axis=-1))
    return middle, middle - half, middle + half
