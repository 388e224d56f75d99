"""Files, frames and database tables -> one table with its provenance.

A reader turns one file into a table; the registry `READERS` picks it by suffix. Text formats are read as text, column
by column, so that no library guesses a type: what an answer means is decided by the mapping, in `responses`.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import ibis
import pandas as pd
import pyarrow as pa

from cxkit.data.mapping import FileSpec
from cxkit.errors import CxError, nearest
from cxkit.strict import parse

Table: TypeAlias = Any  # ibis.expr.types.Table: Ibis ships no types that mypy can follow
SourceLike: TypeAlias = "str | Path | Mapping[str, Any] | Sequence[Any] | pd.DataFrame | Table"
Reader: TypeAlias = Callable[[Any, Path, FileSpec, str], Table]

ENCODINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
SEPARATORS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Source:
    """A table and where it came from.

    Attributes:
        table: All columns of the source.
        files: One entry per file: path, sha256, rows.
        keep: Makes a temporary table of an expression, where reading the source anew for each query would be dear:
            text is parsed once. None where the data stay where they are, in Parquet or a database.
        lacking: Columns that only some of the files have -> the files that do not; there they are blank.
    """

    table: Table
    files: list[dict[str, Any]] = field(default_factory=list)
    keep: Callable[[Table], Table] | None = None
    lacking: dict[str, list[str]] = field(default_factory=dict)


def open_source(source: SourceLike, folder: Path | None = None) -> Source:
    """The table behind a path, several files, a data frame or an Ibis table.

    Args:
        source: A path; a list of paths; `{"files": [{path, wave, constant, rename, encoding, separator, sheet}]}`;
            a DataFrame; or a table of any Ibis backend, which stays where it is.
        folder: Where relative paths start; the working folder if None.

    Raises:
        CxError: A file that is absent, of an unknown format, damaged, or whose renames name no column.
    """
    if isinstance(source, ibis.expr.types.Table):
        return Source(source, [{"path": getattr(source.op(), "name", "table"), "rows": None}])
    connection = connect()

    def keep(table: Table) -> Table:
        return connection.create_table("responses", table, temp=True)

    if isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True)
        frame.columns = _headers(list(frame.columns))
        return Source(_from_frame(connection, frame, "frame"), [{"path": "frame", "rows": len(frame)}], keep)
    specs = file_specs(source)
    parts = [_read(connection, spec, folder or Path(), f"file{i}") for i, spec in enumerate(specs)]
    text = any(Path(spec.path).suffix.lower() not in ("", ".parquet") for spec in specs)
    files = [file for part in parts for file in part.files]
    held = [list(part.table.columns) for part in parts]
    lacking = {
        column: [spec.path for spec, columns in zip(specs, held, strict=True) if column not in columns]
        for column in dict.fromkeys(column for columns in held for column in columns)
    }
    lacking = {column: without for column, without in lacking.items() if without}
    return Source(_stack([part.table for part in parts]), files, keep if text else None, lacking)


def connect() -> Any:
    """A DuckDB of its own, in memory, that may not download anything."""
    connection = ibis.duckdb.connect()
    for setting in ("autoinstall_known_extensions=false", "autoload_known_extensions=false", "TimeZone='UTC'"):
        connection.raw_sql(f"SET {setting}")
    return connection


def collect(table: Table) -> pd.DataFrame:
    """The rows of a (small) table, as a frame."""
    frame: pd.DataFrame = table.to_pyarrow().to_pandas()
    return frame


def count(table: Table) -> int:
    """How many rows a table has."""
    return int(table.count().to_pyarrow().as_py())


def file_specs(source: Any) -> list[FileSpec]:
    """The files that a source names, checked.

    >>> [spec.path for spec in file_specs({"files": [{"path": "a.csv", "wave": "2017"}]})]
    ['a.csv']
    """
    if isinstance(source, (str, Path)):
        return [FileSpec(path=str(source))]
    for key in source if isinstance(source, Mapping) else ():
        if key != "files":
            raise CxError(f"source.{key}: unknown key; {nearest(str(key), ['files'])}")
    files = source.get("files") if isinstance(source, Mapping) else source
    if not isinstance(files, Sequence) or isinstance(files, str) or not files:
        raise CxError(f"source: expected a path or a list `files`, found {source!r}")
    named = [{"path": str(file)} if isinstance(file, (str, Path)) else file for file in files]
    return [parse(FileSpec, file, f"source.files.{i}") for i, file in enumerate(named)]


def _read(connection: Any, spec: FileSpec, folder: Path, name: str) -> Source:
    path = folder / Path(spec.path).expanduser()
    if not path.exists():
        raise CxError(f"{path}: no such file")
    suffix = ".parquet" if path.is_dir() else path.suffix.lower()
    reader = READERS.get(suffix)
    if reader is None:
        raise CxError(f"{path}: cannot read {suffix or 'a file without suffix'}; expected one of {', '.join(READERS)}")
    for option, readers in _OPTIONS.items():
        if getattr(spec, option) is not None and reader not in readers:
            raise CxError(f"{path}: `{option}` has no meaning for {suffix} files; leave it out")
    table = _tidy(reader(connection, path, spec, name), path, spec)
    rows = count(table)
    return Source(table, [{"path": spec.path, "sha256": _sha256(path), "rows": rows}])


def _tidy(table: Table, path: Path, spec: FileSpec) -> Table:
    """Headers of their own, the file's renames, its constants as columns."""
    headers = _headers(list(table.columns))
    table = table.rename(dict(zip(headers, table.columns, strict=True)))
    for old in spec.rename:
        if old not in headers:
            raise CxError(f"{path}: rename: the column {old!r} is not in the file; {nearest(old, headers)}")
    named = [spec.rename.get(header, header) for header in headers] + list(spec.constants)
    for name in named:
        if named.count(name) > 1:
            raise CxError(f"{path}: two columns would be named {name!r}, by the file, `rename`, `constant` or `wave`")
    table = table.rename({new: old for old, new in spec.rename.items()})
    return table.mutate(**{name: ibis.literal(value, "string") for name, value in spec.constants.items()})


