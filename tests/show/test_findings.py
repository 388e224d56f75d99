from __future__ import annotations

import re

import pandas as pd
from present_made import SCRIPT, Words, asked, comparison, segment_frames

from cxkit.metrics import METRICS
from cxkit.show import findings

WHY = {
    "metric": "nps", "dimension": "area", "contribution": -7.2, "low": -9.6, "high": -4.8, "others": 2.0,
    "others_low": -2.1, "others_high": 6.1, "others_pvalue": 0.33, "total_change": -5.2, "level": 0.95,
    "explains": True,
}  # fmt: skip


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
    apart = asked([part("north", -9.0), part("south", 1.0, "no evidence")], {"north": -7.0}, p=0.01)
    assert claims(findings(pd.DataFrame([whole(1.0, "no evidence"), *apart]), METRICS)) == [
        "▼ NPS changed differently by area: north −7 points",
        "– NPS: no evidence of change against 2026-09",
    ]


def test_parts_that_moved_with_the_whole_are_not_named():
    areas = [part(area, 9.0) for area in "ABCDE"] + [part("G", 1.0, "no evidence"), part("H", 0.0, "too few")]
    made = findings(pd.DataFrame([whole(), *asked(areas)]), METRICS)
    assert claims(made) == [
        "▲ NPS increased by 9.0 points against 2026-09",
        "– In all parts: no evidence that NPS changed differently by area",
    ]
    said = Words(made).text
    assert "By area: Cochran's Q 12.3 on 4 degrees of freedom, p = .40" in said
    assert "one area that alone moved under 21 points away from the others could be missed" in said
    assert ", too" not in said
    two = pd.DataFrame([whole(), *({**row, "alike_df": 1.0} for row in asked(areas[:2]))])
    assert "Cochran's Q 12.3 on 1 degree of freedom, p = .40" in Words(findings(two, METRICS)).text
    assert "Of 8 comparisons, 6 show a change; 1 shows no evidence of change; 1 has too few answers to say." in said


def test_parts_of_which_nobody_asked_are_counted_and_not_named():
    areas = [part(area, 9.0) for area in "ABCDE"]
    made = findings(pd.DataFrame([whole(), *areas]), METRICS)
    assert claims(made) == ["▲ NPS increased by 9.0 points against 2026-09"]
    assert "Of 6 comparisons, 6 show a change." in made


def test_parts_that_changed_differently_are_named_with_what_the_picking_costs():
    areas = asked(
        [part(a, -20.0) for a in "ABCD"] + [part("E", 1.0, "no evidence")], dict.fromkeys("ABCD", -18.0), 0.01
    )
    made = findings(pd.DataFrame([whole(-9.0), *areas]), METRICS)
    assert claims(made)[1] == "▼ NPS changed differently by area: A −18 points, B −18 points, C −18 points and 1 more"
    said = Words(made).text
    assert "A measured −20 (99% interval −32 to −4; n 412 / 398)" in said
    assert "the intervals allow for the picking" in said


def test_a_part_that_accounts_for_the_change_of_the_whole_says_so():
    areas = asked([part("A", -31.0), part("B", 2.0, "no evidence")], {"A": -28.0}, 0.001)
    why = WHY | {"area": "A"}
    frame, reasons = pd.DataFrame([whole(-5.2), *areas]), pd.DataFrame([why, {**why, "area": "B", "explains": False}])
    made = findings(frame, METRICS, why=reasons)
    assert claims(made)[1] == (
        "▼ A accounts for the fall of NPS (−7.2 of −5.2 points); the other areas together: no evidence (+2.0 points)"
    )
    said = Words(made).text
    assert (
        "What it brings to the total: 95% interval −9.6 to −4.8; the others: 95% interval −2.1 to +6.1, p = .33" in said
    )
    assert "By itself it moved −28 points" in said
    assert "because" not in said
    # Nothing accounts for a change that nobody saw, nor does a part that is not shown to have moved differently.
    still = pd.DataFrame([whole(-5.2, "no evidence"), *areas])
    assert "accounts for" not in findings(still, METRICS, why=reasons)
    alike = pd.DataFrame([whole(-5.2), *asked([part("A", -31.0), part("B", 2.0, "no evidence")])])
    assert "accounts for" not in findings(alike, METRICS, why=reasons)


def test_parts_without_a_sentence_are_told_at_the_end():
    parts = asked([part("A", 2.0, "no evidence"), part("B", 1.0, "no evidence")])
    made = findings(pd.DataFrame([whole(1.0, "no evidence"), *parts]), METRICS)
    assert claims(made) == ["– NPS: no evidence of change against 2026-09"]
    assert (
        Words(made)
        .text.split(". Method")[0]
        .split("could be missed: NPS 8.7 points. ")[-1]
        .startswith("There is no evidence that NPS changed differently by area.")
    )


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
    assert "A change under about 4.9 percentage points could be missed." in made
    assert "Of 3 comparisons, 1 shows a change" in made


def test_the_first_metric_keeps_a_place_where_many_others_changed():
    others = [
        whole(9.0, "changed", metric) for metric in ("csat", "csat_mean", "ces", "cared", "recommended", "exceeded")
    ]
    told = claims(findings(pd.DataFrame([whole(1.0, "no evidence"), *others]), METRICS))
    assert len(told) == 5
    assert told[-1] == "– NPS: no evidence of change against 2026-09"


def test_what_could_have_been_detected_is_said_of_metrics_without_a_sentence():
    others = [whole(0.1, "no evidence", metric) for metric in ("csat", "ces")]
    frame = pd.DataFrame([whole(1.0, "no evidence"), *others, part("A", 2.0, "no evidence")])
    said = findings(frame, METRICS, limit=1)
    assert "Of the other metrics, a change under about so much could be missed: CSAT 7.2" in said
    assert "By area, a change under about so much could be missed: NPS 8.7 points." in said


def test_findings_link_to_their_figure():
    _, parts = segment_frames(list("ABCDEFGH"))
    told = pd.DataFrame(asked(parts.to_dict("records"), {"B": 9.0}, 0.01))
    assert 'href="#changes-nps-area"' in findings(told, METRICS)
    assert 'href="#score-nps"' in findings(pd.DataFrame([comparison("nps", 9.0, 5.0, "changed")]), METRICS)


def test_a_hostile_name_in_a_finding_is_text():
    moves = asked([comparison("nps", 9.0, 5.0, "changed", brand=name) for name in (SCRIPT, "x")], {SCRIPT: 9.0}, 0.01)
    made = findings(pd.DataFrame(moves), METRICS)
    assert "<script" not in made
    assert f"by brand: {SCRIPT} +9 points" in Words(made).text
    total = comparison("nps", 9.0, 5.0, "changed", brand=None)
    why = WHY | {
        "dimension": "brand",
        "brand": SCRIPT,
        "contribution": 7.2,
        "low": 2.0,
        "high": 9.0,
        "total_change": 9.0,
    }
    made = findings(pd.DataFrame([total, *moves]), METRICS, why=pd.DataFrame([why]))
    assert "<script" not in made
    assert f"{SCRIPT} accounts for the rise of NPS" in Words(made).text


def test_no_comparison_is_said():
    assert "No comparison was made" in findings(pd.DataFrame([comparison("nps", 9.0, 5.0, "changed")])[:0], METRICS)
