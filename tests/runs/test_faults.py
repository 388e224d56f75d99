"""What a night can do to a run, each fault with a real process: status, words, and the shelf afterwards."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import random
import re
import shlex
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from small import NIGHT, PARAMETERS, write_notebook

import cxkit
from cxkit.runs import history, runs, shelf
from cxkit.runs.private import looking, opened, private
from cxkit.runs.spreadsheet import is_formula

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc what is left")
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "manifest.schema.json").read_text(encoding="utf-8"))
YAML = f"""\
{NIGHT}report: notebooks/report.ipynb
overview: notebooks/small.ipynb
audit: notebooks/small.ipynb
"""
BRANDS = ("Ash", "Birch", "Cedar")
SECRET = "my name is Jane Doe"
COMMAND = [sys.executable, "-m", "cxkit"]


class Project:
    """A project in a folder of its own, whose home and temporary folder are its own, too."""

    def __init__(self, folder: Path, cell: str = "print(where, now)") -> None:
        self.folder, self.out = folder, folder / "www" / "night"
        self.home, self.tmp, self.state = folder / "home", folder / "tmp", folder / "s"
        for made in (self.home, self.tmp, self.state, self.out.parent, folder / "params"):
            made.mkdir(parents=True)
        self.cell(cell)
        write_notebook(folder / "notebooks" / "small.ipynb", "print(now)", parameters=PARAMETERS)
        (folder / "params" / "night.yaml").write_text(YAML, encoding="utf-8")
        self.answers(9)

    def cell(self, *sources: str) -> None:
        write_notebook(self.folder / "notebooks" / "report.ipynb", *sources, parameters=PARAMETERS)

    def answers(self, score: int) -> None:
        rows = [{"date": f"2026-{m}-10", "firm": b, "score": s}
                for m in ("09", "10") for b in BRANDS for s in (score, 3) * 20]  # fmt: skip
        text = pd.DataFrame(rows).to_csv(index=False) + "2026-10-11,Ash,№\n"
        (self.folder / "survey.csv").write_text(text, encoding="utf-16")  # so that a copy of it is made
        mapping = "source: {files: [{path: survey.csv, encoding: utf-16}]}"
        (self.folder / "params" / "night.yaml").write_text(YAML.replace("source: survey.csv", mapping), "utf-8")

    def environment(self, **other: str) -> dict[str, str]:
        ours = {"HOME": str(self.home), "TMPDIR": str(self.tmp), "XDG_STATE_HOME": str(self.state)}
        return {**os.environ, **ours, "PYTHONPATH": str(Path(cxkit.__file__).parents[1]), **other}

    def start(self, *arguments: str, **given: Any) -> subprocess.Popen[str]:
        command = [*COMMAND, "run", "params/night.yaml", "--out", str(self.out), "--workers", "2", *arguments]
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": self.environment()} | given
        return subprocess.Popen(command, cwd=self.folder, text=True, **given)

    def run(self, *arguments: str, **given: Any) -> tuple[int, str, str]:
        process = self.start(*arguments, **given)
        told = process.communicate(timeout=240)
        return process.returncode, *told

    def shell(self, line: str, **other: str) -> subprocess.CompletedProcess[str]:
        """A line of the shell, in which CXKIT is the command."""
        given = [*COMMAND, "run", "params/night.yaml", "--out", str(self.out), "--workers", "2"]
        command = shlex.join(given)
        return subprocess.run(["bash", "-c", line.replace("CXKIT", command)], cwd=self.folder, timeout=240, text=True,
                              env=self.environment(**other), capture_output=True)  # fmt: skip

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.out / "manifest.json").read_text())

    @property
    def work(self) -> Path:
        return private(self.out, self.state / "cxkit")

    def whole(self) -> None:
        """The shelf is what its manifest says, to the last file, and nothing of the run is left anywhere."""
        record = self.manifest
        jsonschema.validate(record, SCHEMA)
        assert "publishing" not in record
        there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.out.iterdir()}
        there.pop("manifest.json")
        assert there == record["files"]
        assert {path.name for path in self.work.iterdir()} - {"failed", "places", "releases"} == {
            "account.json", "prepared.json", "summary.parquet", "tallies.parquet"}  # fmt: skip
        self.nothing_outside()

    def nothing_outside(self) -> None:
        """No file lies outside the shelf and the private folder, and nobody else can read what is private."""
        assert list(self.tmp.iterdir()) == []
        assert [path for path in self.home.rglob("*") if path.is_file() and ".cache" not in path.parts] == []
        assert [path for path in self.state.rglob("*") if path.is_file() and not path.is_relative_to(self.work)] == []
        for path in [self.work, *self.work.rglob("*")] if self.work.exists() else []:
            if path.parts[-2:] == ("startup", "README") or path.is_symlink():  # IPython copies its own with its mode;
                continue  # links have no mode: the folder is shut
            with contextlib.suppress(FileNotFoundError):  # gone while we look
                assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path


def slowly(*cases: Any) -> list[Any]:
    """Cases that cost some seconds each and are run with the slow tests."""
    return [pytest.param(case, marks=pytest.mark.slow) for case in cases]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """With a short name, for the paths of sockets."""
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) == signal.SIG_IGN:  # under nohup and in the background runs would ignore them, too
            signal.signal(number, signal.SIG_DFL)
    with tempfile.TemporaryDirectory(prefix="cxf-", dir="/tmp", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def project(folder: Path) -> Project:
    made = Project(folder / "p")
    status, stdout, stderr = made.run()
    assert (status, stderr) == (0, ""), stdout
    made.whole()
    return made


def family(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        tasks = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
        children = map(int, " ".join(tasks).split())
        return [one for child in children for one in (child, *family(child))]
    return []


def of(project: Project) -> list[int]:
    """Processes that belong to a project, whoever adopted them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"HOME={project.home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def none_left(project: Project, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while left := of(project):
        assert time.monotonic() < end, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
        time.sleep(0.05)


