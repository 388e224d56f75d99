"""Parameters: what a file may say, what it may not, and how the command line overrides it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from cxkit.errors import CxError
from cxkit.runs.params import assign, load, pair

TODAY = dt.date(2026, 11, 22)
LEAST = "name: demo\ntitle: Demo\nsource: data/survey.csv\nmetrics: [nps]\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "params").mkdir()
    return tmp_path


def given(project: Path, text: str = "", least: str = LEAST, **options):
    file = project / "params" / "demo.yaml"
    file.write_text(least + text, encoding="utf-8")
    return load(file, today=TODAY, **options)


def test_the_defaults(project):
    params = given(project)
    assert (params.period, params.latest, params.against) == ("month", "last complete month", ["previous"])
    assert (params.level, params.correction, params.weights, params.clusters) == (0.95, "holm", True, True)
    assert (params.for_each, params.segments, params.where, params.parameters) == ({}, [], {}, {})
    assert (params.root, params.date, params.only) == (project, TODAY, {})
    assert given(project, "period: wave\n").latest == "latest"


def test_short_and_long_forms_are_one(project):
    params = given(project, "for_each: [brand, region]\nwhere: {country: Norway}\nsegments: channel\n")
    assert params.for_each == {"brand": None, "region": None}
    assert params.where == {"country": ["Norway"]}
    assert params.segments == ["channel"]
    assert given(project, "for_each: brand\n").for_each == {"brand": None}
    listed = given(project, "for_each: {brand: [B, A, B], region: }\n")
    assert listed.for_each == {"brand": ["B", "A"], "region": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("for_eech: [brand]\n", r"demo.yaml: for_eech: unknown key; did you mean 'for_each'\?"),
        ("where: {country: NO}\n", r"demo.yaml, line 5: NO without quotes .* write 'NO'"),
        ("where: {code: 010}\n", r"line 5: 010 without quotes"),
        ("now: 12:30:00\n", r"line 5: 12:30:00 without quotes"),
        ("where: {paid: true}\n", r"where.paid.0: text expected, found true"),
        ("where: {version: 1.10}\n", r"where.version.0: text expected, found 1.1"),
        ("where: {brand: null}\n", r"where.brand: expected a list, found None"),
        ("period: moth\n", r"period: expected .*did you mean 'month'\?"),
        ("level: 95\n", r"level: expected less than 1, found 95"),
        ("level: '0.9'\n", r"level: expected a number, found '0.9'"),
        ("weights: 1\n", r"weights: expected a boolean, found 1"),
        ("correction: bonferroni\n", r"correction: expected 'holm' or 'bh'"),
        ("as_of: 31.10.2026\n", r"as_of: expected a date such as 2026-11-01, found '31.10.2026'"),
        ("as_of: 2026-02-30\n", r"as_of: .*day"),
        ("for_each: [a, b, c]\n", r"for_each: .*2 items"),
        ("for_each: [a, a]\n", r"for_each: a dimension is listed twice"),
        ("for_each: {brand: []}\n", r"for_each: brand: no value is listed"),
        ("for_each: [brand]\nsegments: [brand]\n", r"segments: 'brand' has one value in each report"),
        ("now: last complete quarter\n", r"now: expected 'last complete month'"),
        ("now: latest\n", r"now: expected 'last complete month'"),
        ("period: wave\nagainst: year_ago\n", r"against: waves have no year"),
        ("against: [previous, year_ago, 2026-01]\n", r"against: .*2 items"),
        ("against: []\n", r"against: .*1 item"),
        ("parameters: {tallies: x}\n", r"parameters: 'tallies' is set by the run itself"),
        ("for_each: [brand]\ntitle: x\n", r"key 'title' is written twice"),
        ("lang: English\n", r"lang: "),
        ("rules: {hide_below: 2}\n", r"rules: hide_below: expected 3 or more, found 2"),
        (
            "rules: {judge_from: 20, hide_below: 25}\n",
            r"judge_from: expected 25 or more, as hide_below is",
        ),
        ("rules: {judge_from: '30'}\n", r"rules.judge_from: expected a whole number, found '30'"),
        ("rules: {hide_bellow: 10}\n", r"rules.hide_bellow: unknown key; did you mean 'hide_below'"),
        ("targets: {csta: 75}\n", r"targets.csta: is not among `metrics`"),
        ("targets: {nps: '30'}\n", r"targets.nps: expected .*found '30'"),
        ("targets: {nps: {valeu: 30}}\n", r"targets.nps.valeu: unknown key; did you mean 'value'\?"),
        ("targets: {nps: {by: {a: {b: 1}}}}\n", r"targets.nps.value: required, but absent"),
        (
            "targets: {nps: {value: 3, by: {chanel: {phone: 4}}}}\nsegments: channel\n",
            r"targets.nps.by.chanel: is neither in for_each nor in segments; did you mean 'channel'\?",
        ),
        ("targets: {nps: {within: 20 s, share: 90}}\n", r"targets.nps: .* `measure: within` and `within: 20 s`"),
        ("comments_minimum: 9\n", r"comments_minimum: expected 10 or more, as for a score"),
    ],
)
def test_what_is_refused_and_how(project, text, message):
    with pytest.raises(CxError, match=message):
        given(project, text)


def test_a_title_is_no_template(project):
    least = LEAST.replace("Demo", "'{brand}: a report'")
    with pytest.raises(CxError, match="title: is the same for all reports"):
        given(project, "for_each: [brand]\n", least)


@pytest.mark.parametrize("name", ["../up", "a/b", "", "A b", "{x}", ".hidden"])
def test_the_name_is_a_folder_name(project, name):
    with pytest.raises(CxError, match="name: "):
        given(project, "", LEAST.replace("name: demo", f"name: '{name}'"))


def test_where_paths_start(project, monkeypatch):
    params = given(project, "mapping: mappings/x.yaml\ndata: data/sfo\nreport: own/report.ipynb\n")
    assert params.source == "data/survey.csv"
    assert params.data == str(project / "data" / "sfo")
    assert params.mapping == str(project / "params" / "mappings" / "x.yaml")
    assert params.report == str(project / "own" / "report.ipynb")
    assert given(project).data == str(project)
    monkeypatch.chdir("/")
    assert given(project, sets={"data": "tmp"}).data == "/tmp"
    alone = project / "alone.yaml"
    alone.write_text(LEAST)
    assert load(alone).root == project


def test_the_kits_own_notebooks_are_the_default(project):
    kit = Path(__file__).resolve().parents[2] / "notebooks"
    assert given(project).report == str(kit / "report.ipynb")
    (project / "notebooks").mkdir()
    (project / "notebooks" / "report.ipynb").touch()
    assert given(project).report == str(project / "notebooks" / "report.ipynb")
    assert given(project).overview == str(kit / "overview.ipynb")


def test_set_overrides_inside_lists_and_makes_new_keys(project):
    least = LEAST.replace("data/survey.csv", "{files: [{path: a.csv, wave: 1}, {path: b.csv, wave: 2}]}")
    sets = {"source.files.1.path": "c.csv", "where.country": "[Norway, Sweden]", "level": "0.9"}
    params = given(project, "where:\n", least, sets=sets)
    assert params.source["files"][1] == {"path": "c.csv", "wave": 2}
    assert params.where == {"country": ["Norway", "Sweden"]}
    assert params.level == 0.9


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("where.country", "NO", "--set where.country=NO, line 1: NO without quotes"),
        ("source.files.2.path", "x", "--set source.files.2.path=x: expected a number from 0 to 1, found '2'"),
        ("source.files.x", "y", "expected a number from 0 to 1, found 'x'"),
        ("name.x", "y", "'x' leads nowhere, because what is before it is 'demo'"),
        ("levle", "0.9", "levle: unknown key; did you mean 'level'?"),
        ("level", "[", "--set level=[, line 1: not valid YAML"),
    ],
)
def test_set_is_as_strict_as_the_file(project, key, text, message):
    least = LEAST.replace("data/survey.csv", "{files: [{path: a.csv}, {path: b.csv}]}")
    with pytest.raises(CxError) as error:
        given(project, "", least, sets={key: text})
    assert message in str(error.value)


def test_as_of_comes_from_the_command_line_then_the_file_then_today(project):
    assert given(project, "as_of: 2026-10-01\n", as_of="2026-09-01").date == dt.date(2026, 9, 1)
    assert given(project, "as_of: 2026-10-01\n").date == dt.date(2026, 10, 1)
    assert given(project).date == TODAY
    with pytest.raises(CxError, match="as_of: expected a date"):
        given(project, as_of="yesterday")


def test_only_names_a_dimension_of_for_each(project):
    params = given(project, "for_each: [brand]\n", only=[("brand", "A"), ("brand", "B")])
    assert params.only == {"brand": ["A", "B"]}
    with pytest.raises(CxError, match=r"--only brnd=A: no such dimension in for_each; did you mean 'brand'\?"):
        given(project, "for_each: [brand]\n", only=[("brnd", "A")])


def test_an_option_needs_a_key_and_a_value():
    assert pair("where.x=a=b", "--set") == ("where.x", "a=b")
    for text in ("level", "=0.9", ""):
        with pytest.raises(CxError, match="expected KEY=VALUE"):
            pair(text, "--set")


def test_a_set_value_keeps_its_yaml_type():
    data: dict[str, object] = {}
    for key, text in {"a": "true", "b": "'true'", "c.d": "3", "e": ""}.items():
        assign(data, key, text)
    assert data == {"a": True, "b": "true", "c": {"d": 3}, "e": None}


MARK = "benchmarks: [{metric: nps, value: 40, name: Sector, source: a yearly study, date: '2025'}]\n"


def test_published_values_have_a_metric_a_source_and_a_date(project):
    (mark,) = given(project, MARK).benchmarks
    assert mark.model_dump() == {
        "metric": "nps", "value": 40.0, "name": "Sector", "source": "a yearly study", "date": "2025"}  # fmt: skip
    for wrong, message in (
        (MARK.replace(", source: a yearly study", ""), "benchmarks.0.source: required, but absent"),
        (MARK.replace("nps", "csat"), "benchmarks.0.metric: 'csat' is not among `metrics`"),
        (MARK.replace("date", "day"), "benchmarks.0.day: unknown key"),
        ("parameters: {benchmarks: []}\n", "'benchmarks' is set by the run itself"),
    ):
        with pytest.raises(CxError) as error:
            given(project, wrong)
        assert message in str(error.value)
