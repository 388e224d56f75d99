"""Who leaves: the sample and a real file against pandas and statsmodels; no month knows what came after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.runs.params import kit_notebook
from cxkit.sample.write import sample
from cxkit.schema import MONTH
from cxkit.stats import event_rate, hazard_ratio, logrank

RETENTION = kit_notebook("params/mappings/retention.yaml")
MONTHS = [str(month) for month in pd.period_range("2025-11", "2026-10", freq="M")]
TELCO = Path(__file__).parents[3] / "shared" / "data" / "telco" / "Telco-Customer-Churn.csv"
BEFORE = ["under 7", "7 to under 9", "9 or more", "(blank)"]
needs_telco = pytest.mark.skipif(not TELCO.exists(), reason="the telephone company's customers are not on this machine")


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """With the class of the last NPS before the window, by pandas."""
    frames = sample()
    said = frames["responses"]
    said = said[said["time"].dt.tz_convert("Europe/Berlin") < "2025-11-01"].dropna(subset=["respondent"])
    latest = said.sort_values("time").groupby("respondent").tail(1).set_index("respondent")["nps"]
    frame = frames["customers"]
    score = frame["respondent"].map(latest).astype("float64")
    cut = np.select([score.between(0, 6), score.between(7, 8), score.between(9, 10)], BEFORE[:3], BEFORE[3])
    return frame.assign(joined=pd.to_datetime(frame["joined"]), left=pd.to_datetime(frame["churned_on"]), before=cut)


@pytest.fixture(scope="module")
def tallies() -> cx.Tallies:
    survey = cx.read("sample customers", RETENTION)
    return cx.tally(survey, ["churn"], by=["nps_before", "region"], levels=[(), ("nps_before",), ("region",)])


def at_risk(frame: pd.DataFrame, month: str) -> pd.DataFrame:
    start, end = pd.Timestamp(month), pd.Timestamp(month) + pd.offsets.MonthBegin()
    there = frame[(frame["joined"] < start) & ~(frame["left"] < start)]
    return there.assign(lost=there["left"] < end)


def test_churn_is_told_of_those_who_were_there_at_the_start(tallies: cx.Tallies, customers: pd.DataFrame) -> None:
    """September 2026: 19,334 at risk, 327 lost, 1.691 %; and so every month of the window."""
    found = cx.estimate(tallies, by=()).set_index("period")
    assert found.index.tolist() == MONTHS
    for month in MONTHS:
        there = at_risk(customers, month)
        assert found.loc[month, "n"] == len(there)
        assert found.loc[month, "value"] == pytest.approx(100 * there["lost"].mean())
    assert found.loc["2026-09", ["n", "value"]].tolist() == pytest.approx([19334, 100 * 327 / 19334])


def test_detractors_leave_more_often_and_nothing_looks_ahead(tallies: cx.Tallies, customers: pd.DataFrame) -> None:
    """Observed and expected month by month in pandas; the planted hazards make detractors about twice promoters."""
    found = cx.hazards(tallies, "churn", "nps_before").set_index("nps_before")
    months = pd.concat([at_risk(customers, month).assign(month=month) for month in MONTHS])
    cells = months.groupby(["month", "before"])["lost"].agg(d="sum", r="count").unstack()
    whole = cells["d"].sum(axis=1) / cells["r"].sum(axis=1)
    for name in BEFORE:
        observed, expected = cells["d"][name].sum(), (cells["r"][name] * whole).sum()
        rest = cells["d"].drop(columns=name).sum().sum(), cells["d"].sum().sum() - expected
        assert found.loc[name, "n"] == cells["r"][name].sum()
        assert found.loc[name, ["lost", "expected"]].tolist() == pytest.approx([observed, expected])
        ratio = observed / expected / (rest[0] / rest[1])
        half = 1.959964 * np.sqrt(1 / expected + 1 / rest[1])
        limits = [ratio, ratio * np.exp(-half), ratio * np.exp(half)]
        assert found.loc[name, ["value", "low", "high"]].tolist() == pytest.approx(limits)
        assert found.loc[name, "rate"] == pytest.approx(100 * observed / cells["r"][name].sum())
        others = months[months["before"] != name].groupby("month")["lost"].mean()
        otherwise = months["month"].map(others).sum()  # if all left as these do
        assert found.loc[name, "attributable"] == pytest.approx(100 * (1 - otherwise / months["lost"].sum()))
    assert found.loc[BEFORE, "verdict"].tolist() == ["higher", "no evidence", "lower", "no evidence"]
    assert found.loc["under 7", "value"] / found.loc["9 or more", "value"] == pytest.approx(2, abs=0.35)
    assert set(cx.hazards(tallies, "churn", "region")["verdict"]) == {"no evidence"}  # of which nothing is planted


def test_shuffled_classes_do_not_leave_more_often(customers: pd.DataFrame) -> None:
    rng, claimed = np.random.default_rng(10), 0
    parts = [at_risk(customers, month) for month in MONTHS]
    for _ in range(100):
        chosen = pd.Series(rng.random(len(customers)) < 0.2, index=customers.index)
        cells = [[(part["lost"] & chosen[part.index]).sum(), chosen[part.index].sum(), part["lost"].sum(), len(part)]
                 for part in parts]  # fmt: skip
        d1, r1, d, r = np.array(cells, float).T
        claimed += hazard_ratio(d1, r1, d - d1, r - r1).pvalue < 0.05
    assert claimed <= 12  # of 100 at level .05: more than 12 come once in 700


MAPPING: dict[str, Any] = {
    "kind": "relationship",
    "columns": {"respondent": "id"},
    "monthly": {"from": "joined", "to": "left", "until": "2026-04-01"},
    "items": {"churn": "month.lost"},
    "dimensions": {"tenure": {"column": "month.tenure", "bands": [1]}},
}


def test_months_begin_after_joining_and_end_with_leaving_or_the_export() -> None:
    frame = pd.DataFrame({
        "id": ["stays", "leaves", "first day", "same month", "backwards", "nobody", "after"],
        "joined": ["2026-01-10", "2025-12-31", "2026-02-01", "2026-02-03", "2026-02-03", "", "2026-03-30"],
        "left": ["", "2026-03-01", "2026-02-20", "2026-02-20", "2026-01-01", "", ""],
    })  # fmt: skip
    survey = cx.read(frame, MAPPING)
    table = survey.table.to_pyarrow().to_pandas()
    found = {(row.respondent, str(row.time)[:7]): int(row.churn) for row in table.itertuples()}
    assert found == {
        ("stays", "2026-02"): 0, ("stays", "2026-03"): 0,
        ("leaves", "2026-01"): 0, ("leaves", "2026-02"): 0, ("leaves", "2026-03"): 1,
    }  # fmt: skip
    assert survey.refused.set_index("reason")["n"].to_dict() == {
        "left lies before joined": 1, "no time in joined, or one that cannot be read": 1,
    }  # fmt: skip
    assert dict(table.groupby("tenure")["churn"].count()) == {"under 1": 2, "1 or more": 3}


@pytest.mark.parametrize(("change", "words"), [
    ({"monthly": {"from": "joined", "to": "left", "until": "soon"}}, "monthly.until: expected a moment"),
    ({"columns": {"respondent": "id", "time": "joined"}}, "monthly: makes the rows and their time"),
    ({"dimensions": {"x": "month.lots"}}, "dimensions.x: the column 'month.lots' .* 'month.lost'"),
    ({"joins": {"said": {"source": "sample", "key": {"id": "respondent"}, "latest": "time"}}}, "know what came after"),
    ({"joins": {"said": {"source": "sample", "key": {"id": "respondent"}, "latest": "time", "before": "2026-05-01"}},
      "monthly": {"from": "joined", "to": "left", "until": "2026-04-01", "since": "2026-01-01"}},
     "joins.said.before: `monthly.since` has to be no earlier"),
])  # fmt: skip
def test_what_looks_ahead_or_does_not_fit_is_refused(change: dict[str, Any], words: str) -> None:
    frame = pd.DataFrame({"id": ["a"], "joined": ["2026-01-10"], "left": [""]})
    with pytest.raises(cx.CxError, match=words):
        cx.read(frame, MAPPING | change)


def test_nothing_is_told_of_a_hidden_level() -> None:
    """Nine people, who all stay or all leave: what is told of the others is the same to the last bit."""
    rng = np.random.default_rng(3)
    left = pd.Series(rng.integers(1, 12, 309)).map(lambda month: f"2026-{month:02d}-15" if month < 4 else "")
    frame = pd.DataFrame(
        {"id": range(309), "joined": "2025-12-10", "left": left, "place": rng.choice(["a", "b", "c"], 309)}
    )
    frame.loc[300:, "place"] = "few"
    told = []
    for when in ("", "2026-03-10"):  # the last month, so that bases are the same
        frame.loc[300:, "left"] = when
        survey = cx.read(frame.astype(str), MAPPING | {"dimensions": {"place": "place"}})
        told.append(
            cx.hazards(mask(cx.tally(survey, ["churn"], by=["place"], levels=[(), ("place",)])), "churn", "place")
        )
    pd.testing.assert_frame_equal(*told)
    assert told[0]["attributable"].isna().all()  # else it would be a share of those who are shown
    assert sorted(told[0].loc[told[0]["value"].notna(), "place"]) == ["a", "b"]  # c would give the few away


def test_months_are_no_quarters() -> None:
    survey = cx.read("sample customers")
    with pytest.raises(cx.CxError, match="period: the mapping makes a row for each month"):
        cx.tally(survey, ["churn"], period="quarter")


@pytest.fixture(scope="module")
def telco() -> cx.Tallies:
    survey = cx.read({"path": str(TELCO), "wave": "a"}, kit_notebook("params/mappings/telco.yaml"))
    return cx.tally(survey, ["churn", "tenure"], by=["contract", "payment"], period="wave",
                    levels=[(), ("contract",), ("payment",)])  # fmt: skip


@needs_telco
def test_real_customers_are_counted_as_pandas_and_statsmodels_count_them(telco: cx.Tallies) -> None:
    """26.5 % of 7,043; survival, log-rank test and customer-months as statsmodels 0.15 and pandas have them."""
    frame = pd.read_csv(TELCO).assign(left=lambda t: t["Churn"].eq("Yes"))
    (row,) = cx.estimate(telco, by=(), metrics=["churn"]).to_dict("records")
    assert (row["n"], round(row["value"], 1)) == (7043, 26.5)
    assert row["value"] == pytest.approx(100 * frame["left"].mean())
    for contract, own in frame.groupby("Contract"):
        fitted = SurvfuncRight(own["tenure"], own["left"])
        marks = cx.curve(telco, "tenure", where={"contract": str(contract)}, by=["contract"])
        for months, mark in ((12, 526000), (24, 1050000), (48, 2100000)):
            found = marks[marks["after"] == mark].iloc[0]
            left = fitted.surv_prob[fitted.surv_times <= months]
            assert found["value"] == pytest.approx(100 * (1 - (left[-1] if len(left) else 1)), abs=1e-6)
            assert found["at_risk"] == (own["tenure"] > months).sum()
            inside = fitted.surv_times < months
            area = np.diff([0, *fitted.surv_times[inside], months]) @ [1, *fitted.surv_prob[inside]]
            assert found["restricted"] == pytest.approx(area * MONTH, rel=3e-3)  # times are rounded to three digits
    found = cx.hazards(telco, "tenure", "payment").set_index("payment")
    for payment, own in frame.groupby("PaymentMethod"):
        _, p = survdiff(frame["tenure"], frame["left"], frame["PaymentMethod"] == payment)
        assert found.loc[payment, "pvalue"] == pytest.approx(p, rel=1e-6)
        assert found.loc[payment, ["n", "lost"]].tolist() == [len(own), own["left"].sum()]
        assert found.loc[payment, "rate"] == pytest.approx(100 * own["left"].sum() / own["tenure"].sum(), rel=2e-3)
    assert found.loc["Mailed check", "verdict"] == "no evidence"
    assert cx.hazards(telco, "tenure", "contract").set_index("contract").loc["Month-to-month", "verdict"] == "higher"


def test_open_cases_of_a_column_are_for_durations() -> None:
    frame = pd.DataFrame({"wave": ["a"], "score": [4], "gone": ["no"]})
    data = {"kind": "relationship", "columns": {"wave": "wave"}}
    data["items"] = {"csat": {"column": "score", "still_open": {"gone": ["no"]}}}
    with pytest.raises(cx.CxError, match=r"items.csat.still_open: is for durations"):
        cx.read(frame, data)


# Garwood (1936): limits of the mean of a Poisson count, as in Pearson and Hartley, Biometrika Tables I, table 40
GARWOOD = [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390), (30, 20.241, 42.827)]


@pytest.mark.parametrize(("events", "low", "high"), GARWOOD)
def test_limits_of_a_rate_are_those_of_the_tables(events: int, low: float, high: float) -> None:
    found = [float(part) for part in event_rate(events, 2.0)]
    assert found == pytest.approx([events / 2, low / 2, high / 2], abs=6e-4)


def test_a_hazard_ratio_has_the_log_rank_tests_p() -> None:
    now, before = ([5, 8, 9], [1, 1, 1], [0, 0, 0]), ([1, 2, 6], [1, 1, 1], [0, 0, 0])
    times = [1, 2, 5, 6, 8, 9]
    risk = [[3, 3, 3, 2, 2, 1], [3, 2, 1, 1, 0, 0]]
    events = [[0, 0, 1, 0, 1, 1], [1, 1, 0, 1, 0, 0]]
    assert len(times) == len(risk[0])
    assert hazard_ratio(events[0], risk[0], events[1], risk[1]).pvalue == pytest.approx(logrank(now, before).pvalue)