# What a scheduler gives -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["CXKIT --force <&- >&- 2>&-", *slowly(
    "CXKIT --force >&-", "CXKIT --force 2>&-", "CXKIT --force > /dev/full",
    "CXKIT --force | head -1 | grep -q night; exit ${PIPESTATUS[0]}", "PYTHONWARNINGS=error CXKIT --force",
    "ulimit -n 64; CXKIT --force",
)])  # fmt: skip
def test_what_is_closed_full_or_short_ends_no_run(project: Project, line: str) -> None:
    done = project.shell(line)
    assert (done.returncode, done.stderr) == (0, "")
    project.whole()
    none_left(project)


@pytest.mark.slow
def test_a_home_that_cannot_be_written_gets_words_or_another_folder(project: Project) -> None:
    nowhere = {"HOME": "/proc/nowhere", "XDG_STATE_HOME": ""}
    done = project.shell("CXKIT --force", **nowhere)
    assert done.returncode == 2
    assert (
        "private files cannot be kept here: No such file or directory; name another folder with --work" in done.stderr
    )
    done = project.shell(f"CXKIT --force --work {project.state}/cxkit", **nowhere)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    project.whole()


@pytest.mark.slow
def test_limits_that_are_too_low_are_told_in_words(project: Project) -> None:
    before = {path.name: path.read_bytes() for path in project.out.iterdir()}
    done = project.shell("ulimit -f 8; CXKIT --force")  # files of at most 8 kB: tallies do not fit
    words = f"cxkit: {project.work}: cannot be read or written: File too large\n"
    assert (done.returncode, done.stderr) == (2, words)
    assert {path.name: path.read_bytes() for path in project.out.iterdir()} == before
    done = project.shell("ulimit -n 20; CXKIT --force")
    assert (done.returncode, done.stderr) == (2, "cxkit: ulimit -n: expected 64 open files or more, found 20\n")
    for megabytes in (400, 1500):  # the libraries alone take the first; the second does for all but threads
        done = project.shell(f"ulimit -v {megabytes << 10}; CXKIT --force")
        assert "needs more memory" in done.stderr if done.returncode else done.stderr == ""
    assert project.run("--force")[0] == 0
    project.whole()


def test_addresses_are_refused_and_private_files_lie_where_nobody_serves_them(project: Project) -> None:
    done = subprocess.run([*COMMAND, "run", "params/night.yaml", "--out", "s3://bucket/night"], cwd=project.folder,
                          env=project.environment(), capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            "cxkit: --out s3://bucket/night: expected a folder; what is no file system is not supported: "
            "publish, then copy"
        ],
    )
    assert not (project.folder / "s3:").exists()
    for work in (project.out.parent, project.out, project.out / "inside"):
        status, _, stderr = project.run("--work", str(work))
        assert (status, "where the shelf is; name another folder with --work DIR" in stderr) == (2, True)
        assert not (project.out / "inside").exists()


