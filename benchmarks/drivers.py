"""Drivers: how often their intervals hold the truth, and how often one common factor is ranked all the same.

    python benchmarks/drivers.py [--quick] [--write]

Answers 1 to 5 to five items and 0 to 10 to the outcome, cut from normal variables; the truth is that of a million of
them. `--write` puts the table into docs/statistics.md.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cxkit.analysis.drivers import _estimates
from cxkit.metrics import metric
from cxkit.stats import correlations, moments, shapley

DOCS = Path(__file__).parents[1] / "docs" / "statistics.md"
ITEMS = [metric(f"x{i}", "mean", scale=(1, 5), better="higher") for i in range(5)]
OWN = np.array([0.5, 0.3, 0.2, 0.1, 0.0])  # what each item adds by itself; the last one nothing
SHAPES = {"plain": (1, 0.0), "weights of CV 1": (1, 0.83), "four answers a person, ICC .3": (4, 0.0),
          "nine people answered twice, ICC .3": (0, 0.0)}  # fmt: skip
TWICE = 9  # people, of whom none is told apart
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def drawn(rng: np.random.Generator, n: int, halo: float, own: np.ndarray, people: int, sigma: float) -> Arrays:
    """Variables (n, 7), weights, and the group of each answer: items share `halo` of their variance."""
    size = -(-n // people) if people else n - TWICE
    who = np.repeat(np.arange(size), people)[:n] if people else np.append(np.arange(size), np.arange(TWICE))
    icc = 0.3 if people != 1 else 0.0

    def normal(k: int) -> np.ndarray:
        return np.sqrt(icc) * rng.standard_normal((size, k))[who] + np.sqrt(1 - icc) * rng.standard_normal((n, k))

    common = normal(1)
    alone = normal(5)
    items = np.sqrt(halo) * common + np.sqrt(1 - halo) * alone
    outcome = 0.5 * common[:, 0] * (halo > 0) + alone @ own + 0.7 * normal(1)[:, 0]
    x = np.clip(np.round(3.5 + 1.1 * items), 1, 5)
    y = np.clip(np.round(7.5 + 2.5 * outcome / np.sqrt(1 + 0.25 * (halo > 0))), 0, 10)
    score = 100.0 * ((y >= 9).astype(float) - (y <= 6))
    w = np.exp(sigma * rng.standard_normal(size))[who] if sigma else np.ones(n)
    return np.column_stack([np.ones(n), y, score, x]), w, rng.integers(0, 256, size)[who]


def summed(found: Arrays) -> np.ndarray:
    x, w, group = found
    sums = np.zeros((256, x.shape[1], x.shape[1]))
    np.add.at(sums, group, w[:, None, None] * x[:, :, None] * x[:, None, :])
    return sums[sums[:, 0, 0] > 0]


@cache
def truth(halo: float) -> np.ndarray:
    total = sum(summed(drawn(np.random.default_rng(i), 100_000, halo, OWN, 1, 0.0)).sum(axis=0) for i in range(10))
    spread = moments(total)[1]
    own = np.delete(np.arange(7), 1)
    return 100 * shapley(correlations(spread[np.ix_(own, own)])).importance


def estimated(rng: np.random.Generator, n: int, halo: float, own: np.ndarray, shape: tuple[int, float]) -> Any:
    x, w, group = drawn(rng, n, halo, own, *shape)
    few = not shape[0]
    linked, alone = summed((x, w, group)), summed((x, w, rng.integers(0, 256, n) if few else group))
    return _estimates(ITEMS, linked, alone, 1 + 2 * TWICE / n if few else 1.0, n, 0.95, np.full(5, 100.0))


def covered(n: int, halo: float, shape: tuple[int, float], rounds: int) -> tuple[np.ndarray, float]:
    """Coverage of each item's interval, and how often the first two stand in their order."""
    rng, true, held, order = np.random.default_rng(n), truth(halo), [], []
    for _ in range(rounds):
        found = estimated(rng, n, halo, OWN, shape)
        held.append((found["low"] <= true) & (true <= found["high"]))
        order.append(list(np.argsort(-found["value"])[:2]) == [0, 1])
    return np.mean(held, axis=0), float(np.mean(order))


def ranked(n: int, halo: float, rounds: int) -> float:
    """How often there is a ranking where the items go with the outcome through one common factor only."""
    rng, nothing = np.random.default_rng(n), np.zeros(5)
    found = (estimated(rng, n, halo, nothing, (1, 0.0)) for _ in range(rounds))
    return float(np.mean([one["unranked"] == "" for one in found]))


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--quick", action="store_true")
    given.add_argument("--write", action="store_true")
    asked = given.parse_args()
    rounds = 100 if asked.quick else 400
    sizes = (50, 100, 300, 1000)
    lines = [f"| answers, shared variance of the items | {' | '.join(f'n={n}' for n in sizes)} |", "|---" * 5 + "|"]
    lowest = 1.0
    for halo in (0.0, 0.5):
        for name, shape in SHAPES.items():
            found = [covered(n, halo, shape, rounds) for n in sizes]
            lowest = min(lowest, *(each.min() for (each, _), n in zip(found, sizes, strict=True) if n >= 100))
            told = (f"{each.mean():.3f} / {each.min():.3f}, {order:.2f}" for each, order in found)
            lines.append(f"| {name}, {halo:g} | {' | '.join(told)} |")
    falsely = [ranked(n, 0.5, rounds) for n in sizes]
    lines.append(f"| one common factor only: ranked | {' | '.join(f'{share:.3f}' for share in falsely)} |")
    print("\n".join(lines))
    print(f"bar drivers_coverage {lowest:.3f}")
    print(f"bar drivers_common_factor_ranked {max(falsely):.3f}")
    if asked.write:
        text = DOCS.read_text("utf-8")
        head, rest = text.split("<!-- drivers -->\n")
        DOCS.write_text(f"{head}<!-- drivers -->\n" + "\n".join(lines) + "\n<!-- /drivers -->" +
                        rest.split("<!-- /drivers -->")[1], "utf-8")  # fmt: skip


if __name__ == "__main__":
    main()
