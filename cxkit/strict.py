"""YAML that means what it says: text that YAML would turn into something else is refused, never converted."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from cxkit.errors import CxError as CxError
from cxkit.errors import nearest as nearest
from cxkit.files import require_file

_TAG = "tag:yaml.org,2002:"
_AMBIGUOUS = "!ambiguous"
_FIRST = list("0123456789+-.")
DEEPEST = 40  # levels of lists and keys inside each other
MOST = 200_000  # values of a file, those of an alias counted wherever it stands
LARGEST = 2_000_000  # characters of a file
DIGITS = 18  # of a whole number: what 64 bits hold


class _Loader(yaml.SafeLoader):
    """SafeLoader with the plain scalars of YAML 1.2, without dates, that refuses what 1.1 and 1.2 read differently."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (typed so in PyYAML)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.level = 0
        self.sizes: dict[int, tuple[int, int]] = {}  # of each node: how many values, how many levels

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node, unless it is nested too deep, refers to itself, or grows by aliases beyond any use."""
        if self.level >= DEEPEST:
            raise CxError(f"{self.name}, line {self.line + 1}: more than {DEEPEST} levels inside each other")
        alias = self.check_event(yaml.AliasEvent)
        self.level += 1
        node = super().compose_node(parent, index)
        self.level -= 1
        if node is None or (alias and id(node) in self.sizes):
            return node
        value = node.value if not alias and isinstance(node.value, list) else []
        inner = [part for item in value for part in (item if isinstance(item, tuple) else (item,))]
        found = [self.sizes.get(id(part), (MOST, 0)) for part in inner]
        size, depth = 1 + sum(size for size, _ in found), 1 + max((depth for _, depth in found), default=0)
        if alias or size > MOST or depth > DEEPEST:
            why = "refers to itself" if alias else f"holds more than {MOST:,} values or {DEEPEST} levels"
            raise CxError(f"{_place(node)}: {why}, counted with its aliases; write it out, or shorter")
        self.sizes[id(node)] = size, depth
        return node

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        """The text of a scalar, unless no file name and no page could hold it."""
        text = str(super().construct_scalar(node))
        if re.search("[\0\ud800-\udfff]", text):
            raise CxError(f"{_place(node)}: text with NUL or half a character, as \\0 or \\ud800 write it")
        return text

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping, unless a key is written twice (PyYAML would silently keep the last)."""
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            if key.tag == f"{_TAG}merge":
                continue
            word = self.construct_object(key, deep=True)
            if not isinstance(word, Hashable):
                raise CxError(f"{_place(key)}: a key must be text, found {type(word).__name__}")
            if word in seen:
                raise CxError(f"{_place(key)}: key {word!r} is written twice, first in line {seen[word]}")
            seen[word] = key.start_mark.line + 1
        return super().construct_mapping(node, deep)


