"""Every page of the demo run in a browser: accessible, valid, quiet, and whole on a narrow screen."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from browsing import AXE, MODES, browser, looking, needs_axe, needs_chromium, needs_validator, validity

AXE_RULES = {"resultTypes": ["violations"]}
CONTAINED = """() => {
    const wide = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll('body *')].filter(one => {
        // a banner table is moved sideways in its own frame
        if (one.closest('.cx-skip, thead, .cx-scroll > *') || one.closest('svg') !== null) return false;
        const box = one.getBoundingClientRect();
        return box.width > 0 && (box.right > wide + 1 || box.left < -1);
    });
    return out.slice(0, 3).map(one => one.outerHTML.slice(0, 120));
}"""
WIDER = """() => [...document.querySelectorAll('table')].filter(table =>
    !table.closest('.cx-scroll') &&
    table.getBoundingClientRect().right > table.parentElement.getBoundingClientRect().right + 1
).map(table => table.caption.innerText)"""
TOUCHING = """() => [...document.querySelectorAll('.cx-board thead tr')].flatMap(row => {
    const heads = [...row.cells].filter(cell => cell.offsetWidth).map(cell => {
        const held = document.createRange();
        held.selectNodeContents(cell);
        const box = held.getBoundingClientRect();
        return {words: cell.innerText, left: box.left, right: box.right};
    });
    return heads.slice(1).flatMap((head, i) => head.left - heads[i].right < 3 ? [heads[i].words + head.words] : []);
})"""
FIGURES = """() => [...document.querySelectorAll('figure')].map(one => {
    const drawn = one.querySelector(':scope > svg');
    const box = drawn ? drawn.getBoundingClientRect() : {width: 0, height: 0};
    const shown = drawn ? getComputedStyle(drawn) : {};
    const marks = drawn ? drawn.querySelectorAll('path, rect, use, circle, text').length : 0;
    return {id: one.id, drawn: !!drawn, width: box.width, height: box.height, marks,
            visible: shown.visibility === 'visible' && shown.display !== 'none',
            said: one.querySelector('figcaption').innerText};
})"""
CUT = """() => [...document.querySelectorAll('figure > svg')].flatMap(drawn => {
    const wide = document.documentElement.clientWidth;
    return [...drawn.querySelectorAll('text')].filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < 0 || box.right > wide;
    }).map(text => drawn.closest('figure').id + ': ' + text.textContent);
})"""
REFUSED = """() => new Promise(done => {
    const refused = [];
    document.addEventListener('securitypolicyviolation', event => {
        refused.push(event.effectiveDirective);
        if (refused.length === 3) done(refused.sort());
    });
    const script = document.createElement('script');
    script.textContent = 'document.title = "run"';
    document.body.append(script);
    const picture = new Image();
    picture.src = 'https://example.org/pixel.png';
    document.body.append(picture);
    fetch('https://example.org/').catch(() => null);
})"""

KINDS = {"index.html", "overview.html", "data.html", "why.html", "brimvale.html", "gildamar.html"}  # one of each
HEADS = {"how-sure-is-this", "who-moved", "audit-files", "what-is-associated-with-it"}

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def demo(shelf_of: Callable[..., Path]) -> Path:
    return shelf_of("demo")


@pytest.fixture(scope="module")
def pages(demo: Path) -> list[Path]:
    found = sorted(demo.glob("*.html"))
    assert {"index.html", "overview.html", "data.html", "brimvale.html"} <= {page.name for page in found}
    assert len(found) == 12
    return found


def shown(pages: list[Path], mode: str) -> list[Path]:
    """All pages on a wide screen in light, of the other modes one of each kind."""
    return [page for page in pages if mode == "light" or page.name in KINDS]


@needs_axe
@pytest.mark.parametrize("mode", MODES)
def test_axe_finds_no_violation(opened: Any, pages: list[Path], mode: str) -> None:
    source = AXE.read_text(encoding="utf-8")
    wrong = []
    for page in (one for one in pages if one.name in KINDS):
        with looking(opened, page, mode) as (tab, _):
            tab.evaluate(source)
            found = tab.evaluate("options => axe.run(document, options)", AXE_RULES)
            assert len(found["passes"]) > 10
            wrong += [
                f"{page.name}: {one['id']}: {one['help']}: {node['html'][:200]}: {node.get('failureSummary')}"
                for one in found["violations"]
                for node in one["nodes"]
            ]
    assert wrong == []


@needs_axe
def test_axe_would_find_a_violation(opened: Any, pages: list[Path]) -> None:
    with looking(opened, pages[0]) as (tab, _):
        tab.evaluate("document.querySelector('.cx-board small').style.color = '#ddd'")
        tab.evaluate("document.querySelector('figure > svg').removeAttribute('aria-labelledby')")
        tab.evaluate("document.querySelectorAll('figure > svg > title').forEach(one => one.remove())")
        tab.evaluate(AXE.read_text(encoding="utf-8"))
        found = {one["id"] for one in tab.evaluate("axe.run()")["violations"]}
    assert {"color-contrast", "svg-img-alt"} <= found


@needs_validator
def test_every_page_is_valid_html(pages: list[Path], tmp_path: Path) -> None:
    assert validity(pages) == []
    broken = tmp_path / "broken.html"
    broken.write_text(pages[0].read_text("utf-8").replace("</table>", "", 1), encoding="utf-8")
    assert validity([broken])


@pytest.mark.parametrize("mode", MODES)
def test_pages_are_quiet_and_whole(opened: Any, pages: list[Path], mode: str) -> None:
    for page in shown(pages, mode):
        with looking(opened, page, mode) as (tab, seen):
            assert tab.locator("script").count() == 0
            assert seen.requests == [page.as_uri()]
            assert seen.console == []
            width = MODES[mode]["viewport"]["width"]
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, page.name
            assert tab.evaluate(CONTAINED) == [], page.name
            assert tab.evaluate(WIDER) == [], page.name


@pytest.mark.parametrize("mode", MODES)
def test_every_figure_is_seen(opened: Any, pages: list[Path], mode: str) -> None:
    counted = {}
    for page in shown(pages, mode):
        with looking(opened, page, mode) as (tab, _):
            for figure in tab.evaluate(FIGURES):
                if not figure["drawn"]:
                    assert "nothing to draw" in figure["said"], (page.name, figure)
                    continue
                assert figure["visible"], (page.name, figure)
                assert figure["width"] > 250, (page.name, figure)
                assert figure["height"] > 60, (page.name, figure)
                assert figure["marks"] > 5, (page.name, figure)
                counted[page.name] = counted.get(page.name, 0) + 1
            assert tab.evaluate(CUT) == [], page.name
    assert counted["brimvale.html"] >= 9
    assert counted["overview.html"] >= 4


def test_a_place_of_which_nothing_may_be_shown_has_a_short_page(opened: Any, demo: Path) -> None:
    for name, why in (("gildamar", "fewer than 10 people answered"), ("hollistra", "No answer is used")):
        with looking(opened, demo / f"{name}.html") as (tab, _):
            said = tab.locator(".cx-unknown").inner_text()
            assert why in said
            assert "What would be needed: 10 people" in said
            assert tab.locator("figure, .cx-board, .cx-est, .cx-cmp").count() == 0
            heads = tab.locator("main > h2").all_inner_texts()
            assert heads == ["What was left out of the run", "Method and provenance"]


def test_comments_stand_on_the_pages_of_places_and_nowhere_else(opened: Any, demo: Path) -> None:
    with looking(opened, demo / "brimvale.html") as (tab, _):
        said = tab.locator(".cx-quotes q").all_inner_texts()
    assert len(said) == 6
    others = [demo / name for name in ("index.html", "overview.html", "summary.csv", "manifest.json")]
    texts = [other.read_text(encoding="utf-8") for other in others]
    with zipfile.ZipFile(demo / "summary.xlsx") as book:
        texts += [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
    assert [text for text in texts for comment in said if comment in text] == []


def test_a_browser_refuses_scripts_pictures_and_requests(opened: Any, pages: list[Path]) -> None:
    page = next(page for page in pages if page.name == "index.html")
    with looking(opened, page) as (tab, _):
        assert tab.evaluate(REFUSED) == ["connect-src", "img-src", "script-src-elem"]
        assert tab.title() != "run"


def test_a_web_server_is_asked_for_the_page_alone(opened: Any, demo: Path) -> None:
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(demo))

        def log_message(self, *_: Any) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        tab = opened.new_page()
        tab.goto(f"http://127.0.0.1:{server.server_port}/index.html", wait_until="networkidle")
        tab.click("text=Brimvale")
        tab.wait_for_load_state("networkidle")
        tab.close()
        server.shutdown()
    assert asked == ["/index.html", "/brimvale.html"]


def test_links_lead_somewhere(opened: Any, pages: list[Path]) -> None:
    for page in pages:
        with looking(opened, page) as (tab, _):
            links = tab.eval_on_selector_all("a[href]", "all => all.map(one => one.getAttribute('href'))")
            inside = [link[1:] for link in links if link.startswith("#")]
            other = [link for link in links if not link.startswith("#")]
            absent = tab.evaluate("keys => keys.filter(key => !document.getElementById(key))", inside)
            assert absent == [], page.name
            assert [link for link in other if not (page.parent / link).is_file()] == [], page.name
            bare = not tab.locator(".cx-board").count()  # of a place of which nothing may be shown
            assert bare or page.name == "index.html" or HEADS & set(inside)


@pytest.mark.parametrize("name", ["brimvale.html", "fennimoor.html", "overview.html", "data.html", "index.html"])
def test_nothing_is_cut_at_any_width(opened: Any, demo: Path, name: str) -> None:
    with looking(opened, demo / name) as (tab, _):
        for width in (320, 360, 390, 414, 430, 641, 768, 895, 897, 1024, 1152):
            tab.set_viewport_size({"width": width, "height": 800})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.evaluate(WIDER) == [], width
            assert tab.evaluate(TOUCHING) == [], width


def test_a_page_prints_on_paper_without_losing_its_numbers(opened: Any, pages: list[Path]) -> None:
    page = next(page for page in pages if page.name == "brimvale.html")
    with looking(opened, page) as (tab, _):
        tab.emulate_media(media="print")
        tab.set_viewport_size({"width": 680, "height": 1000})  # A4 between its margins
        assert tab.evaluate(WIDER) == []
        assert not tab.locator(".cx-toc").is_visible()
        assert tab.locator(".cx-board").first.is_visible()
        assert tab.locator("figure > svg").first.is_visible()
        assert tab.pdf(format="A4").startswith(b"%PDF")


PRINTED = """() => [...document.querySelectorAll('main details')].map(one => {
    const body = one.querySelector(':scope > :not(summary)');
    return {open: one.open, notes: one.className === 'cx-notes', inside: !!one.parentElement.closest('details'),
            shown: body.checkVisibility()};
})"""
SHEETS = re.compile(rb"/Type\s*/Page\b(?!s)")


@pytest.mark.parametrize("name", ["brimvale.html", "overview.html", "index.html"])
def test_paper_shows_what_is_open_and_how_numbers_were_made(opened: Any, demo: Path, name: str) -> None:
    tab = opened.new_page(viewport={"width": 680, "height": 1000})
    tab.goto((demo / name).as_uri())
    if name == "brimvale.html":
        assert len(SHEETS.findall(tab.pdf(prefer_css_page_size=True))) <= 4
        tab.evaluate("document.querySelector('.cx-fold').open = true")
    tab.emulate_media(media="print")
    tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    for one in tab.evaluate(PRINTED):
        assert one["inside"] or one["shown"] == (one["open"] or one["notes"]), one
    assert tab.locator("main > h2:has-text('How sure is this?')").is_visible() == (name == "brimvale.html")
    assert not tab.locator("main > h2:has-text('provenance'), main > h2:has-text('About this run')").is_visible()
    assert not tab.locator(".cx-toc").is_visible()
    tab.close()


@pytest.mark.parametrize("name", ["alderbruck-sohne.html", "brimvale.html", "eskavon.html"])
def test_the_first_sheet_holds_the_sentence_the_table_and_the_trend(opened: Any, demo: Path, name: str) -> None:
    tab = opened.new_page(viewport={"width": 680, "height": 1001})  # A4 between its margins
    tab.goto((demo / name).as_uri())
    tab.emulate_media(media="print")
    end = tab.locator("figure").first.bounding_box()
    assert end["y"] + end["height"] < 1001
    after = "one => getComputedStyle(one, '::after').content"
    apart = [tab.evaluate(after, one) for one in tab.query_selector_all("details.cx-notes p")]
    assert len(apart) > 3
    assert set(apart) == {'" "'}  # else the lines run together, as they stand in one line
    tab.close()


def test_a_link_of_the_contents_opens_the_section_that_it_leads_to(opened: Any, demo: Path) -> None:
    tab = opened.new_page(viewport={"width": 360, "height": 780})
    tab.goto((demo / "brimvale.html").as_uri())
    assert tab.locator(".cx-toc summary").is_visible()
    assert not tab.locator(".cx-toc a").first.is_visible()
    assert tab.locator(".cx-board b").first.bounding_box()["y"] < 780
    tab.click(".cx-toc summary")
    tab.click("text=What was left out of the run")
    assert tab.locator("text=Answers refused in the whole run").is_visible()
    head = tab.locator("main > h2:has-text('What was left out')").bounding_box()
    assert 0 <= head["y"] < 780
    tab.set_viewport_size({"width": 1280, "height": 900})
    assert tab.locator(".cx-toc a").first.is_visible()
    assert not tab.locator(".cx-toc summary").is_visible()
    tab.close()


def test_the_sections_of_the_data_are_numbered_as_in_the_contents(opened: Any, demo: Path) -> None:
    with looking(opened, demo / "data.html") as (tab, _):
        assert tab.locator("main > h2").count() == tab.locator(".cx-toc li").count() == 12


def test_a_phone_shows_how_large_a_change_is(opened: Any, demo: Path) -> None:
    with looking(opened, demo / "brimvale.html", "narrow") as (tab, _):
        size = tab.locator(".cx-board td.cx-changed small").first
        assert size.inner_text().startswith("−26 (")
        assert size.is_visible()


def test_a_page_names_the_places_that_moved_and_leads_there(opened: Any, demo: Path) -> None:
    with looking(opened, demo / "corvanto.html") as (tab, _):
        assert "Elsewhere: Brimvale (NPS lower)." in tab.locator(".cx-headline").inner_text()
        tab.click(".cx-headline a:has-text('Brimvale')")
        assert "the only brand shown to have moved" in tab.locator(".cx-lead").inner_text()
