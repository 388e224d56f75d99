"""Tables of databases and warehouses, by URL: the data stay where they are, and so does the password."""

from __future__ import annotations

import re
import weakref
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import ibis
from pydantic import model_validator

from cxkit.errors import CxError, nearest
from cxkit.strict import Strict, Text

Table = Any  # ibis.expr.types.Table

EXAMPLES = ("postgres://user@host/database", "duckdb://file.duckdb", "sqlite://file.sqlite", "bigquery://project/data")
FILES = ("duckdb", "sqlite")  # databases that are files: their paths start where those of other sources do


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


def open_database(spec: DatabaseSpec, folder: Path) -> tuple[Table, dict[str, Any]]:
    """The table of a database, and what the provenance says of it.

    Args:
        spec: URL as Ibis knows them, with a table (`schema.table`) or a query that only reads.
        folder: Where a relative path of a database that is a file starts.

    Raises:
        CxError: A database that cannot be reached, whose driver is not installed, or that lacks the table.
    """
    shown = without_password(spec.url)
    try:
        connection = _connect(spec.url, folder)
        close = getattr(getattr(connection, "con", None), "close", None)
        if callable(close):  # when the last table of it is gone
            weakref.finalize(connection, close)
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
    what = {"table": spec.table} if spec.table else {"sql": spec.sql}
    return table.select(*columns), {"path": shown, **what}


def without_password(url: str) -> str:
    """A URL as it may be shown: without password and without options, which can hold one.

    >>> without_password("postgres://ann:secret@db.example/crm?password=secret")
    'postgres://ann@db.example/crm'
    """
    parts = urlsplit(url)
    if not parts.scheme:
        return url
    place = parts.netloc.rpartition("@")
    user = place[0].split(":")[0]
    return urlunsplit((parts.scheme, f"{user}@{place[2]}" if user else place[2], parts.path, "", ""))


def _connect(url: str, folder: Path) -> Any:
    scheme, _, rest = url.partition("://")
    if not rest and scheme == url:
        raise CxError(f"{without_password(url)}: is no URL of a database; expected for example {', '.join(EXAMPLES)}")
    if scheme not in FILES:
        return ibis.connect(url)
    path = folder / rest.split("?")[0]
    if not path.exists():
        raise CxError(f"{path}: no such file")
    return ibis.duckdb.connect(path, read_only=True) if scheme == "duckdb" else ibis.sqlite.connect(path)


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


def _words(error: Exception, url: str) -> str:
    """The first line of an error, without the password that some of them quote."""
    password = urlsplit(url).password
    text = (str(error).splitlines() or [type(error).__name__])[0]
    text = text.replace(url, without_password(url))
    return re.sub(re.escape(password), "...", text) if password else text
