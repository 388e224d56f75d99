"""The vocabulary that all layers share: the columns of frames, why a number is absent, and the limits of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from cxkit.errors import CxError

FEWEST = 3  # of two people who are told together, each knows the other's answer
# Parts of the provenance of tallies in which a run tells more than its counts.
BESIDE = ("drivers", "gradient", "nonresponse", "margins", "flows", "standardised", "weakest")
MONTH = 365.25 / 12 * 1440  # minutes
Month = Literal["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                "November", "December"]  # fmt: skip
MONTHS: tuple[str, ...] = get_args(Month)
ALL = " × "  # joins the dimensions of a level in the columns `cut` and `dimension`
BLANK = "(blank)"  # the level of who has none
FIRST = "no earlier wave"  # what the first wave is compared with: nobody answered in it
SECOND = "second comparison"  # the part of a summary that compares the places with the second of two periods
# synthetic sources: name -> frame of the sample
SAMPLES = {"sample": "responses", "sample tickets": "tickets", "sample customers": "customers"}
VIF = 5.0  # variance inflation by the other items above which items say much the same
TESTED = 10  # the smallest base for which the size of the tests is known (docs/statistics.md)


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of a run. They travel with its tallies, and every sentence that quotes one quotes it from here.

    Attributes:
        hide_below: People who answered, below which a cell shows neither score nor base; at least 3.
        judge_from: Effective answers on either side from which on a change is judged; at least 10, and `hide_below`.
        judge_clusters: Clusters with answers from which on a change is judged, where answers come in clusters.

    Raises:
        CxError: Limits below these.

    >>> Rules(hide_below=25).judge_from
    30
    """

    hide_below: int = 10
    judge_from: int = 30
    judge_clusters: int = 10

    def __post_init__(self) -> None:
        for name, least in (("hide_below", FEWEST), ("judge_from", TESTED), ("judge_clusters", 2)):
            if (found := getattr(self, name)) < least:
                raise CxError(f"{name}: expected {least} or more, found {found}")
        if self.judge_from < self.hide_below:
            hint = f"expected {self.hide_below} or more, as hide_below is, found {self.judge_from}"
            raise CxError(f"judge_from: {hint}")


RULES = Rules()
"""The limits where nobody sets others."""


# Columns --------------------------------------------------------------------------------------------------------------

_TEST = ("pvalue", "pvalue_adj", "family", "family_of", "detectable", "verdict")
_WORDS = ("level", "method", "note", "reason")
_LIMITS = ("hide_below", "judge_from")
ESTIMATES = ("metric", "period", "n", "n_eff", "value", "low", "high", *_WORDS, "n_judged", *_LIMITS)
COMPARISONS = (
    "metric", "now", "before", "n", "n_before", "n_eff", "n_eff_before", "change", "low", "high", *_TEST, *_WORDS,
    "reason_side", *_LIMITS, "value", "value_before", "shift", "n_judged", "n_judged_before",
)  # fmt: skip
TARGETS = (
    "metric", "period", "n", "n_eff", "value", "low", "high", "target", "gap", *_TEST, *_WORDS, "n_judged", *_LIMITS,
)  # fmt: skip
CONTRASTS = (
    "metric", "period", "n", "n_rest", "n_eff", "n_eff_rest", "difference", "low", "high", *_TEST, *_WORDS,
    "reason_side", *_LIMITS, "value", "value_rest", "shift", "n_judged", "n_judged_rest",
)  # fmt: skip
PEERS = (*CONTRASTS, "shrunk", "shrunk_low", "shrunk_high")
ALIKE = ("alike_q", "alike_df", "alike_pvalue", "alike_pvalue_adj", "alike_detectable", "alike_verdict", "named",
         "named_change", "named_low", "named_high", "named_level")  # fmt: skip
