"""Durations as ranks within their cell: what the cluster sums of a duration are taken over.

Minutes themselves have tails that no sum survives. So the counts of a cell give its tenths, and the quantile that the
metric tells; a second query finds for each answer which of them it lies above, which is a whole number that adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from cxkit.input.databases import Table
from cxkit.tallies.batches import Portion, Used

TENTHS = tuple(f"tenth_{i}" for i in range(1, 10))
ABOVE = "above_"  # leads the sums of whether a duration lies above the quantile of its cell
_NEAR = 1e-3  # minutes: two tallied durations differ by a second or more


def score(spread: Table, cuts: Sequence[str]) -> Any:
    """For each answer the cuts of its cell that it lies above, each twice, and once those that it lies on."""
    past = [(spread.answer_ > spread[cut] + by).cast("int64") for cut in cuts for by in (-_NEAR, _NEAR)]
    return reduce(add, past)


def with_cuts(answers: Table, part: Portion) -> Table:
    """The answers with the cuts of their cells, where they are durations."""
    found = part.used.cuts
    if found is None:
        return answers
    if len(part.levels) == 1:
        found = found[found["level_"].isin(list(part.levels))]
    keys = ["period_", *part.keys]
    other = {f"{key}_1": key for key in keys}
    wanted = found[[*keys, *found.columns.difference(["level_", "period_", *part.by])]]
    cuts = ibis.memtable(pa.Table.from_pandas(wanted, preserve_index=False)).rename(other)
    return answers.left_join(cuts, [answers[key] == cuts[name] for name, key in other.items()]).drop(*other)


def ranked(
    used: Used, counts: pd.DataFrame, levels: Mapping[str, int], starts: Mapping[str, Any], by: Sequence[str]
) -> Used:
    """The answers of an item with the cuts of its cells, where they are durations.

    Args:
        used: The answers.
        counts: The counts of the item in a tally: period, <dimensions>, cut, answer, w.
        levels: Number of each level by its name in `cut`.
        starts: Each period as the queries know it, by name.
        by: All dimensions.
    """
    if not any(metric.statistic == "quantile" for metric in used.metrics):
        return used
    keys = ["level_", "period_", *by]
    held = counts.assign(level_=counts["cut"].map(levels), period_=counts["period"].map(starts))
    held = held.fillna(dict.fromkeys(by, "")).sort_values([*keys, "answer"], ignore_index=True)
    weights = held.groupby(keys, sort=False)["w"]
    running, total = weights.cumsum(), weights.transform("sum")
    shares = {name: (i + 1) / 10 for i, name in enumerate(TENTHS)} | {ABOVE + m.name: m.quantile for m in used.metrics}
    first = {
        name: held[running >= (share - 1e-12) * total].groupby(keys)["answer"].first() for name, share in shares.items()
    }
    return replace(used, cuts=pd.DataFrame(first).reset_index())
