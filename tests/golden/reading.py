"""A shelf -> lines: every number with its row and column, every sentence, every verdict; and what differs between two.

The lines of a file:

    ## What changed                        a section; of the workbook, a sheet
    Of 18 comparisons, 4 show a change.    a sentence
    @ NPS by period | Period | Score       a table, its columns; its rows are indented
      2026-10 | 3.4 points

What is drawn is left out, and so is what another machine, day or version may change: hashes, times, packages, seconds.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

import openpyxl
from bs4 import BeautifulSoup, NavigableString, Tag

HASH, MOMENT, PACKAGES = (
    r"\b[0-9a-f]{64}\b",
    r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?",
    r"\b[a-z-]+ \d+\.\d+\.\d.*",
)
VARIES = re.compile(f"{HASH}|{MOMENT}|{PACKAGES}")
MEASURED = {
    "sha256",
    "seconds",
    "cpu",
    "memory",
    "key",
    "started",
    "finished",
    "inputs",
    "attempts",
    "left",
    "packages",
}
SAID = {"method", "note", "verdict", "explains", "reason", "reason_side", "family_of", "Method", "Note", "Verdict"}
SAID |= {"Row is about", "Unit"}
BLOCKS = {
    "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "footer",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "li", "main", "ol", "p", "pre", "section", "summary", "table", "ul",
}  # fmt: skip
NAME = 40  # characters: a first line this short is the name of its tile, not a sentence


def shelf(folder: Path) -> dict[str, list[str]]:
    """Name of a file on the shelf -> its lines."""
    readers = {".html": page, ".csv": comma_separated, ".xlsx": workbook, ".json": manifest}
    return {path.name: readers[path.suffix](path) for path in sorted(folder.iterdir())}


# Pages


def page(path: Path) -> list[str]:
    body = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").body
    assert body is not None, path
    for drawn in body.find_all(["svg", "style", "script", "nav"]):
        drawn.decompose()
    return list(_blocks(body))


def _blocks(node: Tag) -> Iterator[str]:
    """The sentences and tables below a node, in their order."""
    for inline, group in groupby(node.children, key=lambda child: not _holds_block(child)):
        if inline:
            if text := _text(group):
                yield text
            continue
        term = ""
        for child in group:
            if child.name == "table":
                yield from _table(child)
            elif re.fullmatch("h[1-6]", child.name):
                yield f"## {_text([child])}"
            elif child.name == "dt":
                term = _text([child])
            elif child.name == "dd" and term:
                yield f"{term}: {_text([child])}"
            else:
                yield from _named(child)


def _named(node: Tag) -> Iterator[str]:
    """The lines of a block; those of a tile begin with its name."""
    lines = list(_blocks(node))
    if not (node.has_attr("id") and len(lines) > 1 and len(lines[0]) <= NAME) or lines[0][0] in "#@":
        yield from lines
        return
    yield lines[0]
    yield from (line if line[0] in "#@ " else f"{lines[0]}: {line}" for line in lines[1:])


def _holds_block(node: Any) -> bool:
    return isinstance(node, Tag) and (node.name in BLOCKS or node.find(list(BLOCKS)) is not None)


def _text(nodes: Iterable[Any]) -> str:
    text = " ".join(str(n) if isinstance(n, NavigableString) else n.get_text(" ") for n in nodes)
    return _clean(re.sub(r"\s+([,.;:)%])(?=\s|$)", r"\1", " ".join(text.split())))


def _clean(text: str) -> str:
    return VARIES.sub("(varies)", " ".join(text.split())).replace(" | ", " ¦ ")


def _table(node: Tag) -> Iterator[str]:
    caption = _text([node.caption]) if node.caption else ""
    rows = [[_text([cell]) for cell in row.find_all(["th", "td"])] for row in node.find_all("tr")]
    head = len(node.thead.find_all("tr")) if node.thead else 0
    columns = rows[head - 1] if head else []
    yield from _lines(caption, columns, rows[head:])


# Frames


def comma_separated(path: Path) -> list[str]:
    """A table for each part. Rows are sorted, because machines look them up."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for part in sorted({row["part"] for row in rows}):
        own = [[_cell(text) for text in row.values()] for row in rows if row["part"] == part]
        found += _frame(part, list(rows[0]), own, ordered=False)
    return found


