"""What one question says above another that the same person answered: as pandas and scipy compare pairs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats
from small import write_notebook

import cxkit as cx
from cxkit.runs.params import load
from cxkit.runs.prepare import plan
from cxkit.sample.write import sample

PARAMS = Path(__file__).parents[2] / "params"
ELEMENTS = PARAMS / "mappings/elements.yaml"
BOTH = {"item": "perceived", "minus": "expected", "measure": "mean", "better": "higher"}
REASONS = ["price", "waiting", "delivery", "service", "quality", "website", "billing", "returns"]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return sample()["responses"]


def on_scale(frame: pd.DataFrame, column: str, low: int, high: int) -> pd.Series:
    return frame[column].astype("Float64").where(frame[column].between(low, high)).astype("float64")


def mapped(**items: Any) -> dict[str, Any]:
    scaled = {"measure": "mean", "scale": [1, 5], "better": "higher"}
    own = {"expected": {"column": "e", **scaled}, "perceived": {"column": "p", **scaled}}
    return {"kind": "transactional", "columns": {"time": "t"}, "items": own | items, "dimensions": {"shop": "s"}}


def test_each_element_of_the_sample_is_what_pandas_counts(rows: pd.DataFrame) -> None:
    """Of all answers of a year, as `analyses.md` asks; counted here by pandas from the rows of the file."""
    mapping = cx.read(rows[:0], ELEMENTS).mapping.model_copy()
    plain = mapping.columns.model_copy(update={"respondent": None, "weight": None})
    items = {name: one.model_copy(update={"kind": None}) for name, one in mapping.items.items()}
    own = rows[rows["time"].dt.tz_convert("Europe/Berlin").dt.year == 2025]
    survey = cx.read(own, mapping.model_copy(update={"columns": plain, "items": items}))
    wanted = ["surprise", "exceeded_by", "preference", "emotion", "loyalty", "price_complaint", "failure"]
    tallies = cx.tally(survey, wanted, period="year")
    found = cx.estimate(tallies, periods=["2025"]).set_index("metric")

    gap = (on_scale(own, "perceived", 1, 5) - on_scale(own, "expectation", 1, 5)).dropna()
    test = stats.ttest_1samp(gap, 0).confidence_interval(0.95)
    assert len(gap) == found.at["surprise", "n"] > 8000
    np.testing.assert_allclose(
        found.loc["surprise", ["value", "low", "high"]].astype(float), [gap.mean(), *test], atol=1e-9
    )
    assert found.at["exceeded_by", "value"] == pytest.approx(100 * (gap > 0).mean())
    rated = (on_scale(own, "nps", 0, 10) - on_scale(own, "competitor_rating", 0, 10)).dropna()
    assert found.at["preference", "n"] == len(rated) > 8000
    assert found.at["preference", "value"] == pytest.approx(100 * ((rated > 0).mean() - (rated < 0).mean()))
    felt = own["emotion"].map({"angry": -2, "annoyed": -1, "neutral": 0, "content": 1, "delighted": 2}).dropna()
    assert found.at["emotion", "value"] == pytest.approx(felt.mean())
    effect = own["loyalty"].map({"helped": 1, "no change": 0, "hurt": -1}).dropna()
    assert found.at["loyalty", "value"] == pytest.approx(100 * effect.mean())
    complains = own["price_complaint"].dropna()
    assert found.at["price_complaint", "value"] == pytest.approx(100 * (complains == "yes").mean())
    named = own["failure_reasons"].dropna()
    for reason in REASONS:
        share = 100 * named.str.split(";").map(lambda said, one=reason: one in said).mean()
        row = found.loc[f"failure_reason_{reason}"]
        assert (row["n"], row["value"]) == (len(named), pytest.approx(share)), reason


def test_what_cannot_be_used_of_either_is_no_pair() -> None:
    frame = pd.DataFrame({"t": "2026-10-01", "s": "a", "e": [1, 2, None, 9, 5], "p": [5, 2, 3, 4, 8]})
    survey = cx.read(frame, mapped(above=BOTH))
    told = cx.distribution(cx.tally(survey, ["above"], by=["shop"]), "above")
    assert told[told["n"] > 0][["answer", "group", "n"]].to_numpy().tolist() == [
        [0.0, "the same", 1], [4.0, "above Expected", 1],
    ]  # fmt: skip
    lost = survey.refused[survey.refused["item"] == "above"]
    assert lost[["reason", "n"]].to_numpy().tolist() == [["not both answered", 3]]
    assert survey.refused["n"].sum() == 3 + 2 + 1, "each question still tells what it lost itself"


def test_a_reversed_question_and_one_with_words_are_compared_as_they_are_meant() -> None:
    scaled = {"measure": "mean", "scale": [1, 5], "better": "higher"}
    items = {"expected": {"column": "e", "reversed": True, **scaled},
             "perceived": {"column": "p", "labels": {"best": 5}, **scaled}}  # fmt: skip
    frame = pd.DataFrame({"t": "2026-10-01", "s": "a", "e": [1, 5], "p": ["best", "best"]})
    told = cx.distribution(cx.tally(cx.read(frame, mapped(**items, above=BOTH)), ["above"]), "above")
    assert told[told["n"] > 0]["answer"].tolist() == [0.0, 4.0]


def test_fewer_is_better_where_it_is_declared() -> None:
    metric = cx.read(pd.DataFrame({"t": ["2026-10-01"], "s": ["a"], "e": [1], "p": [2]}),
                     mapped(above=BOTH | {"measure": "net", "better": "lower"})).metrics["above"]  # fmt: skip
    assert list(metric.classes) == ["above Expected", "the same", "below Expected"]
    assert (metric.scale, metric.values[-4.0], metric.values[4.0], metric.better) == ((-4, 4), -100, 100, "lower")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"item": "perceived"}, "minus: belongs to `item` and `measure: mean`, `net`, `share`"),
        (BOTH | {"measure": "duration"}, "minus: belongs to `item` and `measure: mean`"),
        (BOTH | {"minus": "expect"}, r"items.above.minus: 'expect' is no item; did you mean 'expected'"),
        (BOTH | {"scale": [1, 5]}, "scale: is said by `item` and `minus`"),
        (BOTH | {"minus": "wait_time"}, "items.above.minus: expected an item of one answer on a scale; wait_time"),
        (BOTH | {"minus": "nps"}, "items.above: perceived is transactional, and nps relationship; expected one kind"),
        (BOTH | {"minus": "ease"}, "items.above: perceived is on 1-5, and ease on 1-7; expected one scale"),
        (BOTH | {"minus": "effort"}, "perceived is better higher, and effort better lower; expected one direction"),
        ({"item": "perceived", "minus": "expected", "measure": "mean"}, "better: is needed where `measure` is mean"),
    ],
)
def test_what_does_not_fit_is_said(item: dict[str, Any], message: str) -> None:
    others = {"wait_time": "w", "nps": {"column": "n", "kind": "relationship"}}
    own = {"column": "e", "measure": "mean", "scale": [1, 5], "better": "higher"}
    others |= {"ease": own | {"scale": [1, 7]}, "effort": own | {"better": "lower"}}
    frame = pd.DataFrame({"t": ["2026-10-01"], "s": ["a"], "e": [1], "p": [2], "w": [1.0], "n": [9]})
    with pytest.raises(cx.CxError, match=message):
        cx.read(frame, mapped(**others, above=item))


RING = """\
name: ring
title: Ring
source: answers.csv
mapping:
  kind: transactional
  columns: {time: t}
  items:
    a: {column: a, measure: mean, scale: [1, 5], better: higher}
    b: {column: b, measure: mean, scale: [1, 5], better: higher}
    c: {column: c, measure: mean, scale: [1, 5], better: higher}
    ab: {item: a, minus: b, measure: mean, better: higher}
    over: {item: a, minus: b, measure: share}
    bc: {item: b, minus: c, measure: mean, better: higher}
    ac: {item: a, minus: c, measure: mean, better: higher}
