"""The tickets of the synthetic sample: three clocks, agent time, reopened and open ones, three observers of care."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxkit.sample import truth
from cxkit.sample.survey import Bools, Floats, Rng, Texts, blank, ids, pick, replies


def ticket_frame(
    rng: Rng, answered: pd.DataFrame, exported: pd.Timestamp
) -> tuple[pd.DataFrame, pd.Series[str], pd.Series[float]]:
    """Tickets in the order of opening, the ticket of each response (missing where the contact had none), and the truth.

    A ticket whose customer answered lies before the answer. Two in five were never followed by an answer: more often
    after a slow reply or where the ticket was opened again, and else like those that were; they took longer, and some
    were given up without a solution. What happened after the export is not known and stays blank.

    Args:
        rng: The generator of the sample.
        answered: Responses with `felt`, `reply` (minutes) and their circumstances; `time` in UTC.
        exported: The moment of the export, with a time zone.

    Returns:
        The tickets, of each response its ticket, and of each ticket the satisfaction that its customer told, or would
        have told if asked.
    """
    source = answered.loc[answered["touchpoint"].isin(truth.WITH_TICKET)]
    others = 2 * len(source) // 3
    rows = pd.concat([source, source.iloc[np.floor(rng.random(4 * others) * len(source)).astype(np.int64)]])
    felt, channel, first = rows["felt"].to_numpy(), rows["channel"].to_numpy(dtype=object), np.arange(len(source))
    reply = np.concatenate([rows["reply"].to_numpy()[first], replies(rng, channel, felt)[len(source) :]])
    reopened = rng.random(len(rows)) < _returning(felt)
    # of contacts of which nothing was heard those are tickets that come first by the odds of silence
    turn = rng.standard_exponential(len(rows)) / _silence(reply, reopened)
    kept = np.concatenate([first, len(source) + np.argsort(turn[len(source) :], kind="stable")[:others]])
    rows, reply, reopened, n = rows.iloc[kept], reply[kept], reopened[kept], len(kept)
    solving, again = _minutes(rng, felt[kept], np.arange(n) >= len(source))
    lead = reply + solving + rng.random(n) * 600  # the questionnaire went out within ten hours of the solution
    offset = np.where(np.arange(n) < len(source), -lead, (rng.random(n) - 0.5) * 24 * 60 * 20)
    opened = rows["time"].reset_index(drop=True) + _span(offset)
    opened = opened.where(opened < exported, exported - pd.Timedelta(minutes=1))
    abandoned = (np.arange(n) >= len(source)) & (rng.random(n) < 0.03)
    clock = np.where(rng.random(n) < 0.0005, -5.0, reply)  # a clock that runs late: the reply precedes the opening
    events: dict[str, Any] = {"opened": opened, "first_reply": opened + _span(clock)}
    events["first_resolution"] = (opened + _span(reply + solving)).mask(abandoned)
    events["solved"] = (opened + _span(reply + solving + np.where(reopened, again, 0.0))).mask(abandoned)
    known = {name: stamp.where(stamp <= exported).dt.floor("s") for name, stamp in events.items()}
    columns = ["respondent", "brand", "region", "channel", "human_or_bot", "department", "employee", "manager"]
    frame = rows[columns].reset_index(drop=True)
    frame = frame.assign(
        **known,
        reopened=np.where(reopened & known["first_resolution"].notna(), "yes", "no"),
        agent_minutes=np.round(9 * np.exp(0.6 * rng.standard_normal(n)), 1),
        rating=_rating(rng, rows, len(source)),
        **_observers(rng, rows, len(source)),
    )
    order = np.argsort(frame["opened"].to_numpy(), kind="stable")
    names = ids("T", n)
    frame = frame.iloc[order].reset_index(drop=True)
    frame.insert(0, "ticket", names)
    ticket = pd.Series(names, index=order).sort_index().iloc[: len(source)]
    told = pd.Series(rows["csat"].to_numpy(dtype=float, na_value=np.nan)[order], index=names)
    return frame, pd.Series(ticket.to_numpy(), index=source.index).reindex(answered.index), told


def _returning(felt: Floats) -> Floats:
    """How probably a ticket is opened again: the worse the contact felt, the more often."""
    common, more = truth.REOPENED
    return np.asarray(1 / (1 + np.exp(-common - more * felt)))


def _silence(reply: Floats, reopened: Bools) -> Floats:
    """How many times as often as others the customers of such tickets say nothing."""
    band = np.searchsorted(list(truth.SILENT), reply, side="right") - 1
    return np.array(list(truth.SILENT.values()))[band] * np.where(reopened, truth.SILENT_REOPENED, 1.0)


def _minutes(rng: Rng, felt: Floats, silent: Bools) -> tuple[Floats, Floats]:
    """Minutes from the first reply to the first resolution, and from a reopening to the last."""
    slower = np.exp(-0.25 * felt) * np.where(silent, 1.3, 1.0)
    solving = 240.0 * slower * np.exp(1.2 * rng.standard_normal(len(felt)))
    return solving, 1800.0 * slower * np.exp(0.8 * rng.standard_normal(len(felt)))


def _span(minutes: Floats) -> pd.TimedeltaIndex:
    return pd.to_timedelta(np.round(minutes * 60), unit="s")


def _rating(rng: Rng, rows: pd.DataFrame, answered: int) -> Texts:
    """The help desk's own rating: Good, Bad, Offered (asked, no answer) or blank (not asked)."""
    n = len(rows)
    good = np.where(rows["felt"].to_numpy() + rng.standard_normal(n) > -0.9, "Good", "Bad").astype(object)
    silent = blank(rng, np.full(n, "Offered", dtype=object), 0.5)
    return np.where((np.arange(n) < answered) & (rng.random(n) < 0.7), good, silent)


def _observers(rng: Rng, rows: pd.DataFrame, answered: int) -> dict[str, Texts]:
    """Whether the customer was cared for, as the manager and the employee saw it in a few of the tickets."""
    n = len(rows)
    item = truth.ITEMS["cared"]
    shares = {str(answer): share for answer, share in zip(item.answers, item.shares, strict=True)}
    customer = rows["cared"].where(np.arange(n) < answered)  # what the silent felt nobody heard
    copied = customer.notna().to_numpy() & (rng.random(n) < truth.MANAGER_AGREES)
    manager = np.where(copied, customer, pick(rng, shares, n))
    employee = np.where(copied, customer, pick(rng, shares, n))
    flattered = rng.random(n) < truth.EMPLOYEE_OVERRATES / (1 - shares["yes"])
    return {
        "cared_manager": blank(rng, manager, 0.94),
        "cared_employee": blank(rng, np.where(flattered, "yes", employee), 0.85),
    }
