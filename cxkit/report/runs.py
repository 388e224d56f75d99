"""Jobs -> executed notebooks -> pages: one function carries out a job, another carries out all of them.

`run_job` needs nothing but a job and a folder and returns plain data, so that any `concurrent.futures.Executor` can
carry it. Nothing is published before it is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import multiprocessing
import os
import re
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from cxkit.report import shelf
from cxkit.report.jobs import Job, Prepared, Result

Progress = Callable[[Result, int, int], None]
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Incomplete(Exception):
    """A notebook that ended before its end."""

    def __init__(self, error: str, cell: str | None = None) -> None:
        super().__init__(error)
        self.error, self.cell = error, cell


def run_job(job: Job, folder: str) -> Result:
    """Execute a job's notebook and make its page, in a folder of its own.

    Args:
        job: What to run.
        folder: Where the executed notebook and the page are written; it is emptied first.

    Returns:
        The result; whatever goes wrong in the notebook, its kernel or its page is told in `error` and not raised.
    """
    began = time.monotonic()
    place = Path(folder).absolute()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    executed = place / f"{job.name}.ipynb"
    warnings: list[str] = []
    try:
        notebook = execute(job, executed)
        check_complete(notebook)
        warnings = take_warnings(notebook)
        content = render(notebook, job)
        shelf.put(place / job.file, content)
        digest = hashlib.sha256(content).hexdigest()
        done: dict[str, Any] = {"status": "done", "page": str(place / job.file), "sha256": digest}
    except Exception as error:  # a notebook may raise anything; one report must not stop the others
        cell = error.cell if isinstance(error, Incomplete) else None
        done = {"status": "failed", "error": _one_line(error), "cell": cell}
    seconds = round(time.monotonic() - began, 3)
    kept = str(executed) if executed.exists() else None
    return Result(name=job.name, seconds=seconds, notebook=kept, warnings=warnings, **done)


def execute(job: Job, output: Path) -> Any:
    """The job's notebook after a run in a kernel of its own; a copy is saved after every cell.

    Raises:
        Incomplete: Where a cell raises or the kernel dies.
    """
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    logging.getLogger("papermill").addHandler(logging.NullHandler())  # results tell what it would print to stderr
    source = nbformat.read(job.notebook, as_version=4)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory(prefix="cx", ignore_cleanup_errors=True) as sockets, _quiet(output.parent):
        manager = {"transport": "ipc", "connection_file": f"{sockets}/k.json"} if os.name == "posix" else {}
        try:
            return papermill.execute_notebook(
                source,
                str(output).replace("{", "{{").replace("}", "}}"),  # papermill formats paths with the parameters
                job.parameters,
                kernel_name="python3",
                progress_bar=False,
                resources={"metadata": {"path": str(output.parent)}},
                extra_arguments=["--Application.log_level=CRITICAL"],
                config=Config({"KernelManager": manager}),
            )
        except papermill.PapermillExecutionError as error:
            raise Incomplete(_error_line(error.exec_count, error.ename, error.evalue), error.source) from None
        except DeadKernelError:
            last = _last_started(nbformat.read(output, as_version=4))  # type: ignore[no-untyped-call]
            raise Incomplete("the kernel died: out of memory, killed, or crashed in compiled code", last) from None


def _last_started(notebook: Any) -> str | None:
    """Source of the cell that ran when the kernel died; papermill marks the later ones as completed, too."""
    begun = [cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("start_time")]
    return str(begun[-1].source) if begun else None


@contextlib.contextmanager
def _quiet(folder: Path) -> Iterator[None]:
    """Environment of a kernel: no profile, start-up files or kernels of the user, no random order of sets."""
    ours = {
        "IPYTHONDIR": str(folder / ".ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONHASHSEED": "0",
    }
    before = {key: os.environ.get(key) for key in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None)
            os.environ.update({} if value is None else {key: value})


def check_complete(notebook: Any) -> None:
    """Refuse a notebook in which a cell failed or never ran; what its metadata claims does not count.

    Raises:
        Incomplete: With the cell. `sys.exit(0)` ends a notebook early, so it is a failure.
    """
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                raise Incomplete(_error_line(cell.execution_count, output.ename, output.evalue), cell.source)
        if cell.execution_count is None:
            raise Incomplete("a cell did not run, although the notebook ended without an error", cell.source)


def _error_line(number: int | None, name: str, value: str) -> str:
    text = ANSI.sub("", f"{value}").strip()
    first = text.splitlines()[0][:300] if text else ""
    if name == "SystemExit":
        first = f"{first or 0} ended the notebook before its last cell"
    return f"In [{number if number is not None else ' '}] {name}{f': {first}' if first else ''}"


def _one_line(error: Exception) -> str:
    if isinstance(error, Incomplete):
        return error.error
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}{f': {text[0][:300]}' if text else ''}"


def take_warnings(notebook: Any) -> list[str]:
    """Remove what the cells wrote to stderr, which is for the operator, and return its lines."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            errors = [o for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
            found += [line for output in errors for line in ANSI.sub("", output.text).splitlines() if line.strip()]
            cell.outputs = [output for output in cell.outputs if output not in errors]
    return found