as_of: 2026-11-15
"""


@pytest.mark.parametrize(
    ("metrics", "added"),
    [
        ("[a, b, ab]", "a, b, ab"), ("[ab, bc, ac]", "ab, bc, ac"), ("[a, c, ab, bc]", "a, c, ab, bc"),
        ("[a, ab]", ""), ("[ab, over, bc]", ""), ("[a, b, c]", ""),
    ],
)  # fmt: skip
def test_what_adds_up_would_tell_single_answers(tmp_path: Path, metrics: str, added: str) -> None:
    """Of all who answered, one left a question out: where bases and sums add up, that one is what is missing."""
    rows = pd.DataFrame({"t": "2026-10-01", "a": [4.0] * 40 + [1], "b": [3.0] * 40 + [None], "c": [2.0] * 40 + [5]})
    rows.to_csv(tmp_path / "answers.csv", index=False)
    survey = cx.read(rows, yaml.safe_load(RING)["mapping"])
    made = cx.estimate(cx.tally(survey, ["ab", "bc", "ac"])).set_index("metric")
    sums = made["n"] * made["value"]
    assert (sums["ac"] - sums["ab"] - sums["bc"], made["n"]["ac"] - made["n"]["ab"]) == (-4, 1)
    for name in ("report", "overview"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb")
    (tmp_path / "ring.yaml").write_text(f"{RING}metrics: {metrics}\n", encoding="utf-8")
    params = load(tmp_path / "ring.yaml")
    if added:
        with pytest.raises(cx.CxError, match=f"metrics: {added} add up; leave one of them out"):
            plan(params, Path("x"))
    else:
        assert plan(params, Path("x")).now == "2026-10"


def test_a_page_answers_each_question_in_words(rows: pd.DataFrame, tmp_path: Path) -> None:
    """`params/elements.yaml` on two quarters of one brand."""
    own = rows[
        (rows["time"] >= "2026-03-31T22:00Z") & (rows["time"] < "2026-09-30T22:00Z") & (rows["brand"] == "Brimvale")
    ]
    own.to_csv(tmp_path / "answers.csv", index=False)
    out = tmp_path / "shelf"
    command = [sys.executable, "-m", "cxkit", "run", "params/elements.yaml", "--out", str(out)]
    given = ["--set", f"source={tmp_path / 'answers.csv'}", "--only", "brand=Brimvale"]
    done = subprocess.run([*command, *given], capture_output=True, text=True, check=False, cwd=PARAMS.parent)
    assert done.returncode == 0, done.stderr
    page = (out / "brimvale.html").read_text(encoding="utf-8")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for label in ("below the target of 0", "Expectation gap", "below Expected", "under 7",
                  "Better than expected", "Preference over the competitor", "Emotion", "Net helped", "Wait time",
                  "Complains about the price", *(f"Reason: {reason}" for reason in REASONS)):  # fmt: skip
        assert label in words, label
