"""Estimates -> where they stand to a target that somebody set: above, below, not told apart, or too few to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from cxkit.analysis.cells import (
    Cells,
    FloatArray,
    crossed,
    declared,
    from_tallies,
    groups,
    known,
    moments,
    require_whole,
)
from cxkit.analysis.comparisons import CHANGED, NO_EVIDENCE, Compared, Correction, check_correction, judged, of_run
from cxkit.analysis.differences import differences, smallest
from cxkit.analysis.estimates import By, chosen, cuts, estimates, framed, missing
from cxkit.analysis.gate import Gate, dependable, judged_base, too_few
from cxkit.analysis.totals import named
from cxkit.errors import CxError, nearest
from cxkit.metrics import Metric
from cxkit.schema import TARGETS, worded
from cxkit.stats import Sums, detectable
from cxkit.stats.design import base_at
from cxkit.tallies.tallies import Tallies

ABOVE, BELOW, NOT_APART = "above", "below", "not told apart"
KEYS = ("value", "by", "source", "date")
_UNLIMITED = 1e30  # answers of what has no sampling error


class Target(NamedTuple):
    """What a metric should reach, in its unit, and what single levels of one dimension should reach instead."""

    value: float
    dimension: str = ""
    levels: Mapping[str, float] = {}

    def at(self, keys: pd.DataFrame) -> FloatArray:
        """The target of each cell."""
        if self.dimension not in keys.columns:
            return np.full(len(keys), self.value)
        return np.array([self.levels.get(level, self.value) for level in keys[self.dimension]], dtype=float)


def against_target(
    tallies: Tallies,
    targets: Mapping[str, Any],
    period: str,
    level: float = 0.95,
    correction: Correction = "holm",
    *,
    by: By = None,
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    per: Sequence[str] = (),
    lead: str | None = None,
) -> pd.DataFrame:
    """Scores against targets that were set for them: tested, corrected and judged.

    Args:
        tallies: Tallies in which the level was declared.
        targets: Metric -> target in its unit (points, percent, the scale), or -> {"value": 75, "by": {"channel":
            {"phone": 80}}}, where levels of one dimension have a target of their own; "source" and "date" may stand
            beside them. A target is a number without sampling error.
        period: As it is written in `tallies.periods`.
        level: Confidence level of the intervals; 1 - level is the significance level of the verdicts.
        correction: "holm" or "bh", over all that is tested in one call.
        by: Dimensions to cut by, beside those in `where`; several levels as tuples of dimensions, which then are one
            family; () for none; None for all levels that are declared with those in `where`.
        where: One level per dimension: the place.
        metrics: Names, of those with a target; None for all of these.
        per: Dimensions of which every level is a family of its own.
        lead: The metric that the report is about: its tests are a family, and those of all other metrics another.

    Returns:
        Columns metric, period, <dimensions>, n, n_eff, value, low, high, target, gap (value less target), pvalue,
        pvalue_adj, family, family_of, detectable, verdict, level, method, note, reason, n_judged, hide_below,
        judge_from, as in `estimate` and `compare`. The verdict is "above", "below", "not told apart" or "too few";
        `detectable` is the smallest distance from the target that such a base would have shown with 80 % power at the
        first Holm step of the family, NaN where the scale holds none.

    Raises:
        CxError: A target that does not fit its metric, or is one of a duration, whose quantiles are not tested; a
            level, period, metric or correction that was not declared or is unknown.

    Formula: the smallest alpha whose interval excludes the target, so that p < 1 - level exactly when the interval
    that stands in the row does. Source: as `estimate`: Tango (1998), Wilson (1927), Student (1908).

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> frame = cx.against_target(tallies, {"nps": 30}, "2026-10", by=["brand"])
    >>> cx.at(frame, {"brand": "Brimvale"})[["target", "gap", "verdict"]].round(1).to_dict("records")
    [{'target': 30.0, 'gap': -24.4, 'verdict': 'below'}]
    """
    check_correction(correction)
    for name in per:
        known(tallies, name)
    wanted = _read(tallies, targets)
    measured = [metric for metric in chosen(tallies, metrics or list(wanted) or None) if metric.name in wanted]
    if lacking := [name for name in metrics or () if name not in wanted]:
        raise CxError(f"metrics: {lacking[0]!r} has no target; {nearest(lacking[0], wanted)}")
    levels = cuts(tallies, by, where)
    columns = ["metric", "period", *(d for d in tallies.by if any(d in cut for cut in levels)), *TARGETS[2:]]
    if not measured:
        return pd.DataFrame(columns=columns)
    if tallies.place and crossed(tallies, [name for cut in levels for name in cut], where):
        return _of_run(tallies, wanted, levels, [metric.name for metric in measured], {
            "now": period, "level": level, "correction": correction, "lead": lead or tallies.place.made["lead"]
        } if not where and not per else {})  # fmt: skip
    gate = Gate.of(tallies.rules, None)
    parts = []
    for metric in measured:
        for dimensions in levels:
            _, keys = declared(tallies, dimensions, where, [period])
            part = _against(metric, from_tallies(tallies, metric, keys), wanted[metric.name], level, gate)
            parts.append(part if dimensions else part._replace(frame=named(part.frame, tallies, metric.item)))

    def families(together: pd.DataFrame) -> list[Any]:
        return [together["metric"] == lead, *(together[name] for name in per if name in together.columns)]

    frame = judged(parts, families, level, correction)
    side = pd.Series(np.where(frame["gap"] > 0, ABOVE, BELOW), frame.index)
    verdict = frame["verdict"].replace(NO_EVIDENCE, NOT_APART).mask(frame["verdict"] == CHANGED, side)
    limits = {"hide_below": tallies.rules.hide_below, "judge_from": gate.answers}
    return frame.assign(verdict=verdict, **limits)[columns]


def read_targets(targets: Mapping[str, Any], metrics: Mapping[str, Metric]) -> dict[str, Target]:
    """Targets as parameters hold them, checked against their metrics.

    Raises:
        CxError: An unknown metric or key, a value outside the scale, a target of a duration.

    >>> from cxkit.metrics import METRICS
    >>> read_targets({"nps": 30}, METRICS)["nps"].value
    30.0
    """
    found = {}
    for name, given in targets.items():
        key = f"targets.{name}"
        if name not in metrics:
            raise CxError(f"{key}: no such metric; {nearest(name, metrics)}")
        if metrics[name].statistic == "quantile":
            hint = "declare an item with `measure: within`, the share inside a limit, and give that one the target"
            raise CxError(f"{key}: a quantile of durations is not tested; {hint}")
        held = given if isinstance(given, Mapping) else {"value": given}
        if unknown := [one for one in held if one not in KEYS]:
            raise CxError(f"{key}.{unknown[0]}: unknown key; {nearest(str(unknown[0]), KEYS)}")
        if len(by := held.get("by") or {}) > 1:
            raise CxError(f"{key}.by: expected one dimension, so that no cell has two targets, found {', '.join(by)}")
        dimension, levels = next(iter(by.items()), ("", {}))
        values = {"value": held.get("value"), **{f"by.{dimension}.{one}": value for one, value in levels.items()}}
        for part, value in values.items():
            _check_value(f"{key}.{part}", value, metrics[name])
        found[name] = Target(float(held["value"]), dimension, {one: float(value) for one, value in levels.items()})
    return found


def _check_value(key: str, value: Any, metric: Metric) -> None:
    low, high = min(metric.values.values()), max(metric.values.values())
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise CxError(f"{key}: expected {low:g} to {high:g}, found {value!r}")


def by_segment(targets: Mapping[str, Any], segments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The targets that are set for levels of each segment dimension, which alone are tested inside places.

    >>> by_segment({"nps": 30, "csat": {"value": 75, "by": {"channel": {"phone": 80}}}}, ["region", "channel"])
    {'channel': {'csat': {'value': 75, 'by': {'channel': {'phone': 80}}}}}
    """
    set_for = {name: target.get("by") or {} for name, target in targets.items() if isinstance(target, Mapping)}
    found = {one: {name: targets[name] for name, by in set_for.items() if one in by} for one in segments}
    return {dimension: held for dimension, held in found.items() if held}


