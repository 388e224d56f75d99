"""Estimates -> comparisons: the change between two periods, its test, and the verdict, which is decided only here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.cells import (
    Cells,
    FloatArray,
    Use,
    check_pair,
    crossed,
    declared,
    from_tallies,
    known,
    moments,
    require_whole,
)
from cxkit.analysis.differences import Differences, Linked, differences, effective, found_by, shared, smallest
from cxkit.analysis.durations import quantiles
from cxkit.analysis.estimates import By, base, chosen, cuts, missing, unanimous, unknown_spread
from cxkit.analysis.frames import Frame
from cxkit.analysis.gate import Gate, judged_base, too_few
from cxkit.analysis.totals import named
from cxkit.errors import CxError, nearest
from cxkit.metrics import Metric
from cxkit.schema import COMPARISONS, SIDES, worded
from cxkit.stats import benjamini_hochberg, family_size, holm
from cxkit.tallies.tallies import Tallies

Correction: TypeAlias = Literal["holm", "bh"]
CORRECTIONS: dict[str, Callable[[FloatArray], FloatArray]] = {"holm": holm, "bh": benjamini_hochberg}
WORDS = {"holm": "Holm", "bh": "Benjamini-Hochberg"}
CHANGED, NO_EVIDENCE, TOO_FEW = "changed", "no evidence", "too few"


def one_or_two(before: str | Sequence[str]) -> list[str]:
    """The periods that a period is compared with, in one family.

    Raises:
        CxError: None, the same one twice, or more than two.
    """
    found = [before] if isinstance(before, str) else list(before)
    if len(found) not in (1, 2) or len(set(found)) < len(found):
        raise CxError(f"before: expected one period or two different ones, found {', '.join(found) or 'none'}")
    return found


def compare(
    tallies: Tallies,
    now: str,
    before: str | Sequence[str],
    level: float = 0.95,
    correction: Correction = "holm",
    *,
    by: By = None,
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    per: Sequence[str] = (),
    lead: str | None = None,
    minimum: float | None = None,
    use: Use = "full",
) -> pd.DataFrame:
    """Changes from one period to another, tested, corrected and judged.

    What is compared in one call is one family: all comparisons, of all metrics, that have enough answers on both sides.

    Args:
        tallies: Tallies in which the level and the pair of periods were declared.
        now: The later period, as it is written in `tallies.periods`.
        before: The period it is compared with, or two, which are one family.
        level: Confidence level of the intervals; 1 - level is the significance level of the verdicts.
        correction: "holm" for the few planned comparisons, "bh" (Benjamini-Hochberg) for a board of many.
        by: Dimensions to cut by, beside those in `where`; several levels as tuples of dimensions, which then are one
            family; () for none; None for all levels that are declared with those in `where`.
        where: One level per dimension: the place.
        metrics: Names; None for all.
        per: Dimensions of which every level is a family of its own, as the pages of a run are for their segments.
        lead: The metric that the report is about, planned before the data were seen: its comparisons are a family of
            their own, and those of all other metrics another. None: all are one family.
        minimum: Effective answers that either side needs for a verdict; None: as the tallies' rules say.
        use: "full" design, its "weights" only, or "none": to show what a choice does to a result. Without the full
            design the respondents whom both periods share are ignored, too.

    Returns:
        Columns metric, <dimensions>, now, before, n, n_before, n_eff, n_eff_before, change, low, high, pvalue,
        pvalue_adj, family, family_of, detectable, verdict, level, method, note, reason, reason_side, hide_below,
        judge_from, value, value_before, shift, n_judged, n_judged_before. `family_of` says what the family holds, such
        as "NPS by brand"; `reason` is the code of why there is no verdict (`schema.REASONS`), and `reason_side` the
        side that it is about: "now", "before" or "both". `detectable` is the smallest change that these bases would
        have shown with 80 % power at the first Holm step of the family, NaN where the scale holds none; hide_below and
        judge_from are the limits in force. The change of a duration is in how many of 100 pairs more than 50 a case of
        now took longer than one of before, and so are low, high and detectable; value, value_before and shift, their
        difference, are its quantiles in minutes, untested, and NaN for other metrics.
        A verdict rests on `n_judged`: the smaller of n_eff and Kish's base, less for what is not known of their spread,
        and 0 with too few clusters.

    Raises:
        CxError: A level, period, pair, metric or correction that was not declared or is unknown.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> frame = cx.compare(tallies, "2026-10", "2026-09", by=["brand"])
    >>> cx.at(frame, {"brand": "Brimvale"})["verdict"].item()
    'changed'
    """
    check_correction(correction)
    befores = one_or_two(before)
    for one in befores:
        check_pair(tallies, now, one)
    for name in per:
        known(tallies, name)
    if tallies.place and crossed(tallies, [name for cut in cuts(tallies, by, where) for name in cut], where):
        asked = {"now": now, "before": befores, "level": level, "correction": correction, "lead": lead}
        asked |= {"lead": tallies.place.made["lead"]} if lead is None else {}  # the families are the run's
        plain = minimum is None and use == "full" and not where and not per
        asked = asked if plain else {}
        wanted = [metric.name for metric in chosen(tallies, metrics)]
        rows = of_run(tallies, asked, cuts(tallies, by, where), tallies.place.comparisons, wanted)
        return Frame.of(rows, tallies.metrics)
    measured = chosen(tallies, metrics)
    check_lead(lead, measured)
    gate = Gate.of(tallies.rules, minimum)
    parts = []
    for metric in measured:
        for dimensions in cuts(tallies, by, where):
            after, *priors = (
                from_tallies(tallies, metric, declared(tallies, dimensions, where, [period])[1], use)
                for period in (now, *befores)
            )
            for prior, one in zip(priors, befores, strict=True):
                cross = None if use != "full" else shared(tallies, metric, after.keys, now, one)
                part = compared(metric, after, prior, cross, level, gate)
                told = part.frame if dimensions else named(part.frame, tallies, metric.item, ("n", "n_before"))
                parts.append(part._replace(frame=told.assign(before=one)))

    def families(together: pd.DataFrame) -> list[Any]:
        # A level that does not cut by a dimension is one family.
        return [together["metric"] == lead, *(together[name] for name in per if name in together.columns)]

    frame = judged(parts, families, level, correction)
    used = [name for name in tallies.by if name in frame.columns]
    frame = frame.assign(now=now, hide_below=tallies.rules.hide_below, judge_from=gate.answers)
    return Frame.of(frame[["metric", *used, *COMPARISONS[1:]]], tallies.metrics)


def of_run(
    tallies: Tallies,
    asked: Mapping[str, Any],
    levels: Sequence[tuple[str, ...]],
    held: pd.DataFrame,
    metrics: Sequence[str],
) -> pd.DataFrame:
    """The rows of a place in what the run tested of all places, corrected with all of them.

    Raises:
        CxError: Another comparison than the one that the run made: its family would need the cells of other places.
    """
    place = tallies.place
    assert place is not None
    if asked != place.made or levels != [tuple(name for name in tallies.by if name in place.where)]:
        made = ", ".join(f"{name}={value!r}" for name, value in place.made.items())
        require_whole(tallies, list(place.where), f"; the run compared them by {list(place.where)} with {made}")
    return held[held["metric"].isin(metrics)].reset_index(drop=True)


def check_correction(name: str) -> None:
    """Raises where nothing corrects by that name."""
    if name not in CORRECTIONS:
        raise CxError(f"correction: {name!r} is unknown; {nearest(str(name), CORRECTIONS)}")


def check_lead(lead: str | None, measured: Sequence[Metric]) -> None:
    """Raises where the metric that leads is not among those that are compared."""
    if lead is not None and lead not in (names := [metric.name for metric in measured]):
        raise CxError(f"lead: {lead!r} is not compared; {nearest(lead, names)}")


class Compared(NamedTuple):
    """The changes of one level with their raw p-values, the sizes that they would show at each one's alpha, its cut."""

    frame: pd.DataFrame
    promise: Callable[[FloatArray], FloatArray]
    by: list[str]


