"""The mapping assistant: what it finds by itself, what it asks, and that its answers make a mapping that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from exports import EXPORTS, NPS, google_forms, table, zendesk

import cxkit as cx
from cxkit.input.databases import collect
from cxkit.input.sources import open_source
from cxkit.inspection.columns import look
from cxkit.inspection.draft import inspect
from cxkit.strict import parse_yaml

REAL = Path(__file__).parents[2].parent / "shared" / "data"
ANSWERS = {  # what a person would say, by the last part of the key
    "kind": "relationship", "timezone": "Europe/Berlin", "reversed": False, "better": "higher", "wave": "wave",
    "nps": "score", "to": "resolved_at", "open_until": "closed_at",
}  # fmt: skip
USED = {  # export -> metric and its answers: all rows but the repeated, the refused and the undated
    "qualtrics": ("nps", 4), "surveymonkey": ("nps", 3), "google_forms": ("nps", 3), "typeform": ("nps", 3),
    "zendesk": ("csat", 2), "spss": ("nps", 3), "json_lines": ("nps", 2), "plain_csv": ("nps", 2),
    "plain_utf16": ("nps", 2), "excel": ("nps", 2), "parquet": ("nps", 2),
}  # fmt: skip


def answered(data: Any, key: str = "") -> Any:
    """A mapping with every TODO answered; codes that were asked about mean no answer."""
    if isinstance(data, dict):
        return {name: answered(value, str(name)) for name, value in data.items()}
    if isinstance(data, str) and data.startswith("TODO"):
        return ANSWERS.get(key, "blank")
    return data


def inspected(source: Any) -> dict[str, Any]:
    data = parse_yaml(inspect(source), "inspected")
    assert isinstance(data, dict)
    return data


def real(name: str) -> Path:
    if not (REAL / name).exists():
        pytest.skip("the public files are not beside this folder")
    return REAL / name


def used(survey: cx.Responses, period: Any = "month") -> dict[str, int]:
    """Metric -> answers, from tallies by the first dimension, too."""
    tallies = cx.tally(survey, list(survey.metrics), by=list(survey.mapping.dimensions)[:1], period=period)
    counts = tallies.counts[tallies.counts["cut"] == ""].groupby("item")["n"].sum()
    return {name: int(counts.get(metric.item, 0)) for name, metric in tallies.metrics.items()}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_gives_a_mapping_that_runs_once_it_is_answered(name: str, tmp_path: Path) -> None:
    path = EXPORTS[name](tmp_path)
    data = inspected(path)
    with pytest.raises(cx.CxError, match=r"mapping: \w+.*: TODO: .*\n.*answer what says TODO"):
        cx.read(path, data)
    metric, n = USED[name]
    assert used(cx.read(path, answered(data)))[metric] == n


def test_the_columns_of_a_qualtrics_export_are_found(tmp_path: Path) -> None:
    data = inspected(EXPORTS["qualtrics"](tmp_path))
    assert data["timezone"] == "America/Denver"  # the third row names it
    assert data["columns"] == {"time": "RecordedDate", "response": "ResponseId", "respondent": "ExternalReference"}
    assert {item: declared["column"] for item, declared in data["items"].items()} == {"nps": "Q1", "csat": "Q2"}
    assert list(data["items"]["nps"]["missing"]) == [11]
    assert list(data["dimensions"]) == ["store"]  # not the group that the export computes, nor its dates


def test_labels_hours_and_codes_of_the_file_are_taken_over(tmp_path: Path) -> None:
    tickets = inspected(zendesk(tmp_path))
    assert tickets["kind"] == "transactional"
    assert tickets["items"]["csat"]["labels"] == {"Good": 5, "Bad": 1}
    assert set(tickets["items"]["csat"]["missing"]) == {"Offered", "Not Offered"}
    assert tickets["items"]["full_resolution"] == {"column": "Resolution time", "unit": "hours"}
    monkey = inspected(EXPORTS["surveymonkey"](tmp_path))
    assert monkey["items"]["nps"]["labels"] == {"10 – Extremely likely": 10, "0 – Not at all likely": 0}
    spss = inspected(EXPORTS["spss"](tmp_path))
    assert spss["items"]["nps"]["missing"][99] == "Refused"
    assert spss["items"]["nps"]["missing"][12].startswith("TODO: 1 answer is 12, outside 0-10")
    assert spss["dimensions"]["region"]["labels"] == {"1": "North", "2": "South"}


def test_the_order_of_day_and_month_is_a_question_where_the_file_does_not_decide_it(tmp_path: Path) -> None:
    assert "time_format" not in inspected(google_forms(tmp_path))
    data = inspected(google_forms(tmp_path, decided=False))
    assert data["time_format"].startswith("TODO: month and day cannot be told apart: no day is above 12")
    path = tmp_path / "plain.csv"
    path.write_text(table([["when", "nps"], *([f"{day:02}-11-2026", "9"] for day in range(1, 13))]))
    assert data["columns"]["time"] == "Timestamp"
    assert inspected(path)["time_format"].startswith("TODO")
    path.write_text(table([["when", "nps"], *([f"{day:02}-11-2026", "9"] for day in range(1, 14))]))
    assert inspected(path)["time_format"] == "%d-%m-%Y"


def test_text_of_the_export_cannot_break_the_yaml() -> None:
    hostile = 'he said: "likely"\n# {recommend}: [yes] \\ \x07'
    frame = pd.DataFrame({hostile: [9, 10, 3] * 10, "no": ["a: b", "# c", "- d"] * 10, "wave": ["1"] * 30})
    data = inspected(frame)
    assert data["items"]["nps"]["column"] == hostile
    assert data["dimensions"]["by_no"]["column"] == "no"


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("nps,brand\n")
    with pytest.raises(cx.CxError, match=r"holds no answers"):
        inspect(path)


def test_it_is_counted_what_the_column_holds() -> None:
    frame = pd.DataFrame({"a": ["9", " 10 ", "x", None, "10.0"], "b": [1.5, 2, None, None, 2], "c": [None] * 5})
    a, b, c = look(open_source(frame).table)
    assert (a.filled, a.distinct, a.numbers, a.low, a.high) == (4, 4, 3, 9, 10)
    assert (b.filled, b.distinct, dict(b.values)) == (3, 2, {"2": 2, "1.5": 1})
    assert (c.filled, c.rows) == (0, 5)


# Rows that are events of one thing ------------------------------------------------------------------------------------


def log(**changed: Any) -> pd.DataFrame:
    """Forty tickets in 120 rows: opened, worked on, closed; the last four are still open."""
    rows = [
        {"case": f"C{i}", "Created": f"2026-10-{1 + i % 28:02} 08:{i:02}", "Updated": f"2026-11-{1 + step:02} 09:00",
         "Closed": f"2026-11-03 1{i % 10}:00" if i < 36 else "?", "team": "AB"[i % 2]}
        for i in range(40) for step in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**changed)


def test_a_log_of_events_is_counted_by_its_tickets() -> None:
    data = inspected(log())
    assert data["kind"] == "transactional"
    assert data["columns"] == {"time": "Created", "response": "case"}
    assert data["latest"] == {"per": "case", "by": "Updated"}
    (item,) = data["items"].values()
    assert (item["from"], item["to"], item["missing"]) == ("Created", "Closed", ["?"])
    assert "The last time in the file is 2026-11-03 19:00" in item["open_until"]
    survey = cx.read(log(), answered(data) | {"items": {"full_resolution": item | {"open_until": "2026-11-04"}}})
    counts = cx.tally(survey, ["full_resolution"]).counts
    assert (counts["n"].sum(), counts["open"].sum()) == (40, 4)


def test_a_log_is_known_by_its_clocks_where_its_ticket_has_a_name_of_its_own() -> None:
    data = inspected(log().rename(columns={"case": "Wurzel"}))
    assert data["latest"] == {"per": "Wurzel", "by": "Updated"}
    stamped = inspected(log().rename(columns={"Updated": "timestamp"}))
    assert (stamped["columns"]["time"], stamped["latest"]["by"]) == ("Created", "timestamp")
    asked = inspected(log().rename(columns={"case": "Wurzel", "Updated": "Moment"}))
    assert asked["latest"].startswith("TODO: 120 rows hold 40 different values of Wurzel: are they events of one")
    assert "response" not in asked["columns"]


def test_whether_rows_with_one_id_are_events_or_people_is_asked() -> None:
    days = [f"2026-{month:02}-{day:02}" for month in (9, 10) for day in range(1, 29)]
    panel = pd.DataFrame({"id": [*map(str, range(28))] * 2, "day": days, "nps": [9, 3, 8, 10] * 14})
    data = inspected(panel)
    assert data["latest"].startswith("TODO: 56 rows hold 28 different values of id: are they events of one thing?")
    with pytest.raises(cx.CxError, match=r"latest: TODO"):
        cx.read(panel, data)
    del data["latest"]
    assert used(cx.read(panel, answered(data)))["nps"] == 56
    again = pd.concat([panel.head(28), panel.head(3)])
    assert inspected(again)["columns"] == {"time": "day", "response": "id"}  # copies of rows are refused
    assert "3 repeat the id of another row and are refused" in inspect(again)


# What is not what it is called ----------------------------------------------------------------------------------------


def test_a_recommendation_on_five_points_is_no_nps() -> None:
    frame = pd.DataFrame({"wave": "1", "Would you recommend us?": [1, 2, 3, 4, 5] * 8})
    assert inspected(frame)["items"]["nps"].startswith("TODO: no column looks like a question")


def test_the_weight_of_parcels_and_a_respondent_called_unknown_are_not_taken() -> None:
    frame = pd.DataFrame({"wave": "1", "nps": [9, 3] * 20, "weight": [900, 1200] * 20,
                          "customer": [f"c{i}" if i % 2 else "?" for i in range(40)]})  # fmt: skip
    data = inspected(frame)
    assert data["columns"]["weight"].startswith("TODO: weight: 40 of 40 filled, 2 different, numbers 900 to 1200")
    assert "respondent" not in data["columns"]
    assert '# respondent: "customer"  # 40 of 40 filled, 21 different, 20 of them ?' in inspect(frame)


def test_what_few_wrote_into_a_score_is_not_copied_into_the_mapping() -> None:
    frame = pd.DataFrame(
        {"wave": "1", "nps": [*["9", "3", "10"] * 20, "Jane Doe, 555 0199", "5550199", *["later"] * 12, "12"]}
    )
    text = inspect(frame)
    assert "Jane" not in text
    assert "5550199" not in text.replace("numbers 3 to 5.5502e+06", "")
    assert "# 2 answers in other words, 2 different: refused and counted" in text
    assert list(inspected(frame)["items"]["nps"]["missing"]) == ["later", 12]


def test_long_names_are_folded_and_stay_what_they_are() -> None:
    long = (
        'How often does it \\ happen, "really" #happen,  ' + "in all of the areas of your company and its branches " * 3
    )
    frame = pd.DataFrame(
        {"wave": "1", f"{long}[Use of tools]": ["a", "b"] * 20, f"{long}[No\x7f or\u2028never]": ["c", "d"] * 20}
    )
    text = inspect(frame.assign(nps=9))
    assert max(map(len, text.splitlines())) <= 120
    dimensions = parse_yaml(text, "inspected")["dimensions"]
    assert {d["column"] for d in dimensions.values()} == {column for column in frame if column != "wave"}
    assert "use_of_tools" in dimensions


class TestRealFiles:
    def test_code_11_of_the_airport_survey_is_suspicious(self) -> None:
        path = real("sfo/2017_SFO_Customer_Survey.csv")
        data = inspected(path)
        assert data["items"]["nps"]["column"] == "NETPRO"
        (question,) = data["items"]["nps"]["missing"].values()
        assert question.startswith("TODO: 84 answers are 11, outside 0-10")
        assert (data["columns"]["response"], data["columns"]["weight"]) == ("RESPNUM", "WEIGHT")
        source = {"files": [{"path": str(path), "wave": "2017"}]}
        survey = cx.read(source, answered(data))
        # 2,746 bases and one empty answer, as the airport's own report and a plain count of the file have it
        assert survey.refused.query("item == 'nps'").set_index("reason")["n"].to_dict() == {
            "declared missing: 11 (blank)": 84,
            "empty": 1,
        }
        assert used(survey, "wave")["nps"] == 2746

    def test_the_airport_survey_of_the_next_year(self) -> None:
        path = real("sfo/2018_SFO_Customer_Survey.csv")
        survey = cx.read({"files": [{"path": str(path), "wave": "2018"}]}, answered(inspected(path)))
        assert used(survey, "wave")["nps"] == 2809 - 159  # rows, and those in which NETPRO is 11

    @pytest.mark.parametrize("year", ["2018", pytest.param("2020", marks=pytest.mark.slow)])
    def test_the_surveymonkey_exports(self, year: str) -> None:
        (path,) = real("surveymonkey").glob(f"*{year}_results*.csv")
        data = inspected(path)
        assert data["columns"]["time"] == "End Date"
        assert data["columns"]["response"] == "Respondent ID"
        # neither survey asks for a recommendation; what people ticked are questions with several answers
        assert {key for item in data["items"].values() for key in item} == {"several"}
        critical = next(c for c in open_source(path).table.columns if "how business-critical is your open source" in c)
        codes = {value: int(value[0]) for value in _values(path, critical)}
        item = {"column": critical, "labels": codes, "reversed": True}
        survey = cx.read(path, answered(data) | {"items": {"csat": item}})
        assert cx.tally(survey, ["csat"], by=list(data["dimensions"])[:1], period="year").periods == [year]
        assert used(survey, "year")["csat"] == collect(survey.table)["csat"].notna().sum() > 150

    def test_the_event_log_of_a_service_desk_is_counted_by_its_incidents(self) -> None:
        path = real("servicedesk/incident_event_log.csv")
        data = inspected(path)
        assert data["columns"] == {"time": "opened_at", "response": "number", "respondent": "caller_id"}
        assert data["latest"] == {"per": "number", "by": "sys_mod_count"}
        assert data["items"]["resolved"]["labels"] == {"TRUE": 1, "FALSE": 0}
        clock = data["items"]["full_resolution"]
        assert (clock["from"], clock["missing"], data["time_format"]) == ("opened_at", ["?"], "%d-%m-%Y %H:%M")
        assert clock["to"].startswith("TODO: which moment ends the clock: resolved_at (5,939 of 5,998 rows")
        assert clock["open_until"].startswith("TODO: when were cases that had not ended last seen")
        assert data["dimensions"]["category"]["labels"] == {"?": "(blank)"}
        survey = cx.read(path, answered(data))
        assert used(survey) == {"resolved": 890, "full_resolution": 890}
        assert cx.tally(survey, ["full_resolution"]).counts["open"].sum() == 29
        without = cx.read(path, {key: value for key, value in answered(data).items() if key != "latest"})
        assert used(without) == {"resolved": 890, "full_resolution": 890}  # later rows repeat the id of a response

    def test_the_churn_of_a_phone_company(self) -> None:
        path = real("telco/Telco-Customer-Churn.csv")
        data = inspected(path)
        assert data["items"] == {"churn": {"column": "Churn", "labels": {"No": 0, "Yes": 1}}}
        assert "contract" in data["dimensions"]
        survey = cx.read({"files": [{"path": str(path), "wave": "1"}]}, answered(data))
        found = cx.estimate(cx.tally(survey, ["churn"], period="wave"))
        assert found[["n", "value"]].to_numpy().tolist() == [[7043, pytest.approx(100 * 1869 / 7043)]]


def _values(path: Path, column: str) -> list[str]:
    return sorted(collect(open_source(path).table.select(v=column).distinct())["v"].dropna())


def test_nps_is_named_by_its_question_too(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text(table([["wave", NPS, "score"], *(["1", "9", str(i % 11)] for i in range(40))]))
    assert inspected(path)["items"]["nps"]["column"] == NPS


def test_ten_codes_alone_are_no_recommendation() -> None:
    def item(name: str) -> dict[str, Any]:
        return dict(inspected(pd.DataFrame({name: [i % 11 for i in range(220)], "wave": "1"}))["items"])

    assert str(item("Friendliness")["nps"]["column"]).startswith("TODO: Friendliness")
    satisfied = item("Overall satisfaction")["csat"]  # a mean; the share of 1-5 does not exist on other scales
    assert (satisfied["column"], satisfied["scale"]) == ("Overall satisfaction", [0, 10])
    assert satisfied["better"].startswith("TODO: is a high answer good")
    for name in ("Wait minutes", "sprint_id"):
        assert str(item(name)["nps"]).startswith("TODO: no column looks like")


def test_a_scale_of_1_to_10_is_asked_about() -> None:
    frame = pd.DataFrame({NPS: [1 + i % 10 for i in range(200)], "wave": "1"})
    assert str(inspected(frame)["items"]["nps"]["column"]).startswith("TODO")


def test_what_people_wrote_and_who_they_are_is_not_copied_into_a_mapping(tmp_path: Path) -> None:
    names, words = ["Anna Schulz", "Uwe Kowalski"], ["Bitte um Rückruf unter 0171 2345678", "gut"]
    rows = [["Kundennr", "Welle", "NPS", "Kommentar", "Vorname", "Ansprechpartner", "Telefonnummer", "IBAN"]]
    rows += [[str(i % 30), "1", str(i % 11), words[i % 2], names[i % 2], names[i % 2], "0171 2345678", "DE1"]
             for i in range(60)]  # fmt: skip
    path = tmp_path / "kunden.csv"
    path.write_text(table(rows, ";"), encoding="utf-8")
    text = inspect(path)
    assert [word for word in ("Anna", "0171", "Rückruf", "DE1") if word in text] == []
    assert '# comment: "Kommentar"' in text
    assert inspected(path)["columns"]["respondent"] == "Kundennr"
    assert "Vorname" in text.split("columns:")[0]  # dropped at the door, and said so


def test_a_name_with_a_line_break_is_no_line_of_the_mapping(tmp_path: Path) -> None:
    path = tmp_path / "x\nweights: score #.csv"
    path.write_text("date,nps\n" + "2026-10-01,9\n" * 40, encoding="utf-8")
    assert set(parse_yaml(inspect(str(path)), "draft")) == {"kind", "timezone", "columns", "items", "dimensions"}


# What is beyond doubt is not asked, and what is not is no fact -----------------------------------------------------


def sav(path: Path, frame: pd.DataFrame, **about: Any) -> Path:
    pyreadstat = pytest.importorskip("pyreadstat")
    pyreadstat.write_sav(frame, str(path), **about)
    return path


def test_labels_of_a_file_that_are_numbers_are_the_scale(tmp_path: Path) -> None:
    codes = [float(1 + i % 11) for i in range(110)]
    frame = pd.DataFrame({"recommend": codes, "sat": [float(1 + i % 7) for i in range(110)], "wave": ["1"] * 110,
                          "income": [[-90.0, 1.0, 2.0][i % 3] for i in range(110)]})  # fmt: skip
    named = {1.0: "very unlikely", **{float(c): str(c - 1) for c in range(2, 11)}, 11.0: "very likely"}
    labels = {"recommend": named, "sat": {1.0: "Fully disagree", 7.0: "Fully agree"},
              "income": {-90.0: "Blank", 1.0: "low", 2.0: "high"}}  # fmt: skip
    path = sav(tmp_path / "scale.sav", frame, variable_value_labels=labels,
               column_labels={"sat": "In general, I am satisfied with you."},
               missing_ranges={"income": [{"lo": -99, "hi": -1}]})  # fmt: skip
    data = inspected(path)
    assert data["items"]["nps"]["labels"] == {str(c): c - 1 for c in range(1, 12)}
    assert "missing" not in data["items"]["nps"]
    assert (data["items"]["csat"]["scale"], data["items"]["csat"]["better"]) == ([1, 7], "higher")
    assert data["dimensions"]["income"]["labels"] == {"1": "low", "2": "high"}
    survey = cx.read(path, answered(data))
    scores = [code - 1 for code in codes]
    plain = 100 * (sum(s >= 9 for s in scores) - sum(s <= 6 for s in scores)) / len(scores)
    found = cx.estimate(cx.tally(survey, ["nps"], by=["income"], levels=[[], ["income"]], period="wave"))
    whole = found[found["income"].isna() | (found["income"] == "")] if "income" in found else found
    assert whole["value"].tolist()[0] == pytest.approx(plain)
    assert sorted(set(collect(survey.table)["income"])) == ["(blank)", "high", "low"]


@pytest.mark.parametrize(
    ("groups", "codes"),
    [
        (["Promoter", "Passive", "Detractor"], [10, 7, 0]),
        (["Promoteurs", "Passifs", "Détracteurs"], [10, 7, 0]),
        (["Promotor", "Neutro", "Detrator"], [10, 7, 0]),
        (["Promotor", "Pasivo", "Detractor"], [10, 7, 0]),
        (["Promotor", "Passiv", "Kritiker"], [10, 7, 0]),
        (["Promotoren", "Passiv Zufriedene", "Kritiker"], [10, 7, 0]),
        (["Promotores", "Indiferentes", "Detractores"], [10, 7, 0]),
        (["Promoter (9-10)", "Passive (7-8)", "Detractor (0-6)"], [10, 7, 0]),
    ],
)
def test_a_score_that_is_exported_as_groups_is_read_from_them(groups: list[str], codes: list[int]) -> None:
    frame = pd.DataFrame({"wave": "1", "kategorie": [*groups * 10, groups[0]]})
    data = inspected(frame)
    assert data["items"]["nps"] == {"column": "kategorie", "labels": dict(zip(groups, codes, strict=True))}
    (value,) = cx.estimate(cx.tally(cx.read(frame, answered(data)), ["nps"], period="wave"))["value"]
    assert value == pytest.approx(100 * (11 - 10) / 31)


@pytest.mark.parametrize(
    ("question", "answers", "expected"),
    [
        ("Satisfaction", ["Very satisfied", "Satisfied", "Neutral", "Dissatisfied"], {"labels": [5, 4, 3, 2]}),
        ("Zufriedenheit", ["Sehr zufrieden", "Eher zufrieden", "Teils, teils", "Eher unzufrieden"],
         {"labels": [5, 4, 3, 2]}),
        ("Satisfaction", ["Très satisfait", "Satisfait", "Ni satisfait ni insatisfait", "Insatisfait"],
         {"labels": [5, 4, 3, 2]}),
        ("Satisfacción", ["Muy satisfecho", "Satisfecho", "Neutral", "Muy insatisfecho"], {"labels": [5, 4, 3, 1]}),
        ("Satisfação", ["Muito satisfeito", "Satisfeito", "Neutro", "Insatisfeito"], {"labels": [5, 4, 3, 2]}),
        ("Soddisfazione", ["Molto soddisfatto", "Soddisfatto", "Neutro", "Insoddisfatto"], {"labels": [5, 4, 3, 2]}),
        ("I am satisfied with it", ["Strongly agree", "Agree", "Neutral", "Disagree"], {"labels": [5, 4, 3, 2]}),
        ("I am dissatisfied with it", ["Strongly agree", "Agree", "Neutral", "Disagree"],
         {"labels": [5, 4, 3, 2], "reversed": True}),
        ("Stars", ["5 stars", "4 stars", "1 star"], {"labels": [5, 4, 1], "reversed": False}),
        ("I am satisfied (10 - strongly agree, 1 - strongly disagree)", ["Strongly agree", "9", "2"],
         {"labels": [10], "scale": [1, 10], "better": "higher"}),
    ],
)  # fmt: skip
def test_answers_in_words_are_read_and_the_words_of_the_question_say_the_scale(
    question: str, answers: list[str], expected: dict[str, Any]
) -> None:
    item = dict(inspected(pd.DataFrame({"wave": "1", question: answers * 10}))["items"]["csat"])
    assert item.pop("column") == question
    labels = dict(zip(answers, expected["labels"], strict=False))
    assert item == expected | {"labels": labels}


def test_words_that_fit_two_scales_are_asked_about() -> None:
    for answers in (["Very satisfied", "Extremely satisfied", "Neutral"], ["Satisfied", "Neutral", "Dissatisfied"]):
        labels = inspected(pd.DataFrame({"wave": "1", "Satisfaction": answers * 10}))["items"]["csat"]["labels"]
        assert str(labels).startswith("TODO: which answers of 1-5 are these words?")


def test_two_waves_of_one_survey_get_one_mapping() -> None:
    question = "How likely are you to recommend us, on a scale from 0 to 10?"
    waves = [pd.DataFrame({"wave": "1", question: [lowest, 5, 8, 9, 10] * 10}) for lowest in (0, 1)]
    assert inspected(waves[0]) == inspected(waves[1])
    assert inspected(waves[0])["items"]["nps"] == {"column": question}


def test_yes_and_no_the_test_of_the_nhs_and_durations_with_their_unit() -> None:
    words = [
        "Extremely likely",
        "Likely",
        "Neither likely nor unlikely",
        "Unlikely",
        "Extremely unlikely",
        "Don't know",
    ]
    frame = pd.DataFrame({
        "wave": "1", "Would you recommend our service?": words * 10, "Resolved": ["Y", "N", "Y"] * 20,
        "Recommended": ["yes", "no"] * 30, "Response Time (hours)": [1.5, 2, 3] * 20,
        "Speed of answer in seconds": [10, 20, 30] * 20, "Hold time": [1, 2, 3] * 20,
        "AvgTalkDuration": ["00:02:23", "0:10:00", "01:00:00"] * 20,
    })  # fmt: skip
    items = inspected(frame)["items"]
    assert items["fft"]["top"] == [4, 5]
    assert items["fft"]["labels"] == dict(zip(words, [5, 4, 3, 2, 1, 0], strict=True))
    assert items["solved"]["labels"] == {"Y": 1, "N": 0}
    assert items["recommended"]["labels"] == {"yes": 1, "no": 0}
    assert (items["first_response"]["unit"], items["wait_time"]["unit"]) == ("hours", "seconds")
    assert items["handling_time"] == {"column": "AvgTalkDuration"}  # in its own words, without a unit
    survey = cx.read(frame, answered(inspected(frame)))
    assert collect(survey.table)["handling_time"].tolist()[:3] == [pytest.approx(143 / 60), 10, 60]
    values = cx.estimate(cx.tally(survey, ["fft", "solved"], period="wave")).set_index("metric")["value"]
    assert (values["fft"], values["solved"]) == (pytest.approx(100 * 20 / 60), pytest.approx(100 * 40 / 60))


def test_people_have_many_values_and_are_never_a_dimension() -> None:
    rows = range(200)
    frame = pd.DataFrame({
        "wave": "1", "nps": [i % 11 for i in rows], "Customer Type": ["new", "old"] * 100,
        "Customer Age": [str(18 + i % 41) for i in rows], "User": [f"u{i % 70}" for i in rows],
        "Quantum (e.g. D-Wave)": ["Yes", "No"] * 100, "Contact ID": [f"a{i % 44}@example.org" for i in rows],
        "Line": [f"+49 30 1234{i % 20:03}" for i in rows],
    })  # fmt: skip
    text, data = inspect(frame), inspected(frame)
    assert (data["columns"]["respondent"], data["columns"]["wave"]) == ("User", "wave")
    assert {"customer_type", "customer_age"} <= set(data["dimensions"])
    assert "@example.org" not in text
    assert "+49" not in text
    assert "# Contact ID holds e-mail addresses, which say who someone is" in text
    assert "# Line holds telephone numbers" in text


def test_which_time_is_meant_is_asked_where_no_name_says_it() -> None:
    frame = pd.DataFrame({"Date of Purchase": ["2026-01-02", "2026-01-13"] * 20, "First Response Time":
                          ["2026-02-03 10:00:00", "2026-02-14 11:00:00"] * 20, "nps": [9, 0] * 20})  # fmt: skip
    asked = inspected(frame)["columns"]["time"]
    assert asked.startswith("TODO: which of these says when: ")
    assert "Date of Purchase" in asked
    assert "First Response Time" in asked
    short = pd.DataFrame({"survey_date": ["1/9/21", "25/12/2021"] * 20, "nps": [9, 0] * 20})
    assert inspected(short)["time_format"].startswith("TODO: survey_date: 20 times have years of two digits")


LISTS = ["price;speed", "price", "staff;price", "speed;staff", "staff", "price;speed;staff"] * 20


def test_lists_of_answers_are_one_question_with_several() -> None:
    frame = pd.DataFrame(
        {"date": "2026-10-01", "score": 9, "why": LISTS, "said": [v.replace(";", ", ") for v in LISTS]}
    )
    frame["city"] = ["Austin, TX", "Reno, NV", "Dallas, TX"] * 40  # a comma in a value makes no list
    data = inspected(frame)
    assert data["items"]["why"] == {"column": "why", "several": ";", "options": ["price", "staff", "speed"]}
    assert data["items"]["said"]["several"].startswith("TODO: said: are these several answers")
    assert list(data["dimensions"]) == ["city"]
    survey = cx.read(frame, answered(data) | {"items": {"why": data["items"]["why"]}, "kind": "transactional"})
    found = cx.estimate(cx.tally(survey, ["why"]), by=()).set_index("metric")["value"]
    assert found.to_dict() == {
        "why_price": pytest.approx(200 / 3),
        "why_speed": 50.0,
        "why_staff": pytest.approx(200 / 3),
    }


def test_columns_of_ticks_are_one_question_with_several() -> None:
    chosen = {"Which did you see? [A long title, part 1]": "A long title, part 1", "Which did you see? [B]": "B"}
    frame = pd.DataFrame({column: [text, None, "Not selected"] * 10 for column, text in chosen.items()})
    (item,) = inspected(frame.assign(Windows_7="Windows_7", Windows_8="Windows_8"))["items"].values()
    assert item == {"several": {text: column for column, text in chosen.items()}}
    long = {f"A title that is told apart by its end only, part {i}": f"Which? [{i}]" for i in (1, 2)}
    ticked = pd.DataFrame({"wave": ["1"], "Which? [1]": ["1"], "Which? [2]": ["0"]})
    mapping = {"kind": "transactional", "columns": {"wave": "wave"}, "items": {"seen": {"several": long}}}
    names = [f"seen_a_title_that_is_told_apart_by_it_{i}" for i in (1, 2)]
    assert list(cx.read(ticked, mapping).metrics) == names


@pytest.mark.parametrize(
    ("headers", "item", "codes"),
    [
        (["Promoters", "Passives (7-8)", "Detractors"], "nps", [10, 7, 0]),
        (["1 Extremely Likely SUM", "2 Likely SUM", "Neither likely nor unlikely", "Unlikely", "Extremely unlikely",
          "Don't Know"], "fft", [5, 4, 3, 2, 1, 0]),
        (["Very satisfied", "Satisfied", "Neutral", "Dissatisfied", "Very dissatisfied"], "csat", [5, 4, 3, 2, 1]),
    ],
)  # fmt: skip
def test_columns_that_count_answers_are_read_as_counts(headers: list[str], item: str, codes: list[int]) -> None:
    frame = pd.DataFrame({"Month": ["2026-01", "2026-02"] * 3, "Ward": list("abcdef")} | dict.fromkeys(headers, 7))
    data = inspected(frame)
    assert data["items"][item]["counts"] == dict(zip(headers, codes, strict=True))
    assert used(cx.read(frame, answered(data)))[item] == 42 * len(headers)


def test_columns_named_after_codes_are_asked_about() -> None:
    data = inspected(pd.DataFrame({"Year": "2026", "about": list("ab")} | {str(i): [3, 4] for i in range(1, 6)}))
    assert data["items"]["csat"]["counts"].startswith("TODO: do these columns say how often each answer was given?")


def test_rows_that_stand_for_several_answers() -> None:
    cells = [("2026-01", shop, score) for shop in "ab" for score in (0, 9, 10)]
    frame = pd.DataFrame(cells, columns=["month", "shop", "nps score"]).assign(n=[3, 50, 20, 1, 60, 9])
    data = inspected(frame)
    assert data["columns"] == {"time": "month", "count": "n"}
    assert used(cx.read(frame, answered(data)))["nps"] == 143
    twice = inspected(pd.concat([frame, frame]))
    assert twice["columns"]["count"].startswith("TODO: n (12 of 12 filled")
    assert "count" not in inspected(frame.assign(n=1))["columns"]


def test_a_row_for_each_question_is_read_as_one_for_each_response() -> None:
    asked = {"How likely are you to recommend us?": 11, "How satisfied are you?": 5}
    rows = [
        {"response_id": i, "date": f"2026-01-{i % 28 + 1:02d}", "brand": "AB"[i % 2], "question": q, "answer": i % m}
        for i in range(1, 61) for q, m in asked.items()
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    data = inspected(frame)
    assert data["long"] == {"question": "question", "answer": "answer", "per": "response_id"}
    assert {name: item["column"] for name, item in data["items"].items()} == dict(
        zip(["nps", "csat"], asked, strict=True)
    )
    assert (data["columns"], list(data["dimensions"])) == ({"time": "date", "response": "response_id"}, ["brand"])
    assert used(cx.read(frame, answered(data)))["nps"] == 60


def test_what_looks_like_an_item_and_is_none() -> None:
    """Each of these stood in a public export: ranks of Star Wars films as satisfaction, satisfaction on 1-4 as 1-5."""
    ranks = pd.DataFrame(
        {"Please rank the Star Wars films, 1 being your favourite [Episode V]": [1, 2, 3, 4, 5, 6] * 20}
    )
    assert "csat" not in inspected(ranks)["items"]
    four = inspected(pd.DataFrame({"JobSatisfaction": [1, 2, 3, 4] * 20}))["items"]["csat"]
    assert "Nobody says 5: of a scale of 1-4 write scale: [1, 4]" in four["reversed"]
    asked = inspected(pd.DataFrame({"ride_rating": [1, 2, 3, 4, 5] * 20}))["items"]["csat"]
    assert asked["reversed"].startswith("TODO: ride_rating (100 of 100 filled")
    serial = inspected(pd.DataFrame({"Start_Date_1": [str(42000 + i) for i in range(60)], "NPS": [9] * 60}))
    assert serial["columns"]["time"] == "Start_Date_1"
    twice = pd.DataFrame({"response_id": [*range(99), 1], "at": "2026-01-01", "NPS": [*range(10)] * 10})
    assert (inspected(twice)["columns"]["response"], "latest" in inspected(twice)) == ("response_id", False)