WHY = (
    "metric", "dimension", "now", "before", "n", "n_before", "contribution", "low", "high", "pvalue", "pvalue_adj",
    *(f"{part}{end}" for part in ("by_mix", "by_rate", "others") for end in ("", "_low", "_high")), "others_pvalue",
    "total_change", "verdict", "explains", "value_before",
    *(f"{part}{end}" for part in ("composition", "movement") for end in ("", "_low", "_high", "_pvalue")),
    "cause", "within", *_WORDS,
)  # fmt: skip
WATCH = (
    "metric", "period", "n", "n_eff", "value", "expected", "evidence", "signal", "since", "direction", "baseline",
    "method", "note",
)  # fmt: skip
DRIVERS = (
    "metric", "period", "outcome_label", "outcome_unit", "item", "item_label", "n", "n_eff", "asked", "answered",
    "value", "low", "high", "performance", "performance_low", "performance_high", "tilt", "joint", "gain", "gain_low",
    "gain_high", "performance_goal", "correlation", "beta", "vif", "reversed", "r_squared", "common", "common_pvalue",
    "first", "last", "unranked", *_WORDS, "hide_below",
)  # fmt: skip
GRADIENT = (
    "metric", "period", "dimension", "within", "n", "groups", "levels", "value", "low", "high", "pvalue", "pvalue_adj",
    "verdict", *_WORDS,
)  # fmt: skip
WEIGHTED = (  # of these what the summary has
    "n", "n_eff", "unweighted", "value", "low", "high", "difference", "difference_low", "difference_high", *_WORDS,
)  # fmt: skip
NONRESPONSE = ("metric", "period", "within", "cases", "groups", "classes", "pooled", "largest", "trimmed", *WEIGHTED)
_APART = ("difference", "difference_low", "difference_high", "pvalue", "pvalue_adj", "family", "detectable", "verdict")
MARGINS = ("metric", "period", "dimension", "n", "n_eff", "value", "low", "high", "expected", *_APART, *_WORDS,
           "n_judged", *_LIMITS)  # fmt: skip
FLOWS = ("metric", "period", "dimension", "n", "n_eff", "value", "low", "high", "share", "share_low", "share_high",
         *_WORDS, "n_judged", *_LIMITS)  # fmt: skip
STANDARDISED = (
    "metric", "period", "dimension", "within_levels", "n", "n_rest", "n_eff", "n_eff_rest", "raw_difference",
    "raw_difference_low", "raw_difference_high", *_APART, *_WORDS, *_LIMITS,
)  # fmt: skip
WEAKEST = ("metric", "period", "dimension", "bad_answers", "n", "n_eff", "value", "low", "high", *_WORDS,
           "hide_below")  # fmt: skip
HAZARDS = (
    "metric", "n", "lost", "expected", "value", "low", "high", "pvalue", "pvalue_adj", "family", "verdict", *_WORDS,
    "rate", "rate_low", "rate_high", "attributable", "attributable_low", "attributable_high",
)  # fmt: skip
COHORTS = (
    "metric", "period", "label", "stays", "after", "n", "still", "value", "low", "high", "ratio", "pvalue",
    "pvalue_adj", "family", "verdict", *_WORDS,
)  # fmt: skip
BANDED = ("metric", "period", "band", "cut", "n", "confidence", "or_better", "method")
LEVEL = (
    "metric", "period", "n", "n_eff", "value", "underlying", "underlying_low", "underlying_high", "forecast",
    "forecast_low", "forecast_high", "fall", "power", "level", "method",
)  # fmt: skip
LEAGUE = (*ESTIMATES, "shrunk", "first", "last", "pvalue", "between", "limits", "unranked")
CURVES = (
    "metric", "period", "after", "n", "at_risk", "value", "low", "high", "restricted", "restricted_low",
    "restricted_high", "level", "method",
)  # fmt: skip
DISTRIBUTION = ("metric", "period", "answer", "group", "n", "share")
CROSSTAB = (
    "metric", "period", "group", "n", "n_eff", "value", "low", "high", "share", "n_rest", "difference",
    "difference_low", "difference_high", *_TEST, *_WORDS, "difference_method", "difference_note", "n_judged", *_LIMITS,
)  # fmt: skip
SUMMARY = ("report", "part")
COLUMNS = frozenset({
    *ESTIMATES, *COMPARISONS, *TARGETS, *PEERS, *ALIKE, *WHY, *WATCH, *LEVEL, *LEAGUE, *CURVES, *DISTRIBUTION,
    *CROSSTAB, *SUMMARY, *MARGINS, *FLOWS, *STANDARDISED, *WEAKEST, *WEIGHTED,
})  # fmt: skip
"""What a column of a frame may be called that is no dimension."""
SIDES = {"now": "now: ", "before": "before: ", "level": "", "rest": "the rest: "}
"""What `reason_side` says beside "both", and how a note begins that is about this side."""

