"""The attributable share: a published example, Wilson's limits of statsmodels, and coverage by simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from cxkit.stats import attributable_share

# Boice and Monson (1977), breast cancer and radiation: 41 cases in 28,010 woman-years, 15 in 19,017 of the others;
# Stata, manual [R] epitab, `ir 41 15 28010 19017`: Attr. frac. pop .337618
RADIATION = [41], [28010], [15], [19017]


def test_a_published_share() -> None:
    value, low, high = attributable_share(*RADIATION)
    assert value == pytest.approx(0.337618, abs=5e-7)
    limits = proportion_confint(15, 56, method="wilson")
    assert (high, low) == pytest.approx(tuple(1 - limit * (1 + 28010 / 19017) for limit in limits))


def test_times_with_the_same_people_may_be_added() -> None:
    parts = [1, 3], [280, 280], [2, 1], [190, 190]
    assert attributable_share(*parts) == pytest.approx(attributable_share([4], [560], [3], [380]))
    nobody = [*parts[0], 5], [*parts[1], 60], [*parts[2], 0], [*parts[3], 0]  # no others: nothing to compare with
    assert attributable_share(*nobody) == pytest.approx(attributable_share(*parts))


@pytest.mark.parametrize("events", [([0], [5]), ([5], [0])])
def test_a_side_without_events_has_no_share(events: tuple[list[int], list[int]]) -> None:
    assert np.isnan(attributable_share(events[0], [50], events[1], [50])).all()


def coverage(ratio: float, lost: int, swing: float, trend: float, samples: int, periods: int = 12) -> tuple[float, int]:
    """How often the interval holds the truth, over samples with ten events on either side; and how many these are.

    `swing`: how far the group's share of a half moves over the periods; `trend`: the factor of the ratio over them.
    """
    rng, ramp = np.random.default_rng(lost), np.linspace(-0.5, 0.5, periods)
    group = 1000 * (0.5 + swing * ramp)
    others, hazard = 1000 - group, ratio * trend**ramp
    each = lost / (others + hazard * group).sum()
    truth = 1 - 1000 * periods * each / lost
    drawn = rng.poisson(each * hazard * group, (samples, periods)), rng.poisson(each * others, (samples, periods))
    both = np.minimum(*(events.sum(axis=1) for events in drawn)) >= 10
    found = [
        attributable_share(d1, group, d2, others) for d1, d2 in zip(*(events[both] for events in drawn), strict=True)
    ]
    return float(np.mean([low <= truth <= high for _, low, high in found])), int(both.sum())


@pytest.mark.parametrize(
    ("ratio", "lost", "swing", "trend"), [(2.0, 60, 0.3, 1.0), (1.0, 60, 0.9, 1.0), (2.0, 400, 0.9, 2.5)]
)
def test_intervals_hold_the_truth(ratio: float, lost: int, swing: float, trend: float) -> None:
    held, samples = coverage(ratio, lost, swing, trend, 1500)
    assert samples > 1400
    assert held > 0.95 - 3 * 0.0056  # three standard errors


@pytest.mark.slow
def test_intervals_hold_the_truth_everywhere() -> None:
    """Prints the table of docs/statistics.md."""
    for swing, trend in ((0.0, 1.0), (0.3, 1.0), (0.9, 1.0), (0.9, 2.5)):
        cells = [
            coverage(ratio, lost, swing, trend, 10_000) for lost, ratio in product((60, 100, 400, 3000), (0.5, 1, 2, 4))
        ]
        held = np.array([share for share, _ in cells]).reshape(4, 4)
        print(f"| {swing}, {trend} |", " | ".join(f"{row.mean():.3f} / {row.min():.3f}" for row in held), "|")
        assert held.min() > 0.935
