"""Checked parameters -> jobs: plain data that any process or machine can carry out."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

from cxkit.errors import CxError, nearest
from cxkit.runs.notebooks import check, declares, defaults
from cxkit.runs.params import RESERVED, RunParams
from cxkit.schema import RULES

Kind = Literal["report", "page", "overview", "audit"]
BLANK = "(blank)"


@dataclass(frozen=True, slots=True)
class Job:
    """One page to be made, as plain data that can be sent to another process or machine.

    Attributes:
        name: Unique slug.
        kind: "report" for one value of `for_each`, "overview" for all of them, "audit" for the data of the run, "page"
            for a further one of either.
        title: What the index calls it.
        notebook: Path of the notebook.
        parameters: What the notebook's `parameters` cell is overridden with.
        where: Dimension -> value that the report is about.
        file: Name of the page on the shelf.
        lang: Language of the page.
        look: Its `style` and `logo`, where they are not the kit's.
        data: Hash of all data that the page shows; empty where that is not known.
        links: Other pages of the run that this one leads to: file -> words.
    """

    name: str
    kind: Kind
    title: str
    notebook: str
    parameters: dict[str, Any]
    where: dict[str, str]
    file: str
    lang: str = "en"
    look: dict[str, str] = field(default_factory=dict)
    data: str = ""
    links: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The job as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a job, as plain data.

    Attributes:
        name: The job's name.
        status: "done" if every cell ran and the page is whole, "unchanged" if the page that is there would come out
            the same, else "failed".
        seconds: Wall time.
        page: Path of the page; None where it failed.
        sha256: Of the page.
        notebook: Path of the executed notebook, if it came so far.
        error: One line for the operator; None where it is done.
        cell: Source of the cell that failed, if one did, for the operator.
        kind: What failed, as the shelf may say it: a class, never a message.
        at: Number of the cell that failed.
        warnings: What the cells wrote to stderr, for the operator.
        passing: Whether another attempt may end better.
        attempts: How often it was tried.
        cpu: Processor seconds, where they were measured.
        memory: Peak memory in bytes, where it was measured.
        left: Processes that the notebook left behind alive; they were killed.
    """

    name: str
    status: Literal["done", "failed", "unchanged"]
    seconds: float
    page: str | None = None
    sha256: str | None = None
    notebook: str | None = None
    error: str | None = None
    cell: str | None = None
    kind: str = ""
    at: int | None = None
    warnings: list[str] = field(default_factory=list)
    passing: bool = False
    attempts: int = 1
    cpu: float | None = None
    memory: int | None = None
    left: int = 0

    @property
    def told(self) -> str | None:
        """What the shelf says of a failure: "failed in cell 3: ValueError". Messages and sources may quote answers."""
        if self.status != "failed":
            return None
        return f"failed{f' in cell {self.at}' if self.at else ''}{f': {self.kind}' if self.kind else ''}"

    def failed(self, words: str) -> Result:
        """The same as a failure, in words that hold nothing of the data."""
        return replace(self, status="failed", error=words, kind=words, page=None, sha256=None)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run after its one pass over the data.

    Attributes:
        name: Of the run.
        title: Of the run.
        as_of: ISO date that relative periods were counted from.
        period: month, quarter, week, year or wave.
        now: The period that the reports are about.
        before: The period that it is compared with, the first where they are two.
        metrics: What is measured, in order, as the mapping declares it (`Metric.to_dict`).
        jobs: What is to be done.
        skipped: Reports that are not made: name, title, where, why.
        tallies: Path of the tallies.
        summary: Path of every estimate and comparison at the level of a report.
        data: One entry per source file: path, sha256, rows.
        refused: Refused rows and answers: item, reason, n.
        filters: Dimension -> values that the run is restricted to.
        notes: What the operator should know.
        remarks: What a person has to look at in the data: code, weight, about, words.
        lang: Language of the pages.
        look: As that of a job.
        inputs: Hash of all that it was prepared from; empty where that is not known.
        settings: Hash of what decides which cells there are, and which of them are hidden.
        release: Path of the record of what is shown and hidden; empty where there is none.
        hide_below: People that a group needs in order to be shown.
        signals: What signals in `now`: report, metric, since, direction.
        further: The second period that it is compared with, if there is one.
    """

    name: str
    title: str
    as_of: str
    period: str
    now: str
    before: str
    metrics: list[dict[str, Any]]
    jobs: list[Job]
    skipped: list[dict[str, Any]]
    tallies: str
    summary: str
    data: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    filters: dict[str, list[str]]
    notes: list[str] = field(default_factory=list)
    remarks: list[dict[str, str]] = field(default_factory=list)
    lang: str = "en"
    look: dict[str, str] = field(default_factory=dict)
    inputs: str = ""
    settings: str = ""
    release: str = ""
    hide_below: int = RULES.hide_below
    signals: list[dict[str, Any]] = field(default_factory=list)
    further: list[str] = field(default_factory=list)


def places(params: RunParams, found: Sequence[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The combinations of `for_each` values that get a report, and those that get none because nobody answered.

    Args:
        params: With `for_each`.
        found: Combinations of values that the data hold, in the order of `for_each`.

    Returns:
        Listed values in their order, whether anybody answered or not; otherwise what the data hold. Where one dimension
        is listed and the other is not, combinations that the data do not hold come second.
    """
    listed = list(params.for_each.values())
    if all(values is None for values in listed):
        return list(dict.fromkeys(found)), []
    held = [list(dict.fromkeys(place[i] for place in found)) for i in range(len(listed))]
    every = list(product(*(held[i] if values is None else values for i, values in enumerate(listed))))
    if None not in listed:
        return every, []
    there = set(found)
    return [place for place in every if place in there], [place for place in every if place not in there]


