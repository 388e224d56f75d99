"""Months of customers, masked by the product, before a reader who takes off those who left, month after month."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

import cxkit as cx
from cxkit.analysis import privacy
from cxkit.schema import is_hidden

SIZES = {"A": 90, "B": 60, "C": 30, "D": 16, "E": 12}
MONTHS = [str(month) for month in pd.period_range("2026-01", "2026-06", freq="M")]
MAPPING: dict[str, Any] = {
    "kind": "relationship",
    "columns": {"respondent": "who"},
    "monthly": {"from": "joined", "to": "left", "until": "2026-07-01", "since": "2026-01-01"},
    "items": {"churn": "month.lost"},
    "dimensions": {"region": "region", "tenure": {"column": "month.tenure", "bands": [24, 60]}},
}


def customers(seed: int) -> pd.DataFrame:
    """All joined before the window; one in twelve leaves in a month, of some regions nearly all."""
    rng = np.random.default_rng(seed)
    regions = np.repeat(list(SIZES), list(SIZES.values()))
    month = rng.geometric(np.where(regions == rng.choice(list("CDE")), 0.3, 0.08))
    left = pd.Timestamp("2025-12-15") + pd.to_timedelta(30.4 * month, "D")
    frame = pd.DataFrame({"who": np.arange(len(regions)).astype(str), "region": regions, "left": left.strftime("%F")})
    frame["joined"] = np.where(rng.random(len(frame)) < 0.9, "2019-05-05", "2024-03-03")
    return frame.assign(left=frame["left"].where(month <= 6, ""))


def masked(frame: pd.DataFrame, by: str) -> tuple[cx.Tallies, cx.Tallies]:
    whole = cx.tally(cx.read(frame, MAPPING), ["churn"], by=[by], levels=[(), (by,)])
    return whole, privacy.mask(whole)


def told(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Hidden bases and losses that are the only ones that fit what is shown: nobody joined, so who left is missing.

    That nobody of all who are hidden left is what a group has in common.
    """
    held = masked(frame, "region")
    whole, shown = (cx.estimate(one, by=["region"]).set_index(["region", "period"]) for one in held)
    every = cx.estimate(held[1], by=()).set_index("period")
    regions, size = list(SIZES), len(SIZES) * len(MONTHS)
    at = {(region, month): i for i, (region, month) in enumerate((r, m) for r in regions for m in MONTHS)}
    rows, right = [], []

    def known(terms: dict[int, float], value: float) -> None:
        rows.append(np.bincount(list(terms), list(terms.values()), 2 * size))
        right.append(value)

    def lost(row: pd.Series) -> float:
        return float(np.nan_to_num(row["n"] * row["value"] / 100))

    for month, after in zip(MONTHS, [*MONTHS[1:], ""], strict=True):
        if not is_hidden(every.loc[month, "reason"]):
            known({at[region, month]: 1 for region in regions}, every.loc[month, "n"])
            known({size + at[region, month]: 1 for region in regions}, lost(every.loc[month]))
        for region in regions:
            i, row = at[region, month], shown.loc[(region, month)]
            if after:
                known({i: 1, size + i: -1, at[region, after]: -1}, 0)
            if not is_hidden(row["reason"]):
                known({i: 1}, row["n"])
                known({size + i: 1}, lost(row))
    within = np.hstack([-np.eye(size), np.eye(size)])  # no more are lost than were there
    found = []
    for (region, month), i in at.items():
        if is_hidden(shown.loc[(region, month), "reason"]):
            for j in (i, size + i):
                aim = np.arange(2 * size) == j
                fits = [linprog(s * aim, within, np.zeros(size), np.array(rows), right) for s in (1.0, -1.0)]
                if -fits[1].fun - fits[0].fun < 1e-6 and whole.loc[(region, month), "value"] > 0:
                    found.append((region, month, "n" if j == i else "lost"))
    return found


@pytest.mark.parametrize("mended", [True, False])
def test_months_do_not_tell_who_left_in_a_hidden_one(monkeypatch: pytest.MonkeyPatch, mended: bool) -> None:
    if not mended:
        monkeypatch.setattr(privacy, "moving", lambda _, cells: np.arange(len(cells)))
        monkeypatch.setattr(privacy, "_every_month", lambda gone, _: gone)
    found = [told(customers(seed)) for seed in range(4)]
    assert any(found) is not mended


def in_bands() -> pd.DataFrame:
    """Fourteen are in the first band until April, when they come to a hundred others; six of them leave in January."""
    frame = customers(0)
    frame["joined"] = np.repeat(["2019-05-05", "2023-01-03", "2024-03-03"], [100, 94, 14])
    frame.loc[frame.index[-14:], "left"] = [""] * 8 + ["2026-01-20"] * 6
    return frame


def band_by_band(tallies: cx.Tallies, cells: pd.DataFrame) -> np.ndarray:
    """The rule as it was: the bands of each month were hidden together."""
    found: np.ndarray = cells.groupby(["period", "cut"]).ngroup().to_numpy()
    return found


@pytest.mark.parametrize("mended", [True, False])
def test_the_base_of_a_band_is_not_what_the_month_before_it_left(monkeypatch: pytest.MonkeyPatch, mended: bool) -> None:
    if not mended:
        monkeypatch.setattr(privacy, "moving", band_by_band)
        monkeypatch.setattr(privacy, "_every_month", lambda gone, _: gone)
    whole, shown = (
        cx.estimate(one, by=["tenure"]).set_index(["tenure", "period"]) for one in masked(in_bands(), "tenure")
    )
    first, month = whole.index[whole["n"].between(1, 9)][0]
    left = shown.loc[(first, str(pd.Period(month) - 1)), ["n", "value"]].astype(float)
    assert (left["n"] * (1 - left["value"] / 100) == pytest.approx(whole.loc[(first, month), "n"])) is not mended
    assert pd.isna(shown.loc[(first, month), "n"])
