"""What is told beside the counts (what goes with a score, curves, open cases) gives no hidden cell or person away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis import privacy
from cxkit.analysis.drivers import drivers_of, with_drivers
from cxkit.analysis.gradient import gradient_of, with_gradient
from cxkit.runs.history import compatible

KEY = "0123456789abcdef"
ITEMS = ["x1", "x2", "web"]


def answers(n: int, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=n)
    frame = pd.DataFrame({"who": np.arange(n).astype(str), "day": "2026-10-02", "shop": "A"})
    for name in ITEMS:
        frame[name] = np.clip(np.round(3 + mood / 2 + rng.normal(size=n)), 1, 5)
    return frame.assign(nps=np.clip(np.round(7 + mood + (frame["x1"] - 3) / 2 + rng.normal(size=n)), 0, 10))


def tallied(frame: pd.DataFrame, metrics: list[str], by: list[str]) -> tuple[cx.Tallies, cx.Tallies]:
    """Tallies before and after anything is hidden, with what goes with NPS."""
    rating = {"measure": "mean", "scale": [1, 5], "better": "higher"}
    items = {"nps": "nps", **{name: {"column": name} | rating for name in ITEMS}}
    columns = {"time": "day", "respondent": "who"}
    survey = cx.read(
        frame, {"kind": "transactional", "columns": columns, "items": items, "dimensions": {"shop": "shop"}}
    )
    whole = cx.tally(survey, metrics, by=by)
    declared = {"outcome": "nps", "items": ITEMS}
    return whole, with_drivers(privacy.mask(whole), survey, declared, {}, "2026-10", by, 0.95)


def test_a_hidden_item_of_a_place_hides_what_it_goes_with() -> None:
    frame = pd.concat([answers(300, i).assign(shop=shop) for i, shop in enumerate("ABC")], ignore_index=True)
    frame["who"] = frame.index.astype(str)
    for shop, kept in {"A": 120, "B": 60, "C": 7}.items():
        frame.loc[frame.index[frame["shop"] == shop][kept:], "web"] = np.nan
    months = [answers(300, m).assign(day=f"2026-{m:02}-02", shop="A") for m in range(1, 10)]
    sparse = [month.assign(web=month["web"].where(month["web"] > 3)) for month in months]  # web: a family of its own
    _, masked = tallied(pd.concat([frame, *sparse], ignore_index=True), ["nps", *ITEMS], ["shop"])
    gone = set(masked.hidden.loc[(masked.hidden["item"] == "web") & (masked.hidden["period"] == "2026-10"), "shop"])
    assert "C" in gone
    assert len(gone) == 2
    for shop in gone:
        assert drivers_of(masked, {"shop": shop})["performance"].isna().all()


@pytest.mark.parametrize(("lost", "told"), [(0, True), (1, False), (9, False), (10, True)])
def test_few_who_did_not_answer_everything_hide_what_goes_with_a_score(lost: int, told: bool) -> None:
    """Score of all times their number less rating of the complete ones times theirs: what the others said."""
    frame = answers(150)
    frame.loc[: lost - 1, "web"] = np.nan
    _, masked = tallied(frame, ["nps", *ITEMS], [])
    assert drivers_of(masked, {})["performance"].notna().any() == told


def test_a_late_answer_that_no_count_holds_does_not_come_out_of_two_runs() -> None:
    late = answers(300)
    early = late.assign(web=late["web"].where(late.index > 0))
    records = [privacy.record(*tallied(frame, ["nps"], []), KEY) for frame in (early, late)]
    assert not compatible(*records, 10)
    assert compatible(records[0], records[0], 10)
    unmarked = [record.assign(beside="") for record in records]
    assert compatible(*unmarked, 10)  # the counts alone would let it pass


def tickets() -> cx.Tallies:
    """Of six cases by fax all were open long, of the others most had ended."""
    rng = np.random.default_rng(1)
    rows = [(channel, minutes) for channel, n in (("phone", 120), ("mail", 90), ("chat", 40))
            for minutes in rng.exponential(60, n).round()]  # fmt: skip
    frame = pd.DataFrame([*rows, *[("fax", 2000.0)] * 6], columns=["channel", "minutes"])
    opened = pd.Timestamp("2026-10-02")
    frame = frame.assign(opened=opened, ended=opened + pd.to_timedelta(frame["minutes"], unit="m"))
    frame.loc[frame["minutes"] > 150, "ended"] = pd.NaT
    items = {"full_resolution": {"from": "opened", "to": "ended", "open_until": "2026-11-01"}}
    mapping = {
        "kind": "transactional",
        "columns": {"time": "opened"},
        "items": items,
        "dimensions": {"channel": "channel"},
    }
    return privacy.mask(cx.tally(cx.read(frame, mapping), ["full_resolution"], by=["channel"]))


def test_the_curve_and_the_open_cases_of_a_hidden_cell_are_no_difference() -> None:
    held = tickets()
    assert set(held.hidden["channel"].dropna()) == {"fax", "chat"}
    assert len(cx.curve(held, "full_resolution"))  # of the whole
    assert not len(cx.curve(held, "full_resolution", by=["channel"]))
    notes = cx.estimate(held, by=["channel"])["note"]
    assert not notes.str.contains(r"\d.* open").any()
    assert notes.str.contains("some are still open").any()
    # Of the whole neither: a page of a place of which all is shown may tell its own.
    assert cx.estimate(held, by=())["note"].str.startswith("some are still open").all()


def test_hazards_say_why_a_level_is_hidden() -> None:
    found = cx.hazards(tickets(), "full_resolution", "channel").set_index("channel")
    assert found.loc[["chat", "fax"], "reason"].to_dict() == {"chat": "given away", "fax": "few people"}


def banded(sizes: tuple[int, ...] = (60, 40, 15, 6), channel: str = "fax") -> tuple[cx.Tallies, cx.Tallies]:
    """Tallies before and after anything is hidden, with trends: the last band has few people, the third hides them."""
    rows = [(band, int(i % 3 > 0) * 4 + 1) for band, n in zip("abcd", sizes, strict=True) for i in range(n)]
    frame = pd.DataFrame(rows, columns=["band", "csat"]).assign(day="2026-10-02", ch="phone")
    frame.loc[frame.index % 3 == 0, "ch"] = "fax"
    frame.loc[0, "ch"] = channel
    dimensions = {"band": {"column": "band", "values": list("abcd")}, "ch": "ch"}
    mapping = {"kind": "transactional", "columns": {"time": "day"}, "items": {"csat": "csat"}, "dimensions": dimensions}
    survey = cx.read(frame, mapping)
    whole = cx.tally(survey, ["csat", "csat_mean"], by=["band"])
    declared = {"of": "band", "metrics": ["csat", "csat_mean"], "within": "ch"}
    return whole, with_gradient(privacy.mask(whole), survey, declared, {}, "2026-10", [], 0.95)


def test_a_band_that_is_hidden_is_in_the_trend_of_no_metric_of_its_item() -> None:
    _, masked = banded()
    assert set(masked.hidden["band"].dropna()) == {"c", "d"}
    told = gradient_of(masked, {})
    assert set(told.loc[told["within"] == "", "n"]) == {100}


def test_an_answer_that_changed_its_channel_does_not_come_out_of_two_runs() -> None:
    records = [privacy.record(*banded((60, 60, 60, 60), channel), KEY) for channel in ("fax", "phone")]
    assert not compatible(*records, 10)
    assert compatible(records[0], records[0], 10)
    unmarked = [record.assign(beside="") for record in records]
    assert compatible(*unmarked, 10)  # no count holds the channel
