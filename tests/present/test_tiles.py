from __future__ import annotations

import pandas as pd
from present_made import SCRIPT, Reader, comparison, estimate

from cxkit.metrics import METRICS
from cxkit.present.tiles import bar, tiles, whole_scale

NPS = METRICS["nps"]


def test_a_tile_has_value_interval_base_method_and_verdict(headline, headline_changes, metrics):
    text = Reader(tiles(headline, headline_changes, metrics)).text
    for words in ("42.3 points", "Band: good", "95% interval 35.0 to 49.3", "n 412 (effective 371)", "score",
                  "▲ Increased", "+8.1 points",
                  "adjusted p = .021", "– No evidence of change",
                  "could have been detected",
                  "○ Too few answers to say"):  # fmt: skip
        assert words in text


def test_a_tile_without_value_says_why():
    frame = pd.DataFrame([estimate("nps", "2026-10", None, None), estimate("csat", "2026-10", 0, None)])
    text = Reader(tiles(frame, None, {"nps": NPS, "csat": METRICS["csat"]})).text
    assert "Hidden" in text
    assert "fewer than 10 people answered" in text
    assert "No answers" in text


def test_a_small_base_is_grey():
    assert "cx-tile cx-grey" in tiles(pd.DataFrame([estimate("nps", "2026-10", 22.0, 10.0)]), None, {"nps": NPS})


def test_the_bar_draws_what_the_words_say():
    row = {"value": 50.0, "low": 0.0, "high": 100.0}
    drawn = bar(row, (-100.0, 100.0))
    assert 'cx="149' in drawn
    assert 'x="100.0" y="6" width="98.0"' in drawn
    assert bar({"value": 5.0, "low": None, "high": None}, (1.0, 7.0)).count("<rect") == 1


def test_durations_have_a_scale_that_holds_them():
    start, end = whole_scale({"value": 40.0, "high": 90.0}, METRICS["wait_time"])
    assert start == 0
    assert 90 < end < 130


def test_a_hostile_period_is_text():
    moves = pd.DataFrame([comparison("nps", 3.0, 9.0, "no evidence", before=SCRIPT)])
    made = tiles(pd.DataFrame([estimate("nps", "2026-10", 99.0, 10.0)]), moves, {"nps": NPS})
    assert "<script" not in made
    assert SCRIPT in Reader(made).text


def test_nothing_measured_is_said():
    assert "Nothing was measured" in tiles(pd.DataFrame([estimate("nps", "1", 1, 1.0)])[:0], None, {"nps": NPS})
