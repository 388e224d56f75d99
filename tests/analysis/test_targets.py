"""Against a target: the test is the interval that stands there, families, what is hidden, what cannot be tested."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.analysis.targets import read_targets
from cxkit.metrics import METRICS
from cxkit.schema import TARGETS
from cxkit.stats import nps_interval, nps_test, rate_test
from cxkit.stats.power import trinomial_probabilities, trinomials


def tallied(frame: pd.DataFrame, metrics: list[str], by: list[str], **columns: str) -> cx.Tallies:
    given = {
        "kind": "transactional", "columns": {"wave": "wave", **columns}, "dimensions": {name: name for name in by},
        "items": {name: name for name in ("nps", "csat") if name in frame},
    }  # fmt: skip
    return cx.tally(cx.read(frame, given), metrics, by=by, levels=[(), *((name,) for name in by)], period="wave")


def answers(counts: dict[str, tuple[int, int, int]]) -> pd.DataFrame:
    """Detractors, passives and promoters of each shop."""
    rows = [
        (shop, score) for shop, n in counts.items() for score, k in zip((3, 8, 10), n, strict=True) for _ in range(k)
    ]
    return pd.DataFrame(rows, columns=["shop", "nps"]).assign(wave="1")


def one(frame: pd.DataFrame, targets: dict[str, object], metrics: list[str], **columns: str) -> pd.Series:
    return cx.against_target(tallied(frame, metrics, [], **columns), targets, "1", by=[]).iloc[0]


# The test -------------------------------------------------------------------------------------------------------------


def test_the_p_value_inverts_the_score_interval() -> None:
    """(10, 20, 70) of 100, by `stats.nps_test`, and by looking for the level whose interval ends at the target."""
    for goal in (30.0, 50.0, 60.0, 72.0):
        row = one(answers({"a": (10, 20, 70)}), {"nps": goal}, ["nps"])
        assert (row["value"], row["target"], row["gap"]) == pytest.approx((60, goal, 60 - goal))
        assert row["pvalue"] == pytest.approx(float(nps_test((10, 20, 70), goal / 100).pvalue), abs=1e-10)
        low, high = 1e-9, 1.0 - 1e-9
        for _ in range(60):
            alpha = (low + high) / 2
            ends = nps_interval(10, 20, 70, 1 - alpha)
            low, high = (alpha, high) if ends.low * 100 <= goal <= ends.high * 100 else (low, alpha)
        assert row["pvalue"] == pytest.approx(high, abs=1e-8)


def test_a_share_is_tested_by_wilson_and_that_is_the_test_of_the_score() -> None:
    """81 of 263 against .25; R: prop.test(81, 263, .25, correct = FALSE)$p.value = 0.02988, by Wilson's interval."""
    frame = pd.DataFrame({"wave": "1", "csat": [5] * 81 + [2] * 182})
    row = one(frame, {"csat": 25}, ["csat"])
    by_hand = 2 * stats.norm.sf(abs(81 / 263 - 0.25) / math.sqrt(0.25 * 0.75 / 263))
    assert row["pvalue"] == pytest.approx(by_hand, abs=1e-10) == pytest.approx(0.02988, abs=5e-6)
    assert row["pvalue"] == pytest.approx(float(rate_test((81, 263), 0.25).pvalue), abs=1e-10)
    assert row["verdict"] == "above"


def test_a_mean_is_tested_by_student() -> None:
    values = [1, 2, 3, 4, 5] * 8 + [5] * 10
    row = one(pd.DataFrame({"wave": "1", "csat": values}), {"csat_mean": 3.0}, ["csat_mean"])
    assert row["pvalue"] == pytest.approx(stats.ttest_1samp(values, 3.0).pvalue, rel=1e-9)
    unanimous = one(pd.DataFrame({"wave": "1", "csat": [5] * 40}), {"csat_mean": 4.0}, ["csat_mean"])
    # Nobody of 40 answered otherwise: z^2 / (40 + z^2) of the scale's 4 is 1 where z^2 = 40 / 3.
    assert unanimous["pvalue"] == pytest.approx(2 * stats.norm.sf(math.sqrt(40 / 3)), rel=1e-6)
    assert (unanimous["verdict"], unanimous["reason"]) == ("above", "all the same")


