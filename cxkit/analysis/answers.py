"""A list of answers -> one estimate or one change, which word and show themselves: the calls for a cell in a notebook.

In points and percent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxkit.analysis.cells import Cells, FloatArray, from_answers, numbers, scores
from cxkit.analysis.comparisons import NO_EVIDENCE, compared, judged
from cxkit.analysis.differences import Linked
from cxkit.analysis.estimates import estimates
from cxkit.analysis.gate import Gate
from cxkit.errors import CxError, nearest
from cxkit.metrics import METRICS, Metric
from cxkit.schema import RULES
from cxkit.stats import cross_of

REASON = ("reason", "reason_side")


def nps(
    answers: Any, *, weights: Any = None, clusters: Any = None, level: float = 0.95, method: str = "score"
) -> Estimate:
    """Net promoter score of answers 0-10, in points.

    Args:
        answers: Answers, NaN or None where there is none.
        weights: A positive weight per answer.
        clusters: An id per answer of what it was drawn with, such as the customer who answered several times.
        level: Confidence level in (0, 1).
        method: "score" (Tango 1998), "adjusted_wald" or "wald".

    Raises:
        CxError: Answers outside 0-10, weights that are not positive, an unknown method.

    >>> nps([3] * 20 + [7] * 30 + [9] * 50)
    NPS 30 points (95% interval 14 to 44; n 100)
    """
    return _estimate(METRICS["nps"], answers, weights, clusters, level, method)


def csat(
    answers: Any, *, top: Sequence[int] = (4, 5), weights: Any = None, clusters: Any = None, level: float = 0.95
) -> Estimate:
    """Share of answers 1-5 in the top boxes, in percent; arguments as in `nps`.

    >>> csat([5] * 40 + [4] * 16 + [2] * 14).value
    80.0
    """
    metric = METRICS["csat"]
    for answer in top:
        if answer not in metric.values:
            raise CxError(f"top: expected answers 1-5, found {answer!r}")
    values = {answer: 100.0 * (answer in top) for answer in metric.values}
    return _estimate(replace(metric, values=values), answers, weights, clusters, level)


def ces(
    answers: Any,
    *,
    scale: tuple[int, int] = (1, 7),
    better: str = "higher",
    weights: Any = None,
    clusters: Any = None,
    level: float = 0.95,
) -> Estimate:
    """Mean of a customer effort scale, in its own unit; arguments as in `nps`.

    Args:
        answers: Answers, NaN or None where there is none.
        scale: Lowest and highest answer.
        better: "higher" where agreement that it was easy is high, "lower" where effort is.
        weights: A positive weight per answer.
        clusters: An id per answer.
        level: Confidence level in (0, 1).

    >>> ces([7, 6, 5, 6]).n
    4
    """
    if better not in ("higher", "lower"):
        raise CxError(f"better: expected higher or lower, found {better!r}")
    if scale[0] >= scale[1]:
        raise CxError(f"scale: expected the lowest answer first, found {scale!r}")
    values = {float(answer): float(answer) for answer in range(scale[0], scale[1] + 1)}
    metric = replace(METRICS["ces"], scale=scale, values=values, better=better, classes={})  # type: ignore[arg-type]
    return _estimate(metric, answers, weights, clusters, level)


def rate(answers: Any, *, weights: Any = None, clusters: Any = None, level: float = 0.95) -> Estimate:
    """Share of answers that are 1 or True among 0 and 1, in percent; arguments as in `nps`.

    >>> rate([True] * 13 + [False] * 3).value
    81.25
    """
    return _estimate(_RATE, answers, weights, clusters, level)


_RATE = replace(METRICS["recommended"], name="rate", label="Rate", question="", item="rate")


def duration(
    values: Any,
    *,
    quantile: float = 0.5,
    weights: Any = None,
    clusters: Any = None,
    level: float = 0.95,
    name: str = "full_resolution",
) -> Estimate:
    """Median, or another quantile, of durations in minutes, with order-statistic limits.

    Args:
        values: Minutes of 0 or more, NaN or None where there are none. Open cases must not be left out: see
            `cxkit.stats.kaplan_meier` for them.
        quantile: Which quantile, in (0, 1): .9 is the time within which nine of ten were served.
        weights: A positive weight per value.
        clusters: An id per value, such as the customer or the person who worked on it.
        level: Confidence level in (0, 1).
        name: Which clock: "first_response", "first_resolution", "full_resolution", "handling_time" or "wait_time".

    Raises:
        CxError: Negative durations, an unknown clock, weights that are not positive.

    >>> duration([25, 29, 35, 36, 36, 40, 41, 43, 44, 54], name="first_response")
    First response 38.0 min (95% interval 29.0 to 44.0; n 10)
    """
    clocks = [metric.name for metric in METRICS.values() if metric.statistic == "quantile"]
    if name not in clocks:
        raise CxError(f"name: {name!r} is no clock; {nearest(name, clocks)}")
    if not 0 < quantile < 1:
        raise CxError(f"quantile: expected a number between 0 and 1, such as 0.9, found {quantile!r}")
    return _estimate(replace(METRICS[name], quantile=quantile), values, weights, clusters, level)


def change(
    metric: str | Metric,
    now: Any,
    before: Any,
    *,
    weights: tuple[Any, Any] = (None, None),
    clusters: tuple[Any, Any] = (None, None),
    paired: bool = False,
    level: float = 0.95,
) -> Change:
    """The change of a metric between two lists of answers, tested and judged.

    The change of a duration is how often a case of now took longer than one of before, in 100 pairs, less 50.

    Args:
        metric: Name of a metric, or one of your own.
        now: Answers of the later period.
        before: Answers of the period compared with.
        weights: A positive weight per answer, for either side.
        clusters: An id per answer, for either side.
        paired: The same people in the same order on both sides; people who answered only once are left out.
        level: Confidence level of the interval; 1 - level is the significance level of the verdict.

    Raises:
        CxError: An unknown metric, answers outside its scale, or paired sides of different length or with clusters.

    >>> change("nps", [3] * 20 + [7] * 30 + [9] * 50, [3] * 30 + [7] * 30 + [9] * 40).verdict
    'no evidence'
    """
    if isinstance(metric, str):
        if metric not in METRICS:
            raise CxError(f"metric: {metric!r} is unknown; {nearest(metric, METRICS)}")
        metric = METRICS[metric]
    if paired and metric.statistic == "quantile":
        raise CxError(f"paired: a change of durations of the same people cannot be tested; found {metric.name}")
    if paired:
        after, prior, cross = _paired(metric, now, before, weights, clusters)
    else:
        after, prior = (from_answers(metric, a, w, c) for a, w, c in zip((now, before), weights, clusters, strict=True))
        cross = None
    part = compared(metric, after, prior, cross, level, Gate.of(RULES, None))
    row = judged([part], lambda _: [np.zeros(1)], level, "holm").iloc[0]
    numbers: dict[str, Any] = {name: float(row[name]) for name in ("change", "low", "high", "pvalue", "detectable")}
    words: dict[str, Any] = {name: str(row[name]) for name in ("verdict", "method", "note", *REASON)}
    return Change(metric=metric, now=_one(metric, after, level), before=_one(metric, prior, level), **numbers, **words)


def _estimate(
    metric: Metric, answers: Any, weights: Any, clusters: Any, level: float, method: str = "score"
) -> Estimate:
    return _one(metric, from_answers(metric, answers, weights, clusters), level, method)


def _one(metric: Metric, cells: Cells, level: float, method: str = "score") -> Estimate:
    found = estimates(metric, cells, level, method)
    value, low, high, n_eff = (float(x[0]) for x in (found.value, found.low, found.high, found.n_eff))
    return Estimate(
        metric, value, low, high, int(cells.n[0]), n_eff, level, found.method[0], found.note[0], found.reason[0]
    )


def _paired(
    metric: Metric, now: Any, before: Any, weights: tuple[Any, Any], clusters: tuple[Any, Any]
) -> tuple[Cells, Cells, Linked]:
    """Both sides of the people who answered twice, and the sums over them."""
    if any(side is not None for side in clusters):
        raise CxError("clusters: paired answers are their own clusters, the people; leave clusters out")
    first, second = (_answers(metric, side) for side in (now, before))
    if len(first) != len(second):
        raise CxError(f"paired: {len(first)} answers now, {len(second)} before; expected the same people in one order")
    both = ~(np.isnan(first) | np.isnan(second))
    for w in weights:
        if w is not None and len(w) != len(both):
            raise CxError(f"weights: {len(w)} for {len(both)} answers; expected one each")
    given = [None if w is None else np.asarray(w, dtype=float)[both] for w in weights]
    after, prior = (from_answers(metric, side[both], w) for side, w in zip((first, second), given, strict=True))
    totals = []
    for side, weight in zip((first, second), given, strict=True):
        w = np.ones(int(both.sum())) if weight is None else weight
        totals.append((w, w * scores(metric, side[both])))
    return after, prior, Linked(cross_of(*totals), np.array([float(both.sum())]))


def _answers(metric: Metric, side: Any) -> FloatArray:
    """One side's answers as numbers, NaN where there is none."""
    series = pd.Series(side).reset_index(drop=True)
    given, values = series.notna().to_numpy(), np.full(len(series), np.nan)
    values[given] = numbers(metric, series[given])
    return values


