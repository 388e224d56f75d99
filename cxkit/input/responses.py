"""A table and its mapping -> responses: readable answers, and every refusal counted by its reason.

All of it is one lazy Ibis expression; only counts ever reach Python. Text columns come from files, which the in-process
DuckDB reads; columns of a database keep their types and are cast, so that the same mapping serves both.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cxkit.errors import CxError, nearest
from cxkit.files import Stamps
from cxkit.input import answers, refusals, times, values
from cxkit.input.databases import Table, aggregated, collect, readable
from cxkit.input.joins import joined
from cxkit.input.mapping import BLANK, CLOCKS, ISO, Mapping, load_mapping, own_names
from cxkit.input.shapes import MONTHLY, count_of, shaped
from cxkit.input.sources import FILE, LEFT_OUT, Asked, Source, SourceLike, open_sources
from cxkit.input.waves import Order, ordered
from cxkit.metrics import Metric
from cxkit.schema import SAMPLES


@dataclass(frozen=True, slots=True, repr=False)
class Responses:
    """Answers ready to be tallied: the kit's own columns, lazily, with where they came from.

    Attributes:
        table: One row per response that can be used: `response`, `respondent`, `time` or `wave`, `weight`, `cluster`,
            `stratum` (those that are mapped), one number per item (null where refused), one text per dimension.
        mapping: The checked mapping.
        metrics: The metrics that the mapped items allow.
        files: One entry per file: path, sha256, rows.
        refused: Counts of refused rows and answers: item, (wave,) reason, n.
        rows: Every row of the source, lazily, with `problem_`: why it cannot be used.
        judged: `table` with `why_0`, `why_1`, ...: of each item in order, why its answer is refused.
        waves: The order of the waves, or why none is known; None where times are mapped. It is decided here only.
        stamps: What each file was before it was read, for `files.require_same` after the last query.
        monthly: Whether some times name a month and no day.
        raking: What `tallies.raking` knows of the sample, where its weights are made by raking.
    """

    table: Table
    mapping: Mapping
    metrics: dict[str, Metric]
    files: list[dict[str, Any]]
    refused: pd.DataFrame
    rows: Table
    judged: Table
    waves: Order | None = None
    stamps: Stamps = field(default_factory=dict)
    monthly: bool = False
    raking: Any = None

    def __repr__(self) -> str:
        """What was read, in a line.

        >>> import pandas as pd
        >>> read(pd.DataFrame({"nps": [9, 10, 3, 11]}))
        Responses of frame: 4 rows; items nps; no dimensions; 1 refused or blank
        """
        names = ", ".join(str(file["path"]) for file in self.files) or "a table"
        rows, refused = self.provenance["rows"], int(self.refused["n"].sum())
        items, dimensions = ", ".join(self.mapping.items), ", ".join(self.mapping.dimensions)
        cuts = f"dimensions {dimensions}" if dimensions else "no dimensions"
        return f"Responses of {names}: {rows:,} rows; items {items}; {cuts}; {refused:,} refused or blank"

    def _repr_html_(self) -> str:
        from cxkit.show import audit, style
        from cxkit.show.html import tag

        return f"{style()}{tag('p', repr(self))}{audit(self.refused, self.provenance)._repr_html_()}"

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the answers came from, as JSON-ready data."""
        return {
            "files": self.files,
            "rows": sum(file["rows"] or 0 for file in self.files if "joined" not in file),
            "synthetic": any("synthetic" in file for file in self.files),
            "timezone": self.mapping.timezone,
            "year_starts": self.mapping.year_starts,
            "roles": self.mapping.columns.named(),
            "lonely": self.mapping.lonely,
            **({"waves": self.waves._asdict()} if self.waves else {}),
            **({"business": self.mapping.business.model_dump()} if self.mapping.business else {}),
        }

    @property
    def joins(self) -> dict[str, dict[str, Any]]:
        """Of each further table how many rows and responses found each other."""
        return {file["joined"]: file["join"] for file in self.files if "join" in file}

    def in_order(self) -> list[str]:
        """The waves that occur in the order of time.

        Raises:
            CxError: Where no column has the role, or nothing says the order.
        """
        if self.waves is None:
            raise CxError("period: wave needs a column in the role `wave`, which the mapping does not have")
        if self.waves.doubt:
            raise CxError(self.waves.doubt)
        return self.waves.waves


