"""A total is everybody who answered, or says whom it leaves out, the same in every period."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.analysis import totals
from cxkit.analysis.privacy import mask
from cxkit.analysis.totals import left_out, with_totals
from cxkit.runs.params import load
from cxkit.runs.prepare import plan

NAMED = re.compile(r"all but (\d+) places? with fewer than (\d+) people in a period")
MONTHS = ["2026-08", "2026-09", "2026-10"]
NUMBERS = ["n", "n_eff", "value", "low", "high"]
CHANGES = ["n", "n_before", "n_eff", "n_eff_before", "change", "low", "high", "pvalue"]
BY = {"one": ["brand"], "two": ["brand", "region"]}


def export(sizes: list[list[int]], regions: int, *, each: int, seed: int) -> pd.DataFrame:
    """Answers of some brands (columns) in some months (rows), `each` by each person, who come back in later months."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"{month}-10", f"b{brand}", f"r{rng.integers(regions)}", f"{brand}.{i // each}")
        for month, row in zip(MONTHS, sizes, strict=False)
        for brand, n in enumerate(row)
        for i in range(n)
    ]
    frame = pd.DataFrame(rows, columns=["day", "brand", "region", "who"])
    nps, csat = rng.integers(0, 11, len(frame)).astype(object), rng.integers(1, 6, len(frame)).astype(object)
    csat[rng.random(len(frame)) < 0.3] = None  # so that the items leave out different places
    return frame.assign(nps=nps, csat=csat)


MAPPING = {
    "kind": "transactional", "columns": {"time": "day", "respondent": "who"},
    "items": {"nps": "nps", "csat": "csat"}, "dimensions": {"brand": "brand", "region": "region"},
}  # fmt: skip


def prepared(folder: Path, frame: pd.DataFrame, **more: Any) -> cx.Tallies:
    """The tallies of a run, as its pages get them."""
    frame.to_csv(folder / "survey.csv", index=False)
    run = {"name": "totals", "title": "Totals", "source": "survey.csv", "mapping": MAPPING, "as_of": "2026-11-05",
           "metrics": ["nps", "csat"], **more}  # fmt: skip
    (folder / "totals.yaml").write_text(yaml.safe_dump(run), encoding="utf-8")
    return plan(load(folder / "totals.yaml"), folder / "tallies.parquet").tallies


def plain(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same without places, of which nothing could be left out: what few said twice is in neither."""
    return of_total(mask(cx.tally(cx.read(frame, MAPPING), ["nps", "csat"], pairs=[("2026-10", "2026-09")])))


def of_total(tallies: cx.Tallies) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The estimates and the comparison of the total, by metric and period."""
    scores = cx.estimate(tallies, by=()).set_index(["metric", "period"])
    return scores, cx.compare(tallies, "2026-10", "2026-09", by=(), minimum=1).set_index("metric")


small = st.one_of(st.integers(0, 14), st.integers(15, 60))


GIVEN = (
    st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(small, min_size=n, max_size=n), min_size=3, max_size=3)),
    st.sampled_from(list(BY)),
    st.sampled_from([1, 3]),
    st.booleans(),
)


@settings(max_examples=3)
@given(*GIVEN)
def test_a_total_is_everybody_s_or_absent_or_leaves_the_same_places_out(sizes, by, each, segments) -> None:
    check(sizes, by, each, segments)


@pytest.mark.slow
@settings(max_examples=200)
@given(*GIVEN)
def test_so_it_is_with_many_more(sizes, by, each, segments) -> None:
    check(sizes, by, each, segments)


