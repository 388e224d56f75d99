"""The run's one pass over the data, and all that can be wrong before it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from small import write_notebook

import cxkit as cx
from cxkit.analysis import confinement
from cxkit.errors import CxError
from cxkit.input.periods import Calendar
from cxkit.runs.params import load
from cxkit.runs.prepare import plan, prepare, resolve

LEAST = """\
name: demo
title: Demo
source: survey.csv
mapping: {kind: transactional, columns: {time: day, weight: w}, items: {nps: score}, dimensions: {brand: b, channel: c}}
metrics: [nps]
as_of: 2026-11-15
"""
WAVES = LEAST.replace("time: day", "wave: wave") + "period: wave\n"


def answers(brand: str, month: str, scores: str, channel: str = "web") -> list[dict[str, str]]:
    """One row per score, all on the tenth of the month."""
    row = {"day": f"{month}-10", "wave": month, "b": brand, "c": channel, "w": "1"}
    return [{**row, "score": score} for score in scores.split()]


DATA = [
    *answers("Acme", "2026-09", "9 " * 20 + "3 " * 10),
    *answers("Acme", "2026-10", "9 " * 10 + "3 " * 20, "phone"),
    *answers("Brim", "2026-10", "8 " * 12 + "11 x"),
    *answers("Few", "2026-10", "10 " * 7),
    *answers("", "2026-10", "10 " * 11),
    *answers("Acme", "2026-11", "0 " * 40),
]


@pytest.fixture
def project(tmp_path: Path):
    """Checked parameters over a small survey, in a folder of their own."""

    def given(text: str = "", least: str = LEAST, data: list[dict[str, str]] = DATA, **options):
        for name in ("report", "overview"):
            write_notebook(tmp_path / "notebooks" / f"{name}.ipynb")
        pd.DataFrame(data).to_csv(tmp_path / "survey.csv", index=False)
        (tmp_path / "demo.yaml").write_text(least + text, encoding="utf-8")
        return load(tmp_path / "demo.yaml", **options)

    return given


def planned(params):
    return plan(params, Path("tallies.parquet"))


def test_metrics_and_published_values_fit_the_mapping(project):
    mark = "benchmarks: [{metric: nps, value: 140, name: Sector, source: a study, date: '2025'}]\n"
    for text, least, words in (
        ("", LEAST.replace("[nps]", "[npss]"), "'npss': is no metric of the kit or the mapping; did you mean 'nps'?"),
        ("", LEAST.replace("[nps]", "[ces]"), "'ces': the mapping has no item of it; expected one of: nps"),
        (mark, LEAST, "benchmarks.0.value: expected -100 to 100, found 140"),
    ):
        with pytest.raises(CxError) as error:
            planned(project(text, least))
        assert words in str(error.value)


# Periods --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "as_of", "expected"),
    [
        ("", "2026-11-15", ("2026-10", "2026-09")),
        ("", "2026-11-01", ("2026-10", "2026-09")),
        ("", "2026-10-31", ("2026-09", "2026-08")),
        ("", "2027-01-31", ("2026-12", "2026-11")),
        ("against: year_ago\n", "2026-11-15", ("2026-10", "2025-10")),
        ("against: 2026-01\n", "2026-11-15", ("2026-10", "2026-01")),
        ("against: [previous, year_ago]\n", "2026-11-15", ("2026-10", "2026-09", "2025-10")),
        ("against: [year_ago, 2026-01]\n", "2026-11-15", ("2026-10", "2025-10", "2026-01")),
        ("now: 2026-03\n", "2026-11-15", ("2026-03", "2026-02")),
        ("period: quarter\nnow: last complete quarter\n", "2026-11-15", ("2026-Q3", "2026-Q2")),
        ("period: week\nagainst: year_ago\n", "2027-01-05", ("2026-W53", "2025-W52")),
        ("period: year\n", "2026-11-15", ("2025", "2024")),
        ("period: year\nnow: 2026\nagainst: 2020\n", "2026-11-15", ("2026", "2020")),
    ],
)
def test_periods_are_counted_from_as_of(project, text, as_of, expected):
    params = project(text, as_of=as_of)
    assert resolve(params, Calendar(params.period)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("period: quarter\n", ("FY2027 Q2", "FY2027 Q1")),  # the day is 2026-11-15, years start in April
        ("period: quarter\nagainst: year_ago\n", ("FY2027 Q2", "FY2026 Q2")),
        ("period: quarter\nnow: FY2027 Q1\nagainst: FY2026 Q4\n", ("FY2027 Q1", "FY2026 Q4")),
        ("period: year\n", ("FY2026", "FY2025")),
        ("period: month\n", ("2026-10", "2026-09")),
    ],
)
def test_fiscal_periods_are_counted_from_as_of(project, text, expected):
    params = project(text)
    assert resolve(params, Calendar(params.period, "April")) == expected


FISCAL = LEAST.replace("columns:", "year_starts: April, columns:") + "period: quarter\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("now: 2026-Q3\n", "'2026-Q3' is not a quarter of years that start in April; expected for example FY2027 Q2"),
        ("against: FY2027 Q3\n", "against: expected a period before FY2027 Q2, found FY2027 Q3"),
        ("invited: {2026-Q3: 5}\n", "invited: '2026-Q3' is not a quarter of years that start in April"),
    ],
)
def test_fiscal_periods_are_written_as_such(project, text, message):
    with pytest.raises(CxError, match=message):
        planned(project(text, FISCAL))


def test_fiscal_quarters_are_named_partial_and_spelled_out_as_such(project):
    found = planned(project("now: FY2027 Q3\n", FISCAL))
    assert (found.now, found.befores, found.tallies.periods) == ("FY2027 Q3", ["FY2027 Q2"], ["FY2027 Q2", "FY2027 Q3"])
    words = "nobody answered in its first 71 days"  # from 1 July, the first answer is of 10 September
    assert found.tallies.provenance["partial"]["FY2027 Q2"] == words
    months = {"FY2027 Q3": "October to December 2026", "FY2027 Q2": "July to September 2026"}
    assert found.tallies.provenance["months"] == months
    assert "months" not in planned(project("period: quarter\nnow: 2026-Q4\n")).tallies.provenance


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("now: October\n", "demo.yaml: now, against: 'October' is not a month; expected for example 2026-10"),
        ("now: 2026-13\n", "'2026-13' is not a month"),
        ("against: 2026-Q1\n", "'2026-Q1' is not a month"),
        ("against: 2026-10\n", "against: expected a period before 2026-10, found 2026-10"),
        ("against: [previous, 2026-12]\n", "against: expected a period before 2026-10, found 2026-12"),
        ("against: [previous, 2026-09]\n", "expected two periods, found previous and 2026-09, which both are 2026-09"),
        ("period: week\nnow: 2025-W53\n", "is not a week"),
    ],
)
def test_a_period_is_written_as_it_should_be(project, text, message):
    with pytest.raises(CxError, match=message):
        resolve(params := project(text), Calendar(params.period))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("wave 10", "wave 9")),
        ("now: wave 9\n", ("wave 9", "wave 2")),
        ("against: wave 2\n", ("wave 10", "wave 2")),
        ("against: [previous, wave 2]\n", ("wave 10", "wave 9", "wave 2")),
    ],
)
def test_waves_are_taken_in_their_order(project, text, expected):
    assert resolve(project(text, WAVES), ["wave 2", "wave 9", "wave 10"]) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("now: wave 11\n", r"'wave 11' is no wave of the data; did you mean 'wave 1.'\?"),
        ("against: latest\n", "'latest' is no wave of the data"),
        ("against: wave 10\n", "expected a wave before 'wave 10', found 'wave 10'"),
        ("now: wave 2\nagainst: wave 10\n", "expected a wave before 'wave 2', found 'wave 10'; their order is wave 2,"),
    ],
)
def test_a_wave_must_exist(project, text, message):
    with pytest.raises(CxError, match=message):
        resolve(project(text, WAVES), ["wave 2", "wave 9", "wave 10"])


def test_what_is_measured_is_known_as_the_mapping_declares_it(project, tmp_path):
    least = LEAST.replace("nps: score", "ces: {column: score, scale: [1, 10], better: lower}").replace("[nps]", "[ces]")
    least = least.replace("mapping: {", "mapping: {accept: {ces: 0.4}, ")  # the noughts of 0-10
    (metric,) = prepare(project("", least), tmp_path / "work").metrics
    assert (metric["name"], tuple(metric["scale"]), metric["better"]) == ("ces", (1, 10), "lower")


def test_a_period_that_the_data_hold_a_part_of_is_named(project):
    found = planned(project("now: 2026-11\n"))
    assert found.tallies.provenance["partial"] == {"2026-11": "nobody answered in its last 20 days"}
    assert "2026-11 may be partial: nobody answered in its last 20 days" in found.notes
    assert planned(project("now: 2026-10\n")).tallies.provenance["partial"] == {
        "2026-09": "nobody answered in its first 9 days"
    }


def test_answers_that_give_way_to_one_about_another_place_are_told(project):
    least = LEAST.replace("transactional", "relationship").replace("weight: w", "respondent: who")
    rated = [{**row, "who": f"c{i % 30}"} for i, row in enumerate(answers("Acme", "2026-10", "9 " * 30))]
    rated += [{**row, "who": f"c{i}"} for i, row in enumerate(answers("Brim", "2026-10", "3 " * 10))]
    found = planned(project("for_each: [brand]\n", least, data=rated))
    assert any(note.startswith("nps: 10 answers gave way to a later one of the same respondent about another brand")
               for note in found.notes)  # fmt: skip
    assert not any("gave way" in note for note in planned(project("", least, data=rated)).notes)


def test_the_first_wave_is_compared_with_none(project, tmp_path):
    assert resolve(project("", WAVES), ["wave 1"]) == ("wave 1", "no earlier wave")
    ready = prepare(project("now: 2026-09\n", WAVES), tmp_path / "work")
    moves = pd.read_parquet(ready.summary).query("part == 'comparison'")
    assert (moves["n_before"] == 0).all()
    assert set(moves["verdict"]) == {"too few"}
    periods = cx.load(ready.tallies).periods
    assert periods == ["no earlier wave", "2026-09"]


def test_waves_come_from_the_data(project):
    found = planned(project("for_each: [brand]\nnow: 2026-10\n", WAVES))
    assert (found.now, found.befores) == ("2026-10", ["2026-09"])
    assert planned(project("", WAVES)).now == "2026-11"


def test_the_response_rate_is_asked_of_waves_that_are_known(project):
    with pytest.raises(CxError, match="invited: '2026-12' is no wave of the data; did you mean '2026-1"):
        planned(project("invited: {2026-12: 5}\n", WAVES))


def test_a_wave_can_be_compared_with_one_whose_name_comes_later(project):
    rows = [
        {**row, "wave": {"2026-09": "spring", "2026-10": "autumn"}[row["wave"]]}
        for row in DATA
        if row["wave"] < "2026-11"
    ]
    with pytest.raises(CxError, match="nothing says the order of 'autumn', 'spring'"):
        planned(project("now: autumn\nagainst: spring\n", WAVES, rows))
    least = WAVES.replace("columns:", "waves: [spring, autumn], columns:")
    found = planned(project("", least, rows))
    assert (found.now, found.befores, found.tallies.periods) == ("autumn", ["spring"], ["spring", "autumn"])
    row = cx.compare(found.tallies, "autumn", "spring").iloc[0]
    assert (row["n"], row["n_before"]) == (60, 30)


# Jobs -----------------------------------------------------------------------------------------------------------------


def test_every_value_of_the_data_has_a_report(project):
    found = planned(project("for_each: [brand]\n"))
    assert [job.title for job in found.jobs] == ["Acme", "Brim", "Few", "Overview", "Data"]
    assert [skip["title"] for skip in found.skipped] == ["(blank)"]
    assert found.notes == [
        "as of 2026-11-15: 2026-10 compared with 2026-09",
        "2026-09 may be partial: nobody answered in its first 9 days",
    ]


def test_a_day_that_nobody_gave_is_today_and_is_printed(project):
    params = project("", LEAST.replace("as_of: 2026-11-15\n", ""), today=dt.date(2026, 11, 20))
    assert planned(params).notes[0] == "as of 2026-11-20 (today): 2026-10 compared with 2026-09"


def test_answers_after_the_period_do_not_count(project):
    assert planned(project()).tallies.periods == ["2026-09", "2026-10"]


def test_a_listed_value_that_nobody_gave_has_a_report_and_rows_that_say_so(project):
    found = planned(project("for_each: {brand: [Acme, Acne]}\n"))
    assert [job.title for job in found.jobs] == ["Acme", "Acne", "Overview", "Data"]
    assert "for_each: nobody answered for brand 'Acne'; did you mean 'Acme'?" in found.notes
    row = cx.at(cx.compare(found.tallies, found.now, found.befores, by=["brand"]), {"brand": "Acne"}).iloc[0]
    assert (row["n"], row["verdict"]) == (0, "too few")


def test_two_dimensions_make_combinations_in_the_order_of_the_data(project):
    found = planned(project("for_each: [brand, channel]\n"))
    assert [job.title for job in found.jobs] == [
        "Acme · phone",
        "Acme · web",
        "Brim · web",
        "Few · web",
        "Overview",
        "Data",
    ]


def test_seven_answers_show_no_score_in_tallies_or_summary(project, tmp_path):
    ready = prepare(project("for_each: [brand]\n"), tmp_path / "work")
    summary = pd.read_parquet(ready.summary)
    few = summary[(summary["report"] == "few") & (summary["part"] == "estimate") & (summary["period"] == "2026-10")]
    assert few[["n", "value", "low", "high"]].isna().all(axis=None)
    assert few["note"].tolist() == ["hidden: fewer than 10 people answered"]
    counts = cx.load(ready.tallies).counts
    assert "Few" not in set(counts["brand"].dropna())


def test_the_total_stays_whole_where_everybody_s_segments_are_compared_with_it(project, tmp_path):
    summary = pd.read_parquet(prepare(project("segments: [brand]\n"), tmp_path / "work").summary)
    total = summary[(summary["part"] == "estimate") & (summary["period"] == "2026-10")]
    assert total["n"].tolist() == [60]  # with the seven answers of Few
    rest = summary[summary["part"] == "segment contrast"].set_index("brand")["n"]
    assert rest.dropna().to_dict() == {"Acme": 30, "(blank)": 11}  # Brim is hidden with Few: their answers differ


def test_where_they_had_not_all_said_the_same_one_more_would_be_shown(project, tmp_path, monkeypatch):
    monkeypatch.setattr(confinement, "QUARTER", 0.0)
    summary = pd.read_parquet(prepare(project("segments: [brand]\n"), tmp_path / "work").summary)
    rest = summary[summary["part"] == "segment contrast"].set_index("brand")["n"]
    assert rest.dropna().to_dict() == {"Acme": 30, "Brim": 12}


# Results --------------------------------------------------------------------------------------------------------------


def test_the_summary_holds_every_estimate_and_comparison_of_every_report(project, tmp_path):
    ready = prepare(project("for_each: [brand]\nlevel: 0.9\ncorrection: bh\n"), tmp_path / "work")
    summary = pd.read_parquet(ready.summary)
    assert list(summary.columns[:4]) == ["report", "part", "metric", "period"]
    assert set(summary["report"]) == {"acme", "brim", "few", "blank", "overview"}
    estimates = summary[summary["part"] == "estimate"]
    assert len(estimates) == 5 * 2
    acme = estimates[(estimates["report"] == "acme") & (estimates["period"] == "2026-10")].iloc[0]
    assert (acme["n"], acme["value"], acme["level"]) == (30, pytest.approx(100 * (10 - 20) / 30), 0.9)
    compared = summary[summary["part"] == "comparison"].set_index("report")
    assert compared.loc["acme", "change"] == pytest.approx(-100 / 3 - 100 / 3)
    assert compared.loc["acme", "verdict"] == "changed"
    assert compared.loc["overview", "n"] == 30 + 12 + 11  # without the 7 of `few`, which subtraction would show


def test_what_was_refused_and_read_is_told(project, tmp_path):
    ready = prepare(project("for_each: [brand]\n"), tmp_path / "work")
    assert {"item": "nps", "reason": "outside 0-10 (other values, not shown)", "n": 1} in ready.refused
    assert {"item": "nps", "reason": "not a number or known label (other values, not shown)", "n": 1} in ready.refused
    assert [(file["path"], file["rows"]) for file in ready.data] == [("survey.csv", None)]  # something is hidden


def test_filters_restrict_the_run(project):
    found = planned(project("for_each: [brand]\nwhere: {channel: phone}\n"))
    assert [job.title for job in found.jobs] == ["Acme", "Overview", "Data"]
    assert found.tallies.provenance["where"] == {"channel": ["phone"]}
    assert "nobody answered in 2026-09, so that no change can be tested" in found.notes


def test_a_first_period_is_reported_without_a_change(project):
    found = planned(project("for_each: [brand]\nnow: 2026-09\n"))
    row = cx.at(cx.compare(found.tallies, found.now, found.befores, by=["brand"]), {"brand": "Acme"}).iloc[0]
    assert (row["n"], row["n_before"], row["verdict"]) == (30, 0, "too few")


def test_weights_can_be_switched_off(project):
    light = [{**row, "w": "3" if row["score"] == "9" else "0"} for row in DATA]
    weighted = planned(project("", data=light)).tallies
    plain = planned(project("weights: false\n", data=light)).tallies
    assert (weighted.weighted, plain.weighted) == (True, False)
    assert cx.estimate(plain, periods=["2026-10"])["n"].item() == 60
    assert "weight of 0 or less" in set(weighted.audit["reason"])
    assert "weight of 0 or less" not in set(plain.audit["reason"])


def test_weights_can_be_switched_off_without_a_mapping(project):
    least = LEAST.replace(LEAST.splitlines()[3] + "\n", "")
    rows = [{"time": r["day"], "nps": r["score"], "brand": r["b"], "weight": "2"} for r in DATA]
    assert planned(project("", least, rows)).tallies.weighted
    assert not planned(project("weights: false\n", least, rows)).tallies.weighted


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("now: 2026-12\n", "now: nobody answered in 2026-12; up to then the data hold 2026-09 to 2026-11"),
        ("now: 2026-08\n", "now: nobody answered in 2026-08; up to then the data hold nothing at all"),
        ("for_each: [brnd]\n", r"'brnd' is no mapped dimension; did you mean 'brand'\?"),
        ("segments: [chanel]\n", r"'chanel' is no mapped dimension; did you mean 'channel'\?"),
        ("where: {brand: Acne}\n", "where: no response has brand = Acne"),
        ("period: wave\n", "needs a column in the role `wave`"),
        (
            "download: From example.org.\ndata: elsewhere\n",
            r"elsewhere/survey.csv: no such file\nFrom example.org.\n.*--set data=",
        ),
    ],
)
def test_wrong_parameters_write_nothing(project, tmp_path, text, message):
    params = project(text)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CxError, match=message):
        prepare(params, tmp_path / "work")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_mapped_column_that_the_file_does_not_have_is_named(project, tmp_path):
    with pytest.raises(CxError, match=r"items.nps: the column 'scroe' is not in survey.csv; did you mean 'score'\?"):
        prepare(project("", LEAST.replace("nps: score", "nps: scroe")), tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_small_segments_are_put_together_where_the_run_asks_for_it(project):
    data = [*answers("Acme", "2026-10", "9 " * 40), *answers("Acme", "2026-10", "9 " * 30, "phone")]
    data += [row for channel in ("fax", "post") for row in answers("Acme", "2026-10", "8 " * 6, channel)]
    made = planned(project("for_each: [brand]\nsegments: [channel]\nmerge_small: true\n", data=data))
    assert made.tallies.values["channel"] == ["other (2 levels)", "phone", "web"]
    assert made.tallies.hidden.empty
    assert "merge_small: channel: 2 levels are one" in made.notes
    apart = planned(project("for_each: [brand]\nsegments: [channel]\n", data=data))
    assert set(apart.tallies.hidden["channel"]) == {"fax", "post", "phone"}  # six and six may be the same six people
