"""What the watch claims falsely, what it finds, and when, beside month against month.

    python benchmarks/watch.py [--quick] [--write]

Of each case so many series are drawn, answer by answer, and looked at in every period after the baseline. `false` is
the share of stable series that signal in any look; `found` that of series with a lasting fall that signal from it on in
so many looks, beside `pairs`, the share that a test of each month against the last calls changed. `--write` puts the
tables into docs/statistics.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr

from cxkit.stats import change_evidence, follow, nps_difference

DOCS = Path(__file__).parents[1] / "docs" / "statistics.md"
CODES = np.array([-1.0, 0.0, 1.0])
BATCH = 1000
SWUNG = ((100, 0), (100, 5), (250, 10), (1000, 2), (1000, 3), (1000, 5), (10000, 2), (10000, 3))  # answers, points
FALLS = ((10, 100, 3), (10, 100, 9), (20, 100, 3), (20, 100, 9), (10, 300, 3), (10, 300, 9))  # points, answers, months
MONTHS = (13, 18, 24, 36)  # in which a fall begins
RECOVERED = ((300, 30, 1), (1000, 20, 1), (300, 20, 3), (300, 20, 9))  # answers, points, months that it lasts
TAILS = (20, 500, 5000)


def shares(level: np.ndarray, passives: float) -> np.ndarray:
    """Detractors, passives and promoters of a net score in -1..1."""
    level = np.clip(level, -0.98, 0.98)
    middle = np.minimum(passives, 1 - np.abs(level) - 0.01)
    return np.stack([(1 - middle - level) / 2, middle, (1 - middle + level) / 2], axis=-1)


def plain(rng: np.random.Generator, level: np.ndarray, n: int, passives: float = 0.3) -> tuple[np.ndarray, ...]:
    """Score, variance and base of independent answers."""
    p = shares(level, passives)
    counts = rng.multinomial(n, p / p.sum(axis=-1, keepdims=True))
    score = counts @ CODES / n
    return score, (counts[..., 0] + counts[..., 2]) / n - score**2, np.full(score.shape, float(n))


def shared(rng: np.random.Generator, level: np.ndarray, n: int) -> tuple[np.ndarray, ...]:
    """A share, on a scale of -1 to 1."""
    score = 2 * rng.binomial(n, (1 + level) / 2) / n - 1
    return score, 1 - score**2, np.full(score.shape, float(n))


def meant(rng: np.random.Generator, level: np.ndarray, n: int) -> tuple[np.ndarray, ...]:
    """A mean of five answers, on a scale of -1 to 1, more of them at the ends than a binomial has."""
    codes, tilt = np.linspace(-1.0, 1.0, 5), 2 * level[..., None]
    p = rng.beta(2 + tilt, 2 - tilt, (*level.shape, n))
    answer = codes[rng.binomial(4, p)]
    return answer.mean(-1), answer.var(-1), np.full(level.shape, float(n))


def weighted(rng: np.random.Generator, level: np.ndarray, n: int, tied: float = 0.0) -> tuple[np.ndarray, ...]:
    """Weights with a coefficient of variation of 1, larger for low answers where `tied`; n by Kish."""
    answer = CODES[(rng.random((*level.shape, n, 1)) > np.cumsum(shares(level, 0.3), -1)[..., None, :-1]).sum(-1)]
    w = np.exp(np.sqrt(np.log(2)) * rng.standard_normal(answer.shape) - tied * answer)
    score = (w * answer).sum(-1) / w.sum(-1)
    return score, (w * answer**2).sum(-1) / w.sum(-1) - score**2, w.sum(-1) ** 2 / (w**2).sum(-1)


def clustered(rng: np.random.Generator, level: np.ndarray, n: int, icc: float = 0.3) -> tuple[np.ndarray, ...]:
    """Clusters of ten whose answers resemble each other; n by the linearised variance."""
    groups = n // 10
    p = shares(level, 0.3)[..., None, :]
    own = rng.gamma(np.broadcast_to(p * (1 - icc) / icc, (*level.shape, groups, 3)))
    counts = rng.multinomial(10, own / own.sum(-1, keepdims=True))
    total = counts @ CODES
    score = total.sum(-1) / n
    variance = counts[..., [0, 2]].sum(axis=(-1, -2)) / n - score**2
    error = ((total - 10 * score[..., None]) ** 2).sum(-1) / n**2 * groups / (groups - 1)
    return score, variance, np.minimum(n, variance / np.maximum(error, 1e-9))


def returning(rng: np.random.Generator, level: np.ndarray, n: int, icc: float = 0.5) -> tuple[np.ndarray, ...]:
    """The same pool of 4 n / 3 people is asked again and again, n of them in each period."""
    pool = 4 * n // 3
    cuts = np.cumsum(shares(level, 0.3), -1)[..., :-1]
    lasting = rng.standard_normal((level.shape[0], pool))
    scores = []
    for t in range(level.shape[1]):
        now = np.sqrt(icc) * lasting + np.sqrt(1 - icc) * rng.standard_normal(lasting.shape)
        answer = CODES[(ndtr(now[:, :n])[..., None] > cuts[:, t, None, :]).sum(-1)]
        lasting = rng.permuted(lasting, axis=1)
        scores.append((answer.mean(-1), answer.var(-1)))
    score, variance = (np.stack(part, axis=1) for part in zip(*scores, strict=True))
    return score, variance, np.full(score.shape, float(n))


def levels(rng: np.random.Generator, series: int, periods: int, nps: float, wobble: float = 0.0, season: float = 0.0,
           fall: float = 0.0, at: int = 0) -> np.ndarray:  # fmt: skip
    """True scores, series x periods."""
    t = np.arange(periods)
    level = np.full((series, periods), nps) + wobble * rng.standard_normal((series, periods))
    level += season * np.sin(2 * np.pi * (t + rng.integers(0, 12, (series, 1))) / 12)
    return (level - fall * (t >= at)) / 100


def share_of(rng: np.random.Generator, series: int, baseline: int, looks: int, made: Any, **case: Any) -> float:
    """Of stable series, the share that ever signals."""
    options = {name: case.pop(name) for name in ("wobble", "season") if name in case}
    nps, between = case.pop("nps", 30.0), case.pop("between", None)
    hits = 0
    for size in _batches(series):
        level = levels(rng, size, baseline + looks, nps, **options)
        e = change_evidence(*made(rng, level, **case), baseline, horizon=looks, between=between).e
        hits += int((e.max(axis=1) >= 20).sum())
    return hits / series


def _batches(series: int) -> list[int]:
    return [min(BATCH, series - begun) for begun in range(0, series, BATCH)]


def found(
    rng: np.random.Generator, series: int, fall: float, n: int, within: int, between: float | None
) -> list[float]:
    """Of series with a lasting fall from look 4 on, the share that signals in time, and that pairs of months find."""
    level = levels(rng, series, 24, 30.0, fall=fall, at=15)
    score, variance, base = plain(rng, level, n)
    e = change_evidence(score, variance, base, 12, between=between).e[:, 3 : 3 + within]
    now, before = (_counts(score[:, cut : cut + within], variance[:, cut : cut + within], n) for cut in (15, 14))
    p = nps_difference(now, before).pvalue
    return [float((e.max(axis=1) >= 20).mean()), float((np.min(p, axis=1) < 0.05).mean())]


def _counts(score: np.ndarray, variance: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    both = (variance + score**2) * n
    return (both - score * n) / 2, n - both, (both + score * n) / 2


def after(rng: np.random.Generator, series: int, n: int, wobble: float) -> float:
    """After a signalled fall of 20 points: a further signal within a year."""
    stay = follow(*plain(rng, levels(rng, series, 42, 30.0, wobble, fall=20, at=15), n))
    once = stay.signal[:, 15:27].any(axis=1)
    first = 15 + stay.signal[:, 15:27].argmax(axis=1)
    again = np.array([stay.signal[i, t + 1 : t + 13].any() for i, t in enumerate(first)])
    return float(again[once].mean())


def back(rng: np.random.Generator, series: int, n: int, points: float, low: int) -> list[float]:
    """Of falls that were signalled and lasted so many months: still called lower 3, 6 and 12 months after them."""
    level = levels(rng, series, 48, 30.0)
    level[:, 20 : 20 + low] -= points / 100
    found = follow(*plain(rng, level, n))
    fallen = (found.state[:, 19 + low] < 0) & (found.since[:, 19 + low] >= 18)
    return [float((found.state[fallen, 19 + low + months] < 0).mean()) for months in (3, 6, 12)]


def years(rng: np.random.Generator, series: int, n: int, **options: float) -> list[float]:
    """Of stable series read every month, the share that signals in the second, third and fourth year."""
    signal = follow(*plain(rng, levels(rng, series, 48, 30.0, **options), n)).signal
    return [float(signal[:, a : a + 12].any(axis=1).mean()) for a in (12, 24, 36)]


def weeks(rng: np.random.Generator, series: int, n: int, wobble: float) -> float:
    """The same in the first 52 weeks after twelve."""
    return float(follow(*plain(rng, levels(rng, series, 64, 30.0, wobble), n), horizon=52).signal.any(axis=1).mean())


def begun(rng: np.random.Generator, series: int, fall: float, n: int, within: int, at: int) -> float:
    """Of series that fall in a month, the share that signals in time, by the kit's own first baseline."""
    signal = follow(*plain(rng, levels(rng, series, at + within, 30.0, fall=fall, at=at), n)).signal
    return float(signal[:, at:].any(axis=1).mean())


