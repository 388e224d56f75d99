"""Adjusted p-values, Cochran's Q through intervals and shrinkage, against their papers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cxkit.stats import benjamini_hochberg, cochran_q, family_size, holm, nps_difference, shrink, shrunk_interval

# Benjamini and Hochberg (1995), section 4: 15 hypotheses of a thrombolysis trial.
PAPER = np.array(
    [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1]
)

# R: p.adjust(p, "BH"), p.adjust(p, "holm")
BH = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06386, 0.06386, 0.0645, 0.0765]

HOLM = [0.0015, 0.0056, 0.0247, 0.114, 0.2211, 0.278]


def test_the_paper():
    assert benjamini_hochberg(PAPER)[:9] == pytest.approx(BH, abs=5e-6)
    assert holm(PAPER)[:6] == pytest.approx(HOLM, abs=5e-6)
    counts = (np.sum(PAPER * 15 <= 0.05), np.sum(holm(PAPER) <= 0.05), np.sum(benjamini_hochberg(PAPER) <= 0.05))
    assert counts == (3, 3, 4)  # Bonferroni, Holm, BH


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_order_and_gaps_do_not_matter(adjust):
    rng = np.random.default_rng(3)
    order = rng.permutation(15)
    with_gaps = np.insert(PAPER[order], [2, 9], np.nan)
    result = adjust(with_gaps)
    assert np.isnan(result[np.isnan(with_gaps)]).all()
    assert result[~np.isnan(with_gaps)] == pytest.approx(adjust(PAPER)[order])
    assert family_size(with_gaps) == 15
    assert adjust(np.reshape(PAPER, (3, 5))).shape == (3, 5)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_the_smallest_families(adjust):
    assert adjust([]).shape == (0,)
    assert adjust([0.04]) == pytest.approx([0.04])
    assert np.isnan(adjust([np.nan, np.nan])).all()
    assert adjust([0.9, 0.8, 1.0]).max() <= 1


def test_a_percentage_is_refused():
    with pytest.raises(ValueError, match=r"pvalues: expected numbers in \[0, 1\], found 5"):
        holm([0.01, 5.0])


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


# Efron and Morris (1975): hits of 45 at bats of 18 players.
HITS = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])

RATES = HITS / 45

POOLED = RATES.mean() * (1 - RATES.mean()) / 45


def test_dersimonian_laird():
    result = shrink(RATES, POOLED)
    assert result.weight == pytest.approx(0.10654, abs=5e-6)
    assert result.value[:5] == pytest.approx([0.2798, 0.2774, 0.2750, 0.2727, 0.2703], abs=5e-5)
    assert result.mean == pytest.approx(RATES.mean())


def test_unequal_bases_by_hand():
    y, s2 = np.array([0.2, 0.5, 0.9]), np.array([0.01, 0.02, 0.04])
    w = 1 / s2
    mean = (w * y).sum() / w.sum()
    q = (w * (y - mean) ** 2).sum()
    tau2 = (q - 2) / (w.sum() - (w**2).sum() / w.sum())
    result = shrink(y, s2)
    assert result.between == pytest.approx(tau2)
    assert result.weight == pytest.approx(tau2 / (tau2 + s2))
    assert np.all(np.abs(result.value - result.mean) < np.abs(y - result.mean))


def test_units_that_differ_by_chance_only_are_all_the_mean():
    result = shrink([0.50, 0.51, 0.49], [0.01, 0.01, 0.01])
    assert result.between == 0
    assert result.value == pytest.approx(0.5)


def test_missing_units_stay_missing():
    result = shrink([0.2, np.nan, 0.8], [0.01, 0.0, 0.01])
    assert np.isnan(result.value).tolist() == [False, True, False]
    alone = shrink([0.4, np.nan], [0.1, 0.1])
    assert (alone.value[0], alone.weight[0]) == (0.4, 1)  # nothing to be pulled to
    assert np.isnan([alone.value[1], alone.weight[1], alone.mean, alone.between]).all()


def test_impossible_errors_are_refused():
    with pytest.raises(ValueError, match="squared_errors: expected numbers above 0, found 0"):
        shrink([0.2, 0.3], [0.0, 0.1])


def test_shrunken_values_are_those_of_morris_and_tang():
    """Eight schools (Rubin 1981) by R's Rgbp 1.1.4, gbp(y, se): A 117.71, mean 8.168; Tak, Kelly and Morris (2017)."""
    y, error = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
    found = shrunk_interval(y, error**2)
    pulled = error**2 / (error**2 + 117.71)
    assert found.value == pytest.approx(8.168 + (1 - pulled) * (y - 8.168), abs=0.01)
    sd = (found.high - found.low) / 2 / 1.959964
    sure = error**2 * (1 - pulled + pulled**2 * 5.73**2 / error**2)  # 5.73: its standard error of the mean
    unsure = (pulled * (1 - pulled)) ** 2 / (1.139**-2 + pulled * (1 - pulled))  # 1.139: its error of log A
    assert sd == pytest.approx((sure + unsure * (y - 8.168) ** 2) ** 0.5, rel=2e-3)
    assert np.isnan(shrunk_interval([*y, np.nan], [*error**2, 0]).low).tolist() == [False] * 8 + [True]
    with pytest.raises(ValueError, match="three units or more, found 2"):
        shrunk_interval(y[:2], error[:2])


