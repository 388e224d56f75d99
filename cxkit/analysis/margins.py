"""What two dimensions tell together: cells against their margins, ways from one level to another, like with like.

All of it is computed from the cells of tallies that are shown, so that it tells nothing of a hidden one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.beside import require_free
from cxkit.analysis.cells import Cells, FloatArray, declared, declared_parts, from_tallies, moments
from cxkit.analysis.comparisons import CORRECTIONS, Correction, check_correction
from cxkit.analysis.contrasts import DIFFERS, cross_with_rest
from cxkit.analysis.estimates import chosen, estimates, framed
from cxkit.analysis.gate import Gate, judged_base
from cxkit.errors import CxError
from cxkit.metrics import Metric
from cxkit.schema import ALL, BLANK, FLOWS, MARGINS, STANDARDISED, worded
from cxkit.stats import Design, Residuals, additive, detectable, family_size, rate_interval
from cxkit.stats.core import critical, normal_pvalue
from cxkit.stats.means import mean_precision
from cxkit.tallies.tallies import Tallies

METHOD = "weighted least squares on both margins, Benjamini-Hochberg correction"
ADJUSTED = "standardised directly to the mix of all"
_FITTED = ["expected", "difference", "difference_low", "difference_high", "pvalue", "pvalue_adj", "detectable"]


def margins(
    tallies: Tallies,
    period: str,
    dimensions: Sequence[str],
    level: float = 0.95,
    *,
    where: Mapping[str, str] | None = None,
    by: Sequence[str] = (),
    metrics: Sequence[str] | None = None,
    share: float = 0.1,
) -> pd.DataFrame:
    """Each cell of two dimensions against what their margins predict: chat is bad, but only when paying.

    Args:
        tallies: Tallies in which both dimensions were declared as a level, beside those in `where`.
        period: As it is written in `tallies.periods`.
        dimensions: The two, rows first.
        level: Confidence level of the intervals.
        where: One level per other dimension: the place.
        by: Dimensions of places, a level beside `where`: each of them is told by itself.
        metrics: Names of net scores, shares or means; None for all.
        share: Of what is found that may be false, over the cells of a metric.

    Returns:
        A row per metric and cell: dimension (both), n, n_eff, value, low, high, expected (what all other cells predict,
        without what is found), difference with limits (of what is found at 1 - share x found / family, because it was
        picked), pvalue, pvalue_adj, family, detectable, verdict ("differs", "no evidence" or "too few"), level, method,
        note, reason. Cells with fewer than `judge_from` effective answers take no part, nor does who has no level.

    Raises:
        CxError: A metric that is a duration, or a level that was not declared.

    Formula: `stats.additive`, cells as independent: customers in several of them make limits a little too wide.

    >>> import cxkit as cx
    >>> by = ["channel", "region"]
    >>> tallies = cx.tally(cx.read("sample"), ["csat"], by=by, levels=[by])
    >>> cx.margins(tallies, "2026-10", by)["verdict"].value_counts().to_dict()
    {'no evidence': 24, 'too few': 16}
    """
    frames = []
    for metric in _scaled(tallies, metrics, dimensions, MARGINS, by):
        keys, place = _placed(tallies, declared(tallies, [*by, *dimensions], where, [period])[1], by, where)
        cells = from_tallies(tallies, metric, keys)
        frame, error, enough = _estimated(tallies, metric, cells, level, place)
        blank = (keys[list(dimensions)] == BLANK).any(axis=1).to_numpy()  # a mix of all levels, another one in each row
        frame.loc[enough & blank, ["reason", "note"]] = ["no margin", worded("no margin")]
        row, column = (pd.factorize(keys[name])[0] for name in dimensions)
        value, squared = frame["value"].to_numpy(float), error**2
        made, family = np.full((len(frame), len(_FITTED)), np.nan), np.zeros(len(frame), int)
        verdict = np.full(len(frame), "too few", object)
        for one in np.unique(place):
            own = place == one
            at = np.flatnonzero(own & enough & ~blank)
            found = additive(value[at], squared[at], cells.w[at], row[at], column[at], share)
            family[own] = size = family_size(found.pvalue)
            made[at] = _fitted(value[at], found, level, share, size)
            verdict[at[np.isfinite(found.pvalue)]] = "no evidence"
            verdict[at[found.found]] = DIFFERS
        frame[_FITTED] = made
        alone = enough & ~blank & np.isnan(frame["pvalue"].to_numpy(float))
        frame.loc[alone, ["reason", "note"]] = ["no margin", worded("no margin")]
        frames.append(frame.assign(verdict=verdict, family=family, method=METHOD))
    return _in_order(frames, tallies, dimensions, MARGINS)


def _fitted(value: FloatArray, found: Residuals, level: float, share: float, family: int) -> FloatArray:
    """What the fit of a place says of each of its cells: the columns of `_FITTED`."""
    picked = max(int(found.found.sum()), 1)
    apart = value - found.expected
    half = found.error * np.where(found.found, critical(1 - share * picked / max(family, 1)), critical(level))
    least = detectable(found.error**2, 1, 0, 1, alpha=share / max(family, 1))
    tested = (found.pvalue, found.pvalue_adj)
    return np.column_stack([found.expected, apart, apart - half, apart + half, *tested, least])


def flows(
    tallies: Tallies,
    period: str,
    dimensions: Sequence[str],
    level: float = 0.95,
    *,
    where: Mapping[str, str] | None = None,
    by: Sequence[str] = (),
    metrics: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Of each level of one dimension the shares of the levels of another: where contacts lead, which wish is served.

    Args:
        tallies: Tallies with `rest=True` in which both dimensions were declared as a level, the second one last.
        period: As it is written in `tallies.periods`.
        dimensions: The two, as moment of the previous contact and of this one, or channel preferred and used.
        level: Confidence level of the intervals.
        where: One level per other dimension: the place.
        by: Dimensions of places, a level beside `where`: each of them is told by itself.
        metrics: Names of net scores, shares or means; None for all.

    Returns:
        A row per metric and cell: dimension, n, n_eff, value, low, high (the score), share, share_low, share_high (of
        the cells of its row that are shown, in percent), level, method, note, reason.

    Raises:
        CxError: As `margins`, or where the second dimension is not the last of the level.

    Formula: Wilson's interval at the effective base (sum w)^2 / sum W_g^2 of the row, W_g the weights of a respondent
    in it: as if whoever is in it twice had taken the same way, which is careful. Source: Wilson (1927); Kish (1965).

    >>> import cxkit as cx
    >>> by = ["channel_preferred", "channel"]
    >>> tallies = cx.tally(cx.read("sample"), ["csat"], by=by, levels=[by], rest=True)
    >>> found = cx.flows(tallies, "2026-10", by).set_index(by)
    >>> found.loc[("phone", "phone"), ["n", "share", "share_low", "share_high"]].round(1).tolist()
    [345.0, 76.5, 71.9, 80.6]
    """
    frames = []
    for metric in _scaled(tallies, metrics, dimensions, FLOWS, by):
        _, keys = declared_parts(tallies, [*by, dimensions[0]], dimensions[1], where, [period])
        keys, place = _placed(tallies, keys, by, where)
        rows = [place, keys[dimensions[0]]]
        cells = from_tallies(tallies, metric, keys)
        frame, _, _ = _estimated(tallies, metric, cells, level, place)
        cross = cross_with_rest(tallies, metric, cells)
        shown, gone = cells.n > 0, pd.Series(cells.hidden != "").groupby(rows).transform("any").to_numpy()
        both = 0.0 if cross is None else np.where(gone, 0.0, cross[0].ww)  # with the hidden it would tell of them
        squares = np.asarray(cells.sums.ww, float) + both
        table = pd.DataFrame({"n": cells.n, "w": cells.w, "ww": np.where(shown, squares, 0.0)})
        n, w, ww = (part.to_numpy() for _, part in table.groupby(rows).transform("sum").items())
        base = np.where(shown, w, np.nan)
        kish = np.minimum(base**2 / np.where(shown, ww, np.nan), n)
        limits = rate_interval(cells.w, base, level, design=Design(n, kish, kish - 1.0))
        shares = dict(zip(("share", "share_low", "share_high"), (cells.w / base, *limits), strict=True))
        frames.append(frame.assign(**{name: 100 * np.asarray(part, float) for name, part in shares.items()}))
    return _in_order(frames, tallies, dimensions, FLOWS)