def render(notebook: Any, job: Job) -> bytes:
    """The page of an executed notebook, from which everything that differs between equal runs is removed."""
    from cxkit.report import pages

    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    notebook.metadata.pop("papermill", None)
    text: str = pages.page(notebook, title=job.parameters["title"], lang=job.lang)
    return text.encode("utf-8")


def run(
    prepared: Prepared,
    out: Path,
    workers: int | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """Carry out the jobs of a run and publish their pages, the index, the summary and the manifest.

    Args:
        prepared: What `prepare` returned.
        out: The shelf: the folder that can be shared. Private files are in the folder beside it that ends in `.work`.
        workers: Processes; one per processor if None.
        progress: Called with each result, the number of results so far, and the number of jobs.
        executor: Carries the jobs instead of local processes; it must see the same file system.

    Returns:
        The manifest, as it is written to `manifest.json`.
    """
    before = shelf.claim(out, prepared.name)
    started = shelf.clock()
    private = shelf.private(out)
    results: dict[str, Result] = {}

    def finish(job: Job, result: Result) -> None:
        results[job.name] = result
        shelf.publish(job, result, out)
        if progress:
            progress(result, len(results), len(prepared.jobs))

    _carry_out(prepared.jobs, private / "running", finish, workers or processors(), executor)
    manifest = shelf.manifest(prepared, results, out, before, (started, shelf.clock()))
    shelf.close(prepared, manifest, out, before)
    return manifest


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _carry_out(
    jobs: Sequence[Job], folder: Path, finish: Callable[[Job, Result], None], workers: int, executor: Executor | None
) -> None:
    """Run every job; after a crash of a worker, those that were under way one by one, to find which one it was."""
    queue = deque(jobs)
    while queue:
        with _pool(min(workers, len(queue))) if executor is None else contextlib.nullcontext(executor) as pool:
            suspects = _window(pool, queue, folder, finish, workers)
        for job in suspects:
            with _pool(1) as pool:
                finish(job, _outcome(job, pool.submit(run_job, job, str(folder / job.name))))


def _pool(workers: int) -> Executor:
    """Fresh processes: forking this one would copy the threads of DuckDB and Arrow in an unknown state."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _window(
    pool: Executor, queue: deque[Job], folder: Path, finish: Callable[[Job, Result], None], workers: int
) -> list[Job]:
    """Keep `workers` jobs under way until the queue is empty or the pool breaks; then return those under way."""
    under_way: dict[Future[Result], Job] = {}
    while queue or under_way:
        while queue and len(under_way) < workers:
            try:
                under_way[pool.submit(run_job, queue[0], str(folder / queue[0].name))] = queue[0]
            except BrokenProcessPool:  # it broke since the last look
                if not under_way:
                    raise
                return list(under_way.values())
            queue.popleft()
        finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
        if any(isinstance(future.exception(), BrokenProcessPool) for future in finished):
            return list(under_way.values())
        for future in finished:
            job = under_way.pop(future)
            finish(job, _outcome(job, future))
    return []


def _outcome(job: Job, future: Future[Result]) -> Result:
    try:
        return future.result()
    except BrokenProcessPool:
        error = "the process that ran it was killed or crashed; memory may have run out"
    except Exception as other:  # what an executor raises where it cannot carry a job
        error = _one_line(other)
    return Result(job.name, "failed", 0.0, error=error)
