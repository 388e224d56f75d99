"""The figures of docs/statistics.md.

    python benchmarks/figures.py [--quick] [--out DIR]

Every figure is computed here from the package: enumerated where it says exact, simulated with seeds where it says so.
`--quick` leaves out the large bases and takes fewer samples; `--out` is docs/figures unless said.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import coverage as enumeration
import designs as simulation
import matplotlib as mpl
import numpy as np

from cxkit.stats import (
    Cross,
    Sums,
    nps_detectable,
    nps_difference,
    paired_difference,
    quantile_interval,
)

mpl.use("svg")
from matplotlib import pyplot as plt

BLUE, ORANGE, GREY, GREEN = "#0072b2", "#d55e00", "#777777", "#009e73"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cxkit",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.figsize": (6.4, 3.2),
    "figure.constrained_layout.use": True,
}
METHODS = {
    "**score**": ("score (default)", BLUE),
    "adjusted Wald 3/4, 1 1/2, 3/4": ("adjusted Wald", GREEN),
    "bootstrap percentile": ("bootstrap", GREY),
    "Wald z": ("Wald", ORANGE),
}
TESTS = {
    "**MOVER of score limits**": ("MOVER (default)", BLUE),
    "adjusted Wald, 3/4 each": ("adjusted Wald", GREEN),
    "Welch t": ("Welch t", GREY),
    "Wald unpooled": ("Wald", ORANGE),
}


def label(axes: plt.Axes, x: float, y: float, text: str, colour: str) -> None:
    axes.annotate(text, (x, y), xytext=(10, -6), textcoords="offset points", color=colour, va="center")


def interval(axes: plt.Axes, quick: bool) -> None:
    """Exact minimum coverage by number of answers."""
    bases = enumeration.QUICK_BASES if quick else enumeration.BASES
    enumeration.INTERVALS = {name: enumeration.INTERVALS[name] for name in METHODS}
    rows = [enumeration.coverage(n) for n in bases]
    for name, (text, colour) in METHODS.items():
        least = [row[name][1] for row in rows]
        axes.plot(range(len(bases)), least, color=colour, marker="o", markersize=4)
        place, drop = {"score (default)": (1, 9), "adjusted Wald": (0, -14), "Wald": (2, 6)}.get(text, (2, -14))
        axes.annotate(text, (place, least[place]), xytext=(8, drop), textcoords="offset points", color=colour)
    axes.axhline(0.95, color="black", linewidth=0.8, linestyle=":")
    axes.set(xticks=range(len(bases)), xticklabels=bases, xlabel="answers", ylim=(0.2, 1.05))
    axes.set_title("Least coverage of a 95 % interval (exact)", loc="left")


def test(axes: plt.Axes, quick: bool) -> None:
    """Exact maximum chance of a false finding by the two bases."""
    pairs = enumeration.QUICK_PAIRS if quick else ((10, 10), (20, 20), (50, 50), (10, 50), (20, 100), (30, 300))
    enumeration.TESTS = {name: enumeration.TESTS[name] for name in TESTS}
    rows = [enumeration.size(*pair) for pair in pairs]
    for i, (name, (text, colour)) in enumerate(TESTS.items()):
        axes.bar(
            np.arange(len(pairs)) + 0.2 * (i - 1.5), [row[name][1] for row in rows], 0.18, color=colour, label=text
        )
    axes.axhline(0.05, color="black", linewidth=0.8, linestyle=":")
    axes.set(xticks=range(len(pairs)), xticklabels=[f"{a} v {b}" for a, b in pairs], xlabel="answers on either side")
    axes.set_title("Greatest chance of a false finding at 5 % (exact)", loc="left")
    axes.legend(frameon=False)


def design(axes: plt.Axes, quick: bool) -> None:
    """Simulated coverage with and without the design."""
    samples = 4_000 if quick else 40_000
    shares = simulation.POPULATIONS[0]
    cases = {
        "weights, sd .6": simulation.weighted(1, samples, 50, shares, 0.6, 0.0),
        "weights, sd 1": simulation.weighted(2, samples, 50, shares, 1.0, 0.0),
        "customers, ICC .3": simulation.clustered(3, samples, 20, shares, 0.3),
        "customers, ICC .7": simulation.clustered(4, samples, 20, shares, 0.7),
    }
    for place, sample in enumerate(cases.values()):
        default, _, ignored = simulation.coverage(sample)
        axes.plot([ignored, default], [place, place], color="#cccccc", zorder=0)
        axes.scatter([default], [place], color=BLUE, label="default" if not place else None)
        axes.scatter([ignored], [place], color=ORANGE, label="design ignored" if not place else None)
    axes.axvline(0.95, color="black", linewidth=0.8, linestyle=":")
    axes.set(yticks=range(len(cases)), yticklabels=list(cases), xlim=(0.7, 1.0), ylim=(-0.5, len(cases) - 0.5))
    axes.set_title("Coverage of a 95 % interval (simulated)", loc="left")
    axes.legend(frameon=False, loc="center left")


def panel(axes: plt.Axes, quick: bool) -> None:
    """Simulated chance of finding a change among the same 100 people."""
    samples, n, r = (1_000 if quick else 8_000), 100, 0.7
    changes, found = np.linspace(0, 0.3, 7), {"paired (default)": [], "as if different people": []}
    for change in changes:
        rng = np.random.default_rng(round(1000 * change))
        common, own = rng.normal(size=(samples, n)), rng.normal(size=(2, samples, n))
        latent = np.sqrt(r) * common + np.sqrt(1 - r) * own
        now = simulation.scored(latent[0], (0.3 - change / 2, 0.3, 0.4 + change / 2))
        before = simulation.scored(latent[1], (0.3, 0.3, 0.4))
        ones = np.full(samples, float(n))
        sums = [Sums(ones, s.sum(1), ones, s.sum(1), (s * s).sum(1), n) for s in (now, before)]
        result = paired_difference(*sums, Cross(ones, now.sum(1), before.sum(1), (now * before).sum(1)))
        found["paired (default)"].append(np.mean(result.pvalue < 0.05))
        counts = [tuple((s == value).sum(1) for value in (-1, 0, 1)) for s in (now, before)]
        found["as if different people"].append(np.mean(nps_difference(*counts).pvalue < 0.05))
    for (text, chance), colour in zip(found.items(), (BLUE, ORANGE), strict=True):
        axes.plot(100 * changes, chance, color=colour, marker="o", markersize=4)
        label(axes, 100 * changes[3], chance[3], text, colour)
    axes.axhline(0.05, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlabel="true change in points", ylim=(0, 1))
    axes.set_title("Chance of finding a change among the same 100 people (simulated)", loc="left")


def family(axes: plt.Axes, quick: bool) -> None:
    """Chance of at least one false finding by the number of comparisons."""
    k = np.arange(1, 25)
    axes.plot(k, 1 - 0.95**k, color=ORANGE)
    axes.plot(k, 1 - (1 - 0.05 / k) ** k, color=BLUE)
    label(axes, 10, 1 - 0.95**10, "each at 5 %", ORANGE)
    label(axes, 10, 0.10, "Holm (default)", BLUE)
    axes.set(xlabel="comparisons of which none is real", ylim=(0, 0.8), xlim=(1, 24))
    axes.set_title("Chance of at least one false finding", loc="left")


def duration(axes: plt.Axes, quick: bool) -> None:
    """Limits of the median and the p90 in one growing series of resolution times."""
    minutes = np.random.default_rng(7).lognormal(np.log(240), 1.0, 200).round()
    sizes = np.arange(6, 201)
    for q, colour, text in ((0.9, ORANGE, "p90"), (0.5, BLUE, "median")):
        limits = np.array([quantile_interval(minutes[:n], q) for n in sizes])
        axes.fill_between(sizes, limits[:, 0], limits[:, 1], color=colour, alpha=0.3, linewidth=0)
        axes.plot(sizes, limits[:, 0], color=colour, linewidth=1)
        axes.plot(sizes, limits[:, 1], color=colour, linewidth=1)
        label(axes, 200, limits[-1].mean(), text, colour)
    axes.axvline(36, color="black", linewidth=0.8, linestyle=":")
    axes.annotate("the p90 has no upper limit\nwith fewer than 36 tickets", (80, 1300), va="center")
    axes.set(xlabel="tickets", yscale="log", ylabel="minutes")
    axes.set_title("95 % limits of resolution times", loc="left")


def plan(axes: plt.Axes, quick: bool) -> None:
    """Smallest detectable change by the number of answers."""
    n = np.unique(np.geomspace(10, 2000, 200).round())
    for k, colour in ((1, BLUE), (10, ORANGE)):
        counts = 0.2 * n, 0.3 * n, 0.5 * n
        change = 100 * nps_detectable(counts, counts, alpha=0.05 / k)
        axes.plot(n, change, color=colour)
        text = "one comparison" if k == 1 else f"{k} comparisons"
        axes.annotate(text, (n[60], change[60]), xytext=(6, 4) if k > 1 else (-6, -8), textcoords="offset points",
                      color=colour, ha="left" if k > 1 else "right")  # fmt: skip
    ticks = [10, 30, 100, 300, 1000, 2000]
    axes.set(xscale="log", xlabel="answers on either side", ylabel="points", ylim=(0, 100))
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_title("Smallest change that is found four times in five", loc="left")


FIGURES = {
    "interval": interval,
    "test": test,
    "design": design,
    "panel": panel,
    "family": family,
    "duration": duration,
    "plan": plan,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small bases and fewer samples")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "figures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with plt.rc_context(STYLE):
        for name, draw in FIGURES.items():
            figure, axes = plt.subplots()
            draw(axes, options.quick)
            path = options.out / f"statistics-{name}.svg"
            figure.savefig(path, metadata={"Date": None, "Title": axes.get_title(loc="left")})
            plt.close(figure)
            print(path)


if __name__ == "__main__":
    main()
