"""The crosstab sheet of the workbook: what each page says of its segments, a column for each level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from cxkit.metrics import Metric
from cxkit.runs.spreadsheet import Cell, Head, sheet
from cxkit.show import verdicts, wording
from cxkit.show.labels import heading
from cxkit.show.rows import Row, as_change

MOST = 1000  # columns; a sheet has room for 16,384
ABOVE = (
    "Each level of a segment, beside all of them",
    f"{wording.UP} {wording.DOWN} higher or lower than all other levels of the same segment together, corrected as on "
    "the sheet Against the rest. Shares of classes of answers are described: no interval, no test.",
)
ENDS = {"Score from": "low", "Score to": "high"}
Level: TypeAlias = tuple[str, str] | None  # a dimension and its level; None is the whole page
Key: TypeAlias = tuple[str, tuple[Any, ...], str]  # page, its place, metric


def banner(
    book: Any, found: Sequence[Row], metrics: Mapping[str, Metric], places: Sequence[str], now: str,
    styled: Callable[[Row, str, Metric], str], fills: Mapping[str, str],
) -> int:  # fmt: skip
    """Write the sheet, where any page has segments.

    Args:
        book: A write-only workbook.
        found: The rows of the summary.
        metrics: What is measured, by name.
        places: The dimensions of the summary.
        now: The period of the run.
        styled: How a number is shown, from its row, kind and metric.
        fills: The colour of each tone.

    Returns:
        How many rows had no room.
    """
    own = [name for name in places if any(row.get(name) is not None for row in found if row["part"] == "estimate")]
    lines: dict[Key, dict[str, dict[Level, Row]]] = {}
    for row in found:
        kind = str(row["part"]).removeprefix("segment ")
        if kind in ("estimate", "contrast", "share") and row.get("period") == now and row["metric"] in metrics:
            at = next(((name, row[name]) for name in places if name not in own and row.get(name) is not None), None)
            key = (row["report"], tuple(row.get(name) for name in own), row["metric"])
            line = f"share of {row['group']}" if kind == "share" else kind
            lines.setdefault(key, {}).setdefault(line, {})[at] = row
    told = [(key, parts) for key, parts in lines.items() if len(parts.get("estimate", {})) > 1]
    levels: list[Level] = list(dict.fromkeys(at for _, parts in told for at in parts["estimate"]))
    levels = sorted(levels, key=lambda at: (at is not None, places.index(at[0]) if at else 0))[:MOST]
    if not told:
        return 0
    heads = [*(Head(heading(name), 18) for name in own), Head("Metric", 17), Head("Row", 17)]
    heads += [Head(f"{heading(at[0])}: {at[1]}" if at else "All", 12, "right") for at in levels] + [Head("Page", 18)]
    body = (
        [*(Cell("All" if one is None else one) for one in place), Cell(metrics[of].label), *line, Cell(page)]
        for (page, place, of), parts in told
        for line in _lines(parts, levels, metrics[of], styled, fills)
    )
    return sheet(book, "Crosstab", heads, body, above=ABOVE, frozen=len(own) + 2)


def _lines(
    parts: Mapping[str, Mapping[Level, Row]], levels: Sequence[Level], metric: Metric,
    styled: Callable[[Row, str, Metric], str], fills: Mapping[str, str],
) -> Iterator[list[Cell]]:  # fmt: skip
    """Score with its sign, limits, base and shares of one metric, a cell for each level."""
    scores, tests = ([parts.get(kind, {}).get(at, {}) for at in levels] for kind in ("estimate", "contrast"))
    yield [Cell("Score"), *(_score(row, test, metric, styled, fills) for row, test in zip(scores, tests, strict=True))]
    for said, end in ENDS.items():
        yield [Cell(said), *(Cell(row.get(end), styled(row, "score", metric)) for row in scores)]
    yield [Cell("Base n"), *(Cell(row.get("n"), "#,##0") for row in scores)]
    for line, held in parts.items():
        if line.startswith("share of "):
            shares = [held.get(at, {}).get("share") for at in levels]
            yield [Cell(line.removeprefix("share of ")), *(Cell(share, '0"%"') for share in shares)]


def _score(
    row: Row, test: Row, metric: Metric, styled: Callable[[Row, str, Metric], str], fills: Mapping[str, str]
) -> Cell:  # fmt: skip
    """A score that stays a number, its sign in the way in which it is shown; or why there is none."""
    if row.get("value") is None:
        return Cell(wording.absent(row) if row else None, align="right")
    shown = styled(row, "score", metric)
    if test.get("verdict") != "differs":
        return Cell(row["value"], shown)
    found = verdicts.verdict(as_change(test), metric)
    return Cell(row["value"], ";".join(f'"{found.sign} "{part}' for part in shown.split(";")), fills[found.tone])
