"""The mapping: which column of an export plays which role, as a checked model of a YAML file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from cxkit.errors import CxError, nearest
from cxkit.input.hours import Stretch, stretches
from cxkit.input.periods import Calendar
from cxkit.metrics import LIMITED, METRICS, Direction, Metric, metric, rescale
from cxkit.schema import BLANK as BLANK
from cxkit.schema import MONTH, REMARKS, Month
from cxkit.strict import Strict, Text, load_yaml, parse

Kind = Literal["relationship", "transactional"]
Unit = Literal["seconds", "minutes", "hours", "days", "months", "h:mm", "m:ss"]
Lonely = Literal["centre", "certainty", "refuse"]  # as the formulas of `stats` know them
ISO, SERIAL = "ISO", "excel"  # SERIAL: days since 1899-12-30, what a spreadsheet writes of a cell without its format
EPOCH = {"epoch": 1, "epoch_ms": 1000}  # units of a second since 1970
NAMED = (ISO, SERIAL, *EPOCH)  # forms of times that are no pattern of strptime
ABOVE = ("mean", "net", "share")  # how it is measured what one item is above another
MINUTES: dict[str, float] = {
    "seconds": 1 / 60, "minutes": 1.0, "hours": 60.0, "days": 1440.0, "months": MONTH,
}  # fmt: skip
FOLLOWING = "next_"  # begins columns of the usable rows: the local time of the next row of the same respondent
CLOCKS = ("from", "to", "open_until")  # keys of an item that name columns of times
TODO = "TODO"  # what `cxkit inspect` writes where only a person can know
# Columns that tallies and the frames made of them have; a dimension of the same name would take their place.
RESERVED = frozenset({
    "item", "metric", "period", "now", "before", "cut", "answer", "group", "n", "nn", "open", "w", "w2", "s", "ww",
    "sw", "ws", "ss", "clusters", "people", "shared", "share", "reason", "part", "report", "n_before", "n_eff",
    "n_eff_before", "value", "low", "high", "change", "pvalue", "pvalue_adj", "tested", "family", "detectable",
    "verdict", "level", "method", "note", "difference", "n_rest", "n_eff_rest", "rest_shared", "rest_ww", "rest_sw",
    "rest_ws", "rest_ss", "alike_q", "alike_df", "alike_pvalue", "alike_pvalue_adj", "alike_detectable",
    "alike_verdict", "named", "named_change", "named_low", "named_high", "named_level", "contribution", "by_mix",
    "by_mix_low", "by_mix_high", "by_rate", "by_rate_low", "by_rate_high", "others", "others_low", "others_high",
    "others_pvalue", "total_change", "explains", "n_judged", "n_judged_before", "n_judged_rest", "wave_clusters",
    "target", "gap",
})  # fmt: skip
LONGEST = 40  # letters of the name of an option's metric
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?")
_LIMIT = re.compile(r"(\d+(?:\.\d+)?) ?(s|seconds?|m|min|minutes?|h|hours?|d|days?)")
_DIRECTIVES = set("aAwubBdmyYHIpMSfgnzZjUWcxXGV%")  # of a time, as strptime knows them


def minutes_of(text: str) -> float:
    """The minutes of a time that is written as `_LIMIT` has it.

    >>> minutes_of("20 s") * 60, minutes_of("2 days")
    (20.0, 2880.0)
    """
    number, unit = _LIMIT.fullmatch(text).groups()  # type: ignore[union-attr]
    return float(number) * next(minutes for name, minutes in MINUTES.items() if name.startswith(unit))


def open_of(item: str) -> str:
    """The column of the responses that says which durations of an item had not ended."""
    return f"{item}_open_"


def _once(values: list[str]) -> list[str]:
    if twice := sorted({value for value in values if values.count(value) > 1}):
        raise ValueError(f"{', '.join(twice)}: listed twice")
    return values


Once = Annotated[list[Text], AfterValidator(_once)]


def _row(value: Any) -> Any:
    """One row is short for a list of it."""
    return [value] if isinstance(value, int) else value


class Reading(Strict):
    """How a file is to be read, where it does not say so itself."""

    encoding: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[".", ","] | None = None
    sheet: Text | None = None
    header_row: Annotated[list[int], BeforeValidator(_row, json_schema_input_type=list[int] | int)] | None = None
    layout: Text | None = None

    @field_validator("header_row")
    @classmethod
    def _one_below_the_other(cls, rows: list[int] | None) -> list[int] | None:
        if rows is not None and (not rows or rows[0] < 1 or rows != list(range(rows[0], rows[0] + len(rows)))):
            raise ValueError(f"expected a row such as 3, or rows one below the other such as [3, 4]; found {rows}")
        return rows

    @property
    def reading(self) -> dict[str, Any]:
        """What is declared of how files are read."""
        return {key: value for key in Reading.model_fields if (value := getattr(self, key)) is not None}


class FileSpec(Reading):
    """One file of a source: where it is, how to read it, and what holds for all its rows."""

    path: Text
    wave: Text | None = None
    constant: dict[str, Text] = Field(default_factory=dict)
    rename: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_wave(self) -> FileSpec:
        if self.wave is not None and "wave" in self.constant:
            raise ValueError("wave: is also among the constants; expected one of the two")
        return self

    @property
    def constants(self) -> dict[str, str]:
        """Columns that every row of the file gets."""
        return self.constant | ({} if self.wave is None else {"wave": self.wave})


class Roles(Strict):
    """Columns that say who answered, when, and with what weight."""

    response: Text | None = None
    respondent: Text | None = None
    time: Text | Annotated[list[Text], Field(min_length=2, max_length=2)] | None = None
    wave: Text | None = None
    weight: Text | None = None
    count: Text | None = None
    cluster: Text | None = None
    stratum: Text | None = None
    comment: Text | None = None

    def named(self) -> dict[str, str]:
        """Role -> column, of the roles that are mapped; of a time in two columns, what they are together."""
        held = {role: column for role, column in self if column is not None}
        return {role: column if isinstance(column, str) else " + ".join(column) for role, column in held.items()}


class Item(Strict):
    """One question of the survey: its column, and how its answers are to be read; a duration also as two clocks.

    Or what one item is above another one, answer by answer: {item: perceived, minus: expectation, measure: mean}.
    """

    column: Text | None = None
    item: Text | None = None
    minus: Text | None = None
    counts: dict[Text, int | float | None] = Field(default_factory=dict)
    several: Text | dict[Text, Text] | None = None
    options: dict[str | int | float, Text] | Once = Field(default_factory=dict)
    same: Annotated[list[Text], Field(min_length=2, max_length=2)] | None = None
    start: Text | None = Field(default=None, alias="from")
    end: Text | None = Field(default=None, alias="to")
    open_until: Text | None = None
    kind: Kind | None = None
    missing: dict[str | int | float, str] | list[str | int | float] = Field(default_factory=dict)
    labels: dict[str | int | float, int | float] = Field(default_factory=dict)
    scale: Annotated[tuple[int, int], Field(strict=False)] | None = None
    reversed: bool = False
    unit: Unit | None = None
    better: Direction | None = None
    question: Text = ""
    label: Text = ""
    measure: Text | None = None
    top: list[int] = Field(default_factory=list)
    bottom: list[int] = Field(default_factory=list)
    classes: dict[Text, list[int]] = Field(default_factory=dict)
    within: Text | None = None
    business: bool = False
    unless: dict[Text, list[str | int | float]] = Field(default_factory=dict)
    still_open: dict[Text, list[str | int | float]] = Field(default_factory=dict)
    of: dict[Text, list[str | int | float]] = Field(default_factory=dict)
    next: dict[Text, list[str | int | float]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _agreeing(cls, data: Any) -> Any:
        """Whether two columns say the same is a share of those who filled in both."""
        share = {"measure": "share", "scale": (0, 1), "top": [1]}
        return data | share if isinstance(data, dict) and data.get("same") else data

    @model_validator(mode="after")
    def _measured(self) -> Item:
        if (self.measure in LIMITED) != (self.within is not None):
            raise ValueError("within: the limit belongs to `measure: within`, again or once, as in `within: 20 s`")
        if self.still_open and (self.column is None or self.within or self.several):
            raise ValueError("still_open: says which cases of a duration in `column` had not ended")
        timed = self.within and (self.start or self.follows)
        if self.unless and not timed:
            raise ValueError("unless: says which cases of `measure: within` between two times do not count as in time")
        if timed and not self.seen_at:
            raise ValueError(
                "open_until: `within` needs the moment until which all cases were watched, such as 2026-11-01"
            )
        for key in ("of", "next"):
            if getattr(self, key) and not self.follows:
                raise ValueError(f"{key}: says which rows `measure: again` or once is about; declare one of them")
        if not self.measure:
            for key in ("top", "bottom", "classes"):
                if getattr(self, key):
                    raise ValueError(f"{key}: says how a metric of your own is made; declare `measure` with it")
        return self

    @model_validator(mode="after")
    def _in_hours(self) -> Item:
        if self.business and not (self.start and self.end):
            raise ValueError("business: is for the time `from` one moment `to` another")
        if self.business and self.within and re.search(r"\d\s*d", self.within):
            raise ValueError(f"within: of business hours a day is no measure; write hours, found {self.within!r}")
        return self

    @field_validator("within")
    @classmethod
    def _is_time(cls, text: str | None) -> str | None:
        if text is not None and (not (found := _LIMIT.fullmatch(text)) or not float(found[1])):
            raise ValueError(f"expected a time such as 20 s, 30 min, 24 h or 2 days, found {text!r}")
        return text

    @property
    def follows(self) -> bool:
        """Whether it is about the next row of the same respondent."""
        return self.measure in ("again", "once")

    @property
    def limit(self) -> float | None:
        """The minutes of `within`."""
        return None if self.within is None else minutes_of(self.within)

    def metric(self, name: str) -> Metric:
        """The metric that the item declares by `measure`.

        Raises:
            CxError: What does not fit.
        """
        return metric(name, str(self.measure), scale=self.scale, top=self.top, bottom=self.bottom,
                      classes=self.classes or self._labelled(), label=self.label, question=self.question,
                      better=self.better)  # fmt: skip

    def _labelled(self) -> dict[str, list[int]] | None:
        """Classes that are called as `labels` call each answer, the worst first; None where some have no word."""
        if not self.scale or self.measure not in ("net", "share", "mean"):
            return None
        low, high = self.scale
        if odd := [word for word, code in self.labels.items() if code not in range(low, high + 1)]:
            raise CxError(f"labels: {odd[0]}: expected an answer of {low}-{high}, found {self.labels[odd[0]]:g}")
        words = {code: str(word) for word, code in reversed(self.labels.items())}
        counts = {code: (code in self.top) - (code in self.bottom) for code in range(low, high + 1)}
        order = sorted(counts, key=lambda code: (counts[code], code), reverse=self.better == "lower")
        found = {words.get(low + high - code if self.reversed else code, ""): [code] for code in order}
        return found if len(found) == len(order) and "" not in found else None

    @model_validator(mode="after")
    def _one_form(self) -> Item:
        clocks = (self.start, self.end)
        if self.item or self.minus:
            return self._difference()
        if self.several or self.options:
            return self._choices()
        if self.same:
            fitting = {"same", "measure", "scale", "top", "kind", "label", "question", "better"}
            if other := sorted(self.model_fields_set - fitting):
                raise ValueError(f"{other[0]}: does not fit an item that asks whether two columns say the `same`")
            return self
        if self.counts:
            if self.column or any(clocks):
                raise ValueError("counts: the answers stand in several columns; leave `column`, `from` and `to` out")
            if self.labels or self.unit or self.open_until:
                raise ValueError("counts: says the code of each column; labels, unit and open_until do not fit")
            return self
        if self.follows:
            odd = {"column", "start", "end", "labels", "scale", "reversed", "unit"}
            if said := sorted(self.model_fields_set & odd):
                raise ValueError(f"{said[0]}: `measure: {self.measure}` is about the time of the row and of the next")
            return self
        if (self.column is None) != (None not in clocks) or (self.column and any(clocks)):
            raise ValueError("expected either `column`, or both `from` and `to` of a duration")
        if self.column is not None and self.open_until is not None:
            raise ValueError("open_until: is for durations that are given by `from` and `to`")
        if self.column is None and (self.labels or self.scale or self.reversed or self.unit):
            raise ValueError("a duration from one time to another has neither labels nor scale nor unit")
        return self

    def _difference(self) -> Item:
        """That what one item is above another says of itself nothing that these two say."""
        if not (self.item and self.minus) or self.measure not in ABOVE:
            raise ValueError(f"minus: belongs to `item` and `measure: {'`, `'.join(ABOVE)}`, "
                             "as in {item: perceived, minus: expectation, measure: mean, better: higher}")  # fmt: skip
        said = {"item", "minus", "measure", "better", "label", "question", "top", "bottom", "classes"}
        if odd := sorted(self.model_fields_set - said):
            raise ValueError(f"{odd[0]}: is said by `item` and `minus` of their own answers; leave it out")
        return self

    def _choices(self) -> Item:
        """That a question with several answers names its options and says nothing that is for one answer."""
        if isinstance(self.several, dict):
            if self.column or self.options:
                raise ValueError("several: names the column of each option; leave `column` and `options` out")
        elif not (self.several and self.column and self.options):
            raise ValueError("several: the mark between the answers of one cell needs `column` and `options`")
        elif self.labels:
            raise ValueError("labels: name the answers in `options`, as in {1: Price, 2: Service}")
        said = {"kind", "missing", "question", "label", "column", "several", "options", "labels"}
        if odd := sorted(self.model_fields_set - said):
            raise ValueError(f"{odd[0]}: does not fit a question with several answers, of which each is a share")
        return self

    @property
    def choices(self) -> dict[str, str]:
        """Of a question with several answers: option, as a reader sees it -> how the cell writes it, or its column."""
        if isinstance(self.several, dict):
            return self.several
        if isinstance(self.options, dict):
            return {label: str(code) for code, label in self.options.items()}
        return {option: option for option in self.options}

    @property
    def seen_at(self) -> str | None:
        """The moment until which open cases were watched, where it is one for all and no column."""
        return self.open_until if self.open_until and _MOMENT.fullmatch(self.open_until) else None

    @property
    def counts_open(self) -> bool:
        """Whether open cases are answers, that last as long as they were seen; a limit they have passed or not."""
        return bool(self.still_open) or (self.open_until is not None and self.within is None)

    @property
    def columns(self) -> dict[str, str]:
        """Key -> column that it names; the key of a single column is blank."""
        if self.column is not None:
            return {"": self.column} | {f"still_open.{column}": column for column in self.still_open}
        if isinstance(self.several, dict):
            return {f"several.{option}": column for option, column in self.several.items()}
        if self.same:
            return {f"same.{number}": column for number, column in enumerate(self.same)}
        if self.counts:
            return {f"counts.{column}": column for column in self.counts}
        clocks = (self.start, None if self.follows else self.end, None if self.seen_at else self.open_until)
        named = {key: column for key, column in zip(CLOCKS, clocks, strict=True) if column is not None}
        return named | {f"{key}.{column}": column for key in ("unless", "of", "next") for column in getattr(self, key)}

    @property
    def missing_reasons(self) -> dict[str, str]:
        """Declared missing code, as text -> what it means."""
        codes = self.missing if isinstance(self.missing, dict) else dict.fromkeys(self.missing, "")
        return {str(code).strip(): reason for code, reason in codes.items()}


class Chosen(Item):
    """Whether one option of a question with several answers was chosen; no key of a file, `load_mapping` makes them.

    Attributes:
        group: The item of the file.
        option: The option, as a reader sees it.
    """

    group: str
    option: str

    @classmethod
    def each(cls, group: str, item: Item) -> dict[str, Chosen]:
        """A share for each option, all with the same base: those who answered the question."""
        own = {name: getattr(item, name) for name in item.model_fields_set - {"start", "end"}}
        own |= {"measure": "share", "scale": (0, 1), "top": [1], "group": group}
        own |= {"question": item.question or item.label}
        return {
            name: cls.model_construct(**{**own, "option": option, "label": option})
            for option, name in zip(item.choices, optional(group, item.choices), strict=True)
        }


def optional(group: str, options: Iterable[str]) -> list[str]:
    """What the share of each option is called; of long ones that begin alike, by their number.

    >>> optional("reasons", ["Price & value"])
    ['reasons_price_value']
    """
    names = [f"{group}_" + re.sub(r"\W+", "_", option.lower()).strip("_") for option in options]
    short = [name[:LONGEST] for name in names]
    alike = [short.count(one) > 1 and len(name) > LONGEST for one, name in zip(short, names, strict=True)]
    return [f"{one[:-3]}_{i}" if alike[i - 1] else one for i, one in enumerate(short, 1)]


class Dimension(Strict):
    """One way of cutting the answers: its column, names for its codes, its levels, and whether these are people.

    Numbers are cut in `bands`, by the ends that are declared between them; so is an item, as a time to the first reply,
    whose answers may also be named by `labels`. `previous` is the level of another dimension in the respondent's
    response before, if that lies no longer back than `within`.
    """

    column: Text | None = None
    item: Text | None = None
    bands: Annotated[list[float | str], Field(min_length=1)] | None = None
    labels: dict[str | int | float, Text] = Field(default_factory=dict)
    values: Once | None = None
    person: bool | None = None
    previous: Text | None = None
    within: Text | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Dimension:
        if sum(made is not None for made in (self.column, self.item, self.previous)) != 1:
            raise ValueError("expected either `column`, or `item` with `bands` or `labels`, or `previous`")
        if self.item and not (self.bands or self.labels):
            raise ValueError("bands: or labels are needed where a dimension is made of an item, as in [1 min, 5 min]")
        if (self.previous is None) != (self.within is None):
            raise ValueError("within: says how long back the `previous` response may lie, as in `within: 30 days`")
        if self.within and not _LIMIT.fullmatch(self.within):
            raise ValueError(f"within: expected a time such as 24 h or 30 days, found {self.within!r}")
        if self.previous and (self.bands or self.labels or self.values):
            raise ValueError("previous: has the levels of the dimension that it names; leave the others out")
        if self.bands and (self.labels or self.values):
            raise ValueError("bands: name the levels themselves; leave `labels` and `values` out")
        ends = [end for end, _ in self.cuts]
        if ends != sorted(set(ends)):
            raise ValueError(f"bands: expected ends one after the other, the lowest first; found {self.bands}")
        return self

    @property
    def cuts(self) -> list[tuple[float, str]]:
        """The ends of bands, those that are times in minutes, and how they are written."""
        found = []
        for end in self.bands or ():
            if isinstance(end, str) and not _LIMIT.fullmatch(end):
                raise ValueError(f"bands: expected numbers, or times such as 5 min or 2 days; found {end!r}")
            found.append((minutes_of(end), end) if isinstance(end, str) else (float(end), f"{end:,g}"))
        return found

    @property
    def none_before(self) -> str:
        """The level of who has no response `within` before."""
        return f"none within {self.within}"

    @property
    def bands_named(self) -> list[str]:
        """What the bands are called, the lowest first; each holds its lower end."""
        ends = [written for _, written in self.cuts]
        return [f"under {ends[0]}", *(f"{one} to under {other}" for one, other in pairwise(ends)),
                f"{ends[-1]} or more"] if ends else []  # fmt: skip


class Join(Reading):
    """A further table with one row for a response: its source, and the key that both have.

    Attributes:
        source: As that of the responses.
        key: A column of both, or {own column: theirs}.
        latest: Of several rows of one key the latest by this column of times counts.
        before: Rows of this moment or later do not count, so that nothing looks ahead.
    """

    source: Text | dict[str, Any]
    key: Text | Annotated[dict[Text, Text], Field(min_length=1, max_length=1)]
    latest: Text | None = None
    before: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> Join:
        if self.before is not None and not self.latest:
            raise ValueError("before: says which rows are too late by the time in `latest`, which is not declared")
        if self.before is not None and not _MOMENT.fullmatch(self.before):
            raise ValueError(f"before: expected a moment such as 2026-11-01, found {self.before!r}")
        return self

    @property
    def keys(self) -> tuple[str, str]:
        """The key in the responses and in the further table."""
        return (self.key, self.key) if isinstance(self.key, str) else next(iter(self.key.items()))


def _many(value: Any) -> Any:
    """One thing is short for a list of it."""
    return [value] if isinstance(value, str) else value


class Long(Strict):
    """A table with a row for each question: which column names the question, the answer, and whose these are."""

    question: Text
    answer: Text
    per: Text


class Latest(Strict):
    """Of several rows about one thing, such as the events of a ticket, only the latest counts."""

    per: Text
    by: Text


class Business(Strict):
    """When somebody is there: {hours: Mon-Fri 09:00-17:00, holidays: [2026-12-25]}, in the zone of the mapping."""

    hours: Annotated[Once, Field(min_length=1), BeforeValidator(_many, json_schema_input_type=Once | Text)]
    holidays: Once = Field(default_factory=list)

    @model_validator(mode="after")
    def _can_be_read(self) -> Business:
        stretches(self.hours)
        for text in self.holidays:
            try:
                dt.date.fromisoformat(text)
            except ValueError:
                raise ValueError(f"holidays: expected days such as 2026-12-25, found {text!r}") from None
        return self

    @property
    def week(self) -> list[Stretch]:
        """The stretches of a week."""
        return stretches(self.hours)

    @property
    def days(self) -> list[dt.date]:
        """The holidays."""
        return sorted({dt.date.fromisoformat(text) for text in self.holidays})


class Monthly(Strict):
    """A row for each month at the start of which somebody was there: {from: joined, to: left, until: 2026-11-01}.

    Attributes:
        start: Column of when each began.
        end: Column of when each ended; blank of who is still there.
        until: The moment until which all were watched; a month that was not watched to its end is no month.
        since: The moment from which months count; None for all.
    """

    start: Text = Field(alias="from")
    end: Text = Field(alias="to")
    until: Text
    since: Text | None = None

    @field_validator("until", "since")
    @classmethod
    def _is_moment(cls, text: str | None) -> str | None:
        if text is not None and not _MOMENT.fullmatch(text):
            raise ValueError(f"expected a moment such as 2026-11-01, found {text!r}")
        return text


def _short(entries: Any) -> Any:
    """`brand: AIRLINE` is short for `brand: {column: AIRLINE}`."""
    if not isinstance(entries, dict):
        return entries
    return {name: {"column": entry} if isinstance(entry, str) else entry for name, entry in entries.items()}


Accepted = Annotated[
    list[float | str],
    BeforeValidator(lambda value: value if isinstance(value, list) else [value],
                    json_schema_input_type=float | str | list[float | str]),
]  # fmt: skip


class Mapping(Reading):
    """Column -> role, for a whole export; and how its files are read, where they do not say it themselves."""

    kind: Kind
    rows: Annotated[Text, Field(min_length=1)] = "answers"
    timezone: str = "UTC"
    year_starts: Month = "January"
    recorded_in: str | None = None
    time_format: Annotated[Once, BeforeValidator(_many, json_schema_input_type=Once | Text)] = Field(
        default_factory=list
    )
    columns: Roles = Field(default_factory=Roles)
    lonely: Lonely = "centre"
    waves: Once = Field(default_factory=list)
    latest: Latest | None = None
    business: Business | None = None
    long: Long | None = None
    monthly: Monthly | None = None
    accept: dict[Text, Accepted] = Field(default_factory=dict)
    joins: dict[Annotated[Text, Field(pattern=r"^[a-z][a-z0-9_]*$")], Join] = Field(default_factory=dict)
    items: Annotated[dict[str, Item], BeforeValidator(_short, json_schema_input_type=dict[str, Item | str])]
    dimensions: Annotated[
        dict[str, Dimension], BeforeValidator(_short, json_schema_input_type=dict[str, Dimension | str])
    ] = Field(default_factory=dict)

    @field_validator("timezone", "recorded_in")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in available_timezones():
            raise ValueError(f"{zone!r} is not a time zone; {nearest(zone, sorted(available_timezones()))}")
        return zone if zone is None else ZoneInfo(zone).key

    @field_validator("time_format")
    @classmethod
    def _known_directives(cls, forms: list[str]) -> list[str]:
        unknown = [
            mark
            for form in forms
            for mark in re.findall(r"%-?.?", form)
            if mark.removeprefix("%").strip("-") not in _DIRECTIVES
        ]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no part of a time; expected for example %d.%m.%Y %H:%M:%S")
        if words := [form for form in forms if "%" not in form and form not in NAMED]:
            raise ValueError(f"{words[0]!r} is no form of a time; {nearest(words[0], NAMED)}")
        return forms

    @model_validator(mode="after")
    def _consistent(self) -> Mapping:
        for item in self.items:
            self._check_item(item)
            self._check_scale(item)
        roles = self.columns
        faults = {
            "columns: map either `time` or `wave`, not both": roles.time and roles.wave,
            "time_format: says how to read `columns.time`, which is not mapped": self.time_format and not roles.time,
            "recorded_in: says how to read `columns.time`, which is not mapped": self.recorded_in and not roles.time,
            "lonely: is about strata with one cluster; `columns.stratum` is not mapped": (
                "lonely" in self.model_fields_set and not roles.stratum
            ),
            "year_starts: says how times are cut, and the answers are in waves": (
                self.year_starts != "January" and roles.wave
            ),
            "business: says when somebody is there, which is for items with `business: true`; declare both": (
                bool(self.business) != any(item.business for item in self.items.values())
            ),
            "waves: is the order of the waves in `columns.wave`, which is not mapped": self.waves and not roles.wave,
        }
        several = bool(roles.count) or any(item.counts for item in self.items.values())
        linked = [role for role in ("respondent", "comment") if getattr(roles, role)]
        faults |= {
            "items: some have `counts` and others a column of answers; expected all or none": (
                len({bool(item.counts) for item in self.items.values()}) > 1
            ),
            "columns.count: the items say themselves, by `counts`, how often": (
                roles.count and any(item.counts for item in self.items.values())
            ),
            f"columns.{' and '.join(linked)}: a row stands for the answers of several people": several and linked,
            "columns.response: a row is no response; leave it out": (
                roles.response and any(item.counts for item in self.items.values())
            ),
            "columns.stratum: of rows that stand for several answers it needs `cluster`, too": (
                several and roles.stratum and not roles.cluster
            ),
            "latest, open_until: are about single responses, and a row stands for several": (
                several and (self.latest is not None or any(item.open_until for item in self.items.values()))
            ),
            "joins: give a response a row of another table, and a row is no response with counts or `long`": (
                bool(self.joins) and (several or self.long is not None)
            ),
            "columns: `measure: again` and `once` need response, respondent and a time in one column": (
                any(item.follows for item in self.items.values())
                and not (roles.response and roles.respondent and isinstance(roles.time, str))
            ),
            "kind: `measure: again` and `once` are about every row; declare their items as transactional": any(
                item.follows and self.kind_of(name) != "transactional" for name, item in self.items.items()
            ),
            "monthly: makes the rows and their time; leave response, time, wave, count, latest and long out": (
                self.monthly is not None
                and bool(roles.response or roles.time or roles.wave or self.latest or self.long or several)
            ),
            "long: is about responses, and `count` and `latest` are about rows": (
                self.long is not None and (several or self.latest is not None)
            ),
        }
        for name, join in self.joins.items() if self.monthly else ():
            since = self.monthly.since if self.monthly else None
            faults[
                f"joins.{name}.before: `monthly.since` has to be no earlier, or months know what came after them"
            ] = join.latest is not None and not (join.before and since and join.before <= since)
        for words in (words for words, at_fault in faults.items() if at_fault):
            raise ValueError(words)
        self._check_names()
        self._check_bands()
        self._check_accepted()
        return self

    def _check_bands(self) -> None:
        """That bands of an item are of one that is a number and not several answers, with ends of its kind."""
        for name, cut in self.dimensions.items():
            if cut.previous:
                self._check_previous(name, cut)
            if cut.item is None:
                continue
            if cut.item not in self.items or self.items[cut.item].several:
                raise ValueError(f"dimensions.{name}.item: {cut.item!r} is no item; {nearest(cut.item, self.items)}")
            is_time = any(metric.statistic == "quantile" for metric in self.metrics_of(cut.item).values())
            if any(isinstance(end, str) != is_time for end in cut.bands or ()):
                expected = "times such as 5 min" if is_time else "numbers"
                raise ValueError(f"dimensions.{name}.bands: expected {expected}, as {cut.item} is; found {cut.bands}")

    def _check_previous(self, name: str, cut: Dimension) -> None:
        """That the response before is known, and its level in a dimension that is none of another response itself."""
        known = [other for other, one in self.dimensions.items() if not one.previous]
        if cut.previous not in known:
            said = f"{cut.previous!r} is no dimension; {nearest(str(cut.previous), known)}"
            raise ValueError(f"dimensions.{name}.previous: {said}")
        roles = self.columns
        if not (roles.response and roles.respondent and isinstance(roles.time, str)) or self.monthly:
            needed = "needs response, respondent and a time in one column"
            raise ValueError(f"dimensions.{name}.previous: {needed}")

    def _check_accepted(self) -> None:
        """What is accepted of a column is a share that may be lost, or the code of a remark."""
        for name, accepted in self.accept.items():
            if name not in (known := ["rows", *self.items, *self.dimensions, *self.columns.named(), *self.joins]):
                raise ValueError(f"accept.{name}: is no item, dimension or role; {nearest(name, known)}")
            for one in accepted:
                if isinstance(one, float) and not 0 < one <= 1:
                    raise ValueError(f"accept.{name}: expected a share above 0 and up to 1, found {one:g}")
                if isinstance(one, str) and one not in REMARKS:
                    raise ValueError(f"accept.{name}: {one!r} is no remark; {nearest(one, REMARKS)}")

    def calendar(self, period: str) -> Calendar:
        """How the times of the answers are cut into periods of one unit."""
        return Calendar(period, self.year_starts)

    def _check_names(self) -> None:
        """Every column of the responses has a name of its own; databases do not tell `NPS` from `nps`."""
        seen = {name.casefold(): "an item" for name in self.items}
        if twice := sorted(
            name for name in self.items if [one.casefold() for one in self.items].count(name.casefold()) > 1
        ):
            raise ValueError(f"items: {' and '.join(twice)} differ by capitals only, which databases do not tell apart")
        seen |= dict.fromkeys(Roles.model_fields, "a role") | dict.fromkeys(RESERVED, "a column of the tallies")
        for name in self.dimensions:
            if name.casefold() in seen:
                raise ValueError(f"dimensions.{name}: is the name of {seen[name.casefold()]}; choose another name")
            seen[name.casefold()] = "another dimension"

    def _check_item(self, item: str) -> None:
        known = {metric.item for metric in METRICS.values()}
        self._check_difference(item)
        if self.items[item].several:
            names = optional(item, self.items[item].choices)
            if taken := sorted({name for name in names if names.count(name) > 1 or name in {*self.items, *METRICS}}):
                raise ValueError(
                    f"items.{item}: two metrics would be called {taken[0]!r}; shorten or change the options"
                )
            return
        if not self.items[item].measure:
            if item not in known:
                hint = f"{nearest(item, sorted(known))} For a metric of your own declare `measure`"
                raise ValueError(f"items.{item}: is no known item; {hint}")
            return
        if item in known | set(METRICS):
            raise ValueError(f"items.{item}: is a metric of the kit; give the one that you declare another name")
        if item.casefold() in {*RESERVED, *Roles.model_fields} or item.endswith("_"):
            raise ValueError(f"items.{item}: is the name of a column of the kit; choose another name")
        try:
            self._whole(item).metric(item)
        except CxError as error:
            raise ValueError(f"items.{item}.{error}") from None

    def _check_scale(self, item: str) -> None:
        if self.items[item].several:
            return
        declared, found = self.items[item], self.metrics_of(item)
        endless = any(metric.scale[1] == float("inf") for metric in found.values())
        is_time = endless or declared.limit is not None
        usual = next((metric.scale for metric in METRICS.values() if metric.item == item), declared.scale)
        other = declared.scale not in (None, usual)
        low, high = usual or (0, 0)
        faults = {
            f".scale: expected the lowest answer first, found {list(declared.scale or ())}": (
                declared.scale and declared.scale[0] >= declared.scale[1]
            ),
            ".still_open: is for durations": declared.still_open and not endless,
            ".reversed: a duration has no highest value to count from": declared.reversed and is_time,
            f": is defined on {low:g}-{high:g}; declare `labels` from each answer to that scale": not found,
            f": `from` and `to` are for times; {item} is no time": declared.start and not is_time,
            f": `unit` is for times; {item} is no time": declared.unit and not is_time,
            ": declare `better: higher` or `better: lower` for another scale": other and declared.better is None,
        }
        for words in (words for words, at_fault in faults.items() if at_fault):
            raise ValueError(f"items.{item}{words}")

    def kind_of(self, item: str) -> Kind:
        """Relationship or transactional, as declared for the item or else for the whole mapping."""
        declared = self.items[item]
        return self.kind_of(declared.item) if declared.item else declared.kind or self.kind

    def _whole(self, item: str) -> Item:
        """An item as it is declared; what one item is above another with the scale and the classes that follow."""
        declared = self.items[item]
        if not (declared.item and declared.minus):
            return declared
        first, second = (next(iter(self.metrics_of(name).values())) for name in (declared.item, declared.minus))
        (low, high), (lowest, highest) = first.scale, second.scale
        scale = int(low - highest), int(high - lowest)
        below, above = list(range(scale[0], 0)), list(range(1, scale[1] + 1))
        classes = {f"below {second.label}": below, "the same": [0], f"above {second.label}": above}
        if declared.better == "lower":
            classes = dict(reversed(classes.items()))
        given: dict[str, Any] = {"scale": scale, "classes": declared.classes or classes}
        if declared.measure != "mean" and not declared.top:
            given |= {"top": above} | ({"bottom": below} if declared.measure == "net" else {})
        return declared.model_copy(update=given)

    def _check_difference(self, item: str) -> None:
        """That what is compared are two questions of one kind with answers on scales."""
        declared = self.items[item]
        for key, name in (("item", declared.item), ("minus", declared.minus)):
            if name is None:
                continue
            other = self.items.get(name)
            if other is None:
                raise ValueError(f"items.{item}.{key}: {name!r} is no item; {nearest(name, self.items)}")
            if other.several or other.minus or other.limit or not all(m.values for m in self.metrics_of(name).values()):
                raise ValueError(f"items.{item}.{key}: expected an item of one answer on a scale; {name} is none")
        if declared.item and declared.minus:
            sides = [self._comparable(name) for name in (declared.item, declared.minus)]
            for about, first in sides[0].items():
                if first != (second := sides[1][about]):
                    said = f"{declared.item} is {first}, and {declared.minus} {second}"
                    raise ValueError(f"items.{item}: {said}; expected one {about}")

    def _comparable(self, item: str) -> dict[str, str]:
        """What two items that are compared have to have in common, in words."""
        metric = next(iter(self.metrics_of(item).values()))
        low, high = metric.scale
        return {"kind": self.kind_of(item), "scale": f"on {low:g}-{high:g}", "direction": f"better {metric.better}"}

    def metrics_of(self, item: str) -> dict[str, Metric]:
        """The metrics that read an item, on its declared scale and in its declared direction.

        A share or net score of the kit is defined on one scale; on another one only the item's mean is left.
        """
        declared = self.items[item]
        if declared.measure:
            return {item: self._counting(self._whole(item).metric(item), declared)}
        metrics = [metric for metric in METRICS.values() if metric.item == item]
        scale = declared.scale or metrics[0].scale
        usable = [metric for metric in metrics if scale == metric.scale or metric.statistic == "mean"]
        found = [rescale(metric, scale, declared.better) for metric in usable]
        if declared.question:
            found = [replace(metric, question=declared.question, asked=True) for metric in found]
        if declared.label:
            found[:1] = [replace(metric, label=declared.label) for metric in found[:1]]
        return {metric.name: self._counting(metric, declared) for metric in found}

    def _counting(self, metric: Metric, declared: Item) -> Metric:
        """The metric with what its base counts, and with the hours that it counts: a day on pages is 24 of them."""
        a_day = ", 24 to a day" * (metric.statistic == "quantile")
        hours = f" (business hours{a_day})" if declared.business else ""
        return replace(metric, label=f"{metric.label}{hours}", counted=self.rows)

    def spelled_out(self, names: Iterable[str]) -> list[str]:
        """Names of metrics, with those of its options for the name of a question with several answers."""
        options: dict[str, list[str]] = {}
        for name, item in self.items.items():
            if isinstance(item, Chosen):
                options.setdefault(item.group, []).append(name)
        return list(dict.fromkeys(one for name in names for one in options.get(name, [name])))

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric that the mapped items allow."""
        return {name: metric for item in self.items for name, metric in self.metrics_of(item).items()}


