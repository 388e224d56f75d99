"""What a figure says around its drawing: the finding above, the numbers as text, the notes, the table behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cxkit.metrics import Metric
from cxkit.show import apart, verdicts, wording
from cxkit.show.durations import MINUTES
from cxkit.show.html import Html, join, name, tag
from cxkit.show.rows import Row, plural, shares, words

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
    unit = MINUTES.get(metric.unit, 1.0)
    return [{**mark, "value": float(str(mark["value"])) / unit} for mark in benchmarks if mark["metric"] == metric.name]


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


def unit_note(metric: Metric) -> list[str]:
    """The unit of the times in a drawing, which has no room for it beside each."""
    return [f"Times in {metric.unit}."] if metric.unit in MINUTES else []


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
    parts = (f"{group} {_percent(share)}" for group, share in shares(found, groups).items())
    return ", ".join([*parts, f"n {wording.count(n)}"])


def change_finding(metric: Metric, dimension: str, found: Sequence[Row], held: str) -> tuple[Parts, Parts]:
    """Claim and proof on the changes of the levels: how many, which moved differently, what can be said of the rest.

    Args:
        metric: The metric.
        dimension: Column of the levels.
        found: The comparisons.
        held: The family that they were corrected for, in words; empty where there is none.
    """
    levels = [row for row in found if row.get(dimension) is not None] or list(found)
    moved = [row for row in levels if row.get("verdict") == "changed"]
    subject = f"{metric.label} by {words(dimension)}: "
    claim: list[object] = [
        f"{subject}{len(moved)} of {len(levels)} changed" if moved else f"{subject}no evidence of any change"
    ]
    if not moved and all(row.get("verdict") == "too few" for row in levels):
        claim = [f"{subject}nothing can be said of a change"]
    claim += _apart(levels, metric, dimension)
    tested = levels[0]
    corrected = f", corrected for {held}" if held else ""
    proof: list[object] = [name(tested.get("now")), " against ", name(tested.get("before")), f"{corrected}. "]
    proof += [verdicts.tally(levels), " ", verdicts.reach(levels, metric)]
    return [*claim, "."], proof


def segment_finding(
    metric: Metric, dimension: str, levels: Sequence[Row], tested: Sequence[Row], *, rest: bool = False
) -> tuple[Parts, Parts]:
    """Claim and proof on the scores of the levels: the range of those with enough answers, and which levels changed.

    Args:
        metric: The metric.
        dimension: Column of the levels.
        levels: The estimates, the highest first.
        tested: Comparisons of the levels with another period.
        rest: Whether a table follows in which each level is tested against the rest.
    """
    sound = [row for row in levels if wording.is_sound(row)]
    which, enough = f"{len(levels):,} {plural(dimension)}", f"{_threshold(levels)} or more"
    claim: list[object] = [f"{metric.label} by {words(dimension)}, ", name(levels[0]["period"])]
    if not sound:
        claim += [f": none of {which} has {enough}"]
    elif len(sound) < len(levels):
        some = f"of the {len(sound):,} {plural(dimension)}" if len(sound) > 1 else f"the only one of {which}"
        claim += [f", {some} with {enough}: "]
    else:
        claim += [": "]
    claim += _ends(sound, metric, dimension) if sound else []
    said = "This order is not tested."
    proof: list[object] = ["Each is tested against the rest below." if rest and len(sound) > 1 else said]
    if picked := apart.named([row for row in tested if row.get(dimension) is not None]):
        since = [" Changed differently against ", name(picked[0].get("before")), ": "]
        proof += [*since, *apart.listed(picked, metric, dimension), "."]
    return [*claim, "."], proof


def _ends(sound: Sequence[Row], metric: Metric, dimension: str) -> list[object]:
    """The lowest and the highest of some levels with their bases."""
    ends = [sound[-1], *([sound[0]] if len(sound) > 1 else [])]
    unit = f" {wording.UNITS[metric.unit]}" if metric.unit in MINUTES else ""
    parts = ([f"{score(row, metric)}{unit} (", name(level(row, dimension)), f", {base(row)})"] for row in ends)
    return [piece for i, part in enumerate(parts) for piece in ([" to "] * i + part)]


def _threshold(found: Sequence[Row]) -> str:
    """The base from which a row says something, "effective" where answers are worth less than their number."""
    less = any(row.get("n_eff") not in (None, row.get("n")) for row in found)
    return f"{wording.rule(found, 'judge_from')} {'effective ' * less}answers"


def grid_finding(metric: Metric, found: Sequence[Row], rows: str, columns: str) -> tuple[Parts, Parts]:
    """Claim and proof on a grid: how many cells there are and how many say something; no extremes, which are chance."""
    sound = sum(map(wording.is_sound, found))
    some = (
        f"{sound:,} of {len(found):,}" if 0 < sound < len(found) else f"{'all' if sound else 'none'} of {len(found):,}"
    )
    claim = [f"{metric.label} by {words(rows)} and {words(columns)}: {some} cells have {_threshold(found)} or more."]
    return claim, [
        "The highest and the lowest of many cells are so by chance, too; none is tested against another. "
        "Intervals stand in the table."
    ]


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
    parts = ", ".join(f"{group} {_percent(old[group])} → {_percent(new[group])}" for group in groups)
    return [f"{metric.label}, ", name(before), " → ", name(last), f": {parts} (described, not tested)."]


def _percent(share: float) -> str:
    return wording.quantity(share, "percent", 0)


def cut(found: Sequence[object], most: int) -> list[str]:
    """The note of a drawing that cannot hold all rows."""
    return [f"{most} of {len(found):,} are drawn; the table holds all."] if len(found) > most else []


def _apart(levels: Sequence[Row], metric: Metric, dimension: str) -> list[object]:
    """Which levels changed differently, or that none is shown to; nothing where nobody asked."""
    said = apart.alike(levels)
    if said == apart.DIFFERENTLY:
        picked = apart.named(levels)
        whom = "each other" if len(picked) == 2 == picked[0]["alike_df"] + 1 else "the others"
        return [f"; differently from {whom}: ", *apart.listed(picked, metric, dimension)]
    return [f"; {apart.no_evidence(['they'])}"] if said and any(r.get("verdict") == "changed" for r in levels) else []
