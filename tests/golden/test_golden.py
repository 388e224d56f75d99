"""What reports say stays what it was, number by number and sentence by sentence, until a commit changes it on purpose.

A difference is printed as the lines that were (-) and are (+), each with its file, section, table, row and column. Is
it meant, `python tests/golden/write.py` writes it down, and the commit says what changed and why.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import reading
import shelves

SHARED = {"demo": ["demo"], "airport": ["sfo", "--set", f"data={shelves.AIRPORT}"]}
PRINTED = 120  # lines; the rest is counted
HELP = (
    "Meant? python tests/golden/write.py {0}, and say in the commit what changed and why. What is behind a hash: "
    "python tests/golden/write.py {0} --whole DIR at both commits, then diff -r."
)


@pytest.mark.parametrize("shelf", shelves.SHELVES)
def test_a_shelf_says_what_it_said(shelf: str, tmp_path: Path, shelf_of: Callable[..., Path]) -> None:
    if shelf == "airport" and not shelves.AIRPORT.exists():
        pytest.skip(f"the airport survey is not in {shelves.AIRPORT}; params/sfo.yaml says where to download it")
    lines = reading.shelf(shelf_of(*SHARED[shelf])) if shelf in SHARED else shelves.SHELVES[shelf](tmp_path)
    found = reading.differences(shelves.golden(shelf), shelves.kept(shelf, lines))
    rest = [f"and {len(found) - PRINTED} further lines"] if len(found) > PRINTED else []
    assert not found, "\n".join(["", *found[:PRINTED], *rest, HELP.format(shelf)])


PAGE = """<body><h2>Now</h2><div id="tile"><p>NPS</p><p>12.5<small> points</small></p><svg><text>0</text></svg></div>
<dl><dt>Packages</dt><dd>python 3.11.7, cxkit 0.1.0</dd></dl>
<table><caption>By shop</caption><thead><tr><th>Shop</th><th>NPS</th></tr></thead>
<tr><th>A</th><td><b>3</b> <small>n 10</small></td></tr><tr><th>B</th><td></td></tr></table></body>"""


def read(tmp_path: Path, text: str) -> dict[str, list[str]]:
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    return reading.shelf(tmp_path)


def test_a_page_is_read_by_section_sentence_row_and_column(tmp_path: Path) -> None:
    assert read(tmp_path, PAGE)["page.html"] == [
        "## Now", "NPS", "NPS: 12.5 points", "Packages: (varies)", "@ By shop | Shop | NPS", "  A | 3 n 10", "  B",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("12.5", "12.6", "page.html | Now | NPS: 12.6 points"),
        ("n 10", "n 11", 'page.html | Now | table "By shop" | row A | NPS | 3 n 11'),
        ("<td></td>", "<td>0</td>", 'page.html | Now | table "By shop" | row B | NPS | 0'),
        ("<h2>Now", "<p>More.</p><h2>Now", "page.html |  | More."),
    ],
)
def test_a_difference_says_where_it_is(tmp_path: Path, old: str, new: str, line: str) -> None:
    before, after = read(tmp_path, PAGE), read(tmp_path, PAGE.replace(old, new))
    found = reading.differences(before, after)
    assert [text[1:] for text in found if text[0] == "+"] == [line]
    short = [{name: reading.digest(lines) for name, lines in both.items()} for both in (before, after)]
    assert reading.differences(*short)


def test_what_varies_between_machines_makes_no_difference(tmp_path: Path) -> None:
    before = read(tmp_path, PAGE)
    assert not reading.differences(before, read(tmp_path, PAGE.replace("3.11.7, cxkit", "3.13.1, rich 9, cxkit")))
    assert not reading.differences(before, read(tmp_path, PAGE.replace("<text>0</text>", "<text>1</text>")))


def test_a_number_of_the_workbook_or_the_summary_has_a_row_and_a_column() -> None:
    lines = reading._frame("rows", ["brand", "n", "level"], [["Pell", "12", "0.95"], ["Quay", "7", "0.95"]])
    assert reading.long("w", lines)[-1] == 'w |  | table "rows (level 0.95)" | row Quay | n | 7'
    assert [reading._cell(value) for value in (1 / 3, "-1e-17", 20, "2026-10", None)] == [
        "0.333333",
        "0",
        "20",
        "2026-10",
        "",
    ]
