"""Whether the cells of a tally fit together: parts sum up to their whole, and totals lie between their parts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cxkit.data.tallies import Tallies


def checks(tallies: Tallies) -> pd.DataFrame:
    """Sums and totals that have to fit together, because a blank is a level of its own.

    Args:
        tallies: Whole tallies: nothing hidden yet.

    Returns:
        check, held, detail: one row for each kind of sum, metric and pair of levels.
    """
    rows = []
    for metric in tallies.metrics.values():
        counts = tallies.counts[tallies.counts["item"] == metric.item]
        if not len(counts) or not metric.values:
            continue
        scored = counts.assign(s=counts["w"] * counts["answer"].map(dict(metric.values)))
        cells = scored.groupby(["cut", "period", *tallies.by], dropna=False, as_index=False)[["n", "w", "s"]].sum()
        for small, large in _nested(tallies):
            wide, narrow = (cells[cells["cut"] == tallies.cut(level)] for level in (small, large))
            rows += _nest_checks(metric.name, tallies, wide, narrow, small, large)
        share = counts["w"] / counts.groupby(["cut", "period", *tallies.by], dropna=False)["w"].transform("sum")
        sums = share.groupby([counts[key] for key in ["cut", "period", *tallies.by]], dropna=False).sum()
        worst = (100 * sums - 100).abs().max()
        rows.append((f"{metric.name}: shares sum to 100 in {len(sums):,} cells", worst < 1e-6, f"off by {worst:.1g}"))
    frame = pd.DataFrame(rows, columns=["check", "held", "detail"])
    return frame.assign(detail=frame["detail"].where(~frame["held"].astype(bool), ""))


def _nested(tallies: Tallies) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    levels = tallies.levels
    return [(a, b) for a in levels for b in levels if set(a) < set(b) and len(b) == len(a) + 1]


def _nest_checks(
    metric: str, tallies: Tallies, wide: pd.DataFrame, narrow: pd.DataFrame, small: Sequence[str], large: Sequence[str]
) -> list[tuple[str, bool, str]]:
    """That the parts of a cell sum up to it, and that its mean lies between theirs."""
    keys = ["period", *small]
    mean = narrow.assign(mean=narrow["s"] / narrow["w"])
    parts = mean.groupby(keys).agg(n=("n", "sum"), low=("mean", "min"), high=("mean", "max")).reset_index()
    both = wide.assign(mean=wide["s"] / wide["w"]).merge(parts, on=keys, how="outer", suffixes=("", "_parts"))
    words = f"{' × '.join(large)} within {' × '.join(small) or 'everybody'}"
    off = (both["n"].fillna(0) - both["n_parts"].fillna(0)).abs()
    slack = 1e-9 * (1 + both[["low", "high"]].abs().max(axis=1))
    outside = (both["mean"] < both["low"] - slack) | (both["mean"] > both["high"] + slack)
    return [
        (f"{metric}: counts of {words} add up", bool((off == 0).all()), f"{int((off > 0).sum())} cells differ"),
        (f"{metric}: totals lie between their parts, {words}", not outside.any(), f"{int(outside.sum())} cells do not"),
    ]
