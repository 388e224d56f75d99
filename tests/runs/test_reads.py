"""A report is kept only where its source shows that it depends on its own place alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from small import write_notebook

from cxkit.runs.reads import scope

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LOAD = "import cxkit as cx\nfrom cxkit import show\nt = cx.load(tallies)\n"


def test_the_kits_report_depends_on_its_place_and_its_overview_on_the_run():
    assert scope(NOTEBOOKS / "report.ipynb") == "place"
    assert scope(NOTEBOOKS / "overview.ipynb") == "run"
    assert scope(NOTEBOOKS / "audit.ipynb") == "run"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("cx.estimate(t, by=(), where=where)", "place"),
        ("cx.at(cx.estimate(t, by=['brand']), where)", "place"),
        ("cx.at(cx.compare(t, now, before, by=list(where), metrics=metrics, lead=lead.name), where)", "place"),
        ("cx.at(cx.compare(t, now, before, by=list(where), metrics=metrics), where)", "run"),
        ("cx.provenance(t, where); t.metrics; show.audit(t.audit, t.provenance); t.provenance['where']", "place"),
        ("%matplotlib inline\ncx.estimate(t, where=where)", "place"),
        ("1 + 1", "place"),
        ("cx.estimate(t, by=['brand'])", "run"),
        ("cx.at(cx.compare(t, now, before, by=['brand', 'region']), where)", "run"),  # another family than the run's
        ("t.counts", "run"),
        ("t.provenance['files']", "run"),
        ("print(t.provenance)", "run"),
        ("where = {}\ncx.estimate(t, where=where)", "run"),
        ("u = t\ncx.estimate(u, by=['brand'])", "run"),
        ("cx.estimate(t, where={'brand': 'Other'})", "run"),
        ("cx.estimate(cx.load(tallies), by=['brand'])", "run"),
        ("import pandas\nprint(tallies)", "run"),
        ("import pandas as pd\npd.read_csv('a.csv')", "unknown"),
        ("from pandas import read_csv", "unknown"),
        ("open('a.txt')", "unknown"),
        ("import helpers", "unknown"),
        ("from . import helpers", "unknown"),
        ("import requests", "unknown"),
        ("import pandas as pd\npd.Timestamp.now()", "unknown"),
        ("cx.read('data.csv')", "unknown"),
        ("!cat data.csv", "unknown"),
        ("%run other.py", "unknown"),
        ("__import__('os')", "unknown"),
    ],
)
def test_what_the_rules_do_not_recognise_is_built_again(tmp_path, source, expected):
    assert scope(write_notebook(tmp_path / "a.ipynb", LOAD, source)) == expected
