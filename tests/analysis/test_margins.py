"""Two dimensions together: beside statsmodels and pandas on the rows of the sample, and over seeds of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import cxkit as cx
from cxkit.analysis import margins
from cxkit.analysis.journeys import journey_of, with_journey
from cxkit.analysis.privacy import mask
from cxkit.runs.params import kit_notebook
from cxkit.sample import write

MAPPING = kit_notebook("params/mappings/journey.yaml")
YEAR = "FY2026"
PAIRS = [
    ["came_from", "moment"],
    ["channel_preferred", "channel"],
    ["moment", "channel"],
    ["touchpoint", "channel_used"],
]
BY = ["came_from", "channel_preferred", "moment", "touchpoint", "channel_used", "channel"]


@pytest.fixture(scope="module")
def survey() -> cx.Responses:
    return cx.read("sample", MAPPING)


@pytest.fixture(scope="module")
def tallies(survey: cx.Responses) -> cx.Tallies:
    levels = [(), ("moment",), ("channel_used",), *PAIRS]
    return cx.tally(survey, ["csat", "matched"], BY, levels, "year", rest=True)


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """All rows, each with the contact before of the same customer; those of the year with a CSAT answer are `now`."""
    frame = write.sample()["responses"].assign(
        weight=lambda t: t["weight"].astype(float), who=lambda t: t["respondent"].fillna(t["response"])
    )
    frame = frame.sort_values(["time", "response"])
    own = frame.dropna(subset=["respondent"]).groupby("respondent")
    since = frame["time"] - own["time"].shift()
    frame["came_from"] = own["moment"].shift().where(since <= pd.Timedelta(days=30))
    for name in ("channel", "channel_preferred"):
        frame[name] = frame[name].fillna("(blank)")
    both = frame["channel"].ne("(blank)") & frame["channel_preferred"].ne("(blank)")
    frame["matched"] = frame["channel"].eq(frame["channel_preferred"]).where(both)
    now = frame["time"].dt.tz_convert("Europe/Berlin") >= "2025-11-01"
    rated = pd.to_numeric(frame["csat"], errors="coerce").between(1, 5)
    return frame.assign(now=now & rated, top=100.0 * frame["csat"].ge(4).fillna(False))


def share(frame: pd.DataFrame) -> float:
    return float(np.average(frame["top"], weights=frame["weight"]))


def test_acceptance_figures_of_moments_stages_and_channels(survey: cx.Responses, answers: pd.DataFrame) -> None:
    """Of the sample as it is (seed 2026), by pandas; the issue's are those of the sample as it was."""
    counts = answers["moment"].value_counts()
    assert counts.sum() == len(answers)
    assert answers["stage"].value_counts().to_dict() == {
        "before": counts["research"] + counts["pick"],
        "during": counts["pay"],
        "after": counts["use"] + counts["maintain"],
    }  # fmt: skip
    known = answers.dropna(subset=["matched"])
    assert known["matched"].mean() == pytest.approx(0.66, abs=0.01)
    everything = cx.tally(survey, ["matched"], period="year")
    assert everything.counts.loc[everything.counts["cut"] == "", "n"].sum() == len(known)
    found = cx.estimate(everything, periods=[YEAR]).iloc[0]
    year = known[known["time"].dt.tz_convert("Europe/Berlin") >= "2025-11-01"]
    assert found["value"] == pytest.approx(100 * np.average(year["matched"].astype(float), weights=year["weight"]))
    assert "clustered" in found["method"]


def test_a_cell_is_set_against_a_regression_on_the_rows_of_all_others(
    tallies: cx.Tallies, answers: pd.DataFrame
) -> None:
    """statsmodels 0.15: WLS of answers on moment and channel, without those of the cell; none differs."""
    found = cx.margins(tallies, YEAR, ["moment", "channel"], metrics=["csat"]).set_index(["moment", "channel"])
    assert set(found["verdict"]) == {"no evidence", "too few"}
    now = answers[answers["now"]]
    shown = found[found["verdict"] == "no evidence"]
    key = pd.MultiIndex.from_frame(now[["moment", "channel"]])
    for cell in (("pay", "chat"), ("maintain", "phone")):
        rows = now[(key != cell) & key.isin(shown.index)]
        fitted = smf.wls("top ~ C(moment) + C(channel)", rows, weights=rows["weight"]).fit()
        one = pd.DataFrame([cell], columns=["moment", "channel"])
        assert found.loc[cell, "expected"] == pytest.approx(fitted.predict(one).item(), rel=1e-6)
        assert found.loc[cell, "value"] == pytest.approx(share(now[key == cell]))


def test_ways_are_those_that_pandas_counts(tallies: cx.Tallies, answers: pd.DataFrame) -> None:
    now = answers[answers["now"]].assign(came_from=lambda t: t["came_from"].fillna("none within 30 days"))
    for pair in PAIRS[:2]:
        found = cx.flows(tallies, YEAR, pair, metrics=["csat"]).set_index(pair)
        found = found[found["n"] > 0]
        n, w = (now.pivot_table("weight", pair[0], pair[1], of).stack() for of in ("count", "sum"))
        assert found["n"].astype(int).to_dict() == n[n > 0].astype(int).to_dict()
        expected = 100 * w / w.groupby(level=0).sum()
        assert found["share"].to_numpy() == pytest.approx(expected.loc[found.index].to_numpy())
        assert found["share"].between(found["share_low"], found["share_high"]).all()


