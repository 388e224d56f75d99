from __future__ import annotations

from dataclasses import replace

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


def test_a_base_is_called_what_its_rows_are():
    tickets = {name: replace(metric, counted="tickets") for name, metric in ONE.items()}
    assert "541 tickets (542 in 2026-09)" in words(headline(changed(), tickets))


def test_without_a_change_it_says_so_and_what_could_have_been_missed():
    row = comparison("nps", 2.0, 9.0, "no evidence", **{**MOVED, "value": 37.0})
    text = words(headline(pd.DataFrame([row]), ONE))
    assert "NPS is 37.0, after 35.0 in 2026-09: no evidence of change" in text
    assert "could be missed" in text
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
    assert "Watched since" not in again
    back = pd.DataFrame([{**since, "direction": "back"}])
    assert "back where it was" not in words(headline(changed(), ONE, watched=back))  # a new fall, from there
    quiet = [{"metric": "nps", "period": period, "direction": "", "evidence": evidence}
             for period, evidence in (("2026-08", None), ("2026-09", 0.8), ("2026-10", 1.3))]  # fmt: skip
    still = pd.DataFrame([comparison("nps", 2.0, 9.0, "no evidence", **{**MOVED, "value": 37.0})])
    told = words(headline(still, ONE, watched=back))
    assert "seen over all periods it has been back where it was since about 2026-07." in told
    said = "Watched since 2026-09: no lasting change is shown."
    assert said in words(headline(still, ONE, watched=pd.DataFrame(quiet)))
    assert "Watched since" not in words(headline(changed(), ONE, watched=pd.DataFrame(quiet)))  # too early to say
    assert "Watched since" not in words(headline(still, ONE, watched=pd.DataFrame(quiet[:2])))  # hidden now
    before = [{**one, "period": f"2025-{one['period'][5:]}", "signal": one["period"] == "2026-10"} for one in quiet]
    assert said in words(headline(still, ONE, watched=pd.DataFrame([*before, *quiet])))  # an old change is not denied


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
    assert table[0] == ["Metric", "Score", "10 periods", "2026-09", "Change", "Target", "Everybody"]
    assert table[1][0] == "NPS"
    assert table[1][1].startswith("3.0 ")
    assert "n 541" in table[1][1]
    assert table[1][3:] == ["35", "▼ decreased −32 (−42 to −22)", "30 below", "26.0"]


def test_what_the_watch_cannot_know_is_folded_below_the_table():
    watched = pd.DataFrame(
        [{"metric": "nps", "period": "2026-02", "direction": "", "note": "a yearly pattern", "evidence": 1.0}]
    )
    made = board(months([3.0, 4.0]), None, ONE, "2026-02", watched=watched)
    assert "Watch: a yearly pattern." in made
    assert "Watch" not in board(months([3.0, 4.0]), None, ONE, "2026-02", watched=watched.assign(evidence=None))


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


def elsewhere(*others: tuple[str, str, str]) -> pd.DataFrame:
    told = [(brand, metric, direction, f"{brand.lower()}.html") for brand, metric, direction in others]
    return pd.DataFrame(told, columns=["brand", "metric", "direction", "file"])


def test_a_place_that_moved_alone_is_said_to_be_the_only_one():
    target = pd.DataFrame([{"metric": "nps", "target": 30.0, "verdict": "below"}])
    text = words(headline(changed(), ONE, targets=target, moved=elsewhere()))
    assert text.startswith(
        "▼ NPS fell from 35 to 3, the only brand shown to have moved, and is below the target of 30."
    )
    assert "only" not in words(headline(changed(), ONE))  # nobody knows of others


def test_other_places_that_moved_are_named_and_led_to():
    others = elsewhere(("Acme", "nps", "lower"), ("Acme", "csat", "lower"), *((x, "nps", "higher") for x in "BCDE"))
    made = headline(changed(), METRICS, moved=others)
    assert "Also moved: Acme (NPS lower, CSAT lower), B (NPS higher), C (NPS higher) and 2 more." in words(made)
    assert '<a href="acme.html">Acme</a>' in made
    assert "only" not in words(made)
    assert "<script" not in headline(changed(), ONE, moved=elsewhere((SCRIPT, "nps", "lower")))


def still(verdict: str = "no evidence", **rest: object) -> pd.DataFrame:
    return pd.DataFrame([comparison("nps", 2.0, 9.0, verdict, **{**MOVED, "value": 37.0, **rest})])


def test_where_nothing_moved_and_no_target_is_missed_there_is_nothing_to_do():
    text = words(headline(still(), ONE, moved=elsewhere()))
    assert "Nothing to act on in these scores: no change is shown. No other brand is shown to have moved." in text
    target = pd.DataFrame([{"metric": "nps", "target": 30.0, "verdict": "above"}])
    text = words(headline(still(), ONE, targets=target, moved=elsewhere(("Acme", "nps", "lower"))))
    assert "no change is shown, and no score is shown to miss its target. Elsewhere: Acme (NPS lower)." in text


@pytest.mark.parametrize("what", ["changed", "target", "watch", "part", "few"])
def test_there_is_something_to_do_where_anything_is_off(what):
    below = pd.DataFrame([{"metric": "nps", "target": 40.0, "verdict": "below"}])
    since = pd.DataFrame([{"metric": "nps", "period": "2026-10", "since": "2026-07", "direction": "lower"}])
    part = (
        still(
            area="North", named=True, named_change=-9.0, named_low=-18.0, named_high=-2.0, alike_verdict="differently"
        )
        .iloc[0]
        .to_dict()
    )
    text = words({
        "changed": lambda: headline(pd.concat([still(), changed().assign(metric="csat")]), METRICS),
        "target": lambda: headline(still(), ONE, targets=below),
        "watch": lambda: headline(still(), ONE, watched=since),
        "part": lambda: headline(pd.DataFrame([{**still().iloc[0], "area": None}, part]), ONE),
        "few": lambda: headline(still("too few", reason="few answers"), ONE),
    }[what]())  # fmt: skip
    assert "Nothing to do" not in text
