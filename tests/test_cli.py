"""The command line, as a person or a scheduler meets it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from cxkit import cli
from cxkit.runs.private import private

sys.path.insert(0, str(Path(__file__).parent / "runs"))
from small import write_notebook

YAML = """\
name: demo
title: Demo
source: survey.csv
mapping: {kind: transactional, columns: {time: date}, items: {nps: score}, dimensions: {brand: firm}}
metrics: [nps]
as_of: 2026-11-15
for_each: {brand: [Acme, Few, Nobody]}
"""
REPORT = """\
import cxkit as cx
found = cx.at(cx.compare(cx.load(tallies), now, before, by=["brand"], level=level, correction=correction), where)
print(title, found[["n", "change", "verdict", "note"]].to_string(index=False))"""
OVERVIEW = "import cxkit as cx\nprint(cx.estimate(cx.load(tallies), by=segments, periods=[now]).to_string(index=False))"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder (with a blank in its name) that holds parameters, data and two notebooks."""
    folder = tmp_path / "my survey"
    write_notebook(folder / "notebooks" / "report.ipynb", REPORT)
    write_notebook(folder / "notebooks" / "overview.ipynb", OVERVIEW)
    scores = [("2026-09", "Acme", 9)] * 40 + [("2026-10", "Acme", 3)] * 40 + [("2026-10", "Few", 10)] * 7
    rows = [{"date": f"{month}-10", "firm": brand, "score": score} for month, brand, score in scores]
    rows.append({"date": "2026-10-11", "firm": "Acme", "score": 11})
    pd.DataFrame(rows).to_csv(folder / "survey.csv", index=False)
    (folder / "params").mkdir()
    (folder / "params" / "demo.yaml").write_text(YAML, encoding="utf-8")
    return folder


def call(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "cxkit", *map(str, arguments)]
    path = str(Path(cli.__file__).parents[1])
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": path},
    )


