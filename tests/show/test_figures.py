from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from present_made import (
    HOSTILE,
    SCRIPT,
    Words,
    answers_frame,
    asked,
    comparison,
    estimate,
    grid_frame,
    months_frame,
    segment_frames,
)

from cxkit.metrics import METRICS
from cxkit.show import changes, heatmap, score_distribution, segments, stacked, trend
from cxkit.show.drawings import class_roles, runs
from cxkit.show.html import clean, plain
from cxkit.show.svg import Canvas

NPS = METRICS["nps"]
AREAS = segment_frames(list("ABCDEFGH"))
FIGURES = {
    "trend": lambda: trend(months_frame(), NPS, pd.DataFrame([comparison("nps", 8.1, 6.2, "changed")])),
    "segments": lambda: segments(*AREAS, NPS, "area"),
    "changes": lambda: changes(AREAS[1], NPS, "area"),
    "answers": lambda: score_distribution(answers_frame(), NPS),
    "classes": lambda: stacked(answers_frame(), NPS),
    "heat": lambda: heatmap(grid_frame(), NPS, "area", "channel"),
}


def drawing(figure: str) -> ElementTree.Element:
    return ElementTree.fromstring(re.findall(r"<svg.*?</svg>", figure, re.DOTALL)[0])


def texts(figure: str) -> list[str]:
    return [node.text or "" for node in drawing(figure).iter("text")]


def claim(figure: str) -> str:
    return Words(re.findall(r"<strong>(.*?)</strong>", figure)[0]).text


@pytest.mark.parametrize("kind", FIGURES)
def test_every_figure_has_finding_drawing_alternative_text_and_table(kind):
    made = FIGURES[kind]()
    root = drawing(made)
    assert made.startswith("<figure id=")
    assert root.get("role") == "img"
    named = {root.find(tag).get("id") for tag in ("title", "desc")}
    assert set(root.get("aria-labelledby").split()) == named
    assert claim(made).startswith(("NPS", "Change of NPS"))
    assert made.count("<details>") == made.count("<table>") == 1
    assert re.search(r"\d", root.find("desc").text)


@pytest.mark.parametrize("kind", FIGURES)
def test_figures_follow_the_scheme_of_the_page(kind):
    markup = re.findall(r"<svg.*?</svg>", FIGURES[kind](), re.DOTALL)[0]
    assert drawing(markup).get("fill") == "currentColor"
    assert (
        re.findall(r"#[0-9a-f]{3,6}\b", re.sub(r"var\(--cx-\w+,#[0-9a-f]{3,6}\)", "", markup.replace('href="#', "")))
        == []
    )
    assert "DejaVu" not in markup


@pytest.mark.parametrize("kind", FIGURES)
def test_ids_belong_to_their_figure_and_references_resolve(kind):
    made = FIGURES[kind]()
    ids = re.findall(r'\bid="([^"]+)"', made)
    assert len(ids) == len(set(ids))
    assert all(key.startswith(ids[0]) for key in ids)
    assert set(re.findall(r'href="#([^"]+)"', made)) <= set(ids)


@pytest.mark.parametrize("kind", FIGURES)
def test_the_same_frame_gives_the_same_bytes(kind):
    assert FIGURES[kind]() == FIGURES[kind]()


