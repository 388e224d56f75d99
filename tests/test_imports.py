"""Who may import whom: the layers, and the folders that outside packages are kept in."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
LEAVES = (
    "cxkit.errors",
    "cxkit.strict",
    "cxkit.schema",
    "cxkit.files",
)  # how to refuse, and the limits; every layer that faces a user may
# The longest matching prefix counts. A layer may always import itself.
MAY_IMPORT = {
    "cxkit.errors": (),
    "cxkit.strict": ("cxkit.errors", "cxkit.files"),
    "cxkit.files": ("cxkit.errors",),
    "cxkit.metrics": ("cxkit.errors",),
    "cxkit.schema": ("cxkit.errors",),  # the limits; every layer but the formulas keeps to them
    "cxkit.stats": ("cxkit.errors",),
    "cxkit.input": ("cxkit.metrics", "cxkit.sample", *LEAVES),
    "cxkit.sample": (),
    "cxkit.inspection": ("cxkit.input", "cxkit.metrics", *LEAVES),
    "cxkit.tallies": ("cxkit.input", "cxkit.metrics", *LEAVES),
    "cxkit.tallies.raking": ("cxkit.tallies", "cxkit.input", "cxkit.metrics", "cxkit.stats", *LEAVES),
    "cxkit.analysis": ("cxkit.metrics", "cxkit.stats", "cxkit.tallies", "cxkit.input", *LEAVES),
    "cxkit.show": ("cxkit.metrics", *LEAVES),
    "cxkit.reporting": ("cxkit.analysis", "cxkit.metrics", "cxkit.show", "cxkit.tallies", *LEAVES),  # of notebooks
    "cxkit.runs": ("cxkit.metrics", "cxkit.warm", *LEAVES),
    "cxkit.runs.prepare": (
        "cxkit.runs",
        "cxkit.metrics",
        "cxkit.input",
        "cxkit.sample",
        "cxkit.tallies",
        "cxkit.analysis",
        *LEAVES,
    ),
    "cxkit.runs.project": ("cxkit.runs", "cxkit.input", "cxkit.metrics", *LEAVES),  # the keys of a mapping
    "cxkit.runs.pages": ("cxkit.runs", "cxkit.metrics", "cxkit.show", *LEAVES),  # the index shares its wording
    "cxkit.runs.workbook": ("cxkit.runs", "cxkit.metrics", "cxkit.show", *LEAVES),  # and so does the workbook
    "cxkit.runs.banner": ("cxkit.runs", "cxkit.metrics", "cxkit.show", *LEAVES),  # one of its sheets
    "cxkit.runs.spreadsheet": ("cxkit.runs", "cxkit.show", *LEAVES),  # its cells hold cleaned text
    "cxkit.warm": (),  # could leave as a package of its own
    "cxkit.__main__": ("cxkit",),
    "cxkit.cli": ("cxkit",),
    "cxkit": ("cxkit",),  # __init__: the public names, loaded on first use
}
KEPT_IN = {
    "papermill": ("cxkit.runs.worker", "cxkit.warm"),
    "nbconvert": ("cxkit.runs.pages", "cxkit.runs.exporter"),
    "ibis": ("cxkit.input", "cxkit.inspection", "cxkit.tallies"),
    "duckdb": ("cxkit.input", "cxkit.tallies"),
    "matplotlib": ("cxkit.warm", "cxkit.show.pictures"),
    "seaborn": ("cxkit.warm", "cxkit.show.pictures"),
    "typer": ("cxkit.cli",),
}
# Results word and show themselves, by importing `show` when they are shown.
RESULTS = ("cxkit.analysis.answers", "cxkit.analysis.frames", "cxkit.input.responses", "cxkit.tallies.tallies")
SHOWS_ITSELF = ("__repr__", "_repr_html_", "_words", "_rows")
FORMULAS = ("numpy", "scipy")  # all that stats needs from outside


class Import(NamedTuple):
    module: str
    imported: str
    function: str
    line: int


def imports(source: str, module: str, package: bool = False) -> Iterator[Import]:
    """Every import of a module, with the function that it stands in ('' at the top)."""

    def walk(node: ast.AST, function: str) -> Iterator[Import]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, function, node.lineno) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            parts = module.split(".") if package else module.split(".")[:-1]
            above = parts[: len(parts) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (Import(module, f"{origin}.{alias.name}", function, node.lineno) for alias in node.names)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, function)

    yield from walk(ast.parse(source), "")


def below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def offence(found: Import) -> str | None:
    """What is wrong with an import, or None."""
    where = f"{found.module}, line {found.line}: imports {found.imported}"
    top = found.imported.split(".")[0]
    if top in KEPT_IN and not any(below(found.module, place) for place in KEPT_IN[top]):
        return f"{where}; {top} belongs in {', '.join(KEPT_IN[top])}"
    if below(found.module, "cxkit.stats") and top not in {*sys.stdlib_module_names, *FORMULAS, "cxkit"}:
        return f"{where}; stats may import {', '.join(FORMULAS)}"
    if top != "cxkit":
        return None
    layer = max((prefix for prefix in MAY_IMPORT if below(found.module, prefix)), key=len)
    if layer == "cxkit" and found.module != "cxkit":
        return f"{where}; {found.module} has no entry in MAY_IMPORT"
    if found.module in RESULTS and found.function in SHOWS_ITSELF and below(found.imported, "cxkit.show"):
        return None  # the one exception
    allowed = (layer, *MAY_IMPORT[layer])
    return None if any(below(found.imported, prefix) for prefix in allowed) else f"{where}; {layer} may not"


def modules() -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "cxkit").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_layer_imports_only_what_it_may() -> None:
    found = [
        offence(one)
        for path, module in modules()
        for one in imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
    ]
    assert [text for text in found if text] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cxkit.stats.design", "from cxkit.metrics import METRICS"),
        ("cxkit.stats.design", "import pandas as pd"),
        ("cxkit.stats.design", "from ..tallies import tally"),
        ("cxkit.tallies.tally", "from cxkit import analysis"),
        ("cxkit.analysis.answers", "from cxkit import show"),
        ("cxkit.analysis.answers", "def nps():\n    from cxkit import show"),
        ("cxkit.analysis.estimates", "def _repr_html_(self):\n    from cxkit import show"),
        ("cxkit.analysis.estimates", "import ibis"),
        ("cxkit.show.tables", "from cxkit.stats import nps_interval"),
        ("cxkit.runs.jobs", "import cxkit.input.responses"),
        ("cxkit.runs.jobs", "import papermill"),
        ("cxkit.runs.runs", "from cxkit.show import wording"),
        ("cxkit.runs.prepare", "from nbconvert import HTMLExporter"),
        ("cxkit.input.responses", "from cxkit.tallies import tally"),
        ("cxkit.sample.write", "from cxkit.input import mapping"),
        ("cxkit.warm.parent", "from cxkit.runs import jobs"),
        ("cxkit.newcomer", "from cxkit.metrics import METRICS"),
    ],
)
def test_what_is_forbidden_is_found(module: str, source: str) -> None:
    assert [offence(one) for one in imports(source, module)] != [None]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cxkit.analysis.answers", "def _repr_html_(self):\n    from cxkit import show"),
        ("cxkit.analysis.answers", "def __repr__(self):\n    from cxkit.show import wording"),
        ("cxkit.tallies.tally", "import ibis"),
        ("cxkit.runs.prepare", "from cxkit.analysis import estimates"),
        ("cxkit.runs.pages", "from cxkit.show import wording\nfrom nbconvert import HTMLExporter"),
        ("cxkit.warm.engine", "def f():\n    from papermill.utils import nb_kernel_name"),
        ("cxkit.stats.intervals", "from cxkit.errors import CxError\nfrom scipy import special"),
        ("cxkit.inspection.draft", "from cxkit.input import times"),
        ("cxkit.cli", "from cxkit.sample import write\nimport typer"),
    ],
)
def test_what_is_allowed_is_let_through(module: str, source: str) -> None:
    assert {offence(one) for one in imports(source, module)} == {None}


def test_importing_the_kit_is_light() -> None:
    heavy = ("papermill", "nbconvert", "matplotlib.pyplot")
    code = f"import sys, cxkit; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_analyses_wait_for_no_distributions() -> None:
    code = "import sys, cxkit.analysis; print('scipy.stats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"  # half a second of processor time


def test_no_import_has_a_side_effect_on_the_working_folder(tmp_path: Path) -> None:
    names = [module for _, module in modules()]
    code = f"from importlib import import_module\nfor name in {names!r}: import_module(name)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    assert list(tmp_path.iterdir()) == []
