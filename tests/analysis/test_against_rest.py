"""A part against its rest where something is special: durations, all alike, hidden places, undeclared things."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.errors import CxError


def tallied(frame: pd.DataFrame, item: str = "nps", rest: bool = True, **roles: str) -> cx.Tallies:
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave", **roles},
        "items": {item: item},
        "dimensions": {"brand": "brand", "channel": "channel"},
    }
    levels: list[Any] = [(), ("channel",), ("brand",), ("brand", "channel")]
    return cx.tally(cx.read(frame, mapping), [item], by=["brand", "channel"], levels=levels, period="wave", rest=rest)


def answers(n: int = 600, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "wave": "a",
            "who": random.integers(0, n // 3, n).astype(str),
            "w": random.lognormal(0, 0.6, n),
            "brand": random.choice(["A", "B"], n),
            "channel": random.choice(["web", "phone", "app"], n),
            "nps": random.integers(0, 11, n),
            "full_resolution": np.round(random.lognormal(4, 1, n)),
        }
    )


@pytest.mark.parametrize("roles", [{}, {"respondent": "who"}, {"respondent": "who", "weight": "w"}])
def test_the_rest_of_durations_is_worth_what_the_whole_is(roles: dict[str, str]) -> None:
    frame = answers()
    found = cx.against_rest(tallied(frame, "full_resolution", **roles), "a", "channel").set_index("channel")
    assert [len(frame) - len(frame[frame["channel"] == channel]) for channel in found.index] == found["n_rest"].tolist()
    worth = (found["n_eff_rest"] / found["n_rest"]).unique()
    assert worth == pytest.approx(worth[0])
    assert (worth[0] == 1) if not roles else (0.4 < worth[0] < 1)
    assert (found["verdict"] == "no evidence").all()
    assert found["shift"].tolist() == (found["value"] - found["value_rest"]).tolist()


def test_a_rest_of_few_clusters_is_not_judged() -> None:
    # 12 people on the web, of whom 3 are on the phone as well, with one more: the rest of the web is 4 people
    frame = answers().assign(channel="web", who=[str(i % 12) for i in range(600)])
    phone = pd.DataFrame({"wave": "a", "who": [str(i % 4 + 9) for i in range(200)], "channel": "phone", "brand": "A"})
    found = cx.against_rest(
        tallied(pd.concat([frame, phone.assign(full_resolution=range(200))]), "full_resolution", respondent="who"),
        "a", "channel",
    ).set_index("channel")  # fmt: skip
    assert found["verdict"].tolist() == ["too few", "too few"]
    assert found.loc["web", "note"] == "the rest: answers from 4 clusters, and 10 are needed"


def test_a_rest_that_all_agree_has_no_spread_made_of_rounding() -> None:
    random = np.random.default_rng(8)
    for _ in range(6):
        n = 2000
        frame = pd.DataFrame(
            {
                "wave": "a",
                "who": random.integers(0, 900, n).astype(str),
                "w": random.lognormal(0, 1, n).round(6),
                "brand": "A",
                "channel": ["web"] * 60 + ["phone"] * (n - 60),
                "nps": [10] * 60 + random.choice([0, 7, 10], n - 60).tolist(),
            }
        )
        tallies = tallied(frame, respondent="who", weight="w")
        found = cx.against_rest(tallies, "a", "channel", minimum=0).set_index("channel")  # 60 such weights are few
        web, phone = found.loc["web"], found.loc["phone"]
        assert phone["n_eff_rest"] == pytest.approx(web["n_eff"], rel=1e-6)
        assert (phone["difference"], phone["low"], phone["high"]) == pytest.approx(
            (-web["difference"], -web["high"], -web["low"]), rel=1e-6
        )
        assert phone["verdict"] == web["verdict"] == "differs"


def test_a_hidden_place_has_nothing_to_compare() -> None:
    frame = answers()
    few = frame["brand"].eq("B") & (frame.groupby("brand").cumcount() >= 7)
    masked = mask(tallied(frame[~few], respondent="who"))
    found = cx.against_rest(masked, "a", "channel", where={"brand": "B"})
    assert found["verdict"].eq("too few").all()
    assert found["note"].str.contains("hidden").all()
    assert found[["difference", "low", "high", "pvalue"]].isna().all(axis=None)


def test_a_dimension_is_not_its_own_place_and_tallies_without_a_rest_do_not_pass_for_such() -> None:
    with_rest, without = tallied(answers(), respondent="who"), tallied(answers(seed=4), rest=False, respondent="who")
    for given in ({"where": {"channel": "web"}}, {"by": ["channel"]}):
        with pytest.raises(CxError, match="'channel' is compared, so that it cannot be a place as well"):
            cx.against_rest(with_rest, "a", "channel", **given)
    with pytest.raises(CxError, match="of which one has `rest`"):
        cx.add(with_rest, without)


ITEMS: dict[str, Any] = {
    "net": ("nps", {"nps": "nps"}),
    "mean": ("csat_mean", {"csat": "csat"}),
    "share": ("csat", {"csat": "csat"}),
    "mean of a rest that all agree": ("csat_mean", {"csat": "csat"}),
    "open durations": ("full_resolution", {"full_resolution": {"from": "begun", "to": "ended", "open_until": "seen"}}),
}
ROLES: dict[str, dict[str, str]] = {
    "alone": {},
    "weights": {"weight": "w"},
    "people": {"respondent": "who"},
    "weights and clusters": {"weight": "w", "cluster": "who"},
}


@pytest.mark.parametrize(
    ("item", "roles"),
    [("net", "alone"), ("net", "weights and clusters"), ("mean", "people"), ("share", "weights"),
     ("mean of a rest that all agree", "weights and clusters"),
     ("open durations", "alone"), ("open durations", "people")],
)  # fmt: skip
def test_a_rest_is_what_its_levels_are_when_they_are_one(item: str, roles: str) -> None:
    """Against the same answers with all other levels under one name, compared by the same call from the other side."""
    frame = answers(240).assign(csat=lambda t: t["nps"] % 5 + 1, begun="2026-01-01 00:00", seen="2026-01-20 00:00")
    end = pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["full_resolution"], unit="min")
    frame["ended"] = end.dt.strftime("%Y-%m-%d %H:%M").mask(np.arange(len(frame)) % 7 == 0, "")
    frame.loc[frame["channel"] == "app", "channel"] = np.where(
        np.arange((frame["channel"] == "app").sum()) < 8, "app", "web"
    )
    if "all agree" in item:
        frame["csat"] = frame["csat"].where(frame["channel"] == "web", 3)
    metric, items = ITEMS[item]
    mapping = {"kind": "transactional", "columns": {"wave": "wave", **ROLES[roles]}, "items": items}
    mapping["dimensions"] = {"channel": "channel"}

    def rows(of: pd.DataFrame) -> pd.DataFrame:
        levels: list[Any] = [(), ("channel",)]
        tallies = cx.tally(cx.read(of, mapping), [metric], by=["channel"], levels=levels, period="wave", rest=True)
        return cx.against_rest(tallies, "a", "channel").set_index("channel")

    merged = rows(frame.assign(channel=frame["channel"].where(frame["channel"] == "web", "others")))
    found, again, turned = rows(frame).loc["web"], merged.loc["web"], merged.loc["others"]
    for name in ("n_rest", "n_eff_rest", "n_judged_rest", "value_rest", "difference", "low", "high", "pvalue"):
        assert found[name] == pytest.approx(again[name], rel=1e-9, abs=1e-9, nan_ok=True), name
    assert found["n_rest"] == turned["n"]
    if item != "open durations" or roles == "alone":  # ranks of durations are worth what those of the whole are
        assert found["n_judged_rest"] == pytest.approx(turned["n_judged"], rel=1e-6)
        assert (found["difference"], found["low"]) == pytest.approx((-turned["difference"], -turned["high"]), rel=1e-6)
        assert found["pvalue"] == pytest.approx(turned["pvalue"], rel=1e-6, abs=1e-9)


def test_a_rest_of_nine_people_is_hidden_and_one_of_ten_is_not() -> None:
    for few, shown in ((9, False), (10, True)):
        frame = pd.DataFrame({"wave": "a", "brand": "A", "nps": 9, "channel": ["web"] * 40 + ["phone"] * few})
        row = cx.against_rest(tallied(frame), "a", "channel").set_index("channel").loc["web"]
        assert bool(pd.notna(row["n_rest"])) == shown
        assert ("fewer than 10" in row["note"]) != shown
