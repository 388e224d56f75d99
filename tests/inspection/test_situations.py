"""Situations of exports that gave a wrong number, an address on a page, or nothing, and no question before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from exports import table

import cxkit as cx
from cxkit.inspection.draft import inspect
from cxkit.strict import parse_yaml

SCORES = [0, 3, 7, 9, 10, 10, 8, 9, 10, 6] * 30
DAYS = [f"{1 + i % 28:02}" for i in range(len(SCORES))]


def drafted(source: Any) -> dict[str, Any]:
    data = parse_yaml(inspect(source), "drafted")
    assert isinstance(data, dict)
    return data | {"kind": "transactional", **({"timezone": "UTC"} if "timezone" in data else {})}


def estimated(source: Any, mapping: dict[str, Any], metric: str = "nps", period: Any = "year") -> tuple[int, float]:
    (row,) = cx.estimate(cx.tally(cx.read(source, mapping), [metric], period=period)).to_dict("records")
    return row["n"], row["value"]


def surveyed(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"date": [f"2026-10-{day}" for day in DAYS], "nps": SCORES, **columns})


# Who someone is -------------------------------------------------------------------------------------------------------


def test_addresses_are_used_for_nothing_however_many_and_however_few() -> None:
    """250 under `Contact ID` were people, a third of a segment were places with pages of their own."""
    frame = surveyed(
        contact_id=[f"ann{i}@example.org" for i in range(300)],
        segment=[["Retail", "Trade", f"ann{i % 9}@example.org"][i % 3] for i in range(300)],
        group=[f"mail: z{i % 8}@example.org" for i in range(300)],
        region=["North", "South"] * 150,
        comments=["fine", "call me at ann@example.org"] * 150,
    )
    text, data = inspect(frame), drafted(frame)
    assert "@example" not in text
    assert "respondent" not in data["columns"]
    assert list(data["dimensions"]) == ["region"]
    assert all(f"# {name} holds" in text for name in ("contact_id", "segment", "group"))


@pytest.mark.parametrize("form", ["2026-{:07}", "SO{:016}"])
def test_a_number_of_a_ticket_is_no_telephone_and_no_account(form: str) -> None:
    data = drafted(surveyed(ticket_id=[form.format(i) for i in range(300)]))
    assert data["columns"]["response"] == "ticket_id"


def test_telephones_and_accounts_are_used_for_nothing() -> None:
    accounts = [f"DE{98 - int(f'{i:018}131400') % 97:02}{i:018}" for i in range(300)]
    text = inspect(surveyed(caller=[f"+49 30 {i:07}" for i in range(300)], account=accounts))
    assert "# caller holds telephone numbers" in text
    assert "# account holds IBANs" in text


def test_a_question_that_asks_who_someone_is_drops_its_column(tmp_path: Path) -> None:
    rows = [["V1", "V2", "V3", "V4", "V5", "Q1", "Q2"],
            ["ResponseID", "EmailAddress", "StartDate", "EndDate", "Finished", "Would you recommend us?", "Your name"],
            *([f"R_{i}", f"a{i}@example.org", "2026-10-01", f"2026-10-{d}", "1", s, "Ann"]
              for i, (d, s) in enumerate(zip(DAYS, SCORES, strict=True)))]  # fmt: skip
    path = tmp_path / "legacy.csv"
    path.write_text(table(rows))
    data = drafted(path)
    assert "# dropped, because they say who someone is: EmailAddress, Q2" in inspect(path)
    assert data["columns"] == {"time": "EndDate", "response": "ResponseID"}
    assert data["items"] == {"nps": {"column": "Q1"}}
    assert estimated(path, data) == (300, cx.nps(SCORES).value)


# How it is written ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_decimal_commas_are_found_so_that_weights_are_not_left_out(tmp_path: Path, suffix: str) -> None:
    weights = [f"{0.5 + (score > 8)},{i % 90 + 10}" for i, score in enumerate(SCORES)]
    answers = zip(DAYS, SCORES, weights, strict=True)
    rows = [["Datum", "NPS", "Gewicht"], *([f"{d}.10.2026", s, w.replace(".5,", ",5")] for d, s, w in answers)]
    path = tmp_path / f"kommas.{suffix}"
    if suffix == "csv":
        path.write_text(table(rows, ";"))
    else:
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    data = drafted(path)
    assert (data["decimal"], data["columns"]["weight"]) == (",", "Gewicht")
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    weight = frame["Gewicht"].str.replace(",", ".").astype(float)
    sign = (frame["NPS"] >= 9).astype(int) - (frame["NPS"] <= 6).astype(int)
    assert estimated(path, data) == (300, pytest.approx(100 * (sign * weight).sum() / weight.sum()))


def test_lists_of_codes_and_thousands_are_no_decimals(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    rows = [
        [f"2026-10-{d}", s, ["1,2", "1,2,3", "3"][i % 3], "1,250"]
        for i, (d, s) in enumerate(zip(DAYS, SCORES, strict=True))
    ]
    path.write_text(table([["date", "nps", "why", "spent"], *rows]))
    assert "decimal" not in drafted(path)


@pytest.mark.parametrize("mark", [",", ".", " ", "'", "\u202f", ""])
def test_counts_in_thousands_are_counts(mark: str) -> None:
    """1,234 was no number, so that 22 rows were 22 answers."""
    counts = [1000 + 37 * i * i for i in range(22)]
    frame = pd.DataFrame({"month": ["2026-09"] * 11 + ["2026-10"] * 11, "nps": [*range(11)] * 2,
                          "responses": [f"{n:,}".replace(",", mark) for n in counts]})  # fmt: skip
    data = drafted(frame)
    assert data["columns"]["count"] == "responses"
    answers = [score for score, n in zip(frame["nps"], counts, strict=True) for _ in range(n)]
    assert estimated(frame, data) == (sum(counts), pytest.approx(cx.nps(answers).value))


def test_the_total_beside_a_column_for_each_answer_is_no_further_count() -> None:
    words = ["Very good", "Good", "Neither good nor poor", "Poor", "Very poor"]
    given = [[60, 20, 9, 6, 5], [50, 23, 9, 4, 4], [50, 14, 8, 4, 4]]
    frame = pd.DataFrame(given, columns=words).assign(
        Positive=["80%", "81%", "80%"], Month=["Aug-26", "Sep-26", "Oct-26"]
    )
    frame["Total Responses"] = frame[words].sum(axis=1)
    data = drafted(frame)
    assert data["columns"] == {"time": "Month"}
    assert data["dimensions"] == {}
    assert "all fit '%b-%y'" in data["time_format"]
    assert estimated(frame, data | {"time_format": "%b-%y"}, "fft") == (270, pytest.approx(100 * 217 / 270))


@pytest.mark.parametrize(
    ("form", "fits"),
    [("%d/%b/%y %I:%M %p", "'%d/%b/%y %I:%M %p'"), ("%m/%d/%y", "'%m/%d/%y'"), ("%d.%m.%y %H:%M", "'%d.%m.%y %H:%M'")],
)
def test_years_of_two_digits_are_asked_about_with_the_forms_that_fit(form: str, fits: str) -> None:
    """The first is how Jira writes times."""
    frame = surveyed().assign(date=lambda t: pd.to_datetime(t["date"]).dt.strftime(form))
    data = drafted(frame)
    assert data["columns"]["time"] == "date"
    assert data["time_format"].endswith(f"all fit {fits}")
    assert estimated(frame, data | {"time_format": form}) == (300, cx.nps(SCORES).value)


def test_the_zone_in_a_header_is_the_one_of_its_times() -> None:
    frame = surveyed().rename(columns={"date": "Answered at (UTC)"})
    frame["Answered at (UTC)"] = "2026-10-31 23:30:00"
    data = drafted(frame)
    assert data["recorded_in"] == "UTC"
    tallies = cx.tally(cx.read(frame, data | {"timezone": "Europe/Berlin"}), ["nps"])
    assert [str(period) for period in tallies.periods] == ["2026-11"]


def test_durations_as_written_and_what_two_numbers_are_is_asked() -> None:
    frame = surveyed(wait_time=["45s", "2m", "1h 5m"] * 100, handling_time=["2:05", "12:30", "0:45"] * 100)
    items = drafted(frame)["items"]
    assert items["wait_time"] == {"column": "wait_time"}
    assert items["handling_time"]["unit"] == "TODO: h:mm or m:ss, as which 0:45 is read?"
    items["handling_time"]["unit"] = "m:ss"
    mapping = drafted(frame) | {"items": items}
    assert estimated(frame, mapping, "wait_time")[1] == 2
    assert estimated(frame, mapping, "handling_time")[1] == pytest.approx(2 + 5 / 60)


# Answers --------------------------------------------------------------------------------------------------------------


def test_a_slip_does_not_hide_a_question() -> None:
    words = ["Very satisfied", "Satisfied", "Neutral", "Dissatisfied"] * 70
    data = drafted(surveyed(satisfaction=[*words, *["Very satisifed"] * 12, *["ok"] * 8]))
    assert data["items"]["csat"]["labels"] == {"Very satisfied": 5, "Satisfied": 4, "Neutral": 3, "Dissatisfied": 2}
    assert list(data["items"]["csat"]["missing"]) == ["Very satisifed"]


def test_yes_and_no_in_several_spellings_are_one_question() -> None:
    frame = surveyed(would_recommend=["Yes", "yes", "YES", "No", "no"] * 60)
    data = drafted(frame)
    assert data["items"]["would_recommend"]["labels"] == {"Yes": 1, "yes": 1, "YES": 1, "No": 0, "no": 0}
    assert estimated(frame, data, "would_recommend") == (300, 60.0)


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (["Molto soddisfatto", "Abbastanza soddisfatto", "Poco soddisfatto", "Per niente soddisfatto"], [5, 4, 2, 1]),
        (["Very satisfied", "Satisfied", "Neutral", "Somewhat dissatisfied", "Very dissatisfied"], [5, 4, 3, 2, 1]),
    ],
)
def test_words_that_are_no_mirror_images_are_asked_about(words: list[str], codes: list[int]) -> None:
    """The second was read on 1-7 as a fact."""
    frame = pd.DataFrame({"wave": "1", "soddisfazione": words * 60})
    csat = drafted(frame)["items"]["csat"]
    assert "scale" not in csat
    asked, _, proposed = csat["labels"].partition(", as in ")
    assert asked == "TODO: which answers of 1-5 are these words? Write a number for each"
    assert parse_yaml(f"a: {proposed}", "")["a"] == dict(zip(words, codes, strict=True))  # type: ignore[index]


@pytest.mark.parametrize(
    "words",
    [["🤩", "😃", "😐", "🙁", "😠"], ["😀 Very happy", "🙂 Happy", "😐 Neutral", "🙁 Unhappy", "😡 Very unhappy"],
     ["Extremely Happy", "Happy", "Neutral", "Unhappy", "Extremely Unhappy"]],
)  # fmt: skip
def test_how_happy_people_are_may_be_how_satisfied(words: list[str]) -> None:
    csat = drafted(surveyed(survey_results=words * 60))["items"]["csat"]
    assert csat["labels"] == dict(zip(words, [5, 4, 3, 2, 1], strict=True))
    assert csat["column"].endswith("is this how satisfied people are?")


def test_grades_of_a_school_are_on_their_own_scale() -> None:
    """One end in known words is enough: 6 was asked about as an answer outside 1-5."""
    name = "Schulnote Zufriedenheit (1 = sehr gut, 6 = ungenügend)"
    csat = drafted(pd.DataFrame({"wave": "1", name: [1, 2, 3, 4, 5, 2] * 40}))["items"]["csat"]
    assert csat == {"column": name, "scale": [1, 6], "better": "lower"}


def test_accents_stay_letters_in_the_name_of_a_dimension() -> None:
    assert list(drafted(surveyed(Größe=["klein", "groß"] * 150, País=["a", "b"] * 150))["dimensions"]) == [
        "pais",
        "grosse",
    ]


def test_the_words_at_the_ends_say_which_is_good_whatever_the_question_is_about() -> None:
    """A question with `difficult` in it turned them round, with no question asked."""
    name = "Ease of use (1 = very easy, 5 = very difficult)"
    effort = "How difficult was it?"
    frame = pd.DataFrame({"wave": "1", name: [1, 2, 3, 4, 5] * 40})
    assert drafted(frame)["items"]["ces"] == {"column": name, "scale": [1, 5], "better": "lower"}
    frame = pd.DataFrame(
        {"wave": "1", f"{effort} effort": ["1 - Very difficult", "2", "3", "4", "5", "6", "7 - Very easy"] * 30}
    )
    assert drafted(frame)["items"]["ces"]["better"] == "higher"


def test_a_flag_of_the_satisfied_is_a_share() -> None:
    """It was read on 1-5, of which nobody said 5, and `of a scale of 1-1` to write was asked for."""
    frame = surveyed(CSAT=[1, 0, 1] * 100)
    data = drafted(frame)
    assert data["items"]["satisfied"]["column"] == "CSAT"
    assert estimated(frame, data, "satisfied") == (300, pytest.approx(200 / 3))
    assert "satisfied" not in drafted(surveyed(dissatisfied=["yes", "no"] * 150))["items"]


@pytest.mark.parametrize("size", [1, 100])
def test_groups_as_numbers_are_groups(size: int) -> None:
    frame = pd.DataFrame({"wave": "1", "nps": [size, size, 0, -size, size] * 40})
    assert drafted(frame)["items"]["nps"]["labels"] == {str(size): 10, "0": 7, str(-size): 0}
    assert estimated(frame, drafted(frame), period="wave") == (200, pytest.approx(40))


def test_good_and_bad_may_have_a_comment() -> None:
    frame = surveyed(satisfaction=["Good", "Good with comment", "Bad with comment", "Offered"] * 75)
    data = drafted(frame)
    assert data["items"]["csat"]["labels"] == {"Good": 5, "Good with comment": 5, "Bad with comment": 1}
    assert estimated(frame, data, "csat") == (225, pytest.approx(200 / 3))


def test_scores_out_of_different_numbers_have_no_scale() -> None:
    assert "rating" not in str(drafted(surveyed(rating=["4/5", "8/10", "5/5"] * 100))["items"])
    csat = drafted(surveyed(rating=["4/5", "1/5", "5/5"] * 100))["items"]["csat"]
    assert csat["labels"] == {"5/5": 5, "4/5": 4, "1/5": 1}


@pytest.mark.parametrize(
    "headers", [["Promoters (%)", "Passives (%)", "Detractors (%)"], ["Promoters", "Passives", "Detractors"]]
)
def test_percentages_are_no_counts(headers: list[str]) -> None:
    """Each row of a hundred was a hundred answers."""
    frame = pd.DataFrame([[60, 25, 15], [50, 30, 20], [45, 30, 25]], columns=headers).assign(
        Month=["2026-08", "2026-09", "2026-10"]
    )
    assert drafted(frame)["items"]["nps"]["counts"].startswith("TODO: are these percentages?")
    counts = drafted(frame.assign(**{headers[0]: [160, 70, 45]}))["items"]["nps"]["counts"]
    assert isinstance(counts, str) == ("%" in headers[0])


def test_a_weight_that_cannot_be_read_is_not_left_out_without_a_word() -> None:
    data = drafted(surveyed(weight=[f"{80 + i % 90}%" for i in range(300)]))
    assert data["columns"]["weight"].startswith("TODO: weight: numbers such as")


def test_sheets_of_much_the_same_size_are_asked_about(tmp_path: Path) -> None:
    """One month of twelve was the year."""
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("October"), book.create_sheet("Lists")):
        for row in [["date", "nps"], *([f"2026-10-{day}", score] for day, score in zip(DAYS, SCORES, strict=True))]:
            sheet.append(row)
            if sheet.title == "Lists" and sheet.max_row > 5:
                break
    book.save(tmp_path / "months.xlsx")
    assert drafted(tmp_path / "months.xlsx")["sheet"].startswith("TODO: which sheet holds the answers?")
    del book["October"]
    book.save(tmp_path / "months.xlsx")
    assert "sheet" not in drafted(tmp_path / "months.xlsx")


@pytest.mark.parametrize(
    ("form", "asked"),
    [("%b %d, %Y %I:%M %p", False), ("%m/%d/%Y %I:%M:%S p. m.", False), ("%d. Oktober %Y", True)],
)
def test_times_that_begin_with_a_word_are_found(form: str, asked: bool) -> None:
    frame = (
        surveyed().assign(date=lambda t: pd.to_datetime(t["date"]).dt.strftime(form)).rename(columns={"date": "Sent"})
    )
    data = drafted(frame)
    assert data["columns"]["time"] == "Sent"
    assert asked == ("time_format" in data)
    if asked:
        assert data["time_format"].endswith("as 01. Oktober 2026? Names of months are read in English")
    else:
        assert estimated(frame, data) == (300, cx.nps(SCORES).value)


def test_a_day_that_stands_for_none_is_refused_and_hides_no_column_of_times() -> None:
    """97,000 months were counted, from 1900 to 9999."""
    frame = surveyed()
    frame.loc[::20, "date"], frame.loc[7::60, "date"] = "1900-01-01", "9999-12-31"
    data = drafted(frame)
    assert data["columns"]["time"] == "date"
    survey = cx.read(frame, data)
    assert len(cx.tally(survey, ["nps"]).periods) == 1
    refused = survey.refused[survey.refused["item"] == "row"].set_index("reason")["n"]
    assert refused.to_dict() == {"time before 1971 or after 2099, as a placeholder": 20}


def test_decimal_commas_are_no_marks_between_columns(tmp_path: Path) -> None:
    """Three numbers with commas and a date made as many columns by `,` as by `;`."""
    path = tmp_path / "minuten.csv"
    rows = [[f"{d}.10.2026", "45,6", f"{i % 9 + 1},5", "1.670,50"] for i, d in enumerate(DAYS)]
    path.write_text(table([["Datum", "Wartezeit in Minuten", "Bearbeitungszeit (Min.)", "Umsatz"], *rows], ";"))
    data = drafted(path)
    assert data["items"]["handling_time"] == {"column": "Bearbeitungszeit (Min.)", "unit": "minutes"}
    assert estimated(path, data, "handling_time") == (300, 5.5)


def test_scores_of_customers_are_nobody_and_what_was_drawn_apart_is_offered() -> None:
    frame = surveyed(psu=[f"p{i % 40}" for i in range(300)], stratum=["a", "b"] * 150)
    frame["Customer effort points (0-100)"] = [i % 99 for i in range(300)]
    text = inspect(frame)
    assert "respondent" not in drafted(frame)["columns"]
    assert '# cluster: "psu"' in text
    assert '# stratum: "stratum"' in text


def test_a_recommendation_of_which_0_is_the_best_is_turned_round() -> None:
    """It was read as it stands, and no question asked: promoters were detractors."""
    name = "Recommend (0 = extremely likely, 10 = not at all likely)"
    frame = surveyed().rename(columns={"nps": name})
    data = drafted(frame)
    assert data["items"]["nps"]["labels"] == {str(code): 10 - code for code in range(11)}
    assert estimated(frame, data) == (300, pytest.approx(cx.nps([10 - score for score in SCORES]).value))


def test_the_whole_comes_before_its_parts() -> None:
    asked = {name: [1, 2, 3, 4, 5] * 60 for name in ("Satisfaction with staff", "Overall satisfaction", "CSAT price")}
    assert drafted(surveyed(**asked))["items"]["csat"]["column"] == "Overall satisfaction"


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [("created_at", [1_790_000_000 + 86_400 * i for i in range(300)], "time"),
     ("Week", ["2026-W39", "2026-W40"] * 150, "wave"), ("Quarter", ["Q3 2026", "Q4 2026"] * 150, "wave"),
     ("Quarter", [3, 4] * 150, None)],
)  # fmt: skip
def test_seconds_weeks_and_quarters_say_when(name: str, values: list[object], role: str | None) -> None:
    frame = surveyed().drop(columns="date").assign(**{name: values})
    columns = drafted(frame)["columns"]
    assert columns == {role: name} if role else columns["wave"].startswith("TODO")
