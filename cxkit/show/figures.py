"""The figures of a report: each states its finding, draws it, and holds the table it drew.

Every function takes frames and a metric and returns a `<figure>`: a caption that says what the verdicts say, inline SVG
with the numbers as alternative text, and the table behind it, one click away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from cxkit.metrics import Metric
from cxkit.schema import BLANK
from cxkit.show import drawings, verdicts, wording
from cxkit.show.drawings import HIDDEN, layout, parts
from cxkit.show.findings import DIFFERENTLY, alike, listed, named, no_evidence
from cxkit.show.html import Html, join, name, slug, tag
from cxkit.show.labels import plural, words
from cxkit.show.rows import (
    MINUTES,
    Row,
    answered,
    cut_by,
    dimensions,
    fitted_one,
    level,
    of_metric,
    shares,
    varying,
    when,
)
from cxkit.show.rows import rows as all_rows
from cxkit.show.svg import Canvas
from cxkit.show.tables import PAIRS, classes_table, comparisons_table, curve_table, distribution_table, estimates_table
from cxkit.show.wording import base, in_pairs, score

MOST = 60  # rows that are drawn; the table holds all
YEAR = 13  # bars of one drawing over periods: a year of months, and the same month of the year before
ACROSS = 12  # columns in one drawing


def trend(
    estimates: pd.DataFrame,
    metric: Metric,
    comparisons: pd.DataFrame | None = None,
    *,
    benchmarks: Sequence[Mapping[str, object]] = (),
    events: Sequence[Mapping[str, str]] = (),
    target: float | None = None,
    watched: pd.DataFrame | None = None,
    level: pd.DataFrame | None = None,
    period: str = "",
) -> Html:
    """A metric over the periods with its interval as a band and the bases on the axis.

    Args:
        estimates: One row per period, at one place.
        metric: The metric drawn.
        comparisons: The comparison that the caption states; without it the caption states the last estimate.
        benchmarks: Published values to draw as lines: metric, value, name, source, date; those of other metrics are
            left out. They are never tested against.
        events: What happened in a period, marked and never tested: period, text.
        target: What the score should reach, in the unit of the metric, drawn as a line.
        watched: Of the place (`cx.watch`), for signals and where the changes likely began.
        level: Of the place (`cx.level`), drawn behind the scores.
        period: How time is cut; sentences name a "month" in words.

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
        return nothing(key, title, shown, found)
    last = known[-1][1]
    compared = of_metric(comparisons, metric) if comparisons is not None else []
    if compared:
        claim, proof = [verdicts.claim(compared[0], metric), "."], [verdicts.proof(compared[0], metric)]
    else:
        claim, proof = [f"{metric.label} in ", name(last["period"]), f": {wording.estimate_words(last, metric)}."], []
    marks = published(benchmarks, metric)
    signals = [] if watched is None else [row for row in of_metric(watched, metric) if row["signal"]]
    few = len(found) <= drawings.FEW
    behind = [] if level is None or few else of_metric(level, metric)
    happened = _happened(events, [str(row["period"]) for row in found])
    text = _course(found, metric)
    drawn = drawings.trend(found, known, metric, marks, signals, behind, list(happened), target).svg(key, title, text)
    sure = wording.level_words(last.get("level"))
    notes: list[object] = [
        f"{f'Dot: {metric.label}. Line' if few else f'Line: {metric.label}. Band'}: {sure} interval of each period. "
        f"n: {metric.counted}. Hollow: a small effective base.",
        *unit_note(metric),
        *map(wording.sentence, wording.alike(found)),
    ]
    notes += [wording.sentence(_signalled(row, period)) for row in signals]
    notes += [_forecast(behind[-1], metric)] if behind and behind[-1]["forecast"] is not None else []
    notes += sources(marks, metric)
    if happened:
        said = join([join([f"{i} ", at, ": ", name("; ".join(texts))]) for i, (at, texts) in
                     enumerate(happened.items(), 1)], ". ")  # fmt: skip
        notes.append(join([said, ". What happened is declared; nothing here tests whether it changed the score."]))
    return figure(key, claim, proof, drawn, notes, shown)


