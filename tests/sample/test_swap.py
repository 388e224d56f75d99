"""The planted swap of plans is found to be one of composition, over seeds of the sample's own generator."""

from __future__ import annotations

from collections import Counter

import pytest

import cxkit as cx
from cxkit.sample import truth, write


def causes(seeds: range, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What the change of the brand is a matter of, drawn alone and in its last two months, which takes a second."""
    monkeypatch.setattr(truth, "BRANDS", {truth.SWAP.brand: truth.BRANDS[truth.SWAP.brand]})
    monkeypatch.setattr(truth, "MONTHS", truth.MONTHS[-2:])
    monkeypatch.setattr(truth, "SLIP", truth.SLIP._replace(month=truth.MONTHS[0]))
    columns = {name: name for name in ("respondent", "time", "weight")}
    mapping = {"kind": "relationship", "columns": columns, "items": {"nps": "nps"}, "dimensions": {"plan": "plan"}}
    found = Counter[str]()
    before, now = truth.MONTHS
    for seed in seeds:
        write._drawn.cache_clear()
        answers = write.sample(seed)["responses"][[*columns, "plan", "nps"]]
        tallies = cx.tally(cx.read(answers, mapping), ["nps"], by=["plan"], pairs=[(now, before)], rest=True)
        found[cx.why(tallies, now, before, "plan")["cause"].iloc[0]] += 1
    write._drawn.cache_clear()
    return found


def test_the_swap_is_composition(monkeypatch: pytest.MonkeyPatch) -> None:
    assert causes(range(2000, 2003), monkeypatch)["composition"] >= 2


@pytest.mark.slow
def test_the_swap_is_composition_in_nine_seeds_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    found = causes(range(200), monkeypatch)
    print(dict(found))
    assert found["composition"] >= 180
