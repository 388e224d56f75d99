"""A true fall of 53 points between two waves, and fiscal quarters, from files to pages."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import cxkit

YAML = """\
name: survey
title: Survey
source: {source}
mapping: {{kind: transactional, columns: {{wave: wave}}, items: {{nps: score}}{mapping}}}
metrics: [nps]
period: wave
as_of: 2026-11-15
"""
NAMED = [("q4.csv", "Q4 2025"), ("q1.csv", "Q1 2026")]


def text_of(page: str) -> str:
    """What a page says, without its marks."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = str(Path(cxkit.__file__).parents[1])
    line = [sys.executable, "-m", "cxkit", *arguments]
    given = {"cwd": folder, "env": {**os.environ, "PYTHONPATH": path}, "timeout": 300, "check": False}
    return subprocess.run(line, capture_output=True, text=True, **given)


def project(folder: Path, files: list[tuple[str, str]], mapping: str = "", listed: bool = True) -> Path:
    """The earlier of two files has 300 answers of NPS 60, the later one 300 of NPS 7: 80% and 42.3% promoters."""
    frames = {}
    for (name, wave), promoters in zip(files, (240, 127), strict=True):
        detractors = 60 if promoters == 240 else 106
        scores = [10] * promoters + [0] * detractors + [8] * (300 - promoters - detractors)
        frames[name] = pd.DataFrame({"score": scores, "wave": wave})
        if listed:
            frames[name][["score"]].to_csv(folder / name, index=False)
    pd.concat(frames.values()).to_csv(folder / "all.csv", index=False)
    entries = ", ".join(f"{{path: {name}, wave: '{wave}'}}" for name, wave in files)
    source = f"{{files: [{entries}]}}" if listed else "all.csv"
    (folder / "survey.yaml").write_text(YAML.format(source=source, mapping=mapping), encoding="utf-8")
    return folder


LISTED = [("a.csv", "winter"), ("b.csv", "relaunch")]


@pytest.mark.parametrize(
    ("files", "mapping", "listed", "why"),
    [
        (NAMED, "", True, "as their names say"),
        (LISTED, "", True, "as the files are listed"),
        ([("a.csv", "zebra"), ("b.csv", "ant")], ", waves: [zebra, ant]", False, "as `waves` in the mapping says"),
    ],
)
def test_the_order_of_time_is_said_with_its_reason(tmp_path, files, mapping, listed, why) -> None:
    folder = project(tmp_path, files, mapping, listed)
    before, now = (wave for _, wave in files)
    checked = command(folder, "check", "survey.yaml")
    assert f"time: waves: {before}, {now} (the earliest first, {why})" in checked.stdout, checked.stderr
    assert f"{now} compared with {before}" in checked.stdout


def test_a_fall_is_a_decrease_in_the_order_of_time(tmp_path) -> None:
    folder, (before, now) = project(tmp_path, LISTED), (wave for _, wave in LISTED)
    done = command(folder, "run", "survey.yaml", "--workers", "1")
    assert done.returncode == 0, done.stderr
    shelf = folder / "reports" / "survey"
    record = json.loads((shelf / "manifest.json").read_text())
    assert (record["now"], record["before"]) == (now, before)
    summary = pd.read_csv(shelf / "summary.csv")
    assert summary.loc[summary["part"] == "estimate", "period"].tolist() == [before, now]
    (change,) = summary.loc[summary["part"] == "comparison", "change"]
    assert change == pytest.approx(-53)
    page = (shelf / "report.html").read_text(encoding="utf-8")
    words = text_of(page)
    assert "decreased by 53 points" in words
    assert "increased" not in words
    trend = page[page.index("<svg") :]
    assert trend.index(f">{before}<") < trend.index(f">{now}<")


@pytest.mark.parametrize(
    ("files", "mapping", "words"),
    [
        (NAMED[::-1], "", "by name their order is 'Q4 2025', 'Q1 2026', in the list of files 'Q1 2026', 'Q4 2025'"),
        (NAMED, ", waves: [Q4 2025]", "waves: the mapping does not list 'Q1 2026', found in the data"),
    ],
)
def test_what_contradicts_or_lacks_a_wave_is_refused(tmp_path, files, mapping, words) -> None:
    done = command(project(tmp_path, files, mapping), "check", "survey.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_waves_in_one_file_are_not_in_the_order_of_its_rows(tmp_path) -> None:
    done = command(project(tmp_path, [("a.csv", "before"), ("b.csv", "after")], "", False), "run", "survey.yaml")
    assert done.returncode == 2
    assert "nothing says the order of 'after', 'before'" in done.stderr
    assert "write `waves: [EARLIEST, ..., LATEST]` in the mapping" in done.stderr
    assert not (tmp_path / "reports").exists()


def test_fiscal_quarters_stand_on_pages_with_their_months(tmp_path) -> None:
    promoters = {"2025-02-10": 45, "2025-05-10": 15, "2025-08-10": 45}  # of 60
    rows = [(day, 9 if i < n else 3) for day, n in promoters.items() for i in range(60)]
    pd.DataFrame(rows, columns=["day", "score"]).to_csv(tmp_path / "all.csv", index=False)
    text = YAML.format(source="all.csv", mapping=", year_starts: April").replace("wave: wave", "time: day")
    (tmp_path / "survey.yaml").write_text(text.replace("period: wave", "period: quarter\nnow: FY2026 Q1"))
    done = command(tmp_path, "run", "survey.yaml", "--workers", "1")
    assert done.returncode == 0, done.stderr
    page = text_of((tmp_path / "reports" / "survey" / "report.html").read_text(encoding="utf-8"))
    assert "FY2026 Q1 (April to June 2025)" in page
    assert "FY2025 Q4 (January to March 2025)" in page
    assert "decreased by 100 points" in page
    assert "years start in April" in page


def test_remarks_are_lines_of_json_where_these_are_asked_for(tmp_path) -> None:
    """A run and a check tell a log what they tell a person: code, weight, and words."""
    scores, at = [*range(11)] * 20, pd.date_range("2026-10-03", periods=220, freq="h").astype(str)
    pd.DataFrame({"at": at, "who": "anonymous", "score": scores}).to_csv(tmp_path / "a.csv", index=False)
    mapping = "{kind: transactional, columns: {time: at, respondent: who}, items: {nps: score}}"
    text = f"name: a\ntitle: A\nsource: a.csv\nmapping: {mapping}\nmetrics: [nps]\nas_of: 2026-11-02\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    for name, status in (("check", 0), ("run", 0)):
        done = command(tmp_path, name, "a.yaml", "--log", "json")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        (remark,) = (line for line in lines if "code" in line)
        assert (done.returncode, remark["code"], remark["weight"]) == (status, "one respondent", "look"), done.stderr
        assert remark["words"].startswith("respondent: one respondent gave 220 of 220")
        assert len(lines) == (1 if name == "check" else 3)  # a run has its report and the page on the data, too
    (tmp_path / "a.csv").write_text("at,who,score\n" + "2026-10-03,a,9\n2026-10-03,b,99\n" * 60, encoding="utf-8")
    done = command(tmp_path, "check", "a.yaml", "--log", "json")
    weights = {(row := json.loads(line))["code"]: row["weight"] for line in done.stdout.splitlines()}
    assert (done.returncode, weights["answers lost"]) == (2, "stop")
