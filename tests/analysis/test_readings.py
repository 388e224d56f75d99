"""The same answers read several ways."""

from __future__ import annotations

import numpy as np
import pandas as pd

import cxkit as cx


def survey(**columns):
    """Two waves of 60 answers."""
    generator = np.random.default_rng(5)
    frame = pd.DataFrame({"wave": ["1"] * 60 + ["2"] * 60, "nps": generator.integers(0, 11, 120), **columns})
    return cx.tally(cx.read(frame), ["nps"], period="wave")


def test_plain_answers_can_be_read_in_one_way_only():
    assert list(cx.readings(survey(), "2", "1").comparisons["reading"]) == ["plain answers"]


def test_the_last_reading_is_the_result_and_the_first_ignores_the_design():
    weights, clusters = np.tile([1.0, 3.0], 60), np.repeat(np.arange(40), 3).astype(str)
    designed = survey(weight=weights, cluster=clusters)
    found = cx.readings(designed, "2", "1")
    assert list(found.comparisons["reading"]) == ["plain answers", "with weights", "with weights and clusters"]
    result = cx.compare(designed, "2", "1", by=())
    assert found.comparisons["low"].iloc[-1] == result["low"].item()
    plain = cx.compare(survey(), "2", "1", by=())
    assert found.comparisons["pvalue"].iloc[0] == plain["pvalue"].item()
    assert (found.estimates["n"] == 60).all()


def test_the_last_reading_knows_who_answered_in_both_periods_also_where_no_period_has_clusters():
    scores = np.random.default_rng(6).integers(0, 11, 60)
    frame = pd.DataFrame(
        {"wave": ["1"] * 60 + ["2"] * 60, "who": [*range(60)] * 2, "nps": [*scores, *scores[:50], *[3] * 10]}
    )
    asked = {"kind": "relationship", "items": {"nps": "nps"}}
    panel, strangers = (
        cx.tally(cx.read(frame, {**asked, "columns": {"wave": "wave", **who}}), ["nps"], period="wave")
        for who in ({"respondent": "who"}, {})
    )
    assert panel.sums.empty
    found = cx.readings(panel, "2", "1").comparisons
    assert list(found["reading"]) == ["plain answers", "with shared respondents"]
    ends = ["change", "low", "high", "pvalue", "method"]
    told, plain = (cx.compare(tallies, "2", "1", by=())[ends].iloc[0].tolist() for tallies in (panel, strangers))
    assert found[ends].iloc[-1].tolist() == told
    assert found[ends].iloc[0].tolist() == plain != told
