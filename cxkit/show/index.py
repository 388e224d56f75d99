"""The index of a run: what was reported, with scores and verdicts, what was not, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd

from cxkit.metrics import Metric
from cxkit.schema import ESTIMATES
from cxkit.show import verdicts, wording
from cxkit.show.drawings import reach
from cxkit.show.html import Html, join, name, tag
from cxkit.show.labels import heading
from cxkit.show.rows import Row, fitted, metrics_of, rows
from cxkit.show.sections import WORDS, audit, compared_facts, filter_facts, head, provenance
from cxkit.show.tables import Cell, base, comparison_notes, estimates_table, table, verdict_cell
from cxkit.show.tiles import bar

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
    metric = shown[0] if shown else None
    jobs: Sequence[Job] = manifest["jobs"]
    done = [job for job in jobs if job["status"] == "done"]
    parts: list[Html | None] = [_earlier(manifest.get("kept") or [], manifest.get("withdrawn") or []), _whole(done)]
    places = [job for job in done if job["kind"] == "report"]
    for keys in dict.fromkeys(tuple(job.get("where") or {}) for job in places):
        group = [job for job in places if tuple(job.get("where") or {}) == keys]
        parts += [_title(f"By {' and '.join(key.replace('_', ' ') for key in keys)}" if keys else "Reports")]
        parts += [_reports(group, done, found, metric, str(manifest.get("now") or ""), keys)]
    if not places:
        parts.append(tag("p", "No report was made.", class_="cx-none"))
    if len(shown) > 1 and done:
        parts += [_title("All metrics"), _all_metrics(summary, done, metrics, str(manifest.get("now") or ""))]
    parts += _missing(jobs)
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


def _reports(
    group: Sequence[Job], done: Sequence[Job], found: Sequence[Row], metric: Metric | None, now: str,
    keys: Sequence[str],
) -> Html:  # fmt: skip
    """The table of one group: a line per report, all intervals drawn on one scale."""
    if metric is None:
        return tag("ul", *(tag("li", _pages(job, done)) for job in group), class_="cx-links")
    names = {job["name"] for job in group}
    wanted = [row for row in found if row["metric"] == metric.name and row["report"] in names]
    estimates = {row["report"]: row for row in wanted if row["part"] == "estimate" and str(row.get("period")) == now}
    compared = {row["report"]: row for row in wanted if row["part"] == "comparison"}
    ends = _ends(list(estimates.values()), metric)
    titles = [job.get("title") or job["name"] for job in group]
    body, grey = [], []
    for job in group:
        row = estimates.get(job["name"])
        body.append([(_pages(job, done), ""), *_scores(row, metric, ends), *_change(compared.get(job["name"]), metric)])
        grey.append(row is None or row.get("value") is None or wording.is_small(row))
    level = wording.level_words(next((row.get("level") for row in estimates.values()), None))
    scale = f"Scale {wording.number(ends[0], 0)} to {wording.number(ends[1], 0)}"
    first = heading(" and ".join(keys)) if keys else "Report"
    heads = [first, metric.label, f"{level} interval", scale, "Base", "Change", "Verdict", "Detectable"]
    notes = [
        f"Intervals: {wording.methods_words(row.get('method') for row in estimates.values())}. Base: answers used (n)."
    ]
    if compared:
        notes += comparison_notes(list(compared.values()), wording.in_pairs(metric))
    made = table(heads, body, f"{metric.label} of each report", notes, grey=grey, names=titles)
    said = tag("p", verdicts.tally(list(compared.values())), class_="cx-tally") if compared else None
    return join([said, tag("div", made, class_="cx-shelf")])


def _ends(found: Sequence[Row], metric: Metric) -> tuple[float, float]:
    """Round ends of one scale that holds every interval of the table."""
    lows, highs = reach([row for row in found if row.get("value") is not None])
    step = 1 if metric.unit == "scale" else 10
    low, high = step * math.floor(min(lows, default=0) / step), step * math.ceil(max(highs, default=step) / step)
    return max(low, metric.ends[0]), max(min(high, metric.ends[1]), low + step)


def _scores(row: Row | None, metric: Metric, ends: tuple[float, float]) -> list[Cell]:
    if row is None:
        return [("none", "cx-n"), ("", "cx-n"), ("", ""), ("", "cx-n")]
    if row.get("value") is None:
        return [(wording.absent(row), "cx-n"), ("", "cx-n"), ("", ""), (base(row), "cx-n")]
    return [(tag("b", wording.score(row, metric)), "cx-n"), (wording.span(row, metric), "cx-n"),
            (bar(row, ends), "cx-barcell"), (base(row), "cx-n")]  # fmt: skip


def _change(row: Row | None, metric: Metric) -> list[Cell]:
    if row is None:
        return [("", "cx-n"), ("not compared", ""), ("", "")]
    size: Html | str = ""
    if row.get("change") is not None and row.get("verdict") in ("changed", "no evidence"):
        size = join([verdicts.short(row, metric), tag("small", verdicts.span(row, metric))], " ")
    return [(size, "cx-n"), verdict_cell(row, metric), (verdicts.could(row, metric), "cx-n")]


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
