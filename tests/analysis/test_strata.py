"""Sums by strata: all of them are taken and widened together, those of quantiles, too."""

from __future__ import annotations

import numpy as np

from cxkit.analysis.strata import Strata
from cxkit.stats import Sums


def test_the_sums_above_a_quantile_follow_the_others():
    table = np.arange(6.0).reshape(3, 2)
    sums, above = Sums(*[table] * 6), Sums(*[table + 10] * 6)
    made = Strata(["a", "c"], sums, table, above=above).taken(np.array([2, 0])).over(["a", "b", "c"])
    wide = np.array([[4.0, 0, 5], [0, 0, 1]])
    for found, expected in ((made.sums, wide), (made.above, wide + 10 * np.array([1, 0, 1]))):
        assert all(np.array_equal(part, expected) for part in found)
    assert np.array_equal(made.wave, wide)
