"""Whether what is promised is found: power at the detectable change; and what the gate lets through, and costs.

    python benchmarks/detectable.py [--quick] [--write] [--data DIR]

Samples are drawn from populations with known shares, before and after a change of just the promised size, and tested
by the default test at the first Holm step of the family. Beside it stands the promise that the variance of today's
shares makes, which was the default until 0.4. `--quick` takes a tenth of the samples, `--write` puts the tables into
docs/statistics.md. What the gate costs is counted on the sample data set and, where DIR holds them, on the airport
survey (`sfo`, see params/sfo.yaml) and the incident log of a service desk (`servicedesk`, UCI data set 498).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from designs import measured, scored
from designs import weighted as correlated
from scipy import special

import cxkit as cx
from cxkit.analysis.differences import FLOOR
from cxkit.stats import (
    Design,
    Difference,
    covariance,
    cross_of,
    detectable,
    nps_detectable,
    nps_difference,
    nps_interval,
    paired_difference,
    rank_detectable,
    rate_detectable,
    rate_difference,
    sums_of,
    superiority,
)
from cxkit.stats.core import critical
from cxkit.stats.design import base_at
from cxkit.strict import load_yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs" / "statistics.md"
HIGH, MIDDLE, POLAR = (0.05, 0.15, 0.8), (0.2, 0.3, 0.5), (0.35, 0.3, 0.35)
ADDED = np.array([0.75, 1.5, 0.75])  # answers that the promise of old added to the shares
BINS = 200  # of durations, so that all samples hold the same values
LEAST, MOST = 0.77, 0.86

Shares = tuple[float, float, float]
Sample = tuple[np.ndarray, Design, np.ndarray | float]  # counts by answer (first axis) and sample, design, Kish's base


class Row(NamedTuple):
    """A line of the table: what was and is promised, in percent of the unit, and how often it is found."""

    name: str
    old: float
    old_found: float
    new: float
    falls: float
    rises: float
    floor: bool


def moved(shares: Shares, change: float) -> Shares:
    """Shares after a change: promoters become detractors, then passives; or the reverse. NaN beyond the scale."""
    d, a, p = shares if change < 0 else shares[::-1]
    both = min(abs(change) / 2, p)
    left = abs(change) - 2 * both
    after = (d + both + left, a - left, p - both)
    if after[1] < -1e-9:
        return (np.nan, np.nan, np.nan)
    return after if change < 0 else after[::-1]


def old_promise(shares: Shares, bases: tuple[float, float], alpha: float, added: np.ndarray = ADDED) -> float:
    """The size that the variance of today's shares promises."""
    sides = []
    for n in bases:
        d, _, p = (np.array(shares) * n + added) / (n + added.sum())
        sides.append(d + p - (p - d) ** 2)
    return float(detectable(sides[0], bases[0], sides[1], bases[1], alpha=alpha))


def found(share: Callable[[float], float], size: float) -> tuple[float, float]:
    """How often a fall and a rise of this size are found."""
    return share(-size), share(size)


def plain(name: str, shares: Shares, n: int, family: int, samples: int, seed: int) -> Row:
    """Net scores of n answers on either side."""
    rng, alpha = np.random.default_rng(seed), 0.05 / family
    before, cell = rng.multinomial(n, shares, samples).T, tuple(n * s for s in shares)

    def power(change: float) -> float:
        after = moved(shares, change)
        if np.isnan(after).any():
            return np.nan
        return float(np.mean(nps_difference(rng.multinomial(n, after, samples).T, before).pvalue < alpha))

    old, solved = old_promise(shares, (n, n), alpha), float(nps_detectable(cell, cell, alpha=alpha))
    arm = FLOOR * float(nps_difference(cell, cell).high)
    new = max(solved, arm)
    return Row(name, 100 * old, power(-old), 100 * new, *found(power, new), arm > solved)


