"""The watch: its formula by hand, what a stable series signals, what a changed one does."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
import pytest

from cxkit.stats import change_evidence, e_benjamini_hochberg, follow
from cxkit.stats.watching import SIZES

BASE = [0.30, 0.34, 0.32, 0.28]


def by_hand(x: list[float], v: float, n: float, baseline: int, horizon: int, tau: float) -> list[float]:
    """The evidence of one series, by the formula as it is written and in no other way."""

    def variance(t: int) -> float:
        answers, total, squares = 3.0, 0.0, 1.5
        for value in x[:t]:
            answers, total, squares = answers + n, total + n * value, squares + n * (v + value**2)
        return squares / answers - (total / answers) ** 2

    first = variance(baseline)
    s2 = [(first if t < baseline else variance(t)) / n for t in range(len(x))]
    weight = [1 / (s + tau) for s in s2]
    found = []
    for last in range(baseline, len(x)):
        total = 0.0
        for change in (sign * size for size in SIZES for sign in (-1, 1)):
            for start in range(baseline, baseline + horizon):
                log = 0.0
                for t in range(start, last + 1):
                    before, kept = sum(weight[:t]), sum(weight[:start])
                    mean = sum(w * value for w, value in zip(weight[:t], x[:t], strict=True)) / before
                    spread = sqrt(s2[t] + tau + 1 / before)
                    shift = change * sqrt(first) * kept / before / spread
                    log += shift * (x[t] - mean) / spread - shift**2 / 2
                total += exp(log) / horizon
        found.append(total / (2 * len(SIZES)))
    return found


@pytest.mark.parametrize("tau", [0.0, 0.0004])
def test_the_formula_by_hand(tau):
    x = [*BASE, 0.29, 0.15, 0.18, 0.2]
    found = change_evidence([x], [[0.6]], [[250]], 4, horizon=6, between=tau)
    assert found.e[0].tolist() == pytest.approx(by_hand(x, 0.6, 250, 4, 6, tau))
    assert (found.start[0, -1], found.direction[0, -1]) == (5, -1)


def test_the_variance_between_periods_is_that_of_dersimonian_and_laird():
    """With equal bases it is the sample variance of the scores less that of chance."""
    x, n = np.array([[0.3, 0.5, 0.1, 0.4, 0.2, 0.3, 0.3]]), 400.0
    square = (400 * 6 * (0.6 + (x[0, :6] ** 2).mean()) + 1.5) / (400 * 6 + 3)
    variance = square - (400 * x[0, :6].sum() / (400 * 6 + 3)) ** 2
    tau = x[0, :6].var(ddof=1) - variance / n
    own, given = (change_evidence(x, [[0.6]], [[n]], 6, between=between).e for between in (None, tau))
    assert own == pytest.approx(given)
    assert change_evidence(x[:, :6], [[0.6]], [[n]], 5).e == pytest.approx(
        change_evidence(x[:, :6], [[0.6]], [[n]], 5, between=0).e
    )  # five periods cannot tell


def test_a_period_without_answers_is_passed_over():
    x = np.array([[*BASE, 0.3, np.nan, 0.1]])
    n = np.array([[200, 200, 200, 200, 200, 0, 200]])
    gone = np.delete(x, 5, axis=1), np.delete(n, 5, axis=1)
    whole = change_evidence(x, [[0.6]], n, 4)
    assert whole.e[0, 1] == whole.e[0, 0]
    assert whole.start[0, -1] == 6
    # a start in the empty period counts as one in the next
    assert whole.e[0, 2] > change_evidence(gone[0], [[0.6]], gone[1], 4).e[0, 1]


def test_unanimous_answers_have_a_variance():
    found = change_evidence(np.ones((1, 8)), np.zeros((1, 8)), np.full((1, 8), 12), 4)
    assert np.isfinite(found.e).all()
    assert (found.e <= 1.5).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0.3] * 8, 0.6, 10, 4), "expected series x periods, found 1"),
        (([[0.3] * 8], 0.6, 10, 2), "expected 3 to 8 periods, found 2"),
        (([[0.3] * 20], 0.6, 10, 4), "expected at least the 16 periods after the baseline, found 12"),
    ],
)
def test_what_cannot_be_watched_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        change_evidence(*arguments)


def drawn(rng: np.random.Generator, level: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p = np.stack([(0.7 - level) / 2, np.full(level.shape, 0.3), (0.7 + level) / 2], axis=-1)
    counts = rng.multinomial(n, p)
    score = counts @ [-1.0, 0.0, 1.0] / n
    return score, (counts[..., 0] + counts[..., 2]) / n - score**2, np.full(score.shape, float(n))


def test_stable_series_seldom_signal_and_falls_are_found():
    """2,000 series each; benchmarks/watch.py has the table."""
    rng = np.random.default_rng(1)
    level = np.full((2000, 24), 0.3)
    assert (change_evidence(*drawn(rng, level, 100), 12).e.max(axis=1) >= 20).mean() <= 0.02
    level[:, 15:] -= 0.2
    late = change_evidence(*drawn(rng, level, 100), 12)
    assert (late.e[:, 3:6].max(axis=1) >= 20).mean() >= 0.55
    assert (late.direction[late.e[:, -1] >= 20, -1] == -1).mean() > 0.99
    assert np.abs(np.median(late.start[:, -1]) - 15) <= 1


def test_a_change_is_announced_once_and_so_is_its_end():
    rng = np.random.default_rng(2)
    level = np.full((400, 48), 0.3)
    level[:, 15:30] -= 0.3
    seen = follow(*drawn(rng, level, 300), 12)
    assert seen.signal[:, :15].any(axis=1).mean() <= 0.02
    assert (seen.state[:, 20] == -1).mean() > 0.98
    assert np.median(seen.since[:, 20]) == 15
    assert seen.signal[:, 20:30].any(axis=1).mean() < 0.05
    assert (seen.state[:, 36] == 1).mean() > 0.95
    assert (seen.state[:, -1] == 0).mean() > 0.9  # what kept for a year is what is usual


def test_many_series_signal_by_e_bh():
    assert e_benjamini_hochberg([200.0, 90.0, *[1.0] * 18], 0.1).tolist() == [True, False] + [False] * 18
    assert e_benjamini_hochberg([200.0, 100.0, *[1.0] * 18], 0.1).sum() == 2
    assert not e_benjamini_hochberg([np.nan, 1.0], 0.1).any()
    rng = np.random.default_rng(3)
    assert follow(*drawn(rng, np.full((2400, 24), 0.3), 100), 12, share=0.1).signal.any(axis=0).mean() <= 0.1
