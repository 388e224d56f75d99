"""Speed and agreement: 100,000 cells in one call, against a loop of scipy's brentq over the same formulas.

    python benchmarks/cells.py [--quick]

The loop is a strong one: plain Python arithmetic (NumPy scalars would be twice as slow), tight brackets, only the
limits that are needed. It solves Tango's score equation for each limit as the paper writes it, and for the p-value the
smallest alpha whose MOVER interval excludes 0. Both sides are measured in this run, in turn, as the processor time of
one thread; the loop on a sample of the same cells.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import sqrt
from time import process_time
from typing import Any

import numpy as np
from scipy import special
from scipy.optimize import brentq

from cxkit.stats import mean_difference, nps_difference, nps_interval, rate_difference, rate_interval

Z = float(-special.ndtri(0.025))


def cells(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two periods of counts, as 3 x count arrays: bases 5 to 400, shares that move a little between the periods."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([1.0, 1.0, 2.0], count)
    moved = 0.8 * shares + 0.2 * rng.dirichlet([1.0, 1.0, 2.0], count)
    return tuple(rng.multinomial(rng.integers(5, 400, count), p).T for p in (shares, moved))


def lower(d: float, a: float, p: float, z: float) -> float:
    """Tango's lower limit, from the score equation with the constrained maximum-likelihood detractor share."""
    n = d + a + p
    if d == n:
        return -1.0

    def equation(x: float) -> float:
        b, c = -d - p + (2 * n - p + d) * x, -d * x * (1 - x)
        q = (sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        return (p - d - n * x) - z * sqrt(max(n * (2 * q + x * (1 - x)), 0.0))

    # Without any variance the estimate itself is a second root, just above the limit.
    top = (p - d) / n - (0.0 if (p + d) * n > (p - d) ** 2 else 1e-12)
    return float(brentq(equation, -1.0, top, xtol=1e-14, rtol=1e-14)) if equation(top) < 0 else top


def loop_interval(d: float, a: float, p: float) -> tuple[float, float]:
    return lower(d, a, p, Z), -lower(p, a, d, Z)


def loop_pvalue(now: tuple[float, float, float], before: tuple[float, float, float]) -> float:
    """The smallest alpha whose MOVER interval excludes 0, as a root in z, of which only the nearer limit matters."""
    (d1, a1, p1), (d2, a2, p2) = (now, before)
    change = (p1 - d1) / (d1 + a1 + p1) - (p2 - d2) / (d2 + a2 + p2)
    if change == 0:
        return 1.0
    if change < 0:
        (d1, a1, p1), (d2, a2, p2), change = (d2, a2, p2), (d1, a1, p1), -change
    e1, e2 = (p1 - d1) / (d1 + a1 + p1), (p2 - d2) / (d2 + a2 + p2)

    def slack(z: float) -> float:
        return change - sqrt((e1 - lower(d1, a1, p1, z)) ** 2 + (-lower(p2, a2, d2, z) - e2) ** 2)

    return float(2 * special.ndtr(-brentq(slack, 1e-8, 60.0, xtol=1e-13, rtol=1e-14)))


def timed(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Best seconds of processor time of several runs, and the result."""
    best = float("inf")
    for _ in range(repeats):
        start = process_time()
        result = call()
        best = min(best, process_time() - start)
    return best, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller sample for the loop")
    count, sample, repeats = 100_000, 200 if parser.parse_args().quick else 2_000, 5
    now, before = cells(count, 2026)
    rows = [tuple(map(float, column)) for column in now.T[:sample]], [tuple(map(float, c)) for c in before.T[:sample]]
    # In turn, so that a busy machine slows both sides.
    slow_interval, limits = timed(lambda: np.array([loop_interval(*row) for row in rows[0]]), 2)
    fast_interval, interval = timed(lambda: nps_interval(*now), repeats)
    slow_pvalue, pvalues = timed(lambda: np.array([loop_pvalue(*pair) for pair in zip(*rows, strict=True)]), 1)
    fast_pvalue, difference = timed(lambda: nps_difference(tuple(now), tuple(before)), repeats)
    bases = now.sum(axis=0), before.sum(axis=0)
    others = {
        "rate_interval": lambda: rate_interval(now[2], bases[0]),
        "rate_difference": lambda: rate_difference((now[2], bases[0]), (before[2], bases[1])),
        "mean_difference": lambda: mean_difference((now[2] / 9, 1.5, bases[0]), (before[2] / 9, 1.4, bases[1])),
    }
    print(f"{count:,} cells in one call; the loop on {sample:,} of them, microseconds per cell")
    print(f"interval   loop {slow_interval / sample * 1e6:8.1f}   one call {fast_interval / count * 1e6:6.3f}")
    print(
        f"p-value    loop {slow_pvalue / sample * 1e6:8.1f}   one call {fast_pvalue / count * 1e6:6.3f}  (limits too)"
    )
    for name, call in others.items():
        print(f"{name:<27} one call {timed(call, repeats)[0] / count * 1e6:6.3f}")
    print(f"bar interval_times_faster {slow_interval / sample / (fast_interval / count):.0f}")
    print(f"bar pvalue_times_faster {slow_pvalue / sample / (fast_pvalue / count):.0f}")
    print(f"bar interval_largest_difference {np.abs(np.stack(interval, axis=1)[:sample] - limits).max():.1e}")
    print(f"bar pvalue_largest_difference {np.abs(difference.pvalue[:sample] - pvalues).max():.1e}")
    print(f"bar compare_100000_cells_seconds {fast_pvalue:.3f}")


if __name__ == "__main__":
    main()
