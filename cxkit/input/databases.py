"""Databases: tables of servers and warehouses by URL, and DuckDB connections that reach what a run names, nothing else.

The data stay where they are, and so does the password.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeAlias, TypeVar
from urllib.parse import unquote
from uuid import uuid4

import ibis
import pandas as pd
import pyarrow as pa
import sqlglot
from pydantic import model_validator
from sqlglot import exp

from cxkit.errors import CxError, nearest
from cxkit.files import require_file
from cxkit.strict import Strict, Text

Table: TypeAlias = Any  # ibis.expr.types.Table: Ibis ships no types that mypy can follow
Column: TypeAlias = Any  # ibis.expr.types.Column
T = TypeVar("T")

EXAMPLES = ("postgres://user@host/database", "duckdb://file.duckdb", "sqlite://file.sqlite", "bigquery://project/data")
FILES = ("duckdb", "sqlite")  # databases that are files: their paths start where those of other sources do
SERVERS = ("athena", "bigquery", "clickhouse", "databricks", "druid", "exasol", "impala", "mssql", "mysql", "oracle",
           "postgres", "postgresql", "risingwave", "singlestoredb", "snowflake", "trino")  # fmt: skip

DIALECTS = {"impala": "hive", "mssql": "tsql", "postgresql": "postgres", "singlestoredb": "mysql"}


class DatabaseSpec(Strict):
    """A table or a query of a database."""

    url: Text
    table: Text | None = None
    sql: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> DatabaseSpec:
        if (self.table is None) == (self.sql is None):
            raise ValueError("expected one of `table` and `sql`")
        return self


def open_database(
    spec: DatabaseSpec, folder: Path, memory: str | None = None, within: Any = None
) -> tuple[Table, dict[str, Any]]:
    """The table of a database, and what the provenance says of it.

    Args:
        spec: URL as Ibis knows them, with a table (`schema.table`) or a query that only reads.
        folder: Where a relative path of a database that is a file starts.
        memory: Limit of the in-process database, for a database that is a file.
        within: The connection of another table of the same database, with which this one will be joined.

    Raises:
        CxError: A database that cannot be reached, whose driver is not installed, or that lacks the table; a query
            that does more than to read.
    """
    scheme, mark, rest = spec.url.partition("://")
    scheme = scheme.lower()
    shown = without_password(spec.url)
    if not mark:
        raise CxError(f"{shown}: is no URL of a database; expected for example {', '.join(EXAMPLES)}")
    if scheme not in FILES + SERVERS:  # Ibis would open a file of any kind, without the locks of `connect`
        raise CxError(f"{shown}: no database is called so; {nearest(scheme, FILES + SERVERS)}")
    if spec.sql:
        _require_reading(spec.sql, scheme, shown)
    path = folder / rest  # as it is: of a file nothing is an option
    if scheme in FILES:
        require_file(path)
        if not os.path.exists(path):
            raise CxError(f"{shown}: no such file{f' below {folder}' if str(folder) != '.' else ''}")
        shown = spec.url  # it is the path of a file
    what = {"table": spec.table} if spec.table else {"sql": spec.sql}
    try:
        if scheme == "sqlite":
            return _copied(spec, path, within or connect(memory).backend), {"path": shown, **what}
        own = within or (connect(memory, database=path).backend if scheme == "duckdb" else None)
        connection = own or ibis.connect(f"{scheme}://{rest}")
        driver = getattr(connection, "con", None) or getattr(connection, "client", None)
        if not within and callable(close := getattr(driver, "close", None)):  # when the last table of it is gone
            weakref.finalize(connection, close)
        if scheme != "duckdb":
            _SERVED[connection] = spec.url, _package(driver)
    except CxError:
        raise
    except Exception as error:  # every backend has its own classes, and some of them quote the whole URL
        raise CxError(f"{shown}: cannot be opened: {_words(error, spec.url)}") from None
    try:
        table = _asked(connection, spec.sql) if spec.sql else _named(connection, str(spec.table), shown)
        columns = list(table.columns)
    except CxError:
        raise
    except Exception as error:  # as above
        raise CxError(f"{shown}: {spec.sql or spec.table}: cannot be read: {_words(error, spec.url)}") from None
    return table.select(*columns), {"path": shown, **what}


def without_password(url: str) -> str:
    """A URL as it may be shown: without password and without options, which can hold one.

    Where it is not plain which part is which, no more than the scheme is shown.

    >>> without_password("postgres://ann:secret@db.example/crm?password=secret")
    'postgres://ann@db.example/crm'
    >>> without_password("postgres://ann:se/cret@db.example/crm"), without_password("host=db password=secret")
    ('postgres://...', '...')
    """
    scheme, mark, rest = url.partition("://")
    if not mark or not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*", scheme):
        return url if re.fullmatch(r"[\w./-]+", url) else "..."
    login, at, place = rest.rpartition("@")
    if re.search(r"[/?#@\s]", login):  # of the password, or the `@` is one of the options
        return f"{scheme}://..."
    return f"{scheme}://{login.split(':')[0]}{at}{re.split('[?#]', place)[0]}"


def _require_reading(sql: str, scheme: str, shown: str) -> None:
    """That a query is one statement that reads: it is sent as it is, by a user who may be allowed to do more."""
    dialect = DIALECTS.get(scheme, scheme)
    known = dialect if dialect in sqlglot.Dialects.__members__.values() else None
    logging.getLogger("sqlglot").addHandler(logging.NullHandler())  # the error tells what it would print
    try:
        found = sqlglot.parse(sql, read=known)
        if known == "mysql" and any(token.comments for token in sqlglot.tokenize(sql, read=known)):
            raise CxError(f"{shown}: sql: holds a comment, and MySQL runs what some of them hold; leave them out")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        words = (str(error).splitlines() or [""])[0]
        raise CxError(f"{shown}: sql: cannot be parsed as one statement that reads: {words}") from None
    writes = (exp.DML, exp.DDL, exp.Into, exp.Lock, exp.Command)
    one = found[0] if len(found) == 1 else None
    inner = [node for node in one.walk() if isinstance(node, writes) and not isinstance(node, exp.Query)] if one else []
    if not isinstance(one, exp.Query) or inner:
        raise CxError(f"{shown}: sql: expected one statement that reads, such as SELECT ... FROM ...; found {sql!r}")


def _copied(spec: DatabaseSpec, path: Path, backend: Any) -> Table:
    """The rows of an SQLite file, every cell as text: a column of SQLite may hold values of any type."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
        base.text_factory = lambda raw: raw.decode("utf-8", "replace")
        rows = base.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
        known = [str(name) for (name,) in rows]
        if spec.table and spec.table not in known:
            raise CxError(f"{spec.url}: has no table {spec.table!r}; {nearest(spec.table, known)}")
        base.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY)
        table = '"{}"'.format(str(spec.table).replace('"', '""'))
        found = base.execute(spec.sql or f"SELECT * FROM {table}")
        schema = pa.schema([(name, "string") for name, *_ in found.description])
        batches = pa.RecordBatchReader.from_batches(schema, _batches(found, schema))
        return backend.create_table(f"cx_{uuid4().hex}", batches.read_all(), temp=True)


