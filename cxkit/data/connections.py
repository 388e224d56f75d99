"""DuckDB connections that reach what a run names and nothing else, and what their queries bring."""

from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar
from uuid import uuid4

import ibis
import pandas as pd

from cxkit.errors import CxError

P = ParamSpec("P")
T = TypeVar("T")
Table = Any  # ibis.expr.types.Table: Ibis ships no types that mypy can follow

MEMORY = "2GB"
SETTINGS = (
    "autoinstall_known_extensions=false", "autoload_known_extensions=false", "allow_community_extensions=false",
    "python_enable_replacements=false", "TimeZone='UTC'",
)  # fmt: skip


DAMAGED = ("Error", "IOException", "InvalidInputException", "SerializationException", "InternalException")
_LYING: MutableMapping[Any, list[Path]] = weakref.WeakKeyDictionary()  # connection -> what it reads where it lies


class Connection(NamedTuple):
    """A database, and what it calls each of the files that it may read."""

    backend: Any
    doors: list[Path]


def connect(memory: str | None = None, files: Sequence[Path] = (), database: Path | None = None) -> Connection:
    """A DuckDB that reads these files and no other, downloads nothing, and spills into a private folder.

    A name in a query is a pattern to DuckDB: it would read `x1.csv` for `x[1].csv`. So each file has a door, a link in
    the private folder with a name that is none, and queries know the doors only.

    Args:
        memory: Limit such as "512MB"; beyond it intermediate results go to the private folder.
        files: Files, and folders of files, in the order of their doors.
        database: A file of DuckDB's own, whose tables are read; its views cannot read other files.

    Raises:
        CxError: A limit that is not written as a size.
    """
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="cxkit-")))
    try:
        doors = [_door(folder, i, file) for i, file in enumerate(files)]
        backend = ibis.duckdb.connect(temp_directory=folder / "spill")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(backend, _remove, folder, os.getpid())
    _LYING[backend] = [file for file in files if file.is_dir() or file.suffix.lower() == ".parquet"]
    try:
        backend.raw_sql(f"SET memory_limit={literal(memory or MEMORY)}")
    except Exception:  # DuckDB's own, whose class differs between versions
        raise CxError(f"memory: {memory!r} is no size; expected for example '2GB' or '512MB'") from None
    if database:  # attached and not opened: one process may do so twice
        name = database.stem if database.stem not in ("memory", "system", "temp") else "attached"
        quoted = '"{}"'.format(name.replace('"', '""'))
        backend.raw_sql(f"ATTACH {literal(os.path.realpath(database))} AS {quoted} (READ_ONLY)")
        backend.raw_sql(f"USE {quoted}")
    inside = ", ".join(literal(f"{path}/") for path in (folder, *doors) if path.is_dir())
    named = ", ".join(literal(path) for path in doors if not path.is_dir())
    allowed = (f"allowed_directories=[{inside}]", f"allowed_paths=[{named}]", "enable_external_access=false")
    for setting in (*SETTINGS, *allowed, "lock_configuration=true"):  # the lock comes last: it cannot be taken off
        backend.raw_sql(f"SET {setting}")
    return Connection(backend, doors)


def literal(value: object) -> str:
    """Text as SQL."""
    return "'{}'".format(str(value).replace("'", "''"))


def _door(folder: Path, number: int, file: Path) -> Path:
    door = folder / f"file{number}{file.suffix.lower() if file.is_file() else ''}"
    door.symlink_to(os.path.realpath(file), target_is_directory=file.is_dir())
    return door


def _remove(folder: Path, owner: int) -> None:
    """Take away a temporary folder, in the process that made it: a forked child ends before its parent does."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def enough_memory() -> Iterator[None]:
    """A query that needs more than the limit as words; whatever else goes wrong is not the user's to put right."""
    try:
        yield
    except Exception as error:  # DuckDB's own class, known here by its name only
        if type(error).__name__ != "OutOfMemoryException":
            raise
        words = str(error).splitlines()[0]
        raise CxError(f"memory: the limit is too low for these data ({words}); raise `memory`") from None


def readable(work: Callable[P, T]) -> Callable[P, T]:
    """A function in which a file that turns out to be damaged, when a query comes so far, is an error in words.

    Parquet is read where it lies, by each query what it needs: opening a file does not tell whether all of it is whole.
    """

    @functools.wraps(work)
    def told(*given: P.args, **named: P.kwargs) -> T:
        try:
            return work(*given, **named)
        except Exception as error:
            if type(error).__module__ not in ("duckdb", "_duckdb") or type(error).__name__ not in DAMAGED:
                raise
            words = str(error).splitlines()[0]
            door = re.search(r"/[^\"'\n]*/cxkit-\w+/file\d+[^\s\"':]*", words)
            names = [os.path.realpath(door[0])] if door else [str(path) for paths in _LYING.values() for path in paths]
            words = words.replace(door[0], "it") if door else words
            raise CxError(f"{' or '.join(names)}: cannot be read to its end: {words}") from None

    return told


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


def count(table: Table) -> int:
    """How many rows a table has."""
    return int(table.count().to_pyarrow().as_py())