def invoke(*arguments: object):
    """The command in this process; nothing of it may be a traceback."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_run_makes_the_shelf_and_prints_its_index_last(project):
    done = call("run", "params/demo.yaml", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    shelf = project / "reports" / "demo"
    assert lines[0] == "demo: as of 2026-11-15: 2026-10 compared with 2026-09"
    assert lines[1] == "demo: for_each: nobody answered for brand 'Nobody'; expected one of: Acme, Few"
    assert lines[2] == "demo: 2026-09 may be partial: nobody answered in its first 9 days"
    assert sorted(line.split()[1] for line in lines if ": done" in line) == [
        "acme:",
        "data:",
        "few:",
        "nobody:",
        "overview:",
    ]
    assert lines[-1] == str(shelf / "index.html")
    pages = ["acme.html", "data.html", "few.html", "nobody.html", "overview.html"]
    assert tree(shelf) == sorted([*pages, "index.html", "manifest.json", "summary.csv", "summary.xlsx"])
    assert "changed" in (shelf / "acme.html").read_text()
    assert "hidden: fewer than 10 people answered" in (shelf / "few.html").read_text()
    assert "no answers" in (shelf / "nobody.html").read_text()
    refused = json.loads((shelf / "manifest.json").read_text())["refused"]
    blank = {"item": "nps", "reason": "empty"}  # not counted, because that would give the seven of Few away
    assert refused == [{"item": "nps", "reason": "outside 0-10 (other values, not shown)", "n": 1}, blank]

    again = call("run", project / "params" / "demo.yaml", "--out", project / "two", "--workers", "1", cwd="/")
    assert again.returncode == 0
    assert again.stdout.splitlines()[-1] == str(project / "two" / "index.html")
    for page in [*pages, "summary.csv", "summary.xlsx"]:
        assert (shelf / page).read_bytes() == (project / "two" / page).read_bytes()


def test_a_failed_report_is_told_with_its_cell_and_ends_with_1(project):
    write_notebook(
        project / "notebooks" / "report.ipynb", REPORT, "if where['brand'] == 'Few':\n    raise KeyError('x')"
    )
    done = call("run", "params/demo.yaml", "--only", "brand=Few", "--only", "brand=Acme", cwd=project)
    assert done.returncode == 1
    assert (
        "few failed: In [4] KeyError: 'x'\n    if where['brand'] == 'Few':\n        raise KeyError('x')\n"
        in done.stdout
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert "skipped Nobody: not selected by --only" in done.stdout
    assert "3 of 4 reports made" in done.stdout
    work = private(project / "reports" / "demo")
    assert f"notebook: {work / 'failed' / 'few.ipynb'}" in done.stdout
    assert [path for path in tree(work) if not path.startswith("releases")] == [
        "account.json",
        "failed",
        "failed/few.ipynb",
        "places",
        "places/acme.parquet",
        "places/few.parquet",
        "prepared.json",
        "summary.parquet",
        "tallies.parquet",
    ]
    assert "few.html" not in tree(project / "reports" / "demo")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "for_eech=[brand]"], "for_eech: unknown key; did you mean 'for_each'?"),
        (["--set", "where.brand=NO"], "NO without quotes can be read as a yes or no"),
        (["--set", "level"], "--set level: expected KEY=VALUE"),
        (["--only", "brand=Acne"], "--only brand=Acne: selects no report; did you mean 'Acme'?"),
        (["--as-of", "15.11.2026"], "as_of: expected a date such as 2026-11-01, found '15.11.2026'"),
        (["--set", "source=nowhere.csv", "--set", "download='Get it at example.org.'"], "Get it at example.org."),
        (
            ["--set", "mapping.items.nps=scroe"],
            "items.nps: the column 'scroe' is not in survey.csv; did you mean 'score'?",
        ),
        (["--set", "parameters.top=3"], "parameters.top: "),
        (
            ["--set", "report=tagless.ipynb"],
            "tagless.ipynb: expected one code cell with the tag 'parameters', found none",
        ),
        (["--out", "survey.csv"], "survey.csv: expected a folder, found a file"),
    ],
)
def test_what_is_wrong_is_told_in_words_with_2_and_nothing_is_written(project, monkeypatch, arguments, message):
    write_notebook(project / "tagless.ipynb", "1", parameters=None)
    monkeypatch.chdir(project)
    before = tree(project)
    result = invoke("run", "params/demo.yaml", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("cxkit: ")
    assert tree(project) == before


def test_the_file_itself_may_be_misspelt(project, monkeypatch):
    monkeypatch.chdir(project)
    assert "no such file; did you mean 'demo.yaml'?" in invoke("run", "params/dmeo.yaml").stderr


def test_data_from_another_folder(project, monkeypatch, tmp_path):
    monkeypatch.chdir(project)
    (project / "survey.csv").rename(tmp_path / "survey.csv")
    assert invoke("check", "params/demo.yaml").exit_code == 2
    assert invoke("check", "params/demo.yaml", "--set", f"data={tmp_path}").exit_code == 0
    assert invoke("check", "params/demo.yaml", "--set", "data=..").exit_code == 0


def test_check_tells_what_a_run_would_do_and_writes_nothing(project):
    before = tree(project)
    result = invoke("check", project / "params" / "demo.yaml")
    assert result.exit_code == 0
    assert "files: survey.csv: 88 rows" in result.stdout
    assert "refused: nps: outside 0-10: 11: 1" in result.stdout
    assert "would make acme.html: Acme" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("demo.yaml: 5 reports, 2 things to look at")  # three answers only
    assert tree(project) == before


def odd(project: Path, scores: list[int], accept: str = "") -> Path:
    """The project with other answers of Acme in October, and a mapping of its own that accepts something."""
    old = pd.read_csv(project / "survey.csv", dtype=str).query("date < '2026-10'")
    rows = [{"date": f"2026-{9 + i % 2:02d}-{1 + i % 28:02d}", "firm": "Acme", "score": i % 11} for i in range(300)]
    rows += [{"date": f"2026-10-{1 + i % 28:02d}", "firm": "Acme", "score": score} for i, score in enumerate(scores)]
    pd.concat([old, pd.DataFrame(rows)]).to_csv(project / "survey.csv", index=False)
    params = project / "params" / "demo.yaml"
    params.write_text(YAML.replace("mapping: {", f"mapping: {{{accept}"), encoding="utf-8")
    return params


def test_what_is_lost_stops_check_and_run_unless_it_is_accepted(project):
    params = odd(project, [99] * 200)
    said = call("check", params, cwd=project)
    lost = "nps: 200 of 540 (37%) answers are refused against the mapping: outside 0-10: 99: 200"
    assert said.returncode == 2
    assert said.stdout.splitlines()[-2] == f"stop: {lost}; where that is right: accept: {{nps: 0.38}}"
    assert said.stdout.splitlines()[-1].endswith("stopped by what is said above; nothing would be made")
    ran = call("run", params, cwd=project)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "nps: 200 of 540 (37%) answers are refused" in ran.stderr
    assert not (project / "reports" / "demo" / "index.html").exists()
    accepted = call("check", odd(project, [99] * 200, "accept: {nps: 0.7}, "), cwd=project)
    assert accepted.returncode == 0
    assert "for the record: nps: 200 of 690 (29%) answers are refused" in accepted.stdout


def test_what_is_odd_is_told_last_by_check_and_run_and_on_the_data_page(project):
    (project / "survey.csv").write_text("date,firm,score\n" + "".join(
        f"2026-{9 + i % 2:02d}-{1 + i % 28:02d},{'Acme' if i % 3 else 'ACME'},{1 + i // 2 % 10}\n" for i in range(600)),
        encoding="utf-8")  # fmt: skip
    params = project / "params" / "demo.yaml"
    params.write_text(YAML.replace("{brand: [Acme, Few, Nobody]}", "[brand]"), encoding="utf-8")
    alike = "brand: levels that look alike are told apart: 'ACME' / 'Acme'; `labels` make them one"
    ends = "nps: nobody says 0, and many say 1: does the scale end there?"
    said = call("check", params, cwd=project)
    assert said.returncode == 0
    assert said.stdout.splitlines()[-3:] == [
        f"look at: {ends}", f"look at: {alike}", f"{params}: 4 reports, 2 things to look at",
    ]  # fmt: skip
    ran = call("run", params, cwd=project)
    assert ran.stdout.splitlines()[-4:-2] == [f"demo: look at: {ends}", f"demo: look at: {alike}"]
    page = re.sub(r"<[^>]+>", "", (project / "reports" / "demo" / "data.html").read_text(encoding="utf-8"))
    assert ends in page
    assert "levels that look alike are told apart" in page
    assert "Nothing is left to look at" not in page


def test_a_folder_that_cannot_be_written_is_told_in_words(project, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "reports")

    monkeypatch.setattr(Path, "mkdir", refuse)
    result = invoke("run", project / "params" / "demo.yaml")
    assert (result.exit_code, result.stderr) == (2, "cxkit: reports: cannot be read or written: Permission denied\n")


def test_the_sample_is_written_and_can_be_read_with_its_mapping(tmp_path):
    result = invoke("sample", tmp_path / "sample")
    assert result.exit_code == 0
    assert [Path(line).name for line in result.stdout.splitlines()] == [
        "responses.csv", "tickets.csv", "customers.csv", "mapping.yaml", "tickets.yaml", "customers.yaml",
    ]  # fmt: skip


# Option that a message names -> the commands that can say it. A new one needs a line here.
ALL = {"run", "check", "inspect", "new"}
SAID = {"--timeout": ALL, "--memory": ALL, "--out": {"run", "check"}, "--set": {"run", "check"},
        "--only": {"run"}, "--service": {"new"}, "--older": {"run"}, "--work": {"run"}}  # fmt: skip


def test_messages_name_options_that_their_command_has():
    found = set()
    for path in Path(cli.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            told = isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value
            found |= set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", node.value)) if told else set()
    commands = typer.main.get_command(cli.app).commands
    has = {name: {text for option in command.params for text in option.opts} for name, command in commands.items()}
    found = {option for option in found if not option.startswith("--cx-")}  # of style sheets
    assert found - {"--version", "--force", "--to"} == set(SAID)  # which are declared, not said; nbconvert's
    assert {(option, name) for option, names in SAID.items() for name in names if option not in has[name]} == set()


def test_help_and_version_are_quick():
    heavy = {"pandas", "papermill", "ibis", "nbconvert", "pydantic"}
    code = f"import sys, cxkit.cli; print(*sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
    assert invoke("--version").stdout.startswith("cxkit 0.")
    assert {"run", "check", "sample"} <= set(invoke("--help").stdout.split())
    assert invoke("run").exit_code == 2


def test_a_terminal_shows_a_bar(capsys, monkeypatch):
    from cxkit.runs import progress
    from cxkit.runs.jobs import Result

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with progress.progress(2, "text") as told:
        told(Result("a", "done", 1.0), 1, 2)
        told(Result("b[red]", "failed", 1.0, error="In [3] KeyError"), 2, 2)
    assert "b[red] failed: In [3] KeyError" in capsys.readouterr().out


def test_inspect_reads_a_file_as_it_is_told_and_writes_that_down(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("a;b\nDate;nps\n2026-01-02;9\n2026-01-03;8\n", encoding="utf-16-le")
    told = ["--encoding", "utf-16-le", "--separator", ";", "--header-row", "2"]
    result = invoke("inspect", tmp_path / "odd.csv", *told)
    assert result.exit_code == 0, result.output
    for line in ('encoding: "utf-16-le"', 'separator: ";"', "header_row: [2]", 'column: "nps"'):
        assert line in result.output
