"""The level behind a series: against the normal posterior written out as matrices, and what its limits hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import local_level
from cxkit.stats.level import DRIFTS

X = [np.nan, 0.30, 0.45, np.nan, 0.20, 0.28, 0.10]
N = [0, 60, 40, 0, 90, 70, 50]
V = 0.6


def by_matrices() -> tuple[np.ndarray, np.ndarray, float, float]:
    """Mean and variance of the level from the first answers on and of the next score, averaged over the drifts."""
    x, n = np.array(X[1:]), np.array(N[1:], dtype=float)
    known = n > 0
    answers = 3 + n.sum()
    total, squares = np.nansum(n * x), 1.5 + np.nansum(n * (V + np.nan_to_num(x) ** 2))
    error = (squares / answers - (total / answers) ** 2) / n[known]
    times = np.arange(len(x) + 1)  # one more: the next
    weights, means, variances = [], [], []
    for drift in DRIFTS:
        prior = 1e6 + drift**2 * np.minimum.outer(times, times)  # a level of which nothing is known before
        seen = prior[:-1][:, :-1][known][:, known] + np.diag(error)
        gain = np.linalg.solve(seen, prior[: len(x)][known]).T
        means.append(gain @ x[known])
        variances.append(np.diag(prior) - np.einsum("ij,ji->i", gain, prior[: len(x)][known]))
        weights.append(stats.multivariate_normal(cov=seen).logpdf(x[known]))
    w = np.exp(np.array(weights) - max(weights))[:, None] / np.exp(np.array(weights) - max(weights)).sum()
    mean = (w * means).sum(axis=0)
    variance = (w * (np.array(variances) + (np.array(means) - mean) ** 2)).sum(axis=0)
    return mean[:-1], variance[:-1], float(mean[-1]), float(variance[-1] + error[-1])


def test_it_is_the_posterior_of_the_level() -> None:
    found = local_level([X, X], np.full((2, 7), V), [N, N])
    mean, variance, after, spread = by_matrices()
    for row in range(2):
        assert np.isnan(found.value[row, 0])
        assert found.value[row, 1:] == pytest.approx(mean, abs=1e-6)
        assert (found.high - found.value)[row, 1:] == pytest.approx(1.959964 * variance**0.5, abs=1e-6)
        assert found.forecast[row] == pytest.approx(after, abs=1e-6)
        assert found.forecast_high[row] - after == pytest.approx(1.959964 * spread**0.5, abs=1e-6)


def test_limits_hold_and_the_level_is_nearer_than_the_score() -> None:
    """The short form of benchmarks/level.py: a step of two points a month at 100 answers."""
    rng = np.random.default_rng(3)
    truth = 0.3 + np.cumsum(0.02 * rng.standard_normal((1000, 25)), axis=1)
    p = np.stack([(0.7 - truth) / 2, np.full_like(truth, 0.3), (0.7 + truth) / 2], axis=-1)
    counts = rng.multinomial(100, np.clip(p, 0, 1) / np.clip(p, 0, 1).sum(axis=-1, keepdims=True))
    score = (counts[..., 2] - counts[..., 0]) / 100
    variance = (counts[..., 2] + counts[..., 0]) / 100 - score**2
    found = local_level(score[:, :24], variance[:, :24], np.full((1000, 24), 100))
    last = truth[:, 23]
    assert ((found.low[:, -1] <= last) & (last <= found.high[:, -1])).mean() >= 0.93
    assert ((found.forecast_low <= score[:, 24]) & (score[:, 24] <= found.forecast_high)).mean() >= 0.93
    assert ((found.value[:, -1] - last) ** 2).mean() ** 0.5 <= 0.55 * ((score[:, 23] - last) ** 2).mean() ** 0.5


def test_nobody_at_all_and_one_period() -> None:
    found = local_level([[np.nan, np.nan]], [[0.0, 0.0]], [[0, 0]])
    assert np.isnan([*found.value[0], found.forecast[0]]).all()
    one = local_level([[0.4]], [[V]], [[50]])
    assert one.value[0, 0] == pytest.approx(0.4)
