"""The questionnaires of the synthetic sample: who answered when, about which contact, and what was ticked.

Answers are drawn so that their weighted shares are the declared ones: a latent number that mixes the customer's mood,
the contact and noise is turned into its weighted quantile, and the quantile into an answer by the cumulated shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxkit.sample import truth

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Texts: TypeAlias = npt.NDArray[np.object_]
Columns: TypeAlias = dict[str, npt.NDArray[Any]]
Rng: TypeAlias = np.random.Generator

_DECLINED, _INVALID = 99, 11
_HOURS = np.array([0, 1, *range(6, 24)])  # never 2 to 3 o'clock, which the change of clocks skips or repeats


def pick(rng: Rng, shares: Mapping[str, float], size: int) -> Texts:
    """Levels drawn with these shares, by one uniform number each."""
    return _at(np.cumsum(list(shares.values())), tuple(shares), rng.random(size))


def _at(edges: Floats, levels: tuple[str, ...], uniform: Floats) -> Texts:
    """The level whose share of (0, 1) holds each uniform number; `edges` are the cumulated shares."""
    found: Texts = np.array(levels, dtype=object)[np.searchsorted(edges[:-1], uniform * edges[-1], side="right")]
    return found


def only(where: Any, values: Any) -> Texts:
    """The values where the condition holds, missing elsewhere."""
    result: Texts = np.array(values, dtype=object)
    result[~np.asarray(where)] = None
    return result


def blank(rng: Rng, values: Texts, share: float) -> Texts:
    """The values, this share of them missing."""
    return only(rng.random(len(values)) >= share, values)


def ids(letter: str, n: int) -> list[str]:
    """Ids that say of every row that it is synthetic.

    >>> ids("R", 2)
    ['SYN-R000001', 'SYN-R000002']
    """
    return [f"SYN-{letter}{number:06d}" for number in range(1, n + 1)]


def lookup(levels: Any, table: Mapping[str, Any]) -> npt.NDArray[Any]:
    """The entry of each level; missing where the table has none. Numbers come as floats.

    >>> lookup(["N", None], {"N": 0.1})
    array([0.1, nan])
    """
    numeric = all(isinstance(entry, (int, float)) for entry in table.values())
    codes, found = pd.factorize(np.asarray(levels, dtype=object))
    entries = [*(table.get(level) for level in found), None]  # code -1, a missing level, is the last entry
    return np.array(entries, dtype=float if numeric else object)[codes]


# Contacts -------------------------------------------------------------------------------------------------------------


def contacts(rng: Rng, customers: pd.DataFrame, first: Ints, last: Ints) -> Columns:
    """One entry per filled-in questionnaire, in the order of time.

    Args:
        rng: The generator of the sample.
        customers: One row per customer.
        first: First month of each customer's activity, counted from the sample's first; may be negative.
        last: Last month, counted in the same way.

    Returns:
        `who` (row of the customer), `month` (counted) and `time` (local), each of shape (questionnaires,).
    """
    counts = _counts(rng, customers, first, last)
    who, month = np.nonzero(counts)
    repeats = counts[who, month]
    who, month = np.repeat(who, repeats), np.repeat(month, repeats)
    start = np.array(truth.MONTHS, dtype="datetime64[M]")
    days = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    day = np.floor(rng.random(len(who)) * days[month])
    hour = _HOURS[np.floor(rng.random(len(who)) * len(_HOURS)).astype(np.int64)]
    seconds = (day * 24 + hour) * 3600 + np.floor(rng.random(len(who)) * 3600)
    time = start.astype("datetime64[us]")[month] + seconds.astype("timedelta64[s]")
    order = np.argsort(time, kind="stable")
    return {"who": who[order], "month": month[order], "time": time[order]}


def _counts(rng: Rng, customers: pd.DataFrame, first: Ints, last: Ints) -> Ints:
    """Questionnaires per customer and month: 0 to 3, none outside the customer's time, seven for the small brand."""
    months = np.arange(len(truth.MONTHS))
    active = (first[:, None] <= months) & (months <= last[:, None])
    rates = {age: rate for age, (_, rate, _) in truth.AGES.items()}
    eager = lookup(customers["age_group"], rates) * np.exp(0.5 * rng.standard_normal(len(customers)))
    uniform = rng.random(active.shape)
    counts = np.zeros(active.shape, dtype=np.int64)
    of_brand = customers["brand"].to_numpy(dtype=object)
    for name, brand in truth.BRANDS.items():
        rows = of_brand == name
        rate = eager[rows, None] * active[rows]
        if brand.answers:
            rate *= brand.answers / (1.08 * rate.sum() / len(months))
            # of those who answer in a month 6 % answer twice or more often, 2 % three times
            counts[rows] = sum((uniform[rows] < part * rate).astype(np.int64) for part in (1, 0.06, 0.02))
    small = np.flatnonzero((of_brand == truth.SMALL) & active[:, -1])[:7]
    counts[small, -1] = 1
    return counts


