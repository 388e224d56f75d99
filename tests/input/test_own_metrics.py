"""Metrics of one's own, declared in a mapping: values, refusals, and the page that shows them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import cxkit as cx
from cxkit.input.databases import collect
from cxkit.input.mapping import load_mapping

ITEMS: dict[str, Any] = {
    "renew": {"column": "q9", "measure": "share", "scale": [1, 7], "top": [6, 7], "question": "Would you renew?",
              "label": "Would renew"},
    "fair": {"column": "q9", "measure": "net", "scale": [1, 7], "top": [6, 7], "bottom": [1, 2, 3]},
    "again": {"column": "yes", "measure": "share", "scale": [0, 1], "top": [1], "labels": {"Ja": 1, "Nein": 0}},
    "clean": {"column": "q9", "measure": "mean", "scale": [1, 7], "better": "higher"},
    "csat_food": {"column": "food", "measure": "csat", "question": "How was the food?"},
    "csat_room": {"column": "room", "measure": "csat", "label": "Room"},
    "hold": {"column": "sec", "unit": "seconds", "measure": "duration"},
    "hold_20s": {"column": "sec", "unit": "seconds", "measure": "within", "within": "20 s"},
}  # fmt: skip


def survey(n: int = 900, brands: str = "AB") -> pd.DataFrame:
    drawn = np.random.default_rng(7)
    return pd.DataFrame({
        "date": [f"2026-{9 + i % 2:02d}-11" for i in range(n)],
        "brand": drawn.choice(list(brands), n),
        "q9": drawn.integers(1, 8, n),
        "yes": drawn.choice(["Ja", "Nein"], n, p=[0.7, 0.3]),
        "food": drawn.integers(1, 6, n),
        "room": drawn.integers(2, 6, n),
        "sec": drawn.exponential(30, n).round(0),
    })  # fmt: skip


def mapping(**items: Any) -> dict[str, Any]:
    return {
        "kind": "transactional",
        "columns": {"time": "date"},
        "items": items or ITEMS,
        "dimensions": {"brand": "brand"},
    }


def test_each_measure_is_what_pandas_counts() -> None:
    frame = survey()
    tallies = cx.tally(cx.read(frame, mapping()), list(ITEMS), by=["brand"])
    found = cx.estimate(tallies, by=(), periods=["2026-10"]).set_index("metric")["value"]
    own = frame[frame["date"] == "2026-10-11"]
    expected = {
        "renew": 100 * own["q9"].ge(6).mean(),
        "fair": 100 * (own["q9"].ge(6).mean() - own["q9"].le(3).mean()),
        "again": 100 * own["yes"].eq("Ja").mean(),
        "clean": own["q9"].mean(),
        "csat_food": 100 * own["food"].ge(4).mean(),
        "csat_room": 100 * own["room"].ge(4).mean(),
        "hold_20s": 100 * own["sec"].le(20).mean(),
    }
    assert found.drop("hold").to_dict() == pytest.approx(expected)
    assert found["hold"] * 60 == pytest.approx(own["sec"].median(), abs=1)


def test_a_declared_metric_is_tested_as_the_kit_tests_its_own() -> None:
    frame = survey().assign(csat=lambda f: f["food"])
    both = mapping(csat="csat", csat_food=ITEMS["csat_food"])
    tallies = cx.tally(cx.read(frame, both), ["csat", "csat_food"], by=["brand"])
    rows = cx.compare(tallies, "2026-10", "2026-09", by=["brand"]).drop(columns=["metric", "family_of"])
    pd.testing.assert_frame_equal(rows.iloc[:2].reset_index(drop=True), rows.iloc[2:].reset_index(drop=True))


def test_the_same_metric_from_python() -> None:
    renew = cx.metric("renew", "share", scale=(1, 7), top=[6, 7], label="Would renew")
    change = cx.change(renew, [7] * 80 + [1] * 20, [7] * 50 + [1] * 50)
    assert (change.change, change.verdict) == (pytest.approx(30), "changed")
    assert repr(change).startswith("Would renew +30 percentage points")
    assert load_mapping(mapping(renew=ITEMS["renew"])).metrics["renew"].values == renew.values


def test_within_counts_only_cases_that_were_watched_as_long_as_the_limit() -> None:
    """Of 40,000 cases half end within a day. Those of the last day would count only if they ended: 50 becomes 52 %."""
    drawn = np.random.default_rng(3)
    n, end = 40_000, pd.Timestamp("2026-10-31")
    opened = pd.Timestamp("2026-10-01") + pd.to_timedelta(drawn.uniform(0, 30 * 24 * 60, n).round(), "min")
    closed = opened + pd.to_timedelta(drawn.exponential(1440 / np.log(2), n).round(), "min")
    ended = pd.Series(closed.strftime("%Y-%m-%d %H:%M")).mask(closed > end, "")
    frame = pd.DataFrame({"date": opened.strftime("%Y-%m-%d"), "opened": opened.strftime("%Y-%m-%d %H:%M")})
    frame = frame.assign(closed=ended, brand="A")
    item = {"from": "opened", "to": "closed", "open_until": "2026-10-31", "measure": "within", "within": "24 h"}
    answers = cx.read(frame, mapping(solved=item))
    reasons = dict(zip(answers.refused["reason"], answers.refused["n"], strict=True))
    assert reasons == {"opened less than 24 h before 2026-10-31": int((opened > end - pd.Timedelta("24h")).sum())}
    (row,) = cx.estimate(cx.tally(answers, ["solved"]), by=()).to_dict("records")
    watched = opened <= end - pd.Timedelta("24h")
    assert row["value"] == pytest.approx(100 * ((closed - opened)[watched] <= pd.Timedelta("24h")).mean())
    assert row["low"] < 50 < row["high"]


def test_an_open_case_is_outside_a_limit_that_it_has_reached() -> None:
    frame = pd.DataFrame(
        {"date": "2026-10-01", "opened": "2026-10-01 00:00", "closed": ["", "2026-10-02 00:00"], "brand": "A"}
    )
    item = {"from": "opened", "to": "closed", "open_until": "2026-10-02", "measure": "within", "within": "1 day"}
    answers = cx.read(frame, mapping(solved=item))
    assert sorted(collect(answers.table.select("solved"))["solved"]) == [0.0, 1.0]


SHARE = {"column": "q9", "measure": "share", "scale": [1, 5], "top": [5]}
MEAN = {"column": "q9", "measure": "mean", "scale": [1, 5], "better": "higher"}
CLOCKS = {"from": "a", "to": "b", "measure": "within", "within": "20 s"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"column": "q9"}, "items.mine: is no known item; "),
    "a measure that is none": (SHARE | {"measure": "shares"}, "'shares' is none; did you mean 'share'?"),
    "no scale": (SHARE | {"scale": None}, "items.mine.scale: is needed where `measure` is share"),
    "outside": (SHARE | {"top": [6]}, "top: expected answers of 1-5, found 6"),
    "twice": (SHARE | {"measure": "net", "bottom": [5]}, "5 stands in `top`, too"),
    "listed twice": (SHARE | {"top": [5, 5]}, "top: 5 is listed twice"),
    "upside down": (MEAN | {"scale": [5, 1]}, "the lowest answer first"),
    "no direction": (MEAN | {"better": None}, "better: is needed where `measure` is mean"),
    "does not fit": (MEAN | {"top": [5]}, "top: is for net"),
    "classes that leave answers out": (SHARE | {"classes": {"a": [1, 2], "b": [5]}}, "found none with 3-4"),
    "a label of no answer": (SHARE | {"labels": {"Yes": 6}}, "labels: Yes: expected an answer of 1-5, found 6"),
    "no time": (CLOCKS | {"open_until": "2026-11-01", "within": "0 s"}, "such as 20 s, 30 min"),
    "no limit": ({"column": "sec", "measure": "within"}, "within: the limit belongs to"),
    "a limit without unit": (CLOCKS | {"within": "20"}, "such as 20 s, 30 min"),
    "not watched": (CLOCKS, "open_until: `within` needs the moment"),
    "watched by a column": (CLOCKS | {"open_until": "c"}, "open_until: `within` needs the moment"),
    "top alone": ({"column": "q9", "top": [9]}, "top: says how a metric of your own is made; declare `measure`"),
    "unit of a share": (SHARE | {"unit": "hours"}, "`unit` is for times"),
    "clocks of a share": ({"from": "a", "to": "b", "measure": "csat"}, "`from` and `to` are for times"),
    "the kit says": ({"column": "q9", "measure": "csat", "top": [5]}, "csat says itself which answers count"),
}


@pytest.mark.parametrize(("item", "words"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(item: dict[str, Any], words: str) -> None:
    with pytest.raises(cx.CxError, match=re.escape(words)):
        load_mapping(mapping(mine=item))


def test_classes_stand_the_worst_first_and_are_called_as_labels_say() -> None:
    def classes(**item: Any) -> list[str]:
        return list(load_mapping(mapping(mine=SHARE | item)).metrics["mine"].classes)

    assert classes() == ["1-4", "5"]
    assert classes(better="lower") == ["5", "1-4"]
    usual = {"scale": [1, 2], "labels": {"Yes": 1, "No": 2}}
    assert classes(**usual, top=[1]) == ["No", "Yes"]
    assert classes(**usual, top=[1], better="lower") == ["Yes", "No"]
    turned = load_mapping(mapping(mine=SHARE | usual | {"top": [2], "reversed": True})).metrics["mine"]
    assert turned.classes == {"No": (1.0,), "Yes": (2.0,)}  # 1 became 2, which counts
    assert list(cx.METRICS["churn"].classes) == ["Yes", "No"]


def test_names_that_differ_by_capitals_are_refused() -> None:
    with pytest.raises(cx.CxError, match="items: Renew and renew differ by capitals only"):
        load_mapping(mapping(renew=SHARE, Renew=SHARE))


@pytest.mark.parametrize("name", ["nps", "csat_mean", "weight", "n", "verdict", "a b", "open_", "1st", "x" * 41])
def test_names_that_cannot_be_columns_are_refused(name: str) -> None:
    with pytest.raises(cx.CxError, match=rf"items.{name}[:.]"):
        load_mapping(mapping(**{name: ITEMS["renew"]}))


def test_a_night_on_metrics_of_ones_own(tmp_path: Path) -> None:
    survey(1600).to_csv(tmp_path / "survey.csv", index=False)
    mark = {"metric": "renew", "value": 40.0, "name": "Sector", "source": "study", "date": "2025"}
    params = {"name": "own", "title": "Own", "source": "survey.csv", "mapping": mapping(), "benchmarks": [mark]}
    params |= {
        "metrics": ["renew", "again", "hold_20s"],
        "now": "2026-10",
        "for_each": ["brand"],
        "as_of": "2026-11-02",
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    command = [sys.executable, "-m", "cxkit", "run", "own.yaml", "--out", "www/shelf"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "www" / "shelf" / "a.html").read_text(encoding="utf-8")
    assert "“Would you renew?” (answers 1 to 7)" in re.sub("<[^>]+>", "", page)
    assert "Hold 20s" in page
    assert "Sector 40" in page
    assert "“Again" not in page  # it was not said what was asked
    assert json.loads((tmp_path / "www" / "shelf" / "manifest.json").read_text())["jobs"][0]["status"] == "done"
    answers = re.search(r'<figure id="answers-renew".*?</figure>', page, re.DOTALL)
    assert answers is not None
    assert "1-5" in answers[0]
    (tmp_path / "own.yaml").write_text(
        yaml.safe_dump({**params, "metrics": ["again"], "benchmarks": []}), encoding="utf-8"
    )
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=240).returncode == 0
    answers = re.search(
        r'<figure id="answers-again".*?</figure>', (tmp_path / "www" / "shelf" / "a.html").read_text("utf-8"), re.DOTALL
    )
    assert answers is not None
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", answers[0])
    assert [drawn.count(word) for word in ("Nein", "Ja", "0", "1")] == [
        1,
        1,
        0,
        0,
    ]  # bars are called as the answers are
    (tmp_path / "own.yaml").write_text(
        yaml.safe_dump({**params, "metrics": ["renw"], "benchmarks": []}), encoding="utf-8"
    )
    wrong = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert wrong.returncode == 2
    assert "metrics: 'renw': is no metric of the kit or the mapping; did you mean 'renew'?" in wrong.stderr
