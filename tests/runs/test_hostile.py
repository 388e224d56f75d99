"""Hostile text in every string that reaches a page, through the whole product: on the page all of it is text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browsing
import numpy as np
import pandas as pd
import pytest
import yaml
from browsing import AXE, browser, looking, needs_chromium, validity

SCRIPT = "<script>alert('brand')</script>"
CLOSER = "</title></style></textarea></svg></table></details>--><img src=x onerror=alert(2)>"
QUOTES = "\"'><svg onload=alert(3)>&lt;&amp;${x}{{y}}{% z %}$a_1$ [x](javascript:alert(4)) `"
REVERSED = "Acme \u202egnp.exe\u2066 \u202a"
LONG = "L" * 5_000 + " <i onclick=alert(5)>" + "W" * 4_979
FAILING = "<b onmouseover=alert(6)>fails</b>"
FORMULA = '=HYPERLINK("javascript:alert(7)","x")'
BRANDS = [SCRIPT, CLOSER, REVERSED, LONG, FAILING]
DIMENSION = 'seg<iframe src=javascript:alert(8)>ment" onfocus="alert(9)'
FILTER = "filter</dd><script>alert(10)</script>"
LEVELS = [QUOTES, FORMULA, "\u202emoc", "javascript:alert(11)"]
FILE = "<img src=x onerror=alert(12)> & 'own'.csv"
ANSWER = "<s>13</s>"  # short, as only codes are quoted on pages
REASON = "<a href=javascript:alert(14)>blank</a>"
TITLE = "Title </title><script>alert(15)</script> \u202e"
ERROR = "<script>alert(16)</script> \u202e \"'</li><img src=x onerror=alert(17)>"
NAME = "<script>alert(21)</script>"
CELL = f"if where.get('brand') == {FAILING!r}:\n    raise ValueError({ERROR!r})"
PROSE = "<script>alert(18)</script> <img src=x onerror=alert(19)> [link](javascript:alert(20))"

TAGS = """html head meta title link style body a div header h1 h2 h3 h4 bdi dl dt dd main nav p ol ul li small b strong
span table caption thead tbody tr th td figure figcaption svg desc g path rect circle use text defs details summary code
pre footer q section""".split()  # noqa: SIM905
ATTRIBUTES = """lang charset http-equiv content name rel href class id aria-label aria-labelledby aria-hidden focusable
role scope tabindex data-label viewbox fill font-family font-size style x y width height rx cx cy r d text-anchor
open""".split()  # noqa: SIM905
ELEMENTS = """() => [...document.querySelectorAll('*')].map(one => [
    one.localName, one.getAttributeNames().map(name => name.toLowerCase())])"""
LOOSE = r"""() => {
    const walk = document.createTreeWalker(document, NodeFilter.SHOW_TEXT), loose = [];
    while (walk.nextNode()) {
        const text = walk.currentNode.data;
        const block = walk.currentNode.parentElement.closest('bdi, pre');  // a block ends what its text began
        if (/[\u202a-\u202e\u2066\u2067]/.test(text) && !block && !/\u2068/.test(text))
            loose.push(walk.currentNode.parentElement.outerHTML.slice(0, 200));
    }
    return loose;
}"""

pytestmark = needs_chromium


def export(folder: Path) -> Path:
    rng = np.random.default_rng(7)
    months = ["2026-09-10", "2026-10-10"]
    frame = pd.DataFrame({
        "day": rng.choice(months, 1_500),
        "<b>brand</b>": rng.choice(BRANDS, 1_500),
        "seg'ment \"column\"": rng.choice(LEVELS, 1_500),
        "filter": FILTER,
        "score": rng.choice([*map(str, range(11)), "99", ANSWER], 1_500),
        "comment": rng.choice([SCRIPT, QUOTES, REVERSED], 1_500),
    })  # fmt: skip
    frame.to_csv(folder / FILE, index=False)
    return folder / FILE


def parameters(folder: Path, file: Path) -> Path:
    mapping = {
        "kind": "transactional",
        "columns": {"time": "day", "comment": "comment"},
        "items": {"nps": {"column": "score", "missing": {99: REASON}}},
        "dimensions": {"brand": "<b>brand</b>", DIMENSION: 'seg\'ment "column"', "only": "filter"},
    }
    given = {
        "name": "hostile", "title": TITLE, "source": file.name, "mapping": mapping, "metrics": ["nps"],
        "as_of": "2026-11-15", "for_each": ["brand"], "segments": [DIMENSION], "where": {"only": [FILTER]},
        "report": "notebooks/own.ipynb", "comments": 3,
        "benchmarks": [{"metric": "nps", "value": 40, "name": NAME, "source": QUOTES, "date": REVERSED}],
    }  # fmt: skip
    own = json.loads((browsing.ROOT / "notebooks" / "report.ipynb").read_text("utf-8"))
    cell = {"cell_type": "code", "execution_count": None, "id": "own", "metadata": {}, "outputs": [], "source": CELL}
    prose = {"cell_type": "markdown", "id": "prose", "metadata": {}, "source": f"## {PROSE}\n\n{PROSE}"}
    shout = {**cell, "id": "shout", "source": f"print({SCRIPT!r}, title)\nwhere"}
    own["cells"] += [prose, shout, cell]
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "own.ipynb").write_text(json.dumps(own), encoding="utf-8")
    path = folder / "hostile.yaml"
    path.write_text(yaml.safe_dump(given, allow_unicode=True, width=100_000), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    done = browsing.build(parameters(folder, export(folder)), folder / "shelf")
    assert done.returncode == 1, done.stderr  # one report fails on purpose
    assert "Traceback" not in done.stderr
    return folder / "shelf"


@pytest.fixture(scope="module")
def pages(shelf: Path) -> dict[str, Path]:
    jobs = json.loads((shelf / "manifest.json").read_text("utf-8"))["jobs"]
    assert {job["title"]: job["status"] for job in jobs} == {
        **dict.fromkeys(BRANDS, "done"), FAILING: "failed", "Overview": "done", "Data": "done"}  # fmt: skip
    return {job["title"]: shelf / job["file"] for job in jobs if job["file"]} | {"index": shelf / "index.html"}


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("mode", ["light", pytest.param("narrow", marks=pytest.mark.slow)])
def test_nothing_of_the_data_becomes_an_element(opened: Any, pages: dict[str, Path], mode: str) -> None:
    for title, page in pages.items():
        with looking(opened, page, mode) as (tab, seen):
            tab.mouse.move(200, 300)
            for name, attributes in tab.evaluate(ELEMENTS):
                assert name in TAGS, (title, name)
                assert set(attributes) <= set(ATTRIBUTES), (title, name, attributes)
            links = tab.eval_on_selector_all("a", "all => all.map(one => one.getAttribute('href'))")
            assert [
                link for link in links if not re.fullmatch(r"#[\w-]+|[\w-]+\.html|summary\.(?:xlsx|csv)", link)
            ] == [], title
            assert tab.locator("style").count() == 1
            assert tab.evaluate(LOOSE) == [], title
            assert seen.dialogs == seen.console == [], title
            assert seen.requests == [page.as_uri()], title
            assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"], title


def test_hostile_text_is_read_as_text(opened: Any, pages: dict[str, Path]) -> None:
    with looking(opened, pages[SCRIPT]) as (tab, _):
        said = tab.inner_text("body")
        assert SCRIPT in tab.title()
        assert SCRIPT in tab.inner_text("h1")
        quoted = tab.locator(".cx-quotes q").all_inner_texts()
        assert any(SCRIPT[:10] in text or QUOTES[:6] in text for text in quoted), quoted
    shown = [
        QUOTES,
        FORMULA,
        "javascript:alert(11)",
        DIMENSION[1:],
        FILTER,
        REASON,
        ANSWER,
        "<img src=x onerror=alert(19)>",
    ]
    assert [text for text in shown if re.sub(r"\s+", " ", text) not in re.sub(r"\s+", " ", said)] == []
    with looking(opened, pages["index"]) as (tab, _):
        said = tab.inner_text("body")
        assert tab.title().startswith("\u2068Title </title><script>alert(15)</script>")
    shown = [SCRIPT, CLOSER[:30], FAILING, FILE, "failed in cell"]
    assert [text for text in shown if text not in said] == []
    assert "onerror=alert(17)" not in said  # what an error says may quote answers


def test_a_very_long_name_is_cut_and_given_whole(opened: Any, pages: dict[str, Path]) -> None:
    with looking(opened, pages[LONG], "narrow") as (tab, _):
        assert len(tab.inner_text("h1 > bdi")) < 170
        assert LONG in tab.inner_text("header")
        assert len(tab.title()) < 170
        assert tab.locator("h1").bounding_box()["height"] < 290
    with looking(opened, pages["index"], "narrow") as (tab, _):
        assert LONG in tab.inner_text("body")
    assert max(len(page.name) for page in pages.values()) < 80


@browsing.needs_axe
@browsing.needs_validator
def test_hostile_pages_are_valid_and_accessible(opened: Any, pages: dict[str, Path]) -> None:
    assert validity(pages.values()) == []
    for title in (CLOSER, REVERSED, LONG, "index", "Overview"):
        with looking(opened, pages[title]) as (tab, _):
            tab.evaluate(AXE.read_text(encoding="utf-8"))
            found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == [], title


def test_no_text_of_the_files_beside_the_pages_is_a_formula(shelf: Path) -> None:
    table = pd.read_csv(shelf / "summary.csv", dtype=str)
    assert f"'{FORMULA}" in set(table[DIMENSION])
    text = [one for column in table for one in table[column].dropna()]
    assert [one for one in text if one[:1] in "=+@" or (one[:1] == "-" and not re.fullmatch(r"-[\d.e+-]+", one))] == []
