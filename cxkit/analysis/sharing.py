"""What may stand on a page that is passed on: refusals and audit without what would give a hidden cell away.

A reader can subtract. Rows read, less all that was refused, less the bases that the pages show, are the bases that they
hide; and what a place has over all periods, less what it shows, is the period that it hides. So every base is the sum
of bases that are shown; where anything is hidden, neither the rows of files nor the people are told, not even nearly:
"about 200" beside 208 that are shown leave a hidden place one; and where a total leaves somebody out, blanks are not
counted in public.

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
NOT_SHOWN = "not shown"
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
    own = {
        "remarks": _remarks(found["remarks"], tallies),
        **{
            part: _uncounted(found[part])
            for part in ("files", "joins", "respondents", "weights")
            if part in found and protected(tallies)
        },
        "answers": _answers(found["answers"], tallies),
        "refused": _by_reason(refusals(tallies)),
        "straightlining": _alike(found["straightlining"], tallies),
        "response": _response(tallies, invited),
        "waves": found["waves"][found["waves"]["dimension"].isin(tallies.by)],
        "reports": reports(tallies),
    }
    return {name: own.get(name, frame).reset_index(drop=True) for name, frame in found.items()}


def protected(tallies: Tallies) -> bool:
    """Whether the tallies hide anything, so that nothing is told of how many answers they were made of."""
    return len(tallies.hidden) > 0 or bool(tallies.provenance.get("withheld"))


def public(file: Mapping[str, Any], tallies: Tallies) -> dict[str, Any]:
    """What is told of a file: no hash, which who can guess the rest of it tries guesses of an answer against."""
    told = {key: value for key, value in file.items() if key not in ("sha256", "join")}  # the audit tells the join
    if not protected(tallies):
        return told
    return told | {"rows": None} | ({"sheets": dict.fromkeys(told["sheets"])} if told.get("sheets") else {})


def _uncounted(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows, and facts in words, without counts; 1.25 is none, nor are weights."""
    if "rows" in frame:
        read = frame["read"].str.replace(r" \([\d,]+ rows\)", "", regex=True)  # of sheets
        return frame.assign(rows=pd.array([pd.NA] * len(frame), dtype="Int64"), read=read)
    told = frame["value"].str.replace(
        ":.*", "", regex=True
    )  # a design effect stays, without the responses that it is of
    return frame.assign(value=told.mask(frame["fact"].ne("range") & told.str.contains(_COUNT), NOT_SHOWN))


def _answers(frame: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """Of the items that the run is about: how many answers the totals hold, and how many are no answers."""
    totals = tallies.counts[tallies.counts["cut"] == ""].groupby("item")["n"].sum()
    frame = frame[frame["item"].isin([metric.item for metric in tallies.metrics.values()])]
    used = frame["item"].map(totals).fillna(0).astype("int64")
    share = 100 * used / frame["rows"].clip(lower=1)
    if not incomplete(tallies):
        return frame.assign(used=used, share=share)
    gone = dict.fromkeys(("rows", "missing", "share"), pd.array([pd.NA] * len(frame), dtype="Int64"))
    return frame.assign(used=used, **gone)


def unquoted(frame: pd.DataFrame) -> pd.DataFrame:
    """Remarks without what somebody wrote, whose words may go to a log."""
    quotes = frame["code"].isin(QUOTES)
    named = frame["found"].where(frame["code"] == "lost in a period", "")
    return frame.assign(found=frame["found"].mask(quotes, named), more=frame["more"].mask(quotes, ""))


def _remarks(frame: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """Without quotes and counts, shares rounded, and nothing about a place that is hidden somewhere.

    What few people did is told as "some", and everything where a share would tell how many answers there are.
    """
    least, n, rest = tallies.rules.hide_below, frame["n"], frame["of"] - frame["n"]
    few = ((n < least) | (rest < least)).fillna(True).astype(bool)
    hidden = tallies.hidden[tallies.hidden["cut"].isin(frame["cut"])] if len(tallies.hidden) else tallies.hidden
    gone = {(row["item"], row["cut"], row[row["cut"]]) for row in hidden.to_dict("records") if row["cut"]}
    # the lowest answer of all is one of those that are hidden, too
    ends = {"end not reached"} if protected(tallies) else set()
    shown = [row.code not in ends and (row.about, row.cut, row.level) not in gone for row in frame.itertuples()]
    told = unquoted(frame).assign(share=frame["share"].round().mask(few | (frame["share"] < 1) | protected(tallies)))
    told = told.drop(columns=["n", "of"]).reindex(columns=frame.columns)
    return told[np.array(shown, dtype=bool)]


def _by_reason(frame: pd.DataFrame) -> pd.DataFrame:
    counted = frame.groupby(["item", "reason"], sort=False)["n"]
    summed: pd.DataFrame = counted.sum(min_count=1).reset_index()
    return summed


def _alike(frame: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """Everybody who answered three questions may be everybody who answered one."""
    answered = frame["answered"].astype("Int64").mask(frame["answered"] < tallies.rules.hide_below)
    told = frame[["items"]].assign(answered=answered.mask(answered.notna() & protected(tallies)))
    return told.assign(share=(100 * frame["alike"] / answered).round())


def _response(tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    frame = response(tallies, invited)
    hidden = tallies.hidden.loc[tallies.hidden["cut"] == "", "period"]
    gone = frame["period"].isin(set(hidden))
    first = next(iter(tallies.metrics.values())).item  # of those who are left out nobody knows how many were invited
    some = any(cell["item"] == first for cell in tallies.provenance.get("withheld", []))
    return frame.assign(answered=frame["answered"].astype("Int64").mask(gone), rate=frame["rate"].mask(gone | some))
