"""Excel workbooks: the cells of one sheet as text, row by row, so that a cell far away costs no more than its row."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from cxkit.errors import CxError, nearest

Row: TypeAlias = list[str | None]

ROOM = 20_000_000  # cells, rows times columns, from which on a sheet has to be filled
FILLED = 0.005  # of them, at least; one value in the last cell of a sheet makes 17 billion
EMPTY = 2_000  # columns that hold nothing, at most
AT_ONCE = 1_000_000  # cells


def read_sheet(
    path: Path, sheet: str | None, first: int, start: int = 1
) -> tuple[list[list[str]], pa.Table, dict[str, int]]:
    """The first rows of a sheet that hold anything, all such rows as columns of text named by their place, the sheets.

    Args:
        path: The workbook.
        sheet: Name of the sheet; the first one if None.
        first: How many rows come as lists, too.
        start: The row of the sheet that is the first to be read, counted from 1.

    Raises:
        CxError: A damaged file, a sheet that is not there, or one that is empty or too wide and long to be answers.
    """
    import openpyxl

    top: list[Row] = []
    parts: list[pa.Table] = []
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of styles and extensions that hold no answers
            with closing(openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)) as book:
                sizes = {one.title: one.max_row or 0 for one in book.worksheets}
                found = _sheet(book, sheet, path)
                sizes = {found.title: sizes[found.title]} | sizes
                rows = _rows(found, start)
                for some in _blocks(rows, path):
                    top += some[: first - len(top)]
                    columns = itertools.zip_longest(*some)
                    parts.append(pa.table({str(i): pa.array(cells, "string") for i, cells in enumerate(columns)}))
    except CxError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # zipfile, expat and openpyxl each raise their own
        words = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise CxError(f"{path}: is not readable as an Excel workbook: {words}") from None
    if not parts:
        raise CxError(f"{path}: is empty; expected a header row")
    table = pa.concat_tables(parts, promote_options="default")
    empty = sum(column.null_count == len(column) for column in table.columns)
    if empty > EMPTY:
        raise CxError(
            f"{path}: has {table.num_columns:,} columns, {empty:,} of them empty; expected a table of answers"
        )
    return [[cell or "" for cell in row] + [""] * (table.num_columns - len(row)) for row in top], table, sizes


def _blocks(rows: Iterator[Row], path: Path) -> Iterator[list[Row]]:
    """Some rows at a time, as long as a sheet holds enough for its size."""
    some: list[Row] = []
    size = filled = since = 0
    for row in rows:
        some.append(row)
        since, filled = since + len(row), filled + len(row) - row.count(None)
        if since >= AT_ONCE:
            size, since = size + since, 0
            if size > ROOM and filled < FILLED * size:
                raise CxError(f"{path}: has {filled:,} values in {size:,} cells; expected a table of answers")
            yield some
            some = []
    if some:
        yield some


def _sheet(book: Any, name: str | None, path: Path) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if name is not None and name not in sheets:
        raise CxError(f"{path}: has no sheet {name!r}; {nearest(name, sheets)}")
    found = sheets[name] if name is not None else next(iter(sheets.values()))
    found.reset_dimensions()  # what a file says of its own size need not be true
    return found


def _rows(sheet: Any, start: int) -> Iterator[Row]:
    """The rows that hold anything, without the empty cells at their end."""
    for cells in sheet.iter_rows(min_row=start):
        row = [_text(cell) for cell in cells]
        while row and row[-1] is None:
            row.pop()
        if row:
            yield row


def _text(cell: Any) -> str | None:
    """What a cell holds: 9 and not 9.0, an ISO time, nothing for an error such as #N/A."""
    value = cell.value
    if value is None or cell.data_type == "e":
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) or None
