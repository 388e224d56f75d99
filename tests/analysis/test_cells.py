"""Every cell of every level, against the same formulas computed from the rows in plain NumPy."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from brute import Brute, cell, correlation, difference, domains_correlation, limits, people

import cxkit as cx
from cxkit.analysis.cells import from_answers, moments, scores
from cxkit.errors import CxError
from cxkit.metrics import METRICS
from cxkit.stats import linearised

ROLES = {"response": "id", "respondent": "who", "wave": "wave", "weight": "w", "cluster": "run", "stratum": "h"}
DIMENSIONS = {"brand": "brand", "channel": "channel", "region": "region"}
LEVELS = [(), ("brand", "channel"), ("region",), ("brand", "channel", "region")]


def survey(seed: int = 7, size: int = 420) -> pd.DataFrame:
    """Answers of people who come back, in clusters and strata, with weights, blanks and a correlated opinion."""
    random = np.random.default_rng(seed)
    who = random.integers(0, 150, size)
    mood = random.normal(0, 1, 150)[who]
    wave = random.choice(["2017", "2018"], size)
    nps = np.clip(np.round(7 + 2 * mood + random.normal(0, 1.5, size)), 0, 10)
    csat = np.clip(np.round(3.5 + mood + random.normal(0, 1, size)), 1, 5)
    frame = pd.DataFrame(
        {
            "id": np.arange(size).astype(str),
            "who": np.where(random.random(size) < 0.1, None, np.char.add("p", who.astype(str))),
            "wave": wave,
            "w": np.round(random.lognormal(0, 0.6, size), 3),
            "run": np.where(random.random(size) < 0.1, None, np.char.add("r", (who % 40).astype(str))),
            "h": np.where(who % 40 < 20, "early", "late"),  # clusters lie within strata
            "brand": random.choice(["A", "B", ""], size, p=[0.5, 0.4, 0.1]),
            "channel": random.choice(["web", "phone", "store"], size, p=[0.6, 0.3, 0.1]),
            "region": random.choice(["North", "South"], size),
            "nps": nps,
            "csat": csat,
        }
    )
    frame.loc[random.random(size) < 0.08, "nps"] = np.nan
    frame.loc[random.random(size) < 0.3, "csat"] = np.nan
    return frame


def tallied(frame: pd.DataFrame, roles: tuple[str, ...], levels=LEVELS, **options) -> cx.Tallies:
    mapping = {
        "kind": "transactional",
        "columns": {role: ROLES[role] for role in ("response", "wave", *roles)},
        "items": {"nps": "nps", "csat": "csat"},
        "dimensions": DIMENSIONS,
    }
    metrics = ["nps", "csat", "csat_mean"]
    return cx.tally(cx.read(frame, mapping), metrics, by=list(DIMENSIONS), levels=levels, period="wave", **options)


def valued(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows as the product reads them, with a natural value of every metric."""
    nps = frame["nps"].map(lambda x: x if math.isnan(x) else (x >= 9) * 1.0 - (x <= 6) * 1.0)
    csat = frame["csat"].map(lambda x: x if math.isnan(x) else 1.0 * (x >= 4))
    rows = frame.assign(s_nps=nps, s_csat=csat, s_csat_mean=frame["csat"])
    return rows.assign(brand=rows["brand"].replace("", "(blank)"))


KINDS = {"nps": "net", "csat": "share", "csat_mean": "mean"}
DESIGNS = [
    ("respondent", "weight", "cluster", "stratum"),
    ("respondent", "weight"),
    ("respondent",),
    ("cluster", "stratum"),
    ("weight",),
    (),
]


def place(rows: pd.DataFrame, row: pd.Series, dimensions: list[str], wave: str) -> pd.DataFrame:
    mask = rows["wave"] == wave
    for name in dimensions:
        mask &= (rows[name] == row[name]) | pd.isna(row[name])
    return rows[mask]


def close(found: object, expected: float, **tolerance: float) -> bool:
    return found == pytest.approx(expected, nan_ok=True, **({"abs": 1e-9, "rel": 1e-9} | tolerance))


