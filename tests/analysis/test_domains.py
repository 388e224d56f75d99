"""Segments of a stratified, clustered sample against R's survey package: as domains of the whole wave.

The numbers of `R` were printed by survey 4.1.1 from the sample below. To make them again:

    python tests/analysis/test_domains.py > sample.csv && Rscript tests/analysis/domains.R sample.csv

In short, each after options(survey.lonely.psu = "fail", "adjust" or "certainty"):

    design <- svydesign(ids = ~cluster, strata = ~interaction(wave, stratum), weights = ~weight, data, nest = TRUE)
    svyby(~score, ~segment, subset(design, wave == "2"), svymean)
    svycontrast(svyby(~score, ~wave + segment, design, svymean, covmat = TRUE), list(c("2.A" = 1, "1.A" = -1)))
    svycontrast(svyby(~score, ~I(segment == "A"), subset(design, wave == "2"), svymean, covmat = TRUE), list(c(-1, 1)))
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from brute import cell, difference, domains_correlation, limits

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.errors import CxError


def sample() -> pd.DataFrame:
    """Two waves of seven strata; six segments, of whole clusters (A, B) or of people; one stratum of one cluster.

    A is made of one cluster in each of three strata, and B of two or three in each of four.
    """
    random = np.random.RandomState(11)  # a stream that NumPy has frozen
    rows = []
    for wave in ("1", "2"):
        for stratum, clusters in enumerate((5, 8, 6, 9, 4, 7, 1)):
            for number in range(clusters):
                size = random.randint(3, 9)
                mood = 0.5 * stratum - 1.2 + 0.9 * random.normal() - (0.4 if wave == "2" else 0.0)
                answer = mood + random.normal(size=size)
                whole = "A" if number == 0 and stratum < 3 else "B" if number in (1, 2, 5) and stratum > 1 else ""
                people = random.choice(list("CDEF"), size, p=[0.5, 0.3, 0.15, 0.05])
                rows.append(
                    pd.DataFrame(
                        {
                            "wave": wave,
                            "stratum": f"s{stratum}",
                            "cluster": f"s{stratum}-{number}",
                            "segment": whole or people,
                            "weight": np.round(np.exp(0.5 * random.normal(size=size)), 3),
                            "nps": np.clip(np.round(7.5 + 2 * answer), 0, 10).astype(int),
                            "csat": np.clip(np.round(3.4 + answer), 1, 5).astype(int),
                        }
                    )
                )
    return pd.concat(rows, ignore_index=True)


# What R calls lonely strata, the item, the segment (or everybody): mean, SE, SE of the change, SE against the rest.
R = {
    ("fail", "score", "A"): (-82.448369096, 7.428191054, 36.149268975, 12.804282165),
    ("fail", "score", "B"): (15.260637476, 13.111694382, 21.945315202, 17.179156619),
    ("fail", "score", "C"): (-22.258171104, 17.154614945, 22.445063521, 17.286326257),
    ("fail", "score", "D"): (-18.314926790, 15.813244562, 27.049309535, 17.245352302),
    ("fail", "score", "E"): (-59.442069741, 16.516206323, 26.852285861, 19.525026616),
    ("fail", "score", "F"): (-69.699646643, 29.538183165, 43.495663657, 30.125307415),
    ("fail", "score", ""): (-21.573553841, 9.397782008),
    ("fail", "top", "A"): (12.604268538, 4.801140871, 16.872957624, 7.161488822),
    ("fail", "top", "B"): (61.914488251, 7.357458402, 11.361436528, 9.253020767),
    ("fail", "top", "C"): (33.101577773, 8.828738801, 12.051409725, 9.256987041),
    ("fail", "top", "D"): (43.338663735, 8.831371256, 14.855311071, 10.359846935),
    ("fail", "top", "E"): (16.679415073, 7.777303458, 15.814757028, 9.624394443),
    ("fail", "top", "F"): (15.150176678, 14.769091583, 22.913578146, 15.220816234),
    ("fail", "top", ""): (38.831292536, 4.872030184),
    ("adjust", "score", "A"): (-82.448369096, 7.428191054, 36.149268975, 12.891575475),
    ("adjust", "score", "B"): (15.260637476, 13.111694382, 21.945315202, 17.399698116),
    ("adjust", "score", "C"): (-19.939950313, 16.742537033, 22.054285547, 16.735402654),
    ("adjust", "score", ""): (-18.733380705, 9.542160280),
    ("adjust", "top", "A"): (12.604268538, 4.801140871, 16.872957624, 7.275550299),
    ("adjust", "top", "B"): (61.914488251, 7.357458402, 11.361436528, 9.471160783),
    ("adjust", "top", "C"): (35.445257802, 8.863406860, 12.025851518, 9.011847160),
    ("adjust", "top", ""): (40.592864708, 5.033165913),
    ("certainty", "score", "A"): (-82.448369096, 7.428191054, 36.149268975, 12.578655115),
    ("certainty", "score", "B"): (15.260637476, 13.111694382, 21.945315202, 16.886338123),
    ("certainty", "score", "C"): (-19.939950313, 16.592418517, 21.771233802, 16.716679428),
    ("certainty", "score", ""): (-18.733380705, 9.134777591),
    ("certainty", "top", "A"): (12.604268538, 4.801140871, 16.872957624, 7.054110922),
    ("certainty", "top", "B"): (61.914488251, 7.357458402, 11.361436528, 9.105766222),
    ("certainty", "top", "C"): (35.445257802, 8.570021534, 11.718395142, 8.975786398),
    ("certainty", "top", ""): (40.592864708, 4.733474501),
}
MODES = {"fail": "refuse", "adjust": "centre", "certainty": "certainty"}
TERM = {"fail": math.nan, "adjust": 1.0, "certainty": 0.0}
METRIC = {"score": ("nps", "net"), "top": ("csat", "share")}
DESIGN = {"weight": "weight", "cluster": "cluster", "stratum": "stratum"}


def tallied(frame: pd.DataFrame, roles: dict[str, str] = DESIGN, lonely: str | None = None, **options) -> cx.Tallies:
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave", **roles},
        "items": {"nps": "nps", "csat": "csat"},
        "dimensions": {"segment": "segment"},
        **({"lonely": lonely} if lonely else {}),
    }
    given = {"by": ["segment"], "period": "wave", "rest": True, **options}
    return cx.tally(cx.read(frame, mapping), ["nps", "csat"], **given)


def valued(lonely: str) -> pd.DataFrame:
    """The answers that R saw, with their values."""
    rows = sample()
    rows = rows[rows["stratum"] != "s6"] if lonely == "fail" else rows
    score = 1.0 * (rows["nps"] >= 9) - 1.0 * (rows["nps"] <= 6)
    return rows.assign(score=score, top=1.0 * (rows["csat"] >= 4)).reset_index(drop=True)


@pytest.fixture(scope="module")
def frames() -> dict[str, tuple[pd.DataFrame, ...]]:
    found = {}
    for lonely, ours in MODES.items():
        tallies = tallied(valued(lonely), lonely=ours)
        estimates = cx.estimate(tallies, periods=["2"])
        changes = cx.compare(tallies, "2", "1", minimum=0)
        rests = cx.against_rest(tallies, "2", "segment", minimum=0)
        found[lonely] = estimates, changes, rests
    return found


def one(frame: pd.DataFrame, metric: str, segment: str) -> pd.Series:
    frame = frame[frame["metric"] == metric]
    return frame[frame["segment"] == segment if segment else frame["segment"].isna()].iloc[0]


@pytest.mark.parametrize(("lonely", "item", "segment"), list(R), ids=lambda part: part or "everybody")
def test_domains_are_those_of_svyby_and_svycontrast(frames, lonely: str, item: str, segment: str) -> None:
    expected, rows, (metric, kind) = R[lonely, item, segment], valued(lonely), METRIC[item]
    estimates, changes, rests = frames[lonely]
    waves = [rows[rows["wave"] == wave] for wave in ("2", "1")]
    sides = [wave[wave["segment"] == segment] if segment else wave for wave in waves]
    now, before = (cell(s, item, **DESIGN, wave=w, lonely=TERM[lonely]) for s, w in zip(sides, waves, strict=True))
    # The rows, taken as a domain, have R's numbers ...
    assert (100 * now.mean, 100 * now.se) == pytest.approx(expected[:2], abs=1e-6)
    # ... and the product, which knows no rows, has theirs: and R's where n_eff tells the standard error.
    found = one(estimates, metric, segment)
    assert (found["n_eff"], found["low"], found["high"]) == pytest.approx(
        (now.n_eff, *(100 * x for x in limits(now, kind))), rel=1e-9
    )
    if now.n_eff < now.n:
        se = math.sqrt(now.n / (now.n - 1) * now.variance / found["n_eff"])
        assert 100 * se == pytest.approx(expected[1], abs=1e-6)
    if not segment:
        return
    assert 100 * math.hypot(now.se, before.se) == pytest.approx(expected[2], abs=1e-6)
    change = one(changes, metric, segment)
    by_rows = tuple(100 * x for x in difference(now, before, kind, 0.0))
    assert (change["change"], change["low"], change["high"]) == pytest.approx(by_rows, rel=1e-9)
    inside = waves[0]["segment"] == segment
    rest = cell(waves[0][~inside], item, **DESIGN, wave=waves[0], lonely=TERM[lonely])
    r = domains_correlation(
        inside, waves[0], item, held=inside | ~inside, **DESIGN, lonely=0.0 if lonely == "fail" else TERM[lonely]
    )
    assert 100 * math.sqrt(now.se**2 + rest.se**2 - 2 * r * now.se * rest.se) == pytest.approx(expected[3], abs=1e-6)
    against = one(rests, metric, segment)
    by_rows = tuple(100 * x for x in difference(now, rest, kind, r))
    assert (against["difference"], against["low"], against["high"]) == pytest.approx(by_rows, rel=1e-9)


def test_a_segment_that_hits_its_strata_once_has_an_interval(frames) -> None:
    hit = sample().query("wave == '2' and segment == 'A'").groupby("stratum")["cluster"].nunique()
    assert hit.tolist() == [1, 1, 1]
    found = one(frames["fail"][0], "nps", "A")
    assert found["low"] < found["value"] < found["high"]
    assert found["note"] == ""


def test_lonely_strata_are_named_or_refused() -> None:
    frame = sample()
    methods = {mode: one(cx.estimate(tallied(frame, lonely=mode)), "nps", "C") for mode in MODES.values()}
    assert methods["centre"]["method"].endswith("clustered and stratified (strata of one cluster centred)")
    assert methods["certainty"]["method"].endswith("clustered and stratified (strata of one cluster taken as certain)")
    assert methods["refuse"]["note"] == "no interval: a stratum has one cluster in the whole wave (lonely: refuse)"
    assert math.isnan(methods["refuse"]["low"])
    by_default = cx.estimate(tallied(frame))
    pd.testing.assert_frame_equal(by_default, cx.estimate(tallied(frame, lonely="centre")))
    refused = cx.compare(tallied(frame, lonely="refuse"), "2", "1", minimum=0)
    assert one(refused, "nps", "C")["verdict"] == "too few"
    assert "lonely: refuse" in one(refused, "nps", "C")["note"]
    assert one(refused, "nps", "A")["note"] == ""  # it has no answer there
    with pytest.raises(CxError, match=r"lonely: is about strata with one cluster; `columns\.stratum` is not mapped"):
        tallied(frame, {"cluster": "cluster"}, "centre")
    with pytest.raises(CxError, match=r"lonely: .*'center'"):
        tallied(frame, lonely="center")


def test_a_segment_needs_neither_everybody_nor_the_answers_of_others(tmp_path) -> None:
    frame = sample()
    whole = cx.estimate(tallied(frame))
    part = whole[whole["segment"].notna()].reset_index(drop=True)
    alone = tallied(frame, levels=[("segment",)])
    pd.testing.assert_frame_equal(cx.estimate(alone), part)
    pd.testing.assert_frame_equal(cx.estimate(cx.load(cx.save(alone, tmp_path / "t.parquet"))), part)
    masked = cx.estimate(mask(alone))
    shown = masked["n"].notna()
    assert 0 < (~shown).sum() < shown.sum()
    told = ["period", "segment", "n", "value"]
    pd.testing.assert_frame_equal(masked.loc[shown, told], part.loc[shown, told], check_dtype=False)
    ratio = (masked["n_eff"] / part["n_eff"])[shown].astype(float)  # strata of few people are one with the largest
    assert ratio.between(0.75, 1).all()
    filtered = cx.estimate(tallied(frame, where={"segment": ["A", "C"]}, levels=[("segment",)]))
    kept = part[part["segment"].isin(["A", "C"])].reset_index(drop=True)
    numbers = ["n", "n_eff", "value", "low", "high"]
    pd.testing.assert_frame_equal(filtered[numbers], kept[numbers])


def test_tallies_of_before_are_refused_and_two_rules_for_lonely_strata_do_not_add(tmp_path) -> None:
    frame = sample()
    old = tallied(frame)
    old = replace(old, sums=old.sums.drop(columns="wave_clusters"))
    with pytest.raises(CxError, match=r"written by another version of cxkit \(no wave_clusters\); tally the data anew"):
        cx.load(cx.save(old, tmp_path / "old.parquet"))
    first, second = (
        tallied(frame[frame["wave"] == wave], lonely=mode) for wave, mode in (("1", "centre"), ("2", "refuse"))
    )
    with pytest.raises(CxError, match="tallies with different lonely cannot be added"):
        cx.add(first, second)


def test_people_of_hidden_cells_are_not_what_a_stratum_has_beside_those_shown() -> None:
    """Where every answer is a cluster of its own, the clusters of a stratum are a number of answers."""
    frame = sample()
    few = frame["segment"].eq("F") & frame["wave"].eq("2")
    assert 0 < few.sum() < 10
    whole = tallied(frame, {"stratum": "stratum"}, levels=[("segment",)])
    masked = mask(whole)
    assert len(masked.hidden)
    keys = ["metric", "period", "stratum"]
    of = [one.sums.groupby(keys)[["clusters", "wave_clusters"]].agg({"clusters": "sum", "wave_clusters": "max"})
          for one in (masked, whole)]  # fmt: skip
    told, true = (one["wave_clusters"] - of[0]["clusters"] for one in of)  # that are not shown
    assert (told == 0).all()
    assert 0 < true.max() < 10
    ours, theirs = cx.estimate(masked), cx.estimate(whole)
    ratio = (ours["n_eff"] / theirs["n_eff"])[ours["n"].notna()].astype(float)
    assert ratio.between(0.75, 1.05).all()  # strata of few people are one with the largest
    exactly = mask(tallied(frame, levels=[("segment",)]))  # sampled clusters are no people
    assert exactly.sums["wave_clusters"].max() == 9


def test_people_who_answer_twice_are_no_sampled_clusters() -> None:
    """Without the roles cluster and stratum the respondents are those who happened to answer: nothing is a domain."""
    frame = sample().assign(who=lambda f: f["cluster"])
    found = tallied(frame, {"respondent": "who"})
    assert "wave_clusters" not in found.sums
    rows = valued("adjust").assign(who=frame["cluster"])
    segment = cell(rows[(rows["wave"] == "2") & (rows["segment"] == "B")], "score", cluster="who")
    assert one(cx.estimate(found, periods=["2"]), "nps", "B")["n_eff"] == pytest.approx(segment.n_eff, rel=1e-9)


if __name__ == "__main__":
    sample().to_csv(sys.stdout, index=False)