def lacking(mapping: Mapping | None, name: str) -> str:
    """Why a mapping does not have a metric, in words."""
    if name not in METRICS:
        return "is no metric of the kit or the mapping"
    known, declared = METRICS[name], mapping.items.get(METRICS[name].item) if mapping else None
    if not declared or not declared.scale:
        return "the mapping has no item of it"
    (low, high), own = known.scale, declared.scale
    left = ", ".join(mapping.metrics_of(known.item)) if mapping else ""
    return f"is defined on {low:g}-{high:g}, and {known.item} is mapped on {own[0]}-{own[1]}, where {left} is left"


def load_mapping(mapping: str | Path | MappingABC[str, Any] | Mapping) -> Mapping:
    """A mapping from a YAML file, from its data, or as it is.

    Raises:
        CxError: Open questions, unknown keys, items or zones, with the file and the nearest valid spelling.
    """
    if isinstance(mapping, Mapping):
        return mapping
    if isinstance(mapping, MappingABC):
        data, name = dict(mapping), "mapping"
    else:
        data, name = load_yaml(Path(mapping)), str(mapping)
    open_questions = [f"{name}: {key}: {text}" for key, text in _unanswered(data)]
    if open_questions:
        raise CxError("\n".join([*open_questions, f"{name}: answer what says {TODO}, or take the line away"]))
    checked = parse(Mapping, data, name)
    items = {
        key: one
        for group, item in checked.items.items()
        for key, one in (Chosen.each(group, item) if item.several else {group: item}).items()
    }
    items = {
        key: one.model_copy(update={"start": checked.columns.time, "end": FOLLOWING + (key if one.next else "")})
        if one.follows
        else one
        for key, one in items.items()
    }
    cuts = {
        name: cut.model_copy(update={"values": cut.bands_named or list(dict.fromkeys(cut.labels.values()))})
        if cut.bands or cut.item
        else cut
        for name, cut in checked.dimensions.items()
    }
    for name, cut in cuts.items():
        if cut.previous and (order := cuts[cut.previous].values):
            cuts[name] = cut.model_copy(update={"values": [*order, cut.none_before]})
    return checked.model_copy(update={"items": items, "dimensions": cuts})


