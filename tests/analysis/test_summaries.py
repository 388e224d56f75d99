"""The numbers of all reports: which parts there are, for places, for segments, for both and for neither."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.summaries import summary

OWN = {"estimate", "comparison", "target"}
INSIDE = {"segment estimate", "segment comparison", "segment contrast"}


@pytest.mark.parametrize(
    ("places", "segments", "parts"),
    [
        ([], [], OWN),
        (["brand"], [], OWN | {"contribution"}),
        ([], ["channel"], OWN | INSIDE | {"contribution", "share", "segment share"}),
        (["brand"], ["channel"], OWN | INSIDE | {"contribution", "share", "segment share"}),
    ],
)
def test_every_part_is_there_once_and_says_what_its_own_call_says(places, segments, parts) -> None:
    i = np.arange(800)
    frame = pd.DataFrame({"wave": (i % 2).astype(str), "nps": i * 7 % 11, "brand": np.array(list("ab"))[i // 3 % 2]})
    frame["channel"] = np.array(["web", "phone", "shop"])[i // 2 % 3]
    by = [*places, *segments]
    levels = list(dict.fromkeys([(), *((name,) for name in places), *((*places, name) for name in segments)]))
    tallies = cx.tally(cx.read(frame), ["nps"], by=by, levels=levels, period="wave", rest=True)
    found = summary(tallies, "1", ["0"], places, segments, "nps", 0.95, "holm", {"nps": 10})
    assert set(found["part"]) == parts
    cells = [len(set(frame[name])) for name in by]
    assert (found["part"] == "comparison").sum() == sum(cells[: len(places)]) + 1
    assert (found["part"] == "target").sum() == sum(cells[: len(places)]) + 1
    assert (found["part"] == "estimate").sum() == 2 * (sum(cells[: len(places)]) + 1)
    if parts > OWN:
        own = cx.why(tallies, "1", "0", (places or segments)[0])
        told = found[found["part"] == "contribution"]
        assert told["contribution"].tolist() == own["contribution"].tolist()