def test_a_later_shelf_stays(project: Project) -> None:
    before = (project.out / "manifest.json").read_bytes()
    status, _, stderr = project.run("--as-of", "2026-11-14")
    assert (status, "is as of 2026-11-15, later than 2026-11-14; --older replaces it" in stderr) == (2, True)
    assert (project.out / "manifest.json").read_bytes() == before
    status, stdout, stderr = project.run("--as-of", "2026-11-14", "--older")
    assert (status, stderr, project.manifest["as_of"]) == (0, "", "2026-11-14"), stdout
    project.whole()


# What stands in the way -----------------------------------------------------------------------------------------------

# As root one may do everything; what the tests are about is what others may.
BARE = "-dac_override,-dac_read_search"
MAY = "" if os.geteuid() else f"setpriv --inh-caps={BARE} --bounding-set={BARE} "
NOT = ": cannot be read or written: "
IN_THE_WAY = {  # what is done before, what the run says, what is done after, how the run is called
    "a page is a folder": (
        "mv OUT/ash.html k; mkdir OUT/ash.html", "OUT/ash.html: a folder, where a file of the run belongs",
        "rmdir OUT/ash.html; mv k OUT/ash.html"),
    "a read-only shelf": ("chmod 555 OUT", f"OUT/.lock{NOT}Permission denied", "chmod 755 OUT"),
    "a manifest that may not be read": (
        "chmod 0 OUT/manifest.json", f"OUT/manifest.json{NOT}Permission denied", "chmod 644 OUT/manifest.json"),
    "a manifest that is a folder": (
        "mv OUT/manifest.json k; mkdir OUT/manifest.json", f"OUT/manifest.json{NOT}Is a directory",
        "rmdir OUT/manifest.json; mv k OUT/manifest.json"),
    "a manifest that is a pipe": (
        "mv OUT/manifest.json k; mkfifo OUT/manifest.json", f"OUT/manifest.json{NOT}expected a file",
        "rm OUT/manifest.json; mv k OUT/manifest.json"),
    "a lock that is a folder": ("mkdir OUT/.lock", f"OUT/.lock{NOT}Is a directory", "rmdir OUT/.lock"),
    "a lock that is a link": ("ln -s /etc/passwd OUT/.lock", f"OUT/.lock{NOT}Too many levels", "rm OUT/.lock"),
    "a read-only private folder": ("chmod 500 WORK", f"WORK/tmp{NOT}Permission denied", "chmod 700 WORK"),
    "a private folder open to others": (
        "chmod 755 WORK", "WORK: private files cannot be kept here: it is a link, another user's, or open to others",
        "chmod 700 WORK"),
    "data that may not be read": ("chmod 0 survey.csv", f"survey.csv{NOT}Permission denied", "chmod 644 survey.csv"),
    "a file for a shelf": ("touch file", "file: expected a folder, found a file", ":", "--out file"),
    "a shelf below a file": ("touch file", f"file/x/manifest.json{NOT}Not a directory", ":", "--out file/x"),
    "a link to none": ("ln -s no link", "link: expected a folder, found a link to none", "rm link", "--out link"),
    "a name that is too long": (":", f"{NOT}File name too long", ":", f"--out {'x' * 300}"),
    "nothing for a name": (":", "--out: expected a folder, found nothing", ":", "--out ''"),
    "a folder of the system": (":", f"/proc/x{NOT}No such file or directory", ":", "--out /proc/x"),
    "a file for the private folder": ("touch file", "files cannot be kept here: Not a directory", ":", "--work file"),
}  # fmt: skip


@pytest.mark.parametrize("fault", [*list(IN_THE_WAY)[:2], *slowly(*list(IN_THE_WAY)[2:])])
def test_what_stands_in_the_way_is_named_before_anything_changes(project: Project, fault: str) -> None:
    before, words, after, *given = IN_THE_WAY[fault]
    places = {"OUT": str(project.out), "WORK": str(project.work)}
    before, words, after = (re.sub("OUT|WORK", lambda m: places[m[0]], text) for text in (before, words, after))
    shelf = {path.name: path.read_bytes() for path in project.out.iterdir()}
    done = project.shell(f"{before}; {MAY}CXKIT --force {' '.join(given)}; status=$?; {after}; exit $status")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.stderr
    assert {path.name: path.read_bytes() for path in project.out.iterdir()} == shelf
    project.nothing_outside()
    none_left(project)