@readable
def read(
    source: SourceLike, mapping: Any = None, *, folder: str | Path | None = None, memory: str | None = None
) -> Responses:
    """Responses of an export, read as its mapping says.

    Args:
        source: "sample", "sample tickets" or "sample customers", a path, several files (`{"files": [...]}`), a database
            (`{"url": ..., "table": ...}`), a DataFrame or a table of any Ibis backend.
        mapping: A mapping file or its data; None for the sample and for tables that use the kit's own names.
        folder: Where relative paths of the source start.
        memory: Limit of the in-process database, such as "2GB" (the default), for data that are files.

    Raises:
        CxError: An unreadable source, a faulty mapping, or a mapped column that the source does not have.

    >>> import pandas as pd
    >>> survey = read(pd.DataFrame({"nps": [9, 10, 3, 11]}))
    >>> survey.refused
      item            reason  n
    0  nps  outside 0-10: 11  1
    """
    if mapping is None and isinstance(source, str) and source in SAMPLES:
        from cxkit.sample.write import MAPPINGS

        mapping = MAPPINGS[SAMPLES[source]]
    given = None if mapping is None else load_mapping(mapping)
    joins = given.joins if given else {}
    columns = set(_columns(given).values()) if given else set[str]()
    theirs = {name: {c.removeprefix(f"{name}.") for c in columns if c.startswith(f"{name}.")} for name in joins}
    own = {*columns, *(join.keys[0] for join in joins.values())} if given else None
    untouched = _times_of(given) if given and given.time_format else ()
    clocks = any(item.start for item in given.items.values()) if given else False
    asked = [Asked(source, own, untouched, given.reading if given else {}, clocks)]
    for name, join in joins.items():
        wanted = theirs[name] | {join.keys[1]} | ({join.latest} if join.latest else set())
        kept = [time.removeprefix(f"{name}.") for time in untouched]
        asked.append(Asked(join.source, wanted, kept, join.reading))
    opened, *others = open_sources(asked, Path(folder) if folder else None, memory)
    if given and joins:
        opened = joined(opened, dict(zip(joins, others, strict=True)), given)
    return _responses(opened, given or own_names([c for c in opened.table.columns if c not in (FILE, LEFT_OUT)]))


def _responses(source: Source, mapping: Mapping) -> Responses:
    _require_columns(source, mapping)
    _check_times(source, mapping)
    if mapping.monthly and not mapping.time_format and source.table.get_backend().name == "duckdb":
        ends = [mapping.monthly.start, mapping.monthly.end]
        source = _told_apart(source, mapping, [name for name in ends if source.table[name].type().is_string()])
    source, mapping = shaped(source, mapping)
    numbers = [c for c in _times_of(mapping) if source.table[c].type().is_numeric() and not mapping.time_format]
    return _answered(_told_apart(source, mapping, numbers) if numbers else source, mapping, numbers)


