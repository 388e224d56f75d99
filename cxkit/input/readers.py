"""One reader per file format: a file -> its rows as a table, and the head that a layout recognised above them.

SPSS files bring the labels of their values, and the codes that the file itself declares to mean no answer.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeAlias

import ibis
import pandas as pd
import pyarrow as pa

from cxkit.errors import CxError
from cxkit.input.databases import Table, enough_memory, literal
from cxkit.input.layouts import PEEK, Head, headers, plain, recognise
from cxkit.input.mapping import FileSpec

Reader: TypeAlias = Callable[[Any, Path, FileSpec, Path], tuple[Table, Head]]  # the last: what a query calls the file

ENCODINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
SEPARATORS = ",;\t|"
MOST_ODD = 0.01  # of the bytes of a file that do not fit its encoding: more, and it is another
LISTED = 5  # lines with such bytes that are named
LINE = 32 << 20  # characters of a row; 900 columns of long questions are 2 million


class Bytes(NamedTuple):
    """What a file looks like as text.

    Attributes:
        start: Its first bytes.
        nul: Whether one is NUL.
        size: How many there are.
        odd: How many of them are no UTF-8.
        lines: The first lines that hold such.
        wide: Letters beyond ASCII that are UTF-8.
        mixed: Whether its lines end in several ways.
    """

    start: bytes
    nul: bool
    size: int
    odd: int
    lines: list[int]
    wide: int
    mixed: bool


def read_csv(connection: Any, path: Path, spec: FileSpec, link: Path) -> tuple[Table, Head]:
    """Delimited text, every column as text; encoding, separator, headers and layout are found or declared."""
    text = _looked_through(path)
    marked = next((encoding for mark, encoding in ENCODINGS if text.start.startswith(mark)), None)
    encoding = spec.encoding or marked or ("cp1252" if text.odd > text.wide else "utf-8")
    with _as_utf8(path, encoding, link, text) as (file, odd):
        peek = PEEK + (spec.header_row or [0])[-1]
        rows, separator, said = _top(file, path, spec.separator, peek)
        head = recognise(rows, spec.layout, str(path), spec.header_row)
        head = replace(head, rows=head.rows + said)
        table = _load_csv(connection, file, path, separator, head, link.stem)
    return table, _noted(head, path, encoding, spec, odd, text.lines if "utf-8" in encoding else [])


def _top(file: Path, shown: Path, separator: str | None, peek: int) -> tuple[list[list[str]], str, int]:
    """The first rows, the mark between their columns, and whether a row above them says it, as Excel's `sep=;` does.

    Where nothing says it, it is the mark that makes the most columns of the headers and of most rows: decimal commas
    make columns of the rows alone.
    """
    with file.open(encoding="utf-8-sig", newline="") as text:
        start = text.read(LINE)  # a quote that is never closed would make one cell of all that follows
    said = re.match(r"\"?sep=(.)\"?\r?\n", start)
    separator, start = separator or (said[1] if said else None), start[said.end() if said else 0 :]

    def rows(mark: str) -> list[list[str]]:
        return list(itertools.islice(csv.reader(io.StringIO(start, newline=""), delimiter=mark), peek))

    limit = csv.field_size_limit(LINE)  # by itself it stops at 131,072 characters; comments can be longer
    try:
        sizes = {mark: [len(row) for row in rows(mark)] for mark in ([] if separator else SEPARATORS)}
        wide = [max(found) > 1 for found in zip(*sizes.values(), strict=False)]  # a title has one column by any mark
        head = wide.index(True) if True in wide else 0
        fits = {mark: (min(*n[head : head + 1], median(n)), median(n)) if n else (0, 0) for mark, n in sizes.items()}
        mark = separator or max(fits, key=lambda mark: fits[mark])
        found = rows(mark)
    except csv.Error as error:
        raise CxError(f"{shown}: is not a well-formed table of text: {error}") from None
    finally:
        csv.field_size_limit(limit)
    if not found or not any(cell.strip() for cell in found[0]):
        raise CxError(f"{shown}: is empty, or its first line is; expected a header row")
    return found, mark, int(said is not None)


def _load_csv(connection: Any, file: Path, shown: Path, separator: str, head: Head, name: str) -> Table:
    columns = {f"c{i}": "VARCHAR" for i in range(len(head.names))}
    options = {"auto_detect": False, "header": False, "delim": separator, "quote": '"', "escape": '"'}
    options |= {"max_line_size": LINE} if shown.stat().st_size > LINE // 16 else {}  # it costs buffers of this size
    with _in_words(f"{shown}: is not a table of text separated by {separator!r}", lines=None):
        rows = connection.read_csv(str(file), **options, skip=head.rows, columns=columns)
        return connection.create_table(name, rows, temp=True)


@contextmanager
def _in_words(what: str, lines: int | None = 1) -> Iterator[None]:
    """Errors of DuckDB and pyarrow, whose classes differ between versions, behind what they are about."""
    try:
        with enough_memory():
            yield
    except CxError:
        raise
    except Exception as error:
        told = [line.strip() for line in str(error).partition("Possible fixes")[0].splitlines() if line.strip()]
        raise CxError(f"{what}: {'; '.join(told[:lines]) or type(error).__name__}") from None


@contextmanager
def _as_utf8(path: Path, encoding: str, link: Path, found: Bytes) -> Iterator[tuple[Path, int]]:
    """The file itself where it is UTF-8, else a copy that is, as long as it is needed; and how many bytes do not fit.

    A few odd bytes are read as � and counted: 17 of 900,000 are no reason to read nothing.
    """
    if found.nul and "16" not in encoding and "32" not in encoding:
        raise CxError(f"{path}: holds NUL bytes, so it is no {encoding} text; declare `encoding`, such as utf-16-le")
    try:
        known = codecs.lookup(encoding).name
    except LookupError as error:
        raise CxError(f"{path}: is not {encoding} text: {error}") from None
    if known in ("utf-8", "utf-8-sig") and not found.odd and not found.mixed:
        yield link, 0
        return
    copy, odd = link.with_name(f"{link.stem}.utf8.csv"), 0  # in the private folder of the connection
    ends = None if found.mixed else ""  # lines that end in several ways are no table for a database
    try:
        try:
            with (
                path.open(encoding=encoding, errors="replace", newline=ends) as text,
                copy.open("w", encoding="utf-8", newline="") as utf8,
            ):
                while block := text.read(1 << 20):
                    odd += block.count("\ufffd")
                    utf8.write(block)
        except UnicodeError as error:
            raise CxError(f"{path}: is not {encoding} text: {error}") from None
        if odd > MOST_ODD * found.size:
            raise CxError(
                f"{path}: is not {encoding} text: {odd:,} of {found.size:,} bytes do not fit; declare `encoding`"
            )
        yield copy, odd
    finally:
        copy.unlink(missing_ok=True)


def _looked_through(path: Path) -> Bytes:
    """The bytes of a file, whatever its size, in one pass."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    start, nul, size, odd, wide, line, lines, more, last = b"", False, 0, 0, 0, 1, list[int](), True, b""
    ends = {"\r\n": 0, "\n": 0, "\r": 0}
    with path.open("rb") as file:
        while more:
            block = file.read(1 << 20)
            more, start, nul, size = bool(block), start or block[:4], nul or b"\0" in block, size + len(block)
            breaks, returns = block.count(b"\n"), block.count(b"\r")
            pair = (block.count(b"\r\n") if returns else 0) + (last == b"\r" and block[:1] == b"\n")
            ends["\r\n"] += pair
            ends["\n"] += breaks - pair
            ends["\r"] += returns - pair
            last = block[-1:]
            if not block.isascii() or decoder.getstate()[0]:
                text = decoder.decode(block, final=not block)
                strange = [found.start() for found in re.finditer("[\udc80-\udcff]", text)]
                odd += len(strange)
                wide += sum(map(len, re.findall("[^\x00-\x7f]+", text))) - len(strange)
                lines += [line + text.count("\n", 0, place) for place in strange[: LISTED - len(lines)]]
            line += breaks
    mixed = not nul and sum(n > 0 for n in ends.values()) > 1
    return Bytes(start, nul, size, odd, sorted(set(lines)), wide, mixed)


