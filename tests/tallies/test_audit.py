"""The audit: facts counted by hand, and broken tallies that its checks have to notice."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cxkit as cx
from cxkit.input.responses import Responses
from cxkit.tallies.audit import SUMS, audit, audited, kept, spelled
from cxkit.tallies.quality import elsewhere, partial
from cxkit.tallies.tallies import Tallies

MAPPING = {
    "kind": "transactional",
    "timezone": "Europe/Berlin",
    "columns": {"response": "id", "respondent": "who", "time": "at", "weight": "w"},
    "items": {
        "nps": {"column": "score", "missing": {99: "refused"}},
        "recommended": "r", "exceeded": "e", "would_switch": "s",
    },
    "dimensions": {"day": "day"},
}  # fmt: skip
ROWS = pd.DataFrame(
    {
        "id": ["1", "2", "3", "4", "5", "6", "6"],
        "who": ["a", "a", "b", "c", None, "d", "d"],
        "at": ["2025-11-03", "2025-12-03", "2026-01-05", "2026-01-06", "2026-01-07", "2026-01-20 12:00", "2026-01-20"],
        "w": ["1", "3", "1", "1", "1", "1", "1"],
        "score": ["10", "9", "11", "99", "0", "x", "5"],
        "r": ["1", "1", "0", "0", "1", "1", "1"],
        "e": ["1", "0", "0", "0", "1", "", "1"],
        "s": ["1", "0", "0", "1", "1", "1", "1"],
        "day": ["SAT", "SUN", "1", "2", "1", "2", "2"],
    }
)


@pytest.fixture(scope="module")
def audited_rows() -> tuple[Responses, Tallies, dict[str, pd.DataFrame]]:
    survey = cx.read(ROWS, MAPPING)
    tallies = cx.tally(survey, ["nps", "recommended"], by=["day"])
    return survey, tallies, audit(survey, tallies, invited={"2026-01": 40, "2026-02": 0})


def facts(found: dict[str, pd.DataFrame], part: str) -> dict[str, str]:
    return dict(zip(found[part]["fact"], found[part]["value"], strict=True))


def test_answers_and_refusals_with_their_first_rows(audited_rows: Any) -> None:
    found = audited_rows[2]
    nps = found["answers"].set_index("item").loc["nps"]
    assert (nps["rows"], nps["used"], nps["missing"], nps["refused"]) == (6, 3, 1, 2)  # the second 6 is no response
    assert nps["share"] == pytest.approx(50)
    refused = {(r.item, r.reason): (r.n, r.rows) for r in found["refused"].itertuples()}
    assert refused["row", "response id that occurred before"] == (1, "7")
    assert refused["nps", "outside 0-10: 11"] == (1, "3")
    assert refused["nps", "not a number or known label: x"] == (1, "6")


def test_people_weights_and_time(audited_rows: Any) -> None:
    found = audited_rows[2]
    people = facts(found, "respondents")
    assert people["people"] == "4 gave 5 responses"
    assert people["without a respondent"].startswith("1 responses")
    assert people["repeat respondents"] == "1, at most 2 responses of one"
    # six responses, weights 1 1 1 1 1 3: n sum w^2 / (sum w)^2 = 6 * 14 / 64
    assert facts(found, "weights")["design effect (Kish)"] == "1.312: 6 responses are worth 5"
    same = "rows that repeat another in every mapped column"
    assert people[same] == "0 of 6; none was left out for it"
    twice = pd.DataFrame({"at": "2026-10-01", "who": ["a", "a", "b", "b"], "nps": [9, 9, 9, 8]})
    given = {"kind": "transactional", "columns": {"time": "at", "respondent": "who"}, "items": {"nps": "nps"}}
    survey = cx.read(twice, given)
    told = facts(audit(survey, cx.tally(survey, ["nps"])), "respondents")
    assert told[same] == "1 of 4; none was left out for it"
    time = facts(found, "time")
    assert time["time zone"] == "periods are cut in Europe/Berlin"
    assert time["last period"] == "2026-01 may be partial: nobody answered in its last 11 days"
    assert time["first period"].startswith("2025-")


def test_the_same_place_throughout_is_counted_where_three_scales_have_four_answers_or_more(audited_rows: Any) -> None:
    assert audited_rows[2]["straightlining"].empty  # one scale, and three questions answered by yes or no
    answers = [
        (0, 1, 1, 0),  # all at the lowest; yes and no say nothing
        (5, 3, 4, 1),  # all in the middle
        (10, 5, None, 1),  # two only
        (10, 5, 7, 1),
        (9, 5, 7, 1),
        (10, 1, 7, 1),
    ]
    survey = cx.read(pd.DataFrame(answers, columns=["nps", "csat", "ces", "recommended"]).assign(wave="1"))
    (found,) = audit(survey, cx.tally(survey, ["nps"], period="wave"))["straightlining"].to_dict("records")
    assert found == {"items": "ces, csat, nps", "answered": 5, "alike": 3}


def test_response_rate_codes_between_years_and_shares(audited_rows: Any) -> None:
    found = audited_rows[2]
    first, second = found["response"].to_dict("records")
    assert (first["invited"], first["answered"], first["rate"]) == (40, 1, 2.5)
    assert pd.isna(second["rate"])  # nobody was asked: no rate, and not 0
    (change,) = found["waves"].to_dict("records")
    assert (change["dimension"], change["gone"], change["new"]) == ("day", "SAT, SUN", "1, 2")
    assert found["reports"]["n"].isna().all()  # all below ten: not shown


def test_the_audit_fits_into_tallies_and_comes_back(audited_rows: Any, tmp_path: Path) -> None:
    _, tallies, found = audited_rows
    whole = replace(tallies, provenance={**tallies.provenance, "audit": kept(found)})
    back = audited(cx.load(cx.save(whole, tmp_path / "t.parquet")))
    assert list(back) == list(found)
    assert back["refused"].to_dict("records") == found["refused"].to_dict("records")
    assert any(line.startswith("refused: nps: outside 0-10: 11: 1, first in rows 3") for line in spelled(found))
    assert not any("BROKEN" in line for line in spelled(found))
    assert f"checks: {len(found['checks'])} of {len(found['checks'])} sums hold; {SUMS}" in spelled(found)


@pytest.mark.parametrize("damage", [lambda c: c.assign(n=c["n"] + (c["cut"] == "")), lambda c: c[c["answer"] != 10]])
def test_tallies_that_do_not_fit_together_are_noticed(audited_rows: Any, damage: Any) -> None:
    survey, tallies, _ = audited_rows
    counts = tallies.counts
    broken = replace(tallies, counts=damage(counts) if damage(counts).shape == counts.shape else _without_total(counts))
    checks = audit(survey, broken)["checks"]
    assert not checks["held"].all()


def _without_total(counts: pd.DataFrame) -> pd.DataFrame:
    """Everybody's answers moved to the top of the scale: the total leaves its parts."""
    return counts.assign(answer=counts["answer"].where((counts["cut"] != "") | (counts["item"] != "nps"), 10.0))


