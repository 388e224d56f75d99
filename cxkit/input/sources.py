"""Files, frames and database tables -> one table with its provenance. Formats are read in `readers`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import ibis
import pandas as pd

from cxkit.errors import CxError, nearest
from cxkit.files import Stamps, parts, require_data, require_same, sha256, stamp
from cxkit.input import times, values
from cxkit.input.databases import (
    Connection,
    DatabaseSpec,
    Table,
    aggregated,
    connect,
    count,
    open_database,
    without_password,
)
from cxkit.input.layouts import Head, headers, is_personal
from cxkit.input.mapping import FileSpec
from cxkit.input.readers import OPTIONS, READERS, from_frame
from cxkit.schema import SAMPLES
from cxkit.strict import parse

SourceLike: TypeAlias = "str | Path | Mapping[str, Any] | Sequence[Any] | pd.DataFrame | Table"

DATABASE = ("url", "table", "sql")
NO_ANSWER = ", no answer of a customer"
FILE = "file_"  # which of several files a row is of, from 0
LEFT_OUT = "left_out_"  # why a row is no answer; null for those that are
_UNNAMED = re.compile(r"column \d+")


@dataclass(frozen=True, slots=True)
class Source:
    """A table and where it came from.

    Attributes:
        table: All columns of the source.
        files: One entry per file: path, sha256, rows, and how it was read (`read_as`).
        keep: Makes a temporary table of an expression, where reading the source anew for each query would be dear:
            text is parsed, tables are joined and clocks are told apart once. None where the data stay where they are,
            in Parquet or a database.
        undecided: Column of times -> why it cannot be read without a declared form.
        missing: Column -> code -> what it means, of the codes for no answer that a file itself declares.
        labels: Column -> code -> label, where a file has them.
        questions: Column -> wording of its question, where a file has it beside the name.
        lacking: Columns that only some of the files have -> the files that do not; there they are blank.
        names: All columns of files, those that did not come in too.
        stamps: What each file was before it was read, for `require_same` after the last query.
        monthly: Whether some times name a month and no day.
        zones: Time zones that the files themselves name; their times carry an offset.
        constants: Of each file of an explicit list, the columns that the list gives all its rows.
    """

    table: Table
    files: list[dict[str, Any]] = field(default_factory=list)
    keep: Callable[[Table], Table] | None = None
    undecided: dict[str, str] = field(default_factory=dict)
    missing: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, list[str]] = field(default_factory=dict)
    zones: list[str] = field(default_factory=list)
    constants: list[dict[str, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    stamps: Stamps = field(default_factory=dict)
    monthly: bool = False

    @property
    def columns(self) -> list[str]:
        """All columns that the source has, whether they came in or not."""
        return self.names or [str(column) for column in self.table.columns]


class Asked(NamedTuple):
    """A source, and what is wanted of it; the keys as `open_source` takes them, and whether answers are worked out."""

    source: SourceLike
    wanted: Collection[str] | None = None
    untouched: Collection[str] = ()
    reading: Mapping[str, Any] | None = None
    worked_out: bool = False


def open_source(
    source: SourceLike,
    folder: Path | None = None,
    *,
    wanted: Collection[str] | None = None,
    untouched: Collection[str] = (),
    reading: Mapping[str, Any] | None = None,
    memory: str | None = None,
) -> Source:
    """The table behind a path, several files, a database, a data frame or an Ibis table.

    Args:
        source: "sample" or another of `schema.SAMPLES`; a path; `{path, wave, constant, rename, encoding, separator,
            decimal, sheet, header_row, layout}`; a list of these; `{"files": [...]}`; `{"url": ..., "table": ...}` or
            `{"url": ..., "sql": ...}`; a DataFrame; or a table of any Ibis backend, which stays where it is.
        folder: Where relative paths start; the working folder if None.
        wanted: Columns that come in, of files; None for all but those that say who someone is.
        untouched: Columns of times whose form is declared elsewhere.
        reading: How files are read that do not say it themselves, as encoding and sheet.
        memory: Limit of the in-process database, such as "2GB"; beyond it intermediate results go to a private
            temporary folder.

    Raises:
        CxError: A file that is absent, of an unknown format, damaged, or whose renames name no column.
    """
    (opened,) = open_sources([Asked(source, wanted, untouched, reading)], folder, memory)
    return opened


def open_sources(asked: Sequence[Asked], folder: Path | None = None, memory: str | None = None) -> list[Source]:
    """Several sources in one database, where their tables can be joined.

    Raises:
        CxError: As `open_source`; sources that lie in different databases.
    """
    for one in asked:
        if one.reading and (isinstance(one.source, (ibis.expr.types.Table, pd.DataFrame)) or _is_database(one.source)):
            raise CxError(f"{next(iter(one.reading))}: says how a file is read, and the source is none")
    served: list[Any] = [one.source for one in asked if _is_database(one.source)]
    if served or any(isinstance(one.source, ibis.expr.types.Table) for one in asked):
        urls = [one.get("url") for one in served]
        if len(asked) > 1 and (len(served) < len(asked) or len(set(urls)) > 1):
            raise CxError("joins: tables are joined where they are; expected all of them in files, or in one database")
        return _served([one.source for one in asked], folder or Path(), memory)
    specs = [[] if _in_memory(one.source) else _told(file_specs(one.source), one.reading or {}) for one in asked]
    paths = [[_there(spec, folder or Path()) for spec in own] for own in specs]
    connection = connect(memory, [path for own in paths for path in own])
    links = iter(connection.links)
    return [
        _held(connection, one, number, own, [(path, next(links)) for path in own_paths], len(asked) > 1)
        for number, (one, own, own_paths) in enumerate(zip(asked, specs, paths, strict=True))
    ]


def _served(sources: Sequence[Any], folder: Path, memory: str | None) -> list[Source]:
    """Tables of one database, or of any Ibis backend."""
    found: list[Source] = []
    for source in sources:
        if isinstance(source, ibis.expr.types.Table):
            table, about = source, {"path": getattr(source.op(), "name", "table"), "rows": None}
        else:
            within = found[0].table.get_backend() if found else None
            table, about = open_database(parse(DatabaseSpec, source, "source"), folder, memory, within)
            about["rows"] = count(table)
        found.append(Source(table, [about]))
    return found


def _in_memory(source: Any) -> bool:
    return isinstance(source, pd.DataFrame) or (isinstance(source, str) and source in SAMPLES)


def _held(
    connection: Connection, asked: Asked, number: int, specs: list[FileSpec], files: list[tuple[Path, Path]],
    joined: bool,
) -> Source:  # fmt: skip
    """Files or a frame as tables of the in-process database."""

    def keep(table: Table) -> Table:
        return connection.backend.create_table("responses", table, temp=True, overwrite=True)

    source = asked.source
    if _in_memory(source):
        frame = _sampled(str(source), asked.wanted) if isinstance(source, str) else source.reset_index(drop=True)  # type: ignore[union-attr]
        frame.columns = headers(list(frame.columns))
        made = {"path": f"{source} (synthetic)", "synthetic": True} if isinstance(source, str) else {"path": "frame"}
        table = from_frame(connection.backend, frame, f"frame{number}" if number else "frame")
        return Source(table, [{**made, "rows": len(frame)}], keep)
    parts = [
        _read(connection.backend, spec, path, link, asked.wanted, asked.untouched)
        for spec, (path, link) in zip(specs, files, strict=True)
    ]
    text = any(Path(spec.path).suffix.lower() not in ("", ".parquet") for spec in specs)
    # A join, or the time between two clocks, is dear to compute anew in each query.
    return _together(parts, keep if text or joined or asked.worked_out else None)


def _sampled(name: str, wanted: Collection[str] | None) -> pd.DataFrame:
    from cxkit.sample import write

    rows = write.sample()[SAMPLES[name]]
    return rows[[column for column in rows if wanted is None or column in wanted]]


def _is_database(source: Any) -> bool:
    return isinstance(source, Mapping) and bool(set(source) & set(DATABASE))


def _told(specs: list[FileSpec], reading: Mapping[str, Any]) -> list[FileSpec]:
    """The files with what the mapping says of how they are read, each as far as it has a meaning for its format."""
    told = []
    for spec in specs:
        reader = READERS.get(_suffix(Path(spec.path)))
        fits = {key: value for key, value in reading.items() if reader in OPTIONS.get(key, [reader])}
        told.append(spec.model_copy(update=fits | spec.reading))
    for key in reading:
        if not any(key in spec.reading for spec in told):
            raise CxError(
                f"{key}: the mapping declares it, and it has no meaning for {', '.join(s.path for s in specs)}"
            )
    return told


def file_specs(source: Any) -> list[FileSpec]:
    """The files that a source names, checked.

    >>> [spec.path for spec in file_specs({"files": [{"path": "a.csv", "wave": "2017"}]})]
    ['a.csv']
    """
    if isinstance(source, (str, Path)):
        return [FileSpec(path=str(source))]
    if isinstance(source, Mapping) and "path" in source:
        return [parse(FileSpec, source, "source")]
    for key in source if isinstance(source, Mapping) else ():
        if key != "files":
            raise CxError(f"source.{key}: unknown key; {nearest(str(key), ['files', *DATABASE])}")
    files = source.get("files") if isinstance(source, Mapping) else source
    if not isinstance(files, Sequence) or isinstance(files, str) or not files:
        found = "an empty one" if isinstance(files, Sequence) and not files else type(files or source).__name__
        raise CxError(f"source: expected a path or a list `files`, found {found}")
    named = [{"path": str(file)} if isinstance(file, (str, Path)) else file for file in files]
    return [parse(FileSpec, file, f"source.files.{i}") for i, file in enumerate(named)]


def _there(spec: FileSpec, folder: Path) -> Path:
    """The path of a file that is there, and that somebody knows how to read."""
    if "://" in spec.path:
        shown = without_password(spec.path)
        raise CxError(f"source: {shown}: expected a path, or {{url: ..., table: ...}} of a database")
    path = folder / Path(spec.path).expanduser()
    if not os.path.exists(path):
        raise CxError(f"{path}: no such file")
    suffix = _suffix(path)
    reader = READERS.get(suffix)
    if reader is None:
        raise CxError(f"{path}: cannot read {suffix or 'a file without suffix'}; expected one of {', '.join(READERS)}")
    require_data(path)
    for option, only in OPTIONS.items():
        if getattr(spec, option) is not None and reader not in only:
            raise CxError(f"{path}: `{option}` has no meaning for {suffix} files; leave it out")
    return path


def _suffix(path: Path) -> str:
    return ".parquet" if path.is_dir() else path.suffix.lower()


def _read(
    connection: Any, spec: FileSpec, path: Path, link: Path, wanted: Collection[str] | None, untouched: Collection[str]
) -> Source:
    before = {path: stamp(path)}
    table, head = READERS[_suffix(path)](connection, path, spec, link)
    table = values.with_point(table, table.columns) if spec.decimal == "," else table
    old = {new: name for name, new in spec.rename.items()}
    _check_renames(head, path, spec)
    own = None if wanted is None else {old.get(column, column) for column in wanted}
    as_written = {old.get(column, column) for column in untouched}
    table, facts, undecided = _admit(table, head, str(path), own, as_written)
    table = table.rename({new: name for name, new in spec.rename.items() if name in table.columns})
    table = table.mutate(**{name: ibis.literal(value, "string") for name, value in spec.constants.items()})
    facts = {"path": spec.path, "sha256": sha256(*parts(path)), "rows": count(table), **facts}
    require_same(before)

    def renamed(by_column: Mapping[str, Any]) -> dict[str, Any]:
        return {spec.rename.get(column, column): value for column, value in by_column.items()}

    return Source(
        table,
        [facts],
        undecided=renamed(undecided),
        missing=renamed(head.missing),
        labels=renamed(head.labels),
        questions=renamed(head.questions),
        zones=[head.zone] if head.zone else [],
        constants=[spec.constants],
        names=[*renamed(dict.fromkeys(head.names)), *spec.constants],
        stamps=before,
    )


def _who(head: Head, column: str) -> bool:
    """Whether a column says who someone is: by the vendor, its name or its question."""
    return column in head.personal or is_personal(column) or is_personal(head.questions.get(column, ""))


def _admit(
    table: Table, head: Head, name: str, wanted: Collection[str] | None, untouched: Collection[str]
) -> tuple[Table, dict[str, Any], dict[str, str]]:
    """The columns of an export that may come in, with their names.

    Args:
        table: The rows below the headers, columns in the order of `head.names`.
        head: What the layout knows.
        name: What error messages call the export.
        wanted: Columns that the mapping asks for: only they come in, personal ones too; None for all but personal ones.
        untouched: Columns of times whose form the mapping declares.

    Returns:
        The table, with `LEFT_OUT` where the layout knows rows that are no answers; what happened, JSON-ready: layout,
        dropped, times, zone, notes, as far as there is something to say; column of times -> why it cannot be read.
    """
    if len(head.names) != len(table.columns):
        raise CxError(f"{name}: {len(head.names)} headers above {len(table.columns)} columns")
    personal = [c for c in head.names if _who(head, c) and c not in (wanted or ())]
    marks = {column for column, _ in head.leave.values()}
    wide = [c for c in head.names if (c not in personal if wanted is None else c in wanted) or c in marks]
    place = dict(zip(head.names, table.columns, strict=True))
    table = table.select(**{column: table[place[column]] for column in wide or head.names[:1]})
    unnamed = [column for column in wide if wanted is None and _UNNAMED.fullmatch(column)]
    filled = aggregated(table, *(table[column].count() for column in unnamed))
    blank = [column for column, n in zip(unnamed, filled, strict=True) if n == 0]
    times_of = [column for column in head.times if column not in untouched]
    table, forms, undecided = times.normalised(table, times_of, head.zone, head.month_first)
    unasked = marks & set(table.columns) - set(wide if wanted is None else wanted)
    table = _marked(table, head).drop(*unasked, *blank)
    facts: dict[str, Any] = {
        "layout": head.layout,
        "dropped": personal,
        "times": forms,
        "zone": head.zone,
        "sheets": head.sheets,
        "notes": [*head.notes, *([f"columns without name and content: {len(blank)}"] if blank else [])],
    }
    return table, {key: value for key, value in facts.items() if value}, undecided


def _marked(table: Table, head: Head) -> Table:
    """The table with the reason why a row is no answer."""
    rules = [
        (values.text(table[column]).isin(left), ibis.literal(f"{reason}{NO_ANSWER}"))
        for reason, (column, left) in head.leave.items()
        if column in table.columns and table[column].type().is_string()
    ]
    return table.mutate(**{LEFT_OUT: ibis.cases(*rules, else_=ibis.null("string"))}) if rules else table


def _check_renames(head: Head, path: Path, spec: FileSpec) -> None:
    for old in spec.rename:
        if old not in head.names:
            raise CxError(f"{path}: rename: the column {old!r} is not in the file; {nearest(old, head.names)}")
    named = [spec.rename.get(name, name) for name in head.names] + list(spec.constants)
    for name, n in Counter(named).items():
        if n > 1:
            raise CxError(f"{path}: two columns would be named {name!r}, by the file, `rename`, `constant` or `wave`")


def _together(parts: list[Source], keep: Callable[[Table], Table] | None) -> Source:
    """Sources above each other. What one file knows of a column holds for all of them."""

    def merged(name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in parts:
            for column, value in getattr(part, name).items():
                found[column] = found.get(column, {}) | value if isinstance(value, Mapping) else value
        return found

    held = [part.columns for part in parts]
    files = [file for part in parts for file in part.files]
    lacking = {
        column: without
        for column in dict.fromkeys(column for columns in held for column in columns)
        if (without := [file["path"] for file, columns in zip(files, held, strict=True) if column not in columns])
    }
    return Source(
        _stack([part.table for part in parts]),
        files,
        keep,
        lacking=lacking,
        names=list(dict.fromkeys(column for columns in held for column in columns)),
        zones=list(dict.fromkeys(zone for part in parts for zone in part.zones)),
        constants=[one for part in parts for one in part.constants],
        stamps={path: one for part in parts for path, one in part.stamps.items()},
        monthly=any(part.monthly for part in parts),
        **{name: merged(name) for name in ("undecided", "missing", "labels", "questions")},
    )


def _stack(tables: list[Table]) -> Table:
    """Tables above each other; a column that one of them lacks is blank there, mixed types become text."""
    if len(tables) == 1:
        return tables[0]
    tables = [table.mutate(**{FILE: ibis.literal(i, "int32")}) for i, table in enumerate(tables)]
    columns = list(dict.fromkeys(column for table in tables for column in table.columns))
    kinds = {c: {str(t[c].type()) for t in tables if c in t.columns} for c in columns}

    def aligned(table: Table) -> Table:
        cells = {}
        for column in columns:
            kind = next(iter(kinds[column])) if len(kinds[column]) == 1 else "string"
            cells[column] = table[column].cast(kind) if column in table.columns else ibis.null(kind)
        return table.select(**cells)

    return ibis.union(*map(aligned, tables), distinct=False)


def read_as(facts: Mapping[str, Any]) -> list[str]:
    """How a file was read, a line for each thing.

    >>> read_as({"layout": "typeform", "dropped": ["E-mail"], "zone": "UTC"})
    ['laid out as typeform', 'dropped, because they say who someone is: E-mail', 'times are in UTC']
    """
    lines = [f"laid out as {facts['layout']}"] if facts.get("layout", "plain") != "plain" else []
    if facts.get("dropped"):
        lines.append(f"dropped, because they say who someone is: {', '.join(facts['dropped'])}")
    lines += [f"{column} is written as {form}" for column, form in facts.get("times", {}).items()]
    first, *others = facts.get("sheets", {}).items() or [("", 0)]
    if others:
        named = ", ".join(f"{name!r} ({rows:,} rows)" for name, rows in others)
        lines.append(f"the sheet {first[0]!r} ({first[1]:,} rows) was read; the others are {named}; `sheet` names one")
    return [*lines, *([f"times are in {facts['zone']}"] if facts.get("zone") else []), *facts.get("notes", [])]