def compared(
    metric: Metric,
    now: Cells,
    before: Cells,
    cross: Linked | None,
    level: float,
    gate: Gate,
    sides: tuple[str, str] = ("now", "before"),
) -> Compared:
    """The changes of one level, before it is known how many are judged together.

    Args:
        metric: What is compared.
        now: The cells of the first side.
        before: The cells of the second side, in the same order.
        cross: As for `differences`.
        level: Confidence level.
        gate: What either side needs for a verdict.
        sides: The codes of the two, of `schema.SIDES`.
    """
    result = differences(metric, now, before, cross, level)
    change, low, high, pvalue = (np.atleast_1d(np.asarray(x, float)) for x in result.found)
    shown = (now.hidden == "") & (before.hidden == "")
    change, low, high = (np.where(shown, metric.factor * x, np.nan) for x in (change, low, high))
    bases = [judged_base(metric, cells, level, gate) for cells in (now, before)]
    enough = shown & (np.minimum(*bases) >= gate.answers)
    value, value_before = (middles(metric, cells, level) for cells in (now, before))
    why = [unjudged(metric, (now, before), np.isnan(pvalue[i]), bases, gate, i, sides) for i in range(len(now.n))]
    reason, side, note = zip(*why, strict=True) if why else ((), (), ())
    by = [name for name in now.keys.columns if name != "period"]
    columns = {
        **{name: now.keys[name] for name in by},
        "metric": metric.name,
        "label": metric.label,
        "n": base(now, now.n),
        "n_before": base(before, before.n),
        "n_eff": np.where(now.hidden == "", effective(metric, now), np.nan),
        "n_eff_before": np.where(before.hidden == "", effective(metric, before), np.nan),
        "n_judged": np.where(now.hidden == "", bases[0], np.nan),
        "n_judged_before": np.where(before.hidden == "", bases[1], np.nan),
        "change": change,
        "low": low,
        "high": high,
        "pvalue": np.where(shown, pvalue, np.nan),
        "tested": np.where(enough, pvalue, np.nan),
        "level": level,
        "method": _methods(metric, now, before, result),
        "note": pd.Series(note, dtype="str"),
        "reason": pd.Series(reason, dtype="str"),
        "reason_side": pd.Series(side, dtype="str"),
        "value": np.where(shown, value, np.nan),
        "value_before": np.where(shown, value_before, np.nan),
        "shift": np.where(shown & (metric.statistic == "quantile"), value - value_before, np.nan),
    }
    frame = pd.DataFrame(columns, index=now.keys.index)  # at once: a page has hundreds of such columns
    return Compared(frame, lambda alpha: metric.factor * smallest(metric, now, before, result, level, alpha), by)


