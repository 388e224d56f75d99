"""Cochran's Q through intervals: against the textbook sum, its size with few answers, and who is singled out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cxkit.stats import cochran_q, nps_difference

Z = stats.norm.ppf(0.975)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 1)), min_size=2, max_size=12))
def test_with_symmetric_intervals_it_is_the_sum_of_the_textbook(parts: list[tuple[float, float]]) -> None:
    y, error = np.array(parts).T
    found = cochran_q(y, y - Z * error, y + Z * error)
    w = error**-2
    q = (w * (y - (w * y).sum() / w.sum()) ** 2).sum()
    assert found.q == pytest.approx(q, abs=1e-6)
    assert found.pvalue == pytest.approx(stats.chi2.sf(q, len(y) - 1), abs=1e-6)
    # At the detectable deviation of each alone the noncentral chi-square has 80 % power.
    lost = found.apart**2 * w * (1 - w / w.sum())
    power = stats.ncx2.sf(stats.chi2.ppf(0.95, len(y) - 1), len(y) - 1, lost)
    assert power == pytest.approx(np.full(len(y), 0.8), abs=1e-6)


def test_the_odd_one_out_is_singled_out_and_without_a_majority_all_are() -> None:
    change = np.array([-0.31, 0.03, -0.03, 0.01, np.nan])
    found = cochran_q(change, change - 0.1, change + 0.1)
    assert found.singled.tolist() == [True, False, False, False, False]
    assert found.df == 3
    two = np.array([-0.3, 0.3])
    assert cochran_q(two, two - 0.1, two + 0.1).singled.all()
    assert not cochran_q(two, two - 0.9, two + 0.9).singled.any()
    lone = cochran_q([0.1], [0.0], [0.2])
    assert np.isnan(lone.pvalue)


# (detractors, passives, promoters), parts, answers of the smallest and the largest part in either period
CASES = [((0.2, 0.3, 0.5), 6, 30, 30), ((0.45, 0.1, 0.45), 20, 30, 30), ((0.3, 0.65, 0.05), 12, 30, 500),
         ((0.05, 0.15, 0.8), 6, 100, 100), ((0.02, 0.02, 0.96), 7, 30, 300)]  # fmt: skip


@pytest.mark.parametrize(("shares", "k", "small", "large"), CASES)
def test_the_size_holds_down_to_thirty_answers_and_with_unanimous_parts(
    shares: tuple[float, ...], k: int, small: int, large: int
) -> None:
    rng, rounds = np.random.default_rng(1), 800
    sizes = np.geomspace(small, large, k).round().astype(int)
    now, before = (np.stack([rng.multinomial(n, shares, rounds) for n in sizes], axis=1) for _ in range(2))
    change, low, high, _ = (np.asarray(x) for x in nps_difference(tuple(np.moveaxis(now, -1, 0)),
                                                                  tuple(np.moveaxis(before, -1, 0))))  # fmt: skip
    found = np.mean([cochran_q(*row).pvalue < 0.05 for row in zip(change, low, high, strict=True)])
    assert found <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5
