"""What is read from each vendor's export, what is dropped and what is refused."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from exports import EXPORTS, NPS, SATISFIED, google_forms, plain_csv, qualtrics, surveymonkey, table, typeform

import cxkit as cx
from cxkit.input.databases import collect, count
from cxkit.input.sources import open_source

PLAIN = {
    "kind": "transactional",
    "columns": {"response": "id", "time": "answered"},
    "items": {"nps": "score"},
    "dimensions": {"brand": "brand"},
}


@dataclass(frozen=True)
class Expected:
    """One line of the table: what becomes of a file under a mapping."""

    mapping: dict[str, Any]
    layout: str
    rows: int  # in the file, below the headers
    read: int  # responses that can be used
    answers: dict[str, list[float]]  # in the order of the file
    months: dict[str, int]
    refused: dict[tuple[str, str], int] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()  # personal columns


TABLE = {
    "qualtrics": Expected(
        {
            "kind": "relationship", "timezone": "America/New_York",
            "columns": {"response": "ResponseId", "respondent": "ExternalReference", "time": "RecordedDate"},
            "items": {"nps": "Q1", "csat": "Q2"}, "dimensions": {"store": "store"},
        },
        "qualtrics", 8, 6, {"nps": [10, 9, 3, 7], "csat": [5, 4, 1, 3, 5]},
        {"2025-08": 1, "2025-09": 5},  # 23:30 in Denver on the 31st is September in New York
        {("row", "preview, no answer of a customer"): 1, ("row", "test, no answer of a customer"): 1,
         ("nps", "outside 0-10: 11"): 1, ("nps", "empty"): 1, ("csat", "empty"): 1},
        ("IPAddress", "RecipientLastName", "RecipientFirstName", "RecipientEmail", "LocationLatitude",
         "LocationLongitude"),
    ),
    "surveymonkey": Expected(
        {
            "kind": "relationship", "columns": {"response": "Respondent ID", "time": "End Date"},
            "items": {
                "nps": {"column": NPS, "labels": {"10 – Extremely likely": 10, "0 – Not at all likely": 0}},
                "csat": SATISFIED,
            },
            "dimensions": {"chat": "Which did you use? [Chat]"},
        },
        "surveymonkey", 3, 3, {"nps": [10, 8, 0], "csat": [5, 4]}, {"2020-06": 1, "2020-07": 2},
        {("csat", "empty"): 1}, ("IP Address", "Email Address", "First Name"),
    ),
    "google_forms": Expected(
        {
            "kind": "relationship", "columns": {"time": "Timestamp"}, "items": {"nps": NPS},
            "dimensions": {"branch": "Which branch?"},
        },
        "google_forms", 3, 3, {"nps": [9, 6, 10]}, {"2019-03": 1, "2019-04": 2}, {}, ("Email Address",),
    ),
    "typeform": Expected(
        {
            "kind": "relationship", "timezone": "Europe/Berlin",
            "columns": {"response": "#", "respondent": "Network ID", "time": "Submit Date (UTC)"},
            "items": {"nps": NPS}, "dimensions": {"why": "Why? (column 4)"},
        },
        "typeform", 3, 3, {"nps": [9, 2, 7]}, {"2026-10": 3},
    ),
    "zendesk": Expected(
        {
            "kind": "transactional", "columns": {"response": "Id", "time": "Created at"},
            "items": {
                "csat": {
                    "column": "Satisfaction Score", "labels": {"Good": 5, "Bad": 1},
                    "missing": {"Offered": "not answered", "Not Offered": "not asked"},
                },
                "full_resolution": {"column": "Resolution time", "unit": "hours"},
                "first_response": "First reply time in minutes",
            },
            "dimensions": {"team": "Group"},
        },
        "zendesk", 5, 5,
        {"csat": [5, 1], "full_resolution": [120, 30, 1440, 60], "first_response": [15, 5, 90]},
        {"2026-09": 3, "2026-10": 2},
        {("csat", "declared missing: Not Offered (not asked)"): 2,
         ("csat", "declared missing: Offered (not answered)"): 1,
         ("full_resolution", "empty"): 1, ("first_response", "empty"): 1, ("first_response", "negative: -4"): 1},
        ("Requester", "Requester email", "Subject"),
    ),
    "spss": Expected(
        {
            "kind": "relationship", "columns": {"response": "id", "time": "when"}, "items": {"nps": "recommend"},
            "dimensions": {"region": {"column": "region", "labels": {1: "North", 2: "South"}}},
        },
        "spss", 7, 7, {"nps": [10, 9, 3]}, {"2026-09": 2, "2026-10": 5},
        {("nps", "declared missing: 98 (Don't know)"): 1, ("nps", "declared missing: 99 (Refused)"): 1,
         ("nps", "outside 0-10: 12"): 1, ("nps", "empty"): 1},
    ),
    "json_lines": Expected(
        {
            "kind": "relationship", "timezone": "Europe/Berlin", "columns": {"response": "id", "time": "at"},
            "items": {"nps": "score"}, "dimensions": {"brand": "brand"},
        },
        "plain", 3, 3, {"nps": [9, 10]}, {"2026-10": 3}, {("nps", "not a number or known label: eleven"): 1},
    ),
    **{
        name: Expected(
            PLAIN, "plain", 5, 3, {"nps": [9, 10]}, {"2026-10": 3},
            {("row", "response id that occurred before"): 1, ("row", "time that cannot be read"): 1,
             ("nps", "not a whole number: 8.5"): 1},
            ("e-mail",),
        )
        for name in ("plain_csv", "plain_utf16", "excel", "parquet")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_a_vendors_export_is_read_as_the_table_says(name: str, tmp_path: Path) -> None:
    expected = TABLE[name]
    survey = cx.read(EXPORTS[name](tmp_path), expected.mapping)
    (file,) = survey.files
    assert (file["layout"], file["rows"]) == (expected.layout, expected.rows)
    assert tuple(file.get("dropped", ())) == expected.dropped
    frame = collect(survey.table)
    assert len(frame) == expected.read
    for item, answers in expected.answers.items():
        assert sorted(frame[item].dropna()) == sorted(answers)
    assert frame["time"].dt.strftime("%Y-%m").value_counts().sort_index().to_dict() == expected.months
    refused = {(row.item, row.reason): row.n for row in survey.refused.itertuples()}
    assert refused == expected.refused
    # every row of the file is either read or refused, and so is every answer of a row that is read
    assert expected.rows == expected.read + sum(n for (item, _), n in refused.items() if item == "row")
    for item, answers in expected.answers.items():
        assert expected.read == len(answers) + sum(n for (other, _), n in refused.items() if other == item)


def test_a_personal_column_comes_in_when_the_mapping_asks_for_it(tmp_path: Path) -> None:
    mapping = PLAIN | {"columns": {"respondent": "e-mail", "time": "answered"}}
    survey = cx.read(plain_csv(tmp_path), mapping)
    assert "dropped" not in survey.files[0]
    assert collect(survey.table)["respondent"].nunique() == 3


def test_the_order_of_day_and_month_is_asked_for_where_the_file_does_not_decide_it(tmp_path: Path) -> None:
    path, mapping = google_forms(tmp_path, decided=False), TABLE["google_forms"].mapping
    words = r"Timestamp: month and day cannot be told apart.*'%m/%d/%Y %H:%M:%S' or '%d/%m/%Y"
    with pytest.raises(cx.CxError, match=words):
        cx.read(path, mapping)
    months = {
        form: sorted(collect(cx.read(path, mapping | {"time_format": form}).table)["time"].dt.month)
        for form in ("%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S")
    }
    assert months == {"%m/%d/%Y %H:%M:%S": [3, 4, 4], "%d/%m/%Y %H:%M:%S": [1, 11, 12]}


def test_forms_own_download_says_its_offset(tmp_path: Path) -> None:
    path = tmp_path / "forms.csv"
    stamps = ("2020/04/30 9:15:31 PM GMT-4", "2020/05/01 1:00:00 AM GMT+5:30")
    path.write_text(table([["Timestamp", NPS], *([stamp, "9"] for stamp in stamps)]))
    survey = cx.read(path, {"kind": "relationship", "columns": {"time": "Timestamp"}, "items": {"nps": NPS}})
    assert collect(survey.table)["time"].astype(str).tolist() == ["2020-05-01 01:15:31", "2020-04-30 19:30:00"]


def test_a_second_zone_for_the_same_times_is_refused(tmp_path: Path) -> None:
    mapping = TABLE["qualtrics"].mapping | {"recorded_in": "Europe/Berlin"}
    with pytest.raises(cx.CxError, match=r"recorded_in: the mapping says Europe/Berlin, but .* names America/Denver"):
        cx.read(qualtrics(tmp_path), mapping)


def test_the_layout_can_be_forced(tmp_path: Path) -> None:
    typeform(tmp_path)
    as_plain = open_source({"files": [{"path": "qualtrics.csv", "layout": "plain"}]}, qualtrics(tmp_path).parent)
    assert (as_plain.files[0]["layout"], count(as_plain.table)) == ("plain", 10)
    forced = open_source({"path": "typeform.csv", "layout": "zendesk"}, tmp_path)  # whether its marks are there or not
    assert forced.files[0]["layout"] == "zendesk"
    with pytest.raises(cx.CxError, match=r"layout: 'typefrom' is unknown; did you mean 'typeform'\?"):
        open_source({"files": [{"path": "typeform.csv", "layout": "typefrom"}]}, tmp_path)


def test_surveymonkey_without_title_and_with_one_header_row(tmp_path: Path) -> None:
    rows = surveymonkey(tmp_path).read_text(encoding="utf-8").splitlines()
    path = tmp_path / "condensed.csv"
    path.write_text("\n".join([rows[1], *rows[3:]]) + "\n", encoding="utf-8")
    opened = open_source(path)
    assert (opened.files[0]["layout"], opened.files[0]["rows"]) == ("surveymonkey", 3)
    assert NPS in opened.table.columns


# Real files -----------------------------------------------------------------------------------------------------------

REAL = Path(__file__).parents[2].parent / "shared" / "data"
CRITICAL_2018 = (
    "On a scale of 1-5, how business-critical is your open source program to the success of your engineering or "
    "product teams? (1= extremely critical, 5 = not at all critical)"
)


@pytest.mark.skipif(not (REAL / "surveymonkey").exists(), reason="the public files are not beside this folder")
class TestRealSurveyMonkey:
    """Counts and dates looked up in the files with a text editor and a spreadsheet."""

    def test_2018_has_text_in_a_blocks_first_column_and_serial_dates(self) -> None:
        opened = open_source(REAL / "surveymonkey/osposurvey_2018_results.csv")
        (file,) = opened.files
        assert (file["layout"], file["rows"], len(opened.table.columns)) == ("surveymonkey", 748, 173)
        first = collect(opened.table.head(1))
        # 43290 is 2018-07-09 in a spreadsheet, and .53487 of a day is 12:50:13
        assert first["Start Date"][0] == "2018-07-09 12:50:13"
        assert CRITICAL_2018 in opened.table.columns
        block = [name for name in opened.table.columns if name.startswith("How often does your company do")]
        assert len(block) == 7
        assert all(name.endswith("]") for name in block)

    def test_2020_repeats_the_text_and_writes_us_dates(self) -> None:
        opened = open_source(REAL / "surveymonkey/osposurvey_2020_results_2020.csv")
        (file,) = opened.files
        assert (file["layout"], file["rows"], len(opened.table.columns)) == ("surveymonkey", 1404, 247)
        assert file["times"]["Start Date"] == "%m/%d/%Y %I:%M:%S %p"
        assert collect(opened.table.head(1))["Start Date"][0] == "2020-06-08 10:36:30"
        assert "How many people work for your company or organization?" in opened.table.columns

    def test_an_item_where_one_is_best_is_read_the_right_way_round(self) -> None:
        words = ("Extremely", "Very", "Somewhat", "Not so", "Not at all")
        labels = {f"{code} – {word} critical": code for code, word in enumerate(words, 1)}
        mapping = {
            "kind": "relationship",
            "columns": {"response": "Respondent ID", "time": "End Date"},
            "items": {"csat": {"column": CRITICAL_2018, "labels": labels, "reversed": True}},
        }
        path = REAL / "surveymonkey/osposurvey_2018_results.csv"
        survey = cx.read(path, mapping)
        with path.open(encoding="utf-8", newline="") as file:  # the same with Python's own reader
            first, _, *rows = csv.reader(file)
        column = next(i for i, text in enumerate(first) if text.startswith("On a scale of 1-5, how business-critical"))
        codes = [labels[row[column]] for row in rows if row[column]]
        assert len(codes) == 161
        assert sorted(collect(survey.table)["csat"].dropna()) == sorted(6 - code for code in codes)
        assert survey.refused.to_dict("records") == [{"item": "csat", "reason": "empty", "n": 748 - 161}]


NPS_3 = ["How likely are you to recommend us?", "Which did you use?", "", "Why?"]


@pytest.mark.parametrize(
    ("second", "layout"),
    [(["Response", "Chat", "Phone", "Open-Ended Response"], None), (["", "Chat", "Phone", ""], "surveymonkey")],
)
def test_surveymonkey_without_its_ids(tmp_path: Path, second: list[str], layout: str | None) -> None:
    (tmp_path / "monkey.csv").write_text(table([NPS_3, second, ["9", "Chat", "", "quick"], ["3", "", "Phone", "slow"]]))
    opened = open_source({"path": "monkey.csv", **({"layout": layout} if layout else {})}, tmp_path)
    assert opened.files[0]["layout"] == "surveymonkey"
    assert opened.columns == [NPS_3[0], "Which did you use? [Chat]", "Which did you use? [Phone]", "Why?"]
    assert count(opened.table) == 2


ANSWERS = [["2026-01-02", "9", "4", "A"], ["2026-01-03", "8", "5", "B"], ["2026-01-04", "7", "3", "B"]]


@pytest.mark.parametrize(
    ("above", "told", "names"),
    [
        ([["Survey of 2026"], [], ["Date", "nps", "csat", "Shop"]], None, ["Date", "nps", "csat", "Shop"]),
        ([["Survey of 2026", "", "", ""], ["Date", "nps", "csat", "Shop"]], 2, ["Date", "nps", "csat", "Shop"]),
        ([["a", "b", "c", "d"], ["Date", "nps", "csat", "Shop"]], 2, ["Date", "nps", "csat", "Shop"]),
        ([["Date", "Score", "", ""], ["", "nps", "csat", "Shop"]], None,
         ["Date", "Score [nps]", "Score [csat]", "Score [Shop]"]),
        ([["Survey of 2026", "", "", ""], ["Visit", "Score", "", ""], ["Date", "nps", "csat", "Shop"]], None,
         ["Visit [Date]", "Score [nps]", "Score [csat]", "Score [Shop]"]),
        ([["Date", "q1", "q2", "Shop"], ["When?", "How likely?", "How happy are you?", "Which shop?"]], None,
         ["Date", "q1", "q2", "Shop"]),
        ([["Date", "Score", "", "Shop"], ["", "nps", "csat", ""]], [1, 2],
         ["Date", "Score [nps]", "Score [csat]", "Shop"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_titles_above_the_headers_and_headers_in_two_rows(
    tmp_path: Path, suffix: str, above: list[list[str]], told: Any, names: list[str]
) -> None:
    path = tmp_path / f"titled.{suffix}"
    if suffix == "csv":
        path.write_text(table([*above, *ANSWERS]))
    else:
        book = openpyxl.Workbook()
        for row in [*above, *ANSWERS]:
            book.active.append(row)
        book.save(path)
    opened = open_source({"path": str(path), **({"header_row": told} if told else {})})
    assert opened.columns == names
    assert collect(opened.table)[names[0]].tolist() == ["2026-01-02", "2026-01-03", "2026-01-04"]
    assert bool(told) != any("`header_row` overrules" in note for note in opened.files[0].get("notes", []))
    item = {"kind": "relationship", "items": {"nps": names[1]}, **({"header_row": told} if told else {})}
    assert cx.read(str(path), item).provenance["rows"] == 3