def middles(metric: Metric, cells: Cells, level: float) -> FloatArray:
    """The score of each cell, to stand beside its change; of durations the quantile."""
    if metric.statistic == "quantile":
        return quantiles(metric, cells, level)[0]
    return metric.factor * np.asarray(moments(metric, cells)[0])


def judged(
    parts: Sequence[Compared], families: Callable[[pd.DataFrame], list[Any]], level: float, correction: str
) -> pd.DataFrame:
    """All parts with their verdicts, and with what could have been detected at the first Holm step of each family.

    Args:
        parts: The changes of some levels.
        families: What tells the rows of one family from those of another, from all rows.
        level: Confidence level.
        correction: A key of `CORRECTIONS`.
    """
    together = pd.concat([part.frame for part in parts], ignore_index=True)
    split = together.groupby(families(together), sort=False, dropna=False)
    names = list(dict.fromkeys(name for part in parts for name in part.by))
    every = together["label"].nunique()
    frame = pd.concat([_family(family, level, correction, names, every) for _, family in split]).sort_index()
    ends = np.cumsum([len(part.frame) for part in parts])[:-1]
    alphas = np.split((1 - level) / np.maximum(frame["family"].to_numpy(), 1), ends)
    sizes = np.concatenate([part.promise(alpha) for part, alpha in zip(parts, alphas, strict=True)])
    return frame.assign(detectable=np.where(frame["tested"].notna(), sizes, np.nan))


