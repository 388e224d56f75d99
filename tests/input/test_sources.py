"""Files, frames and tables: what is read, and what is refused rather than repaired."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import cxkit as cx
from cxkit.errors import CxError
from cxkit.input.databases import collect, connect
from cxkit.input.sources import FILE, open_source


def rows(source, folder: Path | None = None) -> list[dict[str, object]]:
    frame = collect(open_source(source, folder).table).drop(columns=FILE, errors="ignore")
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def refused(source, folder: Path | None = None) -> str:
    with pytest.raises(CxError) as error:
        open_source(source, folder)
    return str(error.value)


@pytest.fixture
def file(tmp_path: Path):
    def write(content: str | bytes, name: str = "survey.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# Delimited text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_the_encoding_is_found(file, encoding) -> None:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    path = file(f"{mark}nps,brand\r\n9,Söhne €\r\n".encode(encoding))
    assert rows(path) == [{"nps": "9", "brand": "Söhne €"}]


def test_an_encoding_can_be_declared_and_must_fit(file) -> None:
    path = file("nps,brand\n9,Łódź\n".encode("iso8859_2"))
    assert rows([{"path": str(path), "encoding": "iso8859_2"}]) == [{"nps": "9", "brand": "Łódź"}]
    assert "is not utf-8 text" in refused([{"path": str(path), "encoding": "utf-8"}])
    assert "is not utf-99 text: unknown encoding" in refused([{"path": str(path), "encoding": "utf-99"}])
    assert "is not cp1252 text" in refused(file(b"nps,brand\n9,\x81\n"))


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_separator_is_found(file, mark) -> None:
    assert rows(file(f"nps{mark}brand\n9{mark}A\n")) == [{"nps": "9", "brand": "A"}]


def test_a_decimal_comma_is_read_where_it_is_declared(file) -> None:
    path = file("nps;weight;said\n9;0,87;1,5 hours\n10;1,130;ok\n")
    assert rows([{"path": str(path), "decimal": ","}]) == [
        {"nps": "9", "weight": "0.87", "said": "1,5 hours"},
        {"nps": "10", "weight": "1.130", "said": "ok"},
    ]
    assert rows([{"path": str(path)}])[0]["weight"] == "0,87"
    assert "decimal: expected" in refused([{"path": str(path), "decimal": ";"}])


def test_a_declared_separator_wins(file) -> None:
    path = file("nps;brand, region\n9;A\n")
    assert rows([{"path": str(path), "separator": ";"}]) == [{"nps": "9", "brand, region": "A"}]
    told = refused([{"path": str(path), "separator": ","}])
    assert "CSV Error on Line: 2; Original Line: 9;A; Expected Number of Columns: 2 Found: 1" in told
    assert rows(path) == [{"nps": "9", "brand, region": "A"}]  # found too: it makes the most columns of most rows


def test_blanks_around_headers_are_removed(file) -> None:
    assert rows(file("  nps    , brand \n9,A\n")) == [{"nps": "9", "brand": "A"}]


def test_quotes_hold_separators_newlines_and_quotes(file) -> None:
    path = file('nps,"what\nelse"\n9,"a\nb, ""c"""\n8,5" screen\n')
    assert rows(path) == [{"nps": "9", "what\nelse": 'a\nb, "c"'}, {"nps": "8", "what\nelse": '5" screen'}]


