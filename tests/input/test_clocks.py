"""Durations between two clocks: what is read, what is open, what is refused; and the public event log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy import stats

import cxkit as cx
from cxkit.stats import logrank

ROWS = [  # opened, solved, last seen, what becomes of it: minutes, or a refusal
    ("2026-10-01 08:00", "2026-10-01 09:30", "", 90.0),
    ("2026-10-24 12:00", "2026-10-25 12:00", "", 1500.0),  # 25 hours: clocks went back in Berlin that night
    ("2026-10-02 08:00", "?", "2026-10-02 10:00", "open, 120"),
    ("2026-10-02 08:00", "", "", "last seen cannot be read"),
    ("2026-10-03 08:00", "2026-10-03 07:59", "", "solved lies before opened"),
    ("2026-10-03 08:00", "soon", "", "time in solved that cannot be read"),
    ("2026-10-03 08:00", "", "2026-10-01", "opened after it was last seen"),
]
ITEM = {"from": "opened", "to": "solved", "missing": ["?"]}


EARLIER = "earlier than the latest row of its kind"
TIED = "as late as the latest row of its kind, of which one was taken"


def read(frame: pd.DataFrame | Path, item: dict[str, Any] | None = None, **more: Any) -> cx.Responses:
    mapping = {
        "kind": "transactional",
        "timezone": "Europe/Berlin",
        "columns": {"time": "opened", **more.pop("columns", {})},
        "items": {"full_resolution": item or ITEM | {"open_until": "seen"}},
        **more,
    }
    return cx.read(frame, mapping)


def table() -> pd.DataFrame:
    return pd.DataFrame([row[:3] for row in ROWS], columns=["opened", "solved", "seen"])


def test_every_case_is_a_duration_an_open_one_or_a_counted_refusal() -> None:
    survey = read(table())
    counts = cx.tally(survey, ["full_resolution"]).counts
    found = counts[["answer", "n", "open"]].to_numpy().tolist()
    assert found == [[90.0, 1, 0], [120.0, 1, 1], [1500.0, 1, 0]]
    assert survey.refused["n"].tolist() == [1] * 4
    for row in ROWS:
        if isinstance(row[3], str) and "open, " not in row[3]:
            assert survey.refused["reason"].str.contains(row[3]).sum() == 1


def test_open_cases_are_refused_where_nobody_says_when_they_were_last_seen() -> None:
    refused = read(table(), ITEM).refused
    assert refused.set_index("reason").loc["still open, and no `open_until` says when it was last seen", "n"] == 3


def test_one_moment_may_hold_for_all_open_cases_and_tallies_with_them_add_and_come_back(tmp_path: Path) -> None:
    survey = read(table(), ITEM | {"open_until": "2026-11-01"})
    whole = cx.tally(survey, ["full_resolution"])
    assert whole.counts["open"].sum() == 3
    back = cx.load(cx.save(whole, tmp_path / "t.parquet"))
    pd.testing.assert_frame_equal(back.counts, whole.counts)
    frame = pq.read_table(tmp_path / "t.parquet")
    about = json.loads(frame.schema.metadata[b"cxkit"])
    del about["columns"]["counts"]["open"]  # as tallies were before a duration could be open
    write(frame.drop_columns("open"), about, tmp_path / "old.parquet")
    old = cx.load(tmp_path / "old.parquet")
    assert old.counts["open"].tolist() == [0] * len(whole.counts)
    assert cx.estimate(cx.add(old, whole))["n"].tolist() == [2 * n for n in cx.estimate(whole)["n"]]
    both = cx.add(whole, whole)
    assert (both.counts["open"] == 2 * whole.counts["open"]).all()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda about: about.pop("compared"), "no compared"),
        (lambda about: about["columns"].pop("hidden"), "no hidden"),
        (lambda about: about["columns"]["counts"].pop("w2"), "no w2"),
        (lambda about: about["by"].append("open"), "a dimension open"),
        (lambda about: about.update(place={"made": {"before": "2026-09"}}), "no comparisons, .*no list of periods"),
    ],
)
def test_tallies_of_another_version_are_refused_with_their_name(spoil: Any, words: str, tmp_path: Path) -> None:
    path = cx.save(cx.tally(read(table()), ["full_resolution"]), tmp_path / "t.parquet")
    frame = pq.read_table(path)
    about = json.loads(frame.schema.metadata[b"cxkit"])
    spoil(about)
    write(frame, about, tmp_path / "odd.parquet")
    with pytest.raises(cx.CxError, match=rf"odd.parquet: was written by another version .*{words}.*tally .* anew"):
        cx.load(tmp_path / "odd.parquet")


def write(frame: Any, about: dict[str, Any], path: Path) -> None:
    pq.write_table(frame.replace_schema_metadata({b"cxkit": json.dumps(about).encode()}), path)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"from": "opened"}, "both `from` and `to`"),
        ({"column": "x", "to": "solved"}, "either `column`, or both"),
        ({"column": "x", "open_until": "seen"}, "open_until: is for durations"),
        ({"from": "opened", "to": "solved", "unit": "hours"}, "neither labels nor scale nor unit"),
        ({"from": "opened", "to": "sovled"}, "items.full_resolution.to: the column 'sovled'.*'solved'"),
    ],
)
def test_a_faulty_item_is_refused_with_its_key(item: dict[str, Any], words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        read(table(), item)


def test_open_cases_with_weights_are_refused() -> None:
    survey = read(table().assign(w=1.0), columns={"weight": "w"})
    with pytest.raises(cx.CxError, match=r"items.full_resolution: open cases are not estimated with weights"):
        cx.tally(survey, ["full_resolution"])


def test_only_the_latest_row_of_a_thing_counts() -> None:
    frame = pd.DataFrame({"id": ["a", "a", "b", "a", None], "step": ["2", "10", "1", "9", "1"], "nps": [1, 2, 3, 4, 5]})
    frame["wave"] = "1"
    columns = {"response": "id", "wave": "wave"}
    mapping = {
        "kind": "transactional",
        "columns": columns,
        "latest": {"per": "id", "by": "step"},
        "items": {"nps": "nps"},
    }
    survey = cx.read(frame, mapping)
    assert sorted(cx.tally(survey, ["nps"], period="wave").counts["answer"]) == [2, 3, 5]
    assert survey.refused[["reason", "n"]].to_numpy().tolist() == [[EARLIER, 2]]


def test_of_rows_that_tie_the_order_does_not_decide_and_they_are_counted() -> None:
    rows = [("a", "1", "x", 3), ("a", "2", "y", 9), ("a", "2", "x", 9), ("a", "2", "x", 4), ("b", "?", "x", 7),
            ("b", "", "y", 1), ("c", "1", "x", 5)]  # fmt: skip
    mapping = {
        "kind": "transactional",
        "columns": {"response": "id", "wave": "wave"},
        "latest": {"per": "id", "by": "step"},
        "items": {"nps": "nps"},
        "dimensions": {"team": "team"},
    }
    found = set()
    for order in ([0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [3, 5, 1, 0, 6, 4, 2]):
        frame = pd.DataFrame([rows[i] for i in order], columns=["id", "step", "team", "nps"]).assign(wave="1")
        survey = cx.read(frame, mapping)
        assert survey.refused.set_index("reason")["n"].to_dict() == {TIED: 3, EARLIER: 1}
        counts = cx.tally(survey, ["nps"], by=["team"], period="wave").counts
        found.add(tuple(counts.loc[counts["cut"] == "team", ["team", "answer"]].itertuples(index=False, name=None)))
    assert len(found) == 1


def lifetimes(counts: pd.DataFrame) -> tuple[Any, Any, Any]:
    return counts["answer"], counts["n"] - counts["open"], counts["open"]


def oracle(counts: pd.DataFrame) -> float:
    """The median of scipy's own survival curve of the single cases."""
    time, ended, censored = (np.asarray(part) for part in lifetimes(counts))
    data = stats.CensoredData(np.repeat(time, ended), right=np.repeat(time, censored))
    curve = stats.ecdf(data).sf
    return float(curve.quantiles[np.flatnonzero(curve.probabilities <= 0.5 + 1e-12)[0]])


