"""Numbers and verdicts in words; the one place where anything is rounded.

Nothing is decided here: a verdict comes from the frame, and the words follow it. Decimals follow the width of the
interval, so that a number never looks more certain than it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from cxkit import schema
from cxkit.metrics import BANDS, Metric, Unit
from cxkit.schema import MONTH, RULES, is_hidden
from cxkit.show.rows import Row

MINUS, UP, DOWN, NONE, FEW = "\u2212", "▲", "▼", "–", "○"
HARD = "\u00a0"  # a space at which no line ends
UNITS: dict[Unit, str] = {
    "points": "points", "percent": "%", "scale": "", "seconds": "s", "minutes": "min", "hours": "h", "days": "d",
    "months": "months",
}  # fmt: skip
BASES = ((50, "low base", "Low base"), (100, "caution: small base", "Caution"))  # below; of a score; in a list
IMPRECISE = 20.0  # points of half-width


def decimals(low: float | None, high: float | None) -> int:
    """How many decimals an interval of this width supports: none from 20 wide, one from 2, else two.

    >>> decimals(36, 54), decimals(10, 40), decimals(5.31, 5.48), decimals(None, None)
    (1, 0, 2, 1)
    """
    if low is None or high is None or not math.isfinite(high - low):
        return 1
    return 0 if high - low >= 20 else 1 if high - low >= 2 else 2


def change_decimals(low: float | None, high: float | None, fewer: int = 0) -> int:
    """Decimals of a change: as `decimals`, and enough that no limit beside zero is printed as zero.

    >>> change_decimals(-10.6, 0.03), change_decimals(1.4, 14.6)
    (2, 1)
    """
    places = max(decimals(low, high) - fewer, 0)
    while places < 3 and any(x and not float(f"{x:.{places}f}") for x in (low, high)):
        places += 1
    return places


def number(value: float | None, places: int, signed: bool = False) -> str:
    """A number with a true minus sign, and a plus sign where it is a change.

    >>> number(-5.284, 1), number(8, 1, signed=True), number(-0.04, 1), number(1234.5, 0)
    ('−5.3', '+8.0', '0.0', '1,234')
    """
    if value is None or math.isnan(value):
        return "not computed"
    text = f"{abs(value):,.{places}f}"
    if not float(text.replace(",", "")):
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def quantity(value: float | None, unit: Unit, places: int, signed: bool = False) -> str:
    """A number with its unit; a change of a percentage is in percentage points.

    >>> quantity(62, "percent", 0), quantity(-3.2, "percent", 1, signed=True), quantity(1, "points", 0)
    ('62%', '−3.2 percentage points', '1 point')
    """
    text = number(value, places, signed)
    if value is None or math.isnan(value) or unit == "scale":
        return text
    if unit == "percent":
        return f"{text} percentage points" if signed else f"{text}%"
    one = unit == "points" and text.lstrip(MINUS + "+") == "1"
    return f"{text} point" if one else f"{text} {UNITS[unit]}"


def limits(low: float | None, high: float | None, unit: Unit, places: int, signed: bool = False) -> str:
    """Both limits of an interval in words.

    >>> limits(36.2, 54.1, "points", 0), limits(.2, 3.1, "percent", 1)
    ('36 to 54', '0.2% to 3.1%')
    """
    if low is None or high is None:
        one = "no lower limit" if low is None else f"from {number(low, places, signed)}"
        other = "no upper limit" if high is None else f"up to {number(high, places, signed)}"
        return "no interval" if low is None and high is None else f"{one}, {other}"
    mark = "%" if unit == "percent" and not signed else ""
    return f"{number(low, places, signed)}{mark} to {number(high, places, signed)}{mark}"


def time_words(minutes: float) -> str:
    r"""A round time in the largest unit of which it is a whole number.

    >>> time_words(30), time_words(240), time_words(10080), time_words(43800), time_words(526000)
    ('30\xa0min', '4\xa0h', '7\xa0days', '1\xa0month', '12\xa0months')
    """
    months = round(minutes / MONTH)
    if minutes > 90 * 1440 or (months and abs(minutes - months * MONTH) < 50):  # written in three digits
        return f"{months:,}{HARD}month{'s' * (months > 1)}"
    size, unit = next((size, unit) for size, unit in ((1440, "days"), (60, "h"), (1, "min"), (1 / 60, "s"))
                      if minutes % size < 1e-9 and minutes >= size)  # fmt: skip
    count_ = round(minutes / size)
    return f"{count_:,}{HARD}{'day' if (count_, unit) == (1, 'days') else unit}"


def percent(share: float) -> str:
    """A share that is described, in whole percent."""
    return quantity(share, "percent", 0)


def confidence(percent: float) -> str:
    """A confidence in whole percent; never all of it, nor none.

    >>> confidence(83.4), confidence(99.8), confidence(0.2)
    ('83%', 'over 99%', 'under 1%')
    """
    return "over 99%" if percent > 99 else "under 1%" if percent < 1 else f"{percent:.0f}%"


def share_span(row: Row) -> str:
    """Its limits."""
    return limits(row.get("low"), row.get("high"), "percent", 0)


def level_words(level: float | None) -> str:
    """The confidence level as a reader says it.

    >>> level_words(0.95), level_words(0.999)
    ('95%', '99.9%')
    """
    return f"{100 * (0.95 if level is None else level):.4g}%"


def below(found: Iterable[Row]) -> str:
    """The bound that an adjusted p-value must lie below, of some comparisons.

    >>> below([{"level": 0.9}, {}])
    '0.1'
    """
    level = next((row["level"] for row in found if row.get("level") is not None), 0.95)
    return f"{1 - level:.2g}"


def rule(found: Iterable[Row], name: str) -> str:
    """A limit that is in force for some rows, which carry it; the kit's own where they do not.

    >>> rule([{}, {"judge_from": 60.0}], "judge_from"), rule([], "hide_below")
    ('60', '10')
    """
    return f"{_rule(found, name):g}"


def _rule(found: Iterable[Row], name: str) -> float:
    return float(next((row[name] for row in found if row.get(name) is not None), getattr(RULES, name)))


def pvalue(p: float | None) -> str:
    r"""A p-value in words, in one piece.

    >>> pvalue(.0123), pvalue(.0002), pvalue(None)
    ('p\xa0=\xa0.012', 'p\xa0<\xa0.001', 'p not computed')
    """
    if p is None or math.isnan(p):
        return "p not computed"
    return f"p{HARD}{pnumber(p)}" if p < 0.001 or p >= 0.995 else f"p{HARD}={HARD}{pnumber(p)}"


def pnumber(p: float | None) -> str:
    r"""A p-value as a number in a column, or a bound on it; blank where there is none.

    >>> pnumber(.0123), pnumber(.0002), pnumber(1.0)
    ('.012', '<\xa0.001', '>\xa0.99')
    """
    if p is None or p < 0.001:
        return "" if p is None else f"<{HARD}.001"
    text = f"{p:.2f}" if p >= 0.0995 else f"{p:.3f}"
    return text.replace("0.", ".", 1) if p < 0.995 else f">{HARD}.99"


def answer(code: float) -> str:
    """An answer as it is written; a duration that had not ended has no end.

    >>> answer(9.0), answer(float("inf"))
    ('9', 'not ended')
    """
    return f"{code:g}" if math.isfinite(code) else "not ended"


def called(found: Sequence[Row]) -> list[str]:
    """What each answer is called: as its class, where each has a class of its own, else by its code.

    >>> called([{"answer": 0.0, "group": "No"}, {"answer": 1.0, "group": "Yes"}])
    ['No', 'Yes']
    >>> called([{"answer": 7.0, "group": ""}])
    ['7']
    """
    groups = [str(row["group"] or "") for row in found]
    own = all(groups) and len(set(groups)) == len(groups)
    return groups if own else [answer(row["answer"]) for row in found]


def asked(metric: Metric) -> str:
    """The question, in quotation marks where it is known to be the one that was asked.

    >>> from cxkit.metrics import METRICS
    >>> asked(METRICS["exceeded"])
    'Did we exceed your expectations?'
    """
    return f"“{metric.question}”" if metric.asked else metric.question


def quantile_words(metric: Metric) -> str:
    """Which quantile a duration is told by.

    >>> from cxkit.metrics import METRICS
    >>> quantile_words(METRICS["wait_time"])
    'median'
    """
    return "median" if metric.quantile == 0.5 else f"{100 * metric.quantile:g}% quantile"


def methods_words(found: Iterable[object]) -> str:
    """Several methods as one line, each once, with the correction at the end.

    >>> methods_words(["Welch's t test, Holm correction", "MOVER of score limits, weighted, Holm correction", None])
    "MOVER of score limits, weighted; Welch's t test; Holm correction"
    """
    parts = [str(method).split(", ") for method in dict.fromkeys(found) if method]
    corrections = {part[-1] for part in parts if part[-1].endswith(" correction")}
    heads = {", ".join(part[:-1] if part[-1] in corrections else part) for part in parts}
    return "; ".join([*sorted(heads), *sorted(corrections)])


def count(n: float | None) -> str:
    """A base: whole answers, and one decimal where a small effective base is not whole.

    >>> count(2650), count(312.44), count(7.26), count(None)
    ('2,650', '312', '7.3', 'hidden')
    """
    if n is None:
        return "hidden"
    return f"{n:,.0f}" if n >= 10 or n == round(n) else f"{n:,.1f}"


def base_words(row: Row, suffix: str = "", lead: str = f"n{HARD}") -> str:
    r"""The base of a row, with the effective base where weights or clusters make it another one.

    >>> base_words({"n": 2650, "n_eff": 812.3}), base_words({"n": 40, "n_eff": 40.0})
    ('n\xa02,650 (effective\xa0812)', 'n\xa040')
    """
    n, effective = row.get("n" + suffix), row.get("n_eff" + suffix)
    if n is None:
        return f"{lead}hidden"
    same = effective is None or count(effective) == count(n)
    return f"{lead}{count(n)}" if same else f"{lead}{count(n)} (effective{HARD}{count(effective)})"


def precision(row: Row, metric: Metric) -> list[str]:
    """What a reader has to know about a small or imprecise base, in words; empty where all is well.

    >>> from cxkit.metrics import METRICS
    >>> precision({"n": 40, "n_eff": 40, "low": 10, "high": 60}, METRICS["nps"])
    ['low base', 'imprecise']
    """
    base = _judged(row)
    least = _rule([row], "judge_from")
    # Many answers may by weights or clusters be worth few.
    few = "worth too little to say" if (row.get("n") or 0) >= least else "too few to say"
    cuts = ((least, few, ""), *BASES)
    words = [next((name for cut, name, _ in cuts if base < cut), "")] if base is not None else []
    low, high = row.get("low"), row.get("high")
    if metric.unit in ("points", "percent") and low is not None and high is not None and (high - low) / 2 > IMPRECISE:
        words.append("imprecise")
    return [word for word in words if word]


def sentence(words: str) -> str:
    """Words as a sentence; nothing stays nothing.

    >>> sentence("no answers"), sentence("")
    ('No answers.', '')
    """
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def alike(found: Sequence[Row]) -> list[str]:
    """The notes that all numbers of a table or figure have, so that they can be said once.

    >>> alike([{"value": 1, "note": "all but 1 place; one answer"}, {"value": 2, "note": "all but 1 place"}])
    ['all but 1 place']
    """
    told = [notes(row) for row in found if row.get("value") is not None]
    return [note for note in told[0] if all(note in others for others in told)] if told else []


def notes(row: Row) -> list[str]:
    """The notes of a row, each by itself."""
    return [note for note in str(row.get("note") or "").split("; ") if note]


def absent(row: Row) -> str:
    """Why a row has no number, as short as it can be said.

    >>> absent({"reason": "few people", "note": "hidden: fewer than 10 people answered"}), absent({})
    ('hidden', 'not computed')
    """
    return "hidden" if is_hidden(row.get("reason")) else str(row.get("note") or "not computed")


def why(row: Row) -> str:
    """Why a row is hidden, in words."""
    return schema.why(row["reason"], hide_below=_rule([row], "hide_below"))


def families(found: Iterable[Row]) -> str:
    """The families that some comparisons were corrected in: how many each holds, and which; blank where there is none.

    >>> families([{"family": 6, "family_of": "NPS by brand"}] * 2), families([{"family": 1, "family_of": ""}])
    ('6 comparisons: NPS by brand', '')
    """
    held: dict[str, set[int]] = {}
    for row in found:
        if (row.get("family") or 0) > 1:
            held.setdefault(str(row.get("family_of") or ""), set()).add(int(row["family"]))
    sizes = {of: " or ".join(map(count, sorted(several))) for of, several in held.items()}
    return "; ".join(f"{size} comparisons{f': {of}' if of else ''}" for of, size in sizes.items())


def is_small(row: Row) -> bool:
    """Whether the effective base is too small for any verdict, so that the row is shown grey."""
    base = _judged(row)
    return base is not None and base < _rule([row], "judge_from")


def _judged(row: Row) -> float | None:
    """The base that a verdict rests on: never more than the effective one."""
    return next((row[name] for name in ("n_judged", "n_eff", "n") if row.get(name) is not None), None)


def is_sound(row: Row) -> bool:
    """Whether a row has a score, and answers enough for a verdict."""
    return row.get("value") is not None and not is_small(row)


def estimate_words(row: Row, metric: Metric) -> str:
    r"""An estimate with interval and base, or why there is none.

    >>> from cxkit.metrics import METRICS
    >>> estimate_words({"value": 45.0, "low": 40.28, "high": 49.45, "n": 1000, "level": .95}, METRICS["nps"])
    '45.0 points (95% interval 40.3 to 49.5; n\xa01,000)'
    """
    if row.get("value") is None:
        return str(row.get("note") or "not computed")
    return f"{quantity(row['value'], metric.unit, places_of(row))} ({interval(row, metric)}; {base_words(row)})"


def places_of(row: Row) -> int:
    """The decimals that the interval of an estimate supports."""
    return decimals(row.get("low"), row.get("high"))


def span(row: Row, metric: Metric) -> str:
    """Both limits of an estimate in words."""
    return limits(row.get("low"), row.get("high"), metric.unit, places_of(row))


def interval(row: Row, metric: Metric) -> str:
    """The interval of an estimate with its level."""
    none = row.get("low") is None and row.get("high") is None
    return "no interval" if none else f"{level_words(row.get('level'))} interval {span(row, metric)}"


def band(row: Row, metric: Metric) -> str:
    """The name of the NPS band; both names where the interval crosses a cut; empty for other metrics.

    >>> from cxkit.metrics import METRICS
    >>> [band({"value": 60, "low": low, "high": high}, METRICS["nps"]) for low, high in ((52, 68), (47, 71))]
    ['excellent', 'good to world class']
    """
    value = row.get("value")
    if value is None or metric.statistic != "net" or metric.scale != (0, 10):
        return ""
    low, high = row.get("low"), row.get("high")
    first, last = (_band(value if x is None else x) for x in (low, high))
    return first if first == last else f"{first or 'below 0'} to {last}"


def _band(value: float) -> str:
    return next((b.name for b in reversed(BANDS) if value > b.cut or (b.included and value == b.cut)), "")


def score(row: Row, metric: Metric) -> str:
    """A score as short as it can be said: number, and % where it is one."""
    return number(row.get("value"), places_of(row)) + ("%" if metric.unit == "percent" else "")


def bar_base(n: float | None) -> str:
    """The base of a bar, or why there is none."""
    return "no answers" if n == 0 else base({"n": n})


def base(row: Row) -> str:
    """A base as short as it can be said."""
    return "hidden" if row.get("n") is None else f"n {count(row['n'])}"


EVEN = 50.0  # of 100 pairs: as often longer as not


def in_pairs(metric: Metric) -> bool:
    """Whether a change is told in pairs of a case of now and one of before."""
    return metric.statistic == "quantile"


def far(size: float) -> str:
    """The pairs that a detectable change is away from as often as not."""
    return number(min(EVEN + size, 100.0), 0)


def medians(row: Row, metric: Metric) -> str:
    """The quantiles of durations that a change stands beside; empty for what changes in its own unit.

    >>> from cxkit.metrics import METRICS
    >>> medians({"value": 180.0, "value_before": 120.0}, METRICS["wait_time"])
    'median 180 min against 120 min'
    """
    before = row.get("value_before")
    if not in_pairs(metric) or row.get("value") is None or before is None:
        return ""
    least = min(row["value"], before)
    places = 0 if least >= 10 else 1 if least >= 1 else 2
    both = (quantity(value, metric.unit, places) for value in (row["value"], before))
    return f"{quantile_words(metric)} {' against '.join(both)}"
