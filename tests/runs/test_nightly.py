"""The night job as a scheduler calls it, with real processes: what goes wrong costs the report that it happened in."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small import NIGHT, PARAMETERS, write_notebook

import cxkit
from cxkit.runs.private import private

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the warm engine needs Linux")

FAULT = """\
import json, pathlib
todo = json.loads(pathlib.Path("FAULTS").read_text()).get(where.get("brand"), "pass")
exec(todo)
print(where, now)"""
BRANDS = ("Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple")
CRIMES = {
    "Ash": "while True: pass",
    "Birch": "hog = [bytearray(50 << 20) for _ in range(100)]",
    "Cedar": "import os; os._exit(3)",
    "Elm": "import os; os.kill(os.getpid(), 9)",
    "Fir": "display({'text/plain': object()}, raw=True)",
    "Hazel": "import threading, time; threading.Thread(target=time.sleep, args=(1000,)).start()",
    "Larch": "import subprocess, pathlib; p = subprocess.Popen(['sleep', '1000'], start_new_session=True); "
    "pathlib.Path('PIDS').write_text(str(p.pid))",
}
COMMAND = [sys.executable, "-m", "cxkit", "run", "params/night.yaml"]


class Night:
    """A project, its shelf, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "reports" / "night"
        self.faults, self.pids = folder / "faults.json", folder / "pids"
        self.commit({})
        write_notebook(folder / "notebooks" / "report.ipynb", FAULT.replace("FAULTS", str(self.faults)))
        write_notebook(folder / "notebooks" / "overview.ipynb", "print(where)", parameters=PARAMETERS)
        (folder / "params").mkdir()
        (folder / "params" / "night.yaml").write_text(NIGHT, encoding="utf-8")
        rows = [
            {"date": f"2026-{m}-10", "firm": b, "score": s} for m in ("09", "10") for b in BRANDS for s in (9, 3) * 20
        ]
        pd.DataFrame(rows).to_csv(folder / "survey.csv", index=False)

    def commit(self, crimes: dict[str, str]) -> None:
        self.faults.write_text(json.dumps(crimes).replace("PIDS", str(self.pids)))

    def start(self, *arguments: str, out: Path | None = None) -> subprocess.Popen[str]:
        command = [*COMMAND, "--workers", "2", "--out", str(out or self.out), *arguments]
        path = str(Path(cxkit.__file__).parents[1])
        given: dict[str, Any] = {"cwd": self.folder, "env": {**os.environ, "PYTHONPATH": path}, "text": True}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **given)

    def run(self, *arguments: str, out: Path | None = None) -> tuple[int, str, str]:
        process = self.start(*arguments, out=out)
        stdout, stderr = process.communicate(timeout=240)
        return process.returncode, stdout, stderr

    def pages(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.out.glob("*.html") if path.name != "index.html"}

    def jobs(self, out: Path | None = None) -> dict[str, dict[str, Any]]:
        manifest = json.loads(((out or self.out) / "manifest.json").read_text())
        return {job["title"]: job for job in manifest["jobs"]}

    def wait_for(self, there: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
        """What appears while the command runs."""
        end = time.monotonic() + 120
        while time.monotonic() < end and process.poll() is None:
            if found := there():
                return found
            time.sleep(0.02)
        raise AssertionError(process.communicate())


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> Night:
    made = Night(tmp_path_factory.mktemp("nightly"))
    status, stdout, stderr = made.run()
    assert status == 0, stdout + stderr
    assert stderr == ""
    return made


@pytest.fixture(autouse=True)
def next_run_completes(night: Night):
    """After each test the shelf is whole again with one plain run, page for page as it was."""
    pages = night.pages()
    yield
    night.commit({})
    status, stdout, stderr = night.run()
    assert status == 0, stdout + stderr
    assert night.pages() == pages
    work = {path.name for path in private(night.out).iterdir()}
    known = {"account.json", "places", "prepared.json", "releases", "summary.parquet", "tallies.parquet"}
    assert work - {"failed"} == known


def descendants(pid: int) -> list[int]:
    tasks = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]  # each thread has its own
    return [one for child in map(int, " ".join(tasks).split()) for one in (child, *descendants(child))]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_every_crime_costs_its_own_report_only(night):
    night.commit(CRIMES)
    before = night.pages()
    status, stdout, stderr = night.run("--timeout", "4", "--memory", "600", "--log", "json")
    assert (status, stderr) == (1, "")
    jobs = night.jobs()
    told = {line["name"]: line for line in map(json.loads, stdout.splitlines()) if "name" in line}
    assert told.keys() == {job["name"] for job in jobs.values()}
    assert {name: line["status"] for name, line in told.items()} == {j["name"]: j["status"] for j in jobs.values()}
    errors = {title: job["error"] for title, job in jobs.items() if job["status"] == "failed"}
    assert re.sub(r"(?<=4)\.\d", "", errors.pop("Ash")) == "failed in cell 3: its process timed out after 4 s"
    assert errors == {
        "Birch": "failed in cell 3: MemoryError",
        "Cedar": "failed in cell 3: its process ended with exit status 3 before it had a result",
        "Elm": "failed in cell 3: its process was killed by signal 9 (SIGKILL)",
        "Fir": errors["Fir"],
    }
    assert re.fullmatch(r"failed in cell 3: \w+", errors["Fir"])
    assert {jobs[title]["cell"] for title in errors} == {3}
    account = json.loads((private(night.out) / "account.json").read_text())
    assert "exec(todo)" in account["elm"]["cell"]
    assert "(at cell 3)" in told["elm"]["error"]
    assert {title for title, job in jobs.items() if job["attempts"] == 2} == {"Ash", "Elm"}  # what might have passed
    assert jobs["Larch"]["left"] == 1
    assert not alive(int(night.pids.read_text()))
    assert night.pages() == before  # of those that failed the page of the run before is there
    assert all(job["why"].endswith("the page as of 2026-11-15 is kept") for job in jobs.values() if job["error"])


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_ends_the_run_with_what_is_finished_published(night, number):
    night.commit(dict.fromkeys(BRANDS[2:], "import time; time.sleep(60)"))
    (night.out / "ash.html").unlink()
    process = night.start()
    night.wait_for(lambda: list(night.out.glob(".next-*/*-ash.html")), process)
    family = descendants(process.pid)
    began = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (1, "")
    assert time.monotonic() - began < 15
    assert not any(map(alive, family))
    jobs = night.jobs()
    assert jobs["Ash"]["status"] == "done"
    words = f"the run was stopped by {number.name}"
    assert {job["error"] for title, job in jobs.items() if title in BRANDS[2:]} == {f"failed: {words}"}
    assert words in (night.out / "index.html").read_text()
    assert "failed" in stdout


