"""League tables only where the data allow one, and places that hold."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.oneway import anova_generic

import cxkit as cx
from cxkit.analysis.leagues import league
from cxkit.stats import holm, nps_difference


def tallied(shares: dict[str, tuple[int, float]], seed: int = 1, **columns: object) -> cx.Tallies:
    """Shops with a number of answers and a share of promoters; the others are detractors."""
    random = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"wave": "1", "shop": shop, "nps": np.where(random.random(n) < p, 10.0, 2.0)})
        for shop, (n, p) in shares.items()
    ]
    frame = pd.concat(parts, ignore_index=True).assign(**columns)
    return cx.tally(cx.read(frame, MAPPING), ["nps"], by=["shop"], period="wave", pairs=[])


MAPPING = {
    "kind": "transactional",
    "columns": {"wave": "wave"},
    "items": {"nps": "nps"},
    "dimensions": {"shop": "shop"},
}
SPREAD = {f"shop {i}": (200, 0.2 + 0.06 * i) for i in range(9)}
ALIKE = {f"shop {i}": (40 + 30 * i, 0.5) for i in range(9)}


def test_places_are_where_no_other_surely_stands() -> None:
    found = league(tallied(SPREAD), "1", "shop", "nps")
    assert (found["unranked"] == "").all()
    assert found["shrunk"].is_monotonic_decreasing
    assert (found["first"] <= found["last"]).all()
    assert found["first"].iloc[0] == 1
    assert found["last"].iloc[-1] == 9
    row = found[found["shop"] == "shop 4"].iloc[0]
    assert row["first"] > 1
    assert row["last"] < 9
    assert found["pvalue"].iloc[0] < 1e-6
    mean = (found["n_eff"] * found["value"]).sum() / found["n_eff"].sum()
    assert ((found["shrunk"] - mean).abs() <= (found["value"] - mean).abs() + 1e-9).all()


def test_limits_show_who_stands_out_from_others_that_are_alike() -> None:
    found = league(tallied({f"shop {i}": (200, 0.5) for i in range(11)} | {"odd": (400, 0.15)}), "1", "shop", "nps")
    assert found.set_index("shop")["limits"].to_dict() == dict.fromkeys(found["shop"], "within") | {"odd": "below"}


def test_pairs_are_those_of_the_difference_of_two_scores() -> None:
    tallies = tallied(SPREAD, seed=3)
    found = league(tallies, "1", "shop", "nps").set_index("shop")
    counts = tallies.counts[tallies.counts["cut"] == "shop"].pivot(index="shop", columns="answer", values="n")
    shops = list(counts.index)
    tests = {
        (a, b): nps_difference(*((counts.loc[s, 2.0], 0, counts.loc[s, 10.0]) for s in (a, b)))
        for a, b in combinations(shops, 2)
    }
    sure = dict(zip(tests, holm([float(test.pvalue) for test in tests.values()]) < 0.05, strict=True))
    better = dict.fromkeys(shops, 0)
    for (a, b), test in tests.items():
        if sure[a, b]:
            better[b if test.change > 0 else a] += 1
    assert (found["first"] - 1).to_dict() == better


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        (dict(list(SPREAD.items())[:7]), "only 7 have 30 (effective) answers, and 8 are needed"),
        (SPREAD | {"shop 7": (20, 0.9), "shop 8": (20, 0.1)}, "only 7 have 30 (effective) answers, and 8 are needed"),
        (dict(list(SPREAD.items())[:7]) | {"last": (29, 0.9)}, "only 7 have 30 (effective) answers, and 8 are needed"),
        ({"one": (30, 0.5), "two": (29, 0.5)}, "only 1 has 30 (effective) answers, and 8 are needed"),
        ({"one": (29, 0.5), "two": (29, 0.5)}, "none has 30 (effective) answers, and 8 are needed"),
        (ALIKE, "they are not told apart"),
    ],
)
def test_no_league_where_the_data_do_not_allow_one(shares, reason) -> None:
    found = league(tallied(shares), "1", "shop", "nps")
    assert set(found["unranked"]) == {reason}
    assert found[["shrunk", "first", "last"]].isna().all(axis=None)
    assert len(found) == len(shares)


def test_eight_units_are_enough_and_thirty_answers_each() -> None:
    shares = {f"shop {i}": (200, 0.1 + 0.11 * i) for i in range(7)} | {"shop 7": (30, 0.95)}
    found = league(tallied(shares), "1", "shop", "nps")
    assert (found["unranked"] == "").all()
    assert found[["shrunk", "first", "last"]].notna().all(axis=None)


def test_the_test_that_all_are_alike_is_welch_s() -> None:
    """statsmodels' Welch ANOVA, on variances mixed with three answers of the pooled one, from the raw answers."""
    tallies = tallied({f"shop {i}": (60 + 20 * i, 0.45 + 0.02 * i) for i in range(9)}, seed=2)
    found = league(tallies, "1", "shop", "nps", minimum=10)
    counts = tallies.counts[tallies.counts["cut"] == "shop"].pivot(index="shop", columns="answer", values="n")
    n = counts.sum(axis=1)
    mean = (counts[10.0] - counts[2.0]) / n
    variance = 1 - mean**2  # of answers that are 1 or -1, divisor n
    pooled = (n * variance).sum() / n.sum()
    test = anova_generic(mean, (n * variance + 3 * pooled) / (n + 3), n, use_var="unequal")
    assert 0.001 < test.pvalue < 0.9
    assert found["pvalue"].unique() == pytest.approx([test.pvalue], rel=1e-9)