def _course(found: Sequence[Row], metric: Metric) -> str:
    """Alternative text of a trend: the first score, the lowest, the highest and the last two; the table has all."""
    known = [row for row in found if row.get("value") is not None]
    ends = [end(known, key=lambda row: row["value"]) for end in (min, max)]
    picked = [row for row in found if any(row is one for one in (found[0], *ends, *found[-2:]))]
    others = len(found) - len(picked)
    return told(picked, metric, ["period"]) + f"; {others} more in the table of this figure" * (others > 0)


def _happened(events: Sequence[Mapping[str, str]], periods: Sequence[str]) -> dict[str, list[str]]:
    """What happened, by period, in the order of these."""
    return {at: texts for at in periods if (texts := [one["text"] for one in events if one["period"] == at])}


def _signalled(row: Row, period: str) -> str:
    """A signal of the watch in words."""
    seen, since = (when(row[key], period) for key in ("period", "since"))
    return f"{seen}: a signal of the watch, {row['direction']} since about {since} (dotted)"


def _forecast(row: Row, metric: Metric) -> str:
    """What the level behind the scores is, and what the next score may show."""
    ends = row["forecast_low"], row["forecast_high"]
    places = wording.decimals(*ends)
    size = wording.quantity(row["fall"], metric.unit, 0, signed=metric.unit == "percent").lstrip("+")
    score = f"{wording.number(row['forecast'], places)} ({wording.limits(*ends, 'scale', places)})"
    said = f"Dashed: the level behind the scores, a model. Next score, if nothing new happens: {score}."
    if row["forecast"] - row["fall"] < metric.ends[0]:  # it cannot fall so far
        return said
    chance = wording.percent(100 * row["power"])
    return f"{said} If it fell by {size}, the chance that a comparison by itself would show it is {chance}."


def curve(
    curves: pd.DataFrame, metric: Metric, now: str, before: str | None = None, parts: Sequence[Html] = ()
) -> Html:  # fmt: skip
    """How long something takes: the share of cases that had ended after some time, with the band of its intervals.

    Args:
        curves: Of one place (`cx.curve`).
        metric: The duration.
        now: The period shown.
        before: The one drawn beside it.
        parts: Tables of parts of the place, from `curve_table`, that stand behind its own.
    """
    key, title = slug("curve", metric.name), f"{metric.label}: share that had ended after a time"
    found = [row for row in all_rows(curves) if row["metric"] == metric.name]
    if places := varying(found, dimensions(curves)):
        raise ValueError(f"curve draws one place, found several {' and '.join(places)}: select rows with `at` first")
    begun = min((row["after"] for row in found if row["value"] >= 1), default=0)  # before it nearly nothing had ended
    held = {period: [row for row in found if row["period"] == period and row["after"] >= begun]
            for period in (now, before)}  # fmt: skip
    shown = curve_table(curves[curves["period"].isin([now, before])], metric, "period", caption=title)
    if not held[now]:
        return nothing(key, title, shown, [])
    half = next((row for row in held[now] if row["value"] >= 50), held[now][-1])
    sure, took = wording.level_words(half.get("level")), wording.time_words(half["after"])
    claim = [f"{metric.label}, ", name(now), f": {wording.percent(half['value'])} within {took}."]
    proof = [f"{sure} interval {wording.share_span(half)}; n {wording.count(half['n'])}."]
    text = "; ".join(f"{wording.time_words(row['after'])}: {wording.percent(row['value'])} ({wording.share_span(row)}, "
                     f"n {wording.count(row['n'])})" for row in held[now])  # fmt: skip
    drawn = drawings.curve(held[now], held[before]).svg(key, title, text)
    notes = [
        f"Line: share of the cases of {now} that had ended after each time (a scale of multiples). Band: "
        f"{sure} interval. Below: how many were watched longer. Open cases count for as long as they were seen.",
        *([f"Grey: {before}; described, not tested."] if held[before] else []),
    ]
    return figure(key, claim, proof, drawn, notes, join([shown, *parts]))


