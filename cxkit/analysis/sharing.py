"""What may stand on a page that is passed on: refusals and audit without what would give a hidden cell away.

A reader can subtract. Rows read, less all that was refused, less the bases that the pages show, are the bases that they
hide; and what a place has over all periods, less what it shows, is the period that it hides. So the blanks of an item
of which a total leaves somebody out are not counted in public, and every base is the sum of bases that are shown.

A refused answer can be anything that somebody wrote: a name, a phone number, a complaint. In public only those are
quoted that look like a code and are frequent. `cxkit check` tells the operator everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from cxkit.input.answers import QUOTING
from cxkit.tallies.audit import reports, response
from cxkit.tallies.tallies import Tallies

BLANK = "empty"  # the reason of which every item has some, so that it says nothing to leave it open
OTHERS = "(other values, not shown)"
LONGEST = 12  # characters of a code
DIGITS = 4  # more than so many are a phone number, an account, a day of birth
_QUOTED = re.compile(rf"(?P<what>(?:{'|'.join(QUOTING)})[^:]*): (?P<value>.*)", re.DOTALL)


def incomplete(tallies: Tallies) -> list[str]:
    """The items of which some answers are in no total that is shown.

    Args:
        tallies: With hidden cells taken out.
    """
    left_out = {str(cell["item"]) for cell in tallies.provenance.get("withheld", [])}
    hidden = set(tallies.hidden.loc[tallies.hidden["cut"] == "", "item"])
    return [item for item in dict.fromkeys(m.item for m in tallies.metrics.values()) if item in left_out | hidden]


def refusals(tallies: Tallies) -> pd.DataFrame:
    """Refusals by reason, as they may be passed on.

    The blanks of incomplete items are there, but not counted, whether there are any or not; refused answers are quoted
    only where they are codes.

    Args:
        tallies: With hidden cells taken out.
    """
    items, audit = incomplete(tallies), _unquoted(tallies.audit, tallies.rules.hide_below)
    if not items:
        return audit
    frame = audit.astype({"n": "Int64"})
    blank = frame["item"].isin(items) & (frame["reason"] == BLANK)
    frame["n"] = frame["n"].mask(blank)
    lacking = [item for item in items if item not in set(frame.loc[blank, "item"])]
    more = pd.DataFrame({"item": lacking, "reason": BLANK, "n": pd.array([pd.NA] * len(lacking), dtype="Int64")})
    return pd.concat([frame, more], ignore_index=True) if lacking else frame


def is_code(value: str) -> bool:
    """Whether a refused answer looks like a code: one short word or number, no address, no telephone.

    Two words are a name as often as an answer, so they are none.

    >>> [value for value in ("11", "n/a", "9,5", "Jo Doe", "jo@x.org", "5550199", "see my mail") if is_code(value)]
    ['11', 'n/a', '9,5']
    """
    digits = sum(letter.isnumeric() for letter in value)
    return len(value) <= LONGEST and len(value.split()) == 1 and "@" not in value and digits <= DIGITS


def _unquoted(frame: pd.DataFrame, least: int) -> pd.DataFrame:
    """Refusals in which answers that are no codes, or rare, are counted together for each item."""
    found = frame["reason"].str.extract(_QUOTED)
    often = frame.groupby(["item", "reason"])["n"].transform("sum") >= least
    code = found["value"].map(is_code, na_action="ignore").eq(True)
    told = frame["reason"].mask(found["what"].notna() & ~(often & code), found["what"] + f" {OTHERS}")
    if told.equals(frame["reason"]):
        return frame
    keys = [name for name in frame.columns if name != "n"]
    summed: pd.DataFrame = frame.assign(reason=told).groupby(keys, sort=False, dropna=False)["n"].sum().reset_index()
    return summed[list(frame.columns)]


def shared(found: Mapping[str, pd.DataFrame], tallies: Tallies, invited: Mapping[str, int]) -> dict[str, pd.DataFrame]:
    """The audit as a page may show it.

    Args:
        found: From `audit`, of the whole tallies.
        tallies: With hidden cells taken out.
        invited: As `audit` took them.
    """
    own = {
        "answers": _answers(found["answers"], tallies),
        "refused": _by_reason(refusals(tallies)),
        "straightlining": _alike(found["straightlining"], tallies.rules.hide_below),
        "response": _response(tallies, invited),
        "waves": found["waves"][found["waves"]["dimension"].isin(tallies.by)],
        "reports": reports(tallies),
    }
    return {name: own.get(name, frame).reset_index(drop=True) for name, frame in found.items()}


def _answers(frame: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """Of the items that the run is about: how many answers the totals hold, and how many are no answers."""
    totals = tallies.counts[tallies.counts["cut"] == ""].groupby("item")["n"].sum()
    frame = frame[frame["item"].isin([metric.item for metric in tallies.metrics.values()])]
    used = frame["item"].map(totals).fillna(0).astype("int64")
    missing = frame["missing"].astype("Int64").mask(frame["item"].isin(incomplete(tallies)))
    return frame.assign(used=used, missing=missing, share=100 * used / frame["rows"].clip(lower=1))


def _by_reason(frame: pd.DataFrame) -> pd.DataFrame:
    counted = frame.groupby(["item", "reason"], sort=False)["n"]
    summed: pd.DataFrame = counted.sum(min_count=1).reset_index()
    return summed


def _alike(frame: pd.DataFrame, least: int) -> pd.DataFrame:
    """In round numbers: everybody who answered three questions may be everybody who answered one."""
    answered = frame["answered"].astype("Int64").mask(frame["answered"] < least)
    about = answered.map(lambda n: n // (unit := max(10 ** (len(str(n)) - 2), least)) * unit, na_action="ignore")
    return frame[["items"]].assign(about=about, share=(100 * frame["alike"] / answered).round())


def _response(tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    frame = response(tallies, invited)
    hidden = tallies.hidden.loc[tallies.hidden["cut"] == "", "period"]
    gone = frame["period"].isin(set(hidden))
    first = next(iter(tallies.metrics.values())).item  # of those who are left out nobody knows how many were invited
    some = any(cell["item"] == first for cell in tallies.provenance.get("withheld", []))
    return frame.assign(answered=frame["answered"].astype("Int64").mask(gone), rate=frame["rate"].mask(gone | some))
