"""Journeys: cells against their margins, ways from one level to another, like with like, and where a journey breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from cxkit.metrics import METRICS, Metric
from cxkit.schema import ALL, is_hidden
from cxkit.show import drawings, verdicts, wording
from cxkit.show.crosstabs import scrolled
from cxkit.show.drawings import HIDDEN, layout
from cxkit.show.figures import figure, heatmap, nothing, told
from cxkit.show.html import Html, absent, join, name, slug, tag
from cxkit.show.labels import heading, plural, words
from cxkit.show.rows import Row, as_apart, dimensions, rows
from cxkit.show.tables import Cell, base, estimates_table, sign, table


def margins(frame: pd.DataFrame, metrics: Mapping[str, Metric]) -> Html:
    """A heat map for each metric and pair of dimensions, in which cells are framed that their margins do not predict.

    Args:
        frame: What `cx.margins` returned, of one place.
        metrics: What is measured, by name.
    """
    return join(_heat(own, metrics[metric], pair) for metric, pair, own in _parts(frame)) or absent()


def flows(frame: pd.DataFrame, metrics: Mapping[str, Metric]) -> Html:
    """For each metric and pair a table of the shares of the second dimension in the levels of the first, and scores.

    Args:
        frame: What `cx.flows` returned, of one place.
        metrics: What is measured, by name.
    """
    shown = frame.drop(columns=["share", "share_low", "share_high"])
    made = []
    for metric, pair, own in _parts(frame):
        scores = shown[(shown["dimension"] == ALL.join(pair)) & (shown["metric"] == metric)]
        scores = scores.drop(columns=["dimension", *(one for one in dimensions(scores) if one not in pair)])
        made += [_ways(own, pair), heatmap(scores, metrics[metric], *pair)]
    return join(made) or absent()


def standardised(frame: pd.DataFrame, metrics: Mapping[str, Metric]) -> Html:
    """Levels against all others, as they are and like with like: a line for each metric and level.

    Args:
        frame: What `cx.standardised` returned, of one place.
        metrics: What is measured, by name.
    """
    pairs = dict.fromkeys(frame["dimension"])
    made = (_like_with_like(frame[frame["dimension"] == pair], metrics, *pair.split(ALL)) for pair in pairs)
    return join(made) or absent()


def weakest(frame: pd.DataFrame, metrics: Mapping[str, Metric]) -> Html:
    """The share of customers with a bad contact at each level, and which is the weakest, if one is.

    Args:
        frame: What `cx.weakest` returned, of one place.
        metrics: What is measured, by name.
    """
    if frame.empty:
        return absent()
    found = rows(frame)
    first, rated = found[0], metrics[found[0]["metric"]]
    by, key = first["dimension"], slug("weakest", first["metric"], first["dimension"])
    label = f"Customers who rated a contact {first['bad_answers']} ({rated.label})"
    metric = replace(METRICS["churn"], name=rated.name, label=label, better="lower", counted="customers")
    title = f"{label} by {words(by)}"
    shown = estimates_table(frame.drop(columns=["bad_answers", "dimension"]), {metric.name: metric}, caption=title)
    known = [row for row in found if row["value"] is not None]
    if not known:
        return nothing(key, title, shown, found)
    worst = max(known, key=lambda row: row["value"])
    near = [row for row in known if row["high"] >= worst["low"]]
    claim: list[object] = [f"No {words(by)} stands out as the weakest link: intervals overlap."]
    if 1 < len(near) < len(known):
        scores = [join([name(row[by]), f" {wording.score(row, metric)}"]) for row in near]
        claim = ["Weakest links, not told apart: ", join(scores, ", "), "."]
    elif len(near) == 1 < len(known):
        claim = ["Weakest link: ", name(worst[by]), f", where {wording.estimate_words(worst, metric)} of the customers "
                 f"rated at least one contact {first['bad_answers']}."]  # fmt: skip
    drawn = drawings.segments(found, known, None, metric, by, layout([str(row[by]) for row in found]), {})
    notes = [
        f"Dot: of the customers with contact there the share who rated at least one {first['bad_answers']}, "
        f"{first['period']}, each counted once. Line: "
        f"{wording.level_words(first['level'])} interval. Weakest: the highest share, with those whose intervals reach "
        "its own. "
        "Who has more contacts has more chances of a bad one."
    ]
    return figure(key, claim, [], drawn.svg(key, title, told(found, metric, [by])), notes, shown)


def _parts(frame: pd.DataFrame) -> list[tuple[str, list[str], list[Row]]]:
    """The rows of each metric and pair of dimensions."""
    split = frame.groupby(["dimension", "metric"], sort=False)
    return [(str(metric), str(pair).split(ALL), rows(own)) for (pair, metric), own in split]


def _grid(found: Sequence[Row], pair: Sequence[str]) -> tuple[list[str], list[str], dict[tuple[str, str], Row]]:
    """Rows, columns and cells; rows and columns in which nobody answered are left out."""
    there = [row for row in found if row["n"] != 0]
    down, across = (list(dict.fromkeys(str(row[name]) for row in found if row in there)) for name in pair)
    cells = {(str(row[pair[0]]), str(row[pair[1]])): row for row in found}
    across = [one for one in dict.fromkeys(str(row[pair[1]]) for row in found) if one in across]
    return down, across, cells


def _heat(found: Sequence[Row], metric: Metric, pair: Sequence[str]) -> Html:
    down, across, cells = _grid(found, pair)
    by, over = map(words, pair)
    key, title = slug("margins", metric.name, *pair), f"{metric.label} by {by} and {over}, against both margins"
    shown = _against_margins([row for row in found if row["n"] != 0], metric, pair, title)
    known = [row for row in found if row["value"] is not None]
    if not known:
        return nothing(key, title, shown, found)
    laid = layout(down)
    grid = {laid.labels[one]: [cells.get((one, other)) for other in across] for one in down}
    drawn = drawings.heat(grid, across, metric, laid, known)
    apart = [row for row in found if row["verdict"] == "differs"]
    marked = [(across.index(str(row[pair[1]])), down.index(str(row[pair[0]]))) for row in apart]
    drawings.outlines(drawn, [(float(x), float(y)) for x, y in marked], solid=True)
    tested = [as_apart(row) for row in found if row["verdict"] != "too few"]
    claim: list[object] = [
        f"{metric.label} by {by} and {over}: no cell of {len(tested):,} differs from what both predict."
        if tested
        else f"{metric.label} by {by} and {over}: too few {metric.counted} to set cells against their margins."
    ]
    if apart:
        claim = [f"{metric.label} differs from what {by} and {over} predict: ", *_named(apart, metric, pair), "."]
    proof = [verdicts.reach(tested, metric).replace("change", "difference")]
    notes = [f"Cells: score, n below where it has room. Framed: what its row and its column do not predict. "
             f"{HIDDEN} hidden. Associated, not caused."]  # fmt: skip
    return figure(key, claim, proof, drawn.svg(key, title, told(known, metric, pair)), notes, shown)


def _named(apart: Sequence[Row], metric: Metric, pair: Sequence[str]) -> list[object]:
    """Each cell that was found, with its score, what was expected, and the difference with its limits."""
    said: list[object] = []
    for row in sorted(apart, key=lambda row: -abs(row["difference"])):
        move, places = as_apart(row), wording.places_of(row)
        scores = [wording.quantity(row[part], metric.unit, places) for part in ("value", "expected")]
        said += ["; "] if said else []
        said += [name(f"{row[pair[0]]} · {row[pair[1]]}"), f" {scores[0]} in place of {scores[1]} "
                 f"({verdicts.short(move, metric)}, {verdicts.span(move, metric)})"]  # fmt: skip
    return said


def _against_margins(found: Sequence[Row], metric: Metric, pair: Sequence[str], title: str) -> Html:
    body = []
    for row in found:
        span = "" if row["value"] is None else wording.span(row, metric)
        told: list[Cell] = [(name(f"{row[pair[0]]} · {row[pair[1]]}"), ""), (_score(row, metric), "cx-n"),
                            (span, "cx-n"), (base(row), "cx-n"), (_expected(row, metric), "cx-n")]  # fmt: skip
        body.append([*told, *_tested(row, metric)])
    head = [" · ".join(map(heading, pair)), "Score", "Interval", "Base", "Predicted", "Difference", "Adjusted p",
            "Verdict", "Detectable"]  # fmt: skip
    family = next((row["family"] for row in found), 0)
    notes = [f"Predicted: by row and column of all other cells, without those that are found. Of these one of ten "
             f"may be false: corrected for {family:,} cells."]  # fmt: skip
    method = next((row["method"] for row in found), "")
    folded = [f"Method: {method}; limits of what is found are wider, because it was picked."]
    return table(head, body, title, notes, folded=folded, grey=[row["verdict"] == "too few" for row in found])


def _score(row: Row, metric: Metric) -> Html | str:
    return wording.absent(row) if row["value"] is None else wording.score(row, metric)


def _expected(row: Row, metric: Metric) -> str:
    return "" if row["expected"] is None else wording.quantity(row["expected"], metric.unit, wording.places_of(row))


def _tested(row: Row, metric: Metric) -> list[Cell]:
    """Difference with limits, adjusted p, verdict and what could be missed."""
    move = as_apart(row)
    if row["difference"] is None:
        return [("", "cx-n"), ("", "cx-n"), (str(row["note"] or f"too few {metric.counted} to say"), ""), ("", "cx-n")]
    apart = join([verdicts.short(move, metric), tag("small", verdicts.span(move, metric))], " ")
    said = {"differs": "differs", "no evidence": "no evidence of a difference", "too few": row["note"]}[row["verdict"]]
    mark = join([sign(verdicts.verdict(move, metric)), f" {said}"])
    return [(apart, "cx-n"), (wording.pnumber(row["pvalue_adj"]), "cx-n"), (mark, ""),
            (verdicts.could(move, metric), "cx-n")]  # fmt: skip


def _ways(found: Sequence[Row], pair: Sequence[str]) -> Html:
    down, across, cells = _grid(found, pair)
    title = f"{heading(pair[0])} → {words(pair[1])}: shares of each row"
    body: list[list[Cell]] = [[(name(at), ""), *((_way(cells[at, to]), "") for to in across)] for at in down]
    level, hidden = wording.level_words(found[0]["level"]), any(is_hidden(row["reason"]) for row in found)
    notes: list[object] = [
        f"In a cell: of those in the row the share that is in the column, its {level} interval, and how many. "
        "Described, not tested."
    ]
    same = [(at, cells[at, at]) for at in down if (at, at) in cells and cells[at, at]["share"] is not None]
    if len(same) > 1:
        said = [join([name(at), f" {_share(row)}"]) for at, row in sorted(same, key=lambda one: -one[1]["share"])]
        notes.insert(0, join(["The same in both: ", join(said, ", "), "."]))
    notes += [f"{HIDDEN} hidden; shares are of what is shown of the row."] if hidden else []
    folded = ["Method: Wilson intervals, as if whoever is in a row twice had gone the same way."]
    made = table([heading(pair[0]), *across], body, title, notes, folded=folded, names=across, kind="cross cx-flows")
    return scrolled(made, title)


def _way(row: Row) -> Html | str:
    if row["share"] is None:
        return HIDDEN if is_hidden(row["reason"]) else wording.NONE
    span = wording.limits(row["share_low"], row["share_high"], "percent", _places(row))
    return join([tag("b", _share(row)), tag("small", f"{span}, n{wording.HARD}{wording.count(row['n'])}")], " ")


def _share(row: Row) -> str:
    return wording.quantity(row["share"], "percent", _places(row))


def _places(row: Row) -> int:
    return min(wording.decimals(row["share_low"], row["share_high"]), 1)


def _like_with_like(frame: pd.DataFrame, metrics: Mapping[str, Metric], within: str, by: str) -> Html:
    found = rows(frame)
    body = []
    for row in found:
        metric = metrics[row["metric"]]
        raw = {
            **row,
            "change": row["raw_difference"],
            "low": row["raw_difference_low"],
            "high": row["raw_difference_high"],
        }
        told: list[Cell] = [(join([f"{metric.label}, ", name(row[by])]), "")]
        unlike = join([verdicts.short(raw, metric), tag("small", verdicts.span({**raw, "verdict": ""}, metric))], " ")
        told += [(unlike if row["raw_difference"] is not None else "", "cx-n"), *_tested(row, metric)]
        bases = f"{wording.count(row['n'])} / {wording.count(row['n_rest'])}"
        body.append([*told, (bases, "cx-n"), (f"{row['within_levels']:,}", "cx-n")])
    claims = [_said(row, metrics[row["metric"]], within, by) for row in found]
    caption = f"{heading(by)} against all others, like with like for {words(within)}"
    head = [heading(by), "As it is", "Like with like", "Adjusted p", "Verdict", "Detectable", "Bases level / others",
            heading(plural(within))]  # fmt: skip
    notes = [f"Like with like: compared inside each {words(within)}, as if all had the same mix of them. Associated, "
             "not caused: customers may differ in more than that."]  # fmt: skip
    folded = [f"Method: {found[0]['method']}; corrected for {found[0]['family']:,} comparisons."]
    made = table(head, body, caption, notes, folded=folded, grey=[row["verdict"] == "too few" for row in found])
    return join([tag("p", tag("strong", join(claims, " "))), scrolled(made, caption)])


def _said(row: Row, metric: Metric, within: str, by: str) -> Html:
    """One sentence on a level: as it is, and like with like."""
    move = as_apart(row)
    level = join([f"{metric.label}, {words(by)} ", name(row[by]), ": "])
    if row["verdict"] == "differs":
        bases = f"n{wording.HARD}{wording.count(row['n'])} and {wording.count(row['n_rest'])}"
        return join([level, f"{verdicts.short(move, metric)} against all others inside the same {words(within)} "
                     f"({verdicts.span(move, metric)}; {bases})."])  # fmt: skip
    if row["verdict"] == "no evidence":
        least = verdicts.about(row["detectable"])
        return join([level, f"no evidence of a difference inside the same {words(within)}; one under about {least} "
                     f"{verdicts.unit_words(metric)} could be missed."])  # fmt: skip
    return join([level, f"too few {metric.counted} to say."])
