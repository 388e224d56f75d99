"""What the warm parent does once before the first report, so that no report pays for first uses."""

from __future__ import annotations

import asyncio
from typing import Any

import nbformat as _nbformat
from jupyter_core.utils import ensure_event_loop

from cxkit.warm import kernel
from cxkit.warm.notebooks import Engine

nbformat: Any = _nbformat  # typed in part only

TABLE = "import pandas\ndisplay(pandas.DataFrame({'rehearsal': ['a', 'b']}))"
FIGURE = """\
import io
import matplotlib.pyplot as plt
import seaborn
figure, axes = plt.subplots()
seaborn.lineplot(x=[1, 2], y=[1, 2], label="a", ax=axes)
seaborn.barplot(x=["a", "b"], y=[1, 2], ax=axes)
axes.set(title="Rehearsal", xlabel="0123456789", ylabel="$x^2$")
figure.savefig(io.BytesIO(), format="svg")
plt.show()
"""


def notebook(*sources: str) -> None:
    """Run a small notebook through the engine, on the kernel that the children inherit, and forget it.

    Args:
        sources: Source of its cells; without any, a table and a figure.

    Raises:
        RuntimeError: If a cell fails: a report would fail as well.
    """
    kernel.rehearse(lambda: _run(sources or ("print(1)\n1", TABLE, FIGURE)))


def _run(sources: tuple[str, ...]) -> None:
    for minor in (4, 5):  # each version of the format has a schema to compile
        empty: dict[str, Any] = {"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": []}
        nbformat.reads(nbformat.writes(nbformat.from_dict(empty)), as_version=4)
    code = [nbformat.v4.new_code_cell(source) for source in sources]
    nb = nbformat.v4.new_notebook(cells=code, metadata={"papermill": {}})
    try:
        Engine.execute_notebook(nb, "python3", progress_bar=False, autosave_cell_every=0)
    finally:
        ensure_event_loop().close()  # a loop must not be shared over a fork
        asyncio.set_event_loop(None)
    for cell in nb.cells:
        for output in cell.outputs:
            if output.output_type == "error":
                raise RuntimeError(f"rehearsal: {output.ename}: {output.evalue}")
    nbformat.validate(nb)