def rates(share: float, n: int, samples: int, seed: int) -> Row:
    """Shares of n answers on either side."""
    rng = np.random.default_rng(seed)
    before = rng.binomial(n, share, samples)

    def power(change: float) -> float:
        if not 0 <= share + change <= 1:
            return np.nan
        now = rng.binomial(n, share + change, samples)
        return float(np.mean(rate_difference((now, n), (before, n)).pvalue < 0.05))

    r = (share * n + 1) / (n + 2)
    old, solved = (
        float(detectable(r * (1 - r), n, r * (1 - r), n)),
        float(rate_detectable((share * n, n), (share * n, n))),
    )
    arm = FLOOR * float(rate_difference((share * n, n), (share * n, n)).high)
    new = max(solved, arm)
    return Row(f"CSAT {share:.0%}, {n} v {n}", 100 * old, power(-old), 100 * new, *found(power, new), arm > solved)


def designed(name: str, shares: Shares, draw: Callable[[Shares], Sample]) -> Row:
    """Net scores under a design: what is promised is what most samples without a change promise, the median."""
    now, before = draw(shares), draw(shares)
    designs = now[1], before[1]
    gate = [design._replace(n_eff=np.minimum(design.n_eff, kish)) for _, design, kish in (now, before)]
    solved = float(np.nanmedian(nps_detectable(now[0], before[0], designs=(gate[0], gate[1]))))
    same = nps_difference(now[0], before[0], designs=designs)
    arm = FLOOR * float(np.nanmedian(np.maximum(same.high - same.change, same.change - same.low)))
    new = max(solved, arm)
    effective = [float(np.median(design.n_eff)) for design in designs]
    old = old_promise(shares, (effective[0], effective[1]), 0.05)

    def power(change: float) -> float:
        after = moved(shares, change)
        if np.isnan(after).any():
            return np.nan
        now = draw(after)
        return float(np.mean(nps_difference(now[0], before[0], designs=(now[1], before[1])).pvalue < 0.05))

    return Row(name, 100 * old, power(-old), 100 * new, *found(power, new), arm > solved)


def clusters(number: int, size: int, intraclass: float, samples: int, seed: int) -> Callable[[Shares], Sample]:
    """A drawer of answers that come in clusters of one size."""
    rng = np.random.default_rng(seed)

    def draw(shares: Shares) -> Sample:
        own, cluster = rng.normal(size=(samples, number, size)), rng.normal(size=(samples, number, 1))
        scores = scored(np.sqrt(intraclass) * cluster + np.sqrt(1 - intraclass) * own, shares)
        counts = np.stack([(scores == value).sum(axis=(1, 2)) for value in (-1, 0, 1)]).astype(float)
        w = np.full((samples, number), float(size))
        found = measured(w, scores.sum(axis=2), counts, np.full(samples, number * size), 0.0)
        return found.counts, found.design, np.inf

    return draw


def weighted(n: int, sd: float, samples: int, seed: int) -> Callable[[Shares], Sample]:
    """A drawer of answers with lognormal weights."""
    rng = np.random.default_rng(seed)

    def draw(shares: Shares) -> Sample:
        weights = np.exp(sd * rng.normal(size=(samples, n)))
        scores = scored(rng.normal(size=(samples, n)), shares)
        counts = np.stack([(weights * (scores == value)).sum(axis=1) for value in (-1, 0, 1)])
        found = measured(weights, weights * scores, counts, np.full(samples, n), 0.0)
        return counts, found.design, found.kish

    return draw


