"""The index of a run: what was reported, with scores and verdicts, what was not, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd

from cxkit.metrics import Metric
from cxkit.schema import ESTIMATES, SECOND
from cxkit.show import verdicts, wording
from cxkit.show.board import (
    RECENT,
    TARGETS,
    aim_cell,
    aim_words,
    apart_from_others,
    before_cell,
    change_cell,
    missed,
    moved_words,
    score_cell,
    shortly,
    since_words,
    spark,
)
from cxkit.show.drawings import FEW
from cxkit.show.html import Html, join, name, tag
from cxkit.show.labels import all_others, heading
from cxkit.show.rows import MINUTES, Row, as_change, fitted, metrics_of, rows, spoken, when
from cxkit.show.sections import audit, compared_facts, counted, filter_facts, head, provenance
from cxkit.show.tables import ABSENT, Cell, base, comparison_notes, estimates_table, table

Job = Mapping[str, Any]
WHOLE = {  # pages about the whole run, and what the index says of them
    "overview": ": all reports side by side, who moved, and how sure that is.",
    "audit": ": what was read and what was refused, who answered, and what to know before trusting a number.",
}


AT_ONCE = 500  # reports on one page of the index
DRAWN = 2000  # reports up to which each has a small line
BESIDE = 5  # further metrics that have room beside the one that leads


def shelf(summary: pd.DataFrame, manifest: Mapping[str, Any], metrics: Mapping[str, Metric]) -> tuple[Html, list[Html]]:
    """Header of the index, and the bodies of its pages: one, or one for each 500 reports.

    Args:
        summary: Estimates and comparisons of all reports, with columns `report` and `part`.
        manifest: Of the run: jobs with status, file, where and why; data with hashes; refusals; times; `kept`, the
            names of earlier runs in the folder `runs`, where there are any.
        metrics: What is measured, by name.
    """
    metrics, (summary,) = fitted(metrics, summary)
    period = str(manifest.get("period"))
    found, now = rows(spoken(summary, period)), str(when(manifest.get("now") or "", period))
    shown = metrics_of(found, metrics)
    jobs: Sequence[Job] = manifest["jobs"]
    done = [job for job in jobs if job["status"] == "done"]
    parts: list[Html | None] = []
    places, further = [job for job in done if job["kind"] == "report"], list[Html]()
    if places:
        keys = tuple(places[0].get("where") or {})
        title = _title(f"By {' and '.join(key.replace('_', ' ') for key in keys)}" if keys else "Reports")
        first, *further = _reports(places, done, found, shown, now, keys)
        parts, further = [title, _since(manifest.get("since")), first], [join([title, one]) for one in further]
    else:
        parts.append(tag("p", "No report was made.", class_="cx-none"))
    if len(shown) > 1 and done and not further:
        parts += [_title("All metrics"), _all_metrics(summary, done, metrics, str(manifest.get("now") or ""))]
    parts += _watched(rows(summary), done, metrics, period)
    parts += _missing(jobs)
    parts += [_title("About all reports"), _whole(done)] if any(job["kind"] != "report" for job in done) else []
    parts.append(_earlier(manifest.get("kept") or [], manifest.get("withdrawn") or []))
    refused = pd.DataFrame(manifest.get("refused") or [], columns=["item", "reason", "n"])
    parts += [_title("Refused answers", "reference"), audit(refused)]
    parts += [_title("About this run", "reference"), _about(manifest)]
    return _head(manifest, jobs), [join(parts), *further]


def file_of(page: int) -> str:
    """The file of a page of the index; no report has a dot in its name.

    >>> file_of(0), file_of(1)
    ('index.html', 'index.2.html')
    """
    return f"index.{page + 1}.html" if page else "index.html"


def _since(told: Mapping[str, Any] | None) -> Html | None:
    """What is new and what is gone since the shelf of an earlier date."""
    if not told:
        return None
    said = [join([f"{len(names):,} {word} (", _some(names), ")"]) for word in ("new", "gone") if (names := told[word])]
    found = join(said, " · ") if said else "none is new, none is gone"
    return tag("p", f"Reports since the shelf as of {told['as_of']}: ", found, ".", class_="cx-notes")


def _some(names: Sequence[str]) -> Html:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return join([join(map(name, names[:NAMED]), ", "), more])


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
    named = [manifest.get("now"), manifest.get("before"), *manifest.get("further", ())]
    now, *befores = (when(one, str(manifest.get("period"))) for one in named)
    facts: list[tuple[object, object]] = [("Period", name(now))] if now else []
    facts += compared_facts([one for one in befores if one])
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
    return tag("a", name(_called(job)), href=quote(str(job["file"])))


def _ways(group: Sequence[Job], done: Sequence[Job]) -> dict[str, Html]:
    """By report the way to it, and to further pages about its place."""
    of: dict[tuple[str, ...], list[Html]] = {}
    for job in done:
        if job["kind"] == "page" and job["where"]:
            of.setdefault(tuple(job["where"].values()), []).append(tag("small", _link(job)))
    further = {job["name"]: of.get(tuple((job.get("where") or {}).values()), []) for job in group}
    return {job["name"]: join([_link(job), *further[job["name"]]], " ") for job in group}


class Told:
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
        self.changes, self.further = (of(part, lambda row: True) for part in ("comparison", SECOND))
        self.aims = of("target", lambda row: str(row.get("period")) == now)
        self.peers: dict[tuple[str, str], list[Row]] = {}
        for row in rows_:
            if row["part"] == "peer":
                self.peers.setdefault((row["report"], row["metric"]), []).append(row)
        self.windows = of("window estimate", lambda row: row.get("value") is not None)
        self.signals = of("watch", lambda row: str(row.get("period")) == now and row.get("direction"))

    def odd(self, report: str, metric: Metric) -> bool:
        """Whether a score changed, or misses its target."""
        change, aim = (told.get((report, metric.name)) for told in (self.changes, self.aims))
        return bool((change and change.get("verdict") == "changed") or (aim and missed(aim, metric)))

    def worse(self, report: str, metric: Metric) -> str:
        """Why somebody should act, blank where nobody need: a change for the worse, since when, a missed target."""
        key = (report, metric.name)
        signal, aim = self.signals.get(key), self.aims.get(key)
        told = []
        for row, second in ((self.changes.get(key), False), (self.further.get(key), True)):
            if row is not None and (found := verdicts.verdict(row, metric)).tone == "worse":
                against = f" against {row['before']}" if second else ""
                told.append(f"{found.sign} {moved_words(row, metric)}{against}")
        worse = signal and signal["direction"] == {"higher": "lower", "lower": "higher"}.get(str(metric.better))
        if signal and worse and not (told and signal["since"] == signal["period"]):  # else the change itself says it
            told.append(f"{'' if told else f'{metric.label} '}{since_words(signal)}")
        if aim and missed(aim, metric):
            label = "" if told else f"{metric.label} "
            told.append(f"{label}{aim['verdict']} the target of {aim_words(aim)}")
        return ", ".join(told)


def _reports(
    group: Sequence[Job], done: Sequence[Job], found: Sequence[Row], shown: Sequence[Metric], now: str,
    keys: Sequence[str],
) -> list[Html]:  # fmt: skip
    """The reports on each page of the index: a line each, what needs attention first, all small lines on one scale."""
    ways = _ways(group, done)
    if not shown:
        return [tag("ul", *(tag("li", way) for way in ways.values()), class_="cx-links")]
    told, (metric, *others) = Told(found, group, now), shown
    lead = {job["name"]: told.changes.get((job["name"], metric.name)) for job in group}
    scores = {job["name"]: told.scores.get((job["name"], metric.name)) for job in group}
    aimed = {row["metric"] for row in told.aims.values()}
    lines = [row for key, several in told.series.items() if key[1] == metric.name for row in several]
    aims = [float(row["target"]) for key, row in told.aims.items() if key[1] == metric.name]
    ends = _ends([*(row["value"] for row in lines if row.get("value") is not None), *aims], metric)
    why = {job["name"]: [told.worse(job["name"], one) for one in shown] for job in group}
    beside = _beside(others, told)
    ordered = sorted(group, key=lambda job: _urgency(lead[job["name"]], why[job["name"]][0], metric))
    absent = [job for job in ordered if (row := scores[job["name"]]) is None or row.get("value") is None]
    without = {job["name"] for job in absent} if len(absent) > ABSENT else set()
    listed = [job for job in ordered if job["name"] not in without]
    periods = max((len(several) for several in told.series.values()), default=0)
    drawn = len(group) <= DRAWN and periods > FEW

    def line(job: Job) -> list[Cell]:
        key = (job["name"], metric.name)
        row, change, aim = scores[job["name"]], told.changes.get(key), told.aims.get(key)
        cells: list[Cell] = [(ways[job["name"]], ""), (score_cell(row, metric) if row else "", "cx-n")]
        cells += [(spark(told.series.get(key, []), aim and aim["target"], ends), "cx-sparkcell")] if drawn else []
        cells += [(before_cell(change, metric), "cx-n")]
        cells += [(change_cell(change, metric, told.signals.get(key)), "cx-changed")]
        cells += [(aim_cell(aim), "cx-aim")] * (metric.name in aimed)
        cells += [(_to_others(told, key, metric, now), "cx-wide cx-others")] * bool(told.peers)
        return cells + [(_small(told, str(job["name"]), m), "cx-n cx-wide") for m in beside]

    tested = [one for one in lead.values() if one is not None]
    before = next((shortly(str(one["before"]), str(one["now"])) for one in tested if one.get("before")), "before")
    heads = [heading(" and ".join(keys)) if keys else "Report", metric.label]
    heads += [*[f"{min(periods, RECENT)} periods"] * drawn, before, "Change", *["Target"] * (metric.name in aimed)]
    than = all_others(keys)
    heads += [than.capitalize()] * bool(told.peers)
    heads += [f"{m.label}, {wording.UNITS[m.unit]}" if m.unit in MINUTES else m.label for m in beside]
    pages = [listed[i : i + AT_ONCE] for i in range(0, max(len(listed), 1), AT_ONCE)]
    level = wording.level_words(next((row.get("level") for row in told.scores.values()), None))
    caption = f"{metric.label} of each report: score with {level} interval and {metric.counted} (n)"
    notes, made = _group_notes(told, tested, metric, ends if drawn else None, than), []
    if more := len(others) - len(beside):
        notes.insert(0, f"{more} further metric{'s stand' if more > 1 else ' stands'} under All metrics.")

    def lined(part: Sequence[Job], caption: str, folded: Sequence[str]) -> Html:
        grey = [(row := scores[job["name"]]) is None or row.get("value") is None or wording.is_small(row)
                for job in part]  # fmt: skip
        body, called = [line(job) for job in part], map(_called, part)
        return table(heads, body, caption, folded=folded, grey=grey, kind="board", names=called)

    for number, part in enumerate(pages):
        shown_ = lined(part, caption, notes)
        if len(keys) > 1:
            inside: dict[str, list[Job]] = {}
            for job in part:
                inside.setdefault(str(job["where"][keys[0]]), []).append(job)
            last = list(inside)[-1]
            shown_ = join(
                _group(name_, jobs, why, lined(jobs, f"{name_}: {caption}", notes if name_ == last else ()))
                for name_, jobs in inside.items()
            )
        made.append(join([_turning(number, pages), tag("div", shown_, class_="cx-shelf")]))
    besides = [row for job in group if (row := told.further.get((job["name"], metric.name)))]
    said = tag("p", verdicts.tally([*tested, *besides]), class_="cx-tally") if tested else None
    folded = _named(f"{len(absent):,} reports without a score", absent) if without else None
    every = _named(f"All {len(ordered):,} reports by name", sorted(ordered, key=_called)) if len(pages) > 1 else None
    return [join([_act_on(ordered, why), said, made[0], every or folded]), *made[1:]]


def _group(called: str, jobs: Sequence[Job], why: Mapping[str, Sequence[str]], lined: Html) -> Html:
    """The reports of one level of the first dimension, which can be folded away, and how many of them to act on."""
    named = sum(any(why[job["name"]]) for job in jobs)
    many = f" · {len(jobs):,} report{'s' * (len(jobs) > 1)}{f', {named:,} to act on' if named else ''}"
    return tag("details", tag("summary", tag("b", name(called)), many), lined, open=True, class_="cx-group")


def _beside(others: Sequence[Metric], told: Told) -> list[Metric]:
    """The further metrics that have room in the table: first those that changed or miss a target somewhere."""
    metrics = {metric.name: metric for metric in others}
    odd = {name for (report, name) in told.scores if name in metrics and told.odd(report, metrics[name])}
    first = set(sorted(metrics, key=lambda name: name not in odd)[: BESIDE - bool(told.peers)])
    return [metric for metric in others if metric.name in first]


def _to_others(told: Told, key: tuple[str, str], metric: Metric, now: str) -> Html:
    """Where a report stands to all others; of too few answers in the period its score over a longer time, too."""
    found = told.peers.get(key, [])
    own = next((row for row in found if str(row["period"]) == now), None)
    few = own is None or own["verdict"] == "too few"
    word = apart_from_others(found, now, "").removesuffix(" than ")
    said = word or ("" if not found else f"{wording.FEW} too few" if few else wording.NONE)
    longer = told.windows.get(key) if few else None
    score = (
        longer
        and f"{longer['period']}: {wording.score(longer, metric)}, {wording.span(longer, metric)}, {base(longer)}"
    )
    return join([said, tag("small", score) if score else None], " ")


def _called(job: Job) -> str:
    return str(job.get("title") or job["name"])


def _named(words: str, jobs: Sequence[Job]) -> Html:
    """Reports as a folded list of names."""
    return tag("details", tag("summary", words), tag("p", join(map(_link, jobs), " ")), class_="cx-names")


def _turning(page: int, pages: Sequence[Sequence[Job]]) -> Html | None:
    """The way between the pages of an index, by what needs attention first."""
    if len(pages) < 2:
        return None
    firsts = [sum(map(len, pages[:i])) + 1 for i in range(len(pages))]
    spans = [f"{first:,} to {first + len(one) - 1:,}" for first, one in zip(firsts, pages, strict=True)]
    links = [tag("b", span) if i == page else tag("a", span, href=file_of(i)) for i, span in enumerate(spans)]
    said = tag("p", "By what needs attention first: ", join(links, " · "))
    return tag("nav", said, class_="cx-turning", aria_label="Pages of this index")


def _group_notes(
    told: Told, tested: Sequence[Row], metric: Metric, ends: tuple[float, float] | None, than: str
) -> list[str]:  # fmt: skip
    used = wording.methods_words(row.get("method") for row in told.scores.values())
    scale = f" Lines: {wording.number(ends[0], 0)} to {wording.number(ends[1], 0)}." if ends else ""
    notes = [f"Intervals: {used}; of the other metrics in the workbook.{scale}"]
    notes += [TARGETS.format(wording.families(told.aims.values()))] * bool(told.aims)
    beside = [row for key, held in told.peers.items() for row in held if key[1] == metric.name]
    notes += [OTHERS.format(than.capitalize(), than, wording.families(map(as_change, beside)))] * bool(beside)
    return [*notes, *(comparison_notes(tested, wording.in_pairs(metric)) if tested else [])]


OTHERS = "{}: whether a report is higher or lower than {} together, corrected for {}; in the workbook."
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


def _small(told: Told, report: str, metric: Metric) -> Html:
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


SIGNALS = 100  # that the index lists


def _watched(
    found: Sequence[Row], done: Sequence[Job], metrics: Mapping[str, Metric], period: str
) -> list[Html | None]:  # fmt: skip
    """The signals of the last year, the latest first."""
    links = {job["name"]: _link(job) for job in done}
    told = [row for row in found if row["part"] == "watch" and row.get("signal") and row["report"] in links]
    if not told:
        return []
    told.sort(key=lambda row: str(row["period"]), reverse=True)
    body: list[list[Cell]] = [
        [(name(when(row["period"], period)), ""), (links[row["report"]], ""), (metric.label, ""),
         (since_words({**row, "since": when(row["since"], period)}), ""),
         (wording.number(row["value"], 1), "cx-n"), (wording.number(row["expected"], 1), "cx-n"), (base(row), "cx-n")]
        for row in told[:SIGNALS]
        for metric in [metrics[row["metric"]]]
    ]  # fmt: skip
    notes = ["Watched over all periods at once, so that a score may be looked at every time; of these signals about a "
             "tenth may be false. Scores are described: no interval, no test."]  # fmt: skip
    notes += [f"{len(told) - SIGNALS:,} earlier ones stand in the workbook."] * (len(told) > SIGNALS)
    heads = ["Period", "Report", "Metric", "Signal", "Then", "Expected", "Base"]
    return [_title("Signals of the last year"), table(heads, body, "Scores that have shifted, and since when", notes)]


def _missing(jobs: Sequence[Job]) -> list[Html | None]:
    parts: list[Html | None] = []
    for kind, title in (("skipped", "Skipped"), ("failed", "Failed")):
        lost = [job for job in jobs if job["status"] == kind]
        said = [str(job.get("why") or job.get("error") or "").strip() or "no reason given" for job in lost]
        items = [tag("li", name(_called(job)), ": ", name(text.splitlines()[0], 300))
                 for job, text in zip(lost, said, strict=True)]  # fmt: skip
        parts += [_title(title), tag("ul", *items, class_="cx-links")] if items else []
    return parts


def _all_metrics(summary: pd.DataFrame, done: Sequence[Job], metrics: Mapping[str, Metric], now: str) -> Html:
    titles = {job["name"]: _called(job) for job in done}
    part = summary[(summary["part"] == "estimate") & (summary["period"].astype(str) == now)]
    part = part[part["report"].isin(list(titles))]
    frame = part.reindex(columns=list(ESTIMATES)).assign(Report=part["report"].map(titles).to_numpy())
    made = estimates_table(frame, metrics, caption="All metrics of each report", order=["Report", "metric"])
    return tag("details", tag("summary", f"Show {len(part):,} estimates"), made)


def _about(manifest: Mapping[str, Any]) -> Html:
    kept = ("name", "as_of", "period", "now", "before", "further", "filters", "started", "finished", "packages")
    record = {key: manifest[key] for key in kept if manifest.get(key)}
    read = manifest.get("data") or []
    body = [[(name(file.get("path")), ""), (counted(file.get("rows")), "cx-n")] for file in read]
    paths = [file.get("path") for file in read]
    data = table(["Data", "Rows"], body, "Data of this run", names=paths) if body else None
    return tag("div", data, provenance(record))