def _family(frame: pd.DataFrame, level: float, correction: str, names: Sequence[str], every: int) -> pd.DataFrame:
    """One family: what it takes to be sure in spite of its size, what it holds, and the verdicts."""
    tested = frame["tested"].to_numpy()
    family = family_size(tested)
    adjusted = CORRECTIONS[correction](tested)
    words = f", {WORDS[correction]} correction" if family > 1 else ""
    said = verdicts(adjusted, level)
    held = _in_words(frame, names, every) if family > 1 else ""
    return frame.assign(
        pvalue_adj=adjusted, family=family, family_of=held, verdict=said, method=frame["method"] + words
    )


def _in_words(family: pd.DataFrame, names: Sequence[str], every: int) -> str:
    """What a family holds: its metric, or which of `every` so many, and the dimensions in which its rows differ."""
    labels = list(dict.fromkeys(family["label"]))
    levels = {name: {None if one != one else one for one in family[name].tolist()} for name in names}  # NaN: the whole
    cut = [name.replace("_", " ") for name in names if len(levels[name]) > 1]
    what = labels[0] if len(labels) == 1 else f"all {'other ' * (len(labels) < every)}metrics"
    when = " against both periods" if "before" in family and family["before"].nunique() > 1 else ""
    return f"{what} by {', '.join(cut[:-1])}{' and ' * (len(cut) > 1)}{cut[-1]}{when}" if cut else f"{what}{when}"


def verdicts(pvalue_adj: FloatArray, level: float) -> NDArray[np.str_]:
    """changed, no evidence, or too few: the one place where a verdict is decided."""
    return np.select([np.isnan(pvalue_adj), pvalue_adj < 1 - level], [TOO_FEW, CHANGED], NO_EVIDENCE)


def _methods(metric: Metric, now: Cells, before: Cells, result: Differences) -> list[str]:
    kind = now.kind or before.kind
    credit = ", shared respondents" + ("" if result.credited else " not credited within strata")
    texts = []
    for i, (paired, some) in enumerate(zip(result.paired, result.shared, strict=True)):
        text = found_by(metric, now, before, result, i)
        texts.append(f"{text}{f', {kind}' if kind else ''}{credit if some and not paired else ''}")
    return texts


def unjudged(
    metric: Metric,
    both: Sequence[Cells],
    untested: bool,
    bases: Sequence[FloatArray],
    gate: Gate,
    i: int,
    sides: tuple[str, str],
) -> tuple[str, str, str]:
    """Why a change is not judged, or what its interval rests on: code, side and words; blank where there is nothing."""
    if any(codes := [missing(cells, i) for cells in both]):
        code, side = _first(codes, sides)
        lead = sides[0] if side == "both" else side
        return code, side, f"{SIDES[lead]}{worded(code, hide_below=both[0].hide_below)}"
    few = [too_few(cells, base, gate, i) for cells, base in zip(both, bases, strict=True)]
    if any(code for code, _ in few):
        codes = [code for code, _ in few]
        said = [words if code == "few answers" else f"{SIDES[side]}{words}" for side, (code, words) in
                zip(sides, few, strict=True) if code]  # fmt: skip
        return *_first(codes, sides, "few answers"), "; ".join(dict.fromkeys(said))
    kinds = unknown_spread if untested else unanimous
    codes = [kinds(metric, cells, i) for cells in both]
    told = (f"{SIDES[side]}{worded(code)}" for side, code in zip(sides, codes, strict=True) if code)
    return *_first(codes, sides), "; ".join(told)


def _first(codes: Sequence[str], sides: Sequence[str], telling: str = "") -> tuple[str, str]:
    """The most telling of the codes of two sides, else the first one, and the side or sides that have it."""
    code = next((one for one in (telling, *codes) if one and one in codes), "")
    held = [side for side, one in zip(sides, codes, strict=True) if one == code]
    return code, "" if not code else "both" if len(held) > 1 else held[0]