def _noted(head: Head, path: Path, encoding: str, spec: FileSpec, odd: int, lines: Sequence[int]) -> Head:
    """The head with what a reader of the audit should know of the file's text."""
    notes = list(head.notes)
    if encoding == "cp1252" and spec.encoding is None:
        notes.append("is not UTF-8, so it was read as Windows-1252; `encoding` overrules")
    if odd:
        where = f", in line {', '.join(map(str, lines))}{' and others' * (len(lines) < odd)}" if lines else ""
        notes.append(f"{odd:,} bytes are no {encoding} and were read as �{where}")
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(-min(file.tell(), 2), 2)
        if not file.read().strip(b"\0").endswith((b"\n", b"\r")):
            notes.append("the last row has no line end; where a file was cut off, its last answer is not whole")
    return replace(head, notes=tuple(notes))


def read_parquet(connection: Any, path: Path, spec: FileSpec, link: Path) -> tuple[Table, Head]:
    """One Parquet file or a folder of them, read where it lies."""
    with _in_words(f"{path}: is not readable as Parquet"):
        table = connection.read_parquet(str(link / "**" / "*.parquet") if path.is_dir() else str(link))
    return table, _typed(table, spec, path)


def read_json_lines(connection: Any, path: Path, spec: FileSpec, link: Path) -> tuple[Table, Head]:
    """One JSON object per line; every value as text, lists and objects as their JSON."""
    text = _looked_through(path)
    if text.nul:
        raise CxError(f"{path}: holds NUL bytes, so it is no JSON")
    if text.odd:
        raise CxError(f"{path}: is not utf-8 text: {text.odd:,} bytes, the first in line {text.lines[0]}")
    with _in_words(f"{path}: is not readable as JSON lines"):
        keys = connection.raw_sql(
            f"SELECT DISTINCT unnest(json_keys(json)) FROM read_ndjson_objects({literal(link)}) "
            "WHERE json_type(json) = 'OBJECT'"
        ).fetchall()
        columns = {key: "VARCHAR" for (key,) in sorted(keys)}
        if not columns:
            raise CxError(f"{path}: holds no JSON objects; expected one on each line")
        rows = connection.read_json(str(link), format="newline_delimited", columns=columns)
        table = connection.create_table(link.stem, rows, temp=True)
    return table, _typed(table, spec, path)


