"""Raking against its own definition: margins reached, structure kept, refusals by name."""

from __future__ import annotations

import numpy as np
import pytest

from cxkit.stats import rake

RNG = np.random.default_rng(12)
SEX = RNG.choice(["f", "m"], 400, p=[0.7, 0.3])
AGE = RNG.choice(["18-34", "35-54", "55+"], 400, p=[0.5, 0.3, 0.2])
MARGINS = {"sex": {"f": 0.51, "m": 0.49}, "age": {"18-34": 0.3, "35-54": 0.34, "55+": 0.36}}


def share(weights, column, category):
    return weights[column == category].sum() / weights.sum()


def test_margins_are_reached():
    raked = rake({"sex": SEX, "age": AGE}, MARGINS)
    for column, name in ((SEX, "sex"), (AGE, "age")):
        for category, target in MARGINS[name].items():
            assert share(raked.weights, column, category) == pytest.approx(target, abs=1e-6)
    assert raked.weights.mean() == pytest.approx(1)
    assert raked.gap <= 1e-6
    assert 1 < raked.iterations < 30


def test_odds_ratios_of_the_sample_are_kept():
    # Deming and Stephan's fit changes margins only.
    weights = rake({"sex": SEX, "age": AGE}, MARGINS, cap=None, tolerance=1e-12).weights
    cells = {(s, a): weights[(s == SEX) & (a == AGE)].sum() for s in "fm" for a in MARGINS["age"]}
    counts = {(s, a): np.sum((s == SEX) & (a == AGE)) for s in "fm" for a in MARGINS["age"]}
    for table in (cells, counts):
        table["odds"] = table["f", "18-34"] * table["m", "55+"] / (table["m", "18-34"] * table["f", "55+"])
    assert cells["odds"] == pytest.approx(counts["odds"])


def test_one_dimension_is_post_stratification():
    weights = rake({"sex": SEX}, {"sex": MARGINS["sex"]}).weights
    assert weights[SEX == "m"] == pytest.approx(0.49 / np.mean(SEX == "m"))


def test_the_design_effect_is_kishs():
    raked = rake({"sex": SEX, "age": AGE}, MARGINS)
    kish = 400 * np.square(raked.weights).sum() / raked.weights.sum() ** 2
    assert raked.design_effect == pytest.approx(kish)
    assert raked.n_eff == pytest.approx(400 / kish)


def test_trimming_is_counted_and_its_price_is_told():
    free, capped = (rake({"sex": SEX, "age": AGE}, MARGINS, cap=cap) for cap in (None, 1.5))
    assert free.weights.max() > 1.5
    assert capped.weights.max() <= 1.5 + 1e-9
    assert capped.trimmed == np.sum(capped.weights > 1.5 - 1e-6) > 0
    assert capped.gap > free.gap
    assert capped.design_effect < free.design_effect


def test_base_weights_are_kept_in_proportion():
    base = RNG.uniform(0.5, 2, 400)
    weights = rake({"sex": SEX}, {"sex": {"f": 51, "m": 49}}, base=base).weights
    inside = SEX == "f"
    assert weights[inside] / weights[inside].sum() == pytest.approx(base[inside] / base[inside].sum())


@pytest.mark.parametrize(
    ("columns", "margins", "message"),
    [
        ({"sex": ["f", "x"]}, {"sex": {"f": 0.5, "m": 0.5}}, r"only in the sample: \['x'\].*margins: \['m'\]"),
        ({"sex": ["f", "m"]}, {"age": {"f": 0.5, "m": 0.5}}, r"expected the dimensions of the sample, \['sex'\]"),
        ({"a": ["x"], "b": ["y", "y"]}, {"a": {"x": 1}, "b": {"y": 1}}, "equally many rows"),
        ({"a": ["x", "y"], "b": ["u", "v"]}, {"a": {"x": 1, "y": 1}, "b": {"u": 60, "v": 40}}, "expected one sum"),
        ({"a": ["x", "y"]}, {"a": {"x": 1, "y": 0}}, "margins of a: expected shares above 0, found 0"),
        (
            {"a": ["x", "y"], "b": ["u", "v"]},
            {"a": {"x": 0.5, "y": 0.5}, "b": {"u": 0.9, "v": 0.1}},
            "raking did not reach them in 2 rounds",
        ),
    ],
)
def test_impossible_margins_are_refused(columns, margins, message):
    with pytest.raises(ValueError, match=message):
        rake(columns, margins)


def test_a_cap_below_the_mean_is_refused():
    with pytest.raises(ValueError, match="cap: expected a number above 1, found 1"):
        rake({"sex": SEX}, {"sex": MARGINS["sex"]}, cap=1.0)
