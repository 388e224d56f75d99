"""Exact coverage of intervals and exact size of tests for net promoter scores, by enumerating every possible sample.

    python benchmarks/coverage.py [--quick] [--write]

Nothing is simulated: a population's coverage is the summed multinomial probability of all samples whose interval holds
its score. The percentile bootstrap is taken with unlimited resamples, from the exact distribution of a resample.
`--quick` leaves out the large bases; `--write` puts the tables into docs/statistics.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import special, stats

from cxkit.stats import Interval, nps_interval
from cxkit.stats.power import trinomial_probabilities, trinomials

LEVEL = 0.95
Z = stats.norm.ppf(0.975)
DOCS = Path(__file__).parents[1] / "docs" / "statistics.md"
BASES = (5, 10, 20, 30, 50, 100)
PAIRS = ((10, 10), (20, 20), (30, 30), (50, 50), (10, 50), (20, 100), (30, 300))
QUICK_BASES, QUICK_PAIRS = (5, 10, 20), ((10, 10), (20, 20))
BLOCK = 4096


def populations() -> np.ndarray:
    """The 741 interior points of the simplex with step .025, as rows of shares."""
    d, p = np.meshgrid(np.arange(1, 40), np.arange(1, 40))
    inside = d + p < 40
    d, p = d[inside] / 40, p[inside] / 40
    return np.stack([d, 1 - d - p, p], axis=1)


def equal_pairs() -> tuple[np.ndarray, np.ndarray]:
    """771 pairs of populations with one score and different shares of passives."""
    first, second = [], []
    for score in (-0.5, -0.2, *(np.arange(10) / 10)):
        shares = [a for a in (0.01, 0.02, 0.05, *(np.arange(1, 9) / 10)) if a <= 1 - abs(score) - 0.01 + 1e-9]
        rows = [((1 - a - score) / 2, a, (1 - a + score) / 2) for a in shares]
        for one in rows:
            for other in rows:
                first.append(one)
                second.append(other)
    return np.array(first), np.array(second)


def moments(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = counts.sum(axis=0)
    score = (counts[2] - counts[0]) / n
    return score, (counts[0] + counts[2]) / n - score**2


def student(counts: np.ndarray) -> Interval:
    n = counts.sum(axis=0)[0]
    score, variance = moments(counts)
    half = stats.t.ppf(0.975, n - 1) * np.sqrt(variance / (n - 1))
    return Interval(score - half, score + half)


def resample(counts: np.ndarray) -> np.ndarray:
    """Probability of promoters minus detractors = -n..n in a resample, one row per sample."""
    n = int(counts[:, 0].sum())
    size = 2 * n + 1
    turn = np.exp(-2j * np.pi * np.arange(size) / size)
    d, a, p = (counts / n)[:, :, None]
    wave = (d / turn + a + p * turn) ** n
    return np.roll(np.fft.ifft(wave, axis=1).real, n, axis=1).clip(0)


def bootstrap(counts: np.ndarray) -> Interval:
    n = int(counts[:, 0].sum())
    limits = []
    for block in np.array_split(counts, max(1, counts.shape[1] // BLOCK), axis=1):
        below = np.cumsum(resample(block), axis=1)
        # The smallest value with enough probability up to it; 1e-12 for the rounding of the transform.
        limits.append([((below < tail - 1e-12).sum(axis=1) - n) / n for tail in (0.025, 0.975)])
    low, high = np.concatenate(limits, axis=1)
    return Interval(low, high)


def dirichlet(counts: np.ndarray) -> Interval:
    """Equal-tailed posterior interval under a Dirichlet(1/2, 1/2, 1/2) prior."""
    nodes, weights = np.polynomial.legendre.leggauss(120)
    d, a, p = counts + 0.5
    total = special.betaincinv((p + d)[:, None], a[:, None], (nodes + 1) / 2)  # promoters + detractors
    limits = []
    for tail in (0.025, 0.975):
        low, high = np.full(d.shape, -1.0), np.ones(d.shape)
        for _ in range(40):
            middle = (low + high) / 2
            share = np.clip((middle[:, None] / np.maximum(total, 1e-300) + 1) / 2, 0, 1)
            below = special.betainc(p[:, None], d[:, None], share) @ weights / 2
            low, high = np.where(below < tail, middle, low), np.where(below < tail, high, middle)
        limits.append((low + high) / 2)
    return Interval(*limits)


INTERVALS: dict[str, Callable[[np.ndarray], Interval]] = {
    "Wald z": lambda c: nps_interval(*c, method="wald"),
    "Student t": student,
    "bootstrap percentile": bootstrap,
    "adjusted Wald 3/4, 1 1/2, 3/4": lambda c: nps_interval(*c, method="adjusted_wald"),
    "Dirichlet 1/2": dirichlet,
    "**score**": lambda c: nps_interval(*c),
}


def coverage(n: int) -> dict[str, tuple[float, float, float]]:
    """Method -> mean and minimum coverage and mean width in points, over the populations."""
    counts, shares = trinomials(n), populations()
    truth = shares[:, 2] - shares[:, 0]
    probability = trinomial_probabilities(counts, shares)
    rows = {}
    for name, method in INTERVALS.items():
        low, high = method(counts)
        covered = (low <= truth[:, None] + 1e-12) & (truth[:, None] <= high + 1e-12)
        covering = (probability * covered).sum(axis=1)
        rows[name] = covering.mean(), covering.min(), 100 * float((probability @ (high - low)).mean())
    return rows


def reject_normal(c1: np.ndarray, c2: np.ndarray, added: tuple[float, float, float], welch: bool) -> np.ndarray:
    """Whether z, or Welch's t, of each pair of samples is beyond its critical value."""
    (n1, n2), sides = (c[:, 0].sum() for c in (c1, c2)), [c + np.array(added)[:, None] for c in (c1, c2)]
    (e1, v1), (e2, v2) = (moments(side) for side in sides)
    v1, v2 = (v / (n - 1 if welch else side.sum(axis=0)) for v, n, side in ((v1, n1, sides[0]), (v2, n2, sides[1])))
    change, squared = np.abs(e1[:, None] - e2), v1[:, None] + v2
    if not welch:
        return change > Z * np.sqrt(squared) + 1e-12
    known = np.where(squared > 0, squared, 1.0)
    df = known**2 / np.where(squared > 0, v1[:, None] ** 2 / (n1 - 1) + v2**2 / (n2 - 1), 1.0)
    # Where nothing varies on either side Welch's t does not exist, so it finds nothing.
    return (squared > 0) & (change > -special.stdtrit(df, 0.025) * np.sqrt(squared) + 1e-12)


