"""The audit as tables: nothing of the data becomes markup, and what is absent is said."""

from __future__ import annotations

import pandas as pd
import pytest

from cxkit.show.sections import CAPTIONS, audit_table, audit_tables


def test_text_of_the_data_is_escaped_and_numbers_are_words() -> None:
    frame = pd.DataFrame(
        {"dimension": ["<b>brand</b>"] * 2, "level": ["A & B", "C"], "n": [1234, None], "share": [98.76, None]}
    )
    shown = audit_table("reports", frame)
    assert "&lt;b&gt;brand" in shown
    assert "<b>brand" not in shown
    assert "98.8%" in shown
    assert shown.count("not shown") == 2
    assert "would give them away" in shown


@pytest.mark.parametrize("part", CAPTIONS)
def test_an_empty_part_says_so(part: str) -> None:
    assert str(audit_table(part, pd.DataFrame())) == f"<p>{CAPTIONS[part][2]}</p>"


def test_a_check_that_fails_is_seen() -> None:
    frame = pd.DataFrame(
        {"check": ["counts add up", "shares"], "held": [False, True], "detail": ["2 cells differ", ""]}
    )
    shown = audit_tables({"checks": frame})
    assert '<td data-label="Holds">NO</td>' in shown
    assert "2 cells differ" in shown
    assert "without an audit" in audit_tables({})
