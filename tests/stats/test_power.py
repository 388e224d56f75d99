"""Planning against published sizes and exact enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cxkit.stats import (
    Design,
    detectable,
    mean_detectable,
    nps_detectable,
    nps_exact_power,
    plain_design,
    rank_detectable,
    rate_detectable,
    sample_size,
)


def test_two_shares():
    # .6 against .4 with 80 % power: 95 per group by the formula (statpsych's 106 is continuity-corrected).
    assert sample_size(0.2, 0.24) == 95


def test_benchmark_sizes_of_measuringu():
    # MeasuringU: 1,655 for 5 points and 412 for 10, from ceil((1.645 + .842)^2 .67/d^2 - 3): one-sided, with rounded
    # quantiles, less the three answers that the adjusted Wald method adds.
    ours = sample_size([0.05, 0.1], 0.67, 0.0, alpha=0.1)
    rounding = (1.645 + 0.842) ** 2 / (stats.norm.ppf(0.95) + stats.norm.ppf(0.8)) ** 2
    assert np.ceil((ours - 0.5) * rounding - 3) == pytest.approx([1655, 412])


def test_exact_power():
    # Enumerated: 80 per group, (.15, .25, .60) against (.30, .30, .40).
    assert nps_exact_power((0.15, 0.25, 0.60), (0.30, 0.30, 0.40), 80, 80) == pytest.approx(0.793, abs=5e-4)


def test_the_detectable_change_has_the_power_that_it_was_asked_for():
    change = detectable(0.67, 120, 0.6, 80, power=0.9)
    assert stats.norm.sf(
        stats.norm.ppf(0.975) - change / np.hypot((0.67 / 120) ** 0.5, (0.6 / 80) ** 0.5)
    ) == pytest.approx(0.9, abs=1e-4)
    needed = sample_size(change, 0.67, 0.6, power=0.9)
    assert detectable(0.67, needed, 0.6, needed, power=0.9) <= change


def test_detectable_changes_by_hand():
    """What is promised satisfies its own equation, with V after the change counted out answer by answer."""
    size = nps_detectable((20, 30, 50), (30, 30, 40))
    down, up = (0.3 + size / 2, 0.3, 0.4 - size / 2), (0.3 - size / 2, 0.3, 0.4 + size / 2)
    v = [p[0] + p[2] - (p[2] - p[0]) ** 2 for p in ((0.3, 0.3, 0.4), down, up)]
    t = stats.t.ppf(0.975, 198) + stats.t.ppf(0.8, 198)
    assert size == pytest.approx(t * np.sqrt(v[0] / 100 + max(v[1:]) / 100), rel=1e-9)
    size = rate_detectable((56, 70), (48, 80))
    df = (1 / 70 + 1 / 80) ** 2 / (1 / 70**2 / 69 + 1 / 80**2 / 79)
    t, r = stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df), 0.6 - size  # towards one half the variance grows
    assert size == pytest.approx(t * np.sqrt(0.24 / 80 + r * (1 - r) / 70), rel=1e-9)
    v = np.array([40 / 39 * 1.2 / 40, 35 / 34 * 1.5 / 35])
    df = v.sum() ** 2 / np.sum(v**2 / [39, 34])
    t = stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)
    assert mean_detectable((5.5, 1.2, 40), (5.0, 1.5, 35)) == pytest.approx(t * np.sqrt(v.sum()))


@pytest.mark.parametrize(
    ("n", "family", "points"),
    # statistics.md, Detectable change: with z in place of t, rounded up. t adds up to .9 % at 100 v 100.
    [(100, 1, 26.7), (400, 1, 12.1), (100, 10, 36.3), (400, 24, 17.7)],
)
def test_the_reference_sizes_of_a_high_score(n, family, points):
    cell = (0.05 * n, 0.15 * n, 0.8 * n)
    assert 100 * nps_detectable(cell, cell, alpha=0.05 / family) == pytest.approx(points, rel=0.01)


def test_people_of_whom_nobody_changed_are_promised_the_bound():
    z = stats.t.ppf(0.975, 99) + stats.t.ppf(0.8, 99)
    # R z^2 / (n + z^2), R = 2 natural units: D^2 = z^2 (2 D - D^2) / n, the variance of few who change by all of R.
    for cell in ((20, 30, 50), (0, 0, 100)):
        expected = 2 * z**2 / (100 + z**2)
        assert nps_detectable(cell, cell, correlation=1) == pytest.approx(expected, rel=1e-9)
    same = (4.2, 0.9, 100)
    assert mean_detectable(same, same, scale=(1, 5), correlation=1) == pytest.approx(2 * expected, rel=1e-9)


@given(st.tuples(*[st.integers(0, 60)] * 3).filter(lambda c: sum(c) > 1), st.integers(2, 400), st.floats(-0.9, 0.9))
def test_a_promise_is_a_change_that_the_scale_holds(before, n, r):
    size = nps_detectable((0, 0, n), before, correlation=r)
    value = (before[2] - before[0]) / sum(before)
    assert np.isnan(size) or 0 < size <= 1 + abs(value)
    surer = nps_detectable((0, 0, n), before, correlation=r, alpha=0.01)
    assert np.isnan(surer) or size <= surer * (1 + 1e-9)


def test_rank_effects_of_equal_bases_by_hand():
    # Without ties the variance is (n1 + n2 + 1) / (12 n1 n2) and 12 var of the mid-ranks is about 1 on either side;
    # D^2 = t^2 / 4n (1.5 - 2 D^2) / (2.25 - D^2) with t = t_.975 + t_.8 on 2 (n - 1) degrees: .1156 for n = 100.
    one, other = np.arange(200) % 2, 1 - np.arange(200) % 2
    size = rank_detectable(one, other)
    t = stats.t.ppf(0.975, 198) + stats.t.ppf(0.8, 198)
    assert size**2 == pytest.approx(
        t**2 / 400 * (1.5 - 2 * size**2) / (2.25 - size**2), rel=0.015
    )  # one answer is added
    assert rank_detectable(one, other, designs=(plain_design(50), plain_design(50))) > 1.3 * size
    assert np.isnan(rank_detectable([1, 1], [1, 1], alpha=1e-4))


def test_designs_families_and_shared_people_enter():
    now, before = (20, 30, 50), (30, 30, 40)
    plain = nps_detectable(now, before)
    assert nps_detectable(now, before, designs=(Design(100, 50.0, 49.0), None)) > plain
    assert nps_detectable(now, before, correlation=0.5) < plain
    assert np.all(np.diff(nps_detectable(now, before, alpha=0.05 / np.array([1, 2, 7]))) > 0)


def test_a_unanimous_cell_can_still_detect_something():
    assert 0 < nps_detectable((0, 0, 40), (0, 0, 40)) < 0.5
    assert np.isnan(nps_detectable((0, 0, 0), (0, 0, 40)))
    assert np.isnan(mean_detectable((5.0, 0.0, 10), (5.0, 1.0, 10)))  # without a scale nothing bounds the spread
    assert 0 < mean_detectable((5.0, 0.0, 40), (5.0, 1.0, 40), scale=(1, 7)) < 2


def test_impossible_plans_are_refused():
    with pytest.raises(ValueError, match="power: expected a number between 0 and 1"):
        detectable(0.67, 100, 0.67, 100, power=80)
    with pytest.raises(ValueError, match="alpha: expected numbers between 0 and 1, found 5"):
        sample_size(0.1, alpha=5)
    with pytest.raises(ValueError, match="sum to 1"):
        nps_exact_power((0.1, 0.2, 0.3), (0.3, 0.3, 0.4), 5, 5)
    assert np.isnan(sample_size(0.0))


def test_next_to_no_degrees_of_freedom_promise_nothing_and_warn_of_nothing() -> None:
    design = Design(200.0, 1.0, 0.003)  # 200 answers of which one weighs all but everything
    assert np.isnan(mean_detectable((7, 0, 200), (7, 0, 200), scale=(1, 7), designs=(design, design)))
    assert np.isnan(mean_detectable((5, 2, 200), (5, 2, 200), scale=(1, 7), designs=(design, design)))
    assert np.isnan(nps_detectable((20, 30, 150), (20, 30, 150), designs=(design, design)))


@pytest.mark.parametrize("r", [-0.5, 0.5])
def test_a_correlation_counts_in_a_promise_of_ranks_as_more_or_fewer_answers_do(r):
    """Two equal cells: v + v - 2 r v is what 1 / (1 - r) times as many answers have, for as many degrees of freedom."""
    counts = np.array([1000.0, 2000, 3000, 4000])

    def promised(worth, correlation=0.0):
        design = Design(10_000.0, worth, 1e7)
        return rank_detectable(counts, counts, designs=(design, design), correlation=correlation)

    assert promised(5_000.0, r) == pytest.approx(promised(5_000.0 / (1 - r)), rel=1e-3)
    assert promised(5_000.0, r) != pytest.approx(promised(5_000.0), rel=0.1)
