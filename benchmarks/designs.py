"""Simulated coverage of the default interval where answers have weights or come from the same customers.

    python benchmarks/designs.py [--quick] [--write]

Populations have a known score: satisfaction is standard normal, cut into detractors, passives and promoters. Beside
the default stand the interval with Kish's degrees of freedom, (sum W_g)^2 / sum W_g^2 - 1, and the one that ignores the
design. `--quick` takes a tenth of the samples; `--write` puts the
table into docs/statistics.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from cxkit.stats import Design, Sums, cell_design, nps_interval

DOCS = Path(__file__).parents[1] / "docs" / "statistics.md"
SAMPLES = 40_000
POPULATIONS = ((0.2, 0.3, 0.5), (0.35, 0.3, 0.35), (0.1, 0.6, 0.3))
RARE = (0.05, 0.15, 0.8)
# Standard deviation of the logarithm of the weights, and its correlation with satisfaction.
WEIGHTS = ((0.6, 0.0), (1.0, 0.0), (0.6, 0.5), (0.6, -0.5), (1.0, 0.5))
HARD = ((1.0, -0.5),)
ANSWERS, CUSTOMERS, INTRACLASS = (20, 50, 100), (10, 20, 40), (0.3, 0.7)


class Simulated(NamedTuple):
    """Many samples at once: counts (3, k), their design, Kish's number of clusters, answers, the population's score."""

    counts: np.ndarray
    design: Design
    kish: np.ndarray
    n: np.ndarray
    truth: float


def scored(latent: np.ndarray, shares: tuple[float, float, float]) -> np.ndarray:
    """Satisfaction cut so that the population has these shares of -1, 0 and 1."""
    low, high = stats.norm.ppf([shares[0], shares[0] + shares[1]])
    return (latent > high).astype(float) - (latent <= low)


def weighted(
    seed: int, samples: int, n: int, shares: tuple[float, float, float], sd: float, correlation: float
) -> Simulated:
    """Answers with lognormal weights."""
    rng = np.random.default_rng(seed)
    latent, noise = rng.normal(size=(2, samples, n))
    weights = np.exp(sd * (correlation * latent + np.sqrt(1 - correlation**2) * noise))
    scores = scored(latent, shares)
    counts = np.stack([(weights * (scores == value)).sum(axis=1) for value in (-1, 0, 1)])
    # Under the weights satisfaction is normal about sd * correlation.
    low, high = stats.norm.ppf([shares[0], shares[0] + shares[1]]) - sd * correlation
    truth = stats.norm.sf(high) - stats.norm.cdf(low)
    return measured(weights, weights * scores, counts, np.full(samples, n), truth)


def clustered(
    seed: int, samples: int, customers: int, shares: tuple[float, float, float], intraclass: float
) -> Simulated:
    """Customers with one to five answers each, whose satisfaction has an intra-class correlation."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 6, (samples, customers))
    person, own = rng.normal(size=(samples, customers, 1)), rng.normal(size=(samples, customers, 5))
    given = np.arange(5) < size[..., None]
    scores = scored(np.sqrt(intraclass) * person + np.sqrt(1 - intraclass) * own, shares) * given
    counts = np.stack([((scores == value) & given).sum(axis=(1, 2)) for value in (-1, 0, 1)]).astype(float)
    return measured(size.astype(float), scores.sum(axis=2), counts, size.sum(axis=1), shares[2] - shares[0])


def measured(w: np.ndarray, s: np.ndarray, counts: np.ndarray, n: np.ndarray, truth: float) -> Simulated:
    shares = counts / counts.sum(axis=0)
    variance = shares[0] + shares[2] - (shares[2] - shares[0]) ** 2
    sums = (x.sum(axis=1) for x in (w, s, w * w, s * w, s * s))
    kish = w.sum(axis=1) ** 2 / (w * w).sum(axis=1)
    return Simulated(counts, cell_design(n, variance, Sums(*sums, w.shape[1])), kish, n, truth)


def coverage(sample: Simulated) -> tuple[float, float, float]:
    """Coverage of the default, with Kish's degrees of freedom, and where the answers are taken for plain ones."""
    counts, truth = sample.counts, sample.truth
    ways = (
        nps_interval(*counts, design=sample.design),
        nps_interval(*counts, design=sample.design._replace(df=sample.kish - 1.0)),
        nps_interval(*(counts / counts.sum(axis=0) * sample.n)),
    )
    default, kish, ignored = (float(np.mean((low <= truth) & (truth <= high))) for low, high in ways)
    return default, kish, ignored


def row(name: str, results: list[tuple[float, float, float]]) -> str:
    return f"| {name} | {' | '.join(span(np.array(side)) for side in zip(*results, strict=True))} |"


def span(values: np.ndarray) -> str:
    return f"{values.min():.3f}".lstrip("0") + " to " + f"{values.max():.3f}".lstrip("0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples")
    parser.add_argument("--write", action="store_true", help="put the table into docs/statistics.md")
    options = parser.parse_args()
    samples = SAMPLES // 10 if options.quick else SAMPLES
    lines = ["| answers | default | Kish's df | design ignored |", "|---|---|---|---|"]
    normal, hard = [], []
    for sd, correlation in (*WEIGHTS, *HARD):
        populations = POPULATIONS if (sd, correlation) in WEIGHTS else (*POPULATIONS, RARE)
        results = [coverage(weighted(n, samples, n, s, sd, correlation)) for s in populations for n in ANSWERS]
        (normal if (sd, correlation) in WEIGHTS else hard).extend(results)
        lines.append(row(f"weights: sd of logarithm {sd}, correlation with score {correlation:+.1f}", results))
    for intraclass in INTRACLASS:
        results = [coverage(clustered(m, samples, m, s, intraclass)) for s in POPULATIONS for m in CUSTOMERS]
        normal.extend(results)
        lines.append(row(f"10-40 customers, 1-5 answers each, intra-class correlation {intraclass}", results))
    block = "\n".join(lines)
    print(block, end="\n\n")
    if options.write:
        start, rest = DOCS.read_text(encoding="utf-8").split("<!-- designs -->")
        end = rest.split("<!-- /designs -->")[1]
        DOCS.write_text(f"{start}<!-- designs -->\n{block}\n<!-- /designs -->{end}", encoding="utf-8")
    for name, group in (("designs", normal), ("designs_hard", hard)):
        default, kish, ignored = (np.array(side) for side in zip(*group, strict=True))
        print(f"bar {name}_least_coverage {default.min():.4f}")
        print(f"bar {name}_greatest_coverage {default.max():.4f}")
        print(f"bar {name}_kish_least_coverage {kish.min():.4f}")
        print(f"bar {name}_ignored_least_coverage {ignored.min():.4f}")


if __name__ == "__main__":
    main()
