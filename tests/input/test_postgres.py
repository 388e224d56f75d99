"""The same tally on PostgreSQL and on DuckDB: a server of its own, on loopback, in a private folder."""

from __future__ import annotations

import io
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.inspection.draft import inspect
from cxkit.tallies.raking import raked

PASSWORD = "sesame-7f3a"  # of the server that this test starts and stops


def programs() -> Path | None:
    """The folder of the newest server of Debian's package, which is not on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    onpath = shutil.which("initdb")
    return found[-1].parent if found else Path(onpath).parent if onpath else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    binaries = programs()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    folder, port = Path(tempfile.mkdtemp(prefix="cxkit-pg-")), free_port()
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def do(program: str, *options: str) -> None:
        command = [str(binaries / program), *options]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=120, **as_user)

    secret, data = folder / "password", str(folder / "data")
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    settings = (
        f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories='' -c fsync=off -c timezone=Asia/Tokyo"
    )
    try:
        do("initdb", "-D", data, "-U", "ann", f"--pwfile={secret}", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync")
        do("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start")
        yield f"postgres://ann:{PASSWORD}@127.0.0.1:{port}/postgres"
        do("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answers(n: int = 6000) -> pd.DataFrame:
    """Weighted answers of repeat customers in shops, with blanks, codes and weights that no float holds exactly."""
    rng = np.random.default_rng(20261101)
    start = pd.Timestamp("2026-07-31 20:00", tz="UTC")
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "at": start + pd.to_timedelta(rng.integers(0, 92 * 24 * 60, n), unit="min"),
            "who": pd.Series(rng.integers(0, n // 4, n)).map("c{}".format).mask(rng.random(n) < 0.03),
            "shop": pd.Series(rng.integers(0, 80, n)).map("s{}".format).mask(rng.random(n) < 0.02),
            "brand": rng.choice(["Söhne & Co", "B", " C ", ""], n),
            "segment": rng.choice([1, 2, 3], n),
            "weight": rng.uniform(0.1, 3.0, n),
            "score": rng.choice([0, 3, 6, 7, 8, 9, 10, 11, 99], n).astype(float),
            "satisfied": rng.integers(1, 6, n),
        }
    )
    score, took = frame["score"].mask(rng.random(n) < 0.05), pd.to_timedelta(rng.integers(0, 9000, n), unit="min")
    return frame.assign(score=score, done=(frame["at"] + took).mask(rng.random(n) < 0.1))


@pytest.fixture(scope="module")
def filled(server: str) -> str:
    import psycopg

    frame = answers()
    text = io.StringIO()
    frame.to_csv(text, index=False, header=False, na_rep="\\N")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE answers (id bigint, at timestamptz, who text, shop text, brand text, segment smallint,"
            " weight double precision, score double precision, satisfied integer,"
            " done timestamptz)"
        )
        with connection.cursor().copy("COPY answers FROM STDIN (FORMAT csv, NULL '\\N')") as copy:
            copy.write(text.getvalue())
        connection.execute("CREATE SCHEMA old")
        connection.execute("CREATE TABLE old.answers AS SELECT * FROM answers WHERE id < 100")
    return server


def mapping(kind: str, **roles: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "timezone": "America/New_York",
        "columns": {"response": "id", "time": "at", "weight": "weight", **roles},
        "items": {"nps": {"column": "score", "missing": {99: "refused"}}, "csat": "satisfied"},
        "dimensions": {"brand": "brand", "segment": {"column": "segment", "labels": {1: "one", 2: "two"}}},
    }


MAPPINGS = {
    "repeat customers": mapping("transactional", respondent="who"),
    "clusters": mapping("transactional", respondent="who", cluster="shop"),
    "strata": mapping("transactional", respondent="who", cluster="shop", stratum="segment"),
    "latest answer": mapping("relationship", respondent="who"),
    "who comes back, and business hours": {
        **mapping("transactional"),
        "columns": {"response": "id", "respondent": "who", "time": "at"},
        "business": {"hours": "Mon-Fri 09:00-17:30", "holidays": ["2026-09-07"]},
        "items": {
            "again": {"measure": "again", "within": "7 days", "open_until": "2026-11-08"},
            "once": {
                "measure": "once",
                "within": "7 days",
                "open_until": "2026-11-08",
                "unless": {"done": ["(blank)"]},
            },
            "full_resolution": {"from": "at", "to": "done", "open_until": "2026-11-08", "business": True},
        },
    },
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_tally_on_postgresql_is_that_of_duckdb(filled: str, name: str) -> None:
    found = []
    for source in ({"url": filled, "table": "answers"}, answers()):
        survey = cx.read(source, MAPPINGS[name])
        found.append((survey.refused, cx.tally(survey, list(survey.metrics), by=["brand", "segment"], rest=True)))
    (refused, there), (refused_here, here) = found
    assert refused.to_dict("records") == refused_here.to_dict("records")
    assert (there.periods, there.values) == (here.periods, here.values)
    assert len(there.counts) > 500
    assert len(there.pairs) > 0
    for part in ("counts", "sums", "pairs"):
        a, b = getattr(there, part), getattr(here, part)
        pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=1e-9, atol=1e-9)


def test_what_is_odd_on_postgresql_is_odd_in_duckdb(filled: str) -> None:
    told = []
    for source in ({"url": filled, "table": "answers"}, answers()):
        survey = cx.read(source, MAPPINGS["repeat customers"])
        facts = cx.audit(survey, cx.tally(survey, ["nps", "csat"], by=["brand"], rest=True))
        told.append({part: facts[part].to_dict("records") for part in ("remarks", "checks", "respondents", "waves")})
    assert told[0] == told[1]


def shapes() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(14)
    day = rng.choice(["2026-08-03", "2026-09-05"], 300)
    long = pd.DataFrame({"who": np.arange(300) // 2, "q": np.where(np.arange(300) % 2, "NPS", "SAT"),
                         "a": rng.integers(1, 6, 300), "at": np.repeat(day[:150], 2)})  # fmt: skip
    wide = pd.DataFrame({"at": day, "n": rng.integers(0, 40, 300), "score": rng.integers(0, 11, 300),
                         "why": rng.choice(["Price; Staff", "Staff", "", "Other", "rude"], 300),
                         "p": rng.integers(0, 3, 300), "s": rng.integers(0, 2, 300)})  # fmt: skip
    return {"long_": long, "wide_": wide}


SHAPES = {
    "long": ("long_", {"time": "at", "response": "who"}, {"nps": "NPS", "csat": "SAT"},
             {"long": {"question": "q", "answer": "a", "per": "who"}}),
    "count": ("wide_", {"time": "at", "count": "n"}, {"nps": "score"}, {}),
    "several": ("wide_", {"time": "at"}, {
        "why": {"column": "why", "several": ";", "options": ["Price", "Staff", "Other"]},
        "ticked": {"several": {"P": "p", "S": "s"}}}, {}),
    "counts": ("wide_", {"time": "at"}, {"nps": {"counts": {"p": 9, "s": 3}}}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_other_shapes_on_postgresql_are_those_of_duckdb(server: str, name: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        for table, frame in shapes().items():
            kinds = ", ".join(
                f"{column} {'date' if column == 'at' else 'integer' if kind.kind == 'i' else 'text'}"
                for column, kind in frame.dtypes.items()
            )
            connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(f"CREATE TABLE {table} ({kinds})")
            with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy:
                copy.write(frame.to_csv(index=False, header=False))
    table, columns, items, more = SHAPES[name]
    given = {"kind": "transactional", "columns": columns, "items": items, **more}
    found = []
    for source in ({"url": server, "table": table}, shapes()[table]):
        survey = cx.read(source, given)
        found.append((survey.refused, cx.tally(survey, list(survey.metrics))))
    (refused, there), (refused_here, here) = found
    assert refused.to_dict("records") == refused_here.to_dict("records")
    pd.testing.assert_frame_equal(there.counts, here.counts, check_exact=False, rtol=1e-9)
    assert len(there.counts) > 3


def test_raking_on_postgresql_is_that_of_duckdb(filled: str) -> None:
    given = {**mapping("relationship"), "dimensions": {"segment": "segment", "brand": "brand"}}
    found = []
    for source in ({"url": filled, "table": "answers"}, answers()):
        survey = cx.read(source, given)
        margins = {"segment": {"1": 20, "2": 30, "3": 50}}
        made = raked(survey, survey.table, margins, "month", 3.0, "margins")
        found.append(cx.tally(made, ["nps", "csat_mean"], by=["brand"], rest=True))
    for part in ("counts", "sums"):
        pd.testing.assert_frame_equal(*(getattr(one, part) for one in found), check_exact=False, rtol=1e-9, atol=1e-9)
    assert len(found[0].sums) > 20


def test_drivers_on_postgresql_are_those_of_duckdb(filled: str) -> None:
    own = {"measure": "mean", "better": "higher"}
    given = mapping("transactional", respondent="who")
    given["items"] |= {
        "third": {"column": "segment", "scale": [1, 3]} | own,
        "turn": {"column": "turn", "scale": [1, 5]} | own,
    }
    source = {"url": filled, "sql": "SELECT *, id % 5 + 1 AS turn FROM answers"}
    there, here = (
        cx.drivers(cx.read(one, given), "nps", ["csat", "third", "turn"], by=["brand"])
        for one in (source, answers().assign(turn=lambda frame: frame["id"] % 5 + 1))
    )
    assert here["value"].notna().all()
    pd.testing.assert_frame_equal(there, here, check_exact=False, rtol=1e-9)


def test_forms_of_times_are_for_files(filled: str) -> None:
    given = {**MAPPINGS["repeat customers"], "time_format": "epoch"}
    with pytest.raises(cx.CxError, match=r"time_format: is for files; make a time of the column in `sql`"):
        cx.read({"url": filled, "table": "answers"}, given)


def test_fiscal_quarters_on_postgresql_are_those_of_duckdb(filled: str) -> None:
    given = {**MAPPINGS["repeat customers"], "year_starts": "February"}
    there, here = (
        cx.tally(cx.read(source, given), ["nps"], period="quarter")
        for source in ({"url": filled, "table": "answers"}, answers())
    )
    assert there.periods == here.periods
    assert there.periods[0].startswith("FY")
    pd.testing.assert_frame_equal(there.counts, here.counts, check_exact=False, rtol=1e-9)


def test_a_query_and_a_schema_are_sources_too(filled: str) -> None:
    old = cx.read({"url": filled, "table": "old.answers"}, MAPPINGS["clusters"])
    asked = cx.read({"url": filled, "sql": "SELECT * FROM answers WHERE id < 100"}, MAPPINGS["clusters"])
    tallies = [cx.tally(survey, ["csat"]) for survey in (old, asked)]
    pd.testing.assert_frame_equal(tallies[0].counts, tallies[1].counts)
    assert old.files[0]["rows"] == 100


def test_the_password_is_told_to_nobody(filled: str, tmp_path: Path) -> None:
    survey = cx.read({"url": filled, "table": "answers"}, MAPPINGS["clusters"])
    tallies = cx.tally(survey, ["csat"])
    written = cx.save(tallies, tmp_path / "t.parquet").read_bytes()
    assert PASSWORD not in str(survey.provenance) + str(tallies.provenance)
    assert PASSWORD.encode() not in written
    for source in ({"url": filled, "table": "anwsers"}, {"url": filled, "sql": "SELECT nothing FROM answers"},
                   {"url": filled.replace("/postgres", "/other"), "table": "answers"}):  # fmt: skip
        with pytest.raises(cx.CxError) as raised:
            cx.read(source, MAPPINGS["clusters"])
        assert PASSWORD not in str(raised.value)
        assert "127.0.0.1" in str(raised.value)


ASKED = {  # what holds the query up or refuses it, what is done while it runs, what the server says
    "permission denied": ("", "", "permission denied for table shared"),
    "a column that is gone": (
        "BEGIN; LOCK TABLE shared", "ALTER TABLE shared DROP COLUMN score; COMMIT", 'column score does not exist'),
    "connection lost": (
        "BEGIN; LOCK TABLE shared",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bob'; ROLLBACK",
        "terminating connection due to administrator command"),
    "statement timeout": (
        "ALTER ROLE bob SET statement_timeout = '1s'; BEGIN; LOCK TABLE shared", "",
        "canceling statement due to statement timeout"),
}  # fmt: skip


@pytest.mark.parametrize("fault", ASKED)
def test_what_a_server_says_in_mid_query_is_told_in_words(
    filled: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    state = tempfile.TemporaryDirectory(prefix="cx-")  # with a short name, for the paths of sockets
    monkeypatch.setenv("XDG_STATE_HOME", state.name)
    before, meanwhile, said = ASKED[fault]
    url = filled.replace("ann:", "bob:")
    given = {"name": "served", "title": "Served", "source": {"url": url, "table": "shared"}, "metrics": ["nps"],
             "mapping": mapping("transactional"), "as_of": "2026-11-01"}  # fmt: skip
    (tmp_path / "served.yaml").write_text(json.dumps(given), encoding="utf-8")
    with psycopg.connect(filled, autocommit=True) as owner, psycopg.connect(filled, autocommit=True) as watch:
        owner.execute("CREATE TABLE shared AS SELECT * FROM answers")
        owner.execute(f"CREATE ROLE bob LOGIN PASSWORD '{PASSWORD}'")
        try:
            if before:
                owner.execute("GRANT SELECT ON shared TO bob")
                for statement in before.split("; "):
                    owner.execute(statement)
            command = [sys.executable, "-m", "cxkit", "run", "served.yaml"]
            process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            end = time.monotonic() + 60
            while meanwhile and not watch.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < end
                time.sleep(0.02)
            if meanwhile:
                owner.execute(meanwhile)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            owner.execute("ROLLBACK")
            owner.execute("DROP TABLE shared; DROP ROLE bob")
            state.cleanup()
    where = url.replace(f":{PASSWORD}", "")
    stderr = re.sub(r"t\d+\.", "", stderr)  # what Ibis calls the table
    assert (process.returncode, stderr) == (2, f"cxkit: {where}: cannot be read to its end: {said}\n"), stdout
    assert not (tmp_path / "reports").exists()


def test_inspect_looks_at_a_table_of_a_database(filled: str) -> None:
    text = inspect({"url": filled, "table": "answers"})
    assert re.search(r"^ +time: .*\bat\b.*done", text, re.MULTILINE)  # two clocks: which is asked
    assert PASSWORD not in text


def test_tables_of_one_server_are_joined_there(filled: str) -> None:
    """The shop of an answer beside what it is worth: as pandas merges it."""
    import psycopg

    shops = pd.DataFrame({"name": [f"s{i}" for i in range(70)], "size": ["large", "small"] * 35})
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("CREATE TABLE shops (name text, size text)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO shops VALUES (%s, %s)", shops.to_numpy().tolist())
    source = {"url": filled, "table": "shops"}
    data = mapping("transactional") | {"joins": {"shops": {"source": source, "key": {"shop": "name"}}}}
    data["dimensions"] = {"size": "shops.size"}
    survey = cx.read({"url": filled, "table": "answers"}, data)
    counts = cx.tally(survey, ["csat"], by=["size"], period="year").counts
    own = answers().merge(shops, how="left", left_on="shop", right_on="name")
    expected = own["size"].fillna("(blank)").value_counts()
    assert counts[counts["cut"] == "size"].groupby("size")["n"].sum().to_dict() == expected.to_dict()
    assert survey.joins["shops"]["found"] == expected.drop("(blank)").sum()
