"""The summary as a workbook: the same numbers, none that is hidden, no formula, the same bytes."""

from __future__ import annotations

import io
import re
import time
import zipfile
from typing import Any

import openpyxl
import pandas as pd
import pytest

from cxkit.metrics import METRICS
from cxkit.runs import spreadsheet
from cxkit.runs.workbook import workbook

FORMULAS = ["=1+1", "+1", "-1+2", "@SUM(A1)", '=HYPERLINK("https://example.org")', "\t=1", "\n=2", "#REF!"]
RECORD = {"title": "=TITLE()", "name": "demo", "now": "2026-10", "before": "2026-09", "as_of": "2026-11-15"}
CHOSEN = {name: METRICS[name] for name in ("nps", "csat")}
HIDDEN, AWAY = "hidden: fewer than 10 people answered", "hidden: it would give a smaller group away"


def estimate(report: str = "a", period: str = "2026-10", **other: Any) -> dict[str, Any]:
    return {"report": report, "part": "estimate", "metric": "nps", "period": period, "n": 40, "n_eff": 38.5,
            "value": -5.25, "low": -20.0, "high": 9.5, "level": 0.95, "method": "score interval", "note": "",
            **other}  # fmt: skip


def comparison(report: str = "a", **other: Any) -> dict[str, Any]:
    return {"report": report, "part": "comparison", "metric": "nps", "now": "2026-10", "before": "2026-09", "n": 40,
            "n_before": 50, "n_eff": 38.5, "n_eff_before": 47.0, "change": -3.0, "low": -9.0, "high": 3.0,
            "pvalue": 0.3, "pvalue_adj": 0.6, "family": 2, "detectable": 9.25, "verdict": "no evidence", "level": 0.95,
            "method": "MOVER", "note": "", **other}  # fmt: skip


def nothing(note: str, **other: Any) -> dict[str, Any]:
    """What a row of a cell that may not be shown holds."""
    names = ("n", "n_eff", "value", "low", "high", "change", "pvalue", "pvalue_adj", "detectable")
    return {**dict.fromkeys(names), "verdict": "too few", "note": note, **other}


