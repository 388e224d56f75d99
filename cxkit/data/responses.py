"""A table and its mapping -> responses: readable answers, and every refusal counted by its reason.

All of it is one lazy Ibis expression; only counts ever reach Python. Text columns come from files, which the in-process
DuckDB reads; columns of a database keep their types and are cast, so that the same mapping serves both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandas as pd

from cxkit.data.mapping import BLANK, Mapping, load_mapping, own_names
from cxkit.data.sources import Source, SourceLike, Table, collect, count, open_source
from cxkit.errors import CxError, nearest
from cxkit.metrics import Metric

Column = Any  # ibis.expr.types.Column

SHOWN_VALUES = 20  # distinct refused values that are listed one by one, for each item
SAMPLE = "sample"
DUPLICATE = "duplicate_"


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
    """

    table: Table
    mapping: Mapping
    metrics: dict[str, Metric]
    files: list[dict[str, Any]]
    refused: pd.DataFrame = field(repr=False)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the answers came from, as JSON-ready data."""
        return {
            "files": self.files,
            "rows": sum(file["rows"] or 0 for file in self.files),
            "synthetic": any("synthetic" in file for file in self.files),
            "timezone": self.mapping.timezone,
            "roles": self.mapping.columns.named(),
        }


def read(source: SourceLike, mapping: Any = None, *, folder: str | Path | None = None) -> Responses:
    """Responses of an export, read as its mapping says.

    Args:
        source: "sample", a path, several files (`{"files": [...]}`), a DataFrame or a table of any Ibis backend.
        mapping: A mapping file or its data; None for the sample and for tables that use the kit's own names.
        folder: Where relative paths of the source start.

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
    opened = open_source(source, Path(folder) if folder else None)
    checked = own_names(list(opened.table.columns)) if mapping is None else load_mapping(mapping)
    return _responses(opened, checked)


def _read_sample(mapping: Any) -> Responses:
    from cxkit.data import sample  # lazily: only who asks for it pays for its templates

    checked = load_mapping(mapping or sample.MAPPING)
    responses = sample.sample()["responses"]
    opened = open_source(responses[[column for column in responses if column in _columns(checked).values()]])
    opened.files[0] |= {"path": "sample (synthetic)", "synthetic": True}
    return _responses(opened, checked)


def _responses(source: Source, mapping: Mapping) -> Responses:
    _require_columns(source, mapping)
    marked = _mark_duplicates(source.table, mapping)
    rules = _row_rules(marked, mapping)
    table = marked.mutate(problem_=_first_reason(rules))
    usable = table.filter(table.problem_.isnull())
    readings = {item: _reading(usable, mapping, item) for item in mapping.items}
    refused = pd.concat(
        [
            _refusals("row", table.problem_, table, mapping),
            *(_refusals(item, why, usable, mapping) for item, (_, why) in readings.items()),
        ],
        ignore_index=True,
    )
    columns = {
        **_roles(usable, mapping),
        **{item: code for item, (code, _) in readings.items()},
        **{name: _level(usable, mapping, name) for name in mapping.dimensions},
    }
    answers = usable.select(**columns)
    return Responses(source.keep(answers) if source.keep else answers, mapping, mapping.metrics, source.files, refused)


def _columns(mapping: Mapping) -> dict[str, str]:
    """Key in the mapping -> column that it names."""
    return {
        **{f"columns.{role}": column for role, column in mapping.columns.named().items()},
        **{f"items.{name}": item.column for name, item in mapping.items.items()},
        **{f"dimensions.{name}": dimension.column for name, dimension in mapping.dimensions.items()},
    }


def _require_columns(source: Source, mapping: Mapping) -> None:
    found, wanted = list(source.table.columns), _columns(mapping)
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


# Rows -----------------------------------------------------------------------------------------------------------------


def _row_rules(table: Table, mapping: Mapping) -> dict[str, Column]:
    """Reason -> which rows it refuses, in the order in which a row's first reason is taken."""
    roles, rules = mapping.columns, {}
    if roles.time:
        moment, raw = _moment(table, mapping), table[roles.time]
        rules["no time"] = _text(raw).isnull()
        rules["time that cannot be read"] = moment.isnull()
    if roles.wave:
        rules["no wave"] = _text(table[roles.wave]).isnull()
    if roles.weight:
        weight = _number(table[roles.weight])
        rules["no weight that is a number"] = weight.isnull() | weight.isnan() | weight.isinf()
        rules["weight of 0 or less"] = weight <= 0
    if DUPLICATE in table.columns:
        rules["response id that occurred before"] = table[DUPLICATE]
    return rules


