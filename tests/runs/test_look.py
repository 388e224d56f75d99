"""The look of a shelf: its colour can be read in light and in dark, its logo is part of every page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browsing
import pytest
from small import write_night

import cxkit as cx
from cxkit.runs import look

MARK = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 1"><rect width="3" height="1" fill="#7a1f5c"/></svg>'
LOOK = 'look: {accent: "#7A1F5C", logo: brand.svg, alt: Acme & Co}\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("look")
    (folder / "brand.svg").write_text(MARK, encoding="utf-8")
    cx.run(write_night(folder, LOOK), folder / "www" / "shelf")
    return folder


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browsing.browser() as chromium:
        yield chromium


@browsing.needs_chromium
@browsing.needs_axe
@pytest.mark.parametrize("mode", ["light", "dark", "narrow"])
def test_every_page_has_the_look_and_can_be_read(opened: Any, project: Path, mode: str) -> None:
    pages = sorted((project / "www" / "shelf").glob("*.html"))
    assert len(pages) == 5
    for page in pages if mode == "light" else pages[:2]:
        tab = opened.new_page(**browsing.MODES[mode])
        seen = browsing.Seen(tab)
        tab.goto(page.as_uri())
        assert tab.get_by_alt_text("Acme & Co").evaluate("one => one.naturalWidth") > 0
        line = tab.locator(".cx-header").evaluate("one => getComputedStyle(one).borderTopColor")
        assert (line == "rgb(122, 31, 92)") == (mode != "dark")
        assert seen.requests[0] == page.as_uri()
        assert all(one.startswith("data:") for one in seen.requests[1:])
        tab.evaluate(browsing.AXE.read_text("utf-8"))
        assert [one["help"] for one in tab.evaluate("axe.run()")["violations"]] == []


def test_a_look_of_another_colour_makes_the_pages_anew(project: Path) -> None:
    parameters = project / "night.yaml"
    again = cx.run(parameters, project / "www" / "shelf")
    assert {job["status"] for job in again["jobs"]} == {"unchanged"}
    parameters.write_text(parameters.read_text(encoding="utf-8").replace("7A1F5C", "1F5C2A"), encoding="utf-8")
    changed = cx.run(parameters, project / "www" / "shelf")
    assert {job["status"] for job in changed["jobs"]} == {"done"}
    assert "#1F5C2A" in (project / "www" / "shelf" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('accent: "#ffd700"', r"look.accent: '#ffd700' has a contrast of 1.3 .* links need 4.5; '#[0-9a-f]{6}' has it"),
        ("accent: blue", r"look.accent: .*#"),
        ("logo: none.svg", r"look.logo: .*none.svg: cannot be read: No such file"),
        ("logo: night.yaml", r"look.logo: .*night.yaml: expected one of .svg, .png"),
        ("logo: large.png", r"look.logo: .*large.png: has 30,001 bytes"),
    ],
)
def test_a_look_that_cannot_be_is_refused(tmp_path: Path, said: str, told: str) -> None:
    (tmp_path / "large.png").write_bytes(b"0" * 30_001)
    with pytest.raises(cx.CxError, match=told):
        cx.run(write_night(tmp_path, f"look: {{{said}}}\n"), tmp_path / "www" / "shelf")
    assert not (tmp_path / "www").exists()


def test_contrast_is_that_of_the_standard() -> None:
    # The examples of the W3C's "Understanding 1.4.3" and of its technique G18: #777 on white just fails.
    assert look.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    assert look.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert all(
        look.contrast(look.readable(f"#{r}{g}{b}", paper), paper) >= look.READABLE
        for paper in look.PAPERS
        for r in ("00", "80", "ff")
        for g in ("00", "80", "ff")
        for b in ("00", "80", "ff")
    )
