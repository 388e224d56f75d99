"""Banner tables: bases, scores and shares of answers as rows, the levels of a dimension as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from cxkit.metrics import Metric
from cxkit.show import verdicts, wording
from cxkit.show.html import Html, join, name, slug, tag
from cxkit.show.labels import heading, plural, words
from cxkit.show.rows import MINUTES, Row, as_change, cut_by, fitted, metrics_of, rows
from cxkit.show.tables import SHARES, Cell, sign, table, unshown

MOST, ROWS = 12, 40  # levels for which a table has room, side by side and one below the other
MOVES = ["difference", "difference_low", "difference_high"]  # of durations in pairs, and no times as their scores are


def crosstab(frame: pd.DataFrame, metrics: Mapping[str, Metric], dimension: str) -> Html:
    """A column for all and for each level: bases, scores with a sign where a level differs, and shares of answers.

    Args:
        frame: What `cx.crosstab` returned, of one place; what other dimensions cut is left out.
        metrics: What is measured, by name; gives the order.
        dimension: Whose levels are the columns.
    """
    found, metrics = _fitted(frame[cut_by(frame, dimension)], metrics)
    scores = [row for row in found if not row["group"]]
    shown, notes = _columns(scores, dimension, MOST)
    if len(shown) < 2:
        return tag("p", f"There is nothing to compare a {words(dimension)} with.", class_="cx-none")
    body: list[list[Cell]] = []
    for metric in metrics_of(scores, metrics):
        lines: dict[str, dict[str | None, Row]] = {}
        for row in found:
            if row["metric"] == metric.name:
                lines.setdefault(row["group"], {})[row[dimension]] = row
        for group, line in lines.items():
            body += _lines(group, [line.get(at) for at in (None, *shown)], metric)
    counted = next(iter(metrics.values())).counted
    told = f"Base: {counted} used (n). {SHARES.format(counted)} To test a class, declare a metric that counts it."
    caption = f"{scores[0]['period']} by {words(dimension)}"
    head = [heading(dimension), "All", *shown]
    made = table(
        head, body, caption, [told, *notes], folded=how(scores, metrics, plural(dimension)), names=shown, kind="cross"
    )
    return scrolled(made, caption)


def matrix(frame: pd.DataFrame, parts: pd.DataFrame, metrics: Mapping[str, Metric], by: Sequence[str]) -> Html:
    """A row for each level and a column for each metric: where a level differs from the rest, or changed differently.

    These levels come first, with their score; what all others score stands in `crosstab`. Of each dimension a row says
    of every metric whether its levels changed differently.

    Args:
        frame: What `cx.crosstab` returned, of one place.
        parts: Changes of the same levels, from `cx.alike`.
        metrics: What is measured, by name; gives the order.
        by: The dimensions.
    """
    scores, shown = _fitted(frame[frame["group"] == ""], metrics)
    order, moves = [shown[one] for one in dict.fromkeys(row["metric"] for row in scores)], rows(parts)  # the lead first
    cut = [one for one in by if len({row[one] for row in scores} - {None}) > 1]
    body: list[list[Cell]] = []
    for one in cut:
        own = [row for row in scores if row[one] is not None]
        changes = [row for row in moves if row[one] is not None]
        named = {(row["metric"], row[one]): row for row in changes if row["named"]}
        title = join([tag("b", heading(one)), tag("small", "changed differently?")], " ")
        lines = [[(title, ""), *(_differently(changes, metric, one) for metric in order)]]
        for at in _columns(own, one, ROWS)[0]:
            held = {row["metric"]: row for row in own if row[one] == at}
            bases = [held[metric.name]["n"] for metric in order if held[metric.name]["n"]]
            ends = " to ".join(dict.fromkeys(wording.count(end(bases)) for end in (min, max)))
            cells = [_cell(held[m.name], named.get((m.name, at)), m) for m in order]
            lines.append([(join([name(at), tag("small", f"n{wording.HARD}{ends}")], " "), ""), *cells])
        body += sorted(lines, key=lambda line: line is not lines[0] and not any(told for _, told in line[1:]))
    if len(body) == len(cut):  # no level may be shown
        return Html("")
    said = (
        f"{wording.UP} {wording.DOWN} differs from all others, or changed differently; {wording.NONE} no evidence; "
        f"{wording.FEW} too few answers. Scores: “All numbers”."
    )
    caption = f"{scores[0]['period']}: what differs"
    head = ["Level", *(metric.label for metric in order)]
    folded = [*how(scores, shown, "levels of a segment"), _tests(moves, order, by)]
    return scrolled(table(head, body, caption, [said], folded=folded, kind="cross cx-matrix"), caption)


def _cell(row: Row, change: Row | None, metric: Metric) -> Cell:
    """A score with interval, base and signs where it differs or changed differently; else a sign for why it does not.

    What differs has a look of its own.
    """
    if row["value"] is None:
        return wording.absent(row), ""
    signs = [differs(row, metric)]
    if change:
        found = verdicts.verdict({**change, "verdict": "changed"}, metric)
        signs.append(tag("small", sign(found), f" {found.words} differently", class_=f"cx-{found.tone}"))
    if not any(signs):
        return wording.FEW if row["verdict"] == "too few" else wording.NONE, ""
    numbers = tag("small", f"{wording.span(row, metric)}, n{wording.HARD}{wording.count(row['n'])}")
    unit = f" {wording.UNITS[metric.unit]}" * (metric.unit in MINUTES)
    return join([tag("b", f"{wording.score(row, metric)}{unit}"), numbers, *filter(None, signs)], " "), "cx-apart"


def _differently(changes: Sequence[Row], metric: Metric, dimension: str) -> Cell:
    """Whether the levels of a dimension changed differently, to which findings lead."""
    said = next((row["alike_verdict"] for row in changes if row["metric"] == metric.name), "too few")
    told = {"differently": "yes", "no evidence": wording.NONE}.get(said, wording.FEW)
    return tag("span", told, id=slug("changes", metric.name, dimension)), ""


def _tests(moves: Sequence[Row], metrics: Sequence[Metric], by: Sequence[str]) -> str:
    """Which tests whether levels changed differently were corrected together: those of the lead, and all others."""
    made = {
        (row["metric"], one) for row in moves for one in by if row[one] is not None and row["alike_pvalue"] is not None
    }
    lead = sum(of == metrics[0].name for of, _ in made)
    others = metrics[1].label if len(metrics) == 2 else "all other metrics"
    counts = {metrics[0].label: lead, others: len(made) - lead}
    told = "; ".join(f"{count} test{'s' * (count > 1)}: {of}" for of, count in counts.items() if count)
    return f"Differently: Cochran's Q of the levels of a segment, corrected for {told}." if told else ""


def _fitted(frame: pd.DataFrame, metrics: Mapping[str, Metric]) -> tuple[list[Row], Mapping[str, Metric]]:
    """The rows of a crosstab, durations in the unit that fits, and their metrics."""
    metrics, (fit,) = fitted(metrics, frame.drop(columns=MOVES))
    return rows(fit.assign(**{key: frame[key] for key in MOVES})), metrics


def scrolled(made: Html, called: str) -> Html:
    """A table that is moved sideways where it is wider than the page."""
    said = called.replace("=", " ")  # what the data call a dimension must not look like an attribute
    return tag("section", made, class_="cx-scroll", tabindex="0", aria_label=said)


def _columns(scores: Sequence[Row], dimension: str, most: int) -> tuple[list[str], list[Html | str]]:
    """The levels that are shown, those of most answers where they are many, and notes on the others."""
    first = [row for row in scores if row["metric"] == scores[0]["metric"] and row[dimension] is not None]
    known = {row[dimension] for row in scores if row["value"] is not None}
    absent = [row for row in first if row[dimension] not in known]
    levels = sorted((row for row in first if row[dimension] in known), key=lambda row: -(row["n"] or 0))[:most]
    notes: list[Html | str] = [*unshown(absent, "value", lambda row: str(row[dimension]), 0)[1]]
    if len(first) - len(absent) > most:
        notes.append(f"The {most} with the most answers of {len(first) - len(absent):,} {plural(dimension)}.")
    return [row[dimension] for row in first if row in levels], notes


def _lines(group: str, line: Sequence[Row | None], metric: Metric) -> list[list[Cell]]:
    """The rows of a metric's bases and scores, or of a class of its answers."""
    if group:
        return [[(name(group), ""), *((wording.percent(row["share"]) if row else "", "") for row in line)]]
    kept = [row or {} for row in line]
    unit = f" ({wording.UNITS[metric.unit]})" if metric.unit in MINUTES else ""
    bases: list[Cell] = [(wording.count(row.get("n")), "") for row in kept]
    scores: list[Cell] = [(_score(row, metric), "cx-dim" * wording.is_small(row)) for row in kept]
    return [[(join([tag("b", metric.label), " base"]), ""), *bases], [(f"Score{unit}", ""), *scores]]