def test_a_pipe_for_a_lock_holds_nobody_up(project: Project) -> None:
    done = project.shell(f"mkfifo {project.out}/.lock; CXKIT")
    assert (done.returncode, done.stderr) == (0, "")
    project.whole()


NO_LINKS = """\
import errno, os
def link(*_, **__):
    raise OSError(errno.EPERM, "Operation not permitted")
os.link = link
"""


@pytest.mark.slow
def test_a_file_system_without_links_gets_copies(project: Project) -> None:
    def pages(folder: Path) -> dict[str, bytes]:
        names = {path.name for path in folder.iterdir()} - {"index.html", "manifest.json", "runs"}
        return {name: (folder / name).read_bytes() for name in names}

    (project.folder / "sitecustomize.py").write_text(NO_LINKS)
    path = os.pathsep.join([str(project.folder), project.environment()["PYTHONPATH"]])
    project.cell("print(where, now)")
    assert project.run()[0] == 0
    before = pages(project.out)
    project.cell("print(where, 'other')")
    status, stdout, stderr = project.run("--keep", "1", env=project.environment(PYTHONPATH=path))
    assert (status, stderr) == (0, ""), stdout
    assert "\n3 of 5 reports" in stdout  # the other two are copied
    (kept,) = history.earlier(project.out)
    assert pages(project.out / "runs" / kept) == before
    assert {found.stat().st_nlink for found in project.out.rglob("*.*") if found.is_file()} == {1}
    runs.shutil.rmtree(project.out / "runs")
    project.cell("print(where, now)")
    status, stdout, stderr = project.run(env=project.environment(PYTHONPATH=path))
    assert (status, stderr) == (0, ""), stdout
    assert pages(project.out) == before
    project.whole()


MANIFESTS = ["[]", "3", "{", "\ud800", "[" * 100_000, '{"jobs": 3}', '{"name": "night", "jobs": [{}]}',
             '{"name": "night", "jobs": [{"name": "a", "file": "../a", "sha256": "x"}]}',
             '{"name": "night", "jobs": [{"name": "a", "file": "a", "sha256": []}]}',
             '{"name": "night", "files": {"..": "x"}}', '{"name": "night", "files": ["a"]}',
             '{"name": "night", "publishing": {"stage": "own", "before": {}}}',
             '{"name": "night", "publishing": {"stage": ".next-/..", "before": {}}}',
             '{"name": "night", "publishing": {"stage": ".next-x", "before": {}, "gone": ["../a"]}}',
             '{"name": "night", "publishing": {"before": {}}}', '{"name": "night", "as_of": 3}']  # fmt: skip


@pytest.mark.parametrize("text", MANIFESTS, ids=range(len(MANIFESTS)))
def test_a_manifest_that_somebody_wrote_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(cxkit.CxError, match=r"manifest\.json: is not a manifest of cxkit: "):
        shelf.claim(tmp_path, "night")
    (tmp_path / "manifest.json").write_text('{"name": "night", "publishing": {"stage": ".next-x", "before": {}}}')
    assert shelf.claim(tmp_path, "night")["files"] == {}


# What other programs do to a shelf ------------------------------------------------------------------------------------


