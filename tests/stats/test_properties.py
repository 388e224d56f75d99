"""Properties that hold for every cell, found or refuted by hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cxkit.stats import (
    Design,
    Sums,
    cell_design,
    covariance,
    cross_of,
    linearised,
    mean_difference,
    mean_interval,
    nps_difference,
    nps_interval,
    nps_test,
    paired_difference,
    rate_difference,
    rate_interval,
    rate_test,
    sums_of,
)

FEW = settings(max_examples=25)  # whole samples are slow to draw
COUNT = st.one_of(st.integers(0, 5), st.integers(0, 400), st.integers(0, 10**7))
NET = st.tuples(COUNT, COUNT, COUNT).filter(sum)
FRACTIONS = st.tuples(*[st.one_of(st.just(0.0), st.floats(1e-9, 1e4))] * 3).filter(lambda counts: sum(counts) >= 1)
RATE = st.tuples(COUNT, COUNT).filter(sum).map(lambda pair: (pair[0], sum(pair)))
LEVEL = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
CORRELATION = st.one_of(st.just(0.0), st.floats(-1, 1))


@st.composite
def designs(draw, n):
    """A design that n answers can have, or none."""
    if n < 2 or draw(st.booleans()):
        return None
    n_eff = n * draw(st.floats(0.02, 1))
    return Design(n, n_eff, draw(st.floats(0.2, n - 1)))


@st.composite
def net_cells(draw):
    counts = draw(st.one_of(NET, FRACTIONS))
    return counts, draw(designs(max(1, round(sum(counts)))))


@st.composite
def rate_cells(draw):
    counts = draw(RATE)
    return counts, draw(designs(counts[1]))


@st.composite
def mean_cells(draw):
    n = draw(st.integers(2, 1000))
    moments = draw(st.floats(1, 7)), draw(st.floats(0.01, 9)), n
    return moments, draw(designs(n))


@st.composite
def samples(draw, least=1):
    """Scores, weights and clusters of a cell, and the scale of the scores."""
    n = draw(st.integers(least, 25))
    scores = draw(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=n, max_size=n))
    weights = draw(st.lists(st.floats(0.05, 20), min_size=n, max_size=n))
    clusters = draw(st.lists(st.integers(0, 7), min_size=n, max_size=n))
    return np.array(scores), np.array(weights), np.array(clusters)


def measured(scores, weights, clusters=None):
    """(counts, design) of a sample, as a tally would give them."""
    clusters = np.arange(scores.size) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    counts = tuple(weights[scores == value].sum() for value in (-1, 0, 1))
    mean = weights @ scores / weights.sum()
    variance = max(weights @ scores**2 / weights.sum() - mean**2, 0.0)
    sums = sums_of(np.bincount(clusters, weights), np.bincount(clusters, weights * scores))
    return counts, cell_design(scores.size, variance, sums)


def excludes(difference):
    return bool(difference.low > 0 or difference.high < 0)


@settings(max_examples=300)
@given(net_cells(), net_cells(), LEVEL, CORRELATION)
@example(((0, 0, 1), None), ((1, 0, 0), None), 0.95, 1.0)
@example(((0, 0, 10**7), None), ((10**7, 0, 0), None), 0.999, 0.0)
@example(((3, 0, 2), Design(5, 0.1, 0.2)), ((1, 1, 1), None), 0.5, -1.0)
def test_net_p_and_interval_agree(now, before, level, r):
    result = nps_difference(now[0], before[0], level, designs=(now[1], before[1]), correlation=r)
    assert (result.pvalue < 1 - level) == excludes(result)
    assert 0 <= result.pvalue <= 1
    assert -2 <= result.low <= result.change <= result.high <= 2
    assert result.low < result.high
    assert result.change != 0 or result.pvalue == 1


@settings(max_examples=200)
@given(rate_cells(), rate_cells(), LEVEL, CORRELATION)
def test_rate_p_and_interval_agree(now, before, level, r):
    result = rate_difference(now[0], before[0], level, designs=(now[1], before[1]), correlation=r)
    assert (result.pvalue < 1 - level) == excludes(result)
    assert -1 <= result.low <= result.change <= result.high <= 1
    assert result.low < result.high
    assert result.change != 0 or result.pvalue == 1


@given(mean_cells(), mean_cells(), LEVEL, CORRELATION)
def test_mean_p_and_interval_agree(now, before, level, r):
    result = mean_difference(now[0], before[0], level, designs=(now[1], before[1]), correlation=r)
    assert (result.pvalue < 1 - level) == excludes(result)
    assert result.low < result.change < result.high
    assert result.change != 0 or result.pvalue == 1


@given(net_cells(), st.floats(-1, 1), LEVEL)
def test_net_benchmark_p_and_interval_agree(cell, benchmark, level):
    result = nps_test(cell[0], benchmark, level, design=cell[1])
    assert (result.pvalue < 1 - level) == excludes(result)
    assert result.change != 0 or result.pvalue == 1


@given(rate_cells(), st.floats(0, 1), LEVEL)
def test_rate_benchmark_p_and_interval_agree(cell, benchmark, level):
    result = rate_test(cell[0], benchmark, level, design=cell[1])
    assert (result.pvalue < 1 - level) == excludes(result)


@given(samples(least=2), samples(least=25), LEVEL)
def test_paired_p_and_interval_agree(first, second, level):
    n = first[0].size
    now, before = (first[1], first[1] * first[0]), (first[1], first[1] * second[0][:n])
    result = paired_difference(sums_of(*now), sums_of(*before), cross_of(now, before), level)
    assume(np.isfinite(result.low))
    assert (result.pvalue < 1 - level) == excludes(result)


SIDES = st.one_of(
    st.tuples(st.just(nps_difference), net_cells(), net_cells()),
    st.tuples(st.just(rate_difference), rate_cells(), rate_cells()),
)


@given(SIDES, CORRELATION)
@example((nps_difference, ((0, 0, 2), Design(2, 2.0, 0.25)), ((9576, 0, 0), Design(9576, 9576.0, 6.0))), 0.0)
def test_the_interval_at_one_minus_p_touches_zero(sides, r):
    difference, now, before = sides
    given_ = {"designs": (now[1], before[1]), "correlation": r}
    pvalue = difference(now[0], before[0], **given_).pvalue
    assume(1e-6 < pvalue < 0.999)
    result = difference(now[0], before[0], level=1 - pvalue, **given_)
    assert min(abs(result.low), abs(result.high)) < 1e-9


@given(net_cells(), net_cells(), CORRELATION)
def test_swapping_sides_negates(now, before, r):
    there = nps_difference(now[0], before[0], designs=(now[1], before[1]), correlation=r)
    back = nps_difference(before[0], now[0], designs=(before[1], now[1]), correlation=r)
    assert back[:3] == pytest.approx((-there.change, -there.high, -there.low), abs=1e-12)
    assert back.pvalue == pytest.approx(there.pvalue, abs=1e-10)


@given(net_cells())
def test_swapping_detractors_and_promoters_negates(cell):
    (d, a, p), design = cell
    low, high = nps_interval(d, a, p, design=design)
    assert nps_interval(p, a, d, design=design) == pytest.approx((-high, -low), abs=1e-12)


@given(net_cells(), rate_cells())
def test_an_estimate_lies_in_its_interval_and_the_interval_on_the_scale(net, rate):
    (d, a, p), design = net
    low, high = nps_interval(d, a, p, design=design)
    assert -1 <= low <= (p - d) / (d + a + p) <= high <= 1
    assert low < high
    (s, n), design = rate
    low, high = rate_interval(s, n, design=design)
    assert 0 <= low <= s / n * (1 + 1e-15)
    assert s / n * (1 - 1e-15) <= high <= 1
    assert low < high


@given(net_cells(), mean_cells())
def test_intervals_widen_with_the_level(net, mean):
    widths = [np.subtract(*reversed(nps_interval(*net[0], level, design=net[1]))) for level in (0.5, 0.8, 0.95, 0.99)]
    assert np.all(np.diff(widths) >= -1e-12)
    widths = [np.subtract(*reversed(mean_interval(*mean[0], level, design=mean[1]))) for level in (0.5, 0.9, 0.99)]
    assert np.all(np.diff(widths) > 0)


@given(net_cells())
def test_score_limits_solve_the_score_equation(cell):
    # The equation with the constrained maximum-likelihood detractor share, as Tango (1998) writes it.
    (d, a, p), _ = cell
    n, z = d + a + p, 1.959963984540054
    # The paper's formula cancels where a class is nearly empty; the package's closed form does not.
    assume(all(count == 0 or count > 1e-4 * n for count in (d, a, p)))
    # The upper limit is minus the lower one of the scale turned round.
    limits = nps_interval(d, a, p)
    for x, (low, high) in ((limits.low, (d, p)), (-limits.high, (p, d))):
        if abs(x) == 1:
            continue
        b, c = -low - high + (2 * n - high + low) * x, -low * x * (1 - x)
        q = (np.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        spread = np.sqrt(max(n * (2 * q + x * (1 - x)), 0.0))
        assert (high - low - n * x) / n == pytest.approx(z * spread / n, abs=1e-7)


@FEW
@given(samples(), st.sampled_from([1e-6, 0.1, 3.0, 1e5]))
def test_multiplying_all_weights_changes_nothing(sample, factor):
    scores, weights, clusters = sample
    for groups in (None, clusters):
        one, other = measured(scores, weights, groups), measured(scores, factor * weights, groups)
        assert other[1] == pytest.approx(one[1], rel=1e-7, nan_ok=True)
        limits = [nps_interval(*counts, design=design) for counts, design in (one, other)]
        assert limits[1] == pytest.approx(limits[0], abs=1e-7, nan_ok=True)


@FEW
@given(samples())
def test_weights_of_one_are_no_weights(sample):
    scores, _, _ = sample
    counts, design = measured(scores, np.ones(scores.size))
    assert design == pytest.approx((scores.size, scores.size, scores.size - 1))
    assert nps_interval(*counts, design=design) == pytest.approx(nps_interval(*counts), abs=1e-12)
    moments = scores.mean(), scores.var(), scores.size
    assert mean_interval(*moments, design=design) == pytest.approx(mean_interval(*moments), rel=1e-9, nan_ok=True)


@FEW
@given(samples())
def test_clusters_of_size_one_are_no_clusters(sample):
    scores, weights, _ = sample
    names = np.random.default_rng(0).permutation(scores.size)
    assert measured(scores, weights, names)[1] == pytest.approx(measured(scores, weights)[1], rel=1e-9)


@FEW
@given(samples(least=2), samples(least=2))
def test_what_adds_adds(first, second):
    # Two parts of a cell without clusters in common: all sums of the whole are sums of the parts.
    parts = [sums_of(weights, weights * scores) for scores, weights, _ in (first, second)]
    scores, weights = (np.concatenate([part[i] for part in (first, second)]) for i in (0, 1))
    whole = sums_of(weights, weights * scores)
    added = Sums(*(np.add(*columns) for columns in zip(*parts, strict=True)))
    assert added == pytest.approx(whole)
    assert linearised(added) == pytest.approx(linearised(whole), rel=1e-6, abs=1e-7)


@FEW
@given(samples(least=2))
def test_a_cell_correlates_fully_with_itself(sample):
    scores, weights, _ = sample
    part = weights, weights * scores
    r = covariance(sums_of(*part), sums_of(*part), cross_of(part, part))
    assert r == pytest.approx(1 if np.unique(scores).size > 1 else 0, abs=1e-9)


@FEW
@given(samples(), samples())
def test_every_sample_gives_limits_or_says_that_there_are_none(first, second):
    cells = [measured(*sample) for sample in (first, second)]
    for (counts, design), (scores, _, clusters) in zip(cells, (first, second), strict=True):
        low, high = nps_interval(*counts, design=design)
        lone = np.unique(clusters).size == 1 and scores.size > 1
        assert np.isnan(low) == np.isnan(high) == lone
        assert lone or -1 <= low < high <= 1
    result = nps_difference(cells[0][0], cells[1][0], designs=(cells[0][1], cells[1][1]))
    assert np.isfinite(result.change)
    assert np.isnan(result.pvalue) == np.isnan(result.low) == any(np.isnan(design.n_eff) for _, design in cells)


@FEW
@given(st.lists(st.tuples(NET, NET), min_size=1, max_size=8))
def test_many_cells_are_the_cells_one_by_one(pairs):
    now, before = (np.array([pair[i] for pair in pairs]).T for i in (0, 1))
    together = np.array(nps_difference(tuple(now), tuple(before))).T
    alone = [nps_difference(*pair) for pair in pairs]
    assert together == pytest.approx(np.array(alone), abs=1e-12)


EDGES = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (9, 0, 0), (0, 9, 0), (0, 0, 9), (0, 0, 10**9)]


@pytest.mark.parametrize("now", EDGES)
@pytest.mark.parametrize("before", EDGES)
def test_edges(now, before):
    result = nps_difference(now, before)
    if not sum(now) or not sum(before):
        assert np.isnan(result).all()
        return
    assert -2 <= result.low < result.high <= 2
    assert (result.pvalue < 0.05) == excludes(result)
    assert result.pvalue == 1 or result.change != 0
