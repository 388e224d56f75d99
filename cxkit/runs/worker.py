"""One job -> one page: what a worker does, in this process, in another one or on another machine.

`run_job` needs nothing but a job and a folder and returns plain data, so that any `concurrent.futures.Executor` can
carry it. Nothing that is half-written has the name of a page.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from cxkit.runs.files import put
from cxkit.runs.jobs import Job, Result

Engine = Literal["warm", "kernel"]
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PASSING = frozenset({errno.EAGAIN, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC,
                     errno.ESTALE, errno.ETIMEDOUT})  # fmt: skip


class Incomplete(Exception):
    """A notebook that ended before its end."""

    def __init__(
        self, error: str, cell: str | None = None, kind: str = "", at: int | None = None, passing: bool = False
    ) -> None:
        super().__init__(error)
        self.error, self.cell, self.kind, self.at, self.passing = error, cell, kind or error, at, passing


def run_job(job: Job, folder: str, engine: Engine = "warm") -> Result:
    """Execute a job's notebook and make its page, in a folder of its own.

    Args:
        job: What to run.
        folder: Where the executed notebook and the page are written; it is emptied first.
        engine: "warm": this process, where it was forked from a warm parent, or else a fork of one; "kernel": an
            ordinary kernel.

    Returns:
        The result; whatever goes wrong in the notebook, its kernel or its page is told in `error` and not raised.
    """
    began = time.monotonic()
    place = Path(folder).absolute()
    executed = place / f"{job.name}.ipynb"
    warnings: list[str] = []
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        notebook = execute(job, executed, engine)
        check_complete(notebook)
        warnings = take_warnings(notebook)
        content = render(notebook, job)
        put(place / job.file, content)
        digest = hashlib.sha256(content).hexdigest()
        done: dict[str, Any] = {"status": "done", "page": str(place / job.file), "sha256": digest}
    except Exception as error:  # a notebook may raise anything; one report must not stop the others
        done = {"status": "failed", "error": one_line(error), "kind": class_of(error), "passing": passing(error)}
        if isinstance(error, Incomplete):
            done |= {"cell": error.cell, "kind": error.kind, "at": error.at}
    seconds = round(time.monotonic() - began, 3)
    kept = str(executed) if executed.exists() else None
    return Result(name=job.name, seconds=seconds, notebook=kept, warnings=warnings, **done)


def passing(error: BaseException) -> bool:
    """Whether another attempt may end better: the system failed, not the notebook."""
    return getattr(error, "passing", False) or (isinstance(error, OSError) and error.errno in PASSING)


def execute(job: Job, output: Path, engine: Engine) -> Any:
    """The job's notebook after a run.

    Raises:
        Incomplete: Where a cell raises or the kernel dies.
    """
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError

    logging.getLogger("papermill").addHandler(logging.NullHandler())  # results tell what it would print to stderr
    source = nbformat.read(job.notebook, as_version=4)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory(prefix="cx", ignore_cleanup_errors=True) as sockets, _quiet(output.parent):
        try:
            return papermill.execute_notebook(
                source,
                str(output).replace("{", "{{").replace("}", "}}"),  # papermill formats paths with the parameters
                job.parameters,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                cwd=str(output.parent),
                **(_kernel(sockets, output.parent) if engine == "kernel" else WARM),
            )
        except papermill.PapermillExecutionError as error:
            raise _raised(error.exec_count, error.ename, error.evalue, error.source) from None
        except DeadKernelError:
            at, last = _last_started(output) if output.exists() else (None, None)
            words = "the kernel died: out of memory, killed, or crashed in compiled code"
            raise Incomplete(words, last, at=at, passing=True) from None


WARM: dict[str, Any] = {"engine_name": "cxkit", "request_save_on_cell_execute": False, "autosave_cell_every": 0}


EXIT = "get_ipython().ask_exit = __import__('sys').exit"
"""Makes `exit()` fail the cell that it stands in; else the kernel dies, which the next cell finds out."""


def _kernel(sockets: str, folder: Path) -> dict[str, Any]:
    """For papermill's own engine: no port is opened where the system has sockets in files."""
    from traitlets.config import Config

    manager = {"transport": "ipc", "connection_file": f"{sockets}/k.json"} if os.name == "posix" else {}
    return {
        "resources": {"metadata": {"path": str(folder)}},
        "extra_arguments": ["--Application.log_level=CRITICAL", f"--IPKernelApp.exec_lines={EXIT}"],
        "config": Config({"KernelManager": manager}),
    }