def panel(shares: Shares, n: int, same: float, samples: int, seed: int) -> Row:
    """The same n people twice, of whom a share gives the same answer again, and the others any."""
    rng = np.random.default_rng(seed)
    low, high = shares[0], shares[0] + shares[1]

    def answers() -> np.ndarray:
        u = rng.random((samples, n))
        return (u >= high).astype(float) - (u < low)

    def twice(change: float) -> tuple[np.ndarray, np.ndarray]:
        before = answers()
        now = np.where(rng.random((samples, n)) < same, before, answers())
        source = 1.0 if change < 0 else -1.0
        going = abs(change) / 2 / (shares[2] if change < 0 else shares[0])
        return np.where((now == source) & (rng.random((samples, n)) < going), -source, now), before

    def sums(x: np.ndarray, y: np.ndarray):
        ones = np.ones_like(x)
        return sums_of(ones, x), sums_of(ones, y), cross_of((ones, x), (ones, y))

    def power(change: float) -> float:
        now, before, cross = sums(*twice(change))
        return float(np.mean(np.nan_to_num(np.asarray(paired_difference(now, before, cross).pvalue), nan=1.0) < 0.05))

    now, before = twice(0.0)
    r = covariance(*sums(now, before))
    counts = [np.stack([(x == value).sum(axis=1) for value in (-1, 0, 1)]).astype(float) for x in (now, before)]
    solved = float(np.median(nps_detectable(*counts, correlation=r)))
    found_same: Difference = paired_difference(*sums(now, before))
    arm = 0.0 if same == 1 else FLOOR * float(np.nanmedian(np.asarray(found_same.high) - np.asarray(found_same.change)))
    v = (np.array(shares) * n + ADDED) / (n + ADDED.sum())
    v = v[0] + v[2] - (v[2] - v[0]) ** 2
    old = float(detectable(v, n, v, n, correlation=float(np.median(r))))
    new = max(solved, arm)
    return Row(
        f"the same {n} people, {same:.0%} unmoved", 100 * old, power(-old), 100 * new, *found(power, new), arm > solved
    )


def durations(bases: tuple[int, int], spread: float, samples: int, seed: int) -> Row:
    """Lognormal durations; the log of those of now has another standard deviation."""
    rng = np.random.default_rng(seed)
    cuts = special.ndtri(np.arange(1, BINS) / BINS) * max(spread, 1.0) * 1.5

    def counted(values: np.ndarray) -> np.ndarray:
        at = np.searchsorted(cuts, values) + BINS * np.arange(samples)[:, None]
        return np.bincount(at.ravel(), minlength=BINS * samples).reshape(samples, BINS).astype(float)

    def drawn(change: float) -> tuple[np.ndarray, np.ndarray]:
        shift = special.ndtri(0.5 + change) * np.sqrt(1 + spread**2)
        now, before = rng.normal(size=(samples, bases[0])), rng.normal(size=(samples, bases[1]))
        return counted(shift + spread * now), counted(before)

    def power(change: float) -> float:
        return float(np.mean(np.asarray(superiority(*drawn(change)).pvalue) < 0.05))

    same = drawn(0.0)
    solved = float(np.median(rank_detectable(*same)))
    effect = superiority(*same)
    arm = FLOOR * float(np.median(np.maximum(effect.high - effect.value, effect.value - effect.low)))
    n1, n2 = bases
    old = float(detectable((n1 + n2 + 1) / 12 / n2, n1, 0.0, 1))
    new = max(solved, arm)
    words = f"rank effect, {n1} v {n2}" + ("" if spread == 1 else f", spread x {spread:g}")
    return Row(words, 100 * old, power(-old), 100 * new, *found(power, new), arm > solved)


def rows(samples: int) -> list[Row]:
    made = []
    for n in (50, 100, 400):
        made += [plain(f"NPS .05/.15/.8, {n} v {n}, of {m}", HIGH, n, m, samples, 100 * n + m) for m in (1, 10, 24)]
    for shares, words in ((MIDDLE, ".2/.3/.5"), (POLAR, ".35/.3/.35")):
        made += [
            plain(f"NPS {words}, {n} v {n}, of {m}", shares, n, m, samples, n + m)
            for n, m in ((50, 1), (100, 10), (400, 24))
        ]
    made += [rates(0.9, n, samples, n) for n in (50, 100, 200)]
    few = samples // 2
    for number, size in ((8, 40), (15, 20), (30, 20)):
        made.append(
            designed(f"NPS .2/.3/.5, {number} clusters of {size}", MIDDLE, clusters(number, size, 0.1, few, number))
        )
    made.append(designed("NPS .05/.15/.8, 30 clusters of 20", HIGH, clusters(30, 20, 0.1, few, 31)))
    made.append(designed("NPS .2/.3/.5, 100 weights of log sd 1", MIDDLE, weighted(100, 1.0, few, 5)))
    made.append(designed("NPS .05/.15/.8, 200 weights of log sd 1", HIGH, weighted(200, 1.0, few, 6)))
    made += [panel(MIDDLE, 60, same, few, 7) for same in (0.3, 0.7, 1.0)]
    made += [
        durations(bases, spread, few, 8)
        for bases, spread in (((50, 50), 1), ((100, 100), 1), ((30, 200), 1), ((100, 100), 2))
    ]
    return made


