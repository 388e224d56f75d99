"""No score on a page of the demo run stands without base, interval and method; and the walker can fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from bare import bare, scores


@pytest.fixture(scope="module")
def demo(shelf_of: Callable[..., Path]) -> Path:
    return shelf_of("demo")


@pytest.fixture(scope="module")
def brand(demo: Path) -> str:
    return (demo / "brimvale.html").read_text(encoding="utf-8")


def test_the_words_of_the_demo_name_no_part_that_moved_as_all_did(demo: Path) -> None:
    """All of Brimvale fell by 32 points, and no other brand moved: that is how the sample is made."""
    told = {page.name: _claims(page.read_text(encoding="utf-8")) for page in demo.glob("*.html")}
    assert not [claim for claims in told.values() for claim in claims if ", too" in claim]
    assert told["brimvale.html"][1] == "– In all parts: no evidence that NPS changed differently by channel or region"
    named = [level for level in ("store", "e-mail", "North", "East") if level in " ".join(told["brimvale.html"])]
    assert named == []
    assert told["overview.html"][1].startswith(
        "▼ Brimvale accounts for the fall of NPS (−5.9 of −8.7 points); the other"
    )


def _claims(page: str) -> list[str]:
    """The findings of a page without their proofs."""
    found = re.search(r'<ol class="cx-findings">(.*?)</ol>', page, re.DOTALL)
    return [
        unescape(re.sub(r"<[^>]+>", "", claim)) for claim in re.findall(r"<li><p>(.*?)</p>", found[1] if found else "")
    ]


def test_no_score_of_the_demo_run_is_bare(demo: Path) -> None:
    pages = sorted(demo.glob("*.html"))
    assert len(pages) == 12
    counted = {}
    for page in pages:
        content = page.read_text(encoding="utf-8")
        assert bare(content) == [], page.name
        counted[page.name] = scores(content)
    short = {counted.pop(page) for page in ("gildamar.html", "hollistra.html")}
    assert short == {0}  # nothing may be shown there
    assert min(counted.values()) >= 5
    assert counted["brimvale.html"] > 200
    assert counted["index.html"] > 40


def once(pattern: str, by: str = "") -> Callable[[str], str]:
    def change(page: str) -> str:
        made, number = re.subn(pattern, by, page, count=1, flags=re.DOTALL)
        assert number == 1, pattern
        return made

    return change


MUTATIONS = {
    "a line of the first table without its interval": (once(r"(</b> )<small>[^<]*</small>", r"\1"), "no interval"),
    "a line of the first table without its base": (once(r"<small>n\s[^<]*</small>"), "no base"),
    "a headline without its table": (once(r'<div class="cx-table cx-board">.*?</table>'), "headline: no table"),
    "a change without its test": (once(r'(<p class="cx-proof">[^<;]*); [^<]*', r"\1"), "no test"),
    "a finding without its bases": (once(r"; n\s[\d,]+ [^<]*? in October 2026, n\s[^<]*?(?=</p></li>)"), "no bases"),
    "findings without a method": (once(r'<p class="cx-notes">Method: .*?</p>'), "no method"),
    "a row without its interval": (once(r"(<td>[\d.]+ points</td>)<td>[^<]*</td>", r"\1<td></td>"), "no interval"),
    "a row without its base": (once(r"(points</td><td>[^<]*</td>)<td>.*?</td>", r"\1<td></td>"), "no base"),
    "a table without a method": (once(r"<p>Intervals: [^<]*</p>"), "no method"),
    "shares without a word on them": (once("they are described: no interval, no test"), "no words"),
    "a matrix without an interval": (
        once(r"(<td class=\"cx-apart\"><b>[^<]*</b> <small>)[^<]*(, n\s[^<]*</small>)", r"\1\2"),
        "no interval",
    ),
    "a matrix without a base": (
        once(r"(<td class=\"cx-apart\"><b>[^<]*</b> <small>[^<]*), n\s[^<]*</small>", r"\1</small>"),
        "no base",
    ),
    "a banner without an interval": (once(r"(<td>[−\d.]+) <small>[^<]* to [^<]*</small>", r"\1"), "no interval"),
    "a banner without a base": (once(r"( base</th>)<td>[^<]*</td>", r"\1<td></td>"), "no base"),
    "a difference to all others without its interval": (
        once(r"(Against all others</caption>.*?<td>[^<]*</td>)<td>[^<]*</td>", r"\1<td></td>"),
        "no interval",
    ),
    "a figure without its table": (once(r"<details><summary>Table of this figure.*?</details>"), "no table"),
    "a figure whose text is bare": (once(r"(: [\d.]+ points) \([^<]*?\)\)(?=;)", r"\1"), "no interval"),
    "a score in the prose": (once("</main>", "<p>The NPS has risen to 45.</p></main>"), "elsewhere: no base"),
    "a share in the prose": (once("</main>", "<ul><li>62% were happy.</li></ul></main>"), "elsewhere: no base"),
    "a score in a heading": (once("</main>", "<h2>Up to 3.25</h2></main>"), "elsewhere: no interval"),
    "a score in a note": (
        once(r'(<figure.*?<div class="cx-notes">)', r"\1<p>All: 33 points.</p>"),
        "no interval",
    ),
}


@pytest.mark.parametrize("what", MUTATIONS)
def test_the_walker_sees_a_bare_score(brand: str, what: str) -> None:
    change, said = MUTATIONS[what]
    faults = bare(change(brand))
    assert faults
    assert any(said in fault for fault in faults), faults
