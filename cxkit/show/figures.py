"""The figures of a report: each states its finding, draws it, and holds the table it drew.

Every function takes frames and a metric and returns a `<figure>`: a caption that says what the verdicts say, inline SVG
with the numbers as alternative text, and the table behind it, one click away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from cxkit.metrics import Metric
from cxkit.show import captions, shapes, verdicts, wording
from cxkit.show.canvas import Canvas
from cxkit.show.captions import level, told
from cxkit.show.durations import fitted_one
from cxkit.show.families import families, family
from cxkit.show.html import Html, join, name, slug
from cxkit.show.marks import HIDDEN, layout, parts
from cxkit.show.rows import Row, dimensions, of_metric, plural, varying, words
from cxkit.show.rows import rows as all_rows
from cxkit.show.tables import PAIRS, classes_table, comparisons_table, distribution_table, estimates_table

MOST = 60  # rows that are drawn; the table holds all
YEAR = 13  # bars of one drawing over periods: a year of months, and the same month of the year before
ACROSS = 12  # columns in one drawing


def trend(
    estimates: pd.DataFrame,
    metric: Metric,
    comparisons: pd.DataFrame | None = None,
    *,
    benchmarks: Sequence[Mapping[str, object]] = (),
) -> Html:
    """A metric over the periods with its interval as a band and the bases on the axis.

    Args:
        estimates: One row per period, at one place.
        metric: The metric drawn.
        comparisons: The comparison that the caption states; without it the caption states the last estimate.
        benchmarks: Published values to draw as lines: metric, value, name, source, date; those of other metrics are
            left out. They are never tested against.

    Raises:
        ValueError: Where the rows are of more than one place.
    """
    metric, (estimates, comparisons) = fitted_one(metric, estimates, comparisons)
    found = of_metric(estimates, metric)
    if places := varying(found, dimensions(estimates)):
        raise ValueError(f"trend draws one place, found several {' and '.join(places)}: select rows with `at` first")
    key, title = slug("trend", metric.name), f"{metric.label} by period"
    shown = estimates_table(estimates[estimates["metric"] == metric.name], {metric.name: metric}, caption=title)
    known = [(i, row) for i, row in enumerate(found) if row.get("value") is not None]
    if not known:
        return captions.nothing(key, title, shown, found)
    last = known[-1][1]
    compared = of_metric(comparisons, metric) if comparisons is not None else []
    if compared:
        held = family(compared[0], all_rows(comparisons), dimensions(comparisons)) if comparisons is not None else ""
        claim, proof = [verdicts.claim(compared[0], metric), "."], [verdicts.proof(compared[0], metric, held)]
    else:
        claim, proof = [f"{metric.label} in ", name(last["period"]), f": {wording.estimate_words(last, metric)}."], []
    marks = captions.published(benchmarks, metric)
    text = told(found, metric, ["period"])
    drawn = shapes.trend(found, known, metric, marks).svg(key, title, text)
    sure = wording.level_words(last.get("level"))
    notes: list[object] = [
        f"Line: {metric.label}. Band: {sure} interval of each period. n: answers. Hollow: a small effective base.",
        *captions.unit_note(metric),
        *map(wording.sentence, wording.alike(found)),
    ]
    notes += captions.sources(marks, metric)
    return captions.figure(key, claim, proof, drawn, notes, shown)


def segments(
    estimates: pd.DataFrame,
    comparisons: pd.DataFrame | None,
    metric: Metric,
    dimension: str,
    *,
    benchmarks: Sequence[Mapping[str, object]] = (),
    rest: bool = False,
) -> Html:
    """The levels of a dimension as dots with intervals, the highest first, too small bases last.

    Args:
        estimates: Rows of the levels; a row whose level is missing is the whole and is drawn as a line. Of several
            periods the compared one (`now`), else the last, is drawn.
        comparisons: Comparisons of the same levels, for the signs; None where nothing is compared.
        metric: The metric drawn.
        dimension: Column of the levels.
        benchmarks: Published values to draw as lines, as in `trend`.
        rest: Whether `against_rest` of the same levels follows, so that the caption can point to it.
    """
    metric, (estimates, comparisons) = fitted_one(metric, estimates, comparisons)
    compared = [] if comparisons is None else of_metric(comparisons[_cut_by(comparisons, dimension)], metric)
    tested = {row.get(dimension): row for row in compared}
    frame = estimates[estimates["metric"] == metric.name]
    frame = frame[frame["period"] == _period(frame, tested)]
    found = of_metric(frame, metric)
    key, title = slug("segments", metric.name, dimension), f"{metric.label} by {words(dimension)}"
    shown = estimates_table(frame, {metric.name: metric}, caption=title)
    levels = sorted((r for r in found if r.get(dimension) is not None), key=_order)
    whole = next((r for r in found if r.get(dimension) is None and r.get("value") is not None), None)
    known = [row for row in levels if row.get("value") is not None]
    if not known:
        return captions.nothing(key, title, shown, levels)
    marks = captions.published(benchmarks, metric)
    laid = layout([level(row, dimension) for row in levels[:MOST]])

    def draw(part: Sequence[Row]) -> Canvas:
        return shapes.segments(part, known, whole, metric, dimension, laid, tested, marks)

    def tell(part: Sequence[Row]) -> str:
        return told([*([whole] if whole and part[0] is levels[0] else []), *part], metric, [dimension])

    drawn = _drawings(parts(levels[:MOST], laid.height), draw, tell, key, title)
    sure = wording.level_words(known[0].get("level"))
    notes: list[object] = [
        f"Dot: score, {known[0]['period']}. Line: {sure} interval. Grey and hollow: a small effective base.",
        *captions.unit_note(metric),
    ]
    notes += [f"Dashed: all, {wording.estimate_words(whole, metric)}."] if whole else []
    moved = [row for row in tested.values() if row.get("verdict") == "changed"]
    notes += [f"{wording.UP} {wording.DOWN} changed against {moved[0]['before']}."] if moved else []
    notes += ["The order is no ranking.", *captions.cut(levels, MOST)]
    notes += captions.sources(marks, metric)
    claim, proof = captions.segment_finding(metric, dimension, levels, list(tested.values()), rest=rest)
    return captions.figure(key, claim, proof, drawn, notes, shown)


def changes(comparisons: pd.DataFrame, metric: Metric, dimension: str) -> Html:
    """The change of each level of a dimension with its interval and corrected verdict, the largest rise first.

    Args:
        comparisons: Comparisons of the levels; a row whose level is missing is the whole. Those of another dimension
            are left out; they tell what family the others belong to.
        metric: The metric drawn.
        dimension: Column of the levels.
    """
    metric, (comparisons,) = fitted_one(metric, comparisons)
    frame = comparisons[(comparisons["metric"] == metric.name) & _cut_by(comparisons, dimension)]
    found = of_metric(frame, metric)
    key, title = slug("changes", metric.name, dimension), f"Change of {metric.label} by {words(dimension)}"
    shown = comparisons_table(frame, {metric.name: metric}, caption=title, among=comparisons)
    known = [row for row in found if row.get("change") is not None]
    if not known:
        return captions.nothing(key, title, shown, found)
    found.sort(key=lambda r: (r.get(dimension) is not None, r.get("change") is None, -(r.get("change") or 0)))
    laid = layout([level(row, dimension) for row in found[:MOST]])

    def draw(part: Sequence[Row]) -> Canvas:
        return shapes.changes(part, known, metric, dimension, laid)

    def tell(part: Sequence[Row]) -> str:
        return "; ".join(f"{level(row, dimension)}: {captions.change_words(row, metric)}" for row in part)

    drawn = _drawings(parts(found[:MOST], laid.height), draw, tell, key, title)
    sure = wording.level_words(known[0].get("level"))
    notes = [
        f"Dot: change. Line: {sure} interval of a single comparison. Filled: changed after correction. "
        "Hollow: no evidence of change, or answers worth too little to say.",
        *([PAIRS] if metric.statistic == "quantile" else []),
        *captions.cut(found, MOST),
    ]
    held = families(found, dimensions(comparisons), {metric.name: metric}, of_metric(comparisons, metric))
    claim, proof = captions.change_finding(metric, dimension, found, held)
    return captions.figure(key, claim, proof, drawn, notes, shown)


def score_distribution(distribution: pd.DataFrame, metric: Metric) -> Html:
    """The share of each answer, coloured by class, in the last period of the frame.

    Args:
        distribution: Rows of one place: answer, group, n, share.
        metric: The metric drawn.
    """
    metric, (distribution,) = fitted_one(metric, distribution)
    frame = distribution[distribution["metric"] == metric.name]
    frame = frame[frame["period"] == _period(frame, {})]
    found = of_metric(frame, metric)
    key, title = slug("answers", metric.name), f"{metric.label}: share of each answer"
    shown = distribution_table(frame, metric, caption=title)
    answers = [row for row in found if row.get("share") is not None]
    n = sum(row["n"] or 0 for row in answers)
    if not n:
        return captions.nothing(key, title, shown, found)
    roles = shapes.class_roles(metric, [str(row["group"]) for row in answers])
    sums = {group: sum(row["share"] for row in answers if str(row["group"]) == group) for group in roles}
    parts = [f"{group} {wording.quantity(share, 'percent', 0)}" for group, share in sums.items()]
    text = "; ".join(
        f"{wording.answer(row['answer'])}: {wording.quantity(row['share'], 'percent', 1)} (n {wording.count(row['n'])})"
        for row in answers
    )
    drawn = shapes.distribution(answers, roles).svg(key, title, f"n {wording.count(n)}. {text}")
    claim = [f"{metric.label}, {found[0]['period']}: {', '.join(parts)}."]
    weighted = any(abs(row["share"] - 100 * (row["n"] or 0) / n) > 0.05 for row in answers)
    share = "weighted share" if weighted else "share"
    notes = [f"Bars: {share} of each answer; the class above. Shares are described: no interval, no test."]
    return captions.figure(key, claim, [f"n {wording.count(n)}."], drawn, notes, shown)


def stacked(distribution: pd.DataFrame, metric: Metric, rows: str | None = None, *, before: str | None = None) -> Html:
    """The classes of answers as stacked bars, a bar per period or level.

    Args:
        distribution: Rows of the bars: answer, group, n, share.
        metric: The metric drawn.
        rows: The column that makes the bars; where it is None the first that varies, period before dimensions.
        before: Where the bars are periods, the one that the caption sets the last one against.
    """
    frame = distribution[distribution["metric"] == metric.name]
    found = of_metric(frame, metric)
    by = rows or next(iter(varying(found, ["period", *dimensions(frame)])), "period")
    key, title = slug("classes", metric.name, by), f"{metric.label}: classes of answers by {words(by)}"
    bars: dict[str, list[Row]] = {}
    for row in found:
        bars.setdefault(level(row, by), []).append(row)
    roles = shapes.class_roles(metric, [str(row["group"]) for row in found])
    shown = classes_table(bars, list(roles), by, caption=title)
    if not any(row.get("n") for row in found):
        return captions.nothing(key, title, shown, found)
    most = YEAR if by == "period" else MOST
    drawn_bars = dict(list(bars.items())[-most:] if by == "period" else list(bars.items())[:most])
    lines = {top: captions.classes(drawn_bars[top], list(roles)) for top in drawn_bars}
    text = "; ".join(f"{top}: {line}" for top, line in lines.items())
    drawn = shapes.stacked(drawn_bars, roles, layout(list(drawn_bars))).svg(key, title, text)
    claim = captions.class_finding(metric, bars, list(roles), before) if by == "period" else [f"{title}."]
    notes = ["Bars: share of answers in each class. n: answers. Shares are described: no interval, no test."]
    return captions.figure(key, claim, [], drawn, [*notes, *captions.cut(list(bars), most)], shown)


def heatmap(estimates: pd.DataFrame, metric: Metric, rows: str, columns: str) -> Html:
    """A metric over two columns of the frame, each cell with its score and base.

    Args:
        estimates: A row per cell.
        metric: The metric drawn.
        rows: Column whose levels are the rows.
        columns: Column whose levels are the columns; may be "period".
    """
    metric, (estimates,) = fitted_one(metric, estimates)
    frame = estimates[(estimates["metric"] == metric.name) & estimates[rows].notna() & estimates[columns].notna()]
    down, across = list(dict.fromkeys(frame[rows]))[:MOST], list(dict.fromkeys(frame[columns]))[-ACROSS:]
    drawn_frame = frame[frame[rows].isin(down) & frame[columns].isin(across)]
    found = of_metric(drawn_frame, metric)
    key, title = slug("heat", metric.name, rows, columns), f"{metric.label} by {words(rows)} and {words(columns)}"
    shown = estimates_table(drawn_frame, {metric.name: metric}, caption=title)
    if all(row.get("value") is None for row in found):
        return captions.nothing(key, title, shown, found)
    cells = {(row[rows], row[columns]): row for row in found}
    laid = layout(list(map(str, down)))

    def draw(part: Sequence[object]) -> Canvas:
        grid = {laid.labels[str(one)]: [cells.get((one, other)) for other in across] for one in part}
        return shapes.heat(grid, list(map(str, across)), metric, laid, found)

    def tell(part: Sequence[object]) -> str:
        return told([row for row in found if row[rows] in part], metric, [rows, columns])

    drawn = _drawings(parts(down, shapes.CELL), draw, tell, key, title)
    claim, proof = captions.grid_finding(metric, found, rows, columns)
    notes = [
        f"Cells: score, n below where it has room; the table holds all. {wording.NONE} no answers. {HIDDEN} hidden. "
        "Colours: equal steps from the lowest to the highest score with enough answers.",
        *captions.unit_note(metric),
    ]
    for part, most, column in (("last", across, columns), ("first", down, rows)):
        if len(most) < frame[column].nunique():
            notes.append(f"The {part} {len(most)} of {frame[column].nunique():,} {plural(column)} are drawn.")
    return captions.figure(key, claim, proof, drawn, notes, shown)


def _drawings(
    split: Sequence[Sequence[Any]], draw: Callable[[Any], Canvas], tell: Callable[[Any], str], key: str, title: str
) -> Html:
    """One drawing, or several where it would be higher than a sheet of paper."""
    if len(split) == 1:
        return draw(split[0]).svg(key, title, tell(split[0]))
    return join(
        draw(part).svg(f"{key}-{i}", f"{title}, part {i} of {len(split)}", tell(part))
        for i, part in enumerate(split, 1)
    )


def _cut_by(comparisons: pd.DataFrame, dimension: str) -> pd.Series[bool]:
    """The rows of a dimension and of the whole, without those that another dimension cuts."""
    others = varying(all_rows(comparisons), [name for name in dimensions(comparisons) if name != dimension])
    return comparisons[dimension].notna() | comparisons[others].isna().all(axis=1)


def _period(frame: pd.DataFrame, tested: Mapping[object, Row]) -> str:
    now = next((row["now"] for row in tested.values()), None)
    periods = list(dict.fromkeys(frame["period"]))
    return str(now if now in periods else periods[-1] if periods else "")


def _order(row: Row) -> tuple[bool, bool, float]:
    """Highest first; what is too small to say anything, and what has no value, at the end."""
    return row.get("value") is None, wording.is_small(row), -(row.get("value") or 0.0)