def table(made: list[Row]) -> str:
    lines = ["| | promised before | found | promised | found: falls | rises |", "|---|---|---|---|---|---|"]
    for row in made:
        new = f"{row.new:.1f}{' *' if row.floor else ''}"
        lines.append(
            f"| {row.name} | {row.old:.1f} | {_share(row.old_found)} | {new} | {_share(row.falls)} "
            f"| {_share(row.rises)} |"
        )
    return "\n".join(lines)


def _share(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}".lstrip("0")


# The gate -------------------------------------------------------------------------------------------------------------


def dominated() -> list[str]:
    """80 answers of which one weighs more and more: n_eff, the gate's base, the verdict."""
    lines = ["| one weight of | n_eff | Kish | rests on | verdict |", "|---|---|---|---|---|"]
    answers = ([10] * 48 + [8] * 20 + [3] * 12) * 2
    frame = pd.DataFrame({"wave": ["2"] * 80 + ["1"] * 80, "nps": answers})
    for heavy in (1, 10, 100, 1000, 10000):
        frame["weight"] = np.where(frame.index % 80 == 0, float(heavy), 1.0)
        row = cx.compare(cx.tally(cx.read(frame), ["nps"], period="wave"), "2", "1").iloc[0]
        kish = (79 + heavy) ** 2 / (79 + heavy**2)
        lines.append(f"| {heavy:,} | {row['n_eff']:.1f} | {kish:.1f} | {row['n_judged']:.1f} | {row['verdict']} |")
    return lines


def heavy_tails(cells: int) -> dict[str, float]:
    """Of cells under heavy-tailed weights: the share that is judged, and of those with Kish's base below 30."""
    found = {}
    for name, draw in (
        ("lognormal_sd_2", lambda r, n: r.lognormal(0, 2, n)),
        ("pareto_1.1", lambda r, n: r.pareto(1.1, n) + 0.01),
    ):
        rng = np.random.default_rng(11)
        size = rng.integers(40, 400, cells).repeat(2)
        place, wave = np.repeat(np.arange(cells).repeat(2), size), np.repeat(np.tile(["1", "2"], cells), size)
        frame = pd.DataFrame({"wave": wave, "brand": place.astype(str), "weight": draw(rng, len(place)).clip(1e-6)})
        frame["nps"] = rng.choice([3, 8, 10], len(frame), p=MIDDLE)
        tallies = cx.tally(cx.read(frame), ["nps"], by=["brand"], levels=[("brand",)], period="wave")
        row = cx.compare(tallies, "2", "1", by=["brand"]).set_index("brand")
        w = frame.groupby(["brand", "wave"])["weight"]
        kish = (w.sum() ** 2 / w.apply(lambda x: (x**2).sum())).groupby("brand").min()
        judged = row["verdict"] != "too few"
        found[f"{name}_judged"] = float(judged.mean())
        found[f"{name}_judged_below_kish_30"] = float((judged & (kish.reindex(row.index) < 30)).sum())
    return found


def costs(data: Path) -> dict[str, tuple[int, int, int]]:
    """Comparisons in all, judged by n_eff alone, and judged by the gate, of three data sets."""
    sample = cx.tally(cx.read("sample"), ["nps", "csat", "ces"], by=["brand", "channel"])
    pairs = {"demo": (sample, "2026-10", "2026-09")}
    if (data / "sfo" / "2018_SFO_Customer_Survey.csv").exists():
        source = load_yaml(ROOT / "params" / "sfo.yaml")["source"]
        survey = cx.read(source, ROOT / "params" / "mappings" / "sfo.yaml", folder=data / "sfo")
        pairs["airport"] = (
            cx.tally(survey, ["nps", "csat_mean"], by=["area", "destination"], period="wave"),
            "2018",
            "2017",
        )
    log = data / "servicedesk" / "incident_event_log.csv"
    if log.exists():
        pairs["service_desk"] = (desk(log), "2016-03", "2016-02")
    counted = {}
    for name, (tallies, now, before) in pairs.items():
        frame = cx.compare(tallies, now, before)
        asked = frame["pvalue"].notna()
        old = asked & (frame[["n_eff", "n_eff_before"]].min(axis=1) >= 30)
        counted[name] = (int(asked.sum()), int(old.sum()), int((frame["verdict"] != "too few").sum()))
    return counted