def slow(project: Project) -> subprocess.Popen[str]:
    """A run whose only changed report takes three seconds; it is at work on it now."""
    project.cell("print(where, now)", "import pathlib, time; pathlib.Path('began').write_text(''); time.sleep(3)")
    process = project.start("--only", "brand=Ash")
    end = time.monotonic() + 120
    while not list(project.work.glob("tmp/running/ash/began")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    return process


@pytest.mark.slow
def test_a_page_that_is_overwritten_in_a_run_is_a_failure(project: Project) -> None:
    process = slow(project)
    with (project.out / "data.html").open("w") as file:  # in place; one that was replaced or removed is put back
        file.write("mine")
    (project.out / "overview.html").unlink()
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (1, "")
    jobs = {job["name"]: job for job in project.manifest["jobs"]}
    assert (jobs["data"]["status"], jobs["data"]["file"]) == ("failed", None)
    assert "data failed: its page was changed or removed while the run was at work" in stdout
    assert "data.html" not in project.manifest["files"]
    assert (project.out / "overview.html").exists()
    project.cell("print(where, now)")
    assert project.run("--force")[0] == 0
    project.whole()


@pytest.mark.slow
def test_a_shelf_that_is_removed_in_a_run_is_a_failure(project: Project) -> None:
    process = slow(project)
    project.out.rename(project.folder / "gone")
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    states = {job["name"]: job["status"] for job in project.manifest["jobs"] if job["status"] != "skipped"}
    assert states == {"ash": "done", "overview": "failed", "data": "failed"}
    project.cell("print(where, now)")
    assert project.run()[0] == 0
    project.whole()


@pytest.mark.slow
def test_planted_links_are_not_followed(folder: Path) -> None:
    made = Project(folder / "links")
    assert made.run()[0] == 0
    victim = folder / "victim"
    victim.mkdir()
    (victim / "secret").write_text("secret")
    for name in ("ash.html", "index.html", "summary.csv", ".next-evil"):
        with contextlib.suppress(FileNotFoundError):
            (made.out / name).unlink()
        (made.out / name).symlink_to(victim / "secret")
    (made.out / ".next-folder").symlink_to(victim)
    (made.work / "tmp").symlink_to(victim)
    status, stdout, stderr = made.run("--keep", "2", "--force")
    assert (status, stderr) == (0, ""), stdout
    (kept,) = history.earlier(made.out)
    assert not (made.out / "runs" / kept / "ash.html").exists()
    assert [path for path in made.out.rglob("*") if path.is_symlink()] == []
    assert [path.read_text() for path in victim.iterdir()] == ["secret"]
    for name in ("manifest.json", "runs"):
        (made.out / name).rename(folder / f"real-{name}")
        (made.out / name).symlink_to(folder / f"real-{name}")
        status, _, stderr = made.run("--keep", "2")
        assert (status, str(made.out / name) in stderr) == (2, True)
        (made.out / name).unlink()
        (folder / f"real-{name}").rename(made.out / name)
    (made.work / "failed").symlink_to(victim)
    for name in ("tallies.parquet", "summary.parquet", "prepared.json"):
        (made.work / name).unlink()
        (made.work / name).symlink_to(victim / "secret")
    for name in ("next.parquet", "secret"):
        (made.work / "releases" / name).unlink()
        (made.work / "releases" / name).symlink_to(victim / "secret")
    made.answers(11)
    status, stdout, stderr = made.run()
    assert (status, stderr) == (0, ""), stdout
    assert [path.read_text() for path in victim.iterdir()] == ["secret"]
    for path in (made.work / "releases").iterdir():  # damaged records are none
        path.write_bytes(b"x")
    made.answers(12)
    status, stdout, stderr = made.run("--keep", "2")
    assert (status, stderr) == (0, ""), stdout
    (made.work).rename(folder / "work")
    made.work.symlink_to(folder / "work")
    status, _, stderr = made.run()
    assert (status, "it is a link, another user's, or open to others" in stderr) == (2, True)


def test_the_kits_own_root_is_closed_whatever_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of shelves stand in it; a folder that somebody names with --work is left as it is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    root, named = folder / "state" / "cxkit", folder / "named"
    for one in (root, named):
        one.mkdir(parents=True)
        one.chmod(0o755)
    with opened(folder / "www" / "shelf"), looking(), opened(folder / "www" / "other", named):
        assert [one.stat().st_mode & 0o777 for one in (root, named)] == [0o700, 0o755]


def test_who_looks_without_a_state_folder_leaves_nothing_that_others_can_read(folder, monkeypatch) -> None:
    """The system's own place has to do: in a folder of one's own, which the next look sweeps."""
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    (tmp := folder / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp))
    monkeypatch.setattr("cxkit.runs.private.remove", lambda _: None)  # as after kill -9
    with looking():
        Path(tempfile.mkstemp()[1]).chmod(0o600)
        (Path(tempfile.gettempdir()) / "spilled").write_text("an answer")
    monkeypatch.undo()
    (root,) = tmp.iterdir()
    assert {path.stat().st_mode & 0o077 for path in (root, *root.rglob("[!.]*"))} == {0}
    assert list(root.rglob("spilled"))
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp))
    with looking():
        assert not list(root.rglob("spilled"))
    assert list(root.iterdir()) == []
    root.chmod(0o755)  # as somebody else might have made it
    monkeypatch.setattr("tempfile.tempdir", str(tmp))
    with pytest.raises(cxkit.CxError, match="private files cannot be kept here"), looking():
        pass


