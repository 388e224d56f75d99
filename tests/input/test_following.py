"""Who comes back: `measure: again` and `once` against pandas, in files and in a database, with what is refused."""

from __future__ import annotations

from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.sample.write import sample

LIMITED = {"within": "7 days", "open_until": "2026-11-01"}
MAPPING: dict[str, Any] = {
    "kind": "transactional",
    "columns": {"response": "id", "respondent": "who", "time": "opened"},
    "items": {"again": {"measure": "again", **LIMITED},
              "once": {"measure": "once", **LIMITED, "unless": {"reopened": ["yes"], "solved": ["(blank)"]}}},
    "dimensions": {"channel": "channel"},
}  # fmt: skip


def test_repeat_contacts_of_the_sample_are_those_of_pandas() -> None:
    """Of 1,086 tickets of September 2026 354 were followed by another one, 665 were solved at the first contact."""
    tickets = sample()["tickets"].fillna({"channel": "(blank)"}).sort_values(["opened", "ticket"], ignore_index=True)
    following = tickets.groupby("respondent")["opened"].shift(-1)
    again = following - tickets["opened"] <= pd.Timedelta("7D")
    tickets = tickets.assign(
        again=again, first_contact=~again & (tickets["reopened"] != "yes") & tickets["solved"].notna(),
        period=tickets["opened"].dt.tz_convert("Europe/Berlin").dt.strftime("%Y-%m"))  # fmt: skip
    exported = pd.Timestamp("2026-11-01", tz="Europe/Berlin")
    kept = tickets[tickets["respondent"].notna() & (exported - tickets["opened"] >= pd.Timedelta("7D"))]
    names = ["again", "first_contact"]
    tallies = cx.tally(cx.read("sample tickets"), names, by=["channel"], levels=[(), ("channel",)])
    for by in ([], ["channel"]):
        expected = kept.groupby(["period", *by])[names].agg(["mean", "size"])
        found = cx.estimate(tallies, by=by).set_index(["metric", "period", *by])
        for name in names:
            own = found.loc[name]
            own = own[own["n"] > 0]
            assert own["n"].to_dict() == expected[name]["size"].to_dict()
            assert own["value"].to_dict() == pytest.approx((100 * expected[name]["mean"]).to_dict())
    september = kept[kept["period"] == "2026-09"]
    assert (len(september), september["again"].sum(), september["first_contact"].sum()) == (1086, 354, 665)


def frame() -> pd.DataFrame:
    rows = [
        ("t1", "a", "2026-10-01 10:00", "phone", "no", "2026-10-02"),
        ("t2", "a", "2026-10-08 10:00", "chat", "no", "2026-10-09"),  # just seven days later
        ("t3", "a", "2026-10-15 10:01", "chat", "yes", "2026-10-16"),  # a minute more, and opened again
        ("t4", "b", "2026-10-05 09:00", "phone", "no", ""),  # never solved
        ("t5", "b", "2026-10-24 23:59", "phone", "no", "2026-10-25"),
        ("t6", "b", "2026-10-26 09:00", "phone", "no", "2026-10-26"),  # not watched for a week
        ("t7", "", "2026-10-05 09:00", "phone", "no", "2026-10-05"),
        ("t8", "", "2026-10-05 09:00", "phone", "no", "2026-10-05"),
        ("t9", "c", "2026-10-05 09:00", "phone", "no", "2026-10-05"),
        ("u1", "c", "2026-10-05 09:00", "chat", "no", "2026-10-05"),  # at the same moment: the second by its id
        ("u2", "d", "", "chat", "no", "2026-10-05"),  # no time, so that it follows nothing
        ("u3", "d", "2026-10-05 09:00", "chat", "no", "2026-10-05"),
    ]
    return pd.DataFrame(rows, columns=["id", "who", "opened", "channel", "reopened", "solved"])


AGAIN = {"t1": 1, "t2": 0, "t3": 0, "t4": 0, "t5": 1, "t9": 1, "u1": 0, "u3": 0}
ONCE = {"t1": 0, "t2": 1, "t3": 0, "t4": 0, "t5": 0, "t9": 0, "u1": 1, "u3": 1}
REFUSED = {"opened less than 7 days before 2026-11-01": 1, "no respondent": 2}


@pytest.mark.parametrize("place", ["frame", "turned", "database"])
def test_each_row_knows_the_next_one_of_its_customer(place: str) -> None:
    rows: Any = frame()[::-1] if place == "turned" else frame()
    if place == "database":
        rows = ibis.duckdb.connect().create_table("tickets", pa.Table.from_pandas(frame()))
    survey = cx.read(rows, MAPPING)
    said = survey.table.to_pyarrow().to_pandas().set_index("response")
    assert said["again"].dropna().to_dict() == AGAIN
    assert said["once"].dropna().to_dict() == ONCE
    for item in ("again", "once"):
        assert survey.refused[survey.refused["item"] == item].set_index("reason")["n"].to_dict() == REFUSED


