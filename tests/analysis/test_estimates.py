"""Estimates of tallies: properties that hold for any survey, and the words beside what cannot be computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import CxError
from cxkit.metrics import METRICS
from cxkit.show import score_distribution

NUMBERS = ["n", "n_eff", "value", "low", "high"]
FEW = settings(max_examples=3, suppress_health_check=list(HealthCheck))  # each example is many queries
ANSWERS = st.lists(st.integers(0, 10), min_size=1, max_size=60)
WEIGHTS = st.lists(st.floats(0.0625, 128, width=32), min_size=60, max_size=60)
WEIGHTED = {"wave": "wave", "weight": "weight", "cluster": "cluster"}


@st.composite
def surveys(draw: st.DrawFn) -> pd.DataFrame:
    """A few dozen answers of two waves, three brands and some clusters, with weights."""
    size = draw(st.integers(8, 50))
    column = lambda values: draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))  # noqa: E731
    return pd.DataFrame(
        {
            "wave": column(["1", "2"]),
            "brand": column(["A", "B", None]),
            "cluster": column([*"uvwxyz", None]),
            "weight": column([0.25, 1.0, 1.7, 3.3]),
            "nps": column([*range(11), None]),
            "csat": column([1, 2, 3, 4, 5, None]),
        }
    )


def tally(frame: pd.DataFrame, *metrics: str, **columns: str) -> cx.Tallies:
    mapping = {
        "kind": "transactional",
        "items": {"nps": "nps", "csat": "csat"},
        "columns": columns,
        "dimensions": {"brand": {"column": "brand", "values": ["A", "B", "C"]}},
    }
    return cx.tally(cx.read(frame, mapping), metrics or ["nps", "csat", "csat_mean"], by=["brand"], period="wave")


def equal(a: pd.DataFrame, b: pd.DataFrame, columns: list[str] = NUMBERS) -> None:
    for column in columns:
        first, second = (frame[column].astype("float64").to_numpy() for frame in (a, b))
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-9, err_msg=column)


# Through the product --------------------------------------------------------------------------------------------------


@FEW
@given(surveys())
def test_what_holds_for_every_survey(frame) -> None:
    tallies = tally(frame, **WEIGHTED)
    if not tallies.periods:
        return
    found = cx.estimate(tallies)
    wide, narrow = cx.estimate(tallies, 0.99), cx.estimate(tallies, 0.8)
    bases = found[found["brand"].notna()].groupby(["metric", "period"])["n"].sum()
    whole = found[found["brand"].isna()].set_index(["metric", "period"])["n"]
    assert bases.sort_index().tolist() == whole.sort_index().tolist()  # n is the sum over cells
    assert found["brand"].dropna().unique().tolist()[:3] == ["A", "B", "C"]  # declared cells are rows
    shown = found["low"].notna()
    rounding = 1e-9 * found["value"].abs() + 1e-9
    assert (found["low"] <= found["value"] + rounding)[shown].all()
    assert (found["value"] <= found["high"] + rounding)[shown].all()
    assert (wide["high"] - wide["low"] >= narrow["high"] - narrow["low"] - 1e-9)[shown].all()
    for metric, rows in found[shown].groupby("metric"):
        assert rows["low"].min() >= METRICS[metric].ends[0]
        assert rows["high"].max() <= METRICS[metric].ends[1]
    assert (found["n_eff"] <= found["n"] + 1e-9)[found["n_eff"].notna()].all()
    assert (found["note"] != "")[found["value"].isna() | found["low"].isna()].all()  # what is absent says why


@FEW
@given(surveys(), st.sampled_from([0.001, 7.0, 1e4]))
def test_weights_times_a_constant_change_nothing(frame, constant) -> None:
    scaled = frame.assign(weight=frame["weight"] * constant)
    equal(cx.estimate(tally(frame, "csat_mean", **WEIGHTED)), cx.estimate(tally(scaled, "csat_mean", **WEIGHTED)))


@settings(FEW, max_examples=2)
@given(surveys())
def test_a_design_of_nothing_is_no_design(frame) -> None:
    def estimated(frame: pd.DataFrame, **columns: str) -> pd.DataFrame:
        return cx.estimate(tally(frame, "nps", wave="wave", **columns))

    def everybody(found: pd.DataFrame) -> pd.DataFrame:
        return found[found["brand"].isna()].reset_index(drop=True)

    plain = estimated(frame)
    equal(plain, estimated(frame.assign(weight=2.5), weight="weight"))
    equal(plain, estimated(frame.assign(cluster=np.arange(len(frame)).astype(str)), cluster="cluster"))
    # A segment of a sample is a domain, whose other answers count as zeros; everybody is the sample itself.
    weighted, several = everybody(estimated(frame, weight="weight")), frame.assign(cluster="", h="all")
    equal(weighted, everybody(estimated(several, weight="weight", cluster="cluster")))
    equal(weighted, everybody(estimated(several, weight="weight", stratum="h")))


# On lists -------------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(ANSWERS, WEIGHTS)
def test_swapping_promoters_and_detractors_negates(answers, weights) -> None:
    swapped = [{-1: 10, 0: 7, 1: 0}[(a >= 9) - (a <= 6)] for a in answers]
    for given_weights in (None, weights[: len(answers)]):
        one, other = (cx.nps(side, weights=given_weights) for side in (answers, swapped))
        assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low), abs=1e-9)


@settings(max_examples=25)
@given(ANSWERS, WEIGHTS)
def test_lists_agree_with_what_weights_and_clusters_mean(answers, weights) -> None:
    w = weights[: len(answers)]
    fields = ("value", "low", "high", "n", "n_eff")
    plain = [getattr(cx.nps(answers), field) for field in fields]
    assert [getattr(cx.nps(answers, weights=[3] * len(answers)), f) for f in fields] == pytest.approx(plain, rel=1e-9)
    assert [getattr(cx.nps(answers, clusters=range(len(answers))), f) for f in fields] == pytest.approx(plain, rel=1e-9)
    weighted = [getattr(cx.nps(answers, weights=w), f) for f in fields]
    single = [getattr(cx.nps(answers, weights=w, clusters=[None] * len(answers)), f) for f in fields]
    assert single == pytest.approx(weighted, rel=1e-9, nan_ok=True)


# Words ----------------------------------------------------------------------------------------------------------------


def one(frame: dict[str, Any], metric: str = "csat_mean") -> pd.Series:
    survey = cx.read(pd.DataFrame({"wave": "a", **frame}))
    return cx.estimate(cx.tally(survey, [metric], period="wave"), metrics=[metric]).iloc[0]


@pytest.mark.parametrize(
    ("frame", "metric", "note"),
    [
        ({"csat": [4]}, "csat_mean", "no interval: one answer"),
        ({"csat": [4] * 9}, "csat_mean", "every answer was the same"),
        ({"csat": [5, 5, 5, 4]}, "csat_mean", "interval cut at the end of the scale"),
        ({"csat": [1, 1, 1, 2]}, "csat_mean", "interval cut at the end of the scale"),
        ({"csat": [2, 3, 4] * 9}, "csat_mean", ""),
        ({"csat": [4] * 9}, "csat", ""),
        ({"nps": [9, 3] * 9, "cluster": "one"}, "nps", "no interval: all answers come from one cluster"),
        (
            {
                "nps": [9, 3] * 9,
                "cluster": ["a", "b", "c"] * 6,
                "stratum": ["x", "y", "y"] * 6,
            },  # of one cluster: centred
            "nps",
            "",
        ),
    ],
)
def test_a_number_that_is_absent_or_cut_says_why(frame, metric, note) -> None:
    found = one(frame, metric)
    assert found["note"] == note
    assert bool(np.isnan(found["low"])) == note.startswith("no interval")
    assert not np.isnan(found["value"])


def test_a_method_is_named_and_never_switched() -> None:
    frame = pd.DataFrame({"wave": "a", "nps": [3] * 20 + [7] * 30 + [9] * 50})
    tallies = cx.tally(cx.read(frame), ["nps"], period="wave")
    # statistics.md, "Computed, points": 20,30,50
    for method, words, low, high in (
        ("score", "score interval", 13.9551, 44.3393),
        ("adjusted_wald", "adjusted Wald interval", 14.0511, 44.2013),
        ("wald", "Wald interval", 14.6922, 45.3078),
    ):
        row = cx.estimate(tallies, method=method).iloc[0]
        assert row["method"] == words
        assert (row["low"], row["high"]) == pytest.approx((low, high), abs=5e-5)
    with pytest.raises(CxError, match="method: 'wlad' is unknown for NPS; did you mean 'wald'"):
        cx.estimate(tallies, method="wlad")
    with pytest.raises(CxError, match="knows only score"):
        cx.estimate(
            cx.tally(cx.read(frame.rename(columns={"nps": "csat"}).query("csat < 6")), ["csat"], period="wave"),
            method="wald",
        )


FRAME = pd.DataFrame(
    {"wave": ["1", "2"] * 20, "nps": [9, 3] * 20, "brand": ["A", "A", "B", "B"] * 10, "channel": "web"}
)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": ["brnad"]}, "'brnad' is no dimension of these tallies; did you mean 'brand'?"),
        ({"where": {"brand": "Bb"}}, "where: 'Bb' is no brand of these tallies; did you mean 'B'?"),
        ({"periods": ["c"]}, "'c' is no period of these tallies; they hold 1 to 2"),
        ({"metrics": ["nsp"]}, "metrics: 'nsp' was not tallied; did you mean 'nps'?"),
        ({"metrics": []}, "metrics: name at least one"),
        ({"where": {"channel": "web"}}, "the level channel was not tallied"),
        ({"by": ["brand", "channel"]}, "the level brand × channel was not tallied"),
    ],
)
def test_what_was_not_declared_is_refused_in_words(options, words) -> None:
    tallies = cx.tally(cx.read(FRAME), ["nps"], by=["brand", "channel"], levels=[(), ["brand"]], period="wave")
    with pytest.raises(CxError) as error:
        cx.estimate(tallies, **options)
    assert words in str(error.value)
    if "periods" not in options:
        with pytest.raises(CxError):
            cx.compare(tallies, "2", "1", **options)


def test_places_and_levels() -> None:
    tallies = cx.tally(cx.read(FRAME), ["nps"], by=["brand", "channel"], period="wave")
    everything = cx.estimate(tallies)
    limits = ["n_judged", "hide_below", "judge_from"]
    named = ["metric", "period", "brand", "channel", *NUMBERS, "level", "method", "note", "reason", *limits]
    assert list(everything.columns) == named
    assert len(everything) == 2 * (1 + 2 + 1 + 2)
    here = cx.estimate(tallies, where={"brand": "A"}, by=())
    assert here[["period", "brand", "n"]].to_numpy().tolist() == [["1", "A", 10], ["2", "A", 10]]
    equal(here, cx.at(everything[everything["channel"].isna()], {"brand": "A"}))
    several = cx.estimate(tallies, by=[("brand",), ("channel",)], periods=["2"])
    assert several["brand"].fillna("all").tolist() == ["A", "B", "all"]
    with pytest.raises(CxError, match="'brnad' is no column of this frame"):
        cx.at(everything, {"brnad": "A"})


def test_a_distribution_is_the_answers_with_their_weighted_shares() -> None:
    frame = pd.DataFrame({"wave": "a", "nps": [10, 10, 7, 0], "weight": [1.0, 2.0, 4.0, 1.0]})
    tallies = cx.tally(cx.read(frame), ["nps"], period="wave")
    found = cx.distribution(tallies, "nps")
    assert found["answer"].tolist() == list(range(11))
    assert found["n"].tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2]
    assert found["share"].tolist() == [12.5, 0, 0, 0, 0, 0, 0, 50, 0, 0, 37.5]
    assert found["group"].unique().tolist() == ["Detractors (0-6)", "Passives (7-8)", "Promoters (9-10)"]


def test_durations_that_had_not_ended_are_a_class_of_their_own() -> None:
    frame = pd.DataFrame({"wave": "1", "from": "2026-10-01 08:00", "to": ["2026-10-01 09:00"] * 6 + [None] * 2})
    frame.loc[:1, "to"] = "2026-10-01 10:00"
    clocks = {"from": "from", "to": "to", "open_until": "2026-10-01 10:00"}
    mapping = {"kind": "transactional", "columns": {"wave": "wave"}, "items": {"full_resolution": clocks}}
    found = cx.distribution(cx.tally(cx.read(frame, mapping), ["full_resolution"], period="wave"), "full_resolution")
    assert found[["answer", "group", "n", "share"]].to_numpy().tolist() == [
        [60.0, "ended", 4, 50.0],
        [120.0, "ended", 2, 25.0],  # the two that were seen for as long had not ended
        [np.inf, "not ended", 2, 25.0],
    ]
    made = score_distribution(found, METRICS["full_resolution"])
    assert "not ended 25%" in made


def test_a_misspelt_use_is_refused_and_never_drops_the_design() -> None:
    frame = pd.DataFrame({"wave": "a", "nps": [9, 3] * 20, "cluster": [str(i % 8) for i in range(40)]})
    tallies = cx.tally(cx.read(frame), ["nps"], period="wave")
    with pytest.raises(cx.CxError, match="did you mean 'full'"):
        cx.estimate(tallies, use="Full")  # type: ignore[arg-type]