_READING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)


def _batches(cursor: sqlite3.Cursor, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(10_000):
        cells = [[None if cell is None else _cell(cell) for cell in column] for column in zip(*rows, strict=True)]
        yield pa.RecordBatch.from_arrays([pa.array(column, "string") for column in cells], schema=schema)


def _cell(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _named(connection: Any, name: str, shown: str) -> Table:
    schema, _, table = name.rpartition(".")
    try:
        return connection.table(table, database=schema or None)
    except Exception as error:  # as above
        known = _tables(connection, schema)
        if table in known:
            raise
        raise CxError(f"{shown}: has no table {name!r}; {nearest(table, known)}") from error


def _tables(connection: Any, schema: str) -> list[str]:
    if connection.name != "duckdb":
        return sorted(connection.list_tables(database=schema or None))
    rows = connection.raw_sql("SELECT table_name FROM information_schema.tables").fetchall()
    return sorted(str(name) for (name,) in rows)


def _asked(connection: Any, sql: str) -> Table:
    """The rows of a query."""
    if connection.name != "duckdb":
        return connection.sql(sql)
    name = f"cx_{uuid4().hex}"  # Ibis 12.0's own way calls what DuckDB 2.0 has no more
    connection.raw_sql(f"CREATE TEMP VIEW {name} AS {sql}")
    return connection.table(name, database=("temp", "main"))


def _words(error: Exception, *urls: str) -> str:
    """The first line of an error; no more than its class where it quotes what may be a password, or a part of one."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    for url in urls:
        text = text.replace(url, without_password(url))
        rest = url.partition("://")[2]
        login = rest.rpartition("@")[0]
        hidden = [login.partition(":")[2], *re.findall(r"=([^&#]*)", rest)]
        hidden += [piece for part in hidden[:1] for piece in re.split(r"[/?#@:]", part)]
        if any(part and (part in text or unquote(part) in text) for part in hidden):
            return f"{type(error).__name__}, in words that quote its address"
    return text


def _package(value: object) -> str:
    """The package that a value is of: a driver raises errors of its own."""
    return type(value).__module__.partition(".")[0]


P = ParamSpec("P")

MEMORY = "2GB"
NO_EXTENSIONS = dict.fromkeys(
    ("autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions"), "false"
)
"""From the first moment: a file that is attached may be of a kind for which DuckDB would download an extension."""
OWN_CATALOGS = ("memory", "system", "temp", "main", "pg_catalog", "information_schema")
SETTINGS = ("python_enable_replacements=false", "TimeZone='UTC'")


OURS = ("BinderException", "CatalogException", "ParserException", "SyntaxException", "NotImplementedException",
        "InterruptException", "OutOfMemoryException")  # fmt: skip
"""What DuckDB says of a query that is wrong; everything else is said of the data."""
_LYING: MutableMapping[Any, list[Path]] = weakref.WeakKeyDictionary()  # connection -> what it reads where it lies
_SERVED: MutableMapping[Any, tuple[str, str]] = weakref.WeakKeyDictionary()  # connection -> its URL, driver's package


class Connection(NamedTuple):
    """A database, and what it calls each of the files that it may read."""

    backend: Any
    links: list[Path]


def connect(memory: str | None = None, files: Sequence[Path] = (), database: Path | None = None) -> Connection:
    """A DuckDB that reads these files and no other, downloads nothing, and spills into a private folder.

    A name in a query is a pattern to DuckDB: it would read `x1.csv` for `x[1].csv`. So each file has a link in the
    private folder with a name that is none, and queries know the links only.

    Args:
        memory: Limit such as "512MB"; beyond it intermediate results go to the private folder.
        files: Files, and folders of files, in the order of their links.
        database: A file of DuckDB's own, whose tables are read; its views cannot read other files.

    Raises:
        CxError: A limit that is not written as a size.
    """
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="cxkit-")))
    try:
        links = [_link(folder, i, file) for i, file in enumerate(files)]
        backend = ibis.duckdb.connect(temp_directory=folder / "spill", **NO_EXTENSIONS)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(backend, _remove, folder, os.getpid())
    _LYING[backend] = [file for file in files if file.is_dir() or file.suffix.lower() == ".parquet"]
    _LYING[backend] += [database] if database else []
    try:
        backend.raw_sql(f"SET memory_limit={literal(memory or MEMORY)}")
    except Exception:  # DuckDB's own, whose class differs between versions
        raise CxError(f"memory: {memory!r} is no size; expected for example '2GB' or '512MB'") from None
    if database:  # attached and not opened: one process may do so twice
        name = "attached" if database.stem.lower() in OWN_CATALOGS else database.stem
        quoted = '"{}"'.format(name.replace('"', '""'))
        backend.raw_sql(f"ATTACH {literal(os.path.realpath(database))} AS {quoted} (TYPE duckdb, READ_ONLY)")
        backend.raw_sql(f"USE {quoted}")
    inside = ", ".join(literal(f"{path}/") for path in (folder, *links) if path.is_dir())
    named = ", ".join(literal(path) for path in links if not path.is_dir())
    allowed = (f"allowed_directories=[{inside}]", f"allowed_paths=[{named}]", "enable_external_access=false")
    for setting in (*SETTINGS, *allowed, "lock_configuration=true"):  # the lock comes last: it cannot be taken off
        backend.raw_sql(f"SET {setting}")
    return Connection(backend, links)


def literal(value: object) -> str:
    """Text as SQL."""
    return "'{}'".format(str(value).replace("'", "''"))


def _link(folder: Path, number: int, file: Path) -> Path:
    link = folder / f"file{number}{file.suffix.lower() if file.is_file() else ''}"
    link.symlink_to(os.path.realpath(file), target_is_directory=file.is_dir())
    return link


def _remove(folder: Path, owner: int) -> None:
    """Take away a temporary folder, in the process that made it: a forked child ends before its parent does."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def enough_memory() -> Iterator[None]:
    """A query that needs more than the limit, or than the disk, as words; anything else is not the user's to mend."""
    try:
        yield
    except Exception as error:  # DuckDB's own class, known here by its name only
        words = (str(error).splitlines() or [""])[0]
        if type(error).__name__ != "OutOfMemoryException" and not re.search("No space left|File too large", words):
            raise
        hint = "raise `memory`, or make room in the private folder"
        raise CxError(f"memory: the limit is too low for these data ({words}); {hint}") from None


def readable(work: Callable[P, T]) -> Callable[P, T]:
    """A function in which what goes wrong when a query comes so far is an error in words.

    Parquet is read where it lies, by each query what it needs: opening a file does not tell whether all of it is whole.
    A server may refuse a query, stop it or be lost.
    """

    @functools.wraps(work)
    def wrapped(*given: P.args, **named: P.kwargs) -> T:
        try:
            return work(*given, **named)
        except Exception as error:
            if urls := [url for url, driver in _SERVED.values() if driver == _package(error)]:
                shown = " or ".join(map(without_password, urls))
                raise CxError(f"{shown}: cannot be read to its end: {_words(error, *urls)}") from None
            if _package(error) not in ("duckdb", "_duckdb") or type(error).__name__ in OURS:
                raise
            words = str(error).splitlines()[0]
            link = re.search(r"/[^\"'\n]*/cxkit-\w+/file\d+[^\s\"':]*", words)
            names = [os.path.realpath(link[0])] if link else [str(path) for paths in _LYING.values() for path in paths]
            words = words.replace(link[0], "it") if link else words
            raise CxError(f"{' or '.join(names)}: cannot be read to its end: {words}") from None

    return wrapped


def collect(table: Table) -> pd.DataFrame:
    """The rows of a (small) table, as a frame."""
    with enough_memory():
        frame: pd.DataFrame = table.to_pyarrow().to_pandas()
    return frame


@contextmanager
def stored(table: Table) -> Iterator[Table]:
    """The table as a temporary one of its own database, for what is asked several times and dear to compute."""
    backend, name = table.get_backend(), f"cx_{uuid4().hex}"
    with enough_memory():
        kept = backend.create_table(name, table, temp=True)
    try:
        yield kept
    finally:
        backend.raw_sql(f"DROP TABLE {name}")  # Ibis 12's own drop_table writes no name with sqlglot 30


@contextmanager
def viewed(table: Table) -> Iterator[Table]:
    """The table under a name of its own database: asked anew in each query, where a copy would take too much memory."""
    backend, name = table.get_backend(), f"cx_{uuid4().hex}"
    backend.raw_sql(f"CREATE TEMPORARY VIEW {name} AS {backend.compile(table)}")
    try:
        yield backend.table(name)
    finally:
        backend.raw_sql(f"DROP VIEW {name}")


def aggregated(table: Table, *columns: Any) -> list[Any]:
    """What some aggregates of a table are, from one query.

    >>> import pyarrow as pa
    >>> table = ibis.memtable(pa.table({"n": [1, 2, 3]}))
    >>> aggregated(table, table.n.min(), table.n.sum())
    [1, 6]
    """
    if not columns:
        return []
    asked = table.agg(**{f"a{i}": column for i, column in enumerate(columns)})
    return list(asked.to_pyarrow().to_pylist()[0].values())


def count(table: Table) -> int:
    """How many rows a table has."""
    return int(table.count().to_pyarrow().as_py())
