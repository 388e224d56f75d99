"""How often the limits of the level and of the next score hold, and how much nearer the level is than the raw score.

    python benchmarks/level.py [--quick] [--write]

Series of 24 months around an NPS of 30 whose true level takes a normal step of so many points a month; answers are
drawn one by one. `--write` puts the table into docs/statistics.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from watch import plain

from cxkit.stats import local_level

MONTHS = 24


def measured(rng: np.random.Generator, series: int, n: int, drift: float) -> dict[str, float]:
    """Coverage of the level of the last month, of all, and of the next score; RMSE of the last month against raw."""
    steps = np.cumsum(drift / 100 * rng.standard_normal((series, MONTHS + 1)), axis=1)
    truth = np.clip(0.3 + steps, -0.95, 0.95)
    score, variance, base = plain(rng, truth, n)
    found = local_level(score[:, :MONTHS], variance[:, :MONTHS], base[:, :MONTHS])
    truth, after = truth[:, :MONTHS], score[:, MONTHS]
    held = (found.low <= truth) & (truth <= found.high)
    error, raw = (((x - truth)[:, -1] ** 2).mean() ** 0.5 for x in (found.value, score[:, :MONTHS]))
    return {
        "last": float(held[:, -1].mean()),
        "all": float(held.mean()),
        "next": float(((found.forecast_low <= after) & (after <= found.forecast_high)).mean()),
        "error": float(error / raw),
    }


def main() -> None:
    """Print every cell, and write the table on demand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    rng = np.random.default_rng(2026)
    lines = ["| answers a month | step | last month | all months | next score | error against raw |", "|" + "---|" * 6]
    for n in (30, 100, 300, 1000):
        for drift in range(6):
            found = measured(rng, 400 if given.quick else 4000, n, drift)
            for name, value in found.items():
                print(f"bar {name}_n{n}_drift{drift} {value:.3f}", flush=True)
            shown = [*(f"{found[name]:.3f}" for name in ("last", "all", "next")), f"{found['error']:.2f}"]
            lines.append(f"| {n:,} | {drift} | {' | '.join(shown)} |")
    if given.write:
        docs = Path(__file__).parents[1] / "docs" / "statistics.md"
        head, rest = docs.read_text(encoding="utf-8").split("<!-- level -->\n")
        made = "\n".join(lines)
        docs.write_text(f"{head}<!-- level -->\n{made}\n<!-- /level -->{rest.split('<!-- /level -->')[1]}", "utf-8")


if __name__ == "__main__":
    main()
