"""The response before of the same customer, whether two columns say the same, and answers as levels."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import cxkit as cx
from cxkit.input.databases import collect
from cxkit.input.mapping import load_mapping

ROWS = pd.DataFrame(
    [
        ("1", "ann", "2026-02-26 12:00", "pay", "web", "web"),
        ("2", "ann", "2026-03-28 11:59", "use", "web", "shop"),  # 30 days but a minute later
        ("3", "ann", "2026-04-27 12:30", "pay", "shop", None),  # more by the clock, less by the hours: summer time
        ("4", "bob", "2026-03-28 12:30", "pay", " web ", "web"),
        ("5", None, "2026-03-28 12:31", "pay", None, "web"),
        ("6", None, "2026-03-28 12:32", "use", "web", "web"),
    ],
    columns=["id", "who", "at", "moment", "used", "wished"],
)
MAPPING: dict[str, Any] = {
    "kind": "transactional",
    "timezone": "Europe/Berlin",
    "columns": {"response": "id", "respondent": "who", "time": "at"},
    "items": {"matched": {"same": ["used", "wished"]}},
    "dimensions": {
        "moment": {"column": "moment", "values": ["pay", "use"]},
        "came_from": {"previous": "moment", "within": "30 days"},
        "channel": {"item": "matched", "labels": {0: "another", 1: "the preferred one"}},
    },
}


def test_each_response_knows_the_one_before_of_its_customer() -> None:
    survey = cx.read(ROWS, MAPPING)
    found = collect(survey.table).sort_values("response").set_index("response")
    none = "none within 30 days"
    assert found["came_from"].tolist() == [none, "pay", "use", none, none, none]
    assert found["matched"].fillna(-1).tolist() == [1, 0, -1, 1, -1, 1]
    assert found["channel"].tolist() == ["the preferred one", "another", "(blank)", "the preferred one", "(blank)",
                                         "the preferred one"]  # fmt: skip
    assert survey.mapping.dimensions["came_from"].values == ["pay", "use", none]
    assert survey.refused.to_dict("records") == [{"item": "matched", "reason": "empty", "n": 2}]


@pytest.mark.parametrize(("part", "name", "given", "words"), [
    ("dimensions", "since", {"previous": "moment"}, "within: says how long back"),
    ("dimensions", "since", {"previous": "moment", "within": "a month"}, "expected a time such as 24 h or 30 days"),
    ("dimensions", "since", {"previous": "momnet", "within": "1 d"}, "'momnet' is no dimension; did you mean 'moment'"),
    ("dimensions", "since", {"previous": "moment", "within": "1 d", "column": "at"}, "expected either `column`, or"),
    ("dimensions", "since", {"item": "matched"}, "bands: or labels are needed"),
    ("items", "matched", {"same": ["used"]}, "items.matched.same"),
    ("items", "matched", {"same": ["used", "wished"], "column": "used"}, "column: does not fit an item that asks"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(part: str, name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(cx.CxError, match=words):
        load_mapping({**MAPPING, part: {**MAPPING[part], name: given}})


def test_the_response_before_needs_who_and_when() -> None:
    with pytest.raises(cx.CxError, match="previous: needs response, respondent and a time in one column"):
        load_mapping({**MAPPING, "columns": {"time": "at", "respondent": "who"}} | {"dimensions": {
            "moment": "moment", "came_from": {"previous": "moment", "within": "2 d"}}})  # fmt: skip
