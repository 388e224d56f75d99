"""A table and its mapping -> responses: readable answers, and every refusal counted by its reason.

All of it is one lazy Ibis expression; only counts ever reach Python. Text columns come from files, which the in-process
DuckDB reads; columns of a database keep their types and are cast, so that the same mapping serves both.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from cxkit.errors import CxError, nearest
from cxkit.files import Stamps
from cxkit.input import clocks, refusals, times, values
from cxkit.input.cleaning import LEFT_OUT
from cxkit.input.databases import collect, readable
from cxkit.input.mapping import BLANK, MINUTES, Mapping, load_mapping, open_of, own_names
from cxkit.input.sources import Source, SourceLike, Table, open_source
from cxkit.input.waves import Order, ordered
from cxkit.metrics import Metric

Column = Any  # ibis.expr.types.Column

SAMPLE = "sample"
IDS = ("response", "respondent", "cluster")
# Reasons that quote the answer behind a colon; `analysis.sharing` decides which of these may be passed on.
QUOTING = NO_NUMBER, OUTSIDE, NEGATIVE, NOT_WHOLE = (
    "not a number or known label", "outside", "negative", "not a whole number",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
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
        waves: The order of the waves, or why none is known; None where times are mapped. It is decided here only.
        stamps: What each file was before it was read, for `files.require_same` after the last query.
    """

    table: Table
    mapping: Mapping
    metrics: dict[str, Metric]
    files: list[dict[str, Any]]
    refused: pd.DataFrame = field(repr=False)
    rows: Table = field(repr=False)
    waves: Order | None = None
    stamps: Stamps = field(default_factory=dict, repr=False)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the answers came from, as JSON-ready data."""
        return {
            "files": self.files,
            "rows": sum(file["rows"] or 0 for file in self.files),
            "synthetic": any("synthetic" in file for file in self.files),
            "timezone": self.mapping.timezone,
            "year_starts": self.mapping.year_starts,
            "roles": self.mapping.columns.named(),
            "lonely": self.mapping.lonely,
            **({"waves": self.waves._asdict()} if self.waves else {}),
        }

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
        source: "sample", a path, several files (`{"files": [...]}`), a database (`{"url": ..., "table": ...}`), a
            DataFrame or a table of any Ibis backend.
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
    if isinstance(source, str) and source == SAMPLE:
        return _read_sample(mapping)
    given = None if mapping is None else load_mapping(mapping)
    opened = open_source(
        source,
        Path(folder) if folder else None,
        wanted=set(_columns(given).values()) if given else None,
        untouched={given.columns.time} if given and given.columns.time and given.time_format else (),
        memory=memory,
    )
    return _responses(opened, given or own_names([c for c in opened.table.columns if c != LEFT_OUT]))


def _read_sample(mapping: Any) -> Responses:
    from cxkit.sample import write

    checked = load_mapping(mapping or write.MAPPING)
    responses = write.sample()["responses"]
    opened = open_source(responses[[column for column in responses if column in _columns(checked).values()]])
    opened.files[0] |= {"path": "sample (synthetic)", "synthetic": True}
    return _responses(opened, checked)


def _responses(source: Source, mapping: Mapping) -> Responses:
    _require_columns(source, mapping)
    _check_times(source, mapping)
    mapping = _with_file_codes(source, mapping)
    rows = refusals.applied(source.table, mapping, _columns(mapping).values())
    usable = refusals.usable(rows, mapping)
    wave = {"wave": values.text(usable[mapping.columns.wave])} if mapping.columns.wave else {}
    whys = {f"why_{i}": reading(usable, mapping, item)[1] for i, item in enumerate(mapping.items)}
    if source.keep:  # text is read once: answers and reasons together
        kept = source.keep(usable.select(**_answers(usable, mapping), **whys))
        answers, reasons = kept.drop(*whys), kept.select(*wave, *whys)
        refused = refusals.counted(rows, reasons, mapping)
    else:
        refused = refusals.counted(rows, usable.select(**wave, **whys), mapping)
        answers = _lazily(source, mapping, rows, refused)
    known = _waves(source, mapping, answers)
    return Responses(answers, mapping, mapping.metrics, source.files, refused, rows, known, source.stamps)


def _waves(source: Source, mapping: Mapping, answers: Table) -> Order | None:
    if (column := mapping.columns.wave) is None:
        return None
    given = [one[column].strip() if column in one else None for one in source.constants]
    return ordered(set(collect(answers.select("wave").distinct())["wave"]), mapping.waves, given)


def _answers(usable: Table, mapping: Mapping, clean: Collection[str] = ()) -> dict[str, Column]:
    """The kit's own columns; those of `clean`, items and dimensions, need no look at each value."""
    return {
        **_roles(usable, mapping),
        **{item: reading(usable, mapping, item, item in clean)[0] for item in mapping.items},
        **{open_of(name): clocks.is_open(usable, item) for name, item in mapping.items.items() if item.open_until},
        **{name: _level(usable, mapping, name, name in clean) for name in mapping.dimensions},
    }


def _lazily(source: Source, mapping: Mapping, rows: Table, refused: pd.DataFrame) -> Table:
    """The answers of a source that is read where it lies.

    Files do not change between two queries, so what the count of refusals did not find is not looked for again in each
    query of a tally; a database may have changed, and is asked everything every time.
    """
    if not all("sha256" in file for file in source.files):
        usable = refusals.usable(rows, mapping)
        return usable.select(**_answers(usable, mapping))
    usable = refusals.usable(rows, mapping, set(refused.loc[refused["item"] == "row", "reason"]))
    bad = set(refused.loc[refused["reason"] != "empty", "item"])
    clean = [*(item for item in mapping.items if item not in bad), *_tidy(usable, mapping)]
    return usable.select(**_answers(usable, mapping, clean))


