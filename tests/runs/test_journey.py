"""The page on journeys through the product: each section says what its table holds, and the workbook has all of it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import browsing
import openpyxl
import pandas as pd
import pytest
from bare import bare


@pytest.fixture(scope="module")
def shelf(shelf_of: Callable[..., Path]) -> Path:
    return shelf_of("journey")


def text(page: Path) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.read_text("utf-8"))))


def test_the_page_says_where_it_breaks_for_whom_and_where_not(shelf: Path) -> None:
    said = text(shelf / "report.html")
    assert re.search(r"Weakest links, not told apart: pay [\d.]+%, use [\d.]+%, maintain [\d.]+%\.", said)
    assert "CSAT by moment and channel: no cell of 25 differs from what both predict." in said
    assert re.search(
        r"With no evidence of difference, a difference under about \S+ to \d+ percentage points could", said
    )
    assert re.search(r"CSAT, channel used preferred: \+8\.\d pp against all others inside the same touchpoint \(", said)
    assert re.search(r"The same in both: web [\d.]+%, phone [\d.]+%, .{,120} social [\d.]+%\.", said)
    assert re.search(r"none within 30 days [\d.]+% [\d.]+% to [\d.]+%, n 2,515", said)
    assert "Associated, not caused" in said
    assert "happier" not in said.replace("would be happier in another channel: who chose it", "")


def test_the_workbook_and_the_table_have_every_part(shelf: Path) -> None:
    book = openpyxl.load_workbook(next(shelf.glob("*.xlsx")), read_only=True)
    assert {"Against the margins", "Like with like", "From one to the next", "Weakest links"} <= set(book.sheetnames)
    summary = pd.read_csv(shelf / "summary.csv")
    assert summary["part"].value_counts()[["margins", "flows", "standardised", "weakest"]].tolist() == [40, 94, 1, 5]
    hidden = summary[summary["part"].eq("flows") & summary["n"].isna()]
    assert hidden[["share", "share_low", "value", "low"]].isna().all(axis=None)
    assert len(hidden)


@browsing.needs_chromium
@browsing.needs_axe
def test_axe_finds_nothing(shelf: Path) -> None:
    with browsing.browser() as opened:
        page = shelf / "report.html"
        assert bare(page.read_text("utf-8")) == []
        with browsing.looking(opened, page) as (tab, _):
            tab.evaluate(browsing.AXE.read_text("utf-8"))
            assert [found["help"] for found in tab.evaluate("axe.run()")["violations"]] == []
