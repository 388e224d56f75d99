"""Frames as tables: real header cells, decimals by interval width, and the marks explained under each table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from cxkit.metrics import Metric
from cxkit.show import verdicts, wording
from cxkit.show.durations import fitted, fitted_one, medians
from cxkit.show.families import families
from cxkit.show.html import Html, clean, full_names, join, name, plain, tag
from cxkit.show.rows import Row, dimensions, metrics_of, rows, shares, varying

Cell = tuple[object, str]  # content, class
ABSENT = 3  # rows without a number that a table may hold; more are named below it
PAIRS = (
    "Durations: of 100 pairs of a case of either side, in how many the first took longer; 50 is as often as not. "
    "The medians beside it are not tested."
)
SHARES = "Shares of answers, weighted where the data have weights; they are described: no interval, no test."


def table(
    head: Sequence[str],
    body: Sequence[Sequence[Cell]],
    caption: str,
    notes: Sequence[object] = (),
    *,
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
        grey: Which rows are shown grey, by position.
        names: Strings of the data in the cells, which cut the very long ones; these are given whole under the table.
        kind: "est" or "cmp" where the stylesheet knows the last columns of the table by heart: which hold numbers, and
            what their cells are called on a narrow screen. Nothing of this is then repeated in every row.
    """
    numbers = [k if k == "cx-n" else None for _, k in body[0]] if body and not kind else [None] * len(head)
    top = [tag("th", name(title), scope="col", class_=k) for title, k in zip(head, numbers, strict=True)]
    lines = []
    for i, cells in enumerate(body):
        row = [tag("th", cells[0][0], scope="row")]
        for (content, k), title in zip(cells[1:], head[1:], strict=True):
            told = {} if kind else {"data_label": plain(title)}
            row.append(tag("td", content, class_=None if kind and k == "cx-n" else k or None, **told))
        lines.append(tag("tr", *row, class_="cx-grey" if i < len(grey) and grey[i] else None))
    made = tag("table", tag("caption", caption), tag("thead", tag("tr", *top)), tag("tbody", *lines))
    below = tag("div", *(tag("p", note) for note in notes), class_="cx-notes") if notes else None
    return tag("div", made, below, full_names(names), class_=f"cx-table cx-{kind}" if kind else "cx-table")


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
    body, grey = [], []
    for row in shown:
        metric = metrics[row["metric"]]
        places = wording.decimals(row.get("low"), row.get("high"))
        known = row.get("value") is not None
        span = wording.limits(row.get("low"), row.get("high"), metric.unit, places) if known else ""
        remarks = [wording.band(row, metric), *(wording.precision(row, metric) if known else [])]
        remarks += [note for note in str(row.get("note") or "").split("; ") if note not in alike]
        score = wording.quantity(row["value"], metric.unit, places) if known else _absent(row)
        body.append(
            [*_key_cells(row, keys, metrics), (score, "cx-n"), (span, "cx-n"), (base(row), "cx-n"),
             ("; ".join(filter(None, remarks)), "")]
        )  # fmt: skip
        grey.append(not known or wording.is_small(row))
    levels = " / ".join(sorted({wording.level_words(row.get("level")) for row in found}))
    head = [*_key_heads(keys), "Score", f"{levels} interval", "Base", "Remarks"]
    notes = [*estimate_notes(found, metrics), *map(wording.sentence, alike), *absent]
    return table(head, body, caption or "Scores with interval and base", notes, grey=grey, names=_names(found, keys),
                 kind="est")  # fmt: skip


def comparisons_table(
    frame: pd.DataFrame,
    metrics: Mapping[str, Metric],
    *,
    caption: str = "",
    among: pd.DataFrame | None = None,
    judged: bool = True,
) -> Html:
    """Comparisons with change, interval, corrected p-value, bases and verdict, a line each.

    Args:
        frame: Comparisons.
        metrics: What is measured, by name.
        caption: Heading of the table; says what it holds where empty.
        among: All comparisons of the same call, where the frame is a part of them: their family is named by it.
        judged: Whether these are the comparisons that the verdicts rest on. Others have a p-value of their own, without
            correction, and no verdict.
    """
    metrics, (frame,) = fitted(metrics, frame)
    found = [row for row in rows(frame) if row["metric"] in metrics]
    if not found:
        return Html("")
    keys = _keys(found, [*dimensions(frame), "now", "before"])
    shown, absent = unshown(found, "change", lambda row: _called(row, keys, metrics))
    if not judged:
        return _unjudged(shown, keys, metrics, caption)
    body, grey = [], []
    for row in shown:
        metric = metrics[row["metric"]]
        tested = wording.pnumber(row["pvalue_adj"]) if row.get("pvalue_adj") is not None else ""
        body.append(
            [*_key_cells(row, keys, metrics), (moved(row, metric), "cx-n"),
             (verdicts.span(row, metric), "cx-n"), (tested, "cx-n"), (bases(row), "cx-n"), verdict_cell(row, metric),
             (verdicts.could(row, metric), "cx-n")]
        )  # fmt: skip
        grey.append(row.get("verdict") == "too few" or row.get("change") is None)
    head = [*_key_heads(keys), "Change", "Interval", "Adjusted p", "Bases now / before", "Verdict", "Detectable"]
    title = caption or "Changes with interval, test and verdict"
    held = (
        families(found, dimensions(frame), metrics, rows(among))
        if among is not None
        else families(found, dimensions(frame), metrics)
    )
    notes = [*comparison_notes(found, held), *absent]
    return table(head, body, title, notes, grey=grey, names=_names(found, keys), kind="cmp")


