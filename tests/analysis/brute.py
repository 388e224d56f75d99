"""The formulas of weighted and clustered estimates once more: from rows, in plain NumPy and Python, one cell at a time.

Nothing is taken from the package, and no sum is kept: what the product computes from tallies has to come out the same.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm, t


class Brute(NamedTuple):
    """One cell: base, weights, mean, variance, standard error, degrees of freedom, n_eff, and u per cluster."""

    n: int
    w: float
    mean: float
    variance: float
    se: float
    df: float
    n_eff: float
    values: np.ndarray
    weights: np.ndarray
    totals: dict[object, float]


def cell(
    rows: pd.DataFrame,
    score: str,
    *,
    weight: str = "",
    cluster: str = "",
    stratum: str = "",
    wave: pd.DataFrame | None = None,
    lonely: float = 1.0,
) -> Brute:
    """A cell from its rows; a blank cluster is one of its own. With `wave`, all rows of its period, it is a domain.

    `lonely` is what the squared total of a stratum of one cluster counts for.
    """
    rows = rows[rows[score].notna()].reset_index(drop=True)
    s = rows[score].to_numpy(float)
    w = rows[weight].to_numpy(float) if weight else np.ones(len(rows))
    n, total = len(rows), w.sum()
    if n == 0:
        return Brute(0, 0.0, *[math.nan] * 5, s, w, {})
    mean = (w * s).sum() / total
    variance = (w * (s - mean) ** 2).sum() / total
    u = w * (s - mean) / total
    ids = rows[cluster].tolist() if cluster else [None] * n
    groups = [i if g is None or g != g else f"cluster {g}" for i, g in enumerate(ids)]
    strata = rows[stratum].fillna("").tolist() if stratum else [""] * n
    per: dict[object, dict[object, float]] = {}
    sizes: dict[tuple[object, object], float] = {}
    totals: dict[object, float] = {}
    whole = _clusters(rows if wave is None else wave[wave[score].notna()], cluster, stratum)
    for h, g, ui, wi in zip(strata, groups, u, w, strict=True):
        per.setdefault(h, {})[g] = per.setdefault(h, {}).get(g, 0.0) + ui
        sizes[h, g] = sizes.get((h, g), 0.0) + wi
        totals[g] = totals.get(g, 0.0) + ui
    terms, m = [], len(sizes)
    for h, parts in per.items():
        x = np.array([*parts.values(), *[0.0] * (whole[h] - len(parts))])  # zeros: clusters without an answer here
        terms.append(
            (x - x.mean()) @ (x - x.mean()) * len(x) / (len(x) - 1) if len(x) > 1 else lonely * float(x[0] ** 2)
        )
    squared = math.fsum(terms) if m > 1 else math.nan
    kish = total**2 / sum(size**2 for size in sizes.values())
    lost: float = len(per)
    if m > 1 and any((whole[h] == 1 and lonely > 0) or whole[h] > len(parts) for h, parts in per.items()):
        if squared < 1e-25:
            terms = [sum(size**2 for (stratum, _), size in sizes.items() if stratum == h) for h in per]
        known = math.fsum(terms) ** 2 / math.fsum(v * v / max(whole[h] - 1, 1) for h, v in zip(per, terms, strict=True))
        lost = m - min(known, m - 1)
    df = (m - lost) * (kish / m) ** 1.5
    if n == 1:
        n_eff = 1.0
    elif m < 2 or math.isnan(squared):
        n_eff = math.nan
    elif squared < 1e-25:
        n_eff = min(n, m if m < n else total**2 / (w**2).sum())
    else:
        n_eff = min(n, n / (n - 1) * variance / squared)
    if abs(df - (n - 1)) < 1e-9 * n:
        df = n - 1.0
    return Brute(n, total, mean, variance, math.sqrt(squared), df, n_eff, s, w, totals)


def _clusters(rows: pd.DataFrame, cluster: str, stratum: str) -> dict[object, int]:
    """How many clusters each stratum has."""
    strata = rows[stratum].fillna("") if stratum else pd.Series("", rows.index)
    ids = rows[cluster] if cluster else pd.Series(None, rows.index, dtype=object)
    return {h: ids[strata == h].nunique() + int(ids[strata == h].isna().sum()) for h in strata.unique()}


def _base(found: Brute, level: float) -> float:
    tail = (1 - level) / 2
    if found.df >= found.n - 1:
        return found.n_eff
    return found.n_eff * (t.isf(tail, found.n - 1) / t.isf(tail, found.df)) ** 2 if found.df > 0 else math.nan


def limits(found: Brute, kind: str, level: float = 0.95, scale: tuple[float, float] = (1, 5)) -> tuple[float, float]:
    """Score limits of a net score (-1, 0, 1), Wilson's of a share (0, 1), t limits of a mean."""
    if found.n == 0:
        return math.nan, math.nan
    if kind == "mean":
        if found.n < 2 or not found.df > 0:
            return math.nan, math.nan
        if found.variance < 1e-13:  # nobody of so many answered otherwise: Wilson's upper limit times the scale
            n, z = _base(found, level), norm.isf((1 - level) / 2)
            half = (scale[1] - scale[0]) * z * z / (n + z * z)
            return max(found.mean - half, scale[0]), min(found.mean + half, scale[1])
        half = t.isf((1 - level) / 2, found.df) * math.sqrt(found.n / (found.n - 1) * found.variance / found.n_eff)
        return max(found.mean - half, scale[0]), min(found.mean + half, scale[1])
    n, z = _base(found, level), norm.isf((1 - level) / 2)
    if math.isnan(n):
        return math.nan, math.nan
    if kind == "share":
        r = found.mean
        centre, half = r + z * z / (2 * n), z * math.sqrt(r * (1 - r) / n + z * z / (4 * n * n))
        return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    p, d = (n * found.weights[found.values == value].sum() / found.w for value in (1, -1))

    def miss(x: float) -> float:
        a, b, c = 2 * n, -d - p + (2 * n - p + d) * x, -d * x * (1 - x)
        q = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
        return (p - d - n * x) ** 2 - z * z * n * (2 * q + x * (1 - x))

    low = -1.0 if d > n * (1 - 1e-12) else brentq(miss, -1 + 1e-15, found.mean - 1e-9, xtol=1e-15)
    high = 1.0 if p > n * (1 - 1e-12) else brentq(miss, found.mean + 1e-9, 1 - 1e-15, xtol=1e-15)
    return low, high