@pytest.mark.parametrize("columns", [{}, {"weight": "w"}, {"cluster": "c"}, {"weight": "w", "respondent": "c"}])
def test_p_is_small_exactly_where_the_interval_excludes_the_target(columns) -> None:
    rng = np.random.default_rng(7)
    n = 600
    frame = pd.DataFrame({"wave": "1", "nps": rng.integers(0, 11, n), "csat": rng.integers(1, 6, n),
                          "w": rng.uniform(0.3, 3, n), "c": rng.integers(0, 90, n)})  # fmt: skip
    tallies = tallied(frame, ["nps", "csat", "csat_mean"], [], **columns)
    plain = cx.estimate(tallies, by=[]).set_index("metric")
    sides = set()
    for name, end in ((name, end) for name in plain.index for end in ("low", "high")):
        for step in (-1e-6, 1e-6):
            target = plain.loc[name, end] + step
            row = cx.against_target(tallies, {name: target}, "1", by=[]).iloc[0]
            assert (
                row[["value", "low", "high", "n_eff"]].tolist()
                == plain.loc[name, ["value", "low", "high", "n_eff"]].tolist()
            )
            outside = bool(target < row["low"] or target > row["high"])
            assert (row["pvalue"] < 0.05) == outside
            assert row["verdict"] == ("not told apart" if not outside else "above" if row["gap"] > 0 else "below")
            sides.add(row["verdict"])
    assert sides == {"above", "below", "not told apart"}


def test_what_could_have_been_told_is_told() -> None:
    """All samples of 60: at the promised distance from a target of 0, 30 or 80 at least .79 of them exclude it."""
    n, alpha = 60, 0.05 / 10
    counts = trinomials(n)
    _, high = nps_interval(*counts, 1 - alpha)
    for a, goal in ((12, 0.0), (12, 0.3), (6, 0.8)):
        d, p = round((n - a) * (1 - goal * n / (n - a)) / 2), round((n - a) * (1 + goal * n / (n - a)) / 2)
        frame = answers(dict.fromkeys("abcdefghij", (d, a, p)))
        found = cx.against_target(tallied(frame, ["nps"], ["shop"]), {"nps": goal * 100}, "1", by=["shop"])
        (size,) = set(found["detectable"].round(9) / 100)
        assert found["family"].tolist() == [10] * 10
        fallen = np.array([d + size * n / 2, a, p - size * n / 2]) / n
        assert trinomial_probabilities(counts, fallen)[high < goal].sum() >= 0.79
    far = cx.against_target(tallied(answers({"a": (0, 0, 40)}), ["nps"], []), {"nps": 100}, "1", by=[])
    assert far["verdict"].item() == "not told apart"


# Families, gate, hiding -----------------------------------------------------------------------------------------------


def test_the_worst_of_41_is_below() -> None:
    """40 agents on the target of 50, one whose whole interval lies under it: named with the whole family."""
    frame = answers({f"agent {i:02}": (10, 30, 60) for i in range(40)} | {"worst": (50, 20, 30)})
    found = cx.against_target(tallied(frame, ["nps"], ["shop"]), {"nps": 50}, "1", by=["shop"], lead="nps")
    assert tuple(found.columns) == (*TARGETS[:2], "shop", *TARGETS[2:])
    assert set(found["family"]) == {41}
    assert set(found["family_of"]) == {"NPS by shop"}
    worst = cx.at(found, {"shop": "worst"}).iloc[0]
    assert worst["verdict"] == "below"
    assert worst["high"] < 50
    assert worst["pvalue_adj"] == pytest.approx(41 * worst["pvalue"])
    others = found[found["shop"] != "worst"]
    assert set(others["verdict"]) == {"not told apart"}
    assert others["method"].str.endswith("inverted at the target, Holm correction").all()


def test_the_lead_is_a_family_and_the_others_are_one() -> None:
    frame = answers({"a": (10, 30, 60), "b": (20, 30, 50)}).assign(csat=[1, 5] * 100)
    tallies = tallied(frame, ["nps", "csat", "csat_mean"], ["shop"])
    found = cx.against_target(tallies, {"nps": 40, "csat": 60, "csat_mean": 3.5}, "1", by=["shop"], lead="nps")
    assert found.groupby("metric")["family"].first().to_dict() == {"nps": 2, "csat": 4, "csat_mean": 4}
    assert set(found.loc[found["metric"] != "nps", "family_of"]) == {"all other metrics by shop"}


def test_few_are_not_judged_and_hidden_stay_hidden() -> None:
    frame = answers({"many": (100, 0, 10), "few": (20, 0, 0), "tiny": (4, 0, 3), "other": (40, 40, 40)})
    tallies = mask(tallied(frame, ["nps"], ["shop"]))
    found = cx.against_target(tallies, {"nps": 30}, "1", by=["shop"]).set_index("shop")
    hidden = tallies.hidden.loc[tallies.hidden["cut"] == "shop", "shop"].tolist()
    assert "tiny" in hidden
    numbers = ["n", "n_eff", "value", "low", "high", "gap", "pvalue", "pvalue_adj", "detectable", "n_judged"]
    assert found.loc[hidden, numbers].isna().all().all()
    assert set(found.loc[hidden, "verdict"]) == {"too few"}
    assert found.loc["many", "verdict"] == "below"
    if "few" not in hidden:
        assert found.loc["few", ["verdict", "reason", "note"]].tolist() == [
            "too few", "few in all", "fewer than 30 effective answers"
        ]  # fmt: skip
        assert np.isnan(found.loc["few", "pvalue_adj"])
    # The gate is that of a comparison.
    limits = cx.compare(tallied(pd.concat([frame, frame.assign(wave="2")]), ["nps"], ["shop"]), "2", "1", by=["shop"])
    assert set(found["judge_from"]) == set(limits["judge_from"]) == {30}


