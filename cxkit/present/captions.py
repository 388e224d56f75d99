"""What a figure says around its drawing: the finding above, the numbers as text, the notes, the table behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cxkit.metrics import Metric
from cxkit.present import verdicts, wording
from cxkit.present.html import Html, join, name, tag
from cxkit.present.rows import Row

NAMED = 3  # levels that a finding names; more are counted

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
    below = tag("div", *(tag("p", note) for note in notes), class_="cx-notes")
    table = tag("details", tag("summary", "Table of this figure"), shown)
    return tag("figure", tag("figcaption", *said), drawn, below, table, id=key, class_="cx-figure")


def published(benchmarks: Sequence[Mapping[str, object]], metric: Metric) -> list[Row]:
    """The published values of a metric, as rows."""
    return [{**mark, "value": float(str(mark["value"]))} for mark in benchmarks if mark["metric"] == metric.name]


def sources(marks: Sequence[Row], metric: Metric) -> list[Html]:
    """A note per published value: where it is from, and that it is a line and nothing more."""
    end = "). A line to look at: without a base it is not tested."
    return [
        join(["Published: ", name(mark["name"]), f" {said} (", name(mark["source"]), ", ", name(mark["date"]), end])
        for mark in marks
        for said in [_published(mark["value"], metric)]
    ]


def _published(value: float, metric: Metric) -> str:
    return wording.quantity(value, metric.unit, 0 if value == round(value) else 1)


def nothing(key: str, title: str, shown: Html, found: Sequence[Row]) -> Html:
    """A figure that cannot be drawn says why."""
    why = sorted({str(row.get("note") or "no answers") for row in found}) or ["no answers that may be shown"]
    caption = tag("figcaption", tag("strong", f"{title}: nothing to draw."), " ", tag("span", f"{'; '.join(why)}."))
    table = tag("details", tag("summary", "Table of this figure"), shown) if found else None
    return tag("figure", caption, table, id=key, class_="cx-figure")


def level(row: Row, dimension: str) -> str:
    """The level of a row in a dimension; "All" where it is the whole."""
    return "All" if row.get(dimension) is None else str(row[dimension])


def words(column: str) -> str:
    """A column name inside a sentence."""
    return column.replace("_", " ")


def score(row: Row, metric: Metric) -> str:
    """A score as short as it can be said: number, and % where it is one."""
    places = wording.decimals(row.get("low"), row.get("high"))
    return wording.number(row.get("value"), places) + ("%" if metric.unit == "percent" else "")


def base(row: Row) -> str:
    """A base as short as it can be said."""
    return "hidden" if row.get("n") is None else f"n {wording.count(row['n'])}"


def told(found: Sequence[Row], metric: Metric, names: Sequence[str]) -> str:
    """Alternative text: every estimate of a figure with interval and base."""
    lines = (f"{', '.join(level(row, key) for key in names)}: {wording.estimate_words(row, metric)}" for row in found)
    return "; ".join(lines)


def change_words(row: Row, metric: Metric) -> str:
    """A comparison in one line of alternative text."""
    found = verdicts.verdict(row, metric)
    if row.get("change") is None:
        return f"{verdicts.change(row, metric)}, {found.words}"
    return f"{verdicts.change(row, metric)} ({verdicts.interval(row, metric)}), {found.words}"


def classes(found: Sequence[Row], groups: Sequence[str]) -> str:
    """The shares of the classes of one bar, with its base."""
    if any(row.get("n") is None for row in found):
        return "hidden"
    n = sum(row["n"] for row in found)
    if not n:
        return "no answers"
    shares = [(group, sum(row["share"] or 0 for row in found if str(row["group"]) == group)) for group in groups]
    return ", ".join(
        [*(f"{group} {wording.quantity(share, 'percent', 0)}" for group, share in shares), f"n {wording.count(n)}"]
    )


def change_finding(metric: Metric, dimension: str, found: Sequence[Row], held: str) -> tuple[Parts, Parts]:
    """Claim and proof on the changes of the levels: how many, which, and what can be said of the rest.

    Args:
        metric: The metric.
        dimension: Column of the levels.
        found: The comparisons.
        held: The family that they were corrected for, in words; empty where there is none.
    """
    levels = [row for row in found if row.get(dimension) is not None] or list(found)
    moved = [row for row in levels if row.get("verdict") == "changed"]
    subject = f"{metric.label} by {words(dimension)}: "
    claim: list[object] = (
        [f"{subject}{len(moved)} of {len(levels)} changed"] if moved else [f"{subject}no evidence of any change"]
    )
    if not moved and all(row.get("verdict") == "too few" for row in levels):
        claim = [f"{subject}too few answers to say"]
    claim += [": ", *_named(moved, metric, dimension)] if moved else []
    tested = levels[0]
    corrected = f", corrected for {held}" if held else ""
    proof: list[object] = [name(tested.get("now")), " against ", name(tested.get("before")), f"{corrected}. "]
    alone = [row for row in levels if verdicts.corrected_away(row)]
    proof += [verdicts.tally(levels), " ", verdicts.reach(levels, metric)]
    proof += [" Only before correction: ", *_named(alone, metric, dimension), "."] if alone else []
    return [*claim, "."], proof


def segment_finding(metric: Metric, dimension: str, known: Sequence[Row], tested: Sequence[Row]) -> tuple[Parts, Parts]:
    """Claim and proof on the scores of the levels: their range with bases, and which levels changed."""
    sound = [row for row in known if not wording.is_small(row)] or list(known)
    best, worst = sound[0], sound[-1]
    claim: list[object] = [
        f"{metric.label} by {words(dimension)}, ",
        name(best["period"]),
        f": {score(worst, metric)} (",
    ]
    claim += [name(level(worst, dimension)), f", {base(worst)})"]
    if len(sound) > 1:
        claim += [f" to {score(best, metric)} (", name(level(best, dimension)), f", {base(best)})"]
    moved = [row for row in tested if row.get("verdict") == "changed" and row.get(dimension) is not None]
    proof: list[object] = ["The levels are not tested against each other."]
    if moved:
        proof += [" Changed against ", name(moved[0].get("before")), ": ", *_named(moved, metric, dimension), "."]
    return [*claim, "."], proof


def range_finding(metric: Metric, known: Sequence[Row], names: Sequence[str]) -> tuple[Parts, Parts]:
    """Claim and proof on the lowest and the highest cell of a grid."""
    ends = [min(known, key=lambda row: row["value"]), max(known, key=lambda row: row["value"])]
    places = [name(", ".join(level(row, key) for key in names)) for row in ends]
    claim: list[object] = [f"{metric.label} from {score(ends[0], metric)} (", places[0], f", {base(ends[0])})"]
    claim += [f" to {score(ends[1], metric)} (", places[1], f", {base(ends[1])})."]
    return claim, ["Cells are not tested against each other; their intervals stand in the table."]


def cut(found: Sequence[object], most: int) -> list[str]:
    """The note of a drawing that cannot hold all rows."""
    return [f"{most} of {len(found):,} are drawn; the table holds all."] if len(found) > most else []


def _named(moved: Sequence[Row], metric: Metric, dimension: str) -> Parts:
    parts: list[object] = []
    for i, row in enumerate(sorted(moved, key=lambda r: -abs(r["change"]))[:NAMED]):
        sign = verdicts.verdict(row, metric).sign
        parts += [", " if i else "", name(level(row, dimension)), f" {sign} {verdicts.change(row, metric)}"]
    return [*parts, f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""]