@pytest.mark.parametrize("roles", DESIGNS, ids="-".join)
def test_every_cell_of_every_level_is_what_its_rows_say(roles) -> None:
    frame = survey()
    tallies, rows = tallied(frame, roles), valued(frame)
    columns = {role: ROLES[role] for role in ("weight", "cluster", "stratum") if role in roles}
    if "cluster" not in roles and "respondent" in roles:
        columns["cluster"] = "who"
    estimates = cx.estimate(tallies)
    changes = cx.compare(tallies, "2018", "2017", minimum=0)
    sides: dict[tuple[object, ...], Brute] = {}
    for _, row in estimates.iterrows():
        score, kind, factor = f"s_{row['metric']}", KINDS[row["metric"]], METRICS[row["metric"]].factor
        wave = rows[rows.wave == row["period"]] if {"cluster", "stratum"} & {*roles} else None
        found = cell(place(rows, row, list(DIMENSIONS), row["period"]), score, **columns, wave=wave)
        sides[row["metric"], row["period"], *(str(row[name]) for name in DIMENSIONS)] = found
        assert row["n"] == found.n
        assert close(row["n_eff"], found.n_eff if found.n else 0.0)
        assert close(row["value"], factor * found.mean)
        assert close((row["low"], row["high"]), tuple(factor * x for x in limits(found, kind)))
    assert len(changes) * 2 == len(estimates) == 3 * 2 * (1 + 9 + 2 + 18)
    for _, row in changes.iterrows():
        score, kind, factor = f"s_{row['metric']}", KINDS[row["metric"]], METRICS[row["metric"]].factor
        key = [str(row[name]) for name in DIMENSIONS]
        now, before = (sides[row["metric"], wave, *key] for wave in ("2018", "2017"))
        r = 0.0
        if "respondent" in roles and min(now.n, before.n) > 0:
            both = [place(rows, row, list(DIMENSIONS), wave) for wave in ("2018", "2017")]
            weight = columns.get("weight", "")
            r = correlation(now, before, tuple(people(side, score, "who", weight=weight) for side in both))
            r = min(r, 0.0) if "stratum" in roles else r
        if min(now.n, before.n) == 0:
            assert math.isnan(row["change"])
            continue
        expected = difference(now, before, kind, r)
        assert close((row["change"], row["low"], row["high"]), tuple(factor * x for x in expected))
        if 1e-6 < row["pvalue"] < 0.999 and kind != "mean":  # the interval at level 1 - p ends at 0
            _, low, high = difference(now, before, kind, r, 1 - row["pvalue"])
            assert min(abs(low), abs(high)) < 1e-6


def test_what_a_use_leaves_out_is_left_out() -> None:
    frame = survey()
    rows = valued(frame)
    tallies = tallied(frame, DESIGNS[0], levels=[()])
    now, before = (cell(rows[rows.wave == wave], "s_nps", weight="w") for wave in ("2018", "2017"))
    change = cx.compare(tallies, "2018", "2017", metrics=["nps"], use="weights").iloc[0]
    assert close(
        (change["change"], change["low"], change["high"]), tuple(100 * x for x in difference(now, before, "net", 0))
    )
    assert change["method"] == "MOVER of score limits, weighted"
    plain = cx.compare(tallies, "2018", "2017", metrics=["nps"], use="none").iloc[0]
    now, before = (cell(rows[rows.wave == wave], "s_nps") for wave in ("2018", "2017"))
    assert close(
        (plain["change"], plain["low"], plain["high"]), tuple(100 * x for x in difference(now, before, "net", 0))
    )
    assert plain["method"] == "MOVER of score limits"
    full = cx.compare(tallies, "2018", "2017", metrics=["nps"]).iloc[0]
    credit = "shared respondents not credited within strata"
    assert full["method"] == f"MOVER of score limits, weighted, clustered and stratified, {credit}"


