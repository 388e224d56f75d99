"""The run's one pass over the data: read, tally, hide what must be hidden, and list the jobs.

Everything that can be wrong with parameters, notebooks, mapping and data is found here, before anything is written.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cxkit.analysis.cohorts import DAYS, MONTHS, with_cohorts
from cxkit.analysis.comments import with_comments
from cxkit.analysis.crosstabs import crosstab_of
from cxkit.analysis.drivers import with_drivers
from cxkit.analysis.gradient import with_gradient
from cxkit.analysis.journeys import pairs, summed, with_journey
from cxkit.analysis.nonresponse import with_nonresponse
from cxkit.analysis.privacy import mask, record
from cxkit.analysis.sharing import protected, public, refusals, shared, unquoted
from cxkit.analysis.summaries import moved, summary
from cxkit.analysis.targets import read_targets, unanswered
from cxkit.analysis.totals import left_out, merged, small_levels, with_totals
from cxkit.errors import CxError, nearest
from cxkit.files import require_same, sha256
from cxkit.input.databases import readable
from cxkit.input.mapping import Mapping as DataMapping
from cxkit.input.mapping import lacking, load_mapping
from cxkit.input.periods import Calendar
from cxkit.input.refusals import are_lost
from cxkit.input.responses import Responses, read
from cxkit.metrics import METRICS
from cxkit.runs import history
from cxkit.runs.files import remove
from cxkit.runs.jobs import Job, Prepared, check_notebooks, expand
from cxkit.runs.notebooks import self_contained
from cxkit.runs.params import RunParams, paths, sources
from cxkit.sample.write import MAPPINGS
from cxkit.schema import (
    COMPARISONS,
    ESTIMATES,
    FIRST,
    PEERS,
    SAMPLES,
    SECOND,
    TARGETS,
    WEIGHTS,
    Rules,
    accepting,
    remarked,
)
from cxkit.tallies.audit import audit, kept, spelled
from cxkit.tallies.quality import days, elsewhere, partial
from cxkit.tallies.raking import raked, read_margins
from cxkit.tallies.remarks import listed, lost_parts, lost_reasons, of_run
from cxkit.tallies.storage import save, save_places
from cxkit.tallies.tallies import Place, Tallies
from cxkit.tallies.tally import filtered, spelled_filters, tally
from cxkit.tallies.windows import called, over, window_of

OTHER_SHELVES = "not protected: another shelf of the same data, copies, mails (docs/privacy.md)"


@dataclass(frozen=True, slots=True)
class Plan:
    """A run in memory: nothing is written yet.

    Attributes:
        tallies: Counts, with hidden cells taken out.
        now: The period that the reports are about.
        befores: The period that it is compared with, or both.
        jobs: What is to be done.
        skipped: Reports that are not made, and why.
        notes: What the operator should know.
        audit: Everything about the data, for the operator; pages get what `sharing` lets out.
        whole: The tallies before anything was hidden.
        targets: Metric -> target, of levels that the data hold.
        beside: What places are set against all others in: the period, and windows of several periods.
    """

    tallies: Tallies
    now: str
    befores: list[str]
    jobs: list[Job]
    skipped: list[dict[str, Any]]
    notes: list[str]
    audit: dict[str, pd.DataFrame]
    whole: Tallies
    targets: dict[str, Any]
    beside: list[Tallies] = field(default_factory=list)


def prepare(params: RunParams, work: Path) -> Prepared:
    """Plan a run and write its tallies and its summary.

    Args:
        params: Checked parameters.
        work: The run's private folder, for `tallies.parquet` and `summary.parquet`; made when everything is checked.

    Raises:
        CxError: Anything wrong with parameters, notebooks, mapping or data; nothing is written then.
    """
    params = spelled_out(params)
    planned = plan(params, work / "tallies.parquet")
    odd = listed(unquoted(planned.audit["remarks"]))
    if stops := odd["stop"]:
        said = "".join(f"\n{remarked(row)}; where that is right: {accepting(row)}" for row in stops)
        raise CxError(f"{params.file}: the data are not as the mapping says, and `cxkit check` tells all of it{said}")
    told = _summary(planned, params)
    work.mkdir(parents=True, exist_ok=True)
    save(planned.tallies, work / "tallies.parquet")
    told.to_parquet(work / "summary.parquet", index=False)
    record(planned.whole, planned.tallies, history.secret(work)).to_parquet(work / history.NEXT, index=False)
    return Prepared(
        name=params.name,
        title=params.title,
        as_of=params.date.isoformat(),
        period=params.period,
        now=planned.now,
        before=planned.befores[0],
        further=planned.befores[1:],
        metrics=[metric.to_dict() for metric in planned.tallies.metrics.values()],
        jobs=_with_data(planned, params, told, work),
        skipped=planned.skipped,
        tallies=str(work / "tallies.parquet"),
        summary=str(work / "summary.parquet"),
        data=_marked(planned, history.secret(work)),
        refused=_records(planned.tallies.audit),
        filters=spelled_filters(params.where),
        notes=planned.notes,
        remarks=_worded(odd["look"]),
        lang=params.lang,
        look=params.dress,
        settings=history.settings(params),
        release=str(work / history.NEXT),
        hide_below=params.rules.hide_below,
        signals=_signals(told, planned.now),
    )


def _worded(odd: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{key: row[key] for key in ("code", "weight", "about")} | {"words": remarked(row)} for row in odd]


def _signals(told: pd.DataFrame, now: str) -> list[dict[str, Any]]:
    """What signals in the period of the reports."""
    found = told[told["part"].eq("watch") & told["period"].eq(now)]
    return _records(found.loc[found["signal"].eq(True), ["report", "metric", "since", "direction"]])


def _with_data(planned: Plan, params: RunParams, summary: pd.DataFrame, work: Path) -> list[Job]:
    """The jobs, each with the file of the cells that it may show and the hash of that file.

    A report gets its own place and the run's comparisons of it, overview and audit the whole. A notebook that may read
    something else gets no hash: nobody could tell whether its page would come out the same.
    """
    remove(work / "places")
    (work / "places").mkdir()
    made = {"now": planned.now, "before": planned.befores, "level": params.level, "correction": params.correction}
    made["lead"] = params.metrics[0]
    t = planned.tallies
    own = [name for name in t.by if name in params.for_each]
    moves = _of_reports(summary, ["comparison", SECOND], ["metric", *own, *COMPARISONS[1:]])
    aims = _of_reports(summary, ["target"], ["metric", "period", *own, *TARGETS[2:]])
    design = {part: list(getattr(t, part)["metric"].unique()) for part in ("sums", "pairs")}
    reports = {tuple(job.where.items()): job.name for job in planned.jobs if job.kind == "report" and job.where}
    total = (summary["part"] == "estimate") & (summary["period"] == planned.now) & summary[own].isna().all(axis=1)
    whole = summary.loc[total, ["metric", "period", *ESTIMATES[2:]]]
    crossed = crosstab_of(summary, planned.now, own, t.by) if params.segments and own else {}
    nothing = summary[:0][["part", "metric"]]
    told = list(dict.fromkeys(["part", "metric", *own, *ESTIMATES, *COMPARISONS, *PEERS]))
    beside = _of_reports(summary, ["peer", "window estimate", "window comparison"], told)
    comparisons, signals = (summary[summary["part"].isin(parts)] for parts in (("comparison", SECOND), ("watch",)))
    others = moved(comparisons, signals, planned.now, own)
    there = {tuple(dict(where).values()): f"{name}.html" for where, name in reports.items()}
    others["file"] = [there.get(place, "") for place in others[own].itertuples(index=False, name=None)]
    places = {
        name: Place(
            dict(where), moves[name], made, design, aims.get(name, nothing), whole,
            others[others["file"] != f"{name}.html"], crossed.get(name, nothing), beside.get(name, nothing),
        )
        for where, name in reports.items()
    }  # fmt: skip
    files = save_places(planned.tallies, places, work / "places")
    closed = {job.notebook: self_contained(Path(job.notebook)) for job in planned.jobs}
    jobs = []
    for job in planned.jobs:
        path = files[reports[tuple(job.where.items())]] if job.where else work / "tallies.parquet"
        known = sha256(path) if closed[job.notebook] else ""
        jobs.append(replace(job, data=known, parameters=job.parameters | {"tallies": str(path)}))
    return jobs


def _marked(planned: Plan, key: str) -> list[dict[str, Any]]:
    """What is told of each file, with a hash of it that only who has the private key can compute."""
    told = zip(planned.tallies.provenance["files"], planned.whole.provenance["files"], strict=True)
    return [
        {**public, "hmac": hmac.digest(key.encode(), file["sha256"].encode(), "sha256").hex()} if "sha256" in file
        else dict(public)
        for public, file in told
    ]  # fmt: skip


def _of_reports(summary: pd.DataFrame, parts: Sequence[str], columns: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The rows of some parts of the summary by the report that they belong to."""
    rows = summary[summary["part"].isin(parts)]
    return {str(name): found[columns] for name, found in rows.groupby("report")}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON-ready data, without what a row leaves blank."""
    rows = frame.to_dict("records")
    return [{str(key): value for key, value in row.items() if not pd.isna(value)} for row in rows]


def spelled_out(params: RunParams) -> RunParams:
    """The parameters with the metrics of its options for the name of a question with several answers."""
    mapping = _mapping(params)
    return params.model_copy(update={"metrics": mapping.spelled_out(params.metrics)}) if mapping else params


@readable
def plan(params: RunParams, path: Path) -> Plan:
    """Read and tally the data and list the jobs; `path` is where the jobs will find the tallies.

    Raises:
        CxError: As `prepare`.
    """
    params, mapping = spelled_out(params), _mapping(params)
    _check_metrics(params, mapping)
    check_notebooks(params)
    calendar = mapping.calendar(params.period) if mapping else Calendar(params.period)
    span = resolve(params, calendar) if params.period != "wave" else None
    survey = responses(params, mapping)
    now, *befores = span or resolve(params, survey.in_order())
    _check_periods(params, survey)
    survey = _raked(params, survey, now)
    whole, counted = _counted(params, survey, now, befores)
    merges = _merges(params, counted, [now, *befores])
    for name, levels in merges.items():
        survey = merged(survey, name, levels)
    if merges:
        whole, counted = _counted(params, survey, now, befores)
    facts = audit(survey, whole, invited=params.invited, where=params.where)
    today = "" if params.as_of else " (today)"
    first = FIRST in befores
    compared = ", the first wave, without changes" if first else f" compared with {' and '.join(befores)}"
    notes = [f"as of {params.date}{today}: {now}{compared}"]
    notes += [f"merge_small: {name}: {len(levels)} levels are one" for name, levels in merges.items()]
    for before in [one for one in befores if one not in counted.periods]:
        notes += (
            []
            if first
            else [f"{_unused(of_run(survey, params.where), whole, before)}, so that no change can be tested"]
        )
        counted = replace(counted, periods=_with_before(counted, before, survey))
    values, unknown = _with_listed(params, counted, facts["remarks"])
    params, unmet = _aimed(params, values)
    unknown += unmet
    jobs, skipped = expand(params, found(counted, list(params.for_each)), path, now, befores)
    masked, places = mask(replace(counted, values=values)), list(params.for_each)
    if params.comments:
        least = params.comments_minimum or params.rules.judge_from
        masked = with_comments(masked, survey, now, places, params.comments, least)
    for asked, added in ((params.drivers, with_drivers), (params.gradient, with_gradient),
                         (params.nonresponse, with_nonresponse)):  # fmt: skip
        if asked:
            masked = added(masked, survey, asked.model_dump(), params.where, now, places, params.level)
    if params.journey:
        given: Any = (params.where, now, places, params.level, params.correction)
        masked = with_journey(masked, survey, params.journey.model_dump(), *given)
    if params.cohorts:
        masked = _with_cohorts(masked, params, survey, now)
    cut = {label: words for label, words in partial(days(survey), calendar).items() if label in (now, *befores)}
    unknown += [f"{label} may be partial: {words}" for label, words in cut.items()]
    unknown += _about_others(survey, params)
    shown = _shareable(masked, facts, params)
    spelled = {"months": {label: calendar.months(label) for label in (now, *befores)}} if calendar.fiscal else {}
    shown = replace(shown, provenance={**shown.provenance, **spelled, "partial": cut})
    require_same(survey.stamps)
    beside = _beside(params, survey, masked, now, whole.periods[0])
    if params.level_over and params.population:
        unknown.append("level_over: of several periods no population is known, so that limits there are the wider ones")
    return Plan(shown, now, befores, jobs, skipped, notes + unknown, facts, counted, _dumped(params), beside)


def told(params: RunParams) -> tuple[list[str], list[dict[str, str]]]:
    """What a run would read, make and skip, in lines for the operator; and the remarks, also of weight "stop".

    Raises:
        CxError: As `prepare`.
    """
    planned = plan(params, Path("tallies.parquet"))
    odd = listed(planned.audit["remarks"])
    rows = {weight: _worded(odd[weight]) for weight in WEIGHTS}
    said = {weight: [f"{word}: {row['words']}" for row in rows[weight]] for weight, word in WEIGHTS.items()}
    look, stops = said["look"], [f"{words}; where that is right: {accepting(row)}"
                                 for words, row in zip(said["stop"], odd["stop"], strict=True)]  # fmt: skip
    end = (
        f"{len(planned.jobs)} reports, {len(look)} thing{'s' * (len(look) > 1)} to look at"
        if look
        else f"fine, {len(planned.jobs)} reports"
    )
    end = "stopped by what is said above; nothing would be made" if stops else end
    lines = [
        *spelled(planned.audit),
        *(f"{params.name}: {note}" for note in planned.notes),
        *(f"would make {job.file}: {job.title}" for job in planned.jobs),
        *(f"would skip {skip['title']}: {skip['why']}" for skip in planned.skipped),
        OTHER_SHELVES,
        *said["record"],
        *look,
        *stops,
        f"{params.file}: {end}",
    ]
    return lines, [row for weight in WEIGHTS for row in rows[weight]]


def _about_others(survey: Responses, params: RunParams) -> list[str]:
    """A note for each item of which an answer about one place made way for an answer about another."""
    items = dict.fromkeys(survey.metrics[name].item for name in params.metrics)
    lost = {item: elsewhere(survey, item, list(params.for_each), params.period) for item in items}
    told = f"answers gave way to a later one of the same respondent about another {' or '.join(params.for_each)}"
    hint = "where each counts, declare the item as transactional"
    return [f"{item}: {n:,} {told}; {hint}" for item, n in lost.items() if n]


def _shareable(masked: Tallies, facts: Mapping[str, pd.DataFrame], params: RunParams) -> Tallies:
    """Tallies with what pages may print of the audit of the data."""
    told = {**masked.provenance, "audit": kept(shared(facts, masked, params.invited))}
    told["files"] = [public(file, masked) for file in told["files"]]
    return replace(masked, audit=refusals(masked), provenance=told | ({"rows": None} if protected(masked) else {}))


def _counted(params: RunParams, survey: Responses, now: str, befores: Sequence[str]) -> tuple[Tallies, Tallies]:
    """The whole tallies, and those whose total leaves places out that it would give away."""
    places = list(params.for_each)
    levels = [(), *((name,) for name in places), tuple(places), *((*places, other) for other in params.segments)]
    inside = params.journey.in_order() if params.journey else []
    levels += pairs(params.journey.model_dump(), places) if params.journey else []
    given: dict[str, Any] = {
        "metrics": params.metrics,
        "by": list(dict.fromkeys([*places, *inside, *params.segments])),
        "period": params.period,
        "pairs": [(now, before) for before in befores],
        "rest": True,
        "where": params.where,
        "rules": Rules(**params.rules.model_dump()),
        "until": now,
        "population": params.population,
    }
    counted = tally(survey, levels=levels, **given)
    if now in counted.periods:
        # Everybody cut by segments is compared segment by segment with the rest, for which the total has to be whole.
        if (not places and params.segments) or (withheld := left_out(counted, (now, *befores))).empty:
            return counted, counted
        totals = tally(survey, levels=[()], without=withheld, **{**given, "population": None})
        return counted, with_totals(counted, totals, withheld)
    held = f"{counted.periods[0]} to {counted.periods[-1]}" if counted.periods else "nothing at all"
    rows = counted.audit[counted.audit["item"] == "row"]
    refused = "".join(f"\nrefused rows: {row.reason}: {row.n:,}" for row in rows.itertuples())
    hint = "; declare `time_format` in the mapping" if rows["reason"].str.startswith("time that").any() else ""
    for item in dict.fromkeys(metric.item for metric in counted.metrics.values()):
        why, labels = lost_reasons(survey, item)
        refused += f"\nrefused answers: {item}: {why}" if why else ""
        refused += f"; write `{labels}` under items.{item}" if labels else ""
    why = _unused(of_run(survey, params.where), counted, now)
    raise CxError(f"{params.file}: now: {why}; up to then the data hold {held}{refused}{hint}")


def _unused(survey: Responses, counted: Tallies, period: str) -> str:
    """Why a period holds no answer, in words: nobody gave one, or all were refused."""
    items = list(dict.fromkeys(metric.item for metric in counted.metrics.values()))
    parts = lost_parts(survey, counted, items)
    refused = int(parts.loc[(parts["cut"] == "") & (parts["period"] == period), "n"].sum())
    rows = survey.refused[(survey.refused["item"] == "row") & are_lost(survey.refused["reason"])]
    if refused or len(rows):
        lost = f"{refused:,} are refused" if refused else "rows are refused whose period is not known"
        return f"no answer of {period} can be used: {lost}"
    return f"nobody answered in {period}"


def _raked(params: RunParams, survey: Responses, now: str) -> Responses:
    """The responses with weights that make each period agree with the margins of the run, where it has any."""
    if isinstance(params.weights, bool):
        return survey
    margins = read_margins(Path(params.data or params.root) / Path(params.weights.rake).expanduser())
    table = filtered(survey, params.period, params.where, now)
    return raked(survey, table, margins, params.period, params.weights.trim, params.weights.rake)


def _beside(params: RunParams, survey: Responses, masked: Tallies, now: str, first: str) -> list[Tallies]:
    """In what places are set against all others: the period, and the last windows of several ones.

    Where the total leaves places out, all others are those that are shown in the period; raked weights are of all, so
    that there are none then. A window that begins before the first period of the data is none.
    """
    places, size = list(params.for_each), params.window
    if not places:
        return []
    withheld = bool(masked.provenance.get("withheld"))
    found = [] if withheld else [masked]
    if withheld and not survey.raking:
        found = [mask(over(survey, masked, places, [[now]], params.where, params.population))]
    start = masked.calendar.start
    spans = [window_of(masked, masked.calendar.shift(now, -back), size) for back in (size, 0)] if size else []
    if spans := [span for span in spans if start(span[0]) >= start(first)]:
        found.append(mask(over(survey, masked, places, spans, params.where)))
    ends = {now, *map(called, spans[-1:])}
    return [one for one in found if ends & {*one.periods[-1:]}]  # of hidden items nothing is counted


def _with_cohorts(masked: Tallies, params: RunParams, survey: Responses, now: str) -> Tallies:
    """The tallies with the cohorts of everybody and of each place, which are those of the periods up to now."""
    name, places = str(params.cohorts), list(params.for_each)
    own = masked
    if name not in params.metrics:
        given: dict[str, Any] = {"by": places, "levels": list(dict.fromkeys([(), tuple(places)])), "pairs": []}
        given |= {"period": params.period, "where": params.where, "until": now, "rules": masked.rules}
        own = mask(tally(survey, [name], **given))
    times = MONTHS if survey.mapping.items[survey.metrics[name].item].unit == "months" else DAYS
    return with_cohorts(masked, own, name, places, params.level, params.correction, times)


def _merges(params: RunParams, counted: Tallies, periods: Sequence[str]) -> dict[str, list[str]]:
    """The levels of each segment dimension that are put together."""
    names = params.segments if params.merge_small else []
    found = {name: small_levels(counted, name, periods) for name in names}
    return {name: levels for name, levels in found.items() if levels}


def _with_before(counted: Tallies, before: str, survey: Responses) -> list[str]:
    """The periods with the one that is compared with, which lies before all answers (or among waves without any)."""
    if before == FIRST:
        return [before, *counted.periods]
    if survey.waves:
        return [wave for wave in survey.waves.waves if wave in (*counted.periods, before)]
    return counted.calendar.span([before, *counted.periods])


def _mapping(params: RunParams) -> DataMapping | None:
    """The mapping of a run, without the roles that it switches off; None where columns are called as the kit does."""
    frame = SAMPLES.get(params.source) if isinstance(params.source, str) else None
    given = MAPPINGS[frame] if params.mapping is None and frame else params.mapping
    return given if given is None else _without(params, load_mapping(given))


def responses(params: RunParams, mapping: DataMapping | None) -> Responses:
    """The responses of a run.

    Raises:
        CxError: Where a file is absent, with the words of `download`.
    """
    folder = Path(params.data or params.root)
    named = [path for source in sources(params) for path in paths(source)]
    absent = [path for path in named if not os.path.exists(folder / path)]
    if absent:
        files = "\n".join(f"{folder / path}: no such file" for path in absent)
        hint = f"\n{params.download.strip()}" if params.download else ""
        raise CxError(f"{files}{hint}\nAnother folder is named by --set data=FOLDER")
    survey = read(params.source, mapping, folder=folder, memory=params.memory)
    if mapping is None and (bare := _without(params, survey.mapping)) != survey.mapping:
        survey = read(params.source, bare, folder=folder, memory=params.memory)
    return survey


def _without(params: RunParams, mapping: DataMapping) -> DataMapping:
    off = {"weight": params.weights, "cluster": params.clusters, "comment": params.comments}
    if params.comments and not mapping.columns.comment:
        raise CxError(f"{params.file}: comments: the mapping has no column in the role `comment`")
    columns = mapping.columns.model_copy(update={role: None for role, on in off.items() if not on})
    return mapping.model_copy(update={"columns": columns})


def resolve(params: RunParams, held: Sequence[str] | Calendar) -> tuple[str, ...]:
    """The period of the reports and the one or two that it is compared with, as they are written.

    Args:
        params: With `now`, `against` and the date that relative periods are counted from.
        held: The waves of the data in order, or how time is cut.

    Raises:
        CxError: A period that is not written as it should be, does not exist, has nothing before it, or comes twice.
    """
    try:
        now, *befores = _periods(params, held) if isinstance(held, Calendar) else _waves(params, held)
        later = isinstance(held, Calendar) and [one for one in befores if held.start(one) >= held.start(now)]
    except CxError as error:
        raise CxError(f"{params.file}: now, against: {error}") from None
    if later:
        raise CxError(f"{params.file}: against: expected a period before {now}, found {later[0]}")
    if len(set(befores)) < len(befores):
        both = " and ".join(params.against)
        raise CxError(f"{params.file}: against: expected two periods, found {both}, which both are {befores[0]}")
    return now, *befores


def _periods(params: RunParams, calendar: Calendar) -> list[str]:
    relative = params.latest.startswith("last complete")
    now = calendar.last_complete(params.date) if relative else params.latest
    known = {"previous": calendar.shift(now, -1), "year_ago": calendar.year_ago(now)}
    return [now, *(known.get(one, one) for one in params.against)]


def _check_metrics(params: RunParams, mapping: DataMapping | None) -> None:
    known = mapping.metrics if mapping else METRICS
    items = params.drivers.items if params.drivers else []
    asked = {"metrics": params.metrics, "drivers.items": mapping.spelled_out(items) if mapping else items}
    asked["cohorts"] = [params.cohorts] if params.cohorts else []
    for key, name in ((key, name) for key, names in asked.items() for name in names):
        if name not in known:
            lacks = lacking(mapping, name)
            raise CxError(f"{params.file}: {key}: {name!r}: {lacks}; {nearest(name, known)}")
    if mapping:
        _check_differences(params, mapping, {known[name].item for names in asked.values() for name in names})
    if params.cohorts and known[params.cohorts].statistic != "quantile":
        raise CxError(f"{params.file}: cohorts: {params.cohorts!r} is no duration, such as the time as a customer")
    made = "weights" if not isinstance(params.weights, bool) else "rows" if mapping and mapping.monthly else ""
    if params.level_over and made:
        why = f"{made} are made for each period, so that answers of several are not put together"
        raise CxError(f"{params.file}: level_over: {why}")
    for number, mark in enumerate(params.benchmarks):
        low, high = known[mark.metric].ends
        if not low <= mark.value <= high:
            found = f"expected {low:g} to {high:g}, found {mark.value:g}"
            raise CxError(f"{params.file}: benchmarks.{number}.value: {found}")

    try:
        read_targets(_dumped(params), known)
    except CxError as error:
        raise CxError(f"{params.file}: {error}") from None


def _dumped(params: RunParams) -> dict[str, Any]:
    return {name: target.model_dump() for name, target in params.targets.items()}


def _check_differences(params: RunParams, mapping: DataMapping, read: Collection[str]) -> None:
    """Refuse items and differences of items that add up: their bases differ by the few who left one of them out."""
    joined: dict[str, str] = {}
    known: dict[frozenset[str], str] = {}

    def end(name: str) -> str:
        return end(joined[name]) if name in joined else name

    for one, item in mapping.items.items():
        pair = frozenset((item.item, item.minus) if item.item and item.minus else ("", one))
        if one not in read or pair in known:
            continue
        known[pair] = one
        first, second = map(end, pair)
        if first == second:
            names = [name for ends, name in known.items() if end(min(ends)) == first]
            why = "the answers of the few who left out one of these questions would come out"
            raise CxError(f"{params.file}: metrics: {', '.join(names)} add up; leave one of them out: {why}")
        joined[first] = second


def _check_periods(params: RunParams, survey: Responses) -> None:
    """Refuse periods of invitations and events that are written in another way than those of the run."""
    calendar = survey.mapping.calendar(params.period)
    asked = [("invited", name) for name in params.invited]
    for key, name in [*asked, *((f"events.{i}.period", event.period) for i, event in enumerate(params.events))]:
        try:
            _known(name, survey.waves.known) if survey.waves else calendar.start(name)
        except CxError as error:
            raise CxError(f"{params.file}: {key}: {error}") from None


def _known(wave: str, held: Sequence[str]) -> None:
    if wave not in held:
        raise CxError(f"{wave!r} is no wave of the data; {nearest(wave, held)}")


def _waves(params: RunParams, held: Sequence[str]) -> list[str]:
    if not held:
        raise CxError("the data hold no wave")
    now = held[-1] if params.latest == "latest" else params.latest
    _known(now, held)
    previous = held[held.index(now) - 1] if now != held[0] else FIRST
    for wave in (one for one in params.against if one != "previous"):
        _known(wave, held)
        if held.index(wave) >= held.index(now):
            order = ", ".join(held)
            raise CxError(f"expected a wave before {now!r}, found {wave!r}; their order is {order}")
    return [now, *(previous if one == "previous" else one for one in params.against)]


def found(counted: Tallies, places: Sequence[str]) -> list[tuple[str, ...]]:
    """The combinations of values that get a report: declared or found for one dimension, found for two."""
    if not places:
        return [()]
    if len(places) == 1:
        return [(value,) for value in counted.values[places[0]]]
    rows = counted.counts.loc[counted.counts["cut"] == counted.cut(places), list(places)].drop_duplicates()
    there = [tuple(map(str, row)) for row in rows.itertuples(index=False)]
    order = [{value: i for i, value in enumerate(counted.values[name])} for name in places]
    return sorted(there, key=lambda place: [rank[value] for rank, value in zip(order, place, strict=True)])


def _with_listed(params: RunParams, counted: Tallies, remarks: pd.DataFrame) -> tuple[dict[str, list[str]], list[str]]:
    """The levels of each dimension with those that `for_each` lists, and a note for each that nobody answered."""
    refused = set(remarks["level"][remarks["code"] == "lost in a place"])
    values, notes = dict(counted.values), []
    for name, wanted in params.for_each.items():
        extra = [value for value in wanted or [] if value not in values[name]]
        notes += [
            f"for_each: nobody answered for {name} {v!r}; {nearest(v, values[name])}" for v in extra if v not in refused
        ]
        values[name] = values[name] + extra
    return values, notes


def _aimed(params: RunParams, values: Mapping[str, Sequence[str]]) -> tuple[RunParams, list[str]]:
    """The parameters without targets of levels that nobody is of, and a note for each of these."""
    targets, notes = _dumped(params), []
    for name, dimension, level in unanswered(targets, values):
        del targets[name]["by"][dimension][level]
        hint = nearest(level, values[dimension])
        notes.append(f"targets.{name}.by: nobody answered for {dimension} {level!r}; {hint}")
    kept = {name: params.targets[name].model_copy(update={"by": target["by"]}) for name, target in targets.items()}
    return params.model_copy(update={"targets": kept}), notes


def _summary(planned: Plan, params: RunParams) -> pd.DataFrame:
    """The summary of the run, each row with the report that it belongs to; what tells of all is the overview's."""
    places = tuple(params.for_each)
    kinds = ("report", "overview")
    names: dict[Any, str] = {tuple(job.where.items()): job.name for job in planned.jobs if job.kind in kinds}
    names |= {tuple(skip["where"].items()): skip["name"] for skip in planned.skipped if skip["kind"] in kinds}
    found = summary(
        planned.tallies, planned.now, planned.befores, places, params.segments, params.metrics[0], params.level,
        params.correction, planned.targets, planned.beside,
    )  # fmt: skip
    found = pd.concat([found, *summed(planned.tallies)], ignore_index=True)
    levels = found.reindex(columns=list(places)).to_dict("records")
    keys = [tuple((name, value) for name, value in row.items() if pd.notna(value)) for row in levels]
    keys = [() if part == "contribution" else key for part, key in zip(found["part"], keys, strict=True)]
    found.insert(0, "report", [names.get(key, names.get((), "")) for key in keys])
    return found
