"""The limits of a run: one source, and every sentence that quotes a limit quotes the one in force."""

from __future__ import annotations

import io
import re
from typing import Any

import openpyxl
import pandas as pd
import pytest

import cxkit as cx
from cxkit import show
from cxkit.analysis.privacy import mask
from cxkit.runs.workbook import workbook

SIZES = {"few": 20, "some": 45, "many": 200, "more": 220}


def tallied(**limits: int) -> cx.Tallies:
    rows = [(wave, brand) for wave in "12" for brand, n in SIZES.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["wave", "brand"])
    frame["nps"] = [float(i * 7 % 11) for i in range(len(frame))]
    given = {"rules": cx.Rules(**limits)} if limits else {}
    return cx.tally(cx.read(frame), ["nps"], by=["brand"], levels=[(), ("brand",)], period="wave", **given)


def quoted(tallies: cx.Tallies) -> str:
    """All that the pages say, as text."""
    scores = cx.estimate(tallies, by=["brand"])
    moves = cx.compare(tallies, "2", "1", by=["brand"])
    one = cx.at(moves, {"brand": "few"})
    made = [
        show.methods(scores, moves, tallies.metrics), show.estimates_table(scores, tallies.metrics),
        show.comparisons_table(moves, tallies.metrics), show.findings(one, tallies.metrics),
        show.segments(scores, moves, tallies.metrics["nps"], "brand"),
    ]  # fmt: skip
    return re.sub(r"<[^>]+>", " ", " ".join(str(part) for part in made))


def test_a_limit_that_is_set_is_the_one_that_is_quoted() -> None:
    text = quoted(mask(tallied(), minimum=25))
    assert "fewer than 25 people" in text
    assert "25 people who answer give a score" in text
    assert not re.search(r"\b(10|ten) people", text)


def test_judge_from_decides_and_is_quoted(tmp_path) -> None:
    kept = cx.load(cx.save(mask(tallied(hide_below=15, judge_from=60)), tmp_path / "tallies.parquet"))
    assert kept.rules == cx.Rules(hide_below=15, judge_from=60)
    moves = cx.compare(kept, "2", "1", by=["brand"])
    assert moves.set_index("brand")["verdict"].to_dict() == {
        "few": "too few", "some": "too few", "many": "no evidence", "more": "no evidence"
    }  # fmt: skip
    text = quoted(kept)
    assert "fewer than 60 effective answers on one side" in text
    assert "effective base below 60" in text
    assert "60 answers or more" in text
    assert not re.search(r"(below|than|is) (30|50)\b|\b30 (effective|answers)", text)
    assert "Low base" not in text  # all that lies below 50 is too few already


def test_the_workbook_quotes_them() -> None:
    found: Any = cx.estimate(mask(tallied(hide_below=15, judge_from=60)), by=["brand"])
    book = workbook(found.assign(part="estimate", report="r"), {}, {})
    cells = [str(c.value) for row in openpyxl.load_workbook(io.BytesIO(book))["Notes"] for c in row]
    assert any("fewer than 15 people" in cell for cell in cells)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"hide_below": 2}, "hide_below: expected 3 or more, found 2"),
        ({"judge_from": 9}, "judge_from: expected 10 or more, found 9"),
        ({"hide_below": 40}, "judge_from: expected 40 or more, as hide_below is, found 30"),
    ],
)
def test_limits_that_protect_or_prove_nothing_are_refused(limits, words) -> None:
    with pytest.raises(cx.CxError, match=re.escape(words)):
        cx.Rules(**limits)
