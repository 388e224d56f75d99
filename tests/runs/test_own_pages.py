"""Further pages: a notebook of one's own and a line of parameters, once for the run or once for each place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from small import PARAMETERS, ROWS, write_night, write_notebook

import cxkit as cx
from cxkit.runs.private import private

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


# The page on what goes with a score --------------------------------------------------------------------------------

ASKED = """\
source: rated.csv
mapping:
  kind: transactional
  columns: {time: date}
  items:
    nps: score
    quick: {column: quick, measure: mean, scale: [1, 5], better: higher}
    kind: {column: kind, measure: mean, scale: [1, 5], better: higher}
    near: {column: near, measure: mean, scale: [1, 5], better: higher}
  dimensions: {brand: firm}
drivers: {outcome: nps, items: [quick, kind, near]}
pages:
  - {name: why, notebook: notebooks/why.ipynb, title: Why}
  - {name: why-of, notebook: notebooks/why.ipynb, title: Why, for_each: [brand]}
"""


def write_rated(folder: Path) -> Path:
    """The night with three ratings, in firm C by eight people; its parameters."""
    rng, lines = np.random.default_rng(1), ["date,firm,score,quick,kind,near"]
    for firm, n in (("A", 120), ("B", 120), ("C", 8)):
        for _ in range(n):
            own = rng.normal(size=3)
            score, ratings = 7.5 + 2 * own[0] + own[1] + rng.normal(), 3.4 + own
            told = [int(np.clip(round(score), 0, 10)), *(int(np.clip(round(one), 1, 5)) for one in ratings)]
            lines += [f"2026-{month}-10,{firm},{','.join(map(str, told))}" for month in ("09", "10")]
    night = write_night(folder)
    (folder / "rated.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    kept = [line for line in night.read_text("utf-8").splitlines() if not line.startswith(("source", "mapping"))]
    night.write_text("\n".join(kept) + "\n" + ASKED, encoding="utf-8")
    return night


def test_the_page_why_is_of_its_place(tmp_path: Path) -> None:
    out = tmp_path / "www" / "shelf"
    manifest = cx.run(write_rated(tmp_path), out)
    assert {job["status"] for job in manifest["jobs"]} == {"done"}
    whole, own, few = ((out / f"{name}.html").read_text("utf-8") for name in ("why", "why-of-a", "why-of-c"))
    assert "NPS is most strongly associated with Quick" in whole
    assert "n 240 who answered everything" in whole  # without the eight of C, who are hidden
    assert "to the rating of the best place" in whole
    assert "n 120 who answered everything" in own
    assert "to the best answer" in own
    assert "fewer than 10 people answered" in few
    assert few.count("<svg") == 0
    held = [cx.load(path).provenance["drivers"] for path in sorted((private(out) / "places").glob("*.parquet"))]
    assert [{one["brand"] for one in records} for records in held] == [{"A"}, {"B"}, {"C"}]
    assert {one["value"] for one in held[2]} == {None}
    assert {job["status"] for job in cx.run(tmp_path / "night.yaml", out)["jobs"]} == {"unchanged"}


def test_a_run_without_drivers_says_so_in_a_line(tmp_path: Path) -> None:
    night = write_rated(tmp_path)
    night.write_text(night.read_text("utf-8").replace("drivers: {outcome: nps, items: [quick, kind, near]}\n", ""))
    cx.run(night, tmp_path / "www" / "shelf")
    assert "No drivers are shown: the parameters" in (tmp_path / "www" / "shelf" / "why.html").read_text("utf-8")


@pytest.mark.parametrize(("old", "new", "words"), [
    ("outcome: nps", "outcome: quick", "drivers.outcome: 'quick' is not among `metrics`"),
    ("[quick, kind, near]", "[quick, kind, nera]", "drivers.items: 'nera': .*did you mean 'near'"),
    ("[quick, kind, near]", "[quick, kind]", "drivers.items: .*3"),
    ("[quick, kind, near]", "[quick, kind, nps]", "the question 'nps' stands there twice"),
])  # fmt: skip
def test_drivers_that_do_not_fit_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    night = write_rated(tmp_path)
    night.write_text(night.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(cx.CxError, match=words):
        cx.run(night, tmp_path / "www" / "shelf")
