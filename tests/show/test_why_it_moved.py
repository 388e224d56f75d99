"""Why a total moved, on a page: the five sentences, the waterfall, the table, and the clause beside a verdict."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit import show
from cxkit.show.why import CAUSES, SHORT, in_short

MAPPING = {"kind": "transactional", "columns": {"wave": "wave"}, "items": {"nps": "nps"},
           "dimensions": {"plan": "plan"}}  # fmt: skip
STEADY = {"a": (400, 0.5), "b": (400, -0.5)}
CASES: dict[str, Any] = {
    "composition": (STEADY, {"a": (200, 0.5), "b": (600, -0.5)}),
    "movement": (STEADY, {"a": (400, 0.2), "b": (400, -0.8)}),
    "both": (STEADY, {"a": (200, 0.2), "b": (600, -0.8)}),
    "opposite": ({"a": (600, 0.4), "b": (200, -0.6)}, {"a": (200, 0.6), "b": (600, -0.4)}),
    "cannot tell": (STEADY, {"a": (404, 0.5), "b": (396, -0.5)}),
}


def found(before: dict[str, Any], now: dict[str, Any]) -> pd.DataFrame:
    rows = [(wave, plan, code) for wave, side in (("0", before), ("1", now)) for plan, (n, nps) in side.items()
            for code, k in ((10, n * (1 + nps) / 2), (0, n * (1 - nps) / 2)) for _ in range(round(k))]  # fmt: skip
    answers = pd.DataFrame(rows, columns=["wave", "plan", "nps"])
    return cx.why(cx.tally(cx.read(answers, MAPPING), ["nps"], ["plan"], period="wave", rest=True), "1", "0", "plan")


@pytest.mark.parametrize("cause", CASES)
def test_each_cause_has_its_sentence(cause: str) -> None:
    frame, metric = found(*CASES[cause]), cx.METRICS["nps"]
    page = show.why(frame, metric)
    assert f"NPS by plan: {CAUSES[cause].format(parts='plans')}." in page.replace("&#x27;", "'")
    steps = re.search(r"<desc[^>]*>0: (.*?); who answered: (.*?); .*1: (.*?)</desc>", page)
    assert steps
    before, who, now = (float(text.replace("−", "-")) for text in steps.groups())
    row = frame.iloc[0]
    expected = row["value_before"], row["composition"], row["value_before"] + row["total_change"]
    assert (before, who, now) == pytest.approx(expected, abs=0.05)
    assert page.count("<tr>") == 1 + 2  # a head and two plans
    said = in_short(frame, metric)
    assert said.startswith(SHORT[cause].partition(" {")[0]) if cause in SHORT else said == ""


def test_codes_that_changed_are_said_in_a_line_and_what_nobody_knows_leaves_the_page() -> None:
    page = show.why(found(STEADY, {"A": (400, 0.5), "B": (400, -0.5)}), cx.METRICS["nps"])
    assert "NPS is not taken apart: the codes of plan do not match: only in 0: a, b; only in 1: A, B." in page
    few = {"a": (8, 0.5), "b": (8, -0.5)}
    assert show.why(found(few, few), cx.METRICS["nps"]) == '<div class="cx-empty"></div>'


def test_the_trend_has_signals_and_the_level() -> None:
    rng = np.random.default_rng(4)
    rows = [pd.DataFrame({"date": f"2025-{month:02}-15", "nps": rng.choice([3, 10], 300, p=[low, 1 - low])})
            for month in range(1, 13) for low in [0.2 + 0.2 * (month > 9)]]  # fmt: skip
    mapping = {"kind": "transactional", "columns": {"time": "date"}, "items": {"nps": "nps"}}
    tallies, metric = cx.tally(cx.read(pd.concat(rows), mapping), ["nps"]), cx.METRICS["nps"]
    watched, level = cx.watch(tallies, baseline=6), cx.level(tallies)
    signal = watched[watched["signal"]].iloc[0]
    plain = show.trend(cx.estimate(tallies), metric)
    page = show.trend(cx.estimate(tallies), metric, watched=watched, level=level)
    assert f"{signal['period']}: a signal of the watch, lower since about {signal['since']} (dotted)." in page
    row = level.iloc[-1]
    assert f"Next score, if nothing new happens: {row['forecast']:.0f} (" in page
    assert f"would show it is {100 * row['power']:.0f}%." in page
    assert page.count("<path") >= plain.count("<path") + 3  # level, its band, where the change began
    assert ">▼</text>" in page
    assert ">▼</text>" not in plain
