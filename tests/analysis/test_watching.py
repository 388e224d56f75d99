"""Watching tallies: the frame, what it rests on, and what is hidden from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.schema import LEVEL, WATCH
from cxkit.stats import change_evidence, local_level

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)] + [f"2026-{month:02d}" for month in range(1, 7)]
MAPPING = {
    "kind": "transactional",
    "columns": {"time": "date"},
    "items": {"nps": {"column": "nps"}, "csat": {"column": "csat"}, "wait_time": {"column": "wait", "unit": "minutes"}},
    "dimensions": {"shop": "shop"},
}


def answers(fall: dict[str, tuple[str, float]], n: int = 200, seed: int = 4) -> pd.DataFrame:
    """Answers of three shops, of which some fall by so many points from a month on."""
    rng = np.random.default_rng(seed)
    rows = []
    for shop in ("A", "B", "C"):
        for month in MONTHS:
            start, points = fall.get(shop, ("9999", 0.0))
            moved = points / 200 if month >= start else 0.0
            nps = rng.choice([3, 8, 10], n, p=[0.2 + moved, 0.3, 0.5 - moved])
            rows.append(pd.DataFrame({"shop": shop, "date": f"{month}-15", "nps": nps}))
    frame = pd.concat(rows, ignore_index=True)
    return frame.assign(csat=rng.choice([2, 4, 5], len(frame)), wait=rng.integers(1, 60, len(frame)))


def tallied(frame: pd.DataFrame, metrics: list[str]) -> cx.Tallies:
    return cx.tally(cx.read(frame, MAPPING), metrics, by=["shop"])


@pytest.fixture(scope="module")
def tallies() -> cx.Tallies:
    frame = answers({"B": ("2026-02", 25.0)})
    return tallied(frame, ["nps", "csat", "csat_mean", "wait_time"])


def test_a_lasting_fall_is_found_and_told_since_when(tallies):
    found = cx.watch(tallies, by=["shop"])
    assert tuple(found.columns) == (WATCH[0], "shop", *WATCH[1:])
    assert set(found["metric"]) == {"nps", "csat", "csat_mean"}  # durations are not watched
    assert len(found) == 3 * 3 * len(MONTHS)
    signals = found[found["signal"]]
    assert set(zip(signals["metric"], signals["shop"], signals["direction"], strict=True)) == {("nps", "B", "lower")}
    last = found[(found["metric"] == "nps") & (found["shop"] == "B")].iloc[-1]
    assert last["since"] in ("2026-01", "2026-02", "2026-03")
    assert (last["direction"], last["n"]) == ("lower", 200)
    first = found["period"] < MONTHS[12]  # a year, in which a yearly pattern is seen
    assert found.loc[first, "evidence"].isna().all()
    assert (found.loc[first, "note"] == "baseline").all()
    assert found.loc[~first & (found["shop"] != "B"), "evidence"].notna().all()
    assert set(found["method"]) == {"watched over 12 periods, evidence of 20 is a signal"}
    together = cx.watch(tallies, by=["shop"], together=True)
    assert together["method"].str.contains("e-BH").all()
    pd.testing.assert_series_equal(together["evidence"], found["evidence"])


def test_the_evidence_is_that_of_the_formula(tallies):
    """Of a share and a mean on their own scale, turned to -1..1."""
    for metric, low, high in (("csat", 0.0, 100.0), ("csat_mean", 1.0, 5.0)):
        found = cx.watch(tallies, where={"shop": "A"}, metrics=[metric], baseline=12)
        shares = cx.distribution(tallies, "csat", where={"shop": "A"}).pivot_table(
            index="period", columns="answer", values="share", aggfunc="sum"
        )
        values = np.array([0.0, 0, 0, 1, 1]) if metric == "csat" else np.arange(1.0, 6.0)
        values = 2 * values - 1 if metric == "csat" else (values - 3) / 2
        weights = shares.to_numpy() / 100
        mean = weights @ values
        variance = weights @ values**2 - mean**2
        by_hand = change_evidence([mean], [variance], [[200]], 12).e[0]
        assert found["evidence"].to_numpy()[12:] == pytest.approx(by_hand)
        assert found["value"].to_numpy() == pytest.approx((mean + 1) / 2 * (high - low) + low)
        assert found["expected"].to_numpy()[12] == pytest.approx((mean[:12].mean() + 1) / 2 * (high - low) + low)


def test_what_is_hidden_is_not_watched():
    frame = answers({"B": ("2026-02", 25.0)})
    few = frame[(frame["shop"] != "C") | (frame.groupby(["shop", "date"]).cumcount() < 6)]
    found = cx.watch(mask(tallied(few, ["nps"])), by=["shop"])
    small = found[found["shop"] == "C"]
    assert small[["n", "value", "expected", "evidence"]].isna().all().all()
    assert not small["signal"].any()


def test_of_many_series_signals_are_fewer(tallies):
    alone, together = (cx.watch(tallies, by=["shop"], together=together) for together in (False, True))
    assert together["signal"].sum() <= alone["signal"].sum()
    assert together.loc[together["signal"], "shop"].unique().tolist() == ["B"]


def test_too_few_periods_are_a_baseline(tallies):
    found = cx.watch(tallies, by=["shop"], metrics=["nps"], baseline=len(MONTHS))
    assert found["evidence"].isna().all()
    short = cx.watch(tallies, by=["shop"], metrics=["nps"], baseline=4)
    assert set(short["note"]) == {"baseline", "a yearly pattern cannot be told from a change"}


def test_unknown_names_are_refused(tallies):
    with pytest.raises(cx.CxError, match="'brand' is no dimension"):
        cx.watch(tallies, by=["brand"])
    with pytest.raises(cx.CxError, match="was not tallied"):
        cx.watch(tallies, metrics=["ces"])
    with pytest.raises(cx.CxError, match="baseline: expected 3 or more periods, found 2"):
        cx.watch(tallies, baseline=2)


def test_the_level_is_that_of_the_answers_and_of_hidden_cells_nothing_is_told(tallies):
    found = cx.level(tallies, where={"shop": "B"}, metrics=["nps", "csat_mean"])
    assert tuple(found.columns) == (LEVEL[0], "shop", *LEVEL[1:])
    nps = found[found["metric"] == "nps"]
    score = nps["value"].to_numpy() / 100
    shares = [cx.distribution(tallies, "nps", where={"shop": "B"}).pivot_table("share", "period", "answer")]
    variance = (shares[0][3] + shares[0][10]).to_numpy() / 100 - score**2
    expected = local_level([score], [variance], [nps["n_eff"].to_numpy()])
    assert nps["underlying"].to_numpy() == pytest.approx(100 * expected.value[0])
    assert nps["forecast_low"].iloc[0] == pytest.approx(100 * expected.forecast_low[0])
    assert found.loc[found["metric"] == "csat_mean", "underlying"].between(2, 5).all()
    more = cx.level(tallies, where={"shop": "B"}, metrics=["nps"], fall=20)["power"].iloc[0]
    assert more > nps["power"].iloc[0] > 0.05
    frame = answers({})
    gap = tallied(frame[(frame["shop"] != "A") | ~frame["date"].str.startswith("2025-04")], ["nps"])
    assert cx.level(gap, where={"shop": "A"})[["underlying", "forecast", "power"]].notna().all(axis=None)
    few = mask(tallied(answers({}, n=8), ["nps"]))
    assert cx.level(few, where={"shop": "A"})[["value", "underlying", "forecast", "power"]].isna().all(axis=None)