def unanswered(targets: Mapping[str, Any], values: Mapping[str, Sequence[str]]) -> list[tuple[str, str, str]]:
    """Levels with a target of which nobody answered: metric, dimension, level."""
    return [
        (name, dimension, level)
        for name, target in targets.items()
        for dimension, levels in (target.get("by") or {} if isinstance(target, Mapping) else {}).items()
        for level in levels
        if level not in values.get(dimension, (level,))
    ]


def _read(tallies: Tallies, targets: Mapping[str, Any]) -> dict[str, Target]:
    """Targets, checked against the dimensions and levels of tallies, too."""
    wanted = read_targets(targets, tallies.metrics)
    for target in wanted.values():
        if target.dimension:
            known(tallies, target.dimension)
    own = tallies.place.where if tallies.place else {}  # of these dimensions a place knows its own level only
    held = {name: levels for name, levels in tallies.values.items() if name not in own}
    for name, dimension, level in unanswered(targets, held):
        raise CxError(f"targets.{name}.by.{dimension}: nobody is {level!r}; {nearest(level, held[dimension])}")
    return wanted


def _of_run(
    tallies: Tallies,
    targets: Mapping[str, Target],
    levels: Sequence[tuple[str, ...]],
    metrics: Sequence[str],
    asked: dict[str, Any],
) -> pd.DataFrame:
    """The rows of a place in the run's tests of all places, corrected with all of them."""
    place = tallies.place
    assert place is not None
    rows = of_run(tallies, place.made | asked if asked else {}, levels, place.targets, metrics)
    aims = [targets[name].at(pd.DataFrame([place.where])).item() for name in rows["metric"]]
    if len(aims) != len(metrics) or aims != rows["target"].tolist():
        require_whole(tallies, list(place.where), "; the run tested them against other targets")
    return rows