def test_several_files_number_their_own_rows(tmp_path: Path) -> None:
    for year, scores in (("2017", [9, 12]), ("2018", [10, 3, 12])):
        pd.DataFrame({"nps": scores}).to_csv(tmp_path / f"{year}.csv", index=False)
    source = {"files": [{"path": f"{year}.csv", "wave": year} for year in ("2017", "2018")]}
    survey = cx.read(source, folder=tmp_path)
    found = audit(survey, cx.tally(survey, ["nps"], period="wave"))
    assert found["refused"]["rows"].tolist() == ["2017.csv:2, 2018.csv:3"]


def test_waves_of_the_real_airport_survey_hold_other_codes() -> None:
    real = Path(__file__).parents[2].parent / "shared" / "data" / "sfo"
    if not real.exists():
        pytest.skip("the public files are not beside this folder")
    source = {"files": [{"path": f"{year}_SFO_Customer_Survey.csv", "wave": str(year)} for year in (2017, 2018)]}
    mapping = {
        "kind": "transactional", "columns": {"wave": "wave", "weight": "WEIGHT"}, "items": {"nps": "NETPRO"},
        "dimensions": {"day": "DAY", "area": "BAREA"},
    }  # fmt: skip
    survey = cx.read(source, mapping, folder=real)
    found = audit(survey, cx.tally(survey, ["nps"], by=["area"], period="wave"))
    (change,) = found["waves"].to_dict("records")
    assert (change["dimension"], change["new"]) == ("day", "1, 2, 3, 4, 5, 6, 7")
    assert found["checks"]["held"].all()


def test_three_rows_are_named_for_a_reason_and_no_more() -> None:
    frame = pd.DataFrame({"wave": "1", "nps": ["x", "9", "x", "x", "x"]})
    survey = cx.read(frame)
    refused = audit(survey, cx.tally(survey, ["nps"], period="wave"))["refused"].set_index("reason")
    assert refused.loc["not a number or known label: x", "rows"] == "1, 3, 4"


@pytest.mark.parametrize(("levels", "told"), [(60, ["59"]), (61, [])])
def test_codes_of_up_to_sixty_levels_are_compared_between_waves(levels: int, told: list[str]) -> None:
    rows = [(wave, f"{level:02d}") for wave, n in (("1", levels), ("2", levels - 1)) for level in range(n)]
    survey = cx.read(pd.DataFrame(rows, columns=["wave", "brand"]).assign(nps=9))
    found = audit(survey, cx.tally(survey, ["nps"], by=["brand"], period="wave"))["waves"]
    assert found["gone"].tolist() == told
    assert (found["new"] == "").all()


