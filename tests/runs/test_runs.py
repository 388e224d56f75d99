"""Jobs become pages or honest failures, and nothing half-written lies on the shelf."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import tempfile
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from small import write_notebook

from cxkit.errors import CxError
from cxkit.metrics import METRICS
from cxkit.runs import files as whole
from cxkit.runs import runs, shelf
from cxkit.runs.jobs import Job, Prepared, Result
from cxkit.runs.private import private

CELLS = {
    "good": ("x = {'b', 'a', 'c'}", "print(title, where, list(x))", "import warnings; warnings.warn('noisy')"),
    "raises": ("1 + 1", "# why\nvalue = 1 / 0", "2"),
    "exits": ("import sys; sys.exit(0)", "2"),
    "quits": ("1", "exit()", "2"),
    "killed": ("import os, signal", "os.kill(os.getpid(), signal.SIGKILL)", "3"),
    "script": ("from IPython.display import HTML; HTML('<script>1</script>')",),
}


def job(folder: Path, name: str, *cells: str, title: str = "") -> Job:
    notebook = write_notebook(
        folder / "notebooks" / f"{name}.ipynb", *cells, parameters="tallies = ''\nwhere = {}\ntitle = ''"
    )
    where = {"brand": title or name}
    given = {"tallies": "/t", "where": where, "title": f"{title or name} · Demo"}
    return Job(name, "report", title or name, str(notebook), given, where, f"{name}.html")


def prepared(folder: Path, jobs: list[Job], **other: object) -> Prepared:
    folder.mkdir(parents=True, exist_ok=True)
    score = {
        "n": 30,
        "n_eff": 30.0,
        "value": -5.5,
        "low": -9.0,
        "high": 3.0,
        "level": 0.95,
        "method": "score",
        "note": "",
    }
    place = {"part": "estimate", "metric": "nps", "period": "2026-10"}
    rows = [{"report": job.name, **place, "brand": job.title, **score} for job in jobs]
    summary = folder / "summary.parquet"
    pd.DataFrame(rows).to_parquet(summary, index=False)
    release = folder / "release.parquet"  # of no cells: nothing comes out beside any other run
    columns = ["item", "period", "cut", "answer", "n", "w", "mark", "people", "hidden", "out", "beside"]
    pd.DataFrame(columns=columns).to_parquet(release, index=False)
    plain = Prepared(
        "demo", "Demo", "2026-11-15", "month", "2026-10", "2026-09", [METRICS["nps"].to_dict()], jobs, [], "t.parquet",
        str(summary),
        [{"path": "a.csv", "sha256": "0", "rows": 3}], [{"item": "nps", "reason": "empty", "n": 1}], {},
        release=str(release),
    )  # fmt: skip
    return replace(plain, **other)  # type: ignore[arg-type]


def entries(out: Path) -> dict[str, dict[str, object]]:
    return {entry["name"]: entry for entry in json.loads((out / "manifest.json").read_text())["jobs"]}


def files(out: Path) -> set[str]:
    """What lies in a shelf, or in a private folder beside the records of releases."""
    return {name for path in out.rglob("*") if not (name := str(path.relative_to(out))).startswith("releases")}


# One job --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["warm", "kernel"])
def engine(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def results(engine, tmp_path_factory) -> dict[str, Result]:
    """What becomes of these notebooks on a crew of this machine."""
    folder = tmp_path_factory.mktemp("one {run}")
    jobs = [job(folder, name, *cells) for name, cells in CELLS.items()]
    with runs.crew(2, engine, 60) as crew:
        futures = [crew.submit(runs.run_job, made, str(folder / made.name), engine) for made in jobs]
        return {made.name: runs.outcome(made, future, 1) for made, future in zip(jobs, futures, strict=True)}


def test_a_whole_notebook_becomes_a_page(results):
    done = results["good"]
    page = Path(done.page).read_bytes()
    assert (done.status, done.error, done.cell) == ("done", None, None)
    assert done.sha256 == hashlib.sha256(page).hexdigest()
    assert b"<title>good \xc2\xb7 Demo</title>" in page
    assert b"brand" in page
    assert b'lang="en"' in page


def test_what_cells_write_to_stderr_is_for_the_operator(results):
    assert "noisy" not in Path(results["good"].page).read_text()
    assert any("noisy" in line for line in results["good"].warnings)


@pytest.mark.parametrize(
    ("name", "error", "cell"),
    [
        ("raises", "In [4] ZeroDivisionError: division by zero", "# why\nvalue = 1 / 0"),
        ("exits", "In [3] SystemExit: 0 ended the notebook", "import sys; sys.exit(0)"),
        ("quits", "In [4] SystemExit: 0 ended the notebook", "exit()"),
        ("killed", ("the process of this task was killed by signal 9", "the kernel died: "), CELLS["killed"][1]),
        ("script", "ValueError: cell 3 prints a <script>", None),
    ],
)
def test_a_notebook_that_did_not_come_to_its_end_is_a_failure(results, engine, name, error, cell):
    failed = results[name]
    assert failed.status == "failed"
    assert failed.page is None
    assert failed.error.startswith(error)
    assert failed.cell == cell
    assert failed.passing == (name == "killed")
    if (name, engine) != ("killed", "warm"):
        assert Path(failed.notebook).exists()


def test_equal_jobs_give_equal_bytes_in_any_process_and_engine(results, tmp_path):
    again = runs.run_job(job(tmp_path, "good", *CELLS["good"]), str(tmp_path / "elsewhere" / "good"), "kernel")
    assert again.sha256 == results["good"].sha256


def test_no_socket_and_no_environment_is_left(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    before = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    made = job(tmp_path, "env", "import os; assert os.environ['PYTHONHASHSEED'] == '0'; print(os.getcwd())")
    assert runs.run_job(made, str(tmp_path / "r"), "kernel").status == "done"
    assert before == {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    assert files(tmp_path / "tmp") == set()
    assert str(tmp_path / "r") in (tmp_path / "r" / "env.html").read_text()


HOSTILE = [
    "a/b",
    "{now}",
    "{{x}}",
    "..",
    "🦊",
    '\'"\\""',
    "\\",
    "a\nb\t\x00",
    "$(x) %s %(y)s",
    "</script>",
    "# x",
    "é\u202e\ufeff",
]


def test_any_value_reaches_the_notebook_as_it_is(tmp_path):
    made = job(tmp_path, "hostile", "import json; print(json.dumps(where))")
    made = replace(made, parameters={**made.parameters, "where": dict.fromkeys(HOSTILE, HOSTILE)})
    result = runs.run_job(made, str(tmp_path / "r"), "kernel")
    cells = json.loads(Path(result.notebook).read_text())["cells"]
    assert json.loads("".join(cells[-1]["outputs"][0]["text"])) == dict.fromkeys(HOSTILE, HOSTILE)


def test_a_notebook_that_is_gone_is_a_failed_report_and_not_a_crash(tmp_path):
    made = job(tmp_path, "gone", "1")
    Path(made.notebook).unlink()
    result = runs.run_job(made, str(tmp_path / "gone"), "kernel")
    assert (result.status, result.notebook) == ("failed", None)
    assert "FileNotFoundError" in result.error


# All jobs -------------------------------------------------------------------------------------------------------------


def test_one_failed_report_does_not_stop_the_others(tmp_path):
    out, told = tmp_path / "shelf", []
    jobs = [job(tmp_path, name, *CELLS[name]) for name in ("raises", "good")]
    jobs.append(job(tmp_path, "hostile", "print(where['brand'])", title='<script>alert(1)</script> & Söhne "AG"'))
    skipped = [{"name": "blank", "title": "(blank)", "where": {"brand": "(blank)"}, "why": "blank in the data"}]
    manifest = runs.run(
        prepared(tmp_path / "p", jobs, skipped=skipped), out, 2, lambda result, done, all_: told.append((done, all_))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert files(out) == {"good.html", "hostile.html", "index.html", "summary.csv", "summary.xlsx", "manifest.json"}
    assert json.loads((out / "manifest.json").read_text()) == manifest
    found = entries(out)
    assert [found[name]["status"] for name in ("raises", "good", "hostile", "blank")] == [
        "failed",
        "done",
        "done",
        "skipped",
    ]
    for name in ("good", "hostile"):
        assert found[name]["sha256"] == hashlib.sha256((out / f"{name}.html").read_bytes()).hexdigest()
        assert found[name]["seconds"] > 0
    assert (found["raises"]["file"], found["raises"]["sha256"]) == (None, None)
    assert (found["raises"]["error"], found["raises"]["cell"]) == ("failed in cell 4: ZeroDivisionError", 4)
    work = private(out)
    assert files(work) == {"failed", "failed/raises.ipynb", "account.json"}
    account = json.loads((work / "account.json").read_text())
    assert account["raises"]["error"] == "In [4] ZeroDivisionError: division by zero"
    assert account["raises"]["cell"] == "# why\nvalue = 1 / 0"
    assert "noisy" in "".join(account["good"]["warnings"])
    assert found["good"]["warnings"] == len(account["good"]["warnings"])
    for page in out.glob("*.html"):
        text = page.read_text()
        assert "Traceback" not in text
        assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Söhne" in (out / "hostile.html").read_text()
    assert manifest["packages"].keys() >= {"python", "cxkit", "pandas", "papermill", "nbconvert"}
    assert manifest["data"] == [{"path": "a.csv", "sha256": "0", "rows": 3}]
    assert manifest["refused"] == [{"item": "nps", "reason": "empty", "n": 1}]


class Inline:
    """An executor that carries jobs at once, in this process, the way a cluster's would elsewhere."""

    def __init__(self, *outcomes: object) -> None:
        self.outcomes = list(outcomes)

    def submit(self, function, job, folder, engine):
        future: Future[Result] = Future()
        outcome = self.outcomes.pop(0) if self.outcomes else "page"
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(made(job, folder, str(outcome)))
        return future