def workbook(path: Path) -> list[str]:
    """A section for each sheet: what is above a header of three cells or more is sentences, what is below rows."""
    found = []
    for sheet in openpyxl.load_workbook(path):
        rows = [[_cell(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        head = next((i for i, row in enumerate(rows[:5]) if sum(map(bool, row)) >= 3), len(rows))
        found.append(f"## {sheet.title}")
        found += [text for row in rows[:head] if (text := ": ".join(filter(None, row)))]
        if head < len(rows):
            found += _frame("rows", rows[head], rows[head + 1 :])
    return found


def _cell(value: Any) -> str:
    """Six digits of a number: what a sum in another order changes is further behind."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return _clean(str("" if value is None else value))
    return f"{0.0 if abs(number) < 1e-12 else number:.6g}"


def _frame(name: str, columns: Sequence[str], rows: list[list[str]], *, ordered: bool = True) -> list[str]:
    """A table whose rows are named by their words; a column that is the same in all rows is said once."""
    cells = {column: [row[i] for row in rows] for i, column in enumerate(columns)}
    same = [f"{column} {values[0]}" for column, values in cells.items() if len(set(values)) == 1 and values[0]]
    cells = {column: values for column, values in cells.items() if len(set(values)) > 1}
    words = [c for c, values in cells.items() if c not in SAID and any(map(_is_word, values))]
    keys = [", ".join(filter(None, key)) for key in zip(*(cells[c] for c in words), strict=True)] or [""] * len(rows)
    rest = [c for c in cells if c not in words]
    body = [[key, *values] for key, *values in zip(keys, *(cells[c] for c in rest), strict=True)]
    title = f"{name} ({'; '.join(same)})" if same else name
    return list(_lines(title, [", ".join(words), *rest], body if ordered else sorted(body)))


def _is_word(text: str) -> bool:
    return re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?|inf|nan|", text) is None


def _lines(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield " | ".join([f"@ {name}", *columns])
    yield from ("  " + " | ".join(row).rstrip(" |") for row in rows)


def manifest(path: Path) -> list[str]:
    return sorted(_clean(line) for line in _leaves(json.loads(path.read_text(encoding="utf-8"))))


def _leaves(data: Any, place: str = "") -> Iterator[str]:
    if isinstance(data, dict) and "files" not in place:
        named = data.get("name", "")
        for key, value in data.items():
            if key not in MEASURED:
                yield from _leaves(value, f"{place} {named if place else ''} {key}")
    elif isinstance(data, list) and any(isinstance(value, dict) and "name" in value for value in data):
        for value in data:
            yield from _leaves(value, place)
    elif isinstance(data, list):
        yield from (f"{place}: {json.dumps(value, ensure_ascii=False, sort_keys=True)}" for value in data)
    elif data is not None:  # of files, names alone: their hashes vary
        yield f"{place}: {sorted(data) if isinstance(data, dict) else json.dumps(data, ensure_ascii=False)}"


# Short forms and differences


def digest(lines: list[str]) -> list[str]:
    """A line for the sentences of a section and one for each table, with a hash per column: which one has changed."""
    found: list[str] = []
    for kind, block in _runs(lines):
        if kind == "sentences":
            found.append(f"~ {len(block)} sentences {_hash(block)}")
        else:
            found += _columns(found[-1], block) if kind == "rows" else block
    return found


def shorten(lines: list[str], most: int) -> list[str]:
    """The same for the tables of more rows than this; all else stays as it is."""
    found: list[str] = []
    for kind, block in _runs(lines):
        found += _columns(found[-1], block) if kind == "rows" and len(block) > most else block
    return found


def _runs(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    kinds = {"##": "section", "@ ": "table", "  ": "rows"}
    for kind, block in groupby(lines, key=lambda line: kinds.get(line[:2], "sentences")):
        yield kind, list(block)


def _columns(header: str, block: list[str]) -> list[str]:
    rows = [line[2:].split(" | ") for line in block]
    wide = max(header.count(" | "), *map(len, rows))
    names, *columns = (_hash(cells) for cells in zip(*(row + [""] * (wide - len(row)) for row in rows), strict=True))
    return [" | ".join([f"  ~ {len(rows)} rows {names}", *columns])]


def _hash(texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]


def long(file: str, lines: Iterable[str]) -> list[str]:
    """A line for each fact, which says by itself where it stands."""
    section, table, columns, seen, found = "", "", [""], Counter[str](), []
    for line in lines:
        if line.startswith("## "):
            section = line[3:]
            found.append(f"{file} | section {section}")
        elif line.startswith("@ "):
            table, *columns = line[2:].split(" | ")
            seen.clear()
            found.append(f'{file} | {section} | table "{table}" | columns | {", ".join(columns)}')
        elif line.startswith("  "):
            key, *cells = line[2:].split(" | ")
            seen[key] += 1
            row = f"{key} ({seen[key]})" if seen[key] > 1 else key
            where = f'{file} | {section} | table "{table}" | row {row}'
            found.append(where)
            found += [f"{where} | {c} | {cell}" for c, cell in zip_longest(columns[1:], cells, fillvalue="") if cell]
        else:
            found.append(f"{file} | {section} | {line}")
    return found


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """What was (-) and what is (+), file by file, without what is alike."""
    found: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            old, new = long(name, before.get(name, [])), long(name, after.get(name, []))
            found += [
                line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:2] not in ("--", "++", "@@")
            ]
    return found
