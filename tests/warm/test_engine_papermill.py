"""papermill's own tests pass with our engine in the place of its own, and its notebooks give the same outputs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import papermill
import papermill.tests
import pytest
from engine_cells import comparable
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError

from cxkit.warm.engine import WarmEngine

NOTEBOOKS = Path(papermill.tests.__file__).parent / "notebooks"
EVERYWHERE = """\
import cxkit.warm.notebooks
from papermill import engines
from cxkit.warm.engine import WarmEngine
for name in (None, "nbclient", "cxkit"):
    engines.papermill_engines.register(name, WarmEngine)
engines.NBClientEngine = WarmEngine
"""
# Fails under papermill's own engine too: its notebook imports what IPython 9 has removed.
BROKEN = "papermill/tests/test_execute.py::TestBrokenNotebook2::test"


def test_papermills_tests_pass_with_our_engine_everywhere(tmp_path: Path) -> None:
    (tmp_path / "everywhere.py").write_text(EVERYWHERE)
    suites = [f"papermill.tests.test_{name}" for name in ("execute", "engines", "autosave", "clientwrap")]
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(NOTEBOOKS.parents[2])]
    command += ["-p", "everywhere", "-p", "no:cacheprovider", "--deselect", BROKEN, "--pyargs", *suites]
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import pytest; sys.exit(pytest.main({command[3:]!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed, 1 deselected", done.stdout)
    assert passed, done.stdout[-3000:]
    assert int(passed[1]) >= 60  # papermill 2.7.0: 64 tests in these four files


def outcome(name: str, engine: str | None, out: Path, **options: Any) -> tuple[Any, Any]:
    """What a notebook gives: the exception and, cell by cell, outputs, count, status and error mark."""
    error = None
    try:
        papermill.execute_notebook(NOTEBOOKS / name, out, engine_name=engine, progress_bar=False, **options)
    except PapermillExecutionError as raised:
        error = (raised.ename, raised.evalue, raised.exec_count)
    cells = []
    for cell in nbformat.read(out, as_version=4).cells:
        marks = cell.metadata.get("papermill", {})
        outputs = comparable("", cell.get("outputs", []))
        cells.append((cell.source, outputs, cell.get("execution_count"), marks.get("status"), marks.get("exception")))
    return error, cells


@pytest.mark.parametrize(
    "name",
    [
        "simple_execute.ipynb",
        "broken1.ipynb",
        "broken2.ipynb",
        "line_magic_error.ipynb",
        "no_parameters.ipynb",
        "report_mode_test.ipynb",
        "result_no_exec.ipynb",
        "sysexit.ipynb",
        "sysexit0.ipynb",
        "sysexit1.ipynb",
        "systemexit.ipynb",
        "test_logging.ipynb",
        "nb_version_4.4.ipynb",
        "complex_parameters.ipynb",
    ],
)
def test_papermills_notebooks_give_the_same_under_both_engines(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(papermill_engines._engines, "cxkit", WarmEngine)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    ours = outcome(name, "cxkit", tmp_path / "ours.ipynb")
    theirs = outcome(name, None, tmp_path / "theirs.ipynb")
    assert ours == theirs