def test_rows_that_look_like_comments_are_rows(file) -> None:
    assert [row["nps"] for row in rows(file("nps,brand\n9,A\n#7,B\n#8,C\n10,D\n"))] == ["9", "#7", "#8", "10"]
    assert rows(file("#,nps\n1,9\n2,10\n")) == [{"#": "1", "nps": "9"}, {"#": "2", "nps": "10"}]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("\n", "is empty, or its first line is; expected a header row"),
        ("nps,brand\n9,A\n7\n", "Line: 3; Original Line: 7; Expected Number of Columns: 2 Found: 1"),
        ("nps,brand\n9,A\n7,B,x\n", "Line: 3; Original Line: 7,B,x; Expected Number of Columns: 2 Found: 3"),
        ("My survey\nnps,brand\n9,A\n", "Line: 2"),  # a title is not skipped in silence
        ('nps,brand\n9,"A\n7,B\n', "unterminated quote"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(file, content, words) -> None:
    message = refused(file(content))
    assert message.startswith(str(file(content)))
    assert words in message


def test_a_header_alone_is_a_survey_without_answers(file) -> None:
    assert rows(file("nps,brand")) == []
    survey = cx.read(file("nps,brand\n"))
    assert survey.files[0]["rows"] == 0
    assert survey.refused.empty


def test_a_header_that_occurs_twice_or_not_at_all_gets_its_position(file) -> None:
    found = rows(file("nps,NPS ,,brand,\n9,1,x,A,y\n"))
    names = ["nps (column 1)", "NPS (column 2)", "column 3", "brand", "column 5"]
    assert found == [dict(zip(names, ["9", "1", "x", "A", "y"], strict=True))]
    with pytest.raises(
        CxError, match=r"the column 'nps' is not in .*expected one of: nps \(column 1\), nps \(column 2\)"
    ):
        cx.read(file("nps,nps\n9,1\n"), {"kind": "transactional", "items": {"nps": "nps"}})


def test_words_that_other_readers_take_for_nothing_are_text(file) -> None:
    assert [row["brand"] for row in rows(file("nps,brand\n9,NULL\n9,NA\n9,nan\n9,\n"))] == ["NULL", "NA", "nan", None]


# Other files ----------------------------------------------------------------------------------------------------------


def test_excel_is_read_as_text(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {" nps ": [9, None, "10 - Yes"], "when": [dt.datetime(2026, 10, 1), None, "x"], "w": [1.5, None, 2]}
    )
    with pd.ExcelWriter(tmp_path / "survey.xlsx") as book:
        frame.to_excel(book, sheet_name="first", index=False)
        pd.DataFrame({"nps": ["7"]}).to_excel(book, sheet_name="second", index=False)
    first = [
        {"nps": "9", "when": "2026-10-01 00:00:00", "w": "1.5"},
        {"nps": "10 - Yes", "when": "x", "w": "2"},  # the empty row between is no row
    ]
    assert rows("survey.xlsx", tmp_path) == first
    assert rows([{"path": "survey.xlsx", "sheet": "second"}], tmp_path) == [{"nps": "7"}]
    assert "has no sheet 'third'; expected one of: first" in refused(
        [{"path": "survey.xlsx", "sheet": "third"}], tmp_path
    )
    (tmp_path / "not.xlsx").write_text("nps\n9\n")
    assert "is not readable as an Excel workbook" in refused("not.xlsx", tmp_path)
    pd.DataFrame().to_excel(tmp_path / "empty.xlsx", index=False)
    assert "is empty; expected a header row" in refused("empty.xlsx", tmp_path)


def test_a_limit_of_memory_that_is_too_low_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nps\n" + "9\n" * 300_000)
    (tmp_path / "a.jsonl").write_text('{"nps": 9}\n' * 300_000)
    for name in ("a.csv", "a.jsonl"):
        with pytest.raises(CxError, match="memory: the limit is too low for these data"):
            open_source(name, tmp_path, memory="1MB")


def test_parquet_is_a_file_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for i in range(3):
        pd.DataFrame({"nps ": [i], "brand": ["A"]}).to_parquet(tmp_path / "parts" / f"{i}.parquet")
    assert rows("parts/0.parquet", tmp_path) == [{"nps": 0, "brand": "A"}]
    whole = open_source("parts", tmp_path)
    assert sorted(collect(whole.table)["nps"]) == [0, 1, 2]
    assert whole.files[0]["rows"] == 3
    assert whole.keep is None
    (tmp_path / "none").mkdir()
    assert "none: expected Parquet files in this folder, found none" in refused("none", tmp_path)
    (tmp_path / "bad.parquet").write_text("no")
    assert "is not readable as Parquet" in refused("bad.parquet", tmp_path)


def test_a_file_is_known_by_its_hash_and_rows(file) -> None:
    path = file("nps\n9\n8\n")
    (entry,) = open_source(path).files
    assert entry == {
        "path": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rows": 2,
        "layout": "plain",
    }


# Several files --------------------------------------------------------------------------------------------------------


def test_several_files_are_one_source_with_renames_and_constants(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Q7,brand\n9,A\n")
    (tmp_path / "b.csv").write_text("Q8 ;brand;extra\n7;B;x\n")
    files = [
        {"path": "a.csv", "wave": 2017, "rename": {"Q7": "nps"}},
        {"path": "b.csv", "wave": "2018", "rename": {"Q8": "nps"}, "constant": {"country": "NO"}},
    ]
    assert rows({"files": files}, tmp_path) == [
        {"nps": "9", "brand": "A", "wave": "2017", "extra": None, "country": None},
        {"nps": "7", "brand": "B", "wave": "2018", "extra": "x", "country": "NO"},
    ]
    assert open_source({"files": files}, tmp_path).lacking == {"extra": ["a.csv"], "country": ["a.csv"]}


def test_files_of_different_types_meet_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nps,code\n9,1\n")
    pd.DataFrame({"nps": [8.0], "code": [1]}).to_parquet(tmp_path / "b.parquet")
    assert rows(["a.csv", "b.parquet"], tmp_path) == [{"nps": "9", "code": "1"}, {"nps": "8.0", "code": "1"}]


def test_a_mapped_column_that_one_file_lacks_is_an_error_until_it_is_declared(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nps,region\n9,N\n")
    (tmp_path / "b.csv").write_text("nps,Regoin\n7,S\n")
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave"},
        "items": {"nps": "nps"},
        "dimensions": {"region": "region"},
    }
    files = [{"path": "a.csv", "wave": "1"}, {"path": "b.csv", "wave": "2"}]
    with pytest.raises(
        CxError, match=r"dimensions.region: the column 'region' is not in b.csv; did you mean 'Regoin'\?"
    ):
        cx.read(files, mapping, folder=tmp_path)
    files[1]["constant"] = {"region": ""}
    assert collect(cx.read(files, mapping, folder=tmp_path).table)["region"].tolist() == ["N", "(blank)"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a.csw", "a.csw: no such file"),
        ("notes.md", "cannot read .md; expected one of .csv, .tsv"),
        (
            [{"path": "a.csv", "rename": {"nsp": "x"}}],
            "rename: the column 'nsp' is not in the file; did you mean 'nps'?",
        ),
        ([{"path": "a.csv", "rename": {"nps": "brand"}}], "two columns would be named 'brand'"),
        ([{"path": "a.csv", "constant": {"brand": "A"}}], "two columns would be named 'brand'"),
        ([{"path": "a.csv", "wave": "1", "constant": {"wave": "2"}}], "wave: is also among the constants"),
        ([{"path": "a.csv", "sheet": "S"}], "`sheet` has no meaning for .csv files"),
        ([{"path": "p.parquet", "separator": ";"}], "`separator` has no meaning for .parquet files"),
        ([{"path": "p.parquet", "encoding": "utf-8"}], "`encoding` has no meaning for .parquet files"),
        ([{"path": "a.csv", "wav": "1"}], "source.files.0: wav: unknown key; did you mean 'wave'?"),
        ({"files": []}, "expected a path or a list `files`"),
        ({"files": "a.csv"}, "expected a path or a list `files`"),
        ({"files": ["a.csv"], "mapping": "x"}, "source.mapping: unknown key"),
    ],
)
def test_a_faulty_source_is_refused_in_words(tmp_path: Path, source, words) -> None:
    (tmp_path / "a.csv").write_text("nps,brand\n9,A\n")
    (tmp_path / "notes.md").write_text("nps\n9\n")
    pd.DataFrame({"nps": [9]}).to_parquet(tmp_path / "p.parquet")
    assert words in refused(source, tmp_path)


# Frames and tables ----------------------------------------------------------------------------------------------------


def test_frames_of_every_type_are_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "nps": pd.array([9, None, 11], dtype="Int64"),
            "brand": pd.Categorical(["A", None, "B"]),
            "paying": [True, False, True],
            "code": [1.0, np.nan, 2.5],
            "day": [dt.date(2026, 10, 1)] * 3,
            "at": pd.to_datetime(["2026-10-01T10:00Z"] * 3),
            "nothing": [None] * 3,
        },
        index=[5, 5, 7],
    )
    survey = cx.read(frame)
    found = collect(survey.table)
    assert found["nps"].isna().tolist() == [False, True, True]
    assert found["brand"].tolist() == ["A", "(blank)", "B"]
    assert found["paying"].tolist() == ["true", "false", "true"]
    assert found["code"].tolist() == ["1", "(blank)", "2.5"]  # as a text file writes them
    assert found["nothing"].tolist() == ["(blank)"] * 3
    assert survey.refused.to_dict("list") == {"item": ["nps"] * 2, "reason": ["empty", "outside 0-10: 11"], "n": [1, 1]}