def test_limits_of_ways_are_those_of_a_cluster_robust_regression(tallies: cx.Tallies, answers: pd.DataFrame) -> None:
    """statsmodels 0.15, a linear model of being in the column, clustered by customer; careful, by at most a fifth."""
    found = cx.flows(tallies, YEAR, PAIRS[1], metrics=["csat"]).set_index(PAIRS[1]).loc[("phone", "phone")]
    row = answers[answers["now"] & (answers["channel_preferred"] == "phone")]
    row = row.assign(here=100.0 * (row["channel"] == "phone"), who=pd.factorize(row["who"])[0])
    fitted = smf.wls("here ~ 1", row, weights=row["weight"]).fit(cov_type="cluster", cov_kwds={"groups": row["who"]})
    half = (found["share_high"] - found["share_low"]) / 2 / 1.96
    assert 0.97 < half / fitted.bse["Intercept"] < 1.2


def test_like_with_like_is_that_of_pandas_and_finds_what_is_planted(tallies: cx.Tallies, answers: pd.DataFrame) -> None:
    """Matched against unmatched: 8 points are planted; the error is that of a regression clustered by customer."""
    (found,) = cx.standardised(tallies, YEAR, PAIRS[3], metrics=["csat"]).to_dict("records")
    now = answers[answers["now"]].dropna(subset=["matched"])
    one, other = now[now["matched"].astype(bool)], now[~now["matched"].astype(bool)]
    assert (found["n"], found["n_rest"], found["within_levels"]) == (len(one), len(other), 9)
    assert found["raw_difference"] == pytest.approx(share(one) - share(other))
    w = now.groupby("touchpoint")["weight"].sum() / now["weight"].sum()
    apart = one.groupby("touchpoint").apply(share) - other.groupby("touchpoint").apply(share)
    assert found["difference"] == pytest.approx((w * apart).sum())
    assert found["verdict"] == "differs"
    assert found["difference_low"] < 8 < found["difference_high"]
    now = now.assign(used=now["matched"].astype(float), who=pd.factorize(now["who"])[0])
    fitted = smf.wls("top ~ used + C(touchpoint)", now, weights=now["weight"])
    error = fitted.fit(cov_type="cluster", cov_kwds={"groups": now["who"]}).bse["used"]
    assert (found["difference_high"] - found["difference_low"]) / 2 / 1.96 == pytest.approx(error, rel=0.05)


def hidden(last: int) -> pd.DataFrame:
    """What a run tells of journeys where four people met (pick, fax), who all said `last`."""
    sizes = {"web": 60, "shop": 50, "fax": 40}
    rows = [(moment, channel, 1 + (i * 7 + len(moment)) % 5) for moment in ("use", "pay", "pick")
            for channel, n in sizes.items() for i in range(4 if moment + channel == "pickfax" else n)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["moment", "channel", "csat"]).assign(day="2026-10-02")
    few = (frame["moment"] == "pick") & (frame["channel"] == "fax")
    frame.loc[few, "csat"] = last
    frame["who"] = frame.index.astype(str)
    mapping = {"kind": "transactional", "columns": {"time": "day", "respondent": "who"}, "items": {"csat": "csat"},
               "dimensions": {"moment": "moment", "channel": "channel"}}  # fmt: skip
    survey, pair = cx.read(frame, mapping), ["moment", "channel"]
    tallies = mask(cx.tally(survey, ["csat"], pair, [(), ("moment",), pair], rest=True))
    declared = {"metrics": ["csat"], "margins": [pair], "flows": [pair], "standardised": [pair],
                "weakest": {"metric": "csat", "of": "moment", "answers": [1, 2]}}  # fmt: skip
    told = with_journey(tallies, survey, declared, {}, "2026-10", [], 0.95, "holm")
    gone = tallies.hidden[tallies.hidden["cut"] == "moment × channel"]
    assert ("pick", "fax") in gone[pair].itertuples(index=False, name=None)
    return pd.concat(journey_of(told, part, {}) for part in ("margins", "flows", "standardised"))


def test_what_is_told_of_cells_is_the_same_whatever_the_hidden_ones_said() -> None:
    pd.testing.assert_frame_equal(hidden(1), hidden(5))


def test_a_place_has_what_is_told_of_it_and_no_other(survey: cx.Responses) -> None:
    given: dict[str, Any] = {"period": "year", "rest": True}
    by = ["stage", "channel", "moment"]
    with pytest.raises(cx.CxError, match="stage"):
        cx.tally(survey, ["csat"], by, **given)
    by = ["touchpoint", "channel", "moment"]
    tallies = mask(cx.tally(survey, ["csat"], by, [(), by[:1], by], **given))
    declared = {"metrics": ["csat"], "margins": [by[1:]], "flows": [], "standardised": [], "weakest": None}
    told = with_journey(tallies, survey, declared, {}, YEAR, by[:1], 0.95, "holm")
    assert journey_of(told, "margins", {}).empty
    assert set(journey_of(told, "margins", {"touchpoint": "sales talk"})["touchpoint"]) == {"sales talk"}