@dataclass(frozen=True, slots=True)
class Estimate:
    """One value with its base, interval and method; NaN and a note where there is none."""

    metric: Metric
    value: float
    low: float
    high: float
    n: int
    n_eff: float
    level: float
    method: str
    note: str = ""
    reason: str = ""

    def __repr__(self) -> str:
        metric, (row,) = _rows(self.metric, _frame(self))
        return f"{metric.label} {_words(row, metric)}"

    def _repr_html_(self) -> str:
        from cxkit import show

        return str(show.style() + show.board(_frame(self), None, {self.metric.name: self.metric}, "now"))


@dataclass(frozen=True, slots=True)
class Change:
    """One change between two estimates, with its test and verdict."""

    metric: Metric
    change: float
    low: float
    high: float
    pvalue: float
    now: Estimate
    before: Estimate
    detectable: float
    verdict: str
    method: str
    note: str = ""
    reason: str = ""
    reason_side: str = ""

    @property
    def shift(self) -> float:
        """The value of now less that of before; for durations, whose change is a rank effect, not tested."""
        return self.now.value - self.before.value

    def __repr__(self) -> str:
        from cxkit.show import verdicts

        metric, (row, now, before) = _rows(self.metric, _comparison(self), _frame(self.now), _frame(self.before))
        verdict = verdicts.verdict(row, metric).words
        if self.verdict == NO_EVIDENCE:
            verdict = f"{verdict}; {verdicts.detectable(row, metric)}"
        size = verdicts.change(row, metric)
        first = f"{self.metric.label} {size} ({verdicts.interval(row, metric)}): {verdict}"
        return f"{first}\n  now {_words(now, metric)}\n  before {_words(before, metric)}"

    def _repr_html_(self) -> str:
        from cxkit import show

        made = show.board(_frame(self.now), _comparison(self), {self.metric.name: self.metric}, "now")
        return str(show.style() + made)