OF_REST = {"change": "difference", **{f"{name}_before": f"{name}_rest" for name in ("n", "n_eff", "n_judged", "value")}}
"""What a column of comparisons is called in contrasts, in which the rest stands for the period before."""
OF_RESULT = {name: f"difference_{name}" for name in ("low", "high", "method", "note")}
"""What a column of contrasts is called beside the scores, which have these, too."""


# Reasons --------------------------------------------------------------------------------------------------------------


class Reason(NamedTuple):
    """Why a number is absent, no verdict is given, or an interval is only a bound.

    Attributes:
        kind: What a reader is told in short: "hidden", "protecting" (hidden for another group's sake), "empty" (nobody
            answered), "few" (too few answers), "little" (answers worth too little), or "" where the number is there.
        words: What the note says; limits and counts are filled in.
    """

    kind: str
    words: str


REASONS = {
    "few people": Reason("hidden", "fewer than {hide_below:g} people answered"),
    "given away": Reason("protecting", "it would give a smaller group away"),
    "left out": Reason("hidden", "only places that the total leaves out have answers"),
    "no answers": Reason("empty", "no answers"),
    "few answers": Reason("few", "fewer than {judge_from:g} effective answers on one side"),
    "few in all": Reason("few", "fewer than {judge_from:g} effective answers"),
    "few clusters": Reason("little", "answers from {clusters:.0f} clusters, and {judge_clusters} are needed"),
    "one cluster": Reason("little", "all answers come from one cluster"),
    "worth little": Reason("little", "{n:,.0f} count as {base:.0f} because of {causes}, and {judge_from:g} are "
                           "needed"),
    "one answer": Reason("little", "one answer"),
    "lonely stratum": Reason("little", "a stratum has one cluster in the whole wave (lonely: refuse)"),
    "unknown spread": Reason("little", "too few clusters to know how they vary"),
    "not ended": Reason("little", "too few have ended to tell the value"),
    "immature": Reason("little", "not watched for so long yet"),
    "few ends": Reason("few", "fewer than {least:g} left on one side"),
    "few beyond": Reason("little", "too few answers that differ"),
    "all the same": Reason("", "every answer was the same"),
    "no part": Reason("little", "left out of the total"),
    "no margin": Reason("little", "no other cell tells of its row or column"),
    "no sum": Reason("little", "a quantile is no sum of its parts"),
    "no total": Reason("little", "the total is not known in both periods"),
    "joint": Reason("", "one of many parts: not judged by itself"),
    "no spread": Reason("little", "every answer to a question was the same, or some determine another"),
    "other codes": Reason("little", "the codes of {dimension} do not match: {found}"),
}  # fmt: skip
"""The codes that stand in `reason`."""


class Remark(NamedTuple):
    """Something odd about a column as a whole.

    Attributes:
        weight: "stop" (a number would be wrong: nothing is published unless the mapping accepts it), "look" (a person
            has to look), or "record" (it is told, and nothing has to be done).
        words: What is said; `much` is how many of how many, `found` and `more` are facts of the data.
    """

    weight: str
    words: str


