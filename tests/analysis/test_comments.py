"""Comments: picked by a rule that knows nothing of who wrote them, masked, and never of a place that is hidden."""

from __future__ import annotations

import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.comments import LENGTH, masked, with_comments
from cxkit.analysis.privacy import mask

MAPPING = {
    "kind": "transactional",
    "columns": {"wave": "wave", "respondent": "who", "comment": "said"},
    "items": {"nps": "nps"},
    "dimensions": {"brand": "brand"},
}


def frame(sizes: dict[str, int]) -> pd.DataFrame:
    rows = [
        {
            "wave": wave,
            "who": f"{brand}{i}",
            "nps": (10, 8, 2)[i % 3],
            "brand": brand,
            "said": f"{brand} {wave} {i % 9}",
        }
        for brand, n in sizes.items()
        for wave in ("1", "2")
        for i in range(n)
    ]
    return pd.DataFrame(rows)


def prepared(data: pd.DataFrame, places=("brand",), most: int = 4, minimum: int = 30, **where) -> cx.Tallies:
    survey = cx.read(data, MAPPING)
    levels = [(), ("brand",)] if places else [()]
    counted = cx.tally(survey, ["nps"], by=["brand"], levels=levels, period="wave", where=where or None)
    return with_comments(mask(counted), survey, "2", places, most, minimum)


def test_the_worst_class_comes_first_and_only_of_the_period():
    found = cx.comments(prepared(frame({"A": 60, "B": 60}), most=5), where={"brand": "A"})
    assert found["group"].tolist() == ["Detractors (0-6)"] * 3 + ["Passives (7-8)"] * 2
    assert found["comment"].str.startswith("A 2 ").all()
    assert found["comment"].is_unique


def test_the_pick_depends_on_the_texts_alone():
    data = frame({"A": 60, "B": 60})
    other = data.sample(frac=1, random_state=3).assign(who=lambda d: [f"x{i}" for i in range(len(d))])
    for brand in "AB":
        where = {"brand": brand}
        pd.testing.assert_frame_equal(
            cx.comments(prepared(data), where=where), cx.comments(prepared(other), where=where)
        )


@pytest.mark.parametrize(("n", "note"), [(29, "not shown: fewer than 30 people answered"), (30, "")])
def test_a_place_needs_more_people_for_comments_than_for_a_score(n, note):
    found = cx.comments(prepared(frame({"A": n, "B": 60})), where={"brand": "A"})
    assert set(found["note"]) == {note}
    assert found["comment"].ne("").any() == (not note)


def test_the_threshold_is_never_below_that_of_a_score():
    found = cx.comments(prepared(frame({"A": 12, "B": 60, "C": 9, "D": 9}), minimum=1), where={"brand": "A"})
    assert found["comment"].ne("").any() or found.empty  # shown, or hidden to protect another place
    for brand in "CD":
        assert cx.comments(prepared(frame({"A": 12, "B": 60, "C": 9, "D": 9}), minimum=1), where={"brand": brand}).empty


def test_a_hidden_place_leaves_no_text_behind(tmp_path):
    tallies = prepared(frame({"A": 60, "B": 60, "Few": 5, "Some": 6}), minimum=1)
    text = cx.save(tallies, tmp_path / "tallies.parquet").read_bytes()
    assert b"A 2 " in text
    assert b"Few 2 " not in text
    assert b"Some 2 " not in text


def test_a_run_on_everybody_and_a_filter():
    found = cx.comments(prepared(frame({"A": 60, "B": 60}), places=(), brand=["B"]))
    assert len(found) == 4
    assert found["comment"].str.startswith("B 2 ").all()


def test_without_asking_there_are_none():
    survey = cx.read(frame({"A": 40}), MAPPING)
    assert cx.comments(cx.tally(survey, ["nps"], by=["brand"], period="wave"), where={"brand": "A"}).empty


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mail ann.b+c@mail.example.co.uk please", "mail [e-mail] please"),
        ("see HTTPS://x.example/a?b=1, or www.x.example", "see [link] or [link]"),
        ("look at shop.example.com/me today", "look at [link] today"),
        ("call 030/123 45 67 or +1 (555) 010-9999", "call [number] or [number]"),
        ("order 12345, contract DE-99-88-77-66", "order [number], contract [number]"),
        ("waited 45 minutes, paid 3.50 in 2026", "waited 45 minutes, paid 3.50 in 2026"),
        (" two\n lines ", "two lines"),
        ("x" * 600, "x" * LENGTH + "…"),
    ],
)
def test_what_says_who_is_masked(text, said):
    assert masked(text) == said