def correlation(now: Brute, before: Brute, shared: tuple[dict[object, float], dict[object, float]]) -> float:
    """Cov / (SE1 SE2): u of the people in both periods, over u of all clusters of either."""
    product = sum(u * shared[1][who] for who, u in shared[0].items() if who in shared[1])
    squares = [sum(u * u for u in side.totals.values()) for side in (now, before)]
    return float(np.clip(product / math.sqrt(squares[0] * squares[1]), -0.99, 0.99)) if min(squares) > 0 else 0.0


def domains_correlation(
    part: pd.Series,
    wave: pd.DataFrame,
    score: str,
    *,
    held: pd.Series,
    weight: str = "",
    cluster: str = "",
    stratum: str = "",
    lonely: float = 1.0,
) -> float:
    """Cov / (SE1 SE2) of the rows in `part` and the others in `held`, from totals of all clusters of the wave."""
    rows = wave[wave[score].notna()]
    w = rows[weight] if weight else pd.Series(1.0, rows.index)
    ids = rows[cluster].astype(object) if cluster else pd.Series(None, rows.index, dtype=object)
    unit = ids.where(ids.notna(), rows.index.to_series())
    h = rows[stratum].fillna("") if stratum else pd.Series("", rows.index)
    sides = []
    for inside in (part[rows.index] & held[rows.index], ~part[rows.index] & held[rows.index]):
        mean = (w * rows[score])[inside].sum() / w[inside].sum()
        sides.append((w * (rows[score] - mean) * inside).groupby([h, unit]).sum())
    found = np.zeros((2, 2))
    for _, parts in pd.concat(sides, axis=1).groupby(level=0):
        m = len(parts)
        found += m * np.cov(parts.T) if m > 1 else lonely * parts.T.to_numpy() @ parts.to_numpy()
    return float(np.clip(found[0, 1] / math.sqrt(found[0, 0] * found[1, 1]), -0.99, 0.99))


def people(rows: pd.DataFrame, score: str, who: str, *, weight: str = "") -> dict[object, float]:
    """u summed over the answers of each known person of a cell."""
    rows = rows[rows[score].notna()]
    w = rows[weight] if weight else pd.Series(1.0, rows.index)
    mean = (w * rows[score]).sum() / w.sum() if len(rows) else math.nan
    return dict((w * (rows[score] - mean) / w.sum()).groupby(rows[who]).sum())


def difference(
    now: Brute, before: Brute, kind: str, r: float, level: float = 0.95, scale: tuple[float, float] = (1, 5)
) -> tuple[float, float, float]:
    """Change and its limits: MOVER of the limits of both sides, or Welch's of two means."""
    change = now.mean - before.mean
    if kind == "mean" and min(now.variance, before.variance) >= 1e-13:
        if any(x.n < 2 or not x.df > 0 for x in (now, before)):
            return change, math.nan, math.nan
        sides = [x.n / (x.n - 1) * x.variance / x.n_eff for x in (now, before)]
        satterthwaite = sum(sides) ** 2 / (sides[0] ** 2 / now.df + sides[1] ** 2 / before.df)
        df = satterthwaite if r == 0 else min(now.df, before.df)
        half = t.isf((1 - level) / 2, df) * math.sqrt(sum(sides) - 2 * r * math.sqrt(sides[0] * sides[1]))
        return change, max(change - half, scale[0] - scale[1]), min(change + half, scale[1] - scale[0])
    (l1, u1), (l2, u2) = (limits(side, kind, level) for side in (now, before))
    a, b, c, d = now.mean - l1, u1 - now.mean, before.mean - l2, u2 - before.mean
    low = change - math.sqrt(max(a * a + d * d - 2 * r * a * d, 0.0))
    return change, low, change + math.sqrt(max(b * b + c * c - 2 * r * b * c, 0.0))
