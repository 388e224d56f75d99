"""Mix and rate against Das Gupta's example."""

from __future__ import annotations

import numpy as np
import pytest

from cxkit.stats import Cross, mix_and_rate, sums_of
from cxkit.stats.mix import Slopes, contribution_slopes, part_covariance, part_variance

# Das Gupta (1993), example 5.1, as in the README of the R package DasGuptR: women by age group, 1970 and 1985.
SIZE_1970 = [12.9, 10.9, 9.5, 8, 7.8, 8.4, 8.6, 7.8, 7, 5.9, 4.7, 3.6, 4.9]
SIZE_1985 = [10.1, 11.2, 11.6, 10.9, 9.4, 7.7, 6.3, 6, 6.3, 5.9, 5.1, 4, 5.5]
RATE_1970 = [1.9, 25.8, 45.7, 49.6, 51.2, 51.6, 51.8, 54.9, 58.7, 60.4, 62.8, 66.6, 66.8]
RATE_1985 = [2.2, 24.3, 45.8, 52.5, 56.1, 55.6, 56, 57.4, 57.2, 61.2, 63.9, 68.6, 72.2]


def test_das_gupta():
    result = mix_and_rate(SIZE_1970, SIZE_1985, RATE_1970, RATE_1985)
    # The totals are 44.7268 and 47.6940.
    before, now = (np.average(r, weights=w) for r, w in ((RATE_1970, SIZE_1970), (RATE_1985, SIZE_1985)))
    assert (before, now) == pytest.approx((44.7268, 47.6940), abs=5e-5)
    assert result.change == pytest.approx(now - before)
    assert (result.mix, result.rate) == pytest.approx((1.2269, 1.7403), abs=5e-5)


def test_parts_add_up_and_a_growing_segment_below_average_lowers():
    result = mix_and_rate([50, 50], [70, 30], [0.2, 0.6], [0.25, 0.55])
    assert result.mix_by_segment.sum() + result.rate_by_segment.sum() == pytest.approx(result.change)
    assert np.all(result.mix_by_segment < 0)  # one below average grows, one above shrinks
    assert np.sign(result.rate_by_segment).tolist() == [1, -1]


def test_a_new_segment_is_all_mix():
    result = mix_and_rate([10, 0], [10, 5], [0.5, np.nan], [0.5, 0.2])
    assert result.rate == 0
    assert result.mix == pytest.approx(result.change) == pytest.approx(-0.1)


def test_what_is_no_change_of_parts_is_refused():
    with pytest.raises(ValueError, match="expected one number of them"):
        mix_and_rate([1, 2], [1, 2, 3], [1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="sum above 0"):
        mix_and_rate([0, 0], [1, 2], [1, 2], [1, 2])


@pytest.mark.parametrize("seed", range(4))
def test_slopes_are_the_derivatives_of_what_they_are_slopes_of(seed):
    """By a complex step, which has no rounding, of Kitagawa's parts as functions of w, w r and both totals."""
    w0, w1, r0, r1, t0, t1 = np.random.default_rng(seed).uniform(0.1, 0.9, 6)

    def parts(w0, s0, t0, w1, s1, t1):
        r0, r1, mean = s0 / w0, s1 / w1, (t0 + t1) / 2
        own = w1 * (r1 - mean) - w0 * (r0 - mean)
        mix = (w1 - w0) * ((r0 + r1) / 2 - mean)
        return {"contribution": own, "by_mix": mix, "by_rate": (w0 + w1) / 2 * (r1 - r0), "others": t1 - t0 - own}

    found = contribution_slopes((w0, w1), (r0, r1), (t0, t1))
    at = [w0, w0 * r0, t0, w1, w1 * r1, t1]
    for i in range(6):
        step = parts(*(x + 1e-30j * (i == j) for j, x in enumerate(at)))
        for name, value in step.items():
            assert found[name][i // 3][i % 3] == pytest.approx(value.imag / 1e-30, abs=1e-12), (name, i)


@pytest.mark.parametrize("seed", range(3))
def test_the_error_of_a_part_is_that_of_its_clusters_one_by_one(seed):
    """Z_g = sum of w (z - mean z) over the answers of a cluster, from raw clusters in the part, the rest or both."""
    rng = np.random.default_rng(seed)
    m, slopes = 9, Slopes(*rng.normal(size=3))
    weight, y = rng.uniform(0.2, 1.0, (2, m)) * 0.3, rng.normal(size=(2, m))  # in the part, and in the rest
    weight[0, 6:], weight[1, :3] = 0, 0
    z = np.stack([slopes.share + (slopes.scores + slopes.total) * y[0], slopes.total * y[1]])
    totals = (weight * (z - (weight * z).sum() / weight.sum())).sum(axis=0)
    sides = [sums_of(w[w > 0], (w * x)[w > 0]) for w, x in zip(weight, y, strict=True)]
    (w0, w1), (s0, s1) = weight, weight * y
    cross = Cross(*((a * b).sum() for a, b in ((w0, w1), (s0, w1), (w0, s1), (s0, s1))))
    expected = m / (m - 1) * (totals**2).sum() / weight.sum() ** 2
    assert part_variance(slopes, *sides, cross, m) == pytest.approx(expected)
    assert np.isnan(part_variance(slopes, *sides, cross, 1))
    inside = w0 * (z[0] - (weight * z).sum() / weight.sum())
    own = Cross(*((a * b).sum() for a, b in ((w0, w0), (s0, w0), (w0, s0), (s0, s0))))
    found = part_covariance((slopes, slopes), (sides[0], sides[0]), (sides[1], sides[1]), own)
    assert found == pytest.approx((inside**2).sum() / weight.sum() ** 2)
