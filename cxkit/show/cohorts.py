"""The triangle of cohorts: who began when, and how many of them are still there, or had ended, after how long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from cxkit.metrics import METRICS
from cxkit.schema import is_hidden
from cxkit.show import drawings, wording
from cxkit.show.crosstabs import scrolled
from cxkit.show.drawings import HIDDEN, layout
from cxkit.show.figures import figure, nothing
from cxkit.show.html import Html, absent, join, name, slug, tag
from cxkit.show.rows import Row
from cxkit.show.rows import rows as all_rows
from cxkit.show.tables import Cell, table

DRAWN = 12  # cohorts; the table has all
SAID = {True: ("left more often", "left less often"), False: ("ended sooner", "took longer")}  # by what is told


def cohorts(frame: pd.DataFrame) -> Html:
    """A line for each cohort with its share after some times; what is not known yet is left out.

    Args:
        frame: Of one place (`cx.cohorts`).
    """
    if frame.empty:
        return absent()
    found = all_rows(frame)
    known = [row for row in found if row.get("value") is not None]
    first, stays = found[0], bool(found[0]["stays"])
    told = "is still there" if stays else "had ended"
    key, title = slug("cohorts", first["metric"]), f"{first['label']}: share that {told} after a time, by its start"
    if first.get("period") is None:  # none of the place may be told
        return tag("p", f"{title}: not shown ({first['note']}).", id=key)
    lines = {period: [row for row in found if row["period"] == period] for period in dict.fromkeys(frame["period"])}
    shown = _table(lines, sorted({row["after"] for row in known}), stays, title)
    if not known:
        return nothing(key, title, shown, found)
    metric = replace(METRICS["churn"], name=first["metric"], label=first["label"], better=None)
    begun = [*lines][: [*lines].index(known[-1]["period"]) + 1]  # later ones are too young for any time
    picked = begun[-DRAWN:]
    drawn_of = [row for row in known if row["period"] in picked]
    times = sorted({row["after"] for row in drawn_of})
    grid = {period: [_drawn(lines[period], time) for time in times] for period in picked}
    across = [re.sub("months?", "mo.", wording.time_words(time).replace(wording.HARD, " ")) for time in times]
    drawn = drawings.heat(grid, across, metric, layout(list(grid)), drawn_of)
    latest = {row["period"]: row for row in drawn_of}  # the table holds the others
    text = "; ".join(f"{period}, {wording.time_words(row['after'])}: {_share(row)} ({_span(row)}, n "
                     f"{wording.count(row['n'])})" for period, row in latest.items())  # fmt: skip
    notes = [f"Cells: share that {told}, below how many were still there. {wording.NONE} not watched for so long yet. "
             f"{HIDDEN} hidden, or too few are left. Colours: equal steps from the lowest to the highest."]  # fmt: skip
    notes += [f"{len(begun) - DRAWN} earlier ones are in the table."] if len(begun) > DRAWN else []
    claim = [f"{first['label']}: ", *_claim(lines, stays)]
    return figure(key, claim, [_proof(known)], drawn.svg(key, title, text), notes, shown)


def _drawn(line: Sequence[Row], time: float) -> Row | None:
    """A cell as the drawing takes it: the base below it is who is left, and it is grey where the cohort is small."""
    row = next(row for row in line if row["after"] == time)
    told = {**row, "n_judged": row.get("n"), "n": row.get("still"), "low": None, "high": None}  # one decimal for all
    return None if row["reason"] == "immature" else told


def _claim(lines: dict[str, list[Row]], stays: bool) -> list[object]:
    """Which cohorts stand out, if any is shown to."""
    first = [line[0] for line in lines.values()]
    tested = first[0]["family"]
    said: list[object] = []
    for verdict, words in zip(("higher", "lower"), SAID[stays], strict=True):
        if picked := [row["period"] for row in first if row["verdict"] == verdict]:
            said += [*(["; "] if said else []), ", ".join(picked), f" {words} than all others together"]
    if said:
        return [*said, "."]
    return [f"no evidence that any of {tested:,} starts differs from the others."
            if tested > 1 else "too few ended to compare the starts."]  # fmt: skip


def _proof(known: Sequence[Row]) -> str:
    """The last cohort that half of the times are known of."""
    time = sorted({row["after"] for row in known})[len({row["after"] for row in known}) // 2]
    last = [row for row in known if row["after"] == time][-1]
    score = f"{_share(last)} ({_span(last)}; n{wording.HARD}{wording.count(last['n'])})"
    told = "are still there" if last["stays"] else "had ended"
    return f"Of {last['period']}, {score} {told} after {wording.time_words(time)}."


def _share(row: Row) -> str:
    return wording.quantity(row["value"], "percent", 1)


def _span(row: Row) -> str:
    return wording.limits(row["low"], row["high"], "percent", 1)


def _table(lines: dict[str, list[Row]], times: Sequence[float], stays: bool, title: str) -> Html:
    first = next(iter(lines.values()))[0]
    body: list[list[Cell]] = []
    for period, line in lines.items():
        row, after = line[0], {one["after"]: one for one in line}
        more, less = SAID[stays]
        verdict = {
            "higher": f"{wording.UP} {more}",
            "lower": f"{wording.DOWN} {less}",
            "no evidence": f"{wording.NONE} no evidence",
            "too few": "too few ended",
        }
        tested = [f"× {wording.number(row['ratio'], 2)}", wording.pnumber(row["pvalue_adj"])]
        said = row["note"] if is_hidden(row["reason"]) and row.get("n") is None else verdict[row["verdict"]]
        body.append([
            (name(period), ""), (wording.count(row.get("n")), "cx-n"),
            *((_cell(after[time]), "cx-n") for time in times),
            *((one if row.get("ratio") is not None else "", "cx-n") for one in tested), (said, ""),
        ])  # fmt: skip
    notes = [
        f"In a cell: the share, its {wording.level_words(first['level'])} interval, and how many were still there; "
        "blank where they were not watched for so long yet, or too few are left. Hazard: how many times as often one "
        f"{'left' if stays else 'ended'} who was still there, against all others together; log-rank test, corrected "
        f"for {wording.count(first['family'])} comparisons. Intervals: {first['method']}."
    ]
    heads = ["Began in", "Base", *map(wording.time_words, times), "Hazard", "Adjusted p", "Verdict"]
    made = table(heads, body, title, notes, names=lines)
    return scrolled(made, title)


def _cell(row: Row) -> Html | str:
    if row.get("value") is None:
        return ""
    return join([_share(row), tag("small", f"{_span(row)}; {wording.count(row['still'])}")], " ")