def test_levels_have_targets_of_their_own() -> None:
    frame = answers({"a": (10, 30, 60), "b": (10, 30, 60)})
    tallies = tallied(frame, ["nps"], ["shop"])
    aims = {"nps": {"value": 50, "by": {"shop": {"b": 80}}, "source": "plan", "date": "2026"}}
    found = cx.against_target(tallies, aims, "1", by=[["shop"], []])
    assert found["target"].tolist() == [50, 80, 50]
    assert found["verdict"].tolist() == ["not told apart", "below", "not told apart"]


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ({"npps": 3}, r"targets.npps: no such metric; did you mean 'nps'\?"),
        ({"nps": 130}, "targets.nps.value: expected -100 to 100, found 130"),
        ({"nps": True}, "targets.nps.value: expected -100 to 100, found True"),
        ({"csat": {"value": 0.8, "by": {"c": {"x": 800}}}}, "targets.csat.by.c.x: expected 0 to 100, found 800"),
        ({"csat_mean": 9}, "targets.csat_mean.value: expected 1 to 5, found 9"),
        ({"nps": {"valeu": 3}}, r"targets.nps.valeu: unknown key; did you mean 'value'\?"),
        ({"nps": {"value": 3, "by": {"a": {}, "b": {}}}}, "targets.nps.by: expected one dimension"),
        ({"wait_time": {"within": "20 min", "share": 90}}, "targets.wait_time: a quantile .* `measure: within`"),
    ],
)
def test_targets_that_do_not_fit_are_refused(targets, words) -> None:
    with pytest.raises(cx.CxError, match=words):
        read_targets(targets, METRICS)


def test_unknown_levels_and_metrics_are_refused_and_no_target_is_no_row() -> None:
    tallies = tallied(answers({"a": (10, 30, 60)}), ["nps"], ["shop"])
    with pytest.raises(cx.CxError, match=r"targets.nps.by.shop: nobody is 'A'; did you mean 'a'\?"):
        cx.against_target(tallies, {"nps": {"value": 3, "by": {"shop": {"A": 5}}}}, "1")
    with pytest.raises(cx.CxError, match="'brand' is no dimension"):
        cx.against_target(tallies, {"nps": {"value": 3, "by": {"brand": {"A": 5}}}}, "1")
    with pytest.raises(cx.CxError, match="metrics: 'nps' has no target"):
        cx.against_target(tallies, {}, "1", metrics=["nps"])
    assert cx.against_target(tallies, {}, "1", by=["shop"]).empty


# How often a run is wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runs", [60, pytest.param(2_000, marks=pytest.mark.slow)])
def test_few_runs_call_anybody_off_a_target_that_all_are_on(runs) -> None:
    """40 places x 5 metrics exactly on target: at most 5 % of runs call anybody off it in the family of the lead."""
    rng = np.random.default_rng(11)
    places, n, shares = 40, 120, np.array([0.2, 0.3, 0.5])
    draws = rng.multinomial(n, shares, (runs, 5, places))
    p = nps_test(tuple(np.moveaxis(draws, -1, 0)), 0.3).pvalue
    off = (np.sort(p[:, 0], axis=-1)[:, 0] * places < 0.05).mean()  # Holm's first step
    others = (np.sort(p[:, 1:].reshape(runs, -1), axis=-1)[:, 0] * places * 4 < 0.05).mean()
    error = math.sqrt(0.05 * 0.95 / runs)
    assert off <= 0.05 + 2 * error
    assert others <= 0.05 + 2 * error
    # The same through the product, for the first runs: as many are called off target.
    for draw in draws[:3]:
        counts = {f"{i:02}": tuple(map(int, d)) for i, d in enumerate(draw[0])}
        found = cx.against_target(
            tallied(answers(counts), ["nps"], ["shop"]), {"nps": 30}, "1", by=["shop"], lead="nps"
        )
        least = nps_test(tuple(np.array(list(counts.values()), float).T), 0.3).pvalue.min()
        assert found["pvalue"].min() == pytest.approx(float(least), abs=1e-10)
        assert (found["verdict"] != "not told apart").any() == (least * places < 0.05)
