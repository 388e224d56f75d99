"""Data of any size: lazy where it lies, within a memory limit, few queries, and tallies that add."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

import cxkit as cx
from cxkit.input.databases import collect, connect, stored
from cxkit.tallies import counting

MAPPING = {
    "kind": "transactional",
    "columns": {"respondent": "who", "time": "at", "weight": "w"},
    "items": {"nps": "score"},
    "dimensions": {"brand": "brand", "region": "region"},
}


def answers(n: int, seed: int = 11) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "who": rng.integers(0, n // 3, n),
            "at": pd.Timestamp("2026-09-01") + pd.to_timedelta(rng.integers(0, 61 * 24 * 60, n), unit="min"),
            "w": rng.uniform(0.2, 4, n),
            "score": rng.integers(0, 11, n),
            "brand": rng.choice(["A", "B", "C"], n),
            "region": rng.choice(["N", "S"], n),
        }
    )


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scale") / "answers.parquet"
    answers(20_000).to_parquet(path, index=False)
    return path


def ask(connection: Any, sql: str) -> list[Any]:
    return [row[0] for row in connection.raw_sql(sql).fetchall()]


def held(survey: cx.Responses) -> list[str]:
    """The tables that hold data in the survey's own database."""
    return ask(survey.table.get_backend(), "SELECT table_name FROM duckdb_tables()")


def same(first: cx.Tallies, second: cx.Tallies) -> None:
    for part in ("counts", "sums", "pairs"):
        pd.testing.assert_frame_equal(getattr(first, part), getattr(second, part), check_exact=False, rtol=1e-12)


# Where the data lie ---------------------------------------------------------------------------------------------------


def test_parquet_is_not_copied_and_text_is_read_once(parquet: Path, tmp_path: Path) -> None:
    lazy = cx.read(parquet, MAPPING)
    assert "responses" not in held(lazy)
    text = tmp_path / "answers.csv"
    answers(20_000).to_csv(text, index=False)
    kept = cx.read(text, MAPPING)
    assert "responses" in held(kept)
    by = ["brand", "region"]
    same(cx.tally(lazy, ["nps"], by=by), cx.tally(kept, ["nps"], by=by))


@pytest.mark.parametrize("damage", ["score", "w", "brand", "at"])
def test_what_was_found_broken_is_looked_for_again(damage: str, tmp_path: Path) -> None:
    frame = answers(500)
    rows = frame.index[::7]
    frame[damage] = frame[damage].astype({"score": "float64"}.get(damage, frame[damage].dtype))
    frame.loc[rows, damage] = {"score": np.nan, "w": -1.0, "brand": " A ", "at": pd.NaT}[damage]
    path = tmp_path / "broken.parquet"
    frame.to_parquet(path, index=False)
    lazy, kept = cx.read(path, MAPPING), cx.read(frame, MAPPING)
    assert lazy.refused.to_dict("records") == kept.refused.to_dict("records")
    same(cx.tally(lazy, ["nps"], by=["brand"]), cx.tally(kept, ["nps"], by=["brand"]))


def test_a_memory_limit_is_a_parameter_and_changes_no_number(parquet: Path) -> None:
    small, large = cx.read(parquet, MAPPING, memory="60MB"), cx.read(parquet, MAPPING)
    (limit,) = ask(small.table.get_backend(), "SELECT current_setting('memory_limit')")
    assert limit.startswith("57.2")  # 60 million bytes in MiB
    same(cx.tally(small, ["nps"], by=["brand"]), cx.tally(large, ["nps"], by=["brand"]))
    with pytest.raises(cx.CxError, match="memory: 'plenty' is no size; expected for example '2GB'"):
        cx.read(parquet, MAPPING, memory="plenty")


def test_what_does_not_fit_goes_to_a_folder_of_its_own_that_is_taken_away(tmp_path: Path) -> None:
    connection = connect("90MB").backend
    folder = Path(ask(connection, "SELECT current_setting('temp_directory')")[0])
    connection.raw_sql("CREATE VIEW wide AS SELECT hash(range) AS h, hash(range + 1)::VARCHAR AS t FROM range(4000000)")
    wide = connection.table("wide")
    with stored(wide) as kept:
        assert int(kept.count().to_pyarrow().as_py()) == 4_000_000
        assert any(folder.iterdir())
    del kept, wide, connection
    assert not folder.exists()


def test_too_little_memory_is_said_in_words() -> None:
    connection = connect("20MB").backend
    connection.raw_sql("CREATE VIEW wide AS SELECT hash(range)::VARCHAR AS t FROM range(1500000)")
    with pytest.raises(cx.CxError, match=r"memory: the limit is too low for these data \(.*\); raise `memory`"):
        collect(connection.table("wide").group_by("t").agg(n=lambda t: t.t.max()).order_by("n"))


# Few queries ----------------------------------------------------------------------------------------------------------


def queries(monkeypatch: pytest.MonkeyPatch, act: Any) -> int:
    asked = []
    original = Backend.to_pyarrow

    def counted(self: Any, *given: Any, **named: Any) -> Any:
        asked.append(given)
        return original(self, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Backend, "to_pyarrow", counted)
        act()
    return len(asked)


