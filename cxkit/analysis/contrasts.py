"""Each level of a dimension against the rest: a part is never compared with a whole that contains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.cells import (
    Cells,
    FloatArray,
    declared,
    declared_parts,
    from_tallies,
    kish,
    moments,
    named,
    spread,
    taken,
)
from cxkit.analysis.comparisons import (
    CHANGED,
    Compared,
    Correction,
    check_correction,
    check_lead,
    compared,
    judged,
)
from cxkit.analysis.differences import Linked
from cxkit.analysis.estimates import chosen
from cxkit.analysis.gate import Gate
from cxkit.analysis.strata import Strata, strata_of
from cxkit.errors import CxError
from cxkit.metrics import Metric
from cxkit.schema import CONTRASTS, OF_REST
from cxkit.stats import Cross, Design, Sums
from cxkit.tallies.tallies import Tallies

DIFFERS = "differs"
_NO_VARIANCE = 1e-13


def against_rest(
    tallies: Tallies,
    period: str,
    dimension: str | Sequence[str],
    level: float = 0.95,
    correction: Correction = "holm",
    *,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    lead: str | None = None,
    minimum: float | None = None,
) -> pd.DataFrame:
    """Every level of a dimension against all its other levels together, in one period: tested, corrected, judged.

    People who answered on both sides, such as a customer who used two channels, are accounted for. Of durations the
    rest's answers are worth what those of the whole are, and who is on both sides is not credited, which is careful. A
    rest of too few answers to be shown is hidden.

    Args:
        tallies: Tallies with `rest=True`, in which the place was declared, and the place with the dimension last.
        period: As it is written in `tallies.periods`.
        dimension: Whose levels are compared; of several, those of each.
        level: Confidence level of the intervals; 1 - level is the significance level of the verdicts.
        correction: "holm" or "bh"; all that is compared at one place is one family.
        by: Other dimensions of which every level is a place of its own, as the pages of a run are.
        where: One level per other dimension: the place.
        metrics: Names; None for all.
        lead: The metric that the report is about: by each dimension its comparisons are a family of their own, and
            those of all other metrics another.
        minimum: Effective answers that either side needs for a verdict; None: as the tallies' rules say.

    Returns:
        Columns metric, period, <dimensions>, n, n_rest, n_eff, n_eff_rest, difference, low, high, pvalue, pvalue_adj,
        family, family_of, detectable, verdict, level, method, note, reason, reason_side ("level", "rest" or "both"),
        hide_below, judge_from, value, value_rest, shift, n_judged, n_judged_rest, as in `compare`; the
        verdict is "differs", "no evidence" or "too few".

    Raises:
        CxError: A level or period that was not declared, or tallies without what a rest needs.

    Formula: the rest has the counts of the whole less those of the part. Over clusters its sum of squares is that of
    the whole less the part's less twice their cross products, in each stratum; both sides are domains of the wave.
    Then as `compare`, with the correlation of both sides.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["csat"], by=["channel"], rest=True)
    >>> frame = cx.against_rest(tallies, "2026-10", "channel")
    >>> frame["verdict"].value_counts().to_dict()
    {'no evidence': 5, 'differs': 2, 'too few': 1}
    """
    check_correction(correction)
    names = [dimension] if isinstance(dimension, str) else list(dict.fromkeys(dimension))
    if not names:
        raise CxError("dimension: name at least one")
    for name in names:
        if name in (*by, *(where or ())):
            raise CxError(f"{name!r} is compared, so that it cannot be a place as well")
    measured = chosen(tallies, metrics)
    check_lead(lead, measured)
    withheld = set() if where or by else {cell["item"] for cell in tallies.provenance.get("withheld", [])}
    if lost := [metric.label for metric in measured if metric.item in withheld]:
        raise CxError(f"{lost[0]}: the total leaves places out, so that nothing can be compared with its rest")
    gate, parts, families = Gate.of(tallies.rules, minimum), list[Compared](), list[tuple[int, int]]()
    for metric, (number, name) in product(measured, enumerate(names)):
        part, inside = _against(tallies, metric, name, period, level, gate, by=by, where=where)
        parts.append(part)
        families += [(place, number if metric.name == lead else -1) for place in inside]
    family = pd.MultiIndex.from_tuples(families).factorize()[0]
    frame = judged(parts, lambda _: [family], level, correction).rename(columns=OF_REST)
    used = [name for name in tallies.by if name in frame.columns]
    verdict = frame["verdict"].replace(CHANGED, DIFFERS)
    limits = {"hide_below": tallies.rules.hide_below, "judge_from": gate.answers}
    frame = frame.assign(verdict=verdict, period=period, **limits)
    return frame[["metric", "period", *used, *CONTRASTS[2:]]]


def _against(
    tallies: Tallies, metric: Metric, dimension: str, period: str, level: float, gate: Gate, **given: Any
) -> tuple[Compared, NDArray[np.intp]]:
    """The levels of one dimension against the rest by one metric, before it is known how many are judged; their places.

    `given` are `by` and `where`.
    """
    by, where = given["by"], given["where"]
    _, keys = declared_parts(tallies, by, dimension, where, [period])
    _, places = declared(tallies, by, where, [period])
    part, whole = from_tallies(tallies, metric, keys), from_tallies(tallies, metric, places)
    inside = pd.Index(named(places)).get_indexer(pd.Index(named(keys[places.columns.tolist()])))
    own = _strata(tallies, metric, part), _strata(tallies, metric, whole).taken(inside)
    rest, r = _rest(metric, part, taken(whole, inside), *own, tallies.rules.hide_below)
    shared = cross_with_rest(tallies, metric, part)
    # Durations: each cell has ranks of its own, which do not multiply with those of another.
    both = None if shared is None or metric.statistic == "quantile" else Linked(*shared, r)
    return compared(metric, part, rest, both, level, gate, ("level", "rest")), inside


def cross_with_rest(tallies: Tallies, metric: Metric, part: Cells) -> tuple[Cross, FloatArray] | None:
    """Sums over the clusters that answered on both sides, per cell, and their number; None where none can have."""
    shared = _strata(tallies, metric, part).shared
    return None if shared is None else (Cross(*(np.sum(x, axis=1) for x in shared[0])), shared[1].sum(axis=1))


def _strata(tallies: Tallies, metric: Metric, cells: Cells) -> Strata:
    """The sums of cells by stratum; those over single answers where there are neither clusters nor strata."""
    found = strata_of(tallies, metric, list(cells.keys.columns[1:]), named(cells.keys))
    if found is None:
        return Strata([""], Sums(*(np.asarray(part, float)[:, None] for part in cells.sums)))
    if found.shared is None:
        raise CxError("these tallies do not know what a cell shares with the rest; tally with rest=True")
    return found


def _rest(
    metric: Metric, part: Cells, whole: Cells, own: Strata, held: Strata, least: int
) -> tuple[Cells, FloatArray | None]:
    """The cells of what the whole holds beside each part, and the correlation of both where their sample tells it."""
    values = np.union1d(whole.values, part.values)
    open_ = (part.hidden == "") & (whole.hidden == "")
    counts = spread(whole.counts, whole.values, values) - spread(part.counts, part.values, values)
    weights = spread(whole.weights, whole.values, values) - spread(part.weights, part.values, values)
    counts, weights = np.where(open_[:, None], counts, 0), np.where(open_[:, None] & (counts > 0), weights, 0.0)
    going = (
        None
        if whole.open is None or part.open is None
        else (spread(whole.open, whole.values, values) - spread(part.open, part.values, values)) * open_[:, None]
    )
    n = counts.sum(axis=1).astype(float)
    why = np.where(part.hidden != "", part.hidden, whole.hidden)
    hidden = np.where(open_ & (n > 0) & (n < least), "few people", np.where(open_, "", why))
    rest = replace(part, n=n, w=weights.sum(axis=1), ww=np.where(n > 0, whole.ww - part.ww, 0.0), values=values,
                   open=going, weights=weights, counts=counts, design=None, hidden=hidden.astype(object),
                   stratified=whole.stratified)  # fmt: skip
    names = sorted({*own.names, *held.names})
    own, held = own.over(names), held.over(names)
    sums = replace(held, sums=rest_sums(own.sums, held.sums, own.shared))
    if own.pooled is not None and held.pooled is not None:
        sums = replace(sums, pooled=own.pooled | held.pooled)
    if metric.statistic == "quantile":
        return replace(rest, sums=sums.total, ranks=_worth_of_whole(whole, n, sums.total), kind=whole.kind), None
    mean, variance = moments(metric, rest)
    strata = replace(sums, sums=_without_rounding(sums.sums, mean[:, None], np.nan_to_num(variance)[:, None]))
    rest = replace(rest, sums=strata.total)
    if whole.design is None and part.design is None:
        return rest, None
    return replace(rest, design=strata.design(n, variance, kish(rest)), kind=whole.kind), own.correlation(strata)


def _worth_of_whole(whole: Cells, n: FloatArray, own: Sums) -> Design | None:
    """The design of the ranks in the rest of some cells: its answers are worth what those of the whole are.

    How well that is known depends on its own clusters, or answers.
    """
    if whole.ranks is None:
        return None
    df = np.minimum(whole.ranks.df, np.asarray(own.clusters) - 1.0)
    return Design(n, n * np.asarray(whole.ranks.n_eff) / np.where(whole.n > 0, whole.n, np.nan), df)


def _without_rounding(sums: Sums, mean: FloatArray, variance: FloatArray) -> Sums:
    """The sums, exact where all answers are alike: what a difference of large sums leaves there is no spread."""
    w, ww = np.asarray(sums.w), np.asarray(sums.ww)
    exact = {"s": mean * w, "sw": mean * ww, "ss": mean**2 * ww}
    alike = variance < _NO_VARIANCE
    return sums._replace(**{name: np.where(alike, flat, getattr(sums, name)) for name, flat in exact.items()})


def rest_sums(part: Sums, whole: Sums, cross: tuple[Cross, FloatArray] | None) -> Sums:
    """Sums over the clusters of the rest, from those of the whole, of the part, and of both together."""
    w, s, ww, sw, ss, m = (np.asarray(a, float) - np.asarray(b, float) for a, b in zip(whole, part, strict=True))
    if cross is None:
        return Sums(w, s, ww, sw, ss, m)
    ww_both, sw_both, ws_both, ss_both = (np.asarray(x, float) for x in cross[0])
    return Sums(w, s, ww - 2 * ww_both, sw - sw_both - ws_both, ss - 2 * ss_both, m + cross[1])
