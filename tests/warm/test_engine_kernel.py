"""A notebook that uses everything gives the same outputs as under its ordinary kernel, cell by cell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import engine_tasks
import nbformat
import pytest
from engine_cells import CELLS, OURS, comparable
from nbformat import v4
from papermill.engines import NBClientEngine

from cxkit.warm.engine import PRELOAD, WarmEngine
from cxkit.warm.executor import WarmExecutor


def torture() -> Any:
    cells = [
        v4.new_code_cell(source, id=f"cell{index}", metadata={"name": name, "tags": ["raises-exception"]})
        for index, (name, source) in enumerate(CELLS.items())
    ]
    return v4.new_notebook(cells=cells, metadata={"papermill": {}})


def under(engine: Any) -> Any:
    return engine.execute_notebook(torture(), "python3", progress_bar=False, autosave_cell_every=0)


def inside() -> Any:
    with WarmExecutor(1, preload=PRELOAD, timeout=120) as executor:
        return nbformat.reads(executor.submit(engine_tasks.execute_raw, json.dumps(torture())).result(), as_version=4)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("torture"))
        patch.delenv("PYTEST_CURRENT_TEST")  # ipykernel leaves the file descriptors alone where it sees this
        return under(NBClientEngine)


@pytest.mark.filterwarnings("ignore")  # what nbclient says about an unknown comm target
@pytest.mark.parametrize("ours", [lambda: under(WarmEngine), inside], ids=["beside", "inside"])
def test_every_cell_gives_what_it_gives_under_its_kernel(
    kernel: Any, ours: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    different = []
    for theirs, cell in zip(kernel.cells, ours().cells, strict=True):
        name = cell.metadata.name
        expected = comparable(name, theirs.outputs)
        if name in OURS:
            expected[0]["data"]["text/plain"] = repr(OURS[name])
        got = comparable(name, cell.outputs)
        if got != expected or cell.execution_count != theirs.execution_count:
            different.append((name, got, expected))
    assert not different


def test_cells_that_are_racy_in_a_kernel_are_in_order_under_ours() -> None:
    source = "import os, sys\nfor i in range(20):\n    print(2 * i)\n    os.system(f'echo {2 * i + 1}')"
    nb = v4.new_notebook(cells=[v4.new_code_cell(source)], metadata={"papermill": {}})
    WarmEngine.execute_notebook(nb, "python3", progress_bar=False)
    assert "".join(output.text for output in nb.cells[0].outputs).split() == [str(i) for i in range(40)]