def reject_mover(c1: np.ndarray, c2: np.ndarray) -> np.ndarray:
    (e1, _), (e2, _) = moments(c1), moments(c2)
    (l1, u1), (l2, u2) = nps_interval(*c1), nps_interval(*c2)
    change = e1[:, None] - e2
    below = np.hypot((e1 - l1)[:, None], u2 - e2)
    above = np.hypot((u1 - e1)[:, None], e2 - l2)
    return (change > below) | (-change > above)


def reject_bootstrap(c1: np.ndarray, c2: np.ndarray) -> np.ndarray:
    """Whether the percentile interval of the difference leaves out 0."""
    n1, n2 = (int(c[:, 0].sum()) for c in (c1, c2))
    one, other = resample(c1), resample(c2)
    place = np.arange(-n1, n1 + 1) * n2 / n1
    up_to = np.concatenate([np.zeros((other.shape[0], 1)), np.cumsum(other, axis=1)], axis=1)
    at_least = 1 - up_to[:, np.ceil(place - 1e-9).astype(int) + n2]  # P(second >= x n2/n1)
    at_most = up_to[:, np.floor(place + 1e-9).astype(int) + n2 + 1]
    return (one @ at_least.T < 0.025 - 1e-12) | (one @ at_most.T < 0.025 - 1e-12)


TESTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "Wald unpooled": lambda x, y: reject_normal(x, y, (0, 0, 0), False),
    "Welch t": lambda x, y: reject_normal(x, y, (0, 0, 0), True),
    "bootstrap percentile": reject_bootstrap,
    "adjusted Wald, 3/4 each": lambda x, y: reject_normal(x, y, (0.75, 1.5, 0.75), False),
    "**MOVER of score limits**": reject_mover,
}


def size(n1: int, n2: int) -> dict[str, tuple[float, float]]:
    """Test -> mean and maximum probability of finding a difference that is not there."""
    c1, c2 = trinomials(n1), trinomials(n2)
    first, second = equal_pairs()
    p1, p2 = trinomial_probabilities(c1, first), trinomial_probabilities(c2, second)
    rows = {}
    for name, test in TESTS.items():
        found = np.zeros(first.shape[0])
        for start in range(0, c2.shape[1], BLOCK):
            part = slice(start, start + BLOCK)
            found += ((p1 @ test(c1, c2[:, part]).astype(np.float64)) * p2[:, part]).sum(axis=1)
        rows[name] = found.mean(), found.max()
    return rows


def short(*values: float) -> str:
    return "/".join(f"{value:.3f}".lstrip("0") for value in values)


def table(title: str, columns: list[str], cells: list[dict[str, str]]) -> str:
    lines = [f"| {title} | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    lines += [f"| {name} | {' | '.join(column[name] for column in cells)} |" for name in cells[0]]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small bases only")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/statistics.md")
    options = parser.parse_args()
    covers = {n: coverage(n) for n in (QUICK_BASES if options.quick else BASES)}
    sizes = {pair: size(*pair) for pair in (QUICK_PAIRS if options.quick else PAIRS)}
    first = [{name: f"{short(*v[:2])} [{v[2]:.0f}]" for name, v in rows.items()} for rows in covers.values()]
    second = [{name: short(*v) for name, v in rows.items()} for rows in sizes.values()]
    tables = {
        "coverage": table("interval", [f"n={n}" for n in covers], first),
        "size": table("test", [f"{a}v{b}" for a, b in sizes], second),
    }
    print("\n\n".join(tables.values()), end="\n\n")
    if options.write:
        text = DOCS.read_text(encoding="utf-8")
        for name, block in tables.items():
            marks = f"<!-- {name} -->", f"<!-- /{name} -->"
            start, rest = text.split(marks[0])
            text = f"{start}{marks[0]}\n{block}\n{marks[1]}{rest.split(marks[1])[1]}"
        DOCS.write_text(text, encoding="utf-8")
    least = min(rows["**score**"][1] for n, rows in covers.items() if n >= 10)
    most = max(rows["**MOVER of score limits**"][1] for rows in sizes.values())
    print(f"bar coverage_minimum_from_n10 {least:.4f}")
    print(f"bar size_maximum {most:.4f}")


if __name__ == "__main__":
    main()
