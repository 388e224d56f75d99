"""Segments against the rest, in words."""

from __future__ import annotations

import pandas as pd
import pytest

import cxkit as cx
from cxkit.metrics import METRICS
from cxkit.show import against_rest


def frame(**levels: list[int]) -> pd.DataFrame:
    answers = [(level, score) for level, scores in levels.items() for score in scores]
    data = pd.DataFrame(answers, columns=["channel", "nps"]).assign(wave="a")
    tallies = cx.tally(cx.read(data), ["nps"], by=["channel"], period="wave", rest=True)
    return cx.against_rest(tallies, "a", "channel")


def test_each_level_has_difference_interval_bases_and_verdict_in_words() -> None:
    found = frame(phone=[10] * 90 + [3] * 10, web=[10] * 50 + [3] * 50, chat=[10] * 30 + [3] * 30, shop=[10] * 5)
    made = against_rest(found, METRICS["nps"], "channel")
    assert "NPS: each channel against the rest" in made
    assert "higher than the rest" in made
    assert "lower than the rest" in made
    assert "too few answers to say <small>fewer than 30 effective answers on one side</small>" in made
    assert "100 / 165" in made
    assert "Corrected for 3 comparisons" in made
    assert "increased" not in made
    assert "change" not in made
    phone = found.set_index("channel").loc["phone"]
    assert phone["difference"] == pytest.approx(80 - 100 * 5 / 165)


def test_one_level_has_no_rest() -> None:
    made = against_rest(frame(phone=[10] * 40), METRICS["nps"], "channel")
    assert made == '<p class="cx-none">There is nothing to compare a channel with.</p>'


def test_levels_alike_show_no_evidence_of_a_difference() -> None:
    made = against_rest(frame(a=[10, 3] * 30, b=[10, 3] * 30), METRICS["nps"], "channel")
    assert made.count("no evidence of a difference") == 2


def test_hostile_levels_are_text() -> None:
    made = against_rest(frame(**{"<b>x": [10, 3] * 30, "y": [10, 3] * 30}), METRICS["nps"], "channel")
    assert "<b>" not in made
    assert "&lt;b&gt;x" in made