def _last_started(output: Path) -> tuple[int | None, str | None]:
    """Number and source of the cell that ran when the kernel died; papermill marks later ones as completed, too."""
    import nbformat

    notebook = nbformat.read(output, as_version=4)  # type: ignore[no-untyped-call]
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    begun = [at for at, cell in enumerate(code) if cell.metadata.get("papermill", {}).get("start_time")]
    return (begun[-1] + 1, str(code[begun[-1]].source)) if begun else (None, None)


def cell_at(job: Job, note: str) -> tuple[int | None, str | None]:
    """Number and source of the cell that a worker said it was at ("cell 5" of all cells) when it died.

    Cells are numbered as the notebook shows them, `In [3]`: prose and empty cells do not count.
    """
    found = re.fullmatch(r"cell (\d+)", note)
    if not found:
        return None, None
    with contextlib.suppress(OSError, ValueError, LookupError):
        cells = json.loads(Path(job.notebook).read_text(encoding="utf-8"))["cells"]
        tagged = [i for i, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", [])]
        number = int(found[1]) - 1
        injected = bool(tagged) and number > tagged[0]  # papermill puts the given parameters behind the tagged cell
        number -= injected
        code = [cell for cell in cells[: number + 1] if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
        return len(code) + injected, "".join(cells[number]["source"])
    return None, None


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
                raise _raised(cell.execution_count, output.ename, output.evalue, cell.source)
        if cell.execution_count is None:
            raise Incomplete("a cell did not run, although the notebook ended without an error", cell.source)


def _raised(number: int | None, name: str, value: str, source: str) -> Incomplete:
    text = ANSI.sub("", f"{value}").strip()
    first = text.splitlines()[0][:300] if text else ""
    if name == "SystemExit":
        first = f"{first or 0} ended the notebook"
    line = f"In [{number if number is not None else ' '}] {name}{f': {first}' if first else ''}"
    return Incomplete(line, source, _harmless(name), number)


def _harmless(name: str) -> str:
    """The name of a class of errors, if it is one."""
    return name if re.fullmatch(r"[A-Za-z_][\w.]{0,79}", name, re.ASCII) else "an error"


def class_of(error: BaseException) -> str:
    """What the shelf may say of an error: its class, and nothing of its message, which may quote an answer."""
    return _harmless(type(error).__name__)


def one_line(error: BaseException) -> str:
    """An error as one line for the index and the manifest."""
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
    from cxkit.runs import pages

    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    notebook.metadata.pop("papermill", None)
    text: str = pages.page(notebook, title=job.parameters["title"], lang=job.lang, links=job.links, look=job.look)
    return text.encode("utf-8")


def rehearse() -> None:
    """Load in the warm parent what reports use, and make a page of a tiny notebook: its templates are compiled once."""
    import nbformat

    from cxkit.runs import pages

    public = import_module("cxkit")
    for name in public.__all__:
        getattr(public, name)  # the public names load their modules on first use
    import_module("cxkit.show")
    import_module("cxkit.analysis.provenance").packages()
    cell: Any = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("display_data", {"text/html": "1"})])  # type: ignore[no-untyped-call]
    words: Any = nbformat.v4.new_markdown_cell("## Rehearsal")  # type: ignore[no-untyped-call]
    pages.page(nbformat.v4.new_notebook(cells=[words, cell]), title="Rehearsal")  # type: ignore[no-untyped-call]


def apart(job: Job, folder: str, engine: Engine, timeout: float | None) -> Result:
    """Run a job in a process of its own, for systems without warm workers."""
    command = [sys.executable, "-m", "cxkit.runs.worker"]
    try:
        given = pickle.dumps((job, folder, engine))
        done = subprocess.run(command, input=given, stdout=subprocess.PIPE, timeout=timeout, check=True)
        result: Result = pickle.loads(done.stdout)
        return result
    except subprocess.TimeoutExpired:
        words = f"timed out after {timeout} s"
    except subprocess.CalledProcessError as error:
        words = f"the process that ran it ended with status {error.returncode}"
    return Result(job.name, "failed", 0.0, error=words, kind=words, passing=True)


if __name__ == "__main__":
    answer = sys.stdout.buffer
    sys.stdout = sys.stderr
    answer.write(pickle.dumps(run_job(*pickle.loads(sys.stdin.buffer.read()))))
