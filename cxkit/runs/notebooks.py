"""A notebook's `parameters` cell: what it declares, and whether a job fits it, before anything runs.

papermill only warns of an unknown parameter, and injects values above the defaults where the tag is missing, so that a
misspelt brand would silently produce the report of the default one.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxkit.errors import CxError, nearest
from cxkit.files import require_file

TAG = "parameters"
_NAMES = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "list": "a list",
          "dict": "keys and values", "tuple": "a list"}  # fmt: skip


def load(path: str | Path) -> dict[str, Any]:
    """A notebook file as data.

    Raises:
        CxError: Where the file is absent or is no Python notebook of format 4.
    """
    file = Path(path)
    require_file(file)
    try:
        notebook = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = sorted(p.name for p in file.parent.glob("*.ipynb"))
        raise CxError(f"{file}: no such notebook; {nearest(file.name, known)}") from None
    except (OSError, ValueError) as error:
        raise CxError(f"{file}: is no notebook: {error}") from None
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4 or not isinstance(notebook.get("cells"), list):
        raise CxError(f"{file}: expected a notebook of format 4")
    language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise CxError(f"{file}: expected a Python notebook, found the language {language!r}")
    return notebook


def defaults(path: str | Path) -> dict[str, Any]:
    """Parameter -> default value, from the cell that is tagged `parameters`.

    Raises:
        CxError: No tagged cell, or two; anything in it but assignments of literal values.
    """
    tagged = [
        (number, "".join(cell["source"]))
        for number, cell in enumerate(load(path)["cells"], 1)
        if cell.get("cell_type") == "code" and TAG in cell.get("metadata", {}).get("tags", [])
    ]
    if len(tagged) != 1:
        cells = f"cells {', '.join(str(number) for number, _ in tagged)}" if tagged else "none"
        raise CxError(f"{path}: expected one code cell with the tag '{TAG}', found {cells}")
    number, source = tagged[0]
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise CxError(f"{path}, cell {number}, line {error.lineno}: {error.msg}") from None
    found = [_assignment(statement, f"{path}, cell {number}, line {statement.lineno}") for statement in statements]
    names = [name for name, _ in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CxError(f"{path}, cell {number}: {', '.join(twice)} is assigned twice")
    return dict(found)


def _assignment(statement: ast.stmt, place: str) -> tuple[str, Any]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            pass
        case _:
            raise CxError(f"{place}: expected `name = value`, found `{ast.unparse(statement)}`")
    try:
        return name, ast.literal_eval(value)
    except ValueError:
        raise CxError(
            f"{place}: expected a literal value for {name}, found `{ast.unparse(value)}`; a value that is derived here "
            "would keep the default of what it is derived from"
        ) from None


def check(path: str | Path, declared: Mapping[str, Any], given: Mapping[str, Any], file: str | Path) -> None:
    """Refuse parameters that a notebook does not declare or declares as another type.

    Args:
        path: The notebook, for the message.
        declared: What `defaults` found; a default of None accepts any value.
        given: Parameter -> value.
        file: The parameters file, for the message.

    Raises:
        CxError: One line per parameter that does not fit.

    >>> check("report.ipynb", {"brand": "Acme"}, {"brand": 7}, "demo.yaml")
    Traceback (most recent call last):
    cxkit.errors.CxError: demo.yaml: parameters.brand: expected text, as the default 'Acme' in report.ipynb is, found 7
    """
    lines = []
    for name, value in given.items():
        if name not in declared:
            lines.append(f"{file}: parameters.{name}: {path} has no such parameter; {nearest(name, declared)}")
        elif not _fits(declared[name], value):
            kind, default = _kind(declared[name]), declared[name]
            lines.append(
                f"{file}: parameters.{name}: expected {kind}, as the default {default!r} in {path} is, found {value!r}"
            )
    if lines:
        raise CxError("\n".join(lines))


def declares(path: str | Path, declared: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a notebook that lacks a parameter which every run hands over, or has it as another type.

    Args:
        path: The notebook, for the message.
        declared: What `defaults` found.
        given: Parameter -> an example of what the run gives.

    Raises:
        CxError: One line per parameter.
    """
    others = [name for name in declared if name not in given]
    lines = []
    for name, value in given.items():
        if name not in declared:
            hint = f"; its other parameters are {', '.join(others)}" if others else ""
            lines.append(f"{path}: the cell tagged '{TAG}' lacks {name!r}, which every run sets{hint}")
        elif not _fits(declared[name], value):
            lines.append(f"{path}: expected {_kind(value)} as default of {name!r}, found {declared[name]!r}")
    if lines:
        raise CxError("\n".join(lines))


def _kind(value: Any) -> str:
    return _NAMES.get(type(value).__name__, type(value).__name__)


def _fits(default: Any, value: Any) -> bool:
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, list)
    return isinstance(value, type(default))


_PACKAGES = """IPython __future__ collections cxkit dataclasses functools itertools math matplotlib numpy operator
    pandas re scipy seaborn statistics string textwrap typing"""
KNOWN = frozenset(_PACKAGES.split())
"""Packages that bring nothing of their own into a page."""
OUTSIDE = re.compile(
    r"read(_\w+)?|open|connect|urlopen|urlretrieve|fetch\w*|load_dataset|loadtxt|loadmat|genfromtxt|fromfile|memmap|imread"
    r"|eval|exec|compile|input|getattr|globals|locals|vars|__\w+__|get_ipython|system|environ|getenv"
)
"""Names that reach for files, addresses, or for anything at all."""
CLOCK = ("now", "today", "utcnow")


def self_contained(path: str | Path) -> bool:
    """Whether a notebook uses nothing but what its job gives it, so that its page may be kept until that changes.

    The rules are narrow on purpose: a notebook that they do not recognise is run every time.
    """
    cells = [cell for cell in load(path)["cells"] if cell["cell_type"] == "code"]
    code = ["".join(cell["source"]) for cell in cells if TAG not in cell.get("metadata", {}).get("tags", [])]
    source = re.sub(r"^%(matplotlib|config)\b.*", "", "\n".join(code), flags=re.MULTILINE)
    try:
        return not any(_outside(node) for node in ast.walk(ast.parse(source)))
    except SyntaxError:  # magics, shell commands
        return False


def _outside(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] not in KNOWN for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = [alias.name for alias in node.names]
        known = node.level == 0 and str(node.module).split(".")[0] in KNOWN
        return not known or "*" in names or any(OUTSIDE.fullmatch(name) for name in names)
    if isinstance(node, ast.Attribute):
        return OUTSIDE.fullmatch(node.attr) is not None or node.attr in CLOCK
    return isinstance(node, ast.Name) and OUTSIDE.fullmatch(node.id) is not None