def expand(
    params: RunParams, found: Sequence[tuple[str, ...]], tallies: Path, now: str, befores: Sequence[str]
) -> tuple[list[Job], list[dict[str, Any]]]:
    """The jobs of a run, overview and audit last, and the reports that it skips.

    Args:
        params: Checked parameters.
        found: Combinations of `for_each` values that the data hold, in the order of `for_each`.
        tallies: The run's tallies.
        now: The period that the reports are about.
        befores: The periods that it is compared with; a notebook gets one as text, two as a list.

    Returns:
        Jobs, and for each skipped report its name, title, where and why.
    """
    chosen, empty = places(params, found)
    every = [*chosen, *empty]
    _check_events(params, every)
    names = slugs("-".join(place) if place else "report" for place in every)
    given: dict[str, Any] = {
        "tallies": str(tallies),
        "now": now,
        "before": list(befores) if len(befores) > 1 else befores[0],
        "metrics": params.metrics,
        "level": params.level,
    }
    given |= {"correction": params.correction, "segments": params.segments}
    given |= {"benchmarks": [mark.model_dump() for mark in params.benchmarks]} if params.benchmarks else {}
    given |= {"targets": {name: aim.model_dump() for name, aim in params.targets.items()}} if params.targets else {}
    jobs, skipped, taken = [], list[dict[str, Any]](), [*RESERVED, *names]
    for name, place in zip(names, every, strict=True):
        where = dict(zip(params.for_each, place, strict=True))
        title = " · ".join(place) or params.title
        why = _why_not(params, where, place in set(empty))
        own = given | _events(params, where)
        own |= {"where": where, "title": f"{title} · {params.title}" if place else title}
        made = [_job(params, "report", params.report, name, title, own, where)]
        for page in params.pages if place else ():
            if page.for_each:
                (called,) = slugs([f"{page.name}-{name}"], taken)
                taken.append(called)
                own |= {"title": f"{title} · {page.title}"}
                made.append(_job(params, "page", page.notebook, called, f"{title} · {page.title}", own, where))
        jobs += [] if why else made
        skipped += [
            {key: getattr(job, key) for key in ("name", "kind", "title", "where")} | {"why": why} for job in made
        ] * bool(why)
    if params.only and not jobs:
        wanted = ", ".join(f"{key}={value}" for key, values in params.only.items() for value in values)
        raise CxError(f"--only {wanted}: selects no report; {nearest(wanted.split('=')[-1], map(' · '.join, chosen))}")
    whole = given | _events(params, {}) | {"where": {}, "segments": list(params.for_each) or params.segments}
    if params.for_each:
        own = whole | {"title": f"Overview · {params.title}"}
        jobs.append(_job(params, "overview", params.overview, "overview", "Overview", own, {}))
    for page in params.pages:
        if not page.for_each:
            (called,) = slugs([page.name], taken)
            taken.append(called)
            own = whole | {"title": f"{page.title} · {params.title}"}
            jobs.append(_job(params, "page", page.notebook, called, page.title, own, {}))
    own = {name: given[name] for name in ("tallies", "now", "before")} | {"title": f"Data · {params.title}"}
    jobs.append(_job(params, "audit", params.audit, "data", "Data", own, {}))
    row = [(f"{skip['name']}.html", skip["where"]) for skip in skipped if skip["why"] == NOT_SELECTED]
    row += [(job.file, job.where) for job in jobs if job.kind == "report" and job.where]
    order = {f"{name}.html": i for i, name in enumerate(names)}
    row = sorted((one for one in row if one[0] in order), key=lambda one: order[one[0]])
    return [replace(job, links=_links(job, jobs, row)) for job in jobs], skipped


