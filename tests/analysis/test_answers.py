"""The calls for a cell in a notebook, against reference values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.comparisons import verdicts
from cxkit.errors import CxError
from cxkit.metrics import Metric


def answers(detractors: int, passives: int, promoters: int) -> list[int]:
    return [0] * detractors + [7] * passives + [9] * promoters


# statistics.md, "Computed, points": (d, a, p), NPS, Wald, adjusted Wald, score
COMPUTED = [
    ((1, 2, 3), 33.333, (-26.3065, 92.9731), (-26.7433, 71.1877), (-31.1074, 75.3957)),
    ((0, 0, 10), 100, (100, 100), (47.5036, 106.3426), (44.4934, 100)),
    ((0, 10, 0), 0, (0, 0), (-18.4650, 18.4650), (-27.7533, 27.7533)),
    ((20, 30, 50), 30, (14.6922, 45.3078), (14.0511, 44.2013), (13.9551, 44.3393)),
    ((150, 250, 600), 45, (40.4139, 49.5861), (40.2843, 49.4465), (40.2828, 49.4509)),
]


@pytest.mark.parametrize(("counts", "value", "wald", "adjusted", "score"), COMPUTED)
def test_nps_is_the_reference(counts, value, wald, adjusted, score) -> None:
    for method, limits in (("wald", wald), ("adjusted_wald", adjusted), ("score", score)):
        found = cx.nps(answers(*counts), method=method)
        assert found.value == pytest.approx(value, abs=5e-4)
        assert (found.low, found.high) == pytest.approx(limits, abs=5e-5)
        assert (found.n, found.n_eff, found.level, found.note) == (sum(counts), sum(counts), 0.95, "")


# statistics.md, "Proportions": Wilson
@pytest.mark.parametrize(
    ("yes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (13, 16, 0.5699, 0.9341),
    ],
)
def test_rate_and_csat_are_wilson(yes, n, low, high) -> None:
    rate = cx.rate([True] * yes + [False] * (n - yes))
    csat = cx.csat([4] * yes + [3] * (n - yes))
    for found in (rate, csat):
        assert (found.value, found.n, found.method) == (pytest.approx(100 * yes / n), n, "Wilson interval")
        assert (found.low, found.high) == pytest.approx((100 * low, 100 * high), abs=5e-3)


# statistics.md, "Proportions": Newcombe
@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((7, 34), (1, 34), 0.0189, 0.3404)],
)
def test_a_change_of_rates_is_newcombe(now, before, low, high) -> None:
    sides = [[1] * yes + [0] * (n - yes) for yes, n in (now, before)]
    found = cx.change("recommended", *sides)
    assert (found.low, found.high) == pytest.approx((100 * low, 100 * high), abs=5e-3)
    assert found.method == "Newcombe's hybrid score interval"


# statistics.md, "Two samples, points"
@pytest.mark.parametrize(
    ("now", "before", "change", "low", "high", "p"),
    [
        ((20, 30, 50), (30, 30, 40), 20, -2.5287, 41.7864, 0.08186),
        ((8, 13, 15), (6, 9, 16), -12.8136, -48.2718, 24.9096, 0.50474),
        ((150, 250, 600), (180, 270, 550), 8, 1.3689, 14.6046, 0.01809),
    ],
)
def test_a_change_of_nps_is_the_reference(now, before, change, low, high, p) -> None:
    found = cx.change("nps", answers(*now), answers(*before))
    assert (found.change, found.low, found.high) == pytest.approx((change, low, high), abs=5e-5)
    assert found.pvalue == pytest.approx(p, abs=5e-6)
    assert found.verdict == ("changed" if p < 0.05 else "no evidence")
    assert found.now.value - found.before.value == pytest.approx(found.change)


# statistics.md, "Panel": contingencytables fischer_1999, our default with 120 degrees of freedom
FISCHER = [[1, 0, 1, 0, 0], [0, 2, 8, 4, 4], [1, 1, 31, 14, 11], [1, 0, 15, 9, 12], [0, 0, 2, 1, 3]]
SCORES = [8.0, 3.5, 0.0, -3.5, -8.0]


def test_a_panel_is_the_reference() -> None:
    metric = Metric(
        name="score", label="Score", question="", item="score", scale=(-8, 8), values={s: s for s in SCORES},
        unit="scale", better="higher", statistic="mean",
    )  # fmt: skip
    pairs = [(SCORES[i], SCORES[j]) for i, row in enumerate(FISCHER) for j, n in enumerate(row) for _ in range(n)]
    now, before = zip(*pairs, strict=True)
    found = cx.change(metric, now, before, paired=True)
    assert (found.change, found.low, found.high) == pytest.approx((1.6942, 0.9238, 2.4647), abs=5e-5)
    assert (found.method, found.verdict, found.now.n) == ("paired t test", "changed", 121)
    with pytest.raises(CxError, match=r"Score: 1 of 1 answers .*expected -8, -3.5, 0, 3.5, 8"):
        cx.change(metric, [1], [0])


def test_ces_is_the_t_interval_of_its_scale() -> None:
    # By hand: mean 6, variance 2/3 with divisor n - 1, t_3(.975) = 3.182446, SE = sqrt(2/3)/2
    found = cx.ces([7, 6, 5, 6])
    assert (found.value, found.low) == pytest.approx((6, 6 - 3.182446 * (2 / 3) ** 0.5 / 2), abs=1e-6)
    assert (found.high, found.note) == (7, "interval cut at the end of the scale")
    effort = cx.ces([1, 2, 5], scale=(1, 5), better="lower")
    assert (effort.metric.scale, effort.metric.better) == ((1, 5), "lower")


def test_blanks_are_no_answers() -> None:
    for blanks in (
        [9, None, 3, np.nan],
        pd.array([9, None, 3, None], dtype="Int64"),
        pd.Series([9, np.nan, 3], index=[1, 1, 2]),
    ):
        assert cx.nps(blanks).n == 2
    assert cx.rate(pd.array([True, None, False], dtype="boolean")).n == 2
    assert cx.rate([True, None]).value == 100
    empty = cx.nps([])
    assert (empty.n, empty.note) == (0, "no answers")
    assert np.isnan([empty.value, empty.low, empty.high]).all()
    nothing = cx.change("nps", [9] * 40, [])
    assert (nothing.verdict, nothing.before.note) == ("too few", "no answers")
    assert np.isnan(nothing.change)


def test_top_boxes_are_declared() -> None:
    assert cx.csat([5, 4, 3, 1]).value == 50
    assert cx.csat([5, 4, 3, 1], top=(5,)).value == 25


def test_people_who_answered_once_are_left_out_of_pairs() -> None:
    found = cx.change("nps", [9, 9, None, 3, 8], [3, 8, 9, 3, None], paired=True, weights=([1, 2, 3, 4, 5], None))
    assert (found.now.n, found.before.n) == (3, 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cx.csat([5], top=(6,)), "top: expected answers 1-5, found 6"),
        (lambda: cx.ces([5], scale=(7, 1)), "scale: expected the lowest answer first"),
        (lambda: cx.ces([5], scale=(5, 5)), "scale: expected the lowest answer first"),
        (lambda: cx.duration([5], quantile=0.0), "quantile: expected a number between 0 and 1"),
        (lambda: cx.duration([5], quantile=1.0), "quantile: expected a number between 0 and 1"),
        (
            lambda: cx.duration([5, -0.1]),
            "1 of 2 answers are outside the scale, for example -0.1; expected numbers of 0",
        ),
        (lambda: cx.nps([9, 11]), "1 of 2 answers are outside the scale, for example 11; expected whole numbers 0-10"),
        (lambda: cx.nps([9, 8], weights=[1]), "weights: 1 for 2 answers"),
        *((lambda w=w: cx.nps([9, 8], weights=[1, w]), "weights: expected positive") for w in (0, -1, None, np.inf)),
        (lambda: cx.nps([9, 8], clusters=[1]), "clusters: 1 for 2 answers"),
        (lambda: cx.change("wait_time", [1], [2], paired=True), "of the same people cannot be tested"),
        (lambda: cx.ces([5], better="up"), "better: expected higher or lower, found 'up'"),
        (lambda: cx.rate(["yes"]), "for example 'yes'"),
        (lambda: cx.rate([2]), "for example 2; expected whole numbers 0-1"),
        (lambda: cx.change("npss", [9], [9]), "metric: 'npss' is unknown; did you mean 'nps'?"),
        (lambda: cx.change("nps", [9], [9, 8], paired=True), "paired: 1 answers now, 2 before"),
        (lambda: cx.change("nps", ["x"], [9], paired=True), "for example 'x'"),
        (lambda: cx.change("nps", [9], [9], paired=True, clusters=([1], None)), "leave clusters out"),
        (lambda: cx.change("nps", [9, 9], [9, 9], paired=True, weights=([1], None)), "weights: 1 for 2 answers"),
        (lambda: cx.nps([9], method="wilson"), "method: 'wilson' is unknown for NPS"),
    ],
)
def test_a_faulty_call_is_refused_in_words(call, words) -> None:
    with pytest.raises(CxError) as error:
        call()
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("given", "clusters", "note"),
    [
        ([4], None, "no interval: one answer"),
        ([4, 5], None, "interval cut at the end of the scale"),
        ([4, 4], None, "every answer was the same"),
        ([1, 1, 1, 2], None, "interval cut at the end of the scale"),
        ([7, 7, 7, 6], None, "interval cut at the end of the scale"),
        ([3, 4, 4, 5] * 20, None, ""),
        ([3, 4, 5], [1, 1, 1], "no interval: all answers come from one cluster"),
        ([3, 4, 4, 5] * 20, list(range(20)) * 4, ""),
        ([], None, "no answers"),
    ],
)
def test_a_mean_says_why_it_has_no_interval(given, clusters, note) -> None:
    found = cx.ces(given, clusters=clusters)
    assert found.note.startswith(note)
    assert bool(found.note) == bool(note)
    assert np.isnan(found.low) == note.startswith("no ")


def test_blank_clusters_are_clusters_of_their_own() -> None:
    """Against names that occur once: two blanks are two people, not one."""
    scores, known = [9, 9, 3, 8, 10, 0, 7], ["a", "a", "b", None, None, "b", None]
    alone = [name or f"alone {i}" for i, name in enumerate(known)]
    assert cx.nps(scores, clusters=known).n_eff == pytest.approx(cx.nps(scores, clusters=alone).n_eff, rel=1e-12)
    assert cx.nps(scores, clusters=known).n_eff < 7


def test_a_p_value_at_the_limit_is_no_evidence() -> None:
    assert verdicts(np.array([0.5, np.nextafter(0.5, 0), np.nan]), 0.5).tolist() == [
        "no evidence",
        "changed",
        "too few",
    ]


def test_a_result_reads_like_a_sentence() -> None:
    assert repr(cx.nps(answers(20, 30, 50))) == "NPS 30 points (95% interval 14 to 44; n 100)"
    change = repr(cx.change("nps", answers(20, 30, 50), answers(30, 30, 40)))
    assert change.splitlines()[1:] == [
        "  now NPS 30 points (95% interval 14 to 44; n 100)"[: len("  now ")] + change.splitlines()[1][len("  now ") :],
        *change.splitlines()[2:],
    ]
    assert "no evidence" in change
    few = cx.change("nps", [9] * 12, [3] * 12)
    assert (few.verdict, few.note) == ("too few", "fewer than 30 effective answers on one side")
    assert np.isnan(few.detectable)


def test_a_result_shows_itself_in_a_notebook() -> None:
    for found in (cx.nps(answers(20, 30, 50)), cx.nps([]), cx.change("nps", answers(20, 30, 50), answers(30, 30, 40))):
        html = found._repr_html_()
        assert html.startswith("<")
        assert "NPS" in html
