"""What may stand on a page that is passed on: refusals and audit without what would give a hidden cell away.

A reader can subtract. Rows read, less all that was refused, less the bases that the pages show, are the bases that they
hide; and what a place has over all periods, less what it shows, is the period that it hides. So every base is the sum
of bases that are shown; where anything is hidden, the rows of files and the people are told in round numbers; and where
a total leaves somebody out, blanks are not counted in public.

A refused answer can be anything that somebody wrote: a name, a phone number, a complaint. In public only those are
quoted that look like a code and are frequent. `cxkit check` tells the operator everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxkit.input.answers import QUOTING
from cxkit.schema import QUOTES
from cxkit.tallies.audit import reports, response
from cxkit.tallies.tallies import Tallies

BLANK = "empty"  # the reason of which every item has some, so that it says nothing to leave it open
OTHERS = "(other values, not shown)"
LONGEST = 12  # characters of a code
DIGITS = 4  # more than so many are a phone number, an account, a day of birth
_COUNT = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})*\b(?!\.\d)")
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

    Where an item is incomplete the blanks of all are there, but not counted, whether there are any or not: those of
    another item would tell how many rows there are. Refused answers are quoted only where they are codes.

    Args:
        tallies: With hidden cells taken out.
    """
    audit = _unquoted(tallies.audit, tallies.rules.hide_below)
    if not incomplete(tallies):
        return audit
    items = list(dict.fromkeys(metric.item for metric in tallies.metrics.values()))
    frame = audit.astype({"n": "Int64"})
    blank = frame["reason"] == BLANK
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
    least = tallies.rules.hide_below
    own = {
        "remarks": _remarks(found["remarks"], tallies),
        "files": _files(found["files"], tallies),
        **{part: _in_words(found[part], least) for part in ("respondents", "weights") if protected(tallies)},
        "answers": _answers(found["answers"], tallies),
        "refused": _by_reason(refusals(tallies)),
        "straightlining": _alike(found["straightlining"], least),
        "response": _response(tallies, invited),
        "waves": found["waves"][found["waves"]["dimension"].isin(tallies.by)],
        "reports": reports(tallies),
    }
    return {name: own.get(name, frame).reset_index(drop=True) for name, frame in found.items()}


def protected(tallies: Tallies) -> bool:
    """Whether the tallies hide anything, so that what they were made of is told in round numbers."""
    return len(tallies.hidden) > 0 or bool(tallies.provenance.get("withheld"))


def about(n: int, least: int) -> int | None:
    """A count in round numbers, downwards: three digits, and no finer than by the people that a group needs.

    >>> about(56789, 10), about(5678, 10), about(57, 10), about(9, 10)
    (56700, 5670, 50, None)
    """
    return None if n < least else n // (unit := max(10 ** (len(str(n)) - 3), least)) * unit


def public(file: Mapping[str, Any], tallies: Tallies) -> dict[str, Any]:
    """What is told of a file: no hash, which who can guess the rest of it tries guesses of an answer against."""
    told = {key: value for key, value in file.items() if key != "sha256"}
    if not protected(tallies) or told.get("rows") is None:
        return told
    return told | {"rows": None, "rows_about": about(told["rows"], tallies.rules.hide_below)}


def _files(frame: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    if not protected(tallies):
        return frame
    told = frame["rows"].map(lambda n: about(int(n), tallies.rules.hide_below), na_action="ignore")
    return frame.assign(rows=told.astype("Int64")).rename(columns={"rows": "rows_about"})


def _in_words(frame: pd.DataFrame, least: int) -> pd.DataFrame:
    """Facts in words, with round numbers in place of counts; 1.25 is none, nor are weights."""

    def rounded(found: re.Match[str]) -> str:
        n = about(int(found[0].replace(",", "")), least)
        return f"fewer than {least}" if n is None else f"about {n:,}"

    told = frame["value"].str.replace(_COUNT, rounded, regex=True)
    return frame.assign(value=told.where(frame["fact"] != "range", frame["value"]))


def _answers(frame: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """Of the items that the run is about: how many answers the totals hold, and how many are no answers."""
    totals = tallies.counts[tallies.counts["cut"] == ""].groupby("item")["n"].sum()
    frame = frame[frame["item"].isin([metric.item for metric in tallies.metrics.values()])]
    used = frame["item"].map(totals).fillna(0).astype("int64")
    share = 100 * used / frame["rows"].clip(lower=1)
    if not incomplete(tallies):
        return frame.assign(used=used, share=share)
    rows = frame["rows"].map(lambda n: about(n, tallies.rules.hide_below)).astype("Int64")
    told = frame.assign(rows=rows, used=used, missing=pd.array([pd.NA] * len(frame), dtype="Int64"))
    return told.assign(share=(100 * used / rows).clip(upper=100).round()).rename(columns={"rows": "rows_about"})


def unquoted(frame: pd.DataFrame) -> pd.DataFrame:
    """Remarks without what somebody wrote, whose words may go to a log."""
    quotes = frame["code"].isin(QUOTES)
    named = frame["found"].where(frame["code"] == "lost in a period", "")
    return frame.assign(found=frame["found"].mask(quotes, named), more=frame["more"].mask(quotes, ""))


def _remarks(frame: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """Without quotes and counts, shares rounded, and nothing about a place that is hidden somewhere.

    What few people did is told as "some".
    """
    least, n, rest = tallies.rules.hide_below, frame["n"], frame["of"] - frame["n"]
    few = ((n < least) | (rest < least)).fillna(True).astype(bool)
    hidden = tallies.hidden[tallies.hidden["cut"].isin(frame["cut"])] if len(tallies.hidden) else tallies.hidden
    gone = {(row["item"], row["cut"], row[row["cut"]]) for row in hidden.to_dict("records") if row["cut"]}
    shown = [(row.about, row.cut, row.level) not in gone for row in frame.itertuples()]
    told = unquoted(frame).assign(share=frame["share"].round().mask(few | (frame["share"] < 1)))
    told = told.drop(columns=["n", "of"]).reindex(columns=frame.columns)
    return told[np.array(shown, dtype=bool)]


def _by_reason(frame: pd.DataFrame) -> pd.DataFrame:
    counted = frame.groupby(["item", "reason"], sort=False)["n"]
    summed: pd.DataFrame = counted.sum(min_count=1).reset_index()
    return summed


def _alike(frame: pd.DataFrame, least: int) -> pd.DataFrame:
    """In round numbers: everybody who answered three questions may be everybody who answered one."""
    answered = frame["answered"].astype("Int64").mask(frame["answered"] < least)
    told = answered.map(lambda n: about(n, least), na_action="ignore")
    return frame[["items"]].assign(about=told, share=(100 * frame["alike"] / answered).round())


def _response(tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    frame = response(tallies, invited)
    hidden = tallies.hidden.loc[tallies.hidden["cut"] == "", "period"]
    gone = frame["period"].isin(set(hidden))
    first = next(iter(tallies.metrics.values())).item  # of those who are left out nobody knows how many were invited
    some = any(cell["item"] == first for cell in tallies.provenance.get("withheld", []))
    return frame.assign(answered=frame["answered"].astype("Int64").mask(gone), rate=frame["rate"].mask(gone | some))
