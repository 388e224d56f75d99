"""The seeded sample: synthetic survey answers, tickets and customers whose truth is known.

Everything here is drawn at random. No brand, person or company is real, and every id begins with `SYN-`. What is true
of the population that the rows are drawn from, so that a report can be held against it (`truth`):

- The weighted NPS of each brand is `TRUE_NPS`, constant over the 24 months, with three exceptions. `PLANTED`: Brimvale
  raises its prices in 2026-10, its true NPS falls from +30 to +8 points and the share of price complaints rises from
  12 % to 30 %. `SWAP`: in 2026-10 three in ten customers of Corvanto move to its cheaper plan, whose NPS is 40 points
  lower; no plan's score moves, the brand's falls by 12. `DRIFT`: Dunmerle loses a point a month from 2025-11 on.
  Satisfaction, ease and every other item stay where they were.
- What drives NPS is whether the problem was solved, then friendliness, knowledge, waiting; not the website (`DRIVERS`).
- The customers of one employee, E07, feel less cared for from 2026-06 on (`SLIP`); E31 is good and has six answers
  (`FEW`). A manager often sees what the customer saw (`MANAGER_AGREES`), employees see themselves 15 points better.
- A first reply after more than an hour costs 15 points of satisfaction, the preferred channel gives 8 (`CSAT_LATE`,
  `CSAT_MATCHED`). Customers are silent more often after a slow reply and where their ticket was opened again, which
  goes with a contact that felt bad (`SILENT`, `REOPENED`); given these they would say what others say (`satisfied`).
  Tickets without an answer took 1.3 times longer to solve.
- Older customers are happier and answer more often: without the weights the scores come out too high.
- Channel, region and a bot at the other end shift how a contact is felt (`SHIFTS`), constantly over time.
- A customer answers several times, within a month and across months, and the answers resemble each other.
- Gildamar has seven answers, all in 2026-10. Hollistra is declared and has customers, but nobody answered.
- On purpose there are refusals (99), a few invalid codes (11), negative waits and clocks, and blanks.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from shutil import copyfile

import numpy as np
import pandas as pd

from cxkit.sample import truth
from cxkit.sample.survey import Floats, Ints, answers, blank, circumstances, contacts, ids, lookup, pick, weights
from cxkit.sample.tickets import ticket_frame

SEED = 2026
TIMEZONE = "Europe/Berlin"
EXPORTED = pd.Timestamp("2026-11-01", tz=TIMEZONE)  # nothing later is known
MAPPINGS = {frame: Path(__file__).parent / f"{frame}.yaml" for frame in ("responses", "tickets", "customers")}

_HISTORY = 60  # months before the first of the sample in which customers joined


def sample(seed: int = SEED) -> dict[str, pd.DataFrame]:
    """The synthetic data set, the same for the same seed.

    Args:
        seed: Any non-negative integer; what the module's docstring says holds for each.

    Returns:
        Three frames that join by `respondent` and `ticket`: "responses" (about 60,000 rows, one per filled-in
        questionnaire, in the order of time), "tickets" and "customers". Times are UTC, durations minutes.

    >>> frames = sample()
    >>> {name: len(frame) // 1000 for name, frame in frames.items()}
    {'responses': 59, 'tickets': 23, 'customers': 26}
    >>> int(frames["responses"]["brand"].eq("Gildamar").sum())
    7
    """
    return {name: frame.copy() for name, frame in _drawn(seed)[0].items()}


def satisfied(seed: int = SEED) -> pd.Series[float]:
    """Of each ticket the satisfaction that its customer told, or would have told if asked; blanks and codes as told.

    No export has it: it is the truth that the answers of those who did answer are held against.

    >>> said = satisfied()
    >>> round(100 * float((said[said.between(1, 5)] >= 4).mean()), 1)
    68.1
    """
    return _drawn(seed)[1].copy()


def write(folder: str | Path, seed: int = SEED) -> list[Path]:
    """Write the sample as exports arrive: three CSV files, and a mapping for each.

    Args:
        folder: Created where it does not exist; files of the same names are replaced.
        seed: As in `sample`.

    Returns:
        The paths written: responses.csv, tickets.csv, customers.csv, mapping.yaml, tickets.yaml and customers.yaml.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, frame in _drawn(seed)[0].items():
        paths.append(target / f"{name}.csv")
        frame.to_csv(paths[-1], index=False, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n", encoding="utf-8")
    for name, mapping in (("mapping.yaml", "responses"), ("tickets.yaml", "tickets"), ("customers.yaml", "customers")):
        paths.append(target / name)
        copyfile(MAPPINGS[mapping], target / name)
    return paths


@lru_cache(maxsize=1)
def _drawn(seed: int) -> tuple[dict[str, pd.DataFrame], pd.Series[float]]:
    """The frames, and what `satisfied` tells."""
    rng = np.random.default_rng(seed)
    customers, mood, first, last = _customers(rng)
    row = contacts(rng, customers, first, last)
    row |= circumstances(rng, row, customers)
    row["weight"] = weights(rng, row["age_group"])
    answered = answers(rng, row, mood[row["who"]])
    answered["time"] = answered["time"].dt.tz_localize(TIMEZONE).dt.tz_convert("UTC")
    tickets, ticket, told = ticket_frame(rng, answered, EXPORTED.tz_convert("UTC"))
    responses = answered.assign(ticket=ticket)[list(truth.COLUMNS)]
    frames = {"responses": responses, "tickets": tickets, "customers": customers.drop(columns="plan_before")}
    return {name: _texts(frame) for name, frame in frames.items()}, told


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of Python objects as pandas text, so that a missing text is missing and not the word None."""
    return frame.astype({name: "str" for name in frame.columns if frame[name].dtype.kind == "O"})


def _customers(rng: np.random.Generator) -> tuple[pd.DataFrame, Floats, Ints, Ints]:
    """Customers, their mood, and the first and last month (counted from the sample's first) of their activity.

    The unhappy leave sooner, and arrivals replace them: after five years the mean mood is in a steady state, so that
    scores do not drift. Who had left before the first month is not in the table.
    """
    brand = np.repeat(np.array(list(truth.BRANDS), dtype=object), [brand.customers for brand in truth.BRANDS.values()])
    n = len(brand)
    age = pick(rng, {name: share for name, (share, _, _) in truth.AGES.items()}, n)
    mood = rng.standard_normal(n) + lookup(age, {name: shift for name, (_, _, shift) in truth.AGES.items()})
    first = np.floor(rng.random(n) * (_HISTORY + len(truth.MONTHS))).astype(np.int64) - _HISTORY
    hazard = 0.018 * np.exp(-0.4 * mood)  # a month
    last = first + np.floor(np.log1p(-rng.random(n)) / np.log1p(-hazard)).astype(np.int64)
    end = EXPORTED.tz_localize(None)
    joined = _start(first) - pd.to_timedelta(20 + np.floor(rng.random(n) * 25), unit="D")
    left = _start(last + 1) + pd.to_timedelta(np.floor(rng.random(n) * 28), unit="D")
    lost = left < end
    tenure = (left.where(lost, end) - joined) / pd.Timedelta(days=30.4375)
    plan, swap = pick(rng, truth.PLANS, n), truth.SWAP
    moved = (brand == swap.brand) & (plan == swap.source) & (last >= truth.MONTHS.index(swap.month))
    moved &= rng.random(n) < swap.share / truth.PLANS[swap.source]
    frame = pd.DataFrame(
        {
            "brand": brand,
            "region": blank(rng, pick(rng, truth.REGIONS, n), 0.02),
            "age_group": age,
            "plan": np.where(moved, swap.target, plan),
            "plan_before": plan,
            "joined": joined.strftime("%Y-%m-%d"),
            "tenure_months": np.floor(tenure).astype(np.int64),
            "churned": np.where(lost, "yes", "no"),
            "churned_on": pd.Series(left.strftime("%Y-%m-%d")).where(lost),
        }
    )
    here = last >= 0
    frame = frame[here].reset_index(drop=True)
    frame.insert(0, "respondent", ids("C", len(frame)))
    return frame, mood[here], first[here], last[here]


def _start(month: Ints) -> pd.DatetimeIndex:
    """First day of each month, counted from the sample's first; a date far in the future stands for never."""
    return pd.DatetimeIndex((np.datetime64(truth.MONTHS[0], "M") + np.minimum(month, 1200)).astype("datetime64[s]"))