def _headers(names: Sequence[Any]) -> list[str]:
    """Names without surrounding blanks; one that occurs twice, or is blank, gets its position.

    Otherwise the first of two would be read without a word. Databases do not tell `NPS` from `nps`.

    >>> _headers([" nps ", "", "Other", "other"])
    ['nps', 'column 2', 'Other (column 3)', 'other (column 4)']
    """
    stripped = [str(name).strip() for name in names]
    folded = [name.casefold() for name in stripped]
    return [
        f"{name} (column {i})" if name and folded.count(name.casefold()) > 1 else name or f"column {i}"
        for i, name in enumerate(stripped, 1)
    ]


def _stack(tables: list[Table]) -> Table:
    """Tables above each other; a column that one of them lacks is blank there, mixed types become text."""
    if len(tables) == 1:
        return tables[0]
    columns = list(dict.fromkeys(column for table in tables for column in table.columns))
    kinds = {c: {str(t[c].type()) for t in tables if c in t.columns} for c in columns}

    def aligned(table: Table) -> Table:
        cells = {}
        for column in columns:
            kind = next(iter(kinds[column])) if len(kinds[column]) == 1 else "string"
            cells[column] = table[column].cast(kind) if column in table.columns else ibis.null(kind)
        return table.select(**cells)

    return ibis.union(*map(aligned, tables), distinct=False)