def test_a_filter_does_not_take_the_next_contact_away() -> None:
    """Of t1, t4, t5 and t9, all by phone, three were followed by another one: two of these in the chat."""
    tallies = cx.tally(cx.read(frame(), MAPPING), ["again"], where={"channel": ["phone"]})
    assert cx.estimate(tallies, by=())[["n", "value"]].to_numpy().tolist() == [[4, 75.0]]


def test_few_customers_with_many_tickets_are_hidden() -> None:
    """Nine people who come every day are no base of ten, however many tickets they have."""
    days = pd.date_range("2026-10-01", periods=20, freq="D").strftime("%Y-%m-%d")
    rows = [(f"{place}{who}{day}", f"{place}{who}", day, place, "no", day)
            for place, people in (("x", 9), ("y", 30), ("z", 40)) for who in range(people) for day in days]  # fmt: skip
    held = pd.DataFrame(rows, columns=["id", "who", "opened", "channel", "reopened", "solved"])
    tallies = mask(cx.tally(cx.read(held, MAPPING), ["again", "once"], by=["channel"], levels=[(), ("channel",)]))
    found = cx.estimate(tallies, by=["channel"]).set_index(["metric", "channel"])
    assert found["value"].notna().groupby("channel").all().to_dict() == {"x": False, "y": True, "z": False}  # z less x


def test_bot_contacts_of_the_sample_without_a_human_one_are_those_of_pandas() -> None:
    """Of each bot contact the next one with a human, whatever lay between, within three days or not."""
    tickets = sample()["tickets"]
    bots = tickets[tickets["human_or_bot"] == "bot"].dropna(subset=["respondent"])
    humans = tickets[tickets["human_or_bot"] == "human"]
    both = bots.merge(humans, on="respondent", suffixes=("", "_human"))
    later = (both["opened_human"] > both["opened"]) & (both["opened_human"] - both["opened"] <= pd.Timedelta("3D"))
    handed = bots["ticket"].isin(both.loc[later, "ticket"])
    kept = pd.Timestamp("2026-11-01", tz="Europe/Berlin") - bots["opened"] >= pd.Timedelta("3D")
    period = bots["opened"].dt.tz_convert("Europe/Berlin").dt.strftime("%Y-%m")
    expected = (~handed)[kept].groupby(period[kept]).agg(["size", "mean"])
    survey = cx.read("sample tickets")
    found = cx.estimate(cx.tally(survey, ["contained"]), by=()).set_index("period")
    assert found["n"].to_dict() == expected["size"].to_dict()
    assert found["value"].to_dict() == pytest.approx((100 * expected["mean"]).to_dict())
    refused = survey.refused[survey.refused["item"] == "contained"].set_index("reason")["n"]
    assert refused["not of the kind that is asked about"] == (tickets["human_or_bot"] != "bot").sum()


OF = {"of": {"channel": ["phone"]}, "next": {"channel": ["chat"]}}


@pytest.mark.parametrize("place", ["frame", "database"])
def test_a_later_row_of_another_kind_is_passed_over(place: str) -> None:
    """After t5 b came once more by phone, which is no chat; of c a row of the same moment is the next by its id."""
    rows: Any = frame()
    if place == "database":
        rows = ibis.duckdb.connect().create_table("tickets", pa.Table.from_pandas(frame()))
    items = {name: {"measure": name, **LIMITED, **OF} for name in ("again", "once")}
    said = cx.read(rows, MAPPING | {"items": items}).table.to_pyarrow().to_pandas().set_index("response")
    assert said["again"].dropna().to_dict() == {"t1": 1, "t4": 0, "t5": 0, "t9": 1}
    assert said["once"].dropna().to_dict() == {"t1": 0, "t4": 1, "t5": 1, "t9": 0}


@pytest.mark.parametrize(("change", "words"), [
    ({"items": {"nps": {"column": "id", "of": {"channel": ["phone"]}}}}, "of: says which rows `measure: again` or"),
    ({"items": {"back": {"measure": "again", **LIMITED, "next": {"chanel": ["chat"]}}}}, "items.back.next.chanel: the"),
    ({"columns": {"response": "id", "time": "opened"}}, "columns: `measure: again` and `once` need response"),
    ({"items": {"back": {"measure": "again"}}}, "within: the limit belongs to"),
    ({"items": {"back": {"measure": "again", "within": "7 days"}}}, "open_until: `within` needs the moment"),
    ({"items": {"back": {"measure": "once", **LIMITED, "column": "id"}}}, "column: `measure: once` is about the time"),
    ({"items": {"nps": {"column": "id", "within": "7 days"}}}, "within: the limit belongs to"),
    ({"kind": "relationship"}, "declare their items as transactional"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        cx.read(frame(), MAPPING | change)
