"""Durations through the product: tallied as counts per rounded value, estimated by order statistics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.durations import SEED
from cxkit.analysis.privacy import mask
from cxkit.stats import quantile_difference, quantile_interval


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


def test_durations_are_tallied_at_three_digits_and_whole_minutes():
    frame = pd.DataFrame({"wave": "a", "wait_time": [0.0, 0.4, 7.8, 999.6, 1234.0, 56789.0]})
    assert tallied(frame).counts["answer"].tolist() == [0, 8, 1000, 1230, 56800]


def test_a_change_is_the_seeded_bootstrap_of_the_counts():
    generator = np.random.default_rng(3)
    now, before = waits(generator, 120, 20), waits(generator, 90, 10)
    frame = pd.DataFrame({"wave": ["b"] * 120 + ["a"] * 90, "wait_time": np.concatenate([now, before])})
    found = cx.compare(tallied(frame), "b", "a").iloc[0]
    expected = quantile_difference((now, None), (before, None), seed=SEED)
    assert found[["change", "low", "high", "pvalue"]].tolist() == pytest.approx(list(map(float, expected)))
    assert found["verdict"] == "changed"
    assert cx.change("wait_time", now, before).low == pytest.approx(found["low"])


def test_weights_lower_the_base_by_kish():
    frame = pd.DataFrame({"wave": "a", "wait_time": np.arange(1.0, 61), "weight": np.tile([1.0, 3.0], 30)})
    found = cx.estimate(tallied(frame)).iloc[0]
    assert found["n_eff"] == pytest.approx(120**2 / (30 * 1 + 30 * 9))
    plain = quantile_interval(np.arange(1.0, 61))
    assert found["high"] - found["low"] > plain.high - plain.low


def test_nobody_and_one_value_have_no_interval_and_say_so():
    frame = pd.DataFrame({"wave": ["a"] * 40 + ["b"], "wait_time": [5.0] * 40 + [np.nan]})
    found = cx.estimate(tallied(frame.assign(nps=9)))
    assert found["note"].str.contains("too few answers that differ").all()
    with pytest.raises(cx.CxError, match="is no clock"):
        cx.duration([1, 2], name="nps")
    with pytest.raises(cx.CxError, match="between 0 and 1"):
        cx.duration([1, 2], quantile=90)
    with pytest.raises(cx.CxError, match="outside"):
        cx.duration([-1, 2])


def test_people_are_counted_for_durations_too():
    frame = pd.DataFrame({"wave": "a", "respondent": ["p", "q"] * 8, "wait_time": np.arange(16.0)})
    assert cx.estimate(mask(tallied(frame)))["note"].item() == "hidden: fewer than 10 people answered"


def test_a_paired_change_of_medians_is_refused_and_so_is_another_method():
    with pytest.raises(cx.CxError, match="cannot be tested"):
        cx.change("wait_time", [1, 2, 3], [1, 2, 4], paired=True)
    frame = pd.DataFrame({"wave": "a", "wait_time": np.arange(40.0)})
    with pytest.raises(cx.CxError, match="order statistics only"):
        cx.estimate(tallied(frame), method="wald")