def firms() -> cx.Tallies:
    """Firms with answers at three moments in two channels; nobody met D in the shop."""
    rng = np.random.default_rng(1)
    rows = [(firm, moment, channel, one) for firm in "ABCD" for moment in ("use", "pay", "pick")
            for channel in ("web", "shop") if firm + channel != "Dshop" for one in rng.integers(1, 6, 45)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["firm", "moment", "channel", "csat"]).assign(day="2026-10-02")
    mapping = {"kind": "transactional", "columns": {"time": "day"}, "items": {"csat": "csat"},
               "dimensions": {name: name for name in ("firm", "moment", "channel")}}  # fmt: skip
    by = ["firm", "moment", "channel"]
    return mask(cx.tally(cx.read(frame, mapping), ["csat"], by, [(), by[:1], by], rest=True))


def test_all_places_at_once_are_told_as_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """And scores are estimated once for each pair, however many places there are."""
    pair = ["moment", "channel"]
    for told in (cx.margins, cx.flows, cx.standardised):
        tallies = firms()
        found = told(tallies, "2026-10", pair, by=["firm"])
        for firm in "ABCD":
            own = told(tallies, "2026-10", pair, where={"firm": firm})
            of_firm = found[found["firm"] == firm].reset_index(drop=True)
            pd.testing.assert_frame_equal(of_firm, own, check_dtype=False)
    nobody = cx.standardised(tallies, "2026-10", pair, where={"firm": "D"}).iloc[0]
    assert nobody[["within_levels", "verdict", "reason"]].tolist() == [0, "too few", "few answers"]
    calls, estimated = [], margins._estimated
    monkeypatch.setattr(margins, "_estimated", lambda *given: calls.append(given) or estimated(*given))
    declared = {"metrics": ["csat"], "margins": [pair], "flows": [pair], "standardised": [pair], "weakest": None}
    survey: Any = None  # is read for the weakest links only
    with_journey(tallies, survey, declared, {}, "2026-10", ["firm"], 0.95, "holm")
    assert len(calls) == 3


@pytest.mark.parametrize(("call", "words"), [
    (lambda t: cx.margins(t, YEAR, ["moment"]), "dimensions: expected two, found moment"),
    (lambda t: cx.margins(t, YEAR, ["moment", "touchpoint"]), "was not tallied; declared are"),
    (lambda t: cx.margins(t, YEAR, PAIRS[2], by=["moment"]), "by: 'moment' is one of the two dimensions"),
    (lambda t: cx.flows(t, YEAR, ["moment", "came_from"]), "'came_from': expected the last dimension"),
    (lambda t: cx.standardised(t, YEAR, PAIRS[3], correction="none"), "correction: 'none' is unknown"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(tallies: cx.Tallies, call: Any, words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        call(tallies)


# Over seeds -----------------------------------------------------------------------------------------------------------


def seeds(numbers: range) -> Iterator[tuple[bool, bool]]:
    """Whether anything is called where nothing is planted, and whether a bot that fails at maintaining is found.

    Bots are a channel here: beside `human_or_bot` the channels of people would be what differs between moments.
    """
    mapping = {
        "kind": "transactional", "timezone": write.TIMEZONE, "year_starts": "November",
        "columns": {name: name for name in ("respondent", "time", "weight")},
        "items": {"csat": {"column": "csat", "missing": [99]}},
        "dimensions": {"moment": "moment", "channel": "channel"},
    }  # fmt: skip
    pair = ["moment", "channel"]
    for seed in numbers:
        frame = write.sample(seed)["responses"]
        bot = frame["human_or_bot"] == "bot"
        frame["channel"] = frame["channel"].mask(bot, "bot")
        happy = (frame["moment"] == "maintain") & bot & frame["csat"].isin([4, 5])
        falls = np.random.default_rng(seed).random(len(frame)) < 25 / 60  # of 60 % down to 35 %
        called = []
        for said in (frame, frame.assign(csat=frame["csat"].mask(happy & falls, 2))):
            tallies = cx.tally(cx.read(said, mapping), ["csat"], pair, [pair], "year")
            found = cx.margins(tallies, YEAR, pair)
            called.append(found.loc[found["verdict"] == "differs", pair].to_numpy().tolist())
        write._drawn.cache_clear()
        yield bool(called[0]), ["maintain", "bot"] in called[1]


def test_a_planted_interaction_is_found() -> None:
    ((_, found),) = seeds(range(2026, 2027))
    assert found


@pytest.mark.slow
def test_a_planted_interaction_is_found_and_none_is_called_without() -> None:
    made = list(seeds(range(200)))
    called, found = (sum(part) / len(made) for part in zip(*made, strict=True))
    print(called, found)
    assert found >= 0.8
    assert called <= 0.1 + 3 * np.sqrt(0.09 / len(made))
