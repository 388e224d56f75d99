"""How much real scores swing from month to month beyond sampling.

    python benchmarks/wobble.py FOLDER [--write]

FOLDER holds the files of SOURCES, which are public and not kept here. Of each share the months of 30 answers or more
are taken; what they vary by beyond sampling is estimated as the watch estimates it, with the limits of Viechtbauer's Q
profile (2007, doi 10.1002/sim.2514). `--write` puts the table into docs/statistics.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy import optimize, stats

import cxkit as cx
from cxkit.stats import variance_between

DOCS = Path(__file__).parents[1] / "docs" / "statistics.md"
LEAST = 30  # answers of a month
YES = {
    "would_recommend": {"column": "recommended", "measure": "share", "scale": [0, 1], "top": [1], "better": "higher"}
}

# What it is: repository, file, mapping.
SOURCES = {
    "a shop's orders, 4 or 5 stars": (
        "Youleissy/Portfolio_PowerBI",
        "data/olist_order_reviews_dataset.csv",
        {
            "kind": "transactional",
            "columns": {"time": "review_creation_date"},
            "time_format": "%m/%d/%Y %H:%M",
            "items": {"csat": {"column": "review_score", "scale": [1, 5]}},
        },
    ),
    "aircraft seats, recommended": (
        "quankiquanki/skytrax-reviews-dataset",
        "data/seat.csv",
        {"kind": "transactional", "columns": {"time": "date"}, "items": YES},
    ),
    "airport lounges, recommended": (
        "quankiquanki/skytrax-reviews-dataset",
        "data/lounge.csv",
        {"kind": "transactional", "columns": {"time": "date"}, "items": YES},
    ),
}


def swings(value: np.ndarray, n: np.ndarray) -> tuple[float, float, float]:
    """Standard deviation between months beyond sampling, and its 95 % limits, of shares in 0..1."""
    mean = (n * value).sum() / n.sum()
    precision = n / (mean * (1 - mean))

    def surplus(between: float, p: float) -> float:
        w = 1 / (1 / precision + between)
        return float((w * (value - (w * value).sum() / w.sum()) ** 2).sum() - stats.chi2.ppf(p, len(n) - 1))

    low, high = (optimize.brentq(surplus, 0, 1, args=(p,)) if surplus(0, p) > 0 else 0.0 for p in (0.975, 0.025))
    return float(variance_between(value, precision)) ** 0.5, low**0.5, high**0.5


def row(what: str, folder: Path) -> str:
    """A line of the table: months, answers, the share, and its swings."""
    repository, file, mapping = SOURCES[what]
    answers = cx.read(str(folder / Path(file).name), mapping)
    metric = next(iter(mapping["items"]))
    found = cx.estimate(cx.tally(answers, [metric]))
    found = found[found["n"] >= LEAST]
    value, n = found["value"].to_numpy(float) / 100, found["n"].to_numpy(float)
    swing, low, high = (100 * one for one in swings(value, n))
    share = 100 * (n * value).sum() / n.sum()
    return (
        f"| {what} ({repository}: {file}) | {len(n)} | {np.median(n):.0f} | {share:.0f} % "
        f"| {swing:.1f} ({low:.1f} to {high:.1f}) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    lines = ["| series | months | answers a month | share | swings, points (95 %) |", "|---|---|---|---|---|"]
    table = "\n".join([*lines, *(row(what, asked.folder) for what in SOURCES)])
    print(table)
    if asked.write:
        before, rest = DOCS.read_text("utf-8").split("<!-- wobble -->\n")
        DOCS.write_text(
            f"{before}<!-- wobble -->\n{table}\n<!-- /wobble -->{rest.split('<!-- /wobble -->')[1]}", "utf-8"
        )


if __name__ == "__main__":
    main()
