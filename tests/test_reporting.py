"""The report object: its frames are those of the functions, its verbs show them, its defaults are sensible."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.show import Html

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
VERBS = ("header", "headline", "findings", "trend", "heatmap", "answers", "classes", "comments", "curves", "drivers",
         "gradient", "crosstab", "hazards", "cohorts", "nonresponse", "margins", "flows",
         "standardised", "weakest",
         "segment_scores", "segment_changes", "standings", "numbers", "segment_numbers", "readings", "left_out",
         "method", "why")  # fmt: skip


@pytest.fixture(scope="module")
def tallies() -> cx.Tallies:
    levels = [(), ("brand",), ("brand", "channel")]
    return cx.tally(cx.read("sample"), ["nps", "csat"], by=["brand", "channel"], levels=levels, rest=True)


def test_defaults_are_the_last_period_all_metrics_and_what_lies_inside(tallies: cx.Tallies) -> None:
    r = cx.report(tallies, {"brand": "Brimvale"})
    assert (r.now, r.before, r.metrics, r.segments) == ("2026-10", "2026-09", ["nps", "csat"], ["channel"])
    assert cx.report(tallies).segments == ["brand"]
    assert repr(r) == "Brimvale, 2026-10 against 2026-09: NPS, CSAT"


def test_frames_are_those_of_the_functions(tallies: cx.Tallies) -> None:
    where, pair = {"brand": "Brimvale"}, ("2026-10", "2026-09")
    r = cx.report(tallies, where, *pair, level=0.9)
    moves = cx.at(cx.compare(tallies, *pair, 0.9, by=["brand"], lead="nps"), where)
    parts = cx.alike(tallies, *pair, ["channel"], 0.9, where=where, metrics=["nps", "csat"], lead="nps")
    scores = cx.at(cx.estimate(tallies, 0.9, by=["brand"], periods=["2026-10"]), where)
    for found, expected in ((r.comparisons, moves), (r.parts, parts), (r.estimates, scores)):
        pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(expected))


@pytest.mark.parametrize("where", [{}, {"brand": "Brimvale"}], ids=["everybody", "a brand"])
def test_every_verb_shows_itself(tallies: cx.Tallies, where: dict[str, str]) -> None:
    r = cx.report(tallies, where, all_parts=not where)
    for verb in VERBS:
        assert isinstance(getattr(r, verb)(), Html), verb
    assert {name for name, made in vars(cx.Report).items() if not name.startswith("_") and callable(made)} == {
        *VERBS,
        "levels",
    }


def test_it_reads_the_file_of_a_run(tallies: cx.Tallies, tmp_path: Path) -> None:
    path = cx.save(tallies, tmp_path / "t.parquet")
    assert cx.report(path, {"brand": "Brimvale"}).headline() == cx.report(tallies, {"brand": "Brimvale"}).headline()


def test_of_several_places_that_moved_the_others_are_named() -> None:
    rng = np.random.default_rng(4)
    scores = {
        ("A", 5): [9, 10],
        ("A", 6): [0, 6],
        ("B", 5): [0, 6],
        ("B", 6): [9, 10],
        ("C", 5): [0, 10],
        ("C", 6): [0, 10],
    }
    rows = [(f"2026-{month:02d}-10", brand, score) for (brand, month), ends in scores.items()
            for score in rng.choice(ends, 200)]  # fmt: skip
    mapping = {
        "kind": "relationship",
        "columns": {"time": "at"},
        "items": {"nps": "nps"},
        "dimensions": {"brand": "brand"},
    }
    told = cx.tally(cx.read(pd.DataFrame(rows, columns=["at", "brand", "nps"]), mapping), ["nps"], by=["brand"])
    others = {brand: cx.report(told, {"brand": brand}).moved["brand"].tolist() for brand in "ABC"}
    assert others == {"A": ["B"], "B": ["A"], "C": ["A", "B"]}


def test_it_knows_which_other_places_moved(tallies: cx.Tallies) -> None:
    found = cx.report(tallies, {"brand": "Corvanto"}).moved
    assert found is not None
    assert found[["brand", "metric", "direction"]].values.tolist() == [["Brimvale", "nps", "lower"]]
    alone = cx.report(tallies, {"brand": "Brimvale"})
    assert alone.moved is not None
    assert alone.moved.empty
    assert "the only brand shown to have moved" in alone.headline()
    assert cx.report(tallies).moved is None


@pytest.mark.parametrize(("given", "words"), [
    ({"now": "2026-1"}, "now: no answers are tallied in '2026-1'; did you mean '2026-10'?"),
    ({"now": "2024-11"}, "before: 2024-11 was tallied without a period to compare it with"),
    ({"metrics": ["nqs"]}, "metrics: 'nqs' was not tallied; did you mean 'nps'?"),
    ({"metrics": []}, "metrics: name at least one"),
])  # fmt: skip
def test_what_was_not_tallied_is_refused(tallies: cx.Tallies, given: dict[str, object], words: str) -> None:
    with pytest.raises(cx.CxError) as error:
        cx.report(tallies, **given)  # type: ignore[arg-type]
    assert words in str(error.value)


@pytest.mark.parametrize("name", ["report", "overview"])
def test_notebooks_of_a_run_are_a_verb_a_cell(name: str) -> None:
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert all(source.count("\n") <= 2 for source in code[2:])
    assert all("r." in source for source in code[2:])
