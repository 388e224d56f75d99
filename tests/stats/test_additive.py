"""Cells against their margins: beside statsmodels' regression without the cell, and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from cxkit.stats import additive

ROW, COLUMN = np.repeat(np.arange(5), 4), np.tile(np.arange(4), 5)


def test_what_the_others_predict_is_a_regression_without_the_cell() -> None:
    """statsmodels 0.15, WLS on the other 19 cells; the error adds both variances, the fit's by its own weights."""
    rng = np.random.default_rng(1)
    y, w, v = rng.normal(70, 3, 20), rng.uniform(50, 400, 20), rng.uniform(2, 9, 20)
    found = additive(y, v, w, ROW, COLUMN, 1e-9)
    frame = pd.DataFrame({"y": y, "w": w, "r": ROW, "c": COLUMN})
    for cell in (0, 7, 19):
        others = frame.drop(index=cell)
        fitted = smf.wls("y ~ C(r) + C(c)", others, weights=others["w"]).fit()
        assert found.expected[cell] == pytest.approx(fitted.predict(frame.loc[[cell]]).item())
        x, at = fitted.model.exog, np.r_[1.0, np.eye(5)[ROW[cell]][1:], np.eye(4)[COLUMN[cell]][1:]]
        weights = at @ np.linalg.solve(x.T @ (others["w"].to_numpy()[:, None] * x), x.T * others["w"].to_numpy())
        assert found.error[cell] == pytest.approx(np.sqrt(v[cell] + weights**2 @ np.delete(v, cell)))


def test_one_cell_is_found_once_and_not_its_neighbours() -> None:
    y = 60.0 + 2 * ROW + 3 * COLUMN
    y[6] -= 25
    found = additive(y, np.full(20, 4.0), np.full(20, 100.0), ROW, COLUMN)
    assert np.flatnonzero(found.found).tolist() == [6]
    assert found.expected == pytest.approx(60.0 + 2 * ROW + 3 * COLUMN)


def test_where_nothing_else_tells_of_a_row_there_is_no_residual() -> None:
    found = additive([1, 2, 3, 4, 5.5], [1] * 5, [1] * 5, [0, 0, 1, 1, 2], [0, 1, 0, 1, 2])
    assert np.isfinite(found.pvalue).tolist() == [True, True, True, True, False]


def test_of_two_in_a_row_the_one_that_weighs_less_is_named() -> None:
    found = additive([60, 60, 60, 60, 60, 20], [1] * 6, [9, 9, 9, 9, 9, 2], [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1])
    assert np.flatnonzero(found.found).tolist() == [5]


def test_no_more_is_called_than_may_be_false() -> None:
    """1,000 tables without any interaction: one of ten may call something."""
    rng, called = np.random.default_rng(18), 0
    for _ in range(1000):
        y = rng.normal(70 + ROW - COLUMN, 2.0)
        called += additive(y, np.full(20, 4.0), np.full(20, 50.0), ROW, COLUMN).found.any()
    assert called / 1000 < 0.10 + 3 * np.sqrt(0.1 * 0.9 / 1000)
    assert called / 1000 > 0.06


@pytest.mark.parametrize(("given", "words"), [
    (([1, 2], [0, 1], [1, 1], [0, 1], [0, 1]), "variance: expected numbers above 0, found 0"),
    (([1, 2], [1, 1], [1, -1], [0, 1], [0, 1]), "weight: expected numbers above 0, found -1"),
    (([1, 2], [1, 1], [1, 1], [0, 1], [0, 1], 10), "share: expected a number between 0 and 1"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(given: tuple[list[float]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        additive(*given)  # type: ignore[misc]
