"""Driver importance against the R package relaimpo."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from cxkit.stats import correlations, importance_intervals, relative_weights, shapley

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
    result = shapley(correlations(MTCARS))
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


def test_relative_weights_are_close_and_add_up():
    result = relative_weights(swiss())
    assert result.importance.sum() == pytest.approx(0.706735, abs=5e-7)
    assert np.argsort(result.importance).tolist() == np.argsort(SWISS_LMG).tolist()
    assert result.importance == pytest.approx(SWISS_LMG, abs=0.02)


def test_warnings_are_data():
    result = shapley(swiss())
    assert result.reversed.tolist() == [True, False, False, False, False]  # Agriculture: r .35, beta -.31
    assert result.vif == pytest.approx([2.284129, 3.675420, 2.774943, 1.937160, 1.107542], abs=5e-6)  # R: car::vif


def test_a_stack_is_its_matrices_one_by_one():
    rng = np.random.default_rng(3)
    stack = np.stack([correlations(rng.normal(size=(50, 4)) + rng.normal(size=(50, 1))) for _ in range(3)])
    for method in (shapley, relative_weights):
        together = method(stack).importance
        assert together == pytest.approx(np.stack([method(matrix).importance for matrix in stack]))


def test_weights_are_repeated_rows():
    counts = np.random.default_rng(4).integers(1, 4, 32)
    assert correlations(MTCARS, counts) == pytest.approx(np.corrcoef(np.repeat(MTCARS, counts, axis=0).T))


def test_intervals_hold_the_importances_and_repeat():
    importance = shapley(correlations(MTCARS)).importance
    for method in ("shapley", "relative_weights"):
        low, high = importance_intervals(MTCARS, method=method, replicates=200)
        assert np.all((low < importance) & (importance < high))
    assert np.array_equal(low, importance_intervals(MTCARS, method="relative_weights", replicates=200).low)


def test_fifteen_drivers_are_possible_and_more_are_refused():
    rng = np.random.default_rng(5)
    result = shapley(correlations(rng.normal(size=(100, 12)) + rng.normal(size=(100, 1))))
    assert result.importance.sum() == pytest.approx(result.r_squared)
    with pytest.raises(ValueError, match="expected at most 15 drivers, found 16; use relative_weights"):
        shapley(np.eye(17))


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="only one in column 1"):
        correlations([[1, 5], [2, 5]])
    with pytest.raises(ValueError, match="found missing values"):
        correlations([[1, np.nan], [2, 5]])
    with pytest.raises(ValueError, match="determine one another"):
        shapley(correlations([[1, 2, 4], [2, 3, 6], [4, 1, 2]]))
    with pytest.raises(ValueError, match="square matrix"):
        shapley([[1, 2]])
    with pytest.raises(ValueError, match="method: expected one of shapley, relative_weights"):
        importance_intervals(MTCARS, method="lmg")
    with pytest.raises(ValueError, match="too few rows"):
        importance_intervals([[1, 2, 1], [2, 1, 3], [3, 3, 0]], replicates=50)