def _mark_duplicates(table: Table, mapping: Mapping) -> Table:
    """The table with a mark on every response whose id occurred before, in the same wave where there are waves.

    Whether there is any is looked up first, because numbering the rows of a large table to find none is dear.
    """
    if not mapping.columns.response:
        return table
    keys = [column for column in (mapping.columns.response, mapping.columns.wave) if column]
    identified = table.select(**{column: _text(table[column]) for column in keys}).filter(
        lambda t: t[keys[0]].notnull()
    )
    if count(identified) == count(identified.distinct()):
        return table
    numbered = table.mutate(row_=ibis.row_number())
    order = ibis.window(group_by=[_text(numbered[key]) for key in keys], order_by=numbered.row_)
    repeated = (ibis.row_number().over(order) > 0) & _text(numbered[keys[0]]).notnull()
    return numbered.mutate(**{DUPLICATE: repeated})


def _first_reason(rules: dict[str, Column]) -> Column:
    reason = ibis.null("string")
    for name, broken in reversed(rules.items()):
        reason = broken.fill_null(False).ifelse(ibis.literal(name), reason)
    return reason


def _wave(table: Table, mapping: Mapping) -> dict[str, Column]:
    """The wave as a column to count by, where there are waves: blanks of one year are not those of another."""
    return {"wave": _text(table[mapping.columns.wave])} if mapping.columns.wave else {}


def _refusals(item: str, why: Column, table: Table, mapping: Mapping) -> pd.DataFrame:
    """Counts of refusals by reason (and wave), most frequent first; rare values are put together."""
    wave = _wave(table, mapping)
    refused = table.select(reason=why, **wave).filter(lambda t: t.reason.notnull())
    frame = collect(refused.group_by(["reason", *wave]).agg(n=lambda t: t.count()))
    ups = [*(True for _ in wave), False, True]
    frame = frame.astype({"n": "int64"}).sort_values([*wave, "n", "reason"], ascending=ups)
    rare = (
        frame.groupby(list(wave), dropna=False).cumcount() if wave else pd.Series(range(len(frame)), index=frame.index)
    )
    many = rare >= SHOWN_VALUES
    frame["reason"] = frame["reason"].mask(many, "other refused values")
    frame = frame.groupby([*wave, "reason"], sort=False, dropna=False)["n"].sum().reset_index()
    return frame.assign(item=item)[["item", *wave, "reason", "n"]]


def _roles(table: Table, mapping: Mapping) -> dict[str, Column]:
    columns = {}
    for role, column in mapping.columns.named().items():
        if role == "time":
            columns[role] = _moment(table, mapping)
        else:
            columns[role] = _number(table[column]) if role == "weight" else _text(table[column])
    return columns


_ZONED, _LOCAL = dt.Timestamp(timezone="UTC"), dt.Timestamp()


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.string), _LOCAL))  # type: ignore[untyped-decorator]
def _try_strptime(text: Any, form: Any) -> Any:
    """DuckDB's strptime that gives null where the text does not fit; only text from files gets here."""


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.string), _ZONED))  # type: ignore[untyped-decorator]
def _try_strptime_zoned(text: Any, form: Any) -> Any:
    """The same for a form with an offset or a zone, of which it makes an instant."""


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, _LOCAL), _ZONED))  # type: ignore[untyped-decorator]
def _moment_in(zone: Any, local: Any) -> Any:
    """The instant of a local time in a zone."""


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, _ZONED), _LOCAL))  # type: ignore[untyped-decorator]
def _local_time(zone: Any, moment: Any) -> Any:
    """The local time of an instant in a zone."""


_DAY = r"^\d{4}-\d{1,2}-\d{1,2}"
_CLOCK = r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
_OFFSET = r" ?(Z|z|UTC|[+-]\d{2}(:?\d{2})?)$"


