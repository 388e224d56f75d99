"""Tables are sorted by a click where a notebook shows them, and are still on a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import browsing
import nbformat
import pandas as pd
import pytest

import cxkit as cx
from cxkit.runs import pages
from cxkit.show.html import script, still
from cxkit.show.tables import table

ROWS = [
    ("Channel 10", "−3.2 pp", "1,200 / 9", ".75", "12.0 to 18.0"),
    ("Channel 2", "+12 pp", "990 / 8", "< .001", "−4.0 to 2.0 (alone)"),
    ("Äther", "none", "hidden / 7", "", "no interval"),
    ("Zebra", "+1.0 pp", "20 / 2", ".001", "3.0 to 9.0"),
]
HEADS = ["Name", "Change", "Bases", "p", "Interval"]


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browsing.browser() as chromium:
        yield chromium


@pytest.fixture
def tab(opened: Any) -> Iterator[Any]:
    made = table(HEADS, [[(cell, "cx-n" if i else "") for i, cell in enumerate(row)] for row in ROWS], "Numbers")
    tab = opened.new_page()
    tab.set_content(f"<main>{made._repr_html_()}{made._repr_html_()}</main>")  # two outputs of one notebook
    yield tab
    tab.close()


def names(tab: Any, which: int = 0) -> list[str]:
    return [text.split()[-1] for text in tab.locator("table").nth(which).locator("tbody th").all_inner_texts()]


@browsing.needs_chromium
@pytest.mark.parametrize(
    ("head", "up", "down"),
    [
        ("Name", ["Äther", "2", "10", "Zebra"], ["Zebra", "10", "2", "Äther"]),
        ("Change", ["10", "Zebra", "2", "Äther"], ["2", "Zebra", "10", "Äther"]),
        ("Bases", ["Zebra", "2", "10", "Äther"], ["10", "2", "Zebra", "Äther"]),
        ("p", ["2", "Zebra", "10", "Äther"], ["10", "Zebra", "2", "Äther"]),
        ("Interval", ["2", "Zebra", "10", "Äther"], ["10", "Zebra", "2", "Äther"]),
    ],
)
def test_a_click_sorts_by_number_or_name_and_what_is_absent_stays_last(
    tab: Any, head: str, up: list[str], down: list[str]
) -> None:
    cell = tab.locator("table").first.locator("thead th").nth(HEADS.index(head))
    for order, expected in (("ascending", up), ("descending", down), (None, ["10", "2", "Äther", "Zebra"])):
        cell.locator("button").click()
        assert (cell.get_attribute("aria-sort"), names(tab)) == (order, expected)
    assert names(tab, 1) == ["10", "2", "Äther", "Zebra"]  # the other table


@browsing.needs_chromium
def test_a_keyboard_sorts_too_and_one_heading_at_a_time_says_so(tab: Any) -> None:
    for key in ("Tab", "Enter", "Tab", "Space"):
        tab.keyboard.press(key)
    assert tab.locator("[aria-sort]").all_inner_texts() == ["Change\u00a0↑"]
    assert tab.get_by_role("button", name="Change").count() == 2


@browsing.needs_chromium
def test_results_sort_themselves_without_an_error(opened: Any) -> None:
    tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    moves = cx.compare(tallies, "2026-10", "2026-09", by=["brand"])
    shown = [moves, cx.estimate(tallies, by=["brand"], periods=["2026-10"]), tallies]
    errors: list[str] = []
    tab = opened.new_page()
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.set_content("".join(one._repr_html_() for one in shown))
    tab.get_by_role("button", name="Change").click()
    assert tab.locator(".cx-cmp tbody th").first.inner_text() == "Brimvale"
    assert tab.locator("th button").count() == 7 + 5 + 6
    tab.close()
    assert errors == []


def executed(markup: str) -> nbformat.NotebookNode:
    output = nbformat.v4.new_output("execute_result", {"text/html": markup, "text/plain": ""}, execution_count=1)
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[output], execution_count=1)])


def test_a_page_leaves_the_script_out_and_is_the_same_without_it() -> None:
    made = table(["a", "b"], [[("1", ""), ("2", "")]], "Numbers")
    assert script() in made._repr_html_()
    page = pages.page(executed(made._repr_html_()), title="t")
    assert "<script" not in page
    assert page == pages.page(executed(str(made)), title="t")


@pytest.mark.parametrize(
    "markup",
    [
        "<script>1</script>",
        f"<scr{script()}ipt>1</script>",
        "<script data-cx-sort>a<b</script>",
        "<script data-cx-sort src='x'></script>",
    ],
)
def test_no_other_script_gets_past(markup: str) -> None:
    with pytest.raises(ValueError, match="prints a <script>"):
        pages.page(executed(markup), title="t")


def test_the_script_ends_where_it_says() -> None:
    assert script().count("<") == 2
    assert still(f"a{script()}b") == "ab"
    assert script() not in table(["a"], [], "x")  # added where it is shown, never to what is made


def test_a_frame_is_a_table_only_while_it_has_all_that_stands_beside_a_score() -> None:
    tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    scores = cx.estimate(tallies, by=["brand"])
    assert 'class="cx-table cx-est"' in scores._repr_html_()
    assert f"The first 60 of {len(scores)} rows." in scores._repr_html_()
    assert 'class="cx-table' in scores[scores["brand"] == "Brimvale"]._repr_html_()
    for other in (scores[["brand", "value"]], scores[:0], pd.concat([scores, scores])):
        assert 'class="dataframe"' in other._repr_html_()


def test_tallies_say_all_and_whole_numbers() -> None:
    shown = still(cx.tally(cx.read("sample"), ["nps"], by=["brand"])._repr_html_())
    assert ">all<" in shown
    assert "NaN" not in shown
    assert ">0.0<" not in shown
