"""Verdicts in words: what a comparison says, and never more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cxkit.metrics import Metric
from cxkit.show import wording
from cxkit.show.durations import EVEN, far, in_pairs, medians
from cxkit.show.rows import Row


class Verdict(NamedTuple):
    """A verdict as sign, words and tone; the tone ("better", "worse", "moved", "none", "few") only adds colour."""

    sign: str
    words: str
    tone: str


def verdict(row: Row, metric: Metric) -> Verdict:
    """The verdict of a comparison in words.

    >>> from cxkit.metrics import METRICS
    >>> row = {"verdict": "changed", "change": 8.0, "level": .95}
    >>> verdict(row, METRICS["nps"])
    Verdict(sign='▲', words='increased', tone='better')
    """
    kind, change = row.get("verdict"), row.get("change")
    if kind == "changed" and change is not None:
        up = change > 0
        tone = "moved" if metric.better is None else "better" if up == (metric.better == "higher") else "worse"
        judged = f" ({tone})" if metric.better == "lower" else ""  # a reader takes "up" for good unless told
        return Verdict(wording.UP if up else wording.DOWN, ("increased" if up else "decreased") + judged, tone)
    if kind == "no evidence":
        return Verdict(wording.NONE, _uncertain(row), "none")
    return Verdict(wording.FEW, _UNSAID[unsaid(row)] if kind == "too few" else "not compared", "few")


_UNSAID = {
    "protecting": "hidden to protect a smaller group",
    "hidden": "hidden",
    "empty": "nothing to compare",
    "few": "too few answers to say",
    "little": "answers worth too little to say",
}


def unsaid(row: Row) -> str:
    """Why nothing is said of a comparison: "protecting", "hidden", "empty" (nobody answered), "few", or "little".

    With "little" the answers are many but worth little, by weights, clusters or what else the note of the row says.
    """
    bases: Any = (row.get("n"), row.get("n_before", row.get("n_rest")))
    if protects(row):
        return "protecting"
    if None in bases:
        return "hidden"
    if 0 in bases:
        return "empty"
    return "few" if min(bases) < float(wording.rule([row], "judge_from")) else "little"


def protects(row: Row) -> bool:
    """Whether a comparison is hidden for another group's sake: its own answers may be many."""
    return "smaller group" in str(row.get("note") or "")


def corrected_away(row: Row) -> bool:
    """Whether the comparison alone would look like a change, and only the correction says that it is none."""
    p, level = row.get("pvalue"), row.get("level")
    return row.get("verdict") == "no evidence" and p is not None and p < 1 - (0.95 if level is None else level)


def _uncertain(row: Row) -> str:
    if corrected_away(row):
        return f"not distinguishable after correction for {wording.count(row.get('family'))} comparisons"
    return "no evidence of change"


def detectable(row: Row, metric: Metric) -> str:
    """What the base could have shown: printed wherever there is no evidence of a change.

    >>> from cxkit.metrics import METRICS
    >>> detectable({"detectable": 19.6, "low": -30., "high": 10.}, METRICS["nps"])
    'a change of about 20 points or more could have been detected'
    """
    size = row.get("detectable")
    if size is None:
        return "no change could have been detected"
    if in_pairs(metric):
        return f"longer or shorter in about {far(size)} of 100 pairs or more could have been detected"
    return f"a change of about {f'{about(size)} {unit_words(metric)}'.strip()} or more could have been detected"


def interval(row: Row, metric: Metric) -> str:
    """The interval of a change, labelled as a single comparison's where the correction disagrees with it."""
    if row.get("low") is None and row.get("high") is None:
        return "no interval"
    span = _limits(row, metric)
    alone = " of this comparison alone" if corrected_away(row) else ""
    return f"{wording.level_words(row.get('level'))} interval{alone} {span}"


def short(row: Row, metric: Metric) -> str:
    """A change for a column of numbers, percentage points as "pp".

    >>> from cxkit.metrics import METRICS
    >>> short({"change": -1.3, "low": -4.7, "high": 2.1}, METRICS["csat"])
    '−1.3 pp'
    """
    if row.get("change") is None:
        return "none"
    return f"{'longer in ' * in_pairs(metric)}{size(row, metric)}{_unit(metric)}"


