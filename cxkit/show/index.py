"""The index of a run: what was reported, with scores and verdicts, what was not, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd

from cxkit.metrics import Metric
from cxkit.schema import ESTIMATES
from cxkit.show import verdicts, wording
from cxkit.show.board import (
    RECENT,
    TARGETS,
    aim_cell,
    before_cell,
    change_cell,
    moved_words,
    score_cell,
    since_words,
    spark,
)
from cxkit.show.html import Html, join, name, tag
from cxkit.show.labels import heading
from cxkit.show.rows import Row, fitted, metrics_of, rows
from cxkit.show.sections import WORDS, audit, compared_facts, filter_facts, head, provenance
from cxkit.show.tables import Cell, base, comparison_notes, estimates_table, table

Job = Mapping[str, Any]
WHOLE = {  # pages about the whole run, and what the index says of them
    "overview": ": all reports side by side, who moved, and how sure that is.",
    "audit": ": what was read and what was refused, who answered, and what to know before trusting a number.",
}


def shelf(summary: pd.DataFrame, manifest: Mapping[str, Any], metrics: Mapping[str, Metric]) -> tuple[Html, Html]:
    """Header and body of the index.

    Args:
        summary: Estimates and comparisons of all reports, with columns `report` and `part`.
        manifest: Of the run: jobs with status, file, where and why; data with hashes; refusals; times; `kept`, the
            names of earlier runs in the folder `runs`, where there are any.
        metrics: What is measured, by name.
    """
    metrics, (summary,) = fitted(metrics, summary)
    found = rows(summary)
    shown = metrics_of(found, metrics)
    jobs: Sequence[Job] = manifest["jobs"]
    done = [job for job in jobs if job["status"] == "done"]
    parts: list[Html | None] = []
    places = [job for job in done if job["kind"] == "report"]
    for keys in dict.fromkeys(tuple(job.get("where") or {}) for job in places):
        group = [job for job in places if tuple(job.get("where") or {}) == keys]
        parts += [_title(f"By {' and '.join(key.replace('_', ' ') for key in keys)}" if keys else "Reports")]
        parts += [_reports(group, done, found, shown, str(manifest.get("now") or ""), keys)]
    if not places:
        parts.append(tag("p", "No report was made.", class_="cx-none"))
    if len(shown) > 1 and done:
        parts += [_title("All metrics"), _all_metrics(summary, done, metrics, str(manifest.get("now") or ""))]
    parts += _watched(found, done, metrics)
    parts += _missing(jobs)
    parts += [_title("About all reports"), _whole(done)] if any(job["kind"] != "report" for job in done) else []
    parts.append(_earlier(manifest.get("kept") or [], manifest.get("withdrawn") or []))
    refused = pd.DataFrame(manifest.get("refused") or [], columns=["item", "reason", "n"])
    parts += [_title("Refused answers", "reference"), audit(refused)]
    parts += [_title("About this run", "reference"), _about(manifest)]
    return _head(manifest, jobs), join(parts)


REFERENCE = ' data-role="reference"'
"""Of the heading of a section that is looked up, not read."""


def _title(text: str, role: str | None = None) -> Html:
    key = "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()) or "reports"
    return tag("h2", text, id=key, data_role=role)


def _head(manifest: Mapping[str, Any], jobs: Sequence[Job]) -> Html:
    states = [job["status"] for job in jobs]
    counted = f"{states.count('done')} of {len(states)}" + "".join(
        f", {states.count(kind)} {kind}" for kind in ("skipped", "failed") if kind in states
    )
    facts: list[tuple[object, object]] = [("Period", name(manifest["now"]))] if manifest.get("now") else []
    facts += compared_facts(manifest.get("before"))
    facts += filter_facts(manifest.get("filters") or {})
    facts += [("Reports", counted), ("As of", name(manifest.get("as_of")))]
    synthetic = any(file.get("synthetic") for file in manifest.get("data") or [])
    return head(manifest.get("title") or manifest["name"], facts, synthetic=synthetic)


WITHDRAWN = "withdrawn: would give late answers away"


def _earlier(kept: Sequence[str], withdrawn: Sequence[str]) -> Html | None:
    """The way to the runs that are kept; each is a folder of `runs` that is named by the time it was finished."""
    links = [tag("a", _moment(run), href=quote(f"runs/{run}/index.html")) for run in kept]
    said = tag("p", "Earlier runs: ", join(links, " · ")) if links else None
    gone = tag("p", f"{', '.join(map(_moment, withdrawn))}: {WITHDRAWN}") if withdrawn else None
    return tag("nav", said, gone, class_="cx-earlier", aria_label="Earlier runs") if links or gone else None


def _moment(run: str) -> Html:
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)\d\dZ", run)
    return Html(f"{found[1]} {found[2]}:{found[3]} UTC") if found else name(run)


def _whole(done: Sequence[Job]) -> Html | None:
    links = [
        tag("p", _link(job), WHOLE.get(job["kind"])) for job in done if job["kind"] != "report" and not job["where"]
    ]
    return join(links, " ") if links else None


def _link(job: Job) -> Html:
    label = job.get("title") or job["name"]
    return tag("a", name(label), href=quote(str(job["file"])))


def _pages(report: Job, done: Sequence[Job]) -> Html:
    """The way to a report, and to further pages about its place."""
    further = [job for job in done if job["kind"] == "page" and job["where"] and job["where"] == report["where"]]
    return join([_link(report), *(tag("small", _link(job)) for job in further)], " ")


class _Told:
    """What the summary tells of a group of reports: a row by report and metric, and the scores of all periods."""

    def __init__(self, found: Sequence[Row], group: Sequence[Job], now: str) -> None:
        names = {job["name"] for job in group}
        rows_ = [row for row in found if row["report"] in names]

        def of(part: str, kept: Callable[[Row], object]) -> dict[tuple[str, str], Row]:
            return {(row["report"], row["metric"]): row for row in rows_ if row["part"] == part and kept(row)}

        self.series: dict[tuple[str, str], list[Row]] = {}
        for row in rows_:
            if row["part"] == "estimate":
                self.series.setdefault((row["report"], row["metric"]), []).append(row)
        self.scores = of("estimate", lambda row: str(row.get("period")) == now)
        self.changes = of("comparison", lambda row: True)
        self.aims = of("target", lambda row: str(row.get("period")) == now)
        self.signals = of("watch", lambda row: str(row.get("period")) == now and row.get("direction"))

    def worse(self, report: str, metric: Metric) -> str:
        """Why somebody should act, blank where nobody need: a change for the worse, since when, a missed target."""
        key = (report, metric.name)
        row, signal, aim = self.changes.get(key), self.signals.get(key), self.aims.get(key)
        told = []
        if row is not None and (found := verdicts.verdict(row, metric)).tone == "worse":
            told.append(f"{found.sign} {moved_words(row, metric)}")
        elif signal and metric.better and (signal["direction"] == "lower") == (metric.better == "higher"):
            told.append(f"{metric.label} {since_words(signal)}")
        if aim and metric.better and aim.get("verdict") == ("below" if metric.better == "higher" else "above"):
            label = "" if told else f"{metric.label} "
            told.append(f"{label}{aim['verdict']} the target of {aim['target']:g}")
        return ", ".join(told)


def _reports(
    group: Sequence[Job], done: Sequence[Job], found: Sequence[Row], shown: Sequence[Metric], now: str,
    keys: Sequence[str],
) -> Html:  # fmt: skip
    """The table of one group: a line per report, what needs attention first, all small lines on one scale."""
    if not shown:
        return tag("ul", *(tag("li", _pages(job, done)) for job in group), class_="cx-links")
    told, (metric, *others) = _Told(found, group, now), shown
    lead = {job["name"]: told.changes.get((job["name"], metric.name)) for job in group}
    aimed = {row["metric"] for row in told.aims.values()}
    lines = [row for key, several in told.series.items() if key[1] == metric.name for row in several]
    aims = [float(row["target"]) for key, row in told.aims.items() if key[1] == metric.name]
    ends = _ends([*(row["value"] for row in lines if row.get("value") is not None), *aims], metric)
    why = {job["name"]: [told.worse(job["name"], one) for one in shown] for job in group}
    ordered = sorted(group, key=lambda job: _urgency(lead[job["name"]], why[job["name"]][0], metric))
    body, grey = [], []
    for job in ordered:
        key = (job["name"], metric.name)
        row, change, aim = told.scores.get(key), told.changes.get(key), told.aims.get(key)
        cells: list[Cell] = [(_pages(job, done), ""), (score_cell(row, metric) if row else "", "cx-n")]
        cells += [(spark(told.series.get(key, []), aim and aim["target"], ends), "cx-sparkcell")]
        cells += [
            (before_cell(change, metric), "cx-n"),
            (change_cell(change, metric, told.signals.get(key)), "cx-changed"),
        ]
        cells += [(aim_cell(aim), "cx-aim")] * (metric.name in aimed)
        cells += [(_small(told, str(job["name"]), m), "cx-n cx-wide") for m in others]
        body.append(cells)
        grey.append(row is None or row.get("value") is None or wording.is_small(row))
    tested = [one for one in lead.values() if one is not None]
    before = next((str(one["before"]) for one in tested if one.get("before")), "before")
    periods = max((len(several) for several in told.series.values()), default=0)
    heads = [heading(" and ".join(keys)) if keys else "Report", metric.label, f"{min(periods, RECENT)} periods", before]
    heads += ["Change", *["Target"] * (metric.name in aimed), *(m.label for m in others)]
    made = table(heads, body, f"{metric.label} of each report", _group_notes(told, tested, metric, ends), grey=grey,
                 kind="board", names=[job.get("title") or job["name"] for job in ordered])  # fmt: skip
    said = tag("p", verdicts.tally(tested), class_="cx-tally") if tested else None
    return join([_act_on(ordered, why), said, tag("div", made, class_="cx-shelf")])


def _group_notes(told: _Told, tested: Sequence[Row], metric: Metric, ends: tuple[float, float]) -> list[str]:
    level = wording.level_words(next((row.get("level") for row in told.scores.values()), None))
    used = wording.methods_words(row.get("method") for row in told.scores.values())
    scale = f"{wording.number(ends[0], 0)} to {wording.number(ends[1], 0)}"
    notes = [f"Intervals: {used}; {level}; of the other metrics under All metrics. n: answers used. Lines: {scale}."]
    notes += [TARGETS.format(wording.families(told.aims.values()))] * bool(told.aims)
    return [*notes, *(comparison_notes(tested, wording.in_pairs(metric)) if tested else [])]


NAMED = 10  # places that the index names at its head


def _act_on(group: Sequence[Job], why: Mapping[str, Sequence[str]]) -> Html:
    """Who got worse or misses a target: named, linked, the metric that leads first, those that changed first."""
    named = [job for job in group if any(why[job["name"]])]
    if not named:
        return tag("p", tag("b", "Nothing is shown to have got worse."), class_="cx-lead")
    said = [join([_link(job), f" ({'; '.join(filter(None, why[job['name']]))})"]) for job in named[:NAMED]]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return tag("p", tag("b", "Act on: "), join(said, ", "), f"{more}.", class_="cx-lead")


def _urgency(row: Row | None, why: str, metric: Metric) -> tuple[int, float]:
    """What stands first: what got worse, what misses its target, what else changed, then the rest, the unknown last."""
    if row is None or not row.get("n"):
        return (5, 0.0)
    tone = verdicts.verdict(row, metric).tone
    rank = {"worse": 0, "moved": 2, "better": 2, "none": 3}.get(tone, 4)
    return (min(rank, 1) if why else rank, -abs(row.get("change") or 0.0) if rank < 3 else 0.0)


def _small(told: _Told, report: str, metric: Metric) -> Html:
    """The score of a further metric, the sign of its change where it has one, and the word on its target."""
    key = (report, metric.name)
    row, change, aim = told.scores.get(key), told.changes.get(key), told.aims.get(key)
    if row is None or row.get("value") is None:
        return Html("") if row is None else join([wording.absent(row)])
    found = verdicts.verdict(change, metric) if change else None
    signed = found and found.sign in (wording.UP, wording.DOWN)
    sign = tag("span", found.sign, class_=f"cx-sign cx-{found.tone}") if found and signed else None
    word = aim and aim.get("verdict") in ("above", "below") and tag("small", str(aim["verdict"]))
    return join([sign, wording.score(row, metric), word or None], " ")


def _ends(values: Sequence[float], metric: Metric) -> tuple[float, float]:
    """Round ends of one scale that holds every score of the table."""
    step = 1 if metric.unit == "scale" else 10
    low = max(step * math.floor(min(values, default=0) / step), metric.ends[0])
    return low, max(min(step * math.ceil(max(values, default=step) / step), metric.ends[1]), low + step)


def _watched(found: Sequence[Row], done: Sequence[Job], metrics: Mapping[str, Metric]) -> list[Html | None]:
    """The signals of the last year, the latest first."""
    titles = {job["name"]: str(job.get("title") or job["name"]) for job in done}
    told = [row for row in found if row["part"] == "watch" and row.get("signal") and row["report"] in titles]
    if not told:
        return []
    body: list[list[Cell]] = [
        [(name(row["period"]), ""), (titles[row["report"]], ""), (metric.label, ""),
         (since_words(row), ""),
         (wording.number(row["value"], 1), "cx-n"), (wording.number(row["expected"], 1), "cx-n"), (base(row), "cx-n")]
        for row in sorted(told, key=lambda row: str(row["period"]), reverse=True)
        for metric in [metrics[row["metric"]]]
    ]  # fmt: skip
    notes = ["Watched over all periods at once, so that a score may be looked at every time; of these signals about a "
             "tenth may be false. Scores are described: no interval, no test."]  # fmt: skip
    heads = ["Period", "Report", "Metric", "Signal", "Then", "Expected", "Base"]
    return [_title("Signals of the last year"), table(heads, body, "Scores that have moved for good", notes)]


def _missing(jobs: Sequence[Job]) -> list[Html | None]:
    parts: list[Html | None] = []
    for kind, title in (("skipped", "Skipped"), ("failed", "Failed")):
        lost = [job for job in jobs if job["status"] == kind]
        said = [str(job.get("why") or job.get("error") or "").strip() or "no reason given" for job in lost]
        items = [tag("li", name(job.get("title") or job["name"]), ": ", name(text.splitlines()[0], 300))
                 for job, text in zip(lost, said, strict=True)]  # fmt: skip
        parts += [_title(title), tag("ul", *items, class_="cx-links")] if items else []
    return parts


def _all_metrics(summary: pd.DataFrame, done: Sequence[Job], metrics: Mapping[str, Metric], now: str) -> Html:
    titles = {job["name"]: str(job.get("title") or job["name"]) for job in done}
    part = summary[(summary["part"] == "estimate") & (summary["period"].astype(str) == now)]
    part = part[part["report"].isin(list(titles))]
    frame = part.reindex(columns=list(ESTIMATES)).assign(Report=part["report"].map(titles).to_numpy())
    made = estimates_table(frame, metrics, caption="All metrics of each report", order=["Report", "metric"])
    return tag("details", tag("summary", f"Show {len(part):,} estimates"), made)


def _about(manifest: Mapping[str, Any]) -> Html:
    kept = ("name", "as_of", "period", "now", "before", "filters", "started", "finished", "packages")
    record = {key: manifest[key] for key in kept if manifest.get(key)}
    read = manifest.get("data") or []
    rows = "rows_about" if any("rows_about" in file for file in read) else "rows"
    body = [[(name(file.get("path")), ""), (wording.count(file.get(rows)), "cx-n")] for file in read]
    paths = [file.get("path") for file in read]
    data = table(["Data", WORDS.get(rows, "Rows")], body, "Data of this run", names=paths) if body else None
    return tag("div", data, provenance(record))
