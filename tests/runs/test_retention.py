"""The retention pages through the product: of the sample's customers, and of a real telephone company."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import browsing
import pytest
from bare import bare

DATA = browsing.ROOT.parent / "shared" / "data" / "telco"


@pytest.fixture(scope="module")
def page(shelf_of: Callable[..., Path]) -> Path:
    return shelf_of("retention") / "report.html"


@pytest.fixture(scope="module")
def real(shelf_of: Callable[..., Path]) -> Path:
    if not DATA.exists():
        pytest.skip("the telephone company's customers are not on this machine")
    return shelf_of("telco", "--set", f"data={DATA}") / "report.html"


def text(page: Path) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.read_text("utf-8"))))


def test_who_left_and_who_leaves_more_often(page: Path) -> None:
    said = text(page)
    assert "Churn is 1.69%" in said
    assert "n 19,334" in said
    assert re.search(
        r"under 7 [\d.]+% [\d. to]+ × 1\.64 1\.47 to 1\.84 < \.001 6\.2% 4\.9 to 7\.6 543 / 352 21,029 ▲ more", said
    )
    assert re.search(r"9 or more [^▼▲–]+▼ less often", said)
    assert "Associated, not caused: the groups may differ in more than this." in said
    assert "Stay: no evidence that any of 10 starts differs from the others." in said
    assert re.search(r"May 2026 444 100\.0% .{0,200} 92\.8% 90\.0% to 94\.8%; 412 ", said)
    assert "How long they stay, as a curve: not shown, no duration is among the metrics." in said


def test_real_customers(real: Path) -> None:
    said = text(real)
    assert "26.5%" in said
    assert "n 7,043" in said
    assert re.search(r"Month-to-month [^▼▲–]+▲ more often", said)
    assert re.search(r"Month-to-month .{,150} 17\.43 months 17\.13 to 17\.73 3,875", said)  # restricted mean of 24
    assert re.search(r"Time as a customer, one quarter: \d+% within 48.months", said)


@browsing.needs_chromium
@browsing.needs_axe
def test_axe_finds_nothing(page: Path, real: Path) -> None:
    with browsing.browser() as opened:
        for one in (page, real):
            said = bare(one.read_text("utf-8"))
            assert [fault for fault in said if "too few have ended to tell the value" not in fault] == []  # no score
            with browsing.looking(opened, one) as (tab, _):
                tab.evaluate(browsing.AXE.read_text("utf-8"))
                assert [found["help"] for found in tab.evaluate("axe.run()")["violations"]] == []
