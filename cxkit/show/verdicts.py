"""Verdicts in words: what a comparison says, and never more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cxkit.metrics import Metric
from cxkit.schema import kind_of
from cxkit.show import wording
from cxkit.show.html import name
from cxkit.show.labels import words
from cxkit.show.rows import Row
from cxkit.show.wording import EVEN, far, in_pairs, medians


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
        return Verdict(wording.UP if up else wording.DOWN, _moved(row) + judged, tone)
    if kind == "no evidence":
        return Verdict(wording.NONE, _uncertain(row), "none")
    words = _UNSAID[unsaid(row)].format(metric.counted)
    return Verdict(wording.FEW, words if kind == "too few" else "not compared", "few")


def _moved(row: Row) -> str:
    up = row["change"] > 0
    against = row.get("rest")
    return f"{'higher' if up else 'lower'} than {against}" if against else "increased" if up else "decreased"


_UNSAID = {
    "protecting": "hidden to protect a smaller group",
    "hidden": "hidden",
    "empty": "nothing to compare",
    "few": "too few {} to say",
    "little": "{} worth too little to say",
}


def unsaid(row: Row) -> str:
    """Why nothing is said of a comparison: "protecting", "hidden", "empty" (nobody answered), "few", or "little".

    With "little" the answers are many but worth little, by weights, clusters or what else the note of the row says.
    """
    return kind_of(row.get("reason")) or "little"


def corrected_away(row: Row) -> bool:
    """Whether the comparison alone would look like a change, and only the correction says that it is none."""
    p, level = row.get("pvalue"), row.get("level")
    return row.get("verdict") == "no evidence" and p is not None and p < 1 - (0.95 if level is None else level)


def _uncertain(row: Row, since: str = "") -> str:
    if corrected_away(row):
        return f"not distinguishable{since} after correction for {wording.count(row.get('family'))} comparisons"
    return f"no evidence of {'a difference' if row.get('rest') else 'change'}"


def detectable(row: Row, metric: Metric) -> str:
    """What the base would not show: printed wherever there is no evidence of a change.

    >>> from cxkit.metrics import METRICS
    >>> detectable({"detectable": 19.6, "low": -30., "high": 10.}, METRICS["nps"])
    'a change under about 20 points could be missed'
    """
    if (size := row.get("detectable")) is None:
        return "any change could be missed"
    return f"{_under(metric)} about {sized([size], metric)} could be missed"


def _under(metric: Metric) -> str:
    return "longer or shorter in under" if in_pairs(metric) else "a change under"


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


def corrected(row: Row) -> str:
    r"""The p-value with the family it was corrected for.

    >>> corrected({"pvalue": .011, "pvalue_adj": .075, "family": 7, "family_of": "NPS by brand"})
    'adjusted p\xa0=\xa0.075 for 7 comparisons: NPS by brand (p\xa0=\xa0.011 alone)'
    """
    held, p = wording.families([row]), wording.pvalue(row.get("pvalue"))
    return f"{adjusted(row)} for {held} ({p} alone)" if held and row.get("pvalue_adj") is not None else p


def adjusted(row: Row) -> str:
    r"""The p-value that the verdict rests on, in short; its family stands in the note.

    >>> adjusted({"pvalue": .011, "pvalue_adj": .075, "family": 7}), adjusted({"pvalue": .011, "family": 1})
    ('adjusted p\xa0=\xa0.075', 'p\xa0=\xa0.011')
    """
    single = (row.get("family") or 1) <= 1 or row.get("pvalue_adj") is None
    return wording.pvalue(row.get("pvalue")) if single else f"adjusted {wording.pvalue(row['pvalue_adj'])}"


def claim(row: Row, metric: Metric) -> str:
    """What a comparison says, in as few words as it can; `proof` carries the numbers.

    >>> from cxkit.metrics import METRICS
    >>> claim({"verdict": "changed", "change": 8.0, "low": 1.4, "high": 14.6, "before": "2026-09"}, METRICS["nps"])
    'NPS increased by 8.0 points against 2026-09'
    >>> claim({"verdict": "changed", "change": 11.2, "low": 4.1, "high": 18.0, "value": 180.0, "value_before": 120.0},
    ...       METRICS["wait_time"])
    'Wait time increased: longer in 61 of 100 pairs; median 180 min against 120 min'
    """
    since = f" against {row['before']}" if row.get("before") else ""
    if row.get("verdict") == "changed" and row.get("change") is not None:
        subject = f"{metric.label} {_moved(row)}"
        if in_pairs(metric):
            return f"{subject}: {'; '.join(filter(None, [f'{change(row, metric)}{since}', medians(row, metric)]))}"
        return f"{subject} by {change(row, metric).lstrip('+' + wording.MINUS)}{since}"
    if corrected_away(row):
        return f"{metric.label}: {_uncertain(row, ' from ' + str(row.get('before')))}"
    return f"{metric.label}: {verdict(row, metric).words}{since if row.get('verdict') == 'no evidence' else ''}"


def proof(row: Row, metric: Metric) -> str:
    r"""The numbers behind a claim: change, interval, test, bases, and what could be missed.

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
    text = f"{interval(row, metric)}; {corrected(row)}; {bases}."
    note = wording.sentence(str(row.get("note") or ""))
    if row["verdict"] == "no evidence":
        moved = "; ".join(filter(None, [change(row, metric), medians(row, metric)]))
        text = f"{moved}; {text} {wording.sentence(detectable(row, metric))}"
    return f"{text} {note}".strip()


