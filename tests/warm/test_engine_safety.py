"""The warm parent is single-threaded, or does not start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import engine_tasks as tasks
import pandas as pd
import pytest

from cxkit.warm import child
from cxkit.warm.engine import PRELOAD, WARM_LIBRARIES
from cxkit.warm.executor import ParentDied, WarmExecutor


def threads(pid: int) -> list[str]:
    return sorted(comm.read_text().strip() for comm in Path(f"/proc/{pid}/task").glob("*/comm"))


def test_a_parent_of_reports_runs_one_thread(tmp_path: Path) -> None:
    table = tmp_path / "tallies.parquet"
    pd.DataFrame({"n": range(1000)}).to_parquet(table)
    preload = [*PRELOAD, "cxkit.runs.worker:rehearse", ("engine_tasks:arrow_preload", str(table))]
    with WarmExecutor(1, preload=preload) as executor:
        assert executor.submit(tasks.add, 1).result(120) == 1
        names = threads(executor.pid)
        # The list of native threads that are allowed: the main one and the ones that `safety` names, with reasons.
        assert set(names) - child.ALLOWED_THREADS == {Path(f"/proc/{executor.pid}/comm").read_text().strip()}
        assert len([name for name in names if name not in child.ALLOWED_THREADS]) == 1
        sockets = [fd for fd in Path(f"/proc/{executor.pid}/fd").glob("*") if os.readlink(fd).startswith("socket")]
        assert len(sockets) == 1


def test_every_warm_library_leaves_one_thread() -> None:
    code = (
        f"import importlib\nfor name in {sorted(WARM_LIBRARIES)}:\n    importlib.import_module(name)\n"
        "from cxkit.warm.child import unsafe\nassert not unsafe(own_sockets=0), unsafe(own_sockets=0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **child.ENVIRONMENT})


@pytest.mark.parametrize(
    "preload, words",
    [
        ("engine_tasks:threaded_preload", "Python thread 'intruder'"),
        ("engine_tasks:native_preload", "1 native threads"),
        ("engine_tasks:zmq_preload", "2 native threads"),
        ("engine_tasks:socket_preload", "1 open sockets"),
        ("engine_tasks:failing_preload", "ValueError: not today"),
        ("no_such_module", "No module named 'no_such_module'"),
        pytest.param(
            "engine_tasks:duckdb_preload", "native threads",
            marks=pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="DuckDB starts one thread per further core"),
        ),
    ],
)  # fmt: skip
def test_what_makes_a_fork_unsafe_is_refused_by_name(preload: str, words: str) -> None:
    with WarmExecutor(1, preload=[preload]) as executor:
        with pytest.raises(ParentDied, match=words) as caught:
            executor.submit(tasks.add, 1).result(60)
        if "unsafe" in str(caught.value):
            assert preload in str(caught.value)
        with pytest.raises(ParentDied):
            executor.submit(tasks.add, 1)


def test_a_parent_that_became_unsafe_refuses_to_fork() -> None:
    with WarmExecutor(1, preload=["engine_tasks"]) as executor:
        assert executor.submit(tasks.add, 1).result(60) == 1
        executor.warm(["engine_tasks:native_preload"])
        with pytest.raises(ParentDied, match="unsafe to fork"):
            executor.submit(tasks.add, 1).result(60)
