"""Durations through the product: tallied as counts per rounded value, told by order statistics and the rank effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import cxkit as cx
from cxkit import show
from cxkit.analysis.cells import from_answers
from cxkit.analysis.durations import rank_changes
from cxkit.analysis.privacy import mask
from cxkit.metrics import METRICS
from cxkit.stats import Design, logrank, quantile_interval, superiority


def waits(generator, n, scale):
    return np.round(generator.exponential(scale, n))


def tallied(frame):
    return cx.tally(cx.read(frame), ["wait_time"], period="wave")


def test_a_median_and_its_limits_are_those_of_the_values():
    # Campbell and Gardner (1988) method, ten values: ranks 2 and 9
    values = [25, 29, 35, 36, 36, 40, 41, 43, 44, 54]
    found = cx.estimate(tallied(pd.DataFrame({"wave": "a", "wait_time": values}))).iloc[0]
    assert (found["value"], found["low"], found["high"]) == (38, 29, 44)
    assert "order-statistic" in found["method"]
    direct = cx.duration(values)
    assert (direct.value, direct.low, direct.high) == (38, 29, 44)


def test_the_ninth_decile_needs_enough_answers_for_its_upper_limit():
    few, enough = (cx.duration(np.arange(1, n + 1), quantile=0.9) for n in (30, 100))
    assert np.isnan(few.high)
    assert "no upper limit" in few.note
    assert (enough.low, enough.high) == (84, 96)  # 1..100, statistics.md: p90 84-96


def test_durations_are_tallied_at_three_digits_and_whole_seconds():
    seconds = [0, 1.4, 61, 69, 127.2, 599.7, 754, 999.6 * 60, 1234 * 60, 56789 * 60]
    frame = pd.DataFrame({"wave": "a", "wait_time": np.array(seconds) / 60})
    found = tallied(frame).counts["answer"] * 60
    assert found.to_numpy() == pytest.approx([0, 1, 61, 69, 127, 600, 756, 60000, 1230 * 60, 56800 * 60], rel=1e-11)
    few = tallied(pd.DataFrame({"wave": "a", "wait_time": np.geomspace(0.01, 9_999, 100_000)})).counts
    assert len(few) < 600 + 4 * 900


def test_sixty_seconds_are_told_from_eighty():
    # 61-69 s against 80-88 s, 400 on either side: 1.08 and 1.40 minutes
    seconds = np.concatenate([np.arange(400) % 9 + 80, np.arange(400) % 9 + 61])
    frame = pd.DataFrame({"wave": ["2"] * 400 + ["1"] * 400, "wait_time": seconds / 60})
    found = cx.compare(tallied(frame), "2", "1").iloc[0]
    assert (round(found["value_before"], 2), round(found["value"], 2)) == (1.08, 1.40)
    assert (found["change"], found["verdict"]) == (50, "changed")
    shown = str(show.comparisons_table(cx.compare(tallied(frame), "2", "1"), tallied(frame).metrics))
    assert "longer in 100.0 of 100" in shown
    assert "median 84 s against 65 s" in shown


def test_a_change_is_the_rank_effect_with_the_medians_beside_it():
    generator = np.random.default_rng(3)
    now, before = waits(generator, 120, 20), waits(generator, 90, 10)
    frame = pd.DataFrame({"wave": ["2"] * 120 + ["1"] * 90, "wait_time": np.concatenate([now, before])})
    found = cx.compare(tallied(frame), "2", "1").iloc[0]
    # scipy has the effect and the p-value of its plain form; the kit's adds an answer to each side
    u = stats.mannwhitneyu(now, before).statistic
    assert found["change"] == pytest.approx(100 * (u / (120 * 90) - 0.5))
    assert found["pvalue"] == pytest.approx(stats.brunnermunzel(before, now).pvalue, abs=1e-4)
    values = np.union1d(now, before)
    counts = [(side[:, None] == values).sum(axis=0) for side in (now, before)]
    expected = superiority(*counts)
    assert found[["low", "high"]].tolist() == pytest.approx([100 * (expected.low - 0.5), 100 * (expected.high - 0.5)])
    assert found["pvalue"] == pytest.approx(expected.pvalue)
    assert found["verdict"] == "changed"
    assert found["shift"] == np.median(now) - np.median(before) == found["value"] - found["value_before"]
    listed = cx.change("wait_time", now, before)
    assert (listed.low, listed.shift) == (pytest.approx(found["low"]), found["shift"])
    assert "longer in" in repr(listed)


@given(st.integers(0, 2**32 - 1), st.integers(31, 60), st.integers(1, 40))
def test_sign_interval_and_p_of_a_change_agree(seed, n, spread):
    generator = np.random.default_rng(seed)
    now, before = generator.integers(0, spread, n), generator.integers(0, spread, n) + generator.integers(0, 3)
    open_ = generator.random(n) < generator.choice([0.0, 0.3])
    cells = [from_answers(METRICS["wait_time"], side) for side in (now, before)]
    cells[0] = replace(cells[0], open=np.array([[(open_ & (now == value)).sum() for value in cells[0].values]], float))
    for level in (0.8, 0.95):
        (change,), (low,), (high,), (pvalue,) = rank_changes(*cells, np.zeros(1), level)
        assert np.isnan(pvalue) or -50 <= low <= change <= high <= 50
        assert np.isnan(pvalue) or (pvalue < 1 - level) == (low > 0 or high < 0)


def clustered(seed=0, agents=40, tickets=10, intraclass=0.3):
    """Two waves of agents with tickets; the logarithm of the minutes has a part that is the agent's."""
    generator = np.random.default_rng(seed)
    shape = (2, agents, tickets)
    own = np.sqrt(intraclass) * generator.normal(size=(*shape[:2], 1)) + np.sqrt(1 - intraclass) * generator.normal(
        size=shape
    )
    wave, agent, _ = (index.ravel() for index in np.indices(shape))
    return pd.DataFrame({"wave": np.array(["1", "2"])[wave], "agent": agent, "minutes": 120 * np.exp(own.ravel())})


