"""Watching a series: evidence that a score has changed for good, valid at every look and not at one only.

A test of this month against the last is right for one look. Read every month, it calls a stable score changed at least
once in two years of five. The evidence here may be looked at in every period of its horizon.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxkit.stats.core import BoolArray, FloatArray, floats, positive
from cxkit.stats.multiplicity import e_benjamini_hochberg

Judge: TypeAlias = Callable[[FloatArray], BoolArray]

# Changes that are looked for, in standard deviations of one answer: 5, 10, 20 and 40 points of a typical NPS.
SIZES = (0.064, 0.128, 0.256, 0.512)
SIGNAL = 20.0  # evidence that a stable series reaches in at most one horizon of twenty
SHORTEST = 3  # periods of a baseline
FIRST = 12  # periods of the first baseline: a year of months, in which a yearly pattern is seen once
# Swings between periods that are thought of, in standard deviations of one answer (0, 1, 2, 4, 8 and 16 points of a
# typical NPS), and how likely each is before anything is seen, in 39ths.
SWINGS = (0.0, 0.0125, 0.025, 0.05, 0.1, 0.2)
LIKELY = np.array([18.0, 9.0, 6.0, 3.0, 2.0, 1.0])
LARGEST = 600.0  # logarithm of a likelihood ratio, beyond which its exponential would overflow
Z = 1.96  # standard errors by which a score is unlike another
BACK = 3  # periods after a signal that may show a score to be back
RETURNED = 2  # the state of a score that is back
AWAY = 3.0  # standard errors from what it was at which a score that was back is no longer said to be
# What is added to the answers before, so that a unanimous series has a variance: +3/4, +1 1/2, +3/4 of a net score.
_ADDED, _ADDED_SQUARES = 3.0, 1.5


class Evidence(NamedTuple):
    """Evidence of a lasting change at each look, and where the likeliest change began.

    Attributes:
        e: Series x looks, about 1 or less where nothing changed; 20 is a signal. NaN before there is any answer.
        start: Series x looks, the period (counted from 0 over all periods) in which the likeliest change began.
        direction: Series x looks, 1 for a rise and -1 for a fall.
    """

    e: FloatArray
    start: NDArray[np.int64]
    direction: NDArray[np.int64]


def change_evidence(
    score: ArrayLike,
    variance: ArrayLike,
    n: ArrayLike,
    baseline: int,
    *,
    sizes: tuple[float, ...] = SIZES,
    horizon: int = 12,
    between: ArrayLike | None = None,
) -> Evidence:
    """Evidence that the level of a series has changed since its first periods, at each look after these.

    Args:
        score: Series x periods, in natural units: -1..1 of a net score, 0..1 of a share.
        variance: Of one answer in each period, same shape; pooled over all answers before each look.
        n: (Effective) answers, same shape; a period without any is passed over.
        baseline: How many first periods are the baseline, at least 3; each further one is a look.
        sizes: Changes that are looked for, either way, in standard deviations of one answer.
        horizon: Looks over which the guarantee is meant; a change may have begun in the last so many.
        between: Variance between periods beyond sampling, one number or one per series; 0 for none; None: not known, so
            that the evidence is averaged over `SWINGS` by how well each explains all periods if nothing changed.

    Returns:
        Evidence, series x looks. How often a stable series exceeds 20 within a horizon was simulated, with swings and
        seasons: `benchmarks/watch.py`, whose table is in docs/statistics.md.

    Formula: z_t = (x_t - m_t) / sqrt(s_t^2 + tau^2 + 1/A_t), m_t the mean of all periods before by the weights
    W = 1/(s^2 + tau^2), A_t their sum. A change of d from period j on moves z_t by lambda = d A_j / A_t per standard
    error; E_t is the mean over d of sum_j exp(sum (lambda z - lambda^2/2)) / horizon, starts to come counting 1 each;
    over tau it is averaged by LIKELY prod N(z; 0, 1) / sqrt(s^2 + tau^2 + 1/A).
    Source: Shin, Ramdas and Rinaldo (2022), E-detectors, doi 10.51387/23-NEJSDS51; recursive residuals: Brown, Durbin
    and Evans (1975); the ratio of averaged likelihoods: Jeffreys (1961), Theory of probability, chapter 5.

    >>> score = [[0.30, 0.34, 0.32] * 4 + [0.14, 0.19, 0.15]]
    >>> found = change_evidence(score, [[0.6]], [[300]], 12)
    >>> found.e.round().tolist(), found.start, found.direction
    ([[16.0, 119.0, 4524.0]], array([[12, 12, 12]]), array([[-1, -1, -1]]))
    """
    x, v, base = np.broadcast_arrays(*map(floats, (score, variance, n)))
    if x.ndim != 2:
        raise ValueError(f"score: expected series x periods, found {x.ndim} dimension(s)")
    if not SHORTEST <= baseline <= x.shape[1]:
        raise ValueError(f"baseline: expected {SHORTEST} to {x.shape[1]} periods, found {baseline}")
    return _weighed(x, v, base, baseline, sizes, horizon, between)[0]


def _weighed(
    x: FloatArray, v: FloatArray, n: FloatArray, baseline: int, sizes: tuple[float, ...], horizon: int,
    between: ArrayLike | None, prior: FloatArray | None = None,
) -> tuple[Evidence, FloatArray]:  # fmt: skip
    """Evidence, and the logarithms of how well each of the `SWINGS` explains a series after each period."""
    series, periods = x.shape
    known = (n > 0) & ~np.isnan(x)
    x, v, n = (np.where(known, part, 0.0) for part in (x, v, n))
    one = variance_before(x, v, n)
    first = one[:, baseline]
    # the periods of the baseline weigh by one variance, which is known to its end only
    pooled = np.where(np.arange(periods) < baseline, first[:, None], one[:, :-1]) / np.where(known, n, np.nan)
    tau = first[:, None] * np.square(SWINGS) if between is None else np.broadcast_to(floats(between), series)[:, None]
    error = pooled[:, None] + tau[:, :, None]  # series x swings x periods
    weight = np.where(known[:, None], 1.0 / error, 0.0)
    before, mean = np.zeros((2, *error.shape))
    before[..., 1:] = np.cumsum(weight, axis=2)[..., :-1]
    mean[..., 1:] = np.cumsum(weight * x[:, None], axis=2)[..., :-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = mean / before
        spread = np.sqrt(error + 1.0 / before)
        z = np.where(before > 0, (x[:, None] - mean) / spread, np.nan)
    fit = np.cumsum(np.nan_to_num(-np.log(np.where(np.isnan(z), 1.0, spread)) - z**2 / 2.0), axis=2)
    if between is None:
        fit += (np.log(LIKELY)[None] if prior is None else prior)[:, :, None]
    likely = _shares(fit)
    changes = np.array([sign * size for size, sign in product(sizes, (-1.0, 1.0))])
    ratios = np.zeros((series, tau.shape[1], horizon, len(changes)))  # logarithms, by start and change
    e = np.empty((series, periods - baseline))
    start, direction = np.zeros((2, *e.shape), dtype=np.int64)
    for look, t in enumerate(range(baseline, periods)):
        starts = np.arange(max(baseline, t - horizon + 1), t + 1)
        places = (starts - baseline) % horizon  # a start takes the place of that of a horizon before
        ratios[:, :, look % horizon] = 0.0
        with np.errstate(invalid="ignore"):
            shift = before[:, :, starts] / (before[:, :, t] * spread[:, :, t])[..., None]  # of a change at each start
        shift = shift[..., None] * (np.sqrt(first)[:, None] * changes)[:, None, None, :]
        ratios[:, :, places] += np.nan_to_num(shift * z[:, :, t, None, None] - shift**2 / 2.0)
        odds = np.einsum("sw,swjd->sjd", likely[:, :, t], np.exp(np.minimum(ratios[:, :, places], LARGEST)))
        e[:, look] = (odds.sum(axis=1).mean(axis=1) + horizon - len(starts)) / horizon
        # a change is never said to begin where nobody answered
        terms = np.where(known[:, starts, None], odds, -1.0).reshape(series, -1)
        largest = terms.argmax(axis=1)
        start[:, look] = starts[largest // len(changes)]
        direction[:, look] = np.sign(changes)[largest % len(changes)]
    answered = np.cumsum(known, axis=1)[:, baseline - 1 : periods - 1] > 0
    return Evidence(np.where(answered, e, np.nan), start, direction), fit


def _shares(fit: FloatArray) -> FloatArray:
    """How likely each of the swings is, from the logarithms of how well it explains a series."""
    likely = np.exp(fit - fit.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def follow(
    score: ArrayLike, variance: ArrayLike, n: ArrayLike, baseline: int = FIRST, *, horizon: int = 12,
    share: float | None = None,
) -> Followed:  # fmt: skip
    """Watch series through all their periods, as somebody does who looks at each of them.

    Args:
        score: As in `change_evidence`; each series begins with its first answers.
        variance: Likewise.
        n: Likewise.
        baseline: Periods with answers before the first look.
        horizon: Looks over which the guarantee is meant.
        share: None: a series signals by itself, at evidence of 20. Else of the signals of all series, in each period,
            at most this share may be false (`e_benjamini_hochberg`).

    >>> found = follow([[0.30, 0.34, 0.32] * 4 + [0.14, 0.19, 0.15]], [[0.6]], [[300]], 12)
    >>> found.signal[0, 12:], found.since[0, 12:], found.state[0, 12:]
    (array([False,  True, False]), array([ 0, 12, 12]), array([ 0, -1, -1]))
    """
    x, v, base = np.broadcast_arrays(*map(floats, (score, variance, n)))
    judge = (lambda e: e >= SIGNAL) if share is None else (lambda e: e_benjamini_hochberg(e, share))
    return Followed(x, v, np.nan_to_num(base), baseline, horizon, judge)


class Followed:
    """Series that are watched from their first baseline on, series x periods.

    After a signal watching begins anew from the likely start on, once there are three periods (with all periods it
    would announce an old change again), knowing how much scores swung before. A change is the last word until a
    signal the other way, until the score is shown to be back, or for a horizon: what held for so long is what is usual.
    A signal the other way after which the score is not unlike what it was before the change says that it is back.

    Attributes:
        e: Evidence; NaN in baselines and where there are no answers.
        signal: Whether it is a signal.
        since: Where what is still the last word began (counted from 0); meaningless where `state` is 0.
        state: 1 after a rise, -1 after a fall, `RETURNED` where the score is back from either, 0 where nothing is known
            to have changed within a horizon.
        expected: Score of the periods before the likeliest start of a change; NaN in baselines.
        of: How many periods these are; 0 in baselines.
    """

    def __init__(self, x: FloatArray, v: FloatArray, n: FloatArray, baseline: int, horizon: int, judge: Judge) -> None:
        self.x, self.v, self.n, self.horizon = np.nan_to_num(x), v, np.where(np.isnan(x), 0.0, n), horizon
        self.periods = x.shape[1]
        rows, known = np.arange(len(x)), self.n > 0
        self.origin = np.where(known.any(axis=1), known.argmax(axis=1), self.periods)
        self.first = self._enough(rows, self.origin, baseline)
        self.e, self.expected = np.full((2, *x.shape), np.nan)
        self.start, self.direction, self.since, self.state = np.zeros((4, *x.shape), dtype=np.int64)
        self.of = np.zeros(x.shape, dtype=np.int64)
        self.signal = np.zeros(x.shape, dtype=bool)
        self.until = np.zeros(len(x), dtype=np.int64)
        self.fit = np.tile(np.log(LIKELY)[:, None], (len(x), 1, self.periods + 1))  # of the swings, before each period
        # what was usual before the change that is the last word, its variance, and that between periods
        self.was, self.unsure, self.swing = np.full((3, len(x)), np.nan)
        self.side = np.zeros(len(x), dtype=np.int64)  # 1 after a rise and -1 after a fall, also once it is over
        self._watch(rows)
        for t in range(self.periods):
            if t:
                self._hold(np.flatnonzero((self.until > t) & (self.state[:, t - 1] != 0)), t)
            self.signal[:, t] = judge(self.e[:, t])
            self._begin_anew(np.flatnonzero(self.signal[:, t]), t)

    def _enough(self, rows: NDArray[np.intp], origin: NDArray[np.int64], least: int) -> NDArray[np.int64]:
        """The period after so many with answers: the others tell nothing of what is usual."""
        after = np.arange(self.periods) >= origin[:, None]
        enough = np.cumsum((self.n[rows] > 0) & after, axis=1) >= least
        return np.asarray(np.where(enough.any(axis=1), enough.argmax(axis=1) + 1, self.periods))

    def _score(
        self, rows: NDArray[np.intp], begin: NDArray[np.int64], end: NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Score of the periods from a first one on to before a last one, by their answers.

        With its standard error, and how much of the variance between periods is left in it.
        """
        when = np.arange(self.periods)
        n = self.n[rows] * ((when >= begin[:, None]) & (when < end[:, None]))
        total = positive(n.sum(axis=1))
        error = np.sqrt((n * self.v[rows]).sum(axis=1) / total**2)
        return (n * self.x[rows]).sum(axis=1) / total, error, (n**2).sum(axis=1) / total**2

    def _above(self, rows: NDArray[np.intp], score: FloatArray, error: FloatArray, part: FloatArray) -> FloatArray:
        """By how many standard errors, swings among them, a score lies above what was usual before the change."""
        variance = error**2 + self.unsure[rows] + self.swing[rows] * part
        return np.asarray((score - self.was[rows]) / np.sqrt(positive(variance)))

    def _remember(self, rows: NDArray[np.intp], start: NDArray[np.int64]) -> None:
        """What is usual before a change: the score, its variance, and that between periods as it was known then."""
        self.was[rows], error, part = self._score(rows, self.origin[rows], start)
        one = variance_before(self.x[rows], self.v[rows], self.n[rows])[np.arange(len(rows)), start]
        self.swing[rows] = one * (_shares(self.fit[rows, :, start]) @ np.square(SWINGS))
        self.unsure[rows] = error**2 + self.swing[rows] * part

    def _hold(self, rows: NDArray[np.intp], t: int) -> None:
        """What was said of the period before, as long as it holds."""
        self.since[rows, t], self.state[rows, t] = self.since[rows, t - 1], self.state[rows, t - 1]
        each = np.full(len(rows), t)
        away = np.abs(self._above(rows, *self._score(rows, each, each + 1))) >= AWAY
        returned = self.state[rows, t] == RETURNED
        self.state[rows[returned & away & (self.n[rows, t] > 0)], t] = 0
        over, back, begin = self._over(rows, t)
        over &= ~returned
        self.state[rows[over], t] = np.where(back, RETURNED, 0)[over]
        self.since[rows[over], t] = begin[over]

    def _over(self, rows: NDArray[np.intp], t: int) -> tuple[BoolArray, BoolArray, NDArray[np.int64]]:
        """Whether the last periods after a signal are unlike those that signalled, on the side of what was usual.

        Whether the score is back where it was, and which is the first of these periods.
        """
        told = self.until[rows] - self.horizon  # the period after the signal
        recent = np.cumsum((self.n[rows, : t + 1] > 0)[:, ::-1], axis=1) >= BACK
        begin = np.where(recent.any(axis=1), t - recent.argmax(axis=1), -1)
        now, then = self._score(rows, begin, np.full(len(rows), t + 1)), self._score(rows, self.since[rows, t], told)
        side, above = self.side[rows], self._above(rows, *now)
        unlike = side * (then[0] - now[0]) > Z * np.hypot(now[1], then[1])
        return np.asarray((begin >= told) & unlike & (side * above < Z)), np.abs(above) < Z, begin

    def _begin_anew(self, rows: NDArray[np.intp], t: int) -> None:
        start, direction, held = self.start[rows, t], self.direction[rows, t], self.state[rows, t]
        opposite = (held != 0) & (self.side[rows] == -direction)
        now = self._score(rows, start, np.full(len(rows), t + 1))
        back = opposite & (np.abs(self._above(rows, *now)) < Z)
        same = (held == direction) | (held == RETURNED) & back
        self.since[rows, t] = np.where(same, self.since[rows, t], start)
        other = ~(same | back | (held == RETURNED))
        self._remember(rows[other], start[other])
        self.side[rows] = np.where(back, self.side[rows], direction)
        self.state[rows, t], self.until[rows] = np.where(back, RETURNED, direction), t + 1 + self.horizon
        self.origin[rows] = start
        self.first[rows] = np.maximum(self._enough(rows, start, SHORTEST), t + 1)
        for told, nothing in ((self.e, np.nan), (self.expected, np.nan), (self.of, 0)):
            told[rows, t + 1 :] = nothing
        self._watch(rows)

    def _watch(self, rows: NDArray[np.intp]) -> None:
        """Evidence of the looks that follow the baselines of some series."""
        for origin, first in {(int(self.origin[row]), int(self.first[row])) for row in rows}:
            if first >= self.periods:
                continue
            chosen = rows[(self.origin[rows] == origin) & (self.first[rows] == first)]
            cut, looks = np.ix_(chosen, range(origin, self.periods)), np.ix_(chosen, range(first, self.periods))
            data = (self.x[cut], self.v[cut], self.n[cut])
            found, fit = _weighed(*data, first - origin, SIZES, self.horizon, None, self.fit[chosen, :, origin])
            self.fit[chosen, :, origin + 1 :] = fit
            self.e[looks] = np.where(self.n[looks] > 0, found.e, np.nan)
            self.start[looks], self.direction[looks] = origin + found.start, found.direction
            self.of[looks] = found.start
            n = np.concatenate([np.zeros((len(chosen), 1)), np.cumsum(data[2], axis=1)], axis=1)
            total = np.concatenate([np.zeros((len(chosen), 1)), np.cumsum(data[2] * data[0], axis=1)], axis=1)
            before, sums = (np.take_along_axis(part, found.start, axis=1) for part in (n, total))
            self.expected[looks] = sums / positive(before)


def variance_before(x: FloatArray, v: FloatArray, n: FloatArray) -> FloatArray:
    """Variance of one answer among all before each period, and last among all: series x (periods + 1)."""
    first = np.full((len(x), 1), _ADDED)
    answers = np.concatenate([first, _ADDED + np.cumsum(n, axis=1)], axis=1)
    total = np.concatenate([0.0 * first, np.cumsum(n * x, axis=1)], axis=1)
    squares = np.concatenate([0.0 * first + _ADDED_SQUARES, _ADDED_SQUARES + np.cumsum(n * (v + x**2), axis=1)], axis=1)
    return np.asarray(squares / answers - (total / answers) ** 2)