def test_a_column_of_several_types_is_refused_by_name() -> None:
    assert "for column nps" in refused(pd.DataFrame({"nps": ["9", 9, 9.0]}))


def test_a_table_of_a_database_stays_where_it_is() -> None:
    connection = connect().backend
    connection.raw_sql("CREATE TABLE answers AS SELECT 9 AS nps, 'A' AS brand UNION ALL SELECT 3, NULL")
    survey = cx.read(connection.table("answers"))
    assert survey.files == [{"path": "answers", "rows": None}]
    assert survey.provenance["rows"] == 0
    assert sorted(collect(survey.table)["brand"]) == ["(blank)", "A"]
    table = connection.table("answers")
    assert cx.read(table.filter(table.nps > 5)).table.count().to_pyarrow().as_py() == 1
    memory = cx.read(ibis.memtable(pa.table({"nps": [9, 10]})))
    assert memory.table.count().to_pyarrow().as_py() == 2


# What a file says of itself, and what the mapping says of it ----------------------------------------------------------


def test_a_few_odd_bytes_are_read_counted_and_shown(file) -> None:
    text = "nps,brand\n" + "9,Söhne\n" * 400
    path = file(text.encode() + b"8,Caf\xe9\n" + "9,Söhne\n".encode() * 400)
    assert rows(path)[400] == {"nps": "8", "brand": "Caf\ufffd"}
    (note,) = open_source(path).files[0]["notes"]
    assert note == "1 bytes are no utf-8 and were read as \ufffd, in line 402"
    told = open_source({"path": str(path), "encoding": "utf-8"})
    assert told.files[0]["notes"] == [note]