# What notebooks say ---------------------------------------------------------------------------------------------------


def test_what_a_failing_cell_says_stays_private(folder: Path) -> None:
    made = Project(folder / "said")
    fails = f"if where['brand'] == 'Ash':\n    raise ValueError('{SECRET} 2')"
    made.cell(f"import sys; print('{SECRET} 1', file=sys.stderr)", fails)
    status, stdout, stderr = made.run()
    assert status == 1
    assert f"birch wrote to stderr: {SECRET} 1" in stdout
    assert f"ash failed: In [4] ValueError: {SECRET} 2" in stdout
    assert f"    raise ValueError('{SECRET} 2')" in stdout
    assert stderr == ""
    public = b"".join(path.read_bytes() for path in made.out.rglob("*") if path.is_file())
    assert SECRET.encode() not in public
    assert b"failed in cell 4: ValueError" in public
    assert SECRET in (made.work / "account.json").read_text()
    assert f"{SECRET} 1" in (made.work / "failed" / "ash.ipynb").read_text()
    made.whole()


@pytest.mark.parametrize("engine", slowly("warm", "kernel"))
def test_exit_blames_the_cell_that_it_stands_in(folder: Path, engine: str) -> None:
    made = Project(folder / f"exit-{engine}")
    made.cell("1", "if where.get('brand') == 'Ash': exit()", "print('after')")
    assert made.run("--engine", engine)[0] == 1
    job = next(job for job in made.manifest["jobs"] if job["name"] == "ash")
    assert (job["error"], job["cell"]) == ("failed in cell 4: SystemExit", 4)
    assert "exit()" in json.loads((made.work / "account.json").read_text())["ash"]["cell"]


@pytest.mark.slow
def test_no_spreadsheet_finds_a_formula_in_a_summary(folder: Path) -> None:
    made = Project(folder / "cells")
    text = (made.folder / "survey.csv").read_text("utf-16").replace("Cedar", "c;=1+1").replace("Birch", "b; the best")
    (made.folder / "survey.csv").write_text(text, "utf-16")
    status, stdout, stderr = made.run()
    assert (status, stderr) == (0, ""), stdout
    text = (made.out / "summary.csv").read_text(encoding="utf-8")
    cells = [cell for mark in ",;\t" for row in csv.reader(text.splitlines(), delimiter=mark) for cell in row]
    assert [cell for cell in cells if is_formula(cell) and not re.match(r"-[\d.]+(,|$)", cell)] == []
    assert "c;'=1+1" in text
    assert "b; the best" in text


# Signals and deaths ---------------------------------------------------------------------------------------------------


def warm_parent(process: subprocess.Popen[str]) -> int:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for pid in family(process.pid):
            with contextlib.suppress(OSError):
                if b"cxkit.warm.parent" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        time.sleep(0.005)
    raise AssertionError(process.communicate())


@pytest.mark.slow
def test_a_warm_parent_that_dies_before_it_is_ready_is_started_once_again(project: Project) -> None:
    process = project.start("--force")
    os.kill(warm_parent(process), signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=240)
    assert (process.returncode, stderr) == (0, ""), stdout
    project.whole()
    none_left(project)


@pytest.mark.slow
def test_a_report_that_is_lost_with_the_warm_parent_is_tried_again(project: Project) -> None:
    process = slow(project)
    os.kill(warm_parent(process), signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=240)
    assert (process.returncode, stderr) == (0, ""), stdout
    job = next(job for job in project.manifest["jobs"] if job["name"] == "ash")
    assert (job["status"], job["attempts"], job["error"]) == ("done", 2, None)
    project.cell("print(where, now)")
    assert project.run()[0] == 0
    project.whole()
    none_left(project)