def circumstances(rng: Rng, contact: Columns, customers: pd.DataFrame) -> Columns:
    """Where, how and with whom each contact took place, and by whom it was rated."""
    n = len(contact["who"])
    customer = customers.iloc[contact["who"]]
    uniform, points = rng.random(n), truth.TOUCHPOINTS
    touchpoint, channel = pick(rng, {name: point.share for name, point in points.items()}, n), np.empty(n, dtype=object)
    for name, point in points.items():
        rows = touchpoint == name
        channel[rows] = _at(np.cumsum(point.channels), truth.CHANNELS, uniform[rows])
    bot = np.isin(channel, ["chat", "messaging"]) & (rng.random(n) < 0.4)
    agent = np.select([bot, channel == "web"], ["bot", "self-service"], "human").astype(object)
    preferred = np.where(rng.random(n) < 0.6, channel, pick(rng, dict.fromkeys(truth.CHANNELS, 1.0), n))
    region = customer["region"].to_numpy(dtype=object)
    return {
        "response": np.array(ids("R", n), dtype=object),
        "respondent": only((rng.random(n) >= 0.003) | (customer["brand"] == truth.SMALL), customer["respondent"]),
        **{name: customer[name].to_numpy(dtype=object) for name in ("brand", "age_group")},
        "plan": np.where(
            contact["month"] < truth.MONTHS.index(truth.SWAP.month), customer["plan_before"], customer["plan"]
        ),
        "region": region,
        "location": only(channel == "store", _places(rng, region)),
        "touchpoint": touchpoint,
        **{part: lookup(touchpoint, {k: getattr(p, part) for k, p in points.items()}) for part in ("moment", "stage")},
        **_staff(rng, touchpoint, agent == "human"),
        "channel": blank(rng, channel, 0.01),
        "channel_preferred": blank(rng, preferred, 0.05),
        "human_or_bot": agent,
    }


def _places(rng: Rng, region: Texts) -> Texts:
    """One of the two shops of each customer's region; missing where the region is."""
    branch = rng.random(len(region)) < 0.5
    nearer, other = ({name: places[i] for name, places in truth.LOCATIONS.items()} for i in (0, 1))
    return np.where(branch, lookup(region, nearer), lookup(region, other))


def _staff(rng: Rng, touchpoint: Texts, present: Bools) -> Columns:
    """Department of each touchpoint, and where an employee was there, who it was and whose team it is."""
    department = lookup(touchpoint, {name: point.department for name, point in truth.TOUCHPOINTS.items()})
    names = list(dict.fromkeys(point.department for point in truth.TOUCHPOINTS.values()))
    offset = lookup(department, {name: truth.EMPLOYEES * i for i, name in enumerate(names)}).astype(np.int64)
    number = offset + np.floor(rng.random(len(touchpoint)) * truth.EMPLOYEES).astype(np.int64)
    staff = np.array([f"E{i + 1:02d}" for i in range(truth.EMPLOYEES * len(names))], dtype=object)
    new, answers, _ = truth.FEW
    first = int(np.flatnonzero(staff == new)[0]) // truth.EMPLOYEES * truth.EMPLOYEES  # of the same department
    colleagues = np.setdiff1d(np.arange(first, first + truth.EMPLOYEES), np.flatnonzero(staff == new))
    earlier = np.flatnonzero((staff[number] == new) & present)[:-answers]  # rows come in the order of time
    number[earlier] = rng.choice(colleagues, len(earlier))
    teams = np.array([f"M{i // 3 + 1:02d}" for i in range(len(staff))], dtype=object)
    return {
        "department": department,
        "employee": only(present, staff[number]),
        "manager": only(present, teams[number]),
    }


