"""Driver importance against the R package relaimpo."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from stats_benchmarks import load

from cxkit.stats import common_factor, correlations, hotelling, jackknife, moments, shapley

BENCHMARK = load("drivers")

# R: cor(swiss), order Fertility, Agriculture, Examination, Education, Catholic, Infant.Mortality, upper triangle.
SWISS_UPPER = [
    0.3530792, -0.6458827, -0.6637889, 0.4636847, 0.4165560, -0.6865422, -0.6395225, 0.4010951, -0.0608586, 0.6984153,
    -0.5727418, -0.1140216, -0.1538589, -0.0993218, 0.1754959,
]  # fmt: skip
# R: relaimpo::calc.relimp(Fertility ~ ., data = swiss, type = "lmg")
SWISS_LMG = [0.0570912, 0.1711730, 0.2601347, 0.1055702, 0.1127659]

# R: mtcars, mpg cyl disp hp gear of 32 cars.
MTCARS = np.array([
    [21.0, 6, 160.0, 110, 4], [21.0, 6, 160.0, 110, 4], [22.8, 4, 108.0, 93, 4], [21.4, 6, 258.0, 110, 3],
    [18.7, 8, 360.0, 175, 3], [18.1, 6, 225.0, 105, 3], [14.3, 8, 360.0, 245, 3], [24.4, 4, 146.7, 62, 4],
    [22.8, 4, 140.8, 95, 4], [19.2, 6, 167.6, 123, 4], [17.8, 6, 167.6, 123, 4], [16.4, 8, 275.8, 180, 3],
    [17.3, 8, 275.8, 180, 3], [15.2, 8, 275.8, 180, 3], [10.4, 8, 472.0, 205, 3], [10.4, 8, 460.0, 215, 3],
    [14.7, 8, 440.0, 230, 3], [32.4, 4, 78.7, 66, 4], [30.4, 4, 75.7, 52, 4], [33.9, 4, 71.1, 65, 4],
    [21.5, 4, 120.1, 97, 3], [15.5, 8, 318.0, 150, 3], [15.2, 8, 304.0, 150, 3], [13.3, 8, 350.0, 245, 3],
    [19.2, 8, 400.0, 175, 3], [27.3, 4, 79.0, 66, 4], [26.0, 4, 120.3, 91, 5], [30.4, 4, 95.1, 113, 5],
    [15.8, 8, 351.0, 264, 5], [19.7, 6, 145.0, 175, 5], [15.0, 8, 301.0, 335, 5], [21.4, 4, 121.0, 109, 4],
])  # fmt: skip


def spread(rows, weights=1.0):
    """Covariances by the product, of rows with weights."""
    x = np.column_stack([np.ones(len(rows)), rows])
    return moments((np.broadcast_to(weights, len(x))[:, None] * x).T @ x)[1]


def swiss():
    matrix = np.eye(6)
    matrix[np.triu_indices(6, 1)] = SWISS_UPPER
    return matrix + matrix.T - np.eye(6)


def test_swiss():
    result = shapley(swiss())
    assert result.importance == pytest.approx(SWISS_LMG, abs=5e-7)
    assert result.r_squared == pytest.approx(0.706735, abs=5e-7)
    assert result.importance.sum() == pytest.approx(result.r_squared)


def test_mtcars():
    # relaimpo 2.2-7: calc.relimp(mpg ~ cyl + disp + hp + gear, type = "lmg")
    result = shapley(correlations(spread(MTCARS)))
    assert result.importance == pytest.approx([0.2470520, 0.2434996, 0.2109129, 0.0777251], abs=5e-8)


def test_shapley_by_all_orderings():
    matrix = swiss()[:4, :4]

    def explained(chosen):
        chosen = [*chosen]
        return matrix[0, chosen] @ np.linalg.solve(matrix[np.ix_(chosen, chosen)], matrix[0, chosen]) if chosen else 0.0

    orders = list(permutations([1, 2, 3]))
    mean = np.zeros(3)
    for order in orders:
        for i, driver in enumerate(order):
            mean[driver - 1] += (explained(order[: i + 1]) - explained(order[:i])) / len(orders)
    assert shapley(matrix).importance == pytest.approx(mean)


def test_warnings_are_data():
    result = shapley(swiss())
    assert result.reversed.tolist() == [True, False, False, False, False]  # Agriculture: r .35, beta -.31
    assert result.vif == pytest.approx([2.284129, 3.675420, 2.774943, 1.937160, 1.107542], abs=5e-6)  # R: car::vif


def test_a_stack_is_its_matrices_one_by_one():
    rng = np.random.default_rng(3)
    stack = np.stack([correlations(spread(rng.normal(size=(50, 4)) + rng.normal(size=(50, 1)))) for _ in range(3)])
    assert shapley(stack).importance == pytest.approx(np.stack([shapley(matrix).importance for matrix in stack]))


def test_weights_are_repeated_rows():
    counts = np.random.default_rng(4).integers(1, 4, 32)
    assert correlations(spread(MTCARS, counts)) == pytest.approx(np.corrcoef(np.repeat(MTCARS, counts, axis=0).T))


def test_fifteen_drivers_are_possible_and_more_are_refused():
    rng = np.random.default_rng(5)
    result = shapley(correlations(spread(rng.normal(size=(100, 16)) + rng.normal(size=(100, 1)))))
    assert result.importance.sum() == pytest.approx(result.r_squared)
    with pytest.raises(ValueError, match="expected at most 15 drivers, found 16"):
        shapley(np.eye(17))


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="found one only of 1"):
        correlations(spread([[1, 5], [2, 5]]))
    with pytest.raises(ValueError, match="determine one another"):
        shapley(correlations(spread([[1, 2, 4], [2, 3, 6], [4, 1, 2]])))
    with pytest.raises(ValueError, match="square matrix"):
        shapley([[1, 2]])


def test_one_common_factor_leaves_no_tetrad_and_the_components_explain_all_together():
    loadings = np.array([0.5, 0.9, 0.7, 0.8, 0.4])
    matrix = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    assert common_factor(matrix).tetrads == pytest.approx(np.zeros(3), abs=1e-15)
    values, vectors = np.linalg.eigh(swiss()[1:, 1:])
    each = (vectors.T @ swiss()[0, 1:]) ** 2 / values  # R^2 of each principal component; they are uncorrelated
    assert each.sum() == pytest.approx(0.706735, abs=5e-7)
    found = common_factor(swiss())
    assert found.r_squared == pytest.approx(each[-1])
    assert np.abs(found.tetrads).max() > 0.1


def test_the_jackknife_of_a_mean_is_the_variance_over_n():
    x = np.random.default_rng(6).normal(size=(40, 2))
    assert jackknife((x.sum(axis=0) - x) / 39) == pytest.approx(np.cov(x.T) / 40)


def test_hotelling_is_the_square_of_student():
    x = np.random.default_rng(7).normal(0.3, 1, 20)
    found = hotelling([x.mean()], [[x.var(ddof=1) / 20]], 20)
    assert found == pytest.approx(stats.ttest_1samp(x, 0).pvalue)
    assert np.isnan(hotelling([0.1, 0.2], np.eye(2), 2))


def test_the_intervals_hold_the_truth():
    held, _ = BENCHMARK.covered(300, 0.5, BENCHMARK.SHAPES["plain"], 60)
    assert held.mean() >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", list(BENCHMARK.SHAPES))
def test_the_intervals_hold_the_truth_under_every_design(name):
    for n in (100, 1000):
        held, _ = BENCHMARK.covered(n, 0.5, BENCHMARK.SHAPES[name], 400)
        assert held.mean() >= 0.92
        assert held.min() >= 0.88
