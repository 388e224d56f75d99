"""The planted fall and the planted drift are found by the watch, and nothing else is, over seeds of the sample."""

from __future__ import annotations

from collections import Counter

import pytest

import cxkit as cx
from cxkit.sample import truth, write

QUIET = {"Alderbrück & Söhne", "Eskavon", "Fennimoor"}  # the score of Corvanto falls as well, by its plans


def signalled(seeds: range) -> Counter[str]:
    """In how many seeds each brand is said to be lower, or higher, in any of the last twelve months."""
    columns = {name: name for name in ("respondent", "time", "weight")}
    mapping = {"kind": "relationship", "timezone": write.TIMEZONE, "columns": columns,
               "items": {"nps": "nps"}, "dimensions": {"brand": "brand"}}  # fmt: skip
    found = Counter[str]()
    for seed in seeds:
        answers = write.sample(seed)["responses"][[*columns, "brand", "nps"]]
        watched = cx.watch(cx.tally(cx.read(answers, mapping), ["nps"], by=["brand"]), by=["brand"])
        signals = watched[watched["signal"] & watched["period"].ge(truth.DRIFT.month)]
        found.update({f"{brand} {way}" for brand, way in zip(signals["brand"], signals["direction"], strict=True)})
    write._drawn.cache_clear()
    return found


def test_the_fall_and_the_drift_are_found() -> None:
    found = signalled(range(1))
    assert found[f"{truth.PLANTED.brand} lower"] == found[f"{truth.DRIFT.brand} lower"] == 1


@pytest.mark.slow
def test_the_fall_and_the_drift_are_found_and_nothing_else_is() -> None:
    seeds = range(200)
    found = signalled(seeds)
    print(dict(found))
    # 181 and 146 are found. Of 4,000 normal series with the mean base, variance and level of 17 seeds: .91 in the first
    # month of the fall, .67 of twelve points in a year.
    assert found[f"{truth.PLANTED.brand} lower"] >= 0.88 * len(seeds)
    assert found[f"{truth.DRIFT.brand} lower"] >= 0.7 * len(seeds)
    for brand in QUIET:  # .05 of a series in one horizon, and three standard errors of a share of 200
        assert found[f"{brand} lower"] + found[f"{brand} higher"] <= 0.096 * len(seeds)