@pytest.mark.slow
def test_kill_9_of_the_runner_leaves_the_shelf_and_no_process(night):
    night.commit(dict.fromkeys(BRANDS[2:], "import time; time.sleep(60)"))
    manifest = (night.out / "manifest.json").read_bytes()
    (night.out / "ash.html").unlink()
    process = night.start()
    night.wait_for(lambda: list(night.out.glob(".next-*/*-ash.html")), process)
    family = descendants(process.pid)
    process.kill()
    process.communicate()
    end = time.monotonic() + 20
    while any(map(alive, family)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(alive, family))
    assert (night.out / "manifest.json").read_bytes() == manifest
    for title, job in night.jobs().items():
        if title != "Ash":
            assert (night.out / job["file"]).exists()


@pytest.mark.slow
def test_kill_9_of_the_warm_parent_costs_nothing_that_a_second_attempt_can_make_good(night):
    night.commit({"Ash": "import pathlib, time; pathlib.Path('PIDS.now').write_text(''); time.sleep(1)"})
    process = night.start()
    running = night.pids.with_name("pids.now")
    night.wait_for(running.exists, process)
    parents = [pid for pid in descendants(process.pid) if b"warm.parent" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(parents[0], signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=120)
    running.unlink()
    assert process.returncode == 0, stdout + stderr
    assert night.jobs()["Ash"]["attempts"] == 2


@pytest.mark.slow
def test_two_runs_at_once(night):
    night.commit({"Ash": "import pathlib, time; pathlib.Path('PIDS.now').write_text(''); time.sleep(3)"})
    process = night.start()
    running = night.pids.with_name("pids.now")
    night.wait_for(running.exists, process)
    status, _, stderr = night.run()
    assert status == 2
    assert "another run is at work on this folder" in stderr
    process.communicate()
    running.unlink()
    assert process.returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB, where this user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "cxkit-test", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_and_a_disk_that_cannot_be_written(night, small_disk):
    out = small_disk / "shelf"
    status, stdout, stderr = night.run(out=out)
    assert status == 0, stdout + stderr
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    status, stdout, stderr = night.run("--force", out=out)
    assert status in (1, 2)
    assert "No space left on device" in stdout + stderr
    for name in before:
        if name.endswith(".html") and name != "index.html":
            assert (out / name).read_bytes() == before[name]
    assert all(job["sha256"] for job in night.jobs(out).values())
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    status, _, stderr = night.run(out=out)
    assert status == 2
    assert "Read-only file system" in stderr
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert night.run(out=out)[0] == 0
    assert set(night.jobs(out)) == {*BRANDS, "Overview", "Data"}
