from __future__ import annotations

import math

import pandas as pd
from present_made import SCRIPT, Words, estimate

from cxkit.metrics import METRICS
from cxkit.show import league

NPS = METRICS["nps"]
KEYS = ("shrunk", "first", "last", "limits")


def units(reason: str = "", pvalue: float = 0.0004) -> pd.DataFrame:
    places = [(40.0, 38.2, 1, 2, "above"), (30.0, 30.1, 1, 3, "within"), (10.0, 12.4, 3, 3, "below")]
    rows = [
        estimate("nps", "2026-10", 400.0, value, shop=name)
        | dict(zip(("shrunk", "first", "last", "limits"), rest, strict=True))
        for name, (value, *rest) in zip(("A", SCRIPT, "C"), places, strict=True)
    ]
    small = estimate("nps", "2026-10", 12.0, 5.0, shop="D") | dict.fromkeys(("shrunk", "first", "last"), math.nan)
    return pd.DataFrame([*rows, small | {"limits": ""}]).assign(unranked=reason, pvalue=pvalue, between=9.31)


def test_each_unit_has_the_places_that_it_may_take():
    made = league(units(), NPS, "shop")
    assert "<script" not in made
    text = Words(made).text.replace("\xa0", " ")
    for words in (
        "NPS by shop: the places at which each may stand",
        "1 to 2",
        "38",
        "▲ above",
        "– no",
        "▼ below",
        "p < .001, Welch's test",
        "the part of chance: 9.3 points",
        "with a small effective base or hidden: 1.",
    ):
        assert words in text  # fmt: skip


def test_without_a_league_the_page_says_why():
    assert Words(league(units("they are not told apart", 0.31), NPS, "shop")).text.replace("\xa0", " ") == (
        "No league table by shop: they are not told apart (test that all are alike: p = .31). So no order is given."
    )
    few = league(units("only 6 have 30 (effective) answers, and 8 are needed", math.nan), NPS, "shop")
    assert "and 8 are needed. So no order" in Words(few).text
    assert "no shop has answers" in Words(league(units()[:0], NPS, "shop")).text
