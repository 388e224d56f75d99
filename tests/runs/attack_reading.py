"""Reads everything that a run publishes and turns it into facts: which cell, how many answers, what score.

What the reader does not understand is a finding of its own: a table with headings that are not known here, or a base in
some sentence, drawing or alternative text that no table of the page holds.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from attack_solving import Cell, Facts, Score, Sum
from bare import text
from bs4 import BeautifulSoup, Tag

from cxkit.metrics import METRICS
from cxkit.runs.params import RunParams
from cxkit.runs.workbook import COLUMNS
from cxkit.show.labels import heading

LABELS = {metric.label: name for name, metric in METRICS.items()}
PARTS = {
    "Summary": "estimate", "Estimates": "estimate", "Comparisons": "comparison", "Against the rest": "contrast",
    "Why the total moved": "contribution", "Signals": "watch", "Against all others": "peer",
    "Weighted for the silent": "weighted",
}  # fmt: skip
NUMBER = r"[−+]?\d[\d,]*(?:\.\d+)?"
BASE = re.compile(r"\bn[ \xa0](\d[\d,]*)")
NO_BASES = {
    "What each part brings",
    "What was read",
    "Who answered",
    "The same place of the scale throughout",
    "What the weights do",
    "How times were read",
    "Levels that only one of two successive waves or years has",
    "What has to fit together",
}


class Reader:
    """Reads what a run publishes.

    Attributes:
        facts: What was found.
        unread: What was not understood.
        left_out: The places that the total of everybody leaves out, by item: the overview names them, and of which item
            each is the reader is told, who may know everything but what is hidden.
    """

    def __init__(self, params: RunParams, now: str, before: str, left_out: Sequence[Mapping[str, str]] = ()) -> None:
        self.facts, self.unread, self.left_out = Facts(), list[str](), left_out
        self.metrics, self.items = params.metrics, {name: METRICS[name].item for name in params.metrics}
        self.headings = {heading(name): name for name in (*params.for_each, *params.segments)}
        self.now, self.before, self.level = now, before, params.level
        self.places: dict[str, dict[str, str]] = {}
        self.refused: dict[tuple[str, str], int | None] = {}

    def shelf(self, folder: Path) -> Reader:
        """Read a whole shelf."""
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        self.refused |= {(one["item"], one["reason"]): one.get("n") for one in manifest["refused"]}
        self.places = {job["title"]: job["where"] for job in manifest["jobs"]}
        self.records("summary.csv", pd.read_csv(folder / "summary.csv", dtype=object).to_dict("records"))
        self._workbook((folder / "summary.xlsx").read_bytes())
        for job in [job for job in manifest["jobs"] if job["file"]]:
            self.page(folder / job["file"], job["where"])
        self.page(folder / "index.html", {})
        return self.done()

    def done(self) -> Reader:
        """Work out what the numbers count, when all are read."""
        out = {(one["item"], place) for one in self.left_out for place in one.items() if place[0] != "item"}
        self.facts.left_out |= {c for c in self.facts.cells if len(c.place) == 1 and (c.item, c.place[0]) in out}
        self._sums()
        return self

    # Files of numbers -------------------------------------------------------------------------------------------------

    def _workbook(self, content: bytes) -> None:
        for sheet in openpyxl.load_workbook(io.BytesIO(content)):
            lines = list(sheet.iter_rows(values_only=True))
            top = next((i for i, line in enumerate(lines) if {"Metric", "Page"} <= set(line)), None)
            if top is not None and sheet.title == "Crosstab":
                self._banner(lines[top], lines[top + 1 :])
            elif top is not None and sheet.title in PARTS:
                self.records("summary.xlsx", [self._said(sheet.title, lines[top], line) for line in lines[top + 1 :]])
            elif sheet.title != "Notes":
                self.unread.append(f"summary.xlsx: sheet {sheet.title}")

    def _banner(self, heads: Sequence[Any], lines: Sequence[Sequence[Any]]) -> None:
        """The sheet with a column for each level, a row for scores, limits, bases and each class."""
        own = heads.index("Metric")
        for line in lines:
            where = {self.headings[head]: one for head, one in zip(heads[:own], line, strict=False) if one != "All"}
            for head, value in zip(heads[own + 2 : -1], line[own + 2 : -1], strict=True):
                dimension, _, level = head.partition(": ")
                place = where | ({self.headings[dimension]: level} if level else {})
                cell = self._cell(LABELS[line[own]], self.now, place)
                if line[own + 1] == "Base n" and value is not None:
                    self._base("summary.xlsx", cell, value, "")
                elif not str(line[own + 1]).startswith("Score") and value is not None:
                    self.facts.shares[cell][line[own + 1]] = float(value)

    def _said(self, title: str, heads: Sequence[Any], line: Sequence[Any]) -> dict[str, Any]:
        """A row of a sheet, whose headings are words, as it stands in the summary."""
        names = {column.head: name for name, column in COLUMNS.items() if name != "now"} | self.headings
        row = {names[head]: value for head, value in zip(heads, line, strict=True) if value not in (None, "All")}
        usual = {"period": self.now, "level": self.level}
        return {**usual, **row, "part": PARTS[title], "metric": LABELS[row["metric"]]}

    def records(self, source: str, rows: Sequence[Mapping[Any, Any]]) -> None:
        """Read estimates, comparisons, contributions and contrasts, as they stand in the summary."""
        for record in rows:
            if record["part"] == "weighted":  # `test_attack_weighting` attacks these
                continue
            row = {key: value for key, value in record.items() if not pd.isna(value) and value != ""}
            place = {name: row[name] for name in self.headings.values() if name in row}
            note = str(row.get("note", ""))
            if str(row["part"]).endswith(("comparison", "contribution")):
                self._both(source, row["metric"], place, (row.get("n"), row.get("n_before")), note)
                continue
            cell = self._cell(row["metric"], row["period"], place)
            self._base(source, cell, row.get("n"), note)
            if str(row["part"]).endswith("share"):
                self.facts.shares[cell][row["group"]] = round(float(row["share"]))
                continue
            if "value" in row and "low" in row and not str(row["part"]).endswith(("contrast", "peer")):
                numbers = (float(row[key]) for key in ("value", "low", "high", "level"))
                self.facts.scores[cell].add(Score(row["metric"], *numbers))
            if "n_rest" in row:
                self.facts.rests.append((cell, list(place)[-1], int(row["n_rest"])))

    # Pages ------------------------------------------------------------------------------------------------------------

    def page(self, path: Path, where: Mapping[str, str]) -> None:
        """Read one page."""
        soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for style in soup.select("style"):
            style.decompose()
        read: dict[int, set[int]] = {}
        for table in soup.select(".cx-table"):
            read[id(table)] = self._table(path.name, table, where)
        everything = set().union(*read.values()) if read else set()
        for figure in soup.select("figure"):
            own = set().union(*(read[id(table)] for table in figure.select(".cx-table")))
            drawn = " · ".join(
                one.get_text() for svg in figure.select("svg") for one in svg.select("text, title, desc")
            )
            self._known(f"{path.name}: {figure.get('id')}", drawn, own)
        self._known(path.name, text(soup.body), everything)
        for quotes in soup.select(".cx-quotes"):
            cell = self._cell(self.metrics[0], self.now, where)
            self.facts.sums.append(Sum((cell,), len(quotes.select("li")), "least"))

    def _known(self, where: str, said: str, known: set[int]) -> None:
        found = {_whole(n) for n in BASE.findall(said)}
        self.facts.read["said or drawn"] += len(found)
        self.unread += [f"{where}: n {n} is in no table" for n in sorted(found - known)]

    def _board(self, source: str, rows: Sequence[Mapping[str, str]], where: Mapping[str, str]) -> Iterator[int]:
        """The first table of a page or of the index, whose bases stand in the cell of the score."""
        for row in rows:
            first, head = list(row)[:2]
            name = LABELS[row["Metric"] if head == "Score" else head]
            place = (
                where if head == "Score" else self.places.get(row[first], {self.headings.get(first, ""): row[first]})
            )
            n = BASE.search(row[head])
            note, base = row[head].replace("hidden", "hidden:", 1), "0" if row[head] == "no answers" else ""
            yield from self._line(source, {"Base": n[1] if n else base}, name, self.now, place, note)

    def _table(self, source: str, table: Tag, where: Mapping[str, str]) -> set[int]:
        """Reads a table and returns the bases that it holds."""
        caption = text(table.find("caption"))
        heads = [text(head) for head in table.select("thead th")]
        lines = [
            [text(cell) for cell in line.find_all(["th", "td"], recursive=False)] for line in table.select("tbody tr")
        ]
        rows = [dict(zip(heads, line, strict=True)) for line in lines]
        source = f"{source}: {caption}"
        if caption in NO_BASES:
            return set()
        if "cx-matrix" in table["class"]:
            return set(self._matrix(source, heads, lines, where))
        if "cx-cross" in table["class"]:
            return set(self._crosstab(source, heads, lines, where))
        if "cx-board" in table["class"]:
            return set(self._board(source, rows, where))
        if {"Score", "Base"} <= set(heads):
            return {n for row in rows for n in self._estimate(source, row, caption, where)}
        for bases in ("Bases now / before", "Bases level / rest"):
            if bases in heads:
                return {n for row in rows for n in self._pair(source, row, bases, caption, where)}
        if {"Answer", "Class", "Answers"} <= set(heads):
            return self._distribution(source, rows, caption, where)
        if "Base" in heads and ("Period" in heads or heads[0] == "Period"):
            return {
                n
                for row in rows
                for place in [self.places[row["Report"]] if "Report" in row else where]
                for n in self._line(source, row, self._named(row, caption), row["Period"], place)
            }
        return self._of_the_data(source, caption, rows)

    def _matrix(
        self, source: str, heads: Sequence[str], lines: Sequence[Sequence[str]], where: Mapping[str, str]
    ) -> Iterator[int]:
        """The levels of each segment by all metrics: bases stand beside the scores."""
        name = ""
        for said, *cells in lines:
            if said.endswith(" changed differently?"):
                name = self.headings[said.removesuffix(" changed differently?")]
                continue
            level, ends = re.fullmatch(r"(.*) n ([\d, to]+)", said).groups()  # type: ignore[union-attr]
            held = {label: self._cell(LABELS[label], self.now, {**where, name: level}) for label in heads[1:]}
            for label, told in zip(heads[1:], cells, strict=True):
                n = BASE.search(told)
                if n or told.startswith("hidden"):
                    self._base(source, held[label], _whole(n[1]) if n else None, told)
            bases = [min(self.facts.bases[cell]) for cell in held.values() if any(self.facts.bases.get(cell, ()))]
            told_ends = set(map(_whole, ends.split(" to ")))
            self.unread += [f"{source}: {said}"] * (told_ends != {min(bases), max(bases)})
            yield from told_ends

    def _crosstab(
        self, source: str, heads: Sequence[str], lines: Sequence[Sequence[str]], where: Mapping[str, str]
    ) -> Iterator[int]:
        """A banner table: a row of bases of each metric, its scores, and the shares of its classes."""
        name, metric = self.headings[heads[0]], ""
        for said, *cells in lines:
            metric = LABELS[said.removesuffix(" base")] if said.endswith(" base") else metric
            for level, told in zip(heads[1:], cells, strict=True):
                cell = self._cell(metric, self.now, {**where, **({} if level == "All" else {name: level})})
                if said.endswith(" base"):
                    n = None if told == "hidden" else _whole(told)
                    self._base(source, cell, n, "hidden" if n is None else "")
                    yield from () if n is None else (n,)
                elif not said.startswith("Score") and told:
                    self.facts.shares[cell][said] = float(told.rstrip("%"))

    def _estimate(self, source: str, row: Mapping[str, str], caption: str, where: Mapping[str, str]) -> Iterator[int]:
        place = {**where, **self._cut(row)}
        if row.get("Report") == "Overview":  # of each margin a line, which does not say of which; the overview does
            yield from map(_whole, re.findall(r"^\d[\d,]*", row["Base"]))
            return
        place = self.places[row["Report"]] if "Report" in row else place
        name = self._named(row, caption)
        yield from self._line(source, row, name, row.get("Period", self.now), place, row.get("Remarks", ""))

    def _cut(self, row: Mapping[str, str]) -> dict[str, str]:
        """The levels of a row; of several segments in one table each row has the level of one."""
        return {name: row[key] for key, name in self.headings.items() if row.get(key, "All") != "All"}

    def _line(
        self, source: str, row: Mapping[str, str], name: str, period: str, place: Mapping[str, str], note: str = ""
    ) -> Iterator[int]:
        found = re.match(r"\d[\d,]*", row["Base"])
        why = re.search(r"hidden: .*", note)
        self._base(source, self._cell(name, period, place), _whole(found[0]) if found else None, why[0] if why else "")
        if found:
            yield _whole(found[0])

    def _pair(
        self, source: str, row: Mapping[str, str], bases: str, caption: str, where: Mapping[str, str]
    ) -> Iterator[int]:
        place = {**where, **self._cut(row)}
        found = [_whole(n) if n[0].isdigit() else None for n in re.match(r"(\S+) / (\S+)", row[bases]).groups()]  # type: ignore[union-attr]
        name, note = self._named(row, caption), row.get("Verdict", "")
        if bases.endswith("before"):
            self._both(source, name, place, found, note)
        else:
            cell = self._cell(name, self.now, place)
            self._base(source, cell, found[0], "")
            if found[1] is not None:
                self.facts.rests.append((cell, next(iter(self._cut(row)), ["", *where][-1]), found[1]))
        yield from (n for n in found if n is not None)

    def _distribution(
        self, source: str, rows: Sequence[Mapping[str, str]], caption: str, where: Mapping[str, str]
    ) -> set[int]:
        cell = self._cell(self._named({}, caption), self.now, where)
        counts = {float(row["Answer"]): _whole(row["Answers"]) for row in rows}
        self._base(source, cell, sum(counts.values()), "")
        self.facts.answers[cell] |= counts
        return {sum(counts.values()), *counts.values()}

    def _of_the_data(self, source: str, caption: str, rows: Sequence[Mapping[str, str]]) -> set[int]:
        """The tables about the whole data: totals of items, refusals, levels over all periods, response rate."""
        first = self.items[self.metrics[0]]
        for row in rows:
            if caption == "Answers that the totals hold":
                if row["Rows"] != "not shown":
                    self.facts.totals[row["Item"]] = (_whole(row["Rows"]), _whole(row["Answers"]))
            elif caption.startswith(("Refused answers", "Answers refused")):
                n = row.get("Answers", row.get("Refused", ""))
                self.refused[row["Item"], row["Reason"]] = None if n == "not shown" else _whole(n)
            elif caption == "Share of the answers that each level holds":
                if row["Answers"] != "not shown":
                    level = ((row["Dimension"], row["Level"]),)
                    self.facts.uses.append((first, level, _whole(row["Answers"])))
            elif caption == "Invited and answered":
                n = None if row["Answers"] == "not shown" else _whole(row["Answers"])
                self._base(source, Cell(first, row["Period"], ()), n, "")
            elif caption != "Data of this run":
                self.unread.append(source)
        return set()

    # What the numbers count -------------------------------------------------------------------------------------------

    def _sums(self) -> None:
        """Rests, levels over all periods, and what is left of the rows when all that was refused is taken away."""
        facts = self.facts
        for cell, dimension, n in facts.rests:
            place = dict(cell.place)
            level = place.pop(dimension)
            others = [
                c
                for c in facts.cells
                if c[:2] == cell[:2] and {**place, dimension: dict(c.place).get(dimension)} == dict(c.place)
            ]
            parts = [c for c in others if dict(c.place)[dimension] not in (level, None)]
            some_out = not place and cell.item in {out.item for out in facts.left_out}
            if some_out and n == facts.told(parts):
                continue  # all others are those that are shown, where the total leaves places out
            facts.sums.append(Sum(tuple(parts), n))
        for item, level, n in facts.uses:
            self._hidden_in([c for c in facts.cells if c.item == item and c.place == level], n)
        for item, (rows, used) in facts.totals.items():
            totals = [c for c in facts.cells if c.item == item and not c.place]
            self._hidden_in(totals, used)
            refused = [n for (of, _), n in self.refused.items() if of == item]
            left = rows - sum(n for n in refused if n is not None)
            out = [c for c in facts.left_out if c.item == item]
            facts.sums.append(Sum((*totals, *out), left, "most" if None in refused else "equal"))

    def _hidden_in(self, cells: list[Cell], n: int) -> None:
        """A number that is more than what is shown of the cells counts hidden ones, too, if no others are meant."""
        every = {c.period for c in self.facts.cells} == {c.period for c in cells}
        if every and n != self.facts.told(cells):
            self.facts.sums.append(Sum(tuple(cells), n))

    # Facts ------------------------------------------------------------------------------------------------------------

    def _named(self, row: Mapping[str, str], caption: str) -> str:
        """The metric of a row: its own column, or the caption, or the one that leads."""
        if "Metric" in row:
            return LABELS[row["Metric"]]
        if caption.startswith("Other changes") and len(self.metrics) == 2:
            return self.metrics[1]
        starts = [label for label in LABELS if re.match(rf"(?:Change of )?{re.escape(label)}\b", caption)]
        return LABELS[max(starts, key=len)] if starts else self.metrics[0]

    def _cell(self, metric: str, period: str, place: Mapping[str, str]) -> Cell:
        return Cell(METRICS[metric].item, period, tuple(sorted(place.items())))

    def _both(self, source: str, metric: str, place: Mapping[str, str], ns: Sequence[Any], note: str) -> None:
        for n, period, side in zip(ns, (self.now, self.before), ("now", "before"), strict=True):
            why = re.search(rf"{side}: (hidden.*)", note)
            self._base(source, self._cell(metric, period, place), n, why[1] if why else "")

    def _base(self, source: str, cell: Cell, n: Any, note: str) -> None:
        """A base, or that there is none and why."""
        self.facts.read[source.partition(": ")[2] or source] += 1
        if n is None and "only places that the total leaves out" in note:
            n = 0  # of the others nobody answered, as their pages say
        if n is not None:
            self.facts.bases[cell].add(int(n))
        else:
            known = self.facts.hidden.get(cell, "")
            self.facts.hidden[cell] = known or note


def _whole(number: str) -> int:
    return int(number.replace(",", ""))
