"""Why a total moved: because the segments changed (rate) or because their sizes did (mix)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import FloatArray, Interval, critical, floats, percentiles, plain, positive
from cxkit.stats.design import Cross, Sums, products_of


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


class Slopes(NamedTuple):
    """How a figure of one part moves with its share, with its sum of scores, and with the score of the whole."""

    share: FloatArray
    scores: FloatArray
    total: FloatArray


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
    arrays = [floats(x) for x in (size_before, size_now, rate_before, rate_now)]
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
    value = floats(values)
    tables = [np.array([side[name] for name in before], dtype=np.float64) for side in (before, now)]
    generator = np.random.default_rng(seed)
    (sizes0, rates0), (sizes1, rates1) = (_rates(_resampled(table, replicates, generator), value) for table in tables)
    _, mix, rate = _parts(sizes0, sizes1, rates0, rates1)
    (size0, rate0), (size1, rate1) = (_rates(table, value) for table in tables)
    limits = (percentiles(part, level) for part in (mix.sum(axis=-1), rate.sum(axis=-1), mix, rate))
    return MixIntervals(mix_and_rate(size0, size1, rate0, rate1), *limits)


def contribution_slopes(
    share: tuple[FloatArray, FloatArray], rate: tuple[FloatArray, FloatArray], total: tuple[float, float]
) -> dict[str, tuple[Slopes, Slopes]]:
    """Slopes of the contribution of each part, of its mix and rate, and of all others, for their linearised errors.

    Args:
        share: Share of each part before and now.
        rate: Score of each part before and now; any number where the share is 0.
        total: Score of the whole before and now.

    Returns:
        "contribution", "by_mix", "by_rate", "others": slopes before and now.

    Formula: the contribution is w1 (r1 - R) - w0 (r0 - R), R the mean of the two totals; its slopes in the share w, in
    w r and in the total; likewise of the mix, and their difference for the rate; others are the change without it. A
    part that is new or gone is all mix. Source: Kitagawa (1955), doi 10.1080/01621459.1955.10501299.

    >>> slopes = contribution_slopes((0.5, 0.7), (0.2, 0.2), (0.4, 0.32))
    >>> [round(float(x), 2) for x in slopes["contribution"][1]]
    [-0.36, 1.0, -0.1]
    """
    (w0, w1), (r0, r1) = share, rate
    grown, mean, both = np.subtract(w1, w0), (total[0] + total[1]) / 2.0, (np.minimum(w0, w1) > 0)
    sides = []
    for sign, w, r in ((-1.0, w0, r0), (1.0, w1, r1)):
        one = np.ones_like(grown)
        own = Slopes(-sign * mean * one, sign * one, -grown / 2.0)
        slope = grown / (2.0 * np.where(both, w, 1.0))
        mixed = (sign * (np.add(r0, r1) / 2.0 - mean) - slope * r, slope, -grown / 2.0)
        mix = Slopes(*(np.where(both, a, b) for a, b in zip(mixed, own, strict=True)))
        others = Slopes(-own.share, -own.scores, sign - own.total)
        rates = Slopes(*(a - b for a, b in zip(own, mix, strict=True)))
        sides.append({"contribution": own, "by_mix": mix, "by_rate": rates, "others": others})
    return {name: (sides[0][name], sides[1][name]) for name in sides[0]}


def part_variance(slopes: Slopes, part: Sums, rest: Sums, cross: Cross, clusters: ArrayLike) -> FloatArray:
    """Linearised variance of a figure of a part within a whole, in one period.

    Args:
        slopes: How the figure moves.
        part: Sums over clusters of the part.
        rest: Of all that the whole holds beside it.
        cross: Of the clusters in both.
        clusters: Number of clusters of the whole, M.

    Formula: M/(M - 1) sum_g Z_g^2 / W^2, Z_g = sum over answers of w (z - mean z), z = share + scores y in the part,
    plus total y everywhere. Source: Binder (1983), doi 10.2307/1402588.

    >>> part, rest = Sums(2, 2, 2, 2, 2, 2), Sums(2, 0, 2, 0, 0, 2)  # answers 1, 1 and 0, 0, each its own cluster
    >>> part_variance(Slopes(0.0, 1.0, 0.0), part, rest, Cross(0, 0, 0, 0), 4)  # of the mean of 1, 1, 0, 0
    0.083333
    """
    p, r = (Sums(*map(floats, sums)) for sums in (part, rest))
    inside, mean = _cluster(slopes, p, r)
    beside = (slopes.total, -mean)
    squares = products_of(inside, inside, (p.ww, p.sw, p.sw, p.ss))
    squares = squares + products_of(beside, beside, (r.ww, r.sw, r.sw, r.ss))
    squares = np.maximum(squares + 2.0 * products_of(inside, beside, cross), 0.0)
    m = floats(clusters)
    spread = np.where(m > 1, m / np.maximum(m - 1.0, 1.0), np.nan)
    return plain(spread * squares / positive(np.add(p.w, r.w)) ** 2)


def part_covariance(
    slopes: tuple[Slopes, Slopes], parts: tuple[Sums, Sums], rests: tuple[Sums, Sums], cross: Cross
) -> FloatArray:
    """Covariance of the two periods of a figure, by the people who answered in the part in both.

    Args:
        slopes: Before and now.
        parts: Sums over respondents of the part, before and now.
        rests: Of all beside it, of which only w and s are used.
        cross: Of the people in both, the earlier period first.

    Formula: sum over them of Z0_g Z1_g / (W0 W1), as in `part_variance`, without what they said elsewhere. Source: as
    there.

    >>> part, rest = Sums(2, 1, 2, 1, 1, 2), Sums(0, 0, 0, 0, 0, 0)  # answers 0 and 1, the same twice
    >>> part_covariance((Slopes(0.0, 1.0, 0.0),) * 2, (part, part), (rest, rest), Cross(2, 1, 1, 1))
    0.125
    """
    (before, _), (now, _) = (_cluster(*each) for each in zip(slopes, parts, rests, strict=True))
    whole = [positive(np.add(part.w, rest.w)) for part, rest in zip(parts, rests, strict=True)]
    return plain(products_of(before, now, cross) / (whole[0] * whole[1]))


def _cluster(slopes: Slopes, part: Sums, rest: Sums) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
    """What a cluster in the part has for its scores and for its weight, and the mean of what all have."""
    whole = positive(np.add(part.w, rest.w))
    every = np.add(part.s, rest.s)
    mean = (slopes.share * np.asarray(part.w) + slopes.scores * np.asarray(part.s) + slopes.total * every) / whole
    return (slopes.scores + slopes.total, slopes.share - mean), mean


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
