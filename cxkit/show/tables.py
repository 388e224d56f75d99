"""Frames as tables: real header cells, decimals by interval width, and the marks explained under each table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from cxkit.metrics import Metric, Unit
from cxkit.schema import ALL, is_hidden
from cxkit.show import verdicts, wording
from cxkit.show.html import Html, full_names, join, name, plain, tag
from cxkit.show.labels import all_others, heading, words
from cxkit.show.rows import (
    MINUTES,
    Row,
    answered,
    as_change,
    dimensions,
    fitted,
    fitted_one,
    fitting,
    level,
    metrics_of,
    rows,
    shares,
    varying,
)
from cxkit.show.wording import in_pairs, medians

Cell = tuple[object, str]  # content, class
MEANS = (131_000.0, 263_000.0, 526_000.0, 1_050_000.0)  # 3 to 24 months in minutes: what a mean is restricted to
ABSENT = 3  # rows without a number that a table may hold; more are named below it
PAIRS = (
    "Durations: of 100 pairs of a case of either side, in how many the first took longer; 50 is as often as not. "
    "The medians beside it are not tested."
)
SHARES = "Shares of {}, weighted where the data have weights; they are described: no interval, no test."


def table(
    head: Sequence[str],
    body: Sequence[Sequence[Cell]],
    caption: str,
    notes: Sequence[object] = (),
    *,
    folded: Sequence[object] = (),
    grey: Sequence[bool] = (),
    names: Iterable[object] = (),
    kind: str = "",
) -> Html:
    """A table with caption, header cells with scope, and notes below; the first cell of each row heads the row.

    Args:
        head: Column headings.
        body: Rows of (content, class); "cx-n" is the class of numbers.
        caption: What the table holds.
        notes: Sentences under the table.
        folded: Further ones, on how its numbers were made, of which a click shows more.
        grey: Which rows are shown grey, by position.
        names: Strings of the data in the cells, which cut the very long ones; these are given whole under the table.
        kind: "est" or "cmp" where the stylesheet knows the last columns of the table by heart: which hold numbers, and
            what their cells are called on a narrow screen. Nothing of this is then repeated in every row. "board"
            where a table stays one on a narrow screen, "cross" where it is moved sideways there.
    """
    known = kind.split(" ")[0] in ("est", "cmp", "cross")
    numbers = [(k or None) for _, k in body[0]] if body and not known else [None] * len(head)
    top = [tag("th", name(title), scope="col", class_=k) for title, k in zip(head, numbers, strict=True)]
    lines = []
    for i, cells in enumerate(body):
        row = [tag("th", cells[0][0], scope="row")]
        for (content, k), title in zip(cells[1:], head[1:], strict=True):
            told = {} if kind else {"data_label": plain(title)}
            row.append(tag("td", content, class_=None if known and k == "cx-n" else k or None, **told))
        lines.append(tag("tr", *row, class_="cx-grey" if i < len(grey) and grey[i] else None))
    made = tag("table", tag("caption", caption), tag("thead", tag("tr", *top)), tag("tbody", *lines))
    below = tag("div", *(tag("p", note) for note in notes), class_="cx-notes") if notes else None
    how = tag("summary", "How these numbers were made")
    more = tag("details", how, *(tag("p", note) for note in folded), class_="cx-notes") if folded else None
    return tag("div", made, below, more, full_names(names), class_=f"cx-table cx-{kind}" if kind else "cx-table")


def estimates_table(
    frame: pd.DataFrame, metrics: Mapping[str, Metric], *, caption: str = "", order: Sequence[str] = ()
) -> Html:
    """Estimates with interval, base and remarks, a line each; columns that do not differ are left out.

    Args:
        frame: Estimates.
        metrics: What is measured, by name.
        caption: Heading of the table; says what it holds where empty.
        order: The columns that name a line, where they are not metric, dimensions, period as far as these differ.
    """
    metrics, (frame,) = fitted(metrics, frame)
    found = [row for row in rows(frame) if row["metric"] in metrics]
    keys = list(order) or _keys(found, [*dimensions(frame), "period"])
    shown, absent = unshown(found, "value", lambda row: _called(row, keys, metrics))
    alike = wording.alike(found) if len(shown) > 1 else []
    body = [
        [*_key_cells(row, keys, metrics), *_scored(row, metric), ("; ".join(_remarks(row, metric, alike)), "")]
        for row in shown for metric in [metrics[row["metric"]]]
    ]  # fmt: skip
    grey = [not wording.is_sound(row) for row in shown]
    levels = " / ".join(sorted({wording.level_words(row.get("level")) for row in found}))
    head = [*_key_heads(keys), "Score", f"{levels} interval", "Base", "Remarks"]
    notes = [*estimate_notes(found, metrics), *map(wording.sentence, alike), *absent]
    return table(head, body, caption or "Scores with interval and base", notes, grey=grey, names=_names(found, keys),
                 kind="est")  # fmt: skip


def comparisons_table(
    frame: pd.DataFrame, metrics: Mapping[str, Metric], *, caption: str = "", judged: bool = True
) -> Html:
    """Comparisons with change, interval, corrected p-value, bases and verdict, a line each.

    Args:
        frame: Comparisons.
        metrics: What is measured, by name.
        caption: Heading of the table; says what it holds where empty.
        judged: Whether these are the comparisons that the verdicts rest on. Others have a p-value of their own, without
            correction, and no verdict.
    """
    metrics, (frame,) = fitted(metrics, frame)
    found = [row for row in rows(frame) if row["metric"] in metrics]
    if not found:
        return Html("")
    keys = _keys(found, [*dimensions(frame), "now", "before"])
    shown, absent = unshown(found, "change", lambda row: _called(row, keys, metrics))
    about = [(row, metrics[row["metric"]]) for row in shown]
    head = [*_key_heads(keys), "Change", "Interval"]
    if not judged:
        body = [[*_key_cells(row, keys, metrics), *_tested(row, metric, "pvalue")] for row, metric in about]
        notes = [f"Method: {wording.methods_words(row.get('method') for row in shown)}. p: of this comparison alone."]
        return table([*head, "p alone", "Bases now / before"], body, caption or "Changes with interval and test", notes)
    body = [[*_key_cells(row, keys, metrics), *_judged(row, metric)] for row, metric in about]
    pairs = any(in_pairs(metric) for metric in metrics_of(found, metrics))
    notes = [*comparison_notes(found, pairs), *absent]
    return table([*head, "Adjusted p", "Bases now / before", "Verdict", "Detectable"], body,
                 caption or "Changes with interval, test and verdict", notes, grey=[*map(_unsaid, shown)],
                 names=_names(found, keys), kind="cmp")  # fmt: skip


def _scored(row: Row, metric: Metric) -> list[Cell]:
    """Score, interval and base of an estimate."""
    score, span = "hidden" if is_hidden(row.get("reason")) else "none", ""
    if row.get("value") is not None:
        score, span = wording.quantity(row["value"], metric.unit, wording.places_of(row)), wording.span(row, metric)
    return [(score, "cx-n"), (span, "cx-n"), (base(row), "cx-n")]


def _remarks(row: Row, metric: Metric, alike: Sequence[str]) -> list[str]:
    """What there is to know about an estimate, without the notes that all have."""
    found = [wording.band(row, metric), *(wording.precision(row, metric) if row.get("value") is not None else [])]
    return [*filter(None, found), *(note for note in wording.notes(row) if note not in alike)]


def _tested(row: Row, metric: Metric, p: str = "pvalue_adj") -> list[Cell]:
    """Size, interval, p-value and bases of a comparison."""
    return [(moved(row, metric), "cx-n"), (verdicts.span(row, metric), "cx-n"), (wording.pnumber(row.get(p)), "cx-n"),
            (bases(row), "cx-n")]  # fmt: skip


def _judged(row: Row, metric: Metric) -> list[Cell]:
    return [*_tested(row, metric), verdict_cell(row, metric), (verdicts.could(row, metric), "cx-n")]


def _unsaid(row: Row) -> bool:
    return row.get("verdict") == "too few" or row.get("change") is None


def distribution_table(frame: pd.DataFrame, metric: Metric, *, caption: str = "") -> Html:
    """How many answers each answer code got, with its share."""
    metric, (frame,) = fitted_one(metric, frame)
    found = [row for row in rows(frame) if row["metric"] == metric.name]
    keys = varying(found, [*dimensions(frame), "period"])
    body = [
        [(wording.answer(row["answer"]), ""), (name(row["group"]), ""), *((name(level(row, key)), "") for key in keys),
         (wording.count(row["n"]), "cx-n"), (wording.quantity(row["share"], "percent", 1), "cx-n")]
        for row in found
    ]  # fmt: skip
    head = ["Answer", "Class", *map(heading, keys), metric.counted.capitalize(), "Share"]
    return table(head, body, caption or f"{metric.label}: answers", [SHARES.format(metric.counted)])


def classes_table(
    bars: Mapping[str, Sequence[Row]], groups: Sequence[str], by: str, metric: Metric, *, caption: str = ""
) -> Html:
    """The share of each class of answers, a line per period or level.

    Args:
        bars: Rows of the distribution of each line.
        groups: The classes, in order.
        by: What the lines are.
        metric: Of which the classes are.
        caption: Heading of the table.
    """
    body = []
    for label, found in bars.items():
        n = answered(found)
        cells = [wording.quantity(share, "percent", 1) if n else "" for share in shares(found, groups).values()]
        body.append([(name(label), ""), *((cell, "cx-n") for cell in cells), (wording.count(n), "cx-n")])
    notes = [f"{SHARES.format(metric.counted)} Base: {metric.counted} used (n)."]
    return table([heading(by), *groups, "Base"], body, caption, notes, names=bars)


def curve_table(curves: pd.DataFrame, metric: Metric, by: str, *, caption: str = "") -> Html:
    """The share of cases that had ended after some times, a line per period or level.

    Args:
        curves: Rows of `cx.curve`.
        metric: The duration.
        by: The column that makes the lines.
        caption: Heading of the table.
    """
    lines: dict[str, dict[float, Row]] = {}
    for row in rows(curves[curves["metric"] == metric.name]):
        lines.setdefault(level(row, by), {})[row["after"]] = row
    some = {row["after"] for line in lines.values() for row in line.values() if row["value"] >= 1}
    times = sorted(time for time in {time for line in lines.values() for time in line} if time >= min(some, default=0))
    common = [time for time in MEANS if lines and all(time in line for line in lines.values())][-1:]
    room = 9 - len(common)  # more columns have none
    times = times[-1 :: -(len(times) // room + 1)][::-1]
    unit = fitting([line[time]["restricted"] for line in lines.values() for time in common])
    body: list[list[Cell]] = [
        [(name(label), ""), *((_ended(line.get(time)), "cx-n") for time in times),
         *((_lasted(line[time], unit), "cx-n") for time in common),
         (wording.count(next(iter(line.values()))["n"]), "cx-n")]
        for label, line in lines.items()
    ]  # fmt: skip
    methods = wording.methods_words(dict.fromkeys(curves["method"]))
    notes = [f"Intervals: {methods}. Base: cases. A cell is blank where too few were watched longer."]
    notes += [
        f"Mean of {wording.time_words(time)}: how long cases lasted on average of the first "
        f"{wording.time_words(time)} (restricted mean; Wilson's limits on its variance)."
        for time in common
    ]
    heads = [heading(by), *map(wording.time_words, times),
             *(f"Mean of {wording.time_words(time)}" for time in common), "Base"]  # fmt: skip
    return table(
        heads, body, caption or f"{metric.label} by {words(by)}: share that had ended after a time", notes, names=lines
    )


def _ended(row: Row | None) -> Html | str:
    return join([wording.percent(row["value"]), tag("small", wording.share_span(row))], " ") if row else ""


def _lasted(row: Row, unit: Unit) -> Html:
    """A restricted mean with its limits."""
    value, low, high = (row[f"restricted{side}"] / MINUTES[unit] for side in ("", "_low", "_high"))
    places = wording.decimals(low, high)
    return join([wording.quantity(value, unit, places), tag("small", wording.limits(low, high, unit, places))], " ")


def base(row: Row) -> Html | str:
    """The base, with the effective base below it where that differs."""
    n, effective = row.get("n"), row.get("n_eff")
    if n is None or effective is None or wording.count(effective) == wording.count(n):
        return wording.count(n)
    return join([wording.count(n), tag("small", f"effective {wording.count(effective)}")], " ")


def bases(row: Row) -> Html:
    """Both bases of a comparison, now / before, with the effective bases below them where they differ."""
    pair = [(row.get("n" + side), row.get("n_eff" + side)) for side in ("", "_before")]
    whole = " / ".join(wording.count(n) for n, _ in pair)
    effective = " / ".join(wording.count(n if worth is None else worth) for n, worth in pair)
    below = tag("small", f"effective {effective}") if effective != whole else None
    return join([whole, below], " ")


def moved(row: Row, metric: Metric) -> Html:
    """A change; of durations with the quantiles of both sides below it."""
    beside = medians(row, metric)
    return join([verdicts.short(row, metric), tag("small", beside) if beside else None], " ")


def sign(found: verdicts.Verdict) -> Html | str:
    """The sign of a verdict, coloured where it tells a direction."""
    if found.tone in ("none", "few"):
        return found.sign
    return tag("span", found.sign, class_="cx-sign", aria_hidden="true")


def verdict_cell(row: Row, metric: Metric) -> Cell:
    """The verdict as sign and words, and why there is none."""
    found = verdicts.verdict(row, metric)
    note = tag("small", row["note"]) if row.get("note") else None
    return join([sign(found), found.words, note], " "), f"cx-{found.tone}"


def estimate_notes(found: Sequence[Row], metrics: Mapping[str, Metric]) -> list[str]:
    """What is said under a table or figure of estimates: method, and what grey or missing rows mean."""
    notes = []
    methods = wording.methods_words(row.get("method") for row in found)
    if methods:
        notes.append(f"Intervals: {methods}. Base: {next(iter(metrics.values())).counted} used (n).")
    if any(row.get("value") is not None and wording.is_small(row) for row in found):
        notes.append(
            f"Grey: effective base below {wording.rule(found, 'judge_from')}, which says nothing about a change."
        )
    if any(wording.band(row, metric) for metric in metrics_of(found, metrics) for row in found):
        notes.append("Two band names: the interval crosses a cut.")
    return notes


def comparison_notes(found: Sequence[Row], pairs: bool = False) -> list[str]:
    """What is said under a table of comparisons: marks, test, family and correction; of `pairs` where there are any."""
    tested = f"adjusted p below {wording.below(found)}"
    notes = [
        f"{wording.UP} {wording.DOWN} changed ({tested}); {wording.NONE} no evidence of change; "
        f"{wording.FEW} nothing to say (effective base below {wording.rule(found, 'judge_from')} in either period, or "
        "as noted)."
    ]
    methods = wording.methods_words(row.get("method") for row in found)
    if methods:
        notes.append(f"Method: {methods}.")
    if pairs:
        notes.append(PAIRS)
    if any(row.get("verdict") == "no evidence" for row in found):
        notes.append("Detectable: the smallest change that the bases could have shown (at 80% power).")
    return [*notes, *_corrected(found)]


def _corrected(found: Sequence[Row]) -> list[str]:
    held = wording.families(found)
    return [f"Corrected for {held}. Each interval is a single comparison's."] if held else []


def unshown(
    found: Sequence[Row], number: str, called: Callable[[Row], str], most: int = ABSENT
) -> tuple[list[Row], list[Html]]:
    """The rows that a table shows, and notes on many others, which have no number and would only fill it.

    Args:
        found: All rows.
        number: The column without which a row has nothing to show.
        called: What a row is called.
        most: Rows without a number that the table may hold.
    """
    absent = [row for row in found if row.get(number) is None]
    if len(absent) <= most:
        return list(found), []
    reasons: dict[str, list[str]] = {}
    for row in absent:
        reasons.setdefault(str(row.get("note") or "nothing to say"), []).append(called(row))
    notes = [
        join([f"Not in the table, {why}: {len(names):,} (", join(map(name, names), ", "), ")."])
        for why, names in reasons.items()
    ]
    return [row for row in found if row.get(number) is not None], notes


def _called(row: Row, keys: Sequence[str], metrics: Mapping[str, Metric]) -> str:
    return " · ".join(metrics[row["metric"]].label if key == "metric" else level(row, key) for key in keys)


def _keys(found: Sequence[Row], names: Sequence[str]) -> list[str]:
    return varying(found, ["metric", *names]) or ["metric"]


def _key_heads(keys: Sequence[str]) -> list[str]:
    words = {"now": "Period", "before": "Compared with"}
    return [words.get(key, heading(key)) for key in keys]


def _key_cells(row: Row, keys: Sequence[str], metrics: Mapping[str, Metric]) -> list[Cell]:
    texts = [metrics[row["metric"]].label if key == "metric" else level(row, key) for key in keys]
    return [(name(text), "") for text in texts]


def _names(found: Sequence[Row], keys: Sequence[str]) -> list[object]:
    return [row[key] for row in found for key in keys if row.get(key) is not None]


VS = ("Difference", "Interval", "Adjusted p", "Bases level / rest", "Verdict", "Detectable")


def against_rest(frame: pd.DataFrame, metric: Metric, dimension: str) -> Html:
    """Each level of a dimension against all its others together, a line each.

    Args:
        frame: What `cx.against_rest` returned, of one place.
        metric: What is measured.
        dimension: Whose levels are compared.
    """
    metric, (frame,) = fitted_one(metric, frame)
    found = [as_change(row) for row in rows(frame) if row["metric"] == metric.name]
    if len(found) < 2:
        return tag("p", f"There is nothing to compare a {words(dimension)} with.", class_="cx-none")
    shown, absent = unshown(found, "change", lambda row: str(row[dimension]))
    body = [[(name(row[dimension]), ""), *_judged(row, metric)] for row in shown]
    head = [heading(dimension), *VS]
    methods = wording.methods_words(row.get("method") for row in found)
    notes = [*([f"The rest is all other levels together. Method: {methods}."] if methods else []),
             *_corrected(found), *([PAIRS] if in_pairs(metric) else []),
             "A difference between groups in one period; people who are in both are accounted for."]  # fmt: skip
    caption = f"{metric.label}: each {words(dimension)} against the rest"
    return table(head, body, caption, [*notes, *absent], grey=[row["verdict"] == "too few" for row in shown],
                 names=_names(found, [dimension]), kind="cmp cx-vs")  # fmt: skip


def peers(frame: pd.DataFrame, metrics: Mapping[str, Metric]) -> Html:
    """A place against all others together, a line for each metric and period; and its scores shrunken to their mean.

    Args:
        frame: What `cx.peers` returned, of one place.
        metrics: What is measured, by name.
    """
    metrics, (frame,) = fitted(metrics, frame)
    found = [as_change(row) for row in rows(frame) if row["metric"] in metrics]
    if not found:
        return Html("")
    keys, than = _keys(found, ["period"]), all_others(dimensions(frame))
    shown, absent = unshown(found, "change", lambda row: _called(row, keys, metrics))
    shrunken = any(row.get("shrunk") is not None for row in shown)
    about = [(row, metrics[row["metric"]]) for row in shown]
    body = [[*_key_cells(row, keys, metrics), *[(_pulled(row, m), "cx-n")] * shrunken, *_judged(row, m)]
            for row, m in about]  # fmt: skip
    head = [*_key_heads(keys), *["Shrunken"] * shrunken, *VS]
    pairs = any(in_pairs(metric) for metric in metrics_of(found, metrics))
    methods = wording.methods_words(row.get("method") for row in found)
    notes = [
        f"The rest: {than} together; where the total leaves places out, those that are shown. Method: {methods}.",
        *_corrected(found),
        *[PAIRS] * pairs,
    ]
    sure = wording.level_words(found[0].get("level"))
    notes += [
        "Shrunken towards the mean of all: the score pulled there by how little is known of it (empirical Bayes); such "
        f"intervals hold the true scores of {sure} of the places."
    ] * shrunken
    return table(head, body, f"Against {than}", [*notes, *absent], grey=[*map(_unsaid, shown)], kind="cmp cx-vs")


def _pulled(row: Row, metric: Metric) -> Html | str:
    """A shrunken score with its interval."""
    if row.get("shrunk") is None:
        return ""
    ends = row["shrunk_low"], row["shrunk_high"]
    places = wording.decimals(*ends)
    said = wording.quantity(row["shrunk"], metric.unit, places)
    return join([said, tag("small", wording.limits(*ends, metric.unit, places))], " ")


def hazards(frame: pd.DataFrame, metric: Metric, dimension: str) -> Html:
    """How many times as often those of each level left as the others, a line each.

    Args:
        frame: What `cx.hazards` returned, of one place.
        metric: What is measured.
        dimension: Whose levels are compared.
    """
    found = rows(frame)
    if len(found) < 2:
        return tag("p", f"There is nothing to compare a {words(dimension)} with.", class_="cx-none")
    body: list[list[Cell]] = []
    for row in found:
        said = {"higher": f"{wording.UP} more often", "lower": f"{wording.DOWN} less often",
                "no evidence": f"{wording.NONE} no evidence of a difference",
                "too few": row["note"]}[row["verdict"]]  # fmt: skip
        numbers = [_with_limits(row, "rate"), _with_limits(row)]
        lost = f"{wording.count(row['lost'])} / {wording.count(row['expected'])}"
        told = [wording.pnumber(row["pvalue_adj"]), _with_limits(row, "attributable"), lost, wording.count(row["n"])]
        numbers += told if row["value"] is not None else [""] * len(told)
        body.append([(name(row[dimension]), ""), *((cell, "cx-n") for cell in numbers), (said, "")])
    head = [heading(dimension), "Left in a month", "Hazard", "Adjusted p", "Attributable", "Left / expected", "Base",
            "Verdict"]  # fmt: skip
    monthly = ", month after month" * (metric.statistic == "share")
    notes = [
        "Hazard: how many times as often somebody left who was still there, against all others together. Attributable: "
        "the share of all who left that would not have, if these had left as often as the others. Associated, not "
        "caused: the groups may differ in more than this."
    ]
    hidden = any(is_hidden(row["reason"]) for row in found)
    notes += ["Hidden levels are not among the others, and no share of all who left is told."] if hidden else []
    folded = [
        "Left in a month: of 100 who were there, for each month that they were. Attributable below 0: how many more "
        f"would have left. Expected: as many as if all left alike. Base: who was there{monthly}. Small: "
        f"{wording.level_words(found[0]['level'])} intervals. Method: {found[0]['method']}, corrected for "
        f"{wording.count(found[0]['family'])} comparisons; Garwood's limits; Wilson's limits of the others' share."
    ]
    caption = f"{metric.label} by {words(dimension)}: who left more often than the others"
    return table(head, body, caption, notes, folded=folded, grey=[row["verdict"] == "too few" for row in found],
                 names=_names(found, [dimension]))  # fmt: skip


def _with_limits(row: Row, part: str = "") -> Html | str:
    """A percentage of a row, or its ratio, with the interval in one cell."""
    names = (part, f"{part}_low", f"{part}_high") if part else ("value", "low", "high")
    value, low, high = map(row.get, names)
    if value is None:
        return "none"
    places = wording.decimals(low, high) if part else 2
    told = f"{wording.number(value, places)}%" if part else f"× {wording.number(value, places)}"
    return join([told, tag("small", wording.limits(low, high, "scale", places))], " ")


def nonresponse(frame: pd.DataFrame, metrics: Mapping[str, Metric]) -> Html:
    """What each score would be if who did not answer had answered as others of the same class did, in words and lines.

    Args:
        frame: What `cx.nonresponse` returned, of one place.
        metrics: By name.
    """
    told, body, found = list[Html](), list[list[Cell]](), rows(frame)
    *some, last = (words(one) for one in found[0]["within"].split(ALL))
    explained = f"{', '.join(some)} and {last}" if some else last
    counted = metrics[found[0]["metric"]].counted
    counted = "cases" if counted == "answers" else counted  # some of which have none
    for row in found:
        metric = metrics[row["metric"]]
        if row.get("value") is None:
            body.append([(metric.label, ""), (row["note"], ""), *[("", "cx-n")] * 4])
            continue
        places = wording.decimals(row["low"], row["high"])
        before, after = (wording.quantity(row[one], metric.unit, places) for one in ("unweighted", "value"))
        span = wording.limits(row["low"], row["high"], metric.unit, places)
        moved = wording.change_decimals(row["difference_low"], row["difference_high"])
        by = wording.quantity(row["difference"], metric.unit, moved, signed=True)
        far = wording.limits(row["difference_low"], row["difference_high"], metric.unit, moved, signed=True)
        rate = f"{100 * row['n'] / row['cases']:.0f}%"
        base = f"n{wording.HARD}{wording.count(row['n'])}"
        told.append(
            tag("p", f"If {counted} without an answer had been rated like those with one of the same {explained}, "
                     f"{metric.label} would be {after} ({span}) instead of {before}: {by} ({far}); {base}.")
        )  # fmt: skip
        by = wording.number(row["difference"], moved, signed=True) + " pp" * (metric.unit == "percent")
        numbers = [wording.count(row["cases"]), join([before, tag("small", f"{base} ({rate})")], " "),
                   join([after, tag("small", span)], " "), join([by, tag("small", far)], " ")]  # fmt: skip
        weights = f"up to {row['largest']:.1f}" + f"; {row['trimmed']:.0f}% trimmed" * (row["trimmed"] > 0)
        body.append([(metric.label, ""), *((cell, "cx-n") for cell in numbers), (weights, "")])
    head = ["Metric", counted.capitalize(), "As answered", "Weighted", "Differs by", "Weights"]
    notes = [f"Weighting corrects only what {explained} explain{'s' * (not some)}, nothing else in which the silent "
             "differ."]  # fmt: skip
    known = [row for row in found if row.get("value") is not None]
    folded = [f"An answer counts for as many {counted} as there are of its class ({explained}) for each answer in it. "
              f"{row['classes']} classes; {row['pooled']} small ones are taken together. Described, not tested. Small: "
              f"{wording.level_words(row['level'])} intervals. Method: {row['method']}."
              for row in known[:1]]  # fmt: skip
    return join([*told, table(head, body, "Scores weighted for who did not answer", notes, folded=folded)])


LIMITS = {"above": (wording.UP, "above"), "below": (wording.DOWN, "below"), "within": (wording.NONE, "no")}


def league(frame: pd.DataFrame, metric: Metric, dimension: str) -> Html:
    """A line per unit: its places, score, interval, base, shrunken score, and where it lies to the limits of its size.

    Args:
        frame: What `cx.league` returned.
        metric: What is ranked.
        dimension: Whose levels are ranked.
    """
    units = words(dimension)
    found = rows(frame)
    first: Row = found[0] if found else {"unranked": f"no {units} has answers"}
    if first["unranked"]:
        p = first.get("pvalue")
        tested = "" if p is None else f" (test that all are alike: {wording.pvalue(p)})"
        why = f"No league table by {units}: {first['unranked']}{tested}. So no order is given."
        return tag("p", why, class_="cx-none")
    ranked = [row for row in found if row["first"] is not None]
    levels = " / ".join(sorted({wording.level_words(row["level"]) for row in ranked}))
    head = [heading(dimension), "Place", "Score", f"{levels} interval", "Base", "Shrunken score", "Stands out"]
    body = [_line(row, metric, dimension) for row in ranked]
    caption = f"{metric.label} by {units}: the places at which each may stand"
    notes = _league_notes(ranked, len(found) - len(ranked), metric)
    return table(head, body, caption, notes, names=_names(ranked, [dimension]))


def _line(row: Row, metric: Metric, dimension: str) -> list[Cell]:
    first, last = int(row["first"]), int(row["last"])
    shrunk = wording.number(row["shrunk"], wording.decimals(row["low"], row["high"]))
    place, out = f"{first}" if first == last else f"{first} to {last}", " ".join(LIMITS[row["limits"]])
    return [(name(row[dimension]), ""), (place, ""), *_scored(row, metric), (shrunk, "cx-n"), (out, "")]


def _league_notes(ranked: Sequence[Row], left_out: int, metric: Metric) -> list[str]:
    spread = wording.quantity(ranked[0]["between"], metric.unit, 2 if metric.unit == "scale" else 1)
    notes = [
        f"Intervals: {wording.methods_words(row['method'] for row in ranked)}. Base: {metric.counted} used (n).",
        f"They differ by more than chance ({wording.pvalue(ranked[0]['pvalue'])}, Welch's test); standard deviation "
        f"between them, without the part of chance: {spread.replace('%', ' percentage points')}.",
        "Place: no other one surely takes it (all pairs tested, Holm correction), so that all places hold together.",
        "Shrunken score: pulled to the mean of all by how little is known of it (empirical Bayes); it gives the order. "
        "Stands out: farther from the mean than others of its base, given how much all of them differ (funnel limits "
        "of 3.09 standard errors, widened where many lie far off).",
    ]
    return [*notes, f"Left out, with a small effective base or hidden: {left_out}."] if left_out else notes


FIRST = 10


def counts(
    frame: pd.DataFrame, by: Sequence[str], levels: Sequence[Sequence[str]], periods: Sequence[str], weighted: bool
) -> Html:
    """The first counts of a tally, a line each, and what else it holds.

    Args:
        frame: The counts: item, period, <dimensions>, answer, n, w.
        by: The dimensions.
        levels: The declared levels.
        periods: All periods, in order.
        weighted: Whether the answers carry weights.
    """
    body = [
        [(name(row["item"]), ""), (name(row["period"]), ""),
         *((name("all" if row[key] is None else row[key]), "") for key in by), (wording.answer(row["answer"]), "cx-n"),
         (wording.count(row["n"]), "cx-n"), *([(wording.number(row["w"], 1), "cx-n")] if weighted else [])]
        for row in rows(frame.head(FIRST))
    ]  # fmt: skip
    head = ["Item", "Period", *map(heading, by), "Answer", "Answers", *(["Weight"] if weighted else [])]
    cut = ", ".join(" by ".join(level) or "all" for level in levels)
    ends = f"{periods[0]} to {periods[-1]}" if periods else "no period"
    caption = f"The first {len(body)} of {len(frame):,} counts: {ends}; levels: {cut}"
    return table(head, body, caption, names=[row for key in by for row in frame[key].head(FIRST).dropna()])
