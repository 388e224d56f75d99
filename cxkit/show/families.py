"""Families in words: how many comparisons a p-value was corrected for, and which they were.

A frame tells the size of a family only. What it holds follows from what varies: a call of `compare` makes one family of
all that it could test, or two where one metric leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cxkit.metrics import Metric
from cxkit.show import wording
from cxkit.show.rows import Row

Level = tuple[str, ...]
METRIC = "metric"


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
    held: dict[str, list[Row]] = {}
    for row in found:
        if (row.get("family") or 0) > 1:
            held.setdefault(cut(row, among or found, names), []).append(row)
    return "; ".join(_named(by, rows, metrics) for by, rows in held.items())


def _named(by: str, held: Sequence[Row], metrics: Mapping[str, Metric]) -> str:
    sizes = " or ".join(map(wording.count, sorted({int(row["family"]) for row in held})))
    kinds = {row["metric"] for row in held}
    if f" {METRIC}" in by:
        return f"{sizes} comparisons{by}"
    one = f": {metrics[min(kinds)].label}" if len(kinds) == 1 else ""
    return f"{sizes} comparisons{one}{by}{', each metric by itself' if len(kinds) > 1 else ''}"


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
    held = [other for other in found if other.get("family") == row.get("family")]
    levels = _levels(found, names)
    for other in (held, [one for one in held if one["metric"] == row["metric"]]):
        groups = _levels(other, names)
        several = {level: rows for level, rows in groups.items() if len(rows) > 1}
        own = {level: rows for level, rows in groups.items() if level == _level(row, names)}
        for group in (groups, several, own):
            if _level(row, names) in group and sum(map(_tested, group.values())) == row["family"]:
                return _by(
                    [*_measured(group.values()), *(name for level in group for name in _cutting(level, levels, names))]
                )
    # A part of the family stands elsewhere. The first metric of a report leads, and is a family of its own.
    first = found[0]["metric"] if found else None
    alike = [one for one in held if _level(one, names) == _level(row, names) and one["metric"] != first]
    measured = _measured([alike]) if row["metric"] != first else []
    others = (
        ["others"] if len([one for one in levels[_level(row, names)] if one["metric"] == row["metric"]]) > 1 else []
    )
    return _by([*measured, *_cutting(_level(row, names), levels, names), *others])


def _levels(found: Iterable[Row], names: Sequence[str]) -> dict[Level, list[Row]]:
    levels: dict[Level, list[Row]] = {}
    for row in found:
        levels.setdefault(_level(row, names), []).append(row)
    return levels


def _measured(groups: Iterable[Sequence[Row]]) -> list[str]:
    return [METRIC] if len({row["metric"] for rows in groups for row in rows}) > 1 else []


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
