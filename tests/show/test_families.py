from __future__ import annotations

import pandas as pd
import pytest
from present_made import Words, comparison

from cxkit.metrics import METRICS
from cxkit.show import changes, comparisons_table, findings
from cxkit.show.families import cut, families

NPS = {"nps": METRICS["nps"]}
NAMES = ["brand", "channel", "region"]
WHOLE = comparison("nps", 3.0, 9.0, "no evidence", brand="A", channel=None, region=None, family=6)


def parts(family: int = 4) -> list[dict]:
    places = [{"channel": "phone"}, {"channel": "chat"}, {"region": "N"}, {"region": "S"}, {"region": "W"}]
    blank = {"brand": "A", "channel": None, "region": None, "family": family}
    found = [comparison("nps", 3.0, 9.0, "no evidence", **blank | place) for place in places]
    found[-1] |= {"pvalue": None, "pvalue_adj": None, "verdict": "too few", "change": None}
    return found


@pytest.mark.parametrize(
    ("row", "found", "words"),
    [
        (WHOLE, [WHOLE], " by brand"),  # one row of a family over all brands
        (WHOLE, [WHOLE, *parts()], " by brand"),
        (parts()[0], [WHOLE, *parts()], " by channel and region"),
        (parts()[0], parts(), " by channel and region"),
        (parts(2)[0], parts(2)[:2], " by channel"),  # two calls, each a family
        (parts()[0], parts()[:2], " by channel and others"),  # a part of a family
    ],
)
def test_a_family_is_named_by_what_it_is_cut_by(row, found, words):
    assert cut(row, found, NAMES) == words


def test_a_family_of_equal_size_is_not_taken_for_the_same_one():
    assert cut(WHOLE | {"family": 4}, [WHOLE | {"family": 4}, *parts()], NAMES) == " by brand"
    assert cut(parts()[0], [WHOLE | {"family": 4}, *parts()], NAMES) == " by channel and region"


def test_one_comparison_is_no_family():
    assert families([WHOLE | {"family": 1}], NAMES, NPS) == ""


def test_tables_figures_and_findings_name_their_families():
    frame = pd.DataFrame(parts())
    by_channel = frame[frame["channel"].notna()]
    assert "Corrected for 4 comparisons: NPS by channel and others." in Words(comparisons_table(by_channel, NPS)).text
    told = Words(comparisons_table(by_channel, NPS, among=frame)).text
    assert "Corrected for 4 comparisons: NPS by channel and region. Each interval is a single comparison's." in told
    drawn = Words(changes(frame, NPS["nps"], "channel")).text
    assert "corrected for 4 comparisons: NPS by channel and region. Of 2 comparisons" in drawn
    said = Words(findings(pd.DataFrame([WHOLE, *parts()]), NPS)).text
    assert "for 6 comparisons by brand (" in said