def size(row: Row, metric: Metric) -> str:
    """A change as a number: with its sign, or of durations in how many of 100 pairs a case of now took longer.

    >>> from cxkit.metrics import METRICS
    >>> size({"change": 11.2, "low": 4.1, "high": 18.0}, METRICS["wait_time"])
    '61'
    """
    places = _decimals(row, metric)
    if in_pairs(metric):
        return wording.number(EVEN + row["change"], places)
    return wording.number(row["change"], places, signed=True)


def _decimals(row: Row, metric: Metric) -> int:
    return wording.change_decimals(row.get("low"), row.get("high"), fewer=int(in_pairs(metric)))


def _limits(row: Row, metric: Metric) -> str:
    low, high, places = row.get("low"), row.get("high"), _decimals(row, metric)
    if in_pairs(metric):
        low, high = (None if x is None else EVEN + x for x in (low, high))
        return wording.limits(low, high, "scale", places)
    return wording.limits(low, high, metric.unit, places, signed=True)


def could(row: Row, metric: Metric) -> str:
    """The detectable change for a column of numbers; empty where a change was found or nothing was tested."""
    size = row.get("detectable")
    if row.get("verdict") != "no evidence":
        return ""
    if in_pairs(metric) and size is not None:
        return f"{far(size)} of 100"
    return "none" if size is None else about(size) + _unit(metric)


def _unit(metric: Metric) -> str:
    if in_pairs(metric):
        return " of 100"
    return {"points": "", "percent": " pp", "scale": ""}[metric.unit]


def span(row: Row, metric: Metric) -> str:
    """The interval of a change in a table, marked where it is a single comparison's and the correction disagrees."""
    if row.get("low") is None and row.get("high") is None:
        return "" if row.get("change") is None else "no interval"
    text = _limits(row, metric)
    return f"{text} (alone)" if corrected_away(row) else text


def change(row: Row, metric: Metric) -> str:
    """A change with its unit, or why there is none."""
    if row.get("change") is None:
        return str(row.get("note") or "not computed")
    if in_pairs(metric):
        return f"longer in {size(row, metric)} of 100 pairs"
    return wording.quantity(row["change"], metric.unit, _decimals(row, metric), signed=True)


def corrected(row: Row, held: str = "") -> str:
    r"""The p-value with the family it was corrected for.

    >>> corrected({"pvalue": .011, "pvalue_adj": .075, "family": 7}), corrected({"pvalue": .011, "family": 1})
    ('adjusted p\xa0=\xa0.075 for 7 comparisons (p\xa0=\xa0.011 alone)', 'p\xa0=\xa0.011')
    """
    family = row.get("family")
    held = held or f"{wording.count(family)} comparisons"
    if family is None or family <= 1 or row.get("pvalue_adj") is None:
        return wording.pvalue(row.get("pvalue"))
    adjusted = wording.pvalue(row["pvalue_adj"])
    return f"adjusted {adjusted} for {held} ({wording.pvalue(row.get('pvalue'))} alone)"


def adjusted(row: Row) -> str:
    r"""The p-value that the verdict rests on, in short; its family stands in the note.

    >>> adjusted({"pvalue": .011, "pvalue_adj": .075, "family": 7}), adjusted({"pvalue": .011, "family": 1})
    ('adjusted p\xa0=\xa0.075', 'p\xa0=\xa0.011')
    """
    single = (row.get("family") or 1) <= 1 or row.get("pvalue_adj") is None
    return wording.pvalue(row.get("pvalue")) if single else f"adjusted {wording.pvalue(row['pvalue_adj'])}"


