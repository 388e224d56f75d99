"""Ordinal answers against scipy's Mann-Whitney and Brunner-Munzel statistics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import superiority


def answers(counts):
    return np.repeat(np.arange(len(counts)), counts)


@pytest.mark.parametrize(
    ("now", "before"), [([1, 2, 7], [4, 3, 3]), ([0, 5, 9, 20, 3], [2, 8, 8, 1, 1]), ([3, 0], [2, 5])]
)
def test_the_effect_is_mann_whitneys(now, before):
    u = stats.mannwhitneyu(answers(now), answers(before)).statistic
    assert superiority(now, before).value == pytest.approx(u / (sum(now) * sum(before)))


@pytest.mark.parametrize(("now", "before"), [([1, 2, 7], [4, 3, 3]), ([0, 5, 9, 20, 3], [2, 8, 8, 1, 1])])
def test_interval_and_p_are_those_of_placements_with_one_answer_added(now, before):
    """By placements, as Brunner and Munzel: to either side one answer is added that is spread like all of them."""
    every = np.add(now, before) / (sum(now) + sum(before))
    weights = [np.array(side) + every for side in (now, before)]
    shares = [w / w.sum() for w in weights]

    def below(i, other):
        return other[:i].sum() + other[i] / 2

    theta = sum(p * below(i, shares[1]) for i, p in enumerate(shares[0]))
    variance, scaled = 0.0, 0.0
    for own, other, n in zip(shares, shares[::-1], (sum(now), sum(before)), strict=True):
        placed = np.array([below(i, other) for i in range(len(own))])
        v = (own @ placed**2 - (own @ placed) ** 2) / (n - 1)
        variance, scaled = variance + v, scaled + v**2 / (n - 1)
    value, df, base = superiority(now, before).value, variance**2 / scaled, theta * (1 - theta) / variance
    t = 2 * (value - 0.5) * np.sqrt(base)
    found = superiority(now, before)
    assert found.pvalue == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-9)
    z = stats.t.isf(0.025, df)
    for limit in (found.low, found.high):  # Wilson's: |value - limit| is z standard errors at the limit
        assert abs(value - limit) == pytest.approx(z * np.sqrt(limit * (1 - limit) / base), rel=1e-9)


def test_large_samples_agree_with_brunner_and_munzel():
    rng = np.random.default_rng(0)
    now, before = rng.multinomial(2000, [0.1, 0.2, 0.3, 0.4]), rng.multinomial(1500, [0.11, 0.2, 0.3, 0.39])
    expected = stats.brunnermunzel(answers(before), answers(now)).pvalue
    assert superiority(now, before).pvalue == pytest.approx(expected, rel=0.02)


def test_the_sides_can_be_swapped_and_the_scale_turned():
    now, before = np.array([1, 2, 7, 4]), np.array([4, 3, 3, 9])
    there, back, turned = superiority(now, before), superiority(before, now), superiority(now[::-1], before[::-1])
    for other in (back, turned):
        assert (other.value, other.low, other.high) == pytest.approx((1 - there.value, 1 - there.high, 1 - there.low))
        assert other.pvalue == pytest.approx(there.pvalue)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.99])
def test_the_pvalue_agrees_with_the_interval(level):
    rng = np.random.default_rng(1)
    now, before = rng.multinomial(15, [0.2, 0.3, 0.5], 500), rng.multinomial(25, [0.4, 0.3, 0.3], 500)
    result = superiority(now, before, level)
    assert np.array_equal(result.pvalue < 1 - level, (result.low > 0.5) | (result.high < 0.5))


def test_extremes_have_width_and_stay_on_the_scale():
    now = [[0, 0, 10], [0, 10, 0], [0, 0, 2], [5, 0, 0], [0, 0, 0], [0, 0, 1]]
    before = [[10, 0, 0], [0, 10, 0], [2, 0, 0], [0, 0, 5], [1, 2, 3], [3, 3, 3]]
    value, low, high, _ = superiority(now, before)
    assert value[:4].tolist() == [1, 0.5, 1, 0]
    assert np.all((low[:4] >= 0) & (high[:4] <= 1) & (high[:4] > low[:4]))
    assert np.isnan(low[4:]).all()
    assert np.isnan(value[4])


def test_coverage_of_small_samples():
    # Simulated, seeded: 5 answers, 20 against 20, ten populations.
    rng = np.random.default_rng(11)
    for shape in (0.5, 2.0):
        for _ in range(5):
            p, q = rng.dirichlet(np.full(5, shape), 2)
            truth = p @ (np.cumsum(q) - q / 2)
            if not 0.05 < truth < 0.95:
                continue
            _, low, high, _ = superiority(rng.multinomial(20, p, 4000), rng.multinomial(20, q, 4000))
            assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.99


def test_different_scales_are_refused():
    with pytest.raises(ValueError, match="before: expected the 3 answers of now, found 2"):
        superiority([1, 2, 3], [1, 2])