def test_the_public_event_log_of_a_service_desk() -> None:
    log = Path(__file__).parents[2].parent / "shared" / "data" / "servicedesk" / "incident_event_log.csv"
    if not log.exists():
        pytest.skip("the public files are not beside this folder")
    mapping = {
        "kind": "transactional",
        "time_format": "%d-%m-%Y %H:%M",
        "columns": {"response": "number", "time": "opened_at"},
        "latest": {"per": "number", "by": "sys_updated_at"},
        "items": {
            "full_resolution": {"from": "opened_at", "to": "resolved_at", "open_until": "closed_at", "missing": ["?"]}
        },
    }
    survey = cx.read(log, mapping)
    assert survey.refused[["reason", "n"]].to_numpy().tolist() == [[EARLIER, 5106], [TIED, 2]]
    tallies = cx.tally(survey, ["full_resolution"])
    counts = tallies.counts
    assert (counts["n"].sum(), counts["open"].sum()) == (890, 29)  # 29 were closed without a time of resolution
    found = cx.estimate(tallies).set_index("period")
    sides = {period: counts[counts["period"] == period] for period in ("2016-02", "2016-03")}
    for period, part in sides.items():
        assert found.loc[period, "value"] == oracle(part)
        assert found.loc[period, "low"] < found.loc[period, "value"] < found.loc[period, "high"]
    assert found.loc["2016-02", "note"] == "9 of 207 still open"
    assert "Kaplan-Meier with Brookmeyer-Crowley limits" in found.loc["2016-02", "method"]
    moved = cx.compare(tallies, "2016-03", "2016-02").iloc[0]
    assert moved["shift"] == found.loc["2016-03", "value"] - found.loc["2016-02", "value"]
    assert (moved["pvalue"] < 0.05) == (moved["low"] > 0 or moved["high"] < 0)
    expected = logrank(lifetimes(sides["2016-03"]), lifetimes(sides["2016-02"])).pvalue
    assert (moved["pvalue"], moved["note"]) == (pytest.approx(expected), "")
    back = cx.compare(tallies, "2016-02", "2016-03").iloc[0]
    turned = [-moved["change"], -moved["high"], moved["pvalue"]]
    assert back[["change", "low", "pvalue"]].tolist() == pytest.approx(turned)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_clocks_of_any_precision_and_zone_are_read_from_frames_and_parquet(unit: str, tmp_path: Path) -> None:
    # pandas writes nanoseconds and makes seconds of days; databases mix neither with microseconds.
    local = pd.DataFrame({"opened": ["2026-10-01 08:00"] * 3, "solved": ["2026-10-01 11:00", "2026-10-01 11:00", None]})
    for zone in (None, "UTC", "Europe/Berlin"):
        made = local.apply(lambda column: pd.to_datetime(column).astype(f"datetime64[{unit}]").dt.tz_localize(zone))  # noqa: B023
        made.to_parquet(path := tmp_path / f"{unit}.parquet")
        for source in (made, path):
            survey = read(source, ITEM | {"open_until": "2026-10-03"})
            counts = cx.tally(survey, ["full_resolution"]).counts
            assert counts["answer"].iloc[0] == 180.0
            assert counts[["n", "open"]].to_numpy().tolist() == [[2, 0], [1, 1]]