def read_excel(connection: Any, path: Path, spec: FileSpec, link: Path) -> tuple[Table, Head]:
    """One sheet of a workbook, every cell as text; the first sheet unless `sheet` names one. Empty rows are no rows."""
    from cxkit.input.excel import read_sheet

    start, *more = spec.header_row or [1]
    rows, table, sheets = read_sheet(path, spec.sheet, PEEK, start)
    own = list(range(1, 2 + len(more))) if spec.header_row else None
    head = replace(recognise(rows, spec.layout, str(path), own), sheets=sheets if len(sheets) > 1 else {})
    return connection.create_table(link.stem, ibis.memtable(table.slice(head.rows)), temp=True), head


def read_spss(connection: Any, path: Path, spec: FileSpec, link: Path) -> tuple[Table, Head]:
    """An SPSS file: codes as numbers, those that mean no answer included and known."""
    if spec.layout not in (None, "spss"):
        raise CxError(f"{path}: layout: expected none or spss, found {spec.layout}")
    frame, head = read_sav(path)
    return from_frame(connection, frame, link.stem), head


def from_frame(connection: Any, frame: pd.DataFrame, name: str) -> Table:
    """A data frame as a table of a connection."""
    frame = frame.rename(columns=str)
    blank = {column: "string" for column in frame if frame[column].isna().all()}  # a column needs some type
    with _in_words(f"{name}: a column mixes types that cannot share one", lines=None):
        arrow = pa.Table.from_pandas(frame.astype(blank), preserve_index=False)
        return connection.create_table(name, ibis.memtable(arrow), temp=True)


def _typed(table: Table, spec: FileSpec, path: Path) -> Head:
    """The head of a format that has names of its own: no rows above the answers."""
    names = headers(table.columns)
    head = recognise([names], spec.layout, str(path)) if spec.layout else plain([names])
    return Head(head.layout, names, rows=0, personal=head.personal, times=head.times, zone=head.zone, notes=head.notes)


READERS: dict[str, Reader] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), read_csv),
    ".parquet": read_parquet,
    **dict.fromkeys((".jsonl", ".ndjson"), read_json_lines),
    ".xlsx": read_excel,
    **dict.fromkeys((".sav", ".zsav"), read_spss),
}

OPTIONS = {  # for whom they are
    **{option: [read_csv] for option in ("encoding", "separator")},
    "sheet": [read_excel],
    "header_row": [read_csv, read_excel],
}


def read_sav(path: Path) -> tuple[pd.DataFrame, Head]:
    """The rows of a .sav or .zsav file as they are, missing codes included, with what the file says of them.

    Args:
        path: The file.

    Raises:
        CxError: A damaged file, or pyreadstat is not installed.
    """
    try:
        import pyreadstat  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise CxError(f"{path}: needs the package pyreadstat: pip install 'cxkit[spss]'") from None
    try:
        frame, about = pyreadstat.read_sav(str(path), user_missing=True)
    except Exception as error:  # pyreadstat raises its own class and plain ones
        raise CxError(f"{path}: is not readable as an SPSS file: {error}") from None
    labels = {c: {_code(v): str(t) for v, t in values.items()} for c, values in about.variable_value_labels.items()}
    missing = {
        column: {
            code: labels.get(column, {}).get(code, "by the file")
            for code in _missing(frame[column], labels.get(column, {}), ranges)
        }
        for column, ranges in about.missing_ranges.items()
    }
    questions = {name: text for name, text in about.column_names_to_labels.items() if text}
    names = [str(name) for name in frame.columns]
    frame = frame.astype({name: _kind(frame[name]) for name in names if frame[name].dtype == object})
    return frame, Head("spss", names, rows=0, questions=questions, missing=missing, labels=labels)


def _missing(values: pd.Series, labels: Mapping[str, str], ranges: Sequence[Any]) -> list[str]:
    """The codes that occur or have a label, and lie in one of the declared ranges."""
    found = {*values.dropna().unique(), *((code if values.dtype == object else float(code)) for code in labels)}
    inside = [v for v in found if any(_within(v, limits["lo"], limits["hi"]) for limits in ranges)]
    return [_code(value) for value in sorted(inside)]


def _within(value: Any, low: Any, high: Any) -> bool:
    if isinstance(value, str) or isinstance(low, str):
        return str(value).strip() == str(low).strip()
    return bool(low <= value <= high)


def _kind(values: pd.Series) -> str:
    """Dates stay dates; whatever else has no type of its own is text."""
    filled = values.dropna()
    is_date = len(filled) > 0 and all(hasattr(value, "year") for value in filled)
    return "datetime64[us]" if is_date else "string"


def _code(value: Any) -> str:
    """A code as a mapping would write it: 99, not 99.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
