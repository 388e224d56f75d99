"""Options of the command line, `KEY=VALUE`, and the files that a source names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cxkit.strict import CxError, parse_yaml

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


def paths(source: Any) -> list[Path]:
    """The files that a source names, without addresses.

    >>> [str(path) for path in paths({"files": [{"path": "a.csv", "wave": "1"}, {"path": "b.csv"}]})]
    ['a.csv', 'b.csv']
    >>> paths("sample"), paths("postgres://host/db")
    ([], [])
    """
    if isinstance(source, str):
        return [Path(source).expanduser()] if source != "sample" and "://" not in source else []
    if not isinstance(source, dict):
        return []
    files = source.get("files")
    return [path for item in [source.get("path"), *(files if isinstance(files, list) else [])] for path in paths(item)]