def many(rng: np.random.Generator, shelves: int, n: int, wobble: float) -> dict[str, float]:
    """480 stable places x 5 metrics: months in which any is named; 20 brands of which a tenth falls by 15 points."""
    named = 0
    for _ in range(shelves):
        level = levels(rng, 2400, 24, 30.0, wobble)
        named += int((follow(*plain(rng, level, n), share=0.1).state[:, 12:] != 0).any(axis=0).sum())
    false, true, listed = 0, 0, 0
    for _ in range(shelves * 8):
        level = levels(rng, 20, 48, 30.0, wobble)
        level[:2, 20:] -= 0.15
        signal = follow(*plain(rng, level, n), share=0.1).signal
        false += int(signal[2:].sum() + signal[:2, :20].sum())
        listed += int(signal.sum())
        true += int(signal[:2, 20:26].any(axis=1).sum())
    return {"named": named / (12 * shelves), "false": false / max(listed, 1), "listed": true / (16 * shelves)}


def tails(rng: np.random.Generator, series: int, n: int, wobble: float) -> list[float]:
    """P(E at look 12 >= m / .05) for m 20, 500 and 5,000, of an e-value at most .05 / m."""
    big = np.concatenate([
        change_evidence(*plain(rng, levels(rng, size, 24, 30.0, wobble), n), 12).e[:, -1] for size in _batches(series)
    ])  # fmt: skip
    return [float((big >= m / 0.05).mean()) for m in TAILS]