def brands(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame([{**row(f"r{i}"), "=dim()": name} for i, name in enumerate(names)
                         for row in (estimate, comparison)])  # fmt: skip


def opened(frame: pd.DataFrame | list[dict[str, Any]], **record: Any) -> Any:
    content = workbook(pd.DataFrame(frame), {**RECORD, **record}, CHOSEN)
    return openpyxl.load_workbook(io.BytesIO(content))


def table(book: Any, title: str) -> list[dict[str, Any]]:
    """The rows of a sheet by their headings."""
    sheet = book[title]
    top = int(re.sub(r"\D", "", sheet.auto_filter.ref.split(":")[0]))
    head, *body = list(sheet.iter_rows(min_row=top, values_only=True))
    return [dict(zip(head, row, strict=True)) for row in body]


def test_the_first_sheet_says_what_each_report_says_of_the_period() -> None:
    rows = [
        estimate("a", "2026-09", value=-2.25),
        *(row(report, brand="Acme") for row in (estimate, comparison) for report in ("a",)),
        estimate("overview", value=33.0),
        comparison("overview", verdict="changed", change=12.0, note="", detectable=8.0),
        estimate("a", brand="Acme", metric="csat", value=61.5),
    ]
    rows[0]["brand"] = "Acme"
    book = opened(rows)
    assert book.sheetnames == ["Summary", "Estimates", "Comparisons", "Notes"]
    total, acme, csat = table(book, "Summary")
    assert (total["Brand"], total["Metric"], total["Score"], total["Verdict"]) == ("All", "NPS", 33, "▲ increased")
    assert total["Detectable"] is None
    assert (acme["Brand"], acme["Score"], acme["Score from"], acme["Score to"]) == ("Acme", -5.25, -20, 9.5)
    assert (acme["Score before"], acme["Change"], acme["Change from"], acme["Change to"]) == (-2.25, -3, -9, 3)
    assert (acme["Base n"], acme["Effective n"], acme["Adjusted p"]) == (40, 38.5, 0.6)
    assert (acme["Verdict"], acme["Detectable"]) == ("– no evidence of change", 9.25)
    assert (acme["Method"], acme["Page"]) == ("score interval; change: MOVER", "a")
    assert (csat["Metric"], csat["Unit"], csat["Score"], csat["Verdict"]) == ("CSAT", "%", 61.5, "○ not compared")


def test_comparisons_hold_both_scores_and_estimates_begin_with_the_latest() -> None:
    segment = {"brand": "Acme", "channel": "web"}
    rows = [
        estimate("a", "2026-09", brand="Acme", value=-2.0),
        estimate("a", "2026-10", brand="Acme", value=-5.0),
        comparison("a", brand="Acme"),
        estimate("a", part="segment estimate", value=7.0, **segment),
        comparison("a", part="segment comparison", **segment),
    ]
    book = opened(rows)
    whole, inside = table(book, "Comparisons")
    assert list(whole)[:12] == ["Brand", "Channel", "Metric", "Unit", "Period", "Compared with", "Score",
                                "Score before", "Change", "Change from", "Change to", "p alone"]  # fmt: skip
    assert (whole["Channel"], whole["Score"], whole["Score before"], whole["Row is about"]) == ("All", -5, -2, "report")
    assert (inside["Channel"], inside["Score"], inside["Score before"]) == ("web", 7, None)
    assert [row["Period"] for row in table(book, "Estimates")] == ["2026-10", "2026-10", "2026-09"]


@pytest.mark.parametrize(
    ("reason", "side", "words"),
    [
        ("few people", "now", "○ hidden: fewer than 10 people answered"),
        ("few people", "before", "○ hidden before: fewer than 10 people answered"),
        ("given away", "now", "○ hidden to protect a smaller group"),
        ("no answers", "both", "○ no answers"),
        ("no answers", "before", "○ no answers before"),
        ("few answers", "now", "○ too few answers to say"),
    ],
)
def test_the_verdict_says_why_there_is_none(reason: str, side: str, words: str) -> None:
    book = opened([estimate(), comparison(**nothing("") | {"reason": reason, "reason_side": side})])
    assert [table(book, sheet)[0]["Verdict"] for sheet in ("Summary", "Comparisons")] == [words, words]


def test_no_number_of_a_hidden_cell_comes_in_through_another_row() -> None:
    shown = {"value": 77.125, "low": 70.125, "high": 80.125, "n": 7777, "n_eff": 777.5}
    hidden = {"brand": "Gilda"}
    rows = [
        estimate("gilda", **nothing(HIDDEN), **hidden),
        estimate("gilda", "2026-09", **hidden, **shown),
        comparison("gilda", **nothing(f"now: {HIDDEN}"), **hidden),
        estimate("gilda", part="segment estimate", channel="web", **hidden, **shown),
        comparison("gilda", part="segment comparison", channel="web", **{**hidden, "change": 66.5}),
        comparison("gilda", part="segment comparison", channel="shop", **nothing(f"now: {AWAY}"), **hidden),
        estimate("other", brand="Other", **shown),
        comparison("other", brand="Other"),
    ]
    book = opened(rows)
    (first,) = (row for row in table(book, "Summary") if row["Brand"] == "Gilda")
    assert first.pop("Score before") == 77.125  # that of the period before, which is shown
    assert [name for name, value in first.items() if isinstance(value, int | float)] == []
    whole, web, shop, _ = table(book, "Comparisons")
    assert (whole["Score"], whole["Score before"], shop["Score"]) == (None, 77.125, None)
    assert (web["Score"], web["Change"]) == (77.125, 66.5)
    names = (
        "Score",
        "Change",
        "Change from",
        "Change to",
        "p alone",
        "Adjusted p",
        "Base n",
        "Effective n",
        "Detectable",
    )
    assert {row[name] for row in (whole, shop) for name in names} == {None}


def test_a_contrast_has_a_sheet_and_words_of_its_own() -> None:
    contrast = {**comparison(), "part": "segment contrast", "period": "2026-10", "verdict": "differs", "channel": "web",
                "difference": 8.0, "n_rest": 90, "n_eff_rest": 80.0}  # fmt: skip
    dropped = ("now", "before", "change", "n_before", "n_eff_before")
    book = opened([estimate(), {key: value for key, value in contrast.items() if key not in dropped}])
    (row,) = table(book, "Against the rest")
    assert (row["Channel"], row["Difference"], row["Base n of the rest"]) == ("web", 8, 90)
    assert row["Verdict"] == "▲ higher than the rest"


def test_what_each_part_brings_to_the_change_has_a_sheet() -> None:
    part = {"part": "contribution", "report": "overview", "metric": "nps", "channel": "web", "contribution": -7.2,
            "low": -9.6, "high": -4.8, "by_mix": -0.1, "by_rate": -7.1, "others": 2.0, "total_change": -5.2, "n": 90,
            "n_before": 80, "verdict": "contributes", "explains": True}  # fmt: skip
    (row,) = table(opened([estimate(), part]), "Why the total moved")
    numbers = (
        "Contribution",
        "Contribution from",
        "Contribution to",
        "By mix",
        "By score",
        "All others",
        "Change of all",
    )
    assert [row[name] for name in numbers] == [-7.2, -9.6, -4.8, -0.1, -7.1, 2.0, -5.2]
    assert (row["Channel"], row["Verdict"]) == ("web", "accounts for the change")


def test_numbers_are_shown_by_unit_and_interval_and_kept_in_full() -> None:
    score = estimate(metric="csat", value=61.23456, low=58.1, high=64.2)
    book = opened([score, comparison(metric="csat", change=-0.25, low=-0.75, high=0.25, pvalue_adj=0.0004)])
    sheet = book["Summary"]
    head = [cell.value for cell in sheet[3]]
    cells = dict(zip(head, sheet[4], strict=True))
    assert (cells["Score"].value, cells["Score"].number_format) == (61.23456, '#,##0.0"%";"−"#,##0.0"%";#,##0.0"%"')
    assert cells["Change"].number_format == '+#,##0.00" pp";"−"#,##0.00" pp";#,##0.00" pp"'
    assert cells["Adjusted p"].number_format == '[<0.001]"< 0.001";0.000'


def test_sheets_are_ready_to_be_read_and_printed() -> None:
    book = opened([estimate(brand="Acme"), comparison(brand="Acme", verdict="changed", change=5.0)])
    for title in ("Summary", "Estimates", "Comparisons"):
        sheet = book[title]
        top = 3 if title == "Summary" else 1
        assert sheet.freeze_panes == f"C{top + 1}"
        assert sheet.auto_filter.ref.startswith(f"A{top}:")
        assert sheet.print_title_rows == f"$1:${top}"
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (
            "landscape",
            1,
            0,
        )
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
    (verdict,) = (cell for cell in book["Summary"][4] if cell.value == "▲ increased")
    assert verdict.fill.fgColor.rgb == "00CFE3F5"


def test_text_that_looks_like_a_formula_is_text() -> None:
    content = workbook(brands(FORMULAS), {**RECORD, "filters": "=1"}, CHOSEN)
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert {cell.data_type for cell in cells} == {"s"}
    looking = [cell for cell in cells if spreadsheet.is_formula(cell.value) or cell.value[:1] == "#"]
    assert {cell.value for cell in looking} >= {"=1+1", "+1", "-1+2", "@SUM(A1)", "#REF!", "=dim()", "=TITLE()"}
    assert all(cell.quotePrefix for cell in looking)
    assert book["Summary"]["A1"].value == "=TITLE(): 2026-10 against 2026-09"
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        text = b"".join(parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets"))
    assert re.findall(rb"<f\b", text) == []


@pytest.mark.parametrize("name", ["\x00\x1b\uffff control", "L" * 40_000, "\u202egnp", "<script>", "_x000D_", "&P&R"])
def test_any_text_fits_into_a_cell_and_a_title(name: str) -> None:
    book = opened(brands([name]), title=name)
    found = table(book, "Estimates")[0]["=dim()"]
    assert len(found) <= spreadsheet.LONGEST
    assert found[-1] == name[-1] or len(name) > spreadsheet.LONGEST
    assert len(book["Summary"]["A1"].value) <= spreadsheet.LONGEST


def test_the_same_summary_gives_the_same_bytes() -> None:
    first = workbook(brands(["Acme"]), RECORD, CHOSEN)
    time.sleep(2.1)  # the times in a zip file are even seconds
    assert workbook(brands(["Acme"]), RECORD, CHOSEN) == first


def test_the_notes_explain_every_heading_and_metric_and_give_the_names_in_the_csv() -> None:
    book = opened(brands(["Acme"]))
    notes = {row[0]: row[1:3] for row in book["Notes"].iter_rows(values_only=True) if row[0]}
    heads = {head for sheet in ("Summary", "Estimates", "Comparisons") for head in table(book, sheet)[0]}
    assert heads - set(notes) == set()
    assert notes["Change from"] == ("low", "lower limit of the interval of the change")
    assert notes["Run"][1] == "=TITLE()"
    assert notes["NPS"][0] == "nps"


def test_rows_without_room_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "ROWS", 2)
    book = opened(brands(["a", "b", "c"]))
    assert [len(table(book, sheet)) for sheet in ("Summary", "Estimates", "Comparisons")] == [2, 2, 2]
    assert any("3 rows did not fit" in str(row) for row in book["Notes"].iter_rows(values_only=True))


def test_nothing_to_tell_is_a_workbook_too() -> None:
    assert table(opened(brands(["a"])[:0]), "Summary") == []


def test_each_margin_of_two_dimensions_has_its_own_change_in_the_summary() -> None:
    margins = [{"brand": "Acme"}, {"area": "north"}, {}]
    rows = [
        row
        for i, place in enumerate(margins)
        for row in (estimate(report="overview", **place), comparison(report="overview", change=float(i + 1), **place))
    ]
    found = table(opened(rows), "Summary")
    assert {(line["Brand"], line["Area"]): line["Change"] for line in found} == {
        ("All", "All"): 3,
        ("Acme", "All"): 1,
        ("All", "north"): 2,
    }


def test_a_contrast_without_a_verdict_says_that_it_is_too_few() -> None:
    row = {"report": "a", "part": "segment contrast", "metric": "nps", "period": "2026-10", "channel": "web", "n": 20.0}
    row |= {
        "n_rest": 300.0,
        "difference": 5.0,
        "low": -9.0,
        "high": 19.0,
        "family": 0,
        "verdict": "too few",
        "note": "few",
        "reason": "few answers",
    }
    (line,) = table(opened([row]), "Against the rest")
    assert line["Verdict"] == "○ too few answers to say"
    assert (line["Difference from"], line["Difference to"], line["Family"]) == (-9, 19, None)


def test_durations_stand_in_the_unit_that_fits_and_their_changes_in_pairs() -> None:
    score = {"part": "estimate", "report": "a", "metric": "wait_time", "period": "b", "n": 90, "value": 300.0}
    moved = {"part": "comparison", "report": "a", "metric": "wait_time", "now": "b", "before": "a", "n": 90,
             "n_before": 80, "change": 2.4, "low": -0.28, "high": 5.07, "value": 300.0, "value_before": 240.0,
             "verdict": "no evidence", "detectable": 6.0, "level": 0.95}  # fmt: skip
    apart = {"part": "segment contrast", "report": "a", "metric": "wait_time", "period": "b", "n": 20, "n_rest": 70,
             "difference": 3.0, "low": -1.0, "high": 7.0, "verdict": "too few", "note": "few"}  # fmt: skip
    frame = pd.DataFrame([{**score, "low": 270.0, "high": 330.0}, moved, apart])
    book = openpyxl.load_workbook(io.BytesIO(workbook(frame, {"now": "b"}, METRICS)))
    heads, first = (list(row) for row in book["Comparisons"].iter_rows(max_row=2))
    cells = {head.value: cell for head, cell in zip(heads, first, strict=True)}
    assert (cells["Unit"].value, cells["Score"].value, cells["Score before"].value) == ("h", 5, 4)
    assert (cells["Change"].value, cells["Change from"].value, cells["Detectable"].value) == (52.4, 49.72, 56)
    assert cells["Change from"].number_format == '0.0" of 100"'  # 49.7: no limit beside 50 is shown as 50
    verdict = next(cell.value for cell in book["Against the rest"][2] if str(cell.value).startswith("○"))
    assert "hidden" not in verdict  # a rest of 70 is not hidden


def test_the_crosstab_has_a_column_for_each_level_and_numbers_that_stay_numbers() -> None:
    web, app = {"brand": "Acme", "channel": "web"}, {"brand": "Acme", "channel": "=app()"}
    inside = {"part": "segment estimate", "low": 20.0, "high": 60.0}
    apart = {"report": "a", "part": "segment contrast", "metric": "nps", "period": "2026-10", "verdict": "differs"}
    shares = {"report": "a", "metric": "nps", "period": "2026-10", "group": "=Best", "n": 40}
    rows = [
        estimate(brand="Acme"), estimate(brand="Acme", period="2026-09"),
        estimate(**inside, value=41.0, n=25, **web), estimate(**inside | nothing(HIDDEN, reason="few people"), **app),
        {**apart, "difference": 12.0, "low": 3.0, "high": 21.0, **web},
        {**shares, "part": "share", "share": 33.0, "brand": "Acme"},
        {**shares, "part": "segment share", "share": 45.0, **web},
        estimate("alone", brand="Zeta"), estimate("overview"),
    ]  # fmt: skip
    book = opened(rows)
    found = table(book, "Crosstab")
    assert [line["Row"] for line in found] == ["Score", "Score from", "Score to", "Base n", "=Best"]
    assert {(line["Brand"], line["Metric"], line["Page"]) for line in found} == {("Acme", "NPS", "a")}
    assert [line["All"] for line in found] == [-5.25, -20, 9.5, 40, 33]
    assert [line["Channel: web"] for line in found] == [41, 20, 60, 25, 45]
    assert [line["Channel: =app()"] for line in found] == ["hidden", None, None, None, None]
    score = next(cell for row in book["Crosstab"].iter_rows() for cell in row if cell.value == 41)
    assert score.number_format.startswith('"▲ "#,##0;"▲ ""−"')
    assert score.fill.fgColor.rgb.endswith("CFE3F5")


def test_without_segments_there_is_no_crosstab() -> None:
    assert "Crosstab" not in opened(brands(["a", "b"])).sheetnames
