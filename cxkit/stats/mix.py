"""Why a total moved: because the segments changed (rate) or because their sizes did (mix)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cxkit.stats.core import FloatArray, floats, plain, positive
from cxkit.stats.design import Cross, Sums, products_of


class Mix(NamedTuple):
    """A change taken apart: the parts add up to it, per segment and in total."""

    change: float
    mix: float
    rate: float
    mix_by_segment: FloatArray
    rate_by_segment: FloatArray


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


def pooled_mix(
    share: tuple[FloatArray, FloatArray], rate: tuple[FloatArray, FloatArray], later: FloatArray
) -> tuple[float, tuple[Slopes, Slopes]]:
    """The whole mix at the scores of both periods together, by which it is tested, and its slopes before and now.

    Kitagawa's mix takes the mean of both scores of a part, whatever they rest on: a part that nearly left blurs it.

    Args:
        share: Share of each part before and now.
        rate: Score of each part before and now; any number where the share is 0.
        later: Of the weight that a part has in both periods, how much is now's.

    Formula: sum (w1 - w0)(later r1 + (1 - later) r0), `later` taken as fixed.

    >>> half = np.array([0.5, 0.5])
    >>> value, _ = pooled_mix((half, np.array([0.7, 0.3])), (np.array([0.2, 0.6]),) * 2, half)
    >>> round(value, 3)
    -0.08
    """
    grown, parts = share[1] - share[0], (1.0 - later, later)
    mean = parts[0] * rate[0] + parts[1] * rate[1]
    sides = []
    for sign, w, r, part in zip((-1.0, 1.0), share, rate, parts, strict=True):
        slope = grown * part / np.where(w > 0, w, 1.0)
        sides.append(Slopes(sign * mean - slope * r, slope, np.zeros_like(slope)))
    return float(grown @ mean), (sides[0], sides[1])


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


def total_products(
    slopes: tuple[Slopes, Slopes], parts: tuple[Sums, Sums], own: Sequence[ArrayLike], every: Sequence[ArrayLike]
) -> float:
    """Covariance of two figures that are sums over all parts, such as the whole mix of a change; of one its variance.

    Args:
        slopes: How either figure moves with each part; the slopes in the total are not used, as they sum to 0.
        parts: Sums over clusters of the parts of either side, of which w and s are used.
        own: Of each part, sums over the clusters in both sides of W1 W2, S1 W2, W1 S2, S1 S2.
        every: The same of the whole.

    Formula: sum_g Z1_g Z2_g / (W1 W2), Z_g = sum over parts k of (share_k - mean z) W_gk + scores_k S_gk. What clusters
    have in two parts is known of all pairs together; their weights and what their scores have in common beside the
    means of the parts are spread over the pairs by weight: exact where clusters lie within parts, in expectation where
    those of a cluster fall into parts by chance. Source: Binder (1983), doi 10.2307/1402588.

    >>> part = Sums(*np.full((6, 2), 2.0))  # two parts of two answers, all 1, each its own cluster
    >>> same = Slopes(np.zeros(2), np.ones(2), np.zeros(2))
    >>> total_products((same, same), (part, part), np.full((4, 2), 2.0), np.full(4, 4.0))
    0.0
    """
    sides, about, weights, means = [], [], [], []
    for slope, part in zip(slopes, parts, strict=True):
        w, s = floats(part.w), floats(part.s)
        share, mean = slope.share - (slope.share @ w + slope.scores @ s) / w.sum(), s / np.where(w > 0, w, 1.0)
        sides.append((slope.scores, share))
        about.append((slope.scores, share + slope.scores * mean))  # of scores about the mean of their part
        weights.append(w)
        means.append(mean)
    apart = np.outer(*weights)
    np.fill_diagonal(apart, 0.0)
    apart /= max(apart.sum(), 1e-300)
    ww, sw, ws, ss = (floats(all_of) - np.sum(floats(held)) for all_of, held in zip(every, own, strict=True))
    one, two = apart.sum(axis=1) @ means[0], apart.sum(axis=0) @ means[1]
    sw, ws = sw - one * ww, ws - two * ww
    ss = ss - two * sw - one * ws - (means[0] @ apart @ means[1]) * ww
    (s1, w1), second = about
    across = products_of((s1[:, None], w1[:, None]), second, (ww, sw, ws, ss)) * apart
    return float((products_of(sides[0], sides[1], own).sum() + across.sum()) / (weights[0].sum() * weights[1].sum()))


def _cluster(slopes: Slopes, part: Sums, rest: Sums) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
    """What a cluster in the part has for its scores and for its weight, and the mean of what all have."""
    whole = positive(np.add(part.w, rest.w))
    every = np.add(part.s, rest.s)
    mean = (slopes.share * np.asarray(part.w) + slopes.scores * np.asarray(part.s) + slopes.total * every) / whole
    return (slopes.scores + slopes.total, slopes.share - mean), mean


def _parts(
    size0: FloatArray, size1: FloatArray, rate0: FloatArray, rate1: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    w0, w1 = (size / size.sum(axis=-1, keepdims=True) for size in (size0, size1))
    r0 = np.where(w0 > 0, rate0, np.where(w1 > 0, rate1, 0.0))
    r1 = np.where(w1 > 0, rate1, r0)
    total0, total1 = (w0 * r0).sum(axis=-1), (w1 * r1).sum(axis=-1)
    middle = ((total0 + total1) / 2.0)[..., None]
    return total1 - total0, (w1 - w0) * ((r0 + r1) / 2.0 - middle), (r1 - r0) * (w0 + w1) / 2.0
