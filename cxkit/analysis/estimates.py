"""Tallies -> estimates: one row per cell with base, value, interval and method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from cxkit.analysis.cells import Cells, FloatArray, Use, declared, from_tallies, groups, known, moments
from cxkit.analysis.durations import METHOD, OPEN_METHOD, ROUNDED, holds_open, quantiles
from cxkit.analysis.frames import Frame
from cxkit.analysis.gate import Gate, judged_base
from cxkit.analysis.totals import named
from cxkit.errors import CxError, nearest
from cxkit.metrics import Metric
from cxkit.schema import ESTIMATES, worded
from cxkit.stats import Interval, mean_interval, nps_interval, rate_interval
from cxkit.tallies.tallies import Tallies

NET_METHODS = {"score": "score interval", "adjusted_wald": "adjusted Wald interval", "wald": "Wald interval"}
SHARE_METHODS = {"score": "Wilson interval"}
NOT_ENDED = "not ended"  # the class of durations that were still running


By: TypeAlias = Sequence[str] | Sequence[Sequence[str]] | None


class Estimates(NamedTuple):
    """Values and limits of the cells of one metric, in its unit, with method, notes and the codes of reasons."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    n_eff: FloatArray
    method: list[str]
    note: list[str]
    reason: list[str]


def estimate(
    tallies: Tallies,
    level: float = 0.95,
    *,
    by: By = None,
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    periods: Sequence[str] | None = None,
    method: str = "score",
    use: Use = "full",
) -> pd.DataFrame:
    """Estimates with intervals, one row per metric, period and cell, empty cells included.

    Args:
        tallies: Tallies of which the wanted level was declared.
        level: Confidence level in (0, 1).
        by: Dimensions to cut by, beside those in `where`; several levels as tuples of dimensions; () for none; None
            for all levels that are declared with those in `where`.
        where: One level per dimension: the place.
        metrics: Names; None for all.
        periods: Periods; None for all.
        method: "score"; for net scores also "adjusted_wald" and "wald".
        use: "full" design, its "weights" only, or "none": to show what a choice does to a result.

    Returns:
        Columns metric, period, <dimensions>, n, n_eff, value, low, high, level, method, note, in the metric's unit,
        reason, the code of why a number is absent (`schema.REASONS`), n_judged, on which a verdict rests (as in
        `compare`), and the limits in force: hide_below, judge_from.

    Raises:
        CxError: A metric, dimension, level or period that was not declared.

    >>> import cxkit as cx, pandas as pd
    >>> answers = pd.DataFrame({"wave": ["a"] * 100, "nps": [3] * 20 + [7] * 30 + [9] * 50})
    >>> frame = cx.estimate(cx.tally(cx.read(answers), ["nps"], period="wave"))
    >>> frame[["n", "value", "low", "high"]].round(4)
         n  value      low     high
    0  100   30.0  13.9551  44.3393
    """
    frames, gate = [], Gate.of(tallies.rules, None)
    for metric in chosen(tallies, metrics):
        for dimensions in cuts(tallies, by, where):
            _, keys = declared(tallies, dimensions, where, periods)
            cells = from_tallies(tallies, metric, keys, use)
            frame = framed(metric, cells, estimates(metric, cells, level, method), level, gate)
            frames.append(frame if dimensions else named(frame, tallies, metric.item))
    frame = pd.concat(frames, ignore_index=True)
    used = [name for name in tallies.by if name in frame.columns]
    frame = frame.assign(hide_below=tallies.rules.hide_below, judge_from=tallies.rules.judge_from)
    return Frame.of(frame[["metric", "period", *used, *ESTIMATES[2:]]], tallies.metrics)


def at(frame: pd.DataFrame, where: Mapping[str, str]) -> pd.DataFrame:
    """The rows of a frame at one place.

    >>> at(pd.DataFrame({"brand": ["A", "B"], "value": [1, 2]}), {"brand": "B"})
      brand  value
    0     B      2
    """
    mask = np.ones(len(frame), dtype=bool)
    for name, value in where.items():
        if name not in frame.columns:
            raise CxError(f"{name!r} is no column of this frame; {nearest(name, frame.columns)}")
        mask &= frame[name].to_numpy() == value
    return frame[mask].reset_index(drop=True)