AGENTS = {"kind": "transactional", "columns": {"wave": "wave", "cluster": "agent"}, "items": {"wait_time": "minutes"}}


def by_agents(frame, **more):
    mapping = {**AGENTS, "columns": {**AGENTS["columns"], **more}}
    return cx.tally(cx.read(frame, mapping), ["wait_time"], period="wave", pairs=[("2", "1")])


def test_the_tickets_of_one_agent_count_for_less():
    frame = clustered()
    tallies = by_agents(frame)
    found = cx.estimate(tallies, periods=["2"]).iloc[0]
    kept = np.round(frame[frame["wave"] == "2"].set_index("agent")["minutes"])  # at three digits, from 100 minutes on
    exact = tallies.counts[tallies.counts["period"] == "2"]
    above = kept > exact["answer"].repeat(exact["n"]).sort_values().iloc[199]
    # R: survey::svymean(~above, svydesign(~agent)), written out: M/(M - 1) sum (S_g - m W_g)^2 / W^2
    total = above.groupby("agent").sum() - above.mean() * 10
    error = 40 / 39 * (total**2).sum() / 400**2
    assert found["n_eff"] == pytest.approx(400 / 399 * above.mean() * (1 - above.mean()) / error, rel=0.05)
    plain = cx.estimate(tallies, periods=["2"], use="none").iloc[0]
    assert (plain["n_eff"], plain["value"]) == (400, found["value"])
    assert found["low"] < plain["low"] < plain["high"] < found["high"]
    assert "clustered" in found["method"]
    listed = cx.duration(kept, clusters=kept.index)
    assert listed.n_eff == pytest.approx(found["n_eff"], rel=0.05)
    change, alone = (cx.compare(tallies, "2", "1", use=use).iloc[0] for use in ("full", "none"))
    assert change["n_eff"] < 200 < alone["n_eff"]
    assert change["high"] - change["low"] > 1.4 * (alone["high"] - alone["low"])
    assert "agent" not in " ".join(tallies.sums.columns)  # no id leaves the tally


def test_cluster_sums_of_levels_are_those_of_their_cells_alone(tmp_path):
    frame = clustered(1).assign(brand=lambda t: np.where(t["agent"] % 3, "A", "B"))
    mapping = {**AGENTS, "dimensions": {"brand": "brand"}}
    tallies = cx.tally(cx.read(frame, mapping), ["wait_time"], ["brand"], period="wave", pairs=[("2", "1")], rest=True)
    only = {"by": ["brand"], "period": "wave", "pairs": [("2", "1")], "where": {"brand": ["A"]}}
    alone = cx.tally(cx.read(frame, mapping), ["wait_time"], levels=[()], **only)  # the agents of B count as zeros
    together = cx.compare(tallies, "2", "1", by=["brand"])
    expected = cx.compare(alone, "2", "1").iloc[0]
    names = ["n_eff", "n_eff_before", "change", "low", "high", "pvalue"]
    assert together.iloc[0][names].tolist() == pytest.approx(expected[names].tolist())
    back = cx.load(cx.save(tallies, tmp_path / "t.parquet"))
    pd.testing.assert_frame_equal(cx.compare(back, "2", "1", by=["brand"]), together)
    small = mask(tallies, minimum=200)  # the 13 to 14 agents of B have up to 140 tickets
    assert not (small.sums["brand"] == "B").any()
    rest = cx.against_rest(tallies, "2", "brand")
    assert (rest["n_eff_rest"] < 0.7 * rest["n_rest"]).all()


