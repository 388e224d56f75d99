"""Further pages: a notebook of one's own and a line of parameters, once for the run or once for each place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from small import PARAMETERS, ROWS, write_night, write_notebook

import cxkit as cx

PAGES = """\
pages:
  - {name: words, notebook: notebooks/words.ipynb, title: In words, for_each: [brand]}
  - {name: board, notebook: notebooks/board.ipynb, title: For the board}
"""
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "manifest.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def night(tmp_path: Path) -> Path:
    verbs = "import cxkit as cx\nr = cx.report(tallies, where, now, before)\nr.findings()"
    for name in ("words", "board"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", verbs, "print(where, title)", parameters=PARAMETERS)
    return write_night(tmp_path, PAGES)


def test_a_page_for_each_place_and_one_for_the_run(night: Path, tmp_path: Path) -> None:
    out = tmp_path / "www" / "shelf"
    manifest = cx.run(night, out)
    jsonschema.validate(manifest, SCHEMA)
    made = {job["name"]: (job["kind"], job["status"], job["where"]) for job in manifest["jobs"]}
    assert made["words-a"] == ("page", "done", {"brand": "A"})
    assert made["board"] == ("page", "done", {})
    page = (out / "words-a.html").read_text("utf-8")
    assert "{&#x27;brand&#x27;: &#x27;A&#x27;} A · In words" in page
    assert 'href="a.html">A</a>' in page
    assert 'href="words-b.html"' not in page  # of its own place only
    assert 'href="board.html">For the board</a>' in page
    assert 'href="words-a.html"><bdi>A · In words</bdi></a>' in (out / "a.html").read_text("utf-8")
    index = (out / "index.html").read_text("utf-8")
    assert len(re.findall(r">(?:<bdi>)?[AB] · In words<", index)) == 2
    assert index.count(">For the board</a>") == 1
    again = cx.run(night, out)
    assert {job["status"] for job in again["jobs"]} == {"unchanged"}
    part = cx.run(night, out, only={"brand": ["A"]})
    assert {job["name"] for job in part["jobs"] if job["status"] == "skipped"} == {"b", "words-b"}
    assert (out / "words-b.html").exists()


def test_a_page_of_a_place_holds_no_other_place(night: Path, tmp_path: Path) -> None:
    held = "import cxkit as cx\nprint(cx.load(tallies).counts.brand.unique())"
    write_notebook(tmp_path / "notebooks" / "words.ipynb", held, parameters=PARAMETERS)
    cx.run(night, tmp_path / "www" / "shelf")
    page = (tmp_path / "www" / "shelf" / "words-a.html").read_text("utf-8")
    assert "&#x27;A&#x27;" in page
    assert "&#x27;B&#x27;" not in page


@pytest.mark.parametrize(("old", "new", "words"), [
    ("name: words", "name: overview", "pages.0.name: 'overview' is the name of another page"),
    ("name: board", "name: words", "pages.1.name: 'words' is the name of another page"),
    ("In words, for_each: [brand]", "In words, for_each: [shop]", "pages.0.for_each: expected ['brand'], as"),
    ("words.ipynb", "wrds.ipynb", "no such notebook; did you mean 'words.ipynb'?"),
    ("title: In words, ", "", "pages.0.title: required, but absent"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(night: Path, tmp_path: Path, old: str, new: str, words: str) -> None:
    night.write_text(night.read_text("utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(cx.CxError) as error:
        cx.run(night, tmp_path / "www" / "shelf")
    assert words in str(error.value)


def test_names_do_not_meet(night: Path, tmp_path: Path) -> None:
    """A place whose report is called as a page would be."""
    rows = ROWS.replace(",B,", ",Words A,")
    (tmp_path / "survey.csv").write_text(f"date,firm,score\n{rows}", encoding="utf-8")
    manifest = cx.run(night, tmp_path / "www" / "shelf")
    names = [job["name"] for job in manifest["jobs"]]
    assert len(set(names)) == len(names)
    assert {"words-a", "words-a-2", "words-words-a"} <= set(names)