# statistics.md's toy set: R survey, samplics and statsmodels agree on both standard errors.
CUSTOMER = [1, 1, 1, 2, 3, 3, 4, 5, 5, 5, 5, 6]
WEIGHT = [1, 1, 1, 2, 1.5, 1.5, 0.5, 1, 1, 1, 1, 2.5]
SCORE = [100, 100, 0, -100, 100, 0, 100, -100, 0, 100, 100, 100]
ANSWER = [{100: 10, 0: 7, -100: 3}[score] for score in SCORE]


@pytest.mark.parametrize(("clusters", "se"), [(None, 26.98996), (CUSTOMER, 24.51243)])
def test_toy_set_has_the_published_standard_errors(clusters, se) -> None:
    cells = from_answers(METRICS["nps"], ANSWER, WEIGHT, clusters)
    assert 100 * moments(METRICS["nps"], cells)[0][0] == pytest.approx(36.6667, abs=5e-5)
    assert 100 * linearised(cells.sums)[0][0] == pytest.approx(se, abs=5e-6)


def test_toy_set_through_tallies_is_the_toy_set_in_a_list() -> None:
    frame = pd.DataFrame({"wave": "a", "nps": ANSWER, "weight": WEIGHT, "respondent": CUSTOMER})
    found = cx.estimate(cx.tally(cx.read(frame), ["nps"], period="wave")).iloc[0]
    listed = cx.nps(ANSWER, weights=WEIGHT, clusters=CUSTOMER)
    names = ("n", "n_eff", "value", "low", "high")
    assert [found[name] for name in names] == pytest.approx([getattr(listed, name) for name in names], rel=1e-12)
    one = cell(frame.assign(s=[s / 100 for s in SCORE]), "s", weight="weight", cluster="respondent")
    assert 100 * one.se == pytest.approx(24.51243, abs=5e-6)
    assert listed.n_eff == pytest.approx(one.n_eff, rel=1e-12)


def test_a_unanimous_cell_has_kish_s_base_or_its_clusters() -> None:
    # Kish: deff 1.17333, n_eff 10.22727 for the toy set's weights; where SE is 0 it stands in.
    weighted = from_answers(METRICS["csat_mean"], [4] * 12, WEIGHT)
    assert weighted.design.n_eff == pytest.approx(10.22727, abs=5e-6)
    clustered = from_answers(METRICS["csat_mean"], [4] * 12, WEIGHT, CUSTOMER)
    assert clustered.design.n_eff == 6
    rough = pd.DataFrame(
        {"wave": "a", "csat": 4, "weight": np.random.default_rng(1).lognormal(0, 1, 300), "cluster": range(300)}
    )
    frame = cx.estimate(
        cx.tally(cx.read(rough.assign(cluster=rough["cluster"] % 70)), ["csat", "csat_mean"], period="wave")
    )
    assert frame["n_eff"].tolist() == [70, 70]
    assert frame["note"].tolist() == ["", "every answer was the same"]


def test_scores_are_natural_values() -> None:
    answers = np.array([0.0, 7.0, 10.0])
    assert scores(METRICS["nps"], answers).tolist() == [-1, 0, 1]
    assert scores(METRICS["csat_mean"], np.array([1.0, 4.0])).tolist() == [1, 4]
    assert scores(METRICS["wait_time"], answers) is answers


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cx.nps([9, 11]), r"NPS: 1 of 2 answers .*for example 11; expected whole numbers 0-10"),
        (lambda: cx.nps([9, 7.5]), r"for example 7.5; expected whole numbers 0-10"),
        (lambda: cx.nps(["nine"]), r"for example 'nine'"),
        (lambda: cx.nps([9, 8], weights=[1]), "weights: 1 for 2 answers"),
        (lambda: cx.nps([9, 8], weights=[1, 0]), "weights: expected positive numbers"),
        (lambda: cx.nps([9, 8], clusters=[1]), "clusters: 1 for 2 answers"),
    ],
)
def test_answers_that_do_not_fit_are_refused_in_words(call, words) -> None:
    with pytest.raises(CxError, match=words):
        call()