def _tidy(usable: Table, mapping: Mapping) -> list[str]:
    """The dimensions of which every value is a level as it stands: text without blanks around it, and none missing."""
    raw = {name: usable[dimension.column] for name, dimension in mapping.dimensions.items() if not dimension.labels}
    text = {name: column for name, column in raw.items() if column.type().is_string()}
    if not text:
        return []
    odd = {
        name: (column.isnull() | (column != values.text(column)).fill_null(True)).any() for name, column in text.items()
    }
    row = usable.agg(**odd).to_pyarrow().to_pylist()[0]
    return [name for name in text if not row[name]]


def _columns(mapping: Mapping) -> dict[str, str]:
    """Key in the mapping -> column that it names."""
    return {
        **{f"columns.{role}": column for role, column in mapping.columns.named().items()},
        **{
            f"items.{name}{f'.{key}' if key else ''}": column
            for name, item in mapping.items.items()
            for key, column in item.columns.items()
        },
        **({f"latest.{key}": column for key, column in mapping.latest} if mapping.latest else {}),
        **{f"dimensions.{name}": dimension.column for name, dimension in mapping.dimensions.items()},
    }


def _require_columns(source: Source, mapping: Mapping) -> None:
    found, wanted = source.columns, _columns(mapping)
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
    column, where = mapping.columns.time, ", ".join(str(file["path"]) for file in source.files)
    pairs = [c for item in mapping.items.values() if item.start for c in item.columns.values()]
    for name in [column, *pairs]:
        if name in source.undecided and not mapping.time_format:
            raise CxError(f"{where}: {name}: {source.undecided[name]}")
    other = [zone for zone in source.zones if zone != mapping.recorded_in]
    if column and mapping.recorded_in and other and not mapping.time_format:
        raise CxError(f"recorded_in: the mapping says {mapping.recorded_in}, but {where} names {other[0]}")


def _with_file_codes(source: Source, mapping: Mapping) -> Mapping:
    """The mapping with the codes for no answer that the file itself declares; the mapping's own words come first."""
    items = {}
    for name, item in mapping.items.items():
        codes = dict(source.missing.get(item.column or "", {})) | item.missing_reasons
        items[name] = item.model_copy(update={"missing": codes}) if codes else item
    return mapping.model_copy(update={"items": items})


# Columns --------------------------------------------------------------------------------------------------------------


def _roles(table: Table, mapping: Mapping) -> dict[str, Column]:
    columns = {}
    for role, column in mapping.columns.named().items():
        raw = table[column]
        if role == "time":
            columns[role] = times.moment(raw, mapping)
        elif role == "weight":
            columns[role] = values.number(raw)
        else:  # whole numbers are grouped as they are, which is a third of the work
            columns[role] = raw if raw.type().is_integer() and role in IDS else values.text(raw)
    return columns


def reading(table: Table, mapping: Mapping, item: str, clean: bool = False) -> tuple[Column, Column]:
    """An item's code (null where refused) and the reason for the refusal (null where used).

    Args:
        table: Usable rows.
        mapping: The mapping.
        item: Name of an item.
        clean: Whether it is known that every answer that is not empty can be used.
    """
    declared = mapping.items[item]
    if declared.column is None:
        return clocks.reading(table, mapping, item)
    raw = table[declared.column]
    metric = next(iter(mapping.metrics_of(item).values()))
    text, number = values.text(raw), values.number(raw)
    if declared.unit:
        number = number * MINUTES[declared.unit]
    for label, code in declared.labels.items():
        number = values.is_code(raw, str(label)).ifelse(ibis.literal(float(code)), number)
    missing = {
        f"declared missing: {code}{f' ({reason})' if reason else ''}": values.is_code(raw, code)
        for code, reason in declared.missing_reasons.items()
    }
    low, high = metric.scale
    nothing = number.isnull() | number.isnan()
    outside = ~number.between(low, high) if high < float("inf") else (number < low)
    between = number != number.floor() if metric.values else ibis.literal(False)
    shown = text.substr(0, 40)
    expected = f"{OUTSIDE} {low:g}-{high:g}: " if high < float("inf") else f"{NEGATIVE}: "
    why = ibis.cases(
        (values.is_blank(raw), "empty"),
        *((is_missing, reason) for reason, is_missing in missing.items()),
        (nothing, ibis.literal(f"{NO_NUMBER}: ") + shown),
        (outside, ibis.literal(expected) + shown),
        (between, ibis.literal(f"{NOT_WHOLE}: ") + shown),
        else_=ibis.null("string"),
    )
    refused = reduce(or_, (values.is_blank(raw), *missing.values(), nothing, outside, between))  # without any words
    code = (low + high - number) if declared.reversed else number
    if clean and not raw.type().is_floating():
        return code, why
    return (number.isnan() if clean else refused).ifelse(ibis.null("float64"), code), why


def _level(table: Table, mapping: Mapping, name: str, clean: bool = False) -> Column:
    """A dimension's level as text; blank is a level of its own. `clean`: every value is a level as it stands."""
    declared, raw = mapping.dimensions[name], table[mapping.dimensions[name].column]
    if clean:
        return raw
    level = values.text(raw)
    for code, label in declared.labels.items():
        level = values.is_code(raw, str(code)).ifelse(ibis.literal(label), level)
    return level.fill_null(BLANK)