def _links(job: Job, jobs: Sequence[Job], row: Sequence[tuple[str, dict[str, str]]]) -> dict[str, str]:
    """The ways from a page: to the index, those about the whole run or the same place, its neighbours, the numbers."""
    near = [
        one
        for one in jobs
        if one.file != job.file and (one.kind != "report" or job.where) and one.where in ({}, job.where)
    ]
    found = {"index.html": "All reports"} | {one.file: one.title for one in near}
    at = next((i for i, (file, _) in enumerate(row) if file == job.file), None)
    beside = {} if at is None else {"previous": row[:at][-1:], "next": row[at + 1 : at + 2]}
    found |= {file: f"{way}: {' · '.join(where.values())}" for way, ones in beside.items() for file, where in ones}
    return found | {"summary.xlsx": "Workbook", "summary.csv": "CSV"}


NOT_SELECTED = "not selected by --only"


def _why_not(params: RunParams, where: dict[str, str], empty: bool) -> str:
    if any(where[name] not in values for name, values in params.only.items()):
        return NOT_SELECTED
    if BLANK in where.values() and not any(BLANK in (values or []) for values in params.for_each.values()):
        return "blank in the data; part of the overview only"
    return "no answers for this combination" if empty else ""


def _job(
    params: RunParams, kind: Kind, notebook: str, name: str, title: str, given: dict[str, Any], where: dict[str, str]
) -> Job:  # fmt: skip
    known = defaults(notebook)
    extra = {key: value for key, value in params.parameters.items() if key in known}
    return Job(name, kind, title, notebook, given | extra, where, f"{name}.html", params.lang, params.dress)


def _events(params: RunParams, where: Mapping[str, str]) -> dict[str, Any]:
    """What happened in a place, as a parameter of its notebook; what happened in some places is not of everybody."""
    if not params.events:
        return {}
    of = (event for event in params.events if all(where.get(name) in levels for name, levels in event.where.items()))
    return {"events": [event.model_dump(exclude={"where"}) for event in of]}


def _check_events(params: RunParams, every: Sequence[tuple[str, ...]]) -> None:
    """Refuse events of a place that has no report."""
    held = {name: list(dict.fromkeys(place[i] for place in every)) for i, name in enumerate(params.for_each)}
    for number, event in enumerate(params.events):
        for name, levels in event.where.items():
            for level in set(levels) - set(held[name]):
                about = f"events.{number}.where.{name}"
                raise CxError(f"{params.file}: {about}: no report is of {level!r}; {nearest(level, held[name])}")


def check_notebooks(params: RunParams) -> None:
    """Refuse notebooks and `parameters` that do not fit each other; nothing has run by then.

    Raises:
        CxError: A notebook without its `parameters` cell; a parameter that is unknown, missing or of another type.
    """
    whole: dict[str, Any] = {"tallies": "", "now": "", "before": "", "title": ""}
    place = whole | {"where": {}, "metrics": [], "segments": []}
    place |= {"level": params.level, "correction": params.correction}
    place |= ({"benchmarks": []} if params.benchmarks else {}) | ({"events": []} if params.events else {})
    place |= {"targets": {}} if params.targets else {}
    examples = {params.report: place} | ({params.overview: place} if params.for_each else {}) | {params.audit: whole}
    examples |= {page.notebook: place for page in params.pages}
    known = {notebook: defaults(notebook) for notebook in examples}
    for notebook, declared in known.items():
        declares(notebook, declared, examples[notebook])
    for name, value in params.parameters.items():
        holders = [notebook for notebook, declared in known.items() if name in declared] or [params.report]
        for notebook in holders:
            check(notebook, known[notebook], {name: value}, params.file)


_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")  # files of these names cannot be opened on Windows


def slugs(titles: Iterable[str], taken: Iterable[str] = RESERVED) -> list[str]:
    """A file name without extension for each title: ASCII, lower case, at most 60 characters, unique.

    A title without any Latin letter or digit gets the start of its hash: a name that does not depend on the others.

    >>> slugs(["Söhne AG", "sohne/ag", "Index", "../..", "con"])[:3]
    ['sohne-ag', 'sohne-ag-2', 'index-2']
    """
    used = set(taken)
    names = []
    for title in titles:
        base = name = _slug(title)
        number = 1
        while name in used:
            number += 1
            name = f"{base}-{number}"
        used.add(name)
        names.append(name)
    return names


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title.casefold().translate(_LETTERS)).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60].rstrip("-")
    if not words:
        return f"value-{hashlib.sha256(title.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return f"{words}-value" if _DEVICES.fullmatch(words) else words
