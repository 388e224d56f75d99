from __future__ import annotations

import pandas as pd
import pytest
from present_made import SCRIPT, Words, cells, comparison, distribution, estimate

from cxkit.metrics import METRICS
from cxkit.show.board import board, headline, spark

NPS = METRICS["nps"]
ONE = {"nps": NPS}
MOVED = {"value": 3.0, "value_before": 35.0, "now": "2026-10", "before": "2026-09", "n": 541.0, "n_before": 542.0}


def changed(**rest: object) -> pd.DataFrame:
    return pd.DataFrame([comparison("nps", -32.0, 10.0, "changed", **{**MOVED, **rest})])


def words(made: str) -> str:
    return " ".join(Words(made).text.split())


def test_the_sentence_says_from_what_to_what_and_on_how_many():
    text = words(headline(changed(), ONE))
    assert text.startswith("▼ NPS fell from 35 to 3.")
    assert "541 answers (542 in 2026-09)" in text
    assert "Likely size of the change: −42 to −22 (95%)" in text


def test_without_a_change_it_says_so_and_what_could_have_been_missed():
    row = comparison("nps", 2.0, 9.0, "no evidence", **{**MOVED, "value": 37.0})
    text = words(headline(pd.DataFrame([row]), ONE))
    assert "NPS is 37.0, after 35.0 in 2026-09: no evidence of change" in text
    assert "could have been detected" in text
    assert "fell" not in text
    assert "rose" not in text


def test_the_target_and_the_watch_are_clauses():
    target = pd.DataFrame([{"metric": "nps", "target": 30.0, "verdict": "below"}])
    since = {"metric": "nps", "period": "2026-10", "since": "2026-07", "direction": "lower"}
    text = words(headline(changed(), ONE, targets=target, watched=pd.DataFrame([since])))
    assert "NPS fell from 35 to 3; seen over all periods it has been lower since about 2026-07 than before." in text
    assert "It is below the target of 30." in text
    again = words(headline(changed(), ONE, watched=pd.DataFrame([{**since, "since": "2026-10"}])))
    assert "since about" not in again  # the change itself says it


def test_shares_of_classes_are_told_where_the_score_moved():
    answers = pd.DataFrame([
        *distribution(NPS, "2026-09", 100, [0.02] * 5 + [0.05, 0.05, 0.2, 0.2, 0.2, 0.2]),
        *distribution(NPS, "2026-10", 100, [0.05] * 5 + [0.05, 0.05, 0.2, 0.2, 0.15, 0.1]),
    ])  # fmt: skip
    text = words(headline(changed(), ONE, answers=answers))
    assert "Detractors (0-6) from 20% to 35%" in text
    assert "from 40% to 25%" in text


def test_others_are_named_together_where_nothing_moved():
    both = pd.concat([changed(), pd.DataFrame([comparison(name, 0.1, 3.0, "no evidence") for name in ("csat", "ces")])])
    assert "No evidence of change in CSAT and CES." in words(headline(both, METRICS))


def test_nothing_shown_is_said_instead():
    hidden = comparison("nps", None, 0.0, "too few", n=None, n_before=None, reason="few people")
    assert "Nothing can be shown" in headline(pd.DataFrame([hidden]), ONE)


def months(values: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame(
        [estimate("nps", f"2026-{i + 1:02d}", 541.0 if v is not None else 0.0, v) for i, v in enumerate(values)]
    )


def test_a_line_has_score_interval_base_before_change_target_and_total():
    whole = pd.DataFrame([estimate("nps", "2026-10", 4000.0, 26.0)])
    target = pd.DataFrame([{"metric": "nps", "target": 30.0, "verdict": "below"}])
    series = months([30.0, None, 34.0, 35.0, 36.0, 33.0, 34.0, 35.0, 35.0, 3.0])
    table = cells(board(series, changed(), ONE, "2026-10", whole=whole, targets=target))
    assert table[0] == ["Metric", "Score", "10 periods", "2026-09", "Change", "Target", "All"]
    assert table[1][0] == "NPS"
    assert table[1][1].startswith("3.0 ")
    assert "n 541" in table[1][1]
    assert table[1][3:] == ["35", "▼ decreased −32 (−42 to −22)", "30 below", "26.0"]


def test_a_line_without_value_says_why():
    frame = pd.DataFrame([estimate("nps", "2026-10", None, None), estimate("csat", "2026-10", 0, None)])
    table = cells(board(frame, None, {"nps": NPS, "csat": METRICS["csat"]}, "2026-10"))
    assert table[0] == ["Metric", "Score"]
    assert [row[1] for row in table[1:]] == ["hidden fewer than 10 people answered", "no answers"]


def test_what_could_have_been_missed_stands_beside_no_evidence():
    row = comparison("nps", 2.0, 9.0, "no evidence", **MOVED)
    assert "could be missed" in cells(board(months([3.0]), pd.DataFrame([row]), ONE, "2026-01"))[1][3]


def test_a_hostile_period_is_text():
    made = board(months([3.0, 4.0]), changed(before=SCRIPT), ONE, "2026-02")
    assert "<script" not in made
    assert SCRIPT in Words(made).text
    assert "<script" not in headline(changed(before=SCRIPT), ONE)


@pytest.mark.parametrize(("values", "paths"), [([1.0, 2.0, 3.0], 1), ([1.0, None, 3.0], 2), ([None, None, 3.0], 1)])
def test_a_small_line_has_a_gap_where_nothing_is_known(values, paths):
    drawn = spark(months(values).to_dict("records") if None not in values else [
        {"period": str(i), "value": v} for i, v in enumerate(values)])  # fmt: skip
    way = drawn.split('class="cx-way"')[0].rsplit('d="', 1)[1]
    assert way.count("M") == paths
    assert 'class="cx-end"' in drawn


def test_a_small_line_of_nothing_is_nothing():
    assert spark([{"period": "1", "value": None}]) == ""
    assert 'class="cx-aimed"' in spark([{"period": "1", "value": 3.0}, {"period": "2", "value": 4.0}], aim=30.0)


def test_nothing_measured_is_said():
    assert "Nothing was measured" in board(months([3.0])[:0], None, ONE, "1")
