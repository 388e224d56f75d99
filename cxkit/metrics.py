"""What is measured, as data: a metric is a question, a scale, and a value for each answer.

Nothing here computes. `tallies` counts the answers that a metric names, `analysis` turns the counts into estimates by
the metric's `statistic`, `show` prints them in its `unit`. `metric` makes one of one's own, as a mapping does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

from cxkit.errors import CxError, nearest

Unit = Literal["points", "percent", "scale", "seconds", "minutes", "hours", "days", "months"]
Statistic = Literal["net", "share", "mean", "quantile"]
Direction = Literal["higher", "lower"]
Classes: TypeAlias = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured quantity.

    Attributes:
        name: Key of the metric in `METRICS`, in parameters and in the column `metric` of every frame.
        label: What a reader sees.
        question: What was asked, or what such a question asks.
        item: The mapped survey item that the metric reads; several metrics may read one item.
        scale: Lowest and highest valid answer.
        values: Answer -> value in `unit`; empty for durations, which are their own value.
        unit: "points" (-100..100), "percent" (0..100), "scale" (the answer's own unit) or "minutes", which are shown in
            "seconds", "hours" or "days" where these fit.
        better: Which direction is good; None where neither is.
        statistic: How cells are estimated: "net" (promoters minus detractors), "share", "mean", "quantile".
        classes: Named groups of answers, worst first, for distributions.
        quantile: Which quantile, for `statistic="quantile"`.
        asked: Whether `question` is known to be what was asked, so that it may be quoted.
        counted: What its base counts, in the plural.
    """

    name: str
    label: str
    question: str
    item: str
    scale: tuple[float, float]
    values: Mapping[float, float]
    unit: Unit
    better: Direction | None
    statistic: Statistic
    classes: Classes = field(default_factory=dict)
    quantile: float = 0.5
    asked: bool = False
    counted: str = "answers"

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest value that an estimate can take, in `unit`."""
        if self.unit == "points":
            return (-100.0, 100.0)
        if self.unit == "percent":
            return (0.0, 100.0)
        return (min(self.values.values()), max(self.values.values())) if self.values else self.scale

    @property
    def factor(self) -> float:
        """What natural units (shares, -1..1) are multiplied by to give `unit`."""
        return 100.0 if self.unit in ("points", "percent") else 1.0

    @property
    def natural_ends(self) -> tuple[float, float]:
        """The same in natural units, in which the formulas count."""
        return self.ends[0] / self.factor, self.ends[1] / self.factor

    def to_dict(self) -> dict[str, Any]:
        """The metric as JSON-ready data; `from_dict` is the way back."""
        data = asdict(self)
        data["scale"] = list(self.scale)
        data["values"] = [list(pair) for pair in sorted(self.values.items())]
        data["classes"] = [[label, list(answers)] for label, answers in self.classes.items()]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Metric:
        """The metric that `to_dict` wrote.

        >>> Metric.from_dict(METRICS["nps"].to_dict()) == METRICS["nps"]
        True
        """
        return cls(
            **{
                **data,
                "scale": tuple(data["scale"]),
                "values": {float(answer): value for answer, value in data["values"]},
                "classes": {label: tuple(answers) for label, answers in data["classes"]},
            }
        )


def rescale(metric: Metric, scale: tuple[float, float], better: Direction | None) -> Metric:
    """The metric on a scale and in a direction that a mapping declares.

    Means keep every answer as its own value. Shares and net scores are defined on one scale only (a promoter is a
    9 or a 10 of 0-10), so another scale needs value labels in the mapping instead.

    Raises:
        ValueError: For a net score or share whose scale would change.

    >>> rescale(METRICS["ces"], (1, 5), "lower").values
    {1.0: 1.0, 2.0: 2.0, 3.0: 3.0, 4.0: 4.0, 5.0: 5.0}
    """
    better = better or metric.better
    if tuple(scale) == tuple(metric.scale):
        turned = better != metric.better and None not in (better, metric.better)
        return replace(metric, better=better, classes=_turned(metric.classes) if turned else metric.classes)
    if metric.statistic != "mean":
        raise ValueError(
            f"{metric.name}: is defined on {metric.scale[0]:g}-{metric.scale[1]:g}, found {scale[0]:g}-{scale[1]:g}; "
            "declare `labels` that map each answer to that scale"
        )
    return replace(metric, scale=scale, better=better, values=_identity(scale), classes={})


def metric(
    name: str,
    measure: str,
    *,
    scale: tuple[float, float] | None = None,
    top: Sequence[float] = (),
    bottom: Sequence[float] = (),
    classes: Mapping[str, Sequence[float]] | None = None,
    label: str = "",
    question: str = "",
    better: Direction | None = None,
) -> Metric:
    """A metric of one's own.

    Args:
        name: What parameters and frames call it.
        measure: "net" (the share of `top` less that of `bottom`), "share" (of `top`), "mean", "duration" (the median of
            minutes), "within" (the share of durations inside a limit: answers are 1 or 0), "again" and "once" (the
            share of cases after which the same customer came back within a limit, or did not), or the name of a metric
            of the kit, which is then asked once more, about something else.
        scale: Lowest and highest answer.
        top: The answers that count; of a net score those that count in its favour.
        bottom: Of a net score those that count against it.
        classes: Names for groups of answers, the worst first; if None, made of `top` and `bottom`.
        label: What a reader sees; the name if blank.
        question: What was asked; quoted where it is given.
        better: Which direction is good; that of the kit's own metrics if None. A mean has to say it.

    Raises:
        CxError: What is needed and absent, or does not fit.

    >>> renew = metric("renew", "share", scale=(1, 7), top=[6, 7], label="Would renew")
    >>> renew.values[6.0], list(renew.classes)
    (100.0, ['1-5', '6-7'])
    """
    if not _NAME.fullmatch(name) or name in METRICS:
        expected = "a name of letters, digits and _, 40 at most, that no metric of the kit has"
        raise CxError(f"name: expected {expected}; found {name!r}")
    if better not in (None, "higher", "lower"):
        raise CxError(f"better: expected higher or lower, found {better!r}")
    if measure in METRICS:
        if top or bottom or classes:
            raise CxError(f"measure: {measure} says itself which answers count; top, bottom and classes do not fit")
        return _once_more(METRICS[measure], name, scale, label, question, better)
    if measure not in MEASURES:
        raise CxError(f"measure: {measure!r} is none; {nearest(measure, [*MEASURES, *METRICS])}")
    given: dict[str, Any] = {"scale": scale, "top": top, "bottom": bottom, "better": better}
    given["classes"] = classes
    _require(measure, given)
    about: dict[str, Any] = {
        "label": label or name.replace("_", " ").capitalize(),
        "item": name,
        "asked": bool(question),
    }
    about["question"] = question or about["label"]
    if measure == "duration":
        return replace(_minutes(name, "", "", better or "lower"), **about)
    if measure in LIMITED:
        usual: Direction = "lower" if measure == "again" else "higher"
        return replace(_yes_no(name, "", "", better or usual, _IN_TIME if measure == "within" else _YES_NO), **about)
    values = _identity(scale or (0, 0))
    if measure != "mean":
        values = {answer: 100.0 * ((answer in top) - (answer in bottom)) for answer in values}
    unit: Any = {"net": "points", "share": "percent", "mean": "scale"}[measure]
    groups = {
        word: tuple(map(float, answers)) for word, answers in (classes or _classes(values, measure, better)).items()
    }
    return Metric(name, scale=scale or (0, 0), values=values, unit=unit, better=better or "higher", classes=groups,
                  statistic=measure, **about)  # type: ignore[arg-type]  # fmt: skip


_NAME = re.compile(r"[^\W\d]\w{0,39}")  # it becomes a column of every database
LIMITED = ("within", "again", "once")  # shares of what happens within a limit of time
MEASURES: dict[str, tuple[str, ...]] = {
    "net": ("scale", "top", "bottom"), "share": ("scale", "top"), "mean": ("scale", "better"), "duration": (),
    **dict.fromkeys(LIMITED, ()),
}  # fmt: skip
"""How a metric can be measured, and what each needs to be told."""
FITTING = {"scale": ("net", "share", "mean"), "top": ("net", "share"), "bottom": ("net",),
           "classes": ("net", "share", "mean")}  # fmt: skip


def _require(measure: str, given: Mapping[str, Any]) -> None:
    """That what a measure needs is given, nothing else, and that it fits together."""
    for key, value in given.items():
        if not value and key in MEASURES[measure]:
            raise CxError(f"{key}: is needed where `measure` is {measure}")
        if value and measure not in FITTING.get(key, [measure]):
            raise CxError(f"{key}: is for {' and '.join(FITTING[key])}, and `measure` is {measure}")
    if not given["scale"]:
        return
    low, high = given["scale"]
    if low >= high:
        raise CxError(f"scale: expected the lowest answer first, found {[low, high]}")
    if (low, high) != (int(low), int(high)):
        raise CxError(f"scale: expected whole numbers, found {[low, high]}")
    inside = set(_identity((low, high)))
    sides = {"top": given["top"], "bottom": given["bottom"],
             "classes": [answer for answers in (given["classes"] or {}).values() for answer in answers]}  # fmt: skip
    for key, side in sides.items():
        if outside := sorted(set(side) - inside):
            raise CxError(f"{key}: expected answers of {low:g}-{high:g}, found {outside[0]:g}")
        if twice := sorted(answer for answer in set(side) if list(side).count(answer) > 1):
            raise CxError(f"{key}: {twice[0]:g} is listed twice")
    if given["classes"] and (lost := sorted(inside - set(sides["classes"]))):
        raise CxError(f"classes: expected every answer in one, found none with {_spelled(lost)}")
    if both := sorted(set(given["top"]) & set(given["bottom"])):
        raise CxError(f"bottom: {both[0]:g} stands in `top`, too")


def _once_more(
    known: Metric, name: str, scale: tuple[float, float] | None, label: str, question: str, better: Direction | None
) -> Metric:
    """A metric of the kit under another name."""
    if scale and tuple(scale) != known.scale and better is None:
        raise CxError("better: is needed with another scale")
    try:
        found = rescale(known, scale or known.scale, better)
    except ValueError as error:
        raise CxError(f"scale: {error}") from None
    label = label or f"{known.label}: {name.replace('_', ' ')}"
    return replace(found, name=name, item=name, label=label, question=question or known.question, asked=bool(question))


def _classes(values: Mapping[float, float], measure: str, better: Direction | None) -> Classes:
    """Answers that count alike, the worst first, called by the first and the last of them where they are neighbours."""
    groups: dict[float, list[float]] = {}
    for answer in sorted(values) if measure != "mean" else ():
        groups.setdefault(values[answer], []).append(answer)
    return {_spelled(groups[value]): tuple(groups[value]) for value in sorted(groups, reverse=better == "lower")}


def _spelled(answers: Sequence[float]) -> str:
    first, last = answers[0], answers[-1]
    joined = last - first == len(answers) - 1 > 0
    return f"{first:g}-{last:g}" if joined else ", ".join(f"{answer:g}" for answer in answers)


def _identity(scale: tuple[float, float]) -> dict[float, float]:
    return {float(answer): float(answer) for answer in range(int(scale[0]), int(scale[1]) + 1)}


def _net(low: range, middle: range, high: range) -> dict[float, float]:
    return {
        **dict.fromkeys(map(float, low), -100.0),
        **dict.fromkeys(map(float, middle), 0.0),
        **dict.fromkeys(map(float, high), 100.0),
    }


def _share(scale: tuple[int, int], top: tuple[int, ...]) -> dict[float, float]:
    return {float(answer): 100.0 * (answer in top) for answer in range(scale[0], scale[1] + 1)}


_NPS_CLASSES = {
    "Detractors (0-6)": tuple(map(float, range(7))),
    "Passives (7-8)": (7.0, 8.0),
    "Promoters (9-10)": (9.0, 10.0),
}
_CSAT_CLASSES = {"Dissatisfied (1-2)": (1.0, 2.0), "Neutral (3)": (3.0,), "Satisfied (4-5)": (4.0, 5.0)}
_CES_CLASSES = {"Hard (1-3)": (1.0, 2.0, 3.0), "Neutral (4)": (4.0,), "Easy (5-7)": (5.0, 6.0, 7.0)}
_IN_TIME: Classes = {"Later": (0.0,), "In time": (1.0,)}
_YES_NO: Classes = {"No": (0.0,), "Yes": (1.0,)}


def _nps(name: str, label: str, question: str) -> Metric:
    values = _net(range(7), range(7, 9), range(9, 11))
    return Metric(name, label, question, name, (0, 10), values, "points", "higher", "net", _NPS_CLASSES)


def _yes_no(
    name: str, label: str, question: str, better: Direction = "higher", classes: Classes = _YES_NO
) -> Metric:  # fmt: skip
    classes = classes if better == "higher" else _turned(classes)
    return Metric(name, label, question, name, (0, 1), _share((0, 1), (1,)), "percent", better, "share", classes)


def _turned(classes: Classes) -> Classes:
    """Classes the other way round: the worst first where the other direction is better."""
    return dict(reversed(list(classes.items())))


def _minutes(name: str, label: str, question: str, better: Direction | None = "lower") -> Metric:
    return Metric(name, label, question, name, (0, float("inf")), {}, "minutes", better, "quantile")


_SATISFIED = "How satisfied were you?"
_EASY = "How much do you agree: it was easy to get done what I wanted?"

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _nps("nps", "NPS", "How likely are you to recommend us to a friend or colleague?"),
        _nps("tnps", "Transactional NPS", "After this contact, how likely are you to recommend us?"),
        Metric(
            "csat", "CSAT", _SATISFIED, "csat", (1, 5), _share((1, 5), (4, 5)), "percent", "higher", "share",
            _CSAT_CLASSES,
        ),
        Metric(
            "csat_mean", "Mean satisfaction", _SATISFIED, "csat", (1, 5), _identity((1, 5)), "scale", "higher", "mean",
            _CSAT_CLASSES,
        ),
        Metric("ces", "CES", _EASY, "ces", (1, 7), _identity((1, 7)), "scale", "higher", "mean", _CES_CLASSES),
        Metric(
            "ces_easy", "Found it easy", _EASY, "ces", (1, 7), _share((1, 7), (5, 6, 7)), "percent", "higher", "share",
            _CES_CLASSES,
        ),
        Metric(
            "cared", "Felt cared for", "Did the employee genuinely care? (yes / no / unsure)", "cared", (0, 2),
            _share((0, 2), (1,)), "percent", "higher", "share", {"No": (0.0,), "Unsure": (2.0,), "Yes": (1.0,)},
        ),
        Metric(
            "loyalty", "Net helped", "Did this contact help or hurt your loyalty?", "loyalty", (-1, 1),
            {-1.0: -100.0, 0.0: 0.0, 1.0: 100.0}, "points", "higher", "net",
            {"Hurt": (-1.0,), "No change": (0.0,), "Helped": (1.0,)},
        ),
        _yes_no("recommended", "Recommended us", "Have you recommended us to someone?"),
        _yes_no("exceeded", "Exceeded expectations", "Did we exceed your expectations?"),
        _yes_no("would_switch", "Would switch", "Would you switch to a competitor?", "lower"),
        _yes_no("resolved", "Resolved in time", "Was the ticket resolved within the promised time?"),
        _yes_no("churn", "Churn", "Was a customer at the period's start lost within it?", "lower"),
        _minutes("first_response", "First response", "Time from opening to the first reply"),
        _minutes("first_resolution", "First resolution", "Time from opening to the first resolution"),
        _minutes("full_resolution", "Full resolution", "Time from opening to the last resolution"),
        _minutes("handling_time", "Handling time", "Agent time on the ticket", None),
        _minutes("wait_time", "Wait time", "How long the customer waited"),
    )
}  # fmt: skip


class Band(NamedTuple):
    """A cut of the NPS scale and the name of what lies above it."""

    cut: float
    included: bool
    name: str


BANDS = (Band(0, True, "good"), Band(50, True, "excellent"), Band(70, False, "world class"))
BANDS_SOURCE = (
    "Names of NPS bands (0 and above good, 50 and above excellent, above 70 world class; below 0 has no name) are a "
    "custom of practice, published without a base. They are no test."
)