def weights(rng: Rng, age: Texts) -> Floats:
    """What an agency would deliver: the inverse of how eagerly an age group answers, roughened, with mean about 1."""
    base = lookup(age, {name: 1 / rate for name, (_, rate, _) in truth.AGES.items()})
    rough = base * np.exp(0.25 * rng.standard_normal(len(age)))
    return np.asarray(np.round(np.clip(rough / rough.mean(), 0.3, 4.0), 3))


# Answers --------------------------------------------------------------------------------------------------------------


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
    own = {name: rng.standard_normal(n) for name in truth.DRIVERS}
    nps = _nps(rng, row, mood, felt, own)
    reply = replies(rng, row["channel"], felt)
    complaint = rng.random(n) < np.where(planted, truth.PRICE_COMPLAINTS[1], truth.PRICE_COMPLAINTS[0])
    columns: dict[str, Any] = row | {"felt": felt, "reply": reply, "comment": _comments(rng, nps, complaint)}
    columns["price_complaint"] = blank(rng, np.where(complaint, "yes", "no").astype(object), 0.04)
    columns["contact_permission"] = np.where(rng.random(n) < 0.55, "yes", "no").astype(object)
    columns["nps"] = _coded(rng, "nps", nps, (rng.random(n) >= 0.03) | kept, kept)
    asked = {"all": np.full(n, True), "human": row["human_or_bot"] == "human", "module": np.arange(n) % 3 == 0}
    for name, item in truth.ITEMS.items():
        noise = np.sqrt(1 - item.mood**2 - item.felt**2) * own.get(name, rng.standard_normal(n))
        latent = item.mood * mood + item.felt * felt + noise
        if name == "csat":
            late = np.isin(row["touchpoint"], truth.WITH_TICKET) & (reply > truth.LATE)
            matched = row["channel"] == row["channel_preferred"]
            latent += truth.CSAT_MATCHED * matched + truth.CSAT_LATE * late
        code = np.searchsorted(np.cumsum(item.shares)[:-1], _quantile(latent, row["weight"]), side="right")
        if name == "cared":
            code = _of_employees(rng, row, code)
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


def _nps(rng: Rng, row: Columns, mood: Floats, felt: Floats, own: Mapping[str, Floats]) -> Ints:
    """Answers 0-10 by the true shares of each brand and month (`truth.classes`), of each plan where plans differ."""
    drivers = sum(load * own[name] for name, load in truth.DRIVERS.items())
    latent = 0.72 * mood + 0.15 * felt + drivers + 0.42 * rng.standard_normal(len(mood))
    answer = np.zeros(len(mood), dtype=np.int64)
    plans = np.where(row["brand"] == truth.SWAP.brand, row["plan"], "")
    for brand, plan in dict.fromkeys(zip(row["brand"], plans, strict=True)):
        rows = np.flatnonzero((row["brand"] == brand) & (plans == plan))
        quantile = _quantile(latent[rows], row["weight"][rows])
        months = row["month"][rows]
        for month in np.unique(months):
            edges = _edges(*truth.classes(brand, plan, truth.MONTHS[month]))
            answer[rows[months == month]] = np.searchsorted(edges, quantile[months == month], side="right")
    return answer


def _of_employees(rng: Rng, row: Columns, code: Ints) -> Ints:
    """Whether customers felt cared for, with what is planted of two employees: who slipped, and who has few answers."""
    uniform = rng.random(len(code))
    slip, (new, _, more) = truth.SLIP, truth.FEW
    slipped = (row["employee"] == slip.employee) & (row["month"] >= truth.MONTHS.index(slip.month))
    no, yes = 0, 2
    code = np.where(slipped & (code == yes) & (uniform < 1 - slip.after / slip.before), no, code)
    return np.where((row["employee"] == new) & (uniform < more / (1 - slip.before)), yes, code)


def replies(rng: Rng, channel: Texts, felt: Floats) -> Floats:
    """Minutes to a first reply: skewed, by channel, longer where the contact felt bad."""
    median = np.nan_to_num(lookup(channel, truth.REPLY), nan=30.0)
    minutes: Floats = median * np.exp(0.9 * rng.standard_normal(len(felt)) - 0.25 * felt)
    return minutes


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