def distribution(
    tallies: Tallies,
    metric: str,
    *,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    periods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """How often each answer was given: counts, and weighted shares in percent of the cell.

    Args:
        tallies: Tallies of which the wanted level was declared.
        metric: Name of a metric; all metrics of an item have the same answers.
        by: Dimensions to cut by, beside those in `where`.
        where: One level per dimension.
        periods: Periods; None for all.

    Returns:
        Columns metric, period, <dimensions>, answer, group, n, share: one row per cell and possible answer. Cells
        without answers or that may not be shown are left out. Durations that had not ended are a class of their own,
        "not ended": how long they will have lasted is not known, so their answer is infinite.
    """
    (chosen_metric,) = chosen(tallies, [metric])
    _, keys = declared(tallies, by, where, periods)
    cells = from_tallies(tallies, chosen_metric, keys, "weights")
    answers = np.array(sorted(chosen_metric.values)) if chosen_metric.values else cells.values
    position = np.searchsorted(answers, cells.values)
    n, w = np.zeros((2, len(keys), len(answers)))
    n[:, position], w[:, position] = cells.counts, cells.weights
    group = [next((g for g, members in chosen_metric.classes.items() if a in members), "") for a in answers]
    if cells.open is not None:  # without weights, with which open cases are not tallied
        n = w = np.hstack([cells.counts - cells.open, cells.open.sum(axis=1, keepdims=True)])
        answers, group = np.append(answers, np.inf), [*(name or "ended" for name in group), NOT_ENDED]
    shown = cells.n > 0
    frame = keys[shown].loc[keys.index[shown].repeat(len(answers))].reset_index(drop=True)
    frame.insert(0, "metric", metric)
    share = 100 * w[shown] / cells.w[shown, None]
    return frame.assign(
        answer=np.tile(answers, shown.sum()),
        group=group * int(shown.sum()),
        n=n[shown].ravel().astype(int),
        share=share.ravel(),
    )


# One metric -----------------------------------------------------------------------------------------------------------


def chosen(tallies: Tallies, names: Sequence[str] | None) -> list[Metric]:
    """The metrics of some names, all if None."""
    if names is not None and not len(names):
        raise CxError("metrics: name at least one, or None for all")
    for name in names or ():
        if name not in tallies.metrics:
            raise CxError(f"metrics: {name!r} was not tallied; {nearest(name, tallies.metrics)}")
    return [tallies.metrics[name] for name in (tallies.metrics if names is None else names)]


def cuts(tallies: Tallies, by: By, where: Mapping[str, str] | None) -> list[tuple[str, ...]]:
    """The levels to show: the one or the several that `by` names beside `where`, or all that are declared beside it.

    Raises:
        CxError: A dimension that the tallies do not have.
    """
    place = set(where or ())
    for name in [*place, *(name for part in by or () for name in ([part] if isinstance(part, str) else part))]:
        known(tallies, name)
    if by is None:
        held = [level for level in tallies.levels if place <= set(level)]
        return held or [tuple(name for name in tallies.by if name in place)]  # not declared; `Tallies.cut` says so
    several = [(name,) if isinstance(name, str) else tuple(name) for name in by]
    one = not by or any(isinstance(name, str) for name in by)
    levels = [tuple(name for level in several for name in level)] if one else several
    return [tuple(name for name in tallies.by if name in {*level, *place}) for level in levels]


def estimates(metric: Metric, cells: Cells, level: float, method: str = "score") -> Estimates:
    """Values and limits of cells by the metric's statistic."""
    if metric.statistic == "quantile":
        if method != "score":
            raise CxError(f"method: {method!r} is for net scores; {metric.label} has order statistics only")
        mean, interval = quantiles(metric, cells, level)
        words = [f"{OPEN_METHOD if some else METHOD}{ROUNDED * cells.rounded}" for some in holds_open(cells)]
    else:
        mean, variance = moments(metric, cells)
        interval, said = _interval(metric, cells, mean, variance, level, method)
        words = [said] * len(cells.n)
    n_eff = np.asarray(cells.design.n_eff, float) if cells.design else cells.n
    shown = (cells.hidden == "") & (cells.n > 0)
    value, low, high = (np.where(shown, metric.factor * np.asarray(x), np.nan) for x in (mean, *interval))
    why = [_note(metric, cells, value, low, high, i) for i in range(len(cells.n))]
    notes, methods = [words for _, words in why], [_method(one, cells) for one in words]
    reasons = [code for code, _ in why]
    return Estimates(value, low, high, np.where(cells.n > 0, n_eff, 0.0), methods, notes, reasons)


def _interval(
    metric: Metric, cells: Cells, mean: FloatArray, variance: FloatArray, level: float, method: str
) -> tuple[Interval, str]:
    if metric.statistic == "net":
        if method not in NET_METHODS:
            raise CxError(f"method: {method!r} is unknown for {metric.label}; {nearest(method, NET_METHODS)}")
        return nps_interval(*groups(metric, cells), level, method, design=cells.design), NET_METHODS[method]
    if method != "score":
        raise CxError(f"method: {method!r} is for net scores; {metric.label} knows only score")
    if metric.statistic == "share":
        _, no, yes = groups(metric, cells)
        return rate_interval(yes, no + yes, level, design=cells.design), SHARE_METHODS["score"]
    return mean_interval(
        mean,
        variance,
        cells.n,
        level,
        scale=metric.natural_ends,
        design=cells.design,
    ), "t interval"


def _method(words: str, cells: Cells) -> str:
    return f"{words}, {cells.kind}" if cells.kind else words


def _still_open(cells: Cells, value: float, high: float, i: int) -> tuple[str, str]:
    """How many cases had not ended, and what cannot be told because of them."""
    count = 0 if cells.open is None else int(cells.open[i].sum())
    # The count of a hidden cell would be what others leave of the whole, which tells none where anything is hidden.
    told = f"{count:,} of {int(cells.n[i]):,} still open" if cells.whole else "some are still open"
    words = told if count else ""
    code = "not ended" if np.isnan(high) else ""
    absent = worded(code) if np.isnan(value) else "no upper limit" if code else ""
    return code, "; ".join(part for part in (words, absent) if part)


def missing(cells: Cells, i: int) -> str:
    """The code of why a cell shows nothing; blank where it shows its answers."""
    return str(cells.hidden[i]) or ("" if cells.n[i] else "no answers")


def _note(
    metric: Metric, cells: Cells, value: FloatArray, low: FloatArray, high: FloatArray, i: int
) -> tuple[str, str]:
    """Why a number is absent, as code and words; blank where it is there."""
    if code := missing(cells, i):
        return code, worded(code, hide_below=cells.hide_below)
    lone = np.isnan([low[i], high[i]]).all() and unknown_spread(metric, cells, i)
    if metric.statistic == "quantile" and holds_open(cells)[i]:
        return _still_open(cells, value[i], high[i], i)
    if metric.statistic == "quantile" and not lone:
        return _absent_limits(low[i], high[i])
    if np.isnan(low[i]):
        code = unknown_spread(metric, cells, i)
        return code, f"no interval: {worded(code)}"
    if code := unanimous(metric, cells, i):
        return code, worded(code)
    cut = metric.statistic == "mean" and (low[i] == metric.scale[0] or high[i] == metric.scale[1])
    return "", "interval cut at the end of the scale" if cut else ""


def _absent_limits(low: float, high: float) -> tuple[str, str]:
    """Which limits of a quantile do not exist: there are too few answers beyond them."""
    absent = [word for word, limit in (("lower", low), ("upper", high)) if np.isnan(limit)]
    code = "few beyond" if absent else ""
    return code, f"no {' and no '.join(absent)} limit: {worded(code)}" if absent else ""


def unanimous(metric: Metric, cells: Cells, i: int) -> str:
    """Whether a mean has nothing but a bound, as a code, because nobody answered otherwise; blank where it has more."""
    same = metric.statistic == "mean" and (cells.counts[i] > 0).sum() == 1 < cells.n[i]
    return "all the same" if same else ""


def unknown_spread(metric: Metric, cells: Cells, i: int) -> str:
    """Why nothing is known of the spread of a cell that has answers, as a code; blank where something is."""
    if metric.statistic == "mean" and cells.n[i] < 2:
        return "one answer"
    if cells.design is None:
        return ""
    if np.ravel(cells.sums.clusters)[i] < 2:
        return "one cluster"
    if np.isnan(np.ravel(cells.design.n_eff)[i]):
        return "lonely stratum"
    return "" if np.ravel(cells.design.df)[i] > 0 else "unknown spread"


def base(cells: Cells, numbers: FloatArray) -> pd.Series:
    """Whole numbers of the cells, absent where a cell is hidden."""
    return pd.Series(numbers, dtype="Int64").mask(cells.hidden != "")


def framed(metric: Metric, cells: Cells, found: Estimates, level: float, gate: Gate) -> pd.DataFrame:
    """The estimates of one level as rows."""
    columns = {
        **cells.keys,
        "metric": metric.name,
        "n": base(cells, cells.n),
        "n_eff": np.where(cells.hidden == "", found.n_eff, np.nan),
        "n_judged": np.where(cells.hidden == "", judged_base(metric, cells, level, gate), np.nan),
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "level": level,
        "method": found.method,
        "note": pd.Series(found.note, dtype="str"),
        "reason": pd.Series(found.reason, dtype="str"),
    }
    return pd.DataFrame(columns, index=cells.keys.index)
