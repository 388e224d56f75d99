"""Counts per cell: what is counted once, what adds, and what comes back from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import cxkit as cx
from cxkit.errors import CxError

PARTS = ("counts", "sums", "pairs", "hidden", "audit")


def read(frame: Any, kind: str = "transactional", dimensions: Any = None, **columns: str) -> cx.Responses:
    mapping = {"kind": kind, "items": {"nps": "nps"}, "columns": columns, "dimensions": dimensions or {}}
    return cx.read(pd.DataFrame(frame), mapping)


def survey(size: int = 300, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(size).astype(str),
            "who": random.integers(0, 60, size).astype(str),
            "t": pd.to_datetime("2026-08-01") + pd.to_timedelta(random.integers(0, 90 * 24, size), unit="h"),
            "w": np.round(random.lognormal(0, 0.5, size), 5),
            "run": random.integers(0, 20, size).astype(str),
            "brand": random.choice(["A", "B", None], size),
            "channel": random.choice(["web", "phone"], size),
            "nps": random.choice([*range(11), np.nan], size),
        }
    )


ALL = {"response": "id", "respondent": "who", "time": "t", "weight": "w", "cluster": "run"}
DIMENSIONS = {"brand": "brand", "channel": "channel"}


def tally(frame: pd.DataFrame, roles: dict[str, str], **options: Any) -> cx.Tallies:
    return cx.tally(read(frame, dimensions=DIMENSIONS, **roles), ["nps"], by=["brand", "channel"], **options)


def same(a: cx.Tallies, b: cx.Tallies, parts: tuple[str, ...] = PARTS, **tolerance: Any) -> None:
    for part in parts:
        assert_frame_equal(getattr(a, part), getattr(b, part), **tolerance)
    for name in ("metrics", "by", "levels", "period", "periods", "compared", "values", "weighted", "provenance"):
        assert getattr(a, name) == getattr(b, name), name


# Who counts -----------------------------------------------------------------------------------------------------------


def test_the_latest_answer_of_a_respondent_and_period_counts() -> None:
    frame = pd.DataFrame(
        [
            ("1", "p", "2026-10-01", 0),
            ("2", "p", "2026-10-20", 9),
            ("3", "p", "2026-10-30", 11),  # refused, so that the answer before it is the latest
            ("4", "p", "2026-11-02", 3),
            ("5", "q", "2026-10-05T10:00", 7),
            ("6", "q", "2026-10-05T09:00", 10),
            ("7", None, "2026-10-05", 1),
            ("8", "", "2026-10-06", 2),
        ],
        columns=["id", "who", "t", "nps"],
    )
    columns = {"response": "id", "respondent": "who", "time": "t"}
    tallies = cx.tally(read(frame, "relationship", **columns), ["nps"])
    october = tallies.counts[tallies.counts.period == "2026-10"]
    assert dict(zip(october["answer"], october["n"], strict=True)) == {1: 1, 2: 1, 7: 1, 9: 1}
    replaced = tallies.audit[tallies.audit.reason.str.startswith("replaced by a later answer")]
    assert replaced["n"].tolist() == [2]
    every = cx.tally(read(frame, "transactional", **columns), ["nps"])
    assert every.counts.loc[every.counts.period == "2026-10", "n"].sum() == 6
    assert every.sums.loc[every.sums.period == "2026-10", "clusters"].tolist() == [4]  # p, q and two unknown people
    assert every.sums.loc[every.sums.period == "2026-10", "people"].tolist() == [4]


@pytest.mark.parametrize("seed", [0, 1])
def test_answers_of_one_moment_are_chosen_without_regard_to_the_order_of_rows(seed) -> None:
    frame = pd.DataFrame(
        {"who": "p", "t": "2026-10-05", "b": ["A", "B", "A", "B"], "w": [1, 2, 3, 4], "nps": [3, 9, 9, 8]}
    )
    shuffled = frame.sample(frac=1, random_state=seed)
    tallies = cx.tally(
        read(shuffled, "relationship", {"brand": "b"}, respondent="who", time="t", weight="w"), ["nps"], by=["brand"]
    )
    chosen = tallies.counts[tallies.counts.cut == "brand"]
    assert chosen[["brand", "answer", "w"]].to_numpy().tolist() == [["A", 9, 3]]
    # The response id, where there is one, decides before the answer does.
    frame["id"] = ["4", "1", "2", "3"]
    columns = {"response": "id", "respondent": "who", "time": "t"}
    tallies = cx.tally(read(frame.sample(frac=1, random_state=seed), "relationship", **columns), ["nps"])
    assert tallies.counts["answer"].tolist() == [3]


def test_the_order_of_rows_changes_nothing() -> None:
    frame = survey()
    whole, turned = tally(frame, ALL), tally(frame.sample(frac=1, random_state=1), ALL)
    same(whole, turned)  # to the last bit
    assert cx.provenance(whole)["counts (sha256)"] == cx.provenance(turned)["counts (sha256)"]


def test_many_threads_add_to_the_same_last_bit(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    size = 400_000  # several row groups, so that several threads count
    frame = pd.DataFrame({"wave": "a", "nps": random.integers(0, 11, size), "weight": random.lognormal(0, 1, size)})
    frame.assign(cluster=random.integers(0, 5000, size)).to_parquet(tmp_path / "big.parquet", row_group_size=50_000)
    first, second = (cx.tally(cx.read(tmp_path / "big.parquet"), ["nps"], period="wave") for _ in range(2))
    same(first, second)
    assert first.counts["w"].sum() == pytest.approx(frame["weight"].sum(), rel=1e-12)


# Cells and periods ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [["respondent"], ["respondent", "cluster"], []])
@pytest.mark.parametrize("power", [-30, 20])
def test_weights_may_be_tiny_or_huge(roles: list[str], power: int) -> None:
    """Weights times 2^k: all sums of weights are 2^k times as large and of their products 2^2k, pairs and rests too."""
    given = {"time": "t", "weight": "w"} | {role: {"respondent": "who", "cluster": "run"}[role] for role in roles}
    frame = survey()
    options: dict[str, Any] = {"rest": bool(roles), "pairs": ["previous"]}
    plain, scaled = (tally(one, given, **options) for one in (frame, frame.assign(w=frame["w"] * 2.0**power)))
    for part in PARTS:
        one, other = getattr(plain, part).copy(), getattr(scaled, part).copy()
        for name in one.columns.intersection(["w", "s"]):
            one[name] *= 2.0**power
        for name in one.columns.intersection(
            ["w2", *(f"{of}{x}" for of in ("", "rest_") for x in ("ww", "sw", "ws", "ss"))]
        ):
            one[name] *= 4.0**power
        assert_frame_equal(one, other, rtol=1e-11, atol=0)


def test_counts_and_weights_add_over_cells() -> None:
    tallies = tally(survey(), ALL)
    sums = tallies.counts.groupby(["cut", "period", "answer"])[["n", "w", "w2"]].sum()
    everybody = sums.loc[""]
    for cut in ("brand", "channel", "brand × channel"):
        assert_frame_equal(sums.loc[cut], everybody, check_exact=False, rtol=1e-12)
    assert everybody["n"].sum() == survey()["nps"].notna().sum()


def test_levels_and_periods_that_were_not_declared_raise() -> None:
    tallies = tally(survey(), ALL, levels=[["brand"], ["channel", "brand"]])
    assert tallies.levels == [("brand",), ("brand", "channel")]
    with pytest.raises(CxError, match="the level everybody was not tallied; declared are: brand; brand × channel"):
        tallies.cut(())
    with pytest.raises(CxError, match="the level channel was not tallied"):
        cx.estimate(tallies, by=["channel"])
    with pytest.raises(CxError, match="the pair 2026-10 against 2026-08 was not tallied"):
        cx.compare(tallies, "2026-10", "2026-08")


def test_a_declared_level_without_answers_is_a_row_with_n_0() -> None:
    frame = {"wave": ["a", "a"], "nps": [9, 3], "b": ["Acme", "Brim"]}
    dimensions = {"brand": {"column": "b", "values": ["Empty", "Brim"]}}
    tallies = cx.tally(read(frame, dimensions=dimensions, wave="wave"), ["nps"], by=["brand"], period="wave")
    assert tallies.values == {"brand": ["Empty", "Brim", "Acme"]}
    row = cx.at(cx.estimate(tallies, by=["brand"]), {"brand": "Empty"}).iloc[0]
    assert (row["n"], row["note"]) == (0, "no answers")
    assert row[["value", "low", "high"]].isna().all()


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("month", ["2026-01", "2026-02", "2026-03", "2026-04"]),
        ("quarter", ["2026-Q1", "2026-Q2"]),
        ("year", ["2026"]),
        ("week", [f"2026-W{week:02d}" for week in range(1, 15)]),
    ],
)
def test_gaps_between_periods_are_periods(period, expected) -> None:
    frame = {"t": ["2026-01-01", "2026-04-01"], "nps": [9, 3]}
    tallies = cx.tally(read(frame, time="t"), ["nps"], period=period)
    assert tallies.periods == expected
    found = cx.estimate(tallies)
    assert found["period"].tolist() == expected
    assert found["n"].sum() == 2
    assert tallies.compared == list(zip(expected[1:], expected, strict=False))


def test_an_answer_belongs_to_the_month_of_the_zone() -> None:
    frame = pd.DataFrame({"t": ["2026-09-30T22:30Z"], "nps": [9]})
    mapping = {"kind": "transactional", "items": {"nps": "nps"}, "columns": {"time": "t"}}
    for zone, month in (("Europe/Berlin", "2026-10"), ("UTC", "2026-09")):
        assert cx.tally(cx.read(frame, {**mapping, "timezone": zone}), ["nps"]).periods == [month]


def test_waves_are_in_the_order_of_their_numbers_and_until_cuts_them() -> None:
    frame = {"w": ["wave 10", "wave 9", "wave 11"], "nps": [9, 8, 7]}
    tallies = cx.tally(read(frame, wave="w"), ["nps"], period="wave")
    assert tallies.periods == ["wave 9", "wave 10", "wave 11"]
    assert cx.tally(read(frame, wave="w"), ["nps"], period="wave", until="wave 10").periods == ["wave 9", "wave 10"]
    dated = read({"t": ["2026-10-31T23:59", "2026-11-01"], "nps": [9, 8]}, time="t")
    assert cx.tally(dated, ["nps"], until="2026-10").counts["answer"].tolist() == [9]


def test_pairs_a_year_apart_and_named_ones() -> None:
    frame = {"t": ["2025-10-01", "2026-10-01"], "nps": [9, 3]}
    tallies = cx.tally(read(frame, time="t"), ["nps"], pairs=["year_ago", ("2026-10", "2026-01")])
    assert ("2026-10", "2025-10") in tallies.compared
    assert cx.compare(tallies, "2026-10", "2025-10")["change"].tolist() == [-200]
    assert cx.compare(tallies, "2025-10", "2026-10")["change"].tolist() == [200]
    assert cx.compare(tallies, "2026-10", "2026-01")["note"].tolist() == ["before: no answers"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": ["brnad"]}, "'brnad' is no mapped dimension; did you mean 'brand'?"),
        ({"levels": [["chanel"]]}, "levels: 'chanel' is not among the dimensions `by`"),
        ({"metrics": ["npss"]}, "metrics: 'npss': is no metric of the kit or the mapping; did you mean 'nps'?"),
        ({"metrics": []}, "metrics: name at least one"),
        ({"period": "wave"}, "period: wave needs a column in the role `wave`"),
        ({"pairs": ["last"]}, "pairs: expected previous, year_ago or (now, before), found 'last'"),
        ({"pairs": [("2026-10", "2026-9")]}, "'2026-9' is not a month; expected for example 2026-10"),
        ({"where": {"brand": ["A", "Bb"]}}, "where: no response has brand = Bb"),
        ({"where": {"brand": ["A", "webb"]}}, "where: no response has brand = webb"),
        ({"where": {"chanel": ["web"]}}, "'chanel' is no mapped dimension; did you mean 'channel'?"),
    ],
)
def test_a_faulty_tally_is_refused_in_words(options, words) -> None:
    frame = {"t": ["2026-10-01"], "nps": [9], "brand": ["A"], "channel": ["web"]}
    given = {"metrics": ["nps"], "by": ["brand"], **options}
    with pytest.raises(CxError) as error:
        cx.tally(read(frame, dimensions=DIMENSIONS, time="t"), **given)
    assert words in str(error.value)


# Files and sums -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [ALL, {"time": "t"}], ids=["design", "plain"])
def test_saved_tallies_come_back_as_they_were(tmp_path: Path, roles) -> None:
    tallies = tally(survey(), roles, pairs=["previous", "year_ago"])
    same(tallies, cx.load(cx.save(tallies, tmp_path / "tallies.parquet")))
    again = tmp_path / "again.parquet"
    cx.save(tally(survey().sample(frac=1, random_state=2), roles, pairs=["previous", "year_ago"]), again)
    assert again.read_bytes() == (tmp_path / "tallies.parquet").read_bytes()


def test_tallies_of_nothing_are_saved_and_estimated(tmp_path: Path) -> None:
    nothing = cx.tally(read({"t": pd.Series([], dtype="str"), "nps": pd.Series([], dtype="str")}, time="t"), ["nps"])
    same(nothing, cx.load(cx.save(nothing, tmp_path / "none.parquet")))
    assert cx.estimate(nothing).empty
    assert "no period" in nothing._repr_html_()


def test_a_file_that_holds_no_tallies_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"n": [1]}).to_parquet(tmp_path / "other.parquet")
    for name in ("other.parquet", "absent.parquet"):
        with pytest.raises(CxError, match=f"{name}: holds no tallies"):
            cx.load(tmp_path / name)


def placed(tallies: cx.Tallies) -> cx.Tallies:
    """With rows in one order, and the sources that are allowed to differ made equal."""
    keys = ["item", "period", *tallies.by, "cut", "answer"]
    counts = tallies.counts.sort_values(keys, ignore_index=True)
    audit = tallies.audit.sort_values("reason", ignore_index=True)
    return replace(tallies, counts=counts, audit=audit, provenance={}, compared=[])


def test_halves_add_to_the_whole() -> None:
    frame = survey().drop(columns=["who", "run"])
    frame["nps"] = frame["nps"].where(frame.index % 9 > 0, 12)
    roles = {"response": "id", "time": "t", "weight": "w"}
    whole = tally(frame, roles)
    halves = cx.add(tally(frame[::2], roles), tally(frame[1::2], roles))
    same(placed(whole), placed(halves), check_exact=False, rtol=1e-12)
    assert halves.provenance["rows"] == whole.provenance["rows"] == 300


def test_refusals_add_with_and_without_a_wave() -> None:
    frame = pd.DataFrame({"wave": ["1", None, "2", "2"], "nps": [9, 3, 11, 10]})
    first, second = (cx.tally(read(part, wave="wave"), ["nps"], period="wave") for part in (frame[:2], frame[2:]))
    assert cx.add(first, second).audit["n"].sum() == 2


@pytest.mark.parametrize("role", ["respondent", "cluster", "stratum"])
def test_what_does_not_add_is_refused(role) -> None:
    frame = survey().assign(h="x")
    column = {"respondent": "who", "cluster": "run", "stratum": "h"}[role]
    for kind in ("transactional", "relationship"):
        parts = [read(part, kind, time="t", **{role: column}) for part in (frame[::2], frame[1::2])]
        with pytest.raises(CxError, match=f"{role}: sums over these do not add, and both tallies hold 2026-08"):
            cx.add(*(cx.tally(part, ["nps"], pairs=()) for part in parts))


def test_periods_after_one_another_add_with_clusters() -> None:
    frame = survey()
    early, late = frame[frame.t < "2026-09-01"], frame[frame.t >= "2026-09-01"]
    whole, parts = tally(frame, ALL), cx.add(tally(early, ALL), tally(late, ALL))
    assert_frame_equal(cx.estimate(whole), cx.estimate(parts))
    with pytest.raises(CxError, match="2026-09 against 2026-08 was not tallied"):
        cx.compare(parts, "2026-09", "2026-08")


def test_only_tallies_of_one_kind_add() -> None:
    frame = survey()
    first, other = tally(frame, {"time": "t"}), tally(frame, {"time": "t", "weight": "w"})
    with pytest.raises(CxError, match="different weighted"):
        cx.add(first, other)
    with pytest.raises(CxError, match="different where"):
        cx.add(first, tally(frame, {"time": "t"}, where={"brand": ["A"]}))
    with pytest.raises(CxError, match="hidden cells cannot be added"):
        cx.add(first, replace(first, hidden=pd.DataFrame({"item": ["nps"]})))


# Days and ranges ------------------------------------------------------------------------------------------------------


def by_age(where: dict[str, Any]) -> cx.Tallies:
    frame = pd.DataFrame(
        {"t": ["2026-03-01", "2026-03-02"] * 40, "s": [9, 3] * 40, "age": ["17", "18", "34", "n/a"] * 20}
    )
    given = {"kind": "transactional", "columns": {"time": "t"}, "items": {"nps": "s"}, "dimensions": {"age": "age"}}
    return cx.tally(cx.read(frame, given), ["nps"], by=["age"], period="day", where=where)


def test_a_range_is_of_numbers_and_days_are_periods() -> None:
    tallies = by_age({"age": {"from": 18, "to": 34}})
    assert tallies.periods == ["2026-03-01", "2026-03-02"]
    assert tallies.compared == [("2026-03-02", "2026-03-01")]
    assert tallies.values == {"age": ["18", "34"]}
    assert tallies.provenance["where"] == {"age": ["18 to 34"]}
    assert cx.estimate(tallies, by=())["n"].tolist() == [20, 20]
    assert by_age({"age": {"to": 17}}).values == {"age": ["17"]}
    assert by_age({"age": {"from": 18}}).provenance["where"] == {"age": ["18 or more"]}
