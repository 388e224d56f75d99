"""Each place against all others, in the period and over windows of several, which hold only what is shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bare import bare
from small import PARAMETERS, write_notebook

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.errors import CxError
from cxkit.runs.params import load
from cxkit.runs.prepare import plan, prepare
from cxkit.stats import nps_difference, shrunk_interval
from cxkit.tallies.windows import over, window_of

MAPPING: dict[str, Any] = {
    "kind": "transactional",
    "columns": {"time": "day", "respondent": "who"},
    "items": {"nps": "nps"},
    "dimensions": {"market": "market", "shop": "shop"},
}
PARAMS = """\
name: peers
title: Peers
source: survey.csv
mapping: {kind: transactional, columns: {time: day, respondent: who}, items: {nps: nps}, dimensions: {shop: shop}}
metrics: [nps]
as_of: 2026-10-15
for_each: [shop]
level_over: 3 months
"""


def answers(small: int = 14, tiny: int = 4) -> pd.DataFrame:
    """Twelve shops in six months: one is far below the others, one has few answers a month, one next to none."""
    rng = np.random.default_rng(11)
    sizes = {f"S{i}": 40 for i in range(10)} | {"Small": small, "Tiny": tiny}
    rows = [(shop, f"2026-{m:02d}-1{d % 9}", m) for shop, n in sizes.items() for m in range(4, 10) for d in range(n)]
    frame = pd.DataFrame(rows, columns=["shop", "day", "month"])
    frame["market"] = np.where(frame["shop"].isin(["S0", "S1"]), "South", "North")
    frame["who"] = rng.integers(0, 900, len(frame)).astype(str)
    low = frame["shop"].isin(["S0", "Small"])
    chance = np.where(low, 0.15, 0.55)
    frame["nps"] = np.where(rng.random(len(frame)) < chance, 10, np.where(rng.random(len(frame)) < 0.5, 3, 8))
    return frame


def tallied(frame: pd.DataFrame, **given: Any) -> cx.Tallies:
    by, levels = ["market", "shop"], [(), ("shop",), ("market",), ("market", "shop")]
    return cx.tally(cx.read(frame, MAPPING), ["nps"], by=by, levels=levels, rest=True, **given)


def test_a_place_is_compared_with_all_others_and_pulled_to_their_mean() -> None:
    frame = answers(tiny=20)
    alone = frame[frame["month"] == 9].assign(who=range((frame["month"] == 9).sum()))  # nobody is on both sides
    found = cx.peers(tallied(alone), "2026-09", ["shop"], lead="nps").set_index("shop")

    def counts(part: pd.DataFrame) -> tuple[int, int, int]:
        return tuple((part["nps"] == score).sum() for score in (3, 8, 10))

    held, others = alone[alone["shop"] == "S0"], alone[alone["shop"] != "S0"]
    change, low, high, p = nps_difference(counts(held), counts(others))
    row = found.loc["S0"]
    assert row[["difference", "low", "high"]].tolist() == pytest.approx([100 * x for x in (change, low, high)])
    assert (row["pvalue"], row["family"], row["verdict"]) == (pytest.approx(p), 10, "differs")
    values = alone.assign(value=alone["nps"].map({3: -1.0, 8: 0.0, 10: 1.0})).groupby("shop")["value"]
    n, squares = values.size(), values.var(ddof=0) * values.size()
    pulled = shrunk_interval(values.mean(), squares.sum() / (n - 1).sum() / n, scale=(-1.0, 1.0))
    assert found["shrunk"].reindex(n.index).tolist() == pytest.approx((100 * pulled.value).tolist())
    assert found["shrunk_high"].reindex(n.index).tolist() == pytest.approx((100 * pulled.high).tolist())
    assert abs(found.loc["Small", "shrunk"] - found.loc["S5", "value"]) < abs(found.loc["Small", "value"] - 30)


def test_of_two_dimensions_the_others_are_those_of_the_same_group() -> None:
    found = cx.peers(tallied(answers(tiny=20)), "2026-09", ["market", "shop"])
    found = found[found["n"] > 0].set_index("shop")
    assert found.loc["S0", "n_rest"] == found.loc["S1", "n"]
    assert found.loc["S2", "n_rest"] == found["n"][found["market"] == "North"].sum() - found.loc["S2", "n"]
    assert found.loc["S0", "family"] == 2
    assert np.isnan(found.loc["S0", "shrunk"])  # two are too few to know how far places are apart


def test_a_window_is_what_a_tally_of_these_months_is() -> None:
    frame = answers(tiny=20)
    monthly = mask(tallied(frame))
    spans = [window_of(monthly, end, 3) for end in ("2026-06", "2026-09")]
    windows = over(cx.read(frame, MAPPING), monthly, ["shop"], spans, {})
    quarters = tallied(frame, period="quarter")
    assert windows.periods == ["2026-04 to 2026-06", "2026-07 to 2026-09"]
    for now, before in [("2026-07 to 2026-09", "2026-04 to 2026-06")]:
        made = cx.compare(windows, now, before, by=["shop"]).drop(columns=["now", "before"])
        pd.testing.assert_frame_equal(
            made, cx.compare(quarters, "2026-Q3", "2026-Q2", by=["shop"]).drop(columns=["now", "before"])
        )
        beside = cx.peers(windows, now, ["shop"]).drop(columns="period")
        pd.testing.assert_frame_equal(beside, cx.peers(quarters, "2026-Q3", ["shop"]).drop(columns="period"))


def test_a_window_holds_only_what_is_shown() -> None:
    frame = answers(tiny=0)
    frame = frame[
        (frame["shop"] != "Small") | (frame["month"] != 8) | (frame.groupby(["shop", "month"]).cumcount() < 5)
    ]
    monthly = mask(tallied(frame))
    windows = over(cx.read(frame, MAPPING), monthly, ["shop"], [window_of(monthly, "2026-09", 3)], {})
    held = cx.estimate(monthly, by=["shop"], periods=["2026-07", "2026-08", "2026-09"])
    held = held.groupby("shop")["n"].sum()
    found = cx.estimate(windows, by=["shop"]).set_index("shop")["n"]
    assert found.astype(int).to_dict() == held.astype(int).to_dict()
    assert held["Small"] == 28
    total = cx.estimate(windows, by=())["n"].item()
    assert total == held.sum()
    both = over(cx.read(frame, MAPPING), monthly, ["market", "shop"], [["2026-09"]], {})
    assert cx.estimate(both, by=["market", "shop"])["n"].sum() <= held.sum()


def test_a_run_tells_it_on_the_index_in_the_workbook_and_to_each_place(tmp_path: Path) -> None:
    answers().to_csv(tmp_path / "survey.csv", index=False)
    for name in ("report", "overview"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", "print(now)", parameters=PARAMETERS)
    (tmp_path / "peers.yaml").write_text(PARAMS, encoding="utf-8")
    prepared = prepare(load(tmp_path / "peers.yaml"), tmp_path / "work")
    told = pd.read_parquet(prepared.summary)
    peers = told[told["part"] == "peer"].set_index(["period", "report"])
    now, window = "2026-09", "2026-07 to 2026-09"
    assert peers.loc[(now, "s0"), "verdict"] == "differs"
    assert (peers.loc[(now, "small"), "verdict"], peers.loc[(window, "small"), "verdict"]) == ("too few", "differs")
    assert not told[told["report"].eq("tiny") & told["part"].isin(["peer", "window estimate"])]["value"].notna().any()
    # The total leaves Tiny out, so that all others are those that are shown.
    assert peers.loc[(now, "s0"), "n_rest"] == peers.loc[now]["n"].sum() - peers.loc[(now, "s0"), "n"]

    job = next(job for job in prepared.jobs if job.name == "small")
    own = cx.report(job.parameters["tallies"], {"shop": "Small"})
    assert own.peers["verdict"].tolist() == ["too few", "differs"]
    first, numbers = str(own.headline()), str(own.numbers())
    assert "<small>over July to September 2026 lower than all others</small>" in first
    assert "Over several periods, as far as they are shown: changes</caption>" in numbers
    assert "Shrunken towards the mean of all" in numbers
    assert bare(numbers) == []
    without = re.sub(
        r"(<td>[−\d]+ points) <small>[^<]*</small>", r"\1", numbers
    )  # a shrunken score without its interval
    assert [fault for fault in bare(without) if "no interval" in fault]
    whole = cx.report(tallied(answers(tiny=20)), {"shop": "S0"}, metrics=["nps"])  # as in JupyterLab
    assert whole.peers["verdict"].tolist() == ["differs"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("1 months", "level_over: expected such as 6 months, from 2 on, found '1 months'"),
        ("3 quarters", "level_over: expected such as 6 months"),
        ("three", "level_over: expected such as 6 months"),
    ],
)
def test_a_window_is_of_several_periods_of_the_run(tmp_path: Path, given: str, words: str) -> None:
    (tmp_path / "peers.yaml").write_text(PARAMS.replace("3 months", given), encoding="utf-8")
    with pytest.raises(CxError, match=words):
        load(tmp_path / "peers.yaml")


def test_rows_for_each_month_are_not_put_together(tmp_path: Path) -> None:
    with pytest.raises(CxError, match="level_over: rows are made for each period"):
        plan(load("params/retention.yaml", {"level_over": "6 months"}), tmp_path / "t.parquet")
