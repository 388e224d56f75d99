"""Each place against all others, in the period and over windows of several, which hold only what is shown."""

from __future__ import annotations

import re
from dataclasses import replace
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
from cxkit.runs import history
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
    return tallied_of(cx.read(frame, MAPPING), **given)


def tallied_of(survey: Any, **given: Any) -> cx.Tallies:
    by, levels = ["market", "shop"], [(), ("shop",), ("market",), ("market", "shop")]
    return cx.tally(survey, ["nps"], by=by, levels=levels, rest=True, **given)


def written(folder: Path, frame: pd.DataFrame, params: str = PARAMS) -> Any:
    """The parameters of a run on some answers."""
    frame.to_csv(folder / "survey.csv", index=False)
    for name in ("report", "overview"):
        write_notebook(folder / "notebooks" / f"{name}.ipynb", "print(now)", parameters=PARAMETERS)
    (folder / "peers.yaml").write_text(params, encoding="utf-8")
    return load(folder / "peers.yaml")


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
    for month in ("2026-08", "2026-09"):  # of two dimensions, with a hidden cell and without
        by = ["market", "shop"]
        told = cx.estimate(monthly, by=by, periods=[month]).query("n > 0").set_index(by)["n"]
        both = over(cx.read(frame, MAPPING), monthly, by, [[month]], {})
        assert cx.estimate(both, by=by).query("n > 0").set_index(by)["n"].to_dict() == told.to_dict()
        assert len(told) == {"2026-08": 9, "2026-09": 11}[month]


def test_a_window_of_a_relationship_is_the_sum_of_its_months() -> None:
    """Who came back would else be what the months have beside the window: an earlier answer does not count there."""
    frame = answers(tiny=8)
    frame["who"] = np.random.default_rng(3).integers(0, 300, len(frame)).astype(str)  # also in two shops of a month
    survey = cx.read(frame, {**MAPPING, "kind": "relationship"})
    monthly = mask(tallied_of(survey))
    assert {"Tiny"} <= set(monthly.hidden["shop"])
    months = window_of(monthly, "2026-09", 3)
    windows = over(survey, monthly, ["shop"], [window_of(monthly, "2026-06", 3), months], {})

    def counts(tallies: cx.Tallies, periods: list[str]) -> dict[Any, int]:
        cells = tallies.counts[tallies.counts["cut"].eq("shop") & tallies.counts["period"].isin(periods)]
        return cells.groupby(["shop", "answer"])["n"].sum().to_dict()

    assert counts(windows, ["2026-07 to 2026-09"]) == counts(monthly, months)
    assert windows.provenance["once"] == []  # so that people are counted, and those who came back are one each
    shown = windows.sums[windows.sums["cut"].eq("shop") & windows.sums["shop"].eq("S1")]
    assert (shown["people"] < shown["nn"]).all()
    one = over(survey, monthly, ["shop"], [["2026-09"]], {})
    assert counts(one, ["2026-09"]) == counts(monthly, ["2026-09"])


def test_a_thousand_hidden_cells_are_taken_out_at_once() -> None:
    monthly = tallied(answers(tiny=20))
    many = pd.DataFrame({"market": [f"M{i}" for i in range(1500)], "shop": "S9"})
    many = pd.concat([many, pd.DataFrame({"market": ["North"], "shop": ["S9"]})])
    many = many.assign(item="nps", period="2026-09", cut=monthly.cut(["market", "shop"]), reason="few people")
    hidden = replace(monthly, hidden=many[monthly.hidden.columns])
    found = over(cx.read(answers(tiny=20), MAPPING), hidden, ["market", "shop"], [["2026-09"]], {})
    assert cx.estimate(found, by=())["n"].item() == 12 * 40 - 40 - 40 - 40 + 14 + 20