def test_people_in_both_periods_narrow_a_change():
    generator = np.random.default_rng(5)
    person = np.tile(generator.normal(size=100), 2)
    minutes = 60 * np.exp(person + 0.2 * generator.normal(size=200))
    frame = pd.DataFrame({"wave": ["1"] * 100 + ["2"] * 100, "person": np.tile(np.arange(100), 2), "minutes": minutes})
    known, strangers = by_agents(frame, respondent="person", cluster=None), by_agents(frame.assign(agent=range(200)))
    one, other = (cx.compare(t, "2", "1").iloc[0] for t in (known, strangers))
    assert one["change"] == other["change"]
    assert one["high"] - one["low"] < 0.5 * (other["high"] - other["low"])
    assert "shared respondents" in one["method"]


def test_one_agent_is_no_sample():
    found = cx.compare(by_agents(clustered(agents=1, tickets=50)), "2", "1").iloc[0]
    assert (found["verdict"], found["note"]) == (
        "too few",
        "now: all answers come from one cluster; before: all answers come from one cluster",
    )


def test_an_open_case_changes_nothing_where_it_is_not():
    # 15 cases of 10 and 15 of 1,000 minutes: the middle of the flat stretch is 505, with an open case of B or without
    opened = pd.Timestamp("2026-10-01")
    rows = [("A", minutes) for minutes in [10] * 15 + [1000] * 15] + [("B", 50)] * 20
    frame = pd.DataFrame(rows, columns=["brand", "minutes"]).assign(opened=opened, seen=opened + pd.Timedelta(days=3))
    frame["solved"] = opened + pd.to_timedelta(frame["minutes"], unit="min")
    item = {"from": "opened", "to": "solved", "open_until": "seen"}
    mapping = {"kind": "transactional", "timezone": "UTC", "columns": {"time": "opened"}}
    mapping |= {"dimensions": {"brand": "brand"}, "items": {"full_resolution": item}}
    still = frame.copy()
    still.loc[49, "solved"] = pd.NaT
    found = [
        cx.estimate(cx.tally(cx.read(one, mapping), ["full_resolution"], ["brand"]), by=["brand"])
        for one in (frame, still)
    ]
    assert found[0]["value"].tolist() == [505, 50]
    pd.testing.assert_frame_equal(found[0].iloc[:1], found[1].iloc[:1])
    assert "Kaplan-Meier" in found[1]["method"].iloc[1]
    assert found[1]["note"].iloc[1].startswith("1 of 20 still open")


@pytest.mark.parametrize("limits", [(150, 150), (9999, 150), (150, 9999)])
def test_with_open_cases_the_verdict_is_the_log_rank_tests(limits):
    """Of either period, or of one alone: the other has seen all its cases end."""
    generator = np.random.default_rng(8)
    opened = pd.Timestamp("2026-09-01") + pd.to_timedelta(np.repeat([0, 30], 80), unit="D")
    minutes = np.round(generator.exponential(np.repeat([60, 120], 80)) + 1)
    limit = np.repeat(limits, 80)
    seen = opened + pd.to_timedelta(limit, unit="min")
    solved = pd.Series(opened + pd.to_timedelta(minutes, unit="min"))
    frame = pd.DataFrame({"opened": opened, "solved": solved.where(solved <= seen), "seen": seen})
    item = {"from": "opened", "to": "solved", "open_until": "seen"}
    mapping = {
        "kind": "transactional",
        "timezone": "UTC",
        "columns": {"time": "opened"},
        "items": {"full_resolution": item},
    }
    found = cx.compare(cx.tally(cx.read(frame, mapping), ["full_resolution"]), "2026-10", "2026-09").iloc[0]
    ended = (minutes <= limit).astype(int)
    assert ended.sum() < 160
    times = np.where(ended, minutes, 150)
    sides = [(times[half], ended[half], 1 - ended[half]) for half in (slice(80, None), slice(80))]
    assert found["pvalue"] == pytest.approx(logrank(*sides).pvalue)
    assert (found["low"] > 0, found["verdict"]) == (True, "changed")
    assert "log-rank" in found["method"]