def read_csv(connection: Any, path: Path, spec: FileSpec, name: str) -> Table:
    """Delimited text, every column as text; encoding and separator are found or declared."""
    encoding = spec.encoding or _encoding(path)
    try:
        utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
        with path.open(encoding="utf-8-sig" if utf8 else encoding, newline="") as text:
            first = text.readline()
            separator = spec.separator or max(
                SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark)))
            )
            text.seek(0)
            header = next(csv.reader(text, delimiter=separator), [])
    except (UnicodeError, LookupError, csv.Error) as error:
        raise CxError(f"{path}: is not {encoding} text: {error}") from error
    if not first.strip():
        raise CxError(f"{path}: is empty, or its first line is; expected a header row")
    if utf8:
        return _load_csv(connection, path, path, separator, header, name)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv") as copy:
        _transcode(path, encoding, copy)
        return _load_csv(connection, Path(copy.name), path, separator, header, name)


def _load_csv(connection: Any, file: Path, shown: Path, separator: str, header: list[str], name: str) -> Table:
    """The file as a table of text. Nothing is guessed: guesses skip a title, or rows that look like comments."""
    columns = {f"c{i}": "VARCHAR" for i in range(len(header))}
    options = {"auto_detect": False, "header": True, "delim": separator, "quote": '"', "escape": '"'}
    try:
        table = connection.read_csv(str(file), columns=columns, **options)
        return connection.create_table(name, table.rename(dict(zip(_headers(header), columns, strict=True))), temp=True)
    except Exception as error:  # DuckDB's own errors carry the line, and their classes differ between versions
        told = str(error).partition("Possible fixes")[0].split("\n")
        words = "; ".join(line.strip() for line in told if line.strip())
        raise CxError(f"{shown}: is not a table of text separated by {separator!r}: {words}") from error


def _transcode(path: Path, encoding: str, copy: Any) -> None:
    try:
        with path.open(encoding=encoding, newline="") as text:
            while block := text.read(1 << 20):
                copy.write(block)
    except (UnicodeError, LookupError) as error:
        raise CxError(f"{path}: is not {encoding} text: {error}") from error
    copy.flush()


def _encoding(path: Path) -> str:
    """The byte order mark's encoding; else UTF-8 if the whole file is; else Windows-1252."""
    with path.open("rb") as file:
        start = file.read(4)
        for mark, encoding in ENCODINGS:
            if start.startswith(mark):
                return encoding
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def read_parquet(connection: Any, path: Path, spec: FileSpec, name: str) -> Table:
    """One Parquet file or a folder of them, read where it lies."""
    try:
        return connection.read_parquet(str(path / "**" / "*.parquet") if path.is_dir() else str(path))
    except Exception as error:  # as above
        raise CxError(f"{path}: is not readable as Parquet: {str(error).splitlines()[0]}") from error


def read_excel(connection: Any, path: Path, spec: FileSpec, name: str) -> Table:
    """One sheet of a workbook, every cell as text; the first sheet unless `sheet` names one. Empty rows are no rows."""
    options: dict[str, Any] = {"header": None, "dtype": str, "keep_default_na": False, "na_values": [""]}
    try:
        frame = pd.read_excel(path, sheet_name=spec.sheet or 0, **options).dropna(how="all")
    except Exception as error:  # zipfile, openpyxl and pandas each raise their own
        raise CxError(f"{path}: is not readable as an Excel workbook: {error}") from error
    if frame.empty:
        raise CxError(f"{path}: is empty; expected a header row")
    frame.columns = _headers(frame.iloc[0].fillna("").tolist())
    return _from_frame(connection, frame[1:].reset_index(drop=True), name)


def _from_frame(connection: Any, frame: pd.DataFrame, name: str) -> Table:
    blank = {column: "string" for column in frame if frame[column].isna().all()}  # a column needs some type
    try:
        arrow = pa.Table.from_pandas(frame.astype(blank), preserve_index=False)
        return connection.create_table(name, ibis.memtable(arrow), temp=True)
    except Exception as error:  # pyarrow and DuckDB each raise their own for mixed types in one column
        raise CxError(
            f"{name}: a column mixes types that cannot share one: {'; '.join(map(str, error.args))}"
        ) from error


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


READERS: dict[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".parquet": read_parquet,
    ".xlsx": read_excel,
}

_OPTIONS = {"encoding": (read_csv,), "separator": (read_csv,), "sheet": (read_excel,)}
