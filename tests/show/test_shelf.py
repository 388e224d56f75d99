from __future__ import annotations

import pandas as pd
from present_made import BRANDS, HOSTILE, Words, cells, manifest_of, summary_of

from cxkit.metrics import METRICS
from cxkit.show.index import shelf

TWO = {"nps": METRICS["nps"], "csat": METRICS["csat"]}


def test_reports_stand_by_dimension_with_score_interval_base_and_verdict():
    _, [body] = shelf(summary_of(BRANDS), manifest_of(BRANDS), TWO)
    table = cells(body)
    assert table[0] == ["Brand", "NPS", "September", "Change", "CSAT"]
    found = {row[0]: row for row in table[1 : len(BRANDS) + 1]}
    borealis = found["Borealis"]
    assert borealis == ["Borealis", "29.0 21.0 to 36.7 n 340", "", "▲ increased +4.0 (−2.5 to +10.5)", "▲ 71.0%"]
    assert {row[1].split(" ")[0] for row in table[len(BRANDS) - 1 : len(BRANDS) + 1]} == {"hidden", "no"}  # stand last
    assert table[1][3].startswith(("▼", "▲"))  # what changed stands first
    assert 'href="b0.html"' in body
    assert 'href="overview.html"' in body


def test_what_is_missing_says_why():
    head, [body] = shelf(summary_of(BRANDS), manifest_of(BRANDS), TWO)
    text = Words(body).text
    assert "9 of 11, 1 skipped, 1 failed" in Words(head).text
    assert "Skipped & Co: not in the data" in text
    assert "Failed: cell 4: KeyError: 'x'" in text
    assert "declared missing: 11 (blank)" in text


def test_invented_data_are_marked():
    manifest = manifest_of(["A"])
    assert "Synthetic" not in shelf(summary_of(["A"]), manifest, TWO)[0]
    manifest["data"][0]["synthetic"] = True
    assert "Synthetic sample data" in shelf(summary_of(["A"]), manifest, TWO)[0]


def test_an_error_shows_its_first_line_only():
    manifest = manifest_of(["A"])
    manifest["jobs"][-1]["error"] = "ValueError: no\nTraceback: secret path"
    _, [body] = shelf(summary_of(["A"]), manifest, TWO)
    assert "ValueError: no" in body
    assert "secret" not in body


def test_hostile_titles_and_files_are_text():
    manifest = manifest_of(HOSTILE)
    for job in manifest["jobs"]:
        job["file"] = job["file"] and 'javascript:alert("1").html'
    _, [body] = shelf(summary_of(HOSTILE), manifest, TWO)
    assert "<script" not in body
    assert 'href="javascript:' not in body
    assert all(
        " ".join(text.split())[:40] in " ".join(Words(body).text.split()) for text in HOSTILE if "\u202e" not in text
    )


def test_a_run_without_any_report_or_number_still_has_an_index():
    manifest = manifest_of([]) | {"jobs": []}
    _, [body] = shelf(summary_of(["A"])[:0], manifest, TWO)
    assert "No report was made" in body


def test_the_first_metric_leads_where_there_is_no_nps():
    summary = summary_of(BRANDS)
    _, [body] = shelf(summary[summary["metric"] == "csat"], manifest_of(BRANDS), TWO)
    assert cells(body)[0][1] == "CSAT"


def test_reports_without_comparison_are_listed():
    summary = summary_of(["A", "B"])
    _, [body] = shelf(summary[summary["part"] == "estimate"], manifest_of(["A", "B"]), TWO)
    assert cells(body)[0][2:] == ["before", "Change", "CSAT"]
    assert "Nothing is shown to have got worse" in body


def test_all_metrics_open_below():
    _, [body] = shelf(summary_of(["A", "B"]), manifest_of(["A", "B"]), TWO)
    assert "Show 4 estimates" in body
    assert isinstance(summary_of(["A"]), pd.DataFrame)


def test_earlier_runs_are_one_click_away_and_their_names_are_text():
    names = ["2026-11-02T060000Z", '"><script>alert(1)</script>']
    _, [body] = shelf(summary_of(["A"]), manifest_of(["A"]) | {"kept": names}, TWO)
    assert '<a href="runs/2026-11-02T060000Z/index.html">2026-11-02 06:00 UTC</a>' in body
    assert "<script" not in body
    assert "Earlier runs" not in Words(shelf(summary_of(["A"]), manifest_of(["A"]), TWO)[1][0]).text


def test_who_got_worse_is_named_and_linked_at_the_head():
    summary = summary_of(BRANDS)
    summary.loc[(summary["report"] == "b1") & (summary["metric"] == "csat"), "change"] = -7.0
    _, [body] = shelf(summary, manifest_of(BRANDS), TWO)
    said = body[body.index("Act on") : body.index("cx-table")]
    assert said.count("<a ") == 1
    assert 'href="b1.html"' in said
    assert "CSAT decreased by 7.0 percentage points" in Words(said).text


def test_signals_of_the_last_year_are_listed():
    signal = {"report": "b1", "part": "watch", "metric": "nps", "period": "2026-10", "brand": BRANDS[1], "n": 340,
              "n_eff": 340.0, "value": 29.0, "expected": 41.0, "evidence": 77.0, "signal": True, "since": "2026-08",
              "direction": "lower"}  # fmt: skip
    summary = pd.concat([summary_of(BRANDS), pd.DataFrame([signal])], ignore_index=True)
    text = Words(shelf(summary, manifest_of(BRANDS), TWO)[1][0]).text
    assert "lower since about August 2026" in text
    assert "Signals of the last year" in text
    assert "NPS lower since about August 2026" in text  # among those to act on
    fallen = (summary["report"] == "b1") & (summary["metric"] == "nps") & (summary["part"] == "comparison")
    summary.loc[fallen, ["change", "verdict", "value", "value_before"]] = [-12.0, "changed", 29.0, 41.0]
    text = Words(shelf(summary, manifest_of(BRANDS), TWO)[1][0]).text
    assert "NPS fell from 41.0 to 29.0, lower since about August 2026" in text  # a change of this month began before it
