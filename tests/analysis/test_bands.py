"""In which band an NPS lies, and how sure that is: by inverting the interval at other levels, and the test."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy.optimize import brentq

import cxkit as cx
from cxkit.stats import nps_interval, nps_test


def banded(promoters: int, passives: int, detractors: int) -> pd.DataFrame:
    frame = pd.DataFrame({"nps": [10] * promoters + [7] * passives + [0] * detractors, "wave": "a"})
    return cx.bands(cx.tally(cx.read(frame), ["nps"], period="wave"), "a").set_index("band")


def test_a_score_of_60_is_excellent_as_far_as_the_interval_says() -> None:
    """70 promoters, 20 passives, 10 detractors: at which level does the interval of `nps_interval` end at 50?"""
    found = banded(70, 20, 10)
    assert found["confidence"].sum() == pytest.approx(100)
    assert found["or_better"].iloc[0] == 100
    level = brentq(lambda level: nps_interval(10, 20, 70, level).low - 0.5, 0.01, 0.99999)
    assert found.loc["excellent", "or_better"] == pytest.approx(100 * (1 - (1 - level) / 2), abs=1e-3)
    p = float(nps_test((10, 20, 70), 0.5).pvalue)
    assert found.loc["excellent", "or_better"] == pytest.approx(100 * (1 - p / 2))
    above = brentq(lambda level: nps_interval(10, 20, 70, level).high - 0.7, 0.01, 0.99999)
    assert found.loc["world class", "confidence"] == pytest.approx(100 * (1 - above) / 2, abs=1e-3)


def test_exactly_70_is_as_sure_to_be_more_as_to_be_less_and_is_called_excellent() -> None:
    found = banded(80, 10, 10)
    assert found.loc["world class", "or_better"] == pytest.approx(50)
    assert found["confidence"].idxmax() in ("excellent", "world class")


def test_weights_and_customers_make_it_less_sure_and_only_nps_has_bands() -> None:
    tallies = cx.tally(cx.read("sample"), ["nps", "csat"], by=["brand"])
    found = cx.bands(tallies, "2026-10", by=["brand"])
    assert set(found["metric"]) == {"nps"}
    assert found.groupby("brand")["confidence"].sum().round(6).eq(100).all()
    good = found[found["band"] == "good"].set_index("brand")["or_better"]
    scores = cx.estimate(tallies, by=["brand"], metrics=["nps"], periods=["2026-10"]).set_index("brand")
    assert (good > 97.5).eq(scores["low"].loc[good.index] > 0).all()
    assert "Hollistra" not in good.index
    assert "Gildamar" in good.index  # seven answers: a run hides them before


def test_hidden_cells_have_none() -> None:
    from cxkit.analysis.privacy import mask

    found = cx.bands(mask(cx.tally(cx.read("sample"), ["nps"], by=["brand"])), "2026-10", by=["brand"])
    assert "Gildamar" not in set(found["brand"])
