"""The summary as a workbook: the same numbers, no formula, the same bytes."""

from __future__ import annotations

import io
import re
import time
import zipfile

import openpyxl
import pandas as pd
import pytest

from cxkit.metrics import METRICS
from cxkit.report import workbook as module
from cxkit.report.workbook import workbook

FORMULAS = ["=1+1", "+1", "-1+2", "@SUM(A1)", '=HYPERLINK("https://example.org")', "\t=1", "\n=2"]
RECORD = {"title": "=TITLE()", "name": "demo", "now": "2026-10", "before": "2026-09", "as_of": "2026-11-15"}
NPS = {"nps": METRICS["nps"]}


def summary(brands: list[str]) -> pd.DataFrame:
    score = {"part": "estimate", "metric": "nps", "period": "2026-10", "n": 40, "n_eff": 38.5, "value": -5.25,
             "low": -20.0, "high": 9.5, "level": 0.95, "method": "score interval", "note": ""}  # fmt: skip
    move = {"part": "comparison", "metric": "nps", "now": "2026-10", "before": "2026-09", "change": -3.0, "low": -9.0,
            "high": 3.0, "pvalue": 0.3, "verdict": "no evidence", "method": "MOVER"}  # fmt: skip
    rows = [{"report": f"r{i}", **part, "=dim()": brand} for i, brand in enumerate(brands) for part in (score, move)]
    return pd.DataFrame(rows)


def sheets(content: bytes) -> dict[str, list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def test_estimates_and_comparisons_have_a_sheet_each_with_unrounded_numbers() -> None:
    found = sheets(workbook(summary(["Acme", "Brim"]), RECORD, NPS))
    assert list(found) == ["Estimates", "Comparisons", "Notes"]
    head, first, second = found["Estimates"]
    row = dict(zip(head, first, strict=True))
    assert (row["report"], row["value"], row["low"], row["n"], row["n_eff"]) == ("r0", -5.25, -20, 40, 38.5)
    assert "change" not in row
    assert dict(zip(head, second, strict=True))["=dim()"] == "Brim"
    moved = dict(zip(*found["Comparisons"][:2], strict=True))
    assert (moved["change"], moved["verdict"], moved["method"]) == (-3, "no evidence", "MOVER")


def test_text_that_looks_like_a_formula_is_text() -> None:
    content = workbook(summary(FORMULAS), RECORD, NPS)
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    looking = [cell for cell in cells if cell.value.strip()[:1] in ("=", "+", "-", "@") and not cell.font.bold]
    assert {cell.value.strip() for cell in looking} >= {
        "=1+1",
        "+1",
        "-1+2",
        "@SUM(A1)",
        "=1",
        "=2",
        "=dim()",
        "=TITLE()",
    }
    assert all(cell.quotePrefix for cell in looking if cell.value[0] in "=+-@")
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        text = b"".join(parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets"))
    assert re.findall(rb"<f\b", text) == []


@pytest.mark.parametrize("name", ["\x00\x1b\uffff control", "L" * 40_000, "\u202egnp", "<script>", "_x000D_"])
def test_any_text_fits_into_a_cell(name: str) -> None:
    rows = sheets(workbook(summary([name]), RECORD, NPS))["Estimates"]
    found = dict(zip(*rows, strict=True))["=dim()"]
    assert isinstance(found, str)
    assert len(found) <= module.LONGEST
    assert found[-1] == name[-1] or len(name) > module.LONGEST


def test_the_same_summary_gives_the_same_bytes() -> None:
    first = workbook(summary(["Acme"]), RECORD, NPS)
    time.sleep(2.1)  # the times in a zip file are even seconds
    assert workbook(summary(["Acme"]), RECORD, NPS) == first


def test_the_notes_explain_every_column_and_metric() -> None:
    notes = dict(row[:2] for row in sheets(workbook(summary(["Acme"]), RECORD, NPS))["Notes"] if row[1])
    assert {"Run", "Period", "Compared with", "NPS (nps)", "value", "detectable"} - set(notes) == {"detectable"}
    assert notes["=dim()"].startswith("dimension")
    assert "points" in notes["NPS (nps)"]


def test_rows_without_room_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 2)
    found = sheets(workbook(summary(["a", "b", "c"]), RECORD, NPS))
    assert len(found["Estimates"]) == len(found["Comparisons"]) == 3
    assert "2 rows did not fit" in dict(row[:2] for row in found["Notes"])["Not in here"]


def test_nothing_to_tell_is_a_workbook_too() -> None:
    empty = summary(["a"])[:0]
    assert len(sheets(workbook(empty, RECORD, {}))["Estimates"]) <= 1
