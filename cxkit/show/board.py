"""The first screen of a page: one sentence that says what happened, and one table of all metrics.

The sentence is the lead metric's. What the table says in signs and one word each, the folds of the page say whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from cxkit.metrics import Metric
from cxkit.schema import is_hidden
from cxkit.show import svg, verdicts, wording
from cxkit.show.drawings import runs
from cxkit.show.findings import DIFFERENTLY, NO_EVIDENCE, alike, compared, in_words, listed, named, no_evidence
from cxkit.show.html import Html, join, slug, tag
from cxkit.show.labels import plural, words
from cxkit.show.rows import Row, fitted, metrics_of, rows, shares
from cxkit.show.tables import Cell, table
from cxkit.show.why import in_short

SPARK = (120, 26)  # user units
RECENT = 24  # periods that a small line holds
TARGETS = "Targets are tested by the interval of the score, corrected for {}: one of them alone may lie outside it."


# The sentence ---------------------------------------------------------------------------------------------------------


def headline(
    comparisons: pd.DataFrame,
    metrics: Mapping[str, Metric],
    *,
    answers: pd.DataFrame | None = None,
    targets: pd.DataFrame | None = None,
    watched: pd.DataFrame | None = None,
    why: pd.DataFrame | None = None,
) -> Html:
    """What happened, in one sentence, at most three points and a line of bases.

    Args:
        comparisons: All comparisons of the page: of the whole, and of its parts from `cx.alike`.
        metrics: What is measured, by name; the first leads.
        answers: How people answered the lead metric (`cx.distribution`), for whose shares of classes moved.
        targets: Of the page against its targets (`cx.against_target`).
        watched: Since when scores are higher or lower (`cx.watch`).
        why: What the change of the page is a matter of (`cx.why`), which is told of a change that is shown.
    """
    page = compared(comparisons, metrics)
    if isinstance(page, Html):
        return page
    whole = page.whole
    lead = metrics_of(whole, page.metrics)[0]
    row = next(row for row in whole if row["metric"] == lead.name)
    since = last_word(watched, str(row["now"]))
    said = _sentence(row, lead, since.get(lead.name), _target(targets, lead))
    points = [
        *_who(row, lead, answers, why),
        *_where(row, lead, page.tested(lead)),
        *_others([one for one in whole if one is not row], page.metrics, since),
    ]
    listed_points = tag("ul", *(tag("li", point) for point in points[:3]), class_="cx-points") if points else None
    return tag("div", said, listed_points, _bases(row, lead), class_="cx-headline")


def last_word(watched: pd.DataFrame | None, now: str) -> dict[str, Row]:
    """Of each metric what the watch says of the period, where it says anything."""
    found = [] if watched is None else rows(watched[watched["period"].astype(str) == now])
    return {str(row["metric"]): row for row in found if row.get("direction")}


def _sentence(row: Row, metric: Metric, since: Row | None, target: Row | None) -> Html:
    found = verdicts.verdict(row, metric)
    sign = tag("span", found.sign, class_=f"cx-sign cx-{found.tone}", aria_hidden="true")
    changed = row.get("verdict") == "changed"
    clauses = []
    if since and not (changed and since["since"] == row["now"]):  # else the change itself says it
        clauses = [f"{';' if changed else ', but'} seen over all periods it has been {since_words(since)} than before"]
    if target and target.get("verdict") in ("above", "below"):
        begin = ", and is" if changed and not clauses else ". It is"
        clauses.append(f"{begin} {target['verdict']} the target of {_aim(target)}")
    elif target and target.get("verdict") == "not told apart":
        clauses.append(f". It is too close to the target of {_aim(target)} to call")
    return tag("p", sign, " ", tag("b", moved_words(row, metric)), *clauses, ".", class_="cx-lead")


def moved_words(row: Row, metric: Metric) -> str:
    """What a comparison says, in the scores of now and before where it has both."""
    if wording.in_pairs(metric) or row.get("value") is None or row.get("value_before") is None:
        return verdicts.claim(row, metric)
    now, before = _both(row, metric)
    if row.get("verdict") == "changed":
        return f"{metric.label} {'rose' if row['change'] > 0 else 'fell'} from {before} to {now}"
    return f"{metric.label} is {now}, after {before} in {row['before']}: {verdicts.verdict(row, metric).words}"


def _both(row: Row, metric: Metric) -> tuple[str, str]:
    """The score of now and before, with the decimals that the interval of the change supports."""
    places = wording.decimals(row.get("low"), row.get("high"))
    mark = "%" if metric.unit == "percent" else ""
    now, before = (f"{wording.number(row[key], places)}{mark}" for key in ("value", "value_before"))
    return now, before


def since_words(row: Row) -> str:
    """What the watch says of a score."""
    return f"{row['direction']} since about {row['since']}"


def _target(targets: pd.DataFrame | None, metric: Metric) -> Row | None:
    return next((row for row in rows(targets) if row["metric"] == metric.name), None) if targets is not None else None


def _who(row: Row, metric: Metric, answers: pd.DataFrame | None, why: pd.DataFrame | None) -> list[object]:
    """Which shares of answers moved, where the score did, which are described and not tested; and why it did."""
    groups = [group for group, held in metric.classes.items() if len(metric.classes) > 2 or held]
    if row.get("verdict") != "changed":
        return []
    found = [] if answers is None or len(groups) < 2 else rows(answers)
    now, before = ([one for one in found if one["period"] == row[key]] for key in ("now", "before"))
    then, since = shares(before, groups), shares(now, groups)
    ends = [groups[0], groups[-1]] if len(groups) > 2 else groups[-1:]
    told = [f"{group} from {then[group]:.0f}% to {since[group]:.0f}%" for group in ends]
    said = [f"{' and '.join(told)} of answers."] if now and before else []
    said += [] if why is None else [in_short(why, metric)]
    return [" ".join(filter(None, said))] if any(said) else []


def _where(row: Row, metric: Metric, tested: Mapping[str, Sequence[Row]]) -> list[object]:
    """Whether parts changed differently: those that did, or that nobody can tell."""
    told: list[object] = []
    for key, held in tested.items():
        if alike(held) == DIFFERENTLY and (picked := named(held)):
            told.append(join([f"Different by {words(key)}: ", *listed(picked, metric, key), "."]))
    same = [key for key, held in tested.items() if alike(held) == NO_EVIDENCE]
    if same and row.get("verdict") == "changed":
        told.append(f"Everywhere alike: {no_evidence([plural(key) for key in same])}.")
    return told


def _others(found: Sequence[Row], metrics: Mapping[str, Metric], since: Mapping[str, Row]) -> list[object]:
    """The other metrics: those that changed each by itself, then those that the watch names, the others together."""
    about = [(row, metrics[row["metric"]]) for row in found]
    told: list[object] = [
        f"{moved_words(row, m)}{_since_of(row, since)}." for row, m in about if row["verdict"] == "changed"
    ]
    told += [f"{m.label}: no evidence against {row['before']}{_since_of(row, since)}." for row, m in about
             if row["verdict"] != "changed" and m.name in since]  # fmt: skip
    still = [m.label for row, m in about if row["verdict"] == "no evidence" and m.name not in since]
    return [*told, *([join(["No evidence of change in ", in_words(still), "."])] if still else [])]


def _since_of(row: Row, since: Mapping[str, Row]) -> str:
    held = since.get(str(row["metric"]))
    return f"; {since_words(held)}" if held and held["since"] != row["now"] else ""


def _bases(row: Row, metric: Metric) -> Html:
    """How many answers the sentence rests on, how large the change may be, and where more is said."""
    answers = f"{wording.count(row.get('n'))} answers ({wording.count(row.get('n_before'))} in {row.get('before')})."
    reach = ""
    if row.get("verdict") == "changed":
        reach = f" Likely size of the change: {verdicts.span(row, metric)} ({wording.level_words(row.get('level'))})."
    elif row.get("verdict") == "no evidence":
        reach = f" {wording.sentence(verdicts.detectable(row, metric))}"
    more = tag("a", "How sure is this?", href="#how-sure-is-this")
    return tag("p", answers, reach, " ", more, class_="cx-notes")


# The table ------------------------------------------------------------------------------------------------------------


def board(
    series: pd.DataFrame,
    comparisons: pd.DataFrame | None,
    metrics: Mapping[str, Metric],
    now: str,
    *,
    whole: pd.DataFrame | None = None,
    targets: pd.DataFrame | None = None,
    watched: pd.DataFrame | None = None,
) -> Html:
    """All metrics of a page, a line each: score with interval and base, small line, before, change, target, total.

    Args:
        series: Estimates of one place in every period.
        comparisons: Of the same place; None where nothing is compared.
        metrics: What is measured, by name; gives the order.
        now: The period shown.
        whole: Estimates of everybody, where the page is about a place.
        targets: Of the place against its targets.
        watched: Since when scores are higher or lower.
    """
    metrics, (series, comparisons, whole) = fitted(metrics, series, comparisons, whole)
    every = rows(series)
    shown = metrics_of(every, metrics)
    if not shown:
        return tag("p", "Nothing was measured here.", class_="cx-none")
    changes = {str(row["metric"]): row for row in rows(comparisons)} if comparisons is not None else {}
    all_of = {str(row["metric"]): row for row in rows(whole)} if whole is not None else {}
    aims = {str(row["metric"]): row for row in rows(targets)} if targets is not None else {}
    since = last_word(watched, now)
    periods = len({str(row["period"]) for row in every})
    body, grey = [], []
    for metric in shown:
        held = [row for row in every if row["metric"] == metric.name]
        row = next((one for one in held if str(one["period"]) == now), held[-1])
        aim, change = aims.get(metric.name), changes.get(metric.name)
        cells: list[Cell] = [
            (tag("span", metric.label, id=slug("score", metric.name)), ""),
            (score_cell(row, metric), "cx-n"),
        ]
        cells += [(spark(held, aim and aim.get("target")), "cx-sparkcell")] * (periods > 1)
        cells += [(before_cell(change, metric), "cx-n"),
                  (change_cell(change, metric, since.get(metric.name)), "cx-changed")] * bool(changes)  # fmt: skip
        cells += [(aim_cell(aim), "cx-aim")] if aims else []
        cells += [(wording.score(one, metric) if (one := all_of.get(metric.name)) else "", "cx-n cx-all")] * bool(
            all_of
        )
        body.append(cells)
        grey.append(row.get("value") is None or wording.is_small(row))
    before = next((str(row["before"]) for row in changes.values() if row.get("before")), "before")
    head = ["Metric", "Score"] + [f"{min(periods, RECENT)} periods"] * (periods > 1)
    head += [before, "Change"] * bool(changes) + ["Target"] * bool(aims) + ["All"] * bool(all_of)
    found = [row for row in every if str(row["period"]) == now]
    level = wording.level_words(next((row.get("level") for row in found), None))
    less = any(_worth_less(row) for row in found)
    caption = (
        f"{now}: score with {level} interval and answers (n{', in brackets what they count like' if less else ''})"
    )
    notes = _notes(shown, found, list(changes.values()), list(aims.values()))
    return table(head, body, caption, folded=notes, grey=grey, kind="board")


def _notes(
    shown: Sequence[Metric], found: Sequence[Row], compared: Sequence[Row], aims: Sequence[Row]
) -> list[str]:  # fmt: skip
    """How the numbers were made, said once below the table."""
    held = wording.families([*compared])
    lines = [f"Intervals: {wording.methods_words(row.get('method') for row in found)}."]
    tested = wording.methods_words(row.get("method") for row in compared)
    lines += [f"Method: {tested}.{f' Corrected for {held}; each interval is that of one comparison.' if held else ''}"
              ] * bool(tested)  # fmt: skip
    lines += [TARGETS.format(wording.families(aims))] * bool(aims)
    lines += ["Answers count like fewer after weights and after several of one customer or cluster."]
    bands = [wording.band(row, m) for row in found for m in shown if m.name == row["metric"]]
    return [*lines, *[f"Band of the score: {band}." for band in bands if band]]


def score_cell(row: Row, metric: Metric) -> Html:
    """A score with its interval and base, each on a line, or why there is none."""
    if row.get("value") is None:
        why = wording.why(row) if is_hidden(row.get("reason")) else ""
        return join([wording.absent(row), tag("small", why) if why else None], " ")
    unit = "" if metric.unit in ("points", "percent", "scale") else f" {wording.UNITS[metric.unit]}"
    number = tag("b", f"{wording.number(row['value'], wording.places_of(row))}{'%' * (metric.unit == 'percent')}{unit}")
    remarks = wording.precision(row, metric)
    return join([number, tag("small", wording.span(row, metric)), tag("small", _counted(row)),
                 tag("small", ", ".join(remarks)) if remarks else None], " ")  # fmt: skip


def _counted(row: Row) -> str:
    """The base of a score, in brackets what it counts like where that is another number."""
    like = f" ({wording.count(row.get('n_eff'))})" if _worth_less(row) else ""
    return f"n{wording.HARD}{wording.count(row.get('n'))}{like}"


def _worth_less(row: Row) -> bool:
    """Whether answers count like another number of them."""
    return row.get("n_eff") is not None and wording.count(row["n_eff"]) != wording.count(row.get("n"))


def before_cell(row: Row | None, metric: Metric) -> str:
    """The score that a change starts from."""
    if row is None or row.get("value_before") is None:
        return ""
    if wording.in_pairs(metric):
        return wording.quantity(row["value_before"], metric.unit, 0 if row["value_before"] >= 10 else 1)
    return _both(row, metric)[1]


def change_cell(row: Row | None, metric: Metric, since: Row | None) -> Html:
    """The verdict with its size, what could have been missed, and since when the watch says so."""
    if row is None:
        return Html("")
    found = verdicts.verdict(row, metric)
    said = "no evidence" if row.get("verdict") == "no evidence" else found.words
    head = tag(
        "span",
        tag("span", found.sign, class_="cx-sign", aria_hidden="true"),
        f" {said}",
        class_=f"cx-{found.tone}",
    )
    told = row.get("change") is not None and row.get("verdict") in ("changed", "no evidence")
    lines: list[str] = []
    if told:
        lines = [f"{verdicts.short(row, metric)} ({verdicts.span(row, metric)})"]
        lines += ["once corrected for several"] * verdicts.corrected_away(row)
        could = verdicts.could(row, metric)
        lines += [f"under {could} could be missed"] if could and could != "none" else []
    elif row.get("verdict") == "too few" and not is_hidden(row.get("reason")):
        lines = [str(row.get("note") or "")]
    lines += [since_words(since)] if since else []
    return join([head, *(tag("small", line) for line in lines if line)], " ")


def aim_cell(row: Row | None) -> Html:
    """A target, and where the score stands to it."""
    if row is None or row.get("target") is None:
        return Html("")
    return join([_aim(row), tag("small", str(row.get("verdict") or ""))], " ")


def _aim(row: Row) -> str:
    """A target as it was set: a whole number, or one with a decimal."""
    return wording.number(row["target"], 0 if row["target"] == round(row["target"]) else 1)


def spark(held: Sequence[Row], aim: object = None, ends: tuple[float, float] | None = None) -> Html:
    """A small line of the last periods, its last point marked, a target dashed; decoration beside the numbers.

    Args:
        held: Estimates by period.
        aim: The target.
        ends: Of the scale, where several lines have one; else those of this line.
    """
    recent = list(held)[-RECENT:]
    known = [(i, row) for i, row in enumerate(recent) if row.get("value") is not None]
    if not known:
        return Html("")
    level = [float(str(aim))] if aim is not None else []
    low, high = ends or _air([*(row["value"] for _, row in known), *level])
    width, height = SPARK

    def path(points: Sequence[tuple[int, float]]) -> str:
        across, up = (width - 8) / max(len(recent) - 1, 1), (height - 6) / (high - low)
        drawn = [(4 + across * i, 3 + up * (high - min(max(y, low), high))) for i, y in points]
        return svg.path(drawn if len(drawn) > 1 else drawn * 2)

    way = "".join(path([(i, row["value"]) for i, row in run]) for run in runs(known))
    last = path([(known[-1][0], known[-1][1]["value"])])
    aimed = [tag("path", d=path([(0, y), (len(recent) - 1, y)]), class_="cx-aimed") for y in level]
    parts = [*aimed, tag("path", d=way, class_="cx-way"), tag("path", d=last, class_="cx-end")]
    return tag("svg", *parts, viewBox=f"0 0 {width} {height}", class_="cx-spark", aria_hidden="true", focusable="false")


def _air(values: Sequence[float]) -> tuple[float, float]:
    """Ends of a scale that hold some values with a little room, and never none."""
    low, high = min(values), max(values)
    air = 0.04 * (high - low) or 1.0
    return low - air, high + air