def reach(found: Sequence[Row], metric: Metric) -> str:
    """What the comparisons without evidence could miss, from the best base to the worst.

    >>> from cxkit.metrics import METRICS
    >>> reach([{"verdict": "no evidence", "detectable": size} for size in (21.2, 9.4)], METRICS["nps"])
    'With no evidence of change, a change under about 9.4 to 21 points could be missed.'
    """
    sizes = _reached(found)
    if not sizes:
        return ""
    return f"With no evidence of change, {_under(metric)} about {sized(sizes, metric)} could be missed."


def reach_of(found: Sequence[Row], metric: Metric) -> str:
    """What the comparisons of one metric without evidence could miss, for a list of metrics.

    >>> from cxkit.metrics import METRICS
    >>> row = {"metric": "nps", "verdict": "no evidence", "detectable": 9.4}
    >>> reach_of([row, {**row, "detectable": 21.2}], METRICS["nps"])
    'NPS 9.4 to 21 points'
    """
    sizes = _reached([row for row in found if row["metric"] == metric.name])
    return f"{metric.label} {sized(sizes, metric)}" if sizes else ""


def _reached(found: Sequence[Row]) -> list[float]:
    """The detectable changes of those without evidence."""
    return [r["detectable"] for r in found if r.get("verdict") == "no evidence" and r.get("detectable") is not None]


def sized(sizes: Sequence[float], metric: Metric) -> str:
    """The smallest and the largest of some detectable changes with their unit, one where they read the same.

    >>> from cxkit.metrics import METRICS
    >>> sized([21.2, 14.8, 9.4], METRICS["nps"]), sized([21.2, 21.3], METRICS["csat"])
    ('9.4 to 21 points', '21 percentage points')
    """
    ends = dict.fromkeys((far if in_pairs(metric) else about)(size) for size in (min(sizes), max(sizes)))
    return f"{' to '.join(ends)} {unit_words(metric)}".strip()


def unit_words(metric: Metric) -> str:
    """The unit of a change."""
    if in_pairs(metric):
        return "of 100 pairs"
    return "percentage points" if metric.unit == "percent" else wording.UNITS[metric.unit]


def about(size: float) -> str:
    """A size in two digits."""
    return wording.number(size, 0 if size >= 10 else 1 if size >= 1 else 2)


def arithmetic(row: Row, key: str, metric: Metric, *, unit: bool = True) -> str:
    """A part of a change as the interval of the contribution supports it, percentage points as "pp"."""
    text = wording.number(row[key], wording.change_decimals(row["low"], row["high"]), signed=True)
    return text + (_unit(metric) or f" {unit_words(metric)}".rstrip()) * unit


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

    >>> tally([{"verdict": "changed"}, {"verdict": "too few", "reason": "few answers"}])
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


def gradient(trend: Row, inside: Sequence[Row], metric: Metric) -> tuple[list[object], list[object]]:
    """Claim and proof on a trend over the order of levels, and on the same inside the levels of another dimension."""
    by, verdict = words(trend["dimension"]), trend["verdict"]
    base = f"{trend['levels']} levels, n{wording.HARD}{wording.count(trend['n'])}."
    if verdict == "too few":
        few = f"{metric.label}: too few {metric.counted} to say whether it goes with {by}."
        return [few], [f"{base} {trend['note']}"]
    step = f"{_step(trend, metric)} a step"
    told = f"{metric.label} {verdict} along {by}: {step}. Associated with it, which is no cause."
    if verdict == "no evidence":
        told = f"{metric.label}: no evidence that it goes with {by} ({step})."
    claim: list[object] = [told]
    period = [name(trend["period"]), ", "] if trend["period"] else []
    proof: list[object] = [*period, f"{wording.pvalue(trend['pvalue_adj'])}, {base}"]
    for row in inside:
        if row.get("value") is not None:
            proof += [f" Inside each {words(row['within'])}: {_step(row, metric)} a step."]
    return claim, proof


def _step(row: Row, metric: Metric) -> str:
    places = wording.change_decimals(row["low"], row["high"])
    span = wording.limits(row["low"], row["high"], metric.unit, places, signed=True)
    return f"{wording.quantity(row['value'], metric.unit, places, signed=True)} ({span})"
