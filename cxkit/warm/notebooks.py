"""One notebook through papermill's own engine, its kernel taken from a warm process.

What is slow the first time is done once in the warm parent, so that no notebook pays for it.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import re
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat as _nbformat
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import DeadKernelError
from papermill.engines import NBClientEngine

from cxkit.warm import child, kernel
from cxkit.warm.channels import Beside, Inside
from cxkit.warm.engine import WARM_LIBRARIES
from cxkit.warm.executor import WarmExecutor

_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\w+)|import[ \t]+([\w., \t]+))", re.MULTILINE)
_own: dict[int, WarmExecutor] = {}  # by process id: a fork must not talk to its parent's


class Engine(NBClientEngine):  # type: ignore[misc]
    """papermill's nbclient engine with another kernel manager."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Execute the notebook that `nb_man` holds; options as for papermill's own engine."""
        if not runs_here(kernel_name):
            return super().execute_managed_notebook(nb_man, kernel_name, **options)
        try:
            if (own := kernel.pristine()) is not None:
                return cls._inside(own, nb_man, kernel_name, **options)
            return cls._beside(nb_man, kernel_name, **options)
        except BaseException:
            mark(nb_man)
            raise

    @classmethod
    def _inside(cls, kernel: kernel.CellKernel, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        # The cell and its deadline are told to the warm parent: it alone can act when this process hangs.
        seconds = options.get("execution_timeout") or options.get("timeout")

        def started(cell: Any, cell_index: int) -> None:
            child.note(f"cell {cell_index + 1}", seconds)

        def finished(cell: Any, cell_index: int, execute_reply: Any) -> None:
            child.note(f"the end of cell {cell_index + 1}")

        hooks = {"on_cell_execute": started, "on_cell_executed": finished}
        manager = Inside(kernel)
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, km=manager, **hooks, **options)
        finally:
            manager.close()

    @classmethod
    def _beside(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        executor = own_parent()
        executor.warm([(f"{__name__}:import_quietly", sorted(libraries(nb_man.nb)))])
        manager = Beside(executor, options.get("start_timeout") or 60)
        patient = False
        try:
            done = super().execute_managed_notebook(nb_man, kernel_name, km=manager, **options)
            patient = True
            return done
        except DeadKernelError as error:
            raise DeadKernelError(f"Kernel died: {manager.death()}") from error
        finally:
            manager.close(patient)


def mark(nb_man: Any) -> None:
    """Mark the cell that was running as failed; papermill would save it, and all that never ran, as completed."""
    started = [cell for cell in enumerate(nb_man.nb.cells) if cell[1].metadata.papermill["start_time"]]
    for index, cell in started[-1:]:
        nb_man.cell_exception(cell, cell_index=index)


def runs_here(kernel_name: str) -> bool:
    """Whether a kernel is ipykernel under this very interpreter, on a system where forking is sound."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        spec = KernelSpecManager().get_kernel_spec(kernel_name)
    except NoSuchKernel:
        return False  # papermill's own engine tells the user
    program = Path(spec.argv[0]) if spec.argv else Path()
    here = program.name == str(program) and program.name.startswith("python")  # jupyter_client runs sys.executable
    same = here or (program.exists() and program.absolute() == Path(sys.executable).absolute())
    return same and "ipykernel_launcher" in spec.argv and not spec.env


def libraries(nb: Any) -> set[str]:
    r"""The modules of `WARM_LIBRARIES` that the cells of a notebook import.

    >>> from types import SimpleNamespace as Cell
    >>> cell = Cell(cell_type="code", source="import os, pandas as pd\nfrom scipy import stats")
    >>> sorted(libraries(Cell(cells=[cell])))
    ['pandas', 'scipy', 'scipy.stats']
    """
    names: set[str] = set()
    for cell in nb.cells:
        for package, name, plain in _IMPORT.findall(cell.source if cell.cell_type == "code" else ""):
            several = {part.split()[0] for part in plain.split(",") if part.split()}
            names |= {package, f"{package}.{name}"} if package else several
    return {name for name in names if name.split(".")[0] in WARM_LIBRARIES}


def import_quietly(names: list[str]) -> None:
    """Import what can be imported; the notebook itself tells about the rest."""
    for name in names:
        with suppress(Exception):
            import_module(name)


def own_parent() -> WarmExecutor:
    """The warm parent of this process, started on first use and ended with the process."""
    executor = _own.get(os.getpid())
    if executor is None or executor.failed:
        executor = _own[os.getpid()] = WarmExecutor(os.cpu_count() or 1, preload=[f"{kernel.__name__}:prepare"])
        atexit.register(executor.shutdown, cancel_futures=True)
    return executor


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


def rehearse(*sources: str) -> None:
    """Run a small notebook through the engine, on the kernel that the children inherit, and forget it.

    Args:
        sources: Source of its cells; without any, a table and a figure.

    Raises:
        RuntimeError: If a cell fails: a report would fail as well.
    """
    kernel.rehearse(lambda: _run_all(sources or ("print(1)\n1", TABLE, FIGURE)))


def _run_all(sources: tuple[str, ...]) -> None:
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
