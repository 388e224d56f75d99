"""Facts stay facts: nothing that shows a frame reads a sentence to learn a state.

Why a number is absent is a code (`reason`, `reason_side`), and what a family holds is written by whoever corrects
(`family_of`). A sentence may be put together and printed; what it says is not looked up in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import cxkit as cx
from cxkit import schema
from cxkit.analysis.privacy import mask

ROOT = Path(__file__).parents[2] / "cxkit"
READERS = [*sorted((ROOT / "show").glob("*.py")), ROOT / "runs" / "workbook.py", ROOT / "runs" / "pages.py"]
SENTENCES = {"note", "notes", "words", "reason", "why", "verdict", "method", "said", "told", "family_of", "claim"}
SEARCHES = {"startswith", "endswith", "partition", "rpartition", "removeprefix", "removesuffix", "replace", "split",
            "find", "index", "count", "match", "search"}  # fmt: skip
LAYING_OUT = {"notes", "methods_words"}  # of `wording`: what several rows say is taken apart so that it is said once


def sentences(node: ast.AST) -> bool:
    """Whether an expression is made of a sentence: a variable, an attribute or a column of such a name."""
    for part in ast.walk(node):
        names = {
            ast.Name: lambda p: p.id, ast.Attribute: lambda p: p.attr,
            ast.Constant: lambda p: p.value if isinstance(p.value, str) else "",
        }  # fmt: skip
        if (get := names.get(type(part))) and get(part) in SENTENCES:
            return True
    return False


def readings(source: str) -> Iterator[int]:
    """The lines in which a text is looked for in a sentence, or a sentence is cut or changed."""
    tree = ast.parse(source)
    spared = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name in LAYING_OUT
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in spared:
            continue
        looked: ast.AST | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SEARCHES:
            looked = node.func.value
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            looked = node.comparators[0] if isinstance(node.left, ast.Constant) else None
        if looked is not None and sentences(looked):
            yield node.lineno


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.name)
def test_no_state_is_read_from_a_sentence(path: Path) -> None:
    assert list(readings(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        'if "hidden" in str(row.get("note")): pass',
        'hidden = note.startswith("hidden")',
        'word = row["note"].partition(":")[0]',
        'words = found.words.replace("increased", "higher")',
        'any("rank effect" in str(row.get("method")) for row in found)',
        'text = str(one["note"]).removeprefix("now: ")',
        'alone = found.words.split(" (")[0]',
    ],
)
def test_such_a_reading_is_found(source: str) -> None:
    assert list(readings(source)) == [1]


def test_every_frame_has_the_columns_of_the_schema_and_codes_of_reasons_only() -> None:
    survey = cx.read("sample")
    tallies = mask(cx.tally(survey, ["nps", "csat"], by=["brand", "channel"], rest=True))
    both = ("2026-10", "2026-09")
    frames = {
        schema.ESTIMATES: cx.estimate(tallies),
        schema.COMPARISONS: cx.compare(tallies, *both),
        (*schema.COMPARISONS, *schema.ALIKE): cx.alike(tallies, *both, "channel", where={"brand": "Brimvale"}),
        schema.CONTRASTS: cx.against_rest(tallies, "2026-10", "channel", where={"brand": "Brimvale"}),
        schema.WHY: cx.why(tallies, *both, "channel", where={"brand": "Brimvale"}),
        schema.LEAGUE: cx.league(tallies, "2026-10", "brand", "nps"),
        schema.DISTRIBUTION: cx.distribution(tallies, "nps"),
    }
    for columns, frame in frames.items():
        assert [name for name in frame.columns if name not in tallies.by] == list(columns)
        if "reason" in frame:
            assert set(frame["reason"]) <= {"", *schema.REASONS}
    moves = frames[schema.COMPARISONS]
    few = moves[moves["verdict"] == "too few"]
    assert len(few)
    assert (few["reason"] != "").all()
    assert set(few["reason_side"]) <= {"now", "before", "both"}
    assert (moves.loc[moves["verdict"] != "too few", "reason"] == "").all()
    assert set(moves.loc[moves["family"] > 1, "family_of"]) == {"all metrics by brand and channel"}