def check(sizes: list[list[int]], by: str, each: int, segments: bool) -> None:
    frame = export(sizes, 2, each=each, seed=1)
    assume({"2026-09-10", "2026-10-10"} <= set(frame.dropna()["day"]))
    with tempfile.TemporaryDirectory() as folder:
        cut = {"segments": ["region"]} if segments and by == "one" else {}
        run = prepared(Path(folder), frame, for_each=BY[by], **cut)
    scores, moves = of_total(run)
    answered = frame.melt(["day"], ["nps", "csat"], "item").dropna().groupby(["item", "day"]).size()
    for metric in ("nps", "csat"):
        out = {cell["brand"] for cell in run.provenance.get("withheld", []) if cell["item"] == metric}
        left = frame[~frame["brand"].isin(out)]
        assume({"2026-09-10", "2026-10-10"} <= set(left.dropna()["day"]))  # else there is nothing to compare it with
        estimates, comparisons = plain(left)
        said = [(str(len(out)), "10")] if out else []
        for period in run.periods:
            row = scores.loc[(metric, period)]
            if pd.isna(row["n"]):
                assert row["note"].startswith("hidden: ")
                continue
            assert (row["n"] > 0) == ((metric, f"{period}-10") in answered.index)
            if row["n"] > 0:
                assert (row[NUMBERS] == estimates.loc[(metric, period), NUMBERS]).all()
                assert NAMED.findall(row["note"]) == said
        move = moves.loc[metric]
        assert (
            move[["n", "n_before"]].isna().tolist() == scores.loc[metric]["n"].isna()[["2026-10", "2026-09"]].tolist()
        )
        if not np.isnan(move["change"]):
            other = comparisons.loc[metric, CHANGES].astype(float)
            np.testing.assert_allclose(move[CHANGES].astype(float), other, rtol=1e-9, equal_nan=True)
            assert NAMED.findall(move["note"]) == said


