from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from present_made import ENDLESS, SCRIPT, Words, cells, comparison, estimate, segment_frames

import cxkit
from cxkit.metrics import METRICS
from cxkit.show import comparisons_table, distribution_table, estimates_table

ONE = {"nps": METRICS["nps"]}


def test_estimates_carry_interval_base_and_remarks(headline, metrics):
    head, nps, csat, ces = cells(estimates_table(headline, metrics))
    assert head == ["Metric", "Score", "95% interval", "Base", "Remarks"]
    assert nps == ["NPS", "42.3 points", "35.0 to 49.3", "412 effective 371", "good"]
    assert csat == ["CSAT", "81.2%", "76.6% to 85.6%", "388", ""]
    assert ces == ["CES", "5.31", "4.85 to 5.75", "42", "low base"]


def test_hidden_empty_and_small_rows_are_grey_and_say_why():
    frame = pd.DataFrame(
        [
            estimate("nps", "2026-10", None, None),
            estimate("nps", "2026-09", 0, None),
            estimate("nps", "2026-08", 22.0, 10.0),
        ]
    )
    made = estimates_table(frame, ONE)
    assert made.count('class="cx-grey"') == 3
    _, hidden, empty, small = cells(made)
    assert hidden == ["2026-10", "hidden", "", "hidden", "hidden: fewer than 10 people answered"]
    assert empty == ["2026-09", "none", "", "0", "no answers"]
    assert small[1:] == ["10 points", "−22 to 40", "22", "below 0 to good; too few to say; imprecise"]


def test_comparisons_carry_change_interval_test_bases_and_verdict(headline_changes, metrics):
    made = comparisons_table(headline_changes, metrics)
    head, nps, csat, ces = cells(made)
    assert head == ["Metric", "Change", "Interval", "Adjusted p", "Bases now / before", "Verdict", "Detectable"]
    assert nps == ["NPS", "+8.1", "+1.9 to +14.3", ".021", "412 / 398 effective 371 / 360", "▲ increased", ""]
    assert csat[1:4] == ["−1.3 pp", "−4.7 to +2.1", ".82"]
    assert csat[5:] == ["– no evidence of change", "4.9 pp"]
    assert ces[1:4] == ["none", "", ""]
    assert (
        "Corrected for 8 comparisons: NPS by brand; 8 comparisons: all other metrics by brand. Each interval"
        in Words(made).text
    )


def test_a_change_without_limits_says_that_it_has_no_interval(metrics):
    why = "before: all answers come from one cluster"
    row = comparison("nps", -27.1, 0, "too few", low=None, high=None, note=why)
    read = Words(comparisons_table(pd.DataFrame([row]), metrics)).text
    assert "no interval" in read
    assert why in read


def test_tables_have_captions_and_scopes(headline, headline_changes, metrics):
    for made in (estimates_table(headline, metrics), comparisons_table(headline_changes, metrics)):
        assert made.count("<caption>") == 1
        assert re.findall(r"<th(?! scope)", made.replace("<thead", "")) == []


def test_only_columns_that_differ_name_a_row():
    estimates, _ = segment_frames(["A", "B"])
    assert cells(estimates_table(estimates, ONE))[0][0] == "Area"
    assert cells(estimates_table(estimates.assign(period=["1", "2", "3"]), ONE))[0][:2] == ["Area", "Period"]


def test_names_are_text_and_endless_ones_open_below():
    estimates, comparisons = segment_frames([SCRIPT, ENDLESS, "x", "y", "z"])
    for made in (estimates_table(estimates, ONE), comparisons_table(comparisons, ONE)):
        assert "<script" not in made
        assert SCRIPT in Words(made).text
        assert ENDLESS.strip() in Words(made).text
        assert made.count("Extraordinarily") < 640


def test_a_hostile_dimension_is_a_heading():
    estimates, _ = segment_frames(["A", "B"], dimension="<img src=x onerror=alert(1)>")
    made = estimates_table(estimates, ONE)
    assert "<img" not in made
    assert "<img src=x onerror=alert(1)>" in Words(made).text


def test_the_stylesheet_names_the_columns_as_the_tables_do(headline, headline_changes, metrics):
    style = (Path(cxkit.__file__).parent / "runs/templates/cxkit/style.css").read_text("utf-8")
    for kind, made in (
        ("est", estimates_table(headline, metrics)),
        ("cmp", comparisons_table(headline_changes, metrics)),
    ):
        known = dict(re.findall(rf'\.cx-{kind} td:nth-last-child\((\d)\)::before {{ content: "(.*?)"', style))
        head = [title.replace("95% i", "I") for title in cells(made)[0]]
        assert known == {str(i): title for i, title in enumerate(reversed(head[1:]), 1)}


def test_distribution(answers):
    made = distribution_table(answers[answers["period"] == "2026-10"], METRICS["nps"])
    assert cells(made)[0] == ["Answer", "Class", "Answers", "Share"]
    assert cells(made)[-1][:2] == ["10", "Promoters (9-10)"]


def test_an_empty_frame_is_an_empty_table():
    assert "<caption>" in estimates_table(pd.DataFrame([estimate("nps", "1", 0, None)])[:0], ONE)
