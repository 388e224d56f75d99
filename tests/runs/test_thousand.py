"""Many reports in one run: nothing grows, nothing is left, and the last one takes as long as the first."""

from __future__ import annotations

import os
import statistics
import threading
import time
from pathlib import Path

import pytest
from small import write_notebook
from test_runs import files, prepared

from cxkit.runs import runs
from cxkit.runs.jobs import Job
from cxkit.runs.private import private

WARM_UP = 20


def memory(pid: int) -> int:
    """Memory of a process that it does not share, in bytes."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in rollup if line.startswith(("Private_Clean", "Private_Dirty")))


def descriptors(pid: int | str) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def children(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@pytest.mark.parametrize("count", [24, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_reports(tmp_path, count):
    cells = ("import pandas as pd; frame = pd.DataFrame({'a': range(100)})", "frame.describe()", "print(where)")
    notebook = write_notebook(tmp_path / "small.ipynb", *cells, parameters="tallies = ''\nwhere = {}\ntitle = ''")
    given = {"tallies": "/t", "title": "Many"}
    names = [f"r{number:04d}" for number in range(count)]
    jobs = [
        Job(name, "report", name, str(notebook), {**given, "where": {"brand": name}}, {"brand": name}, f"{name}.html")
        for name in names
    ]
    before = (threading.active_count(), descriptors("self"), children(os.getpid()))
    seen: list[tuple[float, int, int]] = []
    with runs.crew(2) as crew:
        crew.submit(pow, 1, 1).result()

        def look(*_: object) -> None:
            seen.append((time.monotonic(), memory(crew.pid), descriptors(crew.pid)))

        manifest = runs.run(prepared(tmp_path / "p", jobs), tmp_path / "shelf", 2, look, crew)
        assert children(crew.pid) == set()
    assert {job["status"] for job in manifest["jobs"]} == {"done"}
    assert (threading.active_count(), descriptors("self"), children(os.getpid())) == before
    assert files(private(tmp_path / "shelf")) == {"account.json"}
    assert len(list((tmp_path / "shelf").iterdir())) == count + len({"index", "csv", "xlsx", "manifest"})
    # A child that runs shares pages with the parent, so single values vary: medians of the first and the last.
    part = min(100, count // 3)
    early, late = seen[WARM_UP : WARM_UP + part], seen[-part:]
    grown = statistics.median(look[1] for look in late) - statistics.median(look[1] for look in early)
    assert grown < 4 << 20
    # While a child starts, the crew holds the ends of its pipes: what stays open is the least that is seen.
    assert min(look[2] for look in late) <= min(look[2] for look in early)
    if count >= 1000:
        seconds = [job["seconds"] for job in manifest["jobs"]]
        assert statistics.median(seconds[-100:]) <= 1.25 * statistics.median(seconds[:100])