@pytest.mark.parametrize("text", ["sep=;\r\nnps;brand\r\n9;A\r\n", '"sep=;"\nnps;brand\n9;A\n', "nps,brand\r\n9,A\n"])
def test_a_line_that_says_the_separator_is_no_header(file, text) -> None:
    assert rows(file(text)) == [{"nps": "9", "brand": "A"}]


def test_lines_that_end_in_several_ways_are_lines(file) -> None:
    found = rows(file("nps,brand\r\n9,A\n8,B\r7,C\r\n"))
    assert [row["nps"] for row in found] == ["9", "8", "7"]


def test_the_other_sheets_of_a_workbook_are_named_and_the_mapping_names_one(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "two.xlsx") as book:
        pd.DataFrame({"Read me": ["x"]}).to_excel(book, sheet_name="About", index=False)
        pd.DataFrame({"nps": [9] * 30}).to_excel(book, sheet_name="Data", index=False)
    path = str(tmp_path / "two.xlsx")
    assert open_source(path).files[0]["sheets"] == {"About": 2, "Data": 31}
    assert 'sheet: "TODO: which sheet holds the answers? The first of About (2 rows), Data' in cx.inspect(path)
    text = cx.inspect({"path": path, "sheet": "Data"})
    assert 'sheet: "Data"' in text
    mapping = {"kind": "relationship", "items": {"nps": "nps"}, "sheet": "Data"}
    assert cx.read(path, mapping).provenance["rows"] == 30
    frame = tmp_path / "one.csv"
    frame.write_text("nps\n9\n")
    with pytest.raises(CxError, match=r"sheet: the mapping declares it, and it has no meaning for .*one\.csv"):
        cx.read(str(frame), mapping)
    with pytest.raises(CxError, match=r"sheet: says how a file is read, and the source is none"):
        cx.read(pd.DataFrame({"nps": [9]}), mapping)
    with pytest.raises(CxError, match=r"header_row: expected a row such as 3, or rows one below the other"):
        cx.read(str(frame), mapping | {"sheet": None, "header_row": [3, 1]})