def claim(row: Row, metric: Metric, who: str = "") -> str:
    """What a comparison says, in as few words as it can; `proof` carries the numbers.

    >>> from cxkit.metrics import METRICS
    >>> claim({"verdict": "changed", "change": 8.0, "low": 1.4, "high": 14.6, "before": "2026-09"}, METRICS["nps"])
    'NPS increased by 8.0 points against 2026-09'
    >>> claim({"verdict": "changed", "change": 11.2, "low": 4.1, "high": 18.0, "value": 180.0, "value_before": 120.0},
    ...       METRICS["wait_time"])
    'Wait time increased: longer in 61 of 100 pairs; median 180 min against 120 min'
    """
    found = verdict(row, metric)
    since = f" against {row['before']}" if row.get("before") else ""
    if row.get("verdict") == "changed" and row.get("change") is not None:
        if in_pairs(metric):
            pairs = "; ".join(filter(None, [f"{change(row, metric)}{since}", medians(row, metric)]))
            return f"{metric.label}{f', {who},' if who else ''} {found.words.split(' (')[0]}: {pairs}"
        by = change(row, metric).lstrip("+" + wording.MINUS)
        return f"{metric.label}{f', {who},' if who else ''} {found.words.split(' (')[0]} by {by}{since}"
    subject = f"{metric.label}{f', {who}' if who else ''}"
    if corrected_away(row):
        since_when = f" from {row.get('before')} after"
        return f"{subject}: {found.words.replace(' after', since_when)}"
    return f"{subject}: {found.words}{since if row.get('verdict') == 'no evidence' else ''}"


def proof(row: Row, metric: Metric, held: str = "") -> str:
    r"""The numbers behind a claim: change, interval, test, bases, and what could have been detected.

    >>> from cxkit.metrics import METRICS
    >>> proof({"verdict": "changed", "change": 8.0, "low": 1.3689, "high": 14.6046, "pvalue": .01809, "family": 1,
    ...        "now": "2026-10", "before": "2026-09", "n": 1000, "n_before": 1000}, METRICS["nps"])
    '95% interval +1.4 to +14.6; p\xa0=\xa0.018; n\xa01,000 in 2026-10, n\xa01,000 in 2026-09.'
    """
    bases = (
        f"{wording.base_words(row)} in {row.get('now')}, {wording.base_words(row, '_before')} in {row.get('before')}"
    )
    if row.get("change") is None or row.get("verdict") not in ("changed", "no evidence"):
        why = str(
            row.get("note") or f"an effective base of {wording.rule([row], 'judge_from')} is needed in both periods"
        )
        return f"{why[:1].upper()}{why[1:]}; {bases}."
    text = f"{interval(row, metric)}; {corrected(row, held)}; {bases}."
    note = wording.sentence(str(row.get("note") or ""))
    if row["verdict"] == "no evidence":
        moved = "; ".join(filter(None, [change(row, metric), medians(row, metric)]))
        text = f"{moved}; {text} {wording.sentence(detectable(row, metric))}"
    return f"{text} {note}".strip()


def reach(found: Sequence[Row], metric: Metric) -> str:
    """What the comparisons without evidence could have detected, from the best base to the worst.

    >>> from cxkit.metrics import METRICS
    >>> reach([{"verdict": "no evidence", "detectable": size} for size in (21.2, 9.4)], METRICS["nps"])
    'With no evidence of change, changes from about 9.4 to 21 points could have been detected.'
    """
    ends, unit = _reached(found, metric), unit_words(metric)
    if not ends:
        return ""
    if in_pairs(metric):
        span = f"longer or shorter in about {' to '.join(ends)} {unit}"
    else:
        span = f"{'changes from' if len(ends) > 1 else 'a change of'} about {' to '.join(ends)} {unit}".strip()
    return f"With no evidence of change, {span} could have been detected."


def reach_of(found: Sequence[Row], metric: Metric) -> str:
    """What the comparisons of one metric without evidence could have detected, for a list of metrics.

    >>> from cxkit.metrics import METRICS
    >>> row = {"metric": "nps", "verdict": "no evidence", "detectable": 9.4}
    >>> reach_of([row, {**row, "detectable": 21.2}], METRICS["nps"])
    'NPS 9.4 to 21 points'
    """
    ends = _reached([row for row in found if row["metric"] == metric.name], metric)
    return f"{metric.label} {' to '.join(ends)} {unit_words(metric)}".strip() if ends else ""


def _reached(found: Sequence[Row], metric: Metric) -> list[str]:
    """The smallest and the largest detectable change among those without evidence; one where they read the same."""
    kept = [r["detectable"] for r in found if r.get("verdict") == "no evidence" and r.get("detectable") is not None]
    said = far if in_pairs(metric) else about
    return list(dict.fromkeys(said(size) for size in (min(kept), max(kept)))) if kept else []


def unit_words(metric: Metric) -> str:
    """The unit of a change."""
    if in_pairs(metric):
        return "of 100 pairs"
    return "percentage points" if metric.unit == "percent" else wording.UNITS[metric.unit]