def test_a_place_where_everybody_answered_does_not_say_how_answers_differ_elsewhere() -> None:
    frame = answers(tiny=20)
    frame = frame[frame["month"] == 9].assign(who=range((frame["month"] == 9).sum()))
    frame.loc[frame["shop"] == "S0", "nps"] = 10
    sizes = frame.groupby("shop").size()
    population = {"shop": {shop: int(n) if shop == "S0" else 100 * int(n) for shop, n in sizes.items()}}
    found = cx.peers(tallied(frame, population=population), "2026-09", ["shop"]).set_index("shop")
    values = frame.assign(value=frame["nps"].map({3: -1.0, 8: 0.0, 10: 1.0})).groupby("shop")["value"]
    pooled = (values.var(ddof=0) * sizes).sum() / (sizes - 1).sum()
    pulled = shrunk_interval(values.mean(), pooled / found["n_eff"].reindex(sizes.index), scale=(-1.0, 1.0))
    assert found["shrunk_low"].reindex(sizes.index).tolist() == pytest.approx((100 * pulled.low).tolist(), rel=0.02)
    assert (found["shrunk_high"] - found["shrunk_low"]).drop("S0").min() > 20


def test_a_run_tells_it_on_the_index_in_the_workbook_and_to_each_place(tmp_path: Path) -> None:
    prepared = prepare(written(tmp_path, answers()), tmp_path / "work")
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


def test_a_window_that_begins_before_the_data_is_none_and_gaps_are_told(tmp_path: Path) -> None:
    frame = answers(tiny=20)
    frame = frame[frame["month"] != 5]
    params = written(tmp_path, frame, PARAMS.replace("3 months", "5 months"))
    told = pd.read_parquet(prepare(params, tmp_path / "work").summary)
    scores = told[told["part"] == "window estimate"]
    assert set(scores["period"]) == {"2026-05 to 2026-09"}
    assert set(scores["note"]) == {"shown in 4 of 5 months"}
    assert "window comparison" not in set(told["part"])
    assert history.settings(params) != history.settings(params.model_copy(update={"level_over": "3 months"}))


def test_a_window_of_which_nothing_is_shown_is_not_the_one_before(tmp_path: Path) -> None:
    frame = answers(tiny=20)
    few = frame.groupby(["shop", "month"]).cumcount() < 6
    params = written(tmp_path, frame[few | (frame["month"] < 7)])
    planned = plan(params, tmp_path / "tallies.parquet")
    assert {"2026-04", "2026-06"} <= set(planned.tallies.counts["period"])
    assert all("2026-09" in one.periods[-1] for one in planned.beside)


def test_raked_weights_and_a_total_without_a_place_go_together(tmp_path: Path) -> None:
    margins = "dimension,level,share\nmarket,North,0.8\nmarket,South,0.2\n"
    (tmp_path / "margins.csv").write_text(margins, encoding="utf-8")
    shops = "dimensions: {shop: shop}"
    raked = PARAMS.replace(shops, "dimensions: {shop: shop, market: market}").replace("level_over: 3 months\n", "")
    planned = plan(written(tmp_path, answers(), f"{raked}weights: {{rake: margins.csv}}\n"), tmp_path / "t.parquet")
    assert planned.tallies.provenance["withheld"]
    assert planned.beside == []  # the margins are those of all


def test_the_population_is_known_to_comparisons_with_those_who_are_shown(tmp_path: Path) -> None:
    people = ", ".join(f"{shop}: {50 if shop == 'S0' else 4000}" for shop in sorted(set(answers()["shop"])))
    params = written(tmp_path, answers(), f"{PARAMS}population: {{shop: {{{people}}}}}\n")
    planned = plan(params, tmp_path / "t.parquet")
    assert planned.tallies.provenance["withheld"]
    found = cx.peers(planned.beside[0], "2026-09", ["shop"]).set_index("shop")
    assert found.loc["S0", "n_eff"] > 3 * found.loc["S0", "n"]
    assert found.loc["S1", "n_eff"] < 1.1 * found.loc["S1", "n"]
    assert [note for note in planned.notes if "no population is known" in note]


def test_rows_for_each_month_are_not_put_together(tmp_path: Path) -> None:
    with pytest.raises(CxError, match="level_over: rows are made for each period"):
        plan(load("params/retention.yaml", {"level_over": "6 months"}), tmp_path / "t.parquet")
