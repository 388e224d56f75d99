"""What is planted in service and retention is found, and nothing else is claimed, over seeds of the sample.

The frames of a seed are joined here by pandas; that `joins` gives the same is tested in `tests/input/test_joins.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.sample import write

BANDS = {"bands": ["1 min", "5 min", "15 min", "60 min"]}
YEAR: dict[str, Any] = {"kind": "transactional", "timezone": write.TIMEZONE, "year_starts": "November"}
CLASSES = {"bands": [7, 9]}
OPEN = f"{write.EXPORTED.tz_convert(write.TIMEZONE):%Y-%m-%d}"
FOUND = {
    "late replies lower CSAT", "CSAT falls along the reply", "silent tickets take longer",
    "silent tickets are opened again", "weighting for the silent brings CSAT nearer to that of all",
    "detractors leave more often", "promoters leave less often",
}  # fmt: skip
Claims = Iterator[tuple[str, bool]]


def of_replies(frames: dict[str, pd.DataFrame], rng: np.random.Generator) -> Claims:
    """CSAT by the time to the first reply, and by the same times shuffled over the answers."""
    said = frames["responses"].merge(frames["tickets"][["ticket", "opened", "first_reply"]], on="ticket")
    clocks = said[["opened", "first_reply"]].iloc[rng.permutation(len(said))].reset_index(drop=True)
    said = said.assign(other_opened=clocks["opened"], other_reply=clocks["first_reply"])
    mapping = YEAR | {
        "columns": {name: name for name in ("respondent", "time", "weight")},
        "items": {"csat": {"column": "csat", "missing": [99]},
                  "first_response": {"from": "opened", "to": "first_reply"},
                  "other": {"from": "other_opened", "to": "other_reply", "measure": "duration"}},
        "dimensions": {"reply": {"item": "first_response"} | BANDS, "shuffled": {"item": "other"} | BANDS},
    }  # fmt: skip
    survey = cx.read(said, mapping)
    own, shuffled = (cx.gradient(survey, ["csat"], name, period="year", now="FY2026") for name in ("reply", "shuffled"))
    yield "CSAT falls along the reply", own["verdict"].eq("falls").all()
    yield "CSAT goes with shuffled times", shuffled["verdict"].isin(["falls", "rises"]).any()
    tallies = cx.tally(survey, ["csat"], by=["reply"], period="year", rest=True)
    late = cx.against_rest(tallies, "FY2026", "reply").set_index("reply").loc["60 min or more"]
    yield "late replies lower CSAT", bool(late["verdict"] == "differs" and late["difference"] < 0)


def satisfied(frames: dict[str, pd.DataFrame]) -> float:
    """The share of all customers with a ticket of the year that are satisfied, also of those who told nobody."""
    told = frames["truth"]["satisfied"]
    begun = frames["tickets"].set_index("ticket")["opened"].dt.tz_convert(write.TIMEZONE) >= "2025-11-01"
    told = told[begun & told.between(1, 5)]
    return 100 * float((told >= 4).mean())


def of_the_silent(frames: dict[str, pd.DataFrame], rng: np.random.Generator) -> Claims:
    """Tickets that an answer names against those that none does, and the satisfaction of all of them."""
    said = frames["responses"].dropna(subset=["ticket"]).set_index("ticket")["csat"]
    tickets = frames["tickets"].assign(answered=lambda t: t["ticket"].isin(frames["responses"]["ticket"]))
    tickets = tickets.assign(answered=tickets["answered"].map({True: "yes", False: "no"}))
    tickets = tickets.assign(shuffled=rng.permutation(tickets["answered"].to_numpy()), csat=tickets["ticket"].map(said))
    again = {"column": "reopened", "measure": "share", "scale": (0, 1), "top": [1], "labels": {"yes": 1, "no": 0}}
    mapping = YEAR | {
        "columns": {"response": "ticket", "respondent": "respondent", "time": "opened"},
        "items": {"full_resolution": {"from": "opened", "to": "solved", "open_until": OPEN},
                  "again": again | {"better": "lower"}, "csat": {"column": "csat", "missing": [99]},
                  "first_response": {"from": "opened", "to": "first_reply", "open_until": OPEN}},
        "dimensions": {"answered": "answered", "shuffled": "shuffled", "channel": "channel",
                       "opened_again": "reopened", "first_reply": {"item": "first_response"} | BANDS},
    }  # fmt: skip
    survey = cx.read(tickets, mapping)
    tallies = cx.tally(survey, ["full_resolution", "again"], by=["answered", "shuffled"],
                       levels=[(), ("answered",), ("shuffled",)], period="year", rest=True)  # fmt: skip
    own, other = (cx.against_rest(tallies, "FY2026", name).set_index([name, "metric"]) for name in
                  ("answered", "shuffled"))  # fmt: skip
    took = own.loc[("no", "full_resolution")]
    yield "silent tickets take longer", bool(took["verdict"] == "differs" and took["difference"] > 0)
    yield "silent tickets are opened again", bool(own.loc[("no", "again"), "verdict"] == "differs")
    made = cx.nonresponse(survey, ["csat"], ["channel", "first_reply", "opened_again"], period="year", now="FY2026")
    off = (made[["unweighted", "value"]].iloc[0] - satisfied(frames)).abs()
    yield "weighting for the silent brings CSAT nearer to that of all", bool(off["value"] < off["unweighted"])
    yield "shuffled tickets differ", other["verdict"].eq("differs").any()


def of_who_leaves(frames: dict[str, pd.DataFrame], rng: np.random.Generator) -> Claims:
    """Churn in the last year by what was said before it, by the same shuffled, by region, and by cohort."""
    said = frames["responses"].dropna(subset=["respondent"])
    said = said[said["time"].dt.tz_convert(write.TIMEZONE) < "2025-11-01"].sort_values("time")
    latest = said.groupby("respondent")["nps"].last()
    people = frames["customers"].assign(nps=lambda t: t["respondent"].map(latest))
    people = people.assign(other=rng.permutation(people["nps"].to_numpy()))
    stay = {"column": "month.stay", "measure": "duration", "unit": "months", "still_open": {"month.there": ["yes"]}}
    mapping = {
        "kind": "relationship", "timezone": write.TIMEZONE, "columns": {"respondent": "respondent"},
        "monthly": {"from": "joined", "to": "churned_on", "until": OPEN, "since": "2025-11-01"},
        "items": {"churn": "month.lost", "stay": stay, "nps": {"column": "nps", "missing": [99]},
                  "other": {"column": "other", "measure": "nps", "missing": [99]}},
        "dimensions": {"said": {"item": "nps"} | CLASSES, "shuffled": {"item": "other"} | CLASSES,
                       "region": "region"},
    }  # fmt: skip
    survey = cx.read(people, mapping)
    names = ["said", "shuffled", "region"]
    tallies = cx.tally(survey, ["churn"], by=names, levels=[(name,) for name in names])
    own, *others = (cx.hazards(tallies, "churn", name).set_index(name)["verdict"] for name in names)
    yield "detractors leave more often", own["under 7"] == "higher"
    yield "promoters leave less often", own["9 or more"] == "lower"
    for name, found in zip(names[1:], others, strict=True):
        yield f"{name}: leaves otherwise", found.isin(["higher", "lower"]).any()
    cohorts = cx.cohorts(cx.tally(survey, ["stay"]), "stay")["verdict"]
    yield "a cohort leaves otherwise", cohorts.isin(["higher", "lower"]).any()


def claimed(seeds: range) -> Counter[str]:
    """In how many seeds each is claimed. A seed takes 20 s of a processor."""
    found = Counter[str]()
    for seed in seeds:
        frames, rng = write.sample(seed), np.random.default_rng(seed)
        frames["truth"] = write.satisfied(seed).to_frame("satisfied")
        for part in (of_replies, of_the_silent, of_who_leaves):
            found.update({claim: int(made) for claim, made in part(frames, rng)})
        write._drawn.cache_clear()
    return found


def test_what_is_planted_is_found() -> None:
    found = claimed(range(1))
    assert {claim for claim, times in found.items() if times} >= FOUND


@pytest.mark.slow
def test_what_is_planted_is_found_and_nothing_else_is_claimed() -> None:
    seeds = range(200)
    found = claimed(seeds)
    print(dict(found))
    for claim, times in found.items():
        if claim in FOUND:
            assert times >= 0.8 * len(seeds), claim
        else:  # .05, and three standard errors of a share of 200
            assert times <= 0.096 * len(seeds), claim