def about(size: float) -> str:
    """A size in two digits."""
    return wording.number(size, 0 if size >= 10 else 1 if size >= 1 else 2)


def arithmetic(row: Row, key: str, metric: Metric) -> str:
    """A part of a change as the interval of the contribution supports it, percentage points as "pp"."""
    places = wording.change_decimals(row["low"], row["high"])
    return wording.number(row[key], places, signed=True) + (_unit(metric) or f" {unit_words(metric)}".rstrip())


def brought(row: Row, key: str, metric: Metric) -> str:
    """The interval of what a part, or all others, brings to the change of a total."""
    ends = (row[f"{key}low"], row[f"{key}high"])
    places = wording.change_decimals(*ends)
    return f"{wording.level_words(row['level'])} interval {wording.limits(*ends, metric.unit, places, signed=True)}"


def pulled(row: Row, metric: Metric) -> str:
    r"""The change of a part that is named, pulled towards that of all.

    >>> from cxkit.metrics import METRICS
    >>> pulled({"named_change": -28.6, "named_low": -45, "named_high": -18}, METRICS["nps"])
    '−29 points'
    """
    return change({"change": row["named_change"], "low": row["named_low"], "high": row["named_high"]}, metric)


def picked(row: Row, metric: Metric) -> str:
    r"""The numbers behind a part that is named, with the limits that allow for the picking.

    >>> from cxkit.metrics import METRICS
    >>> picked({"change": -31.4, "low": -41, "high": -21, "named_low": -44.9, "named_high": -17.6, "named_level": .9917,
    ...         "n": 541, "n_before": 542}, METRICS["nps"])
    'measured −31 (99.2% interval −45 to −18; n 541 / 542)'
    """
    seen = {"change": row["change"], "low": row["named_low"], "high": row["named_high"]}
    level = wording.level_words(round(row["named_level"], 3))
    return f"measured {short(seen, metric)} ({level} interval {span(seen, metric)}; {_bases(row)})"


def in_short(row: Row, metric: Metric) -> str:
    r"""The numbers behind a claim in the shortest form: change, interval, p-value, bases.

    >>> from cxkit.metrics import METRICS
    >>> in_short({"change": -44.0, "low": -60.1, "high": -27.3, "pvalue_adj": .0004, "family": 6, "n": 61,
    ...           "n_before": 58}, METRICS["nps"])
    '−44 (−60 to −27; adjusted p\xa0<\xa0.001; n\xa061 / 58)'
    """
    beside = medians(row, metric)
    numbers = "; ".join(filter(None, [span(row, metric), beside, adjusted(row), _bases(row)]))
    return f"{short(row, metric)} ({numbers})"


def _bases(row: Row) -> str:
    return f"n{wording.HARD}{wording.count(row.get('n'))} / {wording.count(row.get('n_before'))}"


def tally(found: Sequence[Row]) -> str:
    """How many comparisons ended in each verdict, and why nothing is said of the others.

    >>> tally([{"verdict": "changed"}, {"verdict": "too few", "n": 12, "n_before": 40}])
    'Of 2 comparisons, 1 shows a change; 1 has too few answers to say.'
    """
    kinds = [unsaid(row) if row.get("verdict") == "too few" else str(row.get("verdict")) for row in found]
    told = [(kinds.count(kind), one, many) for kind, one, many in _COUNTED]
    lost = len(kinds) - sum(n for n, _, _ in told)
    told.append((lost, "could not be made", "could not be made"))
    said = "; ".join(f"{n:,} {one if n == 1 else many}" for n, one, many in told if n)
    return f"Of {len(kinds):,} comparison{'s' * (len(kinds) != 1)}, {said}."


_COUNTED = (
    ("changed", "shows a change", "show a change"),
    ("no evidence", "shows no evidence of change", "show no evidence of change"),
    ("few", "has too few answers to say", "have too few answers to say"),
    ("little", "has answers worth too little to say", "have answers worth too little to say"),
    ("hidden", "is hidden", "are hidden"),
    ("protecting", "is hidden to protect a smaller group", "are hidden to protect a smaller group"),
    ("empty", "has nobody to compare", "have nobody to compare"),
)