def _answered(source: Source, mapping: Mapping, apart: Collection[str]) -> Responses:
    """The responses; `apart`: columns of times of which it was found in which forms they are written."""
    mapping = _with_file_codes(source, mapping)
    table = source.table
    if mapping.business:
        table = answers.with_hours(table, mapping, partial(_kept, table.get_backend()) if source.keep else None)
    rows = refusals.applied(table, mapping, _columns(mapping).values())
    usable = refusals.usable(rows, mapping)
    wave = {"wave": values.text(usable[mapping.columns.wave])} if mapping.columns.wave else {}
    wave |= {"count": count_of(usable, mapping)} if mapping.columns.count else {}
    whys = {f"why_{i}": answers.answer(usable, mapping, item)[1] for i, item in enumerate(mapping.items)}
    if source.keep:  # text is read once: answers and reasons together
        kept = source.keep(usable.select(**answers.columns(usable, mapping), **whys))
        table, judged, reasons = kept.drop(*whys), kept, kept.select(*wave, *whys)
        refused = refusals.counted(rows, reasons, mapping)
    else:
        judged = usable.select(**answers.columns(usable, mapping), **whys)
        refused = refusals.counted(rows, usable.select(**wave, **whys), mapping)
        table = _lazily(source, mapping, rows, refused)
    unread = [] if mapping.time_format else [c for c in _unread(source, mapping, refused) if c not in apart]
    if unread and (told := _told_apart(source, mapping, unread)) is not source:
        return _answered(told, mapping, [*apart, *unread])
    known = _waves(source, mapping, table)
    monthly = source.monthly or not all(map(times.has_day, mapping.time_format))
    return Responses(
        table, mapping, mapping.metrics, source.files, refused, rows, judged, known, source.stamps, monthly
    )


def _kept(backend: Any, table: Table, name: str) -> Table:
    return backend.create_table(name, table, temp=True, overwrite=True)


def _times_of(mapping: Mapping) -> list[str]:
    """The columns that hold times."""
    clocks = [column for item in mapping.items.values() if item.start
              for key, column in item.columns.items() if key in CLOCKS]  # fmt: skip
    own = mapping.columns.time
    clocks += [mapping.monthly.start, mapping.monthly.end] if mapping.monthly else []
    return list(dict.fromkeys([*(own if isinstance(own, list) else [own] if own else []), *clocks]))


def _unread(source: Source, mapping: Mapping, refused: pd.DataFrame) -> list[str]:
    """The columns of text in files of which some times are not ISO."""
    if source.table.get_backend().name != "duckdb":
        return []
    reasons = set(refused["reason"])
    found = [c for c in _times_of(mapping) if f"time in {c} that cannot be read" in reasons]
    found += [mapping.columns.named()["time"]] if "time that cannot be read" in reasons else []
    if (latest := mapping.latest) and source.table[latest.by].type().is_string():  # unread, it would order nothing
        text = values.text(source.table[latest.by])
        unread = text.notnull() & times.moment(text, mapping).isnull() & values.number(text).isnull()
        found += [latest.by] if aggregated(source.table, unread.any())[0] else []
    return [column for column in dict.fromkeys(found) if source.table[column].type().is_string()]


def _told_apart(source: Source, mapping: Mapping, columns: Collection[str]) -> Source:
    """The source with columns of times as ISO; itself where they hold nothing else that can be read."""
    table, found, zone, monthly = source.table, dict[str, str](), next(iter(source.zones), None), source.monthly
    for column in columns:
        try:
            written, forms = times.told_apart(table, column, mapping, zone)
        except CxError as error:
            raise CxError(f"{', '.join(str(file['path']) for file in source.files)}: {column}: {error}") from None
        if set(forms) - {ISO}:
            found[column] = " and ".join(f"{form} ({n:,})" for form, n in forms.items())
            table, monthly = written, monthly or not all(map(times.has_day, forms))
    files = [{**file, "times": {**file.get("times", {}), **found}} for file in source.files]
    return replace(source, table=table, files=files, monthly=monthly) if found else source


def _waves(source: Source, mapping: Mapping, table: Table) -> Order | None:
    if (column := mapping.columns.wave) is None:
        return None
    given = [one[column].strip() if column in one else None for one in source.constants]
    return ordered(set(collect(table.select("wave").distinct())["wave"]), mapping.waves, given)


