"""Why a total moved: because the segments changed (rate) or because their sizes did (mix)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import FloatArray, Interval, critical, plain, positive


class Mix(NamedTuple):
    """A change taken apart: the parts add up to it, per segment and in total."""

    change: float
    mix: float
    rate: float
    mix_by_segment: FloatArray
    rate_by_segment: FloatArray


class MixIntervals(NamedTuple):
    """The parts of a change and the percentile limits of each."""

    parts: Mix
    mix: Interval
    rate: Interval
    mix_by_segment: Interval
    rate_by_segment: Interval


def mix_and_rate(size_before: ArrayLike, size_now: ArrayLike, rate_before: ArrayLike, rate_now: ArrayLike) -> Mix:
    """Change of a total, split into mix and rate.

    Args:
        size_before: Size of each segment before, any unit; shares are taken.
        size_now: The same now, of the same segments in the same order.
        rate_before: Score of each segment before; may be NaN where its size is 0.
        rate_now: The same now.

    Raises:
        ValueError: For unequal numbers of segments, or sizes that sum to 0.

    Formula: sum (w1 - w0)((r0 + r1)/2 - R) + sum (r1 - r0)(w0 + w1)/2, R the mean of the two totals, so that a growing
    segment below the average contributes negatively. A segment that is new or gone has only its one rate: all mix.
    Source: Kitagawa (1955), doi 10.1080/01621459.1955.10501299.

    >>> mix_and_rate([50, 50], [70, 30], [0.2, 0.6], [0.2, 0.6])[:3]
    (-0.08, -0.08, 0.0)
    """
    arrays = [np.asarray(x, dtype=np.float64) for x in (size_before, size_now, rate_before, rate_now)]
    if len({array.shape for array in arrays}) > 1:
        raise ValueError(f"segments: expected one number of them, found {[array.shape[-1:] for array in arrays]}")
    if not all(size.sum() > 0 for size in arrays[:2]):
        raise ValueError("sizes: expected a sum above 0 in both periods")
    change, mix, rate = _parts(*arrays)
    return Mix(float(change), float(mix.sum()), float(rate.sum()), mix, rate)


def mix_and_rate_intervals(
    before: Mapping[str, ArrayLike],
    now: Mapping[str, ArrayLike],
    values: ArrayLike,
    level: float = 0.95,
    *,
    replicates: int = 2000,
    seed: int = 0,
) -> MixIntervals:
    """Mix and rate from counts, with limits by the multinomial bootstrap of the counts.

    Args:
        before: Segment -> counts of answers, in the order of values.
        now: The same now.
        values: Value of each answer, such as -1, 0, 1.
        level: Confidence level in (0, 1).
        replicates: Resamples.
        seed: Seed of the resamples.

    Returns:
        Parts and limits, segments in the order of `before`.

    Raises:
        ValueError: Where the two periods do not have the same segments: their codes may have changed between waves, and
            then a split would be meaningless.

    Formula: `mix_and_rate` of each resample of the counts of either period, and the quantiles of its parts.
    Source: Kitagawa (1955); Efron (1979), doi 10.1214/aos/1176344552.

    >>> cells = {"web": [5, 5, 10], "phone": [10, 5, 5]}
    >>> mix_and_rate_intervals(cells, cells, [-1, 0, 1]).parts.change
    0.0
    """
    if set(before) != set(now):
        alone = sorted(map(str, set(before) - set(now))), sorted(map(str, set(now) - set(before)))
        raise ValueError(f"segments: expected the same in both periods; only before: {alone[0]}, only now: {alone[1]}")
    critical(level)
    value = np.asarray(values, dtype=np.float64)
    tables = [np.array([side[name] for name in before], dtype=np.float64) for side in (before, now)]
    generator = np.random.default_rng(seed)
    draws = [_resampled(table, replicates, generator) for table in tables]
    (sizes0, rates0), (sizes1, rates1) = (_rates(table, value) for table in draws)
    _, mix, rate = _parts(sizes0, sizes1, rates0, rates1)
    (size0, rate0), (size1, rate1) = (_rates(table, value) for table in tables)
    tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    limits = [Interval(*(plain(x) for x in np.quantile(part, tails, axis=0)))
              for part in (mix.sum(axis=-1), rate.sum(axis=-1), mix, rate)]  # fmt: skip
    return MixIntervals(mix_and_rate(size0, size1, rate0, rate1), *limits)


def _resampled(table: FloatArray, replicates: int, generator: np.random.Generator) -> FloatArray:
    total = table.sum()
    drawn = generator.multinomial(round(total), (table / total).ravel(), replicates)
    return drawn.reshape(replicates, *table.shape).astype(np.float64)


def _rates(table: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    sizes = np.asarray(table.sum(axis=-1))
    return sizes, np.asarray((table @ value) / positive(sizes))


def _parts(
    size0: FloatArray, size1: FloatArray, rate0: FloatArray, rate1: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    w0, w1 = (size / size.sum(axis=-1, keepdims=True) for size in (size0, size1))
    r0 = np.where(w0 > 0, rate0, np.where(w1 > 0, rate1, 0.0))
    r1 = np.where(w1 > 0, rate1, r0)
    total0, total1 = (w0 * r0).sum(axis=-1), (w1 * r1).sum(axis=-1)
    middle = ((total0 + total1) / 2.0)[..., None]
    return total1 - total0, (w1 - w0) * ((r0 + r1) / 2.0 - middle), (r1 - r0) * (w0 + w1) / 2.0
