"""A strict YAML file, and what the command line puts over it -> the checked parameters of a run."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from cxkit.runs.look import accented, logo
from cxkit.schema import RULES, SAMPLES, Rules
from cxkit.strict import CxError, Strict, Text, load_yaml, nearest, parse, parse_yaml

RESERVED = ("index", "overview", "data", "summary", "manifest")
"""What pages of places and of one's own are not called."""
Period = Literal["month", "quarter", "week", "day", "year", "wave"]
GIVEN = ("tallies", "now", "before", "title", "where", "metrics", "segments", "level", "correction",
         "benchmarks", "targets")  # fmt: skip
"""Parameters that a run sets itself. A `parameters` cell has to declare them; of the audit's, only the first four."""


def _many(value: Any) -> Any:
    """`brand: Acme` is short for `brand: [Acme]`."""
    return [value] if isinstance(value, str | int | float | bool) else value


def _named(value: Any) -> Any:
    """`for_each: [brand]` is short for `for_each: {brand: null}`, all values that the data hold."""
    if not isinstance(_many(value), list):
        return value
    names = [str(name) for name in _many(value)]
    if len(set(names)) < len(names):
        raise ValueError(f"a dimension is listed twice: {', '.join(names)}")
    return dict.fromkeys(names)


Names = Annotated[list[Text], BeforeValidator(_many, json_schema_input_type=list[Text] | Text)]


def _range(ends: dict[str, float]) -> dict[str, float]:
    if not ends or ends.get("from", -inf) > ends.get("to", inf):
        raise ValueError("expected from: the lowest, to: the highest number, or one of them")
    return ends


Range = Annotated[dict[Literal["from", "to"], float], AfterValidator(_range)]


class Benchmark(Strict):
    """A published value, drawn as a line and never tested against: it comes without the base that a test needs."""

    metric: Text
    value: float
    name: Text
    source: Text
    date: Text


def _target(given: Any) -> Any:
    """`nps: 30` is short for `nps: {value: 30}`."""
    if isinstance(given, dict) and {"within", "share"} & set(given):
        limit = given.get("within", "60 min")
        hint = f"declare an item with `measure: within` and `within: {limit}` in the mapping"
        raise ValueError(
            f"a share inside a limit is a metric of its own; {hint}, and give that one a target in percent"
        )
    return {"value": given} if isinstance(given, int | float) else given


class Target(Strict):
    """What a metric should reach, in its unit; levels of one dimension may have a target of their own."""

    value: float
    by: dict[Text, dict[Text, float]] = Field(default_factory=dict)
    source: Text = ""
    date: Text = ""


class Limits(Strict):
    """From how many people on a score is shown, and from how many effective answers on a change is judged."""

    hide_below: int = RULES.hide_below
    judge_from: int = RULES.judge_from

    @model_validator(mode="after")
    def _sound(self) -> Limits:
        Rules(**self.model_dump())
        return self


