"""Parameters and the values of the data become jobs."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from small import PARAMETERS, write_notebook

from cxkit.errors import CxError
from cxkit.runs.jobs import check_notebooks, expand, places
from cxkit.runs.params import load

TEXT = "name: demo\ntitle: Demo\nsource: sample\nmetrics: [nps]\nsegments: [channel]\n"
FOUND = [("Acme",), ("Brim",), ("(blank)",)]
WHOLE = 'tallies = ""\nnow = ""\nbefore = ""\ntitle = ""\n'  # what a notebook about the data of a run is given
PAIRS = [("Acme", "North"), ("Acme", "South"), ("Brim", "North")]


@pytest.fixture
def params(tmp_path):
    def given(text: str = "", only=(), **notebooks: str):
        for name in ("report", "overview", *notebooks):
            write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", parameters=notebooks.get(name, PARAMETERS))
        file = tmp_path / "demo.yaml"
        file.write_text(TEXT + text, encoding="utf-8")
        return load(file, only=only)

    return given


def expanded(params, found=FOUND):
    return expand(params, found, Path("/run/tallies.parquet"), "2026-10", ["2026-09"])


def test_one_report_per_value_then_the_overview_and_the_audit(params):
    jobs, skipped = expanded(params("for_each: [brand]\n"))
    assert [(job.name, job.kind, job.title, job.file) for job in jobs] == [
        ("acme", "report", "Acme", "acme.html"),
        ("brim", "report", "Brim", "brim.html"),
        ("overview", "overview", "Overview", "overview.html"),
        ("data", "audit", "Data", "data.html"),
    ]
    assert skipped == [
        {
            "name": "blank",
            "kind": "report",
            "title": "(blank)",
            "where": {"brand": "(blank)"},
            "why": "blank in the data; part of the overview only",
        }
    ]


def test_what_the_notebooks_are_given(params):
    jobs, _ = expanded(params("for_each: [brand]\nlevel: 0.9\ncorrection: bh\n"))
    common = {
        "tallies": "/run/tallies.parquet",
        "now": "2026-10",
        "before": "2026-09",
        "metrics": ["nps"],
        "level": 0.9,
    }
    common |= {"correction": "bh"}
    assert jobs[0].parameters == common | {"where": {"brand": "Acme"}, "title": "Acme · Demo", "segments": ["channel"]}
    assert jobs[-2].parameters == common | {"where": {}, "title": "Overview · Demo", "segments": ["brand"]}


def test_pages_lead_to_the_index_and_to_the_pages_about_the_whole_run(params):
    ways = {"index.html": "All reports", "overview.html": "Overview", "data.html": "Data"}
    for job in expanded(params("for_each: [brand]\n"))[0]:
        beside = {file: words for file, words in job.links.items() if words.startswith(("previous: ", "next: "))}
        own = {file: words for file, words in ways.items() if file != job.file}
        assert job.links == own | beside | {"summary.xlsx": "Workbook", "summary.csv": "CSV"}
        assert bool(beside) == (job.kind == "report")
    (report, _), _ = expanded(params(), [()])
    assert list(report.links) == ["index.html", "data.html", "summary.xlsx", "summary.csv"]  # there is no overview


def test_jobs_are_plain_data(params):
    for job in expanded(params("for_each: [brand]\n"))[0]:
        assert json.loads(json.dumps(job.to_dict())) == job.to_dict()
        assert pickle.loads(pickle.dumps(job)) == job


def test_listed_values_get_a_report_whether_anybody_answered_or_not(params):
    jobs, skipped = expanded(params("for_each: {brand: [Nobody, Acme, (blank)]}\n"))
    assert [job.title for job in jobs] == ["Nobody", "Acme", "(blank)", "Overview", "Data"]
    assert skipped == []


def test_two_dimensions_make_the_combinations_that_the_data_hold(params):
    jobs, skipped = expanded(params("for_each: [brand, region]\n"), PAIRS)
    assert [job.title for job in jobs[:-2]] == ["Acme · North", "Acme · South", "Brim · North"]
    assert jobs[0].where == {"brand": "Acme", "region": "North"}
    assert jobs[0].file == "acme-north.html"
    assert skipped == []


def test_two_listed_dimensions_make_all_combinations(params):
    text = "for_each: {brand: [Acme, Brim], region: [North, South]}\n"
    assert len(expanded(params(text), PAIRS)[0]) == 4 + 2


def test_a_listed_and_an_open_dimension_skip_what_nobody_answered(params):
    checked = params("for_each: {brand: [Brim, Acme], region: }\n")
    assert places(checked, PAIRS) == ([("Brim", "North"), ("Acme", "North"), ("Acme", "South")], [("Brim", "South")])
    _, skipped = expanded(checked, PAIRS)
    assert [(skip["title"], skip["why"]) for skip in skipped] == [("Brim · South", "no answers for this combination")]


def test_without_for_each_there_is_one_report_of_everybody(params):
    jobs, skipped = expanded(params(), [()])
    assert [(job.name, job.kind, job.where, job.file) for job in jobs] == [
        ("report", "report", {}, "report.html"),
        ("data", "audit", {}, "data.html"),
    ]
    assert (jobs[0].title, jobs[0].parameters["title"], skipped) == ("Demo", "Demo", [])


def test_only_restricts_the_reports_but_not_their_names(params):
    found = [("Acme",), ("ACME",), ("Brim",)]
    jobs, skipped = expanded(params("for_each: [brand]\n", only=[("brand", "ACME")]), found)
    assert [(job.name, job.title) for job in jobs] == [("acme-2", "ACME"), ("overview", "Overview"), ("data", "Data")]
    assert [(skip["name"], skip["why"]) for skip in skipped] == [
        ("acme", "not selected by --only"),
        ("brim", "not selected by --only"),
    ]
    with pytest.raises(CxError, match=r"--only brand=Brmi: selects no report; did you mean 'Brim'\?"):
        expanded(params("for_each: [brand]\n", only=[("brand", "Brmi")]), found)


def test_hostile_values_stay_inside_the_shelf(params):
    found = [("../../etc",), ("{now}",), ("a/b",), ("🦊",), ("Overview",), ("Data",), ("index",)]
    jobs, _ = expanded(params("for_each: [brand]\n"), found)
    files = [job.file for job in jobs]
    assert len(set(files)) == 9
    assert not [file for file in files if "/" in file or file.startswith(".") or file == "index.html"]
    assert jobs[0].where == {"brand": "../../etc"}


def test_further_parameters_reach_the_notebooks_that_declare_them(params):
    checked = params("for_each: [brand]\nparameters: {top: 3}\n", report=f"{PARAMETERS}top = 5\n")
    check_notebooks(checked)
    jobs, _ = expanded(checked)
    assert jobs[0].parameters["top"] == 3
    assert "top" not in jobs[-1].parameters


@pytest.mark.parametrize(
    ("text", "notebooks", "message"),
    [
        ("parameters: {tpo: 3}\n", {"report": f"{PARAMETERS}top = 5\n"}, "parameters.tpo: .*report.ipynb has no such"),
        ("parameters: {top: three}\n", {"report": f"{PARAMETERS}top = 5\n"}, "expected a whole number.* found 'three'"),
        ("parameters: {top: x}\n", {"overview": f"{PARAMETERS}top = 5\n"}, "in .*overview.ipynb is, found 'x'"),
        ("", {"report": None}, "report.ipynb: expected one code cell with the tag 'parameters', found none"),
        ("", {"overview": "where = {}"}, "overview.ipynb: the cell tagged 'parameters' lacks 'tallies'"),
        ("", {"audit": 'tallies = ""'}, "audit.ipynb: the cell tagged 'parameters' lacks 'now'"),
    ],
)
def test_notebooks_and_parameters_fit_before_anything_runs(params, text, notebooks, message):
    with pytest.raises(CxError, match=message):
        check_notebooks(params("for_each: [brand]\n" + text, **notebooks))


def test_the_audit_is_given_what_concerns_the_whole_run_and_another_notebook_may_make_it(params):
    checked = params("for_each: [brand]\nlevel: 0.9\naudit: notebooks/own.ipynb\n", own=WHOLE)
    check_notebooks(checked)
    audit = expanded(checked)[0][-1]
    assert Path(audit.notebook).name == "own.ipynb"
    assert audit.parameters == {
        "tallies": "/run/tallies.parquet",
        "now": "2026-10",
        "before": "2026-09",
        "title": "Data · Demo",
    }


def test_the_overview_is_checked_only_where_it_is_made(params):
    check_notebooks(params(overview="where = {}"))