def _moment(table: Table, mapping: Mapping) -> Column:
    """Local time in the zone in which periods are cut; times with an offset of their own are converted.

    A day without a clock stays that day in every zone. Whatever is not written in one of these ways is null: a database
    would read `infinity`, and drop the name of a zone.
    """
    column, zone = table[mapping.columns.time], mapping.timezone
    kind = column.type()
    if kind.is_date():
        return column.cast("timestamp")
    if kind.is_timestamp():
        return _local_time(zone, column) if kind.timezone else _local(column, mapping)
    if not kind.is_string():
        raise CxError(f"columns.time: expected text, dates or times in {mapping.columns.time!r}, found {kind}")
    text = _text(column)
    if mapping.time_format:
        return _written(text, mapping.time_format, mapping)
    instant = text.re_replace(" ?(Z|z|UTC)$", "+00").re_replace(r" ([+-]\d{2}(:?\d{2})?)$", r"\1").try_cast(_ZONED)
    local = text.try_cast("timestamp")
    return ibis.cases(
        (text.re_search(_DAY + _CLOCK + _OFFSET), _local_time(zone, instant)),
        (text.re_search(_DAY + _CLOCK + "$"), _local(local, mapping)),
        (text.re_search(_DAY + "$"), local),
        else_=ibis.null(_LOCAL),
    )


def _written(text: Column, form: str, mapping: Mapping) -> Column:
    """Local time of texts in a declared form."""
    if "%z" in form or "%Z" in form:
        return _local_time(mapping.timezone, _try_strptime_zoned(text, form))
    moment = _try_strptime(text, form)
    return _local(moment, mapping) if any(f"%{mark}" in form.replace("-", "") for mark in "HIcX") else moment


def _local(moment: Column, mapping: Mapping) -> Column:
    """The local time in the zone of the periods of a time without offset."""
    zone, recorded = mapping.timezone, mapping.recorded_in or mapping.timezone
    return moment if zone == recorded else _local_time(zone, _moment_in(recorded, moment))


# Answers --------------------------------------------------------------------------------------------------------------


def _reading(table: Table, mapping: Mapping, item: str) -> tuple[Column, Column]:
    """An item's code (null where refused) and the reason for the refusal (null where used)."""
    declared, raw = mapping.items[item], table[mapping.items[item].column]
    metric = next(iter(mapping.metrics_of(item).values()))
    text, number = _text(raw), _number(raw)
    for label, code in declared.labels.items():
        number = _is_code(raw, str(label)).ifelse(ibis.literal(float(code)), number)
    missing = {
        f"declared missing: {code}{f' ({reason})' if reason else ''}": _is_code(raw, code)
        for code, reason in declared.missing_reasons.items()
    }
    low, high = metric.scale
    outside = ~number.between(low, high) if high < float("inf") else (number < low)
    between = number != number.floor() if metric.values else ibis.literal(False)
    shown = text.substr(0, 40)
    expected = f"outside {low:g}-{high:g}: " if high < float("inf") else "negative: "
    why = _first_reason({"empty": text.isnull(), **missing})
    why = ibis.cases(
        (why.notnull(), why),
        (number.isnull() | number.isnan(), ibis.literal("not a number or known label: ") + shown),
        (outside, ibis.literal(expected) + shown),
        (between, ibis.literal("not a whole number: ") + shown),
        else_=ibis.null("string"),
    )
    code = (low + high - number) if declared.reversed else number
    return why.isnull().ifelse(code, ibis.null("float64")), why


def _level(table: Table, mapping: Mapping, name: str) -> Column:
    """A dimension's level as text; blank is a level of its own."""
    declared, raw = mapping.dimensions[name], table[mapping.dimensions[name].column]
    level = _text(raw)
    for code, label in declared.labels.items():
        level = _is_code(raw, str(code)).ifelse(ibis.literal(label), level)
    return level.fill_null(BLANK)


def _text(column: Column) -> Column:
    """Trimmed text; empty is null. A whole number is written as one: 1 in a text file may be 1.0 in a data frame."""
    if not column.type().is_floating():
        return column.cast("string").strip().nullif("")
    whole = (column == column.floor()) & (column.abs() < 2**53)
    text = whole.ifelse(column.try_cast("int64").cast("string"), column.cast("string"))
    return column.isnan().ifelse(ibis.null("string"), text)


def _number(column: Column) -> Column:
    if not column.type().is_string():
        return column.cast("float64")
    text = _text(column)
    return text.contains("_").ifelse(ibis.null("float64"), text.try_cast("float64"))  # DuckDB reads 1_0 as 10


def _is_code(column: Column, code: str) -> Column:
    """Whether an answer is a declared code: as text, or as the same number (11 and 11.0 are one code)."""
    same = [_text(column) == code] if column.type().is_string() or not _is_number(code) else []
    if _is_number(code):
        same.append(_number(column) == float(code))
    return reduce(lambda a, b: a | b, same).fill_null(False)


def _is_number(code: str) -> bool:
    try:
        float(code)
    except ValueError:
        return False
    return True