def _lazily(source: Source, mapping: Mapping, rows: Table, refused: pd.DataFrame) -> Table:
    """The answers of a source that is read where it lies.

    Files do not change between two queries, so what the count of refusals did not find is not looked for again in each
    query of a tally; a database may have changed, and is asked everything every time.
    """
    if not all("sha256" in file for file in source.files):
        usable = refusals.usable(rows, mapping)
        return usable.select(**answers.columns(usable, mapping))
    usable = refusals.usable(rows, mapping, set(refused.loc[refused["item"] == "row", "reason"]))
    bad = set(refused.loc[refused["reason"] != "empty", "item"])
    clean = [*(item for item in mapping.items if item not in bad), *answers.tidy(usable, mapping)]
    return usable.select(**answers.columns(usable, mapping, clean))


def _columns(mapping: Mapping) -> dict[str, str]:
    """Key in the mapping -> column that it names."""
    return {
        **{
            f"columns.{role}{f'.{i}' if len(listed) > 1 else ''}": column
            for role, named in mapping.columns
            for listed in [named if isinstance(named, list) else [named]]
            for i, column in enumerate(listed)
            if column is not None
        },
        **{
            f"items.{name}{f'.{key}' if key else ''}": column
            for name, item in mapping.items.items()
            for key, column in item.columns.items()
            if not mapping.long
        },
        **({f"long.{key}": column for key, column in mapping.long} if mapping.long else {}),
        **({f"latest.{key}": column for key, column in mapping.latest} if mapping.latest else {}),
        **({"monthly.from": mapping.monthly.start, "monthly.to": mapping.monthly.end} if mapping.monthly else {}),
        **{f"dimensions.{name}": cut.column for name, cut in mapping.dimensions.items() if cut.column},
    }


def _require_columns(source: Source, mapping: Mapping) -> None:
    found, wanted = [*source.columns, *(MONTHLY if mapping.monthly else ())], _columns(mapping)
    where = ", ".join(str(file["path"]) for file in source.files)
    absent = []
    for key, column in wanted.items():
        if column not in found:
            absent.append(f"{key}: the column {column!r} is not in {where}; {nearest(column, found)}")
        elif column in source.lacking:
            near = nearest(column, sorted(set(found) - {column, *wanted.values()}))
            lacking = f"{key}: the column {column!r} is not in {', '.join(source.lacking[column])}; {near}"
            absent.append(f"{lacking} Use `rename`, or `constant: {{{column}: ''}}` where it was not asked")
    if absent:
        raise CxError("\n".join(absent))


def _check_times(source: Source, mapping: Mapping) -> None:
    """That the form and the zone of the times are known, and not said twice differently."""
    where = ", ".join(str(file["path"]) for file in source.files)
    for name in _times_of(mapping):
        if name in source.undecided and not mapping.time_format:
            raise CxError(f"{where}: {name}: {source.undecided[name]}")
    if mapping.time_format and source.table.get_backend().name != "duckdb":
        raise CxError("time_format: is for files; make a time of the column in `sql`, by the database's own functions")
    other = [zone for zone in source.zones if zone != mapping.recorded_in]
    if mapping.columns.time and mapping.recorded_in and other and not mapping.time_format:
        raise CxError(f"recorded_in: the mapping says {mapping.recorded_in}, but {where} names {other[0]}")


def _with_file_codes(source: Source, mapping: Mapping) -> Mapping:
    """The mapping with the codes for no answer that the file itself declares; the mapping's own words come first."""
    items = {}
    for name, item in mapping.items.items():
        codes = dict(source.missing.get(item.column or "", {})) | item.missing_reasons
        items[name] = item.model_copy(update={"missing": codes}) if codes else item
    cuts = {}
    for name, cut in mapping.dimensions.items():
        labels = dict.fromkeys(source.missing.get(cut.column or "", {}), BLANK) | cut.labels
        cuts[name] = cut.model_copy(update={"labels": labels}) if labels else cut
    return mapping.model_copy(update={"items": items, "dimensions": cuts})