# A level against the rest --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "roles",
    [
        (),
        ("weight",),
        ("respondent",),
        ("cluster",),
        ("respondent", "weight", "cluster"),
        ("stratum", "weight"),
        ("respondent", "weight", "cluster", "stratum"),
    ],
)
def test_a_level_against_the_rest_is_two_groups_of_rows(roles: tuple[str, ...]) -> None:
    frame = survey()
    link = "run" if "cluster" in roles else "who" if "respondent" in roles else ""
    columns = {role: ROLES[role] for role in ("weight", "stratum") if role in roles}
    columns |= {"cluster": link} if link else {}
    designed = bool({"cluster", "stratum"} & {*roles})
    levels = [(), ("brand",), ("region",), ("brand", "channel")]
    tallies, rows = tallied(frame, roles, levels, rest=True), valued(frame)
    rows = rows[rows.wave == "2018"]
    for name, where in (("region", {}), ("brand", {}), ("channel", {"brand": "A"}), ("channel", {"brand": "B"})):
        found = cx.against_rest(tallies, "2018", name, where=where, minimum=0)
        assert len(found) == 3 * rows[name].replace("", "(blank)").nunique()
        held = (rows[list(where)] == pd.Series(where)).all(axis=1) if where else rows["wave"].notna()
        here = rows[held]
        for _, row in found.iterrows():
            score, kind, factor = f"s_{row['metric']}", KINDS[row["metric"]], METRICS[row["metric"]].factor
            inside = here[name].replace("", "(blank)") == row[name]
            sides = here[inside], here[~inside]
            part, rest = (cell(side, score, **columns, wave=rows if designed else None) for side in sides)
            assert (row["n"], row["n_rest"]) == (part.n, rest.n)
            assert close((row["n_eff"], row["n_eff_rest"]), (part.n_eff, rest.n_eff))
            r = 0.0
            if designed:
                at = rows[name].replace("", "(blank)") == row[name]
                r = domains_correlation(at, rows, score, held=held, **columns)
            elif link:
                one, other = (people(side, score, link, weight=columns.get("weight", "")) for side in sides)
                r = correlation(part, rest, (one, other))
            expected = difference(part, rest, kind, r)
            assert close((row["difference"], row["low"], row["high"]), tuple(factor * x for x in expected))


def test_all_places_at_once_are_each_place_by_itself() -> None:
    tallies = tallied(survey(), ("respondent", "weight"), [("brand",), ("brand", "channel")], rest=True)
    together = cx.against_rest(tallies, "2018", "channel", by=["brand"], minimum=5)
    assert together["family"].nunique() > 1
    for brand, rows in together.groupby("brand"):
        alone = cx.against_rest(tallies, "2018", "channel", where={"brand": brand}, minimum=5)
        # "clustered" is said where any cell of a call has clusters
        columns = rows.columns.drop("method")
        pd.testing.assert_frame_equal(rows[columns].reset_index(drop=True), alone[columns])


def test_one_segment_or_all_in_one_query_share_the_same_with_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    roles, levels = ("respondent", "weight"), [(), ("brand",), ("brand", "channel")]
    together = tallied(survey(), roles, levels, rest=True)
    monkeypatch.setattr("cxkit.tallies.counting.AT_ONCE", 100)
    one_by_one = tallied(survey(), roles, levels, rest=True)
    keys = ["metric", "period", "cut", "brand", "channel"]
    ours, theirs = (t.sums.sort_values(keys, ignore_index=True) for t in (together, one_by_one))
    pd.testing.assert_frame_equal(ours, theirs, check_like=True)


def test_a_rest_that_was_not_tallied_is_refused(tmp_path) -> None:
    levels = [(), ("region",), ("brand", "channel")]
    tallies = tallied(survey(), ("respondent",), levels)
    with pytest.raises(CxError, match="do not know what a cell shares with the rest; tally with rest=True"):
        cx.against_rest(tallies, "2018", "region")
    tallies = tallied(survey(), ("respondent",), levels, rest=True)
    with pytest.raises(CxError, match="the level brand was not tallied"):
        cx.against_rest(tallies, "2018", "channel", where={"brand": "A"})
    back = cx.load(cx.save(tallies, tmp_path / "t.parquet"))
    pd.testing.assert_frame_equal(cx.against_rest(back, "2018", "region"), cx.against_rest(tallies, "2018", "region"))