def made(job: Job, folder: str, text: str) -> Result:
    """What `run_job` would return, for a page with this text; `failed` fails."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{job.name}.ipynb").write_text("{}")
    if text == "failed":
        return Result(
            job.name, "failed", 0.1, notebook=str(place / f"{job.name}.ipynb"), error="In [3] KeyError: 'x'", cell="x",
            kind="KeyError", at=3,
        )  # fmt: skip
    (place / job.file).write_text(text)
    return Result(job.name, "done", 0.1, page=str(place / job.file), sha256=hashlib.sha256(text.encode()).hexdigest())


@pytest.fixture
def shelved(tmp_path):
    """Run jobs of these names with an executor that gives these outcomes, on one shelf."""

    def run(names: str, *outcomes: object, **other: object):
        jobs = [job(tmp_path, name, "1") for name in names.split()]
        return runs.run(prepared(tmp_path / "p", jobs, **other), tmp_path / "shelf", 1, executor=Inline(*outcomes))

    run.out = tmp_path / "shelf"  # type: ignore[attr-defined]
    return run


def test_the_page_of_an_earlier_run_stays_where_a_report_fails(shelved):
    shelved("a b", "old a", "old b")
    shelved("a b", "failed", "new b", as_of="2026-12-15")
    assert (shelved.out / "a.html").read_text() == "old a"
    assert (shelved.out / "b.html").read_text() == "new b"
    entry = entries(shelved.out)["a"]
    assert (entry["status"], entry["file"], entry["as_of"]) == ("failed", "a.html", "2026-11-15")
    assert entry["why"] == "failed in cell 3: KeyError; the page as of 2026-11-15 is kept"
    assert entry["sha256"] == hashlib.sha256(b"old a").hexdigest()
    shelved("a b", "failed", "newer b", as_of="2027-01-15")
    assert entries(shelved.out)["a"]["why"].endswith("the page as of 2026-11-15 is kept")
    assert files(private(shelved.out)) == {"failed", "failed/a.ipynb", "account.json"}
    shelved("a b", as_of="2027-01-15")
    assert files(private(shelved.out)) == {"failed", "account.json"}


def test_a_page_about_another_place_is_not_kept_under_this_name(shelved):
    shelved("a b")
    record = json.loads((shelved.out / "manifest.json").read_text())
    record["jobs"][0]["where"] = {"brand": "A!"}  # had the name `a` before this run had two of them
    (shelved.out / "manifest.json").write_text(json.dumps(record))
    shelved("a b", "failed")
    assert entries(shelved.out)["a"]["file"] is None
    assert "a.html" not in files(shelved.out)


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_a_page_that_was_touched_is_not_called_an_earlier_one(shelved, status):
    shelved("a b")
    (shelved.out / "a.html").write_text("somebody's notes")
    skip = {"name": "a", "title": "a", "where": {"brand": "a"}, "why": "not selected by --only"}
    given = ("a b", "failed") if status == "failed" else ("b",)
    shelved(*given, skipped=[skip] * (status == "skipped"))
    entry = entries(shelved.out)["a"]
    assert (entry["status"], entry["file"], "is kept" in entry["why"]) == (status, None, False)
    assert (shelved.out / "a.html").read_text() == "somebody's notes"


def test_pages_of_reports_that_the_run_no_longer_has_are_removed_unless_they_were_touched(shelved):
    shelved("a b c")
    (shelved.out / "b.html").write_text("somebody's notes")
    (shelved.out / "own.txt").write_text("mine")
    shelved("c")
    assert files(shelved.out) == {
        "b.html",
        "c.html",
        "own.txt",
        "index.html",
        "summary.csv",
        "summary.xlsx",
        "manifest.json",
    }


def test_reports_that_were_not_selected_keep_their_pages(shelved):
    shelved("a b", "a", "b")
    skip = {"name": "a", "title": "a", "where": {"brand": "a"}, "why": "not selected by --only"}
    shelved("b", "b2", skipped=[skip], as_of="2026-12-15")
    assert (shelved.out / "a.html").read_text() == "a"
    assert entries(shelved.out)["a"]["why"] == "not selected by --only; the page as of 2026-11-15 is kept"
    assert entries(shelved.out)["a"]["file"] == "a.html"


def test_an_executor_that_loses_a_job_costs_that_report_only(shelved):
    shelved("a b", RuntimeError("node lost"), "b")
    found = entries(shelved.out)
    assert (found["a"]["status"], found["a"]["error"]) == ("failed", "failed: RuntimeError")
    assert found["b"]["status"] == "done"


def test_what_may_pass_is_tried_once_more_and_no_error_of_a_cell_is(shelved):
    shelved("a b c", BrokenExecutor("dead"), "failed", BrokenExecutor("dead"), "a", BrokenExecutor("dead again"))
    found = entries(shelved.out)
    assert [(found[name]["status"], found[name]["attempts"]) for name in "abc"] == [
        ("done", 2),
        ("failed", 1),
        ("failed", 2),
    ]
    assert found["c"]["error"] == "failed: BrokenExecutor"


# The shelf ------------------------------------------------------------------------------------------------------------


def test_a_shelf_belongs_to_one_run(shelved, tmp_path):
    shelved("a")
    with pytest.raises(CxError, match="holds the run 'demo', not 'other'"):
        shelf.claim(shelved.out, "other")
    with pytest.raises(CxError, match="holds the run 'demo', not 'other'"):
        shelved("a", name="other")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("mine")
    with pytest.raises(CxError, match=r"holds index\.html, but no manifest of cxkit"):
        shelf.claim(tmp_path / "site", "demo")
    with pytest.raises(CxError, match="is no folder that a run may fill"):
        shelf.claim(Path("/"), "demo")
    (tmp_path / "file").write_text("")
    with pytest.raises(CxError, match="expected a folder, found a file"):
        shelf.claim(tmp_path / "file", "demo")
    (shelved.out / "manifest.json").write_text("{")
    with pytest.raises(CxError, match="is not a manifest"):
        shelf.claim(shelved.out, "demo")
    for name in ("../a.html", "/etc/passwd", "a/b", "..", ""):
        (shelved.out / "manifest.json").write_text(json.dumps({"name": "demo", "files": {name: "0"}}))
        with pytest.raises(CxError, match="expected the name of a file of the shelf"):
            shelf.claim(shelved.out, "demo")


def test_a_later_shelf_is_replaced_only_when_that_is_said(tmp_path):
    def run(day: str, **given: object):
        made = prepared(tmp_path / "p", [job(tmp_path, "a", "1")], as_of=day)
        return runs.run(made, tmp_path / "shelf", 1, executor=Inline(), **given)

    run("2026-12-15")
    run("2026-12-15")
    with pytest.raises(CxError, match="is as of 2026-12-15, later than 2026-11-15; --older replaces it"):
        run("2026-11-15")
    assert run("2026-11-15", older=True)["as_of"] == "2026-11-15"


def test_a_file_is_either_the_old_one_or_the_new_one(tmp_path, monkeypatch):
    whole.put(tmp_path / "a.txt", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        whole.put(tmp_path / "a.txt", b"new")
    assert files(tmp_path) == {"a.txt"}
    assert (tmp_path / "a.txt").read_bytes() == b"old"


def test_pages_move_between_file_systems(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("page")
    real = Path.replace

    def other_device(self: Path, target: Path) -> Path:
        if self.name == "a":
            raise OSError(18, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", other_device)
    whole.move(tmp_path / "a", tmp_path / "shelf" / "b")
    assert (tmp_path / "shelf" / "b").read_text() == "page"


def test_the_summary_holds_no_formula(tmp_path):
    frame = pd.DataFrame(
        {"brand": ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "A=B", 'a,"b"'], "value": [-1.5] * 7}
    )
    rows = list(csv.reader(shelf.safe_csv(frame).splitlines()))
    assert [row[0] for row in rows] == ["brand", "'=cmd|' /C calc'!A0", "'+1", "'-1", "'@x", "'\tx", "A=B", 'a,"b"']
    assert {row[1] for row in rows[1:]} == {"-1.5"}
