"""Intervals that know how many there are: against the formula of Cochran (1977), section 2.6, and a census."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.runs.params import load
from cxkit.runs.prepare import prepare

ROWS = pd.DataFrame({
    "wave": ["1"] * 120 + ["2"] * 120, "brand": (["A"] * 80 + ["B"] * 40) * 2, "channel": ["web", "phone"] * 120,
    "ease": np.random.RandomState(3).randint(1, 8, 240), "nps": [9, 3, 10, 7] * 60,
})  # fmt: skip
MAPPING = {"kind": "relationship", "columns": {"wave": "wave"}, "items": {"nps": "nps", "ces": "ease"},
           "dimensions": {"brand": "brand", "channel": "channel"}}  # fmt: skip


def tallied(**more: Any) -> cx.Tallies:
    levels = [(), ("brand",), ("brand", "channel")]
    return cx.tally(cx.read(ROWS, MAPPING), ["nps", "ces"], ["brand", "channel"], levels, "wave", **more)


def test_a_brand_and_its_segments_know_the_population_and_the_total_does_not() -> None:
    sizes = {"brand": {"A": 100}}
    plain, known = (cx.estimate(tallied(population=of), periods=["2"]) for of in (None, sizes))
    width = (known["high"] - known["low"]) / (plain["high"] - plain["low"])
    in_a = (known["brand"] == "A").to_numpy()
    means = (known["metric"] == "ces").to_numpy()
    assert width[in_a & means].to_numpy() == pytest.approx(sqrt(1 - 80 / 100), rel=1e-6)  # of the t interval
    assert (width[in_a] < 0.5).all()
    assert width[~in_a].to_numpy() == pytest.approx(1)
    assert known.loc[in_a, "method"].str.endswith("finite population").all()
    assert known["n_eff"][in_a].to_numpy() == pytest.approx(plain["n_eff"][in_a].to_numpy() * 5)


def test_a_change_rests_on_both_shares_and_a_verdict_on_people() -> None:
    plain, known = (
        cx.compare(tallied(population=of), "2", "1", by=["brand"]) for of in (None, {"brand": {"A": 100, "B": 40}})
    )
    of_mean = (known["metric"] == "ces") & (known["brand"] == "A")
    widths = [(frame["high"] - frame["low"])[of_mean].iloc[0] for frame in (plain, known)]
    assert widths[1] / widths[0] == pytest.approx(sqrt(0.2), rel=0.02)
    everybody = known["brand"] == "B"  # a census: what differs differs
    assert (known["high"] - known["low"])[everybody].max() < 0.5
    assert (known["n_judged"] <= known["n"] + 1e-9).all()


def test_more_answers_than_people_are_refused() -> None:
    with pytest.raises(cx.CxError, match=r"population\.brand\.A: 80 answered ces in 1, and 50 could"):
        tallied(population={"brand": {"A": 50}})
    with pytest.raises(cx.CxError, match="'region' alone is no level"):
        tallied(population={"region": {"N": 50}})


def test_a_run_has_a_population(tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    text = f"""name: census
title: Census
source: rows.csv
mapping: {MAPPING}
metrics: [ces]
period: wave
for_each: [brand]
population: {{brand: {{A: 100, B: 400}}}}
"""
    (tmp_path / "run.yaml").write_text(text.replace("'", '"'), encoding="utf-8")
    summary = pd.read_parquet(prepare(load(tmp_path / "run.yaml"), tmp_path / "work").summary)
    own = summary[(summary["part"] == "estimate") & (summary["period"] == "2")].set_index("report")
    assert own["n_eff"].to_dict() == pytest.approx({"a": 80 / 0.2, "b": 40 / 0.9, "overview": 120})
    (tmp_path / "bad.yaml").write_text(text.replace("'", '"').replace("for_each: [brand]", "for_each: [channel]"))
    with pytest.raises(cx.CxError, match="population: 'brand' is no dimension of for_each"):
        load(tmp_path / "bad.yaml")