def test_bases_of_reports_are_told_from_ten_on_and_as_shares_of_all() -> None:
    brands = ["a"] * 9 + ["b"] * 10 + ["c"] * 31
    survey = cx.read(pd.DataFrame({"wave": "1", "nps": 9, "brand": brands}))
    tallies = cx.tally(survey, ["nps"], by=["brand"], period="wave")
    found = audit(survey, tallies)["reports"]
    assert found["n"].fillna(0).tolist() == [0, 10, 31]
    assert found["share"].fillna(0).tolist() == [0, 20, 62]
    assert "reports: brand a: too few answers to say how many" in spelled({"reports": found})
    assert audit(survey, cx.tally(survey, ["nps"], period="wave"))["reports"].empty


SAID = {
    "answers": (
        {"item": "nps", "column": "q", "used": 1234, "rows": 2000, "share": 61.7, "missing": 1000, "refused": 5},
        "answers: nps (q): 1,234 of 2,000 used (61.7 %), 1,000 missing, 5 refused",
    ),
    "straightlining": (
        {"items": "a, b", "alike": 1000, "answered": 2000},
        "straightlining: a, b: 1,000 of 2,000 who answered all gave one answer throughout",
    ),
    "refused": ({"item": "nps", "reason": "empty", "n": 1000, "rows": ""}, "refused: nps: empty: 1,000"),
    "files": ({"file": "a.csv", "rows": None, "read": ""}, "files: a.csv: unknown rows"),
    "response": (
        {"period": "2026-01", "invited": 1200, "answered": 300, "rate": 25.04},
        "response: period 2026-01, invited 1,200, answered 300, rate 25.0",
    ),
}


@pytest.mark.parametrize("part", SAID)
def test_what_a_terminal_says_of_a_part(part: str) -> None:
    row, said = SAID[part]
    assert spelled({part: pd.DataFrame([row], dtype=object)}) == [said]


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        (("2026-09-01", "2026-10-31"), {}),
        (("2026-09-02", "2026-10-30"), {}),  # one day without an answer says nothing
        (("2026-09-03", "2026-10-31"), {"2026-09": "nobody answered in its first 2 days"}),
        (("2026-09-01", "2026-10-29"), {"2026-10": "nobody answered in its last 2 days"}),
        (("2026-10-05", "2026-10-20"), {"2026-10": "nobody answered in its first 4 days and in its last 11 days"}),
    ],
)
def test_a_period_is_partial_from_two_days_on(ends: tuple[str, str], found: dict[str, str]) -> None:
    survey = cx.read(ROWS, MAPPING)
    first, last = (dt.date.fromisoformat(day) for day in ends)
    assert partial((first, last), survey.mapping.calendar("month")) == found
    assert partial(None, survey.mapping.calendar("month")) == {}


@pytest.mark.parametrize(("low", "counted"), [(1, True), (2, False)])
def test_scales_of_four_answers_and_three_of_them_are_looked_at_for_straight_lines(low: int, counted: bool) -> None:
    """The effort question on 1-4 counts, on 2-4 it does not, and the two that are left are too few."""
    frame = pd.DataFrame({"wave": "1", "nps": [0, 10, 5], "csat": [1, 5, 1], "ces": [low, 4, 4]})
    ces = {"column": "ces", "scale": [low, 4], "better": "higher"}
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave"},
        "items": {"nps": "nps", "csat": "csat", "ces": ces},
    }
    survey = cx.read(frame, mapping)
    found = audit(survey, cx.tally(survey, ["nps"], period="wave"))["straightlining"]
    assert found[["answered", "alike"]].to_numpy().tolist() == ([[3, 2]] if counted else [])


def test_answers_that_gave_way_to_one_about_another_place() -> None:
    rows = [
        ("2026-10-01", "p", "a"), ("2026-10-02", "p", "b"), ("2026-10-03", "p", "b"),  # one went to another brand
        ("2026-10-01", "q", "a"), ("2026-10-09", "q", "a"),  # the same brand
        ("2026-10-01", "r", "a"), ("2026-11-01", "r", "b"),  # another month
        ("2026-10-01", None, "a"), ("2026-10-01", None, "b"),  # nobody knows who
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["at", "who", "brand"]).assign(nps=9)
    mapping = {"kind": "relationship", "columns": {"time": "at", "respondent": "who"}, "items": {"nps": "nps"}}
    survey = cx.read(frame, mapping | {"dimensions": {"brand": "brand"}})
    assert elsewhere(survey, "nps", ["brand"], "month") == 1
    assert elsewhere(cx.read(frame, {**mapping, "kind": "transactional"}), "nps", [], "month") == 0
