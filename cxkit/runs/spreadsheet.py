"""Rows -> sheets of an XLSX file: text that stays text, looks, page set-up, and bytes that only the content decides."""

from __future__ import annotations

import io
import math
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cxkit.show.html import clean, shorten

ROWS = 1_048_570  # below the headings, in one sheet
LONGEST = 32_000  # characters in one cell
ZIPPED = (1980, 1, 1, 0, 0, 0)  # the time of every part of the file
A4 = 9
HEADING = "EEF0F2"
LINE = 15  # points
MARGIN = 0.4  # inches


class Cell(NamedTuple):
    """What a cell holds, and how it looks; the format shows a number, the cell holds all of it."""

    value: Any
    format: str = "General"
    fill: str = ""
    bold: bool = False
    wrap: bool = False
    align: str = ""  # "right", or "indent" for text that follows a number


class Head(NamedTuple):
    """The head of a column."""

    text: str
    width: int
    align: str = ""


def is_formula(text: str) -> bool:
    r"""Whether a spreadsheet may take a text for a formula, also behind blanks that are not seen, or in wide letters.

    >>> [is_formula(text) for text in ("=1+1", "\u00a0\ufeff\uff1d1+1", "1+1=2")]
    [True, True, False]
    """
    seen = (char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char)[0] not in "CZ")
    return text.startswith(("\t", "\r", "\n")) or next(seen, "") in ("=", "+", "-", "@")


def sheet(
    book: Any,
    title: str,
    heads: Sequence[Head],
    body: Iterable[Sequence[Cell]],
    *,
    above: Sequence[str] = (),
    frozen: int = 0,
) -> int:
    """Write a sheet with headings that stay in sight, a filter, and a page set-up that fits all columns on a page.

    Args:
        book: A write-only workbook of openpyxl.
        title: Of the sheet.
        heads: Of the columns.
        body: Rows of cells.
        above: Lines above the headings, the first of them the title of what is shown.
        frozen: How many columns stay in sight.

    Returns:
        How many rows had no room.
    """
    made = book.create_sheet(title)
    top, last = len(above) + 1, _letters(max(len(heads) - 1, 0))
    for number, head in enumerate(heads):
        made.column_dimensions[_letters(number)].width = head.width
    made.row_dimensions[top].height = 2 * LINE
    made.freeze_panes = f"{_letters(frozen)}{top + 1}"
    _page(made, f"1:{top}")
    known: dict[Any, Any] = {}
    for number, text in enumerate(above):
        made.append([_cell(made, Cell(text, bold=not number), known)])
    named = [Cell(head.text, fill=HEADING, bold=True, wrap=True, align=head.align) for head in heads]
    made.append([_cell(made, cell, known) for cell in named])
    count = 0
    for count, row in enumerate(body, 1):
        if count <= ROWS:
            _stretch(made, top + count, row, [head.width for head in heads])
            made.append([_cell(made, cell, known) for cell in row])
    made.auto_filter.ref = f"A{top}:{last}{top + min(count, ROWS)}"
    return max(count - ROWS, 0)


def lines(book: Any, title: str, widths: Sequence[int], body: Iterable[Sequence[str]]) -> None:
    """Write a sheet of prose: lines of one cell are headings."""
    made = book.create_sheet(title)
    for number, width in enumerate(widths):
        made.column_dimensions[_letters(number)].width = width
    _page(made)
    known: dict[Any, Any] = {}
    for count, line in enumerate(body, 1):
        row = [Cell(text, bold=len(line) == 1, wrap=len(line) > 1) for text in line]
        _stretch(made, count, row, widths)
        made.append([_cell(made, cell, known) for cell in row])


def saved(book: Any, day: str) -> bytes:
    """The file, with the day of the run in place of every time at which it was written."""
    file, made = io.BytesIO(), io.BytesIO()
    book.save(file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*", rb"\g<1>" + f"{day}T00:00:00Z".encode(), part)
            new.writestr(zipfile.ZipInfo(name, ZIPPED), part, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _page(made: Any, repeated: str = "") -> None:
    """On paper: landscape, as many pages down as it takes, the headings on each of them."""
    made.page_setup.orientation, made.page_setup.paperSize = "landscape", A4
    made.page_setup.fitToWidth, made.page_setup.fitToHeight = 1, 0
    made.page_margins.left = made.page_margins.right = MARGIN
    made.sheet_properties.pageSetUpPr.fitToPage = True
    made.oddFooter.right.text = "&P / &N"
    if repeated:
        made.print_title_rows = repeated


def _stretch(made: Any, number: int, row: Sequence[Cell], widths: Sequence[int]) -> None:
    """Give a row the height of its longest wrapped text: not every program finds it when it opens a file."""
    sizes = (len(str(cell.value or "")) / width for cell, width in zip(row, widths, strict=False) if cell.wrap)
    if (most := max(sizes, default=0)) > 1:
        made.row_dimensions[number].height = LINE * min(math.ceil(most), 20)


def _cell(made: Any, cell: Cell, known: dict[Any, Any]) -> Any:
    """A cell as openpyxl writes it; text that looks like a formula is marked as text. `known` keeps the looks."""
    from openpyxl.cell import WriteOnlyCell

    value = shorten(clean(cell.value), LONGEST) if isinstance(cell.value, str) else cell.value
    marked = isinstance(value, str) and (is_formula(value) or value.startswith("#"))  # an error, as #N/A
    look = (*cell[1:], marked)
    if value is None or not (marked or any(look[1:]) or cell.format != "General"):
        return value
    written = WriteOnlyCell(made, value=value)
    if isinstance(value, str):
        written.data_type = "s"
    if look not in known:
        _dress(written, cell, marked)
        known[look] = written._style  # dressing every cell anew costs more than writing it
    written._style = known[look]
    return written


def _dress(written: Any, cell: Cell, marked: bool) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    written.number_format = cell.format
    if cell.fill:
        written.fill = PatternFill("solid", fgColor=cell.fill)
    if cell.bold:
        written.font = Font(name="Calibri", size=11, bold=True)
    if cell.wrap:
        written.alignment = Alignment(
            "right" if cell.align == "right" else "left", wrap_text=True, indent=int(cell.align == "indent")
        )
    if marked:
        written.quotePrefix = True


def _letters(number: int) -> str:
    """The name of a column: 0 is A, 26 is AA."""
    head, last = divmod(number, 26)
    return (_letters(head - 1) if head else "") + chr(65 + last)
