"""One place in one period against another: what notebooks call, a verb a cell.

A report holds the frames and shows them; what a verb shows, and in which words, is `cxkit.show`'s, every number
`cxkit.analysis`'s. It is the same object in a run and in JupyterLab.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from cxkit import show
from cxkit.analysis.alike import alike
from cxkit.analysis.bands import bands
from cxkit.analysis.cells import known
from cxkit.analysis.cohorts import cohorts_of
from cxkit.analysis.comments import comments
from cxkit.analysis.comparisons import Correction, compare, one_or_two
from cxkit.analysis.contrasts import against_rest
from cxkit.analysis.crosstabs import crosstab
from cxkit.analysis.curves import curve
from cxkit.analysis.drivers import drivers_of
from cxkit.analysis.estimates import at, chosen, distribution, estimate
from cxkit.analysis.gradient import gradient_of
from cxkit.analysis.hazards import hazards
from cxkit.analysis.journeys import journey_of
from cxkit.analysis.leagues import league
from cxkit.analysis.nonresponse import nonresponse_of
from cxkit.analysis.peers import peers
from cxkit.analysis.provenance import provenance
from cxkit.analysis.sensitivity import readings
from cxkit.analysis.summaries import moved
from cxkit.analysis.targets import against_target, by_segment, read_targets
from cxkit.analysis.watching import level as level_of
from cxkit.analysis.watching import watch
from cxkit.analysis.why import why
from cxkit.errors import CxError, nearest
from cxkit.metrics import Metric
from cxkit.schema import COMPARISONS, ESTIMATES, PEERS
from cxkit.show.html import Html, absent, join, tag
from cxkit.show.labels import words
from cxkit.show.rows import spoken, when
from cxkit.tallies.storage import load
from cxkit.tallies.tallies import Tallies

NO_REST = tag("p", "The total leaves places out, so that nothing is compared with its rest.", class_="cx-none")


def report(
    tallies: Tallies | str | Path,
    where: Mapping[str, str] | None = None,
    now: str = "",
    before: str | Sequence[str] = "",
    *,
    metrics: Sequence[str] | None = None,
    segments: Sequence[str] | None = None,
    level: float = 0.95,
    correction: Correction = "holm",
    benchmarks: Sequence[Mapping[str, object]] = (),
    events: Sequence[Mapping[str, str]] = (),
    title: str = "",
    all_parts: bool = False,
    targets: Mapping[str, Any] | None = None,
) -> Report:
    """A report on one place: frames to look at, and verbs that show themselves.

    Args:
        tallies: Tallies, or the file of `cx.save` or of a run.
        where: One level per dimension; everybody if None.
        now: The period; the last one if blank.
        before: The period it is compared with; the one declared with `now` if blank. Of two, which are one family, the
            first is what sentences, figures and segments are about; the table of metrics has both.
        metrics: Names, the lead metric first; all if None.
        segments: Dimensions that are compared inside the place; those that were tallied with it if None.
        level: Confidence level of the intervals.
        correction: "holm" or "bh", for several comparisons at once.
        benchmarks: Published values, drawn as lines: metric, value, name, source, date.
        events: What happened, marked in trends and never tested: period, text.
        title: What the page is called; the place if blank.
        all_parts: Whether the segments are the places of a run, as in an overview: each dimension is then by itself.
        targets: Metric -> target, as `cx.against_target` takes them.

    Raises:
        CxError: A metric, period, dimension or level that was not tallied.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps", "csat"], by=["brand"], rest=True)
    >>> r = cx.report(tallies, {"brand": "Brimvale"})
    >>> r
    Brimvale, 2026-10 against 2026-09: NPS, CSAT
    >>> r.comparisons[["metric", "verdict"]].to_dict("list")
    {'metric': ['nps', 'csat'], 'verdict': ['changed', 'no evidence']}
    """
    t = tallies if isinstance(tallies, Tallies) else load(tallies)
    place = dict(where or {})
    for name, value in place.items():
        known(t, name)
        if value not in t.values[name]:
            raise CxError(f"where: nobody is tallied at {name} = {value!r}; {nearest(value, t.values[name])}")
    now = now or (t.periods[-1] if t.periods else "")
    if now not in t.periods:
        raise CxError(f"now: no answers are tallied in {now!r}; {nearest(now, t.periods)}")
    befores = [before] if isinstance(before, str) else list(before)
    befores = befores if any(befores) else _declared(t, now)
    if not befores:
        raise CxError(f"before: {now} was tallied without a period to compare it with; declare `pairs`")
    for one in one_or_two(befores):
        if one in t.periods and t.periods.index(one) >= t.periods.index(now):
            raise CxError(f"before: expected a period before {now}, found {one}")
    for name in segments or ():
        known(t, name)
        if name in place:
            raise CxError(f"segments: {name!r} has one level in this place")
    if segments is None:
        inside = [set(one) - set(place) for one in t.levels if set(place) < set(one)]
        segments = [name for name in t.by if {name} in inside]
    named = [metric.name for metric in chosen(t, metrics)]
    read_targets(targets or {}, t.metrics)
    aims = {name: targets[name] for name in named if name in targets} if targets else {}
    drawn = {"benchmarks": benchmarks, "events": events}
    return Report(t, place, now, befores, named, list(segments), level, correction, drawn, title, all_parts, aims)


def _declared(tallies: Tallies, now: str) -> list[str]:
    """What a run compared a place with, else the first period that was declared with this one; nothing without any."""
    made = tallies.place.made if tallies.place else {}
    if made.get("now") == now:
        return list(made["before"])
    return [earlier for later, earlier in tallies.compared if later == now][:1]


class Report:
    """What `report` makes.

    Attributes:
        tallies: The counts.
        where: The place.
        now: The period.
        before: The period it is compared with.
        further: The second one, if there is one.
        metrics: Names, the lead metric first.
        segments: Dimensions that are compared inside the place.
        lead: The first metric.
        title: What the page is called.
    """

    def __init__(
        self, tallies: Tallies, where: dict[str, str], now: str, befores: list[str], metrics: list[str],
        segments: list[str], level: float, correction: Correction, drawn: Mapping[str, Any], title: str,
        all_parts: bool, targets: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.tallies, self.where, self.now, (self.before, *self.further) = tallies, where, now, befores
        self.metrics, self.segments, self.lead = metrics, segments, tallies.metrics[metrics[0]]
        self.title = title or " · ".join(where.values()) or "Everybody"
        self._level, self._drawn, self._targets = level, drawn, targets
        self._all_parts = all_parts
        self._tested: dict[str, Any] = {"level": level, "correction": correction}
        self._pair = tallies, now, self.before

    def __repr__(self) -> str:
        labels = ", ".join(self._metric(name).label for name in self.metrics)
        place = " · ".join(self.where.values()) or "Everybody"
        return f"{place}, {self.now} against {' and '.join([self.before, *self.further])}: {labels}"

    # Frames -----------------------------------------------------------------------------------------------------------

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """Every metric of the place in the period."""
        return at(self._estimate(self.metrics, list(self.where), periods=[self.now]), self.where)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """The change of every metric of the place; of two comparisons the first."""
        return at(self.changes, {"before": self.before})

    @cached_property
    def changes(self) -> pd.DataFrame:
        """All changes of the place, also against a second period."""
        return at(self._compared, self.where)

    @cached_property
    def _compared(self) -> pd.DataFrame:
        """The changes of all places that the tallies hold."""
        given: dict[str, Any] = {"by": list(self.where), "metrics": self.metrics, "lead": self.lead.name}
        return compare(self.tallies, self.now, [self.before, *self.further], **self._tested, **given)

    @cached_property
    def moved(self) -> pd.DataFrame | None:
        """Which other places moved (<dimensions>, metric, direction, file of the page); None where there are none."""
        if not self.where:
            return None
        if self.tallies.place is not None:
            found = self.tallies.place.moved
        else:
            signals = watch(self.tallies, by=list(self.where), metrics=self.metrics, together=True)
            found = moved(self._compared, signals, self.now, list(self.where)).assign(file="")
            found = found[found[list(self.where)].ne(pd.Series(self.where)).any(axis=1)]
        return found[found["metric"].isin(self.metrics)]

    @cached_property
    def whole(self) -> pd.DataFrame | None:
        """The scores of everybody, beside which a place stands; None where they are not known, or nothing else is."""
        if not self.where:
            return None
        if self.tallies.place is None:
            known = () in self.tallies.levels
            return (
                estimate(self.tallies, self._level, by=(), metrics=self.metrics, periods=[self.now]) if known else None
            )
        found = self.tallies.place.whole
        return found[found["metric"].isin(self.metrics)] if len(found) else None

    @cached_property
    def targets(self) -> pd.DataFrame:
        """Where every metric of the place that has a target stands to it; no row without targets."""
        return at(self._against_target(self._targets, by=list(self.where)), self.where)

    @cached_property
    def peers(self) -> pd.DataFrame:
        """Every metric of the place against all other places, in the period and in the windows of the run.

        No row where these are not known.
        """
        t, by = self.tallies, list(self.where)
        if t.place is not None:
            return self._beside("peer", ["metric", "period", *by, *PEERS[2:]])
        whole = tuple(by[:-1]) in t.levels and not self._unlike(every=True)
        if not by or not whole or not (t.sums.empty or "rest_shared" in t.sums):
            return pd.DataFrame(columns=["metric", "period", *PEERS[2:]])
        return at(peers(t, self.now, by, **self._tested, metrics=self.metrics, lead=self.lead.name), self.where)

    def _beside(self, part: str, columns: Sequence[str]) -> pd.DataFrame:
        """What the run found of the place beside others, or over several periods; nothing of the whole."""
        held = self.tallies.place.beside if self.tallies.place else pd.DataFrame({"part": [], "metric": []})
        return held[held["part"].eq(part) & held["metric"].isin(self.metrics)].reindex(columns=list(columns))

    @cached_property
    def part_targets(self) -> pd.DataFrame:
        """The same of the segments in which levels have targets of their own, by the metrics that have these.

        By every metric, as in an overview, whose segments are the places of the run, of all of them by all targets.
        """
        every = dict.fromkeys(self.segments, self._targets)
        aims = every if self._all_parts else by_segment(self._targets, self.segments)
        found = [self._against_target(held, by=[name], where=self.where) for name, held in aims.items()]
        return pd.concat([self.targets[:0], *found], ignore_index=True)

    def _against_target(self, targets: Mapping[str, Any], **given: Any) -> pd.DataFrame:
        return against_target(self.tallies, targets, self.now, **self._tested, **given, lead=self.lead.name)

    @cached_property
    def series(self) -> pd.DataFrame:
        """Every metric of the place in every period."""
        return self._estimate(self.metrics)

    @cached_property
    def watched(self) -> pd.DataFrame:
        """Since when scores of the place are higher or lower: the lead metric by itself, the others together."""
        lead, others = [self.lead.name], [name for name in self.metrics if name != self.lead.name]
        looks = [watch(self.tallies, where=self.where, metrics=names, together=names is others)
                 for names in (lead, others) if names]  # fmt: skip
        return pd.concat(looks, ignore_index=True)

    @cached_property
    def parts(self) -> pd.DataFrame:
        """The changes of the segments, and whether they are different."""
        if not self.segments:
            return self.comparisons[:0]
        # In an overview they are a table of their own for each dimension, else what is said of one place.
        families = [[name] for name in self.segments] if self._all_parts else [self.segments]
        return pd.concat(map(self._alike, families), ignore_index=True)

    def _alike(self, dimensions: Sequence[str]) -> pd.DataFrame:
        given: dict[str, Any] = {"where": self.where, "metrics": self.metrics, "lead": self.lead.name}
        return alike(self.tallies, self.now, self.before, dimensions, **self._tested, **given)

    @cached_property
    def reasons(self) -> pd.DataFrame | None:
        """What each segment brings to the change of the place; None without segments."""
        if not self.segments:
            return None
        metrics = self.metrics if self._all_parts else self.metrics[:1]
        return why(*self._pair, self.segments, self._level, where=self.where, metrics=metrics)

    @cached_property
    def crossed(self) -> pd.DataFrame:
        """Scores and shares of answers of the segments, each level against the rest; no row without segments."""
        place, lead = self.tallies.place, self.lead.name
        asked = {"now": self.now, "lead": lead, **self._tested}
        if place is not None and place.where == self.where and asked.items() <= place.made.items():
            held = place.crossed
            cut = [name for name in self.tallies.by if name in held and name not in self.where]
            if list(held["metric"].unique()) == self.metrics and set(cut) == set(self.segments):
                return held
        given: dict[str, Any] = {"where": self.where, "metrics": self.metrics, "lead": lead}
        return crosstab(self.tallies, self.now, self.segments, **self._tested, **given)

    def levels(self, dimension: str, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """The scores of the levels of a segment dimension in the period."""
        return self._estimate(metrics or [self.lead.name], [dimension], periods=[self.now])

    def _estimate(self, metrics: Sequence[str], by: Sequence[str] = (), **given: Any) -> pd.DataFrame:
        where = None if set(self.where) <= set(by) else self.where
        return estimate(self.tallies, self._level, by=by, where=where, metrics=metrics, **given)

    def _metric(self, name: str) -> Metric:
        return self.tallies.metrics[name]

    # Verbs ------------------------------------------------------------------------------------------------------------

    def header(self) -> Html:
        """Title, periods, place and filters."""
        about = self.tallies.provenance
        return show.header(
            self.title,
            now=when(self.now, self.tallies.period),
            before=[when(one, self.tallies.period) for one in (self.before, *self.further)],
            where=self.where,
            filters=about.get("where"),
            provenance=about,
        )

    def headline(self) -> Html:
        """What happened, in one sentence, and all metrics in one table."""
        metrics, told = self.tallies.metrics, self._spoken(pd.concat([self.comparisons, self.parts]))
        beside: dict[str, Any] = {"watched": self._spoken(self.watched)}
        beside["targets"] = self.targets if len(self.targets) else None
        answers, series = map(self._spoken, (self.distribution, self.series))
        now, changes = when(self.now, self.tallies.period), self._spoken(self.comparisons)
        second = self.changes[self.changes["before"] != self.before]
        beside["further"] = self._spoken(second) if self.further else None
        said = show.headline(told, metrics, answers=answers, why=self.reasons, moved=self.moved, **beside)
        beside |= {
            "peers": self._spoken(self.peers),
            "bands": bands(self.tallies, self.now, where=self.where, metrics=self.metrics),
        }
        made = show.board(series, changes, metrics, now, whole=self.whole, **beside)
        return join([said, made if self.estimates["value"].notna().any() else None])

    def _spoken(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame for sentences, in which months are words."""
        return spoken(frame, self.tallies.period)

    def findings(self) -> Html:
        """What the comparisons say, in a few sentences."""
        told = self._spoken(pd.concat([self.comparisons, self.parts]))
        return show.findings(told, self.tallies.metrics, why=self.reasons)

    def why(self) -> Html:
        """Why the lead metric moved, by each segment: who answered, or how they scored."""
        return absent() if self.reasons is None else show.why(self.reasons, self.lead)

    def trend(self, *metrics: str) -> Html:
        """Metrics over the periods; all if none is named."""
        aims = dict(zip(self.targets["metric"], self.targets["target"], strict=True))
        return join(
            show.trend(
                self.series, self._metric(name), self._spoken(self.comparisons), **self._drawn, target=aims.get(name),
                watched=self.watched, period=self.tallies.period,
                level=self._underlying(name) if name == self.lead.name else None,
            )
            for name in metrics or self.metrics
        )  # fmt: skip

    def _underlying(self, name: str) -> pd.DataFrame:
        return level_of(self.tallies, where=self.where, metrics=[name], level=self._level)

    def curves(self) -> Html:
        """How long things take: each duration of the place now and before, and by segment after the same times."""
        durations = self._durations()
        return join(map(self._curve, durations)) if durations else absent("no duration is among the metrics")

    def _durations(self) -> list[Metric]:
        return [metric for name in self.metrics if (metric := self._metric(name)).statistic == "quantile"]

    def _curve(self, metric: Metric) -> Html:
        about: dict[str, Any] = {"metric": metric.name, "level": self._level, "where": self.where}
        parts = [(name, curve(self.tallies, **about, by=[name], periods=[self.now])) for name in self.segments]
        tables = [
            show.curve_table(told, metric, name) for name, told in parts if len(told) and told[name].nunique() > 1
        ]
        own = curve(self.tallies, **about, periods=[self.before, self.now])
        now, before = (when(one, self.tallies.period) for one in (self.now, self.before))
        return show.curve(self._spoken(own), metric, now, before, tables)

    def cohorts(self) -> Html:
        """Of those who began in each period, how many are still there, or had ended, after the same times."""
        return show.cohorts(self._spoken(cohorts_of(self.tallies, self.where)))

    def hazards(self) -> Html:
        """How many times as often those of each level of the segments left as the others: by durations, or the lead."""
        metric, periods = (self._durations() or [self.lead])[0], self.tallies.periods
        if self.tallies.weighted:
            return absent("with weights no hazard is estimated")
        if metric.statistic not in ("share", "quantile"):
            return absent(f"{metric.label} is neither a share of those who left nor a duration")
        given: dict[str, Any] = {"where": self.where, "periods": periods[: periods.index(self.now) + 1]}
        made = [(name, hazards(self.tallies, metric.name, name, **self._tested, **given)) for name in self.segments]
        return join(show.hazards(found, metric, name) for name, found in made)

    def heatmap(self) -> Html:
        """The lead metric of each level of the segments over the periods."""
        name = self.lead.name
        return join(show.heatmap(self._estimate([name], [d]), self.lead, d, "period") for d in self.segments)

    @cached_property
    def distribution(self) -> pd.DataFrame:
        """How often each answer to the lead metric was given, in every period."""
        return distribution(self.tallies, self.lead.name, where=self.where)

    def answers(self) -> Html:
        """How people answered the lead metric; of a duration at round times, so that no single case is told."""
        if self.lead.statistic == "quantile":
            return self._curve(self.lead)
        return show.score_distribution(at(self.distribution, {"period": self.now}), self.lead)

    def classes(self) -> Html:
        """How people answered the lead metric over the periods, in its classes."""
        return show.stacked(self.distribution, self.lead, "period", before=self.before)

    def comments(self) -> Html:
        """What people wrote, where the run shows any."""
        return show.comments(comments(self.tallies, where=self.where), self.lead)

    def drivers(self) -> Html:
        """What is associated with the outcome that the run names under `drivers`, and how strongly."""
        return show.drivers(drivers_of(self.tallies, self.where))

    def gradient(self) -> Html:
        """Whether the scores that the run names under `gradient` go with the order of a segment's levels."""
        trends = gradient_of(self.tallies, self.where)
        if trends.empty:
            return absent()
        parts = []
        for name, own in trends.groupby("metric", sort=False):
            dimension, metric = str(own["dimension"].iloc[0]), self._metric(str(name))
            parts.append(show.gradient(self.levels(dimension, [metric.name]), own, metric, dimension))
            parts.append(self._against_rest(metric, dimension))
        return join(parts)

    def nonresponse(self) -> Html:
        """The scores that the run names under `nonresponse`, weighted for who did not answer."""
        found = nonresponse_of(self.tallies, self.where)
        return show.nonresponse(found, self.tallies.metrics) if len(found) else absent()

    def margins(self) -> Html:
        """Where two dimensions that the run names under `journey` tell more together than each by itself."""
        return show.margins(self._journey("margins"), self.tallies.metrics)

    def flows(self) -> Html:
        """Where the levels of one dimension lead, of the pairs that the run names under `journey`."""
        return show.flows(self._journey("flows"), self.tallies.metrics)

    def standardised(self) -> Html:
        """Levels that the run names under `journey` against all others, as they are and like with like."""
        return show.standardised(self._journey("standardised"), self.tallies.metrics)

    def weakest(self) -> Html:
        """Where customers met at least one bad contact, as the run names it under `journey`."""
        return show.weakest(self._journey("weakest"), self.tallies.metrics)

    def _journey(self, part: str) -> pd.DataFrame:
        return self._spoken(journey_of(self.tallies, part, self.where))

    def segment_scores(self) -> Html:
        """The segments by every metric, with signs of what differs or changed; the lead metric of now and before."""
        if not self.segments:
            return absent()
        parts, metrics = self._spoken(self.parts), self.tallies.metrics
        table = "" if self._unlike() else show.matrix(self._spoken(self.crossed), parts, metrics, self.segments)
        scores = self._spoken(pd.concat([self.levels(name) for name in self.segments], ignore_index=True))
        return join([table, show.segments(scores, parts, self.lead, self.segments)])

    def segment_changes(self) -> Html:
        """Each segment by the lead metric: how it changed, as a table."""
        moves = self.parts[self.parts["metric"] == self.lead.name]
        named = " and ".join(map(words, self.segments))
        return show.comparisons_table(moves, self.tallies.metrics, caption=f"Change of {self.lead.label} by {named}")

    def _unlike(self, every: bool = False) -> bool:
        """Whether nothing may be compared with the rest of everybody, whose total leaves places out."""
        return (every or not self.where) and bool(self.tallies.provenance.get("withheld"))

    def _against_rest(self, metric: Metric, dimension: str) -> Html:
        withheld = [] if self.where else self.tallies.provenance.get("withheld", [])
        if any(cell["item"] == metric.item for cell in withheld):
            return NO_REST
        given: dict[str, Any] = {"where": self.where, "metrics": [metric.name]}
        found = against_rest(self.tallies, self.now, dimension, **self._tested, **given)
        return show.against_rest(found, metric, dimension)

    def standings(self) -> Html:
        """Where the levels of each segment stand: scores, changes, and a league table where they can be told apart."""
        return join(part for dimension in self.segments for part in self._standing(dimension))

    def _standing(self, dimension: str) -> list[Html]:
        scores = self.levels(dimension)
        table = league(self.tallies, self.now, dimension, self.lead.name, self._level, where=self.where)
        return [
            show.segments(scores, self.parts, self.lead, dimension, benchmarks=self._drawn["benchmarks"]),
            show.changes(self.parts, self.lead, dimension),
            show.league(table, self.lead, dimension),
        ]

    def numbers(self) -> Html:
        """Every score and change of the place as tables."""
        metrics, by = self.tallies.metrics, list(self.where)
        scores = self._beside("window estimate", ["metric", "period", *by, *ESTIMATES[2:]])
        moves = self._beside("window comparison", ["metric", *by, *COMPARISONS[1:]])
        over = "Over several periods, as far as they are shown: "
        return join([
            show.estimates_table(self.estimates, metrics),
            show.comparisons_table(self.changes, metrics),
            show.peers(self._spoken(self.peers), metrics),
            show.estimates_table(self._spoken(scores), metrics, caption=f"{over}scores") if len(scores) else None,
            show.comparisons_table(self._spoken(moves), metrics, caption=f"{over}changes"),
        ])  # fmt: skip

    def segment_numbers(self) -> Html:
        """Every score and change of the segments as tables."""
        return join(part for dimension in self.segments for part in self._numbers(dimension))

    def _numbers(self, dimension: str) -> list[Html]:
        scores, moves = self.levels(dimension, self.metrics), self.parts[self.parts[dimension].notna()]
        metrics = self.tallies.metrics
        return [
            show.estimates_table(scores, metrics, caption=f"{self.now} by {dimension}"),
            show.comparisons_table(moves, metrics, caption=f"Changes by {dimension}"),
        ]

    def crosstab(self) -> Html:
        """Scores and shares of answers by the levels of each segment dimension, and where a level differs."""
        if not self.segments:
            return absent()
        if self._unlike():
            return NO_REST
        crossed = self._spoken(self.crossed)
        return join(show.crosstab(crossed, self.tallies.metrics, name) for name in self.segments)

    def readings(self) -> Html:
        """The lead metric as plain answers, with weights, and with the whole design."""
        scores, moves = readings(*self._pair, self._level, where=self.where, metrics=[self.lead.name])
        metrics = self.tallies.metrics
        return join([show.estimates_table(scores, metrics), show.comparisons_table(moves, metrics, judged=False)])

    def left_out(self) -> Html:
        """What the run refused, by its reason."""
        return show.audit(self.tallies.audit, self.tallies.provenance)

    def method(self) -> Html:
        """How the numbers were made, and what they are made of."""
        made = show.methods(self.estimates, self.comparisons, self.tallies.metrics)
        return join([made, show.provenance(provenance(self.tallies, self.where))])
