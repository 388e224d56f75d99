"""The mapping assistant: what it finds by itself, what it asks, and that its answers make a mapping that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from exports import EXPORTS, NPS, google_forms, table, zendesk

import cxkit as cx
from cxkit.data.evidence import look
from cxkit.data.inspection import inspect
from cxkit.data.sources import collect, open_source
from cxkit.strict import parse_yaml

REAL = Path(__file__).parents[2].parent / "shared" / "data"
VENDORS = ("qualtrics", "surveymonkey", "google_forms", "typeform", "zendesk", "spss")
ANSWERS = {  # what a person would say, by the last part of the key
    "kind": "relationship", "timezone": "Europe/Berlin", "reversed": False, "better": "higher", "wave": "wave",
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


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendors_export_gives_a_mapping_that_runs_once_it_is_answered(name: str, tmp_path: Path) -> None:
    path = EXPORTS[name](tmp_path)
    data = inspected(path)
    with pytest.raises(cx.CxError, match=r"mapping: \w+.*: TODO: .*\n.*answer what says TODO"):
        cx.read(path, data)
    survey = cx.read(path, answered(data))
    tallies = cx.tally(survey, list(survey.metrics), by=list(survey.mapping.dimensions)[:1])
    assert "csat" in tallies.metrics if name == "zendesk" else "nps" in tallies.metrics
    assert tallies.counts["n"].sum() > 0


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


def test_evidence_counts_what_the_column_holds() -> None:
    frame = pd.DataFrame({"a": ["9", " 10 ", "x", None, "10.0"], "b": [1.5, 2, None, None, 2], "c": [None] * 5})
    a, b, c = look(open_source(frame).table)
    assert (a.filled, a.distinct, a.numbers, a.low, a.high) == (4, 4, 3, 9, 10)
    assert (b.filled, b.distinct, b.whole, dict(b.values)) == (3, 2, 2, {"2": 2, "1.5": 1})
    assert (c.filled, c.rows) == (0, 5)


@pytest.mark.skipif(not (REAL / "sfo").exists(), reason="the public files are not beside this folder")
class TestRealFiles:
    def test_code_11_of_the_airport_survey_is_suspicious(self) -> None:
        path = REAL / "sfo/2017_SFO_Customer_Survey.csv"
        data = inspected(path)
        assert data["items"]["nps"]["column"] == "NETPRO"
        (question,) = data["items"]["nps"]["missing"].values()
        assert question.startswith("TODO: 84 answers are 11, outside 0-10")
        assert (data["columns"]["response"], data["columns"]["weight"]) == ("RESPNUM", "WEIGHT")
        source = {"files": [{"path": str(path), "wave": "2017"}]}
        survey = cx.read(source, answered(data))
        # 2,746 bases and one empty answer, as the airport's own report and a plain count of the file have it
        assert collect(survey.table)["nps"].notna().sum() == 2746
        assert survey.refused.query("item == 'nps'").set_index("reason")["n"].to_dict() == {
            "declared missing: 11 (blank)": 84,
            "empty": 1,
        }
        assert cx.tally(survey, ["nps"], period="wave").counts["n"].sum() == 2746

    @pytest.mark.parametrize("year", ["2018", "2020"])
    def test_the_surveymonkey_exports(self, year: str) -> None:
        (path,) = (REAL / "surveymonkey").glob(f"*{year}_results*.csv")
        data = inspected(path)
        assert data["columns"]["time"] == "End Date"
        assert data["columns"]["response"] == "Respondent ID"
        # neither survey asks for a recommendation; the person who is asked names the 1-5 question, 1 being best
        assert data["items"] == {"nps": "TODO: no column looks like a question that the kit knows; name one"}
        critical = next(c for c in open_source(path).table.columns if "how business-critical is your open source" in c)
        codes = {value: int(value[0]) for value in _values(path, critical)}
        item = {"column": critical, "labels": codes, "reversed": True}
        survey = cx.read(path, answered(data) | {"items": {"csat": item}, "dimensions": {}})
        assert cx.tally(survey, ["csat"], period="year").periods == [year]


def _values(path: Path, column: str) -> list[str]:
    return sorted(collect(open_source(path).table.select(v=column).distinct())["v"].dropna())


def test_nps_is_named_by_its_question_too(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text(table([["wave", NPS, "score"], *(["1", "9", str(i % 11)] for i in range(40))]))
    assert inspected(path)["items"]["nps"]["column"] == NPS