def test_two_shops_with_constant_scores_show_no_change(tmp_path) -> None:
    """+20 from 300 answers a month, and -60 from 9 and 10 regulars with thirty answers each: -17.9 and -20.0."""
    rows = []
    for month, regulars in (("2026-09", 9), ("2026-10", 10)):
        rows += [(f"{month}-10", "Large", f"{month}.{i}", nps) for i, nps in enumerate([9] * 150 + [7] * 60 + [3] * 90)]
        rows += [(f"{month}-10", "Small", f"s{i}", n) for i in range(regulars) for n in [9] * 5 + [7] * 2 + [3] * 23]
    frame = pd.DataFrame(rows, columns=["day", "brand", "who", "nps"]).assign(csat=None, region="N")
    prepared(tmp_path, frame, for_each=["brand"], metrics=["nps"])
    given = [str(tmp_path / "totals.yaml"), "--out", str(tmp_path / "shelf")]
    done = subprocess.run([sys.executable, "-m", "cxkit", "run", *given], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = pd.read_csv(tmp_path / "shelf" / "summary.csv")
    total = found[(found["report"] == "overview") & (found["part"] == "estimate")].set_index("period")
    assert total["value"].dropna().round(1).to_dict() == {"2026-09": -18.0, "2026-10": -20.0}
    move = found[(found["report"] == "overview") & (found["part"] == "comparison")].iloc[0]
    assert (move["change"], move["verdict"]) == (-2.0, "no evidence")  # of limits 60 points apart no decimal
    said = re.sub(r"<[^>]+>", " ", (tmp_path / "shelf" / "overview.html").read_text("utf-8"))
    assert re.search(r"−2 \(", said)  # as if nine regulars had not changed their mind: no decimal says anything
    assert not re.search(r"decreased|increased", said, re.IGNORECASE)


def counted(sizes: dict[str, list[int]]) -> tuple[cx.Responses, cx.Tallies]:
    rows = [(str(wave), brand) for brand, row in sizes.items() for wave, n in enumerate(row) for _ in range(n)]
    survey = cx.read(pd.DataFrame(rows, columns=["wave", "brand"]).assign(nps=9.0))
    return survey, cx.tally(survey, ["nps"], by=["brand"], levels=[(), ("brand",)], period="wave")


# What costs the fewest answers, by hand; answers of the last two waves count ten times.
CHEAPEST = [
    ({"A": [200, 200, 200], "B": [90, 90, 90], "few": [0, 0, 7]}, ["few"]),  # 70 against 900
    ({"A": [300, 300, 300], "B": [300, 300, 9]}, []),  # 300 + 3,000 + 90 against 3,000
    ({"A": [300, 300, 300], "B": [150, 150, 9]}, ["B"]),  # 150 + 1,500 + 90 against 3,000
    ({"A": [80, 80, 80], "few": [9, 60, 60]}, []),  # 9 + 600 + 600 against 80 in a wave that is long past
    ({"A": [80, 80, 80], "few": [9, 3, 3]}, ["few"]),
    ({"A": [50, 50, 50], "one": [4, 4, 4], "two": [5, 5, 5]}, ["one", "two"]),  # nine people together
    ({"A": [50, 50, 50], "one": [6, 6, 6], "two": [6, 6, 6]}, ["one", "two"]),  # as far as anybody knows the same six
    ({"A": [50, 50, 50], "B": [40, 40, 40], "one": [6, 6, 6], "two": [6, 0, 6]}, ["one", "two"]),
]


@pytest.mark.parametrize(("sizes", "out"), CHEAPEST)
def test_what_costs_the_fewest_answers_is_taken(sizes, out) -> None:
    _, whole = counted(sizes)
    assert left_out(whole, ["1", "2"]).get("brand", pd.Series(dtype=str)).tolist() == out


@pytest.mark.parametrize(("same", "out"), [(0, []), (3, ["one", "two"]), (6, ["one", "two"])])
def test_people_of_two_places_count_once(same, out) -> None:
    """Six in each of two places: twelve, nine or six people."""
    who = {"A": range(100, 150), "one": range(6), "two": range(6 - same, 12 - same)}
    rows = [(f"2026-{month}-10", brand, str(i), 9) for month in ("09", "10") for brand in who for i in who[brand]]
    mapping = {**MAPPING, "items": {"nps": "nps"}, "dimensions": {"brand": "brand"}}
    survey = cx.read(pd.DataFrame(rows, columns=["day", "brand", "who", "nps"]), mapping)
    whole = cx.tally(survey, ["nps"], by=["brand"], levels=[(), ("brand",)])
    assert left_out(whole, ["2026-09", "2026-10"]).get("brand", pd.Series(dtype=str)).tolist() == out


def test_no_other_places_would_cost_less() -> None:
    rng = np.random.default_rng(7)
    for _ in range(300):
        size = rng.integers(2, 7, 2)
        n = rng.poisson(rng.choice([3, 8, 12, 30, 100], size[1]), size) * (rng.random(size) < 0.9).astype(float)
        places = totals._Places(n, n, n, np.where(np.arange(len(n)) < len(n) - 2, 1.0, totals.NEAR), 10)
        few = (n > 0) & (n < 10)
        cost = [totals._cost(places, few, np.array(out))[0] for out in product([False, True], repeat=n.shape[1])]
        assert totals._cost(places, few, totals._cheapest(places))[0] == min(cost)


def test_a_period_in_which_only_left_out_places_answered_has_a_reason() -> None:
    survey, whole = counted({"A": [0, 200, 200], "B": [0, 190, 190], "few": [40, 7, 7]})
    out = left_out(whole, ["1", "2"])
    assert out["brand"].tolist() == ["few"]
    less = cx.tally(survey, ["nps"], by=["brand"], levels=[()], period="wave", without=out)
    shown = mask(with_totals(whole, less, out))
    found = cx.estimate(shown, by=()).set_index("period")
    assert found["n"].isna().tolist() == [True, False, False]
    assert found.loc["0", "note"] == "hidden: only places that the total leaves out have answers"
    assert cx.estimate(shown, by=["brand"], where={}, periods=["0"])["n"].max() == 40
