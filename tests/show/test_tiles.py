from __future__ import annotations

import pandas as pd
import pytest
from present_made import SCRIPT, Words, comparison, estimate

from cxkit.metrics import METRICS
from cxkit.show.tiles import bar, near_scale, tiles

NPS = METRICS["nps"]


def test_a_tile_has_value_interval_base_method_and_verdict(headline, headline_changes, metrics):
    text = Words(tiles(headline, headline_changes, metrics)).text
    for words in ("42.3 points", "Band: good", "95% interval 35.0 to 49.3", "n 412 (effective 371)", "score",
                  "▲ Increased", "+8.1 points",
                  "adjusted p = .021", "– No evidence of change",
                  "Detectable: about", "Test and bases", "95% interval −",
                  "○ Too few answers to say"):  # fmt: skip
        assert words in text


def test_a_tile_without_value_says_why():
    frame = pd.DataFrame([estimate("nps", "2026-10", None, None), estimate("csat", "2026-10", 0, None)])
    text = Words(tiles(frame, None, {"nps": NPS, "csat": METRICS["csat"]})).text
    assert "Hidden" in text
    assert "fewer than 10 people answered" in text
    assert "No answers" in text


def test_a_small_base_is_grey():
    assert "cx-tile cx-lead cx-grey" in tiles(
        pd.DataFrame([estimate("nps", "2026-10", 22.0, 10.0)]), None, {"nps": NPS}
    )


def test_the_bar_draws_what_the_words_say():
    row = {"value": 50.0, "low": 0.0, "high": 100.0}
    drawn = bar(row, (-100.0, 100.0))
    assert 'cx="149' in drawn
    assert 'x="100.0" y="6" width="98.0"' in drawn
    assert bar({"value": 5.0, "low": None, "high": None}, (1.0, 7.0)).count("<rect") == 1


@pytest.mark.parametrize(
    ("metric", "value", "low", "high"),
    [("nps", 3.4, -4.4, 11.1), ("nps", 98.0, 96.0, 99.0), ("csat", 69.7, 65.4, 73.7), ("ces", 5.19, 5.04, 5.33),
     ("wait_time", 40.0, 31.0, 90.0), ("csat", 100.0, 99.99, 100.0), ("nps", 0.0, -100.0, 100.0),
     ("ces", 4.0, None, None)],
)  # fmt: skip
def test_the_scale_of_a_bar_shows_the_interval(metric, value, low, high):
    start, end = near_scale({"value": value, "low": low, "high": high}, METRICS[metric])
    bottom, top = METRICS[metric].ends
    assert (
        bottom <= start <= (value if low is None else low) <= value <= (value if high is None else high) <= end <= top
    )
    if low is not None:
        assert (high - low) / (end - start) > 0.12 or high - low < 0.1


def test_a_hostile_period_is_text():
    moves = pd.DataFrame([comparison("nps", 3.0, 9.0, "no evidence", before=SCRIPT)])
    made = tiles(pd.DataFrame([estimate("nps", "2026-10", 99.0, 10.0)]), moves, {"nps": NPS})
    assert "<script" not in made
    assert SCRIPT in Words(made).text


def test_nothing_measured_is_said():
    assert "Nothing was measured" in tiles(pd.DataFrame([estimate("nps", "1", 1, 1.0)])[:0], None, {"nps": NPS})