def _ambiguous(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> None:
    value = node.value
    if re.fullmatch(r"[A-Za-z]+", value):
        meaning = "a yes or no; write true or false"
    elif ":" in value:
        meaning = "a number of seconds or minutes"
    else:
        meaning = "a number in another notation"
    raise CxError(f"{_place(node)}: {value} without quotes can be read as {meaning}; if text is meant, write '{value}'")


def _place(node: yaml.Node) -> str:
    return f"{node.start_mark.name}, line {node.start_mark.line + 1}"


def _whole(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    digits = loader.construct_scalar(node)
    if not re.fullmatch(rf"-?\d{{1,{DIGITS}}}", digits, re.ASCII):
        raise CxError(f"{_place(node)}: expected a whole number of at most {DIGITS} digits, found {digits[:40]!r}")
    return int(digits)


_KNOWN = ("null", "bool", "float", "str", "seq", "map")  # no dates, sets or bytes, which only a tag could ask for
_Loader.yaml_constructors = {
    tag: build
    for tag, build in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag in {f"{_TAG}{kind}" for kind in _KNOWN}
}
_Loader.add_constructor(f"{_TAG}int", _whole)
_Loader.add_constructor(_AMBIGUOUS, _ambiguous)
for _tag, _pattern, _first in (
    (f"{_TAG}bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (f"{_TAG}null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (f"{_TAG}merge", r"<<", ["<"]),
    (f"{_TAG}int", r"0|-?[1-9][0-9]*", _FIRST),
    (f"{_TAG}float", r"-?(?:(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|nan))", _FIRST),
    (_AMBIGUOUS, r"(?i:yes|no|on|off)", list("yYnNoO")),
    (_AMBIGUOUS, r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", _FIRST),  # 12:30:00 is 45000 in YAML 1.1
    (_AMBIGUOUS, r"(?i:[-+]?(?:0[0-9_]+|0x[0-9a-f_]+|0[bo][0-9_]+|[0-9][0-9_]*|\+\.inf))", _FIRST),
    (_AMBIGUOUS, r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?", _FIRST),
):
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), _first)


def parse_yaml(text: str, name: str) -> Any:
    """The data in a YAML text.

    Only `true` and `false` are booleans and only plain decimals are numbers. `2026-10-31` stays text; `NO`, `010`,
    `12:30:00`, `1_000`, `+5` and `0x1F` are refused with the advice to quote them, because YAML 1.1 and 1.2 read them
    differently. A key that is written twice is refused.

    Args:
        text: YAML.
        name: What error messages call it, mostly the path of the file.

    Raises:
        CxError: Where the text is no YAML or means two things; the message has the line.

    >>> parse_yaml("{now: 2026-10, level: 0.90, wave: 2017, from: 2026-01-01}", "demo")
    {'now': '2026-10', 'level': 0.9, 'wave': 2017, 'from': '2026-01-01'}
    >>> parse_yaml("country: NO", "demo")
    Traceback (most recent call last):
    cxkit.errors.CxError: demo, line 1: NO without quotes can be read as a yes or no; write true or false; if text is
    meant, write 'NO'
    """
    try:
        loader = _Loader(text)
        loader.name = name
        return loader.get_single_data()
    except CxError:
        raise
    except (ValueError, LookupError) as error:  # of a value that has a tag, as !!bool maybe
        raise CxError(f"{name}: not valid YAML: a value does not fit its tag ({error})") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise CxError(f"{name}{line}: not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise CxError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None


def load_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, read by `parse_yaml`.

    Raises:
        CxError: Where the file is absent, not UTF-8, or holds no mapping of named keys.
    """
    require_file(path)
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise CxError(f"{path}: is larger than {LARGEST:,} characters; expected keys and values")
        data = parse_yaml(text, str(path))
    except FileNotFoundError:
        beside = sorted(p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        raise CxError(f"{path}: no such file; {nearest(path.name, beside)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CxError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    return _keyed(data, str(path))


def _keyed(data: Any, name: str) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise CxError(f"{name}: expected keys and values, found {'nothing' if data is None else type(data).__name__}")
    return dict(data)


def _text(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        found = "null" if value is None else str(value).lower()
        raise ValueError(f"text expected, found {found} without quotes; if text is meant, quote it")
    return str(value) if isinstance(value, int) else value


Text = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | int)]
"""Text in a strict model. A plain whole number is taken as its digits (`wave: 2017`); anything else must be quoted."""

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of every model of a YAML file: no unknown keys, no conversions, immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def parse(model: type[Model], data: Mapping[str, Any], name: str) -> Model:
    """The data as an instance of a pydantic model, with errors in words.

    Args:
        model: A strict model that forbids extra keys.
        data: What `load_yaml` returned.
        name: What error messages call it, mostly the path of the file.

    Raises:
        CxError: One line per error: file, key, what was found, what was expected, the nearest spelling.
    """
    try:
        return model.model_validate(_keyed(data, name))
    except ValidationError as error:
        raise CxError("\n".join(f"{name}: {line}" for line in _lines(model, error))) from None


def _lines(model: type[BaseModel], error: ValidationError) -> list[str]:
    """One line per wrong key; of the branches of a union only the one that came deepest."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        key = ".".join(_path(model, detail["loc"]))
        found.setdefault(key, f"{key}: {_words(model, detail)}" if key else _words(model, detail))
    return [line for key, line in found.items() if not any(other.startswith(f"{key}.") for other in found)]


def _path(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """The keys of a location, without the marks that pydantic adds for unions, validators and keys."""
    marks = {"[key]", "str", "list", "dict", "bool", "int", "float", *_names(model)}
    return [str(part) for part in loc if str(part) not in marks and not re.match(r"[a-z-]+\[.+\]", str(part))]


def _names(model: type[BaseModel]) -> set[str]:
    inner = {kind for field in model.model_fields.values() for kind in _models(field.annotation)}
    return {kind.__name__ for kind in inner}.union(*(_names(kind) for kind in inner))


def _words(model: type[BaseModel], detail: Any) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key; {nearest(str(detail['loc'][-1]), _fields(model, detail['loc'][:-1]))}"
        case "missing":
            return "required, but absent"
        case "value_error":
            return str(detail["ctx"]["error"])
        case "literal_error":
            expected, found = detail["ctx"]["expected"], detail["input"]
            hint = nearest(str(found), re.findall(r"'([^']*)'", expected))
            return f"expected {expected}, found {found!r}{'; ' + hint if 'mean' in hint else ''}"
        case _:
            expected = (
                detail["msg"]
                .removeprefix("Input should be ")
                .replace("a valid integer", "a whole number")
                .replace("a valid ", "a ")
            )
            return f"expected {expected}, found {detail['input']!r}"


def _fields(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Keys that the model at `loc` knows; the outer model's where the inner one cannot be told."""
    for part in loc:
        field = model.model_fields.get(str(part))
        inner = _models(field.annotation) if field else []
        model = inner[0] if inner else model
    return [field.alias or key for key, field in model.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a field's annotation mentions, also inside lists, dictionaries and unions."""
    inner = getattr(annotation, "__args__", ())
    if not inner:
        return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
    return [model for part in inner for model in _models(part)]