def segments(
    estimates: pd.DataFrame,
    comparisons: pd.DataFrame | None,
    metric: Metric,
    dimension: str | Sequence[str],
    *,
    benchmarks: Sequence[Mapping[str, object]] = (),
) -> Html:
    """The levels of a dimension as dots with intervals, the highest first, too small bases last; beside them before.

    Args:
        estimates: Rows of the levels; a row whose level is missing is the whole and is drawn as a line. Of several
            periods the compared one (`now`), else the last, is drawn.
        comparisons: Comparisons of the same levels, for the signs, and for the scores of before; None where nothing is
            compared.
        metric: The metric drawn.
        dimension: Column of the levels; of several, each has a drawing of its own on the same scale.
        benchmarks: Published values to draw as lines, as in `trend`.
    """
    names = [dimension] if isinstance(dimension, str) else list(dimension)
    metric, (estimates, comparisons) = fitted_one(metric, estimates, comparisons)
    tests = [] if comparisons is None else of_metric(comparisons, metric)
    compared = [row for row in tests if any(row.get(one) is not None for one in names)]
    frame = estimates[estimates["metric"] == metric.name]
    frame = frame[frame["period"] == _period(frame, tests)]
    found = of_metric(frame, metric)
    by = {one: sorted((row for row in found if row.get(one) is not None), key=_order) for one in names}
    names = [one for one in names if len(by[one]) > 1] or names[:1]  # of the others all answers are of one level
    by = {one: by[one] for one in names}
    key, title = slug("segments", metric.name, *names), f"{metric.label} by {' and '.join(map(words, names))}"
    shown = estimates_table(frame, {metric.name: metric}, caption=title)
    whole = next((r for r in found if all(r.get(one) is None for one in names) and r.get("value") is not None), None)
    levels = [row for own in by.values() for row in own]
    known = [row for row in levels if row.get("value") is not None]
    if not known:
        return nothing(key, title, shown, levels)
    if len(levels) == 1:
        return tag("p", f"{title}: all answers are of ", name(level(levels[0], names[0])), ".", class_="cx-none")
    marks = published(benchmarks, metric)
    earlier: list[Row] = [{"value": row["value_before"]} for row in compared if row.get("value_before") is not None]
    scale = [*known, *earlier, *([whole] if whole else []), *marks]

    def drawing(one: str) -> Html:
        laid = layout([level(row, one) for row in by[one][:MOST]])
        tested = {row[one]: row for row in compared if row.get(one) is not None}

        def draw(part: Sequence[Row]) -> Canvas:
            return drawings.segments(part, scale, whole, metric, one, laid, tested, marks)

        def tell(part: Sequence[Row]) -> str:
            return told([*([whole] if whole and part[0] is by[one][0] else []), *part], metric, [one])

        called = f"{metric.label} by {words(one)}"
        return _drawings(parts(by[one][:MOST], laid.height), draw, tell, slug("segments", metric.name, one), called)

    sure, since = wording.level_words(known[0].get("level")), next((str(row["before"]) for row in compared), "")
    ago = f" Small dot: {since}." * bool(earlier)
    notes: list[object] = [
        f"Dot: score, {known[0]['period']}. Line: {sure} interval. Grey and hollow: a small effective base.{ago}",
        *unit_note(metric),
    ]
    notes += [f"Dashed: all, {wording.estimate_words(whole, metric)}."] if whole else []
    moved = [row for row in compared if drawings.stands_out(row)]
    way = " differently" if moved and "named" in moved[0] else ""
    notes += [f"{wording.UP} {wording.DOWN} changed{way} against {since}."] if moved else []
    notes += [line for own in by.values() for line in cut(own, MOST)]
    notes += sources(marks, metric)
    claim, proof = segment_finding(metric, by, compared)
    return figure(key, claim, proof, join(map(drawing, names)), notes, shown)