def _score(row: Row, metric: Metric) -> Html | str:
    """A score with its interval, and whether it differs from that of the rest."""
    if row.get("value") is None:
        return wording.absent(row)
    apart = differs(row, metric)
    return join([wording.score(row, metric), tag("small", wording.span(row, metric)), apart or None], " ")


def differs(row: Row, metric: Metric) -> Html:
    """A sign and a word where a level differs from the rest; nothing elsewhere."""
    if row["verdict"] != "differs":
        return Html("")
    found = verdicts.verdict(as_change(row), metric)
    word = f"{'higher' if row['difference'] > 0 else 'lower'}{f' ({found.tone})' * (metric.better == 'lower')}"
    return tag("small", sign(found), f" {word}", class_=f"cx-{found.tone}")


def how(scores: Sequence[Row], metrics: Mapping[str, Metric], others: str) -> list[str]:
    """How the scores and the tests of a crosstab were made."""
    tested = [row for row in scores if row["verdict"]]
    corrected, methods = wording.families(tested), wording.methods_words(row["difference_method"] for row in tested)
    told = "; ".join(filter(None, (verdicts.reach_of(tested, m) for m in metrics_of(tested, metrics))))
    return [
        f"Intervals: {wording.methods_words(row['method'] for row in scores)}.",
        f"{wording.UP} {wording.DOWN}: higher or lower than all other {others} together. Method: {methods}."
        f"{f' Corrected for {corrected}.' if corrected else ''}",
        f"Without a sign: too few answers (grey, or {wording.FEW}), or no evidence of a difference"
        f"{f'; under about so much it could be missed: {told}' if told else ''}.",
    ]