def desk(log: Path) -> cx.Tallies:
    """The incidents of a service desk by priority and group, which come by the group that solved them."""
    resolution = {"from": "opened_at", "to": "resolved_at", "open_until": "closed_at", "missing": ["?"]}
    mapping = {
        "kind": "transactional",
        "time_format": "%d-%m-%Y %H:%M",
        "columns": {"response": "number", "time": "opened_at", "cluster": "resolved_by"},
        "latest": {"per": "number", "by": "sys_updated_at"},
        "items": {"full_resolution": resolution},
        "dimensions": {"priority": "priority", "team": "assignment_group"},
    }
    return cx.tally(cx.read(log, mapping), ["full_resolution"], by=["priority", "team"])


def rare_and_large(samples: int) -> dict[float, tuple[float, float]]:
    """Least coverage over 50 to 400 answers, of all cells and of judged ones, where the rarest answers weigh most."""
    least = {}
    for sd in (1.0, 1.5):
        covered = []
        for n in (50, 100, 200, 400):
            drawn = correlated(n, samples, n, HIGH, sd, -0.5)
            low, high = nps_interval(*drawn.counts, design=drawn.design)
            held = (low <= drawn.truth) & (drawn.truth <= high)
            gate = drawn.design._replace(n_eff=np.minimum(drawn.design.n_eff, drawn.kish))
            judged = base_at(gate, critical(0.95)) >= cx.Rules().judge_from
            covered.append((held.mean(), held[judged].mean() if judged.sum() >= 200 else np.nan))
        least[sd] = tuple(np.nanmin(np.array(covered), axis=0).tolist())
    return least


def written(marker: str, block: str) -> None:
    start, rest = DOCS.read_text(encoding="utf-8").split(f"<!-- {marker} -->")
    end = rest.split(f"<!-- /{marker} -->")[1]
    DOCS.write_text(f"{start}<!-- {marker} -->\n{block}\n<!-- /{marker} -->{end}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/statistics.md")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of real data")
    options = parser.parse_args()
    made = rows(2_000 if options.quick else 20_000)
    gate = "\n".join(dominated())
    print(table(made), gate, sep="\n\n", end="\n\n")
    counted = costs(options.data)
    cost = ["| | comparisons | judged by n_eff | judged by the gate |", "|---|---|---|---|"]
    cost += [f"| {name.replace('_', ' ')} | {n} | {old} | {new} |" for name, (n, old, new) in counted.items()]
    print("\n".join(cost), end="\n\n")
    if options.write:
        written("detectable", table(made))
        written("gate", gate)
        written("gate costs", "\n".join(cost))
    solved = [row for row in made if not row.floor]
    print(f"bar detectable_least_power_of_falls {min(row.falls for row in solved):.3f}")
    print(f"bar detectable_greatest_power_of_falls {max(row.falls for row in solved):.3f}")
    print(f"bar detectable_least_power_of_rises {np.nanmin([row.rises for row in solved]):.3f}")
    print(f"bar detectable_least_power_before {min(row.old_found for row in made):.3f}")
    for row in solved:
        if not LEAST <= row.falls <= MOST or row.rises < LEAST:  # said in docs/statistics.md
            print(f"outside {row.name}: falls {row.falls:.3f}, rises {row.rises:.3f}")
    for sd, (every, judged) in rare_and_large(400 if options.quick else 4_000).items():
        print(f"bar rare_and_large_weights_sd_{sd:g}_coverage {every:.3f}")
        print(f"bar rare_and_large_weights_sd_{sd:g}_coverage_judged {judged:.3f}")
    for name, value in heavy_tails(100 if options.quick else 400).items():
        print(f"bar {name} {value:.3f}")
    for name, (n, old, new) in counted.items():
        print(f"bar {name}_judged_before {old / n:.3f}")
        print(f"bar {name}_judged {new / n:.3f}")


if __name__ == "__main__":
    main()
