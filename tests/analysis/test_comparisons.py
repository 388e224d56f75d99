"""Changes: antisymmetry, the agreement of interval and p, families, panels and verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from scipy import stats
from test_estimates import FEW, WEIGHTED, surveys, tally

import cxkit as cx
from cxkit.errors import CxError
from cxkit.stats import holm, nps_detectable


def compare(frame: pd.DataFrame, **options) -> pd.DataFrame:
    tallies = cx.tally(cx.read(frame), ["nps"], by=[name for name in ("brand",) if name in frame], period="wave")
    return cx.compare(tallies, "2", "1", **options)


@FEW
@given(surveys())
def test_what_holds_for_every_change(frame) -> None:
    frame = pd.concat([frame, pd.DataFrame({"wave": ["1", "2"], "nps": [9, 3], "weight": [1.0, 1.0]})])
    for columns in (WEIGHTED, {"wave": "wave"}):
        tallies = tally(frame, "nps", "csat", **columns)
        change, back = (cx.compare(tallies, *pair, minimum=0) for pair in (("2", "1"), ("1", "2")))
        for a, b in (("change", "change"), ("low", "high"), ("high", "low")):
            np.testing.assert_allclose(change[a], -back[b], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(change["pvalue"], back["pvalue"], rtol=1e-6)
        arm = np.maximum(change["change"] - change["low"], change["high"] - change["change"])
        assert (change["detectable"] >= 1.4 * arm - 1e-9)[change["detectable"].notna()].all()
        known = change["pvalue"].notna()
        excludes = (change["low"] > 0) | (change["high"] < 0)
        assert ((change["pvalue"] < 0.05) == excludes)[known].all()
        assert (change["pvalue_adj"] >= change["pvalue"])[known].all()
        assert (change["note"] != "")[~known].all()  # what is absent says why
        assert (change["verdict"] == "too few")[~known].all()


def waves(now: list[int], before: list[int], **columns) -> pd.DataFrame:
    return pd.DataFrame({"wave": ["2"] * len(now) + ["1"] * len(before), "nps": [*now, *before], **columns})


def answers(detractors: int, passives: int, promoters: int) -> list[int]:
    return [3] * detractors + [8] * passives + [10] * promoters


# statistics.md, "Two samples, points": first, second, change, MOVER of score, p
TWO_SAMPLES = [
    ((20, 30, 50), (30, 30, 40), 20, -2.5287, 41.7864, 0.08186),
    ((8, 13, 15), (6, 9, 16), -12.8136, -48.2718, 24.9096, 0.50474),
    ((150, 250, 600), (180, 270, 550), 8, 1.3689, 14.6046, 0.01809),
]


@pytest.mark.parametrize(("now", "before", "change", "low", "high", "p"), TWO_SAMPLES)
def test_tallies_give_the_reference_differences(now, before, change, low, high, p) -> None:
    row = compare(waves(answers(*now), answers(*before))).iloc[0]
    assert (row["change"], row["low"], row["high"]) == pytest.approx((change, low, high), abs=5e-5)
    assert row["pvalue"] == row["pvalue_adj"] == pytest.approx(p, abs=5e-6)
    assert row["verdict"] == ("changed" if p < 0.05 else "no evidence")
    assert (row["family"], row["method"]) == (1, "MOVER of score limits")


def test_a_family_is_what_has_enough_answers() -> None:
    brands = {"A": (40, 0, 60), "B": (10, 10, 60), "C": (2, 2, 5), "D": (0, 0, 0)}
    parts = [waves(answers(*now), answers(20, 20, 40), brand=b) for b, now in brands.items()]
    frame = pd.concat(parts, ignore_index=True)
    found = compare(frame, by=["brand"]).set_index("brand")
    assert found["family"].tolist() == [2] * 4
    assert found.loc[["A", "B"], "pvalue_adj"].tolist() == holm(found.loc[["A", "B"], "pvalue"].to_numpy()).tolist()
    assert found.loc["C", ["verdict", "note"]].tolist() == ["too few", "fewer than 30 effective answers on one side"]
    assert found.loc["D", ["verdict", "note"]].tolist() == ["too few", "now: no answers"]
    assert found.loc[["C", "D"], ["pvalue_adj", "detectable"]].isna().all(axis=None)
    assert found["method"].unique().tolist() == ["MOVER of score limits, Holm correction"]
    apart = compare(frame, by=["brand"], per=["brand"]).set_index("brand")
    assert apart["family"].tolist() == [1, 1, 0, 0]
    assert apart.loc["A", "pvalue_adj"] == found.loc["A", "pvalue"]
    both = compare(frame, by=[(), ("brand",)])
    assert both["family"].tolist() == [3] * 5
    board = compare(frame, by=["brand"], correction="bh")
    assert board["method"].unique().tolist() == ["MOVER of score limits, Benjamini-Hochberg correction"]
    with pytest.raises(CxError, match="correction: 'hlom' is unknown; did you mean 'holm'"):
        compare(frame, correction="hlom")


def test_a_larger_family_needs_a_larger_change() -> None:
    frame = waves(answers(20, 20, 40), answers(20, 20, 40))
    one = compare(frame)["detectable"].item()
    several = pd.concat([frame.assign(brand=b) for b in "ABCDE"], ignore_index=True)
    five = compare(several, by=["brand"])["detectable"]
    each = (20, 20, 40)
    solved = [100 * float(nps_detectable(each, each, alpha=0.05 / family)) for family in (1, 5)]  # first Holm step
    assert [one, *five] == pytest.approx([solved[0], *[solved[1]] * 5], rel=1e-9)


def test_unanimous_means_are_bounded_and_say_so() -> None:
    frame = pd.DataFrame({"wave": ["1"] * 40 + ["2"] * 40, "csat": [4] * 40 + [5, 4] * 20})
    tallies = cx.tally(cx.read(frame), ["csat_mean"], period="wave")
    row = cx.compare(tallies, "2", "1").iloc[0]
    assert (row["change"], row["verdict"], row["note"]) == (0.5, "changed", "before: every answer was the same")
    # By hand: u = z^2 / (40 + z^2) = .08762, so that the mean of before lies in 4 +- 4 u, and MOVER joins its upper arm
    # with the lower one of now, t_39 sqrt(.25 / 39) = .16195: sqrt(.35049^2 + .16195^2) = .38610.
    assert row["low"] == pytest.approx(0.5 - 0.38610, abs=1e-4)
    assert row["pvalue"] < 0.05
    before = cx.estimate(tallies, periods=["1"]).iloc[0]
    assert (before["low"], before["high"]) == pytest.approx((4 - 0.35049, 4 + 0.35049), abs=1e-4)
    same = cx.change("csat_mean", [5] * 40, [5] * 40)
    assert (same.change, same.pvalue, same.verdict) == (0, 1, "no evidence")
    assert (same.low, same.high) == pytest.approx((-0.35049, 0.35049), abs=1e-4)  # neither side goes above the scale
    assert same.note == "now: every answer was the same; before: every answer was the same"
    assert same.detectable > 1.4 * same.high


# People in both periods -----------------------------------------------------------------------------------------------


def panel(size: int = 60, seed: int = 4) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    mood = random.normal(7, 2, size)
    waves = {
        w: np.clip(np.round(mood + shift + random.normal(0, 1, size)), 0, 10) for w, shift in (("1", 0), ("2", 0.7))
    }
    who = [f"p{i}" for i in range(size)]
    return pd.concat([pd.DataFrame({"respondent": who, "wave": w, "nps": nps}) for w, nps in waves.items()])


def kind(frame: pd.DataFrame, kind: str = "transactional", **columns: str) -> pd.Series:
    roles = {"wave": "wave", "respondent": "respondent", **columns}
    survey = cx.read(frame, {"kind": kind, "items": {"nps": "nps"}, "columns": roles})
    return cx.compare(cx.tally(survey, ["nps"], period="wave"), "2", "1").iloc[0]


@pytest.mark.parametrize("item", ["transactional", "relationship"])
def test_a_whole_panel_is_tested_in_pairs(item) -> None:
    frame = panel()
    now, before = (frame.loc[frame.wave == w, "nps"].to_numpy() for w in "21")
    net = [100.0 * ((x >= 9).astype(int) - (x <= 6)) for x in (now, before)]
    expected = stats.ttest_rel(*net)
    row = kind(frame, item)
    assert row["method"] == "paired t test" + (", clustered" if False else "")
    assert row["pvalue"] == pytest.approx(expected.pvalue, rel=1e-9)
    limits = expected.confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx((limits.low, limits.high), rel=1e-9)
    listed = cx.change("nps", now, before, paired=True)
    assert (listed.low, listed.high, listed.pvalue) == pytest.approx((row["low"], row["high"], row["pvalue"]), rel=1e-9)


def test_a_cluster_is_no_person_so_it_makes_no_panel() -> None:
    # 60 people in 60 flights of either wave, but not the same: as many clusters as shared people make no pairs.
    frame = panel().reset_index(drop=True)
    random = np.random.default_rng(0)
    frame["flight"] = [f"f{i}" for i in [*random.permutation(60), *random.permutation(60)]]
    frame.loc[frame.index % 60 == 0, "flight"] = "f0"
    row = kind(frame, cluster="flight")
    assert row["method"].startswith("MOVER of score limits")
    assert row["method"].endswith("shared respondents")


def test_a_flight_number_that_comes_back_links_nobody() -> None:
    frame = panel().drop(columns="respondent").assign(cluster=[f"f{i % 20}" for i in range(120)])
    survey = cx.read(frame)
    tallies = cx.tally(survey, ["nps"], period="wave")
    assert tallies.pairs.empty
    assert cx.compare(tallies, "2", "1")["method"].item() == "MOVER of score limits, clustered"


def test_people_who_come_back_narrow_the_interval() -> None:
    frame = panel()
    gone = frame[~((frame.wave == "2") & frame.respondent.isin([f"p{i}" for i in range(5)]))]
    linked, unlinked = kind(gone), kind(gone.assign(respondent=[f"q{i}" for i in range(len(gone))]))
    assert "shared respondents" in linked["method"]
    assert "shared respondents" not in unlinked["method"]
    assert linked["change"] == unlinked["change"]
    assert linked["high"] - linked["low"] < 0.8 * (unlinked["high"] - unlinked["low"])


def test_a_panel_in_which_nothing_moved_shows_no_evidence_of_change() -> None:
    """The paired test knows no spread there; that nobody of 100 moved bounds how many would."""
    same = answers(20, 30, 50)
    panel = waves(same, same, respondent=[f"p{i}" for i in range(100)] * 2)
    row = compare(panel).iloc[0]
    assert (row["change"], row["pvalue"], row["verdict"], row["note"]) == (0, 1, "no evidence", "")
    assert (row["low"], row["high"]) == pytest.approx((-7.399, 7.399), abs=5e-4)  # 200 z^2 / (100 + z^2)
    assert row["method"] == "bound on people who all changed alike"
    apart = compare(panel.drop(columns="respondent")).iloc[0]
    assert row["high"] - row["low"] < 0.5 * (apart["high"] - apart["low"])


def test_what_nobody_of_n_did_may_still_happen() -> None:
    """Few are ready to move, so that often none of the sample does; the interval has to hold their share."""
    random, n, share, held = np.random.default_rng(5), 60, 0.02, 0
    for _ in range(400):
        before = np.repeat([3, 10], n // 2)
        now = np.where((before == 3) & (random.random(n) < 2 * share), 10, before)
        found = cx.change("nps", now, before, paired=True)
        held += found.low <= 200 * share <= found.high
    assert held / 400 > 0.93


def test_people_of_two_strata_are_not_taken_for_a_panel() -> None:
    """Strata that answer differently make both waves alike, which their own errors already know."""
    random, runs, each = np.random.default_rng(3), 200, 40
    run, half, who = (x.ravel() for x in np.meshgrid(range(runs), range(2), range(each), indexing="ij"))
    share = np.where(half == 1, 0.9, 0.1)  # of promoters; the others are detractors
    panel = {
        "brand": run.astype(str),
        "stratum": half.astype(str),
        "respondent": [f"{r}-{h}-{p}" for r, h, p in zip(run, half, who, strict=True)],
    }
    frames = [pd.DataFrame({"wave": w, "nps": np.where(random.random(run.size) < share, 10, 3), **panel}) for w in "12"]
    found = compare(pd.concat(frames, ignore_index=True), by=["brand"], minimum=0)
    assert len(found) == runs
    assert (found["pvalue"] < 0.05).mean() <= 0.05
    assert found["method"].str.contains("shared respondents not credited within strata").all()