def gradient(estimates: pd.DataFrame, trends: pd.DataFrame, metric: Metric, dimension: str) -> Html:
    """The levels of an ordered dimension in their order, and whether the score goes with it.

    Args:
        estimates: Rows of the levels in one period.
        trends: Of the place, from `cx.gradient`.
        metric: The metric drawn.
        dimension: Column of the levels.
    """
    metric, (estimates,) = fitted_one(metric, estimates)
    frame = estimates[(estimates["metric"] == metric.name) & (estimates[dimension] != BLANK)]
    found, (trend, *inside) = of_metric(frame, metric), of_metric(trends, metric)
    key, title = slug("gradient", metric.name, dimension), f"{metric.label} by {words(dimension)}"
    shown = estimates_table(frame, {metric.name: metric}, caption=title)
    known = [row for row in found if row.get("value") is not None]
    if not known:
        return nothing(key, title, shown, found)
    laid = layout([level(row, dimension) for row in found])
    drawn = drawings.segments(found, known, None, metric, dimension, laid, {})
    claim, proof = verdicts.gradient(trend, inside, metric)
    notes = [f"Dot: score, {found[0]['period']}. Line: {wording.level_words(known[0].get('level'))} interval. A level "
             f"holds its lower end. Trend: {trend['method']}.", *unit_note(metric)]  # fmt: skip
    return figure(key, claim, proof, drawn.svg(key, title, told(found, metric, [dimension])), notes, shown)


def changes(comparisons: pd.DataFrame, metric: Metric, dimension: str) -> Html:
    """The change of each level of a dimension with its interval and corrected verdict, the largest rise first.

    Args:
        comparisons: Comparisons of the levels; a row whose level is missing is the whole. Those of another dimension
            are left out.
        metric: The metric drawn.
        dimension: Column of the levels.
    """
    metric, (comparisons,) = fitted_one(metric, comparisons)
    frame = comparisons[(comparisons["metric"] == metric.name) & cut_by(comparisons, dimension)]
    found = of_metric(frame, metric)
    key, title = slug("changes", metric.name, dimension), f"Change of {metric.label} by {words(dimension)}"
    shown = comparisons_table(frame, {metric.name: metric}, caption=title)
    known = [row for row in found if row.get("change") is not None]
    if not known:
        return nothing(key, title, shown, found)
    found.sort(key=lambda r: (r.get(dimension) is not None, r.get("change") is None, -(r.get("change") or 0)))
    laid = layout([level(row, dimension) for row in found[:MOST]])

    def draw(part: Sequence[Row]) -> Canvas:
        return drawings.changes(part, known, metric, dimension, laid)

    def tell(part: Sequence[Row]) -> str:
        return "; ".join(f"{level(row, dimension)}: {change_words(row, metric)}" for row in part)

    drawn = _drawings(parts(found[:MOST], laid.height), draw, tell, key, title)
    sure = wording.level_words(known[0].get("level"))
    notes = [
        f"Dot: change. Line: {sure} interval of a single comparison. Filled: changed after correction. "
        "Hollow: no evidence of change, or answers worth too little to say.",
        *([PAIRS] if in_pairs(metric) else []),
        *cut(found, MOST),
    ]
    claim, proof = change_finding(metric, dimension, found)
    return figure(key, claim, proof, drawn, notes, shown)


