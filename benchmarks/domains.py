"""Simulated coverage and size for segments of a stratified, clustered sample, before and after.

    python benchmarks/domains.py [--quick] [--write]

Clusters of answers within strata that score differently; satisfaction has an intra-class correlation of .3. A segment
is made of some of the clusters, whole, or of some answers in each. "before" takes the sums of the segment's own
clusters for the design, and has no interval where it hits a stratum once; "now" takes the segment for a domain of the
sample, as the kit does; "shown" is now, as a run publishes it: strata of fewer than ten people are one with the largest
of the segment. Size is that of the test between two such samples. `--quick` takes a tenth of the samples;
`--write` puts the table into docs/statistics.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from cxkit.analysis.strata import Strata
from cxkit.schema import RULES
from cxkit.stats import Design, Sums, cell_design, nps_difference, nps_interval

DOCS = Path(__file__).parents[1] / "docs" / "statistics.md"
SAMPLES, ANSWERS, INTRACLASS = 20_000, 8, 0.3
LOW, HIGH = -0.6, 0.2  # satisfaction up to which people detract, and above which they promote
WAYS = ("before", "now", "shown")
BAR = "10 strata x 15 clusters, 30 % of the clusters"


class Case(NamedTuple):
    """A sample and its segment: strata, clusters in each, how far their means lie apart, the segment's share."""

    strata: int = 10
    clusters: int = 15
    apart: float = 3.0
    share: float = 0.3
    whole: bool = True
    sd: float = 0.0


CASES = {
    BAR: Case(),
    "the same, strata alike": Case(apart=0.0),
    "10 % of the clusters": Case(share=0.1),
    "3 % of the answers": Case(share=0.03, whole=False),
    "30 % of the answers": Case(whole=False),
    "30 strata x 4 clusters, 30 % of the clusters": Case(30, 4),
    "3 strata x 15 clusters, 5 % of the answers": Case(3, share=0.05, whole=False),
    "one stratum x 40 clusters, 20 % of them": Case(1, 40, share=0.2),
    "weights of clusters: sd of logarithm 0.6": Case(sd=0.6),
    "weights of clusters: sd of logarithm 1.0": Case(sd=1.0),
}


class Segments(NamedTuple):
    """Many segments at once: weighted counts (3, k), the designs, the population's score."""

    counts: np.ndarray
    before: Design
    now: Design
    shown: Design
    truth: float


def drawn(rng: np.random.Generator, samples: int, case: Case) -> Segments:
    """Samples of a case, cut down to the segment."""
    h, m = case.strata, case.clusters
    centre = (np.linspace(-0.5, 0.5, h) * case.apart if h > 1 else np.zeros(1))[:, None, None]
    shape = (samples, h, m, ANSWERS)
    noise = np.sqrt(INTRACLASS) * rng.normal(size=(*shape[:3], 1)) + np.sqrt(1 - INTRACLASS) * rng.normal(size=shape)
    scores = (centre + noise > HIGH).astype(float) - (centre + noise <= LOW)
    inside = rng.random((*shape[:3], 1) if case.whole else shape) < case.share
    weights = np.broadcast_to(np.exp(case.sd * rng.normal(size=(*shape[:3], 1))) * inside, shape)
    counts = np.stack([(weights * (scores == value)).sum(axis=(1, 2, 3)) for value in (-1, 0, 1)])
    shares = counts / np.where(counts.sum(axis=0) > 0, counts.sum(axis=0), np.nan)  # a segment may be empty
    variance = shares[0] + shares[2] - (shares[2] - shares[0]) ** 2
    w, s = weights.sum(axis=3), (weights * scores).sum(axis=3)
    sums = Sums(*(x.sum(axis=2) for x in (w, s, w * w, s * w, s * s, w > 0)))
    n = (weights > 0).sum(axis=(1, 2, 3))
    before = cell_design(n, variance, sums, axis=1, lonely="refuse")
    wave, people = np.full((samples, h), float(m)), (weights > 0).sum(axis=(2, 3))
    now = cell_design(n, variance, sums, axis=1, wave=wave)
    few = (people > 0) & (people < RULES.hide_below)
    shown = Strata([""] * h, sums, wave, pooled=few).design(n, variance, n)
    truth = float(np.mean(stats.norm.sf(HIGH - centre) - stats.norm.cdf(LOW - centre)))
    return Segments(counts, before, now, shown, truth)


class Measured(NamedTuple):
    """Share of segments with an interval, and among these coverage and size."""

    known: float
    coverage: float
    size: float


def measured(one: Segments, other: Segments, way: str) -> Measured:
    """How one way of taking the design does on two samples of a case."""
    designs = (getattr(one, way), getattr(other, way))
    low, high = nps_interval(*one.counts, design=designs[0])
    pvalue = nps_difference(tuple(one.counts), tuple(other.counts), designs=designs).pvalue
    known, tested = ~np.isnan(low), ~np.isnan(pvalue)
    held = ((low <= one.truth) & (one.truth <= high))[known]
    return Measured(known.mean(), mean(held), mean(pvalue[tested] < 0.05))


def mean(found: np.ndarray) -> float:
    """NaN where there are too few to say."""
    return float(np.mean(found)) if len(found) >= 100 else np.nan


def simulated(case: Case, samples: int, seed: int = 1) -> dict[str, Measured]:
    """All ways on the same samples, drawn a few at a time."""
    rng, size = np.random.default_rng(seed), min(samples, 1000)
    parts = [[drawn(rng, size, case) for _ in range(2)] for _ in range(samples // size)]
    joined = [Segments(
        np.concatenate([p[side].counts for p in parts], axis=1),
        *(Design(*(np.concatenate(x) for x in zip(*(getattr(p[side], way) for p in parts), strict=True)))
          for way in WAYS),
        parts[0][side].truth,
    ) for side in (0, 1)]  # fmt: skip
    return {way: measured(*joined, way) for way in WAYS}


def row(name: str, found: dict[str, Measured]) -> str:
    """A line of the table."""
    cells = [f"{x.known:.0%} | {share(x.coverage)} | {share(x.size)}" for x in found.values()]
    return f"| {name} | {' | '.join(cells)} |"


def share(value: float) -> str:
    """Three digits, or a dash."""
    return "-" if np.isnan(value) else f"{value:.3f}".lstrip("0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples")
    parser.add_argument("--write", action="store_true", help="put the table into docs/statistics.md")
    options = parser.parse_args()
    found = {name: simulated(case, SAMPLES // 10 if options.quick else SAMPLES) for name, case in CASES.items()}
    head = f"| segment | {' | '.join(f'{way}: with interval | coverage | size' for way in WAYS)} |"
    block = "\n".join([head, "|---" * 10 + "|", *(row(name, result) for name, result in found.items())])
    print(block, end="\n\n")
    if options.write:
        start, rest = DOCS.read_text(encoding="utf-8").split("<!-- domains -->")
        end = rest.split("<!-- /domains -->")[1]
        DOCS.write_text(f"{start}<!-- domains -->\n{block}\n<!-- /domains -->{end}", encoding="utf-8")
    for way, result in found[BAR].items():
        print(f"bar domains_{way}_coverage {result.coverage:.4f}")
        print(f"bar domains_{way}_size {result.size:.4f}")
    for way in ("now", "shown"):
        print(f"bar domains_{way}_least_coverage {min(result[way].coverage for result in found.values()):.4f}")
        print(f"bar domains_{way}_greatest_size {max(result[way].size for result in found.values()):.4f}")


if __name__ == "__main__":
    main()