def main() -> None:
    """Print the bars, and write the tables on demand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    series, wide = (500, 2000) if given.quick else (2000, 20000)
    rng = np.random.default_rng(2026)
    rows: list[tuple[str, float]] = []

    def bar(name: str, value: float) -> None:
        rows.append((name, value))
        print(f"bar {name} {value:.4f}", flush=True)

    for n in (10, 30, 100, 300, 1000):
        for nps in (-50, 0, 30, 80):
            bar(f"false_n{n}_nps{nps}_12_of_12", share_of(rng, wide, 12, 12, plain, n=n, nps=nps))
    for baseline, looks in ((3, 12), (6, 12), (24, 12), (52, 52), (104, 52)):
        bar(f"false_n100_baseline{baseline}_looks{looks}", share_of(rng, series, baseline, looks, plain, n=100))
    for n in (30, 100, 300):
        bar(f"false_top_share_n{n}", share_of(rng, series, 12, 12, shared, n=n, nps=60))
        bar(f"false_top_mean_n{n}", share_of(rng, series, 12, 12, meant, n=n, nps=60))
        bar(f"false_weights_n{n}", share_of(rng, series, 12, 12, weighted, n=n))
        bar(f"false_weights_tied_n{n}", share_of(rng, series, 12, 12, weighted, n=n, tied=0.3))
        bar(f"false_returning_n{n}", share_of(rng, series, 12, 12, returning, n=n))
    for n in (100, 300):
        bar(f"false_clusters_n{n}", share_of(rng, series, 12, 12, clustered, n=n))
    for n in (300, 1000, 3000, 10000):
        for baseline in (12, 24):
            for wobble in (1, 2, 3):
                bar(f"false_wobble{wobble}_n{n}_baseline{baseline}",
                    share_of(rng, series, baseline, 12, plain, n=n, wobble=wobble))  # fmt: skip
            bar(f"false_season4_n{n}_baseline{baseline}", share_of(rng, series, baseline, 12, plain, n=n, season=4))
    for fall, n, within in FALLS:
        for between in (None, 0.0):
            watch, pairs = found(rng, series, fall, n, within, between)
            bar(f"found_{fall}_n{n}_in{within}{'' if between is None else '_no_swings'}", watch)
        bar(f"pairs_{fall}_n{n}_in{within}", pairs)
    for n, wobble in SWUNG:
        for year, value in enumerate(years(rng, series, n, wobble=wobble), 2):
            bar(f"year{year}_swings{wobble}_n{n}", value)
        bar(f"weeks_swings{wobble}_n{n}", weeks(rng, series // 2, n, wobble))
        bar(f"again_swings{wobble}_n{n}", after(rng, series, n, wobble))
        for m, value in zip(TAILS, tails(rng, series * 2, n, wobble), strict=True):
            bar(f"tail{m}_swings{wobble}_n{n}", value)
        for name, value in many(rng, 1 if given.quick else 2, n, wobble).items():
            bar(f"{name}_swings{wobble}_n{n}", value)
    for n in (300, 1000, 10000):
        for year, value in enumerate(years(rng, series, n, season=4), 2):
            bar(f"year{year}_season4_n{n}", value)
    for fall, n, within in FALLS:
        for at in MONTHS:
            bar(f"begun{at}_{fall}_n{n}_in{within}", begun(rng, series, fall, n, within, at))
    for n, points, low in RECOVERED:
        for months, value in zip((3, 6, 12), back(rng, series, n, points, low), strict=True):
            bar(f"back{months}_{points}_n{n}_low{low}", value)
    since = time.process_time()
    change_evidence(*plain(rng, levels(rng, 1000, 104, 30.0), 100), 52, horizon=52)
    bar("seconds_1000_series_52_looks", time.process_time() - since)
    if given.write:
        write(dict(rows))


def write(found: dict[str, float]) -> None:
    """Put the tables into the document, between their marks."""
    text = DOCS.read_text(encoding="utf-8")
    begin, end = "<!-- watch -->\n", "<!-- /watch -->"
    lines = [*_stable(found), "", *_begun(found), "", *_falls(found), "", *_recovered(found)]
    head, rest = text.split(begin)
    DOCS.write_text(head + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1], encoding="utf-8")


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)]


def _stable(found: dict[str, float]) -> list[str]:
    groups = {
        "12 looks after 12 months, n 10 to 1,000 x NPS -50 to 80": "_12_of_12",
        "a share of 80 % and a mean of 4.2 of 5, n 30 to 300": "_top",
        "baselines of 3 to 104 periods, 12 or 52 looks, n 100": "false_n100_baseline",
        "weights with a coefficient of variation of 1, n 30 to 300": "false_weights_n",
        "the same, larger for low answers": "false_weights_tied",
        "people who come back (pools of 40 to 400, correlation .5)": "false_returning",
        "clusters of ten, intra-class correlation .3, n 100 and 300": "false_clusters",
    }
    for baseline in (12, 24):
        for word, key in (("swings of 1 to 3 points", "wobble"), ("a season of 4 points", "season")):
            groups[f"{word} between months, n 300 to 10,000, {baseline} months"] = f"{key}|baseline{baseline}"
    rows = []
    for words, key in groups.items():
        parts = ["false_", *key.split("|")]
        values = [value for name, value in found.items() if all(part in name for part in parts)]
        rows.append([words, f"{min(values):.3f} to {max(values):.3f}"])
    return _table(["of stable series, how many ever signal", ""], rows)


def _begun(found: dict[str, float]) -> list[str]:
    heads = ["stable, watched from the 13th month on", *(f"n {n:,}, swings of {w}" for n, w in SWUNG)]
    told = {
        **{f"year{year}": f"signals in year {year}" for year in (2, 3, 4)},
        "weeks": "signals in 52 weeks, from the 13th on",
        "again": "fallen by 20 points, signals again within a year",
        **{f"tail{m}": f"evidence of {m / 0.05:,.0f} at look 12 (an e-value: at most {0.05 / m:.5f})" for m in TAILS},
        "named": "480 such places x 5 metrics: months in which any is named (bar .10)",
        "false": "20 such brands, a tenth falls by 15 points: false among the signals (bar .10)",
        "listed": "the same: falls that are listed within six months",
    }
    rows = [
        [words, *(f"{found[f'{name}_swings{w}_n{n}']:.{5 if 'tail' in name else 3}f}" for n, w in SWUNG)]
        for name, words in told.items()
    ]
    seasons = [["a season of 4 points: signals in year", "n 300", "n 1,000", "n 10,000"], ["---"] * 4]
    seasons += [[str(year), *(f"{found[f'year{year}_season4_n{n}']:.3f}" for n in (300, 1000, 10000))]
                for year in (2, 3, 4)]  # fmt: skip
    return [*_table(heads, rows), "", *(f"| {' | '.join(row)} |" for row in seasons)]


def _falls(found: dict[str, float]) -> list[str]:
    rows = []
    for fall, n, within in FALLS:
        key = f"{fall}_n{n}_in{within}"
        values = [found[f"{name}_{key}"] for name in ("found", "pairs", *(f"begun{at}" for at in MONTHS))]
        values.insert(1, found[f"found_{key}_no_swings"])
        rows.append([f"{fall} points at {n} answers", f"{within} months", *(f"{value:.2f}" for value in values)])
    heads = ["a lasting fall", "found within", "at look 4 after 12 months", "the same, swings known to be 0",
             "month against month", *(f"in month {at + 1}" for at in MONTHS)]  # fmt: skip
    return _table(heads, rows)


def _recovered(found: dict[str, float]) -> list[str]:
    rows = [
        [f"{points} points at {n:,} answers for {low} month{'s' * (low > 1)}",
         *(f"{found[f'back{months}_{points}_n{n}_low{low}']:.2f}" for months in (3, 6, 12))]
        for n, points, low in RECOVERED
    ]  # fmt: skip
    return _table(["a fall that was signalled, and is over", *(f"lower {m} months later" for m in (3, 6, 12))], rows)


if __name__ == "__main__":
    main()
