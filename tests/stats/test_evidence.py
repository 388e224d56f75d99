"""The watch: its formula by hand, what a stable series signals, what a changed one does."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest

from cxkit.stats import change_evidence, e_benjamini_hochberg, follow
from cxkit.stats.watching import LIKELY, RETURNED, SIZES, SWINGS

BASE = [0.30, 0.34, 0.32, 0.28]


def by_hand(
    x: list[float], v: float, n: float, baseline: int, horizon: int, tau: float | None
) -> list[tuple[float, float]]:
    """The evidence of one series, and how well no change explains it, by the formulas as they are written."""

    def variance(t: int) -> float:
        answers, total, squares = 3.0, 0.0, 1.5
        for value in x[:t]:
            answers, total, squares = answers + n, total + n * value, squares + n * (v + value**2)
        return squares / answers - (total / answers) ** 2

    first = variance(baseline)
    if tau is None:
        each = [by_hand(x, v, n, baseline, horizon, first * swing**2) for swing in SWINGS]
        found = []
        for look in zip(*each, strict=True):
            weight = [likely * fit for likely, (_, fit) in zip(LIKELY, look, strict=True)]
            found.append((sum(w * e for w, (e, _) in zip(weight, look, strict=True)) / sum(weight), sum(weight)))
        return found
    s2 = [(first if t < baseline else variance(t)) / n + tau for t in range(len(x))]
    weight = [1 / s for s in s2]
    spread = [0.0] + [sqrt(s2[t] + 1 / sum(weight[:t])) for t in range(1, len(x))]
    z = [0.0] + [
        (x[t] - sum(w * value for w, value in zip(weight[:t], x[:t], strict=True)) / sum(weight[:t])) / spread[t]
        for t in range(1, len(x))
    ]
    found = []
    for last in range(baseline, len(x)):
        starts, total = range(max(baseline, last - horizon + 1), last + 1), 0.0
        for change in (sign * size for size in SIZES for sign in (-1, 1)):
            for start in starts:
                ratio = 0.0
                for t in range(start, last + 1):
                    shift = change * sqrt(first) * sum(weight[:start]) / sum(weight[:t]) / spread[t]
                    ratio += shift * z[t] - shift**2 / 2
                total += exp(ratio) / horizon
            total += (horizon - len(starts)) / horizon  # starts to come
        fit = exp(sum(-log(spread[t]) - z[t] ** 2 / 2 for t in range(1, last + 1)))
        found.append((total / (2 * len(SIZES)), fit))
    return found


@pytest.mark.parametrize("horizon", [6, 3])
@pytest.mark.parametrize("tau", [0.0, 0.0004, None])
def test_the_formula_by_hand(tau, horizon):
    x = [*BASE, 0.29, 0.15, 0.18, 0.2]
    found = change_evidence([x], [[0.6]], [[250]], 4, horizon=horizon, between=tau)
    assert found.e[0].tolist() == pytest.approx([e for e, _ in by_hand(x, 0.6, 250, 4, horizon, tau)])
    assert (found.start[0, -1], found.direction[0, -1]) == (5, -1)


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
    ],
)
def test_what_cannot_be_watched_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        change_evidence(*arguments)


def drawn(rng: np.random.Generator, level: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    level = np.clip(level, -0.69, 0.69)
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


@pytest.mark.parametrize(("n", "swing"), [(100, 0.0), (1000, 0.03), (10000, 0.02)])
def test_many_series_signal_by_e_bh(n, swing):
    """By an estimate of swings taken for known, .31 of months named one of 2,400 at n 1,000, and .89 at 10,000."""
    assert e_benjamini_hochberg([200.0, 90.0, *[1.0] * 18], 0.1).tolist() == [True, False] + [False] * 18
    assert e_benjamini_hochberg([200.0, 100.0, *[1.0] * 18], 0.1).sum() == 2
    assert not e_benjamini_hochberg([np.nan, 1.0], 0.1).any()
    rng = np.random.default_rng(3)
    level = 0.3 + swing * rng.standard_normal((2400, 24))
    assert follow(*drawn(rng, level, n), share=0.1).signal.any(axis=0).mean() <= 0.1


def test_a_score_that_swings_is_not_called_changed():
    rng = np.random.default_rng(9)
    for n, swing in ((1000, 0.03), (10000, 0.03), (1000, 0.05), (250, 0.1)):
        signal = follow(*drawn(rng, 0.3 + swing * rng.standard_normal((1000, 36)), n)).signal
        assert signal[:, :24].any(axis=1).mean() <= 0.07
        assert signal[:, 24:].any(axis=1).mean() <= 0.07


def test_a_yearly_pattern_is_not_called_changed():
    rng = np.random.default_rng(11)
    for n in (1000, 10000):
        level = 0.3 + 0.04 * np.sin(2 * np.pi * (np.arange(48) + rng.integers(0, 12, (1000, 1))) / 12)
        signal = follow(*drawn(rng, level, n)).signal
        assert signal[:, :24].any(axis=1).mean() <= 0.08
        assert signal[:, 24:36].any(axis=1).mean() <= 0.1


def test_a_score_that_is_back_is_no_longer_called_lower():
    """One bad month, and two, that signal: three months later the score is what it was."""
    rng = np.random.default_rng(10)
    for bad, points, n in ((1, 0.3, 300), (1, 0.2, 1000), (2, 0.2, 300)):
        level = np.full((500, 40), 0.3)
        level[:, 20 : 20 + bad] -= points
        found = follow(*drawn(rng, level, n))
        signalled = (found.signal & (found.state < 0))[:, 20 : 20 + bad].any(axis=1)
        assert signalled.sum() > 50
        assert (found.state[signalled, 20 + bad + 5] < 0).mean() <= 0.15
        assert (found.state[signalled, 20 + bad + 5] == RETURNED).mean() >= 0.8
    level = np.full((500, 40), 0.3)
    level[:, 20:] -= 0.2
    found = follow(*drawn(rng, level, 300))
    signalled = found.signal[:, 20:23].any(axis=1)
    assert signalled.mean() > 0.8
    assert (found.state[signalled, 30] < 0).mean() > 0.9  # and what lasts is


@pytest.mark.parametrize("n", [300, 10000])
def test_a_recovery_among_swings_is_no_rise(n: int) -> None:
    """Judged by sampling alone, half of the recoveries at 10,000 answers were called a rise."""
    rng = np.random.default_rng(12)
    level = np.full((400, 40), 0.3)
    level[:, 20:28] = 0.0
    found = follow(*drawn(rng, level + 0.03 * rng.standard_normal(level.shape), n))
    fell = found.state[:, 27] == -1
    assert (found.state[fell, 33] == RETURNED).mean() > 0.8
    assert (found.state[fell, 33] == 1).mean() < 0.1


def test_a_second_fall_is_not_called_back() -> None:
    rng = np.random.default_rng(13)
    level = np.full((400, 40), 0.3)
    level[:, 20:28] = 0.0
    level[:, 34:] = 0.0
    found = follow(*drawn(rng, level, 300))
    assert (found.state[:, 33] == RETURNED).mean() > 0.8
    assert (found.state[:, 34] == RETURNED).mean() < 0.08
    lower = (found.state[:, 36] == -1) & found.signal[:, 34:37].any(axis=1)
    assert lower.mean() > 0.9
    assert np.median(found.since[lower, 36]) == 34


def test_a_recovery_is_said_to_be_one_and_a_rise_beyond_it_is_a_rise() -> None:
    rng = np.random.default_rng(11)
    for recovered, said in ((0.3, RETURNED), (0.6, 1)):
        level = np.full((300, 40), 0.3)
        level[:, 20:28] = 0.0
        level[:, 28:] = recovered
        found = follow(*drawn(rng, level, 300))
        fell = found.state[:, 27] == -1
        assert fell.mean() > 0.95
        assert (found.state[fell, 33] == said).mean() > 0.9
        assert np.median(found.since[fell & (found.state[:, 33] == said), 33]) == 28


def test_a_baseline_is_of_periods_with_answers() -> None:
    """A place that paused: with one known month for a baseline, a score that swings by 3 points would signal."""
    rng = np.random.default_rng(5)
    level = 0.3 + 0.03 * rng.standard_normal((200, 36))
    score = level + rng.normal(0, (0.6 / 3000) ** 0.5, level.shape)
    base = np.full(level.shape, 3000.0)
    base[:, 1:12] = 0
    followed = follow(score, np.full(level.shape, 0.6), base, 12)
    assert np.isnan(followed.e[:, :23]).all()  # one month, and eleven after the pause
    assert not np.isnan(followed.e[:, 23]).any()
    assert followed.signal.any(axis=1).mean() <= 0.1


def test_after_a_signal_watching_begins_anew_from_three_periods_with_answers() -> None:
    level = np.full((200, 36), 0.3)
    level[:, 12:] = -0.2
    score, variance, base = drawn(np.random.default_rng(6), level, 300)
    base[:, 14:24] = 0  # two months after the fall, and a pause
    found = follow(score, variance, base, 12)
    assert (found.signal[:, 12:14].any(axis=1) & (found.since[:, 13] == 12)).mean() > 0.95
    assert np.isnan(found.e[found.since[:, 13] == 12, 24]).all()
    assert not np.isnan(found.e[:, 25]).any()


def test_what_was_said_is_never_unsaid() -> None:
    """The evidence of a period is a function of the periods up to it: later ones add to it and change nothing."""
    rng = np.random.default_rng(7)
    level = 0.3 + 0.03 * rng.standard_normal((100, 40))
    level[:50, 18:] -= 0.25
    series = drawn(rng, level, 400)
    whole = follow(*series, 6)
    assert whole.signal[:50, 18:].any(axis=1).all()
    for periods in (9, 14, 19, 25, 39):
        part = follow(*(values[:, :periods] for values in series), 6)
        for name in ("e", "signal", "since", "state", "expected", "of"):
            told = getattr(whole, name)[:, :periods]
            assert np.allclose(getattr(part, name), told, rtol=1e-9, atol=0, equal_nan=True), name
    silent = np.isnan(whole.e)
    assert np.isnan(whole.expected[silent]).all()
    assert not whole.of[silent].any()


def test_ordinary_swings_are_remembered_after_a_signal() -> None:
    """A score that swings by 3 points falls once: without what was known of its swings .2 of series signal again."""
    rng = np.random.default_rng(8)
    level = 0.3 + 0.03 * rng.standard_normal((1000, 40))
    level[:, 15:] -= 0.2
    found = follow(*drawn(rng, level, 1000), 12)
    first = found.signal.argmax(axis=1)
    again = [found.signal[row, at + 1 : at + 13].any() for row, at in enumerate(first) if at >= 15]
    assert len(again) > 950
    assert np.mean(again) <= 0.08


def test_evidence_stays_a_number_however_large() -> None:
    score = [[0.3, 0.31, 0.29] * 4 + [-0.9] * 12]
    found = change_evidence(score, [[0.6]], [[1e6]], 12)
    assert np.isfinite(found.e).all()
    assert (found.e[0, 1:] >= found.e[0, 0]).all()
