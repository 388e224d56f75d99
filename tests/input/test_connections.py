"""What a query may reach: the named files, nothing else, and no password on the way."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import cxkit as cx
from cxkit.input.databases import collect, connect, readable, without_password
from cxkit.inspection.draft import inspect

MAPPING = {"kind": "transactional", "columns": {"wave": "wave"}, "items": {"nps": "nps"}}


def refused(source: Any, folder: Path | None = None) -> str:
    with pytest.raises(cx.CxError) as raised:
        cx.read(source, MAPPING, folder=folder)
    return str(raised.value)


def test_a_connection_reaches_the_named_files_only_and_stays_so(tmp_path: Path) -> None:
    for name in ("named.csv", "other.csv"):
        (tmp_path / name).write_text("a\n1\n")
    (tmp_path / "folder").mkdir()
    pd.DataFrame({"a": [2]}).to_parquet(tmp_path / "folder" / "p.parquet")
    backend, doors = connect(files=[tmp_path / "named.csv", tmp_path / "folder"])
    assert backend.raw_sql(f"SELECT * FROM read_csv('{doors[0]}')").fetchall() == [(1,)]
    assert backend.raw_sql(f"SELECT a FROM read_parquet('{doors[1]}/**/*.parquet')").fetchall() == [(2,)]
    inside = f"{doors[0].parent}/../{tmp_path.relative_to('/')}/other.csv"
    for query in (
        f"SELECT * FROM read_csv('{tmp_path}/other.csv')",
        f"SELECT * FROM read_text('{inside}')",
        f"SELECT * FROM read_text('{doors[1]}/../../other.csv')",
        f"SELECT * FROM glob('{tmp_path}/*')",
        "SELECT * FROM read_text('/etc/hostname')",
        f"ATTACH '{tmp_path}/new.duckdb'",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM 'https://example.org/x.csv'",
        "SET enable_external_access=true",
        "SET allowed_directories=['/']",
        "SET memory_limit='1TB'",
        "RESET lock_configuration",
    ):
        with pytest.raises(duckdb.Error):
            backend.raw_sql(query).fetchall()
    frame = pd.DataFrame({"a": [7]})
    with pytest.raises(duckdb.Error):  # nor a variable of the program by its name
        backend.raw_sql("SELECT * FROM frame").fetchall()
    assert len(frame) == 1


def test_the_folder_of_a_connection_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    backend, doors = connect(files=[tmp_path / "a.csv"])
    folder = doors[0].parent
    assert folder.stat().st_mode & 0o777 == 0o700
    del backend
    assert not folder.exists()
    assert (tmp_path / "a.csv").exists()


def test_a_view_of_a_duckdb_file_cannot_read_files(tmp_path: Path) -> None:
    (tmp_path / "private.csv").write_text("wave,nps\n1,9\n")
    with duckdb.connect(tmp_path / "a[1].duckdb") as database:
        database.execute("CREATE TABLE t AS SELECT '1' AS wave, 9 AS nps")
        database.execute("CREATE VIEW fine AS SELECT * FROM t")
        database.execute(f"CREATE VIEW spy AS SELECT * FROM read_csv('{tmp_path}/private.csv')")
    url = "duckdb://a[1].duckdb"
    survey = cx.read({"url": url, "table": "fine"}, MAPPING, folder=tmp_path)
    assert collect(survey.table)["nps"].tolist() == [9.0]
    words = refused({"url": url, "table": "spy"}, tmp_path)
    assert "cannot be read" in words
    again = cx.read({"url": url, "sql": "SELECT * FROM t"}, MAPPING, folder=tmp_path)  # twice in one process
    assert collect(again.table)["nps"].tolist() == [9.0]
    assert "disabled by configuration" in refused({"url": "DuckDB://a[1].duckdb", "table": "spy"}, tmp_path)
    for other in (f"file://{tmp_path}/a[1].duckdb", "md://a[1].duckdb", "a[1].duckdb://"):
        assert "no database is called so" in refused({"url": other, "table": "spy"}, tmp_path)


@pytest.mark.parametrize(
    "name", ["v?1.duckdb", "v#1.duckdb", "x:y@z.duckdb", "Memory.duckdb", "main.duckdb", "v?2.db", "v#2.db"]
)
def test_the_path_of_a_database_is_a_path(name: str, tmp_path: Path) -> None:
    """Nothing in it is an option, and the file beside it that an address would name is another one."""
    scheme = "sqlite" if name.endswith(".db") else "duckdb"
    for path, score in ((name, 9), ("v", 1)):
        base = sqlite3.connect if scheme == "sqlite" else duckdb.connect
        with closing(base(tmp_path / path)) as database:
            database.execute("CREATE TABLE t (wave VARCHAR, nps INT)")
            database.execute(f"INSERT INTO t VALUES ('1', {score})")
            if scheme == "sqlite":
                database.commit()
    survey = cx.read({"url": f"{scheme}://{name}", "table": "t"}, MAPPING, folder=tmp_path)
    assert collect(survey.table)["nps"].tolist() == [9.0]
    assert survey.files[0]["path"] == f"{scheme}://{name}"


def test_a_view_that_breaks_on_its_data_is_told_in_words(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "v.duckdb") as database:
        database.execute("CREATE VIEW t AS SELECT CAST(word AS INT) AS nps, '1' AS wave FROM (VALUES ('x')) v(word)")

    @readable
    def read() -> None:
        survey = cx.read({"url": "duckdb://v.duckdb", "table": "t"}, MAPPING, folder=tmp_path)
        collect(survey.table)

    with pytest.raises(cx.CxError, match=r"v\.duckdb: (t: )?cannot be read"):
        read()


def test_nothing_is_downloaded_for_a_file_of_another_kind(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "s.duckdb")) as base:
        base.execute("CREATE TABLE t (wave, nps)")
        base.commit()
    words = refused({"url": "duckdb://s.duckdb", "table": "t"}, tmp_path)
    assert "cannot be opened" in words
    assert "extension" not in words


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE t",
        "SELECT 1; DROP TABLE t",
        "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
        "INSERT INTO t VALUES ('1', 9)",
        "SELECT * INTO copy FROM t",
        "SELECT * FROM t FOR UPDATE",
        "ATTACH '/tmp/x' AS y",
        "COPY t TO '/tmp/x.csv'",
        "PRAGMA table_info('t')",
        "SET memory_limit='1GB'",
        "CREATE TABLE x AS SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "-- nothing",
        ";",
        "SELECT (" * 3000,
    ],
)
@pytest.mark.parametrize("scheme", ["duckdb", "sqlite", "postgres"])
def test_sql_is_one_statement_that_reads(sql: str, scheme: str, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "a.duckdb") as database:
        database.execute("CREATE TABLE t AS SELECT '1' AS wave, 9 AS nps")
    words = refused({"url": f"{scheme}://a.duckdb", "sql": sql}, tmp_path)
    assert "one statement that reads" in words


def test_an_sqlite_file_works_whatever_its_cells_hold(tmp_path: Path) -> None:
    rows = [("1", 9), ("1", "10"), ("1", 3.0), ("1", b"7"), ("1", None), ("1", "x"), ("2", 11)]
    with closing(sqlite3.connect(tmp_path / "crm [1].db")) as database:
        database.execute('CREATE TABLE "an answer" (wave TEXT, nps INTEGER)')
        database.executemany('INSERT INTO "an answer" VALUES (?, ?)', rows)
        database.commit()
    url = "sqlite://crm [1].db"
    for what in ({"table": "an answer"}, {"sql": 'SELECT * FROM "an answer"'}):
        survey = cx.read({"url": url, **what}, MAPPING, folder=tmp_path)
        assert sorted(collect(survey.table)["nps"].dropna()) == [3.0, 7.0, 9.0, 10.0]
        assert survey.files == [{"path": url, **what, "rows": 7}]
        assert len(cx.estimate(cx.tally(survey, ["nps"], period="wave"))) == 1
    assert "has no table 'answers'; did you mean 'an answer'?" in refused({"url": url, "table": "answers"}, tmp_path)
    spy = "SELECT load_extension('/tmp/x.so')"
    assert "cannot be opened" in refused({"url": url, "sql": spy}, tmp_path)
    (tmp_path / "not.db").write_bytes(b"no database at all" * 100)
    assert "not a database" in refused({"url": "sqlite://not.db", "table": "t"}, tmp_path)


ADDRESSES = [
    "postgres://ann:{}@127.0.0.1:1/crm",
    "postgres://ann:{}@127.0.0.1:1/crm?sslmode=disable",
    "postgres://127.0.0.1:1/crm?user=ann&password={}",
    "mysql://ann:{}@127.0.0.1:1/crm",
    "nosuch://ann:{}@127.0.0.1/crm",
    "postgres:ann:{}@127.0.0.1/crm",
    "host=127.0.0.1 user=ann password={}",
    "jdbc:postgresql://127.0.0.1:1/crm?user=ann&password={}",
    "sqlite://ann:{}@127.0.0.1/crm",
    "duckdb://crm.duckdb?token={}",
    "postgres://[ann:{}@127.0.0.1/crm",
]
PASSWORDS = ["hunter2secret", "hun/ter2secret", "hun?ter2secret", "hun#ter2secret", "hun@ter2secret",
             "hun%40ter2secret", "hun[ter2secret", "hun'ter2secret", 'hun"ter2secret', "hun ter2secret",
             "hün:ter2secret"]  # fmt: skip


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("form", ADDRESSES)
def test_no_error_quotes_a_password(form: str, password: str, tmp_path: Path) -> None:
    url = form.format(password)
    shapes: list[Any] = [{"url": url, "table": "t"}, {"url": url}, {"url": url, "tabel": "t"}]
    shapes += [[url], {"files": [{"path": 1, "wave": url}]}] if "@" in url else []
    for source in shapes:
        told = refused(source, tmp_path)
        assert "ter2secret" not in told, told
    if "@" in url:
        for told in (refused(url), _inspected(url)):
            assert "ter2secret" not in told, told
    assert "ter2secret" not in without_password(url)


def _inspected(url: str) -> str:
    with pytest.raises(cx.CxError) as raised:
        inspect(url)
    return str(raised.value)