def _unjudged(found: Sequence[Row], keys: Sequence[str], metrics: Mapping[str, Metric], caption: str) -> Html:
    """Comparisons beside the one that counts."""
    body = [
        [*_key_cells(row, keys, metrics), (moved(row, metric), "cx-n"), (verdicts.span(row, metric), "cx-n"),
         ("" if row.get("pvalue") is None else wording.pnumber(row["pvalue"]), "cx-n"), (bases(row), "cx-n")]
        for row in found for metric in [metrics[row["metric"]]]
    ]  # fmt: skip
    notes = [f"Method: {wording.methods_words(row.get('method') for row in found)}. p: of this comparison alone."]
    head = [*_key_heads(keys), "Change", "Interval", "p alone", "Bases now / before"]
    return table(head, body, caption or "Changes with interval and test", notes)


def distribution_table(frame: pd.DataFrame, metric: Metric, *, caption: str = "") -> Html:
    """How many answers each answer code got, with its share."""
    metric, (frame,) = fitted_one(metric, frame)
    found = [row for row in rows(frame) if row["metric"] == metric.name]
    keys = varying(found, [*dimensions(frame), "period"])
    body = [
        [(wording.answer(row["answer"]), ""), (name(row["group"]), ""), *((name(_level(row, key)), "") for key in keys),
         (wording.count(row["n"]), "cx-n"), (wording.quantity(row["share"], "percent", 1), "cx-n")]
        for row in found
    ]  # fmt: skip
    head = ["Answer", "Class", *map(heading, keys), "Answers", "Share"]
    return table(head, body, caption or f"{metric.label}: answers", [SHARES])


def classes_table(bars: Mapping[str, Sequence[Row]], groups: Sequence[str], by: str, *, caption: str = "") -> Html:
    """The share of each class of answers, a line per period or level.

    Args:
        bars: Rows of the distribution of each line.
        groups: The classes, in order.
        by: What the lines are.
        caption: Heading of the table.
    """
    body = []
    for label, found in bars.items():
        n = None if any(row.get("n") is None for row in found) else sum(row["n"] for row in found)
        cells = [wording.quantity(share, "percent", 1) if n else "" for share in shares(found, groups).values()]
        body.append([(name(label), ""), *((cell, "cx-n") for cell in cells), (wording.count(n), "cx-n")])
    notes = [f"{SHARES} Base: answers used (n)."]
    return table([heading(by), *groups, "Base"], body, caption, notes, names=bars)


def heading(column: str) -> str:
    """A column name as a heading.

    >>> heading("boarding_area")
    'Boarding area'
    """
    text = clean(column).replace("_", " ")
    return text[:1].upper() + text[1:]


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
        notes.append(f"Intervals: {methods}. Base: answers used (n).")
    if any(row.get("value") is not None and wording.is_small(row) for row in found):
        notes.append(
            f"Grey: effective base below {wording.rule(found, 'judge_from')}, which says nothing about a change."
        )
    if any(wording.band(row, metric) for metric in metrics_of(found, metrics) for row in found):
        notes.append("Two band names: the interval crosses a cut.")
    return notes


def comparison_notes(found: Sequence[Row], held: str) -> list[str]:
    """What is said under a table or figure of comparisons: marks, test, family (`held`, in words) and correction."""
    tested = f"adjusted p below {wording.below(found)}"
    notes = [
        f"{wording.UP} {wording.DOWN} changed ({tested}); {wording.NONE} no evidence of change; "
        f"{wording.FEW} nothing to say (effective base below {wording.rule(found, 'judge_from')} in either period, or "
        "as noted)."
    ]
    methods = wording.methods_words(row.get("method") for row in found)
    if methods:
        notes.append(f"Method: {methods}.")
    if any("rank effect" in str(row.get("method")) for row in found):
        notes.append(PAIRS)
    if any(row.get("verdict") == "no evidence" for row in found):
        notes.append("Detectable: the smallest change that the bases could have shown (at 80% power).")
    if held:
        notes.append(f"Corrected for {held}. Each interval is a single comparison's.")
    return notes


def unshown(found: Sequence[Row], number: str, called: Callable[[Row], str]) -> tuple[list[Row], list[Html]]:
    """The rows that a table shows, and notes on many others, which have no number and would only fill it.

    Args:
        found: All rows.
        number: The column without which a row has nothing to show.
        called: What a row is called.
    """
    absent = [row for row in found if row.get(number) is None]
    if len(absent) <= ABSENT:
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
    return " · ".join(metrics[row["metric"]].label if key == "metric" else _level(row, key) for key in keys)


def _keys(found: Sequence[Row], names: Sequence[str]) -> list[str]:
    return varying(found, ["metric", *names]) or ["metric"]


def _key_heads(keys: Sequence[str]) -> list[str]:
    words = {"now": "Period", "before": "Compared with"}
    return [words.get(key, heading(key)) for key in keys]


def _key_cells(row: Row, keys: Sequence[str], metrics: Mapping[str, Metric]) -> list[Cell]:
    texts = [metrics[row["metric"]].label if key == "metric" else _level(row, key) for key in keys]
    return [(name(text), "") for text in texts]


def _level(row: Row, key: str) -> str:
    return "All" if row.get(key) is None else str(row[key])


def _absent(row: Row) -> str:
    note = str(row.get("note") or "")
    return "hidden" if note.startswith("hidden") else "none"


def _names(found: Sequence[Row], keys: Sequence[str]) -> list[object]:
    return [row[key] for row in found for key in keys if row.get(key) is not None]
