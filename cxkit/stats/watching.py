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

from cxkit.stats.core import BoolArray, FloatArray, floats
from cxkit.stats.multiplicity import e_benjamini_hochberg

Judge: TypeAlias = Callable[[FloatArray], BoolArray]

# Changes that are looked for, in standard deviations of one answer: 5, 10 and 20 points of a typical NPS.
SIZES = (0.064, 0.128, 0.256)
SIGNAL = 20.0  # evidence that a stable series reaches in at most one horizon of twenty
SHORTEST = 3  # periods of a baseline
KNOWN_SWINGS = 6  # baseline periods from which the variance between periods is estimated
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
        horizon: Looks over which the guarantee is meant; more periods than baseline and horizon are a ValueError.
        between: Variance between periods beyond sampling, one number or one per series: None for that of the baseline
            by DerSimonian and Laird (0 for fewer than six periods, which cannot tell); 0 for none.

    Returns:
        Evidence, series x looks. A stable series exceeds 20 anywhere in the horizon with a probability of about .05 at
        most; 2 % in the simulations of `benchmarks/watch.py`.

    Formula: z_t = (x_t - m_t) / sqrt(s_t^2 + tau^2 + 1/A_t), m_t the mean of all periods before by the weights
    W = 1/(s^2 + tau^2), A_t their sum. A change of d from period j on moves z_t by lambda = d A_j / A_t per standard
    error; E_t is the mean over d of sum_j exp(sum (lambda z - lambda^2/2)) / horizon, starts to come counting 1 each.
    Source: Shin, Ramdas and Rinaldo (2022), E-detectors, doi 10.51387/23-NEJSDS51; recursive residuals: Brown, Durbin
    and Evans (1975).

    >>> score = [[0.30, 0.34, 0.32] * 4 + [0.14, 0.19, 0.15]]
    >>> found = change_evidence(score, [[0.6]], [[300]], 12)
    >>> found.e.round().tolist(), found.start, found.direction
    ([[29.0, 293.0, 32920.0]], array([[12, 12, 12]]), array([[-1, -1, -1]]))
    """
    x, v, base = np.broadcast_arrays(*map(floats, (score, variance, n)))
    if x.ndim != 2:
        raise ValueError(f"score: expected series x periods, found {x.ndim} dimension(s)")
    series, periods = x.shape
    if not SHORTEST <= baseline <= periods:
        raise ValueError(f"baseline: expected {SHORTEST} to {periods} periods, found {baseline}")
    looks = periods - baseline
    if looks > horizon:
        raise ValueError(f"horizon: expected at least the {looks} periods after the baseline, found {horizon}")
    known = (base > 0) & ~np.isnan(x)
    x, v, base = (np.where(known, part, 0.0) for part in (x, v, base))
    one = variance_before(x, v, base)
    first = one[:, baseline]
    tau = _between(x, base, first, baseline) if between is None else np.broadcast_to(floats(between), series)
    error = one[:, :-1] / np.where(known, base, np.nan) + tau[:, None]
    # the periods of the baseline weigh by one variance, which is known to its end only
    error[:, :baseline] = first[:, None] / np.where(known, base, np.nan)[:, :baseline] + tau[:, None]
    weight = np.where(known, 1.0 / error, 0.0)
    before = np.concatenate([np.zeros((series, 1)), np.cumsum(weight, axis=1)], axis=1)[:, :-1]
    mean = np.concatenate([np.zeros((series, 1)), np.cumsum(weight * x, axis=1)], axis=1)[:, :-1]
    changes = np.array([sign * size for size, sign in product(sizes, (-1.0, 1.0))])
    ratios = np.zeros((series, horizon, len(changes)))  # logarithms, by start and change
    e, start, direction = np.empty((series, looks)), *np.zeros((2, series, looks), dtype=np.int64)
    for look in range(looks):
        t = baseline + look
        begun = slice(None, look + 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = np.sqrt(error[:, t] + 1.0 / before[:, t])
            z = (x[:, t] - mean[:, t] / before[:, t]) / spread
            kept = before[:, baseline : t + 1] / before[:, t, None] / spread[:, None]  # of a change at each start
        shift = kept[:, :, None] * (np.sqrt(first)[:, None] * changes)[:, None, :]
        gain = shift * z[:, None, None] - shift**2 / 2.0
        ratios[:, begun] += np.where(np.isnan(gain), 0.0, gain)
        answered = known[:, baseline : t + 1, None]  # a change is never said to begin where nobody answered
        terms = np.where(answered, ratios[:, begun], -np.inf).reshape(series, -1)
        e[:, look] = np.exp(ratios).sum(axis=1).mean(axis=1) / horizon
        largest = terms.argmax(axis=1)
        start[:, look] = baseline + largest // len(changes)
        direction[:, look] = np.sign(changes)[largest % len(changes)]
    return Evidence(np.where(before[:, baseline : baseline + looks] > 0, e, np.nan), start, direction)


def follow(
    score: ArrayLike, variance: ArrayLike, n: ArrayLike, baseline: int, *, horizon: int = 12, share: float | None = None
) -> Followed:
    """Watch series through all their periods, as somebody does who looks at each of them.

    Args:
        score: As in `change_evidence`; each series begins with its first answers.
        variance: Likewise.
        n: Likewise.
        baseline: Periods of the first baseline.
        horizon: Looks between two baselines.
        share: None: a series signals by itself, at evidence of 20. Else of the signals of all series, in each period,
            at most this share may be false (`e_benjamini_hochberg`).

    >>> found = follow([[0.30, 0.34, 0.32] * 4 + [0.14, 0.19, 0.15]], [[0.6]], [[300]], 12)
    >>> found.signal[0, 12:], found.since[0, 12:], found.state[0, 12:]
    (array([ True, False, False]), array([12, 12, 12]), array([-1, -1, -1]))
    """
    x, v, base = np.broadcast_arrays(*map(floats, (score, variance, n)))
    judge = (lambda e: e >= SIGNAL) if share is None else (lambda e: e_benjamini_hochberg(e, share))
    return Followed(x, v, np.nan_to_num(base), baseline, horizon, judge)


class Followed:
    """Series that are watched one horizon after the other, series x periods.

    A signal ends its baseline: watching begins anew from the likely start on, once there are three periods. Without one
    the baseline rolls on after the horizon. (Beginning anew with all periods would announce an old change again.)

    Attributes:
        e: Evidence; NaN in baselines and where there are no answers.
        signal: Whether it is a signal.
        since: Where the change began (counted from 0) that is still the last word; meaningless where `state` is 0.
        state: 1 after a rise, -1 after a fall, 0 where nothing is known to have changed within a horizon.
        expected: Score of the baseline.
        of: Its periods; 0 in baselines.
    """

    def __init__(self, x: FloatArray, v: FloatArray, n: FloatArray, baseline: int, horizon: int, judge: Judge) -> None:
        self.x, self.v, self.n, self.horizon = x, v, n, horizon
        self.periods = x.shape[1]
        known = n > 0
        self.origin = np.where(known.any(axis=1), known.argmax(axis=1), self.periods)
        self.baseline = np.full(len(x), baseline)
        self.e, self.expected = np.full((2, *x.shape), np.nan)
        self.start, self.direction, self.since, self.state = np.zeros((4, *x.shape), dtype=np.int64)
        self.of = np.zeros(x.shape, dtype=np.int64)
        self.signal = np.zeros(x.shape, dtype=bool)
        self._watch(np.arange(len(self.x)))
        for t in range(self.periods):
            over = np.flatnonzero(self.origin + self.baseline + self.horizon == t)
            self.baseline[over] = t - self.origin[over]
            self._watch(over)
            if t:
                kept = np.setdiff1d(np.arange(len(self.x)), over)  # what held for a whole horizon is what is usual
                self.since[kept, t], self.state[kept, t] = self.since[kept, t - 1], self.state[kept, t - 1]
            self.signal[:, t] = judge(self.e[:, t])
            self._begin_anew(np.flatnonzero(self.signal[:, t]), t)

    def _begin_anew(self, rows: NDArray[np.intp], t: int) -> None:
        start, direction = self.start[rows, t], self.direction[rows, t]
        further = self.state[rows, t] == direction
        self.since[rows, t] = np.where(further, self.since[rows, t], start)
        self.state[rows, t] = direction
        self.origin[rows], self.baseline[rows] = start, np.maximum(t + 1 - start, SHORTEST)
        self.e[rows, t + 1 :] = np.nan
        self._watch(rows)

    def _watch(self, rows: NDArray[np.intp]) -> None:
        """Evidence of the looks that follow the baselines of some series."""
        for origin, length in {(int(self.origin[row]), int(self.baseline[row])) for row in rows}:
            first = origin + length
            last = min(first + self.horizon, self.periods)
            if last <= first:
                continue
            chosen = rows[(self.origin[rows] == origin) & (self.baseline[rows] == length)]
            cut = np.ix_(chosen, range(origin, last))
            found = change_evidence(self.x[cut], self.v[cut], self.n[cut], length, horizon=self.horizon)
            looks = np.ix_(chosen, range(first, last))
            self.e[looks] = np.where(self.n[looks] > 0, found.e, np.nan)
            self.start[looks], self.direction[looks] = origin + found.start, found.direction
            base = self.n[np.ix_(chosen, range(origin, first))]
            values = np.nan_to_num(self.x[np.ix_(chosen, range(origin, first))])
            total = base.sum(axis=1)
            self.expected[looks] = ((base * values).sum(axis=1) / np.where(total > 0, total, np.nan))[:, None]
            self.of[looks] = length


def variance_before(x: FloatArray, v: FloatArray, n: FloatArray) -> FloatArray:
    """Variance of one answer among all before each period, and last among all: series x (periods + 1)."""
    first = np.full((len(x), 1), _ADDED)
    answers = np.concatenate([first, _ADDED + np.cumsum(n, axis=1)], axis=1)
    total = np.concatenate([0.0 * first, np.cumsum(n * x, axis=1)], axis=1)
    squares = np.concatenate([0.0 * first + _ADDED_SQUARES, _ADDED_SQUARES + np.cumsum(n * (v + x**2), axis=1)], axis=1)
    return np.asarray(squares / answers - (total / answers) ** 2)


def _between(x: FloatArray, n: FloatArray, variance: FloatArray, baseline: int) -> FloatArray:
    """Variance between the periods of the baseline beyond sampling, per series (DerSimonian and Laird 1986)."""
    if baseline < KNOWN_SWINGS:
        return np.zeros(len(x))
    x, weight = x[:, :baseline], n[:, :baseline] / variance[:, None]
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weight * x).sum(axis=1) / total
        q = (weight * (x - mean[:, None]) ** 2).sum(axis=1)
        excess = q - ((weight > 0).sum(axis=1) - 1.0)
        tau = excess / (total - (weight**2).sum(axis=1) / total)
    return np.where(tau > 0, tau, 0.0)
