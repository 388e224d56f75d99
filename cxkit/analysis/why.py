"""Why a total moved: what each of its parts brings to the change, by its score and by its share of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxkit.analysis.cells import (
    Cells,
    FloatArray,
    check_pair,
    crossed,
    declared,
    declared_parts,
    from_tallies,
    require_whole,
    taken,
)
from cxkit.analysis.comparisons import NO_EVIDENCE, TOO_FEW
from cxkit.analysis.contrasts import cross_with_rest, rest_sums
from cxkit.analysis.differences import Linked, shared
from cxkit.analysis.estimates import base, chosen
from cxkit.analysis.gate import Gate, judged_base
from cxkit.input.mapping import BLANK
from cxkit.metrics import Metric
from cxkit.schema import ALL, WHY, worded
from cxkit.stats import Cross, Sums, holm, mix_and_rate
from cxkit.stats.core import positive, t_critical, t_pvalue
from cxkit.stats.mix import Slopes, contribution_slopes, part_covariance, part_variance, pooled_mix, total_products
from cxkit.tallies.tallies import Tallies

CONTRIBUTES = "contributes"
COLUMNS = WHY[1:]
METHOD = "Kitagawa's mix and rate, linearised"
_ROUNDING = 1e-12
Pairs = tuple[Linked, Linked] | None


class Side(NamedTuple):
    """One period: its parts, the whole of each, the rest of each, and the clusters in both."""

    part: Cells
    whole: Cells
    rest: Sums
    cross: Cross


def why(
    tallies: Tallies,
    now: str,
    before: str,
    by: str | Sequence[str | Sequence[str]],
    level: float = 0.95,
    *,
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    minimum: float | None = None,
    margin: float = 5.0,
) -> pd.DataFrame:
    """Why a total moved: who answered (composition) or how they scored (movement), in all and by part; not causes.

    What a part brings is what it moved (rate) and what its share of the answers moved (mix); over all parts these are
    movement and composition. Where every part is shown they add up to the change of the total; where some are hidden,
    these count as one, and what is shown holds no more than the scores and bases that are shown anyway.

    Args:
        tallies: Tallies with `rest=True`, in which the place was declared, and the place with the dimension last.
        now: The later period, as it is written in `tallies.periods`.
        before: The period it is compared with.
        by: Dimensions whose levels are the parts; each takes the change apart by itself, several in a tuple jointly, by
            every combination of their levels, where that level was declared.
        level: Confidence level of the intervals.
        where: One level per other dimension: the place.
        metrics: Names of net scores, shares or means; None for all. A quantile is no sum of its parts.
        minimum: Effective answers that a part, and the total, need in both periods for a verdict; None: as the tallies'
            rules say.
        margin: Movement that would be as good as none, in points (hundredths of the scale of a share, of a mean).

    Returns:
        Columns metric, <dimensions>, dimension, now, before, n, n_before, contribution, low, high, pvalue, pvalue_adj
        (Holm's, of all parts), by_mix, by_rate and others (all other parts together), each with its limits,
        others_pvalue, total_change, verdict ("contributes", "no evidence" or "too few"), explains; of all parts of the
        dimension together value_before, composition and movement with limits and p-values (of composition Holm's, of
        the dimensions), cause and within; level, method, note, reason. One part `explains` where it
        alone contributes in the direction of the change, and there is no evidence that the others together do. `cause`
        is "composition", "movement", "both", "opposite" (they pull against each other: Simpson's paradox) or "cannot
        tell". `within` is the margin where the limits of the movement show that it is smaller (two one-sided tests).
        Parts of a joint dimension are not judged by themselves. Nothing is taken apart where codes were gone and others
        new: they may be the same under new names.

    Raises:
        CxError: A level, period or pair that was not declared, or tallies without what a rest needs.

    Formula: `stats.mix_and_rate`; Wald limits of its linearisation over the clusters of the whole, the people of both
    periods accounted for as far as they are in the part, with Welch's degrees of freedom of the clusters in the part
    (of all parts: of the whole; `stats.mix.total_products`). Strata are left out of the errors, which is careful.
    Source: Kitagawa (1955), doi 10.1080/01621459.1955.10501299; Binder (1983), doi 10.2307/1402588.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand", "plan"], levels=[("brand",), ("brand", "plan")],
    ...                    rest=True)
    >>> found = cx.why(tallies, "2026-10", "2026-09", "plan", where={"brand": "Corvanto"})
    >>> found[["plan", "by_mix", "by_rate", "composition", "movement", "cause"]].round(1)
          plan  by_mix  by_rate  composition  movement        cause
    0    basic    -3.1      2.5        -10.1      -0.7  composition
    1     plus    -7.0     -1.9        -10.1      -0.7  composition
    2  premium    -0.0     -1.2        -10.1      -0.7  composition
    """
    check_pair(tallies, now, before)
    minimum = tallies.rules.judge_from if minimum is None else minimum
    cuts = [(name,) if isinstance(name, str) else tuple(name) for name in ([by] if isinstance(by, str) else by)]
    frames = []
    for metric in chosen(tallies, metrics):
        made = [_of_dimension(tallies, metric, (before, now), cut, where, level, minimum) for cut in cuts]
        adjusted = holm([one["composition_pvalue"] for one in made])
        width = (metric.natural_ends[1] - metric.natural_ends[0]) / (2 if metric.statistic == "net" else 1)
        for one, p in zip(made, adjusted, strict=True):
            told = {
                "composition_pvalue": p,
                "cause": _cause(one, p, level),
                "within": _within(one, margin / 100 * width * metric.factor),
            }
            frames.append(pd.DataFrame(one | told))
    frame = pd.concat(frames, ignore_index=True)
    used = [name for name in tallies.by if name in frame.columns]
    return frame[["metric", *used, *COLUMNS]]


def _cause(one: Mapping[str, Any], p: float, level: float) -> str:
    """What a change is a matter of: composition, corrected for the choice among dimensions, or movement."""
    answered = np.nan_to_num(np.asarray(one["n"], float)) + np.nan_to_num(np.asarray(one["n_before"], float)) > 0
    if np.isnan(p) and (np.isnan(one["movement_pvalue"]) or answered.sum() < 2):  # of one part nothing is a matter
        return ""
    composed, moved = p < 1 - level, one["movement_pvalue"] < 1 - level
    if composed and moved:
        return "both" if one["composition"] * one["movement"] > 0 else "opposite"
    return "composition" if composed else "movement" if moved else "cannot tell"


def _within(one: Mapping[str, Any], margin: float) -> float:
    return margin if one["movement_low"] > -margin and one["movement_high"] < margin else np.nan


def _of_dimension(
    tallies: Tallies,
    metric: Metric,
    periods: tuple[str, str],
    names: Sequence[str],
    where: Mapping[str, str] | None,
    level: float,
    minimum: float,
) -> dict[str, Any]:
    """The columns of the parts of one dimension, or of several jointly."""
    sides = _sides(tallies, metric, periods, names, where)
    parts = [side.part for side in sides]
    keys = {str(name): values.array for name, values in parts[1].keys.items() if name != "period"}
    codes = {name: parts[1].keys[name].to_numpy(dtype=object) for name in names}
    made: dict[str, Any] = {**dict.fromkeys(COLUMNS, np.nan), **keys} | {
        "metric": metric.name, "now": periods[1], "before": periods[0], "level": level, "method": _method(sides[1]),
        "n": base(parts[1], parts[1].n).array, "n_before": base(parts[0], parts[0].n).array,
        "dimension": ALL.join(names), "verdict": TOO_FEW, "explains": False, "cause": "", "reason": ""}  # fmt: skip
    inside = np.ones(len(parts[0].n), dtype=bool)
    for name, each in codes.items():
        inside &= ~np.isin(each, _left_out(tallies, metric, name, where))
    if metric.statistic == "quantile":
        return made | {"note": worded("no sum"), "reason": "no sum"}
    there = [((part.n > 0) | (part.hidden != "")) & inside for part in parts]
    for name, each in codes.items():
        then, since = (set(each[one]) - {BLANK} for one in there)
        if then - since and since - then:
            gone, new = (", ".join(sorted(one)) for one in (then - since, since - then))
            told = f"only in {periods[0]}: {gone}; only in {periods[1]}: {new}"
            return made | {"note": worded("other codes", dimension=name, found=told), "reason": "other codes"}
    if any((side.whole.hidden != "").any() or not side.whole.n.all() for side in sides):
        return made | {"note": worded("no total"), "reason": "no total"}
    shown = inside & (parts[0].hidden == "") & (parts[1].hidden == "")
    made |= _numbers(tallies, metric, sides, shown, level, len(names) > 1)
    gate = Gate.of(tallies.rules, minimum)
    # A share and the mean of all rest on all: what one weight of another part decides is not known of this one.
    own, whole = (
        np.min(np.broadcast_arrays(*(judged_base(metric, cells, level, gate) for cells in cut)), axis=0)
        for cut in (parts, [side.whole for side in sides])
    )
    told = ~np.isnan(made["pvalue"])
    enough = shown & told & (np.minimum(own, whole) >= minimum)
    adjusted = holm(np.where(enough, made["pvalue"], np.nan))
    verdict = np.select([~enough, adjusted < 1 - level], [TOO_FEW, CONTRIBUTES], NO_EVIDENCE)
    telling = (verdict == CONTRIBUTES) & (made["contribution"] * made["total_change"] > 0)
    alone = (verdict == CONTRIBUTES).sum() == 1
    if not whole[0] >= minimum:
        made |= {"composition_pvalue": np.nan, "movement_pvalue": np.nan}
    hidden = np.where(parts[1].hidden == "", parts[0].hidden, parts[1].hidden)
    cases = [~inside, hidden != "", parts[0].n + parts[1].n == 0, parts[0].n == 0, parts[1].n == 0,
             shown & (len(names) > 1), shown & ~told, ~enough]  # fmt: skip
    reasons: list[Any] = ["no part", hidden, *["no answers"] * 3, "joint", "all the same", "few answers"]
    note = np.select(
        cases,
        [worded("no part"), [worded(str(code), hide_below=tallies.rules.hide_below) for code in hidden],
         worded("no answers"), "new: all of it is mix", "gone: all of it is mix", worded("joint"),
         f"{worded('all the same')}: no error is known",
         f"fewer than {minimum:g} effective answers, here or in total, in one period"], "",
    )  # fmt: skip
    found = {"note": note.astype(str), "reason": np.select(cases, reasons, "").astype(str)}
    explains = telling & alone & (made["others_pvalue"] >= 1 - level)
    return made | {"pvalue_adj": adjusted, "verdict": verdict, "explains": explains, **found}


def _sides(
    tallies: Tallies, metric: Metric, periods: tuple[str, str], names: Sequence[str], where: Mapping[str, str] | None
) -> list[Side]:
    if len(names) > 1:
        require_whole(tallies, crossed(tallies, names, where))
        _, keys = declared(tallies, names, where, periods)
    else:
        _, keys = declared_parts(tallies, (), names[0], where, periods)
    both = from_tallies(tallies, metric, keys)
    wholes = from_tallies(tallies, metric, declared(tallies, (), where, periods)[1])
    cross = None if len(names) > 1 else cross_with_rest(tallies, metric, both)
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
    tallies: Tallies, metric: Metric, sides: Sequence[Side], shown: np.ndarray, level: float, jointly: bool
) -> dict[str, Any]:
    """Contributions with limits and p-values, in the unit of the metric; NaN for parts that are not shown."""
    every = [_with_hidden(side, shown) for side in sides]
    sizes, rates = ([np.asarray(one.w) for one in every], [one.s / np.where(one.w > 0, one.w, 1.0) for one in every])
    found = mix_and_rate(*sizes, *rates)
    value = {"by_mix": found.mix_by_segment[:-1], "by_rate": found.rate_by_segment[:-1]}
    value["contribution"] = value["by_mix"] + value["by_rate"]
    value["others"] = found.change - value["contribution"]
    share = [size / size.sum() for size in sizes]
    total = [float(size @ rate / size.sum()) for size, rate in zip(sizes, rates, strict=True)]
    slopes = contribution_slopes((share[0], share[1]), (rates[0], rates[1]), (total[0], total[1]))
    own = {name: (_of_shown(then), _of_shown(since)) for name, (then, since) in slopes.items()}
    pairs = _pairs(tallies, metric, sides)
    joint = _covariances(sides, own, pairs)
    made: dict[str, Any] = {"total_change": np.full(len(shown), metric.factor * found.change)}
    for name, known in value.items():
        error, df = _precision(sides, own[name], joint[name], others=name == "others")
        error = np.where(shown & (not jointly), error, np.nan)
        half, pvalue = t_critical(df, level) * error, t_pvalue(known / positive(error), df)
        limits = {"": known, "_low": known - half, "_high": known + half}
        made |= {f"{name}{end}": np.where(shown, metric.factor * x, np.nan) for end, x in limits.items()}
        made[f"{name}_pvalue"] = np.where(shown, pvalue, np.nan)
    for name, figure in (("composition", "by_mix"), ("movement", "by_rate")):
        known = np.asarray(found.mix if name == "composition" else found.rate)
        error, df = _total_precision(sides, every, slopes[figure], shown, pairs)
        half = t_critical(df, level) * error
        ends = {name: known, f"{name}_low": known - half, f"{name}_high": known + half}
        made |= {end: float(metric.factor * x) for end, x in ends.items()}
        if name == "composition":
            later = sizes[1] / np.where((both := sizes[0] + sizes[1]) > 0, both, 1.0)
            pooled, tested = pooled_mix((share[0], share[1]), (rates[0], rates[1]), later)
            known = np.asarray(pooled)
            error, df = _total_precision(sides, every, tested, shown, pairs)
        made[f"{name}_pvalue"] = float(t_pvalue(known / positive(error), df))
    made["value_before"] = metric.factor * total[0]
    named = {end: made.pop(f"contribution_{end}") for end in ("low", "high", "pvalue")}
    return {name: made[name] for name in made if name in COLUMNS} | named


def _with_hidden(side: Side, shown: np.ndarray) -> Sums:
    """Sums of each part that is shown, and at the end of all others together."""
    whole = np.array([np.asarray(x, float)[0] for x in side.whole.sums[:5]])
    parts = np.where(shown, np.stack(side.part.sums[:5]), 0.0)
    between = np.where(shown, np.stack([side.cross.ww, side.cross.sw, side.cross.ss]), 0.0).sum(axis=1)
    hidden = whole - parts.sum(axis=1) - np.array([0.0, 0.0, *between])
    some = hidden[0] > _ROUNDING * whole[0]
    w, s, ww, sw, ss = np.column_stack([parts, hidden * some])
    return Sums(w, s, ww, sw, ss, side.whole.sums.clusters)


def _of_shown(slopes: Slopes) -> Slopes:
    """The slopes without those of all that is hidden."""
    return Slopes(*(x[:-1] for x in slopes))


def _total_precision(
    sides: Sequence[Side], every: Sequence[Sums], slopes: tuple[Slopes, Slopes], shown: np.ndarray, pairs: Pairs
) -> tuple[FloatArray, FloatArray]:
    """Standard error of a figure of all parts together, and Welch's degrees of freedom of the clusters of the whole."""
    m = np.array([np.ravel(side.whole.sums.clusters)[0] for side in sides], dtype=float)
    squares = [
        total_products((slope, slope), (parts, parts), _products(parts), [np.ravel(x)[0] for x in _products(whole)])
        for parts, slope, whole in zip(every, slopes, [side.whole.sums for side in sides], strict=True)
    ]
    variance = np.maximum(squares, 0.0) * m / positive(m - 1.0)
    joint = 0.0
    if pairs is not None:
        own = [np.append(np.where(shown, x, 0.0), 0.0) for x in pairs[0].sums]
        joint = total_products(slopes, (every[0], every[1]), own, [np.ravel(x)[0] for x in pairs[1].sums])
    if any(side.part.stratified for side in sides):  # what strata have in common would be credited twice
        joint = max(joint, 0.0)
    df = variance.sum() ** 2 / positive((variance**2 / positive(m - 1.0)).sum())
    return np.sqrt(np.maximum(variance.sum() + 2.0 * joint, 0.0)), df


def _products(sums: Sums) -> tuple[FloatArray, ...]:
    return sums.ww, sums.sw, sums.sw, sums.ss


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


def _pairs(tallies: Tallies, metric: Metric, sides: Sequence[Side]) -> Pairs:
    """What the periods share, of the parts and of the whole: sums over the people who answered in both."""
    before, now = (side.part.keys["period"].iloc[0] for side in sides)
    parts, whole = (shared(tallies, metric, keys, before, now) for keys in (sides[0].part.keys, sides[0].whole.keys))
    return None if parts is None or whole is None else (parts, whole)


def _covariances(
    sides: Sequence[Side], slopes: Mapping[str, tuple[Slopes, Slopes]], pairs: Pairs
) -> dict[str, FloatArray]:
    """Covariance of both periods of each figure, by the people who answered in both; 0 where nobody is known."""
    zero = np.zeros(len(sides[0].part.n))
    if pairs is None:
        return dict.fromkeys(slopes, zero)
    own, rest = (sides[0].part.sums, sides[1].part.sums), (sides[0].rest, sides[1].rest)
    found = {name: np.nan_to_num(part_covariance(each, own, rest, pairs[0].sums)) for name, each in slopes.items()}
    every, none = (sides[0].whole.sums, sides[1].whole.sums), Sums(*np.zeros((6, 1)))
    scores = Slopes(zero[:1], zero[:1] - 1.0, zero[:1]), Slopes(zero[:1], zero[:1] + 1.0, zero[:1])
    whole = part_covariance(scores, every, (none, none), pairs[1].sums)
    found["others"] = np.nan_to_num(whole) - found["contribution"]  # what all share, less what the part's people do
    if any(side.part.stratified for side in sides):  # what strata have in common would be credited twice
        return {name: np.maximum(joint, 0.0) for name, joint in found.items()}
    return found


def _method(side: Side) -> str:
    kind = side.whole.kind
    return f"{METHOD}{f', {kind}' if kind else ''}, Holm correction"