def test_where_less_is_better_the_least_comes_first() -> None:
    frames = [pd.DataFrame({"wave": "1", "shop": f"shop {i}", "churn": np.arange(200) < 20 * i + 10}) for i in range(9)]
    frame = pd.concat(frames).astype({"churn": float})
    tallies = cx.tally(cx.read(frame, MAPPING | {"items": {"churn": "churn"}}), ["churn"], by=["shop"], period="wave")
    found = league(tallies, "1", "shop", "churn").set_index("shop")
    assert list(found.index) == [f"shop {i}" for i in range(9)]
    assert found["first"].is_monotonic_increasing
    assert (found.loc["shop 0", "first"], found.loc["shop 8", "last"]) == (1, 9)
    assert found.loc["shop 0", "last"] < 9


def test_durations_are_not_ranked() -> None:
    frame = pd.DataFrame({"wave": "1", "wait": 5.0, "shop": [f"shop {i % 9}" for i in range(400)]})
    mapping = MAPPING | {"items": {"wait_time": "wait"}}
    tallies = cx.tally(cx.read(frame, mapping), ["wait_time"], by=["shop"], period="wave")
    found = league(tallies, "1", "shop", "wait_time")
    assert set(found["unranked"]) == {"durations and scores without a better end are not ranked"}


def test_answers_that_are_all_the_same_give_no_league() -> None:
    found = league(tallied(dict.fromkeys(SPREAD, (50, 1.0))), "1", "shop", "nps")
    assert set(found["unranked"]) == {"they are not told apart"}


def test_units_that_are_alike_get_places_as_seldom_as_the_level_says() -> None:
    """Of runs without any difference, at most about 5 % may rank anybody."""
    ranked = sum((league(tallied(ALIKE, seed=seed), "1", "shop", "nps")["unranked"] == "").any() for seed in range(20))
    assert ranked <= 4  # binomial(20, .05): 5 or more in .3 %


def test_equal_scores_with_unequal_spread_are_seldom_ranked() -> None:
    """Large units of passives and small ones of extremes, all of NPS 0: a pooled variance would rank 3 runs in 4."""
    random, ranked = np.random.default_rng(5), 0
    for _ in range(15):
        answers = [random.choice([0.0, 8.0, 10.0], 1000, p=[0.05, 0.9, 0.05]) for _ in range(6)]
        answers += [random.choice([0.0, 8.0, 10.0], 40, p=[0.48, 0.04, 0.48]) for _ in range(4)]
        parts = [pd.DataFrame({"wave": "1", "shop": f"shop {i}", "nps": a}) for i, a in enumerate(answers)]
        tallies = cx.tally(cx.read(pd.concat(parts), MAPPING), ["nps"], by=["shop"], period="wave", pairs=[])
        ranked += (league(tallies, "1", "shop", "nps")["unranked"] == "").any()
    assert ranked <= 3  # binomial(15, .05): 4 or more in .5 %; half of these runs would rank with a pooled variance
