from __future__ import annotations

import re

import pandas as pd
from present_made import SCRIPT, Words, comparison, segment_frames

from cxkit.metrics import METRICS
from cxkit.present import findings


def claims(markup: str) -> list[str]:
    return [Words(text).text for text in re.findall(r"<li><p>(.*?)</p>", markup)]


def whole(change: float = 9.0, verdict: str = "changed", metric: str = "nps", **rest) -> dict:
    return comparison(metric, change, 5.0, verdict, brand="Acme", area=None, **rest)


def part(area: str, change: float, verdict: str = "changed", **rest) -> dict:
    return comparison("nps", change, 6.0, verdict, brand="Acme", area=area, **rest)


def test_findings_are_at_most_five_and_what_changed_comes_first(headline_changes, metrics):
    _, parts = segment_frames([f"level {i}" for i in range(40)])
    made = findings(pd.concat([headline_changes, parts]), metrics)
    assert len(claims(made)) <= 5
    assert claims(made)[0] == "▲ NPS increased by 8.1 points against 2026-09"
    told = claims(findings(pd.DataFrame([whole(1.0, "no evidence"), part("north", -9.0)]), METRICS))
    assert told == [
        "▼ NPS, north, decreased by 9.0 points against 2026-09",
        "– NPS: no evidence of change against 2026-09",
    ]


def test_parts_of_several_dimensions_are_called_by_theirs():
    cut = [
        whole() | {"solved": None},
        part("north", 9.0) | {"solved": None},
        part("north", 9.0) | {"area": None, "solved": "ja"},
    ]
    made = findings(pd.DataFrame(cut), METRICS)
    assert claims(made)[1] == "▲ NPS increased in area north and solved ja, too (2 of 2 tested)"
    assert "That the others" not in made


def test_of_parts_alone_the_most_telling_change_comes_first():
    small, large, many = part("small", 9.0, n=40.0), part("large", 20.0, n=40.0), part("many", 20.0, n=4000.0)
    told = claims(findings(pd.DataFrame([small, large, many]), METRICS))
    assert [claim.split(", ")[1] for claim in told] == ["many", "large", "small"]


def test_parts_that_moved_with_the_whole_are_one_finding():
    areas = [part(area, 9.0) for area in "ABCDE"] + [part("F", -8.0), part("G", 1.0, "no evidence")]
    few = part("H", 0.0, "too few")
    made = findings(pd.DataFrame([whole(), *areas, few]), METRICS)
    assert claims(made) == [
        "▲ NPS increased by 9.0 points against 2026-09",
        "▲ NPS increased in A, B, C and 2 more, too (5 of 7 tested)",
        "▼ NPS, F, decreased by 8.0 points against 2026-09",
    ]
    said = Words(made).text.replace("\xa0", " ")
    assert "A +9.0 (+3.0 to +15.0; adjusted p = .021; n 412 / 398)" in said
    assert "the same answers, cut again" in said
    assert "the same answers" not in Words(findings(pd.DataFrame([whole(1.0, "no evidence"), *areas]), METRICS)).text


def test_metrics_without_a_change_share_a_sentence_that_says_what_could_have_been_detected():
    others = [whole(0.1, "no evidence", metric) for metric in ("csat", "ces")]
    made = findings(pd.DataFrame([whole(1.0, "no evidence"), *others]), METRICS)
    assert claims(made) == [
        "– NPS: no evidence of change against 2026-09",
        "– No evidence of change in CSAT and CES against 2026-09",
    ]
    assert "CSAT +0.1 pp" in Words(made).text
    assert "detectable 7.2 pp" in Words(made).text
    gone = whole(0.1, "no evidence", "cared", pvalue=0.01, pvalue_adj=0.08)
    told = claims(findings(pd.DataFrame([whole(), *others, gone]), METRICS))
    assert told[-1] == "– Felt cared for: not distinguishable from 2026-09 after correction for 8 comparisons"


def test_findings_never_claim_more_than_the_verdict(headline_changes, metrics):
    made = findings(headline_changes, metrics)
    assert claims(made) == [
        "▲ NPS increased by 8.1 points against 2026-09",
        "– CSAT: no evidence of change against 2026-09",
        "○ CES: too few answers to say",
    ]
    assert "A change of about 4.9 percentage points or more could have been detected." in made
    assert "Of 3 comparisons, 1 shows a change" in made


def test_the_first_metric_keeps_a_place_where_many_others_changed():
    others = [
        whole(9.0, "changed", metric) for metric in ("csat", "csat_mean", "ces", "cared", "recommended", "exceeded")
    ]
    told = claims(findings(pd.DataFrame([whole(1.0, "no evidence"), *others]), METRICS))
    assert len(told) == 5
    assert told[-1] == "– NPS: no evidence of change against 2026-09"


def test_what_could_have_been_detected_is_said_of_metrics_without_a_sentence():
    parts = [part(area, -9.0) for area in "ABCDE"]
    frame = pd.DataFrame([whole(1.0, "no evidence"), whole(0.1, "no evidence", "csat"), *parts])
    assert "Of the other metrics, a change of about so much could have been detected: CSAT 7.2" in findings(
        frame, METRICS
    )


def test_findings_link_to_their_figure():
    _, parts = segment_frames(list("ABCDEFGH"))
    assert 'href="#changes-nps-area"' in findings(parts, METRICS)
    assert 'href="#tile-nps"' in findings(pd.DataFrame([comparison("nps", 9.0, 5.0, "changed")]), METRICS)


def test_a_hostile_name_in_a_finding_is_text():
    moves = pd.DataFrame([comparison("nps", 9.0, 5.0, "changed", brand=name) for name in (SCRIPT, "x")])
    made = findings(moves, METRICS)
    assert "<script" not in made
    assert f"NPS, {SCRIPT}, increased" in Words(made).text
    total = comparison("nps", 9.0, 5.0, "changed", brand=None)
    made = findings(pd.concat([pd.DataFrame([total]), moves]), METRICS)
    assert "<script" not in made
    assert f"NPS increased in {SCRIPT} and x, too" in Words(made).text


def test_no_comparison_is_said():
    assert "No comparison was made" in findings(pd.DataFrame([comparison("nps", 9.0, 5.0, "changed")])[:0], METRICS)
