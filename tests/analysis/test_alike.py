"""Whether parts changed differently: of the sample, under hiding, and of whom something is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.show.findings import named
from cxkit.show.rows import rows
from cxkit.stats import shrink

SHARES = {"low": (0.45, 0.25, 0.3), "high": (0.2, 0.3, 0.5)}


def tallied(now: dict[str, str], n: int = 150, seed: int = 4) -> cx.Tallies:
    """Areas whose answers are all high before, and now as given."""
    rng = np.random.default_rng(seed)
    rows = [
        {"wave": wave, "area": area, "side": "x" if i % 2 else "y", "nps": answer}
        for area, kind in now.items()
        for wave, shares in (("0", SHARES["high"]), ("1", SHARES[kind]))
        for i, answer in enumerate(rng.choice([3, 7, 10], n, p=shares))
    ]
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave"},
        "items": {"nps": "nps"},
        "dimensions": {"area": "area", "side": "side"},
    }
    return cx.tally(cx.read(pd.DataFrame(rows), mapping), ["nps"], by=["area", "side"], period="wave")


def test_the_one_that_fell_is_named_and_its_change_pulled_in() -> None:
    tallies = tallied({"a": "high", "b": "low", "c": "high", "d": "high"})
    found = cx.alike(tallies, "1", "0", ["area", "side"])
    areas, sides = found[found["area"].notna()], found[found["side"].notna()]
    assert areas["alike_verdict"].unique().tolist() == ["differently"]
    assert sides["alike_verdict"].unique().tolist() == ["no evidence"]
    assert areas.loc[areas["named"], "area"].tolist() == ["b"]
    row = areas[areas["named"]].iloc[0]
    whole = cx.compare(tallies, "1", "0", by=())["change"].item()
    assert row["change"] < row["named_change"] < whole  # between its own and that of all
    # Benjamini and Yekutieli (2005): one of six is named, so its limits are those of 1 - .05 / 6
    assert row["named_level"] == pytest.approx(1 - 0.05 / 6)
    wide = cx.compare(tallies, "1", "0", level=1 - 0.05 / 6, by=["area"]).set_index("area").loc["b"]
    assert (row["named_low"], row["named_high"]) == (wide["low"], wide["high"])
    plain = cx.compare(tallies, "1", "0", by=[("area",), ("side",)])
    pd.testing.assert_frame_equal(pd.DataFrame(found[plain.columns]), pd.DataFrame(plain))


def test_where_all_fell_alike_none_is_named() -> None:
    found = cx.alike(tallied(dict.fromkeys("abcd", "low")), "1", "0", "area")
    assert (found["verdict"] == "changed").any()
    assert found["alike_verdict"].unique().tolist() == ["no evidence"]
    assert not found["named"].any()
    assert found[["named_change", "named_low"]].isna().all(axis=None)
    assert (found["alike_detectable"] > 0).all()


def test_hidden_and_small_parts_are_in_no_test() -> None:
    tallies = tallied({"a": "high", "b": "low", "c": "high"}, n=60)
    found = cx.alike(mask(tallies, minimum=65), "1", "0", "area")  # every area is hidden
    assert found["alike_verdict"].unique().tolist() == ["too few"]
    assert found["alike_q"].isna().all()
    small = cx.alike(tallies, "1", "0", "area", minimum=61)
    assert small["alike_verdict"].unique().tolist() == ["too few"]


def test_the_error_is_that_behind_the_interval() -> None:
    found = cx.alike(tallied({"a": "high", "b": "high", "c": "high"}), "1", "0", "area")
    y, low, high = (found[name].to_numpy() for name in ("change", "low", "high"))
    grid = np.linspace(y.min(), y.max(), 20001)[:, None]
    arm = np.where(y > grid, y - low, high - y) / 1.959964
    assert found["alike_q"].iloc[0] == pytest.approx((((y - grid) / arm) ** 2).sum(axis=1).min(), rel=1e-5)


def test_the_lead_is_a_family_of_its_own() -> None:
    tallies = cx.tally(cx.read("sample"), ["nps", "csat", "ces"], by=["brand"], levels=[(), ("brand",)])
    found = cx.alike(tallies, "2026-10", "2026-09", "brand", lead="nps")
    led = found[found["metric"] == "nps"]
    assert led["alike_pvalue"].to_numpy() == pytest.approx(led["alike_pvalue_adj"].to_numpy())
    others = found[found["metric"] != "nps"].groupby("metric")[["alike_pvalue", "alike_pvalue_adj"]].first()
    assert others["alike_pvalue_adj"].min() == pytest.approx(min(1, 2 * others["alike_pvalue"].min()))
    assert found.loc[found["named"], ["metric", "brand"]].to_numpy().tolist() == [["nps", "Brimvale"]]


def test_parts_are_pulled_towards_each_other_where_the_total_is_hidden() -> None:
    whole = tallied({"a": "high", "b": "low", "c": "high", "d": "high"})
    lost = pd.DataFrame([{"item": "nps", "period": "0", "cut": "", "reason": "given away"}])
    hidden = lost.reindex(columns=whole.hidden.columns).astype(whole.hidden.dtypes)
    found = cx.alike(replace(whole, hidden=hidden), "1", "0", "area")
    picked = found[found["named"]]
    assert picked["area"].tolist() == ["b"]
    pulled = shrink(found["change"], ((found["high"] - found["low"]) / 2 / 1.959964) ** 2).value[1]
    assert picked["named_change"].item() == pytest.approx(pulled)
    assert [row["area"] for row in named(rows(found))] == ["b"]
