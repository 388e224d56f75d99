"""papermill's traps are closed before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from small import PARAMETERS, write_notebook

from cxkit.errors import CxError
from cxkit.runs.notebooks import check, declares, defaults, self_contained

GIVEN = {"tallies": "", "where": {}, "now": "", "before": "", "title": "", "metrics": [], "segments": []}
GIVEN |= {"level": 0.95, "correction": "holm"}


def test_the_defaults_of_the_tagged_cell(tmp_path):
    path = write_notebook(
        tmp_path / "n.ipynb", "x = 1", parameters="# what\nbrand: str = 'A'  # who\nn = -1\nt = (1,)\n"
    )
    assert defaults(path) == {"brand": "A", "n": -1, "t": (1,)}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (None, "expected one code cell with the tag 'parameters', found none"),
        ("a = 1\nb = a + 1", r"cell 1, line 2: expected a literal value for b, found `a \+ 1`"),
        ("import os", r"cell 1, line 1: expected `name = value`, found `import os`"),
        ("a = b = 1", r"expected `name = value`"),
        ("a.b = 1", r"expected `name = value`"),
        ("a: int", r"expected `name = value`"),
        ("a = 1\na = 2", r"a is assigned twice"),
        ("a = (", r"cell 1, line 1: .*never closed"),
        ("%matplotlib inline", r"cell 1, line 1"),
    ],
)
def test_a_cell_that_papermill_would_misread_is_refused(tmp_path, parameters, message):
    path = write_notebook(tmp_path / "n.ipynb", "1", parameters=parameters)
    with pytest.raises(CxError, match=message):
        defaults(path)


def test_two_tagged_cells_are_refused(tmp_path):
    path = write_notebook(tmp_path / "n.ipynb", "1")
    text = path.read_text()
    path.write_text(text.replace('"tags": []', '"tags": ["parameters"]'))
    with pytest.raises(CxError, match="found cells 1, 2"):
        defaults(path)


def test_a_file_that_is_no_notebook_is_refused(tmp_path):
    write_notebook(tmp_path / "report.ipynb", "1")
    with pytest.raises(CxError, match=r"no such notebook; did you mean 'report.ipynb'\?"):
        defaults(tmp_path / "reprot.ipynb")
    (tmp_path / "bad.ipynb").write_text("{")
    with pytest.raises(CxError, match="is no notebook"):
        defaults(tmp_path / "bad.ipynb")
    (tmp_path / "old.ipynb").write_text('{"nbformat": 3, "worksheets": []}')
    with pytest.raises(CxError, match="format 4"):
        defaults(tmp_path / "old.ipynb")
    kernel = {"name": "ir", "language": "R", "display_name": "R"}
    with pytest.raises(CxError, match="expected a Python notebook, found the language 'R'"):
        defaults(write_notebook(tmp_path / "r.ipynb", "1", kernelspec=kernel))


@pytest.mark.parametrize(
    ("default", "value", "fits"),
    [
        ("a", "b", True), ("a", 1, False), ("a", None, False), ("a", ["b"], False),
        (1, 2, True), (1, 2.5, False), (1, True, False), (1.0, 2, True), (1.0, "2", False), (1.0, True, False),
        (True, False, True), (True, 1, False), ([], ["x"], True), ([], "x", False), ((1,), [1], True),
        ({}, {"a": 1}, True), ({}, [], False), (None, 1, True), (None, "x", True),
    ],
)  # fmt: skip
def test_a_parameter_has_the_type_of_its_default(default, value, fits):
    if fits:
        check("n.ipynb", {"x": default}, {"x": value}, "demo.yaml")
    else:
        with pytest.raises(
            CxError, match=r"demo.yaml: parameters.x: expected .*, as the default .* in n.ipynb is, found"
        ):
            check("n.ipynb", {"x": default}, {"x": value}, "demo.yaml")


def test_a_misspelt_parameter_is_refused_with_the_nearest():
    with pytest.raises(CxError, match=r"parameters.bandr: n.ipynb has no such parameter; did you mean 'brand'\?"):
        check("n.ipynb", {"brand": "A"}, {"bandr": "B"}, "demo.yaml")


def test_a_notebook_declares_all_that_a_run_gives(tmp_path):
    path = write_notebook(tmp_path / "n.ipynb")
    declares(path, defaults(path), GIVEN)
    path = write_notebook(tmp_path / "n.ipynb", parameters=PARAMETERS.replace("where", "wehre").replace('"holm"', "1"))
    with pytest.raises(CxError) as error:
        declares(path, defaults(path), GIVEN)
    assert "lacks 'where', which every run sets; its other parameters are wehre" in str(error.value)
    assert "expected text as default of 'correction', found 1" in str(error.value)


LOAD = "import cxkit as cx\nfrom cxkit import show\nt = cx.load(tallies)\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("cx.estimate(t, by=(), where=where); cx.compare(t, now, before)", True),
        ("print(t.provenance)", True),
        ("%matplotlib inline\ncx.estimate(t, where=where)", True),
        ("1 + 1", True),
        ("import pandas as pd\npd.read_csv('a.csv')", False),
        ("from pandas import read_csv", False),
        ("open('a.txt')", False),
        ("import helpers", False),
        ("from . import helpers", False),
        ("import requests", False),
        ("import pandas as pd\npd.Timestamp.now()", False),
        ("cx.read('data.csv')", False),
        ("!cat data.csv", False),
        ("%run other.py", False),
        ("__import__('os')", False),
    ],
)
def test_a_notebook_that_may_use_more_than_it_is_given_is_known(tmp_path, source, expected):
    assert self_contained(write_notebook(tmp_path / "a.ipynb", LOAD, source)) is expected


@pytest.mark.parametrize("name", ["report", "overview", "audit"])
def test_the_notebooks_of_the_kit_use_nothing_but_what_they_are_given(name):
    assert self_contained(Path(__file__).parents[2] / "notebooks" / f"{name}.ipynb")
