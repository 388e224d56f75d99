"""Coverage and size by complete enumeration: the tables of docs/statistics.md, for the bases that are quick."""

from __future__ import annotations

import numpy as np
import pytest
from stats_benchmarks import load

from cxkit.stats import nps_difference


@pytest.fixture(scope="module")
def enumeration():
    return load("coverage")


def test_the_grids(enumeration):
    assert enumeration.populations().shape == (741, 3)
    first, second = enumeration.equal_pairs()
    assert first.shape == second.shape == (771, 3)
    assert first[:, 2] - first[:, 0] == pytest.approx(second[:, 2] - second[:, 0])


# Enumerated independently: mean and minimum coverage of nominal 95 % intervals over 741 populations.
@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (
            10,
            {
                "Wald z": (0.876, 0.400),
                "bootstrap percentile": (0.885, 0.400),
                "adjusted Wald 3/4, 1 1/2, 3/4": (0.952, 0.898),
                "Dirichlet 1/2": (0.950, 0.914),
                "**score**": (0.964, 0.932),
            },
        ),
        (
            20,
            {
                "Wald z": (0.916, 0.640),
                "bootstrap percentile": (0.927, 0.631),
                "adjusted Wald 3/4, 1 1/2, 3/4": (0.950, 0.931),
                "**score**": (0.955, 0.940),
            },
        ),
    ],
)
def test_coverage(enumeration, n, expected):
    rows = enumeration.coverage(n)
    for name, values in expected.items():
        assert rows[name][:2] == pytest.approx(values, abs=6e-4), name
    if n == 10:
        assert rows["**score**"][2] == pytest.approx(81, abs=0.5)  # width in points


# Enumerated independently: mean and maximum size of nominal 5 % tests over 771 pairs with equal scores.
def test_size(enumeration):
    expected = {
        "Wald unpooled": (0.084, 0.105),
        "Welch t": (0.047, 0.063),
        "adjusted Wald, 3/4 each": (0.037, 0.053),
        "**MOVER of score limits**": (0.041, 0.056),
    }
    rows = enumeration.size(10, 10)
    for name, values in expected.items():
        assert rows[name] == pytest.approx(values, abs=6e-4), name


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 10, 20, 30, 50, 100])
def test_the_default_interval_covers(enumeration, monkeypatch, n):
    monkeypatch.setattr(enumeration, "INTERVALS", {"score": enumeration.INTERVALS["**score**"]})
    mean, least, _ = enumeration.coverage(n)["score"]
    assert mean >= 0.95 - 1e-3
    assert least >= (0.93 if n >= 10 else 0.91)


@pytest.mark.slow
@pytest.mark.parametrize("pair", [(10, 10), (20, 20), (10, 50), (20, 100)])
def test_the_default_test_keeps_its_size(enumeration, monkeypatch, pair):
    monkeypatch.setattr(enumeration, "TESTS", {"mover": enumeration.TESTS["**MOVER of score limits**"]})
    assert enumeration.size(*pair)["mover"][1] <= 0.06


def test_the_benchmark_tests_what_the_function_tests(enumeration):
    counts = enumeration.trinomials(4)
    pairs = np.indices((counts.shape[1], counts.shape[1])).reshape(2, -1)
    result = nps_difference(tuple(counts[:, pairs[0]]), tuple(counts[:, pairs[1]]))
    assert np.array_equal(enumeration.reject_mover(counts, counts).ravel(), result.pvalue < 0.05)


def test_the_exact_bootstrap_is_the_bootstrap(enumeration):
    sample = np.array([[3], [4], [13]])
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(20, sample[:, 0] / 20, 200_000)
    resampled = (drawn[:, 2] - drawn[:, 0]) / 20
    exact = enumeration.resample(sample)[0]
    simulated = np.bincount(np.rint(resampled * 20).astype(int) + 20, minlength=41) / 200_000
    assert exact == pytest.approx(simulated, abs=0.004)
    low, high = enumeration.bootstrap(sample)
    assert (low[0], high[0]) == pytest.approx(np.quantile(resampled, [0.025, 0.975], method="inverted_cdf"))
