"""A clever reader takes all that a run publishes and solves for what it hides: no hidden cell may come out.

The reader turns scores and intervals into counts, takes rests, totals, refusals and shares of the data as sums of
cells, and solves for cells of which nothing is told: by the sums alone, and with what the reasons say of a base.

One thing is no secret here: a group of ten people or more may have answered alike, and the kit would show such a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attack_data
import pandas as pd
import pytest
from attack_reading import Reader
from attack_solving import Cell, attack, attack_counts, classes, counted, counts_of

from cxkit.analysis import confinement, disclosure, equations, privacy, sharing
from cxkit.metrics import METRICS
from cxkit.runs import prepare as preparing
from cxkit.runs import runs
from cxkit.runs.params import load
from cxkit.show.sections import WORDS
from cxkit.tallies.audit import audited
from cxkit.tallies.storage import load as load_tallies

SHELVES = ["segments", "crossed"]  # through the whole product; the others are slow
SUMMARIES = ["weighted", "people", "panel", "merged", "everybody", "joined"]
NOTHING: dict[str, list[Any]] = {"told": [], "solved": [], "pinned": []}
DISGUISED = {"weighted", "people", "panel"}  # scores are not those of plain answers


def slow(values: list[Any]) -> list[Any]:
    return [pytest.param(*one, marks=pytest.mark.slow) for one in values]


def summarised(folder: Path, variant: str, seed: int) -> Reader:
    """What the numbers behind the pages tell, without the pages: the summary, the refusals and the audit."""
    params = load(attack_data.parameters(folder, variant, seed))
    ready = preparing.prepare(params, folder / "work")
    tallies = load_tallies(ready.tallies)
    reader = Reader(params, ready.now, ready.before, tallies.provenance.get("withheld", []))
    reader.records("summary", pd.read_parquet(ready.summary).to_dict("records"))
    reader.refused |= {(one["item"], one["reason"]): one.get("n") for one in ready.refused}
    public = audited(tallies)
    answers = public["answers"].rename(columns=WORDS | {"rows": "Rows"}).astype(object).fillna("not shown").astype(str)
    for row in answers[answers["Rows"] != "not shown"].to_dict("records"):
        reader.facts.totals[row["item"]] = (int(row["Rows"]), int(row["Answers"]))
    for row in public["reports"].dropna().itertuples():
        reader.facts.uses.append((tallies.metrics[params.metrics[0]].item, ((row.dimension, row.level),), int(row.n)))
    return reader.done()


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Reader]:
    """Whole shelves, made through the product and read; each once."""
    found: dict[tuple[str, int], Reader] = {}

    def reading(variant: str, seed: int) -> Reader:
        if (variant, seed) not in found:
            folder = tmp_path_factory.mktemp(variant)
            file = attack_data.parameters(folder, variant, seed)
            brand = pd.read_csv(folder / "survey.csv")["brand"].dropna().min()
            only = [("brand", brand)] if variant == "crossed" else []  # the overview names all other cells
            params = load(file, only=only)
            ready = preparing.prepare(params, folder / "shelf.work")
            manifest = runs.run(ready, folder / "shelf", 2)
            assert {job["status"] for job in manifest["jobs"]} <= {"done", "skipped"}
            out = load_tallies(ready.tallies).provenance.get("withheld", [])
            found[variant, seed] = Reader(params, ready.now, ready.before, out).shelf(folder / "shelf")
        return found[variant, seed]

    return reading


@pytest.mark.parametrize(
    ("variant", "seed"),
    [*((one, 4) for one in SHELVES), *slow([(one, seed) for one in attack_data.VARIANTS for seed in (5, 6)])],
)
def test_no_hidden_cell_comes_out_of_a_shelf(read, variant, seed):
    reader = read(variant, seed)
    assert reader.unread == []
    assert {cell: told for cell, told in reader.facts.bases.items() if len(told) > 1} == {}
    assert len(reader.facts.hidden) > 5
    assert attack(reader.facts, people=variant == "people") == NOTHING
    assert variant in DISGUISED or attack_counts(reader.facts) == []


@pytest.mark.parametrize("variant", SHELVES)
def test_what_the_attack_works_out_is_true(read, variant):
    """Bases and counts are those of the export, counted without the product; an interval fits its base."""
    facts, answers = read(variant, 4).facts, attack_data.truth(4)
    cells, inverted = {}, counted(facts)
    for cell, told in facts.bases.items():
        part = answers[(answers["item"] == cell.item) & (answers["period"] == cell.period)]
        for name, level in cell.place:
            part = part[part[name] == level]
        out = [other.place[0] for other in facts.left_out if not cell.place and other[:2] == cell[:2]]
        for name, level in out:
            part = part[part[name] != level]
        cells[cell] = part["value"].astype(float)
        assert told == {len(part)}, cell
    values = {name: METRICS[name].values for name in ("nps", "csat", "recommended")}
    for group, known in inverted.items():
        for cell, count in known.items():
            scores = cells[cell].map(values[cell.item])
            ends = {0: [-100.0] if cell.item == "nps" else [0.0], 1: [0.0] if cell.item == "nps" else [], 2: [100.0]}
            assert scores.isin(ends[group]).sum() == count, (group, cell)
    assert len(inverted[2]) > 50
    groups = {metric.item: metric.classes for metric in METRICS.values() if metric.item in ("nps", "csat")}
    shares = {key: known for key, known in classes(facts).items() if key[0] in groups}
    assert len(shares) == 6
    assert sum(map(len, shares.values())) >= 6
    for (item, group), known in shares.items():
        assert {cell: cells[cell].isin(groups[item][group]).sum() for cell in known} == known
    found = [(cell, score) for cell, scores in facts.scores.items() for score in scores if score.metric == "nps"][:20]
    for cell, score in found:
        fits = counts_of(score, range(1, 400))
        assert {n for n, _ in fits} >= {len(cells[cell])}


@pytest.mark.parametrize(
    ("variant", "seed"),
    [*((one, 2) for one in SUMMARIES), *slow([(one, seed) for one in attack_data.VARIANTS for seed in range(10, 40)])],
)
def test_no_hidden_cell_comes_out_of_a_summary(tmp_path, variant, seed):
    facts = summarised(tmp_path, variant, seed).facts
    assert attack(facts, people=variant == "people") == NOTHING
    assert variant in DISGUISED or attack_counts(facts) == []


@pytest.mark.parametrize("mended", [True, False])
def test_rows_read_tell_no_base_because_they_are_not_shown(tmp_path, monkeypatch, mended):
    """44 has a question without blanks, and one person whom a total leaves out: rows less what was refused."""
    if not mended:
        monkeypatch.setattr(sharing, "incomplete", lambda _: [])
    facts = summarised(tmp_path, "segments", 44).facts
    assert (attack(facts) == attack(facts, rows=True) == NOTHING) is mended
    assert mended or {n for _, n in attack(facts)["solved"]} >= {1.0}
    assert attack_counts(facts) == []


def base(seed: int, cell: Cell) -> int:
    part = attack_data.truth(seed)
    part = part[(part["item"] == cell.item) & (part["period"] == cell.period)]
    for name, level in cell.place:
        part = part[part[name] == level]
    return len(part)


@pytest.mark.parametrize("variant", ["segments", "crossed"])
def test_the_attack_succeeds_where_only_small_cells_are_hidden(tmp_path, monkeypatch, variant):
    monkeypatch.setattr(privacy, "suppress", lambda levels, cells, least, same: cells.few)
    monkeypatch.setattr(preparing, "left_out", lambda *_: pd.DataFrame())
    facts = summarised(tmp_path, variant, 2).facts
    solved = attack(facts)["solved"]
    assert len(solved) > 5
    assert all(base(2, cell) == n for cell, n in solved)
    assert len(attack_counts(facts)) > 5


def test_the_attack_succeeds_where_only_sums_are_thought_of(tmp_path, monkeypatch):
    """A reason tells how small a base is: with a sum it can tell the base."""
    monkeypatch.setattr(disclosure, "confined", lambda *_: [])
    monkeypatch.setattr(equations, "COMPANY", 0)
    monkeypatch.setattr(confinement, "QUARTER", 0)
    monkeypatch.setattr(privacy, "SAME", float("inf"))
    found = attack(summarised(tmp_path, "crossed", 6).facts)
    assert found["solved"] == []
    assert found["pinned"]
    assert all(base(6, cell) == n for cell, n in found["pinned"])


def test_the_reader_notices_what_it_cannot_read(tmp_path):
    """A base that no table holds, and a table that is not known, have to be looked at by somebody."""
    params = load(attack_data.parameters(tmp_path, "everybody", 4))
    page = tmp_path / "report.html"
    rows = "<thead><tr><th>X</th></tr></thead><tbody><tr><td>1</td></tr></tbody>"
    table = f"<div class='cx-table'><table><caption>New</caption>{rows}</table></div>"
    page.write_text(f"<body>{table}<figure id='f'><svg><text>n 7</text></svg></figure><p>n 7</p></body>")
    reader = Reader(params, "2026-10", "2026-09")
    reader.page(page, {})
    lost = "n 7 is in no table"
    assert reader.unread == ["report.html: New", f"report.html: f: {lost}", f"report.html: {lost}"]
