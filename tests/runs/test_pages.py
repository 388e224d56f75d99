from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxkit import show
from cxkit.metrics import METRICS
from cxkit.runs.pages import index, page
from cxkit.show.html import absent

SCRIPT = '<script>alert(1)</script> & Söhne "AG"'
NPS = {"nps": METRICS["nps"]}
MONTHS = [f"2026-{month:02d}" for month in range(1, 11)]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


def series(brand: str = "Acme", dimension: str = "brand") -> pd.DataFrame:
    rows = [
        {"metric": "nps", "period": month, dimension: brand, "n": 200 + 9 * i, "n_eff": 180.0, "value": 30.0 + i,
         "low": 20.0 + i,
         "high": 39.0 + i, "level": 0.95, "method": "score interval", "note": ""}
        for i, month in enumerate(MONTHS)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def moves(brand: str = "Acme") -> pd.DataFrame:
    row = {"metric": "nps", "brand": brand, "now": "2026-10", "before": "2026-09", "n": 281, "n_before": 272,
    "n_eff": 180.0,
           "n_eff_before": 180.0, "change": 9.0, "low": 1.0, "high": 17.0, "pvalue": 0.03, "pvalue_adj": 0.03,
           "family": 1,
           "detectable": 12.0, "verdict": "changed", "level": 0.95, "method": "MOVER of score limits",
           "note": ""}  # fmt: skip
    return pd.DataFrame([row])


def shown(*parts: object) -> Any:
    outputs = [new_output("display_data", data={"text/html": str(part), "text/plain": repr(part)}) for part in parts]
    return new_code_cell("secret_code()", outputs=outputs, execution_count=1)


def report(brand: str = "Acme") -> Any:
    return new_notebook(cells=[
        new_markdown_cell("# Customer-experience report\n\nSet the parameters and run all cells."),
        shown(show.header(brand, now="2026-10", before="2026-09", where={"brand": brand})),
        new_markdown_cell("## At a glance"), shown(show.board(series(brand), moves(brand), NPS, "2026-10")),
        new_markdown_cell("## What changed"), shown(show.findings(moves(brand), NPS)),
        new_markdown_cell("## Over *time*"), shown(show.trend(series(brand), NPS["nps"], moves(brand))),
    ])  # fmt: skip


def printed(*outputs: Any) -> str:
    return page(new_notebook(cells=[new_code_cell("x", outputs=list(outputs))]), title="T")


class Text(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.words, self.tags, self.silent = "", [], False
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.silent = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.silent = False

    def handle_data(self, data: str) -> None:
        self.words += "" if self.silent else data


def test_a_page_is_one_file_that_loads_nothing_and_runs_nothing():
    made = page(report(), title="Acme", lang="de")
    assert made.startswith('<!DOCTYPE html>\n<html lang="de">')
    assert "<title>Acme</title>" in made
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in made
    assert re.findall(r"<(script|iframe|object|embed|form)\b", made) == []
    assert re.findall(r"<link\b.*?>", made) == ['<link rel="icon" href="data:,">']  # else a browser asks for an icon
    assert re.findall(r"\bsrc=|https?://|@import|url\((?!#)", made) == []
    assert len(made.encode()) < 40_000


def test_code_and_the_notebooks_own_title_are_left_out():
    text = Text(page(report(), title="Acme")).words
    assert "secret_code" not in text
    assert "Customer-experience report" not in text
    assert "Set the parameters" not in text


def test_one_first_heading_a_skip_link_and_contents_from_the_headings():
    made = page(report(), title="Acme")
    assert made.count("<h1") == 1
    assert made.index('href="#main"') < made.index("<header") < made.index("<nav") < made.index('<main id="main">')
    contents = re.findall(r'<li><a href="#([^"]+)">(.*?)</a></li>', made)
    assert contents == [("at-a-glance", "At a glance"), ("what-changed", "What changed"), ("over-time", "Over time")]
    assert all(f'<h2 id="{key}">' in made for key, _ in contents)
    assert "<h1><bdi>T &lt;</bdi></h1>" in page(new_notebook(cells=[]), title="T <")


def test_a_hostile_brand_shows_as_text():
    made = page(report(SCRIPT), title=SCRIPT)
    assert "<script" not in made
    read = Text(made)
    assert read.words.count(SCRIPT) >= 3  # title, heading, place
    assert "alert(1)</script>" in read.words


def test_prose_is_markdown_in_which_html_is_text():
    cell = new_markdown_cell(
        "A <img src=x onerror=alert(1)> *word*\n\n<script>alert(2)</script>\n\n"
        "[x](javascript:alert(3)) $a_1$ and 5 $ < 6 $"
    )
    made = page(new_notebook(cells=[cell]), title="T")
    read = Text(made)
    assert "<script" not in made
    assert "img" not in read.tags
    assert 'href="javascript:' not in made
    assert "<em>word</em>" in made
    assert "<img src=x onerror=alert(1)>" in read.words
    assert "MathJax" not in made


def test_a_section_of_which_the_only_output_is_empty_goes():
    output = new_output("display_data", {"text/html": '<div class="cx-empty"></div>'})
    cells = [new_markdown_cell("## Words"), new_code_cell("1", outputs=[output]), new_markdown_cell("## More")]
    made = page(new_notebook(cells=cells), title="T")
    assert "Words" not in made
    assert "More</h2>" in made


def test_a_section_that_the_data_do_not_allow_is_a_line():
    output = new_output("display_data", {"text/html": absent("no duration is measured")})
    cells = [new_markdown_cell("## How *long*"), new_code_cell("1", outputs=[output]), new_markdown_cell("## More")]
    made = page(new_notebook(cells=cells), title="T")
    assert '<p class="cx-notes">How <em>long</em>: not shown, no duration is measured.</p>' in made
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", made) == ["More"]


def test_sections_of_reference_are_folded_and_open_where_a_link_leads():
    words = {"## All numbers\n\nTable": ["reference"], "## More": [], "## Method and *provenance*": ["reference", "x"]}
    cells = [new_markdown_cell(text, metadata={"tags": tags}) for text, tags in words.items()]
    made = page(new_notebook(cells=cells), title="T")
    opened = (
        '<details class="cx-fold"><summary>Show this part</summary><div id="all-numbers"><p>Table</p></div></details>'
    )
    assert f"<h2>All numbers</h2>{opened}" in made
    assert '<h2 id="more">More</h2>' in made
    assert made.count('class="cx-fold"') == 2
    assert re.findall(r'<li><a href="#([^"]+)">', made) == ["all-numbers", "more", "method-and-provenance"]


def test_a_page_leads_to_other_pages_of_its_run():
    made = page(report(), title="T", links={"index.html": "All reports", 'a"b.html': "<b>"})
    assert '<a href="index.html">All reports</a> · <a href="a%22b.html">&lt;b&gt;</a>' in made
    assert "In the folder of this page" not in page(report(), title="T")


def test_a_title_on_the_sheets_of_paper_cannot_leave_its_quotes():
    made = page(report(), title='a"}</style> é')
    assert '@top-left{content:"a\\000022\\00007d\\00003c\\00002fstyle\\00003e\\000020\\0000e9"}' in made


def test_the_stylesheet_is_small_and_whole():
    made = page(report(), title="T")
    style = made[made.index("<style>") : made.index("</style>")]
    assert 'content:counter(page) " / " counter(pages)' in style
    assert '"Segoe UI"' in style
    assert style.count("{") == style.count("}")
    assert not re.search(r"[;,{}] |;}|/\*", re.sub(r'"[^"]*"', "", style))


def test_drawings_leave_to_the_page_what_its_stylesheet_says():
    made = page(report(), title="T")
    assert "var(--cx-line)" in made
    assert ",#" not in made
    assert "font-size=" not in made


def test_repeated_headings_get_ids_of_their_own():
    made = page(new_notebook(cells=[new_markdown_cell("## Same\n\n## Same\n\n### Same\n\n## 日本")]), title="T")
    ids = re.findall(r'<h\d id="([^"]+)"', made)
    assert ids[:3] == ["same", "same-2", "same-3"]
    assert len(set(ids)) == 4


def test_a_figure_that_is_shown_twice_keeps_its_references():
    figure = show.trend(series(), NPS["nps"])
    made = page(new_notebook(cells=[shown(figure, figure)]), title="T")
    ids = re.findall(r'\bid="([^"]+)"', made)
    assert len(ids) == len(set(ids))
    assert {"trend-nps", "trend-nps-2"} <= set(ids)
    referred = re.findall(r'href="#([^"]+)"', made) + " ".join(re.findall(r'aria-labelledby="([^"]+)"', made)).split()
    assert set(referred) <= set(ids)


def test_a_link_whose_figure_is_missing_becomes_text():
    made = page(new_notebook(cells=[shown(show.findings(moves(), NPS))]), title="T")
    assert "NPS increased by 9.0 points" in made
    assert "score-nps" not in made
    assert '<a href="#score-nps">' in page(report(), title="T")


def test_text_and_streams_are_escaped():
    made = printed(new_output("stream", name="stdout", text="<b>\x1b[31mred\x1b[0m\n"),
                   new_output("execute_result", data={"text/plain": "<i>"}, execution_count=1))  # fmt: skip
    assert "<pre" in made
    assert "&lt;b&gt;red" in made
    assert "&lt;i&gt;" in made
    assert "\x1b" not in made


def test_results_and_displays_are_shown_as_html_once():
    data = {"text/html": "<p class='mine'>x</p>", "text/plain": "plain"}
    made = printed(new_output("execute_result", data=data, execution_count=1), new_output("display_data", data=data))
    assert made.count("<p class='mine'>x</p>") == 2
    assert "plain" not in Text(made).words


def test_pictures_of_the_notebooks_own_are_embedded_with_their_text():
    png = base64.b64encode(b"\x89PNG").decode()
    made = printed(new_output("display_data", data={"image/png": png}, metadata={"alt": 'a "plot"'}),
                   new_output("display_data", data={"image/svg+xml": "<svg onload='x'/>"}))  # fmt: skip
    assert f'<img src="data:image/png;base64,{png}" alt="a &quot;plot&quot;">' in made
    assert "onload" not in made
    assert "Picture without a description" in made


def test_an_error_is_no_page():
    output = new_output("error", ename="KeyError", evalue="x", traceback=["secret"])
    with pytest.raises(ValueError, match=r"cell 1 holds an error \(KeyError\)"):
        printed(output)


def test_a_script_is_no_page():
    with pytest.raises(ValueError, match="cell 1 prints a <SCRIPT>, which no page may hold"):
        printed(new_output("display_data", data={"text/html": "<SCRIPT >x</SCRIPT>"}))


def test_the_same_notebook_gives_the_same_bytes():
    assert page(report(), title="Acme") == page(report(), title="Acme")


def test_dollars_and_braces_in_the_data_are_kept():
    made = page(report("$body {{ x }} {% y %} ${title}"), title="$title {{ x }}")
    assert "$body {{ x }} {% y %} ${title}" in Text(made).words
    assert "<title>$title {{ x }}</title>" in made


def test_the_index_lists_reports():
    job = {"name": "acme", "title": SCRIPT, "kind": "report", "where": {"brand": SCRIPT}, "status": "done",
    "file": "acme.html",
           "sha256": "0", "seconds": 1.0, "error": None, "why": None}  # fmt: skip
    manifest = {"name": "demo", "title": "Demo", "as_of": "2026-11-15", "now": "2026-10", "before": "2026-09",
    "jobs": [job], "lang": "fr",
                "data": [], "refused": [], "packages": {}, "filters": {}}  # fmt: skip
    summary = pd.concat(
        [series(SCRIPT).assign(report="acme", part="estimate"), moves(SCRIPT).assign(report="acme", part="comparison")]
    )
    made = index(summary, manifest, NPS)["index.html"]
    assert '<html lang="fr">' in made
    assert "<script" not in made
    assert 'href="acme.html"' in made
    for words in (SCRIPT, "39.0", "29.0 to 48.0", "▲ increased", "n\xa0281 (180)"):
        assert words in Text(made).words
    assert made == index(summary, manifest, NPS)["index.html"]


def test_importing_pages_does_not_load_nbconvert():
    code = "import sys, cxkit, cxkit.runs.pages; print([m for m in ('nbconvert', 'papermill') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_it_without_asking_for_anything(tmp_path, width):
    from playwright.sync_api import sync_playwright

    long = "Customers of a region with a rather long name, number "
    parts = pd.concat([series(f"{long}{i}", "region")[-1:] for i in range(40)])
    cells = [
        *report(SCRIPT).cells,
        shown(show.segments(parts, None, NPS["nps"], "region"), show.estimates_table(parts, NPS)),
    ]
    file = tmp_path / "a page.html"
    file.write_text(page(new_notebook(cells=cells), title=SCRIPT), encoding="utf-8")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
        asked: list[str] = []
        said: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.on("dialog", lambda dialog: said.append(dialog.message))
        tab.goto(file.as_uri())
        sizes = tab.eval_on_selector_all("figure > svg", "all => all.map(one => one.getBoundingClientRect().height)")
        assert asked == [file.as_uri()]
        assert said == []
        assert tab.title() == SCRIPT
        assert tab.inner_text("h1") == SCRIPT
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert len(sizes) == 3  # the trend, and forty rows in two drawings
        assert min(sizes) > 100
        browser.close()