def score_distribution(distribution: pd.DataFrame, metric: Metric) -> Html:
    """The share of each answer, coloured by class, in the last period of the frame.

    Args:
        distribution: Rows of one place: answer, group, n, share.
        metric: The metric drawn.
    """
    metric, (distribution,) = fitted_one(metric, distribution)
    frame = distribution[distribution["metric"] == metric.name]
    frame = frame[frame["period"] == _period(frame, [])]
    found = of_metric(frame, metric)
    key, title = slug("answers", metric.name), f"{metric.label}: share of each answer"
    shown = distribution_table(frame, metric, caption=title)
    answers = [row for row in found if row.get("share") is not None]
    n = sum(row["n"] or 0 for row in answers)
    if not n:
        return nothing(key, title, shown, found)
    roles = drawings.class_roles(metric, [str(row["group"]) for row in answers])
    sums = {group: sum(row["share"] for row in answers if str(row["group"]) == group) for group in roles}
    parts = [f"{group} {wording.quantity(share, 'percent', 0)}" for group, share in sums.items()]
    text = "; ".join(
        f"{called}: {wording.quantity(row['share'], 'percent', 1)} (n {wording.count(row['n'])})"
        for called, row in zip(wording.called(answers), answers, strict=True)
    )
    drawn = drawings.distribution(answers, roles).svg(key, title, f"n {wording.count(n)}. {text}")
    claim = [f"{metric.label}, {found[0]['period']}: {', '.join(parts)}."]
    weighted = any(abs(row["share"] - 100 * (row["n"] or 0) / n) > 0.05 for row in answers)
    share = "weighted share" if weighted else "share"
    notes = [f"Bars: {share} of each answer; the class above. Shares are described: no interval, no test."]
    return figure(key, claim, [f"n {wording.count(n)}."], drawn, notes, shown)


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
    roles = drawings.class_roles(metric, [str(row["group"]) for row in found])
    shown = classes_table(bars, list(roles), by, metric, caption=title)
    if not any(row.get("n") for row in found):
        return nothing(key, title, shown, found)
    most = YEAR if by == "period" else MOST
    drawn_bars = dict(list(bars.items())[-most:] if by == "period" else list(bars.items())[:most])
    lines = {top: classes(drawn_bars[top], list(roles)) for top in drawn_bars}
    text = "; ".join(f"{top}: {line}" for top, line in lines.items())
    drawn = drawings.stacked(drawn_bars, roles, layout(list(drawn_bars))).svg(key, title, text)
    claim = class_finding(metric, bars, list(roles), before) if by == "period" else [f"{title}."]
    said, counted = "Shares are described: no interval, no test.", metric.counted
    notes = [f"Bars: share of {counted} in each class. n: {counted}. {said}"]
    return figure(key, claim, [], drawn, [*notes, *cut(list(bars), most)], shown)


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
        return nothing(key, title, shown, found)
    cells = {(row[rows], row[columns]): row for row in found}
    laid = layout(list(map(str, down)))

    def draw(part: Sequence[object]) -> Canvas:
        grid = {laid.labels[str(one)]: [cells.get((one, other)) for other in across] for one in part}
        return drawings.heat(grid, list(map(str, across)), metric, laid, found)

    def tell(part: Sequence[object]) -> str:
        return told([row for row in found if row[rows] in part], metric, [rows, columns])

    drawn = _drawings(parts(down, drawings.CELL), draw, tell, key, title)
    claim, proof = grid_finding(metric, found, rows, columns)
    notes = [
        f"Cells: score, n below where it has room; the table holds all. {wording.NONE} no {metric.counted}. "
        f"{HIDDEN} hidden. Colours: equal steps from the lowest to the highest score with enough {metric.counted}.",
        *unit_note(metric),
    ]
    for part, most, column in (("last", across, columns), ("first", down, rows)):
        if len(most) < frame[column].nunique():
            notes.append(f"The {part} {len(most)} of {frame[column].nunique():,} {plural(column)} are drawn.")
    return figure(key, claim, proof, drawn, notes, shown)


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


def _period(frame: pd.DataFrame, tested: Sequence[Row]) -> str:
    now = next((row["now"] for row in tested), None)
    periods = list(dict.fromkeys(frame["period"]))
    return str(now if now in periods else periods[-1] if periods else "")


def _order(row: Row) -> tuple[bool, bool, float]:
    """Highest first; what is too small to say anything, and what has no value, at the end."""
    return row.get("value") is None, wording.is_small(row), -(row.get("value") or 0.0)


# Around a drawing -----------------------------------------------------------------------------------------------------


Parts = Sequence[object]  # pieces of a sentence; pieces that are not Html are escaped


def figure(key: str, claim: Parts, proof: Parts, drawn: Html, notes: Sequence[object], shown: Html) -> Html:
    """A figure: finding, drawing, notes, and the table behind it.

    Args:
        key: The id by which findings link to it.
        claim: The finding.
        proof: The numbers behind it.
        drawn: The SVG.
        notes: What the marks mean.
        shown: The table.
    """
    said = [tag("strong", join(claim)), *([" ", tag("span", join(proof))] if proof else [])]
    below = tag("div", *(tag("p", note) for note in notes), class_="cx-notes") if notes else None
    table = tag("details", tag("summary", "Table of this figure"), shown)
    return tag("figure", tag("figcaption", *said), drawn, below, table, id=key, class_="cx-figure")