def _unanswered(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The keys whose value still is a question that `cxkit inspect` left open, and the question."""
    if isinstance(data, str) and data.startswith(TODO):
        yield key, data
    pairs = data.items() if isinstance(data, MappingABC) else enumerate(data) if isinstance(data, list) else ()
    for inner, value in pairs:
        yield from _unanswered(value, f"{key}.{inner}" if key else str(inner))


def own_names(columns: list[str]) -> Mapping:
    """The mapping of a table that uses the kit's own names: roles and items by name, all else a dimension.

    Raises:
        CxError: No column named after an item, or columns whose names cannot stand beside each other.

    >>> list(own_names(["time", "brand", "nps"]).dimensions)
    ['brand']
    """
    items = sorted({metric.item for metric in METRICS.values()} & set(columns))
    if not items:
        raise CxError(
            f"no column is named after an item ({', '.join(sorted({m.item for m in METRICS.values()}))}); "
            f"found {', '.join(columns[:12])}. Give a mapping."
        )
    roles = [role for role in Roles.model_fields if role in columns]
    rest = [column for column in columns if column not in items and column not in roles]
    data = {
        "kind": "transactional",
        "columns": {role: role for role in roles},
        "items": {item: {"column": item} for item in items},
        "dimensions": {column: {"column": column} for column in rest},
    }
    return parse(Mapping, data, "columns of the table, without a mapping")