def _words(row: dict[str, Any], metric: Metric) -> str:
    from cxkit.show import wording

    return wording.estimate_words(row, metric).replace(wording.HARD, " ")  # a terminal is no page


def _rows(metric: Metric, *frames: pd.DataFrame) -> tuple[Metric, list[dict[str, Any]]]:
    """The only row of each frame, in the unit that fits all."""
    from cxkit.show import rows

    fitting, shown = rows.fitted_one(metric, *frames)
    return fitting, [row for frame in shown for row in rows.rows(frame)]


def _frame(found: Estimate) -> pd.DataFrame:
    """The estimate as a row of the vocabulary that frames have."""
    fields = ("value", "low", "high", "n", "n_eff", "level", "method", "note", "reason")
    return pd.DataFrame([{"metric": found.metric.name, "period": "now", **{f: getattr(found, f) for f in fields}}])


def _comparison(found: Change) -> pd.DataFrame:
    """The change as a row of the vocabulary that frames have; it is a family of one."""
    fields = ("change", "low", "high", "pvalue", "detectable", "verdict", "method", "note", *REASON)
    sides: dict[str, float] = {"n": found.now.n, "n_before": found.before.n}
    sides |= {"n_eff": found.now.n_eff, "n_eff_before": found.before.n_eff}
    sides |= {"value": found.now.value, "value_before": found.before.value}
    rest = {"now": "now", "before": "before", "pvalue_adj": found.pvalue, "family": 1, "level": found.now.level}
    return pd.DataFrame([{"metric": found.metric.name, **rest, **sides, **{f: getattr(found, f) for f in fields}}])