BANDS = [(3, 5), (6, 10), (11, 20), (21, 40)]  # answers of a store
SPREADS = [0.0, 0.02, 0.05, 0.1, 0.2]  # of what is true of the stores, on a scale of 0 to 1 or -1 to 1


def covered(kind: str, mean: float, spread: float, rounds: int, stores: int = 200) -> list[float]:
    """How often the interval of a shrunken value holds the true one, by how many answers the store has."""
    rng = np.random.default_rng(round(1000 * (mean + spread)) + rounds)
    held, of = np.zeros((2, len(BANDS)))
    for _ in range(rounds):
        n = rng.integers(3, 41, stores)
        true = np.full(stores, mean)
        if kind == "share":
            both = mean * (1 - mean) / spread**2 - 1 if spread else 0.0
            true = rng.beta(mean * both, (1 - mean) * both, stores) if spread else true
            y = rng.binomial(n, true) / n
            variance, scale = y * (1 - y), (0.0, 1.0)
        else:  # a quarter is passive
            true = np.clip(mean + spread * rng.standard_normal(stores), -0.7, 0.7)
            counts = np.array([rng.multinomial(k, [(0.75 - t) / 2, 0.25, (0.75 + t) / 2])
                               for k, t in zip(n, true, strict=True)])  # fmt: skip
            y = (counts[:, 2] - counts[:, 0]) / n
            variance, scale = (counts[:, 2] + counts[:, 0]) / n - y**2, (-1.0, 1.0)
        found = shrunk_interval(y, (n * variance).sum() / (n - 1).sum() / n, scale=scale)
        inside = (found.low <= true) & (true <= found.high)
        for i, (low, high) in enumerate(BANDS):
            there = (low <= n) & (n <= high)
            held[i], of[i] = held[i] + inside[there].sum(), of[i] + there.sum()
    return (held / of).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize(
    ("kind", "mean"), [("share", 0.5), ("share", 0.7), ("share", 0.85), ("net", 0.0), ("net", 0.3)]
)
def test_shrunken_values_cover(kind, mean, spread):
    """The table in docs/statistics.md."""
    found = covered(kind, mean, spread, 400)
    print(f"| {kind} {mean:g} | {spread:g} | {' | '.join(f'{one:.3f}' for one in found)} |")
    # Stores of which most have a share near 1 and some a low one are far from normal.
    assert min(found) >= (0.92 if (kind, mean, spread) == ("share", 0.85, 0.2) else 0.93)


@pytest.mark.parametrize(("kind", "mean", "spread"), [("share", 0.7, 0.05), ("net", 0.3, 0.1)])
def test_shrunken_values_cover_in_short(kind, mean, spread):
    assert min(covered(kind, mean, spread, 25)) >= 0.925
