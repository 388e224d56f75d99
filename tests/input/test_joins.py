"""Tables joined to the responses: against pandas, whatever the keys are like; no response is added or lost."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import cxkit as cx
from cxkit.runs.history import inputs, named
from cxkit.runs.params import load
from cxkit.runs.prepare import told

ANSWERS = pd.DataFrame({
    "id": [f"r{i}" for i in range(8)],
    "when": "2026-10-05",
    "who": ["a", "b", "c", "d", "e", "f", "g", "h"],
    "score": ["5", "4", "1", "5", "2", "3", "4", "5"],
    "ticket": ["1", "2", "3", "4", "", "99", "5", "1"],  # of two answers about one ticket both get its row
})  # fmt: skip
TICKETS = pd.DataFrame({
    "number": ["1", "2", "3", "4", "5", "5", "", "7"],  # 5 is there twice, 7 belongs to nobody
    "opened": "2026-10-01 10:00",
    "replied": ["2026-10-01 10:00:30", "2026-10-01 10:05", "2026-10-01 11:00", "2026-10-01 09:00", "2026-10-01 10:01",
                "2026-10-01 10:02", "2026-10-01 10:03", "2026-10-01 10:04"],
    "team": ["North", "North", "South", "", "x", "y", "z", "z"],
})  # fmt: skip


def mapping(**join: Any) -> dict[str, Any]:
    return {
        "kind": "transactional",
        "columns": {"response": "id", "respondent": "who", "time": "when"},
        "joins": {"tickets": {"source": "tickets.csv", "key": {"ticket": "number"}, **join}},
        "items": {"csat": "score", "first_response": {"from": "tickets.opened", "to": "tickets.replied"}},
        "dimensions": {
            "reply": {"item": "first_response", "bands": ["1 min", "5 min", "60 min"]},
            "team": "tickets.team",
        },
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ANSWERS.to_csv(tmp_path / "answers.csv", index=False)
    TICKETS.to_csv(tmp_path / "tickets.csv", index=False)
    return tmp_path


def rows(survey: cx.Responses) -> pd.DataFrame:
    return survey.table.to_pyarrow().to_pandas().sort_values("response", ignore_index=True)


EXPECTED = {  # by hand: 0.5, 5 and 60 minutes; 4 runs backwards, 5 is ambiguous
    "minutes": [0.5, 5.0, 60.0, None, None, None, None, 0.5],
    "reply": ["under 1 min", "5 min to under 60 min", "60 min or more", *["(blank)"] * 4, "under 1 min"],
    "team": ["North", "North", "South", *["(blank)"] * 4, "North"],
}


def check(survey: cx.Responses) -> None:
    found = rows(survey)
    assert found["csat"].tolist() == ANSWERS["score"].astype(float).tolist()
    assert found["first_response"].astype(object).where(
        found["first_response"].notna(), None
    ).tolist() == pytest.approx(EXPECTED["minutes"])
    assert found["reply"].tolist() == EXPECTED["reply"]
    assert found["team"].tolist() == EXPECTED["team"]
    assert survey.provenance["rows"] == len(ANSWERS)
    (facts,) = survey.joins.values()
    assert facts == {
        "key": "ticket", "rows": 8, "blank": 1, "repeated": 2, "responses": 8, "found": 5, "keyless": 1, "used": 4,
    }  # fmt: skip


def test_each_response_gets_the_one_row_of_its_key_and_none_is_added_or_lost(folder: Path) -> None:
    survey = cx.read("answers.csv", mapping(), folder=folder)
    check(survey)
    refused = survey.refused.set_index(["item", "reason"])["n"].to_dict()
    assert refused["first_response", "tickets.replied lies before tickets.opened"] == 1
    assert refused["first_response", "no time in tickets.opened"] == 3
    assert survey.mapping.dimensions["reply"].values == [
        "under 1 min", "1 min to under 5 min", "5 min to under 60 min", "60 min or more",
    ]  # fmt: skip


def test_the_order_of_rows_decides_nothing(folder: Path) -> None:
    TICKETS.iloc[::-1].to_csv(folder / "tickets.csv", index=False)
    check(cx.read("answers.csv", mapping(), folder=folder))


@pytest.mark.parametrize("kind", ["parquet", "duckdb", "sqlite"])
def test_tables_are_joined_where_they_are(folder: Path, kind: str) -> None:
    source: Any = "answers.parquet"
    theirs: Any = "tickets.parquet"
    if kind == "parquet":
        ANSWERS.to_parquet(folder / source)
        TICKETS.to_parquet(folder / theirs)
    elif kind == "duckdb":
        with duckdb.connect(str(folder / "crm.duckdb")) as base:
            for name, frame in (("answers", ANSWERS), ("tickets", TICKETS)):
                base.register("frame", frame)
                base.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    else:
        base = sqlite3.connect(folder / "crm.sqlite")
        ANSWERS.to_sql("answers", base, index=False)
        TICKETS.to_sql("tickets", base, index=False)
        base.close()
    if kind != "parquet":
        source, theirs = ({"url": f"{kind}://crm.{kind}", "table": name} for name in ("answers", "tickets"))
    check(cx.read(source, mapping(source=theirs), folder=folder))


def test_of_several_rows_the_latest_before_a_moment_counts(folder: Path) -> None:
    events = pd.DataFrame({
        "number": ["1", "1", "1", "2"],
        "changed": ["2026-10-01", "2026-10-03", "2026-10-09", "2026-10-09"],
        "team": ["old", "new", "too late", "too late"],
    })  # fmt: skip
    events.to_csv(folder / "tickets.csv", index=False)
    data = mapping(latest="changed", before="2026-10-05")
    del data["items"]["first_response"], data["dimensions"]["reply"]
    survey = cx.read("answers.csv", data, folder=folder)
    assert rows(survey)["team"].tolist() == ["new", *["(blank)"] * 6, "new"]
    assert survey.joins["tickets"]["later"] == 2


def test_bands_cut_numbers_of_a_column_and_of_an_item() -> None:
    frame = pd.DataFrame({"wave": "a", "score": [5, 1, 4], "age": [17.5, 18, 80]})
    data = {
        "kind": "relationship",
        "columns": {"wave": "wave"},
        "items": {"csat": "score"},
        "dimensions": {"age": {"column": "age", "bands": [18, 65]}, "class": {"item": "csat", "bands": [3]}},
    }
    found = cx.read(frame, data).table.to_pyarrow().to_pandas()
    assert found["age"].tolist() == ["under 18", "18 to under 65", "65 or more"]
    assert found["class"].tolist() == ["3 or more", "under 3", "3 or more"]


FAULTS = {
    "a key that the responses lack": ({"key": {"tikket": "number"}}, {}, "'tikket' is not in the responses; .*ticket"),
    "a key that the table lacks": ({"key": "ticket"}, {}, r"joins.tickets: the column 'ticket' is not in tickets.csv"),
    "a latest that the table lacks": ({"latest": "changed"}, {}, "'changed' is not in tickets.csv"),
    "an unknown table": ({}, {"dimensions": {"team": "ticket.team"}}, "dimensions.team: .*mean 'tickets.team'"),
    "an unknown column": ({}, {"dimensions": {"team": "tickets.taem"}}, "dimensions.team: .*mean 'tickets.team'"),
    "no such file": ({"source": "tikets.csv"}, {}, "tikets.csv: no such file"),
    "before without latest": ({"before": "2026-10-05"}, {}, "before: says which rows are too late"),
    "no moment": ({"latest": "opened", "before": "May"}, {}, "before: expected a moment such as"),
    "another database": ({"source": {"url": "sqlite://x.sqlite", "table": "t"}}, {}, "joined where they are"),
    "counts": ({}, {"columns": {"wave": "when", "count": "score"}}, "joins: give a response a row of another"),
    "bands without ends in order": (
        {}, {"dimensions": {"reply": {"item": "first_response", "bands": ["5 min", "60 s"]}}}, "the lowest first"),
    "bands of another kind": (
        {}, {"dimensions": {"reply": {"item": "first_response", "bands": [5]}}}, "expected times such as 5 min"),
    "bands of no item": ({}, {"dimensions": {"reply": {"item": "nps", "bands": [5]}}}, "'nps' is no item"),
    "an item without bands": ({}, {"dimensions": {"reply": {"item": "csat"}}}, "bands: or labels are needed"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_does_not_fit_is_refused_in_words(name: str, folder: Path) -> None:
    join, other, words = FAULTS[name]
    with pytest.raises(cx.CxError, match=words):
        cx.read("answers.csv", mapping(**join) | other, folder=folder)


def test_a_column_of_the_responses_with_the_name_of_a_joined_one_is_refused(folder: Path) -> None:
    ANSWERS.assign(**{"tickets.team": "x"}).to_csv(folder / "answers.csv", index=False)
    with pytest.raises(cx.CxError, match=r"joins.tickets: 'tickets.team' is a column of the responses, too"):
        cx.read("answers.csv", mapping(), folder=folder)


def write(folder: Path, data: dict[str, Any]) -> Path:
    file = folder / "params" / "joined.yaml"
    file.parent.mkdir(exist_ok=True)
    keys = {"name": "joined", "title": "Joined", "source": "answers.csv", "mapping": data, "metrics": ["csat"],
            "now": "2026-10", "as_of": "2026-11-15", "segments": ["team"]}  # fmt: skip
    file.write_text(json.dumps(keys), encoding="utf-8")
    return file


def test_what_found_no_partner_is_told_first(folder: Path) -> None:
    lines, odd = told(load(write(folder, mapping())))
    assert (
        "joins: tickets: responses that found a row: 5 of 8 (62.5 %); 1 have no ticket, "
        + ("2 one that is not there or not once")
        in lines
    )
    assert (
        "joins: tickets: rows that a response names: 4 of 8 (50.0 %); 1 without a key and 2 that share theirs "
        + ("with another row are joined to none")
        in lines
    )
    assert {(row["code"], row["weight"]) for row in odd if row["about"] == "tickets"} == {
        ("keys not found", "look"), ("keys repeat", "stop"),
    }  # fmt: skip
    _, odd = told(load(write(folder, mapping() | {"accept": {"tickets": ["keys repeat", "keys not found"]}})))
    assert {row["weight"] for row in odd if row["about"] == "tickets"} == {"record"}


def test_a_key_that_joins_nothing_stops_a_run(folder: Path) -> None:
    TICKETS.assign(number="T" + TICKETS["number"]).to_csv(folder / "tickets.csv", index=False)
    _, odd = told(load(write(folder, mapping())))
    assert [row["words"] for row in odd if row["code"] == "nothing joined"] == [
        "tickets: no response finds a row of this table by its key"
    ]


def test_refused_rows_are_numbered_as_in_the_file_of_the_responses(folder: Path) -> None:
    ANSWERS.assign(score=["5", "4", "1", "5", "2", "3", "4", "11"]).to_csv(folder / "answers.csv", index=False)
    lines, _ = told(load(write(folder, mapping())))
    assert "refused: csat: outside 1-5: 11: 1, first in rows 8" in lines


def test_a_run_knows_a_joined_file_as_an_input(folder: Path) -> None:
    """Else a page would be taken for the same one when the tickets have changed."""
    params = load(write(folder, mapping()))
    before = inputs(params, folder / "work")
    assert folder / "tickets.csv" in named(params)
    TICKETS.assign(team="other").to_csv(folder / "tickets.csv", index=False)
    assert "" != before != inputs(params, folder / "work")
