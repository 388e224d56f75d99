"""What a mapping may say, and in which words it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxkit.errors import CxError
from cxkit.input.mapping import load_mapping

LEAST = {"kind": "transactional", "items": {"nps": "nps"}}


def test_the_short_form_is_the_long_form() -> None:
    short = load_mapping(LEAST | {"dimensions": {"brand": "AIRLINE"}})
    assert short == load_mapping(
        LEAST | {"items": {"nps": {"column": "nps"}}, "dimensions": {"brand": {"column": "AIRLINE"}}}
    )
    assert load_mapping(short) is short


def test_a_scale_of_its_own_leaves_the_mean() -> None:
    mapping = load_mapping(LEAST | {"items": {"ces": {"column": "c", "scale": [1, 5], "better": "lower"}}})
    (metric,) = mapping.metrics.values()
    assert (metric.name, metric.scale, metric.better, len(metric.values)) == ("ces", (1, 5), "lower", 5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "relational"}, "kind: expected 'relationship' or 'transactional', found 'relational'; did you mean"),
        ({"item": {}}, "item: unknown key; did you mean 'items'?"),
        ({"items": {"npss": "n"}}, "items.npss: is no known item; did you mean 'nps'?"),
        ({"items": {"nps": {"colum": "n"}}}, "did you mean 'column'?"),
        ({"items": {"nps": {"column": "n", "scale": [1, 10]}}}, "items.nps: is defined on 0-10; declare `labels`"),
        (
            {"items": {"ces": {"column": "n", "scale": [1, 5]}}},
            "items.ces: declare `better: higher` or `better: lower`",
        ),
        ({"items": {"ces": {"column": "n", "scale": [5, 1], "better": "lower"}}}, "expected the lowest answer first"),
        ({"items": {"wait_time": {"column": "n", "reversed": True}}}, "a duration has no highest value"),
        ({"columns": {"time": "t", "wave": "w"}}, "columns: map either `time` or `wave`, not both"),
        ({"columns": {"weigth": "w"}}, "columns.weigth: unknown key; did you mean 'weight'?"),
        ({"timezone": "Europe/Berln"}, "'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'?"),
        ({"time_format": "%d.%m.%Y"}, "time_format: says how to read `columns.time`, which is not mapped"),
        ({"recorded_in": "UTC"}, "recorded_in: says how to read `columns.time`, which is not mapped"),
        ({"columns": {"time": "t"}, "time_format": "%d.%Q"}, "%Q is no part of a time"),
        ({"dimensions": {"brand": {"column": "b", "values": ["A", "B", "A"]}}}, "A: listed twice"),
        ({"dimensions": {"period": "p"}}, "dimensions.period: is the name of a column of the tallies"),
        ({"dimensions": {"NPS": "p"}}, "dimensions.NPS: is the name of an item"),
        ({"dimensions": {"cluster": "p"}}, "dimensions.cluster: is the name of a role"),
        ({"dimensions": {"area": "a", "Area": "b"}}, "dimensions.Area: is the name of another dimension"),
    ],
)
def test_a_faulty_mapping_is_refused_in_words(change, words) -> None:
    with pytest.raises(CxError) as error:
        load_mapping(LEAST | change)
    assert words in str(error.value)
    assert str(error.value).startswith("mapping: ")


def test_a_mapping_file_is_named_in_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "survey.yaml"
    path.write_text("kind: transactional\nitems: {nps: {column: n, missing: {NO: x}}}\n")
    with pytest.raises(CxError, match=r"survey\.yaml, line 2: NO without quotes"):
        load_mapping(path)
    with pytest.raises(CxError, match=r"survey.yml: no such file; did you mean 'survey.yaml'\?"):
        load_mapping(tmp_path / "survey.yml")