Slug = Annotated[Text, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Rake(Strict):
    """Weights that make every period agree with published margins."""

    rake: Text
    trim: Annotated[float, Field(gt=1)] | None = 5.0


class Drivers(Strict):
    """What may go with an outcome: a metric of the run, and metrics whose answers are set beside it."""

    outcome: Text
    items: Annotated[Names, Field(min_length=3, max_length=15)]


class Gradient(Strict):
    """Scores that may go with the order of a segment's levels, such as bands of the time to the first reply."""

    of: Text
    metrics: Annotated[Names, Field(min_length=1)]
    within: Text | None = None


class Nonresponse(Strict):
    """Scores that are weighted for who did not answer, by what is known of every case."""

    metrics: Annotated[Names, Field(min_length=1)]
    within: Annotated[Names, Field(min_length=1)]


Pair = Annotated[Names, Field(min_length=2, max_length=2)]


class Weakest(Strict):
    """Where customers meet at least one bad contact: `{metric: csat, of: moment, answers: [1, 2]}`."""

    metric: Text
    of: Text
    answers: Annotated[list[int], Field(min_length=1)]


class Journey(Strict):
    """What a run tells of journeys, by pairs of dimensions.

    Attributes:
        metrics: Of the run.
        margins: Rows and columns: each cell is set against what both predict.
        flows: From which level to which one: the shares of the second dimension in each level of the first.
        standardised: Inside which levels which others are compared.
        weakest: Where customers meet a bad contact.
    """

    metrics: Annotated[Names, Field(min_length=1)]
    margins: list[Pair] = Field(default_factory=list)
    flows: list[Pair] = Field(default_factory=list)
    standardised: list[Pair] = Field(default_factory=list)
    weakest: Weakest | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Journey:
        if not (self.margins or self.flows or self.standardised or self.weakest):
            raise ValueError("expected margins, flows, standardised or weakest")
        self.in_order()
        return self

    @property
    def measured(self) -> list[str]:
        """All metrics that it reads."""
        return [*self.metrics, *([self.weakest.metric] if self.weakest else [])]

    def in_order(self) -> list[str]:
        """All dimensions, each before those that it is written before: levels are tallied in one order."""
        sorter = TopologicalSorter[str]({self.weakest.of: ()} if self.weakest else {})
        for first, second in (*self.flows, *self.margins, *self.standardised):
            sorter.add(second, first)
        try:
            return list(sorter.static_order())
        except CycleError as error:
            way = " before ".join(reversed(error.args[1]))
            raise ValueError(f"pairs: expected one order of dimensions in all of them, found {way}") from None


class Event(Strict):
    """Something that happened, marked in the trends of its places and never tested."""

    period: Text
    text: Annotated[Text, Field(max_length=120)]
    where: dict[Text, Names] = Field(default_factory=dict)


class Look(Strict):
    """One colour for links and the line at the top of pages, and a logo."""

    accent: Annotated[Text, Field(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    logo: Text | None = None
    alt: Text = ""

    @field_validator("accent")
    @classmethod
    def _readable(cls, colour: str | None) -> str | None:
        if colour:
            accented(colour)
        return colour


class Page(Strict):
    """A further page: a notebook of one's own, once for the run or once for each report."""

    name: Slug
    notebook: Text
    title: Text
    for_each: Names = Field(default_factory=list)


class Params(Strict):
    """The keys of a parameters file."""

    name: Slug
    title: Text
    source: Text | dict[str, Any]
    mapping: Text | dict[str, Any] | None = None
    data: Text | None = None
    download: Text | None = None
    metrics: Annotated[Names, Field(min_length=1)]
    period: Period = "month"
    now: Text | None = None
    against: Annotated[Names, Field(min_length=1, max_length=2)] = Field(default_factory=lambda: ["previous"])
    as_of: Text | None = None
    for_each: Annotated[
        dict[Text, Names | None],
        BeforeValidator(_named, json_schema_input_type=dict[Text, Names | None] | list[Text] | Text),
    ] = Field(default_factory=dict, max_length=2)
    segments: Names = Field(default_factory=list)
    where: dict[Text, Names | Range] = Field(default_factory=dict)
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    level_over: Text | None = None
    correction: Literal["holm", "bh"] = "holm"
    weights: bool | Rake = True
    population: dict[Text, dict[Text, Annotated[int, Field(gt=0)]]] = Field(default_factory=dict, max_length=1)
    clusters: bool = True
    invited: dict[Text, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    memory: Text | None = None
    merge_small: bool = False
    comments: Annotated[int, Field(ge=0, le=50)] = 0
    comments_minimum: int | None = None
    rules: Limits = Limits()
    targets: dict[Text, Annotated[Target, BeforeValidator(_target, json_schema_input_type=Target | float)]] = Field(
        default_factory=dict
    )
    drivers: Drivers | None = None
    gradient: Gradient | None = None
    nonresponse: Nonresponse | None = None
    journey: Journey | None = None
    cohorts: Text | None = None
    benchmarks: list[Benchmark] = Field(default_factory=list)
    events: Annotated[list[Event], Field(max_length=20)] = Field(default_factory=list)
    parameters: dict[str, Any] = Field(default_factory=dict)
    report: Text = "notebooks/report.ipynb"
    overview: Text = "notebooks/overview.ipynb"
    audit: Text = "notebooks/audit.ipynb"
    pages: list[Page] = Field(default_factory=list)
    look: Look = Look()
    lang: Annotated[Text, Field(pattern=r"^[a-zA-Z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"

    @field_validator("metrics")
    @classmethod
    def _once(cls, names: list[str]) -> list[str]:
        return list(dict.fromkeys(names))

    @field_validator("as_of")
    @classmethod
    def _iso(cls, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError(f"expected a date such as 2026-11-01, found {text!r}")
        return text if text is None else dt.date.fromisoformat(text).isoformat()

    @field_validator("for_each")
    @classmethod
    def _some_values(cls, for_each: dict[str, list[str] | None]) -> dict[str, list[str] | None]:
        for name, values in for_each.items():
            if values is not None and not values:
                raise ValueError(f"{name}: no value is listed; write null for every value that the data hold")
        return {name: values and list(dict.fromkeys(values)) for name, values in for_each.items()}

    @property
    def window(self) -> int:
        """How many periods the level is shown over beside that of one; 0 for none."""
        return int(self.level_over.split()[0]) if self.level_over else 0

    @model_validator(mode="after")
    def _consistent(self) -> Params:
        latest = "latest" if self.period == "wave" else f"last complete {self.period}"
        if self.now and self.now != latest and re.match(r"last\b|latest", self.now):
            raise ValueError(f"now: expected '{latest}' or the name of a {self.period}, found {self.now!r}")
        if "year_ago" in self.against and self.period == "wave":
            raise ValueError("against: waves have no year; expected 'previous' or the name of a wave, found 'year_ago'")
        if self.level_over and not re.fullmatch(rf"([2-9]|[1-9]\d) {self.period}s", self.level_over, re.ASCII):
            expected = (
                "no such key, since waves have no length" if self.period == "wave" else f"such as 6 {self.period}s"
            )
            raise ValueError(f"level_over: expected {expected}, from 2 on, found {self.level_over!r}")
        for name in self.for_each:
            if f"{{{name}}}" in self.title:
                raise ValueError("title: is the same for all reports; each puts its own value before it")
        self._check_benchmarks()
        self._check_targets()
        self._check_events()
        self._check_pages()
        if self.drivers and self.drivers.outcome not in self.metrics:
            hint = nearest(self.drivers.outcome, self.metrics)
            raise ValueError(f"drivers.outcome: {self.drivers.outcome!r} is not among `metrics`; {hint}")
        asked = {f"{key}.metrics": getattr(getattr(self, key), "metrics", ()) for key in ("gradient", "nonresponse")}
        asked["journey"] = self.journey.measured if self.journey else ()
        for key, name in ((key, name) for key, names in asked.items() for name in names):
            if name not in self.metrics:
                raise ValueError(f"{key}: {name!r} is not among `metrics`; {nearest(name, self.metrics)}")
        if self.gradient and self.gradient.of not in self.segments:
            hint = nearest(self.gradient.of, self.segments)
            raise ValueError(f"gradient.of: {self.gradient.of!r} is not among `segments`; {hint}")
        for name in self.journey.in_order() if self.journey else ():
            if name in self.for_each:
                raise ValueError(f"journey: {name!r} has one value in each report, because for_each has it too")
        for name in set(self.population) - set(self.for_each):
            raise ValueError(f"population: {name!r} is no dimension of for_each; expected {' or '.join(self.for_each)}")
        if self.comments_minimum is not None and self.comments_minimum < self.rules.hide_below:
            least = f"{self.rules.hide_below} or more, as for a score (rules.hide_below)"
            raise ValueError(f"comments_minimum: expected {least}, found {self.comments_minimum}")
        for name in self.segments:
            if name in self.for_each:
                raise ValueError(f"segments: {name!r} has one value in each report, because for_each has it too")
        for name in self.parameters:
            if name in GIVEN:
                raise ValueError(f"parameters: {name!r} is set by the run itself; expected further parameters only")
        return self

    def _check_pages(self) -> None:
        names = [page.name for page in self.pages]
        for number, page in enumerate(self.pages):
            if page.name in (*RESERVED, *names[:number]):
                raise ValueError(f"pages.{number}.name: {page.name!r} is the name of another page; choose another")
            if page.for_each and set(page.for_each) != set(self.for_each):
                expected = f"{list(self.for_each)}, as the run's own, or nothing: once for the run"
                raise ValueError(f"pages.{number}.for_each: expected {expected}; found {page.for_each}")

    def _check_benchmarks(self) -> None:
        for number, mark in enumerate(self.benchmarks):
            if mark.metric not in self.metrics:
                hint = nearest(mark.metric, self.metrics)
                raise ValueError(f"benchmarks.{number}.metric: {mark.metric!r} is not among `metrics`; {hint}")

    def _check_events(self) -> None:
        for number, event in enumerate(self.events):
            for name in set(event.where) - set(self.for_each):
                expected = " or ".join(self.for_each) or "no place, for the run has none"
                raise ValueError(f"events.{number}.where: {name!r} is not in for_each; expected {expected}")

    def _check_targets(self) -> None:
        dimensions = [*self.for_each, *self.segments]
        for name, target in self.targets.items():
            if name not in self.metrics:
                raise ValueError(f"targets.{name}: is not among `metrics`; {nearest(name, self.metrics)}")
            for dimension in target.by:
                if dimension not in dimensions:
                    hint = nearest(dimension, dimensions)
                    raise ValueError(f"targets.{name}.by.{dimension}: is neither in for_each nor in segments; {hint}")

    @cached_property
    def dress(self) -> dict[str, str]:
        """The look of the pages: `style`, and `logo` as it stands on them; empty where the kit's own is kept."""
        accent, file = self.look.accent, self.look.logo
        style, picture = accented(accent) if accent else "", logo(Path(file), self.look.alt) if file else ""
        return {"style": style, "logo": picture} if style or picture else {}

    @property
    def latest(self) -> str:
        """The period that the reports are about, as written or by default."""
        return self.now or ("latest" if self.period == "wave" else f"last complete {self.period}")


class RunParams(Params):
    """Parameters of one run: the keys of the file, paths made absolute (but for `source`), and how the run was called.

    Attributes:
        file: The parameters file.
        root: The folder that relative paths start from: the one above `params/`, else the file's own. Sources start
            from `data`, if that is given.
        date: The day that relative periods are counted from.
        only: Dimension -> values whose reports are built; empty for all.
    """

    file: Path
    root: Path
    date: dt.date
    only: dict[str, list[str]]


def load(
    path: str | Path,
    sets: Mapping[str, str] | None = None,
    only: Iterable[tuple[str, str]] = (),
    as_of: str | None = None,
    today: dt.date | None = None,
) -> RunParams:
    """The checked parameters of a run.

    Args:
        path: YAML file.
        sets: Dotted key -> YAML text that replaces the file's value, as in `{"source.files.0.path": "other.csv"}`.
        only: Dimension and value of the reports to build; several values of one dimension add up.
        as_of: ISO date that relative periods are counted from; overrides the file.
        today: The default of `as_of`; the current day.

    Raises:
        CxError: Unknown key, wrong type, ambiguous YAML, unknown metric; with file, key and nearest spelling.
    """
    file = Path(path)
    data = load_yaml(file)
    for key, text in (sets or {}).items():
        assign(data, key, text)
    if as_of is not None:
        data["as_of"] = as_of
    params = parse(Params, data, str(file))
    folder = file.resolve().parent
    root = folder.parent if folder.name == "params" else folder
    extra = {"file": file, "root": root, "date": _date(params, today), "only": _only(params, only)}
    return RunParams.model_validate(params.model_dump() | _absolute(params, folder, root) | extra)


def _date(params: Params, today: dt.date | None) -> dt.date:
    return dt.date.fromisoformat(params.as_of) if params.as_of else today or dt.date.today()


def _absolute(params: Params, folder: Path, root: Path) -> dict[str, Any]:
    """A mapping lies beside the file, data below the root, notebooks below the root or else among the kit's own."""
    data = root / params.data if params.data else root
    notebooks = {key: str(_notebook(getattr(params, key), root)) for key in ("report", "overview", "audit")}
    mapping = str(folder / params.mapping) if isinstance(params.mapping, str) else params.mapping
    pages = [page.model_dump() | {"notebook": str(_notebook(page.notebook, root))} for page in params.pages]
    look = params.look.model_dump() | ({"logo": str(root / params.look.logo)} if params.look.logo else {})
    return {"mapping": mapping, "data": str(data), "pages": pages, "look": look, **notebooks}


def _notebook(name: str, root: Path) -> Path:
    own, kit = root / name, kit_notebook(name)
    return kit if kit.exists() and not own.exists() else own


def kit_notebook(name: str) -> Path:
    """A notebook of the kit: a wheel holds them, a clone has them beside the package."""
    package = Path(__file__).resolve().parents[1]
    return next((path for path in (package / name, package.parent / name) if path.exists()), package / name)


def _only(params: Params, only: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for name, value in only:
        if name not in params.for_each:
            raise CxError(f"--only {name}={value}: no such dimension in for_each; {nearest(name, params.for_each)}")
        chosen.setdefault(name, []).append(value)
    return chosen


_TYPED = (
    "data",
    "mapping",
    "report",
    "overview",
    "audit",
)  # paths, from the current folder when they are typed


def pair(text: str, option: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`.

    >>> pair("brand=A=B", "--only")
    ('brand', 'A=B')
    """
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise CxError(f"{option} {text}: expected KEY=VALUE")
    return key.strip(), value


def assign(data: dict[str, Any], key: str, text: str) -> None:
    """Put a value from the command line into parameters, in place.

    Args:
        data: Parameters as read from the file.
        key: Dotted path; numbers are places in a list, from 0.
        text: YAML, as strict as the file. Relative folders, mappings and notebooks start from the current folder.

    Raises:
        CxError: Where the path leads through something that is neither keys nor a list.

    >>> data = {"source": {"files": [{"path": "a.csv"}]}}
    >>> assign(data, "source.files.0.path", "/tmp/b.csv"); data
    {'source': {'files': [{'path': '/tmp/b.csv'}]}}
    """
    option = f"--set {key}={text}"
    value = parse_yaml(text, option)
    if isinstance(value, str) and key in _TYPED:
        value = str(Path.cwd() / Path(value).expanduser())
    *parents, last = key.split(".")
    place: Any = data
    for part in parents:
        if isinstance(place, dict):
            place[part] = {} if place.get(part) is None else place[part]
            place = place[part]
        else:
            place = _item(place, part, option)
    if isinstance(place, dict):
        place[last] = value
    else:
        _item(place, last, option)
        place[int(last)] = value


def _item(place: Any, part: str, option: str) -> Any:
    if not isinstance(place, list):
        raise CxError(f"{option}: {part!r} leads nowhere, because what is before it is {place!r}")
    if not part.isdigit() or int(part) >= len(place):
        raise CxError(f"{option}: expected a number from 0 to {len(place) - 1}, found {part!r}")
    return place[int(part)]


def sources(params: RunParams) -> list[Any]:
    """What a run reads: the responses, and the tables that its mapping joins to them."""
    mapping = params.mapping
    if isinstance(mapping, str):
        mapping = load_yaml(Path(mapping)) if os.path.isfile(mapping) else None
    joins = (mapping or {}).get("joins")
    further = joins.values() if isinstance(joins, dict) else ()
    return [params.source, *(join.get("source") for join in further if isinstance(join, dict))]


def paths(source: Any) -> list[Path]:
    """The files that a source names, without addresses.

    >>> [str(path) for path in paths({"files": [{"path": "a.csv", "wave": "1"}, {"path": "b.csv"}]})]
    ['a.csv', 'b.csv']
    >>> paths("sample"), paths("postgres://host/db")
    ([], [])
    """
    if isinstance(source, str):
        return [Path(source).expanduser()] if source not in SAMPLES and "://" not in source else []
    if not isinstance(source, dict):
        return []
    files = source.get("files")
    return [path for item in [source.get("path"), *(files if isinstance(files, list) else [])] for path in paths(item)]
