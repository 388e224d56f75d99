"""The order of waves: what says it, what is refused, and that everything follows the one order."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import CxError
from cxkit.input.waves import _MONTHS, _SEASONS, by_names, ordered, together
from cxkit.inspection.draft import inspect
from cxkit.tallies.audit import audit

SURE = [
    ["Q3 2025", "Q4 2025", "Q1 2026"],
    ["Oct 2025", "Jan 2026"],
    ["H2 2025", "H1 2026"],
    ["W52 2025", "W03 2026"],
    ["2025-10-31", "2026-01-05"],
    ["31.12.2025", "05.01.2026"],
    ["Wave 9", "Wave 10"],
    ["2017", "2018"],
    ["spring 2025", "summer 2025", "autumn 2025", "spring 2026"],
    ["Wave Oct 2025", "Wave Jan 2026"],
    ["2025-Q4 panel", "2026-Q1 panel"],
    ["FY25 Q4", "FY26 Q1"],
    ["4Q 2025", "1Q 2026"],
    ["Q4'25", "Q1'26"],
    ["KW 52/2025", "KW 03/2026"],
    ["Dezember 2025", "März 2026"],
    ["août 2025", "février 2026"],
    ["diciembre 2025", "enero 2026"],
    ["Herbst 2025", "Frühjahr 2026"],
    ["10/2025", "01/2026"],
    ["2025-10", "2026-01"],
    ["202510", "202601"],
    ["20251031", "20260105"],
    ["3 Dec 2025", "1 Jan 2026"],
    ["December 3rd, 2025", "January 1st, 2026"],
    ["9. Welle", "10. Welle"],
    ["2024/25", "2025/26"],
    ["1", "2", "10"],
    ["Panel 3, wave 2", "Panel 3, wave 11"],
    ["03/04/2025", "03/04/2026"],  # whichever is the month
]
DOUBTFUL = [
    ["winter 2025", "spring 2026"],
    ["winter 2025", "winter 2026"],
    ["03/04", "04/05"],
    ["03/04/2026", "02/05/2026"],  # 3 April or 4 March
    ["Oct", "Jan"],
    ["Q4", "Q1"],
    ["W52", "W03"],
    ["Week 9", "Week 10"],
    ["spring", "autumn"],
    ["Oct 25", "Jan 26"],  # a day or a year
    ["A", "B"],
    ["pre", "post"],
    ["Wave 1", "pilot"],
    ["Wave IV", "Wave V"],
    ["Wave 10 2025", "Wave 1 2026"],
    ["Wave 3 (1950 answers)", "Wave 4 (1900 answers)"],
    ["Wave 1.9", "Wave 1.10"],
    ["Wave -2", "Wave -1"],
    ["2 weeks ago", "1 weeks ago"],
    ["T-2", "T-1"],
    ["Oct 2025", "2025-11"],
    ["Dec 2025", "Q1 2026"],
    ["Q4 2025", "Q1 2026 (pilot)"],
    ["Q1 2026", "q1-2026"],  # the same twice
    ["02032025", "03022025"],
    ["31/02/2026", "30/03/2026"],  # no such day
    ["before 2025-2026", "before 2026-2027"],
]


@pytest.mark.parametrize("names", SURE, ids=", ".join)
def test_names_beyond_doubt_are_in_the_order_of_time_however_they_come(names) -> None:
    for given_ in itertools.permutations(names):
        assert by_names(given_) == names


@pytest.mark.parametrize("names", DOUBTFUL, ids=", ".join)
def test_doubtful_names_say_nothing(names) -> None:
    assert by_names(names) is None
    order = ordered(names)
    assert order.known == []
    assert order.doubt.startswith("waves: nothing says the order of ")
    assert order.doubt.endswith("write `waves: [EARLIEST, ..., LATEST]` in the mapping")


@pytest.mark.parametrize("doubtful", ["winter 2026", "03/04", "Jan", "pilot"])
def test_one_doubtful_name_makes_all_doubtful(doubtful) -> None:
    assert f"{doubtful!r} does not say beyond doubt" in ordered(["Q3 2025", "Q4 2025", doubtful]).doubt


@given(
    st.dates(), st.dates(), st.sampled_from(["%Y-%m-%d", "%d %B %Y", "%B %Y", "%Y-%m", "Wave %b %Y", "%Y", "W%V %G"])
)
def test_dates_in_one_form_are_in_the_order_of_time_or_doubtful(one, other, form) -> None:
    names = [day.strftime(form) for day in sorted((one, other))]
    assert names[0] == names[1] or by_names(names) in (names, None)
    if 1900 <= min(one.year, other.year) <= max(one.year, other.year) < 2099 and "%G" not in form:
        assert names[0] == names[1] or by_names(names) == names


def test_no_word_is_the_name_of_two_months() -> None:
    words = [word for names in (_MONTHS, _SEASONS) for line in names for word in line.split()]
    assert len(words) == len(set(words))
    assert [len(names) for names in (_MONTHS, _SEASONS)] == [12, 3]


# What says it ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "declared", "files", "waves", "why"),
    [
        (["Q1 2026", "Q4 2025"], [], [], ["Q4 2025", "Q1 2026"], "as their names say"),
        (["Q1 2026", "Q4 2025"], [], ["Q4 2025", "Q1 2026"], ["Q4 2025", "Q1 2026"], "as their names say"),
        (["b", "a"], ["b", "c", "a"], ["a", "b"], ["b", "a"], "as `waves` in the mapping says"),
        (["2", "1"], ["2", "1"], [], ["2", "1"], "as `waves` in the mapping says, against their names"),
        (["x", "y", "z"], [], ["z", "z", "x", "y"], ["z", "x", "y"], "as the files are listed"),
        (["x"], [], [], ["x"], ""),
        ([], [], [], [], ""),
    ],
)
def test_the_mapping_then_the_names_then_the_files_say_it(found, declared, files, waves, why) -> None:
    order = ordered(found, declared, files)
    assert (order.waves, order.why, order.doubt) == (waves, why, "")


@pytest.mark.parametrize("files", [["x", "y", "x"], ["x", None], ["x"], []])
def test_files_that_come_back_to_a_wave_or_give_none_say_nothing(files) -> None:
    assert "nothing says the order of 'x', 'y'" in ordered(["y", "x"], files=files).doubt


def test_names_and_files_that_disagree_are_refused() -> None:
    words = "by name their order is 'Q4 2025', 'Q1 2026', in the list of files 'Q1 2026', 'Q4 2025'; list the files in"
    assert words in ordered(["Q4 2025", "Q1 2026"], files=["Q1 2026", "Q4 2025"]).doubt


def test_a_wave_that_the_mapping_does_not_list_is_refused_by_name() -> None:
    with pytest.raises(
        CxError, match="waves: the mapping does not list 'sumer', found in the data; did you mean 'summer"
    ):
        ordered(["sumer", "spring"], ["spring", "summer"])


# Through reading and tallying -----------------------------------------------------------------------------------------


def read(frame, **mapping):
    given_ = {"kind": "transactional", "columns": {"wave": "w"}, "items": {"nps": "nps"}, "dimensions": {"shop": "s"}}
    return cx.read(pd.DataFrame(frame), given_ | mapping)


def fallen(now: str, before: str) -> dict[str, list]:
    """60 promoters in the earlier wave, of which 40 are detractors in the later one; shop b became c."""
    return {"w": [now] * 60 + [before] * 60, "nps": [9] * 20 + [3] * 40 + [9] * 60, "s": ["c"] * 60 + ["b"] * 60}


def test_everything_follows_the_one_order(tmp_path: Path) -> None:
    survey = read(fallen("a summer", "z winter"), waves=["z winter", "a summer"])
    tallies = cx.tally(survey, ["nps"], by=["shop"], period="wave")
    assert tallies.periods == ["z winter", "a summer"]
    assert tallies.compared == [("a summer", "z winter")]
    assert cx.tally(survey, ["nps"], period="wave", until="z winter").periods == ["z winter"]
    (row,) = cx.compare(tallies, *tallies.compared[0], by=()).to_dict("records")
    assert (row["change"], row["verdict"]) == (pytest.approx(-400 / 3), "changed")
    assert cx.estimate(tallies, by=())["period"].tolist() == ["z winter", "a summer"]
    found = audit(survey, tallies)
    (codes,) = found["waves"].to_dict("records")
    assert codes == {"dimension": "shop", "period": "a summer", "before": "z winter", "gone": "b", "new": "c"}
    (told,) = found["time"].to_dict("records")
    assert told["value"] == "z winter, a summer (the earliest first, as `waves` in the mapping says)"
    assert cx.load(cx.save(tallies, tmp_path / "t.parquet")).periods == ["z winter", "a summer"]


def test_tallies_of_other_waves_add_in_the_order_of_time(tmp_path: Path) -> None:
    later, earlier = (cx.tally(read({"w": [wave] * 9, "nps": [9] * 9, "s": "b"}), ["nps"], period="wave")
                      for wave in ("Q1 2026", "Q4 2025"))  # fmt: skip
    both = cx.add(cx.load(cx.save(later, tmp_path / "later")), earlier)
    assert both.periods == ["Q4 2025", "Q1 2026"]
    assert cx.add(both, later).periods == ["Q4 2025", "Q1 2026"]
    odd = cx.tally(read({"w": ["relaunch"], "nps": [9], "s": "b"}), ["nps"], period="wave")
    with pytest.raises(CxError, match="nothing says the order of 'Q4 2025', 'Q1 2026' and 'relaunch' together"):
        cx.add(both, odd)


def test_a_longer_list_of_waves_holds_for_the_waves_of_a_shorter_one() -> None:
    short, long = ordered(["b"], ["b", "a"]), ordered(["a", "c"], ["b", "a", "c"])
    assert together(short, long).waves == together(long, short).waves == ["b", "a", "c"]
    with pytest.raises(CxError, match="write all in `waves` of the mapping"):
        together(ordered(["a", "b"], ["a", "b"]), ordered(["a", "b"], ["b", "a"]))


def test_doubtful_waves_are_refused_where_an_order_is_needed_and_not_before() -> None:
    survey = read(fallen("a summer", "z winter"))
    assert survey.refused["n"].sum() == 0
    with pytest.raises(CxError, match="nothing says the order of 'a summer', 'z winter'"):
        cx.tally(survey, ["nps"], period="wave")
    one = cx.tally(read({"w": ["z winter"] * 5, "nps": [9] * 5, "s": "b"}), ["nps"], period="wave")
    assert one.periods == ["z winter"]


def test_a_blank_or_na_wave_is_no_wave() -> None:
    survey = read({"w": ["1", None, " ", "NA", "n/a", "2"], "nps": [9] * 6, "s": "b"})
    assert cx.tally(survey, ["nps"], period="wave").periods == ["1", "2"]
    counted = survey.refused.groupby("reason")["n"].sum().to_dict()
    assert counted == {"no wave": 2, "no wave but a word for none, as NA": 2}
    listed = read({"w": ["1", "NA"], "nps": [9] * 2, "s": "b"}, waves=["1", "NA"])
    assert cx.tally(listed, ["nps"], period="wave").periods == ["1", "NA"]


def test_an_unknown_last_wave_is_refused() -> None:
    with pytest.raises(CxError, match="until: '3' is no wave of the data; expected one of: 1, 2"):
        cx.tally(read({"w": ["1", "2"], "nps": [9, 9], "s": "b"}), ["nps"], period="wave", until="3")


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"waves": ["1", "1"]}, "waves: 1: listed twice"),
        ({"waves": ["1"], "columns": {}}, "waves: is the order of the waves in `columns.wave`, which is not mapped"),
    ],
)
def test_waves_of_a_mapping_are_checked(mapping, words) -> None:
    with pytest.raises(CxError, match=words):
        read({"w": ["1"], "nps": [9], "s": "b"}, **mapping)


def test_inspect_asks_for_the_order_only_where_the_names_do_not_say_it() -> None:
    asked = inspect(pd.DataFrame({"wave": ["winter 2025", "spring 2026", "NA"] * 20, "nps": [9, 3, 8] * 20}))
    (line,) = [line for line in asked.splitlines() if line.startswith("waves:")]
    assert line.startswith('waves: "TODO: in which order were these?')
    assert "NA" not in line
    sure = inspect(pd.DataFrame({"wave": ["Q4 2025", "Q1 2026"] * 30, "nps": [9, 3, 8] * 20}))
    assert "waves:" not in sure
    assert "no times" not in asked
