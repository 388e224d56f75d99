"""Why a total moved: what each of its parts brings to the change, by its score and by its share of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxkit.analysis.cells import Cells, FloatArray, declared, from_tallies
from cxkit.analysis.comparisons import NO_EVIDENCE, TOO_FEW
from cxkit.analysis.contrasts import cross_with_rest, rest_sums
from cxkit.analysis.differences import shared
from cxkit.analysis.estimates import base, chosen
from cxkit.analysis.gate import Gate, judged_base
from cxkit.data.mapping import BLANK
from cxkit.data.tallies import Tallies
from cxkit.errors import CxError
from cxkit.metrics import Metric
from cxkit.stats import Cross, Sums, holm, mix_and_rate
from cxkit.stats.core import positive, t_critical, t_pvalue
from cxkit.stats.mix import Slopes, contribution_slopes, part_covariance, part_variance

CONTRIBUTES = "contributes"
COLUMNS = (
    "now", "before", "n", "n_before", "contribution", "low", "high", "pvalue", "pvalue_adj", "by_mix", "by_mix_low",
    "by_mix_high", "by_rate", "by_rate_low", "by_rate_high", "others", "others_low", "others_high", "others_pvalue",
    "total_change", "verdict", "explains", "level", "method", "note",
)  # fmt: skip
METHOD = "Kitagawa's mix and rate, linearised"
_ROUNDING = 1e-12


class Side(NamedTuple):
    """One period: its parts, the whole of each, the rest of each, and the clusters in both."""

    part: Cells
    whole: Cells
    rest: Sums
    cross: Cross


def contributions(
    tallies: Tallies,
    now: str,
    before: str,
    dimension: str | Sequence[str],
    level: float = 0.95,
    *,
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    minimum: float | None = None,
) -> pd.DataFrame:
    """The change of a total, taken apart by the levels of a dimension: arithmetic, not causes.

    What a part brings is what it moved (rate) and what its share of the answers moved (mix). Where every part is shown
    they add up to the change of the total; where some are hidden, what is shown holds no more than the scores and bases
    that are shown anyway.

    Args:
        tallies: Tallies with `rest=True`, in which the place was declared, and the place with the dimension last.
        now: The later period, as it is written in `tallies.periods`.
        before: The period it is compared with.
        dimension: Whose levels are the parts; of several, each takes the change apart by itself.
        level: Confidence level of the intervals.
        where: One level per other dimension: the place.
        metrics: Names of net scores, shares or means; None for all. A quantile is no sum of its parts.
        minimum: Effective answers that a part needs in both periods for a verdict; None: as the tallies' rules say.

    Returns:
        Columns metric, <dimensions>, now, before, n, n_before, contribution, low, high, pvalue, pvalue_adj (Holm's, of
        all parts), by_mix, by_rate and others (all other parts together), each with its limits, others_pvalue,
        total_change, verdict ("contributes", "no evidence" or "too few"), explains, level, method, note. One part
        `explains` where it alone contributes in the direction of the change, and there is no evidence that the others
        together do. Nothing is taken apart where codes were gone and others new: they may be the same under new names.

    Raises:
        CxError: A level, period or pair that was not declared, or tallies without what a rest needs.

    Formula: `stats.mix_and_rate`; Wald limits of its linearisation over the clusters of the whole, the people of both
    periods accounted for as far as they are in the part, with Welch's degrees of freedom of the clusters in the part.
    Strata are left out of the errors, which is careful. Source: Kitagawa (1955), doi 10.1080/01621459.1955.10501299;
    Binder (1983), doi 10.2307/1402588.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"], rest=True)
    >>> frame = cx.contributions(tallies, "2026-10", "2026-09", "brand")
    >>> frame.loc[frame["explains"], ["brand", "contribution", "others", "total_change"]].round(1)
          brand  contribution  others  total_change
    1  Brimvale          -7.1     1.9          -5.2
    """
    if (now, before) not in tallies.compared and (before, now) not in tallies.compared:
        raise CxError(f"the pair {now} against {before} was not tallied; declare it with pairs=[({now!r}, {before!r})]")
    minimum = tallies.rules.judge_from if minimum is None else minimum
    names = [dimension] if isinstance(dimension, str) else list(dimension)
    frames = [
        _of_dimension(tallies, metric, (before, now), name, where, level, minimum)
        for metric in chosen(tallies, metrics)
        for name in names
    ]
    frame = pd.concat(frames, ignore_index=True).assign(now=now, before=before, level=level)
    used = [name for name in tallies.by if name in frame.columns]
    return frame[["metric", *used, *COLUMNS]]


def _of_dimension(
    tallies: Tallies,
    metric: Metric,
    periods: tuple[str, str],
    dimension: str,
    where: Mapping[str, str] | None,
    level: float,
    minimum: float,
) -> pd.DataFrame:
    sides = [_side(tallies, metric, period, dimension, where) for period in periods]
    parts = [side.part for side in sides]
    blank: dict[str, Any] = dict.fromkeys(COLUMNS, np.nan)
    frame = parts[1].keys.drop(columns="period").assign(**blank | {
        "metric": metric.name, "n": base(parts[1], parts[1].n), "n_before": base(parts[0], parts[0].n),
        "verdict": TOO_FEW, "explains": False, "method": _method(sides[1])})  # fmt: skip
    inside = ~_left_out(tallies, metric, frame, dimension, where)
    codes = frame[dimension]
    there = [((part.n > 0) | (part.hidden != "")) & inside & (codes != BLANK) for part in parts]
    gone, new = (sorted(codes[one & ~other]) for one, other in (there, there[::-1]))
    if metric.statistic == "quantile":
        return frame.assign(note="a quantile is no sum of its parts")
    if gone and new:
        told = f"only in {periods[0]}: {', '.join(gone)}; only in {periods[1]}: {', '.join(new)}"
        return frame.assign(note=f"the codes of {dimension} do not match: {told}")
    shown = inside & (parts[0].hidden == "") & (parts[1].hidden == "")
    if any((side.whole.hidden != "").any() or not side.whole.n.all() for side in sides):
        return frame.assign(note="the total is not known in both periods")
    frame = frame.assign(**_numbers(tallies, metric, sides, shown, level))
    gate = Gate.of(tallies.rules, minimum)
    enough = shown & (np.minimum(*(judged_base(metric, part, level, gate) for part in parts)) >= minimum)
    adjusted = holm(np.where(enough, frame["pvalue"], np.nan))
    verdict = np.select([~enough, adjusted < 1 - level], [TOO_FEW, CONTRIBUTES], NO_EVIDENCE)
    telling = (verdict == CONTRIBUTES) & (frame["contribution"] * frame["total_change"] > 0)
    alone = (verdict == CONTRIBUTES).sum() == 1
    hidden = np.where(parts[1].hidden == "", parts[0].hidden, parts[1].hidden)
    note = np.select(
        [~inside, hidden != "", ~shown | (parts[0].n + parts[1].n == 0), parts[0].n == 0, parts[1].n == 0, ~enough],
        ["left out of the total", hidden, "no answers", "new: all of it is mix", "gone: all of it is mix",
         f"fewer than {minimum:g} effective answers in one period"], "",
    )  # fmt: skip
    explains = telling & alone & (frame["others_pvalue"] >= 1 - level)
    return frame.assign(pvalue_adj=adjusted, verdict=verdict, explains=explains, note=note.astype(str))


def _side(tallies: Tallies, metric: Metric, period: str, dimension: str, where: Mapping[str, str] | None) -> Side:
    dimensions, keys = declared(tallies, [dimension], where, [period])
    if dimensions[-1] != dimension:
        raise CxError(f"{dimension!r}: expected the last dimension of the level {', '.join(dimensions)}")
    part = from_tallies(tallies, metric, keys)
    whole = from_tallies(tallies, metric, declared(tallies, (), where, [period])[1])
    cross = cross_with_rest(tallies, metric, part, dimensions)
    beside = Cross(*np.zeros((4, len(part.n)))) if cross is None else cross[0]
    return Side(part, whole, rest_sums(part.sums, whole.sums, cross), beside)


def _left_out(
    tallies: Tallies, metric: Metric, frame: pd.DataFrame, dimension: str, where: Mapping[str, str] | None
) -> np.ndarray:
    """Which parts the total leaves out in any period, because it would give them away."""
    withheld = [] if where else tallies.provenance.get("withheld", [])
    return frame[dimension].isin({w.get(dimension) for w in withheld if w["item"] == metric.item}).to_numpy()


def _numbers(
    tallies: Tallies, metric: Metric, sides: Sequence[Side], shown: np.ndarray, level: float
) -> dict[str, FloatArray]:
    """Contributions with limits and p-values, in the unit of the metric; NaN for parts that are not shown."""
    sizes, rates = zip(*(_with_hidden(side, shown) for side in sides), strict=True)
    found = mix_and_rate(*sizes, *rates)
    value = {"by_mix": found.mix_by_segment[:-1], "by_rate": found.rate_by_segment[:-1]}
    value["contribution"] = value["by_mix"] + value["by_rate"]
    value["others"] = found.change - value["contribution"]
    share = [size[:-1] / size.sum() for size in sizes]
    total = [float(size @ rate / size.sum()) for size, rate in zip(sizes, rates, strict=True)]
    slopes = contribution_slopes((share[0], share[1]), (rates[0][:-1], rates[1][:-1]), (total[0], total[1]))
    made = {"total_change": np.full(len(shown), metric.factor * found.change)}
    for name, known in value.items():
        half, pvalue = _half_width(tallies, metric, sides, slopes[name], name == "others", known, level)
        limits = {"": known, "_low": known - half, "_high": known + half}
        made |= {f"{name}{end}": np.where(shown, metric.factor * x, np.nan) for end, x in limits.items()}
        made[f"{name}_pvalue"] = np.where(shown, pvalue, np.nan)
    own = {end: made.pop(f"contribution_{end}") for end in ("low", "high", "pvalue")}
    return {name: made[name] for name in made if name in COLUMNS} | own


def _with_hidden(side: Side, shown: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """Weight and score of each part that is shown, and at the end of all others together."""
    whole = np.array([np.asarray(side.whole.sums.w)[0], np.asarray(side.whole.sums.s)[0]])
    parts = np.where(shown, np.stack([side.part.sums.w, side.part.sums.s]), 0.0)
    hidden = whole - parts.sum(axis=1)
    w, s = np.column_stack([parts, hidden if hidden[0] > _ROUNDING * whole[0] else np.zeros(2)])
    return w, s / np.where(w > 0, w, 1.0)


def _half_width(
    tallies: Tallies, metric: Metric, sides: Sequence[Side], slopes: tuple[Slopes, Slopes], others: bool,
    value: FloatArray, level: float,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Half the width of an interval, and the p-value."""
    variance, df = [], []
    for side, slope in zip(sides, slopes, strict=True):
        variance.append(
            np.asarray(part_variance(slope, side.part.sums, side.rest, side.cross, side.whole.sums.clusters))
        )
        held = np.asarray(side.rest.clusters if others else side.part.sums.clusters, float)
        df.append(np.where(held > 0, held, np.asarray(side.whole.sums.clusters)) - 1.0)
    both = variance[0] + variance[1]
    joint = _shared(tallies, metric, sides, slopes)
    if others:  # what the people of the whole share, less those of the part
        one = Slopes(*(np.zeros(1), np.ones(1), np.zeros(1)))
        wholes = [side._replace(part=side.whole, rest=Sums(*np.zeros((6, 1)))) for side in sides]
        joint = _shared(tallies, metric, wholes, (one._replace(scores=-one.scores), one)) - joint
    if any(side.part.stratified for side in sides):
        joint = np.maximum(joint, 0.0)  # what strata have in common would be credited twice
    error = np.sqrt(np.maximum(both + 2.0 * joint, 0.0))
    freedom = both**2 / positive(np.sum([v**2 / positive(d) for v, d in zip(variance, df, strict=True)], axis=0))
    return t_critical(freedom, level) * error, t_pvalue(value / positive(error), freedom)


def _shared(tallies: Tallies, metric: Metric, sides: Sequence[Side], slopes: tuple[Slopes, Slopes]) -> FloatArray:
    """Covariance of both periods by the people who answered in both; 0 where nobody is known."""
    keys = [side.part.keys for side in sides]
    cross = shared(tallies, metric, keys[0], keys[0]["period"].iloc[0], keys[1]["period"].iloc[0])
    if cross is None:
        return np.zeros(1)
    parts, rests = zip(*((side.part.sums, side.rest) for side in sides), strict=True)
    return np.nan_to_num(part_covariance(slopes, parts, rests, cross[0]))


def _method(side: Side) -> str:
    kind = side.whole.kind
    return f"{METHOD}{f', {kind}' if kind else ''}, Holm correction"