# One metric at one level ----------------------------------------------------------------------------------------------


def _against(metric: Metric, cells: Cells, target: Target, level: float, gate: Gate) -> Compared:
    """The scores of one level beside their targets with raw p-values, before it is known how many are judged."""
    found = estimates(metric, cells, level)
    goal = target.at(cells.keys)
    aim = _aim(metric, cells, goal / metric.factor)
    result = differences(metric, cells, aim, None, level)
    base, shown = judged_base(metric, cells, level, gate), cells.hidden == ""
    pvalue = np.where(shown, np.asarray(result.found.pvalue, float), np.nan)
    frame = framed(metric, cells, found, level, gate)
    why = [_unjudged(cells, base, gate, i) for i in range(len(cells.n))]
    frame = frame.assign(
        label=metric.label,
        target=goal,
        gap=found.value - goal,
        pvalue=pvalue,
        tested=np.where(base >= gate.answers, pvalue, np.nan),
        method=[f"{words}, inverted at the target" for words in found.method],
        reason=[code or told for (code, _), told in zip(why, found.reason, strict=True)],
        note=[words or told for (_, words), told in zip(why, found.note, strict=True)],
    )
    by = [name for name in cells.keys.columns if name != "period"]

    def promise(alpha: FloatArray) -> FloatArray:
        size = smallest(metric, cells, aim, result, level, alpha)
        if metric.statistic != "mean":
            # The limits of a net score or share take the variance at the target, which may be the larger one.
            n = base_at(dependable(metric, cells), -special.ndtri(alpha / 2.0))
            size = np.maximum(size, detectable(moments(metric, aim)[1], n, 0.0, 1.0, alpha=alpha))
        low, high = metric.natural_ends
        reach = np.maximum(goal / metric.factor - low, high - goal / metric.factor)
        return metric.factor * np.where(size <= reach, size, np.nan)

    return Compared(frame, promise, by)


def _unjudged(cells: Cells, base: FloatArray, gate: Gate, i: int) -> tuple[str, str]:
    """Why a score that is shown is not judged, as code and words; blank where it is."""
    code, words = ("", "") if missing(cells, i) else too_few(cells, base, gate, i)
    return ("few in all", worded("few in all", judge_from=gate.answers)) if code == "few answers" else (code, words)


def _aim(metric: Metric, cells: Cells, goal: FloatArray) -> Cells:
    """Cells of unlimited answers whose score is the target, so that a target is tested as any other second side.

    Of a net score as many are neutral as in the cell, as far as the target leaves room for them.
    """
    answers = {value / metric.factor: answer for answer, value in metric.values.items()}
    low, high = min(answers), max(answers)
    neutral = np.zeros(len(goal))
    if metric.statistic == "net" and low < 0 < high and 0 in answers:
        below, at, above = groups(metric, cells)
        share = np.divide(at, below + at + above, out=np.zeros(len(goal)), where=cells.n > 0)
        neutral = np.minimum(share, 1.0 - np.abs(goal))
    top = (goal - low) / (high - low) - neutral / 2.0
    table = np.stack([1.0 - neutral - top, neutral, top], axis=1) * _UNLIMITED
    values = np.array([answers[low], answers.get(0.0, answers[low]), answers[high]])
    full = np.full(len(goal), _UNLIMITED)
    sums = Sums(full, full, full, full, full, full)
    blank = np.full(len(goal), "", dtype=object)
    return replace(cells, n=full, w=full, ww=full, values=values, weights=table, counts=(table > 0).astype(np.int64),
                   design=None, ranks=None, sums=sums, hidden=blank, kind="", open=None)  # fmt: skip
