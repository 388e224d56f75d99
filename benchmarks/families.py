"""How often a page reports a change where there is none, by what is taken as one family of comparisons.

    python benchmarks/families.py [--quick]

Every place is a page of its own: five metrics of the same customers (correlated .5), two waves, six segments. Of each
way of making families: the share of pages with at least one false "changed", and the share of pages that find a fall
of the NPS by 15 points that is there. Then, as pages are: the share with any false statement in tables (changes, and
segments against the rest) and in sentences, per page and per run of eight places whose totals are one family; and the
share of years in which a stable score, looked at every month against the month before, is called changed at least once.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pandas as pd

import cxkit as cx
from cxkit.stats import holm, nps_difference

SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "recommended": (0, 1), "exceeded": (0, 1)}
ANSWERS, SEGMENTS, FALL = 240, 6, 15.0  # per page and wave; points of NPS
PER_SD = 67.0  # points of NPS that a shift of the mood by one standard deviation moves here
LEAD = "nps"
PLACES = 8  # of a run


def pages(number: int, fall: float, seed: int) -> pd.DataFrame:
    """Answers of many places in two waves, their items driven by one mood; the NPS falls in the second."""
    rng = np.random.default_rng(seed)
    n = 2 * number * ANSWERS
    mood, wave = rng.normal(size=n), np.tile(np.repeat(["1", "2"], ANSWERS), number)
    frame = pd.DataFrame({"wave": wave, "place": np.repeat(np.arange(number), 2 * ANSWERS).astype(str)})
    frame["segment"] = rng.integers(0, SEGMENTS, n).astype(str)
    for item, (low, high) in SCALES.items():
        own = np.sqrt(0.5) * mood + np.sqrt(0.5) * rng.normal(size=n)
        if item == LEAD:
            own = own - np.where(wave == "2", fall / PER_SD, 0.0)
        frame[item] = low + np.clip(np.floor((high - low + 1) * (0.62 + 0.27 * own)), 0, high - low)
    return frame


def found(tallies: cx.Tallies, metrics: list[str], by: list[str], **family: Any) -> pd.DataFrame:
    """Place and metric of what changed."""
    frame = cx.compare(tallies, "2", "1", by=by, metrics=metrics, per=["place"], **family)
    return frame.loc[frame["verdict"] == "changed", ["place", "metric"]]


def ways(tallies: cx.Tallies) -> dict[str, dict[str, pd.DataFrame]]:
    """What each way of making families finds, of the totals and of the segments."""
    metrics, total, inside = list(tallies.metrics), ["place"], ["place", "segment"]
    apart = [pd.concat([found(tallies, [name], by) for name in metrics]) for by in (total, inside)]
    led = found(tallies, metrics, total, lead=LEAD)
    both = {
        "each_metric_by_itself": apart,
        "one_family": [found(tallies, metrics, by) for by in (total, inside)],
        "lead_and_others": [led, found(tallies, metrics, inside, lead=LEAD)],
        "lead_and_others_segments_of_lead": [led, found(tallies, [LEAD], inside)],
    }
    return {way: dict(zip(("total", "segments"), frames, strict=True)) for way, frames in both.items()}


def share(frames: list[pd.DataFrame], number: int, metric: str | None = None) -> float:
    """The share of pages on which something changed."""
    every = pd.concat(frames)
    return float((every if metric is None else every[every["metric"] == metric])["place"].nunique() / number)


def tallied(number: int, fall: float, seed: int) -> cx.Tallies:
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave"},
        "items": {item: item for item in SCALES},
        "dimensions": {"place": "place", "segment": "segment"},
    }
    given: dict[str, Any] = {"by": ["place", "segment"], "levels": [("place",), ("place", "segment")]}
    survey = cx.read(pages(number, fall, seed), mapping)
    return cx.tally(survey, list(SCALES), period="wave", pairs=[("2", "1")], rest=True, **given)


def statements(tallies: cx.Tallies, number: int) -> dict[str, float]:
    """The share of pages, and of runs of eight pages, with a false statement, in tables and in sentences."""
    metrics = list(tallies.metrics)
    runs = [tallies.values["place"][i : i + PLACES] for i in range(0, number - number % PLACES, PLACES)]
    alone = cx.compare(tallies, "2", "1", by=["place"], metrics=metrics, per=["place"], lead=LEAD)
    parts = cx.compare(tallies, "2", "1", by=["place", "segment"], metrics=[LEAD], per=["place"])
    rest = cx.against_rest(tallies, "2", "segment", by=["place"], lead=LEAD)
    judged = alone.assign(held=alone["metric"] == LEAD)
    total, told, together = set(_moved(alone)), set[str](), set[str]()
    inside = set(_moved(parts)) | set(rest.loc[rest["verdict"] == "differs", "place"])
    for places in runs:
        for _, family in judged[judged["place"].isin(places)].groupby("held"):
            together |= set(family["place"][holm(family["pvalue"]) < 0.05])
    for place in tallies.values["place"]:
        named = cx.alike(tallies, "2", "1", "segment", where={"place": place}, metrics=[LEAD])["named"]
        told |= {place} if named.any() else set()

    def per_run(false: set[str]) -> float:
        return float(np.mean([bool(false.intersection(places)) for places in runs]))

    return {
        "false_page_tables_without_the_rest": len(total | set(_moved(parts))) / number,
        "false_page_tables": len(total | inside) / number,
        "false_page_sentences": len(total | told) / number,
        "false_run_of_8_tables": per_run(together | inside),
        "false_run_of_8_sentences": per_run(together | told),
    }


def _moved(frame: pd.DataFrame) -> list[str]:
    return frame.loc[frame["verdict"] == "changed", "place"].tolist()


def looks(years: int, answers: int = 100, months: int = 12) -> float:
    """The share of years in which a stable score is called changed in at least one month."""
    counts = np.random.default_rng(3).multinomial(answers, (0.2, 0.3, 0.5), (years, months + 1)).astype(float)
    sides = [tuple(np.moveaxis(part, -1, 0)) for part in (counts[:, 1:], counts[:, :-1])]
    return float((np.asarray(nps_difference(sides[0], sides[1]).pvalue) < 0.05).any(axis=1).mean())  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="200 pages in place of 2,000")
    number = 200 if parser.parse_args().quick else 2000
    same, fallen = tallied(number, 0.0, 1), tallied(number, FALL, 2)
    moved = cx.compare(fallen, "2", "1", by=["place"], metrics=[LEAD])["change"].mean()
    print(f"bar fall_of_the_nps {-moved:.1f}")
    nothing, fell = ways(same), ways(fallen)
    for way in nothing:
        print(f"bar {way}_false_page {share([*nothing[way].values()], number):.3f}")
        print(f"bar {way}_fall_found {share([fell[way]['total']], number, LEAD):.3f}")
        print(f"bar {way}_fall_found_in_a_segment {share([fell[way]['segments']], number, LEAD):.3f}")
    for bar, value in statements(same, number).items():
        print(f"bar {bar} {value:.3f}")
    print(f"bar false_year_of_monthly_looks {looks(10 * number):.3f}")


if __name__ == "__main__":
    main()