def test_drawing_loads_no_drawing_library():
    code = (
        "import sys, pandas as pd, cxkit.show as show; from cxkit.metrics import METRICS;"
        "row = {'metric': 'nps', 'period': '1', 'n': 40, 'n_eff': 40.0, 'value': 5.0, 'low': -9.0, 'high': 20.0};"
        "row |= {'level': 0.95, 'method': 'm', 'note': ''};"
        "assert '<svg' in show.trend(pd.DataFrame([row, {**row, 'period': '2'}]), METRICS['nps']);"
        "print([m for m in ('matplotlib', 'seaborn', 'nbconvert') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@settings(max_examples=25, suppress_health_check=[HealthCheck.differing_executors])
@given(st.text(st.characters(codec=None), min_size=1, max_size=30))
def test_any_label_is_drawn_as_itself(label):
    ax = Canvas(40, 10, 10, x=(0, 1), y=(0, 1))
    ax.text(0.5, 0.5, label)
    assert texts(ax.svg("key", label, label))[0] == plain(label)


def test_hostile_levels_are_text_in_the_drawing_and_in_the_table():
    estimates, comparisons = segment_frames([*HOSTILE, "x", "y", "z"])
    for made in (segments(estimates, comparisons, NPS, "area"), changes(comparisons, NPS, "area")):
        assert "<script" not in made
        assert "onmouseover='" not in made.replace("&#x27;", "")
        assert all(clean(text)[:20] in Words(made).text for text in HOSTILE)
        assert any("frac" in text for text in texts(made))  # not parsed as mathematics
        assert max(map(len, texts(made))) <= 24  # cut and in two lines, with isolates


def test_long_names_that_differ_at_their_end_stay_apart():
    names = [f"Customers of the southern region with number {i}" for i in range(20)]
    for made in (segments(segment_frames(names)[0], None, NPS, "area"), changes(segment_frames(names)[1], NPS, "area")):
        second = [text for text in texts(made) if re.fullmatch(r"(with )?number \d+", text)]
        assert len(set(second)) == 20


def test_rows_that_a_sheet_of_paper_cannot_hold_are_two_drawings_on_one_scale():
    names = [f"Customers of the southern region with number {i}" for i in range(40)]
    made = segments(segment_frames(names)[0], None, NPS, "area")
    first, second = (ElementTree.fromstring(one) for one in re.findall(r"<svg.*?</svg>", made, re.DOTALL))
    assert [first.find("title").text, second.find("title").text] == [f"NPS by area, part {i} of 2" for i in (1, 2)]
    axes = [
        [(t.get("x"), t.text) for t in one.iter("text") if re.fullmatch(r"−?\d0", t.text or "")]
        for one in (first, second)
    ]
    assert set(axes[0]) & set(axes[1])
    assert "All: " in first.find("desc").text
    assert "All: " not in second.find("desc").text
    ids = re.findall(r'\bid="([^"]+)"', made)
    assert len(ids) == len(set(ids))
    assert len(re.findall("<svg", segments(segment_frames([f"s{i}" for i in range(36)])[0], None, NPS, "area"))) == 1


def test_more_rows_than_a_drawing_holds_are_counted():
    estimates, comparisons = segment_frames([f"s{i}" for i in range(75)])
    for made in (segments(estimates, None, NPS, "area"), changes(comparisons, NPS, "area")):
        assert "60 of 75 are drawn; the table holds all." in made
        assert made.count("<tr") in (76, 77)


def test_the_trend_states_the_verdict_or_the_last_estimate():
    months = months_frame()
    moved = pd.DataFrame([comparison("nps", -4.0, 9.0, "no evidence")])
    assert claim(trend(months, NPS, moved)) == "NPS: no evidence of change against 2026-09."
    assert "could be missed" in trend(months, NPS, moved)
    assert re.match(r"NPS in 2026-\d\d: [\d.]+ points \(95% interval .*; n 504\)\.", claim(trend(months, NPS)))


def test_the_trend_breaks_where_nothing_is_known():
    known = [(i, {}) for i in (0, 1, 3, 4, 7)]
    assert [[i for i, _ in run] for run in runs(known)] == [[0, 1], [3, 4], [7]]


def test_the_trend_has_bases_on_its_axis():
    shown = texts(trend(months_frame(), NPS))
    assert any(text.startswith("n ") for text in shown)
    assert MONTH.match(shown[-2]) or any(MONTH.match(text) for text in shown)


MONTH = re.compile(r"20\d\d-\d\d$")


def test_a_trend_of_several_places_is_refused():
    with pytest.raises(ValueError, match="trend draws one place, found several brand"):
        trend(pd.concat([months_frame(), months_frame().assign(brand="Borealis")]), NPS)


def test_benchmarks_are_named_with_source_and_date_and_never_tested():
    mark = {"metric": "nps", "name": "Apple", "value": 72, "source": "published claim, no base", "date": "undated"}
    other = {**mark, "metric": "csat", "name": "Other"}
    for made in (
        trend(months_frame(), NPS, benchmarks=[mark, other]),
        segments(*AREAS, NPS, "area", benchmarks=[mark, other]),
    ):
        assert "Apple 72" in texts(made)
        assert "Published: Apple 72 points (published claim, no base, undated). A line to look at" in Words(made).text
        assert "Other" not in made


def test_published_values_that_are_near_are_named_apart():
    near = [{"metric": "nps", "name": name, "value": value, "source": "s", "date": "d"}
            for name, value in (("Sector", 40), ("Best", 38), ("Rival", 39))]  # fmt: skip
    for made in (trend(months_frame(), NPS, benchmarks=near), segments(*AREAS, NPS, "area", benchmarks=near)):
        root = drawing(made)
        at = {
            (node.get("x"), node.get("y"))
            for node in root.iter("text")
            if (node.text or "")[:4] in ("Sect", "Best", "Riva")
        }
        assert len(at) == 3
        halo = [group for group in root.iter("g") if "paint-order:stroke" in group.get("style", "")]
        assert {node.text for group in halo for node in group} >= {"Sector 40", "Best 38", "Rival 39"}
        assert len(set(re.findall(r"stroke-dasharray:[^;\"]+", made))) >= 3


def test_segments_name_the_range_of_those_with_enough_answers():
    made = segments(*AREAS, NPS, "area")
    assert claim(made) == (
        "NPS by area, 2026-10, of the 5 areas with 30 answers or more: 10.1 (D, n 700) to 63.8 (B, n 517)."
    )
    assert "This order is not tested." in Words(made).text
    apart = pd.DataFrame(asked(AREAS[1].to_dict("records"), {"B": 11.0}, 0.01))
    told = "This order is not tested. Changed differently against 2026-09: B +11 points."
    assert told in Words(segments(AREAS[0], apart, NPS, "area")).text
    labels = [text for text in texts(made) if text in "ABCDEFGH"]
    assert labels == list("BEACDFGH")  # too few (F), hidden (G) and empty (H) at the end
    assert {"hidden", "no answers"} <= set(texts(made))


def test_segments_leave_a_gap_before_those_with_too_few_answers():
    at = {node.text: float(node.get("y")) for node in drawing(segments(*AREAS, NPS, "area")).iter("text")}
    assert at["F"] - at["D"] > 1.5 * (at["D"] - at["C"])


def test_segments_with_few_answers_claim_no_range():
    rows = [estimate("nps", "2026-10", n, 20.0 + n, area=area) for area, n in (("A", 70.0), ("B", 20.0), ("C", 25.0))]
    made = claim(segments(pd.DataFrame(rows), None, NPS, "area"))
    assert made == "NPS by area, 2026-10, the only one of 3 areas with 30 answers or more: 90 (A, n 70)."
    made = claim(segments(pd.DataFrame(rows[1:]), None, NPS, "area"))
    assert made == "NPS by area, 2026-10: none of 2 areas has 30 answers or more."
    whole = [{**row, "n": 200.0, "n_eff": 90.0 - i} for i, row in enumerate(rows)]
    made = claim(segments(pd.DataFrame(whole), None, NPS, "area"))
    assert made == "NPS by area, 2026-10: 40 (B, n 200) to 90 (A, n 200)."


def test_changes_count_their_verdicts():
    made = changes(AREAS[1], NPS, "area")
    assert claim(made) == "NPS by area: 1 of 8 changed."
    rows = AREAS[1].to_dict("records")
    apart, same = (changes(pd.DataFrame(asked(rows, *how)), NPS, "area") for how in (({"B": 11.0}, 0.01), ()))
    assert claim(apart) == "NPS by area: 1 of 8 changed; differently from the others: B +11 points."
    assert claim(same) == "NPS by area: 1 of 8 changed; no evidence that they changed differently."
    two = [{**row, "alike_df": 1.0} for row in asked(rows, {"B": 11.0, "D": -6.0}, 0.01)]
    told = "NPS by area: 1 of 8 changed; differently from each other: B +11 points and D −6 points."
    assert claim(changes(pd.DataFrame(two), NPS, "area")) == told
    assert "corrected for 8 comparisons: NPS by brand. Of 8 comparisons, 1 shows a change" in Words(made).text
    none = changes(AREAS[1].assign(verdict="no evidence"), NPS, "area")
    assert claim(none) == "NPS by area: no evidence of any change."
    few = changes(AREAS[1].assign(verdict="too few"), NPS, "area")
    assert claim(few) == "NPS by area: nothing can be said of a change."


def test_what_cannot_be_drawn_says_why():
    hidden = pd.DataFrame([estimate("nps", period, None, None, area="A") for period in ("1", "2")])
    for made in (trend(hidden, NPS), segments(hidden, None, NPS, "area"), heatmap(hidden, NPS, "area", "period")):
        assert "nothing to draw" in made
        assert "hidden: fewer than 10 people answered" in made
        assert "<svg" not in made
    nothing = answers_frame()[:0]
    assert "no answers" in score_distribution(nothing, NPS)
    assert "no answers" in stacked(nothing, NPS)


def test_the_answers_add_up_in_words():
    made = score_distribution(answers_frame(), NPS)
    assert claim(made) == "NPS, 2026-10: Detractors (0-6) 19%, Passives (7-8) 33%, Promoters (9-10) 48%."
    assert [text for text in texts(made) if text.isdigit()] == [str(i) for i in range(11)]


def test_a_hidden_bar_is_hidden():
    frame = answers_frame()
    frame.loc[frame["period"] == "2026-09", ["n", "share"]] = float("nan")
    made = stacked(frame, NPS)
    assert "hidden" in texts(made)
    assert "2026-09: hidden" in drawing(made).find("desc").text


def test_colours_of_classes_follow_the_direction():
    assert class_roles(METRICS["cared"], []) == {"No": "bad", "Unsure": "mid", "Yes": "good"}
    assert class_roles(METRICS["would_switch"], []) == {"No": "good", "Yes": "bad"}


def test_the_heatmap_marks_what_it_does_not_show():
    shown = texts(heatmap(grid_frame(), NPS, "area", "channel"))
    assert shown.count("*") == 1
    assert shown.count("–") == 1


def test_the_heatmap_has_a_legend_and_frames_what_has_too_few_answers():
    made = heatmap(grid_frame(), NPS, "area", "channel")
    root = drawing(made)
    muted = {node.text for group in root.iter("g") if group.get("class") == "cx-sm" for node in group}
    assert {"−8", "31", "70", "too few"} <= muted  # of the lowest, middle and highest colour
    assert len(set(re.findall(r"--cx-step\d", made))) == 7
    assert any("stroke-dasharray" in path.get("style", "") for path in root.iter("path"))
    enough = grid_frame()[lambda frame: frame["n"] != 24.0]
    assert "too few" not in texts(heatmap(enough, NPS, "area", "channel"))


def test_the_classes_by_period_state_both_periods_and_no_test():
    made = stacked(answers_frame(), NPS, "period", before="2026-09")
    assert claim(made) == (
        "NPS, 2026-09 → 2026-10: Detractors (0-6) 19% → 19%, Passives (7-8) 33% → 33%, Promoters (9-10) 47% → 48% "
        "(described, not tested)."
    )
    for before in (None, "2026-10", "1999-01"):
        assert claim(stacked(answers_frame(), NPS, "period", before=before)).startswith("NPS, 2026-10: Detractors")


def test_the_heatmap_draws_the_last_periods():
    months = pd.concat([months_frame().assign(brand=brand) for brand in "AB"])
    made = heatmap(months, NPS, "brand", "period")
    assert "The last 12 of 13 periods are drawn." in made
    assert "rows" not in made
    assert claim(made) == "NPS by brand and period: 20 of 24 cells have 30 answers or more."
    assert texts(made).count("2026") == 1  # the year is written once


def test_a_hostile_brand_in_every_figure_is_text():
    for frame, make in (
        (months_frame(), lambda f: trend(f, NPS)),
        (answers_frame(), lambda f: stacked(f, NPS, "brand")),
    ):
        assert "<script" not in make(frame.assign(brand=SCRIPT))


def test_bases_without_room_on_a_phone_are_for_wider_pages():
    made = heatmap(months_frame().assign(brand="A firm of a long name"), NPS, "brand", "period")
    wide = {node.text for group in drawing(made).iter("g") if "cx-wide" in group.get("class", "") for node in group}
    assert {"504", "24"} & wide == {"504"}
    assert "cx-wide" not in heatmap(grid_frame(), NPS, "area", "channel")


def test_few_periods_are_dots_with_their_own_intervals_and_no_line_between_them():
    months = months_frame()
    few, many = (trend(months.dropna(subset="value").head(n), NPS) for n in (3, 4))
    assert "Dot: NPS. Line: 95% interval of each period." in few
    assert "fill-opacity" not in few
    assert "Line: NPS. Band: 95% interval of each period." in many
    assert "fill-opacity" in many
    assert "target 40" in trend(months, NPS, target=40.0)
