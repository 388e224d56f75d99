"""Whom the index names under "Act on" where 40 places are all alike, on target and still: next to nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.summaries import signals
from cxkit.metrics import METRICS
from cxkit.show.index import Told
from cxkit.show.rows import rows

SHARES: dict[str, dict[int, float]] = {  # of the answers
    "nps": dict.fromkeys(range(7), 0.2 / 7) | {7: 0.15, 8: 0.15, 9: 0.25, 10: 0.25},
    "csat": {1: 0.05, 2: 0.07, 3: 0.16, 4: 0.42, 5: 0.3},
    "ces": {1: 0.03, 2: 0.05, 3: 0.07, 4: 0.15, 5: 0.25, 6: 0.25, 7: 0.2},
    "cared": {0: 0.38, 1: 0.62},
    "resolved": {0: 0.25, 1: 0.75},
}
TARGETS = {name: sum(METRICS[name].values[answer] * share for answer, share in shares.items())
           for name, shares in SHARES.items()}  # fmt: skip
MONTHS = pd.period_range("2024-01", "2026-12", freq="M").astype(str).tolist()
SHOPS = [f"Shop {i:02}" for i in range(40)]
ANSWERS = 120  # of each shop in a month


WORST = {"Worst": dict.fromkeys(range(7), 0.45 / 7) | {7: 0.1, 8: 0.1, 9: 0.2, 10: 0.15}}


def alike(seed: int, but: dict[str, dict[int, float]] | None = None) -> cx.Tallies:
    """Tallies of shops of which nothing but chance differs, made of counts; `but` some that answer NPS otherwise."""
    shops = [*SHOPS, *(but or {})]
    rng, every = np.random.default_rng(seed), pd.MultiIndex.from_product([shops, MONTHS], names=["shop", "day"])
    frame = every.to_frame(index=False).assign(**dict.fromkeys(SHARES, 1))
    mapping = {"kind": "transactional", "columns": {"time": "day"}, "time_format": "%Y-%m",
               "items": {name: name for name in SHARES}, "dimensions": {"shop": "shop"}}  # fmt: skip
    made = cx.tally(cx.read(frame, mapping), list(SHARES), by=["shop"], levels=[("shop",)])
    parts = []
    for name, shares in SHARES.items():
        drawn = {shop: {"nps": one}.get(name, shares) for shop, one in (but or {}).items()}
        chances = [list(drawn.get(shop, shares).values()) for shop in every.get_level_values("shop")]
        counts = rng.multinomial(ANSWERS, chances)
        cells = pd.DataFrame({"shop": np.repeat(every.get_level_values(0), len(shares)),
                              "period": np.repeat(every.get_level_values(1), len(shares))})  # fmt: skip
        n = counts.ravel()
        parts.append(
            cells.assign(item=name, cut="shop", answer=np.tile(list(shares), len(every)), n=n, open=0, w=n, w2=n)
        )
    counts = pd.concat(parts, ignore_index=True).query("n > 0")[made.counts.columns]
    return replace(made, counts=counts.astype(made.counts.dtypes).reset_index(drop=True))


def named(tallies: cx.Tallies, now: str, before: str) -> list[str]:
    """The shops that the index of a run names, from the parts of its summary that it reads."""
    given: dict[str, Any] = {"by": ["shop"], "lead": "nps"}
    parts = {
        "comparison": cx.compare(tallies, now, before, **given),
        "target": cx.against_target(tallies, TARGETS, now, **given),
        "watch": signals(replace(tallies, periods=MONTHS[: MONTHS.index(now) + 1]), ["shop"], now),
    }
    found = pd.concat([frame.assign(part=part) for part, frame in parts.items()])
    shops = tallies.values["shop"]
    told = Told(rows(found.assign(report=found["shop"])), [{"name": shop} for shop in shops], now)
    return [shop for shop in shops if any(told.worse(shop, METRICS[name]) for name in SHARES)]


def runs_that_name(shelves: int) -> float:
    """The share of twelve monthly runs of each shelf that name anybody."""
    found = [bool(named(tallies, now, before)) for tallies in map(alike, range(shelves))
             for before, now in zip(MONTHS[-13:], MONTHS[-12:], strict=False)]  # fmt: skip
    return sum(found) / len(found)


@pytest.mark.slow
def test_of_sixty_shelves_that_stand_still_next_to_no_run_names_anybody() -> None:
    found = runs_that_name(60)
    print(found)
    assert found <= 0.1


def test_a_shelf_that_stands_still_names_next_to_nobody() -> None:
    assert runs_that_name(1) <= 0.25


def test_the_worst_of_41_is_named_and_its_page_says_so() -> None:
    """Its whole interval lies under the target of 30, in the family of all 41."""
    tallies = alike(3, WORST)
    before, now = MONTHS[-2:]
    row = cx.at(cx.against_target(tallies, TARGETS, now, by=["shop"], lead="nps"), {"shop": "Worst", "metric": "nps"})
    assert (row["high"].item() < 30, row["family"].item(), row["verdict"].item()) == (True, 41, "below")
    assert named(tallies, now, before) == ["Worst"]
    page = cx.report(tallies, {"shop": "Worst"}, now, before, metrics=list(SHARES), targets=TARGETS)
    assert "It is below the target of 30" in str(page.headline())
