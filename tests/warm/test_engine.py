"""The engine as a user of papermill meets it, and as a task of a warm executor uses it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import engine_tasks as tasks
import nbformat
import papermill
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import v4
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError

from cxkit.warm import notebooks
from cxkit.warm.engine import PRELOAD, WarmEngine
from cxkit.warm.executor import ChildDied, WarmExecutor

KERNEL = {"name": "python3", "language": "python", "display_name": "Python 3"}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(papermill_engines._engines, "cxkit", WarmEngine)


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmExecutor]:
    with WarmExecutor(2, preload=[*PRELOAD, "engine_tasks"], timeout=60) as executor:
        yield executor


def notebook(*sources: str, tags: tuple[str, ...] = ()) -> Any:
    cells = [v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = list(tags)
    return v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def saved(path: Path, *sources: str, **options: Any) -> str:
    nbformat.write(notebook(*sources, **options), path)
    return str(path)


def run(nb: Any, out: Path | None = None, **options: Any) -> Any:
    return papermill.execute_notebook(nb, out, engine_name="cxkit", progress_bar=False, **options)


def texts(nb: Any) -> list[str]:
    return ["".join(output.get("text", "") for output in cell.get("outputs", [])) for cell in nb.cells]


def statuses(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.metadata.papermill.status for cell in cells if "papermill" in cell.metadata]


def test_the_engine_costs_papermill_nothing_to_load() -> None:
    code = (
        "import sys; before = set(sys.modules); from cxkit.warm.engine import WarmEngine\n"
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith('cxkit')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"papermill", "IPython", "ipykernel", "pandas", "numpy", "zmq", "nbformat"}
    assert not heavy & {name.split(".")[0] for name in json.loads(done.stdout.replace("'", '"'))}


def test_parameters_are_injected_and_cells_are_timed(tmp_path: Path) -> None:
    greeting = notebook("who = 'default'", "print('hello', who)", tags=("parameters",))
    run(greeting, tmp_path / "o.ipynb", parameters={"who": "you"})
    nb = nbformat.read(tmp_path / "o.ipynb", as_version=4)
    nbformat.validate(nb)
    assert texts(nb)[-1] == "hello you\n"
    assert nb.metadata.papermill.exception is None
    assert nb.metadata.language_info.name == "python"
    assert [cell.execution_count for cell in nb.cells] == [1, 2, 3]
    for cell in nb.cells:
        assert cell.metadata.papermill.status == "completed"
        assert cell.metadata.papermill.duration >= 0
        assert set(cell.metadata.execution) == {
            "iopub.status.busy", "iopub.execute_input", "iopub.status.idle", "shell.execute_reply",
        }  # fmt: skip


def test_notebooks_share_one_parent_and_no_state() -> None:
    first = texts(run(notebook("import os\nx = 1\nprint(os.getpid(), os.getppid())")))[0].split()
    second = texts(run(notebook("import os\nprint(os.getpid(), os.getppid(), 'x' in globals())")))[0].split()
    assert first[1] == second[1] == str(notebooks.own_parent().pid)
    assert first[0] != second[0]
    assert second[2] == "False"


def test_folder_and_environment_are_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(notebook("1"))  # the parent is running now, with another environment
    monkeypatch.setenv("CXKIT_TEST", "late")
    (tmp_path / "helper_beside_the_notebook.py").write_text("value = 42")
    nb = notebook("import os, helper_beside_the_notebook as h\nprint(os.getcwd(), os.environ['CXKIT_TEST'], h.value)")
    assert texts(run(nb, cwd=tmp_path))[0].split() == [str(tmp_path), "late", "42"]


def test_a_failing_cell_stops_the_notebook_and_is_marked(tmp_path: Path) -> None:
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        run(notebook("print(1)", "1 / 0", "print(2)"), tmp_path / "o.ipynb")
    nb = nbformat.read(tmp_path / "o.ipynb", as_version=4)
    assert "An Exception was encountered" in nb.cells[0].source
    assert statuses(tmp_path / "o.ipynb") == ["completed", "failed", "pending"]
    assert nb.cells[-1].outputs == []


def test_tags_skip_and_allow() -> None:
    nb = notebook("print('skipped')", "raise ValueError", "print('reached')")
    nb.cells[0].metadata["tags"] = ["skip-execution"]
    nb.cells[1].metadata["tags"] = ["raises-exception"]
    nb.metadata["papermill"] = {}
    WarmEngine.execute_notebook(nb, "python3", progress_bar=False)
    assert [cell.execution_count for cell in nb.cells] == [None, 1, 2]
    assert nb.cells[1].outputs[0].ename == "ValueError"
    assert texts(nb)[2] == "reached\n"


@pytest.mark.parametrize(
    "source, words",
    [
        ("import os; os._exit(3)", "exit status 3"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    ],
)
def test_a_dead_kernel_is_told_and_the_notebook_says_so(source: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DeadKernelError, match=words):
        run(notebook("print(1)", source, "print(2)"), tmp_path / "o.ipynb")
    nb = nbformat.read(tmp_path / "o.ipynb", as_version=4)
    assert nb.metadata.papermill.exception is True
    assert "failed" in statuses(tmp_path / "o.ipynb")
    assert nb.cells[2].outputs == []


@pytest.mark.parametrize("source", ["exit()", "quit", "import sys; sys.exit()"])
def test_what_ends_a_notebook_fails_the_cell_that_it_stands_in(source: str) -> None:
    nb = run(notebook("print(1)", source, "print(2)"))  # papermill lets an exit without a status pass
    assert [output.ename for output in nb.cells[1].outputs if output.output_type == "error"] == ["SystemExit"]
    assert nb.cells[2].execution_count is None


def test_a_cell_has_a_deadline_and_what_it_started_ends_with_it(tmp_path: Path) -> None:
    source = (
        "import subprocess\np = subprocess.Popen(['sleep', '300'])\n"
        f"with open('{tmp_path}/pid', 'w') as f: f.write(str(p.pid))\np.wait()"
    )
    started = time.monotonic()
    with pytest.raises(CellTimeoutError):
        run(notebook("1", source, "2"), tmp_path / "o.ipynb", execution_timeout=1)
    assert time.monotonic() - started < 15
    assert statuses(tmp_path / "o.ipynb") == ["completed", "failed", "pending"]
    assert texts(run(notebook("print('next')")))[0] == "next\n"
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


def test_output_is_logged_and_copied_as_papermill_does(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "papermill"), open(tmp_path / "out", "w") as out:
        run(notebook("import sys\nprint('to out'); print('to err', file=sys.stderr)"), log_output=True, stdout_file=out)
    assert (tmp_path / "out").read_text() == "to out\n"
    assert {"to out\n", "to err\n"} <= {record.getMessage() for record in caplog.records}


def test_files_left_open_are_written_and_atexit_runs(tmp_path: Path, warm: WarmExecutor) -> None:
    source = (
        "import atexit, os\nf = open('open.txt', 'w'); f.write('text')\n"
        "atexit.register(lambda path: open(path, 'w').write('ran'), os.path.abspath('exit.txt'))"
    )
    for folder in (tmp_path / "beside", tmp_path / "inside"):
        folder.mkdir()
    run(notebook(source), cwd=tmp_path / "beside")
    warm.submit(tasks.execute, saved(tmp_path / "in.ipynb", source), None, cwd=str(tmp_path / "inside")).result()
    for folder in (tmp_path / "beside", tmp_path / "inside"):
        assert (folder / "open.txt").read_text() == "text"
        assert (folder / "exit.txt").read_text() == "ran"


@pytest.mark.parametrize("change", [{"argv": ["/other/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]},
                                    {"argv": ["R", "--slave"], "language": "R"}, {"env": {"A": "1"}}])  # fmt: skip
def test_another_kernel_is_left_to_papermill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    assert notebooks.runs_here("python3")
    assert not notebooks.runs_here("no-such-kernel")
    start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": start, "display_name": "o", "language": "python"}
    for name, content in (("same", spec), ("other", {**spec, **change})):
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps(content))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert notebooks.runs_here("same")
    assert not notebooks.runs_here("other")


def test_inside_a_task_the_cells_run_in_that_process(warm: WarmExecutor, tmp_path: Path) -> None:
    path = saved(tmp_path / "in.ipynb", "who = 'default'", "import os\nprint(os.getpid(), who)", tags=("parameters",))
    names = [{"who": f"w{index}"} for index in range(4)]
    jobs = [warm.submit(tasks.execute, path, str(tmp_path / f"{n['who'][1]}.ipynb"), parameters=n) for n in names]
    for index, job in enumerate(jobs):
        pid, text = job.result()
        assert texts(nbformat.reads(text, as_version=4))[-1].split() == [str(pid), f"w{index}"]
        assert (tmp_path / f"{index}.ipynb").exists()


def test_a_rehearsal_leaves_no_trace(warm: WarmExecutor, tmp_path: Path) -> None:
    source = "names = sorted(n for n in globals() if not n.startswith('_'))\nprint(names, len(In), Out, plt_open)"
    source = "import matplotlib.pyplot as plt\nplt_open = plt.get_fignums()\n" + source
    _, text = warm.submit(tasks.execute, saved(tmp_path / "in.ipynb", source), None).result()
    printed = texts(nbformat.reads(text, as_version=4))[0]
    assert printed == "['In', 'Out', 'exit', 'get_ipython', 'open', 'plt', 'plt_open', 'quit'] 2 {} []\n"


def test_a_second_notebook_in_the_same_task_has_a_kernel_of_its_own(warm: WarmExecutor, tmp_path: Path) -> None:
    path = saved(tmp_path / "in.ipynb", "print('x' in globals())\nx = 1")
    for _, text in warm.submit(tasks.execute_twice, path).result(60):
        assert texts(nbformat.reads(text, as_version=4)) == ["False\n"]


def test_a_task_that_dies_names_its_cell(warm: WarmExecutor, tmp_path: Path) -> None:
    path = saved(tmp_path / "in.ipynb", "1", "import os; os._exit(5)")
    with pytest.raises(ChildDied, match=r"exit status 5 .*\(at cell 2\)"):
        warm.submit(tasks.execute, path, None).result()
    path = saved(tmp_path / "hang.ipynb", "1", "2", "while True: pass")
    with pytest.raises(ChildDied, match=r"timed out .*\(at cell 3\)"):
        warm.submit(tasks.execute, path, None, execution_timeout=1).result()
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        warm.submit(tasks.execute, saved(tmp_path / "fails.ipynb", "1 / 0"), None).result()


def test_a_task_may_use_threads_subprocesses_and_duckdb(warm: WarmExecutor, tmp_path: Path) -> None:
    source = (
        "import duckdb, threading, subprocess, pandas as pd\n"
        "print(duckdb.connect().execute('select count(*) from range(1000)').fetchone()[0])\n"
        "pd.DataFrame({'a': range(10)}).to_parquet('t.parquet'); print(pd.read_parquet('t.parquet').a.sum())\n"
        "subprocess.run(['echo', 'sub'])"
    )
    _, text = warm.submit(tasks.execute, saved(tmp_path / "in.ipynb", source), None, cwd=str(tmp_path)).result()
    assert texts(nbformat.reads(text, as_version=4))[0].split() == ["1000", "45", "sub"]


def test_papermills_command_finds_the_engine(tmp_path: Path) -> None:
    path, out = saved(tmp_path / "in.ipynb", "print('by command')"), tmp_path / "out.ipynb"
    code = (
        "from papermill.engines import papermill_engines as e; from cxkit.warm.engine import WarmEngine\n"
        "e.register('cxkit', WarmEngine); from papermill.cli import papermill; papermill()"
    )
    command = [sys.executable, "-c", code, "--engine", "cxkit", "--no-progress-bar", path, str(out)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    assert texts(nbformat.read(out, as_version=4)) == ["by command\n"]
