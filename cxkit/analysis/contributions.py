"""Why a total moved: what each of its parts brings to the change, by its score and by its share of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxkit.analysis.cells import Cells, FloatArray, check_pair, declared, declared_parts, from_tallies, taken
from cxkit.analysis.comparisons import NO_EVIDENCE, TOO_FEW
from cxkit.analysis.contrasts import cross_with_rest, rest_sums
from cxkit.analysis.differences import shared
from cxkit.analysis.estimates import base, chosen
from cxkit.analysis.gate import Gate, judged_base
from cxkit.input.mapping import BLANK
from cxkit.metrics import Metric
from cxkit.schema import CONTRIBUTIONS, worded
from cxkit.stats import Cross, Sums, holm, mix_and_rate
from cxkit.stats.core import positive, t_critical, t_pvalue
from cxkit.stats.mix import Slopes, contribution_slopes, part_covariance, part_variance
from cxkit.tallies.tallies import Tallies

CONTRIBUTES = "contributes"
COLUMNS = CONTRIBUTIONS[1:]
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
        minimum: Effective answers that a part, and the total, need in both periods for a verdict; None: as the tallies'
            rules say.

    Returns:
        Columns metric, <dimensions>, now, before, n, n_before, contribution, low, high, pvalue, pvalue_adj (Holm's, of
        all parts), by_mix, by_rate and others (all other parts together), each with its limits, others_pvalue,
        total_change, verdict ("contributes", "no evidence" or "too few"), explains, level, method, note, reason. One
        part `explains` where it alone contributes in the direction of the change, and there is no evidence that the
        others together do. Nothing is taken apart where codes were gone and others new: they may be the same under new
        names.

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
    1  Brimvale          -5.8    -2.8          -8.7
    """
    check_pair(tallies, now, before)
    minimum = tallies.rules.judge_from if minimum is None else minimum
    names = [dimension] if isinstance(dimension, str) else list(dimension)
    frames = [
        pd.DataFrame(_of_dimension(tallies, metric, (before, now), name, where, level, minimum))
        for metric in chosen(tallies, metrics)
        for name in names
    ]
    frame = pd.concat(frames, ignore_index=True)
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
) -> dict[str, Any]:
    """The columns of the parts of one dimension."""
    sides = _sides(tallies, metric, periods, dimension, where)
    parts = [side.part for side in sides]
    keys = {str(name): values.array for name, values in parts[1].keys.items() if name != "period"}
    codes = parts[1].keys[dimension].to_numpy(dtype=object)
    made: dict[str, Any] = {**dict.fromkeys(COLUMNS, np.nan), **keys} | {
        "metric": metric.name, "now": periods[1], "before": periods[0], "level": level, "method": _method(sides[1]),
        "n": base(parts[1], parts[1].n).array, "n_before": base(parts[0], parts[0].n).array,
        "verdict": TOO_FEW, "explains": False, "reason": ""}  # fmt: skip
    inside = ~np.isin(codes, _left_out(tallies, metric, dimension, where))
    there = [((part.n > 0) | (part.hidden != "")) & inside & (codes != BLANK) for part in parts]
    gone, new = (sorted(codes[one & ~other]) for one, other in (there, there[::-1]))
    if metric.statistic == "quantile":
        return made | {"note": worded("no sum"), "reason": "no sum"}
    if gone and new:
        told = f"only in {periods[0]}: {', '.join(gone)}; only in {periods[1]}: {', '.join(new)}"
        return made | {"note": worded("other codes", dimension=dimension, found=told), "reason": "other codes"}
    if any((side.whole.hidden != "").any() or not side.whole.n.all() for side in sides):
        return made | {"note": worded("no total"), "reason": "no total"}
    shown = inside & (parts[0].hidden == "") & (parts[1].hidden == "")
    made |= _numbers(tallies, metric, sides, shown, level)
    gate = Gate.of(tallies.rules, minimum)
    # A share and the mean of all rest on all: what one weight of another part decides is not known of this one.
    bases = [judged_base(metric, cells, level, gate) for side in sides for cells in (side.part, side.whole)]
    told = ~np.isnan(made["pvalue"])
    enough = shown & told & (np.min(np.broadcast_arrays(*bases), axis=0) >= minimum)
    adjusted = holm(np.where(enough, made["pvalue"], np.nan))
    verdict = np.select([~enough, adjusted < 1 - level], [TOO_FEW, CONTRIBUTES], NO_EVIDENCE)
    telling = (verdict == CONTRIBUTES) & (made["contribution"] * made["total_change"] > 0)
    alone = (verdict == CONTRIBUTES).sum() == 1
    hidden = np.where(parts[1].hidden == "", parts[0].hidden, parts[1].hidden)
    cases = [~inside, hidden != "", parts[0].n + parts[1].n == 0, parts[0].n == 0, parts[1].n == 0, shown & ~told,
             ~enough]  # fmt: skip
    reasons: list[Any] = ["no part", hidden, *["no answers"] * 3, "all the same", "few answers"]
    note = np.select(
        cases,
        [worded("no part"), [worded(str(code), hide_below=tallies.rules.hide_below) for code in hidden],
         worded("no answers"), "new: all of it is mix", "gone: all of it is mix",
         f"{worded('all the same')}: no error is known",
         f"fewer than {minimum:g} effective answers, here or in total, in one period"], "",
    )  # fmt: skip
    found = {"note": note.astype(str), "reason": np.select(cases, reasons, "").astype(str)}
    explains = telling & alone & (made["others_pvalue"] >= 1 - level)
    return made | {"pvalue_adj": adjusted, "verdict": verdict, "explains": explains, **found}


