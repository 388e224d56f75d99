"""Simulated size, coverage and power for durations: of customers or agents with several tickets, and in whole hours.

    python benchmarks/durations.py [--quick] [--write]

Durations are lognormal (median 120 minutes, sd of the logarithm 1), with a part of the logarithm that all tickets of an
agent share (intra-class correlation). Every sample is a place of one tally, so that reading, counting, clusters and
words are the product's own. Beside the default stand the same samples with the agents ignored; with the effective
base of the share above the pooled median instead of that of the ranks; and a bootstrap of the medians, which is how a
change was tested before. `--quick` takes a tenth of the samples; `--write` puts the tables into
docs/statistics.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

import cxkit as cx
from cxkit.stats import Sums, cell_design

DOCS = Path(__file__).parents[1] / "docs" / "statistics.md"
SAMPLES, RESAMPLES = 2_000, 999
MEDIAN, HOUR = 120.0, 60.0
DESIGNS = ((40, 10, 0.1), (40, 10, 0.3), (100, 4, 0.1), (100, 4, 0.3), (200, 2, 0.1), (200, 2, 0.3))
MAPPING = {
    "kind": "transactional",
    "columns": {"wave": "wave", "cluster": "agent"},
    "items": {"wait_time": {"column": "minutes"}},
    "dimensions": {"sample": "sample"},
}


class Found(NamedTuple):
    """Share of samples in which a change was found, and in which the interval of the median held the truth."""

    found: float
    covered: float


def simulated(seed: int, samples: int, agents: int, tickets: int, intraclass: float, factor: float = 1.0) -> np.ndarray:
    """Minutes of (sample, side, agent, ticket); the first side has `factor` times the median."""
    rng = np.random.default_rng(seed)
    agent, own = rng.normal(size=(samples, 2, agents, 1)), rng.normal(size=(samples, 2, agents, tickets))
    scale = MEDIAN * np.array([factor, 1.0])[:, None, None]
    return scale * np.exp(np.sqrt(intraclass) * agent + np.sqrt(1 - intraclass) * own)


def measured(minutes: np.ndarray, use: str = "full") -> Found:
    """The product's comparison and estimate of every sample."""
    sample, side, agent, _ = (index.ravel() for index in np.indices(minutes.shape))
    frame = pd.DataFrame(
        {"sample": sample.astype(str), "wave": np.where(side == 0, "2", "1"),
         "agent": (agent + minutes.shape[2] * side).astype(str), "minutes": minutes.ravel()}
    )  # fmt: skip
    tallies = cx.tally(cx.read(frame, MAPPING), ["wait_time"], ["sample"], [("sample",)], "wave", pairs=[("2", "1")])
    changes = cx.compare(tallies, "2", "1", by=["sample"], use=use)
    medians = cx.estimate(tallies, by=["sample"], periods=["1"], use=use)
    return Found((changes["pvalue"] < 0.05).mean(), medians["low"].le(MEDIAN).mul(medians["high"].ge(MEDIAN)).mean())


def by_median(minutes: np.ndarray) -> float:
    """Size where the bases of Brunner and Munzel's test are those of the share above the pooled median."""
    samples, _, agents, tickets = minutes.shape
    n = agents * tickets
    sides = minutes.reshape(samples, 2, n)
    ranks = stats.rankdata(sides.reshape(samples, -1), axis=1).reshape(sides.shape)
    placed = (ranks - stats.rankdata(sides, axis=2)) / n
    above = np.sign(minutes - np.median(minutes, axis=(1, 2, 3), keepdims=True))
    totals = above.sum(axis=3)
    sums = (totals.sum(axis=2), n * tickets, tickets * totals.sum(axis=2), (totals**2).sum(axis=2))
    design = cell_design(n, above.var(axis=(2, 3)), Sums(n, *sums, agents))
    variance = placed.var(axis=2, ddof=1) / np.asarray(design.n_eff)
    t = (placed[:, 0].mean(axis=1) - 0.5) / np.sqrt(variance.sum(axis=1))
    return float(np.mean(2 * stats.t.sf(np.abs(t), 2 * (agents - 1)) < 0.05))


def bootstrapped(minutes: np.ndarray, seed: int = 1) -> float:
    """Share of samples in which a percentile bootstrap of the difference of medians excludes 0."""
    rng = np.random.default_rng(seed)
    found = 0
    for sides in minutes.reshape(*minutes.shape[:2], -1):
        picks = rng.integers(0, sides.shape[1], (2, RESAMPLES, sides.shape[1]))
        first, second = (np.median(side[pick], axis=1) for side, pick in zip(sides, picks, strict=True))
        low, high = np.quantile(first - second, [0.025, 0.975])
        found += low > 0 or high < 0
    return found / len(minutes)


def short(value: float) -> str:
    return f"{value:.3f}".lstrip("0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/statistics.md")
    options = parser.parse_args()
    samples = SAMPLES // 10 if options.quick else SAMPLES
    lines = ["| agents x tickets, correlation, recorded | size | coverage | size, agents ignored | coverage "
             "| size by the share above the median |", "|---|---|---|---|---|---|"]  # fmt: skip
    sizes, covers, plain, signs = [], [], [], []
    for number, (agents, tickets, intraclass) in enumerate(DESIGNS):
        exact = simulated(number, samples, agents, tickets, intraclass)
        for name, minutes in (("exactly", exact), ("in whole hours", np.round(exact / HOUR) * HOUR)):
            own, ignored = measured(minutes), measured(minutes, "none")
            sizes, covers, plain = [*sizes, own.found], [*covers, own.covered], [*plain, ignored]
            signs.append(by_median(minutes))
            cells = " | ".join(map(short, (*own, *ignored, signs[-1])))
            lines.append(f"| {agents} x {tickets}, {intraclass}, {name} | {cells} |")
    block = ["\n".join(lines), ""]
    lines = ["| one ticket each, whole hours | rank effect | bootstrap of the medians |", "|---|---|---|"]
    power = {}
    for factor in (1.5, 1.0):
        minutes = np.round(simulated(99, samples, 100, 1, 0.0, factor) / HOUR) * HOUR
        power[factor] = measured(minutes).found, bootstrapped(minutes[: samples // 4])
        what = f"{MEDIAN * factor:.0f} against {MEDIAN:.0f} minutes, 100 against 100"
        lines.append(f"| {what}: called changed | {' | '.join(map(short, power[factor]))} |")
    block.append("\n".join(lines))
    print("\n".join(block), end="\n\n")
    if options.write:
        start, rest = DOCS.read_text(encoding="utf-8").split("<!-- durations -->")
        end = rest.split("<!-- /durations -->")[1]
        text = f"{start}<!-- durations -->\n" + "\n".join(block) + f"\n<!-- /durations -->{end}"
        DOCS.write_text(text, encoding="utf-8")
    print(f"bar durations_greatest_size {max(sizes):.4f}")
    print(f"bar durations_least_coverage {min(covers):.4f}")
    print(f"bar durations_ignored_greatest_size {max(one.found for one in plain):.4f}")
    print(f"bar durations_ignored_least_coverage {min(one.covered for one in plain):.4f}")
    print(f"bar durations_median_greatest_size {max(signs):.4f}")
    print(f"bar durations_hours_found {power[1.5][0]:.4f}")
    print(f"bar durations_hours_size {power[1.0][0]:.4f}")
    print(f"bar durations_hours_bootstrap_found {power[1.5][1]:.4f}")


if __name__ == "__main__":
    main()
