"""The summary of a run as a workbook: estimates, comparisons, and what their columns mean.

Text stays text: what a spreadsheet would take for a formula is stored as a string and marked as one. The same summary
gives the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxkit.metrics import Metric
from cxkit.present import wording
from cxkit.present.html import clean, shorten

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
ROWS = 1_048_575  # below the heading, in one sheet
LONGEST = 32_000  # characters in one cell
SHEETS = {"estimate": "Estimates", "comparison": "Comparisons", "contrast": "Against the rest"}
ZIPPED = (1980, 1, 1, 0, 0, 0)  # the time of every part of the file
WORDS = {
    "report": "the report (page) that the row belongs to",
    "part": "estimate or comparison of a report itself, or of a segment inside it; contrast of one with the rest",
    "metric": "what is measured; its unit stands below",
    "period": "the period of an estimate",
    "now": "the period of a comparison",
    "before": "the period compared with",
    "n": "base: answers used (of a comparison: now)",
    "n_eff": "effective base: what the answers are worth after weights and clusters",
    "value": "score, in the unit of its metric",
    "low": "lower limit of the interval (of the score, or of the change)",
    "high": "upper limit of the interval",
    "level": "level of the interval: 0.95 is 95%",
    "change": "now minus before, in the unit of its metric",
    "pvalue": "p-value of this comparison alone",
    "pvalue_adj": "p-value after correction for all comparisons of its family",
    "family": "comparisons that the p-value is corrected for",
    "detectable": "the smallest change that the bases could have shown, at 80% power",
    "verdict": "changed, no evidence (of a change), or too few (answers to say)",
    "method": "how interval and test were made",
    "note": "why a number is absent",
}


def workbook(summary: pd.DataFrame, record: Mapping[str, Any], metrics: Mapping[str, Metric]) -> bytes:
    """A summary as an XLSX file of three sheets: Estimates, Comparisons, Notes.

    Args:
        summary: Estimates and comparisons of all reports, with columns `report` and `part`.
        record: The manifest of the run: `title`, `name`, `now`, `before`, `as_of`, `filters` are told in the notes.
        metrics: What is measured, by name.

    >>> import pandas as pd
    >>> workbook(pd.DataFrame({"report": ["=1+1"], "part": ["estimate"]}), {"as_of": "2026-11-15"}, {})[:2]
    b'PK'
    """
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    kind = summary["part"].astype(str).str.split(" ").str[-1]
    parts = {
        title: summary[kind == word] for word, title in SHEETS.items() if word != "contrast" or (kind == word).any()
    }
    cut = [_sheet(book, title, part.dropna(axis="columns", how="all")) for title, part in parts.items()]
    _lines(book, _notes(summary, record, metrics, sum(cut)))
    file = io.BytesIO()
    book.save(file)
    return _reproducible(file.getvalue(), str(record.get("as_of") or "1980-01-01"))


def _sheet(book: Any, title: str, frame: pd.DataFrame) -> int:
    """Write a frame under a heading that stays in sight; returns how many rows had no room."""
    sheet = book.create_sheet(title)
    names = [str(column) for column in frame.columns]
    for number, name in enumerate(names):
        wide = {"method": 44, "note": 34, "report": 24, "part": 18}.get(name, 13)
        sheet.column_dimensions[_letters(number)].width = wide
    sheet.freeze_panes = "A2"
    sheet.append([_bold(sheet, name) for name in names])
    columns = [frame[column].astype(object).where(frame[column].notna(), None).tolist() for column in frame.columns]
    kept = 0
    for kept, row in enumerate(zip(*columns, strict=True), 1):
        if kept > ROWS:
            return len(frame) - ROWS
        sheet.append([_cell(sheet, value) for value in row])
    if names:
        sheet.auto_filter.ref = f"A1:{_letters(len(names) - 1)}{kept + 1}"
    return 0


def _lines(book: Any, lines: Iterable[Sequence[str]]) -> None:
    sheet = book.create_sheet("Notes")
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 26, 110
    for line in lines:
        first = [_bold(sheet, line[0])] if len(line) == 1 else [_cell(sheet, line[0])]
        sheet.append([*first, *(_cell(sheet, text) for text in line[1:])])


def _notes(
    summary: pd.DataFrame, record: Mapping[str, Any], metrics: Mapping[str, Metric], cut: int
) -> list[tuple[str, ...]]:
    """What a reader of the two sheets has to know, as lines of one or two cells."""
    told = [(word, str(record[key])) for key, word in (
        ("title", "Run"), ("name", "Name"), ("now", "Period"), ("before", "Compared with"), ("as_of", "As of"),
        ("filters", "Filters")) if record.get(key)]  # fmt: skip
    lost = [("Not in here", f"{cut:,} rows did not fit into a sheet; summary.csv has them all")] if cut else []
    columns = [(str(name), WORDS.get(str(name), "dimension: the level of the row; empty means all levels"))
               for name in summary.columns]  # fmt: skip
    asked = [(f"{metric.label} ({name})", _asked(metric)) for name, metric in metrics.items()]
    methods = sorted({str(text) for text in summary["method"].dropna()} - {""}) if "method" in summary else []
    return [
        ("About this workbook",), *told, *lost,
        ("Numbers", "are not rounded; every score stands with its interval, its base and its method in its row."),
        ("Hidden", "Cells in which fewer than 10 people answered show neither score nor base; `note` says so."),
        ("No evidence", "is not evidence of no change; `detectable` says what could have been seen."),
        ("Metrics",), *asked, ("Columns",), *columns, ("Methods",), *(("", method) for method in methods),
    ]  # fmt: skip


def _asked(metric: Metric) -> str:
    unit = wording.UNITS[metric.unit] or f"on a scale of {metric.scale[0]:g} to {metric.scale[1]:g}"
    better = {"higher": "higher is better", "lower": "lower is better", None: "neither direction is better"}
    return f"in {unit}: “{metric.question}”; {better[metric.better]}".replace("in on", "on").replace(
        "in %", "in percent"
    )


def _cell(sheet: Any, value: Any) -> Any:
    """A value as a cell may hold it; text that looks like a formula as a string that is marked as text."""
    if not isinstance(value, str):
        return value
    text = shorten(clean(value), LONGEST)
    if not text.startswith(FORMULA):
        return text
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type, cell.quotePrefix = "s", True
    return cell


def _bold(sheet: Any, text: str) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, value=shorten(clean(text), LONGEST))
    cell.data_type, cell.font = "s", Font(bold=True)
    return cell


def _letters(number: int) -> str:
    """The name of a column: 0 is A, 26 is AA."""
    head, last = divmod(number, 26)
    return (_letters(head - 1) if head else "") + chr(65 + last)


def _reproducible(content: bytes, day: str) -> bytes:
    """The file with the day of the run in place of every time at which it was written."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*", rb"\g<1>" + f"{day}T00:00:00Z".encode(), part)
            new.writestr(zipfile.ZipInfo(name, ZIPPED), part, zipfile.ZIP_DEFLATED)
    return made.getvalue()