def reader(process: subprocess.Popen[str], *known: int) -> int:
    """The child of a warm parent that reads the data: no report is at work yet."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for parent in family(process.pid):
            with contextlib.suppress(OSError):
                if b"cxkit.warm.parent" in Path(f"/proc/{parent}/cmdline").read_bytes():
                    for pid in set(family(parent)) - set(known):
                        return pid
        time.sleep(0.005)
    raise AssertionError(process.communicate())


@pytest.mark.parametrize("times", [1, *slowly(2)])
def test_reading_that_is_killed_is_tried_again_once(project: Project, times: int) -> None:
    before = {path.name: path.read_bytes() for path in project.out.iterdir()}
    process, killed = project.start("--force"), []
    for _ in range(times):
        killed.append(reader(process, *killed))
        os.kill(killed[-1], signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=240)
    if times == 1:
        assert (process.returncode, stderr) == (0, ""), stdout
    else:
        words = "cxkit: reading and counting the data ended with its process: the process of this task was killed by"
        hint = "raise --timeout, --memory or `memory`, or look what the files hold"
        words += f" signal 9 (SIGKILL) (600 s, 4,096 MB of memory); {hint}\n"
        assert (process.returncode, stderr) == (2, words)
        assert {path.name: path.read_bytes() for path in project.out.iterdir()} == before
    project.whole()
    none_left(project)


@pytest.mark.slow
def test_the_warm_parent_dies_with_the_run_even_while_it_imports(project: Project) -> None:
    process = project.start("--force")
    parent = warm_parent(process)
    process.kill()
    process.communicate()
    end = time.monotonic() + 2
    while Path(f"/proc/{parent}").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert project.run()[0] == 0
    project.whole()


@pytest.mark.parametrize("number", [signal.SIGTERM, *slowly(signal.SIGHUP, signal.SIGINT)])
def test_a_signal_while_the_data_are_read_changes_nothing(project: Project, number: signal.Signals) -> None:
    before = {path.name: path.read_bytes() for path in project.out.iterdir()}
    process = project.start("--force")
    warm_parent(process)
    time.sleep(0.5)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (1, f"cxkit: stopped by {number.name}\n"), stdout
    assert {path.name: path.read_bytes() for path in project.out.iterdir()} == before
    project.whole()
    none_left(project)


DEAF = """\
import time
from cxkit import __main__, cli

class Deaf:
    def __del__(self):  # what is raised in it is dropped
        print("deaf", flush=True)
        time.sleep(1)

def work(**_):
    Deaf()
    time.sleep(60)

