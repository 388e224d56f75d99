"""The service report through the product: a page per channel, curves, promises and targets."""

from __future__ import annotations

import re
from pathlib import Path

import browsing
import pytest
from bare import bare


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("service") / "www" / "shelf"
    done = browsing.build(browsing.ROOT / "params" / "service.yaml", out)
    assert done.returncode == 0, done.stderr
    return out


def test_pages_tell_curves_promises_and_targets(shelf: Path) -> None:
    page = (shelf / "phone.html").read_text("utf-8")
    assert re.search(r"First response, 2026-09: \d+% within 5.min", page)
    assert 'id="curve-full-resolution' in page
    assert "by region: share that had ended after a time" not in page  # one is hidden: its curve would be the rest
    assert "above" in page[: page.index("How long it takes</h2>")]
    assert re.search(r'href="chat.html">.*?href="social.html">', (shelf / "index.html").read_text("utf-8"), re.DOTALL)


def test_no_score_is_bare(shelf: Path) -> None:
    assert {page.name: found for page in shelf.glob("*.html") if (found := bare(page.read_text("utf-8")))} == {}
    page = (shelf / "phone.html").read_text("utf-8")
    taken = re.sub(r"(<td[^>]*>\d+%) <small>\d+% to \d+%</small>", r"\1", page, count=1)
    assert taken != page
    assert any("curve: no interval" in fault for fault in bare(taken))


@browsing.needs_chromium
@browsing.needs_axe
def test_axe_finds_nothing(shelf: Path) -> None:
    with browsing.browser() as opened, browsing.looking(opened, shelf / "phone.html") as (tab, seen):
        tab.evaluate(browsing.AXE.read_text("utf-8"))
        assert [one["help"] for one in tab.evaluate("axe.run()")["violations"]] == []
        assert len(seen.requests) == 1
