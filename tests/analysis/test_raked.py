"""Raked weights and their variance against R's survey package, from the sample below.

The numbers of `R` were printed by survey 4.1.1. To make them again:

    python tests/analysis/test_raked.py > sample.csv && Rscript tests/analysis/raking.R sample.csv
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis import contrasts
from cxkit.analysis.cells import Cells, declared, from_tallies, moments, named, taken
from cxkit.input.databases import collect
from cxkit.metrics import METRICS
from cxkit.runs.params import load
from cxkit.runs.prepare import prepare
from cxkit.tallies.raking import raked, read_margins
from cxkit.tallies.tally import filtered

MARGINS = """dimension,level,share
age,young,65
age,old,35
region,N,50
region,S,30
region,E,20
"""


def sample() -> pd.DataFrame:
    """Two waves in which the old and the north answer too often, and age decides much of the score; some do not say."""
    random, frames = np.random.RandomState(14), []  # a stream that NumPy has frozen
    for wave, n in (("1", 260), ("2", 310)):
        age = random.choice(["young", "old"], n, p=[0.35, 0.65])
        region = random.choice(list("NSE"), n, p=[0.6, 0.25, 0.15])
        mood = 7.2 + 1.8 * (age == "old") - 0.8 * (region == "S") + 1.3 * random.normal(size=n)
        nps = pd.Series(np.clip(np.round(mood), 0, 10)).mask(random.random_sample(n) < 0.1)
        shop = random.choice(list("ABC"), n, p=[0.5, 0.3, 0.2])
        weight = np.round(np.exp(0.4 * random.normal(size=n)), 3)
        frames.append(pd.DataFrame({"wave": wave, "age": age, "region": region, "shop": shop, "nps": nps, "one": 1.0,
                                    "weight": weight}))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def survey(folder: Path, base: str, trim: float | None = None, margins: str = MARGINS, **filters: Any) -> cx.Responses:
    (folder / "margins.csv").write_text(margins, encoding="utf-8")
    roles = {"wave": "wave", **({"weight": "weight"} if base == "weight" else {})}
    given = {"kind": "relationship", "columns": roles, "items": {"nps": "nps"},
             "dimensions": {"age": "age", "region": "region", "shop": "shop"}}  # fmt: skip
    read = cx.read(sample(), given)
    table = filtered(read, "wave", filters, None)
    return raked(read, table, read_margins(folder / "margins.csv"), "wave", trim, "margins.csv")


def tallied(read: cx.Responses) -> cx.Tallies:
    return cx.tally(read, ["nps"], by=["shop"], period="wave", rest=True)


R: dict[tuple[str, str, str], tuple[float, float]] = {
    ("one", "1", ""): (1.602629756, 5.218218202),
    ("one", "1", "A"): (-8.455452911, 8.056660969),
    ("one", "1", "A less the rest"): (-18.662760866, 12.095499378),
    ("one", "1", "B"): (9.210768361, 10.616349538),
    ("one", "1", "B less the rest"): (11.332827847, 13.273262217),
    ("one", "1", "C"): (11.764918384, 12.665709241),
    ("one", "1", "C less the rest"): (12.868134513, 14.759151712),
    ("one", "2", ""): (6.629564570, 4.401147502),
    ("one", "2", "A"): (13.399655759, 6.116458687),
    ("one", "2", "A less the rest"): (13.633286808, 9.706446022),
    ("one", "2", "B"): (-2.341695480, 9.680531583),
    ("one", "2", "B less the rest"): (-12.089627383, 11.574619122),
    ("one", "2", "C"): (2.044824074, 10.564370900),
    ("one", "2", "C less the rest"): (-6.021840568, 12.127990480),
    ("weight", "1", ""): (1.389266600, 5.666316718),
    ("weight", "1", "A"): (-9.090168425, 8.883683573),
    ("weight", "1", "A less the rest"): (-18.329738439, 12.926036599),
    ("weight", "1", "B"): (14.654220233, 10.293765446),
    ("weight", "1", "B less the rest"): (19.943366666, 13.221334035),
    ("weight", "1", "C"): (1.584060755, 13.641311190),
    ("weight", "1", "C less the rest"): (0.255249741, 15.778672932),
    ("weight", "2", ""): (7.972295084, 4.453798777),
    ("weight", "2", "A"): (12.279189876, 6.200282029),
    ("weight", "2", "A less the rest"): (8.910354225, 9.993633353),
    ("weight", "2", "B"): (2.342795366, 9.696177682),
    ("weight", "2", "B less the rest"): (-7.423095567, 11.484411543),
    ("weight", "2", "C"): (4.394404726, 10.995375176),
    ("weight", "2", "C less the rest"): (-4.718520628, 12.557488765),
}


def errors(cells: Cells) -> tuple[Any, Any]:
    """Scores and the standard errors that the effective bases stand for: those of as many plain answers."""
    mean, variance = moments(METRICS["nps"], cells)
    n, n_eff = np.asarray(cells.design.n), np.asarray(cells.design.n_eff)  # type: ignore[union-attr]
    return 100 * mean, 100 * np.sqrt(variance * n / (n - 1) / n_eff)


@pytest.mark.parametrize("base", ["one", "weight"])
def test_estimates_are_those_of_r(tmp_path: Path, base: str) -> None:
    tallies = tallied(survey(tmp_path, base))
    for by in ([], ["shop"]):
        cells = from_tallies(tallies, METRICS["nps"], declared(tallies, by, None, None)[1])
        assert cells.kind == "raked"
        for (period, *shop), value, error in zip(named(cells.keys), *errors(cells), strict=True):
            assert (value, error) == pytest.approx(R[base, period, "".join(shop)], rel=1e-5)


@pytest.mark.parametrize("base", ["one", "weight"])
def test_a_shop_against_the_rest_is_that_of_r(tmp_path: Path, base: str) -> None:
    tallies = tallied(survey(tmp_path, base))
    keys, places = (declared(tallies, by, None, None)[1] for by in (["shop"], []))
    part, whole = (from_tallies(tallies, METRICS["nps"], one) for one in (keys, places))
    inside = pd.Index(named(places)).get_indexer(pd.Index(named(keys[["period"]])))
    own = (contrasts._strata(tallies, METRICS["nps"], one) for one in (part, whole))
    both = (one if i == 0 else one.taken(inside) for i, one in enumerate(own))
    rest, r = contrasts._rest(METRICS["nps"], part, taken(whole, inside), *both, 10)
    assert r is not None
    (a, se_a), (b, se_b) = errors(part), errors(rest)
    found = zip(named(keys), a - b, np.sqrt(se_a**2 + se_b**2 - 2 * r * se_a * se_b), strict=True)
    for (period, shop), difference, error in found:
        assert (difference, error) == pytest.approx(R[base, period, f"{shop} less the rest"], rel=1e-5)


def test_what_the_margins_explain_narrows_the_interval(tmp_path: Path) -> None:
    known, tallies = tallied(survey(tmp_path, "one")), tallied(survey(tmp_path, "one"))
    ignored = replace(tallies, sums=tallies.sums[:0], provenance=tallies.provenance | {"raked": []})
    widths = [(frame["high"] - frame["low"]).iloc[0] for frame in (cx.estimate(t, by=()) for t in (known, ignored))]
    assert widths[0] < 0.9 * widths[1]


def test_weights_meet_the_margins_in_every_period_and_no_more_than_the_limit(tmp_path: Path) -> None:
    free, cut = (collect(survey(tmp_path, "weight", trim).table) for trim in (None, 1.5))
    for _, part in free.groupby("wave"):
        shares = part.groupby("age")["weight"].sum() / part["weight"].sum()
        assert shares.to_dict() == pytest.approx({"old": 0.35, "young": 0.65}, abs=1e-6)
    assert cut["weight"].max() < free["weight"].max()
    assert collect(survey(tmp_path, "one", 1.5).table).groupby("wave")["weight"].max().max() <= 1.5 + 1e-9


@pytest.mark.parametrize(
    ("margins", "words"),
    [
        (MARGINS.replace("young,65", "young,60"), "expected one sum in all dimensions"),
        (
            MARGINS.replace("region,E,20", "region,W,20"),
            r"1: region: categories of sample and margins differ; only in the ",
        ),
        (MARGINS.replace("age", "Age"), "'Age' is no mapped dimension"),
        (MARGINS.replace("65", "most"), "line 2: share: expected a number above 0, found 'most'"),
        (MARGINS.replace("share", "part"), "expected the columns dimension, level, share"),
        (MARGINS + "age,old,35\n", "line 7: 'old' stands there twice"),
    ],
)
def test_margins_that_do_not_fit_are_refused_in_words(tmp_path: Path, margins: str, words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        survey(tmp_path, "one", margins=margins)


def test_a_run_rakes(tmp_path: Path) -> None:
    (tmp_path / "margins.csv").write_text(MARGINS, encoding="utf-8")
    sample().to_csv(tmp_path / "answers.csv", index=False)
    (tmp_path / "run.yaml").write_text(
        """name: raked
title: Raked
source: answers.csv
mapping:
  kind: relationship
  columns: {wave: wave}
  items: {nps: nps}
  dimensions: {age: age, region: region, shop: shop}
metrics: [nps]
period: wave
for_each: [shop]
weights: {rake: margins.csv, trim: 5}
""",
        encoding="utf-8",
    )
    ready = prepare(load(tmp_path / "run.yaml"), tmp_path / "work")
    summary = pd.read_parquet(ready.summary)
    own = summary[(summary["part"] == "estimate") & (summary["period"] == "2")].set_index("report")
    assert own["value"].to_dict() == pytest.approx({k or "overview": v for k, v in {
        shop.lower(): R["one", "2", shop][0] for shop in ("", "A", "B", "C")}.items()}, rel=1e-5)  # fmt: skip
    assert own["method"].str.endswith("raked").all()


if __name__ == "__main__":
    sample().to_csv(sys.stdout, index=False)
