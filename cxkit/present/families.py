"""Families in words: how many comparisons a p-value was corrected for, and which they were.

A frame tells the size of a family only. What it holds follows from what varies: a call of `compare` makes one family
per metric, of all that it could test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cxkit.metrics import Metric
from cxkit.present import wording
from cxkit.present.rows import Row

Level = tuple[str, ...]


def families(
    found: Sequence[Row], names: Sequence[str], metrics: Mapping[str, Metric], among: Sequence[Row] = ()
) -> str:
    """The families of some comparisons: how many each holds, of which metric, and what it is cut by.

    Args:
        found: The comparisons.
        names: The dimensions.
        metrics: What is measured, by name.
        among: All comparisons of the same call, where `found` is a part of them.

    >>> from cxkit.metrics import METRICS
    >>> rows = [{"metric": "nps", "brand": brand, "family": 2, "pvalue_adj": .2} for brand in "AB"]
    >>> families(rows, ["brand"], METRICS)
    '2 comparisons: NPS by brand'
    """
    sizes: dict[str, set[int]] = {}
    kinds = {row["metric"] for row in found}
    for row in found:
        if (row.get("family") or 0) > 1:
            sizes.setdefault(cut(row, among or found, names), set()).add(int(row["family"]))
    before, after = (f": {metrics[min(kinds)].label}", "") if len(kinds) == 1 else ("", ", each metric by itself")
    return "; ".join(
        f"{' or '.join(map(wording.count, sorted(held)))} comparisons{before}{by}{after}" for by, held in sizes.items()
    )


def family(row: Row, found: Sequence[Row], names: Sequence[str]) -> str:
    """The family of one comparison in words, such as "6 comparisons by brand"."""
    return f"{wording.count(row.get('family'))} comparisons{cut(row, found, names)}"


def cut(row: Row, found: Sequence[Row], names: Sequence[str]) -> str:
    """What the family of a comparison is cut by, such as " by channel and region"; empty where nothing tells.

    Args:
        row: The comparison.
        found: The comparisons that are shown with it.
        names: The dimensions.
    """
    levels: dict[Level, list[Row]] = {}
    for other in found:
        if other["metric"] == row["metric"]:
            levels.setdefault(_level(other, names), []).append(other)
    own = _level(row, names)
    alike = {level: rows for level, rows in levels.items() if any(r.get("family") == row["family"] for r in rows)}
    several = {level: rows for level, rows in alike.items() if len(rows) > 1}
    for group in (alike, several, {own: levels.get(own, [])}):
        if own in group and sum(_tested(rows) for rows in group.values()) == row["family"]:
            return _by([name for level in group for name in _cutting(level, levels, names)])
    others = ["others"] if len(levels.get(own, [])) > 1 else []  # a part of the family is shown elsewhere
    return _by([*_cutting(own, levels, names), *others])


def _level(row: Row, names: Sequence[str]) -> Level:
    return tuple(name for name in names if row.get(name) is not None)


def _tested(rows: Sequence[Row]) -> int:
    return sum(row.get("pvalue_adj") is not None for row in rows)


def _cutting(level: Level, levels: Mapping[Level, Sequence[Row]], names: Sequence[str]) -> Level:
    """The dimensions of a level without those that are the place of the whole page."""
    every = [row for rows in levels.values() for row in rows]
    place = {name for name in names if len({row.get(name) for row in every}) == 1}
    return tuple(name for name in level if name not in place) or level


def _by(names: Sequence[str]) -> str:
    words = [name.replace("_", " ") for name in dict.fromkeys(names)]
    return f" by {', '.join(words[:-1])}{' and ' * (len(words) > 1)}{words[-1]}" if words else ""
