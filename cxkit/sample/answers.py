"""The answers of the synthetic sample: what was felt about each contact, and what was ticked and written.

Answers are drawn so that their weighted shares are the declared ones: a latent number that mixes the customer's mood,
the contact and noise is turned into its weighted quantile, and the quantile into an answer by the cumulated shares.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxkit.sample import truth
from cxkit.sample.contacts import Bools, Columns, Floats, Ints, Rng, Texts, blank, lookup, only

_DECLINED, _INVALID = 99, 11


def answers(rng: Rng, row: Columns, mood: Floats) -> pd.DataFrame:
    """The filled-in questionnaires.

    Args:
        rng: The generator of the sample.
        row: Contacts with their circumstances and `weight`, as arrays of shape (questionnaires,).
        mood: The lasting mood of the customer behind each, in standard deviations.

    Returns:
        The columns of `row` and the items; besides `felt`, how the contact felt, in standard deviations.
    """
    n = len(mood)
    shift = sum(np.nan_to_num(lookup(row[name], shifts)) for name, shifts in truth.SHIFTS.items())
    felt = rng.standard_normal(n) + shift
    kept = row["brand"] == truth.SMALL  # seven answers are to be seven answers: nothing is left out there
    planted = (row["brand"] == truth.PLANTED.brand) & (row["month"] >= truth.MONTHS.index(truth.PLANTED.month))
    nps = _nps(rng, row, mood, felt, planted)
    complaint = rng.random(n) < np.where(planted, truth.PRICE_COMPLAINTS[1], truth.PRICE_COMPLAINTS[0])
    columns: dict[str, Any] = row | {"felt": felt, "comment": _comments(rng, nps, complaint)}
    columns["price_complaint"] = blank(rng, np.where(complaint, "yes", "no").astype(object), 0.04)
    columns["contact_permission"] = np.where(rng.random(n) < 0.55, "yes", "no").astype(object)
    columns["nps"] = _coded(rng, "nps", nps, (rng.random(n) >= 0.03) | kept, kept)
    asked = {"all": np.full(n, True), "human": row["human_or_bot"] == "human", "module": np.arange(n) % 3 == 0}
    for name, item in truth.ITEMS.items():
        noise = np.sqrt(1 - item.mood**2 - item.felt**2) * rng.standard_normal(n)
        quantile = _quantile(item.mood * mood + item.felt * felt + noise, row["weight"])
        code = np.searchsorted(np.cumsum(item.shares)[:-1], quantile, side="right")
        given = asked[item.asked] & ((rng.random(n) >= item.blank) | kept)
        if name == "csat":
            columns["failure_reasons"] = _reasons(rng, code < 2, complaint)
        if name in truth.NUMBERS:
            columns[name] = _coded(rng, name, np.array(item.answers)[code], given, kept)
        else:
            columns[name] = only(given, np.array(item.answers, dtype=object)[code])
    return pd.DataFrame(columns | {"wait_time": _waits(rng, row, felt)})


def _quantile(latent: Floats, weight: Floats) -> Floats:
    """Weighted share of the sample that lies below each value."""
    order = np.argsort(latent, kind="stable")
    below = np.cumsum(weight[order])
    result = np.empty_like(latent)
    result[order] = (below - weight[order] / 2) / below[-1]
    return result


def _nps(rng: Rng, row: Columns, mood: Floats, felt: Floats, planted: Bools) -> Ints:
    """Answers 0-10 by each brand's true shares, and by `AFTER` where the planted change holds."""
    latent = 0.75 * mood + 0.2 * felt + 0.63 * rng.standard_normal(len(mood))
    answer = np.zeros(len(mood), dtype=np.int64)
    changed = _edges(*truth.AFTER)
    for name, brand in truth.BRANDS.items():
        rows = np.flatnonzero(row["brand"] == name)
        if len(rows):
            quantile = _quantile(latent[rows], row["weight"][rows])
            answer[rows] = np.searchsorted(_edges(brand.detractors, brand.promoters), quantile, side="right")
            moved = planted[rows]
            answer[rows[moved]] = np.searchsorted(changed, quantile[moved], side="right")
    return answer


def _edges(detractors: float, promoters: float) -> Floats:
    """Cumulated shares of the answers 0 to 9."""
    classes = (detractors, 1 - detractors - promoters, promoters)
    shares = [share * part for share, parts in zip(classes, truth.CODES, strict=True) for part in parts]
    return np.cumsum(shares)[:-1]


def _coded(rng: Rng, name: str, answer: Ints, given: Bools, kept: Bools) -> pd.arrays.IntegerArray:
    """The answers as codes: blank where not given; on the rating items some declined and a few invalid codes."""
    if name in ("nps", "tnps", "csat", "ces"):
        answer = np.where((rng.random(len(answer)) < 0.008) & ~kept, _DECLINED, answer)
    if name in ("nps", "tnps"):
        answer = np.where((rng.random(len(answer)) < 0.001) & ~kept, _INVALID, answer)
    return pd.arrays.IntegerArray(answer.astype(np.int64), ~given)


def _waits(rng: Rng, row: Columns, felt: Floats) -> Floats:
    """Minutes as the customers report them: skewed, longer where it went badly, a few impossible ones."""
    n = len(felt)
    median = np.nan_to_num(lookup(row["channel"], {"phone": 6.0, "chat": 2.0, "e-mail": 300.0, "store": 5.0}), nan=15.0)
    wait = np.round(median * np.exp(0.8 * rng.standard_normal(n) - 0.3 * felt), 1)
    wait = np.where(rng.random(n) < 0.0005, -1.0, wait)
    return np.where((row["human_or_bot"] == "self-service") | (rng.random(n) < 0.1), np.nan, wait)


def _reasons(rng: Rng, unhappy: Bools, complaint: Bools) -> Texts:
    """The reasons ticked, as one text separated by semicolons; missing where none was."""
    text = np.where(complaint, ";price", "").astype(object)
    for reason, (satisfied, dissatisfied) in truth.REASONS.items():
        ticked = rng.random(len(unhappy)) < np.where(unhappy, dissatisfied, satisfied)
        text[ticked] += f";{reason}"
    return np.array([reasons[1:] or None for reasons in text], dtype=object)


def _comments(rng: Rng, nps: Ints, complaint: Bools) -> Texts:
    """A comment for every third answer, by its class; who complains about the price says so, promoters do not."""
    n = len(nps)
    kind = np.searchsorted([7, 9], nps, side="right")
    table = np.array([truth.COMMENTS[label] for label in ("detractor", "passive", "promoter")], dtype=object)
    text: Texts = table[kind, np.floor(rng.random(n) * table.shape[1]).astype(np.int64)]
    price: Texts = np.array(truth.PRICE_COMMENTS, dtype=object)[np.floor(rng.random(n) * 3).astype(np.int64)]
    return blank(rng, np.where(complaint & (kind < 2), price, text), 0.65)
