"""Planning against published sizes and exact enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cxkit.stats import (
    Design,
    detectable,
    mean_detectable,
    nps_detectable,
    nps_exact_power,
    power_of,
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
    assert power_of(change, 0.67, 120, 0.6, 80) == pytest.approx(0.9, abs=1e-4)
    needed = sample_size(change, 0.67, 0.6, power=0.9)
    assert detectable(0.67, needed, 0.6, needed, power=0.9) <= change


def test_detectable_changes_by_hand():
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    shares = [np.add(counts, (0.75, 1.5, 0.75)) / 103 for counts in ((20, 30, 50), (30, 30, 40))]
    v = [p[0] + p[2] - (p[2] - p[0]) ** 2 for p in shares]
    assert nps_detectable((20, 30, 50), (30, 30, 40)) == pytest.approx(z * np.sqrt(v[0] / 100 + v[1] / 100))
    r = np.array([57 / 72, 49 / 82])
    assert rate_detectable((56, 70), (48, 80)) == pytest.approx(z * np.sqrt(np.sum(r * (1 - r) / [70, 80])))
    v = 40 / 39 * 1.2 / 40 + 35 / 34 * 1.5 / 35
    assert mean_detectable((5.5, 1.2, 40), (5.0, 1.5, 35)) == pytest.approx(z * np.sqrt(v))


def test_designs_families_and_shared_people_enter():
    now, before = (20, 30, 50), (30, 30, 40)
    plain = nps_detectable(now, before)
    assert nps_detectable(now, before, designs=(Design(100, 50.0, 49.0), None)) > plain
    assert nps_detectable(now, before, correlation=0.5) < plain
    assert np.all(np.diff(nps_detectable(now, before, alpha=0.05 / np.array([1, 2, 7]))) > 0)


def test_a_unanimous_cell_can_still_detect_something():
    assert 0 < nps_detectable((0, 0, 40), (0, 0, 40)) < 0.5
    assert np.isnan(nps_detectable((0, 0, 0), (0, 0, 40)))
    assert np.isnan(mean_detectable((5.0, 0.0, 10), (5.0, 1.0, 10)))


def test_impossible_plans_are_refused():
    with pytest.raises(ValueError, match="power: expected a number between 0 and 1"):
        detectable(0.67, 100, 0.67, 100, power=80)
    with pytest.raises(ValueError, match="alpha: expected numbers between 0 and 1, found 5"):
        sample_size(0.1, alpha=5)
    with pytest.raises(ValueError, match="sum to 1"):
        nps_exact_power((0.1, 0.2, 0.3), (0.3, 0.3, 0.4), 5, 5)
    assert np.isnan(sample_size(0.0))
