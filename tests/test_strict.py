"""YAML is read as it is written, and errors say what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxkit.errors import CxError, nearest
from cxkit.strict import Strict, Text, load_yaml, parse, parse_yaml


@pytest.mark.parametrize(
    "text",
    [
        "NO",
        "no",
        "Yes",
        "on",
        "OFF",
        "010",
        "-007",
        "0x1F",
        "0o17",
        "0b1",
        "1_000",
        "+5",
        "12:30",
        "12:30:00",
        "1e3",
        ".5",
        "5.",
    ],
)
def test_text_that_yaml_would_convert_is_refused_with_advice_and_line(text):
    with pytest.raises(CxError, match=r"demo, line 2: .* without quotes can be read as") as error:
        parse_yaml(f"a: b\nkey: {text}", "demo")
    assert f"write '{text}'" in str(error.value)
    assert parse_yaml(f"key: '{text}'", "demo") == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("0", 0), ("-12", -12),
        ("2017", 2017), ("0.90", 0.9), ("1.5e-3", 0.0015), ("2026-10", "2026-10"), ("2026-10-31", "2026-10-31"),
        ("2026-W07", "2026-W07"), ("1.10.3", "1.10.3"), ("y", "y"), ("=", "="), ("last month", "last month"),
    ],
)  # fmt: skip
def test_the_rest_is_what_it_looks_like(text, value):
    found = parse_yaml(f"key: {text}", "demo")["key"]
    assert found == value
    assert type(found) is type(value)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30))
def test_any_quoted_text_survives(text):
    quoted = "'" + text.replace("'", "''") + "'"
    assert parse_yaml(f"key: {quoted}", "demo")["key"] == text


@given(st.from_regex(r"[-+]?[0-9_.:eExob]{1,8}", fullmatch=True))
def test_what_is_read_as_a_number_reads_back_as_the_same_number(text):
    try:
        value = parse_yaml(text, "demo")
    except CxError:
        return
    if isinstance(value, (int, float)):
        assert float(text) == value
        assert isinstance(value, float) or str(value) == text


def test_a_key_that_is_written_twice_is_refused():
    with pytest.raises(CxError, match="demo, line 3: key 'a' is written twice, first in line 1"):
        parse_yaml("a: 1\nb: 2\na: 3\n", "demo")


@pytest.mark.parametrize("text", ["[1", "a: b: c", "{a: 1", "\tx: 1", "? [1]\n: 2", "a: !!python/object:os.system x"])
def test_what_is_no_yaml_is_refused_in_words(text):
    with pytest.raises(CxError, match="demo"):
        parse_yaml(text, "demo")


def test_anchors_and_merges_work():
    assert parse_yaml("base: &b {x: 1, y: 2}\nother: {<<: *b, x: 3}", "demo")["other"] == {"x": 3, "y": 2}


def test_a_file_must_exist_be_text_and_hold_keys(tmp_path: Path):
    (tmp_path / "demo.yaml").write_text("a: 1\n", encoding="utf-8-sig")
    assert load_yaml(tmp_path / "demo.yaml") == {"a": 1}
    with pytest.raises(CxError, match=r"dmeo.yaml: no such file; did you mean 'demo.yaml'\?"):
        load_yaml(tmp_path / "dmeo.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CxError, match="UTF-8"):
        load_yaml(tmp_path / "bad.yaml")
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    with pytest.raises(CxError, match="found nothing"):
        load_yaml(tmp_path / "empty.yaml")
    (tmp_path / "list.yaml").write_text("- a\n")
    with pytest.raises(CxError, match="found list"):
        load_yaml(tmp_path / "list.yaml")


class File(Strict):
    path: Text
    wave: Text | None = None


class Source(Strict):
    files: list[File]


class Model(Strict):
    name: Text
    period: Literal["month", "year"] = "month"
    level: float = 0.95
    source: Text | Source = "sample"
    where: dict[Text, Text | list[Text]] = {}  # noqa: RUF012  (pydantic copies it)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "demo: name: required, but absent"),
        ({"name": "a", "nmae": 1}, "demo: nmae: unknown key; did you mean 'name'?"),
        ({"name": True}, "demo: name: text expected, found true without quotes; if text is meant, quote it"),
        ({"name": 1.10}, "demo: name: text expected, found 1.1 without quotes; if text is meant, quote it"),
        (
            {"name": "a", "period": "moth"},
            "demo: period: expected 'month' or 'year', found 'moth'; did you mean 'month'?",
        ),
        ({"name": "a", "level": "high"}, "demo: level: expected a number, found 'high'"),
        (
            {"name": "a", "source": {"files": [{"pth": "x"}]}},
            "demo: source.files.0.pth: unknown key; did you mean 'path'?",
        ),
        ({"name": "a", "where": {"Brand": [None]}}, "demo: where.Brand.0: text expected, found null"),
    ],
)
def test_errors_name_file_key_found_and_expected(data, message):
    with pytest.raises(CxError) as error:
        parse(Model, data, "demo")
    assert message in str(error.value)


def test_every_wrong_key_is_told_at_once_and_once():
    with pytest.raises(CxError) as error:
        parse(Model, {"nmae": 1, "level": "x", "source": {"fils": []}}, "demo")
    lines = str(error.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["name", "level", "source.files", "source.fils", "nmae"]


def test_whole_numbers_become_their_digits_where_text_is_meant():
    model = parse(
        Model, {"name": 2026, "source": {"files": [{"path": "a.csv", "wave": 2017}]}, "where": {"x": [1]}}, "demo"
    )
    assert (model.name, model.source.files[0].wave, model.where) == ("2026", "2017", {"x": ["1"]})


def test_the_nearest_spelling_is_found_whatever_the_case():
    assert nearest("BRAND", ["brand", "region"]) == "did you mean 'brand'?"
    assert nearest("zzz", map(str, range(20))) == "the nearest of 20 are: 0, 1, 2"
    assert nearest("zzz", []) == "none is known"
