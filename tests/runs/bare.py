"""Walks a page and finds scores that stand bare: without base, interval and method beside them or in their footnote.

What a score is, and what it needs:

- the sentence at the head of a page or an index, and its points: a table on the same page that holds the interval and
  the base of each score;
- the claim of a finding that has a change: an interval, a p-value and both bases, a method in the note under the list;
- a row of a table with a number in a column of scores, changes or differences: an interval and a base in the same row,
  a method in the note under the table; a shrunken score has its own interval, one over a longer time its own base, too;
- a row of a table of shares: a base in the same row, and the words that shares are described, under the table;
- a figure: every estimate or change in its alternative text with an interval and a base; a table behind it that holds
  what the rules above ask for;
- a row of a table of shares after times: an interval in each cell, a base, a method in the note under the table;
- a cell of the matrix of segments and metrics: an interval and a base, a method in the note under the table;
- a cell of a table of ways from one level to another: an interval and a base, a method and the words that it is
  described under the table;
- a column of a banner table: an interval in the cell of each score, a base in the row above it, a method in the note
  under the table, and of shares of classes the words that they are described;
- any other number with a unit, and any number with a decimal or beside the name of a metric, in any other place of a
  page: an interval and a base in the same paragraph. Definitions, rules, provenance, published values and the words of
  customers are no scores.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag

from cxkit.metrics import METRICS

NUMBER = r"[−+]?\d[\d,]*(?:\.\d+)?"
INTERVAL = re.compile(rf"{NUMBER}%? to {NUMBER}%?|no (?:lower limit, up to|interval)|from {NUMBER}, no upper")
BASE = re.compile(r"\bn \d[\d,.]*")
BOTH = re.compile(r"\bn \d[\d,.]*.*\bn \d[\d,.]*|\d[\d,.]* / \d[\d,.]*", re.DOTALL)
TESTED = re.compile(r"\bp (?:[=<>]) ")
METHOD = re.compile(r"(?:Intervals|Method): \w+")
WITH_UNIT = re.compile(rf"(?<![\w.]){NUMBER}\s?(?:points?\b|%|percentage points?\b|pp\b|min\b)")
DECIMAL = re.compile(r"(?<![\w.=<>])[−+]?\d[\d,]*\.\d+")
LABELS = "|".join(sorted((re.escape(metric.label) for metric in METRICS.values()), key=len, reverse=True))
NAMED = re.compile(rf"\b(?:{LABELS})\b\D{{0,20}}?{NUMBER}")
SURE = re.compile(r"\d[\d.]*%(?= interval| quantile| power)|\d[\d,]*(?= comparisons)")  # how sure, not how much
SCORES = {"Score", "Share of differences", *(metric.label for metric in METRICS.values())}
AFTER = re.compile(r"[\d,]+\s(?:s|min|h|days?|months?)")  # heads of the table of a curve
UNIT = re.compile(r", (?:s|min|h|days|months)$")  # which the index names in its head
DESCRIBED = "described: no interval, no test"


def bare(page: str) -> list[str]:
    """What is bare on a page, one line each; nothing where all is well."""
    soup = BeautifulSoup(page, "html.parser")
    return [
        *_headline(soup),
        *(fault for found in soup.select(".cx-findings") for fault in _findings(found)),
        *(fault for table in soup.select(".cx-table") for fault in _table(table)),
        *(fault for figure in soup.select("figure") for fault in _figure(figure)),
        *_elsewhere(soup),
    ]


def scores(page: str) -> int:
    """How many scores the walker has looked at, so that a page without any is noticed."""
    soup = BeautifulSoup(page, "html.parser")
    cells = sum(1 for table in soup.select(".cx-table") for _ in _rows(table))
    return cells + len(soup.select(".cx-findings > li, figure > svg"))


def text(node: Tag | None) -> str:
    """What a reader reads of a node."""
    return " ".join(node.get_text(" ", strip=True).split()) if node else ""


def _lacks(where: str, said: str, **wanted: re.Pattern[str]) -> Iterator[str]:
    yield from (f"{where}: no {name} in {said[:160]!r}" for name, pattern in wanted.items() if not pattern.search(said))


def _headline(soup: BeautifulSoup) -> Iterator[str]:
    said = " ".join(text(part) for part in soup.select(".cx-headline, .cx-lead"))
    if re.search(NUMBER, SURE.sub("", said)) and not soup.select_one(".cx-board td b"):
        yield f"headline: no table of scores for {said[:160]!r}"


def _below(node: Tag | None) -> str:
    """The notes that stand below a part of a page."""
    return " ".join(text(note) for note in node.find_next_siblings(class_="cx-notes")) if node else ""


def _findings(found: Tag) -> Iterator[str]:
    for item in found.find_all("li", recursive=False):
        said = text(item)
        if re.search(NUMBER, text(item.find("a") or item)) and WITH_UNIT.search(SURE.sub("", said)):
            yield from _lacks("finding", said, interval=INTERVAL, test=TESTED, bases=BOTH)
    yield from _lacks("findings", _below(found), method=METHOD)


def _rows(table: Tag) -> Iterator[tuple[str, dict[str, str]]]:
    """Every row of a table that holds a score, a change or a share: its kind and its cells by heading."""
    heads = [text(head) for head in table.select("thead th")]
    scores = SCORES | set(heads[1:2] if "cx-board" in (table.get("class") or []) else ())
    for line in table.select("tbody tr"):
        cells = dict(zip(heads, (text(cell) for cell in line.find_all(["th", "td"], recursive=False)), strict=True))
        if re.search(r"\d", cells.get("Change", "") + cells.get("Difference", "")):
            yield "change", cells
        if any(re.search(r"\d", cells[head]) for head in heads if AFTER.fullmatch(head)):
            yield "curve", cells
        if "By its score" in heads:
            yield "part", cells
        elif any(re.match(NUMBER, cells[head]) for head in heads[1:] if UNIT.sub("", head) in scores):
            yield "score", cells
        elif any(re.fullmatch(rf"{NUMBER}%", cells[head]) for head in heads[1:] if "interval" not in head.lower()):
            yield "share", cells


def _table(table: Tag) -> Iterator[str]:
    where, notes = text(table.find("caption")), " ".join(map(text, table.select(".cx-notes")))
    if "cx-matrix" in (table.get("class") or []):
        for cell in table.select("tbody td:has(b)"):
            yield from _lacks(where, text(cell), interval=INTERVAL, base=BASE)
        yield from _lacks(where, notes, method=METHOD, test=re.compile(r"Method: \w"))
        return
    if "cx-flows" in (table.get("class") or []):
        for cell in table.select("tbody td:has(b)"):
            yield from _lacks(where, text(cell), interval=INTERVAL, base=BASE)
        yield from _lacks(where, notes, method=re.compile(r"Method: \w"), words=re.compile("Described, not tested"))
        return
    if "cx-cross" in (table.get("class") or []):
        yield from _banner(table, where, notes)
        return
    for kind, cells in _rows(table):
        line = f"{where}: {next(iter(cells.values()))[:40]}, {kind}"
        own = " ".join(list(cells.values())[1:2]) if "cx-board" in (table.get("class") or []) else ""
        if own == "no answers":  # the score beside it is that of everybody
            continue
        bases = " ".join([own, *(cell for head, cell in cells.items() if head.startswith(("Base", "Answer")))])
        spans = " ".join(
            [own, *(cell for head, cell in cells.items() if "interval" in head.lower() or head == "Change")]
        )
        for head in ("Shrunken", "All others"):
            if re.search(r"\d", told_of := cells.get(head, "")):
                yield from _lacks(line, told_of, interval=INTERVAL, **({"base": BASE} if head == "All others" else {}))
        yield from _lacks(line, own, base=BASE, interval=INTERVAL) if own and kind == "score" else ()
        spans += " no interval" if cells.get("Remarks", "").startswith("no interval") else ""
        if kind == "part":  # its base stands with its score; beside a hidden part it would tell the base of that one
            told = [cells[head] for head in ("By its share", "By its score") if re.search(r"\d", cells[head])]
            yield from (fault for cell in told for fault in _lacks(line, cell, interval=INTERVAL))
            continue
        yield from _lacks(line, bases, base=re.compile(r"\d|not shown"))
        if kind == "curve":
            told = [cell for head, cell in cells.items() if AFTER.fullmatch(head) and cell]
            yield from (fault for cell in told for fault in _lacks(line, cell, interval=INTERVAL))
            spans = " ".join(told)
        if kind == "share":
            yield from _lacks(line, notes, words=re.compile(DESCRIBED))
            continue
        yield from _lacks(line, spans, interval=INTERVAL)
        how = {"score": "Intervals", "change": "Method"}[kind] if own else "(?:Intervals|Method)"
        yield from _lacks(line, notes, method=re.compile(rf"{how}: \w"))


def _banner(table: Tag, where: str, notes: str) -> Iterator[str]:
    bases: list[str] = []
    for line in table.select("tbody tr"):
        said, *cells = (text(cell) for cell in line.find_all(["th", "td"], recursive=False))
        bases = cells if said.endswith(" base") else bases
        for cell, base in zip(cells, bases, strict=True) if cells is not bases else ():
            if re.match(NUMBER, cell):
                yield from _lacks(f"{where}: {said}", base, base=re.compile(r"\d"))
                yield from _lacks(f"{where}: {said}", cell, interval=INTERVAL) if said.startswith("Score") else ()
    yield from _lacks(where, notes, method=METHOD, words=re.compile(DESCRIBED), test=re.compile(r"Method: \w"))


def _figure(figure: Tag) -> Iterator[str]:
    drawn, table = figure.find("svg", recursive=False), figure.select_one("details .cx-table")
    if drawn is None:
        return
    where, told = str(figure.get("id")), text(drawn.find("desc"))
    kinds = {kind for kind, _ in _rows(table)} if table else set()
    if not kinds:
        yield f"{where}: no table with the numbers that it draws"
    if kinds == {"share"}:
        yield from _lacks(where, text(figure.find("div", class_="cx-notes")), words=re.compile(DESCRIBED))
        yield from _lacks(where, told, base=BASE)
        return
    for part in told.rstrip("…").split("; "):
        if WITH_UNIT.search(SURE.sub("", part)) and not part.startswith("n "):
            yield from _lacks(f"{where}, alternative text", part, interval=INTERVAL)


def _elsewhere(soup: BeautifulSoup) -> Iterator[str]:
    for node in soup.select("p, li, h2, h3, h4, pre, dd, span, td"):
        if (
            "cx-lead" in (node.get("class") or [])
            or node.find_parent(["p", "li", "pre"])
            or node.select_one("p, li")
            or node.find_parent("svg")
        ):
            continue
        inside = node.find_parent(class_=["cx-headline", "cx-lead", "cx-findings", "cx-table"]) or node.find_parent(
            "figure"
        )
        if inside or _defines(node) or node.find("q"):  # what customers say is no score
            continue
        said = SURE.sub("", text(node))
        found = WITH_UNIT.search(said) or DECIMAL.search(said) or NAMED.search(said)
        if found and "could be missed" not in said:
            yield from _lacks("elsewhere", text(node), interval=INTERVAL, base=BASE)
    for note in soup.select("figure .cx-notes p"):
        said = SURE.sub("", text(note))
        if WITH_UNIT.search(said) and "Published: " not in said and "not tested" not in said:
            base = (
                {} if "a model. Next score, if nothing new happens: " in said else {"base": BASE}
            )  # nobody has answered yet
            yield from _lacks("note", text(note), interval=INTERVAL, **base)


def _defines(node: Tag) -> bool:
    """Whether a node defines, rules, records or quotes, and so holds no score."""
    if node.name == "li" and node.find_parent(class_="cx-quotes"):
        return True  # what a customer wrote, who may have numbers of his own
    if node.name == "li" and node.parent is not None and node.parent.find_previous_sibling(class_="cx-methods"):
        return True
    return any("cx-" + kind in (parent.get("class") or [])
               for parent in node.parents for kind in ("methods", "record", "facts", "toc", "footer"))  # fmt: skip