def published(benchmarks: Sequence[Mapping[str, object]], metric: Metric) -> list[Row]:
    """The published values of a metric, as rows."""
    unit = MINUTES.get(metric.unit, 1.0)
    return [{**mark, "value": float(str(mark["value"])) / unit} for mark in benchmarks if mark["metric"] == metric.name]


def sources(marks: Sequence[Row], metric: Metric) -> list[Html]:
    """A note per published value: where it is from, and that it is a line and nothing more."""
    end = "). A line to look at: without a base it is not tested."
    return [
        join(["Published: ", name(mark["name"]), f" {said} (", name(mark["source"]), ", ", name(mark["date"]), end])
        for mark in marks
        for said in [wording.quantity(mark["value"], metric.unit, int(mark["value"] != round(mark["value"])))]
    ]


def nothing(key: str, title: str, shown: Html, found: Sequence[Row]) -> Html:
    """A figure that cannot be drawn says why."""
    why = sorted({str(row.get("note") or "no answers") for row in found}) or ["no answers that may be shown"]
    caption = tag("figcaption", tag("strong", f"{title}: nothing to draw."), " ", tag("span", f"{'; '.join(why)}."))
    table = tag("details", tag("summary", "Table of this figure"), shown) if found else None
    return tag("figure", caption, table, id=key, class_="cx-figure")


def unit_note(metric: Metric) -> list[str]:
    """The unit of the times in a drawing, which has no room for it beside each."""
    return [f"Times in {metric.unit}."] if metric.unit in MINUTES else []


def told(found: Sequence[Row], metric: Metric, names: Sequence[str]) -> str:
    """Alternative text: every estimate of a figure with interval and base."""
    lines = (f"{', '.join(level(row, key) for key in names)}: {wording.estimate_words(row, metric)}" for row in found)
    return "; ".join(lines)


def change_words(row: Row, metric: Metric) -> str:
    """A comparison in one line of alternative text."""
    span = "" if row.get("change") is None else f" ({verdicts.interval(row, metric)})"
    return f"{verdicts.change(row, metric)}{span}, {verdicts.verdict(row, metric).words}"


def classes(found: Sequence[Row], groups: Sequence[str]) -> str:
    """The shares of the classes of one bar, with its base."""
    n = answered(found)
    parts = [f"{group} {wording.percent(share)}" for group, share in shares(found, groups).items()] if n else []
    return ", ".join([*parts, wording.bar_base(n)])


def change_finding(metric: Metric, dimension: str, found: Sequence[Row]) -> tuple[Parts, Parts]:
    """Claim and proof on the changes of the levels: how many, which moved differently, what can be said of the rest.

    Args:
        metric: The metric.
        dimension: Column of the levels.
        found: The comparisons.
    """
    levels = [row for row in found if row.get(dimension) is not None] or list(found)
    moved = [row for row in levels if row.get("verdict") == "changed"]
    subject = f"{metric.label} by {words(dimension)}: "
    said = f"{len(moved)} of {len(levels)} changed" if moved else "no evidence of any change"
    if not moved and all(row.get("verdict") == "too few" for row in levels):
        said = "nothing can be said of a change"
    held, ends = wording.families(found), [name(levels[0].get(end)) for end in ("now", "before")]
    proof = [join(ends, " against "), f", corrected for {held}. " if held else ". ", verdicts.tally(levels), " ",
             verdicts.reach(levels, metric)]  # fmt: skip
    return [subject, said, *_apart(levels, metric, dimension), "."], proof