def test_whole_hours_are_no_hindrance():
    # Benchmark durations.py: 180 against 120 minutes, 100 against 100, recorded in hours
    generator = np.random.default_rng(1)
    samples = np.round(np.exp(generator.normal(size=(300, 2, 100))) * np.array([[180], [120]]) / 60) * 60
    values = np.unique(samples)
    counts = (samples[..., None] == values).sum(axis=2)
    assert np.mean(superiority(counts[:, 0], counts[:, 1]).pvalue < 0.05) > 0.7


def test_weights_lower_the_base_about_as_kish():
    frame = pd.DataFrame({"wave": "1", "wait_time": np.arange(1.0, 61), "weight": np.tile([1.0, 3.0], 30)})
    found = cx.estimate(tallied(frame)).iloc[0]
    assert found["n_eff"] == pytest.approx(120**2 / (30 * 1 + 30 * 9), rel=0.01)
    plain = quantile_interval(np.arange(1.0, 61))
    assert found["high"] - found["low"] > plain.high - plain.low


def test_nobody_and_one_value_have_no_interval_and_say_so():
    frame = pd.DataFrame({"wave": ["1"] * 40 + ["2"], "wait_time": [5.0] * 40 + [np.nan]})
    found = cx.estimate(tallied(frame.assign(nps=9)))
    assert found["note"].str.contains("too few answers that differ").all()
    with pytest.raises(cx.CxError, match="is no clock"):
        cx.duration([1, 2], name="nps")
    with pytest.raises(cx.CxError, match="between 0 and 1"):
        cx.duration([1, 2], quantile=90)
    with pytest.raises(cx.CxError, match="outside"):
        cx.duration([-1, 2])


def test_people_are_counted_for_durations_too():
    frame = pd.DataFrame({"wave": "1", "respondent": ["p", "q"] * 8, "wait_time": np.arange(16.0)})
    assert cx.estimate(mask(tallied(frame)))["note"].item() == "hidden: fewer than 10 people answered"


def test_a_paired_change_of_medians_is_refused_and_so_is_another_method():
    with pytest.raises(cx.CxError, match="cannot be tested"):
        cx.change("wait_time", [1, 2, 3], [1, 2, 4], paired=True)
    frame = pd.DataFrame({"wave": "1", "wait_time": np.arange(40.0)})
    with pytest.raises(cx.CxError, match="order statistics only"):
        cx.estimate(tallied(frame), method="wald")


def test_only_what_was_rounded_is_called_so():
    times = np.linspace(61.234, 70.111, 40)
    listed = cx.duration(times), cx.change("wait_time", times, times + 1)
    assert [one.method for one in listed] == ["order-statistic interval", "rank effect (Brunner-Munzel)"]
    tallies = by_agents(clustered())
    told = cx.estimate(tallies)["method"], cx.compare(tallies, "2", "1")["method"]
    assert all(methods.str.contains("times rounded to three digits").all() for methods in told)


def test_a_rest_of_few_clusters_is_known_as_badly_as_these_are():
    frame = clustered(2)
    mapping = {**AGENTS, "dimensions": {"brand": "brand"}}
    found = {}
    for few in (1, 3):
        split = frame.assign(brand=lambda t, few=few: np.where(t["agent"] < few, "B", "A"))
        tallies = cx.tally(cx.read(split, mapping), ["wait_time"], ["brand"], period="wave", rest=True)
        found[few] = cx.against_rest(tallies, "2", "brand").set_index("brand")
    assert found[1][["low", "high", "pvalue"]].isna().all(axis=None)  # of one cluster, on either side, nothing is known
    row, now = found[3].loc["A"], split[split["wave"] == "2"]
    values, place = np.unique(now["minutes"].round(), return_inverse=True)
    sides = [np.bincount(place[now["brand"] == brand], minlength=len(values)) for brand in "AB"]
    designs = Design(370, row["n_eff"], 36), Design(30, row["n_eff_rest"], 2)
    assert (row["low"], row["high"]) == pytest.approx(
        [100 * x - 50 for x in superiority(*sides, designs=designs)[1:3]], abs=1
    )