REMARKS = {
    "rows lost": Remark("stop", "{much} rows are refused"),
    "answers lost": Remark("stop", "{much} {rows} are refused against the mapping"),
    "lost in a period": Remark("stop", "{much} {rows} of {found} are refused against the mapping"),
    "nothing used": Remark("stop", "no answer is used: {much} are blank, declared missing or refused"),
    "scale changed": Remark("stop", "the scale changes: {found} every answer lies within {more}"),
    "scale differs": Remark("stop", "the scale is another one for {place}: every answer lies within {more}"),
    "level is a total": Remark("stop", "{place} holds as much as all others together, and would count them twice"),
    "nothing joined": Remark("stop", "no response finds a row of this table by its key"),
    "ids repeat": Remark("look", "{much} rows repeat the id of another response, with other answers"),
    "keys repeat": Remark("look", "{much} rows share their key with another row, and are joined to no response"),
    "keys not found": Remark("look", "{much} responses with a key find no row of this table"),
    "rows blank": Remark("look", "{much} rows have no time or wave"),
    "lost in a place": Remark("look", "{much} {rows} of {place} are refused against the mapping"),
    "none now": Remark("look", "no answer is used in {found}, and there are some in other periods"),
    "scale may change": Remark("look", "{found} every answer lies within {more}: is the scale still the same?"),
    "scale may differ": Remark("look", "for {place} every answer lies within {more}: is it the same scale?"),
    "end not reached": Remark("look", "nobody says {found}, and many say {more}: does the scale end there?"),
    "runs against": Remark("look", "runs against the other questions (correlation {more}): is it `reversed`?"),
    "one respondent": Remark("look", "one respondent gave {much} responses: does that id stand for nobody?"),
    "ids alike": Remark("look", "{much} ids are written in several ways, which differ by capitals or `.0` only"),
    "levels alike": Remark("look", "levels that look alike are told apart: {found}; `labels` make them one"),
    "stands for nothing": Remark("look", "a level that stands for nothing: {found}"),
    "rows repeat": Remark("look", "{much} rows repeat another in every mapped column: do files overlap?"),
}
"""The codes of remarks, the heaviest first; `accept` of a mapping names them."""
WEIGHTS = {"stop": "stop", "look": "look at", "record": "for the record"}


LOSSES = ("rows lost", "answers lost", "lost in a period", "lost in a place", "nothing used")
"""Those that a share accepts."""
QUOTES = ("answers lost", "lost in a period", "nothing used", "ids alike")
"""Those whose facts can quote what somebody wrote: for whoever holds the data."""


def remarked(remark: Mapping[str, Any]) -> str:
    """A remark in words.

    Args:
        remark: A row with code, about, n, of, share (in percent), cut and level (of a place), found and more (facts of
            the data), and what its rows are, if not answers; what may not be told is missing or blank.

    >>> facts = {"code": "answers lost", "about": "nps", "cut": "", "level": "", "found": "outside 0-10: 11: 300"}
    >>> remarked(facts | {"n": 300, "of": 600, "share": 50.0, "more": ""})
    'nps: 300 of 600 (50%) answers are refused against the mapping: outside 0-10: 11: 300'
    """
    words, found, more = REMARKS[remark["code"]].words, remark["found"], remark["more"]
    n, of, share = remark["n"], remark["of"], remark["share"]
    percent = "" if share is None else f"{share:.{int(share < 10)}f}%"
    much = percent or "some" if None in (n, of) else f"{n:,} of {of:,} ({percent})"
    place = f"{remark['cut']} {remark['level']}"
    facts = {"much": much, "place": place, "rows": remark.get("rows") or "answers"}
    said = words.format(found=found or "some part", more=more or "a part of the scale", **facts)
    said += f": {found}" if found and "{found}" not in words else ""
    said += f"; write `{more}` under items.{remark['about']}" if more and "{more}" not in words else ""
    return f"{remark['about']}: {said}"


def accepting(remark: Mapping[str, Any]) -> str:
    """What accepts a remark, to be written in the mapping.

    >>> accepting({"code": "rows lost", "about": "rows", "share": 33.4})
    'accept: {rows: 0.34}'
    """
    value = f"{math.ceil(remark['share']) / 100:g}" if remark["code"] in LOSSES else remark["code"]
    return f"accept: {{{remark['about']}: {value}}}"


def kind_of(code: str | None) -> str:
    """What a reader is told in short; blank where there is no reason.

    >>> kind_of("few people"), kind_of("")
    ('hidden', '')
    """
    return REASONS[code].kind if code else ""


def is_hidden(code: str | None) -> bool:
    """Whether a number may not be shown."""
    return kind_of(code) in ("hidden", "protecting")


def why(code: str, **facts: Any) -> str:
    """A reason in words.

    >>> why("few people", hide_below=10), why("")
    ('fewer than 10 people answered', '')
    """
    return REASONS[code].words.format(**facts) if code else ""


def worded(code: str, **facts: Any) -> str:
    """A reason as it stands in a note.

    >>> worded("few people", hide_below=10), worded("no answers"), worded("")
    ('hidden: fewer than 10 people answered', 'no answers', '')
    """
    return f"{'hidden: ' * is_hidden(code)}{why(code, **facts)}"