def test_more_levels_are_not_more_queries(parquet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    survey, by = cx.read(parquet, MAPPING), ["brand", "region"]
    one = queries(monkeypatch, lambda: cx.tally(survey, ["nps"], by=by, levels=[("brand",)]))
    four = queries(monkeypatch, lambda: cx.tally(survey, ["nps"], by=by))
    assert four <= 5
    assert one <= four + 1  # which cells share answers is asked for where no level tells it


@pytest.mark.parametrize("kind", ["transactional", "relationship"])
def test_batch_by_batch_or_together_gives_the_same_tally(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waves = answers(20_000).assign(wave=lambda frame: "wave " + frame["at"].dt.isocalendar().week.astype(str))
    by_time = {"period": "week", "pairs": ("previous", ("2026-W40", "2026-W37"))}  # far apart: a gap to read over
    by_wave = {"period": "wave", "pairs": (("wave 40", "wave 37"),)}
    people = {"respondent": "who", "weight": "w"}
    for given, when in ((by_time, {"time": "at"}), (by_wave, {"wave": "wave"})):
        survey = cx.read(waves, MAPPING | {"kind": kind, "columns": people | when})
        together = cx.tally(survey, ["nps"], by=["brand", "region"], rest=True, **given)
        with monkeypatch.context() as patch:
            patch.setattr(counting, "AT_ONCE", 5000)  # two weeks
            same(together, cx.tally(survey, ["nps"], by=["brand", "region"], rest=True, **given))


# A nightly job --------------------------------------------------------------------------------------------------------


def days(frame: pd.DataFrame) -> list[pd.DataFrame]:
    september = frame[frame["at"].dt.month == 9]
    return [day for _, day in september.groupby(september["at"].dt.day)]


def test_thirty_daily_tallies_are_the_month(tmp_path: Path) -> None:
    plain = {**MAPPING, "columns": {"time": "at", "weight": "w"}}
    parts, by = days(answers(20_000)), ["brand", "region"]
    assert len(parts) == 30
    daily = []
    for i, day in enumerate(parts):  # each night its own, through a file
        tallies = cx.tally(cx.read(day, plain), ["nps"], by=by)
        daily.append(cx.load(cx.save(tallies, tmp_path / f"{i}.parquet")))
    month, added = cx.tally(cx.read(pd.concat(parts), plain), ["nps"], by=by), reduce(cx.add, daily)
    keys = ["item", "period", "brand", "region", "cut", "answer"]
    pd.testing.assert_frame_equal(
        added.counts.sort_values(keys, ignore_index=True), month.counts.sort_values(keys, ignore_index=True), rtol=1e-12
    )
    columns = ["period", "brand", "region", "n", "value", "low", "high"]
    pd.testing.assert_frame_equal(cx.estimate(added)[columns], cx.estimate(month)[columns], rtol=1e-9)
    assert added.provenance["rows"] == month.provenance["rows"]


def test_repeat_respondents_of_a_month_do_not_add_and_this_is_said() -> None:
    first, second, *_ = (cx.tally(cx.read(day, MAPPING), ["nps"]) for day in days(answers(2000)))
    with pytest.raises(cx.CxError, match="respondent: sums over these do not add, and both tallies hold 2026-09"):
        cx.add(first, second)


def test_whole_months_with_repeat_respondents_add_but_for_the_pair_between_them() -> None:
    frame = answers(5000)
    months = [cx.tally(cx.read(part, MAPPING), ["nps"]) for _, part in frame.groupby(frame["at"].dt.month)]
    whole, added = cx.tally(cx.read(frame, MAPPING), ["nps"]), reduce(cx.add, months)
    keys = ["metric", "period", "cut"]
    pd.testing.assert_frame_equal(
        added.sums.sort_values(keys, ignore_index=True), whole.sums.sort_values(keys, ignore_index=True), rtol=1e-12
    )
    assert len(whole.pairs)
    assert not len(added.pairs)
    with pytest.raises(cx.CxError, match=r"2026-10.*2026-09"):
        cx.compare(added, "2026-10", "2026-09")


# Databases that are files -----------------------------------------------------------------------------------------


def test_a_duckdb_file_is_read_where_it_lies(tmp_path: Path) -> None:
    frame = answers(3000)
    with duckdb.connect(tmp_path / "crm.duckdb") as database:
        database.execute("CREATE TABLE answers AS SELECT * FROM frame")
    url, whole = "duckdb://crm.duckdb", cx.tally(cx.read(frame, MAPPING), ["nps"], by=["brand"])
    for what in ({"table": "answers"}, {"table": "main.answers"}, {"sql": "SELECT * FROM answers WHERE score >= 0"}):
        survey = cx.read({"url": url, **what}, MAPPING, folder=tmp_path)
        assert survey.files == [{"path": url, **what, "rows": 3000}]
        same(cx.tally(survey, ["nps"], by=["brand"]), whole)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"url": "duckdb://crm.duckdb", "table": "answer"}, "has no table 'answer'; did you mean 'answers'?"),
        ({"url": "duckdb://crm.duckdb", "sql": "SELECT x FROM answers"}, "cannot be read"),
        ({"url": "duckdb://other.duckdb", "table": "answers"}, "no such file"),
        ({"url": "crm.duckdb", "table": "answers"}, "is no URL of a database"),
        ({"url": "nosuch://host/db", "table": "answers"}, "no database is called so"),
        ({"url": "duckdb://crm.duckdb"}, "expected one of `table` and `sql`"),
    ],
)
def test_a_database_that_cannot_be_read_is_refused_in_words(source: Any, words: str, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "crm.duckdb") as database:
        database.execute("CREATE TABLE answers AS SELECT 1 AS score")
    with pytest.raises(cx.CxError) as raised:
        cx.read(source, MAPPING, folder=tmp_path)
    assert words in str(raised.value)