cli.app = work
__main__.main()
"""


def test_a_signal_counts_also_where_what_it_raises_is_dropped() -> None:
    process = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "deaf\n"
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (1, "cxkit: stopped by SIGTERM\n")


def test_ctrl_c_is_heard_before_anything_of_weight_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import time; print('loading', flush=True); time.sleep(60)")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(cxkit.__file__).parents[1]}"}
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (1, "cxkit: stopped by SIGINT\n")


@pytest.mark.parametrize("moments", slowly(4, 30))
def test_kills_at_random_moments_leave_whole_files_of_either_run(folder: Path, moments: int) -> None:
    """Also SIGTERM and SIGHUP: every file is whole, its hash is in the manifest, nothing private lies about."""
    made, chance = Project(folder / f"kills{moments}"), random.Random(12)
    began = time.monotonic()
    assert made.run()[0] == 0
    length = time.monotonic() - began
    for moment in range(moments):
        made.answers(chance.randrange(11))
        process = made.start()
        number = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)[moment % 4]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, length))
        process.send_signal(number)
        process.communicate(timeout=120)
        none_left(made)
        made.nothing_outside()
        known = made.manifest["files"].items() | made.manifest.get("publishing", {}).get("before", {}).items()
        known |= {("index.html", made.manifest.get("publishing", {}).get("notice"))}
        there = {(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in made.out.glob("[!.]*")}
        assert {one for one in there if one[0] != "manifest.json"} <= known, moment
        status, stdout, stderr = made.run()
        assert (status, stderr) == (0, ""), stdout
        made.whole()


PUBLISH = """\
import os, signal, sys
from pathlib import Path
from cxkit.runs import files, publishing
left, real, out = int(sys.argv[1]), os.replace, Path(sys.argv[2])
def replace(source, target):
    global left
    if Path(target).parent == out:  # of the shelf itself
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
os.replace = replace
sys.argv = ["cxkit", *sys.argv[3:]]
from cxkit.__main__ import main
main()
"""


def killed_while_it_publishes(made: Project, step: int) -> subprocess.CompletedProcess[str]:
    """A run that kill -9 ends before it puts one more file into the shelf than so many."""
    given = ["run", "params/night.yaml", "--out", str(made.out)]
    command = [sys.executable, "-c", PUBLISH, str(step), str(made.out), *given]
    return subprocess.run(command, cwd=made.folder, env=made.environment(), capture_output=True, text=True)


@pytest.mark.parametrize("step", [4, *slowly(None)])
def test_a_kill_at_each_step_of_publishing_is_finished_by_the_next_run(project: Project, step: int | None) -> None:
    made = project
    for at in range(12) if step is None else [step]:
        made.answers(at % 9 + 1)
        made.cell(f"print(where, {at})")
        done = killed_while_it_publishes(made, at)
        # ten steps: the manifest, the index that says so, five pages, two summaries, the index; then the manifest
        assert done.returncode == (-9 if at <= 10 else 0), done.stderr
        half = "publishing" in made.manifest
        assert half == (0 < at <= 10)
        if half:
            check = subprocess.run([*COMMAND, "check", "params/night.yaml", "--out", str(made.out)], cwd=made.folder,
                                   env=made.environment(), capture_output=True, text=True)  # fmt: skip
            assert "a run was broken off while it published" in check.stdout
            jsonschema.validate(made.manifest, SCHEMA)
        said = "This folder is being brought up to date" in (made.out / "index.html").read_text()
        assert said == (1 < at < 10)
        status, stdout, _ = made.run()
        assert status == 0
        assert (
            "broken off while it published, so that pages may be of two runs; that is finished now" in stdout
        ) == half
        assert "\n0 of 5 reports" in stdout or not half  # nothing is made twice
        made.whole()


@pytest.mark.parametrize("file", slowly("cedar.html", "ash.html", "summary.csv"))
def test_what_is_damaged_on_the_stage_is_not_published(project: Project, file: str) -> None:
    """The stage has the only `cedar.html`; `ash.html` is in place already, `summary.csv` is as it was."""
    project.cell(f"print(where, 'damaged', {file!r})")
    assert killed_while_it_publishes(project, 3).returncode == -9
    (stage,) = project.out.glob(".next-*")
    assert (stage / file).exists() == (file != "ash.html")
    (stage / file).write_bytes(b"<p>half a")
    status, stdout, stderr = project.run()
    assert (status, stderr) == (0, ""), stdout
    words = "1 files are made again" if file == "cedar.html" else "that is finished now"
    assert f"a run was broken off while it published, so that pages may be of two runs; {words}" in stdout
    project.whole()


@pytest.mark.slow
def test_a_finished_page_that_is_damaged_is_not_taken_over(project: Project) -> None:
    project.cell("print(where, 'taken')", "while where['brand'] == 'Cedar': pass")
    process, end = project.start(), time.monotonic() + 60
    while len(pages := [*project.out.glob(".next-*/*-ash.html"), *project.out.glob(".next-*/*-birch.html")]) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    process.kill()
    process.communicate()
    pages[0].write_bytes(b"<p>half a")
    project.cell("print(where, 'taken')", "while where['brand'] == 'Cedar': pass")
    status, stdout, _ = project.run("--timeout", "15")
    jobs = {job["name"]: job for job in project.manifest["jobs"]}
    assert (status, jobs["ash"]["status"], jobs["birch"]["status"]) == (1, "done", "done"), stdout
    assert (jobs["ash"]["seconds"] > 0, jobs["birch"]["seconds"]) == (True, 0)  # made again, taken over
    project.cell("print(where, now)")
    assert project.run()[0] == 0
    project.whole()


@pytest.mark.slow
def test_what_cannot_be_finished_is_made_again(folder: Path) -> None:
    made = Project(folder / "lost")
    assert made.run()[0] == 0
    made.cell("print(where, 'new')")
    killed_while_it_publishes(made, 3)
    for stage in made.out.glob(".next-*"):
        runs.shutil.rmtree(stage)
    status, stdout, _ = made.run()
    assert status == 0
    assert re.search(r"may be of two runs; \d files are made again", stdout)
    made.whole()
