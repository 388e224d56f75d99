from __future__ import annotations

import re

import pytest
from present_made import ENDLESS, Words

from cxkit.show import audit, header, methods, provenance, style


def test_the_header_says_what_the_page_is_about():
    made = header("Acme", now="2026-10", before="2026-09", where={"brand": "Acme"},
                  filters={"home_country": ["DE", "AT"]}, provenance={"synthetic": True, "data_date": "2026-10-31",
                  "partial": {"2026-09": "nobody answered in its first 9 days"}})  # fmt: skip
    text = Words(made).text
    assert made.count("<h1>") == 1
    for words in (
        "Acme",
        "2026-10",
        "2026-09",
        "Filter: Home country",
        "DE, AT",
        "Synthetic sample data",
        "May be partial2026-09: nobody answered in its first 9 days",
    ):
        assert words in text


def test_the_audit_counts_refusals(refused):
    text = Words(audit(refused, {"rows": 60211})).text
    assert "60,211 rows were read." in text
    assert "declared missing: 11 (blank)84" in text
    assert "No answer was refused" in audit(refused[:0])


def test_methods_name_question_interval_test_and_thresholds(headline, headline_changes, metrics):
    text = Words(methods(headline, headline_changes, metrics)).text
    assert "go by less than it says where unequal weights or few clusters" in text
    for words in (
        "How likely are you to recommend us",
        "in points; higher is better",
        "fewer than 10",
        "below 30",
        "80% power",
        "MOVER",
        "NPS bands",
    ):
        assert words in text
    assert "NPS bands" not in methods(headline[1:], headline_changes, metrics)


@pytest.mark.parametrize(
    ("value", "shown"),
    [({"a": 1, "b": "x"}, "a 1, b x"), (12345, "12,345"), ([1, "<b>"], "1<b>"), (True, "True"), (None, "None")],
)
def test_provenance_prints_any_record(value, shown):
    assert shown in Words(provenance({"key_of_it": value})).text


def test_an_endless_title_is_cut_in_the_heading_and_whole_below():
    made = header(ENDLESS, now="1")
    assert len(Words(re.findall("<h1>.*</h1>", made)[0]).text) <= 160
    assert ENDLESS.strip() in Words(made).text


def test_the_style_is_for_notebooks_too():
    assert style().startswith("<style>")
