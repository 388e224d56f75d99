"""What is said of the parts of a page: the size of the test, what a named part is exaggerated by, and coverage.

    python benchmarks/apart.py [--quick] [--write]

A page has nine segments of the given bases in either period. `size` is how often Cochran's Q says that segments changed
differently where they did not. `shown` is the mean size of the change of the first segment that a page names where the
truth is the same everywhere: before as it was measured, of those that changed by Holm's correction; now as it is
pulled in, of those that differ; `names` is the share of pages that name any, and `false_coverage` the share of
intervals of named segments that miss the truth, 0 where none is named. `contribution_coverage` is that of the
intervals of what each segment brings to the change of the total, `composition` and `movement` that of all segments
together (`cx.why`), with weights and clusters; `--write` puts the latter into docs/statistics.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special, stats

from cxkit.stats import Sums, cochran_q, holm, mix_and_rate, nps_difference, shrink, sums_of
from cxkit.stats.design import Cross
from cxkit.stats.mix import contribution_slopes, part_variance, total_products

BASES = np.array([45, 55, 70, 85, 95, 110, 120, 130, 190])  # of the segments of a page, as those of the demo
POPULATIONS = {"usual": (0.2, 0.3, 0.5), "polarised": (0.45, 0.1, 0.45), "high": (0.05, 0.15, 0.8),
               "unanimous": (0.02, 0.02, 0.96), "passive": (0.3, 0.65, 0.05)}  # fmt: skip


def fallen(shares: tuple[float, ...], fall: float) -> np.ndarray:
    """Shares of detractors, passives and promoters with an NPS that is lower by so many points."""
    d, a, p = shares
    return np.array([d + fall / 200, a, p - fall / 200])


def drawn(rng: np.random.Generator, sizes: np.ndarray, shares: np.ndarray, pages: int) -> np.ndarray:
    """Counts by page, segment and class; `shares` may differ by segment."""
    each = np.broadcast_to(shares, (len(sizes), 3))
    return np.stack([rng.multinomial(n, p, pages) for n, p in zip(sizes, each, strict=True)], axis=1).astype(float)


def changes(now: np.ndarray, before: np.ndarray, level: float = 0.95) -> list[np.ndarray]:
    """Change, limits and p-value of the NPS, by page and segment."""
    sides = [tuple(np.moveaxis(side, -1, 0)) for side in (now, before)]
    return [np.asarray(x) for x in nps_difference(sides[0], sides[1], level)]  # type: ignore[arg-type]


def size(rng: np.random.Generator, shares: tuple[float, ...], sizes: np.ndarray, pages: int) -> float:
    """How often Q is significant where nothing differs."""
    change, low, high, _ = changes(*(drawn(rng, sizes, np.array(shares), pages) for _ in range(2)))
    return float(np.mean([cochran_q(*row).pvalue < 0.05 for row in zip(change, low, high, strict=True)]))


def named(rng: np.random.Generator, falls: np.ndarray, pages: int) -> dict[str, float]:
    """What pages say of segments that fell by so much: before, of what changed; now, of what changed differently."""
    shares = POPULATIONS["usual"]
    before, now = (
        drawn(rng, BASES, np.array(shares), pages),
        drawn(rng, BASES, np.array([fallen(shares, fall) for fall in falls]), pages),
    )
    change, low, high, p = changes(now, before)
    whole = changes(now.sum(axis=1), before.sum(axis=1))[0]
    found: dict[str, list[float]] = {"before": [], "now": [], "right": []}
    missed = 0.0
    odd = np.abs(falls - np.median(falls)) > 1
    for page in range(pages):
        moved = holm(p[page]) < 0.05
        if moved.any():
            found["before"].append(-100 * change[page][moved][np.abs(change[page][moved]).argmax()])
        test = cochran_q(change[page], low[page], high[page])
        if not test.singled.any():
            continue
        pulled = shrink(change[page], test.error**2, towards=float(whole[page])).value
        picked = np.flatnonzero(test.singled)
        first = picked[np.abs(pulled[picked]).argmax()]
        found["now"].append(-100 * pulled[first])
        found["right"].append(bool(odd[first]))
        wide = changes(now[[page]], before[[page]], 1 - 0.05 * len(picked) / len(BASES))
        truth = -falls / 100
        missed += float(1 - ((wide[1][0] <= truth) & (truth <= wide[2][0]))[picked].mean())
    rate = {f"{key}_names": len(found[key]) / pages for key in ("before", "now")}
    means = {f"{key}_shown": float(np.mean(found[key])) for key in ("before", "now") if found[key]}
    right = {"named_is_the_odd_one": float(np.mean(found["right"]))} if odd.any() and found["right"] else {}
    return rate | means | right | {"false_coverage": missed / pages}


def coverage(rng: np.random.Generator, shares: tuple[float, ...], sizes: np.ndarray, pages: int) -> tuple[float, float]:
    """Mean and least coverage, over segments, of the intervals of contributions; the sizes of segments vary, too."""
    weight = sizes / sizes.sum()
    cells = (weight[:, None] * np.array([fallen(shares, 20 * (i % 2) * shares[2]) for i in range(len(sizes))])).ravel()
    old = (weight[::-1, None] * np.array(shares)).ravel()
    counts = [rng.multinomial(sizes.sum(), p, pages).reshape(pages, -1, 3).astype(float) for p in (old, cells)]
    value = [_contribution([c.reshape(1, -1, 3) for c in (old, cells)])[0]]
    estimate, half = _contribution(counts)[0], _half(counts)
    held = np.abs(estimate - value[0]) <= half
    each = held.mean(axis=0)
    return float(each.mean()), float(each.min())


def _parts(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, s = counts.sum(axis=-1), counts[..., 2] - counts[..., 0]
    return n, s, counts[..., 2] + counts[..., 0]


def _contribution(counts: list[np.ndarray]) -> tuple[np.ndarray, Any, Any, Any]:
    (n0, s0, _), (n1, s1, _) = map(_parts, counts)
    share = [n / n.sum(axis=1, keepdims=True) for n in (n0, n1)]
    rate = [s / np.where(n > 0, n, 1) for s, n in ((s0, n0), (s1, n1))]
    total = [s.sum(axis=1, keepdims=True) / n.sum(axis=1, keepdims=True) for s, n in ((s0, n0), (s1, n1))]
    middle = (total[0] + total[1]) / 2
    return share[1] * (rate[1] - middle) - share[0] * (rate[0] - middle), share, rate, total


def _half(counts: list[np.ndarray]) -> np.ndarray:
    """Half the width of the interval at 95 %, as `cx.why` has it for plain answers."""
    _, share, rate, total = _contribution(counts)
    slopes = contribution_slopes((share[0], share[1]), (rate[0], rate[1]), (total[0], total[1]))["contribution"]
    variance, df = [], []
    for side, slope in zip(counts, slopes, strict=True):
        n, s, q = _parts(side)
        part = Sums(n, s, n, s, q, n)
        rest = Sums(*(x.sum(axis=1, keepdims=True) - x for x in part))
        clusters = n.sum(axis=1, keepdims=True)
        variance.append(np.asarray(part_variance(slope, part, rest, Cross(*np.zeros((4, 1))), clusters)))
        df.append(np.maximum(n - 1, 1))
    both = variance[0] + variance[1]
    freedom = both**2 / np.sum([v**2 / d for v, d in zip(variance, df, strict=True)], axis=0)
    return np.asarray(stats.t.ppf(0.975, freedom) * np.sqrt(both))


TOTALS = {
    "answers": (1, 0.0, False),
    "weights": (1, 0.5, False),
    "clusters inside segments": (8, 0.0, True),
    "weights and clusters inside segments": (8, 0.5, True),
    "weights and clusters across segments": (8, 0.5, False),
}  # size of clusters, sd of log weight, nested


def totals(
    rng: np.random.Generator, n: int, swap: float, fall: float, design: tuple[int, float, bool], pages: int
) -> tuple[float, float]:
    """Coverage of composition and movement: three segments, of which two swap shares and all fall, ICC .3."""
    shares = np.array([[0.5, 0.3, 0.2], [0.5 - swap, 0.3 + swap, 0.2]])
    nps = np.array([[0.5, 0.1, -0.2]] * 2) - [[0.0], [fall]]
    truth = mix_and_rate(*shares, *nps)
    hits = np.zeros(2)
    for _ in range(pages):
        parts, wholes = zip(*(_clustered(rng, n, *one, *design) for one in zip(shares, nps, strict=True)), strict=True)
        sizes, rates = (
            [np.asarray(x) for x in side]
            for side in zip(*((p.w, p.s / np.where(p.w > 0, p.w, 1)) for p in parts), strict=True)
        )
        found = mix_and_rate(*sizes, *rates)
        share = [size / size.sum() for size in sizes]
        total = [float(w @ r) for w, r in zip(share, rates, strict=True)]
        slopes = contribution_slopes((share[0], share[1]), (rates[0], rates[1]), (total[0], total[1]))
        for i, name in enumerate(("by_mix", "by_rate")):
            m = np.array([float(whole.clusters) for whole in wholes])
            squares = [
                total_products((slope, slope), (p, p), (p.ww, p.sw, p.sw, p.ss), (w.ww, w.sw, w.sw, w.ss))
                for slope, p, w in zip(slopes[name], parts, wholes, strict=True)
            ]
            v = np.array(squares) * m / (m - 1)
            half = stats.t.ppf(0.975, v.sum() ** 2 / (v**2 / (m - 1)).sum()) * np.sqrt(v.sum())
            value, expected = ((x.mix, x.rate)[i] for x in (found, truth))
            hits[i] += abs(value - expected) <= half
    return float(hits[0] / pages), float(hits[1] / pages)


def _clustered(
    rng: np.random.Generator, n: int, shares: np.ndarray, nps: np.ndarray, size: int, spread: float, nested: bool
) -> tuple[Sums, Sums]:
    """Sums over clusters of each segment and of the whole, of one period."""
    who = np.repeat(np.arange(n // size), size)
    part = rng.choice(3, n // size, p=shares)[who] if nested else rng.choice(3, len(who), p=shares)
    lasting = rng.standard_normal(n // size)[who]
    place = special.ndtr(np.sqrt(0.3) * lasting + np.sqrt(0.7) * rng.standard_normal(len(who)))
    y = (place > 0.65 - nps[part] / 2) * 1.0 - (place < 0.35 - nps[part] / 2)
    w = np.exp(spread * rng.standard_normal(len(who)))
    at = who * 3 + part
    wg, sg = (np.bincount(at, x, n // size * 3).reshape(-1, 3) for x in (w, w * y))
    return sums_of(wg.T, sg.T), sums_of(wg.sum(axis=1), sg.sum(axis=1))


def write(lines: list[str]) -> None:
    """Put the table into the document, between its marks."""
    docs = Path(__file__).parents[1] / "docs" / "statistics.md"
    head, rest = docs.read_text(encoding="utf-8").split("<!-- why -->\n")
    made = "\n".join(["| 95 % intervals, of three segments | composition | movement |", "|---|---|---|", *lines])
    docs.write_text(f"{head}<!-- why -->\n{made}\n<!-- /why -->{rest.split('<!-- /why -->')[1]}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="400 pages in place of 4,000")
    parser.add_argument("--write", action="store_true", help="only composition and movement, into the document")
    given = parser.parse_args()
    pages = 400 if given.quick else 4000
    rng = np.random.default_rng(1)
    if given.write:
        write(composition_and_movement(rng, pages))
        return
    layouts = {"2x30": np.full(2, 30), "6x30": np.full(6, 30), "20x30": np.full(20, 30), "6x100": np.full(6, 100),
               "12x30to500": np.geomspace(30, 500, 12).round().astype(int)}  # fmt: skip
    for name, shares in POPULATIONS.items():
        for layout, sizes in layouts.items():
            print(f"bar size_{name}_{layout} {size(rng, shares, sizes, pages):.3f}")
    one = np.full(len(BASES), 5.0)
    one[4] = 45.0
    for name, falls in {"nothing": np.zeros(9), "fall_of_10": np.full(9, 10.0), "fall_of_22": np.full(9, 22.0),
                        "one_of_45_others_5": one}.items():  # fmt: skip
        for bar, value in named(rng, falls, pages).items():
            print(f"bar {name}_{bar} {value:.3f}")
    for name, shares in POPULATIONS.items():
        for layout in ("6x30", "6x100", "12x30to500"):
            mean, least = coverage(rng, shares, layouts[layout], pages)
            print(f"bar contribution_coverage_{name}_{layout} {mean:.3f}")
            print(f"bar contribution_least_coverage_{name}_{layout} {least:.3f}")
    composition_and_movement(rng, pages)


def composition_and_movement(rng: np.random.Generator, pages: int) -> list[str]:
    """Coverage by design, over bases of 200 and 1,000, with and without a swap of shares and a fall."""
    lines = []
    for name, design in TOTALS.items():
        found = [totals(rng, n, swap, fall, design, pages) for n in (200, 1000) for swap, fall in
                 ((0.0, 0.0), (0.2, 0.0), (0.0, 0.1), (0.2, 0.1))]  # fmt: skip
        ends = [f"{min(one):.3f} to {max(one):.3f}" for one in zip(*found, strict=True)]
        print(f"bar least_coverage_{name.replace(' ', '_')} {min(map(min, found)):.3f}")
        lines.append(f"| {name} | {ends[0]} | {ends[1]} |")
    return lines


if __name__ == "__main__":
    main()