def standardised(
    tallies: Tallies,
    period: str,
    dimensions: Sequence[str],
    level: float = 0.95,
    correction: Correction = "holm",
    *,
    where: Mapping[str, str] | None = None,
    by: Sequence[str] = (),
    metrics: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Levels against all others as they are, and as if all had the same mix of another dimension: like with like.

    Args:
        tallies: Tallies in which both dimensions were declared as a level, beside those in `where`.
        period: As it is written in `tallies.periods`.
        dimensions: That whose mix is made equal, as touchpoint; then that whose levels are compared. Who has no level
            of that one takes no part. Of two levels only the last is told: the other is its mirror image.
        level: Confidence level of the intervals; 1 - level is the significance level of the verdicts.
        correction: "holm" or "bh", for all levels and metrics of the place.
        where: One level per other dimension: the place.
        by: Dimensions of places, a level beside `where`: each of them is told by itself.
        metrics: Names of net scores, shares or means; None for all.

    Returns:
        A row per metric and level: dimension (both), within_levels (of the first, in which both sides are shown, on
        which the comparison rests), n, n_rest (in these), raw_difference with limits (of all that is shown), difference
        with limits (standardised, which is tested), pvalue, pvalue_adj, family, detectable, verdict, level, method,
        note, reason.

    Raises:
        CxError: As `margins`.

    Formula: sum over strata of W_t / W times the difference inside t, W_t the weights of both sides there; its
    variance that of independent cells. Source: Cochran and Chambers (1965), doi 10.2307/2344179; Kish (1965).

    >>> import cxkit as cx
    >>> by = ["touchpoint", "human_or_bot"]
    >>> tallies = cx.tally(cx.read("sample"), ["csat"], by=by, levels=[by], period="year")
    >>> cx.standardised(tallies, "2026", by).set_index("human_or_bot")["verdict"].to_dict()
    {'bot': 'differs', 'human': 'differs', 'self-service': 'no evidence'}
    """
    check_correction(correction)
    strata, of = dimensions
    rows, known = [], [*(where or {}), *by]
    for metric in _scaled(tallies, metrics, dimensions, STANDARDISED, by):
        keys, place = _placed(tallies, declared(tallies, [*by, *dimensions], where, [period])[1], by, where)
        cells = from_tallies(tallies, metric, keys)
        frame, error, _ = _estimated(tallies, metric, cells, level, place)
        frame = frame.assign(w=cells.w, error=error, place=place)[np.isfinite(error) & keys[of].ne(BLANK)]
        levels, places = [one for one in tallies.values[of] if one != BLANK], keys[known].groupby(place).first()
        for one in levels[1:] if len(levels) == 2 else levels:
            made = _like_with_like(frame[frame[of] == one], frame[frame[of] != one], strata, places.index)
            rows.append(pd.concat([places, made], axis=1).assign(metric=metric.name, **{of: one}))
    if not rows:  # nobody has a level of what is compared
        return _in_order([pd.DataFrame(columns=[*known, of])], tallies, dimensions, STANDARDISED)
    found = pd.concat(rows).rename_axis("place").reset_index()
    rules, z = tallies.rules, critical(level)
    few = ~(found[["n_eff", "n_eff_rest"]].min(axis=1) >= rules.judge_from)
    found["pvalue"] = normal_pvalue((found["difference"] / found["error"]).to_numpy(float))
    tested = found["pvalue"].mask(few).groupby(found["place"])
    family = tested.transform("count").to_numpy(int)
    for name, half in (("raw_difference", z * found["raw_error"]), ("difference", z * found["error"])):
        found = found.assign(**{f"{name}_low": found[name] - half, f"{name}_high": found[name] + half})
    adjusted = tested.transform(lambda own: CORRECTIONS[correction](own.to_numpy(float))).to_numpy(float)
    found = found.assign(
        period=period, family=family, pvalue_adj=adjusted, level=level, method=ADJUSTED,
        detectable=detectable(found["error"].to_numpy(float) ** 2, 1, 0, 1, alpha=(1 - level) / np.maximum(family, 1)),
        verdict=np.select([few, adjusted < 1 - level], ["too few", DIFFERS], "no evidence"),
        reason=np.where(few, "few answers", ""),
        note=np.where(few, worded("few answers", judge_from=rules.judge_from), ""),
    )  # fmt: skip
    return _in_order([found], tallies, dimensions, STANDARDISED)


def _like_with_like(part: pd.DataFrame, rest: pd.DataFrame, strata: str, places: pd.Index) -> pd.DataFrame:
    """The difference of two sets of cells of each place, as they are and inside strata that both have, with errors."""
    sides, raw = [], []
    for cells in (part, rest):
        at = [cells["place"], cells[strata]]
        own = cells["w"] / cells["w"].groupby(at).transform("sum")
        parts = {"value": own * cells["value"], "squared": (own * cells["error"]) ** 2, "n": cells["n"].astype(float),
                 "n_eff": cells["n_eff"], "w": cells["w"]}  # fmt: skip
        sides.append(side := pd.DataFrame(parts).groupby(at).sum())
        share = side["w"] / side["w"].groupby("place").transform("sum")
        told = pd.DataFrame({"value": share * side["value"], "squared": share**2 * side["squared"]})
        raw.append(told.groupby("place").sum().reindex(places))
    both = sides[0].join(sides[1].add_suffix("_rest"), how="inner")
    w = both["w"] + both["w_rest"]
    share = w / w.groupby("place").transform("sum")
    apart = pd.DataFrame({
        "difference": share * (both["value"] - both["value_rest"]),
        "error": share**2 * (both["squared"] + both["squared_rest"]),
    }).groupby("place").sum().reindex(places)  # fmt: skip
    bases = both[["n", "n_rest", "n_eff", "n_eff_rest"]].assign(within_levels=1).groupby("place").sum()
    return bases.reindex(places, fill_value=0).assign(
        difference=apart["difference"], error=np.sqrt(apart["error"]),
        raw_difference=raw[0]["value"] - raw[1]["value"], raw_error=np.sqrt(raw[0]["squared"] + raw[1]["squared"]),
    )  # fmt: skip


def _placed(
    tallies: Tallies, keys: pd.DataFrame, by: Sequence[str], where: Mapping[str, str] | None
) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """The cells of places with answers, and the number of the place of each."""
    if not by:
        return keys, np.zeros(len(keys), np.intp)
    held = tallies.counts.loc[tallies.counts["cut"] == tallies.cut([*by, *(where or {})]), list(by)]
    keys = keys.merge(held.drop_duplicates().astype("str"), on=list(by))
    return keys, np.asarray(keys.groupby(list(by), sort=False).ngroup(), np.intp)


def _scaled(
    tallies: Tallies, metrics: Sequence[str] | None, dimensions: Sequence[str], columns: Sequence[str],
    by: Sequence[str],
) -> list[Metric]:  # fmt: skip
    """The metrics, where both dimensions, those of places and they fit."""
    if len(set(dimensions)) != 2:
        raise CxError(f"dimensions: expected two, found {', '.join(dimensions) or 'none'}")
    if again := set(dimensions) & set(by):
        raise CxError(f"by: {min(again)!r} is one of the two dimensions")
    require_free([*dimensions, *by], columns)
    measured = chosen(tallies, metrics)
    if timed := [metric.name for metric in measured if metric.statistic == "quantile"]:
        raise CxError(f"metrics: {timed[0]!r} is a duration; expected answers on a scale")
    return measured


def _estimated(
    tallies: Tallies, metric: Metric, cells: Cells, level: float, place: NDArray[np.intp]
) -> tuple[pd.DataFrame, FloatArray, NDArray[np.bool_]]:
    """The scores of cells, their standard errors in the unit of the score, and which may be judged.

    Where all answers of a cell are the same its own spread is none: it gets that of all cells of its place together.
    """
    gate = Gate.of(tallies.rules, None)
    frame = framed(metric, cells, estimates(metric, cells, level), level, gate)
    mean, variance = moments(metric, cells)
    shown = (cells.hidden == "") & (cells.n > 0)
    w = np.where(shown, cells.w, 0.0)
    total, spread = (np.bincount(place, part)[place] for part in (w, w * np.where(shown, variance, 0.0)))
    pooled = spread / np.where(total > 0, total, np.nan)
    squared, _ = mean_precision((mean, np.where(variance > 1e-12, variance, pooled), cells.n), cells.design)
    error = np.where(shown & (squared > 0), metric.factor * np.sqrt(squared), np.nan)
    enough = np.isfinite(error) & (judged_base(metric, cells, level, gate) >= gate.answers)
    return frame, error, enough


def _in_order(
    frames: Sequence[pd.DataFrame], tallies: Tallies, dimensions: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """Frames as one, with the columns that are promised."""
    limits = {"hide_below": tallies.rules.hide_below, "judge_from": tallies.rules.judge_from}
    found = pd.concat(frames, ignore_index=True).assign(dimension=ALL.join(dimensions), **limits)
    used = [name for name in tallies.by if name in found.columns]
    return found.reindex(columns=[*columns[:2], *used, *columns[2:]])