def segment_finding(
    metric: Metric, by: Mapping[str, Sequence[Row]], tested: Sequence[Row]
) -> tuple[Parts, Parts]:  # fmt: skip
    """Claim and proof on the scores of levels: of one dimension the range of those with enough answers; what changed.

    Args:
        metric: The metric.
        by: The estimates of each dimension, the highest first.
        tested: Comparisons of the levels with another period.
    """
    proof: list[object] = ["This order is not tested."]
    for dimension in by:
        if picked := named([row for row in tested if row.get(dimension) is not None]):
            since = [" Changed differently against ", name(picked[0].get("before")), ": "]
            proof += [*since, *listed(picked, metric, dimension), "."]
    (dimension, levels), *more = by.items()
    subject = f"{metric.label} by {' and '.join(map(words, by))}, "
    if more:
        return [subject, name(next(row["period"] for own in by.values() for row in own)), "."], proof
    sound = [row for row in levels if wording.is_sound(row)]
    which, enough = f"{len(levels):,} {plural(dimension)}", f"{_threshold(levels, metric)} or more"
    some = f"of the {len(sound):,} {plural(dimension)}" if len(sound) > 1 else f"the only one of {which}"
    said = f", {some} with {enough}: " if 0 < len(sound) < len(levels) else ": "
    told = _ends(sound, metric, dimension) if sound else [f"none of {which} has {enough}"]
    return [subject, name(levels[0]["period"]), said, *told, "."], proof


def _ends(sound: Sequence[Row], metric: Metric, dimension: str) -> list[object]:
    """The lowest and the highest of some levels with their bases."""
    ends = [sound[-1], *([sound[0]] if len(sound) > 1 else [])]
    unit = f" {wording.UNITS[metric.unit]}" if metric.unit in MINUTES else ""
    parts = ([f"{score(row, metric)}{unit} (", name(level(row, dimension)), f", {base(row)})"] for row in ends)
    return [piece for i, part in enumerate(parts) for piece in ([" to "] * i + part)]


def _threshold(found: Sequence[Row], metric: Metric) -> str:
    """The base from which a row says something, "effective" where answers are worth less than their number."""
    less = any(row.get("n_eff") not in (None, row.get("n")) for row in found)
    return f"{wording.rule(found, 'judge_from')} {'effective ' * less}{metric.counted}"


def grid_finding(metric: Metric, found: Sequence[Row], rows: str, columns: str) -> tuple[Parts, Parts]:
    """Claim and proof on a grid: how many cells there are and how many say something; no extremes, which are chance."""
    sound = sum(map(wording.is_sound, found))
    some = "none" if not sound else "all" if sound == len(found) else f"{sound:,}"
    claim = f"{metric.label} by {words(rows)} and {words(columns)}: {some} of {len(found):,} cells have "
    proof = "The highest and the lowest of many cells are so by chance, too; none is tested against another. "
    return [claim, f"{_threshold(found, metric)} or more."], [proof, "Intervals stand in the table."]


def class_finding(
    metric: Metric, bars: Mapping[str, Sequence[Row]], groups: Sequence[str], before: str | None
) -> Parts:
    """Claim on the shares of the classes in the last period, against those in another where there is one.

    Args:
        metric: The metric.
        bars: The rows of each period.
        groups: The classes.
        before: The period to set the last one against.
    """
    last = list(bars)[-1]
    old, new = (shares(bars.get(period, []), groups) for period in (str(before), last))
    if before == last or not (any(old.values()) and any(new.values())):
        return [f"{metric.label}, ", name(last), f": {classes(bars[last], groups)}."]
    parts = ", ".join(f"{group} {wording.percent(old[group])} → {wording.percent(new[group])}" for group in groups)
    return [f"{metric.label}, ", name(before), " → ", name(last), f": {parts} (described, not tested)."]


def cut(found: Sequence[object], most: int) -> list[str]:
    """The note of a drawing that cannot hold all rows."""
    return [f"{most} of {len(found):,} are drawn; the table holds all."] if len(found) > most else []


def _apart(levels: Sequence[Row], metric: Metric, dimension: str) -> list[object]:
    """Which levels changed differently, or that none is shown to; nothing where nobody asked."""
    said = alike(levels)
    if said == DIFFERENTLY:
        picked = named(levels)
        whom = "each other" if len(picked) == 2 == picked[0]["alike_df"] + 1 else "the others"
        return [f"; differently from {whom}: ", *listed(picked, metric, dimension)]
    return [f"; {no_evidence(['they'])}"] if said and any(r.get("verdict") == "changed" for r in levels) else []