def _sides(
    tallies: Tallies, metric: Metric, periods: tuple[str, str], dimension: str, where: Mapping[str, str] | None
) -> list[Side]:
    _, keys = declared_parts(tallies, (), dimension, where, periods)
    both = from_tallies(tallies, metric, keys)
    wholes = from_tallies(tallies, metric, declared(tallies, (), where, periods)[1])
    cross = cross_with_rest(tallies, metric, both)
    joint = np.zeros((5, len(keys))) if cross is None else np.stack([*cross[0], cross[1]])
    sides = []
    for i, own in enumerate(np.split(np.arange(len(keys)), 2)):
        part, whole, beside = taken(both, own), taken(wholes, np.array([i])), Cross(*joint[:4, own])
        sides.append(Side(part, whole, rest_sums(part.sums, whole.sums, (beside, joint[4, own])), beside))
    return sides


def _left_out(tallies: Tallies, metric: Metric, dimension: str, where: Mapping[str, str] | None) -> list[str]:
    """The parts that the total leaves out in any period, because it would give them away."""
    withheld = [] if where else tallies.provenance.get("withheld", [])
    return [str(cell.get(dimension)) for cell in withheld if cell["item"] == metric.item]


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
    joint = _covariances(tallies, metric, sides, slopes)
    made = {"total_change": np.full(len(shown), metric.factor * found.change)}
    for name, known in value.items():
        error, df = _precision(sides, slopes[name], joint[name], others=name == "others")
        half, pvalue = t_critical(df, level) * error, t_pvalue(known / positive(error), df)
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


def _precision(
    sides: Sequence[Side], slopes: tuple[Slopes, Slopes], joint: FloatArray, *, others: bool
) -> tuple[FloatArray, FloatArray]:
    """Standard error of a figure of each part, and Welch's degrees of freedom."""
    variance, scaled = np.zeros((2, len(sides[0].part.n)))
    for side, slope in zip(sides, slopes, strict=True):
        clusters = np.asarray(side.whole.sums.clusters, float)
        own = np.asarray(part_variance(slope, side.part.sums, side.rest, side.cross, clusters))
        held = np.asarray(side.rest.clusters if others else side.part.sums.clusters, float)
        variance = variance + own
        scaled = scaled + own**2 / positive(np.where(held > 0, held, clusters) - 1.0)
    return np.sqrt(np.maximum(variance + 2.0 * joint, 0.0)), variance**2 / positive(scaled)


def _covariances(
    tallies: Tallies, metric: Metric, sides: Sequence[Side], slopes: Mapping[str, tuple[Slopes, Slopes]]
) -> dict[str, FloatArray]:
    """Covariance of both periods of each figure, by the people who answered in both; 0 where nobody is known."""
    zero = np.zeros(len(sides[0].part.n))
    before, now = (side.part.keys["period"].iloc[0] for side in sides)
    parts, wholes = (shared(tallies, metric, keys, before, now) for keys in (sides[0].part.keys, sides[0].whole.keys))
    if parts is None or wholes is None:
        return dict.fromkeys(slopes, zero)
    own, rest = (sides[0].part.sums, sides[1].part.sums), (sides[0].rest, sides[1].rest)
    found = {name: np.nan_to_num(part_covariance(each, own, rest, parts[0])) for name, each in slopes.items()}
    every, none = (sides[0].whole.sums, sides[1].whole.sums), Sums(*np.zeros((6, 1)))
    scores = Slopes(zero[:1], zero[:1] - 1.0, zero[:1]), Slopes(zero[:1], zero[:1] + 1.0, zero[:1])
    whole = part_covariance(scores, every, (none, none), wholes[0])
    found["others"] = np.nan_to_num(whole) - found["contribution"]  # what all share, less what the part's people do
    if any(side.part.stratified for side in sides):  # what strata have in common would be credited twice
        return {name: np.maximum(joint, 0.0) for name, joint in found.items()}
    return found


def _method(side: Side) -> str:
    kind = side.whole.kind
    return f"{METHOD}{f', {kind}' if kind else ''}, Holm correction"
