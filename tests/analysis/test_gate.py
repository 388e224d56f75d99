"""The gate: what is judged rests on what answers are worth, and the note says why that is too little."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_estimates import FEW

import cxkit as cx

ANSWERS = [10] * 48 + [8] * 20 + [3] * 12


def compared(frame: pd.DataFrame, **options) -> pd.DataFrame:
    by = [name for name in ("brand",) if name in frame]
    return cx.compare(cx.tally(cx.read(frame), ["nps"], by=by, period="wave"), "2", "1", **options)


@pytest.mark.parametrize("heavy", [100, 1_000, 10_000])
def test_one_weight_that_outweighs_all_others_is_one_answer(heavy) -> None:
    weights = [float(heavy), *[1.0] * 79]
    frame = pd.DataFrame({"wave": np.repeat(["1", "2"], 80), "nps": ANSWERS * 2, "weight": weights * 2})
    row = compared(frame).iloc[0]
    kish = (79 + heavy) ** 2 / (79 + heavy**2)  # 3.2, 1.2, 1.02, while n_eff rises to 80
    assert 1 <= row["n_judged"] <= kish + 1e-9
    assert row["verdict"] == "too few"
    assert row["note"].startswith("now: 80 count as 1 because of weights, and 30 are needed; before: ")
    listed = cx.change("nps", ANSWERS, ANSWERS, weights=(weights, weights))
    assert (listed.verdict, listed.note) == ("too few", row["note"])
    assert np.isnan(row["detectable"])
    assert "worth too little to say" in cx.estimate(cx.tally(cx.read(frame), ["nps"], period="wave"))._repr_html_()


def test_equal_weights_leave_the_gate_where_it_was() -> None:
    frame = pd.DataFrame({"wave": np.repeat(["1", "2"], 80), "nps": ANSWERS * 2, "weight": 3.0})
    assert compared(frame)["n_judged"].item() == pytest.approx(80)
    assert compared(frame.drop(columns="weight"))["n_judged"].item() == 80


@pytest.mark.parametrize("draw", ["lognormal", "pareto"])
def test_no_place_that_is_judged_has_a_small_base_of_kish(draw) -> None:
    random = np.random.default_rng(4)
    size = random.integers(40, 600, 120)
    frame = pd.DataFrame({"brand": np.repeat(np.arange(60).repeat(2), size).astype(str)})
    frame["wave"] = np.repeat(np.tile(["1", "2"], 60), size)
    # 60 places, a third of them with milder weights, so that some are judged
    sd = np.where(frame["brand"].astype(int) % 3, 2.0, 0.7)
    heavy = np.exp(sd * random.normal(size=len(frame))) if draw == "lognormal" else random.pareto(1.1, len(frame)) + 0.1
    frame["weight"] = heavy if draw == "lognormal" else np.where(sd < 1, 1.0, heavy)
    frame["nps"] = random.choice([3, 8, 10], len(frame))
    row = compared(frame, by=["brand"]).set_index("brand")
    w = frame.groupby(["brand", "wave"])["weight"]
    kish = (w.sum() ** 2 / w.agg(lambda x: (x**2).sum())).groupby("brand").min().reindex(row.index)
    judged = row["verdict"] != "too few"
    assert 0 < judged.sum() < 60
    assert (kish[judged] >= 30).all()
    assert (row.loc[~judged & (kish >= 30), "n_judged"].notna()).all()


def test_answers_of_few_clusters_are_not_judged_and_their_number_is_said() -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"wave": np.repeat(["1", "2"], 400), "nps": random.choice([3, 8, 10], 800)})
    nine, ten = (compared(frame.assign(cluster=np.arange(800) % number)).iloc[0] for number in (9, 10))
    assert (nine["verdict"], nine["n_judged"]) == ("too few", 0)
    assert (
        nine["note"]
        == "now: answers from 9 clusters, and 10 are needed; before: answers from 9 clusters, and 10 are needed"
    )
    assert (ten["verdict"], ten["note"]) == ("no evidence", "")
    tallies = cx.tally(
        cx.read(frame.assign(cluster=np.arange(800) % 9)), ["nps"], period="wave", rules=cx.Rules(judge_clusters=5)
    )
    assert cx.compare(tallies, "2", "1")["verdict"].item() == "no evidence"


@FEW
@given(st.tuples(*[st.integers(0, 80)] * 6), st.sampled_from([1, 3, 12]))
def test_no_promise_is_smaller_than_the_interval_beside_it_allows(counts, family) -> None:
    now, before = counts[:3], counts[3:]
    if min(sum(now), sum(before)) < 30:
        return
    pair = [("2", answer) for answer, n in zip((3, 8, 10), now, strict=True) for _ in range(n)]
    pair += [("1", answer) for answer, n in zip((3, 8, 10), before, strict=True) for _ in range(n)]
    one = pd.DataFrame(pair, columns=["wave", "nps"])
    row = compared(pd.concat([one.assign(brand=str(i)) for i in range(family)]), by=["brand"])
    arm = np.maximum(row["change"] - row["low"], row["high"] - row["change"])
    assert (row["detectable"].isna() | (row["detectable"] >= 1.4 * arm - 1e-9)).all()
