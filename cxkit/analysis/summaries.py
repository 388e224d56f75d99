"""Every estimate and comparison that the pages of a run show, in the families in which they show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cxkit.analysis.comparisons import Correction, compare
from cxkit.analysis.contrasts import against_rest
from cxkit.analysis.crosstabs import class_shares
from cxkit.analysis.estimates import estimate
from cxkit.analysis.peers import peers
from cxkit.analysis.targets import against_target, by_segment
from cxkit.analysis.watching import HORIZONS, watch
from cxkit.analysis.why import why
from cxkit.schema import SECOND, WEIGHTED
from cxkit.tallies.tallies import Tallies
from cxkit.tallies.windows import noted


def summary(
    tallies: Tallies,
    now: str,
    befores: Sequence[str],
    places: Sequence[str],
    segments: Sequence[str],
    lead: str,
    level: float,
    correction: Correction,
    targets: Mapping[str, Any],
    beside: Sequence[Tallies] = (),
) -> pd.DataFrame:
    """The numbers of all reports of a run, one after another.

    Args:
        tallies: Of the run, with all levels that its reports show.
        now: The period of the reports.
        befores: The period that it is compared with; of two the parts inside the places are compared with the first.
        places: Dimensions of which every combination has a report.
        segments: Dimensions that are compared inside each report.
        lead: The metric that the reports are about.
        level: Confidence level.
        correction: "holm" or "bh".
        targets: Metric -> target, as `against_target` takes them.
        beside: In each every place is set against all others, in the period; else in the last of its windows, of which
            two are compared.

    Returns:
        `part` ("estimate", "comparison", "second comparison" or "target", of the places themselves; "segment estimate",
        "segment comparison" or, where levels of a segment have targets, "segment target" inside them, "segment
        contrast" of one with the rest; where there are segments "share" and "segment share" of classes of answers;
        "contribution" of each place to the change of everybody; "watch" of the signals of the last horizon; "peer" of
        a place against all others, "window estimate" and "window comparison" of windows of several periods; "weighted"
        for who did not answer), then the columns of these frames.
    """
    found: list[tuple[str, pd.DataFrame]] = []
    first, *further = befores
    for by in dict.fromkeys([tuple(places), *((name,) for name in places), ()]):
        found.append(("estimate", estimate(tallies, level, by=by)))
        changes = compare(tallies, now, befores, level, correction, by=by, lead=lead)
        found.append(("comparison", changes[changes["before"] == first]))
        found += [(SECOND, changes[changes["before"] == one]) for one in further]
        if targets:
            found.append(("target", against_target(tallies, targets, now, level, correction, by=by, lead=lead)))
        found.append(("watch", signals(tallies, by, now)))
    if inside := [(*places, name) for name in segments]:
        family: dict[str, Any] = {"by": inside, "per": places, "lead": lead}
        found.append(("segment estimate", estimate(tallies, level, by=inside, periods=[now])))
        found.append(("segment comparison", compare(tallies, now, first, level, correction, **family)))
    for name, aims in by_segment(targets, segments).items():
        family = {"by": [*places, name], "per": places, "lead": lead}
        found.append(("segment target", against_target(tallies, aims, now, level, correction, **family)))
    if segments:
        found.append(
            ("segment contrast", against_rest(tallies, now, segments, level, correction, by=places, lead=lead))
        )
        for part, cuts in (("share", [tuple(places)]), ("segment share", inside)):
            found.append((part, class_shares(tallies, now, cuts)))
    if parts := list(places or segments):
        found.append(("contribution", why(tallies, now, first, parts, level)))
    for one in beside:
        last = now if now in one.periods else one.periods[-1]
        held = peers(one, last, places, level, correction, lead=lead)
        found.append(("peer", held[held["n"].ne(0)]))  # of a window that is empty nobody knows whether it was hidden
        if last != now:
            scores = estimate(one, level, by=places, periods=[last])
            found.append(("window estimate", noted(scores[scores["n"].ne(0)], tallies, places)))
        if last != now and len(one.periods) > 1:
            changes = compare(one, last, one.periods[0], level, correction, by=places, lead=lead)
            changes = changes[changes["n"].ne(0) & changes["n_before"].ne(0)]
            found.append(("window comparison", noted(changes, tallies, places)))
    if silent := tallies.provenance.get("nonresponse"):
        found.append(("weighted", pd.DataFrame(silent).reindex(columns=["metric", "period", *places, *WEIGHTED])))
    together = pd.concat([frame.assign(part=part) for part, frame in found], ignore_index=True)
    return together.loc[:, ["part", *together.columns.drop("part")]]


def moved(comparisons: pd.DataFrame, signals: pd.DataFrame, now: str, places: Sequence[str]) -> pd.DataFrame:
    """Which scores moved, and to where: those that changed, and those that the watch signals in the period.

    Args:
        comparisons: Of all places, those with a first period before those with a second.
        signals: Of the watch over all places.
        now: The period.
        places: Dimensions of which every combination is a place.

    Returns:
        Columns <places>, metric, direction ("higher", "lower", "back"), each score once.
    """
    changed = comparisons[comparisons["verdict"] == "changed"]
    changed = changed.assign(direction=changed["change"].gt(0).map({True: "higher", False: "lower"}))
    told = pd.concat([changed, signals[signals["signal"].eq(True) & signals["period"].eq(now)]], ignore_index=True)
    held = told.dropna(subset=list(places))
    return held[[*places, "metric", "direction"]].drop_duplicates([*places, "metric"], ignore_index=True)


def signals(tallies: Tallies, by: Sequence[str], now: str) -> pd.DataFrame:
    """What signalled in the last horizon among all places and metrics of a level, and what is still the last word."""
    found = watch(tallies, by=by, together=True)
    recent = tallies.periods[-HORIZONS.get(tallies.period, 12) :]
    told = found["signal"] & found["period"].isin(recent) | (found["period"].eq(now) & found["direction"].ne(""))
    return found[told].astype({"signal": "boolean"})
